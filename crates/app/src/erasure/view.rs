//! Before an erasure: who is meant, what it would take, and that whoever asks means this person.

use domain::{
    EmailAddress, Id,
    erasure::{Erasure, Kind, Stage},
    people::Person,
    vacancies::VacancyState,
};

use super::{has_event, is_open};
use crate::{App, Error, Result};

/// What an erasure takes with it, for the page that asks whether it is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct ErasureView {
    /// Who.
    pub person: Person,
    /// As what they are known.
    pub kind: Kind,
    /// How it stands, if it was asked for.
    pub erasure: Option<Erasure>,
    /// Interviews that would be cancelled, with notice to those who know of them.
    pub upcoming: usize,
    /// Interviews that are over or cancelled.
    pub past: usize,
    /// Events that stand in calendars.
    pub events: usize,
    /// Vacancies of theirs that would be closed.
    pub vacancies: usize,
    /// Whether a permission would be revoked at the provider.
    pub connected: bool,
}

impl App {
    /// What an erasure would take with it. Changes nothing.
    pub async fn erasure_view(&self, id: Id<Person>) -> Result<ErasureView> {
        let known = self.known(id).await?;
        let upcoming = known.interviews.iter().filter(|interview| is_open(interview)).count();
        Ok(ErasureView {
            kind: known.kind,
            erasure: self.store().erasure(id).await?,
            upcoming,
            past: known.interviews.len() - upcoming,
            events: known.interviews.iter().filter(|interview| has_event(interview)).count(),
            vacancies: known.vacancies.iter().filter(|vacancy| vacancy.state != VacancyState::Closed).count(),
            connected: known.grants.iter().any(|grant| grant.tokens.is_some()),
            person: known.person,
        })
    }

    /// A person whose data are there. Who was erased is gone, and that is another answer than never having been known.
    pub async fn present_person(&self, id: Id<Person>) -> Result<Person> {
        let person = self.person(id).await?;
        match self.store().erasure(id).await? {
            Some(erasure) if erasure.stage != Stage::Telling => Err(Error::Erased { id: id.to_string() }),
            _ => Ok(person),
        }
    }

    /// Refuses an erasure unless `email` is an address of the person: an id alone is too easily somebody else's.
    pub async fn confirm_erasure(&self, id: Id<Person>, email: &str) -> Result<()> {
        let person = self.present_person(id).await?;
        let typed: EmailAddress = email.parse().map_err(|error| Error::invalid("email", error))?;
        if person.emails.iter().any(|known| known.key() == typed.key()) {
            Ok(())
        } else {
            Err(Error::invalid("email", "this is not an address of that person, and nothing was erased; write one of theirs"))
        }
    }
}
