//! Accepting what somebody has looked into: lines that a restore took, a line that was edited by hand. It is found for ever; what is
//! accepted is listed apart, and signing goes on.
//!
//! An acceptance is a line of the log, `audit.accepted`. It names each finding with its place, line, kind and a hash of what stands there
//! now, so that it covers nothing else: another place, another kind, more lines or another content is new. It is signed as checkpoints are,
//! and counts only if a key we believe signed it.

use std::fmt;

use domain::{
    Timestamp,
    audit::{Checkpoint, Filter, Line},
    jobs::{Dedupe, Work},
};
use ports::{Store, store::Page};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vault::{CheckpointSigner, chain_link, payload_hash};

use super::{
    Flaw, Report, VerifyOptions, What,
    checkpoints::{Trusted, hex, statement},
    fields,
};
use crate::{App, Caller, Error, Result};

/// The line's action and what it is about.
const ACTION: &str = "audit.accepted";
const SUBJECT: &str = "audit";
/// The kind of a checkpoint that the chain does not agree with.
const CONTRADICTED: &str = "checkpoint_contradicted";
/// How long a reason may be, in characters.
const REASON_CHARS: usize = 500;
/// Acceptances read at once.
const PAGE: u32 = 1_000;

/// One finding that was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedFinding {
    /// The place.
    pub seq: Option<i64>,
    /// The line, if there is one.
    pub line: Option<String>,
    /// The code of what was found.
    pub kind: String,
    /// The last place of a range, the other place of a swap, or a number of lines.
    pub extent: Option<i64>,
    /// A hash of what stands there, in hexadecimal.
    pub content: Option<String>,
}

impl fmt::Display for AcceptedFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "line {seq}")?,
            None => f.write_str("a line that is not sealed")?,
        }
        if let Some(line) = &self.line {
            write!(f, " ({line})")?;
        }
        write!(f, ": {}", self.kind.replace('_', " "))?;
        self.extent.map_or(Ok(()), |extent| write!(f, ", {extent}"))
    }
}

/// What somebody accepted, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
    /// What.
    pub findings: Vec<AcceptedFinding>,
}

/// As the line holds it.
#[derive(Serialize, Deserialize)]
struct Signed {
    accepted: Acceptance,
    key: String,
    signature: String,
}

/// Every acceptance that counts.
#[derive(Debug, Default)]
pub(super) struct Accepted(pub(super) Vec<Acceptance>);

impl Accepted {
    fn findings(&self) -> impl Iterator<Item = &AcceptedFinding> {
        self.0.iter().flat_map(|acceptance| &acceptance.findings)
    }

    /// Whether this very finding was accepted.
    pub(super) fn covers(&self, flaw: &Flaw) -> bool {
        let new = named(flaw);
        let within = |known: &AcceptedFinding| match flaw.what {
            // Of lines that are known to be gone, some are gone: a part is all that is read where reading begins in the middle.
            What::Deleted { until } => {
                known.kind == new.kind && known.seq <= new.seq && known.extent.is_some_and(|known| until <= known)
            }
            _ => false,
        };
        is_acceptable(&flaw.what) && self.findings().any(|known| *known == new || within(known))
    }

    /// Whether this checkpoint was given up.
    pub(super) fn gives_up(&self, checkpoint: &Checkpoint) -> bool {
        let is_it = |known: &&AcceptedFinding| {
            known.kind == CONTRADICTED && known.seq == Some(checkpoint.seq) && known.content.as_ref() == Some(&checkpoint.chain)
        };
        self.findings().any(|known| is_it(&known))
    }
}

/// What stands there now, so that the same place altered once more is another finding. What erasure takes away is only part of it where
/// it is what was found.
pub(super) fn content(line: &Line, what: &What) -> String {
    if matches!(what, What::PayloadEdited) {
        let (salt, payload) = (line.salt.clone().unwrap_or_default(), line.payload.clone().unwrap_or_default());
        let mut before = (salt.len() as u64).to_be_bytes().to_vec();
        before.extend_from_slice(&salt);
        return hex(&payload_hash(&before, &payload));
    }
    let before = line.chain.as_deref().unwrap_or_default();
    hex(&chain_link(before, line.seq.unwrap_or(0), &fields(line), line.mac.as_deref()))
}

/// The same of a checkpoint.
pub(super) fn content_of(checkpoint: &Checkpoint) -> String {
    let said = statement(checkpoint);
    let text = format!("{} {} {} {} {} {}", said.installation, said.seq, said.chain, said.count, said.at, said.key);
    hex(&payload_hash(&[], &format!("{text} {}", checkpoint.signature)))
}

fn named(flaw: &Flaw) -> AcceptedFinding {
    let extent = match flaw.what {
        What::Deleted { until } | What::Cut { until } | What::BehindHead { until } => Some(until),
        What::Renumbered { lines } | What::Surplus { lines } => Some(lines),
        What::Swapped { with } => Some(with),
        What::Rebuilt { since } => Some(since),
        _ => None,
    };
    let kind = flaw.what.code().to_owned();
    AcceptedFinding { seq: flaw.seq, line: flaw.id.clone(), kind, extent, content: flaw.content.clone() }
}

