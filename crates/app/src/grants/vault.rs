//! Sealing and opening what belongs to a grant. The context binds every ciphertext to installation, table, row and column.

use domain::{
    Id, Timestamp,
    grants::{Grant, SealedTokens},
    links::Link,
};
use ports::calendar::TokenAnswer;
use vault::{AuthorizationCode, Context, NONCE_BYTES, RefreshToken, Sealed, Secret, open_secret, seal_secret};

use crate::{App, Error, Result};

impl App {
    fn context<'a>(&'a self, table: &'a str, row: &'a str, column: &'a str) -> Context<'a> {
        Context { installation: &self.0.parts.installation, table, row, column }
    }

    fn seal<K>(&self, table: &str, row: &str, column: &str, secret: &Secret<K>) -> Vec<u8> {
        let nonce = self.entropy().bytes::<NONCE_BYTES>();
        seal_secret(&self.0.parts.keys, &self.context(table, row, column), nonce, secret).as_bytes().to_vec()
    }

    fn open<K>(&self, table: &str, row: &str, column: &str, bytes: &[u8]) -> Result<Secret<K>> {
        let named = |error: vault::OpenError| Error::Internal(format!("{table} {row} {column} does not open: {error}"));
        let sealed = Sealed::from_bytes(bytes).map_err(named)?;
        open_secret(&self.0.parts.keys, &self.context(table, row, column), &sealed).map_err(named)
    }

    /// Opens a token of a grant; `column` is `access`, `refresh` or `previous_refresh`.
    pub(crate) fn open_token<K>(&self, grant: Id<Grant>, column: &str, bytes: &[u8]) -> Result<Secret<K>> {
        self.open("grants", &grant.to_string(), column, bytes)
    }

    /// Seals an authorization code until it is exchanged.
    pub(crate) fn seal_code(&self, link: Id<Link>, code: &AuthorizationCode) -> Vec<u8> {
        self.seal("jobs", &link.to_string(), "code", code)
    }

    /// Opens it again.
    pub(crate) fn open_code(&self, link: Id<Link>, bytes: &[u8]) -> Result<AuthorizationCode> {
        self.open("jobs", &link.to_string(), "code", bytes)
    }

    /// Seals a token answer. Without a refresh token in it the stored one is kept; with a different one the stored one becomes the previous.
    /// `None` where there is neither.
    pub(crate) fn seal_answer(
        &self,
        grant: Id<Grant>,
        stored: Option<&SealedTokens>,
        answer: &TokenAnswer,
        now: Timestamp,
    ) -> Result<Option<SealedTokens>> {
        let row = grant.to_string();
        let kept: Option<RefreshToken> = stored.map(|tokens| self.open_token(grant, "refresh", &tokens.refresh)).transpose()?;
        let (refresh, previous_refresh) = match (&answer.refresh, kept) {
            (Some(new), Some(old)) if *new != old => {
                (self.seal("grants", &row, "refresh", new), Some(self.seal("grants", &row, "previous_refresh", &old)))
            }
            (Some(new), None) => (self.seal("grants", &row, "refresh", new), None),
            (_, Some(_)) => {
                let Some(stored) = stored else { return Ok(None) };
                (stored.refresh.clone(), stored.previous_refresh.clone())
            }
            (None, None) => return Ok(None),
        };
        let access = self.seal("grants", &row, "access", &answer.access);
        let life = jiff::SignedDuration::from_secs(answer.expires_in.max(0));
        let access_expires_at = now.checked_add(life).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Some(SealedTokens { refresh, previous_refresh, access, access_expires_at }))
    }
}
