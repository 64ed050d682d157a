//! What is held about a person, and erasing them; candidates and managers alike. `{person}` is a person's id or an e-mail address.
//!
//! From the moment an erasure begins an address names nobody any more; the id goes on naming the empty row that stays.

use app::{ErasureView, Export};
use axum::{
    Json as Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    access::Right,
    erasure::{Erasure, Kind, Stage, Why},
    people::Person,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    PREFIX,
    endpoint::{Authorized, Endpoint, get, post},
    input::{DryRun, Json, Query, id},
    output::{Answer, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get(
            "/persons/{person}/export",
            Right::Administer,
            "Everything that is held about a person, without tokens; 410 `erased` once they were erased",
            export,
        )
        .query::<WithFeedback>()
        .answers::<ExportBody>(),
        get("/persons/{person}/erasure", Right::Administer, "What an erasure would take, or how far it is", show)
            .answers::<ErasureBody>(),
        post(
            "/persons/{person}/erase",
            Right::Administer,
            "Begins to erase a person, which cannot be taken back: 202, and `status_url` says how far it is; 200 with `dry_run`, which changes nothing",
            erase,
        )
        .query::<DryRun>()
        .body::<Confirmation>()
        .answers::<ErasureBody>()
        .with(StatusCode::ACCEPTED),
    ]
}

/// What of it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WithFeedback {
    /// With feedback: what a candidate may read of it is the company's decision.
    #[serde(default)]
    #[param(required = false)]
    feedback: bool,
}

/// Everything that is held about a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonExport)]
struct ExportBody {
    person: String,
    exported_at: Moment,
    /// How an erasure stands, if one was asked for.
    #[schema(value_type = Option<Object>)]
    erasure: Option<Erasure>,
    /// Whether feedback is in it.
    feedback: bool,
    /// By table.
    held: Vec<TableBody>,
}

/// The rows of one table.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeldTable)]
struct TableBody {
    table: &'static str,
    /// Columns by name.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<serde_json::Map<String, serde_json::Value>>,
}

impl From<Export> for ExportBody {
    fn from(export: Export) -> Self {
        Self {
            person: export.person.to_string(),
            exported_at: export.exported_at.into(),
            erasure: export.erasure,
            feedback: export.feedback,
            held: export.held.into_iter().map(|held| TableBody { table: held.table, rows: held.rows }).collect(),
        }
    }
}

/// That this person is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    /// An e-mail address of the person, once more.
    email: String,
}

/// An erasure: what it would take, or how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
struct ErasureBody {
    person: String,
    /// `candidate` or `manager`; who is both counts as manager.
    #[schema(value_type = String)]
    kind: Kind,
    /// `none`: not asked for. `telling`: interviews are cancelled, people are being told, the data are still there. `calendars`: the data
    /// are gone, events are being removed. `checking`: everything is gone and is looked at once more. `done`.
    state: &'static str,
    /// `request`, `age`, or `replay` after a restore.
    #[schema(value_type = Option<String>)]
    why: Option<Why>,
    requested_at: Option<Moment>,
    finished_at: Option<Moment>,
    /// Events that could not be removed, because the permission had ended.
    events_left: i64,
    /// Whether it is on the list of erasures beside the backups.
    listed: bool,
    /// What it takes; null once the data are gone.
    takes: Option<TakesBody>,
    /// Where to look how far it is.
    status_url: String,
}

/// What an erasure takes, besides everything that names the person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureTakes)]
struct TakesBody {
    /// Interviews that are cancelled, with notice to those who know of them.
    interviews_cancelled: usize,
    /// Interviews that are over or cancelled already; they stay, and name nobody.
    interviews_kept: usize,
    /// Events that leave calendars.
    events: usize,
    /// Vacancies of a manager's that are closed.
    vacancies_closed: usize,
    /// Whether the permission to use their calendar is revoked at the provider.
    permission_revoked: bool,
}

const fn state_of(erasure: Option<&Erasure>) -> &'static str {
    match erasure {
        None => "none",
        Some(erasure) => match erasure.stage {
            Stage::Telling => "telling",
            Stage::Calendars => "calendars",
            Stage::Checking => "checking",
            Stage::Done => "done",
        },
    }
}

impl From<&ErasureView> for ErasureBody {
    fn from(view: &ErasureView) -> Self {
        let erasure = view.erasure.as_ref();
        let data_are_there = erasure.is_none_or(|erasure| erasure.stage == Stage::Telling);
        Self {
            person: view.person.id.to_string(),
            kind: erasure.map_or(view.kind, |erasure| erasure.kind),
            state: state_of(erasure),
            why: erasure.map(|erasure| erasure.why),
            requested_at: erasure.map(|erasure| erasure.requested_at.into()),
            finished_at: erasure.and_then(|erasure| erasure.finished_at).map(Moment),
            events_left: erasure.map_or(0, |erasure| erasure.events_left),
            listed: erasure.is_some_and(|erasure| erasure.listed),
            takes: data_are_there.then_some(TakesBody {
                interviews_cancelled: view.upcoming,
                interviews_kept: view.past,
                events: view.events,
                vacancies_closed: view.vacancies,
                permission_revoked: view.connected,
            }),
            status_url: format!("{PREFIX}/persons/{}/erasure", view.person.id),
        }
    }
}

/// The person that a path names by id or address, erased or not.
async fn person(state: &WebState, text: &str) -> Answer<Person> {
    if text.contains('@') {
        return Ok(state.app.person_by(text, "person").await?);
    }
    Ok(state.app.person(id("person", text)?).await?)
}

async fn export(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Query(with): Query<WithFeedback>,
) -> Answer<Body<ExportBody>> {
    let person = state.app.present_person(person(&state, &text).await?.id).await?;
    Ok(Body(state.app.export_person(person.id, with.feedback, &by.caller).await?.into()))
}

async fn show(State(state): State<WebState>, Path(text): Path<String>) -> Answer<Body<ErasureBody>> {
    let person = person(&state, &text).await?;
    Ok(Body((&state.app.erasure_view(person.id).await?).into()))
}

async fn erase(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Query(dry): Query<DryRun>,
    Json(confirmation): Json<Confirmation>,
) -> Answer<Response> {
    let id = person(&state, &text).await?.id;
    // What it takes is said as it was before: afterwards it is taken.
    let before = state.app.erasure_view(id).await?;
    state.app.confirm_erasure(id, &confirmation.email).await?;
    if dry.dry_run {
        return Ok(Body(ErasureBody::from(&before)).into_response());
    }
    let erasure = state.app.erase(id, Why::Request, &by.caller).await?;
    let body = ErasureBody::from(&ErasureView { erasure: Some(erasure), ..before });
    let place = HeaderValue::from_str(&body.status_url).map_err(|error| app::Error::Internal(error.to_string()))?;
    let mut response = (StatusCode::ACCEPTED, Body(body)).into_response();
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}
