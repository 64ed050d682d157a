//! A change being written: the store's [`Change`] with the words of the use cases.

use domain::{
    Id, Revision, Timestamp,
    audit::Entry,
    claims::{Claim, Holder},
    erasure::Wipe,
    interviews::{Effect, Interview, Role},
    jobs::{Dedupe, NewJob, Work},
    links::{Link, Purpose},
    mails::{MailOrder, Notice},
    people::Person,
    vacancies::Vacancy,
};
use jiff::SignedDuration;
use ports::{
    Change, Put,
    change::{Agenda, ClaimStep, JobStep, Name, Scope, Sweeping},
};
use serde_json::Value;

use crate::{App, Caller, Error, Result};

/// The hours before the start at which reminders go out, with the hours for which each stays useful.
const REMINDERS: [(i64, i64); 2] = [(24, 20), (1, 1)];

/// Minutes before a reminder at which the calendar is looked at.
const LOOK_MINUTES: i64 = 15;

/// See the module's header.
pub struct Draft<'a> {
    app: &'a App,
    caller: Caller,
    /// Business time of the change.
    pub now: Timestamp,
    change: Change,
}

impl App {
    /// Begins a change in the caller's name.
    pub(crate) fn draft(&self, caller: &Caller) -> Draft<'_> {
        let now = self.now();
        Draft { app: self, caller: caller.clone(), now, change: Change::at(now) }
    }
}

