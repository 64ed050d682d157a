//! Recurrence rules (RFC 5545, 3.3.10). The `rrule` crate counts wall-clock times as if they were UTC; the zone is
//! applied afterwards, so that its own zone tables are never asked. One start a day at most: rules that repeat within a
//! day are refused, which also bounds every expansion.

use chrono::{Datelike as _, NaiveDate, TimeZone as _, Timelike as _};
use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::TimeZone,
};
use rrule::{RRule, RRuleSet, Tz, Unvalidated};
use thiserror::Error;

use super::times::{self, Written};

/// Starts that one rule may give, a good hundred years of a daily one.
const MAX_STARTS: usize = 40_000;

/// Rule parts that are understood.
const PARTS: [&str; 11] =
    ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "BYWEEKNO", "BYYEARDAY"];

/// Why a rule was refused; a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadRule {
    /// Not `KEY=VALUE;…`.
    #[error("the part {0:?} is not of the form KEY=VALUE")]
    NotAPart(String),
    /// A part that RFC 5545 does not know, or that repeats within a day.
    #[error("the part {0} is not understood here; known are {known}", known = PARTS.join(", "))]
    UnknownPart(String),
    /// The same part twice.
    #[error("the part {0} is there twice")]
    Twice(String),
    /// No FREQ, or one that repeats within a day.
    #[error("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY")]
    Frequency,
    /// COUNT and UNTIL together.
    #[error("COUNT and UNTIL must not both be given (RFC 5545, 3.3.10)")]
    CountAndUntil,
    /// A value out of range.
    #[error("{0} has a value that cannot be used")]
    Value(String),
    /// What the rule engine says.
    #[error("{0}")]
    Engine(String),
}

/// A rule together with the wall-clock time of its first start.
pub struct Rule {
    set: RRuleSet,
    until: Option<Written>,
}

/// One rule part after the other, names in upper case, with everything but the meaning of values checked.
pub fn parts(text: &str) -> Result<Vec<(String, String)>, BadRule> {
    let text = text.trim();
    let text = text.strip_prefix("RRULE:").unwrap_or(text);
    let mut parts: Vec<(String, String)> = Vec::new();
    for part in text.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or_else(|| BadRule::NotAPart(part.to_owned()))?;
        let name = name.trim().to_ascii_uppercase();
        if !PARTS.contains(&name.as_str()) {
            return Err(BadRule::UnknownPart(name));
        }
        if parts.iter().any(|(known, _)| *known == name) {
            return Err(BadRule::Twice(name));
        }
        parts.push((name, value.trim().to_ascii_uppercase()));
    }
    let has = |name: &str| parts.iter().any(|(known, _)| known == name);
    let frequency = parts.iter().find(|(name, _)| name == "FREQ").map(|(_, value)| value.as_str());
    if !matches!(frequency, Some("DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY")) {
        return Err(BadRule::Frequency);
    }
    if has("COUNT") && has("UNTIL") {
        return Err(BadRule::CountAndUntil);
    }
    Ok(parts)
}

/// The rule text without COUNT and UNTIL, ending before `at` instead. For "this and following" edits.
pub fn ending_before(text: &str, at: Timestamp, all_day: Option<Date>) -> Result<String, BadRule> {
    let mut kept: Vec<String> = parts(text)?
        .into_iter()
        .filter(|(name, _)| name != "COUNT" && name != "UNTIL")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let until = match all_day {
        Some(date) => times::day(date.yesterday().unwrap_or(Date::MIN)),
        None => times::utc(at - jiff::SignedDuration::from_secs(1)),
    };
    kept.push(format!("UNTIL={until}"));
    Ok(kept.join(";"))
}

impl Rule {
    /// Reads a rule whose first start is `first` on the wall clock.
    pub fn new(text: &str, first: DateTime) -> Result<Self, BadRule> {
        let parts = parts(text)?;
        let mut until = None;
        let mut kept = Vec::new();
        for (name, value) in &parts {
            match name.as_str() {
                // The engine would compare it as floating time; `starts` compares it as what it is.
                "UNTIL" => until = Some(times::parse(value).ok_or_else(|| BadRule::Value(name.clone()))?),
                "COUNT" | "INTERVAL" if value.parse::<u32>().is_ok_and(|number| number == 0) => {
                    return Err(BadRule::Value(name.clone()));
                }
                _ => kept.push(format!("{name}={value}")),
            }
        }
        let rule: RRule<Unvalidated> = kept.join(";").parse().map_err(|error| BadRule::Engine(format!("{error}")))?;
        let set = rule.build(as_if_utc(first).ok_or_else(|| BadRule::Value("DTSTART".to_owned()))?);
        let set = set.map_err(|error| BadRule::Engine(format!("{error}")))?.limit();
        Ok(Self { set, until })
    }

