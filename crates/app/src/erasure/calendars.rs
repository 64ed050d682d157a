//! The part of an erasure that calendars must know: events are removed, and a manager's permission ends when it is no longer needed.

use domain::{
    Id,
    erasure::{Erasure, Kind, Stage},
    grants::{Grant, GrantState},
    interviews::InterviewState,
    jobs::{Dedupe, Work},
    mails::MailOrder,
    people::Person,
};
use ports::Put;
use serde_json::json;

use super::has_event;
use crate::{App, Error, Result, draft::touched, grants, settle::Removal, worker::Verdict};

/// How long events are tried to be removed that another manager's calendar holds: that manager may connect again.
const DAYS: i64 = 7;

impl App {
    /// Removes what stands in calendars. Goes on when nothing is left, when nothing can be done, or when the time is over.
    pub(super) async fn clear_calendars(&self, erasure: &Erasure) -> Result<Verdict> {
        let id = erasure.person;
        let (mut left, mut hopeless) = (0_i64, 0_i64);
        for interview in self.store().interviews_with(id).await?.into_iter().filter(has_event) {
            if interview.state == InterviewState::Cancelled {
                // Its own job removes it; woken in case it waits.
                let mut draft = self.draft(&Self::by_job());
                draft.settle(interview.id);
                self.commit(draft.finish()).await?;
            }
            match self.remove_event(&interview).await? {
                Removal::Gone => {}
                Removal::Unreachable { manager } if erasure.kind == Kind::Manager && manager == id => {
                    left += 1;
                    hopeless += 1;
                }
                Removal::Unreachable { .. } | Removal::Later => left += 1,
            }
        }
        let age = self.now().as_second() - erasure.requested_at.as_second();
        if left > hopeless && age < DAYS * 86_400 {
            let seconds = if age < 3_600 { 30 } else { 3_600 };
            return Ok(Verdict::Again { seconds, error: None });
        }
        self.end_grants(id).await?;
        self.record_left(id, left).await?;
        self.wipe(erasure, true, Stage::Checking).await?;
        Ok(Verdict::Again { seconds: 0, error: None })
    }

    /// Says how many events could not be removed, and puts that before the recruiter.
    async fn record_left(&self, id: Id<Person>, left: i64) -> Result<()> {
        if left == 0 {
            return Ok(());
        }
        self.transact(None, || async move {
            let stored = self.store().erasure(id).await?.ok_or_else(|| Error::missing("erasure", id))?;
            let mut draft = self.draft(&Self::by_job());
            if stored.events_left == left {
                return Ok((draft.finish(), ()));
            }
            draft.audit("erasure.events_left", id, json!({"events": left}));
            draft.mail(MailOrder::Attention {
                subject: id.to_string(),
                code: "erasure_events_left".to_owned(),
                at: stored.requested_at.as_second(),
            });
            draft.put(Put::Erasure(Erasure { events_left: left, ..touched(&stored) }));
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Ends a person's permissions with everything that came with them, and revokes each of their tokens at the provider.
    pub(super) async fn end_grants(&self, person: Id<Person>) -> Result<()> {
        for grant in self.grants_of(person).await? {
            self.end_grant(grant.id).await?;
        }
        Ok(())
    }

    async fn end_grant(&self, id: Id<Grant>) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(grant) = self.store().grant(id).await? else { return Ok((draft.finish(), ())) };
            let live = grant
                .tokens
                .as_ref()
                .zip(grant.data_centre.as_ref())
                .map(|(tokens, place)| (&tokens.refresh, place, grant.refresh.serial));
            let unverified = grant.unverified.as_ref().filter(|unverified| unverified.has_refresh);
            let unverified = unverified.map(|unverified| (&unverified.tokens.refresh, &unverified.data_centre, None));
            let pending = grant.pending.as_ref();
            let pending = pending.map(|pending| (&pending.tokens.refresh, &pending.account.data_centre, pending.refresh.serial));
            let sealed: Vec<_> = [live, unverified, pending].into_iter().flatten().collect();
            if sealed.is_empty() {
                return Ok((draft.finish(), ()));
            }
            for (number, (refresh, data_centre, serial)) in sealed.into_iter().enumerate() {
                let work =
                    Work::Revoke { grant: grant.id, data_centre: data_centre.clone(), sealed_refresh: refresh.clone(), serial };
                let once = format!("revoke:{}:{}:erased:{number}", grant.id, draft.now.as_microsecond());
                draft.order(work, Dedupe::Once(once), None, draft.now, None);
            }
            let mut next = touched(&grant);
            grants::end(&mut next, GrantState::Disconnected, "erased", draft.now);
            next.unverified = None;
            next.pending = None;
            draft.audit("grant.disconnected", grant.id, json!({"person": grant.person}));
            draft.put(Put::Grant(next));
            Ok((draft.finish(), ()))
        })
        .await
    }
}
