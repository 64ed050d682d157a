//! A shortlist at once: 100 guests, three rounds, 20 people in two zones with 200 events each, 30 days; and 5,000 guests.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, clippy::cast_precision_loss, reason = "a benchmark measures durations")]

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use scheduling::{
    Agenda, Busy, BusySet, CellSet, Group, Query, Request, Rules, RulesDraft, SlotLength, TimeRange, Zone,
    planner::{
        Cost, DayRule, Days, Effort, GuestTime, PersonTime, Plan, Problem, Round, Summary, Weights, plan, repair, violations,
    },
};

/// Monday, 2 March 2026, 00:00 UTC. The clocks of both zones change within the span.
const NOW: i64 = 1_772_409_600;
const DAY: i64 = 86_400;
const SPAN_DAYS: i64 = 30;
const RUNS: usize = 11;

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % end).unwrap()
    }
}

/// What an instance is made of.
#[derive(Clone, Copy)]
struct Shape {
    guests: usize,
    people: usize,
    zones: [&'static str; 2],
    /// Whether each round has its own people, or all share theirs.
    is_shared: bool,
    seed: u64,
}

fn span() -> TimeRange {
    let at = |second| Timestamp::from_second(second).unwrap();
    TimeRange::new(at(NOW), at(NOW + SPAN_DAYS * DAY)).unwrap()
}

/// Starts of each length for somebody with hours from nine to five and so many events of 30 minutes to an hour and a half, and all
/// of their free cells.
fn times(zone: &str, events: i64, lengths: &[u32], random: &mut Random) -> (CellSet, Vec<CellSet>) {
    let at = |second| Timestamp::from_second(second).unwrap();
    let events = (0..events).map(|_| {
        let start = NOW + random.below(u64::try_from(SPAN_DAYS * 96).unwrap()) * 900;
        TimeRange::new(at(start), at(start + 1_800 + random.below(5) * 900)).unwrap()
    });
    let window = TimeRange::new(at(NOW - DAY), at(NOW + (SPAN_DAYS + 1) * DAY)).unwrap();
    let busy = Busy::Known { as_of: at(NOW), set: events.collect::<BusySet>().within(window) };
    let starts = |minutes: u32, step_minutes: u32| {
        let rules = Rules::new(RulesDraft {
            week: "mon-fri 09:00-17:00".parse().unwrap(),
            minimum_notice_minutes: 0,
            horizon_days: 60,
            step_minutes,
            ..RulesDraft::usual(Zone::new(zone).unwrap())
        });
        let request = Request::of(SlotLength::from_minutes(minutes).unwrap());
        let query = Query { rules: &rules.unwrap(), busy: &busy, agenda: &Agenda::empty(), now: at(NOW), request: &request };
        query.start_cells(span())
    };
    (starts(5, 5), lengths.iter().map(|minutes| starts(*minutes, 15)).collect())
}

/// The loop: half an hour with one person, an hour with two, three quarters of an hour with one of the leads.
fn rounds(people: usize, is_shared: bool) -> Vec<Round> {
    let group = |from: usize, to: usize, need: usize| {
        let (from, to) = if is_shared { (0, people) } else { (people * from / 20, people * to / 20) };
        Group { members: (from..to).collect(), need }
    };
    let round =
        |minutes, group, gap_min_minutes, day| Round { minutes, groups: vec![group], gap_min_minutes, gap_max_minutes: None, day };
    vec![
        round(30, group(0, 5, 1), 0, DayRule::Any),
        round(60, group(5, 15, 2), 60, DayRule::Any),
        round(45, group(15, 20, 1), 0, DayRule::Another),
    ]
}

fn problem(shape: Shape) -> Problem {
    let rounds = rounds(shape.people, shape.is_shared);
    let lengths: Vec<u32> = rounds.iter().map(|round| round.minutes).collect();
    let mut random = Random(shape.seed);
    let person = |number: usize, random: &mut Random| {
        let days = number % 2;
        let (free, starts) = times(shape.zones[days], 200, &lengths, random);
        let carried_minutes = u32::try_from(random.below(10)).unwrap() * 30;
        PersonTime {
            free,
            starts: Some(starts),
            preferred: None,
            gap_minutes: 0,
            days,
            daily_limit: Some(5),
            weekly_limit: None,
            carried_minutes,
        }
    };
    let people = (0..shape.people).map(|number| person(number, &mut random)).collect();
    // Guests differ by their events; a few kinds serve many.
    let kinds: Vec<CellSet> =
        (0..shape.guests.min(200)).map(|number| times(shape.zones[number % 2], 60, &[], &mut random).0).collect();
    let guest = |number: usize| GuestTime { free: kinds[number % kinds.len()].clone(), preferred: None, days: number % 2 };
    Problem {
        span: span(),
        days: shape.zones.iter().map(|zone| Days::in_zone(&Zone::new(zone).unwrap(), span())).collect(),
        guests: (0..shape.guests).map(guest).collect(),
        people,
        rounds,
        pinned: Vec::new(),
        declined: Vec::new(),
        weights: Weights::default(),
        useful_minutes: 30,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn told(name: &str, plan: &Plan) {
    let Cost { unplaced, finish, fairness, fragments, .. } = plan.cost;
    let ratio = |cost: i128, bound: i128| bound as f64 / (cost as f64).max(1.0);
    println!(
        "{name}: cost {}, bound {}, bound/cost {:.4}, gap {} ‰; {} iterations; {} unplaced; finish {finish} ({:.4}), \
         fairness {fairness} ({:.4}), fragments {fragments}, of unplaced {unplaced}",
        plan.cost.total(),
        plan.bound.total(),
        ratio(plan.cost.placed(), plan.bound.placed()),
        plan.gap_permille().map_or("unknown".to_owned(), |gap| gap.to_string()),
        plan.iterations,
        plan.unplaced.len(),
        ratio(plan.cost.finish, plan.bound.finish),
        ratio(plan.cost.fairness, plan.bound.fairness),
    );
}

fn first_plan(problem: &Problem, runs: usize) -> Plan {
    let effort = Effort { iterations: 0, ..Effort::default() };
    let mut times: Vec<(Duration, Plan)> = (0..runs)
        .map(|_| {
            let begin = Instant::now();
            let plan = plan(black_box(problem), &effort, &mut || true).unwrap();
            (begin.elapsed(), plan)
        })
        .collect();
    times.sort_by_key(|run| run.0);
    println!(
        "  first plan, its bound included: median {:.1} ms, least {:.1} ms",
        milliseconds(times[runs / 2].0),
        milliseconds(times[0].0)
    );
    times.swap_remove(0).1
}

/// The plan after so many seconds, and the longest time between two questions whether to go on.
fn plan_for(problem: &Problem, seconds: u64) -> Plan {
    let begin = Instant::now();
    let (mut last, mut longest) = (begin, Duration::ZERO);
    let plan = plan(problem, &Effort::default(), &mut || {
        let now = Instant::now();
        longest = longest.max(now - last);
        last = now;
        now - begin < Duration::from_secs(seconds)
    });
    println!("  asked to go on at least every {:.1} ms; all in all {:.0} ms", milliseconds(longest), milliseconds(begin.elapsed()));
    plan.unwrap()
}

fn main() {
    let usual = Shape { guests: 100, people: 20, zones: ["Europe/Berlin", "Europe/London"], is_shared: false, seed: 1 };
    let shapes = [
        ("Berlin and London, people of their own for each round", usual),
        ("another seed", Shape { seed: 2, ..usual }),
        ("Berlin and New York", Shape { zones: ["Europe/Berlin", "America/New_York"], ..usual }),
        ("all 20 people in every round", Shape { is_shared: true, ..usual }),
    ];
    for (name, shape) in shapes {
        println!("{} guests, {} people: {name}", shape.guests, shape.people);
        let problem = problem(shape);
        told("  first", &first_plan(&problem, RUNS));
        let plan = plan_for(&problem, 2);
        told("  after 2 s", &plan);
        assert_eq!(violations(&problem, &plan), []);
        println!("  {} guests through", Summary::of(&problem, &plan).guests_through());
        repaired(&problem, &plan);
    }
    let many = Shape { guests: 5_000, people: 200, ..usual };
    println!("{} guests, {} people", many.guests, many.people);
    let problem = problem(many);
    told("  first", &first_plan(&problem, 1));
    told("  after 10 s", &plan_for(&problem, 10));
}

/// Somebody is away for the first two weeks.
fn repaired(problem: &Problem, plan: &Plan) {
    let mut changed = problem.clone();
    let at = |second| Timestamp::from_second(second).unwrap();
    let away = TimeRange::new(at(NOW), at(NOW + 14 * DAY)).unwrap();
    changed.people[0].free.remove_touched(away);
    let broken =
        plan.meetings.iter().filter(|meeting| meeting.people.contains(&0) && meeting.start < scheduling::Cell::at(away.end()));
    let broken = broken.count();
    for iterations in [0, 500, 5_000] {
        let (begin, effort) = (Instant::now(), Effort { iterations, ..Effort::default() });
        let repaired = repair(&changed, plan, &effort, &mut || true).unwrap();
        let took = milliseconds(begin.elapsed());
        assert_eq!(violations(&changed, &repaired.plan), []);
        let moved = repaired.changes.iter().filter(|change| change.is_moved()).count();
        println!(
            "  somebody is away for two weeks, {iterations} iterations: {broken} meetings broken, {} changed, \
             {moved} of them moved, {took:.0} ms",
            repaired.changes.len()
        );
    }
}
