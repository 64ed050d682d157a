//! Who is logged in to the dashboard: the cookie, the form token bound to it, the guard that stands before every page, and the two
//! extractors that handlers ask for.

use std::{convert::Infallible, net::IpAddr};

use app::{App, Caller, SessionView};
use axum::{
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::Response,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::access::{Right, Role};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Failure, forms::Fields};
use crate::{
    WebState,
    api::access::peer,
    error::refusal,
    security::see_other,
    texts::{code, t},
};

/// Somebody logged in. Handlers of dashboard pages take this, so that none can be reached without.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Who.
    pub session: SessionView,
    /// The form token of this log-in.
    pub csrf: String,
    /// The path and query of the request.
    pub path: String,
    /// The cookie's token, to log out with.
    pub(super) token: String,
}

impl Admin {
    /// For calls of use cases.
    pub fn caller(&self, state: &WebState) -> Caller {
        state.caller(self.session.actor())
    }
}

/// Whom a page of the dashboard is for: the rights that a role must have to see it and to act on it; `None`: everybody logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) see: Option<Right>,
    pub(super) act: Option<Right>,
}

/// The kinds of pages there are.
pub(super) mod needs {
    use super::{Needs, Right};

    /// The daily work: auditors see it, recruiters act.
    pub(in super::super) const DESK: Needs = Needs { see: Some(Right::Read), act: Some(Right::Commit) };
    /// Mails hold links that act.
    pub(in super::super) const MAILS: Needs = Needs { see: Some(Right::Commit), act: Some(Right::Commit) };
    /// The log.
    pub(in super::super) const AUDITORS: Needs = Needs { see: Some(Right::Audit), act: Some(Right::Administer) };
    /// Keys, accounts, backups, erasure.
    pub(in super::super) const ADMINISTRATORS: Needs = Needs { see: Some(Right::Administer), act: Some(Right::Administer) };
    /// One's own account, logging out.
    pub(in super::super) const EVERYBODY: Needs = Needs { see: None, act: None };
}

impl Needs {
    /// Whether this role may do what a request of this method does.
    pub(super) fn admits(self, role: Role, method: &Method) -> bool {
        let right = if matches!(*method, Method::GET | Method::HEAD) { self.see } else { self.act };
        right.is_none_or(|right| role.may(right))
    }
}

/// Stands before every page of the dashboard: somebody is logged in, and the role has the right.
pub(super) async fn guard(State((state, needs)): State<(WebState, Needs)>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let admin = match Admin::from_request_parts(&mut parts, &state).await {
        Ok(admin) => admin,
        Err(to_log_in) => return to_log_in,
    };
    if !needs.admits(admin.session.role(), &parts.method) {
        let lead = t("refused.role").with("role", code("role", admin.session.role().code()));
        return refusal(None, StatusCode::FORBIDDEN, "forbidden", &t("refused.role.title"), &lead);
    }
    parts.extensions.insert(admin);
    next.run(Request::from_parts(parts, body)).await
}

impl FromRequestParts<WebState> for Admin {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Response> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let to_log_in = || see_other("/login");
        let token = cookie(&parts.headers, state.secure).ok_or_else(to_log_in)?;
        let session = state.app.session(&token).await.map_err(|error| state.failure(&error).into_inner())?;
        let session = session.ok_or_else(to_log_in)?;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { session, csrf: form_token(&token), path, token })
    }
}

/// A form sent from a page of the dashboard by somebody logged in: the log-in and the form token are right.
#[derive(Debug, Clone)]
pub struct AdminForm {
    /// Who.
    pub admin: Admin,
    /// What.
    pub fields: Fields,
}

impl FromRequest<WebState> for AdminForm {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let admin = Admin::from_request_parts(&mut parts, state).await?;
        let fields = Fields::from_request(Request::from_parts(parts, body), state).await?;
        if fields.get("csrf").as_bytes().ct_eq(admin.csrf.as_bytes()).into() {
            Ok(Self { admin, fields })
        } else {
            Err(refusal(None, StatusCode::FORBIDDEN, "form_token", &t("error.title"), &t("refused.token")))
        }
    }
}

/// Bound to one log-in without being stored: who does not know the cookie cannot make it, and it does not give the cookie away.
pub fn form_token(cookie_token: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"greenroom form token v1\0");
    hash.update(cookie_token.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash.finalize())
}

/// `__Host-` makes browsers refuse the cookie unless it is secure, without a domain and for all paths; it needs https.
const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-greenroom" } else { "greenroom" }
}

/// Seconds for which a browser stays known to an account.
pub(super) const BROWSER_SECONDS: i64 = 180 * 24 * 3600;

/// The name of one of our other cookies.
fn marked_name(what: &str, secure: bool) -> String {
    format!("{}-{what}", cookie_name(secure))
}

/// One of our other cookies.
pub(super) fn marked(headers: &HeaderMap, what: &str, secure: bool) -> Option<String> {
    named_cookie(headers, &marked_name(what, secure))
}

/// A browser in which nobody is logged in yet: what the tokens of its forms are bound to.
pub(super) struct Visitor {
    token: String,
    /// Whether the browser had the cookie already.
    known: bool,
    secure: bool,
}

