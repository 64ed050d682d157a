//! Erasing a person: what was asked, how far it is, and the line that outlives every backup.
//!
//! The row is kept for ever and names nobody: an id, a kind, times and a count. It is how a job that was killed goes on, how a page says
//! that somebody was erased, and how a restored backup learns whom to erase again.

use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, people::Person};

/// The name that an erased person has from then on, in answers and on pages. Not a word of any language's page: a mark.
pub const ERASED_NAME: &str = "(erased)";

/// The address that stands where an erased address stood in rows that must have one (RFC 2606: nobody can have it).
pub const ERASED_ADDRESS: &str = "erased@erased.invalid";

/// As what the person was known. Who was both counts as manager: more is erased then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// On shortlists only.
    Candidate,
    /// Owner of a calendar.
    Manager,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Somebody asked for it.
    Request,
    /// The retention time is over.
    Age,
    /// A backup from before the erasure was restored.
    Replay,
}

/// How far it is. Each stage can be killed at any instruction and begun again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Interviews are cancelled; people are being told. The person's own data are still there.
    Telling,
    /// The data are gone from the store and from files; events in calendars are being removed.
    Calendars,
    /// Everything is gone; looked at once more, for what was under way when it went.
    Checking,
    /// Done.
    Done,
}

/// See the module's header. One per person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Who: the empty row that stays.
    pub person: Id<Person>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// As what.
    pub kind: Kind,
    /// Why.
    pub why: Why,
    /// Since when.
    pub requested_at: Timestamp,
    /// How far.
    pub stage: Stage,
    /// Since when it is there.
    pub stage_at: Timestamp,
    /// Whether the erasure list, which stands beside the backups, has it.
    pub listed: bool,
    /// Events that could not be removed from calendars, because the permission had ended or the provider did not answer in time.
    pub events_left: i64,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
}

impl Erasure {
    /// A fresh one.
    pub const fn new(person: Id<Person>, kind: Kind, why: Why, now: Timestamp) -> Self {
        Self {
            person,
            rev: 1,
            kind,
            why,
            requested_at: now,
            stage: Stage::Telling,
            stage_at: now,
            listed: false,
            events_left: 0,
            finished_at: None,
        }
    }

    /// Enters a stage, unless it is there or beyond.
    pub fn enter(&mut self, stage: Stage, now: Timestamp) {
        if self.stage != stage {
            self.stage = stage;
            self.stage_at = now;
        }
        if stage == Stage::Done {
            self.finished_at.get_or_insert(now);
        }
    }

    /// What the erasure list holds of it.
    pub const fn line(&self) -> Line {
        Line { id: self.person, kind: self.kind, at: self.requested_at }
    }
}

/// One line of `erasures.jsonl`: whom a restored backup must lose again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Who.
    pub id: Id<Person>,
    /// As what.
    pub kind: Kind,
    /// When it was asked for.
    pub at: Timestamp,
}

/// What is to be taken out of the store in one change; the person's own row is put beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wipe {
    /// Whose.
    pub person: Id<Person>,
    /// Their addresses, as they are compared (`EmailAddress::key`). None once they are gone.
    pub addresses: Vec<String>,
    /// Longer texts by which kept answers and callers' keys are recognised that name them: the name, the integrator's id.
    pub words: Vec<String>,
    /// The recruiter's address, which is nobody's personal row and stays in the list of sent mails.
    pub recruiter: Option<String>,
    /// The answer that takes the place of a kept answer that held their data.
    pub answer: String,
    /// Whether grants and references to events go too: only after the calendars were seen to.
    pub calendars: bool,
}

/// What grows with use and is of no use later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// Jobs that are done or stale, unless an interview of theirs is still open.
    Jobs,
    /// Claims of cells in the past.
    Claims,
    /// `Idempotency-Key`s with their answers.
    Idempotency,
    /// Links that were used up, made void or have expired.
    Links,
    /// Log-ins that were revoked or have ended.
    Sessions,
    /// The list of sent mails.
    Mails,
}

impl Sweep {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::Jobs, Self::Claims, Self::Idempotency, Self::Links, Self::Sessions, Self::Mails];

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::Claims => "claims",
            Self::Idempotency => "idempotency",
            Self::Links => "links",
            Self::Sessions => "sessions",
            Self::Mails => "mails",
        }
    }

    /// How long it is kept, in hours.
    pub const fn kept_hours(self) -> i64 {
        match self {
            Self::Jobs => 30 * 24,
            Self::Claims | Self::Idempotency => 24,
            Self::Links => 90 * 24,
            Self::Sessions => 7 * 24,
            Self::Mails => 180 * 24,
        }
    }
}

/// Rows of one table that are about a person, as the export shows them: never a token, a hash or anything sealed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Held {
    /// The table.
    pub table: &'static str,
    /// Its rows: columns by name, instants in RFC 3339.
    pub rows: Vec<serde_json::Map<String, serde_json::Value>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_an_id_a_kind_and_a_time_and_nothing_else() {
        let person = "per_00000000000000000000000000000007".parse().unwrap();
        let erasure = Erasure::new(person, Kind::Candidate, Why::Request, "2026-11-23T08:00:00Z".parse().unwrap());
        let text = serde_json::to_string(&erasure.line()).unwrap();
        assert_eq!(text, r#"{"id":"per_00000000000000000000000000000007","kind":"candidate","at":"2026-11-23T08:00:00Z"}"#);
        assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), erasure.line());
    }

    #[test]
    fn it_ends_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut erasure = Erasure::new("per_00000000000000000000000000000007".parse().unwrap(), Kind::Manager, Why::Age, at(0));
        erasure.enter(Stage::Done, at(5));
        erasure.enter(Stage::Done, at(9));
        assert_eq!((erasure.stage_at, erasure.finished_at), (at(5), Some(at(5))));
    }

    #[test]
    fn every_sweep_has_the_code_it_is_reported_under() {
        for sweep in Sweep::ALL {
            assert_eq!(serde_json::to_value(sweep).unwrap(), sweep.code());
        }
    }
}
