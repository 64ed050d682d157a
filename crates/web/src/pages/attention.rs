//! `/attention`: everything that does not go on without a person.

use askama::Template;
use axum::{extract::State, response::Response};
use ports::store::Page;

use super::{
    Failure, OrFail,
    frame::{Frame, Section},
    interviews::InterviewRow,
    managers::pending_sentence,
    page,
    session::Admin,
    shown::waiting_lines,
    times::{Moment, moment},
    vacancies::is_blocked,
};
use crate::{
    WebState,
    texts::{code, filters},
};

/// Vacancies, managers and jobs that are looked through.
const LOOK_AT: u32 = 200;

/// See `attention.html`.
#[derive(Debug, Template)]
#[template(path = "attention.html")]
pub(super) struct AttentionPage {
    pub(super) frame: Frame,
    pub(super) interviews: Vec<InterviewRow>,
    pub(super) vacancies: Vec<StuckRow>,
    pub(super) managers: Vec<PendingRow>,
    pub(super) dead_jobs: usize,
}

/// A vacancy that cannot go on.
#[derive(Debug)]
pub(super) struct StuckRow {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) problem: String,
    pub(super) since: Moment,
}

/// A manager whose connection waits for a decision.
#[derive(Debug)]
pub(super) struct PendingRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) problem: String,
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin) -> Result<Response, Failure> {
    let interviews = state.app.attention().await.or_fail(&state)?;
    let vacancies = state.app.vacancies(Page::first(LOOK_AT)).await.or_fail(&state)?;
    let managers = state.app.managers(Page::first(LOOK_AT)).await.or_fail(&state)?;
    let dead_jobs = state.app.dead_jobs(LOOK_AT).await.or_fail(&state)?.len();
    let frame = Frame::new(&state, &admin, Section::Attention, None).await.or_fail(&state)?;
    let stuck = |view: &app::VacancyView| {
        let (problem, since) = if let Some(stuck) = &view.vacancy.stuck {
            (code("reason", &stuck.code), moment(stuck.since))
        } else {
            let line = waiting_lines(&view.waiting_for, 1).into_iter().next()?;
            (line.next.unwrap_or(line.what), line.since?)
        };
        Some(StuckRow { id: view.vacancy.id.to_string(), title: view.vacancy.title.clone(), problem, since })
    };
    let pending = |view: &app::ManagerView| {
        let (_, why, _) = view.grant.as_ref()?.pending.as_ref()?;
        Some(PendingRow { id: view.person.id.to_string(), name: view.person.name.clone(), problem: pending_sentence(*why) })
    };
    page(&AttentionPage {
        frame,
        interviews: interviews.iter().map(|view| InterviewRow::new(view, true)).collect(),
        vacancies: vacancies.iter().filter(|view| is_blocked(view)).filter_map(stuck).collect(),
        managers: managers.iter().filter_map(pending).collect(),
        dead_jobs,
    })
}
