//! The one door through which every call to a calendar provider goes.
//!
//! Whoever holds a [`Provider`] can look up names and addresses, and can call it only through [`App::call`], which bounds the time and
//! lets [`App::observe`] see how each call ended. No other file of this crate sees a `CalendarProvider`.

use domain::{
    EmailAddress, Id, TimeRange, Timestamp,
    grants::{Grant, Limits},
};
use ports::{
    CalendarProvider,
    calendar::{
        Access, Answer, CalendarInfo, Consent, Event, EventDraft, EventPatch, FailureClass, Identity, ListMode, ProviderError,
        TokenAnswer, Written,
    },
};
use url::Url;
use vault::{AuthorizationCode, RefreshToken};

use crate::{
    App, Error, Result,
    grants::{failure, unavailable},
};

/// How one call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    /// Registry name.
    pub provider: &'static str,
    /// Location code.
    pub data_centre: String,
    /// On whose behalf, where that is known.
    pub grant: Option<Id<Grant>>,
    /// What was asked for: `refresh`, `list_events`, ….
    pub operation: &'static str,
    /// How it failed; `None`: it did not.
    pub class: Option<FailureClass>,
    /// How long it took, by the wall.
    pub millis: u64,
}

/// What kind of call it is: what may hold it up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// Part of an authorization: the code ends in a minute, and a person waits. Nothing holds it up.
    Urgent,
    /// The token endpoint.
    Token,
    /// A calendar.
    Calendar,
}

impl CallKind {
    pub(crate) const fn is_urgent(self) -> bool {
        matches!(self, Self::Urgent)
    }

    pub(crate) const fn is_calendar(self) -> bool {
        matches!(self, Self::Calendar)
    }
}

/// What a call is, before it is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// Registry name.
    pub provider: &'static str,
    /// Location code.
    pub data_centre: &'a str,
    /// On whose behalf.
    pub grant: Option<Id<Grant>>,
    /// What is asked for.
    pub operation: &'static str,
    /// What may hold it up.
    pub kind: CallKind,
}

impl App {
    /// Makes one call within its limit, unless its gates are shut, and observes how it ended.
    pub(crate) async fn call<T: Send>(&self, target: Target<'_>, call: impl Future<Output = Answer<T>> + Send) -> Answer<T> {
        let pass = Box::pin(self.enter(&target)).await?;
        let timing = self.timing();
        let limit = if target.kind.is_calendar() { timing.call_limit } else { timing.token_limit };
        let begun = tokio::time::Instant::now();
        let answer = match tokio::time::timeout(limit, call).await {
            Ok(answer) => answer,
            Err(_) => Err(ProviderError { may_have_happened: true, ..failure(FailureClass::Passing, "the call took too long") }),
        };
        self.observe(&Observation {
            provider: target.provider,
            data_centre: target.data_centre.to_owned(),
            grant: target.grant,
            operation: target.operation,
            class: answer.as_ref().err().map(|error| error.class),
            millis: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        Box::pin(self.leave(&target, pass, answer.as_ref().err())).await;
        answer
    }

    /// The provider that new grants use where nobody chose: the first, which asks on its own page.
    pub fn provider(&self) -> Result<Provider<'_>> {
        let first = self.0.parts.providers.first();
        let first = first.ok_or_else(|| Error::Internal("no calendar provider is registered".to_owned()))?;
        Ok(Provider { app: self, inner: first.as_ref() })
    }

    /// All of them, the first one first.
    pub(crate) fn providers(&self) -> impl Iterator<Item = Provider<'_>> {
        self.0.parts.providers.iter().map(|inner| Provider { app: self, inner: inner.as_ref() })
    }

    pub(crate) fn provider_named(&self, name: &str) -> Result<Provider<'_>> {
        let found = self.0.parts.providers.iter().find(|provider| provider.name() == name);
        let found = found.ok_or_else(|| Error::Internal(format!("no calendar provider is called {name}")))?;
        Ok(Provider { app: self, inner: found.as_ref() })
    }
}

/// Access to one account, and the grant it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Whose.
    pub grant: Id<Grant>,
    /// Where and with what.
    pub access: Access,
    /// Whether the grant is in use; otherwise this is part of its authorization.
    pub settled: bool,
}

/// A calendar provider. Its calls go through [`App::call`].
#[derive(Clone, Copy)]
pub struct Provider<'a> {
    app: &'a App,
    inner: &'a dyn CalendarProvider,
}

impl std::fmt::Debug for Provider<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Provider").field(&self.inner.name()).finish()
    }
}

