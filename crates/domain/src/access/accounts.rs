//! Dashboard accounts: people who log in.

use serde::{Deserialize, Serialize};

use super::Role;
use crate::{EmailAddress, Id, Rev, Timestamp, id::Kind};

/// Somebody who may log in to the dashboard.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Names the account, in the audit log too.
    pub id: Id<Account>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// What they log in with; unique.
    pub email: EmailAddress,
    /// As pages show them.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The password's hash in PHC form; `None` until one is set.
    pub password: Option<String>,
    /// When the password was set.
    pub password_set_at: Option<Timestamp>,
    /// Issuer and subject at the identity provider, from the first single sign-on on.
    pub subject: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody logs in with it.
    pub disabled_at: Option<Timestamp>,
}

impl Kind for Account {
    const PREFIX: &'static str = "acc";
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let password = self.password.as_ref().map(|_| "[redacted]");
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("rev", &self.rev)
            .field("role", &self.role)
            .field("password", &password)
            .field("disabled_at", &self.disabled_at)
            .finish_non_exhaustive()
    }
}

impl Account {
    /// Whether somebody may log in with it.
    pub const fn is_live(&self) -> bool {
        self.disabled_at.is_none()
    }
}
