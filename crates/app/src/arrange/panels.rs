//! Vacancies in whose rounds more than the manager interview: everybody is asked for permission, every calendar is read, and a round is
//! arranged as soon as its seats can be filled from calendars that are known.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    Id, TimeRange,
    grants::Grant,
    interviews::{Interview, Role},
    people::Person,
    rounds::{Need, Panel, Round},
    vacancies::Vacancy,
};
use ports::calendar::ProviderError;
use scheduling::{Busy, BusySet};

use super::{
    Desk, Sitting,
    desk::{Sitter, same_people},
    sooner,
};
use crate::{App, Error, Result, choices::Source, draft::later, worker::Verdict};

impl App {
    pub(super) async fn arrange_panels(&self, vacancy: Vacancy) -> Result<Verdict> {
        let mut sitters = BTreeMap::new();
        let mut failed: Option<ProviderError> = None;
        let mut missing = false;
        for person in everybody(&vacancy) {
            let person = self.person(person).await?;
            // Whoever was erased since is asked for nothing: the panel does without them.
            let usable = match person.email() {
                Some(_) => Some(self.ask_for_vacancy(&person, &vacancy).await?).filter(Grant::is_usable),
                None => None,
            };
            let zone = Self::zone_of(&person, usable.as_ref());
            let rules = person.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
            let now = self.now();
            let mut busy = Busy::Unknown { why: "not_connected".to_owned() };
            if let Some(grant) = usable {
                let window =
                    TimeRange::new(now, later(rules.latest(now), 60)?).map_err(|error| Error::Internal(error.to_string()))?;
                let read = match self.fresh_calendars(grant).await? {
                    Ok(grant) => self.busy(&grant, window).await?,
                    Err(error) => Err(error),
                };
                match read {
                    Ok(set) => busy = Busy::Known { as_of: now, set },
                    Err(error) => {
                        busy = Busy::Unknown { why: format!("{:?}", error.class).to_lowercase() };
                        failed = Some(error);
                    }
                }
            } else {
                missing = true;
            }
            sitters.insert(person.id, Sitter { person, rules, busy, zone });
        }
        let mut verdict = Verdict::Done;
        let mut unknown = false;
        let desks = vacancy.rounds.iter().map(|round| Self::seat_desk(vacancy.clone(), round.clone(), &sitters));
        let desks = desks.collect::<Result<Vec<_>>>()?;
        let hints = Box::pin(self.hints(&vacancy, &desks)).await?;
        for desk in desks {
            if desk.source().0 == "unknown" {
                unknown = true;
                continue;
            }
            verdict = sooner(verdict, self.place_all(&desk, &hints).await?);
        }
        match failed {
            Some(error) if unknown => verdict = sooner(verdict, self.calendar_unreadable(&vacancy, &error).await?),
            // Whoever connects wakes the vacancy; until then the others go on as far as they fill the seats.
            None if unknown && missing => self.stuck(&vacancy, "panel_permission", None).await?,
            None if unknown => self.stuck(&vacancy, "panel_skills", None).await?,
            _ => self.unstick(&vacancy).await?,
        }
        self.settle_unsettled(vacancy.id).await?;
        Ok(verdict)
    }

    /// The desk of a round from people who were read.
    pub(crate) fn seat_desk(vacancy: Vacancy, round: Round, sitters: &BTreeMap<Id<Person>, Sitter>) -> Result<Desk> {
        let alone = round.panel.seats.is_empty();
        let skilled = skilled(&round.panel, |person| sitters.get(&person).map(|sitter| &sitter.person.skills));
        let mut people = if alone { vec![vacancy.manager] } else { skilled.people() };
        if people.is_empty() {
            // Nobody has the skills: whoever is named is shown, and the seats stay empty.
            people = round.panel.people();
        }
        // Who leads stands first: the vacancy's manager where they are one of them.
        people.sort_by_key(|person| *person != vacancy.manager);
        let mut found = people.iter().filter_map(|person| sitters.get(person));
        let lead = found.next().ok_or_else(|| Error::Internal(format!("{} has a panel of nobody", vacancy.id)))?;
        let beside = found
            .map(|sitter| Sitter {
                person: sitter.person.clone(),
                rules: sitter.rules.clone(),
                busy: sitter.busy.clone(),
                zone: sitter.zone.clone(),
            })
            .collect();
        Ok(Desk {
            vacancy,
            round,
            manager: lead.person.clone(),
            rules: lead.rules.clone(),
            busy: lead.busy.clone(),
            zone: lead.zone.clone(),
            beside,
            panel: skilled,
            release_minutes: lead.rules.minimum_notice_minutes,
        })
    }

