//! The gate every request passes: late writes first, then the journal, then an armed fault or the real handler, then
//! the state on disk. The control API under `/_sim` meets neither faults nor the journal.

use std::time::Duration;

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    faults::Fault,
    journal::Recorded,
    sim::{Sim, Site},
    wire::Cutter,
};

/// Largest request body, in bytes.
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// A request whose connection is gone and that is carried out later.
pub struct Delayed {
    pub due: Timestamp,
    parts: Parts,
    body: Bytes,
    next: Next,
}

/// See the head of this file. A request is carried out to its end even if the caller gives up waiting, as a server far
/// away would.
pub async fn gate(State(site): State<Site>, request: Request, next: Next) -> Response {
    match tokio::spawn(passed(site, request, next)).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a request could not be carried out");
            (StatusCode::INTERNAL_SERVER_ERROR, "The simulator has a fault of its own; its log says which.").into_response()
        }
    }
}

async fn passed(site: Site, request: Request, next: Next) -> Response {
    settle(&site.sim).await;
    let (parts, body) = request.into_parts();
    let ours = parts.uri.path().starts_with("/_sim");
    let writes = parts.method != Method::GET || parts.uri.path() == "/oauth/v2/auth";
    let body = match to_bytes(body, BODY_LIMIT).await {
        Ok(body) => body,
        Err(error) => return (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()).into_response(),
    };
    let response = if ours { next.run(rebuilt(parts, body)).await } else { journalled(&site, parts, body, next).await };
    if ours {
        // The control API may have moved the clock.
        settle(&site.sim).await;
    }
    if writes && let Err(error) = site.sim.save().await {
        tracing::error!(error = format!("{error:#}"), "the simulator's state could not be saved");
        return (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response();
    }
    response
}

/// Carries out the writes whose time has come.
async fn settle(sim: &Sim) {
    for write in sim.due() {
        let response = write.next.run(rebuilt(write.parts, write.body)).await;
        tracing::debug!(status = response.status().as_u16(), "a write was carried out after its connection was dropped");
    }
}

async fn journalled(site: &Site, parts: Parts, body: Bytes, next: Next) -> Response {
    let (number, fault) = site.sim.with(|world, now| {
        let fault = world.faults.strike(&site.location, parts.method.as_str(), parts.uri.path());
        if let Some(fault) = &fault {
            world.journal.strikes(fault.kind());
        }
        let name = fault.as_ref().map(|fault| format!("{fault:?}"));
        let line = (&parts.method, &parts.uri, &parts.headers);
        (world.journal.came(Recorded::of(now, &site.location, line, &body, name)), fault)
    });
    let response = match fault {
        None => next.run(rebuilt(parts, body)).await,
        Some(fault) => struck(site, fault, parts, body, next).await,
    };
    let cut = response.extensions().get::<Cut>().is_some();
    let status = (!cut).then(|| response.status().as_u16());
    site.sim.with(|world, _| world.journal.answered(number, status));
    response
}

async fn struck(site: &Site, fault: Fault, parts: Parts, body: Bytes, next: Next) -> Response {
    let cutter = parts.extensions.get::<ConnectInfo<Cutter>>().map(|ConnectInfo(cutter)| cutter.clone());
    match fault {
        Fault::Slow { ms } => {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            next.run(rebuilt(parts, body)).await
        }
        Fault::Hang => {
            site.sim.stopped().await;
            cut(cutter)
        }
        Fault::Reset => cut(cutter),
        Fault::CommitThenDrop => {
            let response = next.run(rebuilt(parts, body)).await;
            tracing::debug!(status = response.status().as_u16(), "an answer is withheld");
            cut(cutter)
        }
        Fault::DropThenCommitAfter { seconds } => {
            let due = site.sim.now() + SignedDuration::from_secs(seconds);
            site.sim.delay(Delayed { due, parts, body, next });
            cut(cutter)
        }
        Fault::Localised | Fault::Throttled => {
            let status = site.sim.with(|world, _| world.switches.rate_limit_status);
            rate_limited(status, fault == Fault::Localised)
        }
        other => instead(other),
    }
}

/// The faults that are just another answer.
fn instead(fault: Fault) -> Response {
    let json = |text: &'static str| ([(header::CONTENT_TYPE, "application/json;charset=UTF-8")], text).into_response();
    match fault {
        Fault::Html200 => Html("<html><body><h1>Zoho</h1><p>Sorry for the inconvenience.</p></body></html>").into_response(),
        Fault::Status { status } => (self::status(status), Html("<html><body><h1>Error</h1></body></html>")).into_response(),
        Fault::GeneralError => Json(json!({"error": "general_error"})).into_response(),
        Fault::GarbageJson => json("{\"access_token\":\"1000.0000"),
        Fault::EmptyBody => json(""),
        Fault::Json { status, body } => (self::status(status), Json(body)).into_response(),
        Fault::EmptyObject => json("{}"),
        // These do something or need the connection: `struck` has dealt with them.
        Fault::Slow { .. }
        | Fault::Hang
        | Fault::Reset
        | Fault::Localised
        | Fault::Throttled
        | Fault::CommitThenDrop
        | Fault::DropThenCommitAfter { .. } => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The body of Zoho's token endpoint when there were too many requests.
pub fn rate_limited(status: u16, localised: bool) -> Response {
    let (error, description) = if localised {
        ("拒绝访问", "您的连续请求过多。请稍后再试。")
    } else {
        ("Access Denied", "You have made too many requests continuously. Please try again after some time.")
    };
    let body = json!({"error_description": description, "error": error, "status": "failure"});
    (self::status(status), Json(body)).into_response()
}

/// A configured status, or 500 if it is no HTTP status.
pub fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Marks a response that never reaches the caller.
#[derive(Clone, Copy)]
struct Cut;

/// Cuts the connection. Without one of ours (a router called in-process) the body fails instead.
fn cut(cutter: Option<Cutter>) -> Response {
    let mut response = match cutter {
        Some(cutter) => {
            cutter.cut();
            StatusCode::OK.into_response()
        }
        None => Body::from_stream(futures_util::stream::once(async {
            Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
        }))
        .into_response(),
    };
    response.extensions_mut().insert(Cut);
    response
}

fn rebuilt(parts: Parts, body: Bytes) -> Request {
    Request::from_parts(parts, Body::from(body))
}
