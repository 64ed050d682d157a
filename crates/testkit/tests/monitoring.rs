//! Calls that are counted, alerts that are told without storms, tokens that are lent within limits: whole installations on a real store.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeSet;

use app::{AlertSettings, App, Caller, Error, Hook, LENDINGS_PER_HOUR, LendRequest};
use common::World;
use domain::{
    Id, Timestamp,
    alerts::{Alert, AlertKind},
    calls::CallCount,
    grants::{Grant, GrantState, SealedTokens},
    jobs::{Dedupe, NewJob, Work},
};
use ports::{
    Change, Put, Store,
    change::{JobStep, Name, Scope},
    store::Page,
};
use testkit::PostBox;
use uuid::Uuid;

const OPERATOR: &str = "operator@example.com";

fn told_by_mail(settings: &mut app::Settings) {
    settings.alerts = AlertSettings { to: Some(OPERATOR.parse().unwrap()), webhook: None };
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second() + seconds).unwrap()
}

fn alert(number: u128, kind: AlertKind, subject: &str, now: Timestamp) -> Alert {
    Alert {
        id: Id::new(Uuid::from_u128(0xA1E7_0000 + number)),
        rev: 1,
        kind,
        subject: subject.to_owned(),
        details: serde_json::json!({}),
        raised_at: now,
        told_at: None,
        ended_at: None,
        ended_told_at: None,
    }
}

async fn raise(store: &dyn Store, alert: &Alert) {
    let name = Name::Take { scope: Scope::Alert, name: Alert::name(alert.kind, &alert.subject), owner: alert.id.to_string() };
    let change = Change { puts: vec![Put::Alert(alert.clone())], names: vec![name], ..Change::at(alert.raised_at) };
    store.commit(change).await.unwrap();
}

async fn end(store: &dyn Store, kind: AlertKind, subject: &str, now: Timestamp) {
    let stored = store.lasting_alert(kind, subject).await.unwrap().unwrap();
    let name = Name::Release { scope: Scope::Alert, name: Alert::name(kind, subject), owner: stored.id.to_string() };
    let ended = Alert { rev: stored.rev + 1, ended_at: Some(now), ..stored };
    store.commit(Change { puts: vec![Put::Alert(ended)], names: vec![name], ..Change::at(now) }).await.unwrap();
}

/// One minute after the other: every node looks and works, at the same time.
async fn minutes(world: &World, nodes: &[&App], count: usize) {
    for _ in 0..count {
        world.clock.advance(60);
        let looks = nodes.iter().map(|node| {
            let node = (*node).clone();
            tokio::spawn(async move { node.drain(10_000).await.unwrap() })
        });
        for look in looks.collect::<Vec<_>>() {
            look.await.unwrap();
        }
    }
}

async fn subjects(app: &App) -> Vec<String> {
    let mut found: Vec<_> =
        app.mails(Some(OPERATOR), Page::first(200)).await.unwrap().into_iter().map(|mail| mail.subject).collect();
    found.reverse();
    found
}

async fn lasting(app: &App) -> BTreeSet<(AlertKind, String)> {
    app.alerts(true, 500).await.unwrap().into_iter().map(|view| (view.alert.kind, view.alert.subject)).collect()
}

/// 200 permissions whose refreshes begin to fail one after the other within the hour, because their provider is down; afterwards all of
/// them recover within 20 minutes. Two nodes look every minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_down_for_an_hour_with_200_grants_is_a_handful_of_mails() {
    let world = World::new("alert-storm").await;
    let posts = PostBox::default();
    let first = world.beside(1, told_by_mail, &posts).await;
    let second = world.beside(2, told_by_mail, &posts).await;
    first.order_watch().await.unwrap();
    let store = world.store().await;
    let subject = |number: u128| format!("grant {number}");
    raise(store.as_ref(), &alert(1_000, AlertKind::CircuitOpen, "zoho:eu", first.now())).await;
    raise(store.as_ref(), &alert(1_001, AlertKind::ErrorRateRising, "zoho:us", first.now())).await;
    for minute in 0..60_u128 {
        for number in (0..200).filter(|number| number * 60 / 200 == minute) {
            raise(store.as_ref(), &alert(number, AlertKind::RefreshFailing, &subject(number), first.now())).await;
        }
        minutes(&world, &[&first, &second], 1).await;
    }
    let during = subjects(&first).await;
    end(store.as_ref(), AlertKind::CircuitOpen, "zoho:eu", first.now()).await;
    for minute in 0..20_u128 {
        for number in (0..200).filter(|number| number * 20 / 200 == minute) {
            end(store.as_ref(), AlertKind::RefreshFailing, &subject(number), first.now()).await;
        }
        minutes(&world, &[&first, &second], 1).await;
    }
    minutes(&world, &[&first, &second], 120).await;
    let all = subjects(&first).await;
    println!("{} mails while it was down, {} in all: {all:#?}", during.len(), all.len());
    assert!(during.len() <= 5, "{during:#?}");
    assert!(all.len() <= 8, "{all:#?}");
    // Nothing was kept back, and no message went out twice.
    assert!(store.untold_alerts(Timestamp::UNIX_EPOCH, 1_000).await.unwrap().is_empty());
    let sent = world.sent.lock().unwrap().clone();
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len(), "{sent:?}");
    let told = sent.iter().filter(|(_, to)| to == OPERATOR).count();
    assert_eq!(told, all.len());
}

