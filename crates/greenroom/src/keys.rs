//! Where the master keys are: in the environment, in a file that is made with mode 0600 on first start, outside the folder of the database
//! (so that a copy of one is not a copy of both), or with a program that asks a key service.

mod command;
mod file;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use command::KeyCommand;
use ports::{Entropy, KeySource, KeySourceError};
use vault::{KeyId, KeyRing, KeyText};

use crate::config::{Config, secret_names};

/// Where keys are read from. Shows where, never what.
#[derive(Debug, Clone)]
pub enum KeyPlace {
    /// `GREENROOM_KEY`: one key, or several with white space between them.
    Environment(KeyText),
    /// A file: one key a line.
    File(PathBuf),
    /// The output of a program: one key a line.
    Command(KeyCommand),
}

impl KeyPlace {
    /// As the configuration says.
    pub fn of(config: &Config, home: Option<&Path>) -> Result<Self> {
        if let Some(text) = &config.key {
            return Ok(Self::Environment(text.clone()));
        }
        if let Some(command) = &config.key_command {
            let of_data_centres = config.zoho.data_centre_secrets.keys();
            let mut hidden: Vec<String> =
                of_data_centres.map(|location| format!("ZOHO_CLIENT_SECRET_{}", location.to_uppercase())).collect();
            hidden.extend(secret_names().iter().map(|name| (*name).to_owned()));
            return Ok(Self::Command(KeyCommand::parse(command, hidden)?));
        }
        key_path(config, home).map(Self::File)
    }

    /// How people find it.
    pub fn name(&self) -> String {
        match self {
            Self::Environment(_) => "the variable GREENROOM_KEY".to_owned(),
            Self::File(path) => format!("the key file {}", path.display()),
            Self::Command(command) => format!("the output of GREENROOM_KEY_COMMAND ({})", command.program()),
        }
    }

    /// The keys there; `None` where there is no key file yet.
    pub async fn look(&self) -> Result<Option<KeyRing>> {
        let text = match self {
            // A variable is one line: white space stands for the ends of lines.
            Self::Environment(text) => KeyText::new(text.expose().split_whitespace().collect::<Vec<_>>().join("\n")),
            Self::File(path) => match file::read(path)? {
                Some(text) => text,
                None => return Ok(None),
            },
            Self::Command(command) => command.run().await?,
        };
        KeyRing::parse(text.expose()).map(Some).with_context(|| format!("{} cannot be used", self.name()))
    }

    /// The keys an installation starts with: they must hold `active`, the key that the database says seals. A database that is new
    /// (`None`) gets a key where there is no file yet.
    pub async fn load(&self, active: Option<&KeyId>, entropy: &dyn Entropy) -> Result<KeyRing> {
        let mut ring = match (self.look().await?, self, active) {
            (Some(ring), ..) => ring,
            (None, Self::File(path), None) => file::make(path, entropy)?,
            (None, _, active) => bail!(
                "the database is sealed with the key {}, and {} does not exist; put the key file back, or name it in GREENROOM_KEY_FILE. {LOST}",
                active.map(KeyId::as_str).unwrap_or_default(),
                self.name()
            ),
        };
        if let Some(active) = active {
            ensure!(
                ring.activate(active),
                "the database is sealed with the key {active}, but {} holds {}; use the keys this database was made with. {LOST}",
                self.name(),
                names(ring.ids())
            );
        }
        Ok(ring)
    }

    /// The same after a key was lost: whatever is there, and a new key where nothing is and `entropy` is given to make it.
    pub async fn load_what_is_left(&self, active: Option<&KeyId>, entropy: Option<&dyn Entropy>) -> Result<KeyRing> {
        let mut ring = match (self.look().await?, self, entropy) {
            (Some(ring), ..) => ring,
            (None, Self::File(path), Some(entropy)) => file::make(path, entropy)?,
            (None, ..) => bail!("{} does not exist", self.name()),
        };
        if active.is_none_or(|active| !ring.activate(active)) {
            tracing::warn!("the key that seals is not there");
        }
        Ok(ring)
    }

    /// Makes another key and adds it at the end of the file; its name.
    pub fn add(&self, entropy: &dyn Entropy) -> Result<KeyId> {
        match self {
            Self::File(path) => file::add(path, entropy),
            Self::Environment(_) | Self::Command(_) => bail!("{} cannot be written from here", self.name()),
        }
    }

    /// Takes a key out of the file.
    pub fn remove(&self, id: &KeyId) -> Result<()> {
        match self {
            Self::File(path) => file::remove(path, id),
            Self::Environment(_) | Self::Command(_) => bail!("{} cannot be written from here", self.name()),
        }
    }
}

/// What to do where a key is gone for good.
pub const LOST: &str = "docs/keys.md says what to do if the key is lost";

#[async_trait]
impl KeySource for KeyPlace {
    async fn read(&self) -> Result<KeyRing, KeySourceError> {
        match self.look().await {
            Ok(Some(ring)) => Ok(ring),
            Ok(None) => Err(KeySourceError(format!("{} does not exist", self.name()))),
            Err(error) => Err(KeySourceError(format!("{error:#}"))),
        }
    }
}

/// A line with a new key, for a place that is written by hand.
pub fn new_line(entropy: &dyn Entropy) -> Result<KeyText> {
    file::line(entropy).map(|(line, _)| line)
}

/// `the key a` or `the keys a, b`.
pub fn names<'a>(ids: impl Iterator<Item = &'a KeyId>) -> String {
    let ids: Vec<&str> = ids.map(KeyId::as_str).collect();
    format!("the key{} {}", if ids.len() == 1 { "" } else { "s" }, ids.join(", "))
}

fn key_path(config: &Config, home: Option<&Path>) -> Result<PathBuf> {
    let path = match (&config.key_file, home) {
        (Some(path), _) => path.clone(),
        (None, Some(home)) => home.join(".config/greenroom/greenroom.key"),
        (None, None) => {
            bail!("there is no home folder for the key file; set GREENROOM_KEY_FILE to a path outside the folder of the database")
        }
    };
    if let (Some(folder), Some(parent)) = (config.database_folder(), path.parent()) {
        // `greenroom.key` alone lies in the working folder.
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        ensure!(
            real(&folder) != real(parent),
            "GREENROOM_KEY_FILE lies in the folder of the database; a copy of that folder would hold both: choose another folder"
        );
    }
    Ok(path)
}
