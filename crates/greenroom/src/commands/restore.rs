//! `restore`, `held` and `release`: a backup becomes the installation again, held until the calendars were compared and somebody released it.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use app::{App, Caller};
use domain::{
    audit::Actor,
    held::{Comparison, Found, Held},
};
use ports::{Clock, Entropy};
use store::{Afterwards, Options};
use vault::{KeyId, KeyRing};

use crate::{
    backup::{self, file},
    config::{Config, Variables},
    erasures,
    keys::{KeyPlace, LOST},
    wiring::{self, Installation},
    world::{MachineClock, SystemEntropy},
};

/// Options of `restore`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The backup.
    file: PathBuf,
    /// The database to restore into, instead of the one of DATABASE_URL.
    #[arg(long, value_name = "DATABASE_URL")]
    into: Option<String>,
    /// Replace a database that is not empty. A SQLite file is set aside; the content of a PostgreSQL database is gone.
    #[arg(long)]
    yes: bool,
    /// The list of erasures, if it is not `erasures.jsonl` beside the backup: everybody on it is erased again.
    #[arg(long, value_name = "FILE")]
    erasures: Option<PathBuf>,
}

/// Restores. The server must be stopped.
pub async fn restore(arguments: Arguments, variables: &Variables, home: Option<PathBuf>) -> Result<ExitCode> {
    let mut config = Config::from(variables)?;
    if let Some(url) = arguments.into {
        config.database_url = url;
    }
    let path = arguments.file;
    let erasures = erasure_list(&path, arguments.erasures)?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let key_id = file::header(&path)?.key_id;
    let ring = ring_with(&KeyPlace::of(&config, home.as_deref())?, &key_id).await?;
    println!("Reading {} to its end …", path.display());
    let (from, keys) = (path.clone(), ring.clone());
    let whole = tokio::task::spawn_blocking(move || file::verify(&from, &keys)).await.context("the reading thread ended")??;
    println!("It is whole: {}, as of {}.", whole.dumped.counts, whole.file.started_at);

    let options = Options::new(Arc::new(MachineClock), Arc::clone(&entropy));
    let lock = wiring::lock_out(&config)?;
    if !arguments.yes && !store::is_empty(&config.database_url, &options).await? {
        bail!(
            "the database is not empty, and nothing was changed; look whether it is the right one, then repeat with --yes to replace it{}",
            if config.database_file().is_some() { " (the file that is there is set aside, not deleted)" } else { "" }
        );
    }
    let now = Clock::now(&MachineClock);
    let held = Held { since: now, backup: whole.file.name.clone(), as_of: whole.file.started_at, erasures: None };
    let settings = vec![("held".to_owned(), serde_json::to_string(&held)?), ("held_comparison".to_owned(), "null".to_owned())];
    let afterwards = Afterwards { at: now, settings, end_sessions: true };
    let loaded = backup::load(&path, &ring, &config.database_url, &options, arguments.yes, afterwards).await?;
    drop(lock);
    println!("Restored: {}.", loaded.dumped.counts);
    if let Some(aside) = loaded.set_aside {
        println!("The database that was there is now {}.", aside.display());
    }
    let installation = wiring::install(&config, home.as_deref(), Arc::new(MachineClock), false).await?;
    match erasures {
        Some((list, text)) => {
            let replayed = installation.app.replay_erasures(&text).await?;
            installation.app.note_erasures(u64::try_from(replayed.erased)?).await?;
            println!(
                "Erased again, by {}: {} of {} people on it.",
                list.display(),
                replayed.erased,
                replayed.erased + replayed.known + replayed.absent
            );
        }
        None => println!(
            "WARNING: there is no {} beside the backup: whoever was erased since it was made is in the database again. Restore once more with --erasures FILE, or erase them by hand.",
            erasures::FILE
        ),
    }
    installation.app.start_held().await?;
    println!(
        "The installation is HELD: nothing goes out, and changes are refused, until it is released.\n\
         Next: start `greenroom serve`, log in (`greenroom admin link`; all earlier log-ins have ended), and look at the page /backups.\n\
         There every interview to come is compared with its calendar; then release it there, or with `greenroom release`."
    );
    Ok(ExitCode::SUCCESS)
}

/// The list that was named, or the one beside the backup if there is one; read and understood before anything is changed.
fn erasure_list(backup: &Path, named: Option<PathBuf>) -> Result<Option<(PathBuf, String)>> {
    let is_named = named.is_some();
    let path = named.unwrap_or_else(|| backup.with_file_name(erasures::FILE));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("the list of erasures {} cannot be read", path.display())),
    };
    App::check_erasures(&text).with_context(|| format!("{} cannot be used, and nothing was changed", path.display()))?;
    Ok(Some((path, text)))
}

/// The keys, among which the one of the backup must be. Never makes one: a new key opens no old backup.
async fn ring_with(place: &KeyPlace, key: &KeyId) -> Result<KeyRing> {
    let ring = place.look().await?;
    let ring =
        ring.with_context(|| format!("the backup is sealed with the key {key}, and {} does not exist. {LOST}", place.name()))?;
    ensure!(ring.get(key).is_some(), "the backup is sealed with the key {key}, which {} does not hold. {LOST}", place.name());
    Ok(ring)
}

/// Options of `held`.
#[derive(Debug, clap::Args)]
pub struct HeldArguments {
    /// Compare what is not compared yet, now. Reads calendars, and refreshes an access token where one has run out; writes nothing there.
    #[arg(long)]
    compare: bool,
}

/// Says whether the installation is held, and how the comparison stands.
pub async fn held(arguments: HeldArguments, variables: &Variables, home: Option<PathBuf>) -> Result<ExitCode> {
    let installation = open(variables, home.as_deref()).await?;
    let Some(held) = installation.app.held().await? else {
        println!("The installation is not held.");
        return Ok(ExitCode::SUCCESS);
    };
    println!("HELD since {}: restored from {}, as of {}.", held.since, held.backup, held.as_of);
    let comparison = if arguments.compare { installation.app.compare_now().await? } else { installation.app.comparison().await? };
    report(&comparison);
    Ok(ExitCode::SUCCESS)
}

/// Releases the installation, on the record.
pub async fn release(variables: &Variables, home: Option<PathBuf>) -> Result<ExitCode> {
    let installation = open(variables, home.as_deref()).await?;
    let caller = Caller { actor: Actor::Operator, request: None };
    report(&installation.app.comparison().await?);
    installation.app.release_held(&caller).await?;
    println!("Released: what is due goes out now, and changes are accepted again.");
    Ok(ExitCode::SUCCESS)
}

async fn open(variables: &Variables, home: Option<&Path>) -> Result<Installation> {
    let config = Config::from(variables)?;
    let installation = wiring::install(&config, home, Arc::new(MachineClock), false).await?;
    ensure!(!installation.first_start, "the database is new; there is nothing in it");
    Ok(installation)
}

fn report(comparison: &Comparison) {
    for line in comparison.lines.iter().filter(|line| line.found != Found::Same) {
        let time = |at: Option<domain::Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
        println!("{:10} {}  stored {}  calendar {}", line.found.code(), line.interview, time(line.stored), time(line.live));
    }
    let count = |found| comparison.count(found);
    println!(
        "{} the same, {} moved, {} missing, {} unreadable, {} made after the backup{}",
        count(Found::Same),
        count(Found::Moved),
        count(Found::Missing),
        count(Found::Unreadable),
        count(Found::Unknown),
        if comparison.finished_at.is_some() { "." } else { "; NOT FINISHED: `greenroom held --compare`, or wait for `serve`." }
    );
}
