//! `/`: every vacancy, whom it waits for, and what happens next.

use app::VacancyView;
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    interviews::InterviewState,
    vacancies::{Stuck, VacancyState},
};
use ports::store::Page;

use super::{
    Asked, Failure, OrFail,
    frame::{Frame, Section},
    links, page,
    session::{Admin, AdminForm},
    shown::{Badge, WaitingLine, vacancy_badge, waiting_lines},
};
use crate::{
    WebState,
    security::see_other,
    texts::{filters, t},
};

/// Rows on one page.
pub(super) const PAGE_ROWS: u32 = 50;

/// Waiting lines in a list; the vacancy's own page shows more.
const WAITING_LINES: usize = 3;

/// See `vacancies.html`.
#[derive(Debug, Template)]
#[template(path = "vacancies.html")]
pub(super) struct VacanciesPage {
    pub(super) frame: Frame,
    pub(super) rows: Vec<VacancyRow>,
    pub(super) next: Option<String>,
}

/// One vacancy of the list.
#[derive(Debug)]
pub(super) struct VacancyRow {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) manager: String,
    pub(super) manager_id: String,
    pub(super) state: Badge,
    pub(super) counts: String,
    pub(super) waiting: Vec<WaitingLine>,
    pub(super) can_approve: bool,
    pub(super) needs_person: bool,
}

impl VacancyRow {
    pub(super) fn new(view: &VacancyView) -> Self {
        let vacancy = &view.vacancy;
        Self {
            id: vacancy.id.to_string(),
            title: vacancy.title.clone(),
            manager: view.manager.name.clone(),
            manager_id: view.manager.id.to_string(),
            state: vacancy_badge(vacancy),
            counts: counts(view),
            waiting: waiting_lines(&view.waiting_for, WAITING_LINES),
            can_approve: view.allowed_actions.contains(&"approve"),
            needs_person: vacancy.state == VacancyState::Approved && needs_person(view),
        }
    }
}

/// Whether nothing goes on until a person acts.
fn needs_person(view: &VacancyView) -> bool {
    let in_attention = view
        .shortlist
        .iter()
        .filter_map(|item| item.interview.as_ref())
        .any(|interview| interview.state == InterviewState::Attention);
    in_attention || is_blocked(view)
}

/// Whether the vacancy itself, beside its interviews, waits for a person.
pub(super) fn is_blocked(view: &VacancyView) -> bool {
    let stuck = |stuck: &Stuck| stuck.retry_at.is_none();
    let exhausted = view.waiting_for.iter().any(|waiting| waiting.next.as_deref() == Some("permission_exhausted"));
    view.vacancy.state == VacancyState::Approved && (exhausted || view.vacancy.stuck.as_ref().is_some_and(stuck))
}

fn counts(view: &VacancyView) -> String {
    let open = view.shortlist.iter().filter(|item| item.candidacy.withdrawn_at.is_none());
    let has_time =
        |state| matches!(state, InterviewState::Booked | InterviewState::Done | InterviewState::NoShow | InterviewState::Attention);
    let (mut candidates, mut booked) = (0, 0);
    for item in open {
        candidates += 1;
        booked += i32::from(item.interview.as_ref().is_some_and(|interview| has_time(interview.state)));
    }
    if candidates == 0 {
        return t("vacancies.counts.none").to_string();
    }
    t("vacancies.counts").with("booked", booked).with("candidates", candidates).to_string()
}

/// The address of the page behind this one, if there may be one.
pub(super) fn next_page(path: &str, rows: usize, last: Option<String>) -> Option<String> {
    last.filter(|_| u32::try_from(rows) == Ok(PAGE_ROWS))
        .map(|after| format!("{path}{}after={after}", if path.contains('?') { '&' } else { '?' }))
}

/// The page of a list that was asked for.
pub(super) fn asked_page(asked: &Asked) -> Page {
    Page { after: asked.0.given("after").map(str::to_owned), limit: PAGE_ROWS }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let views = state.app.vacancies(asked_page(&asked)).await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Vacancies, asked.0.given("done")).await.or_fail(&state)?;
    let next = next_page("/vacancies", views.len(), views.last().map(|view| view.vacancy.id.to_string()));
    page(&VacanciesPage { frame, rows: views.iter().map(VacancyRow::new).collect(), next })
}

/// `POST /pause`: everything at once.
pub(super) async fn pause(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    let (paused, done) = match form.fields.get("action") {
        "pause_all" => (true, "/?done=pause_all"),
        "resume_all" => (false, "/?done=resume_all"),
        _ => return Ok(links::unknown_action()),
    };
    state.app.pause_all(paused, &form.admin.caller(&state)).await.or_fail(&state)?;
    Ok(see_other(done))
}
