//! A clock that moves when told to, randomness that repeats, and a receiver of webhooks that keeps them.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
};

use async_trait::async_trait;
use domain::Timestamp;
use ports::{
    Clock, Entropy, LeaseClock, Poster,
    poster::{Post, PostError},
};
use sha2::{Digest, Sha256};

/// A clock that stands still until it is moved. Clones share the hands.
#[derive(Debug, Clone)]
pub struct FrozenClock(Arc<AtomicI64>);

impl FrozenClock {
    /// Stands at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.as_microsecond())))
    }

    /// Moves forward.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// Moves to `at`; never backwards.
    pub fn jump(&self, at: Timestamp) {
        self.0.fetch_max(at.as_microsecond(), Ordering::SeqCst);
    }

    fn read(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl Clock for FrozenClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

impl LeaseClock for FrozenClock {
    fn now(&self) -> Timestamp {
        self.read()
    }
}

/// SHA-256 over a seed and a counter: the same seed gives the same bytes in the same order of calls.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: AtomicU64,
}

impl SeededEntropy {
    /// Starts at the beginning of the seed's stream.
    pub const fn new(seed: u64) -> Self {
        Self { seed, counter: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let turn = self.counter.fetch_add(1, Ordering::SeqCst);
            let mut block = Sha256::new();
            block.update(self.seed.to_le_bytes());
            block.update(turn.to_le_bytes());
            for (byte, random) in chunk.iter_mut().zip(block.finalize()) {
                *byte = random;
            }
        }
    }
}

/// Keeps what was posted instead of sending it. Clones share the post box.
#[derive(Debug, Clone, Default)]
pub struct PostBox {
    posts: Arc<Mutex<Vec<Post>>>,
    broken: Arc<AtomicBool>,
}

impl PostBox {
    /// What was taken so far.
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the receiver takes nothing from now on.
    pub fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }
}

#[async_trait]
impl Poster for PostBox {
    async fn post(&self, post: &Post) -> Result<(), PostError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(PostError::Passing("it answered 503".to_owned()));
        }
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).push(post.clone());
        Ok(())
    }
}