#[tokio::test]
async fn an_alert_is_told_when_it_begins_once_a_day_and_when_it_is_over() {
    let world = World::new("alert-life").await;
    let app = world.beside(1, told_by_mail, &PostBox::default()).await;
    app.order_watch().await.unwrap();
    let store = world.store().await;
    raise(store.as_ref(), &alert(1, AlertKind::DiskLow, "disk", app.now())).await;
    minutes(&world, &[&app], 3).await;
    assert_eq!(subjects(&app).await, ["The disk is nearly full"]);
    for _ in 0..3 {
        world.clock.advance(12 * 3_600);
        minutes(&world, &[&app], 2).await;
    }
    assert_eq!(subjects(&app).await.len(), 2, "36 hours later it was told once more");
    end(store.as_ref(), AlertKind::DiskLow, "disk", app.now()).await;
    minutes(&world, &[&app], 61).await;
    assert_eq!(subjects(&app).await.last().unwrap(), "Over: The disk is nearly full");
    minutes(&world, &[&app], 3).await;
    assert_eq!(subjects(&app).await.len(), 3);
}

#[tokio::test]
async fn a_webhook_has_ids_and_codes_and_is_repeated_under_one_id() {
    let world = World::new("alert-webhook").await;
    world.consent("ana@example.com").await;
    world.drain().await;
    let posts = PostBox::default();
    let hook = |settings: &mut app::Settings| {
        let webhook = Some(Hook("https://hooks.example.net/secret-path".parse().unwrap()));
        settings.alerts = AlertSettings { to: None, webhook };
    };
    let app = world.beside(1, hook, &posts).await;
    assert!(!format!("{:?}", app.settings()).contains("secret-path"));
    let store = world.store().await;
    let grant = store.grants(Page::first(1)).await.unwrap().remove(0);
    raise(store.as_ref(), &alert(1, AlertKind::RefreshFailing, &grant.id.to_string(), app.now())).await;
    posts.set_broken(true);
    app.order_watch().await.unwrap();
    minutes(&world, &[&app], 2).await;
    assert!(posts.posts().is_empty());
    posts.set_broken(false);
    minutes(&world, &[&app], 5).await;
    let taken = posts.posts();
    assert_eq!(taken.len(), 1);
    let body: serde_json::Value = serde_json::from_str(&taken[0].body).unwrap();
    assert_eq!(body["data"]["alerts"][0]["kind"], "refresh_failing");
    assert_eq!(body["data"]["alerts"][0]["began"][0]["subject"], grant.id.to_string());
    assert!(body["data"]["text"].as_str().unwrap().contains("What to do"), "{body}");
    assert!(!taken[0].body.contains('@') && !taken[0].body.contains("Ana"), "{}", taken[0].body);
    assert!(taken[0].id.starts_with("alerts-"), "{}", taken[0].id);
}

