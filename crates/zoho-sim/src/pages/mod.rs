//! The pages for people. They work without JavaScript, share one small stylesheet, and load nothing from elsewhere.

pub(crate) mod consent;
pub(crate) mod index;
pub(crate) mod week;

use std::fmt;

use axum::{
    http::header,
    response::{Html, IntoResponse, Response},
};

/// The stylesheet, served at `/_sim/sim.css`.
pub(crate) const CSS: &str = include_str!("sim.css");

/// A whole page around `body`, which is HTML.
pub(crate) fn page(title: &str, body: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"/_sim/sim.css\">\n<link rel=\"icon\" href=\"data:,\">\n</head>\n\
         <body>\n{body}\n</body>\n</html>\n"
    );
    let headers = [
        // No form-action: the consent form is answered by a redirect to the app, which browsers would refuse.
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, Html(html)).into_response()
}

/// Text made safe for HTML, in elements and in double-quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Appends to a string of HTML, which cannot fail.
pub(crate) fn push(html: &mut String, what: fmt::Arguments<'_>) {
    if fmt::Write::write_fmt(html, what).is_err() {
        tracing::error!("a string refused to grow");
    }
}
