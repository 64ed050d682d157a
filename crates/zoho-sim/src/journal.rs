//! What happened: the requests that came in, without secrets, and the mails that Zoho would have sent to guests. Tests
//! assert on it and people look at it; nothing in the simulator reads it.

use std::collections::{BTreeMap, VecDeque};

use axum::http::{HeaderMap, Method, Uri, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use crate::accounts::is_form;

/// Requests kept, and mails kept; older ones are forgotten.
const KEPT: usize = 5_000;

/// Longest body that is kept, in bytes.
const BODY_KEPT: usize = 16_384;

/// Form and query parameters whose value is never kept.
const SECRET: [&str; 7] = ["client_secret", "code", "refresh_token", "access_token", "token", "code_verifier", "id_token"];

/// The record of requests and mails.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Journal {
    next: u64,
    /// Requests are not saved between runs: they would make every write of the state larger and help nobody.
    #[serde(skip)]
    requests: VecDeque<Recorded>,
    #[serde(skip)]
    struck: BTreeMap<&'static str, usize>,
    mails: VecDeque<Mail>,
}

/// One request, without secrets.
#[derive(Clone, Debug, Serialize)]
pub struct Recorded {
    /// Counts up from 0.
    pub number: u64,
    /// When it came in.
    pub at: Timestamp,
    /// The data centre that was asked.
    pub dc: String,
    /// GET, POST, …
    pub method: String,
    /// The path as it came, still encoded.
    pub path: String,
    /// The query, secret values replaced by `[redacted]`.
    pub query: String,
    /// The scheme of the Authorization header (`Bearer`, `Zoho-oauthtoken`, `Basic`), never its value.
    pub authorization: Option<String>,
    /// The body as text if it was text, secret values replaced; cut at 16 KiB.
    pub body: String,
    /// The armed fault it met, if any.
    pub fault: Option<String>,
    /// The answer's status; `None` while it runs or if the connection was cut.
    pub status: Option<u16>,
}

/// A mail that Zoho would have sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// When.
    pub at: Timestamp,
    /// `invitation`, `update` or `cancellation`.
    pub kind: String,
    /// The owner of the calendar.
    pub from: String,
    /// The one who gets it.
    pub to: String,
    /// The event's title.
    pub title: String,
    /// The event's uid.
    pub event_uid: String,
}

impl Journal {
    /// The requests, oldest first.
    pub fn requests(&self) -> impl Iterator<Item = &Recorded> {
        self.requests.iter()
    }

    /// How often each kind of fault has struck, by its name in JSON.
    pub fn struck(&self) -> &BTreeMap<&'static str, usize> {
        &self.struck
    }

    /// The mails, oldest first.
    pub fn mails(&self) -> impl Iterator<Item = &Mail> {
        self.mails.iter()
    }

    /// Records a mail that Zoho would send.
    pub fn record_mail(&mut self, mail: Mail) {
        if self.mails.len() == KEPT {
            self.mails.pop_front();
        }
        self.mails.push_back(mail);
    }

    /// Forgets all requests and mails.
    pub fn clear(&mut self) {
        self.requests.clear();
        self.mails.clear();
    }

    /// Records that a request came in; its number is for [`Journal::answered`].
    pub(crate) fn came(&mut self, mut request: Recorded) -> u64 {
        let number = self.next;
        self.next += 1;
        request.number = number;
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
        number
    }

    /// Records that a fault has struck.
    pub(crate) fn strikes(&mut self, kind: &'static str) {
        *self.struck.entry(kind).or_default() += 1;
    }

    /// Records how a request was answered.
    pub(crate) fn answered(&mut self, number: u64, status: Option<u16>) {
        if let Some(request) = self.requests.iter_mut().rev().find(|request| request.number == number) {
            request.status = status;
        }
    }
}

impl Recorded {
    /// A request that has just come in, with its secrets taken out.
    pub(crate) fn of(
        at: Timestamp,
        dc: &str,
        (method, uri, headers): (&Method, &Uri, &HeaderMap),
        body: &[u8],
        fault: Option<String>,
    ) -> Self {
        let authorization = headers
            .get(header::AUTHORIZATION)
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .map(|value| value.split_once(' ').map_or("without a scheme", |(scheme, _)| scheme).to_owned());
        Self {
            number: 0,
            at,
            dc: dc.to_owned(),
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: redacted(uri.query().unwrap_or_default()),
            authorization,
            body: body_text(uri.path(), headers, body),
            fault,
            status: None,
        }
    }
}

fn body_text(path: &str, headers: &HeaderMap, body: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(body) else {
        return format!("[{} bytes that are not text]", body.len());
    };
    let text = if is_form(headers) {
        redacted(text)
    } else if path.starts_with("/oauth/") && !text.is_empty() {
        // A secret in an unexpected shape cannot be found and replaced.
        format!("[{} bytes that are not a form]", body.len())
    } else {
        text.to_owned()
    };
    let mut end = text.len().min(BODY_KEPT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The same parameters, secret values replaced.
fn redacted(form: &str) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(form.as_bytes()) {
        let secret = SECRET.contains(&name.as_ref());
        out.append_pair(&name, if secret { "[redacted]" } else { &value });
    }
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_enter_the_journal() {
        let kept = redacted("grant_type=refresh_token&refresh_token=1000.a.b&client_secret=s&client_id=1000.X");
        assert!(kept.contains("grant_type=refresh_token"), "{kept}");
        assert!(kept.contains("client_id=1000.X"), "{kept}");
        assert!(!kept.contains("1000.a.b") && !kept.contains("client_secret=s"), "{kept}");
        let headers = HeaderMap::new();
        assert!(!body_text("/oauth/v2/token", &headers, b"{\"client_secret\":\"s3\"}").contains("s3"));
    }
}
