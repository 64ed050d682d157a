//! Vacancies: made, approved, paused, closed; and their shortlists.

mod pause;
mod rounds;
mod shortlist;

use std::collections::HashMap;

use domain::{
    EmailAddress, Id, Rev,
    candidacies::Candidacy,
    choices::Choice,
    grants::Grant,
    interviews::{Interview, InterviewState},
    people::Person,
    rounds::Round,
    vacancies::{Place, Policy, Vacancy, VacancyState, Waiting},
};
use ports::{Put, change::Scope, store::Page};
pub use rounds::{RoundInput, SeatsInput};
use serde_json::json;

use crate::{
    App, Caller, Error, Result,
    draft::{Draft, touched},
    people::{CandidateInput, GrantView, line, parse},
    waiting,
};

/// Where an interview takes place, as an integrator says it.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum PlaceInput {
    /// A room or street address.
    Address(String),
    /// A meeting URL.
    Url(String),
    /// A Zoho Meeting made with each event.
    ZohoMeeting,
}

/// A vacancy as an integrator describes it.
#[derive(Debug, Clone, Default)]
pub struct VacancyInput {
    /// As people read it.
    pub title: String,
    /// Who interviews.
    pub manager_email: String,
    /// Their name, if not known yet.
    pub manager_name: Option<String>,
    /// Who asks, as the manager reads it; the company where absent.
    pub requested_by: Option<String>,
    /// Length of an interview; 60 where absent.
    pub minutes: Option<i64>,
    /// Name of the round; `Interview` where absent.
    pub round_name: Option<String>,
    /// Its rounds, in order; one with the manager alone, of `minutes` and `round_name`, where absent.
    pub rounds: Option<Vec<RoundInput>>,
    /// Where.
    pub place: Option<PlaceInput>,
    /// What may happen by itself.
    pub policy: Option<Policy>,
    /// The integrator's id.
    pub external_id: Option<String>,
    /// The shortlist, in order.
    pub candidates: Vec<CandidateInput>,
}

/// What may be changed.
#[derive(Debug, Clone, Default)]
pub struct VacancyPatch {
    /// See [`VacancyInput::title`].
    pub title: Option<String>,
    /// See [`VacancyInput::place`].
    pub place: Option<PlaceInput>,
    /// See [`VacancyInput::policy`].
    pub policy: Option<Policy>,
    /// See [`VacancyInput::minutes`]; of the first round.
    pub minutes: Option<i64>,
    /// See [`VacancyInput::rounds`]; while no interview is arranged.
    pub rounds: Option<Vec<RoundInput>>,
}

/// One line of a shortlist.
#[derive(Debug, Clone, PartialEq)]
pub struct ShortlistItem {
    /// The place on the list.
    pub candidacy: Candidacy,
    /// Who.
    pub candidate: Person,
    /// The interview that counts: the first that is not over and not cancelled, else the last that took place, else the last.
    pub interview: Option<Interview>,
    /// One of each round, in their order: the one not cancelled, else the last.
    pub interviews: Vec<Interview>,
    /// Of the first round: how far the candidate is with picking a time, where they pick.
    pub choice: Option<Choice>,
}

/// A vacancy with everything a page or an integrator wants to know at once.
#[derive(Debug, Clone, PartialEq)]
pub struct VacancyView {
    /// The vacancy.
    pub vacancy: Vacancy,
    /// Who interviews.
    pub manager: Person,
    /// Everybody whom a panel names, by id.
    pub panelists: Vec<Person>,
    /// The manager's permission.
    pub grant: Option<GrantView>,
    /// The shortlist in order.
    pub shortlist: Vec<ShortlistItem>,
    /// What it waits for.
    pub waiting_for: Vec<Waiting>,
    /// What may be asked of it, as codes.
    pub allowed_actions: Vec<&'static str>,
}

/// Longest shortlist.
const MAX_SHORTLIST: usize = 5_000;

