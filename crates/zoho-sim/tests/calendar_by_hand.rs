//! What people do without the API, over HTTP: the control API's edits by hand, the import of files, the week page.

#![expect(clippy::unwrap_used, reason = "tests")]

mod calendar_support;
mod common;

use calendar_support::{Bruno, bruno, meeting, meeting_with};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const FROM: &str = "20260309T000000Z";
const TO: &str = "20260330T000000Z";

async fn sim(bruno: &Bruno, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = bruno.world.request(method, "eu", &format!("/_sim{path}")).json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn the_owners_hand_adds_moves_and_deletes_what_the_api_then_shows() {
    let bruno = bruno().await;
    let euid = bruno.by_hand(meeting_with(json!({"rrule": "FREQ=WEEKLY;COUNT=3", "uid": "dentist@zoho.com"}))).await;
    assert_eq!(euid, "dentist@zoho.com");
    let etag = bruno.etag(&euid).await;
    let moved = json!({"recurrenceid": "20260317T090000Z",
        "dateandtime": {"start": "20260318T120000", "end": "20260318T130000"}});
    let change = json!({"email": "bruno@example.com", "uid": euid, "event": moved});
    bruno.control(Method::PATCH, "/events", &change).await;
    assert_ne!(bruno.etag(&euid).await, etag);
    let change = json!({"email": "bruno@example.com", "uid": euid, "event": {"title": "Dentist"}});
    bruno.control(Method::PATCH, "/events", &change).await;
    let one = json!({"email": "bruno@example.com", "uid": euid, "recurrenceid": "20260324T090000Z"});
    bruno.control(Method::DELETE, "/events", &one).await;
    assert_eq!(bruno.starts(FROM, TO).await, ["20260310T100000+0100", "20260318T120000+0100"]);
    assert_eq!(bruno.occurrences(FROM, TO).await.event()["title"], "Dentist");

    let dump = bruno.control(Method::GET, "/calendars/bruno@example.com", &json!(null)).await;
    assert!(dump["calendars"][0]["events"][&euid]["exceptions"]["20260317T090000Z"].is_object(), "{dump}");
    bruno.control(Method::DELETE, "/events", &json!({"email": "bruno@example.com", "uid": euid})).await;
    assert!(bruno.starts(FROM, TO).await.is_empty());
}

#[tokio::test]
async fn what_cannot_be_done_by_hand_is_said_in_a_sentence() {
    let bruno = bruno().await;
    let add = |email: &str, event: Value| json!({"email": email, "event": event});
    let (status, body) = sim(&bruno, Method::POST, "/events", add("nobody@example.org", meeting())).await;
    assert_eq!((status, body["error"].as_str().unwrap()), (StatusCode::NOT_FOUND, "there is no user nobody@example.org."));
    let (status, body) = sim(&bruno, Method::POST, "/events", add("bruno@example.com", json!({"title": "x"}))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["error"].as_str().unwrap().contains("dateandtime is missing"), "{body}");
    let gone = json!({"email": "bruno@example.com", "uid": "0@zoho.com"});
    assert_eq!(sim(&bruno, Method::DELETE, "/events", gone).await.0, StatusCode::NOT_FOUND);
    let zone = json!({"timezone": "Mars/Olympus"});
    assert_eq!(sim(&bruno, Method::POST, "/calendars/bruno@example.com", zone).await.0, StatusCode::BAD_REQUEST);
}

async fn import(bruno: &Bruno, file: &str) -> (StatusCode, Value) {
    let request = bruno.world.request(Method::POST, "eu", "/_sim/ics?email=bruno@example.com");
    let answer = request.header("content-type", "text/calendar").body(file.to_owned()).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

const WEEK: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:standup/1 of team\r\nSUMMARY:Stand\r\n -up\r\n\
    DTSTART;TZID=W. Europe Standard Time:20260309T093000\r\nDTEND;TZID=W. Europe Standard Time:20260309T094500\r\n\
    RRULE:FREQ=DAILY;COUNT=3\r\nEXDATE;TZID=W. Europe Standard Time:20260310T093000\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:trip\r\nSUMMARY:Trip\r\nDTSTART;VALUE=DATE:20260312\r\nDTEND;VALUE=DATE:20260314\r\nEND:VEVENT\r\n\
    END:VCALENDAR\r\n";

#[tokio::test]
async fn an_imported_file_shows_in_the_api_and_importing_it_again_changes_nothing() {
    let bruno = bruno().await;
    for _ in 0..2 {
        let (status, body) = import(&bruno, WEEK).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["imported"], 2);
        let starts = bruno.starts(FROM, TO).await;
        assert_eq!(starts, ["20260309T093000+0100", "20260311T093000+0100", "20260312"]);
    }
    let found = bruno.occurrences(FROM, TO).await;
    assert_eq!(found.events()[0]["title"], "Stand-up");
    assert_eq!(found.events()[2]["dateandtime"]["end"], "20260313");
    for event in found.events() {
        let euid = event["uid"].as_str().unwrap();
        let (hex, host) = euid.split_once('@').unwrap();
        assert!(hex.len() == 32 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) && host == "zoho.com", "{euid}");
        assert_eq!(bruno.read(euid).await.status, 200);
    }
}

