//! The control API under `/_sim/`.

use axum::Router;

use crate::{calendar, sim::Site};

/// The routes of the control API.
pub(crate) fn router(site: Site) -> Router {
    Router::new().merge(calendar::control(site))
}
