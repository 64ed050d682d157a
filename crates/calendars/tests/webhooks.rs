//! Webhooks on the wire: headers, signature, and what counts as taken.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use calendars::Webhooks;
use domain::Timestamp;
use ports::{
    Poster,
    poster::{Post, PostError},
};
use vault::{WebhookSecret, webhook_signature};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Seen = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A receiver that answers `status`, and its address.
async fn receiver(status: StatusCode) -> (url::Url, Seen) {
    let seen = Seen::default();
    let kept = Arc::clone(&seen);
    let router = Router::new().route(
        "/hook",
        post(move |headers: HeaderMap, body: String| {
            kept.lock().unwrap().push((headers, body));
            std::future::ready(status)
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?t=hidden", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, seen)
}

fn webhooks(secret: Option<&str>) -> Webhooks {
    // Another test of this process may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    Webhooks::new(secret.map(|text| text.parse().unwrap())).unwrap()
}

fn message(url: url::Url) -> Post {
    Post { url, id: "msg_1".to_owned(), at: Timestamp::from_second(1_800_000_000).unwrap(), body: "{\"a\":1}".to_owned() }
}

#[tokio::test]
async fn a_message_carries_its_id_its_time_and_a_signature_over_both() {
    let (url, seen) = receiver(StatusCode::NO_CONTENT).await;
    webhooks(Some(SECRET)).post(&message(url)).await.unwrap();
    let (headers, body) = seen.lock().unwrap().pop().unwrap();
    let secret: WebhookSecret = SECRET.parse().unwrap();
    assert_eq!(body, "{\"a\":1}");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["webhook-id"], "msg_1");
    assert_eq!(headers["webhook-timestamp"], "1800000000");
    assert_eq!(headers["webhook-signature"], webhook_signature(&secret, "msg_1", 1_800_000_000, &body).as_str());
}

#[tokio::test]
async fn only_2xx_is_taken_and_no_error_shows_the_query() {
    for status in [StatusCode::FOUND, StatusCode::NOT_FOUND, StatusCode::INTERNAL_SERVER_ERROR] {
        let (url, _) = receiver(status).await;
        let error = webhooks(Some(SECRET)).post(&message(url)).await.unwrap_err();
        assert!(matches!(&error, PostError::Passing(why) if why.contains(status.as_str())), "{error}");
        assert!(!error.to_string().contains("hidden"), "{error}");
    }
}

#[tokio::test]
async fn plain_http_to_elsewhere_and_a_missing_secret_are_refused_before_anything_is_sent() {
    let elsewhere = message("http://example.com/hook".parse().unwrap());
    assert!(matches!(webhooks(Some(SECRET)).post(&elsewhere).await, Err(PostError::Refused(_))));
    let (url, seen) = receiver(StatusCode::OK).await;
    assert!(matches!(webhooks(None).post(&message(url)).await, Err(PostError::Refused(_))));
    assert!(seen.lock().unwrap().is_empty());
}
