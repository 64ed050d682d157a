//! Permission: asking a manager for it, and the contract's setup, status and refresh.

mod accept;
mod callback;
mod exchange;
mod pages;
mod password;
mod pending;
mod request;

use domain::{
    EmailAddress, Timestamp,
    grants::{Grant, GrantState},
    links::{Link, Purpose},
    people::Person,
};
use ports::{Put, calendar::FailureClass, change::Scope};
use serde_json::json;
use url::Url;
use vault::{KeyId, sign_link, sign_link_under};

pub(crate) use accept::busy_calendars;
pub use callback::Callback;
pub use pages::{ConnectView, DisconnectView, PermissionView};

use crate::{App, Caller, Error, Result, draft::Draft};

/// What the contract's status says. Reads the store only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether the manager ever connected.
    pub has_integration: bool,
    /// Whether an access token can be had without the manager.
    pub has_valid_token: bool,
    /// `primary`, or the chosen calendar's uid.
    pub calendar_id: Option<String>,
    /// When the access token ends, whole seconds.
    pub expires_at: Option<Timestamp>,
    /// `false` when disconnected or dead.
    pub is_active: bool,
}

/// What setup answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setup {
    /// The manager must follow the link.
    NeedsAuthorization {
        /// The address as it was given.
        email: EmailAddress,
        /// The provider's consent page with a live `state`.
        url: Url,
    },
    /// Nothing to do.
    Connected(Status),
}

/// What a forced refresh answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// Refreshed.
    Fresh(Status),
    /// Only the manager can mend it.
    NeedsAuthorization {
        /// How it stands.
        status: Status,
        /// The consent page.
        url: Url,
    },
}

impl Status {
    fn of(grant: Option<&Grant>, now: Timestamp) -> Self {
        let Some(grant) = grant.filter(|grant| grant.connected_at.is_some()) else {
            return Self { has_integration: false, has_valid_token: false, calendar_id: None, expires_at: None, is_active: false };
        };
        let whole_second = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at);
        Self {
            has_integration: true,
            has_valid_token: grant.has_valid_token(now),
            calendar_id: grant.calendar_id(),
            expires_at: grant.tokens.as_ref().map(|tokens| whole_second(tokens.access_expires_at)),
            is_active: grant.state == GrantState::Active,
        }
    }
}

/// An authorization code as it waits in its job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SealedCode<'a> {
    /// The code, sealed for its link.
    pub bytes: &'a [u8],
    /// The location the callback named.
    pub data_centre: &'a str,
    /// The key that signed the `state`.
    pub link_key: Option<&'a str>,
}

impl App {
    /// Prepares a manager's authorization: a live link, or the status of a connection that stands. Mails only with `notify`.
    pub async fn setup(&self, email: &str, name: Option<&str>, notify: bool, caller: &Caller) -> Result<Setup> {
        let email: EmailAddress = email.parse().map_err(|error| Error::invalid("manager_email", error))?;
        let (email, caller) = (&email, caller);
        self.transact(None, || async move {
            let mut draft = self.draft(caller);
            let person = self.person_or_new(email, name, &mut draft).await?;
            let grant = self.grant_of(person.id).await?;
            if grant.as_ref().is_some_and(Grant::is_usable) {
                // Nothing of the draft is needed: the person and the grant exist.
                return Ok((ports::Change::at(draft.now), Setup::Connected(Status::of(grant.as_ref(), draft.now))));
            }
            self.grant_or_new(&person, self.provider()?.name(), &mut draft).await?;
            let link = self.live_link(Purpose::OauthState, &person, &mut draft).await?;
            let url = self.authorization_url(&link, &person)?;
            if notify {
                let page = self.live_link(Purpose::Permission, &person, &mut draft).await?;
                draft.mail(domain::mails::MailOrder::FreshPermissionLink {
                    person: person.id,
                    link: page.id,
                    window: draft.now.as_second() / 600,
                });
            }
            let change = draft.finish();
            Ok((change, Setup::NeedsAuthorization { email: email.clone(), url }))
        })
        .await
    }

    /// How a manager's connection stands. Reads the store only; an address never seen is simply not connected.
    pub async fn status(&self, email: &str) -> Result<Status> {
        let email: EmailAddress = email.parse().map_err(|error| Error::invalid("manager_email", error))?;
        let Some(person) = self.store().person_by_email(&email).await? else { return Ok(Status::of(None, self.now())) };
        let grant = self.grant_of(person.id).await?;
        Ok(Status::of(grant.as_ref(), self.now()))
    }

