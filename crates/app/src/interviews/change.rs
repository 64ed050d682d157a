//! Moving and cancelling: one use case for each, whoever asks, by the API, the dashboard or a mailed link.

use domain::{
    Id, Rev, TimeRange, Timestamp,
    choices::may_change,
    claims::Holder,
    interviews::{By, Command, Interview, Role, decide},
    mails::MailOrder,
};
use serde_json::json;

use super::note;
use crate::{App, Caller, Error, InterviewView, Result};

impl App {
    /// Moves an interview to another start. Refused where a rule, a known event or another interview is in the way.
    pub async fn move_interview(
        &self,
        id: Id<Interview>,
        start: Timestamp,
        if_match: Option<Rev>,
        dry_run: bool,
        caller: &Caller,
    ) -> Result<InterviewView> {
        Box::pin(self.move_as(By::Recruiter, id, start, if_match, dry_run, caller)).await
    }

    /// See [`App::move_interview`]; a candidate may until the notice of the vacancy's policy.
    pub(crate) async fn move_as(
        &self,
        by: By,
        id: Id<Interview>,
        start: Timestamp,
        if_match: Option<Rev>,
        dry_run: bool,
        caller: &Caller,
    ) -> Result<InterviewView> {
        let first = self.matching(id, if_match).await?;
        let desk = Box::pin(self.desk_of(&first)).await?;
        let desk = &desk;
        let next = self
            .transact(Some(Holder::person(desk.manager.id)), || async move {
                let interview = self.matching(id, if_match).await?;
                let candidate = self.participant(&interview, Role::Candidate).await?;
                let end = start.checked_add(interview.range.duration()).map_err(|error| Error::invalid("start", error))?;
                let range = TimeRange::new(start, end).map_err(|error| Error::invalid("start", error))?;
                let mut draft = self.draft(caller);
                may_change(&interview, &desk.vacancy.policy, by, draft.now)?;
                let agendas = self.agendas_of(&interview).await?;
                self.check_time(desk, candidate.id, Some(id), range).await?;
                let (next, effects) = decide(&interview, Command::Move { range, by }, draft.now)?;
                if dry_run || effects.is_empty() {
                    return Ok((ports::Change::at(draft.now), if dry_run { next } else { interview }));
                }
                draft.audit("interview.moved", id, json!({"from": interview.range.start(), "to": start}));
                draft.interview(next.clone(), &effects, &agendas, i64::from(desk.rules.minimum_notice_minutes))?;
                Ok((draft.finish(), next))
            })
            .await?;
        self.interview_view(next).await
    }

    /// Cancels. Twice is once.
    pub async fn cancel_interview(
        &self,
        id: Id<Interview>,
        why: &str,
        if_match: Option<Rev>,
        dry_run: bool,
        caller: &Caller,
    ) -> Result<InterviewView> {
        self.cancel_as(By::Recruiter, id, why, if_match, dry_run, caller).await
    }

    /// See [`App::cancel_interview`]; a candidate may until the notice of the vacancy's policy, and the recruiter hears of it.
    pub(crate) async fn cancel_as(
        &self,
        by: By,
        id: Id<Interview>,
        why: &str,
        if_match: Option<Rev>,
        dry_run: bool,
        caller: &Caller,
    ) -> Result<InterviewView> {
        let why = &note("reason", why)?;
        let next = self
            .transact(None, || async move {
                let interview = self.matching(id, if_match).await?;
                let mut draft = self.draft(caller);
                let (next, effects) = decide(&interview, Command::Cancel { by, why: why.clone() }, draft.now)?;
                if effects.is_empty() {
                    return Ok((draft.finish(), interview));
                }
                let vacancy = self.store().vacancy(interview.vacancy).await?;
                let policy = vacancy.ok_or_else(|| Error::missing("vacancy", interview.vacancy))?.policy;
                may_change(&interview, &policy, by, draft.now)?;
                if dry_run {
                    return Ok((draft.finish(), next));
                }
                draft.audit("interview.cancelled", id, json!({"state": next.state}));
                if by == By::Candidate {
                    let code = "candidate_cancelled".to_owned();
                    draft.mail(MailOrder::Attention { subject: id.to_string(), code, at: draft.now.as_second() });
                }
                draft.interview(next.clone(), &effects, &[], 0)?;
                Ok((draft.finish(), next))
            })
            .await?;
        self.interview_view(next).await
    }
}
