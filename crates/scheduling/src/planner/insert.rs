//! Placing what a guest still lacks, as cheaply as some candidate times allow.
//!
//! Rounds depend on each other only through the one before, so that the best choice of one candidate for each is found round by
//! round (dynamic programming). What it leaves out is that a person may sit in two of them: seats are given again, in order, at the
//! times chosen.

use super::{
    model::{Model, int},
    plan::weighed,
    state::{Placed, State},
};
use crate::CellSet;

/// How many times are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Width {
    /// How many candidates for each round.
    pub candidates: usize,
    /// How many starts lie between two candidates; 0 takes them as they come.
    pub apart: usize,
    /// How many starts are tried to find them.
    pub tries: usize,
}

/// What is looked at where fewer times gave no whole loop. Bounded, because each candidate is compared with each of the round
/// before.
const WIDE: Width = Width { candidates: 500, apart: 0, tries: 5_000 };

/// A start for a round, with the cheapest way to get there.
struct Candidate {
    start: usize,
    /// Of this and all rounds before.
    total: i128,
    /// Which candidate of the round before.
    before: usize,
}

/// Places the rounds of a guest that have no meeting; those that have one keep it. Places a shorter part of the loop where no more
/// fits.
pub fn insert(state: &mut State<'_>, guest: usize, width: Width) {
    let rounds = state.model.rounds.len();
    let mut round = 0;
    while round < rounds {
        // A chain begins at the first round, or after a round that has a meeting.
        let slot = guest * rounds + round;
        if state.placed[slot].is_some() || (round > 0 && state.placed[slot - 1].is_none()) {
            round += 1;
            continue;
        }
        let end = (round..rounds).find(|round| state.placed[guest * rounds + round].is_some()).unwrap_or(rounds);
        let mut chain = chain(state, guest, (round, end), width);
        if chain.len() < end - round {
            chain = self::chain(state, guest, (round, end), WIDE);
        }
        for (at, start) in chain.into_iter().enumerate() {
            if !place_near(state, guest, round + at, start) {
                break;
            }
        }
        round = end;
    }
    prune(state, guest);
}

/// Takes out meetings of a guest whose round before has none.
fn prune(state: &mut State<'_>, guest: usize) {
    let rounds = state.model.rounds.len();
    for slot in guest * rounds + 1..(guest + 1) * rounds {
        if state.placed[slot - 1].is_none() && !state.is_pinned[slot] {
            state.remove(slot);
        }
    }
}

/// The best starts for some rounds of a guest, or for as many of them as can be.
fn chain(state: &State<'_>, guest: usize, (first, end): (usize, usize), width: Width) -> Vec<usize> {
    let mut layers: Vec<Vec<Candidate>> = Vec::with_capacity(end - first);
    for round in first..end {
        let layer = layer(state, guest, round, layers.last(), width);
        if layer.is_empty() {
            break;
        }
        layers.push(layer);
    }
    let mut at = layers.last().and_then(|layer| (0..layer.len()).min_by_key(|at| layer[*at].total));
    let mut starts = Vec::with_capacity(layers.len());
    for layer in layers.iter().rev() {
        let Some(candidate) = at.and_then(|at| layer.get(at)) else { break };
        starts.push(candidate.start);
        at = Some(candidate.before);
    }
    starts.reverse();
    starts
}

/// Candidates for one round, each after one of the round before.
fn layer(state: &State<'_>, guest: usize, round: usize, before: Option<&Vec<Candidate>>, width: Width) -> Vec<Candidate> {
    let (model, slot) = (state.model, guest * state.model.rounds.len() + round);
    let starts = possible_starts(state, guest, round);
    let is_last = round + 1 == model.rounds.len();
    let finish = if is_last { model.problem.weights.finish } else { 0 };
    let from = before.map_or_else(
        || earliest_after_placed(state, slot, round),
        |before| before.iter().map(|one| earliest_after(model, round, one.start)).min().unwrap_or(0),
    );
    let until =
        before.and_then(|before| before.iter().map(|one| latest_after(model, round, one.start)).max()).unwrap_or(usize::MAX);
    let consider = |start: usize| {
        let (so_far, before) = match before {
            None => (0, 0),
            Some(before) => cheapest_before(model, guest, round, before, start)?,
        };
        let (cost, _) = fits_placed(state, slot, start).then(|| seat(state, slot, start))??;
        Some(Candidate { start, total: so_far + cost + weighed(finish, int(start + model.rounds[round].length)), before })
    };
    // Where it was in the plan to stay near comes first.
    let old = state.stay.as_ref().and_then(|stay| stay.old[slot].as_ref()).map(|old| old.start);
    let mut layer: Vec<Candidate> = old.filter(|old| starts.contains(model.cell(*old))).and_then(consider).into_iter().collect();
    let (mut next, mut tries) = (starts.next(model.cell(from)), 0);
    while let Some(start) = next.map(|cell| model.offset(cell)).filter(|start| *start <= until) {
        if layer.len() >= width.candidates || tries >= width.tries {
            break;
        }
        tries += 1;
        let candidate = consider(start);
        next = starts.next(model.cell(start + 1 + candidate.as_ref().map_or(0, |_| width.apart)));
        layer.extend(candidate);
    }
    layer
}

