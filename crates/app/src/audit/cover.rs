//! Before a key is retired: a checkpoint signed by another key must vouch for every line whose code only that key can check.
//!
//! Behind the last checkpoint a line shows by its code who wrote it, and a code needs its key. Up to a checkpoint the chain shows it, and
//! a signature needs only a public key, which is on record. So the lines are sealed and signed for while the key is still there.

use vault::KeyId;

use super::{
    VerifyOptions,
    checkpoints::{PAGE, Trusted},
    verify::is_ours,
};
use crate::{App, Error, Result};

impl App {
    /// Makes sure that the audit log can be verified without a key: seals what is new, signs a checkpoint, and looks. Refused, with what to
    /// do, where that is not so.
    pub(crate) async fn cover_lines_of(&self, id: &KeyId) -> Result<()> {
        let nodes = self.nodes_sealing_with(id).await?;
        if nodes > 0 {
            return Err(refused(format!(
                "{nodes} running processes still write with the key {id}; they change over within a minute, or must be started anew where \
                 their keys come from the environment; then run this again"
            )));
        }
        self.seal_audit().await?;
        // What a checkpoint vouches for is looked at by its code no more: it must hold now. A line that no key wrote is never sealed.
        let trusted = Trusted::of(&self.key_ring(), &self.store().audit_keys().await?);
        let accepted = self.acceptances(self.store(), &trusted).await?;
        let newest = self.newest_trusted(&trusted, &accepted).await?.map(|checkpoint| checkpoint.seq);
        let report = self.verify_audit(VerifyOptions { against: None, since: newest }).await?;
        if let Some(first) = report.findings.iter().find(|finding| finding.seq.is_some()) {
            return Err(refused(format!(
                "the audit log is not as it was written since its newest checkpoint ({first}), and the key {id} may be what shows it; look \
                 with: greenroom audit verify"
            )));
        }
        self.checkpoint_audit(true).await?;
        let left = self.lines_that_need(id).await?;
        if left > 0 {
            return Err(refused(format!(
                "{left} lines of the audit log can be verified with the key {id} alone, because no checkpoint vouches for them yet; run this \
                 again in a moment, and if it says the same, look with: greenroom audit verify"
            )));
        }
        Ok(())
    }

    /// How many lines nobody could verify without this key.
    async fn lines_that_need(&self, id: &KeyId) -> Result<u64> {
        let ring = self.key_ring();
        let Some(left) = ring.without(id) else { return Ok(0) };
        let trusted = Trusted::of(&left, &self.store().audit_keys().await?);
        let accepted = self.acceptances(self.store(), &trusted).await?;
        let vouched = self.newest_trusted(&trusted, &accepted).await?.map_or(0, |checkpoint| checkpoint.seq);
        let mut needed = 0;
        let mut last = vouched;
        loop {
            let lines = self.store().audit_sealed(last, PAGE).await?;
            let Some(end) = lines.last().and_then(|line| line.seq) else { break };
            last = end;
            needed += lines.iter().filter(|line| !is_ours(&left, line)).count() as u64;
        }
        let mut after = String::new();
        loop {
            let lines = self.store().audit_unsealed(&after, PAGE).await?;
            let Some(end) = lines.last() else { return Ok(needed) };
            after.clone_from(&end.id);
            needed += lines.iter().filter(|line| is_ours(&ring, line) && !is_ours(&left, line)).count() as u64;
        }
    }
}

fn refused(problem: String) -> Error {
    Error::Refused { code: "key_signs_log", problem }
}
