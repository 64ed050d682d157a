//! Creating, changing and deleting events, proven over HTTP (statements 29, 30, 32 to 34, 36).

mod calendar_support;
mod common;

use calendar_support::{bruno, meeting, meeting_with};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn statement_29_a_create_is_answered_with_the_event_as_zoho_writes_it() {
    let bruno = bruno().await;
    let made = bruno
        .create(&meeting_with(json!({"description": "Bring questions", "location": "https://meet.example/abc",
            "attendees": [{"email": "cara@example.net", "attendance": 2}],
            "reminders": [{"action": "popup", "minutes": -15}], "isprivate": "true", "transparency": "0"})))
        .await;
    let event = made.event();
    assert!(event["uid"].as_str().unwrap().ends_with("@zoho.com"));
    assert_eq!(event["estatus"], "added");
    assert_eq!(event["etag"].as_str().unwrap().len(), 13, "milliseconds of the epoch, as text");
    assert_eq!(event["caluid"], bruno.uid);
    assert_eq!(event["organizer"], "bruno@example.com");
    assert_eq!(
        event["attendees"][0],
        json!({"email": "cara@example.net", "dName": "cara", "status": "NEEDS-ACTION",
        "attendance": 2, "permission": 0})
    );
    assert_eq!(event["reminders"][0], json!({"action": "popup", "minutes": "-15"}));
    assert_eq!(event["isprivate"], true);
    assert_eq!(event["transparency"], 0);
    assert_eq!(event["duration"], "1800000");
    assert_eq!(event["createdtime"], "20260302T080000Z");
    bruno.world.switch(json!({"create_status": 201})).await;
    assert_eq!(bruno.create(&meeting()).await.status, 201);
}

#[tokio::test]
async fn statement_29_all_ways_to_write_a_time_mean_the_same() {
    let bruno = bruno().await;
    for (start, end, zone) in [
        ("20260310T090000Z", "20260310T093000Z", Some("Europe/Madrid")),
        ("20260310T100000+0100", "20260310T103000+0100", Some("Europe/Madrid")),
        ("20260310T100000", "20260310T103000", Some("Europe/Madrid")),
        ("20260310T090000Z", "20260310T093000Z", None),
        ("20260310T100000", "20260310T103000", None),
        ("20260310T050000-0400", "20260310T103000", Some("Europe/Madrid")),
    ] {
        let mut times = json!({"start": start, "end": end});
        if let Some(zone) = zone {
            times["timezone"] = json!(zone);
        }
        let made = bruno.create(&meeting_with(json!({"dateandtime": times}))).await;
        let expected = json!({"timezone": "Europe/Madrid", "start": "20260310T100000+0100", "end": "20260310T103000+0100"});
        assert_eq!(made.event()["dateandtime"], expected, "{start}");
    }
}

#[tokio::test]
async fn statement_29_bad_values_are_refused_with_their_code() {
    let bruno = bruno().await;
    let guests = |count: usize| -> Vec<Value> { (0..count).map(|n| json!({"email": format!("g{n}@example.org")})).collect() };
    let times = |start: &str, end: &str, zone: &str| json!({"dateandtime": {"start": start, "end": end, "timezone": zone}});
    for (changes, code) in [
        (json!({"dateandtime": null}), "LESS_THAN_MIN_OCCURANCE"),
        (json!({"dateandtime": {"end": "20260310T093000Z"}}), "LESS_THAN_MIN_OCCURANCE"),
        (json!({"dateandtime": {"start": "20260310T093000Z"}}), "LESS_THAN_MIN_OCCURANCE"),
        (times("2026-03-10T09:00:00Z", "20260310T093000Z", "UTC"), "PATTERN_NOT_MATCHED"),
        (times("20260310", "20260310", "UTC"), "PATTERN_NOT_MATCHED"),
        (times("20260310T093000Z", "20260310T090000Z", "UTC"), "INVALID_DATA"),
        (times("20260310T090000Z", "20260310T093000Z", "Mars/Olympus"), "INVALID_DATA"),
        (json!({"isallday": true}), "PATTERN_NOT_MATCHED"),
        (json!({"attendees": []}), "ARRAY_SIZE_OUT_OF_RANGE"),
        (json!({"attendees": guests(51)}), "ARRAY_SIZE_OUT_OF_RANGE"),
        (json!({"attendees": [{"email": "no address"}]}), "PATTERN_NOT_MATCHED"),
        (json!({"attendees": [{"email": "a@example.org", "dName": "a"}]}), "EXTRA_KEY_FOUND_IN_JSON"),
        (json!({"location": "x".repeat(256)}), "MORE_THAN_MAX_LENGTH"),
        (json!({"description": "x".repeat(10_001)}), "MORE_THAN_MAX_LENGTH"),
        (json!({"color": "blue"}), "PATTERN_NOT_MATCHED"),
        (json!({"transparency": 2}), "PATTERN_NOT_MATCHED"),
        (json!({"isprivate": "perhaps"}), "PATTERN_NOT_MATCHED"),
        (json!({"rrule": "FREQ=HOURLY"}), "PATTERN_NOT_MATCHED"),
        (
            json!({"rrule": "FREQ=DAILY", "dateandtime": {"start": "20260310T090000Z", "end": "20260310T093000Z"}}),
            "TIMEZONE_MISSING",
        ),
        (json!({"reminders": [{"action": "shout", "minutes": "-5"}]}), "PATTERN_NOT_MATCHED"),
        (json!({"etag": "1772438400000"}), "EXTRA_KEY_FOUND_IN_JSON"),
    ] {
        let answer = bruno.create(&meeting_with(changes.clone())).await;
        assert_eq!(answer.body["error"][0]["error_code"], code, "{changes}: {}", answer.body);
        assert_eq!(answer.status, 400);
    }
    assert_eq!(bruno.create(&meeting_with(json!({"attendees": guests(50)}))).await.status, 200);
    let repeat = json!({"repeat": [{"freq": "daily", "interval": 2, "count": 3}]});
    assert_eq!(bruno.create(&meeting_with(repeat)).await.event()["rrule"], "COUNT=3;FREQ=DAILY;INTERVAL=2");
}

