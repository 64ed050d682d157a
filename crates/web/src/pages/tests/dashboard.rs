//! What the dashboard does beyond showing.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use futures_util::StreamExt;
use tower::ServiceExt;

use super::{
    admin, check_page,
    world::{COOKIE, HOST, World, id},
};
use crate::{WebState, router};

#[tokio::test]
async fn dashboard_forms_come_back_with_what_is_wrong_beside_the_field() {
    let world = World::new(false);
    let vacancy = format!("/vacancies/{}", id("vac", 1));
    for (fields, text) in [
        ("action=add_candidate&name=New&email=", "Please fill this in."),
        ("action=add_candidate&name=New&email=nonsense", "not an e-mail address"),
        ("action=add_candidate&name=New&email=new%40example.org&zone=Mars", "not a time zone"),
    ] {
        let answer = admin(&world).post(&vacancy, fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields}");
        check_page(fields, &answer);
        assert!(answer.body.contains(text), "{fields}: {}", answer.body);
        assert!(answer.body.contains("value=\"New\"") && answer.body.contains("aria-invalid=\"true\""), "{fields}");
    }
    let interview = format!("/interviews/{}", id("itv", 1));
    let answer = admin(&world).post(&interview, "action=move&start=soon").await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("value=\"soon\"") && answer.body.contains("Give a date and a time"));
    let answer = admin(&world).post("/keys", "action=create&name=").await;
    assert!(answer.body.contains("Give the key a name.") && answer.body.contains("Choose at least one right."));
    assert_eq!(world.store.commits(), 0);
}

#[tokio::test]
async fn a_new_key_is_shown_once() {
    let world = World::new(false);
    let answer = admin(&world).post("/keys", "action=create&name=robot&right=read&right=propose&days=30").await;
    assert_eq!(answer.status, StatusCode::OK);
    let key = answer.body.split_once("id=\"new-key\">").unwrap().1.split_once('<').unwrap().0.to_owned();
    assert!(key.len() > 20, "{key}");
    assert!(world.app.authenticate(&key).await.unwrap().is_some());
    let answer = admin(&world).get("/keys").await;
    assert!(answer.body.contains("robot") && !answer.body.contains(&key));
}

#[tokio::test]
async fn a_letter_in_the_frame_can_do_nothing_but_be_read() {
    let world = World::new(false);
    let answer = admin(&world).get(&format!("/mailbox/{}/html", id("mai", 1))).await;
    let policy = answer.header(header::CONTENT_SECURITY_POLICY);
    assert!(policy.contains("sandbox allow-top-navigation-by-user-activation") && !policy.contains("script-src"), "{policy}");
    assert!(answer.body.contains("<base target=\"_top\">"));
}

#[tokio::test]
async fn the_clock_is_shown_in_the_demo_only() {
    assert!(admin(&World::new(true)).get("/").await.body.contains("action=\"/demo/clock\""));
    assert!(!admin(&World::new(false)).get("/").await.body.contains("demo"));
}

#[tokio::test]
async fn live_pages_get_a_stream() {
    let world = World::new(false);
    let answer = admin(&world).get("/events").await;
    assert_eq!((answer.status, answer.header(header::CONTENT_TYPE)), (StatusCode::OK, "text/event-stream"));
}

#[tokio::test]
async fn a_stream_tells_of_commits_and_ends_when_the_server_stops() {
    let world = World::new(false);
    let state = WebState::new(world.app.clone(), Vec::new(), &[], "test");
    let request =
        Request::builder().uri("/events").header(header::HOST, HOST).header(header::COOKIE, format!("__Host-greenroom={COOKIE}"));
    let response = router(state.clone()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let mut body = response.into_body().into_data_stream();
    world.app.pause_all(true, &app::Caller::system()).await.unwrap();
    let event = body.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&event).contains("event: changed"), "{event:?}");
    state.stop();
    assert!(body.next().await.is_none());
}
