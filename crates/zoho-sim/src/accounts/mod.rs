//! Accounts: users, clients, consent, codes and tokens (OAuth 2.0, RFC 6749, the way Zoho does it).

mod model;

use axum::Router;

pub use self::model::{Accounts, Client, Scope, TokenRefusal, User, UserId};
use crate::sim::Site;

/// The routes of Accounts in one data centre.
pub(crate) fn router(_site: Site) -> Router {
    Router::new()
}
