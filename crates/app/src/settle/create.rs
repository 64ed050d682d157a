//! Creating an event where creating is not idempotent: the attempt is journalled before the call, and after an unclear outcome the marker is
//! looked for (after 10 s, 60 s and 5 min) before anything is created again.

use domain::{
    Timestamp,
    claims::Holder,
    interviews::{AttentionReason, By, Command, CreateAttempt, EventRef, Interview, decide},
    vacancies::Place,
};
use ports::calendar::{Event, EventDraft, FailureClass, ListMode, ProviderError, Written};
use serde_json::json;

use super::{Bench, provider_again};
use crate::{App, Error, Result, draft::later, interviews::round_name, worker::Verdict};

/// Seconds after the attempt at which the marker is looked for.
const SEARCHES: [i64; 3] = [10, 60, 300];
/// How far ahead the marker is looked for, in minutes.
const SEARCH_AHEAD_MINUTES: i64 = 120 * 24 * 60;

/// What looking for the marker found.
enum Found {
    Event(Box<Event>),
    NotYet { seconds: i64 },
    Never,
}

impl App {
    pub(super) async fn create_event(&self, bench: &Bench<'_>, attempt: i64) -> Result<Verdict> {
        if let Some(journalled) = &bench.interview.attempt {
            return match self.look_for(bench, journalled).await? {
                Ok(Found::Event(event)) => self.adopt(bench, journalled, *event).await,
                Ok(Found::NotYet { seconds }) => Ok(Verdict::Again { seconds, error: None }),
                Ok(Found::Never) => {
                    self.apply(bench.interview.id, "interview.create_failed", Command::AttemptFailed).await?;
                    Ok(Verdict::Again { seconds: 0, error: None })
                }
                Err(error) => Ok(provider_again(&error, attempt)),
            };
        }
        let Some(calendar) = bench.grant.calendar.as_ref().map(|calendar| calendar.uid.clone()) else {
            return Ok(Verdict::Again { seconds: super::WAIT_SECONDS, error: None });
        };
        if bench.interview.range.start() <= self.now() {
            return Box::pin(self.slot_taken(bench, AttentionReason::NoTime)).await;
        }
        match self.clash(bench, bench.interview.range).await? {
            Ok(None) => {}
            Ok(Some(_)) => return Box::pin(self.slot_taken(bench, AttentionReason::Clash)).await,
            Err(error) => return Ok(provider_again(&error, attempt)),
        }
        let journalled = CreateAttempt { at: self.now(), calendar: calendar.clone(), searches: 0 };
        let begun = self.begin_create(&bench.interview, journalled).await?;
        if !begun {
            return Ok(Verdict::Again { seconds: 0, error: None });
        }
        let draft = self.event_draft(bench)?;
        let (provider, draft, target) = (bench.provider, &draft, calendar.as_str());
        let answer = self.with_access(bench.grant.id, |access| async move { provider.create(&access, target, draft).await }).await;
        match answer {
            Ok(written) => self.written(bench, event_ref(&calendar, &bench.interview, &written)).await,
            Err(error) => self.create_failed(bench, &error, attempt).await,
        }
    }

