//! Commit 2 of the refresh protocol: what an answer means, and what follows from it.

use domain::{
    Id, Timestamp,
    alerts::AlertKind,
    grants::{Grant, GrantState, Moment, Pause, Present, RefreshRecord, SealedTokens, WINDOW_SECONDS},
    jobs::{Dedupe, Work, backoff_seconds},
};
use ports::{
    Put,
    calendar::{Answer, FailureClass, ProviderError, TokenAnswer},
    store::CommitError,
};
use serde_json::json;
use vault::{AccessToken, RefreshToken};

use super::{after, failure, gone, internal, left, refresh::Begun, unavailable};
use crate::{
    App, Caller, Error, RefreshWhen, Result, Timing,
    draft::{Draft, touched},
};

/// An access token is refreshed by itself this long before it ends, less up to a minute of jitter.
const REFRESH_AHEAD_SECONDS: i64 = 600;
/// Where tokens are refreshed only when work is due: at least so often, to see that the permission stands.
const PROBE_SECONDS: i64 = 24 * 3_600;
/// Work is prepared for this long before it is due.
const PREPARE_SECONDS: i64 = 900;
/// Failures in a row after which an administrator is told.
const FAILURES_TO_TELL: u32 = 2;
/// Why a grant ended on which an answer was never seen.
const ROTATION_LOST: &str = "rotation_lost";