impl App {
    /// One vacancy, whole.
    pub async fn vacancy(&self, id: Id<Vacancy>) -> Result<VacancyView> {
        let vacancy = self.store().vacancy(id).await?.ok_or_else(|| Error::missing("vacancy", id))?;
        self.vacancy_view(vacancy).await
    }

    /// Vacancies, newest first.
    pub async fn vacancies(&self, page: Page) -> Result<Vec<VacancyView>> {
        let mut views = Vec::new();
        for vacancy in self.store().vacancies(page).await? {
            views.push(self.vacancy_view(vacancy).await?);
        }
        Ok(views)
    }

    async fn vacancy_view(&self, vacancy: Vacancy) -> Result<VacancyView> {
        let manager = self.person(vacancy.manager).await?;
        let grant: Option<Grant> = self.grant_of(manager.id).await?;
        let candidacies = self.store().shortlist(vacancy.id).await?;
        let interviews = self.store().interviews_of(vacancy.id).await?;
        let choices = self.store().choices_of(vacancy.id).await?;
        let ids: Vec<_> = candidacies.iter().map(|candidacy| candidacy.person).collect();
        let persons: HashMap<_, _> = self.store().persons(&ids).await?.into_iter().map(|person| (person.id, person)).collect();
        let shortlist: Vec<_> = candidacies
            .into_iter()
            .filter_map(|candidacy| {
                let candidate = persons.get(&candidacy.person)?.clone();
                let rounds = vacancy.rounds.iter().map(|round| round.position);
                let of_round = |round| {
                    let mine = || interviews.iter().filter(move |one| one.candidacy == candidacy.id && one.round == round);
                    mine().find(|one| one.state != InterviewState::Cancelled).or_else(|| mine().next_back()).cloned()
                };
                let interviews: Vec<Interview> = rounds.filter_map(of_round).collect();
                let over = |one: &&Interview| matches!(one.state, InterviewState::Done | InterviewState::NoShow);
                let to_come = interviews.iter().find(|one| !over(one) && one.state != InterviewState::Cancelled);
                let interview = to_come.or_else(|| interviews.iter().rfind(over)).or_else(|| interviews.last()).cloned();
                let first = vacancy.round().map_or(1, |round| round.position);
                let choice = choices.iter().find(|choice| choice.candidacy == candidacy.id && choice.round == first).cloned();
                Some(ShortlistItem { candidacy, candidate, interview, interviews, choice })
            })
            .collect();
        let paused = self.paused_all().await?;
        let waiting_for = waiting::of(&vacancy, &manager, grant.as_ref(), &shortlist, paused, self.now());
        let allowed_actions = allowed_actions(&vacancy);
        let grant = grant.map(|grant| GrantView::of(&grant, self.now()));
        let panelists: Vec<_> = vacancy.rounds.iter().flat_map(|round| round.panel.people()).collect();
        let panelists = self.store().persons(&panelists).await?;
        Ok(VacancyView { vacancy, manager, panelists, grant, shortlist, waiting_for, allowed_actions })
    }

    /// Makes a vacancy with its shortlist. Nothing is mailed or booked before it is approved.
    pub async fn create_vacancy(&self, input: VacancyInput, caller: &Caller) -> Result<VacancyView> {
        if input.candidates.len() > MAX_SHORTLIST {
            return Err(Error::invalid("candidates", format!("a shortlist holds at most {MAX_SHORTLIST} candidates")));
        }
        let email: EmailAddress = parse("manager_email", &input.manager_email)?;
        let (input, email) = (&input, &email);
        let id = self
            .transact(None, || async move {
                let mut draft = self.draft(caller);
                let manager = self.person_or_new(email, input.manager_name.as_deref(), &mut draft).await?;
                let mut fresh: HashMap<String, Person> = HashMap::from([(email.key(), manager.clone())]);
                let rounds = self.rounds_of(input, &mut fresh, &mut draft).await?;
                let vacancy = self.new_vacancy(input, rounds, &manager, &mut draft)?;
                let id = vacancy.id;
                draft.put(Put::Vacancy(vacancy));
                for (index, candidate) in input.candidates.iter().enumerate() {
                    let position = i64::try_from(index).unwrap_or(i64::MAX - 1) + 1;
                    self.list(id, candidate, position, &mut fresh, &mut draft).await?;
                }
                Ok((draft.finish(), id))
            })
            .await?;
        self.vacancy(id).await
    }

