//! What every plan costs at least.
//!
//! Each term is bounded for itself; that one plan would have to meet all of them at once is left out (a relaxation). Say a plan
//! brings `m` guests through. Then:
//! - **unplaced**: each of the others lacks a round, and nobody has more rounds than they could have alone.
//! - **finish**: sorted by when they are through, the k-th of them is so no sooner than the k-th soonest could be alone
//!   ([`alone`]), and no sooner than people have given k loops their time ([`capacity`](super::capacity)).
//! - **fairness**: the minutes of `m` loops are carried by somebody; squares are least if they go to whoever carries least, as
//!   water finds its level, in single cells even where meetings are longer.
//! - **preference**, **guest preference**, **fragments**: not below 0.
//!
//! The bound is the least sum over all `m`, so that it holds for any weights.

use super::{
    capacity::{components, earliest_ends},
    model::{Model, int},
    plan::{Cost, weighed},
    problem::DayRule,
    state::State,
};

/// At how many counts of guests the load is worked out; between them that of fewer guests holds.
const LEVELS: usize = 64;

/// What a guest could have if there were no others.
pub struct Alone {
    /// When they are through at the earliest, if they ever are.
    pub end: Option<usize>,
    /// How many rounds they lack in any case.
    pub missing: usize,
}

/// The terms of the bound.
pub fn bound(model: &Model<'_>) -> Cost {
    let state = State::new(model, None);
    let (guests, rounds) = (model.problem.guests.len(), model.rounds.len());
    let alone: Vec<Alone> = (0..guests).map(|guest| alone(&state, guest)).collect();
    let missing: usize = alone.iter().map(|alone| alone.missing).sum();
    let mut ends: Vec<usize> = alone.iter().filter_map(|alone| alone.end).collect();
    ends.sort_unstable();
    let by_capacity = earliest_ends(&state, ends.len());
    ends.truncate(by_capacity.len());
    for (end, by_capacity) in ends.iter_mut().zip(by_capacity) {
        *end = (*end).max(by_capacity);
    }
    let weights = &model.problem.weights;
    let load = Load::of(&state);
    let step = ends.len().div_ceil(LEVELS).max(1);
    let (mut finish, mut squares) = (0, 0);
    let mut least: Option<Cost> = None;
    for through in 0..=ends.len() {
        finish += through.checked_sub(1).map_or(0, |last| int(ends[last]));
        if through % step == 0 || through == ends.len() {
            squares = load.squares(through);
        }
        let cost = Cost {
            unplaced: weights.of_unplaced(missing.max(guests - through).min(guests * rounds)),
            finish: weighed(weights.finish, finish),
            fairness: weighed(weights.fairness, squares),
            ..Cost::default()
        };
        if least.is_none_or(|least| cost.total() <= least.total()) {
            least = Some(cost);
        }
    }
    least.unwrap_or_default()
}

/// The earliest a guest could be through with the people as they are in `state`. Gaps that must not be longer and refusals are not
/// looked at: without them it is no later.
pub fn alone(state: &State<'_>, guest: usize) -> Alone {
    let (model, rounds) = (state.model, state.model.rounds.len());
    let zone = model.problem.guests[guest].days;
    let (mut before, mut end, mut missing): (Option<usize>, usize, usize) = (None, 0, 0);
    for (round, step) in model.rounds.iter().enumerate() {
        let slot = guest * rounds + round;
        let start = if let Some(pinned) = state.placed[slot].as_ref().filter(|_| state.is_pinned[slot]) {
            Some(pinned.start)
        } else {
            let from = match (round, before) {
                (0, _) => Some(0),
                (_, None) => None,
                (_, Some(before)) => {
                    let soonest = before.saturating_add(model.rounds[round - 1].length).saturating_add(step.gap_min).min(model.len);
                    // A later start is on another date than this one if that is over.
                    let other_day = model.day_cells(zone, model.day(zone, before)).1;
                    Some(if step.day == DayRule::Another { soonest.max(other_day) } else { soonest })
                }
            };
            from.and_then(|from| {
                let mut starts = model.guest_starts(guest, round);
                starts.intersect(state.staffed(round));
                starts.next(model.cell(from)).map(|cell| model.offset(cell))
            })
        };
        missing += usize::from(start.is_none());
        end = start.map_or(end, |start| end.max(start + step.length));
        before = start;
    }
    Alone { end: Some(end).filter(|_| missing == 0), missing }
}

