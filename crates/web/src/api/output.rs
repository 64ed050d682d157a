//! What handlers give: resources with their revision as ETag, lists with a cursor, and instants.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Rev, Timestamp};
use serde::Serialize;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

use crate::error::Problem;

/// What a handler of the API gives.
pub(super) type Answer<T> = Result<T, Problem>;

/// An instant: RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(transparent)]
pub(super) struct Moment(pub(super) Timestamp);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        object.description(Some("RFC 3339 in UTC")).into()
    }
}

impl ToSchema for Moment {}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(super) struct List<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A list that is whole.
    pub(super) fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// The first `limit` of `found`, which is one longer if there is more.
    pub(super) fn page<S>(found: Vec<S>, limit: u32, cursor: impl Fn(&S) -> String, item: impl FnMut(S) -> T) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut found = found;
        // 200 is the most a store gives, so a full page of that size may be followed by an empty one.
        let more = found.len() > limit || found.len() == 200;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| more).map(cursor);
        Self { items: found.into_iter().map(item).collect(), next_cursor }
    }
}

impl<T: Serialize> IntoResponse for List<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// A resource with its revision.
pub(super) struct Resource<T> {
    status: StatusCode,
    rev: Rev,
    value: T,
}

impl<T> Resource<T> {
    /// With 200.
    pub(super) const fn new(rev: Rev, value: T) -> Self {
        Self { status: StatusCode::OK, rev, value }
    }

    /// With 201.
    pub(super) const fn created(rev: Rev, value: T) -> Self {
        Self { status: StatusCode::CREATED, rev, value }
    }
}

impl<T: Serialize> IntoResponse for Resource<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.value)).into_response();
        if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", self.rev)) {
            response.headers_mut().insert(header::ETAG, etag);
        }
        response
    }
}
