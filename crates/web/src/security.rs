//! What stands before every handler: names we answer to, who may send forms, sizes, times, and the headers that tell browsers what a
//! page may do.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    WebState,
    error::{log, refusal},
    metrics, request,
    texts::t,
};

/// Largest request body.
pub const BODY_LIMIT_BYTES: usize = 256 * 1024;

/// When a caller may ask again whether a held installation was released.
const HELD_RETRY_SECONDS: u32 = 300;

/// How much of a body that is too large is read before it is refused.
const DISCARD_LIMIT_BYTES: usize = 8 * 1024 * 1024;

/// How long an answer may take; a stream's beginning counts, not its length.
const ANSWER_LIMIT: Duration = Duration::from_mins(1);

/// What a page may do where it does not say otherwise: our own style sheet, script, pictures and forms, and nothing else.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The same for a page whose form ends at another origin: browsers check `form-action` along redirects too.
pub fn page_policy_with_form_to(origins: &str) -> String {
    PAGE_POLICY.replace("form-action 'self'", &format!("form-action 'self' {origins}"))
}

/// Puts the guards before `routes`; the first named here is the outermost.
pub(crate) fn guard(routes: Router, state: WebState) -> Router {
    routes
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(from_fn(limit_time))
        .layer(from_fn(limit_body))
        .layer(from_fn_with_state(state.clone(), check_held))
        .layer(from_fn(check_origin))
        .layer(from_fn_with_state(state.clone(), check_host))
        .layer(from_fn_with_state(state.clone(), add_headers))
        .layer(from_fn_with_state(state.clone(), request::identify))
        .layer(from_fn_with_state(state, metrics::count))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
fn after_panic(payload: Box<dyn Any + Send + 'static>) -> Response {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("not a text"), "a handler panicked");
    let reference = request::id().unwrap_or_default();
    refusal(
        None,
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        &t("error.title"),
        &t("error.internal.lead").with("reference", reference),
    )
}

async fn limit_time(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    match tokio::time::timeout(ANSWER_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refusal(Some(&uri), StatusCode::GATEWAY_TIMEOUT, "timeout", &t("error.later.title"), &t("refused.timeout")),
    }
}

/// Reads the whole body before any handler runs, so that what is too large gets a sentence and never half an effect.
async fn limit_body(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let (parts, body) = request.into_parts();
    let stated =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<usize>().ok());
    if stated.is_none_or(|length| length <= DISCARD_LIMIT_BYTES)
        && let Some(bytes) = read_body(body).await
    {
        return next.run(Request::from_parts(parts, Body::from(bytes))).await;
    }
    let sentence = t("refused.too_large").with("limit", BODY_LIMIT_BYTES / 1024);
    refusal(Some(&uri), StatusCode::PAYLOAD_TOO_LARGE, "too_large", &t("refused.too_large.title"), &sentence)
}

/// The body, unless it is too large or breaks off. One that is too large is read on for a while all the same: callers that send everything
/// before they listen would otherwise find a broken connection instead of the answer.
async fn read_body(body: Body) -> Option<Vec<u8>> {
    let mut chunks = body.into_data_stream();
    let (mut kept, mut seen) = (Vec::new(), 0);
    while seen <= DISCARD_LIMIT_BYTES {
        let Some(chunk) = chunks.next().await else { return (seen <= BODY_LIMIT_BYTES).then_some(kept) };
        let chunk = chunk.ok()?;
        seen += chunk.len();
        if seen <= BODY_LIMIT_BYTES {
            kept.extend_from_slice(&chunk);
        } else {
            kept.clear();
        }
    }
    None
}

/// Only names that are ours: against DNS rebinding, and so that nothing builds on a name somebody made up.
async fn check_host(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    match host_of(request.headers(), &uri) {
        None => refusal(Some(&uri), StatusCode::BAD_REQUEST, "no_host", &t("refused.host.title"), &t("refused.no_host")),
        Some(host) if is_allowed(&host, &state.allowed_hosts) => next.run(request).await,
        Some(_) => {
            refusal(Some(&uri), StatusCode::MISDIRECTED_REQUEST, "unknown_host", &t("refused.host.title"), &t("refused.host"))
        }
    }
}

