//! Wall-clock times and spans within a day, before any zone is applied.

use std::{fmt, str::FromStr};

use jiff::civil::{Date, DateTime, Time};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A wall-clock time from 00:00 to 24:00, to the minute. 24:00 is the end of a day, never its start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    minute_of_day: i16,
}

/// From one wall-clock time to a later one of the same day, written `09:00-12:30`. Both are multiples of five minutes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DaySpan {
    start: TimeOfDay,
    end: TimeOfDay,
}

/// Why a text is no time or span.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpanError {
    /// Not `HH:MM`.
    #[error("`{text}` is not a time: write it as HH:MM from 00:00 to 24:00, such as 09:30")]
    Time {
        /// What was given.
        text: String,
    },
    /// Not two times.
    #[error("`{text}` is not a span: write it as HH:MM-HH:MM, such as 09:00-12:30")]
    Span {
        /// What was given.
        text: String,
    },
    /// Empty or backwards.
    #[error("`{start}-{end}` does not end after it starts: a span over midnight is written as two, up to 24:00 and from 00:00")]
    Backwards {
        /// Its start.
        start: TimeOfDay,
        /// Its end.
        end: TimeOfDay,
    },
    /// Interviews start on five minutes, so hours must too.
    #[error("`{time}` is not a multiple of five minutes: use :00, :05, :10 and so on")]
    FiveMinutes {
        /// The time in question.
        time: TimeOfDay,
    },
}

impl TimeOfDay {
    /// 00:00.
    pub const MIDNIGHT: Self = Self { minute_of_day: 0 };
    /// 24:00.
    pub const END_OF_DAY: Self = Self { minute_of_day: 24 * 60 };

    /// `hour`:`minute`, if there is such a time.
    pub fn new(hour: i8, minute: i8) -> Option<Self> {
        let fits = matches!((hour, minute), (0..=23, 0..=59) | (24, 0));
        fits.then(|| Self { minute_of_day: i16::from(hour) * 60 + i16::from(minute) })
    }

    /// 0 to 24.
    pub const fn hour(self) -> i16 {
        self.minute_of_day / 60
    }

    /// 0 to 59.
    pub const fn minute(self) -> i16 {
        self.minute_of_day % 60
    }

    /// This time on that date; 24:00 is midnight of the next. `None` after the last date there is.
    pub(crate) fn on(self, date: Date) -> Option<DateTime> {
        if self == Self::END_OF_DAY {
            return Some(date.tomorrow().ok()?.to_datetime(Time::midnight()));
        }
        let (hour, minute) = (i8::try_from(self.hour()).ok()?, i8::try_from(self.minute()).ok()?);
        Some(date.to_datetime(Time::new(hour, minute, 0, 0).ok()?))
    }
}

impl DaySpan {
    /// 09:00 to 17:00.
    pub const OFFICE: Self = Self { start: TimeOfDay { minute_of_day: 9 * 60 }, end: TimeOfDay { minute_of_day: 17 * 60 } };

    /// 07:00 to 22:00: when somebody can be asked to come whose working hours are not known.
    pub const CIVIL: Self = Self { start: TimeOfDay { minute_of_day: 7 * 60 }, end: TimeOfDay { minute_of_day: 22 * 60 } };

    /// A span, if it is not empty and lies on five minutes.
    pub fn new(start: TimeOfDay, end: TimeOfDay) -> Result<Self, SpanError> {
        for time in [start, end] {
            if time.minute_of_day % 5 != 0 {
                return Err(SpanError::FiveMinutes { time });
            }
        }
        if start < end { Ok(Self { start, end }) } else { Err(SpanError::Backwards { start, end }) }
    }

    /// Its start.
    pub const fn start(self) -> TimeOfDay {
        self.start
    }

    /// Its end, up to 24:00.
    pub const fn end(self) -> TimeOfDay {
        self.end
    }

    /// Wall-clock minutes from start to end.
    pub fn minutes(self) -> i64 {
        i64::from(self.end.minute_of_day - self.start.minute_of_day)
    }

    /// Whether the two share a minute.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

impl FromStr for TimeOfDay {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let wrong = || SpanError::Time { text: text.to_owned() };
        let (hour, minute) = text.trim().split_once(':').ok_or_else(wrong)?;
        let digits = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
            (lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| part.parse::<i8>().ok())
                .flatten()
        };
        let hour = digits(hour, 1..=2).ok_or_else(wrong)?;
        let minute = digits(minute, 2..=2).ok_or_else(wrong)?;
        Self::new(hour, minute).ok_or_else(wrong)
    }
}

impl FromStr for DaySpan {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let (start, end) = text.split_once('-').ok_or_else(|| SpanError::Span { text: text.trim().to_owned() })?;
        Self::new(start.parse()?, end.parse()?)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

impl fmt::Display for DaySpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for DaySpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl TryFrom<String> for DaySpan {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl From<DaySpan> for String {
    fn from(span: DaySpan) -> Self {
        span.to_string()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn times_run_from_midnight_to_midnight() {
        for (text, shown) in [("00:00", "00:00"), ("9:05", "09:05"), ("23:59", "23:59"), ("24:00", "24:00"), (" 09:30 ", "09:30")] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), shown);
        }
        for wrong in ["", "9", "24:01", "25:00", "12:60", "12:5", "+1:00", "-1:00", "12:00:00", "noon", "1２:00", "128:00"] {
            assert_eq!(wrong.parse::<TimeOfDay>(), Err(SpanError::Time { text: wrong.to_owned() }));
        }
        assert_eq!(TimeOfDay::END_OF_DAY.on(date(2026, 12, 31)).unwrap(), date(2027, 1, 1).at(0, 0, 0, 0));
        assert_eq!(TimeOfDay::END_OF_DAY.on(Date::MAX), None);
    }

    #[test]
    fn spans_say_what_is_wrong() {
        let span = |text: &str| text.parse::<DaySpan>();
        assert_eq!(span("09:00-12:30").unwrap().to_string(), "09:00-12:30");
        assert_eq!(span("09:00 - 24:00").unwrap().minutes(), 15 * 60);
        assert!(span("09:00").unwrap_err().to_string().contains("HH:MM-HH:MM"));
        assert!(span("22:00-02:00").unwrap_err().to_string().contains("written as two"));
        assert!(span("09:00-09:00").is_err());
        assert!(span("09:03-10:00").unwrap_err().to_string().contains("`09:03` is not a multiple of five minutes"));
        assert_eq!(serde_json::to_string(&span("9:00-10:00").unwrap()).unwrap(), "\"09:00-10:00\"");
        assert!(serde_json::from_str::<DaySpan>("\"x\"").is_err());
    }
}
