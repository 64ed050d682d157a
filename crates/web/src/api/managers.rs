//! Managers and their permission: make them known, ask, see how it stands, end it. `{manager}` is a person's id or an e-mail address.

use app::{GrantView, ManagerView, PersonInput, RefreshOutcome, Setup};
use axum::{
    Json as Body,
    extract::{Path, State},
};
use domain::{
    Id,
    access::Right,
    grants::{Grant, GrantState, PendingReason},
    people::Person,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    endpoint::{Authorized, Endpoint, get, post, put},
    input::{IfMatch, Json, Paging, Query, id, missing},
    output::{Answer, List, Moment, Resource},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/managers", Right::Read, "Lists everybody whose permission was ever asked for", list)
            .query::<Paging>()
            .lists::<ManagerBody>(),
        put("/managers", Right::Propose, "Makes a manager known, or changes what is known; the address is the key", save)
            .if_match()
            .body::<NewManager>()
            .answers::<ManagerBody>(),
        get("/managers/{manager}", Right::Read, "One manager with their grant", show).answers::<ManagerBody>(),
        post(
            "/managers/{manager}/authorization",
            Right::Propose,
            "Asks for permission: a live link to the consent page; it mails only with `notify`",
            authorize,
        )
        .body::<NewAuthorization>()
        .answers::<Permission>(),
        post("/managers/{manager}/refresh", Right::Commit, "Refreshes the access token now", refresh).answers::<Permission>(),
        post("/managers/{manager}/disconnect", Right::Commit, "Ends the grant and revokes it at the provider", disconnect)
            .answers::<ManagerBody>(),
        post("/managers/{manager}/decision", Right::Commit, "Accepts or refuses a connection by another account", decide)
            .body::<Decision>()
            .answers::<ManagerBody>(),
    ]
}

/// A manager.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Manager)]
struct ManagerBody {
    id: String,
    /// The ETag.
    revision: i64,
    external_id: Option<String>,
    name: String,
    /// The first is where mail goes.
    emails: Vec<String>,
    /// An IANA zone, if known.
    zone: Option<String>,
    /// When they can be booked; null while the installation's default week counts.
    rules: Option<serde_json::Value>,
    /// What they can examine, as panels ask for it.
    skills: Vec<String>,
    /// Their permission, if it was ever asked for.
    grant: Option<GrantBody>,
}

/// A manager's permission, without anything secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grant)]
struct GrantBody {
    id: String,
    /// `requested`, `refused`, `unverified`, `active`, `dead` or `disconnected`.
    #[schema(value_type = String)]
    state: GrantState,
    has_valid_token: bool,
    provider: String,
    data_centre: Option<String>,
    /// The account's address.
    account: Option<String>,
    /// The name of the calendar that interviews are written to.
    calendar: Option<String>,
    zone: Option<String>,
    scopes: Vec<String>,
    connected_at: Option<Moment>,
    expires_at: Option<Moment>,
    refreshed_at: Option<Moment>,
    next_refresh_at: Option<Moment>,
    failures: u32,
    last_failure: Option<String>,
    /// Mails that asked for permission so far.
    asked: Option<AskedBody>,
    /// A connection that waits for a decision.
    pending: Option<PendingBody>,
}

/// How often permission was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Asked)]
struct AskedBody {
    mails: u32,
    next_at: Option<Moment>,
}

/// A connection by another account than expected.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PendingConnection)]
struct PendingBody {
    account: String,
    /// `other_account`, `other_address` or `alias_only`.
    #[schema(value_type = String)]
    why: PendingReason,
    since: Moment,
}