    /// The desk of a round; calendars read now if `live`, otherwise at most a minute ago.
    pub(crate) async fn panel_desk(&self, vacancy: Vacancy, round: Round, live: bool) -> Result<Desk> {
        let people = if round.panel.seats.is_empty() { vec![vacancy.manager] } else { round.panel.people() };
        let mut sitters = BTreeMap::new();
        for person in people {
            let sitter = self.read_sitter(person, !live).await?;
            sitters.insert(person, sitter);
        }
        Self::seat_desk(vacancy, round, &sitters)
    }

    /// The desk of everybody who sits in an interview, as it is now: calendars read, or assumed where the interview is provisional.
    pub(crate) async fn desk_of(&self, interview: &Interview) -> Result<Desk> {
        let vacancy = self.store().vacancy(interview.vacancy).await?.ok_or_else(|| Error::missing("vacancy", interview.vacancy))?;
        let manager = self.participant(interview, Role::Manager).await?;
        let grant = self.grant_of(manager.id).await?.filter(Grant::is_usable);
        let busy = self.busy_of(&manager, grant.as_ref(), interview.zone.clone()).await?;
        let busy = match (busy, interview.provisional) {
            (Busy::Unknown { .. }, true) => {
                Busy::Assumed { policy: "provisional".to_owned(), since: interview.created_at, set: BusySet::empty() }
            }
            (busy, _) => busy,
        };
        let mut desk = self
            .desk_of_round(vacancy, interview.round, manager, interview.zone.clone(), busy)
            .ok_or_else(|| Error::Internal(format!("{} has no round", interview.vacancy)))?;
        desk.panel = same_people(interview);
        for person in interview.panel().filter(|person| *person != desk.manager.id) {
            desk.beside.push(self.sitter(person).await?);
        }
        Ok(desk)
    }

    /// Who would sit at a time. Refuses one that a rule, a known event, an interview or a hold is in the way of; `moving` is left out.
    pub(crate) async fn check_time(
        &self,
        desk: &Desk,
        candidate: Id<Person>,
        moving: Option<Id<Interview>>,
        range: TimeRange,
    ) -> Result<Sitting> {
        let planning = self.planning(desk, candidate, moving).await?;
        let refused = |codes: Vec<String>| Error::Refused {
            code: "time_not_available",
            problem: format!("this time cannot be offered: {}", codes.join(", ")),
        };
        desk.check(&planning, range).map_err(refused)
    }

    /// Somebody with their calendar, read a moment ago or now.
    pub(crate) async fn recent_sitter(&self, person: Id<Person>) -> Result<Sitter> {
        self.read_sitter(person, true).await
    }

    /// Somebody with their calendar read now.
    pub(crate) async fn sitter(&self, person: Id<Person>) -> Result<Sitter> {
        self.read_sitter(person, false).await
    }

    /// The same; as it was read a moment ago, if `recent`.
    async fn read_sitter(&self, person: Id<Person>, recent: bool) -> Result<Sitter> {
        let person = self.person(person).await?;
        let grant = self.grant_of(person.id).await?.filter(Grant::is_usable);
        let zone = Self::zone_of(&person, grant.as_ref());
        let rules = person.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
        let now = self.now();
        let source = grant.as_ref().map(|grant| Source::of(&person, grant));
        let kept = source.as_ref().filter(|_| recent).and_then(|source| self.0.looks.get(source, now));
        let busy = if let Some(busy) = kept {
            busy
        } else {
            let busy = Arc::new(self.busy_of(&person, grant.as_ref(), zone.clone()).await?);
            if let Some(source) = source {
                self.0.looks.keep(source, now, &busy);
            }
            busy
        };
        let busy = Arc::unwrap_or_clone(busy);
        Ok(Sitter { person, rules, busy, zone })
    }
}

/// Whoever interviews in some round.
pub(crate) fn everybody(vacancy: &Vacancy) -> BTreeSet<Id<Person>> {
    let of = |round: &Round| if round.panel.seats.is_empty() { vec![vacancy.manager] } else { round.panel.people() };
    vacancy.rounds.iter().flat_map(of).collect()
}

/// The panel with those only who have the skills that a group of seats asks for.
fn skilled<'a>(panel: &Panel, skills: impl Fn(Id<Person>) -> Option<&'a BTreeSet<String>>) -> Panel {
    let mut panel = panel.clone();
    for seats in &mut panel.seats {
        let asked = std::mem::take(&mut seats.skills);
        if !asked.is_empty() {
            seats.people.retain(|person| skills(*person).is_some_and(|has| asked.is_subset(has)));
            if seats.people.is_empty() {
                // All of nobody would be nobody: the seat stays one that cannot be filled.
                seats.need = Need::Any;
            }
        }
    }
    panel
}
