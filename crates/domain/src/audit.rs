//! The audit log: who did what to whom and why, written in the same transaction as the change it describes; and the chain that seals it.

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
    /// Shows that this installation wrote the line; `app` fills it in when the change is committed, and a line without it is reported
    /// as inserted.
    pub mac: Option<Vec<u8>>,
}

impl Kind for Entry {
    const PREFIX: &'static str = "aud";
}

impl Entry {
    /// The actor as the column holds it.
    pub fn actor_text(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.actor)
    }

    /// The payload as the column holds it, and as it is hashed.
    pub fn payload_text(&self) -> serde_json::Result<String> {
        serde_json::to_string(&self.payload)
    }
}

/// A line exactly as its columns hold it, so that what is hashed is what is stored, also where somebody altered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// See [`Entry::id`].
    pub id: String,
    /// Microseconds since 1970.
    pub at: i64,
    /// JSON.
    pub actor: String,
    /// See [`Entry::action`].
    pub action: String,
    /// See [`Entry::subject`].
    pub subject: String,
    /// See [`Entry::reason`].
    pub reason: Option<String>,
    /// See [`Entry::request`].
    pub request: Option<String>,
    /// JSON; `None` once erased.
    pub payload: Option<String>,
    /// `None` once erased.
    pub salt: Option<Vec<u8>>,
    /// SHA-256 of salt and payload; stays when they are erased.
    pub payload_hash: Vec<u8>,
    /// See [`Entry::mac`].
    pub mac: Option<Vec<u8>>,
    /// Its place in the chain, from 1; `None` until it is sealed.
    pub seq: Option<i64>,
    /// The chain's value up to here.
    pub chain: Option<Vec<u8>>,
}

impl Line {
    /// What the columns mean; `None` where somebody altered them until they mean nothing.
    pub fn entry(&self) -> Option<Entry> {
        Some(Entry {
            id: self.id.parse().ok()?,
            at: Timestamp::from_microsecond(self.at).ok()?,
            actor: serde_json::from_str(&self.actor).ok()?,
            action: self.action.clone(),
            subject: self.subject.clone(),
            reason: self.reason.clone(),
            request: self.request.clone(),
            payload: self.payload.as_deref().map_or(Some(serde_json::Value::Null), |text| serde_json::from_str(text).ok())?,
            salt: self.salt.clone().unwrap_or_default(),
            mac: self.mac.clone(),
        })
    }
}

/// Where the chain ends.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// Lines sealed so far.
    pub seq: i64,
    /// The chain's value; `None` while nothing is sealed.
    pub chain: Option<Vec<u8>>,
}

/// Numbers and chains lines: a compare-and-swap of the head, and the new columns of each line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The `seq` of the head it follows.
    pub from: i64,
    /// Line, place and value, in order without gaps.
    pub links: Vec<(String, i64, Vec<u8>)>,
}

/// A signed statement: at this time the chain had this value after so many lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The installation's name.
    pub installation: String,
    /// The last line it covers.
    pub seq: i64,
    /// The chain's value there, in hexadecimal.
    pub chain: String,
    /// Lines it covers, counted when it was signed.
    pub count: i64,
    /// When it was signed.
    pub at: Timestamp,
    /// Which public key it can be checked with.
    pub key: String,
    /// Ed25519, in Base64.
    pub signature: String,
}

/// A public key on record, vouched for by a later one, so that checkpoints can be checked when the master key it came from is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointKey {
    /// Its name: the first 16 hexadecimal digits of its SHA-256.
    pub id: String,
    /// 32 bytes.
    pub public_key: Vec<u8>,
    /// The name of the key that signed this record.
    pub endorsed_by: String,
    /// Its signature.
    pub endorsement: Vec<u8>,
    /// When it was put on record.
    pub recorded_at: Timestamp,
}

/// Which lines somebody asks for. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Who: a kind (`api_key`), or a kind and an id (`api_key:key_…`).
    pub actor: Option<String>,
    /// What the action's code begins with.
    pub action: Option<String>,
    /// The id of what it was done to.
    pub subject: Option<String>,
    /// The request that caused it.
    pub request: Option<String>,
}

impl Filter {
    /// What the actor's column must begin with.
    pub fn actor_prefix(&self) -> Option<String> {
        let text = self.actor.as_ref()?;
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        Some(match text.split_once(':') {
            Some((kind, id)) => format!("{{\"kind\":{},\"id\":{}}}", quoted(kind), quoted(id)),
            None => format!("{{\"kind\":{}", quoted(text)),
        })
    }
}

/// Lines by how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// With a place in the chain.
    pub sealed: i64,
    /// Not sealed yet.
    pub unsealed: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_by_actor_begins_as_the_column_does() {
        let prefix = |text: &str| Filter { actor: Some(text.to_owned()), ..Filter::default() }.actor_prefix().unwrap();
        let stored = |actor: Actor| serde_json::to_string(&actor).unwrap();
        assert!(stored(Actor::System).starts_with(&prefix("system")));
        assert!(stored(Actor::ApiKey("key_1".to_owned())).starts_with(&prefix("api_key")));
        assert_eq!(stored(Actor::ApiKey("key_1".to_owned())), prefix("api_key:key_1"));
        assert_eq!(stored(Actor::Administrator("A \"B\"".to_owned())), prefix("administrator:A \"B\""));
    }
}
