//! Which zone is meant. One that cannot be told fails the read: an event at an unknown hour must not count as free time.

use std::{collections::BTreeMap, sync::Mutex};

use domain::{TimeRange, Timestamp, Zone};
use jiff::{
    SignedDuration,
    civil::{Date, Time},
    tz::TimeZone,
};

use super::{Read, Unreadable, component::Component, times::When, vtimezone::Behaviour, windows};

/// How far around what is asked for a zone must behave as its definition says: an event a year long may reach into the window.
const AROUND: SignedDuration = SignedDuration::from_hours(400 * 24);
const UNKNOWN: Unreadable = Unreadable("the zone of an event is not known");

/// Zones that stand for definitions met before: finding one means looking through the whole database.
#[derive(Debug, Default)]
pub(in crate::caldav) struct Memory(Mutex<BTreeMap<(i64, Behaviour), Option<Zone>>>);

impl Memory {
    fn place(&self, behaviour: Behaviour, span: TimeRange) -> Option<Zone> {
        let key = (span.start().as_second(), behaviour);
        let known = self.0.lock().ok().and_then(|known| known.get(&key).cloned());
        known.unwrap_or_else(|| {
            let found = key.1.place(span);
            if let Ok(mut known) = self.0.lock() {
                known.insert(key, found.clone());
            }
            found
        })
    }
}

/// What times without a zone mean, and what was learned about zones.
#[derive(Debug, Default)]
pub(in crate::caldav) struct Home {
    /// The calendar's zone, where it states one.
    pub calendar: Option<Zone>,
    /// The owner's.
    pub person: Option<Zone>,
    /// See there.
    pub memory: Memory,
}

/// Reads the times of one calendar object.
pub(in crate::caldav) struct Zones<'a> {
    definitions: &'a [Component],
    home: &'a Home,
    span: TimeRange,
}

impl<'a> Zones<'a> {
    /// `definitions` are the object's VTIMEZONEs; `around` is the time that is asked for.
    pub(in crate::caldav) fn new(definitions: &'a [Component], home: &'a Home, around: TimeRange) -> Self {
        let start = around.start().checked_sub(AROUND).unwrap_or(Timestamp::MIN);
        let end = around.end().checked_add(AROUND).unwrap_or(Timestamp::MAX);
        Self { definitions, home, span: TimeRange::new(start, end).unwrap_or(around) }
    }

    /// The zone of a time; `None`: it states none, and no other is known for it.
    pub(in crate::caldav) fn of(&self, when: &When) -> Read<Option<Zone>> {
        let Home { calendar, person, .. } = self.home;
        match when {
            When::Utc(_) => Ok(Some(Zone::utc())),
            When::Local(_, Some(name)) => self.named(name).map(Some),
            When::Local(_, None) => Ok(calendar.as_ref().or(person.as_ref()).cloned()),
            When::Date(_) => Ok(person.as_ref().or(calendar.as_ref()).cloned()),
        }
    }

    /// The instant of a time; without a zone, as if it were in UTC.
    pub(in crate::caldav) fn instant(&self, when: &When) -> Read<Timestamp> {
        let zone = self.of(when)?.unwrap_or_else(Zone::utc);
        match when {
            When::Utc(at) => Ok(*at),
            When::Local(at, _) => instant(*at, &zone),
            When::Date(date) => midnight(*date, &zone),
        }
    }

    /// The zone of a TZID.
    fn named(&self, name: &str) -> Read<Zone> {
        let definition = self.definitions.iter().find(|known| known.line("TZID").is_some_and(|id| id.value.trim() == name));
        let location = || definition.and_then(|known| place(&known.text("X-LIC-LOCATION")?));
        if let Some(zone) = place(name).or_else(location) {
            return Ok(zone);
        }
        let behaviour = match (definition, TimeZone::get(name)) {
            (Some(definition), _) => Behaviour::read(definition, self.span)?,
            // In the database, though no place: `EST5EDT`.
            (None, Ok(rules)) => Behaviour::of(&rules, self.span),
            (None, Err(_)) => return Err(UNKNOWN),
        };
        self.home.memory.place(behaviour, self.span).ok_or(UNKNOWN)
    }
}

/// The zone of a text such as a server's `calendar-timezone`: one VTIMEZONE.
pub(in crate::caldav) fn of_definition(roots: &[Component], around: TimeRange) -> Read<Option<Zone>> {
    let definitions: Vec<Component> =
        roots.iter().flat_map(|root| &root.children).filter(|child| child.name == "VTIMEZONE").cloned().collect();
    let Some(name) = definitions.first().and_then(|known| known.text("TZID")) else { return Ok(None) };
    Zones::new(&definitions, &Home::default(), around).named(name.trim()).map(Some)
}

