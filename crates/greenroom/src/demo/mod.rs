//! `demo`: the whole product on this machine with nothing to configure: Greenroom on SQLite, a simulated Zoho in two data centres, a
//! mailbox page, and people with plausible calendars. Its state lives in one folder, so it survives being killed.

mod clock;
mod headless;
mod seed;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use ports::Clock;
use tokio::net::TcpListener;
use url::Url;
use zoho_sim::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DataCentre, Options, Sim, Switches};

use crate::{
    cli::calendar_pair,
    config::{Config, Variables},
    listen::{Door, Socket},
    serve, wiring,
    world::{DemoClock, Stopwatch},
};

/// Marks a folder as the demo's, so that `--reset` never empties another.
const MARKER: &str = ".greenroom-demo";

/// Options of `demo`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Port of Greenroom; the simulated data centres have the next two.
    #[arg(long, default_value_t = 8040)]
    port: u16,
    /// Where the demo's state lives.
    #[arg(long, default_value = "greenroom-demo")]
    data: PathBuf,
    /// Empties that folder first.
    #[arg(long)]
    reset: bool,
    /// Does the whole walk over HTTP alone, checks every outcome and exits 0 or 1.
    #[arg(long)]
    headless: bool,
    /// Puts somebody's exported calendar into the simulator; may be repeated.
    #[arg(long, value_name = "EMAIL=FILE.ics", value_parser = calendar_pair)]
    calendar: Vec<(String, PathBuf)>,
}

/// Where everything listens.
#[derive(Debug, Clone)]
struct Addresses {
    greenroom: String,
    zoho_us: String,
    zoho_eu: String,
}

impl Addresses {
    fn from(port: u16) -> Result<Self> {
        let at =
            |offset: u16| port.checked_add(offset).map(|port| format!("http://localhost:{port}")).context("choose a lower --port");
        Ok(Self { greenroom: at(0)?, zoho_us: at(1)?, zoho_eu: at(2)? })
    }
}

/// Runs the demo.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let addresses = Addresses::from(arguments.port)?;
    prepare(&arguments.data, arguments.reset)?;
    println!("Starting Greenroom's demo in {} …", arguments.data.display());
    let listeners = bind(arguments.port).await?;

    let clock = DemoClock::ahead(clock::load(&arguments.data)?);
    let sim = simulator(&arguments, &addresses, &clock).await?;
    println!("  simulated Zoho: data centres us and eu                  {:5.1} s", watch.seconds());

    let config = config(&arguments.data, &addresses)?;
    let installation = wiring::install(&config, None, Arc::new(clock.clone()), true).await?;
    let app = installation.app.clone();
    println!("  Greenroom: database, key and vault                      {:5.1} s", watch.seconds());
    let seeded = seed::seed(&app).await?;
    let key = seed::api_key(&app, &arguments.data).await?;
    println!(
        "  managers, vacancies and candidates: {}          {:5.1} s",
        if seeded { "made now      " } else { "as you left it" },
        watch.seconds()
    );

    let mover = clock::Mover::new(app.clone(), clock.clone(), arguments.data.clone());
    let router = web::router_with(installation.web.clone(), clock::routes(mover));
    let door = Door { public_url: config.public_url.clone(), trusted_proxies: Vec::new() };
    let admin_link = app.admin_link("demo administrator").await?;
    let [greenroom, us, eu] = listeners;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let stopping = move || {
        let mut stopped = stopped.clone();
        async move {
            let wait = stopped.wait_for(|stop| *stop).await;
            tracing::debug!(told = wait.is_ok(), "stopping");
        }
    };
    let zoho = [("us", us), ("eu", eu)].map(|(location, listener)| {
        let (sim, stopping) = (sim.clone(), stopping());
        tokio::spawn(async move { sim.serve(location, listener, stopping).await })
    });
    let server = tokio::spawn(serve::run(Socket::plain(greenroom), door, router, installation.web, stopping()));

    announce(&addresses, &admin_link, &key);
    let code = if arguments.headless {
        headless::walk(&headless::Places { greenroom: addresses.greenroom.clone(), zoho: addresses.zoho_us.clone(), key }).await
    } else {
        serve::stop_signal().await;
        println!("\nStopping; start it again to go on where you are.");
        ExitCode::SUCCESS
    };
    stop.send_replace(true);
    server.await.context("the server ended unexpectedly")??;
    for data_centre in zoho {
        data_centre.await.context("the simulator ended unexpectedly")??;
    }
    sim.save().await?;
    Ok(code)
}

