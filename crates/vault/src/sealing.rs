//! Sealing at rest: XChaCha20-Poly1305 under a named key, bound to the one place where the record belongs.
//!
//! A sealed record is `version ‖ length of key id ‖ key id ‖ nonce (24) ‖ ciphertext and tag`. The associated data are the
//! installation, table, row, column and key id, each with its length before it: a record copied to another row, column or
//! installation does not open.

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::{Key, KeyId, KeyRing, Secret};

/// Bytes of a nonce. XChaCha20's are long enough to be drawn at random.
pub const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const VERSION: u8 = 1;

/// Where a sealed record belongs. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// The installation's id, so that a backup of one does not open in another that shares a key by mistake.
    pub installation: &'a str,
    /// Table name.
    pub table: &'a str,
    /// Primary key of the row.
    pub row: &'a str,
    /// Column name.
    pub column: &'a str,
}

impl Context<'_> {
    fn associated_data(&self, key: &KeyId) -> Vec<u8> {
        let mut data = Vec::new();
        for part in [self.installation, self.table, self.row, self.column, key.as_str()] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

/// A sealed record: safe to store, to print and to back up. As text (JSON, jobs) it is base64.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sealed {
    key: KeyId,
    bytes: Vec<u8>,
}

/// Why a sealed record does not open.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The key is not on this node.
    #[error("sealed under the key `{id}`, which is not in the key ring: put that key back where keys are read from")]
    UnknownKey {
        /// The key's name.
        id: KeyId,
    },
    /// Changed, moved to another place, or sealed under another key of the same name.
    #[error("the sealed record does not open: it was changed, belongs to another row, or its key id now names another key")]
    Tampered,
    /// Not a record of ours at all, or not the text that was asked for.
    #[error("not a sealed record: the bytes have the wrong shape")]
    Malformed,
}

impl Sealed {
    /// As stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads a stored record; checks its shape, not its seal.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OpenError> {
        let [VERSION, length, rest @ ..] = bytes else { return Err(OpenError::Malformed) };
        let (key, body) = rest.split_at_checked(usize::from(*length)).ok_or(OpenError::Malformed)?;
        if body.len() < NONCE_BYTES + TAG_BYTES {
            return Err(OpenError::Malformed);
        }
        let key = str::from_utf8(key).map_err(|_| OpenError::Malformed)?;
        let key = key.parse().map_err(|_| OpenError::Malformed)?;
        Ok(Self { key, bytes: bytes.to_vec() })
    }

    /// Which key sealed it.
    pub const fn key_id(&self) -> &KeyId {
        &self.key
    }

    fn new(key: &KeyId, nonce: &[u8; NONCE_BYTES], ciphertext: &[u8]) -> Self {
        let mut bytes = vec![VERSION];
        // A key id has at most 32 bytes.
        bytes.extend(u8::try_from(key.as_str().len()));
        bytes.extend_from_slice(key.as_str().as_bytes());
        bytes.extend_from_slice(nonce);
        bytes.extend_from_slice(ciphertext);
        Self { key: key.clone(), bytes }
    }

    /// Nonce and ciphertext. `None` cannot happen for a value of this type.
    fn body(&self) -> Option<(&[u8; NONCE_BYTES], &[u8])> {
        self.bytes.get(2 + self.key.as_str().len()..)?.split_first_chunk()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(under {}, {} bytes)", self.key, self.bytes.len())
    }
}

impl FromStr for Sealed {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        Self::from_bytes(&BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| OpenError::Malformed)?)
    }
}

impl TryFrom<String> for Sealed {
    type Error = OpenError;

    fn try_from(text: String) -> Result<Self, OpenError> {
        text.parse()
    }
}

impl From<Sealed> for String {
    fn from(sealed: Sealed) -> Self {
        BASE64_URL_SAFE_NO_PAD.encode(&sealed.bytes)
    }
}

/// What a sealed record held. Wiped on drop, printed as `[redacted]`.
#[derive(Clone)]
pub struct Plain(Zeroizing<Vec<u8>>);

impl Plain {
    /// The bytes: the second door beside [`Secret::expose`].
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The same as text; [`OpenError::Malformed`] where it is none.
    pub fn expose_text(&self) -> Result<&str, OpenError> {
        str::from_utf8(&self.0).map_err(|_| OpenError::Malformed)
    }