    async fn rounds_of(
        &self,
        input: &VacancyInput,
        fresh: &mut HashMap<String, Person>,
        draft: &mut Draft<'_>,
    ) -> Result<Vec<Round>> {
        match &input.rounds {
            Some(_) if input.minutes.is_some() || input.round_name.is_some() => {
                Err(Error::invalid("rounds", "say name and length in each round, or leave `rounds` out"))
            }
            Some(rounds) => self.read_rounds(rounds, fresh, draft).await,
            None => {
                let name = line("round_name", input.round_name.as_deref().unwrap_or("Interview"))?;
                Ok(vec![Round::simple(1, name, minutes(input.minutes.unwrap_or(60))?)])
            }
        }
    }

    fn new_vacancy(&self, input: &VacancyInput, rounds: Vec<Round>, manager: &Person, draft: &mut Draft<'_>) -> Result<Vacancy> {
        let requested_by = input.requested_by.as_deref().unwrap_or(&self.settings().company);
        let vacancy = Vacancy {
            id: self.id(),
            rev: 1,
            title: line("title", &input.title)?,
            manager: manager.id,
            requested_by: line("requested_by", requested_by)?,
            state: VacancyState::Draft,
            paused_at: None,
            rounds,
            place: input.place.as_ref().map(place).transpose()?,
            policy: input.policy.clone().unwrap_or_default(),
            approved_at: None,
            stuck: None,
            external_id: input.external_id.as_deref().map(|text| line("external_id", text)).transpose()?,
            created_at: draft.now,
        };
        if let Some(external_id) = &vacancy.external_id {
            draft.take(Scope::VacancyExternalId, external_id, vacancy.id);
        }
        draft.audit("vacancy.created", vacancy.id, json!({"manager": manager.id}));
        Ok(vacancy)
    }

    /// Changes what is not fixed yet. `if_match` is the revision the caller read.
    pub async fn update_vacancy(
        &self,
        id: Id<Vacancy>,
        patch: VacancyPatch,
        if_match: Option<Rev>,
        caller: &Caller,
    ) -> Result<VacancyView> {
        let patch = &patch;
        if patch.place.is_some() {
            let upcoming =
                |interview: &Interview| interview.holds_time() && interview.range.start() > self.now() && interview.invited;
            if self.store().interviews_of(id).await?.iter().any(upcoming) {
                return Err(Error::Refused {
                    code: "interviews_booked",
                    problem:
                        "candidates were invited to the present place; cancel or move their interviews first, or make a new vacancy"
                            .to_owned(),
                });
            }
        }
        if patch.rounds.is_some() && patch.minutes.is_some() {
            return Err(Error::invalid("rounds", "say the length in each round, or leave `rounds` out"));
        }
        self.change_vacancy(id, if_match, caller, "vacancy.changed", patch.rounds.as_deref(), |next| {
            if let Some(title) = &patch.title {
                next.title = line("title", title)?;
            }
            if let Some(input) = &patch.place {
                next.place = Some(place(input)?);
            }
            if let Some(policy) = &patch.policy {
                next.policy = policy.clone();
            }
            if let (Some(value), Some(round)) = (patch.minutes, next.rounds.first_mut()) {
                round.minutes = minutes(value)?;
            }
            Ok(())
        })
        .await
    }

