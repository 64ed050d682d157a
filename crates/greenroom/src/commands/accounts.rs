//! `accounts`: dashboard accounts from the machine's command line, for the first one and for whoever is locked out.

use std::{path::Path, process::ExitCode, sync::Arc};

use anyhow::Result;
use app::Caller;
use clap::Subcommand;
use domain::{access::Role, audit::Actor};

use crate::{config::Config, wiring, world::MachineClock};

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// Make an account and print the one-time link that sets its password.
    Add {
        /// What the person logs in with.
        email: String,
        /// As the dashboard shows them; the part of the address before the @ where absent.
        #[arg(long)]
        name: Option<String>,
        /// admin, recruiter or auditor.
        #[arg(long, default_value = "recruiter")]
        role: Role,
    },
    /// List all accounts.
    List,
    /// Switch an account off and end its sessions.
    Disable {
        /// The account's address.
        email: String,
    },
    /// Switch an account on again.
    Enable {
        /// The account's address.
        email: String,
    },
    /// End what links an account to somebody at the identity provider, and its sessions.
    Unlink {
        /// The account's address.
        email: String,
    },
    /// Print a fresh one-time link that sets an account's password; the one before is void.
    Link {
        /// The account's address.
        email: String,
    },
}

/// Runs one of them against the configured database.
pub async fn run(what: Accounts, config: &Config, home: Option<&Path>) -> Result<ExitCode> {
    let app = wiring::install(config, home, Arc::new(MachineClock), false).await?.app;
    let caller = Caller { actor: Actor::Operator, request: None };
    match what {
        Accounts::Add { email, name, role } => {
            let name = name.unwrap_or_else(|| email.split('@').next().unwrap_or_default().to_owned());
            let (_, link) = app.add_account(&email, &name, role, &caller).await?;
            match link {
                Some(link) => println!("{link}"),
                None => println!("{email} can log in by single sign-on; passwords are switched off, so there is no link to send"),
            }
        }
        Accounts::List => {
            for view in app.accounts().await? {
                let account = view.account;
                let state = match (account.is_live(), &account.password, &account.subject) {
                    (false, ..) => "switched off",
                    (true, None, None) => "has not logged in yet",
                    _ => "can log in",
                };
                println!("{}\t{}\t{}\t{state}\t{} sessions", account.email, account.role.code(), account.name, view.sessions);
            }
        }
        Accounts::Disable { email } => {
            app.switch_account(app.account_by_email(&email).await?.id, false, &caller).await?;
            println!("switched off: {email}");
        }
        Accounts::Enable { email } => {
            app.switch_account(app.account_by_email(&email).await?.id, true, &caller).await?;
            println!("switched on: {email}");
        }
        Accounts::Unlink { email } => {
            app.unlink_account(app.account_by_email(&email).await?.id, &caller).await?;
            println!("linked to nobody: {email}");
        }
        Accounts::Link { email } => println!("{}", app.account_link(app.account_by_email(&email).await?.id, &caller).await?),
    }
    Ok(ExitCode::SUCCESS)
}