#[tokio::test]
async fn the_watch_raises_what_nobody_notices_and_ends_it() {
    let world = World::new("alert-watch").await;
    world.consent("ana@example.com").await;
    world.drain().await;
    let app = world.beside(1, told_by_mail, &PostBox::default()).await;
    let store = world.store().await;
    app.order_watch().await.unwrap();
    minutes(&world, &[&app], 1).await;
    assert_eq!(lasting(&app).await, BTreeSet::new(), "nothing is wrong at first");

    let grant = store.grants(Page::first(1)).await.unwrap().remove(0);
    let poor = Grant { rev: grant.rev + 1, scopes: vec!["ZohoCalendar.calendar.READ".to_owned()], ..grant.clone() };
    store.commit(Change { puts: vec![Put::Grant(poor)], ..Change::at(app.now()) }).await.unwrap();
    let order = NewJob {
        id: Id::new(Uuid::from_u128(77)),
        work: Work::Watch,
        dedupe: Dedupe::Once("given up".to_owned()),
        stream: Some("never".to_owned()),
        sequence: 0,
        due: app.now(),
        not_after: None,
    };
    store.commit(Change { jobs: vec![JobStep::Order(order.clone())], ..Change::at(app.now()) }).await.unwrap();
    let run = store.lease_jobs(app.now(), 100, 60).await.unwrap().into_iter().find(|run| run.id == order.id).unwrap();
    let dead = JobStep::Dead { id: run.id, lease: run.lease.unwrap(), error: "no".to_owned() };
    store.commit(Change { jobs: vec![dead], ..Change::at(app.now()) }).await.unwrap();
    minutes(&world, &[&app], 4).await;
    let expected = BTreeSet::from([(AlertKind::ScopeMissing, grant.id.to_string()), (AlertKind::JobsGivenUp, "watch".to_owned())]);
    assert_eq!(lasting(&app).await, expected);

    let stored = store.grant(grant.id).await.unwrap().unwrap();
    let whole = Grant { rev: stored.rev + 1, scopes: grant.scopes, ..stored };
    store.commit(Change { puts: vec![Put::Grant(whole)], ..Change::at(app.now()) }).await.unwrap();
    app.retry_job(order.id, &Caller::system()).await.unwrap();
    minutes(&world, &[&app], 2).await;
    assert_eq!(lasting(&app).await, BTreeSet::new());
}

#[tokio::test]
async fn refreshes_that_nobody_makes_are_noticed_at_the_third_look() {
    let world = World::new("alert-overdue").await;
    let app = world.beside(1, told_by_mail, &PostBox::default()).await;
    let store = world.store().await;
    let now = app.now();
    let mut grant = Grant::requested(Id::new(Uuid::from_u128(9)), Id::new(Uuid::from_u128(8)), "zoho", now);
    let sealed = || vec![1, 2, 3];
    grant.state = GrantState::Active;
    grant.tokens = Some(SealedTokens { refresh: sealed(), previous_refresh: None, access: sealed(), access_expires_at: now });
    grant.refresh.next_at = Some(after(now, -16 * 60));
    store.commit(Change { puts: vec![Put::Grant(grant.clone())], ..Change::at(now) }).await.unwrap();
    app.order_watch().await.unwrap();
    minutes(&world, &[&app], 2).await;
    assert_eq!(lasting(&app).await, BTreeSet::new());
    minutes(&world, &[&app], 1).await;
    assert_eq!(lasting(&app).await, BTreeSet::from([(AlertKind::RefreshOverdue, "worker".to_owned())]));
    grant.rev += 1;
    grant.refresh.attempted_at = Some(app.now());
    store.commit(Change { puts: vec![Put::Grant(grant)], ..Change::at(now) }).await.unwrap();
    minutes(&world, &[&app], 1).await;
    assert_eq!(lasting(&app).await, BTreeSet::new());
}

#[tokio::test]
async fn an_error_rate_that_rises_is_told_and_ends() {
    let world = World::new("alert-rate").await;
    let app = world.beside(1, told_by_mail, &PostBox::default()).await;
    let store = world.store().await;
    app.order_watch().await.unwrap();
    let count = async |minutes_ago: i64, class: &str, count: i64| {
        let calls = CallCount {
            since: after(app.now(), -minutes_ago * 60),
            provider: "zoho".to_owned(),
            data_centre: "eu".to_owned(),
            operation: "list_events".to_owned(),
            class: class.to_owned(),
            up_to_millis: 50,
            count,
        };
        store.commit(Change { puts: vec![Put::Calls(calls)], ..Change::at(app.now()) }).await.unwrap();
    };
    count(40, "ok", 500).await;
    count(2, "ok", 90).await;
    count(2, "passing", 9).await;
    minutes(&world, &[&app], 1).await;
    assert_eq!(lasting(&app).await, BTreeSet::new(), "9 of 99 is below the floor");
    count(1, "passing", 2).await;
    minutes(&world, &[&app], 1).await;
    let raised = app.alerts(true, 10).await.unwrap().remove(0).alert;
    assert_eq!(
        (raised.kind, raised.subject.as_str(), &raised.details["failed"]),
        (AlertKind::ErrorRateRising, "zoho:eu", &11.into())
    );
    world.clock.advance(15 * 60);
    count(1, "ok", 100).await;
    minutes(&world, &[&app], 1).await;
    assert_eq!(lasting(&app).await, BTreeSet::new());
}

