//! The text of a recurrence rule (RFC 5545, section 3.3.10), read strictly and written in one form.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Weekday},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::text::{frequency, nth_weekday, numbers, shown, until, weekday, whole};

/// Longest text that is read.
const MOST_TEXT: usize = 4_096;
const MOST_INTERVAL: u32 = 1_000_000;

/// How often a rule comes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Frequency {
    /// Every second.
    Secondly,
    /// Every minute.
    Minutely,
    /// Every hour.
    Hourly,
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
    /// Every year.
    Yearly,
}

/// When a rule ends; the end itself still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Until {
    /// With this date.
    Date(Date),
    /// At this time on the wall clock.
    Local(DateTime),
    /// At this instant.
    Utc(Timestamp),
}

/// A day of the week, perhaps only the nth of its month or year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NthWeekday {
    /// 1 is the first, -1 the last; `None` is every one.
    pub nth: Option<i8>,
    /// Which day, 0 for Monday.
    pub(super) day: i8,
}

/// A checked rule. Written with [`fmt::Display`], read with [`FromStr`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: u32,
    pub(super) count: Option<u32>,
    pub(super) until: Option<Until>,
    /// 0 for Monday.
    pub(super) week_start: i8,
    pub(super) seconds: Vec<i8>,
    pub(super) minutes: Vec<i8>,
    pub(super) hours: Vec<i8>,
    pub(super) days: Vec<NthWeekday>,
    pub(super) month_days: Vec<i8>,
    pub(super) year_days: Vec<i16>,
    pub(super) weeks: Vec<i8>,
    pub(super) months: Vec<i8>,
    pub(super) positions: Vec<i16>,
}

/// Why a text is no rule: what is wrong, and what to write.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleTextError {
    /// Too much text.
    #[error("the rule has {0} characters; at most 4096 are read")]
    TooLong(usize),
    /// A piece without a value.
    #[error("`{0}` is no part of a rule: write NAME=VALUE, with `;` between parts")]
    NoValue(String),
    /// A name that RFC 5545 does not know.
    #[error("`{0}` is not known; a rule has FREQ, INTERVAL, COUNT, UNTIL, WKST and BY… parts")]
    UnknownPart(String),
    /// The same name twice.
    #[error("{0} is there twice; write it once, with commas between its values")]
    Twice(String),
    /// No FREQ.
    #[error("FREQ is missing; write for example FREQ=WEEKLY")]
    NoFrequency,
    /// A value that cannot be.
    #[error("{part}: `{value}` is not possible; use {use_instead}")]
    Value {
        /// Which part.
        part: String,
        /// What was given.
        value: String,
        /// What is possible.
        use_instead: String,
    },
    /// Two ends.
    #[error("COUNT and UNTIL exclude each other; keep one")]
    TwoEnds,
    /// Parts that RFC 5545 forbids together.
    #[error("{part} cannot be used {with}")]
    Forbidden {
        /// Which part.
        part: &'static str,
        /// With what.
        with: &'static str,
    },
}

pub(super) const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
pub(super) const FREQUENCIES: [(&str, Frequency); 7] = [
    ("SECONDLY", Frequency::Secondly),
    ("MINUTELY", Frequency::Minutely),
    ("HOURLY", Frequency::Hourly),
    ("DAILY", Frequency::Daily),
    ("WEEKLY", Frequency::Weekly),
    ("MONTHLY", Frequency::Monthly),
    ("YEARLY", Frequency::Yearly),
];

impl NthWeekday {
    /// A day of the week, perhaps the nth.
    pub fn new(nth: Option<i8>, day: Weekday) -> Self {
        Self { nth, day: day.to_monday_zero_offset() }
    }
}

impl Rule {
    /// Every unit of `frequency`, without an end.
    pub const fn every(frequency: Frequency) -> Self {
        Self {
            frequency,
            interval: 1,
            count: None,
            until: None,
            week_start: 0,
            seconds: Vec::new(),
            minutes: Vec::new(),
            hours: Vec::new(),
            days: Vec::new(),
            month_days: Vec::new(),
            year_days: Vec::new(),
            weeks: Vec::new(),
            months: Vec::new(),
            positions: Vec::new(),
        }
    }

    /// How often it comes round.
    pub const fn frequency(&self) -> Frequency {
        self.frequency
    }

    /// How many occurrences there are at most, if that is how it ends.
    pub const fn count(&self) -> Option<u32> {
        self.count
    }

    /// When it ends, if that is how it ends.
    pub const fn until(&self) -> Option<Until> {
        self.until
    }

    /// The same rule with this end instead of any other.
    #[must_use]
    pub fn ending(mut self, until: Until) -> Self {
        self.count = None;
        self.until = Some(until);
        self
    }

    /// The same rule with at most this many occurrences, instead of any other end.
    #[must_use]
    pub const fn counted(mut self, count: u32) -> Self {
        self.until = None;
        self.count = Some(count);
        self
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), RuleTextError> {
        match name {
            "FREQ" => self.frequency = frequency(value)?,
            "INTERVAL" => self.interval = whole(name, value, MOST_INTERVAL)?,
            "COUNT" => self.count = Some(whole(name, value, u32::MAX)?),
            "UNTIL" => self.until = Some(until(value)?),
            "WKST" => self.week_start = weekday(name, value)?,
            "BYSECOND" => {
                // A leap second is the second before it to whoever does not count them (section 3.3.12).
                self.seconds = numbers(name, value, 0, 60)?.into_iter().map(|second: i8| second.min(59)).collect();
            }
            "BYMINUTE" => self.minutes = numbers(name, value, 0, 59)?,
            "BYHOUR" => self.hours = numbers(name, value, 0, 23)?,
            "BYDAY" => self.days = value.split(',').map(nth_weekday).collect::<Result<_, _>>()?,
            "BYMONTHDAY" => self.month_days = numbers(name, value, -31, 31)?,
            "BYYEARDAY" => self.year_days = numbers(name, value, -366, 366)?,
            "BYWEEKNO" => self.weeks = numbers(name, value, -53, 53)?,
            "BYMONTH" => self.months = numbers(name, value, 1, 12)?,
            "BYSETPOS" => self.positions = numbers(name, value, -366, 366)?,
            other => return Err(RuleTextError::UnknownPart(shown(other))),
        }
        Ok(())
    }

