//! Business time that the driver moves and every process sees: eight bytes in a file, read at each look at the clock.
//!
//! Business time moves thousands of times faster than the machine's. So that a request is not delayed by hours of it between a process and
//! the provider, time stands while a call of a running process is on its way: processes count their calls in the file, and the driver
//! moves only when it finds none. A process that was stopped or killed does not hold it up.

use std::{fs::File, os::unix::fs::FileExt, path::Path, sync::Arc, time::Duration};

use domain::Timestamp;
use ports::Clock;

const NOW: u64 = 0;
const MOVING: u64 = 8;
/// Calls on their way, a counter for each process.
const CALLS: u64 = 16;
/// Processes there is room for.
pub const SLOTS: usize = 8;

/// The file. Clones share it.
#[derive(Debug, Clone)]
pub struct Hands(Arc<File>);

impl Hands {
    /// A new clock that stands at `at`.
    pub fn create(path: &Path, at: Timestamp) -> Self {
        let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
        file.set_len(CALLS + 8 * u64::try_from(SLOTS).unwrap()).unwrap();
        let hands = Self(Arc::new(file));
        hands.write(NOW, at.as_microsecond());
        hands
    }

    /// The clock another process made.
    pub fn open(path: &Path) -> Self {
        Self(Arc::new(File::options().read(true).write(true).open(path).unwrap()))
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.read(NOW)).unwrap()
    }

    /// Moves forward, unless one of `slots` has a call on its way. Whether it moved.
    pub fn advance(&self, seconds: i64, slots: impl Iterator<Item = usize>) -> bool {
        self.write(MOVING, 1);
        let mut slots = slots;
        let still = slots.all(|slot| self.read(calls(slot)) == 0);
        if still {
            self.write(NOW, self.read(NOW) + seconds * 1_000_000);
        }
        self.write(MOVING, 0);
        still
    }

    /// A process that is gone has no calls.
    pub fn forget(&self, slot: usize) {
        self.write(calls(slot), 0);
    }

    /// Says that this process has `count` calls on their way.
    pub fn say(&self, slot: usize, count: i64) {
        self.write(calls(slot), count);
    }

    /// Waits while the driver moves the hands.
    pub async fn still(&self) {
        while self.read(MOVING) == 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    fn read(&self, at: u64) -> i64 {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, at).unwrap();
        i64::from_le_bytes(bytes)
    }

    fn write(&self, at: u64, value: i64) {
        self.0.write_all_at(&value.to_le_bytes(), at).unwrap();
    }
}

fn calls(slot: usize) -> u64 {
    CALLS + 8 * u64::try_from(slot).unwrap()
}

/// One process's view of it: some seconds off.
#[derive(Debug, Clone)]
pub struct SkewedClock {
    pub hands: Hands,
    pub skew_seconds: i64,
}

impl Clock for SkewedClock {
    fn now(&self) -> Timestamp {
        self.hands.now() + jiff::SignedDuration::from_secs(self.skew_seconds)
    }
}
