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
        hours::concrete(self.spans_on(date), date, &self.zone)
    }

    /// The same on the wall clock.
    pub(crate) fn spans_on(&self, date: Date) -> &[DaySpan] {
        let own = self.overrides.get(&date).map(Vec::as_slice);
        let of_turn = || self.pattern.as_ref().and_then(|pattern| pattern.spans(date));
        own.or_else(of_turn).unwrap_or_else(|| self.week.spans(date.weekday()))
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

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::{RulesDraft, Zone};

    fn rules(change: impl FnOnce(&mut RulesDraft)) -> Rules {
        let mut draft = RulesDraft::usual(Zone::new("Europe/Berlin").unwrap());
        change(&mut draft);
        Rules::new(draft).unwrap()
    }

    fn shown(rules: &Rules, ranges: Vec<TimeRange>) -> Vec<String> {
        let clock = |at| rules.zone.wall_clock(at).strftime("%H:%M").to_string();
        ranges.iter().map(|range| format!("{}-{}", clock(range.start()), clock(range.end()))).collect()
    }

    #[test]
    fn weeks_take_turns_from_their_monday_on() {
        let weeks = vec![Some("mon-sun 08:00-10:00".parse().unwrap()), None, Some("mon 12:00-14:00".parse().unwrap())];
        let rules = rules(|draft| draft.pattern = Some(WeekPattern { from: date(2026, 3, 16), weeks }));
        let on = |month, day| shown(&rules, rules.hours_on(date(2026, month, day)));
        // The single week holds up to the day before, also months before.
        assert_eq!((on(3, 13), on(3, 15), on(1, 5)), (vec!["09:00-17:00".to_owned()], Vec::new(), vec!["09:00-17:00".to_owned()]));
        assert_eq!((on(3, 16), on(3, 22)), (vec!["08:00-10:00".to_owned()], vec!["08:00-10:00".to_owned()]));
        assert!(on(3, 23).is_empty() && on(3, 29).is_empty());
        // The clocks changed on the 29th; weeks are weeks of the calendar.
        assert_eq!((on(3, 30), on(3, 31)), (vec!["12:00-14:00".to_owned()], Vec::new()));
        assert_eq!((on(4, 6), on(4, 12), on(4, 13)), (on(3, 16), on(3, 22), Vec::new()));
    }

    #[test]
    fn hours_of_a_date_win_over_days_off_and_holidays_and_never_over_leave() {
        let days: Vec<Date> = (21..=24).map(|day| date(2026, 12, day)).collect();
        let holiday = Holiday { name: "Feast".to_owned(), source: HolidaySource::Feed };
        let off = |draft: &mut RulesDraft| {
            draft.days_off.insert(days[0]);
            draft.holidays.insert(days[1], holiday.clone());
            draft.leave.push(Leave { from: days[2], to: days[2], kind: "vacation".to_owned() });
        };
        let plain = rules(off);
        let works = |rules: &Rules| days.iter().map(|date| shown(rules, rules.working_on(*date))).collect::<Vec<_>>();
        assert_eq!(works(&plain), [vec![], vec![], vec![], vec!["09:00-17:00".to_owned()]]);
        assert!(days.iter().all(|date| !plain.hours_on(*date).is_empty()));

        let own = |text: &[&str]| text.iter().map(|span| span.parse().unwrap()).collect::<Vec<DaySpan>>();
        let hours = rules(|draft| {
            off(draft);
            draft.overrides = days.iter().map(|date| (*date, own(&["18:00-20:00", "10:00-11:00"]))).collect();
        });
        let evening = vec!["10:00-11:00".to_owned(), "18:00-20:00".to_owned()];
        assert_eq!(works(&hours), [evening.clone(), evening.clone(), vec![], evening]);

        // No hours of its own are no reason to work on a day off.
        let none = rules(|draft| {
            off(draft);
            draft.overrides = days.iter().map(|date| (*date, Vec::new())).collect();
        });
        assert!(
            days.iter().all(|date| none.hours_on(*date).is_empty()) && none.is_day_off(days[0]) && none.holiday(days[1]).is_some()
        );
    }

    #[test]
    fn leave_has_its_first_and_its_last_day() {
        let leave = Leave { from: date(2026, 11, 24), to: date(2026, 11, 25), kind: "vacation".to_owned() };
        let rules = rules(|draft| draft.leave.push(leave.clone()));
        let away: Vec<bool> = (23..=26).map(|day| rules.leave_on(date(2026, 11, day)).is_some()).collect();
        assert_eq!(away, [false, true, true, false]);
    }

    #[test]
    fn breaks_of_every_day_and_of_weekdays_come_together() {
        let rules = rules(|draft| {
            draft.breaks = vec!["12:00-13:00".parse().unwrap()];
            draft.weekday_breaks = Some("fri 15:00-15:30".parse().unwrap());
        });
        assert_eq!(shown(&rules, rules.breaks_on(date(2026, 11, 26))), ["12:00-13:00"]);
        assert_eq!(shown(&rules, rules.breaks_on(date(2026, 11, 27))), ["12:00-13:00", "15:00-15:30"]);
    }

    #[test]
    fn own_hours_in_a_gap_move_forward_and_of_a_repeated_hour_the_first_is_meant() {
        let own =
            |date: Date, span: &str| rules(|draft| _ = draft.overrides.insert(date, vec![span.parse().unwrap()])).hours_on(date);
        let utc =
            |ranges: Vec<TimeRange>| ranges.iter().map(|range| format!("{}/{}", range.start(), range.end())).collect::<Vec<_>>();
        assert_eq!(utc(own(date(2026, 3, 29), "02:15-02:45")), ["2026-03-29T01:15:00Z/2026-03-29T01:45:00Z"]);
        assert_eq!(utc(own(date(2026, 10, 25), "02:15-02:45")), ["2026-10-25T00:15:00Z/2026-10-25T00:45:00Z"]);
    }
}
