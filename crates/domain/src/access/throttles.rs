//! Throttles: failed attempts counted per account, network or device, with delays that grow. A row in the database, so that the count
//! holds across nodes.
//!
//! An attempt is counted before it is checked: of many at once, one passes at a time. Nobody is locked out for good: the longest delay is
//! a quarter of an hour, a browser that logged in before has a count of its own, and a one-time link needs no password.

use serde::{Deserialize, Serialize};

use crate::{Rev, Timestamp};

/// How much is borne before delays begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Failures without a delay.
    pub free: i64,
    /// Failures at which somebody should be told.
    pub alarm: i64,
}

impl Patience {
    /// One account, or one known browser.
    pub const ACCOUNT: Self = Self { free: 5, alarm: 10 };
    /// One network: people share it.
    pub const NETWORK: Self = Self { free: 20, alarm: 50 };
    /// The longest delay, in seconds.
    pub const LONGEST_SECONDS: i64 = 15 * 60;
    /// After this long without an attempt everything is forgotten, in seconds.
    pub const MEMORY_SECONDS: i64 = 24 * 3600;

    /// Seconds until the next attempt after `failures` in a row: none, then 2, 4, 8, … up to [`Self::LONGEST_SECONDS`].
    pub fn delay_seconds(self, failures: i64) -> i64 {
        match u32::try_from(failures - self.free) {
            Ok(over @ 1..=9) => 2_i64.pow(over),
            Ok(10..) => Self::LONGEST_SECONDS,
            _ => 0,
        }
    }
}

/// What is remembered of one account, network or device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    /// What is counted: `account:acc_…`, `network:192.0.2.0`, ….
    pub id: String,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// Attempts since the last success.
    pub failures: i64,
    /// The last one, by the lease clock.
    pub last_at: Timestamp,
    /// When the next is let through, by the lease clock.
    pub free_at: Timestamp,
}

impl Throttle {
    /// The row with one more attempt at `now`; `None` if it comes too early.
    pub fn attempt(known: Option<&Self>, id: &str, patience: Patience, now: Timestamp) -> Option<Self> {
        let (rev, before) = match known {
            None => (1, 0),
            Some(known) if now < known.free_at => return None,
            Some(known) => {
                let quiet = now.as_second() - known.last_at.as_second();
                (known.rev + 1, if quiet >= Patience::MEMORY_SECONDS { 0 } else { known.failures })
            }
        };
        let failures = before + 1;
        let free_at = now.saturating_add(jiff::SignedDuration::from_secs(patience.delay_seconds(failures))).unwrap_or(now);
        Some(Self { id: id.to_owned(), rev, failures, last_at: now, free_at })
    }

    /// Whole seconds until the next attempt.
    pub fn wait_seconds(&self, now: Timestamp) -> i64 {
        (self.free_at.as_second() - now.as_second()).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn delays_grow_and_end() {
        let delays: Vec<i64> = (0..=20).map(|failures| Patience::ACCOUNT.delay_seconds(failures)).collect();
        assert_eq!(delays[..=5], [0; 6]);
        assert_eq!(delays[6..=14], [2, 4, 8, 16, 32, 64, 128, 256, 512]);
        assert_eq!(delays[15..], [900; 6]);
    }

    #[test]
    fn an_early_attempt_is_not_let_through_and_a_late_one_is_counted() {
        let mut row = None;
        for _ in 0..6 {
            row = Throttle::attempt(row.as_ref(), "account:1", Patience::ACCOUNT, at(0));
        }
        let sixth = row.unwrap();
        assert_eq!((sixth.failures, sixth.rev, sixth.wait_seconds(at(0))), (6, 6, 2));
        assert_eq!(Throttle::attempt(Some(&sixth), "account:1", Patience::ACCOUNT, at(1)), None);
        let seventh = Throttle::attempt(Some(&sixth), "account:1", Patience::ACCOUNT, at(2)).unwrap();
        assert_eq!((seventh.failures, seventh.free_at), (7, at(6)));
    }

    #[test]
    fn a_quiet_day_forgets() {
        let row = Throttle { id: "n".to_owned(), rev: 40, failures: 40, last_at: at(0), free_at: at(900) };
        let next = Throttle::attempt(Some(&row), "n", Patience::NETWORK, at(Patience::MEMORY_SECONDS)).unwrap();
        assert_eq!((next.rev, next.failures), (41, 1));
    }
}
