//! What goes wrong or happens beside: budgets, mails, webhooks, delays, other types, broken connections
//! (statements 38 to 42, 44 to 46).

#![expect(clippy::unwrap_used, reason = "tests")]

mod calendar_support;
mod common;

use calendar_support::{Answer, Bruno, bruno, bruno_with, meeting, meeting_with};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use zoho_sim::{CallBudget, Switches};

#[tokio::test]
async fn statement_38_too_many_calls_lock_the_api_for_a_while() {
    let budget = CallBudget { calls: 5, per_s: 60, lock_s: 120 };
    let bruno = bruno_with(Switches { calendar_budget: Some(budget), ..Switches::default() }).await;
    let list = || bruno.get("/calendars", &[]);
    for _ in 0..4 {
        assert_eq!(list().await.status, 200, "with the one that found the calendar there are five");
    }
    let sixth = bruno.world.api(Method::GET, "eu", &bruno.token, "/calendars").send().await.unwrap();
    assert_eq!(sixth.status(), 429);
    let names: Vec<_> = sixth.headers().keys().map(|name| name.as_str().to_owned()).collect();
    assert!(!names.iter().any(|name| name.contains("retry") || name.contains("ratelimit")), "{names:?}");
    bruno.world.advance(119);
    assert_eq!(list().await.status, 429, "locked although the window of the budget is long over");
    bruno.world.switch(json!({"retry_after": true, "limit_body": "html"})).await;
    let told = bruno.world.api(Method::GET, "eu", &bruno.token, "/calendars").send().await.unwrap();
    assert_eq!(told.headers()["retry-after"], "1");
    assert!(told.text().await.unwrap().starts_with("<html>"));
    bruno.world.advance(1);
    assert_eq!(list().await.status, 200);
    let other = Bruno { token: bruno.world.connect("chandra@example.com").await.access, ..bruno };
    assert_eq!(other.get("/calendars", &[]).await.status, 200, "each user has a budget of their own");
}

#[tokio::test]
async fn statement_39_the_mails_zoho_would_send_are_recorded() {
    let bruno = bruno().await;
    let guests = |notify: i64| {
        meeting_with(json!({"notify_attendee": notify,
            "attendees": [{"email": "cara@example.net"}, {"email": "chandra@example.com"}]}))
    };
    bruno.created(&guests(0)).await;
    assert!(bruno.mails().await.is_empty());
    let (euid, etag) = bruno.created(&guests(1)).await;
    assert_eq!(bruno.mails().await, ["invitation cara@example.net", "invitation chandra@example.com"]);
    let mut changed = guests(2);
    changed["etag"] = json!(etag);
    changed["attendees"] = json!([{"email": "cara@example.net"}, {"email": "dee@example.net"}]);
    assert_eq!(bruno.write(Method::PUT, &bruno.event(&euid), &changed).await.status, 200);
    let expected =
        ["cancellation chandra@example.com", "invitation dee@example.net", "update cara@example.net", "update bruno@example.com"];
    assert_eq!(bruno.mails().await[2..], expected);
    let silent = json!({"etag": bruno.etag(&euid).await, "notify_attendee": 0});
    bruno.write(Method::DELETE, &bruno.event(&euid), &silent).await;
    assert_eq!(bruno.mails().await.len(), 6);
}

#[tokio::test]
async fn statement_39_on_switch_guests_outside_zoho_get_mail_in_any_case() {
    let bruno = bruno_with(Switches { notify_externals_always: true, ..Switches::default() }).await;
    let guests = json!({"notify_attendee": 0, "attendees": [{"email": "cara@example.net"}, {"email": "chandra@example.com"}]});
    bruno.created(&meeting_with(guests)).await;
    assert_eq!(bruno.mails().await, ["invitation cara@example.net"]);
}

