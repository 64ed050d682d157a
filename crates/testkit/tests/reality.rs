//! Keeping true: what people do in their calendars by hand is noticed in time, mended or put before a person, and never invented.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use app::{CandidateInput, PlaceInput, RealityRow, VacancyInput};
use common::World;
use domain::{
    Id, TimeRange, Timestamp,
    alerts::AlertKind,
    interviews::{AttentionReason, Interview, InterviewState},
    reality::Seen,
    vacancies::{LateConflict, Policy, Vacancy},
};
use jiff::SignedDuration;
use serde_json::{Value, json};

const ANA: &str = "ana@example.com";
const HOUR: i64 = 3_600;

fn later(range: TimeRange, minutes: i64) -> TimeRange {
    let by = SignedDuration::from_mins(minutes);
    TimeRange::new(range.start().checked_add(by).unwrap(), range.end().checked_add(by).unwrap()).unwrap()
}

fn times(range: TimeRange) -> Value {
    let zoho = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    json!({"timezone": "UTC", "start": zoho(range.start()), "end": zoho(range.end())})
}

/// Somebody makes a meeting by hand; gives its uid.
async fn meeting(world: &World, email: &str, range: TimeRange) -> String {
    let event = json!({"email": email, "event": {"title": "Board", "dateandtime": times(range)}});
    let made = world.sim_post("events", event).await;
    made["uid"].as_str().unwrap().to_owned()
}

async fn drag(world: &World, interview: &Interview, range: TimeRange) {
    let uid = &interview.event.as_ref().unwrap().uid;
    world.sim_change("PATCH", json!({"email": ANA, "uid": uid, "event": {"dateandtime": times(range)}})).await;
}

async fn delete(world: &World, email: &str, uid: &str) {
    world.sim_change("DELETE", json!({"email": email, "uid": uid})).await;
}

async fn interviews(world: &World, id: Id<Vacancy>) -> Vec<Interview> {
    let view = world.app.vacancy(id).await.unwrap();
    view.shortlist.iter().filter_map(|item| item.interview.clone()).collect()
}

async fn now(world: &World, interview: &Interview) -> Interview {
    world.app.interview(interview.id).await.unwrap().interview
}

async fn row(world: &World, interview: &Interview) -> RealityRow {
    let view = world.app.reality().await.unwrap();
    view.interviews.into_iter().find(|row| row.view.interview.id == interview.id).unwrap()
}

/// A vacancy of Ana's whose interviews make way by themselves, booked.
async fn yielding(world: &World, names: &[&str]) -> Id<Vacancy> {
    let candidate = |name: &&str| CandidateInput {
        name: (*name).to_owned(),
        email: format!("{}@example.net", name.to_lowercase()),
        ..CandidateInput::default()
    };
    let input = VacancyInput {
        title: "Platform engineer".into(),
        manager_email: ANA.into(),
        place: Some(PlaceInput::Url("https://meet.example.com/room".into())),
        candidates: names.iter().map(candidate).collect(),
        policy: Some(Policy { late_conflict: LateConflict::Move, ..Policy::default() }),
        ..VacancyInput::default()
    };
    let id = world.app.create_vacancy(input, &World::caller()).await.unwrap().vacancy.id;
    world.consent(ANA).await;
    world.drain().await;
    world.approve(id).await;
    world.pass(60).await;
    id
}

