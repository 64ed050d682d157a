//! Planning a shortlist, against rules that share no code with it and against trying every plan.

mod brute;
mod problems;
mod reasons;

use proptest::prelude::*;
use scheduling::planner::{Effort, Plan, Problem, Repaired, Weights, plan, repair, violations};

use self::problems::{EXACT, Random, SMALL, TINY, cell, problem};

fn planned(problem: &Problem, iterations: u64, exact_steps: u64) -> Plan {
    plan(problem, &Effort { seed: 7, iterations, exact_steps }, &mut || true).unwrap()
}

/// The least cost of all plans.
fn least(problem: &Problem) -> i128 {
    let mut least = i128::MAX;
    brute::every_plan(problem, &mut |plan| least = least.min(brute::cost(problem, &plan.meetings).total()));
    least
}

/// How much of a plan is lost, changed and moved in another one, and what that one costs.
fn distance(problem: &Problem, old: &Plan, new: &Plan) -> (usize, usize, usize, i128) {
    let sorted = |people: &[usize]| {
        let mut people = people.to_vec();
        people.sort_unstable();
        people
    };
    let is_pinned = |guest, round| problem.pinned.iter().any(|pinned| (pinned.guest, pinned.round) == (guest, round));
    let (mut lost, mut changed, mut moved) = (0, 0, 0);
    for before in old.meetings.iter().filter(|before| !is_pinned(before.guest, before.round)) {
        match new.meeting(before.guest, before.round) {
            None => lost += 1,
            Some(after) => {
                moved += usize::from(before.start != after.start);
                changed += usize::from(before.start != after.start || sorted(&before.people) != sorted(&after.people));
            }
        }
    }
    (lost, changed, moved, brute::cost(problem, &new.meetings).total())
}

/// The problem after somebody's time, answer or limit has changed.
fn changed(problem: &Problem, random: &mut Random) -> Problem {
    let (mut changed, count) = (problem.clone(), 13);
    for _ in 0..=random.below(2) {
        let person = random.below(problem.people.len());
        match random.below(4) {
            0 => changed.declined.push(problems::declined(random, problem)),
            1 => changed.people[person].daily_limit = Some(u32::try_from(random.below(3)).unwrap()),
            2 => {
                let guest = random.below(problem.guests.len());
                let taken = random.below(count);
                (taken..taken + 2).for_each(|at| changed.guests[guest].free.remove(cell(at)));
            }
            _ => {
                let taken = random.below(count);
                (taken..taken + 3).for_each(|at| changed.people[person].free.remove(cell(at)));
            }
        }
    }
    changed
}

fn mended(problem: &Problem, old: &Plan, exact_steps: u64) -> Repaired {
    repair(problem, old, &Effort { seed: 7, iterations: 20, exact_steps }, &mut || true).unwrap()
}

/// Properties that hold because nothing is ever placed would say nothing.
#[test]
fn the_random_problems_are_worth_planning() {
    let (mut meetings, mut unplaced, mut pinned, mut proven) = (0, 0, 0, 0);
    for seed in 0..200 {
        let problem = problem(seed, SMALL);
        let plan = planned(&problem, 10, 1_000);
        meetings += plan.meetings.len();
        unplaced += plan.unplaced.len();
        pinned += problem.pinned.len();
        proven += usize::from(plan.proven);
    }
    assert!(meetings > 400 && unplaced > 100 && pinned > 30 && proven > 5, "{meetings} {unplaced} {pinned} {proven}");
}

