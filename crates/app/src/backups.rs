//! Backups: when one is due, who is told when none is made, and the drill that shows whether the newest is of use.
//!
//! One node makes them: they are jobs. What is known of them stands in the database (`backups`), so that every node shows the same.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    Id,
    alerts::AlertKind,
    backups::{BackupFile, BackupRecords, Drill},
    grants::{Grant, SealedTokens},
    jobs::{Dedupe, Job, JobState, Work},
};
use ports::{
    Backups, Change, Put, Store,
    backups::{BackupError, Scratch},
    change::JobStep,
    store::Page,
};
use serde_json::json;

use crate::{
    App, Caller, Error, Result,
    audit::verdict,
    draft::Draft,
    grants::{ACCESS, PREVIOUS_REFRESH, REFRESH},
    worker::Verdict,
};

const SETTING: &str = "backups";
/// The subject of alerts and of lines in the log.
const SUBJECT: &str = "backups";
/// How often it is looked whether something is due.
const LOOK_SECONDS: i64 = 3_600;
/// How soon a backup that failed is tried again.
const AGAIN_SECONDS: i64 = 900;
/// How soon another node may have the folder that this one lacks.
const ELSEWHERE_SECONDS: i64 = 300;
/// A run that works on files keeps its lease by saying so.
const EXTEND_EVERY: Duration = Duration::from_mins(1);
/// Problems of a drill that are listed one by one.
const LISTED: usize = 20;
/// Jobs whose sealed records are opened.
const JOBS: u32 = 10_000;

impl App {
    /// Has backups made from now on, into the folder that `backups` works in. Called once, before the worker starts.
    pub async fn start_backups(&self, backups: Arc<dyn Backups>) -> Result<()> {
        if self.0.backups.set(backups).is_err() {
            return Err(Error::Internal("backups were started twice".to_owned()));
        }
        let mut draft = self.draft(&Self::by_job());
        draft.order(Work::KeepBackups, Dedupe::Open("keep_backups".to_owned()), None, draft.now, None);
        Ok(self.commit(draft.finish()).await?)
    }

    /// Whether this node makes backups.
    pub fn makes_backups(&self) -> bool {
        self.0.backups.get().is_some()
    }

    /// What is known of backups.
    pub async fn backup_records(&self) -> Result<BackupRecords> {
        let text = self.store().setting(SETTING).await?;
        let records = text.as_deref().map(serde_json::from_str).transpose();
        Ok(records.map_err(|error| Error::Internal(format!("the setting {SETTING} is damaged: {error}")))?.unwrap_or_default())
    }

    /// Orders a backup, or a drill, now.
    pub async fn order_backup(&self, drill: bool, caller: &Caller) -> Result<()> {
        if !self.makes_backups() {
            return Err(Error::Refused {
                code: "no_backup_folder",
                problem: "no folder for backups is set; set GREENROOM_BACKUP_DIR and start again".to_owned(),
            });
        }
        let (work, key) = if drill { (Work::Drill, "drill") } else { (Work::Backup, "backup") };
        let mut draft = self.draft(caller);
        draft.audit(if drill { "drill.ordered" } else { "backup.ordered" }, SUBJECT, json!({}));
        draft.order(work, Dedupe::Open(key.to_owned()), None, draft.now, None);
        Ok(self.commit(draft.finish()).await?)
    }

    /// Every hour: orders what is due, says what is overdue, and goes on.
    pub(crate) async fn run_keep_backups(&self) -> Result<Verdict> {
        let (now, mut records) = (self.now(), self.backup_records().await?);
        let mut draft = self.draft(&Self::by_job());
        let mut told = false;
        if let Some(backups) = self.0.backups.get() {
            records.since.get_or_insert(now);
            match backups.list(&self.key_ring()).await {
                Ok(files) => records.files = verified(files, &records.files),
                Err(error) => {
                    told = true;
                    self.failed(&mut draft, &mut records, &error).await?;
                }
            }
            keep(&mut draft, &records)?;
            if records.is_due(now) {
                draft.order(Work::Backup, Dedupe::Open("backup".to_owned()), None, now, None);
            } else if records.is_drill_due(now) {
                draft.order(Work::Drill, Dedupe::Open("drill".to_owned()), None, now, None);
            }
        }
        if records.is_overdue(now) && !told {
            let hours = records.last_success.map(|last| (now.as_second() - last.as_second()) / 3_600);
            self.raise(&mut draft, AlertKind::BackupFailed, SUBJECT, json!({"hours": hours})).await?;
        }
        self.commit(draft.finish()).await?;
        Ok(Verdict::Again { seconds: LOOK_SECONDS, error: None })
    }

