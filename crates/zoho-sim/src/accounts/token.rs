//! The token endpoint: exchanging a code and refreshing. Errors come with HTTP 200 and `{"error": "…"}`, as at Zoho.

use std::collections::{BTreeSet, VecDeque};

use axum::{
    Json,
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, Method, StatusCode},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    model::{AccessGrant, Client, Code, RefreshCall, RefreshGrant, RefreshOutcome, issue},
    params::Params,
};
use crate::{
    gate,
    sim::Site,
    switches::{ApiDomain, BadGrantType, ExpiresIn, ForeignCode, Rotation, ScopeStyle, Switches},
    world::World,
};

/// Why there is no token.
pub enum Refusal {
    /// `{"error": "…"}` with the token endpoint's error status.
    Error(&'static str),
    /// The same with status 400, whatever the switches say.
    BadRequest(&'static str),
    /// Too many requests.
    Throttled,
}

/// `/oauth/v2/token`, every method.
pub async fn token(
    State(site): State<Site>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::of_both(query.as_deref(), &headers, &body);
    site.sim.with(|world, now| {
        let mut desk = Desk { world, now, dc: &site.location };
        match desk.answer(&method, &params, &headers) {
            Ok(answer) => Json(answer).into_response(),
            Err(refusal) => refusal.response(&desk.world.switches),
        }
    })
}

impl Refusal {
    /// The answer that says so.
    pub fn response(self, switches: &Switches) -> Response {
        let (status, error) = match self {
            Self::Error(error) => (gate::status(switches.token_error_status), error),
            Self::BadRequest(error) => (StatusCode::BAD_REQUEST, error),
            Self::Throttled => return gate::rate_limited(switches.rate_limit_status, switches.rate_limit_localised),
        };
        (status, Json(json!({"error": error}))).into_response()
    }
}

/// The client that makes a request, if its credentials are right for this data centre.
pub fn authenticated<'w>(world: &'w World, dc: &str, params: &Params, headers: &HeaderMap) -> Result<&'w Client, Refusal> {
    let (id, secret) = params.credentials(headers);
    let client = id.and_then(|id| world.accounts.clients.get(&id)).ok_or(Refusal::Error("invalid_client"))?;
    if !client.multi_dc && client.home != dc {
        return Err(Refusal::Error("invalid_client"));
    }
    let at_home = (client.home == dc).then_some(&client.secret);
    let expected = if world.switches.per_dc_secret { client.dc_secrets.get(dc).or(at_home) } else { Some(&client.secret) };
    if secret.is_none() || secret.as_ref() != expected {
        return Err(Refusal::Error("invalid_client_secret"));
    }
    Ok(client)
}

/// One request at the token endpoint.
struct Desk<'a> {
    world: &'a mut World,
    now: Timestamp,
    dc: &'a str,
}

