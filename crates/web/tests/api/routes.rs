//! Every route of the OpenAPI document: refused without a key, refused to a key without the right, and 404 for what is not there.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::access::Right;
use serde_json::Value;

use super::world::{Answer, World};

async fn document(world: &World) -> String {
    let answer = world.send("192.0.2.7", Request::get("/api/v1/openapi.json").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    answer.text
}

/// Method, path and right of every operation.
fn operations(document: &Value) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation["x-right"].as_str().unwrap().to_owned()));
        }
    }
    all
}

async fn ask(world: &World, method: &str, path: &str, key: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    world.send("192.0.2.7", request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_document_is_as_it_was() {
    let world = World::new("routes_document").await;
    let text = document(&world).await;
    insta::assert_snapshot!("openapi", text);
}

#[tokio::test]
async fn every_route_asks_for_a_key_with_its_right() {
    let world = World::new("routes_rights").await;
    let document: Value = serde_json::from_str(&document(&world).await).unwrap();
    let all = operations(&document);
    assert!(all.len() >= 40, "{}", all.len());
    for (method, path, right) in &all {
        world.clock.advance(60);
        let path = path.replace(['{', '}'], "");
        let none = ask(&world, method, &path, None).await;
        assert_eq!(none.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let others: Vec<_> = Right::ALL.into_iter().filter(|other| other.code() != right).collect();
        let lacking = world.key_with(&others).await;
        let forbidden = ask(&world, method, &path, Some(&lacking)).await;
        assert_eq!(
            (forbidden.status, forbidden.json()["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("forbidden")),
            "{method} {path}"
        );
        assert!(forbidden.json()["detail"].as_str().unwrap().contains(&format!("`{right}`")));
    }
}

/// A body that would be right, so that nothing but the unknown id is wrong.
fn body(path: &str) -> Value {
    let last = path.rsplit('/').next().unwrap();
    match last {
        "candidates" => serde_json::json!({"name": "Kim Lee", "email": "kim@example.net"}),
        "move" | "hold" => serde_json::json!({"start": "2026-12-01T10:00:00Z"}),
        "feedback" => {
            serde_json::json!({"technical": 1, "communication": 1, "problem_solving": 1, "culture": 1, "overall": 1, "recommendation": "maybe"})
        }
        "erase" => serde_json::json!({"email": "kim@example.net"}),
        "decision" => serde_json::json!({"accept": true}),
        "lendings" => serde_json::json!({"purpose": "a report"}),
        "calendar" => serde_json::json!({"calendar_id": "primary"}),
        "events" => serde_json::json!({"title": "Chat", "start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z"}),
        _ => serde_json::json!({}),
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let world = World::new("routes_unknown").await;
    let document: Value = serde_json::from_str(&document(&world).await).unwrap();
    for (method, path, _) in operations(&document).into_iter().filter(|(_, path, _)| path.contains('{')) {
        let prefix = match path.split('/').nth(3).unwrap() {
            "vacancies" => "vac",
            "interviews" => "itv",
            "managers" | "persons" => "per",
            "mails" => "mai",
            "jobs" => "job",
            "keys" => "key",
            "drift" => "gra",
            other => panic!("{other} has no example id"),
        };
        let query = if ["/events", "/availability", "/free-busy-check"].iter().any(|end| path.ends_with(end)) {
            "?start=2026-12-01T10:00:00Z&end=2026-12-01T11:00:00Z"
        } else {
            ""
        };
        // One that could be, and one that could not.
        for id in [format!("{prefix}_00000000000000000000000000000007"), "x".to_owned()] {
            let known = path.split('/').map(|part| match part {
                "{place}" => "cdy_00000000000000000000000000000007",
                part if part.starts_with('{') => id.as_str(),
                part => part,
            });
            let target = format!("{}{}", known.collect::<Vec<_>>().join("/"), if method == "GET" { query } else { "" });
            let sent = (method != "GET").then(|| body(&path));
            let answer = world.call(&method, &target, sent, &[]).await;
            assert_eq!(
                (answer.status, answer.json()["code"].as_str()),
                (StatusCode::NOT_FOUND, Some("not_found")),
                "{method} {target} {}",
                answer.text
            );
        }
    }
}
