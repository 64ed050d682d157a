//! A plan at a glance, and two of them side by side: what would change if something were different.

use super::{
    cost::end,
    errors::ProblemError,
    plan::{Cost, Plan, Unplaced},
    problem::Problem,
    search::{Effort, plan},
};
use crate::Cell;

/// What a plan comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// For each guest, the first cell after their last meeting; `None` if a round has no meeting.
    pub through: Vec<Option<Cell>>,
    /// When all who get through are; `None` if nobody does.
    pub all_through: Option<Cell>,
    /// What each person carries.
    pub people: Vec<Carried>,
    /// Every round that has no meeting.
    pub unplaced: Vec<Unplaced>,
    /// What the plan costs.
    pub cost: Cost,
}

/// What a person carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Carried {
    /// Minutes in meetings of the plan.
    pub minutes: u64,
    /// How many meetings.
    pub meetings: usize,
    /// Minutes carried before.
    pub before_minutes: u64,
}

impl Summary {
    /// Of a plan for a problem.
    pub fn of(problem: &Problem, plan: &Plan) -> Self {
        let mut of_guest: Vec<(usize, Option<i64>)> = vec![(0, None); problem.guests.len()];
        let before = |minutes: u32| Carried { before_minutes: u64::from(minutes), ..Carried::default() };
        let mut people: Vec<Carried> = problem.people.iter().map(|person| before(person.carried_minutes)).collect();
        for meeting in &plan.meetings {
            let (count, last) = &mut of_guest[meeting.guest];
            *count += 1;
            *last = (*last).max(Some(end(problem, meeting)));
            for person in &meeting.people {
                people[*person].minutes += u64::from(problem.rounds[meeting.round].minutes);
                people[*person].meetings += 1;
            }
        }
        let is_through = |count: usize| count == problem.rounds.len();
        let through: Vec<Option<Cell>> =
            of_guest.into_iter().map(|(count, last)| last.filter(|_| is_through(count)).map(Cell::from_number)).collect();
        let all_through = through.iter().flatten().max().copied();
        Self { through, all_through, people, unplaced: plan.unplaced.clone(), cost: plan.cost }
    }

    /// How many guests get through.
    pub fn guests_through(&self) -> usize {
        self.through.iter().flatten().count()
    }
}

/// What changes from one plan to another of the same guests and people. Positive is more, or later, in the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// For each guest who gets through in both, by how many minutes later.
    pub later_minutes: Vec<Option<i64>>,
    /// By how many minutes later all who get through are; `None` if nobody does in one of them.
    pub all_later_minutes: Option<i64>,
    /// Guests who get through only in the second.
    pub gained: Vec<usize>,
    /// Guests who get through only in the first.
    pub lost: Vec<usize>,
    /// For each person, how many more minutes.
    pub more_minutes: Vec<i64>,
    /// By how much the second is dearer.
    pub dearer: i128,
}

/// Compares two summaries. Guests and people that one of them does not have are left out.
pub fn compare(one: &Summary, other: &Summary) -> Comparison {
    let minutes = |one: Option<Cell>, other: Option<Cell>| Some((other?.number() - one?.number()) * 5);
    let guests = || one.through.iter().copied().zip(other.through.iter().copied());
    let only = |wanted: (bool, bool)| {
        let matching = guests().enumerate().filter(|(_, (one, other))| (one.is_some(), other.is_some()) == wanted);
        matching.map(|(guest, _)| guest).collect()
    };
    let carried = |carried: &Carried| i64::try_from(carried.minutes).unwrap_or(i64::MAX);
    Comparison {
        later_minutes: guests().map(|(one, other)| minutes(one, other)).collect(),
        all_later_minutes: minutes(one.all_through, other.all_through),
        gained: only((false, true)),
        lost: only((true, false)),
        more_minutes: one.people.iter().zip(&other.people).map(|(one, other)| carried(other) - carried(one)).collect(),
        dearer: other.cost.total() - one.cost.total(),
    }
}

/// Plans two problems with the same effort: what would be different if the second were so, beside both summaries.
pub fn what_if(
    problem: &Problem,
    other: &Problem,
    effort: &Effort,
    keep_going: &mut dyn FnMut() -> bool,
) -> Result<(Summary, Summary, Comparison), ProblemError> {
    let mut summary = |problem: &Problem| plan(problem, effort, keep_going).map(|plan| Summary::of(problem, &plan));
    let (one, other) = (summary(problem)?, summary(other)?);
    let comparison = compare(&one, &other);
    Ok((one, other, comparison))
}
