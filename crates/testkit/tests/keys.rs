//! Keys over their whole life: rotating under load, stopping in the middle, retiring, losing; and seals that were moved.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::{Arc, Mutex};

use app::{App, Error};
use common::{Fuse, SharedKeys, World};
use domain::{
    Id, Timestamp,
    alerts::AlertKind,
    grants::{Grant, GrantState, RefreshRecord, SealedTokens},
    links::Purpose,
};
use ports::{
    Change, Put, Store,
    change::{JobStep, Scope},
    store::{CommitError, Page},
};
use serde_json::Value;
use testkit::SeededEntropy;
use vault::{Context, Key, KeyId, KeyRing, Sealed, open, seal};

const ANA: &str = "ana@example.com";
const BRUNO: &str = "bruno@example.com";

fn key(id: &str) -> KeyId {
    id.parse().unwrap()
}

/// Another key at the end of the place where keys are read from.
fn add(keys: &SharedKeys, id: &str, byte: u8) {
    keys.0.lock().unwrap().add(key(id), Key::from_bytes([byte; 32])).unwrap();
}

/// The same place without some keys.
fn without(keys: &SharedKeys, id: &str) -> SharedKeys {
    let ring = keys.ring();
    let mut kept = ring.ids().filter(|known| known.as_str() != id);
    let first = kept.next().unwrap();
    let mut left = KeyRing::new(first.clone(), ring.get(first).unwrap().clone());
    for id in kept {
        left.add(id.clone(), ring.get(id).unwrap().clone()).unwrap();
    }
    SharedKeys(Arc::new(Mutex::new(left)))
}

async fn rotate(app: &App) {
    rotate_beside(app, &[]).await;
}

/// The same where other processes run.
async fn rotate_beside(app: &App, others: &[&App]) {
    let next = app.announce_key().await.unwrap().unwrap();
    for other in others {
        other.heed_keys().await.unwrap();
    }
    assert_eq!(app.nodes_without(&next).await.unwrap().0, 0);
    app.activate_key(&next, &World::caller()).await.unwrap();
}

async fn sealed_with(app: &App) -> Vec<String> {
    app.seals().await.unwrap().into_keys().collect()
}

/// `count` connected grants whose two tokens each are sealed with `ring`.
async fn fill(store: &dyn Store, ring: &KeyRing, count: u32, now: Timestamp) {
    let entropy: Arc<dyn ports::Entropy> = Arc::new(SeededEntropy::new(77));
    let mut made = 0;
    while made < count {
        let mut change = Change::at(now);
        for _ in 0..200.min(count - made) {
            made += 1;
            let id: Id<Grant> = entropy.id(now);
            let row = id.to_string();
            let sealed = |column| {
                let context = Context { installation: "ins_test", table: "grants", row: &row, column };
                seal(ring, &context, entropy.bytes(), format!("{column} token of {row}").as_bytes()).as_bytes().to_vec()
            };
            let tokens = SealedTokens {
                refresh: sealed("refresh"),
                previous_refresh: None,
                access: sealed("access"),
                access_expires_at: now.saturating_add(jiff::SignedDuration::from_hours(1)).unwrap(),
            };
            let grant = Grant {
                state: GrantState::Active,
                tokens: Some(tokens),
                generation: 3,
                data_centre: Some("us".to_owned()),
                refresh: RefreshRecord { next_at: Some(now), ..RefreshRecord::default() },
                ..Grant::requested(id, entropy.id(now), "zoho", now)
            };
            change.puts.push(Put::Grant(grant));
        }
        store.commit(change).await.unwrap();
    }
}

async fn all_grants(store: &dyn Store) -> Vec<Grant> {
    let (mut page, mut all) = (Page::first(200), Vec::new());
    loop {
        let grants = store.grants(page).await.unwrap();
        let Some(last) = grants.last() else { return all };
        page = Page { after: Some(last.id.to_string()), limit: 200 };
        all.extend(grants);
    }
}

