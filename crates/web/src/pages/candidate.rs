//! `/c/{token}`: a candidate's interview, in their own time zone; confirm, or say that the time does not work.

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

/// See `candidate.html`.
#[derive(Debug, Template)]
#[template(path = "candidate.html")]
pub(super) struct CandidatePage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) meeting: Meeting,
    /// How the interview stands, where it is not simply booked.
    pub(super) note: Option<String>,
    pub(super) tone: &'static str,
    pub(super) confirmed: bool,
    pub(super) can_confirm: bool,
    pub(super) can_decline: bool,
    /// Where somebody who picked the time moves or cancels it.
    pub(super) change: Option<String>,
}

impl CandidatePage {
    pub(super) fn new(person: PersonFrame, token: String, view: &ParticipantView, now: Timestamp) -> Self {
        let over = is_over(view.state) || view.range.end() <= now;
        let (tone, note) = match view.state {
            InterviewState::Cancelled => ("bad", Some(t("candidate.state.cancelled").with("company", &view.company))),
            _ if over => ("plain", Some(t("candidate.state.over"))),
            InterviewState::Attention => ("warn", Some(t("candidate.state.attention").with("company", &view.company))),
            InterviewState::Proposed => ("plain", Some(t("candidate.state.not_yet"))),
            _ => ("plain", None),
        };
        let open = !over && matches!(view.state, InterviewState::Booking | InterviewState::Booked);
        Self {
            meeting: Meeting::new(view, Reader::Candidate),
            note: note.map(|text| text.to_string()),
            tone,
            confirmed: open && view.confirmed,
            can_confirm: open,
            can_decline: open,
            change: view.change.as_ref().filter(|_| open).map(|url| url.path().to_owned()),
            person,
            token,
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    let view = state.app.candidate_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    page(&CandidatePage::new(PersonFrame::new(state.app.settings()), token, &view, state.app.now()))
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    let failed = |error| links::problem_page(&state, &token, &error);
    match fields.get("action") {
        "confirm" => {
            let view = state.app.candidate_page(&token).await.map_err(failed)?;
            state.app.candidate_confirm(&token).await.map_err(failed)?;
            links::notice(
                &state,
                "good",
                t("candidate.confirm.done.title"),
                t("candidate.confirm.done.lead").with("manager", view.manager),
            )
        }
        "cannot" => {
            state.app.candidate_cannot(&token, fields.get("note")).await.map_err(failed)?;
            let company = &state.app.settings().company;
            links::notice(
                &state,
                "good",
                t("candidate.cannot.done.title"),
                t("candidate.cannot.done.lead").with("company", company),
            )
        }
        _ => Ok(links::unknown_action()),
    }
}
