//! Who may call: API keys, one-time log-in links, dashboard sessions. Only hashes are stored.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Id, Timestamp,
    access::{ApiKey, Right, Session},
    audit::Actor,
    links::Purpose,
};
use ports::Put;
use serde_json::json;
use url::Url;
use vault::hash_api_key;

use crate::{
    App, Caller, Error, Result,
    draft::{later, touched},
    people::line,
};

/// How long a log-in link lives, in days.
const LOGIN_LINK_DAYS: i64 = 1;
/// What API keys begin with, so that leak scanners know them.
const KEY_PREFIX: &str = "grk_";

/// A live dashboard session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Which.
    pub id: Id<Session>,
    /// For the log.
    pub name: String,
}

impl App {
    /// How long a log-in lasts, in minutes.
    pub const SESSION_MINUTES: i64 = 12 * 60;

    /// A one-time log-in link for the dashboard.
    pub async fn admin_link(&self, name: &str) -> Result<Url> {
        let name = line("name", name)?;
        let mut draft = self.draft(&Caller { actor: Actor::Operator, request: None });
        let link = draft.link(Purpose::AdminLogin, &name, None, LOGIN_LINK_DAYS)?;
        draft.audit("admin.link_made", link.id, json!({"name": name}));
        self.commit(draft.finish()).await?;
        self.page_url(&link)
    }

    /// Whether a log-in link would open. Uses nothing up.
    pub async fn login_page(&self, token: &str) -> Result<()> {
        self.open_link(token, Purpose::AdminLogin).await.map(drop)
    }

    /// Uses a log-in link: the cookie's token and when the session ends.
    pub async fn log_in(&self, token: &str) -> Result<(String, Timestamp)> {
        let cookie = URL_SAFE_NO_PAD.encode(self.entropy().bytes::<32>());
        let hash = hash_api_key(&cookie).to_vec();
        let hash = &hash;
        let expires_at = self
            .transact(None, || async move {
                let link = self.open_link(token, Purpose::AdminLogin).await?;
                let mut draft = self.draft(&Caller { actor: Actor::Administrator(link.subject.clone()), request: None });
                let mut used = touched(&link);
                used.used_at = Some(draft.now);
                // By the clock that nobody moves: a log-in outlives the demo's jumps.
                let began = self.store().lease_now().await?;
                let expires_at = later(began, Self::SESSION_MINUTES)?;
                let session =
                    Session { id: self.id(), rev: 1, hash: hash.clone(), created_at: began, expires_at, revoked_at: None };
                draft.audit("admin.logged_in", session.id, json!({"name": link.subject}));
                draft.put(Put::Link(used));
                draft.put(Put::Session(session));
                Ok((draft.finish(), expires_at))
            })
            .await?;
        Ok((cookie, expires_at))
    }

    /// The live session of a cookie.
    pub async fn session(&self, cookie: &str) -> Result<Option<SessionView>> {
        let session = self.store().session_by_hash(&hash_api_key(cookie)).await?;
        let now = self.store().lease_now().await?;
        Ok(session
            .filter(|session| session.is_live(now))
            .map(|session| SessionView { id: session.id, name: session.id.to_string() }))
    }

    /// Ends the session of a cookie.
    pub async fn log_out(&self, cookie: &str) -> Result<()> {
        let hash = hash_api_key(cookie);
        let hash = &hash;
        self.transact(None, || async move {
            let session = self.store().session_by_hash(hash).await?;
            let mut draft = self.draft(&Caller { actor: Actor::System, request: None });
            if let Some(session) = session.filter(|session| session.revoked_at.is_none()) {
                draft.audit("admin.logged_out", session.id, json!({}));
                draft.put(Put::Session(Session { revoked_at: Some(draft.now), ..touched(&session) }));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Makes an API key. The second value is the key itself: shown once, stored nowhere.
    pub async fn create_api_key(
        &self,
        name: &str,
        rights: BTreeSet<Right>,
        expires_at: Option<Timestamp>,
        caller: &Caller,
    ) -> Result<(ApiKey, String)> {
        let name = line("name", name)?;
        if rights.is_empty() {
            return Err(Error::invalid("rights", "a key without any right cannot do anything; choose at least one"));
        }
        let text = format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.entropy().bytes::<32>()));
        let mut draft = self.draft(caller);
        let key = ApiKey {
            id: self.id(),
            rev: 1,
            name,
            hash: hash_api_key(&text).to_vec(),
            rights,
            created_at: draft.now,
            expires_at,
            revoked_at: None,
        };
        draft.audit("key.created", key.id, json!({"name": key.name, "rights": key.rights}));
        draft.put(Put::ApiKey(key.clone()));
        self.commit(draft.finish()).await?;
        Ok((key, text))
    }

    /// The live key that this text is, if it is one.
    pub async fn authenticate(&self, text: &str) -> Result<Option<ApiKey>> {
        let key = self.store().api_key_by_hash(&hash_api_key(text)).await?;
        Ok(key.filter(|key| key.is_live(self.now())))
    }

    /// All keys, newest last.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        Ok(self.store().api_keys().await?)
    }

    /// Refuses a key from now on.
    pub async fn revoke_api_key(&self, id: Id<ApiKey>, caller: &Caller) -> Result<()> {
        self.transact(None, || async move {
            let key =
                self.store().api_keys().await?.into_iter().find(|key| key.id == id).ok_or_else(|| Error::missing("API key", id))?;
            let mut draft = self.draft(caller);
            if key.revoked_at.is_none() {
                draft.audit("key.revoked", id, json!({}));
                draft.put(Put::ApiKey(ApiKey { revoked_at: Some(draft.now), ..touched(&key) }));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }
}
