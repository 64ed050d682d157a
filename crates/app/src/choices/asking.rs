//! Asking a candidate to pick a time: the link, the mail, reminders with an end, and who is told when they do not answer.

use domain::{
    Id, Timestamp,
    candidacies::Candidacy,
    choices::{Choice, Command, REMINDER_DAYS, decide},
    jobs::{Dedupe, Work},
    links::{Link, Purpose},
    mails::MailOrder,
    vacancies::{Vacancy, VacancyState},
};
use ports::{
    Put,
    change::{ClaimStep, Scope},
    mail::{Addressee, Body},
};
use serde_json::json;

use super::{ChoiceView, put_unplaced};
use crate::{
    App, Caller, Error, Result,
    arrange::{Desk, Placed},
    draft::{Draft, later, touched},
    interviews::round_name,
    worker::Verdict,
};

/// How long the job that reminds sleeps while a vacancy is paused.
const PAUSED_SECONDS: i64 = 6 * 3_600;

impl App {
    /// Asks a candidate to pick a time: makes (or prolongs) their link, mails it if `mail`, reminds. Asked again after a cancellation, they
    /// pick anew. Refused while they have an interview in this round.
    pub async fn ask_to_choose(&self, candidacy: Id<Candidacy>, round: i64, mail: bool, caller: &Caller) -> Result<ChoiceView> {
        let choice = self
            .transact(None, || async move {
                let mut draft = self.draft(caller);
                let candidacy = self.store().candidacy(candidacy).await?.ok_or_else(|| Error::missing("candidacy", candidacy))?;
                let vacancy = self.choosable(&candidacy, round).await?;
                let next = self.asked(&candidacy, round, &vacancy, mail, &mut draft).await?;
                Ok((draft.finish(), next))
            })
            .await?;
        self.choice_view(choice).await
    }

    /// Puts into `draft` what asking a candidate means.
    async fn asked(
        &self,
        candidacy: &Candidacy,
        round: i64,
        vacancy: &Vacancy,
        mail: bool,
        draft: &mut Draft<'_>,
    ) -> Result<Choice> {
        let choice = self.choice_or_new(candidacy, round, draft).await?;
        if let Some(held) = choice.given_back(&Command::Ask) {
            draft.claim(ClaimStep::ReleaseAll(held));
        }
        let next = decide(&choice, Command::Ask, draft.now)?;
        let expires_at = later(draft.now, vacancy.policy.choice_days * 24 * 60)?;
        let link = self.store().newest_link(Purpose::Choice, &choice.id.to_string()).await?;
        match link.filter(|link| link.revoked_at.is_none()) {
            // The link they have goes on, so that no mail leads nowhere.
            Some(link) => draft.put(Put::Link(Link { expires_at: link.expires_at.max(expires_at), ..touched(&link) })),
            None => drop(draft.link(Purpose::Choice, choice.id, Some(choice.person), vacancy.policy.choice_days)?),
        }
        if mail {
            Self::order_choice_mail(&next, draft);
        }
        if let Some(due) = next.next_reminder() {
            let asked_at = draft.now;
            let dedupe = Dedupe::Once(format!("remind_choice:{}:{}", next.id, asked_at.as_microsecond()));
            draft.order(Work::RemindChoice { choice: next.id, asked_at }, dedupe, None, due, None);
        }
        draft.audit("candidate.asked_to_choose", candidacy.id, json!({"choice": next.id, "round": round, "mail": mail}));
        draft.put(Put::Choice(next.clone()));
        Ok(next)
    }

    fn order_choice_mail(choice: &Choice, draft: &mut Draft<'_>) {
        let asked_at = choice.asked_at.map_or(0, Timestamp::as_second);
        draft.mail(MailOrder::Choice { choice: choice.id, person: choice.person, asked_at, reminder: choice.reminders });
    }

    /// Ends a candidate's link and what is held for them. What is booked stays. Twice is once.
    pub async fn end_choice(&self, candidacy: Id<Candidacy>, round: i64, caller: &Caller) -> Result<ChoiceView> {
        let choice = self
            .transact(None, || async move {
                let mut draft = self.draft(caller);
                let choice = self.known_choice(candidacy, round).await?;
                let link = self.store().newest_link(Purpose::Choice, &choice.id.to_string()).await?;
                if let Some(link) = link.filter(|link| link.revoked_at.is_none()) {
                    draft.audit("candidate.choice_ended", candidacy, json!({"choice": choice.id}));
                    draft.put(Put::Link(Link { revoked_at: Some(draft.now), ..touched(&link) }));
                }
                let Some(hold) = choice.hold.clone() else { return Ok((draft.finish(), choice)) };
                draft.claim(ClaimStep::ReleaseAll(hold.interview));
                let next = decide(&choice, Command::Release, draft.now)?;
                draft.put(Put::Choice(next.clone()));
                Ok((draft.finish(), next))
            })
            .await?;
        self.choice_view(choice).await
    }

