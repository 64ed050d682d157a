//! Webhooks: one signed JSON message to one address.

use async_trait::async_trait;
use domain::Timestamp;
use url::Url;

/// A message to be posted. The adapter signs it after Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Where to: https, or a loopback address.
    pub url: Url,
    /// The same for a repeat, so that a receiver can tell that it has the message already.
    pub id: String,
    /// When this attempt is made; receivers refuse what is old.
    pub at: Timestamp,
    /// JSON.
    pub body: String,
}

/// A receiver that did not take a message. Never an address's query, never a piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// Try again later.
    #[error("the webhook's receiver did not take the message: {0}")]
    Passing(String),
    /// It cannot be sent at all until an administrator mends it.
    #[error("the webhook cannot be sent: {0}")]
    Refused(String),
}

/// See the module's header.
#[async_trait]
pub trait Poster: Send + Sync {
    /// Hands the message over; taken means an answer of 2xx.
    async fn post(&self, post: &Post) -> Result<(), PostError>;
}
