//! How much is too much: lunch, meetings in a row, and hours that are liked better than others.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Rules;
use crate::{DaySpan, TimeRange, WeeklyHours, range::first_gap};

/// Minutes in a row that stay free somewhere within a span of every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lunch {
    /// Within which span.
    pub span: DaySpan,
    /// How many minutes.
    pub minutes: u32,
}

/// How long somebody may be taken without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InARow {
    /// The most minutes from the start of the first to the end of the last.
    pub most_minutes: u32,
    /// Free minutes that make a break; shorter pauses are none.
    pub break_minutes: u32,
}

/// Hours that are liked better than others. They block nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// Which hours, in the zone of the rules.
    pub hours: WeeklyHours,
    /// How much better: 1 to 100. 1 if left out.
    #[serde(default = "one")]
    pub weight: u32,
}

const fn one() -> u32 {
    1
}

/// How well `range` suits somebody: the weight of the heaviest preference whose hours cover all of it, 1 to 100; 0 if none does.
pub fn preference(rules: &Rules, range: TimeRange) -> u32 {
    let covers = |preference: &&Preference| {
        // What does not fit into a day and the next is longer than any slot.
        let first = rules.zone.date(range.start());
        let dates = std::iter::successors(Some(first), |date| date.tomorrow().ok()).take(3);
        let hours: Vec<TimeRange> = dates.flat_map(|date| preference.hours.on(date, &rules.zone)).collect();
        first_gap(range, &hours).is_none()
    };
    rules.preferred.iter().filter(covers).map(|preference| preference.weight).max().unwrap_or(0)
}

impl Rules {
    /// The span of one date within which lunch is taken.
    pub fn lunch_on(&self, date: Date) -> Option<TimeRange> {
        let span = self.lunch?.span;
        TimeRange::new(self.zone.instant(date, span.start())?, self.zone.instant(date, span.end())?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RulesDraft, Zone};

    #[test]
    fn the_heaviest_preference_that_covers_all_of_it_counts() {
        let liked = |hours: &str, weight| Preference { hours: hours.parse().unwrap(), weight };
        let draft = RulesDraft {
            preferred: vec![
                liked("mon-tue 09:00-12:00", 3),
                liked("mon 10:00-11:00,11:00-11:30", 10),
                liked("fri 22:00-24:00; sat 00:00-02:00", 7),
            ],
            ..RulesDraft::usual(Zone::new("Europe/Berlin").unwrap())
        };
        let rules = Rules::new(draft).unwrap();
        let score =
            |start: &str, end: &str| preference(&rules, TimeRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap());
        assert_eq!(score("2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z"), 3); // Monday, nine to ten
        assert_eq!(score("2026-11-23T09:30:00Z", "2026-11-23T10:30:00Z"), 10); // over two spans that touch
        assert_eq!(score("2026-11-23T08:30:00Z", "2026-11-23T09:30:00Z"), 3); // only half of it in the heavier one
        assert_eq!(score("2026-11-23T10:30:00Z", "2026-11-23T11:05:00Z"), 0); // until five past noon
        assert_eq!(score("2026-11-25T08:00:00Z", "2026-11-25T09:00:00Z"), 0);
        assert_eq!(score("2026-11-27T22:30:00Z", "2026-11-28T00:30:00Z"), 7); // over midnight
    }
}
