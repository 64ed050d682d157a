//! Times of a candidate's own, as they typed them: read strictly, in their own zone.

use jiff::{civil::DateTime, tz::AmbiguousOffset};
use scheduling::{SlotLength, TimeRange, Zone};
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The most times a candidate may give at once.
pub const MOST_WISHES: usize = 10;

/// One time in which the candidate could come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// From when to when.
    pub range: TimeRange,
    /// Why no interview fits into it, as codes, most frequent first.
    pub reasons: Vec<String>,
}

/// Everything a candidate gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wishes {
    /// The zone they meant.
    pub zone: Zone,
    /// In the order of time.
    pub times: Vec<Wish>,
    /// When they gave them.
    pub at: Timestamp,
}

/// What is wrong with what was typed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("time {line}: {problem}")]
pub struct WishError {
    /// Which, from 1; 0 where it is about all of them.
    pub line: usize,
    /// What is wrong with it.
    pub problem: WishProblem,
}

/// See [`WishError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WishProblem {
    /// There is nothing.
    #[error("give at least one time")]
    Nothing,
    /// There are too many.
    #[error("give at most {MOST_WISHES} times")]
    TooMany,
    /// A part is missing or is no date or time.
    #[error("give a date (2026-11-26), a start and an end (14:30)")]
    Unreadable,
    /// The clocks skip it.
    #[error("the clocks go forward that day and skip this time; choose another")]
    Skipped,
    /// It ends before it starts.
    #[error("the end must come after the start")]
    Backwards,
    /// The interview does not fit.
    #[error("it is shorter than the interview")]
    TooShort,
    /// It lies in the past.
    #[error("it is over already")]
    Past,
}

impl WishProblem {
    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::TooMany => "too_many",
            Self::Unreadable => "unreadable",
            Self::Skipped => "skipped",
            Self::Backwards => "backwards",
            Self::TooShort => "too_short",
            Self::Past => "past",
        }
    }
}

/// Reads times that were typed as (date, start, end) in `zone`; lines that are wholly empty are left out. A time that comes twice is
/// the first (RFC 5545, section 3.3.5); one that the clocks skip is refused, since nobody can come then.
///
/// # Errors
/// The first line that cannot be meant, with why.
pub fn read_wishes(
    typed: &[(String, String, String)],
    zone: &Zone,
    length: SlotLength,
    now: Timestamp,
) -> Result<Vec<TimeRange>, WishError> {
    let mut ranges = Vec::new();
    for (line, (date, start, end)) in (1..).zip(typed) {
        if [date, start, end].iter().all(|text| text.trim().is_empty()) {
            continue;
        }
        let range = read(date, start, end, zone).and_then(|range| fits(range, length, now));
        ranges.push(range.map_err(|problem| WishError { line, problem })?);
    }
    let all = |problem| WishError { line: 0, problem };
    if ranges.is_empty() {
        return Err(all(WishProblem::Nothing));
    }
    if ranges.len() > MOST_WISHES {
        return Err(all(WishProblem::TooMany));
    }
    ranges.sort_unstable();
    ranges.dedup();
    Ok(ranges)
}

fn read(date: &str, start: &str, end: &str, zone: &Zone) -> Result<TimeRange, WishProblem> {
    let (start, end) = (instant(date, start, zone)?, instant(date, end, zone)?);
    TimeRange::new(start, end).map_err(|_| WishProblem::Backwards)
}

fn instant(date: &str, time: &str, zone: &Zone) -> Result<Timestamp, WishProblem> {
    let (date, time) = (date.trim(), time.trim());
    let plain = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text
                .bytes()
                .zip(pattern.bytes())
                .all(|(byte, wanted)| if wanted == b'0' { byte.is_ascii_digit() } else { byte == wanted })
    };
    if !plain(date, "0000-00-00") || !plain(time, "00:00") {
        return Err(WishProblem::Unreadable);
    }
    let wall: DateTime = format!("{date}T{time}:00").parse().map_err(|_| WishProblem::Unreadable)?;
    let readings = zone.time_zone().to_ambiguous_timestamp(wall);
    if matches!(readings.offset(), AmbiguousOffset::Gap { .. }) {
        return Err(WishProblem::Skipped);
    }
    readings.compatible().map_err(|_| WishProblem::Unreadable)
}

fn fits(range: TimeRange, length: SlotLength, now: Timestamp) -> Result<TimeRange, WishProblem> {
    if range.end() <= now {
        Err(WishProblem::Past)
    } else if range.minutes() < i64::from(length.minutes()) {
        Err(WishProblem::TooShort)
    } else {
        Ok(range)
    }
}
