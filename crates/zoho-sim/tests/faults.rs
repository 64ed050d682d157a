//! Faults on demand: what a client meets when Zoho, or the way to it, breaks.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{World, start};
use reqwest::Method;
use serde_json::{Value, json};

/// Arms a fault for the token endpoint, refreshes, and gives status, content type and body.
async fn refresh_under(world: &World, refresh: &str, mut fault: Value) -> (u16, String, String) {
    fault["path"] = "/oauth/v2/token".into();
    world.arm(fault).await;
    let answer = world.refresh("us", refresh).await;
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    (answer.status().as_u16(), kind.unwrap_or_default(), answer.text().await.unwrap())
}

#[tokio::test]
async fn statement_19_other_answers_come_once_and_then_the_truth_again() {
    let world = start().await;
    let refresh = world.connect("ana@example.com").await.refresh.unwrap();
    let cases = [
        (json!({"kind": "html200"}), 200, "text/html", "<html>"),
        (json!({"kind": "status", "status": 503}), 503, "text/html", "<html>"),
        (json!({"kind": "general_error"}), 200, "application/json", "{\"error\":\"general_error\"}"),
        (json!({"kind": "localised"}), 400, "application/json", "拒绝访问"),
        (json!({"kind": "throttled"}), 400, "application/json", "\"error\":\"Access Denied\""),
        (json!({"kind": "garbage_json"}), 200, "application/json", "{\"access_token\":\"1000.0000"),
        (json!({"kind": "empty_body"}), 200, "application/json", ""),
        (json!({"kind": "empty_object"}), 200, "application/json", "{}"),
        (json!({"kind": "json", "status": 418, "body": {"error": "tea"}}), 418, "application/json", "tea"),
    ];
    for (fault, status, kind, text) in cases {
        let (got, got_kind, body) = refresh_under(&world, &refresh, fault.clone()).await;
        assert_eq!(got, status, "{fault}");
        assert!(got_kind.starts_with(kind), "{fault}: {got_kind}");
        assert!(body.contains(text) && body.is_empty() == text.is_empty(), "{fault}: {body}");
    }
    let answer: Value = world.refresh("us", &refresh).await.json().await.unwrap();
    assert!(answer["access_token"].is_string(), "{answer}");
}

