//! The text of calendar objects that are written: a new one, and one whose time changes while every other byte stays.
//!
//! Times are written in UTC. An interview is an instant; in UTC it needs no VTIMEZONE that a server or a client could read otherwise,
//! and programs show it in the zone of whoever looks.

use domain::{TimeRange, Timestamp};
use ports::calendar::EventDraft;

use crate::caldav::ical::{
    Read, Unreadable,
    component::{self, Component},
    lines::{Line, escape, write},
    times::utc,
};

/// A new object.
pub(super) fn new_object(uid: &str, draft: &EventDraft, now: Timestamp) -> String {
    let mut text = String::new();
    let mut put = |name: &str, value: &str| text.push_str(&write(name, value));
    put("BEGIN", "VCALENDAR");
    put("VERSION", "2.0");
    put("PRODID", "-//Greenroom//Greenroom//EN");
    put("BEGIN", "VEVENT");
    put("UID", uid);
    put("DTSTAMP", &utc(now));
    put("DTSTART", &utc(draft.range.start()));
    put("DTEND", &utc(draft.range.end()));
    put("SUMMARY", &escape(&draft.title));
    for (name, value) in [("DESCRIPTION", Some(&draft.description)), ("LOCATION", draft.location.as_ref())] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            put(name, &escape(value));
        }
    }
    // A URI is a value as it is (section 3.3.13); what is none of a URI's letters is left out.
    if let Some(url) = &draft.url {
        put("URL", &url.chars().filter(|letter| !letter.is_control() && !letter.is_whitespace()).collect::<String>());
    }
    put("STATUS", "CONFIRMED");
    put("TRANSP", "OPAQUE");
    put("END", "VEVENT");
    put("END", "VCALENDAR");
    text
}

/// The UID of the event in an object.
pub(super) fn uid(text: &[u8]) -> Read<Option<String>> {
    Ok(component::read(text)?
        .iter()
        .flat_map(|root| &root.children)
        .find(|child| child.name == "VEVENT")
        .and_then(|event| event.text("UID")))
}

/// The object with its event at another time. One that recurs is refused: which occurrence would be meant?
pub(super) fn moved(text: &[u8], range: TimeRange, now: Timestamp) -> Read<Vec<u8>> {
    let roots = component::read(text)?;
    let mut events = roots.iter().flat_map(|root| &root.children).filter(|child| child.name == "VEVENT");
    let (Some(event), None) = (events.next(), events.next()) else {
        return Err(Unreadable("the object is not exactly one event"));
    };
    if ["RRULE", "RDATE", "RECURRENCE-ID"].iter().any(|name| event.line(name).is_some()) {
        return Err(Unreadable("the event recurs"));
    }
    let start = event.line("DTSTART").ok_or(Unreadable("an event has no start"))?;
    let mut edits: Vec<(&Line, String)> = vec![(start, write("DTSTART", &utc(range.start())) + &write("DTEND", &utc(range.end())))];
    edits.extend(event.lines.iter().filter(|line| is_time(line, start)).map(|line| (line, String::new())));
    edits.extend(versions(event, now));
    edits.sort_by_key(|(line, _)| line.span.start);
    let mut out = Vec::with_capacity(text.len() + 128);
    let mut at = 0;
    for (line, replacement) in edits {
        out.extend_from_slice(&text[at..line.span.start]);
        let bare = !text[line.span.clone()].ends_with(b"\r\n");
        out.extend_from_slice(if bare { replacement.replace("\r\n", "\n") } else { replacement }.as_bytes());
        at = line.span.end;
    }
    out.extend_from_slice(&text[at..]);
    Ok(out)
}

/// What says when it is, besides the DTSTART that is replaced.
fn is_time(line: &Line, start: &Line) -> bool {
    matches!(line.name.as_str(), "DTSTART" | "DTEND" | "DURATION") && line.span != start.span
}

