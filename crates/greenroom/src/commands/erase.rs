//! `erase`: shows what an erasure would take and, told to, begins it. The job that carries it out runs in `serve`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Result, anyhow};
use app::{App, Caller, ErasureView};
use clap::Subcommand;
use domain::{
    audit::Actor,
    erasure::{Erasure, Kind, Stage, Why},
};

use crate::{
    config::{Config, Variables},
    wiring,
    world::MachineClock,
};

/// How many are listed.
const MOST: u32 = 1_000;

/// What is to be erased.
#[derive(Debug, Subcommand)]
pub enum Erase {
    /// One person, by address or id. Says what goes and what stays; --yes begins it.
    Person {
        /// `mia@example.net`, or `per_…`.
        person: String,
        /// Begins it.
        #[arg(long)]
        yes: bool,
    },
    /// Candidates whose retention time (GREENROOM_RETENTION_DAYS) is over. Lists them; --yes begins now what `serve` does once a day.
    Aged {
        /// Begins it.
        #[arg(long)]
        yes: bool,
    },
}

/// Somebody at the machine.
pub(super) const fn operator() -> Caller {
    Caller { actor: Actor::Operator, request: None }
}

/// Runs the command.
pub async fn erase(what: Erase, variables: &Variables, home: Option<PathBuf>) -> Result<ExitCode> {
    let installation = wiring::install(&Config::from(variables)?, home.as_deref(), Arc::new(MachineClock), false).await?;
    let app = &installation.app;
    match what {
        Erase::Person { person, yes } => one(app, &person, yes).await,
        Erase::Aged { yes } => aged(app, yes).await,
    }
}

/// The sentence of an error of the use cases.
pub(super) fn said(error: &app::Error) -> anyhow::Error {
    anyhow!("{}", error.outside())
}

async fn one(app: &App, text: &str, yes: bool) -> Result<ExitCode> {
    let person = app.find_person(text).await.map_err(|error| said(&error))?;
    let view = app.erasure_view(person.id).await.map_err(|error| said(&error))?;
    if let Some(erasure) = &view.erasure {
        println!("{}", standing(erasure));
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", consequences(&view));
    if !yes {
        println!("Nothing was changed. To begin: greenroom erase person {} --yes", person.id);
        return Ok(ExitCode::SUCCESS);
    }
    let erasure = app.erase(person.id, Why::Request, &operator()).await.map_err(|error| said(&error))?;
    println!("{}", standing(&erasure));
    Ok(ExitCode::SUCCESS)
}

async fn aged(app: &App, yes: bool) -> Result<ExitCode> {
    let days = app.settings().retention_days;
    if days == 0 {
        println!("GREENROOM_RETENTION_DAYS is 0: nobody is erased by age.");
        return Ok(ExitCode::SUCCESS);
    }
    let due = app.aged(MOST).await.map_err(|error| said(&error))?;
    for (person, closed_at) in &due {
        println!("{person}  last vacancy closed {closed_at}");
        if yes {
            app.erase(*person, Why::Age, &operator()).await.map_err(|error| said(&error))?;
        }
    }
    let did = if yes { "are being erased; `greenroom serve` carries it out" } else { "would be erased; `--yes` begins it" };
    println!("{} candidates without an open vacancy for {days} days {did}.", due.len());
    Ok(ExitCode::SUCCESS)
}

fn consequences(view: &ErasureView) -> String {
    let who = match view.kind {
        Kind::Candidate => "a candidate",
        Kind::Manager => "a manager",
    };
    let mut lines = vec![
        format!("{} is {who}. An erasure cannot be taken back.", view.person.id),
        "Goes: name, addresses, zone, hours, external id; texts of feedback and notes; sent mails and their .eml files; links; kept answers; the contents of log lines.".to_owned(),
        format!("Cancelled, with a mail to those who know of it: {} interviews.", view.upcoming),
        format!("Removed from calendars: {} events.", view.events),
    ];
    if view.kind == Kind::Manager {
        lines.push(format!("Closed: {} vacancies.", view.vacancies));
    }
    if view.connected {
        lines.push("Revoked at the provider: the permission to use their calendar.".to_owned());
    }
    lines.push(format!(
        "Stays, and names nobody: an empty row with its id, {} interviews with their times, marks, hashes of the log. Backups keep what they hold until they are removed; a restore erases again.",
        view.past + view.upcoming
    ));
    lines.join("\n")
}

fn standing(erasure: &Erasure) -> String {
    let id = erasure.person;
    let left = match erasure.events_left {
        0 => String::new(),
        left => format!(" {left} events could not be removed from calendars; their owners must."),
    };
    match erasure.stage {
        Stage::Done => format!("{id} was erased; asked for {}.{left}", erasure.requested_at),
        stage => {
            let how = match stage {
                Stage::Telling => "people are told of cancelled interviews",
                Stage::Calendars => "the data are gone; events are removed from calendars",
                Stage::Checking | Stage::Done => "everything is gone; looked at once more in ten minutes",
            };
            format!("{id} is being erased since {}: {how}. `greenroom serve` carries it out.{left}", erasure.requested_at)
        }
    }
}
