//! The id of the request at hand, where logs, error pages and the audit trail can reach it.

use axum::{
    extract::{Request, State},
    http::HeaderValue,
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::WebState;

tokio::task_local! {
    static ID: String;
}

/// The header a caller may send its own id in, and finds it again.
pub const HEADER: &str = "x-request-id";

/// The id of the request that this code answers; `None` outside of one.
pub fn id() -> Option<String> {
    ID.try_with(Clone::clone).ok()
}

/// Gives every request an id (the caller's own, if it is short and plain), a span for the log, and the id back in the answer.
pub(crate) async fn identify(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let theirs = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|text| is_plain(text));
    let id = theirs.map_or_else(|| state.next_request_id(), str::to_owned);
    // The path is not logged as it came: the last part of a mailed link is its token, and some parts are people's addresses.
    let span = tracing::info_span!("request", id, method = %request.method(), path = shown_path(request.uri().path()));
    let answer = ID.scope(id.clone(), next.run(request)).instrument(span.clone());
    let mut response = answer.await;
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A path without what must not be logged: tokens of links, and addresses.
fn shown_path(path: &str) -> String {
    let mut parts = path.split('/').skip(1);
    if let (Some(folder @ ("p" | "connect" | "d" | "c" | "m" | "f" | "o" | "login" | "password")), Some(_)) =
        (parts.next(), parts.next())
    {
        return format!("/{folder}/…");
    }
    let hidden = |part: &str| part.contains('@') || part.to_ascii_lowercase().contains("%40");
    let shown: Vec<&str> = path.split('/').map(|part| if hidden(part) { "…" } else { part }).collect();
    shown.join("/").chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_links_and_addresses_are_not_logged() {
        assert_eq!(shown_path("/api/v1/managers/ana@example.com/calendars"), "/api/v1/managers/…/calendars");
        assert_eq!(shown_path("/api/v1/managers/ana%40example.com"), "/api/v1/managers/…");
        assert_eq!(shown_path("/p/secret"), "/p/…");
        assert_eq!(shown_path("/login/secret/more"), "/login/…");
        assert_eq!(shown_path("/password/secret"), "/password/…");
        assert_eq!(shown_path("/vacancies/vac_1"), "/vacancies/vac_1");
        assert_eq!(shown_path("/"), "/");
    }

    #[test]
    fn ids_of_callers_are_taken_only_if_plain() {
        assert!(is_plain("trace-1.2_3"));
        for bad in ["", "a b", "a\nb", "ä", &"x".repeat(65)] {
            assert!(!is_plain(bad), "{bad}");
        }
    }
}
