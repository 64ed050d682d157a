//! What is no problem to plan, said before anything is searched.

use std::collections::BTreeSet;

use thiserror::Error;

use super::problem::{Days, Meeting, Problem, Round, Weights};
use crate::{CellSet, Panel, PanelError};

/// The most guests of one problem.
pub const MOST_GUESTS: usize = 5_000;
/// The most rounds of a loop.
pub const MOST_ROUNDS: usize = 20;
/// The most people of one problem.
pub const MOST_PEOPLE: usize = 5_000;
/// The most cells of a span: about a year.
pub const MOST_CELLS: usize = 110_000;

/// The longest free time that can count as a fragment.
pub const MOST_USEFUL_MINUTES: usize = 240;

/// The most minutes that a person can have carried before.
pub const MOST_CARRIED_MINUTES: usize = 6_000_000;

/// The most cells of all people for all rounds they are a member of: some hundred megabytes.
pub const MOST_START_CELLS: usize = 1_000_000_000;

/// Why a problem is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProblemError {
    /// More of something than is planned at once.
    #[error("{count} {what}; at most {most} are planned at once")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A loop without rounds.
    #[error("the loop needs at least one round")]
    NoRounds,
    /// A length that is not made of whole cells.
    #[error("round {round} has {minutes} minutes; use a multiple of 5 from 5 to 1440")]
    Length {
        /// Which, from 0.
        round: usize,
        /// What was given.
        minutes: u32,
    },
    /// Gaps between which nothing lies.
    #[error("round {round} may begin no sooner than {min} and no later than {max} minutes after the one before")]
    Gaps {
        /// Which, from 0.
        round: usize,
        /// The fewest, rounded up to five.
        min: u32,
        /// The most, rounded down to five.
        max: u32,
    },
    /// Groups that cannot be seated, whenever.
    #[error("round {round}: {source}")]
    Groups {
        /// Which, from 0.
        round: usize,
        /// What is wrong with them.
        source: PanelError,
    },
    /// A number that nothing in the problem has.
    #[error("{of} names {what} {number}, but there are only {count}, from 0")]
    Unknown {
        /// What names it.
        of: &'static str,
        /// What is named.
        what: &'static str,
        /// The number.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// Start cells for more or fewer rounds than there are.
    #[error("person {person} has start cells for {given} rounds of {rounds}")]
    Starts {
        /// Who.
        person: usize,
        /// For how many rounds.
        given: usize,
        /// How many there are.
        rounds: usize,
    },
    /// One meeting that is booked twice.
    #[error("round {round} of guest {guest} is pinned twice")]
    PinnedTwice {
        /// Whose.
        guest: usize,
        /// Which, from 0.
        round: usize,
    },
    /// A booked meeting in which somebody sits twice.
    #[error("person {person} sits twice in round {round} of guest {guest}, which is pinned")]
    SitsTwice {
        /// Whose.
        guest: usize,
        /// Which, from 0.
        round: usize,
        /// Who.
        person: usize,
    },
    /// A booked meeting that does not lie within the span.
    #[error("round {round} of guest {guest} is pinned outside of the span")]
    PinnedOutside {
        /// Whose.
        guest: usize,
        /// Which, from 0.
        round: usize,
    },
    /// A weight beyond which sums could overflow.
    #[error("a weight is {weight} (of rounds without a meeting: in millions); at most {} counts", Weights::MOST)]
    Weight {
        /// What was given, of rounds without a meeting in millions.
        weight: u64,
    },
    /// A zone without dates.
    #[error("zone {zone} has no dates")]
    NoDays {
        /// Which, from 0.
        zone: usize,
    },
}