/// Every token of every grant opens with these keys, in its place.
fn all_open(grants: &[Grant], ring: &KeyRing) {
    for grant in grants {
        let tokens = grant.tokens.as_ref().unwrap();
        for (column, bytes) in [("refresh", &tokens.refresh), ("access", &tokens.access)] {
            let row = grant.id.to_string();
            let context = Context { installation: "ins_test", table: "grants", row: &row, column };
            open(ring, &context, &Sealed::from_bytes(bytes).unwrap()).unwrap();
        }
    }
}

/// Requests that reached the provider, by path.
async fn calls(world: &World) -> usize {
    let journal = world.sim_get("journal").await;
    let count = |value: &Value| value.as_array().map(Vec::len);
    count(&journal)
        .or_else(|| count(&journal["requests"]))
        .or_else(|| count(&journal["entries"]))
        .unwrap_or_else(|| panic!("{journal}"))
}

/// Rotates over `count` sealed tokens while refreshes go on.
async fn rotation(world: &World, count: u32) -> app::Resealed {
    let store = world.store().await;
    world.consent(ANA).await;
    world.drain().await;
    fill(store.as_ref(), &world.keys.ring(), count / 2, world.app.now()).await;
    let before = all_grants(store.as_ref()).await;
    let other = world.second().await;
    other.heed_keys().await.unwrap();
    add(&world.keys, "k2", 9);
    rotate_beside(&world.app, &[&other]).await;
    let refreshes = async {
        // The other process still seals with the key before, until it looks.
        other.refresh_now(ANA, &World::caller()).await.unwrap();
        other.heed_keys().await.unwrap();
        for _ in 0..4 {
            other.refresh_now(ANA, &World::caller()).await.unwrap();
            world.app.calendar_list(ANA).await.unwrap();
        }
    };
    let (done, ()) = tokio::join!(world.app.reseal(|_| {}), refreshes);
    let done = done.unwrap();
    assert_eq!((done.broken, done.left), (0, 0));
    // What the other process sealed late is found by the next run.
    let rest = world.app.reseal(|_| {}).await.unwrap();
    assert!(rest.resealed <= 1, "{rest:?}");
    assert_eq!(sealed_with(&world.app).await, ["k2"]);
    let after = all_grants(store.as_ref()).await;
    let only = without(&world.keys, "k1").ring();
    all_open(&after, &only);
    for (before, after) in before.iter().zip(&after) {
        let steps = if before.account.is_some() { 5 } else { 0 };
        assert_eq!(after.generation, before.generation + steps, "re-sealing is no refresh");
    }
    done
}

