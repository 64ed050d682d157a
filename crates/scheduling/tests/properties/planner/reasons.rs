//! What is said about a plan: refusals of problems, why a meeting is as it is, what a plan comes to, what would be if.

use proptest::prelude::*;
use scheduling::{
    Cell, CellSet, Group, PanelError, TimeRange,
    planner::{
        DayRule, Days, EarlierStarts, Effort, GuestTime, Meeting, PersonTime, Problem, ProblemError, Round, Standing, Summary,
        Unplaced, Weights, Why, compare, explain, plan, repair, violations, what_if,
    },
};

use super::{
    brute::plan_of,
    planned,
    problems::{FIRST, SMALL, TINY, cell, problem},
};

/// Guests and people with time in the first cells, and rounds of half an hour with one of everybody.
fn plain(guests: usize, people: usize, rounds: usize, cells: usize) -> Problem {
    let at = |cells: usize| jiff::Timestamp::from_second((FIRST + i64::try_from(cells).unwrap()) * 300).unwrap();
    let free = CellSet::full(cell(0), cells);
    let person = PersonTime {
        free: free.clone(),
        starts: None,
        preferred: None,
        gap_minutes: 0,
        days: 0,
        daily_limit: None,
        weekly_limit: None,
        carried_minutes: 0,
    };
    let groups = vec![Group { members: (0..people).collect(), need: 1 }];
    let round = Round { minutes: 30, groups, gap_min_minutes: 0, gap_max_minutes: None, day: DayRule::Any };
    Problem {
        span: TimeRange::new(at(0), at(cells)).unwrap(),
        days: vec![Days::new(vec![(cell(0), 0)])],
        guests: vec![GuestTime { free, preferred: None, days: 0 }; guests],
        people: vec![person; people],
        rounds: vec![round; rounds],
        pinned: Vec::new(),
        declined: Vec::new(),
        weights: Weights::default(),
        useful_minutes: 0,
    }
}

fn refused(change: impl Fn(&mut Problem)) -> ProblemError {
    let mut problem = plain(2, 2, 2, 24);
    change(&mut problem);
    plan(&problem, &Effort::default(), &mut || true).unwrap_err()
}

#[test]
fn bad_problems_are_refused_with_what_is_wrong() {
    let length = |minutes: u32| refused(|problem| problem.rounds[1].minutes = minutes);
    assert_eq!(length(0), ProblemError::Length { round: 1, minutes: 0 });
    assert_eq!(length(31), ProblemError::Length { round: 1, minutes: 31 });
    assert_eq!(length(1_445), ProblemError::Length { round: 1, minutes: 1_445 });
    let gaps = |min: u32, max: u32| {
        refused(|problem| (problem.rounds[0].gap_min_minutes, problem.rounds[0].gap_max_minutes) = (min, Some(max)))
    };
    assert_eq!(gaps(60, 55), ProblemError::Gaps { round: 0, min: 60, max: 55 });
    // Nothing lies between seven and nine minutes.
    assert_eq!(gaps(7, 9), ProblemError::Gaps { round: 0, min: 10, max: 5 });
    let group = |members: &[usize], need: usize| {
        let source = refused(|problem| problem.rounds[0].groups = vec![Group { members: members.to_vec(), need }]);
        let ProblemError::Groups { round: 0, source } = source else { panic!("{source}") };
        source
    };
    assert_eq!(group(&[0, 1], 3), PanelError::Need { group: 0, need: 3, members: 2 });
    assert_eq!(group(&[0, 2], 1), PanelError::Unknown { group: 0, member: 2, people: 2 });
    let too_many = |change: fn(&mut Problem)| match refused(change) {
        ProblemError::TooMany { what, count, most } => (what, count, most),
        other => panic!("{other}"),
    };
    assert_eq!(too_many(|problem| problem.guests = vec![problem.guests[0].clone(); 5_001]), ("guests", 5_001, 5_000));
    assert_eq!(too_many(|problem| problem.rounds = vec![problem.rounds[0].clone(); 21]), ("rounds", 21, 20));
    assert_eq!(refused(|problem| problem.rounds.clear()), ProblemError::NoRounds);
    assert_eq!(refused(|problem| problem.weights.finish = 1_000_001), ProblemError::Weight { weight: 1_000_001 });
    assert_eq!(refused(|problem| problem.days[0] = Days::new(Vec::new())), ProblemError::NoDays { zone: 0 });
    assert_eq!(
        refused(|problem| problem.people[1].starts = Some(Vec::new())),
        ProblemError::Starts { person: 1, given: 0, rounds: 2 }
    );
    let pinned = |guest: usize, start: usize, person: usize| Meeting { guest, round: 1, start: cell(start), people: vec![person] };
    let unknown = |of, what, number, count| ProblemError::Unknown { of, what, number, count };
    assert_eq!(refused(|problem| problem.pinned = vec![pinned(2, 0, 0)]), unknown("a pinned meeting", "guest", 2, 2));
    assert_eq!(refused(|problem| problem.pinned = vec![pinned(0, 0, 5)]), unknown("a pinned meeting", "person", 5, 2));
    assert_eq!(refused(|problem| problem.pinned = vec![pinned(0, 19, 0)]), ProblemError::PinnedOutside { guest: 0, round: 1 });
    assert_eq!(
        refused(|problem| problem.pinned = vec![Meeting { people: vec![1, 0, 1], ..pinned(0, 6, 0) }]),
        ProblemError::SitsTwice { guest: 0, round: 1, person: 1 }
    );
    assert_eq!(
        refused(|problem| problem.pinned = vec![pinned(0, 6, 0), pinned(0, 12, 1)]),
        ProblemError::PinnedTwice { guest: 0, round: 1 }
    );
}

