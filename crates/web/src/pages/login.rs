//! Logging in by a one-time link, and out.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::header,
    response::Response,
};

use super::{
    Asked, Failure, OrFail,
    frame::PersonFrame,
    links, page,
    session::{AdminForm, clear_cookie, set_cookie},
};
use crate::{WebState, security::see_other, texts::filters};

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
}

/// `GET /login`: says how to get a link.
pub(super) async fn needed(State(state): State<WebState>, asked: Asked) -> Result<Response, Failure> {
    page(&LoginNeededPage { person: PersonFrame::new(state.app.settings()), logged_out: asked.0.given("done") == Some("logout") })
}

/// `GET /login/{token}`: a button; opening the link uses nothing up.
pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    state.app.login_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    page(&LoginPage { person: PersonFrame::new(state.app.settings()), token })
}

/// `POST /login/{token}`: uses the link and sets the cookie.
pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    let begun = state.app.log_in(&token, None).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    let mut response = see_other("/");
    response.headers_mut().insert(header::SET_COOKIE, set_cookie(state.secure, &begun.cookie)?);
    Ok(response)
}

/// `POST /logout`
pub(super) async fn log_out(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    state.app.log_out(&form.admin.token).await.or_fail(&state)?;
    let mut response = see_other("/login?done=logout");
    response.headers_mut().insert(header::SET_COOKIE, clear_cookie(state.secure));
    Ok(response)
}
