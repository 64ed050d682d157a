//! `/o/{token}`: a provisional time, proposed to a manager whose calendar cannot be read; accept or refuse.

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
    participant::{Meeting, Reader},
};
use crate::{
    WebState,
    texts::{filters, t},
};

/// See `proposal.html`.
#[derive(Debug, Template)]
#[template(path = "proposal.html")]
pub(super) struct ProposalPage {
    pub(super) person: PersonFrame,
    pub(super) token: String,
    pub(super) meeting: Meeting,
    pub(super) note: Option<String>,
    pub(super) tone: &'static str,
    pub(super) can_decide: bool,
}

impl ProposalPage {
    pub(super) fn new(person: PersonFrame, token: String, view: &ParticipantView, now: Timestamp) -> Self {
        let (tone, note) = match view.state {
            InterviewState::Cancelled => ("plain", Some(t("proposal.state.cancelled"))),
            _ if view.range.end() <= now => ("plain", Some(t("proposal.state.over"))),
            InterviewState::Proposed => ("plain", None),
            InterviewState::Attention => ("warn", Some(t("manager.state.attention").with("company", &view.company))),
            _ => ("good", Some(t("proposal.state.booked"))),
        };
        Self {
            meeting: Meeting::new(view, Reader::Manager),
            can_decide: note.is_none(),
            note: note.map(|text| text.to_string()),
            tone,
            person,
            token,
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, Path(token): Path<String>) -> Result<Response, Failure> {
    let view = state.app.proposal_page(&token).await.map_err(|error| links::problem_page(&state, &token, &error))?;
    page(&ProposalPage::new(PersonFrame::new(state.app.settings()), token, &view, state.app.now()))
}

pub(super) async fn act(State(state): State<WebState>, Path(token): Path<String>, fields: Fields) -> Result<Response, Failure> {
    let failed = |error| links::problem_page(&state, &token, &error);
    match fields.get("action") {
        "accept" => {
            let view = state.app.proposal_page(&token).await.map_err(failed)?;
            state.app.proposal_accept(&token).await.map_err(failed)?;
            links::notice(
                &state,
                "good",
                t("proposal.accepted.title"),
                t("proposal.accepted.lead").with("candidate", view.candidate),
            )
        }
        "refuse" => {
            let view = state.app.proposal_page(&token).await.map_err(failed)?;
            state.app.proposal_refuse(&token).await.map_err(failed)?;
            let lead = t("proposal.refused.lead").with("company", view.company).with("candidate", view.candidate);
            links::notice(&state, "plain", t("proposal.refused.title"), lead)
        }
        _ => Ok(links::unknown_action()),
    }
}
