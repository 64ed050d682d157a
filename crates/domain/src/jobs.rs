//! Jobs: every effect outside the database leaves as one, stored in the same commit as what it follows from.

use serde::{Deserialize, Serialize};

use crate::{
    Id, Timestamp,
    alerts::Digest,
    choices::Choice,
    grants::{Grant, IssuedToken},
    id::Kind,
    interviews::Interview,
    links::Link,
    mails::MailOrder,
    people::Person,
    vacancies::Vacancy,
};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "work")]
pub enum Work {
    /// Brings a vacancy's interviews as far as they can go now.
    Arrange {
        /// The vacancy.
        vacancy: Id<Vacancy>,
    },
    /// Repeats the request for permission.
    AskAgain {
        /// The grant.
        grant: Id<Grant>,
    },
    /// Exchanges an authorization code, asks who consented, activates the grant.
    Exchange {
        /// The `state` link of the authorization.
        link: Id<Link>,
        /// The manager.
        person: Id<Person>,
        /// The code, sealed for this link.
        sealed_code: Vec<u8>,
        /// The location the callback named, if it did.
        data_centre: String,
        /// The id of the key that signed the `state`, under which the PKCE verifier is made again; `None` in jobs that were ordered before
        /// there could be more than one.
        #[serde(default)]
        link_key: Option<String>,
    },
    /// Keeps an access token fresh.
    Refresh {
        /// The grant.
        grant: Id<Grant>,
    },
    /// Tells the provider that a refresh token is no longer needed.
    Revoke {
        /// The grant.
        grant: Id<Grant>,
        /// Where.
        data_centre: String,
        /// The refresh token, sealed for the grant.
        sealed_refresh: Vec<u8>,
        /// Its row in the count of those the provider keeps.
        #[serde(default)]
        serial: Option<Id<IssuedToken>>,
    },
    /// Refuses a pending connection that no administrator looked at.
    DropPending {
        /// The grant.
        grant: Id<Grant>,
    },
    /// Makes the calendar's event equal to what is intended: one smallest write.
    Settle {
        /// The interview.
        interview: Id<Interview>,
    },
    /// Re-reads the calendar after a write, or later, and looks for clashes.
    Recheck {
        /// The interview.
        interview: Id<Interview>,
        /// The intended revision it was asked for.
        intent_rev: i64,
    },
    /// Compares the calendars behind a grant with what is intended, again and again while an interview is to come.
    Look {
        /// The grant.
        grant: Id<Grant>,
    },
    /// Hands over one message.
    Mail {
        /// Which.
        order: MailOrder,
    },
    /// After the end of an interview: it took place, and feedback is asked for.
    Finish {
        /// The interview.
        interview: Id<Interview>,
        /// Void if the interview was moved since.
        sequence: i64,
    },
    /// Asks for feedback again.
    Nag {
        /// The interview.
        interview: Id<Interview>,
        /// Which repetition, from 1.
        nag: u32,
    },
    /// Looks at the rules that raise alerts, again and again.
    Watch,
    /// Posts news of alerts to the webhook.
    AlertPost {
        /// What is news.
        digest: Digest,
    },
    /// Carries the erasure of a person on.
    Erase {
        /// Who.
        person: Id<Person>,
    },
    /// Sweeps what is of no use any more.
    Sweep,
    /// Seals everything with the active key that is sealed with another one.
    Reseal,
    /// Ends the alert about attempts to log in, once it is quiet.
    WatchAttempts {
        /// The row that counts them.
        throttle: String,
        /// The alert's subject.
        subject: String,
    },
    /// Gives up a provisional time that nobody confirmed.
    ReleaseProvisional {
        /// The interview.
        interview: Id<Interview>,
        /// Void if the interview was moved since.
        sequence: i64,
    },
    /// Reminds a candidate to pick a time, or tells the recruiter that they do not answer.
    RemindChoice {
        /// The choice.
        choice: Id<Choice>,
        /// Void if the candidate was asked anew since.
        asked_at: Timestamp,
    },
    /// Hands a checkpoint of the audit log to somebody outside the database; by mail it is a [`Work::Mail`].
    GiveOutCheckpoint {
        /// Of which place.
        seq: i64,
        /// To whom.
        way: Way,
    },
    /// Reads a slice of the audit chain again.
    CheckAudit {
        /// Behind this place.
        after: i64,
        /// The chain's value there, in hexadecimal; `None` at the beginning.
        chain: Option<String>,
        /// Whether the slices before held.
        held: bool,
    },
    /// Looks every hour whether a backup or a drill is due.
    KeepBackups,
    /// Makes a backup.
    Backup,
    /// Restores the newest backup into a scratch database and looks at it.
    Drill,
    /// Compares the calendars with a database that was restored.
    CompareHeld,
}

/// A way out of the database for a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A file that is only appended to.
    File,
    /// A webhook.
    Webhook,
}

impl Way {
    /// As it stands in keys.
    pub const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Webhook => "webhook",
        }
    }
}

/// The kinds of jobs that run while the installation is [held](crate::held): they have no effect outside. The store leases no other.
pub const RUN_WHILE_HELD: [&str; 5] = ["keep_backups", "backup", "drill", "compare_held", "check_audit"];

