//! Control API: switches, faults, the journal, mails and the clock.

use axum::{
    Json,
    body::Bytes,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Complaint, read};
use crate::{
    faults::Armed,
    journal::{Mail, Recorded},
    sim::Site,
    switches::Switches,
};

/// `GET /_sim/switches`
pub async fn switches(State(site): State<Site>) -> Json<Switches> {
    site.sim.with(|world, _| Json(world.switches.clone()))
}

/// `PATCH /_sim/switches`: sets the switches that are named, leaves the others.
pub async fn change_switches(State(site): State<Site>, body: Bytes) -> Result<Json<Switches>, Complaint> {
    let changes: Map<String, Value> = read(&body)?;
    site.sim.with(|world, _| {
        let merged = serde_json::to_value(&world.switches).and_then(|mut all| {
            if let Value::Object(all) = &mut all {
                all.extend(changes);
            }
            serde_json::from_value::<Switches>(all)
        });
        match merged {
            Ok(merged) => {
                world.switches = merged;
                Ok(Json(world.switches.clone()))
            }
            Err(error) => Err(Complaint::bad(format!("No switch was changed: {error}."))),
        }
    })
}

/// `GET /_sim/faults`
pub async fn faults(State(site): State<Site>) -> Json<Value> {
    site.sim.with(|world, _| Json(json!({"faults": world.faults.armed()})))
}

/// `POST /_sim/faults`
pub async fn arm(State(site): State<Site>, body: Bytes) -> Result<Response, Complaint> {
    let armed: Armed = read(&body)?;
    site.sim.with(|world, _| {
        world.faults.arm(armed);
        Ok((StatusCode::CREATED, Json(json!({"faults": world.faults.armed()}))).into_response())
    })
}

/// `DELETE /_sim/faults`
pub async fn disarm(State(site): State<Site>) -> StatusCode {
    site.sim.with(|world, _| world.faults.clear());
    StatusCode::NO_CONTENT
}

/// What to show of the journal.
#[derive(Deserialize)]
pub struct Filter {
    /// Only requests whose path starts so.
    #[serde(default)]
    path: String,
}

/// `GET /_sim/journal`
pub async fn journal(State(site): State<Site>, Query(filter): Query<Filter>) -> Json<Value> {
    site.sim.with(|world, _| {
        let shown: Vec<&Recorded> = world.journal.requests().filter(|request| request.path.starts_with(&filter.path)).collect();
        Json(json!({"requests": shown}))
    })
}

/// `DELETE /_sim/journal`: forgets requests and mails.
pub async fn forget(State(site): State<Site>) -> StatusCode {
    site.sim.with(|world, _| world.journal.clear());
    StatusCode::NO_CONTENT
}

/// `GET /_sim/mails`
pub async fn mails(State(site): State<Site>) -> Json<Value> {
    site.sim.with(|world, _| Json(json!({"mails": world.journal.mails().collect::<Vec<&Mail>>()})))
}

/// `GET /_sim/clock`
pub async fn clock(State(site): State<Site>) -> Json<Value> {
    Json(json!({"now": site.sim.now(), "movable": site.sim.owns_its_clock()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u32,
}

/// `POST /_sim/clock`
pub async fn advance(State(site): State<Site>, body: Bytes) -> Result<Json<Value>, Complaint> {
    if !site.sim.owns_its_clock() {
        let sentence = "This simulator follows a clock from outside. Move that one.";
        return Err(Complaint(StatusCode::CONFLICT, sentence.to_owned()));
    }
    let Advance { advance_seconds } = read(&body)?;
    site.sim.with(|world, _| world.clock_offset_s += i64::from(advance_seconds));
    Ok(clock(State(site)).await)
}