/// Moves the clock to so many seconds before an interview.
async fn until_before(world: &World, interview: &Interview, seconds: i64) {
    world.pass(interview.range.start().as_second() - seconds - world.app.now().as_second()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_by_hand_is_taken_over_within_five_minutes_and_within_one_on_the_day() {
    let world = World::new("reality-move").await;
    let id = world.booked(&["Noor", "Mei"]).await;
    let [noor, mei] = interviews(&world, id).await.try_into().unwrap();
    world.pass(300).await;
    assert!(!row(&world, &noor).await.differs());
    assert_eq!(row(&world, &noor).await.sights[0].1.seen, Seen::AsIntended);
    let far = later(noor.range, 3 * 60);
    drag(&world, &noor, far).await;
    world.pass(300).await;
    assert_eq!(now(&world, &noor).await.range, far, "further than a day away: five minutes");
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked", "candidate_moved"]);
    until_before(&world, &mei, 20 * HOUR).await;
    let near = later(mei.range, 4 * 60);
    drag(&world, &mei, near).await;
    world.pass(60).await;
    assert_eq!(now(&world, &mei).await.range, near, "within a day: one minute");
    world.pass(300).await;
    assert!(!row(&world, &mei).await.differs());
    // Far beyond what a look lists: found by its uid.
    let beyond = later(near, 40 * 24 * 60);
    drag(&world, &mei, beyond).await;
    world.pass(60).await;
    assert_eq!(now(&world, &mei).await.range, beyond);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_believed_when_it_was_seen_twice_and_an_event_that_comes_back_settles_it() {
    let world = World::new("reality-delete").await;
    let id = world.booked(&["Noor"]).await;
    let [noor] = interviews(&world, id).await.try_into().unwrap();
    world.pass(300).await;
    let uid = noor.event.clone().unwrap().uid;
    delete(&world, ANA, &uid).await;
    world.clock.advance(240);
    world.app.drain(1).await.unwrap();
    assert_eq!(now(&world, &noor).await.state, InterviewState::Booked, "seen once");
    assert!(matches!(row(&world, &noor).await.sights[0].1.seen, Seen::Missing { looks: 1, .. }));
    world.pass(60).await;
    let gone = now(&world, &noor).await;
    assert_eq!(gone.attention.map(|(reason, _)| reason), Some(AttentionReason::EventDeleted));
    assert!(world.mails("recruiting@example.com").await.contains(&"attention".to_owned()));
    assert!(row(&world, &noor).await.differs());
    // Kept by a person: it is entered again, and that is as intended.
    world.app.resolve_interview(noor.id, &World::caller()).await.unwrap();
    world.pass(400).await;
    let back = now(&world, &noor).await;
    assert_eq!(back.state, InterviewState::Booked);
    assert_ne!(back.event.clone().unwrap().uid, uid);
    assert!(!row(&world, &noor).await.differs());
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked"], "nobody is told what they know");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_meeting_over_an_interview_is_put_before_a_person_once_and_is_over_when_it_goes() {
    let world = World::new("reality-clash").await;
    let id = world.booked(&["Noor", "Mei"]).await;
    let [noor, mei] = interviews(&world, id).await.try_into().unwrap();
    world.pass(300).await;
    let board = meeting(&world, ANA, later(noor.range, 30)).await;
    world.pass(300).await;
    let alarmed = now(&world, &noor).await;
    assert_eq!(alarmed.attention.map(|(reason, _)| reason), Some(AttentionReason::Clash));
    assert!(row(&world, &noor).await.sights[0].1.overlaps == [later(noor.range, 30)]);
    let told = |mails: Vec<String>| mails.iter().filter(|kind| *kind == "attention").count();
    // It also overlaps Mei's, an hour later: each is asked about by itself.
    assert_eq!(now(&world, &mei).await.attention.map(|(reason, _)| reason), Some(AttentionReason::Clash));
    assert_eq!(told(world.mails("recruiting@example.com").await), 2);
    // Noor's is kept by a person, and that is not asked again; Mei's is over when the meeting goes.
    world.app.resolve_interview(noor.id, &World::caller()).await.unwrap();
    world.pass(3_000).await;
    assert_eq!(now(&world, &noor).await.state, InterviewState::Booked);
    assert_eq!(told(world.mails("recruiting@example.com").await), 2);
    delete(&world, ANA, &board).await;
    world.pass(300).await;
    let over = now(&world, &mei).await;
    assert_eq!((over.state, over.attention, over.range), (InterviewState::Booked, None, mei.range));
    // Nor is it asked again by the look before a reminder.
    let again = meeting(&world, ANA, later(noor.range, 30)).await;
    world.pass(300).await;
    assert_eq!(now(&world, &noor).await.attention.map(|(reason, _)| reason), Some(AttentionReason::Clash));
    world.app.resolve_interview(noor.id, &World::caller()).await.unwrap();
    world.app.resolve_interview(mei.id, &World::caller()).await.unwrap();
    let asked = told(world.mails("recruiting@example.com").await);
    until_before(&world, &noor, 20 * HOUR).await;
    assert!(world.mails("noor@example.net").await.contains(&"reminder_24h".to_owned()));
    assert_eq!(
        (now(&world, &noor).await.state, told(world.mails("recruiting@example.com").await)),
        (InterviewState::Booked, asked)
    );
    delete(&world, ANA, &again).await;
    world.pass(300).await;
    // What is free, or declined, overlaps nothing; what is ours does not either.
    let free = json!({"title": "Lunch?", "transparency": 1, "dateandtime": times(noor.range)});
    world.sim_post("events", json!({"email": ANA, "event": free})).await;
    world.pass(300).await;
    assert_eq!(now(&world, &noor).await.state, InterviewState::Booked);
    // Another meeting is news again.
    meeting(&world, ANA, later(noor.range, -30)).await;
    world.pass(300).await;
    assert_eq!(now(&world, &noor).await.attention.map(|(reason, _)| reason), Some(AttentionReason::Clash));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_policy_says_so_an_interview_makes_way_by_itself() {
    let world = World::new("reality-yield").await;
    let id = yielding(&world, &["Noor", "Mei"]).await;
    let [noor, mei] = interviews(&world, id).await.try_into().unwrap();
    world.pass(300).await;
    meeting(&world, ANA, noor.range).await;
    world.pass(300).await;
    let moved = now(&world, &noor).await;
    assert_eq!((moved.state, moved.attention), (InterviewState::Booked, None));
    assert!(!moved.range.overlaps(noor.range) && !moved.range.overlaps(mei.range), "{:?}", moved.range);
    assert_eq!(moved.event.clone().unwrap().written, moved.range, "the calendar has it");
    assert_eq!(world.app.placed_because(noor.id).await.unwrap().by, "earliest", "nobody chose it");
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked", "candidate_moved"]);
    assert!(world.mails(ANA).await.contains(&"manager_moved".to_owned()), "{:?}", world.mails(ANA).await);
    // Within the notice that candidates have, a person is asked.
    until_before(&world, &mei, 10 * HOUR).await;
    meeting(&world, ANA, mei.range).await;
    world.pass(60).await;
    let asked = now(&world, &mei).await;
    assert_eq!((asked.range, asked.attention.map(|(reason, _)| reason)), (mei.range, Some(AttentionReason::Clash)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_its_owner_declined_is_put_before_a_person() {
    let world = World::new("reality-declined").await;
    let id = world.booked(&["Noor"]).await;
    let [noor] = interviews(&world, id).await.try_into().unwrap();
    world.pass(300).await;
    let uid = noor.event.clone().unwrap().uid;
    world
        .sim_change("PATCH", json!({"email": ANA, "uid": uid, "event": {"attendees": [{"email": ANA, "status": "DECLINED"}]}}))
        .await;
    world.pass(300).await;
    assert!(row(&world, &noor).await.sights[0].1.declined, "{:?}", row(&world, &noor).await.sights);
    assert_eq!(now(&world, &noor).await.attention.map(|(reason, _)| reason), Some(AttentionReason::ManagerCannot));
    world.app.resolve_interview(noor.id, &World::caller()).await.unwrap();
    world.pass(600).await;
    assert_eq!(now(&world, &noor).await.state, InterviewState::Booked, "asked once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_changes_all_at_once_is_not_believed_until_a_person_says_so() {
    let world = World::new("reality-mass").await;
    let id = world.booked(&["Noor", "Mei", "Tomasz", "Ife", "Sana"]).await;
    let all: [Interview; 5] = interviews(&world, id).await.try_into().unwrap();
    world.pass(300).await;
    for interview in &all[..4] {
        delete(&world, ANA, &interview.event.clone().unwrap().uid).await;
    }
    world.pass(900).await;
    let states = |all: &[Interview]| all.iter().map(|interview| interview.state).collect::<Vec<_>>();
    assert_eq!(states(&interviews(&world, id).await), [InterviewState::Booked; 5]);
    let alerts = world.app.alerts(true, 10).await.unwrap();
    let grant = alerts.iter().find(|view| view.alert.kind == AlertKind::MassChange).map(|view| view.alert.subject.clone());
    let grant = grant.unwrap().parse().unwrap();
    let view = world.app.reality().await.unwrap();
    assert!(view.looks[0].look.held_at.is_some());
    // Not even the look before a reminder believes it.
    until_before(&world, &all[0], 24 * HOUR).await;
    assert_eq!(now(&world, &all[0]).await.state, InterviewState::Booked);
    world.app.admit_changes(grant, &World::caller()).await.unwrap();
    world.pass(60).await;
    let after = interviews(&world, id).await;
    assert_eq!(states(&after[..4]), [InterviewState::Attention; 4]);
    assert_eq!(after[4].state, InterviewState::Booked);
    world.pass(300).await;
    let lasting = world.app.alerts(true, 10).await.unwrap();
    assert!(lasting.iter().all(|view| view.alert.kind != AlertKind::MassChange));
    assert!(matches!(
        world.app.admit_changes(grant, &World::caller()).await,
        Err(app::Error::Refused { code: "nothing_held", .. })
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_cannot_be_read_says_so_and_nothing_is_made_of_it() {
    let world = World::new("reality-unread").await;
    let id = world.booked(&["Noor"]).await;
    let [noor] = interviews(&world, id).await.try_into().unwrap();
    world.pass(300).await;
    let seen = row(&world, &noor).await.as_of().unwrap();
    for fault in [
        json!({"path": "/api/v1/calendars/*/events", "method": "GET", "kind": "html200", "times": 1}),
        json!({"path": "/api/v1/calendars/*/events", "method": "GET", "kind": "status", "status": 500, "times": 2}),
    ] {
        world.sim_post("faults", fault).await;
        meeting(&world, ANA, later(noor.range, 24 * 60)).await;
        world.clock.advance(245);
        world.app.drain(1).await.unwrap();
        let view = world.app.reality().await.unwrap();
        assert!(view.looks[0].look.problem.is_some(), "{:?}", view.looks);
        assert_eq!(view.interviews[0].as_of(), Some(seen), "the age is that of the last good look");
        assert_eq!(now(&world, &noor).await.state, InterviewState::Booked);
        world.sim.with(|world, _| world.faults.clear());
    }
    world.pass(600).await;
    let view = world.app.reality().await.unwrap();
    assert!(view.looks[0].look.problem.is_none() && view.interviews[0].as_of() > Some(seen));
    assert!(!view.interviews[0].differs());
}

#[tokio::test(flavor = "multi_thread")]
async fn looks_cost_one_call_while_the_change_tag_stands_still_and_end_with_the_last_interview() {
    let world = World::new("reality-calls").await;
    let id = world.booked(&["Noor"]).await;
    let [noor] = interviews(&world, id).await.try_into().unwrap();
    world.pass(600).await;
    let looks = |world: &World| world.app.counters().calls.values().map(app::Histogram::count).sum::<u64>();
    let before = looks(&world);
    // Twelve looks in 48 minutes; three of them read although the tag stands still.
    for _ in 0..12 {
        world.pass(240).await;
    }
    let made = looks(&world) - before;
    assert!((12..=12 + 2 * 4).contains(&made), "{made} calls");
    assert!(row(&world, &noor).await.as_of().unwrap() > world.app.now().checked_sub(SignedDuration::from_secs(300)).unwrap());
    world.app.cancel_interview(noor.id, "filled", None, false, &World::caller()).await.unwrap();
    world.pass(600).await;
    let before = looks(&world);
    world.pass(2 * HOUR).await;
    let made = looks(&world) - before;
    assert!(made <= 4, "{made} calls with nothing to come");
}
