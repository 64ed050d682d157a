//! What keeps a copy of the audit log's checkpoints outside the database: whoever can rewrite the one cannot rewrite the other.

use async_trait::async_trait;

/// The copy could not be written or read. The text says what the administrator must mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WitnessError(pub String);

/// See the module's header.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Appends one line and returns when it is safe on the disk. A line that is there already is not repeated.
    async fn keep(&self, line: &str) -> Result<(), WitnessError>;
    /// Everything that was kept here, line by line; empty before the first.
    async fn kept(&self) -> Result<String, WitnessError>;
}
