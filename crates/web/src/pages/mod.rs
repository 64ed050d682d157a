//! Pages for people: one file per page or noun, each with its route handlers, its typed template context and what fills it.
//!
//! Templates stand in `templates/`, words in `src/texts/`. Every page works without JavaScript; `static/greenroom.js` only adds.

mod account;
mod accounts;
mod alerts;
mod attention;
mod audit;
mod backups;
mod candidate;
mod choice;
mod connect;
mod disconnect;
mod erasures;
mod failure;
mod feedback;
mod feedback_form;
mod forms;
mod frame;
mod health;
mod interview;
mod interviews;
mod jobs;
mod keys;
mod links;
mod live;
mod login;
mod mailbox;
mod manager;
mod managers;
mod participant;
mod permission;
mod proposal;
mod reality;
mod session;
mod shown;
mod sign_on;
mod statics;
mod times;
mod vacancies;
mod vacancy;
mod week;

use std::{collections::HashMap, convert::Infallible, sync::LazyLock};

use askama::Template;
use axum::{
    Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    middleware::from_fn_with_state,
    response::{Html, IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use domain::{Id, id::Kind};
pub use failure::{Failure, OrFail, plain_error};
use forms::Fields;
pub use links::problem_page as link_problem_page;
use session::Needs;
pub use session::{Admin, AdminForm, form_token};

use crate::{WebState, texts::t};

/// A path and what answers it.
type Route = (&'static str, MethodRouter<WebState>);

/// A path of the dashboard, whom it is for, and what answers it.
type DashboardRoute = (&'static str, Needs, MethodRouter<WebState>);

/// Pages of people who come by a link, and what needs no log-in.
fn open_routes() -> Vec<Route> {
    vec![
        ("/p/{token}", get(permission::show).post(permission::act)),
        ("/connect/{token}", get(connect::show)),
        ("/d/{token}", get(disconnect::show).post(disconnect::act)),
        ("/c/{token}", get(candidate::show).post(candidate::act)),
        ("/s/{token}", get(choice::show).post(choice::act)),
        ("/m/{token}", get(manager::show).post(manager::act)),
        ("/f/{token}", get(feedback_form::show).post(feedback_form::act)),
        ("/o/{token}", get(proposal::show).post(proposal::act)),
        ("/login", get(login::needed).post(login::enter)),
        ("/login/sso", post(sign_on::begin)),
        ("/login/sso/callback", get(sign_on::callback)),
        ("/login/{token}", get(login::show).post(login::act)),
        ("/password/{token}", get(login::password_form).post(login::set_password)),
        ("/static/{file}", get(statics::file)),
    ]
}

/// Pages of the dashboard: each needs a log-in, and a role with the rights that stand beside it.
fn dashboard_routes() -> Vec<DashboardRoute> {
    use session::needs::{ADMINISTRATORS, AUDITORS, DESK, EVERYBODY, MAILS};
    vec![
        ("/", DESK, get(vacancies::show)),
        ("/vacancies", DESK, get(vacancies::show)),
        ("/vacancies/{id}", DESK, get(vacancy::show).post(vacancy::act)),
        ("/interviews", DESK, get(interviews::show)),
        ("/interviews/week", DESK, get(week::show)),
        ("/interviews/{id}", DESK, get(interview::show).post(interview::act)),
        ("/managers", DESK, get(managers::list)),
        ("/managers/{id}", DESK, get(managers::show).post(managers::act)),
        ("/attention", DESK, get(attention::show)),
        ("/reality", DESK, get(reality::show).post(reality::act)),
        ("/alerts", DESK, get(alerts::show)),
        ("/health", DESK, get(health::show)),
        ("/jobs", DESK, get(jobs::show).post(jobs::act)),
        ("/keys", ADMINISTRATORS, get(keys::show).post(keys::act)),
        ("/audit", AUDITORS, get(audit::show)),
        ("/backups", ADMINISTRATORS, get(backups::show).post(backups::act)),
        ("/erasures", ADMINISTRATORS, get(erasures::list)),
        ("/persons/{id}/erase", ADMINISTRATORS, get(erasures::show).post(erasures::act)),
        ("/mailbox", MAILS, get(mailbox::list)),
        ("/mailbox/{id}", MAILS, get(mailbox::show)),
        ("/mailbox/{id}/html", MAILS, get(mailbox::html)),
        ("/events", DESK, get(live::events)),
        ("/pause", DESK, post(vacancies::pause)),
        ("/accounts", ADMINISTRATORS, get(accounts::show).post(accounts::act)),
        ("/account", EVERYBODY, get(account::show).post(account::act)),
        ("/logout", EVERYBODY, post(login::log_out)),
    ]
}

/// What each page of the dashboard needs, for whoever links to it.
fn needs_of(path: &str) -> Option<Needs> {
    static NEEDS: LazyLock<HashMap<&'static str, Needs>> =
        LazyLock::new(|| dashboard_routes().into_iter().map(|(path, needs, _)| (path, needs)).collect());
    NEEDS.get(path).copied()
}

/// All pages.
pub fn routes(state: &WebState) -> Router<WebState> {
    assemble(state, open_routes(), dashboard_routes())
}

/// A router of these pages: those of the dashboard behind their guard.
fn assemble(state: &WebState, open: Vec<Route>, dashboard: Vec<DashboardRoute>) -> Router<WebState> {
    let guarded = dashboard.into_iter().map(|(path, needs, answer)| {
        let guard = from_fn_with_state((state.clone(), needs), session::guard);
        (path, answer.route_layer(guard))
    });
    let all = open.into_iter().chain(guarded);
    all.fold(Router::new(), |router, (path, answer)| router.route(path, answer.fallback(wrong_method)))
}

/// The answer to a path that nothing is at.
pub async fn not_found() -> Response {
    plain_error(StatusCode::NOT_FOUND, &t("error.not_found.title").to_string(), &t("error.not_found.lead").to_string())
}

async fn wrong_method() -> Response {
    plain_error(StatusCode::METHOD_NOT_ALLOWED, &t("error.title").to_string(), &t("refused.method").to_string())
}

/// Renders a page.
fn page(template: &impl Template) -> Result<Response, Failure> {
    page_with(StatusCode::OK, template)
}

/// Renders a page with another status than 200.
fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Failure> {
    let html = template.render().map_err(|error| Failure::internal(&error.to_string()))?;
    Ok((status, Html(html)).into_response())
}

/// The id in a path; what is no id of that kind leads nowhere.
fn id_of<K: Kind>(state: &WebState, what: &'static str, text: &str) -> Result<Id<K>, Failure> {
    text.parse().map_err(|_| state.failure(&app::Error::missing(what, text.chars().take(60).collect::<String>())))
}

/// The query of a request as fields.
struct Asked(Fields);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Fields::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

#[cfg(test)]
mod tests;