impl From<&GrantView> for GrantBody {
    fn from(grant: &GrantView) -> Self {
        Self {
            id: grant.id.to_string(),
            state: grant.state,
            has_valid_token: grant.has_valid_token,
            provider: grant.provider.clone(),
            data_centre: grant.data_centre.clone(),
            account: grant.account.as_ref().map(ToString::to_string),
            calendar: grant.calendar.clone(),
            zone: grant.zone.as_ref().map(|zone| zone.name().to_owned()),
            scopes: grant.scopes.clone(),
            connected_at: grant.connected_at.map(Moment),
            expires_at: grant.expires_at.map(Moment),
            refreshed_at: grant.refreshed_at.map(Moment),
            next_refresh_at: grant.next_refresh_at.map(Moment),
            failures: grant.failures,
            last_failure: grant.last_failure.clone(),
            asked: grant.asked.map(|(mails, next_at)| AskedBody { mails, next_at: next_at.map(Moment) }),
            pending: grant.pending.as_ref().map(|(account, why, since)| PendingBody {
                account: account.to_string(),
                why: *why,
                since: (*since).into(),
            }),
        }
    }
}

impl TryFrom<&ManagerView> for ManagerBody {
    type Error = app::Error;

    fn try_from(view: &ManagerView) -> Result<Self, app::Error> {
        let person = &view.person;
        let rules = person.rules.as_ref().map(serde_json::to_value).transpose();
        Ok(Self {
            id: person.id.to_string(),
            revision: person.rev,
            external_id: person.external_id.clone(),
            name: person.name.clone(),
            emails: person.emails.iter().map(ToString::to_string).collect(),
            zone: person.zone.as_ref().map(|zone| zone.name().to_owned()),
            rules: rules.map_err(|error| app::Error::Internal(error.to_string()))?,
            skills: person.skills.iter().cloned().collect(),
            grant: view.grant.as_ref().map(GrantBody::from),
        })
    }
}

/// The person that a path names by id or address.
pub(super) async fn person(state: &WebState, text: &str) -> Answer<Person> {
    if text.contains('@') {
        return Ok(state.app.person_by(text, "manager").await?);
    }
    Ok(state.app.present_person(id("manager", text)?).await?)
}

/// The address of somebody known. Nobody is made known by a question about their calendar: that would turn every typing mistake into
/// a person.
pub(super) async fn address(state: &WebState, text: &str) -> Answer<String> {
    let person = match person(state, text).await {
        Err(problem) if problem.is("not_found") => {
            let advice = "make them known with PUT /api/v1/managers, or ask for their permission with POST …/authorization";
            let shown: String = text.chars().take(80).collect();
            return Err(missing("manager", &shown).saying(format!("there is no manager `{shown}`; {advice}")));
        }
        found => found?,
    };
    let email = person.email().map(ToString::to_string);
    Ok(email.ok_or_else(|| app::Error::missing("address of the manager", text))?)
}

async fn resource(state: &WebState, id: Id<Person>) -> Answer<Resource<ManagerBody>> {
    let view = state.app.manager(id).await?;
    Ok(Resource::new(view.person.rev, (&view).try_into()?))
}

async fn list(State(state): State<WebState>, Query(paging): Query<Paging>) -> Answer<Body<serde_json::Value>> {
    let found = state.app.managers(paging.page::<Grant>()?).await?;
    let cursor = |view: &ManagerView| view.grant.as_ref().map(|grant| grant.id.to_string()).unwrap_or_default();
    let bodies: Vec<(String, ManagerBody)> =
        found.iter().map(|view| Ok((cursor(view), ManagerBody::try_from(view)?))).collect::<Result<_, app::Error>>()?;
    let list = List::page(bodies, paging.limit()?, |(cursor, _)| cursor.clone(), |(_, body)| body);
    Ok(Body(serde_json::to_value(list).map_err(|error| app::Error::Internal(error.to_string()))?))
}

/// A manager as you describe them; what is absent stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewManager {
    /// As mails address them; the address's local part where it was never said.
    #[schema(required = false)]
    name: Option<String>,
    email: String,
    /// Further addresses of the same person.
    #[serde(default)]
    #[schema(required = false)]
    aliases: Vec<String>,
    /// An IANA zone.
    #[schema(required = false)]
    zone: Option<String>,
    /// When they can be booked: `{"zone": "Europe/Madrid", "week": …}`; docs/api.md shows all of it.
    #[schema(required = false)]
    rules: Option<serde_json::Value>,
    /// What they can examine, as panels ask for it; what is known stays where absent.
    #[schema(required = false)]
    skills: Option<Vec<String>>,
    /// Your own id, unique among persons.
    #[schema(required = false)]
    external_id: Option<String>,
}

