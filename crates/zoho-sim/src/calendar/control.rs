//! The control API about calendars, under `/_sim`: look at a user's calendars, add one, change its settings or who
//! shares it, and change events as if by the owner's hand. JSON in and out; errors say what was wrong.

use std::collections::BTreeMap;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    by_hand::ByHandError,
    model::{Calendar, Category, Privilege},
    times,
};
use crate::{
    control::{Complaint, read},
    ics::ImportError,
    pages::week,
    sim::Site,
    world::World,
};

/// The routes below `/_sim`.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/calendars/{email}", get(dump).post(add_calendar))
        .route("/calendars/{email}/{uid}", axum::routing::patch(change_calendar))
        .route("/ics", post(import))
        .route("/events", post(add_event).patch(change_event).delete(delete_event))
        .with_state(site.clone())
        .merge(week::router(site))
}

impl From<ByHandError> for Complaint {
    fn from(error: ByHandError) -> Self {
        let status = match &error {
            ByHandError::NoUser(_) | ByHandError::NoCalendar(..) | ByHandError::NoEvent(..) => StatusCode::NOT_FOUND,
            ByHandError::Refused(_) => StatusCode::BAD_REQUEST,
        };
        Self(status, format!("{error}."))
    }
}

type Answer = Result<Json<Value>, Complaint>;

async fn dump(State(site): State<Site>, Path(email): Path<String>) -> Answer {
    site.sim.with(|world, _| {
        let owner = world.user_named(&email)?;
        let calendars = world.calendars.owned_by(owner.zuid);
        let calendars = serde_json::to_value(calendars).map_err(|error| ByHandError::Refused(error.to_string()))?;
        Ok(Json(json!({"email": owner.email, "calendars": calendars})))
    })
}

/// A calendar's settings as the control API takes them; what is left out stays as it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    name: Option<String>,
    timezone: Option<String>,
    category: Option<Category>,
    include_infreebusy: Option<bool>,
    /// Rights by address.
    shares: Option<BTreeMap<String, Privilege>>,
}

async fn add_calendar(State(site): State<Site>, Path(email): Path<String>, body: Bytes) -> Answer {
    let settings: Settings = read(&body)?;
    site.sim.with(|world, now| {
        let owner = world.user_named(&email)?;
        let mut calendar = Calendar::new(owner.zuid, &owner.location, "New calendar", &owner.timezone, &mut world.ids, now);
        settings.apply(world, &mut calendar)?;
        let uid = calendar.uid.clone();
        world.calendars.insert(calendar);
        Ok(Json(json!({"uid": uid})))
    })
}

async fn change_calendar(State(site): State<Site>, Path((email, uid)): Path<(String, String)>, body: Bytes) -> Answer {
    let settings: Settings = read(&body)?;
    site.sim.with(|world, now| {
        let owner = world.user_named(&email)?;
        let mut calendar = world.calendar_named(&owner, Some(&uid))?.clone();
        settings.apply(world, &mut calendar)?;
        calendar.touch(now);
        world.calendars.insert(calendar);
        Ok(Json(json!({"uid": uid})))
    })
}

impl Settings {
    fn apply(self, world: &World, calendar: &mut Calendar) -> Result<(), ByHandError> {
        if let Some(zone) = self.timezone {
            times::zone(&zone).ok_or_else(|| ByHandError::Refused(format!("{zone} is not a time zone")))?;
            calendar.timezone = zone;
        }
        if let Some(shares) = self.shares {
            let by_id = |(email, may): (String, Privilege)| world.user_named(&email).map(|user| (user.zuid, may));
            calendar.shares = shares.into_iter().map(by_id).collect::<Result<_, _>>()?;
        }
        calendar.name = self.name.unwrap_or_else(|| calendar.name.clone());
        calendar.category = self.category.unwrap_or(calendar.category);
        calendar.include_infreebusy = self.include_infreebusy.unwrap_or(calendar.include_infreebusy);
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Into {
    email: String,
    calendar: Option<String>,
}

/// `POST /_sim/ics?email=…`: the body is the file.
async fn import(State(site): State<Site>, Query(into): Query<Into>, file: String) -> Answer {
    let uids = site.sim.with(|world, now| world.import_ics(&into.email, into.calendar.as_deref(), &file, now));
    match uids {
        Ok(uids) => Ok(Json(json!({"imported": uids.len(), "uids": uids}))),
        Err(ImportError::Place(error)) => Err(error.into()),
        Err(ImportError::File(error)) => Err(Complaint::bad(format!("Nothing was imported. {error}."))),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    email: String,
    #[serde(default)]
    calendar: Option<String>,
    event: Value,
}

async fn add_event(State(site): State<Site>, body: Bytes) -> Answer {
    let add: Add = read(&body)?;
    let uid = site.sim.with(|world, now| world.add_by_hand(&add.email, add.calendar.as_deref(), add.event, now))?;
    Ok(Json(json!({"uid": uid})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    email: String,
    uid: String,
    event: Value,
}

async fn change_event(State(site): State<Site>, body: Bytes) -> Answer {
    let change: Change = read(&body)?;
    site.sim.with(|world, now| world.change_by_hand(&change.email, &change.uid, change.event, now))?;
    Ok(Json(json!({"uid": change.uid})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    email: String,
    uid: String,
    #[serde(default)]
    recurrenceid: Option<String>,
}

async fn delete_event(State(site): State<Site>, body: Bytes) -> Answer {
    let Delete { email, uid, recurrenceid } = read(&body)?;
    site.sim.with(|world, now| world.delete_by_hand(&email, &uid, recurrenceid.as_deref(), now))?;
    Ok(Json(json!({"uid": uid})))
}
