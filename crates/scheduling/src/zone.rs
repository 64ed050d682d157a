//! Time zones as people state them: IANA names of places. An offset is no zone, since it does not know when clocks change.

use std::{fmt, hash, str::FromStr, sync::Arc};

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::{AmbiguousTimestamp, TimeZone},
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{TimeOfDay, TimeRange};

/// An IANA zone such as `Europe/Berlin`. Equal when the names are.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: Arc<str>,
    rules: TimeZone,
}

/// Why a name is no zone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ZoneError {
    /// Not in the zone database.
    #[error("`{name}` is not a time zone: use an IANA name such as Europe/Berlin or America/New_York")]
    Unknown {
        /// What was given, at most 64 characters of it.
        name: String,
    },
    /// In the database, but without a place: an offset, a POSIX rule, or whatever this machine is set to.
    #[error("`{name}` does not say where: clocks change by place, so use a city's IANA name such as Europe/Berlin, or UTC")]
    NoPlace {
        /// What was given.
        name: String,
    },
}

impl Zone {
    /// The zone of that IANA name; letter case does not matter.
    pub fn new(name: &str) -> Result<Self, ZoneError> {
        let shown = || name.chars().take(64).collect::<String>();
        if is_placeless(name) {
            return Err(ZoneError::NoPlace { name: shown() });
        }
        let rules = TimeZone::get(name).map_err(|_| ZoneError::Unknown { name: shown() })?;
        match rules.iana_name() {
            Some(canonical) if !rules.is_unknown() => Ok(Self { name: canonical.into(), rules: rules.clone() }),
            _ => Err(ZoneError::NoPlace { name: shown() }),
        }
    }

    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), rules: TimeZone::UTC }
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For formatting and for arithmetic with jiff.
    pub const fn time_zone(&self) -> &TimeZone {
        &self.rules
    }

    /// What the clock on the wall shows there.
    pub fn wall_clock(&self, at: Timestamp) -> DateTime {
        self.rules.to_datetime(at)
    }

    /// The date there.
    pub fn date(&self, at: Timestamp) -> Date {
        self.wall_clock(at).date()
    }

    /// When the wall clock there shows `time` on `date`; 24:00 is midnight of the next day. A time that the clocks skip is moved
    /// forward by the length of the gap, of a time that comes twice the first is meant (RFC 5545, section 3.3.5). `None` beyond year 9999.
    pub fn instant(&self, date: Date, time: TimeOfDay) -> Option<Timestamp> {
        self.readings(date, time)?.compatible().ok()
    }

    /// The day from midnight to midnight, 23 or 25 hours where clocks change. `None` for a day that the zone left out (Apia had no
    /// 30 December 2011), and beyond year 9999.
    pub fn day(&self, date: Date) -> Option<TimeRange> {
        let start = self.instant(date, TimeOfDay::MIDNIGHT)?;
        let end = self.instant(date, TimeOfDay::END_OF_DAY)?;
        // Both midnights of a day that was left out are the same instant.
        TimeRange::new(start, end).ok()
    }

    /// Every instant that may be meant by a wall-clock time.
    pub(crate) fn readings(&self, date: Date, time: TimeOfDay) -> Option<AmbiguousTimestamp> {
        Some(self.rules.to_ambiguous_timestamp(time.on(date)?))
    }
}

/// Names in the database that are offsets, POSIX rules or machine settings. Names of places have no digits.
fn is_placeless(name: &str) -> bool {
    const PSEUDO: [&str; 10] =
        ["est", "mst", "hst", "local", "localtime", "system", "factory", "posixrules", "etc/unknown", "posix"];
    let name = name.to_ascii_lowercase();
    let tree = name.starts_with("posix/") || name.starts_with("right/") || name.starts_with("systemv/");
    tree || name.contains(|letter: char| letter.is_ascii_digit()) || PSEUDO.contains(&name.as_str())
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, ZoneError> {
        Self::new(name)
    }
}

impl TryFrom<String> for Zone {
    type Error = ZoneError;