impl Desk<'_> {
    fn answer(&mut self, method: &Method, params: &Params, headers: &HeaderMap) -> Result<Value, Refusal> {
        let bad_grant = match self.world.switches.bad_grant_type {
            BadGrantType::Status400 => Refusal::BadRequest("invalid_request"),
            BadGrantType::InvalidClient => Refusal::Error("invalid_client"),
        };
        if method != Method::POST {
            return Err(bad_grant);
        }
        match params.get("grant_type") {
            Some("authorization_code") => {
                let client_id = authenticated(self.world, self.dc, params, headers)?.client_id.clone();
                self.exchange(&client_id, params)
            }
            Some("refresh_token") => {
                let client_id = authenticated(self.world, self.dc, params, headers)?.client_id.clone();
                let name = params.get("refresh_token").unwrap_or_default();
                let answer = self.refresh(&client_id, name);
                self.record(name, &answer);
                answer
            }
            _ => Err(bad_grant),
        }
    }

    fn exchange(&mut self, client_id: &str, params: &Params) -> Result<Value, Refusal> {
        let name = params.get("code").unwrap_or_default();
        let code = self.world.accounts.codes.get(name).ok_or(Refusal::Error("invalid_code"))?;
        if code.dc != self.dc {
            return Err(self.foreign());
        }
        if code.client_id != client_id || code.expires_at <= self.now {
            return Err(Refusal::Error("invalid_code"));
        }
        if params.get("redirect_uri") != Some(&code.redirect_uri) {
            return Err(Refusal::Error("invalid_redirect_uri"));
        }
        if !meets_challenge(code, params.get("code_verifier")) {
            return Err(Refusal::Error("invalid_code"));
        }
        if code.offline
            && let Some(limit) = self.world.switches.refresh_creation_limit
        {
            let pair = format!("refresh tokens of {} for {client_id}", code.user.0);
            if !self.world.accounts.recent.entry(pair).or_default().count(limit, self.now) {
                return Err(Refusal::Throttled);
            }
        }
        let code = self.world.accounts.codes.remove(name).ok_or(Refusal::Error("invalid_code"))?;
        let refresh = code.offline.then(|| self.new_refresh(&code));
        let access =
            AccessGrant { dc: code.dc, user: code.user, client_id: code.client_id, scopes: code.scopes, expires_at: self.now };
        Ok(self.new_access(access, refresh.as_deref(), refresh.clone()))
    }

    fn refresh(&mut self, client_id: &str, name: &str) -> Result<Value, Refusal> {
        let limit = self.world.switches.refresh_limit;
        // Zoho has its own word; whoever replaces refresh tokens says what RFC 6749 says.
        let over = if self.rotation() == Rotation::Never { "invalid_code" } else { "invalid_grant" };
        let grant = self.world.accounts.refresh.get_mut(name).ok_or(Refusal::Error(over))?;
        if grant.dc != self.dc {
            return Err(self.foreign());
        }
        if grant.client_id != client_id {
            return Err(Refusal::Error("invalid_code"));
        }
        if !grant.uses.count(limit, self.now) {
            return Err(Refusal::Throttled);
        }
        let replaced = grant.replaces.take();
        let access = AccessGrant {
            dc: grant.dc.clone(),
            user: grant.user,
            client_id: grant.client_id.clone(),
            scopes: grant.scopes.clone(),
            expires_at: self.now,
        };
        if let Some(old) = replaced {
            // Others that were given out for it, whose answers nobody used, end with it.
            self.world.accounts.refresh.retain(|token, grant| *token != old && grant.replaces.as_ref() != Some(&old));
        }
        match self.rotate(name) {
            Some(new) => Ok(self.new_access(access, Some(&new), Some(new.clone()))),
            None => Ok(self.new_access(access, Some(name), None)),
        }
    }

    /// Writes a refresh down for whoever checks a client's behaviour.
    fn record(&mut self, presented: &str, answer: &Result<Value, Refusal>) {
        let outcome = match answer {
            Ok(answer) => RefreshOutcome::Granted { rotated: answer.get("refresh_token").is_some() },
            Err(Refusal::Throttled) => RefreshOutcome::OverBudget,
            Err(Refusal::Error(_) | Refusal::BadRequest(_)) => RefreshOutcome::Refused,
        };
        let call = RefreshCall { at: self.now, dc: self.dc.to_owned(), presented: presented.to_owned(), outcome };
        self.world.accounts.refresh_calls.push(call);
    }

    fn foreign(&self) -> Refusal {
        Refusal::Error(match self.world.switches.foreign_code {
            ForeignCode::InvalidCode => "invalid_code",
            ForeignCode::InvalidClient => "invalid_client",
        })
    }

    /// A new refresh token. One too many of this user and client ends the oldest, silently.
    fn new_refresh(&mut self, code: &Code) -> String {
        let grant = RefreshGrant {
            serial: 0,
            dc: code.dc.clone(),
            user: code.user,
            client_id: code.client_id.clone(),
            scopes: code.scopes.clone(),
            access: VecDeque::new(),
            uses: super::Uses::default(),
            replaces: None,
        };
        let token = self.put_refresh(grant);
        let accounts = &mut self.world.accounts;
        let mut of_pair: Vec<(u64, String)> = accounts
            .refresh
            .iter()
            .filter(|(_, grant)| grant.user == code.user && grant.client_id == code.client_id)
            .map(|(token, grant)| (grant.serial, token.clone()))
            .collect();
        of_pair.sort_unstable();
        let excess = of_pair.len().saturating_sub(self.world.switches.refresh_tokens_per_user_client);
        for (_, oldest) in of_pair.into_iter().take(excess) {
            accounts.end_refresh(&oldest, self.now, self.now);
        }
        token
    }

    fn put_refresh(&mut self, mut grant: RefreshGrant) -> String {
        let World { accounts, ids, .. } = &mut *self.world;
        accounts.serial += 1;
        grant.serial = accounts.serial;
        let token = issue(accounts, ids, "refresh", grant.user, self.now);
        accounts.refresh.insert(token.clone(), grant);
        token
    }

    fn rotation(&self) -> Rotation {
        let Switches { rotate_refresh, rotate_refresh_in, .. } = &self.world.switches;
        *rotate_refresh_in.get(self.dc).unwrap_or(rotate_refresh)
    }

    /// The successor of a refresh token, where the switch asks for one.
    fn rotate(&mut self, name: &str) -> Option<String> {
        let strict = match self.rotation() {
            Rotation::Never => return None,
            Rotation::Grace => false,
            Rotation::Strict => true,
        };
        let old = self.world.accounts.refresh.get(name)?.clone();
        if strict {
            self.world.accounts.refresh.remove(name);
        }
        Some(self.put_refresh(RefreshGrant { replaces: (!strict).then(|| name.to_owned()), ..old }))
    }

    /// A new access token and the answer that carries it. One too many of a refresh token ends the oldest.
    fn new_access(&mut self, grant: AccessGrant, of: Option<&str>, refresh: Option<String>) -> Value {
        let (now, life) = (self.now, self.world.switches.access_token_lifetime_s);
        let World { accounts, ids, switches, .. } = &mut *self.world;
        let token = issue(accounts, ids, "access", grant.user, now);
        let scopes = grant.scopes.clone();
        accounts.access.retain(|_, old| old.expires_at > now);
        accounts.access.insert(token.clone(), AccessGrant { expires_at: now + SignedDuration::from_secs(life), ..grant });
        if let Some(parent) = of.and_then(|of| accounts.refresh.get_mut(of)) {
            parent.access.retain(|old| accounts.access.contains_key(old));
            parent.access.push_back(token.clone());
            while parent.access.len() > switches.live_access_tokens {
                if let Some(oldest) = parent.access.pop_front() {
                    accounts.access.remove(&oldest);
                }
            }
        }
        answer(switches, self.dc, &token, refresh, &scopes)
    }
}

