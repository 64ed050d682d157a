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
    /// It begins before the present.
    Past {
        /// The present.
        now: Timestamp,
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
    /// It meets a break.
    Break {
        /// The break on that day.
        range: TimeRange,
    },
    /// It meets a day off.
    DayOff {
        /// The first such day.
        date: Date,
    },
    /// It meets a public holiday.
    Holiday {
        /// The first such date.
        date: Date,
        /// What it is called.
        name: String,
    },
    /// It meets a time when the person is away.
    Leave {
        /// The first date of it.
        from: Date,
        /// The last date of it.
        to: Date,
    },
    /// It leaves too little of the time for lunch.
    Lunch {
        /// Within which time lunch is taken.
        range: TimeRange,
        /// How many minutes in a row have to stay free there.
        minutes: u32,
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
    /// That day would have more minutes of bookings than it may have.
    DailyMinutes {
        /// The day.
        date: Date,
        /// How many it may have.
        limit: u32,
    },
    /// That week would have more minutes of bookings than it may have.
    WeeklyMinutes {
        /// The week's Monday.
        monday: Date,
        /// How many it may have.
        limit: u32,
    },
    /// Too long in a row without a break.
    Consecutive {
        /// The most minutes in a row.
        most_minutes: u32,
        /// Free minutes that make a break.
        break_minutes: u32,
    },
    /// The guest has something then.
    GuestBusy {
        /// The first such range.
        range: TimeRange,
    },
    /// No hour to ask the guest for, where they are.
    GuestHours,
    /// The guest said when they can, and this is not within it.
    GuestNotAvailable,
}

/// Who could change what stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The person whose rules they are.
    Person,
    /// The guest.
    Guest,
    /// Whoever asks and arranges: with another time or length, another booking moved, a policy changed.
    Operator,
    /// Whoever keeps the calendar that the event is in, or that cannot be read.
    Calendar,
    /// Nobody: the time has passed.
    Nobody,
}

impl Owner {
    /// The stable code, as in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Guest => "guest",
            Self::Operator => "operator",
            Self::Calendar => "calendar",
            Self::Nobody => "nobody",
        }
    }
}

/// A reason as it is told: with who could change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What stands in the way.
    #[serde(flatten)]
    pub reason: Reason,
    /// Who could change that.
    pub owner: Owner,
}

impl From<Reason> for Explanation {
    fn from(reason: Reason) -> Self {
        Self { owner: reason.owner(), reason }
    }
}

impl Reason {
    /// The stable code, as in JSON.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFiveMinutes => "not_five_minutes",
            Self::TooLong { .. } => "too_long",
            Self::UnknownCalendar { .. } => "unknown_calendar",
            Self::Past { .. } => "past",
            Self::Notice { .. } => "notice",
            Self::Horizon { .. } => "horizon",
            Self::OutsideHours => "outside_hours",
            Self::NotOnStep { .. } => "not_on_step",
            Self::Break { .. } => "break",
            Self::DayOff { .. } => "day_off",
            Self::Holiday { .. } => "holiday",
            Self::Leave { .. } => "leave",
            Self::Lunch { .. } => "lunch",
            Self::Busy { .. } => "busy",
            Self::Agenda { .. } => "agenda",
            Self::Buffer { .. } => "buffer",
            Self::DailyLimit { .. } => "daily_limit",
            Self::WeeklyLimit { .. } => "weekly_limit",
            Self::DailyMinutes { .. } => "daily_minutes",
            Self::WeeklyMinutes { .. } => "weekly_minutes",
            Self::Consecutive { .. } => "consecutive",
            Self::GuestBusy { .. } => "guest_busy",
            Self::GuestHours => "guest_hours",
            Self::GuestNotAvailable => "guest_not_available",
        }
    }

    /// Who could change it.
    pub const fn owner(&self) -> Owner {
        match self {
            Self::NotFiveMinutes | Self::TooLong { .. } | Self::Agenda { .. } | Self::GuestHours => Owner::Operator,
            Self::UnknownCalendar { .. } | Self::Busy { .. } => Owner::Calendar,
            Self::Past { .. } => Owner::Nobody,
            Self::GuestBusy { .. } | Self::GuestNotAvailable => Owner::Guest,
            Self::Notice { .. }
            | Self::Horizon { .. }
            | Self::OutsideHours
            | Self::NotOnStep { .. }
            | Self::Break { .. }
            | Self::DayOff { .. }
            | Self::Holiday { .. }
            | Self::Leave { .. }
            | Self::Lunch { .. }
            | Self::Buffer { .. }
            | Self::DailyLimit { .. }
            | Self::WeeklyLimit { .. }
            | Self::DailyMinutes { .. }
            | Self::WeeklyMinutes { .. }
            | Self::Consecutive { .. } => Owner::Person,
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
            Reason::Past { now: at },
            Reason::Notice { earliest: at },
            Reason::Horizon { latest: at },
            Reason::OutsideHours,
            Reason::NotOnStep { step_minutes: 30 },
            Reason::Break { range },
            Reason::DayOff { date: day },
            Reason::Holiday { date: day, name: "Christmas Day".to_owned() },
            Reason::Leave { from: day, to: day },
            Reason::Lunch { range, minutes: 30 },
            Reason::Busy { range },
            Reason::Agenda { range },
            Reason::Buffer { range },
            Reason::DailyLimit { date: day, limit: 3 },
            Reason::WeeklyLimit { monday: day, limit: 9 },
            Reason::GuestBusy { range },
            Reason::DailyMinutes { date: day, limit: 120 },
            Reason::WeeklyMinutes { monday: day, limit: 480 },
            Reason::Consecutive { most_minutes: 180, break_minutes: 15 },
            Reason::GuestHours,
            Reason::GuestNotAvailable,
        ];
        for reason in every {
            let told = serde_json::to_value(Explanation::from(reason.clone())).unwrap();
            assert_eq!((&told["code"], &told["owner"]), (&reason.code().into(), &reason.owner().code().into()));
            let json = serde_json::to_value(&reason).unwrap();
            assert_eq!(json["code"], reason.code());
            assert_eq!(serde_json::from_value::<Reason>(json).unwrap(), reason);
        }
        let limit = Reason::DailyLimit { date: day, limit: 3 };
        assert_eq!(serde_json::to_string(&limit).unwrap(), r#"{"code":"daily_limit","date":"2026-11-23","limit":3}"#);
    }
}
