//! Dates, times, durations and periods as they are written (RFC 5545 sections 3.3.4 to 3.3.9). A zone is only named here.

use domain::Timestamp;
use jiff::{
    civil::{Date, DateTime, Time},
    tz::Offset,
};
use scheduling::recurrence::Length;

use super::{Read, Unreadable, lines::Line};

/// What a value says about a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::caldav) enum When {
    /// A whole day.
    Date(Date),
    /// A wall clock: of the zone that is named, or of wherever one is.
    Local(DateTime, Option<String>),
    /// An instant.
    Utc(Timestamp),
}

impl When {
    /// The date as it is written.
    pub(in crate::caldav) fn date(&self) -> Date {
        match self {
            Self::Date(date) => *date,
            Self::Local(at, _) => at.date(),
            Self::Utc(at) => Offset::UTC.to_datetime(*at).date(),
        }
    }

    /// Whether it is a whole day.
    pub(in crate::caldav) const fn is_date(&self) -> bool {
        matches!(self, Self::Date(_))
    }
}

/// The one time of a property such as DTSTART.
pub(in crate::caldav) fn time(line: &Line) -> Read<When> {
    when(&line.value, line.param("TZID"))
}

/// The times of EXDATE or RDATE, each with its own end if it is a period.
pub(in crate::caldav) fn list(line: &Line) -> Read<Vec<(When, Option<End>)>> {
    let zone = line.param("TZID");
    let values = line.value.split(',').filter(|value| !value.trim().is_empty());
    let read = |value: &str| match value.split_once('/') {
        None => Ok((when(value, zone)?, None)),
        Some((start, end)) if end.trim().starts_with(['P', 'p', '+']) => Ok((when(start, zone)?, Some(End::After(duration(end)?)))),
        Some((start, end)) => Ok((when(start, zone)?, Some(End::At(when(end, zone)?)))),
    };
    values.map(read).collect()
}

/// The end of a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::caldav) enum End {
    /// A time.
    At(When),
    /// So long after its start.
    After(Length),
}

/// One value. The shape decides, since `VALUE=DATE` is often forgotten.
fn when(text: &str, zone: Option<&str>) -> Read<When> {
    let wrong = || Unreadable("a time is not written as one");
    let text = text.trim();
    let (day, clock) = text.split_once(['T', 't']).map_or((text, None), |(day, clock)| (day, Some(clock)));
    let date = Date::new(number(day, 0..4)?, part(day, 4..6)?, part(day, 6..8)?).map_err(|_| wrong())?;
    if day.len() != 8 {
        return Err(wrong());
    }
    let Some(clock) = clock else { return Ok(When::Date(date)) };
    let (clock, utc) = clock.strip_suffix(['Z', 'z']).map_or((clock, false), |clock| (clock, true));
    if clock.len() != 6 {
        return Err(wrong());
    }
    // Second 60 is allowed, and no clock here shows it.
    let time = Time::new(part(clock, 0..2)?, part(clock, 2..4)?, part(clock, 4..6)?.min(59), 0).map_err(|_| wrong())?;
    let at = date.to_datetime(time);
    if utc {
        return Offset::UTC.to_timestamp(at).map(When::Utc).map_err(|_| wrong());
    }
    Ok(When::Local(at, zone.map(str::trim).filter(|zone| !zone.is_empty()).map(str::to_owned)))
}

fn number(text: &str, range: std::ops::Range<usize>) -> Read<i16> {
    let digits = text.get(range).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or(Unreadable("a time is not written as one"))
}

fn part(text: &str, range: std::ops::Range<usize>) -> Read<i8> {
    i8::try_from(number(text, range)?).map_err(|_| Unreadable("a time is not written as one"))
}

