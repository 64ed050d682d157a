//! The nouns of Accounts and the rules that need no HTTP: who may use which access token for what.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{ids::Ids, world::World};

/// A user's ZUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub u64);

/// A Zoho user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// The id that user info and calendars show.
    pub zuid: UserId,
    /// The address; unique, compared without case.
    pub email: String,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Location code of the data centre where this user lives.
    pub location: String,
    /// IANA name.
    pub timezone: String,
}

impl User {
    /// First and last name.
    pub fn display_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// An app registered in Zoho's console.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Client {
    /// `1000.…`
    pub client_id: String,
    /// The secret in all data centres, unless `per_dc_secret` is on.
    pub secret: String,
    /// Secrets by location code, used if the switch `per_dc_secret` is on; the home data centre falls back to `secret`.
    #[serde(default)]
    pub dc_secrets: BTreeMap<String, String>,
    /// What consent pages call it.
    pub name: String,
    /// Where codes may be sent; compared as they are.
    pub redirect_uris: Vec<String>,
    /// Whether users of other data centres may use it.
    pub multi_dc: bool,
    /// Where it was registered.
    pub home: String,
}

/// A scope that a call needs, such as `ZohoCalendar.event.READ`. `….ALL` of the same resource covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope(pub &'static str);

impl Scope {
    /// Whether a token with these scopes may make the call. Zoho spells `AaaServer.profile.READ` in two ways, so the
    /// last part is compared without case.
    pub fn is_covered_by(self, granted: &BTreeSet<String>) -> bool {
        let Some((resource, operation)) = self.0.rsplit_once('.') else {
            return granted.contains(self.0);
        };
        granted
            .iter()
            .filter_map(|scope| scope.rsplit_once('.'))
            .any(|(of, may)| of == resource && (may.eq_ignore_ascii_case(operation) || may.eq_ignore_ascii_case("ALL")))
    }
}

/// Why an access token is not good for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// No Authorization header.
    NoTicket,
    /// Unknown, expired, revoked, evicted, or of another data centre.
    BadToken,
    /// Good, but without the scope.
    MissingScope,
}

/// An authorisation code.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Code {
    pub(crate) dc: String,
    pub(crate) user: UserId,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) scopes: BTreeSet<String>,
    /// Whether the exchange gives a refresh token.
    pub(crate) offline: bool,
    /// S256 challenge of PKCE.
    pub(crate) challenge: Option<String>,
    pub(crate) expires_at: Timestamp,
}

/// A refresh token, without itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefreshGrant {
    /// Counts up: which of two is older.
    pub(crate) serial: u64,
    pub(crate) dc: String,
    pub(crate) user: UserId,
    pub(crate) client_id: String,
    pub(crate) scopes: BTreeSet<String>,
    /// Its live access tokens, oldest first.
    pub(crate) access: VecDeque<String>,
    /// When it was used in the current window.
    pub(crate) uses: Uses,
    /// The one it replaced and that still works until this one is used (switch `rotate_refresh`).
    pub(crate) replaces: Option<String>,
}

/// An access token, without itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessGrant {
    pub(crate) dc: String,
    pub(crate) user: UserId,
    pub(crate) client_id: String,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) expires_at: Timestamp,
}

/// Recent uses of something that is limited.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Uses {
    pub(crate) at: VecDeque<Timestamp>,
    pub(crate) blocked_until: Option<Timestamp>,
}

/// A code or token that was handed out, for tests that look for leaks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Issued {
    /// `code`, `access` or `refresh`.
    pub kind: String,
    /// The secret itself.
    pub token: String,
    /// The user's address.
    pub email: String,
    /// When.
    pub at: Timestamp,
}

/// How a refresh ended, by Accounts' own rules: an armed fault that answers in its place leaves no trace here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// There is a new access token.
    Granted {
        /// And a new refresh token with it.
        rotated: bool,
    },
    /// One too many for this refresh token (switch `refresh_limit`).
    OverBudget,
    /// Unknown, ended, foreign, or a client that is not the token's.
    Refused,
}

/// A refresh that Accounts has decided on, whether or not the answer arrived.
#[derive(Clone, Debug)]
pub struct RefreshCall {
    /// When it was decided.
    pub at: Timestamp,
    /// Where.
    pub dc: String,
    /// The refresh token that was sent.
    pub presented: String,
    /// How it ended.
    pub outcome: RefreshOutcome,
}

/// Users, clients, codes and tokens of all data centres.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Accounts {
    pub(crate) users: BTreeMap<UserId, User>,
    pub(crate) clients: BTreeMap<String, Client>,
    pub(crate) codes: BTreeMap<String, Code>,
    pub(crate) refresh: BTreeMap<String, RefreshGrant>,
    pub(crate) access: BTreeMap<String, AccessGrant>,
    /// What each user has consented to, by client id.
    pub(crate) consents: BTreeMap<UserId, BTreeMap<String, BTreeSet<String>>>,
    /// Recent codes by client id, and recent refresh tokens by client id and user.
    pub(crate) recent: BTreeMap<String, Uses>,
    pub(crate) serial: u64,
    pub(crate) issued: Vec<Issued>,
    /// Not saved between runs, like the journal's requests.
    #[serde(skip)]
    pub(crate) refresh_calls: Vec<RefreshCall>,
}

