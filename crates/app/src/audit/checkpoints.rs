//! Checkpoints: signed when an hour or many lines have passed, after the lines since the one before have been read again.
//!
//! A checkpoint takes the place of the codes of the lines it covers. So nothing is signed while those lines do not hold: a line that
//! somebody put in would be vouched for from then on, and no later check would find it.

use std::collections::BTreeMap;

use domain::{
    Timestamp,
    audit::{Checkpoint, CheckpointKey, Head},
};
use jiff::SignedDuration;
use ports::{Put, store::CommitError};
use serde_json::json;
use vault::{CheckpointSigner, KeyRing, PublicKey, Statement, checkpoint_keys};

use super::{
    VerifyOptions,
    accept::Accepted,
    verify::{Marks, Verifier},
};
use crate::{App, Caller, Error, Result};

/// Business time between two checkpoints of a log that grows.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Lines after which one is signed sooner.
const LINES: i64 = 10_000;
/// Business time until signing is tried again where the lines did not hold: each try reads all of them.
const AGAIN: SignedDuration = SignedDuration::from_mins(10);
/// Under which the time of the newest such try is kept.
const REFUSED: &str = "audit_checkpoint_refused";
/// Lines read at once.
pub(super) const PAGE: u32 = 1_000;

/// The chain's value as checkpoints write it.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |text, byte| format!("{text}{byte:02x}"))
}

/// The bytes of a hexadecimal text; `None` where it is none.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok())).collect()
}

pub(super) fn statement(checkpoint: &Checkpoint) -> Statement<'_> {
    Statement {
        installation: &checkpoint.installation,
        seq: checkpoint.seq,
        chain: &checkpoint.chain,
        count: checkpoint.count,
        at: checkpoint.at.as_microsecond(),
        key: &checkpoint.key,
    }
}

/// The checkpoints of a file of JSON lines, in its order, and the numbers of the lines that are none (a write may have been cut off).
pub fn parse_checkpoints(text: &str) -> (Vec<Checkpoint>, Vec<usize>) {
    let mut unread = Vec::new();
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(checkpoint) => found.push(checkpoint),
            Err(_) => unread.push(number),
        }
    }
    (found, unread)
}

/// Public keys that can be believed: those of our master keys, and those on record that one of these vouches for, however many steps away.
pub(super) struct Trusted(BTreeMap<String, PublicKey>);

impl Trusted {
    pub(super) fn of(keys: &KeyRing, recorded: &[CheckpointKey]) -> Self {
        let mut trusted: BTreeMap<String, PublicKey> =
            checkpoint_keys(keys).into_iter().map(|key| (key.id().to_owned(), key)).collect();
        loop {
            let before = trusted.len();
            for record in recorded {
                let key = PublicKey::new(record.public_key.clone());
                let vouched = trusted.get(&record.endorsed_by).is_some_and(|by| by.endorses(&key, &record.endorsement));
                if vouched && key.id() == record.id {
                    trusted.insert(record.id.clone(), key);
                }
            }
            if trusted.len() == before {
                return Self(trusted);
            }
        }
    }

    pub(super) fn vouches(&self, checkpoint: &Checkpoint) -> bool {
        self.0.get(&checkpoint.key).is_some_and(|key| key.vouches(&statement(checkpoint), &checkpoint.signature))
    }

    /// Whether one of them signed this acceptance.
    pub(super) fn accepted(&self, installation: &str, text: &str, key: &str, signature: &str) -> bool {
        self.0.get(key).is_some_and(|key| key.accepts(installation, text, signature))
    }
}

