//! Errors at the edge: one status per error of the use cases, and the page, problem document or old shape that says it.

use app::Error;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::links::LinkProblem;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{pages, request, texts::Text};

/// Every problem the API answers with: code, status, title. docs/api.md has the same list for readers; v1 only adds to it. The reason
/// codes of a refused action (409) are listed behind the others.
pub const PROBLEMS: &[(&str, u16, &str)] = &[
    ("bad_request", 400, "The request cannot be read"),
    ("no_host", 400, "The Host header is missing"),
    ("unauthorized", 401, "A live API key is needed"),
    ("forbidden", 403, "The API key lacks a right"),
    ("foreign_origin", 403, "The request comes from another web site"),
    ("not_found", 404, "There is no such thing"),
    ("wrong_method", 405, "The address does not answer this method"),
    ("conflict", 409, "Others are changing the same thing"),
    ("in_progress", 409, "The first call with this Idempotency-Key has no answer yet"),
    ("answer_not_kept", 409, "The first call's answer held a secret and was not kept"),
    ("needs_authorization", 409, "The manager needs to authorize calendar access"),
    ("erased", 410, "The person was erased"),
    ("stale", 412, "It was changed since it was read"),
    ("too_large", 413, "The request is too large"),
    ("unsupported_media_type", 415, "The body is not JSON"),
    ("unknown_host", 421, "The Host header names another server"),
    ("invalid", 422, "A field does not make sense"),
    ("idempotency_key_reused", 422, "The Idempotency-Key was used for another request"),
    ("too_many_requests", 429, "Too many calls"),
    ("throttled", 429, "The calendar provider asks to wait"),
    ("internal", 500, "Something went wrong on our side"),
    ("misconfigured", 502, "The provider refuses this installation"),
    ("provider_failed", 502, "The calendar provider failed"),
    ("held", 503, "Restored from a backup and not released yet"),
    ("store_unavailable", 503, "The database does not answer"),
    ("timeout", 504, "The answer took too long"),
    ("account_disabled", 409, "The account is switched off"),
    ("already_chosen", 409, "A time is chosen already"),
    ("calendar_unknown", 409, "The calendar cannot be read at this moment"),
    ("clash", 409, "Something is in the calendar then"),
    ("empty_shortlist", 409, "The shortlist is empty"),
    ("feedback_closed", 409, "The feedback is closed"),
    ("interview_cancelled", 409, "The interview is cancelled"),
    ("interview_over", 409, "The interview is over"),
    ("interviews_booked", 409, "Candidates were invited already"),
    ("not_compared", 409, "The calendars are not compared yet"),
    ("not_held", 409, "The installation is not held"),
    ("no_backup_folder", 409, "No folder for backups is set"),
    ("job_not_dead", 409, "The job was not given up"),
    ("key_over", 409, "The key has ended"),
    ("lending_off", 409, "Access tokens are not lent here"),
    ("no_calendar", 409, "There is no calendar that can be used"),
    ("no_feedback", 409, "There is no feedback"),
    ("no_hold", 409, "No time is held any more"),
    ("no_place", 409, "The vacancy has no place"),
    ("not_approved", 409, "The vacancy is not approved"),
    ("not_ours", 409, "The event was not made here"),
    ("not_provisional", 409, "The interview is not a provisional one"),
    ("not_yet", 409, "The interview has not taken place yet"),
    ("nothing_pending", 409, "No connection waits for a decision"),
    ("paused", 409, "Scheduling is paused"),
    ("stranger", 409, "The person takes no part in the interview"),
    ("token_too_short", 409, "The provider's tokens live too short"),
    ("taken", 409, "The name belongs to something else"),
    ("time_not_available", 409, "The time cannot be offered"),
    ("too_late", 409, "Too close to the interview"),
    ("vacancy_closed", 409, "The vacancy is closed"),
    ("withdrawn", 409, "The candidate is no longer on the shortlist"),
];

/// A problem document (RFC 9457), ready to be answered. Boxed, because it travels as an error.
#[derive(Debug, Clone)]
pub struct Problem(Box<ProblemBody>);

