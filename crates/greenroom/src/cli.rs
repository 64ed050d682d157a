//! The command line.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::{
    check,
    commands::{accounts, audit, backup, doctor, erase, export, keys, restore},
    config::{Config, Variables},
    demo, import, logs, serve, wiring,
    world::MachineClock,
};

/// The interview desk of an AI recruiter.
#[derive(Parser)]
#[command(name = "greenroom", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run Greenroom with the configuration of the environment.
    Serve,
    /// Run the whole product on this machine, with a simulated Zoho beside it and nothing to configure.
    Demo(demo::Arguments),
    /// Check the whole way to one manager's calendar against a running server (GREENROOM_URL, GREENROOM_API_KEY); exit 0 or 1.
    Check(check::Arguments),
    /// Make many people known to a running server (GREENROOM_URL, GREENROOM_API_KEY).
    Import {
        #[command(subcommand)]
        what: Import,
    },
    /// Simulators for tests.
    Simulate {
        #[command(subcommand)]
        what: Simulate,
    },
    /// For administrators.
    Admin {
        #[command(subcommand)]
        what: Admin,
    },
    /// The keys that seal what is secret in the database.
    Keys {
        #[command(subcommand)]
        what: keys::What,
    },
    /// The audit log: verify it, export it, print its public keys.
    Audit {
        #[command(subcommand)]
        what: audit::Audit,
    },
    /// Make a sealed backup of the database while it is used; list, verify and try backups.
    Backup(backup::Arguments),
    /// Restore a backup. The installation is held afterwards: nothing goes out until it is released.
    Restore(restore::Arguments),
    /// Say whether the installation is held after a restore, and how the calendars compare.
    Held(restore::HeldArguments),
    /// Let a held installation go on.
    Release,
    /// Erase a person's data, on request or by age.
    Erase {
        #[command(subcommand)]
        what: erase::Erase,
    },
    /// Write down everything that is held about somebody.
    Export {
        #[command(subcommand)]
        what: export::Export,
    },
    /// Look at everything Greenroom stands on, and say what is wrong and how to mend it; exit 0 or 1.
    Doctor(doctor::Arguments),
    /// Dashboard accounts: who may log in.
    Accounts {
        #[command(subcommand)]
        what: accounts::Accounts,
    },
    /// Ask a running server whether it is well; exit 0 or 1. For containers.
    Healthcheck,
}

#[derive(Subcommand)]
enum Simulate {
    /// A Zoho that runs on this machine: Accounts and Calendar, two data centres.
    Zoho {
        /// Port of the data centre us; eu has the next one.
        #[arg(long, default_value_t = 8141)]
        port: u16,
        /// Puts an iCalendar file into somebody's calendar; may be repeated.
        #[arg(long, value_name = "EMAIL=FILE.ics", value_parser = calendar_pair)]
        calendar: Vec<(String, PathBuf)>,
        /// Keeps the state in this folder.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Another redirect URI of the demo client; may be repeated.
        #[arg(long)]
        redirect_uri: Vec<String>,
    },
}

#[derive(Subcommand)]
enum Import {
    /// Managers from a CSV file. Says what would happen; --commit does it, and nothing if any line is wrong.
    Managers(import::Arguments),
}

#[derive(Subcommand)]
enum Admin {
    /// Print a one-time link to the dashboard.
    Link {
        /// Who will use it, for the log.
        #[arg(long, default_value = "administrator")]
        name: String,
    },
}

/// `EMAIL=FILE`.
pub(crate) fn calendar_pair(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((email, file)) if email.contains('@') && !file.is_empty() => Ok((email.to_owned(), PathBuf::from(file))),
        _ => Err(format!("`{text}` is not of the form ana@example.com=FILE.ics")),
    }
}

/// Runs the program. Errors go to standard error in one line with their causes.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match start(arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("greenroom: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: Arguments) -> Result<ExitCode> {
    let variables = Variables::read()?;
    let quiet = !matches!(arguments.command, Command::Serve);
    logs::start(&variables, quiet)?;
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        bail!("another TLS provider was installed first");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the runtime cannot start")?;
    let home = home();
    runtime.block_on(async move {
        match arguments.command {
            Command::Serve => serve::serve(Config::from(&variables)?, home).await.map(|()| ExitCode::SUCCESS),
            Command::Demo(arguments) => Box::pin(demo::run(arguments)).await,
            Command::Check(arguments) => check::check(arguments, &variables).await,
            Command::Import { what: Import::Managers(arguments) } => import::managers(arguments, &variables).await,
            Command::Simulate { what: Simulate::Zoho { port, calendar, data, redirect_uri } } => {
                simulate(port, calendar, data, redirect_uri).await
            }
            Command::Audit { what } => audit::run(what, &Config::from(&variables)?, home.as_deref()).await,
            Command::Admin { what: Admin::Link { name } } => admin_link(&Config::from(&variables)?, home.as_deref(), &name).await,
            Command::Keys { what } => keys::keys(what, &Config::from(&variables)?, home.as_deref()).await,
            Command::Backup(arguments) => backup::backup(arguments, &variables, home).await,
            Command::Restore(arguments) => restore::restore(arguments, &variables, home).await,
            Command::Held(arguments) => restore::held(arguments, &variables, home).await,
            Command::Release => restore::release(&variables, home).await,
            Command::Erase { what } => erase::erase(what, &variables, home).await,
            Command::Export { what } => export::export(what, &variables, home).await,
            Command::Accounts { what } => accounts::run(what, &Config::from(&variables)?, home.as_deref()).await,
            Command::Doctor(arguments) => doctor::doctor(arguments, &variables, home).await,
            Command::Healthcheck => healthcheck(&variables).await,
        }
    })
}

#[expect(clippy::disallowed_methods, reason = "the home folder is where the key file lives unless it is named")]
fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
}

async fn simulate(
    port: u16,
    calendars: Vec<(String, PathBuf)>,
    state_dir: Option<PathBuf>,
    redirect_uris: Vec<String>,
) -> Result<ExitCode> {
    zoho_sim::simulate(zoho_sim::SimulateOptions {
        port,
        redirect_uris,
        calendars,
        state_dir,
        switches: zoho_sim::Switches::default(),
        shutdown: Box::pin(serve::stop_signal()),
        announce: Box::new(|text| println!("{text}")),
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

async fn admin_link(config: &Config, home: Option<&Path>, name: &str) -> Result<ExitCode> {
    let installation = wiring::install(config, home, Arc::new(MachineClock), false).await?;
    println!("{}", installation.app.admin_link(name).await?);
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::disallowed_methods, reason = "one request to this machine, with a limit")]
async fn healthcheck(variables: &Variables) -> Result<ExitCode> {
    let config = Config::from(variables)?;
    let port = config.listen.port();
    let mut client = reqwest::Client::builder().no_proxy().timeout(std::time::Duration::from_secs(5));
    let mut url = format!("http://127.0.0.1:{port}/healthz");
    if let Some((chain, _)) = &config.tls {
        // Asked for by its public name, on this machine, and only our own certificate will do.
        let pem = std::fs::read(chain).with_context(|| format!("{} cannot be read", chain.display()))?;
        let host = config.public_url.host_str().unwrap_or("localhost");
        client = client
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&pem)?)
            .resolve(host, std::net::SocketAddr::from(([127, 0, 0, 1], port)));
        url = format!("https://{host}:{port}/healthz");
    }
    let answer = client.build()?.get(url).send().await?;
    Ok(if answer.status().is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
