//! Accounts over HTTP: lifetimes, limits and data centres.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{CLIENT_ID, REDIRECT, SECRET, World, start};
use reqwest::Method;
use serde_json::{Value, json};

/// Status and error code of a call with this token; user info and Calendar must agree.
async fn call(world: &World, dc: &str, access: &str) -> (u16, Option<String>) {
    let mut seen = Vec::new();
    for path in ["/oauth/user/info", "/api/v1/calendars"] {
        let request = world.request(Method::GET, dc, path);
        let answer = request.header("Authorization", format!("Zoho-oauthtoken {access}")).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        seen.push((status, body["error"][0]["error_code"].as_str().map(str::to_owned)));
    }
    assert_eq!(seen[0], seen[1]);
    seen.remove(0)
}

const GOOD: (u16, Option<String>) = (200, None);

fn bad() -> (u16, Option<String>) {
    (401, Some("INVALID_OAUTHTOKEN".to_owned()))
}

async fn refreshed(world: &World, dc: &str, refresh: &str) -> String {
    let answer: Value = world.refresh(dc, refresh).await.json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn statement_09_access_tokens_end_after_3600_seconds() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    world.advance(3599);
    assert_eq!(call(&world, "us", &tokens.access).await, GOOD);
    world.advance(1);
    assert_eq!(call(&world, "us", &tokens.access).await, bad());
    assert_eq!(call(&world, "us", &refreshed(&world, "us", &tokens.refresh.unwrap()).await).await, GOOD);
}

#[tokio::test]
async fn statement_10_the_eleventh_live_access_token_ends_the_first() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    let refresh = tokens.refresh.unwrap();
    let mut second = None;
    for _ in 0..9 {
        let access = refreshed(&world, "us", &refresh).await;
        second.get_or_insert(access);
    }
    assert_eq!(call(&world, "us", &tokens.access).await, GOOD, "ten live tokens");
    let eleventh = refreshed(&world, "us", &refresh).await;
    assert_eq!(call(&world, "us", &tokens.access).await, bad());
    assert_eq!(call(&world, "us", &second.unwrap()).await, GOOD);
    assert_eq!(call(&world, "us", &eleventh).await, GOOD);
}

#[tokio::test]
async fn statement_11_more_than_ten_refreshes_in_ten_minutes_are_throttled_and_nothing_is_lost() {
    let world = start().await;
    let refresh = world.connect("ana@example.com").await.refresh.unwrap();
    for _ in 0..10 {
        refreshed(&world, "us", &refresh).await;
    }
    for status in [400, 200] {
        world.switch(json!({"rate_limit_status": status})).await;
        let answer = world.refresh("us", &refresh).await;
        assert_eq!(answer.status(), status);
        let expected = json!({"error": "Access Denied", "status": "failure", "error_description":
            "You have made too many requests continuously. Please try again after some time."});
        assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    }
    let other = world.connect("ana@example.com").await.refresh.unwrap();
    refreshed(&world, "us", &other).await;
    world.advance(600);
    refreshed(&world, "us", &refresh).await;
}

#[tokio::test]
async fn statement_11_a_block_lasts_until_there_were_no_requests_for_a_while() {
    let world = start().await;
    world.switch(json!({"refresh_limit": {"count": 2, "window_s": 60, "block_s": 600}})).await;
    let refresh = world.connect("ana@example.com").await.refresh.unwrap();
    refreshed(&world, "us", &refresh).await;
    refreshed(&world, "us", &refresh).await;
    for _ in 0..3 {
        assert_eq!(world.refresh("us", &refresh).await.status(), 400);
        world.advance(599);
    }
    assert_eq!(world.refresh("us", &refresh).await.status(), 400, "each request prolongs the block");
    world.advance(600);
    refreshed(&world, "us", &refresh).await;
}

