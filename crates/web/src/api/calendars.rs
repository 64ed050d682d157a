//! A manager's calendars: list, read, write, free times.

use app::{EventView, NewEvent};
use axum::{
    Json as Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{TimeRange, Timestamp, Zone, access::Right};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    access::Denied,
    endpoint::{Authorized, Endpoint, get, post, put},
    input::{Json, Query, invalid, range},
    managers::address,
    output::{Answer, List, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/managers/{manager}/calendars", Right::Read, "Lists a manager's calendars", list).lists::<CalendarBody>(),
        put("/managers/{manager}/calendar", Right::Commit, "Chooses the calendar interviews are written to", choose)
            .body::<Choice>()
            .answers::<Choice>(),
        get(
            "/managers/{manager}/calendars/{calendar}/events",
            Right::Read,
            "Lists events; titles need the right `calendar_titles` and are logged",
            events,
        )
        .query::<EventsWindow>()
        .lists::<EventBody>(),
        post(
            "/managers/{manager}/calendars/{calendar}/events",
            Right::Commit,
            "Makes an event; refused on a clash unless `allow_conflict`",
            create,
        )
        .body::<EventInput>()
        .answers::<EventBody>()
        .with(StatusCode::CREATED),
        get(
            "/managers/{manager}/availability",
            Right::Read,
            "When a manager can be booked, and how far that can be trusted",
            availability,
        )
        .query::<AvailabilityWindow>()
        .answers::<Availability>(),
    ]
}

/// A calendar.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Calendar)]
struct CalendarBody {
    /// The provider's uid.
    id: String,
    name: String,
    zone: Option<String>,
    /// `primary` means this one.
    is_default: bool,
    writable: bool,
}

async fn list(State(state): State<WebState>, _by: Authorized, Path(manager): Path<String>) -> Answer<List<CalendarBody>> {
    let email = address(&state, &manager).await?;
    let found = state.app.calendar_list(&email).await?;
    let body = |calendar: ports::calendar::CalendarInfo| CalendarBody {
        id: calendar.uid,
        name: calendar.name,
        zone: calendar.zone.map(|zone| zone.name().to_owned()),
        is_default: calendar.is_default,
        writable: calendar.writable,
    };
    Ok(List::whole(found.into_iter().map(body).collect()))
}

/// Which calendar: `primary` or a uid.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = CalendarChoice)]
#[serde(deny_unknown_fields)]
struct Choice {
    calendar_id: String,
}

async fn choose(
    State(state): State<WebState>,
    by: Authorized,
    Path(manager): Path<String>,
    Json(choice): Json<Choice>,
) -> Answer<Body<Choice>> {
    let email = address(&state, &manager).await?;
    state.app.choose_calendar(&email, &choice.calendar_id, &by.caller).await?;
    Ok(Body(choice))
}

/// An event. Instances of recurring events are separate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
struct EventBody {
    /// The provider's uid.
    id: String,
    start: Moment,
    end: Moment,
    all_day: bool,
    /// Whether it takes the owner's time.
    busy: bool,
    private: bool,
    /// Null without `titles=true`, and always for a private event.
    title: Option<String>,
}

