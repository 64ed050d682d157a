//! `/persons/{id}/erase`: what is held about somebody, and erasing it; and `/erasures`: what retention did and will do.

use app::{ErasureView, Error, Retention};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Id,
    erasure::{Erasure, Kind, Stage, Sweep, Why},
    people::Person,
};

use super::{
    Asked, Failure, OrFail,
    failure::{dashboard_error, sentence},
    frame::{Frame, Section},
    id_of, links, page, page_with,
    session::{Admin, AdminForm},
    shown::{Badge, short_id},
    times::{Moment, moment},
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters, t},
};

/// Persons that each list of the page of erasures shows.
const ROWS: u32 = 100;

/// See `erase.html`.
#[derive(Debug, Template)]
#[template(path = "erase.html")]
pub(super) struct ErasePage {
    pub(super) frame: Frame,
    pub(super) id: String,
    pub(super) title: String,
    /// How the erasure stands, if it was asked for.
    pub(super) standing: Option<Standing>,
    /// Whether there is still something to write down.
    pub(super) holds: bool,
    pub(super) goes: Vec<String>,
    pub(super) stays: Vec<String>,
    /// What is wrong with the address that was typed.
    pub(super) error: Option<String>,
}

/// How an erasure stands.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) state: Badge,
    pub(super) sentence: String,
    pub(super) why: String,
    pub(super) since: Moment,
    pub(super) finished: Option<Moment>,
    /// Events that are left in calendars.
    pub(super) left: Option<String>,
}

fn state_badge(stage: Stage) -> Badge {
    match stage {
        Stage::Telling => Badge { tone: "warn", text: code("state.erasure", "telling") },
        Stage::Calendars => Badge { tone: "warn", text: code("state.erasure", "calendars") },
        Stage::Checking => Badge { tone: "warn", text: code("state.erasure", "checking") },
        Stage::Done => Badge { tone: "good", text: code("state.erasure", "done") },
    }
}

fn why(erasure: &Erasure) -> String {
    match erasure.why {
        Why::Request => t("erasure.why.request"),
        Why::Age => t("erasure.why.age"),
        Why::Replay => t("erasure.why.replay"),
    }
    .to_string()
}

impl Standing {
    fn new(erasure: &Erasure) -> Self {
        let lead = match erasure.stage {
            Stage::Telling => t("erase.telling"),
            Stage::Calendars => t("erase.calendars"),
            Stage::Checking => t("erase.checking"),
            Stage::Done => t("erase.done"),
        };
        Self {
            state: state_badge(erasure.stage),
            sentence: lead.to_string(),
            why: why(erasure),
            since: moment(erasure.requested_at),
            finished: erasure.finished_at.map(moment),
            left: (erasure.events_left > 0).then(|| t("erase.left").with("count", erasure.events_left).to_string()),
        }
    }
}

impl ErasePage {
    pub(super) fn new(frame: Frame, view: &ErasureView, error: Option<String>) -> Self {
        let is_manager = view.kind == Kind::Manager;
        let mut goes = vec![t("erase.goes.person"), t("erase.goes.texts"), t("erase.goes.mails"), t("erase.goes.links")];
        goes.push(t("erase.goes.answers"));
        goes.push(t("erase.goes.interviews").with("count", view.upcoming));
        goes.push(t("erase.goes.events").with("count", view.events));
        if is_manager {
            goes.push(t("erase.goes.vacancies").with("count", view.vacancies));
            goes.push(t("erase.goes.permission"));
        }
        let mut stays = vec![t("erase.stays.row"), t("erase.stays.interviews").with("count", view.past + view.upcoming)];
        stays.extend([t("erase.stays.marks"), t("erase.stays.log"), t("erase.stays.mails"), t("erase.stays.backups")]);
        let words = |texts: Vec<crate::texts::Text>| texts.iter().map(ToString::to_string).collect();
        Self {
            frame,
            id: view.person.id.to_string(),
            title: match &view.erasure {
                Some(_) => t("erase.title.begun").with("person", short_id(&view.person.id.to_string())).to_string(),
                None => t("erase.title").with("name", &view.person.name).to_string(),
            },
            standing: view.erasure.as_ref().map(Standing::new),
            holds: view.erasure.as_ref().is_none_or(|erasure| erasure.stage == Stage::Telling),
            goes: words(goes),
            stays: words(stays),
            error,
        }
    }
}

/// See `erasures.html`.
#[derive(Debug, Template)]
#[template(path = "erasures.html")]
pub(super) struct ErasuresPage {
    pub(super) frame: Frame,
    pub(super) rule: String,
    pub(super) last: Option<SweepShown>,
    pub(super) next: Option<Moment>,
    pub(super) due: Vec<DueRow>,
    pub(super) rows: Vec<ErasureRow>,
}

/// The last run.
#[derive(Debug)]
pub(super) struct SweepShown {
    pub(super) at: Moment,
    pub(super) rows: Vec<SweptRow>,
    pub(super) erased: usize,
    pub(super) more: bool,
}