/// `RESEAL_TOKENS=100000 cargo nextest run -p testkit --release -E 'test(tokens_are_sealed_anew)' --no-capture` is the measured form.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "how many tokens, and how long it took, for whoever measures")]
async fn thousands_of_tokens_are_sealed_anew_while_refreshes_go_on() {
    let world = World::new("keys-rotation").await;
    let count = std::env::var("RESEAL_TOKENS").map_or(2_000, |count| count.parse().unwrap());
    let start = std::time::Instant::now();
    let done = rotation(&world, count).await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    println!("{done:?} in {:.1} s with filling and checking; {peak}", start.elapsed().as_secs_f64());
    assert_eq!(done.seen, u64::from(count / 2 + 1));
    assert!(done.resealed >= u64::from(count / 2), "{done:?}");
    world.app.retire_key(&key("k1"), true, &World::caller()).await.unwrap();
    // From now on without the old key: the manager is not asked again, and links that she was mailed under the new one open.
    *world.keys.0.lock().unwrap() = without(&world.keys, "k1").ring();
    let app = world.second().await;
    assert!(!app.calendar_list(ANA).await.unwrap().is_empty());
    app.refresh_now(ANA, &World::caller()).await.unwrap();
    assert!(world.store().await.alerts(true, 10).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_was_killed_is_finished_by_the_next_process() {
    let mut world = World::with("keys-killed", Fuse::never()).await;
    let store = world.store().await;
    fill(store.as_ref(), &world.keys.ring(), 3_000, world.app.now()).await;
    add(&world.keys, "k2", 9);
    rotate(&world.app).await;
    // Dropped in the middle of the first page, with rows under way.
    let some = tokio::sync::Notify::new();
    let watch = async {
        loop {
            let seals = world.app.seals().await.unwrap();
            if seals.get("k2").is_some_and(|seals| seals.tokens > 20) {
                break some.notify_one();
            }
        }
    };
    tokio::select! {
        done = world.app.reseal(|_| {}) => panic!("it must not get to its end: {done:?}"),
        () = async { tokio::join!(watch, some.notified()); } => {}
    }
    let seals = world.app.seals().await.unwrap();
    assert!(seals.contains_key("k1") && seals.contains_key("k2"), "{seals:?}");
    let error = world.app.retire_key(&key("k1"), true, &World::caller()).await.unwrap_err();
    assert_eq!(error.code(), "key_in_use");
    // How many is not compared: a page that was under way may have been written since.
    assert!(error.to_string().contains("the key k1 still seals"), "{error}");
    // The power comes back; nobody runs the command again.
    world.restart(Fuse::never()).await;
    world.pass(120).await;
    assert_eq!(sealed_with(&world.app).await, ["k2"]);
    all_open(&all_grants(store.as_ref()).await, &without(&world.keys, "k1").ring());
    world.app.retire_key(&key("k1"), true, &World::caller()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_made_active_before_every_running_process_has_it() {
    let world = World::new("keys-nodes").await;
    let poor = without(&world.keys, "none");
    let (rich, poor_app) = (world.second().await, world.second_with(&poor).await);
    rich.heed_keys().await.unwrap();
    poor_app.heed_keys().await.unwrap();
    add(&world.keys, "k2", 9);
    let next = world.app.announce_key().await.unwrap().unwrap();
    for app in [&rich, &poor_app] {
        app.heed_keys().await.unwrap();
    }
    assert_eq!(world.app.nodes_without(&next).await.unwrap(), (1, 2), "one reads the same place, one does not");
    add(&poor, "k2", 9);
    // It looks again of its own accord, though not at once.
    world.clock.advance(11);
    poor_app.heed_keys().await.unwrap();
    assert_eq!(world.app.nodes_without(&next).await.unwrap(), (0, 2));
    poor_app.leave_keys().await.unwrap();
    assert_eq!(world.app.nodes_without(&key("k9")).await.unwrap(), (1, 1), "who has left is not waited for");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_looked_for_once_and_then_found() {
    let world = World::new("keys-unknown").await;
    world.consent(ANA).await;
    world.drain().await;
    let late = without(&world.keys, "none");
    let behind = world.second_with(&late).await;
    add(&world.keys, "k2", 9);
    rotate(&world.app).await;
    world.app.reseal(|_| {}).await.unwrap();
    let before = calls(&world).await;
    assert!(behind.calendar_list(ANA).await.is_err());
    assert_eq!(calls(&world).await, before, "no call with what does not open");
    let alerts = world.store().await.alerts(true, 10).await.unwrap();
    assert_eq!(alerts.iter().map(|alert| alert.kind).collect::<Vec<_>>(), [AlertKind::SealBroken]);
    assert_eq!(alerts[0].details["missing_key"], "k2");
    *late.0.lock().unwrap() = world.keys.ring();
    world.clock.advance(11);
    assert!(!behind.calendar_list(ANA).await.unwrap().is_empty());
    world.clock.advance(20);
    behind.heed_keys().await.unwrap();
    assert!(world.store().await.alerts(true, 10).await.unwrap().is_empty(), "mended, and said so");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sealed_with_a_retired_key_by_a_process_that_did_not_hear_of_it() {
    let world = World::new("keys-fence").await;
    world.consent(ANA).await;
    world.drain().await;
    let store = world.store().await;
    let deaf = world.second_with(&without(&world.keys, "none")).await;
    deaf.calendar_list(ANA).await.unwrap();
    add(&world.keys, "k2", 9);
    rotate(&world.app).await;
    world.app.reseal(|_| {}).await.unwrap();
    world.app.retire_key(&key("k1"), true, &World::caller()).await.unwrap();
    assert_eq!(store.owner(Scope::Key, "k1").await.unwrap().as_deref(), Some("retired"));
    // Bruno consents by way of the process that only has the retired key.
    let app::Setup::NeedsAuthorization { url, .. } = deaf.setup(BRUNO, None, false, &World::caller()).await.unwrap() else {
        panic!("Bruno is connected already")
    };
    let callback = world.decide(&url, BRUNO, "accept").await;
    assert!(deaf.callback(callback, &World::caller()).await.is_err(), "better no answer than one that is lost");
    assert_eq!(sealed_with(&world.app).await, ["k2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_authorizations_from_before_a_rotation_still_work_and_hold_the_key() {
    let world = World::new("keys-links").await;
    let app::Setup::NeedsAuthorization { url, .. } = world.app.setup(ANA, None, true, &World::caller()).await.unwrap() else {
        panic!("Ana is connected already")
    };
    let callback = world.decide(&url, ANA, "accept").await;
    add(&world.keys, "k2", 9);
    // The link of this rotation's moment counts as made before it.
    world.clock.advance(1);
    rotate(&world.app).await;
    world.app.reseal(|_| {}).await.unwrap();
    // Its `state` and its PKCE verifier were made with the key before.
    world.app.callback(callback, &World::caller()).await.unwrap();
    world.drain().await;
    assert!(world.app.status(ANA).await.unwrap().has_valid_token);
    let error = world.app.retire_key(&key("k1"), false, &World::caller()).await.unwrap_err();
    assert_eq!(error.code(), "key_signs_links");
    world.clock.advance(8 * 24 * 3_600);
    world.app.retire_key(&key("k1"), false, &World::caller()).await.unwrap();
    assert_eq!(world.app.retire_key(&key("k2"), true, &World::caller()).await.unwrap_err().code(), "key_active");
    assert_eq!(world.app.retire_key(&key("k7"), true, &World::caller()).await.unwrap_err().code(), "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_and_tokens_in_jobs_are_sealed_anew_too() {
    let world = World::new("keys-jobs").await;
    world.consent(ANA).await;
    let store = world.store().await;
    let waiting = store.sealed_jobs(Page::first(10)).await.unwrap();
    assert_eq!(waiting.len(), 1, "the code waits to be exchanged");
    add(&world.keys, "k2", 9);
    rotate(&world.app).await;
    world.app.reseal(|_| {}).await.unwrap();
    assert_eq!(sealed_with(&world.app).await, ["k2"]);
    // What was read before is not put back over it.
    let old = JobStep::Replace { id: waiting[0].id, stored: waiting[0].stored.clone(), work: waiting[0].work.clone() };
    let lost = store.commit(Change { jobs: vec![old], ..Change::at(world.app.now()) }).await;
    assert!(matches!(lost, Err(CommitError::Conflict(_))), "{lost:?}");
    world.drain().await;
    assert!(world.app.status(ANA).await.unwrap().has_valid_token);
}

#[tokio::test(flavor = "multi_thread")]
async fn seals_that_were_moved_do_not_open_are_told_once_and_lead_to_no_call() {
    // On SQLite, whose lease clock follows the test's: that a seal is mended is looked at once in so many seconds of that clock.
    let world = World::with("keys-swapped", Fuse::never()).await;
    for manager in [ANA, BRUNO] {
        world.consent(manager).await;
        world.drain().await;
    }
    let store = world.store().await;
    let of = async |email: &str| {
        let person = store.person_by_email(&email.parse().unwrap()).await.unwrap().unwrap();
        store.grant_of(person.id, "zoho").await.unwrap().unwrap()
    };
    let (ana, bruno) = (of(ANA).await, of(BRUNO).await);
    let sound = ana.tokens.clone().unwrap();
    let theirs = bruno.tokens.clone().unwrap();
    let row = ana.id.to_string();
    let foreign = |column| {
        let context = Context { installation: "ins_other", table: "grants", row: &row, column };
        seal(&world.keys.ring(), &context, [3; 24], b"a token of another installation").as_bytes().to_vec()
    };
    let place = async |tokens: SealedTokens| {
        let stored = of(ANA).await;
        let mut next = Grant { rev: stored.rev + 1, tokens: Some(tokens), ..stored };
        next.refresh = RefreshRecord { next_at: next.refresh.next_at, ..RefreshRecord::default() };
        store.commit(Change { puts: vec![Put::Grant(next)], ..Change::at(world.app.now()) }).await.unwrap();
    };
    let before = calls(&world).await;
    let cut = theirs.refresh[..20].to_vec();
    for (what, tokens, refreshing) in [
        ("another row's access token", SealedTokens { access: theirs.access.clone(), ..sound.clone() }, false),
        ("another row's refresh token", SealedTokens { refresh: theirs.refresh.clone(), ..sound.clone() }, true),
        ("another column", SealedTokens { access: sound.refresh.clone(), ..sound.clone() }, false),
        ("the other way round", SealedTokens { refresh: sound.access.clone(), ..sound.clone() }, true),
        ("another installation", SealedTokens { access: foreign("access"), ..sound.clone() }, false),
        ("another installation's refresh token", SealedTokens { refresh: foreign("refresh"), ..sound.clone() }, true),
        ("a piece", SealedTokens { refresh: cut, ..sound.clone() }, true),
    ] {
        place(tokens).await;
        for _ in 0..2 {
            if refreshing {
                let outcome = world.app.refresh_now(ANA, &World::caller()).await;
                assert!(!matches!(outcome, Ok(app::RefreshOutcome::Fresh(_))), "{what}");
                world.clock.advance(61);
            } else {
                assert!(world.app.calendar_list(ANA).await.is_err(), "{what}");
            }
        }
        assert_eq!(calls(&world).await, before, "{what}: the provider was called");
        let alerts = world.store().await.alerts(true, 10).await.unwrap();
        let broken: Vec<_> = alerts.iter().filter(|alert| alert.kind == AlertKind::SealBroken).collect();
        assert_eq!(broken.len(), 1, "{what}: {alerts:?}");
        assert_eq!(broken[0].subject, row, "{what}");
        assert_eq!(of(ANA).await.state, GrantState::Active, "{what}: a seal that does not open is no revocation");
        place(sound.clone()).await;
        world.clock.advance(20);
        world.app.heed_keys().await.unwrap();
        let left = world.store().await.alerts(true, 10).await.unwrap();
        assert!(!left.iter().any(|alert| alert.kind == AlertKind::SealBroken), "{what}: put back, and over");
    }
    assert!(!world.app.calendar_list(ANA).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_with_a_lost_key_is_given_up_on_request_and_managers_get_a_link() {
    let world = World::new("keys-lost").await;
    world.consent(ANA).await;
    world.drain().await;
    world.consent(BRUNO).await;
    add(&world.keys, "k2", 9);
    let left = without(&world.keys, "k1");
    let app = world.second_with(&left).await;
    let missing = app.missing_keys().await.unwrap();
    assert_eq!(missing.iter().map(|(id, seals)| (id.as_str(), seals.tokens, seals.jobs)).collect::<Vec<_>>(), [("k1", 2, 1)]);
    assert_eq!(app.forget_lost(&World::caller()).await.unwrap(), 1);
    assert_eq!(app.missing_keys().await.unwrap(), []);
    assert_eq!(app.forget_lost(&World::caller()).await.unwrap(), 0, "once");
    app.drain(1_000).await.unwrap();
    assert!(!app.status(ANA).await.unwrap().is_active);
    let mails = app.mails(Some(ANA), Page::first(10)).await.unwrap();
    assert!(mails.iter().any(|mail| mail.kind == "fresh_permission_link"), "{mails:?}");
    let trail = app.audit(Page::first(100)).await.unwrap();
    assert!(trail.iter().any(|entry| entry.action == "grant.died" && entry.payload["why"] == "key lost"));
    let person = world.store().await.person_by_email(&ANA.parse().unwrap()).await.unwrap().unwrap();
    assert!(world.store().await.newest_link(Purpose::Permission, &person.id.to_string()).await.unwrap().is_some());
    assert!(matches!(
        world.app.retire_key(&key("k2"), true, &World::caller()).await,
        Err(Error::Refused { .. } | Error::NotFound { .. })
    ));
}
