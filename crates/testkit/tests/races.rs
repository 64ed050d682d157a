//! Many at once for one manager, in two processes on one database: nobody gets two interviews at the same time.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use app::{App, PersonInput};
use common::World;
use domain::{
    Id, TimeRange,
    interviews::{Interview, InterviewState},
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
