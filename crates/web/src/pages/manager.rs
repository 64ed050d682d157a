//! `/m/{token}`: a manager's interview, with "I cannot".

use app::ParticipantView;
use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use domain::{Timestamp, interviews::InterviewState};

use super::{
    Failure,
    forms::Fields,
    frame::PersonFrame,
    links, page,
    participant::{Meeting, Reader, is_over},
};
use crate::{
    WebState,
    texts::{filters, t},
};

/// See `manager.html`.
#[derive(Debug, Template)]
#[template(path = "manager.html")]
pub(super) struct ManagerPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) meeting: Meeting,
    pub(super) note: Option<String>,
    pub(super) tone: &'static str,
    pub(super) can_decline: bool,
}

impl ManagerPage {
    pub(super) fn new(person: PersonFrame, token: String, view: &ParticipantView, now: Timestamp) -> Self {
        let over = is_over(view.state) || view.range.end() <= now;
        let (tone, note) = match view.state {
            InterviewState::Cancelled => ("bad", Some(t("manager.state.cancelled"))),
            _ if over => ("plain", Some(t("manager.state.over"))),
            InterviewState::Attention => ("warn", Some(t("manager.state.attention").with("company", &view.company))),
            _ => ("plain", None),
        };
        Self {
            meeting: Meeting::new(view, Reader::Manager),
            note: note.map(|text| text.to_string()),
            tone,
            can_decline: !over && matches!(view.state, InterviewState::Proposed | InterviewState::Booking | InterviewState::Booked),
            person,
            token,
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    let view = state.app.manager_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    page(&ManagerPage::new(PersonFrame::new(state.app.settings()), token, &view, state.app.now()))
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    if fields.get("action") != "cannot" {
        return Ok(links::unknown_action());
    }
    let failed = |error| links::problem_page(&state, &token, &error);
    state.app.manager_cannot(&token, fields.get("note")).await.map_err(failed)?;
    let company = &state.app.settings().company;
    links::notice(&state, "good", t("manager.cannot.done.title"), t("manager.cannot.done.lead").with("company", company))
}
