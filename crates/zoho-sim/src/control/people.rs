//! Control API: users, clients, tokens, and what a user can do in Zoho's own settings.

use std::collections::BTreeMap;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Complaint, read};
use crate::{
    accounts::{Client, UserId},
    sim::Site,
    world::World,
};

/// `GET /_sim/users`
pub async fn users(State(site): State<Site>) -> Json<Value> {
    site.sim.with(|world, _| Json(json!({"users": world.accounts.users().collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    email: String,
    first_name: Option<String>,
    #[serde(default)]
    last_name: String,
    location: Option<String>,
    #[serde(default = "utc")]
    timezone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// `POST /_sim/users`
pub async fn add_user(State(site): State<Site>, body: Bytes) -> Result<Response, Complaint> {
    let new: NewUser = read(&body)?;
    let location = new.location.unwrap_or_else(|| site.location.to_string());
    if jiff::tz::TimeZone::get(&new.timezone).is_err() {
        return Err(Complaint::bad(format!("{} is not an IANA time zone.", new.timezone)));
    }
    site.sim.with(|world, now| {
        if !world.origins.contains_key(&location) {
            return Err(Complaint::bad(format!("There is no data centre {location} here.")));
        }
        let first = new.first_name.as_deref().or_else(|| new.email.split('@').next()).unwrap_or_default();
        match world.add_user((&new.email, first, &new.last_name), &location, &new.timezone, now) {
            Some(id) => Ok((StatusCode::CREATED, Json(json!(world.accounts.user(id)))).into_response()),
            None => Err(Complaint(StatusCode::CONFLICT, format!("{} has an account already.", new.email))),
        }
    })
}

/// `GET /_sim/clients`
pub async fn clients(State(site): State<Site>) -> Json<Value> {
    site.sim.with(|world, _| Json(json!({"clients": world.accounts.clients().collect::<Vec<_>>()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClient {
    client_id: String,
    secret: String,
    #[serde(default)]
    dc_secrets: BTreeMap<String, String>,
    name: Option<String>,
    redirect_uris: Vec<String>,
    #[serde(default = "on")]
    multi_dc: bool,
    home: Option<String>,
}

fn on() -> bool {
    true
}

/// `POST /_sim/clients`: registers a client or replaces the one with the same id.
pub async fn put_client(State(site): State<Site>, body: Bytes) -> Result<Response, Complaint> {
    let new: NewClient = read(&body)?;
    let client = Client {
        name: new.name.unwrap_or_else(|| new.client_id.clone()),
        home: new.home.unwrap_or_else(|| site.location.to_string()),
        client_id: new.client_id,
        secret: new.secret,
        dc_secrets: new.dc_secrets,
        redirect_uris: new.redirect_uris,
        multi_dc: new.multi_dc,
    };
    site.sim.with(|world, _| {
        let shown = Json(json!(client));
        world.accounts.put_client(client);
        Ok((StatusCode::CREATED, shown).into_response())
    })
}

/// `GET /_sim/tokens`: every code and token ever handed out, for tests that look for leaks.
pub async fn tokens(State(site): State<Site>) -> Json<Value> {
    site.sim.with(|world, _| Json(json!({"tokens": world.accounts.issued()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    email: String,
    client_id: Option<String>,
}

/// `POST /_sim/revoke`: the user ends an app's access under "Connected Apps".
pub async fn revoke(State(site): State<Site>, body: Bytes) -> Result<Json<Value>, Complaint> {
    of_user(&site, &body, |world, user, client, now| json!({"revoked": world.revoke_by_user(user, client, now)}))
}

/// `POST /_sim/expire`: the user's access tokens end now, the refresh tokens stay.
pub async fn expire(State(site): State<Site>, body: Bytes) -> Result<Json<Value>, Complaint> {
    of_user(&site, &body, |world, user, client, now| json!({"expired": world.accounts.expire(user, client, now)}))
}

fn of_user(
    site: &Site,
    body: &[u8],
    act: impl FnOnce(&mut World, UserId, Option<&str>, jiff::Timestamp) -> Value,
) -> Result<Json<Value>, Complaint> {
    let whose: Whose = read(body)?;
    site.sim.with(|world, now| match world.accounts.user_by_email(&whose.email).map(|user| user.zuid) {
        Some(user) => Ok(Json(act(world, user, whose.client_id.as_deref(), now))),
        None => Err(Complaint(StatusCode::NOT_FOUND, format!("{} has no account here.", whose.email))),
    })
}
