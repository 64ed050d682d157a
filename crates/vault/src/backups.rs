//! Sealing of a backup: XChaCha20-Poly1305 in the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár, 2015), chunk by chunk, so
//! that a file of any size is sealed and opened in constant memory.
//!
//! Every file has keys of its own, derived from a master key and a random salt: one authenticates the header, the other seals the chunks.
//! The header is associated data of every chunk, and position and "last" stand in every nonce: a chunk that was changed, left out, moved,
//! repeated, added, or taken from another file does not open, nor does a file that ends early.

use aead_stream::{DecryptorBE32, EncryptorBE32, Nonce, StreamBE32};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, aead::Payload};
use hmac::Mac;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Key;

/// Bytes of a salt. Drawn at random for every file.
pub const BACKUP_SALT_BYTES: usize = 32;
/// Plain bytes in every chunk but the last, which has at most as many.
pub const BACKUP_CHUNK_BYTES: usize = 65_536;
/// Bytes by which a sealed chunk is longer.
pub const BACKUP_TAG_BYTES: usize = 16;
/// Bytes of the header's seal.
pub const BACKUP_SEAL_BYTES: usize = 32;

type Cipher = XChaCha20Poly1305;

/// Why a part of a backup does not open, or cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BackupSealError {
    /// The header is not the one that was sealed, or the key of that name is another key.
    #[error("the header was changed, or its key id now names another key")]
    Header,
    /// See the module's header.
    #[error("the chunk was changed or moved, or the file was cut or extended there")]
    Chunk,
    /// The counter ends at 2^32 chunks.
    #[error("a backup ends at 256 TiB")]
    TooLong,
}

/// The two keys of one file.
pub struct BackupKeys {
    header: Key,
    content: Key,
}

impl BackupKeys {
    /// The keys of the file with this salt.
    pub fn derive(master: &Key, salt: &[u8; BACKUP_SALT_BYTES]) -> Self {
        let salt = salt.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        Self {
            header: master.derive(&format!("greenroom backup v1 header {salt}")),
            content: master.derive(&format!("greenroom backup v1 content {salt}")),
        }
    }

    /// The seal of a header.
    pub fn seal_header(&self, header: &[u8]) -> [u8; BACKUP_SEAL_BYTES] {
        self.mac(header).finalize().into_bytes().into()
    }

    /// Whether a header is the one that was sealed. Takes the same time for a near miss as for a far one.
    pub fn check_header(&self, header: &[u8], seal: &[u8; BACKUP_SEAL_BYTES]) -> Result<(), BackupSealError> {
        self.mac(header).verify_slice(seal).map_err(|_| BackupSealError::Header)
    }

    fn mac(&self, header: &[u8]) -> hmac::Hmac<Sha256> {
        let mut mac = self.header.hmac();
        mac.update(header);
        mac
    }

    fn cipher(&self) -> Cipher {
        Cipher::new(self.content.bytes().into())
    }
}

/// The keys are new in every file, so the part of the nonce that does not count may be constant.
fn nonce() -> Nonce<Cipher, StreamBE32<Cipher>> {
    Nonce::<Cipher, StreamBE32<Cipher>>::default()
}

/// Seals the chunks of one file in order.
pub struct BackupSealer {
    stream: EncryptorBE32<Cipher>,
    header: [u8; 32],
}

impl BackupSealer {
    /// For the file with this header.
    pub fn new(keys: &BackupKeys, header: &[u8]) -> Self {
        Self { stream: EncryptorBE32::from_aead(keys.cipher(), &nonce()), header: Sha256::digest(header).into() }
    }

    /// A chunk that others follow.
    pub fn next(&mut self, plain: &[u8]) -> Result<Vec<u8>, BackupSealError> {
        self.stream.encrypt_next(Payload { msg: plain, aad: &self.header }).map_err(|_| BackupSealError::TooLong)
    }

    /// The last chunk; it may be empty.
    pub fn last(self, plain: &[u8]) -> Result<Vec<u8>, BackupSealError> {
        self.stream.encrypt_last(Payload { msg: plain, aad: &self.header }).map_err(|_| BackupSealError::TooLong)
    }
}

/// Opens the chunks of one file in order.
pub struct BackupOpener {
    stream: DecryptorBE32<Cipher>,
    header: [u8; 32],
}

impl BackupOpener {
    /// For the file with this header, which must have been checked.
    pub fn new(keys: &BackupKeys, header: &[u8]) -> Self {
        Self { stream: DecryptorBE32::from_aead(keys.cipher(), &nonce()), header: Sha256::digest(header).into() }
    }