#[tokio::test]
async fn statement_29_a_uid_of_the_client_is_ignored_or_refused_and_a_title_may_be_needed() {
    let bruno = bruno().await;
    let own = meeting_with(json!({"uid": "mine@greenroom.example"}));
    assert_ne!(bruno.create(&own).await.event()["uid"], "mine@greenroom.example");
    bruno.world.switch(json!({"client_uid": "refuse"})).await;
    bruno.create(&own).await.is_error(400, "EXTRA_KEY_FOUND_IN_JSON");
    let untitled = meeting_with(json!({"title": null}));
    assert_eq!(bruno.create(&untitled).await.status, 200);
    bruno.world.switch(json!({"title_required": true})).await;
    bruno.create(&untitled).await.is_error(400, "LESS_THAN_MIN_OCCURANCE");
}

#[tokio::test]
async fn statement_30_two_equal_creates_make_two_events() {
    let bruno = bruno().await;
    let ((one, _), (two, _)) = (bruno.created(&meeting()).await, bruno.created(&meeting()).await);
    assert_ne!(one, two);
    assert_eq!(bruno.occurrences("20260310T000000Z", "20260311T000000Z").await.events().len(), 2);
}

#[tokio::test]
async fn statement_32_put_needs_the_current_etag_and_replaces_everything() {
    let bruno = bruno().await;
    let full = meeting_with(json!({"description": "Bring questions", "location": "Room 1", "isprivate": true,
        "transparency": 1, "attendees": [{"email": "cara@example.net"}], "reminders": [{"action": "popup", "minutes": "-5"}]}));
    let (euid, etag) = bruno.created(&full).await;
    let path = bruno.event(&euid);
    bruno.write(Method::PUT, &path, &meeting()).await.is_error(400, "ETAG_MISSING");
    let stale = meeting_with(json!({"etag": "1"}));
    assert_eq!(bruno.write(Method::PUT, &path, &stale).await.status, 412);
    for status in [409, 400] {
        bruno.world.switch(json!({"stale_etag_status": status, "stale_etag_code": "STALE"})).await;
        bruno.write(Method::PUT, &path, &stale).await.is_error(status, "STALE");
    }
    let timeless = meeting_with(json!({"etag": etag, "dateandtime": null}));
    bruno.write(Method::PUT, &path, &timeless).await.is_error(400, "LESS_THAN_MIN_OCCURANCE");
    assert_eq!(bruno.etag(&euid).await, etag, "nothing was written so far");

    let put = bruno.write(Method::PUT, &path, &meeting_with(json!({"etag": etag, "title": "Second talk"}))).await;
    let event = put.event();
    assert_eq!(event["title"], "Second talk");
    assert!(event["etag"].as_str().unwrap() > etag.as_str(), "a new etag although the clock stands still");
    assert_eq!((&event["description"], &event["location"]), (&json!(""), &json!("")));
    assert_eq!((&event["isprivate"], &event["transparency"]), (&json!(false), &json!(0)));
    assert!(event.get("attendees").is_none() && event.get("reminders").is_none());
    let again = meeting_with(json!({"etag": etag}));
    assert_eq!(bruno.write(Method::PUT, &path, &again).await.status, 400, "the old etag is stale now");

    // The etag may travel in a header.
    let etag = event["etag"].as_str().unwrap();
    let request = bruno.world.api(Method::PUT, "eu", &bruno.token, &path).header("ETag", etag);
    let answer = request.form(&[("eventdata", meeting().to_string())]).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(bruno.write(Method::PUT, &bruno.event("0@zoho.com"), &again).await.status, 404);
}

