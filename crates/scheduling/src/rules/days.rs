//! Which hours a date has: weeks in a pattern, other hours for one date, holidays and leave.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Rules;
use crate::{DaySpan, TimeRange, WeeklyHours, hours};

/// Weeks that take turns, such as even and odd ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeekPattern {
    /// The Monday on which the first week begins. Before it the single week holds.
    pub from: Date,
    /// Two to eight weeks, each followed by the next and the last by the first. `null` is a week without hours.
    pub weeks: Vec<Option<WeeklyHours>>,
}

impl WeekPattern {
    /// The spans of a date; `None` before the pattern begins.
    fn spans(&self, date: Date) -> Option<&[DaySpan]> {
        let days = self.from.duration_until(date).as_hours() / 24;
        if days < 0 || self.weeks.is_empty() {
            return None;
        }
        let turn = usize::try_from(days / 7).ok()? % self.weeks.len();
        Some(self.weeks.get(turn)?.as_ref().map_or(&[], |week| week.spans(date.weekday())))
    }
}

/// A public holiday: off, unless the date has hours of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// What it is called, 1 to 100 characters.
    pub name: String,
    /// Where it was taken from.
    #[serde(default)]
    pub source: HolidaySource,
}

/// Where a holiday was taken from. What a feed no longer has goes; what was written by hand stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolidaySource {
    /// Written by somebody.
    #[default]
    Hand,
    /// Read from a calendar of holidays.
    Feed,
}

/// Dates on which somebody is away, whatever else is said of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leave {
    /// The first date.
    pub from: Date,
    /// The last date.
    pub to: Date,
    /// What kind, as a code: a to z and `_`, 1 to 32 letters. It is in no [`Reason`](crate::Reason), so guests never learn it.
    #[serde(default = "leave")]
    pub kind: String,
}

fn leave() -> String {
    "leave".to_owned()
}

impl Rules {
    /// The hours of one date, whether it is off or not: those of the date itself, else of its week in the pattern, else of the single
    /// week. In order, without overlap, within the day. The step grid starts anew with each.
    pub fn hours_on(&self, date: Date) -> Vec<TimeRange> {
        let own = self.overrides.get(&date).map(Vec::as_slice);
        let of_turn = || self.pattern.as_ref().and_then(|pattern| pattern.spans(date));
        let spans = own.or_else(of_turn).unwrap_or_else(|| self.week.spans(date.weekday()));
        hours::concrete(spans, date, &self.zone)
    }

    /// The working time of one date: its hours, and none if it is off. A slot is within working time exactly if these ranges of its
    /// dates cover it.
    pub fn working_on(&self, date: Date) -> Vec<TimeRange> {
        let off = self.is_day_off(date) || self.holiday(date).is_some() || self.leave_on(date).is_some();
        if off { Vec::new() } else { self.hours_on(date) }
    }

    /// The breaks of one date, in no order. Where clocks change inside a break, every reading of its wall-clock times stays free, so
    /// that it may reach into the next date: whoever looks at one date looks at the breaks of its neighbours too.
    pub fn breaks_on(&self, date: Date) -> Vec<TimeRange> {
        let concrete = |span: &DaySpan| {
            let start = self.zone.readings(date, span.start())?.earlier().ok()?;
            let end = self.zone.readings(date, span.end())?.later().ok()?;
            TimeRange::new(start, end).ok()
        };
        let of_weekday = self.weekday_breaks.iter().flat_map(|week| week.spans(date.weekday()));
        self.breaks.iter().chain(of_weekday).filter_map(concrete).collect()
    }

    /// Whether a date is a day off. One that has hours of its own is not.
    pub(crate) fn is_day_off(&self, date: Date) -> bool {
        self.days_off.contains(&date) && !self.has_own_hours(date)
    }

    /// The holiday on a date. A date that has hours of its own has none.
    pub(crate) fn holiday(&self, date: Date) -> Option<&Holiday> {
        self.holidays.get(&date).filter(|_| !self.has_own_hours(date))
    }

    /// The leave that holds on a date.
    pub(crate) fn leave_on(&self, date: Date) -> Option<&Leave> {
        self.leave.iter().find(|leave| (leave.from..=leave.to).contains(&date))
    }

    fn has_own_hours(&self, date: Date) -> bool {
        self.overrides.get(&date).is_some_and(|spans| !spans.is_empty())
    }
}
