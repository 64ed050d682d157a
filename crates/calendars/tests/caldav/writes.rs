//! Writes: what is sent, what is kept, and what an unclear end says of itself.

use ports::{
    CalendarProvider,
    calendar::{EventDraft, EventPatch, FailureClass, ListMode},
};

use crate::server::{Seen, WORK, World, draft, march, multistatus, object, plain, range, world};

const NAME: &str = "greenroom-int_0199aaaabbbbccccdddd.ics";

fn patch(etag: &str) -> EventPatch {
    EventPatch { range: range("2026-03-12T14:00:00Z", "2026-03-12T14:45:00Z"), zone: draft().zone, etag: etag.to_owned() }
}

fn last(world: &World, method: &str) -> Seen {
    world.state.seen().into_iter().rfind(|seen| seen.method == method).unwrap()
}

#[tokio::test]
async fn an_event_is_made_once_and_found_by_its_marker() {
    let world = world().await;
    let made = world.caldav.create(&world.access, WORK, &draft()).await.unwrap();
    assert_eq!((made.uid.as_str(), made.etag.as_str()), (NAME, "\"v1\""));
    let put = last(&world, "PUT");
    assert_eq!((put.header("if-none-match"), put.header("content-type")), ("*", "text/calendar; charset=utf-8"));
    let text = world.state.text(NAME).unwrap();
    assert!(text.contains("\r\nDTSTART:20260310T090000Z\r\nDTEND:20260310T094500Z\r\n") && !text.contains("ATTENDEE"), "{text}");
    assert!(text.contains("\r\nDTSTAMP:20260302T080000Z\r\n") && text.ends_with("END:VCALENDAR\r\n"), "{text}");
    assert_eq!(world.caldav.create(&world.access, WORK, &draft()).await.unwrap(), made, "a repeat answers with what is there");
    let found = world.caldav.events(&world.access, WORK, march(), ListMode::WithDescription).await.unwrap();
    assert_eq!((found.len(), found[0].url.clone(), found[0].range), (1, draft().url, draft().range));
    assert_eq!(found[0].title, draft().title);
}

#[tokio::test]
async fn a_name_that_something_else_has_is_not_taken_for_ours() {
    let world = world().await;
    world.state.put(NAME, &object("DTSTART:20260310T090000Z"));
    assert_eq!(world.caldav.create(&world.access, WORK, &draft()).await.unwrap_err().class, FailureClass::Refused);
    let meeting = EventDraft { make_meeting: true, ..draft() };
    assert_eq!(world.caldav.create(&world.access, WORK, &meeting).await.unwrap_err().class, FailureClass::Refused);
}

