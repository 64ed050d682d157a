//! Bringing a vacancy's interviews as far as they can go now: ask for permission, read the calendar, place the shortlist.

use domain::{
    Id, TimeRange, Timestamp, Zone,
    candidacies::{Candidacy, Unplaced},
    claims::Holder,
    grants::{Grant, GrantState},
    interviews::{AttentionReason, Command, Effect, Interview, InterviewState, NewInterview, decide},
    jobs::{Dedupe, Work},
    mails::MailOrder,
    people::Person,
    vacancies::{Round, Stuck, Vacancy, VacancyState},
};
use jiff::SignedDuration;
use ports::{
    Put,
    calendar::{Event, ListMode, ProviderError},
    change::Scope,
};
use scheduling::{Agenda, Busy, BusySet, Guest, Placement, Request, Rules, SlotLength, plan};
use serde_json::json;

use crate::{
    App, Error, Result,
    draft::{later, touched},
    worker::Verdict,
};

/// How long after a shortlist could not be placed whole it is tried again.
const RETRY_UNPLACED_SECONDS: i64 = 6 * 3_600;
/// How long a manager has to answer a provisional time before it is released, in minutes.
const DECIDING_MINUTES: u32 = 24 * 60;
/// Provisional times proposed to a candidate's manager before a person must look.
const MAX_PROPOSALS: usize = 3;
/// Largest set of busy calendars that is read.
const MAX_CALENDARS: usize = 20;

/// Everything about a manager that placing needs.
pub(crate) struct Desk {
    pub vacancy: Vacancy,
    pub round: Round,
    pub manager: Person,
    pub rules: Rules,
    pub busy: Busy,
    pub zone: Zone,
    /// How long before its start a provisional time is released.
    pub release_minutes: u32,
}

impl App {
    pub(crate) async fn run_arrange(&self, id: Id<Vacancy>) -> Result<Verdict> {
        let Some(vacancy) = self.store().vacancy(id).await? else { return Ok(Verdict::Done) };
        if vacancy.state != VacancyState::Approved || vacancy.paused_at.is_some() || self.paused_all().await? {
            return Ok(Verdict::Done);
        }
        let manager = self.person(vacancy.manager).await?;
        let grant = self.store().grant_of(manager.id, self.provider()?.name()).await?;
        if let Some(grant) = grant.filter(Grant::is_usable) {
            self.arrange_known(vacancy, manager, grant).await
        } else {
            self.arrange_without_permission(vacancy, manager).await
        }
    }

    async fn arrange_without_permission(&self, vacancy: Vacancy, manager: Person) -> Result<Verdict> {
        let (person, id) = (&manager, vacancy.id);
        let grant = self
            .transact(None, || async move {
                let mut draft = self.draft(&Self::by_job());
                let known = self.store().grant_of(person.id, self.provider()?.name()).await?;
                let fresh = match known {
                    Some(grant) if grant.request.is_some() || grant.pending.is_some() => return Ok((draft.finish(), grant)),
                    Some(grant) => grant,
                    None => {
                        let provider = self.provider()?.name();
                        let grant = Grant::requested(self.id(), person.id, provider, draft.now);
                        draft.take(Scope::Grant, format!("{provider}:{}", person.id), grant.id);
                        grant
                    }
                };
                let asked = Self::ask(fresh, Some(id), &mut draft)?;
                draft.put(Put::Grant(asked.clone()));
                Ok((draft.finish(), asked))
            })
            .await?;
        let since = grant.request.as_ref().map_or(self.now(), |request| request.first_at);
        if !vacancy.policy.provisional {
            return Ok(Verdict::Done);
        }
        let start = later(since, vacancy.policy.provisional_after_hours.max(0) * 60)?;
        let wait = start.as_second() - self.now().as_second();
        if wait > 0 && grant.state != GrantState::Refused {
            return Ok(Verdict::Again { seconds: wait, error: None });
        }
        let zone = grant.calendar.and_then(|calendar| calendar.zone).or_else(|| manager.zone.clone()).unwrap_or_else(Zone::utc);
        let busy = Busy::Assumed { policy: "provisional".to_owned(), since, set: BusySet::empty() };
        let Some(mut desk) = self.desk(vacancy, manager, zone, busy) else { return Ok(Verdict::Done) };
        // A provisional time is released at the minimum notice, so it must lie further ahead for somebody to answer.
        let mut rules = desk.rules.to_draft();
        rules.minimum_notice_minutes += DECIDING_MINUTES;
        rules.horizon_days = rules.horizon_days.max(rules.minimum_notice_minutes / (24 * 60) + 1);
        desk.release_minutes = desk.rules.minimum_notice_minutes;
        desk.rules = Rules::new(rules).map_err(|error| Error::Internal(error.to_string()))?;
        let unplaced = self.place_all(&desk).await?;
        Ok(if unplaced == 0 { Verdict::Done } else { Verdict::Again { seconds: RETRY_UNPLACED_SECONDS, error: None } })
    }

