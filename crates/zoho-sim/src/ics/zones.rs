//! Zone names in files: IANA names, names behind a path of the writing program, names of Windows, and names that only
//! the file's own VTIMEZONE explains by its X-LIC-LOCATION. The offsets written in a VTIMEZONE are never used: they
//! were true for the writer at that time only.

use std::collections::BTreeMap;

use super::{IcsError, lines::Line};
use crate::calendar::times;

/// The zones of one file.
pub struct Zones {
    /// Zone of times that name none.
    pub default: String,
    /// IANA names by TZID.
    named: BTreeMap<String, String>,
}

impl Zones {
    /// Reads the file's VTIMEZONE components.
    pub fn new(default: &str, components: &[Vec<&Line>]) -> Result<Self, IcsError> {
        let mut named = BTreeMap::new();
        for component in components {
            let find = |name: &str| component.iter().find(|line| line.name == name);
            let Some(id) = find("TZID") else {
                let line = component.first().map_or(1, |line| line.number);
                return Err(IcsError::at(line, "this VTIMEZONE has no TZID"));
            };
            if let Some(zone) = find("X-LIC-LOCATION").and_then(|place| known(place.value.trim())) {
                named.insert(id.value.trim().to_owned(), zone);
            }
        }
        Ok(Self { default: default.to_owned(), named })
    }

    /// The IANA name for a TZID.
    pub fn resolve(&self, id: &str, line: usize) -> Result<String, IcsError> {
        let id = id.trim();
        let found = known(id).or_else(|| self.named.get(id).cloned()).or_else(|| behind_a_path(id)).or_else(|| windows(id));
        found.ok_or_else(|| {
            let sentence = format!(
                "the time zone {id:?} is neither an IANA name nor one that Windows is known for, so the time cannot be placed"
            );
            IcsError::at(line, sentence)
        })
    }
}

fn known(name: &str) -> Option<String> {
    times::zone(name)?.iana_name().map(str::to_owned)
}

/// `/freeassociation.sourceforge.net/Europe/Madrid` and its kin.
fn behind_a_path(id: &str) -> Option<String> {
    let (_, mut rest) = id.strip_prefix('/')?.split_once('/')?;
    loop {
        if rest.contains('/')
            && let Some(zone) = known(rest)
        {
            return Some(zone);
        }
        rest = rest.split_once('/')?.1;
    }
}

fn windows(id: &str) -> Option<String> {
    let id = id.trim_matches('"');
    WINDOWS.iter().find(|(name, _)| name.eq_ignore_ascii_case(id)).map(|(_, iana)| (*iana).to_owned())
}

/// The zones of Windows that calendars of Outlook and Exchange carry, after Unicode CLDR's table (territory 001).
const WINDOWS: [(&str, &str); 66] = [
    ("Dateline Standard Time", "Etc/GMT+12"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("Pacific Standard Time (Mexico)", "America/Tijuana"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Mountain Standard Time", "America/Denver"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Canada Central Standard Time", "America/Regina"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("Eastern Standard Time", "America/New_York"),
    ("US Eastern Standard Time", "America/Indianapolis"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("Paraguay Standard Time", "America/Asuncion"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Buenos_Aires"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("Montevideo Standard Time", "America/Montevideo"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("Cape Verde Standard Time", "Atlantic/Cape_Verde"),
    ("UTC", "Etc/UTC"),
    ("Coordinated Universal Time", "Etc/UTC"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Georgian Standard Time", "Asia/Tbilisi"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("West Asia Standard Time", "Asia/Tashkent"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Sri Lanka Standard Time", "Asia/Colombo"),
    ("Nepal Standard Time", "Asia/Katmandu"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
];
