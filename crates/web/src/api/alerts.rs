//! What the dashboard shows of alerts and of the installation's health, for programs.

use std::collections::BTreeMap;

use app::{AlertView, CallsView, DayView, GrantHealth, HealthView, HourView};
use axum::{Json as Body, extract::State};
use domain::{access::Right, alerts::Severity, calls::UNBOUNDED};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Endpoint, get},
    input::{Paging, Query},
    output::{Answer, List, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/alerts", Right::Read, "Lists alerts that last, newest first; with `all=true` those that are over too", list)
            .query::<Which>()
            .lists::<AlertBody>(),
        get("/health", Right::Read, "How permissions and providers fare, and what the installation is used for", health)
            .answers::<HealthBody>(),
    ]
}

/// Which alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Whether to list those that are over, too.
    #[serde(default)]
    #[param(required = false)]
    all: bool,
    /// At most this many, 1 to 200; 50 where absent.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// Something that is or was wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Alert)]
struct AlertBody {
    id: String,
    /// A stable code such as `circuit_open`.
    kind: &'static str,
    /// `warning` or `critical`.
    severity: &'static str,
    /// With what: an id, or a name such as `zoho:eu`.
    subject: String,
    /// The manager it concerns, if it does.
    manager: Option<String>,
    since: Moment,
    until: Option<Moment>,
    /// Numbers and codes.
    details: serde_json::Value,
}

impl From<AlertView> for AlertBody {
    fn from(view: AlertView) -> Self {
        let alert = view.alert;
        Self {
            id: alert.id.to_string(),
            kind: alert.kind.code(),
            severity: match alert.kind.severity() {
                Severity::Warning => "warning",
                Severity::Critical => "critical",
            },
            subject: alert.subject,
            manager: view.person.map(|person| person.to_string()),
            since: alert.raised_at.into(),
            until: alert.ended_at.map(Moment),
            details: alert.details,
        }
    }
}

async fn list(State(state): State<WebState>, Query(which): Query<Which>) -> Answer<List<AlertBody>> {
    let limit = Paging { cursor: None, limit: which.limit }.limit()?;
    let found = state.app.alerts(!which.all, limit).await?;
    Ok(List::whole(found.into_iter().map(AlertBody::from).collect()))
}

/// Permissions, providers, use.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
struct HealthBody {
    /// Managers' permissions, those in need first; at most 1000.
    grants: Vec<GrantBody>,
    /// Data centres that were called in the last 24 hours.
    calls: Vec<CallsBody>,
    /// The last 14 days (UTC), newest first.
    days: Vec<DayBody>,
}

/// A manager's permission and how it fares.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GrantHealth)]
struct GrantBody {
    id: String,
    manager: String,
    /// `requested`, `refused`, `unverified`, `active`, `dead` or `disconnected`.
    state: serde_json::Value,
    provider: String,
    data_centre: Option<String>,
    scopes: Vec<String>,
    /// Scopes that booking needs and that were not granted.
    missing_scopes: Vec<String>,
    connected_at: Option<Moment>,
    expires_at: Option<Moment>,
    refreshed_at: Option<Moment>,
    next_refresh_at: Option<Moment>,
    /// Failed refreshes in a row.
    failures: u32,
    /// The class of the last failure.
    last_failure: Option<String>,
    /// Refreshes begun in the last ten minutes.
    budget_used: u32,
    /// How many of them the provider allows.
    budget_limit: u32,
    /// Access tokens lent today (UTC).
    lent_today: i64,
    /// Until when a lent token lives, whatever becomes of the permission.
    lent_until: Option<Moment>,
}

impl From<GrantHealth> for GrantBody {
    fn from(grant: GrantHealth) -> Self {
        Self {
            id: grant.id.to_string(),
            manager: grant.person.to_string(),
            state: serde_json::json!(grant.state),
            provider: grant.provider,
            data_centre: grant.data_centre,
            scopes: grant.scopes,
            missing_scopes: grant.missing_scopes,
            connected_at: grant.connected_at.map(Moment),
            expires_at: grant.expires_at.map(Moment),
            refreshed_at: grant.refreshed_at.map(Moment),
            next_refresh_at: grant.next_refresh_at.map(Moment),
            failures: grant.failures,
            last_failure: grant.last_failure,
            budget_used: grant.budget.0,
            budget_limit: grant.budget.1,
            lent_today: grant.lent_today,
            lent_until: grant.lent_until.map(Moment),
        }
    }
}

/// Calls of one data centre in the last 24 hours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProviderCalls)]
struct CallsBody {
    provider: String,
    data_centre: String,
    calls: i64,
    /// Failed calls by class.
    failures: BTreeMap<String, i64>,
    /// Half of the calls took at most this long; null where there were none, or where they took more than a minute.
    median_millis: Option<i64>,
    /// 95 of 100 calls took at most this long; null as above.
    p95_millis: Option<i64>,
    /// Oldest first.
    hours: Vec<HourBody>,
}

/// Calls of one hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HourOfCalls)]
struct HourBody {
    since: Moment,
    calls: i64,
    failed: i64,
    /// Refused as too many.
    throttled: i64,
}

impl From<CallsView> for CallsBody {
    fn from(view: CallsView) -> Self {
        let hour = |hour: HourView| HourBody {
            since: hour.since.into(),
            calls: hour.calls,
            failed: hour.failed,
            throttled: hour.throttled,
        };
        let known = |bound: &i64| *bound != UNBOUNDED;
        Self {
            provider: view.provider,
            data_centre: view.data_centre,
            calls: view.calls,
            failures: view.failures,
            median_millis: view.median_millis.filter(known),
            p95_millis: view.p95_millis.filter(known),
            hours: view.hours.into_iter().map(hour).collect(),
        }
    }
}

/// Use on one day (UTC).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DayOfUse)]
struct DayBody {
    day: Moment,
    bookings: i64,
    refreshes: i64,
    lent_tokens: i64,
}

impl From<DayView> for DayBody {
    fn from(view: DayView) -> Self {
        Self { day: view.day.into(), bookings: view.bookings, refreshes: view.refreshes, lent_tokens: view.lent }
    }
}

async fn health(State(state): State<WebState>) -> Answer<Body<HealthBody>> {
    let HealthView { grants, calls, days, .. } = state.app.health().await?;
    Ok(Body(HealthBody {
        grants: grants.into_iter().map(GrantBody::from).collect(),
        calls: calls.into_iter().map(CallsBody::from).collect(),
        days: days.into_iter().map(DayBody::from).collect(),
    }))
}
