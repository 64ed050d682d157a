//! A calendar object (RFC 4791 section 4.1): one event with its recurrences and the occurrences that were changed, as `Event`s.

use std::collections::BTreeSet;

use domain::{TimeRange, Timestamp, Zone};
use ports::calendar::Event;
use scheduling::recurrence::{Change, Moment, Occurrence, Override, RecurrenceError, RecurrenceSet, Rule};

use super::{
    entry::{self, Source},
    extent::Extent,
};
use crate::caldav::ical::{
    Read, Unreadable,
    component::{self, Component},
    lines::Line,
    times::{self, End, When},
    zones::{Home, Zones, instant},
};

/// What an object does not say itself.
#[derive(Debug, Default)]
pub(in crate::caldav) struct Lens {
    /// Zones.
    pub home: Home,
    /// The owner's addresses, by [`entry::address_key`].
    pub own: BTreeSet<String>,
}

/// One object, read.
#[derive(Debug)]
pub(in crate::caldav) struct Object {
    source: Source,
    definitions: Vec<Component>,
    events: Vec<Component>,
}

/// An occurrence that has a VEVENT of its own.
struct Changed<'a> {
    of: Moment,
    at: Timestamp,
    and_later: bool,
    event: &'a Component,
    extent: Extent,
}

impl Object {
    /// Reads the text. An object with nothing in it fails; tasks and journals take nobody's time.
    pub(in crate::caldav) fn read(source: Source, text: &[u8]) -> Read<Self> {
        let (mut definitions, mut events, mut others) = (Vec::new(), Vec::new(), 0);
        for root in component::read(text)? {
            for child in root.children {
                match child.name.as_str() {
                    "VTIMEZONE" => definitions.push(child),
                    "VEVENT" => events.push(child),
                    _ => others += 1,
                }
            }
        }
        if events.is_empty() && others == 0 {
            return Err(Unreadable("a calendar object has no event"));
        }
        Ok(Self { source, definitions, events })
    }

    /// Whether there is any event in it.
    pub(in crate::caldav) const fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether the owner's addresses are needed.
    pub(in crate::caldav) fn needs_owner(&self) -> bool {
        self.events.iter().any(entry::needs_owner)
    }

    /// Whether the calendar's zone is needed: for a time without a zone, and for a day unless the owner's zone is known.
    pub(in crate::caldav) fn needs_zone(&self, owners_is_known: bool) -> bool {
        let vague = |line: &Line| match times::time(line) {
            Ok(When::Date(_)) => !owners_is_known,
            Ok(When::Local(_, None)) => true,
            _ => false,
        };
        self.events.iter().any(|event| event.lines.iter().any(|line| line.name.starts_with("DT") && vague(line)))
    }

    /// The master, or the event of an object that has nothing else. A description is kept.
    pub(in crate::caldav) fn whole(&self, lens: &Lens) -> Read<Event> {
        let main = self.masters().next().or(self.events.first()).ok_or(Unreadable("a calendar object has no event"))?;
        let date = times::time(main.line("DTSTART").ok_or(Unreadable("an event has no start"))?)?.date();
        let day = instant(date.to_datetime(jiff::civil::Time::midnight()), &Zone::utc())?;
        let around = TimeRange::new(day, day.saturating_add(jiff::SignedDuration::from_hours(24)).unwrap_or(day));
        let around = around.map_err(|_| Unreadable("a time lies outside of the years that exist"))?;
        let extent = Extent::read(main, &Zones::new(&self.definitions, &lens.home, around))?;
        let rule = main.line("RRULE").or(main.line("RDATE")).map(|line| line.value.trim().to_owned());
        let event = entry::event(&self.source, main, extent.widened(extent.from, extent.to), extent.start.is_date(), &lens.own)?;
        Ok(Event { recurrence: rule, ..event })
    }

    /// Every occurrence that overlaps the window.
    pub(in crate::caldav) fn instances(&self, lens: &Lens, window: TimeRange) -> Read<Vec<Event>> {
        let zones = Zones::new(&self.definitions, &lens.home, window);
        let mut found = Vec::new();
        for master in self.masters() {
            let extent = Extent::read(master, &zones)?;
            let changed = self.changed(&extent, &zones)?;
            if changed.is_empty() && !recurs(master) {
                let range = extent.widened(extent.from, extent.to);
                found.push(entry::event(&self.source, master, range, extent.start.is_date(), &lens.own)?);
                continue;
            }
            for occurrence in occurrences(master, &extent, &changed, &zones, window)? {
                let own = own_event(&changed, &occurrence);
                let (event, its) = own.map_or((master, &extent), |changed| (changed.event, &changed.extent));
                let range = its.widened(occurrence.start, occurrence.end);
                found.push(entry::event(&self.source, event, range, its.start.is_date(), &lens.own)?);
            }
        }
        if self.masters().next().is_none() {
            // Somebody who is invited to single occurrences has only those.
            for event in &self.events {
                let extent = Extent::read(event, &zones)?;
                let range = extent.widened(extent.from, extent.to);
                found.push(entry::event(&self.source, event, range, extent.start.is_date(), &lens.own)?);
            }
        }
        found.retain(|event| event.range.overlaps(window));
        Ok(found)
    }

    fn masters(&self) -> impl Iterator<Item = &Component> {
        self.events.iter().filter(|event| event.line("RECURRENCE-ID").is_none())
    }

