//! A candidate's place on a vacancy's shortlist.

use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, id::Kind, people::Person, vacancies::Vacancy};

/// One candidate on one shortlist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidacy {
    /// Names the place.
    pub id: Id<Candidacy>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// The vacancy.
    pub vacancy: Id<Vacancy>,
    /// The candidate.
    pub person: Id<Person>,
    /// Order on the shortlist, from 1: earlier ones get earlier times.
    pub position: i64,
    /// Why no time was found at the last attempt, and since when.
    pub unplaced: Option<Unplaced>,
    /// Since when the candidate is no longer considered.
    pub withdrawn_at: Option<Timestamp>,
    /// When the row was made.
    pub created_at: Timestamp,
}

/// No time could be offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplaced {
    /// Since when.
    pub since: Timestamp,
    /// Codes of the reasons, most frequent first (scheduling's reason codes).
    pub reasons: Vec<String>,
}

impl Kind for Candidacy {
    const PREFIX: &'static str = "cdy";
}
