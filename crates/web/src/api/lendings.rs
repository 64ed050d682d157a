//! Short-lived access tokens that callers with that right may have: limited, on the record.

use app::{LendRequest, Lent};
use axum::{
    Json as Body,
    extract::{Path, State},
};
use domain::access::Right;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    endpoint::{Authorized, Endpoint, post},
    input::Json,
    managers::address,
    output::{Answer, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post(
            "/managers/{manager}/lendings",
            Right::Lend,
            "Lends a short-lived access token for a stated purpose, on the record; off unless the installation allows it; 60 an hour for each key and manager",
            lend,
        )
        .body::<Wanted>()
        .answers::<LentToken>()
        .secret(),
        post(
            "/managers/{manager}/access-token",
            Right::Lend,
            "As `lendings`, without a purpose: the record says that none was stated. For callers that know only this address",
            lend_without_words,
        )
        .answers::<LentToken>()
        .secret(),
    ]
}

/// What a token is wanted for.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Lending)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What it is for, in one line; the audit log keeps it. No addresses.
    purpose: String,
    /// Seconds it must live at least, 60 to 1800; 60 where absent. A token with less is refreshed first.
    #[schema(required = false, minimum = 60, maximum = 1800)]
    min_seconds: Option<i64>,
}

/// A short-lived access token. It lives until its end, also if the manager disconnects before.
#[derive(Serialize, ToSchema)]
struct LentToken {
    access_token: String,
    token_type: &'static str,
    expires_at: Moment,
    /// What it may do; empty where the provider did not say.
    scopes: Vec<String>,
}

impl From<Lent> for LentToken {
    fn from(lent: Lent) -> Self {
        Self {
            access_token: lent.access_token.expose().to_owned(),
            token_type: "Zoho-oauthtoken",
            expires_at: lent.expires_at.into(),
            scopes: lent.scopes,
        }
    }
}

async fn lend(
    State(state): State<WebState>,
    by: Authorized,
    Path(manager): Path<String>,
    Json(wanted): Json<Wanted>,
) -> Answer<Body<LentToken>> {
    let email = address(&state, &manager).await?;
    let asked = LendRequest { purpose: Some(wanted.purpose), min_seconds: wanted.min_seconds };
    Ok(Body(state.app.lend_access_token(&email, by.key.id, &asked, &by.caller).await?.into()))
}

async fn lend_without_words(State(state): State<WebState>, by: Authorized, Path(manager): Path<String>) -> Answer<Body<LentToken>> {
    let email = address(&state, &manager).await?;
    Ok(Body(state.app.lend_access_token(&email, by.key.id, &LendRequest::default(), &by.caller).await?.into()))
}
