//! Dashboard accounts: made, changed and switched off by administrators.

use domain::{
    EmailAddress, Id, Timestamp,
    access::{Account, Role},
    links::{Link, Purpose},
};
use ports::{Put, change::Scope};
use serde_json::json;
use url::Url;

use crate::{
    App, Caller, Error, Result,
    draft::{Draft, touched},
    people::line,
};

/// How long a link to set a password lives, in days.
const LINK_DAYS: i64 = 3;

/// An account as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountView {
    /// The account.
    pub account: Account,
    /// Its live sessions.
    pub sessions: usize,
    /// When one of them was last seen.
    pub seen_at: Option<Timestamp>,
}

impl App {
    /// Makes an account; the link, for the administrator to pass on, sets its password once. Without passwords there is no link: whoever
    /// has that address at the identity provider logs in.
    pub async fn add_account(&self, email: &str, name: &str, role: Role, caller: &Caller) -> Result<(Account, Option<Url>)> {
        let email: EmailAddress = email.parse().map_err(|error| Error::invalid("email", error))?;
        let name = line("name", name)?;
        Self::check_role(role)?;
        let (email, name) = (&email, &name);
        let (account, link) = self
            .transact(None, || async move {
                let mut draft = self.draft(caller);
                if self.store().account_by_email(email).await?.is_some() {
                    return Err(Error::invalid("email", "there is an account with this address already"));
                }
                let account = self.new_account(&mut draft, email, name, role, None);
                let link = if self.takes_passwords() { Some(self.link_for(&mut draft, &account).await?) } else { None };
                Ok((draft.finish(), (account, link)))
            })
            .await?;
        Ok((account, link.map(|link| self.page_url(&link)).transpose()?))
    }

    fn check_role(role: Role) -> Result<()> {
        if Role::OF_ACCOUNTS.contains(&role) {
            return Ok(());
        }
        let problem = format!("`{}` is a role of API keys; an account is an admin, a recruiter or an auditor", role.code());
        Err(Error::invalid("role", problem))
    }

    /// Puts a new account into the draft.
    pub(super) fn new_account(
        &self,
        draft: &mut Draft<'_>,
        email: &EmailAddress,
        name: &str,
        role: Role,
        subject: Option<&str>,
    ) -> Account {
        let account = Account {
            id: self.id(),
            rev: 1,
            email: email.clone(),
            name: name.to_owned(),
            role,
            password: None,
            password_set_at: None,
            subject: subject.map(ToOwned::to_owned),
            created_at: draft.now,
            disabled_at: None,
        };
        draft.take(Scope::AccountEmail, email.key(), account.id);
        draft.put(Put::Account(account.clone()));
        draft.audit("account.created", account.id, json!({"role": role}));
        account
    }

    /// A fresh link to set the password; the one before is void.
    async fn link_for(&self, draft: &mut Draft<'_>, account: &Account) -> Result<Link> {
        let before = self.store().newest_link(Purpose::SetPassword, &account.id.to_string()).await?;
        if let Some(before) = before.filter(|link| link.check(draft.now).is_ok()) {
            draft.put(Put::Link(Link { revoked_at: Some(draft.now), ..touched(&before) }));
        }
        let link = draft.link(Purpose::SetPassword, account.id, None, LINK_DAYS)?;
        draft.audit("account.link_made", account.id, json!({}));
        Ok(link)
    }

    /// A fresh link to set the password of an account, for the administrator to pass on.
    pub async fn account_link(&self, id: Id<Account>, caller: &Caller) -> Result<Url> {
        self.passwords_are_on()?;
        let link = self
            .transact(None, || async move {
                let account = self.account(id).await?;
                if !account.is_live() {
                    let problem = "the account is switched off; switch it on first".to_owned();
                    return Err(Error::Refused { code: "account_disabled", problem });
                }
                let mut draft = self.draft(caller);
                let link = self.link_for(&mut draft, &account).await?;
                Ok((draft.finish(), link))
            })
            .await?;
        self.page_url(&link)
    }

    /// One account.
    pub async fn account(&self, id: Id<Account>) -> Result<Account> {
        self.store().account(id).await?.ok_or_else(|| Error::missing("account", id))
    }

    /// The account with this address.
    pub async fn account_by_email(&self, email: &str) -> Result<Account> {
        let email: EmailAddress = email.parse().map_err(|error| Error::invalid("email", error))?;
        self.store().account_by_email(&email).await?.ok_or_else(|| Error::missing("account", email))
    }

    /// All accounts, oldest first.
    pub async fn accounts(&self) -> Result<Vec<AccountView>> {
        let now = self.store().lease_now().await?;
        let sessions = self.store().live_sessions(now, 500).await?;
        let mut views = Vec::new();
        for account in self.store().accounts().await? {
            let (mut count, mut seen_at) = (0, None);
            for session in sessions.iter().filter(|session| session.account == Some(account.id)) {
                let seen = self.store().last_use(&session.id.to_string()).await?;
                if !session.is_idle(seen, now) {
                    count += 1;
                    seen_at = seen_at.max(Some(seen.unwrap_or(session.created_at)));
                }
            }
            views.push(AccountView { account, sessions: count, seen_at });
        }
        Ok(views)
    }

    /// Gives an account another role. Its sessions end: the next log-in begins one with the new rights.
    pub async fn change_role(&self, id: Id<Account>, role: Role, caller: &Caller) -> Result<()> {
        Self::check_role(role)?;
        self.change_account(id, caller, move |account| {
            let changed = account.role != role;
            account.role = role;
            changed.then(|| ("account.role_changed", json!({"role": role})))
        })
        .await
    }

    /// Switches an account off, or on again. Switched off, its sessions end and its link is void.
    pub async fn switch_account(&self, id: Id<Account>, on: bool, caller: &Caller) -> Result<()> {
        let now = self.now();
        self.change_account(id, caller, move |account| {
            if on == account.is_live() {
                return None;
            }
            account.disabled_at = (!on).then_some(now);
            Some((if on { "account.enabled" } else { "account.disabled" }, json!({})))
        })
        .await
    }

    /// Ends what links an account to somebody at the identity provider. Its sessions end; the next sign-on with its address links anew.
    pub async fn unlink_account(&self, id: Id<Account>, caller: &Caller) -> Result<()> {
        self.transact(None, || async move {
            let mut account = touched(&self.account(id).await?);
            let mut draft = self.draft(caller);
            if let Some(subject) = account.subject.take() {
                self.end_all(&mut draft, Some(id), None).await?;
                draft.release(Scope::AccountSubject, subject, id);
                draft.audit("account.unlinked", id, json!({}));
                draft.put(Put::Account(account));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    async fn change_account(
        &self,
        id: Id<Account>,
        caller: &Caller,
        change: impl Fn(&mut Account) -> Option<(&'static str, serde_json::Value)> + Copy,
    ) -> Result<()> {
        self.transact(None, || async move {
            let mut account = touched(&self.account(id).await?);
            let mut draft = self.draft(caller);
            if let Some((action, payload)) = change(&mut account) {
                self.end_all(&mut draft, Some(id), None).await?;
                draft.audit(action, id, payload);
                draft.put(Put::Account(account));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }
}
