//! Ending a permission. The older of Zoho's two paths, which needs no client credentials; the token travels in the body first and,
//! since nobody documents that this path reads one, in the query string if that is answered with 400.

use bytes::Bytes;
use ports::calendar::{Answer, FailureClass};
use reqwest::{Method, header::HeaderMap};
use serde_json::Value;
use vault::RefreshToken;

use super::{at, token};
use crate::{
    failure::failure,
    http::{Call, Reply},
    zoho::{Zoho, refusal},
};

const WHAT: &str = "revoke";
const PATH: &str = "/oauth/v2/token/revoke";

impl Zoho {
    /// See `CalendarProvider::revoke`.
    pub(in crate::zoho) async fn revoke_refresh(&self, location: &str, token: &RefreshToken) -> Answer<()> {
        let centre = self.centre(location)?;
        let reply = self.accounts_call(WHAT, centre, PATH, vec![("token", token.expose().to_owned())]).await?;
        if !is_unknown_token(&reply) {
            return read(&reply);
        }
        let mut url = at(&centre.accounts, PATH);
        url.query_pairs_mut().append_pair("token", token.expose());
        let call = Call {
            what: WHAT,
            method: Method::POST,
            url,
            headers: HeaderMap::new(),
            form: Vec::new(),
            body: Bytes::new(),
            limits: self.accounts_limits(),
        };
        let reply = self.send_accounts(call).await?;
        // Said twice, the second time surely about this token: there is nothing left to revoke.
        if is_unknown_token(&reply) { Ok(()) } else { read(&reply) }
    }
}

/// A 400 is either an unknown token or one that was not found in the body; a throttled answer is neither.
fn is_unknown_token(reply: &Reply) -> bool {
    let throttled =
        serde_json::from_slice::<Value>(&reply.body).is_ok_and(|body| refusal::is_throttled(&body) && !says_unknown(&body));
    reply.status == 400 && !throttled
}

fn says_unknown(body: &Value) -> bool {
    refusal::error_code(body).is_some_and(|code| matches!(code.as_str(), "invalid_code" | "invalid_token" | "invalid_grant"))
}

fn read(reply: &Reply) -> Answer<()> {
    let body: Option<Value> = serde_json::from_slice(&reply.body).ok();
    match body {
        Some(body) if says_unknown(&body) => Ok(()),
        Some(body) if reply.is_success() && body.get("status").and_then(Value::as_str) == Some("success") => Ok(()),
        Some(body) if reply.is_success() && body.get("error").is_none() && !refusal::is_throttled(&body) => {
            Err(failure(FailureClass::Protocol, format!("{WHAT}: status {} without a word of success", reply.status)))
        }
        _ => Err(token::problem(WHAT, reply)),
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) }
    }

    #[test]
    fn only_a_word_of_success_or_an_unknown_token_is_the_end() {
        assert_eq!(read(&reply(200, r#"{"status":"success"}"#)), Ok(()));
        assert_eq!(read(&reply(200, r#"{"error":"invalid_code"}"#)), Ok(()));
        let class = |status, body| read(&reply(status, body)).unwrap_err().class;
        assert_eq!(class(200, "{}"), FailureClass::Protocol);
        assert_eq!(class(200, "<html>"), FailureClass::Protocol);
        assert_eq!(class(503, ""), FailureClass::Passing);
        assert_eq!(class(200, r#"{"error":"general_error"}"#), FailureClass::Passing);
        assert_eq!(class(200, r#"{"error":"Access Denied","status":"failure"}"#), FailureClass::Throttled);
    }

    #[test]
    fn a_throttled_400_is_not_an_unknown_token() {
        assert!(is_unknown_token(&reply(400, "")));
        assert!(is_unknown_token(&reply(400, r#"{"error":"invalid_code","status":"failure"}"#)));
        assert!(!is_unknown_token(&reply(400, r#"{"error":"Access Denied","status":"failure"}"#)));
        assert!(!is_unknown_token(&reply(200, r#"{"status":"success"}"#)));
    }
}