#[tokio::test]
async fn a_file_with_one_bad_line_imports_nothing_and_the_line_is_named() {
    let bruno = bruno().await;
    let bad = WEEK.replace("DTEND;VALUE=DATE:20260314", "RRULE:FREQ=SECONDLY");
    let (status, body) = import(&bruno, &bad).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let sentence = body["error"].as_str().unwrap();
    assert!(sentence.starts_with("Nothing was imported. line 16: ") && sentence.contains("SECONDLY"), "{sentence}");
    assert!(bruno.starts(FROM, TO).await.is_empty());
}

async fn page(bruno: &Bruno, path: &str) -> String {
    let answer = bruno.world.request(Method::GET, "eu", path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.unwrap()
}

#[tokio::test]
async fn the_week_page_shows_what_is_there_and_its_forms_add_and_delete() {
    let bruno = bruno().await;
    let secret = json!({"title": "<b>Doctor</b>", "isprivate": true, "transparency": 1});
    bruno.created(&meeting_with(secret)).await;
    let people = page(&bruno, "/_sim/people").await;
    assert!(people.contains("/_sim/week?email=bruno%40example.com"), "{people}");
    let week = page(&bruno, "/_sim/week?email=bruno@example.com&start=2026-03-12").await;
    assert!(week.contains("10:00–10:30 <strong>&lt;b&gt;Doctor&lt;/b&gt;</strong>"), "{week}");
    assert!(week.contains("free · private") && week.contains("Europe/Madrid"));
    for day in ["2026-03-02", "2026-03-16"] {
        assert!(week.contains(&format!("start={day}")), "a link to the week of {day}");
    }
    let now = page(&bruno, "/_sim/week?email=bruno@example.com").await;
    assert!(now.contains("2 Mar – 8 Mar 2026") && !now.contains("Doctor"));

    let post =
        async |path: &str, form: &[(&str, &str)]| bruno.world.request(Method::POST, "eu", path).form(form).send().await.unwrap();
    let new = [("email", "bruno@example.com"), ("title", "Lunch"), ("date", "2026-03-11"), ("from", "13:00"), ("to", "14:00")];
    let added = post("/_sim/week", &new).await;
    assert_eq!(added.status(), 303);
    let back = added.headers()["location"].to_str().unwrap().to_owned();
    assert!(page(&bruno, &back).await.contains("13:00–14:00 <strong>Lunch</strong>"));
    assert!(bruno.starts(FROM, TO).await.contains(&"20260311T130000+0100".to_owned()), "the API sees it too");

    let backwards = [new[0], new[1], new[2], ("from", "13:00"), ("to", "12:00")];
    let refused = post("/_sim/week", &backwards).await;
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("role=\"alert\""));

    let found = bruno.occurrences(FROM, TO).await;
    let lunch = found.events().iter().find(|event| event["title"] == "Lunch").unwrap();
    let doomed = [("email", "bruno@example.com"), ("uid", lunch["uid"].as_str().unwrap()), ("start", "2026-03-09")];
    assert_eq!(post("/_sim/week/delete", &doomed).await.status(), 303);
    assert!(!page(&bruno, &back).await.contains("Lunch"));
    assert_eq!(post("/_sim/week/delete", &doomed).await.status(), 400, "twice is said");
    let nobody = bruno.world.request(Method::GET, "eu", "/_sim/week?email=nobody@example.org").send().await.unwrap();
    assert_eq!(nobody.status(), 404);
    let sheet = bruno.world.request(Method::GET, "eu", "/_sim/week.css").send().await.unwrap();
    assert_eq!(sheet.headers()["content-type"], "text/css; charset=utf-8");
}
