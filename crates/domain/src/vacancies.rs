//! A vacancy: the position, its manager, its rounds and its policy. Approval starts the work.

use serde::{Deserialize, Serialize};

use crate::{Id, Rev, Timestamp, id::Kind, people::Person, rounds::Round};

/// How a vacancy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VacancyState {
    /// Being prepared: nothing is booked or mailed.
    Draft,
    /// Approved: Greenroom works on it.
    Approved,
    /// Over: nothing new is started.
    Closed,
}

/// Where an interview takes place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Place {
    /// A room or street address, at most 255 characters.
    Address(String),
    /// A meeting URL.
    Url(String),
    /// A Zoho Meeting made with the event.
    ZohoMeeting,
}

impl Place {
    /// For mails, pages and the calendar's location field; `None` where the provider makes it.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Address(text) | Self::Url(text) => Some(text),
            Self::ZohoMeeting => None,
        }
    }
}

/// Who picks the times of interviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheduling {
    /// Greenroom: each candidate gets the earliest time that is left.
    #[default]
    Greenroom,
    /// The candidate, by a link.
    Candidate,
}

/// What the hours of the place where a candidate lives count, where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CandidateHours {
    /// Times between 07:00 and 22:00 there are taken where there are any.
    #[default]
    Prefer,
    /// No other time is.
    Require,
    /// They count nothing.
    Ignore,
}

/// What is done where a new meeting overlaps an interview that was booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateConflict {
    /// A person is asked.
    #[default]
    Ask,
    /// The interview moves to the next time that fits, and a person is asked only where there is none.
    Move,
}

/// What Greenroom may do by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Whether provisional times are proposed where permission does not come.
    pub provisional: bool,
    /// How long permission is waited for first, in hours.
    pub provisional_after_hours: i64,
    /// Who picks the times.
    #[serde(default)]
    pub scheduling: Scheduling,
    /// Until how many hours before the start a candidate may move or cancel by themselves.
    #[serde(default = "one_day")]
    pub change_notice_hours: i64,
    /// How many days a candidate's link to pick a time lives.
    #[serde(default = "two_weeks")]
    pub choice_days: i64,
    /// Whether candidates are asked to come at night.
    #[serde(default)]
    pub candidate_hours: CandidateHours,
    /// What is done where a new meeting overlaps an interview.
    #[serde(default)]
    pub late_conflict: LateConflict,
}

const fn one_day() -> i64 {
    24
}

const fn two_weeks() -> i64 {
    14
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            provisional: true,
            provisional_after_hours: 48,
            scheduling: Scheduling::Greenroom,
            change_notice_hours: one_day(),
            choice_days: two_weeks(),
            candidate_hours: CandidateHours::Prefer,
            late_conflict: LateConflict::Ask,
        }
    }
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vacancy {
    /// Names the vacancy.
    pub id: Id<Vacancy>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// As people read it.
    pub title: String,
    /// Who interviews.
    pub manager: Id<Person>,
    /// Who asks, as the manager reads it (a name).
    pub requested_by: String,
    /// How it stands.
    pub state: VacancyState,
    /// Since when nothing is started for it.
    pub paused_at: Option<Timestamp>,
    /// Its rounds, in order.
    pub rounds: Vec<Round>,
    /// Where interviews take place; approval needs it.
    pub place: Option<Place>,
    /// What may happen without a person.
    pub policy: Policy,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// Why the last attempt to arrange interviews did not finish (a code), and since when.
    pub stuck: Option<Stuck>,
    /// The integrator's own id, unique among vacancies.
    pub external_id: Option<String>,
    /// When the row was made.
    pub created_at: Timestamp,
}

/// What keeps a vacancy from going on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// A reason code.
    pub code: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again by itself; `None`: a person must act.
    pub retry_at: Option<Timestamp>,
}

impl Kind for Vacancy {
    const PREFIX: &'static str = "vac";
}

impl Vacancy {
    /// The first round.
    pub fn round(&self) -> Option<&Round> {
        self.rounds.first()
    }

    /// Whether anybody but the manager alone interviews in some round.
    pub fn has_panels(&self) -> bool {
        self.rounds.iter().any(|round| !round.panel.seats.is_empty())
    }

    /// One round by its place in the order, from 1.
    pub fn round_at(&self, position: i64) -> Option<&Round> {
        self.rounds.iter().find(|round| round.position == position)
    }

    /// Why the vacancy cannot be approved, if it cannot.
    pub fn approval_problem(&self, candidates: usize) -> Option<ApprovalProblem> {
        if self.state == VacancyState::Closed {
            Some(ApprovalProblem::Closed)
        } else if self.place.is_none() {
            Some(ApprovalProblem::NoPlace)
        } else if candidates == 0 {
            Some(ApprovalProblem::EmptyShortlist)
        } else {
            None
        }
    }
}

/// Why an approval is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalProblem {
    /// It is over.
    #[error("the vacancy is closed; make a new one")]
    Closed,
    /// Nobody would know where to go.
    #[error("the vacancy has no place; set an address, a meeting URL or Zoho Meeting, then approve it")]
    NoPlace,
    /// There is nobody to invite.
    #[error("the shortlist is empty; add at least one candidate, then approve the vacancy")]
    EmptyShortlist,
}

/// Whom or what a vacancy waits for, for people and machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// A code: `permission`, `administrator`, `calendar`, `time`, `interview`, `feedback`, `recruiter`, `nothing`.
    pub on: String,
    /// The person waited for, by name.
    pub who: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// What happens next, as a code: `ask_again`, `propose_provisional`, `read_again`, `interview_starts`, `remind`, ….
    pub next: Option<String>,
    /// When it happens.
    pub next_at: Option<Timestamp>,
}
