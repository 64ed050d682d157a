//! `keys`: the master keys, from the first to the one that is taken out of use. docs/keys.md tells the whole story.

use std::{path::Path, process::ExitCode, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use app::{App, Caller};
use clap::Subcommand;
use domain::audit::Actor;
use vault::{KeyId, KeyRing};

use crate::{
    config::Config,
    keys::{self, KeyPlace},
    wiring::{self, Lost},
    world::{MachineClock, Stopwatch, SystemEntropy},
};

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub enum What {
    /// List the keys: which one seals, and how much is sealed with each.
    List,
    /// Make another key. Nothing is sealed with it before `keys rotate`.
    Add {
        /// Where keys come from the environment or a program: make a key and print it, secret as it is, to be put there by hand.
        #[arg(long)]
        print_secret_key: bool,
    },
    /// Make the newest key the one that seals, and seal everything anew with it. May be stopped and run again; `serve` goes on meanwhile.
    Rotate,
    /// Take a key out of use and out of the key file. Refused while anything is sealed with it.
    Retire {
        /// The key's id.
        id: KeyId,
        /// Although links that people were mailed end with it.
        #[arg(long)]
        links_too: bool,
    },
    /// A key is lost for good: give up what is sealed with it. The grants end, and their managers are mailed a fresh link.
    ForgetLost {
        /// Do it; without, it is only said what would happen.
        #[arg(long)]
        yes: bool,
    },
}

/// How long running processes are waited for until they have the newest key, and how often they are looked at.
const WAIT: (u32, Duration) = (90, Duration::from_millis(500));

/// Runs one of them.
pub async fn keys(what: What, config: &Config, home: Option<&Path>) -> Result<ExitCode> {
    let place = KeyPlace::of(config, home)?;
    match what {
        What::List => list(&install(config, home, Lost::Shown).await?).await,
        What::Add { print_secret_key } => add(&place, print_secret_key).await,
        What::Rotate => rotate(&install(config, home, Lost::Refused).await?).await,
        What::Retire { id, links_too } => retire(&install(config, home, Lost::Refused).await?, &place, &id, links_too).await,
        What::ForgetLost { yes } => forget_lost(config, home, yes).await,
    }
}

async fn install(config: &Config, home: Option<&Path>, lost: Lost) -> Result<App> {
    // Looking at the keys of a database must not make one.
    ensure!(
        config.database_file().is_none_or(|file| file.exists()),
        "there is no database yet; the first `greenroom serve` makes it, with its key"
    );
    Ok(wiring::install_with(config, home, Arc::new(MachineClock), false, lost).await?.app)
}

/// Who did it, for the log.
fn caller() -> Caller {
    Caller { actor: Actor::Operator, request: None }
}

async fn list(app: &App) -> Result<ExitCode> {
    println!("{:<12} {:<10} {:>10} {:>6} {:>12}", "key", "state", "tokens", "jobs", "live links");
    let mut missing = false;
    for key in app.keys().await? {
        let state = match &key {
            key if key.active => "active",
            key if !key.present => "MISSING",
            key if key.retired => "retired",
            _ => "",
        };
        missing |= !key.present;
        let id = if key.id.is_empty() { "(damaged)" } else { &key.id };
        println!("{id:<12} {state:<10} {:>10} {:>6} {:>12}", key.seals.tokens, key.seals.jobs, key.links);
    }
    Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn rotate(app: &App) -> Result<ExitCode> {
    match app.announce_key().await? {
        Some(next) => {
            if let Err(error) = everybody_has(app, &next).await {
                app.withdraw_key().await?;
                return Err(error);
            }
            app.activate_key(&next, &caller()).await?;
            println!("The key {next} seals from now on.");
        }
        None => println!("The newest key seals already. To change to another, add one first: greenroom keys add"),
    }
    let watch = Stopwatch::start();
    let done = app
        .reseal(|done| {
            if done.seen % PROGRESS == 0 {
                eprintln!("{} rows looked at, {} sealed anew", done.seen, done.resealed);
            }
        })
        .await?;
    println!("{} rows looked at, {} sealed anew in {:.1} s.", done.seen, done.resealed, watch.seconds());
    if done.broken > 0 {
        println!("{} seals do not open; they are as they were, and an alert names each grant.", done.broken);
    }
    if done.left > 0 {
        println!("{} rows were changing all the time; run `greenroom keys rotate` again.", done.left);
    }
    Ok(if done.broken + done.left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Progress is told after so many rows.
const PROGRESS: u64 = 2_000;

/// Waits until every running process has the key: what one seals, all must be able to open.
async fn everybody_has(app: &App, key: &KeyId) -> Result<()> {
    for _ in 0..WAIT.0 {
        if app.nodes_without(key).await?.0 == 0 {
            return Ok(());
        }
        tokio::time::sleep(WAIT.1).await;
    }
    let (without, running) = app.nodes_without(key).await?;
    ensure!(
        without == 0,
        "{without} of {running} running processes do not have the key {key}; nothing was changed. Give every node the same keys          (those that get them from the environment must be started anew), then run this again"
    );
    Ok(())
}

async fn retire(app: &App, place: &KeyPlace, id: &KeyId, links_too: bool) -> Result<ExitCode> {
    // The key that seals is refused at once. After a rotation running processes change over within seconds; who does not is named by the
    // refusal.
    let seals = app.keys().await?.iter().any(|key| key.active && key.id == id.as_str());
    for _ in 0..if seals { 0 } else { WAIT.0 } {
        if app.nodes_sealing_with(id).await? == 0 {
            break;
        }
        tokio::time::sleep(WAIT.1).await;
    }
    let retired = app.retire_key(id, links_too, &caller()).await?;
    if retired.links > 0 {
        println!("{} links that people were mailed end with it.", retired.links);
    }
    match place {
        KeyPlace::File(_) => {
            place.remove(id)?;
            println!("The key {id} is out of use and out of {}.", place.name());
        }
        KeyPlace::Environment(_) | KeyPlace::Command(_) => {
            println!("The key {id} is out of use. Take it out of {} on every node.", place.name());
        }
    }
    app.keys_changed().await?;
    println!(
        "A checkpoint signed by another key vouches for the lines of the audit log that were written under it. Keep a copy of the key for as \
         long as you keep backups that were made with it."
    );
    Ok(ExitCode::SUCCESS)
}

async fn forget_lost(config: &Config, home: Option<&Path>, yes: bool) -> Result<ExitCode> {
    let app = install(config, home, if yes { Lost::GivenUp } else { Lost::Shown }).await?;
    let missing = app.missing_keys().await?;
    for (id, seals) in &missing {
        println!("The key {id} is not there; {} tokens and {} jobs are sealed with it.", seals.tokens, seals.jobs);
    }
    if !yes {
        println!(
            "With --yes they are given up: these grants end, and their managers are mailed a fresh link. This cannot be undone."
        );
        return Ok(ExitCode::FAILURE);
    }
    let ended = app.forget_lost(&caller()).await?;
    app.keys_changed().await?;
    println!("{ended} grants were given up; their managers are mailed a fresh link as soon as `greenroom serve` runs.");
    Ok(ExitCode::SUCCESS)
}

async fn add(place: &KeyPlace, print: bool) -> Result<ExitCode> {
    if let KeyPlace::File(_) = place {
        ensure!(!print, "{} is written by this command itself: run it without --print-secret-key", place.name());
        // Says what is wrong with the file before anything is made.
        let known = place.look().await?;
        ensure!(known.is_some(), "{} does not exist; the first `greenroom serve` makes it", place.name());
        let id = place.add(&SystemEntropy)?;
        println!("The key {id} was added to {}. Nothing is sealed with it yet.", place.name());
        println!("Give every other node the same file, make a copy in a safe place, then run: greenroom keys rotate");
        return Ok(ExitCode::SUCCESS);
    }
    if print {
        let line = keys::new_line(&SystemEntropy)?;
        println!("{}", line.expose().trim_end());
        let id = KeyRing::parse(line.expose())?.active_id().clone();
        eprintln!(
            "Put this line, the key {id}, behind the others in {}, for every node; then run: greenroom keys rotate",
            place.name()
        );
    } else {
        println!(
            "{} cannot be written from here. Make a key with `openssl rand -hex 32`, or with --print-secret-key, put it behind the others \
             there, for every node, and run: greenroom keys rotate",
            place.name()
        );
    }
    Ok(ExitCode::SUCCESS)
}
