//! The authorisation request, the person's decision, and the redirect back (RFC 6749 section 4.1.1 and 4.1.2).
//! A request that cannot be trusted (client, redirect, response type, scope) ends on a page here, never in a redirect.

use std::collections::BTreeSet;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{
    model::{Code, User, issue},
    params::Params,
    scopes,
};
use crate::{
    pages::consent,
    sim::Site,
    switches::{CallbackStyle, Pkce},
    world::World,
};

/// A checked authorisation request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub client_id: String,
    pub app: String,
    pub redirect_uri: Url,
    /// As it was sent: the exchange must repeat it to the letter.
    pub redirect_text: String,
    pub scopes: BTreeSet<String>,
    pub scope_text: String,
    pub offline: bool,
    pub prompt: Option<String>,
    pub state: Option<String>,
    pub challenge: Option<String>,
    pub login_hint: Option<String>,
}

/// Why a request ends on a page: Zoho's word for it and a sentence for the person.
pub struct Refused(&'static str, &'static str);

/// `GET /oauth/v2/auth`
pub async fn page(State(site): State<Site>, RawQuery(query): RawQuery) -> Response {
    let params = Params::of_query(query.as_deref());
    site.sim.with(|world, now| {
        let ask = match check(world, &site.location, &params) {
            Ok(ask) => ask,
            Err(refused) => return refused.page(world),
        };
        if world.switches.auto_consent {
            return match preselected(world, &site.location, &ask).cloned() {
                Some(user) => accept(world, &ask, &user, now),
                None => Refused("no_user", "This simulator has no users yet.").page(world),
            };
        }
        let mut users: Vec<&User> = world.accounts.users().collect();
        users.sort_by_key(|user| &user.email);
        let chosen = preselected(world, &site.location, &ask).map(|user| user.email.as_str());
        consent::page(&ask, &site.location, &users, chosen)
    })
}

/// `POST /oauth/v2/auth/decide`: the original parameters, `user` and `decision`.
pub async fn decide(State(site): State<Site>, RawQuery(query): RawQuery, headers: HeaderMap, body: Bytes) -> Response {
    let params = Params::of_both(query.as_deref(), &headers, &body);
    site.sim.with(|world, now| {
        let ask = match check(world, &site.location, &params) {
            Ok(ask) => ask,
            Err(refused) => return refused.page(world),
        };
        match params.get("decision") {
            Some("reject") => refuse(world, &ask),
            Some("accept") => {
                let user = params.get("user").and_then(|email| world.accounts.user_by_email(email)).cloned();
                match user {
                    Some(user) => accept(world, &ask, &user, now),
                    None => {
                        Refused("invalid_user", "Nobody here has that address. Go back and choose one of the accounts.").page(world)
                    }
                }
            }
            _ => Refused("invalid_decision", "The field decision must be accept or reject.").page(world),
        }
    })
}

fn check(world: &World, location: &str, params: &Params) -> Result<Ask, Refused> {
    let client = params
        .get("client_id")
        .and_then(|id| world.accounts.clients.get(id))
        .ok_or(Refused("invalid_client", "The client ID is not registered here."))?;
    if !client.multi_dc && client.home != location {
        return Err(Refused("invalid_client", "This client is not enabled for this data centre (Multi-DC is off)."));
    }
    let redirect_text = params
        .get("redirect_uri")
        .filter(|uri| client.redirect_uris.iter().any(|known| known == uri))
        .ok_or(Refused("invalid_redirect_uri", "The redirect URI is not one that is registered for this client."))?;
    let redirect_uri = match Url::parse(redirect_text) {
        Ok(uri) if matches!(uri.scheme(), "http" | "https") => uri,
        _ => return Err(Refused("invalid_redirect_uri", "The redirect URI must be an http or https address.")),
    };
    if params.get("response_type") != Some("code") {
        return Err(Refused("invalid_response_type", "The response type must be code."));
    }
    let scope_text = params.get("scope").unwrap_or_default();
    let scopes = scopes::parse(scope_text);
    if scopes.is_empty() || !scopes.iter().all(|scope| scopes::is_known(scope, world.switches.oidc_scopes)) {
        return Err(Refused("invalid_scope", "One of the scopes does not exist."));
    }
    let method = params.get("code_challenge_method");
    let challenge = params.get("code_challenge").filter(|_| world.switches.pkce == Pkce::Verify);
    if challenge.is_some() && method != Some("S256") {
        return Err(Refused("invalid_request", "The code challenge method must be S256."));
    }
    Ok(Ask {
        client_id: client.client_id.clone(),
        app: client.name.clone(),
        redirect_uri,
        redirect_text: redirect_text.to_owned(),
        scopes,
        scope_text: scope_text.to_owned(),
        offline: params.get("access_type") == Some("offline"),
        prompt: params.get("prompt").map(str::to_owned),
        state: params.get("state").map(str::to_owned),
        challenge: challenge.map(str::to_owned),
        login_hint: params.get("login_hint").map(str::to_owned),
    })
}

