//! Free/busy, proven over HTTP (statement 37).

mod calendar_support;
mod common;

use calendar_support::{bruno, meeting, meeting_with};
use reqwest::Method;
use serde_json::{Value, json};

const FROM: &str = "20260309T000000Z";
const TO: &str = "20260316T000000Z";

fn leave() -> Value {
    json!({"title": "Leave", "isallday": true,
        "dateandtime": {"timezone": "Europe/Madrid", "start": "20260312", "end": "20260312"}})
}

#[tokio::test]
async fn statement_37_eventbased_answers_are_busy_spans_in_utc() {
    let bruno = bruno().await;
    bruno.created(&meeting()).await;
    bruno.created(&leave()).await;
    let answer = bruno.freebusy("eventbased", FROM, TO).await;
    let expected = json!({"freebusy": [
        {"startTime": "20260310T090000Z", "endTime": "20260310T093000Z", "fbtype": "busy"},
        {"startTime": "20260312Z", "endTime": "20260312Z", "fbtype": "busy"},
    ]});
    assert_eq!(answer.body, expected);
    for (shape, text) in [("date", "20260312"), ("date_t", "20260312T"), ("local", "20260312T000000")] {
        bruno.world.switch(json!({"fb_allday_shape": shape})).await;
        let answer = bruno.freebusy("eventbased", FROM, TO).await;
        assert_eq!(answer.body["freebusy"][1]["startTime"], text);
    }
}

#[tokio::test]
async fn statement_37_timebased_answers_are_keyed_by_day() {
    let bruno = bruno().await;
    bruno.created(&meeting()).await;
    bruno.created(&leave()).await;
    let night = json!({"dateandtime": {"start": "20260312T230000Z", "end": "20260313T010000Z", "timezone": "UTC"}});
    bruno.created(&meeting_with(night)).await;
    let answer = bruno.freebusy("timebased", FROM, TO).await;
    let expected = json!({"freebusy": {
        "20260310": [null, ["09:00-09:30"]],
        "20260312": [{"allday": true}, ["23:00-24:00"]],
        "20260313": [null, ["00:00-01:00"]],
    }});
    assert_eq!(answer.body, expected);
    bruno.world.switch(json!({"fb_zone": "user"})).await;
    let answer = bruno.freebusy("timebased", FROM, TO).await;
    assert_eq!(answer.body["freebusy"]["20260310"], json!([null, ["10:00-10:30"]]), "in Madrid");
}

#[tokio::test]
async fn statement_37_only_what_counts_as_busy_in_included_calendars_is_there() {
    let bruno = bruno().await;
    let path = "/calendars/bruno@example.com";
    let apart = bruno.control(Method::POST, path, &json!({"name": "Apart", "include_infreebusy": false})).await;
    let apart = apart["uid"].as_str().unwrap();
    bruno.write(Method::POST, &format!("/calendars/{apart}/events"), &meeting()).await;
    bruno.created(&meeting_with(json!({"transparency": 1}))).await;
    let declined = json!({"organizer": "boss@example.net", "attendees": [{"email": "bruno@example.com", "status": "DECLINED"}]});
    bruno.by_hand(meeting_with(declined)).await;
    let nothing = bruno.freebusy("eventbased", FROM, TO).await;
    assert_eq!(nothing.body, json!({"NODATA": true}));
    bruno.world.switch(json!({"fb_nodata": false})).await;
    assert_eq!(bruno.freebusy("eventbased", FROM, TO).await.body, json!({"freebusy": []}));

    bruno.control(Method::PATCH, &format!("{path}/{apart}"), &json!({"include_infreebusy": true})).await;
    assert_eq!(bruno.freebusy("eventbased", FROM, TO).await.body["freebusy"].as_array().unwrap().len(), 1);
    bruno.by_hand(meeting_with(json!({"tentative": true, "title": "Perhaps"}))).await;
    bruno.world.switch(json!({"fb_tentative": true})).await;
    let answer = bruno.freebusy("eventbased", FROM, TO).await;
    let kinds: Vec<_> = answer.body["freebusy"].as_array().unwrap().iter().map(|one| &one["fbtype"]).collect();
    assert!(kinds.contains(&&json!("busy-tentative")) && kinds.contains(&&json!("busy")), "{kinds:?}");
}

#[tokio::test]
async fn statement_37_who_does_not_share_is_not_free_and_what_is_asked_is_checked() {
    let bruno = bruno().await;
    bruno.created(&meeting()).await;
    bruno.world.switch(json!({"fb_not_enabled": ["bruno@example.com"]})).await;
    assert_eq!(bruno.freebusy("eventbased", FROM, TO).await.body, json!({"fb_not_enabled": true}));
    bruno.world.switch(json!({"fb_nested": true})).await;
    assert_eq!(bruno.freebusy("eventbased", FROM, TO).await.body, json!({"freebusy": {"fb_not_enabled": true}}));
    bruno.world.switch(json!({"fb_nested": false, "fb_not_enabled": []})).await;
    let query = |email| [("uemail", email), ("sdate", FROM), ("edate", TO), ("ftype", "eventbased")];
    for stranger in ["nobody@example.org", "ana@example.com"] {
        let answer = bruno.get("/calendars/freebusy", &query(stranger)).await;
        assert_eq!(answer.body, json!({"fb_not_enabled": true}), "{stranger}");
    }
    let colleague = bruno.get("/calendars/freebusy", &query("chandra@example.com")).await;
    assert_eq!(colleague.body, json!({"NODATA": true}));

    bruno.freebusy("weekly", FROM, TO).await.is_error(400, "PATTERN_NOT_MATCHED");
    bruno.freebusy("eventbased", FROM, "20260501T000000Z").await.is_error(400, "INVALID_DATA");
    bruno.freebusy("eventbased", "2026-03-09", TO).await.is_error(400, "PATTERN_NOT_MATCHED");
    bruno.get("/calendars/freebusy", &[("uemail", "bruno@example.com")]).await.is_error(400, "LESS_THAN_MIN_OCCURANCE");
}

#[tokio::test]
async fn statement_43_values_without_a_zone_are_utc_or_the_users() {
    let bruno = bruno().await;
    bruno.created(&meeting()).await;
    let ten_to_eleven = || bruno.freebusy("eventbased", "20260310T100000", "20260310T110000");
    assert_eq!(ten_to_eleven().await.body, json!({"NODATA": true}), "taken as UTC");
    bruno.world.switch(json!({"fb_zone": "user"})).await;
    assert_eq!(ten_to_eleven().await.body["freebusy"][0]["startTime"], "20260310T090000Z", "taken as Madrid");
}
