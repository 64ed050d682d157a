//! Logging in by single sign-on: what binds the answer to the browser that asked, and which account it opens.
//!
//! Nothing is stored while somebody is at the identity provider: the browser's cookie holds a signed random text with a time, and state,
//! nonce and PKCE verifier are hashes of it, so that any node can finish what another began. What is stored is that a state was used.

use std::{fmt, net::IpAddr, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    EmailAddress, Id,
    access::{Account, Role, Throttle},
};
use ports::{
    Put, SignOn,
    change::Scope,
    sign_on::{SignOnAnswer, SignOnError, SignOnReply, SignOnRequest, SignedOn},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;
use vault::{AuthorizationCode, sign_link, verify_link};

use super::{NewSession, throttles::Counter};
use crate::{App, Caller, Error, Finding, Result, draft::touched};

/// How long somebody may take at the identity provider, in seconds.
const LIFE_SECONDS: i64 = 600;
/// What the cookie is signed for.
const PURPOSE: &str = "sign-on";

/// Accounts for people who have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomers {
    /// Which role they get.
    pub role: Role,
    /// At which domains their verified address must be, lower case.
    pub domains: Vec<String>,
}

/// Single sign-on, as it is set up.
#[derive(Clone)]
pub struct SingleSignOn {
    /// Who says who somebody is.
    pub provider: Arc<dyn SignOn>,
    /// What the button calls it.
    pub name: String,
    /// Who gets an account without being asked; `None`: nobody.
    pub newcomers: Option<Newcomers>,
    /// Whether passwords open accounts too.
    pub passwords: bool,
}

impl fmt::Debug for SingleSignOn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleSignOn").field("name", &self.name).field("newcomers", &self.newcomers).finish_non_exhaustive()
    }
}

/// What a browser brings back from the identity provider.
#[derive(Clone, Default)]
pub struct SignOnCallback {
    /// The cookie it was given before.
    pub cookie: String,
    /// Of the address: the state.
    pub state: String,
    /// The code.
    pub code: String,
    /// An error's code instead.
    pub error: String,
    /// Who says so (RFC 9207).
    pub issuer: Option<String>,
}

/// How a sign-on ended.
#[derive(Debug)]
pub enum SignOnEnd {
    /// Somebody is logged in.
    In(NewSession),
    /// The identity provider knows them; here nobody has an account for them.
    NoAccount,
    /// Their account is switched off.
    SwitchedOff,
    /// The provider does not say that the address is theirs, and nothing else links them to an account.
    NotVerified,
    /// The account belongs to somebody else at the identity provider.
    OtherPerson,
    /// The answer does not belong to what this browser asked, came too late, or came before.
    NotAsked,
    /// Too many that failed: again in so many seconds.
    Wait(i64),
    /// The provider, or the person there, said no; the error's code.
    Declined(String),
    /// The provider failed, or its answer is not to be trusted.
    Failed(SignOnError),
}

impl SignOnEnd {
    /// A stable word for the audit log.
    const fn code(&self) -> &'static str {
        match self {
            Self::In(_) => "in",
            Self::NoAccount => "no_account",
            Self::SwitchedOff => "account_disabled",
            Self::NotVerified => "email_not_verified",
            Self::OtherPerson => "other_person",
            Self::NotAsked => "not_asked",
            Self::Wait(_) => "too_many",
            Self::Declined(_) => "declined",
            Self::Failed(SignOnError::Passing(_)) => "provider_failed",
            Self::Failed(_) => "answer_refused",
        }
    }
}

/// What is sent or compared is a hash of the cookie: who sees it learns nothing of the cookie, nor of the other hashes.
fn from_cookie(what: &str, cookie: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("greenroom sign-on {what} v1\0"));
    hash.update(cookie);
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

impl App {
    /// Sets single sign-on up, once, before anything is served.
    pub fn set_single_sign_on(&self, set: SingleSignOn) -> Result<()> {
        self.0.single_sign_on.set(set).map_err(|_| Error::Internal("single sign-on was set up twice".to_owned()))
    }

    /// What the button for single sign-on says, if there is one.
    pub fn single_sign_on_name(&self) -> Option<&str> {
        self.0.single_sign_on.get().map(|set| set.name.as_str())
    }

    /// Whether passwords open accounts.
    pub fn takes_passwords(&self) -> bool {
        self.0.single_sign_on.get().is_none_or(|set| set.passwords)
    }

    /// Refuses what has to do with passwords where they are switched off.
    pub(super) fn passwords_are_on(&self) -> Result<()> {
        if self.takes_passwords() {
            return Ok(());
        }
        let problem =
            "passwords are switched off here; log in by single sign-on, or by a link from `greenroom admin link`".to_owned();
        Err(Error::Refused { code: "passwords_off", problem })
    }

