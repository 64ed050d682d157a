//! Candidates on a vacancy's shortlist: add and withdraw.

use app::CandidateInput;
use axum::extract::{Path, State};
use domain::{access::Right, candidacies::Candidacy};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    endpoint::{Authorized, Endpoint, delete, post},
    input::{Json, id, missing},
    output::{Answer, Resource},
    vacancies::{VacancyBody, resource},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post(
            "/vacancies/{id}/candidates",
            Right::Propose,
            "Adds a candidate at the end; on an approved vacancy they are scheduled alone and nobody else moves",
            add,
        )
        .body::<NewCandidate>()
        .answers::<VacancyBody>(),
        delete(
            "/vacancies/{id}/candidates/{place}",
            Right::Commit,
            "Takes a candidate off the list and cancels their interview",
            withdraw,
        )
        .answers::<VacancyBody>(),
    ]
}

/// A candidate as you describe them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCandidate {
    name: String,
    email: String,
    /// An IANA zone, if known; mails then give times in it.
    #[schema(required = false)]
    zone: Option<String>,
    /// Your own id, unique among persons.
    #[schema(required = false)]
    external_id: Option<String>,
}

impl From<NewCandidate> for CandidateInput {
    fn from(new: NewCandidate) -> Self {
        Self { name: new.name, email: new.email, zone: new.zone, external_id: new.external_id }
    }
}

async fn add(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Json(new): Json<NewCandidate>,
) -> Answer<Resource<VacancyBody>> {
    Ok(resource(&state.app.add_candidate(id("vacancy", &text)?, new.into(), &by.caller).await?))
}

async fn withdraw(
    State(state): State<WebState>,
    by: Authorized,
    Path((vacancy, place)): Path<(String, String)>,
) -> Answer<Resource<VacancyBody>> {
    let vacancy = id("vacancy", &vacancy)?;
    let candidacy = id::<Candidacy>("place on the shortlist", &place)?;
    let view = state.app.vacancy(vacancy).await?;
    if !view.shortlist.iter().any(|item| item.candidacy.id == candidacy) {
        return Err(missing("place on this shortlist", &place));
    }
    state.app.withdraw(candidacy, &by.caller).await?;
    Ok(resource(&state.app.vacancy(vacancy).await?))
}
