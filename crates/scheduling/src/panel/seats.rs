//! Who sits for which group: a matching of people and seats.

use super::Group;

/// Seats of groups, filled one person at a time.
///
/// Whoever can be seated by moving others to another group of theirs is; nobody who sits gets up for good. Sets of people that can be
/// seated together form a matroid (Edmonds and Fulkerson, "Transversals and Matroid Partition", 1965), so that asking people in the order
/// of their costs seats as many as can be, at the least sum.
pub struct Seats {
    need: Vec<usize>,
    /// For each person, the groups they are in.
    groups_of: Vec<Vec<usize>>,
    /// For each group, who sits for it.
    seated: Vec<Vec<usize>>,
    /// The groups that the search for one person came by.
    seen: Vec<bool>,
}

impl Seats {
    /// Empty seats of some groups of `people` people.
    pub fn of(groups: &[Group], people: usize) -> Self {
        let mut groups_of = vec![Vec::new(); people];
        for (index, group) in groups.iter().enumerate() {
            for member in &group.members {
                groups_of[*member].push(index);
            }
        }
        let need = groups.iter().map(|group| group.need).collect();
        Self { need, groups_of, seated: vec![Vec::new(); groups.len()], seen: vec![false; groups.len()] }
    }

    /// Empties the seats and asks people in their order; how many of the seats are taken.
    pub fn fill(&mut self, people: &[usize]) -> usize {
        self.seated.iter_mut().for_each(Vec::clear);
        let need: usize = self.need.iter().sum();
        let mut taken = 0;
        for person in people {
            if taken == need {
                break;
            }
            self.seen.fill(false);
            taken += usize::from(self.admit(*person));
        }
        taken
    }

    /// For each group, who sits for it.
    pub fn into_groups(self) -> Vec<Vec<usize>> {
        self.seated
    }

    /// Seats one person, moving others if need be. Goes no deeper than there are groups.
    fn admit(&mut self, person: usize) -> bool {
        for at in 0..self.groups_of[person].len() {
            let group = self.groups_of[person][at];
            if std::mem::replace(&mut self.seen[group], true) {
                continue;
            }
            if self.seated[group].len() < self.need[group] {
                self.seated[group].push(person);
                return true;
            }
            for seat in 0..self.need[group] {
                if self.admit(self.seated[group][seat]) {
                    self.seated[group][seat] = person;
                    return true;
                }
            }
        }
        false
    }
}
