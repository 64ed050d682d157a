//! Working a rule out on the wall clock: from any second on, the seconds at which it occurs, in order.
//!
//! Time is cut into periods of the rule's frequency, numbered without gaps, so that the first period of a window is found by a division.
//! Each period is filled at once: the table of section 3.3.10 says which BY… parts add to a period and which take away from it.

use super::{
    days::{self, DAY, Day},
    rule::{Frequency, Rule},
};

/// A rule made ready for one start.
#[derive(Debug, Clone)]
pub struct Pattern {
    frequency: Frequency,
    interval: i64,
    /// 0 is Monday.
    week_start: i64,
    /// Bit `n` for month `n`; 0 for any.
    months: u32,
    month_days: Vec<i64>,
    year_days: Vec<i64>,
    weeks: Vec<i64>,
    /// Bit `n` for weekday `n`.
    weekdays: u32,
    /// Number and weekday.
    nth_weekdays: Vec<(i64, i64)>,
    hours: u32,
    minutes: u64,
    seconds: u64,
    /// Seconds of the period at which it occurs: of a day from DAILY on, of the hour or minute below.
    times: Vec<i64>,
    positions: Vec<i64>,
    start: i64,
}

/// More periods were looked at than may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySteps;

fn longs<T: Copy + Into<i64>>(values: &[T]) -> Vec<i64> {
    values.iter().copied().map(Into::into).collect()
}

fn bits<T: Copy + Into<i64>>(values: &[T]) -> u64 {
    values.iter().fold(0, |bits, value| bits | 1 << (*value).into())
}

/// What a rule leaves open is as the start has it.
fn or_start(values: &[i8], start: i64) -> Vec<i64> {
    if values.is_empty() { vec![start] } else { longs(values) }
}

impl Pattern {
    /// `start` in seconds on the wall clock.
    pub fn new(rule: &Rule, start: i64) -> Self {
        use Frequency::{Hourly, Minutely, Monthly, Secondly, Weekly, Yearly};
        let day = Day::of(start.div_euclid(DAY));
        let second = start.rem_euclid(DAY);
        let (mut months, mut month_days) = (rule.months.clone(), longs(&rule.month_days));
        let mut weekdays = rule.days.iter().filter(|day| day.nth.is_none()).fold(0, |bits, day| bits | 1 << day.day);
        let no_day = rule.days.is_empty() && rule.month_days.is_empty() && rule.year_days.is_empty();
        match rule.frequency {
            Yearly if no_day && !rule.weeks.is_empty() => weekdays = 1 << day.weekday(),
            Yearly if no_day => {
                if months.is_empty() {
                    months.push(i8::try_from(day.month).unwrap_or(1));
                }
                month_days.push(day.of_month);
            }
            Monthly if no_day => month_days.push(day.of_month),
            Weekly if no_day => weekdays = 1 << day.weekday(),
            _ => {}
        }
        let hours = or_start(&rule.hours, second / 3_600);
        let minutes = or_start(&rule.minutes, second / 60 % 60);
        let seconds = or_start(&rule.seconds, second % 60);
        let (of_hours, of_minutes, of_seconds) = match rule.frequency {
            Secondly => (&[0][..], &[0][..], &[0][..]),
            Minutely => (&[0][..], &[0][..], &seconds[..]),
            Hourly => (&[0][..], &minutes[..], &seconds[..]),
            _ => (&hours[..], &minutes[..], &seconds[..]),
        };
        let within_hour = |hour: i64| {
            of_minutes.iter().flat_map(move |minute| of_seconds.iter().map(move |second| hour * 3_600 + minute * 60 + second))
        };
        let times = of_hours.iter().flat_map(|hour| within_hour(*hour)).collect();
        Self {
            frequency: rule.frequency,
            interval: rule.interval.into(),
            week_start: rule.week_start.into(),
            months: months.iter().fold(0, |bits, month| bits | 1 << month),
            month_days,
            year_days: longs(&rule.year_days),
            weeks: longs(&rule.weeks),
            weekdays,
            nth_weekdays: rule.days.iter().filter_map(|day| Some((day.nth?.into(), day.day.into()))).collect(),
            hours: u32::try_from(bits(&rule.hours)).unwrap_or(0),
            minutes: bits(&rule.minutes),
            seconds: bits(&rule.seconds),
            times,
            positions: longs(&rule.positions),
            start,
        }
    }

