//! The page of a link that does not open, and the answer to asking for a fresh one.

use app::Error;
use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::links::{LinkProblem, Purpose};

use super::{Failure, frame::PersonFrame, page, page_with};
use crate::{
    WebState, error,
    texts::{code, filters, t},
};

/// See `link.html`.
#[derive(Debug, Template)]
#[template(path = "link.html")]
pub(super) struct LinkPage {
    pub(super) person: PersonFrame,
    pub(super) title: String,
    pub(super) lead: String,
    /// The token to send with the request for a fresh link, where one may be asked for.
    pub(super) fresh: Option<String>,
    /// Whether it is a log-in link, which is made on the machine.
    pub(super) admin: bool,
}

/// See `notice.html`: a title and a few sentences.
#[derive(Debug, Template)]
#[template(path = "notice.html")]
pub(super) struct NoticePage {
    pub(super) person: PersonFrame,
    pub(super) title: String,
    pub(super) tone: &'static str,
    pub(super) paragraphs: Vec<String>,
}

/// Says what happened and leaves it at that.
pub(super) fn notice(
    state: &WebState,
    tone: &'static str,
    title: impl ToString,
    paragraph: impl ToString,
) -> Result<Response, Failure> {
    let person = PersonFrame::new(state.app.settings());
    page(&NoticePage { person, title: title.to_string(), tone, paragraphs: vec![paragraph.to_string()] })
}

pub(super) fn link_page(person: PersonFrame, problem: LinkProblem, purpose: Option<Purpose>, token: &str) -> LinkPage {
    let name = match problem {
        LinkProblem::Unknown => "unknown",
        LinkProblem::Expired => "expired",
        LinkProblem::Used => "used",
        LinkProblem::Revoked => "revoked",
    };
    // Only managers can ask for a fresh link by themselves: theirs lead to a permission that is still wanted.
    let for_manager = matches!(purpose, Some(Purpose::Permission | Purpose::OauthState));
    LinkPage {
        person,
        title: code("link", &format!("{name}.title")),
        lead: code("link", &format!("{name}.lead")),
        fresh: (for_manager && problem != LinkProblem::Unknown).then(|| token.to_owned()),
        admin: purpose == Some(Purpose::AdminLogin),
    }
}

/// The page for an error of a use case that was called with a link's token: link problems get their own page, the rest the usual one.
pub fn problem_page(state: &WebState, token: &str, error: &Error) -> Failure {
    let Error::Link(problem, purpose) = error else { return state.failure(error) };
    error::log(error);
    let template = link_page(PersonFrame::new(state.app.settings()), *problem, *purpose, token);
    match page_with(error::status(error), &template) {
        Ok(response) => Failure::new(response),
        Err(failure) => failure,
    }
}

/// The answer to a request for a fresh link: the same whether or not there was anything to send.
pub(super) async fn send_fresh(state: &WebState, token: &str) -> Result<Response, Failure> {
    match state.app.fresh_link(token).await {
        Ok(()) | Err(Error::Link(..) | Error::NotFound { .. } | Error::Refused { .. }) => {
            notice(state, "good", t("link.fresh.sent.title"), t("link.fresh.sent.lead"))
        }
        Err(error) => Err(state.failure(&error)),
    }
}

/// The answer to a form whose button this page does not have.
pub(super) fn unknown_action() -> Response {
    super::plain_error(StatusCode::UNPROCESSABLE_ENTITY, &t("error.title").to_string(), &t("refused.token").to_string())
        .into_response()
}
