//! `/metrics`, alerts and health for programs, and what lending answers.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::access::Right;
use serde_json::json;

use crate::world::{Answer, World};

async fn scrape(world: &World, peer: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().uri("/metrics");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    world.send(peer, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn metrics_are_for_keys_with_that_right() {
    let world = World::new("metrics_access").await;
    assert_eq!(scrape(&world, "192.0.2.7", &[]).await.status, StatusCode::UNAUTHORIZED);
    let mut rights: Vec<Right> = Right::ALL.into();
    rights.retain(|right| *right != Right::Metrics);
    let other = format!("Bearer {}", world.key_with(&rights).await);
    assert_eq!(scrape(&world, "192.0.2.7", &[("authorization", &other)]).await.status, StatusCode::FORBIDDEN);
    let key = format!("Bearer {}", world.key_with(&[Right::Metrics]).await);
    let answer = scrape(&world, "192.0.2.7", &[("authorization", &key)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
}

#[tokio::test]
async fn metrics_are_open_to_listed_networks_and_never_through_a_proxy() {
    let world = World::new("metrics_networks").await.with_metrics_from("198.51.100.0/24");
    assert_eq!(scrape(&world, "198.51.100.9", &[]).await.status, StatusCode::OK);
    assert_eq!(scrape(&world, "198.51.101.9", &[]).await.status, StatusCode::UNAUTHORIZED);
    let by_proxy = scrape(&world, "198.51.100.9", &[("x-forwarded-for", "198.51.100.10")]).await;
    assert_eq!(by_proxy.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn metrics_name_nobody_and_every_sample_belongs_to_its_metric() {
    let world = World::new("metrics_content").await;
    world.call("PUT", "/api/v1/managers", Some(json!({"name": "Ana Diaz", "email": "ana@example.com"})), &[]).await;
    world.get("/api/v1/managers/ana@example.com").await;
    world.get("/somebody@example.com/secret").await;
    world.call("BREW", "/healthz", None, &[]).await;
    let text = scrape(&world, "192.0.2.7", &[("authorization", &format!("Bearer {}", world.key))]).await.text;
    assert!(!text.contains('@') && !text.contains(&world.key) && !text.contains("somebody") && !text.contains("BREW"), "{text}");
    assert!(text.contains("method=\"other\"") && text.contains("route=\"none\""), "{text}");
    assert!(text.contains("route=\"/api/v1/managers/{manager}\""), "{text}");
    let id = |word: &str| word.len() == 36 && word.as_bytes()[3] == b'_' && word[4..].bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(!text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').any(id), "{text}");
    let mut metric = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            rest.split(' ').next().unwrap().clone_into(&mut metric);
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert!(name == metric || stem == metric, "{line} stands under {metric}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        }
    }
}

#[tokio::test]
async fn alerts_and_health_are_there_for_programs() {
    let world = World::new("alerts_api").await;
    let alerts = world.get("/api/v1/alerts?all=true").await;
    assert_eq!((alerts.status, &alerts.json()["items"]), (StatusCode::OK, &json!([])));
    let health = world.get("/api/v1/health").await;
    assert_eq!(health.status, StatusCode::OK);
    assert_eq!(health.json()["days"].as_array().unwrap().len(), 14);
}

#[tokio::test]
async fn lending_asks_for_a_purpose_a_right_and_a_live_key() {
    let world = World::new("lending_api").await;
    world.call("PUT", "/api/v1/managers", Some(json!({"name": "Ana Diaz", "email": "ana@example.com"})), &[]).await;
    let path = "/api/v1/managers/ana@example.com/lendings";
    assert_eq!(world.post(path, json!({})).await.json()["field"], "purpose");
    let refused = world.post(path, json!({"purpose": "a report"})).await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::CONFLICT, &json!("lending_off")));
    assert_eq!(refused.headers["cache-control"], "no-store");
    let mut rights: Vec<Right> = Right::ALL.into();
    rights.retain(|right| *right != Right::Lend);
    let ask = async |key: &str| {
        let request = Request::builder().method("POST").uri(path).header("authorization", format!("Bearer {key}"));
        let request = request.header("content-type", "application/json").body(Body::from("{\"purpose\":\"a report\"}")).unwrap();
        world.send("192.0.2.7", request).await.status
    };
    assert_eq!(ask(&world.key_with(&rights).await).await, StatusCode::FORBIDDEN);
    let live = world.key_with(&[Right::Lend]).await;
    assert_eq!(ask(&live).await, StatusCode::CONFLICT);
    let known = world.app.authenticate(&live).await.unwrap().unwrap();
    world.app.revoke_api_key(known.id, &app::Caller::system()).await.unwrap();
    assert_eq!(ask(&live).await, StatusCode::UNAUTHORIZED);
}