    /// Makes one backup.
    pub(crate) async fn run_backup(&self, job: &Job) -> Result<Verdict> {
        let Some(backups) = self.0.backups.get() else { return Ok(elsewhere()) };
        let made = self.while_working(job, self.make(backups.as_ref())).await?;
        // Waiting for a disk is not failing: it goes on until there is a backup.
        let again = made.is_err();
        self.store_backup(backups.as_ref(), made).await?;
        Ok(if again { Verdict::Again { seconds: AGAIN_SECONDS, error: None } } else { Verdict::Done })
    }

    /// A backup now, by hand: how it went is stored and told like that of a daily one.
    pub async fn backup_now(&self, backups: &dyn Backups) -> Result<BackupFile, BackupError> {
        let made = self.make(backups).await;
        self.store_backup(backups, made.clone()).await.map_err(|error| BackupError(error.to_string()))?;
        made
    }

    async fn make(&self, backups: &dyn Backups) -> Result<BackupFile, BackupError> {
        backups.make(&self.key_ring(), self.now()).await
    }

    async fn store_backup(&self, backups: &dyn Backups, made: Result<BackupFile, BackupError>) -> Result<()> {
        let mut records = self.backup_records().await?;
        let mut draft = self.draft(&Self::by_job());
        match made {
            Ok(file) => {
                draft.audit("backup.made", SUBJECT, json!({"file": file.name, "bytes": file.bytes, "key": file.key_id}));
                self.clear(&mut draft, AlertKind::BackupFailed, SUBJECT).await?;
                records.last_success = Some(file.started_at);
                records.failure = None;
                let mut known = records.files.clone();
                known.insert(0, file);
                match backups.list(&self.key_ring()).await {
                    Ok(files) => records.files = verified(files, &known),
                    Err(error) => tracing::warn!(%error, "the backups are not listed"),
                }
                if records.is_drill_due(draft.now) {
                    draft.order(Work::Drill, Dedupe::Open("drill".to_owned()), None, draft.now, None);
                }
            }
            Err(error) => self.failed(&mut draft, &mut records, &error).await?,
        }
        keep(&mut draft, &records)?;
        Ok(self.commit(draft.finish()).await?)
    }

    /// Restores the newest backup into a scratch database and looks at it.
    pub(crate) async fn run_drill(&self, job: &Job) -> Result<Verdict> {
        let Some(backups) = self.0.backups.get() else { return Ok(elsewhere()) };
        let drill = self.while_working(job, self.drill_of(backups.as_ref())).await??;
        self.store_drill(drill).await?;
        Ok(Verdict::Done)
    }

    /// A drill now, by hand: what came out is stored and told like a weekly one.
    pub async fn drill_now(&self, backups: &dyn Backups) -> Result<Drill> {
        let drill = self.drill_of(backups).await?;
        self.store_drill(drill.clone()).await?;
        Ok(drill)
    }

    async fn drill_of(&self, backups: &dyn Backups) -> Result<Drill> {
        let mut drill = Drill { at: self.now(), file: None, rows: BTreeMap::new(), opened: 0, audit: None, problems: Vec::new() };
        let scratch = match backups.scratch(&self.key_ring()).await {
            Ok(Some(scratch)) => scratch,
            Ok(None) => {
                drill.problems.push("there is no backup; `greenroom backup` makes one".to_owned());
                return Ok(drill);
            }
            Err(error) => {
                drill.problems.push(error.to_string());
                return Ok(drill);
            }
        };
        let Scratch { file, store, said, found, remove } = scratch;
        drill.file = Some(file.name.clone());
        drill.problems.extend(miscounted(&said, &found));
        drill.rows = found;
        let seals = self.open_every_seal(store.as_ref()).await?;
        drill.opened = seals.opened;
        let broken = seals.broken.len();
        drill.problems.extend(seals.broken.into_iter().take(LISTED));
        if broken > LISTED {
            drill.problems.push(format!("{} more sealed records do not open", broken - LISTED));
        }
        match self.verify_backup(store.as_ref(), file.started_at).await {
            Ok(report) => {
                drill.audit = Some(verdict(&report));
                drill.problems.extend(report.findings.iter().take(LISTED).map(|flaw| format!("audit log, {flaw}")));
                let more = report.more + u64::try_from(report.findings.len().saturating_sub(LISTED)).unwrap_or(u64::MAX);
                if more > 0 {
                    drill.problems.push(format!("{more} more findings in its audit log"));
                }
            }
            Err(error) => drill.problems.push(format!("its audit log could not be verified: {error}")),
        }
        drop(store);
        drop(remove);
        Ok(drill)
    }

    async fn store_drill(&self, drill: Drill) -> Result<()> {
        let mut records = self.backup_records().await?;
        let mut draft = self.draft(&Self::by_job());
        let payload = json!({"file": drill.file, "opened": drill.opened, "problems": drill.problems.len()});
        if drill.passed() {
            draft.audit("drill.passed", SUBJECT, payload);
            self.clear(&mut draft, AlertKind::DrillFailed, SUBJECT).await?;
        } else {
            tracing::error!(problems = ?drill.problems, "the restore drill found a backup that is no use");
            draft.audit("drill.failed", SUBJECT, payload);
            let details = json!({"file": drill.file, "problems": drill.problems.len()});
            self.raise(&mut draft, AlertKind::DrillFailed, SUBJECT, details).await?;
        }
        records.drill = Some(drill);
        keep(&mut draft, &records)?;
        Ok(self.commit(draft.finish()).await?)
    }

