//! Using and keeping a grant.

mod refresh;
mod vault;

use domain::{Id, Timestamp, grants::Grant};
use ports::calendar::{Access, FailureClass, ProviderError};
pub(crate) use refresh::{BUDGET, BUDGET_WINDOW_SECONDS, end};

use crate::{App, Error, Result, calls::Held};

/// An access token with less than this left is refreshed before it is used.
const MIN_LEFT_SECONDS: i64 = 60;

impl App {
    /// The grant, fresh enough for a call, with its open access token.
    pub(crate) async fn access(&self, grant: Id<Grant>) -> Result<Access, ProviderError> {
        let stored = self.store().grant(grant).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
        let fresh =
            if left(&stored, self.now()) >= MIN_LEFT_SECONDS { stored } else { self.refresh(grant, stored.generation).await? };
        self.open_access(&fresh).await
    }

    pub(crate) async fn open_access(&self, grant: &Grant) -> Result<Access, ProviderError> {
        if !grant.is_usable() {
            return Err(failure(FailureClass::Revoked, "the grant is not in use"));
        }
        let tokens = grant.tokens.as_ref().ok_or_else(|| gone("the grant has no tokens"))?;
        let data_centre = grant.data_centre.clone().ok_or_else(|| gone("the grant has no data centre"))?;
        let token = self.open_token(grant.id, "access", &tokens.access).await.map_err(internal)?;
        Ok(Access { data_centre, token })
    }

    /// Calls the provider with the grant's access token; a 401 in mid-life refreshes once and repeats the call.
    pub(crate) async fn with_access<T, F, Fut>(&self, grant: Id<Grant>, call: F) -> Result<T, ProviderError>
    where
        F: Fn(Held) -> Fut,
        Fut: Future<Output = Result<T, ProviderError>>,
    {
        let stored = self.store().grant(grant).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
        let access = self.access(grant).await?;
        match call(Held { grant, access }).await {
            Err(error) if error.class == FailureClass::Unauthorized => {}
            answer => return answer,
        }
        let now = self.store().grant(grant).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
        let fresh = if now.generation > stored.generation && left(&now, self.now()) >= MIN_LEFT_SECONDS {
            now
        } else {
            self.refresh(grant, now.generation).await?
        };
        call(Held { grant, access: self.open_access(&fresh).await? }).await
    }
}

/// Seconds the access token still lives.
fn left(grant: &Grant, now: Timestamp) -> i64 {
    grant.tokens.as_ref().map_or(0, |tokens| tokens.access_expires_at.as_second() - now.as_second())
}

/// A failure of ours in the provider's words: nothing happened outside.
pub(crate) fn failure(class: FailureClass, detail: &str) -> ProviderError {
    ProviderError { class, retry_after: None, may_have_happened: false, detail: detail.to_owned() }
}

fn gone(detail: &str) -> ProviderError {
    failure(FailureClass::Revoked, detail)
}

fn unavailable(error: ports::store::StoreError) -> ProviderError {
    failure(FailureClass::Passing, &error.to_string())
}

fn internal(error: Error) -> ProviderError {
    failure(FailureClass::Passing, &error.to_string())
}
