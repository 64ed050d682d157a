//! Plans of whole shortlists: what would be, without anything being booked; and panels that are arranged by one.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use app::{CandidateInput, Opening, PersonInput, PlaceInput, PlanInput, RoundInput, SeatsInput, VacancyInput};
use common::World;
use domain::{
    Id, TimeRange, Zone,
    interviews::{Interview, InterviewState},
    rounds::{Days, Gap, Need},
    vacancies::Vacancy,
};
use scheduling::planner;

const ANA: &str = "ana@example.com"; // New York
const BRUNO: &str = "bruno@example.com"; // Madrid
const CHANDRA: &str = "chandra@example.com"; // Kolkata

fn seats(need: Need, people: &[&str]) -> SeatsInput {
    SeatsInput { need, people: people.iter().map(|&email| email.to_owned()).collect(), skills: Vec::new() }
}

fn round(minutes: i64, seats: Vec<SeatsInput>, gap: Gap) -> RoundInput {
    RoundInput { minutes: Some(minutes), seats, gap, ..RoundInput::default() }
}

/// A call with one of two, then a talk with both of two, on another day.
fn loop_of_two() -> Vec<RoundInput> {
    vec![
        round(30, vec![seats(Need::Any, &[BRUNO, CHANDRA])], Gap::default()),
        round(60, vec![seats(Need::All, &[ANA, BRUNO])], Gap { days: Days::Other, ..Gap::default() }),
    ]
}

async fn connected(world: &World) {
    for person in [ANA, BRUNO, CHANDRA] {
        world.consent(person).await;
    }
    world.drain().await;
}

async fn vacancy(world: &World, rounds: Vec<RoundInput>, names: &[&str]) -> Id<Vacancy> {
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
        rounds: Some(rounds),
        ..VacancyInput::default()
    };
    world.app.create_vacancy(input, &World::caller()).await.unwrap().vacancy.id
}

async fn interviews(world: &World, id: Id<Vacancy>) -> Vec<Interview> {
    let view = world.app.vacancy(id).await.unwrap();
    view.shortlist.iter().flat_map(|item| item.interviews.clone()).collect()
}

