//! How much somebody is asked to do: bookings and minutes a day and a week, lunch, and meetings in a row.

use jiff::{Timestamp, civil::Date};

use super::{Block, DAY_MINUTES, Rulebook, dates, days};
use crate::{BusySet, InARow, Reason, TimeRange, instants::plus_minutes};

impl Rulebook<'_> {
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
