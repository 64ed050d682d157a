//! `/p/{token}`: who asks a manager for the calendar, and why; the button leads to the provider's consent page. Where the operator set
//! CalDAV servers, a form takes a user name and an app password instead.

use app::{ConsentServer, Error, PermissionView};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};

use super::{Failure, OrFail, forms::Fields, frame::PersonFrame, links, login::password, page_with};
use crate::{
    WebState, error,
    security::{page_policy_with_form_to, see_other},
    texts::{filters, t},
};

/// See `permission.html`.
#[derive(Debug, Template)]
#[template(path = "permission.html")]
pub(super) struct PermissionPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) manager: String,
    pub(super) email: String,
    pub(super) vacancy: Option<String>,
    pub(super) asked_by: String,
    pub(super) provider_host: String,
    pub(super) already_connected: bool,
    pub(super) by_page: bool,
    pub(super) servers: Vec<ConsentServer>,
    pub(super) disconnect_first: bool,
    pub(super) typed: Typed,
}

/// What the password form shows of the attempt before. The password never comes back.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) server: String,
    pub(super) user: String,
    /// The field that cannot be right.
    pub(super) wrong: &'static str,
    /// What else kept it from being tried.
    pub(super) problem: Option<String>,
}

impl PermissionPage {
    fn new(state: &WebState, token: String, view: PermissionView, typed: Typed) -> Self {
        Self {
            person: PersonFrame::new(state.app.settings()),
            token,
            manager: view.manager,
            email: view.email.to_string(),
            vacancy: view.vacancy,
            asked_by: view.asked_by,
            provider_host: view.provider_host,
            already_connected: view.already_connected,
            by_page: view.by_page,
            servers: view.servers,
            disconnect_first: view.disconnect_first,
            typed,
        }
    }
}

/// Where the form may end: the consent page, and the data centres that it may pass the browser on to.
fn consent_origins(state: &WebState, view: &PermissionView) -> Result<String, Failure> {
    let mut origins = state.app.provider().or_fail(state)?.consent_origins();
    origins.push(view.consent_origin.clone());
    origins.sort_unstable();
    origins.dedup();
    Ok(origins.join(" "))
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    answer(&state, token, StatusCode::OK, Typed::default()).await
}

async fn answer(state: &WebState, token: String, status: StatusCode, typed: Typed) -> Result<Response, Failure> {
    let view = state.app.permission_page(&token).await.map_err(|error| links::problem_page(state, &token, &error))?;
    let policy = page_policy_with_form_to(&consent_origins(state, &view)?);
    let mut response = page_with(status, &PermissionPage::new(state, token, view, typed))?;
    let policy = HeaderValue::from_str(&policy).map_err(|error| Failure::internal(&error.to_string()))?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    let failed = |error| links::problem_page(&state, &token, &error);
    match fields.get("action") {
        "connect" => state.app.begin_authorization(&token).await.map(|url| see_other(url.as_str())).map_err(failed),
        "password" => try_password(&state, token, &fields).await,
        "refuse" => {
            state.app.refuse_permission(&token).await.map_err(failed)?;
            let company = &state.app.settings().company;
            links::notice(&state, "plain", t("permission.refused.title"), t("permission.refused.lead").with("company", company))
        }
        "fresh" => links::send_fresh(&state, &token).await,
        _ => Ok(links::unknown_action()),
    }
}

/// Takes the form and leads to the page that shows how it goes, or shows the form again and says why.
async fn try_password(state: &WebState, token: String, fields: &Fields) -> Result<Response, Failure> {
    let (server, user) = (fields.get("server"), fields.get("user"));
    let tried = state.app.connect_by_password(&token, server, user, &password(fields, "password")).await;
    let failed = match tried {
        Ok(outcome) => return Ok(see_other(&format!("/connect/{outcome}"))),
        Err(failed) => failed,
    };
    let mut typed = Typed { server: server.to_owned(), user: user.to_owned(), ..Typed::default() };
    match &failed {
        Error::Invalid { field, .. } => typed.wrong = field,
        Error::Limited { retry_after, .. } => {
            typed.problem = Some(t("permission.password.wait").with("seconds", retry_after).to_string());
        }
        // The page says by itself what to do first.
        Error::Refused { code: "other_calendar", .. } => {}
        _ => return Err(links::problem_page(state, &token, &failed)),
    }
    error::log(&failed);
    let mut response = answer(state, token, error::status(&failed), typed).await?;
    if let Error::Limited { retry_after, .. } = failed {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    }
    Ok(response)
}
