//! `/api/v1`: everything the product does, for programs. One file per noun with its shapes and handlers; [`endpoint`] lists, guards and
//! documents the routes, so that the OpenAPI document, the rights and the router cannot disagree.
//!
//! The shapes are the API's own: nouns of `domain` never reach a caller as they are stored. v1 only grows.

pub(crate) mod access;
mod alerts;
mod audit;
mod availability;
mod calendars;
mod check;
mod choices;
mod endpoint;
mod feedback;
mod health;
mod idempotency;
mod input;
mod interviews;
mod jobs;
mod keys;
mod lendings;
pub(crate) mod limits;
mod mails;
mod managers;
mod openapi;
mod output;
mod paused;
mod persons;
mod plans;
mod reality;
mod shortlist;
mod vacancies;

use axum::{
    Router,
    http::{StatusCode, Uri},
    routing::{any, get},
};

use self::endpoint::Endpoint;
use crate::{WebState, error::Problem, metrics};

/// Where version 1 begins.
const PREFIX: &str = "/api/v1";

/// All of version 1 with its document, and the two addresses for supervisors.
pub fn routes(state: &WebState) -> Router<WebState> {
    let document = openapi::document(&endpoints());
    let router = endpoint::mount(Router::new(), endpoints(), state);
    router
        .route(&format!("{PREFIX}/openapi.json"), get(move || std::future::ready(openapi::answer(&document))))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/api/{*rest}", any(not_found))
}

/// Every endpoint, in the order of the document.
fn endpoints() -> Vec<Endpoint> {
    [
        vacancies::endpoints(),
        shortlist::endpoints(),
        choices::endpoints(),
        interviews::endpoints(),
        reality::endpoints(),
        plans::endpoints(),
        feedback::endpoints(),
        managers::endpoints(),
        availability::endpoints(),
        calendars::endpoints(),
        lendings::endpoints(),
        persons::endpoints(),
        check::endpoints(),
        paused::endpoints(),
        mails::endpoints(),
        jobs::endpoints(),
        alerts::endpoints(),
        audit::endpoints(),
        keys::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Every guarded route: path, method, right, and whether keys with a role need `administer` besides. For the test that asks them all.
#[cfg(test)]
pub(crate) fn guarded() -> Vec<(String, String, domain::access::Right, bool)> {
    let each = |endpoint: Endpoint| {
        (format!("{PREFIX}{}", endpoint.path), endpoint.method.to_string(), endpoint.right, endpoint.administers)
    };
    endpoints().into_iter().map(each).collect()
}

async fn not_found(uri: Uri) -> Problem {
    let shown: String = uri.path().chars().take(120).collect();
    let detail = format!("there is nothing at {shown}; {PREFIX}/openapi.json lists every address");
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}
