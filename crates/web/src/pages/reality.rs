//! `/reality`: interviews to come, what the calendars show of them, and how old that is.

use app::{LookView, RealityRow};
use askama::Template;
use axum::{extract::State, response::Response};
use domain::{
    Id, TimeRange, Timestamp, Zone,
    grants::Grant,
    people::Person,
    reality::{Seen, Sight},
};

use super::{
    Asked, Failure, OrFail,
    failure::dashboard_error,
    frame::{Frame, Section},
    id_of,
    interviews::InterviewRow,
    links, page,
    session::{Admin, AdminForm},
    shown::Badge,
    times::{self, Moment, moment},
};
use crate::{
    WebState,
    security::see_other,
    texts::{code, filters, t},
};

/// See `reality.html`.
#[derive(Debug, Template)]
#[template(path = "reality.html")]
pub(super) struct RealityPage {
    pub(super) frame: Frame,
    pub(super) held: Vec<HeldRow>,
    pub(super) differing: Vec<SeenRow>,
    pub(super) agreeing: Vec<SeenRow>,
    pub(super) looks: Vec<LookRow>,
}

/// A calendar in which many events changed at once.
#[derive(Debug)]
pub(super) struct HeldRow {
    pub(super) grant: String,
    pub(super) name: String,
    pub(super) person: String,
    pub(super) since: Moment,
    pub(super) admitted: bool,
}

/// One interview with what was seen of it.
#[derive(Debug)]
pub(super) struct SeenRow {
    pub(super) row: InterviewRow,
    pub(super) seen: Vec<Line>,
    pub(super) age: String,
}

/// What one calendar shows.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) badge: Badge,
    pub(super) detail: String,
}

/// How somebody's calendars were looked at.
#[derive(Debug)]
pub(super) struct LookRow {
    pub(super) person: String,
    pub(super) name: String,
    pub(super) read: Option<Moment>,
    pub(super) age: String,
    pub(super) problem: Option<String>,
}

/// `12 s`, `4 min`, `3 h`.
fn age(now: Timestamp, at: Timestamp) -> String {
    let seconds = (now.as_second() - at.as_second()).max(0);
    let text = match seconds {
        0..120 => t("reality.age.seconds").with("count", seconds),
        120..7_200 => t("reality.age.minutes").with("count", seconds / 60),
        _ => t("reality.age.hours").with("count", seconds / 3_600),
    };
    text.to_string()
}

impl Line {
    fn all(sight: &Sight, zone: &Zone, name: Option<&str>) -> Vec<Self> {
        let whose = |text: String| match name {
            Some(name) => format!("{name}: {text}"),
            None => text,
        };
        let mut lines = Vec::new();
        let tone = match sight.seen {
            Seen::AsIntended => Some("good"),
            Seen::Elsewhere { .. } | Seen::NotWritten => Some("warn"),
            Seen::Missing { .. } => Some("bad"),
            Seen::Beside => None,
        };
        let time = |range: TimeRange| times::short(range, zone);
        if let Some(tone) = tone {
            let detail = match sight.seen {
                Seen::Elsewhere { at } => time(at),
                _ => String::new(),
            };
            lines.push(Self { badge: Badge { tone, text: whose(code("seen", sight.seen.code())) }, detail });
        }
        if sight.declined {
            lines.push(Self { badge: Badge { tone: "bad", text: whose(code("seen", "declined")) }, detail: String::new() });
        }
        for range in &sight.overlaps {
            lines.push(Self { badge: Badge { tone: "bad", text: whose(code("seen", "overlapped")) }, detail: time(*range) });
        }
        lines
    }
}

impl SeenRow {
    fn new(row: &RealityRow, now: Timestamp) -> Self {
        let interview = &row.view.interview;
        let people = std::iter::once(&row.view.manager).chain(&row.view.interviewers).collect::<Vec<&Person>>();
        // Names only where more than one calendar is looked at.
        let name = |person: Id<Person>| {
            let found = people.iter().find(|known| known.id == person).filter(|_| people.len() > 1);
            found.map(|person| person.name.as_str())
        };
        let seen = row.sights.iter().flat_map(|(person, sight)| Line::all(sight, &interview.zone, name(*person))).collect();
        let age = row.as_of().map(|at| age(now, at)).unwrap_or_default();
        Self { row: InterviewRow::new(&row.view, true), seen, age }
    }
}

impl HeldRow {
    fn new(view: &LookView) -> Option<Self> {
        Some(Self {
            grant: view.look.grant.to_string(),
            name: view.person.name.clone(),
            person: view.person.id.to_string(),
            since: moment(view.look.held_at?),
            admitted: view.look.admitted,
        })
    }
}

impl LookRow {
    fn new(view: &LookView, now: Timestamp) -> Self {
        Self {
            person: view.person.id.to_string(),
            name: view.person.name.clone(),
            read: view.look.near_at.map(moment),
            age: view.look.near_at.map(|at| age(now, at)).unwrap_or_default(),
            problem: view.look.problem.as_deref().map(|problem| code("class", problem)),
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin, asked: Asked) -> Result<Response, Failure> {
    let view = state.app.reality().await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Reality, asked.0.given("done")).await.or_fail(&state)?;
    let rows = |differs: bool| {
        let rows = view.interviews.iter().filter(|row| row.differs() == differs);
        rows.map(|row| SeenRow::new(row, view.at)).collect()
    };
    page(&RealityPage {
        frame,
        held: view.looks.iter().filter_map(HeldRow::new).collect(),
        differing: rows(true),
        agreeing: rows(false),
        looks: view.looks.iter().map(|look| LookRow::new(look, view.at)).collect(),
    })
}

pub(super) async fn act(State(state): State<WebState>, form: AdminForm) -> Result<Response, Failure> {
    if form.fields.get("action") != "admit" {
        return Ok(links::unknown_action());
    }
    let id: Id<Grant> = id_of(&state, "grant", form.fields.get("grant"))?;
    state.app.admit_changes(id, &form.admin.caller(&state)).await.map_err(|error| dashboard_error(&state, &error, "/reality"))?;
    Ok(see_other("/reality?done=admit"))
}
