//! Vacancies: make them, approve them, see what they wait for.

use app::{PlaceInput, VacancyInput, VacancyPatch, VacancyView};
use axum::extract::{Path, State};
use domain::{
    Id,
    access::Right,
    people::Person,
    vacancies::{Place, Policy, Vacancy, VacancyState, Waiting},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    endpoint::{Authorized, Endpoint, get, patch, post},
    input::{DryRun, IfMatch, Json, Paging, Query, id},
    interviews::InterviewBody,
    output::{Answer, List, Moment, Resource},
    shortlist::NewCandidate,
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/vacancies", Right::Read, "Lists vacancies, newest first", list).query::<Paging>().lists::<VacancyBody>(),
        post(
            "/vacancies",
            Right::Propose,
            "Makes a vacancy with its shortlist; nothing is mailed or booked before it is approved",
            create,
        )
        .body::<NewVacancy>()
        .answers::<VacancyBody>()
        .with(axum::http::StatusCode::CREATED),
        get("/vacancies/{id}", Right::Read, "One vacancy with its shortlist and what it waits for", show).answers::<VacancyBody>(),
        patch("/vacancies/{id}", Right::Propose, "Changes title, place, policy or length", update)
            .if_match()
            .body::<VacancyChange>()
            .answers::<VacancyBody>(),
        post(
            "/vacancies/{id}/approve",
            Right::Commit,
            "Approves: from here Greenroom works by itself; however often it is called, it starts once",
            approve,
        )
        .query::<DryRun>()
        .if_match()
        .answers::<VacancyBody>(),
        post("/vacancies/{id}/pause", Right::Commit, "Starts nothing new for the vacancy until it is resumed", pause)
            .if_match()
            .answers::<VacancyBody>(),
        post("/vacancies/{id}/resume", Right::Commit, "Goes on after a pause", resume).if_match().answers::<VacancyBody>(),
        post("/vacancies/{id}/close", Right::Commit, "Ends the vacancy; interviews that are booked stay", close)
            .if_match()
            .answers::<VacancyBody>(),
    ]
}

/// A vacancy with its shortlist and what it waits for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vacancy)]
pub(super) struct VacancyBody {
    id: String,
    /// The ETag; send it as `If-Match` with a change.
    revision: i64,
    /// Your own id.
    external_id: Option<String>,
    title: String,
    #[schema(value_type = VacancyStateName)]
    state: VacancyState,
    paused: bool,
    manager: PersonBrief,
    /// Who asks, as the manager reads it.
    requested_by: String,
    place: Option<PlaceBody>,
    rounds: Vec<RoundBody>,
    policy: PolicyBody,
    approved_at: Option<Moment>,
    created_at: Moment,
    /// In order: earlier ones get earlier times.
    shortlist: Vec<ShortlistLine>,
    /// Whom or what it waits for, since when, what happens next and when.
    waiting_for: Vec<WaitingBody>,
    /// What may be asked of it now.
    allowed_actions: Vec<&'static str>,
}

/// How a vacancy stands.
#[derive(ToSchema)]
#[schema(as = VacancyState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's states")]
enum VacancyStateName {
    Draft,
    Approved,
    Closed,
}

/// Somebody, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PersonBrief {
    id: String,
    name: String,
    /// Where mail goes; null where it was erased.
    email: Option<String>,
    /// An IANA zone, if known.
    zone: Option<String>,
}

impl From<&Person> for PersonBrief {
    fn from(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name.clone(),
            email: person.email().map(ToString::to_string),
            zone: person.zone.as_ref().map(|zone| zone.name().to_owned()),
        }
    }
}

/// Where interviews take place.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Place)]
#[serde(deny_unknown_fields)]
pub(super) struct PlaceBody {
    kind: PlaceKind,
    /// The address or URL; absent for a Zoho Meeting.
    #[serde(default)]
    #[schema(required = false)]
    value: Option<String>,
}

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlaceKind {
    /// A room or street address.
    Address,
    /// A meeting URL.
    Url,
    /// A Zoho Meeting made with each event.
    ZohoMeeting,
}

impl From<&Place> for PlaceBody {
    fn from(place: &Place) -> Self {
        let kind = match place {
            Place::Address(_) => PlaceKind::Address,
            Place::Url(_) => PlaceKind::Url,
            Place::ZohoMeeting => PlaceKind::ZohoMeeting,
        };
        Self { kind, value: place.text().map(ToOwned::to_owned) }
    }
}

