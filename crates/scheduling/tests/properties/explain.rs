//! Offered or explained, never both and never neither; and the reasons are all there are: whoever removes each gets the time.

use jiff::SignedDuration;
use proptest::{collection::vec, prelude::*};
use scheduling::{Busy, Query, Reason, Rules, RulesDraft, TimeRange, slots};

use crate::{
    query,
    world::{World, at, calm, near_a_transition},
};

/// The time of the asked length that starts `cells` cells, and some seconds, after the present.
fn instant(world: &World, cells: i64, seconds: i64) -> TimeRange {
    let start = at(world.now.as_second() + cells * 300 + seconds);
    let length = SignedDuration::from_mins(i64::from(world.request.length.minutes()));
    TimeRange::new(start, start.checked_add(length).unwrap()).unwrap()
}

fn is_offered(query: &Query<'_>, range: TimeRange) -> bool {
    slots(query, range).next() == Some(range)
}

/// The same situation without what a reason names:
/// the clock before the time; a rule left out of the rules; hours round the clock, from midnight on every five minutes, in place of
/// hours that do not cover it; the calendar, the bookings or the guest's other times emptied; a calendar that was read further.
/// `not_five_minutes` and `too_long` are about the question, and nothing here removes them.
fn without(mut world: World, range: TimeRange, reason: &Reason) -> World {
    let mut rules = world.rules.to_draft();
    match reason {
        Reason::NotFiveMinutes | Reason::TooLong { .. } => {}
        Reason::UnknownCalendar { .. } => {
            let Busy::Known { as_of, set } = &world.busy else { return world };
            let read = TimeRange::new(at(range.start().as_second() - 90_000), at(range.end().as_second() + 90_000)).unwrap();
            world.busy = Busy::Known { as_of: *as_of, set: set.clone().within(read) };
        }
        Reason::Past { .. } => (world.now, rules.horizon_days) = (range.start(), 366),
        Reason::Notice { .. } => rules.minimum_notice_minutes = 0,
        Reason::Horizon { .. } => rules.horizon_days = 366,
        Reason::OutsideHours => rules = RulesDraft { step_minutes: 5, ..round_the_clock(rules) },
        Reason::NotOnStep { .. } => rules.step_minutes = 5,
        Reason::Break { .. } => (rules.breaks, rules.weekday_breaks) = (Vec::new(), None),
        Reason::DayOff { .. } => rules.days_off.clear(),
        Reason::Holiday { .. } => rules.holidays.clear(),
        Reason::Leave { .. } => rules.leave.clear(),
        Reason::Lunch { .. } => rules.lunch = None,
        Reason::Busy { .. } => {
            let Busy::Known { as_of, set } = &world.busy else { return world };
            let empty = scheduling::BusySet::empty().within(set.window().unwrap());
            world.busy = Busy::Known { as_of: *as_of, set: empty };
        }
        Reason::Agenda { .. } => world.agenda = scheduling::Agenda::empty(),
        Reason::Buffer { .. } => (rules.buffer_before_minutes, rules.buffer_after_minutes) = (0, 0),
        Reason::DailyLimit { .. } => rules.daily_limit = None,
        Reason::WeeklyLimit { .. } => rules.weekly_limit = None,
        Reason::DailyMinutes { .. } => rules.daily_minutes = None,
        Reason::WeeklyMinutes { .. } => rules.weekly_minutes = None,
        Reason::Consecutive { .. } => rules.in_a_row = None,
        Reason::GuestBusy { .. } => world.request.guest.busy = scheduling::BusySet::empty(),
        Reason::GuestHours => world.request.guest.civil_hours = None,
        Reason::GuestNotAvailable => world.request.guest.available = None,
    }
    world.rules = Rules::new(rules).unwrap();
    world
}

/// Dates with hours of their own keep them, so that days off do not come back.
fn round_the_clock(mut rules: RulesDraft) -> RulesDraft {
    for spans in rules.overrides.values_mut() {
        *spans = vec!["00:00-24:00".parse().unwrap()];
    }
    RulesDraft { week: "mon-sun 00:00-24:00".parse().unwrap(), pattern: None, ..rules }
}

fn offered_or_explained(world: &World, range: TimeRange) -> Result<(), TestCaseError> {
    let reasons = query(world).explain(range);
    prop_assert_eq!(is_offered(&query(world), range), reasons.is_empty(), "{:?}: {:?}", range, reasons);
    if reasons.iter().any(|told| told.reason == Reason::NotFiveMinutes) {
        return Ok(());
    }
    let freed = reasons.iter().fold(world.clone(), |world, told| without(world, range, &told.reason));
    prop_assert!(is_offered(&query(&freed), range), "{:?} without {:?}: {:?}", range, reasons, query(&freed).explain(range));
    Ok(())
}

proptest! {
    // 250 times 40 are 10,000 instants.
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_instant_is_offered_or_explained(
        world in prop_oneof![near_a_transition(), calm()],
        instants in vec((-40_i64..1200, prop_oneof![30 => Just(0_i64), 1 => 1_i64..300]), 40),
    ) {
        for (cells, seconds) in instants {
            offered_or_explained(&world, instant(&world, cells, seconds))?;
        }
    }
}
