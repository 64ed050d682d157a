//! Using and keeping a grant.

mod aside;
mod current;
mod outcome;
mod refresh;
mod tokens;
mod vault;
mod when;

pub(crate) use aside::Side;
pub(crate) use current::other_calendar;
use domain::{Id, Timestamp, grants::Grant};
use jiff::SignedDuration;
pub(crate) use outcome::end;
use ports::calendar::{Access, Answer, FailureClass, ProviderError};
pub use when::RefreshWhen;

use ::vault::Secret;
pub(crate) use vault::{ACCESS, PREVIOUS_REFRESH, REFRESH};

use crate::{App, Error, Result, calls::Held};

/// An access token with less than this left is refreshed before it is used.
const MIN_LEFT_SECONDS: i64 = 60;

impl App {
    /// The grant, fresh enough for a call, with its open access token.
    pub(crate) async fn access(&self, grant: Id<Grant>) -> Result<Access, ProviderError> {
        let stored = self.store().grant(grant).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
        let fresh = if left(&stored, self.now()) >= MIN_LEFT_SECONDS {
            stored
        } else {
            self.refresh(grant, stored.generation, true).await?
        };
        self.open_access(&fresh).await
    }

    pub(crate) async fn open_access(&self, grant: &Grant) -> Result<Access, ProviderError> {
        if !grant.is_usable() {
            return Err(failure(FailureClass::Revoked, "the grant is not in use"));
        }
        let tokens = grant.tokens.as_ref().ok_or_else(|| gone("the grant has no tokens"))?;
        let data_centre = grant.data_centre.clone().ok_or_else(|| gone("the grant has no data centre"))?;
        let token = self.opened(grant.id, "access", &tokens.access).await?;
        Ok(Access { data_centre, token, zone: self.owner_zone(grant).await? })
    }

    /// Opens a token of a grant for a call. One that does not open leads to none.
    pub(crate) async fn opened<K>(&self, grant: Id<Grant>, column: &'static str, bytes: &[u8]) -> Answer<Secret<K>> {
        Box::pin(self.open_token(grant, column, bytes)).await.map_err(|error| {
            tracing::error!(%grant, column, %error, "a sealed token does not open");
            failure(FailureClass::Unopened, "a sealed token does not open")
        })
    }

    /// Calls the provider with the grant's access token; a 401 in mid-life refreshes once and repeats the call.
    pub(crate) async fn with_access<T, F, Fut>(&self, grant: Id<Grant>, call: F) -> Result<T, ProviderError>
    where
        F: Fn(Held) -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        let stored = self.store().grant(grant).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
        let access = Box::pin(self.access(grant)).await?;
        match call(Held { grant, access, settled: true }).await {
            Err(error) if error.class == FailureClass::Unauthorized => {}
            answer => return answer,
        }
        let now = self.store().grant(grant).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
        let fresh = if now.generation > stored.generation && left(&now, self.now()) >= MIN_LEFT_SECONDS {
            now
        } else {
            self.refresh(grant, now.generation, true).await?
        };
        call(Held { grant, access: self.open_access(&fresh).await?, settled: true }).await
    }
}

/// `at` and so many seconds.
pub(crate) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// Seconds the access token still lives.
fn left(grant: &Grant, now: Timestamp) -> i64 {
    grant.tokens.as_ref().map_or(0, |tokens| tokens.access_expires_at.as_second() - now.as_second())
}

/// A failure of ours in the provider's words: nothing happened outside.
pub(crate) fn failure(class: FailureClass, detail: &str) -> ProviderError {
    ProviderError { class, retry_after: None, may_have_happened: false, invalid_grant: false, detail: detail.to_owned() }
}

fn gone(detail: &str) -> ProviderError {
    failure(FailureClass::Revoked, detail)
}

pub(crate) fn unavailable(error: ports::store::StoreError) -> ProviderError {
    failure(FailureClass::Passing, &error.to_string())
}

pub(crate) fn internal(error: Error) -> ProviderError {
    failure(FailureClass::Passing, &error.to_string())
}
