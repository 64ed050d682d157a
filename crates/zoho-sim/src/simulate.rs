//! The simulator as a program of its own: one port per data centre on loopback, a client and a few people ready to use,
//! calendars imported from iCalendar files, and the lines that point Greenroom at it.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, pin::Pin, sync::Arc};

use anyhow::Context as _;
use futures_util::{FutureExt as _, future};
use jiff::Timestamp;
use tokio::net::TcpListener;
use url::Url;

use crate::{
    accounts::Client,
    sim::{DataCentre, Options, Sim},
    switches::Switches,
    world::World,
};

/// The client that is registered from the start.
pub const DEMO_CLIENT_ID: &str = "1000.SIMULATOR0CLIENT";
/// Its secret: known to everybody, and good for nothing but this simulator.
pub const DEMO_CLIENT_SECRET: &str = "simulator-secret";
/// Where it may be sent back to, besides what the options add.
pub const DEMO_REDIRECT: &str = "http://localhost:8040/api/oauth/callback/";

/// Who has an account from the start: address, first and last name, data centre, zone.
pub const DEMO_PEOPLE: [(&str, &str, &str, &str, &str); 3] = [
    ("ana@example.com", "Ana", "Diaz", "us", "America/New_York"),
    ("bruno@example.com", "Bruno", "Gil", "eu", "Europe/Madrid"),
    ("chandra@example.com", "Chandra", "Rao", "eu", "Asia/Kolkata"),
];

const DATA_CENTRES: [&str; 2] = ["us", "eu"];

/// How to run the simulator on this machine.
pub struct SimulateOptions {
    /// The port of `us` on 127.0.0.1; `eu` has the next one. 0: any two free ports.
    pub port: u16,
    /// Further redirect URIs of the demo client.
    pub redirect_uris: Vec<String>,
    /// iCalendar files to put into the default calendar of an address, which gets an account if it has none.
    pub calendars: Vec<(String, PathBuf)>,
    /// Where to keep the state between runs; `None` keeps it in memory only.
    pub state_dir: Option<PathBuf>,
    /// How this Zoho behaves where the real one is not known. A saved state brings its own.
    pub switches: Switches,
    /// Runs until this is done.
    pub shutdown: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Gets what people need to know, once everything listens.
    pub announce: Box<dyn FnOnce(&str) + Send>,
}

/// Runs a simulator until `options.shutdown`.
pub async fn simulate(options: SimulateOptions) -> anyhow::Result<()> {
    let (listeners, data_centres) = bind(options.port).await?;
    let announcement = announcement(&data_centres)?;
    let sim = Sim::with_own_clock(Options {
        clock: Arc::new(machine_clock),
        data_centres,
        switches: options.switches,
        state_dir: options.state_dir,
        seed: 1,
    })?;
    sim.with(|world, now| seed_demo(world, options.redirect_uris, now));
    for (email, file) in options.calendars {
        let text = tokio::fs::read_to_string(&file).await.with_context(|| format!("cannot read {}", file.display()))?;
        sim.with(|world, now| import(world, &email, &text, now))
            .with_context(|| format!("{} cannot be put into the calendar of {email}", file.display()))?;
    }
    sim.save().await?;
    (options.announce)(&announcement);
    let shutdown = options.shutdown.shared();
    let serving = DATA_CENTRES.iter().zip(listeners).map(|(location, listener)| {
        let (sim, shutdown) = (sim.clone(), shutdown.clone());
        async move { sim.serve(location, listener, shutdown).await }
    });
    future::try_join_all(serving).await.context("the simulator stopped serving")?;
    sim.save().await
}

#[expect(clippy::disallowed_methods, reason = "the simulator as a program of its own follows the machine's clock")]
fn machine_clock() -> Timestamp {
    Timestamp::now()
}