    /// Occurrences from the second `from` on and before `to`, in order, none before the start.
    pub fn walk(&self, from: i64, to: i64, most_steps: usize) -> Walk<'_> {
        let from = from.max(self.start);
        let base = self.period(self.start);
        let next = self.aligned(self.period(from), base);
        Walk {
            pattern: self,
            base,
            next,
            from,
            to,
            found: Vec::new(),
            at: 0,
            days: Vec::new(),
            steps_left: most_steps,
            failed: false,
        }
    }

    /// The number of the period in which a second lies.
    const fn period(&self, wall: i64) -> i64 {
        let day = wall.div_euclid(DAY);
        match self.frequency {
            Frequency::Secondly => wall,
            Frequency::Minutely => wall.div_euclid(60),
            Frequency::Hourly => wall.div_euclid(3_600),
            Frequency::Daily => day,
            // Day 0 is a Thursday: day `week_start - 3` begins a week.
            Frequency::Weekly => (day + 3 - self.week_start).div_euclid(7),
            Frequency::Monthly => {
                let day = Day::of(day);
                day.year * 12 + day.month - 1
            }
            Frequency::Yearly => Day::of(day).year,
        }
    }

    /// The first second of a period.
    const fn begins(&self, period: i64) -> i64 {
        match self.frequency {
            Frequency::Secondly => period,
            Frequency::Minutely => period * 60,
            Frequency::Hourly => period * 3_600,
            Frequency::Daily => period * DAY,
            Frequency::Weekly => (period * 7 - 3 + self.week_start) * DAY,
            Frequency::Monthly => days::number(period.div_euclid(12), period.rem_euclid(12) + 1, 1) * DAY,
            Frequency::Yearly => days::number(period, 1, 1) * DAY,
        }
    }

    /// The first period at or after `period` that is a whole number of intervals from `base`.
    const fn aligned(&self, period: i64, base: i64) -> i64 {
        let behind = period - base;
        let intervals = behind.div_euclid(self.interval) + (behind.rem_euclid(self.interval) != 0) as i64;
        base + intervals * self.interval
    }

    /// Whether a day passes every part that speaks of days.
    fn takes(&self, day: Day) -> bool {
        if self.months != 0 && self.months >> day.month & 1 == 0 {
            return false;
        }
        if !self.month_days.is_empty() {
            let behind = day.of_month - 1 - days::month_length(day.year, day.month);
            if !self.month_days.iter().any(|number| *number == day.of_month || *number == behind) {
                return false;
            }
        }
        if !self.year_days.is_empty() {
            let of_year = day.of_year();
            let behind = of_year - 1 - days::year_length(day.year);
            if !self.year_days.iter().any(|number| *number == of_year || *number == behind) {
                return false;
            }
        }
        (self.weeks.is_empty() || self.takes_week(day)) && self.takes_weekday(day)
    }

    fn takes_weekday(&self, day: Day) -> bool {
        if self.weekdays == 0 && self.nth_weekdays.is_empty() {
            return true;
        }
        let weekday = day.weekday();
        if self.weekdays >> weekday & 1 == 1 {
            return true;
        }
        // Counted within the month, but within the year where a yearly rule names no month.
        let by_year = self.frequency == Frequency::Yearly && self.months == 0;
        let (of, length) = if by_year {
            (day.of_year(), days::year_length(day.year))
        } else {
            (day.of_month, days::month_length(day.year, day.month))
        };
        let (nth, nth_last) = ((of - 1) / 7 + 1, (of - length) / 7 - 1);
        self.nth_weekdays.iter().any(|(number, named)| *named == weekday && (*number == nth || *number == nth_last))
    }

    /// Week 1 is the first with four days or more in the year.
    fn takes_week(&self, day: Day) -> bool {
        let first = |year: i64| {
            let january = days::number(year, 1, 1);
            let into = (days::weekday(january) - self.week_start).rem_euclid(7);
            if into <= 3 { january - into } else { january + 7 - into }
        };
        let year = if day.number < first(day.year) {
            day.year - 1
        } else if day.number >= first(day.year + 1) {
            day.year + 1
        } else {
            day.year
        };
        let (week, weeks) = ((day.number - first(year)) / 7 + 1, (first(year + 1) - first(year)) / 7);
        self.weeks.iter().any(|number| *number == week || *number == week - 1 - weeks)
    }

    /// The days of a period that the rule takes, from DAILY on.
    fn fill_days(&self, period: i64, into: &mut Vec<i64>) {
        into.clear();
        let mut span = |first: i64, length: i64| {
            into.extend((first..first + length).filter(|number| self.takes(Day::of(*number))));
        };
        match self.frequency {
            Frequency::Weekly => span(self.begins(period) / DAY, 7),
            Frequency::Monthly => {
                let (year, month) = (period.div_euclid(12), period.rem_euclid(12) + 1);
                if self.months == 0 || self.months >> month & 1 == 1 {
                    self.fill_month(year, month, into);
                }
            }
            Frequency::Yearly => {
                for month in (1..=12).filter(|month| self.months == 0 || self.months >> month & 1 == 1) {
                    self.fill_month(period, month, into);
                }
            }
            _ => span(period, 1),
        }
    }

    fn fill_month(&self, year: i64, month: i64, into: &mut Vec<i64>) {
        let (first, length) = (days::number(year, month, 1), days::month_length(year, month));
        let day = |day: i64| Day { number: first + day - 1, year, month, of_month: day };
        if let ([only], true) = (&self.month_days[..], self.weekdays == 0 && self.nth_weekdays.is_empty()) {
            // The usual case, without a look at every day.
            let number = if *only < 0 { length + 1 + only } else { *only };
            if (1..=length).contains(&number) && self.takes(day(number)) {
                into.push(first + number - 1);
            }
            return;
        }
        into.extend((1..=length).map(day).filter(|day| self.takes(*day)).map(|day| day.number));
    }

    /// Below DAILY: the second from which a period that passes could begin, if this one does not.
    fn skip(&self, wall: i64) -> Option<i64> {
        let day = wall.div_euclid(DAY);
        if !self.takes(Day::of(day)) {
            return Some((day + 1) * DAY);
        }
        let hour = wall.div_euclid(3_600);
        if self.hours != 0 && self.hours >> hour.rem_euclid(24) & 1 == 0 {
            return Some((hour + 1) * 3_600);
        }
        let minute = wall.div_euclid(60);
        if self.frequency != Frequency::Hourly && self.minutes != 0 && self.minutes >> minute.rem_euclid(60) & 1 == 0 {
            return Some((minute + 1) * 60);
        }
        let second = self.frequency == Frequency::Secondly && self.seconds != 0 && self.seconds >> wall.rem_euclid(60) & 1 == 0;
        second.then_some(wall + 1)
    }
}

