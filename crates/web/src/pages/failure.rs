//! Pages for what did not work.

use app::Error;
use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};

use super::frame::PersonFrame;
use crate::{WebState, error, request, texts::filters, texts::t};

/// A finished answer to a request that did not work; handlers return it as their error.
#[derive(Debug)]
pub struct Failure(Box<Response>);

impl Failure {
    /// An answer that is one.
    pub fn new(response: Response) -> Self {
        Self(Box::new(response))
    }

    /// A bug: the text goes to the log, the reader gets a reference.
    pub fn internal(text: &str) -> Self {
        tracing::error!(text, "a page could not be made");
        let lead = t("error.internal.lead").with("reference", request::id().unwrap_or_default());
        Self::new(plain_error(StatusCode::INTERNAL_SERVER_ERROR, &t("error.title").to_string(), &lead.to_string()))
    }

    /// The answer.
    pub fn into_inner(self) -> Response {
        *self.0
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        self.into_inner()
    }
}

/// Turns errors of use cases into pages.
pub trait OrFail<T> {
    /// The value, or the page that says what happened.
    fn or_fail(self, state: &WebState) -> Result<T, Failure>;
}

impl<T> OrFail<T> for app::Result<T> {
    fn or_fail(self, state: &WebState) -> Result<T, Failure> {
        self.map_err(|error| state.failure(&error))
    }
}

impl WebState {
    /// The page for an error of a use case.
    pub fn failure(&self, error: &Error) -> Failure {
        error::log(error);
        let (title, message) = match error {
            Error::NotFound { .. } => (t("error.not_found.title").to_string(), sentence(&error.outside())),
            Error::Busy | Error::Stale { .. } => (t("error.busy.title").to_string(), sentence(&error.outside())),
            Error::Throttled { .. } | Error::Provider { .. } => (t("error.later.title").to_string(), sentence(&error.outside())),
            Error::Store(_) => (t("error.later.title").to_string(), t("error.store.lead").to_string()),
            Error::Internal(_) => {
                let lead = t("error.internal.lead").with("reference", request::id().unwrap_or_default());
                (t("error.title").to_string(), lead.to_string())
            }
            _ => (t("error.title").to_string(), sentence(&error.outside())),
        };
        let page = ErrorPage { person: PersonFrame::new(self.app.settings()), title, message, back: None };
        let mut response = page.answer(error::status(error));
        if let Error::Throttled { retry_after } = error {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*retry_after));
        }
        Failure::new(response)
    }
}

/// An error's text as a sentence of its own: a capital first, a full stop last.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let mut sentence: String = first.to_uppercase().chain(letters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}

/// The page of a refusal, for callers that know nothing of the installation.
pub fn plain_error(status: StatusCode, title: &str, message: &str) -> Response {
    ErrorPage { person: PersonFrame::anonymous(), title: title.to_owned(), message: message.to_owned(), back: None }.answer(status)
}

/// An error page of the dashboard, with the way back.
pub(super) fn dashboard_error(state: &WebState, error: &Error, back: &str) -> Failure {
    error::log(error);
    let person = PersonFrame::new(state.app.settings());
    let page =
        ErrorPage { person, title: t("error.title").to_string(), message: sentence(&error.outside()), back: Some(back.to_owned()) };
    Failure::new(page.answer(error::status(error)))
}

/// See `error.html`.
#[derive(Debug, Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    pub(super) person: PersonFrame,
    pub(super) title: String,
    pub(super) message: String,
    pub(super) back: Option<String>,
}

impl ErrorPage {
    fn answer(&self, status: StatusCode) -> Response {
        match self.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "the error page could not be made");
                (StatusCode::INTERNAL_SERVER_ERROR, self.message.clone()).into_response()
            }
        }
    }
}
