//! Holding a time, confirming and giving back what is held, and picking a time outright.
//!
//! Each is one commit that compares and swaps: the choice's revision, the agendas of both, the round's name and the cells. Two who want
//! one time have one winner, whether they hold, pick or move.

use domain::{
    Id, Rev, TimeRange, Timestamp, Zone,
    candidacies::Candidacy,
    choices::{Choice, Command, HOLD_MINUTES, Hold, MOST_HOLD_MINUTES, Refused, decide},
    claims::{Claim, Holder},
    interviews::{Interview, NewInterview},
    people::Person,
};
use ports::{
    Put,
    change::{ClaimStep, Scope},
};
use serde_json::json;

use super::{ChoiceView, slot_at};
use crate::{
    App, Caller, Error, InterviewView, Result,
    arrange::{Desk, Sitting},
    draft::{Draft, later, touched},
};

/// What is to be held.
#[derive(Debug, Clone, Copy)]
pub struct HoldInput {
    /// From when; as long as the round.
    pub start: Timestamp,
    /// For how many minutes; ten where nobody says, at most 72 hours.
    pub minutes: Option<i64>,
}

/// What is booked.
#[derive(Debug, Clone, Copy)]
enum Pick {
    /// What is held; by the revision of the choice that the caller read, if it says one.
    Held(Option<Rev>),
    /// The time that begins then.
    At(Timestamp),
}

impl App {
    /// Keeps a time for a candidate for a while; what was kept for them before is given back. Refused where a rule, an event, an interview
    /// or another hold is in the way.
    pub async fn hold(
        &self,
        candidacy: Id<Candidacy>,
        round: i64,
        input: HoldInput,
        dry_run: bool,
        caller: &Caller,
    ) -> Result<ChoiceView> {
        let minutes = input.minutes.unwrap_or(HOLD_MINUTES);
        if !(1..=MOST_HOLD_MINUTES).contains(&minutes) {
            return Err(Error::invalid("minutes", format!("use 1 to {MOST_HOLD_MINUTES} minutes (72 hours)")));
        }
        let known = self.store().candidacy(candidacy).await?.ok_or_else(|| Error::missing("candidacy", candidacy))?;
        let desk = &self.choice_desk(self.choosable(&known, round).await?, round, true).await?;
        let range = slot_at(desk, input.start)?;
        let choice = self
            .transact(Some(Holder::person(desk.manager.id)), || async move {
                let mut draft = self.draft(caller);
                let candidacy = self.store().candidacy(candidacy).await?.ok_or_else(|| Error::missing("candidacy", candidacy))?;
                self.choosable(&candidacy, round).await?;
                let choice = self.choice_or_new(&candidacy, round, &mut draft).await?;
                let own = choice.hold.as_ref().map(|hold| hold.interview);
                let mut agendas = self.desk_agendas(desk, candidacy.person).await?;
                let sitting = self.check_known(desk, candidacy.person, own, range).await?;
                let held: Vec<Holder> = sitting.people().chain([candidacy.person]).map(Holder::person).collect();
                agendas.retain(|(holder, _)| held.contains(holder));
                let expires_at = later(draft.now, minutes)?;
                let command = Command::Hold(Hold { interview: self.id(), range, expires_at });
                let given_back = choice.given_back(&command);
                let next = decide(&choice, command, draft.now)?;
                if dry_run {
                    return Ok((ports::Change::at(draft.now), next));
                }
                draft.audit("time.held", candidacy.id, json!({"start": range.start(), "until": expires_at, "round": round}));
                if let Some(held) = given_back {
                    draft.claim(ClaimStep::ReleaseAll(held));
                }
                let interview = next.hold.as_ref().map(|hold| hold.interview);
                let interview = interview.ok_or_else(|| Error::Internal("a hold that holds nothing".to_owned()))?;
                for (holder, expected) in agendas {
                    draft.agenda(holder.clone(), expected);
                    draft.claim(ClaimStep::Take(Claim { holder, range, interview, rev: 1, expires_at: Some(expires_at) }));
                }
                draft.arrange(candidacy.vacancy, expires_at);
                draft.put(Put::Choice(next.clone()));
                Ok((draft.finish(), next))
            })
            .await?;
        self.choice_view(choice).await
    }

    /// Gives back what is held for a candidate. Twice is once.
    pub async fn release_hold(&self, candidacy: Id<Candidacy>, round: i64, caller: &Caller) -> Result<ChoiceView> {
        let choice = self
            .transact(None, || async move {
                let mut draft = self.draft(caller);
                let choice = self.known_choice(candidacy, round).await?;
                let Some(hold) = choice.hold.clone() else { return Ok((draft.finish(), choice)) };
                draft.claim(ClaimStep::ReleaseAll(hold.interview));
                draft.audit("time.released", candidacy, json!({"start": hold.range.start(), "round": round}));
                let next = decide(&choice, Command::Release, draft.now)?;
                draft.put(Put::Choice(next.clone()));
                Ok((draft.finish(), next))
            })
            .await?;
        self.choice_view(choice).await
    }

