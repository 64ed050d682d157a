//! How much somebody is asked to do: bookings and minutes a day and a week, lunch, and meetings in a row.

use jiff::{Timestamp, civil::Date};

use super::{Block, DAY_MINUTES, Rulebook, dates, days};
use crate::{BusySet, InARow, Reason, TimeRange, instants::plus_minutes};

impl Rulebook<'_> {
    /// Whether any of these rules is set.
    pub(super) fn has_loads(&self) -> bool {
        let rules = self.rules;
        let limits = [rules.daily_limit, rules.weekly_limit, rules.daily_minutes, rules.weekly_minutes];
        limits.iter().any(Option::is_some) || rules.lunch.is_some() || rules.in_a_row.is_some()
    }

    /// Whether `range` passes all of these rules.
    pub(super) fn bears(&self, range: TimeRange) -> bool {
        let every: [fn(&Self, TimeRange) -> Option<Block>; 6] =
            [Self::daily_limit, Self::weekly_limit, Self::daily_minutes, Self::weekly_minutes, Self::lunch, Self::in_a_row];
        every.iter().all(|rule| rule(self, range).is_none())
    }

    pub(super) fn daily_limit(&self, range: TimeRange) -> Option<Block> {
        let limit = self.rules.daily_limit?;
        let date = self.rules.zone.date(range.start());
        let reached = self.agenda.count(&self.rules.zone, date, date.saturating_add(days(1))) >= limit as usize;
        if reached { Some(self.after_day(date, range, Reason::DailyLimit { date, limit })) } else { None }
    }

    pub(super) fn weekly_limit(&self, range: TimeRange) -> Option<Block> {
        let limit = self.rules.weekly_limit?;
        let (monday, next) = self.week_of(range);
        let reached = self.agenda.count(&self.rules.zone, monday, next) >= limit as usize;
        if reached {
            Some(self.after_day(monday.saturating_add(days(6)), range, Reason::WeeklyLimit { monday, limit }))
        } else {
            None
        }
    }

    pub(super) fn daily_minutes(&self, range: TimeRange) -> Option<Block> {
        let limit = self.rules.daily_minutes?;
        let date = self.rules.zone.date(range.start());
        let minutes = self.agenda.minutes(&self.rules.zone, date, date.saturating_add(days(1))) + range.minutes();
        if minutes > i64::from(limit) { Some(self.after_day(date, range, Reason::DailyMinutes { date, limit })) } else { None }
    }

    pub(super) fn weekly_minutes(&self, range: TimeRange) -> Option<Block> {
        let limit = self.rules.weekly_minutes?;
        let (monday, next) = self.week_of(range);
        let exceeded = self.agenda.minutes(&self.rules.zone, monday, next) + range.minutes() > i64::from(limit);
        let reason = || Reason::WeeklyMinutes { monday, limit };
        if exceeded { Some(self.after_day(monday.saturating_add(days(6)), range, reason())) } else { None }
    }

    /// The Monday of the week in which a range starts, and the next one.
    fn week_of(&self, range: TimeRange) -> (Date, Date) {
        let date = self.rules.zone.date(range.start());
        let monday = date.saturating_sub(days(i64::from(date.weekday().to_monday_zero_offset())));
        (monday, monday.saturating_add(days(7)))
    }

    /// Minutes in a row that neither the calendar, nor another booking, nor this slot takes. What was not read is not free. A slot
    /// beside the time for lunch takes nothing of it.
    pub(super) fn lunch(&self, range: TimeRange) -> Option<Block> {
        let minutes = self.rules.lunch?.minutes;
        let near = dates(&self.rules.zone, range.padded(DAY_MINUTES, DAY_MINUTES)).filter_map(|date| self.rules.lunch_on(date));
        near.filter(|window| window.overlaps(range)).find_map(|window| {
            let free = self.free_within(window);
            let long = |start: Timestamp, end: Timestamp| plus_minutes(start, i64::from(minutes)) <= end;
            let left = |free: &TimeRange| {
                long(free.start(), free.end().min(range.start())) || long(free.start().max(range.end()), free.end())
            };
            if free.iter().any(left) {
                return None;
            }
            // What is free after a slot only shrinks as the slot moves on; what is free before it grows until it is enough.
            let fits = free.iter().filter(|free| long(free.start(), free.end()));
            let first = fits.map(|free| plus_minutes(free.start(), i64::from(minutes))).find(|end| *end > range.start());
            Some(Block::until(first.unwrap_or(window.end()), Reason::Lunch { range: window, minutes }))
        })
    }

    /// The pieces of a window that neither the calendar nor a booking takes, as far as the calendar was read.
    fn free_within(&self, window: TimeRange) -> Vec<TimeRange> {
        let Some(calendar) = self.busy.set() else { return Vec::new() };
        let Some(read) = calendar.window().map_or(Some(window), |read| read.intersection(window)) else { return Vec::new() };
        let taken: BusySet = calendar.overlapping(read).iter().chain(self.agenda.taken().overlapping(read)).copied().collect();
        let mut free_from = read.start();
        let mut free = Vec::new();
        for taken in taken.ranges() {
            free.extend(TimeRange::new(free_from, taken.start()));
            free_from = taken.end();
        }
        free.extend(TimeRange::new(free_from, read.end()));
        free
    }

    /// What the calendar has counts as much as what is booked; of time that was not read nothing counts.
    pub(super) fn in_a_row(&self, range: TimeRange) -> Option<Block> {
        let InARow { most_minutes, break_minutes } = self.rules.in_a_row?;
        let (most, pause) = (i64::from(most_minutes), i64::from(break_minutes));
        let row = self.row_around(range, most_minutes, break_minutes);
        if plus_minutes(row.start(), most) >= row.end() {
            return None;
        }
        let reason = Reason::Consecutive { most_minutes, break_minutes };
        if plus_minutes(range.start(), most) < range.end() {
            return Some(Block::never(reason));
        }
        // Until a break lies between, whatever is next to the slot stays in the row. A row that begins with the slot may also become
        // shorter as the slot moves on.
        let apart = self.beside(range, break_minutes).map(|other| plus_minutes(other.end(), pause)).min();
        let shorter = if row.start() == range.start() { Some(plus_minutes(row.end(), -most)) } else { None };
        let clear_from = apart.into_iter().chain(shorter).min().unwrap_or(range.start());
        Some(Block::until(clear_from.max(range.start()), reason))
    }

    /// The slot and everything joined to it without a break; not further than it takes to be too long.
    fn row_around(&self, range: TimeRange, most_minutes: u32, break_minutes: u32) -> TimeRange {
        let mut row = range;
        loop {
            let longer = self.beside(row, break_minutes).fold(row, TimeRange::hull);
            if longer == row || plus_minutes(longer.start(), i64::from(most_minutes)) < longer.end() {
                return longer;
            }
            row = longer;
        }
    }

    /// What is taken less than a break away from a range.
    fn beside(&self, range: TimeRange, break_minutes: u32) -> impl Iterator<Item = TimeRange> {
        let near = range.padded(break_minutes, break_minutes);
        let calendar = self.busy.set().map_or(&[][..], |set| set.overlapping(near));
        calendar.iter().chain(self.agenda.taken().overlapping(near)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Agenda, Busy, Lunch, Rules, RulesDraft, Zone};

    fn at(clock: &str) -> Timestamp {
        format!("2026-11-24T{clock}:00Z").parse().unwrap()
    }

    fn ranges(texts: &[&str]) -> Vec<TimeRange> {
        let range = |text: &&str| {
            let (start, end) = text.split_once('-').unwrap();
            TimeRange::new(at(start), at(end)).unwrap()
        };
        texts.iter().map(range).collect()
    }

    /// What the rule of a code says of a slot: it passes, or from when on it could, or that it never does.
    fn asked(code: &str, change: impl FnOnce(&mut RulesDraft), (busy, booked): (&[&str], &[&str]), slot: &str) -> String {
        let mut draft = RulesDraft { minimum_notice_minutes: 0, ..RulesDraft::usual(Zone::utc()) };
        change(&mut draft);
        let (rules, now) = (Rules::new(draft).unwrap(), at("00:00"));
        let read = TimeRange::new(now, at("23:00")).unwrap();
        let calendar = Busy::Known { as_of: now, set: ranges(busy).into_iter().collect::<BusySet>().within(read) };
        let agenda: Agenda = ranges(booked).into_iter().collect();
        let rulebook = Rulebook { rules: &rules, busy: &calendar, agenda: &agenda, now, guest: None };
        let found = rulebook.blocks(ranges(&[slot])[0]).find(|block| block.reason.code() == code);
        let Some(block) = found else { return "passes".to_owned() };
        block.clear_from.map_or("never".to_owned(), |from| Zone::utc().wall_clock(from).strftime("%a %H:%M").to_string())
    }

    #[test]
    fn lunch_is_left_somewhere_in_its_span() {
        let lunch = |busy: &[&str], booked: &[&str], slot: &str| {
            let lunch = Lunch { span: "11:30-14:00".parse().unwrap(), minutes: 30 };
            asked("lunch", |draft| draft.lunch = Some(lunch), (busy, booked), slot)
        };
        assert_eq!(lunch(&[], &[], "12:00-13:00"), "passes");
        assert_eq!(lunch(&[], &[], "11:00-13:30"), "passes");
        // The span ends before the slot leaves half an hour; from 12:00 on there is one before it.
        assert_eq!(lunch(&[], &[], "11:00-13:35"), "Tue 12:00");
        assert_eq!(lunch(&[], &[], "12:00-23:00"), "passes");
        // Calendar and bookings count alike. After both, lunch would be possible from 13:30 on; before the slot, never.
        assert_eq!(lunch(&["11:30-12:30"], &["12:45-13:15"], "13:15-13:45"), "Tue 13:45");
        assert_eq!(lunch(&["11:30-12:30"], &["12:45-13:15"], "12:30-12:45"), "passes");
        assert_eq!(lunch(&["11:30-13:45"], &[], "13:45-14:00"), "Tue 14:00");
        // Beside the span nothing is taken of it, however full it is.
        assert_eq!(lunch(&["11:30-14:00"], &[], "14:00-15:00"), "passes");
        // What was not read is not free.
        let late = Lunch { span: "22:00-24:00".parse().unwrap(), minutes: 60 };
        assert_eq!(asked("lunch", |draft| draft.lunch = Some(late), (&[], &[]), "22:00-22:30"), "Tue 23:00");
    }

    #[test]
    fn nobody_is_taken_too_long_without_a_break() {
        let row = |busy: &[&str], booked: &[&str], slot: &str| {
            let row = InARow { most_minutes: 120, break_minutes: 15 };
            asked("consecutive", |draft| draft.in_a_row = Some(row), (busy, booked), slot)
        };
        assert_eq!(row(&[], &["09:00-10:00"], "10:00-11:00"), "passes");
        assert_eq!(row(&[], &["09:00-10:00"], "10:05-11:05"), "Tue 10:15");
        assert_eq!(row(&[], &["09:00-10:00"], "10:15-11:15"), "passes");
        // Through the calendar too, and through what is joined to what is joined. From 10:05 on one of the two is a break away.
        assert_eq!(row(&["08:00-09:50"], &["09:55-10:00"], "10:00-10:30"), "Tue 10:05");
        // Before a meeting: a later start makes the row shorter.
        assert_eq!(row(&["10:00-11:30"], &[], "09:00-10:00"), "Tue 09:30");
        assert_eq!(row(&["10:00-11:30"], &[], "08:45-09:45"), "passes");
        // Longer by itself than it may be, whenever.
        assert_eq!(row(&[], &[], "09:00-11:05"), "never");
    }

    #[test]
    fn minutes_are_counted_with_the_slot_on_the_day_and_in_the_week_of_its_start() {
        let daily =
            |slot| asked("daily_minutes", |draft| draft.daily_minutes = Some(90), (&["08:00-12:00"], &["09:00-10:00"]), slot);
        assert_eq!((daily("12:00-12:30"), daily("12:00-12:35")), ("passes".to_owned(), "Wed 00:00".to_owned()));
        let weekly = |slot| asked("weekly_minutes", |draft| draft.weekly_minutes = Some(90), (&[], &["09:00-10:00"]), slot);
        assert_eq!((weekly("12:00-12:30"), weekly("12:00-12:35")), ("passes".to_owned(), "Mon 00:00".to_owned()));
    }
}
