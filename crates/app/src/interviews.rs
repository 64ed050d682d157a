//! Interviews: what people and integrators may do with one, and the pages that participants reach by mail.

mod change;

use domain::{
    EmailAddress, Id, Rev, TimeRange, Zone,
    audit::Actor,
    feedback::Feedback,
    grants::Grant,
    interviews::{AttentionReason, Command, Effect, Interview, InterviewState, Role, decide},
    links::{Link, Purpose},
    people::Person,
    rounds::Opens,
    vacancies::{Place, Vacancy},
};
use scheduling::Busy;
use serde_json::json;
use url::Url;

use crate::{App, Caller, Error, Result, draft::later, worker::Verdict};

/// Longest note a participant may leave, in characters.
const MAX_NOTE: usize = 2_000;

/// An interview with everything a page or an integrator wants to know at once.
#[derive(Debug, Clone, PartialEq)]
pub struct InterviewView {
    /// The interview.
    pub interview: Interview,
    /// Its vacancy.
    pub vacancy: Vacancy,
    /// Who is asked.
    pub candidate: Person,
    /// Who asks.
    pub manager: Person,
    /// Who asks beside them.
    pub interviewers: Vec<Person>,
    /// What the manager answered.
    pub feedback: Option<Feedback>,
    /// What may be asked of it, as codes.
    pub allowed_actions: Vec<&'static str>,
    /// The place in words, if it has one.
    pub place_text: Option<String>,
}

/// What a participant's page shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ParticipantView {
    /// The company.
    pub company: String,
    /// The vacancy's title.
    pub vacancy: String,
    /// The round's name.
    pub round: String,
    /// The candidate's name.
    pub candidate: String,
    /// The manager's name.
    pub manager: String,
    /// The names of those who interview beside them.
    pub interviewers: Vec<String>,
    /// When.
    pub range: TimeRange,
    /// The interview's zone.
    pub zone: Zone,
    /// The reader's zone, when known.
    pub reader_zone: Option<Zone>,
    /// Where.
    pub place: Option<Place>,
    /// The meeting the provider made.
    pub meeting_url: Option<String>,
    /// How far it is.
    pub state: InterviewState,
    /// Whether the reader confirmed.
    pub confirmed: bool,
    /// Whom to write to.
    pub contact: Option<EmailAddress>,
    /// Where a candidate who picked the time moves or cancels it.
    pub change: Option<Url>,
}

impl App {
    /// One interview, whole.
    pub async fn interview(&self, id: Id<Interview>) -> Result<InterviewView> {
        let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
        self.interview_view(interview).await
    }

    pub(crate) async fn interview_view(&self, interview: Interview) -> Result<InterviewView> {
        let vacancy = self.store().vacancy(interview.vacancy).await?.ok_or_else(|| Error::missing("vacancy", interview.vacancy))?;
        let candidate = self.participant(&interview, Role::Candidate).await?;
        let manager = self.participant(&interview, Role::Manager).await?;
        let mut interviewers = Vec::new();
        for participant in interview.participants.iter().filter(|participant| participant.role == Role::Interviewer) {
            interviewers.push(self.person(participant.person).await?);
        }
        let feedback = self.store().feedback_of(interview.id).await?.into_iter().find(|feedback| feedback.revoked_at.is_none());
        let allowed_actions = interview.allowed_actions(self.now());
        let place_text = interview
            .event
            .as_ref()
            .and_then(|event| event.meeting_url.clone())
            .or_else(|| vacancy.place.as_ref().and_then(Place::text).map(ToOwned::to_owned));
        Ok(InterviewView { interview, vacancy, candidate, manager, interviewers, feedback, allowed_actions, place_text })
    }

    pub(crate) async fn participant(&self, interview: &Interview, role: Role) -> Result<Person> {
        let id = interview.with_role(role).ok_or_else(|| Error::Internal(format!("{} lacks a participant", interview.id)))?;
        self.person(id).await
    }

    /// Interviews that overlap `window`, by start.
    pub async fn interviews_between(&self, window: TimeRange) -> Result<Vec<InterviewView>> {
        let mut views = Vec::new();
        for interview in self.store().interviews_between(window, 500).await? {
            views.push(self.interview_view(interview).await?);
        }
        Ok(views)
    }

    /// Interviews that a person must look at, oldest first.
    pub async fn attention(&self) -> Result<Vec<InterviewView>> {
        let mut views = Vec::new();
        for interview in self.store().interviews_in_attention(200).await? {
            views.push(self.interview_view(interview).await?);
        }
        Ok(views)
    }

    /// Applies one command that claims no new time.
    pub(crate) async fn command(
        &self,
        id: Id<Interview>,
        if_match: Option<Rev>,
        dry_run: bool,
        caller: &Caller,
        action: &'static str,
        command: Command,
    ) -> Result<InterviewView> {
        let command = &command;
        let next = self
            .transact(None, || async move {
                let interview = self.matching(id, if_match).await?;
                let mut draft = self.draft(caller);
                let (next, effects) = decide(&interview, command.clone(), draft.now)?;
                let unchanged = effects.is_empty() && Interview { rev: interview.rev, ..next.clone() } == interview;
                if unchanged || dry_run {
                    return Ok((ports::Change::at(draft.now), if unchanged { interview } else { next }));
                }
                draft.audit(action, id, json!({"state": next.state}));
                if effects.contains(&Effect::AskFeedback) && self.opens_another(&next).await? {
                    draft.arrange(next.vacancy, draft.now);
                }
                draft.interview(next.clone(), &effects, &[], 0)?;
                Ok((draft.finish(), next))
            })
            .await?;
        self.interview_view(next).await
    }

