//! Answers of the token endpoint. Zoho sends most errors with status 200, so success means a JSON object with an `access_token`,
//! whatever the status; and its rate-limit answer reads like a refusal, but must never be taken for a revocation.

use ports::calendar::{Answer, FailureClass, ProviderError, TokenAnswer};
use serde::Deserialize;
use serde_json::Value;
use vault::{AccessToken, RefreshToken};

use crate::{
    failure::failure,
    http::Reply,
    zoho::{config::parse_scopes, refusal, value::integer},
};

/// No access token of Zoho lives longer.
const LONGEST_LIFE: i64 = 3600;
/// Assumed where the answer does not say.
const CAUTIOUS_LIFE: i64 = 600;
/// A longer life than a day is not seconds: old answers had milliseconds.
const IMPLAUSIBLE_SECONDS: i64 = 86_400;

#[derive(Deserialize)]
struct Tokens {
    access_token: Option<AccessToken>,
    refresh_token: Option<RefreshToken>,
    #[serde(default)]
    expires_in: Value,
    #[serde(default)]
    expires_in_sec: Value,
    #[serde(default)]
    scope: Value,
}

/// Reads a token answer.
pub(super) fn read(what: &str, reply: &Reply) -> Answer<TokenAnswer> {
    if let Ok(Tokens { access_token: Some(access), refresh_token, expires_in, expires_in_sec, scope }) =
        serde_json::from_slice(&reply.body)
        && !access.is_empty()
    {
        let life = life(&expires_in_sec).or_else(|| life(&expires_in));
        return Ok(TokenAnswer {
            access,
            refresh: refresh_token.filter(|token| !token.is_empty()),
            expires_in: life.unwrap_or(CAUTIOUS_LIFE),
            life_known: life.is_some(),
            scopes: scopes(&scope),
        });
    }
    Err(problem(what, reply))
}

/// Seconds, if the value says so.
fn life(value: &Value) -> Option<i64> {
    let seconds = integer(value).filter(|seconds| *seconds > 0)?;
    let seconds = if seconds > IMPLAUSIBLE_SECONDS { seconds / 1000 } else { seconds };
    Some(seconds.min(LONGEST_LIFE))
}

/// `scope` is a text with commas or spaces, or not there.
fn scopes(value: &Value) -> Vec<String> {
    value.as_str().map(parse_scopes).unwrap_or_default()
}

/// What an answer without a token means.
pub(super) fn problem(what: &str, reply: &Reply) -> ProviderError {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    let code = body.as_ref().and_then(refusal::error_code);
    let throttled = reply.status == 429 || body.as_ref().is_some_and(refusal::is_throttled);
    let class = match code.as_deref().and_then(class_of_code) {
        Some(class) => class,
        None if throttled => FailureClass::Throttled,
        // Whatever else Accounts says is not a verdict on the permission.
        None if reply.status >= 500 || reply.status == 408 || code.is_some() => FailureClass::Passing,
        None => FailureClass::Protocol,
    };
    let shown = code.as_deref().unwrap_or(if body.is_some() { "JSON without a token" } else { "no JSON" });
    let retry_after = if class == FailureClass::Throttled { reply.retry_after() } else { None };
    let detail = format!("{what}: status {} with {shown}{}", reply.status, advice(shown));
    ProviderError { retry_after, invalid_grant: shown == "invalid_grant", ..failure(class, detail) }
}

fn class_of_code(code: &str) -> Option<FailureClass> {
    match code {
        "invalid_code" | "invalid_grant" => Some(FailureClass::Revoked),
        "invalid_client" | "invalid_client_secret" | "invalid_redirect_uri" | "unauthorized_client" | "invalid_scope" => {
            Some(FailureClass::Misconfigured)
        }
        // Too many codes; after a refusal by the user no code reaches this endpoint.
        "access_denied" => Some(FailureClass::Throttled),
        _ => None,
    }
}

