//! When somebody can be booked: their week, breaks, days off, buffers, notice and limits. Only valid rules exist as [`Rules`].

use std::{collections::BTreeSet, fmt, ops::Deref};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{DaySpan, TimeOfDay, TimeRange, WeeklyHours, Zone, instants::plus_minutes};

const DAY_MINUTES: u32 = 24 * 60;
const MOST_NOTICE_MINUTES: u32 = 60 * DAY_MINUTES;
const MOST_HORIZON_DAYS: u32 = 366;

/// Rules as people write them; every field but the zone may be left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulesDraft {
    /// Where the person works: all wall-clock values below are of this zone.
    pub zone: Zone,
    /// Working hours. Monday to Friday, 09:00 to 17:00, if left out.
    #[serde(default)]
    pub week: WeeklyHours,
    /// Spans of every day that stay free.
    #[serde(default)]
    pub breaks: Vec<DaySpan>,
    /// Dates without bookings.
    #[serde(default)]
    pub days_off: BTreeSet<Date>,
    /// Minutes to keep free before a booking.
    #[serde(default)]
    pub buffer_before_minutes: u32,
    /// Minutes to keep free after a booking.
    #[serde(default)]
    pub buffer_after_minutes: u32,
    /// Minutes from now to the earliest start. A day if left out.
    #[serde(default = "a_day")]
    pub minimum_notice_minutes: u32,
    /// Most bookings that start on one date; no limit if left out.
    #[serde(default)]
    pub daily_limit: Option<u32>,
    /// Most bookings that start in one week, Monday to Sunday; no limit if left out.
    #[serde(default)]
    pub weekly_limit: Option<u32>,
    /// How many dates after today may be booked. 30 if left out.
    #[serde(default = "thirty")]
    pub horizon_days: u32,
    /// Minutes between possible starts, counted from the start of each span of working hours. 30 if left out.
    #[serde(default = "thirty")]
    pub step_minutes: u32,
}

const fn a_day() -> u32 {
    DAY_MINUTES
}

const fn thirty() -> u32 {
    30
}

impl RulesDraft {
    /// The usual rules for somebody in `zone`.
    pub fn usual(zone: Zone) -> Self {
        Self {
            zone,
            week: WeeklyHours::default(),
            breaks: Vec::new(),
            days_off: BTreeSet::new(),
            buffer_before_minutes: 0,
            buffer_after_minutes: 0,
            minimum_notice_minutes: a_day(),
            daily_limit: None,
            weekly_limit: None,
            horizon_days: thirty(),
            step_minutes: thirty(),
        }
    }
}

/// Rules that were checked. Read the fields as those of [`RulesDraft`]; to change them, change a draft and check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RulesDraft", into = "RulesDraft")]
pub struct Rules(RulesDraft);

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
}

impl RuleError {
    /// The field that is wrong.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::FiveMinutes { field, .. } | Self::OutOfRange { field, .. } | Self::NoBookings { field } => field,
            Self::NoticeBeyondHorizon { .. } => "minimum_notice_minutes",
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

impl Rules {
    /// Checks a draft.
    pub fn new(draft: RulesDraft) -> Result<Self, RulesError> {
        let mut errors = Vec::new();
        let mut minutes = |field, value: u32, least: u32, most: u32| {
            if !value.is_multiple_of(5) {
                errors.push(RuleError::FiveMinutes { field, minutes: value });
            } else if !(least..=most).contains(&value) {
                errors.push(RuleError::OutOfRange { field, value, least, most });
            }
        };
        minutes("buffer_before_minutes", draft.buffer_before_minutes, 0, DAY_MINUTES);
        minutes("buffer_after_minutes", draft.buffer_after_minutes, 0, DAY_MINUTES);
        minutes("minimum_notice_minutes", draft.minimum_notice_minutes, 0, MOST_NOTICE_MINUTES);
        minutes("step_minutes", draft.step_minutes, 5, DAY_MINUTES);
        if !(1..=MOST_HORIZON_DAYS).contains(&draft.horizon_days) {
            errors.push(RuleError::OutOfRange {
                field: "horizon_days",
                value: draft.horizon_days,
                least: 1,
                most: MOST_HORIZON_DAYS,
            });
        } else if draft.minimum_notice_minutes / DAY_MINUTES > draft.horizon_days {
            errors.push(RuleError::NoticeBeyondHorizon { minutes: draft.minimum_notice_minutes, horizon_days: draft.horizon_days });
        }
        for (field, limit) in [("daily_limit", draft.daily_limit), ("weekly_limit", draft.weekly_limit)] {
            if limit == Some(0) {
                errors.push(RuleError::NoBookings { field });
            }
        }
        if errors.is_empty() { Ok(Self(draft)) } else { Err(RulesError(errors)) }
    }

    /// The usual rules for somebody in `zone`: office hours, a day's notice, 30 days ahead, every half hour.
    pub fn usual(zone: Zone) -> Self {
        Self(RulesDraft::usual(zone))
    }

    /// A copy to change.
    pub fn to_draft(&self) -> RulesDraft {
        self.0.clone()
    }

    /// The hours of one date, whether it is off or not: in order, without overlap, within the day. The step grid starts anew with each.
    pub fn hours_on(&self, date: Date) -> Vec<TimeRange> {
        self.week.on(date, &self.zone)
    }

    /// The working time of one date: its hours, and none if it is off. A slot is within working time exactly if these ranges of its
    /// dates cover it.
    pub fn working_on(&self, date: Date) -> Vec<TimeRange> {
        if self.days_off.contains(&date) { Vec::new() } else { self.hours_on(date) }
    }

