//! The vault: secret types, sealing at rest, and the key ring. The only place where a plaintext secret can be reached.
//!
//! **Invariant:** nothing here does I/O, reads a clock or draws randomness; nonces and key material are handed in. Nothing here
//! prints, serialises or compares a secret in a way that shows it. Plaintext leaves through [`Secret::expose`] and [`Plain`] only, so
//! a search for these two names finds every place that handles it.

mod access;
mod backups;
mod chain;
mod checkpoint;
mod keys;
mod links;
mod passwords;
mod sealing;
mod secrets;
mod webhooks;

pub use access::{hash_api_key, hashes_match};
pub use backups::{
    BACKUP_CHUNK_BYTES, BACKUP_SALT_BYTES, BACKUP_SEAL_BYTES, BACKUP_TAG_BYTES, BackupKeys, BackupOpener, BackupSealError,
    BackupSealer,
};
pub use chain::{Fields, LINK_BYTES, chain_link, chain_start, line_mac, line_mac_holds, payload_hash};
pub use checkpoint::{CheckpointSigner, PublicKey, Statement, checkpoint_keys};
pub use keys::{DuplicateKeyId, Key, KeyError, KeyId, KeyIdError, KeyRing, RingError};
pub use links::{LinkKey, link_token, sign_link, sign_link_under, verify_link, verify_link_token};
pub use passwords::{MIN_PASSWORD_CHARS, PasswordProblem, PasswordVerdict, check_password, hash_password, verify_password};
pub use sealing::{Context, NONCE_BYTES, OpenError, Plain, Sealed, open, open_secret, reseal, seal, seal_secret};
pub use secrets::{AccessToken, AccountPassword, AuthorizationCode, ClientSecret, KeyText, RefreshToken, Secret, kinds};
pub use webhooks::{WebhookSecret, WebhookSecretError, webhook_signature};
