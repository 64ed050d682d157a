//! A candidate's choice of a time for one round: since when they are asked, what is held for them, what they chose, and the times of
//! their own that they gave where none fits.
//!
//! A hold belongs to an interview that does not exist yet: it has that interview's id already, so that the claims of the hold become the
//! claims of the booking. It ends by itself.

mod wish;

use jiff::SignedDuration;
use scheduling::TimeRange;
use serde::{Deserialize, Serialize};
pub use wish::{MOST_WISHES, Wish, WishError, WishProblem, Wishes, read_wishes};

use crate::{
    Id, Rev, Timestamp,
    candidacies::Candidacy,
    id::Kind,
    interviews::{By, Interview, InterviewState},
    people::Person,
    vacancies::{Policy, Vacancy},
};

/// How long a time is held where nobody says, in minutes.
pub const HOLD_MINUTES: i64 = 10;
/// The longest hold, in minutes: 72 hours.
pub const MOST_HOLD_MINUTES: i64 = 72 * 60;
/// Days after the request at which the candidate is reminded; as long again after the last, the recruiter is told.
pub const REMINDER_DAYS: [i64; 2] = [2, 4];
/// Days after the request at which the recruiter is told that the candidate does not answer.
pub const SILENCE_DAYS: i64 = 6;

/// Time that is kept for a candidate for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The interview it becomes.
    pub interview: Id<Interview>,
    /// When.
    pub range: TimeRange,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// See the module's header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Names it.
    pub id: Id<Choice>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// The vacancy.
    pub vacancy: Id<Vacancy>,
    /// The place on the shortlist.
    pub candidacy: Id<Candidacy>,
    /// The candidate.
    pub person: Id<Person>,
    /// Which round, from 1.
    pub round: i64,
    /// Since when the candidate is asked; `None` where only a caller of the API holds and books.
    pub asked_at: Option<Timestamp>,
    /// Reminders sent since.
    pub reminders: i64,
    /// Since when nobody is reminded any more: the recruiter was told.
    pub silent_since: Option<Timestamp>,
    /// What is held.
    pub hold: Option<Hold>,
    /// What was chosen.
    pub interview: Option<Id<Interview>>,
    /// Times of the candidate's own.
    pub wishes: Option<Wishes>,
    /// When the row was made.
    pub created_at: Timestamp,
}

impl Kind for Choice {
    const PREFIX: &'static str = "chc";
}

/// What may happen to a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// The candidate is asked, for the first time or anew.
    Ask,
    /// A time is held; what was held before is given back.
    Hold(Hold),
    /// What is held is given back.
    Release,
    /// A time was chosen and is being booked.
    Book(Id<Interview>),
    /// None of the offered times fits.
    Wish(Wishes),
    /// A reminder goes out.
    Remind,
    /// Nobody answered: the recruiter is told.
    GiveUp,
}

/// What the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// A time is chosen already.
    #[error("a time is chosen already; move or cancel that interview instead")]
    Chosen,
    /// Nothing is held, or no longer.
    #[error("no time is held any more; look at the offers again and hold another")]
    NotHeld,
    /// The candidate may no longer change it by themselves.
    #[error("it is too close to the interview for the candidate to change it; a person must")]
    TooLate,
}

impl Refused {
    /// A stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Chosen => "already_chosen",
            Self::NotHeld => "no_hold",
            Self::TooLate => "too_late",
        }
    }
}

impl Choice {
    /// A choice that nobody was asked for yet.
    pub const fn new(id: Id<Self>, candidacy: &Candidacy, round: i64, at: Timestamp) -> Self {
        Self {
            id,
            rev: 0,
            vacancy: candidacy.vacancy,
            candidacy: candidacy.id,
            person: candidacy.person,
            round,
            asked_at: None,
            reminders: 0,
            silent_since: None,
            hold: None,
            interview: None,
            wishes: None,
            created_at: at,
        }
    }

    /// What is held at `now`.
    pub fn held(&self, now: Timestamp) -> Option<&Hold> {
        self.hold.as_ref().filter(|hold| hold.expires_at > now)
    }

    /// When the next reminder is due, or the recruiter is told; `None` where nobody is waited for.
    pub fn next_reminder(&self) -> Option<Timestamp> {
        if self.interview.is_some() || self.silent_since.is_some() || self.wishes.is_some() {
            return None;
        }
        let sent = usize::try_from(self.reminders).unwrap_or(usize::MAX);
        let days = REMINDER_DAYS.get(sent).copied().unwrap_or(SILENCE_DAYS);
        self.asked_at?.checked_add(SignedDuration::from_hours(24 * days)).ok()
    }

    /// The hold that a command gives back.
    pub const fn given_back(&self, command: &Command) -> Option<Id<Interview>> {
        match (&self.hold, command) {
            (Some(hold), Command::Hold(_) | Command::Release | Command::Ask) => Some(hold.interview),
            _ => None,
        }
    }
}

/// Decides what a command does. Pure.
///
/// # Errors
/// [`Refused`] where the state does not allow it; nothing changes then.
pub fn decide(choice: &Choice, command: Command, now: Timestamp) -> Result<Choice, Refused> {
    let mut next = choice.clone();
    next.rev += 1;
    if next.interview.is_some() && !matches!(command, Command::Ask | Command::Release) {
        return Err(Refused::Chosen);
    }
    match command {
        Command::Ask => {
            next.asked_at = Some(now);
            (next.reminders, next.silent_since) = (0, None);
            (next.hold, next.interview, next.wishes) = (None, None, None);
        }
        Command::Hold(hold) => next.hold = Some(hold),
        Command::Release => next.hold = None,
        Command::Book(interview) => {
            if next.hold.as_ref().is_some_and(|hold| hold.interview == interview) && next.held(now).is_none() {
                return Err(Refused::NotHeld);
            }
            (next.hold, next.interview, next.silent_since) = (None, Some(interview), None);
        }
        Command::Wish(wishes) => {
            next.silent_since = None;
            next.wishes = Some(wishes);
        }
        Command::Remind => next.reminders += 1,
        Command::GiveUp => next.silent_since = Some(now),
    }
    Ok(next)
}

/// Whether a candidate may move or cancel an interview by themselves: until so many hours before it starts.
///
/// # Errors
/// [`Refused::TooLate`] from then on, and once it is over.
pub fn may_change(interview: &Interview, policy: &Policy, by: By, now: Timestamp) -> Result<(), Refused> {
    if by != By::Candidate {
        return Ok(());
    }
    match change_until(interview, policy) {
        Some(end) if now < end => Ok(()),
        _ => Err(Refused::TooLate),
    }
}

/// Until when a candidate may change an interview; `None` where they may not at all.
pub fn change_until(interview: &Interview, policy: &Policy) -> Option<Timestamp> {
    let open = matches!(interview.state, InterviewState::Booking | InterviewState::Booked);
    let end = interview.range.start().checked_sub(SignedDuration::from_hours(policy.change_notice_hours)).ok()?;
    open.then_some(end)
}

/// At most `most` of `times`, spread evenly over them, the first and the last among them.
pub fn spread(times: &[TimeRange], most: usize) -> Vec<TimeRange> {
    if times.len() <= most {
        return times.to_vec();
    }
    let gaps = most.saturating_sub(1).max(1);
    (0..most).filter_map(|place| times.get(place * (times.len() - 1) / gaps)).copied().collect()
}

#[cfg(test)]
mod tests;
