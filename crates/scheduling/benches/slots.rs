//! Starts of one person and of a panel of eight over 30 days with 200 meetings each, by bits and by the search, in one run.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark measures durations")]

use std::{hint::black_box, time::Instant};

use jiff::Timestamp;
use scheduling::{Agenda, Busy, BusySet, Query, Request, Rules, SlotLength, TimeRange, Zone, slots};

const START: i64 = 1_764_547_200; // 1 December 2025: no clocks change for 90 days
const DAYS: i64 = 30;

/// Microseconds for one call, the best of five runs of `rounds`.
fn measure(rounds: u32, mut call: impl FnMut(u32) -> usize) -> f64 {
    let run = |call: &mut dyn FnMut(u32) -> usize| {
        let begin = Instant::now();
        let found: usize = (0..rounds).map(call).sum();
        assert!(black_box(found) > 0);
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
    };
    (0..5).map(|_| run(&mut call)).fold(f64::INFINITY, f64::min)
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// 200 meetings of 15 to 60 minutes over 60 days, another pattern for each person.
fn meetings(person: i64) -> BusySet {
    let one = |number: i64| {
        let start = START + (number * 7 + person * 3) % 60 * 86_400 + (number * 13 + person * 5) % 40 * 900 + 7 * 3_600;
        TimeRange::new(at(start), at(start + (1 + number % 4) * 900)).unwrap()
    };
    (0..200).map(one).collect()
}

/// Another window each time.
fn window(round: u32) -> TimeRange {
    let from = START + i64::from(round % 25) * 86_400;
    TimeRange::new(at(from), at(from + DAYS * 86_400)).unwrap()
}

fn main() {
    let mut draft = Rules::usual(Zone::new("Europe/Berlin").unwrap()).to_draft();
    (draft.horizon_days, draft.minimum_notice_minutes) = (90, 0);
    let rules = Rules::new(draft).unwrap();
    let busy: Vec<Busy> = (0..8).map(|person| Busy::Known { as_of: at(START), set: meetings(person) }).collect();
    let (agenda, request) = (Agenda::empty(), Request::of(SlotLength::from_minutes(30).unwrap()));
    let of = |person: usize| Query { rules: &rules, busy: &busy[person], agenda: &agenda, now: at(START), request: &request };
    let search = measure(200, |round| slots(&of(0), window(round)).count());
    let bits = measure(2_000, |round| of(0).start_cells(window(round)).count());
    println!("one person: {bits:.1} µs by bits, {search:.1} µs by the search, {:.0} times as long", search / bits);
    let panel = measure(500, |round| {
        let mut common = of(0).start_cells(window(round));
        (1..8).for_each(|person| common.intersect(&of(person).start_cells(window(round))));
        1 + common.count()
    });
    println!("all of eight: {panel:.1} µs");
}
