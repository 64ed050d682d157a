//! The rules, each once: given a time, what it breaks, and the earliest start that could do better.
//!
//! [`check`](crate::check) reports what is broken; the search of [`slots`](crate::slots) and [`plan`](crate::plan) jumps to where it
//! could end. **Invariant:** `clear_from` never lies beyond a start of the same length that this rule would let pass; a search that
//! jumps there misses nothing.

mod guest;
mod load;
mod starts;

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    Agenda, Busy, BusySet, Guest, Reason, Rules, TimeOfDay, TimeRange, Zone,
    instants::{floor_second, plus_minutes},
};

/// A rule that a time breaks.
pub struct Block {
    /// Which, and by what.
    pub reason: Reason,
    /// No earlier start passes this rule; `None`: no later one does either.
    pub clear_from: Option<Timestamp>,
}

impl Block {
    const fn until(clear_from: Timestamp, reason: Reason) -> Self {
        Self { reason, clear_from: Some(clear_from) }
    }

    const fn never(reason: Reason) -> Self {
        Self { reason, clear_from: None }
    }
}

/// Everything a time is judged by.
#[derive(Clone, Copy)]
pub struct Rulebook<'a> {
    pub rules: &'a Rules,
    pub busy: &'a Busy,
    pub agenda: &'a Agenda,
    pub now: Timestamp,
    pub guest: Option<&'a Guest>,
}

impl Rulebook<'_> {
    /// Every rule that `range` breaks, in the order in which people would like to hear it.
    pub fn blocks(&self, range: TimeRange) -> impl Iterator<Item = Block> {
        let every: [fn(&Self, TimeRange) -> Option<Block>; 22] = [
            |_, range| five_minutes(range),
            Self::readable,
            Self::past,
            Self::notice,
            Self::horizon,
            Self::hours,
            Self::step,
            Self::breaks,
            Self::days_off,
            Self::holidays,
            Self::leave,
            Self::lunch,
            Self::calendar,
            Self::booked,
            Self::daily_limit,
            Self::weekly_limit,
            Self::daily_minutes,
            Self::weekly_minutes,
            Self::in_a_row,
            Self::guest_busy,
            Self::guest_hours,
            Self::guest_available,
        ];
        every.into_iter().filter_map(move |rule| rule(self, range))
    }

    fn readable(&self, range: TimeRange) -> Option<Block> {
        let set = match self.busy {
            Busy::Known { set, .. } | Busy::Assumed { set, .. } => set,
            Busy::Unknown { why } => return Some(Block::never(Reason::UnknownCalendar { why: why.clone() })),
        };
        let (before, after) = (self.rules.buffer_before_minutes, self.rules.buffer_after_minutes);
        outside_of(set, range.padded(before, after)).map(|mut block| {
            block.clear_from = block.clear_from.map(|from| plus_minutes(from, i64::from(before)));
            block
        })
    }

    fn past(&self, range: TimeRange) -> Option<Block> {
        let now = self.now;
        if range.start() < now { Some(Block::until(now, Reason::Past { now })) } else { None }
    }

    fn notice(&self, range: TimeRange) -> Option<Block> {
        let earliest = self.rules.earliest(self.now);
        if range.start() < earliest { Some(Block::until(earliest, Reason::Notice { earliest })) } else { None }
    }

    fn horizon(&self, range: TimeRange) -> Option<Block> {
        let latest = self.rules.latest(self.now);
        if range.end() > latest { Some(Block::never(Reason::Horizon { latest })) } else { None }
    }

    /// Working time may be pieced together from spans that touch, over midnight too.
    fn hours(&self, range: TimeRange) -> Option<Block> {
        let mut covered_to = range.start();
        while covered_to < range.end() {
            match self.working_range(covered_to) {
                Some(working) => covered_to = working.end(),
                // Every later start up to here has this same instant inside.
                None => return Some(Block::until(covered_to, Reason::OutsideHours)),
            }
        }
        None
    }

    fn step(&self, range: TimeRange) -> Option<Block> {
        let step_minutes = self.rules.step_minutes;
        let working = self.working_range(range.start())?;
        let seconds = floor_second(range.start()) - floor_second(working.start());
        if seconds % (i64::from(step_minutes) * 60) == 0 && range.start().subsec_nanosecond() == 0 {
            return None;
        }
        Some(Block::until(range.start(), Reason::NotOnStep { step_minutes }))
    }

    fn breaks(&self, range: TimeRange) -> Option<Block> {
        if self.rules.breaks.is_empty() && self.rules.weekday_breaks.is_none() {
            return None;
        }
        let near = dates(&self.rules.zone, range.padded(DAY_MINUTES, DAY_MINUTES));
        let met = near.flat_map(|date| self.rules.breaks_on(date)).filter(|pause| pause.overlaps(range)).min()?;
        Some(Block::until(met.end(), Reason::Break { range: met }))
    }

    fn days_off(&self, range: TimeRange) -> Option<Block> {
        let off = |date: &Date| self.rules.is_day_off(*date);
        let date = if self.rules.days_off.is_empty() { None } else { dates(&self.rules.zone, range).find(off) };
        date.map(|date| self.after_day(date, range, Reason::DayOff { date }))
    }

    fn holidays(&self, range: TimeRange) -> Option<Block> {
        if self.rules.holidays.is_empty() {
            return None;
        }
        let found = dates(&self.rules.zone, range).find_map(|date| Some((date, self.rules.holiday(date)?)));
        found.map(|(date, holiday)| self.after_day(date, range, Reason::Holiday { date, name: holiday.name.clone() }))
    }

    fn leave(&self, range: TimeRange) -> Option<Block> {
        if self.rules.leave.is_empty() {
            return None;
        }
        let leave = dates(&self.rules.zone, range).find_map(|date| self.rules.leave_on(date))?;
        Some(self.after_day(leave.to, range, Reason::Leave { from: leave.from, to: leave.to }))
    }

    fn calendar(&self, range: TimeRange) -> Option<Block> {
        let set = self.busy.set()?;
        let before = self.rules.buffer_before_minutes;
        let near = set.first_overlap(range.padded(before, self.rules.buffer_after_minutes))?;
        let reason = set.first_overlap(range).map_or(Reason::Buffer { range: near }, |range| Reason::Busy { range });
        Some(Block::until(plus_minutes(near.end(), i64::from(before)), reason))
    }

    /// Between two bookings lies the buffer after the one or that before the other, whichever is longer.
    fn booked(&self, range: TimeRange) -> Option<Block> {
        let apart = self.rules.buffer_before_minutes.max(self.rules.buffer_after_minutes);
        let near = self.agenda.taken().first_overlap(range.padded(apart, apart))?;
        let taken = self.agenda.taken().first_overlap(range);
        let reason = taken.map_or(Reason::Buffer { range: near }, |range| Reason::Agenda { range });
        Some(Block::until(plus_minutes(near.end(), i64::from(apart)), reason))
    }

    /// The working time around an instant.
    fn working_range(&self, at: Timestamp) -> Option<TimeRange> {
        let date = self.rules.zone.date(at);
        let of = |date: Date| self.rules.hours_on(date).into_iter().find(|working| working.contains(at));
        // An evening that comes twice belongs to the next date.
        of(date).or_else(|| of(date.tomorrow().ok()?))
    }

    /// Blocked up to the end of a date.
    fn after_day(&self, date: Date, range: TimeRange, reason: Reason) -> Block {
        let end = self.rules.zone.instant(date, TimeOfDay::END_OF_DAY);
        Block { reason, clear_from: end.map(|end| end.max(range.start())) }
    }
}

