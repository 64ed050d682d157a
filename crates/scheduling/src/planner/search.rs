//! Making a plan better: a few meetings are taken out, and put back as well as can be.
//!
//! Ruin and recreate (Schrimpf and others, 2000). Whether a plan is gone on with is decided by late acceptance (Burke and Bykov,
//! 2017): if it costs no more than the one some steps ago. Both know no time, so that more iterations only add to what fewer find.

use std::collections::BTreeSet;

use super::{
    bound::bound,
    errors::ProblemError,
    exact::exact,
    greedy::{ORDERS, construct},
    insert::{Width, insert},
    model::Model,
    plan::Plan,
    problem::Problem,
    random::Random,
    state::{Placed, State},
    why::unplaced,
};

/// How many steps acceptance looks back.
const LATE: usize = 40;
/// After how many iterations without a better plan dearer ones are allowed anew.
const STALE: u64 = 1_200;
/// The most guests or meetings that are taken out at once.
const MOST_OUT: usize = 6;

/// How much is searched. The same effort finds the same plan; more iterations never find a dearer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// What looks random follows from this.
    pub seed: u64,
    /// How many plans are tried after the first.
    pub iterations: u64,
    /// How many steps a search through all plans of a small problem may take; 0 searches none.
    pub exact_steps: u64,
}

impl Default for Effort {
    /// A million iterations: the callback stops it.
    fn default() -> Self {
        Self { seed: 1, iterations: 1_000_000, exact_steps: 200_000 }
    }
}

/// Plans the whole shortlist: at once, then better and better until the iterations are used or `keep_going`, asked between steps of
/// at most some milliseconds, says no. Then the bound is worked out, which of thousands of guests takes some tenths of a second.
pub fn plan(problem: &Problem, effort: &Effort, keep_going: &mut dyn FnMut() -> bool) -> Result<Plan, ProblemError> {
    problem.check()?;
    let model = Model::new(problem);
    let mut state = State::new(&model, None);
    let mut search = Search { done: 0, proven: false };
    if construct(&mut state, 0, keep_going) {
        search.improve(&mut state, effort, keep_going);
    }
    Ok(search.plan_of(&state))
}

/// How far a search is.
pub struct Search {
    /// How many iterations it has made.
    pub done: u64,
    /// Whether nothing better is left to find.
    pub proven: bool,
}

impl Search {
    /// Makes a plan better, and leaves it at the best found.
    pub fn improve(&mut self, state: &mut State<'_>, effort: &Effort, keep_going: &mut dyn FnMut() -> bool) {
        self.proven = exact(state, effort.exact_steps, keep_going);
        if self.proven {
            return;
        }
        let mut best = Best { score: state.score, placed: state.placed.clone(), since: BTreeSet::new() };
        let mut random = Random::of(effort.seed);
        let mut late = [state.score; LATE];
        // When the best plan was found.
        let mut found = self.done;
        while self.done < effort.iterations && !state.placed.is_empty() && keep_going() {
            let turn = usize::try_from(self.done).unwrap_or(usize::MAX);
            self.done += 1;
            // Other first plans, where there is none to stay near.
            if turn + 1 < ORDERS && state.stay.is_none() {
                let mut other = State::new(state.model, None);
                if construct(&mut other, turn + 1, keep_going) && other.score < state.score {
                    *state = other;
                    best = Best { score: state.score, placed: state.placed.clone(), since: BTreeSet::new() };
                }
                continue;
            }
            let (before, out) = (state.score, choose(state, &mut random));
            let guests = guests_of(state, &out);
            let was = meetings_of(state, guests.iter().copied());
            for slot in out {
                state.remove(slot);
            }
            put_back(state, guests.clone(), &mut random);
            let allowed = &mut late[turn % LATE];
            if state.score > before && state.score > *allowed {
                restore(state, was);
            }
            *allowed = state.score.min(*allowed);
            best.since.extend(guests);
            if best.keep(state) {
                found = self.done;
            } else if self.done - found >= STALE {
                found = self.done;
                late.fill(best.score + slack(state, best.score));
            }
        }
        let changed = best.placed.into_iter().enumerate().collect();
        restore(state, changed);
    }

    /// The plan as it stands.
    pub fn plan_of(&self, state: &State<'_>) -> Plan {
        let meetings = state.meetings();
        let cost = super::cost::cost(state.model.problem, &meetings);
        let bound = if self.proven { cost } else { bound(state.model) };
        Plan {
            meetings,
            unplaced: unplaced(state),
            cost,
            bound,
            iterations: self.done,
            proven: self.proven || cost.total() == bound.total(),
        }
    }
}

/// The best plan so far, and the guests that were touched since.
struct Best {
    score: i128,
    placed: Vec<Option<Placed>>,
    since: BTreeSet<usize>,
}

impl Best {
    /// Keeps a plan if it is better: of a long list only what changed is copied. Whether it did.
    fn keep(&mut self, state: &State<'_>) -> bool {
        if state.score >= self.score {
            return false;
        }
        self.score = state.score;
        for (slot, placed) in meetings_of(state, std::mem::take(&mut self.since)) {
            self.placed[slot] = placed;
        }
        true
    }
}

/// How much dearer than the best a plan may be to get away from it: a two-hundredth, but not a round without a meeting; of a plan
/// to stay near, two meetings.
fn slack(state: &State<'_>, best: i128) -> i128 {
    let round = state.model.problem.weights.of_unplaced(1);
    state.stay.as_ref().map_or_else(|| (best / 200).min(round / 2), |stay| 2 * stay.changed)
}