#[tokio::test]
async fn every_call_is_counted_and_on_the_record() {
    let world = World::new("calls").await;
    world.consent("ana@example.com").await;
    world.drain().await;
    world.app.flush_counts().await;
    let store = world.store().await;
    let counted = store.calls(Timestamp::UNIX_EPOCH, 300).await.unwrap();
    let operations: BTreeSet<_> = counted.iter().map(|row| row.operation.as_str()).collect();
    assert!(operations.contains("exchange") && operations.contains("identity"), "{operations:?}");
    let lines: Vec<_> = store.audit(Page::first(200)).await.unwrap();
    let lines: Vec<_> = lines.into_iter().filter(|line| line.action == "provider.called").collect();
    assert_eq!(i64::try_from(lines.len()).unwrap(), counted.iter().map(|row| row.count).sum::<i64>());
    let grant = store.grants(Page::first(1)).await.unwrap().remove(0);
    for line in &lines {
        let keys: Vec<&str> = line.payload.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["class", "data_centre", "millis", "operation"]);
        assert!(line.subject == grant.id.to_string() || line.subject == "zoho:us", "{}", line.subject);
    }
    world.app.flush_counts().await;
    assert_eq!(store.calls(Timestamp::UNIX_EPOCH, 300).await.unwrap(), counted, "a flush with nothing to write writes nothing");
    let health = world.app.health().await.unwrap();
    assert_eq!((health.calls.len(), health.calls[0].data_centre.as_str()), (1, "us"));
    assert_eq!((health.grants[0].state, health.grants[0].missing_scopes.len()), (GrantState::Active, 0));
    assert!(world.app.counters().calls.values().map(app::Histogram::count).sum::<u64>() >= 3);
}

#[tokio::test]
async fn tokens_are_lent_on_the_record_within_a_limit_and_end_with_the_grant() {
    let world = World::new("lending").await;
    world.consent("ana@example.com").await;
    world.drain().await;
    let app = world.beside(1, |settings| settings.lending = true, &PostBox::default()).await;
    let (key, other) = (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(2)));
    let asked = LendRequest { purpose: Some("a weekly report".to_owned()), min_seconds: None };
    let lend = async |key, asked: &LendRequest| app.lend_access_token("ana@example.com", key, asked, &World::caller()).await;

    let token = lend(key, &asked).await.unwrap();
    assert!(token.expires_at.as_second() - app.now().as_second() >= 60 && !token.scopes.is_empty());
    let grant = world.store().await.grants(Page::first(1)).await.unwrap().remove(0);
    let line = app.trail(&grant.id.to_string(), 50).await.unwrap().into_iter().find(|line| line.action == "token.lent").unwrap();
    assert_eq!((&line.payload["purpose"], &line.payload["key"]), (&"a weekly report".into(), &key.to_string().into()));
    assert!(!line.payload.to_string().contains(token.access_token.expose()));

    for (wrong, field) in [
        (LendRequest { purpose: Some(" ".to_owned()), min_seconds: None }, "purpose"),
        (LendRequest { purpose: Some("for bo@example.org".to_owned()), min_seconds: None }, "purpose"),
        (LendRequest { purpose: None, min_seconds: Some(1_801) }, "min_seconds"),
        (LendRequest { purpose: None, min_seconds: Some(59) }, "min_seconds"),
    ] {
        assert!(matches!(lend(key, &wrong).await, Err(Error::Invalid { field: found, .. }) if found == field), "{wrong:?}");
    }

    for _ in 1..LENDINGS_PER_HOUR {
        lend(key, &asked).await.unwrap();
    }
    let Err(Error::Limited { retry_after, .. }) = lend(key, &asked).await else { panic!("one more than the limit was lent") };
    assert!((1..=3_600).contains(&retry_after));
    lend(other, &asked).await.unwrap();
    world.clock.advance(retry_after);
    world.drain().await;
    lend(key, &asked).await.unwrap();
    let today: i64 = app.health().await.unwrap().days.iter().map(|day| day.lent).sum();
    assert_eq!(today, LENDINGS_PER_HOUR + 2);

    // Less than half an hour is left: it is refreshed first.
    let before = world.store().await.grant(grant.id).await.unwrap().unwrap();
    let left = before.tokens.as_ref().unwrap().access_expires_at.as_second() - app.now().as_second();
    world.clock.advance((left - 1_700).max(0));
    let long = lend(other, &LendRequest { purpose: None, min_seconds: Some(1_800) }).await.unwrap();
    assert!(long.expires_at.as_second() - app.now().as_second() >= 1_800);
    assert_eq!(world.store().await.grant(grant.id).await.unwrap().unwrap().generation, before.generation + 1);

    app.disconnect(grant.person, &World::caller()).await.unwrap();
    assert_eq!(lend(other, &asked).await.unwrap_err().code(), "needs_authorization");
    let shown = app.health().await.unwrap().grants.remove(0);
    assert_eq!(shown.lent_until, Some(long.expires_at), "the page says until when the last one lives");
}