async fn save(
    State(state): State<WebState>,
    by: Authorized,
    if_match: IfMatch,
    Json(new): Json<NewManager>,
) -> Answer<Resource<ManagerBody>> {
    if if_match.0.is_some() {
        let known = person(&state, &new.email).await?;
        if_match.check("manager", known.id, known.rev)?;
    }
    let input = PersonInput {
        name: new.name,
        email: new.email,
        aliases: new.aliases,
        zone: new.zone,
        rules: new.rules,
        skills: new.skills,
        external_id: new.external_id,
    };
    let person = state.app.put_manager(input, &by.caller).await?;
    resource(&state, person.id).await
}

async fn show(State(state): State<WebState>, Path(text): Path<String>) -> Answer<Resource<ManagerBody>> {
    let person = person(&state, &text).await?;
    resource(&state, person.id).await
}

/// How to ask.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAuthorization {
    /// Whether Greenroom mails the manager a link to its own page.
    #[serde(default)]
    #[schema(required = false)]
    notify: bool,
    /// Their name, if Greenroom does not know them yet.
    #[schema(required = false)]
    name: Option<String>,
}

/// How a permission stands.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "the names of the first version's status, each a fact of its own")]
struct Permission {
    /// Whether the manager must follow `authorization_url`.
    requires_authorization: bool,
    /// The provider's consent page, live for a few days.
    authorization_url: Option<String>,
    has_integration: bool,
    has_valid_token: bool,
    /// `primary`, or the chosen calendar's uid.
    calendar_id: Option<String>,
    expires_at: Option<Moment>,
    is_active: bool,
}

impl Permission {
    fn new(status: app::Status, url: Option<url::Url>) -> Self {
        Self {
            requires_authorization: url.is_some(),
            authorization_url: url.map(Into::into),
            has_integration: status.has_integration,
            has_valid_token: status.has_valid_token,
            calendar_id: status.calendar_id,
            expires_at: status.expires_at.map(Moment),
            is_active: status.is_active,
        }
    }
}

async fn authorize(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Json(how): Json<NewAuthorization>,
) -> Answer<Body<Permission>> {
    // Asking for permission makes somebody known, as the first version's setup does.
    let email = if text.contains('@') { text } else { address(&state, &text).await? };
    Ok(Body(match state.app.setup(&email, how.name.as_deref(), how.notify, &by.caller).await? {
        Setup::Connected(status) => Permission::new(status, None),
        Setup::NeedsAuthorization { url, .. } => Permission::new(state.app.status(&email).await?, Some(url)),
    }))
}

async fn refresh(State(state): State<WebState>, by: Authorized, Path(text): Path<String>) -> Answer<Body<Permission>> {
    let email = address(&state, &text).await?;
    Ok(Body(match state.app.refresh_now(&email, &by.caller).await? {
        RefreshOutcome::Fresh(status) => Permission::new(status, None),
        RefreshOutcome::NeedsAuthorization { status, url } => Permission::new(status, Some(url)),
    }))
}

async fn disconnect(State(state): State<WebState>, by: Authorized, Path(text): Path<String>) -> Answer<Resource<ManagerBody>> {
    let person = person(&state, &text).await?;
    state.app.disconnect(person.id, &by.caller).await?;
    resource(&state, person.id).await
}

/// What you decide.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Decision {
    accept: bool,
}

async fn decide(
    State(state): State<WebState>,
    by: Authorized,
    Path(text): Path<String>,
    Json(decision): Json<Decision>,
) -> Answer<Resource<ManagerBody>> {
    let person = person(&state, &text).await?;
    let grant = state.app.manager(person.id).await?.grant.ok_or_else(|| app::Error::missing("grant of the manager", &text))?;
    state.app.decide_pending(grant.id, decision.accept, &by.caller).await?;
    resource(&state, person.id).await
}
