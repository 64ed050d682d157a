//! Whether a plan keeps every rule: read off the problem with plain loops, and with no line of the search.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    plan::Plan,
    problem::{DayRule, Meeting, Problem},
};
use crate::{Cell, TimeRange};

/// A rule that a plan breaks. Meetings are named by guest and round. What only concerns pinned meetings is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A meeting that names nobody or nothing of the problem, or does not lie within the span.
    Outside {
        /// Which.
        meeting: (usize, usize),
    },
    /// A round that has more than one meeting, or both a meeting and a reason for having none, or neither.
    Count {
        /// Which.
        meeting: (usize, usize),
    },
    /// A pinned meeting that is not in the plan as it was.
    Pinned {
        /// Which.
        meeting: (usize, usize),
    },
    /// The guest has no time.
    Guest {
        /// Which.
        meeting: (usize, usize),
    },
    /// A person has no time, or may not start then.
    Person {
        /// Which.
        meeting: (usize, usize),
        /// Who.
        person: usize,
    },
    /// A person said no.
    Declined {
        /// Which.
        meeting: (usize, usize),
        /// Who.
        person: usize,
    },
    /// Not as many of each group as it needs, or somebody sits twice.
    Seats {
        /// Which.
        meeting: (usize, usize),
    },
    /// A round whose round before has no meeting, or not in order, within the gaps or on the right date.
    Order {
        /// Which.
        meeting: (usize, usize),
    },
    /// A person is in two meetings at once, or without the gap they need.
    Twice {
        /// Who.
        person: usize,
        /// The one.
        meeting: (usize, usize),
        /// The other.
        other: (usize, usize),
    },
    /// More meetings on a date or in a week than the person's limit.
    Limit {
        /// Who.
        person: usize,
        /// The last meeting of these that is not pinned.
        meeting: (usize, usize),
    },
}

/// Every rule that a plan breaks. The problem is one that passes its check.
pub fn violations(problem: &Problem, plan: &Plan) -> Vec<Violation> {
    let mut found = Vec::new();
    for meeting in &plan.meetings {
        if is_outside(problem, meeting) {
            found.push(Violation::Outside { meeting: name(meeting) });
        }
    }
    if !found.is_empty() {
        return found;
    }
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for told in plan.meetings.iter().map(name).chain(plan.unplaced.iter().map(|missing| (missing.guest, missing.round))) {
        *counts.entry(told).or_default() += 1;
    }
    let all = (0..problem.guests.len()).flat_map(|guest| (0..problem.rounds.len()).map(move |round| (guest, round)));
    found.extend(all.filter(|meeting| counts.get(meeting) != Some(&1)).map(|meeting| Violation::Count { meeting }));
    let known = Known {
        problem,
        meetings: plan.meetings.iter().map(|meeting| (name(meeting), meeting)).collect(),
        pinned: problem.pinned.iter().map(name).collect(),
    };
    for pinned in problem.pinned.iter().filter(|pinned| known.meetings.get(&name(pinned)) != Some(pinned)) {
        found.push(Violation::Pinned { meeting: name(pinned) });
    }
    let mut by_person: Vec<Vec<&Meeting>> = vec![Vec::new(); problem.people.len()];
    for meeting in &plan.meetings {
        if !known.is_pinned(meeting) {
            alone(problem, meeting, &mut found);
        }
        order(&known, meeting, &mut found);
        meeting.people.iter().for_each(|person| by_person[*person].push(meeting));
    }
    for (person, theirs) in by_person.iter().enumerate() {
        of_person(&known, person, theirs, &mut found);
    }
    found
}

/// A plan by name.
struct Known<'a> {
    problem: &'a Problem,
    meetings: BTreeMap<(usize, usize), &'a Meeting>,
    pinned: BTreeSet<(usize, usize)>,
}

impl Known<'_> {
    fn is_pinned(&self, meeting: &Meeting) -> bool {
        self.pinned.contains(&name(meeting))
    }
}

fn name(meeting: &Meeting) -> (usize, usize) {
    (meeting.guest, meeting.round)
}

fn minutes(problem: &Problem, meeting: &Meeting) -> i64 {
    i64::from(problem.rounds[meeting.round].minutes)
}

/// Start and end, in minutes.
fn times(problem: &Problem, meeting: &Meeting) -> (i64, i64) {
    let start = meeting.start.number() * 5;
    (start, start + minutes(problem, meeting))
}

