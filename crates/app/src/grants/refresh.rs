//! The refresh protocol: one refresh at a time per grant across tasks, processes and nodes; never lost, never stampeded.
//!
//! Commit 1 takes the lease, counts the call in the provider's budget and journals it as unanswered; the call has a hard limit; commit 2
//! stores the answer if the generation is still the one it was fetched from. The lease decides only who may start.

use domain::{
    Id, Timestamp,
    alerts::AlertKind,
    grants::{Grant, Moment, WaitReason, budget},
};
use ports::{
    Put,
    calendar::{Answer, FailureClass, ProviderError},
    store::CommitError,
};
use serde_json::json;
use vault::RefreshToken;

use super::{MIN_LEFT_SECONDS, after, failure, gone, internal, left, unavailable};
use crate::{App, Caller, Timing, draft::touched};

/// What the first commit found.
enum Start {
    /// The lease is ours.
    Ours(Box<Begun>),
    /// Somebody else refreshes now.
    Wait,
    /// Somebody else has refreshed.
    Fresh(Box<Grant>),
}

/// A refresh whose first commit is stored.
pub(super) struct Begun {
    /// As commit 1 wrote it.
    pub grant: Grant,
    /// What is sent.
    pub token: RefreshToken,
    /// When an earlier attempt on this generation began that was never answered.
    pub unanswered_before: Option<Timestamp>,
    /// End of the lease.
    pub until: Timestamp,
    /// When each call was counted.
    pub counted: Vec<Moment>,
}

impl App {
    /// Refreshes the access token unless somebody already got past `generation`; waiters share the running refresh. `needed`: the access
    /// token was not accepted, however long it seems to live.
    pub(crate) async fn refresh(&self, grant: Id<Grant>, generation: i64, needed: bool) -> Answer<Grant> {
        // In a task of its own: a caller that hangs up must not take the answer, perhaps a rotated token, with it.
        let app = self.clone();
        let task = tokio::spawn(async move { Box::pin(app.refresh_in_turn(grant, generation, needed)).await });
        task.await.unwrap_or_else(|error| Err(failure(FailureClass::Passing, &error.to_string())))
    }

    async fn refresh_in_turn(&self, grant: Id<Grant>, generation: i64, needed: bool) -> Answer<Grant> {
        let _turn = self.0.refreshing.take(grant).await;
        let timing = self.timing();
        for _ in 0..timing.refresh_polls() {
            match self.begin_refresh(grant, generation, needed).await? {
                Start::Fresh(grant) => return Ok(*grant),
                Start::Ours(mut begun) => return self.call_refresh(&mut begun).await,
                Start::Wait => tokio::time::sleep(timing.refresh_poll).await,
            }
        }
        Err(failure(FailureClass::Passing, "another process holds the refresh lease for longer than it may"))
    }

    async fn begin_refresh(&self, id: Id<Grant>, generation: i64, needed: bool) -> Answer<Start> {
        let stored = self.stored_grant(id).await?;
        if !stored.is_usable() {
            return Err(gone("the grant is not in use"));
        }
        if stored.generation > generation && left(&stored, self.now()) >= MIN_LEFT_SECONDS {
            return Ok(Start::Fresh(Box::new(stored)));
        }
        let now = self.present().await.map_err(unavailable)?;
        if stored.refresh.lease.as_ref().is_some_and(|(_, until)| *until > now.moment.lease) {
            return Ok(Start::Wait);
        }
        let tokens = stored.tokens.as_ref().ok_or_else(|| gone("the grant has no tokens"))?;
        // Before anything is counted: what does not open is not sent.
        let token = self.opened(id, "refresh", &tokens.refresh).await?;
        let provider = self.provider_named(&stored.provider).map_err(internal)?;
        let data_centre = stored.data_centre.as_deref().ok_or_else(|| gone("the grant has no data centre"))?;
        if let Some(seconds) = self.suspended(provider.name(), data_centre, &now).await? {
            let suspended = failure(FailureClass::Passing, "calls of the data centre are suspended after failures in a row");
            return Err(ProviderError { retry_after: Some(seconds), ..suspended });
        }
        let limits = provider.limits();
        let needed = needed || left(&stored, self.now()) < MIN_LEFT_SECONDS;
        stored.refresh.may_begin(limits, &now, Timing::seconds(self.timing().belief), needed).map_err(waiting)?;

        let mut next = touched(&stored);
        let until = after(now.moment.lease, Timing::seconds(self.timing().refresh_lease));
        next.refresh.lease = Some((self.id::<Grant>().to_string(), until));
        next.refresh.count(limits, &now);
        next.refresh.unanswered_at.get_or_insert(now.moment.at);
        let mut draft = self.draft(&Caller::system());
        draft.audit("grant.refresh_begun", id, json!({"generation": stored.generation}));
        self.watch_budget(&next, &mut draft).await?;
        draft.put(Put::Grant(next.clone()));
        match self.commit(draft.finish()).await {
            Ok(()) => Ok(Start::Ours(Box::new(Begun {
                unanswered_before: stored.refresh.unanswered_at,
                until,
                counted: vec![now.moment],
                grant: next,
                token,
            }))),
            Err(CommitError::Conflict(_)) => Ok(Start::Wait),
            Err(CommitError::Store(error)) => Err(unavailable(error)),
        }
    }

