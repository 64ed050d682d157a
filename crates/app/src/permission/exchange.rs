//! The exchange job: code → tokens → who consented → active grant. Each step is stored before the next, so a crash repeats none that
//! cannot be repeated.

use domain::{
    Id, Timestamp,
    alerts::AlertKind,
    grants::{
        Account, CalendarChoice, Grant, GrantState, IssuedToken, PendingConnection, PendingReason, RefreshRecord, SealedTokens,
        UnverifiedTokens,
    },
    jobs::{Dedupe, Work},
    links::{ConnectOutcome, Link},
    mails::MailOrder,
    people::Person,
};
use ports::{
    Put,
    calendar::{Access, Answer, CalendarInfo, FailureClass, Identity, ProviderError},
    change::Scope,
};
use serde_json::json;

use crate::{
    App, Caller, Error, Result,
    calls::Held,
    draft::{Draft, later, touched},
    grants::Side,
    permission::SealedCode,
    worker::Verdict,
};

/// Attempts at one exchange; a code lives for about a minute anyway.
const MAX_ATTEMPTS: i64 = 4;
/// How long an administrator has for a connection by another account.
const PENDING_MINUTES: i64 = 72 * 60;

impl App {
    /// Runs the exchange of one callback as far as it goes.
    pub(crate) async fn run_exchange(
        &self,
        link: Id<Link>,
        person: Id<Person>,
        code: SealedCode<'_>,
        attempt: i64,
    ) -> Result<Verdict> {
        let stored = self.store().link(link).await?.ok_or_else(|| Error::missing("link", link))?;
        if stored.outcome != Some(ConnectOutcome::Working) && stored.outcome != Some(ConnectOutcome::ProviderDown) {
            return Ok(Verdict::Done);
        }
        let result = match self.unverified(&stored, person, code).await? {
            Ok(Some(unverified)) => Box::pin(self.verify(&stored, person, unverified)).await?,
            Ok(None) => Ok(ConnectOutcome::NoRefreshToken),
            Err(error) => Err(error),
        };
        match result {
            Ok(outcome) => self.conclude(link, person, outcome).await,
            Err(error) => self.exchange_failed(link, person, &error, attempt).await,
        }
    }

    /// The tokens of this authorization: those stored by an earlier run, or freshly exchanged and stored now. `None`: no refresh token anywhere.
    async fn unverified(
        &self,
        link: &Link,
        person: Id<Person>,
        sealed: SealedCode<'_>,
    ) -> Result<Result<Option<UnverifiedTokens>, ProviderError>> {
        let data_centre = sealed.data_centre;
        let grant = self.grant_for(person).await?;
        if let Some(known) = grant.unverified.as_ref().filter(|known| known.link == link.id) {
            return Ok(Ok(Some(known.clone())));
        }
        let code = self.open_code(link.id, sealed.bytes).await?;
        let verifier = self.pkce_verifier(link, &self.link_key(sealed.link_key)?)?;
        let answer = match self.provider()?.exchange(grant.id, data_centre, &code, &verifier).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let stored = self
            .transact(None, || async {
                let grant = self.grant_for(person).await?;
                let mut draft = self.draft(&Caller::system());
                // Sealed as if nothing were stored, unless the provider gave no refresh token: then the one there is stays (same account only).
                let base = if answer.refresh.is_some() { None } else { grant.tokens.as_ref() };
                let Some(tokens) = self.seal_answer(grant.id, base, &answer, draft.now).await? else {
                    return Ok((draft.finish(), None));
                };
                let has_refresh = answer.refresh.is_some();
                let mut refresh = if has_refresh { RefreshRecord::default() } else { grant.refresh.carried_on() };
                refresh.issued(&self.present().await?, answer.expires_in);
                if let Some(older) = grant.unverified.as_ref().filter(|older| older.link != link.id && older.has_refresh) {
                    // Nobody will ask whose those were.
                    Self::order_revoke(grant.id, &older.data_centre, &older.tokens.refresh, None, &mut draft);
                }
                let unverified = UnverifiedTokens {
                    link: link.id,
                    data_centre: data_centre.to_owned(),
                    tokens,
                    has_refresh,
                    scopes: answer.scopes.clone(),
                    refresh,
                };
                let mut next = touched(&grant);
                if next.state != GrantState::Active {
                    next.state = GrantState::Unverified;
                }
                next.unverified = Some(unverified.clone());
                draft.audit("grant.exchanged", grant.id, json!({"link": link.id, "data_centre": data_centre}));
                draft.put(Put::Grant(next));
                Ok((draft.finish(), Some(unverified)))
            })
            .await?;
        Ok(Ok(stored))
    }

