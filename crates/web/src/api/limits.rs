//! How often somebody may call. Generous: they stop a loop that ran away, not a busy integrator.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32};

use domain::{Id, access::ApiKey};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};

/// Seconds to wait before the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) u64);

/// Callers remembered per list before those that have been quiet are forgotten.
const MAX_REMEMBERED: usize = 10_000;

/// One count per API key, per address of an open network, per other address without a key, and per address that sent a wrong key.
pub(crate) struct Limits {
    keys: DefaultKeyedRateLimiter<Id<ApiKey>>,
    trusted: DefaultKeyedRateLimiter<IpAddr>,
    addresses: DefaultKeyedRateLimiter<IpAddr>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys: DefaultKeyedRateLimiter::keyed(quota(500, 2_000)),
            trusted: DefaultKeyedRateLimiter::keyed(quota(500, 2_000)),
            addresses: DefaultKeyedRateLimiter::keyed(quota(20, 100)),
            failures: DefaultKeyedRateLimiter::keyed(quota(5, 50)),
            clock: DefaultClock::default(),
        }
    }
}

fn quota(per_second: u32, burst: u32) -> Quota {
    let at_least_one = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(per_second)).allow_burst(at_least_one(burst))
}

impl Limits {
    /// A call with a live key: 500 a second, 2,000 at once.
    pub(crate) fn key(&self, key: Id<ApiKey>) -> Result<(), Wait> {
        self.count(&self.keys, &key)
    }

    /// A call without a key from a network that needs none: 500 a second, 2,000 at once.
    pub(crate) fn trusted(&self, address: IpAddr) -> Result<(), Wait> {
        self.count(&self.trusted, &address)
    }

    /// A call without a key: 20 a second, 100 at once.
    pub(crate) fn address(&self, address: IpAddr) -> Result<(), Wait> {
        self.count(&self.addresses, &address)
    }

    /// A call with a wrong key: five a second, 50 at once.
    pub(crate) fn failure(&self, address: IpAddr) -> Result<(), Wait> {
        self.count(&self.failures, &address)
    }

    fn count<K: Hash + Eq + Clone>(&self, limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<(), Wait> {
        if limiter.len() > MAX_REMEMBERED {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            Wait(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_burst_passes_and_what_follows_is_told_how_long_to_wait() {
        let limits = Limits::default();
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let passed = (0..1_000).take_while(|_| limits.failure(one).is_ok()).count();
        assert!((50..70).contains(&passed), "{passed}");
        assert_eq!(limits.failure(one), Err(Wait(1)));
        assert_eq!(limits.failure(other), Ok(()));
    }
}
