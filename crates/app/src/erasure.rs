//! Erasing a person: interviews are cancelled and people told, then what is held about them goes, from the store, from files and from
//! calendars. A row that names nobody stays and says so.
//!
//! One change begins it; a job carries it on through its stages ([`Stage`]), each of which can be killed and begun again. What was under
//! way when the data went, a mail that was just being sent, is caught by a second look later.

mod calendars;
mod export;
mod replay;
mod view;

use domain::{
    EmailAddress, Id,
    candidacies::Candidacy,
    erasure::{ERASED_NAME, Erasure, Kind, Stage, Why, Wipe},
    grants::Grant,
    interviews::{By, Command, Effect, Interview, InterviewState, decide},
    jobs::{Dedupe, Work},
    mails::{MailOrder, Notice},
    people::Person,
    vacancies::{Vacancy, VacancyState},
};
pub use export::Export;
use ports::{Put, change::Scope};
pub use replay::Replayed;
use serde_json::json;
pub use view::ErasureView;

use crate::{
    App, Caller, Error, Result,
    draft::{Draft, touched},
    idempotency::erased_answer,
    worker::Verdict,
};

/// How long the mails that tell people of a cancellation are waited for.
const TELLING_HOURS: i64 = 24;
/// Seconds between looks whether they have left.
const TELLING_SECONDS: i64 = 20;
/// After this what was under way when the data went has ended: a lease lasts 180 s.
const CHECK_AFTER_SECONDS: i64 = 600;
/// Erasures looked at for the list in one run.
const MOST_ERASURES: u32 = 10_000;
/// Shorter texts are found in answers that have nothing to do with the person.
const SHORTEST_WORD: usize = 5;

/// What is known of a person when it begins.
struct Known {
    person: Person,
    kind: Kind,
    interviews: Vec<Interview>,
    candidacies: Vec<Candidacy>,
    vacancies: Vec<Vacancy>,
    grants: Vec<Grant>,
}

/// Whether it still may take place.
fn is_open(interview: &Interview) -> bool {
    !matches!(interview.state, InterviewState::Cancelled | InterviewState::Done | InterviewState::NoShow)
}

fn has_event(interview: &Interview) -> bool {
    interview.event.is_some() || interview.attempt.is_some()
}

impl App {
    /// A person by id or address.
    pub async fn find_person(&self, text: &str) -> Result<Person> {
        match text.parse::<Id<Person>>() {
            Ok(id) => self.person(id).await,
            Err(_) => self.person_by(text, "person").await,
        }
    }

    /// How a person's erasure stands.
    pub async fn erasure(&self, id: Id<Person>) -> Result<Option<Erasure>> {
        Ok(self.store().erasure(id).await?)
    }

    /// Erasures, newest first.
    pub async fn erasures(&self, limit: u32) -> Result<Vec<Erasure>> {
        Ok(self.store().erasures(false, limit).await?)
    }

    async fn known(&self, id: Id<Person>) -> Result<Known> {
        let person = self.person(id).await?;
        let grants = self.grants_of(id).await?;
        let vacancies = self.store().vacancies_of(id).await?;
        let kind = if !grants.is_empty() || !vacancies.is_empty() { Kind::Manager } else { Kind::Candidate };
        // A vacancy goes on without somebody of its panel.
        let vacancies = vacancies.into_iter().filter(|vacancy| vacancy.manager == id).collect();
        Ok(Known {
            person,
            kind,
            interviews: self.store().interviews_with(id).await?,
            candidacies: self.store().candidacies_of(id).await?,
            vacancies,
            grants,
        })
    }

    /// Begins to erase a person. Asked again it says how the first one stands.
    pub async fn erase(&self, id: Id<Person>, why: Why, caller: &Caller) -> Result<Erasure> {
        self.transact(None, || async move {
            if let Some(known) = self.store().erasure(id).await? {
                return Ok((ports::Change::at(self.now()), known));
            }
            let known = self.known(id).await?;
            let mut draft = self.draft(caller);
            let erasure = Erasure::new(id, known.kind, why, draft.now);
            end_all(&known, true, &mut draft)?;
            draft.audit("erasure.requested", id, json!({"kind": erasure.kind, "why": why}));
            order(id, &mut draft);
            draft.put(Put::Erasure(erasure.clone()));
            Ok((draft.finish(), erasure))
        })
        .await
    }

