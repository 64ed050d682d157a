//! Random people: a zone, a week, a calendar, bookings and a request.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date};
use proptest::{
    collection::{btree_map, btree_set, vec},
    option,
    prelude::*,
    sample::select,
};
use scheduling::{
    Agenda, Busy, BusySet, CivilHours, DaySpan, Guest, Holiday, HolidaySource, InARow, Leave, Lunch, Preference, Request, Rules,
    RulesDraft, SlotLength, TimeOfDay, TimeRange, WeekPattern, WeeklyHours, Zone,
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

// Boxed, since a strategy of all that rules can say is larger than the stack of a test.
fn week() -> BoxedStrategy<WeeklyHours> {
    let days = proptest::array::uniform7(prop_oneof![3 => spans(3), 1 => Just(vec![DaySpan::new(time(0), time(1440)).unwrap()])]);
    prop_oneof![
        Just(WeeklyHours::default()),
        Just("mon-sun 00:00-24:00".parse().unwrap()),
        days.prop_filter_map("a week needs hours", |days| WeeklyHours::new(days).ok()),
    ]
    .boxed()
}

fn later(date: Date, days: i64) -> Date {
    date.checked_add(SignedDuration::from_hours(24 * days)).unwrap()
}

/// What may be left out of rules mostly is, so that something is left to offer.
fn rarely<T: std::fmt::Debug + Clone + 'static>(some: impl Strategy<Value = T> + 'static, none: T) -> BoxedStrategy<T> {
    prop_oneof![5 => Just(none), 1 => some].boxed()
}

fn pattern(today: Date) -> impl Strategy<Value = Option<WeekPattern>> {
    let monday = later(today, -i64::from(today.weekday().to_monday_zero_offset()));
    let weeks = vec(prop_oneof![4 => week().prop_map(Some), 1 => Just(None)], 2..4);
    let some = (-3_i64..2, weeks).prop_filter_map("some week needs hours", move |(from, weeks)| {
        weeks.iter().any(Option::is_some).then(|| Some(WeekPattern { from: later(monday, 7 * from), weeks }))
    });
    rarely(some, None)
}

/// Hours, days off, holidays and leave of single dates.
type SingleDates = (BTreeMap<Date, Vec<DaySpan>>, BTreeSet<Date>, BTreeMap<Date, Holiday>, Vec<Leave>);

fn dates(today: Date) -> BoxedStrategy<SingleDates> {
    let day = move || (0_i64..8).prop_map(move |days| later(today, days));
    let holiday = (day(), select(vec![HolidaySource::Hand, HolidaySource::Feed]))
        .prop_map(|(date, source)| (date, Holiday { name: format!("Feast of {date}"), source }));
    let leave = (day(), 0_i64..2).prop_map(|(from, days)| Leave { from, to: later(from, days), kind: "vacation".to_owned() });
    (
        rarely(btree_map(day(), spans(2), 1..4), BTreeMap::new()),
        btree_set(day(), 0..3),
        rarely(vec(holiday, 1..3).prop_map(|holidays| holidays.into_iter().collect()), BTreeMap::new()),
        rarely(vec(leave, 1..2), Vec::new()),
    )
        .boxed()
}

/// Lunch, minutes a day, minutes a week, and how long in a row.
type Loads = (Option<Lunch>, Option<u32>, Option<u32>, Option<InARow>);

fn loads() -> BoxedStrategy<Loads> {
    let lunch = (0_i16..36, 1_i16..7, 1_i16..13).prop_map(|(start, halves, fives)| {
        let span = DaySpan::new(time(start * 30), time(start * 30 + halves * 30)).unwrap();
        Some(Lunch { span, minutes: u32::try_from((fives * 5).min(halves * 30)).unwrap() })
    });
    let row = (select(vec![60, 90, 120, 180]), select(vec![5, 15, 30]))
        .prop_map(|(most_minutes, break_minutes)| Some(InARow { most_minutes, break_minutes }));
    (
        prop_oneof![2 => Just(None), 1 => lunch],
        rarely((6_u32..40).prop_map(|fives| Some(fives * 5)), None),
        rarely((12_u32..80).prop_map(|fives| Some(fives * 5)), None),
        prop_oneof![3 => Just(None), 1 => row],
    )
        .boxed()
}

