//! Candidates who pick their own time: asking them, the page behind their link, reminders, and who is told when they do not answer.
//!
//! A round is a parameter everywhere: one choice per place on a shortlist and round.

mod asking;
mod booking;
mod offers;
mod wishes;

pub use booking::HoldInput;
use domain::{
    EmailAddress, Id, TimeRange, Timestamp, Zone,
    audit::Actor,
    candidacies::{Candidacy, Unplaced},
    choices::{Choice, change_until},
    interviews::{By, Interview, InterviewState, Role},
    links::{LinkProblem, Purpose},
    mails::MailOrder,
    people::Person,
    vacancies::{Vacancy, VacancyState},
};
pub use offers::OffersView;
pub(crate) use offers::{Looks, Source};
use ports::{Put, change::Scope};
use url::Url;
pub use wishes::WishOutcome;

use crate::{
    App, Caller, Error, InterviewView, ParticipantView, Result,
    arrange::Desk,
    draft::{Draft, later, touched},
    interviews::round_name,
};

/// A choice, as the recruiter sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoiceView {
    /// The choice.
    pub choice: Choice,
    /// The page, while its link opens.
    pub page: Option<Url>,
    /// Until when it opens.
    pub until: Option<Timestamp>,
    /// `waiting`, `held`, `chosen`, `wishes`, `silent` or `ended`.
    pub state: &'static str,
}

/// A choice, as the candidate sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ChoicePage {
    /// The choice.
    pub choice: Choice,
    /// The company.
    pub company: String,
    /// The vacancy's title.
    pub vacancy: String,
    /// The round's name.
    pub round: String,
    /// How long the interview is.
    pub minutes: i64,
    /// The candidate's name.
    pub candidate: String,
    /// Whom they meet.
    pub manager: String,
    /// Whom to write to.
    pub contact: Option<EmailAddress>,
    /// The candidate's zone, where it is known.
    pub reader_zone: Option<Zone>,
    /// What they chose.
    pub interview: Option<ParticipantView>,
    /// Whether the calendar already has an earlier time of it: it is being moved, not booked.
    pub moving: bool,
    /// Until when they may move or cancel it by themselves.
    pub change_until: Option<Timestamp>,
    /// Whether a time can be picked.
    pub open: bool,
}

impl App {
    /// The choice of a place on a shortlist for a round.
    pub async fn choice(&self, candidacy: Id<Candidacy>, round: i64) -> Result<ChoiceView> {
        self.choice_view(self.known_choice(candidacy, round).await?).await
    }

    async fn known_choice(&self, candidacy: Id<Candidacy>, round: i64) -> Result<Choice> {
        let known = self.store().choice_of(candidacy, round).await?;
        known.ok_or_else(|| Error::missing("choice of a time", format!("{candidacy}, round {round}")))
    }

    async fn choice_view(&self, choice: Choice) -> Result<ChoiceView> {
        let now = self.now();
        let link = self.store().newest_link(Purpose::Choice, &choice.id.to_string()).await?;
        let link = link.filter(|link| link.check(now).is_ok());
        let page = link.as_ref().map(|link| self.page_url(link)).transpose()?;
        let state = if choice.interview.is_some() {
            "chosen"
        } else if choice.held(now).is_some() {
            "held"
        } else if choice.wishes.is_some() {
            "wishes"
        } else if choice.silent_since.is_some() {
            "silent"
        } else if page.is_some() {
            "waiting"
        } else {
            "ended"
        };
        Ok(ChoiceView { choice, page, until: link.map(|link| link.expires_at), state })
    }

    /// The vacancy, if interviews of this round can be arranged for the candidate now.
    async fn choosable(&self, candidacy: &Candidacy, round: i64) -> Result<Vacancy> {
        let refused = |code, problem: &str| Err(Error::Refused { code, problem: problem.to_owned() });
        let vacancy = self.store().vacancy(candidacy.vacancy).await?.ok_or_else(|| Error::missing("vacancy", candidacy.vacancy))?;
        if vacancy.round_at(round).is_none() {
            return Err(Error::invalid("round", format!("the vacancy has no round {round}")));
        }
        if candidacy.withdrawn_at.is_some() {
            return refused("withdrawn", "the candidate is no longer on the shortlist; no time can be picked");
        }
        if vacancy.state != VacancyState::Approved {
            return refused("not_approved", "the vacancy is not approved, or closed; no time can be picked");
        }
        if vacancy.paused_at.is_some() || self.paused_all().await? {
            return refused("paused", "scheduling is paused; no time can be picked until it goes on");
        }
        if self.store().owner(Scope::Round, &format!("{}:{round}", candidacy.id)).await?.is_some() {
            return Err(domain::choices::Refused::Chosen.into());
        }
        Ok(vacancy)
    }

