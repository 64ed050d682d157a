//! The exchange job: code → tokens → who consented → active grant. Each step is stored before the next, so a crash repeats none that
//! cannot be repeated.

use domain::{
    Id,
    alerts::AlertKind,
    grants::{Grant, GrantState, IssuedToken, RefreshRecord, UnverifiedTokens},
    jobs::{Dedupe, Work},
    links::{ConnectOutcome, Link},
    mails::MailOrder,
    people::Person,
};
use ports::{
    Put,
    calendar::{Access, Answer, FailureClass, Identity, ProviderError},
};
use serde_json::json;

use crate::{
    App, Caller, Error, Provider, Result,
    calls::Held,
    draft::{Draft, touched},
    grants::Side,
    permission::SealedCode,
    worker::Verdict,
};

/// Attempts at one exchange; a code lives for about a minute anyway.
const MAX_ATTEMPTS: i64 = 4;

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
            Err(error) => self.exchange_failed(&stored, person, &error, attempt).await,
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
        let provider = self.provider_of(link)?;
        let grant = self.grant_for(person, link).await?;
        if let Some(known) = grant.unverified.as_ref().filter(|known| known.link == link.id) {
            return Ok(Ok(Some(known.clone())));
        }
        let code = self.open_code(link.id, sealed.bytes).await?;
        let verifier =
            if provider.has_page() { self.pkce_verifier(link, &self.link_key(sealed.link_key)?)? } else { String::new() };
        let answer = match provider.exchange(grant.id, data_centre, &code, &verifier).await {
            Ok(answer) => answer,
            Err(error) => return Ok(Err(error)),
        };
        let stored = self
            .transact(None, || async {
                let grant = self.grant_for(person, link).await?;
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
        let provider = self.provider_of(link)?;
        let grant = self.grant_for(person, link).await?;
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
        let (identity, calendars, unverified) = (&identity, &calendars, &unverified);
        let outcome = self
            .transact(None, || async move {
                let grant = self.grant_for(person, link).await?;
                let owner = self.store().person(person).await?.ok_or_else(|| Error::missing("person", person))?;
                let mut draft = self.draft(&Caller::system());
                let stored = self.store().link(link.id).await?.ok_or_else(|| Error::missing("link", link.id))?;
                let accepted = self.accept_identity(grant, &owner, unverified, identity, calendars, &mut draft);
                let outcome = Box::pin(accepted).await?;
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
        let provider = self.provider_named(&grant.provider)?;
        let opened = async |unverified: &UnverifiedTokens| {
            let token = self.opened(grant.id, "access", &unverified.tokens.access).await?;
            Ok(Held {
                grant: grant.id,
                access: Access { data_centre: unverified.data_centre.clone(), token, zone: self.owner_zone(grant).await? },
                settled: false,
            })
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
                self.give_back_unverified(&stored, person, &mut draft).await?;
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
    async fn give_back_unverified(&self, link: &Link, person: Id<Person>, draft: &mut Draft<'_>) -> Result<()> {
        let grant = self.grant_for(person, link).await?;
        let Some(known) = grant.unverified.as_ref().filter(|known| known.link == link.id) else { return Ok(()) };
        if known.has_refresh {
            Self::order_revoke(grant.id, &known.data_centre, &known.tokens.refresh, None, draft);
        }
        let mut next = touched(&grant);
        next.unverified = None;
        let details = json!({"granted": known.scopes.len()});
        self.raise(draft, AlertKind::ScopeMissing, &grant.id.to_string(), details).await?;
        Self::store_without(next, draft, ConnectOutcome::ScopeMissing).map(drop)
    }

    async fn exchange_failed(&self, stored: &Link, person: Id<Person>, error: &ProviderError, attempt: i64) -> Result<Verdict> {
        let link = stored.id;
        tracing::warn!(%link, class = ?error.class, detail = error.detail, "an authorization code could not be exchanged");
        match error.class {
            FailureClass::Revoked if stored.typed_at().is_some() => {
                self.conclude(link, person, ConnectOutcome::PasswordRefused).await
            }
            FailureClass::Revoked => self.conclude(link, person, ConnectOutcome::CodeExpired).await,
            FailureClass::Misconfigured => self.conclude(link, person, ConnectOutcome::Misconfigured).await,
            FailureClass::WrongDataCentre => self.conclude(link, person, ConnectOutcome::WrongDataCentre).await,
            _ if attempt >= MAX_ATTEMPTS => {
                // Tokens that are stored already only wait for the provider to say whose they are.
                let waits = self.grant_for(person, stored).await?.unverified.is_some_and(|known| known.link == link);
                self.conclude(link, person, ConnectOutcome::ProviderDown).await?;
                Ok(if waits { Verdict::Again { seconds: 60, error: None } } else { Verdict::Done })
            }
            _ => Ok(Verdict::again(2, format!("{:?}: {}", error.class, error.detail))),
        }
    }

    /// The provider at which an authorization takes place.
    pub(super) fn provider_of(&self, link: &Link) -> Result<Provider<'_>> {
        match link.typed_at() {
            Some((provider, _)) => self.provider_named(provider),
            None => self.provider(),
        }
    }

    async fn grant_for(&self, person: Id<Person>, link: &Link) -> Result<Grant> {
        let grant = self.store().grant_of(person, self.provider_of(link)?.name()).await?;
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
        let provider = match self.store().grant(grant).await? {
            Some(known) => self.provider_named(&known.provider)?,
            None => self.provider()?,
        };
        match provider.revoke(grant, data_centre, &token).await {
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
