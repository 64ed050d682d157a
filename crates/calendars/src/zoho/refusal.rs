//! What an answer means when it is not the one hoped for. Body and status decide together, because Zoho sends errors with status 200
//! and its gateways send pages with any.

use ports::calendar::{Answer, FailureClass, ProviderError};
use serde_json::Value;

use crate::{
    failure::{failure, unanswered},
    http::{Reply, Unanswered},
};

/// A Calendar answer that is an error, with what a caller needs to judge it further.
#[derive(Debug)]
pub(super) struct Refusal {
    /// What it is, unless the caller knows better.
    pub error: ProviderError,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// Zoho's error code, if it looks like one.
    pub code: Option<String>,
}

impl From<Refusal> for ProviderError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

impl Refusal {
    /// A call without an answer.
    pub(super) fn unanswered(problem: &Unanswered, write: bool) -> Self {
        Self { error: unanswered(problem, write), status: None, code: None }
    }

    /// A call that was not made.
    pub(super) fn before(error: ProviderError) -> Self {
        Self { error, status: None, code: None }
    }

    /// Whether the path, the method or a key was not known: nothing is said about the event, and nothing was written.
    pub(super) fn is_unsupported(&self) -> bool {
        let route = self.status == Some(405) || self.status == Some(404) && self.error.class == FailureClass::Protocol;
        route || self.code.as_deref() == Some("EXTRA_KEY_FOUND_IN_JSON")
    }

    /// Whether Calendar did not see the parameter that was sent.
    pub(super) fn misses_parameter(&self) -> bool {
        self.code.as_deref() == Some("LESS_THAN_MIN_OCCURANCE")
    }

    /// Whether Calendar says that what the path names is not there.
    pub(super) fn says_gone(&self) -> bool {
        self.error.class == FailureClass::Gone
    }

    /// A 400, or an error on a good status, that may mean "gone" as well as "stale": its code is unknown and does not blame the request.
    pub(super) fn is_unclear(&self) -> bool {
        let open = match self.status {
            Some(400) => self.error.class == FailureClass::Refused,
            Some(200..=299) => self.error.class == FailureClass::Protocol,
            _ => false,
        };
        open && self.code.as_deref().is_some_and(|code| class_of_code(code).is_none())
    }

    /// An answer to a write with an etag that may mean "stale", whatever its code says.
    pub(super) fn may_be_stale(&self) -> bool {
        self.is_unclear() || self.status == Some(400) && self.error.class == FailureClass::Refused
    }
}

/// Codes that blame the request itself.
fn is_about_the_request(code: &str) -> bool {
    const SHAPE: [&str; 8] = [
        "LESS_THAN_MIN_OCCURANCE",
        "PATTERN_NOT_MATCHED",
        "ARRAY_SIZE_OUT_OF_RANGE",
        "MORE_THAN_MAX_LENGTH",
        "INVALID_DATA",
        "JSON_PARSE_ERROR",
        "ETAG_MISSING",
        "OPERATION_NOT_PERMITTED",
    ];
    SHAPE.contains(&code) || code.starts_with("EXTRA_") || code.starts_with("MORE_THAN_") || code.starts_with("LESS_THAN_")
}

/// Reads a Calendar answer: its JSON object, or what went wrong. `what` names the call for the log.
pub(super) fn examine(what: &str, reply: &Reply, write: bool) -> Result<Value, Refusal> {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let json = body.is_some();
    let code = body.as_ref().and_then(error_code);
    // With a code, `"status":"failure"` is only another way of saying "error".
    let throttled = code.is_none() && body.as_ref().is_some_and(is_throttled);
    let contradicts_itself = reply.is_success() && body.as_ref().is_some_and(|body| body.get("events").is_some());
    if let Some(body) = body
        && reply.is_success()
        && body.is_object()
        && !has_error(&body)
    {
        return Ok(body);
    }
    let class = match code.as_deref().and_then(class_of_code) {
        // These statuses are about the event, whatever code comes along.
        Some(FailureClass::Refused) if matches!(reply.status, 404 | 409 | 410 | 412) => class_of_status(reply.status, json),
        Some(class) => class,
        None if throttled || reply.status == 429 => FailureClass::Throttled,
        None => class_of_status(reply.status, json),
    };
    // Only a clear refusal says that nothing was written.
    let unclear = match class {
        FailureClass::Passing => true,
        FailureClass::Protocol => reply.status / 100 != 4,
        _ => contradicts_itself,
    };
    let shown = code.as_deref().unwrap_or(if json { "JSON" } else { "no JSON" });
    let error = ProviderError {
        class,
        retry_after: if class == FailureClass::Throttled { reply.retry_after() } else { None },
        may_have_happened: write && unclear,
        invalid_grant: false,
        detail: format!("{what}: status {} with {shown}", reply.status),
    };
    Err(Refusal { error, status: Some(reply.status), code })
}

/// Whether an object carries an error beside or instead of its content.
fn has_error(body: &Value) -> bool {
    let failed = body.get("status").and_then(Value::as_str).is_some_and(|status| status.eq_ignore_ascii_case("failure"));
    let error = match body.get("error") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(errors)) => !errors.is_empty(),
        Some(_) => true,
    };
    failed || error || body.get("error_code").is_some()
}

