//! A late conflict: something new overlaps an interview that was booked.

use domain::{
    Id,
    interviews::{AttentionReason, By, Interview},
    vacancies::LateConflict,
};
use jiff::SignedDuration;

use crate::{App, Error, Result};

impl App {
    /// Moves an interview that something new overlaps to the next time that fits all who sit in it, where the vacancy's policy says so.
    /// A person is asked instead where there is no such time, where a calendar cannot be read, and within the hours before the start in
    /// which a candidate may not change anything either.
    pub(super) async fn make_way(&self, id: Id<Interview>) -> Result<()> {
        let Some(interview) = self.store().interview(id).await? else { return Ok(()) };
        let vacancy = self.store().vacancy(interview.vacancy).await?.ok_or_else(|| Error::missing("vacancy", interview.vacancy))?;
        let clash = interview.attention.is_some_and(|(reason, _)| reason == AttentionReason::Clash);
        let notice = SignedDuration::from_hours(vacancy.policy.change_notice_hours);
        let in_time = self.now().checked_add(notice).is_ok_and(|earliest| interview.range.start() >= earliest);
        let moves = vacancy.policy.late_conflict == LateConflict::Move && vacancy.paused_at.is_none() && !self.paused_all().await?;
        if !(clash && in_time && moves) {
            return Ok(());
        }
        let candidate = self.participant(&interview, domain::interviews::Role::Candidate).await?;
        let desk = Box::pin(self.desk_of(&interview)).await?;
        if desk.source().0 == "unknown" {
            return Ok(());
        }
        let planning = self.planning(&desk, candidate.id, Some(id)).await?;
        let Ok(sitting) = desk.earliest_for(&planning, candidate.zone.clone()) else { return Ok(()) };
        match self.move_as(By::System, id, sitting.range.start(), None, false, &Self::by_job()).await {
            // Taken meanwhile, or decided otherwise: the person who was asked decides.
            Err(Error::Refused { code, .. }) => {
                tracing::info!(interview = %id, code, "an interview could not make way");
                Ok(())
            }
            Ok(_) | Err(Error::Busy) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
