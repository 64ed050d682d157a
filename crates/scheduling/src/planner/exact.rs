//! The best plan of all for a small problem: every start and every seating is tried, except behind what already costs too much.

use super::{
    insert::{fits_placed, possible_starts},
    model::{Model, int},
    plan::weighed,
    state::{Placed, State},
};
use crate::Group;

/// The most meetings of a problem that is searched whole.
const MOST_MEETINGS: usize = 6;

/// Makes a plan the best there is, and says whether it did: not if the problem is large, the steps did not suffice, or it was
/// stopped. Then the plan is the best found.
pub fn exact(state: &mut State<'_>, steps: u64, keep_going: &mut dyn FnMut() -> bool) -> bool {
    let slots: Vec<usize> = (0..state.placed.len()).filter(|slot| !state.is_pinned[*slot]).collect();
    if slots.len() > MOST_MEETINGS || steps == 0 {
        return false;
    }
    let mut best = (state.score, state.placed.clone());
    for slot in &slots {
        state.remove(*slot);
    }
    let earliest = earliest_ends(state);
    let mut walk = Walk { slots: &slots, earliest, best: &mut best, steps, keep_going };
    let is_done = walk.try_from(state, 0);
    for slot in &slots {
        state.remove(*slot);
    }
    for slot in slots {
        if let Some(placed) = best.1[slot].take() {
            state.place(slot, placed);
        }
    }
    is_done
}

struct Walk<'a> {
    slots: &'a [usize],
    /// For each guest without pinned meetings, before when they are not through; for others 0.
    earliest: Vec<usize>,
    best: &'a mut (i128, Vec<Option<Placed>>),
    steps: u64,
    keep_going: &'a mut dyn FnMut() -> bool,
}

impl Walk<'_> {
    /// Tries everything for the meetings from one on; whether it was not stopped.
    fn try_from(&mut self, state: &mut State<'_>, at: usize) -> bool {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 || (self.steps.is_multiple_of(64) && !(self.keep_going)()) {
            return false;
        }
        let Some(slot) = self.slots.get(at).copied() else {
            if state.score < self.best.0 {
                *self.best = (state.score, state.placed.clone());
            }
            return true;
        };
        if state.score + self.rest(state, at) >= self.best.0 {
            return true;
        }
        let (guest, round) = state.guest_round(slot);
        if round == 0 || state.placed[slot - 1].is_some() {
            for cell in possible_starts(state, guest, round).iter() {
                let start = state.model.offset(cell);
                if !fits_placed(state, slot, start) {
                    continue;
                }
                let can = |person: usize| state.is_open(person, round, start) && !state.model.has_declined(guest, round, person);
                for people in seatings(state.model.rounds[round].panel.groups(), &[], can) {
                    state.place(slot, Placed { start, people });
                    let went_on = self.try_from(state, at + 1);
                    state.remove(slot);
                    if !went_on {
                        return false;
                    }
                }
            }
        }
        self.try_from(state, at + 1)
    }

    /// What the meetings from one on change in the cost at least, by which the score can still fall: each of them is missing, or
    /// costs its cheapest seats at the loads of now, which only grow, and the guest's earliest end. A seat fills one fragment at
    /// most.
    fn rest(&self, state: &State<'_>, at: usize) -> i128 {
        let weights = &state.model.problem.weights;
        let change = |slot: &usize| {
            let (guest, round) = state.guest_round(*slot);
            let step = &state.model.rounds[round];
            let length = int(step.length);
            let mut least = 0;
            for group in step.panel.groups() {
                let mut loads: Vec<i128> = group.members.iter().map(|member| state.load(*member)).collect();
                loads.sort_unstable();
                least += loads.iter().take(group.need).map(|load| (2 * load + length) * length).sum::<i128>();
            }
            let is_last = round + 1 == state.model.rounds.len();
            let finish = if is_last { weighed(weights.finish, int(self.earliest[guest])) } else { 0 };
            let filled =
                if state.model.problem.useful_minutes < 5 { 0 } else { weighed(weights.fragments, int(step.panel.need())) };
            let placed = weighed(weights.fairness, least) + finish - filled - state.missing_cost(*slot);
            placed.min(0)
        };
        self.slots[at..].iter().map(change).sum()
    }
}

/// Every way to seat groups, nobody twice.
fn seatings(groups: &[Group], seated: &[usize], can: impl Fn(usize) -> bool + Copy) -> Vec<Vec<usize>> {
    let Some((group, rest)) = groups.split_first() else { return vec![seated.to_vec()] };
    let members: Vec<usize> = group.members.iter().copied().filter(|member| can(*member) && !seated.contains(member)).collect();
    let mut all = Vec::new();
    for chosen in choices(&members, group.need) {
        all.extend(seatings(rest, &[seated, &chosen].concat(), can));
    }
    all
}

/// Every choice of so many of some people.
fn choices(people: &[usize], count: usize) -> Vec<Vec<usize>> {
    match people.split_first() {
        _ if count == 0 => vec![Vec::new()],
        None => Vec::new(),
        Some((first, rest)) => {
            let with = choices(rest, count - 1).into_iter().map(|chosen| [&[*first], chosen.as_slice()].concat());
            with.chain(choices(rest, count)).collect()
        }
    }
}

fn earliest_ends(state: &State<'_>) -> Vec<usize> {
    let model: &Model<'_> = state.model;
    let is_free = |guest: usize| (0..model.rounds.len()).all(|round| !state.is_pinned[guest * model.rounds.len() + round]);
    let earliest = |guest| if is_free(guest) { super::bound::alone(state, guest).end.unwrap_or(0) } else { 0 };
    (0..model.problem.guests.len()).map(earliest).collect()
}
