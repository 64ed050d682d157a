use scheduling::{SlotLength, Zone};
use uuid::Uuid;

use super::*;
use crate::interviews::{self, EventRef, NewInterview};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn id<K: Kind>(number: u128) -> Id<K> {
    Id::new(Uuid::from_u128(number))
}

fn range(start: i64) -> TimeRange {
    TimeRange::new(at(start), at(start + 3_600)).unwrap()
}

fn choice() -> Choice {
    let candidacy = Candidacy {
        id: id(1),
        rev: 1,
        vacancy: id(2),
        person: id(3),
        position: 1,
        unplaced: None,
        withdrawn_at: None,
        created_at: at(0),
    };
    Choice::new(id(4), &candidacy, 1, at(0))
}

fn hold(number: u128, expires: i64) -> Hold {
    Hold { interview: id(number), range: range(36_000), expires_at: at(expires) }
}

fn interview() -> Interview {
    let new = NewInterview {
        id: id(5),
        vacancy: id(2),
        candidacy: id(1),
        round: 1,
        manager: id(6),
        interviewers: Vec::new(),
        candidate: id(3),
        range: range(100 * 3_600),
        zone: Zone::utc(),
        provisional: false,
        at: at(0),
    };
    Interview::new(new).0
}

#[test]
fn a_hold_is_confirmed_until_it_ends_and_not_a_moment_later() {
    let held = decide(&choice(), Command::Hold(hold(9, 600)), at(0)).unwrap();
    assert!(held.held(at(599)).is_some() && held.held(at(600)).is_none());
    let booked = decide(&held, Command::Book(id(9)), at(599)).unwrap();
    assert_eq!((booked.interview, booked.hold), (Some(id(9)), None));
    assert_eq!(decide(&held, Command::Book(id(9)), at(600)), Err(Refused::NotHeld));
    assert!(decide(&held, Command::Book(id(10)), at(600)).is_ok(), "another time may be picked whatever was held");
}

#[test]
fn a_second_hold_gives_the_first_one_back() {
    let held = decide(&choice(), Command::Hold(hold(9, 600)), at(0)).unwrap();
    assert_eq!(held.given_back(&Command::Hold(hold(10, 600))), Some(id(9)));
    assert_eq!(held.given_back(&Command::Release), Some(id(9)));
    assert_eq!(held.given_back(&Command::Book(id(9))), None, "a booking keeps the time");
}

#[test]
fn what_is_chosen_stays_until_the_candidate_is_asked_anew() {
    let booked = decide(&choice(), Command::Book(id(9)), at(1)).unwrap();
    for command in [Command::Hold(hold(9, 600)), Command::Book(id(10)), Command::Remind, Command::GiveUp] {
        assert_eq!(decide(&booked, command, at(2)), Err(Refused::Chosen));
    }
    let again = decide(&booked, Command::Ask, at(3)).unwrap();
    assert_eq!((again.interview, again.asked_at), (None, Some(at(3))));
}

#[test]
fn reminders_have_an_end() {
    let day = 24 * 3_600;
    assert_eq!(choice().next_reminder(), None, "nobody was asked");
    let mut asked = decide(&choice(), Command::Ask, at(0)).unwrap();
    for days in [2, 4] {
        assert_eq!(asked.next_reminder(), Some(at(days * day)));
        asked = decide(&asked, Command::Remind, at(days * day)).unwrap();
    }
    assert_eq!(asked.next_reminder(), Some(at(6 * day)));
    asked = decide(&asked, Command::GiveUp, at(6 * day)).unwrap();
    assert_eq!(asked.next_reminder(), None);
}

#[test]
fn a_candidate_may_change_until_the_notice_and_a_recruiter_always() {
    let (interview, policy) = (interview(), Policy { change_notice_hours: 24, ..Policy::default() });
    assert_eq!(may_change(&interview, &policy, By::Candidate, at(76 * 3_600 - 1)), Ok(()));
    assert_eq!(may_change(&interview, &policy, By::Candidate, at(76 * 3_600)), Err(Refused::TooLate));
    assert_eq!(may_change(&interview, &policy, By::Recruiter, at(99 * 3_600)), Ok(()));
    let event = EventRef {
        calendar: String::new(),
        uid: String::new(),
        etag: String::new(),
        written: interview.range,
        url: None,
        meeting_url: None,
    };
    let booked = interviews::decide(&interview, interviews::Command::Written { intent_rev: 1, event }, at(1)).unwrap().0;
    let cancel = interviews::Command::Cancel { by: By::Recruiter, why: String::new() };
    let cancelled = interviews::decide(&booked, cancel, at(2)).unwrap().0;
    assert_eq!(may_change(&cancelled, &policy, By::Candidate, at(3)), Err(Refused::TooLate));
}

