//! A recurring time: its start, its rules, dates added and taken away, and occurrences that were changed (RFC 5545, section 3.8.5).

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    days::{self, DAY},
    parts::{Change, Length, Moment, Occurrence, Override, RecurrenceError, Start},
    rule::{Rule, Until},
    walk::Pattern,
    wall::WallClock,
};
use crate::{
    TimeRange, Zone,
    instants::{floor_second, plus_seconds},
};

/// A rule and what was worked out of it once.
#[derive(Debug, Clone)]
struct Ready {
    rule: Rule,
    pattern: Pattern,
    /// Behind this second on the wall clock there is none: what a `COUNT` or an `UNTIL` comes to.
    last: Option<i64>,
}

/// See the module's header. Made once, asked often.
#[derive(Debug, Clone)]
pub struct RecurrenceSet {
    zone: Zone,
    start: Start,
    /// The start in seconds on the wall clock.
    first: i64,
    length: Length,
    rules: Vec<Ready>,
    added: Vec<(Moment, Option<Timestamp>)>,
    removed: Vec<Moment>,
    overrides: Vec<Override>,
}

const MOST_RULES: usize = 20;
const MOST_DATES: usize = 10_000;
const LONGEST_DAYS: i64 = 3_660;
/// What a clock change, two zones' offsets and a day of 25 hours can add up to.
const MARGIN: i64 = 2 * DAY;

impl RecurrenceSet {
    /// Most periods of a rule that are looked at for one answer.
    pub const MOST_STEPS: usize = 1_000_000;
    /// Most that is looked at for the last occurrence of a `COUNT`, once: all days up to the year 10000, with two times each.
    const MOST_STEPS_COUNTING: usize = 10_000_000;
    /// Most occurrences in one answer.
    pub const MOST_OCCURRENCES: usize = 100_000;

    /// One occurrence: `start` on the wall clock of `zone`.
    pub fn new(start: Start, zone: Zone, length: Length) -> Result<Self, RecurrenceError> {
        let at = match start {
            Start::Local(at) => at,
            Start::Date(date) => date.to_datetime(jiff::civil::Time::midnight()),
        };
        if at.year() < 1 {
            return Err(RecurrenceError::Start(at.to_string()));
        }
        let whole = length.days.saturating_add(length.seconds / DAY);
        if length.days < 0 || length.seconds < 0 || whole > LONGEST_DAYS {
            return Err(RecurrenceError::Length { days: length.days, seconds: length.seconds });
        }
        let first = days::seconds(at);
        Ok(Self { zone, start, first, length, rules: Vec::new(), added: Vec::new(), removed: Vec::new(), overrides: Vec::new() })
    }

    /// With occurrences by a rule. The start is an occurrence whether the rule has it or not, and counts towards a `COUNT`.
    pub fn with_rule(mut self, rule: Rule) -> Result<Self, RecurrenceError> {
        if self.rules.len() >= MOST_RULES {
            return Err(RecurrenceError::Parts { what: "rules", most: MOST_RULES });
        }
        let pattern = Pattern::new(&rule, self.first);
        let last = match (rule.count(), rule.until()) {
            (Some(count), _) => Some(self.last_of(&rule, &pattern, count)?),
            (None, Some(until)) => Some(self.end_of(until)),
            (None, None) => None,
        };
        self.rules.push(Ready { rule, pattern, last });
        Ok(self)
    }

    /// With more occurrences (`RDATE`), each with an end of its own if it has one.
    pub fn with_added(mut self, added: impl IntoIterator<Item = (Moment, Option<Timestamp>)>) -> Result<Self, RecurrenceError> {
        self.added.extend(added);
        let parts = RecurrenceError::Parts { what: "added dates", most: MOST_DATES };
        if self.added.len() > MOST_DATES { Err(parts) } else { Ok(self) }
    }

