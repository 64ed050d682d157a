//! Logging in with address and password.
//!
//! An attempt is counted before it is checked, and an unknown address takes the same way as a known one: counted, hashed, refused in the
//! same words.

use std::{net::IpAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    EmailAddress, Id,
    access::{Account, Patience},
    audit::Actor,
    links::Purpose,
};
use ports::Put;
use serde_json::json;
use tokio::sync::Semaphore;
use vault::{
    AccountPassword, PasswordVerdict, check_password, hash_api_key, hash_password, sign_link, verify_link, verify_password,
};

use super::{NewSession, SessionView, throttles::Counter};
use crate::{App, Caller, Error, Result, draft::touched};

/// How an attempt to log in ended.
#[derive(Debug)]
pub enum LogIn {
    /// Somebody is logged in. The text marks this browser as known to the account.
    In(NewSession, String),
    /// Address or password is wrong, or the account is switched off; which, is not told.
    Wrong,
    /// Too many wrong ones: again in so many seconds.
    Wait(i64),
}

/// Passwords hashed at once, each in 19 MiB, and how many may wait for that.
pub(crate) struct Hashing {
    places: Arc<Semaphore>,
    queue: Semaphore,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(2)), queue: Semaphore::new(34) }
    }
}

impl Hashing {
    /// Runs `work` on a thread that may block.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let internal = |error: &dyn std::fmt::Display| Error::Internal(format!("a password could not be hashed: {error}"));
        let _queued = self.queue.try_acquire().map_err(|_| Error::Busy)?;
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|error| internal(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|error| internal(&error))
    }
}

impl App {
    /// Logs in. `known` is what an earlier log-in gave this browser; `device` is what it says of itself.
    pub async fn log_in_with_password(
        &self,
        email: &str,
        password: AccountPassword,
        address: IpAddr,
        known: Option<&str>,
        device: Option<&str>,
    ) -> Result<LogIn> {
        self.passwords_are_on()?;
        let account = match email.parse::<EmailAddress>() {
            Ok(email) => self.store().account_by_email(&email).await?,
            Err(_) => None,
        };
        let counters = self.attempt_counters(email, account.as_ref(), address, known);
        if let Some(seconds) = self.count_attempt(&counters).await? {
            return Ok(LogIn::Wait(seconds));
        }
        let whose = account.as_ref().map(|account| account.id);
        let stored = account.as_ref().filter(|account| account.is_live()).and_then(|account| account.password.clone());
        let (verdict, password) = self.0.hashing.run(move || (verify_password(&password, stored.as_deref()), password)).await?;
        let (Some(account), true) = (account, verdict != PasswordVerdict::Wrong) else {
            self.note_failure(&counters).await?;
            self.note_refused_log_in(whose, address).await?;
            return Ok(LogIn::Wrong);
        };
        self.forgive_attempt(&counters).await?;
        let renewed = match verdict {
            PasswordVerdict::RightButOld => Some(self.hash(password).await?),
            _ => None,
        };
        let Some(begun) = self.begin_as(account.id, "password", renewed, device).await? else {
            self.note_refused_log_in(whose, address).await?;
            return Ok(LogIn::Wrong);
        };
        Ok(LogIn::In(begun, self.known_browser(account.id)))
    }

    /// Against what an attempt counts. A browser that logged in to this account before counts for itself, so that nobody else can make it
    /// wait; everybody else counts against the address that was typed, whether there is such an account or not, and their network.
    fn attempt_counters(&self, email: &str, account: Option<&Account>, address: IpAddr, known: Option<&str>) -> Vec<Counter> {
        let subject = account.map(|account| account.id.to_string()).unwrap_or_default();
        let mark = known.and_then(|text| verify_link(&self.key_ring(), "known browser", text)).map(|(mark, _)| mark);
        let mark =
            mark.filter(|mark| account.is_some_and(|account| mark.split(':').next() == Some(account.id.to_string().as_str())));
        if let Some(mark) = mark {
            return vec![Counter { id: format!("browser:{}", digest(&mark)), patience: Patience::ACCOUNT, subject }];
        }
        let typed = digest(&email.trim().to_lowercase());
        let account = Counter { id: format!("account:{typed}"), patience: Patience::ACCOUNT, subject };
        vec![account, Counter::network("network", address)]
    }

    /// Marks a browser as known to an account.
    pub(super) fn known_browser(&self, account: Id<Account>) -> String {
        let random = u128::from_be_bytes(self.entropy().bytes());
        sign_link(&self.key_ring(), "known browser", &format!("{account}:{random:032x}"))
    }

    async fn hash(&self, password: AccountPassword) -> Result<String> {
        let salt = self.entropy().bytes::<16>();
        let hash = self.0.hashing.run(move || hash_password(&password, &salt)).await?;
        hash.ok_or_else(|| Error::Internal("a password could not be hashed".to_owned()))
    }

