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
