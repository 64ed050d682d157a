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
    /// A job was given up. Subject: the job's kind.
    JobsGivenUp,
    /// A reminder came too late to be sent. Subject: `reminders`.
    RemindersMissed,
    /// Somebody tries passwords. Subject: the account or network.
    LoginUnderAttack,
    /// The server's certificate ends soon or cannot be read again. Subject: `certificate`.
    CertificateEnding,
    /// The disk is nearly full. Subject: `disk`.
    DiskLow,
    /// The machine's clock and the database's disagree. Subject: `clock`.
    ClockSkew,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
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
        Self::JobsGivenUp,
        Self::RemindersMissed,
        Self::LoginUnderAttack,
        Self::CertificateEnding,
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
            Self::JobsGivenUp => "jobs_given_up",
            Self::RemindersMissed => "reminders_missed",
            Self::LoginUnderAttack => "login_under_attack",
            Self::CertificateEnding => "certificate_ending",
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
    /// When somebody was told.
    pub told_at: Option<Timestamp>,
    /// Since when it is over.
    pub ended_at: Option<Timestamp>,
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
}