    async fn arrange_known(&self, vacancy: Vacancy, manager: Person, grant: Grant) -> Result<Verdict> {
        let zone = grant
            .calendar
            .as_ref()
            .and_then(|calendar| calendar.zone.clone())
            .or_else(|| manager.zone.clone())
            .unwrap_or_else(Zone::utc);
        let Some(mut desk) = self.desk(vacancy, manager, zone, Busy::Unknown { why: "not_read".to_owned() }) else {
            return Ok(Verdict::Done);
        };
        let now = self.now();
        let window = TimeRange::new(now, later(desk.rules.latest(now), 60)?).map_err(|error| Error::Internal(error.to_string()))?;
        match self.busy(&grant, window).await? {
            Ok(set) => desk.busy = Busy::Known { as_of: now, set },
            Err(error) => return self.calendar_unreadable(&desk.vacancy, &error).await,
        }
        if grant.calendar.is_none() {
            return self.stuck(&desk.vacancy, "no_calendar", None).await.map(|()| Verdict::Done);
        }
        self.unstick(&desk.vacancy).await?;
        self.confirm_provisional(&desk).await?;
        let unplaced = self.place_all(&desk).await?;
        self.settle_unsettled(desk.vacancy.id).await?;
        Ok(if unplaced == 0 { Verdict::Done } else { Verdict::Again { seconds: RETRY_UNPLACED_SECONDS, error: None } })
    }

    pub(crate) fn desk(&self, vacancy: Vacancy, manager: Person, zone: Zone, busy: Busy) -> Option<Desk> {
        let round = vacancy.round()?.clone();
        let rules = manager.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
        let release_minutes = rules.minimum_notice_minutes;
        Some(Desk { vacancy, round, manager, rules, busy, zone, release_minutes })
    }

