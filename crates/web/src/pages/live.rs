//! `/events`: tells open dashboard pages that something was committed, by server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::StreamExt;
use tokio_stream::wrappers::BroadcastStream;

use super::session::Admin;
use crate::WebState;

/// A page that is not read any more is found out by this at the latest.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Every event says the same; a listener that fell behind needs no more than one, so missed ones count as one.
pub(super) async fn events(State(state): State<WebState>, _admin: Admin) -> Response {
    let changes = BroadcastStream::new(state.app.changes())
        .take_until(state.stopped())
        .map(|_| Ok::<_, Infallible>(Event::default().event("changed").data("1")));
    let mut response = Sse::new(changes).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers before they pass them on would hold the events back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}
