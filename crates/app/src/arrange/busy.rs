//! Reading a manager's busy time, and what a vacancy says while it cannot be read.

use domain::{
    Id, TimeRange, Timestamp,
    claims::Holder,
    grants::Grant,
    interviews::Interview,
    people::Person,
    vacancies::{Stuck, Vacancy},
};
use ports::{
    Put,
    calendar::{Event, FailureClass, ListMode, ProviderError},
};
use scheduling::BusySet;
use serde_json::json;

use crate::{
    App, Error, Result,
    draft::{later, touched},
    grants::failure,
    permission::busy_calendars,
    worker::Verdict,
};

impl App {
    /// Busy time of every chosen calendar, events of ours left out. Any calendar that cannot be read fails the whole answer.
    pub(crate) async fn busy(&self, grant: &Grant, window: TimeRange) -> Result<Result<BusySet, ProviderError>> {
        if grant.busy_calendars.is_empty() {
            // An empty list of calendars is not a free calendar.
            return Ok(Err(failure(FailureClass::Protocol, "no calendar is chosen")));
        }
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

    /// The grant with the calendars the account has now: one made since is read too, one deleted since blocks nothing.
    pub(super) async fn fresh_calendars(&self, grant: Grant) -> Result<Result<Grant, ProviderError>> {
        let provider = self.provider_named(&grant.provider)?;
        let list = self.with_access(grant.id, |access| async move { provider.calendars(&access).await }).await;
        let calendars = match list {
            Ok(calendars) => calendars,
            Err(error) => return Ok(Err(error)),
        };
        let Some(chosen) = grant.calendar.clone() else { return Ok(Ok(grant)) };
        let uids = busy_calendars(&calendars, &chosen);
        if uids == grant.busy_calendars {
            return Ok(Ok(grant));
        }
        let (id, uids) = (grant.id, &uids);
        let fresh = self.transact(None, || async move {
            let grant = self.store().grant(id).await?.ok_or_else(|| Error::missing("grant", id))?;
            let mut next = touched(&grant);
            next.busy_calendars.clone_from(uids);
            let mut draft = self.draft(&Self::by_job());
            draft.audit("grant.calendars_changed", id, json!({"calendars": uids.len()}));
            draft.put(Put::Grant(next.clone()));
            Ok((draft.finish(), next))
        });
        fresh.await.map(Ok)
    }

    /// Events of ours in this manager's calendars: where we believe them to be.
    pub(crate) async fn our_events(&self, manager: Id<Person>, window: TimeRange) -> Result<Vec<OurEvent>> {
        let wide = TimeRange::new(later(window.start(), -31 * 24 * 60)?, later(window.end(), 31 * 24 * 60)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let interviews = self.store().agenda(manager, wide).await?;
        let ours = |interview: Interview| OurEvent {
            marker: interview.id.to_string(),
            range: interview.range,
            written: interview.event.as_ref().map(|event| event.written),
            uid: interview.event.map(|event| event.uid),
        };
        Ok(interviews.into_iter().map(ours).collect())
    }

    /// Time of a person that is not free for anybody else: interviews, the old time of one whose move the calendar does not have yet, and
    /// what is held for a while. `moving` is left out.
    pub(crate) async fn taken(
        &self,
        person: Id<Person>,
        window: TimeRange,
        moving: Option<Id<Interview>>,
    ) -> Result<Vec<TimeRange>> {
        let mut taken = Vec::new();
        for interview in self.store().agenda(person, window).await?.into_iter().filter(|interview| Some(interview.id) != moving) {
            taken.push(interview.range);
            let kept = interview.event.as_ref().filter(|event| !interview.is_settled() && event.written != interview.range);
            taken.extend(kept.map(|event| event.written));
        }
        let held = self.store().held_time(&Holder::person(person), window, self.now()).await?;
        taken.extend(held.into_iter().filter(|(interview, _)| Some(*interview) != moving).map(|(_, range)| range));
        Ok(taken)
    }

    pub(super) async fn calendar_unreadable(&self, vacancy: &Vacancy, error: &ProviderError) -> Result<Verdict> {
        // Waiting for a provider is not failing: it goes on for as long as it takes, ever less often, and says so.
        let known = vacancy.stuck.as_ref().filter(|stuck| stuck.code == "calendar_unreadable");
        let waited = known.map_or(0, |stuck| self.now().as_second() - stuck.since.as_second());
        let wait = (waited / 4).clamp(60, 900).max(error.retry_after.unwrap_or(0)).min(3_600);
        tracing::warn!(vacancy = %vacancy.id, class = ?error.class, detail = error.detail, wait, "a calendar cannot be read");
        self.stuck(vacancy, "calendar_unreadable", Some(self.in_minutes((wait + 59) / 60)?)).await?;
        Ok(Verdict::Again { seconds: wait, error: None })
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

/// An event of ours: which, and where we believe it to be.
pub(crate) struct OurEvent {
    marker: String,
    uid: Option<String>,
    range: TimeRange,
    written: Option<TimeRange>,
}

impl OurEvent {
    /// Whether an event is this one, wherever it lies.
    pub fn names(&self, event: &Event) -> bool {
        is_named(event, &self.marker, self.uid.as_deref())
    }
}

/// Whether an event is the one of the interview `marker`, by its uid or by the marker.
pub(crate) fn is_named(event: &Event, marker: &str, uid: Option<&str>) -> bool {
    // An invitation that somebody took over keeps the UID we gave it.
    let invited = event.uid.split('@').next() == Some(marker);
    let linked = event.url.as_deref().is_some_and(|url| url.ends_with(marker));
    uid == Some(event.uid.as_str()) || invited || linked
}

/// Whether an event is one of ours, by its uid or by the marker in its link, and lies where we believe it to be. One that the manager
/// dragged elsewhere takes her time there like any other.
pub(crate) fn is_ours(event: &Event, ours: &[OurEvent]) -> bool {
    ours.iter().any(|known| known.names(event) && (event.range == known.range || Some(event.range) == known.written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_that_was_taken_over_is_ours_where_it_lies_as_we_sent_it() {
        let range = |start: &str, end: &str| TimeRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap();
        let (nine, ten) =
            (range("2026-11-24T09:00:00Z", "2026-11-24T10:00:00Z"), range("2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"));
        let marker = "itv_0190a3d0f0e07b3e8c3e000000000001";
        let ours = [OurEvent { marker: marker.to_owned(), uid: Some("zoho-1".to_owned()), range: nine, written: Some(nine) }];
        let event = |uid: &str, url: Option<&str>, range| Event {
            uid: uid.to_owned(),
            etag: None,
            range,
            all_day: false,
            busy: true,
            declined: false,
            private: false,
            title: String::new(),
            description: None,
            url: url.map(ToOwned::to_owned),
            view_url: None,
            meeting_url: None,
            recurrence: None,
        };
        let accepted = format!("{marker}@green.example.com");
        assert!(is_ours(&event(&accepted, None, nine), &ours) && !is_ours(&event(&accepted, None, ten), &ours));
        assert!(is_ours(&event("zoho-1", None, nine), &ours) && !is_ours(&event("zoho-2", None, nine), &ours));
        let link = format!("https://green.example.com/interviews/{marker}");
        assert!(is_ours(&event("zoho-2", Some(&link), nine), &ours));
        assert!(!is_ours(&event(&format!("{marker}0@green.example.com"), None, nine), &ours));
    }
}
