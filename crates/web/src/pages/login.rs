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
    session::{AdminForm, BROWSER_SECONDS, Peer, Visitor, clear_cookie, device_of, known_browser, set_cookie, set_marked},
};
use crate::{
    WebState,
    security::see_other,
    texts::{filters, t},
};

/// See `login.html`.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    /// The form token of this browser.
    pub(super) csrf: String,
}

/// See `login_needed.html`.
#[derive(Debug, Template)]
#[template(path = "login_needed.html")]
pub(super) struct LoginNeededPage {
    pub(super) person: PersonFrame,
    pub(super) logged_out: bool,
    /// What the button for single sign-on calls it, where there is one.
    pub(super) sso: Option<String>,
    /// Whether passwords open accounts.
    pub(super) passwords: bool,
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
    /// The form token of this browser.
    pub(super) csrf: String,
    pub(super) email: String,
    pub(super) error: Option<String>,
}

/// A password as it was typed: spaces at its ends belong to it.
pub(super) fn password(fields: &Fields, name: &str) -> AccountPassword {
    AccountPassword::new(fields.all(name).next().unwrap_or_default().to_owned())
}

/// The log-in page: what is shown besides its forms.
#[derive(Default)]
pub(super) struct LogInPage<'a> {
    pub(super) email: &'a str,
    pub(super) error: Option<String>,
    pub(super) logged_out: bool,
}

impl LogInPage<'_> {
    pub(super) fn render(self, state: &WebState, visitor: &Visitor, status: StatusCode) -> Result<Response, Failure> {
        let template = LoginNeededPage {
            person: PersonFrame::new(state.app.settings()),
            logged_out: self.logged_out,
            sso: state.app.single_sign_on_name().map(ToOwned::to_owned),
            passwords: state.app.takes_passwords(),
            csrf: visitor.csrf(),
            email: self.email.to_owned(),
            error: self.error,
        };
        visitor.keep(page_with(status, &template)?)
    }
}

/// `GET /login`
pub(super) async fn needed(State(state): State<WebState>, visitor: Visitor, asked: Asked) -> Result<Response, Failure> {
    let logged_out = asked.0.given("done") == Some("logout");
    LogInPage { logged_out, ..LogInPage::default() }.render(&state, &visitor, StatusCode::OK)
}

/// `POST /login`: address and password.
pub(super) async fn enter(
    State(state): State<WebState>,
    Peer(peer): Peer,
    visitor: Visitor,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    visitor.check(&fields)?;
    let email = fields.get("email");
    let known = known_browser(&headers, state.secure);
    let device = device_of(&headers);
    let secret = password(&fields, "password");
    let entered = state.app.log_in_with_password(email, secret, peer, known.as_deref(), device).await;
    match entered.or_fail(&state)? {
        LogIn::In(begun, mark) => logged_in(&state, "/", &begun, Some(&mark)),
        LogIn::Wrong => {
            let error = Some(t("login.wrong").to_string());
            LogInPage { email, error, logged_out: false }.render(&state, &visitor, StatusCode::UNAUTHORIZED)
        }
        LogIn::Wait(seconds) => {
            let error = Some(t("login.wait").with("seconds", seconds).to_string());
            let mut response =
                LogInPage { email, error, logged_out: false }.render(&state, &visitor, StatusCode::TOO_MANY_REQUESTS)?;
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
pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>, visitor: Visitor) -> Result<Response, Failure> {
    state.app.login_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    let template = LoginPage { person: PersonFrame::new(state.app.settings()), token, csrf: visitor.csrf() };
    visitor.keep(page(&template)?)
}

/// `POST /login/{token}`: uses the link and sets the cookie. A link that does not open says so before the form is looked at.
pub(super) async fn act(
    State(state): State<WebState>,
    Path(token): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    state.app.login_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    visitor.check(&fields)?;
    let begun = state.app.log_in(&token, device_of(&headers)).await;
    let begun = begun.map_err(|error| links::problem_page(&state, &token, &error))?;
    logged_in(&state, "/", &begun, None)
}

/// `GET /password/{token}`: the form; opening the link uses nothing up.
pub(super) async fn password_form(
    State(state): State<WebState>,
    Path(token): Path<String>,
    visitor: Visitor,
) -> Result<Response, Failure> {
    password_page(&state, token, &visitor, StatusCode::OK, None).await
}

async fn password_page(
    state: &WebState,
    token: String,
    visitor: &Visitor,
    status: StatusCode,
    error: Option<String>,
) -> Result<Response, Failure> {
    let account = state.app.password_page(&token).await.map_err(|error| links::problem_page(state, &token, &error))?;
    let person = PersonFrame::new(state.app.settings());
    let template = PasswordPage { person, token, csrf: visitor.csrf(), email: account.email.to_string(), error };
    visitor.keep(page_with(status, &template)?)
}

/// `POST /password/{token}`: sets the password and logs in.
pub(super) async fn set_password(
    State(state): State<WebState>,
    Path(token): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Failure> {
    state.app.password_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    visitor.check(&fields)?;
    match state.app.set_password(&token, password(&fields, "password"), device_of(&headers)).await {
        Ok((begun, mark)) => logged_in(&state, "/", &begun, Some(&mark)),
        Err(app::Error::Invalid { problem, .. }) => {
            password_page(&state, token, &visitor, StatusCode::UNPROCESSABLE_ENTITY, Some(sentence(&problem))).await
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
