//! The audit log: who did what to whom and why, written in the same transaction as the change it describes.

use serde::{Deserialize, Serialize};

use crate::{Id, Timestamp, id::Kind};

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Actor {
    /// The program itself, by a job.
    System,
    /// A caller of the API, by key id; `open` for callers that need none.
    ApiKey(String),
    /// Somebody logged in to the dashboard by a one-time link: the session's id.
    Administrator(String),
    /// Somebody logged in to the dashboard with an account: the account's id.
    Account(String),
    /// A person who used a mailed link.
    Person(String),
    /// Somebody at the command line of the machine.
    Operator,
}

/// One line of the log. `action` is a stable code such as `vacancy.approved`; `subject` is an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The line's id.
    pub id: Id<Entry>,
    /// When it happened (business time).
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// What was done, as a stable code.
    pub action: String,
    /// The id of what it was done to.
    pub subject: String,
    /// Why, where somebody said.
    pub reason: Option<String>,
    /// The request or job that caused it.
    pub request: Option<String>,
    /// Details; erasable together with `salt`.
    pub payload: serde_json::Value,
    /// Random bytes that make the payload's hash unguessable.
    pub salt: Vec<u8>,
}

impl Kind for Entry {
    const PREFIX: &'static str = "aud";
}
