//! One writer per event. `settle` reads the intended revision and the live event and does the one smallest write; `recheck` looks again
//! just after a write. What the manager did in the calendar is a fact, never overwritten.

mod create;
mod recheck;
mod remove;

use domain::{
    Id, TimeRange,
    grants::Grant,
    interviews::{AttentionReason, Command, EventRef, Interview, InterviewState, decide},
    jobs::{Dedupe, Work, backoff_seconds},
    people::Person,
    vacancies::Vacancy,
};
use ports::calendar::{Event, EventPatch, FailureClass, ListMode, ProviderError};
pub(crate) use remove::Removal;
use serde_json::json;

use crate::{App, Error, Provider, Result, arrange::is_ours, draft::later, grants::failure, worker::Verdict};

/// What a settle run works with.
pub(crate) struct Bench<'a> {
    pub interview: Interview,
    pub vacancy: Vacancy,
    pub manager: Person,
    pub candidate: Person,
    pub interviewers: Vec<Person>,
    pub grant: Grant,
    pub provider: Provider<'a>,
}

/// Attempts after which a failing provider is asked hourly.
const PATIENCE: i64 = 30;
/// Seconds between the looks for an event that is not found, before it counts as deleted.
const LOOKS: [i64; 3] = [10, 60, 300];

/// How long an interview that cannot be settled now waits by itself; a reconnection or a resume wakes it earlier.
const WAIT_SECONDS: i64 = 600;

impl App {
    pub(crate) async fn run_settle(&self, id: Id<Interview>, attempt: i64) -> Result<Verdict> {
        let Some(bench) = self.bench(id).await? else { return Ok(Verdict::Done) };
        let interview = &bench.interview;
        if interview.wants_event() && (bench.vacancy.paused_at.is_some() || self.paused_all().await?) {
            return Ok(Verdict::Again { seconds: WAIT_SECONDS, error: None });
        }
        if !interview.wants_event() && interview.event.is_none() && interview.attempt.is_none() {
            return Ok(Verdict::Done);
        }
        if !bench.grant.is_usable() {
            return Ok(Verdict::Again { seconds: WAIT_SECONDS, error: None });
        }
        match (&interview.event, interview.wants_event()) {
            (None, true) => self.create_event(&bench, attempt).await,
            (Some(event), true) => self.update_event(&bench, event, attempt).await,
            (Some(event), false) => self.delete_event(&bench, event, attempt).await,
            (None, false) => self.delete_unclear(&bench, attempt).await,
        }
    }

