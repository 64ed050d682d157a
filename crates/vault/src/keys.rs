//! Master keys and the ring that holds them: one key seals, older ones still open, and each sealed record names its key.

use std::{fmt, str::FromStr};

use base64::{Engine, alphabet, engine::DecodePaddingMode, engine::GeneralPurpose, engine::GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{LinkKey, link_token};

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// 256 secret bits. Wiped on drop; there is no way to print or serialise them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Key([u8; KEY_BYTES]);

impl Key {
    /// From bytes that are already random.
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// A key for one use, made from this one: HMAC-SHA256(this key, label). Knowing it tells nothing about this key or about the
    /// keys of other labels, so one master key in the configuration is enough.
    #[must_use]
    pub fn derive(&self, label: &str) -> Self {
        let mut mac = self.hmac();
        mac.update(label.as_bytes());
        Self(mac.finalize().into_bytes().into())
    }

    /// A short name that is computed from the key and says nothing about it: two keys never share one by mistake, and a key that was
    /// damaged or exchanged for another is seen by its name.
    pub fn id(&self) -> KeyId {
        let mut check = link_token(&LinkKey::derived_from(self), "key-id", "k");
        check.retain(|c| c.is_ascii_alphanumeric());
        KeyId(format!("k{}", check.chars().rev().take(8).collect::<String>().to_lowercase()))
    }

    /// HMAC-SHA256 keyed with this key.
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of every length (RFC 2104)")]
    pub(crate) fn hmac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("a key of any length")
    }

    /// For the cipher.
    pub(crate) const fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key([redacted])")
    }
}

/// Why a text is not a key. Says what is wrong and what to do, and shows nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Nothing there.
    #[error("the key is empty: make one with `openssl rand -hex 32`")]
    Empty,
    /// Neither alphabet fits.
    #[error("the key is neither 64 hexadecimal digits nor base64: make one with `openssl rand -hex 32`")]
    Alphabet,
    /// The right alphabet, the wrong length.
    #[error("the key has {bytes} bytes, it needs exactly 32: make one with `openssl rand -hex 32`")]
    Length {
        /// How many bytes the text stands for.
        bytes: usize,
    },
    /// A placeholder such as all zeros.
    #[error("the key is one byte repeated, which anybody can guess: make one with `openssl rand -hex 32`")]
    Repeated,
}

impl FromStr for Key {
    type Err = KeyError;

    /// Reads 64 hexadecimal digits, or base64 (either alphabet, padded or not) of 32 bytes. White space around it, such as the line
    /// end of a secret file, is ignored.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyError::Empty);
        }
        let bytes = match decode_hex(text) {
            Some(bytes) => bytes,
            None => decode_base64(text).ok_or(KeyError::Alphabet)?,
        };
        let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| KeyError::Length { bytes: bytes.len() })?;
        let key = Self(key);
        if key.0.iter().all(|byte| *byte == key.0[0]) { Err(KeyError::Repeated) } else { Ok(key) }
    }
}

/// Hexadecimal only if it looks like a key: a text of any other length may as well be base64.
fn decode_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if text.len() != 2 * KEY_BYTES || !text.is_ascii() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_BYTES));
    for pair in text.as_bytes().chunks_exact(2) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    Some(bytes)
}

fn decode_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { alphabet::URL_SAFE } else { alphabet::STANDARD };
    GeneralPurpose::new(&alphabet, config).decode(text).ok().map(Zeroizing::new)
}

/// A key's name: 1 to 32 of `a-z A-Z 0-9 . _ -`. It is stored beside what the key sealed, and may be printed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

/// Why a text is not a key id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a key id has 1 to 32 characters of a-z, A-Z, 0-9, dot, underscore and hyphen, such as `2026-11`")]
pub struct KeyIdError;

