//! Panels and rounds: several people interview, in several rounds, and everybody's time is kept.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use app::{CandidateInput, PersonInput, PlaceInput, RoundInput, SeatsInput, VacancyInput, VacancyPatch, VacancyView};
use common::World;
use domain::{
    Id, TimeRange, Timestamp, Zone,
    claims::Holder,
    interviews::{Interview, InterviewState},
    rounds::{Days, Gap, Need, Opens},
    vacancies::{Policy, Scheduling, Vacancy},
};
use serde_json::json;

const ANA: &str = "ana@example.com"; // New York
const BRUNO: &str = "bruno@example.com"; // Madrid
const CHANDRA: &str = "chandra@example.com"; // Kolkata
const DAY: i64 = 24 * 3_600;

fn seats(need: Need, people: &[&str]) -> SeatsInput {
    SeatsInput { need, people: people.iter().map(|&email| email.to_owned()).collect(), skills: Vec::new() }
}

fn round(seats: Vec<SeatsInput>) -> RoundInput {
    RoundInput { seats, ..RoundInput::default() }
}

fn input(rounds: Vec<RoundInput>, names: &[&str]) -> VacancyInput {
    let candidate = |name: &&str| CandidateInput {
        name: (*name).to_owned(),
        email: format!("{}@example.net", name.to_lowercase()),
        ..CandidateInput::default()
    };
    VacancyInput {
        title: "Platform engineer".into(),
        manager_email: ANA.into(),
        place: Some(PlaceInput::Url("https://meet.example.com/room".into())),
        candidates: names.iter().map(candidate).collect(),
        rounds: Some(rounds),
        ..VacancyInput::default()
    }
}

async fn vacancy(world: &World, rounds: Vec<RoundInput>, names: &[&str]) -> Id<Vacancy> {
    world.app.create_vacancy(input(rounds, names), &World::caller()).await.unwrap().vacancy.id
}

async fn connected(world: &World, people: &[&str]) {
    for person in people {
        world.consent(person).await;
    }
    world.drain().await;
}

async fn booked(world: &World, rounds: Vec<RoundInput>, names: &[&str]) -> VacancyView {
    let id = vacancy(world, rounds, names).await;
    world.approve(id).await;
    world.pass(60).await;
    world.app.vacancy(id).await.unwrap()
}

async fn id_of(world: &World, email: &str) -> Id<domain::people::Person> {
    world.app.find_person(email).await.unwrap().id
}

/// Somebody makes a meeting in a calendar by hand.
async fn busy(world: &World, email: &str, range: TimeRange) {
    let zoho = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let times = json!({"timezone": "UTC", "start": zoho(range.start()), "end": zoho(range.end())});
    world.sim_post("events", json!({"email": email, "event": {"title": "Meeting", "dateandtime": times}})).await;
}

/// How many cells of somebody's time an interview holds.
async fn held(world: &World, email: &str, interview: &Interview) -> usize {
    let holder = Holder::person(id_of(world, email).await);
    let (holder, id) = (holder.as_str().to_owned(), interview.id.to_string());
    let rows = world.everything().await;
    rows.iter().filter(|(table, text)| table == "claims" && text.contains(&holder) && text.contains(&id)).count()
}

