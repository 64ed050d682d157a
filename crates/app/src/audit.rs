//! The audit log: sealing its lines into a chain, signing checkpoints, reading it again, and giving it out.
//!
//! Lines are written with the change they describe, by whichever process; nothing can know the order of their commits. A sealer, any
//! process at a time, gives them their places a little later. A line that arrives late is sealed late; no place is ever given twice.

mod accept;
mod check;
mod checkpoints;
mod cover;
mod deliver;
mod drill;
mod export;
mod seal;
mod verify;

use std::fmt;

pub use accept::{Acceptance, AcceptedFinding};
pub use check::{Checked, Report, VerifyOptions};
pub use checkpoints::parse_checkpoints;
use domain::{
    EmailAddress,
    alerts::AlertKind,
    audit::{Checkpoint, Entry, Filter, Line, Tally},
};
pub(crate) use drill::verdict;
pub use export::ExportedLine;
use ports::{
    Change,
    store::{CommitError, Page, StoreError},
};
use url::Url;
use vault::{Fields, line_mac, payload_hash};

use crate::{App, Error, Result};

/// Where checkpoints go besides the database.
#[derive(Debug, Clone, Default)]
pub struct AuditSettings {
    /// Whether there is a file ([`crate::Parts::witness`]).
    pub file: bool,
    /// By mail, to this address.
    pub mail: Option<EmailAddress>,
    /// By webhook, to this address.
    pub webhook: Option<Url>,
}

/// How the log stands, without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditState {
    /// Lines by whether they are sealed.
    pub tally: Tally,
    /// The newest checkpoint.
    pub newest: Option<Checkpoint>,
    /// How the newest daily check ended.
    pub checked: Option<Checked>,
    /// Whether an alert lasts that the log is not as it was written.
    pub broken: bool,
    /// Whether checkpoints leave the database.
    pub outside: bool,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// Where in the chain.
    pub seq: Option<i64>,
    /// Which line, if there is one.
    pub id: Option<String>,
    /// What.
    pub what: What,
    /// A hash of what stands there now, in hexadecimal.
    pub content: Option<String>,
}

impl Flaw {
    /// What is wrong with this line.
    fn of(seq: Option<i64>, line: &Line, what: What) -> Self {
        let content = Some(accept::content(line, &what));
        Self { seq, id: Some(line.id.clone()), what, content }
    }

    /// What is wrong with the checkpoint of this place.
    fn with(checkpoint: &Checkpoint, what: What) -> Self {
        Self { seq: Some(checkpoint.seq), id: None, what, content: Some(accept::content_of(checkpoint)) }
    }
}

/// What was done to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The line was put in.
    Inserted,
    /// A column of the line, or its chain value, was altered.
    Edited,
    /// The payload or its salt was altered, or only one of the two erased.
    PayloadEdited,
    /// No key of this installation wrote the line: inserted or altered.
    NotOurs,
    /// Lines from here up to `until` are gone.
    Deleted {
        /// The last one.
        until: i64,
    },
    /// Lines before this one are gone, and the later ones were renumbered.
    Renumbered {
        /// How many.
        lines: i64,
    },
    /// The line stands in the place of another.
    Swapped {
        /// The other's place.
        with: i64,
    },
    /// The chain ends too early: the lines from here up to `until` were sealed and are gone.
    Cut {
        /// The last one.
        until: i64,
    },
    /// Sealed lines stand behind the recorded end.
    BehindHead {
        /// The last one.
        until: i64,
    },
    /// The recorded end of the chain was altered.
    HeadEdited,
    /// The chain fits together, but at this place it is another than the one that was signed.
    Rebuilt {
        /// The last place at which it is the signed one; 0 for none.
        since: i64,
    },
    /// The signature of the checkpoint of this place is false, or its key is not ours.
    BadCheckpoint,
    /// The checkpoint of this place was given out and is not in the database.
    CheckpointGone,
    /// The log holds more sealed lines than the chain has places.
    Surplus {
        /// How many.
        lines: i64,
    },
}