    /// Journals the attempt, if the interview is still the one that was read.
    async fn begin_create(&self, interview: &Interview, journalled: CreateAttempt) -> Result<bool> {
        let mut draft = self.draft(&Self::by_job());
        let (next, effects) = decide(interview, Command::Attempting(journalled), draft.now)?;
        draft.audit("interview.creating", interview.id, json!({"intent": interview.intent_rev}));
        draft.interview(next, &effects, &[], 0)?;
        match self.commit(draft.finish()).await {
            Ok(()) => Ok(true),
            Err(ports::store::CommitError::Conflict(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn create_failed(&self, bench: &Bench<'_>, error: &ProviderError, attempt: i64) -> Result<Verdict> {
        if error.may_have_happened {
            tracing::warn!(interview = %bench.interview.id, class = ?error.class, detail = error.detail, "a create has an unclear outcome; the marker is looked for");
            return Ok(Verdict::again(SEARCHES[0], format!("unclear create: {:?}", error.class)));
        }
        self.apply(bench.interview.id, "interview.create_failed", Command::AttemptFailed).await?;
        if matches!(error.class, FailureClass::Refused | FailureClass::Gone | FailureClass::ScopeMissing) {
            return self
                .apply(bench.interview.id, "interview.calendar_refused", Command::Alarm(AttentionReason::CalendarRefused))
                .await;
        }
        Ok(provider_again(error, attempt))
    }

    /// Looks for the event of a journalled create: full list, wide window.
    async fn look_for(&self, bench: &Bench<'_>, journalled: &CreateAttempt) -> Result<Result<Found, ProviderError>> {
        let since = self.now().as_second() - journalled.at.as_second();
        let round = usize::try_from(journalled.searches).unwrap_or(usize::MAX);
        let Some(due) = SEARCHES.get(round) else { return Ok(Ok(Found::Never)) };
        if since < *due {
            return Ok(Ok(Found::NotYet { seconds: due - since }));
        }
        match self.marked(bench, &journalled.calendar, journalled.at).await? {
            Ok(mut events) if !events.is_empty() => return Ok(Ok(Found::Event(Box::new(events.swap_remove(0))))),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
        let searched = CreateAttempt { searches: journalled.searches + 1, ..journalled.clone() };
        self.apply(bench.interview.id, "interview.marker_not_found", Command::Attempting(searched)).await?;
        Ok(Ok(match SEARCHES.get(round + 1) {
            Some(next) => Found::NotYet { seconds: (next - since).max(1) },
            None => Found::Never,
        }))
    }

    /// Events in the calendar that carry this interview's marker.
    pub(super) async fn marked(
        &self,
        bench: &Bench<'_>,
        calendar: &str,
        from: Timestamp,
    ) -> Result<Result<Vec<Event>, ProviderError>> {
        let start = later(from.min(bench.interview.range.start()), -24 * 60)?;
        let end = later(bench.interview.range.end().max(from), SEARCH_AHEAD_MINUTES)?;
        let window = domain::TimeRange::new(start, end).map_err(|error| Error::Internal(error.to_string()))?;
        let provider = bench.provider;
        let list = self
            .with_access(bench.grant.id, |access| async move {
                provider.events(&access, calendar, window, ListMode::WithDescription).await
            })
            .await;
        let marker = bench.interview.id.to_string();
        let has = |text: &Option<String>| text.as_deref().is_some_and(|text| text.contains(&marker));
        Ok(list.map(|events| events.into_iter().filter(|event| has(&event.url) || has(&event.description)).collect()))
    }

    /// An event of an unclear create was found: it is the one.
    async fn adopt(&self, bench: &Bench<'_>, journalled: &CreateAttempt, event: Event) -> Result<Verdict> {
        let found = EventRef {
            calendar: journalled.calendar.clone(),
            uid: event.uid,
            etag: event.etag.unwrap_or_default(),
            written: event.range,
            url: event.view_url,
            meeting_url: event.meeting_url,
        };
        let as_intended = found.written == bench.interview.range;
        let verdict = if as_intended {
            self.written(bench, found).await?
        } else {
            // Moved since the attempt: the event is ours but old; the next run moves it.
            let command = Command::Written { intent_rev: bench.interview.intent_rev - 1, event: found };
            self.apply(bench.interview.id, "interview.written", command).await?
        };
        Ok(if as_intended { verdict } else { Verdict::Again { seconds: 0, error: None } })
    }

    /// Deletes what an unclear create of an interview that is off may have left.
    pub(super) async fn delete_unclear(&self, bench: &Bench<'_>, attempt: i64) -> Result<Verdict> {
        let Some(journalled) = &bench.interview.attempt else { return Ok(Verdict::Done) };
        match self.look_for(bench, journalled).await? {
            Ok(Found::Event(event)) => self.adopt(bench, journalled, *event).await,
            Ok(Found::NotYet { seconds }) => Ok(Verdict::Again { seconds, error: None }),
            Ok(Found::Never) => self.apply(bench.interview.id, "interview.erased", Command::Erased).await,
            Err(error) => Ok(provider_again(&error, attempt)),
        }
    }

    /// The slot was taken in the calendar since it was read: the next one, or a person where the candidate knows the time already.
    async fn slot_taken(&self, bench: &Bench<'_>, reason: AttentionReason) -> Result<Verdict> {
        let id = bench.interview.id;
        if bench.interview.invited {
            return self.apply(id, "interview.clash", Command::Alarm(reason)).await;
        }
        let desk = &Box::pin(self.desk_of(&bench.interview)).await?;
        if desk.source().0 == "unknown" {
            return Ok(Verdict::again(30, "a calendar cannot be read"));
        }
        self.transact(Some(Holder::person(bench.manager.id)), || async move {
            let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
            let mut draft = self.draft(&Self::by_job());
            if interview.intent_rev != bench.interview.intent_rev {
                // Somebody decided otherwise meanwhile: the next run looks at that.
                return Ok((draft.finish(), Verdict::Again { seconds: 0, error: None }));
            }
            let agendas = self.agendas_of(&interview).await?;
            let planning = self.planning(desk, bench.candidate.id, Some(id)).await?;
            let command = match desk.earliest_for(&planning, bench.candidate.zone.clone()) {
                Ok(sitting) => Command::Move { range: sitting.range, by: By::System },
                Err(_) => Command::Alarm(AttentionReason::NoTime),
            };
            let (next, effects) = decide(&interview, command, draft.now)?;
            draft.audit("interview.slot_taken", id, json!({"was": interview.range.start(), "now": next.range.start()}));
            draft.interview(next, &effects, &agendas, i64::from(desk.rules.minimum_notice_minutes))?;
            Ok((draft.finish(), Verdict::Done))
        })
        .await
    }

    /// What the manager sees in the calendar.
    fn event_draft(&self, bench: &Bench<'_>) -> Result<EventDraft> {
        let url = self.our_url(&format!("interviews/{}", bench.interview.id))?;
        let mut lines = vec![
            format!("{} for {}", round_name(&bench.vacancy, bench.interview.round), bench.vacancy.title),
            format!("Candidate: {}", bench.candidate.name),
        ];
        if !bench.interviewers.is_empty() {
            let names: Vec<&str> = bench.interviewers.iter().map(|person| person.name.as_str()).collect();
            lines.push(format!("With: {}", names.join(", ")));
        }
        if let Some(place) = bench.vacancy.place.as_ref().and_then(Place::text) {
            lines.push(format!("Where: {place}"));
        }
        lines.extend([String::new(), format!("Arranged by {} through Greenroom: {url}", self.settings().company)]);
        Ok(EventDraft {
            title: format!("Interview with {}", bench.candidate.name),
            description: lines.join("\n"),
            location: bench.vacancy.place.as_ref().and_then(Place::text).map(ToOwned::to_owned),
            url: Some(url.to_string()),
            range: bench.interview.range,
            zone: bench.interview.zone.clone(),
            make_meeting: bench.vacancy.place == Some(Place::ZohoMeeting),
        })
    }
}

fn event_ref(calendar: &str, interview: &Interview, written: &Written) -> EventRef {
    EventRef {
        calendar: calendar.to_owned(),
        uid: written.uid.clone(),
        etag: written.etag.clone(),
        written: interview.range,
        url: written.view_url.clone(),
        meeting_url: written.meeting_url.clone(),
    }
}