fn meets_challenge(code: &Code, verifier: Option<&str>) -> bool {
    code.challenge.as_deref().is_none_or(|challenge| {
        verifier.is_some_and(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == challenge)
    })
}

fn answer(switches: &Switches, dc: &str, access: &str, refresh: Option<String>, scopes: &BTreeSet<String>) -> Value {
    let mut answer = Map::new();
    answer.insert("access_token".to_owned(), access.into());
    if let Some(refresh) = refresh {
        answer.insert("refresh_token".to_owned(), refresh.into());
    }
    let separator = match switches.scope_style {
        ScopeStyle::Spaces => Some(" "),
        ScopeStyle::Commas => Some(","),
        ScopeStyle::Omit => None,
    };
    if let Some(separator) = separator {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        answer.insert("scope".to_owned(), scopes.join(separator).into());
    }
    let gateway = match switches.api_domain {
        ApiDomain::Gateway => Some("www.zohoapis"),
        ApiDomain::Sample => Some("api.zoho"),
        ApiDomain::Omit => None,
    };
    if let Some(gateway) = gateway {
        answer.insert("api_domain".to_owned(), format!("https://{gateway}.{}", domain_suffix(dc)).into());
    }
    answer.insert("token_type".to_owned(), "Bearer".into());
    let life = switches.access_token_lifetime_s;
    match switches.expires_in {
        ExpiresIn::Seconds => drop(answer.insert("expires_in".to_owned(), life.into())),
        ExpiresIn::Text => drop(answer.insert("expires_in".to_owned(), life.to_string().into())),
        ExpiresIn::SecAndMilliseconds => {
            answer.insert("expires_in_sec".to_owned(), life.into());
            answer.insert("expires_in".to_owned(), (life * 1000).into());
        }
        ExpiresIn::Omit => {}
    }
    Value::Object(answer)
}

/// How the generic API host of a data centre ends.
fn domain_suffix(dc: &str) -> &str {
    match dc {
        "us" => "com",
        "au" => "com.au",
        "cn" => "com.cn",
        other => other,
    }
}