impl From<EventView> for EventBody {
    fn from(event: EventView) -> Self {
        Self {
            id: event.uid,
            start: event.range.start().into(),
            end: event.range.end().into(),
            all_day: event.all_day,
            busy: event.busy,
            private: event.private,
            title: event.title,
        }
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsWindow {
    /// RFC 3339; without an offset it is in the manager's own zone.
    start: String,
    /// As `start`.
    end: String,
    /// Whether to give titles.
    #[serde(default)]
    #[param(required = false)]
    titles: bool,
}

async fn events(
    State(state): State<WebState>,
    by: Authorized,
    Path((manager, calendar)): Path<(String, String)>,
    Query(asked): Query<EventsWindow>,
) -> Answer<List<EventBody>> {
    if asked.titles && !by.key.rights.contains(&Right::CalendarTitles) {
        return Err(Denied::Lacks(Right::CalendarTitles).into());
    }
    let email = address(&state, &manager).await?;
    let window = window(&state, &email, &asked.start, &asked.end).await?;
    let found = state.app.calendar_events(&email, Some(&calendar), window, asked.titles, &by.caller).await?;
    Ok(List::whole(found.into_iter().map(EventBody::from).collect()))
}

/// An event as you want it.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewEvent)]
#[serde(deny_unknown_fields)]
struct EventInput {
    title: String,
    /// RFC 3339; without an offset it is in the manager's own zone.
    start: String,
    /// As `start`.
    end: String,
    #[schema(required = false)]
    description: Option<String>,
    /// Write it even where something is in the way.
    #[serde(default)]
    #[schema(required = false)]
    allow_conflict: bool,
}

async fn create(
    State(state): State<WebState>,
    by: Authorized,
    Path((manager, calendar)): Path<(String, String)>,
    Json(input): Json<EventInput>,
) -> Answer<Response> {
    let email = address(&state, &manager).await?;
    let range = window(&state, &email, &input.start, &input.end).await?;
    let event = NewEvent { title: input.title, range, description: input.description, allow_conflict: input.allow_conflict };
    let made = state.app.create_calendar_event(&email, Some(&calendar), event, &by.caller).await?;
    Ok((StatusCode::CREATED, Body(EventBody::from(made))).into_response())
}

/// Two times of a caller. The manager's zone is asked for only where a time has no offset.
async fn window(state: &WebState, email: &str, start: &str, end: &str) -> Answer<TimeRange> {
    let local = |text: &str| text.parse::<Timestamp>().is_err();
    let zone = if local(start) || local(end) { Some(state.app.manager_zone(email).await?) } else { None };
    range(time("start", start, zone.as_ref())?, time("end", end, zone.as_ref())?)
}

fn time(field: &str, text: &str, zone: Option<&Zone>) -> Answer<Timestamp> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let local = text.parse::<DateTime>().ok().zip(zone);
    let at = local.and_then(|(local, zone)| zone.time_zone().to_timestamp(local).ok());
    at.ok_or_else(|| {
        let shown: String = text.chars().take(60).collect();
        invalid(field, format!("`{shown}` is not a time; write RFC 3339, as in 2026-11-23T09:00:00Z, or without an offset for the manager's own zone (a `+` in a query is sent as %2B)"))
    })
}

/// For how long an interview, and when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AvailabilityWindow {
    /// RFC 3339; without an offset it is in the manager's own zone.
    start: String,
    /// As `start`.
    end: String,
    /// Length of an interview, a multiple of 5; 60 where absent.
    #[param(required = false)]
    minutes: Option<i64>,
}

/// When a manager can be booked.
#[derive(Debug, Serialize, ToSchema)]
struct Availability {
    /// `known`, `assumed` or `unknown`; unknown offers nothing.
    source: &'static str,
    /// When the calendar was read.
    as_of: Option<Moment>,
    /// Why it is not known, as a code.
    why: Option<String>,
    /// The zone of the working hours.
    zone: String,
    /// Whether the working hours are the installation's default.
    default_hours: bool,
    /// Times that can be offered.
    slots: Vec<Span>,
    /// Times that the calendar has something.
    busy: Vec<Span>,
}

/// From when to when.
#[derive(Debug, Serialize, ToSchema)]
struct Span {
    start: Moment,
    end: Moment,
}

impl From<TimeRange> for Span {
    fn from(range: TimeRange) -> Self {
        Self { start: range.start().into(), end: range.end().into() }
    }
}

async fn availability(
    State(state): State<WebState>,
    Path(manager): Path<String>,
    Query(asked): Query<AvailabilityWindow>,
) -> Answer<Body<Availability>> {
    let email = address(&state, &manager).await?;
    let window = window(&state, &email, &asked.start, &asked.end).await?;
    let view = state.app.availability(&email, window, asked.minutes.unwrap_or(60)).await?;
    Ok(Body(Availability {
        source: view.source,
        as_of: view.as_of.map(Moment),
        why: view.why,
        zone: view.zone.name().to_owned(),
        default_hours: view.default_hours,
        slots: view.slots.into_iter().map(Span::from).collect(),
        busy: view.busy.into_iter().map(Span::from).collect(),
    }))
}