#[tokio::test]
async fn statement_12_the_21st_refresh_token_silently_ends_the_oldest() {
    let world = start().await;
    let first = world.connect("ana@example.com").await;
    let second = world.connect("ana@example.com").await;
    let bruno = world.connect("bruno@example.com").await;
    for _ in 2..20 {
        world.connect("ana@example.com").await;
    }
    let (first_refresh, second_refresh) = (first.refresh.unwrap(), second.refresh.unwrap());
    let newest_of_first = refreshed(&world, "us", &first_refresh).await;
    world.connect("ana@example.com").await;
    let refused = world.refresh("us", &first_refresh).await;
    assert_eq!(refused.status(), 200);
    assert_eq!(refused.json::<Value>().await.unwrap(), json!({"error": "invalid_code"}));
    assert_eq!(call(&world, "us", &first.access).await, bad());
    assert_eq!(call(&world, "us", &newest_of_first).await, bad());
    refreshed(&world, "us", &second_refresh).await;
    refreshed(&world, "eu", &bruno.refresh.unwrap()).await;
}

#[tokio::test]
async fn statement_13_codes_and_tokens_work_only_in_their_data_centre() {
    let world = start().await;
    let back = world.consent(&World::ask(), "bruno@example.com").await;
    assert_eq!(back["location"], "eu");
    assert_eq!(back["accounts-server"], world.origin("eu"));
    assert_eq!(world.exchange("us", &back["code"]).await, json!({"error": "invalid_code"}));
    let answer = world.exchange("eu", &back["code"]).await;
    assert_eq!(answer["api_domain"], "https://www.zohoapis.eu");
    let (access, refresh) = (answer["access_token"].as_str().unwrap(), answer["refresh_token"].as_str().unwrap());
    assert_eq!(call(&world, "eu", access).await, GOOD);
    assert_eq!(call(&world, "us", access).await, bad());
    let foreign: Value = world.refresh("us", refresh).await.json().await.unwrap();
    assert_eq!(foreign, json!({"error": "invalid_code"}));
    world.switch(json!({"foreign_code": "invalid_client"})).await;
    let foreign: Value = world.refresh("us", refresh).await.json().await.unwrap();
    assert_eq!(foreign, json!({"error": "invalid_client"}));
    refreshed(&world, "eu", refresh).await;
}

#[tokio::test]
async fn statement_14_without_multi_dc_other_data_centres_know_no_such_client() {
    let world = start().await;
    let eu = world.connect("bruno@example.com").await;
    world.sim.with(|inner, _| inner.accounts.put_client(zoho_sim::Client { multi_dc: false, ..common::client() }));
    for dc in ["us", "eu"] {
        let answer = world.decide(dc, &World::ask(), "bruno@example.com", "accept").await;
        assert_eq!(answer.status(), 400);
        assert!(answer.text().await.unwrap().contains("invalid_client"));
    }
    let refused: Value = world.refresh("eu", &eu.refresh.unwrap()).await.json().await.unwrap();
    assert_eq!(refused, json!({"error": "invalid_client"}));
    assert!(world.connect("ana@example.com").await.refresh.is_some());
}

#[tokio::test]
async fn statement_14_each_data_centre_can_have_its_own_secret() {
    let world = start().await;
    let dc_secrets = [("eu".to_owned(), "eu-secret".to_owned())].into();
    world.sim.with(|inner, _| inner.accounts.put_client(zoho_sim::Client { dc_secrets, ..common::client() }));
    let exchange = async |secret: &str, email: &str| {
        let back = world.consent(&World::ask(), email).await;
        let form = json!({"grant_type": "authorization_code", "client_id": CLIENT_ID, "client_secret": secret,
            "redirect_uri": REDIRECT, "code": back["code"]});
        world.token(&back["location"], &form).await.json::<Value>().await.unwrap()
    };
    assert!(exchange(SECRET, "bruno@example.com").await["access_token"].is_string());
    world.switch(json!({"per_dc_secret": true})).await;
    let wrong = json!({"error": "invalid_client_secret"});
    assert_eq!(exchange(SECRET, "bruno@example.com").await, wrong);
    assert!(exchange("eu-secret", "bruno@example.com").await["access_token"].is_string());
    assert_eq!(exchange("eu-secret", "ana@example.com").await, wrong);
    assert!(exchange(SECRET, "ana@example.com").await["access_token"].is_string());
}
