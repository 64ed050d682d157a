//! Events as they are read: windows, recurrences, zones, and what fails.

use domain::Zone;
use ports::{
    CalendarProvider,
    calendar::{Access, Event, FailureClass, ListMode},
};

use crate::server::{WORK, World, march, multistatus, object, plain, range, response, world};

async fn instances(world: &World) -> ports::calendar::Answer<Vec<Event>> {
    world.caldav.events(&world.access, WORK, march(), ListMode::Instances).await
}

fn starts(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.range.start().to_string()).collect()
}

#[tokio::test]
async fn the_window_is_asked_for_two_days_wider_and_kept_exactly() {
    let world = world().await;
    world.state.put("a.ics", &object("DTSTART:20260228T230000Z\nDTEND:20260301T000000Z"));
    world.state.put("b.ics", &object("DTSTART:20260228T230000Z\nDTEND:20260301T000001Z"));
    world.state.put("c.ics", &object("DTSTART:20260401T000000Z\nDTEND:20260401T010000Z"));
    let found = instances(&world).await.unwrap();
    assert_eq!(found.iter().map(|event| event.uid.as_str()).collect::<Vec<_>>(), ["b.ics"]);
    assert_eq!(found[0].etag.as_deref(), Some("\"v1\""));
    let asked = world.state.seen().into_iter().find(|seen| seen.method == "REPORT").unwrap();
    assert!(asked.body.contains("start=\"20260227T000000Z\" end=\"20260403T000001Z\""), "{}", asked.body);
    assert!(!asked.body.contains("expand"));
}

