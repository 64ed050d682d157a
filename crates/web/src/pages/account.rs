//! `/account`: one's own log-in: the password, and the sessions there are.

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use domain::{Id, access::Session};

use super::{
    Asked, Failure, OrFail,
    failure::{dashboard_error, sentence},
    frame::{Frame, Section},
    id_of, links,
    login::{logged_in, password},
    page_with,
    session::{Admin, AdminForm, device_of},
    times::{Moment, moment},
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters, t},
};

/// See `account.html`.
#[derive(Debug, Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub(super) frame: Frame,
    pub(super) who: String,
    pub(super) role: String,
    /// Of the account; `None`: somebody who came by a one-time link.
    pub(super) email: Option<String>,
    pub(super) error: Option<String>,
    pub(super) sessions: Vec<SessionLine>,
}

/// One session.
#[derive(Debug)]
pub(super) struct SessionLine {
    pub(super) id: String,
    pub(super) device: String,
    pub(super) began: Moment,
    pub(super) seen: Moment,
    pub(super) current: bool,
}

async fn render(state: &WebState, admin: &Admin, done: Option<&str>, error: Option<String>) -> Result<Response, Failure> {
    let account = admin.session.account.as_ref();
    let sessions = state.app.sessions_of(&admin.session).await.or_fail(state)?;
    let frame = Frame::new(state, admin, Section::Account, done).await.or_fail(state)?;
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let sessions = sessions.into_iter().map(|row| SessionLine {
        id: row.id.to_string(),
        device: row.device.unwrap_or_else(|| t("account.device.unknown").to_string()),
        began: moment(row.began_at),
        seen: moment(row.seen_at),
        current: row.current,
    });
    let page = AccountPage {
        frame,
        who: account.map_or_else(|| t("account.by_link").to_string(), |account| account.name.clone()),
        role: code("role", admin.session.role().code()),
        email: account
            .filter(|account| account.password.is_some() && state.app.takes_passwords())
            .map(|account| account.email.to_string()),
        error,
        sessions: sessions.collect(),
    };
    page_with(status, &page)
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    render(&state, &admin, asked.0.given("done"), None).await
}

pub(super) async fn act(State(state): State<WebState>, headers: HeaderMap, form: AdminForm) -> Result<Response, Failure> {
    let session = &form.admin.session;
    let caller = form.admin.caller(&state);
    match form.fields.get("action") {
        "change_password" => {
            let (old, new) = (password(&form.fields, "old"), password(&form.fields, "password"));
            match state.app.change_password(session, old, new, device_of(&headers)).await {
                Ok(begun) => logged_in(&state, "/account?done=change_password", &begun, None),
                Err(app::Error::Invalid { problem, .. }) => render(&state, &form.admin, None, Some(sentence(&problem))).await,
                Err(error) => Err(dashboard_error(&state, &error, "/account")),
            }
        }
        "end_session" => {
            let id: Id<Session> = id_of(&state, "session", form.fields.get("session"))?;
            let ended = state.app.end_session(session, id, &caller).await;
            ended.map_err(|error| dashboard_error(&state, &error, "/account"))?;
            Ok(see_other("/account?done=end_session"))
        }
        "end_others" => {
            let ended = state.app.end_other_sessions(session, &caller).await;
            ended.map_err(|error| dashboard_error(&state, &error, "/account"))?;
            Ok(see_other("/account?done=end_others"))
        }
        _ => Ok(links::unknown_action()),
    }
}