impl Work {
    /// Kinds that carry something sealed.
    pub const SEALED: [&'static str; 2] = ["exchange", "revoke"];

    /// The id of what the work is about, for the mail that says it was given up; `None` for mails, whose own
    /// job says so, and for what is about no one thing.
    pub fn subject(&self) -> Option<String> {
        match self {
            Self::Arrange { vacancy } => Some(vacancy.to_string()),
            Self::AskAgain { grant }
            | Self::Refresh { grant }
            | Self::Revoke { grant, .. }
            | Self::DropPending { grant }
            | Self::Look { grant } => Some(grant.to_string()),
            Self::Exchange { person, .. } | Self::Erase { person } => Some(person.to_string()),
            Self::Settle { interview }
            | Self::Recheck { interview, .. }
            | Self::Finish { interview, .. }
            | Self::Nag { interview, .. }
            | Self::ReleaseProvisional { interview, .. } => Some(interview.to_string()),
            Self::RemindChoice { choice, .. } => Some(choice.to_string()),
            Self::GiveOutCheckpoint { .. } | Self::CheckAudit { .. } => Some("audit".to_owned()),
            Self::Mail { .. }
            | Self::Watch
            | Self::AlertPost { .. }
            | Self::KeepBackups
            | Self::Backup
            | Self::Drill
            | Self::CompareHeld
            | Self::Reseal
            | Self::WatchAttempts { .. } => None,
            Self::Sweep => Some("sweep".to_owned()),
        }
    }

    /// The same without what is sealed in it, for a job that is done: `None` where nothing is.
    pub fn emptied(&self) -> Option<Self> {
        let mut emptied = self.clone();
        match &mut emptied {
            Self::Exchange { sealed_code, .. } => sealed_code.clear(),
            Self::Revoke { sealed_refresh, .. } => sealed_refresh.clear(),
            _ => return None,
        }
        Some(emptied)
    }

    /// A stable name for logs, metrics and the dead-letter list.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Arrange { .. } => "arrange",
            Self::AskAgain { .. } => "ask_again",
            Self::Exchange { .. } => "exchange",
            Self::Refresh { .. } => "refresh",
            Self::Revoke { .. } => "revoke",
            Self::DropPending { .. } => "drop_pending",
            Self::Settle { .. } => "settle",
            Self::Recheck { .. } => "recheck",
            Self::Look { .. } => "look",
            Self::Mail { .. } => "mail",
            Self::Finish { .. } => "finish",
            Self::Nag { .. } => "nag",
            Self::Watch => "watch",
            Self::AlertPost { .. } => "alert_post",
            Self::Reseal => "reseal",
            Self::WatchAttempts { .. } => "watch_attempts",
            Self::ReleaseProvisional { .. } => "release_provisional",
            Self::RemindChoice { .. } => "remind_choice",
            Self::GiveOutCheckpoint { .. } => "give_out_checkpoint",
            Self::CheckAudit { .. } => "check_audit",
            Self::KeepBackups => "keep_backups",
            Self::Backup => "backup",
            Self::Drill => "drill",
            Self::CompareHeld => "compare_held",
            Self::Erase { .. } => "erase",
            Self::Sweep => "sweep",
        }
    }
}

/// When two orders of the same work are one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dedupe {
    /// For ever: an order with this key is accepted once, done or not (mails, reminders).
    Once(String),
    /// While one is open: a second order wakes the open one (due at the earlier time) instead of adding a row; a run that began
    /// before the second order is repeated.
    Open(String),
}

/// A job as it is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJob {
    /// Names it.
    pub id: Id<Job>,
    /// What to do.
    pub work: Work,
    /// When it is the same as another.
    pub dedupe: Dedupe,
    /// Jobs of one stream run one at a time in the order of `sequence`.
    pub stream: Option<String>,
    /// Order in the stream; the store gives the id's order where equal.
    pub sequence: i64,
    /// Not before this (business time).
    pub due: Timestamp,
    /// Not after this: a stale reminder is dropped, not sent.
    pub not_after: Option<Timestamp>,
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// To be done.
    Open,
    /// Done.
    Done,
    /// Given up; a person can see and retry it.
    Dead,
    /// Its time had passed before it could run.
    Stale,
}

/// A stored job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Names it.
    pub id: Id<Job>,
    /// What to do.
    pub work: Work,
    /// Its stream.
    pub stream: Option<String>,
    /// Its order there.
    pub sequence: i64,
    /// Not before this.
    pub due: Timestamp,
    /// Not after this.
    pub not_after: Option<Timestamp>,
    /// Runs so far.
    pub attempt: i64,
    /// How often it was ordered while open; see [`Dedupe::Open`].
    pub wake: i64,
    /// How it stands.
    pub state: JobState,
    /// The lease under which it runs: an opaque text, different for every run.
    pub lease: Option<String>,
    /// What went wrong last (never a secret, never an address).
    pub last_error: Option<String>,
    /// When it was ordered.
    pub created_at: Timestamp,
}

impl Kind for Job {
    const PREFIX: &'static str = "job";
}

/// How long to wait before attempt `attempt + 1`: 5 s doubling up to an hour, with up to a quarter more by `jitter` (0–255).
pub fn backoff_seconds(attempt: i64, jitter: u8) -> i64 {
    let doublings = u32::try_from(attempt.clamp(0, 10)).unwrap_or(10);
    let base = (5_i64 << doublings).min(3_600);
    base + base * i64::from(jitter) / 1_024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_and_is_bounded() {
        assert_eq!(backoff_seconds(0, 0), 5);
        assert_eq!(backoff_seconds(3, 0), 40);
        assert_eq!(backoff_seconds(1_000, 255), 3_600 + 3_600 * 255 / 1_024);
        assert!((0..20).all(|n| backoff_seconds(n, 0) <= backoff_seconds(n + 1, 0)));
    }
}
