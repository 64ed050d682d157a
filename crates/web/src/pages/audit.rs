//! `/audit`: the whole log, newest first.

use askama::Template;
use axum::{extract::State, response::Response};
use domain::audit::Entry;

use super::{
    Asked, Failure, OrFail,
    frame::{Frame, Section},
    page,
    session::Admin,
    shown::{actor, deed, detail, href_of, short_id},
    times::{Moment, moment},
    vacancies::{asked_page, next_page},
};
use crate::{WebState, texts::filters};

/// See `audit.html`.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub(super) struct AuditPage {
    pub(super) frame: Frame,
    pub(super) rows: Vec<AuditRow>,
    pub(super) next: Option<String>,
}

/// One line of the log.
#[derive(Debug)]
pub(super) struct AuditRow {
    pub(super) at: Moment,
    pub(super) who: String,
    pub(super) what: String,
    pub(super) code: String,
    pub(super) subject: String,
    pub(super) subject_short: String,
    pub(super) href: Option<String>,
    pub(super) why: String,
}

impl AuditRow {
    pub(super) fn new(entry: &Entry) -> Self {
        Self {
            at: moment(entry.at),
            who: actor(&entry.actor),
            what: deed(&entry.action),
            code: entry.action.clone(),
            href: href_of(&entry.subject),
            subject_short: short_id(&entry.subject),
            subject: entry.subject.clone(),
            why: detail(entry).unwrap_or_default(),
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let entries = state.app.audit(asked_page(&asked)).await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Audit, None).await.or_fail(&state)?;
    let next = next_page("/audit", entries.len(), entries.last().map(|entry| entry.id.to_string()));
    page(&AuditPage { frame, rows: entries.iter().map(AuditRow::new).collect(), next })
}