#[test]
fn what_has_no_meeting_has_a_reason() {
    let why = |change: fn(&mut Problem)| -> Vec<Why> {
        let mut problem = plain(1, 2, 2, 24);
        change(&mut problem);
        planned(&problem, 10, 10_000).unplaced.iter().map(|unplaced| unplaced.why).collect()
    };
    assert_eq!(why(|_| ()), []);
    assert_eq!(why(|problem| problem.guests[0].free = CellSet::empty(cell(0), 24)), [Why::Guest, Why::Waits { round: 0 }]);
    assert_eq!(why(|problem| problem.rounds[1].gap_min_minutes = 90), [Why::Guest]);
    assert_eq!(
        why(|problem| problem.people.iter_mut().for_each(|person| person.daily_limit = Some(0)))[0],
        Why::Group { group: 0 }
    );
    assert_eq!(why(|problem| problem.people.iter_mut().for_each(|person| person.weekly_limit = Some(1))), []);
    assert_eq!(
        why(|problem| {
            problem.rounds[1].groups[0].members.truncate(1);
            problem.rounds[0].groups[0].members.truncate(1);
            problem.people[0].weekly_limit = Some(1);
        }),
        [Why::Taken]
    );
    // Each of two groups has time, one in the morning and one in the afternoon.
    assert_eq!(
        why(|problem| {
            problem.rounds.truncate(1);
            problem.rounds[0].groups = vec![Group { members: vec![0], need: 1 }, Group { members: vec![1], need: 1 }];
            (0..12).for_each(|at| problem.people[0].free.remove(cell(at)));
            (12..24).for_each(|at| problem.people[1].free.remove(cell(at)));
        }),
        [Why::Together]
    );
}

#[test]
fn of_nothing_the_plan_is_nothing() {
    for (guests, cells) in [(0, 24), (1, 0), (1, 5)] {
        let mut problem = plain(guests, 1, 1, cells.max(1));
        if cells == 0 {
            let start = problem.span.start();
            problem.span = TimeRange::new(start, start + jiff::SignedDuration::from_secs(60)).unwrap();
        }
        let plan = planned(&problem, 10, 0);
        assert_eq!((plan.meetings.len(), plan.unplaced.len()), (0, guests));
        assert!(plan.unplaced.iter().all(|unplaced| unplaced.why == Why::Guest));
        assert_eq!(plan.gap_permille(), Some(0));
    }
}

#[test]
fn who_is_told_to_stop_stops() {
    let problem = plain(5_000, 3, 2, 600);
    let mut left = 20;
    let plan = plan(&problem, &Effort::default(), &mut || {
        left -= 1;
        left >= 0
    });
    let plan = plan.unwrap();
    assert_eq!((plan.meetings.len(), left), (40, -1));
    assert_eq!(plan.unplaced[0], Unplaced { guest: 20, round: 0, why: Why::Stopped });
    assert_eq!(violations(&problem, &plan), []);
}

