//! Every start at once, as bits: each rule that can be said of time itself takes out the starts from which a slot would break it.
//!
//! **Invariant:** the same verdicts as the rules one by one. Whatever is taken is judged on instants, since events and the days of some
//! zones do not lie on cells; the rules that count or add up ask for each start that is left.

use jiff::{Timestamp, civil::Date};

use super::{DAY_MINUTES, Rulebook, dates};
use crate::{
    BusySet, CELL_SECONDS, Cell, CellSet, TimeRange,
    instants::{ceil_second, floor_second, on_cell_border, plus_seconds},
};

impl Rulebook<'_> {
    /// The cells of `span` at which a slot of that many minutes begins, lies wholly within `span`, and passes every rule that does not
    /// look at the present (these are past, notice and horizon, which only bound the span).
    pub fn lasting_starts(&self, span: TimeRange, minutes: u32) -> CellSet {
        let mut mask = Mask { starts: CellSet::within(span), seconds: i64::from(minutes) * 60 };
        let Some(calendar) = self.busy.set() else { return mask.starts };
        let near: Vec<Date> = dates(&self.rules.zone, span.padded(DAY_MINUTES, DAY_MINUTES)).collect();
        self.add_hours(&mut mask, &near);
        mask.until(span.end(), 0);
        let (before, after) = (seconds(self.rules.buffer_before_minutes), seconds(self.rules.buffer_after_minutes));
        mask.read(calendar, before, after);
        mask.take_all(calendar, span, (before, after));
        let apart = before.max(after);
        mask.take_all(self.agenda.taken(), span, (apart, apart));
        self.take_breaks(&mut mask, &near);
        self.take_days(&mut mask, &near);
        self.keep_guest(&mut mask, span);
        self.ask_loads(&mut mask);
        mask.starts
    }

    /// The step grid of each span of working hours, as far as that span, or the ones that touch it in a row, carry a slot.
    fn add_hours(&self, mask: &mut Mask, near: &[Date]) {
        let step = usize::try_from(seconds(self.rules.step_minutes) / CELL_SECONDS).unwrap_or(1);
        let mut hours: Vec<TimeRange> = near.iter().flat_map(|date| self.rules.hours_on(*date)).collect();
        hours.sort_unstable();
        let mut carried: Option<(Timestamp, Timestamp)> = None;
        for working in hours.into_iter().rev() {
            let end = carried.filter(|(start, _)| *start == working.end()).map_or(working.end(), |(_, end)| end);
            carried = Some((working.start(), end));
            // Steps are whole cells: a span that begins beside a border has every step beside one.
            if on_cell_border(working.start()) {
                let first = working.start().as_second() / CELL_SECONDS;
                let after = ceil_cell(ceil_second(working.end())).min(mask.last(end, 0) + 1);
                mask.starts.insert_every(first, after, step);
            }
        }
    }

    fn take_breaks(&self, mask: &mut Mask, near: &[Date]) {
        if self.rules.breaks.is_empty() && self.rules.weekday_breaks.is_none() {
            return;
        }
        for pause in near.iter().flat_map(|date| self.rules.breaks_on(*date)) {
            mask.take(pause, (0, 0));
        }
    }

    /// Days off, holidays and leave: dates that a slot may not touch.
    fn take_days(&self, mask: &mut Mask, near: &[Date]) {
        let rules = self.rules;
        if rules.days_off.is_empty() && rules.holidays.is_empty() && rules.leave.is_empty() {
            return;
        }
        let off = |date: &&Date| rules.is_day_off(**date) || rules.holiday(**date).is_some() || rules.leave_on(**date).is_some();
        for day in near.iter().filter(off).filter_map(|date| rules.zone.day(*date)) {
            mask.take(day, (0, 0));
        }
    }

    fn keep_guest(&self, mask: &mut Mask, span: TimeRange) {
        let Some(guest) = self.guest else { return };
        mask.read(&guest.busy, 0, 0);
        mask.take_all(&guest.busy, span, (0, 0));
        if let Some(civil) = &guest.civil_hours {
            mask.keep_any(dates(&civil.zone, span.padded(DAY_MINUTES, DAY_MINUTES)).flat_map(|date| civil.on(date)).collect());
        }
        if let Some(available) = &guest.available {
            mask.keep_any(available.clone());
        }
    }

    fn ask_loads(&self, mask: &mut Mask) {
        if !self.has_loads() {
            return;
        }
        let bears = |cell: &Cell| {
            let slot = cell.start().and_then(|start| TimeRange::new(start, plus_seconds(start, mask.seconds)).ok());
            slot.is_some_and(|slot| self.bears(slot))
        };
        let refused: Vec<Cell> = mask.starts.iter().filter(|cell| !bears(cell)).collect();
        for cell in refused {
            mask.starts.remove(cell);
        }
    }
}

