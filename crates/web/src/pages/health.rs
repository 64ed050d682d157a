//! `/health`: how permissions and providers fare, and what the installation is used for.

use app::{CallsView, DayView, GrantHealth, HourView};
use askama::Template;
use axum::{extract::State, response::Response};
use domain::calls::UNBOUNDED;

use super::{
    Failure, OrFail,
    frame::{Frame, Section},
    page,
    session::Admin,
    shown::{Badge, grant_badge},
    times::{Moment, moment},
};
use crate::{
    WebState,
    texts::{code, filters, t},
};

/// Width and height of a line of 24 hours, in the picture's own units.
const LINE: (i64, i64) = (230, 40);

/// See `health.html`.
#[derive(Debug, Template)]
#[template(path = "health.html")]
pub(super) struct HealthPage {
    pub(super) frame: Frame,
    pub(super) grants: Vec<GrantRow>,
    pub(super) more_grants: bool,
    pub(super) places: Vec<PlaceCard>,
    pub(super) days: Vec<DayRow>,
}

/// One grant.
#[derive(Debug)]
pub(super) struct GrantRow {
    pub(super) person: String,
    pub(super) name: String,
    pub(super) state: Badge,
    pub(super) place: String,
    pub(super) scopes: String,
    pub(super) missing: String,
    pub(super) connected: Option<Moment>,
    pub(super) refreshed: Option<Moment>,
    pub(super) next: Option<Moment>,
    pub(super) failures: String,
    pub(super) budget: String,
    pub(super) lent: i64,
    pub(super) lent_until: Option<Moment>,
}

/// One data centre.
#[derive(Debug)]
pub(super) struct PlaceCard {
    pub(super) name: String,
    pub(super) calls: i64,
    pub(super) failures: Vec<(String, i64)>,
    pub(super) median: String,
    pub(super) p95: String,
    pub(super) lines: Vec<Sparkline>,
}

/// A line over 24 hours, with the same in words.
#[derive(Debug)]
pub(super) struct Sparkline {
    pub(super) label: String,
    pub(super) words: String,
    pub(super) points: String,
}

/// One day.
#[derive(Debug)]
pub(super) struct DayRow {
    pub(super) day: String,
    pub(super) bookings: i64,
    pub(super) lent: i64,
    pub(super) refreshes: i64,
}

impl GrantRow {
    fn new(grant: &GrantHealth) -> Self {
        let failures = match &grant.last_failure {
            Some(class) if grant.failures > 0 => format!("{} ({})", grant.failures, code("class", class)),
            _ => grant.failures.to_string(),
        };
        Self {
            person: grant.person.to_string(),
            name: grant.name.clone(),
            state: grant_badge(Some(grant.state)),
            place: place(&grant.provider, grant.data_centre.as_deref().unwrap_or_default()),
            scopes: grant.scopes.join(" "),
            missing: grant.missing_scopes.join(" "),
            connected: grant.connected_at.map(moment),
            refreshed: grant.refreshed_at.map(moment),
            next: grant.next_refresh_at.map(moment),
            failures,
            budget: t("health.budget").with("used", grant.budget.0).with("limit", grant.budget.1).to_string(),
            lent: grant.lent_today,
            lent_until: grant.lent_until.map(moment),
        }
    }
}

fn place(provider: &str, data_centre: &str) -> String {
    if data_centre.is_empty() { provider.to_owned() } else { format!("{provider}:{data_centre}") }
}

impl PlaceCard {
    fn new(view: &CallsView) -> Self {
        let failures = view.failures.iter().map(|(class, count)| (code("class", class), *count)).collect();
        let line = |label: &str, count: &dyn Fn(&HourView) -> i64| {
            Sparkline::new(label, &view.hours.iter().map(|hour| (hour, count(hour))).collect::<Vec<_>>())
        };
        Self {
            name: place(&view.provider, &view.data_centre),
            calls: view.calls,
            failures,
            median: millis(view.median_millis),
            p95: millis(view.p95_millis),
            lines: vec![
                line(&t("health.line.calls").to_string(), &|hour| hour.calls),
                line(&t("health.line.failed").to_string(), &|hour| hour.failed),
                line(&t("health.line.throttled").to_string(), &|hour| hour.throttled),
            ],
        }
    }
}

/// `up to 250 ms`.
fn millis(bound: Option<i64>) -> String {
    match bound {
        None => t("none").to_string(),
        Some(UNBOUNDED) => t("health.slow").to_string(),
        Some(bound) if bound >= 1_000 => t("health.seconds").with("bound", bound_seconds(bound)).to_string(),
        Some(bound) => t("health.millis").with("bound", bound).to_string(),
    }
}

fn bound_seconds(millis: i64) -> String {
    let (whole, tenths) = (millis / 1_000, millis % 1_000 / 100);
    if tenths == 0 { whole.to_string() } else { format!("{whole}.{tenths}") }
}

impl Sparkline {
    fn new(label: &str, hours: &[(&HourView, i64)]) -> Self {
        let most = hours.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let total: i64 = hours.iter().map(|(_, count)| *count).sum();
        let (width, height) = LINE;
        let last = i64::try_from(hours.len()).unwrap_or(1).max(2) - 1;
        let points = (0_i64..).zip(hours).map(|(place, (_, count))| {
            let up = if most == 0 { 0 } else { count * (height - 4) / most };
            format!("{},{}", place * width / last, height - 2 - up)
        });
        let top = hours.iter().find(|(_, count)| *count == most).filter(|_| most > 0);
        let words = match top {
            Some((hour, _)) => t("health.line.words")
                .with("label", label)
                .with("total", total)
                .with("most", most)
                .with("at", hour.since.strftime("%H:%M UTC")),
            None => t("health.line.none").with("label", label),
        };
        Self { label: label.to_owned(), words: words.to_string(), points: points.collect::<Vec<_>>().join(" ") }
    }
}

impl DayRow {
    fn new(view: &DayView) -> Self {
        Self {
            day: view.day.strftime("%-d %b %Y").to_string(),
            bookings: view.bookings,
            lent: view.lent,
            refreshes: view.refreshes,
        }
    }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin) -> Result<Response, Failure> {
    let health = state.app.health().await.or_fail(&state)?;
    let frame = Frame::new(&state, &admin, Section::Health, None).await.or_fail(&state)?;
    page(&HealthPage {
        frame,
        grants: health.grants.iter().map(GrantRow::new).collect(),
        more_grants: health.more_grants,
        places: health.calls.iter().map(PlaceCard::new).collect(),
        days: health.days.iter().map(DayRow::new).collect(),
    })
}
