//! The times a candidate can pick from, and the manager's desk they come from.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Id, Rev, TimeRange, Timestamp, Zone, candidacies::Candidacy, choices::Choice, grants::Grant, interviews::Interview,
    people::Person, vacancies::Vacancy,
};
use scheduling::Busy;

use crate::{App, Error, Result, arrange::Desk};

/// How long a calendar that was read for a page serves the next page, in seconds: whoever picks is checked against a fresh one.
const LOOK_SECONDS: i64 = 60;
/// How long it is kept for those who accept an older one, in seconds.
const KEEP_SECONDS: i64 = 300;
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

/// What was read when a calendar was: whoever has other rules or another choice of calendars since is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    person: Id<Person>,
    rev: Rev,
    grant: Id<Grant>,
    account: Option<String>,
    calendars: Vec<String>,
}

impl Source {
    pub(crate) fn of(person: &Person, grant: &Grant) -> Self {
        Self {
            person: person.id,
            rev: person.rev,
            grant: grant.id,
            account: grant.account.as_ref().map(|account| account.user_id.clone()),
            calendars: grant.busy_calendars.clone(),
        }
    }
}

/// Calendars as they were read a moment ago, by manager. Only what is known is kept.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<HashMap<Id<Person>, Look>>);

/// When it was read, with what, and what it says.
type Look = (Timestamp, Source, Arc<Busy>);

impl Looks {
    pub(crate) fn get(&self, source: &Source, now: Timestamp) -> Option<Arc<Busy>> {
        self.not_older(source, now, LOOK_SECONDS)
    }

    /// What was read less than `seconds` ago.
    pub(crate) fn not_older(&self, source: &Source, now: Timestamp, seconds: i64) -> Option<Arc<Busy>> {
        let looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |at: Timestamp| (0..seconds).contains(&(now.as_second() - at.as_second()));
        let kept = looks.get(&source.person).filter(|(at, of, _)| fresh(*at) && of == source);
        kept.map(|(_, _, busy)| Arc::clone(busy))
    }

    pub(crate) fn keep(&self, source: Source, now: Timestamp, busy: &Arc<Busy>) {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        looks.retain(|_, (at, ..)| now.as_second() - at.as_second() < KEEP_SECONDS);
        if matches!(**busy, Busy::Known { .. }) {
            looks.insert(source.person, (now, source, Arc::clone(busy)));
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
        let planning = self.planning(desk, candidate, own).await?;
        let zone = self.person(candidate).await?.zone;
        let (source, as_of, why) = desk.source();
        let known = as_of.and_then(|_| desk.horizon(&planning));
        let sittings = known.map(|window| desk.times_for(&planning, zone, window, MOST_OFFERS)).unwrap_or_default();
        let times = sittings.into_iter().map(|sitting| sitting.range).collect();
        Ok(OffersView { source, as_of, why, zone: desk.zone.clone(), minutes: desk.round.minutes, times })
    }

    /// The desk for a round; calendars read now if `live`, otherwise at most a minute ago. Never assumed: nobody picks from what was not
    /// read.
    pub(super) async fn choice_desk(&self, vacancy: Vacancy, round: i64, live: bool) -> Result<Desk> {
        let id = vacancy.id;
        let round = vacancy.round_at(round).cloned().ok_or_else(|| Error::missing("round", format!("{id}:{round}")))?;
        self.panel_desk(vacancy, round, live).await
    }

    /// After somebody found a time taken, or took one, the next page reads the calendar again.
    pub(super) async fn forget_look(&self, choice: &Choice) -> Result<()> {
        if let Some(vacancy) = self.store().vacancy(choice.vacancy).await? {
            self.0.looks.forget(vacancy.manager);
            for person in vacancy.round_at(choice.round).map(|round| round.panel.people()).unwrap_or_default() {
                self.0.looks.forget(person);
            }
        }
        Ok(())
    }
}