    /// Approves: from here Greenroom works by itself. However often it is called, it starts once.
    pub async fn approve(&self, id: Id<Vacancy>, dry_run: bool, caller: &Caller) -> Result<VacancyView> {
        let approved = self
            .transact(None, || async move {
                let vacancy = self.store().vacancy(id).await?.ok_or_else(|| Error::missing("vacancy", id))?;
                let shortlist = self.store().shortlist(id).await?;
                let mut draft = self.draft(caller);
                let candidates = shortlist.iter().filter(|candidacy| candidacy.withdrawn_at.is_none()).count();
                if let Some(problem) = vacancy.approval_problem(candidates) {
                    let code = match problem {
                        domain::vacancies::ApprovalProblem::Closed => "vacancy_closed",
                        domain::vacancies::ApprovalProblem::NoPlace => "no_place",
                        domain::vacancies::ApprovalProblem::EmptyShortlist => "empty_shortlist",
                    };
                    return Err(Error::Refused { code, problem: problem.to_string() });
                }
                let mut next = touched(&vacancy);
                if vacancy.state == VacancyState::Approved {
                    return Ok((draft.finish(), vacancy));
                }
                next.state = VacancyState::Approved;
                next.approved_at = Some(draft.now);
                if dry_run {
                    return Ok((ports::Change::at(draft.now), next));
                }
                draft.audit("vacancy.approved", id, json!({"candidates": candidates}));
                draft.arrange(id, draft.now);
                draft.put(Put::Vacancy(next.clone()));
                Ok((draft.finish(), next))
            })
            .await?;
        self.vacancy_view(approved).await
    }

    async fn change_vacancy(
        &self,
        id: Id<Vacancy>,
        if_match: Option<Rev>,
        caller: &Caller,
        action: &'static str,
        rounds: Option<&[RoundInput]>,
        change: impl Fn(&mut Vacancy) -> Result<()>,
    ) -> Result<VacancyView> {
        let change = &change;
        self.transact(None, || async move {
            let vacancy = self.store().vacancy(id).await?.ok_or_else(|| Error::missing("vacancy", id))?;
            if if_match.is_some_and(|rev| rev != vacancy.rev) {
                return Err(Error::Stale { what: "vacancy", id: id.to_string() });
            }
            let mut next = touched(&vacancy);
            change(&mut next)?;
            let mut draft = self.draft(caller);
            if let Some(rounds) = rounds {
                if self.store().interviews_of(id).await?.iter().any(Interview::holds_time) {
                    return Err(Error::Refused {
                        code: "interviews_booked",
                        problem: "interviews were arranged for the present rounds; cancel them first, or make a new vacancy"
                            .to_owned(),
                    });
                }
                next.rounds = self.read_rounds(rounds, &mut HashMap::new(), &mut draft).await?;
            }
            draft.audit(action, id, json!({}));
            if next.state == VacancyState::Approved && next.paused_at.is_none() {
                draft.arrange(id, draft.now);
            }
            draft.put(Put::Vacancy(next));
            Ok((draft.finish(), ()))
        })
        .await?;
        self.vacancy(id).await
    }
}

fn allowed_actions(vacancy: &Vacancy) -> Vec<&'static str> {
    let mut actions = Vec::new();
    match vacancy.state {
        VacancyState::Draft => actions.extend(["approve", "update", "add_candidate", "close"]),
        VacancyState::Approved => {
            actions.extend(["update", "add_candidate", "close"]);
            actions.push(if vacancy.paused_at.is_some() { "resume" } else { "pause" });
        }
        VacancyState::Closed => {}
    }
    actions
}

fn minutes(value: i64) -> Result<i64> {
    let minutes = u32::try_from(value).ok().and_then(|value| scheduling::SlotLength::from_minutes(value).ok());
    minutes
        .map(|length| i64::from(length.minutes()))
        .ok_or_else(|| Error::invalid("minutes", format!("{value} minutes is no length: use a multiple of 5 from 5 to 1440")))
}

fn place(input: &PlaceInput) -> Result<Place> {
    match input {
        PlaceInput::Address(text) => {
            let text = line("place", text)?;
            Ok(Place::Address(text))
        }
        PlaceInput::Url(text) => {
            let url: url::Url = parse("place", text)?;
            if !matches!(url.scheme(), "http" | "https") || text.chars().count() > 255 {
                return Err(Error::invalid("place", "a meeting URL starts with https:// and has at most 255 characters"));
            }
            Ok(Place::Url(url.to_string()))
        }
        PlaceInput::ZohoMeeting => Ok(Place::ZohoMeeting),
    }
}