impl What {
    /// A stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Edited => "edited",
            Self::PayloadEdited => "payload_edited",
            Self::NotOurs => "not_ours",
            Self::Deleted { .. } => "deleted",
            Self::Renumbered { .. } => "renumbered",
            Self::Swapped { .. } => "swapped",
            Self::Cut { .. } => "cut",
            Self::BehindHead { .. } => "behind_head",
            Self::HeadEdited => "head_edited",
            Self::Rebuilt { .. } => "rebuilt",
            Self::BadCheckpoint => "bad_checkpoint",
            Self::CheckpointGone => "checkpoint_gone",
            Self::Surplus { .. } => "surplus",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seq {
            Some(seq) => write!(f, "line {seq}")?,
            None => f.write_str("a line that is not sealed")?,
        }
        if let Some(id) = &self.id {
            write!(f, " ({id})")?;
        }
        f.write_str(": ")?;
        match &self.what {
            What::Inserted => f.write_str("inserted; this installation did not write it here"),
            What::Edited => f.write_str("edited; a column or the chain value is not what was sealed"),
            What::PayloadEdited => f.write_str("its payload is not the one that was written"),
            What::NotOurs => f.write_str("inserted or edited; no key of this installation wrote it"),
            What::Deleted { until } => write!(f, "deleted; the lines up to {until} are gone"),
            What::Renumbered { lines } => write!(f, "{lines} line(s) before it were deleted and the later ones renumbered"),
            What::Swapped { with } => write!(f, "swapped with line {with}"),
            What::Cut { until } => write!(f, "cut; the chain had lines up to {until}, and they are gone"),
            What::BehindHead { until } => {
                write!(f, "inserted, or the recorded end moved back; sealed lines up to {until} stand behind it")
            }
            What::HeadEdited => f.write_str("the recorded end of the chain was altered"),
            What::Rebuilt { since } => {
                write!(f, "rebuilt; the chain here is another than the one that was signed, altered after line {since}")
            }
            What::BadCheckpoint => f.write_str("its checkpoint is not signed by a key of this installation"),
            What::CheckpointGone => f.write_str("its checkpoint was given out and is missing from the database"),
            What::Surplus { lines } => write!(f, "{lines} sealed line(s) more than the chain has places"),
        }
    }
}

/// What a stored line says, to be hashed.
fn fields(line: &Line) -> Fields<'_> {
    Fields {
        id: &line.id,
        at: line.at,
        actor: &line.actor,
        action: &line.action,
        subject: &line.subject,
        reason: line.reason.as_deref(),
        request: line.request.as_deref(),
        payload_hash: &line.payload_hash,
    }
}

impl App {
    /// Hands a change to the store, every line of its log with the code that shows that we wrote it. Nothing else may write lines.
    pub(crate) async fn write(&self, mut change: Change) -> Result<(), CommitError> {
        self.sign_lines(&mut change)?;
        self.store().commit(change).await
    }

    fn sign_lines(&self, change: &mut Change) -> Result<(), CommitError> {
        let unwritable = |error| StoreError::Inconsistent(format!("an audit line cannot be written down: {error}"));
        let keys = self.key_ring();
        for entry in &mut change.audit {
            let actor = entry.actor_text().map_err(unwritable)?;
            let payload = entry.payload_text().map_err(unwritable)?;
            let hash = payload_hash(&entry.salt, &payload);
            let id = entry.id.to_string();
            let fields = Fields {
                id: &id,
                at: entry.at.as_microsecond(),
                actor: &actor,
                action: &entry.action,
                subject: &entry.subject,
                reason: entry.reason.as_deref(),
                request: entry.request.as_deref(),
                payload_hash: &hash,
            };
            entry.mac = Some(line_mac(&keys, &fields).to_vec());
        }
        Ok(())
    }

    /// The log of one subject, newest first.
    pub async fn trail(&self, subject: &str, limit: u32) -> Result<Vec<Entry>> {
        Ok(self.store().audit_of(subject, limit).await?)
    }

    /// The whole log, newest first.
    pub async fn audit(&self, page: Page) -> Result<Vec<Entry>> {
        Ok(self.store().audit(page).await?)
    }

    /// Lines that a filter lets through, as they are stored.
    pub async fn audit_lines(&self, filter: &Filter, page: Page, newest_first: bool) -> Result<Vec<Line>> {
        if let (Some(since), Some(until)) = (filter.since, filter.until)
            && since >= until
        {
            return Err(Error::invalid("until", "the time asked for ends before it begins"));
        }
        let kind = filter.actor.as_deref().map(|actor| actor.split(':').next().unwrap_or_default());
        if kind.is_some_and(|kind| !["system", "api_key", "account", "administrator", "person", "operator"].contains(&kind)) {
            return Err(Error::invalid(
                "actor",
                "an actor is system, operator, api_key, account, administrator or person, perhaps with an id behind a colon",
            ));
        }
        Ok(self.store().audit_search(filter, page, newest_first).await?)
    }

    /// How far the log is sealed, signed and checked.
    pub async fn audit_state(&self) -> Result<AuditState> {
        let settings = &self.settings().audit;
        Ok(AuditState {
            tally: self.audit_tally().await?,
            newest: self.store().audit_newest_checkpoint().await?,
            checked: self.audit_checked().await?,
            broken: self.store().lasting_alert(AlertKind::AuditBroken, "audit").await?.is_some(),
            outside: settings.file || settings.mail.is_some() || settings.webhook.is_some(),
        })
    }

    /// How many lines are sealed, and how many wait for it.
    pub async fn audit_tally(&self) -> Result<Tally> {
        Ok(self.store().audit_tally().await?)
    }
}