impl App {
    /// Repeated on conflicts as long as the generation stands still.
    pub(super) async fn end_refresh(&self, begun: &Begun, answer: Answer<TokenAnswer>) -> Answer<Grant> {
        loop {
            let stored = self.stored_grant(begun.grant.id).await?;
            let late = stored.state == GrantState::Dead && answer.as_ref().is_ok_and(|answer| answer.refresh.is_some());
            if stored.generation != begun.grant.generation || !(stored.is_usable() || late) {
                // A lost race or a new connection: what is stored is newer than this answer.
                return if stored.is_usable() { Ok(stored) } else { Err(gone("the grant ended meanwhile")) };
            }
            let now = self.present().await.map_err(unavailable)?;
            let mut next = touched(&stored);
            let ours = next.refresh.lease.is_some() && next.refresh.lease == begun.grant.refresh.lease;
            if ours {
                next.refresh.lease = None;
            }
            let mut draft = self.draft(&Caller::system());
            let outcome = match &answer {
                Ok(answer) => self.refreshed(&mut next, begun, answer, &now, &mut draft).await.map_err(internal)?,
                Err(error) => {
                    if ours && !error.may_have_happened {
                        next.refresh.unanswered_at = begun.unanswered_before;
                    }
                    self.refresh_failed(&mut next, begun, error, &now, &mut draft).await.map_err(internal)?;
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

    /// Stores a token answer. The inner failure is a refresh that moved nothing.
    async fn refreshed(
        &self,
        next: &mut Grant,
        begun: &Begun,
        answer: &TokenAnswer,
        now: &Present,
        draft: &mut Draft<'_>,
    ) -> Result<Answer<()>> {
        if next.state == GrantState::Dead {
            // The answer was still on its way when the refusal of an older token was believed: the permission stands.
            next.state = GrantState::Active;
            next.ended = None;
            next.request = None;
            next.refresh = RefreshRecord { lease: None, ..begun.grant.refresh.clone() };
            if let Some(serial) = next.refresh.serial {
                self.token_lives(serial, draft).await?;
            }
            draft.audit("grant.revived", next.id, json!({"generation": next.generation}));
            self.arrange_all(next.person, draft).await?;
        }
        // Sealed on top of the token that was sent: where that was the previous one, the newer is of no use any more.
        let before = next.tokens.take().or_else(|| begun.grant.tokens.clone());
        let base = match before.clone() {
            Some(tokens) => Some(self.sent_with(next, tokens, &begun.token).await?),
            None => None,
        };
        let sealed = self.seal_answer(next.id, base.as_ref(), answer, now.moment.at).await?;
        let tokens = sealed.ok_or_else(|| Error::Internal(format!("{} has no refresh token", next.id)))?;
        let moved = self.has_moved(next, before.as_ref(), &tokens, answer, now).await;
        // Stored even where nothing moved: a rotated refresh token must never be lost.
        next.tokens = Some(tokens);
        next.generation += 1;
        if !answer.scopes.is_empty() {
            next.scopes.clone_from(&answer.scopes);
        }
        remember(&mut next.refresh, &begun.token, &begun.counted, answer, now);
        if moved {
            next.refresh.succeeded_at = Some(now.moment.at);
            next.refresh.failures = 0;
            next.refresh.last_failure = None;
        } else {
            next.refresh.failures += 1;
            next.refresh.last_failure = Some("no_progress".to_owned());
        }
        let due = self.order_refresh(next, draft).await?;
        draft.audit("grant.refreshed", next.id, json!({"generation": next.generation, "moved": moved, "next_at": due}));
        self.tell_of_refresh(next, moved, draft).await?;
        Ok(if moved { Ok(()) } else { Err(failure(FailureClass::Protocol, "the refresh did not move the expiry forward")) })
    }

    /// The stored tokens with `sent` as the newest refresh token.
    async fn sent_with(&self, grant: &Grant, tokens: SealedTokens, sent: &RefreshToken) -> Result<SealedTokens> {
        let newest: RefreshToken = self.open_token(grant.id, "refresh", &tokens.refresh).await?;
        if newest == *sent {
            return Ok(tokens);
        }
        Ok(SealedTokens { refresh: self.seal_token(grant.id, "refresh", sent), previous_refresh: None, ..tokens })
    }

    /// Whether an answer is progress: another token, and an end that is not earlier by either clock (nodes' clocks may disagree, and a life
    /// that was only assumed is no measure).
    async fn has_moved(
        &self,
        grant: &Grant,
        before: Option<&SealedTokens>,
        after: &SealedTokens,
        answer: &TokenAnswer,
        now: &Present,
    ) -> bool {
        let Some(before) = before else { return true };
        let known: Result<AccessToken> = self.open_token(grant.id, "access", &before.access).await;
        match known {
            Ok(known) if known == answer.access => return false,
            Ok(_) => {}
            // A damaged access token must not keep a good answer from being stored.
            Err(error) => tracing::warn!(grant = %grant.id, %error, "the access token before this one does not open"),
        }
        let ends_by_lease = super::after(now.moment.lease, answer.expires_in);
        let by_lease = grant.refresh.access_ends_by_lease.is_some_and(|known| ends_by_lease >= known);
        !answer.life_known || after.access_expires_at >= before.access_expires_at || by_lease
    }

    /// What a stored answer ends or begins to tell.
    async fn tell_of_refresh(&self, grant: &Grant, moved: bool, draft: &mut Draft<'_>) -> Result<()> {
        let subject = grant.id.to_string();
        if moved {
            for kind in [AlertKind::RefreshFailing, AlertKind::SealBroken, AlertKind::AccessLost, AlertKind::RotationLost] {
                self.clear(draft, kind, &subject).await?;
            }
            self.clear(draft, AlertKind::Misconfigured, &place(grant)).await?;
        } else if grant.refresh.failures >= FAILURES_TO_TELL {
            self.raise(draft, AlertKind::RefreshFailing, &subject, json!({"class": "no_progress"})).await?;
        }
        self.watch_scopes(grant, draft).await
    }

    /// Tells of a scope that booking needs and that was not granted.
    pub(crate) async fn watch_scopes(&self, grant: &Grant, draft: &mut Draft<'_>) -> Result<()> {
        if grant.scopes.is_empty() {
            return Ok(());
        }
        let required = self.provider_named(&grant.provider)?.required_scopes();
        let missing: Vec<_> = required.into_iter().filter(|scope| !grant.scopes.contains(scope)).collect();
        let subject = grant.id.to_string();
        if missing.is_empty() {
            self.clear(draft, AlertKind::ScopeMissing, &subject).await
        } else {
            self.raise(draft, AlertKind::ScopeMissing, &subject, json!({"scopes": missing})).await.map(drop)
        }
    }

    async fn refresh_failed(
        &self,
        next: &mut Grant,
        begun: &Begun,
        error: &ProviderError,
        now: &Present,
        draft: &mut Draft<'_>,
    ) -> Result<()> {
        if !error.may_have_happened {
            for counted in &begun.counted {
                next.refresh.counted(*counted, None);
            }
        }
        next.refresh.failures += 1;
        next.refresh.last_failure = Some(format!("{:?}", error.class).to_lowercase());
        match error.class {
            FailureClass::Revoked if self.is_over(next, begun, error, now) => return self.died(next, begun, draft).await,
            FailureClass::Revoked => {
                next.refresh.refused_at.get_or_insert(now.moment);
            }
            FailureClass::Throttled => {
                let seconds = error.retry_after.unwrap_or(WINDOW_SECONDS).max(1);
                next.refresh.paused = Some(Pause { since: now.moment, seconds });
            }
            FailureClass::Misconfigured => {
                self.raise(draft, AlertKind::Misconfigured, &place(next), json!({})).await?;
            }
            _ => {}
        }
        if next.refresh.failures >= FAILURES_TO_TELL {
            let details = json!({"class": next.refresh.last_failure, "failures": next.refresh.failures});
            self.raise(draft, AlertKind::RefreshFailing, &next.id.to_string(), details).await?;
        }
        let due = self.order_refresh(next, draft).await?;
        draft.audit("grant.refresh_failed", next.id, json!({"class": next.refresh.last_failure, "next_at": due}));
        Ok(())
    }

    /// Whether a refusal is believed: the second one a minute after the first; or at once where an attempt before this one was never
    /// answered, the provider is known to replace refresh tokens, and it says `invalid_grant`: then that answer held the only token that
    /// still works. Any other word, or one from a provider that keeps its tokens, does not follow from a lost answer and is asked again.
    fn is_over(&self, grant: &Grant, begun: &Begun, error: &ProviderError, now: &Present) -> bool {
        let lost = error.invalid_grant && grant.refresh.rotates == Some(true) && begun.unanswered_before.is_some();
        lost || grant.refresh.believes(now, Timing::seconds(self.timing().belief))
    }

    /// The permission is over: the manager gets a fresh link without anyone asking, and the administrator is told why.
    async fn died(&self, next: &mut Grant, begun: &Begun, draft: &mut Draft<'_>) -> Result<()> {
        let lost = begun.unanswered_before.filter(|_| next.refresh.rotates != Some(false));
        let (rotates, serial) = (next.refresh.rotates, next.refresh.serial);
        let why = if lost.is_some() { ROTATION_LOST } else { "revoked" };
        end(next, GrantState::Dead, why, draft.now);
        draft.audit("grant.died", next.id, json!({"why": why}));
        let subject = next.id.to_string();
        if let Some(since) = lost {
            draft.audit("grant.rotation_lost", next.id, json!({"generation": next.generation, "unanswered_since": since}));
            let details = json!({"unanswered_since": since, "certain": rotates == Some(true)});
            self.raise(draft, AlertKind::RotationLost, &subject, details).await?;
        }
        self.raise(draft, AlertKind::AccessLost, &subject, json!({"why": why})).await?;
        for kind in [AlertKind::RefreshFailing, AlertKind::RefreshBudgetNearLimit, AlertKind::ScopeMissing] {
            self.clear(draft, kind, &subject).await?;
        }
        if let Some(serial) = serial {
            self.token_ended(serial, "dead", draft).await?;
        }
        self.ask_again_after_death(next, draft).await
    }

    /// Orders the next refresh and notes when that is.
    pub(crate) async fn order_refresh(&self, grant: &mut Grant, draft: &mut Draft<'_>) -> Result<Timestamp> {
        let [jitter] = self.entropy().bytes::<1>();
        let now = draft.now;
        let ahead = left(grant, now) - REFRESH_AHEAD_SECONDS;
        let spread = i64::from(jitter) * 60 / 255;
        grant.refresh.on_demand = false;
        let mut due = if grant.refresh.failures > 0 {
            let growing = backoff_seconds(i64::from(grant.refresh.failures), jitter);
            after(now, growing.max(Timing::seconds(self.timing().belief)))
        } else if self.settings().refresh == RefreshWhen::Due {
            grant.refresh.on_demand = true;
            let probe = after(now, PROBE_SECONDS - spread * 60);
            self.next_work(grant, now)
                .await?
                .map_or(probe, |work| probe.min(after(work, -PREPARE_SECONDS - spread).max(after(now, 30))))
        } else if ahead > 60 {
            after(now, ahead - spread)
        } else {
            // A short-lived token is refreshed at three quarters of its life instead.
            after(now, (left(grant, now) * 3 / 4).max(30))
        };
        if let Some(pause) = grant.refresh.paused {
            due = due.max(after(pause.since.at, pause.seconds));
        }
        grant.refresh.next_at = Some(due);
        draft.order(
            Work::Refresh { grant: grant.id },
            Dedupe::Open(format!("refresh:{}:{}:{}", grant.id, grant.generation, due.as_second())),
            None,
            due,
            None,
        );
        Ok(due)
    }

    /// When something of this manager's is next looked at or told, as far as that is planned and the access token does not live until
    /// then.
    async fn next_work(&self, grant: &Grant, now: Timestamp) -> Result<Option<Timestamp>> {
        let ends = grant.tokens.as_ref().map_or(now, |tokens| tokens.access_expires_at);
        let horizon = after(now, PROBE_SECONDS + 25 * 3_600);
        let window = domain::TimeRange::new(now, horizon).map_err(|error| Error::Internal(error.to_string()))?;
        let agenda = self.store().agenda(grant.person, window).await?;
        let looks = agenda.iter().flat_map(|interview| crate::draft::looks(interview.range.start()));
        Ok(looks.filter(|look| *look > ends).min())
    }
}

/// What the protocol remembers of an answer.
pub(super) fn remember(record: &mut RefreshRecord, sent: &RefreshToken, counted: &[Moment], answer: &TokenAnswer, now: &Present) {
    let replaced = answer.refresh.as_ref().is_some_and(|token| token != sent);
    if replaced {
        record.rotates = Some(true);
        record.rotated_at = Some(now.moment);
    } else {
        record.rotates.get_or_insert(false);
    }
    if let Some((last, refused)) = counted.split_last() {
        for counted in refused {
            record.counted(*counted, None);
        }
        record.counted(*last, Some(answer.expires_in));
    }
    record.unanswered_at = None;
    record.refused_at = None;
    record.paused = None;
    record.access_ends_by_lease = Some(after(now.moment.lease, answer.expires_in));
}

impl App {
    /// Ends what is told of a grant's permission: it is new, or gone because somebody here wanted it.
    pub(crate) async fn clear_alerts(&self, grant: Id<Grant>, draft: &mut Draft<'_>) -> Result<()> {
        let kinds = [
            AlertKind::AccessLost,
            AlertKind::RotationLost,
            AlertKind::RefreshFailing,
            AlertKind::SealBroken,
            AlertKind::RefreshBudgetNearLimit,
            AlertKind::ScopeMissing,
        ];
        for kind in kinds {
            self.clear(draft, kind, &grant.to_string()).await?;
        }
        Ok(())
    }
}

/// Ends a grant: the tokens go, the identity and the place stay.
pub(crate) fn end(grant: &mut Grant, state: GrantState, why: &str, now: Timestamp) {
    grant.state = state;
    grant.tokens = None;
    grant.ended = Some((now, why.to_owned()));
    grant.refresh = RefreshRecord { rotates: grant.refresh.rotates, ..RefreshRecord::default() };
}

/// The subject of what concerns a whole data centre.
fn place(grant: &Grant) -> String {
    domain::gates::Gate::of_data_centre(&grant.provider, grant.data_centre.as_deref().unwrap_or_default())
}
