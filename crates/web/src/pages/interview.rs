//! `/interviews/{id}`: one interview with its buttons, the forms to move and cancel it, and the feedback.

use app::{Error, InterviewView};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    Id,
    audit::Entry,
    interviews::{Interview, Role},
};

use super::{
    Asked, Failure, OrFail,
    failure::{dashboard_error, sentence},
    feedback::FeedbackShown,
    frame::{Frame, Section},
    id_of, links, page_with,
    session::{Admin, AdminForm},
    shown::{
        Action, Badge, TrailLine, action, attention_sentence, cancelled_sentence, interview_badge, place_text, reasons, trail,
    },
    times::{self, WhenLine},
    vacancy::TRAIL_LINES,
};
use crate::{
    WebState, error,
    security::see_other,
    texts::{filters, t},
};

/// See `interview.html`.
#[derive(Debug, Template)]
#[template(path = "interview.html")]
pub(super) struct InterviewPage {
    pub(super) frame: Frame,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) state: Badge,
    pub(super) provisional: bool,
    pub(super) attention: Option<String>,
    pub(super) candidate: String,
    pub(super) candidate_id: String,
    pub(super) candidate_email: String,
    pub(super) confirmed: bool,
    pub(super) manager: String,
    pub(super) manager_id: String,
    /// Id and name of each who interviews beside the manager.
    pub(super) interviewers: Vec<(String, String)>,
    pub(super) vacancy: String,
    pub(super) vacancy_id: String,
    pub(super) round: String,
    pub(super) when: Vec<WhenLine>,
    pub(super) zone: String,
    pub(super) place: String,
    /// How the calendar stands.
    pub(super) calendar: String,
    pub(super) event_url: Option<String>,
    pub(super) cancelled: Option<String>,
    pub(super) actions: Vec<Action>,
    pub(super) move_form: Option<MoveForm>,
    pub(super) can_cancel: bool,
    pub(super) feedback: Option<FeedbackShown>,
    pub(super) trail: Vec<TrailLine>,
}

/// The form that moves the interview.
#[derive(Debug)]
pub(super) struct MoveForm {
    pub(super) start: String,
    pub(super) error: Option<String>,
}

/// What was typed into the form that moves the interview, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) start: Option<String>,
    pub(super) error: Option<String>,
}

impl InterviewPage {
    pub(super) fn new(frame: Frame, view: &InterviewView, entries: &[Entry], typed: Typed) -> Self {
        let interview = &view.interview;
        let can = |name: &str| view.allowed_actions.contains(&name);
        let buttons = [("accept", "primary"), ("resolve", "primary"), ("finish", "plain"), ("no_show", "plain")];
        let mut actions: Vec<Action> =
            buttons.into_iter().filter(|(name, _)| can(name)).map(|(name, tone)| action(name, tone)).collect();
        if can("feedback") && view.feedback.is_some() {
            actions.push(action("close_feedback", "plain"));
        }
        let is_candidates = |participant: &&domain::interviews::Participant| participant.role == Role::Candidate;
        let confirmed =
            interview.participants.iter().find(is_candidates).is_some_and(|participant| participant.confirmed_at.is_some());
        let is_web = |url: &&String| url.starts_with("https://") || url.starts_with("http://");
        Self {
            frame,
            id: interview.id.to_string(),
            title: t("interview.title").with("candidate", &view.candidate.name).with("manager", &view.manager.name).to_string(),
            state: interview_badge(interview.state),
            provisional: interview.provisional,
            attention: attention_sentence(interview),
            candidate: view.candidate.name.clone(),
            candidate_id: view.candidate.id.to_string(),
            candidate_email: view.candidate.email().map(ToString::to_string).unwrap_or_default(),
            confirmed,
            manager: view.manager.name.clone(),
            manager_id: view.manager.id.to_string(),
            interviewers: view.interviewers.iter().map(|person| (person.id.to_string(), person.name.clone())).collect(),
            vacancy: view.vacancy.title.clone(),
            vacancy_id: view.vacancy.id.to_string(),
            round: view.vacancy.round_at(interview.round).map(|round| round.name.clone()).unwrap_or_default(),
            when: times::when(interview.range, &interview.zone, None),
            zone: interview.zone.name().to_owned(),
            place: view.place_text.clone().unwrap_or_else(|| place_text(view.vacancy.place.as_ref())),
            calendar: calendar(interview),
            event_url: interview.event.as_ref().and_then(|event| event.url.as_ref()).filter(is_web).cloned(),
            cancelled: cancelled_sentence(interview),
            actions,
            move_form: can("move").then(|| MoveForm {
                start: typed.start.unwrap_or_else(|| times::field_value(interview.range.start(), &interview.zone)),
                error: typed.error,
            }),
            can_cancel: can("cancel"),
            feedback: view
                .feedback
                .as_ref()
                .filter(|feedback| feedback.revoked_at.is_none())
                .map(|feedback| FeedbackShown::new(feedback, &view.manager.name)),
            trail: trail(entries),
        }
    }
}