impl From<PlaceBody> for PlaceInput {
    fn from(place: PlaceBody) -> Self {
        let value = place.value.unwrap_or_default();
        match place.kind {
            PlaceKind::Address => Self::Address(value),
            PlaceKind::Url => Self::Url(value),
            PlaceKind::ZohoMeeting => Self::ZohoMeeting,
        }
    }
}

/// One round of interviews.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Round)]
struct RoundBody {
    position: i64,
    name: String,
    minutes: i64,
}

/// What Greenroom may do by itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Policy)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyBody {
    /// Whether provisional times are proposed where permission does not come.
    provisional: bool,
    /// How long permission is waited for first, in hours; 48 where absent.
    #[serde(default = "two_days")]
    #[schema(required = false)]
    provisional_after_hours: i64,
}

const fn two_days() -> i64 {
    48
}

impl PolicyBody {
    fn read(self) -> Answer<Policy> {
        if !(0..=24 * 60).contains(&self.provisional_after_hours) {
            return Err(super::input::invalid("policy.provisional_after_hours", "use 0 to 1440 hours"));
        }
        Ok(Policy { provisional: self.provisional, provisional_after_hours: self.provisional_after_hours })
    }
}

/// One line of a shortlist.
#[derive(Debug, Serialize, ToSchema)]
struct ShortlistLine {
    /// Names the place on the list.
    id: String,
    position: i64,
    candidate: PersonBrief,
    /// Why no time was found at the last attempt.
    unplaced: Option<UnplacedBody>,
    withdrawn: bool,
    /// The interview that counts: the one not cancelled, else the last.
    interview: Option<InterviewBody>,
}

/// No time could be offered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unplaced)]
struct UnplacedBody {
    since: Moment,
    /// Codes, most frequent first.
    reasons: Vec<String>,
}

/// Whom or what is waited for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Waiting)]
pub(super) struct WaitingBody {
    /// A code: `permission`, `administrator`, `calendar`, `time`, `manager`, `interview`, `feedback`, `recruiter`.
    on: String,
    who: Option<String>,
    since: Moment,
    /// What happens next, as a code.
    next: Option<String>,
    next_at: Option<Moment>,
}

impl From<&Waiting> for WaitingBody {
    fn from(waiting: &Waiting) -> Self {
        Self {
            on: waiting.on.clone(),
            who: waiting.who.clone(),
            since: waiting.since.into(),
            next: waiting.next.clone(),
            next_at: waiting.next_at.map(Moment),
        }
    }
}

impl From<&VacancyView> for VacancyBody {
    fn from(view: &VacancyView) -> Self {
        let vacancy = &view.vacancy;
        let line = |item: &app::ShortlistItem| ShortlistLine {
            id: item.candidacy.id.to_string(),
            position: item.candidacy.position,
            candidate: (&item.candidate).into(),
            unplaced: item
                .candidacy
                .unplaced
                .as_ref()
                .map(|unplaced| UnplacedBody { since: unplaced.since.into(), reasons: unplaced.reasons.clone() }),
            withdrawn: item.candidacy.withdrawn_at.is_some(),
            interview: item.interview.as_ref().map(InterviewBody::from),
        };
        Self {
            id: vacancy.id.to_string(),
            revision: vacancy.rev,
            external_id: vacancy.external_id.clone(),
            title: vacancy.title.clone(),
            state: vacancy.state,
            paused: vacancy.paused_at.is_some(),
            manager: (&view.manager).into(),
            requested_by: vacancy.requested_by.clone(),
            place: vacancy.place.as_ref().map(PlaceBody::from),
            rounds: vacancy
                .rounds
                .iter()
                .map(|round| RoundBody { position: round.position, name: round.name.clone(), minutes: round.minutes })
                .collect(),
            policy: PolicyBody {
                provisional: vacancy.policy.provisional,
                provisional_after_hours: vacancy.policy.provisional_after_hours,
            },
            approved_at: vacancy.approved_at.map(Moment),
            created_at: vacancy.created_at.into(),
            shortlist: view.shortlist.iter().map(line).collect(),
            waiting_for: view.waiting_for.iter().map(WaitingBody::from).collect(),
            allowed_actions: view.allowed_actions.clone(),
        }
    }
}

