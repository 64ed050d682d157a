//! Errors at the edge: one status per error of the use cases, and the page, problem document or old shape that says it.

use app::Error;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::links::LinkProblem;
use serde_json::json;

use crate::{pages, texts::Text};

/// The status of an error, for pages and the API alike.
pub const fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound { .. } | Error::Link(LinkProblem::Unknown, _) => StatusCode::NOT_FOUND,
        Error::Link(_, _) => StatusCode::GONE,
        Error::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        Error::Refused { .. } | Error::Busy | Error::NeedsAuthorization { .. } => StatusCode::CONFLICT,
        Error::Stale { .. } => StatusCode::PRECONDITION_FAILED,
        Error::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
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
            let body = json!({"type": format!("urn:greenroom:problem:{code}"), "code": code, "title": title.to_string(), "status": status.as_u16(), "detail": sentence});
            let mut response = (status, Json(body)).into_response();
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
            response
        }
        Shape::Page => pages::plain_error(status, &title.to_string(), &sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::t;

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
