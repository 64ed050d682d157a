//! The control API under `/_sim/`: how tests and people set the stage and look behind it. JSON without log-in; the
//! simulator listens on loopback only. It is the same in every data centre.
//!
//! | call | what it does |
//! | --- | --- |
//! | `GET /_sim/` | a page for people |
//! | `GET`, `POST /_sim/users` | `{"email", "first_name"?, "last_name"?, "location"?, "timezone"?}` |
//! | `GET`, `POST /_sim/clients` | `{"client_id", "secret", "redirect_uris", "name"?, "multi_dc"?, "home"?, "dc_secrets"?}` |
//! | `GET`, `PATCH /_sim/switches` | how this Zoho behaves; PATCH sets what it names |
//! | `GET`, `POST`, `DELETE /_sim/faults` | `{"path", "kind", …, "method"?, "dc"?, "skip"?, "times"?}` |
//! | `GET`, `DELETE /_sim/journal` | requests that came in, without secrets; `?path=` filters |
//! | `GET /_sim/mails` | mails that Zoho would have sent |
//! | `GET`, `POST /_sim/clock` | `{"advance_seconds": n}` where the clock is the simulator's own |
//! | `GET /_sim/tokens` | every code and token ever handed out |
//! | `POST /_sim/revoke` | `{"email", "client_id"?}`: the user ends an app's access |
//! | `POST /_sim/expire` | the same body: access tokens end now, refresh tokens stay |
//!
//! The calls about calendars (`/_sim/calendars`), events by hand (`/_sim/events`) and iCalendar files (`/_sim/ics`) are in
//! `calendar::control`.

mod people;
mod stage;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::{calendar, pages, sim::Site};

/// The routes of the control API, the same in every data centre.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/_sim", get(async || Redirect::permanent("/_sim/")))
        .route("/_sim/", get(index))
        .route("/_sim/sim.css", get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], pages::CSS)))
        .route("/_sim/users", get(people::users).post(people::add_user))
        .route("/_sim/clients", get(people::clients).post(people::put_client))
        .route("/_sim/tokens", get(people::tokens))
        .route("/_sim/revoke", post(people::revoke))
        .route("/_sim/expire", post(people::expire))
        .route("/_sim/switches", get(stage::switches).patch(stage::change_switches))
        .route("/_sim/faults", get(stage::faults).post(stage::arm).delete(stage::disarm))
        .route("/_sim/journal", get(stage::journal).delete(stage::forget))
        .route("/_sim/mails", get(stage::mails))
        .route("/_sim/clock", get(stage::clock).post(stage::advance))
        .with_state(site.clone())
        .nest("/_sim", calendar::control(site))
}

async fn index(State(site): State<Site>) -> Response {
    site.sim.with(|world, now| pages::index::page(world, &site.location, now))
}

/// A sentence for whoever called the control API wrongly.
#[derive(Debug)]
pub(crate) struct Complaint(pub StatusCode, pub String);

impl Complaint {
    /// Status 400.
    pub fn bad(sentence: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, sentence.into())
    }
}

impl IntoResponse for Complaint {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

/// Reads a JSON body, whatever its content type says: curl does not set one.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Complaint> {
    serde_json::from_slice(body).map_err(|error| Complaint::bad(format!("The JSON body was not understood: {error}.")))
}