/// A vacancy as you describe it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewVacancy {
    title: String,
    manager_email: String,
    /// Their name, if Greenroom does not know them yet.
    #[schema(required = false)]
    manager_name: Option<String>,
    /// Who asks, as the manager reads it; the company where absent.
    #[schema(required = false)]
    requested_by: Option<String>,
    /// Length of an interview, a multiple of 5; 60 where absent.
    #[schema(required = false)]
    minutes: Option<i64>,
    /// Name of the round; `Interview` where absent.
    #[schema(required = false)]
    round_name: Option<String>,
    /// Approval needs it.
    #[schema(required = false)]
    place: Option<PlaceBody>,
    #[schema(required = false)]
    policy: Option<PolicyBody>,
    /// Your own id, unique among vacancies.
    #[schema(required = false)]
    external_id: Option<String>,
    /// The shortlist, in order.
    #[serde(default)]
    #[schema(required = false)]
    candidates: Vec<NewCandidate>,
}

/// What is to be changed; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VacancyChange {
    #[schema(required = false)]
    title: Option<String>,
    #[schema(required = false)]
    place: Option<PlaceBody>,
    #[schema(required = false)]
    policy: Option<PolicyBody>,
    #[schema(required = false)]
    minutes: Option<i64>,
}

/// The answer of every handler that gives one vacancy.
pub(super) fn resource(view: &VacancyView) -> Resource<VacancyBody> {
    Resource::new(view.vacancy.rev, view.into())
}

async fn list(State(state): State<WebState>, Query(paging): Query<Paging>) -> Answer<List<VacancyBody>> {
    let found = state.app.vacancies(paging.page::<Vacancy>()?).await?;
    Ok(List::page(found, paging.limit()?, |view| view.vacancy.id.to_string(), |view| (&view).into()))
}

async fn create(State(state): State<WebState>, by: Authorized, Json(new): Json<NewVacancy>) -> Answer<Resource<VacancyBody>> {
    let input = VacancyInput {
        title: new.title,
        manager_email: new.manager_email,
        manager_name: new.manager_name,
        requested_by: new.requested_by,
        minutes: new.minutes,
        round_name: new.round_name,
        place: new.place.map(PlaceInput::from),
        policy: new.policy.map(PolicyBody::read).transpose()?,
        external_id: new.external_id,
        candidates: new.candidates.into_iter().map(NewCandidate::into).collect(),
    };
    let view = state.app.create_vacancy(input, &by.caller).await?;
    Ok(Resource::created(view.vacancy.rev, (&view).into()))
}

async fn show(State(state): State<WebState>, Path(text): Path<String>) -> Answer<Resource<VacancyBody>> {
    Ok(resource(&state.app.vacancy(id("vacancy", &text)?).await?))
}

async fn update(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
    Json(change): Json<VacancyChange>,
) -> Answer<Resource<VacancyBody>> {
    let patch = VacancyPatch {
        title: change.title,
        place: change.place.map(PlaceInput::from),
        policy: change.policy.map(PolicyBody::read).transpose()?,
        minutes: change.minutes,
    };
    Ok(resource(&state.app.update_vacancy(id("vacancy", &text)?, patch, if_match.0, &by.caller).await?))
}

/// The vacancy of a path, at the revision the caller read.
async fn matching(state: &WebState, text: &str, if_match: IfMatch) -> Answer<Id<Vacancy>> {
    let id = id("vacancy", text)?;
    if if_match.0.is_some() {
        if_match.check("vacancy", id, state.app.vacancy(id).await?.vacancy.rev)?;
    }
    Ok(id)
}

async fn approve(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Query(dry): Query<DryRun>,
    if_match: IfMatch,
) -> Answer<Resource<VacancyBody>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.approve(id, dry.dry_run, &by.caller).await?))
}

async fn pause(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<VacancyBody>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.pause(id, &by.caller).await?))
}

async fn resume(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<VacancyBody>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.resume(id, &by.caller).await?))
}

async fn close(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    if_match: IfMatch,
) -> Answer<Resource<VacancyBody>> {
    let id = matching(&state, &text, if_match).await?;
    Ok(resource(&state.app.close(id, &by.caller).await?))
}
