//! Who may call: API keys with rights, dashboard accounts and their sessions. Only hashes are stored.

mod accounts;
mod roles;
mod throttles;

use std::collections::BTreeSet;

pub use accounts::Account;
pub use roles::Role;
pub use throttles::{Patience, Throttle};

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
    /// The role it was made with; `None`: right by right.
    pub role: Option<Role>,
    /// When it was made.
    pub created_at: Timestamp,
    /// After this it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
    /// SHA-256 of the key before the last roll, and until when it is accepted beside the new one.
    pub previous: Option<(Vec<u8>, Timestamp)>,
}

impl Kind for ApiKey {
    const PREFIX: &'static str = "key";
}

impl ApiKey {
    /// Days before its end from which on a key's end is warned about.
    pub const WARN_DAYS: i64 = 14;

    /// Whether the key is accepted at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether a caller who showed the key with this hash is let in at `now`: the key itself, or the one before it in its grace.
    pub fn accepts(&self, hash: &[u8], now: Timestamp) -> bool {
        let known = self.hash == hash || self.previous.as_ref().is_some_and(|(old, until)| old == hash && now < *until);
        known && self.is_live(now)
    }

    /// Whether it is live at `now` and ends within [`Self::WARN_DAYS`].
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        let soon = |end: Timestamp| end.as_second() - now.as_second() <= Self::WARN_DAYS * 24 * 3600;
        self.is_live(now) && self.expires_at.is_some_and(soon)
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
    /// Whose; `None`: of somebody who came by a one-time link from the command line.
    pub account: Option<Id<Account>>,
    /// What the browser says of itself, in a few words.
    pub device: Option<String>,
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
    /// Minutes after which a session ends, however busy it is.
    pub const LIFE_MINUTES: i64 = 12 * 60;
    /// Minutes without a request after which it ends.
    pub const IDLE_MINUTES: i64 = 2 * 60;

    /// Whether it has been quiet for too long at `now`; `last_seen` is its last request, if one was noted since it began.
    pub fn is_idle(&self, last_seen: Option<Timestamp>, now: Timestamp) -> bool {
        let seen = last_seen.unwrap_or(self.created_at).max(self.created_at);
        now.as_second() - seen.as_second() >= Self::IDLE_MINUTES * 60
    }

    /// Whether the session is accepted at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}