/// What the operator can do about it.
fn advice(code: &str) -> &'static str {
    match code {
        "invalid_client" => {
            "; check ZOHO_CLIENT_ID, and at api-console.zoho.com that Multi-DC is on for the data centre of this account"
        }
        "invalid_client_secret" => "; check ZOHO_CLIENT_SECRET, and whether this data centre has a secret of its own",
        "invalid_redirect_uri" => "; ZOHO_REDIRECT_URI must be registered at api-console.zoho.com exactly as it is set",
        "invalid_scope" => "; check ZOHO_SCOPES",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use reqwest::header::HeaderMap;

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    fn answer(body: &str) -> TokenAnswer {
        read("refresh", &reply(200, body)).unwrap()
    }

    fn class(status: u16, body: &str) -> FailureClass {
        read("refresh", &reply(status, body)).unwrap_err().class
    }

    #[test]
    fn a_whole_answer_is_read() {
        let answer = answer(include_str!("../../../tests/golden/token_exchange.json"));
        assert_eq!(answer.access.expose(), "1000.aaaa.bbbb");
        assert_eq!(answer.refresh.unwrap().expose(), "1000.cccc.dddd");
        assert_eq!(answer.expires_in, 3600);
        assert_eq!(answer.scopes, ["ZohoCalendar.calendar.ALL", "ZohoCalendar.event.ALL"]);
    }

    #[test]
    fn a_refresh_answer_keeps_the_old_refresh_token() {
        let answer = answer(include_str!("../../../tests/golden/token_refresh.json"));
        assert_eq!(answer.refresh, None);
        assert!(answer.scopes.is_empty());
        let empty = read("refresh", &reply(200, r#"{"access_token":"a","refresh_token":""}"#)).unwrap();
        assert_eq!(empty.refresh, None);
    }

    #[test]
    fn success_is_a_token_whatever_the_status() {
        assert!(read("refresh", &reply(400, r#"{"access_token":"a"}"#)).is_ok());
        assert_eq!(class(200, r#"{"access_token":""}"#), FailureClass::Protocol);
        assert_eq!(class(200, r#"{"access_token":null}"#), FailureClass::Protocol);
        assert_eq!(class(200, r#"{"access_token":17}"#), FailureClass::Protocol);
    }

    #[test]
    fn the_life_is_seconds_and_never_more_than_an_hour() {
        for (fields, life) in [
            (r#""expires_in":3600"#, 3600),
            (r#""expires_in":"1800""#, 1800),
            (r#""expires_in":7200"#, 3600),
            (r#""expires_in":3600000,"expires_in_sec":3000"#, 3000),
            (r#""expires_in":1800000"#, 1800),
            (r#""expires_in":0"#, 600),
            (r#""expires_in":-5"#, 600),
            (r#""expires_in":"soon""#, 600),
            (r#""expires_in":null"#, 600),
            (r#""api_domain":"https://www.zohoapis.eu""#, 600),
        ] {
            let answer = answer(&format!(r#"{{"access_token":"a",{fields}}}"#));
            assert_eq!(answer.expires_in, life, "{fields}");
            assert_eq!(answer.life_known, life != CAUTIOUS_LIFE, "{fields}");
        }
    }

    #[test]
    fn scopes_come_with_commas_or_spaces() {
        assert_eq!(answer(r#"{"access_token":"a","scope":"A.b.READ,C.d.ALL"}"#).scopes, ["A.b.READ", "C.d.ALL"]);
        assert_eq!(answer(r#"{"access_token":"a","scope":"A.b.READ C.d.ALL"}"#).scopes, ["A.b.READ", "C.d.ALL"]);
    }

    #[test]
    fn errors_are_sorted_by_what_they_mean_not_by_their_status() {
        use FailureClass::{Misconfigured, Passing, Protocol, Revoked, Throttled};
        let throttled = include_str!("../../../tests/golden/token_throttled.json");
        for (body, class_200) in [
            (r#"{"error":"invalid_code"}"#, Revoked),
            (r#"{"error":"invalid_grant"}"#, Revoked),
            (r#"{"error":"invalid_client"}"#, Misconfigured),
            (r#"{"error":"invalid_client_secret"}"#, Misconfigured),
            (r#"{"error":"invalid_redirect_uri"}"#, Misconfigured),
            (r#"{"error":"invalid_scope"}"#, Misconfigured),
            (r#"{"error":"general_error"}"#, Passing),
            (r#"{"error":"server_error"}"#, Passing),
            (r#"{"error":"invalid_request"}"#, Passing),
            (r#"{"error":"unsupported_grant_type"}"#, Passing),
            (r#"{"error":"access_denied"}"#, Throttled),
            (throttled, Throttled),
            (r#"{"error":"拒绝访问","status":"failure"}"#, Throttled),
            (r#"{"error":"Access Denied"}"#, Throttled),
            (r#"{"error_description":"You have made too many requests continuously."}"#, Throttled),
            (r"{}", Protocol),
            (r"[]", Protocol),
            ("null", Protocol),
            ("", Protocol),
            ("<html><body>Zoho</body></html>", Protocol),
            (r#"{"access_token":"a"#, Protocol),
        ] {
            assert_eq!(class(200, body), class_200, "{body}");
            assert_eq!(class(400, body), class_200, "{body}");
        }
        assert_eq!(class(429, "<html>"), Throttled);
        assert_eq!(class(503, "<html>"), Passing);
        assert_eq!(class(500, "{}"), Passing);
        assert_eq!(class(302, ""), Protocol);
    }

    #[test]
    fn the_standard_word_for_a_token_that_is_over_is_told_from_zohos() {
        let says = |body: &str| read("refresh", &reply(400, body)).unwrap_err().invalid_grant;
        assert!(says(r#"{"error":"invalid_grant","error_description":"grant request is invalid"}"#));
        for other in
            [r#"{"error":"invalid_code"}"#, r#"{"error":"invalid_token"}"#, r#"{"message":"invalid_grant"}"#, "invalid_grant"]
        {
            assert!(!says(other), "{other}");
        }
    }

    #[test]
    fn a_throttled_answer_is_never_a_revocation() {
        for body in [
            include_str!("../../../tests/golden/token_throttled.json"),
            r#"{"error":"アクセスが拒否されました","status":"failure"}"#,
        ] {
            for status in [200, 400, 401, 403, 429, 500] {
                assert_eq!(class(status, body), FailureClass::Throttled, "{status} {body}");
            }
        }
    }

    #[test]
    fn details_say_what_to_do_and_show_nothing_of_the_body() {
        let detail = |body: &str| read("exchange code", &reply(200, body)).unwrap_err().detail;
        assert!(detail(r#"{"error":"invalid_client"}"#).contains("Multi-DC"));
        let shown = detail(r#"{"refresh_token":"1000.secret","access_token":"","error":"bad 1000.secret"}"#);
        assert!(!shown.contains("1000"), "{shown}");
    }
}
