//! The sealer: gives lines their places in the chain, in batches, by a compare-and-swap of its head. It runs in every process; whoever
//! comes second finds another head and reads again.

use std::time::Duration;

use domain::{
    alerts::AlertKind,
    audit::{Line, Seal},
};
use ports::{Change, Put, store::CommitError};
use serde_json::json;
use vault::{chain_link, chain_start};

use super::{Flaw, What, checkpoints::Trusted, fields, verify::is_ours};
use crate::{App, Caller, Result};

/// How often a process looks for lines to seal.
const EVERY: Duration = Duration::from_secs(5);
/// Lines in one change.
const BATCH: u32 = 500;
/// Conflicts in a row after which the next look has to do.
const CONFLICTS: u32 = 5;

/// What one look did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sealed {
    /// Lines that got their places.
    pub lines: u64,
    /// Lines that nobody with our keys wrote: they get none.
    pub foreign: u64,
}

impl App {
    /// Seals, signs checkpoints and checks the chain for as long as the process runs.
    pub(crate) async fn keep_audit(self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if let Err(error) = self.tend_audit().await {
                tracing::error!(%error, "the audit log could not be sealed; it is tried again");
            }
        }
    }

    /// One round: seals what is new, signs a checkpoint and orders the daily check if they are due.
    pub async fn tend_audit(&self) -> Result<()> {
        self.seal_audit().await?;
        self.checkpoint_audit(false).await?;
        self.order_audit_check().await
    }

    /// Gives every line that we wrote its place.
    pub async fn seal_audit(&self) -> Result<Sealed> {
        let mut sealed = Sealed::default();
        let mut keys = self.key_ring();
        let (mut looked, mut told) = (false, false);
        let mut first_foreign: Option<String> = None;
        let mut after = String::new();
        let mut conflicts = 0;
        loop {
            let head = self.store().audit_head().await?;
            // Before the chain begins there may be lines from a release that wrote no codes: they are its beginning, all at once.
            let limit = if head.seq == 0 { u32::MAX } else { BATCH };
            let lines = self.store().audit_unsealed(&after, limit).await?;
            let Some(last) = lines.last().map(|line| line.id.clone()) else { break };
            let known = |line: &Line| is_ours(&keys, line) || (head.seq == 0 && line.mac.is_none());
            if !looked && !lines.iter().all(known) {
                // Perhaps another process writes under a key that is new to this one.
                looked = true;
                told = self.look_again().await;
                keys = self.key_ring();
                continue;
            }
            let (ours, mut foreign): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| known(line));
            if !foreign.is_empty() {
                // Such a line stays where it is for ever; somebody may have looked into it.
                let trusted = Trusted::of(&keys, &self.store().audit_keys().await?);
                let accepted = self.acceptances(self.store(), &trusted).await?;
                foreign.retain(|line| !accepted.covers(&Flaw::of(None, line, What::NotOurs)));
            }
            let start = || chain_start(&self.0.parts.installation).to_vec();
            let mut chain = head.chain.clone().unwrap_or_else(start);
            let mut seq = head.seq;
            let mut places = Vec::with_capacity(ours.len());
            for line in ours {
                seq += 1;
                chain = chain_link(&chain, seq, &fields(line), line.mac.as_deref()).to_vec();
                places.push((line.id.clone(), seq, chain.clone()));
            }
            let count = places.len() as u64;
            if count > 0 {
                let seal = Put::Seal(Seal { from: head.seq, links: places });
                // Not through `App::commit`: live pages need not hear of it.
                match self.store().commit(Change { puts: vec![seal], ..Change::at(self.now()) }).await {
                    Ok(()) => conflicts = 0,
                    Err(CommitError::Conflict(conflict)) if conflicts < CONFLICTS => {
                        tracing::debug!(%conflict, "another process seals");
                        conflicts += 1;
                        continue;
                    }
                    Err(CommitError::Conflict(_)) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            sealed.lines += count;
            sealed.foreign += foreign.len() as u64;
            first_foreign = first_foreign.or_else(|| foreign.first().map(|line| line.id.clone()));
            after = last;
        }
        // Where the keys could not be read again just now, the next look does it, and tells.
        if let Some(id) = first_foreign.filter(|_| told) {
            self.audit_broken(json!({"what": "not_ours", "line": id, "findings": sealed.foreign})).await?;
        }
        Ok(sealed)
    }

    /// Tells people that the log is not as it was written.
    pub(super) async fn audit_broken(&self, details: serde_json::Value) -> Result<()> {
        let details = &details;
        self.transact(None, || async move {
            let mut draft = self.draft(&Caller::system());
            if self.raise(&mut draft, AlertKind::AuditBroken, "audit", details.clone()).await? {
                tracing::error!(%details, "the audit log is not as it was written; run `greenroom audit verify`");
            }
            Ok((draft.finish(), ()))
        })
        .await
    }
}
