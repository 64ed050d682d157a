//! The refresh protocol: one refresh at a time per grant across tasks, processes and nodes; never lost, never stampeded.
//!
//! Commit 1 takes the lease and journals the attempt (which also counts the budget); the call has a hard limit; commit 2 stores the
//! answer if the generation is still the one it was fetched from. The lease decides only who may start.

use domain::{
    Id, Timestamp,
    alerts::AlertKind,
    grants::{Grant, GrantState},
    jobs::{Dedupe, Work},
};
use jiff::SignedDuration;
use ports::{
    Put,
    calendar::{Answer, FailureClass, ProviderError, TokenAnswer},
    store::CommitError,
};
use serde_json::json;
use vault::AccessToken;

use super::{MIN_LEFT_SECONDS, failure, gone, internal, left, unavailable};
use crate::{
    App, Caller, Timing,
    draft::{Draft, touched},
};

/// Refreshes per refresh token that Zoho allows in [`BUDGET_WINDOW_SECONDS`].
pub(crate) const BUDGET: usize = 10;
/// The window of the budget.
pub(crate) const BUDGET_WINDOW_SECONDS: i64 = 600;
/// An access token is refreshed by itself this long before it ends, less up to a minute of jitter.
pub(crate) const REFRESH_AHEAD_SECONDS: i64 = 600;

/// What the first commit found.
enum Start {
    /// The lease is ours.
    Ours(Grant),
    /// Somebody else refreshes now.
    Wait,
    /// Somebody else has refreshed.
    Fresh(Grant),
}

impl App {
    /// Refreshes the access token unless somebody already got past `generation`; waiters share the running refresh.
    pub(crate) async fn refresh(&self, grant: Id<Grant>, generation: i64) -> Answer<Grant> {
        // In a task of its own: a caller that hangs up must not take the answer, perhaps a rotated token, with it.
        let app = self.clone();
        let task = tokio::spawn(async move { Box::pin(app.refresh_in_turn(grant, generation)).await });
        task.await.unwrap_or_else(|error| Err(failure(FailureClass::Passing, &error.to_string())))
    }

    async fn refresh_in_turn(&self, grant: Id<Grant>, generation: i64) -> Answer<Grant> {
        let _turn = self.0.refreshing.take(grant).await;
        let timing = self.timing();
        for _ in 0..timing.refresh_polls() {
            match self.begin_refresh(grant, generation).await? {
                Start::Fresh(grant) => return Ok(grant),
                Start::Ours(grant) => return self.call_refresh(&grant).await,
                Start::Wait => tokio::time::sleep(timing.refresh_poll).await,
            }
        }
        Err(failure(FailureClass::Passing, "another process holds the refresh lease for longer than it may"))
    }

    async fn begin_refresh(&self, id: Id<Grant>, generation: i64) -> Answer<Start> {
        let stored = self.store().grant(id).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
        let now = self.now();
        if !stored.is_usable() {
            return Err(gone("the grant is not in use"));
        }
        if stored.generation > generation && left(&stored, now) >= MIN_LEFT_SECONDS {
            return Ok(Start::Fresh(stored));
        }
        let lease_now = self.store().lease_now().await.map_err(unavailable)?;
        if stored.refresh.lease.as_ref().is_some_and(|(_, until)| *until > lease_now) {
            return Ok(Start::Wait);
        }
        check_budget(&stored, now, self.belief_seconds())?;

        let mut next = touched(&stored);
        let owner = self.id::<Grant>().to_string();
        next.refresh.lease = Some((owner, after(lease_now, Timing::seconds(self.timing().refresh_lease))));
        next.refresh.attempted_at = Some(now);
        next.refresh.attempts.retain(|at| now.as_second() - at.as_second() < BUDGET_WINDOW_SECONDS);
        next.refresh.attempts.push(now);
        let mut draft = self.draft(&Caller::system());
        draft.audit("grant.refresh_begun", id, json!({"generation": stored.generation}));
        draft.put(Put::Grant(next.clone()));
        match self.commit(draft.finish()).await {
            Ok(()) => Ok(Start::Ours(next)),
            Err(CommitError::Conflict(_)) => Ok(Start::Wait),
            Err(CommitError::Store(error)) => Err(unavailable(error)),
        }
    }