    /// Carries an erasure one stage on.
    pub(crate) async fn run_erase(&self, id: Id<Person>) -> Result<Verdict> {
        let Some(erasure) = self.store().erasure(id).await? else { return Ok(Verdict::Done) };
        let erasure = self.listed(erasure).await?;
        match erasure.stage {
            Stage::Telling => {
                let age = self.now().as_second() - erasure.requested_at.as_second();
                if age < TELLING_HOURS * 3_600 && self.still_telling(id).await? {
                    return Ok(Verdict::Again { seconds: TELLING_SECONDS, error: None });
                }
                self.wipe(&erasure, false, Stage::Calendars).await?;
                if let Err(error) = self.store().scrub().await {
                    tracing::info!(%error, "the files are scrubbed at the end");
                }
                Ok(Verdict::Again { seconds: 0, error: None })
            }
            Stage::Calendars => self.clear_calendars(&erasure).await,
            Stage::Checking => {
                let age = self.now().as_second() - erasure.stage_at.as_second();
                if age < CHECK_AFTER_SECONDS {
                    return Ok(Verdict::Again { seconds: CHECK_AFTER_SECONDS - age, error: None });
                }
                // A connection that was being made at that moment.
                self.end_grants(id).await?;
                self.wipe(&erasure, true, Stage::Checking).await?;
                self.store().scrub().await?;
                if !erasure.listed && self.0.parts.erasure_list.is_some() {
                    return Ok(Verdict::Again { seconds: 3_600, error: None });
                }
                self.finish_erasure(id).await?;
                Ok(Verdict::Done)
            }
            Stage::Done => Ok(Verdict::Done),
        }
    }