/// Starts of slots of one length.
struct Mask {
    starts: CellSet,
    seconds: i64,
}

impl Mask {
    /// Takes out the starts from which a slot meets `taken`, or comes closer to it than it may: `before` and `after` are the seconds to
    /// keep free on either side of the slot. These are the starts later than `taken.start - length - after` and earlier than
    /// `taken.end + before`.
    fn take(&mut self, taken: TimeRange, (before, after): (i64, i64)) {
        let first = floor_second(taken.start()) - self.seconds - after + 1;
        self.starts.remove_numbers(ceil_cell(first), ceil_cell(ceil_second(taken.end()) + before));
    }

    fn take_all(&mut self, taken: &BusySet, span: TimeRange, free: (i64, i64)) {
        let near = TimeRange::new(plus_seconds(span.start(), -free.0), plus_seconds(span.end(), free.1)).unwrap_or(span);
        for taken in taken.overlapping(near) {
            self.take(*taken, free);
        }
    }

    /// Of time that was not read nothing is offered.
    fn read(&mut self, set: &BusySet, before: i64, after: i64) {
        if let Some(window) = set.window() {
            self.from(window.start(), before);
            self.until(window.end(), after);
        }
    }

    /// Keeps slots that begin, with seconds to keep free before them, at or after an instant.
    fn from(&mut self, at: Timestamp, before: i64) {
        self.starts.keep_numbers(first(at, before), i64::MAX);
    }

    /// Keeps slots that end, with seconds to keep free after them, at or before an instant.
    fn until(&mut self, at: Timestamp, after: i64) {
        self.starts.keep_numbers(i64::MIN, self.last(at, after) + 1);
    }

    /// Keeps slots that lie wholly within some ranges, where ranges that touch count as one.
    fn keep_any(&mut self, mut ranges: Vec<TimeRange>) {
        ranges.sort_unstable();
        let mut runs: Vec<TimeRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match runs.last_mut() {
                Some(last) if range.start() <= last.end() => *last = last.hull(range),
                _ => runs.push(range),
            }
        }
        let mut kept_to = i64::MIN;
        for run in runs {
            let (first, after) = (first(run.start(), 0), self.last(run.end(), 0) + 1);
            if first < after {
                self.starts.remove_numbers(kept_to, first);
                kept_to = after;
            }
        }
        self.starts.remove_numbers(kept_to, i64::MAX);
    }

    /// The last start from which a slot ends by an instant.
    fn last(&self, at: Timestamp, after: i64) -> i64 {
        // Buffers stop at the end of the calendar.
        let after = if at == Timestamp::MAX { 0 } else { after };
        (floor_second(at) - self.seconds - after).div_euclid(CELL_SECONDS)
    }
}

/// The first start at or after an instant.
fn first(at: Timestamp, before: i64) -> i64 {
    let before = if at == Timestamp::MIN { 0 } else { before };
    ceil_cell(ceil_second(at) + before)
}

/// The first cell that begins at or after a second.
const fn ceil_cell(second: i64) -> i64 {
    -(-second).div_euclid(CELL_SECONDS)
}

fn seconds(minutes: u32) -> i64 {
    i64::from(minutes) * 60
}
