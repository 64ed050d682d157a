//! Webhooks go out here, because here is the one place that makes HTTP clients. Addresses come from the configuration; each message is
//! signed after Standard Webhooks.

use std::time::Duration;

use async_trait::async_trait;
use ports::{
    Poster,
    poster::{Post, PostError},
};
use reqwest::{Client, header::CONTENT_TYPE};
use vault::{WebhookSecret, webhook_signature};

use crate::http::{ClientError, Route, client, is_loopback, read, reason};

const CONNECT: Duration = Duration::from_secs(10);
/// From the first byte sent to the last byte read: Standard Webhooks asks for 15 to 30 s.
const TOTAL: Duration = Duration::from_secs(20);
/// Bytes of an answer that are read; only its status counts.
const ANSWER_BYTES: usize = 64 * 1024;

/// See the module's header.
#[derive(Debug)]
pub struct Webhooks {
    secret: Option<WebhookSecret>,
    outside: Result<Client, ClientError>,
    loopback: Client,
}

impl Webhooks {
    /// Without a secret nothing is sent; the configuration asks for one where an address is set.
    pub fn new(secret: Option<WebhookSecret>) -> Result<Self, ClientError> {
        Ok(Self { secret, outside: client(CONNECT, Route::Outside), loopback: client(CONNECT, Route::Loopback)? })
    }
}

#[async_trait]
impl Poster for Webhooks {
    async fn post(&self, post: &Post) -> Result<(), PostError> {
        let refused = |why: &str| PostError::Refused(why.to_owned());
        let secret = self.secret.as_ref().ok_or_else(|| refused("GREENROOM_WEBHOOK_SECRET is not set"))?;
        let here = is_loopback(&post.url);
        if post.url.scheme() != "https" && !(here && post.url.scheme() == "http") {
            return Err(refused("its address is neither https nor on this machine"));
        }
        let client =
            if here { &self.loopback } else { self.outside.as_ref().map_err(|problem| PostError::Refused(problem.to_string()))? };
        let timestamp = post.at.as_second();
        let request = client
            .post(post.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &post.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", webhook_signature(secret, &post.id, timestamp, &post.body))
            .timeout(TOTAL)
            .body(post.body.clone());
        let passing = |why: String| PostError::Passing(why);
        let answer = request.send().await.map_err(|error| passing(reason(&error).to_string()))?;
        let reply = read(answer, ANSWER_BYTES).await.map_err(|reason| passing(reason.to_string()))?;
        if reply.is_success() { Ok(()) } else { Err(passing(format!("it answered {}", reply.status))) }
    }
}
