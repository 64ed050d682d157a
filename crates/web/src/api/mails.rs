//! Mails as they were sent. They hold links that act, so a key that may only read does not see them.

use axum::{
    Json as Body,
    extract::{Path, State},
};
use domain::{access::Right, mails::SentMail};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Endpoint, get},
    input::{Paging, Query, id},
    output::{Answer, List, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/mails", Right::Commit, "Lists sent mails, newest first; they hold links that act", list)
            .query::<Filter>()
            .lists::<MailBody>(),
        get("/mails/{id}", Right::Commit, "One sent mail", show).answers::<MailBody>(),
    ]
}

/// A sent mail. Texts are empty where a mail server has them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mail)]
struct MailBody {
    id: String,
    /// A code: `permission_request`, `candidate_booked`, ….
    kind: String,
    to: String,
    subject: String,
    /// RFC 5322 Message-ID without angle brackets.
    message_id: String,
    /// The id of the interview, vacancy or person it is about.
    about: String,
    text: String,
    html: String,
    /// The iCalendar part, if any.
    calendar: Option<String>,
    sent_at: Moment,
}

impl From<SentMail> for MailBody {
    fn from(mail: SentMail) -> Self {
        Self {
            id: mail.id.to_string(),
            kind: mail.kind,
            to: mail.to.to_string(),
            subject: mail.subject,
            message_id: mail.message_id,
            about: mail.about,
            text: mail.text,
            html: mail.html,
            calendar: mail.calendar,
            sent_at: mail.sent_at.into(),
        }
    }
}

/// Which mails.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those to this address.
    #[param(required = false)]
    to: Option<String>,
    /// `next_cursor` of the page before.
    #[param(required = false)]
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 where absent.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

async fn list(State(state): State<WebState>, Query(filter): Query<Filter>) -> Answer<List<MailBody>> {
    let paging = Paging { cursor: filter.cursor, limit: filter.limit };
    let found = state.app.mails(filter.to.as_deref(), paging.page::<SentMail>()?).await?;
    Ok(List::page(found, paging.limit()?, |mail| mail.id.to_string(), MailBody::from))
}

async fn show(State(state): State<WebState>, Path(text): Path<String>) -> Answer<Body<MailBody>> {
    Ok(Body(state.app.mail(id("mail", &text)?).await?.into()))
}