#[tokio::test]
async fn statement_19_a_slow_answer_is_the_true_answer_and_a_hanging_one_never_comes() {
    let world = start().await;
    let refresh = world.connect("ana@example.com").await.refresh.unwrap();
    let (status, _, body) = refresh_under(&world, &refresh, json!({"kind": "slow", "ms": 30})).await;
    assert_eq!(status, 200);
    assert!(body.contains("access_token"), "{body}");
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    world.arm(json!({"path": "/oauth/v2/token", "kind": "slow", "ms": 500})).await;
    let params = json!({"grant_type": "authorization_code", "client_id": common::CLIENT_ID,
        "client_secret": common::SECRET, "redirect_uri": common::REDIRECT, "code": code});
    let post = world.request(Method::POST, "us", "/oauth/v2/token").form(&params).timeout(Duration::from_millis(250));
    assert!(post.send().await.unwrap_err().is_timeout());
    // The caller gave up; the exchange happens all the same.
    while !world.sim.with(|inner, _| inner.journal.requests().all(|request| request.status.is_some())) {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.exchange("us", &code).await, json!({"error": "invalid_code"}));

    world.arm(json!({"path": "/oauth/", "kind": "hang"})).await;
    let request = world.request(Method::GET, "us", "/oauth/serverinfo").timeout(Duration::from_millis(50));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(world.request(Method::GET, "us", "/oauth/serverinfo").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn statement_19_a_reset_connection_gives_no_answer_and_does_nothing() {
    let world = start().await;
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    world.arm(json!({"path": "/oauth/v2/token", "kind": "reset"})).await;
    let params = json!({"grant_type": "authorization_code", "client_id": common::CLIENT_ID,
        "client_secret": common::SECRET, "redirect_uri": common::REDIRECT, "code": code});
    let error = world.request(Method::POST, "us", "/oauth/v2/token").form(&params).send().await.unwrap_err();
    assert!(!error.is_timeout() && error.status().is_none(), "{error:?}");
    assert!(world.exchange("us", &code).await["access_token"].is_string(), "the code was not used up");
}

#[tokio::test]
async fn an_answer_can_be_lost_after_the_work_was_done() {
    let world = start().await;
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    world.arm(json!({"path": "/oauth/v2/token", "kind": "commit_then_drop"})).await;
    let post = world.request(Method::POST, "us", "/oauth/v2/token");
    let params = json!({"grant_type": "authorization_code", "client_id": common::CLIENT_ID,
        "client_secret": common::SECRET, "redirect_uri": common::REDIRECT, "code": code});
    assert!(post.form(&params).send().await.is_err());
    assert_eq!(world.exchange("us", &code).await, json!({"error": "invalid_code"}), "the code was used up");
}

#[tokio::test]
async fn work_can_be_done_after_the_connection_was_dropped() {
    let world = start().await;
    let refresh = world.connect("ana@example.com").await.refresh.unwrap();
    world.arm(json!({"path": "/oauth/v2/token/revoke", "kind": "drop_then_commit_after", "seconds": 30})).await;
    let revoke = world.request(Method::POST, "us", "/oauth/v2/token/revoke").form(&json!({"token": refresh}));
    assert!(revoke.send().await.is_err());
    world.advance(29);
    assert!(world.refresh("us", &refresh).await.json::<Value>().await.unwrap()["access_token"].is_string());
    world.advance(1);
    let refused: Value = world.refresh("us", &refresh).await.json().await.unwrap();
    assert_eq!(refused, json!({"error": "invalid_code"}));
}

#[tokio::test]
async fn a_fault_can_wait_for_any_calendar_in_one_data_centre() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    world.arm(json!({"path": "/api/v1/calendars/*", "method": "GET", "dc": "us", "kind": "status", "status": 503})).await;
    let status =
        async |dc: &str, path: &str| world.api(Method::GET, dc, &tokens.access, path).send().await.unwrap().status().as_u16();
    assert_eq!(status("us", "/calendars").await, 200);
    assert_eq!(status("eu", "/calendars/default").await, 401);
    assert_eq!(status("us", "/calendars/default").await, 503);
    assert_eq!(status("us", "/calendars/default").await, 200);
    let struck: Vec<String> = world.sim.with(|inner, _| {
        inner.journal.requests().filter(|request| request.fault.is_some()).map(|request| request.path.clone()).collect()
    });
    assert_eq!(struck, ["/api/v1/calendars/default"]);
}

#[tokio::test]
async fn the_journal_has_every_request_its_fault_and_no_secret() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    let refresh = tokens.refresh.unwrap();
    refresh_under(&world, &refresh, json!({"kind": "status", "status": 502})).await;
    world.request(Method::GET, "us", &format!("/oauth/user/info?token={}", tokens.access)).send().await.unwrap();
    let journal = world.request(Method::GET, "us", "/_sim/journal?path=/oauth/").send().await.unwrap().text().await.unwrap();
    for secret in [common::SECRET, &refresh, &tokens.access] {
        assert!(!journal.contains(secret), "{journal}");
    }
    let journal: Value = serde_json::from_str(&journal).unwrap();
    let last_token = journal["requests"].as_array().unwrap().iter().rfind(|r| r["path"] == "/oauth/v2/token").unwrap();
    assert_eq!(last_token["status"], 502);
    assert_eq!(last_token["fault"], "Status { status: 502 }");
    assert!(last_token["body"].as_str().unwrap().contains("grant_type=refresh_token"), "{last_token}");
    let issued: Value = world.request(Method::GET, "us", "/_sim/tokens").send().await.unwrap().json().await.unwrap();
    let kinds: Vec<&str> = issued["tokens"].as_array().unwrap().iter().map(|token| token["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["code", "refresh", "access"]);
    world.sim.with(|world, _| assert_eq!(world.journal.struck().values().sum::<usize>(), 1, "{:?}", world.journal.struck()));
}

#[tokio::test]
async fn a_wrong_call_of_the_control_api_says_what_is_wrong() {
    let world = start().await;
    let post = |path: &str, body: Value| world.request(Method::POST, "us", path).json(&body).send();
    let cases = [
        post("/_sim/users", json!({"email": "new@example.com", "location": "jp"})).await,
        post("/_sim/users", json!({"email": "new@example.com", "timezone": "Mars/Base"})).await,
        post("/_sim/users", json!({"mail": "new@example.com"})).await,
        post("/_sim/faults", json!({"path": "/", "kind": "gremlins"})).await,
        world.request(Method::PATCH, "us", "/_sim/switches").json(&json!({"no_such": 1})).send().await,
    ];
    for answer in cases {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(answer.json::<Value>().await.unwrap()["error"].as_str().unwrap().ends_with('.'));
    }
    assert_eq!(post("/_sim/users", json!({"email": "ANA@example.com"})).await.unwrap().status(), 409);
    assert_eq!(post("/_sim/clock", json!({"advance_seconds": 5})).await.unwrap().status(), 409);
}
