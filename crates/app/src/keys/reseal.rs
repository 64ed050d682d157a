//! Sealing everything with the active key, page by page, while everything else goes on.
//!
//! Each row is compared and swapped with what was read: whoever loses against a refresh finds a row that the refresh has sealed already.
//! Nothing but the rows themselves says what is done, so a run that was killed is taken up by any other.

use std::collections::BTreeMap;

use domain::{alerts::AlertKind, grants::Grant, grants::SealedTokens, jobs::Work};
use futures_util::{StreamExt, stream};
use ports::{
    Change, Put,
    change::JobStep,
    store::{CommitError, Page, SealedJob},
};
use serde_json::json;
use vault::{KeyRing, NONCE_BYTES, OpenError, Sealed, reseal};

use super::{seal_of, seals_of};
use crate::{
    App, Result,
    draft::touched,
    grants::{ACCESS, PREVIOUS_REFRESH, REFRESH},
    worker::Verdict,
};

/// Rows of a page; no more are in memory at once.
const PAGE: u32 = 200;
/// Rows at work at once.
const AT_ONCE: usize = 64;
/// Races one row may lose before it is left to the next run.
const MAX_RACES: u32 = 20;

/// What a run of re-sealing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Rows looked at.
    pub seen: u64,
    /// Rows sealed anew.
    pub resealed: u64,
    /// Seals that do not open: an alert says where.
    pub broken: u64,
    /// Rows that others kept changing: left to the next run.
    pub left: u64,
}

/// What is sealed with one key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seals {
    /// Tokens of grants.
    pub tokens: u64,
    /// Codes and tokens in jobs that may still run.
    pub jobs: u64,
}

impl Seals {
    /// All of them.
    pub const fn all(self) -> u64 {
        self.tokens + self.jobs
    }
}

/// How it went with one row.
#[derive(Debug, Clone, Copy)]
enum Row {
    Sealed { anew: bool, broken: u64 },
    Left,
}

impl App {
    /// What is sealed with which key, by id. What is no seal at all is counted under an empty id.
    pub async fn seals(&self) -> Result<BTreeMap<String, Seals>> {
        let mut found: BTreeMap<String, Seals> = BTreeMap::new();
        let id = |bytes: &[u8]| Sealed::from_bytes(bytes).map(|sealed| sealed.key_id().to_string()).unwrap_or_default();
        let mut page = Page::first(PAGE);
        loop {
            let grants = self.store().grants(page).await?;
            let Some(last) = grants.last() else { break };
            page = Page { after: Some(last.id.to_string()), limit: PAGE };
            for (_, bytes) in grants.iter().flat_map(seals_of) {
                found.entry(id(bytes)).or_default().tokens += 1;
            }
        }
        let mut page = Page::first(PAGE);
        loop {
            let jobs = self.store().sealed_jobs(page).await?;
            let Some(last) = jobs.last() else { break };
            page = Page { after: Some(last.id.to_string()), limit: PAGE };
            for bytes in jobs.iter().filter_map(|job| seal_of(&job.work)) {
                found.entry(id(bytes)).or_default().jobs += 1;
            }
        }
        Ok(found)
    }

    /// Seals everything with the active key that is sealed with another; `said` hears how far it is after each page.
    pub async fn reseal(&self, said: impl Fn(&Resealed)) -> Result<Resealed> {
        let mut done = Resealed::default();
        let mut page = Page::first(PAGE);
        loop {
            let grants = self.store().grants(page).await?;
            let Some(last) = grants.last() else { break };
            page = Page { after: Some(last.id.to_string()), limit: PAGE };
            let mut rows = stream::iter(grants).map(|grant| self.reseal_grant(grant)).buffer_unordered(AT_ONCE);
            while let Some(row) = rows.next().await {
                done.count(row?);
            }
            said(&done);
        }
        // After the grants: a job's token was copied from its grant's row, which by now is sealed anew.
        let mut page = Page::first(PAGE);
        loop {
            let jobs = self.store().sealed_jobs(page).await?;
            let Some(last) = jobs.last() else { break };
            page = Page { after: Some(last.id.to_string()), limit: PAGE };
            let mut rows = stream::iter(jobs).map(|job| self.reseal_job(job)).buffer_unordered(AT_ONCE);
            while let Some(row) = rows.next().await {
                done.count(row?);
            }
            said(&done);
        }
        Ok(done)
    }