impl Accounts {
    /// The user with this address.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users.values().find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// The user with this id.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id)
    }

    /// All users, by id.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.users.values()
    }

    /// All clients, by client id.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.clients.values()
    }

    /// Every code and token ever handed out.
    pub fn issued(&self) -> &[Issued] {
        &self.issued
    }

    /// Every refresh that was decided on, oldest first: who checks that a client keeps within its budget counts here.
    pub fn refresh_calls(&self) -> &[RefreshCall] {
        &self.refresh_calls
    }

    /// Registers a client, or replaces the one with the same id.
    pub fn put_client(&mut self, client: Client) {
        self.clients.insert(client.client_id.clone(), client);
    }

    /// Ends the access tokens of a user, of one client or of all, and says how many. Refresh tokens stay.
    pub fn expire(&mut self, user: UserId, client: Option<&str>, now: Timestamp) -> usize {
        let before = self.access.len();
        self.access.retain(|_, grant| {
            let meant = grant.user == user && client.is_none_or(|client| client == grant.client_id);
            grant.expires_at > now && !meant
        });
        before - self.access.len()
    }

    /// Ends access tokens at `at`, or now if that is not later.
    pub(crate) fn end_access(&mut self, tokens: impl IntoIterator<Item = String>, at: Timestamp, now: Timestamp) {
        for token in tokens {
            if at <= now {
                self.access.remove(&token);
            } else if let Some(grant) = self.access.get_mut(&token) {
                grant.expires_at = grant.expires_at.min(at);
            }
        }
    }
}

impl World {
    /// Adds a user with their default calendar. `None` if the address is taken.
    pub fn add_user(
        &mut self,
        (email, first_name, last_name): (&str, &str, &str),
        location: &str,
        timezone: &str,
        now: Timestamp,
    ) -> Option<UserId> {
        if self.accounts.user_by_email(email).is_some() {
            return None;
        }
        let mut zuid = UserId(self.ids.number(600_000_000));
        while self.accounts.users.contains_key(&zuid) {
            zuid = UserId(self.ids.number(600_000_000));
        }
        let user = User {
            zuid,
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            location: location.to_owned(),
            timezone: timezone.to_owned(),
        };
        self.calendars.add_user(&user, &mut self.ids, now);
        self.accounts.users.insert(zuid, user);
        Some(zuid)
    }

    /// Whose access token this is, if it is good for a call in this data centre that needs `scope`.
    pub fn authorize(
        &mut self,
        dc: &str,
        authorization: Option<&str>,
        now: Timestamp,
        scope: Scope,
    ) -> Result<UserId, TokenRefusal> {
        let header = authorization.ok_or(TokenRefusal::NoTicket)?;
        let (scheme, token) = header.split_once(' ').ok_or(TokenRefusal::BadToken)?;
        if !scheme.eq_ignore_ascii_case("Bearer") && !scheme.eq_ignore_ascii_case("Zoho-oauthtoken") {
            return Err(TokenRefusal::BadToken);
        }
        let grant = self.accounts.access.get(token.trim()).ok_or(TokenRefusal::BadToken)?;
        if grant.dc != dc || grant.expires_at <= now {
            return Err(TokenRefusal::BadToken);
        }
        if !scope.is_covered_by(&grant.scopes) {
            return Err(TokenRefusal::MissingScope);
        }
        Ok(grant.user)
    }
}

impl Uses {
    /// Counts one use; false if it is one too many.
    pub(crate) fn count(&mut self, limit: crate::switches::RateLimit, now: Timestamp) -> bool {
        let opens = now - SignedDuration::from_secs(limit.window_s);
        while self.at.front().is_some_and(|at| *at <= opens) {
            self.at.pop_front();
        }
        let blocked = self.blocked_until.is_some_and(|until| now < until);
        if blocked || self.at.len() >= limit.count {
            // Zoho's block ends after some minutes without requests: each further one prolongs it.
            self.blocked_until = (limit.block_s > 0).then(|| now + SignedDuration::from_secs(limit.block_s));
            return false;
        }
        self.blocked_until = None;
        self.at.push_back(now);
        true
    }
}

/// The next code or token, remembered in `issued`.
pub(crate) fn issue(accounts: &mut Accounts, ids: &mut Ids, kind: &str, user: UserId, now: Timestamp) -> String {
    let token = ids.token();
    let email = accounts.user(user).map(|user| user.email.clone()).unwrap_or_default();
    accounts.issued.push(Issued { kind: kind.to_owned(), token: token.clone(), email, at: now });
    token
}
