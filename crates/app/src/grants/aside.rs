//! Refreshing tokens that stand beside those in use: of a connection that waits for an administrator, and of an authorization whose
//! owner is not known yet. The same protocol as for a grant in use, lease, budget, journal and stored answer, on their own record.

use domain::{
    Id,
    grants::{Grant, Moment, Pause, RefreshRecord, SealedTokens, WINDOW_SECONDS},
    links::Link,
};
use ports::{
    Put,
    calendar::{Answer, FailureClass, ProviderError, TokenAnswer},
    store::CommitError,
};
use serde_json::json;
use vault::RefreshToken;

use super::{MIN_LEFT_SECONDS, after, failure, gone, internal, refresh::waiting, unavailable};
use crate::{App, Caller, Timing, draft::touched};

/// Which tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Those that wait for an administrator.
    Pending,
    /// Those of this authorization.
    Unverified(Id<Link>),
}

/// The parts of a grant that belong to one side.
struct Aside<'a> {
    tokens: &'a mut SealedTokens,
    record: &'a mut RefreshRecord,
    scopes: &'a mut Vec<String>,
    data_centre: &'a str,
}

/// What the first commit stored.
struct Begun {
    lease: Option<(String, domain::Timestamp)>,
    until: domain::Timestamp,
    token: RefreshToken,
    data_centre: String,
    provider: String,
    at: Moment,
    unanswered_before: Option<domain::Timestamp>,
}

enum Start {
    Ours(Box<Begun>),
    Wait,
    Fresh(Box<Grant>),
}

fn aside(grant: &mut Grant, side: Side) -> Option<Aside<'_>> {
    match side {
        Side::Pending => grant.pending.as_mut().map(|pending| Aside {
            tokens: &mut pending.tokens,
            record: &mut pending.refresh,
            scopes: &mut pending.scopes,
            data_centre: &pending.account.data_centre,
        }),
        Side::Unverified(link) => grant.unverified.as_mut().filter(|known| known.link == link).map(|known| Aside {
            tokens: &mut known.tokens,
            record: &mut known.refresh,
            scopes: &mut known.scopes,
            data_centre: &known.data_centre,
        }),
    }
}

impl App {
    /// The grant with fresh tokens on one side; with `needed`, fresher than those in `seen`.
    pub(crate) async fn refresh_aside(&self, seen: &Grant, side: Side, needed: bool) -> Answer<Grant> {
        let (app, mut seen) = (self.clone(), seen.clone());
        let known = aside(&mut seen, side).map(|aside| aside.tokens.clone()).ok_or_else(replaced)?;
        let id = seen.id;
        let task = tokio::spawn(async move { Box::pin(app.aside_in_turn(id, side, known, needed)).await });
        task.await.unwrap_or_else(|error| Err(failure(FailureClass::Passing, &error.to_string())))
    }

    async fn aside_in_turn(&self, id: Id<Grant>, side: Side, known: SealedTokens, needed: bool) -> Answer<Grant> {
        let _turn = self.0.refreshing.take(id).await;
        let timing = self.timing();
        for _ in 0..timing.refresh_polls() {
            match self.begin_aside(id, side, &known, needed).await? {
                Start::Fresh(grant) => return Ok(*grant),
                Start::Wait => tokio::time::sleep(timing.refresh_poll).await,
                Start::Ours(begun) => {
                    let provider = self.provider_named(&begun.provider).map_err(internal)?;
                    let answer = provider.refresh(id, &begun.data_centre, &begun.token, begun.until).await;
                    return self.end_aside(id, side, &begun, answer).await;
                }
            }
        }
        Err(failure(FailureClass::Passing, "another process holds the refresh lease for longer than it may"))
    }

