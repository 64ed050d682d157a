//! API keys: make, list, revoke. A key can make others only with rights that it has itself.

use std::collections::BTreeSet;

use axum::{
    Json as Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::access::{ApiKey, Right};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    access::Denied,
    endpoint::{Authorized, Endpoint, get, post},
    input::{Json, id, instant},
    output::{Answer, List, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/keys", Right::Read, "Lists API keys; the keys themselves are stored nowhere", list).lists::<KeyBody>(),
        post("/keys", Right::Commit, "Makes an API key with rights that the caller's own key has; the key is shown once", create)
            .body::<NewKey>()
            .answers::<MadeKey>()
            .with(StatusCode::CREATED)
            .secret(),
        post("/keys/{id}/revoke", Right::Commit, "Refuses a key from now on", revoke).answers::<KeyBody>(),
    ]
}

/// What a key may do. Rights do not imply each other.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Right)]
#[serde(rename_all = "snake_case")]
enum RightName {
    /// See vacancies, interviews, people, availability, status.
    Read,
    /// Make vacancies and candidates, ask for permission.
    Propose,
    /// Approve, book, move, cancel, give feedback, disconnect.
    Commit,
    /// Read titles of calendar events.
    CalendarTitles,
    /// Receive short-lived access tokens.
    Lend,
}

impl From<RightName> for Right {
    fn from(name: RightName) -> Self {
        match name {
            RightName::Read => Self::Read,
            RightName::Propose => Self::Propose,
            RightName::Commit => Self::Commit,
            RightName::CalendarTitles => Self::CalendarTitles,
            RightName::Lend => Self::Lend,
        }
    }
}

/// An API key, without the key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct KeyBody {
    id: String,
    name: String,
    rights: Vec<&'static str>,
    created_at: Moment,
    expires_at: Option<Moment>,
    revoked_at: Option<Moment>,
}

impl From<&ApiKey> for KeyBody {
    fn from(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            rights: key.rights.iter().map(|right| right.code()).collect(),
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Moment),
            revoked_at: key.revoked_at.map(Moment),
        }
    }
}

/// A key as you want it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// What it is for.
    name: String,
    rights: Vec<RightName>,
    /// RFC 3339; it does not end by itself where absent.
    #[schema(required = false, format = DateTime)]
    expires_at: Option<String>,
}

/// A fresh key.
#[derive(Debug, Serialize, ToSchema)]
struct MadeKey {
    #[serde(flatten)]
    about: KeyBody,
    /// The key itself. It is shown once and stored nowhere.
    key: String,
}

async fn list(State(state): State<WebState>) -> Answer<List<KeyBody>> {
    Ok(List::whole(state.app.api_keys().await?.iter().map(KeyBody::from).collect()))
}

async fn create(State(state): State<WebState>, by: Authorized, Json(new): Json<NewKey>) -> Answer<Response> {
    let rights: BTreeSet<Right> = new.rights.into_iter().map(Right::from).collect();
    if let Some(lacking) = rights.difference(&by.key.rights).next() {
        return Err(Denied::Lacks(*lacking).into());
    }
    let expires_at = new.expires_at.as_deref().map(|text| instant("expires_at", text)).transpose()?;
    let (about, key) = state.app.create_api_key(&new.name, rights, expires_at, &by.caller).await?;
    Ok((StatusCode::CREATED, Body(MadeKey { about: (&about).into(), key })).into_response())
}

async fn revoke(State(state): State<WebState>, by: Authorized, Path(text): Path<String>) -> Answer<Body<KeyBody>> {
    let id = id::<ApiKey>("API key", &text)?;
    state.app.revoke_api_key(id, &by.caller).await?;
    let key = state.app.api_keys().await?.into_iter().find(|key| key.id == id);
    let key = key.ok_or_else(|| app::Error::missing("API key", id))?;
    Ok(Body((&key).into()))
}
