//! From when to when a VEVENT lasts (RFC 5545 section 3.6.1).

use domain::{Timestamp, Zone};
use jiff::{SignedDuration, tz::Offset};
use scheduling::recurrence::{Length, Start};

use crate::caldav::ical::{
    Read, Unreadable,
    component::Component,
    times::{self, When},
    zones::{Zones, instant, midnight},
};

/// Where a day begins first, and where it ends last.
const EASTERNMOST: Offset = Offset::constant(14);
const WESTERNMOST: Offset = Offset::constant(-12);
const NO_LENGTH: Unreadable = Unreadable("an event ends before it starts");

/// When an event is, and how its occurrences recur.
#[derive(Debug, Clone)]
pub(super) struct Extent {
    pub start: When,
    /// On whose wall clock it recurs; UTC where none is known.
    pub zone: Zone,
    /// No zone is known: it may be anywhere on Earth.
    pub anywhere: bool,
    pub length: Length,
    pub from: Timestamp,
    /// `from` itself for an event without a length.
    pub to: Timestamp,
}

impl Extent {
    /// Reads DTSTART with DTEND or DURATION. Without either a day lasts a day, and a time has no length.
    pub(super) fn read(event: &Component, zones: &Zones<'_>) -> Read<Self> {
        let start = times::time(event.line("DTSTART").ok_or(Unreadable("an event has no start"))?)?;
        let zone = zones.of(&start)?;
        let anywhere = zone.is_none();
        let zone = zone.unwrap_or_else(Zone::utc);
        let from = zones.instant(&start)?;
        let end = event.line("DTEND").map(times::time).transpose()?;
        let length = match (end, event.line("DURATION")) {
            (Some(end), _) if start.is_date() => Length { days: days(&start, &end), seconds: 0 },
            (Some(end), _) => Length { days: 0, seconds: zones.instant(&end)?.as_second() - from.as_second() },
            (None, Some(line)) => times::duration(&line.value)?,
            (None, None) => Length { days: i64::from(start.is_date()), seconds: 0 },
        };
        if length.seconds < 0 {
            return Err(NO_LENGTH);
        }
        let to = end_of(&start, from, length, &zone)?;
        Ok(Self { start, zone, anywhere, length, from, to })
    }

    /// For the engine of recurrences.
    pub(super) fn first(&self) -> Start {
        match self.start {
            When::Date(date) => Start::Date(date),
            When::Local(at, _) => Start::Local(at),
            When::Utc(at) => Start::Local(Offset::UTC.to_datetime(at)),
        }
    }

    /// The range that is surely long enough.
    pub(super) fn widened(&self, from: Timestamp, to: Timestamp) -> (Timestamp, Timestamp) {
        if !self.anywhere {
            return (from, to);
        }
        let east = EASTERNMOST.to_timestamp(Offset::UTC.to_datetime(from)).unwrap_or(from);
        (east, WESTERNMOST.to_timestamp(Offset::UTC.to_datetime(to)).unwrap_or(to))
    }
}

/// Days up to the end, which is the first day that is free again. One that is not after the start is a mistake that calendars show as
/// one day.
fn days(start: &When, end: &When) -> i64 {
    let days = start.date().until(end.date()).map_or(0, |span| i64::from(span.get_days()));
    let more = matches!(end, When::Local(at, _) if at.time() != jiff::civil::Time::midnight());
    (days + i64::from(more)).max(1)
}

fn end_of(start: &When, from: Timestamp, length: Length, zone: &Zone) -> Read<Timestamp> {
    let beyond = |_| Unreadable("an event ends outside of the years that exist");
    let days = SignedDuration::from_hours(length.days.saturating_mul(24));
    let day = match start {
        _ if length.days == 0 => from,
        When::Date(date) => midnight(date.checked_add(days).map_err(beyond)?, zone)?,
        When::Local(at, _) => instant(at.checked_add(days).map_err(beyond)?, zone)?,
        When::Utc(at) => at.checked_add(days).map_err(beyond)?,
    };
    day.checked_add(SignedDuration::from_secs(length.seconds)).map(|to| to.max(from)).map_err(beyond)
}

