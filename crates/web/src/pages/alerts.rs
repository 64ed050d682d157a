//! `/alerts`: what is wrong, what it means, what to do; and what was wrong.

use app::AlertView;
use askama::Template;
use axum::{extract::State, response::Response};
use domain::alerts::{AlertKind, Severity};

use super::{
    Failure, OrFail,
    frame::{Frame, Section},
    page,
    session::Admin,
    shown::Badge,
    times::{Moment, moment},
};
use crate::{
    WebState,
    texts::{code, filters},
};

/// Alerts shown of each sort.
const ROWS: u32 = 500;

/// See `alerts.html`.
#[derive(Debug, Template)]
#[template(path = "alerts.html")]
pub(super) struct AlertsPage {
    pub(super) frame: Frame,
    pub(super) kinds: Vec<KindCard>,
    pub(super) past: Vec<AlertRow>,
}

/// Everything of one kind that lasts.
#[derive(Debug)]
pub(super) struct KindCard {
    pub(super) severity: Badge,
    pub(super) title: String,
    pub(super) what: String,
    pub(super) advice: String,
    pub(super) rows: Vec<AlertRow>,
}

/// One alert.
#[derive(Debug)]
pub(super) struct AlertRow {
    pub(super) title: String,
    pub(super) name: String,
    pub(super) href: Option<String>,
    pub(super) since: Moment,
    pub(super) until: Option<Moment>,
}

impl AlertRow {
    fn new(view: &AlertView) -> Self {
        Self {
            title: words(view.alert.kind, "title"),
            name: view.name.clone(),
            href: href(view),
            since: moment(view.alert.raised_at),
            until: view.alert.ended_at.map(moment),
        }
    }
}

/// `title`, `what` or `do` of a kind.
fn words(kind: AlertKind, part: &str) -> String {
    code("alert", &format!("{}.{part}", kind.code()))
}

/// Where to look.
pub(super) fn href(view: &AlertView) -> Option<String> {
    if view.alert.kind == AlertKind::MassChange {
        return Some("/reality".to_owned());
    }
    if let Some(person) = view.person {
        return Some(format!("/managers/{person}"));
    }
    let path = match view.alert.kind {
        AlertKind::JobsGivenUp => "/jobs",
        AlertKind::AuditBroken => "/audit",
        AlertKind::RemindersMissed => "/interviews",
        AlertKind::RefreshOverdue
        | AlertKind::Misconfigured
        | AlertKind::ProtocolFailure
        | AlertKind::CircuitOpen
        | AlertKind::ErrorRateRising => "/health",
        _ => return None,
    };
    Some(path.to_owned())
}

fn severity(kind: AlertKind) -> Badge {
    let (tone, name) = match kind.severity() {
        Severity::Warning => ("warn", "warning"),
        Severity::Critical => ("bad", "critical"),
    };
    Badge { tone, text: code("state.alert", name) }
}

pub(super) async fn show(State(state): State<WebState>, admin: Admin) -> Result<Response, Failure> {
    let lasting = state.app.alerts(true, ROWS).await.or_fail(&state)?;
    let all = state.app.alerts(false, ROWS).await.or_fail(&state)?;
    let mut kinds: Vec<AlertKind> = lasting.iter().map(|view| view.alert.kind).collect();
    kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.severity()), *kind));
    kinds.dedup();
    let card = |kind: AlertKind| KindCard {
        severity: severity(kind),
        title: words(kind, "title"),
        what: words(kind, "what"),
        advice: words(kind, "do"),
        rows: lasting.iter().filter(|view| view.alert.kind == kind).map(AlertRow::new).collect(),
    };
    let frame = Frame::new(&state, &admin, Section::Alerts, None).await.or_fail(&state)?;
    let past = all.iter().filter(|view| view.alert.ended_at.is_some()).map(AlertRow::new).collect();
    page(&AlertsPage { frame, kinds: kinds.into_iter().map(card).collect(), past })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::known_code;

    #[test]
    fn every_kind_of_alert_has_its_words() {
        for kind in AlertKind::ALL {
            for part in ["title", "what", "do"] {
                let key = format!("{}.{part}", kind.code());
                assert!(known_code("alert", &key).is_some(), "alert.{key} is missing in alerts.properties");
            }
        }
    }
}
