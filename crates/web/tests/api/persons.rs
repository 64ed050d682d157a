//! What is held about a person, and erasing them, over the API.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::access::Right;
use serde_json::json;

use crate::world::World;

const KIM: &str = "/api/v1/persons/kim@example.net";

#[tokio::test]
async fn everything_that_is_held_is_given_to_administrators_and_put_on_the_record() {
    let world = World::new("persons_export").await;
    let vacancy = world.booked().await;
    let kim = vacancy["shortlist"][0]["candidate"]["id"].as_str().unwrap().to_owned();
    let all_but: Vec<Right> = Right::ALL.into_iter().filter(|right| *right != Right::Administer).collect();
    let lacking = world.key_with(&all_but).await;
    let request = Request::get(format!("{KIM}/export")).header("authorization", format!("Bearer {lacking}"));
    assert_eq!(world.send("192.0.2.7", request.body(Body::empty()).unwrap()).await.status, StatusCode::FORBIDDEN);

    let export = world.get(&format!("{KIM}/export?feedback=true")).await;
    assert_eq!(export.status, StatusCode::OK, "{}", export.text);
    let body = export.json();
    assert_eq!((&body["person"], &body["erasure"], &body["feedback"]), (&json!(kim), &json!(null), &json!(true)));
    let tables: Vec<&str> = body["held"].as_array().unwrap().iter().map(|held| held["table"].as_str().unwrap()).collect();
    for table in ["persons", "candidacies", "interviews", "mails"] {
        assert!(tables.contains(&table), "{tables:?}");
    }
    assert!(export.text.contains("kim@example.net") && !export.text.contains("ana@example.com\",\"name"));
    // The same by id, and for a manager.
    assert_eq!(world.get(&format!("/api/v1/persons/{kim}/export")).await.json()["feedback"], false);
    assert_eq!(world.get("/api/v1/persons/ana@example.com/export").await.status, StatusCode::OK);
    let trail = world.get(&format!("/api/v1/audit?subject={kim}")).await.json();
    let exports = trail["items"].as_array().unwrap().iter().filter(|line| line["action"] == "person.exported").count();
    assert_eq!(exports, 2, "{trail:#}");
}

#[tokio::test]
async fn a_candidate_is_erased_once_and_what_was_erased_is_gone() {
    let world = World::new("persons_erase").await;
    let vacancy = world.booked().await;
    let line = &vacancy["shortlist"][0];
    let kim = line["candidate"]["id"].as_str().unwrap().to_owned();
    let interview = line["interview"]["id"].as_str().unwrap().to_owned();

    // Not by mistake: the address must be one of theirs, and a dry run only says what would be.
    for (body, field) in [(json!({}), "email"), (json!({"email": "ana@example.com"}), "email"), (json!({"email": "x"}), "email")] {
        let refused = world.post(&format!("/api/v1/persons/{kim}/erase"), body).await;
        assert_eq!((refused.status, refused.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)));
    }
    let dry = world.post(&format!("{KIM}/erase?dry_run=true"), json!({"email": "kim@example.net"})).await;
    assert_eq!((dry.status, dry.json()["state"].as_str()), (StatusCode::OK, Some("none")), "{}", dry.text);
    let takes = json!({
        "interviews_cancelled": 1, "interviews_kept": 0, "events": 1, "vacancies_closed": 0, "permission_revoked": false,
    });
    assert_eq!(dry.json()["takes"], takes);
    assert_eq!(world.get(&format!("/api/v1/persons/{kim}/erasure")).await.json()["state"], "none");

    let key = [("idempotency-key", "erase-1")];
    let body = || Some(json!({"email": "Kim@Example.NET"}));
    let begun = world.call("POST", &format!("{KIM}/erase"), body(), &key).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text);
    let status_url = begun.json()["status_url"].as_str().unwrap().to_owned();
    assert_eq!((begun.header("location"), &begun.json()["takes"]), (status_url.as_str(), &takes));
    let again = world.call("POST", &format!("{KIM}/erase"), body(), &key).await;
    assert_eq!((again.status, again.header("idempotency-replayed"), &again.text), (StatusCode::ACCEPTED, "true", &begun.text));
    assert_eq!(world.get(&format!("{KIM}/export")).await.status, StatusCode::NOT_FOUND, "the address is free at once");

    world.pass(3_600).await;
    let done = world.get(&status_url).await.json();
    assert_eq!((&done["state"], &done["events_left"], &done["takes"]), (&json!("done"), &json!(0), &json!(null)), "{done:#}");
    assert_eq!(world.get(&format!("/api/v1/interviews/{interview}")).await.json()["state"], "cancelled");
    // A late repeat is told apart from a first call, and does nothing.
    let late = world.call("POST", &format!("{KIM}/erase"), body(), &key).await;
    assert_eq!((late.status, late.json()["code"].as_str()), (StatusCode::GONE, Some("erased")), "{}", late.text);
    for path in [format!("/api/v1/persons/{kim}/export"), format!("/api/v1/managers/{kim}")] {
        let gone = world.get(&path).await;
        assert_eq!((gone.status, gone.json()["code"].as_str()), (StatusCode::GONE, Some("erased")), "{path}");
        assert_eq!(gone.header("content-type"), "application/problem+json");
    }
    let repeat = world.post(&format!("/api/v1/persons/{kim}/erase"), json!({"email": "kim@example.net"})).await;
    assert_eq!(repeat.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_manager_is_erased_with_vacancies_and_permission() {
    let world = World::new("persons_erase_manager").await;
    let vacancy = world.booked().await;
    let ana = vacancy["manager"]["id"].as_str().unwrap().to_owned();
    let begun = world.post("/api/v1/persons/ana@example.com/erase", json!({"email": "ana@example.com"})).await;
    assert_eq!((begun.status, begun.json()["kind"].as_str()), (StatusCode::ACCEPTED, Some("manager")), "{}", begun.text);
    assert_eq!(
        (&begun.json()["takes"]["vacancies_closed"], &begun.json()["takes"]["permission_revoked"]),
        (&json!(1), &json!(true))
    );
    world.pass(3_600).await;
    assert_eq!(world.get(&format!("/api/v1/persons/{ana}/erasure")).await.json()["state"], "done");
    for (method, path, body) in [
        ("GET", format!("/api/v1/managers/{ana}"), None),
        ("POST", format!("/api/v1/managers/{ana}/authorization"), Some(json!({}))),
        ("POST", format!("/api/v1/managers/{ana}/refresh"), None),
        ("GET", format!("/api/v1/managers/{ana}/calendars"), None),
    ] {
        let gone = world.call(method, &path, body, &[]).await;
        assert_eq!((gone.status, gone.json()["code"].as_str()), (StatusCode::GONE, Some("erased")), "{path}: {}", gone.text);
    }
}
