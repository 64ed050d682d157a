//! Several people at one time: so many of each group, nobody twice. People are numbers, the places of their sets in a list.
//!
//! **Invariant:** a panel that exists can be seated if everybody can; the rest is a question of the time.

mod count;
mod explain;
mod seats;

use std::borrow::Cow;

use thiserror::Error;

pub use self::explain::{GroupStanding, MemberReason, MemberReasons, PanelExplanation};
use self::seats::Seats;
use crate::{Cell, CellSet};

/// Some people, of whom some are needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Who, by number.
    pub members: Vec<usize>,
    /// How many of them: 1 is any of them, as many as there are members is all.
    pub need: usize,
}

/// Groups that meet at one time. Whoever is in several groups sits for one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    groups: Vec<Group>,
    people: usize,
    /// The groups that have a member in common with another one.
    shared: Vec<usize>,
}

/// Why some groups are no panel.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PanelError {
    /// No group.
    #[error("a panel needs at least one group")]
    Empty,
    /// A group without members.
    #[error("group {group} has no members")]
    NoMembers {
        /// Which, from 0.
        group: usize,
    },
    /// Nobody, or more than there are.
    #[error("group {group} needs {need} of its {members} members; use 1 to {members}")]
    Need {
        /// Which, from 0.
        group: usize,
        /// How many it needs.
        need: usize,
        /// How many it has.
        members: usize,
    },
    /// A number that is nobody's.
    #[error("group {group} has member {member}, but there are only {people} people, from 0")]
    Unknown {
        /// Which, from 0.
        group: usize,
        /// The number.
        member: usize,
        /// How many people there are.
        people: usize,
    },
    /// Somebody who is in a group twice.
    #[error("member {member} is in group {group} twice")]
    Twice {
        /// Which, from 0.
        group: usize,
        /// Who.
        member: usize,
    },
    /// Groups that share so many members that not all of them can be seated, whenever.
    #[error("groups that share members need {need} people, but at most {seated} can sit for them")]
    TooFew {
        /// How many the groups need together.
        need: usize,
        /// How many of these seats can be taken at once.
        seated: usize,
    },
}

impl Panel {
    /// A panel of `people` people, who are numbers below that.
    pub fn new(groups: Vec<Group>, people: usize) -> Result<Self, PanelError> {
        if groups.is_empty() {
            return Err(PanelError::Empty);
        }
        let mut groups_of = vec![0_usize; people];
        for (group, Group { members, need }) in groups.iter().enumerate() {
            if members.is_empty() {
                return Err(PanelError::NoMembers { group });
            }
            if *need == 0 || *need > members.len() {
                return Err(PanelError::Need { group, need: *need, members: members.len() });
            }
            if let Some(member) = members.iter().copied().find(|member| *member >= people) {
                return Err(PanelError::Unknown { group, member, people });
            }
            let mut sorted = members.clone();
            sorted.sort_unstable();
            if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(PanelError::Twice { group, member: pair[0] });
            }
            for member in members {
                groups_of[*member] += 1;
            }
        }
        let is_shared = |group: &usize| groups[*group].members.iter().any(|member| groups_of[*member] > 1);
        let shared = (0..groups.len()).filter(is_shared).collect();
        let panel = Self { groups, people, shared };
        let (need, seated) = (panel.need(), Seats::of(&panel.groups, people).fill(&(0..people).collect::<Vec<_>>()));
        if seated < need { Err(PanelError::TooFew { need, seated }) } else { Ok(panel) }
    }

    /// The groups.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// How many people sit.
    pub fn need(&self) -> usize {
        self.groups.iter().map(|group| group.need).sum()
    }

    /// The cells at which every group has as many of its members as it needs, and nobody is needed twice. `people` are the cells at
    /// which each of them could start; whoever has no set cannot. The window is that of the first set.
    pub fn starts(&self, people: &[CellSet]) -> CellSet {
        let Some(first) = people.first() else { return CellSet::empty(Cell::from_number(0), 0) };
        let window = CellSet::empty(first.first(), first.len());
        let mut starts = CellSet::full(first.first(), first.len());
        for group in &self.groups {
            let sets: Vec<Cow<'_, CellSet>> =
                group.members.iter().filter_map(|member| people.get(*member)).map(|set| in_window(set, &window)).collect();
            count::keep_at_least(group.need, &sets, &mut starts);
        }
        if !self.shared.is_empty() {
            self.keep_seated(people, &mut starts);
        }
        starts
    }

    /// Who sits at a cell, group by group in their order, in each the cheapest first: the people whose costs have the least sum, of equal
    /// costs those with the lower numbers. Whoever has no cost costs nothing. `None` if there is no panel at that cell.
    pub fn seat(&self, cell: Cell, people: &[CellSet], cost: &[u64]) -> Option<Vec<usize>> {
        let can: Vec<usize> = (0..self.people).filter(|member| people.get(*member).is_some_and(|set| set.contains(cell))).collect();
        self.cheapest(can, |member| cost.get(member).copied().unwrap_or(0))
    }

    /// The cheapest seating with some people.
    pub(crate) fn cheapest<C: Ord>(&self, mut can: Vec<usize>, cost: impl Fn(usize) -> C) -> Option<Vec<usize>> {
        can.sort_by_key(|member| (cost(*member), *member));
        let mut seats = Seats::of(&self.groups, self.people);
        if seats.fill(&can) < self.need() {
            return None;
        }
        let mut seated = seats.into_groups();
        for group in &mut seated {
            group.sort_by_key(|member| (cost(*member), *member));
        }
        Some(seated.concat())
    }

    /// Keeps the cells at which the groups with members in common can all be seated.
    fn keep_seated(&self, people: &[CellSet], starts: &mut CellSet) {
        let groups: Vec<Group> = self.shared.iter().map(|group| self.groups[*group].clone()).collect();
        let need: usize = groups.iter().map(|group| group.need).sum();
        let mut members: Vec<usize> = groups.iter().flat_map(|group| &group.members).copied().collect();
        members.sort_unstable();
        members.dedup();
        let mut seats = Seats::of(&groups, self.people);
        let mut can = Vec::with_capacity(members.len());
        for cell in starts.clone().iter() {
            can.clear();
            can.extend(members.iter().copied().filter(|member| people.get(*member).is_some_and(|set| set.contains(cell))));
            if seats.fill(&can) < need {
                starts.remove(cell);
            }
        }
    }
}

/// A set as it lies in the window of another.
fn in_window<'a>(set: &'a CellSet, window: &CellSet) -> Cow<'a, CellSet> {
    if set.first() == window.first() && set.len() == window.len() {
        return Cow::Borrowed(set);
    }
    let mut moved = window.clone();
    moved.unite(set);
    Cow::Owned(moved)
}