    /// As a typed secret.
    pub fn into_secret<K>(self) -> Result<Secret<K>, OpenError> {
        self.expose_text().map(|text| Secret::new(text.to_owned()))
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Seals under the ring's active key. The nonce must be drawn at random for every call, the same plaintext included.
///
/// # Panics
/// Above 256 GiB, where the cipher ends.
#[expect(clippy::expect_used, reason = "the cipher refuses only texts above 256 GiB")]
pub fn seal(ring: &KeyRing, context: &Context<'_>, nonce: [u8; NONCE_BYTES], plaintext: &[u8]) -> Sealed {
    let id = ring.active_id();
    let aad = context.associated_data(id);
    let ciphertext = cipher(ring.active_key())
        .encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad: &aad })
        .expect("a text under 256 GiB");
    Sealed::new(id, &nonce, &ciphertext)
}

/// Opens with whichever key of the ring sealed it, in the place it was sealed for.
pub fn open(ring: &KeyRing, context: &Context<'_>, sealed: &Sealed) -> Result<Plain, OpenError> {
    let id = sealed.key_id();
    let key = ring.get(id).ok_or_else(|| OpenError::UnknownKey { id: id.clone() })?;
    let (nonce, ciphertext) = sealed.body().ok_or(OpenError::Malformed)?;
    let aad = context.associated_data(id);
    let plain =
        cipher(key).decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad }).map_err(|_| OpenError::Tampered)?;
    Ok(Plain(Zeroizing::new(plain)))
}

/// [`seal`] for a token, code or client secret.
pub fn seal_secret<K>(ring: &KeyRing, context: &Context<'_>, nonce: [u8; NONCE_BYTES], secret: &Secret<K>) -> Sealed {
    seal(ring, context, nonce, secret.expose().as_bytes())
}

/// [`open`] for a token, code or client secret: `open_secret::<kinds::Access>(…)`, or let the receiving type decide.
pub fn open_secret<K>(ring: &KeyRing, context: &Context<'_>, sealed: &Sealed) -> Result<Secret<K>, OpenError> {
    open(ring, context, sealed)?.into_secret()
}