/// A duration that is not negative: `PT45M`, `P1DT2H`, `P2W`. Weeks and days are those of the calendar.
pub(in crate::caldav) fn duration(text: &str) -> Read<Length> {
    let wrong = Unreadable("a duration is not written as one");
    let text = text.trim().to_ascii_uppercase();
    let mut rest = text.strip_prefix('+').unwrap_or(&text).strip_prefix('P').ok_or(wrong)?;
    let mut length = Length::default();
    let (mut clock, mut empty) = (false, true);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (rest, clock) = (after, true);
            continue;
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let amount: i64 =
            rest.get(..digits).filter(|digits| digits.len() <= 9).and_then(|digits| digits.parse().ok()).ok_or(wrong)?;
        match (rest.as_bytes().get(digits), clock) {
            (Some(b'W'), false) => length.days += amount * 7,
            (Some(b'D'), false) => length.days += amount,
            (Some(b'H'), true) => length.seconds += amount * 3_600,
            (Some(b'M'), true) => length.seconds += amount * 60,
            (Some(b'S'), true) => length.seconds += amount,
            _ => return Err(wrong),
        }
        (rest, empty) = (&rest[digits + 1..], false);
    }
    if empty { Err(wrong) } else { Ok(length) }
}

/// An offset from UTC in seconds: `+0100`, `-043015`.
pub(in crate::caldav) fn offset(text: &str) -> Read<i32> {
    let wrong = Unreadable("an offset is not written as one");
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    if !matches!(digits.len(), 4 | 6) {
        return Err(wrong);
    }
    let part = |range| number(digits, range).map(i32::from);
    let seconds = if digits.len() == 6 { part(4..6)? } else { 0 };
    let (hours, minutes) = (part(0..2)?, part(2..4)?);
    if hours > 24 || minutes > 59 || seconds > 59 { Err(wrong) } else { Ok(sign * (hours * 3_600 + minutes * 60 + seconds)) }
}

/// An instant as it is written.
pub(in crate::caldav) fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Read<When> {
        when(text, Some("Europe/Berlin"))
    }

    #[test]
    fn the_shape_says_what_it_is() {
        let date = jiff::civil::date(2026, 3, 29);
        assert_eq!(read("20260329").unwrap(), When::Date(date));
        assert_eq!(read("20260329T023000").unwrap(), When::Local(date.at(2, 30, 0, 0), Some("Europe/Berlin".to_owned())));
        assert_eq!(when("20260329T023060", None).unwrap(), When::Local(date.at(2, 30, 59, 0), None));
        assert_eq!(read(" 20260329T023000Z ").unwrap(), When::Utc("2026-03-29T02:30:00Z".parse().unwrap()));
        for wrong in [
            "",
            "2026",
            "20260230",
            "20260329T",
            "20260329T2530",
            "20260329T246000",
            "20260329T023000+0100",
            "2026-03-29",
            "２０２６0329",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_days_of_the_calendar_and_seconds_that_pass() {
        let length = |days, seconds| Ok(Length { days, seconds });
        assert_eq!(duration("PT45M"), length(0, 2_700));
        assert_eq!(duration("+P1DT2H3S"), length(1, 7_203));
        assert_eq!(duration("P2W"), length(14, 0));
        assert_eq!(duration("PT0S"), length(0, 0));
        for wrong in ["", "P", "PT", "-PT15M", "P1H", "PT1D", "45", "P1Y", "PT9999999999S", "P1"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lists_hold_times_and_periods() {
        let line = |text: &str| super::super::lines::read(text.as_bytes()).unwrap().swap_remove(0);
        let found = list(&line("RDATE;VALUE=PERIOD:20260101T100000Z/PT1H,20260102T100000Z/20260102T120000Z")).unwrap();
        assert_eq!(found[0].1, Some(End::After(Length { days: 0, seconds: 3_600 })));
        assert!(matches!(found[1].1, Some(End::At(When::Utc(_)))));
        assert_eq!(list(&line("EXDATE;VALUE=DATE:20260101,20260102")).unwrap().len(), 2);
        assert!(list(&line("EXDATE:20260101,soon")).is_err());
    }

    #[test]
    fn offsets_have_seconds_where_old_ones_do() {
        assert_eq!((offset("+0100"), offset("-0330"), offset("-001521")), (Ok(3_600), Ok(-12_600), Ok(-921)));
        for wrong in ["", "+01", "1", "+01:00", "+0160", "+2500"] {
            assert!(offset(wrong).is_err(), "{wrong}");
        }
    }
}
