//! Interviews: see, move, cancel, decide.

use app::InterviewView;
use axum::extract::{Path, State};
use domain::{
    Id,
    access::Right,
    interviews::{AttentionReason, By, FeedbackState, Interview, InterviewState, Role},
};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Authorized, Endpoint, get, post},
    feedback::FeedbackBody,
    input::{DryRun, IfMatch, Json, Query, id, instant, invalid, range},
    output::{Answer, List, Moment, Resource},
    vacancies::{PersonBrief, PlaceBody},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let commit = Right::Commit;
    vec![
        get("/interviews", Right::Read, "Lists interviews that overlap a window, by start; or those that need a decision", list)
            .query::<Window>()
            .lists::<InterviewDetail>(),
        get("/interviews/{id}", Right::Read, "One interview with its feedback", show).answers::<InterviewDetail>(),
        post(
            "/interviews/{id}/move",
            commit,
            "Moves it to another start; refused where a rule, an event or an interview is in the way",
            move_to,
        )
        .query::<DryRun>()
        .if_match()
        .body::<Move>()
        .answers::<InterviewDetail>(),
        post("/interviews/{id}/cancel", commit, "Cancels it and tells both; twice is once", cancel)
            .query::<DryRun>()
            .if_match()
            .body::<Cancel>()
            .answers::<InterviewDetail>(),
        post("/interviews/{id}/resolve", commit, "Keeps an interview that needed a decision", resolve)
            .if_match()
            .answers::<InterviewDetail>(),
        post("/interviews/{id}/accept", commit, "Accepts a provisional time in the manager's place", accept)
            .if_match()
            .answers::<InterviewDetail>(),
        post("/interviews/{id}/finish", commit, "Says that it took place", finish).if_match().answers::<InterviewDetail>(),
        post("/interviews/{id}/no-show", commit, "Says that the candidate did not come", no_show)
            .if_match()
            .answers::<InterviewDetail>(),
    ]
}

/// An interview.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Interview)]
pub(super) struct InterviewBody {
    id: String,
    /// The ETag; send it as `If-Match` with a change.
    revision: i64,
    vacancy_id: String,
    #[schema(value_type = InterviewStateName)]
    state: InterviewState,
    /// Whether it rests on an assumed calendar.
    provisional: bool,
    start: Moment,
    end: Moment,
    /// The interview's own zone: the manager's calendar's.
    zone: String,
    /// Which round, from 1.
    round: i64,
    /// The iCalendar SEQUENCE.
    sequence: i64,
    #[schema(value_type = FeedbackStateName)]
    feedback_state: FeedbackState,
    /// Whether the calendar is known to hold what is intended.
    settled: bool,
    /// The event, for those who may open the calendar.
    event_url: Option<String>,
    /// The meeting the provider made.
    meeting_url: Option<String>,
    /// Why a person must decide.
    attention: Option<AttentionBody>,
    cancelled: Option<CancelledBody>,
    /// When the candidate confirmed by their page.
    candidate_confirmed_at: Option<Moment>,
    booked_at: Option<Moment>,
    created_at: Moment,
}

/// How far an interview is.
#[derive(ToSchema)]
#[schema(as = InterviewState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's states")]
pub(super) enum InterviewStateName {
    Proposed,
    Booking,
    Booked,
    Done,
    NoShow,
    Cancelled,
    Attention,
}

/// How the feedback stands.
#[derive(ToSchema)]
#[schema(as = FeedbackState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's states")]
enum FeedbackStateName {
    NotDue,
    Requested,
    Given,
    Closed,
}

/// Why a person must decide, and since when.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Attention)]
struct AttentionBody {
    /// `candidate_cannot`, `manager_cannot`, `event_deleted`, `clash`, `no_time` or `calendar_refused`.
    #[schema(value_type = String)]
    reason: AttentionReason,
    since: Moment,
}

/// Who cancelled it, when and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cancelled)]
struct CancelledBody {
    /// `recruiter`, `candidate`, `manager` or `system`.
    #[schema(value_type = String)]
    by: By,
    at: Moment,
    reason: String,
}

impl From<&Interview> for InterviewBody {
    fn from(interview: &Interview) -> Self {
        let candidate = interview.participants.iter().find(|participant| participant.role == Role::Candidate);
        Self {
            id: interview.id.to_string(),
            revision: interview.rev,
            vacancy_id: interview.vacancy.to_string(),
            state: interview.state,
            provisional: interview.provisional,
            start: interview.range.start().into(),
            end: interview.range.end().into(),
            zone: interview.zone.name().to_owned(),
            round: interview.round,
            sequence: interview.sequence,
            feedback_state: interview.feedback,
            settled: interview.is_settled(),
            event_url: interview.event.as_ref().and_then(|event| event.url.clone()),
            meeting_url: interview.event.as_ref().and_then(|event| event.meeting_url.clone()),
            attention: interview.attention.map(|(reason, since)| AttentionBody { reason, since: since.into() }),
            cancelled: interview.cancelled.as_ref().map(|(by, at, reason)| CancelledBody {
                by: *by,
                at: (*at).into(),
                reason: reason.clone(),
            }),
            candidate_confirmed_at: candidate.and_then(|participant| participant.confirmed_at).map(Moment),
            booked_at: interview.booked_at.map(Moment),
            created_at: interview.created_at.into(),
        }
    }
}

