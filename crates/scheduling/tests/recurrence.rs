//! Recurring times: the examples of RFC 5545, clock changes, changed occurrences, and rules that would never end.
#![expect(clippy::unwrap_used, reason = "tests")]

use jiff::{Timestamp, civil::DateTime};
use proptest::prelude::*;
use scheduling::{
    TimeRange, Zone,
    recurrence::{Change, Length, Moment, Override, RecurrenceError, RecurrenceSet, Rule, RuleTextError, Start},
};

const HOUR: Length = Length { days: 0, seconds: 3_600 };

fn set(rule: &str, start: &str, zone: &str) -> RecurrenceSet {
    let start = Start::Local(start.parse().unwrap());
    RecurrenceSet::new(start, Zone::new(zone).unwrap(), HOUR).unwrap().with_rule(rule.parse().unwrap()).unwrap()
}

fn window(from: &str, to: &str) -> TimeRange {
    TimeRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
}

fn ever() -> TimeRange {
    window("1990-01-01T00:00:00Z", "2035-01-01T00:00:00Z")
}

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The wall clock of the first occurrences, as in the examples.
fn first(rule: &str, start: &str, zone: &str, count: usize) -> Vec<DateTime> {
    let zoned = Zone::new(zone).unwrap();
    let end: DateTime = start.parse().unwrap();
    let far =
        TimeRange::new(instant("1990-01-01T00:00:00Z"), zoned.instant(end.date(), "00:00".parse().unwrap()).unwrap()).unwrap();
    let far = far.padded(0, 10 * 366 * 24 * 60);
    let found = set(rule, start, zone).occurrences(far).unwrap();
    found.iter().take(count).map(|occurrence| zoned.wall_clock(occurrence.start)).collect()
}

/// Section 3.8.5.3 of RFC 5545, each with the dates that it lists; all at 09:00 in New York.
#[test]
fn the_examples_of_the_rfc() {
    let examples = [
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", "1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12"),
        ("FREQ=WEEKLY;COUNT=4", "1997-09-02", "1997-09-02 1997-09-09 1997-09-16 1997-09-23"),
        (
            "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
            "1997-09-02",
            "1997-09-02 1997-09-04 1997-09-09 1997-09-11 1997-09-16 1997-09-18 1997-09-23 1997-09-25 1997-09-30 1997-10-02",
        ),
        ("FREQ=MONTHLY;COUNT=6;BYDAY=1FR", "1997-09-05", "1997-09-05 1997-10-03 1997-11-07 1997-12-05 1998-01-02 1998-02-06"),
        ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997-09-22", "1997-09-22 1997-10-20 1997-11-17 1997-12-22 1998-01-19 1998-02-16"),
        ("FREQ=MONTHLY;BYMONTHDAY=-3", "1997-09-28", "1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 1998-02-26"),
        ("FREQ=MONTHLY;INTERVAL=18;COUNT=3;BYMONTHDAY=10,11", "1997-09-10", "1997-09-10 1997-09-11 1999-03-10"),
        ("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "1997-06-10", "1997-06-10 1997-07-10 1998-06-10 1998-07-10"),
        (
            "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
            "1997-01-01",
            "1997-01-01 1997-04-10 1997-07-19 2000-01-01 2000-04-09 2000-07-18 2003-01-01 2003-04-10 2003-07-19 2006-01-01",
        ),
        ("FREQ=YEARLY;BYDAY=20MO", "1997-05-19", "1997-05-19 1998-05-18 1999-05-17"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997-05-12", "1997-05-12 1998-05-11 1999-05-17"),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997-03-13", "1997-03-13 1997-03-20 1997-03-27 1998-03-05 1998-03-12"),
        ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13", "1997-09-13", "1997-09-13 1997-10-11 1997-11-08 1997-12-13"),
        ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996-11-05", "1996-11-05 2000-11-07 2004-11-02"),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997-09-04", "1997-09-04 1997-10-07 1997-11-06"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997-09-29", "1997-09-29 1997-10-30 1997-11-27 1997-12-30 1998-01-29"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997-08-05", "1997-08-05 1997-08-10 1997-08-19 1997-08-24"),
        ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997-08-05", "1997-08-05 1997-08-17 1997-08-19 1997-08-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007-01-15", "2007-01-15 2007-01-30 2007-02-15 2007-03-15 2007-03-30"),
    ];
    for (rule, start, dates) in examples {
        let expected: Vec<DateTime> = dates.split(' ').map(|date| format!("{date}T09:00:00").parse().unwrap()).collect();
        assert_eq!(first(rule, &format!("{start}T09:00:00"), "America/New_York", expected.len()), expected, "{rule}");
    }
    let daily = set("FREQ=DAILY;UNTIL=19971224T000000Z", "1997-09-02T09:00:00", "America/New_York").occurrences(ever()).unwrap();
    assert_eq!((daily.len(), daily[112].start), (113, instant("1997-12-23T14:00:00Z")));
    let minutes = first("FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40", "1997-09-02T09:00:00", "America/New_York", 60);
    assert_eq!(
        first("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", "1997-09-02T09:00:00", "America/New_York", 60),
        minutes
    );
}