const DAY_MINUTES: u32 = 24 * 60;

/// For sums on dates.
const fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

fn five_minutes(range: TimeRange) -> Option<Block> {
    if range.is_whole_cells() { None } else { Some(Block::until(range.start(), Reason::NotFiveMinutes)) }
}

/// A time that reaches beyond what was read.
fn outside_of(set: &BusySet, range: TimeRange) -> Option<Block> {
    let window = set.window()?;
    let reason = || Reason::UnknownCalendar { why: "not_read".to_owned() };
    if range.end() > window.end() {
        Some(Block::never(reason()))
    } else if range.start() < window.start() {
        Some(Block::until(window.start(), reason()))
    } else {
        None
    }
}

/// The dates whose days a range touches, in order. Where clocks are set back over midnight, the evening that comes twice belongs to
/// the day after it, whatever the wall clock shows: days follow each other without a hole.
fn dates(zone: &Zone, range: TimeRange) -> impl Iterator<Item = Date> {
    let (one, other) = (zone.date(range.start()), zone.date(last_instant(range.end())));
    let until = one.max(other).saturating_add(days(1));
    let near = std::iter::successors(Some(one.min(other)), |date| date.tomorrow().ok()).take_while(move |date| *date <= until);
    near.filter(move |date| zone.day(*date).is_some_and(|day| day.overlaps(range)))
}

/// The last instant of a range that ends at `end`.
fn last_instant(end: Timestamp) -> Timestamp {
    end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end)
}