/// The account to offer first: the hinted one, else the first of this data centre, else the first of all.
fn preselected<'w>(world: &'w World, location: &str, ask: &Ask) -> Option<&'w User> {
    let hinted = ask.login_hint.as_deref().and_then(|email| world.accounts.user_by_email(email));
    // Of this data centre first, then by address.
    hinted.or_else(|| world.accounts.users().min_by_key(|user| (user.location != location, &user.email)))
}

/// The code is issued by the data centre where the user lives, whichever was asked.
fn accept(world: &mut World, ask: &Ask, user: &User, now: Timestamp) -> Response {
    let serves = world.accounts.clients.get(&ask.client_id).is_some_and(|client| client.multi_dc || client.home == user.location);
    if !serves || !world.origins.contains_key(&user.location) {
        let why = "This client is not enabled for the data centre of this account (Multi-DC is off).";
        return Refused("invalid_client", why).page(world);
    }
    if let Some(limit) = world.switches.code_limit {
        let codes = world.accounts.recent.entry(format!("codes of {}", ask.client_id)).or_default();
        if !codes.count(limit, now) {
            return back(world, ask, &[("error", "access_denied")]);
        }
    }
    let consents = world.accounts.consents.entry(user.zuid).or_default().entry(ask.client_id.clone()).or_default();
    let first = !ask.scopes.is_subset(consents);
    consents.extend(ask.scopes.iter().cloned());
    let code = issue(&mut world.accounts, &mut world.ids, "code", user.zuid, now);
    let record = Code {
        dc: user.location.clone(),
        user: user.zuid,
        client_id: ask.client_id.clone(),
        redirect_uri: ask.redirect_text.clone(),
        scopes: ask.scopes.clone(),
        offline: ask.offline && (first || ask.prompt.as_deref() == Some("consent")),
        challenge: ask.challenge.clone(),
        expires_at: now + SignedDuration::from_secs(world.switches.code_lifetime_s),
    };
    world.accounts.codes.retain(|_, old| old.expires_at > now);
    world.accounts.codes.insert(code.clone(), record);
    let origin = world.origin(&user.location).to_owned();
    let whole = [("code", code.as_str()), ("location", &user.location), ("accounts-server", &origin)];
    let shown = if world.switches.callback == CallbackStyle::CodeOnly { &whole[..1] } else { &whole[..] };
    back(world, ask, shown)
}

fn refuse(world: &World, ask: &Ask) -> Response {
    back(world, ask, &[("error", "access_denied")])
}

/// The redirect to the client, with its `state`.
fn back(world: &World, ask: &Ask, answer: &[(&str, &str)]) -> Response {
    let mut uri = ask.redirect_uri.clone();
    let is_error = answer.iter().any(|(name, _)| *name == "error");
    let state = ask.state.as_deref().filter(|_| !is_error || world.switches.error_callback_state);
    {
        let mut query = uri.query_pairs_mut();
        query.extend_pairs(state.map(|state| ("state", state)));
        query.extend_pairs(answer);
    }
    let stray = if world.switches.callback == CallbackStyle::StrayAmpersand { "&" } else { "" };
    match HeaderValue::try_from(format!("{uri}{stray}")) {
        Ok(location) => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

impl Refused {
    fn page(&self, world: &World) -> Response {
        let status = crate::gate::status(world.switches.auth_error_status);
        (status, consent::error(self.0, self.1)).into_response()
    }
}