    /// Asks who consented and what calendars there are, and activates the grant or leaves it to the administrator.
    async fn verify(
        &self,
        link: &Link,
        person: Id<Person>,
        unverified: UnverifiedTokens,
    ) -> Result<Result<ConnectOutcome, ProviderError>> {
        let provider = self.provider()?;
        let grant = self.grant_for(person).await?;
        let missing = provider
            .required_scopes()
            .into_iter()
            .find(|scope| !unverified.scopes.is_empty() && !unverified.scopes.contains(scope));
        if let Some(scope) = missing {
            tracing::warn!(link = %link.id, scope, "a scope that is needed was not given");
            return Ok(Ok(ConnectOutcome::ScopeMissing));
        }
        let (asked, held, unverified) = match self.identify(&grant, link.id, unverified).await? {
            Ok(answers) => answers,
            Err(error) => return Ok(Err(error)),
        };
        let identity = match asked {
            Ok(identity) => identity,
            Err(error) if error.class == FailureClass::ScopeMissing => return Ok(Ok(ConnectOutcome::ScopeMissing)),
            Err(error) => return Ok(Err(error)),
        };
        let calendars = match provider.calendars(&held).await {
            Ok(calendars) => calendars,
            Err(error) if error.class == FailureClass::ScopeMissing => return Ok(Ok(ConnectOutcome::ScopeMissing)),
            Err(error) => return Ok(Err(error)),
        };
        let (identity, calendars, unverified, link) = (&identity, &calendars, &unverified, link.id);
        let outcome = self
            .transact(None, || async move {
                let grant = self.grant_for(person).await?;
                let owner = self.store().person(person).await?.ok_or_else(|| Error::missing("person", person))?;
                let mut draft = self.draft(&Caller::system());
                let stored = self.store().link(link).await?.ok_or_else(|| Error::missing("link", link))?;
                let outcome = self.accept_identity(grant, &owner, unverified, identity, calendars, &mut draft).await?;
                // In the same commit: a run that is killed here must never send the used code again.
                let mut concluded = touched(&stored);
                concluded.outcome = Some(outcome);
                draft.put(Put::Link(concluded));
                Ok((draft.finish(), outcome))
            })
            .await?;
        Ok(Ok(outcome))
    }

