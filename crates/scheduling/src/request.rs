//! What is asked for: how long, and what the guest's own time allows.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{BusySet, DaySpan, TimeRange, WeeklyHours, Zone};

/// How long a slot is: 5 minutes to 24 hours, in multiples of five minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SlotLength(u32);

/// Why a number of minutes is no length.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{minutes} minutes is not a length: use a multiple of 5 from 5 to 1440")]
pub struct LengthError {
    /// What was given.
    pub minutes: u32,
}

impl SlotLength {
    /// The longest there is.
    pub const MOST_MINUTES: u32 = 24 * 60;

    /// A length in minutes.
    pub const fn from_minutes(minutes: u32) -> Result<Self, LengthError> {
        if minutes >= 5 && minutes <= Self::MOST_MINUTES && minutes.is_multiple_of(5) {
            Ok(Self(minutes))
        } else {
            Err(LengthError { minutes })
        }
    }

    /// In minutes.
    pub const fn minutes(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for SlotLength {
    type Error = LengthError;

    fn try_from(minutes: u32) -> Result<Self, LengthError> {
        Self::from_minutes(minutes)
    }
}

impl From<SlotLength> for u32 {
    fn from(length: SlotLength) -> Self {
        length.0
    }
}

impl fmt::Display for SlotLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} min", self.0)
    }
}

/// The hours at which a guest can be asked to be awake and at leisure, where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CivilHours {
    /// Where the guest is.
    pub zone: Zone,
    /// Which hours on which weekdays.
    pub week: WeeklyHours,
}

impl CivilHours {
    /// The same hours on every day, or from Monday to Friday only.
    pub fn daily(zone: Zone, span: DaySpan, weekends: bool) -> Self {
        Self { zone, week: WeeklyHours::daily(span, if weekends { 7 } else { 5 }) }
    }

    /// These hours of one date there: in order, without overlap, within the day.
    pub fn on(&self, date: Date) -> Vec<TimeRange> {
        self.week.on(date, &self.zone)
    }
}

/// The other side of a slot: it has no rules of its own, only time that is taken and time that suits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guest {
    /// What the guest is known to be busy with.
    pub busy: BusySet,
    /// When the guest can be asked to come; `None` is any hour.
    pub civil_hours: Option<CivilHours>,
    /// When the guest says they can come, in any order: a slot must lie wholly within these, where ranges that touch count as one.
    /// `None` is any time, an empty list none.
    pub available: Option<Vec<TimeRange>>,
}

/// One slot that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// How long.
    pub length: SlotLength,
    /// With whom.
    pub guest: Guest,
}

impl Request {
    /// A slot of that length with a guest of whom nothing is known.
    pub fn of(length: SlotLength) -> Self {
        Self { length, guest: Guest::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_hours_may_leave_weekends_out() {
        let hours =
            |weekends, day| CivilHours::daily(Zone::utc(), DaySpan::OFFICE, weekends).on(Date::constant(2026, 11, day)).len();
        assert_eq!((hours(false, 27), hours(false, 28), hours(false, 29)), (1, 0, 0)); // Friday to Sunday
        assert_eq!((hours(true, 27), hours(true, 28), hours(true, 29)), (1, 1, 1));
    }

    #[test]
    fn lengths_are_multiples_of_five_minutes_within_a_day() {
        for minutes in [5, 45, 60, 1440] {
            assert_eq!(SlotLength::from_minutes(minutes).unwrap().minutes(), minutes);
        }
        for minutes in [0, 4, 7, 61, 1445, u32::MAX] {
            assert_eq!(SlotLength::from_minutes(minutes), Err(LengthError { minutes }));
        }
        assert!(serde_json::from_str::<SlotLength>("50").is_ok() && serde_json::from_str::<SlotLength>("52").is_err());
    }
}
