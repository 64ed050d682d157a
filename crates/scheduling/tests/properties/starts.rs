//! The starts as bits are those of the slots, one by one: near clock changes, away from them, off the five-minute grid, and prepared.

use jiff::{SignedDuration, Timestamp};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use scheduling::{Agenda, Busy, BusySet, Cell, CellSet, Guest, Prepared, Query, Request, TimeRange, slots};

use crate::{
    query,
    world::{ODD_ZONES, World, calm, near_a_transition, world},
};

fn of_slots(query: &Query<'_>, window: TimeRange) -> Vec<Timestamp> {
    slots(query, window).map(TimeRange::start).collect()
}

fn of_bits(starts: &CellSet) -> Vec<Timestamp> {
    starts.iter().filter_map(Cell::start).collect()
}

/// The same situation with everything but working hours moved off the grid: the present, what was read, events, bookings, the window.
fn nudged(world: World, nanos: [i64; 4]) -> World {
    let moved = |range: TimeRange, one: usize, two: usize| {
        let at = |at: Timestamp, nanos: i64| at.checked_add(SignedDuration::from_nanos(nanos)).unwrap();
        TimeRange::new(at(range.start(), nanos[one]), at(range.end(), nanos[two])).unwrap_or(range)
    };
    let set = |ranges: &[TimeRange]| ranges.iter().map(|range| moved(*range, 1, 2)).collect::<BusySet>();
    let busy = Busy::Known { as_of: world.now, set: set(&world.meetings).within(moved(world.read, 3, 0)) };
    let agenda: Agenda = world.agenda.booked().iter().map(|range| moved(*range, 2, 1)).collect();
    let with_others = set(world.request.guest.busy.ranges());
    // Of half of the guests, not all time is known.
    let with_others = if nanos[0] == 0 { with_others } else { with_others.within(moved(world.read, 2, 3)) };
    let guest = Guest { busy: with_others, ..world.request.guest.clone() };
    let now = world.now.checked_add(SignedDuration::from_nanos(nanos[0])).unwrap();
    let request = Request { guest, ..world.request };
    World { busy, agenda, now, window: moved(world.window, 3, 2), request, ..world }
}

/// Mostly none, else up to eight minutes.
fn nudges() -> impl Strategy<Value = [i64; 4]> {
    let one = prop_oneof![
        2 => Just(0_i64),
        1 => Just(1),
        1 => Just(-1),
        2 => -480_000_000_000_i64..480_000_000_000,
        1 => (-480_i64..480).prop_map(|second| second * 1_000_000_000),
    ];
    proptest::array::uniform4(one)
}

/// In a zone whose clocks stood 44 minutes and 30 seconds behind until the night of 6 January 1972.
fn in_monrovia() -> impl Strategy<Value = World> {
    (-700_i64..100).prop_flat_map(|cell| world("Africa/Monrovia", ODD_ZONES.to_vec(), 63_593_070 / 300 * 300 + cell * 300))
}

#[test]
fn the_nudged_situations_are_worth_testing() {
    let mut runner = TestRunner::deterministic();
    let strategy = (near_a_transition(), nudges());
    let offers: usize = (0..60)
        .map(|_| {
            let (world, nanos) = strategy.new_tree(&mut runner).unwrap().current();
            let world = nudged(world, nanos);
            query(&world).start_cells(world.window).count()
        })
        .sum();
    assert!(offers > 400, "{offers}");
}

#[test]
fn off_the_grid_there_is_nothing_and_back_on_it_there_is() {
    let mut runner = TestRunner::deterministic();
    let strategy = in_monrovia();
    let (mut before, mut after) = (0, 0);
    for _ in 0..60 {
        let world = strategy.new_tree(&mut runner).unwrap().current();
        for start in of_bits(&query(&world).start_cells(world.window)) {
            *if start.as_second() < 63_593_070 { &mut before } else { &mut after } += 1;
        }
    }
    assert_eq!(before, 0);
    assert!(after > 100, "{after}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn starts_are_those_of_the_slots(world in near_a_transition(), nanos in nudges()) {
        let world = nudged(world, nanos);
        let query = query(&world);
        prop_assert_eq!(of_bits(&query.start_cells(world.window)), of_slots(&query, world.window));
    }

    /// The same of a prepared question, for a window within its span, at another present than it was prepared at.
    #[test]
    fn prepared_starts_are_those_of_the_slots(
        world in calm(), nanos in nudges(), (earlier, later) in (0_i64..5_000, 0_i64..5_000), minutes in -3_000_i64..3_000,
    ) {
        let world = nudged(world, nanos);
        let moved = |at: Timestamp, minutes: i64| at.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let span = TimeRange::new(moved(world.window.start(), -earlier), moved(world.window.end(), later)).unwrap();
        let prepared = Prepared::new(&query(&world), span);
        let query = Query { now: moved(world.now, minutes), ..query(&world) };
        prop_assert_eq!(of_bits(&prepared.starts(world.window, query.now)), of_slots(&query, world.window));
        prop_assert_eq!(prepared.starts(world.window, query.now), query.start_cells(world.window));
    }

    /// Beyond what was prepared, nothing is offered.
    #[test]
    fn nothing_is_offered_beyond_the_span(world in near_a_transition(), minutes in -3_000_i64..3_000) {
        let moved = |at: Timestamp| at.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        let span = TimeRange::new(moved(world.window.start()), moved(world.window.end())).unwrap();
        let (prepared, query) = (Prepared::new(&query(&world), span), query(&world));
        let inside = world.window.start().max(span.start())..=world.window.end().min(span.end());
        let length = SignedDuration::from_mins(i64::from(world.request.length.minutes()));
        let mut expected = of_slots(&query, world.window);
        expected.retain(|start| inside.contains(start) && inside.contains(&start.checked_add(length).unwrap()));
        prop_assert_eq!(of_bits(&prepared.starts(world.window, world.now)), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn starts_are_those_of_the_slots_where_offsets_are_odd(world in in_monrovia(), nanos in nudges()) {
        let world = nudged(world, nanos);
        let query = query(&world);
        prop_assert_eq!(of_bits(&query.start_cells(world.window)), of_slots(&query, world.window));
    }
}