fn calendar(interview: &Interview) -> String {
    let key = if !interview.is_settled() {
        t("interview.calendar.pending")
    } else if interview.event.is_some() {
        t("interview.calendar.settled")
    } else {
        t("interview.calendar.none")
    };
    key.to_string()
}

async fn render(
    state: &WebState,
    admin: &Admin,
    id: Id<Interview>,
    done: Option<&str>,
    status: StatusCode,
    typed: Typed,
) -> Result<Response, Failure> {
    let view = state.app.interview(id).await.or_fail(state)?;
    let entries = state.app.trail(&id.to_string(), TRAIL_LINES).await.or_fail(state)?;
    let frame = Frame::new(state, admin, Section::Interviews, done).await.or_fail(state)?;
    page_with(status, &InterviewPage::new(frame, &view, &entries, typed))
}

pub(super) async fn show(
    State(state): State<WebState>,
    admin: Admin,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let id = id_of(&state, "interview", &id)?;
    render(&state, &admin, id, asked.0.given("done"), StatusCode::OK, Typed::default()).await
}

pub(super) async fn act(State(state): State<WebState>, Path(id): Path<String>, form: AdminForm) -> Result<Response, Failure> {
    let id: Id<Interview> = id_of(&state, "interview", &id)?;
    let caller = form.admin.caller(&state);
    let done = match form.fields.get("action") {
        "move" => return Box::pin(move_to(&state, id, &form)).await,
        "cancel" => state.app.cancel_interview(id, form.fields.get("why"), None, false, &caller).await.map(|_| "cancel"),
        "resolve" => state.app.resolve_interview(id, &caller).await.map(|_| "resolve"),
        "no_show" => state.app.no_show(id, &caller).await.map(|_| "no_show"),
        "finish" => state.app.finish(id, &caller).await.map(|_| "finish"),
        "accept" => state.app.accept_proposal(id, &caller).await.map(|_| "accept"),
        "close_feedback" => state.app.close_feedback(id, &caller).await.map(|_| "close_feedback"),
        _ => return Ok(links::unknown_action()),
    };
    let here = format!("/interviews/{id}");
    let done = done.map_err(|error| dashboard_error(&state, &error, &here))?;
    Ok(see_other(&format!("{here}?done={done}")))
}

async fn move_to(state: &WebState, id: Id<Interview>, form: &AdminForm) -> Result<Response, Failure> {
    let view = state.app.interview(id).await.or_fail(state)?;
    let text = form.fields.get("start");
    let typed = |error: String| Typed { start: Some(text.to_owned()), error: Some(sentence(&error)) };
    let start = match times::from_field(text, &view.interview.zone) {
        Ok(start) => start,
        Err(problem) => return render(state, &form.admin, id, None, StatusCode::UNPROCESSABLE_ENTITY, typed(problem)).await,
    };
    match state.app.move_interview(id, start, None, false, &form.admin.caller(state)).await {
        Ok(_) => Ok(see_other(&format!("/interviews/{id}?done=move"))),
        Err(problem @ (Error::Invalid { .. } | Error::Refused { .. } | Error::Busy)) => {
            error::log(&problem);
            let status = error::status(&problem);
            let text = refusal_in_words(&problem);
            render(state, &form.admin, id, None, status, typed(text)).await
        }
        Err(other) => Err(dashboard_error(state, &other, &format!("/interviews/{id}"))),
    }
}

/// Why a time was refused. The reasons come as codes behind a colon.
fn refusal_in_words(error: &Error) -> String {
    match error {
        Error::Invalid { problem, .. } => problem.clone(),
        Error::Refused { code: "time_not_available", problem } => match problem.rsplit_once(": ") {
            Some((_, codes)) => reasons(&codes.split(", ").map(str::to_owned).collect::<Vec<_>>()),
            None => problem.clone(),
        },
        other => other.outside(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_times_are_explained() {
        let problem = "this time cannot be offered: busy, outside_hours".to_owned();
        let words = refusal_in_words(&Error::Refused { code: "time_not_available", problem });
        assert_eq!(words, "The manager’s calendar is full. No room in the working hours.");
    }
}
