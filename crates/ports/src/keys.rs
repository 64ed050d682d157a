//! Where the keys of the vault are read from: a file, the environment, or a program that asks a key service.

use async_trait::async_trait;
use vault::KeyRing;

/// The keys could not be read. The text says where they were looked for and what to do; nothing of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeySourceError(pub String);

/// See the module's header. Read at the start, and again when a key is met that is not known yet.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// All keys as they stand there now, oldest first. Which one seals is a fact of the database, not of the source.
    async fn read(&self) -> Result<KeyRing, KeySourceError>;
}

/// A ring that never changes: for tests.
#[async_trait]
impl KeySource for KeyRing {
    async fn read(&self) -> Result<KeyRing, KeySourceError> {
        Ok(self.clone())
    }
}