fn counted(candidates: usize, rounds: Vec<RoundInput>) -> PlanInput {
    PlanInput {
        rounds: Some(rounds),
        manager_email: Some(ANA.into()),
        candidates: Some(vec![None; candidates]),
        iterations: Some(300),
        deadline: Some(5_000),
        ..PlanInput::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortlist_is_arranged_as_its_plan_says_and_each_interview_says_why() {
    let world = World::new("plan-arrange").await;
    connected(&world).await;
    let id = vacancy(&world, loop_of_two(), &["Noor", "Mei", "Tomasz", "Ife"]).await;
    let input = PlanInput { vacancy: Some(id), days: Some(31), deadline: Some(5_000), ..PlanInput::default() };
    let plan = world.app.plan(&PlanInput { iterations: Some(3_000), ..input }).await.unwrap();
    assert!(plan.plan.plan.unplaced.is_empty() && plan.unknown.is_empty(), "{:?} {:?}", plan.plan.plan.unplaced, plan.unknown);
    assert_eq!(interviews(&world, id).await.len(), 0, "planned, not booked");
    world.approve(id).await;
    world.pass(60).await;
    let booked = interviews(&world, id).await;
    assert_eq!(booked.len(), 8);
    assert!(booked.iter().all(|interview| interview.state == InterviewState::Booked), "{booked:?}");
    let by_plan: BTreeSet<TimeRange> = plan.plan.plan.meetings.iter().filter_map(|meeting| plan.range(meeting)).collect();
    let found: BTreeSet<TimeRange> = booked.iter().map(|interview| interview.range).collect();
    assert_eq!(found, by_plan, "the plan that was shown is the one that is booked");
    // Everybody once at a time, rounds in order and on two days.
    for person in [ANA, BRUNO, CHANDRA] {
        let who = world.app.find_person(person).await.unwrap().id;
        let mut theirs: Vec<TimeRange> =
            booked.iter().filter(|interview| interview.panel().any(|sits| sits == who)).map(|interview| interview.range).collect();
        theirs.sort_by_key(|range| range.start());
        assert!(theirs.windows(2).all(|pair| !pair[0].overlaps(pair[1])), "{person} {theirs:?}");
    }
    let zone = Zone::new("America/New_York").unwrap();
    for pair in booked.chunks(2) {
        assert!(pair[0].range.end() <= pair[1].range.start());
        assert_ne!(zone.date(pair[0].range.start()), zone.date(pair[1].range.start()));
    }
    let why = world.app.placed_because(booked[0].id).await.unwrap();
    assert_eq!(why.by, "plan");
    let group = why.reasons["groups"][0].as_array().unwrap();
    assert_eq!(group.len(), 2);
    let sits = group.iter().filter(|member| member["code"] == "sits").count();
    assert_eq!(sits, 1, "{group:?}");
    assert!(why.reasons["earlier"]["too_few_people"].as_u64().unwrap() > 0, "{}", why.reasons);
    // Moved by somebody: the plan's reasons are no reasons any more.
    let recruiter = app::Caller { actor: domain::audit::Actor::Person("recruiter".into()), request: None };
    let mut moved = false;
    for hours in 1..24 * 14 {
        // The second round has only the first before it: any free time behind that will do.
        let later = booked[1].range.start().checked_add(jiff::SignedDuration::from_hours(hours)).unwrap();
        moved = world.app.move_interview(booked[1].id, later, None, false, &recruiter).await.is_ok();
        if moved {
            break;
        }
    }
    assert!(moved, "no other time in two weeks");
    assert_eq!(world.app.placed_because(booked[1].id).await.unwrap().by, "person");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_opening_friday_mornings_would_change_is_one_question_and_stores_nothing() {
    let world = World::new("plan-what-if").await;
    connected(&world).await;
    // Chandra works on Mondays only.
    let rules = r#"{"zone":"Asia/Kolkata","week":"mon 09:00-12:00","minimum_notice_minutes":60}"#;
    let person = PersonInput { email: CHANDRA.into(), rules: Some(serde_json::from_str(rules).unwrap()), ..PersonInput::default() };
    world.app.put_manager(person, &World::caller()).await.unwrap();
    let rounds = vec![round(60, vec![seats(Need::All, &[CHANDRA])], Gap::default())];
    let opening = Opening { people: vec![CHANDRA.into()], hours: "fri 09:00-12:00".parse().unwrap() };
    let before = world.everything().await.len();
    let mut input = counted(20, rounds);
    input.openings = vec![opening.clone()];
    input.days = Some(30);
    let view = world.app.plan(&input).await.unwrap();
    let (opened, change) = view.opened.as_ref().unwrap();
    // Three on each Monday, the first one being today before the notice is over or next week.
    let fridays = |side: &app::Side| {
        let zone = Zone::new("Asia/Kolkata").unwrap();
        let on = |meeting: &planner::Meeting| zone.date(meeting.start.start().unwrap()).weekday() == jiff::civil::Weekday::Friday;
        side.plan.meetings.iter().filter(|meeting| on(meeting)).count()
    };
    assert_eq!(fridays(&view.plan), 0);
    assert!(fridays(opened) >= 10, "{}", fridays(opened));
    assert!(opened.summary.guests_through() > view.plan.summary.guests_through());
    assert_eq!(change.gained.len(), opened.summary.guests_through() - view.plan.summary.guests_through());
    assert!(view.plan.plan.unplaced.iter().all(|round| round.why == planner::Why::Taken), "{:?}", view.plan.plan.unplaced);
    assert_eq!(world.everything().await.len(), before);
    let again = world.app.plan(&input).await.unwrap();
    assert_eq!(again.plan.plan.meetings, view.plan.plan.meetings, "the same question, the same plan");
    let stranger = Opening { people: vec![ANA.into()], ..opening };
    input.openings = vec![stranger];
    assert!(matches!(world.app.plan(&input).await, Err(app::Error::Invalid { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn load_is_spread_and_what_was_carried_before_counts() {
    let world = World::new("plan-load").await;
    connected(&world).await;
    let pool = vec![round(60, vec![seats(Need::Any, &[BRUNO, CHANDRA])], Gap::default())];
    let view = world.app.plan(&counted(12, pool.clone())).await.unwrap();
    let minutes: Vec<u64> = view.plan.summary.people.iter().map(|carried| carried.minutes).collect();
    assert_eq!(minutes.iter().sum::<u64>(), 12 * 60);
    assert!(minutes.iter().max().unwrap() - minutes.iter().min().unwrap() <= 240, "{minutes:?}");
    // Bruno has had three interviews of his own: they count against him.
    let own = world.vacancy_of(BRUNO, &["Noor", "Mei", "Tomasz"]).await;
    world.approve(own).await;
    world.pass(60).await;
    let view = world.app.plan(&counted(12, pool)).await.unwrap();
    let of = |email: &str| {
        let place = view.people.iter().position(|person| person.emails[0].to_string() == email).unwrap();
        view.plan.summary.people[place]
    };
    assert_eq!(of(BRUNO).before_minutes, 180);
    assert!(of(CHANDRA).minutes >= of(BRUNO).minutes, "{:?} {:?}", of(CHANDRA), of(BRUNO));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_cannot_be_meant_is_refused_and_who_is_unknown_sits_nowhere() {
    let world = World::new("plan-refused").await;
    connected(&world).await;
    let good = || counted(2, vec![round(60, vec![seats(Need::All, &[BRUNO])], Gap::default())]);
    let refused = [
        PlanInput { days: Some(0), ..good() },
        PlanInput { days: Some(1_000), ..good() },
        PlanInput { deadline: Some(0), ..good() },
        PlanInput { candidates: Some(Vec::new()), ..good() },
        PlanInput { candidates: Some(vec![None; 5_001]), ..good() },
        PlanInput { candidates: None, ..good() },
        PlanInput { rounds: None, ..good() },
        PlanInput { manager_email: None, ..good() },
        PlanInput { rounds: Some(vec![round(7, Vec::new(), Gap::default())]), ..good() },
        PlanInput { rounds: Some(vec![round(60, vec![seats(Need::AtLeast(3), &[ANA, BRUNO])], Gap::default())]), ..good() },
    ];
    for (number, input) in refused.into_iter().enumerate() {
        let answer = world.app.plan(&input).await;
        assert!(matches!(answer, Err(app::Error::Invalid { .. })), "{number}: {answer:?}");
    }
    let nobody =
        PlanInput { rounds: Some(vec![round(60, vec![seats(Need::All, &["nobody@example.com"])], Gap::default())]), ..good() };
    assert!(matches!(world.app.plan(&nobody).await, Err(app::Error::NotFound { .. })));
    // Five thousand of them is a bounded answer.
    let many =
        world.app.plan(&PlanInput { candidates: Some(vec![None; 5_000]), deadline: Some(500), iterations: None, ..good() }).await;
    let many = many.unwrap();
    assert_eq!(many.plan.plan.meetings.len() + many.plan.plan.unplaced.len(), 5_000);
    world.sim_post("revoke", serde_json::json!({"email": BRUNO})).await;
    world.sim_post("faults", serde_json::json!({"path": "/api/v1/calendars", "kind": "status", "status": 503, "times": 100})).await;
    world.clock.advance(120);
    let view = world.app.plan(&good()).await.unwrap();
    assert_eq!(view.unknown.len(), 1);
    assert!(view.plan.plan.meetings.is_empty() && view.plan.plan.unplaced.len() == 2);
}
