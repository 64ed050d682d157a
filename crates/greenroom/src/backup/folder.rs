//! The folder of backups: the newest is made, verified and kept, the oldest removed, and the newest tried in a scratch database.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use async_trait::async_trait;
use domain::{Timestamp, backups::BackupFile};
use ports::{
    Backups, Store,
    backups::{BackupError, Scratch},
};
use store::{Afterwards, Options};
use tokio::sync::mpsc;
use vault::KeyRing;

use super::{PIECES, Source, file};
use crate::world::MachineClock;

/// How the name of a file ends that is not finished.
pub(super) const PARTIAL: &str = ".partial";
const FINISHED: &str = ".backup";
/// How the name of a scratch database's folder begins.
const SCRATCH: &str = ".drill-";
/// What a killed process left is removed after this.
const LEFT_SECONDS: u64 = 86_400;

/// See the module's header.
pub struct Folder {
    source: Source,
    path: PathBuf,
    keep: usize,
}

impl Folder {
    /// Makes the folder if it is not there.
    pub fn new(source: Source, path: PathBuf, keep: usize) -> Result<Self, BackupError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&path)
            .map_err(|error| BackupError(format!("GREENROOM_BACKUP_DIR {} cannot be made: {error}", path.display())))?;
        Ok(Self { source, path, keep })
    }

    /// Finished files by name, the newest first: the names are times.
    fn names(&self) -> Result<Vec<PathBuf>, BackupError> {
        let failed = |error: io::Error| BackupError(format!("the folder {} cannot be read: {error}", self.path.display()));
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with("greenroom-") && name.ends_with(FINISHED) {
                found.push(path);
            }
        }
        found.sort();
        found.reverse();
        Ok(found)
    }

    fn listed(&self, ring: &KeyRing) -> Result<Vec<(PathBuf, BackupFile)>, BackupError> {
        let mut found = Vec::new();
        for path in self.names()? {
            match file::Reader::open(&path, ring) {
                Ok(reader) if reader.header.installation == self.source.installation => {
                    let file = file::listed(&path, &reader.header)?;
                    found.push((path, file));
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a backup cannot be opened"),
            }
        }
        Ok(found)
    }

    /// Removes the oldest of ours, and what killed processes left.
    fn tidy(&self, ring: &KeyRing) -> Result<(), BackupError> {
        for (path, _) in self.listed(ring)?.into_iter().skip(self.keep) {
            super::remove(&path)?;
        }
        let failed = |error: io::Error| BackupError(format!("the folder {} cannot be read: {error}", self.path.display()));
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.ends_with(PARTIAL) && is_left(&path) {
                super::remove(&path)?;
            } else if name.starts_with(SCRATCH) && is_left(&path) {
                fs::remove_dir_all(&path).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Whether nobody has written it for a day.
fn is_left(path: &Path) -> bool {
    let now = u64::try_from(MachineClock::seconds()).unwrap_or(0);
    let written =
        fs::metadata(path).and_then(|about| about.modified()).ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    written.is_some_and(|at| at.as_secs() + LEFT_SECONDS < now)
}

#[async_trait]
impl Backups for Folder {
    async fn make(&self, ring: &KeyRing, at: Timestamp) -> Result<BackupFile, BackupError> {
        let path = self.path.join(format!("greenroom-{}{FINISHED}", at.strftime("%Y%m%dT%H%M%S%.3fZ")));
        let made = self.source.write(&path, ring, at).await?;
        self.tidy(ring)?;
        Ok(made)
    }

    async fn list(&self, ring: &KeyRing) -> Result<Vec<BackupFile>, BackupError> {
        Ok(self.listed(ring)?.into_iter().map(|(_, file)| file).collect())
    }

    async fn scratch(&self, ring: &KeyRing) -> Result<Option<Scratch>, BackupError> {
        // The newest by its name: one that does not open is what a drill is there to find.
        let Some(path) = self.names()?.into_iter().next() else { return Ok(None) };
        scratch(&self.source, ring, &self.path, &path).await.map(Some)
    }
}

/// Restores `path` into a scratch database in `folder`.
async fn scratch(source: &Source, ring: &KeyRing, folder: &Path, path: &Path) -> Result<Scratch, BackupError> {
    let random: [u8; 8] = source.entropy.bytes();
    let scratch = Removed(folder.join(format!("{SCRATCH}{:016x}", u64::from_be_bytes(random))));
    let failed = |error: String| BackupError(format!("{}, scratch database: {error}", path.display()));
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&scratch.0).map_err(|error| failed(error.to_string()))?;
    let url = format!("sqlite:{}", scratch.0.join("scratch.db").display());
    let options = Options::new(Arc::new(MachineClock), Arc::clone(&source.entropy));
    let reader = file::Reader::open(path, ring)?;
    let file = file::listed(path, &reader.header)?;
    let nothing = Afterwards { at: reader.header.started_at, settings: Vec::new(), end_sessions: false };
    drop(reader);
    let loaded = load(path, ring, &url, &options, false, nothing).await?;
    let database = store::open(&url, options).await.map_err(|error| failed(error.to_string()))?;
    let found = database.count().await.map_err(|error| failed(error.to_string()))?;
    let store: Arc<dyn Store> = database;
    Ok(Scratch { file, store, said: loaded.dumped.counts.0, found: found.counts.0, remove: Box::new(scratch) })
}

/// Loads the file `path` into the database that `url` names.
pub async fn load(
    path: &Path,
    ring: &KeyRing,
    url: &str,
    options: &Options,
    replace: bool,
    afterwards: Afterwards,
) -> Result<store::Loaded, BackupError> {
    let (send, receive) = mpsc::channel(PIECES);
    let (from, ring) = (path.to_path_buf(), ring.clone());
    let sending = tokio::task::spawn_blocking(move || file::send(&from, &ring, &send));
    let loaded = store::load(url, options, replace, afterwards, receive).await;
    // A file that does not hold is the cause, and the load's complaint that it was cut only the consequence.
    sending.await.map_err(|error| BackupError(format!("the reading thread ended: {error}")))??;
    loaded.map_err(|error| BackupError(format!("{}: {error}", path.display())))
}

/// A folder that goes when this does.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::error!(folder = %self.0.display(), %error, "a scratch database could not be removed; it holds people's data: remove it");
        }
    }
}
