//! Times as pages show them: instants for the record, and interviews in the zones of those who read.

use domain::{TimeRange, Timestamp, Zone};
use jiff::{ZonedDateTime, civil::DateTime};

use crate::texts::t;

/// An instant in UTC; a script may rewrite it in the reader's own zone.
#[derive(Debug, Clone)]
pub struct Moment {
    /// For machines.
    pub iso: String,
    /// For people.
    pub text: String,
}

/// An interview's time in one zone.
#[derive(Debug, Clone)]
pub struct WhenLine {
    /// The start, for machines.
    pub iso: String,
    /// `Thursday, 26 November 2026`.
    pub day: String,
    /// `10:00–11:00`, with the day of the end where it is another one.
    pub hours: String,
    /// `Europe/Berlin, UTC+01:00`.
    pub zone: String,
}

/// `23 Nov 2026, 20:47 UTC`.
pub fn moment(at: Timestamp) -> Moment {
    Moment { iso: iso(at), text: at.strftime("%-d %b %Y, %H:%M UTC").to_string() }
}

/// Whole seconds, UTC.
pub fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The lines for one reader: their own zone first where it is known, otherwise the interview's zone and UTC.
pub fn when(range: TimeRange, zone: &Zone, reader: Option<&Zone>) -> Vec<WhenLine> {
    let mut zones = match reader {
        Some(reader) => vec![reader.clone(), zone.clone()],
        None => vec![zone.clone(), Zone::utc()],
    };
    zones.dedup();
    zones.iter().map(|zone| line(range, zone)).collect()
}

fn line(range: TimeRange, zone: &Zone) -> WhenLine {
    let (start, end) = (local(range.start(), zone), local(range.end(), zone));
    let hours = if start.date() == end.date() {
        format!("{}–{}", start.strftime("%H:%M"), end.strftime("%H:%M"))
    } else {
        format!("{} – {}", start.strftime("%H:%M"), end.strftime("%A, %-d %B %Y, %H:%M"))
    };
    WhenLine { iso: iso(range.start()), day: day_title(start.date()), hours, zone: zone_label(&start, zone) }
}

fn zone_label(start: &ZonedDateTime, zone: &Zone) -> String {
    if zone.name() == "UTC" {
        return t("time.utc").to_string();
    }
    format!("{}, UTC{}", zone.name().replace('_', " "), start.strftime("%:z"))
}

/// `10:00–11:00` in the interview's own zone, for tables.
pub fn span(range: TimeRange, zone: &Zone) -> String {
    format!("{}–{}", local(range.start(), zone).strftime("%H:%M"), local(range.end(), zone).strftime("%H:%M"))
}

/// `Thu 26 Nov, 10:00–11:00`.
pub fn short(range: TimeRange, zone: &Zone) -> String {
    format!("{}, {}", local(range.start(), zone).strftime("%a %-d %b"), span(range, zone))
}

/// `Thursday, 26 November 2026` of a civil date.
pub fn day_title(day: jiff::civil::Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}

/// `Thu 26 Nov`.
pub fn day_short(day: jiff::civil::Date) -> String {
    day.strftime("%a %-d %b").to_string()
}

/// The city of an IANA name, enough beside a time in a table: `Berlin`.
pub fn city(zone: &Zone) -> String {
    zone.name().rsplit('/').next().unwrap_or(zone.name()).replace('_', " ")
}

/// The value of a `datetime-local` field.
pub fn field_value(at: Timestamp, zone: &Zone) -> String {
    local(at, zone).strftime("%Y-%m-%dT%H:%M").to_string()
}

/// What was typed into such a field, as an instant. A time that comes twice is the first; the error is a sentence.
pub fn from_field(text: &str, zone: &Zone) -> Result<Timestamp, String> {
    let wall: DateTime = text.trim().parse().map_err(|_| t("move.error.missing").to_string())?;
    let readings = zone.time_zone().to_ambiguous_timestamp(wall);
    if matches!(readings.offset(), jiff::tz::AmbiguousOffset::Gap { .. }) {
        return Err(t("move.error.gap").to_string());
    }
    readings.compatible().map_err(|_| t("move.error.missing").to_string())
}

fn local(at: Timestamp, zone: &Zone) -> ZonedDateTime {
    at.to_zoned_datetime(zone.time_zone().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::new(name).unwrap()
    }

    fn range(start: &str, end: &str) -> TimeRange {
        TimeRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
    }

    fn texts(lines: &[WhenLine]) -> Vec<String> {
        lines.iter().map(|line| format!("{}, {} {}", line.day, line.hours, line.zone)).collect()
    }

    #[test]
    fn a_reader_sees_their_own_zone_first_and_otherwise_utc() {
        let interview = range("2026-11-26T23:30:00Z", "2026-11-27T00:30:00Z");
        let lines = when(interview, &zone("Europe/Berlin"), Some(&zone("America/New_York")));
        assert_eq!(
            texts(&lines),
            [
                "Thursday, 26 November 2026, 18:30–19:30 America/New York, UTC-05:00",
                "Friday, 27 November 2026, 00:30–01:30 Europe/Berlin, UTC+01:00",
            ]
        );
        let lines = when(interview, &zone("Europe/Berlin"), None);
        assert_eq!(
            texts(&lines),
            [
                "Friday, 27 November 2026, 00:30–01:30 Europe/Berlin, UTC+01:00",
                "Thursday, 26 November 2026, 23:30 – Friday, 27 November 2026, 00:30 UTC",
            ]
        );
    }

    #[test]
    fn one_zone_is_said_once() {
        let interview = range("2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z");
        assert_eq!(when(interview, &zone("Europe/Berlin"), Some(&zone("Europe/Berlin"))).len(), 1);
        assert_eq!(when(interview, &Zone::utc(), None).len(), 1);
    }

    #[test]
    fn what_is_typed_is_read_in_the_interviews_zone() {
        let berlin = zone("Europe/Berlin");
        let typed = from_field("2026-11-26T10:00", &berlin).unwrap();
        assert_eq!(typed.to_string(), "2026-11-26T09:00:00Z");
        assert_eq!(field_value(typed, &berlin), "2026-11-26T10:00");
        assert!(from_field("", &berlin).unwrap_err().contains("Give a date"));
        assert!(from_field("2026-03-29T02:30", &berlin).unwrap_err().contains("skip"));
        assert_eq!(from_field("2026-10-25T02:30", &berlin).unwrap().to_string(), "2026-10-25T00:30:00Z");
    }
}
