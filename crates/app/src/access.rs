//! Who may call: API keys, one-time log-in links, accounts, dashboard sessions. Only hashes are stored.

mod accounts;
mod keys;
mod password;
mod sessions;
mod single_sign_on;
mod throttles;
mod uses;

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Id, Timestamp,
    access::{Account, Role, Session},
    audit::Actor,
    links::Purpose,
};
use ports::Put;
use serde_json::json;
use url::Url;
use vault::hash_api_key;

pub use accounts::AccountView;
pub use keys::NewKey;
pub(crate) use password::Hashing;
pub use password::LogIn;
pub use sessions::SessionRow;
pub use single_sign_on::{Newcomers, SignOnCallback, SignOnEnd, SingleSignOn};
pub(crate) use uses::Uses;

use crate::{
    App, Caller, Result,
    draft::{Draft, later, touched},
    people::line,
};

/// How long a log-in link lives, in days.
const LOGIN_LINK_DAYS: i64 = 1;
/// A session's last request is noted when the note is older than this, in seconds.
const SEEN_SECONDS: i64 = 5 * 60;

/// A live dashboard session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Which.
    pub id: Id<Session>,
    /// Whose; `None`: of somebody who came by a one-time link from the command line.
    pub account: Option<Account>,
}

impl SessionView {
    /// What they may do: somebody who came by a link from the command line is an administrator.
    pub fn role(&self) -> Role {
        self.account.as_ref().map_or(Role::Admin, |account| account.role)
    }

    /// Who, for the audit log.
    pub fn actor(&self) -> Actor {
        match &self.account {
            Some(account) => Actor::Account(account.id.to_string()),
            None => Actor::Administrator(self.id.to_string()),
        }
    }
}

/// A session that has just begun.
pub struct NewSession {
    /// The cookie's token.
    pub cookie: String,
    /// When the session ends.
    pub expires_at: Timestamp,
}

impl fmt::Debug for NewSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSession").field("cookie", &"[redacted]").field("expires_at", &self.expires_at).finish()
    }
}

impl App {
    /// How long a log-in lasts, in minutes.
    pub const SESSION_MINUTES: i64 = Session::LIFE_MINUTES;

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

    /// Uses a log-in link. `device` is what the browser says of itself.
    pub async fn log_in(&self, token: &str, device: Option<&str>) -> Result<NewSession> {
        let cookie = self.random_token();
        let text = &cookie;
        let expires_at = self
            .transact(None, || async move {
                let link = self.open_link(token, Purpose::AdminLogin).await?;
                let mut draft = self.draft(&Caller { actor: Actor::Administrator(link.subject.clone()), request: None });
                let mut used = touched(&link);
                used.used_at = Some(draft.now);
                draft.put(Put::Link(used));
                let session = self.begin_session(&mut draft, text, None, device).await?;
                draft.audit("admin.logged_in", session.id, json!({"name": link.subject}));
                Ok((draft.finish(), session.expires_at))
            })
            .await?;
        Ok(NewSession { cookie, expires_at })
    }

    /// A fresh token for a cookie.
    pub fn random_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.entropy().bytes::<32>())
    }

    /// Stores a new session for the cookie with this token. By the clock that nobody moves: a log-in outlives the demo's jumps.
    async fn begin_session(
        &self,
        draft: &mut Draft<'_>,
        cookie: &str,
        account: Option<Id<Account>>,
        device: Option<&str>,
    ) -> Result<Session> {
        let began = self.store().lease_now().await?;
        let session = Session {
            id: self.id(),
            rev: 1,
            hash: hash_api_key(cookie).to_vec(),
            account,
            device: device.map(|text| text.chars().take(60).collect()),
            created_at: began,
            expires_at: later(began, Session::LIFE_MINUTES)?,
            revoked_at: None,
        };
        draft.put(Put::Session(session.clone()));
        Ok(session)
    }

    /// The live session of a cookie; its use is noted.
    pub async fn session(&self, cookie: &str) -> Result<Option<SessionView>> {
        let Some(session) = self.store().session_by_hash(&hash_api_key(cookie)).await? else { return Ok(None) };
        let now = self.store().lease_now().await?;
        let id = session.id.to_string();
        let seen = self.store().last_use(&id).await?;
        if !session.is_live(now) || session.is_idle(seen, now) {
            return Ok(None);
        }
        let account = match session.account {
            None => None,
            Some(id) => match self.store().account(id).await?.filter(Account::is_live) {
                Some(account) => Some(account),
                None => return Ok(None),
            },
        };
        if now.as_second() - seen.unwrap_or(session.created_at).as_second() >= SEEN_SECONDS {
            self.note_use(id, now).await?;
        }
        Ok(Some(SessionView { id: session.id, account }))
    }

    /// Ends the session of a cookie.
    pub async fn log_out(&self, cookie: &str) -> Result<()> {
        let hash = hash_api_key(cookie);
        let hash = &hash;
        self.transact(None, || async move {
            let session = self.store().session_by_hash(hash).await?.filter(|session| session.revoked_at.is_none());
            let Some(session) = session else { return Ok((self.draft(&Caller::system()).finish(), ())) };
            let one = Actor::Administrator(session.id.to_string());
            let actor = session.account.map_or(one, |account| Actor::Account(account.to_string()));
            let mut draft = self.draft(&Caller { actor, request: None });
            draft.audit("admin.logged_out", session.id, json!({}));
            draft.put(Put::Session(Session { revoked_at: Some(draft.now), ..touched(&session) }));
            Ok((draft.finish(), ()))
        })
        .await
    }
}
