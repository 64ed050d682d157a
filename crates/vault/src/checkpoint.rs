//! Signatures over the audit chain: Ed25519, from a key derived from a master key. The public halves may be shown to anybody.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};

use crate::{Key, KeyRing};

/// What the key of the signatures is derived with.
const KEY_LABEL: &str = "greenroom audit checkpoints v1";
const STATEMENT: &str = "greenroom audit checkpoint v1";
const ACCEPTANCE: &str = "greenroom audit acceptance v1";
const ENDORSEMENT: &str = "greenroom audit key v1";

/// What a checkpoint states.
#[derive(Debug, Clone, Copy)]
pub struct Statement<'a> {
    /// The installation's name.
    pub installation: &'a str,
    /// The last line it covers.
    pub seq: i64,
    /// The chain's value there, as text in hexadecimal.
    pub chain: &'a str,
    /// Lines it covers.
    pub count: i64,
    /// Microseconds since 1970.
    pub at: i64,
    /// The signing key's name.
    pub key: &'a str,
}

impl Statement<'_> {
    /// The bytes that are signed; texts have their length before them.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes, STATEMENT.as_bytes());
        put(&mut bytes, self.installation.as_bytes());
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        put(&mut bytes, self.chain.as_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.at.to_be_bytes());
        put(&mut bytes, self.key.as_bytes());
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, field: &[u8]) {
    bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
    bytes.extend_from_slice(field);
}

/// A public key with its name: the first 16 hexadecimal digits of its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    id: String,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Takes 32 bytes; what they cannot check they will not check.
    pub fn new(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes);
        let id = digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self { id, bytes }
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// 32 bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether this key signed the statement. `signature` is Base64.
    pub fn vouches(&self, statement: &Statement<'_>, signature: &str) -> bool {
        statement.key == self.id
            && BASE64_STANDARD.decode(signature).is_ok_and(|signature| self.verify(&statement.bytes(), &signature))
    }

    /// Whether this key put another on record.
    pub fn endorses(&self, other: &Self, signature: &[u8]) -> bool {
        self.verify(&endorsement(other), signature)
    }

    /// Whether this key signed an acceptance of findings. `signature` is Base64.
    pub fn accepts(&self, installation: &str, text: &str, signature: &str) -> bool {
        BASE64_STANDARD.decode(signature).is_ok_and(|signature| self.verify(&acceptance(installation, text, &self.id), &signature))
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.bytes).verify(message, signature).is_ok()
    }
}

fn acceptance(installation: &str, text: &str, key: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [ACCEPTANCE, installation, text, key] {
        put(&mut bytes, field.as_bytes());
    }
    bytes
}

fn endorsement(other: &PublicKey) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, ENDORSEMENT.as_bytes());
    put(&mut bytes, &other.bytes);
    bytes
}

/// Signs checkpoints.
pub struct CheckpointSigner {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl CheckpointSigner {
    /// The signer that belongs to the ring's active key.
    pub fn of(keys: &KeyRing) -> Self {
        Self::derived_from(keys.active_key())
    }

    #[expect(clippy::expect_used, reason = "a seed for Ed25519 is any 32 bytes (RFC 8032, section 5.1.5), and a key has 32")]
    fn derived_from(master: &Key) -> Self {
        let seed = master.derive(KEY_LABEL);
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.bytes()).expect("a seed of 32 bytes");
        let public = PublicKey::new(pair.public_key().as_ref().to_vec());
        Self { pair, public }
    }

    /// What others check with.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Base64.
    pub fn sign(&self, statement: &Statement<'_>) -> String {
        BASE64_STANDARD.encode(self.pair.sign(&statement.bytes()))
    }

    /// Signs an acceptance of findings in the audit log; Base64.
    pub fn sign_acceptance(&self, installation: &str, text: &str) -> String {
        BASE64_STANDARD.encode(self.pair.sign(&acceptance(installation, text, self.public.id())))
    }

    /// Vouches for another key, so that what it signed can be checked when its master key is gone.
    pub fn endorse(&self, other: &PublicKey) -> Vec<u8> {
        self.pair.sign(&endorsement(other)).as_ref().to_vec()
    }
}

impl fmt::Debug for CheckpointSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckpointSigner").field("public", &self.public.id).finish_non_exhaustive()
    }
}

/// The public keys of every master key of the ring, the active one's first.
pub fn checkpoint_keys(keys: &KeyRing) -> Vec<PublicKey> {
    keys.keys().map(|(_, key)| CheckpointSigner::derived_from(key).public).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(byte: u8) -> KeyRing {
        KeyRing::new("k".parse().unwrap(), Key::from_bytes([byte; 32]))
    }

    #[test]
    fn a_signature_holds_for_its_statement_and_its_key_only() {
        let signer = CheckpointSigner::of(&ring(1));
        let key = signer.public().id().to_owned();
        let right = Statement { installation: "ins_1", seq: 7, chain: "00ff", count: 7, at: 1, key: &key };
        let signature = signer.sign(&right);
        assert!(signer.public().vouches(&right, &signature));
        for wrong in [
            Statement { installation: "ins_2", ..right },
            Statement { seq: 8, ..right },
            Statement { chain: "00fe", ..right },
            Statement { count: 8, ..right },
            Statement { at: 2, ..right },
            Statement { key: "0000000000000000", ..right },
        ] {
            assert!(!signer.public().vouches(&wrong, &signature), "{wrong:?}");
        }
        let other = CheckpointSigner::of(&ring(2));
        assert!(!other.public().vouches(&right, &signature));
        assert!(!signer.public().vouches(&right, "no signature"));
        assert!(!format!("{signer:?}").contains("seed"));
    }

    #[test]
    fn a_key_is_put_on_record_by_another() {
        let (old, new) = (CheckpointSigner::of(&ring(1)), CheckpointSigner::of(&ring(2)));
        let signature = new.endorse(old.public());
        assert!(new.public().endorses(old.public(), &signature));
        assert!(!new.public().endorses(new.public(), &signature));
        assert!(!old.public().endorses(old.public(), &signature));
        assert!(!PublicKey::new(vec![1, 2, 3]).endorses(old.public(), &signature));
    }

    #[test]
    fn the_ring_gives_the_public_key_of_every_master_key() {
        let mut keys = ring(2);
        keys.add("old".parse().unwrap(), Key::from_bytes([1; 32])).unwrap();
        let public = checkpoint_keys(&keys);
        assert_eq!(public.len(), 2);
        assert_eq!(public[0], *CheckpointSigner::of(&ring(2)).public());
        assert_eq!(public[1], *CheckpointSigner::of(&ring(1)).public());
    }
}
