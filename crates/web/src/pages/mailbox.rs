//! `/mailbox`: every message that was sent. Where no mail server is set, this is the only place they reach.

use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{Html, IntoResponse, Response},
};
use domain::{Id, mails::SentMail};

use super::{
    Asked, Failure, OrFail,
    failure::sentence,
    frame::{Frame, Section},
    id_of, page,
    session::Admin,
    shown::{Piece, href_of, linkified, short_id},
    times::{Moment, moment},
    vacancies::{asked_page, next_page},
};
use crate::{
    WebState,
    texts::{code, filters},
};

/// What the HTML of a mail may do: look as it does in a mail program, and nothing else. It is shown in a frame without an origin.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
     sandbox allow-top-navigation-by-user-activation";

/// See `mailbox.html`.
#[derive(Debug, Template)]
#[template(path = "mailbox.html")]
pub(super) struct MailboxPage {
    pub(super) frame: Frame,
    /// The address that the list is narrowed to.
    pub(super) to: String,
    pub(super) error: Option<String>,
    pub(super) rows: Vec<MailRow>,
    pub(super) next: Option<String>,
}

/// One message of the list.
#[derive(Debug)]
pub(super) struct MailRow {
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) to: String,
    pub(super) at: Moment,
}

/// See `mail.html`.
#[derive(Debug, Template)]
#[template(path = "mail.html")]
pub(super) struct MailPage {
    pub(super) frame: Frame,
    pub(super) id: String,
    pub(super) subject: String,
    pub(super) to: String,
    pub(super) kind: String,
    pub(super) at: Moment,
    pub(super) about_short: String,
    pub(super) about_href: Option<String>,
    pub(super) text: Vec<Piece>,
    pub(super) has_html: bool,
    pub(super) calendar: Option<String>,
}

impl MailRow {
    pub(super) fn new(mail: &SentMail) -> Self {
        Self { id: mail.id.to_string(), subject: mail.subject.clone(), to: mail.to.to_string(), at: moment(mail.sent_at) }
    }
}

impl MailPage {
    pub(super) fn new(frame: Frame, mail: &SentMail) -> Self {
        Self {
            frame,
            id: mail.id.to_string(),
            subject: mail.subject.clone(),
            to: mail.to.to_string(),
            kind: code("kind", &mail.kind),
            at: moment(mail.sent_at),
            about_href: href_of(&mail.about),
            about_short: short_id(&mail.about),
            text: linkified(&mail.text),
            has_html: !mail.html.is_empty(),
            calendar: mail.calendar.clone().filter(|text| !text.is_empty()),
        }
    }
}

pub(super) async fn list(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let to = asked.0.given("to");
    let (mails, error) = match state.app.mails(to, asked_page(&asked)).await {
        Ok(mails) => (mails, None),
        Err(error @ app::Error::Invalid { .. }) => (Vec::new(), Some(sentence(&error.outside()))),
        Err(error) => return Err(state.failure(&error)),
    };
    let frame = Frame::new(&state, &admin, Section::Mailbox, None).await.or_fail(&state)?;
    let path = to.map_or_else(|| "/mailbox".to_owned(), |to| format!("/mailbox?to={}", encoded(to)));
    let next = next_page(&path, mails.len(), mails.last().map(|mail| mail.id.to_string()));
    page(&MailboxPage { frame, to: to.unwrap_or_default().to_owned(), error, rows: mails.iter().map(MailRow::new).collect(), next })
}

/// A value for a query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, Path(id): Path<String>) -> Result<Response, Failure> {
    let id: Id<SentMail> = id_of(&state, "message", &id)?;
    let mail = state.app.mail(id).await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Mailbox, None).await.or_fail(&state)?;
    page(&MailPage::new(frame, &mail))
}

/// The HTML part alone, for the frame. Its links open in the whole window.
pub(super) async fn html(State(state): State<WebState>, _admin: Admin, Path(id): Path<String>) -> Result<Response, Failure> {
    let id: Id<SentMail> = id_of(&state, "message", &id)?;
    let mail = state.app.mail(id).await.or_fail(&state)?;
    let mut response = Html(with_links_to_top(&mail.html)).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY));
    Ok(response)
}

/// Puts `<base target="_top">` into the head; before everything else where there is no head.
fn with_links_to_top(html: &str) -> String {
    const BASE: &str = "<base target=\"_top\">";
    match html.find("<head>") {
        Some(at) => {
            let (before, behind) = html.split_at(at + "<head>".len());
            format!("{before}{BASE}{behind}")
        }
        None => format!("{BASE}{html}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_mail_leave_the_frame() {
        assert_eq!(
            with_links_to_top("<html><head><title>x</title></head>"),
            "<html><head><base target=\"_top\"><title>x</title></head>"
        );
        assert_eq!(with_links_to_top("<p>x</p>"), "<base target=\"_top\"><p>x</p>");
    }
}