/// One listener and one origin per data centre.
async fn bind(first: u16) -> anyhow::Result<(Vec<TcpListener>, Vec<DataCentre>)> {
    let (mut listeners, mut data_centres) = (Vec::new(), Vec::new());
    let mut port = first;
    for location in DATA_CENTRES {
        let listener = TcpListener::bind(("127.0.0.1", port))
            .await
            .with_context(|| format!("port {port} cannot be used for the data centre {location}; choose another with --port"))?;
        let bound = listener.local_addr()?.port();
        let origin = Url::parse(&format!("http://localhost:{bound}"))?;
        data_centres.push(DataCentre { location: location.to_owned(), origin });
        listeners.push(listener);
        if first != 0 {
            port = port.checked_add(1).context("there is no port after 65535 for the second data centre")?;
        }
    }
    Ok((listeners, data_centres))
}

/// Puts the demo client and people into a world that has the data centres `us` and `eu`. A saved state keeps what was
/// changed in it; only the redirect URIs are added to.
pub fn seed_demo(world: &mut World, redirect_uris: Vec<String>, now: Timestamp) {
    let mut client = world.accounts.clients.get(DEMO_CLIENT_ID).cloned().unwrap_or_else(|| Client {
        client_id: DEMO_CLIENT_ID.to_owned(),
        secret: DEMO_CLIENT_SECRET.to_owned(),
        dc_secrets: BTreeMap::new(),
        name: "Greenroom".to_owned(),
        redirect_uris: vec![DEMO_REDIRECT.to_owned()],
        multi_dc: true,
        home: DATA_CENTRES[0].to_owned(),
    });
    for uri in redirect_uris {
        if !client.redirect_uris.contains(&uri) {
            client.redirect_uris.push(uri);
        }
    }
    world.accounts.put_client(client);
    for (email, first, last, location, timezone) in DEMO_PEOPLE {
        let added = world.add_user((email, first, last), location, timezone, now);
        tracing::debug!(email, new = added.is_some(), "demo user");
    }
}

fn import(world: &mut World, email: &str, text: &str, now: Timestamp) -> anyhow::Result<()> {
    if world.accounts.user_by_email(email).is_none() {
        let name = email.split('@').next().unwrap_or(email);
        let zone = text.lines().find_map(|line| line.strip_prefix("X-WR-TIMEZONE:")).map_or("UTC", str::trim);
        jiff::tz::TimeZone::get(zone).with_context(|| format!("the file's own zone {zone} is not an IANA time zone"))?;
        let added = world.add_user((email, name, ""), DATA_CENTRES[0], zone, now);
        anyhow::ensure!(added.is_some(), "no account could be made");
    }
    let uids = world.import_ics(email, None, text, now)?;
    tracing::debug!(email, events = uids.len(), "imported");
    Ok(())
}

/// The lines that point Greenroom at this simulator.
fn announcement(data_centres: &[DataCentre]) -> anyhow::Result<String> {
    let origin = |dc: &DataCentre| dc.origin.origin().ascii_serialization();
    let hosts: Vec<String> = data_centres.iter().map(|dc| format!("{}={}", dc.location, origin(dc))).collect();
    let start = data_centres.first().map(origin).context("there is no data centre")?;
    let mut text = String::new();
    writeln!(text, "A simulated Zoho is listening. Start Greenroom with:\n")?;
    writeln!(text, "  export GREENROOM_ZOHO_HOSTS={}", hosts.join(","))?;
    writeln!(text, "  export ZOHO_ACCOUNTS_URL={start}")?;
    writeln!(text, "  export ZOHO_CLIENT_ID={DEMO_CLIENT_ID}")?;
    writeln!(text, "  export ZOHO_CLIENT_SECRET={DEMO_CLIENT_SECRET}\n")?;
    let people: Vec<&str> = DEMO_PEOPLE.iter().map(|person| person.0).collect();
    writeln!(text, "People with a calendar: {}", people.join(", "))?;
    writeln!(text, "Look inside: {start}/_sim/")?;
    Ok(text)
}
