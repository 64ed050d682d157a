//! Grants that must not be lost, leaked or stampeded: the first ten pitfalls, budgets by the simulator's own count, races of two processes
//! on one database, and processes that are killed between a call and its commit.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use app::{App, ConnectView, GrantView, RefreshWhen};
use common::{Fuse, World};
use domain::{TimeRange, alerts::AlertKind, grants::GrantState, interviews::InterviewState, links::ConnectOutcome};
use jiff::SignedDuration;
use ports::{calendar::FailureClass, store::Page};
use serde_json::{Value, json};
use zoho_sim::{CallBudget, ExpiresIn, Rotation};

const ANA: &str = "ana@example.com";
const TOKEN: &str = "/oauth/v2/token";

/// Calls that reached a path of the simulator.
fn calls(world: &World, path: &str) -> usize {
    world.sim.with(|sim, _| sim.journal.requests().filter(|request| request.path.starts_with(path)).count())
}

/// Calls of the token endpoint itself: revocations have a longer path.
fn token_calls(world: &World) -> usize {
    world.sim.with(|sim, _| sim.journal.requests().filter(|request| request.path == TOKEN).count())
}

/// The most calls of the token endpoint in any ten minutes, by the simulator's clock.
fn densest_window(world: &World) -> usize {
    let at: Vec<i64> = world.sim.with(|sim, _| {
        let tokens =
            sim.journal.requests().filter(|request| request.path == TOKEN && request.body.contains("grant_type=refresh_token"));
        tokens.map(|request| request.at.as_second()).collect()
    });
    at.iter().map(|from| at.iter().filter(|other| (*from..from + 600).contains(other)).count()).max().unwrap_or(0)
}

async fn grant(world: &World) -> GrantView {
    world.app.managers(Page::first(1)).await.unwrap()[0].grant.clone().unwrap()
}

async fn alerts(world: &World) -> BTreeSet<AlertKind> {
    world.app.alerts(true, 50).await.unwrap().into_iter().map(|view| view.alert.kind).collect()
}

async fn actions(world: &World, subject: &str) -> Vec<String> {
    let mut trail: Vec<_> = world.app.trail(subject, 200).await.unwrap().into_iter().map(|entry| entry.action).collect();
    trail.reverse();
    trail
}

async fn refresh(app: &App) -> app::Result<app::RefreshOutcome> {
    app.refresh_now(ANA, &World::caller()).await
}

async fn is_active(world: &World) -> bool {
    world.app.status(ANA).await.unwrap().is_active
}

async fn fault(world: &World, fault: Value) {
    world.sim_post("faults", fault).await;
}

async fn connected(name: &str) -> World {
    let world = World::new(name).await;
    connect(&world).await;
    world
}

/// On SQLite, where the lease clock stands still with the others.
async fn connected_on_sqlite(name: &str) -> World {
    let world = World::with(name, Fuse::never()).await;
    connect(&world).await;
    world
}

async fn connect(world: &World) {
    world.vacancy(&["Noor"]).await;
    world.consent(ANA).await;
    world.drain().await;
    assert!(is_active(world).await);
}

