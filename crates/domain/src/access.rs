//! Who may call: API keys with rights, and dashboard sessions. Only hashes are stored.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, id::Kind};

/// What an API key may do. Rights do not imply each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// See vacancies, interviews, people, availability, status.
    Read,
    /// Create vacancies and candidates, ask for permission, dry runs.
    Propose,
    /// Approve, book, move, cancel, give feedback, disconnect.
    Commit,
    /// Read titles of calendar events.
    CalendarTitles,
    /// Receive short-lived access tokens.
    Lend,
    /// Read and export the audit log.
    Audit,
    /// Read `/metrics`.
    Metrics,
    /// Keys, accounts, settings, backups, erasure: what an administrator does.
    Administer,
}

impl Right {
    /// Every right, in the order shown to people.
    pub const ALL: [Self; 8] =
        [Self::Read, Self::Propose, Self::Commit, Self::CalendarTitles, Self::Lend, Self::Audit, Self::Metrics, Self::Administer];

    /// As callers and forms write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Propose => "propose",
            Self::Commit => "commit",
            Self::CalendarTitles => "calendar_titles",
            Self::Lend => "lend",
            Self::Audit => "audit",
            Self::Metrics => "metrics",
            Self::Administer => "administer",
        }
    }
}

/// An API key. The key itself is shown once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names the key in lists and logs.
    pub id: Id<ApiKey>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// What it is for, in the administrator's words.
    pub name: String,
    /// SHA-256 of the key.
    pub hash: Vec<u8>,
    /// What it may do.
    pub rights: BTreeSet<Right>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
}

impl Kind for ApiKey {
    const PREFIX: &'static str = "key";
}

impl ApiKey {
    /// Whether the key is accepted at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A dashboard log-in. The cookie holds a random token; the row holds its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Names the session.
    pub id: Id<Session>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// SHA-256 of the cookie's token.
    pub hash: Vec<u8>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
}

impl Kind for Session {
    const PREFIX: &'static str = "ses";
}

impl Session {
    /// Whether the session is accepted at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}
