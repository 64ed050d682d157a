//! When several people can meet, and rounds with panels, as a program asks for them.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::world::World;

const ASK: &str = "/api/v1/availability?start=2026-11-24T00:00:00Z&end=2026-12-08T00:00:00Z";
const WHY: &str = "/api/v1/availability/explain";

#[tokio::test]
async fn what_is_offered_has_no_reasons_and_everything_else_has_some() {
    let world = World::new("availability").await;
    world.connect_ana().await;
    let stranger = world.get(&format!("{ASK}&people=ana@example.com,zoe@example.com")).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND, "{}", stranger.text);
    let body = json!({"email": "zoe@example.com", "name": "Zoe", "zone": "Europe/Madrid", "skills": ["Rust", "rust"]});
    let zoe = world.call("PUT", "/api/v1/managers", Some(body), &[]).await.json();
    assert_eq!(zoe["skills"], json!(["rust"]));
    let alone = world.get(&format!("{ASK}&people=ana@example.com&minutes=45&limit=5")).await.json();
    assert_eq!((alone["source"].as_str(), alone["complete"].as_bool()), (Some("known"), Some(true)), "{alone}");
    assert_eq!((alone["age_seconds"].as_i64(), alone["slots"].as_array().unwrap().len()), (Some(0), 5));
    let both = world.get(&format!("{ASK}&people=ana@example.com,zoe@example.com")).await.json();
    assert_eq!((both["source"].as_str(), both["slots"].as_array().unwrap().len()), (Some("unknown"), 0));
    assert_eq!(both["people"][1]["why"], "not_connected");
    let any = world.get(&format!("{ASK}&people=ana@example.com,zoe@example.com&need=1")).await.json();
    assert_eq!((any["source"].as_str(), &any["slots"][0]["people"]), (Some("partial"), &json!(["ana@example.com"])));
    let start = any["slots"][0]["start"].as_str().unwrap();
    let why = world.get(&format!("{WHY}?people=ana@example.com,zoe@example.com&start={start}")).await.json();
    assert_eq!((why["offered"].as_bool(), why["needed"].as_i64(), why["can"].as_i64()), (Some(false), Some(2), Some(1)));
    let kept = &why["smallest"][0];
    assert_eq!((kept["email"].as_str(), kept["reasons"][0]["code"].as_str()), (Some("zoe@example.com"), Some("unknown_calendar")));
    let night = world.get(&format!("{WHY}?people=ana@example.com&start=2026-11-25T03:00:00Z")).await.json();
    let reason = &night["people"][0]["reasons"][0];
    assert_eq!((reason["code"].as_str(), reason["owner"].is_string()), (Some("outside_hours"), true), "{night}");
    assert!(reason["text"].as_str().unwrap().ends_with('.'));
}

#[tokio::test]
async fn what_cannot_be_meant_is_named() {
    let world = World::new("availability_bad").await;
    world.connect_ana().await;
    for (query, field) in [
        ("people=", "people"),
        ("people=ana@example.com,ANA@example.com", "people"),
        ("people=ana@example.com&need=2", "need"),
        ("people=ana@example.com&need=most", "need"),
        ("people=ana@example.com&minutes=7", "minutes"),
        ("people=ana@example.com&limit=0", "limit"),
        ("people=ana@example.com&deadline_ms=0", "deadline_ms"),
        ("people=ana@example.com&max_age=-1", "max_age"),
        ("people=ana@example.com&colour=red", "colour"),
    ] {
        let answer = world.get(&format!("{ASK}&{query}")).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}: {}", answer.text);
        assert_eq!(answer.json()["field"], field, "{query}");
    }
}

#[tokio::test]
async fn rounds_come_back_as_they_were_said() {
    let world = World::new("availability_rounds").await;
    let rounds = json!([
        {"name": "Screening", "minutes": 30},
        {"name": "Panel", "minutes": 60, "seats": [
            {"need": 1, "people": ["bruno@example.com", "chandra@example.com"], "skills": ["Rust"]},
            {"people": ["ana@example.com"]}
        ], "optional": ["dora@example.com"], "gap": {"at_least_minutes": 60, "days": "other"}, "opens": "after_previous"}
    ]);
    let body = json!({"title": "Engineer", "manager_email": "ana@example.com", "rounds": rounds});
    let made = world.post("/api/v1/vacancies", body.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    let panel = &made["rounds"][1];
    let emails = |people: &Value| people.as_array().unwrap().iter().map(|one| one["email"].clone()).collect::<Vec<_>>();
    assert_eq!(emails(&panel["seats"][0]["people"]), ["bruno@example.com", "chandra@example.com"]);
    assert_eq!((&panel["seats"][0]["need"], &panel["seats"][1]["need"]), (&json!(1), &json!("all")));
    assert_eq!((&panel["seats"][0]["skills"], emails(&panel["optional"])), (&json!(["rust"]), vec![json!("dora@example.com")]));
    assert_eq!(panel["gap"], json!({"at_least_minutes": 60, "at_most_minutes": null, "days": "other"}));
    assert_eq!((&made["rounds"][0]["seats"], &panel["opens"]), (&json!([]), &json!("after_previous")));
    for (rounds, words) in [
        (json!([{"seats": [{"need": 3, "people": ["ana@example.com"]}]}]), "3 of 1 people cannot come"),
        (json!([{"seats": [{"need": "most", "people": ["ana@example.com"]}]}]), "`all`, `any`, or how many"),
        (json!([{"position": 2}, {"position": 1}]), "count from 1"),
        (json!([{"gap": {"days": "same"}}]), "round 1 has no round before it"),
        (json!([]), "at least one round"),
    ] {
        let wrong =
            world.post("/api/v1/vacancies", json!({"title": "A", "manager_email": "ana@example.com", "rounds": rounds})).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
        assert!(wrong.text.contains(words), "{}", wrong.text);
    }
    let path = format!("/api/v1/vacancies/{}", made["id"].as_str().unwrap());
    let anew = world.call("PATCH", &path, Some(json!({"rounds": [{"minutes": 90}]})), &[]).await.json();
    assert_eq!((anew["rounds"].as_array().unwrap().len(), &anew["rounds"][0]["minutes"]), (1, &json!(90)));
    let mut both = body;
    both["minutes"] = json!(30);
    assert_eq!(world.post("/api/v1/vacancies", both).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
