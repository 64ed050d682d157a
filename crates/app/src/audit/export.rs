//! Lines as they leave: everything that is needed to check the chain elsewhere.

use domain::{Timestamp, audit::Line};
use serde::Serialize;

use super::checkpoints::hex;

/// One line of an export. Texts stand exactly as they were hashed; bytes are hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedLine {
    /// Its place in the chain; `null` while it is not sealed.
    pub seq: Option<i64>,
    /// Its id.
    pub id: String,
    /// When, for people; `null` if the number is no instant.
    pub at: Option<Timestamp>,
    /// When, in microseconds since 1970, as it is hashed.
    pub at_us: i64,
    /// Who, as JSON in a text.
    pub actor: String,
    /// What, as a code.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub reason: Option<String>,
    /// By which request.
    pub request: Option<String>,
    /// Details, as JSON in a text; `null` once erased.
    pub payload: Option<String>,
    /// `null` once erased.
    pub salt: Option<String>,
    /// SHA-256 of salt and payload.
    pub payload_hash: String,
    /// Shows to a holder of the key who wrote the line.
    pub mac: Option<String>,
    /// The chain's value.
    pub chain: Option<String>,
}

impl From<Line> for ExportedLine {
    fn from(line: Line) -> Self {
        Self {
            seq: line.seq,
            at: Timestamp::from_microsecond(line.at).ok(),
            at_us: line.at,
            id: line.id,
            actor: line.actor,
            action: line.action,
            subject: line.subject,
            reason: line.reason,
            request: line.request,
            payload: line.payload,
            salt: line.salt.as_deref().map(hex),
            payload_hash: hex(&line.payload_hash),
            mac: line.mac.as_deref().map(hex),
            chain: line.chain.as_deref().map(hex),
        }
    }
}
