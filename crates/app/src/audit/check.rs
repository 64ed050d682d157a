//! Verification: of everything, or since a checkpoint; with the checkpoints of the database and, where there is one, of a file. And the
//! daily check that a job makes in slices.

use domain::{
    alerts::AlertKind,
    audit::{Checkpoint, Head},
    jobs::{Dedupe, Work},
};
use jiff::SignedDuration;
use ports::{Put, Store};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vault::chain_start;

use super::{
    Flaw, What,
    accept::{Acceptance, Accepted},
    checkpoints::{PAGE, Trusted, hex, unhex},
    verify::{Marks, Reading, Verifier, is_ours},
};
use crate::{App, Caller, Error, Result, worker::Verdict};

/// Business time between two checks of the whole chain.
const EVERY: SignedDuration = SignedDuration::from_hours(24);
/// Lines that one run of the daily check reads.
const SLICE: i64 = 100_000;
/// Under which the newest whole check is kept.
const CHECKED: &str = "audit_checked";

/// What to verify, and against what.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Checkpoints that left the database, in the order they were given out; `None` where there is no file.
    pub against: Option<Vec<Checkpoint>>,
    /// Only what follows the checkpoint of this place.
    pub since: Option<i64>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The place it began behind.
    pub since: i64,
    /// Sealed lines read.
    pub lines: i64,
    /// The place of the last one.
    pub end: i64,
    /// Payloads that were erased.
    pub erased: i64,
    /// Lines not sealed yet.
    pub unsealed: i64,
    /// The newest checkpoint that the chain agrees with: up to there it is vouched for.
    pub vouched: Option<Checkpoint>,
    /// The newest checkpoint of the file that the chain agrees with.
    pub witnessed: Option<Checkpoint>,
    /// Checkpoints whose signatures hold.
    pub checkpoints: u64,
    /// Whether a file was given.
    pub against: bool,
    /// The recorded end of the chain.
    pub head: i64,
    /// Checkpoints that the chain does not agree with, or that are behind its end: place and value.
    pub contradicted: Vec<(i64, String)>,
    /// What was accepted, all of it, whether it is found again or not.
    pub accepted: Vec<Acceptance>,
    /// What is not as it was written and was not accepted, by place.
    pub findings: Vec<Flaw>,
    /// Findings that are not listed.
    pub more: u64,
}

impl Report {
    /// Whether nothing was found that was not accepted.
    pub fn holds(&self) -> bool {
        self.findings.is_empty() && self.more == 0
    }
}

/// How the newest daily check ended, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// When.
    pub at: domain::Timestamp,
    /// The place of the last line it read.
    pub seq: i64,
    /// Whether everything held.
    pub held: bool,
}

/// Checkpoints that count, and what is wrong with the others.
#[derive(Default)]
struct Evidence {
    marks: Marks,
    good: Vec<Checkpoint>,
    from_file: Vec<Checkpoint>,
    findings: Vec<Flaw>,
    accepted: Accepted,
}

impl App {
    /// Reads the chain again. Memory does not grow with the number of lines.
    pub async fn verify_audit(&self, options: VerifyOptions) -> Result<Report> {
        self.verify_log(self.store(), options).await
    }

    /// The same for the log in `store`, which may be another database than ours: a backup, restored to be looked at.
    pub(crate) async fn verify_log(&self, store: &dyn Store, options: VerifyOptions) -> Result<Report> {
        self.look_again().await;
        let keys = self.key_ring();
        let mut evidence = self.evidence(store, &options).await?;
        let (after, start) = match options.since {
            None => (0, chain_start(&self.0.parts.installation).to_vec()),
            Some(seq) => {
                let mut all = evidence.good.iter().chain(&evidence.from_file);
                let from = all.rfind(|checkpoint| checkpoint.seq == seq);
                let missing = || Error::missing("checkpoint with a valid signature at line", seq);
                (seq, from.and_then(|checkpoint| unhex(&checkpoint.chain)).ok_or_else(missing)?)
            }
        };
        let mut verifier = Verifier::new(&keys, &evidence.marks, after, start);
        let mut last = if after == 0 { i64::MIN } else { after };
        let head = loop {
            last = feed(store, &mut verifier, last, i64::MAX).await?;
            // A line that was sealed while we read is read too; only what is missing for good is missing.
            let head = store.audit_head().await?;
            if head.seq <= last.max(after) || store.audit_sealed(last, 1).await?.is_empty() {
                break head;
            }
        };
        let end = last.max(after);
        let Reading { findings, more, read, erased, marks_seen, contradicted } = verifier.finish(&head);
        evidence.findings.extend(findings);
        let mut report = Report {
            since: after,
            lines: read,
            end,
            erased,
            unsealed: 0,
            vouched: newest(&evidence.good, marks_seen).or_else(|| newest(&evidence.from_file, marks_seen)),
            witnessed: newest(&evidence.from_file, marks_seen),
            checkpoints: (evidence.good.len() + evidence.from_file.len()) as u64,
            against: options.against.is_some(),
            head: head.seq,
            contradicted: contradicted
                .into_iter()
                .flat_map(|seq| evidence.marks.get(&seq).into_iter().flatten().map(move |value| (seq, hex(value))))
                .collect(),
            accepted: Vec::new(),
            findings: evidence.findings,
            more,
        };
        self.unsealed(store, &mut report, &head).await?;
        if after == 0 {
            surplus(store, &mut report, &head, read).await?;
        }
        report.findings.retain(|finding| !evidence.accepted.covers(finding));
        report.accepted = evidence.accepted.0;
        Ok(report)
    }