fn host_of(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let stated = headers.get(header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    stated.or_else(|| uri.authority().map(ToString::to_string)).filter(|host| !host.is_empty()).map(|host| host.to_lowercase())
}

fn is_allowed(host: &str, allowed: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    allowed.iter().any(|known| known == host || known == name)
}

/// Refuses what another web site made a browser send: every changing request, and every request to the API (except for the browser
/// that comes back from the consent page).
async fn check_origin(request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let by_browser = !uri.path().starts_with("/api/") || uri.path().starts_with("/api/oauth/callback");
    if (reads && by_browser) || is_from_here(request.headers(), &uri) {
        return next.run(request).await;
    }
    refusal(Some(&uri), StatusCode::FORBIDDEN, "foreign_origin", &t("refused.origin.title"), &t("refused.origin"))
}

/// While the installation is held after a restore, nobody's change is accepted: only logging in and out, and what releases it. The
/// callback of a consent is a change too, though it is a GET.
async fn check_held(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let path = uri.path();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let open = ["/login", "/logout", "/backups"].iter().any(|open| path == *open || path.starts_with(&format!("{open}/")));
    if open || (reads && !path.starts_with("/api/oauth/callback")) {
        return next.run(request).await;
    }
    match state.app.held().await {
        Ok(None) => next.run(request).await,
        Ok(Some(_)) => {
            let mut response =
                refusal(Some(&uri), StatusCode::SERVICE_UNAVAILABLE, "held", &t("refused.held.title"), &t("refused.held"));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(HELD_RETRY_SECONDS));
            response
        }
        Err(error) => {
            log(&error);
            let sentence = t("refused.store");
            refusal(Some(&uri), StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", &t("error.later.title"), &sentence)
        }
    }
}

/// Browsers say where a request comes from by `Sec-Fetch-Site` (on secure origins) and by `Origin`; other programs send neither.
/// `Origin: null` alone tells nothing, so it counts only beside a `Sec-Fetch-Site` that says "from here".
fn is_from_here(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    let site = text(HeaderName::from_static("sec-fetch-site"));
    if site.is_some_and(|site| site != "same-origin" && site != "none") {
        return false;
    }
    match text(header::ORIGIN) {
        None => true,
        Some("null") => site.is_some(),
        Some(origin) => {
            let host = host_of(headers, uri);
            origin.split_once("://").is_some_and(|(_, authority)| Some(authority.to_lowercase()) == host)
        }
    }
}

async fn add_headers(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let is_static = request.uri().path().starts_with("/static/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Links carry tokens, so no other site learns an address of ours. Not `no-referrer`: with it, browsers send `Origin: null` on our
    // own forms, and on plain http nothing would tell them from another site's.
    default(header::REFERRER_POLICY, "same-origin");
    default(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    default(HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()");
    if !is_static {
        default(header::CACHE_CONTROL, "no-store");
    }
    if state.secure {
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

/// A redirect after a POST: the browser GETs `to`.
pub fn see_other(to: &str) -> Response {
    match HeaderValue::from_str(to) {
        Ok(value) => (StatusCode::SEE_OTHER, [(header::LOCATION, value)]).into_response(),
        Err(error) => {
            tracing::error!(%error, "an address cannot stand in a header");
            refusal(
                None,
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                &t("error.title"),
                &t("error.internal.lead").with("reference", ""),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn from_here(pairs: &[(&'static str, &str)]) -> bool {
        let mut all = vec![("host", "greenroom.example.com")];
        all.extend_from_slice(pairs);
        is_from_here(&headers(&all), &Uri::from_static("/"))
    }

    #[test]
    fn forms_of_other_sites_are_known() {
        assert!(from_here(&[]));
        assert!(from_here(&[("origin", "https://greenroom.example.com")]));
        assert!(from_here(&[("origin", "https://greenroom.example.com"), ("sec-fetch-site", "same-origin")]));
        assert!(from_here(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        for foreign in [
            &[("origin", "https://evil.example.org")][..],
            &[("origin", "https://greenroom.example.com.evil.example.org")],
            &[("origin", "null")],
            &[("origin", "")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("origin", "https://evil.example.org"), ("sec-fetch-site", "same-origin")],
        ] {
            assert!(!from_here(foreign), "{foreign:?}");
        }
    }

    #[test]
    fn a_host_is_allowed_by_name_or_by_name_and_port() {
        let allowed =
            ["greenroom.example.com".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), "other.example.com:8040".to_owned()];
        for good in [
            "greenroom.example.com",
            "greenroom.example.com:443",
            "127.0.0.1:8040",
            "[::1]:8040",
            "[::1]",
            "other.example.com:8040",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in [
            "evil.example.org",
            "greenroom.example.com.evil.example.org",
            "other.example.com",
            "other.example.com:80",
            "greenroom.example.com:x",
            "",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn the_policy_can_name_where_a_form_ends() {
        let policy = page_policy_with_form_to("https://accounts.example.com");
        assert!(policy.contains("form-action 'self' https://accounts.example.com;"), "{policy}");
    }
}
