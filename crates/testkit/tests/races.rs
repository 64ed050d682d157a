//! Many at once for one manager, in two processes on one database: nobody gets two interviews at the same time.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests; one reads how long it is to run")]

mod common;

use std::collections::BTreeSet;

use app::{App, CandidateInput, PersonInput, PlaceInput, VacancyInput};
use common::World;
use domain::{
    Id, TimeRange,
    candidacies::Candidacy,
    interviews::{Interview, InterviewState},
    vacancies::{Policy, Scheduling, Vacancy},
};
use jiff::SignedDuration;
use serde_json::json;

const RACERS: usize = 64;

async fn drain_together(apps: &[App]) {
    let mut tasks = tokio::task::JoinSet::new();
    for app in apps.iter().cycle().take(8) {
        let app = app.clone();
        tasks.spawn(async move { app.drain(10_000).await.unwrap() });
    }
    while let Some(ran) = tasks.join_next().await {
        ran.unwrap();
    }
}

async fn interviews(world: &World) -> Vec<Interview> {
    let from = world.app.now();
    let window = TimeRange::new(from, from.checked_add(SignedDuration::from_hours(24 * 60)).unwrap()).unwrap();
    world.app.interviews_between(window).await.unwrap().into_iter().map(|view| view.interview).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn vacancies_of_one_manager_arranged_at_once_never_overlap() {
    let world = World::new("race-arrange").await;
    world.consent("ana@example.com").await;
    world.drain().await;
    let mut vacancies = Vec::new();
    for number in 0..24 {
        vacancies.push(world.vacancy(&[&format!("candidate{number}")]).await);
    }
    for id in vacancies {
        world.approve(id).await;
    }
    let apps = [world.app.clone(), world.second().await];
    for _ in 0..20 {
        drain_together(&apps).await;
        world.clock.advance(60);
    }
    let all = interviews(&world).await;
    assert_eq!(all.len(), 24);
    assert!(all.iter().all(|interview| interview.state == InterviewState::Booked));
    let mut starts: Vec<_> = all.iter().map(|interview| interview.range).collect();
    starts.sort();
    assert!(starts.windows(2).all(|pair| !pair[0].overlaps(pair[1])), "{starts:?}");
    assert_eq!(world.events("ana@example.com").await.len(), 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_moves_to_one_time_have_one_winner() {
    let world = World::new("race-move").await;
    let names: Vec<_> = (0..RACERS).map(|number| format!("candidate{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    world.booked(&names).await;
    let all = interviews(&world).await;
    assert_eq!(all.len(), RACERS);
    // A free hour after the last of them.
    let last = all.iter().map(|interview| interview.range.end()).max().unwrap();
    let target = free_hour(&world, last).await;
    let apps = [world.app.clone(), world.second().await];
    let mut tasks = tokio::task::JoinSet::new();
    for (number, interview) in all.iter().enumerate() {
        let (app, id): (App, Id<Interview>) = (apps[number % 2].clone(), interview.id);
        tasks.spawn(async move { app.move_interview(id, target.start(), None, false, &World::caller()).await.is_ok() });
    }
    let mut winners = 0;
    while let Some(won) = tasks.join_next().await {
        winners += usize::from(won.unwrap());
    }
    assert_eq!(winners, 1);
    world.pass(120).await;
    let after = interviews(&world).await;
    assert_eq!(after.iter().filter(|interview| interview.range.overlaps(target)).count(), 1);
    let distinct: BTreeSet<_> = after.iter().map(|interview| interview.range.start()).collect();
    assert_eq!(distinct.len(), RACERS);
}

async fn free_hour(world: &World, after: domain::Timestamp) -> TimeRange {
    let window = TimeRange::new(after, after.checked_add(SignedDuration::from_hours(24 * 7)).unwrap()).unwrap();
    world.app.availability("ana@example.com", window, 60).await.unwrap().slots[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn two_racers_at_different_hours_with_a_daily_limit_of_one_get_different_days() {
    let world = World::new("race-limit").await;
    let rules = json!({"zone": "America/New_York", "daily_limit": 1});
    let ana = PersonInput {
        email: "ana@example.com".into(),
        name: Some("Ana Diaz".into()),
        rules: Some(rules),
        ..PersonInput::default()
    };
    world.app.put_manager(ana, &World::caller()).await.unwrap();
    world.booked(&["Noor", "Mei"]).await;
    let all = interviews(&world).await;
    let free = |index: usize| all[index].range.start();
    assert_ne!(free(0).as_second() / 86_400, free(1).as_second() / 86_400);
    // Both want the same third day, at different hours.
    let third = all[1].range.start().checked_add(SignedDuration::from_hours(24)).unwrap();
    let later = third.checked_add(SignedDuration::from_hours(3)).unwrap();
    let (one, two) = (world.app.clone(), world.second().await);
    let caller = World::caller();
    let (first, second) = tokio::join!(
        one.move_interview(all[0].id, third, None, false, &caller),
        two.move_interview(all[1].id, later, None, false, &caller)
    );
    assert_eq!([first.is_ok(), second.is_ok()].iter().filter(|won| **won).count(), 1, "{:?} {:?}", first.err(), second.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_callers_in_two_processes_share_one_refresh() {
    let world = World::new("race-refresh").await;
    world.booked(&["Noor"]).await;
    let calls = async || {
        let journal: serde_json::Value = world.sim_get("journal?path=/oauth/v2/token").await;
        journal.to_string().matches("/oauth/v2/token").count()
    };
    let before = calls().await;
    let apps = [world.app.clone(), world.second().await];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..10 {
        let (app, clock) = (apps[number % 2].clone(), world.clock.clone());
        tasks.spawn(async move {
            // Time goes on between two callers, as it does outside of tests.
            clock.advance(1);
            app.refresh_now("ana@example.com", &World::caller()).await.map_err(|error| error.to_string())
        });
    }
    while let Some(refreshed) = tasks.join_next().await {
        refreshed.unwrap().unwrap();
    }
    let made = calls().await - before;
    // Those who begin while one is under way share it; one who begins after its end makes another.
    assert!((1..=5).contains(&made), "{made} refreshes for ten callers");
    assert!(world.app.status("ana@example.com").await.unwrap().has_valid_token);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refresh_budget_is_never_exceeded_however_often_somebody_asks() {
    let world = World::new("race-budget").await;
    world.booked(&["Noor"]).await;
    let mut throttled = 0;
    for _ in 0..30 {
        match world.app.refresh_now("ana@example.com", &World::caller()).await {
            Ok(_) => world.clock.advance(2),
            Err(app::Error::Throttled { retry_after }) => {
                assert!(retry_after > 0 && retry_after <= 975);
                throttled += 1;
            }
            Err(error) => unreachable!("{error}"),
        }
    }
    assert!(throttled >= 20, "ten refreshes in ten minutes, not more: {throttled} refused");
    let grant = world.app.managers(ports::store::Page::first(1)).await.unwrap()[0].grant.clone().unwrap();
    assert_eq!(grant.last_failure, None, "the provider never had to refuse");
    world.pass(1_000).await;
    assert!(world.app.refresh_now("ana@example.com", &World::caller()).await.is_ok());
}

/// Who acts in the test below: a person on one vacancy, by their link and by the API.
struct Actor {
    token: String,
    place: Id<Candidacy>,
}

/// One command of somebody's, chosen by `dice`; what it answers is of no matter, only what is left at the end.
async fn act(app: &App, actor: &Actor, dice: u64) {
    let caller = World::caller();
    let times = app.choice_offers(&actor.token).await.map(|offers| offers.times).unwrap_or_default();
    // Few times for many people: the first ones are wanted by everybody.
    let wanted = usize::try_from(dice >> 8).unwrap() % times.len().clamp(1, 6);
    let Some(start) = times.get(wanted).map(|time| time.start()) else { return };
    let hold = app::HoldInput { start, minutes: Some(i64::try_from(dice % 7).unwrap() + 1) };
    let refused = match dice % 8 {
        0 | 1 => app.hold(actor.place, 1, hold, false, &caller).await.err(),
        2 | 3 => app.confirm_hold(actor.place, 1, None, false, &caller).await.err(),
        4 => app.choose(&actor.token, start, None).await.err(),
        5 => app.choice_move(&actor.token, start).await.err(),
        6 => app.release_hold(actor.place, 1, &caller).await.err(),
        _ => {
            let cancelled = app.choice_cancel(&actor.token, "").await.err();
            // Asked anew, they pick again.
            let asked = app.ask_to_choose(actor.place, 1, false, &caller).await.err();
            cancelled.or(asked)
        }
    };
    let expected = [
        "time_not_available",
        "already_chosen",
        "no_hold",
        "not_found",
        "conflict",
        "too_late",
        "interview_cancelled",
        "calendar_unknown",
    ];
    assert!(refused.as_ref().is_none_or(|error| expected.contains(&error.code())), "{refused:?}");
}

/// Holds, confirmations, picks, moves and cancellations of fifty people in three processes at once; afterwards claims, interviews and the
/// calendar agree exactly. `GREENROOM_RACE_COMMANDS` makes it longer.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_twice_whatever_fifty_people_do_at_once() {
    let commands: u64 = std::env::var("GREENROOM_RACE_COMMANDS").map_or(600, |text| text.parse().unwrap());
    let world = World::new("race-choices").await;
    world.consent("ana@example.com").await;
    world.drain().await;
    let candidates = (0..50).map(|number| CandidateInput {
        name: format!("Candidate {number}"),
        email: format!("candidate{number}@example.net"),
        ..CandidateInput::default()
    });
    let input = VacancyInput {
        title: "Platform engineer".into(),
        manager_email: "ana@example.com".into(),
        place: Some(PlaceInput::Url("https://meet.example.com/room".into())),
        policy: Some(Policy { scheduling: Scheduling::Candidate, change_notice_hours: 0, ..Policy::default() }),
        candidates: candidates.collect(),
        ..VacancyInput::default()
    };
    let vacancy = world.app.create_vacancy(input, &World::caller()).await.unwrap().vacancy.id;
    world.approve(vacancy).await;
    world.drain().await;
    let mut actors = Vec::new();
    for item in world.app.vacancy(vacancy).await.unwrap().shortlist {
        let page = world.app.choice(item.candidacy.id, 1).await.unwrap().page.unwrap();
        let token = page.path_segments().unwrap().next_back().unwrap().to_owned();
        actors.push(Actor { token, place: item.candidacy.id });
    }
    let actors = std::sync::Arc::new(actors);
    let apps = [world.app.clone(), world.second().await, world.beside(3, |_| (), &testkit::PostBox::default()).await];
    let mut dice: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut done = 0;
    while done < commands {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..24 {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let (app, actors, roll) = (apps[usize::try_from(dice % 3).unwrap()].clone(), std::sync::Arc::clone(&actors), dice);
            tasks.spawn(async move {
                Box::pin(act(&app, &actors[usize::try_from(roll >> 20).unwrap() % actors.len()], roll >> 3)).await;
            });
            done += 1;
        }
        // The workers write to the calendar while people go on.
        let worker = apps[usize::try_from(done % 3).unwrap()].clone();
        tasks.spawn(async move {
            worker.drain(40).await.unwrap();
        });
        while let Some(ran) = tasks.join_next().await {
            ran.unwrap();
        }
        world.clock.advance(20);
    }
    // Every hold ends; what is booked is written.
    world.clock.advance(600);
    for _ in 0..5 {
        drain_together(&apps).await;
        world.clock.advance(61);
    }
    agree(&world, vacancy).await;
}

/// Claims that have not ended, interviews and the events of the calendar are the same times.
async fn agree(world: &World, vacancy: Id<Vacancy>) {
    let live: Vec<Interview> =
        interviews(world).await.into_iter().filter(|interview| interview.state != InterviewState::Cancelled).collect();
    assert!(live.len() > 5, "{}", live.len());
    for interview in &live {
        assert!(interview.state == InterviewState::Booked && interview.is_settled(), "{interview:?}");
        assert_eq!(interview.event.as_ref().map(|event| event.written), Some(interview.range));
    }
    let mut ranges: Vec<_> = live.iter().map(|interview| interview.range).collect();
    ranges.sort();
    assert!(ranges.windows(2).all(|pair| !pair[0].overlaps(pair[1])), "{ranges:?}");
    // Each candidate has one at most, and it is the one of their choice.
    let shortlist = world.app.vacancy(vacancy).await.unwrap().shortlist;
    for item in &shortlist {
        let of = live.iter().filter(|interview| interview.candidacy == item.candidacy.id).map(|interview| interview.id);
        let chosen = item.choice.as_ref().and_then(|choice| choice.interview);
        let chosen = chosen.filter(|id| live.iter().any(|interview| interview.id == *id));
        assert_eq!(of.collect::<Vec<_>>(), chosen.into_iter().collect::<Vec<_>>());
    }
    let cell = |at: domain::Timestamp| at.as_second() / 300;
    let mut wanted = BTreeSet::new();
    for interview in &live {
        for participant in &interview.participants {
            let cells = cell(interview.range.start())..cell(interview.range.end());
            wanted.extend(cells.map(|cell| (participant.person.to_string(), cell, interview.id.to_string())));
        }
    }
    let claims = world.everything().await.into_iter().filter(|(table, _)| table == "claims");
    let held: BTreeSet<_> = claims.filter_map(|(_, row)| lasting_claim(&row)).collect();
    assert_eq!(held, wanted, "claims and interviews");
    let events = world.events("ana@example.com").await;
    assert_eq!(events.len(), live.len(), "calendar and interviews");
}

/// Holder, cell and interview of a claim that does not end by itself, from a row as either engine shows it.
fn lasting_claim(row: &str) -> Option<(String, i64, String)> {
    let plain = row.trim_matches(['(', ')']);
    let mut parts = plain.split([',', '|']);
    let (holder, cell, interview) = (parts.next()?.to_owned(), parts.next()?.parse().ok()?, parts.next()?.to_owned());
    let ends = parts.nth(1).is_some_and(|text| !text.is_empty());
    (!ends).then_some((holder, cell, interview))
}
