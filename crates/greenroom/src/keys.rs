//! The master key: from the environment, or from a file that is made with mode 0600 on first start, outside the folder of the database, so
//! that a copy of one is not a copy of both.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use ports::Entropy;
use vault::{Key, KeyId, KeyRing, LinkKey};

use crate::config::Config;

/// The lowest bits of a file's mode: what group and others may.
#[cfg(unix)]
const OTHERS_BITS: u32 = 6;

/// The keys of an installation.
pub struct Keys {
    /// For sealing.
    pub ring: KeyRing,
    /// For links.
    pub link_key: LinkKey,
    /// Names the key in the database, so that a missing or other key is seen at the start.
    pub id: String,
}

impl Keys {
    /// Reads the key, or makes it where the database is new (`known` is `None`).
    pub fn load(config: &Config, home: Option<&Path>, known: Option<&str>, entropy: &dyn Entropy) -> Result<Self> {
        let (text, origin) = if let Some(text) = &config.key {
            (text.clone(), "GREENROOM_KEY".to_owned())
        } else {
            let path = key_path(config, home)?;
            let origin = path.display().to_string();
            match read(&path)? {
                Some(text) => (text, origin),
                None if known.is_some() => bail!(
                    "the database is sealed with the key {}, and the key file {origin} does not exist; put the key file back, or name it in GREENROOM_KEY_FILE",
                    known.unwrap_or_default()
                ),
                None => (make(&path, entropy)?, origin),
            }
        };
        let key: Key = text.trim().parse().map_err(|error| anyhow::anyhow!("{origin} holds no usable key: {error}"))?;
        let id = name(&key);
        ensure!(
            known.is_none_or(|known| known == id),
            "the database is sealed with the key {}, but {origin} holds the key {id}; use the key this database was made with",
            known.unwrap_or_default()
        );
        let link_key = LinkKey::derived_from(&key);
        let key_id: KeyId = id.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { ring: KeyRing::new(key_id, key), link_key, id })
    }
}

/// A short name that says nothing about the key.
fn name(key: &Key) -> String {
    let mut check = vault::link_token(&LinkKey::derived_from(key), "key-id", "k");
    check.retain(|c| c.is_ascii_alphanumeric());
    format!("k{}", check.chars().rev().take(8).collect::<String>().to_lowercase())
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
        let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        ensure!(
            real(&folder) != real(parent),
            "GREENROOM_KEY_FILE lies in the folder of the database; a copy of that folder would hold both: choose another folder"
        );
    }
    Ok(path)
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => {
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                let mode = fs::metadata(path)?.permissions().mode();
                ensure!(
                    mode.trailing_zeros() >= OTHERS_BITS,
                    "the key file {} can be read by others; run: chmod 600 {}",
                    path.display(),
                    path.display()
                );
            }
            Ok(Some(text))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("the key file {} cannot be read", path.display())),
    }
}

fn make(path: &Path, entropy: &dyn Entropy) -> Result<String> {
    let text = STANDARD.encode(entropy.bytes::<32>());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("the folder {} for the key file cannot be made", parent.display()))?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).with_context(|| format!("the key file {} cannot be made", path.display()))?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    Ok(text)
}