/// What says which version of the event it is (RFC 5545 section 3.8.7), where the event has it.
fn versions(event: &Component, now: Timestamp) -> impl Iterator<Item = (&Line, String)> {
    event.lines.iter().filter_map(move |line| match line.name.as_str() {
        name @ ("DTSTAMP" | "LAST-MODIFIED") => Some((line, write(name, &utc(now)))),
        "SEQUENCE" => {
            let next = line.value.trim().parse::<i64>().ok()?.checked_add(1)?;
            Some((line, write("SEQUENCE", &next.to_string())))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use domain::Zone;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn range() -> TimeRange {
        TimeRange::new(at("2026-03-10T09:00:00Z"), at("2026-03-10T09:45:00Z")).unwrap()
    }

    const EVENT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nX-WR-CALNAME;X-A=\"b;c\":Ana\r\nBEGIN:VEVENT\r\nUID:a\r\nSEQUENCE:4\r\nDTSTART;TZID=\r\n Europe/Berlin:20260309T100000\r\nSUMMARY:Caf\r\n é\r\nDURATION:PT1H\r\nDTSTAMP:20260101T000000Z\r\nX-FOO;X-BAR=1:x:y;z\r\nBEGIN:VALARM\r\nTRIGGER:-PT15M\r\nDURATION:PT5M\r\nEND:VALARM\r\nATTENDEE;CN=\"Doe, J\":mailto:j@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    #[test]
    fn only_the_time_and_the_version_change() {
        let expected = EVENT
            .replace(
                "DTSTART;TZID=\r\n Europe/Berlin:20260309T100000\r\n",
                "DTSTART:20260310T090000Z\r\nDTEND:20260310T094500Z\r\n",
            )
            .replace("é\r\nDURATION:PT1H\r\n", "é\r\n")
            .replace("DTSTAMP:20260101T000000Z", "DTSTAMP:20260302T080000Z")
            .replace("SEQUENCE:4", "SEQUENCE:5");
        let now = at("2026-03-02T08:00:00Z");
        let written = moved(EVENT.as_bytes(), range(), now).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), expected);
        let bare = moved(EVENT.replace("\r\n", "\n").as_bytes(), range(), now).unwrap();
        assert_eq!(String::from_utf8(bare).unwrap(), expected.replace("\r\n", "\n"), "breaks stay as they are");
    }

    #[test]
    fn what_recurs_is_not_moved() {
        for more in ["RRULE:FREQ=DAILY\r\n", "RDATE:20260311T100000Z\r\n", "RECURRENCE-ID:20260311T100000Z\r\n"] {
            let text = EVENT.replace("UID:a\r\n", &format!("UID:a\r\n{more}"));
            assert!(moved(text.as_bytes(), range(), at("2026-03-02T08:00:00Z")).is_err(), "{more}");
        }
        let two = EVENT.replace("END:VCALENDAR", "BEGIN:VEVENT\r\nDTSTART:20260311T100000Z\r\nEND:VEVENT\r\nEND:VCALENDAR");
        assert!(moved(two.as_bytes(), range(), at("2026-03-02T08:00:00Z")).is_err());
        assert!(moved(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", range(), at("2026-03-02T08:00:00Z")).is_err());
    }

    #[test]
    fn a_new_object_says_what_the_draft_says() {
        let draft = EventDraft {
            title: "Interview with Zoë, MD; second".to_owned(),
            description: "Line 1\nhttps://example.com/interviews/int_1".to_owned(),
            location: None,
            url: Some("https://example.com/interviews/int_1\r\nX-EVIL:1".to_owned()),
            range: range(),
            zone: Zone::new("Europe/Berlin").unwrap(),
            make_meeting: false,
        };
        let text = new_object("greenroom-int_1", &draft, at("2026-03-02T08:00:00Z"));
        let roots = component::read(text.as_bytes()).unwrap();
        let event = &roots[0].children[0];
        assert_eq!(uid(text.as_bytes()).unwrap().as_deref(), Some("greenroom-int_1"));
        assert_eq!(event.text("SUMMARY").as_deref(), Some(draft.title.as_str()));
        assert_eq!(event.text("DESCRIPTION").as_deref(), Some(draft.description.as_str()));
        assert_eq!(event.line("DTEND").unwrap().value, "20260310T094500Z");
        assert!(event.line("X-EVIL").is_none() && event.line("LOCATION").is_none(), "{text}");
    }
}