    async fn call_refresh(&self, grant: &Grant) -> Answer<Grant> {
        let provider = self.provider_named(&grant.provider).map_err(internal)?;
        let tokens = grant.tokens.as_ref().ok_or_else(|| gone("the grant has no tokens"))?;
        let data_centre = grant.data_centre.as_deref().ok_or_else(|| gone("the grant has no data centre"))?;
        let newest = self.open_token(grant.id, "refresh", &tokens.refresh).await.map_err(internal)?;
        let mut answer = provider.refresh(grant.id, data_centre, &newest).await;
        if let (Err(error), Some(previous)) = (&answer, &tokens.previous_refresh)
            && error.class == FailureClass::Revoked
            && believed(grant, self.now(), self.belief_seconds())
        {
            // The newer token was refused twice: the one before it may still be good (a rotation whose answer was lost on their side).
            let previous = self.open_token(grant.id, "previous_refresh", previous).await.map_err(internal)?;
            answer = provider.refresh(grant.id, data_centre, &previous).await;
        }
        self.end_refresh(grant, answer).await
    }

    fn belief_seconds(&self) -> i64 {
        Timing::seconds(self.timing().belief)
    }

    /// Commit 2. Repeated on conflicts as long as the generation stands still.
    async fn end_refresh(&self, begun: &Grant, answer: Answer<TokenAnswer>) -> Answer<Grant> {
        loop {
            let stored =
                self.store().grant(begun.id).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))?;
            if stored.generation != begun.generation || !stored.is_usable() {
                // A lost race or a new connection: the stored tokens are newer than this answer.
                return if stored.is_usable() { Ok(stored) } else { Err(gone("the grant ended meanwhile")) };
            }
            let mut next = touched(&stored);
            if next.refresh.lease == begun.refresh.lease {
                next.refresh.lease = None;
            }
            let mut draft = self.draft(&Caller::system());
            let place = format!("{}:{}", next.provider, next.data_centre.as_deref().unwrap_or_default());
            let outcome = match &answer {
                Ok(answer) => {
                    self.clear(&mut draft, AlertKind::Misconfigured, &place).await.map_err(internal)?;
                    self.refreshed(&mut next, answer, &mut draft).await
                }
                Err(error) => {
                    if error.class == FailureClass::Misconfigured {
                        self.raise(&mut draft, AlertKind::Misconfigured, &place, json!({})).await.map_err(internal)?;
                    }
                    self.refresh_failed(&mut next, error, &mut draft).await?;
                    Err(error.clone())
                }
            };
            draft.put(Put::Grant(next.clone()));
            match self.commit(draft.finish()).await {
                Ok(()) => return outcome.map(|()| next),
                Err(CommitError::Conflict(conflict)) => tracing::debug!(%conflict, "storing a refresh again"),
                Err(CommitError::Store(error)) => return Err(unavailable(error)),
            }
        }
    }

    async fn refreshed(&self, next: &mut Grant, answer: &TokenAnswer, draft: &mut Draft<'_>) -> Answer<()> {
        let now = draft.now;
        let sealed = self.seal_answer(next.id, next.tokens.as_ref(), answer, now).await.map_err(internal)?;
        let tokens = sealed.ok_or_else(|| gone("the grant has no refresh token"))?;
        let moved = match &next.tokens {
            Some(old) if tokens.access_expires_at == old.access_expires_at => {
                // Two refreshes in one instant: another token is progress, the same one is not.
                let before: AccessToken = self.open_token(next.id, "access", &old.access).await.map_err(internal)?;
                before != answer.access
            }
            Some(old) => tokens.access_expires_at > old.access_expires_at,
            None => true,
        };
        // Stored even where the expiry stands still: a rotated refresh token must never be lost.
        next.tokens = Some(tokens);
        next.generation += 1;
        if !answer.scopes.is_empty() {
            next.scopes.clone_from(&answer.scopes);
        }
        next.refresh.refused_at = None;
        next.refresh.blocked_until = None;
        if moved {
            next.refresh.succeeded_at = Some(now);
            next.refresh.failures = 0;
            next.refresh.last_failure = None;
        } else {
            next.refresh.failures += 1;
            next.refresh.last_failure = Some("no_progress".to_owned());
        }
        let due = self.order_refresh(next, draft);
        draft.audit("grant.refreshed", next.id, json!({"generation": next.generation, "moved": moved, "next_at": due}));
        if moved { Ok(()) } else { Err(failure(FailureClass::Protocol, "the refresh did not move the expiry forward")) }
    }

    /// Orders the next refresh ahead of the expiry (or soon, after a failure) and notes when that is.
    pub(crate) fn order_refresh(&self, grant: &mut Grant, draft: &mut Draft<'_>) -> Timestamp {
        let jitter = i64::from(self.entropy().bytes::<1>()[0]);
        let now = draft.now;
        let ahead = left(grant, now) - REFRESH_AHEAD_SECONDS;
        let wait = if grant.refresh.failures == 0 {
            // A short-lived token is refreshed at three quarters of its life instead.
            if ahead > 60 { ahead - jitter * 60 / 255 } else { (left(grant, now) * 3 / 4).max(30) }
        } else {
            domain::jobs::backoff_seconds(i64::from(grant.refresh.failures), u8::try_from(jitter).unwrap_or(0))
                .max(self.belief_seconds())
        };
        let mut due = after(now, wait);
        if let Some(blocked) = grant.refresh.blocked_until {
            due = due.max(blocked);
        }
        grant.refresh.next_at = Some(due);
        draft.order(
            Work::Refresh { grant: grant.id },
            Dedupe::Open(format!("refresh:{}:{}:{}", grant.id, grant.generation, due.as_second())),
            None,
            due,
            None,
        );
        due
    }

    async fn refresh_failed(&self, next: &mut Grant, error: &ProviderError, draft: &mut Draft<'_>) -> Answer<()> {
        let now = draft.now;
        next.refresh.failures += 1;
        next.refresh.last_failure = Some(format!("{:?}", error.class).to_lowercase());
        match error.class {
            FailureClass::Revoked if believed(next, now, self.belief_seconds()) => {
                end(next, GrantState::Dead, "revoked", now);
                draft.audit("grant.died", next.id, json!({"why": "refused twice"}));
                return self.ask_again_after_death(next, draft).await.map_err(internal);
            }
            FailureClass::Revoked => {
                next.refresh.refused_at.get_or_insert(now);
            }
            FailureClass::Throttled => {
                let wait = error.retry_after.unwrap_or(BUDGET_WINDOW_SECONDS);
                next.refresh.blocked_until = Some(after(now, wait));
            }
            _ => {}
        }
        let due = self.order_refresh(next, draft);
        draft.audit("grant.refresh_failed", next.id, json!({"class": next.refresh.last_failure, "next_at": due}));
        Ok(())
    }

    /// The job that keeps a grant fresh. A grant that was refreshed meanwhile needs nothing: its own next job is ordered.
    pub(crate) async fn run_refresh(&self, id: Id<Grant>) -> Answer<()> {
        let Some(stored) = self.store().grant(id).await.map_err(unavailable)? else { return Ok(()) };
        if !stored.is_usable() || stored.refresh.next_at.is_some_and(|next| next > self.now()) {
            return Ok(());
        }
        self.refresh(id, stored.generation).await.map(drop)
    }
}