/// What a problem document says.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `urn:greenroom:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// A stable code to decide by.
    pub code: String,
    /// The code in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
    /// The field that is wrong, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub field: Option<String>,
    /// Where the manager mends it, for `needs_authorization`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub authorization_url: Option<String>,
    /// The request's id, for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    request: Option<String>,
    /// Seconds to wait, sent as `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// One of [`PROBLEMS`] in the case at hand.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let listed = PROBLEMS.iter().find(|(known, ..)| *known == code).map(|(.., title)| *title);
        Self(Box::new(ProblemBody {
            kind: format!("urn:greenroom:problem:{code}"),
            code: code.to_owned(),
            title: listed.unwrap_or("The state does not allow it").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            authorization_url: None,
            request: request::id(),
            retry_after: None,
        }))
    }

    /// The same, naming a field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// The same in other words.
    #[must_use]
    pub fn saying(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Whether it has this code.
    pub fn is(&self, code: &str) -> bool {
        self.0.code == code
    }

    /// The same, saying how many seconds to wait.
    #[must_use]
    pub fn after(mut self, seconds: Option<u64>) -> Self {
        self.0.retry_after = seconds;
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        log(&error);
        let mut problem = Self::new(status(&error), error.code(), error.outside());
        match error {
            Error::Invalid { field, problem: detail } => {
                problem.0.detail = detail;
                problem.0.field = Some(field.to_owned());
            }
            Error::NeedsAuthorization { url } => problem.0.authorization_url = Some(url.into()),
            Error::Throttled { retry_after } | Error::Limited { retry_after, .. } => {
                problem.0.retry_after = u64::try_from(retry_after).ok();
            }
            _ => {}
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.0.retry_after;
        let mut response = (status, Json(self.0)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        add_auth_headers(&mut response, retry_after);
        response
    }
}

/// `WWW-Authenticate` (RFC 6750) on a 401, and `Retry-After` where waiting helps.
pub(crate) fn add_auth_headers(response: &mut Response, retry_after: Option<u64>) {
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"greenroom\""));
    }
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

/// The status of an error, for pages and the API alike.
pub const fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound { .. } | Error::Link(LinkProblem::Unknown, _) => StatusCode::NOT_FOUND,
        Error::Link(_, _) | Error::Erased { .. } => StatusCode::GONE,
        Error::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Refused { .. } | Error::Busy | Error::NeedsAuthorization { .. } => StatusCode::CONFLICT,
        Error::Stale { .. } => StatusCode::PRECONDITION_FAILED,
        Error::Throttled { .. } | Error::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Provider { .. } => StatusCode::BAD_GATEWAY,
        Error::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Logs what the caller is not told; called once, where the error is answered.
pub fn log(error: &Error) {
    match error {
        Error::Store(_) | Error::Internal(_) => tracing::error!(%error, code = error.code(), "a request failed"),
        Error::Provider { .. } | Error::Throttled { .. } => tracing::warn!(code = error.code(), "a request failed at the provider"),
        _ => tracing::debug!(code = error.code(), "a request was refused"),
    }
}

/// Which shape an error has on a path.
enum Shape {
    /// `{"success": false, "error": …}`: the first version's endpoints.
    Old,
    /// RFC 9457.
    Problem,
    /// A page.
    Page,
}

fn shape(path: &str) -> Shape {
    if path.starts_with("/api/oauth/callback") {
        Shape::Page
    } else if path.starts_with("/api/admin/oauth/") || path.starts_with("/api/oauth/") {
        Shape::Old
    } else if path.starts_with("/api/") {
        Shape::Problem
    } else {
        Shape::Page
    }
}

/// An answer to a request that never reached a use case: by the guards, or after a panic. `uri` decides its shape; without one it is a
/// page.
pub fn refusal(uri: Option<&Uri>, status: StatusCode, code: &str, title: &Text, sentence: &Text) -> Response {
    let sentence = sentence.to_string();
    match uri.map_or(Shape::Page, |uri| shape(uri.path())) {
        Shape::Old => (status, Json(json!({"success": false, "error": sentence}))).into_response(),
        Shape::Problem => {
            let mut problem = Problem::new(status, code, sentence);
            problem.0.title = title.to_string();
            problem.into_response()
        }
        Shape::Page => pages::plain_error(status, &title.to_string(), &sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::t;

    #[test]
    fn the_guide_lists_every_problem() {
        let guide = include_str!("../../../docs/api.md");
        let missing: Vec<_> = PROBLEMS.iter().filter(|(code, ..)| !guide.contains(&format!("`{code}`"))).collect();
        assert!(missing.is_empty(), "docs/api.md does not explain {missing:?}");
    }

    #[test]
    fn what_the_domain_refuses_is_listed() {
        use domain::interviews::Refused::{Cancelled, FeedbackClosed, NoFeedback, NotProvisional, NotYet, Over, Stranger};
        for refused in [Over, Cancelled, NotYet, NotProvisional, FeedbackClosed, NoFeedback, Stranger] {
            assert!(PROBLEMS.iter().any(|(code, status, _)| (*code, *status) == (refused.code(), 409)), "{refused:?}");
        }
    }

    #[test]
    fn guards_answer_in_the_shape_of_the_path() {
        for (path, kind) in [
            ("/api/admin/oauth/status/", "application/json"),
            ("/api/oauth/callback/", "text/html; charset=utf-8"),
            ("/api/v1/vacancies", "application/problem+json"),
            ("/vacancies", "text/html; charset=utf-8"),
        ] {
            let uri: Uri = path.parse().unwrap();
            let response =
                refusal(Some(&uri), StatusCode::FORBIDDEN, "foreign_origin", &t("refused.origin.title"), &t("refused.origin"));
            assert_eq!(response.status(), StatusCode::FORBIDDEN);
            assert_eq!(response.headers()[header::CONTENT_TYPE], kind, "{path}");
        }
    }
}