    /// Whether a time can be picked. A database that does not answer says neither.
    async fn is_choosable(&self, candidacy: &Candidacy, round: i64) -> Result<bool> {
        match self.choosable(candidacy, round).await {
            Ok(_) => Ok(true),
            Err(Error::Refused { .. } | Error::Invalid { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The choice as stored, or one that is made by this change.
    async fn choice_or_new(&self, candidacy: &Candidacy, round: i64, draft: &mut Draft<'_>) -> Result<Choice> {
        if let Some(choice) = self.store().choice_of(candidacy.id, round).await? {
            return Ok(choice);
        }
        let choice = Choice::new(self.id(), candidacy, round, draft.now);
        draft.take(Scope::Choice, format!("{}:{round}", candidacy.id), choice.id);
        Ok(choice)
    }

    async fn place_of(&self, choice: &Choice) -> Result<(Candidacy, Vacancy)> {
        let candidacy = self.store().candidacy(choice.candidacy).await?;
        let vacancy = self.store().vacancy(choice.vacancy).await?;
        Ok((
            candidacy.ok_or_else(|| Error::missing("candidacy", choice.candidacy))?,
            vacancy.ok_or_else(|| Error::missing("vacancy", choice.vacancy))?,
        ))
    }

    async fn linked_choice(&self, token: &str) -> Result<(Choice, Caller)> {
        let link = self.open_link(token, Purpose::Choice).await?;
        let id: Id<Choice> = link.subject.parse().map_err(|error: domain::id::BadId| Error::Internal(error.to_string()))?;
        // The row goes when the candidate is erased.
        let choice = self.store().choice(id).await?;
        let choice = choice.ok_or(Error::Link(LinkProblem::Revoked, Some(Purpose::Choice)))?;
        let caller = Caller { actor: Actor::Person(choice.person.to_string()), request: None };
        Ok((choice, caller))
    }

    /// The candidate's page.
    pub async fn choice_page(&self, token: &str) -> Result<ChoicePage> {
        let (choice, _) = self.linked_choice(token).await?;
        let (candidacy, vacancy) = self.place_of(&choice).await?;
        let candidate = self.person(choice.person).await?;
        let manager = self.person(vacancy.manager).await?;
        let interview = match self.chosen(&choice).await? {
            Some(interview) => Some(self.interview_view(interview).await?),
            None => None,
        };
        let open = interview.is_none() && self.is_choosable(&candidacy, choice.round).await?;
        Ok(ChoicePage {
            company: self.settings().company.clone(),
            round: round_name(&vacancy, choice.round),
            minutes: vacancy.round_at(choice.round).map_or(0, |round| round.minutes),
            candidate: candidate.name.clone(),
            manager: manager.name,
            contact: self.settings().recruiting_contact.clone(),
            reader_zone: candidate.zone.clone(),
            moving: interview.as_ref().is_some_and(|view| view.interview.event.is_some() && !view.interview.is_settled()),
            change_until: interview.as_ref().and_then(|view| change_until(&view.interview, &vacancy.policy)),
            interview: interview.as_ref().map(|view| self.candidate_view(view)),
            vacancy: vacancy.title,
            open,
            choice,
        })
    }

    /// The interview of a choice: the one of this round that is not cancelled, whoever made it, otherwise the one that was chosen.
    async fn chosen(&self, choice: &Choice) -> Result<Option<Interview>> {
        let owner = self.store().owner(Scope::Round, &format!("{}:{}", choice.candidacy, choice.round)).await?;
        let id = match owner {
            Some(owner) => Some(owner.parse().map_err(|error: domain::id::BadId| Error::Internal(error.to_string()))?),
            None => choice.interview,
        };
        match id {
            Some(id) => Ok(self.store().interview(id).await?),
            None => Ok(None),
        }
    }

    /// The interview that a candidate may change by their link.
    async fn changeable(&self, choice: &Choice) -> Result<Interview> {
        let interview = self.chosen(choice).await?.filter(|interview| interview.with_role(Role::Candidate) == Some(choice.person));
        interview.ok_or_else(|| Error::missing("interview", choice.id))
    }

    /// The candidate moves their interview: the old time is kept until the calendar has the new one.
    pub async fn choice_move(&self, token: &str, start: Timestamp) -> Result<InterviewView> {
        let (choice, caller) = self.linked_choice(token).await?;
        let interview = self.changeable(&choice).await?;
        self.forget_look(&choice).await?;
        Box::pin(self.move_as(By::Candidate, interview.id, start, None, false, &caller)).await
    }

    /// The candidate cancels their interview; the recruiter hears of it.
    pub async fn choice_cancel(&self, token: &str, why: &str) -> Result<InterviewView> {
        let (choice, caller) = self.linked_choice(token).await?;
        let interview = self.changeable(&choice).await?;
        self.cancel_as(By::Candidate, interview.id, why, None, false, &caller).await
    }

    /// The page on which a candidate moves or cancels an interview they picked, while its link opens.
    pub(crate) async fn choice_page_of(&self, interview: &Interview) -> Result<Option<Url>> {
        if matches!(interview.state, InterviewState::Done | InterviewState::NoShow) {
            return Ok(None);
        }
        let Some(choice) = self.store().choice_of(interview.candidacy, interview.round).await? else { return Ok(None) };
        Ok(self.choice_view(choice).await?.page)
    }

    /// Keeps the zone in which a candidate reads times, so that mails use it too.
    fn keep_zone(person: &Person, zone: Option<&Zone>, draft: &mut Draft<'_>) {
        if let Some(zone) = zone.filter(|zone| person.rules.is_none() && person.zone.as_ref() != Some(*zone)) {
            draft.put(Put::Person(Person { zone: Some(zone.clone()), ..touched(person) }));
        }
    }
}

/// Says on the shortlist why a candidate has no time, and tells the recruiter.
fn put_unplaced(candidacy: &Candidacy, reasons: Vec<String>, code: &str, draft: &mut Draft<'_>) {
    let since = candidacy.unplaced.as_ref().map_or(draft.now, |unplaced| unplaced.since);
    let mut next = touched(candidacy);
    next.unplaced = Some(Unplaced { since, reasons });
    draft.put(Put::Candidacy(next));
    let at = draft.now.as_second();
    draft.mail(MailOrder::Attention { subject: candidacy.id.to_string(), code: code.to_owned(), at });
}

/// A time that begins at `start` and is as long as the desk's round.
fn slot_at(desk: &Desk, start: Timestamp) -> Result<TimeRange> {
    let end = later(start, desk.round.minutes)?;
    TimeRange::new(start, end).map_err(|error| Error::invalid("start", error))
}
