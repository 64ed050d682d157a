//! Signatures of webhooks, after Standard Webhooks: `v1,` and the base64 of HMAC-SHA256(secret, `id.timestamp.body`).
//!
//! Source: the Standard Webhooks specification, sections "Signature scheme" and "Webhook headers".

use std::{fmt, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

/// The secret that a receiver shares with this installation: 24 to 64 random bytes.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// Why a text is no webhook secret. Shows nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "a webhook secret is `whsec_` and the base64 of 24 to 64 random bytes: make one with `echo whsec_$(openssl rand -base64 32)`"
)]
pub struct WebhookSecretError;

impl FromStr for WebhookSecret {
    type Err = WebhookSecretError;

    fn from_str(text: &str) -> Result<Self, WebhookSecretError> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(WebhookSecretError)?;
        let bytes = BASE64_STANDARD.decode(encoded).map(Zeroizing::new).map_err(|_| WebhookSecretError)?;
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(WebhookSecretError) }
    }
}

impl WebhookSecret {
    #[expect(clippy::expect_used, reason = "HMAC accepts keys of every length (RFC 2104)")]
    fn hmac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("a key of any length")
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

/// The value of `webhook-signature` for one message. `timestamp` is in seconds since 1970 and goes into `webhook-timestamp`.
pub fn webhook_signature(secret: &WebhookSecret, id: &str, timestamp: i64, body: &str) -> String {
    let mut mac = secret.hmac();
    for part in [id, ".", &timestamp.to_string(), ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn signs_as_the_specification_does() {
        let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap();
        let signature = webhook_signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn says_what_is_wrong_and_shows_nothing() {
        for wrong in ["", "hunter2", "whsec_", "whsec_aHVudGVyMg==", "whsec_???"] {
            let error = wrong.parse::<WebhookSecret>().unwrap_err().to_string();
            assert!(error.contains("openssl rand") && !error.contains("hunter2") && !error.contains("aHVud"), "{error}");
        }
        let secret: WebhookSecret = format!("whsec_{}", BASE64_STANDARD.encode([7; 32])).parse().unwrap();
        assert_eq!(format!("{secret:?}"), "WebhookSecret([redacted])");
    }
}
