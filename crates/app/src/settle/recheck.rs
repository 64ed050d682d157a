//! The look just after a write: a meeting that was made at the same moment, or a second copy of our event.

use domain::{
    Id,
    interviews::{AttentionReason, Command, Interview},
};
use ports::calendar::FailureClass;

use super::{provider_again, upcoming};
use crate::{App, Result, worker::Verdict};

/// Attempts before the look is given up: the write itself is known to have happened.
const MAX_ATTEMPTS: i64 = 10;

impl App {
    pub(crate) async fn run_recheck(&self, id: Id<Interview>, intent_rev: i64, attempt: i64) -> Result<Verdict> {
        let Some(bench) = self.bench(id).await? else { return Ok(Verdict::Done) };
        if bench.interview.intent_rev < intent_rev
            || !upcoming(bench.interview.state)
            || !bench.grant.is_usable()
            || attempt > MAX_ATTEMPTS
        {
            return Ok(Verdict::Done);
        }
        match self.clash(&bench, bench.interview.range).await? {
            Ok(None) => {}
            // A person saw it and kept the interview: that is not asked again before each reminder.
            Ok(Some(range)) if self.is_known_clash(&bench.interview, range).await? => {}
            Ok(Some(_)) => return self.apply(id, "interview.clash", Command::Alarm(AttentionReason::Clash)).await,
            Err(error) => return Ok(provider_again(&error, attempt)),
        }
        let Some(event) = bench.interview.event.clone() else { return Ok(Verdict::Done) };
        let copies = match self.marked(&bench, &event.calendar, bench.interview.created_at).await? {
            Ok(events) => events,
            Err(error) => return Ok(provider_again(&error, attempt)),
        };
        for copy in copies.into_iter().filter(|copy| copy.uid != event.uid && copy.range == event.written) {
            let (provider, calendar, uid) = (bench.provider, event.calendar.as_str(), copy.uid.as_str());
            let etag = copy.etag.clone().unwrap_or_default();
            let etag = etag.as_str();
            tracing::warn!(interview = %id, "a second copy of our event is deleted");
            let answer =
                self.with_access(bench.grant.id, |access| async move { provider.delete(&access, calendar, uid, etag).await }).await;
            match answer {
                Ok(()) => {}
                Err(error) if error.class == FailureClass::Gone => {}
                Err(error) => return Ok(provider_again(&error, attempt)),
            }
        }
        // The one writer compares the event with what is intended, and takes over what the manager changed.
        let mut draft = self.draft(&Self::by_job());
        draft.settle(id);
        self.commit(draft.finish()).await?;
        Ok(Verdict::Done)
    }
}