impl App {
    /// Signs a checkpoint if one is due, or at once if there is anything new and `now` is asked for. What it gave out, if it did: nothing
    /// where the lines since the last one do not hold; that is told.
    pub async fn checkpoint_audit(&self, now: bool) -> Result<Option<Checkpoint>> {
        let keys = self.key_ring();
        let signer = CheckpointSigner::of(&keys);
        self.record_keys(&keys, &signer).await?;
        let head = self.store().audit_head().await?;
        let trusted = Trusted::of(&keys, &self.store().audit_keys().await?);
        let accepted = self.acceptances(self.store(), &trusted).await?;
        let newest = self.newest_trusted(&trusted, &accepted).await?;
        let seq = newest.as_ref().map_or(0, |checkpoint| checkpoint.seq);
        if head.seq <= seq || !(now || self.is_due(newest.as_ref(), &head, &signer)) || !(now || self.may_try().await?) {
            return Ok(None);
        }
        let Some(chain) = &head.chain else { return Ok(None) };
        if !self.holds_since(newest.as_ref(), &head, &accepted).await? {
            return Ok(None);
        }
        // Of the lines before the last checkpoint it states what the chain is, also where they were tampered with: that was told, and is
        // found again by the checkpoints before this one.
        let tally = self.store().audit_tally().await?;
        let mut checkpoint = Checkpoint {
            installation: self.0.parts.installation.clone(),
            seq: head.seq,
            chain: hex(chain),
            count: if tally.sealed < head.seq { tally.sealed } else { head.seq },
            at: self.now(),
            key: signer.public().id().to_owned(),
            signature: String::new(),
        };
        checkpoint.signature = signer.sign(&statement(&checkpoint));
        let mut draft = self.draft(&Caller::system());
        draft.put(Put::Checkpoint(checkpoint.clone()));
        self.order_deliveries(&mut draft, checkpoint.seq);
        match self.commit(draft.finish()).await {
            Ok(()) => Ok(Some(checkpoint)),
            // Another process signed the same place.
            Err(CommitError::Conflict(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn is_due(&self, newest: Option<&Checkpoint>, head: &Head, signer: &CheckpointSigner) -> bool {
        let Some(newest) = newest else { return true };
        // Under a new master key at once: the codes of lines written under the old one are then covered before it is retired.
        let long_ago = |at: Timestamp| self.now().duration_since(at) >= EVERY;
        head.seq - newest.seq >= LINES || long_ago(newest.at) || newest.key != signer.public().id()
    }

    /// The newest checkpoint that is signed with a key we believe and was not given up. One that somebody else put there must not decide
    /// from where on lines are read again.
    pub(super) async fn newest_trusted(&self, trusted: &Trusted, accepted: &Accepted) -> Result<Option<Checkpoint>> {
        let Some(newest) = self.store().audit_newest_checkpoint().await? else { return Ok(None) };
        let believed = |checkpoint: &Checkpoint| {
            checkpoint.installation == self.0.parts.installation && trusted.vouches(checkpoint) && !accepted.gives_up(checkpoint)
        };
        if believed(&newest) {
            return Ok(Some(newest));
        }
        let (mut found, mut after) = (None, 0);
        loop {
            let page = self.store().audit_checkpoints(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.seq;
            found = page.into_iter().rfind(believed).or(found);
        }
    }

    /// Whether the last try that found something is long enough ago.
    async fn may_try(&self) -> Result<bool> {
        let Some(text) = self.store().setting(REFUSED).await? else { return Ok(true) };
        let refused: Timestamp =
            text.parse().map_err(|error| Error::Internal(format!("the setting {REFUSED} is damaged: {error}")))?;
        Ok(self.now().duration_since(refused) >= AGAIN)
    }

    /// Reads the lines since `newest` again, and tells people if they do not hold.
    async fn holds_since(&self, newest: Option<&Checkpoint>, head: &Head, accepted: &Accepted) -> Result<bool> {
        let (after, start) = match newest {
            Some(checkpoint) => (
                checkpoint.seq,
                unhex(&checkpoint.chain).ok_or_else(|| Error::Internal("a checkpoint's value is damaged".to_owned()))?,
            ),
            None => (0, vault::chain_start(&self.0.parts.installation).to_vec()),
        };
        // Another process may have written under a key that is new to this one.
        self.look_again().await;
        let (keys, marks) = (self.key_ring(), Marks::new());
        let mut verifier = Verifier::new(&keys, &marks, after, start);
        let mut last = after;
        while last < head.seq {
            let lines = self.store().audit_sealed(last, PAGE).await?;
            if lines.is_empty() {
                break;
            }
            for line in lines {
                last = line.seq.unwrap_or(last);
                if last <= head.seq {
                    verifier.feed(line);
                }
            }
        }
        let reading = verifier.finish(head);
        let Some(first) = reading.findings.first() else { return Ok(true) };
        // Somebody may have accepted it; read from the beginning it may have another name.
        if !accepted.0.is_empty() && self.verify_audit(VerifyOptions::default()).await?.holds() {
            return Ok(true);
        }
        let findings = reading.findings.len() as u64 + reading.more;
        tracing::error!(%first, findings, "no checkpoint of the audit log is signed while its newest lines are not as they were written");
        self.audit_broken(json!({"what": first.what.code(), "seq": first.seq, "line": first.id, "findings": findings})).await?;
        let mut draft = self.draft(&Caller::system());
        draft.put(Put::Setting(REFUSED.to_owned(), draft.now.to_string()));
        self.commit(draft.finish()).await?;
        Ok(false)
    }

    /// Puts our public key on record, and vouches with it for those that older keys left.
    async fn record_keys(&self, keys: &KeyRing, signer: &CheckpointSigner) -> Result<()> {
        let recorded = self.store().audit_keys().await?;
        let own = signer.public();
        if recorded.iter().any(|record| record.id == own.id()) {
            return Ok(());
        }
        let trusted = Trusted::of(keys, &recorded);
        let now = self.now();
        let mut draft = self.draft(&Caller::system());
        for key in trusted.0.values() {
            draft.put(Put::CheckpointKey(CheckpointKey {
                id: key.id().to_owned(),
                public_key: key.bytes().to_vec(),
                endorsed_by: own.id().to_owned(),
                endorsement: signer.endorse(key),
                recorded_at: now,
            }));
        }
        draft.audit("audit.key_recorded", own.id(), json!({}));
        self.commit(draft.finish()).await?;
        Ok(())
    }

    /// The public keys that check this installation's checkpoints, the active one first: name and bytes.
    pub async fn checkpoint_keys(&self) -> Result<Vec<PublicKey>> {
        let recorded = self.store().audit_keys().await?;
        let keys = self.key_ring();
        let own = CheckpointSigner::of(&keys).public().clone();
        let trusted = Trusted::of(&keys, &recorded);
        let others = trusted.0.into_values().filter(|key| *key != own);
        Ok(std::iter::once(own.clone()).chain(others).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_there_and_back() {
        assert_eq!(hex(&[0, 255, 16]), "00ff10");
        assert_eq!(unhex("00ff10"), Some(vec![0, 255, 16]));
        for wrong in ["0", "zz", "é"] {
            assert_eq!(unhex(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_line_that_was_cut_off_is_named_and_the_others_are_read() {
        let whole =
            r#"{"installation":"ins_1","seq":1,"chain":"00","count":1,"at":"2026-11-23T09:00:00Z","key":"k","signature":"s"}"#;
        let (found, unread) = parse_checkpoints(&format!("{whole}\n{}\n\n{whole}", &whole[..40]));
        assert_eq!((found.len(), unread), (2, vec![2]));
    }
}