#[tokio::test]
async fn statement_32_put_changes_one_occurrence_following_ones_or_all() {
    let bruno = bruno().await;
    let (euid, etag) = bruno.created(&meeting_with(json!({"rrule": "FREQ=DAILY;COUNT=6"}))).await;
    let path = bruno.event(&euid);
    let at = |etag: &str, day: &str, kind: &str, hour: &str| {
        meeting_with(json!({"etag": etag, "recurrenceid": format!("202603{day}T090000Z"), "recurrence_edittype": kind,
            "dateandtime": {"timezone": "Europe/Madrid", "start": format!("202603{day}T{hour}0000"), "end": format!("202603{day}T{hour}3000")}}))
    };
    assert_eq!(bruno.write(Method::PUT, &path, &at(&etag, "11", "only", "12")).await.status, 200);
    let answer = bruno.write(Method::PUT, &path, &at(&bruno.etag(&euid).await, "13", "following", "16")).await;
    assert_ne!(answer.event()["uid"], euid.as_str(), "the rest is a series of its own");
    assert_eq!(answer.event()["rrule"], "FREQ=DAILY;COUNT=3");
    let expected = ["10T10", "11T12", "12T10", "13T16", "14T16", "15T16"].map(|day| format!("202603{day}0000+0100"));
    assert_eq!(bruno.starts("20260301T000000Z", "20260331T000000Z").await, expected);
    let nowhere = at(&bruno.etag(&euid).await, "20", "only", "12");
    assert_eq!(bruno.write(Method::PUT, &path, &nowhere).await.status, 404);
    let single = meeting_with(json!({"etag": bruno.etag(&euid).await}));
    bruno.write(Method::PUT, &path, &single).await;
    assert_eq!(bruno.starts("20260301T000000Z", "20260313T000000Z").await, ["20260310T100000+0100"], "no rule: no series");
}

#[tokio::test]
async fn statement_33_patch_changes_only_what_it_names() {
    let bruno = bruno().await;
    let (euid, etag) = bruno.created(&meeting_with(json!({"description": "Bring questions", "rrule": "FREQ=DAILY;COUNT=2"}))).await;
    let path = bruno.event(&euid);
    let patched = bruno.write(Method::PATCH, &path, &json!({"title": "New"})).await;
    let event = patched.event();
    assert_eq!((&event["title"], &event["description"]), (&json!("New"), &json!("Bring questions")));
    assert_eq!(event["rrule"], "FREQ=DAILY;COUNT=2");
    assert_eq!(event["dateandtime"]["start"], "20260310T100000+0100");
    assert_ne!(event["etag"], etag.as_str());
    assert_eq!(bruno.write(Method::PATCH, &path, &json!({"title": "x", "etag": etag})).await.status, 412);
    bruno.world.switch(json!({"patch_needs_etag": true})).await;
    bruno.write(Method::PATCH, &path, &json!({"title": "x"})).await.is_error(400, "ETAG_MISSING");
    let current = bruno.etag(&euid).await;
    assert_eq!(bruno.write(Method::PATCH, &path, &json!({"title": "x", "etag": current})).await.status, 200);
    bruno.form(Method::PATCH, &path, &[]).await.is_error(400, "LESS_THAN_MIN_OCCURANCE");
}

#[tokio::test]
async fn statement_33_patch_of_following_occurrences_keeps_the_number_of_them() {
    let bruno = bruno().await;
    let (euid, _) = bruno.created(&meeting_with(json!({"rrule": "FREQ=DAILY;COUNT=5"}))).await;
    let rest = json!({"title": "Later", "recurrenceid": "20260313T090000Z", "recurrence_edittype": "following"});
    let patched = bruno.write(Method::PATCH, &bruno.event(&euid), &rest).await;
    assert_eq!((&patched.event()["title"], &patched.event()["rrule"]), (&json!("Later"), &json!("FREQ=DAILY;COUNT=2")));
    assert_eq!(bruno.starts("20260301T000000Z", "20260331T000000Z").await.len(), 5);
    let one = json!({"title": "Once", "recurrenceid": "20260311T090000Z"});
    bruno.write(Method::PATCH, &bruno.event(&euid), &one).await;
    let found = bruno.occurrences("20260301T000000Z", "20260331T000000Z").await;
    let titles: Vec<_> = found.events().iter().map(|event| event["title"].as_str()).collect();
    assert_eq!(titles, [Some("Intro call"), Some("Once"), Some("Intro call"), Some("Later"), Some("Later")]);
}