    /// The checkpoints of the database and of the file, by whether they can be believed.
    async fn evidence(&self, store: &dyn Store, options: &VerifyOptions) -> Result<Evidence> {
        let trusted = Trusted::of(&self.key_ring(), &store.audit_keys().await?);
        let mut accepted = self.acceptances(store, &trusted).await?;
        // A backup may be older than what was accepted since.
        let ours = self.acceptances(self.store(), &trusted).await?;
        accepted.0.extend(ours.0.into_iter().filter(|one| !accepted.0.contains(one)).collect::<Vec<_>>());
        let mut evidence = Evidence { accepted, ..Evidence::default() };
        let mut after = options.since.map_or(0, |seq| seq - 1);
        loop {
            let page = store.audit_checkpoints(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for checkpoint in page {
                self.weigh(&trusted, &mut evidence, checkpoint, false);
            }
        }
        // After a restore the file also holds checkpoints of a past that is no more; what counts begins at the one asked for.
        let file = options.against.as_deref().unwrap_or_default();
        let begin = options.since.and_then(|seq| file.iter().rposition(|checkpoint| checkpoint.seq == seq)).unwrap_or(0);
        for checkpoint in file.iter().skip(begin).filter(|checkpoint| options.since.is_none_or(|seq| checkpoint.seq >= seq)) {
            if checkpoint.installation != self.0.parts.installation {
                return Err(Error::invalid(
                    "against",
                    format!(
                        "the file holds checkpoints of the installation {}, and this is {}",
                        checkpoint.installation, self.0.parts.installation
                    ),
                ));
            }
            let here = evidence.good.binary_search_by_key(&checkpoint.seq, |known| known.seq).is_ok();
            if self.weigh(&trusted, &mut evidence, checkpoint.clone(), true) && !here {
                evidence.findings.push(Flaw::with(checkpoint, What::CheckpointGone));
            }
        }
        Ok(evidence)
    }

    fn weigh(&self, trusted: &Trusted, evidence: &mut Evidence, checkpoint: Checkpoint, from_file: bool) -> bool {
        let value = unhex(&checkpoint.chain)
            .filter(|_| checkpoint.installation == self.0.parts.installation && checkpoint.seq > 0 && trusted.vouches(&checkpoint));
        let Some(value) = value else {
            evidence.findings.push(Flaw::with(&checkpoint, What::BadCheckpoint));
            return false;
        };
        if evidence.accepted.gives_up(&checkpoint) {
            return false;
        }
        let values = evidence.marks.entry(checkpoint.seq).or_default();
        if !values.contains(&value) {
            values.push(value);
        }
        let kept = if from_file { &mut evidence.from_file } else { &mut evidence.good };
        kept.push(checkpoint);
        true
    }

    /// Lines that wait for the sealer must at least be ours.
    async fn unsealed(&self, store: &dyn Store, report: &mut Report, head: &Head) -> Result<()> {
        let keys = self.key_ring();
        let mut after = String::new();
        loop {
            let lines = store.audit_unsealed(&after, PAGE).await?;
            let Some(last) = lines.last() else { return Ok(()) };
            after.clone_from(&last.id);
            for line in &lines {
                report.unsealed += 1;
                let early = head.seq == 0 && line.mac.is_none();
                if !early && !is_ours(&keys, line) {
                    let finding = Flaw::of(None, line, What::NotOurs);
                    if report.findings.len() < 200 { report.findings.push(finding) } else { report.more += 1 }
                }
            }
        }
    }

    /// How the newest daily check ended; `None` before the first.
    pub async fn audit_checked(&self) -> Result<Option<Checked>> {
        let text = self.store().setting(CHECKED).await?;
        text.as_deref()
            .map(serde_json::from_str)
            .transpose()
            .map_err(|error| Error::Internal(format!("the setting {CHECKED} is damaged: {error}")))
    }

    /// Orders the daily check where a day has passed since the last.
    pub(super) async fn order_audit_check(&self) -> Result<()> {
        let last = self.audit_checked().await?;
        let now = self.now();
        let due = match last {
            Some(checked) => now.duration_since(checked.at) >= EVERY,
            None => true,
        };
        if due {
            let mut draft = self.draft(&Caller::system());
            let work = Work::CheckAudit { after: 0, chain: None, held: true };
            draft.order(work, Dedupe::Open("audit:check:0".to_owned()), None, now, None);
            self.commit(draft.finish()).await?;
        }
        Ok(())
    }

    /// One slice of the daily check; the last one says how it ended.
    pub(crate) async fn run_check_audit(&self, after: i64, chain: Option<&str>, held: bool) -> Result<Verdict> {
        self.look_again().await;
        let keys = self.key_ring();
        let evidence = self.evidence(self.store(), &VerifyOptions { against: None, since: (after > 0).then_some(after) }).await?;
        let start = match chain {
            Some(chain) => unhex(chain).ok_or_else(|| Error::Internal("a slice of the check begins at no value".to_owned()))?,
            None => chain_start(&self.0.parts.installation).to_vec(),
        };
        let mut verifier = Verifier::new(&keys, &evidence.marks, after, start);
        let last = feed(self.store(), &mut verifier, if after == 0 { i64::MIN } else { after }, SLICE).await?;
        let now_ends = self.store().audit_head().await?;
        let ended = self.store().audit_sealed(last, 1).await?.is_empty();
        let (mut findings, mut more) = (evidence.findings, 0);
        let slice_end = verifier.last().cloned();
        if ended || verifier.is_broken() {
            // Behind a slice that broke, the rest is read as if it held: one alert is enough.
            let until = if ended { now_ends.clone() } else { slice_head(slice_end.as_ref(), after) };
            let reading = verifier.finish(&until);
            more = reading.more;
            findings.extend(reading.findings.into_iter().filter(|finding| ended || !matches!(finding.what, What::Cut { .. })));
        }
        findings.retain(|finding| !evidence.accepted.covers(finding));
        let found = findings.len() as u64 + more;
        if found > 0 {
            let first = findings.first();
            let what = first.map_or("more", |first| first.what.code());
            let (seq, line) = (first.and_then(|first| first.seq), first.and_then(|first| first.id.clone()));
            self.audit_broken(json!({"what": what, "seq": seq, "line": line, "findings": found})).await?;
        }
        let held = held && found == 0;
        let mut draft = self.draft(&Self::by_job());
        if let Some((seq, value)) = slice_end.filter(|_| !ended) {
            let work = Work::CheckAudit { after: seq, chain: Some(hex(&value)), held };
            let due = draft.now;
            draft.order(work, Dedupe::Open(format!("audit:check:{seq}")), None, due, None);
        } else {
            let checked = Checked { at: draft.now, seq: now_ends.seq, held };
            let text = serde_json::to_string(&checked).map_err(|error| Error::Internal(error.to_string()))?;
            draft.put(Put::Setting(CHECKED.to_owned(), text));
            if held {
                self.clear(&mut draft, AlertKind::AuditBroken, "audit").await?;
            }
        }
        self.commit(draft.finish()).await?;
        Ok(Verdict::Done)
    }
}

/// Feeds lines behind `after` until there are no more or `most` were read; gives the place of the last.
async fn feed(store: &dyn Store, verifier: &mut Verifier<'_>, after: i64, most: i64) -> Result<i64> {
    let (mut last, mut read) = (after, 0);
    while read < most {
        let lines = store.audit_sealed(last, PAGE).await?;
        let Some(end) = lines.last().and_then(|line| line.seq) else { break };
        read += i64::from(PAGE);
        last = end;
        for line in lines {
            verifier.feed(line);
        }
    }
    Ok(last)
}

/// Two lines cannot have one place while the database keeps its word; this asks whether it did.
async fn surplus(store: &dyn Store, report: &mut Report, head: &Head, read: i64) -> Result<()> {
    let tally = store.audit_tally().await?;
    // If more was sealed meanwhile, the numbers say nothing.
    if store.audit_head().await?.seq == head.seq && tally.sealed > read {
        report.findings.push(Flaw {
            seq: Some(head.seq),
            id: None,
            what: What::Surplus { lines: tally.sealed - read },
            content: None,
        });
    }
    Ok(())
}

fn newest(checkpoints: &[Checkpoint], marks_seen: i64) -> Option<Checkpoint> {
    checkpoints.iter().filter(|checkpoint| checkpoint.seq <= marks_seen).max_by_key(|checkpoint| checkpoint.seq).cloned()
}

fn slice_head(end: Option<&(i64, Vec<u8>)>, after: i64) -> Head {
    end.map_or(Head { seq: after, chain: None }, |(seq, chain)| Head { seq: *seq, chain: Some(chain.clone()) })
}
