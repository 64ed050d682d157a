//! Everything that answers HTTP: the pages of people (managers, candidates), the dashboard, the API and the first version's four
//! endpoints.
//!
//! Entry points: [`router`] puts the routes behind the guards of [`security`]; [`WebState`] is what they share. A handler gets its
//! input, calls one use case of [`app`], and wraps the answer; no rule of the business is here. **Invariant:** a GET changes nothing
//! and uses nothing up, because mail scanners fetch every link.

pub mod api;
pub mod contract;
pub mod error;
pub mod metrics;
pub mod pages;
pub mod request;
pub mod security;
pub mod state;
pub mod texts;

use axum::Router;
pub use state::WebState;

/// All routes behind all guards.
pub fn router(state: WebState) -> Router {
    router_with(state, Router::new())
}

/// As [`router`], with routes of the binary's own (the demo's clock) behind the same guards.
pub fn router_with(state: WebState, extra: Router) -> Router {
    let routes = Router::new()
        .merge(pages::routes(&state))
        .merge(api::routes(&state))
        .merge(contract::routes())
        .with_state(state.clone())
        .merge(extra);
    security::guard(routes.fallback(pages::not_found), state)
}
