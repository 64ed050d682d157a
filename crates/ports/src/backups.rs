//! Backup files: made, listed and tried. What is in them is the adapter's business; the use cases decide when, and who is told.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use domain::{Timestamp, backups::BackupFile};
use vault::KeyRing;

use crate::Store;

/// A backup that could not be made or read. The sentence says which file, which part, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BackupError(pub String);

/// A backup in a scratch database, which is removed when this is dropped.
pub struct Scratch {
    /// Which file.
    pub file: BackupFile,
    /// The scratch database.
    pub store: Arc<dyn Store>,
    /// Rows by table, by the backup's trailer.
    pub said: BTreeMap<String, u64>,
    /// Rows by table, as counted in the scratch database.
    pub found: BTreeMap<String, u64>,
    /// Removes the scratch database.
    pub remove: Box<dyn Send + Sync>,
}

/// See the module's header. The ring is handed in, because it changes while the process runs; its active key seals.
#[async_trait]
pub trait Backups: Send + Sync {
    /// Makes one, reads it back to its end, and only then removes those that are too many.
    async fn make(&self, ring: &KeyRing, at: Timestamp) -> Result<BackupFile, BackupError>;
    /// The files of the folder, newest first; files that are no backups of this installation are left out.
    async fn list(&self, ring: &KeyRing) -> Result<Vec<BackupFile>, BackupError>;
    /// Restores the newest file into a scratch database; `None` where there is no file.
    async fn scratch(&self, ring: &KeyRing) -> Result<Option<Scratch>, BackupError>;
}
