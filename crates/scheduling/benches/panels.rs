//! Panels over 30 days of 200 events each: eight people prepared and not, any three of a thousand; beside a bare AND of eight sets.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark measures durations")]

use std::{hint::black_box, time::Instant};

use jiff::Timestamp;
use scheduling::{
    Agenda, Busy, BusySet, CellSet, Group, InARow, Lunch, Panel, Prepared, Query, Request, Rules, RulesDraft, SlotLength,
    TimeRange, Zone, slots,
};

/// Monday, 2 March 2026, 00:00 UTC. The clocks of most zones change within the span.
const NOW: i64 = 1_772_409_600;
const DAY: i64 = 86_400;
const RUNS: usize = 21;

const ZONES: [&str; 8] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Madrid",
    "Europe/Warsaw",
    "Europe/Athens",
    "Africa/Lagos",
    "Europe/Kyiv",
];

struct Person {
    rules: Rules,
    busy: Busy,
    agenda: Agenda,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// 30 days, from another quarter of an hour each time.
fn window(round: u32) -> TimeRange {
    let start = NOW + i64::from(round % 500) * 900;
    TimeRange::new(at(start), at(start + 30 * DAY)).unwrap()
}

/// All that is prepared: 60 days, so that the calendar has 400 events, 200 in each 30 days.
fn span() -> TimeRange {
    TimeRange::new(at(NOW - 10 * DAY), at(NOW + 50 * DAY)).unwrap()
}

/// Somebody with events of 30 minutes to two hours, a break, buffers and, if `loaded`, lunch, limits and no more than so much in a row.
fn person(number: i64, loaded: bool) -> Person {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(u64::try_from(number).unwrap() + 1);
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((state >> 33) % below).unwrap()
    };
    let events = (0..400).map(|event| {
        let start = span().start().as_second() + event * 60 * DAY / 400 + random(200) * 60;
        TimeRange::new(at(start), at(start + 1_800 + random(90) * 60)).unwrap()
    });
    let busy = Busy::Known { as_of: at(NOW), set: events.collect::<BusySet>().within(span()) };
    let zone = Zone::new(ZONES[usize::try_from(number).unwrap() % ZONES.len()]).unwrap();
    let mut draft = RulesDraft {
        breaks: vec!["12:00-12:30".parse().unwrap()],
        buffer_before_minutes: 5,
        buffer_after_minutes: 10,
        minimum_notice_minutes: 60,
        horizon_days: 60,
        step_minutes: 15,
        ..RulesDraft::usual(zone)
    };
    if loaded {
        draft.lunch = Some(Lunch { span: "11:30-14:00".parse().unwrap(), minutes: 30 });
        draft.in_a_row = Some(InARow { most_minutes: 180, break_minutes: 15 });
        draft.daily_limit = Some(4);
        draft.weekly_minutes = Some(600);
    }
    Person { rules: Rules::new(draft).unwrap(), busy, agenda: Agenda::empty() }
}

/// The median microseconds of one call, and the least.
fn measure(rounds: u32, mut call: impl FnMut(u32) -> usize) -> (f64, f64) {
    let mut run = || {
        let begin = Instant::now();
        let found: usize = (0..rounds).map(&mut call).sum();
        assert!(black_box(found) > 0);
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
    };
    let mut times: Vec<f64> = (0..RUNS).map(|_| run()).collect();
    times.sort_unstable_by(f64::total_cmp);
    (times[RUNS / 2], times[0])
}

fn told(name: &str, (median, least): (f64, f64)) {
    println!("{name}: median {median:.2} µs, least {least:.2} µs");
}

fn group(members: usize, need: usize) -> Panel {
    Panel::new(vec![Group { members: (0..members).collect(), need }], members).unwrap()
}

fn main() {
    let request = Request::of(SlotLength::from_minutes(45).unwrap());
    let people: Vec<Person> = (0..1_000).map(|number| person(number, false)).collect();
    let query = |person: &'_ Person| -> CellSet { asked(person, &request).start_cells(window(0)) };
    let sets: Vec<CellSet> = people.iter().map(query).collect();

    let bare = measure(20_000, |round| {
        let mut all = black_box(&sets[usize::try_from(round % 8).unwrap()]).clone();
        for set in black_box(&sets[..8]) {
            all.intersect(set);
        }
        1 + all.count()
    });
    told("bare AND of 8 sets of 30 days", bare);

    for loaded in [false, true] {
        let eight: Vec<Person> = (0..8).map(|number| person(number, loaded)).collect();
        let queries: Vec<Query<'_>> = eight.iter().map(|person| asked(person, &request)).collect();
        let prepared: Vec<Prepared> = queries.iter().map(|query| Prepared::new(query, span())).collect();
        let rules = if loaded { "lunch, in a row and limits too" } else { "hours, break, buffers" };
        for (name, panel) in [("all of 8", group(8, 8)), ("5 of 8", group(8, 5))] {
            told(
                &format!("{name}, prepared, another window and present each time ({rules})"),
                measure(5_000, |round| {
                    let now = at(NOW + i64::from(round) * 60);
                    let starts: Vec<CellSet> = prepared.iter().map(|person| person.starts(window(round), now)).collect();
                    1 + panel.starts(&starts).count()
                }),
            );
        }
        let panel = group(8, 8);
        told(
            &format!("all of 8, nothing prepared ({rules})"),
            measure(if loaded { 5 } else { 100 }, |round| {
                let starts: Vec<CellSet> = queries.iter().map(|query| query.start_cells(window(round))).collect();
                1 + panel.starts(&starts).count()
            }),
        );
        told(
            &format!("all of 8, slot by slot ({rules})"),
            measure(2, |round| {
                let starts: Vec<Vec<TimeRange>> = queries.iter().map(|query| slots(query, window(round)).collect()).collect();
                starts.iter().map(Vec::len).sum()
            }),
        );
        told(
            &format!("preparing one person for 60 days ({rules})"),
            measure(10, |round| {
                let prepared = Prepared::new(&queries[usize::try_from(round % 8).unwrap()], span());
                prepared.starts(window(0), at(NOW)).count()
            }),
        );
    }

    let prepared: Vec<Prepared> = people.iter().map(|person| Prepared::new(&asked(person, &request), span())).collect();
    let panel = group(1_000, 3);
    told("any 3 of 1,000 people, their starts known", measure(50, |_| panel.starts(black_box(&sets)).count()));
    told(
        "any 3 of 1,000 people, prepared, another window each time",
        measure(20, |round| {
            let starts: Vec<CellSet> = prepared.iter().map(|person| person.starts(window(round), at(NOW))).collect();
            panel.starts(&starts).count()
        }),
    );
    // Two groups with 100 members in common: a matching at each cell that is left.
    let panel =
        Panel::new(vec![Group { members: (0..200).collect(), need: 40 }, Group { members: (100..300).collect(), need: 40 }], 1_000);
    let panel = panel.unwrap();
    told("two groups of 200, 100 in both, 40 of each", measure(1, |_| 1 + panel.starts(&sets).count()));
}

fn asked<'a>(person: &'a Person, request: &'a Request) -> Query<'a> {
    Query { rules: &person.rules, busy: &person.busy, agenda: &person.agenda, now: at(NOW), request }
}
