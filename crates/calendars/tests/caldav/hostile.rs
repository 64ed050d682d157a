//! Sizes and tricks: what is large is read, what is endless is refused.

use std::fmt::Write as _;

use ports::{
    CalendarProvider,
    calendar::{FailureClass, ListMode},
};

use crate::server::{WORK, march, object, plain, range, world};

#[tokio::test]
async fn ten_thousand_events_of_a_day_are_read() {
    let world = world().await;
    for number in 0..10_000_u32 {
        let (hour, minute, second) = (number / 3_600, number / 60 % 60, number % 60);
        let time = format!("DTSTART:20260310T{hour:02}{minute:02}{second:02}Z\nDURATION:PT1H\nDESCRIPTION:{}", "x".repeat(300));
        world.state.put(&format!("{number}.ics"), &object(&time));
    }
    let day = range("2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z");
    assert_eq!(world.caldav.events(&world.access, WORK, day, ListMode::Instances).await.unwrap().len(), 10_000);
}

#[tokio::test]
async fn an_event_may_last_a_year_and_recur() {
    let world = world().await;
    world.state.put("year.ics", &object("DTSTART;VALUE=DATE:20250601\nDTEND;VALUE=DATE:20260601"));
    world.state.put("yearly.ics", &object("DTSTART;TZID=Europe/Berlin:20240315T000000\nDURATION:P365D\nRRULE:FREQ=YEARLY"));
    world.state.put("decades.ics", &object("DTSTART:20000101T000000Z\nDTEND:20400101T000000Z"));
    assert_eq!(world.caldav.events(&world.access, WORK, march(), ListMode::Instances).await.unwrap().len(), 4);
}

#[tokio::test]
async fn endless_rules_are_refused_as_unreadable() {
    let time = "DTSTART:20260301T000000Z\nDTEND:20260301T000001Z";
    for rule in ["FREQ=SECONDLY", "FREQ=YEARLY;INTERVAL=9999999"] {
        let world = world().await;
        world.state.put("a.ics", &object(&format!("{time}\nRRULE:{rule}")));
        let error = world.caldav.events(&world.access, WORK, march(), ListMode::Instances).await.unwrap_err();
        assert_eq!(error.class, FailureClass::Protocol, "{rule}");
    }
}

#[tokio::test]
async fn many_recurring_events_together_are_bounded() {
    let world = world().await;
    for number in 0..3 {
        world.state.put(&format!("{number}.ics"), &object("DTSTART:20260301T000000Z\nDURATION:PT10S\nRRULE:FREQ=MINUTELY"));
    }
    let error = world.caldav.events(&world.access, WORK, march(), ListMode::Instances).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Refused, "3 × 44,640 events");
}

#[tokio::test]
async fn an_answer_without_end_and_one_full_of_entities_are_refused() {
    let world = world().await;
    world.always("REPORT", plain(207, &" ".repeat(33 * 1024 * 1024)));
    let error = world.caldav.events(&world.access, WORK, march(), ListMode::Instances).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Protocol);
    assert!(error.detail.contains("longer than allowed"), "{error}");
    let mut bomb = "<!DOCTYPE lol [<!ENTITY a0 \"lol\">".to_owned();
    for level in 1..30 {
        write!(bomb, "<!ENTITY a{level} \"&a{0};&a{0};&a{0};&a{0};\">", level - 1).unwrap();
    }
    bomb.push_str("]><d:multistatus xmlns:d=\"DAV:\">&a29;</d:multistatus>");
    world.always("REPORT", plain(207, &bomb));
    assert_eq!(
        world.caldav.events(&world.access, WORK, march(), ListMode::Instances).await.unwrap_err().class,
        FailureClass::Protocol
    );
}

#[tokio::test]
async fn nothing_shows_the_password() {
    let world = world().await;
    world.always("PROPFIND", plain(500, "sesame-c0ffee"));
    let error = world.caldav.calendars(&world.access).await.unwrap_err();
    let shown = format!("{error:?} {error} {:?} {:?}", world.caldav, world.access);
    assert!(!shown.contains("c0ffee") && !shown.contains("YW5h"), "{shown}");
}
