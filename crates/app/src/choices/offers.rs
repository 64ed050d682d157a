//! The times a candidate can pick from, and the manager's desk they come from.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    Id, TimeRange, Timestamp, Zone, candidacies::Candidacy, choices::Choice, grants::Grant, interviews::Interview, people::Person,
    vacancies::Vacancy,
};
use scheduling::{Busy, Query, slots};

use crate::{App, Error, Result, arrange::Desk, draft::later};

/// How long a calendar that was read for a page serves the next page, in seconds: whoever picks is checked against a fresh one.
const LOOK_SECONDS: i64 = 60;
/// Times that are looked for at most.
const MOST_OFFERS: usize = 2_000;

/// Times that can be picked, and how far that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffersView {
    /// `known` or `unknown`.
    pub source: &'static str,
    /// When the calendar was read.
    pub as_of: Option<Timestamp>,
    /// Why it is not known.
    pub why: Option<String>,
    /// The interview's zone.
    pub zone: Zone,
    /// How long the interview is.
    pub minutes: i64,
    /// Each can be picked, by start; they may overlap.
    pub times: Vec<TimeRange>,
}

/// Calendars as they were read a moment ago, by manager. Only what is known is kept.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<HashMap<Id<Person>, (Timestamp, Busy)>>);

impl Looks {
    fn get(&self, manager: Id<Person>, now: Timestamp) -> Option<Busy> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: Timestamp| (0..LOOK_SECONDS).contains(&(now.as_second() - at.as_second()));
        looks.get(&manager).filter(|(at, _)| fresh(*at)).map(|(_, busy)| busy.clone())
    }

    fn keep(&self, manager: Id<Person>, now: Timestamp, busy: &Busy) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|_, (at, _)| now.as_second() - at.as_second() < LOOK_SECONDS);
        if matches!(busy, Busy::Known { .. }) {
            looks.insert(manager, (now, busy.clone()));
        }
    }

    fn forget(&self, manager: Id<Person>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&manager);
    }
}

impl App {
    /// The times that a candidate can pick for a round. Reads the calendar; what cannot be read is unknown, and nothing is offered.
    pub async fn offers(&self, candidacy: Id<Candidacy>, round: i64) -> Result<OffersView> {
        let candidacy = self.store().candidacy(candidacy).await?.ok_or_else(|| Error::missing("candidacy", candidacy))?;
        let vacancy = self.choosable(&candidacy, round).await?;
        let held = self.store().choice_of(candidacy.id, round).await?.and_then(|choice| choice.hold);
        let desk = self.choice_desk(vacancy, round, true).await?;
        self.offers_at(&desk, candidacy.person, held.map(|hold| hold.interview)).await
    }

    /// The same by a candidate's link; where they have chosen already, the times to which they can move.
    pub async fn choice_offers(&self, token: &str) -> Result<OffersView> {
        let (choice, _) = self.linked_choice(token).await?;
        let (_, vacancy) = self.place_of(&choice).await?;
        let own = match self.chosen(&choice).await? {
            Some(interview) => Some(interview.id),
            None => choice.hold.as_ref().map(|hold| hold.interview),
        };
        let desk = self.choice_desk(vacancy, choice.round, false).await?;
        self.offers_at(&desk, choice.person, own).await
    }

    async fn offers_at(&self, desk: &Desk, candidate: Id<Person>, own: Option<Id<Interview>>) -> Result<OffersView> {
        let (agenda, request) = self.planning_input(desk, candidate, own).await?;
        let now = self.now();
        let query = Query { rules: &desk.rules, busy: &desk.busy, agenda: &agenda, now, request: &request };
        let window = TimeRange::new(now, later(desk.rules.latest(now), 60)?).map_err(|error| Error::Internal(error.to_string()))?;
        let (source, as_of, why) = match &desk.busy {
            Busy::Known { as_of, .. } => ("known", Some(*as_of), None),
            Busy::Assumed { policy, .. } => ("unknown", None, Some(policy.clone())),
            Busy::Unknown { why } => ("unknown", None, Some(why.clone())),
        };
        let times = if as_of.is_some() { slots(&query, window).take(MOST_OFFERS).collect() } else { Vec::new() };
        Ok(OffersView { source, as_of, why, zone: desk.zone.clone(), minutes: desk.round.minutes, times })
    }

    /// The manager's desk for a round; the calendar read now if `live`, otherwise at most a minute ago. Never assumed: nobody picks from
    /// what was not read.
    pub(super) async fn choice_desk(&self, vacancy: Vacancy, round: i64, live: bool) -> Result<Desk> {
        let manager = self.person(vacancy.manager).await?;
        let grant = self.store().grant_of(manager.id, self.provider()?.name()).await?.filter(Grant::is_usable);
        let zone = Self::zone_of(&manager, grant.as_ref());
        let now = self.now();
        let kept = if live { None } else { self.0.looks.get(manager.id, now).filter(|_| grant.is_some()) };
        let busy = if let Some(busy) = kept {
            busy
        } else {
            let busy = self.busy_of(&manager, grant.as_ref(), zone.clone()).await?;
            self.0.looks.keep(manager.id, now, &busy);
            busy
        };
        let id = vacancy.id;
        self.desk_of_round(vacancy, round, manager, zone, busy).ok_or_else(|| Error::missing("round", format!("{id}:{round}")))
    }

    /// After somebody found a time taken, or took one, the next page reads the calendar again.
    pub(super) async fn forget_look(&self, choice: &Choice) -> Result<()> {
        if let Some(vacancy) = self.store().vacancy(choice.vacancy).await? {
            self.0.looks.forget(vacancy.manager);
        }
        Ok(())
    }
}