    /// The starts on the wall clock, in order, at most [`MAX_STARTS`]; UNTIL is not looked at.
    fn wall_clock(&self) -> impl Iterator<Item = DateTime> + '_ {
        (&self.set).into_iter().take(MAX_STARTS).map_while(|at| from_chrono(&at))
    }

    /// The starts before `end`, in order.
    pub fn starts(&self, zone: &TimeZone, end: Timestamp) -> Vec<Timestamp> {
        let last = |at: Timestamp| match self.until {
            None => true,
            Some(Written::Instant(until)) => at <= until,
            Some(Written::Local(until)) => zone.to_datetime(at) <= until,
            Some(Written::Day(until)) => zone.to_datetime(at).date() <= until,
        };
        self.wall_clock().map(|local| times::instant(local, zone)).take_while(|at| *at < end && last(*at)).collect()
    }

    /// The days on which an all-day event starts, before the day `end`, in order. An UNTIL with a time counts as the
    /// day it names.
    pub fn days(&self, end: Date) -> Vec<Date> {
        let last = |day: Date| match self.until {
            None => true,
            Some(Written::Instant(until)) => day <= TimeZone::UTC.to_datetime(until).date(),
            Some(Written::Local(until)) => day <= until.date(),
            Some(Written::Day(until)) => day <= until,
        };
        self.wall_clock().map(DateTime::date).take_while(|day| *day < end && last(*day)).collect()
    }
}

fn as_if_utc(at: DateTime) -> Option<chrono::DateTime<Tz>> {
    let part = |number: i8| u32::try_from(number).ok();
    let date = NaiveDate::from_ymd_opt(i32::from(at.year()), part(at.month())?, part(at.day())?)?;
    let naive = date.and_hms_opt(part(at.hour())?, part(at.minute())?, part(at.second())?)?;
    Tz::UTC.from_local_datetime(&naive).single()
}