    async fn begin_aside(&self, id: Id<Grant>, side: Side, known: &SealedTokens, needed: bool) -> Answer<Start> {
        let stored = self.stored_grant(id).await?;
        let mut next = touched(&stored);
        let provider = self.provider_named(&stored.provider).map_err(internal)?;
        let now = self.present().await.map_err(unavailable)?;
        let parts = aside(&mut next, side).ok_or_else(replaced)?;
        let left = parts.tokens.access_expires_at.as_second() - now.moment.at.as_second();
        if left >= MIN_LEFT_SECONDS && !(needed && parts.tokens.access_expires_at == known.access_expires_at) {
            return Ok(Start::Fresh(Box::new(stored)));
        }
        if parts.record.lease.as_ref().is_some_and(|(_, until)| *until > now.moment.lease) {
            return Ok(Start::Wait);
        }
        let token = self.opened(id, "refresh", &parts.tokens.refresh).await?;
        if let Some(seconds) = self.suspended(provider.name(), parts.data_centre, &now).await? {
            let suspended = failure(FailureClass::Passing, "calls of the data centre are suspended after failures in a row");
            return Err(ProviderError { retry_after: Some(seconds), ..suspended });
        }
        let timing = self.timing();
        parts.record.may_begin(provider.limits(), &now, Timing::seconds(timing.belief), true).map_err(waiting)?;
        let unanswered_before = parts.record.unanswered_at;
        let until = after(now.moment.lease, Timing::seconds(timing.refresh_lease));
        parts.record.lease = Some((self.id::<Grant>().to_string(), until));
        parts.record.count(provider.limits(), &now);
        parts.record.unanswered_at.get_or_insert(now.moment.at);
        let begun = Begun {
            lease: parts.record.lease.clone(),
            until,
            token,
            data_centre: parts.data_centre.to_owned(),
            provider: stored.provider.clone(),
            at: now.moment,
            unanswered_before,
        };
        let mut draft = self.draft(&Caller::system());
        draft.audit("grant.refresh_begun", id, json!({"side": side_code(side)}));
        draft.put(Put::Grant(next));
        match self.commit(draft.finish()).await {
            Ok(()) => Ok(Start::Ours(Box::new(begun))),
            Err(CommitError::Conflict(_)) => Ok(Start::Wait),
            Err(CommitError::Store(error)) => Err(unavailable(error)),
        }
    }

    async fn end_aside(&self, id: Id<Grant>, side: Side, begun: &Begun, answer: Answer<TokenAnswer>) -> Answer<Grant> {
        loop {
            let stored = self.stored_grant(id).await?;
            let now = self.present().await.map_err(unavailable)?;
            let mut next = touched(&stored);
            let parts = aside(&mut next, side).ok_or_else(replaced)?;
            // Compared open: a change of keys seals the same token anew.
            let known: RefreshToken = self.open_token(id, "refresh", &parts.tokens.refresh).await.map_err(internal)?;
            if known != begun.token {
                return Err(replaced());
            }
            let ours = parts.record.lease == begun.lease;
            if ours {
                parts.record.lease = None;
            }
            let mut draft = self.draft(&Caller::system());
            match &answer {
                Ok(answer) => {
                    let sealed = self.seal_answer(id, Some(parts.tokens), answer, now.moment.at).await.map_err(internal)?;
                    *parts.tokens = sealed.ok_or_else(|| gone("there is no refresh token"))?;
                    if !answer.scopes.is_empty() {
                        parts.scopes.clone_from(&answer.scopes);
                    }
                    super::outcome::remember(parts.record, &begun.token, &[begun.at], answer, &now);
                    draft.audit("grant.refreshed", id, json!({"side": side_code(side)}));
                }
                Err(error) => {
                    if ours && !error.may_have_happened {
                        parts.record.unanswered_at = begun.unanswered_before;
                    }
                    note_failure(parts.record, begun.at, error, now.moment);
                    draft.audit("grant.refresh_failed", id, json!({"side": side_code(side), "class": parts.record.last_failure}));
                }
            }
            draft.put(Put::Grant(next.clone()));
            match self.commit(draft.finish()).await {
                Ok(()) => return answer.map(|_| next),
                Err(CommitError::Conflict(conflict)) => tracing::debug!(%conflict, "storing a refresh again"),
                Err(CommitError::Store(error)) => return Err(unavailable(error)),
            }
        }
    }
}

fn note_failure(record: &mut RefreshRecord, at: Moment, error: &ProviderError, now: Moment) {
    if !error.may_have_happened {
        record.counted(at, None);
    }
    record.failures += 1;
    record.last_failure = Some(format!("{:?}", error.class).to_lowercase());
    match error.class {
        FailureClass::Revoked => {
            record.refused_at.get_or_insert(now);
        }
        FailureClass::Throttled => {
            let seconds = error.retry_after.unwrap_or(WINDOW_SECONDS).max(1);
            record.paused = Some(Pause { since: now, seconds });
        }
        _ => {}
    }
}

const fn side_code(side: Side) -> &'static str {
    match side {
        Side::Pending => "pending",
        Side::Unverified(_) => "unverified",
    }
}

fn replaced() -> ProviderError {
    gone("these tokens were replaced or given back meanwhile")
}
