//! Calls to calendar providers, counted: by provider, data centre, operation, outcome and how long they took, in spans of five minutes.
//!
//! Counts of many nodes add up, because a latency is kept as the bound it stays under and never as an average.

use serde::{Deserialize, Serialize};

use crate::{Id, Timestamp, access::ApiKey, grants::Grant};

/// Length of the span that a count belongs to.
pub const SPAN_SECONDS: i64 = 300;

/// Upper bounds of latencies in milliseconds. What took longer than the last is counted under [`UNBOUNDED`].
pub const BOUNDS_MILLIS: [i64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

/// The bound of what took longer than every bound.
pub const UNBOUNDED: i64 = i64::MAX;

/// The outcome of a call that did not fail.
pub const OK: &str = "ok";

/// The smallest bound that holds `millis`.
pub fn bound(millis: u64) -> i64 {
    let millis = i64::try_from(millis).unwrap_or(UNBOUNDED);
    BOUNDS_MILLIS.into_iter().find(|bound| millis <= *bound).unwrap_or(UNBOUNDED)
}

/// Calls that had everything but their instant in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallCount {
    /// When the span began.
    pub since: Timestamp,
    /// Registry name of the provider.
    pub provider: String,
    /// Location code.
    pub data_centre: String,
    /// `refresh`, `list_events`, ….
    pub operation: String,
    /// [`OK`], or the code of the failure's class.
    pub class: String,
    /// The bound that each stayed under, in milliseconds.
    pub up_to_millis: i64,
    /// How many.
    pub count: i64,
}

/// The latency that `share` (0 to 1) of the calls stayed under, as a bound in milliseconds; `None` where there were no calls. `counts` are
/// pairs of bound and number in any order.
pub fn quantile(counts: &[(i64, i64)], share: f64) -> Option<i64> {
    let mut sorted = counts.to_vec();
    sorted.sort_unstable();
    let total: i64 = sorted.iter().map(|(_, count)| count).sum();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let needed = total as f64 * share;
    let mut seen = 0;
    sorted.into_iter().find_map(|(bound, count)| {
        seen += count;
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let enough = seen as f64 >= needed;
        (count > 0 && enough).then_some(bound)
    })
}

/// Calls of a time and how many of them failed through no fault of ours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// All of them.
    pub calls: i64,
    /// Those that failed.
    pub failed: i64,
}

impl Share {
    /// Failures in a hundred calls.
    pub const fn percent(self) -> i64 {
        if self.calls == 0 { 0 } else { self.failed * 100 / self.calls }
    }
}

/// Calls below which nothing is said about a share.
const FEW_CALLS: i64 = 20;
/// Failures below which nothing is said about a share.
const FEW_FAILURES: i64 = 5;
/// Per cent from which on failures are many.
const MANY_PERCENT: i64 = 10;

/// Whether `recent` calls fail so much more often than those of the hour before that somebody should know: at least 20 calls, 5 failures,
/// 10 %, and twice the share of before.
pub const fn error_rate_rises(recent: Share, before: Share) -> bool {
    recent.calls >= FEW_CALLS
        && recent.failed >= FEW_FAILURES
        && recent.percent() >= MANY_PERCENT
        && recent.percent() >= 2 * before.percent()
}

/// Whether failures are rare again: fewer than 5 %, or nobody calls any more.
pub const fn error_rate_is_low(recent: Share) -> bool {
    recent.percent() < MANY_PERCENT / 2
}

/// Whether a class is the provider's or the network's trouble, and not the answer to one request.
pub fn is_trouble(class: &str) -> bool {
    matches!(class, "passing" | "protocol" | "throttled" | "misconfigured" | "wrong_data_centre")
}

/// One access token that was handed to a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lending {
    /// Whose calendar it opens.
    pub grant: Id<Grant>,
    /// To whom it was lent.
    pub key: Id<ApiKey>,
    /// The hour it counts in.
    pub hour: Timestamp,
    /// How many a key may have of one grant in that hour; one more is a conflict.
    pub limit: i64,
    /// When the token ends.
    pub ends_at: Timestamp,
}

/// Tokens of one grant lent on one day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LendingDay {
    /// Whose calendar they open.
    pub grant: Id<Grant>,
    /// When the day began.
    pub day: Timestamp,
    /// How many.
    pub count: i64,
    /// When the last of them ends.
    pub ends_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_counted_under_the_smallest_bound_that_holds_it() {
        assert_eq!((bound(0), bound(50), bound(51), bound(60_000)), (50, 50, 100, 60_000));
        assert_eq!((bound(60_001), bound(u64::MAX)), (UNBOUNDED, UNBOUNDED));
    }

    #[test]
    fn an_error_rate_rises_above_a_floor_and_against_its_own_past() {
        let share = |failed, calls| Share { calls, failed };
        assert!(error_rate_rises(share(10, 100), share(0, 500)));
        assert!(error_rate_rises(share(10, 100), share(0, 0)));
        assert!(!error_rate_rises(share(4, 20), share(0, 500)), "too few failures");
        assert!(!error_rate_rises(share(19, 19), share(0, 500)), "too few calls");
        assert!(!error_rate_rises(share(9, 100), share(0, 500)), "too small a share");
        assert!(!error_rate_rises(share(10, 100), share(30, 500)), "as it always is");
        assert!(error_rate_is_low(share(4, 100)) && error_rate_is_low(share(0, 0)) && !error_rate_is_low(share(5, 100)));
        assert!(is_trouble("throttled") && !is_trouble("gone") && !is_trouble(OK));
    }

    #[test]
    fn a_quantile_is_the_bound_that_holds_it() {
        let counts = [(1_000, 5), (50, 90), (250, 5)];
        assert_eq!(quantile(&counts, 0.5), Some(50));
        assert_eq!(quantile(&counts, 0.95), Some(250));
        assert_eq!(quantile(&counts, 0.96), Some(1_000));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[(50, 0)], 0.5), None);
    }
}
