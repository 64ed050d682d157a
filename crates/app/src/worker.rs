//! Running jobs: lease, run, commit the verdict together with what follows from it.
//!
//! Any node runs any job. A run may be killed at any instruction: the lease ends, and the job runs again.

use std::{sync::Arc, time::Duration};

use domain::{
    Timestamp,
    jobs::{Job, Work, backoff_seconds},
    mails::MailOrder,
};
use ports::{Change, change::JobStep, store::CommitError};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};

use crate::{App, Caller, Error, Result, Timing, draft::later, permission::SealedCode};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is left to do.
    Done,
    /// Again in `seconds`.
    Again {
        /// Business time.
        seconds: i64,
        /// What went wrong; `None` where it only waits.
        error: Option<String>,
    },
    /// A person must look.
    Fail(String),
}

impl Verdict {
    /// Again in `seconds`, because of `error`.
    pub fn again(seconds: i64, error: impl ToString) -> Self {
        Self::Again { seconds, error: Some(error.to_string()) }
    }

    /// Again after the usual, growing time.
    pub fn backoff(attempt: i64, error: impl ToString) -> Self {
        Self::again(backoff_seconds(attempt, 0), error)
    }
}

/// Jobs at once in one process.
const CONCURRENT: u32 = 16;
/// For a backup and its drill, which take as long as the database is large.
const LONG_RUN_LIMIT: Duration = Duration::from_hours(6);
/// Runs after which a job that keeps failing is given up.
const MAX_ATTEMPTS: i64 = 40;
/// How often the database is asked although nobody rang: other nodes order jobs too.
const POLL: Duration = Duration::from_millis(500);
/// How often calls are written down.
const FLUSH: Duration = Duration::from_secs(5);
/// After so many flushes the watch is ordered again, should it have been given up.
const WATCH_TURNS: u64 = 60;

/// How often the database is asked whether the keys changed.
const HEED: Duration = Duration::from_secs(5);

/// Keeps the keys as the database says, for as long as the worker runs.
async fn heed_keys(app: App) {
    loop {
        if let Err(error) = app.heed_keys().await {
            tracing::warn!(%error, "whether the keys changed could not be seen; asked again in a moment");
        }
        tokio::time::sleep(HEED).await;
    }
}

/// The loop that runs jobs in this process.
pub struct Worker {
    app: App,
    slots: Arc<Semaphore>,
    running: JoinSet<()>,
}

impl Worker {
    /// A worker that runs nothing yet.
    pub fn new(app: App) -> Self {
        Self { app, slots: Arc::new(Semaphore::new(CONCURRENT as usize)), running: JoinSet::new() }
    }

    /// Runs jobs until `stop` resolves, then lets the running ones finish.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        let stopped = Arc::new(Notify::new());
        let keeper = tokio::spawn(self.app.clone().keep_counts(Arc::clone(&stopped)));
        let auditing = tokio::spawn(self.app.clone().keep_audit());
        let heeding = tokio::spawn(heed_keys(self.app.clone()));
        loop {
            let leased = self.lease().await;
            while self.running.try_join_next().is_some() {}
            let idle = async {
                if !leased {
                    tokio::select! {
                        () = self.app.0.bell.notified() => {}
                        () = tokio::time::sleep(POLL) => {}
                    }
                }
            };
            tokio::select! {
                () = &mut stop => break,
                () = idle => {}
            }
        }
        // Whatever it was doing is written whole or not at all.
        auditing.abort();
        while self.running.join_next().await.is_some() {}
        stopped.notify_one();
        if let Err(error) = keeper.await {
            tracing::error!(%error, "the last calls could not be written down");
        }
        heeding.abort();
        if let Err(error) = self.app.leave_keys().await {
            tracing::warn!(%error, "that this process ends could not be stored");
        }
    }

    /// Starts what is due; whether there was anything.
    async fn lease(&mut self) -> bool {
        let free = u32::try_from(self.slots.available_permits()).unwrap_or(0);
        if free == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            return true;
        }
        let jobs = match self.app.store().lease_jobs(self.app.now(), free, self.app.job_lease_seconds()).await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::error!(%error, "jobs cannot be leased");
                return false;
            }
        };
        let any = !jobs.is_empty();
        for job in jobs {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return any };
            let app = self.app.clone();
            self.running.spawn(async move {
                Box::pin(app.run_job(job)).await;
                app.ring();
                drop(slot);
            });
        }
        any
    }
}

impl App {
    /// Runs everything that is due, one job after the other, until nothing is; at most `limit` runs. For tests and the command line.
    pub async fn drain(&self, limit: usize) -> Result<usize> {
        for done in 0..limit {
            let jobs = self.store().lease_jobs(self.now(), 1, self.job_lease_seconds()).await?;
            let Some(job) = jobs.into_iter().next() else { return Ok(done) };
            Box::pin(self.run_job(job)).await;
        }
        Ok(limit)
    }

