//! Feedback: asked for after the interview, given by link or API, editable until closed.

use domain::{
    EmailAddress, Id, TimeRange, Zone,
    audit::Actor,
    feedback::{Answers, Feedback},
    interviews::{Command, FeedbackState, Interview, Role, decide},
    jobs::{Dedupe, Work},
    links::Purpose,
    mails::MailOrder,
    people::Person,
};
use ports::{Put, change::Scope};
use serde_json::json;

use crate::{
    App, Caller, Error, InterviewView, Result,
    draft::{later, touched},
    interviews::round_name,
    worker::Verdict,
};

/// Repetitions of the request: after an hour, then daily.
const MAX_NAGS: u32 = 11;

/// What the form shows. Never anybody else's answers.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedbackView {
    /// The company.
    pub company: String,
    /// The vacancy's title.
    pub vacancy: String,
    /// The round's name.
    pub round: String,
    /// About whom.
    pub candidate: String,
    /// Who answers.
    pub manager: String,
    /// When the interview was.
    pub range: TimeRange,
    /// Its zone.
    pub zone: Zone,
    /// What the reader answered before.
    pub answers: Option<Answers>,
    /// Whether it can no longer be changed.
    pub closed: bool,
}

impl App {
    /// See [`FeedbackView`].
    pub async fn feedback_form(&self, token: &str) -> Result<FeedbackView> {
        let (author, interview) = self.feedback_link(token).await?;
        let view = self.interview_view(interview).await?;
        if view.interview.feedback == FeedbackState::NotDue {
            return Err(domain::interviews::Refused::NotYet.into());
        }
        let mine = self
            .store()
            .feedback_of(view.interview.id)
            .await?
            .into_iter()
            .find(|feedback| feedback.author == author && feedback.revoked_at.is_none());
        Ok(FeedbackView {
            company: self.settings().company.clone(),
            round: round_name(&view.vacancy, view.interview.round),
            vacancy: view.vacancy.title,
            candidate: view.candidate.name,
            manager: view.manager.name,
            range: view.interview.range,
            zone: view.interview.zone,
            answers: mine.map(|feedback| feedback.answers),
            closed: view.interview.feedback == FeedbackState::Closed,
        })
    }

    async fn feedback_link(&self, token: &str) -> Result<(Id<Person>, Interview)> {
        let link = self.open_link(token, Purpose::Feedback).await?;
        let id: Id<Interview> = link.subject.parse().map_err(|error: domain::id::BadId| Error::Internal(error.to_string()))?;
        let author = link.person.ok_or_else(|| Error::Internal(format!("{} is for nobody", link.id)))?;
        let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
        Ok((author, interview))
    }

    /// Stores the answers of the form.
    pub async fn submit_feedback_by_link(&self, token: &str, answers: Answers) -> Result<()> {
        let (author, interview) = self.feedback_link(token).await?;
        let caller = Caller { actor: Actor::Person(author.to_string()), request: None };
        self.store_feedback(interview.id, author, &answers, &caller).await
    }

    /// Stores answers that came by API, in the manager's name.
    pub async fn submit_feedback(
        &self,
        id: Id<Interview>,
        author: Option<&str>,
        answers: Answers,
        caller: &Caller,
    ) -> Result<InterviewView> {
        let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
        let manager = interview.with_role(Role::Manager).ok_or_else(|| Error::missing("manager", id))?;
        let author = match author {
            None => manager,
            Some(email) => {
                let email: EmailAddress = email.parse().map_err(|error| Error::invalid("author", error))?;
                let person = self.store().person_by_email(&email).await?.map(|person| person.id);
                person
                    .filter(|person| *person == manager)
                    .ok_or_else(|| Error::invalid("author", "only the manager of the interview gives feedback"))?
            }
        };
        self.store_feedback(id, author, &answers, caller).await?;
        self.interview(id).await
    }

    async fn store_feedback(&self, id: Id<Interview>, author: Id<Person>, answers: &Answers, caller: &Caller) -> Result<()> {
        if let Some(field) = answers.too_long() {
            return Err(Error::invalid(field, format!("must not be longer than {} characters", Answers::MAX_TEXT)));
        }
        self.transact(None, || async move {
            let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
            let mut draft = self.draft(caller);
            let (next, effects) = decide(&interview, Command::FeedbackGiven, draft.now)?;
            let known = self.store().feedback_of(id).await?.into_iter().find(|feedback| feedback.author == author);
            let feedback = match known {
                Some(known) if known.answers == *answers && known.revoked_at.is_none() => return Ok((draft.finish(), ())),
                Some(known) => Feedback { answers: answers.clone(), updated_at: draft.now, revoked_at: None, ..touched(&known) },
                None => Feedback {
                    id: self.id(),
                    rev: 1,
                    interview: id,
                    author,
                    answers: answers.clone(),
                    submitted_at: draft.now,
                    updated_at: draft.now,
                    revoked_at: None,
                },
            };
            if feedback.rev == 1 {
                draft.take(Scope::Feedback, format!("{id}:{author}"), feedback.id);
            }
            draft.audit("feedback.given", id, json!({"author": author, "rev": feedback.rev}));
            draft.mail(MailOrder::Result { interview: id, rev: feedback.rev });
            draft.put(Put::Feedback(feedback));
            draft.interview(next, &effects, &[], 0)?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// The author takes the answers back.
    pub async fn withdraw_feedback_by_link(&self, token: &str) -> Result<()> {
        let (author, interview) = self.feedback_link(token).await?;
        let id = interview.id;
        let caller = &Caller { actor: Actor::Person(author.to_string()), request: None };
        self.transact(None, || async move {
            let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
            let mut draft = self.draft(caller);
            let (next, effects) = decide(&interview, Command::FeedbackWithdrawn, draft.now)?;
            let known = self
                .store()
                .feedback_of(id)
                .await?
                .into_iter()
                .find(|feedback| feedback.author == author && feedback.revoked_at.is_none());
            let known = known.ok_or(domain::interviews::Refused::NoFeedback)?;
            draft.put(Put::Feedback(Feedback { revoked_at: Some(draft.now), ..touched(&known) }));
            draft.audit("feedback.withdrawn", id, json!({"author": author}));
            draft.interview(next, &effects, &[], 0)?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// No more edits.
    pub async fn close_feedback(&self, id: Id<Interview>, caller: &Caller) -> Result<InterviewView> {
        self.command(id, None, false, caller, "feedback.closed", Command::CloseFeedback).await
    }

    /// Asks again, unless the answer came.
    pub(crate) async fn run_nag(&self, id: Id<Interview>, nag: u32) -> Result<Verdict> {
        let Some(interview) = self.store().interview(id).await? else { return Ok(Verdict::Done) };
        if interview.feedback != FeedbackState::Requested {
            return Ok(Verdict::Done);
        }
        let mut draft = self.draft(&Self::by_job());
        if nag > MAX_NAGS {
            draft.audit("feedback.missing", id, json!({"asked": nag}));
            draft.mail(MailOrder::Attention {
                subject: id.to_string(),
                code: "feedback_missing".to_owned(),
                at: draft.now.as_second(),
            });
        } else {
            draft.mail(MailOrder::FeedbackRequest { interview: id, nag });
            let due = later(draft.now, 24 * 60)?;
            draft.order(Work::Nag { interview: id, nag: nag + 1 }, Dedupe::Once(format!("nag:{id}:{}", nag + 1)), None, due, None);
        }
        self.commit(draft.finish()).await?;
        Ok(Verdict::Done)
    }
}