    /// Asks who consented; an access token that has ended meanwhile is refreshed once. The inner answer is the provider's last word.
    async fn identify(
        &self,
        grant: &Grant,
        link: Id<Link>,
        unverified: UnverifiedTokens,
    ) -> Result<Answer<(Answer<Identity>, Held, UnverifiedTokens)>> {
        let provider = self.provider()?;
        let opened = async |unverified: &UnverifiedTokens| {
            let token = self.opened(grant.id, "access", &unverified.tokens.access).await?;
            Ok(Held { grant: grant.id, access: Access { data_centre: unverified.data_centre.clone(), token }, settled: false })
        };
        let held = match opened(&unverified).await {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        let answer = provider.identity(&held).await;
        let ended = answer.as_ref().is_err_and(|error| error.class == FailureClass::Unauthorized);
        if !ended || !unverified.has_refresh {
            return Ok(Ok((answer, held, unverified)));
        }
        let fresh = match self.refresh_aside(grant, Side::Unverified(link), true).await {
            Ok(grant) => grant.unverified.filter(|known| known.link == link),
            Err(error) => return Ok(Err(error)),
        };
        let fresh = fresh.ok_or_else(|| Error::missing("tokens", link))?;
        let held = match opened(&fresh).await {
            Ok(held) => held,
            Err(error) => return Ok(Err(error)),
        };
        Ok(Ok((provider.identity(&held).await, held, fresh)))
    }

    async fn accept_identity(
        &self,
        grant: Grant,
        person: &Person,
        unverified: &UnverifiedTokens,
        identity: &Identity,
        calendars: &[CalendarInfo],
        draft: &mut Draft<'_>,
    ) -> Result<ConnectOutcome> {
        let account = Account {
            data_centre: unverified.data_centre.clone(),
            user_id: identity.user_id.clone(),
            email: identity.email.clone(),
        };
        let pinned =
            grant.account.as_ref().map(|known| known.data_centre == account.data_centre && known.user_id == account.user_id);
        let why = match pinned {
            Some(true) => None,
            Some(false) => Some(PendingReason::OtherAccount),
            None if person.email() == Some(&account.email) => None,
            None if person.has(&account.email) => Some(PendingReason::AliasOnly),
            None => Some(PendingReason::OtherAddress),
        };
        let name = account.name(&grant.provider);
        let elsewhere = self.store().owner(Scope::Account, &name).await?.is_some_and(|owner| owner != grant.id.to_string());
        let why = if elsewhere { Some(PendingReason::OtherAccount) } else { why };
        let mut next = touched(&grant);
        next.unverified = None;
        if let (Some(why), Some(older)) = (why, &next.pending) {
            tracing::info!(grant = %next.id, ?why, "a newer connection replaces the one that waited");
            Self::order_revoke(next.id, &older.account.data_centre, &older.tokens.refresh, older.refresh.serial, draft);
        }
        let mut refresh = if unverified.has_refresh { unverified.refresh.clone() } else { grant.refresh.carried_on() };
        if unverified.has_refresh {
            refresh.serial = Some(self.token_issued(grant.id, &name, self.provider()?.limits(), draft).await?);
        }
        if let Some(why) = why {
            if !unverified.has_refresh {
                return Self::store_without(next, draft, ConnectOutcome::NoRefreshToken);
            }
            let pending = PendingConnection {
                account,
                tokens: unverified.tokens.clone(),
                scopes: unverified.scopes.clone(),
                since: draft.now,
                why,
                refresh,
            };
            draft.audit("grant.awaits_administrator", grant.id, json!({"why": why}));
            draft.order(
                Work::DropPending { grant: grant.id },
                Dedupe::Once(format!("pending:{}:{}", grant.id, unverified.link)),
                None,
                later(draft.now, PENDING_MINUTES)?,
                None,
            );
            draft.mail(MailOrder::Attention {
                subject: grant.id.to_string(),
                code: "awaits_administrator".to_owned(),
                at: draft.now.as_second(),
            });
            next.pending = Some(pending);
            return Self::store_without(next, draft, ConnectOutcome::AwaitingAdministrator);
        }
        let connection = Connection { account, tokens: unverified.tokens.clone(), scopes: unverified.scopes.clone(), refresh };
        self.activate(next, connection, calendars, draft).await
    }

    /// Stores a grant that goes on as it was before the authorization.
    #[expect(clippy::unnecessary_wraps, reason = "ends a chain of fallible steps")]
    fn store_without(mut grant: Grant, draft: &mut Draft<'_>, outcome: ConnectOutcome) -> Result<ConnectOutcome> {
        if grant.state == GrantState::Unverified {
            grant.state = if grant.ended.is_some() { GrantState::Disconnected } else { GrantState::Requested };
        }
        draft.put(Put::Grant(grant));
        Ok(outcome)
    }

    /// Makes the grant the one that is used: pins the account, chooses the calendar, starts what waited for it.
    pub(super) async fn activate(
        &self,
        mut next: Grant,
        connection: Connection,
        calendars: &[CalendarInfo],
        draft: &mut Draft<'_>,
    ) -> Result<ConnectOutcome> {
        let Connection { account, tokens, scopes, refresh } = connection;
        let Some(calendar) = choose(calendars, next.calendar.as_ref()) else {
            Self::order_revoke(next.id, &account.data_centre, &tokens.refresh, refresh.serial, draft);
            return Self::store_without(next, draft, ConnectOutcome::NoCalendar);
        };
        self.revoke_replaced(&next, &tokens, draft).await?;
        if let Some(old) =
            next.account.as_ref().filter(|old| old.user_id != account.user_id || old.data_centre != account.data_centre)
        {
            draft.release(Scope::Account, old.name(&next.provider), next.id);
        }
        draft.take(Scope::Account, account.name(&next.provider), next.id);
        next.state = GrantState::Active;
        next.data_centre = Some(account.data_centre.clone());
        next.account = Some(account);
        next.tokens = Some(tokens);
        next.scopes = scopes;
        next.generation += 1;
        next.refresh = RefreshRecord { succeeded_at: Some(draft.now), ..refresh };
        next.busy_calendars = busy_calendars(calendars, &calendar);
        next.calendar = Some(calendar);
        next.request = None;
        next.pending = None;
        next.connected_at = Some(draft.now);
        next.ended = None;
        self.order_refresh(&mut next, draft).await?;
        self.clear_alerts(next.id, draft).await?;
        self.watch_scopes(&next, draft).await?;
        draft.audit("grant.connected", next.id, json!({"data_centre": next.data_centre, "generation": next.generation}));
        draft.mail(MailOrder::Connected { person: next.person, generation: next.generation });
        let manager = next.person;
        draft.put(Put::Grant(next));
        self.arrange_all(manager, draft).await?;
        Ok(ConnectOutcome::Connected)
    }

    /// The refresh token that a new connection replaces is given back (Zoho keeps 20 per user and client).
    async fn revoke_replaced(&self, grant: &Grant, tokens: &SealedTokens, draft: &mut Draft<'_>) -> Result<()> {
        let Some(old) = &grant.tokens else { return Ok(()) };
        let Some(data_centre) = &grant.data_centre else { return Ok(()) };
        // One that does not open is of no use any more, and is not in the way of the new one.
        let Ok(before) = self.opened::<vault::kinds::Refresh>(grant.id, "refresh", &old.refresh).await else { return Ok(()) };
        let after: vault::RefreshToken = self.open_token(grant.id, "refresh", &tokens.refresh).await?;
        if before != after {
            Self::order_revoke(grant.id, data_centre, &old.refresh, grant.refresh.serial, draft);
        }
        Ok(())
    }

    /// Orders the revocation of a sealed refresh token.
    pub(crate) fn order_revoke(
        grant: Id<Grant>,
        data_centre: &str,
        sealed_refresh: &[u8],
        serial: Option<Id<IssuedToken>>,
        draft: &mut Draft<'_>,
    ) {
        let once = serial.map_or_else(|| format!("{grant}:{}", draft.now.as_microsecond()), |serial| serial.to_string());
        let work = Work::Revoke { grant, data_centre: data_centre.to_owned(), sealed_refresh: sealed_refresh.to_vec(), serial };
        draft.order(work, Dedupe::Once(format!("revoke:{once}")), None, draft.now, None);
    }

    /// Writes the outcome where the manager's page reads it.
    async fn conclude(&self, link: Id<Link>, person: Id<Person>, outcome: ConnectOutcome) -> Result<Verdict> {
        self.transact(None, || async move {
            let stored = self.store().link(link).await?.ok_or_else(|| Error::missing("link", link))?;
            if stored.outcome == Some(outcome) {
                return Ok((ports::Change::at(self.now()), Verdict::Done));
            }
            let mut next = touched(&stored);
            next.outcome = Some(outcome);
            let mut draft = self.draft(&Caller::system());
            draft.put(Put::Link(next));
            draft.audit("grant.authorization_ended", person, json!({"outcome": outcome}));
            if outcome == ConnectOutcome::ScopeMissing {
                self.give_back_unverified(link, person, &mut draft).await?;
            }
            if matches!(outcome, ConnectOutcome::Misconfigured | ConnectOutcome::WrongDataCentre) {
                // Only the operator can mend it, and the manager's page says that the company was told.
                draft.mail(MailOrder::Attention {
                    subject: person.to_string(),
                    code: "misconfigured".to_owned(),
                    at: draft.now.as_second(),
                });
            }
            Ok((draft.finish(), Verdict::Done))
        })
        .await
    }

    /// Tokens that can do less than is needed are given back, and an administrator is told which grant lacks a scope.
    async fn give_back_unverified(&self, link: Id<Link>, person: Id<Person>, draft: &mut Draft<'_>) -> Result<()> {
        let grant = self.grant_for(person).await?;
        let Some(known) = grant.unverified.as_ref().filter(|known| known.link == link) else { return Ok(()) };
        if known.has_refresh {
            Self::order_revoke(grant.id, &known.data_centre, &known.tokens.refresh, None, draft);
        }
        let mut next = touched(&grant);
        next.unverified = None;
        let details = json!({"granted": known.scopes.len()});
        self.raise(draft, AlertKind::ScopeMissing, &grant.id.to_string(), details).await?;
        Self::store_without(next, draft, ConnectOutcome::ScopeMissing).map(drop)
    }

    async fn exchange_failed(&self, link: Id<Link>, person: Id<Person>, error: &ProviderError, attempt: i64) -> Result<Verdict> {
        tracing::warn!(%link, class = ?error.class, detail = error.detail, "an authorization code could not be exchanged");
        match error.class {
            FailureClass::Revoked => self.conclude(link, person, ConnectOutcome::CodeExpired).await,
            FailureClass::Misconfigured => self.conclude(link, person, ConnectOutcome::Misconfigured).await,
            FailureClass::WrongDataCentre => self.conclude(link, person, ConnectOutcome::WrongDataCentre).await,
            _ if attempt >= MAX_ATTEMPTS => {
                // Tokens that are stored already only wait for the provider to say whose they are.
                let waits = self.grant_for(person).await?.unverified.is_some_and(|known| known.link == link);
                self.conclude(link, person, ConnectOutcome::ProviderDown).await?;
                Ok(if waits { Verdict::Again { seconds: 60, error: None } } else { Verdict::Done })
            }
            _ => Ok(Verdict::again(2, format!("{:?}: {}", error.class, error.detail))),
        }
    }

    async fn grant_for(&self, person: Id<Person>) -> Result<Grant> {
        let grant = self.store().grant_of(person, self.provider()?.name()).await?;
        grant.ok_or_else(|| Error::missing("grant", person))
    }

    /// Gives a refresh token back to the provider. Best effort: a token that is unknown there counts as revoked.
    pub(crate) async fn run_revoke(
        &self,
        grant: Id<Grant>,
        data_centre: &str,
        sealed_refresh: &[u8],
        serial: Option<Id<IssuedToken>>,
        attempt: i64,
    ) -> Result<Verdict> {
        let token = self.open_token(grant, "refresh", sealed_refresh).await?;
        match self.provider()?.revoke(grant, data_centre, &token).await {
            Ok(()) => {
                if let Some(serial) = serial {
                    self.token_revoked(serial).await?;
                }
                Ok(Verdict::Done)
            }
            Err(error) if attempt >= 8 => {
                Ok(Verdict::Fail(format!("the provider did not revoke: {:?} {}", error.class, error.detail)))
            }
            Err(error) => Ok(Verdict::backoff(attempt, format!("{:?}: {}", error.class, error.detail))),
        }
    }
}

/// What a connection brings with it.
pub(super) struct Connection {
    /// Who consented.
    pub account: Account,
    /// Their tokens.
    pub tokens: SealedTokens,
    /// Scopes given.
    pub scopes: Vec<String>,
    /// Memory of refreshing those tokens.
    pub refresh: RefreshRecord,
}

/// The calendar interviews are written to: the one chosen before if it is still writable, else the default, else the first writable.
fn choose(calendars: &[CalendarInfo], before: Option<&CalendarChoice>) -> Option<CalendarChoice> {
    let writable = || calendars.iter().filter(|calendar| calendar.writable);
    let kept = before.and_then(|before| writable().find(|calendar| calendar.uid == before.uid));
    let chosen = kept.or_else(|| writable().find(|calendar| calendar.is_default)).or_else(|| writable().next())?;
    Some(choice(chosen))
}

/// A calendar as a grant remembers it.
pub(crate) fn choice(calendar: &CalendarInfo) -> CalendarChoice {
    CalendarChoice {
        uid: calendar.uid.clone(),
        name: calendar.name.clone(),
        zone: calendar.zone.clone(),
        is_default: calendar.is_default,
    }
}

/// Calendars whose events make the manager busy: all of their own, and the chosen one.
pub(crate) fn busy_calendars(calendars: &[CalendarInfo], chosen: &CalendarChoice) -> Vec<String> {
    let mut uids: Vec<_> = calendars
        .iter()
        .filter(|calendar| calendar.writable || calendar.uid == chosen.uid)
        .map(|calendar| calendar.uid.clone())
        .collect();
    uids.dedup();
    uids
}

/// How long a pending connection waits, for pages.
pub(crate) fn pending_until(since: Timestamp) -> Result<Timestamp> {
    later(since, PENDING_MINUTES)
}
