//! Logging in by single sign-on: to the identity provider, and back from it.

use app::{SignOnCallback, SignOnEnd};
use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use ports::sign_on::SignOnError;

use super::{
    Asked, Failure, OrFail,
    failure::sentence,
    forms::Fields,
    frame::PersonFrame,
    login::{LogInPage, logged_in},
    page,
    session::{Peer, Visitor, device_of, marked, set_marked},
};
use crate::{
    WebState,
    texts::{filters, known_code, t},
};

/// The name of the cookie that binds the answer to this browser.
const COOKIE: &str = "sign-on";
/// How long it lives.
const COOKIE_SECONDS: i64 = 600;

/// See `sign_on.html`.
#[derive(Debug, Template)]
#[template(path = "sign_on.html")]
struct SignOnPage {
    person: PersonFrame,
    name: String,
    url: String,
}

/// `POST /login/sso`: a page that leads on by itself. Not a redirect: browsers hold every address behind a form, and all that it redirects
/// to, against `form-action`, and where providers send people is not known beforehand.
pub(super) async fn begin(State(state): State<WebState>, visitor: Visitor, fields: Fields) -> Result<Response, Failure> {
    visitor.check(&fields)?;
    let (url, cookie) = match state.app.begin_sign_on().await {
        Ok(begun) => begun,
        Err(error @ app::Error::Refused { code: "sign_on_failed", .. }) => {
            return says(sentence(&error.to_string())).render(&state, &visitor, StatusCode::SERVICE_UNAVAILABLE);
        }
        Err(error) => return Err(state.failure(&error)),
    };
    let name = state.app.single_sign_on_name().unwrap_or_default().to_owned();
    let mut response = page(&SignOnPage { person: PersonFrame::new(state.app.settings()), name, url: url.to_string() })?;
    let refresh = HeaderValue::from_str(&format!("0; url={url}")).map_err(|error| Failure::internal(&error.to_string()))?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    set_marked(&mut response, COOKIE, state.secure, &cookie, Some(COOKIE_SECONDS))?;
    Ok(response)
}

/// `GET /login/sso/callback`: where the provider sends the browser back to. However it ends, the cookie has done its work.
pub(super) async fn callback(
    State(state): State<WebState>,
    Peer(peer): Peer,
    visitor: Visitor,
    headers: HeaderMap,
    asked: Asked,
) -> Result<Response, Failure> {
    let get = |name: &str| asked.0.get(name).to_owned();
    let back = SignOnCallback {
        cookie: marked(&headers, COOKIE, state.secure).unwrap_or_default(),
        state: get("state"),
        code: get("code"),
        error: get("error"),
        issuer: asked.0.given("iss").map(ToOwned::to_owned),
    };
    let end = state.app.finish_sign_on(&back, peer, device_of(&headers)).await.or_fail(&state)?;
    let mut response = match end {
        SignOnEnd::In(begun) => logged_in(&state, "/", &begun, None)?,
        SignOnEnd::Wait(seconds) => {
            let text = t("sso.wait").with("seconds", seconds).to_string();
            let mut response = says(text).render(&state, &visitor, StatusCode::TOO_MANY_REQUESTS)?;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        refused => {
            let name = state.app.single_sign_on_name().unwrap_or_default();
            let (status, text) = explain(&refused, name);
            says(text).render(&state, &visitor, status)?
        }
    };
    set_marked(&mut response, COOKIE, state.secure, "", Some(0))?;
    Ok(response)
}

/// The log-in page with a sentence above its forms.
fn says(text: String) -> LogInPage<'static> {
    LogInPage { error: Some(text), ..LogInPage::default() }
}

/// Why nobody is logged in, for the person before the screen.
fn explain(end: &SignOnEnd, name: &str) -> (StatusCode, String) {
    let (status, text) = match end {
        SignOnEnd::NotAsked => (StatusCode::BAD_REQUEST, t("sso.not_asked")),
        SignOnEnd::NoAccount => (StatusCode::FORBIDDEN, t("sso.no_account")),
        SignOnEnd::SwitchedOff => (StatusCode::FORBIDDEN, t("sso.switched_off")),
        SignOnEnd::NotVerified => (StatusCode::FORBIDDEN, t("sso.not_verified")),
        SignOnEnd::OtherPerson => (StatusCode::FORBIDDEN, t("sso.other_person")),
        SignOnEnd::Declined(error) => {
            // What is no code of the standard's kind is not repeated: it could be any text that somebody wants to be read here.
            let plain = error.len() <= 40 && error.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let shown = if plain { error } else { "unknown" };
            (StatusCode::FORBIDDEN, known_code("declined", shown).unwrap_or_else(|| t("sso.declined").with("code", shown)))
        }
        SignOnEnd::Failed(error @ SignOnError::Passing(_)) => (StatusCode::BAD_GATEWAY, t("sso.failed").with("why", error)),
        SignOnEnd::Failed(error) => (StatusCode::FORBIDDEN, t("sso.failed").with("why", error)),
        SignOnEnd::In(_) | SignOnEnd::Wait(_) => (StatusCode::INTERNAL_SERVER_ERROR, t("error.title")),
    };
    (status, text.with("name", name).to_string())
}
