//! Logging in, by address and password or by a one-time link, setting a password, and logging out.

use app::{LogIn, NewSession};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use vault::AccountPassword;

use super::{
    Asked, Failure, OrFail,
    failure::sentence,
    forms::Fields,
    frame::PersonFrame,
    links, page, page_with,
    session::{
        AdminForm, BROWSER_SECONDS, Peer, clear_cookie, device_of, form_token, known_browser, set_cookie, set_marked, visitor,
    },
};
use crate::{
    WebState,
    error::refusal,
    security::see_other,
    texts::{filters, t},
};

/// See `login.html`.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
}

/// See `login_needed.html`.
#[derive(Debug, Template)]
#[template(path = "login_needed.html")]
pub(super) struct LoginNeededPage {
    pub(super) person: PersonFrame,
    pub(super) logged_out: bool,
    /// The form token of this browser.
    pub(super) csrf: String,
    pub(super) email: String,
    pub(super) error: Option<String>,
}

/// See `password.html`.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub(super) struct PasswordPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) email: String,
    pub(super) error: Option<String>,
}

/// A password as it was typed: spaces at its ends belong to it.
pub(super) fn password(fields: &Fields, name: &str) -> AccountPassword {
    AccountPassword::new(fields.all(name).next().unwrap_or_default().to_owned())
}

/// The log-in page, with the cookie that its form token is bound to.
fn log_in_page(
    state: &WebState,
    headers: &HeaderMap,
    status: StatusCode,
    email: &str,
    error: Option<String>,
    logged_out: bool,
) -> Result<Response, Failure> {
    let known = visitor(headers, state.secure);
    let token = known.clone().unwrap_or_else(|| state.app.random_token());
    let csrf = form_token(&token);
    let person = PersonFrame::new(state.app.settings());
    let mut response = page_with(status, &LoginNeededPage { person, logged_out, csrf, email: email.to_owned(), error })?;
    if known.is_none() {
        set_marked(&mut response, "visitor", state.secure, &token, None)?;
    }
    Ok(response)
}

/// `GET /login`
pub(super) async fn needed(State(state): State<WebState>, headers: HeaderMap, asked: Asked) -> Result<Response, Failure> {
    log_in_page(&state, &headers, StatusCode::OK, "", None, asked.0.given("done") == Some("logout"))
}

/// `POST /login`: address and password.
pub(super) async fn enter(
    State(state): State<WebState>,
    Peer(peer): Peer,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    use subtle::ConstantTimeEq;
    let expected = visitor(&headers, state.secure).map(|token| form_token(&token));
    let sent = fields.get("csrf").as_bytes();
    let ours: bool = expected.is_some_and(|expected| sent.ct_eq(expected.as_bytes()).into());
    if !ours {
        return Ok(refusal(None, StatusCode::FORBIDDEN, "form_token", &t("error.title"), &t("refused.token")));
    }
    let email = fields.get("email");
    let known = known_browser(&headers, state.secure);
    let device = device_of(&headers);
    let secret = password(&fields, "password");
    let entered = state.app.log_in_with_password(email, secret, peer, known.as_deref(), device).await;
    match entered.or_fail(&state)? {
        LogIn::In(begun, mark) => logged_in(&state, "/", &begun, Some(&mark)),
        LogIn::Wrong => {
            let error = Some(t("login.wrong").to_string());
            log_in_page(&state, &headers, StatusCode::UNAUTHORIZED, email, error, false)
        }
        LogIn::Wait(seconds) => {
            let error = Some(t("login.wait").with("seconds", seconds).to_string());
            let mut response = log_in_page(&state, &headers, StatusCode::TOO_MANY_REQUESTS, email, error, false)?;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            Ok(response)
        }
    }
}

/// To `to` with the cookie of a session that has begun; `mark` makes the browser known to its account.
pub(super) fn logged_in(state: &WebState, to: &str, begun: &NewSession, mark: Option<&str>) -> Result<Response, Failure> {
    let mut response = see_other(to);
    response.headers_mut().append(header::SET_COOKIE, set_cookie(state.secure, &begun.cookie)?);
    if let Some(mark) = mark {
        set_marked(&mut response, "browser", state.secure, mark, Some(BROWSER_SECONDS))?;
    }
    Ok(response)
}

/// `GET /login/{token}`: a button; opening the link uses nothing up.
pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    state.app.login_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    page(&LoginPage { person: PersonFrame::new(state.app.settings()), token })
}

/// `POST /login/{token}`: uses the link and sets the cookie.
pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, headers: HeaderMap) -> Result<Response, Failure> {
    let begun = state.app.log_in(&token, device_of(&headers)).await;
    let begun = begun.map_err(|error| links::problem_page(&state, &token, &error))?;
    logged_in(&state, "/", &begun, None)
}

/// `GET /password/{token}`: the form; opening the link uses nothing up.
pub(super) async fn password_form(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    password_page(&state, token, StatusCode::OK, None).await
}

async fn password_page(state: &WebState, token: String, status: StatusCode, error: Option<String>) -> Result<Response, Failure> {
    let account = state.app.password_page(&token).await.map_err(|error| links::problem_page(state, &token, &error))?;
    let person = PersonFrame::new(state.app.settings());
    page_with(status, &PasswordPage { person, token, email: account.email.to_string(), error })
}

/// `POST /password/{token}`: sets the password and logs in.
pub(super) async fn set_password(
    State(state): State<WebState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    match state.app.set_password(&token, password(&fields, "password"), device_of(&headers)).await {
        Ok((begun, mark)) => logged_in(&state, "/", &begun, Some(&mark)),
        Err(app::Error::Invalid { problem, .. }) => {
            password_page(&state, token, StatusCode::UNPROCESSABLE_ENTITY, Some(sentence(&problem))).await
        }
        Err(error) => Err(links::problem_page(&state, &token, &error)),
    }
}

/// `POST /logout`
pub(super) async fn log_out(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    state.app.log_out(&form.admin.token).await.or_fail(&state)?;
    let mut response = see_other("/login?done=logout");
    response.headers_mut().insert(header::SET_COOKIE, clear_cookie(state.secure));
    Ok(response)
}
