//! Who consented: Accounts' user info. No reference page describes it, so names and types are read the ways clients have seen them.

use bytes::Bytes;
use domain::EmailAddress;
use ports::calendar::{Access, Answer, FailureClass, Identity, ProviderError};
use reqwest::Method;
use serde_json::Value;

use super::{at, authorization};
use crate::{
    failure::failure,
    http::{Call, Reply},
    zoho::{Zoho, refusal, value::text},
};

const WHAT: &str = "user info";

impl Zoho {
    /// See `CalendarProvider::identity`.
    pub(in crate::zoho) async fn user_info(&self, access: &Access) -> Answer<Identity> {
        let centre = self.centre(&access.data_centre)?;
        let headers = authorization(access)?;
        let url = at(&centre.accounts, "/oauth/user/info");
        let call = Call {
            what: WHAT,
            method: Method::GET,
            url,
            headers,
            form: Vec::new(),
            body: Bytes::new(),
            limits: self.accounts_limits(),
        };
        read(&self.send_accounts(call).await?)
    }
}

fn read(reply: &Reply) -> Answer<Identity> {
    let body = refusal::examine(WHAT, reply, false).map_err(|refusal| scope_or(reply, refusal.error))?;
    let first = |keys: &[&str]| keys.iter().find_map(|key| text(&body, key));
    let user_id = first(&["ZUID", "zuid", "Zuid"]).ok_or_else(|| refusal::malformed(WHAT, "ZUID", false))?;
    let email =
        first(&["Email", "email", "Email_ID", "email_id", "EMAIL"]).ok_or_else(|| refusal::malformed(WHAT, "address", false))?;
    let email: EmailAddress = email.parse().map_err(|_| refusal::malformed(WHAT, "address", false))?;
    let joined = || {
        let parts: Vec<String> =
            [first(&["First_Name", "first_name"]), first(&["Last_Name", "last_name"])].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    Ok(Identity { user_id, email, name: first(&["Display_Name", "display_name"]).or_else(joined) })
}

/// What an answer without the scope looks like is not known. A body that speaks of a scope, or a 403, means the scope; an empty 401
/// could be either, and is left as "not accepted": after one refresh the caller meets it again and gives up.
fn scope_or(reply: &Reply, error: ProviderError) -> ProviderError {
    let open = matches!(error.class, FailureClass::Unauthorized | FailureClass::Refused | FailureClass::Gone);
    let speaks_of_scope =
        serde_json::from_slice::<Value>(&reply.body).is_ok_and(|body| body.to_string().to_ascii_lowercase().contains("scope"));
    let token = serde_json::from_slice::<Value>(&reply.body)
        .is_ok_and(|body| refusal::error_code(&body).as_deref() == Some("INVALID_OAUTHTOKEN"));
    if open && !token && (reply.status == 403 || speaks_of_scope) {
        return failure(FailureClass::ScopeMissing, format!("{}; AaaServer.profile.READ seems to be missing", error.detail));
    }
    error
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer<Identity> {
        read(&Reply { status, headers: HeaderMap::new(), body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    #[test]
    fn the_usual_answer_is_read() {
        let identity = answer(200, include_str!("../../../tests/golden/user_info.json")).unwrap();
        assert_eq!(identity.user_id, "600012345");
        assert_eq!(identity.email.as_str(), "ana@example.com");
        assert_eq!(identity.name.as_deref(), Some("Ana Diaz"));
    }

    #[test]
    fn other_spellings_are_read_too() {
        for key in ["email", "Email_ID", "email_id"] {
            let identity = answer(200, &format!(r#"{{"{key}":"ana@example.com","ZUID":"600012345","First_Name":"Ana"}}"#)).unwrap();
            assert_eq!((identity.user_id.as_str(), identity.name.as_deref()), ("600012345", Some("Ana")), "{key}");
        }
        let bare = answer(200, r#"{"Email":"ana@example.com","ZUID":600012345}"#).unwrap();
        assert_eq!(bare.name, None);
    }

    #[test]
    fn half_an_identity_is_none() {
        for body in [r#"{"ZUID":1}"#, r#"{"Email":"ana@example.com"}"#, r#"{"Email":"ana","ZUID":1}"#, "{}", "<html>", ""] {
            assert_eq!(answer(200, body).unwrap_err().class, FailureClass::Protocol, "{body}");
        }
    }

    #[test]
    fn a_missing_scope_is_told_from_a_dead_token() {
        for (status, body) in [
            (401, r#"{"error":[{"error_code":"INVALID_OAUTHSCOPE"}]}"#),
            (400, r#"{"error":"invalid_scope"}"#),
            (401, r#"{"response":"error","message":"The scope is not enough"}"#),
            (403, ""),
        ] {
            assert_eq!(answer(status, body).unwrap_err().class, FailureClass::ScopeMissing, "{status} {body}");
        }
        assert_eq!(answer(401, "").unwrap_err().class, FailureClass::Unauthorized);
        assert_eq!(
            answer(401, r#"{"error":[{"error_code":"INVALID_OAUTHTOKEN"}]}"#).unwrap_err().class,
            FailureClass::Unauthorized
        );
        assert_eq!(answer(503, "").unwrap_err().class, FailureClass::Passing);
    }
}