    /// Whether a later round waits for the end of this interview.
    async fn opens_another(&self, interview: &Interview) -> Result<bool> {
        let vacancy = self.store().vacancy(interview.vacancy).await?;
        let next = vacancy.as_ref().and_then(|vacancy| vacancy.round_at(interview.round + 1));
        Ok(next.is_some_and(|round| round.opens == Opens::AfterPrevious))
    }

    async fn matching(&self, id: Id<Interview>, if_match: Option<Rev>) -> Result<Interview> {
        let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
        if if_match.is_some_and(|rev| rev != interview.rev) {
            return Err(Error::Stale { what: "interview", id: id.to_string() });
        }
        Ok(interview)
    }

    /// What a manager's calendars say, as far as the rules look ahead. Never fails: what cannot be read is unknown, with the reason.
    pub(crate) async fn busy_of(&self, manager: &Person, grant: Option<&Grant>, zone: Zone) -> Result<Busy> {
        let Some(grant) = grant else { return Ok(Busy::Unknown { why: "not_connected".to_owned() }) };
        let rules = manager.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
        let now = self.now();
        let window = TimeRange::new(now, later(rules.latest(now), 60)?).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(match self.busy(grant, window).await? {
            Ok(set) => Busy::Known { as_of: now, set },
            Err(error) => {
                tracing::warn!(grant = %grant.id, class = ?error.class, detail = error.detail, "a calendar cannot be read");
                Busy::Unknown { why: format!("{:?}", error.class).to_lowercase() }
            }
        })
    }

    /// A person looked and keeps the interview.
    pub async fn resolve_interview(&self, id: Id<Interview>, caller: &Caller) -> Result<InterviewView> {
        self.command(id, None, false, caller, "interview.resolved", Command::Resolve).await
    }

    /// The candidate did not come.
    pub async fn no_show(&self, id: Id<Interview>, caller: &Caller) -> Result<InterviewView> {
        self.command(id, None, false, caller, "interview.no_show", Command::NoShow).await
    }

    /// It took place; asked for by hand where the clock has not done it yet.
    pub async fn finish(&self, id: Id<Interview>, caller: &Caller) -> Result<InterviewView> {
        self.command(id, None, false, caller, "interview.done", Command::Finish).await
    }

    /// Accepts a provisional time in the manager's place.
    pub async fn accept_proposal(&self, id: Id<Interview>, caller: &Caller) -> Result<InterviewView> {
        self.command(id, None, false, caller, "interview.accepted", Command::AcceptProvisional).await
    }

    /// The end of an interview has come.
    pub(crate) async fn run_finish(&self, id: Id<Interview>, sequence: i64) -> Result<Verdict> {
        let Some(interview) = self.store().interview(id).await? else { return Ok(Verdict::Done) };
        if interview.sequence == sequence && interview.state == InterviewState::Attention {
            // Whether it took place is part of what a person must decide.
            return Ok(Verdict::Again { seconds: 3_600, error: None });
        }
        if interview.sequence != sequence || interview.state != InterviewState::Booked {
            return Ok(Verdict::Done);
        }
        self.command(id, None, false, &Self::by_job(), "interview.done", Command::Finish).await?;
        Ok(Verdict::Done)
    }

    /// The link of a purpose to an interview for one person; made where there is none, the same for every mail.
    pub(crate) async fn interview_link(&self, purpose: Purpose, interview: &Interview, person: Id<Person>) -> Result<Link> {
        self.transact(None, || async move {
            // One page for each purpose, and one for each of those who interview.
            let leads = interview.with_role(Role::Manager) == Some(person);
            let own = purpose == Purpose::Manager && !leads;
            let subject = if own { format!("{}/{person}", interview.id) } else { interview.id.to_string() };
            let known = self.store().newest_link(purpose, &subject).await?;
            let mut draft = self.draft(&Self::by_job());
            // Live until three months after the interview: the page still says how it ended.
            let days = (interview.range.end().as_second() - draft.now.as_second()) / 86_400 + 90;
            let link = match known.filter(|link| link.check(draft.now).is_ok()) {
                Some(link) => link,
                None => draft.link(purpose, subject, Some(person), days.max(1))?,
            };
            Ok((draft.finish(), link))
        })
        .await
    }

    async fn linked_interview(&self, token: &str, purpose: Purpose) -> Result<(Link, Interview)> {
        let link = self.open_link(token, purpose).await?;
        let subject = link.subject.split('/').next().unwrap_or_default();
        let id: Id<Interview> = subject.parse().map_err(|error: domain::id::BadId| Error::Internal(error.to_string()))?;
        let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
        Ok((link, interview))
    }