impl Draft<'_> {
    /// The finished change.
    pub fn finish(self) -> Change {
        self.change
    }

    /// Stores a noun.
    pub fn put(&mut self, put: Put) {
        self.change.puts.push(put);
    }

    /// Writes a line of the log.
    pub fn audit(&mut self, action: &str, subject: impl ToString, payload: Value) {
        self.change.audit.push(Entry {
            id: self.app.id(),
            at: self.now,
            actor: self.caller.actor.clone(),
            action: action.to_owned(),
            subject: subject.to_string(),
            reason: None,
            request: self.caller.request.clone(),
            payload,
            salt: self.app.entropy().bytes::<16>().to_vec(),
            mac: None,
        });
    }

    /// Takes a unique name.
    pub fn take(&mut self, scope: Scope, name: impl ToString, owner: impl ToString) {
        self.change.names.push(Name::Take { scope, name: name.to_string(), owner: owner.to_string() });
    }

    /// Gives a unique name back.
    pub fn release(&mut self, scope: Scope, name: impl ToString, owner: impl ToString) {
        self.change.names.push(Name::Release { scope, name: name.to_string(), owner: owner.to_string() });
    }

    /// Expects an agenda's revision, once per holder.
    pub fn agenda(&mut self, holder: Holder, expected: i64) {
        if !self.change.agendas.iter().any(|agenda| agenda.holder == holder) {
            self.change.agendas.push(Agenda { holder, expected });
        }
    }

    /// Takes or gives back time.
    pub fn claim(&mut self, step: ClaimStep) {
        self.change.claims.push(step);
    }

    /// Orders a job.
    pub fn order(&mut self, work: Work, dedupe: Dedupe, stream: Option<String>, due: Timestamp, not_after: Option<Timestamp>) {
        let sequence = self.now.as_microsecond();
        self.change.jobs.push(JobStep::Order(NewJob { id: self.app.id(), work, dedupe, stream, sequence, due, not_after }));
    }

    /// Takes a person's data out.
    pub fn wipe(&mut self, wipe: Wipe) {
        self.change.wipes.push(wipe);
    }

    /// Takes old rows out.
    pub fn sweep(&mut self, sweeping: Sweeping) {
        self.change.sweeps.push(sweeping);
    }

    /// Any other step on a job.
    pub fn job(&mut self, step: JobStep) {
        self.change.jobs.push(step);
    }

    /// Looks at a vacancy's interviews as soon as possible, or at `due`.
    pub fn arrange(&mut self, vacancy: Id<Vacancy>, due: Timestamp) {
        self.order(Work::Arrange { vacancy }, Dedupe::Open(format!("arrange:{vacancy}")), None, due, None);
    }

    /// Makes the calendar equal to the interview as soon as possible.
    pub fn settle(&mut self, interview: Id<Interview>) {
        self.order(
            Work::Settle { interview },
            Dedupe::Open(format!("settle:{interview}")),
            Some(interview.to_string()),
            self.now,
            None,
        );
    }

    /// Owes a message, now.
    pub fn mail(&mut self, order: MailOrder) {
        let stream = match &order {
            MailOrder::ManagerNotice { interview, .. } => Some(format!("mail:manager:{interview}")),
            MailOrder::InterviewerNotice { interview, person, .. } => Some(format!("mail:{person}:{interview}")),
            MailOrder::CandidateNotice { interview, .. } => Some(format!("mail:candidate:{interview}")),
            _ => None,
        };
        let dedupe = Dedupe::Once(order.key());
        self.order(Work::Mail { order }, dedupe, stream, self.now, None);
    }

    /// Makes a link that lives `days` days.
    pub fn link(&mut self, purpose: Purpose, subject: impl ToString, person: Option<Id<Person>>, days: i64) -> Result<Link> {
        let link = self.new_link(purpose, subject, person, days)?;
        self.put(Put::Link(link.clone()));
        Ok(link)
    }

    /// The same, for the caller to store.
    pub fn new_link(&self, purpose: Purpose, subject: impl ToString, person: Option<Id<Person>>, days: i64) -> Result<Link> {
        Ok(Link {
            id: self.app.id(),
            rev: 1,
            purpose,
            subject: subject.to_string(),
            person,
            created_at: self.now,
            expires_at: later(self.now, days * 24 * 60)?,
            used_at: None,
            revoked_at: None,
            outcome: None,
        })
    }

    /// Stores an interview together with what [`domain::interviews::decide`] says must leave with it. `agendas` are the revisions read
    /// before the participants' agendas; needed where time is claimed.
    pub fn interview(
        &mut self,
        interview: Interview,
        effects: &[Effect],
        agendas: &[(Holder, i64)],
        notice_minutes: i64,
    ) -> Result<()> {
        let manager =
            interview.with_role(Role::Manager).ok_or_else(|| Error::Internal(format!("{} has no manager", interview.id)))?;
        for effect in effects {
            self.effect(&interview, manager, effect, agendas, notice_minutes)?;
        }
        self.put(Put::Interview(interview));
        Ok(())
    }

    fn effect(
        &mut self,
        interview: &Interview,
        manager: Id<Person>,
        effect: &Effect,
        agendas: &[(Holder, i64)],
        notice_minutes: i64,
    ) -> Result<()> {
        let id = interview.id;
        let sequence = interview.sequence;
        match effect {
            Effect::Settle => self.settle(id),
            Effect::Claim | Effect::ClaimBeside => {
                for participant in &interview.participants {
                    let holder = Holder::person(participant.person);
                    let expected = agendas.iter().find(|(known, _)| *known == holder).map(|(_, rev)| *rev);
                    let expected =
                        expected.ok_or_else(|| Error::Internal(format!("the agenda of {} was not read", holder.as_str())))?;
                    self.agenda(holder.clone(), expected);
                    let claim = Claim { holder, range: interview.range, interview: id, rev: interview.rev(), expires_at: None };
                    let beside = *effect == Effect::ClaimBeside;
                    self.claim(if beside { ClaimStep::TakeBeside(claim) } else { ClaimStep::Take(claim) });
                }
            }
            Effect::Narrow => self.claim(ClaimStep::Narrow(id, interview.range)),
            Effect::Release => {
                self.change.claims.push(ClaimStep::ReleaseAll(id));
                self.release(Scope::Round, format!("{}:{}", interview.candidacy, interview.round), id);
            }
            Effect::TellManager(what) => self.mail(MailOrder::ManagerNotice { interview: id, what: *what, sequence }),
            Effect::TellCandidate(what) => {
                self.mail(MailOrder::CandidateNotice { interview: id, what: *what, sequence });
                // Whatever the candidate hears is news to everybody who interviews beside the manager, too.
                let beside = interview.participants.iter().filter(|participant| participant.role == Role::Interviewer);
                for participant in beside {
                    let order = MailOrder::InterviewerNotice { interview: id, person: participant.person, what: *what, sequence };
                    self.mail(order);
                }
            }
            Effect::Propose => {
                self.mail(MailOrder::Proposal { interview: id, sequence });
                let due = later(interview.range.start(), -notice_minutes)?.max(self.now);
                let work = Work::ReleaseProvisional { interview: id, sequence };
                self.order(work, Dedupe::Once(format!("release:{id}:{sequence}")), None, due, None);
            }
            Effect::Schedule => self.schedule(interview)?,
            Effect::AskFeedback => {
                self.mail(MailOrder::FeedbackRequest { interview: id, nag: 0 });
                let due = later(self.now, 60)?;
                self.order(Work::Nag { interview: id, nag: 1 }, Dedupe::Once(format!("nag:{id}:1")), None, due, None);
            }
            Effect::Alert(reason) => {
                let code = serde_json::to_value(reason).map_err(|error| Error::Internal(error.to_string()))?;
                let code = code.as_str().unwrap_or("attention").to_owned();
                self.mail(MailOrder::Attention { subject: id.to_string(), code, at: self.now.as_second() });
            }
        }
        tracing::debug!(interview = %id, manager = %manager, ?effect, "effect ordered");
        Ok(())
    }

    /// Reminders and the end of an interview at its present time.
    fn schedule(&mut self, interview: &Interview) -> Result<()> {
        let (id, sequence) = (interview.id, interview.sequence);
        for (hours, useful) in REMINDERS {
            let due = later(interview.range.start(), -hours * 60)?;
            if due <= self.now {
                continue;
            }
            let not_after = later(due, useful * 60)?;
            // Looked at just before, so that no reminder names a time that the manager changed in the calendar.
            let look = later(due, -LOOK_MINUTES)?.max(self.now);
            let work = Work::Recheck { interview: id, intent_rev: interview.intent_rev };
            self.order(work, Dedupe::Once(format!("look:{id}:{sequence}:{hours}")), None, look, None);
            for participant in &interview.participants {
                let order = MailOrder::Reminder { interview: id, person: participant.person, hours, sequence };
                let dedupe = Dedupe::Once(order.key());
                self.order(Work::Mail { order }, dedupe, None, due, Some(not_after));
            }
        }
        let work = Work::Finish { interview: id, sequence };
        self.order(work, Dedupe::Once(format!("finish:{id}:{sequence}")), None, interview.range.end(), None);
        Ok(())
    }
}

/// When an interview's event is looked at before its reminders.
pub(crate) fn looks(start: Timestamp) -> impl Iterator<Item = Timestamp> {
    REMINDERS.into_iter().filter_map(move |(hours, _)| later(start, -hours * 60 - LOOK_MINUTES).ok())
}

/// `minutes` after (or before) `at`.
pub fn later(at: Timestamp, minutes: i64) -> Result<Timestamp> {
    at.checked_add(SignedDuration::from_mins(minutes)).map_err(|error| Error::Internal(format!("time out of range: {error}")))
}

/// Moves a noun to its next revision.
pub fn touched<N: Revision + Clone>(noun: &N) -> N {
    let mut next = noun.clone();
    next.touch();
    next
}

/// What happened, as mails and the log say it.
pub const fn notice_code(notice: Notice) -> &'static str {
    match notice {
        Notice::Booked => "interview.booked",
        Notice::Moved => "interview.moved",
        Notice::Cancelled => "interview.cancelled",
    }
}
