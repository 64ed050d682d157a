//! Statement 43 for Accounts: each thing not known about Zoho has a switch, and each setting of it is met here once.

mod common;

use common::{CLIENT_ID, REDIRECT, SECRET, World, callback, start};
use reqwest::Method;
use serde_json::{Value, json};
use zoho_sim::RefreshOutcome;

#[tokio::test]
async fn statement_43_the_callback_with_a_stray_ampersand_or_the_code_alone() {
    let world = start().await;
    world.switch(json!({"callback": "stray_ampersand"})).await;
    let answer = world.decide("us", &World::ask(), "ana@example.com", "accept").await;
    assert!(answer.headers()["location"].to_str().unwrap().ends_with('&'));
    world.switch(json!({"callback": "code_only"})).await;
    let back = callback(&world.decide("us", &World::ask(), "ana@example.com", "accept").await);
    assert_eq!(back.len(), 2, "{back:?}");
    assert!(back.contains_key("code") && back.contains_key("state"));
}

#[tokio::test]
async fn statement_43_the_error_page_with_another_status() {
    let world = start().await;
    world.switch(json!({"auth_error_status": 200})).await;
    let page = world.request(Method::GET, "us", "/oauth/v2/auth?client_id=nobody").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("invalid_client"));
}

#[tokio::test]
async fn statement_43_consent_without_a_click() {
    let world = start().await;
    world.switch(json!({"auto_consent": true})).await;
    let mut ask = World::ask();
    for (hint, location) in [("bruno@example.com", "eu"), ("ana@example.com", "us"), ("nobody@example.com", "us")] {
        ask.insert("login_hint".to_owned(), hint.to_owned());
        let answer = world.request(Method::GET, "us", "/oauth/v2/auth").query(&ask).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        assert_eq!(callback(&answer)["location"], location, "{hint}");
    }
}

#[tokio::test]
async fn statement_43_oidc_scopes_beside_others_or_not() {
    let world = start().await;
    let mut ask = World::ask();
    ask.insert("scope".to_owned(), "ZohoCalendar.event.ALL,openid,email".to_owned());
    assert_eq!(world.decide("us", &ask, "ana@example.com", "accept").await.status(), 302);
    world.switch(json!({"oidc_scopes": false})).await;
    assert_eq!(world.decide("us", &ask, "ana@example.com", "accept").await.status(), 400);
}

#[tokio::test]
async fn statement_43_pkce_verified_or_ignored() {
    let world = start().await;
    // The pair of RFC 7636, appendix B.
    let (challenge, verifier) = ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let mut ask = World::ask();
    ask.insert("code_challenge".to_owned(), challenge.to_owned());
    ask.insert("code_challenge_method".to_owned(), "S256".to_owned());
    let exchange = async |verifier: &str| {
        let back = world.consent(&ask, "ana@example.com").await;
        let form = json!({"grant_type": "authorization_code", "client_id": CLIENT_ID, "client_secret": SECRET,
            "redirect_uri": REDIRECT, "code": back["code"], "code_verifier": verifier});
        world.token("us", &form).await.json::<Value>().await.unwrap()
    };
    assert!(exchange(verifier).await["access_token"].is_string());
    assert_eq!(exchange("something-else").await, json!({"error": "invalid_code"}));
    assert_eq!(exchange("").await, json!({"error": "invalid_code"}));
    world.switch(json!({"pkce": "ignore"})).await;
    assert!(exchange("something-else").await["access_token"].is_string());
}

#[tokio::test]
async fn statement_43_errors_of_the_token_endpoint_with_another_status() {
    let world = start().await;
    world.switch(json!({"token_error_status": 400, "bad_grant_type": "invalid_client"})).await;
    let answer = world.refresh("us", "1000.made.up").await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"error": "invalid_code"}));
    world.switch(json!({"token_error_status": 200})).await;
    let answer = world.token("us", &json!({"client_id": CLIENT_ID})).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"error": "invalid_client"}));
}

#[tokio::test]
async fn statement_43_token_answers_in_other_shapes() {
    let world = start().await;
    let scopes = ["AaaServer.profile.READ", "ZohoCalendar.event.ALL"];
    let mut ask = World::ask();
    ask.insert("scope".to_owned(), scopes.join(" "));
    let answer = async |switches: Value| {
        world.switch(switches).await;
        world.connect_with(&ask, "ana@example.com").await.answer
    };
    assert_eq!(answer(json!({"scope_style": "commas"})).await["scope"], scopes.join(","));
    let bare = answer(json!({"scope_style": "omit", "api_domain": "omit", "expires_in": "omit"})).await;
    let mut keys: Vec<&String> = bare.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["access_token", "refresh_token", "token_type"]);
    assert_eq!(answer(json!({"api_domain": "sample"})).await["api_domain"], "https://api.zoho.com");
    assert_eq!(answer(json!({"expires_in": "text"})).await["expires_in"], "3600");
    let old = answer(json!({"expires_in": "sec_and_milliseconds"})).await;
    assert_eq!((&old["expires_in_sec"], &old["expires_in"]), (&json!(3600), &json!(3_600_000)));
    assert_eq!(answer(json!({"expires_in": "seconds", "access_token_lifetime_s": 60})).await["expires_in"], 60);
}

#[tokio::test]
async fn statement_43_limits_on_codes_and_on_new_refresh_tokens() {
    let world = start().await;
    world
        .switch(json!({"code_limit": {"count": 3, "window_s": 600}, "refresh_creation_limit": {"count": 1, "window_s": 600}}))
        .await;
    assert!(world.connect("ana@example.com").await.refresh.is_some());
    let code = world.consent(&World::ask(), "ana@example.com").await["code"].clone();
    let throttled = world.exchange("us", &code).await;
    assert_eq!(throttled["error"], "Access Denied");
    assert!(world.connect("bruno@example.com").await.refresh.is_some(), "the limit is one user's");
    let back = callback(&world.decide("us", &World::ask(), "bruno@example.com", "accept").await);
    assert_eq!(back["error"], "access_denied");
    world.advance(600);
    assert!(world.connect("ana@example.com").await.refresh.is_some());
}

