//! Every clock change of the odd zones from 1990 to 2037: days tile time, and working hours stay on the wall clock.

use jiff::{SignedDuration, Timestamp, civil::Date};
use scheduling::{TimeRange, WeeklyHours, Zone};

use crate::world::{ODD_ZONES, at};

/// The dates around each change, with the change itself.
fn around_changes(zone: &Zone) -> Vec<(Timestamp, Vec<Date>)> {
    let (from, until) = (at(631_152_000), at(2_145_916_800));
    let changes = zone.time_zone().following(from).map(|change| change.timestamp()).take_while(|change| *change < until);
    changes
        .map(|change| {
            let days = -3_i64..=3;
            let date = |day: i64| zone.date(change).checked_add(SignedDuration::from_hours(24 * day)).unwrap();
            (change, days.map(date).collect())
        })
        .collect()
}

fn zones() -> impl Iterator<Item = Zone> {
    ODD_ZONES.into_iter().map(|name| Zone::new(name).unwrap())
}

#[test]
fn the_odd_zones_do_change() {
    let changes: usize = zones().map(|zone| around_changes(&zone).len()).sum();
    assert!(changes > 800, "{changes}");
}

#[test]
fn round_the_clock_leaves_no_hole_and_counts_nothing_twice() {
    let always: WeeklyHours = "mon-sun 00:00-24:00".parse().unwrap();
    for zone in zones() {
        for (change, dates) in around_changes(&zone) {
            let working: Vec<TimeRange> = dates.iter().flat_map(|date| always.on(*date, &zone)).collect();
            for pair in working.windows(2) {
                assert_eq!(pair[0].end(), pair[1].start(), "{zone} at {change}");
            }
            let whole = TimeRange::new(working[0].start(), working[working.len() - 1].end()).unwrap();
            assert!(whole.contains(change), "{zone} at {change}");
            let days: Vec<Date> = working.iter().map(|working| zone.date(working.start())).collect();
            let existing: Vec<Date> = dates.into_iter().filter(|date| zone.day(*date).is_some()).collect();
            assert_eq!(days, existing, "{zone} at {change}");
        }
    }
}

/// Each five minutes of a changing day is worked exactly if the wall clock shows working time, save for the hours that come twice
/// (counted once) and those whose borders the clocks skip.
#[test]
fn office_hours_stay_on_the_wall_clock() {
    let office: WeeklyHours = "mon-sun 09:00-12:30,13:30-17:00".parse().unwrap();
    for zone in zones() {
        for (change, dates) in around_changes(&zone) {
            for date in dates {
                let working = office.on(date, &zone);
                let shown: Vec<String> = working
                    .iter()
                    .map(|range| format!("{} {}", zone.wall_clock(range.start()), zone.wall_clock(range.end())))
                    .collect();
                // Apia left a whole date out; no clock of these zones changes during office hours.
                let want: Vec<String> = if zone.day(date).is_some() {
                    vec![format!("{date}T09:00:00 {date}T12:30:00"), format!("{date}T13:30:00 {date}T17:00:00")]
                } else {
                    Vec::new()
                };
                assert_eq!(shown, want, "{zone} at {change}");
                assert!(working.iter().all(|range| range.minutes() == 210), "{zone} at {change}");
            }
        }
    }
}

/// Hours at night, where the clocks do change: whatever happens, what is worked shows a wall clock of that date within the span, or the
/// same span moved on by the length of the gap.
#[test]
fn night_hours_shift_with_the_gap_and_never_leave_their_day() {
    for start in (0..8_i8).chain([21, 22]) {
        let text = format!("mon-sun {:02}:00-{:02}:45", start, start + 1);
        let night: WeeklyHours = text.parse().unwrap();
        for zone in zones() {
            for (change, dates) in around_changes(&zone) {
                for date in dates {
                    let Some(day) = zone.day(date) else { continue };
                    for working in night.on(date, &zone) {
                        assert!(day.covers(working), "{zone} on {date}");
                        let clock = zone.wall_clock(working.start());
                        let plain = clock.hour() == start && clock.minute() == 0;
                        let touches = day.contains(change) || day.end() == change;
                        assert!(plain || touches, "{zone} on {date}: {text} starts at {clock}");
                        // Nobody works longer than the span and the hour that came twice.
                        assert!(working.minutes() <= 105 + 60, "{zone} on {date}: {} minutes", working.minutes());
                    }
                }
            }
        }
    }
}

#[test]
fn a_week_of_day_lengths_adds_up_to_elapsed_time() {
    for zone in zones() {
        for (change, dates) in around_changes(&zone) {
            let lengths: i64 = dates.iter().filter_map(|date| zone.day(*date)).map(TimeRange::minutes).sum();
            let (before, after) = (zone.time_zone().to_offset(at(change.as_second() - 1)), zone.time_zone().to_offset(change));
            let moved = i64::from(after.seconds() - before.seconds()) / 60;
            // Two changes within the week (Ramadan in Casablanca and Gaza) may cancel out.
            let others = zone
                .time_zone()
                .following(change)
                .next()
                .is_some_and(|next| next.timestamp() < at(change.as_second() + 6 * 86_400));
            let earlier = zone
                .time_zone()
                .preceding(change)
                .next()
                .is_some_and(|last| last.timestamp() > at(change.as_second() - 6 * 86_400));
            if !others && !earlier {
                let elapsed = 7 * 1440 - moved;
                let left_out = dates.iter().filter(|date| zone.day(**date).is_none()).count();
                assert!(lengths == elapsed || left_out > 0, "{zone} at {change}: {lengths} and not {elapsed}");
            }
        }
    }
}
