//! `keys`: the master keys, from the first to the one that is taken out of use. docs/keys.md tells the whole story.

use std::{path::Path, process::ExitCode};

use anyhow::{Result, ensure};
use clap::Subcommand;
use vault::KeyRing;

use crate::{
    config::Config,
    keys::{self, KeyPlace},
    world::SystemEntropy,
};

/// What to do with the keys.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Make another key. Nothing is sealed with it before `keys rotate`.
    Add {
        /// Where keys come from the environment or a program: make a key and print it, secret as it is, to be put there by hand.
        #[arg(long)]
        print_secret_key: bool,
    },
}

/// Runs one of them.
pub async fn keys(what: What, config: &Config, home: Option<&Path>) -> Result<ExitCode> {
    let place = KeyPlace::of(config, home)?;
    match what {
        What::Add { print_secret_key } => add(&place, print_secret_key).await,
    }
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