impl KeyId {
    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let printable = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=32).contains(&text.len()) && text.bytes().all(printable) { Ok(Self(text.to_owned())) } else { Err(KeyIdError) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyIdError;

    fn try_from(text: String) -> Result<Self, KeyIdError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The keys of this installation, oldest first: the active one seals, all of them open.
#[derive(Debug, Clone)]
pub struct KeyRing {
    keys: Vec<(KeyId, Key)>,
    active: usize,
}

/// Two keys under one name would make sealed records ambiguous.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the key ring already has a key named `{id}`: give each key its own id, and never use an id again")]
pub struct DuplicateKeyId {
    /// The name that is taken.
    pub id: KeyId,
}

/// Why a text is not a key ring. Shows nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RingError {
    /// No line with a key.
    #[error("there is no key in it: one key a line, made with `openssl rand -hex 32`")]
    Empty,
    /// A line that is no key.
    #[error("line {line}: {why}")]
    Key {
        /// Counted from 1.
        line: usize,
        /// What is wrong with the key.
        why: KeyError,
    },
    /// A line whose name is not that of its key.
    #[error("line {line} is named `{named}`, but its key has the id `{found}`: the line is damaged, or the key is another one")]
    Named {
        /// Counted from 1.
        line: usize,
        /// What the line says.
        named: KeyId,
        /// What the key says.
        found: KeyId,
    },
    /// A name that cannot be one; it is not shown, because it may be a piece of a key.
    #[error("line {line}: what stands before the colon is no key id, which has the form k1a2b3c4d")]
    Id {
        /// Counted from 1.
        line: usize,
    },
    /// The same key twice.
    #[error("line {line} holds the key `{id}` again: remove one of the two lines")]
    Twice {
        /// Counted from 1.
        line: usize,
        /// Which.
        id: KeyId,
    },
}

impl KeyRing {
    /// A ring of one key, which seals.
    pub fn new(id: KeyId, key: Key) -> Self {
        Self { keys: vec![(id, key)], active: 0 }
    }

