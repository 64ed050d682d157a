//! When somebody can be booked: their week, breaks, days off, buffers, notice and limits. Only valid rules exist as [`Rules`].

mod checks;
mod days;
mod errors;
mod load;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

pub use self::{
    days::{Holiday, HolidaySource, Leave, WeekPattern},
    errors::{RuleError, RulesError},
    load::{InARow, Lunch, Preference, preference},
};
use crate::{DaySpan, TimeOfDay, WeeklyHours, Zone, instants::plus_minutes};

const DAY_MINUTES: u32 = 24 * 60;

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
    /// Weeks that take turns in place of the one week; from their first Monday on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<WeekPattern>,
    /// Other hours for some dates, in place of those of their week; none are no hours. Hours win over a day off and over a holiday,
    /// never over leave. Breaks and lunch stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<Date, Vec<DaySpan>>,
    /// Dates without bookings.
    #[serde(default)]
    pub days_off: BTreeSet<Date>,
    /// Public holidays, by date.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub holidays: BTreeMap<Date, Holiday>,
    /// Dates on which the person is away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leave: Vec<Leave>,
    /// Spans that stay free on some weekdays, besides those of every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekday_breaks: Option<WeeklyHours>,
    /// Minutes that stay free somewhere within a span of every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lunch: Option<Lunch>,
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
    /// Most minutes of the bookings that start on one date; no limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily_minutes: Option<u32>,
    /// Most minutes of the bookings that start in one week, Monday to Sunday; no limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly_minutes: Option<u32>,
    /// How long the person may be taken, by bookings and by their calendar, without a break; no limit if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_a_row: Option<InARow>,
    /// Hours that are liked better than others. They block nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preferred: Vec<Preference>,
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
            pattern: None,
            overrides: BTreeMap::new(),
            days_off: BTreeSet::new(),
            holidays: BTreeMap::new(),
            leave: Vec::new(),
            weekday_breaks: None,
            lunch: None,
            buffer_before_minutes: 0,
            buffer_after_minutes: 0,
            minimum_notice_minutes: a_day(),
            daily_limit: None,
            weekly_limit: None,
            daily_minutes: None,
            weekly_minutes: None,
            in_a_row: None,
            preferred: Vec::new(),
            horizon_days: thirty(),
            step_minutes: thirty(),
        }
    }
}

/// Rules that were checked. Read the fields as those of [`RulesDraft`]; to change them, change a draft and check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RulesDraft", into = "RulesDraft")]
pub struct Rules(RulesDraft);

impl Rules {
    /// Checks a draft.
    pub fn new(draft: RulesDraft) -> Result<Self, RulesError> {
        let errors = checks::problems(&draft);
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
    use jiff::civil::date;

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
        let error = serde_json::from_str::<Rules>(r#"{"zone":"Europe/Berlin","siesta":"12:00-13:00"}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `siesta`"), "{error}");
    }

    /// What an earlier version stored is read as it was meant, and rules that use nothing new are stored as that version would.
    #[test]
    fn rules_of_earlier_versions_are_read_and_written_as_they_were() {
        let stored = concat!(
            r#"{"zone":"Europe/Berlin","week":"mon-thu 09:00-12:30","breaks":["12:00-12:15"],"days_off":["2026-12-24"],"#,
            r#""buffer_before_minutes":5,"buffer_after_minutes":10,"minimum_notice_minutes":60,"daily_limit":3,"weekly_limit":null,"#,
            r#""horizon_days":14,"step_minutes":15}"#
        );
        let rules: Rules = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&rules).unwrap(), stored);
    }

    #[test]
    fn reads_the_newer_fields_and_gives_them_back() {
        let written = serde_json::json!({
            "zone": "Europe/Berlin",
            "pattern": {"from": "2026-11-30", "weeks": ["mon-fri 09:00-17:00", null]},
            "overrides": {"2026-12-05": ["10:00-12:00"], "2026-12-07": []},
            "holidays": {"2026-12-25": {"name": "Christmas Day", "source": "feed"}, "2027-01-01": {"name": "New Year"}},
            "leave": [{"from": "2026-12-28", "to": "2026-12-30", "kind": "vacation"}],
            "weekday_breaks": "fri 12:00-13:00",
            "lunch": {"span": "11:30-14:00", "minutes": 30},
            "daily_minutes": 180, "weekly_minutes": 600,
            "in_a_row": {"most_minutes": 120, "break_minutes": 15},
            "preferred": [{"hours": "tue 09:00-12:00"}]
        });
        let rules: Rules = serde_json::from_value(written.clone()).unwrap();
        assert_eq!((rules.preferred[0].weight, rules.holidays[&date(2027, 1, 1)].source), (1, HolidaySource::Hand));
        let again = serde_json::to_value(&rules).unwrap();
        for field in ["pattern", "overrides", "leave", "weekday_breaks", "lunch", "daily_minutes", "weekly_minutes", "in_a_row"] {
            assert_eq!(again[field], written[field], "{field}");
        }
        assert_eq!(serde_json::from_value::<Rules>(again).unwrap(), rules);
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
    fn the_horizon_ends_with_a_day() {
        let rules = Rules::usual(Zone::new("Europe/Berlin").unwrap());
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        assert_eq!(rules.latest(now).to_string(), "2026-03-31T22:00:00Z");
        assert_eq!(rules.earliest(now).to_string(), "2026-03-02T12:00:00Z");
        assert_eq!(rules.latest(Timestamp::MAX), Timestamp::MAX);
    }
}