/// A name that says the place: IANA's, Windows', or IANA's behind a vendor's path (`/mozilla.org/20050126_1/Europe/Berlin`).
pub(in crate::caldav) fn place(name: &str) -> Option<Zone> {
    let name = name.trim();
    if let Some(path) = name.strip_prefix('/') {
        return path.match_indices('/').find_map(|(at, _)| Zone::new(&path[at + 1..]).ok());
    }
    Zone::new(name).ok().or_else(|| Zone::new(windows::place(name)?).ok())
}

/// When a day begins, which is not always midnight.
pub(in crate::caldav) fn midnight(date: Date, zone: &Zone) -> Read<Timestamp> {
    instant(date.to_datetime(Time::midnight()), zone)
}

/// The instant of a wall clock (section 3.3.5).
pub(in crate::caldav) fn instant(at: jiff::civil::DateTime, zone: &Zone) -> Read<Timestamp> {
    zone.time_zone().to_ambiguous_timestamp(at).compatible().map_err(|_| Unreadable("a time lies outside of the years that exist"))
}

#[cfg(test)]
mod tests {
    use super::{super::component, *};

    fn around() -> TimeRange {
        TimeRange::new("2026-03-01T00:00:00Z".parse().unwrap(), "2026-04-01T00:00:00Z".parse().unwrap()).unwrap()
    }

    fn named(name: &str, definitions: &[Component]) -> Read<Zone> {
        Zones::new(definitions, &Home::default(), around()).named(name)
    }

    fn definition(lines: &str) -> Vec<Component> {
        component::read(format!("BEGIN:VTIMEZONE\n{lines}\nEND:VTIMEZONE\n").as_bytes()).unwrap()
    }

    #[test]
    fn names_are_read_as_clients_write_them() {
        for (name, place) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("america/new_york", "America/New_York"),
            ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
            ("/mozilla.org/20050126_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("/citadel.org/20210210_1/Asia/Tokyo", "Asia/Tokyo"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("UTC", "UTC"),
        ] {
            assert_eq!(named(name, &[]).unwrap().name(), place);
        }
    }

    #[test]
    fn an_unknown_name_is_looked_up_in_its_definition_or_fails() {
        assert_eq!(named("Customized Time Zone", &[]), Err(UNKNOWN));
        let location = definition("TZID:Mine\nX-LIC-LOCATION:Europe/Madrid");
        assert_eq!(named("Mine", &location).unwrap().name(), "Europe/Madrid");
        assert_eq!(named("Yours", &location), Err(UNKNOWN));
        let fixed =
            definition("TZID:India\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0530\nTZOFFSETTO:+0530\nEND:STANDARD");
        let india = named("India", &fixed).unwrap();
        assert_eq!(india.time_zone().to_offset(around().start()).seconds(), 19_800);
        let nowhere =
            definition("TZID:Nowhere\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0117\nTZOFFSETTO:+0117\nEND:STANDARD");
        assert_eq!(named("Nowhere", &nowhere), Err(UNKNOWN));
        assert!(named("Empty", &definition("TZID:Empty")).is_err());
    }

    #[test]
    fn what_the_database_has_without_a_place_becomes_one() {
        let east = named("EST5EDT", &[]).unwrap();
        let summer: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
        assert_eq!((east.time_zone().to_offset(summer).seconds(), east.name().contains('/')), (-14_400, true));
    }

    #[test]
    fn days_are_the_persons_and_floating_times_the_calendars() {
        let zone = |name| Zone::new(name).ok();
        let home = Home { calendar: zone("Asia/Tokyo"), person: zone("Europe/Berlin"), ..Home::default() };
        let (date, local) =
            (When::Date(jiff::civil::date(2026, 3, 1)), When::Local(jiff::civil::date(2026, 3, 1).at(9, 0, 0, 0), None));
        let zones = Zones::new(&[], &home, around());
        assert_eq!((zones.of(&date).unwrap(), zones.of(&local).unwrap()), (zone("Europe/Berlin"), zone("Asia/Tokyo")));
        let nowhere = Home::default();
        let zones = Zones::new(&[], &nowhere, around());
        assert_eq!((zones.of(&date).unwrap(), zones.of(&local).unwrap()), (None, None));
    }
}
