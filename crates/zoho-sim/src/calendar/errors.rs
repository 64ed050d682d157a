//! Answers and refusals of the Calendar API. A refusal is `{"error":[{"error_code":…,"message":…,"description":…}]}`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

use super::switches::ErrorShape;
use crate::{gate, switches::Switches};

/// What a request is answered with.
pub(crate) enum Reply {
    /// JSON with a status.
    Json(u16, Value),
    /// A page, where something other than the API answers.
    Html(u16, &'static str),
    /// Nothing but a status.
    Empty(u16),
    /// Another answer, and when to come back.
    RetryAfter(Box<Reply>, i64),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    /// The code for a mandatory parameter or key that is missing, spelled as Zoho spells it.
    pub(crate) fn missing(what: &str) -> Self {
        Self::new(400, "LESS_THAN_MIN_OCCURANCE", format!("{what} is missing"))
    }

    pub(crate) fn pattern(what: &str) -> Self {
        Self::new(400, "PATTERN_NOT_MATCHED", format!("{what} is not of the form it must have"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "INVALID_DATA", message)
    }

    pub(crate) fn extra_key(key: &str) -> Self {
        Self::new(400, "EXTRA_KEY_FOUND_IN_JSON", format!("Extra key found in the JSON: {key}"))
    }

    pub(crate) fn extra_param(name: &str) -> Self {
        Self::new(400, "EXTRA_PARAM_FOUND", format!("Extra parameter found: {name}"))
    }

    pub(crate) fn array_size(what: &str) -> Self {
        Self::new(400, "ARRAY_SIZE_OUT_OF_RANGE", format!("{what} has too few or too many entries"))
    }

    pub(crate) fn too_long(what: &str, longest: usize) -> Self {
        Self::new(400, "MORE_THAN_MAX_LENGTH", format!("{what} is longer than {longest} characters"))
    }

    pub(crate) fn etag_missing() -> Self {
        Self::new(400, "ETAG_MISSING", "The etag of the event is missing")
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(403, "OPERATION_NOT_PERMITTED", "You are not permitted to do this")
    }

    pub(crate) fn no_such_url() -> Self {
        Self::new(404, "URL_RULE_NOT_CONFIGURED", "URL rule not configured")
    }

    /// As this Zoho words errors.
    pub(crate) fn reply(&self, switches: &Switches) -> Reply {
        let one = json!({"error_code": self.code, "message": self.message, "description": self.message});
        let body = match switches.error_shape {
            ErrorShape::Array => json!({"error": [one]}),
            ErrorShape::Object => json!({"error": one}),
            ErrorShape::Text => json!({"error": self.code, "message": self.message}),
            ErrorShape::Failure => json!({"status": "failure", "error_code": self.code, "message": self.message}),
        };
        Reply::Json(if switches.errors_with_200 { 200 } else { self.status }, body)
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Json(status, body) => {
                let mut response = (gate::status(status), Json(body)).into_response();
                let kind = HeaderValue::from_static("application/json;charset=UTF-8");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
            Self::Html(status, page) => (gate::status(status), Html(page)).into_response(),
            Self::Empty(status) => gate::status(status).into_response(),
            Self::RetryAfter(reply, seconds) => {
                let mut response = reply.into_response();
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                response
            }
        }
    }
}

/// The page of the server in front of the API, for paths that never reach it.
pub(crate) const NOT_FOUND_PAGE: Reply =
    Reply::Html(StatusCode::NOT_FOUND.as_u16(), "<html><head><title>404</title></head><body>Not Found</body></html>");
