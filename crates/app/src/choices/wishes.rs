//! "None of these fits": times of the candidate's own. One that passes every rule is booked at once; otherwise the recruiter sees each
//! with what is in its way, and they are looked at again whenever the vacancy is.

use std::collections::BTreeMap;

use domain::{
    Id, TimeRange, Zone,
    candidacies::Candidacy,
    choices::{Choice, Command, Wish, WishError, Wishes, decide, read_wishes},
    claims::Holder,
    interviews::Interview,
};
use ports::Put;
use scheduling::SlotLength;
use serde_json::json;

use super::put_unplaced;
use crate::{
    App, Caller, Error, InterviewView, Result,
    arrange::{Desk, Placed, Planning, Sitting},
    draft::{Draft, later},
};

/// Steps in which a time is searched for what is in its way, in minutes.
const STEP_MINUTES: i64 = 15;

/// What became of a candidate's own times.
#[derive(Debug, Clone, PartialEq)]
pub enum WishOutcome {
    /// One of them works and is being booked.
    Booked(Box<InterviewView>),
    /// None works as it is: the recruiter was told.
    Kept(Wishes),
    /// They cannot be meant; nothing was changed.
    Unreadable(WishError),
}

impl App {
    /// The candidate gives times of their own, typed as (date, start, end) in `zone`.
    pub async fn choice_wish(&self, token: &str, typed: &[(String, String, String)], zone: &Zone) -> Result<WishOutcome> {
        let (choice, caller) = self.linked_choice(token).await?;
        let (candidacy, _) = self.place_of(&choice).await?;
        let vacancy = self.choosable(&candidacy, choice.round).await?;
        self.forget_look(&choice).await?;
        let desk = self.choice_desk(vacancy, choice.round, true).await?;
        let ranges = match read_wishes(typed, zone, length(&desk)?, self.now()) {
            Ok(ranges) => ranges,
            Err(error) => return Ok(WishOutcome::Unreadable(error)),
        };
        match self.wish(&desk, choice.id, Some((&ranges, zone)), &caller).await? {
            Ok(interview) => Ok(WishOutcome::Booked(Box::new(self.interview_view(interview).await?))),
            Err(wishes) => Ok(WishOutcome::Kept(wishes)),
        }
    }

    /// Looks again at what a candidate gave.
    pub(super) async fn place_wishes(&self, desk: &Desk, id: Id<Choice>) -> Result<Placed> {
        let choice = self.store().choice(id).await?.ok_or_else(|| Error::missing("choice of a time", id))?;
        let (candidacy, _) = self.place_of(&choice).await?;
        if !self.is_choosable(&candidacy, choice.round).await? || !self.wants_placing(desk, &candidacy).await? {
            return Ok(Placed::Nothing);
        }
        match self.wish(desk, id, None, &Self::by_job()).await? {
            Ok(_) => Ok(Placed::Booked),
            Err(_) => Ok(Placed::Nowhere { new: false }),
        }
    }

    /// Books the first of the times that works, or keeps them all with what is in their way.
    async fn wish(
        &self,
        desk: &Desk,
        id: Id<Choice>,
        given: Option<(&[TimeRange], &Zone)>,
        caller: &Caller,
    ) -> Result<Result<Interview, Wishes>> {
        self.transact(Some(Holder::person(desk.manager.id)), || async move {
            let mut draft = self.draft(caller);
            let choice = self.store().choice(id).await?.ok_or_else(|| Error::missing("choice of a time", id))?;
            let (candidacy, _) = self.place_of(&choice).await?;
            self.choosable(&candidacy, choice.round).await?;
            let agendas = self.desk_agendas(desk, choice.person).await?;
            let wishes = self.judged(desk, &choice, given).await?;
            let person = self.person(choice.person).await?;
            Self::keep_zone(&person, given.map(|(_, zone)| zone), &mut draft);
            if let Some(sitting) = wishes.0 {
                let booked = Self::book(&choice, &candidacy, (self.id(), sitting), &agendas, &mut draft)?;
                return Ok((draft.finish(), Ok(booked)));
            }
            Self::keep_wishes(&choice, &candidacy, given.is_some(), &wishes.1, &mut draft)?;
            Ok((draft.finish(), Err(wishes.1)))
        })
        .await
    }

    /// The first slot that lies in one of the times, and every time with what is in its way.
    async fn judged(
        &self,
        desk: &Desk,
        choice: &Choice,
        given: Option<(&[TimeRange], &Zone)>,
    ) -> Result<(Option<Sitting>, Wishes)> {
        let now = self.now();
        let mut wishes = match (given, &choice.wishes) {
            (Some((ranges, zone)), _) => {
                let times = ranges.iter().map(|range| Wish { range: *range, reasons: Vec::new() }).collect();
                Wishes { zone: zone.clone(), times, at: now }
            }
            (None, Some(known)) => known.clone(),
            (None, None) => return Err(Error::Internal(format!("{} has no times of its own", choice.id))),
        };
        let own = choice.hold.as_ref().map(|hold| hold.interview);
        let planning = self.planning(desk, choice.person, own).await?;
        if desk.source().0 == "known"
            && let Some(sitting) = wishes.times.iter().find_map(|wish| desk.times(&planning, wish.range, 1).pop())
        {
            return Ok((Some(sitting), wishes));
        }
        for wish in &mut wishes.times {
            wish.reasons = in_the_way(desk, &planning, wish.range)?;
        }
        Ok((None, wishes))
    }

    fn keep_wishes(choice: &Choice, candidacy: &Candidacy, new: bool, wishes: &Wishes, draft: &mut Draft<'_>) -> Result<()> {
        if !new && choice.wishes.as_ref() == Some(wishes) {
            return Ok(());
        }
        draft.put(Put::Choice(decide(choice, Command::Wish(wishes.clone()), draft.now)?));
        if new {
            draft.audit("candidate.none_fits", candidacy.id, json!({"times": wishes.times.len(), "round": choice.round}));
            let mut reasons: Vec<String> = vec!["none_fits".to_owned()];
            for reason in wishes.times.iter().flat_map(|wish| &wish.reasons) {
                if !reasons.contains(reason) {
                    reasons.push(reason.clone());
                }
            }
            put_unplaced(candidacy, reasons, "none_fits", draft);
            // From now on they are looked at whenever the vacancy is.
            draft.arrange(choice.vacancy, draft.now);
        }
        Ok(())
    }
}

fn length(desk: &Desk) -> Result<SlotLength> {
    let minutes = u32::try_from(desk.round.minutes).map_err(|error| Error::Internal(error.to_string()))?;
    SlotLength::from_minutes(minutes).map_err(|error| Error::Internal(error.to_string()))
}

/// Codes of what keeps an interview out of `range`, most frequent first. Where only the grid of the manager's week does, it is that.
fn in_the_way(desk: &Desk, planning: &Planning, range: TimeRange) -> Result<Vec<String>> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut start = range.start();
    loop {
        let end = later(start, desk.round.minutes)?;
        if end > range.end() {
            break;
        }
        let slot = TimeRange::new(start, end).map_err(|error| Error::Internal(error.to_string()))?;
        for code in desk.check(planning, slot).err().into_iter().flatten() {
            *counts.entry(code).or_default() += 1;
        }
        start = later(start, STEP_MINUTES)?;
    }
    let mut codes: Vec<_> = counts.into_iter().collect();
    codes.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let grid = |code: &str| matches!(code, "not_on_step" | "not_five_minutes");
    let only_grid = codes.iter().all(|(code, _)| grid(code));
    Ok(codes.into_iter().map(|(code, _)| code).filter(|code| only_grid || !grid(code)).collect())
}