/// The end itself still counts, on whichever side of UTC the zone lies.
#[test]
fn an_end_in_utc_is_an_instant() {
    for (zone, last, behind) in
        [("Pacific/Auckland", "20260105T200000Z", "20260105T195959Z"), ("America/New_York", "20260106T140000Z", "20260106T135959Z")]
    {
        let count = |until: &str| {
            let daily = set(&format!("FREQ=DAILY;UNTIL={until}"), "2026-01-02T09:00:00", zone);
            daily.occurrences(ever()).unwrap().len()
        };
        assert_eq!((count(last), count(behind)), (5, 4), "{zone}");
    }
}

/// Pitfall 16: a rule hangs on its start alone. What a window holds is what the whole holds there.
#[test]
fn a_friday_the_thirteenth_is_one_with_its_start_taken_away() {
    let start = Moment::At(instant("1997-09-02T13:00:00Z"));
    let fridays = set("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1997-09-02T09:00:00", "America/New_York").without([start]).unwrap();
    let dates: Vec<String> = fridays
        .occurrences(window("1997-01-01T00:00:00Z", "2001-01-01T00:00:00Z"))
        .unwrap()
        .iter()
        .map(|it| it.start.to_string())
        .collect();
    assert_eq!(
        dates,
        ["1998-02-13T14:00:00Z", "1998-03-13T14:00:00Z", "1998-11-13T14:00:00Z", "1999-08-13T13:00:00Z", "2000-10-13T13:00:00Z"]
    );
}