    async fn participant_view(&self, token: &str, purpose: Purpose) -> Result<ParticipantView> {
        let (link, interview) = self.linked_interview(token, purpose).await?;
        let change = if purpose == Purpose::Candidate { self.choice_page_of(&interview).await? } else { None };
        let view = self.interview_view(interview).await?;
        let asks = std::iter::once(&view.manager).chain(&view.interviewers).find(|person| link.person == Some(person.id));
        let reader = asks.unwrap_or(&view.candidate);
        Ok(ParticipantView { change, ..self.view_for(&view, reader) })
    }

    /// What the candidate's pages show of an interview.
    pub(crate) fn candidate_view(&self, view: &InterviewView) -> ParticipantView {
        self.view_for(view, &view.candidate)
    }

    fn view_for(&self, view: &InterviewView, reader: &Person) -> ParticipantView {
        let confirmed = view
            .interview
            .participants
            .iter()
            .any(|participant| participant.person == reader.id && participant.confirmed_at.is_some());
        ParticipantView {
            company: self.settings().company.clone(),
            round: round_name(&view.vacancy, view.interview.round),
            candidate: view.candidate.name.clone(),
            manager: view.manager.name.clone(),
            interviewers: view.interviewers.iter().map(|person| person.name.clone()).collect(),
            range: view.interview.range,
            zone: view.interview.zone.clone(),
            reader_zone: reader.zone.clone(),
            meeting_url: view.interview.event.as_ref().and_then(|event| event.meeting_url.clone()),
            state: view.interview.state,
            confirmed,
            contact: self.settings().recruiting_contact.clone(),
            place: view.vacancy.place.clone(),
            vacancy: view.vacancy.title.clone(),
            change: None,
        }
    }

    async fn by_link(
        &self,
        token: &str,
        purpose: Purpose,
        action: &'static str,
        command: impl FnOnce(Id<Person>) -> Command,
    ) -> Result<()> {
        let (link, interview) = self.linked_interview(token, purpose).await?;
        let person = link.person.ok_or_else(|| Error::Internal(format!("{} is for nobody", link.id)))?;
        let caller = Caller { actor: Actor::Person(person.to_string()), request: None };
        self.command(interview.id, None, false, &caller, action, command(person)).await.map(drop)
    }

    async fn cannot(&self, token: &str, purpose: Purpose, reason: AttentionReason, text: &str) -> Result<()> {
        let text = note("note", text)?;
        self.by_link(token, purpose, "interview.cannot", |_| Command::Alarm(reason)).await?;
        if !text.is_empty() {
            let (link, interview) = self.linked_interview(token, purpose).await?;
            let actor = Actor::Person(link.person.map_or(link.subject, |person| person.to_string()));
            let mut draft = self.draft(&Caller { actor, request: None });
            draft.audit("interview.note", interview.id, json!({"note": text}));
            self.commit(draft.finish()).await?;
        }
        Ok(())
    }

    /// The candidate's page.
    pub async fn candidate_page(&self, token: &str) -> Result<ParticipantView> {
        self.participant_view(token, Purpose::Candidate).await
    }

    /// The candidate confirms.
    pub async fn candidate_confirm(&self, token: &str) -> Result<()> {
        self.by_link(token, Purpose::Candidate, "interview.candidate_confirmed", Command::Confirm).await
    }

    /// The candidate cannot come: a person decides.
    pub async fn candidate_cannot(&self, token: &str, note: &str) -> Result<()> {
        self.cannot(token, Purpose::Candidate, AttentionReason::CandidateCannot, note).await
    }

    /// The manager's page of an interview.
    pub async fn manager_page(&self, token: &str) -> Result<ParticipantView> {
        self.participant_view(token, Purpose::Manager).await
    }

    /// The manager cannot: a person decides.
    pub async fn manager_cannot(&self, token: &str, note: &str) -> Result<()> {
        self.cannot(token, Purpose::Manager, AttentionReason::ManagerCannot, note).await
    }

    /// The page of a provisional time.
    pub async fn proposal_page(&self, token: &str) -> Result<ParticipantView> {
        self.participant_view(token, Purpose::Proposal).await
    }

    /// The manager accepts a provisional time: booked by mailed invitation.
    pub async fn proposal_accept(&self, token: &str) -> Result<()> {
        self.by_link(token, Purpose::Proposal, "interview.accepted", |_| Command::AcceptProvisional).await
    }

    /// The manager refuses a provisional time.
    pub async fn proposal_refuse(&self, token: &str) -> Result<()> {
        self.by_link(token, Purpose::Proposal, "interview.refused", |_| Command::Alarm(AttentionReason::ManagerCannot)).await
    }
}

/// The name of a round.
pub(crate) fn round_name(vacancy: &Vacancy, round: i64) -> String {
    vacancy.rounds.iter().find(|known| known.position == round).map(|round| round.name.clone()).unwrap_or_default()
}

fn note(field: &'static str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > MAX_NOTE {
        return Err(Error::invalid(field, format!("must not be longer than {MAX_NOTE} characters")));
    }
    Ok(text.to_owned())
}