#[tokio::test]
async fn statement_33_answers_of_guests_need_rights() {
    let bruno = bruno().await;
    let guests = json!({"attendees": [{"email": "cara@example.net"}, {"email": "bruno@example.com", "permission": 1}]});
    let (own, _) = bruno.created(&meeting_with(guests)).await;
    let data = json!({"attendees": [{"email": "cara@example.net", "status": "ACCEPTED"}], "notify_attendee": 0}).to_string();
    let answer = bruno.form(Method::PATCH, &bruno.event(&own), &[("attendeedata", &data)]).await;
    assert_eq!(answer.event()["attendees"][0]["status"], "ACCEPTED");

    for (permission, status) in [(0, 403), (1, 403), (2, 200), (3, 200)] {
        let guests = json!([{"email": "bruno@example.com", "permission": permission}, {"email": "cara@example.net"}]);
        let euid = bruno.by_hand(meeting_with(json!({"organizer": "boss@example.net", "attendees": guests}))).await;
        let answer = bruno.form(Method::PATCH, &bruno.event(&euid), &[("attendeedata", &data)]).await;
        assert_eq!(answer.status, status, "permission {permission}: {}", answer.body);
        if status == 403 {
            answer.is_error(403, "OPERATION_NOT_PERMITTED");
        }
    }
}

#[tokio::test]
async fn statement_34_delete_takes_the_etag_from_header_or_eventdata() {
    let bruno = bruno().await;
    let (one, etag) = bruno.created(&meeting()).await;
    bruno.form(Method::DELETE, &bruno.event(&one), &[]).await.is_error(400, "ETAG_MISSING");
    bruno.form(Method::DELETE, &bruno.event(&one), &[("etag", &etag)]).await.is_error(400, "EXTRA_PARAM_FOUND");
    bruno.write(Method::DELETE, &bruno.event(&one), &json!({"notify_attendee": 0})).await.is_error(400, "ETAG_MISSING");
    assert_eq!(bruno.delete(&one, "1").await.status, 412);
    let gone = bruno.delete(&one, &etag).await;
    assert_eq!(gone.body, json!({"events": [{"uid": one, "caluid": bruno.uid, "estatus": "deleted"}]}));
    assert_eq!(bruno.delete(&one, &etag).await.status, 404);

    let (two, etag) = bruno.created(&meeting()).await;
    let request = bruno.world.api(Method::DELETE, "eu", &bruno.token, &bruno.event(&two));
    let data = json!({"uid": two, "etag": etag, "notify_attendee": 0}).to_string();
    assert_eq!(request.query(&[("eventdata", &data)]).send().await.unwrap().status(), 200);
    let title = json!({"etag": etag, "title": "x"});
    let (three, _) = bruno.created(&meeting()).await;
    bruno.write(Method::DELETE, &bruno.event(&three), &title).await.is_error(400, "EXTRA_KEY_FOUND_IN_JSON");
}

#[tokio::test]
async fn statement_36_deleting_one_occurrence_changes_the_masters_etag() {
    let bruno = bruno().await;
    let (euid, etag) = bruno.created(&meeting_with(json!({"rrule": "FREQ=DAILY"}))).await;
    let path = bruno.event(&euid);
    let first = json!({"etag": etag, "recurrenceid": "20260311T090000Z"});
    assert_eq!(bruno.write(Method::DELETE, &path, &first).await.status, 200);
    assert_ne!(bruno.etag(&euid).await, etag);
    let second = json!({"etag": etag, "recurrenceid": "20260312T090000Z"});
    assert_eq!(bruno.write(Method::DELETE, &path, &second).await.status, 412, "a sibling's deletion made it stale");
    let rest = json!({"etag": bruno.etag(&euid).await, "recurrenceid": "20260313T090000Z", "recurrence_edittype": "following"});
    assert_eq!(bruno.write(Method::DELETE, &path, &rest).await.status, 200);
    let starts = bruno.starts("20260301T000000Z", "20260331T000000Z").await;
    assert_eq!(starts, ["20260310T100000+0100", "20260312T100000+0100"]);
    assert_eq!(bruno.delete(&euid, &bruno.etag(&euid).await).await.status, 200, "the whole series");
    assert!(bruno.starts("20260301T000000Z", "20260331T000000Z").await.is_empty());

    let (other, etag) = bruno.created(&meeting_with(json!({"rrule": "FREQ=DAILY"}))).await;
    let all = json!({"etag": etag, "recurrenceid": "20260310T090000Z", "recurrence_edittype": "following"});
    assert_eq!(bruno.write(Method::DELETE, &bruno.event(&other), &all).await.status, 200);
    assert_eq!(bruno.read(&other).await.status, 404, "the first one and all that follow are the whole series");
}
