//! The rules, each once: given a time, what it breaks, and the earliest start that could do better.
//!
//! [`check`](crate::check) reports what is broken; the search of [`slots`](crate::slots) and [`plan`](crate::plan) jumps to where it
//! could end. **Invariant:** `clear_from` never lies beyond a start of the same length that this rule would let pass; a search that
//! jumps there misses nothing.

use jiff::{SignedDuration, Timestamp, civil::Date};

use crate::{
    Agenda, Busy, BusySet, DaySpan, Guest, Reason, Rules, TimeOfDay, TimeRange, Zone,
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
        let every: [fn(&Self, TimeRange) -> Option<Block>; 14] = [
            |_, range| five_minutes(range),
            Self::readable,
            Self::notice,
            Self::horizon,
            Self::hours,
            Self::step,
            Self::breaks,
            Self::days_off,
            Self::calendar,
            Self::booked,
            Self::daily_limit,
            Self::weekly_limit,
            Self::guest_busy,
            Self::guest_hours,
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
        let near = dates(&self.rules.zone, range.padded(DAY_MINUTES, DAY_MINUTES));
        let met = near.flat_map(|date| self.rules.breaks_on(date)).filter(|pause| pause.overlaps(range)).min()?;
        Some(Block::until(met.end(), Reason::Break { range: met }))
    }

    fn days_off(&self, range: TimeRange) -> Option<Block> {
        if self.rules.days_off.is_empty() {
            return None;
        }
        let date = dates(&self.rules.zone, range).find(|date| self.rules.days_off.contains(date))?;
        Some(self.after_day(date, range, Reason::DayOff { date }))
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

    fn daily_limit(&self, range: TimeRange) -> Option<Block> {
        let limit = self.rules.daily_limit?;
        let date = self.rules.zone.date(range.start());
        let reached = self.agenda.count(&self.rules.zone, date, date.saturating_add(days(1))) >= limit as usize;
        if reached { Some(self.after_day(date, range, Reason::DailyLimit { date, limit })) } else { None }
    }

    fn weekly_limit(&self, range: TimeRange) -> Option<Block> {
        let limit = self.rules.weekly_limit?;
        let date = self.rules.zone.date(range.start());
        let monday = date.saturating_sub(days(i64::from(date.weekday().to_monday_zero_offset())));
        let reached = self.agenda.count(&self.rules.zone, monday, monday.saturating_add(days(7))) >= limit as usize;
        let sunday = monday.saturating_add(days(6));
        if reached { Some(self.after_day(sunday, range, Reason::WeeklyLimit { monday, limit })) } else { None }
    }

    fn guest_busy(&self, range: TimeRange) -> Option<Block> {
        let set = &self.guest?.busy;
        if let Some(block) = outside_of(set, range) {
            return Some(block);
        }
        let met = set.first_overlap(range)?;
        Some(Block::until(met.end(), Reason::GuestBusy { range: met }))
    }

    fn guest_hours(&self, range: TimeRange) -> Option<Block> {
        let civil = self.guest?.civil_hours.as_ref()?;
        let today = civil.zone.date(range.start());
        let on = |date: Date, span: DaySpan| {
            TimeRange::new(civil.zone.instant(date, span.start())?, civil.zone.instant(date, span.end())?).ok()
        };
        let awake = on(today, civil.span);
        if awake.is_some_and(|awake| awake.covers(range)) {
            return None;
        }
        let before = awake.filter(|awake| range.start() < awake.start());
        let next = before.or_else(|| on(today.saturating_add(days(1)), civil.span)).map_or(range.start(), TimeRange::start);
        Some(Block::until(next.max(range.start()), Reason::GuestHours))
    }

    /// The working time around an instant.
    fn working_range(&self, at: Timestamp) -> Option<TimeRange> {
        self.rules.hours_on(self.rules.zone.date(at)).into_iter().find(|working| working.contains(at))
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

/// The dates that a range touches, in order.
fn dates(zone: &Zone, range: TimeRange) -> impl Iterator<Item = Date> {
    let last = zone.date(last_instant(range.end()));
    std::iter::successors(Some(zone.date(range.start())), |date| date.tomorrow().ok()).take_while(move |date| *date <= last)
}

/// The last instant of a range that ends at `end`.
fn last_instant(end: Timestamp) -> Timestamp {
    end.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(end)
}
