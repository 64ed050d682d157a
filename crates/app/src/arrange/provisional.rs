//! Provisional times: confirmed or moved as soon as the real calendar can be read, released when nobody answers.

use domain::{
    Id,
    claims::Holder,
    interviews::{AttentionReason, By, Command, Effect, Interview, InterviewState, Role, decide},
};
use serde_json::json;

use super::{Desk, Sitting};
use crate::{App, Error, Result, worker::Verdict};

impl App {
    /// The real calendar can be read now: provisional times that are free are confirmed, the others move or are put before a person.
    pub(super) async fn confirm_provisional(&self, desk: &Desk) -> Result<()> {
        for known in self.store().interviews_of(desk.vacancy.id).await? {
            if known.provisional && matches!(known.state, InterviewState::Proposed | InterviewState::Booked) {
                let (manager, zone) = (desk.manager.clone(), desk.zone.clone());
                let own = self.desk_of_round(desk.vacancy.clone(), known.round, manager, zone, desk.busy.clone());
                self.confirm_one(own.as_ref().unwrap_or(desk), known.id).await?;
            }
        }
        Ok(())
    }

    async fn confirm_one(&self, desk: &Desk, id: Id<Interview>) -> Result<()> {
        self.transact(Some(Holder::person(desk.manager.id)), || async move {
            let mut draft = self.draft(&Self::by_job());
            let interview = self.store().interview(id).await?.ok_or_else(|| Error::missing("interview", id))?;
            let candidate = interview.with_role(Role::Candidate).ok_or_else(|| Error::missing("candidate", id))?;
            if !interview.provisional || !matches!(interview.state, InterviewState::Proposed | InterviewState::Booked) {
                return Ok((draft.finish(), ()));
            }
            let agendas = self.agendas_of(&interview).await?;
            let notice = i64::from(desk.rules.minimum_notice_minutes);
            let ahead = interview.range.start() > draft.now;
            let free = ahead && desk.busy.set().is_some_and(|set| !set.overlaps(interview.range));
            if !free && interview.invited {
                let (next, effects) = decide(&interview, Command::Alarm(AttentionReason::Clash), draft.now)?;
                draft.audit("interview.clash", id, json!({"provisional": true}));
                draft.interview(next, &effects, &agendas, notice)?;
                return Ok((draft.finish(), ()));
            }
            let (mut next, mut effects) = decide(&interview, Command::ConfirmProvisional, draft.now)?;
            if !free {
                let planning = self.planning(desk, candidate, Some(id)).await?;
                let Ok(Sitting { range, .. }) = desk.earliest(&planning) else {
                    let (next, effects) = decide(&interview, Command::Alarm(AttentionReason::NoTime), draft.now)?;
                    draft.interview(next, &effects, &agendas, notice)?;
                    return Ok((draft.finish(), ()));
                };
                (next, effects) = decide(&next, Command::Move { range, by: By::System }, draft.now)?;
                // Two decisions, one write.
                next.rev = interview.rev + 1;
            }
            draft.audit("interview.confirmed", id, json!({"start": next.range.start(), "moved": next.range != interview.range}));
            draft.interview(next, &effects, &agendas, notice)?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Gives up a provisional time that nobody confirmed.
    pub(crate) async fn run_release_provisional(&self, id: Id<Interview>, sequence: i64) -> Result<Verdict> {
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(interview) = self.store().interview(id).await? else { return Ok((draft.finish(), Verdict::Done)) };
            if interview.sequence != sequence || interview.state != InterviewState::Proposed {
                return Ok((draft.finish(), Verdict::Done));
            }
            let command = Command::Cancel { by: By::System, why: "nobody confirmed the provisional time".to_owned() };
            let (next, effects) = decide(&interview, command, draft.now)?;
            draft.audit("interview.released", id, json!({"start": interview.range.start()}));
            let vacancy = interview.vacancy;
            draft.interview(next, &effects.into_iter().filter(|effect| *effect != Effect::Settle).collect::<Vec<_>>(), &[], 0)?;
            draft.arrange(vacancy, draft.now);
            Ok((draft.finish(), Verdict::Done))
        })
        .await
    }
}
