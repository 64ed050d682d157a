//! What callers of the four endpoints send: a form, or JSON. A body without a content type is a form.

use std::collections::BTreeMap;

use axum::{
    body::to_bytes,
    extract::Request,
    http::{HeaderMap, StatusCode, Uri, header},
};
use serde_json::Value;
use url::form_urlencoded;

use super::answer::{Refused, refuse};
use crate::security::BODY_LIMIT_BYTES;

/// Named values, as they came. Names that nobody asks for are ignored, as the first version did.
#[derive(Debug)]
pub(super) struct Input {
    fields: BTreeMap<String, Value>,
    /// How the caller should have sent them, for error texts.
    hint: &'static str,
}

const IN_BODY: &str = "send it as a form field or as a JSON field in the body";
const IN_QUERY: &str = "send it in the query, as in ?manager_email=ana@example.com";

impl Input {
    pub(super) fn of_query(uri: &Uri) -> Self {
        Self { fields: form(uri.query().unwrap_or_default().as_bytes()), hint: IN_QUERY }
    }

    pub(super) async fn of_body(request: Request) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, BODY_LIMIT_BYTES).await.map_err(|_| {
            refuse(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {} KiB; send less", BODY_LIMIT_BYTES / 1024))
        })?;
        let fields = match content_type(&parts.headers).as_deref() {
            None | Some("application/x-www-form-urlencoded") => form(&bytes),
            Some("application/json") => json(&bytes)?,
            Some(other) => {
                let shown: String = other.chars().take(80).collect();
                let sentence = format!(
                    "the content type `{shown}` is not understood; send application/x-www-form-urlencoded or application/json"
                );
                return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
            }
        };
        Ok(Self { fields, hint: IN_BODY })
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &'static str) -> Result<String, Refused> {
        self.optional(name)?.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, format!("{name} is missing; {}", self.hint)))
    }

    /// A text that may be there.
    pub(super) fn optional(&self, name: &'static str) -> Result<Option<String>, Refused> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.trim().is_empty())),
            Some(_) => Err(refuse(StatusCode::BAD_REQUEST, format!("{name} must be a text; {}", self.hint))),
        }
    }

    /// `true` or `false`, as JSON or as text; `false` where it is absent.
    pub(super) fn flag(&self, name: &'static str) -> Result<bool, Refused> {
        let wrong = || refuse(StatusCode::BAD_REQUEST, format!("{name} must be true or false"));
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) => match text.trim().to_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "" | "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(wrong()),
            },
            Some(_) => Err(wrong()),
        }
    }
}

/// The media type without its parameters, lower case; `None` where there is none.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("unreadable");
    Some(text.split(';').next().unwrap_or_default().trim().to_lowercase()).filter(|text| !text.is_empty())
}

/// Of a name sent twice, the last counts.
fn form(bytes: &[u8]) -> BTreeMap<String, Value> {
    form_urlencoded::parse(bytes).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

fn json(bytes: &[u8]) -> Result<BTreeMap<String, Value>, Refused> {
    serde_json::from_slice(bytes).map_err(|error| {
        let sentence =
            format!("the body is not a JSON object ({error}); send for example {{\"manager_email\": \"ana@example.com\"}}");
        refuse(StatusCode::BAD_REQUEST, sentence)
    })
}
