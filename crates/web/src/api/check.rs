//! What `greenroom check` asks for besides the everyday calls: the provider's free/busy beside the events, and taking an event back.

use axum::{
    Json as Body,
    extract::{Path, State},
    http::StatusCode,
};
use domain::{TimeRange, access::Right};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Authorized, Endpoint, delete, get},
    input::{Query, instant, range},
    managers::address,
    output::{Answer, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get(
            "/managers/{manager}/free-busy-check",
            Right::Read,
            "Whether the provider's free/busy agrees with the events that interviews are planned by",
            compare,
        )
        .query::<Window>()
        .answers::<FreeBusyCheck>(),
        delete(
            "/managers/{manager}/calendars/{calendar}/events/{event}",
            Right::Commit,
            "Deletes an event that was made here; every other event is its owner's",
            remove,
        )
        .with(StatusCode::NO_CONTENT),
    ]
}

/// What to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Window {
    /// RFC 3339.
    start: String,
    /// RFC 3339.
    end: String,
}

/// Busy times by the events and by the provider's own answer.
#[derive(Debug, Serialize, ToSchema)]
struct FreeBusyCheck {
    /// Whether both say the same, as far as the provider says anything.
    agrees: bool,
    /// Whether the account shares free/busy; where it does not, nothing was compared.
    shared: bool,
    /// Names of the calendars that free/busy covers.
    calendars: Vec<String>,
    by_events: Vec<BusyTime>,
    by_provider: Vec<BusyTime>,
    /// Busy by the events, free for the provider.
    only_events: Vec<BusyTime>,
    /// Busy for the provider, free by the events.
    only_provider: Vec<BusyTime>,
}

/// From when to when.
#[derive(Debug, Serialize, ToSchema)]
struct BusyTime {
    start: Moment,
    end: Moment,
}

fn times(ranges: &[TimeRange]) -> Vec<BusyTime> {
    ranges.iter().map(|range| BusyTime { start: range.start().into(), end: range.end().into() }).collect()
}

async fn compare(
    State(state): State<WebState>,
    _by: Authorized,
    Path(manager): Path<String>,
    Query(asked): Query<Window>,
) -> Answer<Body<FreeBusyCheck>> {
    let email = address(&state, &manager).await?;
    let window = range(instant("start", &asked.start)?, instant("end", &asked.end)?)?;
    let view = state.app.compare_free_busy(&email, window).await?;
    Ok(Body(FreeBusyCheck {
        agrees: view.agrees(),
        shared: view.shared,
        by_events: times(&view.by_events),
        by_provider: times(&view.by_provider),
        only_events: times(&view.only_events),
        only_provider: times(&view.only_provider),
        calendars: view.calendars,
    }))
}

async fn remove(
    State(state): State<WebState>,
    by: Authorized,
    Path((manager, calendar, event)): Path<(String, String, String)>,
) -> Answer<StatusCode> {
    let email = address(&state, &manager).await?;
    state.app.delete_calendar_event(&email, Some(&calendar), &event, &by.caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