    /// Opens every sealed record of `store` with this node's keys.
    async fn open_every_seal(&self, store: &dyn Store) -> Result<Seals> {
        let mut seals = Seals::default();
        let mut page = Page::first(200);
        loop {
            let grants = store.grants(page.clone()).await?;
            for grant in &grants {
                let stored = grant.tokens.iter();
                let others = grant.unverified.iter().map(|held| &held.tokens).chain(grant.pending.iter().map(|held| &held.tokens));
                for tokens in stored.chain(others) {
                    self.open_tokens(grant.id, tokens, &mut seals).await;
                }
            }
            let Some(last) = grants.last().filter(|_| grants.len() == 200) else { break };
            page.after = Some(last.id.to_string());
        }
        for state in [JobState::Open, JobState::Dead] {
            for job in store.jobs(state, JOBS).await? {
                match &job.work {
                    Work::Exchange { link, sealed_code, .. } => {
                        seals.note(self.open_code(*link, sealed_code).await.map(drop));
                    }
                    Work::Revoke { grant, sealed_refresh, .. } => {
                        seals.note(self.check_token(*grant, REFRESH, sealed_refresh).await);
                    }
                    _ => {}
                }
            }
        }
        Ok(seals)
    }

    async fn open_tokens(&self, grant: Id<Grant>, tokens: &SealedTokens, seals: &mut Seals) {
        let previous = tokens.previous_refresh.as_ref().map(|bytes| (PREVIOUS_REFRESH, bytes));
        for (column, bytes) in [(REFRESH, &tokens.refresh), (ACCESS, &tokens.access)].into_iter().chain(previous) {
            seals.note(self.check_token(grant, column, bytes).await);
        }
    }

    /// Waits for `work` and keeps the job's lease as long as that takes.
    async fn while_working<T>(&self, job: &Job, work: impl Future<Output = T>) -> Result<T> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(EXTEND_EVERY) => {}
            }
            let lease = job.lease.clone().unwrap_or_default();
            let seconds = i64::try_from(EXTEND_EVERY.as_secs()).unwrap_or(60);
            let extend = JobStep::Extend { id: job.id, lease, seconds };
            self.commit(Change { jobs: vec![extend], ..Change::at(self.now()) }).await?;
        }
    }

    async fn failed(&self, draft: &mut Draft<'_>, records: &mut BackupRecords, error: &BackupError) -> Result<()> {
        tracing::error!(%error, "no backup could be made");
        records.failure = Some((draft.now, error.to_string()));
        if self.raise(draft, AlertKind::BackupFailed, SUBJECT, json!({"why": error.to_string()})).await? {
            draft.audit("backup.failed", SUBJECT, json!({}));
        }
        Ok(())
    }
}

/// How the sealed records of a database fared.
#[derive(Debug, Default)]
struct Seals {
    opened: u64,
    broken: Vec<String>,
}

impl Seals {
    fn note(&mut self, opened: Result<()>) {
        match opened {
            Ok(()) => self.opened += 1,
            Err(Error::Internal(which)) => self.broken.push(which),
            Err(error) => self.broken.push(error.to_string()),
        }
    }
}

/// The folder may be on another node.
fn elsewhere() -> Verdict {
    tracing::warn!("a backup is ordered, and this node has no GREENROOM_BACKUP_DIR");
    Verdict::Again { seconds: ELSEWHERE_SECONDS, error: None }
}

fn keep(draft: &mut Draft<'_>, records: &BackupRecords) -> Result<()> {
    let text = serde_json::to_string(records).map_err(|error| Error::Internal(error.to_string()))?;
    draft.put(Put::Setting(SETTING.to_owned(), text));
    Ok(())
}

/// The folder's files with what is known of those that are the same.
fn verified(mut files: Vec<BackupFile>, known: &[BackupFile]) -> Vec<BackupFile> {
    for file in &mut files {
        let same = known.iter().find(|known| known.name == file.name && known.bytes == file.bytes && known.verified_at.is_some());
        if let Some(known) = same {
            (file.rows, file.verified_at) = (known.rows, known.verified_at);
        }
    }
    files
}

fn miscounted(said: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> Vec<String> {
    let tables = said.keys().chain(found.keys().filter(|table| !said.contains_key(*table)));
    tables
        .filter_map(|table| match (said.get(table).copied().unwrap_or(0), found.get(table).copied().unwrap_or(0)) {
            (said, found) if said == found => None,
            (said, found) => Some(format!("table {table} has {found} rows, and the backup counts {said}")),
        })
        .collect()
}
