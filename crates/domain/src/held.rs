//! An installation that was restored from a backup and is *held*: nothing goes out until the calendars were compared and an administrator
//! released it.

use serde::{Deserialize, Serialize};

use crate::{Id, Timestamp, interviews::Interview};

/// That the installation is held, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Since when.
    pub since: Timestamp,
    /// The backup's name.
    pub backup: String,
    /// The moment whose content was restored. What happened between then and now is not in the database.
    pub as_of: Timestamp,
    /// How many erasures were done again, or none where there was no list.
    pub erasures: Option<u64>,
}

/// What the live calendar says of an interview's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It lies where the database has it.
    Same,
    /// It lies elsewhere.
    Moved,
    /// It is not there.
    Missing,
    /// The calendar could not be read.
    Unreadable,
    /// An event of ours for an interview that the database does not know: made after the backup.
    Unknown,
}

impl Found {
    /// As stored and in message files.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Moved => "moved",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Unknown => "unknown",
        }
    }
}

/// One line of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Which interview.
    pub interview: Id<Interview>,
    /// What the calendar says.
    pub found: Found,
    /// When it begins by the database.
    pub stored: Option<Timestamp>,
    /// When it begins by the calendar.
    pub live: Option<Timestamp>,
}

/// The comparison of every future interview's event with its calendar. It goes on over several runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// Line by line.
    pub lines: Vec<Compared>,
    /// When everything was compared.
    pub finished_at: Option<Timestamp>,
}

impl Comparison {
    /// How many lines say so.
    pub fn count(&self, found: Found) -> usize {
        self.lines.iter().filter(|line| line.found == found).count()
    }
}