    /// Without these occurrences (`EXDATE`).
    pub fn without(mut self, removed: impl IntoIterator<Item = Moment>) -> Result<Self, RecurrenceError> {
        self.removed.extend(removed);
        self.removed.sort_unstable();
        self.removed.dedup();
        let parts = RecurrenceError::Parts { what: "dates taken away", most: MOST_DATES };
        if self.removed.len() > MOST_DATES { Err(parts) } else { Ok(self) }
    }

    /// With changed occurrences. A later change of the same one replaces an earlier.
    pub fn with_overrides(mut self, overrides: impl IntoIterator<Item = Override>) -> Result<Self, RecurrenceError> {
        for new in overrides {
            self.overrides.retain(|known| known.of != new.of || known.and_later != new.and_later);
            self.overrides.push(new);
        }
        let parts = RecurrenceError::Parts { what: "changed occurrences", most: MOST_DATES };
        if self.overrides.len() > MOST_DATES { Err(parts) } else { Ok(self) }
    }

    /// The zone on whose wall clock it recurs.
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// The first occurrence, as it was written.
    pub const fn start(&self) -> &Start {
        &self.start
    }

    /// How long each lasts.
    pub const fn length(&self) -> Length {
        self.length
    }

    /// The rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().map(|ready| &ready.rule)
    }

    /// Dates taken away, in order.
    pub fn removed(&self) -> &[Moment] {
        &self.removed
    }

    /// Changed occurrences.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Dates added.
    pub(super) fn added(&self) -> &[(Moment, Option<Timestamp>)] {
        &self.added
    }

    /// The same without changed occurrences.
    pub(super) fn unchanged(mut self) -> Self {
        self.overrides.clear();
        self
    }

    /// The start in seconds on the wall clock.
    pub(super) const fn first_wall(&self) -> i64 {
        self.first
    }

    /// The same without what became of one occurrence.
    pub(super) fn forgetting(mut self, of: Moment) -> Self {
        self.overrides.retain(|known| known.of != of || known.and_later);
        self
    }

    /// The second on the wall clock behind which no rule has an occurrence, if all of them end.
    pub(super) fn last_wall(&self) -> Option<i64> {
        self.rules.iter().map(|ready| ready.last).try_fold(self.first, |latest, last| Some(latest.max(last?)))
    }

    /// The second of the last occurrence that a count leaves: walked once, here.
    fn last_of(&self, rule: &Rule, pattern: &Pattern, count: u32) -> Result<i64, RecurrenceError> {
        let too_much = || RecurrenceError::TooMuch(rule.to_string());
        let mut last = self.first;
        let mut left = count.saturating_sub(1);
        for wall in pattern.walk(self.first + 1, days::number(10_000, 1, 1) * DAY, Self::MOST_STEPS_COUNTING) {
            if left == 0 {
                break;
            }
            last = wall.map_err(|_| too_much())?;
            left -= 1;
        }
        Ok(last)
    }

    /// The last second on the wall clock that an end allows.
    fn end_of(&self, until: Until) -> i64 {
        match until {
            Until::Date(date) => days::seconds(date.to_datetime(jiff::civil::Time::midnight())) + DAY - 1,
            Until::Local(at) => days::seconds(at),
            // A whole day is compared by its date, which is written as if it were in UTC.
            Until::Utc(at) if matches!(self.start, Start::Date(_)) => floor_second(at),
            // Compared as an instant below; the wall clock only bounds the walk, so a clock change around it does no harm.
            Until::Utc(at) => days::seconds(self.zone.wall_clock(at)) + MARGIN,
        }
    }

    /// Every occurrence that has an instant in `window` (or, without a length, starts in it), in order of their start.
    pub fn occurrences(&self, window: TimeRange) -> Result<Vec<Occurrence>, RecurrenceError> {
        let mut clock = WallClock::new(&self.zone, window.start());
        let reach = self.reach();
        let quiet = self.zone.time_zone().following(plus_seconds(window.start(), -reach - MARGIN)).next();
        let quiet = quiet.is_none_or(|change| change.timestamp() > plus_seconds(window.end(), MARGIN));
        let margin = if quiet { 1 } else { MARGIN };
        let from = clock.wall(plus_seconds(window.start(), -reach)) - margin;
        let to = clock.wall(plus_seconds(window.end(), self.shift())) + margin;
        let mut found = self.originals(from, to, &mut clock)?;
        // Of two that start together the longer one stays: time that is taken stays taken.
        found.sort_unstable_by_key(|occurrence| (occurrence.start, std::cmp::Reverse(occurrence.end)));
        found.dedup_by_key(|occurrence| occurrence.start);
        self.remove(&mut found);
        self.change(&mut found, &mut clock);
        let touches = |occurrence: &Occurrence| {
            occurrence.start < window.end() && (occurrence.end > window.start() || occurrence.start >= window.start())
        };
        found.retain(touches);
        found.sort_unstable();
        if found.len() > Self::MOST_OCCURRENCES { Err(RecurrenceError::TooMany(Self::MOST_OCCURRENCES)) } else { Ok(found) }
    }

    /// How far before a window an occurrence may start that reaches into it, in seconds.
    fn reach(&self) -> i64 {
        let length = (self.length.days * DAY).saturating_add(self.length.seconds);
        let later = if self.length.days > 0 { DAY } else { 0 };
        let own = |(of, end): &(Moment, Option<Timestamp>)| match (of, end) {
            (Moment::At(start), Some(end)) => end.as_second() - start.as_second(),
            _ => 0,
        };
        let longest = self.added.iter().map(own).max().unwrap_or(0).max(length + later);
        let moved = self.overrides.iter().filter(|change| change.and_later).map(|change| match change.change {
            Change::Moved(start, end) => end.as_second() - start.as_second() + DAY,
            Change::Cancelled => 0,
        });
        moved.max().unwrap_or(0).max(longest) + self.shift()
    }

    /// How far "this and all later ones" were moved, in seconds, generously.
    fn shift(&self) -> i64 {
        let later = self.overrides.iter().filter(|change| change.and_later);
        let moved = later.map(|change| match change.change {
            Change::Moved(start, _) => (start.as_second() - self.instant_of(change.of)).abs() + 2 * DAY,
            Change::Cancelled => 0,
        });
        moved.max().unwrap_or(0)
    }

    fn instant_of(&self, moment: Moment) -> i64 {
        match moment {
            Moment::At(at) => at.as_second(),
            Moment::On(date) => self.zone.instant(date, crate::TimeOfDay::MIDNIGHT).map_or(0, Timestamp::as_second),
        }
    }

    /// What rules and added dates give between two seconds on the wall clock.
    fn originals(&self, from: i64, to: i64, clock: &mut WallClock<'_>) -> Result<Vec<Occurrence>, RecurrenceError> {
        let mut found = Vec::new();
        if (from..to).contains(&self.first) {
            found.extend(self.occurrence(self.first, clock));
        }
        for ready in &self.rules {
            let end = ready.last.map_or(to, |last| to.min(last.saturating_add(1)));
            for wall in ready.pattern.walk(from.max(self.first + 1), end, Self::MOST_STEPS) {
                let wall = wall.map_err(|_| RecurrenceError::TooMuch(ready.rule.to_string()))?;
                let Some(occurrence) = self.occurrence(wall, clock) else { continue };
                if let (Some(Until::Utc(until)), Start::Local(_)) = (ready.rule.until(), &self.start)
                    && occurrence.start > until
                {
                    continue;
                }
                found.push(occurrence);
                if found.len() > Self::MOST_OCCURRENCES {
                    return Err(RecurrenceError::TooMany(Self::MOST_OCCURRENCES));
                }
            }
        }
        for (of, end) in &self.added {
            let wall = match of {
                Moment::At(at) => clock.wall(*at),
                // A date added to times is that date at the time of the start.
                Moment::On(date) => days::seconds(date.to_datetime(jiff::civil::Time::midnight())) + self.first.rem_euclid(DAY),
            };
            if !(from..to).contains(&wall) {
                continue;
            }
            let Some(mut occurrence) = self.occurrence(wall, clock) else { continue };
            if let Moment::At(at) = of {
                // An instant is that instant, also where its wall-clock time comes twice.
                let length = occurrence.end.duration_since(occurrence.start);
                occurrence.start = *at;
                occurrence.end = end.unwrap_or_else(|| at.checked_add(length).unwrap_or(*at));
                if matches!(self.start, Start::Local(_)) {
                    occurrence.of = *of;
                }
            }
            found.push(occurrence);
        }
        Ok(found)
    }

    /// The occurrence that starts at a second on the wall clock.
    fn occurrence(&self, wall: i64, clock: &mut WallClock<'_>) -> Option<Occurrence> {
        let start = clock.instant(wall)?;
        let of = match self.start {
            Start::Local(_) => Moment::At(start),
            Start::Date(_) => Moment::On(days::date(wall)?),
        };
        Some(Occurrence { start, end: Self::end(wall, start, self.length, clock)?, of })
    }

    fn end(wall: i64, start: Timestamp, length: Length, clock: &mut WallClock<'_>) -> Option<Timestamp> {
        let day = if length.days == 0 { start } else { clock.instant(wall + length.days * DAY)? };
        Some(plus_seconds(day, length.seconds).max(start))
    }

    fn remove(&self, found: &mut Vec<Occurrence>) {
        if self.removed.is_empty() {
            return;
        }
        found.retain(|occurrence| {
            let gone = |moment: Moment| self.removed.binary_search(&moment).is_ok();
            let by_date =
                || matches!(self.removed.last(), Some(Moment::On(_))) && gone(Moment::On(self.zone.date(occurrence.start)));
            !(gone(occurrence.of) || gone(Moment::At(occurrence.start)) || by_date())
        });
    }

    /// Applies the changes: first those to an occurrence and all later ones, then those to one, which win.
    fn change(&self, found: &mut Vec<Occurrence>, clock: &mut WallClock<'_>) {
        if self.overrides.is_empty() {
            return;
        }
        let mut later: Vec<(i64, &Override)> =
            self.overrides.iter().filter(|change| change.and_later).map(|change| (self.instant_of(change.of), change)).collect();
        later.sort_unstable_by_key(|(from, _)| *from);
        let single: BTreeMap<Moment, Change> =
            self.overrides.iter().filter(|change| !change.and_later).map(|change| (change.of, change.change)).collect();
        let changed = found.drain(..).filter(|occurrence| !single.contains_key(&occurrence.of)).filter_map(|occurrence| {
            let at = self.instant_of(occurrence.of);
            let Some((from, rule)) = later.iter().rev().find(|(from, _)| *from <= at) else { return Some(occurrence) };
            match rule.change {
                Change::Cancelled => None,
                Change::Moved(start, end) => {
                    let shift = clock.wall(start) - clock.wall(Timestamp::from_second(*from).ok()?);
                    let start_at = clock.instant(clock.wall(occurrence.start) + shift)?;
                    let end_at = start_at.checked_add(end.duration_since(start)).ok()?;
                    Some(Occurrence { start: start_at, end: end_at.max(start_at), ..occurrence })
                }
            }
        });
        let mut next: Vec<Occurrence> = changed.collect();
        next.extend(single.iter().filter_map(|(of, change)| match change {
            Change::Cancelled => None,
            // One that was moved is there even where the rules no longer have it: time that is taken stays taken.
            Change::Moved(start, end) => Some(Occurrence { start: *start, end: (*end).max(*start), of: *of }),
        }));
        *found = next;
    }
}
