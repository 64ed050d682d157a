//! From an order to a letter: the facts are read when the message is sent, so it says what is committed then.

use domain::{
    Id,
    candidacies::Candidacy,
    grants::{Grant, GrantState},
    interviews::{FeedbackState, Interview, InterviewState},
    links::Purpose,
    mails::{MailOrder, Notice, SentMail},
    people::Person,
    vacancies::Vacancy,
};
use ports::{
    Put,
    mail::{Addressee, Body, Invite, Letter, MailError, Meeting},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use crate::{App, Error, InterviewView, Result, draft::notice_code, interviews::round_name, worker::Verdict};

/// Attempts at one message before a person must look.
const MAX_ATTEMPTS: i64 = 20;

impl App {
    /// Makes and hands over one message, if it still has a reason.
    pub(crate) async fn run_mail(&self, order: &MailOrder, attempt: i64) -> Result<Verdict> {
        if self.is_silenced(order).await? {
            tracing::debug!(kind = order.kind(), "somebody in this message was erased");
            return Ok(Verdict::Done);
        }
        let Some(letter) = self.letter(order).await? else {
            tracing::debug!(kind = order.kind(), "a message has lost its reason");
            return Ok(Verdict::Done);
        };
        let mailer = self.0.parts.mailer.as_ref();
        let message = match mailer.compose(&letter) {
            Ok(message) => message,
            Err(error) => return self.mail_given_up(order, "job_given_up", error).await,
        };
        match mailer.send(&message).await {
            Ok(()) => {}
            Err(error @ MailError::Refused(_)) => return self.mail_given_up(order, "mail_refused", error).await,
            Err(error) if attempt >= MAX_ATTEMPTS => return self.mail_given_up(order, "job_given_up", error).await,
            Err(error) => return Ok(Verdict::backoff(attempt, error)),
        }
        let keep = mailer.keeps_local();
        let kept = |text: String| if keep { text } else { String::new() };
        let mut draft = self.draft(&Self::by_job());
        let mail = SentMail {
            id: self.id(),
            message_id: message.message_id,
            kind: order.kind(),
            to: message.to,
            subject: message.subject,
            text: kept(message.text),
            html: kept(message.html),
            calendar: message.calendar.map(|(_, text)| kept(text)),
            about: order.about(),
            sent_at: draft.now,
        };
        draft.audit("mail.sent", &mail.about, json!({"kind": mail.kind, "message_id": mail.message_id}));
        draft.put(Put::SentMail(mail));
        self.commit(draft.finish()).await?;
        Ok(Verdict::Done)
    }

    /// A message that will not be taken is put before people, not hidden.
    async fn mail_given_up(&self, order: &MailOrder, code: &str, error: MailError) -> Result<Verdict> {
        let mut draft = self.draft(&Self::by_job());
        draft.audit("mail.refused", order.about(), json!({"kind": order.kind(), "why": error.to_string()}));
        // No mail tells that mail fails: the dashboard does, and the webhook.
        if !matches!(order, MailOrder::Attention { .. } | MailOrder::Alerts { .. }) {
            draft.mail(MailOrder::Attention { subject: order.about(), code: code.to_owned(), at: draft.now.as_second() });
        }
        self.commit(draft.finish()).await?;
        Ok(Verdict::Fail(error.to_string()))
    }

    /// The letter, or `None` if it has lost its reason meanwhile.
    async fn letter(&self, order: &MailOrder) -> Result<Option<Letter>> {
        let addressed = match order {
            MailOrder::PermissionRequest { person, vacancy, attempt, .. } => {
                self.permission_request(*person, *vacancy, *attempt).await?
            }
            MailOrder::FreshPermissionLink { person, .. } => self.fresh_permission(*person).await?,
            MailOrder::Connected { person, generation } => self.connected(*person, *generation).await?,
            MailOrder::ManagerNotice { interview, what, sequence } => self.manager_notice(*interview, *what, *sequence).await?,
            MailOrder::InterviewerNotice { interview, person, what, sequence } => {
                self.interviewer_notice(*interview, *person, *what, *sequence).await?
            }
            MailOrder::CandidateNotice { interview, what, sequence } => self.candidate_notice(*interview, *what, *sequence).await?,
            MailOrder::Reminder { interview, person, hours, sequence } => {
                self.reminder(*interview, *person, *hours, *sequence).await?
            }
            MailOrder::FeedbackRequest { interview, nag } => self.feedback_request(*interview, *nag).await?,
            MailOrder::Proposal { interview, sequence } => self.proposal(*interview, *sequence).await?,
            MailOrder::Choice { choice, asked_at, reminder, .. } => self.choice_letter(*choice, *asked_at, *reminder).await?,
            MailOrder::Summary { vacancy, .. } => self.summary(*vacancy).await?,
            MailOrder::Result { interview, .. } => self.result(*interview).await?,
            MailOrder::Checkpoint { seq } => self.checkpoint_letter(*seq).await?,
            MailOrder::Attention { subject, code, .. } => self.attention_letter(subject, code).await?,
            MailOrder::Alerts { digest } => self.alerts_letter(digest).await?,
        };
        let Some((to, body)) = addressed else { return Ok(None) };
        Ok(Some(Letter {
            message_id: self.message_id(order),
            kind: order.kind(),
            at: self.now(),
            to,
            reply_to: self.settings().recruiting_contact.clone(),
            company: self.settings().company.clone(),
            body,
        }))
    }

    /// The same for every attempt at the same order.
    pub(crate) fn message_id(&self, order: &MailOrder) -> String {
        let digest = Sha256::digest(format!("{}\n{}", self.0.parts.installation, order.key()));
        let hex = digest.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        format!("{}.{hex}@{}", order.kind(), self.mail_host())
    }

    fn mail_host(&self) -> String {
        self.settings().public_url.host_str().unwrap_or("greenroom.invalid").to_owned()
    }

    pub(crate) async fn addressee(&self, person: &Person) -> Result<Addressee> {
        let email = person.email().cloned().ok_or_else(|| Error::missing("address", person.id))?;
        let zone = match &person.zone {
            Some(zone) => Some(zone.clone()),
            None => self.grant_of(person.id).await?.and_then(|grant| grant.calendar).and_then(|calendar| calendar.zone),
        };
        Ok(Addressee { name: person.name.clone(), email, zone })
    }

    fn recruiter(&self) -> Option<Addressee> {
        let email = self.settings().recruiting_contact.clone()?;
        Some(Addressee { name: self.settings().company.clone(), email, zone: None })
    }

    async fn person_link(&self, purpose: Purpose, person: &Person) -> Result<Url> {
        let link = self
            .transact(None, || async move {
                let mut draft = self.draft(&Self::by_job());
                let link = self.live_link(purpose, person, &mut draft).await?;
                Ok((draft.finish(), link))
            })
            .await?;
        self.page_url(&link)
    }

    async fn permission_request(
        &self,
        person: Id<Person>,
        vacancy: Option<Id<Vacancy>>,
        attempt: u32,
    ) -> Result<Option<(Addressee, Body)>> {
        let Some(person) = self.still_unconnected(person).await? else { return Ok(None) };
        let vacancy = match vacancy {
            Some(id) => self.store().vacancy(id).await?,
            None => None,
        };
        let asked_by = vacancy.as_ref().map_or_else(|| self.settings().company.clone(), |vacancy| vacancy.requested_by.clone());
        let link = self.person_link(Purpose::Permission, &person).await?;
        let body = Body::PermissionRequest {
            vacancy: vacancy.map(|vacancy| vacancy.title),
            asked_by,
            link,
            attempt,
            days: self.settings().link_days,
        };
        Ok(Some((self.addressee(&person).await?, body)))
    }

    async fn still_unconnected(&self, person: Id<Person>) -> Result<Option<Person>> {
        let grant = self.grant_of(person).await?;
        if grant.is_some_and(|grant| grant.is_usable()) {
            return Ok(None);
        }
        Ok(self.store().person(person).await?)
    }

    async fn fresh_permission(&self, person: Id<Person>) -> Result<Option<(Addressee, Body)>> {
        let Some(person) = self.still_unconnected(person).await? else { return Ok(None) };
        let grant = self.grant_of(person.id).await?;
        let reconnect = grant.is_some_and(|grant| matches!(grant.state, GrantState::Dead | GrantState::Disconnected));
        let link = self.person_link(Purpose::Permission, &person).await?;
        Ok(Some((self.addressee(&person).await?, Body::FreshPermissionLink { link, reconnect })))
    }

    async fn connected(&self, person: Id<Person>, generation: i64) -> Result<Option<(Addressee, Body)>> {
        let grant = self.grant_of(person).await?;
        let Some(grant) = grant.filter(|grant| Grant::is_usable(grant) && grant.generation >= generation) else { return Ok(None) };
        let person = self.person(person).await?;
        let disconnect = self.person_link(Purpose::Disconnect, &person).await?;
        let calendar = grant.calendar.map(|calendar| calendar.name).unwrap_or_default();
        Ok(Some((self.addressee(&person).await?, Body::Connected { calendar, disconnect })))
    }

    /// The interview, if its sequence is still the one the message was ordered for.
    async fn current(&self, id: Id<Interview>, sequence: i64) -> Result<Option<InterviewView>> {
        match self.store().interview(id).await? {
            Some(interview) if interview.sequence == sequence => Ok(Some(self.interview_view(interview).await?)),
            _ => Ok(None),
        }
    }

    async fn manager_notice(&self, id: Id<Interview>, what: Notice, sequence: i64) -> Result<Option<(Addressee, Body)>> {
        let Some(view) = self.current(id, sequence).await? else { return Ok(None) };
        // While the event is on the manager's own calendar, a calendar part would be imported as a second copy.
        let invite = view.interview.provisional.then(|| self.invite(&view.interview, what == Notice::Cancelled));
        let manager = view.manager.clone();
        self.notice_to(&manager, &view, what, invite).await.map(Some)
    }

    async fn interviewer_notice(
        &self,
        id: Id<Interview>,
        person: Id<Person>,
        what: Notice,
        sequence: i64,
    ) -> Result<Option<(Addressee, Body)>> {
        let Some(view) = self.current(id, sequence).await? else { return Ok(None) };
        if !view.interview.panel().any(|asks| asks == person) {
            return Ok(None);
        }
        let invite = self.invite(&view.interview, what == Notice::Cancelled);
        self.notice_to(&self.person(person).await?, &view, what, Some(invite)).await.map(Some)
    }

    /// What somebody who interviews is told.
    async fn notice_to(
        &self,
        reader: &Person,
        view: &InterviewView,
        what: Notice,
        invite: Option<Invite>,
    ) -> Result<(Addressee, Body)> {
        let id = view.interview.id;
        let to = self.addressee(reader).await?;
        let meeting = meeting(view);
        let event = view.interview.event.as_ref().and_then(|event| event.url.as_deref()).and_then(|url| Url::parse(url).ok());
        tracing::debug!(interview = %id, what = notice_code(what), "manager is told");
        let body = match what {
            Notice::Cancelled => {
                let why = view.interview.cancelled.as_ref().map(|(_, _, why)| why.clone()).unwrap_or_default();
                Body::Cancelled { meeting, why, invite }
            }
            Notice::Booked | Notice::Moved => {
                let link = self.interview_link(Purpose::Manager, &view.interview, reader.id).await?;
                let cannot = self.page_url(&link)?;
                if what == Notice::Booked {
                    Body::Booked { meeting, event, cannot, invite }
                } else {
                    Body::Moved { meeting, event, cannot, invite }
                }
            }
        };
        Ok((to, body))
    }

    async fn candidate_notice(&self, id: Id<Interview>, what: Notice, sequence: i64) -> Result<Option<(Addressee, Body)>> {
        let Some(view) = self.current(id, sequence).await? else { return Ok(None) };
        let to = self.addressee(&view.candidate).await?;
        let meeting = meeting(&view);
        let invite = self.invite(&view.interview, what == Notice::Cancelled);
        if what == Notice::Cancelled {
            return Ok(Some((to, Body::InvitationCancelled { meeting, invite })));
        }
        let page = self.page_url(&self.interview_link(Purpose::Candidate, &view.interview, view.candidate.id).await?)?;
        let body = if what == Notice::Booked {
            Body::Invitation { meeting, page, invite }
        } else {
            Body::InvitationMoved { meeting, page, invite }
        };
        Ok(Some((to, body)))
    }

    fn invite(&self, interview: &Interview, cancel: bool) -> Invite {
        Invite { uid: format!("{}@{}", interview.id, self.mail_host()), sequence: interview.sequence, cancel, stamp: self.now() }
    }

    async fn reminder(
        &self,
        id: Id<Interview>,
        person: Id<Person>,
        hours: i64,
        sequence: i64,
    ) -> Result<Option<(Addressee, Body)>> {
        let Some(view) = self.current(id, sequence).await? else { return Ok(None) };
        if view.interview.state != InterviewState::Booked || view.interview.range.start() <= self.now() {
            return Ok(None);
        }
        let asks = view.interview.panel().any(|asks| asks == person);
        let purpose = if asks { Purpose::Manager } else { Purpose::Candidate };
        let reader = if asks { self.person(person).await? } else { view.candidate.clone() };
        let page = self.page_url(&self.interview_link(purpose, &view.interview, reader.id).await?)?;
        Ok(Some((self.addressee(&reader).await?, Body::Reminder { meeting: meeting(&view), hours, page, to_manager: asks })))
    }

    async fn feedback_request(&self, id: Id<Interview>, nag: u32) -> Result<Option<(Addressee, Body)>> {
        let Some(interview) = self.store().interview(id).await? else { return Ok(None) };
        if interview.feedback != FeedbackState::Requested {
            return Ok(None);
        }
        let view = self.interview_view(interview).await?;
        let form = self.page_url(&self.interview_link(Purpose::Feedback, &view.interview, view.manager.id).await?)?;
        Ok(Some((self.addressee(&view.manager).await?, Body::FeedbackRequest { meeting: meeting(&view), form, nag })))
    }

    async fn proposal(&self, id: Id<Interview>, sequence: i64) -> Result<Option<(Addressee, Body)>> {
        let Some(view) = self.current(id, sequence).await? else { return Ok(None) };
        if view.interview.state != InterviewState::Proposed {
            return Ok(None);
        }
        let page = self.page_url(&self.interview_link(Purpose::Proposal, &view.interview, view.manager.id).await?)?;
        let connect = self.person_link(Purpose::Permission, &view.manager).await?;
        Ok(Some((self.addressee(&view.manager).await?, Body::Proposal { meeting: meeting(&view), page, connect })))
    }

    async fn summary(&self, id: Id<Vacancy>) -> Result<Option<(Addressee, Body)>> {
        let Some(to) = self.recruiter() else { return Ok(None) };
        let view = self.vacancy(id).await?;
        let mut meetings = Vec::new();
        let mut unplaced = Vec::new();
        for item in view.shortlist.iter().filter(|item| item.candidacy.withdrawn_at.is_none()) {
            if let Some(interview) = item.interview.as_ref().filter(|interview| interview.holds_time()) {
                meetings.push(meeting(&self.interview_view(interview.clone()).await?));
            } else {
                let picking = item.choice.as_ref().is_some_and(|choice| choice.next_reminder().is_some());
                let reason = item.candidacy.unplaced.as_ref().and_then(|unplaced| unplaced.reasons.first().cloned());
                unplaced.push((
                    item.candidate.name.clone(),
                    reason.unwrap_or_else(|| if picking { "candidate_picks" } else { "no_time" }.to_owned()),
                ));
            }
        }
        meetings.sort_by_key(|meeting| meeting.range.start());
        let page = self.our_url(&format!("vacancies/{id}"))?;
        Ok(Some((to, Body::Summary { vacancy: view.vacancy.title, meetings, unplaced, page })))
    }

    async fn result(&self, id: Id<Interview>) -> Result<Option<(Addressee, Body)>> {
        let Some(to) = self.recruiter() else { return Ok(None) };
        let view = self.interview(id).await?;
        let Some(feedback) = view.feedback.clone() else { return Ok(None) };
        let page = self.our_url(&format!("vacancies/{}", view.vacancy.id))?;
        Ok(Some((to, Body::Result { meeting: meeting(&view), answers: feedback.answers, page })))
    }

    async fn attention_letter(&self, subject: &str, code: &str) -> Result<Option<(Addressee, Body)>> {
        let Some(to) = self.recruiter() else { return Ok(None) };
        let (name, path) = if let Ok(id) = subject.parse::<Id<Interview>>() {
            let view = self.interview(id).await?;
            (format!("{}: {}", view.vacancy.title, view.candidate.name), format!("interviews/{id}"))
        } else if let Ok(id) = subject.parse::<Id<Grant>>() {
            let grant = self.store().grant(id).await?.ok_or_else(|| Error::missing("grant", id))?;
            let person = self.person(grant.person).await?;
            (person.name, format!("managers/{}", person.id))
        } else if let Ok(id) = subject.parse::<Id<Vacancy>>() {
            (self.vacancy(id).await?.vacancy.title, format!("vacancies/{id}"))
        } else if let Ok(id) = subject.parse::<Id<Candidacy>>() {
            let place = self.store().candidacy(id).await?.ok_or_else(|| Error::missing("candidacy", id))?;
            let (vacancy, candidate) = (self.vacancy(place.vacancy).await?.vacancy, self.person(place.person).await?);
            (format!("{}: {}", vacancy.title, candidate.name), format!("vacancies/{}", vacancy.id))
        } else if let Ok(id) = subject.parse::<Id<Person>>() {
            (self.person(id).await?.name, format!("managers/{id}"))
        } else {
            (subject.to_owned(), "attention".to_owned())
        };
        Ok(Some((to, Body::Attention { subject: name, code: code.to_owned(), page: self.our_url(&path)? })))
    }
}

fn meeting(view: &InterviewView) -> Meeting {
    Meeting {
        vacancy: view.vacancy.title.clone(),
        round: round_name(&view.vacancy, view.interview.round),
        candidate: view.candidate.name.clone(),
        manager: view.manager.name.clone(),
        interviewers: view.interviewers.iter().map(|person| person.name.clone()).collect(),
        range: view.interview.range,
        zone: view.interview.zone.clone(),
        place: view.vacancy.place.clone(),
        meeting_url: view.interview.event.as_ref().and_then(|event| event.meeting_url.clone()),
    }
}