/// A process that is killed after (or before) its first effect, which is a refresh; the power comes back at once.
async fn killed_in_a_refresh(world: &mut World, after: bool) {
    let fuse = if after { Fuse::at(usize::MAX, 1) } else { Fuse::at(1, usize::MAX) };
    world.restart(fuse).await;
    let app = world.app.clone();
    let dying = tokio::spawn(async move { refresh(&app).await });
    while !world.fuse.has_blown() {
        assert!(!dying.is_finished(), "the refresh ended without a call");
        tokio::task::yield_now().await;
    }
    // After it happened: the answer is there once the simulator has counted the call.
    let made = token_calls(world);
    while after && token_calls(world) == made && world.fuse.count() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    dying.abort();
    world.restart(Fuse::never()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_01_the_lease_of_a_killed_refresh_ends_by_itself() {
    let mut world = connected_on_sqlite("pitfall-01").await;
    killed_in_a_refresh(&mut world, false).await;
    let before = token_calls(&world);
    let app = world.app.clone();
    let waiting = tokio::spawn(async move { refresh(&app).await });
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert!(!waiting.is_finished() && token_calls(&world) == before, "nobody begins under the lease of another");
    world.clock.advance(61);
    assert!(waiting.await.unwrap().is_ok());
    assert_eq!(token_calls(&world), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_02_a_refresh_that_moves_nothing_is_a_failure_counted_and_told() {
    let world = connected("pitfall-02").await;
    let same = world.sim.with(|sim, _| {
        let access = sim.accounts.issued().iter().rfind(|issued| issued.kind == "access" && issued.email == ANA);
        access.unwrap().token.clone()
    });
    let answer = json!({"access_token": same, "expires_in": 3600, "token_type": "Bearer"});
    fault(&world, json!({"path": TOKEN, "kind": "json", "status": 200, "body": answer, "times": 2})).await;
    world.clock.advance(5);
    assert!(matches!(refresh(&world.app).await, Err(app::Error::Provider { class: FailureClass::Protocol, .. })));
    let once = grant(&world).await;
    assert_eq!((once.failures, once.last_failure.as_deref()), (1, Some("no_progress")));
    assert!(!alerts(&world).await.contains(&AlertKind::RefreshFailing), "one failure is no alert");
    world.clock.advance(5);
    assert!(refresh(&world.app).await.is_err());
    assert_eq!(grant(&world).await.failures, 2);
    assert!(alerts(&world).await.contains(&AlertKind::RefreshFailing), "two in a row are");
    world.pass(600).await;
    assert_eq!(grant(&world).await.failures, 0, "it goes on by itself");
    assert!(!alerts(&world).await.contains(&AlertKind::RefreshFailing));
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_03_a_rotated_token_is_what_is_sent_next_by_every_process() {
    let mut world = connected("pitfall-03").await;
    world.sim.with(|sim, _| sim.switches.rotate_refresh = Rotation::Strict);
    let second = world.second().await;
    for round in 0..6 {
        world.clock.advance(120);
        let app = if round % 2 == 0 { &world.app } else { &second };
        assert!(refresh(app).await.is_ok(), "round {round}");
    }
    world.restart(Fuse::never()).await;
    world.clock.advance(120);
    assert!(refresh(&world.app).await.is_ok(), "after a restart");
    assert_eq!(alerts(&world).await, BTreeSet::new());
    let strict = world.sim.with(|sim, _| sim.accounts.issued().iter().filter(|issued| issued.kind == "refresh").count());
    assert_eq!(strict, 8, "the first and one for each refresh");
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_04_an_answer_without_a_refresh_token_keeps_the_stored_one() {
    let world = connected("pitfall-04").await;
    for empty in [json!({}), json!({"refresh_token": ""}), json!({"refresh_token": null})] {
        let mut answer = json!({"access_token": format!("1000.{empty}"), "expires_in": 3600});
        answer.as_object_mut().unwrap().extend(empty.as_object().unwrap().clone());
        fault(&world, json!({"path": TOKEN, "kind": "json", "status": 200, "body": answer})).await;
        world.clock.advance(30);
        assert!(refresh(&world.app).await.is_ok(), "{answer}");
        world.clock.advance(30);
        assert!(refresh(&world.app).await.is_ok(), "the stored one still works after {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_05_an_unknown_life_is_short_and_a_401_refreshes_once() {
    let world = connected("pitfall-05").await;
    world.sim.with(|sim, _| sim.switches.expires_in = ExpiresIn::Omit);
    world.clock.advance(10);
    refresh(&world.app).await.unwrap();
    let left = grant(&world).await.expires_at.unwrap().as_second() - world.app.now().as_second();
    assert_eq!(left, 600, "not forever, and not an hour");
    let before = token_calls(&world);
    world.pass(3_600).await;
    let made = token_calls(&world) - before;
    assert!((6..=10).contains(&made), "{made} refreshes in an hour of ten-minute tokens");
    assert!(world.app.status(ANA).await.unwrap().has_valid_token);
    world.sim_post("expire", json!({"email": ANA})).await;
    let before = token_calls(&world);
    assert!(!world.app.calendar_list(ANA).await.unwrap().is_empty());
    assert_eq!(token_calls(&world) - before, 1, "one refresh on the first 401");
    assert_eq!(alerts(&world).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_06_the_loser_of_a_race_ends_nothing() {
    let world = connected_on_sqlite("pitfall-06").await;
    let second = world.second().await;
    for strict in [false, true] {
        if strict {
            world.sim.with(|sim, _| sim.switches.rotate_refresh = Rotation::Strict);
            world.clock.advance(700);
            refresh(&world.app).await.unwrap();
        }
        world.clock.advance(60);
        // The first process' request is on its way for so long that its lease ends; where tokens rotate, it is refused in the end.
        fault(&world, json!({"path": TOKEN, "kind": "slow", "ms": 1_500})).await;
        let before = token_calls(&world);
        let app = world.app.clone();
        let slow = tokio::spawn(async move { refresh(&app).await });
        while token_calls(&world) == before {
            tokio::task::yield_now().await;
        }
        world.clock.advance(61);
        refresh(&second).await.unwrap();
        assert_eq!(token_calls(&world), before + 2);
        slow.await.unwrap().unwrap();
        assert!(is_active(&world).await, "strict: {strict}");
        world.clock.advance(60);
        refresh(&second).await.unwrap();
        refresh(&world.app).await.unwrap();
        assert_eq!(alerts(&world).await, BTreeSet::new(), "strict: {strict}");
        assert_eq!(grant(&world).await.failures, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_after_the_end_was_believed_brings_the_permission_back() {
    let mut world = connected_on_sqlite("refresh-revived").await;
    world.sim.with(|sim, _| sim.switches.rotate_refresh = Rotation::Strict);
    world.clock.advance(60);
    refresh(&world.app).await.unwrap();
    let second = world.second().await;
    world.restart(Fuse::holding(1)).await;
    let before = token_calls(&world);
    let app = world.app.clone();
    let stopped = tokio::spawn(async move { refresh(&app).await });
    while token_calls(&world) == before {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    world.clock.advance(61);
    // What the other process sends was replaced in the answer that the stopped one holds.
    let asked = refresh(&second).await.unwrap();
    assert!(matches!(asked, app::RefreshOutcome::NeedsAuthorization { .. }), "{asked:?}");
    assert!(alerts(&world).await.contains(&AlertKind::RotationLost) && !is_active(&world).await);
    world.fuse.go.notify_one();
    stopped.await.unwrap().unwrap();
    assert!(is_active(&world).await);
    assert_eq!(alerts(&world).await, BTreeSet::new());
    world.clock.advance(60);
    refresh(&second).await.unwrap();
    let id = grant(&world).await.id.to_string();
    assert!(actions(&world, &id).await.contains(&"grant.revived".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_07_the_end_of_a_permission_stops_offering_asks_and_tells() {
    let world = World::new("pitfall-07").await;
    let id = world.booked(&["Noor"]).await;
    let booked = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    world.sim_post("revoke", json!({"email": ANA})).await;
    world.pass(4_000).await;
    assert!(!is_active(&world).await, "ended by itself, by the refresh ahead of the end");
    assert!(alerts(&world).await.contains(&AlertKind::AccessLost));
    let window = TimeRange::new(world.app.now(), world.app.now().checked_add(SignedDuration::from_hours(72)).unwrap()).unwrap();
    assert_eq!(world.app.availability(ANA, window, 60).await.unwrap().slots, Vec::<TimeRange>::new());
    let asked = async |kind: &str| world.mails(ANA).await.iter().filter(|known| *known == kind).count();
    assert_eq!(asked("fresh_permission_link").await, 1, "at once, without anyone asking");
    world.app.cancel_interview(booked.id, "the position was filled", None, false, &World::caller()).await.unwrap();
    world.pass(3 * 24 * 3_600).await;
    assert_eq!(asked("permission_request").await, 3, "once a day");
    world.pass(9 * 24 * 3_600).await;
    assert_eq!(asked("permission_request").await, 6, "with an end");
    assert_eq!(world.events(ANA).await.len(), 1, "the write waits");
    let grant = grant(&world).await;
    assert_eq!((grant.state, grant.data_centre.as_deref()), (GrantState::Dead, Some("us")), "the place stays");
    world.consent(ANA).await;
    world.pass(3_600).await;
    assert!(!alerts(&world).await.contains(&AlertKind::AccessLost));
    assert_eq!(world.events(ANA).await.len(), 0, "and is made up for");
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_08_no_mail_says_what_the_calendar_does_not_have() {
    let world = World::new("pitfall-08").await;
    let id = world.vacancy(&["Noor"]).await;
    world.consent(ANA).await;
    world.drain().await;
    fault(
        &world,
        json!({"path": "/api/v1/calendars/*/events", "method": "POST", "kind": "json", "status": 429, "body": {}, "times": 3}),
    )
    .await;
    world.approve(id).await;
    world.drain().await;
    let state = async || world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap().state;
    assert_eq!(state().await, InterviewState::Booking);
    assert_eq!(world.mails("noor@example.net").await, Vec::<String>::new());
    assert_eq!(world.events(ANA).await.len(), 0);
    world.pass(4 * 3_600).await;
    assert_eq!(state().await, InterviewState::Booked);
    assert_eq!(world.events(ANA).await.len(), 1);
    assert!(world.mails("noor@example.net").await.contains(&"candidate_booked".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_09_ten_refreshes_in_ten_minutes_and_throttled_is_not_revoked() {
    let world = connected("pitfall-09").await;
    let apps = [world.app.clone(), world.second().await];
    let before = token_calls(&world);
    let mut throttled = 0;
    for round in 0..40 {
        world.clock.advance(7);
        match refresh(&apps[round % 2]).await {
            Ok(_) => {}
            Err(app::Error::Throttled { retry_after }) => {
                assert!((1..=975).contains(&retry_after), "{retry_after}");
                throttled += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((token_calls(&world) - before, throttled), (10, 30), "two processes have one budget");
    assert!(alerts(&world).await.contains(&AlertKind::RefreshBudgetNearLimit), "told at four fifths");
    let view = grant(&world).await;
    assert_eq!((view.budget.used, view.budget.limit), (10, 10));
    // Should Zoho count otherwise than we do: whatever status and language it says it in.
    for (status, localised) in [(400, false), (200, false), (200, true)] {
        world.pass(1_000).await;
        world.sim.with(|sim, _| {
            sim.switches.rate_limit_status = status;
            sim.switches.rate_limit_localised = localised;
        });
        fault(&world, json!({"path": TOKEN, "kind": if localised { "localised" } else { "throttled" }, "times": 1})).await;
        let answer = refresh(&world.app).await;
        assert!(matches!(answer, Err(app::Error::Throttled { .. })), "{status} {localised}: {answer:?}");
        let calls = token_calls(&world);
        assert!(refresh(&apps[1]).await.is_err());
        assert_eq!(token_calls(&world), calls, "nobody asks during the pause");
        assert!(is_active(&world).await);
        world.pass(1_000).await;
        assert!(refresh(&world.app).await.is_ok(), "{status} {localised}");
    }
    assert!(densest_window(&world) <= 10, "{}", densest_window(&world));
}

#[tokio::test(flavor = "multi_thread")]
async fn pitfall_10_replaced_refresh_tokens_are_given_back_and_counted_where_they_are_not() {
    let world = connected("pitfall-10").await;
    let person = world.app.managers(Page::first(1)).await.unwrap()[0].person.id;
    let again = async || {
        world.app.disconnect(person, &World::caller()).await.unwrap();
        world.consent(ANA).await;
        world.drain().await;
        world.clock.advance(700);
        world.drain().await;
        assert!(is_active(&world).await);
    };
    for _ in 0..4 {
        again().await;
    }
    assert_eq!(calls(&world, "/oauth/v2/token/revoke"), 4, "each old one was given back");
    assert_eq!(alerts(&world).await, BTreeSet::new());
    // The provider does not take them back any more.
    fault(&world, json!({"path": "/oauth/v2/token/revoke", "kind": "json", "status": 400, "body": {"error": "Access Denied", "status": "failure"}, "times": 100_000})).await;
    for _ in 0..16 {
        again().await;
    }
    assert!(!alerts(&world).await.contains(&AlertKind::RefreshTokensNearLimit), "17 of 20");
    again().await;
    assert!(alerts(&world).await.contains(&AlertKind::RefreshTokensNearLimit), "18 of 20");
    world.sim.with(|sim, _| sim.faults.clear());
    world.pass(24 * 3_600).await;
    for job in world.app.dead_jobs(50).await.unwrap() {
        world.app.retry_job(job.id, &World::caller()).await.unwrap();
    }
    world.pass(60).await;
    assert!(!alerts(&world).await.contains(&AlertKind::RefreshTokensNearLimit), "given back after all");
    assert!(is_active(&world).await);
    refresh(&world.app).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_callers_in_each_of_two_processes_make_one_call() {
    let world = connected("refresh-race").await;
    let apps = [world.app.clone(), world.second().await];
    for round in 1..=3 {
        world.clock.advance(60);
        // Long enough for everybody to arrive while it is under way.
        fault(&world, json!({"path": TOKEN, "kind": "slow", "ms": 700})).await;
        let before = token_calls(&world);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..20 {
            let app = apps[number % 2].clone();
            tasks.spawn(async move { refresh(&app).await.map_err(|error| error.to_string()) });
        }
        while let Some(refreshed) = tasks.join_next().await {
            refreshed.unwrap().unwrap();
        }
        assert_eq!(token_calls(&world) - before, 1, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loop_on_three_nodes_stays_within_the_budget() {
    let mut world = connected_on_sqlite("refresh-crash-loop").await;
    // Leases that are over before the next node starts, so that only the budget can hold them back.
    world.choices.timing =
        app::Timing { refresh_lease: std::time::Duration::from_secs(1), movable: false, ..app::Timing::default() };
    let before = token_calls(&world);
    let mut refused = 0;
    for round in 0..40 {
        world.choices.skew_seconds = [0, 300, -300][round % 3];
        let fuse = if round % 2 == 0 { Fuse::at(usize::MAX, 1) } else { Fuse::at(1, usize::MAX) };
        world.restart(fuse).await;
        let app = world.app.clone();
        let dying = tokio::spawn(async move { refresh(&app).await });
        loop {
            if world.fuse.has_blown() {
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
                dying.abort();
                break;
            }
            if dying.is_finished() {
                assert!(matches!(dying.await.unwrap(), Err(app::Error::Throttled { .. })));
                refused += 1;
                break;
            }
            tokio::task::yield_now().await;
        }
        world.clock.advance(12);
    }
    assert_eq!(refused, 30, "ten attempts in 480 s, whether they reached the provider or not");
    assert!(token_calls(&world) - before <= 10);
    world.choices.skew_seconds = 0;
    world.restart(Fuse::never()).await;
    world.clock.advance(675);
    assert!(refresh(&world.app).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_five_minutes_apart_share_one_budget_and_one_life() {
    let mut world = connected_on_sqlite("refresh-skew").await;
    world.choices.timing.movable = false;
    world.restart(Fuse::never()).await;
    let mut apps = vec![world.app.clone()];
    for skew in [300, -300] {
        world.choices.skew_seconds = skew;
        apps.push(world.second().await);
    }
    let (mut refreshed, mut refused) = (0, 0);
    for round in 0..240 {
        world.clock.advance(10);
        match refresh(&apps[round % 3]).await {
            Ok(_) => refreshed += 1,
            Err(app::Error::Throttled { .. }) => refused += 1,
            Err(error) => panic!("round {round}: {error}"),
        }
    }
    assert_eq!(refreshed + refused, 240);
    assert!((35..=40).contains(&refreshed), "{refreshed} in forty minutes");
    assert_eq!(densest_window(&world), 10);
    assert_eq!(grant(&world).await.last_failure, None, "an answer is progress whoever's clock is behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_call_and_commit_a_token_that_does_not_rotate_is_not_lost() {
    let mut world = connected_on_sqlite("refresh-killed").await;
    for _ in 0..3 {
        killed_in_a_refresh(&mut world, true).await;
        world.clock.advance(61);
        assert!(refresh(&world.app).await.is_ok());
    }
    assert!(is_active(&world).await);
    assert_eq!(alerts(&world).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_call_and_commit_a_strict_rotation_is_named_and_the_manager_asked_at_once() {
    let mut world = connected_on_sqlite("refresh-killed-strict").await;
    world.sim.with(|sim, _| sim.switches.rotate_refresh = Rotation::Strict);
    world.clock.advance(60);
    refresh(&world.app).await.unwrap();
    killed_in_a_refresh(&mut world, true).await;
    let id = grant(&world).await.id.to_string();
    assert!(is_active(&world).await, "nothing is known yet");
    world.clock.advance(61);
    let asked = refresh(&world.app).await.unwrap();
    assert!(matches!(asked, app::RefreshOutcome::NeedsAuthorization { .. }), "{asked:?}");
    let lasting = alerts(&world).await;
    assert!(lasting.contains(&AlertKind::RotationLost) && lasting.contains(&AlertKind::AccessLost), "{lasting:?}");
    let trail = actions(&world, &id).await;
    assert_eq!(trail.iter().filter(|action| *action == "grant.rotation_lost").count(), 1, "{trail:?}");
    world.drain().await;
    assert!(world.mails(ANA).await.contains(&"fresh_permission_link".to_owned()), "at once");
    world.consent(ANA).await;
    world.drain().await;
    assert!(is_active(&world).await);
    assert_eq!(alerts(&world).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_answer_only_the_standard_word_of_a_provider_that_rotates_is_believed_at_once() {
    // Killed before the call arrived: the token that is stored works, whatever one bad answer says next.
    for (name, rotation, word) in [
        ("refresh-word-rotating", Rotation::Strict, "invalid_code"),
        ("refresh-word-grace", Rotation::Grace, "invalid_code"),
        ("refresh-word-keeping", Rotation::Never, "invalid_grant"),
        ("refresh-word-zoho", Rotation::Never, "invalid_code"),
    ] {
        let mut world = connected_on_sqlite(name).await;
        world.sim.with(|sim, _| sim.switches.rotate_refresh = rotation);
        world.clock.advance(60);
        refresh(&world.app).await.unwrap();
        killed_in_a_refresh(&mut world, false).await;
        world.clock.advance(61);
        fault(&world, json!({"path": TOKEN, "kind": "json", "status": 400, "body": {"error": word}})).await;
        assert!(matches!(refresh(&world.app).await, Err(app::Error::Provider { class: FailureClass::Revoked, .. })), "{name}");
        assert!(is_active(&world).await, "{name}: one bad answer ends nothing");
        world.clock.advance(61);
        refresh(&world.app).await.unwrap();
        assert_eq!(alerts(&world).await, BTreeSet::new(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_not_yet_known_to_rotate_is_believed_when_it_refuses_twice() {
    let mut world = connected_on_sqlite("refresh-unknown-rotation").await;
    world.sim.with(|sim, _| sim.switches.rotate_refresh = Rotation::Strict);
    // The first refresh of all: its answer, which would have said that the provider rotates, is lost.
    killed_in_a_refresh(&mut world, true).await;
    world.clock.advance(61);
    assert!(matches!(refresh(&world.app).await, Err(app::Error::Provider { class: FailureClass::Revoked, .. })));
    assert!(is_active(&world).await, "once");
    world.clock.advance(61);
    let asked = refresh(&world.app).await.unwrap();
    assert!(matches!(asked, app::RefreshOutcome::NeedsAuthorization { .. }), "{asked:?}");
    let lasting = alerts(&world).await;
    assert!(lasting.contains(&AlertKind::RotationLost) && lasting.contains(&AlertKind::AccessLost), "{lasting:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_held_up_beyond_its_lease_makes_no_call() {
    let mut world = connected_on_sqlite("refresh-held-up").await;
    // A lease that is over when it is taken: as if the process had been stopped between its first commit and the call.
    world.choices.timing = app::Timing { refresh_lease: std::time::Duration::ZERO, movable: false, ..app::Timing::default() };
    world.restart(Fuse::never()).await;
    let before = token_calls(&world);
    assert!(matches!(refresh(&world.app).await, Err(app::Error::Provider { class: FailureClass::Passing, .. })));
    assert_eq!(token_calls(&world), before, "it would arrive when it is counted no longer");
    world.choices.timing = app::Timing::default();
    world.restart(Fuse::never()).await;
    refresh(&world.app).await.unwrap();
    assert_eq!(token_calls(&world), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_previous_token_is_sent_in_a_documented_grace_and_otherwise_after_two_refusals() {
    let mut world = connected_on_sqlite("refresh-grace").await;
    world.sim.with(|sim, _| sim.switches.rotate_refresh = Rotation::Grace);
    for grace in [Some(300), None] {
        world.choices.grace = grace;
        world.restart(Fuse::never()).await;
        world.clock.advance(120);
        refresh(&world.app).await.unwrap();
        world.clock.advance(20);
        let refused = json!({"path": TOKEN, "kind": "json", "status": 200, "body": {"error": "invalid_code"}});
        let before = token_calls(&world);
        fault(&world, refused.clone()).await;
        if grace.is_some() {
            refresh(&world.app).await.unwrap();
            assert_eq!(token_calls(&world) - before, 2, "the newer, then the one before it");
        } else {
            assert!(refresh(&world.app).await.is_err());
            assert_eq!(token_calls(&world) - before, 1, "nothing else is tried after one refusal");
            fault(&world, refused).await;
            world.clock.advance(61);
            refresh(&world.app).await.unwrap();
            assert_eq!(token_calls(&world) - before, 3, "after the second");
        }
        // What came of it is now the newest record.
        world.clock.advance(20);
        refresh(&world.app).await.unwrap();
        assert_eq!(alerts(&world).await, BTreeSet::new());
        assert_eq!(
            grant(&world).await.budget.used,
            u32::try_from(token_calls(&world) - before).unwrap() + 1,
            "every call is counted"
        );
        world.clock.advance(1_000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_centre_that_fails_is_left_alone_by_every_process_until_a_probe_passes() {
    let world = connected("circuit").await;
    let second = world.second().await;
    fault(&world, json!({"path": "/api/v1", "kind": "status", "status": 503, "times": 100_000})).await;
    let before = calls(&world, "/api/v1");
    for _ in 0..5 {
        assert!(world.app.calendar_list(ANA).await.is_err());
    }
    assert_eq!(calls(&world, "/api/v1") - before, 5);
    assert!(alerts(&world).await.contains(&AlertKind::CircuitOpen));
    for app in [&world.app, &second, &world.app, &second] {
        assert!(matches!(app.calendar_list(ANA).await, Err(app::Error::Provider { class: FailureClass::Passing, .. })));
        assert!(refresh(app).await.is_err());
    }
    assert_eq!((calls(&world, "/api/v1") - before, token_calls(&world)), (5, 1), "nobody calls");
    assert_eq!(world.app.shut_gates(10).await.unwrap().len(), 1);
    // Due again: one probe, which fails; then the pause is longer.
    world.clock.advance(331);
    let together = tokio::join!(world.app.calendar_list(ANA), second.calendar_list(ANA), world.app.calendar_list(ANA));
    assert!(together.0.is_err() && together.1.is_err() && together.2.is_err());
    assert_eq!(calls(&world, "/api/v1") - before, 6, "one probe");
    world.sim.with(|sim, _| sim.faults.clear());
    assert!(world.app.calendar_list(ANA).await.is_err(), "not yet");
    world.clock.advance(361);
    assert!(second.calendar_list(ANA).await.is_ok(), "the probe passes");
    assert!(world.app.calendar_list(ANA).await.is_ok());
    assert_eq!(alerts(&world).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_sense_are_told_and_repeated() {
    let world = connected("protocol").await;
    fault(&world, json!({"path": "/api/v1/calendars", "kind": "html200", "times": 3})).await;
    for _ in 0..3 {
        assert!(matches!(world.app.calendar_list(ANA).await, Err(app::Error::Provider { class: FailureClass::Protocol, .. })));
    }
    assert_eq!(alerts(&world).await, BTreeSet::from([AlertKind::ProtocolFailure]));
    assert!(world.app.calendar_list(ANA).await.is_ok());
    assert_eq!(alerts(&world).await, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_asks_for_a_pause_gets_it() {
    let world = connected("calendar-429").await;
    world.sim.with(|sim, _| {
        sim.switches.calendar_budget = Some(CallBudget { calls: 3, per_s: 60, lock_s: 240 });
        sim.switches.retry_after = true;
    });
    world.clock.advance(120);
    let before = calls(&world, "/api/v1");
    let mut waits = BTreeSet::new();
    for _ in 0..10 {
        match world.app.calendar_list(ANA).await {
            Ok(_) => {}
            Err(app::Error::Throttled { retry_after }) => drop(waits.insert(retry_after)),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(calls(&world, "/api/v1") - before, 4, "three that were allowed, and the one that was refused");
    assert!(waits.iter().all(|wait| (230..=240).contains(wait)), "{waits:?}");
    assert!(refresh(&world.app).await.is_ok(), "Accounts has not asked for anything");
    world.clock.advance(541);
    assert!(world.app.calendar_list(ANA).await.is_ok());
    assert_eq!(world.app.shut_gates(10).await.unwrap(), Vec::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_once_and_ends_no_permission() {
    let world = connected("misconfigured").await;
    let wrong = json!({"path": TOKEN, "kind": "json", "status": 200, "body": {"error": "invalid_client_secret"}, "times": 100_000});
    fault(&world, wrong).await;
    world.pass(24 * 3_600).await;
    assert!(is_active(&world).await);
    assert!(alerts(&world).await.contains(&AlertKind::Misconfigured));
    let told = actions(&world, "zoho:us").await.into_iter().filter(|action| action == "alert.raised").count();
    assert_eq!(told, 1, "once, however often it fails");
    assert_eq!(world.mails(ANA).await.iter().filter(|kind| *kind == "fresh_permission_link").count(), 0);
    world.sim.with(|sim, _| sim.faults.clear());
    world.pass(2 * 3_600).await;
    assert_eq!(alerts(&world).await, BTreeSet::new());
    assert!(world.app.status(ANA).await.unwrap().has_valid_token);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_wait_for_an_administrator_are_refreshed_by_the_protocol() {
    let world = World::new("refresh-pending").await;
    world.vacancy(&["Noor"]).await;
    world.consent_as(ANA, "bruno@example.com").await;
    world.pass(2 * 3_600).await;
    let id = grant(&world).await.id;
    let before = token_calls(&world);
    fault(&world, json!({"path": TOKEN, "kind": "slow", "ms": 500})).await;
    let second = world.second().await;
    let caller = World::caller();
    let (one, two) = tokio::join!(world.app.decide_pending(id, true, &caller), second.decide_pending(id, true, &caller));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|decided| **decided).count(), 1, "{one:?} {two:?}");
    assert_eq!(token_calls(&world) - before, 1, "one refresh for both");
    assert!(is_active(&world).await);
    let view = grant(&world).await;
    assert_eq!((view.data_centre.as_deref(), view.budget.used), (Some("eu"), 1), "what was counted stays counted");
    world.clock.advance(60);
    assert!(refresh(&world.app).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_from_another_data_centre_waits_and_the_place_stays() {
    let world = connected("data-centre").await;
    let person = world.app.managers(Page::first(1)).await.unwrap()[0].person.id;
    world.app.disconnect(person, &World::caller()).await.unwrap();
    world.drain().await;
    let gone = grant(&world).await;
    assert_eq!((gone.state, gone.data_centre.as_deref()), (GrantState::Disconnected, Some("us")));
    let token = world.consent_as(ANA, "bruno@example.com").await;
    world.drain().await;
    let outcome: ConnectView = world.app.connect_page(&token).await.unwrap();
    assert_eq!(outcome.outcome, ConnectOutcome::AwaitingAdministrator);
    let waiting = grant(&world).await;
    assert_eq!((waiting.data_centre.as_deref(), waiting.has_valid_token), (Some("us"), false));
    assert!(!is_active(&world).await);
    world.consent(ANA).await;
    world.drain().await;
    assert!(is_active(&world).await, "the account that was pinned needs nobody");
    assert_eq!(grant(&world).await.data_centre.as_deref(), Some("us"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_installation_refreshes_for_work_and_once_a_day() {
    let mut world = connected("refresh-due").await;
    world.choices.refresh = RefreshWhen::Due;
    world.restart(Fuse::never()).await;
    world.clock.advance(60);
    refresh(&world.app).await.unwrap();
    let before = token_calls(&world);
    for _ in 0..5 {
        world.pass(24 * 3_600).await;
        assert!(world.app.status(ANA).await.unwrap().has_valid_token, "it can be had at any time");
    }
    let made = token_calls(&world) - before;
    assert!((5..=6).contains(&made), "{made} in five days without work");
    let before = token_calls(&world);
    assert!(world.app.calendar_list(ANA).await.is_ok(), "refreshed when it is needed");
    assert!(token_calls(&world) - before <= 1);
    // A permission that ended is noticed within a day although nobody works with it.
    world.sim_post("revoke", json!({"email": ANA})).await;
    world.pass(26 * 3_600).await;
    assert!(!is_active(&world).await);
}
