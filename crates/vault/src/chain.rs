//! Hashes of the audit log. docs/audit.md states every byte, so that a third party can check a log without this program.
//!
//! Every field is fed with its length before it, and every hash begins with a label of its own, so that no two inputs feed the same bytes.

use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::{Key, KeyRing};

/// A value of the chain, or a message authentication code.
pub const LINK_BYTES: usize = 32;

const START: &str = "greenroom audit chain v1";
const LINK: &str = "greenroom audit line v1";
const ENTRY: &str = "greenroom audit entry v1";
/// What the key of the lines' codes is derived with.
const KEY_LABEL: &str = "greenroom audit lines v1";

/// What a line says, as its columns hold it.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    /// Its id.
    pub id: &'a str,
    /// Microseconds since 1970.
    pub at: i64,
    /// JSON.
    pub actor: &'a str,
    /// A code.
    pub action: &'a str,
    /// An id.
    pub subject: &'a str,
    /// Why.
    pub reason: Option<&'a str>,
    /// By which request.
    pub request: Option<&'a str>,
    /// [`payload_hash`] of salt and payload.
    pub payload_hash: &'a [u8],
}

/// SHA-256(salt ‖ payload).
pub fn payload_hash(salt: &[u8], payload: &str) -> [u8; LINK_BYTES] {
    Sha256::new().chain_update(salt).chain_update(payload).finalize().into()
}

/// What the first line of an installation's chain hangs on.
pub fn chain_start(installation: &str) -> [u8; LINK_BYTES] {
    let mut hash = Sha256::new();
    text(&mut |bytes| hash.update(bytes), START);
    text(&mut |bytes| hash.update(bytes), installation);
    hash.finalize().into()
}

/// The chain's value after the line at place `seq`.
pub fn chain_link(previous: &[u8], seq: i64, fields: &Fields<'_>, mac: Option<&[u8]>) -> [u8; LINK_BYTES] {
    let mut hash = Sha256::new();
    let feed = &mut |bytes: &[u8]| hash.update(bytes);
    text(feed, LINK);
    sized(feed, previous);
    feed(&seq.to_be_bytes());
    all(feed, fields);
    optional(feed, mac);
    hash.finalize().into()
}

/// The code that shows that the holder of the active key wrote the line.
pub fn line_mac(keys: &KeyRing, fields: &Fields<'_>) -> [u8; LINK_BYTES] {
    code(keys.active_key(), fields).finalize().into_bytes().into()
}

/// Whether a holder of any key of the ring wrote the line. Compares in constant time.
pub fn line_mac_holds(keys: &KeyRing, fields: &Fields<'_>, mac: &[u8]) -> bool {
    keys.keys().any(|(_, key)| code(key, fields).verify_slice(mac).is_ok())
}

fn code(key: &Key, fields: &Fields<'_>) -> hmac::Hmac<Sha256> {
    let mut mac = key.derive(KEY_LABEL).hmac();
    let feed = &mut |bytes: &[u8]| mac.update(bytes);
    text(feed, ENTRY);
    all(feed, fields);
    mac
}

fn all(feed: &mut impl FnMut(&[u8]), fields: &Fields<'_>) {
    text(feed, fields.id);
    feed(&fields.at.to_be_bytes());
    text(feed, fields.actor);
    text(feed, fields.action);
    text(feed, fields.subject);
    optional(feed, fields.reason.map(str::as_bytes));
    optional(feed, fields.request.map(str::as_bytes));
    sized(feed, fields.payload_hash);
}

fn sized(feed: &mut impl FnMut(&[u8]), bytes: &[u8]) {
    feed(&(bytes.len() as u64).to_be_bytes());
    feed(bytes);
}

fn text(feed: &mut impl FnMut(&[u8]), text: &str) {
    sized(feed, text.as_bytes());
}

fn optional(feed: &mut impl FnMut(&[u8]), bytes: Option<&[u8]>) {
    match bytes {
        None => feed(&[0]),
        Some(bytes) => {
            feed(&[1]);
            sized(feed, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields<'static> {
        Fields {
            id: "aud_1",
            at: 1_800_000_000_000_000,
            actor: "{\"kind\":\"system\"}",
            action: "vacancy.approved",
            subject: "vac_1",
            reason: None,
            request: Some("req_1"),
            payload_hash: &[7; 32],
        }
    }

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new("k".parse().unwrap(), Key::from_bytes([byte; 32]))
    }

    fn others() -> Vec<Fields<'static>> {
        vec![
            Fields { id: "aud_2", ..fields() },
            Fields { at: 1, ..fields() },
            Fields { actor: "", ..fields() },
            Fields { action: "vacancy.approvedv", subject: "ac_1", ..fields() },
            Fields { reason: Some(""), ..fields() },
            Fields { reason: Some("req_1"), request: None, ..fields() },
            Fields { request: None, ..fields() },
            Fields { payload_hash: &[8; 32], ..fields() },
        ]
    }

    #[test]
    fn every_field_its_border_and_its_place_count() {
        let link = |previous: &[u8], seq, fields: &Fields<'_>, mac| chain_link(previous, seq, fields, mac);
        let start = chain_start("ins_1");
        let right = link(&start, 1, &fields(), Some(&[1]));
        for other in others() {
            assert_ne!(link(&start, 1, &other, Some(&[1])), right, "{other:?}");
        }
        assert_ne!(link(&start, 2, &fields(), Some(&[1])), right);
        assert_ne!(link(&start, 1, &fields(), None), right);
        assert_ne!(link(&chain_start("ins_2"), 1, &fields(), Some(&[1])), right);
        assert_eq!(link(&start, 1, &fields(), Some(&[1])), right);
    }

    #[test]
    fn only_a_holder_of_the_key_can_write_a_line() {
        let mac = line_mac(&ring(1), &fields());
        assert!(line_mac_holds(&ring(1), &fields(), &mac));
        assert!(!line_mac_holds(&ring(2), &fields(), &mac));
        assert!(!line_mac_holds(&ring(1), &fields(), &mac[..31]));
        for other in others() {
            assert!(!line_mac_holds(&ring(1), &other, &mac), "{other:?}");
        }
        // An older key of the ring still counts.
        let mut rotated = ring(2);
        rotated.add("old".parse().unwrap(), Key::from_bytes([1; 32])).unwrap();
        assert!(line_mac_holds(&rotated, &fields(), &mac));
    }

    /// Chains are checked for years, and by others: these functions may not change between releases. The bytes were computed with
    /// Python's hashlib from what docs/audit.md says.
    #[test]
    fn hashes_are_what_the_document_says() {
        let shown = |bytes: [u8; 32]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let start = chain_start("ins_1");
        assert_eq!(shown(start), "4cf9c44d7e1a300ee084759e71e25644bda8d69ee47335fbad3e160771765a84");
        assert_eq!(
            shown(chain_link(&start, 1, &fields(), Some(&[9; 32]))),
            "18dc66fa60263805b911eae747483ac7d9cc06f063cf39cb88746b5e7721fea3"
        );
        assert_eq!(shown(payload_hash(&[1, 2], "{}")), "e8d5c4f3bdeebd5044090884785282349090807ac1b32dd075ce61cce3cfab42");
        assert_eq!(shown(line_mac(&ring(3), &fields())), "3cc84e155549601d8ba6db51001a193f58b70937e26698b9060927117c6b3060");
    }
}