#[test]
fn an_hour_more_is_compared() {
    let mut problem = plain(3, 1, 1, 12);
    problem.people[0].carried_minutes = 60;
    let mut longer = plain(3, 1, 1, 24);
    longer.people[0].free.remove(cell(0));
    let (one, other, comparison) = what_if(&problem, &longer, &Effort::default(), &mut || true).unwrap();
    assert_eq!((one.guests_through(), other.guests_through()), (2, 3));
    assert_eq!((one.all_through, other.all_through), (Some(cell(12)), Some(cell(19))));
    assert_eq!((one.people[0].minutes, one.people[0].meetings, one.people[0].before_minutes), (60, 2, 60));
    assert_eq!((comparison.gained.len(), comparison.lost.len()), (1, 0));
    assert_eq!(comparison.all_later_minutes, Some(35));
    assert_eq!(comparison.more_minutes, [30]);
    assert_eq!(comparison.later_minutes.iter().flatten().copied().sum::<i64>(), 10);
    assert_eq!(compare(&one, &one).dearer, 0);
}

#[test]
fn whoever_is_free_takes_the_seat_at_the_same_time() {
    let problem = plain(2, 3, 2, 30);
    let old = planned(&problem, 200, 0);
    let first = old.meetings[0].clone();
    let mut changed = problem.clone();
    changed.people[first.people[0]].free.remove(first.start);
    let repaired = repair(&changed, &old, &Effort::default(), &mut || true).unwrap();
    let [change] = &repaired.changes[..] else { panic!("{:?}", repaired.changes) };
    assert!(!change.is_moved());
    assert_eq!(change.before.as_ref(), Some(&first));
    assert_eq!(change.after.as_ref().map(|after| after.start), Some(first.start));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whoever is said to be able to sit instead can, and nobody else; every earlier start has one reason, and those that are open
    /// are.
    #[test]
    fn reasons_are_true(seed in any::<u64>(), is_tiny in any::<bool>()) {
        let problem = problem(seed, if is_tiny { TINY } else { SMALL });
        let plan = planned(&problem, 20, 200);
        for meeting in plan.meetings.iter().filter(|meeting| !problem.pinned.contains(meeting)).take(4) {
            let reasons = explain(&problem, &plan, meeting.guest, meeting.round).unwrap().unwrap();
            let others: Vec<Meeting> = plan.meetings.iter().filter(|other| *other != meeting).cloned().collect();
            let is_allowed = |start: Cell, people: Vec<usize>| {
                let instead = Meeting { start, people, ..meeting.clone() };
                let plan = plan_of(&problem, others.iter().cloned().chain([instead]).collect());
                violations(&problem, &plan).is_empty()
            };
            let mut first = 0;
            for (group, standings) in problem.rounds[meeting.round].groups.iter().zip(&reasons.groups) {
                prop_assert_eq!(standings.iter().map(|standing| standing.0).collect::<Vec<_>>(), group.members.clone());
                for (person, standing) in standings {
                    let mut instead = meeting.people.clone();
                    instead[first] = *person;
                    let can = match standing {
                        Standing::Sits => continue,
                        Standing::CarriesMore { minutes, seated_minutes } => minutes > seated_minutes,
                        Standing::Dearer { by } => *by > 0,
                        Standing::AsGood => true,
                        Standing::Declined | Standing::NotFree | Standing::Elsewhere { .. } | Standing::LimitReached => false,
                    };
                    prop_assert_eq!(is_allowed(meeting.start, instead), can, "{:?} of {:?}", standing, meeting);
                }
                first += group.need;
            }
            let EarlierStarts { guest, order, people, taken, dearer, as_good } = reasons.earlier;
            let earlier = usize::try_from(meeting.start.number() - FIRST).unwrap();
            prop_assert_eq!(guest + order + people + taken + dearer + as_good, earlier);
            if is_tiny {
                let seatings = super::brute::seatings_of(&problem, meeting.round);
                let is_open = |at: &usize| seatings.iter().any(|people| is_allowed(cell(*at), people.clone()));
                prop_assert_eq!(dearer + as_good, (0..earlier).filter(is_open).count());
            }
        }
        prop_assert_eq!(explain(&problem, &plan, problem.guests.len(), 0), Ok(None));
        // A summary is what the meetings say.
        let summary = Summary::of(&problem, &plan);
        let minutes: u64 = summary.people.iter().map(|person| person.minutes).sum();
        let of_meeting = |meeting: &Meeting| meeting.people.iter().map(|_| u64::from(problem.rounds[meeting.round].minutes)).sum::<u64>();
        prop_assert_eq!(minutes, plan.meetings.iter().map(of_meeting).sum::<u64>());
        let unplaced = |guest: usize| plan.unplaced.iter().any(|unplaced| unplaced.guest == guest);
        prop_assert!((0..problem.guests.len()).all(|guest| summary.through[guest].is_none() == unplaced(guest)));
    }
}