/// Ends a grant: the tokens go, the identity stays.
pub(crate) fn end(grant: &mut Grant, state: GrantState, why: &str, now: Timestamp) {
    grant.state = state;
    grant.tokens = None;
    grant.ended = Some((now, why.to_owned()));
    grant.refresh = domain::grants::RefreshRecord::default();
}

/// Whether this generation's refresh token was first refused long enough ago for a second refusal to count.
fn believed(grant: &Grant, now: Timestamp, belief: i64) -> bool {
    grant.refresh.refused_at.is_some_and(|first| now.as_second() - first.as_second() >= belief)
}

fn check_budget(grant: &Grant, now: Timestamp, belief: i64) -> Answer<()> {
    let wait_until = |at: Timestamp| {
        let wait = (at.as_second() - now.as_second()).max(1);
        Err(ProviderError { retry_after: Some(wait), ..failure(FailureClass::Throttled, "the refresh budget is spent") })
    };
    if let Some(blocked) = grant.refresh.blocked_until.filter(|blocked| *blocked > now) {
        return wait_until(blocked);
    }
    let recent: Vec<_> =
        grant.refresh.attempts.iter().filter(|at| now.as_second() - at.as_second() < BUDGET_WINDOW_SECONDS).collect();
    if recent.len() >= BUDGET
        && let Some(oldest) = recent.first()
    {
        return wait_until(after(**oldest, BUDGET_WINDOW_SECONDS));
    }
    if let Some(first) = grant.refresh.refused_at
        && now.as_second() - first.as_second() < belief
    {
        let wait = belief - (now.as_second() - first.as_second());
        return Err(ProviderError {
            retry_after: Some(wait),
            ..failure(FailureClass::Passing, "the refresh token was refused once; asked again a minute later")
        });
    }
    Ok(())
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}
