//! Roles: named sets of rights, for API keys and for dashboard accounts alike.

use std::{collections::BTreeSet, str::FromStr};

use serde::{Deserialize, Serialize};

use super::Right;

/// A named set of rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, except that lending tokens must be ticked besides.
    Admin,
    /// The desk's daily work.
    Recruiter,
    /// A program that recruits.
    Agent,
    /// Looks and reads the audit log; changes nothing.
    Auditor,
    /// Reads `/metrics`.
    Metrics,
}

impl Role {
    /// Every role, in the order shown to people.
    pub const ALL: [Self; 5] = [Self::Admin, Self::Recruiter, Self::Agent, Self::Auditor, Self::Metrics];
    /// Those a dashboard account can have.
    pub const OF_ACCOUNTS: [Self; 3] = [Self::Admin, Self::Recruiter, Self::Auditor];

    /// As callers and forms write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Recruiter => "recruiter",
            Self::Agent => "agent",
            Self::Auditor => "auditor",
            Self::Metrics => "metrics",
        }
    }

    /// What the role may do. No role lends tokens: that right is always ticked by itself, and beside [`Role::Admin`] only.
    pub fn rights(self) -> BTreeSet<Right> {
        let rights: &[Right] = match self {
            Self::Admin => &[
                Right::Read,
                Right::Propose,
                Right::Commit,
                Right::CalendarTitles,
                Right::Audit,
                Right::Metrics,
                Right::Administer,
            ],
            Self::Recruiter => &[Right::Read, Right::Propose, Right::Commit, Right::CalendarTitles],
            Self::Agent => &[Right::Read, Right::Propose, Right::Commit],
            Self::Auditor => &[Right::Read, Right::Audit],
            Self::Metrics => &[Right::Metrics],
        };
        rights.iter().copied().collect()
    }

    /// Whether the role may do this.
    pub fn may(self, right: Right) -> bool {
        self.rights().contains(&right)
    }
}

/// A text that names no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role; the roles are admin, recruiter, agent, auditor and metrics")]
pub struct BadRole(String);

impl FromStr for Role {
    type Err = BadRole;

    fn from_str(text: &str) -> Result<Self, BadRole> {
        let found = Self::ALL.into_iter().find(|role| role.code() == text.trim());
        found.ok_or_else(|| BadRole(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_hold_what_the_guide_says() {
        let codes = |role: Role| role.rights().iter().map(|right| right.code()).collect::<Vec<_>>().join(" ");
        assert_eq!(codes(Role::Admin), "read propose commit calendar_titles audit metrics administer");
        assert_eq!(codes(Role::Recruiter), "read propose commit calendar_titles");
        assert_eq!(codes(Role::Agent), "read propose commit");
        assert_eq!(codes(Role::Auditor), "read audit");
        assert_eq!(codes(Role::Metrics), "metrics");
    }

    #[test]
    fn no_role_lends() {
        assert!(Role::ALL.into_iter().all(|role| !role.may(Right::Lend)));
    }

    #[test]
    fn names_come_back() {
        for role in Role::ALL {
            assert_eq!(role.code().parse(), Ok(role));
        }
        assert!("root".parse::<Role>().unwrap_err().to_string().contains("recruiter"));
    }
}