#[test]
fn skipped_times_move_on_and_of_repeated_times_the_first_is_meant() {
    let starts = |rule: &str, start: &str, zone: &str, from: &str, to: &str| -> Vec<String> {
        set(rule, start, zone).occurrences(window(from, to)).unwrap().iter().map(|it| it.start.to_string()).collect()
    };
    let spring = starts("FREQ=DAILY", "2026-03-01T02:30:00", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z");
    assert_eq!(spring, ["2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]);
    let autumn = starts("FREQ=DAILY", "2026-10-01T02:30:00", "Europe/Berlin", "2026-10-24T00:00:00Z", "2026-10-27T00:00:00Z");
    assert_eq!(autumn, ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    // The clocks change at midnight, where an occurrence starts: those that follow at once are not counted by the old offset's end.
    let casablanca = starts(
        "FREQ=DAILY;BYMINUTE=0,10",
        "2010-03-14T00:00:00",
        "Africa/Casablanca",
        "2011-04-02T12:00:00Z",
        "2011-04-03T12:00:00Z",
    );
    assert_eq!(casablanca, ["2011-04-03T00:00:00Z", "2011-04-03T00:10:00Z"]);
    // Samoa left out 30 December 2011: the day after has both.
    let apia = starts("FREQ=DAILY", "2011-12-29T09:00:00", "Pacific/Apia", "2011-12-29T00:00:00Z", "2012-01-01T00:00:00Z");
    assert_eq!(apia, ["2011-12-29T19:00:00Z", "2011-12-30T19:00:00Z", "2011-12-31T19:00:00Z"]);
}

#[test]
fn whole_days_last_as_long_as_their_days_do() {
    let start = Start::Date("2026-03-28".parse().unwrap());
    let days = RecurrenceSet::new(start, Zone::new("Europe/Berlin").unwrap(), Length { days: 2, seconds: 0 }).unwrap();
    let days = days.with_rule("FREQ=MONTHLY;UNTIL=20260428".parse().unwrap()).unwrap();
    let found = days.occurrences(window("2026-03-29T12:00:00Z", "2026-06-01T00:00:00Z")).unwrap();
    let ranges: Vec<_> = found.iter().map(|it| it.range().unwrap().minutes() / 60).collect();
    assert_eq!(ranges, [47, 48]);
    assert_eq!(found[1].of, Moment::On("2026-04-28".parse().unwrap()));
}

#[test]
fn one_occurrence_this_and_later_and_all() {
    let weekly = || set("FREQ=WEEKLY;COUNT=6", "2026-03-02T09:00:00", "Europe/Berlin");
    let starts = |set: &RecurrenceSet| -> Vec<String> {
        set.occurrences(ever()).unwrap().iter().map(|it| it.start.strftime("%m-%d %H:%M").to_string()).collect()
    };
    assert_eq!(starts(&weekly()), ["03-02 08:00", "03-09 08:00", "03-16 08:00", "03-23 08:00", "03-30 07:00", "04-06 07:00"]);

    let third = instant("2026-03-16T08:00:00Z");
    assert_eq!(
        starts(&weekly().cancel(third).unwrap()),
        ["03-02 08:00", "03-09 08:00", "03-23 08:00", "03-30 07:00", "04-06 07:00"]
    );
    let moved = weekly().move_one(third, instant("2026-04-10T08:00:00Z"), instant("2026-04-10T08:30:00Z")).unwrap();
    assert_eq!(starts(&moved), ["03-02 08:00", "03-09 08:00", "03-23 08:00", "03-30 07:00", "04-06 07:00", "04-10 08:00"]);
    // It is found where it is now, not where it was.
    assert_eq!(moved.occurrences(window("2026-03-16T00:00:00Z", "2026-03-17T00:00:00Z")).unwrap(), []);
    let there = moved.occurrences(window("2026-04-10T08:29:00Z", "2026-04-11T00:00:00Z")).unwrap();
    assert_eq!((there.len(), there[0].of), (1, Moment::At(third)));

    // Moved first and called off then, it is off.
    assert_eq!(moved.cancel(third).unwrap().occurrences(window("2026-04-10T00:00:00Z", "2026-04-11T00:00:00Z")).unwrap(), []);
    assert!(weekly().end_before(instant("2026-03-02T08:00:00Z")).unwrap_err().to_string().contains("first occurrence"));

    assert_eq!(starts(&weekly().end_before(third).unwrap()), ["03-02 08:00", "03-09 08:00"]);
    let change = Change::Moved(instant("2026-03-17T09:00:00Z"), instant("2026-03-17T09:30:00Z"));
    let later = weekly().with_overrides([Override { of: Moment::At(third), change, and_later: true }]).unwrap();
    // A day and an hour later on the wall clock, across the clock change too, and half an hour long.
    assert_eq!(starts(&later), ["03-02 08:00", "03-09 08:00", "03-17 09:00", "03-24 09:00", "03-31 08:00", "04-07 08:00"]);
    assert!(later.occurrences(ever()).unwrap()[2..].iter().all(|it| it.range().unwrap().minutes() == 30));
    assert!(weekly().cancel(instant("2026-03-17T08:00:00Z")).unwrap_err().to_string().contains("no occurrence"));
}

#[test]
fn of_two_that_start_together_the_longer_one_stays() {
    let at = instant("2026-03-09T08:00:00Z");
    let longer = set("FREQ=WEEKLY", "2026-03-02T09:00:00", "Europe/Berlin");
    let longer = longer.with_added([(Moment::At(at), Some(instant("2026-03-09T11:00:00Z")))]).unwrap();
    let found = longer.occurrences(window("2026-03-09T10:30:00Z", "2026-03-09T10:40:00Z")).unwrap();
    assert_eq!(found.iter().map(|it| it.start).collect::<Vec<_>>(), [at]);
}

/// Nothing hangs, and nothing is cut short without a word.
#[test]
fn a_hostile_rule_is_bounded() {
    let year = window("2025-12-31T00:00:00Z", "2027-01-01T00:00:00Z");
    let of = |rule: &str| set(rule, "2026-01-01T00:00:00", "Europe/Berlin").occurrences(year);
    assert_eq!(of("FREQ=SECONDLY"), Err(RecurrenceError::TooMany(100_000)));
    // Only its start, which counts whatever the rule says.
    assert_eq!(of("FREQ=SECONDLY;INTERVAL=60;BYSECOND=30").unwrap().len(), 1);
    assert_eq!(of("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30").unwrap().len(), 1);
    assert_eq!(of("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1000000").unwrap().len(), 1);
    assert_eq!(of("FREQ=DAILY;BYDAY=MO;BYSETPOS=3;COUNT=4000000000").unwrap().len(), 1);
    let counted = Rule::every(scheduling::recurrence::Frequency::Secondly).counted(u32::MAX);
    let endless =
        RecurrenceSet::new(Start::Local("2026-01-01T00:00:00".parse().unwrap()), Zone::utc(), HOUR).unwrap().with_rule(counted);
    assert!(matches!(endless, Err(RecurrenceError::TooMuch(_))));
    // Every second of a year in one period, of which the first is taken: refused before it is filled.
    let all = |most: i32, least: i32| (least..=most).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let (minutes, hours, days) = (all(59, 0), all(23, 0), all(31, 1));
    let every = format!("FREQ=YEARLY;BYMONTHDAY={days};BYHOUR={hours};BYMINUTE={minutes};BYSECOND={minutes};BYSETPOS=1");
    assert!(matches!(of(&every), Err(RecurrenceError::TooMuch(_))));
    let long = Length { days: 3_661, seconds: 0 };
    assert!(RecurrenceSet::new(Start::Local("2026-01-01T00:00:00".parse().unwrap()), Zone::utc(), long).is_err());
}

#[test]
fn a_wrong_rule_is_told_what_to_write() {
    let wrong = |text: &str| text.parse::<Rule>().unwrap_err().to_string();
    for (text, part) in [
        ("", "FREQ is missing"),
        ("FREQ=SOMETIMES", "use SECONDLY"),
        ("FREQ=DAILY;COUNT=0", "1 to"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260101", "keep one"),
        ("FREQ=DAILY;INTERVAL=0", "1 to"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=WEEKLY;BYDAY=1MO", "MONTHLY or YEARLY"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1MO", "BYWEEKNO"),
        ("FREQ=DAILY;BYSETPOS=1", "another BY"),
        ("FREQ=DAILY;BYHOUR=24", "0 to 23"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "not 0"),
        ("FREQ=DAILY;BYDAY=XX", "MO to SU"),
        ("FREQ=DAILY;UNTIL=2026-01-01", "20261231"),
        ("FREQ=DAILY;UNTIL=20260101T250000Z", "20261231"),
        ("FREQ=DAILY;MOON=FULL", "`MOON` is not known"),
        ("FREQ=DAILY;BYDAYé", "NAME=VALUE"),
        ("FREQ=DAILY;UNTIL=2026010é", "20261231"),
        ("FREQ=DAILY;BYDAY=é", "MO to SU"),
    ] {
        assert!(wrong(text).contains(part), "{text}: {}", wrong(text));
    }
    assert_eq!("x".repeat(5_000).parse::<Rule>(), Err(RuleTextError::TooLong(5_000)));
}

const ZONES: [&str; 6] =
    ["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Asia/Kolkata"];

/// A part of a rule, or nothing.
fn part(name: &'static str, values: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        1 => prop::sample::subsequence(values, 1..=most).prop_map(move |values| format!(";{name}={}", values.join(","))),
    ]
}

fn rules() -> impl Strategy<Value = String> {
    let by = (
        part("BYMONTH", &["1", "2", "3", "10", "12"], 3),
        part("BYMONTHDAY", &["1", "13", "29", "31", "-1"], 3),
        part("BYDAY", &["MO", "WE", "SA", "SU"], 3),
        part("BYHOUR", &["0", "2", "9", "23"], 2),
        part("BYSETPOS", &["1", "2", "-1"], 1),
        part("WKST", &["SU"], 1),
    );
    let ends = prop_oneof![3 => Just(String::new()), 1 => (1_u32..80).prop_map(|count| format!(";COUNT={count}"))];
    (prop::sample::select(vec!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]), 1_u32..4, by, ends).prop_filter_map(
        "a rule that the RFC allows",
        |(frequency, interval, (months, month_days, days, hours, positions, week), ends)| {
            let text = format!("FREQ={frequency};INTERVAL={interval}{months}{month_days}{days}{hours}{positions}{week}{ends}");
            text.parse::<Rule>().is_ok().then_some(text)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_window_holds_what_the_whole_holds_there(
        rule in rules(), day in 0_i64..3_000, hour in 0_i64..24, zone in prop::sample::select(&ZONES[..]),
        from in 0_i64..4_000, length in 1_i64..900,
    ) {
        let start = Timestamp::from_second(1_200_000_000 / 86_400 * 86_400 + day * 86_400 + hour * 3_600).unwrap();
        let start = Zone::utc().wall_clock(start).to_string();
        let set = set(&rule, &start, zone);
        let at = |day: i64| Timestamp::from_second(1_200_000_000 + day * 86_400).unwrap();
        let (part, whole) = (TimeRange::new(at(from), at(from + length)).unwrap(), TimeRange::new(at(-10), at(5_200)).unwrap());
        let whole = set.occurrences(whole).unwrap();
        prop_assert!(whole.is_sorted() && whole.windows(2).all(|pair| pair[0].start < pair[1].start));
        let there: Vec<_> = whole.into_iter().filter(|it| it.range().unwrap().overlaps(part)).collect();
        prop_assert_eq!(set.occurrences(part).unwrap(), there);
    }

    #[test]
    fn a_rule_is_read_as_it_is_written(rule in rules()) {
        let read: Rule = rule.parse().unwrap();
        prop_assert_eq!(read.to_string().parse::<Rule>().unwrap(), read);
    }
}
