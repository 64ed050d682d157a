//! Bringing a vacancy's interviews as far as they can go now: ask for permission, read the calendar, place the shortlist.

mod busy;
mod desk;
mod panels;
mod provisional;

pub(crate) use busy::{OurEvent, is_named, is_ours};
pub(crate) use desk::{Desk, Planning, Sitter, Sitting};
use domain::{
    Id, TimeRange, Timestamp, Zone,
    candidacies::{Candidacy, Unplaced},
    claims::Holder,
    grants::{Grant, GrantState, PermissionRequest},
    interviews::{By, Interview, InterviewState, NewInterview},
    jobs::{Dedupe, Work},
    mails::MailOrder,
    people::Person,
    rounds::{Opens, Panel},
    vacancies::{Scheduling, Vacancy, VacancyState},
};
use jiff::SignedDuration;
pub(crate) use panels::everybody;
use ports::{Put, change::Scope};
use scheduling::{Busy, BusySet, Rules};
use serde_json::json;

use crate::{
    App, Error, Result,
    draft::{later, touched},
    plans::{Hint, Hints},
    worker::Verdict,
};

/// How long after a shortlist could not be placed whole it is tried again.
const RETRY_UNPLACED_SECONDS: i64 = 6 * 3_600;
/// How long after others took the same time first a candidate is tried again.
const RETRY_CONTENDED_SECONDS: i64 = 10;
/// How long a manager has to answer a provisional time before it is released, in minutes.
const DECIDING_MINUTES: u32 = 24 * 60;
/// Provisional times proposed to a candidate's manager before a person must look.
const MAX_PROPOSALS: usize = 3;

/// What became of one candidate.
pub(crate) enum Placed {
    /// They have a time now.
    Booked,
    /// No time was found; `new` if it was not known before.
    Nowhere {
        /// Whether the recruiter must hear of it.
        new: bool,
    },
    /// There was nothing to do.
    Nothing,
}

/// Whether a manager without a usable grant is asked for an approval: not while a request or a connection is open, but again where the
/// last series ended before this approval.
fn asks_again(grant: &Grant, approved_at: Option<Timestamp>) -> bool {
    let over =
        |request: &PermissionRequest| request.exhausted_at.is_some_and(|end| approved_at.is_some_and(|approved| approved > end));
    grant.pending.is_none() && grant.request.as_ref().is_none_or(over)
}

impl App {
    pub(crate) async fn run_arrange(&self, id: Id<Vacancy>) -> Result<Verdict> {
        let Some(vacancy) = self.store().vacancy(id).await? else { return Ok(Verdict::Done) };
        if vacancy.state != VacancyState::Approved || vacancy.paused_at.is_some() || self.paused_all().await? {
            return Ok(Verdict::Done);
        }
        if vacancy.has_panels() {
            return Box::pin(self.arrange_panels(vacancy)).await;
        }
        let manager = self.person(vacancy.manager).await?;
        let grant = self.grant_of(manager.id).await?;
        if let Some(grant) = grant.filter(Grant::is_usable) {
            Box::pin(self.arrange_known(vacancy, manager, grant)).await
        } else {
            self.arrange_without_permission(vacancy, manager).await
        }
    }