    /// Books what is held for a candidate, if it still is: calendars are read once more. The interview is booked once the calendar has it.
    pub async fn confirm_hold(
        &self,
        candidacy: Id<Candidacy>,
        round: i64,
        if_match: Option<Rev>,
        dry_run: bool,
        caller: &Caller,
    ) -> Result<InterviewView> {
        let choice = self.known_choice(candidacy, round).await?;
        self.pick(&choice, Pick::Held(if_match), None, dry_run, caller).await
    }

    /// The candidate picks a time by their link; `zone` is the one in which they read it.
    pub async fn choose(&self, token: &str, start: Timestamp, zone: Option<&Zone>) -> Result<InterviewView> {
        let (choice, caller) = self.linked_choice(token).await?;
        self.forget_look(&choice).await?;
        self.pick(&choice, Pick::At(start), zone, false, &caller).await
    }

    async fn pick(
        &self,
        choice: &Choice,
        pick: Pick,
        zone: Option<&Zone>,
        dry_run: bool,
        caller: &Caller,
    ) -> Result<InterviewView> {
        let (candidacy, _) = self.place_of(choice).await?;
        let vacancy = self.choosable(&candidacy, choice.round).await?;
        let desk = &self.choice_desk(vacancy, choice.round, true).await?;
        let id = choice.id;
        let interview = self
            .transact(Some(Holder::person(desk.manager.id)), || async move {
                let mut draft = self.draft(caller);
                let choice = self.store().choice(id).await?.ok_or_else(|| Error::missing("choice of a time", id))?;
                let (candidacy, _) = self.place_of(&choice).await?;
                self.choosable(&candidacy, choice.round).await?;
                let (interview, range) = match pick {
                    Pick::Held(if_match) => {
                        if if_match.is_some_and(|rev| rev != choice.rev) {
                            return Err(Error::Stale { what: "choice", id: id.to_string() });
                        }
                        let hold = choice.held(draft.now).ok_or(Refused::NotHeld)?;
                        (hold.interview, hold.range)
                    }
                    Pick::At(start) => (self.id(), slot_at(desk, start)?),
                };
                let agendas = self.desk_agendas(desk, candidacy.person).await?;
                let own = choice.hold.as_ref().map(|hold| hold.interview);
                let sitting = self.check_known(desk, candidacy.person, own, range).await?;
                let booked = Self::book(&choice, &candidacy, (interview, sitting), &agendas, &mut draft)?;
                let person = self.person(choice.person).await?;
                Self::keep_zone(&person, zone, &mut draft);
                Ok((if dry_run { ports::Change::at(draft.now) } else { draft.finish() }, booked))
            })
            .await?;
        self.interview_view(interview).await
    }

    /// Refuses a time that cannot be booked, and says apart that the calendar cannot be read.
    pub(super) async fn check_known(
        &self,
        desk: &Desk,
        candidate: Id<Person>,
        own: Option<Id<Interview>>,
        range: TimeRange,
    ) -> Result<Sitting> {
        if desk.source().0 == "unknown" {
            return Err(Error::Refused {
                code: "calendar_unknown",
                problem: "a calendar cannot be read at this moment, so no time can be promised; try again in a few minutes"
                    .to_owned(),
            });
        }
        self.check_time(desk, candidate, own, range).await
    }

    /// Puts the booking of a time into `draft`: under the id that holds it, or under a new one.
    pub(super) fn book(
        choice: &Choice,
        candidacy: &Candidacy,
        (id, sitting): (Id<Interview>, Sitting),
        agendas: &[(Holder, i64)],
        draft: &mut Draft<'_>,
    ) -> Result<Interview> {
        let next = decide(choice, Command::Book(id), draft.now)?;
        if let Some(hold) = choice.hold.as_ref().filter(|hold| hold.interview != id) {
            draft.claim(ClaimStep::ReleaseAll(hold.interview));
        }
        let (interview, effects) = Interview::new(NewInterview {
            id,
            vacancy: choice.vacancy,
            candidacy: choice.candidacy,
            round: choice.round,
            manager: sitting.lead,
            interviewers: sitting.interviewers,
            candidate: choice.person,
            range: sitting.range,
            zone: sitting.zone,
            provisional: false,
            at: draft.now,
        });
        draft.take(Scope::Round, format!("{}:{}", choice.candidacy, choice.round), id);
        draft.audit("interview.chosen", id, json!({"start": interview.range.start(), "round": choice.round}));
        let mut placed = touched(candidacy);
        placed.unplaced = None;
        draft.put(Put::Candidacy(placed));
        draft.put(Put::Choice(next));
        draft.interview(interview.clone(), &effects, agendas, 0)?;
        Ok(interview)
    }
}
