//! Time and randomness, injected.

use domain::{Id, Timestamp, id::Kind};

/// Business time. The demo moves it in steps; `serve` cannot.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Time for leases: this machine's own clock (SQLite: one machine, one clock) or the database's (PostgreSQL). Never moved.
pub trait LeaseClock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness for ids, nonces, tokens and jitter. Cryptographic in production, seeded in tests.
pub trait Entropy: Send + Sync {
    /// Fills `buffer`.
    fn fill(&self, buffer: &mut [u8]);
}

/// Shorthands over [`Entropy`].
impl dyn Entropy + '_ {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A fresh id that sorts by `now` (UUIDv7, RFC 9562 section 5.7).
    pub fn id<K: Kind>(&self, now: Timestamp) -> Id<K> {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Id::new(uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid())
    }
}
