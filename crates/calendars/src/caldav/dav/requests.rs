//! Bodies of PROPFIND (RFC 4918 section 9.1) and of `calendar-query` (RFC 4791 section 7.8). Nothing in them comes from people.

use domain::Timestamp;

use crate::caldav::ical::times::utc;

const NAMES: &str = r#"xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/""#;

/// Asks for properties; each is named with its prefix: `d`, `c` or `s`.
pub(in crate::caldav) fn propfind(props: &[&str]) -> String {
    let props = props.join("/><");
    format!(r#"<?xml version="1.0" encoding="utf-8"?><d:propfind {NAMES}><d:prop><{props}/></d:prop></d:propfind>"#)
}

/// Asks for whole objects with an event that overlaps a time. `expand` is never asked for: servers get it wrong around clock changes.
pub(in crate::caldav) fn calendar_query(from: Timestamp, to: Timestamp) -> String {
    let (from, to) = (utc(from), utc(to));
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?><c:calendar-query {NAMES}><d:prop><d:getetag/><c:calendar-data/></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT"><c:time-range start="{from}" end="{to}"/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_well_formed() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let query = calendar_query(at("2026-03-10T09:00:00.9Z"), at("2026-03-11T00:00:00Z"));
        assert!(query.contains(r#"<c:time-range start="20260310T090000Z" end="20260311T000000Z"/>"#), "{query}");
        for body in [query, propfind(&["d:displayname", "s:getctag"])] {
            assert!(roxmltree::Document::parse(&body).is_ok(), "{body}");
        }
    }
}
