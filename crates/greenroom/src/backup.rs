//! Backups: sealed files with the whole content of the database, made online from either engine and restored into either.
//!
//! The key ring is never in one: a backup without its key is worthless, and whoever finds one without the key learns nothing.

pub mod file;
mod folder;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use domain::{Timestamp, backups::BackupFile};
pub use folder::{Folder, load};
use ports::{Entropy, backups::BackupError};
use store::Database;
use tokio::sync::mpsc;
use vault::KeyRing;

/// Pieces that wait between the database and the file.
const PIECES: usize = 4;

/// What a backup is made of, and what opens it.
#[derive(Clone)]
pub struct Source {
    /// The database.
    pub database: Arc<Database>,
    /// The installation's name.
    pub installation: String,
    /// For salts and names.
    pub entropy: Arc<dyn Entropy>,
}

impl Source {
    /// Makes a backup under the name `path`, which must be free, sealed with the active key of `ring`. Until it was written, flushed and read back to its end, the file has
    /// another name.
    pub async fn write(&self, path: &Path, ring: &KeyRing, at: Timestamp) -> Result<BackupFile, BackupError> {
        let random: [u8; 4] = self.entropy.bytes();
        let partial = beside(path, &format!(".{:08x}{}", u32::from_be_bytes(random), folder::PARTIAL));
        let made = self.make(path, &partial, ring, at).await;
        if made.is_err() {
            remove(&partial)?;
        }
        made
    }

    async fn make(&self, path: &Path, partial: &Path, ring: &KeyRing, at: Timestamp) -> Result<BackupFile, BackupError> {
        if path.exists() {
            return Err(BackupError(format!("{} is there already; name another file", path.display())));
        }
        let header = file::Header {
            installation: self.installation.clone(),
            key_id: ring.active_id().clone(),
            salt: file::Salt(self.entropy.bytes()),
            engine: self.database.engine_name().to_owned(),
            schema: self.database.schema().await.map_err(|error| BackupError(error.to_string()))?,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: at,
        };
        let (send, receive) = mpsc::channel(PIECES);
        let (target, keys) = (partial.to_path_buf(), ring.clone());
        let writing = tokio::task::spawn_blocking(move || file::write(&target, &header, &keys, receive));
        let dumped = self.database.dump(send).await;
        writing.await.map_err(|error| BackupError(format!("the writing thread ended: {error}")))??;
        let dumped = dumped.map_err(|error| BackupError(format!("the database could not be read to its end: {error}")))?;

        let (written, keys) = (partial.to_path_buf(), ring.clone());
        let reading = tokio::task::spawn_blocking(move || file::verify(&written, &keys));
        let mut whole = reading.await.map_err(|error| BackupError(format!("the reading thread ended: {error}")))??;
        if whole.dumped != dumped {
            return Err(BackupError(format!("{} holds other rows than were read; the disk may be failing", path.display())));
        }
        std::fs::rename(partial, path)
            .and_then(|()| sync_folder(path))
            .map_err(|error| BackupError(format!("{} could not be put in its place: {error}", path.display())))?;
        whole.file.name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        whole.file.verified_at = Some(at);
        Ok(whole.file)
    }
}

/// `path` with more at its end.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), BackupError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(BackupError(format!("{} is of no use and could not be removed: {error}", path.display())))
        }
        _ => Ok(()),
    }
}

/// The name of a new file survives a power cut only once its folder is on the disk.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()
}
