//! `backup`: makes a backup now, lists those there are, reads one to its end, or tries the newest in a scratch database.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use domain::backups::BackupFile;
use ports::{Backups, Clock};

use crate::{
    backup::file,
    config::{Config, Variables},
    wiring::{self, Installation},
    world::MachineClock,
};

/// Options of `backup`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file to be made; without it, a new one in GREENROOM_BACKUP_DIR.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the files in GREENROOM_BACKUP_DIR.
    List,
    /// Read a file to its end: every seal, every record, every count.
    Verify {
        /// The file.
        file: PathBuf,
    },
    /// Restore the newest file into a scratch database, open every sealed token, count every row, verify the audit log; exit 0 or 1.
    Drill,
}

/// Runs it. The server may be running.
pub async fn backup(arguments: Arguments, variables: &Variables, home: Option<PathBuf>) -> Result<ExitCode> {
    let config = Config::from(variables)?;
    if arguments.to.is_some() && arguments.what.is_some() {
        bail!("--to belongs to `greenroom backup` alone");
    }
    let installation = wiring::install(&config, home.as_deref(), Arc::new(MachineClock), false).await?;
    ensure!(!installation.first_start, "the database is new and empty: there is nothing to back up; look at DATABASE_URL");
    match arguments.what {
        None => make(&installation, arguments.to.as_deref()).await,
        Some(What::List) => list(&installation).await,
        Some(What::Verify { file }) => verify(&installation, &file).await,
        Some(What::Drill) => drill(&installation).await,
    }
}

async fn make(installation: &Installation, to: Option<&Path>) -> Result<ExitCode> {
    let made = match to {
        Some(path) => installation.source.write(path, &installation.keys.0, Clock::now(&MachineClock)).await?,
        None => installation.app.backup_now(folder(installation)?).await?,
    };
    println!("{}", line(&made));
    println!(
        "It was read back to its end and is whole. The key is not in it: it is in {}. Keep a copy of the key in another place than the backups; \
         without it this file is worthless.",
        installation.keys.1.name()
    );
    Ok(ExitCode::SUCCESS)
}

async fn list(installation: &Installation) -> Result<ExitCode> {
    let files = folder(installation)?.list(&installation.keys.0).await?;
    if files.is_empty() {
        println!("There is no backup yet; `greenroom backup` makes one.");
    }
    for file in files {
        println!("{}", line(&file));
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(installation: &Installation, path: &Path) -> Result<ExitCode> {
    let (path, ring) = (path.to_path_buf(), installation.keys.0.clone());
    let whole = tokio::task::spawn_blocking(move || file::verify(&path, &ring)).await.context("the reading thread ended")??;
    println!("{}\nIt is whole: {}.", line(&whole.file), whole.dumped.counts);
    Ok(ExitCode::SUCCESS)
}

async fn drill(installation: &Installation) -> Result<ExitCode> {
    let drill = installation.app.drill_now(folder(installation)?).await?;
    if let Some(file) = &drill.file {
        println!("{file}: {} rows, {} sealed records opened", drill.rows.values().sum::<u64>(), drill.opened);
    }
    if let Some(audit) = &drill.audit {
        println!("{audit}");
    }
    for problem in &drill.problems {
        println!("PROBLEM {problem}");
    }
    if drill.passed() {
        println!("The drill passed: this backup can be restored.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("The drill FAILED: make a new backup (`greenroom backup`) and find out what happened to this one.");
    Ok(ExitCode::FAILURE)
}

fn folder(installation: &Installation) -> Result<&dyn Backups> {
    let folder = installation.backups.as_ref();
    folder.map(|folder| folder.as_ref() as &dyn Backups).context(
        "no folder for backups is set; set GREENROOM_BACKUP_DIR to a folder on another disk than the database, or name a file with --to",
    )
}

fn line(file: &BackupFile) -> String {
    let rows = file.rows.map(|rows| format!(", {rows} rows")).unwrap_or_default();
    format!("{}: {} bytes{rows}, as of {}, key {}, from {}", file.name, file.bytes, file.started_at, file.key_id, file.engine)
}
