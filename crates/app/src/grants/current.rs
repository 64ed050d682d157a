//! Whose grants these are. A person may have one at each provider, and at most one of them is in use.

use std::collections::BTreeMap;

use domain::{Id, Zone, claims::Holder, grants::Grant, people::Person};
use ports::{Put, calendar::Answer, store::Page};

use super::{internal, unavailable};
use crate::{
    App, Error, Result,
    draft::{Draft, touched},
};

/// Grants read at once.
const PAGE: u32 = 200;

impl App {
    /// The person's grant that counts; see [`Grant::current`].
    pub(crate) async fn grant_of(&self, person: Id<Person>) -> Result<Option<Grant>> {
        let mut others = Vec::new();
        for provider in self.providers() {
            match self.store().grant_of(person, provider.name()).await? {
                Some(grant) if grant.is_usable() => return Ok(Some(grant)),
                grant => others.extend(grant),
            }
        }
        Ok(Grant::current(others))
    }

    /// The person's grants at all providers.
    pub(crate) async fn grants_of(&self, person: Id<Person>) -> Result<Vec<Grant>> {
        let mut found = Vec::new();
        for provider in self.providers() {
            found.extend(self.store().grant_of(person, provider.name()).await?);
        }
        Ok(found)
    }

    /// Grants in the order of their ids, one of each person: the one that counts.
    pub(crate) async fn current_grants(&self, mut page: Page) -> Result<Vec<Grant>> {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        loop {
            let read = self.store().grants(page.clone()).await?;
            let is_last = read.len() < limit;
            if self.providers().nth(1).is_none() {
                return Ok(read);
            }
            page.after = read.last().map(|grant| grant.id.to_string());
            for grant in read {
                let current = self.grant_of(grant.person).await?;
                found.extend(current.filter(|current| current.id == grant.id));
            }
            if is_last || found.len() >= limit {
                found.truncate(limit);
                return Ok(found);
            }
        }
    }

    /// The grant that reaches a calendar: an event that was written with an earlier one is not looked for in the account that is used now.
    pub(crate) async fn grant_reaching(&self, person: Id<Person>, calendar: Option<&str>) -> Result<Option<Grant>> {
        let current = self.grant_of(person).await?;
        let Some(calendar) = calendar.filter(|_| self.providers().nth(1).is_some()) else { return Ok(current) };
        if current.as_ref().is_some_and(|grant| grant.knows_calendar(calendar)) {
            return Ok(current);
        }
        let earlier = self.grants_of(person).await?.into_iter().find(|grant| grant.knows_calendar(calendar));
        Ok(earlier.or(current))
    }

    /// Grants in use at providers that are not registered any more, counted by provider: nothing can be done with them, and nobody could
    /// see that their calendars are connected.
    pub async fn orphaned_grants(&self) -> Result<BTreeMap<String, usize>> {
        let mut found = BTreeMap::new();
        let mut page = Page::first(PAGE);
        loop {
            let read = self.store().grants(page.clone()).await?;
            let Some(last) = read.last() else { return Ok(found) };
            page.after = Some(last.id.to_string());
            for grant in read.into_iter().filter(|grant| grant.is_usable() && self.provider_named(&grant.provider).is_err()) {
                *found.entry(grant.provider).or_default() += 1;
            }
        }
    }

    /// Refuses a second calendar while another provider's is in use.
    pub(crate) async fn refuse_second(&self, person: Id<Person>, provider: &str) -> Result<()> {
        match self.grant_of(person).await?.filter(|grant| grant.is_usable() && grant.provider != provider) {
            Some(_) => Err(other_calendar()),
            None => Ok(()),
        }
    }

    /// Before `next` goes into use: whether another provider's grant is in use, in which case it must not. Otherwise nobody is asked for
    /// permission at another provider any more, and its generation is the highest of the person's: by it their mails are told apart. Two
    /// that go into use at once meet at the person's agenda.
    pub(crate) async fn yields_to_other(&self, next: &mut Grant, draft: &mut Draft<'_>) -> Result<bool> {
        if self.providers().nth(1).is_none() {
            return Ok(false);
        }
        let holder = Holder::person(next.person);
        let expected = self.store().agenda_rev(&holder).await?;
        let others: Vec<Grant> = self.grants_of(next.person).await?.into_iter().filter(|grant| grant.id != next.id).collect();
        if others.iter().any(Grant::is_usable) {
            return Ok(true);
        }
        draft.agenda(holder, expected);
        next.generation = others.iter().map(|grant| grant.generation).fold(next.generation, i64::max);
        for asked in others.iter().filter(|grant| grant.request.is_some()) {
            draft.put(Put::Grant(Grant { request: None, ..touched(asked) }));
        }
        Ok(false)
    }

    /// The zone in which days and times of the owner are meant that state none, where the provider's answers hold such.
    pub(crate) async fn owner_zone(&self, grant: &Grant) -> Answer<Option<Zone>> {
        if !self.provider_named(&grant.provider).map_err(internal)?.has_floating_times() {
            return Ok(None);
        }
        let person = self.store().person(grant.person).await.map_err(unavailable)?;
        let calendar = grant.calendar.as_ref().and_then(|calendar| calendar.zone.clone());
        Ok(person.and_then(|person| person.zone).or(calendar))
    }
}

/// What somebody is told who connects a second calendar.
pub(crate) fn other_calendar() -> Error {
    Error::Refused {
        code: "other_calendar",
        problem: "a calendar at another provider is connected; disconnect it first, then connect this one".to_owned(),
    }
}
