//! A window of 60 days that lies five and fifty years after the start, beside a bare jump with zone look-ups, in one run.
#![expect(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark measures durations")]

use std::{hint::black_box, time::Instant};

use jiff::{Timestamp, ToSpan as _, civil::DateTime};
use scheduling::{
    TimeRange, Zone,
    recurrence::{Length, Moment, RecurrenceSet, Start},
};

const ROUNDS: u32 = 20_000;
const START: &str = "2020-03-02T09:00:00";

/// Microseconds for one call, the best of five runs.
fn measure(mut call: impl FnMut(u32) -> usize) -> f64 {
    let run = |call: &mut dyn FnMut(u32) -> usize| {
        let begin = Instant::now();
        let found: usize = (0..ROUNDS).map(call).sum();
        assert!(black_box(found) > 0);
        begin.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS)
    };
    (0..5).map(|_| run(&mut call)).fold(f64::INFINITY, f64::min)
}

/// Another window each time, `years` after the start.
fn window(years: i64, round: u32) -> TimeRange {
    let from = 1_583_107_200 + years * 31_557_600 + i64::from(round % 300) * 86_400;
    TimeRange::new(Timestamp::from_second(from).unwrap(), Timestamp::from_second(from + 60 * 86_400).unwrap()).unwrap()
}

fn main() {
    let zone = Zone::new("Europe/Berlin").unwrap();
    let start: DateTime = START.parse().unwrap();
    // What any expansion must do at least: 60 times on the wall clock, placed in the zone one by one.
    let bare = measure(|round| {
        let first = zone.time_zone().to_datetime(window(5, round).start());
        (0..60).filter(|day| zone.time_zone().to_ambiguous_timestamp(first + day.days()).compatible().is_ok()).count()
    });
    println!("bare jump, 60 zone look-ups: {bare:.2} µs");
    for (name, rule) in [
        ("daily", "FREQ=DAILY"),
        ("weekly, three days", "FREQ=WEEKLY;BYDAY=MO,WE,FR"),
        ("monthly, last working day", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        ("yearly", "FREQ=YEARLY"),
        ("weekly, counted", "FREQ=WEEKLY;COUNT=5000"),
    ] {
        let set = RecurrenceSet::new(Start::Local(start), zone.clone(), Length { days: 0, seconds: 3_600 }).unwrap();
        let set = set.with_rule(rule.parse().unwrap()).unwrap();
        let at = |week: i64| Moment::At(Timestamp::from_second(1_583_136_000 + week * 7 * 86_400).unwrap());
        let dated = set.clone().without((260..280).map(at)).unwrap();
        let dated = dated
            .with_added((0..20).map(|week| (Moment::At(Timestamp::from_second(1_740_000_000 + week * 700_000).unwrap()), None)));
        let dated = dated.unwrap();
        let one = |set: &RecurrenceSet, years: i64| measure(|round| 1 + set.occurrences(window(years, round)).unwrap().len());
        let (near, far, with_dates) = (one(&set, 5), one(&set, 50), one(&dated, 5));
        println!(
            "{name}: {near:.2} µs after 5 years ({:.1} times bare), {far:.2} µs after 50, {with_dates:.2} µs with 20 EXDATE and 20 RDATE",
            near / bare
        );
    }
}
