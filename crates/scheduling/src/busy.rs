//! What is known of somebody's time: sorted busy ranges, and how far they can be trusted.
//!
//! **Rule: fail closed.** An answer is known, assumed or unknown, and only what was read counts as read: an error or a window that
//! was never asked for is not free time.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{TimeOfDay, TimeRange, Zone};

/// Busy ranges in order, without overlap (ranges that only touch stay two), and the window they were read for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct BusySet {
    ranges: Vec<TimeRange>,
    window: Option<TimeRange>,
}

/// The form on the wire: put in order again on arrival.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    ranges: Vec<TimeRange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<TimeRange>,
}

impl BusySet {
    /// Nothing is busy, at any time.
    pub const fn empty() -> Self {
        Self { ranges: Vec::new(), window: None }
    }

    /// States that the set was read for `window` only: outside of it nothing is known, and nothing is offered. A set without a window
    /// speaks for all time. Say this for every set that comes from a calendar.
    #[must_use]
    pub const fn within(mut self, window: TimeRange) -> Self {
        self.window = Some(window);
        self
    }

    /// What the set was read for; `None` when it speaks for all time.
    pub const fn window(&self) -> Option<TimeRange> {
        self.window
    }

    /// The busy ranges, in order, without overlap.
    pub fn ranges(&self) -> &[TimeRange] {
        &self.ranges
    }

    /// Whether nothing is busy.
    pub const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The earliest busy range that overlaps `range`.
    pub fn first_overlap(&self, range: TimeRange) -> Option<TimeRange> {
        let at = self.ranges.partition_point(|busy| busy.end() <= range.start());
        self.ranges.get(at).copied().filter(|busy| busy.overlaps(range))
    }

    /// Every busy range that overlaps `range`, in order.
    pub(crate) fn overlapping(&self, range: TimeRange) -> &[TimeRange] {
        let first = self.ranges.partition_point(|busy| busy.end() <= range.start());
        let after = self.ranges.partition_point(|busy| busy.start() < range.end());
        self.ranges.get(first..after).unwrap_or_default()
    }

    /// Whether anything in `range` is busy.
    pub fn overlaps(&self, range: TimeRange) -> bool {
        self.first_overlap(range).is_some()
    }

    /// Adds one busy range.
    pub fn insert(&mut self, range: TimeRange) {
        let first = self.ranges.partition_point(|busy| busy.end() <= range.start());
        let after = self.ranges.partition_point(|busy| busy.start() < range.end());
        let joined = self.ranges[first..after.max(first)].iter().fold(range, |joined, busy| joined.hull(*busy));
        self.ranges.splice(first..after.max(first), [joined]);
    }

    /// Busy where either is, and known where both are.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut both: Self = self.ranges.iter().chain(&other.ranges).copied().collect();
        both.window = match (self.window, other.window) {
            // Two windows without a common instant leave nothing known: an empty window is the start of one, of no length for anyone.
            (Some(one), Some(two)) => Some(one.intersection(two).unwrap_or_else(|| nothing_at(one))),
            (one, two) => one.or(two),
        };
        both
    }
}

/// The shortest window there is: no slot fits into it.
fn nothing_at(window: TimeRange) -> TimeRange {
    let end = window.start().checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(window.end());
    TimeRange::new(window.start(), end).unwrap_or(window)
}

impl FromIterator<TimeRange> for BusySet {
    fn from_iter<I: IntoIterator<Item = TimeRange>>(items: I) -> Self {
        let mut sorted: Vec<TimeRange> = items.into_iter().collect();
        sorted.sort_unstable();
        let mut ranges: Vec<TimeRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match ranges.last_mut() {
                Some(last) if last.overlaps(range) => *last = last.hull(range),
                _ => ranges.push(range),
            }
        }
        Self { ranges, window: None }
    }
}

impl Extend<TimeRange> for BusySet {
    fn extend<I: IntoIterator<Item = TimeRange>>(&mut self, items: I) {
        self.ranges = self.ranges.drain(..).chain(items).collect::<Self>().ranges;
    }
}

impl From<Form> for BusySet {
    fn from(form: Form) -> Self {
        Self { window: form.window, ..form.ranges.into_iter().collect() }
    }
}

impl From<BusySet> for Form {
    fn from(set: BusySet) -> Self {
        Self { ranges: set.ranges, window: set.window }
    }
}

/// What a calendar says about somebody's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum Busy {
    /// Read from the calendar.
    Known {
        /// When it was read.
        as_of: Timestamp,
        /// What is busy. Events of ours must be left out, since the agenda has them.
        set: BusySet,
    },
    /// Not read; taken to be this because a policy allows it. Whatever is booked on it must be marked so.
    Assumed {
        /// Which policy, as a code.
        policy: String,
        /// Since when it is assumed.
        since: Timestamp,
        /// What is busy as far as we know.
        set: BusySet,
    },
    /// Not known. Nothing is offered.
    Unknown {
        /// Why, as a code.
        why: String,
    },
}