/// The same content in the same place under the ring's active key. The plaintext does not leave this function, and is wiped.
pub fn reseal(ring: &KeyRing, context: &Context<'_>, nonce: [u8; NONCE_BYTES], sealed: &Sealed) -> Result<Sealed, OpenError> {
    Ok(seal(ring, context, nonce, open(ring, context, sealed)?.expose()))
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{AccessToken, RefreshToken};

    const HERE: Context<'_> = Context { installation: "inst_1", table: "grants", row: "grt_1", column: "refresh_token" };
    const NONCE: [u8; 24] = [7; 24];

    fn ring(id: &str, byte: u8) -> KeyRing {
        KeyRing::new(id.parse().unwrap(), Key::from_bytes([byte; 32]))
    }

    fn place(parts: &[String; 4]) -> Context<'_> {
        let [installation, table, row, column] = parts;
        Context { installation, table, row, column }
    }

    #[test]
    fn a_secret_comes_back_as_it_went() {
        let ring = ring("k1", 1);
        let token = RefreshToken::new("1000.abc.def".to_owned());
        let sealed = seal_secret(&ring, &HERE, NONCE, &token);
        let stored = Sealed::from_bytes(sealed.as_bytes()).unwrap();
        assert_eq!(stored, sealed);
        assert_eq!(stored.key_id().as_str(), "k1");
        let back: RefreshToken = open_secret(&ring, &HERE, &stored).unwrap();
        assert_eq!(back, token);
        assert!(!sealed.as_bytes().windows(3).any(|window| window == b"abc"));
    }

    #[test]
    fn each_part_of_the_place_counts() {
        let ring = ring("k1", 1);
        let sealed = seal(&ring, &HERE, NONCE, b"secret");
        for elsewhere in [
            Context { installation: "inst_2", ..HERE },
            Context { table: "exchanges", ..HERE },
            Context { row: "grt_2", ..HERE },
            Context { column: "access_token", ..HERE },
            // The same letters, cut differently.
            Context { table: "grantsg", row: "rt_1", ..HERE },
        ] {
            assert_eq!(open(&ring, &elsewhere, &sealed).unwrap_err(), OpenError::Tampered, "{elsewhere:?}");
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_seen() {
        let ring = ring("k1", 1);
        let sealed = seal(&ring, &HERE, NONCE, b"1000.abc.def");
        for at in 0..sealed.as_bytes().len() {
            for bit in 0..8 {
                let mut bytes = sealed.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let opened = Sealed::from_bytes(&bytes).and_then(|changed| open(&ring, &HERE, &changed));
                assert!(opened.is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_cut_record_is_seen() {
        let ring = ring("k1", 1);
        let sealed = seal(&ring, &HERE, NONCE, b"1000.abc.def");
        for length in 0..sealed.as_bytes().len() {
            let opened = Sealed::from_bytes(&sealed.as_bytes()[..length]).and_then(|cut| open(&ring, &HERE, &cut));
            assert!(opened.is_err(), "{length} bytes");
        }
    }

    #[test]
    fn older_keys_open_and_lost_keys_are_named() {
        let sealed = seal(&ring("2025", 1), &HERE, NONCE, b"secret");
        let mut rotated = ring("2026", 2);
        let lost = open(&rotated, &HERE, &sealed).unwrap_err();
        assert_eq!(lost, OpenError::UnknownKey { id: "2025".parse().unwrap() });
        assert!(lost.to_string().contains("`2025`"));
        rotated.add("2025".parse().unwrap(), Key::from_bytes([1; 32])).unwrap();
        assert_eq!(open(&rotated, &HERE, &sealed).unwrap().expose(), b"secret");
        // The same name for another key is not mistaken for the right one.
        assert_eq!(open(&ring("2025", 3), &HERE, &sealed).unwrap_err(), OpenError::Tampered);
    }

    #[test]
    fn another_key_id_does_not_open_even_under_the_same_key() {
        let sealed = seal(&ring("k1", 1), &HERE, NONCE, b"secret");
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[3] = b'2';
        let renamed = Sealed::from_bytes(&bytes).unwrap();
        assert_eq!(open(&ring("k2", 1), &HERE, &renamed).unwrap_err(), OpenError::Tampered);
    }

    #[test]
    fn debug_shows_the_key_id_and_nothing_inside() {
        let ring = ring("k1", 1);
        let sealed = seal(&ring, &HERE, NONCE, b"hunter2");
        let plain = open(&ring, &HERE, &sealed).unwrap();
        assert_eq!(format!("{plain:?}"), "[redacted]");
        assert_eq!(format!("{sealed:?}"), format!("Sealed(under k1, {} bytes)", sealed.as_bytes().len()));
    }

    #[test]
    fn bytes_that_are_no_text_are_no_secret() {
        let ring = ring("k1", 1);
        let sealed = seal(&ring, &HERE, NONCE, &[0xff, 0xfe]);
        let opened: Result<AccessToken, _> = open_secret(&ring, &HERE, &sealed);
        assert_eq!(opened.unwrap_err(), OpenError::Malformed);
    }

    /// The expected text was made by another implementation (HChaCha20 after the XChaCha draft, then OpenSSL's RFC 8439 cipher).
    #[test]
    fn the_stored_form_does_not_change_between_releases() {
        let sealed = seal(&ring("k1", 1), &HERE, NONCE, b"secret");
        let text = String::from(sealed.clone());
        assert_eq!(text, "AQJrMQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHB-5J65rYvj0Dc4J9SKpGjl4auHQnD0U");
        assert_eq!(serde_json::from_str::<Sealed>(&serde_json::to_string(&sealed).unwrap()).unwrap(), sealed);
        assert!(serde_json::from_str::<Sealed>("\"AQ\"").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn whatever_is_sealed_opens_only_in_its_place(
            plain in proptest::collection::vec(any::<u8>(), 0..200),
            nonce: [u8; 24],
            key: [u8; 32],
            parts in proptest::array::uniform4("[a-z]{0,4}"),
            others in proptest::array::uniform4("[a-z]{0,4}"),
        ) {
            let ring = KeyRing::new("k".parse().unwrap(), Key::from_bytes(key));
            let here = place(&parts);
            let there = place(&others);
            let sealed = seal(&ring, &here, nonce, &plain);
            let opened = open(&ring, &here, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &plain[..]);
            prop_assert_eq!(open(&ring, &there, &sealed).is_ok(), here == there);
        }
    }
}