/// See [`Pattern::walk`].
#[derive(Debug)]
pub struct Walk<'a> {
    pattern: &'a Pattern,
    base: i64,
    next: i64,
    from: i64,
    to: i64,
    /// Seconds of the period that was filled last, and how many of them were given.
    found: Vec<i64>,
    at: usize,
    days: Vec<i64>,
    steps_left: usize,
    failed: bool,
}

impl Walk<'_> {
    /// Fills the next period that has anything in it; `false` behind the end.
    fn fill(&mut self) -> Result<bool, TooManySteps> {
        let pattern = self.pattern;
        self.found.clear();
        self.at = 0;
        while self.found.is_empty() {
            let (period, begins) = (self.next, pattern.begins(self.next));
            if begins >= self.to {
                return Ok(false);
            }
            self.steps_left = self.steps_left.checked_sub(1).ok_or(TooManySteps)?;
            if pattern.frequency < Frequency::Daily {
                if let Some(later) = pattern.skip(begins) {
                    self.next = pattern.aligned(pattern.period(later), self.base).max(period + pattern.interval);
                    continue;
                }
                self.charge(pattern.times.len())?;
                self.found.extend(pattern.times.iter().map(|time| begins + time));
            } else {
                pattern.fill_days(period, &mut self.days);
                self.charge(pattern.times.len().saturating_mul(self.days.len()))?;
                for day in &self.days {
                    self.found.extend(pattern.times.iter().map(|time| day * DAY + time));
                }
            }
            if !pattern.positions.is_empty() {
                self.choose();
            }
            self.next = period + pattern.interval;
        }
        Ok(true)
    }

    /// A period costs as much as it has in it, before it is filled.
    fn charge(&mut self, entries: usize) -> Result<(), TooManySteps> {
        self.steps_left = self.steps_left.checked_sub(entries).ok_or(TooManySteps)?;
        Ok(())
    }

    /// BYSETPOS: those of the period that are named by their place.
    fn choose(&mut self) {
        let length = i64::try_from(self.found.len()).unwrap_or(i64::MAX);
        let place = |position: &i64| if *position < 0 { length + position } else { position - 1 };
        let mut places: Vec<i64> = self.pattern.positions.iter().map(place).filter(|place| (0..length).contains(place)).collect();
        places.sort_unstable();
        places.dedup();
        self.found = places.iter().filter_map(|place| self.found.get(usize::try_from(*place).ok()?)).copied().collect();
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<i64, TooManySteps>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            while let Some(wall) = self.found.get(self.at).copied() {
                self.at += 1;
                if wall >= self.to {
                    self.failed = true;
                    return None;
                }
                if wall >= self.from {
                    return Some(Ok(wall));
                }
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.failed = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
