//! Sealing and opening what belongs to a grant. The context binds every ciphertext to installation, table, row and column.
//!
//! Every secret of a grant is opened here, before the call that needs it: what does not open is reported and leads to no call.

use domain::{
    Id, Timestamp,
    alerts::AlertKind,
    grants::{Grant, SealedTokens},
    links::Link,
};
use ports::calendar::TokenAnswer;
use serde_json::json;
use vault::{AuthorizationCode, Context, NONCE_BYTES, OpenError, RefreshToken, Sealed, Secret, open_secret, seal_secret};

use crate::{App, Error, Result, keys::seals_of};

/// The columns of a grant's row that hold something sealed, as seals name them.
pub(crate) const REFRESH: &str = "refresh";
pub(crate) const PREVIOUS_REFRESH: &str = "previous_refresh";
pub(crate) const ACCESS: &str = "access";

/// Alerts looked at for seals that open again.
const MENDED: u32 = 200;

impl App {
    pub(crate) fn context<'a>(&'a self, table: &'a str, row: &'a str, column: &'a str) -> Context<'a> {
        Context { installation: &self.0.parts.installation, table, row, column }
    }

    fn seal<K>(&self, table: &str, row: &str, column: &str, secret: &Secret<K>) -> Vec<u8> {
        let nonce = self.entropy().bytes::<NONCE_BYTES>();
        seal_secret(&self.key_ring(), &self.context(table, row, column), nonce, secret).as_bytes().to_vec()
    }

    /// Opens with the keys at hand, and once more with the keys as they are read then, where one is missing.
    async fn open<K>(&self, table: &str, row: &str, column: &str, bytes: &[u8]) -> Result<Secret<K>, OpenError> {
        let sealed = Sealed::from_bytes(bytes)?;
        let context = self.context(table, row, column);
        match open_secret(&self.key_ring(), &context, &sealed) {
            Err(OpenError::UnknownKey { id }) => {
                self.look_for_key(&id).await;
                open_secret(&self.key_ring(), &context, &sealed)
            }
            opened => opened,
        }
    }

    /// Opens a token of a grant; `column` is `access`, `refresh` or `previous_refresh`. One that does not open raises an alert.
    pub(crate) async fn open_token<K>(&self, grant: Id<Grant>, column: &str, bytes: &[u8]) -> Result<Secret<K>> {
        let opened = self.open("grants", &grant.to_string(), column, bytes).await;
        if let Err(error) = &opened {
            let details = match error {
                OpenError::UnknownKey { id } => json!({"column": column, "missing_key": id}),
                OpenError::Tampered | OpenError::Malformed => json!({"column": column}),
            };
            if let Err(error) = self.report(AlertKind::SealBroken, &grant.to_string(), Some(details)).await {
                tracing::error!(%grant, %error, "that a seal is broken could not be stored");
            }
        }
        opened.map_err(|error| named("grants", &grant.to_string(), column, &error))
    }

    /// Seals a token of a grant for one of those columns.
    pub(crate) fn seal_token<K>(&self, grant: Id<Grant>, column: &str, secret: &Secret<K>) -> Vec<u8> {
        self.seal("grants", &grant.to_string(), column, secret)
    }

    /// Whether a token opens, for a look at a copy of the database: nobody is told.
    pub(crate) async fn check_token(&self, grant: Id<Grant>, column: &str, bytes: &[u8]) -> Result<()> {
        let row = grant.to_string();
        let opened = self.open::<()>("grants", &row, column, bytes).await;
        opened.map(drop).map_err(|error| named("grants", &row, column, &error))
    }

    /// Ends the alerts of seals that open again: the row was put back, the key was found, or the manager granted access anew.
    pub(crate) async fn end_mended_seals(&self) -> Result<()> {
        for alert in self.store().alerts(true, MENDED).await?.into_iter().filter(|alert| alert.kind == AlertKind::SealBroken) {
            let grant = match alert.subject.parse() {
                Ok(id) => self.store().grant(id).await?,
                Err(_) => None,
            };
            let mut sound = true;
            for (column, bytes) in grant.iter().flat_map(seals_of) {
                let opened: Result<RefreshToken, _> = self.open("grants", &alert.subject, column, bytes).await;
                sound &= opened.is_ok();
            }
            if sound {
                self.report(AlertKind::SealBroken, &alert.subject, None).await?;
            }
        }
        Ok(())
    }

    /// Seals an authorization code until it is exchanged.
    pub(crate) fn seal_code(&self, link: Id<Link>, code: &AuthorizationCode) -> Vec<u8> {
        self.seal("jobs", &link.to_string(), "code", code)
    }

    /// Opens it again.
    pub(crate) async fn open_code(&self, link: Id<Link>, bytes: &[u8]) -> Result<AuthorizationCode> {
        let row = link.to_string();
        self.open("jobs", &row, "code", bytes).await.map_err(|error| named("jobs", &row, "code", &error))
    }

    /// Seals a token answer. Without a refresh token in it the stored one is kept; with a different one the stored one becomes the previous.
    /// `None` where there is neither.
    pub(crate) async fn seal_answer(
        &self,
        grant: Id<Grant>,
        stored: Option<&SealedTokens>,
        answer: &TokenAnswer,
        now: Timestamp,
    ) -> Result<Option<SealedTokens>> {
        let row = grant.to_string();
        let kept: Option<RefreshToken> = match stored {
            Some(tokens) => Some(self.open_token(grant, REFRESH, &tokens.refresh).await?),
            None => None,
        };
        let (refresh, previous_refresh) = match (&answer.refresh, kept) {
            (Some(new), Some(old)) if *new != old => {
                (self.seal("grants", &row, REFRESH, new), Some(self.seal("grants", &row, PREVIOUS_REFRESH, &old)))
            }
            (Some(new), None) => (self.seal("grants", &row, REFRESH, new), None),
            (_, Some(_)) => {
                let Some(stored) = stored else { return Ok(None) };
                (stored.refresh.clone(), stored.previous_refresh.clone())
            }
            (None, None) => return Ok(None),
        };
        let access = self.seal("grants", &row, ACCESS, &answer.access);
        let life = jiff::SignedDuration::from_secs(answer.expires_in.max(0));
        let access_expires_at = now.checked_add(life).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Some(SealedTokens { refresh, previous_refresh, access, access_expires_at }))
    }
}

fn named(table: &str, row: &str, column: &str, error: &OpenError) -> Error {
    Error::Internal(format!("{table} {row} {column} does not open: {error}"))
}
