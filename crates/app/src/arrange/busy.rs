//! Reading a manager's busy time, and what a vacancy says while it cannot be read.

use domain::{
    Id, TimeRange, Timestamp,
    grants::Grant,
    people::Person,
    vacancies::{Stuck, Vacancy},
};
use ports::{
    Put,
    calendar::{Event, ListMode, ProviderError},
};
use scheduling::BusySet;
use serde_json::json;

use crate::{
    App, Error, Result,
    draft::{later, touched},
    worker::Verdict,
};

impl App {
    /// Busy time of every chosen calendar, events of ours left out. Any calendar that cannot be read fails the whole answer.
    pub(crate) async fn busy(&self, grant: &Grant, window: TimeRange) -> Result<Result<BusySet, ProviderError>> {
        let ours = self.our_events(grant.person, window).await?;
        let mut set = BusySet::empty();
        for calendar in &grant.busy_calendars {
            let provider = self.provider_named(&grant.provider)?;
            let list = self.with_access(grant.id, |access| async move {
                provider.events(&access, calendar, window, ListMode::Instances).await
            });
            match list.await {
                Ok(events) => {
                    for event in events.iter().filter(|event| event.busy && !is_ours(event, &ours)) {
                        set.insert(event.range);
                    }
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(set.within(window)))
    }

    /// Uids of the events that interviews of this manager are written to, and the interviews' ids (the marker in an event's link).
    pub(crate) async fn our_events(&self, manager: Id<Person>, window: TimeRange) -> Result<Vec<String>> {
        let wide = TimeRange::new(later(window.start(), -31 * 24 * 60)?, later(window.end(), 31 * 24 * 60)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let interviews = self.store().agenda(manager, wide).await?;
        Ok(interviews
            .into_iter()
            .flat_map(|interview| [Some(interview.id.to_string()), interview.event.map(|event| event.uid)])
            .flatten()
            .collect())
    }

    pub(super) async fn calendar_unreadable(&self, vacancy: &Vacancy, error: &ProviderError) -> Result<Verdict> {
        let wait = error.retry_after.unwrap_or(60).clamp(5, 3_600);
        self.stuck(vacancy, "calendar_unreadable", Some(self.in_minutes((wait + 59) / 60)?)).await?;
        Ok(Verdict::again(wait, format!("{:?}: {}", error.class, error.detail)))
    }

    pub(super) async fn stuck(&self, vacancy: &Vacancy, code: &str, retry_at: Option<Timestamp>) -> Result<()> {
        let id = vacancy.id;
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            let Some(vacancy) = self.store().vacancy(id).await? else { return Ok((draft.finish(), ())) };
            let since = vacancy.stuck.as_ref().filter(|stuck| stuck.code == code).map_or(draft.now, |stuck| stuck.since);
            if vacancy.stuck.as_ref().is_none_or(|stuck| stuck.code != code) {
                draft.audit("vacancy.stuck", id, json!({"code": code}));
            }
            let mut next = touched(&vacancy);
            next.stuck = Some(Stuck { code: code.to_owned(), since, retry_at });
            draft.put(Put::Vacancy(next));
            Ok((draft.finish(), ()))
        })
        .await
    }

    pub(super) async fn unstick(&self, vacancy: &Vacancy) -> Result<()> {
        if vacancy.stuck.is_none() {
            return Ok(());
        }
        let id = vacancy.id;
        self.transact(None, || async move {
            let mut draft = self.draft(&Self::by_job());
            if let Some(vacancy) = self.store().vacancy(id).await?.filter(|vacancy| vacancy.stuck.is_some()) {
                let mut next = touched(&vacancy);
                next.stuck = None;
                draft.put(Put::Vacancy(next));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }
}

/// Whether an event is one of ours, by its uid or by the marker in its link.
pub(crate) fn is_ours(event: &Event, ours: &[String]) -> bool {
    ours.iter().any(|known| *known == event.uid || event.url.as_deref().is_some_and(|url| url.ends_with(known.as_str())))
}
