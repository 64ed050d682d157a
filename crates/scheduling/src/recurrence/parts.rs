//! What a recurring time is made of, and what comes of it.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
};
use thiserror::Error;

use crate::TimeRange;

/// The first occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A time on the wall clock of a zone.
    Local(DateTime),
    /// A whole day.
    Date(Date),
}

/// How long each occurrence lasts: days on the calendar first, then seconds that pass. A `DTEND` gives seconds only (dates: days only).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Length {
    /// Days on the calendar, of 23 to 25 hours.
    pub days: i64,
    /// Seconds on top.
    pub seconds: i64,
}

/// Which occurrence: where the rules put it, before any change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// By its instant.
    At(Timestamp),
    /// By its date: of a whole day, or of any time on that date.
    On(Date),
}

/// What became of an occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is off.
    Cancelled,
    /// It starts and ends then.
    Moved(Timestamp, Timestamp),
}

/// An occurrence that was changed (`RECURRENCE-ID`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Which one.
    pub of: Moment,
    /// What became of it.
    pub change: Change,
    /// Whether all later ones move by the same time on the wall clock and last as long (`RANGE=THISANDFUTURE`), or are all off.
    pub and_later: bool,
}

/// One occurrence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// When it starts.
    pub start: Timestamp,
    /// When it ends; the start itself for an event without a length.
    pub end: Timestamp,
    /// Where the rules put it.
    pub of: Moment,
}

impl Occurrence {
    /// From start to end; `None` for one without a length.
    pub fn range(&self) -> Option<TimeRange> {
        TimeRange::new(self.start, self.end).ok()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RecurrenceError {
    /// The rule, or the window, asks for more than is worked out at once.
    #[error("the recurrence rule `{0}` asks for too much: it comes round too often, or almost never")]
    TooMuch(String),
    /// More occurrences than are given at once.
    #[error("the window has more than {0} occurrences; ask for a shorter one")]
    TooMany(usize),
    /// A start without a second that exists.
    #[error("the start `{0}` lies outside of the years 1 to 9999")]
    Start(String),
    /// An end before the start, or centuries later.
    #[error("an occurrence lasts 0 seconds to 10 years, but {days} days and {seconds} seconds were given")]
    Length {
        /// Days that were given.
        days: i64,
        /// Seconds that were given.
        seconds: i64,
    },
    /// More parts than are read.
    #[error("a recurring event has at most {most} {what}")]
    Parts {
        /// Which.
        what: &'static str,
        /// How many there may be.
        most: usize,
    },
}

impl Start {
    /// Whether it is a whole day.
    pub const fn is_date(&self) -> bool {
        matches!(self, Self::Date(_))
    }
}
