//! Lending of access tokens, all of it over HTTP: who may have one, that it opens the calendar, how many there are, and what is on the record.
#![expect(clippy::disallowed_methods, reason = "the borrower calls the provider itself")]

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::{
    access::Right,
    audit::{Actor, Entry},
};
use serde_json::{Value, json};

use crate::world::{Answer, World};

const LENDINGS: &str = "/api/v1/managers/ana@example.com/lendings";
/// The first version's callers know only this one.
const OLDER: &str = "/api/v1/managers/ana@example.com/access-token";

/// Ana is connected; a key that may have her tokens and do nothing else.
async fn connected(name: &str) -> (World, String) {
    let world = World::lending(name).await;
    world.vacancy().await;
    world.connect_ana().await;
    let key = world.key_with(&[Right::Lend]).await;
    (world, key)
}

async fn ask(world: &World, key: &str, path: &str, body: Value) -> Answer {
    let request = Request::builder().method("POST").uri(path).header("authorization", format!("Bearer {key}"));
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap();
    world.send("192.0.2.7", request).await
}

/// What the provider says to somebody who comes with a token.
async fn at_the_provider(world: &World, token: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = world.zoho.join("/api/v1/calendars").unwrap();
    let answer = client.get(url).header("authorization", format!("Zoho-oauthtoken {token}")).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// What is on the record of Ana's grant under one action, oldest first.
async fn record(world: &World, action: &str) -> Vec<Entry> {
    let managers = world.app.managers(ports::store::Page::first(1)).await.unwrap();
    let grant = managers[0].grant.as_ref().unwrap().id.to_string();
    let mut found = world.app.trail(&grant, 200).await.unwrap();
    found.retain(|entry| entry.action == action);
    found.reverse();
    found
}

#[tokio::test]
async fn a_lent_token_opens_the_calendar_and_ends_in_the_record() {
    let (world, key) = connected("lending_works").await;
    let asked = ask(&world, &key, LENDINGS, json!({"purpose": "a weekly report"})).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    assert_eq!(asked.header("cache-control"), "no-store");
    let lent = asked.json();
    let fields: Vec<&str> = lent.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["access_token", "expires_at", "scopes", "token_type"]);
    let token = lent["access_token"].as_str().unwrap();
    let (status, calendars) = at_the_provider(&world, token).await;
    assert_eq!(status, 200, "{calendars}");
    assert!(calendars.contains("\"calendars\""), "{calendars}");
    assert_eq!(at_the_provider(&world, "1000.somebody.elses").await.0, 401, "the provider looks at the token");

    let older = ask(&world, &key, OLDER, json!({})).await;
    assert_eq!((older.status, &older.json()["access_token"]), (StatusCode::OK, &lent["access_token"]));
    let lines = record(&world, "token.lent").await;
    let known = world.app.authenticate(&key).await.unwrap().unwrap().id.to_string();
    let purposes: BTreeSet<&str> = lines.iter().map(|line| line.payload["purpose"].as_str().unwrap()).collect();
    assert_eq!(purposes, BTreeSet::from(["a weekly report", "not stated: the first version's call"]));
    for line in &lines {
        assert_eq!((&line.payload["key"], &line.actor), (&json!(known), &Actor::ApiKey(known.clone())));
        assert!(!line.payload.to_string().contains(token));
    }
}

#[tokio::test]
async fn a_key_without_the_right_gets_nothing_and_no_answer_holds_a_refresh_token() {
    let (world, key) = connected("lending_rights").await;
    let others: Vec<Right> = Right::ALL.iter().copied().filter(|right| *right != Right::Lend).collect();
    let other = world.key_with(&others).await;
    let purpose = json!({"purpose": "a weekly report"});
    let mut texts = Vec::new();
    for path in [LENDINGS, OLDER] {
        let refused = ask(&world, &other, path, purpose.clone()).await;
        assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")), "{path}");
        let stranger = ask(&world, "grk_nobody", path, purpose.clone()).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{path}");
        texts.extend([refused.text, stranger.text, ask(&world, &key, path, purpose.clone()).await.text]);
    }
    assert_eq!(record(&world, "token.lent").await.len(), 2, "one for each time somebody with the right asked");
    for path in
        ["/api/v1/managers", "/api/v1/health", "/api/v1/alerts?all=true", "/api/v1/audit", "/api/v1/keys", "/api/v1/jobs/dead"]
    {
        texts.push(world.get(path).await.text);
    }
    texts.push(world.get("/api/admin/oauth/status/?manager_email=ana@example.com").await.text);
    let issued: Vec<(String, String)> =
        world.sim.with(|sim, _| sim.accounts.issued().iter().map(|issued| (issued.kind.clone(), issued.token.clone())).collect());
    assert!(issued.iter().any(|(kind, _)| kind == "refresh"));
    for (kind, token) in issued.iter().filter(|(kind, _)| kind != "access") {
        assert!(!texts.iter().any(|text| text.contains(token)), "a {kind} token is in an answer");
    }
    let lent = texts.iter().filter(|text| issued.iter().any(|(_, token)| text.contains(token))).count();
    assert_eq!(lent, 2, "an access token is in the answers that lend it, and in no other");
}

#[tokio::test]
async fn the_sixty_first_of_an_hour_is_refused_with_the_time_to_wait_and_on_the_record() {
    let (world, key) = connected("lending_limit").await;
    let asked = json!({"purpose": "a loop that forgot to keep its token"});
    for number in 1..=app::LENDINGS_PER_HOUR {
        let path = if number % 2 == 0 { OLDER } else { LENDINGS };
        assert_eq!(ask(&world, &key, path, asked.clone()).await.status, StatusCode::OK, "{number}");
    }
    for path in [LENDINGS, OLDER] {
        let refused = ask(&world, &key, path, asked.clone()).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{path}: {}", refused.text);
        let wait: i64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=3_600).contains(&wait), "{wait}");
        assert!(!refused.text.contains("access_token"), "{}", refused.text);
    }
    let refusals = record(&world, "token.refused").await;
    assert_eq!(refusals.len(), 2);
    assert_eq!((&refusals[0].payload["why"], &refusals[0].payload["limit"]), (&json!("limit"), &json!(app::LENDINGS_PER_HOUR)));
    let other = world.key_with(&[Right::Lend]).await;
    assert_eq!(ask(&world, &other, LENDINGS, asked).await.status, StatusCode::OK, "the limit is each key's own");
}
