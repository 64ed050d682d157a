//! What must hold for every week, calendar and zone: checked on random ones, against judges that walk cell by cell and share no code
//! with the crate.
#![expect(clippy::unwrap_used, reason = "tests")]

mod explain;
mod naive;
mod panels;
mod planner;
mod starts;
mod transitions;
mod world;

use jiff::Timestamp;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use scheduling::{Agenda, CELL_SECONDS, Cell, Placement, Query, Rules, TimeRange, check, plan, slots};
use world::{World, calm, near_a_transition};

/// Every start on a five-minute border in `window`, with its slot.
fn every_cell(window: TimeRange, minutes: u32) -> impl Iterator<Item = TimeRange> {
    let at = |second| Timestamp::from_second(second).unwrap();
    let first = (window.start().as_second() + CELL_SECONDS - 1).div_euclid(CELL_SECONDS) * CELL_SECONDS;
    let seconds = i64::from(minutes) * 60;
    (first..=window.end().as_second() - seconds)
        .step_by(300)
        .map(move |start| TimeRange::new(at(start), at(start + seconds)).unwrap())
}

fn query(world: &World) -> Query<'_> {
    Query { rules: &world.rules, busy: &world.busy, agenda: &world.agenda, now: world.now, request: &world.request }
}

/// A property that holds because nothing is ever offered would say nothing.
#[test]
fn the_random_situations_are_worth_testing() {
    let mut runner = TestRunner::deterministic();
    let mut sample = |strategy: BoxedStrategy<World>| -> (usize, usize) {
        let worlds: Vec<World> = (0..60).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
        let counts: Vec<usize> = worlds.iter().map(|world| slots(&query(world), world.window).count()).collect();
        (counts.iter().filter(|count| **count > 0).count(), counts.iter().sum())
    };
    for (situations, offers) in [sample(near_a_transition().boxed()), sample(calm().boxed())] {
        assert!((20..=58).contains(&situations) && offers > 400, "{situations} of 60 offer {offers} slots");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// The list of slots and the judge of a single time agree exactly, also where clocks change.
    #[test]
    fn slots_are_the_times_that_check_accepts(world in near_a_transition()) {
        let query = query(&world);
        let offered: Vec<TimeRange> = slots(&query, world.window).collect();
        let accepted: Vec<TimeRange> =
            every_cell(world.window, world.request.length.minutes()).filter(|range| query.check(*range).is_ok()).collect();
        prop_assert_eq!(offered, accepted);
    }

    /// Bits find what the search finds, near a change of clocks and away from it, also in a window that begins anywhere.
    #[test]
    fn starts_are_those_of_slots(near in near_a_transition(), far in calm(), shift in 0_i64..10_000) {
        for world in [&near, &far] {
            let query = query(world);
            let later = Timestamp::from_second(world.window.start().as_second() + shift * 7).unwrap();
            for window in [world.window, TimeRange::new(later, world.window.end()).unwrap_or(world.window)] {
                let found: Vec<Timestamp> = slots(&query, window).map(TimeRange::start).collect();
                prop_assert_eq!(query.start_cells(window).iter().filter_map(Cell::start).collect::<Vec<_>>(), found);
            }
        }
    }

    /// Away from clock changes, a judge that only reads wall clocks and plain lists comes to the same verdict on every cell.
    #[test]
    fn check_agrees_with_a_plain_reading_of_the_rules(world in calm()) {
        let query = query(&world);
        for range in every_cell(world.window, world.request.length.minutes()) {
            let verdict = query.check(range);
            let want = naive::reasons(&world, range);
            let codes: Vec<&str> = verdict.as_ref().err().into_iter().flatten().map(scheduling::Reason::code).collect();
            prop_assert_eq!(codes, want, "{:?}", range);
        }
    }

    /// Stored rules, calendars and agendas decide as they did before.
    #[test]
    fn rules_survive_a_round_trip_and_decide_the_same(world in calm()) {
        let again: Rules = serde_json::from_str(&serde_json::to_string(&*world.rules).unwrap()).unwrap();
        prop_assert_eq!(&again, &world.rules);
        let agenda: Agenda = serde_json::from_str(&serde_json::to_string(&world.agenda).unwrap()).unwrap();
        let busy = serde_json::from_str(&serde_json::to_string(&world.busy).unwrap()).unwrap();
        for range in every_cell(world.window, 30).step_by(7) {
            prop_assert_eq!(
                check(&again, &busy, &agenda, world.now, range),
                check(&world.rules, &world.busy, &world.agenda, world.now, range)
            );
        }
    }
}

proptest! {
    // Dear: every cell of a horizon is judged.
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nobody could start earlier without moving one who comes before them.
    #[test]
    fn each_placement_is_the_earliest_that_is_left(world in near_a_transition()) {
        let shortlist = vec![world.request.clone(); 4];
        let placed = plan(&world.rules, &world.busy, &world.agenda, world.now, &shortlist);
        prop_assert_eq!(placed.len(), shortlist.len());
        let mut agenda = world.agenda.clone();
        let everything = TimeRange::new(world.now, world.rules.latest(world.now)).unwrap();
        let mut tried_from = everything.start();
        for placement in &placed {
            let query = Query { agenda: &agenda, ..query(&world) };
            // The requests are alike, so what was refused to one is refused to the next.
            let left = TimeRange::new(tried_from, everything.end());
            let first = left.ok().and_then(|left| every_cell(left, world.request.length.minutes()).find(|range| query.check(*range).is_ok()));
            prop_assert_eq!(placement.slot(), first);
            match placement {
                Placement::Slot { range } => {
                    tried_from = range.start();
                    agenda.add(*range);
                }
                Placement::Nowhere { obstacles } => prop_assert!(!obstacles.is_empty()),
            }
        }
    }
}
