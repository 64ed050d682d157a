//! A vacancy's rounds as an integrator describes them: people by address, everything else as it is stored.

use std::collections::HashMap;

use domain::{
    EmailAddress, Id,
    people::Person,
    rounds::{Gap, MOST_PANEL, MOST_ROUNDS, Need, Opens, Panel, Round, RoundsError, Seats, check_rounds},
};

use super::minutes;
use crate::{
    App, Error, Result,
    draft::Draft,
    people::{line, parse, skills},
};

/// One round as an integrator describes it.
#[derive(Debug, Clone, Default)]
pub struct RoundInput {
    /// Order, from 1; the place in the list where absent.
    pub position: Option<i64>,
    /// As people read it; `Interview` where absent.
    pub name: Option<String>,
    /// Length; 60 where absent.
    pub minutes: Option<i64>,
    /// Who must come; the vacancy's manager alone where nobody is named.
    pub seats: Vec<SeatsInput>,
    /// Addresses of those who come where they can.
    pub optional: Vec<String>,
    /// How it lies to the round before.
    pub gap: Gap,
    /// When its interviews are arranged.
    pub opens: Opens,
}

/// Some of these people.
#[derive(Debug, Clone)]
pub struct SeatsInput {
    /// How many.
    pub need: Need,
    /// Their addresses.
    pub people: Vec<String>,
    /// Only those who have all of these skills.
    pub skills: Vec<String>,
}

impl App {
    /// Reads rounds, makes people known who are not yet, and refuses what cannot be. `fresh` are the people of this change by address.
    pub(super) async fn read_rounds(
        &self,
        input: &[RoundInput],
        fresh: &mut HashMap<String, Person>,
        draft: &mut Draft<'_>,
    ) -> Result<Vec<Round>> {
        let named =
            input.iter().map(|round| round.optional.len() + round.seats.iter().map(|seats| seats.people.len()).sum::<usize>());
        if input.len() > MOST_ROUNDS {
            return Err(wrong(&RoundsError::TooMany));
        }
        if let Some((position, _)) = (1..).zip(named).find(|(_, named)| *named > 4 * MOST_PANEL) {
            return Err(wrong(&RoundsError::Crowd(position)));
        }
        let mut rounds = Vec::new();
        for (position, round) in (1..).zip(input) {
            let mut seats = Vec::new();
            for group in &round.seats {
                let people = self.read_people(&group.people, fresh, draft).await?;
                seats.push(Seats { need: group.need, people, skills: skills("rounds.seats.skills", &group.skills)? });
            }
            let optional = self.read_people(&round.optional, fresh, draft).await?;
            rounds.push(Round {
                position: round.position.unwrap_or(position),
                name: line("rounds.name", round.name.as_deref().unwrap_or("Interview"))?,
                minutes: minutes(round.minutes.unwrap_or(60))?,
                panel: Panel { seats, optional },
                gap: round.gap,
                opens: round.opens,
            });
        }
        check_rounds(&rounds).map_err(|error| wrong(&error))?;
        Ok(rounds)
    }

    /// The same for rounds of people who are known; nothing is stored.
    pub(crate) async fn known_rounds(&self, input: &[RoundInput]) -> Result<Vec<Round>> {
        let every = input.iter().flat_map(|round| round.optional.iter().chain(round.seats.iter().flat_map(|seats| &seats.people)));
        let every: Vec<&String> = every.take(MOST_ROUNDS * MOST_PANEL).collect();
        let mut known = HashMap::new();
        for address in every {
            let person = self.person_by(address, "rounds.people").await?;
            known.insert(parse::<EmailAddress>("rounds.people", address)?.key(), person);
        }
        let mut draft = self.draft(&Self::by_job());
        self.read_rounds(input, &mut known, &mut draft).await
    }

    async fn read_people(
        &self,
        addresses: &[String],
        fresh: &mut HashMap<String, Person>,
        draft: &mut Draft<'_>,
    ) -> Result<Vec<Id<Person>>> {
        let mut people = Vec::new();
        for address in addresses {
            let email: EmailAddress = parse("rounds.people", address)?;
            let person = match fresh.get(&email.key()) {
                Some(person) => person.clone(),
                None => self.person_or_new(&email, None, draft).await?,
            };
            fresh.insert(email.key(), person.clone());
            people.push(person.id);
        }
        Ok(people)
    }
}

fn wrong(error: &RoundsError) -> Error {
    Error::invalid("rounds", error)
}