impl Busy {
    /// The busy ranges, if there is an answer.
    pub const fn set(&self) -> Option<&BusySet> {
        match self {
            Self::Known { set, .. } | Self::Assumed { set, .. } => Some(set),
            Self::Unknown { .. } => None,
        }
    }
}

/// The days from `first` to `last` inclusive, as an all-day event of that zone blocks them. `None` if there is no such time: the last
/// day is before the first, the zone left the days out, or they lie beyond year 9999.
pub fn all_day(first: Date, last_inclusive: Date, zone: &Zone) -> Option<TimeRange> {
    if last_inclusive < first {
        return None;
    }
    let start = zone.instant(first, TimeOfDay::MIDNIGHT)?;
    let end = zone.instant(last_inclusive, TimeOfDay::END_OF_DAY)?;
    TimeRange::new(start, end).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    fn range(start: i64, end: i64) -> TimeRange {
        TimeRange::new(Timestamp::from_second(start).unwrap(), Timestamp::from_second(end).unwrap()).unwrap()
    }

    #[test]
    fn overlapping_ranges_join_and_touching_ones_stay() {
        let set: BusySet = [range(20, 30), range(0, 10), range(10, 20), range(25, 40), range(26, 27)].into_iter().collect();
        assert_eq!(set.ranges(), [range(0, 10), range(10, 20), range(20, 40)]);
        assert_eq!(set.first_overlap(range(5, 100)), Some(range(0, 10)));
        assert_eq!(set.first_overlap(range(40, 100)), None);
        assert!(!BusySet::empty().overlaps(range(0, 1)));
    }

    #[test]
    fn a_union_knows_only_what_both_know() {
        let one = BusySet::from_iter([range(0, 10)]).within(range(0, 100));
        let two = BusySet::from_iter([range(5, 20)]).within(range(50, 200));
        assert_eq!(one.union(&two), BusySet::from_iter([range(0, 20)]).within(range(50, 100)));
        assert_eq!(one.union(&BusySet::empty()).window(), Some(range(0, 100)));
        let apart = one.union(&BusySet::empty().within(range(300, 400))).window().unwrap();
        assert_eq!(apart.duration().as_nanos(), 1);
    }

    #[test]
    fn travels_and_is_put_in_order_on_arrival() {
        let busy = Busy::Known { as_of: Timestamp::UNIX_EPOCH, set: BusySet::from_iter([range(0, 300)]).within(range(0, 600)) };
        let text = serde_json::to_string(&busy).unwrap();
        assert!(text.starts_with(r#"{"source":"known","as_of":"1970-01-01T00:00:00Z","set":{"ranges":[{"start":"#), "{text}");
        assert_eq!(serde_json::from_str::<Busy>(&text).unwrap(), busy);
        let shuffled = serde_json::json!({ "ranges": [range(9, 12), range(0, 10)] }).to_string();
        assert_eq!(serde_json::from_str::<BusySet>(&shuffled).unwrap(), BusySet::from_iter([range(0, 12)]));
        assert_eq!(Busy::Unknown { why: "not_connected".to_owned() }.set(), None);
    }

    #[test]
    fn all_day_events_follow_the_zone() {
        let zone = |name: &str| Zone::new(name).unwrap();
        let days = |first, last, name: &str| all_day(first, last, &zone(name)).map(|range| range.minutes() / 60);
        assert_eq!(days(date(2026, 3, 28), date(2026, 3, 30), "Europe/Berlin"), Some(71));
        assert_eq!(days(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin"), Some(23));
        assert_eq!(days(date(2026, 3, 30), date(2026, 3, 28), "Europe/Berlin"), None);
        assert_eq!(days(date(2011, 12, 30), date(2011, 12, 30), "Pacific/Apia"), None);
        assert_eq!(days(date(2011, 12, 29), date(2011, 12, 31), "Pacific/Apia"), Some(48));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn agrees_with_a_plain_list(items in proptest::collection::vec((0_i64..200, 1_i64..30), 0..20), (start, length) in (0_i64..200, 1_i64..40)) {
            let list: Vec<TimeRange> = items.iter().map(|(start, length)| range(*start, start + length)).collect();
            let set: BusySet = list.iter().copied().collect();
            let asked = range(start, start + length);
            prop_assert_eq!(set.overlaps(asked), list.iter().any(|busy| busy.overlaps(asked)));
            prop_assert!(set.ranges().windows(2).all(|pair| pair[0].end() <= pair[1].start()));
            let mut one_by_one = BusySet::empty();
            for busy in &list {
                one_by_one.insert(*busy);
            }
            prop_assert_eq!(&one_by_one, &set);
            let mut extended = BusySet::empty();
            extended.extend(list);
            prop_assert_eq!(&extended, &set);
        }
    }
}
