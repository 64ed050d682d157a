//! Every plan of a tiny problem, and what it costs, in the plainest way.

use scheduling::{
    Cell, CellSet,
    planner::{Cost, Meeting, Plan, Problem, Unplaced, Violation, Why, violations},
};

/// Some meetings as a plan.
pub fn plan_of(problem: &Problem, mut meetings: Vec<Meeting>) -> Plan {
    meetings.sort();
    let all = (0..problem.guests.len()).flat_map(|guest| (0..problem.rounds.len()).map(move |round| (guest, round)));
    let is_missing = |name: &(usize, usize)| !meetings.iter().any(|meeting| (meeting.guest, meeting.round) == *name);
    let unplaced = all.filter(is_missing).map(|(guest, round)| Unplaced { guest, round, why: Why::Taken }).collect();
    Plan { meetings, unplaced, cost: Cost::default(), bound: Cost::default(), iterations: 0, proven: false }
}

/// Calls `each` with every plan that breaks no rule.
pub fn every_plan(problem: &Problem, each: &mut dyn FnMut(&Plan)) {
    let all = (0..problem.guests.len()).flat_map(|guest| (0..problem.rounds.len()).map(move |round| (guest, round)));
    let open: Vec<Vec<Meeting>> = all
        .filter(|name| !problem.pinned.iter().any(|pinned| (pinned.guest, pinned.round) == *name))
        .map(|(guest, round)| options(problem, guest, round))
        .collect();
    walk(problem, &open, &mut problem.pinned.clone(), each);
}

fn walk(problem: &Problem, open: &[Vec<Meeting>], chosen: &mut Vec<Meeting>, each: &mut dyn FnMut(&Plan)) {
    let Some((options, rest)) = open.split_first() else {
        let plan = plan_of(problem, chosen.clone());
        if violations(problem, &plan).is_empty() {
            each(&plan);
        }
        return;
    };
    walk(problem, rest, chosen, each);
    for option in options {
        chosen.push(option.clone());
        walk(problem, rest, chosen, each);
        chosen.pop();
    }
}

/// Every meeting that breaks no rule by itself.
fn options(problem: &Problem, guest: usize, round: usize) -> Vec<Meeting> {
    let window = CellSet::within(problem.span);
    let is_own =
        |violation: &Violation| !matches!(violation, Violation::Count { .. } | Violation::Order { .. } | Violation::Pinned { .. });
    let mut options = Vec::new();
    for start in CellSet::full(window.first(), window.len()).iter() {
        for people in
            seatings(&problem.rounds[round].groups.iter().map(|group| (&group.members[..], group.need)).collect::<Vec<_>>())
        {
            let meeting = Meeting { guest, round, start, people };
            let plan = plan_of(problem, vec![meeting.clone()]);
            if !violations(problem, &plan).iter().any(is_own) {
                options.push(meeting);
            }
        }
    }
    options
}

/// Every way to seat a round's groups.
pub fn seatings_of(problem: &Problem, round: usize) -> Vec<Vec<usize>> {
    seatings(&problem.rounds[round].groups.iter().map(|group| (&group.members[..], group.need)).collect::<Vec<_>>())
}

/// Every way to seat groups; the rules say which of them seat nobody twice.
fn seatings(groups: &[(&[usize], usize)]) -> Vec<Vec<usize>> {
    let Some(((members, need), rest)) = groups.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for chosen in (0_u32..1 << members.len()).filter(|chosen| chosen.count_ones() == u32::try_from(*need).unwrap()) {
        let first: Vec<usize> = (0..members.len()).filter(|at| chosen >> at & 1 == 1).map(|at| members[at]).collect();
        all.extend(seatings(rest).into_iter().map(|others| [&first[..], &others].concat()));
    }
    all
}

/// What meetings cost, cell by cell.
pub fn cost(problem: &Problem, meetings: &[Meeting]) -> Cost {
    let (weights, window) = (problem.weights, CellSet::within(problem.span));
    let cells = |meeting: &Meeting| -> Vec<i64> {
        (meeting.start.number()..meeting.start.number() + i64::from(problem.rounds[meeting.round].minutes / 5)).collect()
    };
    let holds = |set: Option<&CellSet>, meeting: &Meeting| {
        set.is_none_or(|set| cells(meeting).into_iter().all(|number| set.contains(Cell::from_number(number))))
    };
    let mut cost = Cost::default();
    let count = problem.guests.len() * problem.rounds.len() - meetings.len();
    cost.unplaced = i128::from(weights.unplaced) * i128::try_from(count).unwrap();
    for (number, guest) in problem.guests.iter().enumerate() {
        let theirs: Vec<&Meeting> = meetings.iter().filter(|meeting| meeting.guest == number).collect();
        if theirs.len() == problem.rounds.len() {
            let last = theirs.iter().flat_map(|meeting| cells(meeting)).max().unwrap();
            cost.finish += i128::from(weights.finish) * i128::from(last + 1 - window.first().number());
        }
        let outside = theirs.iter().filter(|meeting| !holds(guest.preferred.as_ref(), meeting)).count();
        cost.guest_preference += i128::from(weights.guest_preference) * i128::try_from(outside).unwrap();
    }
    for (number, person) in problem.people.iter().enumerate() {
        let theirs: Vec<&Meeting> = meetings.iter().filter(|meeting| meeting.people.contains(&number)).collect();
        let taken: Vec<i64> = theirs.iter().flat_map(|meeting| cells(meeting)).collect();
        let before = i128::from(person.carried_minutes / 5);
        let after = before + i128::try_from(taken.len()).unwrap();
        cost.fairness += i128::from(weights.fairness) * (after * after - before * before);
        let outside = theirs.iter().filter(|meeting| !holds(person.preferred.as_ref(), meeting)).count();
        cost.preference += i128::from(weights.preference) * i128::try_from(outside).unwrap();
        let is_loose = |number: i64| {
            let cell = Cell::from_number(number);
            CellSet::full(window.first(), window.len()).contains(cell) && person.free.contains(cell) && !taken.contains(&number)
        };
        let mut number = window.first().number();
        let end = number + i64::try_from(window.len()).unwrap();
        while number < end {
            let from = number;
            while is_loose(number) {
                number += 1;
            }
            let minutes = (number - from) * 5;
            let is_short =
                minutes > i64::from(person.gap_minutes.div_ceil(5) * 5) && minutes < i64::from(problem.useful_minutes / 5 * 5);
            if number > from && is_short && (taken.contains(&(from - 1)) || taken.contains(&number)) {
                cost.fragments += i128::from(weights.fragments);
            }
            number += 1;
        }
    }
    cost
}
