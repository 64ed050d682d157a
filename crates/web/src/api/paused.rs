//! The one switch for everything: while it is on, nothing new is started for any vacancy.

use axum::{Json as Body, extract::State};
use domain::access::Right;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    endpoint::{Authorized, Endpoint, get, put},
    input::Json,
    output::Answer,
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/paused", Right::Read, "Whether everything is paused", show).answers::<Paused>(),
        put("/paused", Right::Commit, "Pauses everything, or goes on", set).body::<Paused>().answers::<Paused>(),
    ]
}

/// Whether everything is paused.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Paused {
    paused: bool,
}

async fn show(State(state): State<WebState>) -> Answer<Body<Paused>> {
    Ok(Body(Paused { paused: state.app.paused_all().await? }))
}

async fn set(State(state): State<WebState>, by: Authorized, Json(wanted): Json<Paused>) -> Answer<Body<Paused>> {
    state.app.pause_all(wanted.paused, &by.caller).await?;
    Ok(Body(wanted))
}