    /// Reads a ring: one key a line, oldest first, each `id:key` or the key alone; empty lines and lines that begin with `#` are passed over.
    /// The id is computed from the key ([`Key::id`]); where a line names it, it must be that. The newest key is the active one until
    /// [`KeyRing::activate`] says otherwise.
    pub fn parse(text: &str) -> Result<Self, RingError> {
        let mut keys: Vec<(KeyId, Key)> = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let (content, line) = (line.trim(), at + 1);
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let (named, key) = match content.split_once(':') {
                Some((named, key)) => (Some(named.trim()), key),
                None => (None, content),
            };
            let key: Key = key.parse().map_err(|why| RingError::Key { line, why })?;
            let id = key.id();
            if let Some(named) = named {
                let named: KeyId = named.parse().map_err(|_| RingError::Id { line })?;
                if named != id {
                    return Err(RingError::Named { line, named, found: id });
                }
            }
            if keys.iter().any(|(known, _)| *known == id) {
                return Err(RingError::Twice { line, id });
            }
            keys.push((id, key));
        }
        let active = keys.len().checked_sub(1).ok_or(RingError::Empty)?;
        Ok(Self { keys, active })
    }

    /// Adds another key, so that what it sealed opens; the active one stays.
    pub fn add(&mut self, id: KeyId, key: Key) -> Result<(), DuplicateKeyId> {
        if self.get(&id).is_some() {
            return Err(DuplicateKeyId { id });
        }
        self.keys.push((id, key));
        Ok(())
    }

    /// The ring without one of its keys. `None` where the ring has none of that name, or where it is the one that seals.
    pub fn without(&self, id: &KeyId) -> Option<Self> {
        let gone = self.keys.iter().position(|(known, _)| known == id).filter(|at| *at != self.active)?;
        let mut left = self.clone();
        left.keys.remove(gone);
        left.active -= usize::from(gone < left.active);
        Some(left)
    }

    /// Makes a key of the ring the one that seals; `false`, and nothing changed, where the ring has none of that name.
    pub fn activate(&mut self, id: &KeyId) -> bool {
        let at = self.keys.iter().position(|(known, _)| known == id);
        self.active = at.unwrap_or(self.active);
        at.is_some()
    }

    /// The name of the key that seals. A record under another id is due for sealing anew.
    pub fn active_id(&self) -> &KeyId {
        &self.keys[self.active].0
    }

    /// The name of the key that was added last.
    pub fn newest_id(&self) -> &KeyId {
        &self.keys[self.keys.len() - 1].0
    }

    /// The key of that name, active or not.
    pub fn get(&self, id: &KeyId) -> Option<&Key> {
        self.keys.iter().find_map(|(known, key)| (known == id).then_some(key))
    }

    /// A key for one use ([`Key::derive`]), made from the key of that name; `None` where the ring has no such key.
    pub fn derive(&self, id: &KeyId, label: &str) -> Option<Key> {
        self.get(id).map(|key| key.derive(label))
    }

    /// The names of all keys, oldest first.
    pub fn ids(&self) -> impl Iterator<Item = &KeyId> {
        self.keys.iter().map(|(id, _)| id)
    }

    pub(crate) fn active_key(&self) -> &Key {
        &self.keys[self.active].1
    }

    /// All keys, the active one first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&KeyId, &Key)> {
        let (before, rest) = self.keys.split_at(self.active);
        rest.iter().chain(before).map(|(id, key)| (id, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn bytes() -> [u8; 32] {
        std::array::from_fn(|at| u8::try_from(at).unwrap())
    }

    #[test]
    fn a_key_leaves_the_ring_and_the_one_that_seals_stays() {
        let id = |name: &str| name.parse::<KeyId>().unwrap();
        let mut ring = KeyRing::new(id("a"), Key::from_bytes([1; 32]));
        ring.add(id("b"), Key::from_bytes([2; 32])).unwrap();
        ring.add(id("c"), Key::from_bytes([3; 32])).unwrap();
        assert!(ring.activate(&id("b")));
        assert!(ring.without(&id("b")).is_none() && ring.without(&id("d")).is_none());
        for gone in ["a", "c"] {
            let left = ring.without(&id(gone)).unwrap();
            assert_eq!((left.active_id(), left.ids().count()), (&id("b"), 2));
            assert!(left.get(&id(gone)).is_none());
        }
    }

    #[test]
    fn reads_hex_and_every_base64() {
        let high: [u8; 32] = std::array::from_fn(|at| 255 - u8::try_from(at).unwrap());
        for (text, want) in [
            (HEX.to_owned(), bytes()),
            (HEX.to_uppercase(), bytes()),
            (format!("  {HEX}\n"), bytes()),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(), bytes()),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".to_owned(), bytes()),
            ("//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi4eA=".to_owned(), high),
            ("__79_Pv6-fj39vX08_Lx8O_u7ezr6uno5-bl5OPi4eA".to_owned(), high),
        ] {
            assert_eq!(text.parse::<Key>().unwrap().bytes(), &want, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_without_showing_it() {
        let short = &HEX[..62];
        for (text, want) in [
            ("", KeyError::Empty),
            (" \n", KeyError::Empty),
            ("correct horse battery staple", KeyError::Alphabet),
            ("c2hvcnQ=", KeyError::Length { bytes: 5 }),
            (&"0".repeat(64), KeyError::Repeated),
            (&HEX.replace('0', "é"), KeyError::Alphabet),
        ] {
            let error = text.parse::<Key>().unwrap_err();
            assert_eq!(error, want);
            assert!(text.trim().is_empty() || !error.to_string().contains(text.trim()));
        }
        assert!(short.parse::<Key>().is_err());
    }

    #[test]
    fn a_ring_finds_keys_by_name_and_takes_each_name_once() {
        let id = |text: &str| text.parse::<KeyId>().unwrap();
        let mut ring = KeyRing::new(id("new"), Key::from_bytes([1; 32]));
        ring.add(id("old"), Key::from_bytes([2; 32])).unwrap();
        assert!(!ring.activate(&id("lost")));
        assert_eq!(ring.active_id().as_str(), "new");
        assert!(ring.activate(&id("old")));
        assert_eq!((ring.active_id().as_str(), ring.newest_id().as_str()), ("old", "old"));
        assert!(ring.activate(&id("new")));
        assert_eq!(ring.add(id("new"), Key::from_bytes([3; 32])), Err(DuplicateKeyId { id: id("new") }));
        assert_eq!(ring.add(id("old"), Key::from_bytes([3; 32])), Err(DuplicateKeyId { id: id("old") }));
        assert_eq!(ring.active_id().as_str(), "new");
        assert_eq!(ring.get(&id("old")).unwrap().bytes(), &[2; 32]);
        assert!(ring.get(&id("lost")).is_none());
        assert_eq!(ring.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["new", "old"]);
    }

    #[test]
    fn debug_shows_names_and_no_bytes() {
        let ring = KeyRing::new("k1".parse().unwrap(), Key::from_bytes(*b"hunter2hunter2hunter2hunter2hun!"));
        let shown = format!("{ring:?}");
        assert!(shown.contains("k1") && shown.contains("[redacted]"), "{shown}");
        assert!(!shown.contains("hunter") && !shown.contains("104"), "{shown}");
    }

    #[test]
    fn key_ids_are_short_and_printable() {
        for wrong in ["", "with space", "ä", "a/b", &"x".repeat(33)] {
            assert_eq!(wrong.parse::<KeyId>(), Err(KeyIdError), "{wrong}");
        }
        let id: KeyId = serde_json::from_str("\"2026-11\"").unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"2026-11\"");
        assert!(serde_json::from_str::<KeyId>("\"\"").is_err());
    }

    #[test]
    fn derived_keys_depend_on_key_and_label() {
        let key = Key::from_bytes(bytes());
        let other = Key::from_bytes([9; 32]);
        assert_eq!(key.derive("links").bytes(), key.derive("links").bytes());
        assert_ne!(key.derive("links").bytes(), key.derive("link").bytes());
        assert_ne!(key.derive("links").bytes(), other.derive("links").bytes());
        assert_ne!(key.derive("links").bytes(), key.bytes());
    }

    /// Stored and mailed values depend on this function: it may not change between releases.
    #[test]
    fn derivation_is_hmac_sha256() {
        let derived = Key::from_bytes(bytes()).derive("links");
        let shown = derived.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        assert_eq!(shown, "92809b97fd11c673a29c463bf76b14cd17f067985af0b07f5e8c2e1709157ab4");
    }

    #[test]
    fn a_ring_is_read_line_by_line() {
        let (one, two) = (Key::from_bytes([1; 32]), Key::from_str(HEX).unwrap());
        let bare = KeyRing::parse(&format!("{HEX}\n")).unwrap();
        assert_eq!((bare.active_id(), bare.get(&two.id()).unwrap().bytes()), (&two.id(), two.bytes()));
        let other = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";
        let third: Key = other.parse().unwrap();
        let ring = KeyRing::parse(&format!("# keys of the interview desk\n\n{}:{HEX}\n  {other}", two.id())).unwrap();
        assert_eq!(ring.ids().collect::<Vec<_>>(), [&two.id(), &third.id()]);
        assert_eq!((ring.active_id(), ring.newest_id()), (&third.id(), &third.id()));
        assert_eq!(ring.derive(&two.id(), "backups").unwrap().bytes(), two.derive("backups").bytes());
        assert!(ring.derive(&one.id(), "backups").is_none());
        assert_eq!(two.id().as_str().len(), 9);
    }

    #[test]
    fn a_damaged_ring_says_which_line_and_shows_nothing_of_it() {
        let id = Key::from_str(HEX).unwrap().id();
        let wrong: KeyId = "k00000000".parse().unwrap();
        let altered = HEX.replace("1f", "1e");
        let found = Key::from_str(&altered).unwrap().id();
        for (text, want) in [
            (String::new(), RingError::Empty),
            ("# nothing\n".to_owned(), RingError::Empty),
            (format!("{HEX}\nhunter2 and friends"), RingError::Key { line: 2, why: KeyError::Alphabet }),
            (format!("\n{wrong}:{HEX}"), RingError::Named { line: 2, named: wrong, found: id.clone() }),
            (format!("{id}:{altered}"), RingError::Named { line: 1, named: id.clone(), found }),
            (format!("{HEX}\n{id}:{HEX}"), RingError::Twice { line: 2, id: id.clone() }),
            (format!("not an id:{HEX}"), RingError::Id { line: 1 }),
        ] {
            let error = KeyRing::parse(&text).unwrap_err();
            assert_eq!(error, want);
            assert!(!error.to_string().contains(&HEX[..8]) && !error.to_string().contains("hunter"), "{error}");
        }
    }

    /// Databases name their key by this id: it may not change between releases.
    #[test]
    fn ids_do_not_change_between_releases() {
        assert_eq!(Key::from_str(HEX).unwrap().id().as_str(), "ki4xev5br");
    }
}
