//! Claims: who holds which five minutes. The store lets one interview hold a cell of a holder; that is promise 1.

use scheduling::TimeRange;
use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, interviews::Interview, people::Person};

/// Whoever can be in one place at a time: a person, later a room. The text is an id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Holder(String);

impl Holder {
    /// A manager or candidate.
    pub fn person(id: Id<Person>) -> Self {
        Self(id.to_string())
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Taking time for an interview: all cells or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Whose time.
    pub holder: Holder,
    /// From when to when; whole five-minute cells.
    pub range: TimeRange,
    /// For which interview.
    pub interview: Id<Interview>,
    /// The interview's revision; rows of older revisions are released.
    pub rev: Rev,
    /// A hold ends by itself; a booking does not.
    pub expires_at: Option<Timestamp>,
}