fn is_outside(problem: &Problem, meeting: &Meeting) -> bool {
    if meeting.guest >= problem.guests.len() || meeting.round >= problem.rounds.len() {
        return true;
    }
    let (start, end) = times(problem, meeting);
    let at = |minute: i64| jiff::Timestamp::from_second(minute * 60).ok();
    let range = at(start).zip(at(end)).and_then(|(start, end)| TimeRange::new(start, end).ok());
    !range.is_some_and(|range| problem.span.covers(range)) || meeting.people.iter().any(|person| *person >= problem.people.len())
}

/// What a meeting breaks by itself.
fn alone(problem: &Problem, meeting: &Meeting, found: &mut Vec<Violation>) {
    let (start, end) = times(problem, meeting);
    let cells = || (start / 5..end / 5).map(Cell::from_number);
    if !cells().all(|cell| problem.guests[meeting.guest].free.contains(cell)) {
        found.push(Violation::Guest { meeting: name(meeting) });
    }
    for person in &meeting.people {
        let time = &problem.people[*person];
        let may_start = time.starts.as_ref().is_none_or(|starts| starts[meeting.round].contains(meeting.start));
        if !may_start || !cells().all(|cell| time.free.contains(cell)) {
            found.push(Violation::Person { meeting: name(meeting), person: *person });
        }
        if problem.declined.iter().any(|no| (no.guest, no.round, no.person) == (meeting.guest, meeting.round, *person)) {
            found.push(Violation::Declined { meeting: name(meeting), person: *person });
        }
    }
    let groups = &problem.rounds[meeting.round].groups;
    let mut seats = groups.iter().flat_map(|group| std::iter::repeat_n(group, group.need));
    let is_seated = meeting.people.iter().all(|person| seats.next().is_some_and(|group| group.members.contains(person)));
    let is_twice = (1..meeting.people.len()).any(|at| meeting.people[..at].contains(&meeting.people[at]));
    if !is_seated || seats.next().is_some() || is_twice {
        found.push(Violation::Seats { meeting: name(meeting) });
    }
}

/// How a meeting follows the one of the round before.
fn order(known: &Known<'_>, meeting: &Meeting, found: &mut Vec<Violation>) {
    let problem = known.problem;
    let Some(before) = meeting.round.checked_sub(1) else { return };
    let is_pinned = known.is_pinned(meeting);
    let Some(before) = known.meetings.get(&(meeting.guest, before)) else {
        if !is_pinned {
            found.push(Violation::Order { meeting: name(meeting) });
        }
        return;
    };
    if is_pinned && known.is_pinned(before) {
        return;
    }
    let round = &problem.rounds[meeting.round];
    let gap = times(problem, meeting).0 - times(problem, before).1;
    let days = &problem.days[problem.guests[meeting.guest].days];
    let same_day = days.day(meeting.start) == days.day(before.start);
    let is_day = match round.day {
        DayRule::Any => true,
        DayRule::Same => same_day,
        DayRule::Another => !same_day,
    };
    if gap < i64::from(round.gap_min_minutes) || round.gap_max_minutes.is_some_and(|max| gap > i64::from(max)) || !is_day {
        found.push(Violation::Order { meeting: name(meeting) });
    }
}

/// What the meetings of a person break together.
fn of_person(known: &Known<'_>, person: usize, theirs: &[&Meeting], found: &mut Vec<Violation>) {
    let problem = known.problem;
    let time = &problem.people[person];
    let gap = i64::from(time.gap_minutes);
    let days = &problem.days[time.days];
    for (at, meeting) in theirs.iter().enumerate() {
        for other in &theirs[..at] {
            let ((start, end), (other_start, other_end)) = (times(problem, meeting), times(problem, other));
            let is_near = start < other_end + gap && other_start < end + gap;
            if is_near && !(known.is_pinned(meeting) && known.is_pinned(other)) {
                found.push(Violation::Twice { person, meeting: name(other), other: name(meeting) });
            }
        }
        if known.is_pinned(meeting) {
            continue;
        }
        let on_day = theirs.iter().filter(|other| days.day(other.start) == days.day(meeting.start)).count();
        let in_week = theirs.iter().filter(|other| days.week(other.start) == days.week(meeting.start)).count();
        let is_over =
            |count: usize, limit: Option<u32>| limit.is_some_and(|limit| count > usize::try_from(limit).unwrap_or(usize::MAX));
        if is_over(on_day, time.daily_limit) || is_over(in_week, time.weekly_limit) {
            found.push(Violation::Limit { person, meeting: name(meeting) });
        }
    }
}
