//! `export`: everything that is held about a person, as one JSON document.

use std::{fs::OpenOptions, io::Write, path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::{Context, Result};
use clap::Subcommand;

use super::erase::{operator, said};
use crate::{
    config::{Config, Variables},
    wiring,
    world::MachineClock,
};

/// What is to be exported.
#[derive(Debug, Subcommand)]
pub enum Export {
    /// Everything held about one person, by address or id. Tokens of links are cut out.
    Person {
        /// `mia@example.net`, or `per_…`.
        person: String,
        /// With feedback: what a candidate may read of it is the company's decision.
        #[arg(long)]
        feedback: bool,
        /// Into a new file that its owner alone can read, instead of standard output.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

/// Runs the command.
pub async fn export(what: Export, variables: &Variables, home: Option<PathBuf>) -> Result<ExitCode> {
    let Export::Person { person, feedback, to } = what;
    let installation = wiring::install(&Config::from(variables)?, home.as_deref(), Arc::new(MachineClock), false).await?;
    let app = &installation.app;
    let id = app.find_person(&person).await.map_err(|error| said(&error))?.id;
    let export = app.export_person(id, feedback, &operator()).await.map_err(|error| said(&error))?;
    let mut text = serde_json::to_string_pretty(&export)?;
    text.push('\n');
    match to {
        None => std::io::stdout().write_all(text.as_bytes())?,
        Some(path) => {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path).with_context(|| format!("{} cannot be made", path.display()))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
