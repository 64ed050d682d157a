//! `/p/{token}`: who asks a manager for the calendar, and why; the button leads to the provider's consent page.

use app::PermissionView;
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::Response,
};

use super::{Failure, OrFail, forms::Fields, frame::PersonFrame, links, page};
use crate::{
    WebState,
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
}

impl PermissionPage {
    fn new(state: &WebState, token: String, view: PermissionView) -> Self {
        Self {
            person: PersonFrame::new(state.app.settings()),
            token,
            manager: view.manager,
            email: view.email.to_string(),
            vacancy: view.vacancy,
            asked_by: view.asked_by,
            provider_host: view.provider_host,
            already_connected: view.already_connected,
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
    let view = state.app.permission_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    let policy = page_policy_with_form_to(&consent_origins(&state, &view)?);
    let mut response = page(&PermissionPage::new(&state, token, view))?;
    let policy = HeaderValue::from_str(&policy).map_err(|error| Failure::internal(&error.to_string()))?;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    let failed = |error| links::problem_page(&state, &token, &error);
    match fields.get("action") {
        "connect" => state.app.begin_authorization(&token).await.map(|url| see_other(url.as_str())).map_err(failed),
        "refuse" => {
            state.app.refuse_permission(&token).await.map_err(failed)?;
            let company = &state.app.settings().company;
            links::notice(&state, "plain", t("permission.refused.title"), t("permission.refused.lead").with("company", company))
        }
        "fresh" => links::send_fresh(&state, &token).await,
        _ => Ok(links::unknown_action()),
    }
}
