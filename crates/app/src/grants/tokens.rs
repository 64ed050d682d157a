//! The count of refresh tokens that a provider keeps per user and client. It keeps only so many and silently forgets the oldest, so
//! each that is issued to us is a row until it is revoked, dead or forgotten.

use domain::{
    Id,
    alerts::AlertKind,
    grants::{Grant, IssuedToken, Limits},
};
use ports::Put;
use serde_json::json;

use crate::{
    App, Caller, Result,
    draft::{Draft, touched},
};

/// How many below the limit an administrator is told.
const MARGIN: usize = 2;

impl App {
    /// One more was issued. Gives its row's id, which the grant remembers beside the token.
    pub(crate) async fn token_issued(
        &self,
        grant: Id<Grant>,
        account: &str,
        limits: Limits,
        draft: &mut Draft<'_>,
    ) -> Result<Id<IssuedToken>> {
        let live = self.store().issued_tokens(account).await?;
        let most = usize::try_from(limits.refresh_tokens).unwrap_or(usize::MAX);
        let excess = (live.len() + 1).saturating_sub(most);
        for forgotten in live.iter().take(excess) {
            let mut next = touched(forgotten);
            next.ended = Some((draft.now, "evicted".to_owned()));
            draft.audit("grant.token_evicted", forgotten.grant, json!({"serial": forgotten.id}));
            draft.put(Put::IssuedToken(next));
        }
        let now = live.len() + 1 - excess;
        if now + MARGIN >= most {
            let details = json!({"used": now, "limit": most});
            self.raise(draft, AlertKind::RefreshTokensNearLimit, &grant.to_string(), details).await?;
        }
        let issued = IssuedToken { id: self.id(), rev: 1, account: account.to_owned(), grant, issued_at: draft.now, ended: None };
        let id = issued.id;
        draft.put(Put::IssuedToken(issued));
        Ok(id)
    }

    /// One has ended. A second word about the same one changes nothing.
    pub(crate) async fn token_ended(&self, serial: Id<IssuedToken>, why: &str, draft: &mut Draft<'_>) -> Result<()> {
        let Some(known) = self.store().issued_token(serial).await?.filter(|known| known.ended.is_none()) else { return Ok(()) };
        let mut next = touched(&known);
        next.ended = Some((draft.now, why.to_owned()));
        let (grant, account) = (next.grant, next.account.clone());
        draft.put(Put::IssuedToken(next));
        let left = self.store().issued_tokens(&account).await?.len().saturating_sub(1);
        let most = usize::try_from(self.provider_of_account(&account)?.limits().refresh_tokens).unwrap_or(usize::MAX);
        if left + MARGIN < most {
            self.clear(draft, AlertKind::RefreshTokensNearLimit, &grant.to_string()).await?;
        }
        Ok(())
    }

    /// The provider of an account's name.
    fn provider_of_account(&self, account: &str) -> Result<crate::Provider<'_>> {
        self.provider_named(account.split(':').next().unwrap_or_default())
    }

    /// One that was believed dead lives.
    pub(super) async fn token_lives(&self, serial: Id<IssuedToken>, draft: &mut Draft<'_>) -> Result<()> {
        let Some(known) = self.store().issued_token(serial).await?.filter(|known| known.ended.is_some()) else { return Ok(()) };
        let mut next = touched(&known);
        next.ended = None;
        draft.put(Put::IssuedToken(next));
        Ok(())
    }

    /// A revocation is done: the token no longer counts.
    pub(crate) async fn token_revoked(&self, serial: Id<IssuedToken>) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            self.token_ended(serial, "revoked", &mut draft).await?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// The access token of this generation was lent: from now on no refresh that nobody needs may be what ends it.
    pub(crate) async fn note_lent(&self, id: Id<Grant>, generation: i64) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            if let Some(grant) = self.store().grant(id).await?.filter(|grant| grant.generation == generation) {
                let mut next = touched(&grant);
                next.refresh.lent();
                draft.put(Put::Grant(next));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Refresh tokens of an account that the provider keeps, as far as we know, and how many it keeps at most: for pages.
    pub async fn refresh_tokens(&self, grant: &Grant) -> Result<(usize, u32)> {
        let limit = self.provider_named(&grant.provider)?.limits().refresh_tokens;
        let Some(account) = grant.account_name() else { return Ok((0, limit)) };
        Ok((self.store().issued_tokens(&account).await?.len(), limit))
    }
}