    pub(crate) async fn bench(&self, id: Id<Interview>) -> Result<Option<Bench<'_>>> {
        let Some(interview) = self.store().interview(id).await? else { return Ok(None) };
        let view = self.interview_view(interview).await?;
        let written = view.interview.event.as_ref().map(|event| event.calendar.as_str());
        let calendar = written.or(view.interview.attempt.as_ref().map(|attempt| attempt.calendar.as_str()));
        let Some(grant) = self.grant_reaching(view.manager.id, calendar).await? else { return Ok(None) };
        let provider = self.provider_named(&grant.provider)?;
        Ok(Some(Bench {
            interview: view.interview,
            vacancy: view.vacancy,
            manager: view.manager,
            candidate: view.candidate,
            interviewers: view.interviewers,
            grant,
            provider,
        }))
    }

    /// Brings an event that exists to the intended time, unless the manager changed it.
    async fn update_event(&self, bench: &Bench<'_>, event: &EventRef, attempt: i64) -> Result<Verdict> {
        let (id, provider) = (bench.interview.id, bench.provider);
        let live = match self.live_event(bench, event).await? {
            Ok(Some(live)) => live,
            Ok(None) if self.disbelieved(bench.grant.id).await? => {
                return Ok(Verdict::Again { seconds: WAIT_SECONDS, error: None });
            }
            Ok(None) => {
                // A deletion is a hint: a fresh event may be invisible for a while. It is looked for again before anybody is alarmed.
                let look = usize::try_from(attempt - 1).ok().and_then(|look| LOOKS.get(look));
                if let Some(seconds) = look {
                    return Ok(Verdict::again(*seconds, "the event is not found; looking again"));
                }
                return self.apply(id, "interview.event_deleted", Command::Alarm(AttentionReason::EventDeleted)).await;
            }
            Err(error) => return Ok(provider_again(&error, attempt)),
        };
        let etag = live.etag.clone().unwrap_or_else(|| event.etag.clone());
        let now_at = |range| EventRef { written: range, etag: etag.clone(), ..event.clone() };
        if live.range != event.written && live.range != bench.interview.range {
            if self.disbelieved(bench.grant.id).await? {
                return Ok(Verdict::Again { seconds: WAIT_SECONDS, error: None });
            }
            let odd =
                live.all_day || live.recurrence.is_some() || live.range.start() <= self.now() || live.range.minutes() > 24 * 60;
            let event = now_at(live.range);
            return if odd {
                self.apply(id, "interview.clash", Command::ClashByHand { event }).await
            } else {
                self.moved_by_hand(bench, event).await
            };
        }
        if !bench.interview.is_settled() && bench.interview.range.start() <= self.now() {
            return self.apply(id, "interview.too_late", Command::Alarm(AttentionReason::NoTime)).await;
        }
        if live.range == bench.interview.range {
            let command = Command::Written { intent_rev: bench.interview.intent_rev, event: now_at(live.range) };
            return if bench.interview.is_settled() {
                Ok(Verdict::Done)
            } else {
                self.apply(id, "interview.written", command).await
            };
        }
        match self.clash(bench, bench.interview.range).await? {
            Ok(None) => {}
            Ok(Some(_)) => return self.apply(id, "interview.clash", Command::Alarm(AttentionReason::Clash)).await,
            Err(error) => return Ok(provider_again(&error, attempt)),
        }
        let patch = EventPatch { range: bench.interview.range, zone: bench.interview.zone.clone(), etag };
        let (calendar, uid, patch) = (event.calendar.as_str(), event.uid.as_str(), &patch);
        let answer = self
            .with_access(bench.grant.id, |access| async move { provider.reschedule(&access, calendar, uid, patch).await })
            .await;
        match answer {
            Ok(written) => {
                let event = EventRef { written: bench.interview.range, etag: written.etag.clone(), ..event.clone() };
                self.written(bench, event).await
            }
            Err(error) if error.class == FailureClass::Changed => {
                Ok(Verdict::again(2, "the event changed while it was being moved"))
            }
            Err(error) => Ok(provider_again(&error, attempt)),
        }
    }

    /// Deletes the event of an interview that is off.
    async fn delete_event(&self, bench: &Bench<'_>, event: &EventRef, attempt: i64) -> Result<Verdict> {
        let (provider, calendar, uid) = (bench.provider, event.calendar.as_str(), event.uid.as_str());
        let live = match self.live_event(bench, event).await? {
            Ok(Some(live)) => live,
            Ok(None) => return self.apply(bench.interview.id, "interview.erased", Command::Erased).await,
            Err(error) => return Ok(provider_again(&error, attempt)),
        };
        let etag = live.etag.unwrap_or_else(|| event.etag.clone());
        let etag = etag.as_str();
        let answer =
            self.with_access(bench.grant.id, |access| async move { provider.delete(&access, calendar, uid, etag).await }).await;
        match answer {
            Ok(()) => self.apply(bench.interview.id, "interview.erased", Command::Erased).await,
            Err(error) if error.class == FailureClass::Gone => {
                self.apply(bench.interview.id, "interview.erased", Command::Erased).await
            }
            Err(error) if error.class == FailureClass::Changed => {
                Ok(Verdict::again(2, "the event changed while it was being deleted"))
            }
            Err(error) => Ok(provider_again(&error, attempt)),
        }
    }

    /// The event as the calendar has it now. A read that finds nothing is confirmed by the list before it is believed.
    pub(crate) async fn live_event(&self, bench: &Bench<'_>, event: &EventRef) -> Result<Result<Option<Event>, ProviderError>> {
        let (provider, calendar, uid) = (bench.provider, event.calendar.as_str(), event.uid.as_str());
        let read = self.with_access(bench.grant.id, |access| async move { provider.event(&access, calendar, uid).await }).await;
        match read {
            Ok(None) => {}
            answer => return Ok(answer),
        }
        let window = TimeRange::new(later(event.written.start(), -24 * 60)?, later(event.written.end(), 24 * 60)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let list = self
            .with_access(bench.grant.id, |access| async move {
                provider.events(&access, calendar, window, ListMode::WithDescription).await
            })
            .await;
        Ok(list.map(|events| events.into_iter().find(|listed| listed.uid == event.uid)))
    }

    /// Something busy in the calendars of anybody who interviews that overlaps `range` and is not ours. Read live.
    pub(crate) async fn clash(&self, bench: &Bench<'_>, range: TimeRange) -> Result<Result<Option<TimeRange>, ProviderError>> {
        let own = bench.interview.event.as_ref().map(|event| event.uid.as_str());
        let mut grants = vec![bench.grant.clone()];
        for person in bench.interview.panel().filter(|person| *person != bench.manager.id) {
            // Who is no longer connected was so when the time was planned; their interviews are still kept apart by what is claimed.
            grants.extend(self.grant_of(person).await?.filter(Grant::is_usable));
        }
        for grant in &grants {
            match self.clash_of(grant, own, range).await? {
                Ok(None) => {}
                found => return Ok(found),
            }
        }
        Ok(Ok(None))
    }

    /// The same in one person's calendars.
    async fn clash_of(
        &self,
        grant: &Grant,
        own: Option<&str>,
        range: TimeRange,
    ) -> Result<Result<Option<TimeRange>, ProviderError>> {
        if grant.busy_calendars.is_empty() {
            return Ok(Err(failure(FailureClass::Protocol, "no calendar is chosen")));
        }
        let provider = self.provider_named(&grant.provider)?;
        let ours = self.our_events(grant.person, range).await?;
        for calendar in &grant.busy_calendars {
            let list = self
                .with_access(grant.id, |access| async move { provider.events(&access, calendar, range, ListMode::Instances).await })
                .await;
            match list {
                Ok(events) => {
                    let found = events.into_iter().find(|event| {
                        event.busy && event.range.overlaps(range) && own != Some(event.uid.as_str()) && !is_ours(event, &ours)
                    });
                    if let Some(event) = found {
                        return Ok(Ok(Some(event.range)));
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(None))
    }

    /// Stores that the calendar holds the intent that was read at the start of this run, and orders the look just after.
    pub(crate) async fn written(&self, bench: &Bench<'_>, event: EventRef) -> Result<Verdict> {
        let (id, intent_rev) = (bench.interview.id, bench.interview.intent_rev);
        let event = &event;
        self.transact(None, || async move {
            let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
            let mut draft = self.draft(&Self::by_job());
            let (next, effects) = decide(&interview, Command::Written { intent_rev, event: event.clone() }, draft.now)?;
            draft.audit("interview.written", id, json!({"intent": intent_rev, "uid": event.uid}));
            draft.interview(next, &effects, &[], 0)?;
            draft.order(
                Work::Recheck { interview: id, intent_rev },
                Dedupe::Once(format!("recheck:{id}:{intent_rev}")),
                None,
                draft.now,
                None,
            );
            self.order_looks(&mut draft, &interview).await?;
            Ok((draft.finish(), Verdict::Done))
        })
        .await
    }

    /// The manager moved the event: the time is taken over, or, where it meets another interview, put before a person.
    async fn moved_by_hand(&self, bench: &Bench<'_>, event: EventRef) -> Result<Verdict> {
        let (id, event) = (bench.interview.id, &event);
        let outcome = self
            .transact(None, || async move {
                let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
                let mut draft = self.draft(&Self::by_job());
                let agendas = self.agendas_of(&interview).await?;
                let (next, effects) = decide(&interview, Command::MovedByHand { event: event.clone() }, draft.now)?;
                draft.audit("interview.moved_by_hand", id, json!({"from": interview.range.start(), "to": event.written.start()}));
                draft.interview(next, &effects, &agendas, 0)?;
                Ok((draft.finish(), Verdict::Done))
            })
            .await;
        match outcome {
            // The new time's cells belong to another interview: nothing of the move was stored.
            Err(Error::Busy) => self.apply(id, "interview.clash", Command::ClashByHand { event: event.clone() }).await,
            Err(Error::Refused { code, .. }) => {
                tracing::info!(interview = %id, code, "the interview is past being moved");
                Ok(Verdict::Done)
            }
            outcome => outcome,
        }
    }

    /// Applies one command in the name of the job.
    pub(crate) async fn apply(&self, id: Id<Interview>, action: &'static str, command: Command) -> Result<Verdict> {
        match self.command(id, None, false, &Self::by_job(), action, command).await {
            Ok(_) => Ok(Verdict::Done),
            Err(Error::Refused { code, .. }) => {
                tracing::info!(interview = %id, action, code, "the interview is past this");
                Ok(Verdict::Done)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether an interview of this state is still to come.
pub(crate) const fn upcoming(state: InterviewState) -> bool {
    matches!(state, InterviewState::Booking | InterviewState::Booked)
}

/// When a failed provider call is repeated.
pub(crate) fn provider_again(error: &ProviderError, attempt: i64) -> Verdict {
    let text = format!("{:?}: {}", error.class, error.detail);
    if attempt >= PATIENCE {
        // Waiting for a provider is not failing: it goes on, hourly.
        tracing::warn!(error = text, "the provider keeps failing");
        return Verdict::Again { seconds: 3_600, error: None };
    }
    let seconds = match error.class {
        FailureClass::Throttled => error.retry_after.unwrap_or(60).clamp(1, 3_600),
        FailureClass::Revoked | FailureClass::Misconfigured | FailureClass::WrongDataCentre => {
            return Verdict::Again { seconds: WAIT_SECONDS, error: None };
        }
        _ => backoff_seconds(attempt, 0),
    };
    Verdict::again(seconds, text)
}
