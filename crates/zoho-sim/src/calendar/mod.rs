//! Calendar: calendars, events and free/busy times (API v1).

use axum::{Router, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{accounts::User, ids::Ids, sim::Site};

/// All calendars of all users.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Calendars {}

impl Calendars {
    /// Makes the default calendar of a new user.
    pub(crate) fn add_user(&mut self, _user: &User, _ids: &mut Ids, _now: Timestamp) {}
}

/// The routes below `/api/v1` in one data centre.
pub(crate) fn router(_site: Site) -> Router {
    Router::new()
}

/// The routes below `/_sim` that are about calendars.
pub(crate) fn control(_site: Site) -> Router {
    Router::new()
}

/// The answer to any path and method that does not exist.
pub(crate) async fn not_configured() -> StatusCode {
    StatusCode::NOT_FOUND
}