#[tokio::test]
async fn a_long_window_is_several_calls_and_what_two_show_is_one() {
    let world = world().await;
    world.state.put("a.ics", &object("DTSTART:20260310T090000Z\nDTEND:20260310T100000Z\nRRULE:FREQ=MONTHLY"));
    let year = range("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let found = world.caldav.events(&world.access, WORK, year, ListMode::Instances).await.unwrap();
    assert_eq!((found.len(), world.state.seen().len()), (10, 5));
}

#[tokio::test]
async fn what_became_of_an_occurrence_is_its_own() {
    let world = world().await;
    let rule = "DTSTART;TZID=Europe/Berlin:20260325T090000\nDTEND;TZID=Europe/Berlin:20260325T100000\nRRULE:FREQ=DAILY;COUNT=6\nSUMMARY:Daily\nEXDATE;VALUE=DATE:20260326";
    let moved =
        "RECURRENCE-ID:20260328T080000Z\nDTSTART:20260328T150000Z\nDTEND:20260328T160000Z\nSUMMARY:Moved\nTRANSP:TRANSPARENT";
    let off = "RECURRENCE-ID;VALUE=DATE:20260330\nDTSTART:20260330T070000Z\nDTEND:20260330T080000Z\nSTATUS:CANCELLED";
    let text = object(&format!("{rule}\nEND:VEVENT\nBEGIN:VEVENT\nUID:x\n{moved}\nEND:VEVENT\nBEGIN:VEVENT\nUID:x\n{off}"));
    world.state.put("a.ics", &text);
    let found = instances(&world).await.unwrap();
    let shown: Vec<_> = found.iter().map(|event| (event.range.start().to_string(), event.title.as_str(), event.busy)).collect();
    let wanted = [
        ("2026-03-25T08:00:00Z", "Daily", true),
        ("2026-03-27T08:00:00Z", "Daily", true),
        ("2026-03-28T15:00:00Z", "Moved", false),
        ("2026-03-29T07:00:00Z", "Daily", true),
        ("2026-03-30T07:00:00Z", "", false),
    ];
    assert_eq!(shown, wanted.map(|(at, title, busy)| (at.to_owned(), title, busy)));
}

#[tokio::test]
async fn of_two_versions_of_an_occurrence_the_newer_counts_and_a_lone_one_is_an_event() {
    let world = world().await;
    let version = |sequence: u32, hour: u32| {
        format!(
            "END:VEVENT\nBEGIN:VEVENT\nUID:x\nSEQUENCE:{sequence}\nRECURRENCE-ID:20260311T090000Z\nDTSTART:20260311T{hour}0000Z\nDTEND:20260311T{hour}3000Z\n"
        )
    };
    let rule = "DTSTART:20260310T090000Z\nDTEND:20260310T093000Z\nRRULE:FREQ=DAILY;COUNT=2\n";
    world.state.put("a.ics", &object(format!("{rule}{}{}", version(2, 15), version(1, 12)).trim()));
    world.state.put("b.ics", &object("RECURRENCE-ID:20260312T090000Z\nDTSTART:20260313T090000Z\nDTEND:20260313T100000Z"));
    let found = instances(&world).await.unwrap();
    assert_eq!(starts(&found), ["2026-03-10T09:00:00Z", "2026-03-11T15:00:00Z", "2026-03-13T09:00:00Z"]);
}

#[tokio::test]
async fn added_dates_and_periods_are_occurrences() {
    let world = world().await;
    world.state.put(
        "a.ics",
        &object("DTSTART:20260310T090000Z\nDURATION:PT30M\nRDATE:20260312T100000Z\nRDATE;VALUE=PERIOD:20260314T100000Z/PT2H"),
    );
    let found = instances(&world).await.unwrap();
    assert_eq!(starts(&found), ["2026-03-10T09:00:00Z", "2026-03-12T10:00:00Z", "2026-03-14T10:00:00Z"]);
    assert_eq!(found.iter().map(|event| event.range.minutes()).collect::<Vec<_>>(), [30, 30, 120]);
    let whole = world.caldav.event(&world.access, WORK, "a.ics").await.unwrap().unwrap();
    assert!(whole.recurrence.is_some());
}

#[tokio::test]
async fn days_are_the_owners_and_without_a_zone_they_are_anywhere() {
    let world = world().await;
    world.state.put("a.ics", &object("DTSTART;VALUE=DATE:20260329"));
    let found = instances(&world).await.unwrap();
    assert_eq!((found[0].range, found[0].all_day), (range("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), true));
    assert_eq!(world.state.seen().len(), 1, "the calendar's zone is not asked for");
    let stranger = Access { zone: None, ..world.access.clone() };
    let anywhere = world.caldav.events(&stranger, WORK, march(), ListMode::Instances).await.unwrap();
    assert_eq!(anywhere[0].range, range("2026-03-28T10:00:00Z", "2026-03-30T12:00:00Z"));
    *world.state.zone.lock().unwrap() =
        Some("BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\nTZID:Asia/Tokyo\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n".to_owned());
    let stated = world.caldav.events(&stranger, WORK, march(), ListMode::Instances).await.unwrap();
    assert_eq!(stated[0].range, range("2026-03-28T15:00:00Z", "2026-03-29T15:00:00Z"));
    assert_eq!(world.caldav.calendars(&world.access).await.unwrap()[0].zone, Zone::new("Asia/Tokyo").ok());
    *world.state.zone.lock().unwrap() = Some("BEGIN:VTIMEZONE".to_owned());
    let error = world.caldav.events(&stranger, WORK, march(), ListMode::Instances).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Protocol, "a zone that is stated and cannot be read is not none");
}

#[tokio::test]
async fn recurring_days_of_nowhere_reach_into_the_window_from_both_sides() {
    let world = world().await;
    world.state.put("a.ics", &object("DTSTART;VALUE=DATE:20260301\nRRULE:FREQ=DAILY"));
    let stranger = Access { zone: None, ..world.access.clone() };
    let window = range("2026-03-10T10:30:00Z", "2026-03-10T11:00:00Z");
    let found = world.caldav.events(&stranger, WORK, window, ListMode::Instances).await.unwrap();
    assert_eq!(starts(&found), ["2026-03-08T10:00:00Z", "2026-03-09T10:00:00Z", "2026-03-10T10:00:00Z"]);
}

#[tokio::test]
async fn a_declined_invitation_is_free_for_the_one_who_declined() {
    let world = world().await;
    let time = "DTSTART:20260310T090000Z\nDTEND:20260310T100000Z";
    world.state.put("a.ics", &object(&format!("{time}\nATTENDEE;PARTSTAT=DECLINED:mailto:ANA@example.com")));
    world.state.put("b.ics", &object(&format!("{time}\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.com")));
    let found = instances(&world).await.unwrap();
    assert_eq!(found.iter().map(|event| event.busy).collect::<Vec<_>>(), [false, true]);
    world.odd(|seen| (seen.path == "/dav/people/ana/").then(|| plain(500, "")));
    assert_eq!(instances(&world).await.unwrap_err().class, FailureClass::Passing, "who declined is not known");
}

#[tokio::test]
async fn free_busy_is_the_events_of_every_calendar_or_fails() {
    let world = world().await;
    world.state.put("a.ics", &object("DTSTART:20260310T090000Z\nDTEND:20260310T100000Z\nCLASS:PRIVATE"));
    world.state.put("b.ics", &object("DTSTART:20260310T093000Z\nDTEND:20260310T110000Z"));
    world.state.put("c.ics", &object("DTSTART:20260310T120000Z\nDTEND:20260310T130000Z\nTRANSP:TRANSPARENT"));
    let email = "ana@example.com".parse().unwrap();
    let busy = world.caldav.free_busy(&world.access, &email, march()).await.unwrap();
    assert_eq!(busy, Some(vec![range("2026-03-10T09:00:00Z", "2026-03-10T11:00:00Z")]));
    world.state.put("d.ics", &object("DTSTART:never"));
    assert_eq!(world.caldav.free_busy(&world.access, &email, march()).await.unwrap_err().class, FailureClass::Protocol);
}

#[tokio::test]
async fn one_unreadable_object_fails_the_list_and_says_nothing_of_it() {
    let time = "DTSTART:20260310T090000Z\nDTEND:20260310T100000Z\nSUMMARY:secret lunch";
    for text in [
        object("SUMMARY:secret lunch"),
        object("DTSTART;TZID=secret lunch:20260310T090000"),
        object(&format!("{time}\nRRULE:FREQ=secret lunch")),
        object(&format!("{time}\nRDATE:secret lunch")),
        object(&format!("{time}\nRRULE:FREQ=DAILY\nEXDATE:secret lunch")),
        object(&format!("{time}\nRRULE:FREQ=DAILY\nEND:VEVENT\nBEGIN:VEVENT\nRECURRENCE-ID:secret lunch\n{time}")),
        object(time).replace("END:VCALENDAR", ""),
        "secret lunch".to_owned(),
        "BEGIN:VCALENDAR\nEND:VCALENDAR\n".to_owned(),
    ] {
        let world = world().await;
        world.state.put("good.ics", &object("DTSTART:20260310T090000Z"));
        world.state.put("x.ics", &text);
        let error = instances(&world).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Protocol, "{text}");
        assert!(!error.detail.contains("lunch"), "{error}");
    }
}

#[tokio::test]
async fn odd_answers_to_a_report_are_failures_and_never_empty() {
    let world = world().await;
    let truncated = multistatus(&format!(
        "<d:response><d:href>{WORK}</d:href><d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response>"
    ));
    for (reply, class) in [
        (plain(200, ""), FailureClass::Protocol),
        (plain(204, ""), FailureClass::Protocol),
        (plain(207, "{}"), FailureClass::Protocol),
        (plain(301, ""), FailureClass::Protocol),
        (plain(401, ""), FailureClass::Unauthorized),
        (plain(403, ""), FailureClass::Refused),
        (plain(404, ""), FailureClass::Gone),
        (plain(502, ""), FailureClass::Passing),
        (truncated, FailureClass::Refused),
        (multistatus(&response(&format!("{WORK}a.ics"), "<d:getetag>1</d:getetag>")), FailureClass::Protocol),
        (multistatus(&response(WORK, "<c:calendar-data>x</c:calendar-data>")), FailureClass::Protocol),
    ] {
        world.always("REPORT", reply.clone());
        assert_eq!(instances(&world).await.unwrap_err().class, class, "{reply:?}");
    }
}

#[tokio::test]
async fn one_event_is_read_with_its_rule_or_is_gone() {
    let world = world().await;
    world.state.put("a.ics", &object("DTSTART:20200310T090000Z\nDTEND:20200310T100000Z\nRRULE:FREQ=WEEKLY\nDESCRIPTION:x"));
    let event = world.caldav.event(&world.access, WORK, "a.ics").await.unwrap().unwrap();
    assert_eq!((event.recurrence.as_deref(), event.description.as_deref()), (Some("FREQ=WEEKLY"), Some("x")));
    assert_eq!(event.range, range("2020-03-10T09:00:00Z", "2020-03-10T10:00:00Z"));
    assert_eq!(world.caldav.event(&world.access, WORK, "b.ics").await.unwrap(), None);
    let masters = world.caldav.events(&world.access, "primary", march(), ListMode::WithDescription).await.unwrap();
    assert_eq!(masters, [event]);
    for (status, class) in [(200, FailureClass::Protocol), (403, FailureClass::Refused), (500, FailureClass::Passing)] {
        world.always("GET", plain(status, "<html>"));
        assert_eq!(world.caldav.event(&world.access, WORK, "a.ics").await.unwrap_err().class, class, "{status}");
    }
}

#[tokio::test]
async fn what_could_change_the_path_is_no_uid() {
    let world = world().await;
    for uid in [
        "",
        "work",
        "dav/ana/work/",
        "/dav/ana/work",
        "//example.org/x/",
        "http://example.org/x/",
        "/dav/../x/",
        "/dav/%2e%2e/x/",
        "/a/?x/",
        "/a/#x/",
    ] {
        let answer = world.caldav.events(&world.access, uid, march(), ListMode::Instances).await;
        assert_eq!(answer.unwrap_err().class, FailureClass::Refused, "{uid}");
    }
    for uid in ["", ".", "..", "%2e%2e", "a/b", "a?b", "a#b", "a\\b", "a b", "é"] {
        assert_eq!(world.caldav.event(&world.access, WORK, uid).await.unwrap_err().class, FailureClass::Refused, "{uid}");
    }
    assert!(world.state.seen().is_empty());
}
