//! The first version's four endpoints, byte for byte where the contract says bytes.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use domain::access::Right;
use url::Url;

use super::world::{Answer, World};

const LOOPBACK: &str = "127.0.0.1";
const FORM: &str = "application/x-www-form-urlencoded";
const NEVER: &str =
    r#"{"success":true,"has_integration":false,"has_valid_token":false,"calendar_id":null,"expires_at":null,"is_active":false}"#;

async fn post(world: &World, path: &str, kind: Option<&str>, body: &str) -> Answer {
    let mut request = Request::post(path);
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    world.send(LOOPBACK, request.body(Body::from(body.to_owned())).unwrap()).await
}

async fn get(world: &World, path: &str) -> Answer {
    world.send(LOOPBACK, Request::get(path).body(Body::empty()).unwrap()).await
}

fn error_of(answer: &Answer) -> String {
    let json = answer.json();
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(json["success"], false);
    assert_eq!(json.as_object().unwrap().len(), 2, "{}", answer.text);
    json["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn before_and_after_consent() {
    let world = World::new("contract_consent").await;
    assert_eq!(get(&world, "/api/admin/oauth/status/?manager_email=ana@example.com").await.text, NEVER);

    let first = post(&world, "/api/admin/oauth/setup/", Some(FORM), "manager_email=ana@example.com").await;
    assert_eq!(first.status, StatusCode::OK);
    let url = first.json()["authorization_url"].as_str().unwrap().to_owned();
    let expected = format!(
        r#"{{"success":false,"requires_authorization":true,"authorization_url":{},"message":"Manager ana@example.com needs to authorize calendar access"}}"#,
        serde_json::to_string(&url).unwrap()
    );
    assert_eq!(first.text, expected);
    assert!(url.starts_with(&format!("{}oauth/v2/auth?", world.zoho)), "{url}");

    // The same live link by JSON, without a content type, without the slash; and no mail.
    for (path, kind, body) in [
        ("/api/admin/oauth/setup", Some("application/json"), r#"{"manager_email": "ana@example.com"}"#),
        ("/api/admin/oauth/setup/", None, "manager_email=ana%40example.com"),
        (
            "/api/admin/oauth/setup",
            Some("application/json; charset=utf-8"),
            r#"{"manager_email": "ana@example.com", "notify": false}"#,
        ),
    ] {
        assert_eq!(post(&world, path, kind, body).await.text, expected, "{path} {kind:?}");
    }
    world.pass(5).await;
    assert_eq!(world.app.mails(None, ports::store::Page::first(10)).await.unwrap(), []);

    let back = world.decide(&Url::parse(&url).unwrap(), "ana@example.com", "accept").await;
    let callback = get(&world, &back).await;
    assert_eq!(callback.status, StatusCode::SEE_OTHER);
    let page = callback.header("location").to_owned();
    assert!(page.starts_with("/connect/"), "{page}");
    world.pass(5).await;
    for _ in 0..2 {
        assert_eq!(get(&world, &page).await.status, StatusCode::OK);
    }
    // The link is used up.
    assert_eq!(get(&world, &back).await.status, StatusCode::GONE);

    let fields = r#""has_integration":true,"has_valid_token":true,"calendar_id":"primary","expires_at":"2026-11-23T09:00:0"#;
    let status = get(&world, "/api/admin/oauth/status?manager_email=ana@example.com").await;
    assert!(status.text.starts_with(&format!(r#"{{"success":true,{fields}"#)), "{}", status.text);
    assert!(status.text.ends_with(r#"Z","is_active":true}"#), "{}", status.text);
    let again = post(&world, "/api/admin/oauth/setup/", Some(FORM), "manager_email=ana@example.com").await;
    assert!(again.text.starts_with(&format!(r#"{{"success":true,"requires_authorization":false,{fields}"#)), "{}", again.text);

    world.clock.advance(600);
    let refreshed = post(&world, "/api/admin/oauth/refresh/", Some(FORM), "manager_email=ana@example.com").await;
    assert_eq!(refreshed.status, StatusCode::OK);
    assert_eq!(refreshed.json()["expires_at"].as_str().unwrap().split_at(14).0, "2026-11-23T09:", "{}", refreshed.text);
    assert_ne!(refreshed.json()["expires_at"], status.json()["expires_at"]);
}

#[tokio::test]
async fn refresh_without_a_connection_gives_a_link() {
    let world = World::new("contract_refresh").await;
    let answer = post(&world, "/api/admin/oauth/refresh/", Some(FORM), "manager_email=ana@example.com").await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!((json["success"].as_bool(), json["requires_authorization"].as_bool()), (Some(false), Some(true)));
    let setup = post(&world, "/api/admin/oauth/setup/", Some(FORM), "manager_email=ana@example.com").await.json();
    assert_eq!(json["authorization_url"], setup["authorization_url"]);
    assert_eq!(json["has_integration"], false);
}

#[tokio::test]
async fn setup_mails_only_when_told() {
    let world = World::new("contract_notify").await;
    let answer = post(&world, "/api/admin/oauth/setup/", Some(FORM), "manager_email=ana@example.com&notify=true").await;
    assert_eq!(answer.json()["requires_authorization"], true);
    world.pass(5).await;
    let mails = world.app.mails(Some("ana@example.com"), ports::store::Page::first(10)).await.unwrap();
    assert_eq!(mails.len(), 1);
    let wrong = post(&world, "/api/admin/oauth/setup/", Some(FORM), "manager_email=ana@example.com&notify=perhaps").await;
    assert_eq!((wrong.status, error_of(&wrong).contains("true or false")), (StatusCode::BAD_REQUEST, true));
}

#[tokio::test]
async fn every_mistake_has_its_sentence_in_the_old_shape() {
    let world = World::new("contract_mistakes").await;
    let setup = "/api/admin/oauth/setup/";
    let megabyte = format!("manager_email={}", "a".repeat(1024 * 1024));
    for (kind, body, status, sentence) in [
        (Some(FORM), "manager_email=ana", StatusCode::BAD_REQUEST, "`ana` is not an e-mail address"),
        (Some(FORM), "manager_email=ana+hr@example.com", StatusCode::BAD_REQUEST, "%2B"),
        (Some(FORM), "manager_email=", StatusCode::BAD_REQUEST, "manager_email is missing"),
        (Some(FORM), "", StatusCode::BAD_REQUEST, "manager_email is missing"),
        (Some("application/json"), "{", StatusCode::BAD_REQUEST, "not a JSON object"),
        (Some("application/json"), "[]", StatusCode::BAD_REQUEST, "not a JSON object"),
        (Some("application/json"), r#"{"manager_email": 7}"#, StatusCode::BAD_REQUEST, "must be a text"),
        (Some("text/plain"), "manager_email=ana@example.com", StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/plain"),
        (Some(FORM), megabyte.as_str(), StatusCode::PAYLOAD_TOO_LARGE, "KiB"),
    ] {
        let answer = post(&world, setup, kind, body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(error_of(&answer).contains(sentence), "{}", answer.text);
    }
    for path in
        ["/api/admin/oauth/status/?manager_email=ana+hr@example.com", "/api/admin/oauth/status?manager_email=ana%20hr@example.com"]
    {
        let answer = get(&world, path).await;
        assert_eq!((answer.status, error_of(&answer).contains("%2B")), (StatusCode::BAD_REQUEST, true), "{path}");
    }
    let plus = get(&world, "/api/admin/oauth/status/?manager_email=ana%2Bhr@example.com").await;
    assert_eq!(plus.text, NEVER);
    let none = get(&world, "/api/admin/oauth/status/").await;
    assert_eq!((none.status, error_of(&none).contains("manager_email is missing")), (StatusCode::BAD_REQUEST, true));
}

#[tokio::test]
async fn the_wrong_method_is_named() {
    let world = World::new("contract_methods").await;
    for (method, path, right) in [
        ("GET", "/api/admin/oauth/setup/", "POST"),
        ("PUT", "/api/admin/oauth/setup", "POST"),
        ("POST", "/api/admin/oauth/status/", "GET"),
        ("DELETE", "/api/admin/oauth/status", "GET"),
        ("GET", "/api/admin/oauth/refresh", "POST"),
    ] {
        let answer = world.send(LOOPBACK, Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(answer.header("allow").contains(right), "{method} {path}: {}", answer.header("allow"));
        assert!(error_of(&answer).contains(right));
    }
    let unknown = get(&world, "/api/admin/oauth/setups/").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    error_of(&unknown);
}

#[tokio::test]
async fn who_may_call() {
    let world = World::new("contract_access").await;
    let status = "/api/admin/oauth/status/?manager_email=ana@example.com";
    let from_afar = |key: Option<String>| {
        let mut request = Request::get(status);
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        request.body(Body::empty()).unwrap()
    };
    let denied = world.send("192.0.2.1", from_afar(None)).await;
    assert_eq!(denied.status, StatusCode::UNAUTHORIZED);
    assert!(error_of(&denied).contains("Authorization: Bearer"));
    assert!(denied.header("www-authenticate").starts_with("Bearer"));
    let wrong = world.send("192.0.2.1", from_afar(Some("grk_wrong".into()))).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    error_of(&wrong);
    assert_eq!(world.send("192.0.2.1", from_afar(Some(world.key.clone()))).await.text, NEVER);
    let lacks = world.send("192.0.2.1", from_afar(Some(world.key_with(&[Right::Propose]).await))).await;
    assert_eq!((lacks.status, error_of(&lacks).contains("`read`")), (StatusCode::FORBIDDEN, true));

    // Refused always, also from where no key is needed and with a good key.
    for (name, value, refused) in [
        ("origin", "https://evil.example.org", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("host", "evil.example.org", StatusCode::MISDIRECTED_REQUEST),
    ] {
        let request = Request::get(status).header(name, value).header("authorization", format!("Bearer {}", world.key));
        let answer = world.send(LOOPBACK, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, refused, "{name}");
        error_of(&answer);
    }
    // What a proxy on this machine passes on does not come from this machine.
    let proxied = Request::get(status).header("x-forwarded-for", "203.0.113.9").body(Body::empty()).unwrap();
    assert_eq!(world.send(LOOPBACK, proxied).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn too_many_calls_are_told_how_long_to_wait() {
    let world = World::with("contract_limits", "192.0.2.0/24").await;
    let mut last = None;
    for _ in 0..20_000 {
        let request = Request::get("/api/admin/oauth/status/?manager_email=ana@example.com").body(Body::empty()).unwrap();
        let answer = world.send("192.0.2.1", request).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            last = Some(answer);
            break;
        }
    }
    let last = last.unwrap();
    assert_eq!(last.header("retry-after"), "1");
    assert!(error_of(&last).contains("try again"));
}

#[tokio::test]
async fn links_of_the_callback_that_do_not_open_get_their_page() {
    let world = World::new("contract_callback").await;
    for path in ["/api/oauth/callback/", "/api/oauth/callback?code=x&state=y", "/api/oauth/callback/?error=access_denied&state=zz"]
    {
        let answer = get(&world, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    }
    // Refusing on the consent page ends on a page of ours as well; the location and the accounts server may be absent.
    let asked = post(&world, "/api/admin/oauth/setup/", Some(FORM), "manager_email=ana@example.com").await.json();
    let url = Url::parse(asked["authorization_url"].as_str().unwrap()).unwrap();
    let state = url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    let refused = get(&world, &format!("/api/oauth/callback?error=access_denied&state={state}")).await;
    assert_eq!(refused.status, StatusCode::SEE_OTHER);
    assert_eq!(get(&world, refused.header("location")).await.status, StatusCode::OK);
    // After the link's life it is gone, and says so.
    let asked = post(&world, "/api/admin/oauth/setup/", Some(FORM), "manager_email=ana@example.com").await.json();
    let url = Url::parse(asked["authorization_url"].as_str().unwrap()).unwrap();
    world.clock.advance(8 * 24 * 3600);
    let state = url.query_pairs().find(|(key, _)| key == "state").unwrap().1.into_owned();
    assert_eq!(get(&world, &format!("/api/oauth/callback/?code=x&state={state}")).await.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_provider_that_fails_or_asks_to_wait_is_said_so() {
    let world = World::new("contract_provider").await;
    world.connect_ana().await;
    let refresh = || post(&world, "/api/admin/oauth/refresh/", Some(FORM), "manager_email=ana@example.com");
    world.clock.advance(300);
    world.arm(serde_json::json!({"path": "/oauth/v2/token", "kind": "status", "status": 500, "times": 5})).await;
    let failed = refresh().await;
    assert_eq!(failed.status, StatusCode::BAD_GATEWAY, "{}", failed.text);
    assert!(error_of(&failed).contains("try again"), "{}", failed.text);
    // The connection stands as it did.
    let status = get(&world, "/api/admin/oauth/status/?manager_email=ana@example.com").await.json();
    assert_eq!((&status["is_active"], &status["has_valid_token"]), (&true.into(), &true.into()));

    world.disarm().await;
    let mut spent = None;
    for _ in 0..12 {
        world.clock.advance(2);
        let answer = refresh().await;
        if answer.status != StatusCode::OK {
            spent = Some(answer);
            break;
        }
    }
    let spent = spent.unwrap();
    assert_eq!(spent.status, StatusCode::TOO_MANY_REQUESTS, "{}", spent.text);
    let wait: i64 = spent.header("retry-after").parse().unwrap();
    assert!((1..=675).contains(&wait), "{wait}");
    error_of(&spent);
    world.clock.advance(wait);
    assert_eq!(refresh().await.status, StatusCode::OK);
}
