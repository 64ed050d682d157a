//! Zoho's ways of writing times: `20260310T090000Z`, `20260310T100000+0100`, `20260310T100000` and `20260310`.

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

/// A time as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// With `Z`, or with an offset.
    Instant(Timestamp),
    /// Without either: means something only together with a zone.
    Local(DateTime),
    /// A day.
    Day(Date),
}

/// Reads one of Zoho's time formats; nothing else is accepted.
pub fn parse(text: &str) -> Option<Written> {
    let (day, rest) = text.split_at_checked(8)?;
    let date = date(day)?;
    if rest.is_empty() {
        return Some(Written::Day(date));
    }
    let (clock, zone) = rest.strip_prefix('T')?.split_at_checked(6)?;
    let local = date.to_datetime(time(clock)?);
    if zone.is_empty() {
        return Some(Written::Local(local));
    }
    let offset = if zone == "Z" { Offset::UTC } else { offset(zone)? };
    offset.to_timestamp(local).ok().map(Written::Instant)
}

/// `20260310T090000Z`.
pub fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// `20260310T100000+0100`, in `zone`.
pub fn with_offset(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%Y%m%dT%H%M%S%z").to_string()
}

/// `20260310T100000`, in `zone`.
pub fn local(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%Y%m%dT%H%M%S").to_string()
}

/// `20260310`.
pub fn day(date: Date) -> String {
    date.strftime("%Y%m%d").to_string()
}

/// The zone of that name: an IANA name, or one of the short names that old calendars of Zoho still carry.
pub fn zone(name: &str) -> Option<TimeZone> {
    let name = match name {
        "PST" | "PDT" => "America/Los_Angeles",
        "MST" | "MDT" => "America/Denver",
        "CST" | "CDT" => "America/Chicago",
        "EST" | "EDT" => "America/New_York",
        "IST" => "Asia/Kolkata",
        "GMT" | "Z" => "UTC",
        "CET" | "MEZ" => "Europe/Berlin",
        "JST" => "Asia/Tokyo",
        other => other,
    };
    TimeZone::get(name).ok()
}

/// The zone of a name that was checked when it was stored; UTC should it have left the zone database since.
pub fn stored_zone(name: &str) -> TimeZone {
    zone(name).unwrap_or(TimeZone::UTC)
}

/// The instant of a wall-clock time. In the gap of a DST change it moves ahead by the gap; in a repeated hour it is the
/// first of the two (RFC 5545, 3.3.5). At the very end of time it is the last instant there is.
pub fn instant(local: DateTime, zone: &TimeZone) -> Timestamp {
    zone.to_ambiguous_timestamp(local).compatible().unwrap_or(Timestamp::MAX)
}

/// The instant at which a day begins in `zone`.
pub fn start_of(date: Date, zone: &TimeZone) -> Timestamp {
    instant(date.to_datetime(Time::midnight()), zone)
}

/// The day after; the last day there is, at the end of time.
pub fn next_day(date: Date) -> Date {
    date.tomorrow().unwrap_or(Date::MAX)
}

fn digits(text: &str) -> Option<i16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn pair(text: &str, at: usize) -> Option<i8> {
    digits(text.get(at..at + 2)?).and_then(|number| i8::try_from(number).ok())
}

fn date(text: &str) -> Option<Date> {
    Date::new(digits(text.get(0..4)?)?, pair(text, 4)?, pair(text, 6)?).ok()
}

fn time(text: &str) -> Option<Time> {
    Time::new(pair(text, 0)?, pair(text, 2)?, pair(text, 4)?, 0).ok()
}

fn offset(text: &str) -> Option<Offset> {
    let sign = match text.chars().next()? {
        '+' => 1,
        '-' => -1,
        _ => return None,
    };
    let rest = text.get(1..)?;
    if rest.len() != 4 {
        return None;
    }
    let (hours, minutes) = (pair(rest, 0)?, pair(rest, 2)?);
    if minutes > 59 {
        return None;
    }
    Offset::from_seconds(sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60)).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, datetime};

    use super::*;

    #[test]
    fn every_format_is_read() {
        let nine = "2026-03-10T09:00:00Z".parse().unwrap();
        assert_eq!(parse("20260310T090000Z"), Some(Written::Instant(nine)));
        assert_eq!(parse("20260310T100000+0100"), Some(Written::Instant(nine)));
        assert_eq!(parse("20260310T033000-0530"), Some(Written::Instant(nine)));
        assert_eq!(parse("20260310T100000"), Some(Written::Local(datetime(2026, 3, 10, 10, 0, 0, 0))));
        assert_eq!(parse("20260310"), Some(Written::Day(date(2026, 3, 10))));
    }

    #[test]
    fn nothing_else_is_read() {
        for bad in [
            "",
            "2026",
            "2026-03-10",
            "20260230",
            "20260310T",
            "20260310T1000",
            "20260310T250000Z",
            "20260310T100000+01:00",
            "20260310T100000 Z",
            "20260310T100000+1",
            "+0260310",
            "20260310T100000+0199",
            "２０２６０３１０",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_written_in_the_zone_asked_for() {
        let summer = "2026-07-10T08:00:00Z".parse().unwrap();
        let madrid = zone("Europe/Madrid").unwrap();
        assert_eq!(with_offset(summer, &madrid), "20260710T100000+0200");
        assert_eq!(local(summer, &madrid), "20260710T100000");
        assert_eq!(utc(summer), "20260710T080000Z");
        assert_eq!(day(date(2026, 7, 10)), "20260710");
    }

    #[test]
    fn short_names_of_old_calendars_are_zones_too() {
        assert_eq!(zone("PST").unwrap().iana_name(), Some("America/Los_Angeles"));
        assert!(zone("Mars/Olympus").is_none());
    }
}
