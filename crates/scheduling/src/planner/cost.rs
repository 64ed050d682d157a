//! What meetings cost, counted from nothing. The search counts only what changes; this is what it must come to.

use super::{
    model::int,
    plan::{Cost, weighed},
    problem::{Meeting, PersonTime, Problem},
};
use crate::CellSet;

/// What a plan of these meetings, each within the span, costs. The order does not matter.
pub fn cost(problem: &Problem, meetings: &[Meeting]) -> Cost {
    let weights = &problem.weights;
    let rounds = problem.rounds.len();
    let first = CellSet::within(problem.span).first().number();
    let mut through: Vec<(usize, i64)> = vec![(0, 0); problem.guests.len()];
    for meeting in meetings {
        let (placed, last) = &mut through[meeting.guest];
        *placed += 1;
        *last = (*last).max(end(problem, meeting) - first);
    }
    let finish: i128 = through.iter().filter(|guest| guest.0 == rounds).map(|guest| i128::from(guest.1)).sum();
    let mut by_person: Vec<Vec<&Meeting>> = vec![Vec::new(); problem.people.len()];
    for meeting in meetings {
        meeting.people.iter().for_each(|person| by_person[*person].push(meeting));
    }
    let (mut squares, mut outside, mut fragments) = (0, 0, 0);
    for (person, meetings) in problem.people.iter().zip(&by_person).filter(|(_, meetings)| !meetings.is_empty()) {
        let carried = i128::from(person.carried_minutes / 5);
        let added: i128 = meetings.iter().map(|meeting| i128::from(end(problem, meeting) - meeting.start.number())).sum();
        squares += (carried + added) * (carried + added) - carried * carried;
        outside += meetings.iter().filter(|meeting| is_outside(problem, person.preferred.as_ref(), meeting)).count();
        fragments += fragments_of(problem, person, meetings);
    }
    let guest_outside =
        meetings.iter().filter(|meeting| is_outside(problem, problem.guests[meeting.guest].preferred.as_ref(), meeting)).count();
    Cost {
        unplaced: weights.of_unplaced(problem.guests.len() * rounds - meetings.len()),
        finish: weighed(weights.finish, finish),
        fairness: weighed(weights.fairness, squares),
        preference: weighed(weights.preference, int(outside)),
        guest_preference: weighed(weights.guest_preference, int(guest_outside)),
        fragments: weighed(weights.fragments, int(fragments)),
    }
}

/// The number of the first cell after a meeting.
pub fn end(problem: &Problem, meeting: &Meeting) -> i64 {
    meeting.start.number() + i64::from(problem.rounds[meeting.round].minutes / 5)
}

fn is_outside(problem: &Problem, preferred: Option<&CellSet>, meeting: &Meeting) -> bool {
    let cells = || (meeting.start.number()..end(problem, meeting)).map(crate::Cell::from_number);
    preferred.is_some_and(|preferred| !cells().all(|cell| preferred.contains(cell)))
}

/// Stretches of free time beside a meeting that are longer than the gap the person needs and shorter than what is useful.
fn fragments_of(problem: &Problem, person: &PersonTime, meetings: &[&Meeting]) -> usize {
    let (gap, useful) = (i64::from(person.gap_minutes.div_ceil(5)), i64::from(problem.useful_minutes / 5));
    let mut loose = person.free.over(problem.span);
    for meeting in meetings {
        loose.remove_numbers(meeting.start.number(), end(problem, meeting));
    }
    let is_loose = |number: i64| loose.contains(crate::Cell::from_number(number));
    let mut stretches: Vec<(i64, i64)> = Vec::new();
    for meeting in meetings {
        let before = (1..=useful).take_while(|back| is_loose(meeting.start.number() - back)).count();
        let end = end(problem, meeting);
        let after = (0..useful).take_while(|ahead| is_loose(end + ahead)).count();
        let (before, after) = (i64::try_from(before).unwrap_or(i64::MAX), i64::try_from(after).unwrap_or(i64::MAX));
        stretches.push((meeting.start.number() - before, before));
        stretches.push((end, after));
    }
    stretches.retain(|(_, length)| gap < *length && *length < useful);
    stretches.sort_unstable();
    stretches.dedup();
    stretches.len()
}
