//! The answers of the four endpoints: keys in the order integrators know, and errors in the one shape they know.

use app::{Error, Status};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{EmailAddress, Timestamp};
use serde::Serialize;
use url::Url;

use crate::{api::access::Denied, error};

/// The four fields that say how a connection stands.
#[derive(Debug, Serialize)]
struct StatusFields {
    has_integration: bool,
    has_valid_token: bool,
    calendar_id: Option<String>,
    expires_at: Option<Timestamp>,
    is_active: bool,
}

impl StatusFields {
    fn new(status: &Status) -> Self {
        Self {
            has_integration: status.has_integration,
            has_valid_token: status.has_valid_token,
            calendar_id: status.calendar_id.clone(),
            expires_at: status.expires_at,
            is_active: status.is_active,
        }
    }
}

/// Status, and a refresh that worked.
#[derive(Debug, Serialize)]
pub(super) struct StatusAnswer {
    success: bool,
    #[serde(flatten)]
    status: StatusFields,
}

impl StatusAnswer {
    pub(super) fn new(status: &Status) -> Self {
        Self { success: true, status: StatusFields::new(status) }
    }
}

/// Setup of a manager who is connected already.
#[derive(Debug, Serialize)]
pub(super) struct Connected {
    success: bool,
    requires_authorization: bool,
    #[serde(flatten)]
    status: StatusFields,
}

impl Connected {
    pub(super) fn new(status: &Status) -> Self {
        Self { success: true, requires_authorization: false, status: StatusFields::new(status) }
    }
}

/// Setup of a manager who must consent.
#[derive(Debug, Serialize)]
pub(super) struct Consent {
    success: bool,
    requires_authorization: bool,
    authorization_url: String,
    message: String,
}

impl Consent {
    pub(super) fn new(email: &EmailAddress, url: &Url) -> Self {
        Self { success: false, requires_authorization: true, authorization_url: url.to_string(), message: message(email.as_str()) }
    }
}

/// A refresh that only the manager can mend.
#[derive(Debug, Serialize)]
pub(super) struct Renewal {
    #[serde(flatten)]
    authorization: Consent,
    #[serde(flatten)]
    status: StatusFields,
}

impl Renewal {
    pub(super) fn new(email: &str, url: &Url, status: &Status) -> Self {
        let authorization =
            Consent { success: false, requires_authorization: true, authorization_url: url.to_string(), message: message(email) };
        Self { authorization, status: StatusFields::new(status) }
    }
}

fn message(email: &str) -> String {
    format!("Manager {email} needs to authorize calendar access")
}

macro_rules! answers_as_json {
    ($($answer:ty),+) => {$(
        impl IntoResponse for $answer {
            fn into_response(self) -> Response {
                Json(self).into_response()
            }
        }
    )+};
}
answers_as_json!(StatusAnswer, Connected, Consent, Renewal);

/// A finished error; handlers return it.
#[derive(Debug)]
pub(super) struct Refused(Box<Response>);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// `{"success": false, "error": …}` with a status.
pub(super) fn refused(status: StatusCode, sentence: impl Into<String>) -> Response {
    #[derive(Serialize)]
    struct Shape {
        success: bool,
        error: String,
    }
    (status, Json(Shape { success: false, error: sentence.into() })).into_response()
}

/// The same as a handler's error.
pub(super) fn refuse(status: StatusCode, sentence: impl Into<String>) -> Refused {
    Refused(Box::new(refused(status, sentence)))
}

/// The answer to an error of a use case.
pub(super) fn failed(error: &Error) -> Refused {
    error::log(error);
    let status = match error {
        Error::Invalid { .. } => StatusCode::BAD_REQUEST,
        other => error::status(other),
    };
    let mut response = refused(status, error.outside());
    if let Error::Throttled { retry_after } = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
    }
    Refused(Box::new(response))
}

impl From<Denied> for Refused {
    fn from(denied: Denied) -> Self {
        if let Denied::Failed(error) = &denied {
            return failed(error);
        }
        let mut response = refused(denied.status(), denied.sentence());
        error::add_auth_headers(&mut response, denied.retry_after());
        Self(Box::new(response))
    }
}
