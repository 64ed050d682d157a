//! `/jobs`: work that gave up, to be seen and tried again.

use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    Id,
    jobs::{Job, Work},
};

use super::{
    Asked, Failure, OrFail,
    failure::dashboard_error,
    frame::{Frame, Section},
    id_of, links, page,
    session::{Admin, AdminForm},
    shown::{href_of, short_id},
    times::{Moment, moment},
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters},
};

/// Rows shown.
const ROWS: u32 = 200;

/// See `jobs.html`.
#[derive(Debug, Template)]
#[template(path = "jobs.html")]
pub(super) struct JobsPage {
    pub(super) frame: Frame,
    pub(super) rows: Vec<JobRow>,
}

/// One job.
#[derive(Debug)]
pub(super) struct JobRow {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) about: String,
    pub(super) href: Option<String>,
    pub(super) error: String,
    pub(super) attempt: i64,
    pub(super) due: Moment,
}

impl JobRow {
    pub(super) fn new(job: &Job) -> Self {
        let about = about(&job.work);
        let kind = match &job.work {
            Work::Mail { order } => format!("{}: {}", code("job", "mail"), code("kind", &order.kind())),
            work => code("job", work.kind()),
        };
        Self {
            id: job.id.to_string(),
            kind,
            href: href_of(&about),
            about: short_id(&about),
            error: job.last_error.clone().unwrap_or_default(),
            attempt: job.attempt,
            due: moment(job.due),
        }
    }
}

/// The id of what a job is about.
fn about(work: &Work) -> String {
    match work {
        Work::Arrange { vacancy } => vacancy.to_string(),
        Work::AskAgain { grant }
        | Work::Refresh { grant }
        | Work::Revoke { grant, .. }
        | Work::DropPending { grant }
        | Work::Look { grant } => grant.to_string(),
        Work::Exchange { person, .. } | Work::Erase { person } => person.to_string(),
        Work::Settle { interview }
        | Work::Recheck { interview, .. }
        | Work::Finish { interview, .. }
        | Work::Nag { interview, .. }
        | Work::ReleaseProvisional { interview, .. } => interview.to_string(),
        Work::RemindChoice { choice, .. } => choice.to_string(),
        Work::Watch | Work::AlertPost { .. } => "alerts".to_owned(),
        Work::GiveOutCheckpoint { .. } | Work::CheckAudit { .. } => "audit".to_owned(),
        Work::Sweep | Work::Reseal | Work::KeepBackups | Work::Backup | Work::Drill | Work::CompareHeld => String::new(),
        Work::WatchAttempts { subject, .. } => subject.clone(),
        // The key of a mail ends with its own numbers; the first id in it is what it is about.
        Work::Mail { order } => order.key().split(':').find(|part| href_of(part).is_some()).unwrap_or_default().to_owned(),
    }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let jobs = state.app.dead_jobs(ROWS).await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Jobs, asked.0.given("done")).await.or_fail(&state)?;
    page(&JobsPage { frame, rows: jobs.iter().map(JobRow::new).collect() })
}

pub(super) async fn act(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    if form.fields.get("action") != "retry" {
        return Ok(links::unknown_action());
    }
    let id: Id<Job> = id_of(&state, "job", form.fields.get("job"))?;
    state.app.retry_job(id, &form.admin.caller(&state)).await.map_err(|error| dashboard_error(&state, &error, "/jobs"))?;
    Ok(see_other("/jobs?done=retry"))
}