#[cfg(test)]
mod tests {
    use domain::TimeRange;

    use super::*;
    use crate::caldav::ical::{component, zones::Home};

    fn extent(lines: &str, person: Option<&str>) -> Read<(String, String)> {
        let roots = component::read(format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n").as_bytes()).unwrap();
        let home = Home { person: person.map(|name| Zone::new(name).unwrap()), ..Home::default() };
        let around = TimeRange::new("2026-03-01T00:00:00Z".parse().unwrap(), "2026-04-01T00:00:00Z".parse().unwrap()).unwrap();
        let extent = Extent::read(&roots[0], &Zones::new(&[], &home, around))?;
        let (from, to) = extent.widened(extent.from, extent.to);
        Ok((from.to_string(), to.to_string()))
    }

    fn is(lines: &str, person: Option<&str>, from: &str, to: &str) {
        assert_eq!(extent(lines, person).unwrap(), (from.to_owned(), to.to_owned()), "{lines}");
    }

    #[test]
    fn an_end_is_stated_measured_or_implied() {
        let berlin = Some("Europe/Berlin");
        is(
            "DTSTART;TZID=Europe/Berlin:20260329T010000\nDTEND;TZID=Europe/Berlin:20260329T040000",
            None,
            "2026-03-29T00:00:00Z",
            "2026-03-29T02:00:00Z",
        );
        is("DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D", None, "2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z");
        is("DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:PT24H", None, "2026-03-28T11:00:00Z", "2026-03-29T11:00:00Z");
        is("DTSTART:20260328T120000Z", None, "2026-03-28T12:00:00Z", "2026-03-28T12:00:00Z");
        is("DTSTART;VALUE=DATE:20260329", berlin, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
        is("DTSTART;VALUE=DATE:20260329\nDTEND;VALUE=DATE:20260331", berlin, "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z");
        is("DTSTART;VALUE=DATE:20260329\nDURATION:P2D", berlin, "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z");
    }

    #[test]
    fn mistakes_that_calendars_forgive_are_forgiven() {
        let berlin = Some("Europe/Berlin");
        is("DTSTART:20260328\nDTEND:20260328", berlin, "2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z");
        is("DTSTART:20260328\nDTEND:20260329T120000", berlin, "2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z");
        is(
            "DTSTART;TZID=Europe/Berlin:20260328T220000\nDTEND;VALUE=DATE:20260329",
            berlin,
            "2026-03-28T21:00:00Z",
            "2026-03-28T23:00:00Z",
        );
    }

    #[test]
    fn without_a_zone_it_may_be_anywhere_on_earth() {
        is("DTSTART;VALUE=DATE:20260312", None, "2026-03-11T10:00:00Z", "2026-03-13T12:00:00Z");
        is("DTSTART:20260312T100000\nDTEND:20260312T110000", None, "2026-03-11T20:00:00Z", "2026-03-12T23:00:00Z");
        is("DTSTART:20260312T100000\nDTEND:20260312T110000", Some("Asia/Tokyo"), "2026-03-12T01:00:00Z", "2026-03-12T02:00:00Z");
    }

    #[test]
    fn what_cannot_be_read_fails() {
        for lines in [
            "SUMMARY:x",
            "DTSTART:soon",
            "DTSTART:20260312T100000Z\nDTEND:20260312T090000Z",
            "DTSTART:20260312T100000Z\nDURATION:-PT1H",
            "DTSTART;TZID=Mars/Olympus:20260312T100000",
            "DTSTART:20260312T100000Z\nDTEND;TZID=Mars/Olympus:20260312T110000",
            "DTSTART:99991231T100000Z\nDURATION:P9D",
        ] {
            assert!(extent(lines, Some("UTC")).is_err(), "{lines}");
        }
    }
}
