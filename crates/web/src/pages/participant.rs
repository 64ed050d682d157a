//! What the pages of an interview's participants share: the facts of the meeting, each in the reader's words and zone.

use app::ParticipantView;
use domain::{interviews::InterviewState, vacancies::Place};

use super::times::{self, WhenLine};
use crate::texts::t;

/// The facts, for `meeting.html`.
#[derive(Debug, Clone)]
pub(super) struct Meeting {
    pub(super) vacancy: String,
    pub(super) round: String,
    pub(super) candidate: String,
    pub(super) manager: String,
    /// Whom the reader meets.
    pub(super) other: String,
    pub(super) other_label: String,
    /// Everybody who interviews, where several do and one of them reads.
    pub(super) panel: Option<String>,
    pub(super) when: Vec<WhenLine>,
    pub(super) start_iso: String,
    pub(super) end_iso: String,
    /// A meeting address to click, if it is one.
    pub(super) url: Option<String>,
    /// Otherwise where it is.
    pub(super) place: String,
}

/// Who reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Candidate,
    Manager,
}

impl Meeting {
    pub(super) fn new(view: &ParticipantView, reader: Reader) -> Self {
        let panel = std::iter::once(&view.manager).chain(&view.interviewers).cloned().collect::<Vec<_>>().join(", ");
        let (other, label, panel) = match reader {
            Reader::Candidate => (panel, t("participant.manager"), None),
            Reader::Manager => {
                (view.candidate.clone(), t("participant.candidate"), Some(panel).filter(|_| !view.interviewers.is_empty()))
            }
        };
        let (url, place) = location(view);
        Self {
            vacancy: view.vacancy.clone(),
            round: view.round.clone(),
            candidate: view.candidate.clone(),
            manager: view.manager.clone(),
            other,
            other_label: label.to_string(),
            panel,
            when: times::when(view.range, &view.zone, view.reader_zone.as_ref()),
            start_iso: times::iso(view.range.start()),
            end_iso: times::iso(view.range.end()),
            url,
            place,
        }
    }
}

/// An address to click where it is one for the web, otherwise words.
fn location(view: &ParticipantView) -> (Option<String>, String) {
    let is_web = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    match (&view.place, &view.meeting_url) {
        (Some(Place::Url(url)), _) if is_web(url) => (Some(url.clone()), String::new()),
        (Some(Place::Url(text) | Place::Address(text)), _) => (None, text.clone()),
        (_, Some(url)) if is_web(url) => (Some(url.clone()), String::new()),
        (Some(Place::ZohoMeeting), _) => (None, t("participant.zoho_meeting").to_string()),
        (None, _) => (None, t("participant.place_later").to_string()),
    }
}

/// Whether the interview is behind its participants.
pub(super) const fn is_over(state: InterviewState) -> bool {
    matches!(state, InterviewState::Done | InterviewState::NoShow)
}
