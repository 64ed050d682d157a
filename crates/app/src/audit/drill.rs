//! The audit log of a backup: verified in the scratch database of a drill, with this installation's keys and what left the database.

use domain::{Timestamp, audit::Filter, held::Held};
use jiff::SignedDuration;
use ports::{Store, store::Page};
use serde::Deserialize;

use super::{Report, VerifyOptions, parse_checkpoints};
use crate::{App, Error, Result};

/// Clocks of two nodes may be this far apart: a checkpoint that was signed so shortly before a backup began may not be in it.
const APART: SignedDuration = SignedDuration::from_mins(10);
/// Restores that are looked for on record.
const RESTORES: u32 = 1_000;

/// A time that a restore took out of the history: what was signed in it is not in the database, and rightly so.
struct Lost {
    from: Timestamp,
    until: Timestamp,
}

/// What the line of a release says of the restore before it.
#[derive(Deserialize)]
struct Released {
    as_of: Timestamp,
}

impl App {
    /// Verifies the log in `store`, a backup begun at `begun`, with its own checkpoints and with those of the outside file that it must have.
    pub(crate) async fn verify_backup(&self, store: &dyn Store, begun: Timestamp) -> Result<Report> {
        let against = match &self.0.parts.witness {
            None => None,
            Some(witness) => {
                let text = witness.kept().await.map_err(|error| Error::Internal(error.to_string()))?;
                let lost = lost(store).await?;
                let (mut checkpoints, _) = parse_checkpoints(&text);
                checkpoints.retain(|checkpoint| {
                    is_before(checkpoint.at, begun)
                        && lost.iter().all(|lost| is_before(checkpoint.at, lost.from) || checkpoint.at > lost.until)
                });
                Some(checkpoints)
            }
        };
        self.verify_log(store, VerifyOptions { against, since: None }).await
    }
}

/// Whether what was signed at `at` is surely in a backup that was begun at `begun`.
fn is_before(at: Timestamp, begun: Timestamp) -> bool {
    begun.duration_since(at) >= APART
}

/// What restores took, by the lines of their releases, and by the state of one that is not released yet. Only somebody with our keys can
/// write such a line.
async fn lost(store: &dyn Store) -> Result<Vec<Lost>> {
    let filter = Filter { action: Some("held.released".to_owned()), ..Filter::default() };
    let mut found = Vec::new();
    for line in store.audit_search(&filter, Page::first(RESTORES), true).await? {
        let Some(text) = &line.payload else { continue };
        let damaged = |error| Error::Internal(format!("the line {} of the audit log is damaged: {error}", line.id));
        let released: Released = serde_json::from_str(text).map_err(damaged)?;
        let until = Timestamp::from_microsecond(line.at).map_err(|error| Error::Internal(error.to_string()))?;
        found.push(Lost { from: released.as_of, until });
    }
    if let Some(text) = store.setting("held").await? {
        let held: Option<Held> =
            serde_json::from_str(&text).map_err(|error| Error::Internal(format!("the setting held is damaged: {error}")))?;
        found.extend(held.map(|held| Lost { from: held.as_of, until: held.since }));
    }
    Ok(found)
}

/// Up to where a log is vouched for, for people.
pub(crate) fn verdict(report: &Report) -> String {
    let mut parts = vec![format!("Of its audit log, {} sealed lines were read", report.lines)];
    match &report.vouched {
        Some(checkpoint) => {
            parts.push(format!("a checkpoint of {} vouches for them up to line {}", checkpoint.at, checkpoint.seq));
            if report.end > checkpoint.seq {
                parts.push(format!("our keys wrote the {} behind it", report.end - checkpoint.seq));
            }
        }
        None => parts.push("no checkpoint vouches for them yet".to_owned()),
    }
    if let Some(witnessed) = &report.witnessed {
        parts.push(format!("the file outside agrees up to line {}", witnessed.seq));
    }
    let accepted: usize = report.accepted.iter().map(|acceptance| acceptance.findings.len()).sum();
    if accepted > 0 {
        parts.push(format!("{accepted} findings were accepted"));
    }
    format!("{}{}", parts.join("; "), if report.holds() { "." } else { ". It is NOT as it was written." })
}
