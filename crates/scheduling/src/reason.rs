//! Why a time is not offered: codes with parameters, never sentences, so that each reader gets them in their own words.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::TimeRange;

/// One rule that a time breaks. The codes are stable: they are part of the interface and only grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Start or length is not a multiple of five minutes.
    NotFiveMinutes,
    /// Longer than any slot may be; nothing else was looked at.
    TooLong {
        /// The longest there is.
        most_minutes: u32,
    },
    /// The calendar cannot be read, so nobody knows.
    UnknownCalendar {
        /// Why, as a code: the caller's own, or `not_read` for a time outside of what was read (of the guest's time, too).
        why: String,
    },
    /// Sooner than the notice that is asked for.
    Notice {
        /// The earliest start at present.
        earliest: Timestamp,
    },
    /// Further ahead than is planned.
    Horizon {
        /// The latest end at present.
        latest: Timestamp,
    },
    /// Not all of it is working time.
    OutsideHours,
    /// It starts between two steps of the grid.
    NotOnStep {
        /// Minutes from one possible start to the next, counted from the start of each span of working hours.
        step_minutes: u32,
    },
    /// It meets a daily break.
    Break {
        /// The break on that day.
        range: TimeRange,
    },
    /// It meets a day off.
    DayOff {
        /// The first such day.
        date: Date,
    },
    /// The calendar has something then.
    Busy {
        /// The first busy range.
        range: TimeRange,
    },
    /// Another booking of ours is then.
    Agenda {
        /// The first such booking.
        range: TimeRange,
    },
    /// Too close to something in the calendar or to another booking.
    Buffer {
        /// What it is too close to.
        range: TimeRange,
    },
    /// That day has as many bookings as it may have.
    DailyLimit {
        /// The day.
        date: Date,
        /// How many it may have.
        limit: u32,
    },
    /// That week has as many bookings as it may have.
    WeeklyLimit {
        /// The week's Monday.
        monday: Date,
        /// How many it may have.
        limit: u32,
    },
    /// The guest has something then.
    GuestBusy {
        /// The first such range.
        range: TimeRange,
    },
    /// No hour to ask the guest for, where they are.
    GuestHours,
}

impl Reason {
    /// The stable code, as in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFiveMinutes => "not_five_minutes",
            Self::TooLong { .. } => "too_long",
            Self::UnknownCalendar { .. } => "unknown_calendar",
            Self::Notice { .. } => "notice",
            Self::Horizon { .. } => "horizon",
            Self::OutsideHours => "outside_hours",
            Self::NotOnStep { .. } => "not_on_step",
            Self::Break { .. } => "break",
            Self::DayOff { .. } => "day_off",
            Self::Busy { .. } => "busy",
            Self::Agenda { .. } => "agenda",
            Self::Buffer { .. } => "buffer",
            Self::DailyLimit { .. } => "daily_limit",
            Self::WeeklyLimit { .. } => "weekly_limit",
            Self::GuestBusy { .. } => "guest_busy",
            Self::GuestHours => "guest_hours",
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn json_carries_the_code_and_the_parameters() {
        let range = TimeRange::new(Timestamp::UNIX_EPOCH, Timestamp::from_second(300).unwrap()).unwrap();
        let (at, day) = (Timestamp::UNIX_EPOCH, date(2026, 11, 23));
        let every = [
            Reason::NotFiveMinutes,
            Reason::TooLong { most_minutes: 1440 },
            Reason::UnknownCalendar { why: "not_read".to_owned() },
            Reason::Notice { earliest: at },
            Reason::Horizon { latest: at },
            Reason::OutsideHours,
            Reason::NotOnStep { step_minutes: 30 },
            Reason::Break { range },
            Reason::DayOff { date: day },
            Reason::Busy { range },
            Reason::Agenda { range },
            Reason::Buffer { range },
            Reason::DailyLimit { date: day, limit: 3 },
            Reason::WeeklyLimit { monday: day, limit: 9 },
            Reason::GuestBusy { range },
            Reason::GuestHours,
        ];
        for reason in every {
            let json = serde_json::to_value(&reason).unwrap();
            assert_eq!(json["code"], reason.code());
            assert_eq!(serde_json::from_value::<Reason>(json).unwrap(), reason);
        }
        let limit = Reason::DailyLimit { date: day, limit: 3 };
        assert_eq!(serde_json::to_string(&limit).unwrap(), r#"{"code":"daily_limit","date":"2026-11-23","limit":3}"#);
    }
}
