//! What planning finds: meetings, what has none and why, the cost, and how far below it any plan could be.

use super::problem::{Meeting, Weights};

/// Meetings for a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Every meeting, the pinned ones too, by guest and round.
    pub meetings: Vec<Meeting>,
    /// Every round that has no meeting, by guest and round.
    pub unplaced: Vec<Unplaced>,
    /// What the plan costs.
    pub cost: Cost,
    /// What every plan of the problem costs at least.
    pub bound: Cost,
    /// How many times the search took a plan apart.
    pub iterations: u64,
    /// Whether no plan costs less.
    pub proven: bool,
}

/// A round that has no meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unplaced {
    /// Whose.
    pub guest: usize,
    /// Which step of the loop.
    pub round: usize,
    /// What is in the way first.
    pub why: Why,
}

/// Why a round has no meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The round before has none.
    Waits {
        /// The round before.
        round: usize,
    },
    /// The guest has no time of that length where order and gaps allow it.
    Guest,
    /// When the guest can, there are never enough of a group, even without any other meeting.
    Group {
        /// Which group of the round, from 0.
        group: usize,
    },
    /// Each group could at some time, but never all together, even without any other meeting.
    Together,
    /// Other meetings or limits are in the way.
    Taken,
    /// There is time, but the search did not come to it, or leaves it for a reason: it was told to stop, stays near another plan,
    /// looked at too few starts, or a round without a meeting costs less.
    Stopped,
}

/// What a plan costs, term by term, each with its weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Of rounds without a meeting.
    pub unplaced: i128,
    /// Of time until guests are through.
    pub finish: i128,
    /// Of load on people.
    pub fairness: i128,
    /// Of seats out of preferred hours.
    pub preference: i128,
    /// Of meetings out of the guests' preferred hours.
    pub guest_preference: i128,
    /// Of free time cut too short.
    pub fragments: i128,
}

impl Cost {
    /// The sum.
    pub const fn total(&self) -> i128 {
        self.unplaced + self.placed()
    }

    /// The sum of what the meetings cost that there are.
    pub const fn placed(&self) -> i128 {
        self.finish + self.fairness + self.preference + self.guest_preference + self.fragments
    }
}

impl Plan {
    /// How far the cost of the meetings could be above that of the best plan, in thousandths of it, rounded up. `None` where more
    /// rounds are without a meeting than is known to be unavoidable: then the terms of the bound are of plans with more meetings.
    pub fn gap_permille(&self) -> Option<u32> {
        if self.proven {
            return Some(0);
        }
        let (cost, bound) = (self.cost.placed(), self.bound.placed());
        let comparable = self.cost.unplaced == self.bound.unplaced;
        let gap = if cost <= bound { 0 } else { ((cost - bound) * 1_000 + cost - 1) / cost.max(1) };
        comparable.then(|| u32::try_from(gap).unwrap_or(u32::MAX))
    }

    /// The meeting of a guest's round.
    pub fn meeting(&self, guest: usize, round: usize) -> Option<&Meeting> {
        let at = self.meetings.binary_search_by_key(&(guest, round), |meeting| (meeting.guest, meeting.round)).ok()?;
        self.meetings.get(at)
    }
}

/// A weight times a count.
pub(super) const fn weighed(weight: u64, count: i128) -> i128 {
    // No `From` in a const function; a `u64` always fits.
    weight as i128 * count
}

impl Weights {
    /// What some rounds without a meeting cost.
    pub(super) fn of_unplaced(&self, rounds: usize) -> i128 {
        weighed(self.unplaced, i128::try_from(rounds).unwrap_or(i128::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_of_what_is_placed_and_rounded_up() {
        let of = |cost: i128, bound: i128, unplaced: i128| Plan {
            meetings: Vec::new(),
            unplaced: Vec::new(),
            cost: Cost { finish: cost, unplaced: 5, ..Cost::default() },
            bound: Cost { finish: bound, unplaced, ..Cost::default() },
            iterations: 0,
            proven: false,
        };
        assert_eq!(of(1_000, 970, 5).gap_permille(), Some(30));
        assert_eq!(of(1_001, 1_000, 5).gap_permille(), Some(1));
        assert_eq!((of(0, 0, 5).gap_permille(), of(7, 8, 5).gap_permille()), (Some(0), Some(0)));
        assert_eq!(of(1_000, 970, 4).gap_permille(), None);
        assert_eq!(Plan { proven: true, ..of(1_000, 970, 4) }.gap_permille(), Some(0));
    }
}
