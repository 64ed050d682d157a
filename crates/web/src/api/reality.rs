//! Intent and reality: what the calendars show of interviews to come, and where that differs from what is intended.

use app::{LookView, RealityRow};
use axum::{
    Json as Body,
    extract::{Path, State},
};
use domain::{
    Id,
    access::Right,
    grants::Grant,
    interviews::InterviewState,
    people::Person,
    reality::{Seen, Sight},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Authorized, Endpoint, get, post},
    input::{Query, id},
    interviews::InterviewStateName,
    output::{Answer, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/drift", Right::Read, "What the calendars show of interviews to come; with `all=true` also what is as intended", show)
            .query::<Which>()
            .answers::<DriftBody>(),
        post("/drift/{grant}/admit", Right::Commit, "Believes a calendar in which many events changed at once", admit)
            .answers::<Admitted>(),
    ]
}

/// Which interviews.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Whether to list interviews that stand as intended, too.
    #[serde(default)]
    #[param(required = false)]
    all: bool,
}

/// Intent and reality.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Drift)]
struct DriftBody {
    at: Moment,
    /// By start; at most 500.
    interviews: Vec<DriftLine>,
    /// The calendars that are looked at.
    looks: Vec<LookBody>,
}

/// One interview to come.
#[derive(Debug, Serialize, ToSchema)]
struct DriftLine {
    interview_id: String,
    vacancy_id: String,
    #[schema(value_type = InterviewStateName)]
    state: InterviewState,
    /// As intended.
    start: Moment,
    end: Moment,
    /// Whether anything differs from what is intended.
    differs: bool,
    /// When the oldest of the calendars was read; null before the first look.
    as_of: Option<Moment>,
    /// One for each whose calendar was looked at.
    seen: Vec<SightBody>,
}

/// An interview in one person's calendars.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sight)]
struct SightBody {
    person_id: String,
    /// `as_intended`, `elsewhere`, `missing`, `not_written`, or `beside`: the event stands in the calendar of whoever leads.
    event: &'static str,
    /// Where the event lies, if elsewhere.
    start: Option<Moment>,
    end: Option<Moment>,
    /// Whether the owner declined it.
    declined: bool,
    /// Busy times of other events that overlap it.
    overlaps: Vec<Span>,
    as_of: Moment,
    age_seconds: i64,
}

/// From, to.
#[derive(Debug, Serialize, ToSchema)]
struct Span {
    start: Moment,
    end: Moment,
}

/// How somebody's calendars were last looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Look)]
struct LookBody {
    grant_id: String,
    person_id: String,
    /// The last attempt.
    tried_at: Moment,
    /// The last time that all interviews were read.
    read_at: Option<Moment>,
    /// Why the last attempt failed, as a code.
    problem: Option<String>,
    /// Since when nothing is believed because many events changed at once.
    held_since: Option<Moment>,
    /// Whether a person said that it is to be believed.
    admitted: bool,
}

/// What is believed now.
#[derive(Debug, Serialize, ToSchema)]
struct Admitted {
    grant_id: String,
}

impl SightBody {
    fn new(person: Id<Person>, sight: &Sight, now: domain::Timestamp) -> Self {
        let elsewhere = match sight.seen {
            Seen::Elsewhere { at } => Some(at),
            _ => None,
        };
        Self {
            person_id: person.to_string(),
            event: sight.seen.code(),
            start: elsewhere.map(|at| at.start().into()),
            end: elsewhere.map(|at| at.end().into()),
            declined: sight.declined,
            overlaps: sight.overlaps.iter().map(|range| Span { start: range.start().into(), end: range.end().into() }).collect(),
            as_of: sight.at.into(),
            age_seconds: (now.as_second() - sight.at.as_second()).max(0),
        }
    }
}

impl DriftLine {
    fn new(row: &RealityRow, now: domain::Timestamp) -> Self {
        let interview = &row.view.interview;
        Self {
            interview_id: interview.id.to_string(),
            vacancy_id: interview.vacancy.to_string(),
            state: interview.state,
            start: interview.range.start().into(),
            end: interview.range.end().into(),
            differs: row.differs(),
            as_of: row.as_of().map(Moment),
            seen: row.sights.iter().map(|(person, sight)| SightBody::new(*person, sight, now)).collect(),
        }
    }
}

impl From<&LookView> for LookBody {
    fn from(view: &LookView) -> Self {
        let look = &view.look;
        Self {
            grant_id: look.grant.to_string(),
            person_id: view.person.id.to_string(),
            tried_at: look.tried_at.into(),
            read_at: look.far_at.map(Moment),
            problem: look.problem.clone(),
            held_since: look.held_at.map(Moment),
            admitted: look.admitted,
        }
    }
}

async fn show(State(state): State<WebState>, Query(which): Query<Which>) -> Answer<Body<DriftBody>> {
    let view = state.app.reality().await?;
    let rows = view.interviews.iter().filter(|row| which.all || row.differs());
    Ok(Body(DriftBody {
        at: view.at.into(),
        interviews: rows.map(|row| DriftLine::new(row, view.at)).collect(),
        looks: view.looks.iter().map(LookBody::from).collect(),
    }))
}

async fn admit(State(state): State<WebState>, by: Authorized, Path(text): Path<String>) -> Answer<Body<Admitted>> {
    let grant = id::<Grant>("grant", &text)?;
    state.app.admit_changes(grant, &by.caller).await?;
    Ok(Body(Admitted { grant_id: grant.to_string() }))
}
