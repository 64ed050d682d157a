//! Alerts: what an administrator must know before something breaks, and when it has.
//!
//! One row per kind and subject while it lasts: raising it again changes nothing that is told, so a failure that repeats is not a storm.

use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, id::Kind};

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something will break unless somebody acts.
    Warning,
    /// Something is broken.
    Critical,
}

/// What is wrong. Its code stands in the database, in metrics and in message files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// Two refreshes in a row failed. Subject: the grant.
    RefreshFailing,
    /// 18 of the 20 refresh tokens a provider keeps per user and client are in use. Subject: the grant.
    RefreshTokensNearLimit,
    /// 80 % of a refresh budget is spent. Subject: the grant.
    RefreshBudgetNearLimit,
    /// A scope that booking needs was not granted. Subject: the grant.
    ScopeMissing,
    /// A grant ended without us. Subject: the grant.
    AccessLost,
    /// A refresh token that rotates was lost in a crash. Subject: the grant.
    RotationLost,
    /// A sealed token does not open: altered, or moved from another row. Subject: the grant.
    SealBroken,
    /// The provider refuses our client id or secret. Subject: `provider:data centre`.
    Misconfigured,
    /// The provider answers what its protocol does not know. Subject: `provider:data centre`.
    ProtocolFailure,
    /// Calls of a data centre are suspended after failures in a row. Subject: `provider:data centre`.
    CircuitOpen,
    /// The share of failed calls rises. Subject: `provider:data centre`.
    ErrorRateRising,
    /// The audit chain does not hold. Subject: `audit`.
    AuditBroken,
    /// A backup could not be made, or the newest is too old. Subject: `backups`.
    BackupFailed,
    /// The restore drill found a backup that is no use. Subject: `backups`.
    DrillFailed,
    /// The database was restored and waits for an administrator. Subject: `installation`.
    Held,
    /// Refreshes are due and nobody makes them: no worker runs. Subject: `worker`.
    RefreshOverdue,
    /// A job was given up. Subject: the job's kind.
    JobsGivenUp,
    /// A reminder came too late to be sent. Subject: `reminders`.
    RemindersMissed,
    /// Somebody tries passwords. Subject: the account or network.
    LoginUnderAttack,
    /// The server's certificate ends soon or cannot be read again. Subject: `certificate`.
    CertificateEnding,
    /// Many events of a calendar changed at once; none of it is believed until a person says so. Subject: the grant.
    MassChange,
    /// The disk is nearly full. Subject: `disk`.
    DiskLow,
    /// The machine's clock and the database's disagree. Subject: `clock`.
    ClockSkew,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 23] = [
        Self::RefreshFailing,
        Self::RefreshTokensNearLimit,
        Self::RefreshBudgetNearLimit,
        Self::ScopeMissing,
        Self::AccessLost,
        Self::RotationLost,
        Self::SealBroken,
        Self::Misconfigured,
        Self::ProtocolFailure,
        Self::CircuitOpen,
        Self::ErrorRateRising,
        Self::AuditBroken,
        Self::BackupFailed,
        Self::DrillFailed,
        Self::Held,
        Self::RefreshOverdue,
        Self::JobsGivenUp,
        Self::RemindersMissed,
        Self::LoginUnderAttack,
        Self::CertificateEnding,
        Self::MassChange,
        Self::DiskLow,
        Self::ClockSkew,
    ];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RefreshFailing => "refresh_failing",
            Self::RefreshTokensNearLimit => "refresh_tokens_near_limit",
            Self::RefreshBudgetNearLimit => "refresh_budget_near_limit",
            Self::ScopeMissing => "scope_missing",
            Self::AccessLost => "access_lost",
            Self::RotationLost => "rotation_lost",
            Self::SealBroken => "seal_broken",
            Self::Misconfigured => "misconfigured",
            Self::ProtocolFailure => "protocol_failure",
            Self::CircuitOpen => "circuit_open",
            Self::ErrorRateRising => "error_rate_rising",
            Self::AuditBroken => "audit_broken",
            Self::BackupFailed => "backup_failed",
            Self::DrillFailed => "drill_failed",
            Self::Held => "held",
            Self::RefreshOverdue => "refresh_overdue",
            Self::JobsGivenUp => "jobs_given_up",
            Self::RemindersMissed => "reminders_missed",
            Self::LoginUnderAttack => "login_under_attack",
            Self::CertificateEnding => "certificate_ending",
            Self::MassChange => "mass_change",
            Self::DiskLow => "disk_low",
            Self::ClockSkew => "clock_skew",
        }
    }

    /// How bad.
    pub const fn severity(self) -> Severity {
        match self {
            Self::RefreshFailing
            | Self::RefreshTokensNearLimit
            | Self::RefreshBudgetNearLimit
            | Self::ErrorRateRising
            | Self::RemindersMissed
            | Self::LoginUnderAttack
            | Self::CertificateEnding
            | Self::DiskLow
            | Self::ClockSkew => Severity::Warning,
            Self::ScopeMissing
            | Self::AccessLost
            | Self::RotationLost
            | Self::SealBroken
            | Self::Misconfigured
            | Self::ProtocolFailure
            | Self::CircuitOpen
            | Self::AuditBroken
            | Self::BackupFailed
            | Self::DrillFailed
            | Self::Held
            | Self::MassChange
            | Self::RefreshOverdue
            | Self::JobsGivenUp => Severity::Critical,
        }
    }
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Names it.
    pub id: Id<Alert>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// What is wrong.
    pub kind: AlertKind,
    /// With what: an id, or a name such as `zoho:eu`.
    pub subject: String,
    /// Parameters of the sentence: numbers, classes, instants; never a secret, an address or a title.
    pub details: serde_json::Value,
    /// Since when.
    pub raised_at: Timestamp,
    /// When somebody was told last that it lasts.
    pub told_at: Option<Timestamp>,
    /// Since when it is over.
    pub ended_at: Option<Timestamp>,
    /// When somebody was told that it is over.
    pub ended_told_at: Option<Timestamp>,
}

