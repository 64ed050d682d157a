//! What every part of the API does alike: repeated requests, revisions, dry runs, problem documents, pages of lists.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::access::Right;
use serde_json::json;

use super::world::World;

#[tokio::test]
async fn the_whole_walk_over_the_api() {
    let world = World::new("api_walk").await;
    let vacancy = world.booked().await;
    let line = &vacancy["shortlist"][0];
    assert_eq!((&vacancy["state"], &line["interview"]["state"]), (&json!("approved"), &json!("booked")), "{vacancy:#}");
    assert_eq!(line["candidate"]["email"], "kim@example.net");
    let id = line["interview"]["id"].as_str().unwrap().to_owned();

    let mails = world.get("/api/v1/mails?to=kim@example.net&limit=5").await.json();
    assert_eq!(mails["items"][0]["kind"], "candidate_booked");
    assert!(mails["items"][0]["calendar"].as_str().unwrap().contains("METHOD:REQUEST"));

    let listed = world.get("/api/v1/interviews").await.json();
    assert_eq!(listed["items"][0]["id"], id.as_str());
    world.pass(14 * 24 * 3600).await;
    let over = world.get(&format!("/api/v1/interviews/{id}")).await.json();
    assert_eq!((&over["state"], &over["feedback"], &over["feedback_state"]), (&json!("done"), &json!(null), &json!("requested")));
    let answers =
        json!({"technical": 8, "communication": 7, "problem_solving": 9, "culture": 8, "overall": 8, "recommendation": "hire"});
    let given = world.call("PUT", &format!("/api/v1/interviews/{id}/feedback"), Some(answers), &[]).await;
    assert_eq!(given.json()["feedback"]["recommendation"], "hire", "{}", given.text);
    world.clock.advance(1);
    let closed = world.post(&format!("/api/v1/interviews/{id}/feedback/close"), json!({})).await;
    assert_eq!(closed.json()["feedback_state"], "closed");
    let trail = world.get(&format!("/api/v1/audit?subject={id}")).await.json();
    assert_eq!(trail["items"][0]["action"], "feedback.closed");
}

