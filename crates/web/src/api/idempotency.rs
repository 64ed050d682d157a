//! `Idempotency-Key` on POSTs: the same key with the same request gets the first answer again; with another request it is refused.

use app::{KeptAnswer, Once, Repeat};
use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use domain::{Id, access::ApiKey};
use sha2::{Digest, Sha256};

use crate::{WebState, error::Problem, security::BODY_LIMIT_BYTES};

/// The header.
pub(super) const HEADER: &str = "idempotency-key";
/// Says that an answer is a repeated one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
const MAX_KEY: usize = 200;
/// Longest answer that is kept.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// Runs a POST, once per key.
pub(super) async fn once(state: &WebState, caller: Id<ApiKey>, secret: bool, request: Request, next: Next) -> Response {
    let Some(value) = request.headers().get(HEADER).cloned() else { return next.run(request).await };
    match try_once(state, caller, secret, &value, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn try_once(
    state: &WebState,
    caller: Id<ApiKey>,
    secret: bool,
    value: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let text = value
        .to_str()
        .ok()
        .filter(|text| !text.is_empty() && text.len() <= MAX_KEY && text.bytes().all(|byte| byte.is_ascii_graphic()));
    let text = text.ok_or_else(|| {
        let detail =
            format!("the Idempotency-Key must be 1 to {MAX_KEY} printable ASCII characters without space; a random UUID does");
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    })?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT_BYTES)
        .await
        .map_err(|error| Problem::new(StatusCode::BAD_REQUEST, "bad_request", format!("the body cannot be read: {error}")))?;
    match state.app.begin_once(caller, text, &digest(&parts, &body)).await? {
        Repeat::First(once) => {
            let response = next.run(Request::from_parts(parts, Body::from(body))).await;
            keep(state, &once, secret, response).await
        }
        Repeat::Again(kept) => replay(kept),
        Repeat::InProgress => Err(Problem::new(
            StatusCode::CONFLICT,
            "in_progress",
            "the first call with this Idempotency-Key is still running or was interrupted; look whether it took effect before you send it with a new key",
        )),
        Repeat::Other => Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "this Idempotency-Key was used for another request; make a new key for every request",
        )),
    }
}

/// What makes two requests the same: method, address and body.
fn digest(parts: &Parts, body: &Bytes) -> String {
    let mut hash = Sha256::new();
    for part in
        [parts.method.as_str().as_bytes(), parts.uri.path_and_query().map_or("/", |path| path.as_str()).as_bytes(), body.as_ref()]
    {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

async fn keep(state: &WebState, once: &Once, secret: bool, response: Response) -> Result<Response, Problem> {
    if response.status().is_server_error() {
        state.app.forget_once(once).await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER_BYTES)
        .await
        .map_err(|error| app::Error::Internal(format!("an answer cannot be kept: {error}")))?;
    let keeps_body = !secret || !parts.status.is_success();
    let kept = KeptAnswer {
        status: parts.status.as_u16(),
        etag: parts.headers.get(header::ETAG).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned),
        body: keeps_body.then(|| String::from_utf8_lossy(&body).into_owned()),
    };
    state.app.finish_once(once, &kept).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn replay(kept: KeptAnswer) -> Result<Response, Problem> {
    let Some(body) = kept.body else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "answer_not_kept",
            "this request was done, but its answer held a secret that is shown once and stored nowhere; send it with a new Idempotency-Key to get another",
        ));
    };
    let status = StatusCode::from_u16(kept.status).map_err(|error| app::Error::Internal(error.to_string()))?;
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    if let Some(etag) = kept.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok()) {
        headers.insert(header::ETAG, etag);
    }
    Ok(response)
}
