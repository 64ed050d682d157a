//! A request to the Calendar API, read: the raw path in segments, and parameters from the query, a form or multipart
//! fields. A JSON body is not read; Zoho behaves as if it were not there.

use std::sync::Arc;

use axum::{
    body::to_bytes,
    extract::{FromRequest as _, Multipart, Request},
    http::{HeaderMap, Method},
};
use serde_json::Value;
use url::form_urlencoded;

use super::errors::{NOT_FOUND_PAGE, Refusal, Reply};

/// What a handler sees of a request.
#[derive(Debug)]
pub(crate) struct Call {
    /// The data centre asked.
    pub(crate) dc: Arc<str>,
    pub(crate) method: Method,
    /// The path below `/api/v1`, not decoded.
    pub(crate) segments: Vec<String>,
    /// Every parameter, wherever it came from.
    params: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    /// The `etag` header.
    pub(crate) etag: Option<String>,
    /// Whether `application/json+large` was asked for.
    pub(crate) large: bool,
}

impl Call {
    /// Reads a request whose path begins below `/api/v1`.
    pub(crate) async fn read(dc: Arc<str>, request: Request) -> Result<Self, Reply> {
        let (parts, body) = request.into_parts();
        let header = |name: &str| text_header(&parts.headers, name);
        let mut call = Self {
            dc,
            segments: parts.uri.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            params: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
            authorization: header("authorization"),
            etag: header("etag"),
            large: header("accept").is_some_and(|accept| accept.contains("application/json+large")),
            method: parts.method.clone(),
        };
        // `%40` in an event's uid, or anything else encoded in a path, is stopped by the server in front of the API.
        if call.segments.iter().any(|segment| segment.contains('%')) {
            return Err(NOT_FOUND_PAGE);
        }
        let kind = header("content-type").unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            // The gate has bounded the body already.
            let body = to_bytes(body, usize::MAX).await.map_err(|_| Reply::Empty(400))?;
            call.params.extend(form_urlencoded::parse(&body).into_owned());
        } else if kind.starts_with("multipart/form-data") {
            let request = Request::from_parts(parts, body);
            call.params.extend(fields(request).await.map_err(|_| Reply::Empty(400))?);
        }
        Ok(call)
    }

    /// Refuses parameters other than these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.params.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(Refusal::extra_param(name)),
            None => Ok(()),
        }
    }

    /// A parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that must be there.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.param(name).ok_or_else(|| Refusal::missing(name))
    }

    /// A parameter that is a JSON object.
    pub(crate) fn json(&self, name: &str) -> Result<Option<Value>, Refusal> {
        let Some(text) = self.param(name) else {
            return Ok(None);
        };
        match serde_json::from_str(text) {
            Ok(value @ Value::Object(_)) => Ok(Some(value)),
            Ok(_) => Err(Refusal::invalid(format!("{name} must be a JSON object"))),
            Err(error) => Err(Refusal::new(400, "JSON_PARSE_ERROR", format!("{name} is not JSON: {error}"))),
        }
    }

    /// A JSON object that must be there.
    pub(crate) fn need_json(&self, name: &str) -> Result<Value, Refusal> {
        self.json(name)?.ok_or_else(|| Refusal::missing(name))
    }

    /// A parameter that is `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.param(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::pattern(name)),
        }
    }
}

fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn fields(request: Request) -> anyhow::Result<Vec<(String, String)>> {
    let mut multipart = Multipart::from_request(request, &()).await?;
    let mut fields = Vec::new();
    while let Some(field) = multipart.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        fields.push((name, field.text().await?));
    }
    Ok(fields)
}