impl FromRequestParts<WebState> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Infallible> {
        let known = marked(&parts.headers, "visitor", state.secure);
        Ok(Self { known: known.is_some(), token: known.unwrap_or_else(|| state.app.random_token()), secure: state.secure })
    }
}

impl Visitor {
    /// The form token for this browser.
    pub(super) fn csrf(&self) -> String {
        form_token(&self.token)
    }

    /// Gives the browser its cookie beside the form that needs it.
    pub(super) fn keep(&self, mut response: Response) -> Result<Response, Failure> {
        if !self.known {
            set_marked(&mut response, "visitor", self.secure, &self.token, None)?;
        }
        Ok(response)
    }

    /// Refuses a form that this browser was not given by us.
    pub(super) fn check(&self, fields: &Fields) -> Result<(), Failure> {
        let same: bool = fields.get("csrf").as_bytes().ct_eq(self.csrf().as_bytes()).into();
        if self.known && same {
            return Ok(());
        }
        Err(Failure::new(refusal(None, StatusCode::FORBIDDEN, "form_token", &t("error.title"), &t("refused.token"))))
    }
}

/// What an earlier log-in left in this browser.
pub(super) fn known_browser(headers: &HeaderMap, secure: bool) -> Option<String> {
    named_cookie(headers, &marked_name("browser", secure))
}

/// Sets one of our other cookies, for `seconds` or until the browser is closed.
pub(super) fn set_marked(
    response: &mut Response,
    what: &str,
    secure: bool,
    value: &str,
    seconds: Option<i64>,
) -> Result<(), Failure> {
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Lax{age}{}",
        marked_name(what, secure),
        if secure { "; Secure" } else { "" }
    );
    let value = HeaderValue::from_str(&text).map_err(|error| Failure::internal(&error.to_string()))?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

/// The address at the other end.
pub(super) struct Peer(pub(super) IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(peer(&parts.extensions)))
    }
}

/// What a browser says of itself, in a few words of ours.
pub(super) fn device_of(headers: &HeaderMap) -> Option<&'static str> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let find = |known: &[(&str, usize)]| known.iter().find(|(mark, _)| text.contains(mark)).map(|(_, at)| *at);
    let browser = find(&[("Edg/", 0), ("Firefox/", 1), ("Chrome/", 2), ("Safari/", 3)])?;
    let system = find(&[("Windows", 0), ("Android", 1), ("iPhone", 2), ("iPad", 2), ("Mac OS X", 3), ("Linux", 4)]);
    Some(DEVICES[browser][system.unwrap_or(5)])
}

const DEVICES: [[&str; 6]; 4] = [
    ["Edge on Windows", "Edge on Android", "Edge on iOS", "Edge on macOS", "Edge on Linux", "Edge"],
    ["Firefox on Windows", "Firefox on Android", "Firefox on iOS", "Firefox on macOS", "Firefox on Linux", "Firefox"],
    ["Chrome on Windows", "Chrome on Android", "Chrome on iOS", "Chrome on macOS", "Chrome on Linux", "Chrome"],
    ["Safari on Windows", "Safari on Android", "Safari on iOS", "Safari on macOS", "Safari on Linux", "Safari"],
];

fn cookie(headers: &HeaderMap, secure: bool) -> Option<String> {
    named_cookie(headers, cookie_name(secure))
}

fn named_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).filter(|value| !value.is_empty())
}

/// The `Set-Cookie` value of a new log-in. It lasts as long as the session, which business time has nothing to do with.
pub(super) fn set_cookie(secure: bool, token: &str) -> Result<HeaderValue, Failure> {
    let seconds = App::SESSION_MINUTES * 60;
    let text = format!(
        "{}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{}",
        cookie_name(secure),
        if secure { "; Secure" } else { "" }
    );
    HeaderValue::from_str(&text).map_err(|error| Failure::internal(&error.to_string()))
}

/// The `Set-Cookie` value that ends it.
pub(super) fn clear_cookie(secure: bool) -> HeaderValue {
    HeaderValue::from_static(if secure {
        "__Host-greenroom=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"
    } else {
        "greenroom=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("other=1; greenroom=abc; more=2"));
        assert_eq!(cookie(&headers, false).as_deref(), Some("abc"));
        assert_eq!(cookie(&headers, true), None);
        headers.append(header::COOKIE, HeaderValue::from_static("__Host-greenroom=def"));
        assert_eq!(cookie(&headers, true).as_deref(), Some("def"));
    }

    #[test]
    fn devices_are_told_in_our_words() {
        let told = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::USER_AGENT, HeaderValue::from_static(text));
            device_of(&headers)
        };
        assert_eq!(told("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"), Some("Firefox on Linux"));
        assert_eq!(told("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/140.0 Safari/537.36"), Some("Chrome on macOS"));
        assert_eq!(told("curl/8.0"), None);
    }

    #[test]
    fn the_form_token_belongs_to_one_log_in_and_hides_the_cookie() {
        assert_ne!(form_token("one"), form_token("two"));
        assert_eq!(form_token("one").len(), 43);
        assert!(!form_token("one").contains("one"));
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_other_sites() {
        let value = set_cookie(true, "t").unwrap();
        assert_eq!(value, "__Host-greenroom=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200; Secure");
        let value = set_cookie(false, "t").unwrap();
        assert_eq!(value, "greenroom=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200");
    }
}
