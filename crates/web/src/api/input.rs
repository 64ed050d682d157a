//! What handlers take: JSON bodies, queries, ids in paths, `If-Match`. What is wrong with them is said by field.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
};
use domain::{Id, Rev, TimeRange, Timestamp, id::Kind};
use ports::store::Page;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::endpoint::Authorized;
use crate::{WebState, error::Problem};

/// 422 with a field.
pub(super) fn invalid(field: &str, detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail).at(field)
}

/// 404.
pub(super) fn missing(what: &str, id: &str) -> Problem {
    let shown: String = id.chars().take(80).collect();
    Problem::new(StatusCode::NOT_FOUND, "not_found", format!("there is no {what} `{shown}`"))
}

impl FromRequestParts<WebState> for Authorized {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| app::Error::Internal("a handler of the API stands before no guard".to_owned()).into())
    }
}

/// A JSON body. An empty one counts as `{}`. Names that are not known are refused.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<WebState> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or("unreadable").to_lowercase());
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad_request", error.body_text()))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let is_json = |kind: &str| {
            kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json" || kind.trim().ends_with("+json"))
        };
        if let Some(kind) = kind.filter(|kind| !bytes.is_empty() && !is_json(kind)) {
            let detail = format!(
                "the content type `{}` is not understood; send JSON with `Content-Type: application/json`",
                kind.chars().take(80).collect::<String>()
            );
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        serde_json::from_slice(text).map(Self).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => data_problem(&error.to_string()),
            _ => Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("the body is not JSON: {error}")),
        })
    }
}

/// The field in a text such as ``unknown field `colour`, expected …``.
fn data_problem(text: &str) -> Problem {
    let named = ["unknown field `", "missing field `"].iter().find_map(|lead| text.split_once(lead)?.1.split('`').next());
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", text);
    match named {
        Some(field) => problem.at(field),
        None => problem,
    }
}

/// A query. Names that are not known are refused.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<WebState> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, Problem> {
        let found = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        found.map(|axum::extract::Query(value)| Self(value)).map_err(|error| data_problem(&error.body_text()))
    }
}

/// The id in a path; what is no id of that kind names nothing.
pub(super) fn id<K: Kind>(what: &'static str, text: &str) -> Result<Id<K>, Problem> {
    text.parse().map_err(|_| missing(what, text))
}

/// The revision a change is based on.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(names("If-Match"), parameter_in = Header)]
pub(super) struct IfMatch(#[param(required = false, value_type = String)] pub(super) Option<Rev>);

impl FromRequestParts<WebState> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or("unreadable").trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let rev = text.trim_start_matches("W/").trim_matches('"').parse();
        rev.map(|rev| Self(Some(rev))).map_err(|_| {
            let detail = "If-Match must be the ETag of the answer you read, as in `If-Match: \"3\"`";
            Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
        })
    }
}

impl IfMatch {
    /// Refuses a change that is based on another revision than `rev`.
    pub(super) fn check(self, what: &'static str, id: impl ToString, rev: Rev) -> Result<(), Problem> {
        if self.0.is_none_or(|expected| expected == rev) {
            Ok(())
        } else {
            Err(app::Error::Stale { what, id: id.to_string() }.into())
        }
    }
}

/// Which part of a list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// `next_cursor` of the page before.
    #[param(required = false)]
    pub(super) cursor: Option<String>,
    /// At most this many, 1 to 200; 50 where absent.
    #[param(required = false, minimum = 1, maximum = 200)]
    pub(super) limit: Option<u32>,
}

impl Paging {
    /// The page, for a list whose cursors are ids of `K`. Asks for one more than the caller, who thereby learns whether there is more.
    pub(super) fn page<K: Kind>(&self) -> Result<Page, Problem> {
        if let Some(cursor) = &self.cursor {
            cursor.parse::<Id<K>>().map_err(|_| {
                invalid("cursor", "this is no cursor of this list; send `next_cursor` of the page before, as it came")
            })?;
        }
        Ok(Page { after: self.cursor.clone(), limit: (self.limit()? + 1).min(200) })
    }

    /// How many the caller wants.
    pub(super) fn limit(&self) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(50);
        if (1..=200).contains(&limit) { Ok(limit) } else { Err(invalid("limit", "limit goes from 1 to 200")) }
    }
}

/// `dry_run=true`: say what would happen and do nothing.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DryRun {
    /// Whether to say what would happen and do nothing.
    #[serde(default)]
    #[param(required = false)]
    pub(super) dry_run: bool,
}

/// An instant: RFC 3339 with an offset.
pub(super) fn instant(field: &str, text: &str) -> Result<Timestamp, Problem> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(60).collect();
        invalid(field, format!("`{shown}` is not an instant; write RFC 3339 with an offset, as in 2026-11-23T09:00:00Z (a `+` in a query is sent as %2B)"))
    })
}

/// A range of two instants.
pub(super) fn range(start: Timestamp, end: Timestamp) -> Result<TimeRange, Problem> {
    TimeRange::new(start, end).map_err(|error| invalid("end", error.to_string()))
}