impl Kind for Alert {
    const PREFIX: &'static str = "alt";
}

impl Alert {
    /// The name that keeps one kind and subject from having two rows at once.
    pub fn name(kind: AlertKind, subject: &str) -> String {
        format!("{}:{subject}", kind.code())
    }
}

/// What one letter or webhook says: everything that is news, sorted by kind. Made once, so that a repeat says the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest {
    /// When it was made.
    pub at: Timestamp,
    /// One per kind, the worst first.
    pub sections: Vec<Section>,
}

/// What is news of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Section {
    /// What is or was wrong.
    pub kind: AlertKind,
    /// What began.
    pub began: Vec<News>,
    /// What has lasted for so long that it is said again.
    pub lasting: Vec<News>,
    /// What is over.
    pub over: Vec<News>,
    /// How many more there are than are named.
    pub more: u32,
}

/// One alert in a digest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct News {
    /// [`Alert::subject`].
    pub subject: String,
    /// Since when.
    pub since: Timestamp,
    /// Since when it is over.
    pub until: Option<Timestamp>,
}

/// Alerts of one kind and sort that a digest names; the rest is a number.
const NAMED: usize = 20;

/// Seconds that must pass between two digests that tell of one kind, after `told` digests within a day: ten minutes, then half an hour,
/// then an hour. A storm becomes a few messages; what is new is never more than an hour late, and always at once on the dashboard.
pub const fn pause_seconds(told: usize) -> i64 {
    match told {
        0 => 0,
        1 => 600,
        2 => 1_800,
        _ => 3_600,
    }
}