/// Makes or empties the folder.
fn prepare(data: &Path, reset: bool) -> Result<()> {
    let marker = data.join(MARKER);
    if reset && data.exists() {
        ensure!(
            marker.exists(),
            "{} was not made by the demo, so it is not emptied; choose another folder with --data",
            data.display()
        );
        fs::remove_dir_all(data).with_context(|| format!("{} cannot be emptied", data.display()))?;
    }
    fs::create_dir_all(data).with_context(|| format!("{} cannot be made", data.display()))?;
    fs::write(&marker, "The demo of Greenroom keeps its state here; `--reset` empties this folder.\n")
        .with_context(|| format!("{} cannot be written", data.display()))
}

async fn bind(port: u16) -> Result<[TcpListener; 3]> {
    let at = async |offset: u16, what: &str| {
        let port = port + offset;
        TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("port {port} ({what}) is in use; choose others with --port"))
    };
    Ok([at(0, "Greenroom").await?, at(1, "Zoho us").await?, at(2, "Zoho eu").await?])
}

async fn simulator(arguments: &Arguments, addresses: &Addresses, clock: &DemoClock) -> Result<Sim> {
    let data_centre = |location: &str, origin: &str| -> Result<DataCentre> {
        Ok(DataCentre { location: location.to_owned(), origin: Url::parse(origin)? })
    };
    let state = arguments.data.join("zoho");
    let first = !state.exists();
    let shared = clock.clone();
    let sim = Sim::new(Options {
        clock: Arc::new(move || Clock::now(&shared)),
        data_centres: vec![data_centre("us", &addresses.zoho_us)?, data_centre("eu", &addresses.zoho_eu)?],
        switches: Switches::default(),
        state_dir: Some(state),
        seed: 1,
    })?;
    let redirect = format!("{}/api/oauth/callback/", addresses.greenroom);
    sim.with(|world, now| zoho_sim::seed_demo(world, vec![redirect], now));
    if first {
        for (email, text) in seed::CALENDARS {
            sim.with(|world, now| world.import_ics(email, None, text, now))
                .with_context(|| format!("the demo's calendar of {email}"))?;
        }
    }
    for (email, file) in &arguments.calendar {
        let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        sim.with(|world, now| world.import_ics(email, None, &text, now))
            .with_context(|| format!("{} cannot be put into the calendar of {email}", file.display()))?;
    }
    sim.save().await?;
    Ok(sim)
}

fn config(data: &Path, addresses: &Addresses) -> Result<Config> {
    let text = |path: PathBuf| path.to_str().map(ToOwned::to_owned).context("--data must be plain text");
    Config::from(&Variables::of([
        ("ZOHO_CLIENT_ID", DEMO_CLIENT_ID.to_owned()),
        ("ZOHO_CLIENT_SECRET", DEMO_CLIENT_SECRET.to_owned()),
        ("ZOHO_REDIRECT_URI", format!("{}/api/oauth/callback/", addresses.greenroom)),
        ("ZOHO_ACCOUNTS_URL", addresses.zoho_us.clone()),
        ("GREENROOM_ZOHO_HOSTS", format!("us={},eu={}", addresses.zoho_us, addresses.zoho_eu)),
        ("GREENROOM_COMPANY", "Brightwater Ltd".to_owned()),
        ("GREENROOM_RECRUITING_CONTACT", "recruiting@example.com".to_owned()),
        ("DEFAULT_FROM_EMAIL", "Brightwater interviews <interviews@example.com>".to_owned()),
        ("GREENROOM_OPEN_OAUTH_FROM", "127.0.0.0/8,::1/128".to_owned()),
        ("GREENROOM_MAIL_DIR", text(data.join("mail"))?),
        ("GREENROOM_KEY_FILE", text(data.join("key").join("greenroom.key"))?),
        ("DATABASE_URL", format!("sqlite:{}", text(data.join("database").join("greenroom.db"))?)),
    ]))
}

fn announce(addresses: &Addresses, admin_link: &Url, key: &str) {
    let Addresses { greenroom, zoho_us, zoho_eu } = addresses;
    println!();
    println!("Greenroom is up. Open this once to log in to the dashboard:");
    println!("  {admin_link}");
    println!();
    println!("  dashboard            {greenroom}/");
    println!("  every mail it sent   {greenroom}/mailbox");
    println!("  managers' calendars  {zoho_us}/_sim/people");
    println!("  simulated Zoho       {zoho_us}/_sim/  and  {zoho_eu}/_sim/");
    println!();
    println!("Try: approve a vacancy, open the manager's mail in the mailbox, connect the calendar, watch. Ctrl-C stops it.");
    let line = serde_json::json!({
        "greenroom": greenroom, "admin": admin_link.as_str(), "mailbox": format!("{greenroom}/mailbox"), "zoho_us": zoho_us, "zoho_eu": zoho_eu, "api_key": key,
    });
    println!("{line}");
}
