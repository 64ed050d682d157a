//! The rules once more, read as a person would: minute by minute on the wall clock, with plain lists and no search. Only right where
//! clocks do not change.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
};
use scheduling::{DaySpan, InARow, Lunch, TimeRange};

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

fn later_date(date: Date, days: i64) -> Date {
    date.checked_add(SignedDuration::from_hours(24 * days)).unwrap()
}

fn every_five_minutes(range: TimeRange) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(Some(range.start()), |at| Some(later(*at, minutes(5)))).take_while(move |at| *at < range.end())
}

/// Minute by minute of each lunch that the slot touches: is there a run without calendar, booking and slot?
fn is_lunch_left(world: &World, lunch: Lunch, range: TimeRange, ticks: &[DateTime]) -> bool {
    let zone = &world.rules.zone;
    let mut dates: Vec<Date> = ticks.iter().map(|clock| clock.date()).collect();
    dates.dedup();
    dates.into_iter().all(|date| {
        let (Some(start), Some(end)) = (zone.instant(date, lunch.span.start()), zone.instant(date, lunch.span.end())) else {
            return true;
        };
        let window = TimeRange::new(start, end).unwrap();
        if !window.overlaps(range) {
            return true;
        }
        let minutes_in = std::iter::successors(Some(start), |at| Some(later(*at, minutes(1)))).take_while(|at| *at < end);
        let mut run = 0;
        minutes_in.into_iter().any(|at| {
            let taken = world.meetings.iter().chain(world.agenda.booked()).chain([&range]).any(|other| other.contains(at));
            run = if taken || !world.read.contains(at) { 0 } else { run + 1 };
            run >= lunch.minutes
        })
    })
}

/// The slot grows to each side for as long as something is less than a break away.
fn longest_row(world: &World, range: TimeRange, row: InARow) -> SignedDuration {
    let (mut start, mut end) = (range.start(), range.end());
    let pause = minutes(row.break_minutes);
    for _ in 0..=world.meetings.len() + world.agenda.booked().len() {
        for other in world.meetings.iter().chain(world.agenda.booked()) {
            if other.start() < later(end, pause) && later(start, -pause) < other.end() {
                (start, end) = (start.min(other.start()), end.max(other.end()));
            }
        }
    }
    start.duration_until(end)
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
    let ticks: Vec<DateTime> = every_five_minutes(range).map(|at| rules.zone.wall_clock(at)).collect();
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
    note("past", range.start() < world.now);
    note("notice", range.start() < later(world.now, minutes(rules.minimum_notice_minutes)));
    let days_ahead = |clock: &DateTime| clock.date().duration_since(today).as_hours() / 24;
    note("horizon", ticks.iter().any(|clock| days_ahead(clock) > i64::from(rules.horizon_days)));
    let hours = |date: Date| -> Vec<DaySpan> {
        if let Some(own) = rules.overrides.get(&date) {
            return own.clone();
        }
        let week = match &rules.pattern {
            Some(pattern) if date >= pattern.from => {
                let mut turns = pattern.weeks.iter().cycle();
                let mut next_monday = later_date(pattern.from, 7);
                let mut turn = turns.next();
                while next_monday <= date {
                    (turn, next_monday) = (turns.next(), later_date(next_monday, 7));
                }
                turn.unwrap().clone()
            }
            _ => Some(rules.week.clone()),
        };
        week.map(|week| week.spans(date.weekday()).to_vec()).unwrap_or_default()
    };
    note("outside_hours", !ticks.iter().all(|clock| hours(clock.date()).iter().any(|span| inside(*span, *clock))));
    let today_hours = hours(start.date());
    let span = today_hours.iter().find(|span| inside(**span, start));
    note("not_on_step", span.is_some_and(|span| (minute_of_day(start) - ends(*span).0) % i64::from(rules.step_minutes) != 0));
    let of_weekday = |clock: DateTime| rules.weekday_breaks.as_ref().map_or(&[][..], |week| week.spans(clock.weekday()));
    note("break", ticks.iter().any(|clock| rules.breaks.iter().chain(of_weekday(*clock)).any(|pause| inside(*pause, *clock))));
    let works_anyway = |date: Date| rules.overrides.get(&date).is_some_and(|own| !own.is_empty());
    let touches = |dates: &dyn Fn(Date) -> bool| ticks.iter().any(|clock| dates(clock.date()));
    note("day_off", touches(&|date| rules.days_off.contains(&date) && !works_anyway(date)));
    note("holiday", touches(&|date| rules.holidays.contains_key(&date) && !works_anyway(date)));
    note("leave", touches(&|date| rules.leave.iter().any(|leave| leave.from <= date && date <= leave.to)));
    note("lunch", rules.lunch.is_some_and(|lunch| !is_lunch_left(world, lunch, range, &ticks)));

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

    let minutes_of = |same: &dyn Fn(DateTime) -> bool| -> i64 {
        let booked = world.agenda.booked().iter().filter(|booking| same(rules.zone.wall_clock(booking.start())));
        booked.map(|booking| booking.minutes()).sum::<i64>() + range.minutes()
    };
    let today_minutes = minutes_of(&|clock| clock.date() == start.date());
    note("daily_minutes", rules.daily_minutes.is_some_and(|limit| today_minutes > i64::from(limit)));
    let week_minutes = minutes_of(&|clock| {
        (clock.iso_week_date().year(), clock.iso_week_date().week()) == (start.iso_week_date().year(), start.iso_week_date().week())
    });
    note("weekly_minutes", rules.weekly_minutes.is_some_and(|limit| week_minutes > i64::from(limit)));
    note("consecutive", rules.in_a_row.is_some_and(|row| longest_row(world, range, row) > minutes(row.most_minutes)));

    let guest = &world.request.guest;
    note("guest_busy", guest.busy.ranges().iter().any(|taken| meets(exact, taken)));
    if let Some(civil) = &guest.civil_hours {
        let awake = |clock: DateTime| civil.week.spans(clock.weekday()).iter().any(|span| inside(*span, clock));
        note("guest_hours", !every_five_minutes(range).all(|at| awake(civil.zone.wall_clock(at))));
    }
    if let Some(available) = &guest.available {
        note("guest_not_available", !every_five_minutes(range).all(|at| available.iter().any(|range| range.contains(at))));
    }
    broken
}