impl Problem {
    /// Whether it can be planned; all planning asks this first.
    pub fn check(&self) -> Result<(), ProblemError> {
        self.check_sizes()?;
        self.rounds.iter().enumerate().try_for_each(|(number, round)| check_round(number, round, self.people.len()))?;
        let memberships: usize = self.rounds.iter().flat_map(|round| &round.groups).map(|group| group.members.len()).sum();
        let count = memberships.saturating_mul(CellSet::within(self.span).len());
        if count > MOST_START_CELLS {
            return Err(ProblemError::TooMany { what: "cells of members of rounds", count, most: MOST_START_CELLS });
        }
        if let Some(zone) = self.days.iter().position(|days| *days == Days::new(Vec::new())) {
            return Err(ProblemError::NoDays { zone });
        }
        for guest in &self.guests {
            known("a guest", "zone", guest.days, self.days.len())?;
        }
        for (number, person) in self.people.iter().enumerate() {
            known("a person", "zone", person.days, self.days.len())?;
            let carried = usize::try_from(person.carried_minutes).unwrap_or(usize::MAX);
            if carried > MOST_CARRIED_MINUTES {
                return Err(ProblemError::TooMany { what: "minutes carried before", count: carried, most: MOST_CARRIED_MINUTES });
            }
            if let Some(given) = person.starts.as_ref().map(Vec::len).filter(|given| *given != self.rounds.len()) {
                return Err(ProblemError::Starts { person: number, given, rounds: self.rounds.len() });
            }
        }
        for declined in &self.declined {
            known("a refusal", "guest", declined.guest, self.guests.len())?;
            known("a refusal", "round", declined.round, self.rounds.len())?;
            known("a refusal", "person", declined.person, self.people.len())?;
        }
        let mut pinned = BTreeSet::new();
        for meeting in &self.pinned {
            self.check_meeting("a pinned meeting", meeting)?;
            let Meeting { guest, round, .. } = *meeting;
            if !pinned.insert((guest, round)) {
                return Err(ProblemError::PinnedTwice { guest, round });
            }
            let again = meeting.people.iter().enumerate().find(|(at, person)| meeting.people[..*at].contains(person));
            if let Some((_, person)) = again {
                return Err(ProblemError::SitsTwice { guest, round, person: *person });
            }
            if !self.is_within(meeting) {
                return Err(ProblemError::PinnedOutside { guest, round });
            }
        }
        Ok(())
    }

    /// Whether everybody and everything that a meeting names exists.
    pub(super) fn check_meeting(&self, of: &'static str, meeting: &Meeting) -> Result<(), ProblemError> {
        known(of, "guest", meeting.guest, self.guests.len())?;
        known(of, "round", meeting.round, self.rounds.len())?;
        meeting.people.iter().try_for_each(|person| known(of, "person", *person, self.people.len()))
    }

    /// Whether a meeting, of a round that exists, lies within the span.
    pub(super) fn is_within(&self, meeting: &Meeting) -> bool {
        let span = CellSet::within(self.span);
        let (first, end) = (span.first().number(), span.first().number() + i64::try_from(span.len()).unwrap_or(i64::MAX));
        let start = meeting.start.number();
        first <= start && start < end && i64::from(self.rounds[meeting.round].minutes / 5) <= end - start
    }

    fn check_sizes(&self) -> Result<(), ProblemError> {
        if self.rounds.is_empty() {
            return Err(ProblemError::NoRounds);
        }
        let sizes = [
            ("guests", self.guests.len(), MOST_GUESTS),
            ("rounds", self.rounds.len(), MOST_ROUNDS),
            ("people", self.people.len(), MOST_PEOPLE),
            ("minutes that are too short", usize::try_from(self.useful_minutes).unwrap_or(usize::MAX), MOST_USEFUL_MINUTES),
            ("cells", usize::try_from(self.span.duration().as_secs() / 300).unwrap_or(usize::MAX), MOST_CELLS),
        ];
        if let Some((what, count, most)) = sizes.into_iter().find(|(_, count, most)| count > most) {
            return Err(ProblemError::TooMany { what, count, most });
        }
        let Weights { unplaced, finish, fairness, preference, guest_preference, fragments } = self.weights;
        let weights = [unplaced.div_ceil(1_000_000), finish, fairness, preference, guest_preference, fragments];
        weights.into_iter().find(|weight| *weight > Weights::MOST).map_or(Ok(()), |weight| Err(ProblemError::Weight { weight }))
    }
}

fn check_round(number: usize, round: &Round, people: usize) -> Result<(), ProblemError> {
    if round.minutes == 0 || !round.minutes.is_multiple_of(5) || round.minutes > 1_440 {
        return Err(ProblemError::Length { round: number, minutes: round.minutes });
    }
    let min = round.gap_min_minutes.div_ceil(5).saturating_mul(5);
    if let Some(max) = round.gap_max_minutes.map(|max| max / 5 * 5).filter(|max| *max < min) {
        return Err(ProblemError::Gaps { round: number, min, max });
    }
    let panel = Panel::new(round.groups.clone(), people);
    panel.map(|_| ()).map_err(|source| ProblemError::Groups { round: number, source })
}

fn known(of: &'static str, what: &'static str, number: usize, count: usize) -> Result<(), ProblemError> {
    if number < count { Ok(()) } else { Err(ProblemError::Unknown { of, what, number, count }) }
}
