//! Lending short-lived access tokens to callers that have that right: limited, on the record, and never anything that lasts.

use domain::{Id, Timestamp, access::ApiKey, calls::Lending, grants::Grant};
use ports::{Put, calendar::Answer, change::Conflict, store::CommitError};
use serde_json::json;
use vault::AccessToken;

use crate::{App, Caller, Error, Result, draft::later, people::line};

/// Tokens of one grant that a key may have in an hour.
pub const LENDINGS_PER_HOUR: i64 = 60;
/// What a lent token lives at least, unless the caller asks for more.
const LEAST_SECONDS: i64 = 60;
/// The longest life that can be asked for: half of an hour's token, so that a caller cannot make us refresh more often than twice an hour.
const MOST_SECONDS: i64 = 1_800;

/// What stands on the record where the caller could not say what it is for: the first version's call has no room for it.
const UNSTATED: &str = "not stated: the first version's call";

/// What a caller says when it asks for a token.
#[derive(Debug, Clone, Default)]
pub struct LendRequest {
    /// What it is for, in the caller's words; goes on the record. `None` where a caller of the first kind said nothing.
    pub purpose: Option<String>,
    /// Seconds it must live at least.
    pub min_seconds: Option<i64>,
}

/// A lent token.
#[derive(Debug, Clone)]
pub struct Lent {
    /// The token.
    pub access_token: AccessToken,
    /// When it ends.
    pub expires_at: Timestamp,
    /// What it may do, as the provider said.
    pub scopes: Vec<String>,
}

impl App {
    /// Lends a short-lived access token. On the record: who, whose, until when, what for. A token that was lent lives until its end, also
    /// when the grant ends before; the page of the installation's health says until when.
    pub async fn lend_access_token(&self, email: &str, key: Id<ApiKey>, asked: &LendRequest, caller: &Caller) -> Result<Lent> {
        if !self.settings().lending {
            return Err(Error::Refused {
                code: "lending_off",
                problem: "access tokens are not lent here; an administrator can allow it with GREENROOM_LENDING=true".to_owned(),
            });
        }
        let purpose = asked.purpose.as_deref().map(|text| line("purpose", text)).transpose()?;
        if purpose.as_deref().is_some_and(|text| text.contains('@')) {
            return Err(Error::invalid(
                "purpose",
                "say what the token is for without naming an address: the log keeps it for ever",
            ));
        }
        let least = asked.min_seconds.unwrap_or(LEAST_SECONDS);
        if !(LEAST_SECONDS..=MOST_SECONDS).contains(&least) {
            return Err(Error::invalid("min_seconds", format!("ask for {LEAST_SECONDS} to {MOST_SECONDS} seconds")));
        }
        let (_, grant) = self.connected_grant(email).await?;
        if !self.provider_named(&grant.provider)?.has_page() {
            let problem = "this manager connected a calendar by an app password, and there is no short-lived token of that to lend";
            return Err(Error::Refused { code: "not_lendable", problem: problem.to_owned() });
        }
        let (token, fresh) = self.access_for(&grant, least).await.map_err(|error| Error::provider(&error))?;
        let expires_at = fresh.tokens.as_ref().map(|tokens| tokens.access_expires_at).ok_or(Error::Busy)?;
        let left = expires_at.as_second() - self.now().as_second();
        if left < least {
            let problem = format!("the calendar provider gives tokens that live {left} s, less than the {least} s you asked for");
            return Err(Error::Refused { code: "token_too_short", problem });
        }

        let mut draft = self.draft(caller);
        let hour_second = draft.now.as_second().div_euclid(3_600) * 3_600;
        let hour = Timestamp::from_second(hour_second).map_err(|error| Error::Internal(error.to_string()))?;
        draft.audit(
            "token.lent",
            grant.id,
            json!({"key": key, "expires_at": expires_at, "purpose": purpose.as_deref().unwrap_or(UNSTATED), "generation": fresh.generation}),
        );
        draft.put(Put::Lending(Lending { grant: grant.id, key, hour, limit: LENDINGS_PER_HOUR, ends_at: expires_at }));
        let now = draft.now.as_second();
        match self.commit(draft.finish()).await {
            Ok(()) => {}
            Err(CommitError::Conflict(Conflict::Stale { what: "lending", .. })) => {
                let mut refusal = self.draft(caller);
                refusal.audit("token.refused", grant.id, json!({"key": key, "why": "limit", "limit": LENDINGS_PER_HOUR}));
                self.commit(refusal.finish()).await?;
                let retry_after = (hour_second + 3_600 - now).max(1);
                let problem = format!(
                    "a key may have {LENDINGS_PER_HOUR} tokens of one manager in an hour; try again in {retry_after} s, and keep a token until it ends"
                );
                return Err(Error::Limited { retry_after, problem });
            }
            Err(error) => return Err(error.into()),
        }
        self.note_lent(grant.id, fresh.generation).await?;
        // Ended while the token was fetched: it is on the record, and nobody gets it.
        let stored = self.store().grant(grant.id).await?;
        if !stored.as_ref().is_some_and(Grant::is_usable) {
            return Err(Error::Refused {
                code: "needs_authorization",
                problem: "the manager's permission ended at this moment; ask for a link with POST /api/admin/oauth/setup/"
                    .to_owned(),
            });
        }
        Ok(Lent { access_token: token, expires_at, scopes: fresh.scopes })
    }

    /// When the last token ends that was lent of this grant, if one still lives: it cannot be called back.
    pub async fn lent_until(&self, grant: Id<Grant>) -> Result<Option<Timestamp>> {
        let now = self.now();
        // Lendings are kept by the day; no token lives for one.
        let lendings = self.store().lendings(later(now, -2 * 24 * 60)?).await?;
        Ok(lendings.into_iter().filter(|lent| lent.grant == grant).map(|lent| lent.ends_at).filter(|end| *end > now).max())
    }

    /// The grant's token with at least `least` seconds left, refreshed first if it has less.
    async fn access_for(&self, grant: &Grant, least: i64) -> Answer<(AccessToken, Grant)> {
        let left = grant.tokens.as_ref().map_or(0, |tokens| tokens.access_expires_at.as_second() - self.now().as_second());
        let fresh = if left >= least { grant.clone() } else { self.refresh(grant.id, grant.generation, false).await? };
        Ok((self.open_access(&fresh).await?.token, fresh))
    }
}