/// Where a round may start for a guest, with each group for itself staffed.
pub fn possible_starts(state: &State<'_>, guest: usize, round: usize) -> CellSet {
    let mut starts = state.model.guest_starts(guest, round);
    starts.intersect(state.staffed(round));
    starts
}

/// Who sits at a start, and what the meeting costs: the cheapest seats, or those of the plan to stay near. `None` if nobody can.
pub fn seat(state: &State<'_>, slot: usize, start: usize) -> Option<(i128, Vec<usize>)> {
    let (guest, round) = state.guest_round(slot);
    let can = |person: usize| state.is_open(person, round, start) && !state.model.has_declined(guest, round, person);
    let step = &state.model.rounds[round];
    let mut people = Vec::with_capacity(step.panel.need());
    let mut seats: Vec<(i128, usize)> = Vec::new();
    let costs = |person: usize| state.seat_cost(person, round, start);
    if step.is_shared {
        let everybody = (0..state.model.people.len()).filter(|person| can(*person)).collect();
        people = step.panel.cheapest(everybody, costs)?;
    } else {
        for group in step.panel.groups() {
            seats.clear();
            seats.extend(group.members.iter().filter(|member| can(**member)).map(|member| (costs(*member), *member)));
            if seats.len() < group.need {
                return None;
            }
            if group.need < seats.len() {
                seats.select_nth_unstable(group.need - 1);
                seats.truncate(group.need);
            }
            seats.sort_unstable();
            people.extend(seats.iter().map(|seat| seat.1));
        }
    }
    let price = |people: &[usize]| {
        people.iter().map(|person| costs(*person)).sum::<i128>()
            + state.own_cost(slot, start)
            + state.stay_cost(slot, start, people)
    };
    let cost = price(&people);
    let old = state.stay.as_ref().and_then(|stay| stay.old[slot].as_ref()).filter(|old| old.start == start && old.people != people);
    match old.filter(|old| old.people.iter().all(|person| can(*person))).map(|old| (price(&old.people), &old.people)) {
        Some((old_cost, people)) if old_cost < cost => Some((old_cost, people.clone())),
        _ => Some((cost, people)),
    }
}

/// Places a round at a start, or as early as it can be if an earlier round took the seats; whether it could.
fn place_near(state: &mut State<'_>, guest: usize, round: usize, start: usize) -> bool {
    let slot = guest * state.model.rounds.len() + round;
    if fits_placed(state, slot, start)
        && let Some((_, people)) = seat(state, slot, start)
    {
        state.place(slot, Placed { start, people });
        return true;
    }
    let starts = possible_starts(state, guest, round);
    let from = state.model.cell(earliest_after_placed(state, slot, round));
    let mut next = starts.next(from);
    while let Some(cell) = next {
        let start = state.model.offset(cell);
        if fits_placed(state, slot, start)
            && let Some((_, people)) = seat(state, slot, start)
        {
            state.place(slot, Placed { start, people });
            return true;
        }
        next = starts.next(state.model.cell(start + 1));
    }
    false
}

/// Whether a start is in order with the guest's meetings before and after; without the one before there is none.
pub fn fits_placed(state: &State<'_>, slot: usize, start: usize) -> bool {
    let (guest, round) = state.guest_round(slot);
    let before = round.checked_sub(1).and_then(|_| state.placed[slot - 1].as_ref());
    let after = state.placed.get(slot + 1).filter(|_| round + 1 < state.model.rounds.len()).and_then(Option::as_ref);
    before.is_none_or(|before| state.model.may_follow(guest, round, before.start, start))
        && after.is_none_or(|after| state.model.may_follow(guest, round + 1, start, after.start))
}

fn earliest_after_placed(state: &State<'_>, slot: usize, round: usize) -> usize {
    let before = if round == 0 { None } else { state.placed[slot - 1].as_ref() };
    before.map_or(0, |before| earliest_after(state.model, round, before.start))
}

fn earliest_after(model: &Model<'_>, round: usize, before: usize) -> usize {
    before.saturating_add(model.rounds[round - 1].length).saturating_add(model.rounds[round].gap_min).min(model.len)
}

fn latest_after(model: &Model<'_>, round: usize, before: usize) -> usize {
    before.saturating_add(model.rounds[round - 1].length).saturating_add(model.rounds[round].gap_max)
}

fn cheapest_before(model: &Model<'_>, guest: usize, round: usize, before: &[Candidate], start: usize) -> Option<(i128, usize)> {
    let reaching = before.iter().enumerate().filter(|(_, one)| model.may_follow(guest, round, one.start, start));
    reaching.map(|(at, one)| (one.total, at)).min()
}