#[tokio::test]
async fn statement_43_rate_limits_worded_as_on_the_chinese_host() {
    let world = start().await;
    world.switch(json!({"rate_limit_localised": true, "refresh_limit": {"count": 0, "window_s": 600}})).await;
    let refresh = world.connect("ana@example.com").await.refresh.unwrap();
    let answer: Value = world.refresh("us", &refresh).await.json().await.unwrap();
    assert_eq!((&answer["error"], &answer["status"]), (&json!("拒绝访问"), &json!("failure")));
}

#[tokio::test]
async fn statement_43_user_info_in_other_shapes() {
    let world = start().await;
    let tokens = world.connect("ana@example.com").await;
    let mut narrow = World::ask();
    narrow.insert("scope".to_owned(), "ZohoCalendar.event.ALL".to_owned());
    let narrow = world.connect_with(&narrow, "ana@example.com").await;
    let info = async |access: &str| {
        let request = world.request(Method::GET, "us", "/oauth/user/info");
        let answer = request.header("Authorization", format!("Bearer {access}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    world.switch(json!({"userinfo_email_key": "email_id", "userinfo_zuid_text": true})).await;
    let shown: Value = serde_json::from_str(&info(&tokens.access).await.1).unwrap();
    assert_eq!(shown["email_id"], "ana@example.com");
    assert!(shown["ZUID"].is_string() && shown.get("Email").is_none());
    world.switch(json!({"userinfo_missing_scope_status": 403})).await;
    for (body, expected) in
        [("calendar", "INVALID_OAUTHSCOPE"), ("accounts", "invalid_scope"), ("message", "message"), ("empty", "")]
    {
        world.switch(json!({"userinfo_missing_scope_body": body})).await;
        let (status, text) = info(&narrow.access).await;
        assert_eq!(status, 403);
        assert!(text.contains(expected) && text.is_empty() == expected.is_empty(), "{body}: {text}");
    }
}

#[tokio::test]
async fn statement_43_revocation_with_a_delay_and_without_reading_a_body() {
    let world = start().await;
    world.switch(json!({"revoke_delay_s": 120, "revoke_reads_body": false})).await;
    let tokens = world.connect("ana@example.com").await;
    let refresh = tokens.refresh.unwrap();
    let revoke = || world.request(Method::POST, "us", "/oauth/v2/token/revoke");
    assert_eq!(revoke().form(&json!({"token": refresh})).send().await.unwrap().status(), 400);
    assert_eq!(revoke().query(&json!({"token": refresh})).send().await.unwrap().status(), 200);
    let refused: Value = world.refresh("us", &refresh).await.json().await.unwrap();
    assert_eq!(refused, json!({"error": "invalid_code"}));
    let status = async || {
        let request = world.request(Method::GET, "us", "/oauth/user/info");
        request.header("Authorization", format!("Bearer {}", tokens.access)).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status().await, 200);
    world.advance(120);
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn statement_43_refresh_tokens_that_rotate_as_at_other_providers() {
    let world = start().await;
    let refresh = async |token: &str| -> Option<String> {
        let answer: Value = world.refresh("us", token).await.json().await.unwrap();
        answer["access_token"].as_str()?;
        answer["refresh_token"].as_str().map(str::to_owned)
    };
    world.switch(json!({"rotate_refresh": "strict"})).await;
    let first = world.connect("ana@example.com").await.refresh.unwrap();
    let second = refresh(&first).await.unwrap();
    assert_eq!(refresh(&first).await, None, "the old one has ended");
    world.switch(json!({"rotate_refresh": "grace"})).await;
    let third = refresh(&second).await.unwrap();
    let fourth = refresh(&second).await.unwrap();
    assert_ne!(third, fourth, "the answer may have been lost: the old one still works");
    assert!(refresh(&third).await.is_some());
    assert_eq!(refresh(&second).await, None, "the new one was used");
    assert_eq!(refresh(&fourth).await, None, "and this one never was");
}

#[tokio::test]
async fn data_centres_rotate_as_each_is_told_and_every_refresh_is_written_down() {
    let world = start().await;
    let limit = json!({"count": 2, "window_s": 600});
    world.switch(json!({"rotate_refresh": "grace", "rotate_refresh_in": {"us": "never"}, "refresh_limit": limit})).await;
    let ana = world.connect("ana@example.com").await.refresh.unwrap();
    let bruno = world.connect("bruno@example.com").await.refresh.unwrap();
    for (dc, token) in [("us", &ana), ("eu", &bruno), ("us", &ana), ("us", &ana)] {
        world.refresh(dc, token).await;
    }
    world.sim.with(|world, _| {
        let calls: Vec<_> = world.accounts.refresh_calls().iter().map(|call| (call.dc.as_str(), call.outcome)).collect();
        let granted = |rotated| RefreshOutcome::Granted { rotated };
        let expected = [("us", granted(false)), ("eu", granted(true)), ("us", granted(false)), ("us", RefreshOutcome::OverBudget)];
        assert_eq!(calls, expected);
        assert_eq!(world.accounts.refresh_calls()[1].presented, bruno);
    });
    world.refresh("us", "1000.made.up").await;
    world.sim.with(|world, _| {
        assert_eq!(world.accounts.refresh_calls().last().unwrap().outcome, RefreshOutcome::Refused);
    });
}
