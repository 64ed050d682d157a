//! Persons: managers and candidates. A person has an id and one or more e-mail addresses; roles come from what they take part in.

use std::collections::BTreeSet;

use scheduling::{Rules, Zone};
use serde::{Deserialize, Serialize};

use crate::{EmailAddress, Id, Rev, Timestamp, id::Kind};

/// A manager (an interviewer who owns a calendar), a candidate, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Who this is.
    pub id: Id<Person>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// As mails address them.
    pub name: String,
    /// At least one; the first is where mail goes. Each is unique in the installation.
    pub emails: Vec<EmailAddress>,
    /// The zone they live in, when known. For a candidate without one, mails give the interview's zone and UTC.
    pub zone: Option<Zone>,
    /// When they can be booked. `None`: the installation's default week in the calendar's zone.
    pub rules: Option<Rules>,
    /// What they can examine, as panels ask for it: `rust`, `leadership`.
    #[serde(default)]
    pub skills: BTreeSet<String>,
    /// The integrator's own id, unique among persons.
    pub external_id: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
}

impl Kind for Person {
    const PREFIX: &'static str = "per";
}

impl Person {
    /// Where mail goes; `None` only for a person whose addresses were erased.
    pub fn email(&self) -> Option<&EmailAddress> {
        self.emails.first()
    }

    /// Whether `address` is one of theirs (the first, or an alias).
    pub fn has(&self, address: &EmailAddress) -> bool {
        self.emails.contains(address)
    }
}