/// Findings about the end of the chain change with every line, and are none any more behind it: they are not what is accepted.
const fn is_acceptable(what: &What) -> bool {
    !matches!(what, What::Cut { .. } | What::Rebuilt { .. } | What::BehindHead { .. } | What::HeadEdited | What::Surplus { .. })
}

/// What an acceptance of everything that was found names.
fn everything(report: &Report) -> Result<Vec<AcceptedFinding>> {
    if report.more > 0 {
        return Err(refused(format!(
            "{} findings are too many to be named; this log is not to be mended by accepting it: restore a backup whose log holds",
            report.findings.len() as u64 + report.more
        )));
    }
    let mut findings = Vec::new();
    for flaw in &report.findings {
        match flaw.what {
            // Checkpoints say so, and are named below; or the recorded end does, and then the next line comes behind the gap.
            What::Cut { .. } if report.head > report.end => findings.push(AcceptedFinding {
                kind: What::Deleted { until: report.head }.code().to_owned(),
                extent: Some(report.head),
                ..named(flaw)
            }),
            What::Cut { .. } | What::Rebuilt { .. } => {}
            _ if is_acceptable(&flaw.what) => findings.push(named(flaw)),
            _ => {
                return Err(refused(format!(
                    "{flaw}: the end of the chain itself was altered; as soon as another line is sealed behind it (any change writes one), \
                     run this again; where that does not help, restore a backup whose log holds"
                )));
            }
        }
    }
    findings.extend(report.contradicted.iter().map(|(seq, chain)| AcceptedFinding {
        seq: Some(*seq),
        line: None,
        kind: CONTRADICTED.to_owned(),
        extent: None,
        content: Some(chain.clone()),
    }));
    Ok(findings)
}

impl App {
    /// The acceptances in `store` that a key we believe signed.
    pub(super) async fn acceptances(&self, store: &dyn Store, trusted: &Trusted) -> Result<Accepted> {
        let filter = Filter { action: Some(ACTION.to_owned()), subject: Some(SUBJECT.to_owned()), ..Filter::default() };
        let (mut found, mut page) = (Accepted::default(), Page::first(PAGE));
        loop {
            let lines = store.audit_search(&filter, page, false).await?;
            let Some(last) = lines.last().map(|line| line.id.clone()) else { return Ok(found) };
            for line in lines {
                // One that was altered or erased is none any more; what it accepted is found again.
                let read = line.payload.as_deref().map(serde_json::from_str::<Signed>);
                let Some(Ok(signed)) = read else { continue };
                if trusted.accepted(&self.0.parts.installation, &text(&signed.accepted)?, &signed.key, &signed.signature) {
                    found.0.push(signed.accepted);
                }
            }
            page = Page { after: Some(last), limit: PAGE };
        }
    }

    /// Accepts everything that a verification finds now: writes it down with the reason, signs a checkpoint that covers it, and verifies
    /// again. Refused, with what to do, where nothing is found or where it cannot be accepted.
    pub async fn accept_audit(&self, reason: &str, options: VerifyOptions, caller: &Caller) -> Result<Report> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_CHARS || reason.chars().any(char::is_control) {
            return Err(Error::invalid(
                "reason",
                format!("say in 1 to {REASON_CHARS} characters, on one line, what was looked into"),
            ));
        }
        self.seal_audit().await?;
        let report = self.verify_audit(options.clone()).await?;
        let findings = everything(&report)?;
        if findings.is_empty() {
            return Err(refused("nothing is found that was not accepted already".to_owned()));
        }
        let mut draft = self.draft(caller);
        let accepted = Acceptance { at: draft.now, reason: reason.to_owned(), findings };
        let signer = CheckpointSigner::of(&self.key_ring());
        let signature = signer.sign_acceptance(&self.0.parts.installation, &text(&accepted)?);
        let payload = Signed { accepted, key: signer.public().id().to_owned(), signature };
        draft.audit(ACTION, SUBJECT, json!(payload));
        // The alert ends when the whole chain was read again.
        let (work, due) = (Work::CheckAudit { after: 0, chain: None, held: true }, draft.now);
        draft.order(work, Dedupe::Open("audit:check:0".to_owned()), None, due, None);
        self.commit(draft.finish()).await?;
        self.seal_audit().await?;
        self.checkpoint_audit(true).await?;
        self.verify_audit(options).await
    }
}

/// What is signed: compact JSON, keys in the order of the fields.
fn text(acceptance: &Acceptance) -> Result<String> {
    serde_json::to_string(acceptance).map_err(|error| Error::Internal(format!("an acceptance cannot be written: {error}")))
}

fn refused(problem: String) -> Error {
    Error::Refused { code: "audit_not_accepted", problem }
}
