//! Revocation: two paths for apps (an older and a newer one in Zoho's documents), and the user's own "Connected Apps".

use axum::{
    Json,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    model::{Accounts, UserId},
    params::Params,
    token::authenticated,
};
use crate::{sim::Site, world::World};

/// `POST /oauth/v2/token/revoke?token=…`
pub async fn older(State(site): State<Site>, RawQuery(query): RawQuery, headers: HeaderMap, body: Bytes) -> Response {
    site.sim.with(|world, now| {
        let params = if world.switches.revoke_reads_body {
            Params::of_both(query.as_deref(), &headers, &body)
        } else {
            Params::of_query(query.as_deref())
        };
        if params.get("token").is_some_and(|token| revoke(world, &site.location, None, token, now)) {
            success()
        } else {
            (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_code"}))).into_response()
        }
    })
}

/// `POST /oauth/v2/revoke/token`, with the client's credentials. Like RFC 7009 it does not tell an unknown token from
/// one that was just revoked.
pub async fn newer(State(site): State<Site>, RawQuery(query): RawQuery, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::of_both(query.as_deref(), &headers, &body);
    site.sim.with(|world, now| {
        let client_id = match authenticated(world, &site.location, &params, &headers) {
            Ok(client) => client.client_id.clone(),
            Err(refusal) => return refusal.response(&world.switches),
        };
        let Some(token) = params.get("token") else {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_request"}))).into_response();
        };
        let known = revoke(world, &site.location, Some(&client_id), token, now);
        tracing::debug!(known, "revocation");
        success()
    })
}

fn success() -> Response {
    Json(json!({"status": "success"})).into_response()
}

/// Ends a refresh token with its access tokens, or one access token. False if this data centre (or this client) has no
/// such token.
fn revoke(world: &mut World, dc: &str, client: Option<&str>, token: &str, now: Timestamp) -> bool {
    let at = now + SignedDuration::from_secs(world.switches.revoke_delay_s);
    let accounts = &mut world.accounts;
    let ours = |of_dc: &str, of_client: &str| of_dc == dc && client.is_none_or(|client| client == of_client);
    if accounts.refresh.get(token).is_some_and(|grant| ours(&grant.dc, &grant.client_id)) {
        accounts.end_refresh(token, at, now);
        return true;
    }
    let live = accounts.access.get(token).is_some_and(|grant| ours(&grant.dc, &grant.client_id) && grant.expires_at > now);
    if live {
        accounts.end_access([token.to_owned()], at, now);
    }
    live
}

impl World {
    /// The user ends the access of one client, or of all, under "Connected Apps": tokens and consent. Says how many
    /// refresh tokens ended.
    pub fn revoke_by_user(&mut self, user: UserId, client: Option<&str>, now: Timestamp) -> usize {
        let at = now + SignedDuration::from_secs(self.switches.revoke_delay_s);
        let accounts = &mut self.accounts;
        let meant = |id: &str| client.is_none_or(|client| client == id);
        let refresh: Vec<String> = accounts
            .refresh
            .iter()
            .filter(|(_, grant)| grant.user == user && meant(&grant.client_id))
            .map(|(token, _)| token.clone())
            .collect();
        for token in &refresh {
            accounts.end_refresh(token, at, now);
        }
        let access: Vec<String> = accounts
            .access
            .iter()
            .filter(|(_, grant)| grant.user == user && meant(&grant.client_id))
            .map(|(token, _)| token.clone())
            .collect();
        accounts.end_access(access, at, now);
        accounts.codes.retain(|_, code| code.user != user || !meant(&code.client_id));
        if let Some(consents) = accounts.consents.get_mut(&user) {
            consents.retain(|id, _| !meant(id));
        }
        refresh.len()
    }
}

impl Accounts {
    /// Ends a refresh token now and its access tokens at `at`.
    pub(super) fn end_refresh(&mut self, token: &str, at: Timestamp, now: Timestamp) {
        if let Some(grant) = self.refresh.remove(token) {
            self.end_access(grant.access, at, now);
        }
    }
}