    /// What section 3.3.10 forbids.
    fn checked(mut self) -> Result<Self, RuleTextError> {
        use Frequency::{Daily, Monthly, Weekly, Yearly};
        let forbidden = |part, with| Err(RuleTextError::Forbidden { part, with });
        if self.count.is_some() && self.until.is_some() {
            return Err(RuleTextError::TwoEnds);
        }
        if self.days.iter().any(|day| day.nth.is_some()) {
            if !matches!(self.frequency, Monthly | Yearly) {
                return forbidden("BYDAY with numbers", "unless FREQ is MONTHLY or YEARLY");
            }
            if self.frequency == Yearly && !self.weeks.is_empty() {
                return forbidden("BYDAY with numbers", "together with BYWEEKNO");
            }
        }
        if !self.month_days.is_empty() && self.frequency == Weekly {
            return forbidden("BYMONTHDAY", "with FREQ=WEEKLY");
        }
        if !self.year_days.is_empty() && matches!(self.frequency, Daily | Weekly | Monthly) {
            return forbidden("BYYEARDAY", "with FREQ=DAILY, WEEKLY or MONTHLY");
        }
        if !self.weeks.is_empty() && self.frequency != Yearly {
            return forbidden("BYWEEKNO", "unless FREQ is YEARLY");
        }
        let by = [self.seconds.len(), self.minutes.len(), self.hours.len(), self.days.len(), self.month_days.len()];
        let any = by.iter().sum::<usize>() + self.year_days.len() + self.weeks.len() + self.months.len();
        if !self.positions.is_empty() && any == 0 {
            return forbidden("BYSETPOS", "without another BY… part to choose from");
        }
        // Kept in order and once, so that equal rules are equal.
        tidy(&mut self.seconds);
        tidy(&mut self.minutes);
        tidy(&mut self.hours);
        tidy(&mut self.days);
        tidy(&mut self.month_days);
        tidy(&mut self.year_days);
        tidy(&mut self.weeks);
        tidy(&mut self.months);
        tidy(&mut self.positions);
        Ok(self)
    }
}

fn tidy<T: Ord>(values: &mut Vec<T>) {
    values.sort_unstable();
    values.dedup();
}

impl FromStr for Rule {
    type Err = RuleTextError;

    fn from_str(text: &str) -> Result<Self, RuleTextError> {
        if text.len() > MOST_TEXT {
            return Err(RuleTextError::TooLong(text.len()));
        }
        let text = text.trim().to_ascii_uppercase();
        let text = text.strip_prefix("RRULE:").unwrap_or(&text);
        let mut rule = Self::every(Frequency::Daily);
        let mut seen: Vec<&str> = Vec::new();
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or_else(|| RuleTextError::NoValue(shown(part)))?;
            if seen.contains(&name) {
                return Err(RuleTextError::Twice(shown(name)));
            }
            seen.push(name);
            rule.take(name, value)?;
        }
        if !seen.contains(&"FREQ") {
            return Err(RuleTextError::NoFrequency);
        }
        rule.checked()
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => write!(f, "{}", date.strftime("%Y%m%d")),
            Self::Local(at) => write!(f, "{}", at.strftime("%Y%m%dT%H%M%S")),
            Self::Utc(at) => write!(f, "{}", at.strftime("%Y%m%dT%H%M%SZ")),
        }
    }
}

impl fmt::Display for NthWeekday {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nth) = self.nth {
            write!(f, "{nth}")?;
        }
        f.write_str(usize::try_from(self.day).ok().and_then(|day| WEEKDAYS.get(day)).copied().unwrap_or_default())
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, name: &str, values: &[T]) -> fmt::Result {
            for (index, value) in values.iter().enumerate() {
                if index == 0 { write!(f, ";{name}={value}")? } else { write!(f, ",{value}")? }
            }
            Ok(())
        }
        let name = FREQUENCIES.iter().find(|(_, frequency)| *frequency == self.frequency).map_or("", |(name, _)| name);
        write!(f, "FREQ={name}")?;
        if self.interval != 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        if let Some(count) = self.count {
            write!(f, ";COUNT={count}")?;
        }
        if let Some(until) = self.until {
            write!(f, ";UNTIL={until}")?;
        }
        list(f, "BYMONTH", &self.months)?;
        list(f, "BYWEEKNO", &self.weeks)?;
        list(f, "BYYEARDAY", &self.year_days)?;
        list(f, "BYMONTHDAY", &self.month_days)?;
        list(f, "BYDAY", &self.days)?;
        list(f, "BYHOUR", &self.hours)?;
        list(f, "BYMINUTE", &self.minutes)?;
        list(f, "BYSECOND", &self.seconds)?;
        list(f, "BYSETPOS", &self.positions)?;
        if self.week_start != 0 {
            write!(f, ";WKST={}", NthWeekday { nth: None, day: self.week_start })?;
        }
        Ok(())
    }
}

impl TryFrom<String> for Rule {
    type Error = RuleTextError;

    fn try_from(text: String) -> Result<Self, RuleTextError> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> Self {
        rule.to_string()
    }
}
