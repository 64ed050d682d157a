//! Outbound HTTP: the one place that makes clients and sends requests. Time and size are bounded, redirects are not followed, and only
//! origins that were allowed beforehand are called, so that no answer can make us carry a secret somewhere else.
//!
//! The binary installs rustls' cryptography once, before any client is made:
//! `rustls::crypto::ring::default_provider().install_default()`.

use std::{collections::BTreeSet, fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use jiff::fmt::rfc2822;
use reqwest::{
    Client, Method, Response,
    header::{DATE, HeaderMap, RETRY_AFTER},
    redirect,
};
use url::{Host, Url};

/// How long idle connections are kept: shorter than servers do, so that a write rarely meets a connection that is being closed.
const IDLE: Duration = Duration::from_secs(30);
/// The longest pause that is believed, in seconds.
const LONGEST_RETRY_AFTER: i64 = 86_400;

/// Bounds on one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte sent to the last byte read, name resolution included.
    pub total: Duration,
    /// Bytes of the answer's body.
    pub body_bytes: usize,
}

/// Which way a client goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Through the proxy of the environment, if it names one; the peer's certificate is checked against the system's list.
    Outside,
    /// To this machine, never through a proxy.
    Loopback,
}

/// Why no client could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody installed rustls' cryptography.
    #[error("no TLS cryptography is installed; the program must call rustls' install_default() before it makes HTTP clients")]
    NoCryptography,
    /// The rest, such as a missing list of certificates.
    #[error("no HTTPS client could be made ({0}); on a bare container the package `ca-certificates` is often missing")]
    Build(String),
}

/// Makes a client: no redirects, a time limit on connecting, our name as user agent.
#[expect(clippy::disallowed_methods, reason = "this is the place where clients are made")]
pub fn client(connect: Duration, route: Route) -> Result<Client, ClientError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(ClientError::NoCryptography);
    }
    let builder = Client::builder()
        .connect_timeout(connect)
        .pool_idle_timeout(IDLE)
        .redirect(redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("Greenroom/", env!("CARGO_PKG_VERSION")));
    let builder = match route {
        Route::Outside => builder,
        Route::Loopback => builder.no_proxy().tls_certs_only([]),
    };
    builder.build().map_err(|error| ClientError::Build(innermost(&error)))
}

/// A request to be sent.
#[derive(Debug)]
pub struct Call {
    /// What it is for, in words for the log: `list events`.
    pub what: &'static str,
    /// GET, POST, ….
    pub method: Method,
    /// Where to. Its query is never shown.
    pub url: Url,
    /// Headers.
    pub headers: HeaderMap,
    /// A body of `application/x-www-form-urlencoded`; empty: no body.
    pub form: Vec<(&'static str, String)>,
    /// A body of another kind, whose type the headers say; empty: none.
    pub body: Bytes,
    /// Its bounds.
    pub limits: Limits,
}

/// An answer, read to its end. Its `Debug` shows no header and no body.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Reply {
    /// Whether the status is 2xx.
    pub const fn is_success(&self) -> bool {
        self.status / 100 == 2
    }

    /// The `Retry-After` header in seconds (RFC 9110 section 10.2.3). A date is counted from the answer's own `Date`.
    pub fn retry_after(&self) -> Option<i64> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        let seconds = match text.parse::<i64>() {
            Ok(seconds) => seconds,
            Err(_) => http_date(text)? - http_date(self.headers.get(DATE)?.to_str().ok()?)?,
        };
        (seconds >= 0).then_some(seconds.min(LONGEST_RETRY_AFTER))
    }
}

/// An HTTP date as seconds since 1970; its format is RFC 2822's with `GMT`.
fn http_date(text: &str) -> Option<i64> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(jiff::Timestamp::as_second)
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The origin is not among the allowed ones.
    #[error("this host is not on the list of hosts that may be called")]
    NotAllowed,
    /// The request could not even be made.
    #[error("{0}")]
    Unusable(String),
    /// No connection, so nothing was sent.
    #[error("no connection")]
    Connect,
    /// The time was up.
    #[error("no answer in time")]
    Timeout,
    /// The connection broke before the answer was whole.
    #[error("the connection was lost before the answer was complete")]
    Lost,
    /// The answer was longer than it may be.
    #[error("the answer is longer than allowed")]
    TooLarge,
}

/// A request without a usable answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at {host}: {reason}")]
pub struct Unanswered {
    /// [`Call::what`].
    pub what: &'static str,
    /// The host, nothing more of the URL.
    pub host: String,
    /// What happened.
    pub reason: Reason,
}

impl Unanswered {
    /// Whether the server may have received the request and acted on it.
    pub const fn may_have_arrived(&self) -> bool {
        match self.reason {
            Reason::NotAllowed | Reason::Unusable(_) | Reason::Connect => false,
            Reason::Timeout | Reason::Lost | Reason::TooLarge => true,
        }
    }
}