/// What is to be told now, and of whom: alerts that nobody was told of (`untold`), by kind, except kinds that were told of a moment ago
/// (`told`: each kind with each instant of the last day). `None`: nothing.
pub fn digest(untold: &[Alert], told: &[(AlertKind, Timestamp)], now: Timestamp) -> Option<(Digest, Vec<Id<Alert>>)> {
    let mut kinds: Vec<AlertKind> = untold.iter().map(|alert| alert.kind).collect();
    kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.severity()), *kind));
    kinds.dedup();
    let (mut sections, mut ids) = (Vec::new(), Vec::new());
    for kind in kinds {
        let times: Vec<Timestamp> = told.iter().filter(|(of, _)| *of == kind).map(|(_, at)| *at).collect();
        let before = times.iter().max();
        if before.is_some_and(|before| now.as_second() - before.as_second() < pause_seconds(times.len())) {
            continue;
        }
        let mut section = Section { kind, began: Vec::new(), lasting: Vec::new(), over: Vec::new(), more: 0 };
        for alert in untold.iter().filter(|alert| alert.kind == kind) {
            ids.push(alert.id);
            let list = match (alert.ended_at, alert.told_at) {
                (Some(_), _) => &mut section.over,
                (None, None) => &mut section.began,
                (None, Some(_)) => &mut section.lasting,
            };
            if list.len() < NAMED {
                list.push(News { subject: alert.subject.clone(), since: alert.raised_at, until: alert.ended_at });
            } else {
                section.more += 1;
            }
        }
        sections.push(section);
    }
    (!sections.is_empty()).then_some((Digest { at: now, sections }, ids))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_the_code_it_is_stored_under() {
        for kind in AlertKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.code());
        }
        let mut codes: Vec<&str> = AlertKind::ALL.iter().map(|kind| kind.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), AlertKind::ALL.len());
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn alert(number: u128, kind: AlertKind, raised: i64) -> Alert {
        Alert {
            id: Id::new(uuid::Uuid::from_u128(number)),
            rev: 1,
            kind,
            subject: format!("subject {number}"),
            details: serde_json::Value::Null,
            raised_at: at(raised),
            told_at: None,
            ended_at: None,
            ended_told_at: None,
        }
    }

    #[test]
    fn a_storm_is_one_message_with_names_and_a_number() {
        let storm: Vec<Alert> = (0..200).map(|number| alert(number, AlertKind::RefreshFailing, 0)).collect();
        let (digest, ids) = digest(&storm, &[], at(1)).unwrap();
        assert_eq!((digest.sections.len(), digest.sections[0].began.len(), digest.sections[0].more), (1, 20, 180));
        assert_eq!(ids.len(), 200);
    }

    #[test]
    fn a_kind_that_was_told_a_moment_ago_waits_and_others_do_not() {
        let both = [alert(1, AlertKind::RefreshFailing, 0), alert(2, AlertKind::CircuitOpen, 0)];
        let told = [(AlertKind::RefreshFailing, at(0))];
        let kinds = |minutes| {
            digest(&both, &told, at(minutes)).map(|(digest, _)| digest.sections.iter().map(|section| section.kind).collect())
        };
        assert_eq!(kinds(9), Some(vec![AlertKind::CircuitOpen]));
        assert_eq!(kinds(10), Some(vec![AlertKind::CircuitOpen, AlertKind::RefreshFailing]), "the worst first");
        let told = [(AlertKind::CircuitOpen, at(0)), (AlertKind::RefreshFailing, at(0)), (AlertKind::RefreshFailing, at(10))];
        assert!(digest(&both[..1], &told, at(39)).is_none());
        assert!(digest(&both[..1], &told, at(40)).is_some());
    }

    #[test]
    fn beginnings_ends_and_what_lasts_are_told_apart() {
        let ended = Alert { ended_at: Some(at(5)), ..alert(1, AlertKind::DiskLow, 0) };
        let lasting = Alert { told_at: Some(at(0)), ..alert(2, AlertKind::DiskLow, 0) };
        let (digest, _) = digest(&[ended, lasting, alert(3, AlertKind::DiskLow, 6)], &[], at(2_000)).unwrap();
        let section = &digest.sections[0];
        let subjects = |news: &[News]| news.iter().map(|news| news.subject.clone()).collect::<Vec<_>>();
        assert_eq!(subjects(&section.over), ["subject 1"]);
        assert_eq!(subjects(&section.lasting), ["subject 2"]);
        assert_eq!(subjects(&section.began), ["subject 3"]);
        assert_eq!(section.over[0].until, Some(at(5)));
    }
}