impl Provider<'_> {
    /// Registry name: `zoho`.
    pub fn name(&self) -> &'static str {
        self.inner.name()
    }

    /// Origins a browser is sent to for consent.
    pub fn consent_origins(&self) -> Vec<String> {
        self.inner.consent_origins()
    }

    pub(crate) fn consent(&self) -> Consent {
        self.inner.consent()
    }

    /// Whether people let us in on a page of the provider.
    pub(crate) fn has_page(&self) -> bool {
        self.consent() == Consent::Page
    }

    pub(crate) fn has_floating_times(&self) -> bool {
        self.inner.has_floating_times()
    }

    pub(crate) fn authorization_url(&self, state: &str, challenge: &str, login_hint: &str) -> Url {
        self.inner.authorization_url(state, challenge, login_hint)
    }

    pub(crate) fn data_centre(&self, location: Option<&str>, accounts_server: Option<&str>) -> Answer<String> {
        self.inner.data_centre(location, accounts_server)
    }

    pub(crate) fn limits(&self) -> Limits {
        self.inner.limits()
    }

    pub(crate) fn previous_token_grace(&self) -> Option<i64> {
        self.inner.previous_token_grace()
    }

    pub(crate) fn required_scopes(&self) -> Vec<String> {
        self.inner.required_scopes()
    }

    fn target<'t>(&self, grant: Id<Grant>, operation: &'static str, data_centre: &'t str, kind: CallKind) -> Target<'t> {
        Target { provider: self.name(), data_centre, grant: Some(grant), operation, kind }
    }

    async fn with<T: Send>(&self, held: &Held, operation: &'static str, call: impl Future<Output = Answer<T>> + Send) -> Answer<T> {
        let kind = if held.settled { CallKind::Calendar } else { CallKind::Urgent };
        self.app.call(self.target(held.grant, operation, &held.access.data_centre, kind), call).await
    }

    pub(crate) async fn exchange(
        &self,
        grant: Id<Grant>,
        data_centre: &str,
        code: &AuthorizationCode,
        verifier: &str,
    ) -> Answer<TokenAnswer> {
        self.app
            .call(self.target(grant, "exchange", data_centre, CallKind::Urgent), self.inner.exchange(data_centre, code, verifier))
            .await
    }

    /// `until`: end of the lease under which the call was counted. Later it is not made: it would arrive when it counts no longer.
    pub(crate) async fn refresh(
        &self,
        grant: Id<Grant>,
        data_centre: &str,
        token: &RefreshToken,
        until: Timestamp,
    ) -> Answer<TokenAnswer> {
        if self.app.store().lease_now().await.map_err(unavailable)? >= until {
            return Err(failure(FailureClass::Passing, "refresh: this process was held up for longer than its lease"));
        }
        self.app.call(self.target(grant, "refresh", data_centre, CallKind::Token), self.inner.refresh(data_centre, token)).await
    }

    /// Whether the provider knows our client, or a server answers: it is asked to refresh with a text that is no token. To be told that
    /// the token is wrong means that the client is right, or that somebody there checks passwords.
    pub(crate) async fn probe_client(&self, data_centre: &str) -> Answer<()> {
        let target = Target { provider: self.name(), data_centre, grant: None, operation: "probe_client", kind: CallKind::Token };
        let probe = async {
            let text = if self.has_page() { "1000.greenroom-doctor-asks.who-knows-this-client" } else { "greenroom-doctor:asks" };
            let nothing = RefreshToken::new(text.to_owned());
            match self.inner.refresh(data_centre, &nothing).await {
                Err(error) if error.class == FailureClass::Revoked => Ok(()),
                Err(error) => Err(error),
                Ok(_) => Err(failure(FailureClass::Protocol, "a text that is no token was refreshed")),
            }
        };
        self.app.call(target, probe).await
    }

    pub(crate) async fn revoke(&self, grant: Id<Grant>, data_centre: &str, token: &RefreshToken) -> Answer<()> {
        self.app.call(self.target(grant, "revoke", data_centre, CallKind::Token), self.inner.revoke(data_centre, token)).await
    }

    pub(crate) async fn identity(&self, held: &Held) -> Answer<Identity> {
        self.with(held, "identity", self.inner.identity(&held.access)).await
    }

    pub(crate) async fn calendars(&self, held: &Held) -> Answer<Vec<CalendarInfo>> {
        self.with(held, "list_calendars", self.inner.calendars(&held.access)).await
    }

    pub(crate) async fn events(&self, held: &Held, calendar: &str, window: TimeRange, mode: ListMode) -> Answer<Vec<Event>> {
        self.with(held, "list_events", self.inner.events(&held.access, calendar, window, mode)).await
    }

    pub(crate) async fn event(&self, held: &Held, calendar: &str, uid: &str) -> Answer<Option<Event>> {
        self.with(held, "read_event", self.inner.event(&held.access, calendar, uid)).await
    }

    pub(crate) async fn free_busy(&self, held: &Held, email: &EmailAddress, window: TimeRange) -> Answer<Option<Vec<TimeRange>>> {
        self.with(held, "free_busy", self.inner.free_busy(&held.access, email, window)).await
    }

    pub(crate) async fn create(&self, held: &Held, calendar: &str, draft: &EventDraft) -> Answer<Written> {
        self.with(held, "create_event", self.inner.create(&held.access, calendar, draft)).await
    }

    pub(crate) async fn reschedule(&self, held: &Held, calendar: &str, uid: &str, patch: &EventPatch) -> Answer<Written> {
        self.with(held, "move_event", self.inner.reschedule(&held.access, calendar, uid, patch)).await
    }

    pub(crate) async fn delete(&self, held: &Held, calendar: &str, uid: &str, etag: &str) -> Answer<()> {
        self.with(held, "delete_event", self.inner.delete(&held.access, calendar, uid, etag)).await
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }

    /// A `Provider` is the only way to a call, so nobody else may reach what it wraps: the list of providers, or the trait.
    #[test]
    fn no_other_file_reaches_a_provider() {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        assert!(files.len() > 20, "{files:?}");
        for file in files.iter().filter(|file| !file.ends_with("calls.rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            assert!(!text.contains("parts.providers"), "{} calls a provider past App::call", file.display());
            // lib.rs names the trait once: as the type of a part.
            let named = text.matches("dyn CalendarProvider").count();
            assert_eq!(named, usize::from(file.ends_with("src/lib.rs")), "{}", file.display());
        }
    }
}