/// Sends requests to a fixed list of origins.
#[derive(Debug)]
pub struct Outbound {
    outside: Result<Client, ClientError>,
    loopback: Client,
    allowed: BTreeSet<String>,
}

impl Outbound {
    /// `connect` bounds the making of a connection; only the origins of `allowed` can be called.
    ///
    /// A machine without certificates can still talk to itself (the demo does); its calls to the outside fail and say why.
    pub fn new<'a>(connect: Duration, allowed: impl IntoIterator<Item = &'a Url>) -> Result<Self, ClientError> {
        let loopback = client(connect, Route::Loopback)?;
        let allowed = allowed.into_iter().map(|url| url.origin().ascii_serialization()).collect();
        Ok(Self { outside: client(connect, Route::Outside), loopback, allowed })
    }

    /// What keeps this machine from calling the outside, if anything does.
    pub fn problem(&self) -> Option<&ClientError> {
        self.outside.as_ref().err()
    }

    /// Sends a request and reads its answer. Any status is an answer; a redirect is one too.
    pub async fn send(&self, call: Call) -> Result<Reply, Unanswered> {
        let what = call.what;
        let host = call.url.host_str().unwrap_or_default().to_owned();
        self.exchange(call).await.map_err(|reason| Unanswered { what, host, reason })
    }

    async fn exchange(&self, call: Call) -> Result<Reply, Reason> {
        if !self.allowed.contains(&call.url.origin().ascii_serialization()) {
            return Err(Reason::NotAllowed);
        }
        let client = if is_loopback(&call.url) {
            &self.loopback
        } else {
            self.outside.as_ref().map_err(|problem| Reason::Unusable(problem.to_string()))?
        };
        let mut request = client.request(call.method, call.url).headers(call.headers).timeout(call.limits.total);
        if !call.form.is_empty() {
            request = request.form(&call.form);
        } else if !call.body.is_empty() {
            request = request.body(call.body);
        }
        let answer = request.send().await.map_err(|error| reason(&error))?;
        read(answer, call.limits.body_bytes).await
    }
}

/// Reads the body, but never more than `most` bytes of it.
pub(crate) async fn read(mut answer: Response, most: usize) -> Result<Reply, Reason> {
    let status = answer.status().as_u16();
    let headers = std::mem::take(answer.headers_mut());
    if answer.content_length().is_some_and(|announced| announced > most as u64) {
        return Err(Reason::TooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| reason(&error))? {
        if body.len() + chunk.len() > most {
            return Err(Reason::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply { status, headers, body: body.freeze() })
}

/// A connection that was not made is told apart first: a time-out while connecting has sent nothing.
pub(crate) fn reason(error: &reqwest::Error) -> Reason {
    if error.is_connect() {
        Reason::Connect
    } else if error.is_builder() {
        Reason::Unusable("the request could not be put together".to_owned())
    } else if error.is_timeout() {
        Reason::Timeout
    } else {
        Reason::Lost
    }
}

/// The text of the innermost cause: the outer ones may quote a URL.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Whether a URL leads to this machine: `localhost`, 127.0.0.0/8 or ::1.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn reply(headers: &[(reqwest::header::HeaderName, &'static str)]) -> Reply {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        Reply { status: 429, headers, body: Bytes::from_static(b"secret") }
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        assert_eq!(reply(&[(RETRY_AFTER, "120")]).retry_after(), Some(120));
        assert_eq!(reply(&[(RETRY_AFTER, "99999999")]).retry_after(), Some(LONGEST_RETRY_AFTER));
        let now = (DATE, "Mon, 02 Mar 2026 08:00:00 GMT");
        assert_eq!(reply(&[now.clone(), (RETRY_AFTER, "Mon, 02 Mar 2026 08:01:30 GMT")]).retry_after(), Some(90));
        assert_eq!(reply(&[(RETRY_AFTER, "Mon, 02 Mar 2026 08:01:30 GMT")]).retry_after(), None, "no date to count from");
        assert_eq!(reply(&[now, (RETRY_AFTER, "Mon, 02 Mar 2026 07:00:00 GMT")]).retry_after(), None, "in the past");
        assert_eq!(reply(&[(RETRY_AFTER, "soon")]).retry_after(), None);
        assert_eq!(reply(&[]).retry_after(), None);
    }

    #[test]
    fn a_reply_does_not_print_its_body() {
        let shown = format!("{:?}", reply(&[(RETRY_AFTER, "120")]));
        assert_eq!(shown, "Reply { status: 429, bytes: 6, .. }");
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for here in ["http://localhost:8041/", "http://127.0.0.1/", "http://127.8.8.8/", "http://[::1]:80/"] {
            assert!(is_loopback(&Url::parse(here).unwrap()), "{here}");
        }
        for elsewhere in ["http://localhost.example.com/", "http://10.0.0.1/", "https://accounts.zoho.com/", "http://[::2]/"] {
            assert!(!is_loopback(&Url::parse(elsewhere).unwrap()), "{elsewhere}");
        }
    }
}