    /// Whether mails of the person's interviews are still to leave.
    async fn still_telling(&self, id: Id<Person>) -> Result<bool> {
        for interview in self.store().interviews_with(id).await? {
            for role in ["manager", "candidate"] {
                if !self.store().open_jobs(&format!("mail:{role}:{}", interview.id)).await?.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Takes the person's data out of files and the store, and enters `stage`. Twice is once.
    async fn wipe(&self, erasure: &Erasure, calendars: bool, stage: Stage) -> Result<()> {
        let id = erasure.person;
        let (mut messages, orders) = self.store().messages_about(id).await?;
        messages.extend(orders.iter().map(|order| self.message_id(order)));
        messages.sort_unstable();
        messages.dedup();
        self.0.parts.mailer.forget(&messages).await.map_err(|error| Error::Internal(error.to_string()))?;
        for interview in self.store().interviews_with(id).await? {
            self.blank_feedback(interview.id).await?;
        }
        self.transact(None, || async move {
            let stored = self.store().erasure(id).await?.ok_or_else(|| Error::missing("erasure", id))?;
            let person = self.person(id).await?;
            let grants = self.grants_of(id).await?;
            let mut draft = self.draft(&Self::by_job());
            let mut next = touched(&stored);
            next.enter(stage, draft.now);
            draft.audit("erasure.wiped", id, json!({"calendars": calendars}));
            draft.put(Put::Erasure(next));
            draft.wipe(Wipe {
                person: id,
                addresses: addresses(&person, &grants),
                words: words(&person),
                recruiter: self.settings().recruiting_contact.as_ref().map(EmailAddress::key),
                answer: erased_answer()?,
                calendars,
            });
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Texts about somebody, and in somebody's words, go; marks and the recommendation stay.
    async fn blank_feedback(&self, interview: Id<Interview>) -> Result<()> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            for feedback in self.store().feedback_of(interview).await? {
                let mut next = touched(&feedback);
                for text in [&mut next.answers.strengths, &mut next.answers.to_improve, &mut next.answers.notes] {
                    text.clear();
                }
                if next.answers != feedback.answers {
                    draft.put(Put::Feedback(next));
                }
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    async fn finish_erasure(&self, id: Id<Person>) -> Result<()> {
        self.transact(None, || async move {
            let stored = self.store().erasure(id).await?.ok_or_else(|| Error::missing("erasure", id))?;
            let mut draft = self.draft(&Self::by_job());
            let mut next = touched(&stored);
            next.enter(Stage::Done, draft.now);
            draft.audit("erasure.done", id, json!({"events_left": next.events_left}));
            draft.put(Put::Erasure(next));
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Puts the erasure on the list beside the backups, if it is not there. A list that cannot be written keeps nothing from being
    /// erased; it keeps the erasure from being called done.
    async fn listed(&self, erasure: Erasure) -> Result<Erasure> {
        if erasure.listed {
            return Ok(erasure);
        }
        let Some(list) = &self.0.parts.erasure_list else { return Ok(erasure) };
        if let Err(error) = list.append(erasure.line()).await {
            tracing::error!(person = %erasure.person, error, "the erasure list cannot be written; a restored backup would bring them back");
            return Ok(erasure);
        }
        let id = erasure.person;
        self.transact(None, || async move {
            let stored = self.store().erasure(id).await?.ok_or_else(|| Error::missing("erasure", id))?;
            let mut draft = self.draft(&Self::by_job());
            let next = Erasure { listed: true, ..touched(&stored) };
            draft.put(Put::Erasure(next.clone()));
            Ok((draft.finish(), next))
        })
        .await
    }

    /// Puts erasures on the list that were done before there was one.
    pub(crate) async fn list_all(&self) -> Result<()> {
        if self.0.parts.erasure_list.is_none() {
            return Ok(());
        }
        for erasure in self.store().erasures(false, MOST_ERASURES).await?.into_iter().filter(|erasure| !erasure.listed) {
            self.listed(erasure).await?;
        }
        Ok(())
    }

    /// Whether a message must not leave any more because somebody in it is being erased. The cancellation still does, while their data
    /// are there.
    pub(crate) async fn is_silenced(&self, order: &MailOrder) -> Result<bool> {
        let (people, cancels): (Vec<Id<Person>>, bool) = match order {
            MailOrder::PermissionRequest { person, .. }
            | MailOrder::FreshPermissionLink { person, .. }
            | MailOrder::Connected { person, .. }
            | MailOrder::Choice { person, .. } => (vec![*person], false),
            MailOrder::ManagerNotice { interview, what, .. }
            | MailOrder::InterviewerNotice { interview, what, .. }
            | MailOrder::CandidateNotice { interview, what, .. } => {
                (self.participants(*interview).await?, *what == Notice::Cancelled)
            }
            MailOrder::Reminder { interview, .. }
            | MailOrder::FeedbackRequest { interview, .. }
            | MailOrder::Proposal { interview, .. }
            | MailOrder::Result { interview, .. } => (self.participants(*interview).await?, false),
            _ => return Ok(false),
        };
        for person in people {
            if let Some(erasure) = self.store().erasure(person).await?
                && !(cancels && erasure.stage == Stage::Telling)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn participants(&self, interview: Id<Interview>) -> Result<Vec<Id<Person>>> {
        let interview = self.store().interview(interview).await?;
        Ok(interview
            .map_or_else(Vec::new, |interview| interview.participants.iter().map(|participant| participant.person).collect()))
    }
}

/// Orders the job that carries it on.
fn order(id: Id<Person>, draft: &mut Draft<'_>) {
    draft.order(Work::Erase { person: id }, Dedupe::Open(format!("erase:{id}")), None, draft.now, None);
}

/// Ends what the person takes part in, in the normal way; with `tell`, those who know of an interview hear that it is off.
fn end_all(known: &Known, tell: bool, draft: &mut Draft<'_>) -> Result<()> {
    let id = known.person.id;
    // From here on the address is free: whoever writes under it again is somebody new.
    for email in &known.person.emails {
        draft.release(Scope::Email, email.key(), id);
    }
    if let Some(external_id) = &known.person.external_id {
        draft.release(Scope::PersonExternalId, external_id, id);
    }
    for candidacy in known.candidacies.iter().filter(|candidacy| candidacy.withdrawn_at.is_none()) {
        draft.audit("candidate.withdrawn", candidacy.vacancy, json!({"candidacy": candidacy.id}));
        draft.put(Put::Candidacy(Candidacy { withdrawn_at: Some(draft.now), ..touched(candidacy) }));
    }
    for vacancy in known.vacancies.iter().filter(|vacancy| vacancy.state != VacancyState::Closed) {
        draft.audit("vacancy.closed", vacancy.id, json!({}));
        draft.put(Put::Vacancy(Vacancy { state: VacancyState::Closed, stuck: None, ..touched(vacancy) }));
    }
    for interview in known.interviews.iter().filter(|interview| is_open(interview)) {
        let over = interview.range.end() <= draft.now;
        let command = if over { Command::Finish } else { Command::Cancel { by: By::System, why: String::new() } };
        let (next, effects) = decide(interview, command, draft.now)?;
        let kept = |effect: &&Effect| match effect {
            Effect::Release | Effect::Settle => true,
            Effect::TellManager(_) | Effect::TellCandidate(_) => tell,
            _ => false,
        };
        let effects: Vec<Effect> = effects.iter().filter(kept).cloned().collect();
        draft.audit(if over { "interview.done" } else { "interview.cancelled" }, interview.id, json!({"state": next.state}));
        draft.interview(next, &effects, &[], 0)?;
    }
    Ok(())
}

/// Every address of theirs, those of their accounts included, as addresses are compared.
fn addresses(person: &Person, grants: &[Grant]) -> Vec<String> {
    let accounts = grants.iter().flat_map(|grant| {
        let pending = grant.pending.as_ref().map(|pending| &pending.account);
        grant.account.iter().chain(pending).map(|account| account.email.key())
    });
    let mut all: Vec<String> = person.emails.iter().map(EmailAddress::key).chain(accounts).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Longer texts that name them.
fn words(person: &Person) -> Vec<String> {
    let texts = [Some(&person.name), person.external_id.as_ref()];
    let fits = |text: &&String| text.chars().count() >= SHORTEST_WORD && *text != ERASED_NAME;
    texts.into_iter().flatten().filter(fits).cloned().collect()
}
