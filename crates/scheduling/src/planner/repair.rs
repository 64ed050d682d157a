//! A plan mended after the problem has changed: as few meetings as possible are not what they were.
//!
//! The same search as for a first plan, with the old plan as something to stay near. What counts, in this order: old meetings
//! without any time, old meetings with another time or other people, old meetings with another time, and then the weights.

use std::collections::BTreeMap;

use super::{
    errors::ProblemError,
    insert::{Width, fits_placed, insert},
    model::{Model, int},
    plan::{Plan, weighed},
    problem::{Meeting, Problem},
    search::{Effort, Search, restore},
    state::{Placed, State},
};

/// What became of a meeting. At least one of both is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// In the old plan.
    pub before: Option<Meeting>,
    /// In the new one.
    pub after: Option<Meeting>,
}

impl Change {
    /// Whether time and people are what they were, in whatever order.
    fn is_none(&self) -> bool {
        let sorted = |people: &[usize]| {
            let mut people = people.to_vec();
            people.sort_unstable();
            people
        };
        let pair = self.before.as_ref().zip(self.after.as_ref());
        pair.is_some_and(|(before, after)| before.start == after.start && sorted(&before.people) == sorted(&after.people))
    }

    /// Whether it is at another time.
    pub fn is_moved(&self) -> bool {
        self.before.as_ref().zip(self.after.as_ref()).is_some_and(|(before, after)| before.start != after.start)
    }
}

/// A mended plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The plan; its bound is that of a plan made anew.
    pub plan: Plan,
    /// Every meeting that is not as it was, by guest and round.
    pub changes: Vec<Change>,
    /// Whether no plan changes less. Always said of small problems, if the steps suffice.
    pub is_fewest: bool,
}

/// Another plan to stay near, and what leaving it costs. Each is far above the one after it, and the last far above the weights'
/// sum.
pub struct Stay {
    /// The meetings of that plan.
    pub old: Vec<Option<Placed>>,
    /// That one of them has no meeting.
    pub lost: i128,
    /// That one of them has other people or another time.
    pub changed: i128,
    /// That one of them has another time.
    pub moved: i128,
}

/// Mends a plan for a problem that is no longer the one it was made for: somebody has less time, said no, is away, or has new
/// limits. Pinned meetings of the problem are where they are, whatever the plan says.
pub fn repair(
    problem: &Problem,
    old: &Plan,
    effort: &Effort,
    keep_going: &mut dyn FnMut() -> bool,
) -> Result<Repaired, ProblemError> {
    problem.check()?;
    old.meetings.iter().try_for_each(|meeting| problem.check_meeting("a meeting of the plan", meeting))?;
    let model = Model::new(problem);
    let mut state = State::new(&model, Some(stay(&model, old)));
    keep(&mut state);
    for guest in 0..problem.guests.len() {
        if keep_going() {
            mend(&mut state, guest);
        }
    }
    let mut search = Search { done: 0, proven: false };
    if !changes(&state, old).is_empty() || state.placed.iter().any(Option::is_none) {
        search.improve(&mut state, effort, keep_going);
    }
    let is_fewest = search.proven || changes(&state, old).iter().all(|change| change.before.is_none());
    search.proven = false;
    Ok(Repaired { changes: changes(&state, old), plan: search.plan_of(&state), is_fewest })
}

/// The old plan, and what it costs to leave it.
fn stay(model: &Model<'_>, old: &Plan) -> Stay {
    let (problem, rounds) = (model.problem, model.rounds.len());
    let mut placed = vec![None; model.meetings()];
    for meeting in &old.meetings {
        let start = if problem.is_within(meeting) { model.offset(meeting.start) } else { usize::MAX };
        placed[meeting.guest * rounds + meeting.round] = Some(Placed { start, people: meeting.people.clone() });
    }
    for pinned in &problem.pinned {
        placed[pinned.guest * rounds + pinned.round] = None;
    }
    let moved = 1 + most_cost(model);
    let changed = moved * (1 + int(model.meetings()));
    Stay { old: placed, lost: changed * (1 + int(model.meetings())), changed, moved }
}

/// More than any plan costs by its weights.
fn most_cost(model: &Model<'_>) -> i128 {
    let (weights, meetings, len) = (&model.problem.weights, model.meetings(), int(model.len));
    let seats: i128 = model.rounds.iter().map(|step| int(step.panel.need() * model.problem.guests.len())).sum();
    let squares: i128 = model.people.iter().map(|member| (2 * member.carried + 2 * len) * 2 * len).sum();
    weights.of_unplaced(meetings)
        + weighed(weights.finish, int(model.problem.guests.len()) * len)
        + weighed(weights.fairness, squares)
        + weighed(weights.preference, seats)
        + weighed(weights.fragments, 2 * seats)
        + weighed(weights.guest_preference, int(meetings))
}

/// Places every old meeting that still stands.
fn keep(state: &mut State<'_>) {
    for slot in 0..state.placed.len() {
        let old = state.stay.as_ref().and_then(|stay| stay.old[slot].clone());
        if let Some(old) = old.filter(|old| stands(state, slot, old)) {
            state.place(slot, old);
        }
    }
}

/// Whether a meeting may be as it was, beside those that are placed.
fn stands(state: &State<'_>, slot: usize, old: &Placed) -> bool {
    let (guest, round) = state.guest_round(slot);
    let model = state.model;
    if old.start >= model.len {
        return false;
    }
    let groups = model.rounds[round].panel.groups();
    let mut seats = groups.iter().flat_map(|group| std::iter::repeat_n(group, group.need));
    let is_seated = old.people.iter().all(|person| seats.next().is_some_and(|group| group.members.contains(person)));
    let is_twice = (1..old.people.len()).any(|at| old.people[..at].contains(&old.people[at]));
    let can = |person: &usize| state.is_open(*person, round, old.start) && !model.has_declined(guest, round, *person);
    is_seated
        && seats.next().is_none()
        && !is_twice
        && old.people.iter().all(can)
        && model.guest_starts(guest, round).contains(model.cell(old.start))
        && fits_placed(state, slot, old.start)
}

/// Places what a guest lost, between their other meetings; if that is not enough, all of theirs anew.
fn mend(state: &mut State<'_>, guest: usize) {
    const WIDTH: Width = Width { candidates: 40, apart: 0, tries: 400 };
    let rounds = state.model.rounds.len();
    let slots = guest * rounds..(guest + 1) * rounds;
    if state.count(guest) == rounds {
        return;
    }
    insert(state, guest, WIDTH);
    if state.count(guest) == rounds {
        return;
    }
    let (score, first) = (state.score, slots.clone().map(|slot| (slot, state.placed[slot].clone())).collect());
    for slot in slots {
        if !state.is_pinned[slot] {
            state.remove(slot);
        }
    }
    insert(state, guest, WIDTH);
    if state.score >= score {
        restore(state, first);
    }
}

/// What is not as it was.
fn changes(state: &State<'_>, old: &Plan) -> Vec<Change> {
    let name = |meeting: &Meeting| (meeting.guest, meeting.round);
    let mut pairs: BTreeMap<(usize, usize), Change> = BTreeMap::new();
    for meeting in &old.meetings {
        pairs.insert(name(meeting), Change { before: Some(meeting.clone()), after: None });
    }
    for meeting in state.meetings() {
        let pair = pairs.entry(name(&meeting)).or_insert(Change { before: None, after: None });
        pair.after = Some(meeting);
    }
    pairs.into_values().filter(|change| !change.is_none()).collect()
}
