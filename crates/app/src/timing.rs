//! How long things may take, measured by the machine or the lease clock, never by business time.
//!
//! Nobody configures these: the defaults are the protocol. They stand in one value so that a test which kills and stops whole processes
//! need not wait a minute for each lease; whoever changes one must keep the order that [`Timing::is_consistent`] checks.

use std::time::Duration;

use domain::grants::ARRIVAL_SECONDS;

/// See the module's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long the right to refresh a grant lasts, by the lease clock.
    pub refresh_lease: Duration,
    /// The token endpoint answers within this, or has failed.
    pub token_limit: Duration,
    /// No other call to a provider takes longer, whatever the adapter's own limits say.
    pub call_limit: Duration,
    /// Two refusals of the same generation must be at least this far apart to be believed.
    pub belief: Duration,
    /// How long somebody else's refresh is waited for.
    pub refresh_wait: Duration,
    /// How often it is looked at meanwhile.
    pub refresh_poll: Duration,
    /// How long a job is leased, by the lease clock.
    pub job_lease: Duration,
    /// A run of a job is cut after this.
    pub run_limit: Duration,
    /// Whether business time may run ahead of the lease clock, and the provider's time with it (the demo says so by itself).
    pub movable: bool,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            refresh_lease: Duration::from_mins(1),
            token_limit: Duration::from_secs(15),
            call_limit: Duration::from_mins(1),
            belief: Duration::from_mins(1),
            refresh_wait: Duration::from_secs(65),
            refresh_poll: Duration::from_millis(250),
            job_lease: Duration::from_mins(3),
            run_limit: Duration::from_secs(150),
            movable: false,
        }
    }
}

impl Timing {
    /// Whether what must outlast something else does: a lease the calls made under it (the newer and the older refresh token), the wait for
    /// somebody else's refresh its lease, belief a call that is still under way, a job's lease its run, and the count of a call its
    /// arrival: it begins within its lease and is given up at its limit.
    pub fn is_consistent(&self) -> bool {
        self.refresh_lease > self.token_limit * 2
            && self.refresh_wait > self.refresh_lease
            && self.belief > self.token_limit * 2
            && self.job_lease > self.run_limit
            && self.run_limit > self.refresh_wait
            && Self::seconds(self.refresh_lease + self.token_limit) <= ARRIVAL_SECONDS
    }

    /// How often somebody else's refresh is looked at before the wait is given up.
    pub(crate) fn refresh_polls(&self) -> u128 {
        self.refresh_wait.as_millis() / self.refresh_poll.as_millis().max(1)
    }

    /// Whole seconds of a duration, for clocks that count in them.
    pub(crate) fn seconds(duration: Duration) -> i64 {
        i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_order() {
        let usual = Timing::default();
        assert!(usual.is_consistent());
        assert!(!Timing { token_limit: Duration::from_secs(31), ..usual }.is_consistent(), "two calls outlast the lease");
        assert!(!Timing { refresh_wait: usual.refresh_lease, ..usual }.is_consistent());
        assert!(!Timing { belief: Duration::from_secs(30), ..usual }.is_consistent());
        assert!(!Timing { run_limit: usual.job_lease, ..usual }.is_consistent());
        let longer = Timing { refresh_lease: Duration::from_secs(61), ..usual };
        assert!(!longer.is_consistent(), "a call may arrive when it is counted no longer");
    }
}
