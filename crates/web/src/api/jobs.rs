//! Jobs that were given up: look at them, try them again.

use axum::{
    Json as Body,
    extract::{Path, State},
};
use domain::{access::Right, jobs::Job};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Authorized, Endpoint, get, post},
    input::{Paging, Query, id},
    output::{Answer, List, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/jobs/dead", Right::Read, "Lists jobs that were given up, newest first", dead).query::<Limit>().lists::<JobBody>(),
        post("/jobs/{id}/retry", Right::Commit, "Tries a job again that was given up", retry).answers::<Retried>(),
    ]
}

/// A job that was given up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
struct JobBody {
    id: String,
    /// A code: `settle`, `mail`, `refresh`, ….
    kind: &'static str,
    /// What it works on one after the other, for instance an interview's id.
    stream: Option<String>,
    attempts: i64,
    due: Moment,
    last_error: Option<String>,
    created_at: Moment,
}

impl From<&Job> for JobBody {
    fn from(job: &Job) -> Self {
        Self {
            id: job.id.to_string(),
            kind: job.work.kind(),
            stream: job.stream.clone(),
            attempts: job.attempt,
            due: job.due.into(),
            last_error: job.last_error.clone(),
            created_at: job.created_at.into(),
        }
    }
}

/// How many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Limit {
    /// At most this many, 1 to 200; 50 where absent.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Which job is tried again.
#[derive(Debug, Serialize, ToSchema)]
struct Retried {
    id: String,
}

async fn dead(State(state): State<WebState>, Query(Limit { limit }): Query<Limit>) -> Answer<List<JobBody>> {
    let limit = Paging { cursor: None, limit }.limit()?;
    Ok(List::whole(state.app.dead_jobs(limit).await?.iter().map(JobBody::from).collect()))
}

async fn retry(State(state): State<WebState>, by: Authorized, Path(text): Path<String>) -> Answer<Body<Retried>> {
    let id = id::<Job>("job", &text)?;
    state.app.retry_job(id, &by.caller).await?;
    Ok(Body(Retried { id: id.to_string() }))
}