    /// On a vacancy whose candidates pick: asks those who were not asked yet, and looks again at times that candidates gave.
    pub(crate) async fn let_choose(&self, desk: &Desk, candidacy: Id<Candidacy>) -> Result<Placed> {
        let round = desk.round.position;
        if let Some(choice) = self.store().choice_of(candidacy, round).await?
            && choice.asked_at.is_some()
        {
            return if choice.wishes.is_some() && choice.interview.is_none() {
                self.place_wishes(desk, choice.id).await
            } else {
                Ok(Placed::Nothing)
            };
        }
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let candidacy = self.store().candidacy(candidacy).await?.ok_or_else(|| Error::missing("candidacy", candidacy))?;
            let choice = self.store().choice_of(candidacy.id, round).await?;
            let known = choice.is_some_and(|choice| choice.asked_at.is_some() || choice.held(draft.now).is_some());
            let taken = self.store().owner(Scope::Round, &format!("{}:{round}", candidacy.id)).await?.is_some();
            if known || taken || candidacy.withdrawn_at.is_some() || !self.wants_placing(desk, &candidacy).await? {
                return Ok((draft.finish(), Placed::Nothing));
            }
            self.asked(&candidacy, round, &desk.vacancy, true, &mut draft).await?;
            Ok((draft.finish(), Placed::Nothing))
        })
        .await
    }

    /// A reminder is due, or the end of waiting.
    pub(crate) async fn run_remind_choice(&self, id: Id<Choice>, asked_at: Timestamp) -> Result<Verdict> {
        let paused = self.paused_all().await?;
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(choice) = self.store().choice(id).await?.filter(|choice| choice.asked_at == Some(asked_at)) else {
                return Ok((draft.finish(), Verdict::Done));
            };
            let Some(due) = choice.next_reminder() else { return Ok((draft.finish(), Verdict::Done)) };
            let now = draft.now;
            if due > now {
                return Ok((draft.finish(), again_at(due, now)));
            }
            let (candidacy, vacancy) = self.place_of(&choice).await?;
            if candidacy.withdrawn_at.is_some() || vacancy.state != VacancyState::Approved {
                return Ok((draft.finish(), Verdict::Done));
            }
            if paused || vacancy.paused_at.is_some() {
                return Ok((draft.finish(), Verdict::Again { seconds: PAUSED_SECONDS, error: None }));
            }
            let link = self.store().newest_link(Purpose::Choice, &id.to_string()).await?;
            let opens = link.is_some_and(|link| link.check(draft.now).is_ok());
            let sent = usize::try_from(choice.reminders).unwrap_or(usize::MAX);
            if opens && sent < REMINDER_DAYS.len() {
                let next = decide(&choice, Command::Remind, draft.now)?;
                Self::order_choice_mail(&next, &mut draft);
                let verdict = next.next_reminder().map_or(Verdict::Done, |due| again_at(due, now));
                draft.put(Put::Choice(next));
                return Ok((draft.finish(), verdict));
            }
            draft.put(Put::Choice(decide(&choice, Command::GiveUp, draft.now)?));
            put_unplaced(&candidacy, vec!["candidate_silent".to_owned()], "candidate_silent", &mut draft);
            Ok((draft.finish(), Verdict::Done))
        })
        .await
    }

    /// The letter that asks a candidate, if it is still wanted.
    pub(crate) async fn choice_letter(&self, id: Id<Choice>, asked_at: i64, reminder: i64) -> Result<Option<(Addressee, Body)>> {
        let Some(choice) = self.store().choice(id).await? else { return Ok(None) };
        let current = choice.asked_at.is_some_and(|at| at.as_second() == asked_at) && choice.reminders == reminder;
        if !current || choice.interview.is_some() || choice.wishes.is_some() {
            return Ok(None);
        }
        let (candidacy, vacancy) = self.place_of(&choice).await?;
        let link = self.store().newest_link(Purpose::Choice, &id.to_string()).await?;
        let Some(link) = link.filter(|link| link.check(self.now()).is_ok()) else { return Ok(None) };
        if candidacy.withdrawn_at.is_some() || vacancy.state != VacancyState::Approved {
            return Ok(None);
        }
        let candidate = self.person(choice.person).await?;
        let to = self.addressee(&candidate).await?;
        let body = Body::Choice {
            manager: self.person(vacancy.manager).await?.name,
            minutes: vacancy.round_at(choice.round).map_or(0, |round| round.minutes),
            round: round_name(&vacancy, choice.round),
            vacancy: vacancy.title,
            page: self.page_url(&link)?,
            until: link.expires_at,
            reminder,
        };
        Ok(Some((to, body)))
    }
}

/// Again when `due` has come.
fn again_at(due: Timestamp, now: Timestamp) -> Verdict {
    Verdict::Again { seconds: (due.as_second() - now.as_second()).max(1), error: None }
}