    /// Tells of a budget that is nearly spent while it is.
    async fn watch_budget(&self, grant: &Grant, draft: &mut crate::draft::Draft<'_>) -> Answer<()> {
        let budget = budget(grant, draft.now);
        let subject = grant.id.to_string();
        let told = if budget.is_near_limit() {
            let details = json!({"used": budget.used, "limit": budget.limit});
            self.raise(draft, AlertKind::RefreshBudgetNearLimit, &subject, details).await.map(drop)
        } else {
            self.clear(draft, AlertKind::RefreshBudgetNearLimit, &subject).await
        };
        told.map_err(internal)
    }

    async fn call_refresh(&self, begun: &mut Begun) -> Answer<Grant> {
        let (id, tokens) = (begun.grant.id, begun.grant.tokens.clone());
        let provider = self.provider_named(&begun.grant.provider).map_err(internal)?;
        let data_centre = begun.grant.data_centre.clone().ok_or_else(|| gone("the grant has no data centre"))?;
        let answer = provider.refresh(id, &data_centre, &begun.token, begun.until).await;
        let refused = answer.as_ref().is_err_and(|error| error.class == FailureClass::Revoked);
        let previous = tokens.and_then(|tokens| tokens.previous_refresh);
        let (Some(previous), true) = (previous, refused) else { return self.end_refresh(begun, answer).await };
        let now = self.present().await.map_err(unavailable)?;
        let belief = Timing::seconds(self.timing().belief);
        if !begun.grant.refresh.may_send_previous(&now, belief, provider.previous_token_grace()) {
            return self.end_refresh(begun, answer).await;
        }
        // The newer token was refused twice, or the provider documents that the one before it still works: perhaps the answer that
        // brought the newer one was never finished on their side.
        let previous: RefreshToken = match self.opened(id, "previous_refresh", &previous).await {
            Ok(previous) => previous,
            Err(error) => {
                tracing::warn!(grant = %id, detail = error.detail, "the previous refresh token does not open");
                return self.end_refresh(begun, answer).await;
            }
        };
        match self.count_again(begun).await {
            Ok(()) => {}
            Err(error) => return self.end_refresh(begun, Err(error)).await,
        }
        let second = provider.refresh(id, &data_centre, &previous, begun.until).await;
        if second.is_ok() {
            begun.token = previous;
        }
        self.end_refresh(begun, second).await
    }

    /// Counts one more call of a refresh that is under way.
    async fn count_again(&self, begun: &mut Begun) -> Answer<()> {
        let lost = || failure(FailureClass::Passing, "the lease was lost before the previous refresh token could be tried");
        let stored = self.stored_grant(begun.grant.id).await?;
        if stored.generation != begun.grant.generation || stored.refresh.lease != begun.grant.refresh.lease {
            return Err(lost());
        }
        let now = self.present().await.map_err(unavailable)?;
        let limits = self.provider_named(&stored.provider).map_err(internal)?.limits();
        // The refusal that led here is not yet stored, so only the budget is asked.
        let without_refusal = domain::grants::RefreshRecord { refused_at: None, ..stored.refresh.clone() };
        without_refusal.may_begin(limits, &now, 0, true).map_err(waiting)?;
        let mut next = touched(&stored);
        next.refresh.count(limits, &now);
        let mut draft = self.draft(&Caller::system());
        draft.audit("grant.refresh_previous", next.id, json!({"generation": next.generation}));
        draft.put(Put::Grant(next.clone()));
        match self.commit(draft.finish()).await {
            Ok(()) => {
                begun.grant = next;
                begun.counted.push(now.moment);
                Ok(())
            }
            Err(CommitError::Conflict(_)) => Err(lost()),
            Err(CommitError::Store(error)) => Err(unavailable(error)),
        }
    }

    /// The job that keeps a grant fresh. A grant that was refreshed meanwhile needs nothing: its own next job is ordered.
    pub(crate) async fn run_refresh(&self, id: Id<Grant>) -> Answer<()> {
        let Some(stored) = self.store().grant(id).await.map_err(unavailable)? else { return Ok(()) };
        if !stored.is_usable() || stored.refresh.next_at.is_some_and(|next| next > self.now()) {
            return Ok(());
        }
        self.refresh(id, stored.generation, true).await.map(drop)
    }

    /// A grant that must be there.
    pub(super) async fn stored_grant(&self, id: Id<Grant>) -> Answer<Grant> {
        self.store().grant(id).await.map_err(unavailable)?.ok_or_else(|| gone("the grant does not exist"))
    }
}

/// Why nobody may refresh now, in the provider's words.
pub(super) fn waiting(wait: domain::grants::Wait) -> ProviderError {
    let (class, detail) = match wait.why {
        WaitReason::Paused => (FailureClass::Throttled, "the provider asked for a pause"),
        WaitReason::Spent => (FailureClass::Throttled, "the refresh budget is spent"),
        WaitReason::Lent => (FailureClass::Throttled, "another access token would end one that was lent"),
        WaitReason::Refused => (FailureClass::Passing, "the refresh token was refused once; asked again a minute later"),
    };
    ProviderError { retry_after: Some(wait.seconds), ..failure(class, detail) }
}