/// Nor would a search that finds nothing, or a bound that is nothing.
#[test]
fn iterations_make_plans_better() {
    let (mut first, mut later, mut bound) = (0, 0, 0);
    for seed in 0..60 {
        let problem = Problem { weights: Weights::default(), ..problem(seed, SMALL) };
        let (one, other) = (planned(&problem, 0, 0), planned(&problem, 60, 0));
        // A round without a meeting would outweigh all else.
        first += one.cost.placed() + i128::try_from(one.unplaced.len()).unwrap() * 5_000;
        later += other.cost.placed() + i128::try_from(other.unplaced.len()).unwrap() * 5_000;
        bound += other.bound.placed() + i128::try_from(other.unplaced.len()).unwrap() * 5_000;
    }
    assert!(later * 100 < first * 97 && bound * 100 > later * 70, "{first} {later} {bound}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No rule is broken, pinned meetings are where they were, the cost is that of the meetings, and the bound is below it.
    #[test]
    fn plans_keep_every_rule(seed in any::<u64>(), iterations in 0_u64..40) {
        let problem = problem(seed, SMALL);
        let plan = planned(&problem, iterations, 300);
        prop_assert_eq!(violations(&problem, &plan), []);
        prop_assert_eq!(plan.cost, brute::cost(&problem, &plan.meetings));
        prop_assert!(plan.bound.total() <= plan.cost.total(), "{:?} {:?}", plan.bound, plan.cost);
        prop_assert_eq!(plan, planned(&problem, iterations, 300));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_problems_are_planned_as_well_as_can_be(seed in any::<u64>()) {
        let problem = problem(seed, TINY);
        let (least, exact, first) = (least(&problem), planned(&problem, 0, 2_000_000), planned(&problem, 0, 0));
        prop_assert!(exact.proven);
        prop_assert_eq!(exact.cost.total(), least);
        prop_assert_eq!(exact.bound.total(), least);
        prop_assert!(first.bound.total() <= least, "{:?} {}", first.bound, least);
    }

    /// The bound of a problem that is planned exactly, which the test above holds to be right.
    #[test]
    fn bounds_are_below_the_best_plan(seed in any::<u64>()) {
        let mut problem = problem(seed, EXACT);
        // Alone, so that no other term makes up for one that is too high.
        problem.weights = match seed % 3 {
            0 => Weights { fairness: 0, preference: 0, guest_preference: 0, fragments: 0, ..problem.weights },
            1 => Weights { finish: 0, preference: 0, guest_preference: 0, fragments: 0, ..problem.weights },
            _ => problem.weights,
        };
        let (exact, first) = (planned(&problem, 0, 20_000), planned(&problem, 0, 0));
        prop_assert!(first.bound.total() <= exact.cost.total(), "{:?} {:?}", first.bound, exact.cost);
    }

    #[test]
    fn more_iterations_never_cost_more(seed in any::<u64>()) {
        let problem = problem(seed, SMALL);
        let costs: Vec<i128> = [0, 1, 2, 5, 20, 80].into_iter().map(|count| planned(&problem, count, 50).cost.total()).collect();
        prop_assert!(costs.is_sorted_by(|fewer, more| fewer >= more), "{costs:?}");
    }

    /// As few meetings are lost, changed and moved as can be, and of such plans it is the cheapest.
    #[test]
    fn no_repair_changes_less(seed in any::<u64>()) {
        let problem = problem(seed, TINY);
        let old = planned(&problem, 20, 2_000_000);
        let changed = changed(&problem, &mut Random::of(seed.wrapping_add(77)));
        let repaired = mended(&changed, &old, 2_000_000);
        prop_assert_eq!(violations(&changed, &repaired.plan), []);
        let mut least = (usize::MAX, 0, 0, 0);
        brute::every_plan(&changed, &mut |plan| least = least.min(distance(&changed, &old, plan)));
        let distance = distance(&changed, &old, &repaired.plan);
        prop_assert_eq!(distance, least);
        prop_assert!(repaired.is_fewest);
        let told = repaired.changes.iter().filter(|change| change.before.is_some()).count();
        prop_assert_eq!(told, distance.0 + distance.1);
    }

    /// What still stands is not touched: without a change nothing is, and a change that breaks nothing of the plan moves nothing of
    /// it.
    #[test]
    fn a_repair_leaves_what_stands(seed in any::<u64>(), at in 0_usize..150) {
        let problem = problem(seed, SMALL);
        let old = planned(&problem, 20, 50);
        let is_new = |repaired: &Repaired| repaired.changes.iter().all(|change| change.before.is_none());
        prop_assert!(is_new(&mended(&problem, &old, 500)));
        let mut less = problem.clone();
        less.guests[0].free.remove(cell(at));
        less.people[0].free.remove(cell(at));
        let still = brute::plan_of(&less, old.meetings.clone());
        let repaired = mended(&less, &old, 500);
        prop_assert_eq!(violations(&less, &repaired.plan), []);
        prop_assert!(!violations(&less, &still).is_empty() || is_new(&repaired));
    }
}
