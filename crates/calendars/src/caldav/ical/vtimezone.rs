//! What a zone does in a stretch of time: its offset at the beginning and every change after that. Read out of a VTIMEZONE (RFC 5545
//! section 3.6.5) or out of the zone database, so that the two can be compared.

use domain::{TimeRange, Timestamp, Zone};
use jiff::{
    SignedDuration,
    civil::DateTime,
    tz::{Offset, TimeZone},
};
use scheduling::recurrence::{Length, Moment, RecurrenceSet, Rule, Start, Until};

use super::{
    Read, Unreadable,
    component::Component,
    times::{self, When},
};

const WRONG: Unreadable = Unreadable("a VTIMEZONE cannot be read");

/// Offsets are in seconds east of UTC, times in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Behaviour {
    first: i32,
    changes: Vec<(i64, i32)>,
}

impl Behaviour {
    /// Of a zone of the database.
    pub(super) fn of(zone: &TimeZone, span: TimeRange) -> Self {
        let seconds = |at: Timestamp| zone.to_offset(at).seconds();
        let changes = zone.following(span.start()).map(|change| change.timestamp()).take_while(|at| *at < span.end());
        Self::new(seconds(span.start()), changes.map(|at| (at.as_second(), seconds(at))))
    }

    /// Of a VTIMEZONE.
    pub(super) fn read(definition: &Component, span: TimeRange) -> Read<Self> {
        let mut onsets = Vec::new();
        let mut before = None;
        for part in definition.children.iter().filter(|part| matches!(part.name.as_str(), "STANDARD" | "DAYLIGHT")) {
            let offset = |name| times::offset(&part.line(name).ok_or(WRONG)?.value);
            let (from, to) = (offset("TZOFFSETFROM")?, offset("TZOFFSETTO")?);
            let first = wall_clock(&times::time(part.line("DTSTART").ok_or(WRONG)?)?)?;
            for at in walls(part, first, from, span)? {
                onsets.push((at.as_second() - i64::from(from), to));
            }
            if before.is_none_or(|(earliest, _)| first < earliest) {
                before = Some((first, from));
            }
        }
        let (_, before) = before.ok_or(WRONG)?;
        onsets.sort_unstable();
        let start = span.start().as_second();
        let first = onsets.iter().rev().find(|(at, _)| *at <= start).map_or(before, |(_, to)| *to);
        Ok(Self::new(first, onsets.into_iter().filter(|(at, _)| *at > start)))
    }

    /// Changes that change nothing are left out.
    fn new(first: i32, changes: impl Iterator<Item = (i64, i32)>) -> Self {
        let mut now = first;
        let changes = changes.filter(|(_, to)| std::mem::replace(&mut now, *to) != *to).collect();
        Self { first, changes }
    }

    /// A place whose clocks do the same.
    pub(super) fn place(&self, span: TimeRange) -> Option<Zone> {
        jiff::tz::db().available().filter_map(|name| Zone::new(name.as_str()).ok()).find(|zone| {
            let rules = zone.time_zone();
            rules.to_offset(span.start()).seconds() == self.first && Self::of(rules, span) == *self
        })
    }
}

fn wall_clock(when: &When) -> Read<DateTime> {
    match when {
        When::Local(at, _) => Ok(*at),
        // Not allowed, and meant as the wall clock all the same.
        When::Utc(at) => Ok(Offset::UTC.to_datetime(*at)),
        When::Date(_) => Err(WRONG),
    }
}

/// Every onset of a part up to the end of the span, its wall clock read as if it were in UTC.
fn walls(part: &Component, first: DateTime, from: i32, span: TimeRange) -> Read<Vec<Timestamp>> {
    let mut set = RecurrenceSet::new(Start::Local(first), Zone::utc(), Length::default()).map_err(|_| WRONG)?;
    for line in part.all("RRULE") {
        let rule: Rule = line.value.parse().map_err(|_| WRONG)?;
        // An end in UTC becomes one on the wall clock from which is changed.
        let rule = match rule.until() {
            Some(Until::Utc(at)) => {
                let offset = Offset::from_seconds(from).map_err(|_| WRONG)?;
                rule.ending(Until::Local(offset.to_datetime(at)))
            }
            _ => rule,
        };
        set = set.with_rule(rule).map_err(|_| WRONG)?;
    }
    for line in part.all("RDATE") {
        let added = times::list(line)?;
        let added = added.iter().map(|(when, _)| Ok((Moment::At(utc(wall_clock(when)?)?), None)));
        set = set.with_added(added.collect::<Read<Vec<_>>>()?).map_err(|_| WRONG)?;
    }
    let end = span.end().checked_add(SignedDuration::from_hours(24)).map_err(|_| WRONG)?;
    let start = utc(first)?;
    match TimeRange::new(start, end) {
        Ok(window) => Ok(set.occurrences(window).map_err(|_| WRONG)?.into_iter().map(|onset| onset.start).collect()),
        Err(_) => Ok(Vec::new()),
    }
}