/// What a run took of one kind.
#[derive(Debug)]
pub(super) struct SweptRow {
    pub(super) what: String,
    pub(super) kept: String,
    pub(super) rows: usize,
}

/// A candidate whose time ends.
#[derive(Debug)]
pub(super) struct DueRow {
    pub(super) id: String,
    pub(super) short: String,
    pub(super) at: Moment,
}

/// An erasure.
#[derive(Debug)]
pub(super) struct ErasureRow {
    pub(super) id: String,
    pub(super) short: String,
    pub(super) kind: String,
    pub(super) why: String,
    pub(super) since: Moment,
    pub(super) state: Badge,
    pub(super) left: i64,
}

impl ErasuresPage {
    pub(super) fn new(frame: Frame, retention: &Retention) -> Self {
        let last = retention.last.as_ref().map(|last| SweepShown {
            at: moment(last.at),
            rows: Sweep::ALL
                .iter()
                .map(|what| SweptRow {
                    what: code("state.swept", what.code()),
                    kept: match what.kept_hours() / 24 {
                        1 => t("erasures.day"),
                        days => t("erasures.days").with("days", days),
                    }
                    .to_string(),
                    rows: last.rows.get(what.code()).copied().unwrap_or_default(),
                })
                .collect(),
            erased: last.erased,
            more: last.more,
        });
        let rule = match retention.days {
            0 => t("erasures.rule.never"),
            days => t("erasures.rule").with("days", days),
        };
        let named = |id: Id<Person>| (id.to_string(), short_id(&id.to_string()));
        Self {
            frame,
            rule: rule.to_string(),
            last,
            next: retention.next_at.map(moment),
            due: retention
                .due
                .iter()
                .map(|(person, at)| {
                    let (id, short) = named(*person);
                    DueRow { id, short, at: moment(*at) }
                })
                .collect(),
            rows: retention
                .erasures
                .iter()
                .map(|erasure| {
                    let (id, short) = named(erasure.person);
                    let kind = match erasure.kind {
                        Kind::Candidate => t("col.candidate"),
                        Kind::Manager => t("col.manager"),
                    };
                    ErasureRow {
                        id,
                        short,
                        kind: kind.to_string(),
                        why: why(erasure),
                        since: moment(erasure.requested_at),
                        state: state_badge(erasure.stage),
                        left: erasure.events_left,
                    }
                })
                .collect(),
        }
    }
}

pub(super) async fn list(State(state): State<WebState>, admin: Admin) -> Result<Response, Failure> {
    let retention = state.app.retention(ROWS).await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Erasures, None).await.or_fail(&state)?;
    page(&ErasuresPage::new(frame, &retention))
}

pub(super) async fn show(
    State(state): State<WebState>,
    admin: Admin,
    Path(id): Path<String>,
    asked: Asked,
) -> Result<Response, Failure> {
    let view = state.app.erasure_view(id_of(&state, "person", &id)?).await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Erasures, asked.0.given("done")).await.or_fail(&state)?;
    page(&ErasePage::new(frame, &view, None))
}

pub(super) async fn act(State(state): State<WebState>, Path(id): Path<String>, form: AdminForm) -> Result<Response, Failure> {
    let id: Id<Person> = id_of(&state, "person", &id)?;
    match form.fields.get("action") {
        "export" => export(&state, id, &form).await,
        "erase" => erase(&state, id, &form).await,
        _ => Ok(links::unknown_action()),
    }
}

/// Everything that is held, as a file. By a button and not by an address: that it was made stands in the log.
async fn export(state: &WebState, id: Id<Person>, form: &AdminForm) -> Result<Response, Failure> {
    let with_feedback = form.fields.get("feedback") == "yes";
    let export = state.app.export_person(id, with_feedback, &form.admin.caller(state)).await.or_fail(state)?;
    let text = serde_json::to_string_pretty(&export).map_err(|error| Failure::internal(&error.to_string()))?;
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{id}.json\""));
    let name = name.map_err(|error| Failure::internal(&error.to_string()))?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

async fn erase(state: &WebState, id: Id<Person>, form: &AdminForm) -> Result<Response, Failure> {
    let here = format!("/persons/{id}/erase");
    match state.app.confirm_erasure(id, form.fields.get("email")).await {
        Ok(()) => {
            let begun = state.app.erase(id, Why::Request, &form.admin.caller(state)).await;
            begun.map_err(|error| dashboard_error(state, &error, &here))?;
            Ok(see_other(&format!("{here}?done=erase")))
        }
        // Erased in the meantime, by somebody else or by a second click: the page says how it stands.
        Err(Error::Erased { .. }) => Ok(see_other(&here)),
        Err(Error::Invalid { problem, .. }) => {
            let view = state.app.erasure_view(id).await.or_fail(state)?;
            let frame = Frame::new(state, &form.admin, Section::Erasures, None).await.or_fail(state)?;
            page_with(StatusCode::UNPROCESSABLE_ENTITY, &ErasePage::new(frame, &view, Some(sentence(&problem))))
        }
        Err(error) => Err(dashboard_error(state, &error, &here)),
    }
}
