//! Calendar API v1: one file per concern, and here the one way in which all of them call it.

mod calendars;
mod entry;
mod free_busy;
mod lists;
mod reads;
mod writes;

use bytes::Bytes;
use ports::calendar::{Access, Answer, FailureClass};
use reqwest::{
    Method,
    header::{ACCEPT, ETAG, HeaderValue},
};
use serde_json::Value;
use url::Url;

use super::{
    Zoho,
    oauth::authorization,
    refusal::{Refusal, examine},
};
use crate::{
    failure::failure,
    http::{Call, Limits},
};

/// A month of a busy calendar is well under a megabyte.
const CALENDAR_BODY: usize = 8 * 1024 * 1024;

/// A call of the Calendar API.
struct Ask<'a> {
    /// In words for the log.
    what: &'static str,
    method: Method,
    /// Below `/api/v1`, made by [`calendar_path`] or [`event_path`] where it holds a uid.
    path: String,
    query: Vec<(&'static str, String)>,
    /// Sent as the form field `eventdata`: a JSON body is not read by Zoho, and a query string ends up in logs.
    eventdata: Option<&'a Value>,
    etag: Option<&'a str>,
    /// Whether descriptions are wanted.
    large: bool,
}

impl Ask<'_> {
    fn get(what: &'static str, path: String) -> Self {
        Self { what, method: Method::GET, path, query: Vec::new(), eventdata: None, etag: None, large: false }
    }
}

impl Zoho {
    /// Calls the API at the account's data centre; gives the JSON object of a success.
    async fn call(&self, access: &Access, ask: Ask<'_>) -> Result<Value, Refusal> {
        let write = ask.method != Method::GET;
        let what = ask.what;
        let call = self.prepare(access, ask).map_err(Refusal::before)?;
        let reply = self.http.send(call).await.map_err(|problem| Refusal::unanswered(&problem, write))?;
        examine(what, &reply, write)
    }

    fn prepare(&self, access: &Access, ask: Ask<'_>) -> Answer<Call> {
        let centre = self.centre(&access.data_centre)?;
        let url = url(&centre.calendar, &ask.path, &ask.query)?;
        let mut headers = authorization(access)?;
        if ask.large {
            headers.insert(ACCEPT, HeaderValue::from_static("application/json+large"));
        }
        if let Some(etag) = ask.etag {
            let unusable =
                |_| failure(FailureClass::Refused, format!("{}: the etag holds characters that no header can carry", ask.what));
            headers.insert(ETAG, HeaderValue::from_str(etag).map_err(unusable)?);
        }
        let form = ask.eventdata.map(|data| ("eventdata", data.to_string())).into_iter().collect();
        let total = if ask.method == Method::GET { self.timing.read } else { self.timing.write };
        Ok(Call {
            what: ask.what,
            method: ask.method,
            url,
            headers,
            form,
            body: Bytes::new(),
            limits: Limits { total, body_bytes: CALENDAR_BODY },
        })
    }
}

/// The URL of a path below `/api/v1`, which must come out as it went in: Zoho answers `%40` for `@` with a page that says 404.
fn url(origin: &Url, path: &str, query: &[(&'static str, String)]) -> Answer<Url> {
    let mut url = origin.clone();
    let path = format!("/api/v1{path}");
    url.set_path(&path);
    if url.path() != path {
        return Err(failure(FailureClass::Refused, "a uid would change the path of the call"));
    }
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}

/// `/calendars/{uid}`. Group stubs are no calendars.
fn calendar_path(uid: &str) -> Answer<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-' | b'+' | b'.');
    let good = uid.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && uid.len() <= 128 && uid.bytes().all(plain);
    if good && !is_group(uid) {
        Ok(format!("/calendars/{uid}"))
    } else {
        Err(failure(FailureClass::Refused, "this is not the uid of a calendar"))
    }
}

/// `/calendars/{uid}/events/{uid}`, the second with its literal `@`.
fn event_path(calendar: &str, uid: &str) -> Answer<String> {
    let calendar = calendar_path(calendar)?;
    let name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'+');
    let host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let good = |(local, domain): &(&str, &str)| {
        !local.is_empty() && !domain.is_empty() && local.bytes().all(name) && domain.bytes().all(host)
    };
    match uid.split_once('@').filter(good) {
        Some(_) if uid.len() <= 255 => Ok(format!("{calendar}/events/{uid}")),
        _ => Err(failure(FailureClass::Refused, "this is not the uid of an event")),
    }
}

fn is_group(uid: &str) -> bool {
    uid.starts_with("group_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_go_into_the_path_as_they_are() {
        let origin = Url::parse("https://calendar.zoho.eu").unwrap();
        let path = event_path("0fd31be0b5be4c1a9bdc36a5cd5d7f5a", "5d0f7d2e@zoho.com").unwrap();
        let url = url(&origin, &path, &[("range", r#"{"start":"20260310","end":"20260311"}"#.to_owned())]).unwrap();
        assert_eq!(url.path(), "/api/v1/calendars/0fd31be0b5be4c1a9bdc36a5cd5d7f5a/events/5d0f7d2e@zoho.com");
        assert_eq!(url.query(), Some("range=%7B%22start%22%3A%2220260310%22%2C%22end%22%3A%2220260311%22%7D"));
        assert!(calendar_path("T2xkIHN0eWxl=").is_ok() && calendar_path("default").is_ok() && calendar_path("primary").is_ok());
    }

    #[test]
    fn what_could_change_the_path_is_no_uid() {
        for uid in ["", ".", "..", "a/b", "a?b", "a#b", "a%2e", "a b", "group_778899", "é", "=a", "a\n", "a@b"] {
            assert_eq!(calendar_path(uid).unwrap_err().class, FailureClass::Refused, "{uid}");
        }
        for uid in [
            "",
            "abc",
            "@zoho.com",
            "abc@",
            "a@b@c",
            "a%40b",
            "a/b@zoho.com",
            "a@zoho.com/..",
            "a@zoho.com?x",
            "a b@zoho.com",
            "a@zo ho.com",
        ] {
            assert_eq!(event_path("default", uid).unwrap_err().class, FailureClass::Refused, "{uid}");
        }
        let origin = Url::parse("https://calendar.zoho.eu").unwrap();
        assert!(url(&origin, "/calendars/../x", &[]).is_err(), "the last guard");
    }
}