    async fn reseal_grant(&self, read: Grant) -> Result<Row> {
        let id = read.id;
        let mut stored = Some(read);
        for _ in 0..MAX_RACES {
            let Some(grant) = stored else { return Ok(Row::Sealed { anew: false, broken: 0 }) };
            let ring = self.key_ring();
            let stale = |bytes: &[u8]| Sealed::from_bytes(bytes).map_or(true, |sealed| sealed.key_id() != ring.active_id());
            if !seals_of(&grant).iter().any(|(_, bytes)| stale(bytes)) {
                return Ok(Row::Sealed { anew: false, broken: 0 });
            }
            let mut next = touched(&grant);
            let mut broken = Vec::new();
            for tokens in tokens_of(&mut next) {
                self.reseal_tokens(&ring, &grant.id.to_string(), tokens, &mut broken);
            }
            let lost = broken.len() as u64;
            if let Some(column) = broken.first() {
                self.report(AlertKind::SealBroken, &id.to_string(), Some(json!({"column": column}))).await?;
            }
            let anew = seals_of(&next) != seals_of(&grant);
            if !anew {
                return Ok(Row::Sealed { anew, broken: lost });
            }
            match self.commit(Change { puts: vec![Put::Grant(next)], ..Change::at(self.now()) }).await {
                Ok(()) => return Ok(Row::Sealed { anew, broken: lost }),
                Err(CommitError::Conflict(_)) => stored = self.store().grant(id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Row::Left)
    }

    fn reseal_tokens(&self, ring: &KeyRing, row: &str, tokens: &mut SealedTokens, broken: &mut Vec<&'static str>) {
        let columns = [(REFRESH, Some(&mut tokens.refresh)), (ACCESS, Some(&mut tokens.access))];
        for (column, bytes) in columns.into_iter().chain([(PREVIOUS_REFRESH, tokens.previous_refresh.as_mut())]) {
            let Some(bytes) = bytes else { continue };
            match self.sealed_anew(ring, "grants", row, column, bytes) {
                Ok(Some(anew)) => *bytes = anew,
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(row, column, %error, "a seal does not open and stays as it is");
                    broken.push(column);
                }
            }
        }
    }

    /// `None` where the active key sealed it.
    fn sealed_anew(
        &self,
        ring: &KeyRing,
        table: &str,
        row: &str,
        column: &str,
        bytes: &[u8],
    ) -> Result<Option<Vec<u8>>, OpenError> {
        let sealed = Sealed::from_bytes(bytes)?;
        if sealed.key_id() == ring.active_id() {
            return Ok(None);
        }
        let nonce = self.entropy().bytes::<NONCE_BYTES>();
        Ok(Some(reseal(ring, &self.context(table, row, column), nonce, &sealed)?.as_bytes().to_vec()))
    }

    async fn reseal_job(&self, job: SealedJob) -> Result<Row> {
        let ring = self.key_ring();
        let mut work = job.work;
        let anew = match &work {
            Work::Exchange { link, sealed_code, .. } => self.sealed_anew(&ring, "jobs", &link.to_string(), "code", sealed_code),
            Work::Revoke { grant, sealed_refresh, .. } => {
                self.sealed_anew(&ring, "grants", &grant.to_string(), REFRESH, sealed_refresh)
            }
            _ => Ok(None),
        };
        let anew = match anew {
            Ok(Some(anew)) => anew,
            Ok(None) => return Ok(Row::Sealed { anew: false, broken: 0 }),
            Err(error) => {
                tracing::error!(job = %job.id, %error, "a seal does not open and stays as it is");
                return Ok(Row::Sealed { anew: false, broken: 1 });
            }
        };
        if let Work::Exchange { sealed_code: bytes, .. } | Work::Revoke { sealed_refresh: bytes, .. } = &mut work {
            *bytes = anew;
        }
        let step = JobStep::Replace { id: job.id, stored: job.stored, work };
        match self.commit(Change { jobs: vec![step], ..Change::at(self.now()) }).await {
            Ok(()) => Ok(Row::Sealed { anew: true, broken: 0 }),
            // Done meanwhile, or sealed anew by another run.
            Err(CommitError::Conflict(_)) => Ok(Row::Sealed { anew: false, broken: 0 }),
            Err(error) => Err(error.into()),
        }
    }

    /// The job that a rotation leaves behind: what the command did not do before it was stopped.
    pub(crate) async fn run_reseal(&self) -> Result<Verdict> {
        // A key that another process made active is not known here yet.
        self.read_keys().await?;
        match tokio::time::timeout(self.timing().run_limit * 2 / 3, self.reseal(|_| {})).await {
            Ok(done) => {
                let done = done?;
                tracing::info!(rows = done.resealed, broken = done.broken, left = done.left, "sealed with the active key");
                Ok(if done.left == 0 { Verdict::Done } else { Verdict::Again { seconds: 5, error: None } })
            }
            // What is sealed is sealed; the next run goes on.
            Err(_) => Ok(Verdict::Again { seconds: 1, error: None }),
        }
    }
}

impl Resealed {
    fn count(&mut self, row: Row) {
        self.seen += 1;
        match row {
            Row::Sealed { anew, broken } => {
                self.resealed += u64::from(anew);
                self.broken += broken;
            }
            Row::Left => self.left += 1,
        }
    }
}

fn tokens_of(grant: &mut Grant) -> impl Iterator<Item = &mut SealedTokens> {
    let unverified = grant.unverified.as_mut().map(|unverified| &mut unverified.tokens);
    let pending = grant.pending.as_mut().map(|pending| &mut pending.tokens);
    [grant.tokens.as_mut(), unverified, pending].into_iter().flatten()
}