/// An interview with everything around it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct InterviewDetail {
    #[serde(flatten)]
    interview: InterviewBody,
    vacancy: VacancyBrief,
    candidate: PersonBrief,
    manager: PersonBrief,
    /// Who interviews beside the manager.
    interviewers: Vec<PersonBrief>,
    place: Option<PlaceBody>,
    /// What the manager answered, if they did.
    feedback: Option<FeedbackBody>,
    /// What may be asked of it now.
    allowed_actions: Vec<&'static str>,
}

/// A vacancy, in short.
#[derive(Debug, Serialize, ToSchema)]
struct VacancyBrief {
    id: String,
    external_id: Option<String>,
    title: String,
}

impl From<&InterviewView> for InterviewDetail {
    fn from(view: &InterviewView) -> Self {
        Self {
            interview: (&view.interview).into(),
            vacancy: VacancyBrief {
                id: view.vacancy.id.to_string(),
                external_id: view.vacancy.external_id.clone(),
                title: view.vacancy.title.clone(),
            },
            candidate: (&view.candidate).into(),
            manager: (&view.manager).into(),
            interviewers: view.interviewers.iter().map(PersonBrief::from).collect(),
            place: view.vacancy.place.as_ref().map(PlaceBody::from),
            feedback: view.feedback.as_ref().map(FeedbackBody::from),
            allowed_actions: view.allowed_actions.clone(),
        }
    }
}

/// Which interviews.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Window {
    /// RFC 3339; now where absent.
    #[param(required = false)]
    start: Option<String>,
    /// RFC 3339; two weeks after `start` where absent.
    #[param(required = false)]
    end: Option<String>,
    /// Only those that need a decision, whenever they are.
    #[serde(default)]
    #[param(required = false)]
    attention: bool,
}

/// The most interviews a window may hold: what the store gives at once.
const MAX_IN_WINDOW: usize = 500;

async fn list(State(state): State<WebState>, Query(window): Query<Window>) -> Answer<List<InterviewDetail>> {
    let found = if window.attention {
        state.app.attention().await?
    } else {
        let start = window.start.as_deref().map(|text| instant("start", text)).transpose()?.unwrap_or_else(|| state.app.now());
        let two_weeks =
            || start.checked_add(SignedDuration::from_hours(14 * 24)).map_err(|error| invalid("start", error.to_string()));
        let end = window.end.as_deref().map(|text| instant("end", text)).transpose()?.map_or_else(two_weeks, Ok)?;
        state.app.interviews_between(range(start, end)?).await?
    };
    if found.len() >= MAX_IN_WINDOW {
        return Err(invalid("end", format!("the window holds {MAX_IN_WINDOW} interviews or more; ask for a shorter one")));
    }
    Ok(List::whole(found.iter().map(InterviewDetail::from).collect()))
}

/// The answer of every handler that gives one interview.
pub(super) fn resource(view: &InterviewView) -> Resource<InterviewDetail> {
    Resource::new(view.interview.rev, view.into())
}

async fn show(State(state): State<WebState>, Path(text): Path<String>) -> Answer<Resource<InterviewDetail>> {
    Ok(resource(&state.app.interview(id("interview", &text)?).await?))
}

/// The interview of a path, at the revision the caller read.
pub(super) async fn matching(state: &WebState, text: &str, if_match: IfMatch) -> Answer<Id<Interview>> {
    let id = id("interview", text)?;
    if if_match.0.is_some() {
        if_match.check("interview", id, state.app.interview(id).await?.interview.rev)?;
    }
    Ok(id)
}

/// Where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// RFC 3339 with an offset; the length stays.
    #[schema(format = DateTime)]
    start: String,
}

async fn move_to(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Query(dry): Query<DryRun>,
    if_match: IfMatch,
    Json(to): Json<Move>,
) -> Answer<Resource<InterviewDetail>> {
    let start = instant("start", &to.start)?;
    let view = state.app.move_interview(id("interview", &text)?, start, if_match.0, dry.dry_run, &by.caller).await?;
    Ok(resource(&view))
}

/// Why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Cancel {
    /// In words; both read it.
    #[serde(default)]
    #[schema(required = false)]
    reason: String,
}

async fn cancel(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Query(dry): Query<DryRun>,
    if_match: IfMatch,
    Json(why): Json<Cancel>,
) -> Answer<Resource<InterviewDetail>> {
    let view = state.app.cancel_interview(id("interview", &text)?, &why.reason, if_match.0, dry.dry_run, &by.caller).await?;
    Ok(resource(&view))
}

async fn resolve(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<InterviewDetail>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.resolve_interview(id, &by.caller).await?))
}

async fn accept(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<InterviewDetail>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.accept_proposal(id, &by.caller).await?))
}

async fn finish(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<InterviewDetail>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.finish(id, &by.caller).await?))
}

async fn no_show(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<InterviewDetail>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.no_show(id, &by.caller).await?))
}
