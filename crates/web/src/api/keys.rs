//! API keys: make, list, roll, revoke. A key can make others only with rights that it has itself, and without `administer` it touches no
//! key that may do more than itself.

use std::collections::BTreeSet;

use axum::{
    Json as Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{
    Id,
    access::{ApiKey, Right, Role},
};
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
            .secret()
            .by_administrators(),
        post(
            "/keys/{id}/roll",
            Right::Commit,
            "Gives a key a new secret, shown once; the old one is accepted for a while beside it",
            roll,
        )
        .body::<Roll>()
        .answers::<MadeKey>()
        .secret()
        .by_administrators(),
        post("/keys/{id}/revoke", Right::Commit, "Refuses a key from now on", revoke).answers::<KeyBody>().by_administrators(),
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
    /// Read and export the audit log.
    Audit,
    /// Read `/metrics`.
    Metrics,
    /// Keys, accounts, backups, erasure.
    Administer,
}

/// A named set of rights: `admin` has all but `lend`, `recruiter` reads, proposes, commits and sees titles, `agent` reads, proposes and
/// commits, `auditor` reads and audits, `metrics` reads `/metrics`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Role)]
#[serde(rename_all = "snake_case")]
enum RoleName {
    /// Everything; `lend` only where it is named besides.
    Admin,
    /// `read`, `propose`, `commit`, `calendar_titles`.
    Recruiter,
    /// `read`, `propose`, `commit`.
    Agent,
    /// `read`, `audit`.
    Auditor,
    /// `metrics`.
    Metrics,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Admin => Self::Admin,
            RoleName::Recruiter => Self::Recruiter,
            RoleName::Agent => Self::Agent,
            RoleName::Auditor => Self::Auditor,
            RoleName::Metrics => Self::Metrics,
        }
    }
}

impl From<RightName> for Right {
    fn from(name: RightName) -> Self {
        match name {
            RightName::Read => Self::Read,
            RightName::Propose => Self::Propose,
            RightName::Commit => Self::Commit,
            RightName::CalendarTitles => Self::CalendarTitles,
            RightName::Lend => Self::Lend,
            RightName::Audit => Self::Audit,
            RightName::Metrics => Self::Metrics,
            RightName::Administer => Self::Administer,
        }
    }
}

/// An API key, without the key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
struct KeyBody {
    id: String,
    name: String,
    /// The role it was made with; absent where it was made right by right.
    role: Option<&'static str>,
    rights: Vec<&'static str>,
    created_at: Moment,
    expires_at: Option<Moment>,
    /// Whether it ends within 14 days.
    ends_soon: bool,
    /// The last day on which it was used.
    last_used_on: Option<String>,
    /// Until when the key before the last roll is accepted.
    previous_until: Option<Moment>,
    revoked_at: Option<Moment>,
}

impl KeyBody {
    async fn of(state: &WebState, key: &ApiKey) -> app::Result<Self> {
        let now = state.app.now();
        let used = state.app.api_key_used(key.id).await?;
        Ok(Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            role: key.role.map(Role::code),
            rights: key.rights.iter().map(|right| right.code()).collect(),
            created_at: key.created_at.into(),
            expires_at: key.expires_at.map(Moment),
            ends_soon: key.ends_soon(now),
            last_used_on: used.map(|at| at.strftime("%Y-%m-%d").to_string()),
            previous_until: key.previous.as_ref().map(|(_, until)| *until).filter(|until| now < *until).map(Moment),
            revoked_at: key.revoked_at.map(Moment),
        })
    }
}

/// A key as you want it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewKey {
    /// What it is for.
    name: String,
    /// A named set of rights. Beside `admin`, `rights` may name `lend`; beside any other role it stays away.
    #[serde(default)]
    #[schema(required = false)]
    role: Option<RoleName>,
    /// Rights one by one, where no role is named.
    #[serde(default)]
    #[schema(required = false)]
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

/// How the old key ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Roll {
    /// Minutes for which the old key is accepted beside the new one, up to a week; 60 where absent, 0 ends it at once.
    #[serde(default = "an_hour")]
    #[schema(required = false, minimum = 0, maximum = 10_080)]
    grace_minutes: i64,
}

const fn an_hour() -> i64 {
    60
}

async fn list(State(state): State<WebState>) -> Answer<List<KeyBody>> {
    let mut bodies = Vec::new();
    for key in state.app.api_keys().await? {
        bodies.push(KeyBody::of(&state, &key).await?);
    }
    Ok(List::whole(bodies))
}

async fn create(State(state): State<WebState>, by: Authorized, Json(new): Json<NewKey>) -> Answer<Response> {
    let expires_at = new.expires_at.as_deref().map(|text| instant("expires_at", text)).transpose()?;
    let rights: BTreeSet<Right> = new.rights.into_iter().map(Right::from).collect();
    let new = app::NewKey { name: new.name, role: new.role.map(Role::from), rights, expires_at };
    if let Some(lacking) = new.all_rights()?.difference(&by.key.rights).next() {
        return Err(Denied::Lacks(*lacking).into());
    }
    let (about, key) = state.app.make_api_key(new, &by.caller).await?;
    let about = KeyBody::of(&state, &about).await?;
    Ok((StatusCode::CREATED, Body(MadeKey { about, key })).into_response())
}

async fn roll(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Json(roll): Json<Roll>,
) -> Answer<Body<MadeKey>> {
    let id = touchable(&state, &by, &text).await?;
    let (about, key) = state.app.roll_api_key(id, roll.grace_minutes, &by.caller).await?;
    Ok(Body(MadeKey { about: KeyBody::of(&state, &about).await?, key }))
}

async fn revoke(State(state): State<WebState>, by: Authorized, Path(text): Path<String>) -> Answer<Body<KeyBody>> {
    let id = touchable(&state, &by, &text).await?;
    state.app.revoke_api_key(id, &by.caller).await?;
    Ok(Body(KeyBody::of(&state, &state.app.api_key(id).await?).await?))
}

/// The key that is meant, if the caller may do something to it: one that may do no more than the caller.
async fn touchable(state: &WebState, by: &Authorized, text: &str) -> Answer<Id<ApiKey>> {
    let key = state.app.api_key(id::<ApiKey>("API key", text)?).await?;
    match key.rights.difference(&by.key.rights).next() {
        Some(more) if !by.key.rights.contains(&Right::Administer) => Err(Denied::Lacks(*more).into()),
        _ => Ok(key.id),
    }
}