/// The error code of a body: `error` is an array of objects at Calendar, a string at Accounts, and tolerated as an object. Only what
/// looks like a code is one: the rest may quote what was sent.
pub(super) fn error_code(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let error = match error {
        Value::Array(errors) => errors.first()?,
        other => other,
    };
    let code = match error {
        Value::String(code) => code.as_str(),
        object => object.get("error_code").or_else(|| object.get("code")).and_then(Value::as_str)?,
    };
    let plain = (3..=48).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    plain.then(|| code.to_owned())
}

/// Zoho's rate-limit body. Its `error` is translated on some hosts, its `status` is not; `Access Denied` is not `access_denied`.
pub(super) fn is_throttled(body: &Value) -> bool {
    let says = |key: &str, wanted: &str| {
        body.get(key).and_then(Value::as_str).is_some_and(|text| text.to_ascii_lowercase().contains(wanted))
    };
    says("status", "failure") || says("error", "access denied") || says("error_description", "too many requests")
}

fn class_of_code(code: &str) -> Option<FailureClass> {
    match code {
        "INVALID_OAUTHTOKEN" | "INVALID_TICKET" | "INVALID_TOKEN" | "invalid_token" => Some(FailureClass::Unauthorized),
        "INVALID_OAUTHSCOPE" | "OAUTH_SCOPE_MISMATCH" | "invalid_scope" => Some(FailureClass::ScopeMissing),
        "URL_RULE_NOT_CONFIGURED" => Some(FailureClass::Protocol),
        "general_error" | "server_error" => Some(FailureClass::Passing),
        code if code.contains("TOO_MANY") || code.contains("THROTTLE") => Some(FailureClass::Throttled),
        code if ["INTERNAL", "UNAVAILABLE", "TIMEOUT"].iter().any(|trouble| code.contains(trouble)) => Some(FailureClass::Passing),
        code if is_about_the_request(code) => Some(FailureClass::Refused),
        _ => None,
    }
}

fn class_of_status(status: u16, json: bool) -> FailureClass {
    match status {
        401 => FailureClass::Unauthorized,
        404 | 410 if json => FailureClass::Gone,
        409 | 412 => FailureClass::Changed,
        408 | 425 | 500.. => FailureClass::Passing,
        400 | 403 | 405..=499 => FailureClass::Refused,
        _ => FailureClass::Protocol,
    }
}

/// An answer that should have had something in it. `write`: the change may have happened all the same.
pub(super) fn malformed(what: &str, missing: &str, write: bool) -> ProviderError {
    ProviderError {
        may_have_happened: write,
        ..failure(FailureClass::Protocol, format!("{what}: the answer has no usable {missing}"))
    }
}