    /// When the next job is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        Ok(self.store().next_due().await?)
    }

    /// Writes down what was counted, every few seconds and once more at the end, and sees to it that somebody watches.
    async fn keep_counts(self, stopped: Arc<Notify>) {
        for turn in 0_u64.. {
            if turn % WATCH_TURNS == 0
                && let Err(error) = self.order_watch().await
            {
                tracing::error!(%error, "the watch over alerts could not be ordered; tried again in a few minutes");
            }
            tokio::select! {
                () = tokio::time::sleep(FLUSH) => self.flush_counts().await,
                () = stopped.notified() => return self.flush_counts().await,
            }
        }
    }

    async fn run_job(&self, job: Job) {
        let kind = job.work.kind();
        if job.not_after.is_some_and(|end| end < self.now()) {
            tracing::warn!(job = %job.id, kind, "too late to be of use");
            self.end_job(&job, &Verdict::Fail("stale".to_owned()), true).await;
            return;
        }
        let verdict = match tokio::time::timeout(self.limit_of(&job.work), Box::pin(self.work(&job))).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(Error::Internal(text))) => Verdict::backoff(job.attempt, text),
            Ok(Err(error)) => Verdict::backoff(job.attempt, error),
            Err(_) => Verdict::backoff(job.attempt, "the run took too long"),
        };
        match &verdict {
            Verdict::Done => tracing::debug!(job = %job.id, kind, "done"),
            Verdict::Again { error: None, .. } => tracing::debug!(job = %job.id, kind, "waits"),
            Verdict::Again { error: Some(error), seconds } => {
                tracing::warn!(job = %job.id, kind, attempt = job.attempt, error, seconds, "again later");
            }
            Verdict::Fail(error) => tracing::error!(job = %job.id, kind, error, "given up"),
        }
        self.end_job(&job, &verdict, false).await;
    }

    /// How long a run may take. One that works on files keeps its lease itself.
    fn limit_of(&self, work: &Work) -> Duration {
        if matches!(work, Work::Backup | Work::Drill) { LONG_RUN_LIMIT } else { self.timing().run_limit }
    }

    async fn work(&self, job: &Job) -> Result<Verdict> {
        match &job.work {
            Work::Arrange { vacancy } => Box::pin(self.run_arrange(*vacancy)).await,
            Work::AskAgain { grant } => self.run_ask_again(*grant).await,
            Work::Exchange { link, person, sealed_code, data_centre, link_key } => {
                let code = SealedCode { bytes: sealed_code, data_centre, link_key: link_key.as_deref() };
                self.run_exchange(*link, *person, code, job.attempt).await
            }
            Work::Refresh { grant } => match self.run_refresh(*grant).await {
                Ok(()) => Ok(Verdict::Done),
                // The protocol has ordered its own next attempt where that makes sense; this one only repeats where it could not begin.
                Err(error) => {
                    tracing::warn!(%grant, class = ?error.class, detail = error.detail, "a grant could not be refreshed");
                    let now = self.now();
                    let overdue =
                        |grant: &domain::grants::Grant| grant.is_usable() && grant.refresh.next_at.is_none_or(|next| next <= now);
                    if self.store().grant(*grant).await?.as_ref().is_some_and(overdue) {
                        return Ok(Verdict::Again { seconds: error.retry_after.unwrap_or(60).max(1), error: None });
                    }
                    Ok(Verdict::Done)
                }
            },
            Work::Revoke { grant, data_centre, sealed_refresh, serial } => {
                self.run_revoke(*grant, data_centre, sealed_refresh, *serial, job.attempt).await
            }
            Work::DropPending { grant } => self.run_drop_pending(*grant).await,
            Work::Settle { interview } => self.run_settle(*interview, job.attempt).await,
            Work::Recheck { interview, intent_rev } => self.run_recheck(*interview, *intent_rev, job.attempt).await,
            Work::Look { grant } => Box::pin(self.run_look(*grant)).await,
            Work::Watch => Box::pin(self.run_watch()).await,
            Work::AlertPost { digest } => self.run_alert_post(digest, job.attempt).await,
            Work::Mail { order } => self.run_mail(order, job.attempt).await,
            Work::WatchAttempts { throttle, subject } => self.run_watch_attempts(throttle, subject).await,
            Work::Finish { interview, sequence } => self.run_finish(*interview, *sequence).await,
            Work::Nag { interview, nag } => self.run_nag(*interview, *nag).await,
            Work::GiveOutCheckpoint { seq, way } => self.run_give_out_checkpoint(*seq, *way, job.attempt).await,
            Work::CheckAudit { after, chain, held } => self.run_check_audit(*after, chain.as_deref(), *held).await,
            Work::Erase { person } => Box::pin(self.run_erase(*person)).await,
            Work::Sweep => Box::pin(self.run_sweep()).await,
            Work::Reseal => self.run_reseal().await,
            Work::RemindChoice { choice, asked_at } => self.run_remind_choice(*choice, *asked_at).await,
            Work::ReleaseProvisional { interview, sequence } => self.run_release_provisional(*interview, *sequence).await,
            Work::KeepBackups => self.run_keep_backups().await,
            Work::Backup => Box::pin(self.run_backup(job)).await,
            Work::Drill => Box::pin(self.run_drill(job)).await,
            Work::CompareHeld => Box::pin(self.run_compare_held()).await,
        }
    }

    /// Stores how a run ended. A lost lease or a new order meanwhile means that the job runs again, which is safe.
    async fn end_job(&self, job: &Job, verdict: &Verdict, stale: bool) {
        let lease = job.lease.clone().unwrap_or_default();
        let now = self.now();
        let step = match verdict {
            Verdict::Done => JobStep::Done { id: job.id, lease: lease.clone(), wake: job.wake },
            Verdict::Again { seconds, error } if error.is_none() || job.attempt < MAX_ATTEMPTS => {
                let due = now.saturating_add(jiff::SignedDuration::from_secs(*seconds)).unwrap_or(now);
                JobStep::Retry { id: job.id, lease: lease.clone(), due, error: error.clone() }
            }
            Verdict::Again { error, .. } => {
                JobStep::Dead { id: job.id, lease: lease.clone(), error: error.clone().unwrap_or_default() }
            }
            Verdict::Fail(_) if stale => JobStep::Stale { id: job.id, lease: lease.clone() },
            Verdict::Fail(error) => JobStep::Dead { id: job.id, lease: lease.clone(), error: error.clone() },
        };
        let outcome = match &step {
            JobStep::Done { .. } => "done",
            JobStep::Retry { error: None, .. } => "waits",
            JobStep::Retry { .. } => "again",
            JobStep::Stale { .. } => "stale",
            _ => "given_up",
        };
        self.0.numbers.ran(job.work.kind(), outcome);
        let ordered_again = matches!(step, JobStep::Done { .. });
        if ordered_again && self.end_sealed(job, &step).await {
            return;
        }
        let mut jobs = vec![step];
        if let (Some(JobStep::Dead { .. }), Some(subject)) = (jobs.first(), job.work.subject()) {
            // Giving up is put before a person in the same change.
            let mut draft = self.draft(&Self::by_job());
            draft.mail(MailOrder::Attention { subject, code: "job_given_up".to_owned(), at: now.as_second() });
            jobs.extend(draft.finish().jobs);
        }
        match self.commit(Change { jobs, ..Change::at(now) }).await {
            Ok(()) => {}
            Err(CommitError::Conflict(_)) if ordered_again => {
                // Ordered again while it ran: free it for the next run at once. If the lease is lost, somebody else has it anyway.
                let again = JobStep::Retry { id: job.id, lease, due: now, error: None };
                if let Err(error) = self.commit(Change { jobs: vec![again], ..Change::at(now) }).await {
                    tracing::debug!(job = %job.id, %error, "the lease was lost");
                }
            }
            Err(error) => tracing::warn!(job = %job.id, %error, "a run's end could not be stored; it runs again"),
        }
    }

    /// Ends a job that carries something sealed together with what it carries: a password is good for as long as its owner leaves it, and has
    /// no business in a job that is done. Whether that was stored.
    async fn end_sealed(&self, job: &Job, done: &JobStep) -> bool {
        let (Some(work), Ok(stored)) = (job.work.emptied(), serde_json::to_string(&job.work)) else { return false };
        let jobs = vec![JobStep::Replace { id: job.id, stored, work }, done.clone()];
        match self.commit(Change { jobs, ..Change::at(self.now()) }).await {
            Ok(()) => true,
            Err(error) => {
                // Ordered again, or written by another release in other words: ended like any other, and swept in time.
                tracing::debug!(job = %job.id, %error, "what a job carried stays with it until it is swept");
                false
            }
        }
    }

    /// Seconds a lease lasts; a run is cut before that.
    fn job_lease_seconds(&self) -> i64 {
        Timing::seconds(self.timing().job_lease)
    }

    /// The caller a job acts as.
    pub(crate) const fn by_job() -> Caller {
        Caller::system()
    }

    /// `minutes` from now.
    pub(crate) fn in_minutes(&self, minutes: i64) -> Result<Timestamp> {
        later(self.now(), minutes)
    }
}