fn utc(at: DateTime) -> Read<Timestamp> {
    Offset::UTC.to_timestamp(at).map_err(|_| WRONG)
}

#[cfg(test)]
mod tests {
    use super::{super::component, *};

    fn span(from: &str, to: &str) -> TimeRange {
        TimeRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
    }

    fn define(parts: &str) -> Component {
        let text = format!("BEGIN:VTIMEZONE\nTZID:Custom\n{parts}END:VTIMEZONE\n");
        component::read(text.as_bytes()).unwrap().swap_remove(0)
    }

    fn part(name: &str, lines: &str) -> String {
        format!("BEGIN:{name}\n{lines}\nEND:{name}\n")
    }

    const FROM: &str = "2025-01-15T00:00:00Z";
    const TO: &str = "2027-06-15T00:00:00Z";

    #[test]
    fn the_rules_of_a_definition_are_compared_with_places() {
        let berlin = define(
            &(part(
                "STANDARD",
                "DTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10",
            ) + &part(
                "DAYLIGHT",
                "DTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
            )),
        );
        let read = Behaviour::read(&berlin, span(FROM, TO)).unwrap();
        assert_eq!(read, Behaviour::of(Zone::new("Europe/Berlin").unwrap().time_zone(), span(FROM, TO)));
        assert_eq!((read.first, read.changes.len()), (3_600, 5));
        assert!(read.place(span(FROM, TO)).is_some());
    }

    #[test]
    fn rules_with_ends_and_single_dates_are_read() {
        let new_york = define(
            &(part(
                "DAYLIGHT",
                "DTSTART:19870405T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nRRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20060402T070000Z",
            ) + &part(
                "DAYLIGHT",
                "DTSTART:20070311T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=2SU",
            ) + &part(
                "STANDARD",
                "DTSTART:19671029T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;UNTIL=20061029T060000Z",
            ) + &part(
                "STANDARD",
                "DTSTART:20071104T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nRDATE:20081102T020000,20091101T020000,20101107T020000",
            )),
        );
        let around = span("2005-01-15T00:00:00Z", "2010-12-15T00:00:00Z");
        let read = Behaviour::read(&new_york, around).unwrap();
        assert_eq!(read, Behaviour::of(Zone::new("America/New_York").unwrap().time_zone(), around));
    }

    #[test]
    fn the_last_onset_of_a_rule_is_the_one_at_its_end() {
        let given_up = define(
            &(part(
                "STANDARD",
                "DTSTART:19961027T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;UNTIL=20251026T010000Z",
            ) + &part(
                "DAYLIGHT",
                "DTSTART:19810329T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3;UNTIL=20250330T010000Z",
            )),
        );
        let read = Behaviour::read(&given_up, span(FROM, TO)).unwrap();
        assert_eq!((read.first, read.changes.as_slice()), (3_600, &[(1_743_296_400, 7_200), (1_761_440_400, 3_600)][..]));
    }

    #[test]
    fn before_its_first_onset_a_definition_has_the_offset_it_comes_from() {
        let fixed = define(&part("STANDARD", "DTSTART:20260601T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0400"));
        let read = Behaviour::read(&fixed, span(FROM, TO)).unwrap();
        assert_eq!((read.first, read.changes.as_slice()), (10_800, &[(1_780_261_200, 14_400)][..]));
        assert_eq!(read.place(span(FROM, TO)), None, "no place does that");
    }

    #[test]
    fn what_is_no_definition_fails() {
        for parts in [
            String::new(),
            part("STANDARD", "DTSTART:20260601T000000\nTZOFFSETFROM:+0300"),
            part("STANDARD", "TZOFFSETFROM:+0300\nTZOFFSETTO:+0300"),
            part("STANDARD", "DTSTART;VALUE=DATE:20260601\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300"),
            part("STANDARD", "DTSTART:19700101T000000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0300\nRRULE:FREQ=SECONDLY"),
        ] {
            assert!(Behaviour::read(&define(&parts), span(FROM, TO)).is_err(), "{parts}");
        }
    }
}