#[tokio::test]
async fn the_same_post_with_the_same_key_happens_once() {
    let world = World::new("api_idempotency").await;
    let body = json!({"title": "One", "manager_email": "ana@example.com"});
    let key = [("idempotency-key", "k-1")];
    let first = world.call("POST", "/api/v1/vacancies", Some(body.clone()), &key).await;
    let again = world.call("POST", "/api/v1/vacancies", Some(body), &key).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_eq!((&first.text, first.header("etag")), (&again.text, again.header("etag")));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(world.get("/api/v1/vacancies").await.json()["items"].as_array().unwrap().len(), 1);

    let other =
        world.call("POST", "/api/v1/vacancies", Some(json!({"title": "Two", "manager_email": "ana@example.com"})), &key).await;
    assert_eq!((other.status, other.json()["code"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("idempotency_key_reused")));
    // A refusal is an answer like any other.
    let wrong = json!({"title": "", "manager_email": "ana@example.com"});
    for _ in 0..2 {
        let answer = world.call("POST", "/api/v1/vacancies", Some(wrong.clone()), &[("idempotency-key", "k-2")]).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::UNPROCESSABLE_ENTITY, "application/problem+json"));
    }
    // Another caller's keys are other keys.
    let theirs = Request::post("/api/v1/vacancies")
        .header("authorization", format!("Bearer {}", world.key_with(&Right::ALL).await))
        .header("idempotency-key", "k-1")
        .body(Body::from(json!({"title": "Three", "manager_email": "ana@example.com"}).to_string()));
    assert_eq!(world.send("192.0.2.8", theirs.unwrap()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn of_many_equal_posts_at_once_one_happens() {
    let world = World::new("api_idempotency_race").await;
    let body = json!({"title": "One", "manager_email": "ana@example.com"});
    let calls = (0..16).map(|_| world.call("POST", "/api/v1/vacancies", Some(body.clone()), &[("idempotency-key", "race")]));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == StatusCode::CREATED || answer.json()["code"] == "in_progress"));
    assert_eq!(world.get("/api/v1/vacancies").await.json()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_with_a_secret_is_not_kept() {
    let world = World::new("api_idempotency_secret").await;
    let body = json!({"name": "reader", "rights": ["read"]});
    let key = [("idempotency-key", "k-1")];
    let first = world.call("POST", "/api/v1/keys", Some(body.clone()), &key).await;
    let text = first.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(first.status, StatusCode::CREATED);
    let again = world.call("POST", "/api/v1/keys", Some(body), &key).await;
    assert_eq!((again.status, again.json()["code"].as_str()), (StatusCode::CONFLICT, Some("answer_not_kept")));
    assert!(!again.text.contains(&text));
    assert!(!world.get("/api/v1/keys").await.text.contains(&text));
}

#[tokio::test]
async fn a_key_cannot_make_a_stronger_key() {
    let world = World::new("api_keys").await;
    let weak = world.key_with(&[Right::Commit]).await;
    let request = |rights: &[&str]| {
        let body = json!({"name": "next", "rights": rights}).to_string();
        Request::post("/api/v1/keys").header("authorization", format!("Bearer {weak}")).body(Body::from(body)).unwrap()
    };
    assert_eq!(world.send("192.0.2.8", request(&["lend"])).await.status, StatusCode::FORBIDDEN);
    let made = world.send("192.0.2.8", request(&["commit"])).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(world.post(&format!("/api/v1/keys/{id}/revoke"), json!({})).await.status, StatusCode::OK);
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let after = Request::get("/api/v1/keys").header("authorization", format!("Bearer {key}")).body(Body::empty()).unwrap();
    assert_eq!(world.send("192.0.2.8", after).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_change_on_an_old_revision_is_refused() {
    let world = World::new("api_if_match").await;
    let made = world.vacancy().await;
    let path = format!("/api/v1/vacancies/{}", made["id"].as_str().unwrap());
    let read = world.get(&path).await;
    let etag = read.header("etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", made["revision"]));
    let change = |title: &str| Some(json!({"title": title}));
    let first = world.call("PATCH", &path, change("New"), &[("if-match", &etag)]).await;
    assert_eq!((first.status, first.json()["title"].as_str()), (StatusCode::OK, Some("New")));
    assert_ne!(first.header("etag"), etag);
    let stale = world.call("PATCH", &path, change("Newer"), &[("if-match", &etag)]).await;
    assert_eq!((stale.status, stale.json()["code"].as_str()), (StatusCode::PRECONDITION_FAILED, Some("stale")));
    let approve = world.call("POST", &format!("{path}/approve"), None, &[("if-match", &etag)]).await;
    assert_eq!(approve.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(world.get(&path).await.json()["title"], "New");
    let unreadable = world.call("PATCH", &path, change("Newer"), &[("if-match", "latest")]).await;
    assert_eq!(unreadable.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_dry_run_says_what_would_happen_and_does_nothing() {
    let world = World::new("api_dry_run").await;
    let made = world.vacancy().await;
    let path = format!("/api/v1/vacancies/{}", made["id"].as_str().unwrap());
    let dry = world.post(&format!("{path}/approve?dry_run=true"), json!({})).await;
    assert_eq!((dry.status, dry.json()["state"].as_str()), (StatusCode::OK, Some("approved")));
    assert_eq!(world.get(&path).await.json(), made);

    let empty = world.post("/api/v1/vacancies", json!({"title": "No place", "manager_email": "ana@example.com"})).await.json();
    let refused = world.post(&format!("/api/v1/vacancies/{}/approve?dry_run=true", empty["id"].as_str().unwrap()), json!({})).await;
    assert_eq!((refused.status, refused.json()["code"].as_str()), (StatusCode::CONFLICT, Some("no_place")));
}

#[tokio::test]
async fn problems_name_the_field_and_say_what_to_do() {
    let world = World::new("api_problems").await;
    let post = |body: serde_json::Value| world.post("/api/v1/vacancies", body);
    let unknown = post(json!({"title": "A", "manager_email": "ana@example.com", "colour": "red"})).await;
    assert_eq!((unknown.status, unknown.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("colour")));
    let missing = post(json!({"title": "A"})).await;
    assert_eq!((missing.status, missing.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("manager_email")));
    let address = post(json!({"title": "A", "manager_email": "ana"})).await;
    assert_eq!((address.status, address.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("manager_email")));
    assert_eq!(address.json()["type"], "urn:greenroom:problem:invalid");
    assert_eq!(address.header("content-type"), "application/problem+json");
    assert_eq!(address.json()["request"], address.header("x-request-id"));

    let text = Request::post("/api/v1/vacancies")
        .header("authorization", format!("Bearer {}", world.key))
        .header("content-type", "text/plain");
    let answer = world.send("192.0.2.7", text.body(Body::from("x")).unwrap()).await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let large = post(json!({"title": "a".repeat(1024 * 1024), "manager_email": "ana@example.com"})).await;
    assert_eq!((large.status, large.json()["code"].as_str()), (StatusCode::PAYLOAD_TOO_LARGE, Some("too_large")));
    let zone = post(json!({"title": "A", "manager_email": "ana@example.com", "candidates": [{"name": "K", "email": "k@example.net", "zone": "Mars/Base"}]})).await;
    assert_eq!(zone.json()["field"], "candidates.zone");
    let query = world.get("/api/v1/vacancies?colour=red").await;
    assert_eq!((query.status, query.json()["field"].as_str()), (StatusCode::UNPROCESSABLE_ENTITY, Some("colour")));
    assert_eq!(world.get("/api/v1/nothing").await.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn lists_go_on_where_the_page_before_ended() {
    let world = World::new("api_pages").await;
    for number in 1..=5 {
        world.clock.advance(1);
        let made =
            world.post("/api/v1/vacancies", json!({"title": format!("V{number}"), "manager_email": "ana@example.com"})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let mut seen = Vec::new();
    let mut path = "/api/v1/vacancies?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.json();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/vacancies?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ["V5", "V4", "V3", "V2", "V1"]);
    assert_eq!(world.get("/api/v1/vacancies?cursor=x").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.get("/api/v1/vacancies?limit=0").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn calendars_of_a_manager() {
    let world = World::new("api_calendars").await;
    let unknown = world.get("/api/v1/managers/ana@example.com/calendars").await;
    assert_eq!((unknown.status, unknown.json()["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
    assert_eq!(world.get("/api/v1/audit").await.json()["items"].as_array().unwrap().len(), 2, "a question made somebody known");
    let known = world.call("PUT", "/api/v1/managers", Some(json!({"email": "ana@example.com"})), &[]).await;
    assert_eq!(known.status, StatusCode::OK, "{}", known.text);
    let late = Some(json!({"email": "ana@example.com", "name": "Ana"}));
    assert_eq!(world.call("PUT", "/api/v1/managers", late, &[("if-match", "\"7\"")]).await.status, StatusCode::PRECONDITION_FAILED);
    let before = world.get("/api/v1/managers/ana@example.com/calendars").await;
    assert_eq!((before.status, before.json()["code"].as_str()), (StatusCode::CONFLICT, Some("needs_authorization")));
    assert!(before.json()["detail"].as_str().unwrap().contains("/api/admin/oauth/setup/"), "{}", before.text);
    assert_eq!(world.get("/api/v1/audit").await.json()["items"].as_array().unwrap().len(), 3, "a question made a link");
    world.connect_ana().await;
    let manager = world.get("/api/v1/managers/ana%40example.com").await.json();
    assert_eq!(manager["grant"]["state"], "active");
    let id = manager["id"].as_str().unwrap();
    let calendars = world.get(&format!("/api/v1/managers/{id}/calendars")).await.json();
    assert!(calendars["items"].as_array().unwrap().iter().any(|calendar| calendar["is_default"] == true));

    // Without an offset: Ana's own zone, New York.
    let events = format!("/api/v1/managers/{id}/calendars/primary/events");
    let event = json!({"title": "Chat", "start": "2026-12-08T20:00:00", "end": "2026-12-08T20:30:00"});
    let made = world.post(&events, event.clone()).await;
    assert_eq!((made.status, made.json()["start"].as_str()), (StatusCode::CREATED, Some("2026-12-09T01:00:00Z")), "{}", made.text);
    let clash = world.post(&events, event).await;
    assert_eq!((clash.status, clash.json()["code"].as_str()), (StatusCode::CONFLICT, Some("clash")));
    let both = json!({"title": "Chat 2", "start": "2026-12-08T20:00:00", "end": "2026-12-08T20:30:00", "allow_conflict": true});
    assert_eq!(world.post(&events, both).await.status, StatusCode::CREATED);
    let window = "start=2026-12-09T00:00:00Z&end=2026-12-09T05:00:00Z";
    let listed = world.get(&format!("{events}?{window}")).await.json();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["title"]), (2, &json!(null)));
    let titled = world.get(&format!("{events}?{window}&titles=true")).await.json();
    assert_eq!(titled["items"][0]["title"], "Chat");
    let reader = world.key_with(&[Right::Read]).await;
    let curious = Request::get(format!("{events}?{window}&titles=true")).header("authorization", format!("Bearer {reader}"));
    assert_eq!(world.send("192.0.2.8", curious.body(Body::empty()).unwrap()).await.status, StatusCode::FORBIDDEN);

    let free = world.get(&format!("/api/v1/managers/{id}/availability?{window}&minutes=30")).await.json();
    assert_eq!((free["source"].as_str(), free["zone"].as_str()), (Some("known"), Some("America/New_York")), "{free}");
    let lent = world.post(&format!("/api/v1/managers/{id}/access-token"), json!({})).await;
    assert_eq!(lent.json()["code"], "lending_off");
}

#[tokio::test]
async fn supervisors_get_their_answers_without_a_key() {
    let world = World::new("api_health").await;
    for path in ["/healthz", "/readyz"] {
        let answer = world.send("192.0.2.7", Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.json()["ok"].as_bool()), (StatusCode::OK, Some(true)), "{path}");
    }
}

#[tokio::test]
async fn a_dashboard_log_in_is_no_key() {
    let world = World::new("api_cookie").await;
    let link = world.app.admin_link("Sam").await.unwrap();
    let token = link.path().rsplit('/').next().unwrap().to_owned();
    let cookie = world.app.log_in(&token, None).await.unwrap().cookie;
    let request = Request::get("/api/v1/vacancies").header("cookie", format!("greenroom={cookie}"));
    assert_eq!(world.send("192.0.2.7", request.body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
}
