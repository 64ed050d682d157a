//! Time zone names as Zoho writes them: mostly IANA, sometimes a legacy short name of old Java programs.

use domain::Zone;

/// Short names whose place is beyond doubt. `EST`, `MST` and `HST` are offsets in the zone database, `BST` is two places: not here.
const LEGACY: [(&str, &str); 15] = [
    ("PST", "America/Los_Angeles"),
    ("PDT", "America/Los_Angeles"),
    ("PST8PDT", "America/Los_Angeles"),
    ("MST7MDT", "America/Denver"),
    ("CST6CDT", "America/Chicago"),
    ("EST5EDT", "America/New_York"),
    ("IST", "Asia/Kolkata"),
    ("JST", "Asia/Tokyo"),
    ("CTT", "Asia/Shanghai"),
    ("PLT", "Asia/Karachi"),
    ("VST", "Asia/Ho_Chi_Minh"),
    ("AET", "Australia/Sydney"),
    ("ECT", "Europe/Paris"),
    ("BET", "America/Sao_Paulo"),
    ("AGT", "America/Argentina/Buenos_Aires"),
];

/// The zone of that name, or `None` where it cannot be known.
pub(super) fn zone(name: &str) -> Option<Zone> {
    let name = name.trim();
    let place = LEGACY.iter().find(|(short, _)| short.eq_ignore_ascii_case(name)).map_or(name, |(_, place)| place);
    Zone::new(place).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_names_are_places_and_the_rest_is_iana_or_unknown() {
        assert_eq!(zone("Europe/Madrid").unwrap().name(), "Europe/Madrid");
        assert_eq!(zone("PST").unwrap().name(), "America/Los_Angeles");
        assert_eq!(zone("GMT").unwrap().wall_clock(jiff::Timestamp::UNIX_EPOCH).hour(), 0);
        for unknown in ["", "EST", "BST", "GMT+05:30", "Mars/Olympus"] {
            assert!(zone(unknown).is_none(), "{unknown}");
        }
        for (short, place) in LEGACY {
            assert_eq!(zone(short).unwrap().name(), place);
        }
    }
}
