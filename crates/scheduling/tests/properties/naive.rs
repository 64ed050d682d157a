//! The rules once more, read as a person would: minute by minute on the wall clock, with plain lists and no search. Only right where
//! clocks do not change.

use jiff::{SignedDuration, Timestamp, civil::DateTime};
use scheduling::{DaySpan, TimeRange};

use crate::world::World;

fn minutes(count: u32) -> SignedDuration {
    SignedDuration::from_mins(i64::from(count))
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap()
}

fn minute_of_day(clock: DateTime) -> i64 {
    i64::from(clock.hour()) * 60 + i64::from(clock.minute())
}

fn ends(span: DaySpan) -> (i64, i64) {
    let minute = |time: scheduling::TimeOfDay| i64::from(time.hour()) * 60 + i64::from(time.minute());
    (minute(span.start()), minute(span.end()))
}

fn inside(span: DaySpan, clock: DateTime) -> bool {
    let (start, end) = ends(span);
    (start..end).contains(&minute_of_day(clock))
}

/// The codes of every rule that `range` breaks, in the order in which `check` lists them.
pub fn reasons(world: &World, range: TimeRange) -> Vec<&'static str> {
    let rules = &world.rules;
    let (before, after) = (minutes(rules.buffer_before_minutes), minutes(rules.buffer_after_minutes));
    let wide =
        |by_before: SignedDuration, by_after: SignedDuration| (later(range.start(), -by_before), later(range.end(), by_after));
    let meets = |(start, end): (Timestamp, Timestamp), other: &TimeRange| start < other.end() && other.start() < end;
    let exact = wide(SignedDuration::ZERO, SignedDuration::ZERO);

    // Every five minutes of the slot, as the wall clock shows them.
    let ticks: Vec<DateTime> = std::iter::successors(Some(range.start()), |at| Some(later(*at, minutes(5))))
        .take_while(|at| *at < range.end())
        .map(|at| rules.zone.wall_clock(at))
        .collect();
    let start = ticks[0];
    let today = rules.zone.date(world.now);

    let mut broken = Vec::new();
    let mut note = |code, is_broken: bool| {
        if is_broken {
            broken.push(code);
        }
    };
    let (padded_start, padded_end) = wide(before, after);
    note("unknown_calendar", padded_start < world.read.start() || padded_end > world.read.end());
    note("notice", range.start() < later(world.now, minutes(rules.minimum_notice_minutes)));
    let days_ahead = |clock: &DateTime| clock.date().duration_since(today).as_hours() / 24;
    note("horizon", ticks.iter().any(|clock| days_ahead(clock) > i64::from(rules.horizon_days)));
    note("outside_hours", !ticks.iter().all(|clock| rules.week.spans(clock.weekday()).iter().any(|span| inside(*span, *clock))));
    let span = rules.week.spans(start.weekday()).iter().find(|span| inside(**span, start));
    note("not_on_step", span.is_some_and(|span| (minute_of_day(start) - ends(*span).0) % i64::from(rules.step_minutes) != 0));
    note("break", ticks.iter().any(|clock| rules.breaks.iter().any(|pause| inside(*pause, *clock))));
    note("day_off", ticks.iter().any(|clock| rules.days_off.contains(&clock.date())));

    let busy = |times| world.meetings.iter().any(|meeting| meets(times, meeting));
    note("busy", busy(exact));
    note("buffer", !busy(exact) && busy(wide(before, after)));
    let longest = before.max(after);
    let booked = |times| world.agenda.booked().iter().any(|booking| meets(times, booking));
    note("agenda", booked(exact));
    note("buffer", !booked(exact) && booked(wide(longest, longest)));

    let count = |same: &dyn Fn(DateTime) -> bool| {
        world.agenda.booked().iter().filter(|booking| same(rules.zone.wall_clock(booking.start()))).count()
    };
    let on_day = count(&|clock| clock.date() == start.date());
    note("daily_limit", rules.daily_limit.is_some_and(|limit| on_day >= limit as usize));
    let in_week = count(&|clock| {
        let (one, other) = (clock.iso_week_date(), start.iso_week_date());
        (one.year(), one.week()) == (other.year(), other.week())
    });
    note("weekly_limit", rules.weekly_limit.is_some_and(|limit| in_week >= limit as usize));

    let guest = &world.request.guest;
    note("guest_busy", guest.busy.ranges().iter().any(|taken| meets(exact, taken)));
    if let Some(civil) = &guest.civil_hours {
        let (start, last) = (civil.zone.wall_clock(range.start()), civil.zone.wall_clock(later(range.end(), -minutes(5))));
        note("guest_hours", start.date() != last.date() || !inside(civil.span, start) || !inside(civil.span, last));
    }
    broken
}
