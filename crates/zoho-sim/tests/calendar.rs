//! Calendar, proven over HTTP: calendars, and the straight path of an event.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{World, start};
use reqwest::Method;
use serde_json::{Value, json};

const DAY: &str = r#"{"start":"20260310T000000Z","end":"20260311T000000Z"}"#;

async fn default_calendar(world: &World, token: &str) -> String {
    let answer = world.api(Method::GET, "eu", token, "/calendars/primary").send().await.unwrap();
    let body: Value = answer.json().await.unwrap();
    body["calendars"][0]["uid"].as_str().unwrap().to_owned()
}

fn intro() -> Value {
    json!({"title": "Intro call", "description": "Bring questions", "isallday": false,
        "dateandtime": {"timezone": "Europe/Madrid", "start": "20260310T100000+0100", "end": "20260310T103000+0100"}})
}

#[tokio::test]
async fn statement_29_an_event_is_created_listed_read_replaced_and_deleted() {
    let world = start().await;
    let token = world.connect("bruno@example.com").await.access;
    let uid = default_calendar(&world, &token).await;
    let events = format!("/calendars/{uid}/events");

    let made = world.api(Method::POST, "eu", &token, &events).form(&json!({"eventdata": intro().to_string()}));
    let made = made.send().await.unwrap();
    assert_eq!(made.status(), 200);
    let made: Value = made.json().await.unwrap();
    let event = &made["events"][0];
    let euid = event["uid"].as_str().unwrap();
    assert!(euid.ends_with("@zoho.com"));
    assert_eq!(event["estatus"], "added");
    let etag = event["etag"].as_str().unwrap();
    assert_eq!(etag.len(), 13, "milliseconds of the epoch: {etag}");

    let list = world.api(Method::GET, "eu", &token, &events).query(&[("range", DAY), ("byinstance", "true")]);
    let list: Value = list.send().await.unwrap().json().await.unwrap();
    assert_eq!(list["events"][0]["uid"], euid);
    assert_eq!(list["events"][0]["dateandtime"]["start"], "20260310T100000+0100");

    let one = format!("{events}/{euid}");
    let read: Value = world.api(Method::GET, "eu", &token, &one).send().await.unwrap().json().await.unwrap();
    assert_eq!(read["events"][0]["etag"], etag);
    assert_eq!(read["events"][0]["description"], "Bring questions");

    let mut changed = intro();
    changed["title"] = json!("Second talk");
    changed["etag"] = json!(etag);
    let put = world.api(Method::PUT, "eu", &token, &one).form(&json!({"eventdata": changed.to_string()}));
    let put = put.send().await.unwrap();
    assert_eq!(put.status(), 200);
    let put: Value = put.json().await.unwrap();
    assert_eq!(put["events"][0]["title"], "Second talk");
    let etag = put["events"][0]["etag"].as_str().unwrap();

    let gone = world.api(Method::DELETE, "eu", &token, &one).header("etag", etag).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    let gone: Value = gone.json().await.unwrap();
    assert_eq!(gone, json!({"events": [{"uid": euid, "caluid": uid, "estatus": "deleted"}]}));
    assert_eq!(world.api(Method::GET, "eu", &token, &one).send().await.unwrap().status(), 404);
}