    /// Busy time of every chosen calendar, events of ours left out. Any calendar that cannot be read fails the whole answer.
    pub(crate) async fn busy(&self, grant: &Grant, window: TimeRange) -> Result<Result<BusySet, ProviderError>> {
        let ours = self.our_events(grant.person, window).await?;
        let mut set = BusySet::empty();
        for calendar in grant.busy_calendars.iter().take(MAX_CALENDARS) {
            let provider = self.provider_named(&grant.provider)?;
            let list = self.with_access(grant.id, |access| async move {
                provider.events(&access, calendar, window, ListMode::Instances).await
            });
            match list.await {
                Ok(events) => {
                    for event in events.iter().filter(|event| event.busy && !is_ours(event, &ours)) {
                        set.insert(event.range);
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(set.within(window)))
    }

    /// Uids of the events that interviews of this manager are written to, and the interviews' ids (the marker in an event's link).
    pub(crate) async fn our_events(&self, manager: Id<Person>, window: TimeRange) -> Result<Vec<String>> {
        let wide = TimeRange::new(later(window.start(), -31 * 24 * 60)?, later(window.end(), 31 * 24 * 60)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let interviews = self.store().agenda(manager, wide).await?;
        Ok(interviews
            .into_iter()
            .flat_map(|interview| [Some(interview.id.to_string()), interview.event.map(|event| event.uid)])
            .flatten()
            .collect())
    }

    async fn calendar_unreadable(&self, vacancy: &Vacancy, error: &ProviderError) -> Result<Verdict> {
        let wait = error.retry_after.unwrap_or(60).clamp(5, 3_600);
        self.stuck(vacancy, "calendar_unreadable", Some(self.in_minutes((wait + 59) / 60)?)).await?;
        Ok(Verdict::again(wait, format!("{:?}: {}", error.class, error.detail)))
    }

    async fn stuck(&self, vacancy: &Vacancy, code: &str, retry_at: Option<Timestamp>) -> Result<()> {
        let id = vacancy.id;
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(vacancy) = self.store().vacancy(id).await? else { return Ok((draft.finish(), ())) };
            let since = vacancy.stuck.as_ref().filter(|stuck| stuck.code == code).map_or(draft.now, |stuck| stuck.since);
            if vacancy.stuck.as_ref().is_none_or(|stuck| stuck.code != code) {
                draft.audit("vacancy.stuck", id, json!({"code": code}));
            }
            let mut next = touched(&vacancy);
            next.stuck = Some(Stuck { code: code.to_owned(), since, retry_at });
            draft.put(Put::Vacancy(next));
            Ok((draft.finish(), ()))
        })
        .await
    }

    async fn unstick(&self, vacancy: &Vacancy) -> Result<()> {
        if vacancy.stuck.is_none() {
            return Ok(());
        }
        let id = vacancy.id;
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            if let Some(vacancy) = self.store().vacancy(id).await?.filter(|vacancy| vacancy.stuck.is_some()) {
                let mut next = touched(&vacancy);
                next.stuck = None;
                draft.put(Put::Vacancy(next));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Places everybody who has no time yet, in shortlist order. Gives how many found none.
    async fn place_all(&self, desk: &Desk) -> Result<usize> {
        let mut unplaced = 0;
        let mut placed = 0;
        for candidacy in self.store().shortlist(desk.vacancy.id).await? {
            if candidacy.withdrawn_at.is_some() {
                continue;
            }
            match self.place(desk, candidacy.id).await? {
                Some(true) => placed += 1,
                Some(false) => unplaced += 1,
                None => {}
            }
        }
        if placed > 0 {
            self.order_summary(desk.vacancy.id).await?;
        }
        Ok(unplaced)
    }

    async fn order_summary(&self, vacancy: Id<Vacancy>) -> Result<()> {
        if self.settings().recruiting_contact.is_none() {
            return Ok(());
        }
        let mut draft = self.draft(&Self::by_job());
        let order = MailOrder::Summary { vacancy, run: draft.now.as_microsecond() };
        // A few seconds later, so that it tells what was booked rather than what was about to be.
        let due = draft.now.saturating_add(SignedDuration::from_secs(30)).unwrap_or(draft.now);
        draft.order(Work::Mail { order }, Dedupe::Open(format!("summary:{vacancy}")), None, due, None);
        self.commit(draft.finish()).await.map_err(Error::from)
    }

    /// Gives one candidate the earliest time that passes every rule. `None`: they have one already.
    async fn place(&self, desk: &Desk, candidacy: Id<Candidacy>) -> Result<Option<bool>> {
        self.transact(Some(Holder::person(desk.manager.id)), || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(candidacy) = self.store().candidacy(candidacy).await?.filter(|candidacy| candidacy.withdrawn_at.is_none())
            else {
                return Ok((draft.finish(), None));
            };
            let round = desk.round.position;
            if self.store().owner(Scope::Round, &format!("{}:{round}", candidacy.id)).await?.is_some() {
                return Ok((draft.finish(), None));
            }
            let agendas = self.agenda_revs(&[desk.manager.id, candidacy.person]).await?;
            let exhausted = matches!(desk.busy, Busy::Assumed { .. }) && self.proposals(&candidacy).await? >= MAX_PROPOSALS;
            let placement = self.earliest(desk, candidacy.person, None).await?;
            let Some(range) = placement.slot().filter(|_| !exhausted) else {
                let obstacles = if exhausted { vec!["nobody_confirmed".to_owned()] } else { obstacles(&placement) };
                if exhausted && candidacy.unplaced.is_none() {
                    draft.mail(MailOrder::Attention {
                        subject: candidacy.vacancy.to_string(),
                        code: "nobody_confirmed".to_owned(),
                        at: draft.now.as_second(),
                    });
                }
                if candidacy.unplaced.as_ref().is_none_or(|unplaced| unplaced.reasons != obstacles) {
                    let mut next = touched(&candidacy);
                    let since = candidacy.unplaced.map_or(draft.now, |unplaced| unplaced.since);
                    draft.audit("candidate.unplaced", desk.vacancy.id, json!({"candidacy": next.id, "reasons": obstacles}));
                    next.unplaced = Some(Unplaced { since, reasons: obstacles });
                    draft.put(Put::Candidacy(next));
                }
                return Ok((draft.finish(), Some(false)));
            };
            let (interview, effects) = Interview::new(NewInterview {
                id: self.id(),
                vacancy: desk.vacancy.id,
                candidacy: candidacy.id,
                round,
                manager: desk.manager.id,
                candidate: candidacy.person,
                range,
                zone: desk.zone.clone(),
                provisional: matches!(desk.busy, Busy::Assumed { .. }),
                at: draft.now,
            });
            draft.take(Scope::Round, format!("{}:{round}", candidacy.id), interview.id);
            draft.audit("interview.placed", interview.id, json!({"start": range.start(), "provisional": interview.provisional}));
            if candidacy.unplaced.is_some() {
                let mut next = touched(&candidacy);
                next.unplaced = None;
                draft.put(Put::Candidacy(next));
            }
            draft.interview(interview, &effects, &agendas, i64::from(desk.release_minutes))?;
            Ok((draft.finish(), Some(true)))
        })
        .await
    }

    /// Revisions of agendas. **Read them before the agendas they guard.**
    pub(crate) async fn agenda_revs(&self, persons: &[Id<Person>]) -> Result<Vec<(Holder, i64)>> {
        let mut revs = Vec::with_capacity(persons.len());
        for person in persons {
            let holder = Holder::person(*person);
            let rev = self.store().agenda_rev(&holder).await?;
            revs.push((holder, rev));
        }
        Ok(revs)
    }

    /// The earliest slot for a candidate at this desk; `moving` is left out of both agendas.
    pub(crate) async fn earliest(&self, desk: &Desk, candidate: Id<Person>, moving: Option<Id<Interview>>) -> Result<Placement> {
        let (agenda, request) = self.planning_input(desk, candidate, moving).await?;
        let placements = plan(&desk.rules, &desk.busy, &agenda, self.now(), std::slice::from_ref(&request));
        placements.into_iter().next().ok_or_else(|| Error::Internal("a plan for one request has no placement".to_owned()))
    }

    /// Provisional times of a candidate that were released because nobody answered.
    async fn proposals(&self, candidacy: &Candidacy) -> Result<usize> {
        let interviews = self.store().interviews_of(candidacy.vacancy).await?;
        Ok(interviews
            .iter()
            .filter(|interview| {
                interview.candidacy == candidacy.id && interview.provisional && interview.state == InterviewState::Cancelled
            })
            .count())
    }

    /// What is booked of the manager, and what the candidate's other interviews take.
    pub(crate) async fn planning_input(
        &self,
        desk: &Desk,
        candidate: Id<Person>,
        moving: Option<Id<Interview>>,
    ) -> Result<(Agenda, Request)> {
        let now = self.now();
        // Weekly limits look at whole weeks, so the window begins a week back.
        let window = TimeRange::new(later(now, -8 * 24 * 60)?, later(desk.rules.latest(now), 8 * 24 * 60)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let mut agenda = Agenda::empty();
        for interview in self.store().agenda(desk.manager.id, window).await? {
            if Some(interview.id) != moving {
                agenda.add(interview.range);
            }
        }
        let mut busy = BusySet::empty();
        for interview in self.store().agenda(candidate, window).await? {
            if Some(interview.id) != moving {
                busy.insert(interview.range);
            }
        }
        let minutes = u32::try_from(desk.round.minutes).map_err(|error| Error::Internal(error.to_string()))?;
        let length = SlotLength::from_minutes(minutes).map_err(|error| Error::Internal(error.to_string()))?;
        Ok((agenda, Request { length, guest: Guest { busy, civil_hours: None } }))
    }

    /// The real calendar can be read now: provisional times that are free are confirmed, the others move or are put before a person.
    async fn confirm_provisional(&self, desk: &Desk) -> Result<()> {
        for known in self.store().interviews_of(desk.vacancy.id).await? {
            if known.provisional && matches!(known.state, InterviewState::Proposed | InterviewState::Booked) {
                self.confirm_one(desk, known.id).await?;
            }
        }
        Ok(())
    }

    async fn confirm_one(&self, desk: &Desk, id: Id<Interview>) -> Result<()> {
        self.transact(Some(Holder::person(desk.manager.id)), || async move {
            let mut draft = self.draft(&Self::by_job());
            let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
            let candidate =
                interview.with_role(domain::interviews::Role::Candidate).ok_or_else(|| Error::missing("candidate", id))?;
            if !interview.provisional || !matches!(interview.state, InterviewState::Proposed | InterviewState::Booked) {
                return Ok((draft.finish(), ()));
            }
            let agendas = self.agenda_revs(&[desk.manager.id, candidate]).await?;
            let notice = i64::from(desk.rules.minimum_notice_minutes);
            let free = desk.busy.set().is_some_and(|set| !set.overlaps(interview.range));
            if !free && interview.invited {
                let (next, effects) = decide(&interview, Command::Alarm(AttentionReason::Clash), draft.now)?;
                draft.audit("interview.clash", id, json!({"provisional": true}));
                draft.interview(next, &effects, &agendas, notice)?;
                return Ok((draft.finish(), ()));
            }
            let (mut next, mut effects) = decide(&interview, Command::ConfirmProvisional, draft.now)?;
            if !free {
                let Placement::Slot { range } = self.earliest(desk, candidate, Some(id)).await? else {
                    let (next, effects) = decide(&interview, Command::Alarm(AttentionReason::NoTime), draft.now)?;
                    draft.interview(next, &effects, &agendas, notice)?;
                    return Ok((draft.finish(), ()));
                };
                (next, effects) = decide(&next, Command::Move { range, by: domain::interviews::By::System }, draft.now)?;
                // Two decisions, one write.
                next.rev = interview.rev + 1;
            }
            draft.audit("interview.confirmed", id, json!({"start": next.range.start(), "moved": next.range != interview.range}));
            draft.interview(next, &effects, &agendas, notice)?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Orders the calendar write of every interview that is behind: after a pause, a reconnection, a crash.
    async fn settle_unsettled(&self, vacancy: Id<Vacancy>) -> Result<()> {
        let mut draft = self.draft(&Self::by_job());
        for interview in self.store().interviews_of(vacancy).await? {
            if !interview.is_settled() {
                draft.settle(interview.id);
            }
        }
        let change = draft.finish();
        if !change.is_empty() {
            self.commit(change).await?;
        }
        Ok(())
    }

    /// Gives up a provisional time that nobody confirmed.
    pub(crate) async fn run_release_provisional(&self, id: Id<Interview>, sequence: i64) -> Result<Verdict> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(interview) = self.store().interview(id).await? else { return Ok((draft.finish(), Verdict::Done)) };
            if interview.sequence != sequence || interview.state != InterviewState::Proposed {
                return Ok((draft.finish(), Verdict::Done));
            }
            let command =
                Command::Cancel { by: domain::interviews::By::System, why: "nobody confirmed the provisional time".to_owned() };
            let (next, effects) = decide(&interview, command, draft.now)?;
            draft.audit("interview.released", id, json!({"start": interview.range.start()}));
            let vacancy = interview.vacancy;
            draft.interview(next, &effects.into_iter().filter(|effect| *effect != Effect::Settle).collect::<Vec<_>>(), &[], 0)?;
            draft.arrange(vacancy, draft.now);
            Ok((draft.finish(), Verdict::Done))
        })
        .await
    }
}

/// Codes of what stood in the way, most frequent first.
fn obstacles(placement: &Placement) -> Vec<String> {
    match placement {
        Placement::Slot { .. } => Vec::new(),
        Placement::Nowhere { obstacles } => obstacles.iter().map(|obstacle| obstacle.reason.code().to_owned()).collect(),
    }
}

/// Whether an event is one of ours, by its uid or by the marker in its link.
pub(crate) fn is_ours(event: &Event, ours: &[String]) -> bool {
    ours.iter().any(|known| *known == event.uid || event.url.as_deref().is_some_and(|url| url.ends_with(known.as_str())))
}
