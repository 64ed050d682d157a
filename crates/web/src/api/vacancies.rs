//! Vacancies: make them, approve them, see what they wait for.

mod body;
mod rounds;

use app::{PlaceInput, VacancyInput, VacancyPatch, VacancyView};
use axum::extract::{Path, State};
pub(super) use body::{PersonBrief, PlaceBody, PolicyBody, VacancyBody};
use domain::{Id, access::Right, vacancies::Vacancy};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    endpoint::{Authorized, Endpoint, get, patch, post},
    input::{DryRun, IfMatch, Json, Paging, Query, id},
    output::{Answer, List, Resource},
    shortlist::NewCandidate,
};
use crate::WebState;
pub(super) use rounds::NewRound;

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
        patch("/vacancies/{id}", Right::Propose, "Changes title, place, policy, length or rounds", update)
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
    /// The rounds in order, instead of `minutes` and `round_name`.
    #[schema(required = false)]
    rounds: Option<Vec<NewRound>>,
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
    /// Of the first round.
    #[schema(required = false)]
    minutes: Option<i64>,
    /// All rounds anew; while no interview is arranged.
    #[schema(required = false)]
    rounds: Option<Vec<NewRound>>,
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
        rounds: new.rounds.map(|rounds| rounds.into_iter().map(NewRound::into).collect()),
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
        rounds: change.rounds.map(|rounds| rounds.into_iter().map(NewRound::into).collect()),
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
