//! Accounts: users, clients, consent, codes and tokens (OAuth 2.0, RFC 6749, the way Zoho does it).

mod authorize;
mod info;
mod model;
mod params;
mod revoke;
mod scopes;
mod token;

use axum::{
    Router,
    routing::{any, get, post},
};

pub use self::model::{
    AccessGrant, Accounts, Client, Code, Issued, RefreshCall, RefreshGrant, RefreshOutcome, Scope, TokenRefusal, User, UserId, Uses,
};
pub(crate) use self::{authorize::Ask, params::is_form, scopes::in_words};
use crate::sim::Site;

/// The routes of Accounts in one data centre.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/oauth/v2/auth", get(authorize::page))
        .route("/oauth/v2/auth/decide", post(authorize::decide))
        .route("/oauth/v2/token", any(token::token))
        .route("/oauth/v2/token/revoke", post(revoke::older))
        .route("/oauth/v2/revoke/token", post(revoke::newer))
        .route("/oauth/serverinfo", get(info::serverinfo))
        .route("/oauth/user/info", get(info::user))
        .with_state(site)
}
