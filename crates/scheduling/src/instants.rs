//! Small sums on instants that cannot fail: what would leave the calendar (year -9999 to 9999) stops at its edge.

use jiff::{SignedDuration, Timestamp};

/// `minutes` later (or earlier, when negative).
pub fn plus_minutes(at: Timestamp, minutes: i64) -> Timestamp {
    plus_seconds(at, minutes.saturating_mul(60))
}

/// `seconds` later (or earlier, when negative).
pub fn plus_seconds(at: Timestamp, seconds: i64) -> Timestamp {
    let edge = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(edge)
}

/// The whole second at or before `at`.
pub fn floor_second(at: Timestamp) -> i64 {
    at.as_second() - i64::from(at.subsec_nanosecond() < 0)
}

/// The whole second at or after `at`.
pub fn ceil_second(at: Timestamp) -> i64 {
    at.as_second() + i64::from(at.subsec_nanosecond() > 0)
}

/// Whether `at` falls on the border of a five-minute cell.
pub fn on_cell_border(at: Timestamp) -> bool {
    at.subsec_nanosecond() == 0 && at.as_second() % crate::CELL_SECONDS == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_stop_at_the_edges() {
        assert_eq!(plus_minutes(Timestamp::UNIX_EPOCH, -1), Timestamp::from_second(-60).unwrap());
        assert_eq!(plus_minutes(Timestamp::MAX, 1), Timestamp::MAX);
        assert_eq!(plus_minutes(Timestamp::UNIX_EPOCH, i64::MIN), Timestamp::MIN);
    }

    #[test]
    fn rounding_is_right_on_both_sides_of_1970() {
        for (nanosecond, floor, ceil) in [(-1, -1, 0), (0, 0, 0), (1, 0, 1), (1_500_000_000, 1, 2), (-1_500_000_000, -2, -1)] {
            let at = Timestamp::from_nanosecond(nanosecond).unwrap();
            assert_eq!((floor_second(at), ceil_second(at)), (floor, ceil), "{nanosecond}");
        }
    }
}