    async fn arrange_without_permission(&self, vacancy: Vacancy, manager: Person) -> Result<Verdict> {
        let grant = self.ask_for_vacancy(&manager, &vacancy).await?;
        let approved = vacancy.approved_at.unwrap_or(vacancy.created_at);
        let pending = grant.pending.as_ref().map(|pending| pending.since);
        let since = grant.request.as_ref().map(|request| request.first_at).or(pending).unwrap_or(approved);
        // A candidate picks from a calendar that was read, or not at all.
        if !vacancy.policy.provisional || vacancy.policy.scheduling == Scheduling::Candidate {
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
        self.place_rounds(&mut desk).await
    }

    /// Asks somebody for permission for a vacancy, unless that was done; the grant as it is then.
    async fn ask_for_vacancy(&self, person: &Person, vacancy: &Vacancy) -> Result<Grant> {
        let (id, vacancy_approved) = (vacancy.id, vacancy.approved_at);
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let known = self.grant_of(person.id).await?;
            let fresh = match known {
                Some(grant) if grant.is_usable() || !asks_again(&grant, vacancy_approved) => return Ok((draft.finish(), grant)),
                Some(grant) => grant,
                None => self.new_grant(person, self.provider()?.name(), &mut draft),
            };
            let asked = Self::ask(fresh, Some(id), &mut draft)?;
            draft.put(Put::Grant(asked.clone()));
            Ok((draft.finish(), asked))
        })
        .await
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
        let grant = match self.fresh_calendars(grant).await? {
            Ok(grant) => grant,
            Err(error) => return self.calendar_unreadable(&desk.vacancy, &error).await,
        };
        match self.busy(&grant, window).await? {
            Ok(set) => desk.busy = Busy::Known { as_of: now, set },
            Err(error) => return self.calendar_unreadable(&desk.vacancy, &error).await,
        }
        if grant.calendar.is_none() {
            return self.stuck(&desk.vacancy, "no_calendar", None).await.map(|()| Verdict::Done);
        }
        self.unstick(&desk.vacancy).await?;
        self.confirm_provisional(&desk).await?;
        let verdict = self.place_rounds(&mut desk).await?;
        self.settle_unsettled(desk.vacancy.id).await?;
        Ok(verdict)
    }

    /// Places everybody in every round of the manager's, in order: a later round lies after the one before.
    async fn place_rounds(&self, desk: &mut Desk) -> Result<Verdict> {
        let mut verdict = Verdict::Done;
        for round in desk.vacancy.rounds.clone() {
            desk.round = round;
            verdict = sooner(verdict, self.place_all(desk, &Hints::new()).await?);
        }
        Ok(verdict)
    }

    pub(crate) fn desk(&self, vacancy: Vacancy, manager: Person, zone: Zone, busy: Busy) -> Option<Desk> {
        let round = vacancy.round()?.position;
        self.desk_of_round(vacancy, round, manager, zone, busy)
    }

    /// See [`App::desk`]; for one round of the vacancy.
    pub(crate) fn desk_of_round(&self, vacancy: Vacancy, round: i64, manager: Person, zone: Zone, busy: Busy) -> Option<Desk> {
        let round = vacancy.round_at(round)?.clone();
        let rules = manager.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
        let release_minutes = rules.minimum_notice_minutes;
        let (beside, panel) = (Vec::new(), Panel::default());
        Some(Desk { vacancy, round, manager, rules, busy, zone, beside, panel, release_minutes })
    }

    /// Places everybody who has no time yet, in shortlist order, where the plan says; says when those who found none are tried again.
    async fn place_all(&self, desk: &Desk, hints: &Hints) -> Result<Verdict> {
        let mut again = None;
        let mut news = 0;
        for candidacy in self.store().shortlist(desk.vacancy.id).await? {
            if candidacy.withdrawn_at.is_some() || !self.round_is_open(desk, &candidacy).await? {
                continue;
            }
            let placed = match desk.vacancy.policy.scheduling {
                Scheduling::Greenroom => self.place(desk, candidacy.id, hints.get(&(candidacy.id, desk.round.position))).await,
                Scheduling::Candidate => self.let_choose(desk, candidacy.id).await,
            };
            match placed {
                Ok(Placed::Booked) => news += 1,
                Ok(Placed::Nowhere { new }) => {
                    again = again.or(Some(RETRY_UNPLACED_SECONDS));
                    news += usize::from(new);
                }
                Ok(Placed::Nothing) => {}
                // Time that others are fighting for at this moment: the rest goes on, this one is looked at again in a moment.
                Err(Error::Busy) => again = Some(RETRY_CONTENDED_SECONDS),
                Err(error) => return Err(error),
            }
        }
        if news > 0 {
            self.order_summary(desk.vacancy.id).await?;
        }
        Ok(again.map_or(Verdict::Done, |seconds| Verdict::Again { seconds, error: None }))
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

    /// Whether the vacancy still wants interviews, and this candidate has had none that a person cancelled.
    pub(crate) async fn wants_placing(&self, desk: &Desk, candidacy: &Candidacy) -> Result<bool> {
        let vacancy = self.store().vacancy(desk.vacancy.id).await?;
        if !vacancy.is_some_and(|vacancy| vacancy.state == VacancyState::Approved && vacancy.paused_at.is_none()) {
            return Ok(false);
        }
        let by_a_person = |interview: &Interview| interview.cancelled.as_ref().is_some_and(|(by, ..)| *by != By::System);
        let interviews = self.store().interviews_of(desk.vacancy.id).await?;
        Ok(!interviews.iter().any(|interview| interview.candidacy == candidacy.id && by_a_person(interview)))
    }

    /// Gives one candidate the time that a plan says, if it still passes every rule, and otherwise the earliest that does.
    async fn place(&self, desk: &Desk, candidacy: Id<Candidacy>, hint: Option<&Hint>) -> Result<Placed> {
        self.transact(Some(Holder::person(desk.manager.id)), || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(candidacy) = self.store().candidacy(candidacy).await?.filter(|candidacy| candidacy.withdrawn_at.is_none())
            else {
                return Ok((draft.finish(), Placed::Nothing));
            };
            let round = desk.round.position;
            let taken = self.store().owner(Scope::Round, &format!("{}:{round}", candidacy.id)).await?.is_some();
            let choice = self.store().choice_of(candidacy.id, round).await?;
            // Somebody is deciding about a time that is held for them.
            let held = choice.is_some_and(|choice| choice.held(draft.now).is_some());
            if taken || held || !self.wants_placing(desk, &candidacy).await? {
                return Ok((draft.finish(), Placed::Nothing));
            }
            let agendas = self.desk_agendas(desk, candidacy.person).await?;
            let exhausted = matches!(desk.busy, Busy::Assumed { .. }) && self.proposals(&candidacy).await? >= MAX_PROPOSALS;
            let zone = self.person(candidacy.person).await?.zone;
            let planning = self.planning(desk, candidacy.person, None).await?;
            let planned = hint.and_then(|hint| Some((desk.sit(&planning, hint.range, &hint.people)?, &hint.why)));
            let why = planned.as_ref().map(|(_, why)| *why);
            let found = match planned {
                Some((sitting, _)) => Ok(sitting),
                None if exhausted => Err(vec!["nobody_confirmed".to_owned()]),
                None => desk.earliest_for(&planning, zone),
            };
            let sitting = match found {
                Ok(sitting) => sitting,
                Err(obstacles) => {
                    if exhausted && candidacy.unplaced.is_none() {
                        draft.mail(MailOrder::Attention {
                            subject: candidacy.vacancy.to_string(),
                            code: "nobody_confirmed".to_owned(),
                            at: draft.now.as_second(),
                        });
                    }
                    let new = candidacy.unplaced.is_none();
                    if candidacy.unplaced.as_ref().is_none_or(|unplaced| unplaced.reasons != obstacles) {
                        let mut next = touched(&candidacy);
                        let since = candidacy.unplaced.map_or(draft.now, |unplaced| unplaced.since);
                        draft.audit("candidate.unplaced", desk.vacancy.id, json!({"candidacy": next.id, "reasons": obstacles}));
                        next.unplaced = Some(Unplaced { since, reasons: obstacles });
                        draft.put(Put::Candidacy(next));
                    }
                    return Ok((draft.finish(), Placed::Nowhere { new }));
                }
            };
            let range = sitting.range;
            let (interview, effects) = Interview::new(NewInterview {
                id: self.id(),
                vacancy: desk.vacancy.id,
                candidacy: candidacy.id,
                round,
                manager: sitting.lead,
                interviewers: sitting.interviewers,
                candidate: candidacy.person,
                range,
                zone: sitting.zone,
                provisional: matches!(desk.busy, Busy::Assumed { .. }),
                at: draft.now,
            });
            draft.take(Scope::Round, format!("{}:{round}", candidacy.id), interview.id);
            let mut placed = json!({"start": range.start(), "provisional": interview.provisional});
            if let Some(why) = why {
                placed["why"] = why.clone();
            }
            draft.audit("interview.placed", interview.id, placed);
            // Always written: a withdrawal at the same moment is then a conflict, not an invitation.
            let mut next = touched(&candidacy);
            next.unplaced = None;
            draft.put(Put::Candidacy(next));
            draft.interview(interview, &effects, &agendas, i64::from(desk.release_minutes))?;
            Ok((draft.finish(), Placed::Booked))
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

    /// Of everybody at a desk, and of the candidate.
    pub(crate) async fn desk_agendas(&self, desk: &Desk, candidate: Id<Person>) -> Result<Vec<(Holder, i64)>> {
        let mut people = desk.people();
        people.push(candidate);
        self.agenda_revs(&people).await
    }

    /// Of everybody in an interview.
    pub(crate) async fn agendas_of(&self, interview: &Interview) -> Result<Vec<(Holder, i64)>> {
        let people: Vec<_> = interview.participants.iter().map(|participant| participant.person).collect();
        self.agenda_revs(&people).await
    }

    /// Whether a round's interview can be arranged now: the round before has a time, or is over where this one waits for that.
    pub(crate) async fn round_is_open(&self, desk: &Desk, candidacy: &Candidacy) -> Result<bool> {
        let position = desk.round.position;
        if position <= 1 {
            return Ok(true);
        }
        let interviews = self.store().interviews_of(desk.vacancy.id).await?;
        let mine = interviews.iter().filter(|interview| interview.candidacy == candidacy.id);
        let before = mine.filter(|interview| interview.round == position - 1);
        Ok(match desk.round.opens {
            Opens::Together => before.clone().any(|interview| interview.state != InterviewState::Cancelled),
            Opens::AfterPrevious => before.clone().any(|interview| interview.state == InterviewState::Done),
        })
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
}

/// Whichever of two has work earlier.
fn sooner(one: Verdict, other: Verdict) -> Verdict {
    match (&one, &other) {
        (Verdict::Again { seconds, .. }, Verdict::Again { seconds: others, .. }) if seconds <= others => one,
        (Verdict::Again { .. }, Verdict::Done) => one,
        _ => other,
    }
}
