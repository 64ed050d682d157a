//! `/backups`: the files there are, the last drill, and, after a restore, the comparison with the calendars and the release.

use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    backups::{BackupFile, BackupRecords},
    held::{Comparison, Found, Held},
};

use super::{
    Asked, Failure, OrFail,
    failure::dashboard_error,
    frame::{Frame, Section},
    links, page,
    session::{Admin, AdminForm},
    shown::short_id,
    times::{Moment, moment},
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters},
};

/// See `backups.html`.
#[derive(Debug, Template)]
#[template(path = "backups.html")]
pub(super) struct BackupsPage {
    pub(super) frame: Frame,
    pub(super) held: Option<HeldView>,
    /// Whether this installation makes backups by itself.
    pub(super) makes: bool,
    pub(super) failure: Option<(Moment, String)>,
    pub(super) rows: Vec<FileRow>,
    pub(super) drill: Option<DrillView>,
}

/// The held state.
#[derive(Debug)]
pub(super) struct HeldView {
    pub(super) since: Moment,
    pub(super) as_of: Moment,
    pub(super) backup: String,
    pub(super) erasures: Option<u64>,
    pub(super) finished: bool,
    pub(super) same: usize,
    pub(super) rows: Vec<ComparedRow>,
}

/// An interview whose event is not where the database has it.
#[derive(Debug)]
pub(super) struct ComparedRow {
    pub(super) id: String,
    pub(super) short: String,
    /// Whether the database knows it.
    pub(super) known: bool,
    pub(super) found: String,
    pub(super) stored: Option<Moment>,
    pub(super) live: Option<Moment>,
}

/// One file.
#[derive(Debug)]
pub(super) struct FileRow {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) rows: Option<u64>,
    pub(super) at: Moment,
    pub(super) key: String,
    pub(super) verified: Option<Moment>,
}

/// The last drill.
#[derive(Debug)]
pub(super) struct DrillView {
    pub(super) at: Moment,
    pub(super) file: Option<String>,
    pub(super) rows: u64,
    pub(super) opened: u64,
    pub(super) audit: Option<String>,
    pub(super) problems: Vec<String>,
}

impl HeldView {
    pub(super) fn new(held: &Held, comparison: &Comparison) -> Self {
        let lines = comparison.lines.iter().filter(|line| line.found != Found::Same);
        Self {
            since: moment(held.since),
            as_of: moment(held.as_of),
            backup: held.backup.clone(),
            erasures: held.erasures,
            finished: comparison.finished_at.is_some(),
            same: comparison.count(Found::Same),
            rows: lines
                .map(|line| ComparedRow {
                    id: line.interview.to_string(),
                    short: short_id(&line.interview.to_string()),
                    known: line.found != Found::Unknown,
                    found: code("compared", line.found.code()),
                    stored: line.stored.map(moment),
                    live: line.live.map(moment),
                })
                .collect(),
        }
    }
}

impl FileRow {
    pub(super) fn new(file: &BackupFile) -> Self {
        Self {
            name: file.name.clone(),
            bytes: file.bytes,
            rows: file.rows,
            at: moment(file.started_at),
            key: file.key_id.clone(),
            verified: file.verified_at.map(moment),
        }
    }
}

fn drill(records: &BackupRecords) -> Option<DrillView> {
    records.drill.as_ref().map(|drill| DrillView {
        at: moment(drill.at),
        file: drill.file.clone(),
        rows: drill.rows.values().sum(),
        opened: drill.opened,
        audit: drill.audit.clone(),
        problems: drill.problems.clone(),
    })
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let records = state.app.backup_records().await.or_fail(&state)?;
    let held = match state.app.held().await.or_fail(&state)? {
        Some(held) => Some(HeldView::new(&held, &state.app.comparison().await.or_fail(&state)?)),
        None => None,
    };
    let frame = Frame::new(&state, &admin, Section::Backups, asked.0.given("done")).await.or_fail(&state)?;
    page(&BackupsPage {
        frame,
        held,
        makes: state.app.makes_backups(),
        failure: records.failure.as_ref().map(|(at, why)| (moment(*at), why.clone())),
        rows: records.files.iter().map(FileRow::new).collect(),
        drill: drill(&records),
    })
}

pub(super) async fn act(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    let caller = form.admin.caller(&state);
    let action = form.fields.get("action");
    let done = match action {
        "backup" => state.app.order_backup(false, &caller).await,
        "drill" => state.app.order_backup(true, &caller).await,
        "compare" => state.app.compare_again(&caller).await,
        "release" => state.app.release_held(&caller).await,
        _ => return Ok(links::unknown_action()),
    };
    done.map_err(|error| dashboard_error(&state, &error, "/backups"))?;
    Ok(see_other(&format!("/backups?done={action}")))
}