/// What people carry before anything is planned, and what each loop adds, for sets of people who share no round with other sets.
struct Load {
    sets: Vec<LoadSet>,
    /// What pinned meetings add.
    pinned: i128,
}

struct LoadSet {
    /// What each of them carries, in cells, least first.
    carried: Vec<i128>,
    /// What one loop adds to all of them.
    of_loop: i128,
    /// What of it is pinned already.
    of_pinned: i128,
}

impl Load {
    fn of(state: &State<'_>) -> Self {
        let model = state.model;
        let pinned = (0..model.people.len()).map(|person| {
            let (carried, load) = (model.people[person].carried, state.load(person));
            load * load - carried * carried
        });
        let set = |component: Vec<(usize, usize)>| {
            let groups = || component.iter().map(|(round, group)| (*round, &model.rounds[*round].panel.groups()[*group]));
            let mut members: Vec<usize> = groups().flat_map(|(_, group)| &group.members).copied().collect();
            members.sort_unstable();
            members.dedup();
            let mut carried: Vec<i128> = members.into_iter().map(|member| state.load(member)).collect();
            carried.sort_unstable();
            let cells = |round: usize, need: usize| int(model.rounds[round].length * need);
            let of_loop = groups().map(|(round, group)| cells(round, group.need)).sum();
            let of_round =
                |round: usize| groups().filter(|group| group.0 == round).map(|(_, group)| cells(round, group.need)).sum::<i128>();
            let of_pinned = model.problem.pinned.iter().map(|meeting| of_round(meeting.round)).sum();
            LoadSet { carried, of_loop, of_pinned }
        };
        Self { sets: components(model).into_iter().map(set).collect(), pinned: pinned.sum() }
    }

    /// The least sum of squares that is added if so many guests get through.
    fn squares(&self, through: usize) -> i128 {
        self.pinned
            + self.sets.iter().map(|set| set.squares_added((int(through) * set.of_loop - set.of_pinned).max(0))).sum::<i128>()
    }
}

impl LoadSet {
    /// What the squares grow by if so many cells go, one by one, to whoever carries least.
    fn squares_added(&self, cells: i128) -> i128 {
        let mut carried = 0;
        for (count, next) in self.carried.iter().enumerate() {
            // What fits until those before are level with this one.
            if count > 0 && cells <= next * int(count) - carried {
                return Self::filled(&self.carried[..count], cells);
            }
            carried += next;
        }
        Self::filled(&self.carried, cells)
    }

    /// The same, where all of `people` get some or end level with each other.
    fn filled(people: &[i128], cells: i128) -> i128 {
        let count = int(people.len());
        if count == 0 {
            return 0;
        }
        let total = people.iter().sum::<i128>() + cells;
        let (level, above) = (total / count, total % count);
        let squares = (count - above) * level * level + above * (level + 1) * (level + 1);
        squares - people.iter().map(|carried| carried * carried).sum::<i128>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against giving away one cell after the other.
    #[test]
    fn load_finds_its_level() {
        for carried in [vec![], vec![0], vec![4], vec![0, 0, 0], vec![0, 3, 3, 9], vec![1, 2, 30]] {
            let set = LoadSet { carried: carried.clone(), of_loop: 1, of_pinned: 0 };
            let (mut loads, mut added) = (carried, 0);
            for cells in 0..60 {
                assert_eq!(set.squares_added(cells), added, "{cells} cells on {:?}", set.carried);
                let Some(least) = loads.iter_mut().min() else { continue };
                added += 2 * *least + 1;
                *least += 1;
            }
        }
    }
}