    /// A chunk that others follow. What it held is wiped on drop.
    pub fn next(&mut self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackupSealError> {
        let opened = self.stream.decrypt_next(Payload { msg: sealed, aad: &self.header });
        opened.map(Zeroizing::new).map_err(|_| BackupSealError::Chunk)
    }

    /// The last chunk.
    pub fn last(self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, BackupSealError> {
        let opened = self.stream.decrypt_last(Payload { msg: sealed, aad: &self.header });
        opened.map(Zeroizing::new).map_err(|_| BackupSealError::Chunk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"{\"key\":\"k1\"}";

    fn keys(byte: u8, salt: u8) -> BackupKeys {
        BackupKeys::derive(&Key::from_bytes([byte; 32]), &[salt; BACKUP_SALT_BYTES])
    }

    fn sealed(keys: &BackupKeys, chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut sealer = BackupSealer::new(keys, HEADER);
        let (last, others) = chunks.split_last().unwrap();
        let mut all: Vec<Vec<u8>> = others.iter().map(|chunk| sealer.next(chunk).unwrap()).collect();
        all.push(sealer.last(last).unwrap());
        all
    }

    fn opened(keys: &BackupKeys, header: &[u8], chunks: &[Vec<u8>]) -> Result<Vec<u8>, BackupSealError> {
        let mut opener = BackupOpener::new(keys, header);
        let (last, others) = chunks.split_last().unwrap();
        let mut plain = Vec::new();
        for chunk in others {
            plain.extend_from_slice(&opener.next(chunk)?);
        }
        plain.extend_from_slice(&opener.last(last)?);
        Ok(plain)
    }

    #[test]
    fn what_was_sealed_comes_back_and_nothing_else_does() {
        let ours = keys(1, 1);
        let all = sealed(&ours, &[b"one", b"two", b"three"]);
        assert_eq!(opened(&ours, HEADER, &all).unwrap(), b"onetwothree");
        let other = sealed(&keys(1, 2), &[b"one", b"two", b"three"]);
        let [a, b, c] = [&all[0], &all[1], &all[2]].map(Clone::clone);
        for (what, chunks) in [
            ("cut behind the first", vec![a.clone()]),
            ("cut behind the second", vec![a.clone(), b.clone()]),
            ("swapped", vec![b.clone(), a.clone(), c.clone()]),
            ("one left out", vec![a.clone(), c.clone()]),
            ("one twice", vec![a.clone(), a.clone(), b.clone(), c.clone()]),
            ("extended", vec![a.clone(), b.clone(), c.clone(), c.clone()]),
            ("two glued", all.iter().chain(&all).cloned().collect()),
            ("a chunk of another file", vec![a.clone(), other[1].clone(), c.clone()]),
            ("an end of another file", vec![a, b, other[2].clone()]),
        ] {
            assert_eq!(opened(&ours, HEADER, &chunks), Err(BackupSealError::Chunk), "{what}");
        }
        assert!(opened(&ours, b"{\"key\":\"k2\"}", &all).is_err(), "under another header");
        assert!(opened(&keys(2, 1), HEADER, &all).is_err(), "with another key");
    }

    #[test]
    fn a_flipped_bit_anywhere_is_seen() {
        let ours = keys(1, 1);
        let all = sealed(&ours, &[b"one", b"two"]);
        for chunk in 0..all.len() {
            for at in 0..all[chunk].len() {
                let mut changed = all.clone();
                changed[chunk][at] ^= 1;
                assert_eq!(opened(&ours, HEADER, &changed), Err(BackupSealError::Chunk), "chunk {chunk}, byte {at}");
            }
        }
        let seal = ours.seal_header(HEADER);
        ours.check_header(HEADER, &seal).unwrap();
        for at in 0..seal.len() {
            let mut changed = seal;
            changed[at] ^= 0x80;
            assert_eq!(ours.check_header(HEADER, &changed), Err(BackupSealError::Header), "byte {at}");
        }
        assert!(ours.check_header(b"{\"key\":\"k2\"}", &seal).is_err() && keys(1, 2).check_header(HEADER, &seal).is_err());
    }

    #[test]
    fn an_empty_backup_is_a_backup() {
        let ours = keys(1, 1);
        let all = sealed(&ours, &[b""]);
        assert_eq!(all[0].len(), BACKUP_TAG_BYTES);
        assert_eq!(opened(&ours, HEADER, &all).unwrap(), b"");
    }
}