fn typed(lines: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    lines.iter().map(|(date, start, end)| ((*date).to_owned(), (*start).to_owned(), (*end).to_owned())).collect()
}

fn wishes(lines: &[(&str, &str, &str)], zone: &str) -> Result<Vec<String>, (usize, &'static str)> {
    let length = SlotLength::from_minutes(45).unwrap();
    read_wishes(&typed(lines), &Zone::new(zone).unwrap(), length, "2026-03-01T00:00:00Z".parse().unwrap())
        .map(|ranges| ranges.iter().map(|range| format!("{}/{}", range.start(), range.end())).collect())
        .map_err(|error| (error.line, error.problem.code()))
}

#[test]
fn wishes_are_read_in_the_candidates_zone_and_in_order() {
    let given = wishes(&[("2026-04-02", "15:00", "17:00"), ("", "", ""), ("2026-04-01", "09:00", "10:00")], "America/New_York");
    assert_eq!(given.unwrap(), ["2026-04-01T13:00:00Z/2026-04-01T14:00:00Z", "2026-04-02T19:00:00Z/2026-04-02T21:00:00Z"]);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line() {
    let one = |date, start, end| wishes(&[("2026-04-01", "09:00", "10:00"), (date, start, end)], "Europe/Berlin").unwrap_err();
    assert_eq!(one("2026-04-01", "10:00", ""), (2, "unreadable"));
    assert_eq!(one("1.4.2026", "10:00", "11:00"), (2, "unreadable"));
    assert_eq!(one("2026-02-30", "10:00", "11:00"), (2, "unreadable"));
    assert_eq!(one("2026-04-01", "10:00", "25:00"), (2, "unreadable"));
    assert_eq!(one("2026-04-01", "11:00", "10:00"), (2, "backwards"));
    assert_eq!(one("2026-04-01", "10:00", "10:30"), (2, "too_short"));
    assert_eq!(one("2026-02-01", "10:00", "11:00"), (2, "past"));
    assert_eq!(one("2026-03-29", "02:30", "04:00"), (2, "skipped"), "the clocks go from 02:00 to 03:00");
    assert_eq!(wishes(&[("", " ", "")], "UTC"), Err((0, "nothing")));
    assert_eq!(wishes(&[("2026-04-01", "09:00", "10:00"); 11], "UTC"), Err((0, "too_many")));
}

#[test]
fn of_a_time_that_comes_twice_the_first_is_meant() {
    // Berlin, 25 October 2026: 02:00 to 03:00 comes at 00:00 and again at 01:00 UTC.
    let given = wishes(&[("2026-10-25", "02:00", "02:45")], "Europe/Berlin").unwrap();
    assert_eq!(given, ["2026-10-25T00:00:00Z/2026-10-25T00:45:00Z"]);
    let across = wishes(&[("2026-10-25", "01:30", "03:00")], "Europe/Berlin").unwrap();
    assert_eq!(across, ["2026-10-24T23:30:00Z/2026-10-25T02:00:00Z"], "the hour that comes twice lies within");
}

#[test]
fn a_spread_is_in_order_within_its_bound_and_keeps_both_ends() {
    for (count, most) in (0..60).flat_map(|count| (2..12).map(move |most| (count, most))) {
        let times: Vec<TimeRange> = (0..count).map(|hour| range(i64::try_from(hour).unwrap() * 3_600)).collect();
        let shown = spread(&times, most);
        assert_eq!(shown.len(), count.min(most));
        assert!(shown.windows(2).all(|pair| pair[0] < pair[1]) && shown.iter().all(|time| times.contains(time)));
        assert_eq!((shown.first(), shown.last()), (times.first(), times.last()));
    }
}
