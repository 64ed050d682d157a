//! `/static/…`: the style sheet, the script and the icon, compiled in.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};

const STYLE: &str = include_str!("../../static/greenroom.css");
const SCRIPT: &str = include_str!("../../static/greenroom.js");
const ICON: &str = include_str!("../../static/greenroom.svg");

/// Browsers keep them for five minutes: a new release is seen soon after its start.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=300");

pub(super) async fn file(Path(file): Path<String>) -> Response {
    let (text, kind) = match file.as_str() {
        "greenroom.css" => (STYLE, "text/css; charset=utf-8"),
        "greenroom.js" => (SCRIPT, "text/javascript; charset=utf-8"),
        "greenroom.svg" => (ICON, "image/svg+xml"),
        _ => return super::not_found().await,
    };
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CACHE_CONTROL, KEEP)], text).into_response()
}