fn at_work(range: TimeRange, zone: &str) -> bool {
    let zone = Zone::new(zone).unwrap();
    let (start, end) = (zone.wall_clock(range.start()), zone.wall_clock(range.end()));
    start.hour() >= 9 && (end.hour() < 17 || (end.hour() == 17 && end.minute() == 0)) && start.date() == end.date()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panel_in_two_zones_is_asked_waits_and_is_booked_with_everybodys_time() {
    let world = World::new("panel-two-zones").await;
    let id = vacancy(&world, vec![round(vec![seats(Need::All, &[ANA, BRUNO])])], &["Noor"]).await;
    world.approve(id).await;
    world.pass(60).await;
    let asked = [world.mails(ANA).await, world.mails(BRUNO).await];
    assert_eq!(asked, [["permission_request"], ["permission_request"]], "everybody is asked once");
    connected(&world, &[ANA]).await;
    world.pass(60).await;
    let waiting = world.app.vacancy(id).await.unwrap();
    assert!(waiting.shortlist[0].interview.is_none(), "half a panel is none");
    assert!(waiting.waiting_for.iter().any(|on| on.on == "permission" && on.next.as_deref() == Some("panel_permission")));
    connected(&world, &[BRUNO]).await;
    world.pass(60).await;
    let view = world.app.vacancy(id).await.unwrap();
    let interview = view.shortlist[0].interview.clone().unwrap();
    assert_eq!(interview.state, InterviewState::Booked);
    assert!(
        at_work(interview.range, "America/New_York") && at_work(interview.range, "Europe/Madrid"),
        "{}",
        interview.range.start()
    );
    assert_eq!((held(&world, ANA, &interview).await, held(&world, BRUNO, &interview).await), (12, 12));
    // The event stands in the manager's calendar; whoever sits beside gets an invitation to keep, the candidate theirs.
    assert_eq!((world.events(ANA).await.len(), world.events(BRUNO).await.len()), (1, 0));
    assert!(world.mails(ANA).await.contains(&"manager_booked".to_owned()));
    assert!(world.mails(BRUNO).await.contains(&"interviewer_booked".to_owned()));
    let mails = world.app.mails(Some(BRUNO), ports::store::Page::first(9)).await.unwrap();
    let invitation = mails.iter().find(|mail| mail.kind == "interviewer_booked").unwrap();
    assert!(invitation.text.contains("in the calendar of"), "{}", invitation.text);
    assert!(invitation.calendar.as_deref().is_some_and(|text| text.contains("METHOD:REQUEST")));
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked"]);
    let shown = world.app.interview(interview.id).await.unwrap();
    assert_eq!(shown.interviewers.iter().map(|person| person.email().unwrap().to_string()).collect::<Vec<_>>(), [BRUNO]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_of_a_pool_can_come_sits_the_least_busy_first() {
    let world = World::new("panel-pool").await;
    connected(&world, &[BRUNO, CHANDRA]).await;
    let view = booked(&world, vec![round(vec![seats(Need::Any, &[BRUNO, CHANDRA])])], &["Noor", "Omar", "Pia", "Quinn"]).await;
    let mut led = std::collections::BTreeMap::new();
    for item in &view.shortlist {
        let interview = item.interview.as_ref().unwrap();
        assert_eq!((interview.state, interview.participants.len()), (InterviewState::Booked, 2));
        *led.entry(world.app.interview(interview.id).await.unwrap().manager.email().unwrap().to_string()).or_insert(0) += 1;
    }
    assert_eq!(led, [(BRUNO.to_owned(), 2), (CHANDRA.to_owned(), 2)].into(), "the load is shared");
    assert_eq!((world.events(BRUNO).await.len(), world.events(CHANDRA).await.len()), (2, 2), "each in the calendar of who leads");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_the_panel_who_cannot_be_read_is_never_free_and_others_fill_the_seat() {
    let world = World::new("panel-unread").await;
    connected(&world, &[ANA, BRUNO]).await;
    // Chandra never connects.
    let view = booked(&world, vec![round(vec![seats(Need::AtLeast(1), &[CHANDRA, BRUNO])])], &["Noor"]).await;
    let interview = view.shortlist[0].interview.clone().unwrap();
    assert_eq!(world.app.interview(interview.id).await.unwrap().manager.id, id_of(&world, BRUNO).await);
    let all = booked(&world, vec![round(vec![seats(Need::All, &[CHANDRA, BRUNO])])], &["Omar"]).await;
    assert!(all.shortlist[0].interview.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_of_somebody_beside_the_manager_is_seen_before_the_event_is_written() {
    let world = World::new("panel-taken").await;
    connected(&world, &[ANA, BRUNO]).await;
    let id = vacancy(&world, vec![round(vec![seats(Need::All, &[ANA, BRUNO])])], &["Noor"]).await;
    world.approve(id).await;
    world.app.drain(1).await.unwrap();
    let placed = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    busy(&world, BRUNO, placed.range).await;
    world.pass(60).await;
    let interview = world.app.interview(placed.id).await.unwrap().interview;
    assert_eq!(interview.state, InterviewState::Booked);
    assert!(!interview.range.overlaps(placed.range));
    // And when somebody moves it: onto Bruno's meeting it cannot go.
    let moved = world.app.move_interview(interview.id, placed.range.start(), None, false, &World::caller()).await;
    assert_eq!(moved.unwrap_err().code(), "time_not_available");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_takes_the_whole_panel_along_and_tells_everybody() {
    let world = World::new("panel-move").await;
    connected(&world, &[ANA, BRUNO]).await;
    let view = booked(&world, vec![round(vec![seats(Need::All, &[ANA, BRUNO])])], &["Noor"]).await;
    let before = view.shortlist[0].interview.clone().unwrap();
    let later = Timestamp::from_second(before.range.start().as_second() + DAY).unwrap();
    world.app.move_interview(before.id, later, None, false, &World::caller()).await.unwrap();
    world.pass(60).await;
    let after = world.app.interview(before.id).await.unwrap().interview;
    assert_eq!((after.state, after.range.start()), (InterviewState::Booked, later));
    assert_eq!((held(&world, ANA, &after).await, held(&world, BRUNO, &after).await), (12, 12), "the old time is free again");
    assert!(world.mails(BRUNO).await.contains(&"interviewer_moved".to_owned()));
    world.app.cancel_interview(before.id, "The position is filled", None, false, &World::caller()).await.unwrap();
    world.pass(60).await;
    assert!(world.mails(BRUNO).await.contains(&"interviewer_cancelled".to_owned()));
    assert_eq!((held(&world, ANA, &after).await, held(&world, BRUNO, &after).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_lie_in_order_with_their_gaps_and_a_move_cannot_break_it() {
    let world = World::new("panel-rounds").await;
    connected(&world, &[ANA, BRUNO]).await;
    let other_day = Gap { days: Days::Other, ..Gap::default() };
    let close = Gap { at_least_minutes: 30, at_most_minutes: Some(120), days: Days::Same };
    let rounds = vec![
        round(vec![]),
        RoundInput { gap: other_day, minutes: Some(45), ..round(vec![seats(Need::Any, &[BRUNO])]) },
        RoundInput { gap: close, minutes: Some(30), name: Some("Talk".into()), ..round(vec![seats(Need::All, &[BRUNO])]) },
    ];
    let view = booked(&world, rounds, &["Noor", "Omar"]).await;
    for item in &view.shortlist {
        let [first, second, third] = &item.interviews[..] else { panic!("{:?}", item.interviews) };
        assert!([first, second, third].iter().all(|interview| interview.state == InterviewState::Booked));
        let madrid = Zone::new("Europe/Madrid").unwrap();
        assert!(first.range.end() <= second.range.start() && madrid.date(first.range.start()) != madrid.date(second.range.start()));
        let between = (third.range.start().as_second() - second.range.end().as_second()) / 60;
        assert!((30..=120).contains(&between), "{between}");
        // The first cannot be moved behind the second.
        let behind = Timestamp::from_second(second.range.start().as_second() + 7 * DAY).unwrap();
        let moved = world.app.move_interview(first.id, behind, None, false, &World::caller()).await.unwrap_err();
        assert!(moved.to_string().contains("round_order"), "{moved}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_waits_for_the_one_before_is_arranged_when_that_is_over() {
    let world = World::new("panel-after").await;
    connected(&world, &[ANA, BRUNO]).await;
    let second = RoundInput { opens: Opens::AfterPrevious, ..round(vec![seats(Need::All, &[BRUNO])]) };
    let view = booked(&world, vec![round(vec![]), second], &["Noor", "Omar"]).await;
    assert!(view.shortlist.iter().all(|item| item.interviews.len() == 1));
    let omar = view.shortlist[1].candidacy.id;
    world.app.withdraw(omar, &World::caller()).await.unwrap();
    let end = view.shortlist[0].interviews[0].range.end().as_second();
    world.pass(end - world.app.now().as_second() + 600).await;
    let view = world.app.vacancy(view.vacancy.id).await.unwrap();
    let [first, second] = &view.shortlist[0].interviews[..] else { panic!("{:?}", view.shortlist[0].interviews) };
    assert_eq!((first.state, second.state), (InterviewState::Done, InterviewState::Booked));
    assert!(view.shortlist[1].interviews.len() == 1, "whoever was withdrawn gets no second interview");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skill_that_nobody_has_keeps_the_seat_empty_until_somebody_has_it() {
    let world = World::new("panel-skills").await;
    connected(&world, &[ANA, BRUNO]).await;
    let rust = SeatsInput { skills: vec!["Rust".into()], ..seats(Need::All, &[ANA, BRUNO]) };
    let view = booked(&world, vec![round(vec![rust])], &["Noor"]).await;
    assert!(view.shortlist[0].interview.is_none());
    assert_eq!(view.vacancy.stuck.unwrap().code, "panel_skills");
    let learned = PersonInput { email: BRUNO.into(), skills: Some(vec!["rust".into()]), ..PersonInput::default() };
    world.app.put_manager(learned, &World::caller()).await.unwrap();
    world.pass(60).await;
    let interview = world.app.vacancy(view.vacancy.id).await.unwrap().shortlist[0].interview.clone().unwrap();
    assert_eq!(interview.panel().collect::<Vec<_>>(), [id_of(&world, BRUNO).await], "those with the skill, and nobody else");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_picks_and_holds_times_of_the_whole_panel() {
    let world = World::new("panel-choice").await;
    connected(&world, &[ANA, BRUNO]).await;
    let policy = Some(Policy { scheduling: Scheduling::Candidate, ..Policy::default() });
    let new = VacancyInput { policy, ..input(vec![round(vec![seats(Need::All, &[ANA, BRUNO])])], &["Noor", "Omar"]) };
    let id = world.app.create_vacancy(new, &World::caller()).await.unwrap().vacancy.id;
    world.approve(id).await;
    world.pass(60).await;
    let view = world.app.vacancy(id).await.unwrap();
    let (noor, omar) = (view.shortlist[0].candidacy.id, view.shortlist[1].candidacy.id);
    let offers = world.app.offers(noor, 1).await.unwrap();
    assert_eq!(offers.source, "known");
    assert!(!offers.times.is_empty());
    assert!(offers.times.iter().all(|time| at_work(*time, "America/New_York") && at_work(*time, "Europe/Madrid")));
    let start = offers.times[0].start();
    let hold = app::HoldInput { start, minutes: Some(60) };
    world.app.hold(noor, 1, hold, false, &World::caller()).await.unwrap();
    let other = world.app.hold(omar, 1, hold, false, &World::caller()).await.unwrap_err();
    assert_eq!(other.code(), "time_not_available");
    let booking = world.app.confirm_hold(noor, 1, None, false, &World::caller()).await.unwrap().interview;
    world.pass(60).await;
    assert_eq!((held(&world, ANA, &booking).await, held(&world, BRUNO, &booking).await), (12, 12));
    assert_eq!(world.app.interview(booking.id).await.unwrap().interview.state, InterviewState::Booked);
}

#[tokio::test(flavor = "multi_thread")]
async fn vacancies_that_share_interviewers_never_give_one_person_two_interviews() {
    let world = World::new("panel-shared").await;
    connected(&world, &[ANA, BRUNO, CHANDRA]).await;
    let names = ["Noor", "Omar", "Pia", "Quinn", "Rita"];
    let mut ids = Vec::new();
    for panel in [[ANA, BRUNO], [BRUNO, CHANDRA], [BRUNO, ANA]] {
        let id = vacancy(&world, vec![round(vec![seats(Need::All, &panel)])], &names).await;
        world.approve(id).await;
        ids.push(id);
    }
    let second = world.second().await;
    let (one, other) = tokio::join!(world.app.drain(10_000), second.drain(10_000));
    one.unwrap();
    other.unwrap();
    world.pass(3_600).await;
    let mut taken: Vec<(Id<domain::people::Person>, TimeRange)> = Vec::new();
    for id in ids {
        for item in world.app.vacancy(id).await.unwrap().shortlist {
            let interview = item.interview.unwrap();
            assert_eq!(interview.state, InterviewState::Booked);
            taken.extend(interview.participants.iter().map(|participant| (participant.person, interview.range)));
        }
    }
    for (index, (person, range)) in taken.iter().enumerate() {
        let twice = taken[index + 1..].iter().any(|(other, theirs)| other == person && theirs.overlaps(*range));
        assert!(!twice, "{person} twice at {}", range.start());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn impossible_rounds_are_refused_and_change_nothing() {
    let world = World::new("panel-bad").await;
    let before = world.everything().await;
    let gap = Gap { at_least_minutes: 60, at_most_minutes: Some(10), days: Days::Any };
    let crowd: Vec<String> = (0..201).map(|number| format!("person{number}@example.com")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let wrong = [
        vec![],
        vec![round(vec![seats(Need::AtLeast(3), &[ANA, BRUNO])])],
        vec![round(vec![seats(Need::AtLeast(0), &[ANA, BRUNO])])],
        vec![round(vec![seats(Need::All, &[])])],
        vec![round(vec![seats(Need::All, &["nobody"])])],
        vec![round(vec![seats(Need::Any, &[ANA]), seats(Need::Any, &[ANA])])],
        vec![round(vec![seats(Need::Any, &crowd)])],
        vec![RoundInput { position: Some(2), ..round(vec![]) }, RoundInput { position: Some(1), ..round(vec![]) }],
        vec![round(vec![]), RoundInput { gap, ..round(vec![]) }],
        vec![RoundInput { minutes: Some(7), ..round(vec![]) }],
        vec![round(vec![]); 21],
    ];
    for rounds in wrong {
        let error = world.app.create_vacancy(input(rounds.clone(), &["Noor"]), &World::caller()).await.unwrap_err();
        assert_eq!(error.code(), "invalid", "{rounds:?}: {error}");
    }
    assert_eq!(world.everything().await, before);
    // Rounds can be said anew until somebody has a time in one of them.
    connected(&world, &[ANA]).await;
    let view = booked(&world, vec![round(vec![])], &["Noor"]).await;
    let patch = VacancyPatch { rounds: Some(vec![round(vec![]), round(vec![])]), ..VacancyPatch::default() };
    let refused = world.app.update_vacancy(view.vacancy.id, patch, None, &World::caller()).await.unwrap_err();
    assert_eq!(refused.code(), "interviews_booked");
}
