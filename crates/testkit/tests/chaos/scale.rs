//! How large a run is, and how fast its protocol.

use std::time::Duration;

use app::Timing;

/// How large a run is.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Processes.
    pub nodes: usize,
    /// Grants at the data centre that never rotates, at the one with grace, at the strict one.
    pub grants: [usize; 3],
    /// Business time in which things go wrong.
    pub seconds: i64,
    /// The machine's time this should take; it takes longer where the machine is slow.
    pub pace: Duration,
    /// How often each trouble comes.
    pub rounds: usize,
}

impl Scale {
    /// 20 grants, 2 days.
    pub fn short(nodes: usize) -> Self {
        Self { nodes, grants: [12, 5, 3], seconds: 2 * 86_400, pace: Duration::from_secs(50), rounds: 1 }
    }

    /// 200 grants, 30 days.
    pub fn long(nodes: usize) -> Self {
        Self { nodes, grants: [140, 40, 20], seconds: 30 * 86_400, pace: Duration::from_mins(8), rounds: 8 }
    }
}

/// The protocol's durations, shrunk so that a lease need not be waited for a minute. Their order is the one the protocol needs.
pub fn timing() -> Timing {
    let timing = Timing {
        refresh_lease: Duration::from_secs(2),
        token_limit: Duration::from_millis(700),
        call_limit: Duration::from_secs(2),
        belief: Duration::from_secs(2),
        refresh_wait: Duration::from_millis(2_500),
        refresh_poll: Duration::from_millis(50),
        job_lease: Duration::from_secs(4),
        run_limit: Duration::from_secs(3),
        movable: true,
    };
    assert!(timing.is_consistent());
    timing
}
