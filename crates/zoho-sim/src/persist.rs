//! The state on disk: one JSON file, replaced as a whole after every request that changed something, so that a killed
//! simulator finds its calendars and tokens again.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tokio::sync::Mutex;

use crate::world::World;

/// The place of the state file, and what was last written there.
pub struct Disk {
    file: PathBuf,
    /// Held while writing, so that an older state never replaces a newer one.
    written: Mutex<Vec<u8>>,
}

impl Disk {
    /// Uses `dir`, which is made if it does not exist.
    pub fn open(dir: PathBuf) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot make the state directory {}", dir.display()))?;
        Ok(Self { file: dir.join("zoho-simulator.json"), written: Mutex::default() })
    }

    /// The saved world, or nothing if there is none yet.
    pub fn load(&self) -> anyhow::Result<Option<World>> {
        let text = match std::fs::read(&self.file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.file.display())),
        };
        let world = serde_json::from_slice(&text).with_context(|| {
            format!(
                "{} was not written by this version of the simulator; move it away to start with an empty one",
                self.file.display()
            )
        })?;
        Ok(Some(world))
    }

    /// Writes what `state` gives if it differs from what was written last.
    pub async fn save(&self, state: impl FnOnce() -> serde_json::Result<Vec<u8>>) -> anyhow::Result<()> {
        let mut written = self.written.lock().await;
        let bytes = state().context("the simulator's state cannot be put into words")?;
        if *written == bytes {
            return Ok(());
        }
        let file = self.file.clone();
        *written = tokio::task::spawn_blocking(move || replace(&file, &bytes).map(|()| bytes)).await??;
        Ok(())
    }
}

/// Writes beside the file and renames, so that a crash leaves either the old state or the new one.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = file.with_extension("json.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
    out.write_all(bytes)?;
    out.sync_all()?;
    std::fs::rename(&beside, file).with_context(|| format!("cannot replace {}", file.display()))
}
