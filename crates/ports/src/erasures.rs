//! The erasure list: whom a restored backup must lose again. It stands beside the backups, outside the database.

use async_trait::async_trait;
use domain::erasure::Line;

/// See the module's header.
#[async_trait]
pub trait ErasureList: Send + Sync {
    /// Adds a line, durably, unless the list has it. The error is for the log: what happened and what to do.
    async fn append(&self, line: Line) -> Result<(), String>;
}