#[tokio::test]
async fn an_event_that_was_renamed_is_found_by_its_uid() {
    let world = world().await;
    let made = world.caldav.create(&world.access, WORK, &draft()).await.unwrap();
    let text = world.state.text(&made.uid).unwrap();
    world.state.put("other.ics", &text);
    for (href, found) in [
        (format!("{WORK}other.ics"), true),
        ("/dav/bob/work/other.ics".to_owned(), false),
        ("http://example.org/other.ics".to_owned(), false),
    ] {
        let body = format!(
            "<error xmlns=\"DAV:\" xmlns:c=\"urn:ietf:params:xml:ns:caldav\"><c:no-uid-conflict><href>{href}</href></c:no-uid-conflict></error>"
        );
        world.always("PUT", plain(409, &body));
        let answer = world.caldav.create(&world.access, WORK, &draft()).await;
        match answer {
            Ok(written) => assert!(found && written.uid == "other.ics", "{href}"),
            Err(error) => assert!(!found && error.class == FailureClass::Refused && !error.may_have_happened, "{href}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_move_changes_the_time_and_nothing_else() {
    let world = world().await;
    let hers = object(
        "DTSTART;TZID=Europe/Berlin:20260310T100000\nSUMMARY:Caf\n é\nDURATION:PT45M\nX-VENDOR;X-A=\"b;c\":1\nSEQUENCE:2\nBEGIN:VALARM\nTRIGGER:-PT15M\nEND:VALARM",
    );
    world.state.put("a.ics", &hers);
    let moved = world.caldav.reschedule(&world.access, WORK, "a.ics", &patch("\"v1\"")).await.unwrap();
    assert_eq!((moved.uid.as_str(), moved.etag.as_str(), last(&world, "PUT").header("if-match")), ("a.ics", "\"v2\"", "\"v1\""));
    let wanted = hers
        .replace("DTSTART;TZID=Europe/Berlin:20260310T100000\r\n", "DTSTART:20260312T140000Z\r\nDTEND:20260312T144500Z\r\n")
        .replace("DURATION:PT45M\r\n", "")
        .replace("SEQUENCE:2", "SEQUENCE:3");
    assert_eq!(world.state.text("a.ics").unwrap(), wanted);
    world.state.put("weekly.ics", &object("DTSTART:20260310T090000Z\nRRULE:FREQ=WEEKLY"));
    let error = world.caldav.reschedule(&world.access, WORK, "weekly.ics", &patch("\"v1\"")).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Refused, false));
}

#[tokio::test]
async fn somebody_elses_change_is_seen_before_and_during_a_write() {
    let world = world().await;
    world.state.put("a.ics", &object("DTSTART:20260310T090000Z"));
    let stale = patch("\"v0\"");
    assert_eq!(world.caldav.reschedule(&world.access, WORK, "a.ics", &stale).await.unwrap_err().class, FailureClass::Changed);
    assert_eq!(world.caldav.delete(&world.access, WORK, "a.ics", "\"v0\"").await.unwrap_err().class, FailureClass::Changed);
    for etag in ["", " ", "*", "\"v1\"\r\nX: y"] {
        assert_eq!(
            world.caldav.delete(&world.access, WORK, "a.ics", etag).await.unwrap_err().class,
            FailureClass::Changed,
            "{etag:?}"
        );
    }
    world.always("PUT", plain(412, ""));
    let error = world.caldav.reschedule(&world.access, WORK, "a.ics", &patch("\"v1\"")).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Changed, false));
    assert_eq!(
        world.caldav.reschedule(&world.access, WORK, "gone.ics", &patch("\"v1\"")).await.unwrap_err().class,
        FailureClass::Gone
    );
    assert!(world.state.text("a.ics").is_some(), "nothing was written or deleted");
}

#[tokio::test]
async fn what_is_gone_counts_as_deleted_whatever_the_server_calls_it() {
    let world = world().await;
    world.caldav.delete(&world.access, WORK, "gone.ics", "\"v1\"").await.unwrap();
    for status in [200, 204, 404, 410] {
        world.always("DELETE", plain(status, ""));
        world.caldav.delete(&world.access, WORK, "gone.ics", "\"v1\"").await.unwrap();
    }
    for (status, class, unclear) in
        [(207, FailureClass::Protocol, true), (403, FailureClass::Refused, false), (500, FailureClass::Passing, true)]
    {
        world.always("DELETE", plain(status, ""));
        let error = world.caldav.delete(&world.access, WORK, "gone.ics", "\"v1\"").await.unwrap_err();
        assert_eq!((error.class, error.may_have_happened), (class, unclear), "{status}");
    }
}

#[tokio::test]
async fn an_etag_that_is_not_named_is_asked_for_and_an_unclear_write_says_so() {
    let world = world().await;
    world.state.put(NAME, &object("DTSTART:20260310T090000Z"));
    world.always("PUT", plain(201, ""));
    assert_eq!(world.caldav.create(&world.access, WORK, &draft()).await.unwrap().etag, "\"v1\"");
    for status in [404, 500] {
        world.odd(move |seen| match seen.method.as_str() {
            "PUT" => Some(plain(201, "")),
            "PROPFIND" => Some(plain(status, "")),
            _ => None,
        });
        assert!(world.caldav.create(&world.access, WORK, &draft()).await.unwrap_err().may_have_happened, "{status}");
    }
    for (reply, class, unclear) in [
        (plain(302, ""), FailureClass::Protocol, true),
        (multistatus(""), FailureClass::Protocol, true),
        (plain(401, ""), FailureClass::Unauthorized, false),
        (plain(403, ""), FailureClass::Refused, false),
        (plain(404, ""), FailureClass::Gone, false),
        (plain(429, ""), FailureClass::Throttled, false),
        (plain(502, ""), FailureClass::Passing, true),
    ] {
        world.always("PUT", reply.clone());
        let error = world.caldav.create(&world.access, WORK, &draft()).await.unwrap_err();
        assert_eq!((error.class, error.may_have_happened), (class, unclear), "{reply:?}");
    }
}