    fn single_sign_on(&self) -> Result<&SingleSignOn> {
        let problem = || "single sign-on is not set up here".to_owned();
        self.0.single_sign_on.get().ok_or_else(|| Error::Refused { code: "no_single_sign_on", problem: problem() })
    }

    /// Where the identity provider sends browsers back to; registered there letter by letter.
    pub fn sign_on_redirect(&self) -> Result<Url> {
        self.our_url("login/sso/callback")
    }

    /// What `doctor` says of single sign-on, where it is set up.
    pub async fn examine_sign_on(&self) -> Result<Option<Finding>> {
        let Some(set) = self.0.single_sign_on.get() else { return Ok(None) };
        let redirect = self.sign_on_redirect()?;
        let what = "single sign-on";
        Ok(Some(match set.provider.probe(self.store().lease_now().await?).await {
            Ok(0) => Finding::bad(what, "the identity provider shows no key for RS256, ES256 or EdDSA; choose one of them there"),
            Ok(keys) => Finding::good(
                what,
                format!("discovery answers, the issuer is the one that is set, {keys} keys; {redirect} must be registered there"),
            ),
            Err(error) => Finding::bad(what, format!("{error}; check GREENROOM_OIDC_ISSUER, and that this machine may reach it")),
        }))
    }

    /// Where the browser goes, and the cookie that it must come back with.
    pub async fn begin_sign_on(&self) -> Result<(Url, String)> {
        let set = self.single_sign_on()?;
        let now = self.store().lease_now().await?;
        let cookie = sign_link(&self.key_ring(), PURPOSE, &format!("{}.{}", now.as_second(), self.random_token()));
        let verifier = from_cookie("verifier", &cookie);
        let request = SignOnRequest {
            state: from_cookie("state", &cookie),
            nonce: from_cookie("nonce", &cookie),
            challenge: URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)),
            redirect_uri: self.sign_on_redirect()?,
            now,
        };
        let url = set.provider.authorization_url(&request).await.map_err(|error| {
            tracing::warn!(%error, "a sign-on cannot begin");
            Error::Refused { code: "sign_on_failed", problem: error.to_string() }
        })?;
        Ok((url, cookie))
    }

    /// Takes the answer that a browser brings back. What does not end in a session is on the record, unless it was never asked for.
    pub async fn finish_sign_on(&self, back: &SignOnCallback, address: IpAddr, device: Option<&str>) -> Result<SignOnEnd> {
        let set = self.single_sign_on()?;
        if !self.asked_for(back).await? {
            return Ok(SignOnEnd::NotAsked);
        }
        let counters = [Counter::network("sign-on", address)];
        if let Some(seconds) = self.count_attempt(&counters).await? {
            return Ok(SignOnEnd::Wait(seconds));
        }
        if !self.use_up(&back.state).await? {
            return Ok(SignOnEnd::NotAsked);
        }
        let (end, account) = self.ask_who(set, back, device).await?;
        if matches!(end, SignOnEnd::In(_)) {
            self.forgive_attempt(&counters).await?;
            return Ok(end);
        }
        self.note_failure(&counters).await?;
        if let SignOnEnd::Failed(error) = &end {
            tracing::warn!(%error, "a sign-on was not accepted");
        }
        let mut draft = self.draft(&Caller::system());
        let subject = account.map_or_else(|| "single sign-on".to_owned(), |id| id.to_string());
        draft.audit("account.sign_on_refused", subject, json!({"why": end.code()}));
        self.commit(draft.finish()).await?;
        Ok(end)
    }

    /// Whether this browser began it, not too long ago, and the state is the one it was sent away with.
    async fn asked_for(&self, back: &SignOnCallback) -> Result<bool> {
        let now = self.store().lease_now().await?;
        let signed = verify_link(&self.key_ring(), PURPOSE, &back.cookie);
        let began = signed.and_then(|(text, _)| text.split_once('.').and_then(|(seconds, _)| seconds.parse::<i64>().ok()));
        let in_time = began.is_some_and(|began| (0..LIFE_SECONDS).contains(&(now.as_second() - began)));
        // Hashes of hashes, so that the comparison's time tells nothing.
        let same = Sha256::digest(&back.state) == Sha256::digest(from_cookie("state", &back.cookie));
        Ok(in_time && same && (back.code.is_empty() != back.error.is_empty()))
    }

    /// Notes that a state was used; `false` if it was before. The row is swept with the throttles, long after the cookie's end.
    async fn use_up(&self, state: &str) -> Result<bool> {
        let id = format!("sign-on-state:{}", from_cookie("used", state));
        let id = &id;
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            if self.store().throttle(id).await?.is_some() {
                return Ok((draft.finish(), false));
            }
            let now = self.store().lease_now().await?;
            draft.put(Put::Throttle(Throttle { id: id.clone(), rev: 1, failures: 1, last_at: now, free_at: now }));
            Ok((draft.finish(), true))
        })
        .await
    }

    /// Who it is, and the session that follows; otherwise why there is none, and whose account it concerns.
    async fn ask_who(
        &self,
        set: &SingleSignOn,
        back: &SignOnCallback,
        device: Option<&str>,
    ) -> Result<(SignOnEnd, Option<Id<Account>>)> {
        let reply = if back.error.is_empty() {
            SignOnReply::Code(AuthorizationCode::new(back.code.clone()))
        } else {
            SignOnReply::Error(back.error.clone())
        };
        let answer = SignOnAnswer {
            reply,
            issuer: back.issuer.clone(),
            verifier: from_cookie("verifier", &back.cookie),
            nonce: from_cookie("nonce", &back.cookie),
            redirect_uri: self.sign_on_redirect()?,
            now: self.store().lease_now().await?,
        };
        let who = match set.provider.sign_on(&answer).await {
            Ok(who) => who,
            Err(SignOnError::Declined(code)) => return Ok((SignOnEnd::Declined(code), None)),
            Err(error) => return Ok((SignOnEnd::Failed(error), None)),
        };
        let id = match self.admit(set, &who).await? {
            Ok(id) => id,
            Err(refused) => return Ok(refused),
        };
        // Switched off in this very moment, if there is no session.
        let begun = self.begin_as(id, "single sign-on", None, device).await?;
        Ok((begun.map_or(SignOnEnd::SwitchedOff, SignOnEnd::In), Some(id)))
    }

    /// The account of somebody who signed on: the one that this subject is linked to, whatever its address; else the one with the
    /// verified address, which is linked now; else, where that is set, a new one. Or why there is none.
    async fn admit(
        &self,
        set: &SingleSignOn,
        who: &SignedOn,
    ) -> Result<std::result::Result<Id<Account>, (SignOnEnd, Option<Id<Account>>)>> {
        let subject = format!("{} {}", who.issuer, who.subject);
        let subject = &subject;
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            if let Some(id) = self.store().owner(Scope::AccountSubject, subject).await? {
                let id = id.parse().map_err(|error| Error::Internal(format!("the owner of a subject: {error}")))?;
                let live = self.store().account(id).await?.is_some_and(|account| account.is_live());
                return Ok((draft.finish(), if live { Ok(id) } else { Err((SignOnEnd::SwitchedOff, Some(id))) }));
            }
            let Some(email) = &who.verified_email else { return Ok((draft.finish(), Err((SignOnEnd::NotVerified, None)))) };
            let Some(known) = self.store().account_by_email(email).await? else {
                let Some(role) = newcomer(set, email) else { return Ok((draft.finish(), Err((SignOnEnd::NoAccount, None)))) };
                let (change, id) = self.welcome(email, who.name.as_deref(), role, subject);
                return Ok((change, Ok(id)));
            };
            if !known.is_live() {
                return Ok((draft.finish(), Err((SignOnEnd::SwitchedOff, Some(known.id)))));
            }
            if known.subject.is_some() {
                return Ok((draft.finish(), Err((SignOnEnd::OtherPerson, Some(known.id)))));
            }
            draft.take(Scope::AccountSubject, subject, known.id);
            draft.audit("account.linked", known.id, json!({"by": "verified address"}));
            draft.put(Put::Account(Account { subject: Some(subject.clone()), ..touched(&known) }));
            Ok((draft.finish(), Ok(known.id)))
        })
        .await
    }

    /// A new account, linked from the beginning.
    fn welcome(&self, email: &EmailAddress, name: Option<&str>, role: Role, subject: &str) -> (ports::Change, Id<Account>) {
        let mut draft = self.draft(&Caller::system());
        let name: String = name.unwrap_or_default().chars().filter(|letter| !letter.is_control()).take(100).collect();
        let name = if name.trim().is_empty() { email.as_str() } else { name.trim() };
        let id = self.new_account(&mut draft, email, name, role, Some(subject)).id;
        draft.take(Scope::AccountSubject, subject, id);
        draft.audit("account.linked", id, json!({"by": "single sign-on"}));
        (draft.finish(), id)
    }
}

/// The role of somebody without an account, if they get one.
fn newcomer(set: &SingleSignOn, email: &EmailAddress) -> Option<Role> {
    set.newcomers.as_ref().filter(|newcomers| newcomers.domains.contains(&email.domain())).map(|newcomers| newcomers.role)
}
