//! Tokens of mailed links and of OAuth `state`: `id ‖ HMAC-SHA256(link key, purpose ‖ id)` in URL-safe base64.
//!
//! Nothing secret lies at rest: the row knows only the id, and the token can be made again when a mail is sent again. That the row
//! is live, unused and of that purpose is for its reader to check; a token only shows that we made it.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{Key, KeyId, KeyRing};

const MAC_BYTES: usize = 32;

/// The key that signs links; derived from a master key, of use for nothing else.
#[derive(Clone)]
pub struct LinkKey(Key);

impl LinkKey {
    /// A link key of its own.
    pub const fn new(key: Key) -> Self {
        Self(key)
    }

    /// The link key that belongs to a master key. Links live as long as their master key is in the ring.
    pub fn derived_from(master: &Key) -> Self {
        Self(master.derive("greenroom link tokens v1"))
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey([redacted])")
    }
}

/// The token of the link row `id`, valid for one purpose.
pub fn link_token(key: &LinkKey, purpose: &str, id: &str) -> String {
    let mut bytes = id.as_bytes().to_vec();
    bytes.extend_from_slice(&mac(key, purpose, id.as_bytes()).finalize().into_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The id of the link row, if we made this token for this purpose. Compares in constant time.
pub fn verify_link_token(key: &LinkKey, purpose: &str, token: &str) -> Option<String> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let (id, tag) = bytes.split_last_chunk::<MAC_BYTES>()?;
    mac(key, purpose, id).verify_slice(tag).ok()?;
    String::from_utf8(id.to_vec()).ok()
}

/// [`link_token`] under the ring's active key.
pub fn sign_link(ring: &KeyRing, purpose: &str, id: &str) -> String {
    link_token(&LinkKey::derived_from(ring.active_key()), purpose, id)
}

/// [`link_token`] under the key of that name; `None` where the ring has no such key.
pub fn sign_link_under(ring: &KeyRing, key: &KeyId, purpose: &str, id: &str) -> Option<String> {
    ring.get(key).map(|key| link_token(&LinkKey::derived_from(key), purpose, id))
}

/// The id of the link row, if any key of the ring made this token for this purpose, and which one did: links that were mailed before a
/// rotation still open.
pub fn verify_link(ring: &KeyRing, purpose: &str, token: &str) -> Option<(String, KeyId)> {
    ring.keys().find_map(|(id, key)| verify_link_token(&LinkKey::derived_from(key), purpose, token).map(|link| (link, id.clone())))
}

/// The purpose has its length before it, so that no two pairs of purpose and id feed the same bytes.
fn mac(key: &LinkKey, purpose: &str, id: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.0.hmac();
    mac.update(&(purpose.len() as u64).to_be_bytes());
    mac.update(purpose.as_bytes());
    mac.update(id);
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> LinkKey {
        LinkKey::derived_from(&Key::from_bytes([4; 32]))
    }

    #[test]
    fn a_token_gives_back_its_id_for_its_purpose_only() {
        let token = link_token(&key(), "connect", "lnk_1");
        assert_eq!(verify_link_token(&key(), "connect", &token).as_deref(), Some("lnk_1"));
        assert_eq!(verify_link_token(&key(), "feedback", &token), None);
        assert_eq!(verify_link_token(&LinkKey::derived_from(&Key::from_bytes([5; 32])), "connect", &token), None);
        // The border between purpose and id does not slide.
        assert_eq!(verify_link_token(&key(), "connectlnk", &link_token(&key(), "connect", "lnk_1")), None);
        assert_ne!(link_token(&key(), "ab", "c"), link_token(&key(), "a", "bc"));
    }

    #[test]
    fn links_of_every_key_of_the_ring_open_and_the_active_one_signs() {
        let id = |text: &str| text.parse::<KeyId>().unwrap();
        let old = KeyRing::new(id("old"), Key::from_bytes([4; 32]));
        let mailed = sign_link(&old, "connect", "lnk_1");
        let mut ring = old.clone();
        ring.add(id("new"), Key::from_bytes([5; 32])).unwrap();
        assert!(ring.activate(&id("new")));
        assert_eq!(verify_link(&ring, "connect", &mailed), Some(("lnk_1".to_owned(), id("old"))));
        let fresh = sign_link(&ring, "connect", "lnk_1");
        assert_ne!(fresh, mailed);
        assert_eq!(verify_link(&ring, "connect", &fresh), Some(("lnk_1".to_owned(), id("new"))));
        assert_eq!(sign_link_under(&ring, &id("old"), "connect", "lnk_1"), Some(mailed));
        assert_eq!(sign_link_under(&ring, &id("lost"), "connect", "lnk_1"), None);
        assert_eq!(verify_link(&old, "connect", &fresh), None);
        assert_eq!(verify_link(&ring, "feedback", &fresh), None);
    }

    #[test]
    fn every_changed_letter_is_seen() {
        let token = link_token(&key(), "connect", "lnk_1");
        for at in 0..token.len() {
            for other in ['A', 'B', 'z', '-', '=', ' '] {
                let mut letters: Vec<char> = token.chars().collect();
                if letters[at] != other {
                    letters[at] = other;
                    let changed: String = letters.into_iter().collect();
                    assert_eq!(verify_link_token(&key(), "connect", &changed), None, "{changed}");
                }
            }
        }
    }

    #[test]
    fn nonsense_is_no_token() {
        for nonsense in ["", "a", "état", "AAAA", &"A".repeat(43), "x y"] {
            assert_eq!(verify_link_token(&key(), "connect", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn mailed_links_keep_working_between_releases() {
        assert_eq!(link_token(&key(), "connect", "lnk_1"), "bG5rXzHSJaBSgiH1vNhXblhZN5OeU_J7ZfN3L_yOzzum1JPgHA");
        assert_eq!(format!("{:?}", key()), "LinkKey([redacted])");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn round_trips_and_fits_a_url(purpose in ".{0,20}", id in ".{0,40}") {
            let token = link_token(&key(), &purpose, &id);
            prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
            prop_assert_eq!(verify_link_token(&key(), &purpose, &token), Some(id));
        }
    }
}
