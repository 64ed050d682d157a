//! Parameters of Accounts: from the query, from a form body, and client credentials also from HTTP Basic. A body of
//! another kind is not read, as at Zoho.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::form_urlencoded;

/// The parameters of a request.
#[derive(Clone, Debug, Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// From a query alone.
    pub fn of_query(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// From the query and a form body; what stands in the body wins.
    pub fn of_both(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Self {
        let mut params = Self::of_query(query);
        if is_form(headers) {
            params.0.extend(form_urlencoded::parse(body).into_owned());
        }
        params
    }

    /// A parameter that is there and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Client id and secret: parameters, or HTTP Basic where they are missing.
    pub fn credentials(&self, headers: &HeaderMap) -> (Option<String>, Option<String>) {
        let (id, secret) = basic(headers).unzip();
        let param = |name| self.get(name).map(str::to_owned);
        (param("client_id").or(id), param("client_secret").or(secret))
    }
}

/// Whether the body is said to be a form.
pub fn is_form(headers: &HeaderMap) -> bool {
    let form = b"application/x-www-form-urlencoded";
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.as_bytes().get(..form.len()))
        .is_some_and(|kind| kind.eq_ignore_ascii_case(form))
}

/// Client id and secret; nothing if there is no such header or it cannot be read.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = String::from_utf8_lossy(headers.get(header::AUTHORIZATION)?.as_bytes());
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let Ok(plain) = STANDARD.decode(encoded.trim()) else {
        return None;
    };
    let plain = String::from_utf8_lossy(&plain);
    let (id, secret) = plain.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