/// Accepts one HTTP request and answers it; gives its body.
async fn one_request(listener: &TcpListener) -> Value {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap();
        read.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&read);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
            if body.len() == length.parse::<usize>().unwrap() {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                return serde_json::from_str(body).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn statement_40_registered_addresses_hear_of_events() {
    let bruno = bruno().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?key=1", listener.local_addr().unwrap());
    let path = "/webHooksPresence/external";
    let mut ids = Vec::new();
    for name in ["newEvent", "deleteEvent"] {
        let form = [("notifyUrl", url.as_str()), ("serviceId", "10"), ("name", name)];
        ids.push(bruno.form(Method::POST, path, &form).await.body["notifyId"].as_u64().unwrap());
    }
    assert_eq!(bruno.get(path, &[]).await.body["notifyUrls"][0]["notifyUrl"], url.as_str());
    let (euid, etag) = bruno.created(&meeting()).await;
    let heard = one_request(&listener).await;
    assert_eq!(heard["zc_data"]["uid"], euid.as_str());
    assert_eq!(heard["zc_data"]["dateandtime"]["start"], "20260310T100000+0100");
    bruno.delete(&euid, &etag).await;
    assert_eq!(one_request(&listener).await, json!({"zc_data": {"uid": euid, "caluid": bruno.uid}}));
    for id in ids {
        assert_eq!(bruno.form(Method::DELETE, path, &[("notifyId", &id.to_string())]).await.status, 200);
    }
    assert_eq!(bruno.get(path, &[]).await.body, json!({"notifyUrls": []}));
}

#[tokio::test]
async fn statement_41_a_deleted_event_may_stay_readable_for_a_while() {
    let bruno = bruno_with(Switches { delete_readable_s: 3, ..Switches::default() }).await;
    let (euid, etag) = bruno.created(&meeting()).await;
    assert_eq!(bruno.delete(&euid, &etag).await.status, 200);
    let seen = async || bruno.occurrences("20260310T000000Z", "20260311T000000Z").await.events().len();
    bruno.world.advance(2);
    assert_eq!(bruno.read(&euid).await.event()["estatus"], "added");
    assert_eq!(seen().await, 1);
    assert_eq!(bruno.delete(&euid, &etag).await.status, 404, "it is gone for writes");
    bruno.world.advance(1);
    assert_eq!(bruno.read(&euid).await.status, 404);
    assert_eq!(seen().await, 0);
}

#[tokio::test]
async fn statement_42_types_change_on_switch() {
    let bruno = bruno().await;
    let event = meeting_with(json!({"reminders": [{"action": "popup", "minutes": "-15"}]}));
    let (euid, etag) = bruno.created(&event).await;
    bruno.world.switch(json!({"type_wobble": true})).await;
    let read = bruno.read(&euid).await;
    let event = read.event();
    assert_eq!(event["etag"], etag.parse::<i64>().unwrap());
    assert_eq!(event["isallday"], "false");
    assert_eq!(event["transparency"], "0");
    assert_eq!(event["duration"], 1_800_000);
    assert_eq!(event["reminders"][0]["minutes"], -15);
    let calendars = bruno.get("/calendars", &[]).await;
    assert_eq!(calendars.body["calendars"][0]["isdefault"], "true");
    assert!(calendars.body["calendars"][0]["ctag"].is_string());
    // What was answered is understood when it comes back.
    let put = bruno.write(Method::PUT, &bruno.event(&euid), &meeting_with(json!({"etag": event["etag"]}))).await;
    assert_eq!(put.status, 200);
}

#[tokio::test]
async fn statement_44_a_created_event_may_stay_invisible_for_a_while() {
    let bruno = bruno_with(Switches { create_invisible_s: 10, ..Switches::default() }).await;
    let (euid, _) = bruno.created(&meeting()).await;
    let seen = async || bruno.occurrences("20260310T000000Z", "20260311T000000Z").await.events().len();
    bruno.world.advance(9);
    assert_eq!(bruno.read(&euid).await.status, 404);
    assert_eq!(seen().await, 0);
    assert_eq!(bruno.get(&bruno.events(), &[]).await.events().len(), 0);
    assert_eq!(bruno.freebusy("eventbased", "20260310T000000Z", "20260311T000000Z").await.body, json!({"NODATA": true}));
    bruno.world.advance(1);
    assert_eq!(bruno.read(&euid).await.status, 200);
    assert_eq!(seen().await, 1);
}

/// A create whose connection breaks before an answer.
async fn broken_create(bruno: &Bruno) {
    let request = bruno.world.api(Method::POST, "eu", &bruno.token, &bruno.events());
    let answer = request.form(&[("eventdata", meeting().to_string())]).send().await;
    assert!(answer.is_err(), "{answer:?}");
}

async fn day(bruno: &Bruno) -> Answer {
    bruno.occurrences("20260310T000000Z", "20260311T000000Z").await
}

#[tokio::test]
async fn statement_45_a_write_may_be_done_although_its_answer_never_came() {
    let bruno = bruno().await;
    let events = "/api/v1/calendars/*/events";
    bruno.world.arm(json!({"path": events, "method": "POST", "kind": "commit_then_drop"})).await;
    broken_create(&bruno).await;
    assert_eq!(day(&bruno).await.events().len(), 1);
    let (euid, etag) = bruno.created(&meeting()).await;
    bruno.world.arm(json!({"path": events, "method": "DELETE", "kind": "commit_then_drop"})).await;
    let path = bruno.event(&euid);
    let request = bruno.world.api(Method::DELETE, "eu", &bruno.token, &path).header("etag", etag);
    assert!(request.send().await.is_err());
    assert_eq!(bruno.read(&euid).await.status, 404);
}

#[tokio::test]
async fn statement_46_a_write_may_be_done_seconds_after_its_connection_broke() {
    let bruno = bruno().await;
    let fault = json!({"path": "/api/v1/calendars/*/events", "method": "POST", "kind": "drop_then_commit_after", "seconds": 30});
    bruno.world.arm(fault).await;
    broken_create(&bruno).await;
    bruno.world.advance(29);
    assert!(day(&bruno).await.events().is_empty());
    bruno.world.advance(1);
    assert_eq!(day(&bruno).await.event()["title"], "Intro call");
}
