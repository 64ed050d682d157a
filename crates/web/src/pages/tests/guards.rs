//! What stands before the pages: log-ins, form tokens, origins, hosts and sizes.

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use domain::links::Purpose;
use tower::ServiceExt;

use super::{
    admin, check_page, form_token, visitor,
    world::{VISITOR, World, id},
};
use crate::pages::dashboard_routes;

#[tokio::test]
async fn without_a_log_in_every_dashboard_route_leads_to_the_log_in_page() {
    let world = World::new(false);
    for (path, ..) in dashboard_routes() {
        let path = path.replace("{id}", &id("vac", 1));
        for method in [Method::GET, Method::POST] {
            let answer = visitor(&world).send(method.clone(), &path, None, &[]).await;
            let wrong_method = answer.status == StatusCode::METHOD_NOT_ALLOWED;
            assert!(
                wrong_method || (answer.status == StatusCode::SEE_OTHER && answer.header(header::LOCATION) == "/login"),
                "{method} {path}: {}",
                answer.status
            );
            assert!(!answer.body.contains("Ana Anders"), "{method} {path}");
        }
        let reachable = visitor(&world).get(&path).await.status == StatusCode::SEE_OTHER
            || visitor(&world).send(Method::POST, &path, None, &[]).await.status == StatusCode::SEE_OTHER;
        assert!(reachable, "{path} answers no method");
    }
    // A cookie that is nobody's is no log-in either.
    let answer = visitor(&world).send(Method::GET, "/", None, &[("cookie", "__Host-greenroom=made-up")]).await;
    assert_eq!(answer.header(header::LOCATION), "/login");
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn a_session_that_ended_is_no_log_in() {
    let world = World::new(false);
    world.clock.advance(3 * 24 * 3600);
    assert_eq!(admin(&world).get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn dashboard_forms_need_their_token() {
    let world = World::new(false);
    for path in ["/pause", "/logout", "/jobs", "/keys", &format!("/vacancies/{}", id("vac", 2))] {
        for fields in ["action=approve", "csrf=&action=approve", "csrf=wrong&action=approve"] {
            assert_eq!(admin(&world).post_plain(path, fields).await.status, StatusCode::FORBIDDEN, "{path} {fields}");
        }
    }
    assert_eq!(world.store.commits(), 0);
    let answer = admin(&world).post("/pause", "action=pause_all").await;
    assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/?done=pause_all"));
    assert_eq!(world.store.commits(), 1);
    assert!(admin(&world).get("/").await.body.contains("Everything is paused"));
}

#[tokio::test]
async fn what_another_site_sends_is_refused() {
    let world = World::new(false);
    let path = format!("/c/{}", world.token(Purpose::Candidate, 3));
    for foreign in [("origin", "https://evil.example.org"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        let answer = visitor(&world).send(Method::POST, &path, Some("action=confirm".to_owned()), &[foreign]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{foreign:?}");
        check_page("refused", &answer);
    }
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn unknown_hosts_are_refused() {
    let world = World::new(false);
    let request = |host: Option<&str>| {
        let mut request = Request::builder().uri("/login");
        if let Some(host) = host {
            request = request.header(header::HOST, host);
        }
        world.router().oneshot(request.body(Body::empty()).unwrap())
    };
    assert_eq!(request(Some("evil.example.org")).await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST);
    assert_eq!(request(None).await.unwrap().status(), StatusCode::BAD_REQUEST);
    assert_eq!(request(Some("greenroom.example.com:443")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(request(Some("localhost:8040")).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_field_of_a_megabyte_gets_a_sentence() {
    let world = World::new(false);
    let path = format!("/c/{}", world.token(Purpose::Candidate, 3));
    let answer = visitor(&world).post_plain(&path, &format!("action=cannot&note={}", "x".repeat(1 << 20))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("256 KiB"), "{}", answer.body);
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn logging_in_uses_the_link_and_sets_a_guarded_cookie() {
    let world = World::new(false);
    let path = format!("/login/{}", world.token(Purpose::AdminLogin, 8));
    let fields = format!("csrf={}", form_token(VISITOR));
    let answer = visitor(&world).post_plain(&path, &fields).await;
    assert_eq!((answer.status, answer.header(header::LOCATION)), (StatusCode::SEE_OTHER, "/"));
    let cookie = answer.header(header::SET_COOKIE).to_owned();
    for part in ["__Host-greenroom=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split_once(';').unwrap().0;
    assert_eq!(visitor(&world).send(Method::GET, "/", None, &[("cookie", pair)]).await.status, StatusCode::OK);
    assert_eq!(visitor(&world).post_plain(&path, &fields).await.status, StatusCode::GONE, "a link logs in once");
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let world = World::new(false);
    let answer = admin(&world).post("/logout", "").await;
    assert!(answer.header(header::SET_COOKIE).contains("Max-Age=0"));
    assert_eq!(admin(&world).get("/").await.status, StatusCode::SEE_OTHER);
}