    /// The breaks of one date, in no order. Where clocks change inside a break, every reading of its wall-clock times stays free, so
    /// that it may reach into the next date: whoever looks at one date looks at the breaks of its neighbours too.
    pub fn breaks_on(&self, date: Date) -> Vec<TimeRange> {
        let concrete = |span: &DaySpan| {
            let start = self.zone.readings(date, span.start())?.earlier().ok()?;
            let end = self.zone.readings(date, span.end())?.later().ok()?;
            TimeRange::new(start, end).ok()
        };
        self.breaks.iter().filter_map(concrete).collect()
    }

    /// The earliest start at present.
    pub fn earliest(&self, now: Timestamp) -> Timestamp {
        plus_minutes(now, i64::from(self.minimum_notice_minutes))
    }

    /// The latest end at present: the end of the last date within the horizon.
    pub fn latest(&self, now: Timestamp) -> Timestamp {
        let today = self.zone.date(now);
        let last = today.saturating_add(jiff::SignedDuration::from_hours(24 * i64::from(self.horizon_days)));
        // Beyond year 9999 there is no later instant to allow.
        self.zone.instant(last, TimeOfDay::END_OF_DAY).unwrap_or(Timestamp::MAX)
    }
}

impl Deref for Rules {
    type Target = RulesDraft;

    fn deref(&self) -> &RulesDraft {
        &self.0
    }
}

impl TryFrom<RulesDraft> for Rules {
    type Error = RulesError;

    fn try_from(draft: RulesDraft) -> Result<Self, RulesError> {
        Self::new(draft)
    }
}

impl From<Rules> for RulesDraft {
    fn from(rules: Rules) -> Self {
        rules.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> RulesDraft {
        RulesDraft::usual(Zone::new("Europe/Berlin").unwrap())
    }

    #[test]
    fn the_usual_rules_are_valid_and_need_only_a_zone() {
        assert_eq!(Rules::new(berlin()).unwrap(), Rules::usual(berlin().zone));
        let short: Rules = serde_json::from_str(r#"{"zone":"Europe/Berlin"}"#).unwrap();
        assert_eq!(short, Rules::usual(berlin().zone));
        assert_eq!(serde_json::from_str::<Rules>(&serde_json::to_string(&short).unwrap()).unwrap(), short);
    }

    #[test]
    fn reads_all_fields_in_the_short_forms() {
        let rules: Rules = serde_json::from_str(
            r#"{"zone":"Europe/Berlin","week":"mon-thu 09:00-12:30","breaks":["12:00-13:00"],"days_off":["2026-12-24"],"daily_limit":3}"#,
        )
        .unwrap();
        assert_eq!((rules.breaks.len(), rules.days_off.len(), rules.daily_limit), (1, 1, Some(3)));
        let error = serde_json::from_str::<Rules>(r#"{"zone":"Europe/Berlin","lunch":"12:00-13:00"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `lunch`"), "{error}");
    }

    #[test]
    fn every_error_names_its_field_and_the_cure() {
        let all_wrong = RulesDraft {
            buffer_before_minutes: 7,
            buffer_after_minutes: 24 * 60 + 5,
            minimum_notice_minutes: 3,
            step_minutes: 0,
            horizon_days: 0,
            daily_limit: Some(0),
            weekly_limit: Some(0),
            ..berlin()
        };
        let RulesError(errors) = Rules::new(all_wrong).unwrap_err();
        let fields: Vec<_> = errors.iter().map(RuleError::field).collect();
        let want = [
            "buffer_before_minutes",
            "buffer_after_minutes",
            "minimum_notice_minutes",
            "step_minutes",
            "horizon_days",
            "daily_limit",
            "weekly_limit",
        ];
        assert_eq!(fields, want);
        for error in &errors {
            let text = error.to_string();
            assert!(text.starts_with(error.field()) && text.contains("use "), "{text}");
        }
        assert_eq!(errors[0].to_string(), "buffer_before_minutes: 7 is not a multiple of 5 minutes; use 5 or 10");
        assert!(RulesError(errors).to_string().contains(". weekly_limit: a limit of 0 forbids"));
    }

    #[test]
    fn notice_must_end_within_the_horizon() {
        let late = RulesDraft { minimum_notice_minutes: 8 * 24 * 60, horizon_days: 7, ..berlin() };
        let error = Rules::new(late).unwrap_err();
        assert_eq!(error.0, [RuleError::NoticeBeyondHorizon { minutes: 8 * 24 * 60, horizon_days: 7 }]);
        let json = r#"{"zone":"Europe/Berlin","step_minutes":17}"#;
        assert!(serde_json::from_str::<Rules>(json).unwrap_err().to_string().contains("step_minutes: 17"));
    }

    #[test]
    fn a_day_off_has_hours_but_no_working_time() {
        let off = Date::constant(2026, 11, 24);
        let rules = Rules::new(RulesDraft { days_off: BTreeSet::from([off]), ..berlin() }).unwrap();
        assert_eq!((rules.hours_on(off).len(), rules.working_on(off).len()), (1, 0));
        let monday = Date::constant(2026, 11, 23);
        assert_eq!(rules.working_on(monday), rules.hours_on(monday));
    }

    #[test]
    fn the_horizon_ends_with_a_day() {
        let rules = Rules::usual(Zone::new("Europe/Berlin").unwrap());
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(rules.latest(now).to_string(), "2026-03-31T22:00:00Z");
        assert_eq!(rules.earliest(now).to_string(), "2026-03-02T12:00:00Z");
        assert_eq!(rules.latest(Timestamp::MAX), Timestamp::MAX);
    }
}
