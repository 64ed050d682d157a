//! What can be wrong with rules: each error names the field and what to write instead.

use std::fmt;

use jiff::civil::Date;
use thiserror::Error;

use crate::DaySpan;

/// One thing that is wrong with rules: the field, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleError {
    /// Not a multiple of five minutes.
    #[error("{field}: {minutes} is not a multiple of 5 minutes; use {lower} or {upper}", lower = minutes - minutes % 5, upper = minutes - minutes % 5 + 5)]
    FiveMinutes {
        /// Which field.
        field: &'static str,
        /// Its value.
        minutes: u32,
    },
    /// Too small or too large.
    #[error("{field}: {value} is out of range; use {least} to {most}")]
    OutOfRange {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u32,
        /// The least it may be.
        least: u32,
        /// The most it may be.
        most: u32,
    },
    /// A limit that forbids everything.
    #[error("{field}: a limit of 0 forbids every booking; use 1 or more, or leave it out for no limit")]
    NoBookings {
        /// Which field.
        field: &'static str,
    },
    /// Nothing fits between notice and horizon.
    #[error(
        "minimum_notice_minutes: {minutes} minutes of notice reach beyond the horizon of {horizon_days} days; shorten the notice or raise horizon_days"
    )]
    NoticeBeyondHorizon {
        /// The notice.
        minutes: u32,
        /// The horizon.
        horizon_days: u32,
    },
    /// More entries than are kept.
    #[error("{field}: {count} entries are too many; use at most {most}, and leave out dates that have passed")]
    TooMany {
        /// Which field.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// The most there may be.
        most: usize,
    },
    /// A pattern of weeks starts in the middle of one.
    #[error("pattern.from: {date} is not a Monday; use {monday}, the Monday of that week")]
    NotMonday {
        /// The date given.
        date: Date,
        /// The Monday before it.
        monday: Date,
    },
    /// Hours of which breaks, or empty weeks, leave nothing.
    #[error("{field}: no working time is left in any week; use fewer of them, or give some day longer hours")]
    NoWorkingTime {
        /// Which field.
        field: &'static str,
    },
    /// Two spans of a date overlap.
    #[error("overrides: on {date} the spans {first} and {second} overlap; use one that covers both, or shorten one")]
    Overlap {
        /// The date.
        date: Date,
        /// The earlier span.
        first: DaySpan,
        /// The later span.
        second: DaySpan,
    },
    /// Leave that ends before it begins.
    #[error("leave: {to} is before {from}; use the first day as `from` and the last one as `to`")]
    LeaveBackwards {
        /// The first date given.
        from: Date,
        /// The last date given.
        to: Date,
    },
    /// A text that is empty, too long or not of the form asked for.
    #[error("{field}: `{text}` cannot be taken; use {form}")]
    Text {
        /// Which field.
        field: &'static str,
        /// What was given, at most 40 characters of it.
        text: String,
        /// What can be taken.
        form: &'static str,
    },
    /// Lunch that is longer than the time it may be taken in.
    #[error("lunch: {minutes} minutes do not fit into {span}; use fewer minutes or a longer span")]
    LunchTooLong {
        /// How long.
        minutes: u32,
        /// Within which span.
        span: DaySpan,
    },
}

impl RuleError {
    /// The field that is wrong.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::FiveMinutes { field, .. }
            | Self::OutOfRange { field, .. }
            | Self::NoBookings { field }
            | Self::TooMany { field, .. }
            | Self::NoWorkingTime { field }
            | Self::Text { field, .. } => field,
            Self::NoticeBeyondHorizon { .. } => "minimum_notice_minutes",
            Self::NotMonday { .. } => "pattern.from",
            Self::Overlap { .. } => "overrides",
            Self::LeaveBackwards { .. } => "leave",
            Self::LunchTooLong { .. } => "lunch",
        }
    }
}

/// Everything that is wrong with rules, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError(pub Vec<RuleError>);

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences: Vec<String> = self.0.iter().map(RuleError::to_string).collect();
        f.write_str(&sentences.join(". "))
    }
}

impl std::error::Error for RulesError {}
