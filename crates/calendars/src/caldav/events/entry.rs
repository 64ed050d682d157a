//! What a VEVENT says besides its time. Whatever could be busy is busy.

use std::collections::BTreeSet;

use domain::{TimeRange, Timestamp};
use jiff::ToSpan;
use ports::calendar::Event;

use crate::caldav::ical::{Read, Unreadable, component::Component, lines::Line};

/// The resource an event came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::caldav) struct Source {
    /// The last segment of its path: the event's uid to callers.
    pub name: String,
    /// Its etag, as the server wrote it.
    pub etag: Option<String>,
}

/// The event of one occurrence.
pub(super) fn event(
    source: &Source,
    event: &Component,
    (from, to): (Timestamp, Timestamp),
    all_day: bool,
    own: &BTreeSet<String>,
) -> Read<Event> {
    // A reminder has no length. It keeps its minute rather than none.
    let to = if from == to { to.checked_add(1.minute()).unwrap_or(to) } else { to };
    let range = TimeRange::new(from, to).map_err(|_| Unreadable("an event ends before it starts"))?;
    let declined = is_declined(event, own);
    Ok(Event {
        uid: source.name.clone(),
        etag: source.etag.clone(),
        range,
        all_day,
        busy: !event.says("TRANSP", "TRANSPARENT") && !event.says("STATUS", "CANCELLED") && !declined,
        declined,
        private: event.line("CLASS").is_some_and(|class| class.says("PRIVATE") || class.says("CONFIDENTIAL")),
        title: event.text("SUMMARY").unwrap_or_default(),
        description: event.text("DESCRIPTION"),
        url: event.line("URL").map(|line| line.value.trim().to_owned()).filter(|url| !url.is_empty()),
        view_url: None,
        meeting_url: None,
        recurrence: None,
    })
}

/// Whether it must be known whose calendar it is: somebody declined.
pub(super) fn needs_owner(event: &Component) -> bool {
    declined(event).next().is_some()
}

fn declined(event: &Component) -> impl Iterator<Item = &Line> {
    let no = |line: &&Line| line.param("PARTSTAT").is_some_and(|answer| answer.eq_ignore_ascii_case("DECLINED"));
    event.all("ATTENDEE").filter(no)
}

/// Whether the owner declined: an attendee with one of their addresses did.
fn is_declined(event: &Component, own: &BTreeSet<String>) -> bool {
    let is_owner = |line: &Line| {
        let email = line.param("EMAIL").map(|email| format!("mailto:{email}"));
        email.into_iter().chain([line.value.clone()]).any(|address| own.contains(&address_key(&address)))
    };
    declined(event).any(is_owner)
}

/// A calendar user address in the one form in which it is compared.
pub(in crate::caldav) fn address_key(address: &str) -> String {
    address.trim().trim_end_matches('/').to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caldav::ical::component;

    fn read(lines: &str) -> Event {
        let roots = component::read(format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT\n").as_bytes()).unwrap();
        let at: Timestamp = "2026-03-10T09:00:00Z".parse().unwrap();
        let source = Source { name: "a.ics".to_owned(), etag: None };
        event(&source, &roots[0], (at, at), false, &BTreeSet::from(["mailto:ana@example.com".to_owned()])).unwrap()
    }

    #[test]
    fn only_what_is_surely_free_is_free() {
        let declined_by =
            |who: &str| format!("ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.net\nATTENDEE;PARTSTAT=DECLINED:{who}");
        for lines in [
            "SUMMARY:x".to_owned(),
            "TRANSP:OPAQUE".to_owned(),
            "TRANSP:perhaps".to_owned(),
            "STATUS:TENTATIVE".to_owned(),
            "CLASS:PRIVATE".to_owned(),
            "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ana@example.com".to_owned(),
            declined_by("mailto:bob@example.com"),
        ] {
            assert!(read(&lines).busy, "{lines}");
        }
        for lines in [
            "TRANSP:transparent".to_owned(),
            "STATUS:CANCELLED".to_owned(),
            declined_by("MAILTO:Ana@Example.com"),
            "ATTENDEE;PARTSTAT=DECLINED;EMAIL=ana@example.com:/principals/ana/".to_owned(),
        ] {
            assert!(!read(&lines).busy, "{lines}");
        }
    }

    #[test]
    fn an_event_without_length_keeps_a_minute_and_a_private_one_says_so() {
        let event = read("CLASS:confidential\nSUMMARY:a\\, b\nURL:https://example.com/interviews/int_1\nDESCRIPTION:");
        assert_eq!((event.range.minutes(), event.private, event.title.as_str()), (1, true, "a, b"));
        assert_eq!((event.url.as_deref(), event.description), (Some("https://example.com/interviews/int_1"), None));
    }
}
