//! The held state: after a restore nothing goes out until every future interview was compared with its calendar and an administrator
//! released the installation.
//!
//! That it is held is a fact in the database, set by the restore in the transaction that loads the rows. While it stands the store leases
//! no job with an effect outside, on any node, and `web` refuses what callers want changed.

use std::collections::BTreeSet;

use domain::{
    Id, TimeRange,
    alerts::AlertKind,
    grants::Grant,
    held::{Compared, Comparison, Found, Held},
    interviews::{Interview, InterviewState},
    jobs::{Dedupe, Work},
};
use ports::{Put, calendar::ListMode, store::Page};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{App, Caller, Error, Result, draft::later, worker::Verdict};

const HELD: &str = "held";
const COMPARISON: &str = "held_comparison";
const SUBJECT: &str = "installation";
/// How far ahead interviews are compared and events looked for.
const AHEAD_DAYS: i64 = 400;
/// Interviews at most: more would mean that somebody books for years.
const MOST: u32 = 20_000;
/// Interviews compared in one run.
const BATCH: usize = 100;

impl App {
    /// Whether the installation is held.
    pub async fn held(&self) -> Result<Option<Held>> {
        self.fact(HELD).await
    }

    /// Notes that the erasure list was gone through after the restore, and how many it erased again.
    pub async fn note_erasures(&self, count: u64) -> Result<()> {
        self.transact(None, || async {
            let mut draft = self.draft(&Self::by_job());
            if let Some(held) = self.held().await? {
                let noted = Held { erasures: Some(count), ..held };
                let text = serde_json::to_string(&noted).map_err(|error| Error::Internal(error.to_string()))?;
                draft.put(Put::Setting(HELD.to_owned(), text));
                draft.audit("held.erasures_replayed", SUBJECT, json!({"erased": count}));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// How far the comparison is.
    pub async fn comparison(&self) -> Result<Comparison> {
        Ok(self.fact(COMPARISON).await?.unwrap_or_default())
    }

    async fn fact<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let text = self.store().setting(key).await?;
        let fact = text.as_deref().map(serde_json::from_str::<Option<T>>).transpose();
        Ok(fact.map_err(|error| Error::Internal(format!("the setting {key} is damaged: {error}")))?.flatten())
    }

    /// At the start of a node: says that the installation is held and has the calendars compared. Nothing where it is not.
    pub async fn start_held(&self) -> Result<bool> {
        let Some(held) = self.held().await? else { return Ok(false) };
        let mut draft = self.draft(&Self::by_job());
        self.raise(&mut draft, AlertKind::Held, SUBJECT, json!({"backup": held.backup, "as_of": held.as_of})).await?;
        if self.comparison().await?.finished_at.is_none() {
            draft.order(Work::CompareHeld, Dedupe::Open("compare_held".to_owned()), None, draft.now, None);
        }
        self.commit(draft.finish()).await?;
        Ok(true)
    }

    /// Compares everything once more.
    pub async fn compare_again(&self, caller: &Caller) -> Result<()> {
        self.expect_held().await?;
        let mut draft = self.draft(caller);
        draft.put(setting(COMPARISON, &Comparison::default())?);
        draft.order(Work::CompareHeld, Dedupe::Open("compare_held".to_owned()), None, draft.now, None);
        draft.audit("held.compare", SUBJECT, json!({}));
        Ok(self.commit(draft.finish()).await?)
    }

    /// Compares what is not compared yet, to the end, in this process. For the command line.
    pub async fn compare_now(&self) -> Result<Comparison> {
        self.expect_held().await?;
        while !self.compare_some().await? {}
        self.comparison().await
    }

    /// Lets everything go on: what is due leaves, and changes are accepted again.
    pub async fn release_held(&self, caller: &Caller) -> Result<()> {
        let held = self.expect_held().await?;
        let comparison = self.comparison().await?;
        if comparison.finished_at.is_none() {
            return Err(Error::Refused {
                code: "not_compared",
                problem: "the calendars are not compared yet; wait until the list is complete, or run `greenroom held --compare`"
                    .to_owned(),
            });
        }
        let mut draft = self.draft(caller);
        let count = |found| comparison.count(found);
        draft.audit(
            "held.released",
            SUBJECT,
            json!({
                "backup": held.backup, "as_of": held.as_of, "same": count(Found::Same), "moved": count(Found::Moved),
                "missing": count(Found::Missing), "unreadable": count(Found::Unreadable), "unknown": count(Found::Unknown),
            }),
        );
        draft.put(Put::Setting(HELD.to_owned(), "null".to_owned()));
        draft.put(Put::Setting(COMPARISON.to_owned(), "null".to_owned()));
        self.clear(&mut draft, AlertKind::Held, SUBJECT).await?;
        // The one writer takes over what was changed by hand, and puts a deleted event before a person.
        for line in comparison.lines.iter().filter(|line| matches!(line.found, Found::Moved | Found::Missing)) {
            draft.settle(line.interview);
        }
        Ok(self.commit(draft.finish()).await?)
    }

    async fn expect_held(&self) -> Result<Held> {
        self.held().await?.ok_or_else(|| Error::Refused {
            code: "not_held",
            problem: "the installation is not held; there is nothing to release".to_owned(),
        })
    }

    pub(crate) async fn run_compare_held(&self) -> Result<Verdict> {
        if self.held().await?.is_none() || self.compare_some().await? {
            return Ok(Verdict::Done);
        }
        Ok(Verdict::Again { seconds: 0, error: None })
    }

    /// Compares some more interviews; whether all are done.
    async fn compare_some(&self) -> Result<bool> {
        let mut comparison = self.comparison().await?;
        if comparison.finished_at.is_some() {
            return Ok(true);
        }
        let now = self.now();
        let window = TimeRange::new(now, later(now, AHEAD_DAYS * 24 * 60)?).map_err(|error| Error::Internal(error.to_string()))?;
        let known: BTreeSet<Id<Interview>> = comparison.lines.iter().map(|line| line.interview).collect();
        let interviews = self.store().interviews_between(window, MOST).await?;
        let open: Vec<Interview> = interviews
            .into_iter()
            .filter(|interview| interview.event.is_some() && is_ahead(interview) && !known.contains(&interview.id))
            .collect();
        for interview in open.iter().take(BATCH) {
            comparison.lines.push(self.compare_one(interview).await?);
        }
        if open.len() <= BATCH {
            comparison.lines.extend(self.unknown_events(window, &known).await?);
            comparison.finished_at = Some(now);
        }
        let mut draft = self.draft(&Self::by_job());
        draft.put(setting(COMPARISON, &comparison)?);
        self.commit(draft.finish()).await?;
        Ok(comparison.finished_at.is_some())
    }

    async fn compare_one(&self, interview: &Interview) -> Result<Compared> {
        let compared = |found, live| Compared { interview: interview.id, found, stored: Some(interview.range.start()), live };
        let Some(bench) = self.bench(interview.id).await? else { return Ok(compared(Found::Unreadable, None)) };
        let Some(event) = interview.event.as_ref().filter(|_| bench.grant.is_usable()) else {
            return Ok(compared(Found::Unreadable, None));
        };
        Ok(match self.live_event(&bench, event).await? {
            Ok(Some(live)) if live.range == event.written => compared(Found::Same, Some(live.range.start())),
            Ok(Some(live)) => compared(Found::Moved, Some(live.range.start())),
            Ok(None) => compared(Found::Missing, None),
            Err(error) => {
                tracing::warn!(interview = %interview.id, class = ?error.class, "a calendar cannot be compared");
                compared(Found::Unreadable, None)
            }
        })
    }

    /// Events in the managers' calendars that carry the marker of an interview which is not in the database: booked after the backup.
    async fn unknown_events(&self, window: TimeRange, known: &BTreeSet<Id<Interview>>) -> Result<Vec<Compared>> {
        let mut found = Vec::new();
        let mut page = Page::first(200);
        loop {
            let grants = self.store().grants(page.clone()).await?;
            for grant in grants.iter().filter(|grant| grant.is_usable()) {
                self.unknown_events_of(grant, window, known, &mut found).await?;
            }
            let Some(last) = grants.last().filter(|_| grants.len() == 200) else { return Ok(found) };
            page.after = Some(last.id.to_string());
        }
    }

    async fn unknown_events_of(
        &self,
        grant: &Grant,
        window: TimeRange,
        known: &BTreeSet<Id<Interview>>,
        found: &mut Vec<Compared>,
    ) -> Result<()> {
        let Some(calendar) = grant.calendar.as_ref().map(|chosen| chosen.uid.as_str()) else { return Ok(()) };
        let provider = self.provider_named(&grant.provider)?;
        let list =
            self.with_access(grant.id, |access| async move {
                provider.events(&access, calendar, window, ListMode::WithDescription).await
            })
            .await;
        let events = match list {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(grant = %grant.id, class = ?error.class, "a calendar is not searched for events made after the backup");
                return Ok(());
            }
        };
        for event in events {
            let marker = event.url.as_deref().and_then(|url| url.rsplit('/').next()).and_then(|last| last.parse().ok());
            let Some(interview) = marker.filter(|id| !known.contains(id)) else { continue };
            if self.store().interview(interview).await?.is_none() && !found.iter().any(|line| line.interview == interview) {
                found.push(Compared { interview, found: Found::Unknown, stored: None, live: Some(event.range.start()) });
            }
        }
        Ok(())
    }
}

/// Whether its event should still stand in the calendar.
const fn is_ahead(interview: &Interview) -> bool {
    matches!(interview.state, InterviewState::Booking | InterviewState::Booked | InterviewState::Attention)
}

fn setting<T: Serialize>(key: &str, value: &T) -> Result<Put> {
    let text = serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Put::Setting(key.to_owned(), text))
}
