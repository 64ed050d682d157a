//! The shortlist: putting candidates on it and taking them off.

use std::collections::HashMap;

use domain::{
    EmailAddress, Id,
    candidacies::Candidacy,
    choices,
    interviews::{By, Command, InterviewState, decide},
    people::Person,
    vacancies::{Vacancy, VacancyState},
};
use ports::{
    Put,
    change::{ClaimStep, Scope},
};
use serde_json::json;

use super::{MAX_SHORTLIST, VacancyView};
use crate::{
    App, Caller, Error, Result,
    draft::{Draft, touched},
    people::{CandidateInput, line, parse},
};

impl App {
    /// Puts a candidate on a shortlist. `fresh` holds persons that this change makes, by address key.
    pub(super) async fn list(
        &self,
        vacancy: Id<Vacancy>,
        input: &CandidateInput,
        position: i64,
        fresh: &mut HashMap<String, Person>,
        draft: &mut Draft<'_>,
    ) -> Result<Id<Candidacy>> {
        let email: EmailAddress = parse("candidates.email", &input.email)?;
        let name = line("candidates.name", &input.name)?;
        let zone = input
            .zone
            .as_deref()
            .map(|zone| domain::Zone::new(zone).map_err(|error| Error::invalid("candidates.zone", error)))
            .transpose()?;
        let person = match fresh.get(&email.key()) {
            Some(person) => person.clone(),
            None => match self.store().person_by_email(&email).await? {
                Some(person) => person,
                None => self.new_person(&email, Some(&name), zone, input.external_id.as_deref(), draft)?,
            },
        };
        fresh.insert(email.key(), person.clone());
        let candidacy = Candidacy {
            id: self.id(),
            rev: 1,
            vacancy,
            person: person.id,
            position,
            unplaced: None,
            withdrawn_at: None,
            created_at: draft.now,
        };
        draft.take(Scope::Shortlist, format!("{vacancy}:{}", person.id), candidacy.id);
        draft.audit("candidate.listed", vacancy, json!({"candidacy": candidacy.id, "person": person.id}));
        let id = candidacy.id;
        draft.put(Put::Candidacy(candidacy));
        Ok(id)
    }

    /// Adds a candidate at the end. On an approved vacancy they are scheduled alone; nobody else moves.
    pub async fn add_candidate(&self, id: Id<Vacancy>, input: CandidateInput, caller: &Caller) -> Result<VacancyView> {
        let input = &input;
        self.transact(None, || async move {
            let vacancy = self.store().vacancy(id).await?.ok_or_else(|| Error::missing("vacancy", id))?;
            if vacancy.state == VacancyState::Closed {
                return Err(Error::Refused {
                    code: "vacancy_closed",
                    problem: "the vacancy is closed; nobody can be added".to_owned(),
                });
            }
            let known = self.store().shortlist(id).await?;
            if known.len() >= MAX_SHORTLIST {
                return Err(Error::invalid("candidates", format!("a shortlist holds at most {MAX_SHORTLIST} candidates")));
            }
            let position = known.iter().map(|candidacy| candidacy.position).max().unwrap_or(0) + 1;
            let mut draft = self.draft(caller);
            self.list(id, input, position, &mut HashMap::new(), &mut draft).await?;
            if vacancy.state == VacancyState::Approved {
                draft.arrange(id, draft.now);
            }
            Ok((draft.finish(), ()))
        })
        .await?;
        self.vacancy(id).await
    }

    /// Takes a candidate off the list and cancels their interview.
    pub async fn withdraw(&self, id: Id<Candidacy>, caller: &Caller) -> Result<()> {
        self.transact(None, || async move {
            let candidacy = self.store().candidacy(id).await?.ok_or_else(|| Error::missing("candidacy", id))?;
            let mut draft = self.draft(caller);
            if candidacy.withdrawn_at.is_some() {
                return Ok((draft.finish(), ()));
            }
            for interview in self.store().interviews_of(candidacy.vacancy).await? {
                if interview.candidacy == id && interview.state != InterviewState::Cancelled && interview.range.start() > draft.now
                {
                    let (next, effects) = decide(&interview, Command::Cancel { by: By::Recruiter, why: String::new() }, draft.now)?;
                    draft.interview(next, &effects, &[], 0)?;
                }
            }
            for choice in self.store().choices_of(candidacy.vacancy).await? {
                if let Some(hold) = choice.hold.as_ref().filter(|_| choice.candidacy == id) {
                    draft.claim(ClaimStep::ReleaseAll(hold.interview));
                    draft.put(Put::Choice(choices::decide(&choice, choices::Command::Release, draft.now)?));
                }
            }
            let mut next = touched(&candidacy);
            next.withdrawn_at = Some(draft.now);
            draft.audit("candidate.withdrawn", candidacy.vacancy, json!({"candidacy": id}));
            draft.put(Put::Candidacy(next));
            Ok((draft.finish(), ()))
        })
        .await
    }
}
