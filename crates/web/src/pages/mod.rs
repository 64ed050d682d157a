//! Pages for people: one file per page or noun, each with its route handlers, its typed template context and what fills it.
//!
//! Templates stand in `templates/`, words in `src/texts/`. Every page works without JavaScript; `static/greenroom.js` only adds.

mod attention;
mod audit;
mod candidate;
mod connect;
mod disconnect;
mod failure;
mod feedback;
mod feedback_form;
mod forms;
mod frame;
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
mod session;
mod shown;
mod statics;
mod times;
mod vacancies;
mod vacancy;
mod week;

use std::convert::Infallible;

use askama::Template;
use axum::{
    Router,
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
    response::{Html, IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use domain::{Id, id::Kind};
pub use failure::{Failure, OrFail, plain_error};
use forms::Fields;
pub use links::problem_page as link_problem_page;
pub use session::{Admin, AdminForm, form_token};

use crate::{WebState, texts::t};

/// A path and what answers it.
type Route = (&'static str, MethodRouter<WebState>);

/// Pages of people who come by a link, and what needs no log-in.
fn open_routes() -> Vec<Route> {
    vec![
        ("/p/{token}", get(permission::show).post(permission::act)),
        ("/connect/{token}", get(connect::show)),
        ("/d/{token}", get(disconnect::show).post(disconnect::act)),
        ("/c/{token}", get(candidate::show).post(candidate::act)),
        ("/m/{token}", get(manager::show).post(manager::act)),
        ("/f/{token}", get(feedback_form::show).post(feedback_form::act)),
        ("/o/{token}", get(proposal::show).post(proposal::act)),
        ("/login", get(login::needed)),
        ("/login/{token}", get(login::show).post(login::act)),
        ("/static/{file}", get(statics::file)),
    ]
}

/// Pages of the dashboard: each needs a log-in.
fn dashboard_routes() -> Vec<Route> {
    vec![
        ("/", get(vacancies::show)),
        ("/vacancies", get(vacancies::show)),
        ("/vacancies/{id}", get(vacancy::show).post(vacancy::act)),
        ("/interviews", get(interviews::show)),
        ("/interviews/week", get(week::show)),
        ("/interviews/{id}", get(interview::show).post(interview::act)),
        ("/managers", get(managers::list)),
        ("/managers/{id}", get(managers::show).post(managers::act)),
        ("/attention", get(attention::show)),
        ("/jobs", get(jobs::show).post(jobs::act)),
        ("/keys", get(keys::show).post(keys::act)),
        ("/audit", get(audit::show)),
        ("/mailbox", get(mailbox::list)),
        ("/mailbox/{id}", get(mailbox::show)),
        ("/mailbox/{id}/html", get(mailbox::html)),
        ("/events", get(live::events)),
        ("/pause", post(vacancies::pause)),
        ("/logout", post(login::log_out)),
    ]
}

/// All pages.
pub fn routes() -> Router<WebState> {
    let all = open_routes().into_iter().chain(dashboard_routes());
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
