//! The real clock and the real randomness: the only place where the raw ones are touched.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::Timestamp;
use ports::{Clock, Entropy, LeaseClock};

#[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
fn machine_now() -> Timestamp {
    Timestamp::now()
}

/// This machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct MachineClock;

impl MachineClock {
    /// Seconds since 1970.
    pub fn seconds() -> i64 {
        machine_now().as_second()
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        machine_now()
    }
}

impl LeaseClock for MachineClock {
    fn now(&self) -> Timestamp {
        machine_now()
    }
}

/// The demo's clock: the machine's, moved forward in steps. `serve` never has one.
#[derive(Debug, Clone, Default)]
pub struct DemoClock {
    ahead_micros: Arc<AtomicI64>,
}

impl DemoClock {
    /// Runs `ahead_micros` ahead of the machine.
    pub fn ahead(ahead_micros: i64) -> Self {
        Self { ahead_micros: Arc::new(AtomicI64::new(ahead_micros)) }
    }

    /// How far ahead it is.
    pub fn ahead_micros(&self) -> i64 {
        self.ahead_micros.load(Ordering::SeqCst)
    }

    /// Moves forward to `at`, if that lies ahead.
    pub fn jump(&self, at: Timestamp) {
        let ahead = at.as_microsecond() - machine_now().as_microsecond();
        self.ahead_micros.fetch_max(ahead, Ordering::SeqCst);
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let micros = machine_now().as_microsecond() + self.ahead_micros();
        Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
    }
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        clippy::expect_used,
        reason = "the one place where the system's randomness is read; without it nothing may go on"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives no random bytes");
    }
}

/// Seconds on a clock that only goes forward, for measuring how long something took.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts.
    #[expect(clippy::disallowed_methods, reason = "elapsed time for people at a terminal, never a decision")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
