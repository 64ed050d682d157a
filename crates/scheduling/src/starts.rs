//! Every start of a window at once, by one walk over sorted times: what [`slots`](crate::slots) finds one after the other, for callers
//! who combine many people.
//!
//! What a list of sorted ranges can say is said by walking along it: hours, calendar, bookings, breaks, days without work. What looks at
//! the agenda or at the wall clock of somewhere else, and everything near a change of clocks, is asked of the rulebook itself. So this
//! adds no second reading of a rule that is not plain.

use jiff::{SignedDuration, Timestamp};

use crate::{
    CELL_SECONDS, Query, TimeOfDay, TimeRange,
    instants::{ceil_second, floor_second, plus_minutes, plus_seconds},
};

/// Before and after a change of clocks in which every start is asked of the rulebook, in seconds.
const NEAR_A_CHANGE: i64 = 3 * 86_400;

/// A range in whole seconds, rounded outwards: between whole seconds that decides the same.
type Seconds = (i64, i64);

impl Query<'_> {
    /// The starts of [`slots`](crate::slots) within `window`, in order.
    pub fn starts(&self, window: TimeRange) -> Vec<Timestamp> {
        let (Some(busy), length) = (self.busy.set(), i64::from(self.request.length.minutes()) * 60) else { return Vec::new() };
        let rules = self.rules;
        let before = i64::from(rules.buffer_before_minutes) * 60;
        let after = i64::from(rules.buffer_after_minutes) * 60;
        let apart = before.max(after);
        let mut from = window.start().max(self.now).max(rules.earliest(self.now));
        let mut until = window.end().min(rules.latest(self.now));
        if let Some(read) = busy.window() {
            from = from.max(plus_seconds(read.start(), before));
            until = until.min(plus_seconds(read.end(), -after));
        }
        let (first, last) = (ceil_second(from), floor_second(until) - length);
        if first > last {
            return Vec::new();
        }
        let near = |(start, end): Seconds| start < last + 2 * length + 2 * apart && end > first - 2 * length - 2 * apart;
        let changes = self.changes(first, last);
        let (hours, grid) = self.hours_and_grid(first, last, changes.is_empty());
        let mut calendar =
            Walk::over(busy.ranges().iter().map(outwards).filter(|range| near(*range)).collect(), before, length + after);
        let mut booked = Walk::over(
            self.agenda.taken().ranges().iter().map(outwards).filter(|range| near(*range)).collect(),
            apart,
            length + apart,
        );
        let mut off = Walk::over(self.never(first, last, length), 0, length);
        let mut guest =
            Walk::over(self.request.guest.busy.ranges().iter().map(outwards).filter(|range| near(*range)).collect(), 0, length);
        let mut covered = 0;
        let dear = self.asks_the_rulebook();
        let mut changing = changes.iter().peekable();
        let passes = |start: &i64| {
            while changing.next_if(|change| **change + NEAR_A_CHANGE < *start).is_some() {}
            let judged = |start: i64| {
                let range = Timestamp::from_second(start).ok().map(|at| TimeRange::new(at, plus_seconds(at, length)));
                range.and_then(Result::ok).is_some_and(|range| self.check(range).is_ok())
            };
            if changing.peek().is_some_and(|change| **change - NEAR_A_CHANGE < *start) {
                return judged(*start);
            }
            while hours.get(covered).is_some_and(|(_, end)| end <= start) {
                covered += 1;
            }
            let within = hours.get(covered).is_some_and(|(begin, end)| begin <= start && start + length <= *end);
            let free = within
                && start % CELL_SECONDS == 0
                && !calendar.blocks(*start)
                && !booked.blocks(*start)
                && !off.blocks(*start)
                && !guest.blocks(*start);
            free && (!dear || judged(*start))
        };
        let mut passes = passes;
        grid.into_iter().filter(|start| passes(start)).filter_map(|start| Timestamp::from_second(start).ok()).collect()
    }

    /// The working time around the starts, spans that touch joined, and every point of the step grid from `first` to `last`. Where no clock
    /// changes nearby (`calm`), one look at the zone serves all dates.
    fn hours_and_grid(&self, first: i64, last: i64, calm: bool) -> (Vec<Seconds>, Vec<i64>) {
        let (zone, step) = (&self.rules.zone, i64::from(self.rules.step_minutes) * 60);
        let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let (mut date, end) = (zone.date(at(first - 86_400)), zone.date(at(last + 2 * 86_400)));
        let (mut hours, mut grid): (Vec<Seconds>, Vec<i64>) = (Vec::new(), Vec::new());
        let offset = i64::from(zone.time_zone().to_offset(at(first)).seconds());
        let mut midnight = (first - 86_400 + offset).div_euclid(86_400) * 86_400 - offset;
        let mut spans: Vec<Seconds> = Vec::new();
        while date <= end {
            spans.clear();
            if calm {
                spans.extend(self.rules.spans_on(date).iter().map(|span| {
                    let second = |time: TimeOfDay| midnight + i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60;
                    (second(span.start()), second(span.end()))
                }));
            } else {
                spans.extend(self.rules.hours_on(date).iter().map(outwards));
            }
            midnight += 86_400;
            for (begin, over) in spans.iter().copied() {
                let from = begin + (first - begin + step - 1).div_euclid(step).max(0) * step;
                let to = over.min(last + 1);
                grid.extend((from..to).step_by(usize::try_from(step).unwrap_or(usize::MAX)));
                hours.push((begin, over));
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        // Where clocks are set back over midnight, spans of two dates interleave.
        if !grid.is_sorted() {
            grid.sort_unstable();
        }
        grid.dedup();
        (joined(hours), grid)
    }

    /// Times that no slot may meet, whatever the calendar says: breaks, and dates that are off.
    fn never(&self, first: i64, last: i64, length: i64) -> Vec<Seconds> {
        let rules = self.rules;
        let breaks = !rules.breaks.is_empty() || rules.weekday_breaks.is_some();
        if !breaks && rules.days_off.is_empty() && rules.holidays.is_empty() && rules.leave.is_empty() {
            return Vec::new();
        }
        let at = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
        let (mut date, end) = (rules.zone.date(at(first - 2 * 86_400)), rules.zone.date(at(last + length + 2 * 86_400)));
        let mut never = Vec::new();
        while date <= end {
            if breaks {
                never.extend(rules.breaks_on(date).iter().map(outwards));
            }
            if rules.is_day_off(date) || rules.holiday(date).is_some() || rules.leave_on(date).is_some() {
                never.extend(rules.zone.day(date).iter().map(outwards));
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        joined(never)
    }

    /// Whether a rule is set that looks at more than ranges of time.
    fn asks_the_rulebook(&self) -> bool {
        let (rules, guest) = (self.rules, &self.request.guest);
        let limits = [rules.daily_limit, rules.weekly_limit, rules.daily_minutes, rules.weekly_minutes];
        limits.iter().any(Option::is_some)
            || rules.lunch.is_some()
            || rules.in_a_row.is_some()
            || guest.civil_hours.is_some()
            || guest.available.is_some()
            || guest.busy.window().is_some()
    }

    /// When clocks change in the zone, around the starts.
    fn changes(&self, first: i64, last: i64) -> Vec<i64> {
        let Ok(from) = Timestamp::from_second(first - NEAR_A_CHANGE) else { return Vec::new() };
        let zone = self.rules.zone.time_zone();
        let end = plus_minutes(Timestamp::from_second(last).unwrap_or(Timestamp::MAX), NEAR_A_CHANGE / 60);
        let from = from.checked_sub(SignedDuration::from_secs(1)).unwrap_or(from);
        zone.following(from).map(|change| change.timestamp()).take_while(|at| *at <= end).map(Timestamp::as_second).collect()
    }
}

fn outwards(range: &TimeRange) -> Seconds {
    (floor_second(range.start()), ceil_second(range.end()))
}

/// In order, those that touch or overlap as one.
fn joined(mut ranges: Vec<Seconds>) -> Vec<Seconds> {
    ranges.sort_unstable();
    let mut joined: Vec<Seconds> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match joined.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((start, end)),
        }
    }
    joined
}

/// Ranges in order, without overlap, walked along once by starts that only grow.
struct Walk {
    ranges: Vec<Seconds>,
    at: usize,
    /// Seconds that stay free after each range.
    behind: i64,
    /// Seconds from a start within which no range may begin.
    ahead: i64,
}

impl Walk {
    const fn over(ranges: Vec<Seconds>, behind: i64, ahead: i64) -> Self {
        Self { ranges, at: 0, behind, ahead }
    }

    fn blocks(&mut self, start: i64) -> bool {
        while self.ranges.get(self.at).is_some_and(|(_, end)| end + self.behind <= start) {
            self.at += 1;
        }
        self.ranges.get(self.at).is_some_and(|(begin, _)| *begin < start + self.ahead)
    }
}