    /// Refreshes a manager's access token now.
    pub async fn refresh_now(&self, email: &str, caller: &Caller) -> Result<RefreshOutcome> {
        let address: EmailAddress = email.parse().map_err(|error| Error::invalid("manager_email", error))?;
        let person = self.store().person_by_email(&address).await?;
        let grant = match &person {
            Some(person) => self.grant_of(person.id).await?,
            None => None,
        };
        if let Some(grant) = grant.filter(Grant::is_usable) {
            match self.refresh(grant.id, grant.generation, false).await {
                Ok(_) => return Ok(RefreshOutcome::Fresh(self.status(email).await?)),
                Err(error) if error.class != FailureClass::Revoked => return Err(Error::provider(&error)),
                Err(_) => {}
            }
            let now = self.store().grant(grant.id).await?;
            if now.is_some_and(|grant| grant.is_usable()) {
                return Err(Error::Provider {
                    class: FailureClass::Revoked,
                    problem: "the provider refused the stored permission once; Greenroom asks again in a minute before it believes that, and mails the manager a link if it is so".to_owned(),
                });
            }
        }
        match self.setup(email, None, false, caller).await? {
            Setup::Connected(status) => Ok(RefreshOutcome::Fresh(status)),
            Setup::NeedsAuthorization { url, .. } => {
                Ok(RefreshOutcome::NeedsAuthorization { status: self.status(email).await?, url })
            }
        }
    }

    /// The manager's grant at a provider, made as *requested* where there is none.
    pub(crate) async fn grant_or_new(&self, person: &Person, provider: &'static str, draft: &mut Draft<'_>) -> Result<Grant> {
        if let Some(grant) = self.store().grant_of(person.id, provider).await? {
            return Ok(grant);
        }
        let grant = self.new_grant(person, provider, draft);
        draft.put(Put::Grant(grant.clone()));
        draft.audit("grant.requested", grant.id, json!({"person": person.id}));
        Ok(grant)
    }

    /// A grant that is asked for; its name is taken, and the caller stores it.
    pub(crate) fn new_grant(&self, person: &Person, provider: &'static str, draft: &mut Draft<'_>) -> Grant {
        let grant = Grant::requested(self.id(), person.id, provider, draft.now);
        draft.take(Scope::Grant, format!("{provider}:{}", person.id), grant.id);
        grant
    }

    /// The newest live link of this purpose for the person, or a new one. A link in its last day is not handed out again.
    pub(crate) async fn live_link(&self, purpose: Purpose, person: &Person, draft: &mut Draft<'_>) -> Result<Link> {
        let known = self.store().newest_link(purpose, &person.id.to_string()).await?;
        let days = self.settings().link_days;
        let margin = crate::draft::later(draft.now, (days * 24 * 60 / 7).min(24 * 60))?;
        match known.filter(|link| link.check(margin).is_ok()) {
            Some(link) => Ok(link),
            None => draft.link(purpose, person.id, Some(person.id), days),
        }
    }

    /// The token that stands in URLs for a link.
    pub(crate) fn token(&self, link: &Link) -> String {
        sign_link(&self.key_ring(), link.purpose.as_str(), &link.id.to_string())
    }

    /// The PKCE verifier (RFC 7636) of an authorization: made again from its `state` link, so nothing secret is stored; under the key that
    /// signed that link, which need not be the active one any more.
    fn pkce_verifier(&self, link: &Link, key: &KeyId) -> Result<String> {
        sign_link_under(&self.key_ring(), key, "pkce", &link.id.to_string())
            .ok_or_else(|| Error::Internal(format!("the key `{key}` that signed {} is not in the key ring", link.id)))
    }

    /// The provider's consent page for a live `state` link.
    pub(crate) fn authorization_url(&self, link: &Link, person: &Person) -> Result<Url> {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        use sha2::{Digest, Sha256};
        // One ring for both: the callback finds the verifier's key by the one that signed its `state`.
        let (ring, id) = (self.key_ring(), link.id.to_string());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(sign_link(&ring, "pkce", &id)));
        let state = sign_link(&ring, link.purpose.as_str(), &id);
        let hint = person.email().map(ToString::to_string).unwrap_or_default();
        Ok(self.provider()?.authorization_url(&state, &challenge, &hint))
    }

    /// A page of ours for a link.
    pub(crate) fn page_url(&self, link: &Link) -> Result<Url> {
        let folder = match link.purpose {
            Purpose::Permission => "p",
            Purpose::OauthState => "connect",
            Purpose::Candidate => "c",
            Purpose::Manager => "m",
            Purpose::Feedback => "f",
            Purpose::Proposal => "o",
            Purpose::Disconnect => "d",
            Purpose::Choice => "s",
            Purpose::AdminLogin => "login",
            Purpose::SetPassword => "password",
        };
        self.our_url(&format!("{folder}/{}", self.token(link)))
    }

    /// A URL below the public one.
    pub(crate) fn our_url(&self, path: &str) -> Result<Url> {
        let mut base = self.settings().public_url.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        base.join(path).map_err(|error| Error::Internal(format!("the public URL does not take `{path}`: {error}")))
    }
}
