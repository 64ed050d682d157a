//! `/audit`: the log, newest first, filtered where asked, and how far it is sealed, signed and checked.

use app::AuditState;
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    Timestamp,
    audit::{Filter, Line},
};
use url::form_urlencoded::Serializer;

use super::{
    Asked, Failure, OrFail,
    frame::{Frame, Section},
    page,
    session::Admin,
    shown::{actor, deed, detail, href_of, short_id},
    times::{Moment, moment},
    vacancies::{asked_page, next_page},
};
use crate::{
    WebState,
    texts::{filters, t},
};

/// Who can act, as filters name them.
const ACTORS: [&str; 6] = ["system", "api_key", "account", "administrator", "person", "operator"];

/// See `audit.html`.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub(super) struct AuditPage {
    pub(super) frame: Frame,
    pub(super) state: Vec<String>,
    pub(super) broken: bool,
    pub(super) asked: AskedFor,
    /// What is wrong with what was asked for.
    pub(super) problem: Option<String>,
    pub(super) rows: Vec<AuditRow>,
    pub(super) next: Option<String>,
}

/// The filter as it was typed.
#[derive(Debug, Default)]
pub(super) struct AskedFor {
    pub(super) since: String,
    pub(super) until: String,
    pub(super) action: String,
    pub(super) subject: String,
    pub(super) request: String,
    pub(super) actors: Vec<ActorChoice>,
    pub(super) any: bool,
}

/// An actor to choose.
#[derive(Debug)]
pub(super) struct ActorChoice {
    pub(super) code: &'static str,
    pub(super) label: String,
    pub(super) chosen: bool,
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
    pub(super) seq: Option<i64>,
}

impl AuditRow {
    pub(super) fn new(line: &Line) -> Self {
        let entry = line.entry();
        Self {
            // Only a damaged line can be outside of time.
            at: moment(entry.as_ref().map_or(Timestamp::UNIX_EPOCH, |entry| entry.at)),
            who: entry.as_ref().map_or_else(|| t("audit.unreadable").to_string(), |entry| actor(&entry.actor)),
            what: deed(&line.action),
            code: line.action.clone(),
            href: href_of(&line.subject),
            subject_short: short_id(&line.subject),
            subject: line.subject.clone(),
            why: entry.as_ref().and_then(detail).unwrap_or_default(),
            seq: line.seq,
        }
    }
}

/// A day as forms send it, or an instant as people copy it.
fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| format!("{text}T00:00:00Z").parse().ok())
}

/// What was asked for: as typed, as a filter, and which field makes no sense.
fn read(asked: &Asked) -> (AskedFor, Filter, Option<String>) {
    let text = |name: &str| asked.0.given(name).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (since, until) = (text("since"), text("until"));
    let chosen = text("actor");
    let wrong = [&since, &until].into_iter().flatten().find(|text| instant(text).is_none());
    let filter = Filter {
        since: since.as_deref().and_then(instant),
        until: until.as_deref().and_then(instant),
        actor: chosen.clone(),
        action: text("action"),
        subject: text("subject"),
        request: text("request"),
    };
    let choice = |code: &'static str| ActorChoice {
        code,
        label: crate::texts::code("actor", code),
        chosen: chosen.as_deref() == Some(code),
    };
    let shown = AskedFor {
        since: since.clone().unwrap_or_default(),
        until: until.clone().unwrap_or_default(),
        action: filter.action.clone().unwrap_or_default(),
        subject: filter.subject.clone().unwrap_or_default(),
        request: filter.request.clone().unwrap_or_default(),
        actors: ACTORS.into_iter().map(choice).collect(),
        any: filter != Filter::default() || wrong.is_some(),
    };
    let problem = wrong.map(|text| t("audit.filter.wrong_time").with("text", text).to_string());
    (shown, filter, problem)
}

/// The address of this list, with its filter.
fn address(asked: &Asked) -> String {
    let mut query = Serializer::new(String::new());
    for name in ["since", "until", "actor", "action", "subject", "request"] {
        if let Some(value) = asked.0.given(name).filter(|value| !value.is_empty()) {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { "/audit".to_owned() } else { format!("/audit?{query}") }
}

/// How the log stands, in sentences.
fn sentences(state: &AuditState) -> Vec<String> {
    let sealed = t("audit.state.sealed").with("sealed", state.tally.sealed).with("unsealed", state.tally.unsealed).to_string();
    let signed = match &state.newest {
        Some(newest) => t("audit.state.signed").with("seq", newest.seq).with("at", moment(newest.at).text).to_string(),
        None => t("audit.state.unsigned").to_string(),
    };
    let checked = match &state.checked {
        Some(checked) if checked.held => t("audit.state.held").with("at", moment(checked.at).text).to_string(),
        Some(checked) => t("audit.state.broke").with("at", moment(checked.at).text).to_string(),
        None => t("audit.state.unchecked").to_string(),
    };
    let outside = if state.outside { t("audit.state.leaves") } else { t("audit.state.stays") }.to_string();
    vec![sealed, signed, outside, checked]
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let (shown, filter, mut problem) = read(&asked);
    let lines = match state.app.audit_lines(&filter, asked_page(&asked), true).await {
        Err(app::Error::Invalid { problem: wrong, .. }) => {
            problem = Some(wrong);
            Vec::new()
        }
        found => found.or_fail(&state)?,
    };
    let standing = state.app.audit_state().await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Audit, None).await.or_fail(&state)?;
    let next = next_page(&address(&asked), lines.len(), lines.last().map(|line| line.id.clone()));
    page(&AuditPage {
        frame,
        state: sentences(&standing),
        broken: standing.broken,
        asked: shown,
        problem,
        rows: lines.iter().map(AuditRow::new).collect(),
        next,
    })
}