    fn try_from(name: String) -> Result<Self, ZoneError> {
        Self::new(&name)
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name.as_ref().to_owned()
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl hash::Hash for Zone {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Zone({})", self.name)
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn zone(name: &str) -> Zone {
        Zone::new(name).unwrap()
    }

    #[test]
    fn takes_places_and_utc() {
        for name in [
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Australia/Lord_Howe",
            "Asia/Kolkata",
            "Asia/Calcutta",
            "UTC",
            "Etc/UTC",
        ] {
            assert_eq!(zone(name).name(), name);
        }
        assert_eq!(zone("europe/berlin"), zone("Europe/Berlin"));
        assert_eq!(zone("UTC"), Zone::utc());
    }

    #[test]
    fn refuses_what_names_no_place_and_says_what_to_write() {
        for name in [
            "+02:00",
            "UTC+2",
            "Etc/GMT+5",
            "GMT0",
            "EST",
            "EST5EDT",
            "CET-1CEST,M3.5.0,M10.5.0/3",
            "local",
            "localtime",
            "Factory",
            "posix/Europe/Berlin",
            "Etc/Unknown",
        ] {
            let error = Zone::new(name).unwrap_err();
            assert!(matches!(error, ZoneError::NoPlace { .. }), "{name}: {error}");
            assert!(error.to_string().contains(name) && error.to_string().contains("Europe/Berlin"), "{error}");
        }
        for name in ["", "Europe/Atlantis", "Berlin", "../etc/passwd", "/etc/localtime", "Zürich", " Europe/Berlin"] {
            assert!(matches!(Zone::new(name), Err(ZoneError::Unknown { .. })), "{name}: {:?}", Zone::new(name));
        }
        assert!(Zone::new(&"x".repeat(10_000)).unwrap_err().to_string().len() < 200);
    }

    #[test]
    fn travels_as_its_name() {
        assert_eq!(serde_json::to_string(&zone("europe/london")).unwrap(), "\"Europe/London\"");
        assert_eq!(serde_json::from_str::<Zone>("\"Europe/London\"").unwrap(), zone("Europe/London"));
        assert!(serde_json::from_str::<Zone>("\"Mars/Olympus\"").unwrap_err().to_string().contains("Mars/Olympus"));
    }

    #[test]
    fn days_have_the_hours_they_have() {
        let hours = |name: &str, date: Date| zone(name).day(date).map(TimeRange::minutes);
        assert_eq!(hours("Europe/Berlin", date(2026, 3, 29)), Some(23 * 60));
        assert_eq!(hours("Europe/Berlin", date(2026, 10, 25)), Some(25 * 60));
        assert_eq!(hours("Europe/Berlin", date(2026, 11, 23)), Some(24 * 60));
        assert_eq!(hours("Australia/Lord_Howe", date(2026, 4, 5)), Some(24 * 60 + 30));
        // The clocks of Santiago skip midnight: the day begins at 01:00.
        assert_eq!(hours("America/Santiago", date(2026, 9, 6)), Some(23 * 60));
        assert_eq!(hours("Pacific/Apia", date(2011, 12, 29)), Some(24 * 60));
        assert_eq!(hours("Pacific/Apia", date(2011, 12, 30)), None);
        assert_eq!(hours("Pacific/Apia", date(2011, 12, 31)), Some(24 * 60));
        assert_eq!(hours("UTC", Date::MAX), None);
    }

    #[test]
    fn skipped_times_move_on_and_repeated_times_are_the_first() {
        let berlin = zone("Europe/Berlin");
        let at = |date: Date, time: &str| berlin.instant(date, time.parse().unwrap()).unwrap().to_string();
        assert_eq!(at(date(2026, 3, 29), "02:30"), "2026-03-29T01:30:00Z");
        assert_eq!(at(date(2026, 10, 25), "02:30"), "2026-10-25T00:30:00Z");
        assert_eq!(at(date(2026, 10, 25), "24:00"), "2026-10-25T23:00:00Z");
    }
}