/// Nothing once the engine leaves the years that civil dates know.
fn from_chrono(at: &chrono::DateTime<Tz>) -> Option<DateTime> {
    let part = |number: u32| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(at.year()).ok()?, part(at.month())?, part(at.day())?).ok()?;
    let time = Time::new(part(at.hour())?, part(at.minute())?, part(at.second())?, 0).ok()?;
    Some(date.to_datetime(time))
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;

    use super::*;

    fn starts(rule: &str, first: DateTime, zone: &str, end: &str) -> Vec<String> {
        let zone = times::zone(zone).unwrap();
        let rule = Rule::new(rule, first).unwrap();
        rule.starts(&zone, end.parse().unwrap()).into_iter().map(|at| times::with_offset(at, &zone)).collect()
    }

    #[test]
    fn wall_clock_time_stays_across_a_dst_change() {
        let got = starts("FREQ=WEEKLY", datetime(2026, 3, 23, 10, 0, 0, 0), "Europe/Madrid", "2026-04-07T00:00:00Z");
        assert_eq!(got, ["20260323T100000+0100", "20260330T100000+0200", "20260406T100000+0200"]);
    }

    #[test]
    fn a_start_in_the_gap_moves_ahead_and_the_next_ones_do_not() {
        let got = starts("FREQ=DAILY;COUNT=3", datetime(2026, 3, 28, 2, 30, 0, 0), "Europe/Madrid", "2027-01-01T00:00:00Z");
        assert_eq!(got, ["20260328T023000+0100", "20260329T033000+0200", "20260330T023000+0200"]);
        // A gap at midnight.
        let got = starts("FREQ=DAILY;COUNT=2", datetime(2026, 9, 5, 0, 0, 0, 0), "America/Santiago", "2027-01-01T00:00:00Z");
        assert_eq!(got, ["20260905T000000-0400", "20260906T010000-0300"]);
    }

    #[test]
    fn a_start_in_the_repeated_hour_is_the_first_of_the_two() {
        let got = starts("FREQ=DAILY;COUNT=3", datetime(2026, 10, 24, 2, 30, 0, 0), "Europe/Madrid", "2027-01-01T00:00:00Z");
        assert_eq!(got, ["20261024T023000+0200", "20261025T023000+0200", "20261026T023000+0100"]);
    }

    #[test]
    fn until_in_utc_is_compared_as_an_instant() {
        // 10:00 in Auckland is 21:00 UTC of the day before.
        let first = datetime(2026, 6, 1, 10, 0, 0, 0);
        let got = starts("FREQ=DAILY;UNTIL=20260602T220000Z", first, "Pacific/Auckland", "2027-01-01T00:00:00Z");
        assert_eq!(got, ["20260601T100000+1200", "20260602T100000+1200", "20260603T100000+1200"]);
        let got = starts("FREQ=DAILY;UNTIL=20260602T215959Z", first, "Pacific/Auckland", "2027-01-01T00:00:00Z");
        assert_eq!(got.len(), 2);
    }

    #[test]
    fn until_as_a_day_includes_that_day() {
        let first = datetime(2026, 6, 1, 10, 0, 0, 0);
        let got = starts("FREQ=DAILY;UNTIL=20260603", first, "Europe/Madrid", "2027-01-01T00:00:00Z");
        assert_eq!(got.len(), 3);
    }

    #[test]
    fn count_counts_from_the_first_start_and_the_window_only_cuts() {
        let first = datetime(2026, 1, 5, 9, 0, 0, 0);
        assert_eq!(starts("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4", first, "UTC", "2027-01-01T00:00:00Z").len(), 4);
        assert_eq!(starts("FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4", first, "UTC", "2026-01-12T00:00:00Z").len(), 2);
    }

    #[test]
    fn all_day_rules_give_days() {
        let rule = Rule::new("FREQ=YEARLY", datetime(2024, 2, 29, 0, 0, 0, 0)).unwrap();
        let days: Vec<String> = rule.days(Date::constant(2033, 1, 1)).into_iter().map(times::day).collect();
        assert_eq!(days, ["20240229", "20280229", "20320229"]);
        let rule = Rule::new("FREQ=DAILY;UNTIL=20260303", datetime(2026, 3, 1, 0, 0, 0, 0)).unwrap();
        assert_eq!(rule.days(Date::constant(2027, 1, 1)).len(), 3);
    }

    #[test]
    fn rules_that_cannot_be_kept_are_refused_with_a_sentence() {
        let first = datetime(2026, 3, 1, 9, 0, 0, 0);
        let refused = |text: &str| Rule::new(text, first).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused("FREQ=HOURLY").contains("DAILY, WEEKLY"));
        assert!(refused("INTERVAL=2").contains("FREQ"));
        assert!(refused("FREQ=DAILY;BYHOUR=9,15").contains("BYHOUR"));
        assert!(refused("FREQ=DAILY;COUNT=2;UNTIL=20260401").contains("both"));
        assert!(refused("FREQ=DAILY;COUNT=2;COUNT=3").contains("twice"));
        assert!(refused("FREQ=DAILY;COUNT=0").contains("COUNT"));
        assert!(refused("FREQ=DAILY;INTERVAL=0").contains("INTERVAL"));
        assert!(refused("FREQ=DAILY;UNTIL=soon").contains("UNTIL"));
        assert!(!refused("FREQ=MONTHLY;BYDAY=1XX").is_empty());
        assert!(!refused("FREQ=DAILY;COUNT").is_empty());
    }

    #[test]
    fn a_rule_that_never_matches_ends() {
        let rule = Rule::new("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", datetime(2026, 1, 1, 9, 0, 0, 0)).unwrap();
        assert!(rule.starts(&TimeZone::UTC, Timestamp::MAX).is_empty());
        let rule = Rule::new("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", datetime(2026, 1, 1, 9, 0, 0, 0)).unwrap();
        assert!(rule.starts(&TimeZone::UTC, Timestamp::MAX).is_empty());
        let rule = Rule::new("FREQ=DAILY", datetime(2026, 1, 1, 9, 0, 0, 0)).unwrap();
        assert_eq!(rule.starts(&TimeZone::UTC, Timestamp::MAX).len(), MAX_STARTS);
    }

    #[test]
    fn a_series_can_be_cut_short() {
        let at = "2026-03-10T09:00:00Z".parse().unwrap();
        assert_eq!(ending_before("FREQ=DAILY;COUNT=9", at, None).unwrap(), "FREQ=DAILY;UNTIL=20260310T085959Z");
        let day = Date::constant(2026, 3, 10);
        assert_eq!(ending_before("RRULE:FREQ=DAILY", at, Some(day)).unwrap(), "FREQ=DAILY;UNTIL=20260309");
    }
}
