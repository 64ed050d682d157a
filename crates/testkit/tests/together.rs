//! When several people can meet: known with an age, partial at a deadline, never free because it is unknown; and the reasons agree.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use app::{CandidateInput, HoldInput, Meeting, PlaceInput, VacancyInput};
use common::World;
use domain::{
    TimeRange, Timestamp, Zone,
    rounds::Need,
    vacancies::{CandidateHours, Policy, Scheduling},
};
use serde_json::json;

const ANA: &str = "ana@example.com"; // New York
const BRUNO: &str = "bruno@example.com"; // Madrid
const CHANDRA: &str = "chandra@example.com"; // Kolkata, who never connects

fn meeting(people: &[&str], need: Need) -> Meeting {
    let people = people.iter().map(|&email| email.to_owned()).collect();
    Meeting { people, optional: Vec::new(), need, minutes: 30, max_age: None, deadline: None }
}

fn days(world: &World, days: i64) -> TimeRange {
    let now = world.app.now();
    TimeRange::new(now, Timestamp::from_second(now.as_second() + days * 86_400).unwrap()).unwrap()
}

async fn connected(name: &str) -> World {
    let world = World::new(name).await;
    for person in [ANA, BRUNO] {
        world.consent(person).await;
    }
    world.app.put_manager(app::PersonInput { email: CHANDRA.into(), ..Default::default() }, &World::caller()).await.unwrap();
    world.drain().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn two_in_two_zones_meet_where_both_can_and_every_other_time_has_its_reasons() {
    let world = connected("together-two").await;
    let both = meeting(&[ANA, BRUNO], Need::All);
    let view = world.app.together(&both, days(&world, 14), 2_000).await.unwrap();
    assert_eq!((view.source, view.complete), ("known", true));
    assert!(view.times.len() > 10 && view.times.iter().all(|time| time.who == [ANA, BRUNO]));
    let any = world.app.together(&meeting(&[ANA, BRUNO], Need::Any), days(&world, 14), 2_000).await.unwrap();
    assert!(any.times.len() > view.times.len());
    // Each quarter of an hour of the first days is either offered or explained, and what is smallest names whoever keeps it.
    let start = world.app.now().as_second() / 900 * 900 + 900;
    let mut offered = 0;
    for quarter in 0..4 * 24 * 4 {
        let at = Timestamp::from_second(start + quarter * 900).unwrap();
        let why = world.app.why_not_together(&both, at).await.unwrap();
        assert_eq!(why.offered, view.times.iter().any(|time| time.range.start() == at), "{at}");
        assert_eq!(why.offered, why.smallest.is_empty());
        let kept: Vec<_> = why.people.iter().filter(|kept| !kept.reasons.is_empty()).collect();
        assert_eq!((why.can, why.smallest.len()), (2 - kept.len(), kept.len()));
        offered += usize::from(why.offered);
        let one = world.app.why_not_together(&meeting(&[ANA, BRUNO], Need::Any), at).await.unwrap();
        assert!(one.smallest.len() <= 1 && one.offered == (one.can >= 1));
    }
    assert!(offered > 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_is_never_free_and_the_answer_says_how_far_it_goes() {
    let world = connected("together-unknown").await;
    let all = world.app.together(&meeting(&[ANA, CHANDRA], Need::All), days(&world, 14), 100).await.unwrap();
    assert_eq!((all.source, all.times.len(), all.complete), ("unknown", 0, true));
    let one = world.app.together(&meeting(&[ANA, CHANDRA], Need::AtLeast(1)), days(&world, 14), 100).await.unwrap();
    assert_eq!(one.source, "partial");
    assert!(one.times.iter().all(|time| time.who == [ANA]));
    let why: Vec<_> = one.people.iter().map(|known| (known.source, known.why.as_deref())).collect();
    assert_eq!(why, [("known", None), ("unknown", Some("not_connected"))]);
    let optional = Meeting { optional: vec![CHANDRA.into()], ..meeting(&[ANA], Need::All) };
    let view = world.app.together(&optional, days(&world, 14), 100).await.unwrap();
    assert_eq!((view.source, view.times.len() > 10), ("partial", true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_says_how_old_an_answer_may_be_and_how_long_it_may_take() {
    let world = connected("together-age").await;
    let both = meeting(&[ANA, BRUNO], Need::All);
    let first = world.app.together(&both, days(&world, 7), 2_000).await.unwrap();
    let zoho = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let taken = first.times[0].range;
    let times = json!({"timezone": "UTC", "start": zoho(taken.start()), "end": zoho(taken.end())});
    world.sim_post("events", json!({"email": BRUNO, "event": {"title": "Dentist", "dateandtime": times}})).await;
    world.clock.advance(40);
    let kept = world.app.together(&both, days(&world, 7), 2_000).await.unwrap();
    assert_eq!((kept.as_of, kept.times[0].range), (first.as_of, taken), "a minute is young enough where nobody says");
    let fresh = world.app.together(&Meeting { max_age: Some(30), ..both.clone() }, days(&world, 7), 2_000).await.unwrap();
    assert!(fresh.as_of > first.as_of && fresh.times.iter().all(|time| !time.range.overlaps(taken)));
    // A provider that does not answer in time: whoever is not read is unknown, the rest is told.
    world.sim_post("faults", json!({"path": "/api/v1/calendars/*/events", "method": "GET", "kind": "hang", "times": 9})).await;
    let hurried = Meeting { max_age: Some(0), deadline: Some(200), ..meeting(&[ANA], Need::All) };
    let late = world.app.together(&hurried, days(&world, 7), 2_000).await.unwrap();
    assert_eq!((late.complete, late.source, late.times.len()), (false, "unknown", 0));
    assert!(late.people.iter().all(|known| known.why.as_deref() == Some("deadline")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_meant_is_refused() {
    let world = connected("together-bad").await;
    let window = days(&world, 7);
    let wrong = [
        meeting(&[], Need::All),
        meeting(&[ANA, "Ana@Example.com"], Need::All),
        meeting(&[ANA, BRUNO], Need::AtLeast(3)),
        meeting(&[ANA, BRUNO], Need::AtLeast(0)),
        Meeting { minutes: 7, ..meeting(&[ANA], Need::All) },
        Meeting { max_age: Some(-1), ..meeting(&[ANA], Need::All) },
    ];
    for asked in wrong {
        assert_eq!(world.app.together(&asked, window, 10).await.unwrap_err().code(), "invalid", "{asked:?}");
    }
    let stranger = world.app.together(&meeting(&["zoe@example.com"], Need::All), window, 10).await.unwrap_err();
    assert_eq!(stranger.code(), "not_found");
    assert_eq!(world.app.together(&meeting(&[ANA], Need::All), days(&world, 400), 10).await.unwrap_err().code(), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_are_asked_to_come_at_night_only_where_the_policy_has_it() {
    let world = connected("together-night").await;
    // Nine to five in New York is eleven at night to seven in the morning in Seoul, and half past six to two in the night in Kolkata.
    for (zone, hours, placed, civil) in [
        ("Asia/Seoul", CandidateHours::Require, false, false),
        ("Asia/Seoul", CandidateHours::Prefer, true, false),
        ("Asia/Kolkata", CandidateHours::Require, true, true),
        ("Asia/Kolkata", CandidateHours::Prefer, true, true),
    ] {
        let candidate = CandidateInput {
            name: "Noor".into(),
            email: format!("{}{hours:?}@example.net", zone.replace('/', "")).to_lowercase(),
            zone: Some(zone.into()),
            ..CandidateInput::default()
        };
        let input = VacancyInput {
            title: "Engineer".into(),
            manager_email: ANA.into(),
            place: Some(PlaceInput::Address("12 Sample Street".into())),
            policy: Some(Policy { candidate_hours: hours, ..Policy::default() }),
            candidates: vec![candidate],
            ..VacancyInput::default()
        };
        let id = world.app.create_vacancy(input, &World::caller()).await.unwrap().vacancy.id;
        world.approve(id).await;
        world.pass(60).await;
        let line = world.app.vacancy(id).await.unwrap().shortlist.remove(0);
        assert_eq!(line.interview.is_some(), placed, "{zone} {hours:?}");
        match line.interview {
            Some(interview) => {
                let there = Zone::new(zone).unwrap();
                let (start, end) = (there.wall_clock(interview.range.start()), there.wall_clock(interview.range.end()));
                let at_day =
                    start.hour() >= 7 && start.date() == end.date() && (end.hour() < 22 || (end.hour(), end.minute()) == (22, 0));
                assert_eq!(at_day, civil, "{zone} {hours:?}: {start}");
            }
            None => assert!(line.candidacy.unplaced.unwrap().reasons.contains(&"guest_hours".to_owned())),
        }
    }
}

/// Whether Ana is free at `time`; the same is answered by a process that has never asked before.
async fn offered(world: &World, time: TimeRange) -> bool {
    let alone = Meeting { max_age: Some(300), ..meeting(&[ANA], Need::All) };
    let view = world.app.together(&alone, days(world, 14), 2_000).await.unwrap();
    let other = world.second().await.together(&alone, days(world, 14), 2_000).await.unwrap();
    assert_eq!((view.source, &view.times), ("known", &other.times));
    let why = world.app.why_not_together(&alone, time.start()).await.unwrap();
    let found = view.times.iter().any(|offer| offer.range.start() == time.start());
    assert_eq!((why.offered, why.people[0].reasons.is_empty()), (found, found));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_changes_is_in_the_very_next_answer_although_everything_is_warm() {
    let world = connected("together-warm").await;
    let (caller, second) = (World::caller(), world.second().await);
    let input = VacancyInput {
        title: "Engineer".into(),
        manager_email: ANA.into(),
        place: Some(PlaceInput::Address("12 Sample Street".into())),
        policy: Some(Policy { scheduling: Scheduling::Candidate, ..Policy::default() }),
        candidates: vec![CandidateInput { name: "Noor".into(), email: "noor@example.net".into(), ..CandidateInput::default() }],
        ..VacancyInput::default()
    };
    let id = world.app.create_vacancy(input, &caller).await.unwrap().vacancy.id;
    world.approve(id).await;
    world.pass(60).await;
    let place = world.app.vacancy(id).await.unwrap().shortlist[0].candidacy.id;
    let first = world.app.together(&meeting(&[ANA], Need::All), days(&world, 14), 2_000).await.unwrap();
    let (time, later) = (first.times[4].range, first.times[40].range);
    assert!(offered(&world, time).await && offered(&world, time).await && offered(&world, later).await);
    // A hold that another process makes, until it ends by itself, and one that is given back.
    let hold = HoldInput { start: time.start(), minutes: Some(2) };
    second.hold(place, 1, hold, false, &caller).await.unwrap();
    assert!(!offered(&world, time).await);
    world.clock.advance(121);
    assert!(offered(&world, time).await, "it has ended, and nothing was written since");
    second.hold(place, 1, hold, false, &caller).await.unwrap();
    assert!(!offered(&world, time).await);
    second.release_hold(place, 1, &caller).await.unwrap();
    assert!(offered(&world, time).await);
    // A booking and its cancellation, before the calendar has either.
    world.app.hold(place, 1, hold, false, &caller).await.unwrap();
    let booked = second.confirm_hold(place, 1, None, false, &caller).await.unwrap().interview;
    assert!(!offered(&world, time).await && offered(&world, later).await);
    second.move_interview(booked.id, later.start(), None, false, &caller).await.unwrap();
    assert!(offered(&world, time).await && !offered(&world, later).await);
    second.cancel_interview(booked.id, "A holiday", None, false, &caller).await.unwrap();
    assert!(offered(&world, time).await && offered(&world, later).await);
    // Another rule.
    let notice = (time.end().as_second() - world.app.now().as_second()) / 300 * 5;
    let rules = |minutes| Some(json!({"zone": "America/New_York", "minimum_notice_minutes": minutes}));
    let ana = |minutes| app::PersonInput { email: ANA.into(), rules: rules(minutes), ..Default::default() };
    second.put_manager(ana(notice), &caller).await.unwrap();
    assert!(!offered(&world, time).await && offered(&world, later).await);
    second.put_manager(ana(0), &caller).await.unwrap();
    assert!(offered(&world, time).await);
    // Another calendar to look at, with something in it.
    let made = world.sim_post("calendars/ana@example.com", json!({"name": "Interviews"})).await;
    let uid = made["uid"].as_str().unwrap();
    let zoho = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let times = json!({"timezone": "UTC", "start": zoho(time.start()), "end": zoho(time.end())});
    let event = json!({"email": ANA, "calendar": uid, "event": {"title": "Dentist", "dateandtime": times}});
    world.sim_post("events", event).await;
    second.choose_calendar(ANA, uid, &caller).await.unwrap();
    assert!(!offered(&world, time).await && offered(&world, later).await);
}