/// Meetings that are related: of whole guests, by chance or through at about the same time; or single ones of a person or a time.
fn choose(state: &State<'_>, random: &mut Random) -> Vec<usize> {
    let (guests, rounds) = (state.model.problem.guests.len(), state.model.rounds.len());
    let most = 1 + random.below(MOST_OUT);
    let whole = |guests: Vec<usize>| guests.into_iter().flat_map(|guest| guest * rounds..(guest + 1) * rounds).collect::<Vec<_>>();
    let needy = if random.below(2) == 0 { not_as_before(state, random) } else { None };
    let mut slots = match random.below(4) {
        _ if needy.is_some() => {
            let mut slots = whole(needy.iter().map(|slot| slot / rounds).collect());
            slots.extend(needy.and_then(|slot| in_the_way(state, slot, random)));
            slots
        }
        0 => whole((0..most).map(|_| random.below(guests)).collect()),
        1 => whole(through_together(state, most, random)),
        2 => of_one_person(state, random),
        _ => of_one_time(state, random),
    };
    if slots.is_empty() {
        slots = whole(vec![random.below(guests)]);
    }
    slots.truncate(most * rounds);
    slots.retain(|slot| !state.is_pinned[*slot]);
    slots
}

/// A meeting that is not as it was in the plan to stay near.
fn not_as_before(state: &State<'_>, random: &mut Random) -> Option<usize> {
    let stay = state.stay.as_ref()?;
    let is_other = |slot: &usize| stay.old[*slot].is_some() && stay.old[*slot] != state.placed[*slot];
    let others: Vec<usize> = (0..state.placed.len()).filter(is_other).collect();
    others.get(random.below(others.len())).copied()
}

/// A meeting, on the day of an old one, of somebody who could sit in that if they did not sit in this.
fn in_the_way(state: &State<'_>, slot: usize, random: &mut Random) -> Option<usize> {
    let (model, round) = (state.model, state.guest_round(slot).1);
    let old = state.stay.as_ref()?.old[slot].as_ref()?;
    let groups = model.rounds[round].panel.groups();
    let group = &groups[random.below(groups.len())];
    let person = group.members[random.below(group.members.len())];
    let day = |start: usize| model.day(model.people[person].zone, start);
    let is_theirs = |placed: &Placed| placed.people.contains(&person) && day(placed.start) == day(old.start);
    let theirs: Vec<usize> = (0..state.placed.len()).filter(|slot| state.placed[*slot].as_ref().is_some_and(is_theirs)).collect();
    theirs.get(random.below(theirs.len())).copied()
}

/// Guests who are through at about the time of one of them; those who are not count as last.
fn through_together(state: &State<'_>, most: usize, random: &mut Random) -> Vec<usize> {
    let guests = state.model.problem.guests.len();
    let through = |guest: usize| state.finish(guest).unwrap_or(state.model.len);
    let at = through(random.below(guests));
    let mut near: Vec<(usize, usize)> = (0..guests).map(|guest| (through(guest).abs_diff(at), guest)).collect();
    near.sort_unstable();
    // Not always the same ones.
    near.truncate(2 * most);
    random.shuffle(&mut near);
    near.into_iter().take(most).map(|near| near.1).collect()
}

/// Meetings of somebody, in an order by chance.
fn of_one_person(state: &State<'_>, random: &mut Random) -> Vec<usize> {
    let person = random.below(state.model.people.len());
    let is_theirs = |slot: &usize| state.placed[*slot].as_ref().is_some_and(|placed| placed.people.contains(&person));
    let mut slots: Vec<usize> = (0..state.placed.len()).filter(is_theirs).collect();
    random.shuffle(&mut slots);
    slots
}

/// Meetings of about one time, the nearest first.
fn of_one_time(state: &State<'_>, random: &mut Random) -> Vec<usize> {
    let start = |slot: usize| state.placed[slot].as_ref().map(|placed| placed.start);
    let Some(at) = start(random.below(state.placed.len())) else { return Vec::new() };
    let mut near: Vec<(usize, usize)> =
        (0..state.placed.len()).filter_map(|slot| Some((start(slot)?.abs_diff(at), slot))).collect();
    near.sort_unstable();
    near.into_iter().map(|near| near.1).collect()
}

fn guests_of(state: &State<'_>, slots: &[usize]) -> Vec<usize> {
    let mut guests: Vec<usize> = slots.iter().map(|slot| state.guest_round(*slot).0).collect();
    guests.sort_unstable();
    guests.dedup();
    guests
}

/// All rounds of some guests, with their meetings.
fn meetings_of(state: &State<'_>, guests: impl IntoIterator<Item = usize>) -> Vec<(usize, Option<Placed>)> {
    let rounds = state.model.rounds.len();
    let slots = guests.into_iter().flat_map(|guest| guest * rounds..(guest + 1) * rounds);
    slots.map(|slot| (slot, state.placed[slot].clone())).collect()
}

fn put_back(state: &mut State<'_>, mut guests: Vec<usize>, random: &mut Random) {
    random.shuffle(&mut guests);
    let apart = [0, 1, 5, 17][random.below(4)];
    for guest in guests {
        insert(state, guest, Width { candidates: 6 + random.below(8), apart, tries: 80 });
    }
}

/// Makes meetings what they were.
pub fn restore(state: &mut State<'_>, mut was: Vec<(usize, Option<Placed>)>) {
    was.retain(|(slot, placed)| state.placed[*slot] != *placed);
    for (slot, _) in &was {
        state.remove(*slot);
    }
    for (slot, placed) in was {
        if let Some(placed) = placed {
            state.place(slot, placed);
        }
    }
}
