use jiff::{Timestamp, civil::date};

use super::*;
use crate::calendar::{When, Window};

fn file(events: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//example//EN\n{events}END:VCALENDAR\n")
}

fn event(lines: &str) -> String {
    file(&format!("BEGIN:VEVENT\nUID:1@example.com\nDTSTAMP:20260101T000000Z\n{lines}END:VEVENT\n"))
}

fn one(lines: &str) -> Imported {
    let mut all = parse(&event(lines), "Europe/Madrid").unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn refused(text: &str) -> (usize, String) {
    let error = parse(text, "Europe/Madrid").unwrap_err();
    (error.line, error.sentence)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn timed(start: &str, end: &str, zone: &str) -> When {
    When::Timed { start: at(start), end: at(end), zone: zone.to_owned() }
}

#[test]
fn times_are_read_with_their_zone() {
    let utc = one("DTSTART:20260310T090000Z\nDTEND:20260310T100000Z\n");
    assert_eq!(utc.details.when, timed("2026-03-10T09:00:00Z", "2026-03-10T10:00:00Z", "UTC"));
    let named = one("DTSTART;TZID=America/New_York:20260310T090000\nDTEND;TZID=America/New_York:20260310T093000\n");
    assert_eq!(named.details.when, timed("2026-03-10T13:00:00Z", "2026-03-10T13:30:00Z", "America/New_York"));
    let floating = one("DTSTART:20260310T090000\nDURATION:PT45M\n");
    assert_eq!(floating.details.when, timed("2026-03-10T08:00:00Z", "2026-03-10T08:45:00Z", "Europe/Madrid"));
    let windows = one("DTSTART;TZID=\"W. Europe Standard Time\":20260710T090000\nDURATION:PT1H\n");
    assert_eq!(windows.details.when, timed("2026-07-10T07:00:00Z", "2026-07-10T08:00:00Z", "Europe/Berlin"));
    let path = one("DTSTART;TZID=/mozilla.org/20050126_1/Asia/Kolkata:20260710T090000\nDURATION:PT1H\n");
    assert_eq!(path.details.when.zone_name(), "Asia/Kolkata");
}

#[test]
fn a_name_that_only_the_file_explains_is_resolved() {
    let zone = "BEGIN:VTIMEZONE\nTZID:Office\nX-LIC-LOCATION:Europe/Madrid\nBEGIN:STANDARD\nDTSTART:19701025T030000\n\
                TZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n";
    let vevent = "BEGIN:VEVENT\nUID:1\nDTSTART;TZID=Office:20260710T090000\nDURATION:PT1H\nEND:VEVENT\n";
    let read = parse(&file(&format!("{vevent}{zone}")), "UTC").unwrap();
    assert_eq!(read[0].details.when.zone_name(), "Europe/Madrid");
    let (line, sentence) = refused(&file(vevent));
    assert_eq!(line, 6);
    assert!(sentence.contains("\"Office\"") && sentence.contains("IANA"), "{sentence}");
}

#[test]
fn whole_days_end_the_day_before_dtend() {
    let days = |first, last| When::AllDay { first, last, zone: "Europe/Madrid".to_owned() };
    let two = one("DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260312\n");
    assert_eq!(two.details.when, days(date(2026, 3, 10), date(2026, 3, 11)));
    assert_eq!(one("DTSTART;VALUE=DATE:20260310\n").details.when, days(date(2026, 3, 10), date(2026, 3, 10)));
    let same = one("DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260310\n");
    assert_eq!(same.details.when, days(date(2026, 3, 10), date(2026, 3, 10)));
    let week = one("DTSTART;VALUE=DATE:20260310\nDURATION:P1W\n");
    assert_eq!(week.details.when, days(date(2026, 3, 10), date(2026, 3, 16)));
}

#[test]
fn a_day_of_duration_is_a_day_on_the_calendar() {
    // The night of the change to summer time has 23 hours.
    let read = one("DTSTART;TZID=Europe/Madrid:20260328T120000\nDURATION:P1DT1H\n");
    assert_eq!(read.details.when, timed("2026-03-28T11:00:00Z", "2026-03-29T11:00:00Z", "Europe/Madrid"));
}

#[test]
fn what_makes_an_event_busy_or_secret_is_kept() {
    let read = one("DTSTART:20260310T090000Z\nTRANSP:TRANSPARENT\nCLASS:PRIVATE\nSTATUS:TENTATIVE\n\
         SUMMARY:Lunch\\, long\\nand late\nATTENDEE;PARTSTAT=DECLINED;CN=\"Ana: D\":mailto:ana@example.com\n\
         ORGANIZER;CN=Bo:MAILTO:bo@example.net\n");
    assert!(read.details.free && read.details.private && read.details.tentative);
    assert_eq!(read.details.title, "Lunch, long\nand late");
    assert_eq!(read.details.attendees[0].email, "ana@example.com");
    assert_eq!(read.details.attendees[0].status, "DECLINED");
    assert_eq!(read.organizer.as_deref(), Some("bo@example.net"));
    let plain = one("DTSTART:20260310T090000Z\n");
    assert!(!plain.details.free && !plain.details.private && !plain.details.tentative);
    assert!(parse(&event("DTSTART:20260310T090000Z\nSTATUS:CANCELLED\n"), "UTC").unwrap().is_empty());
}

#[test]
fn a_series_with_exceptions_is_put_together() {
    let text = file(
        "BEGIN:VEVENT\nUID:s\nDTSTART;TZID=Europe/Madrid:20260302T100000\nDTEND;TZID=Europe/Madrid:20260302T110000\n\
         RRULE:FREQ=WEEKLY;COUNT=6\nEXDATE;TZID=Europe/Madrid:20260309T100000\nEXDATE;VALUE=DATE:20260316\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:s\nRECURRENCE-ID;TZID=Europe/Madrid:20260323T100000\n\
         DTSTART;TZID=Europe/Madrid:20260324T150000\nDTEND;TZID=Europe/Madrid:20260324T160000\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:s\nRECURRENCE-ID:20260330T080000Z\nSTATUS:CANCELLED\n\
         DTSTART:20260330T080000Z\nEND:VEVENT\n",
    );
    let read = parse(&text, "UTC").unwrap();
    assert_eq!(read.len(), 1);
    let mut world = crate::World::new(crate::Switches::default(), 1, BTreeMap::new());
    let event =
        world.new_event(("ana@example.com", "Ana"), read[0].details.clone(), read[0].rrule.clone(), at("2026-01-01T00:00:00Z"));
    let event = Event { exceptions: read[0].exceptions.clone(), ..event };
    let window = Window { start: at("2026-03-01T00:00:00Z"), end: at("2026-05-01T00:00:00Z"), edges: false };
    let starts: Vec<String> = event.instances(window).iter().map(|one| one.when.span().0.to_string()).collect();
    assert_eq!(starts, ["2026-03-02T09:00:00Z", "2026-03-24T14:00:00Z", "2026-04-06T08:00:00Z"]);
}

#[test]
fn an_occurrence_without_its_series_is_an_event() {
    let read = one("RECURRENCE-ID:20260310T090000Z\nDTSTART:20260310T100000Z\n");
    assert!(read.rrule.is_none() && read.exceptions.is_empty());
    assert_ne!(read.uid, "1@example.com", "two of them must not be one event");
}

#[test]
fn the_line_number_is_that_of_the_file_as_it_is() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:A long\r\n  title over\r\n\t three lines\r\n\
                DTSTART:tomorrow\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let (line, sentence) = refused(text);
    assert_eq!(line, 8);
    assert!(sentence.contains("\"tomorrow\""), "{sentence}");
    let good = text.replace("tomorrow", "20260310");
    assert_eq!(parse(&good, "UTC").unwrap()[0].details.title, "A long title over three lines");
}

#[test]
fn what_cannot_be_represented_is_refused_with_a_sentence() {
    let start = "DTSTART:20260310T090000Z\n";
    for (lines, line, word) in [
        (format!("{start}RDATE:20260311T090000Z\n"), 8, "RDATE"),
        (format!("{start}EXRULE:FREQ=DAILY\n"), 8, "EXRULE"),
        (format!("{start}RRULE:FREQ=HOURLY\n"), 8, "DAILY"),
        (format!("{start}RRULE:FREQ=DAILY;BYHOUR=1,2\n"), 8, "BYHOUR"),
        (format!("{start}RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY\n"), 9, "second RRULE"),
        (format!("{start}RECURRENCE-ID;RANGE=THISANDFUTURE:20260310T090000Z\n"), 8, "later"),
        (format!("{start}DTEND:20260310T080000Z\n"), 8, "before"),
        (format!("{start}DTEND;VALUE=DATE:20260311\n"), 8, "ends on a day"),
        (format!("{start}DTEND:20260310T100000Z\nDURATION:PT1H\n"), 9, "not both"),
        (format!("{start}DURATION:1 hour\n"), 8, "PT1H30M"),
        (format!("{start}TRANSP:MAYBE\n"), 8, "MAYBE"),
        (format!("{start}STATUS:PERHAPS\n"), 8, "PERHAPS"),
        (format!("{start}this is not a line\n"), 8, "colon"),
        ("DTSTART;VALUE=DATE:20260310\nDURATION:PT1H\n".to_owned(), 8, "part of a day"),
        ("SUMMARY:when?\n".to_owned(), 4, "DTSTART"),
    ] {
        let (found, sentence) = refused(&event(&lines));
        assert_eq!(found, line, "{lines}{sentence}");
        assert!(sentence.contains(word), "{lines}{sentence}");
    }
}

#[test]
fn a_file_that_is_not_whole_is_refused() {
    assert_eq!(refused("").0, 1);
    assert!(refused("hello: world").1.contains("outside"));
    assert!(refused("BEGIN:VCALENDAR\nVERSION:1.0\nEND:VCALENDAR\n").1.contains("2.0"));
    let (line, sentence) = refused("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20260310\n");
    assert_eq!(line, 2);
    assert!(sentence.contains("cut off"), "{sentence}");
    assert!(refused("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VCALENDAR\n").1.contains("still open"));
    assert!(refused(&file("BEGIN:VFREEBUSY\nUID:1\nEND:VFREEBUSY\n")).1.contains("VFREEBUSY"));
    assert!(refused(&file("BEGIN:VEVENT\nDTSTART:20260310\nEND:VEVENT\n")).1.contains("UID"));
    let twice = "BEGIN:VEVENT\nUID:1\nDTSTART:20260310\nEND:VEVENT\n".repeat(2);
    assert!(refused(&file(&twice)).1.contains("twice"));
}

#[test]
fn what_does_not_matter_is_passed_over() {
    let text = file(
        "BEGIN:VTODO\nUID:t\nSUMMARY:Buy milk\nEND:VTODO\n\
         BEGIN:VEVENT\nUID:1\nDTSTART:20260310T090000Z\nX-ODD;X-P=\"a;b:c\":yes\nCATEGORIES:WORK\nSEQUENCE:3\n\
         BEGIN:VALARM\nTRIGGER:-PT10M\nACTION:DISPLAY\nDESCRIPTION:not the event's\nEND:VALARM\nEND:VEVENT\n",
    );
    let read = parse(&format!("\u{feff}{text}"), "UTC").unwrap();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].details.description, "");
}