fn short(breaks: Vec<DaySpan>) -> Vec<DaySpan> {
    breaks.into_iter().filter(|pause| pause.minutes() <= 120).collect()
}

/// Breaks of weekdays, few enough that some working time is left of any week.
fn weekday_breaks() -> impl Strategy<Value = Option<WeeklyHours>> {
    let days = proptest::array::uniform7(spans(1).prop_map(short));
    rarely(days.prop_map(|days| WeeklyHours::new(days).ok()), None)
}

fn rules(zone: &'static str, now: Timestamp) -> BoxedStrategy<Rules> {
    let zone = Zone::new(zone).unwrap();
    let today = zone.date(now);
    let buffers = (select(vec![0, 0, 5, 15, 45]), select(vec![0, 0, 10, 30]));
    let limits = (option::of(1_u32..4), option::of(1_u32..6));
    let reach = (select(vec![0, 60, 1440]), 1_u32..9, select(vec![5, 15, 25, 30, 45, 60]));
    let hours = (week(), pattern(today), spans(2).prop_map(short).boxed(), weekday_breaks());
    let preferred = option::of((week(), 1_u32..=100));
    (hours, dates(today), loads(), buffers, limits, reach, preferred)
        .prop_filter_map("breaks leave some working time", move |(hours, dates, loads, buffers, limits, reach, preferred)| {
            let (week, pattern, breaks, weekday_breaks) = hours;
            let (overrides, days_off, holidays, leave) = dates;
            let (lunch, daily_minutes, weekly_minutes, in_a_row) = loads;
            let draft = RulesDraft {
                week,
                pattern,
                overrides,
                breaks,
                weekday_breaks,
                days_off,
                holidays,
                leave,
                lunch,
                buffer_before_minutes: buffers.0,
                buffer_after_minutes: buffers.1,
                minimum_notice_minutes: reach.0,
                daily_limit: limits.0,
                weekly_limit: limits.1,
                daily_minutes,
                weekly_minutes,
                in_a_row,
                preferred: preferred.into_iter().map(|(hours, weight)| Preference { hours, weight }).collect(),
                horizon_days: reach.1,
                step_minutes: reach.2,
                ..RulesDraft::usual(zone.clone())
            };
            Rules::new(draft).ok()
        })
        .boxed()
}

fn civil_hours(zones: Vec<&'static str>) -> BoxedStrategy<Option<CivilHours>> {
    let daily = (0_i16..12, 1_i16..12, any::<bool>()).prop_map(|(start, hours, weekends)| {
        CivilHours::daily(Zone::utc(), DaySpan::new(time(start * 60), time((start + hours) * 60)).unwrap(), weekends).week
    });
    option::of(
        (select(zones), prop_oneof![3 => daily, 1 => week()])
            .prop_map(|(zone, week)| CivilHours { zone: Zone::new(zone).unwrap(), week }),
    )
    .boxed()
}

/// A situation whose guest lives in one of `guests` and whose window begins at most some hours after `now`, and runs for up to four days.
pub fn world(zone: &'static str, guests: Vec<&'static str>, now: i64) -> impl Strategy<Value = World> {
    let window = (-10_i64..30, 20_i64..96);
    let length = select(vec![5_u32, 30, 60, 75, 120]);
    let apart = (rules(zone, at(now)), civil_hours(guests), window, length, -5_i64..20, 40_i64..200);
    let available = rarely(vec((-20_i64..140, 1_i64..60), 0..8).prop_map(Some), None);
    (apart, ranges(now, 1), ranges(now, 5), ranges(now, 5), available).prop_map(
        move |(apart, meetings, booked, with_others, available)| {
            let (rules, civil_hours, window, length, read_from, read_for) = apart;
            let hours = |start: i64, count: i64| TimeRange::new(at(now + start * 3600), at(now + (start + count) * 3600)).unwrap();
            let read = hours(read_from, read_for);
            let busy = Busy::Known { as_of: at(now), set: meetings.iter().copied().collect::<BusySet>().within(read) };
            let available = available.map(|ranges| ranges.into_iter().map(|(start, count)| hours(start, count)).collect());
            let guest = Guest { busy: with_others.into_iter().take(4).collect(), civil_hours, available };
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
        },
    )
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
