//! Random people: a zone, a week, a calendar, bookings and a request.

use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, option, prelude::*, sample::select};
use scheduling::{
    Agenda, Busy, BusySet, CivilHours, DaySpan, Guest, Request, Rules, RulesDraft, SlotLength, TimeOfDay, TimeRange, WeeklyHours,
    Zone,
};

/// Zones with rules of their own: half hours, gaps at midnight, negative summer time, a skipped day, no changes at all.
pub const ODD_ZONES: [&str; 14] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Europe/Dublin",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "America/Havana",
    "America/Nuuk",
    "America/St_Johns",
    "Asia/Gaza",
    "UTC",
];

/// One random situation.
#[derive(Debug, Clone)]
pub struct World {
    pub rules: Rules,
    pub busy: Busy,
    /// The same busy ranges as plain pairs.
    pub meetings: Vec<TimeRange>,
    pub read: TimeRange,
    pub agenda: Agenda,
    pub now: Timestamp,
    pub window: TimeRange,
    pub request: Request,
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A range from minutes after `base`.
fn ranges(base: i64, grain_minutes: i64) -> impl Strategy<Value = Vec<TimeRange>> {
    vec((-100..7 * 1440 / grain_minutes, 1..150 / grain_minutes), 0..12).prop_map(move |items| {
        let minute = |minute: i64| at(base + minute * grain_minutes * 60);
        items.into_iter().map(|(start, length)| TimeRange::new(minute(start), minute(start + length)).unwrap()).collect()
    })
}

fn time(minute: i16) -> TimeOfDay {
    TimeOfDay::new(i8::try_from(minute / 60).unwrap(), i8::try_from(minute % 60).unwrap()).unwrap()
}

/// Some spans of a day, in five-minute steps, without overlap.
fn spans(most: usize) -> impl Strategy<Value = Vec<DaySpan>> {
    vec(0_i16..=288, 0..=2 * most).prop_map(|mut borders| {
        borders.sort_unstable();
        let pairs = borders.chunks_exact(2).filter(|pair| pair[0] < pair[1]);
        pairs.map(|pair| DaySpan::new(time(pair[0] * 5), time(pair[1] * 5)).unwrap()).collect()
    })
}

fn week() -> impl Strategy<Value = WeeklyHours> {
    let days = proptest::array::uniform7(prop_oneof![3 => spans(3), 1 => Just(vec![DaySpan::new(time(0), time(1440)).unwrap()])]);
    prop_oneof![
        Just(WeeklyHours::default()),
        Just("mon-sun 00:00-24:00".parse().unwrap()),
        days.prop_filter_map("a week needs hours", |days| WeeklyHours::new(days).ok()),
    ]
}

fn rules(zone: &'static str, now: Timestamp) -> impl Strategy<Value = Rules> {
    let zone = Zone::new(zone).unwrap();
    let today = zone.date(now);
    let days_off = vec(0_i64..8, 0..3).prop_map(move |days| {
        days.into_iter().map(|day| today.checked_add(SignedDuration::from_hours(24 * day)).unwrap()).collect()
    });
    let buffers = (select(vec![0, 0, 5, 15, 45]), select(vec![0, 0, 10, 30]));
    let limits = (option::of(1_u32..4), option::of(1_u32..6));
    let reach = (select(vec![0, 60, 1440]), 1_u32..9, select(vec![5, 15, 25, 30, 45, 60]));
    (week(), spans(2), days_off, buffers, limits, reach).prop_map(move |(week, breaks, days_off, buffers, limits, reach)| {
        Rules::new(RulesDraft {
            zone: zone.clone(),
            week,
            breaks: breaks.into_iter().filter(|pause| pause.minutes() <= 120).collect(),
            days_off,
            buffer_before_minutes: buffers.0,
            buffer_after_minutes: buffers.1,
            minimum_notice_minutes: reach.0,
            daily_limit: limits.0,
            weekly_limit: limits.1,
            horizon_days: reach.1,
            step_minutes: reach.2,
        })
        .unwrap()
    })
}

fn guest(zones: Vec<&'static str>) -> impl Strategy<Value = Option<CivilHours>> {
    option::of((select(zones), 0_i16..12, 1_i16..12).prop_map(|(zone, start, hours)| CivilHours {
        zone: Zone::new(zone).unwrap(),
        span: DaySpan::new(time(start * 60), time((start + hours) * 60)).unwrap(),
    }))
}

/// A situation whose guest lives in one of `guests` and whose window begins at most some hours after `now`, and runs for up to four days.
fn world(zone: &'static str, guests: Vec<&'static str>, now: i64) -> impl Strategy<Value = World> {
    let window = (-10_i64..30, 20_i64..96);
    let length = select(vec![5_u32, 30, 60, 75, 120]);
    let apart = (rules(zone, at(now)), guest(guests), window, length, -5_i64..20, 40_i64..200);
    (apart, ranges(now, 1), ranges(now, 5), ranges(now, 5)).prop_map(move |(apart, meetings, booked, with_others)| {
        let (rules, civil_hours, window, length, read_from, read_for) = apart;
        let hours = |start: i64, count: i64| TimeRange::new(at(now + start * 3600), at(now + (start + count) * 3600)).unwrap();
        let read = hours(read_from, read_for);
        let busy = Busy::Known { as_of: at(now), set: meetings.iter().copied().collect::<BusySet>().within(read) };
        let guest = Guest { busy: with_others.into_iter().take(4).collect(), civil_hours };
        let length = SlotLength::from_minutes(length).unwrap();
        World {
            rules,
            busy,
            meetings,
            read,
            agenda: booked.into_iter().take(5).collect(),
            now: at(now),
            window: hours(window.0, window.1),
            request: Request { length, guest },
        }
    })
}

/// Up to two days before the clocks of an odd zone change.
pub fn near_a_transition() -> impl Strategy<Value = World> {
    (select(ODD_ZONES.to_vec()), 0_usize..40, 0_i64..48 * 12).prop_flat_map(|(name, nth, cells_before)| {
        let zone = Zone::new(name).unwrap();
        let changes = zone.time_zone().following(at(1_262_304_000)).take(nth + 1).last();
        let change = changes.map_or(1_780_000_200, |change| change.timestamp().as_second());
        world(name, ODD_ZONES.to_vec(), change / 300 * 300 - cells_before * 300)
    })
}

/// Away from every clock change of the manager's zone and of the guest's, ten days before and twenty after.
pub fn calm() -> impl Strategy<Value = World> {
    let calm_zones = |now: i64| {
        let quiet = move |name: &&str| {
            let zone = Zone::new(name).unwrap();
            let mut changes = zone.time_zone().following(at(now - 10 * 86_400));
            changes.next().is_none_or(|change| change.timestamp() > at(now + 20 * 86_400))
        };
        ODD_ZONES.into_iter().filter(quiet).collect::<Vec<_>>()
    };
    // Five-minute borders from 2026 on.
    (5_890_000_i64..5_990_000).prop_flat_map(move |cell| {
        let now = cell * 300;
        select(calm_zones(now)).prop_flat_map(move |zone| world(zone, calm_zones(now), now))
    })
}