    /// Begins a session for an account that proved itself; `None` if it was switched off meanwhile.
    pub(super) async fn begin_as(
        &self,
        id: Id<Account>,
        by: &str,
        renewed: Option<String>,
        device: Option<&str>,
    ) -> Result<Option<NewSession>> {
        let cookie = self.random_token();
        let (text, renewed) = (&cookie, &renewed);
        let expires_at = self
            .transact(None, || async move {
                let account = self.store().account(id).await?.filter(Account::is_live);
                let mut draft = self.draft(&Caller { actor: Actor::Account(id.to_string()), request: None });
                let Some(account) = account else { return Ok((draft.finish(), None)) };
                if let Some(hash) = renewed {
                    draft.put(Put::Account(Account { password: Some(hash.clone()), ..touched(&account) }));
                }
                let session = self.begin_session(&mut draft, text, Some(id), device).await?;
                draft.audit("account.logged_in", id, json!({"session": session.id, "by": by}));
                Ok((draft.finish(), Some(session.expires_at)))
            })
            .await?;
        Ok(expires_at.map(|expires_at| NewSession { cookie, expires_at }))
    }

    /// The account whose password a one-time link sets. Uses nothing up.
    pub async fn password_page(&self, token: &str) -> Result<Account> {
        self.passwords_are_on()?;
        let link = self.open_link(token, Purpose::SetPassword).await?;
        self.link_account(&link.subject).await
    }

    async fn link_account(&self, subject: &str) -> Result<Account> {
        let id = subject.parse().map_err(|_| Error::Internal(format!("{subject} is no account")))?;
        let gone = || Error::Link(domain::links::LinkProblem::Revoked, Some(Purpose::SetPassword));
        self.store().account(id).await?.filter(Account::is_live).ok_or_else(gone)
    }

    /// Uses the link: sets the password, ends every session of the account and begins one.
    pub async fn set_password(&self, token: &str, password: AccountPassword, device: Option<&str>) -> Result<(NewSession, String)> {
        let account = self.password_page(token).await?;
        acceptable(&password, &account)?;
        let hash = self.hash(password).await?;
        let cookie = self.random_token();
        let (text, hash) = (&cookie, &hash);
        let expires_at = self
            .transact(None, || async move {
                let link = self.open_link(token, Purpose::SetPassword).await?;
                let account = self.link_account(&link.subject).await?;
                let mut draft = self.draft(&Caller { actor: Actor::Account(account.id.to_string()), request: None });
                let mut used = touched(&link);
                used.used_at = Some(draft.now);
                draft.put(Put::Link(used));
                self.end_all(&mut draft, Some(account.id), None).await?;
                let (at, id) = (draft.now, account.id);
                let next = Account { password: Some(hash.clone()), password_set_at: Some(at), ..touched(&account) };
                draft.put(Put::Account(next));
                draft.audit("account.password_set", id, json!({}));
                let session = self.begin_session(&mut draft, text, Some(id), device).await?;
                draft.audit("account.logged_in", id, json!({"session": session.id, "by": "link"}));
                Ok((draft.finish(), session.expires_at))
            })
            .await?;
        Ok((NewSession { cookie, expires_at }, self.known_browser(account.id)))
    }

    /// Changes one's own password, with the one before. Every session ends, and this browser gets a new one.
    pub async fn change_password(
        &self,
        view: &SessionView,
        old: AccountPassword,
        new: AccountPassword,
        device: Option<&str>,
    ) -> Result<NewSession> {
        self.passwords_are_on()?;
        let Some(account) = &view.account else {
            return Err(Error::invalid(
                "password",
                "you came by a one-time link and have no account, so there is no password to change",
            ));
        };
        let subject = account.id.to_string();
        let counters = [Counter { id: format!("change:{subject}"), patience: Patience::ACCOUNT, subject }];
        if let Some(seconds) = self.count_attempt(&counters).await? {
            return Err(Error::invalid("old", format!("too many wrong passwords; try again in {seconds} seconds")));
        }
        let stored = account.password.clone();
        let verdict = self.0.hashing.run(move || verify_password(&old, stored.as_deref())).await?;
        if verdict == PasswordVerdict::Wrong {
            self.note_failure(&counters).await?;
            return Err(Error::invalid("old", "this is not your present password"));
        }
        self.forgive_attempt(&counters).await?;
        acceptable(&new, account)?;
        let hash = self.hash(new).await?;
        let cookie = self.random_token();
        let (text, hash, before, id) = (&cookie, &hash, &account.password, account.id);
        let expires_at = self
            .transact(None, || async move {
                let account = self.store().account(id).await?.filter(|account| account.is_live() && account.password == *before);
                let account = account.ok_or_else(|| Error::Stale { what: "account", id: id.to_string() })?;
                let mut draft = self.draft(&Caller { actor: view.actor(), request: None });
                self.end_all(&mut draft, Some(id), None).await?;
                let at = draft.now;
                draft.put(Put::Account(Account { password: Some(hash.clone()), password_set_at: Some(at), ..touched(&account) }));
                draft.audit("account.password_set", id, json!({}));
                let session = self.begin_session(&mut draft, text, Some(id), device).await?;
                Ok((draft.finish(), session.expires_at))
            })
            .await?;
        Ok(NewSession { cookie, expires_at })
    }
}

fn acceptable(password: &AccountPassword, account: &Account) -> Result<()> {
    check_password(password, &[account.email.as_str(), &account.name]).map_err(|problem| Error::invalid("password", problem))
}

/// Names a row without showing what it was made from.
fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&hash_api_key(text)[..16])
}