/// The entries of a list answer. A missing list is a malformed answer, never an empty one; an entry that only carries a message
/// (`No events found.`) is no entry.
pub(super) fn entries(what: &str, body: &Value, key: &str, write: bool) -> Answer<Vec<Value>> {
    let Some(list) = body.get(key).and_then(Value::as_array) else {
        return Err(malformed(what, key, write));
    };
    let is_stub = |entry: &Value| {
        entry.as_object().is_some_and(|entry| {
            !entry.is_empty() && !entry.contains_key("uid") && !entry.contains_key("dateandtime") && entry.contains_key("message")
        })
    };
    Ok(list.iter().filter(|entry| !is_stub(entry)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::HeaderMap;

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    fn refusal(status: u16, body: &str, write: bool) -> Refusal {
        examine("list events", &reply(status, body), write).unwrap_err()
    }

    fn coded(code: &str) -> String {
        format!(r#"{{"error":[{{"error_code":"{code}","message":"m","description":"d"}}]}}"#)
    }

    #[test]
    fn documented_codes_decide_whatever_the_status() {
        use FailureClass::{Passing, Protocol, Refused, ScopeMissing, Throttled, Unauthorized};
        for (code, class) in [
            ("INVALID_OAUTHTOKEN", Unauthorized),
            ("INVALID_TICKET", Unauthorized),
            ("INVALID_OAUTHSCOPE", ScopeMissing),
            ("OAUTH_SCOPE_MISMATCH", ScopeMissing),
            ("OPERATION_NOT_PERMITTED", Refused),
            ("EXTRA_PARAM_FOUND", Refused),
            ("EXTRA_KEY_FOUND_IN_JSON", Refused),
            ("LESS_THAN_MIN_OCCURANCE", Refused),
            ("PATTERN_NOT_MATCHED", Refused),
            ("ARRAY_SIZE_OUT_OF_RANGE", Refused),
            ("MORE_THAN_MAX_LENGTH", Refused),
            ("INVALID_DATA", Refused),
            ("JSON_PARSE_ERROR", Refused),
            ("ETAG_MISSING", Refused),
            ("URL_RULE_NOT_CONFIGURED", Protocol),
            ("general_error", Passing),
            ("TOO_MANY_REQUESTS", Throttled),
            ("INTERNAL_SERVER_ERROR", Passing),
        ] {
            for status in [200, 400, 401, 403, 500] {
                assert_eq!(refusal(status, &coded(code), false).error.class, class, "{code} with {status}");
            }
        }
    }

    #[test]
    fn without_a_known_code_the_status_decides() {
        use FailureClass::{Changed, Gone, Passing, Protocol, Refused, Throttled, Unauthorized};
        for (status, body, class) in [
            (401, "", Unauthorized),
            (403, "{}", Refused),
            (404, "{}", Gone),
            (404, r#"{"error":[{"error_code":"SOMETHING_ELSE"}]}"#, Gone),
            (404, r#"{"error_code":"SOMETHING_ELSE","status":"failure"}"#, Gone),
            (404, r#"{"error":"INVALID_DATA"}"#, Gone),
            (412, r#"{"error":"INVALID_DATA"}"#, Changed),
            (404, r#"{"error":"URL_RULE_NOT_CONFIGURED"}"#, Protocol),
            (404, "<html>", Protocol),
            (409, "", Changed),
            (412, "{}", Changed),
            (429, "", Throttled),
            (400, r#"{"error":"Access Denied","status":"failure"}"#, Throttled),
            (200, r#"{"error":"拒绝访问","status":"failure"}"#, Throttled),
            (500, "<html>", Passing),
            (503, r#"{"events":[]}"#, Passing),
            (302, "", Protocol),
            (200, "<html>", Protocol),
            (200, "", Protocol),
            (200, "[]", Protocol),
            (200, r#"{"events":["#, Protocol),
            (200, r#"{"error":[{"message":"no"}],"events":[]}"#, Protocol),
        ] {
            assert_eq!(refusal(status, body, false).error.class, class, "{status} {body}");
        }
    }

    #[test]
    fn only_a_clear_refusal_says_that_nothing_was_written() {
        for (status, body) in [
            (500, ""),
            (502, "{}"),
            (200, "<html>"),
            (302, ""),
            (200, r#"{"error":"general_error"}"#),
            (200, r#"{"events":[{}],"error":"INVALID_DATA"}"#),
        ] {
            assert!(refusal(status, body, true).error.may_have_happened, "{status} {body}");
            assert!(!refusal(status, body, false).error.may_have_happened, "{status} {body}");
        }
        for (status, body) in [
            (400, coded("PATTERN_NOT_MATCHED")),
            (401, coded("INVALID_OAUTHTOKEN")),
            (412, String::new()),
            (429, String::new()),
            (404, "<html>".to_owned()),
        ] {
            assert!(!refusal(status, &body, true).error.may_have_happened, "{status} {body}");
        }
    }

    #[test]
    fn an_error_on_a_good_status_is_seen_and_no_error_is_none() {
        assert!(examine("x", &reply(200, r#"{"events":[]}"#), false).is_ok());
        assert!(examine("x", &reply(201, r#"{"events":[],"error":null}"#), false).is_ok());
        assert!(examine("x", &reply(200, r#"{"events":[],"error":[]}"#), false).is_ok());
        assert!(examine("x", &reply(200, r#"{"events":[],"error":{"error_code":"INVALID_DATA"}}"#), false).is_err());
        assert!(examine("x", &reply(200, r#"{"status":"failure"}"#), false).is_err());
    }

    #[test]
    fn nothing_of_the_body_but_a_code_is_shown() {
        let shown =
            refusal(400, r#"{"error":[{"error_code":"lunch with ana@example.com","message":"secret"}]}"#, false).error.detail;
        assert_eq!(shown, "list events: status 400 with JSON");
        assert_eq!(refusal(400, &coded("INVALID_DATA"), false).error.detail, "list events: status 400 with INVALID_DATA");
    }

    #[test]
    fn a_400_is_unclear_only_with_a_code_that_does_not_blame_the_request() {
        assert!(refusal(400, &coded("EVENT_NOT_FOUND"), false).is_unclear());
        assert!(!refusal(400, &coded("PATTERN_NOT_MATCHED"), false).is_unclear());
        assert!(!refusal(400, "{}", false).is_unclear());
        assert!(!refusal(400, "<html>", false).is_unclear());
        assert!(!refusal(401, &coded("EVENT_NOT_FOUND"), false).is_unclear());
        assert!(refusal(200, &coded("EVENT_NOT_FOUND"), false).is_unclear());
        assert!(!refusal(200, &coded("INTERNAL_ERROR"), false).is_unclear());
        assert!(!refusal(200, "<html>", false).is_unclear());
    }

    #[test]
    fn a_list_must_be_there_and_message_stubs_are_not_entries() {
        let body = serde_json::json!({"events": [{"message": "No events found."}, {"uid": "x", "message": "m"}, {}], "one": {}});
        assert_eq!(entries("x", &body, "events", false).unwrap().len(), 2, "an empty object is no stub: it must fail later");
        assert_eq!(entries("x", &body, "calendars", false).unwrap_err().class, FailureClass::Protocol);
        assert!(entries("x", &body, "one", true).unwrap_err().may_have_happened);
    }
}
