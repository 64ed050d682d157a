//! Once a day: what is of no use any more is swept, in small batches, and who was kept long enough is erased. What was swept is shown.

use std::collections::BTreeMap;

use domain::{
    Id, Timestamp,
    erasure::{Erasure, Sweep, Why},
    jobs::{Dedupe, Work},
    people::Person,
};
use jiff::SignedDuration;
use ports::{Put, change::Sweeping};
use serde::{Deserialize, Serialize};

use crate::{App, Error, Result, worker::Verdict};

/// Rows under one commit: the writer is never kept long from others.
const BATCH: u32 = 500;
/// Batches of one kind in one run; the rest is for the next run, in a minute.
const BATCHES: usize = 20;
/// Persons erased by age in one run.
const ERASED_AT_ONCE: u32 = 50;
const DAY_SECONDS: i64 = 86_400;
/// Seconds to the next run where one run did not take all.
const SOON_SECONDS: i64 = 60;
/// How far ahead the page looks for candidates whose retention time ends.
const AHEAD_DAYS: i64 = 30;
/// Where the last run is kept.
const SETTING: &str = "sweeps";

/// What the last run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// When.
    pub at: Timestamp,
    /// Rows taken, by [`Sweep::code`].
    pub rows: BTreeMap<String, usize>,
    /// Persons whose erasure by age began.
    pub erased: usize,
    /// Whether there was more than one run takes.
    pub more: bool,
}

impl SweepReport {
    /// Seconds to the next run.
    const fn pause_seconds(&self) -> i64 {
        if self.more { SOON_SECONDS } else { DAY_SECONDS }
    }
}

/// What retention did and what it will do.
#[derive(Debug, Clone, PartialEq)]
pub struct Retention {
    /// The last run, if there was one.
    pub last: Option<SweepReport>,
    /// When the next one is due.
    pub next_at: Option<Timestamp>,
    /// Days for which a candidate is kept after the last vacancy was closed; 0 is for ever.
    pub days: i64,
    /// Candidates whose time ends within 30 days, or has ended, with that time; the first of them.
    pub due: Vec<(Id<Person>, Timestamp)>,
    /// Erasures, those that go on before those that are done.
    pub erasures: Vec<Erasure>,
}

impl App {
    /// Begins the daily sweeps; they go on by themselves. Called at every start: one job is enough.
    pub async fn start_sweeps(&self) -> Result<()> {
        let mut draft = self.draft(&Self::by_job());
        draft.order(Work::Sweep, Dedupe::Open("sweep".to_owned()), None, draft.now, None);
        self.commit(draft.finish()).await.map_err(Error::from)
    }

    /// What the last run did, if there was one.
    pub async fn last_sweep(&self) -> Result<Option<SweepReport>> {
        let Some(text) = self.store().setting(SETTING).await? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| Error::Internal(format!("the setting {SETTING}: {error}")))
    }

    /// What retention did and will do; at most `limit` persons of each list.
    pub async fn retention(&self, limit: u32) -> Result<Retention> {
        let last = self.last_sweep().await?;
        let next_at = last.as_ref().map(|last| later(last.at, last.pause_seconds())).transpose()?;
        let days = self.settings().retention_days;
        let ahead = if days == 0 { Vec::new() } else { self.closed_for(days - AHEAD_DAYS, limit).await? };
        let due = ahead.into_iter().map(|(person, closed)| Ok((person, later(closed, days * DAY_SECONDS)?)));
        let mut erasures = self.store().erasures(true, limit).await?;
        let open: Vec<Id<Person>> = erasures.iter().map(|erasure| erasure.person).collect();
        let all = self.store().erasures(false, limit).await?;
        erasures.extend(all.into_iter().filter(|erasure| !open.contains(&erasure.person)));
        erasures.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Retention { last, next_at, days, due: due.collect::<Result<_>>()?, erasures })
    }

    /// Candidates whose retention time is over, with the time their last vacancy was closed. Nobody where retention is off.
    pub async fn aged(&self, limit: u32) -> Result<Vec<(Id<Person>, Timestamp)>> {
        match self.settings().retention_days {
            0 => Ok(Vec::new()),
            days => self.closed_for(days, limit).await,
        }
    }

    /// Candidates whose last vacancy was closed so many days ago, oldest first.
    async fn closed_for(&self, days: i64, limit: u32) -> Result<Vec<(Id<Person>, Timestamp)>> {
        let before = self.now().saturating_sub(SignedDuration::from_hours(days * 24));
        let before = before.map_err(|error| Error::Internal(error.to_string()))?;
        Ok(self.store().aged(before, limit).await?)
    }

    /// The day's work.
    pub(crate) async fn run_sweep(&self) -> Result<Verdict> {
        let mut report = SweepReport { at: self.now(), rows: BTreeMap::new(), erased: 0, more: false };
        for what in Sweep::ALL {
            let (rows, more) = self.sweep(what).await?;
            report.rows.insert(what.code().to_owned(), rows);
            report.more |= more;
        }
        let aged = self.aged(ERASED_AT_ONCE).await?;
        for (person, _) in &aged {
            self.erase(*person, Why::Age, &Self::by_job()).await?;
        }
        report.erased = aged.len();
        self.list_all().await?;
        report.more |= u32::try_from(aged.len()).unwrap_or(u32::MAX) >= ERASED_AT_ONCE;
        tracing::info!(rows = ?report.rows, erased = report.erased, more = report.more, "swept");
        let mut draft = self.draft(&Self::by_job());
        let text = serde_json::to_string(&report).map_err(|error| Error::Internal(error.to_string()))?;
        draft.put(Put::Setting(SETTING.to_owned(), text));
        self.commit(draft.finish()).await?;
        Ok(Verdict::Again { seconds: report.pause_seconds(), error: None })
    }

    /// How many rows went, and whether there may be more.
    async fn sweep(&self, what: Sweep) -> Result<(usize, bool)> {
        // Log-ins are measured by the clock that nobody moves.
        let now = if what == Sweep::Sessions { self.store().lease_now().await? } else { self.now() };
        let before = now.saturating_sub(SignedDuration::from_hours(what.kept_hours()));
        let before = before.map_err(|error| Error::Internal(error.to_string()))?;
        let sweeping = Sweeping { what, before, limit: BATCH };
        let mut rows = 0;
        for _ in 0..BATCHES {
            let keys = self.store().sweepable(sweeping).await?;
            if what == Sweep::Mails {
                // The file goes first: without the row nobody would know of it.
                self.0.parts.mailer.forget(&keys).await.map_err(|error| Error::Internal(error.to_string()))?;
            }
            // Also where there is nothing: keys from before their time was kept are dated by it.
            let mut draft = self.draft(&Self::by_job());
            draft.sweep(sweeping);
            self.commit(draft.finish()).await?;
            rows += keys.len();
            if u32::try_from(keys.len()).unwrap_or(u32::MAX) < BATCH {
                return Ok((rows, false));
            }
        }
        Ok((rows, true))
    }
}

fn later(at: Timestamp, seconds: i64) -> Result<Timestamp> {
    at.saturating_add(SignedDuration::from_secs(seconds)).map_err(|error| Error::Internal(error.to_string()))
}
