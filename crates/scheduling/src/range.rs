//! Half-open ranges of instants: the start belongs to it, the end does not, and it is never empty.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::instants::{on_cell_border, plus_minutes};

/// From `start` up to, and without, `end`. Two ranges that touch do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Ends", into = "Ends")]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

/// The first instant of `range` that lies in none of some ranges, which may come in any order; ranges that touch leave none between.
pub fn first_gap(range: TimeRange, ranges: &[TimeRange]) -> Option<Timestamp> {
    let mut covered_to = range.start;
    while covered_to < range.end {
        match ranges.iter().find(|other| other.contains(covered_to)) {
            Some(other) => covered_to = other.end,
            None => return Some(covered_to),
        }
    }
    None
}

/// The form on the wire.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    start: Timestamp,
    end: Timestamp,
}

/// Why two instants are no range.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a time range must start before it ends, but {start} is not before {end}")]
pub struct RangeError {
    /// The start that was given.
    pub start: Timestamp,
    /// The end that was given.
    pub end: Timestamp,
}

impl TimeRange {
    /// A range, if `start` is before `end`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, RangeError> {
        if start < end { Ok(Self { start, end }) } else { Err(RangeError { start, end }) }
    }

    /// Its first instant.
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after it.
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// Elapsed time from start to end.
    pub fn duration(self) -> SignedDuration {
        self.start.duration_until(self.end)
    }

    /// Elapsed whole minutes.
    pub fn minutes(self) -> i64 {
        self.duration().as_mins()
    }

    /// Whether `at` lies in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// Whether all of `other` lies in it.
    pub fn covers(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The shortest range that covers both.
    #[must_use]
    pub(crate) fn hull(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether the two have an instant in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// What the two have in common.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }

    /// The same range with minutes added on both sides.
    #[must_use]
    pub fn padded(self, before_minutes: u32, after_minutes: u32) -> Self {
        Self { start: plus_minutes(self.start, -i64::from(before_minutes)), end: plus_minutes(self.end, i64::from(after_minutes)) }
    }

    /// Whether it starts and ends on borders of five-minute cells.
    pub fn is_whole_cells(self) -> bool {
        on_cell_border(self.start) && on_cell_border(self.end)
    }
}

impl TryFrom<Ends> for TimeRange {
    type Error = RangeError;

    fn try_from(ends: Ends) -> Result<Self, RangeError> {
        Self::new(ends.start, ends.end)
    }
}

impl From<TimeRange> for Ends {
    fn from(range: TimeRange) -> Self {
        Self { start: range.start, end: range.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn range(start: i64, end: i64) -> TimeRange {
        TimeRange::new(at(start), at(end)).unwrap()
    }

    #[test]
    fn is_never_empty_or_backwards() {
        assert_eq!(TimeRange::new(at(5), at(5)), Err(RangeError { start: at(5), end: at(5) }));
        let error = TimeRange::new(at(6), at(5)).unwrap_err();
        assert!(error.to_string().contains("1970-01-01T00:00:06Z is not before 1970-01-01T00:00:05Z"));
    }

    #[test]
    fn ranges_that_touch_do_not_overlap() {
        assert!(!range(0, 10).overlaps(range(10, 20)));
        assert!(!range(10, 20).overlaps(range(0, 10)));
        assert!(range(0, 11).overlaps(range(10, 20)));
        assert_eq!(range(0, 11).intersection(range(10, 20)), Some(range(10, 11)));
        assert_eq!(range(0, 10).intersection(range(10, 20)), None);
        assert!(range(0, 10).contains(at(0)) && !range(0, 10).contains(at(10)));
        assert!(range(0, 10).covers(range(0, 10)) && !range(0, 10).covers(range(0, 11)));
    }

    #[test]
    fn travels_as_start_and_end_and_is_checked_on_arrival() {
        let text = r#"{"start":"1970-01-01T00:00:00Z","end":"1970-01-01T00:10:00Z"}"#;
        assert_eq!(serde_json::from_str::<TimeRange>(text).unwrap(), range(0, 600));
        assert_eq!(serde_json::to_string(&range(0, 600)).unwrap(), text);
        let backwards = r#"{"start":"1970-01-01T00:10:00Z","end":"1970-01-01T00:00:00Z"}"#;
        assert!(serde_json::from_str::<TimeRange>(backwards).unwrap_err().to_string().contains("must start before it ends"));
    }

    #[test]
    fn the_first_gap_is_where_no_range_goes_on() {
        let covered = [range(10, 20), range(20, 30), range(0, 5), range(15, 25)];
        assert_eq!(first_gap(range(10, 30), &covered), None);
        assert_eq!(first_gap(range(12, 31), &covered), Some(at(30)));
        assert_eq!(first_gap(range(4, 12), &covered), Some(at(5)));
        assert_eq!(first_gap(range(7, 8), &[]), Some(at(7)));
    }

    #[test]
    fn whole_cells() {
        assert!(range(300, 900).is_whole_cells());
        assert!(!range(301, 900).is_whole_cells() && !range(300, 899).is_whole_cells());
        assert_eq!(range(300, 900).minutes(), 10);
        assert_eq!(range(600, 900).padded(5, 10), range(300, 1500));
    }
}