    /// Occurrences with a VEVENT of their own, the newest version of each last.
    fn changed(&self, master: &Extent, zones: &Zones<'_>) -> Read<Vec<Changed<'_>>> {
        let mut changed = Vec::new();
        for event in &self.events {
            let Some(line) = event.line("RECURRENCE-ID") else { continue };
            let when = times::time(line)?;
            let (of, at) = moment(&when, master, zones)?;
            let and_later = line.param("RANGE").is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"));
            let extent = Extent::read(event, zones)?;
            changed.push(Changed { of, at, and_later, event, extent });
        }
        let version =
            |event: &Component| event.line("SEQUENCE").and_then(|line| line.value.trim().parse::<i64>().ok()).unwrap_or(0);
        changed.sort_by_key(|changed| version(changed.event));
        Ok(changed)
    }
}

fn recurs(event: &Component) -> bool {
    event.line("RRULE").is_some() || event.line("RDATE").is_some()
}

/// Which occurrence is meant, in the master's terms.
fn moment(when: &When, master: &Extent, zones: &Zones<'_>) -> Read<(Moment, Timestamp)> {
    match (&master.start, when) {
        (When::Date(_), when) => {
            let date = when.date();
            Ok((Moment::On(date), zones.instant(&When::Date(date))?))
        }
        // A date that stands for a time: the occurrence of that day.
        (start, When::Date(date)) => {
            let clock = match start {
                When::Local(at, _) => at.time(),
                When::Utc(at) => jiff::tz::Offset::UTC.to_datetime(*at).time(),
                When::Date(_) => jiff::civil::Time::midnight(),
            };
            let at = instant(date.to_datetime(clock), &master.zone)?;
            Ok((Moment::At(at), at))
        }
        (_, when) => {
            let at = zones.instant(when)?;
            Ok((Moment::At(at), at))
        }
    }
}

/// Our own expansion: no server's is believed.
fn occurrences(
    master: &Component,
    extent: &Extent,
    changed: &[Changed<'_>],
    zones: &Zones<'_>,
    window: TimeRange,
) -> Read<Vec<Occurrence>> {
    let mut set = RecurrenceSet::new(extent.first(), extent.zone.clone(), extent.length).map_err(too_much)?;
    for line in master.all("RRULE") {
        set = set.with_rule(rule(&line.value)?).map_err(too_much)?;
    }
    let mut added = Vec::new();
    for line in master.all("RDATE") {
        for (when, end) in times::list(line)? {
            added.push(addition(&when, end, extent, zones)?);
        }
    }
    let mut removed = Vec::new();
    for line in master.all("EXDATE") {
        for (when, _) in times::list(line)? {
            removed.push(exclusion(&when, extent, zones)?);
        }
    }
    let overrides = changed.iter().map(|changed| Override {
        of: changed.of,
        change: Change::Moved(changed.extent.from, changed.extent.to),
        and_later: changed.and_later,
    });
    let set = set.with_added(added).and_then(|set| set.without(removed)).and_then(|set| set.with_overrides(overrides));
    // Where no zone is known an occurrence may begin or end outside and be inside all the same.
    let asked = if extent.anywhere || changed.iter().any(|changed| changed.extent.anywhere) {
        window.padded(24 * 60, 24 * 60)
    } else {
        window
    };
    set.and_then(|set| set.occurrences(asked)).map_err(too_much)
}

/// A rule; what RFC 7529 adds without changing anything is left out, and names of vendors too.
fn rule(text: &str) -> Read<Rule> {
    let upper = text.trim().to_ascii_uppercase();
    let says_nothing = |part: &str| part == "RSCALE=GREGORIAN" || part == "SKIP=OMIT" || part.starts_with("X-");
    let plain: Vec<&str> = upper.split(';').map(str::trim).filter(|part| !says_nothing(part)).collect();
    plain.join(";").parse().map_err(|_| Unreadable("a recurrence rule cannot be read"))
}

fn addition(when: &When, end: Option<End>, extent: &Extent, zones: &Zones<'_>) -> Read<(Moment, Option<Timestamp>)> {
    if extent.start.is_date() || when.is_date() {
        return Ok((Moment::On(when.date()), None));
    }
    let at = zones.instant(when)?;
    let end = match end {
        None => None,
        Some(End::At(end)) => Some(zones.instant(&end)?),
        Some(End::After(length)) => {
            let seconds = length.days.saturating_mul(86_400).saturating_add(length.seconds);
            at.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()
        }
    };
    if end.is_some_and(|end| end < at) { Err(Unreadable("an event ends before it starts")) } else { Ok((Moment::At(at), end)) }
}

fn exclusion(when: &When, extent: &Extent, zones: &Zones<'_>) -> Read<Moment> {
    if extent.start.is_date() || when.is_date() { Ok(Moment::On(when.date())) } else { zones.instant(when).map(Moment::At) }
}

/// The VEVENT that says what became of an occurrence: its own, or the last "this and all later ones" before it.
fn own_event<'a, 'b>(changed: &'b [Changed<'a>], occurrence: &Occurrence) -> Option<&'b Changed<'a>> {
    let alone = changed.iter().rev().find(|known| !known.and_later && known.of == occurrence.of);
    let at = |of: Moment| match of {
        Moment::At(at) => Some(at),
        Moment::On(_) => None,
    };
    let is_later = |known: &&Changed<'_>| match (known.of, occurrence.of) {
        (Moment::On(from), Moment::On(date)) => from <= date,
        _ => at(occurrence.of).is_some_and(|original| known.at <= original),
    };
    let later = || changed.iter().filter(|known| known.and_later).filter(is_later).max_by_key(|known| known.at);
    alone.or_else(later)
}

fn too_much(error: RecurrenceError) -> Unreadable {
    Unreadable(match error {
        RecurrenceError::TooMuch(_) | RecurrenceError::TooMany(_) => "a recurrence asks for too much",
        RecurrenceError::Parts { .. } => "a recurrence has too many parts",
        RecurrenceError::Start(_) | RecurrenceError::Length { .. } => "a recurring event has no usable start or length",
    })
}
