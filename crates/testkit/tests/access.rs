//! Who may log in and call: accounts, passwords, sessions, keys, and limits that two processes on one database keep together.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::net::IpAddr;

use app::{App, LogIn, NewKey, NewSession};
use common::{Fuse, World};
use domain::{
    Id,
    access::{Account, Right, Role},
    alerts::AlertKind,
};
use tokio::task::JoinSet;
use url::Url;
use vault::AccountPassword;

const RIGHT: &str = "blue lamps on a tram";
const ADA: &str = "ada@example.com";

fn password(text: &str) -> AccountPassword {
    AccountPassword::new(text.to_owned())
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn token(link: &Url) -> &str {
    link.path_segments().unwrap().next_back().unwrap()
}

async fn world(name: &str) -> World {
    World::with(name, Fuse::never()).await
}

/// Ada's account with a password, her session, and the mark of her browser.
async fn ada(app: &App) -> (Id<Account>, NewSession, String) {
    let (account, link) = app.add_account(ADA, "Ada", Role::Admin, &World::caller()).await.unwrap();
    let link = link.unwrap();
    let (begun, mark) = app.set_password(token(&link), password(RIGHT), Some("Firefox on Linux")).await.unwrap();
    (account.id, begun, mark)
}

async fn try_in(app: &App, email: &str, text: &str, from: IpAddr, known: Option<&str>) -> LogIn {
    app.log_in_with_password(email, password(text), from, known, None).await.unwrap()
}

/// How one attempt ended, in a word.
async fn attempt(app: &App, email: &str, text: &str, from: IpAddr, known: Option<&str>) -> &'static str {
    match try_in(app, email, text, from, known).await {
        LogIn::In(..) => "in",
        LogIn::Wrong => "wrong",
        LogIn::Wait(_) => "wait",
    }
}

#[tokio::test]
async fn an_account_is_made_gets_its_password_by_a_link_and_logs_in() {
    let world = world("access_story").await;
    let app = &world.app;
    let (account, link) = app.add_account(ADA, "Ada", Role::Auditor, &World::caller()).await.unwrap();
    let link = link.unwrap();
    let again = app.add_account("ADA@example.com", "Ada", Role::Admin, &World::caller()).await.unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
    for role in [Role::Agent, Role::Metrics] {
        assert_eq!(app.add_account("x@example.com", "X", role, &World::caller()).await.unwrap_err().code(), "invalid");
    }
    assert_eq!(attempt(app, ADA, RIGHT, address(1), None).await, "wrong", "no password is set yet");
    let weak = app.set_password(token(&link), password("Password12345"), None).await.unwrap_err();
    assert_eq!(weak.code(), "invalid");
    let fresh = app.account_link(account.id, &World::caller()).await.unwrap();
    assert_eq!(app.password_page(token(&link)).await.unwrap_err().code(), "link_revoked", "a fresh link voids the one before");
    let (begun, _) = app.set_password(token(&fresh), password(RIGHT), None).await.unwrap();
    assert_eq!(app.set_password(token(&fresh), password(RIGHT), None).await.unwrap_err().code(), "link_used");
    let view = app.session(&begun.cookie).await.unwrap().unwrap();
    assert_eq!((view.role(), view.account.as_ref().unwrap().id), (Role::Auditor, account.id));
    let stored = view.account.unwrap().password.unwrap();
    assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
    assert_eq!(attempt(app, "Ada@Example.com", RIGHT, address(1), None).await, "in");
    assert_eq!(attempt(app, ADA, "red lamps on a tram", address(1), None).await, "wrong");
    assert_eq!(attempt(app, "nobody@example.com", RIGHT, address(1), None).await, "wrong");
    let log = app.audit(ports::store::Page { after: None, limit: 50 }).await.unwrap();
    let by = domain::audit::Actor::Account(account.id.to_string());
    assert!(log.iter().any(|entry| entry.action == "account.logged_in" && entry.actor == by));
    assert!(!format!("{log:?}").contains("ada@"), "an address stands in the log");
}

#[tokio::test]
async fn changing_password_role_or_switching_off_ends_sessions() {
    let world = world("access_sessions").await;
    let app = &world.app;
    let (id, first, mark) = ada(app).await;
    let LogIn::In(second, _) = try_in(app, ADA, RIGHT, address(1), Some(&mark)).await else { unreachable!() };
    let view = app.session(&second.cookie).await.unwrap().unwrap();
    assert_eq!(app.sessions_of(&view).await.unwrap().len(), 2);
    let wrong = app.change_password(&view, password("not it at all"), password("nine otters dance well"), None).await;
    assert_eq!(wrong.unwrap_err().code(), "invalid");
    let third = app.change_password(&view, password(RIGHT), password("nine otters dance well"), None).await.unwrap();
    for ended in [&first.cookie, &second.cookie] {
        assert_eq!(app.session(ended).await.unwrap(), None);
    }
    let view = app.session(&third.cookie).await.unwrap().unwrap();
    assert_eq!(attempt(app, ADA, RIGHT, address(1), Some(&mark)).await, "wrong");
    let LogIn::In(fourth, _) = try_in(app, ADA, "nine otters dance well", address(1), None).await else { unreachable!() };
    let other = app.session(&fourth.cookie).await.unwrap().unwrap();
    app.end_session(&view, other.id, &World::caller()).await.unwrap();
    assert_eq!(app.session(&fourth.cookie).await.unwrap(), None);
    app.change_role(id, Role::Recruiter, &World::caller()).await.unwrap();
    assert_eq!(app.session(&third.cookie).await.unwrap(), None, "a session keeps no rights of before");
    let LogIn::In(fifth, _) = try_in(app, ADA, "nine otters dance well", address(1), None).await else { unreachable!() };
    assert_eq!(app.session(&fifth.cookie).await.unwrap().unwrap().role(), Role::Recruiter);
    app.switch_account(id, false, &World::caller()).await.unwrap();
    assert_eq!(app.session(&fifth.cookie).await.unwrap(), None);
    assert_eq!(attempt(app, ADA, "nine otters dance well", address(1), None).await, "wrong");
    assert_eq!(app.account_link(id, &World::caller()).await.unwrap_err().code(), "account_disabled");
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_at_the_latest_after_twelve_hours() {
    let world = world("access_limits").await;
    let (_, begun, _) = ada(&world.app).await;
    world.clock.advance(2 * 3600 - 1);
    assert!(world.app.session(&begun.cookie).await.unwrap().is_some(), "a second before it is idle");
    for _ in 0..9 {
        world.clock.advance(3600);
        assert!(world.app.session(&begun.cookie).await.unwrap().is_some(), "it is used every hour");
    }
    world.clock.advance(3601);
    assert_eq!(world.app.session(&begun.cookie).await.unwrap(), None, "twelve hours are over");
    let LogIn::In(quiet, _) = try_in(&world.app, ADA, RIGHT, address(1), None).await else { unreachable!() };
    world.clock.advance(2 * 3600);
    assert_eq!(world.app.session(&quiet.cookie).await.unwrap(), None, "two hours without a request");
}

#[tokio::test]
async fn two_processes_count_wrong_passwords_together_and_delays_grow() {
    let world = world("access_together").await;
    let (one, other) = (&world.app, &world.second().await);
    ada(one).await;
    // Whether there is such an account makes no difference.
    for email in [ADA, "nobody@example.com"] {
        let mut ends = Vec::new();
        for number in 0..6_u8 {
            let app = if number % 2 == 0 { one } else { other };
            ends.push(attempt(app, email, "red lamps on a tram", address(10 + number), None).await);
        }
        assert_eq!(ends, ["wrong"; 6], "{email}");
        let mut waits = Vec::new();
        for _ in 0..4 {
            let LogIn::Wait(seconds) = try_in(other, email, RIGHT, address(99), None).await else { unreachable!("no delay") };
            waits.push(seconds);
            world.clock.advance(seconds);
            assert_eq!(attempt(one, email, "red lamps on a tram", address(98), None).await, "wrong");
        }
        assert_eq!(waits, [2, 4, 8, 16], "{email}");
    }
}

#[tokio::test]
async fn of_many_attempts_at_once_only_the_free_ones_pass() {
    let world = world("access_race").await;
    let apps = [world.app.clone(), world.second().await];
    ada(&world.app).await;
    let mut tasks = JoinSet::new();
    for number in 0..24_u8 {
        let app = apps[usize::from(number % 2)].clone();
        tasks.spawn(async move { attempt(&app, ADA, "red lamps on a tram", address(number), None).await });
    }
    let ends = tasks.join_all().await;
    let checked = ends.iter().filter(|end| **end == "wrong").count();
    assert!((1..=6).contains(&checked), "{checked} of 24 passwords were compared");
}

#[tokio::test]
async fn a_stranger_cannot_keep_the_owner_out() {
    let world = world("access_stranger").await;
    let app = &world.app;
    let (id, _, mark) = ada(app).await;
    for number in 0..12 {
        let end = attempt(app, ADA, "red lamps on a tram", address(7), None).await;
        if end == "wait" {
            world.clock.advance(900);
            assert_eq!(attempt(app, ADA, "red lamps on a tram", address(7), None).await, "wrong", "{number}");
        }
    }
    assert_eq!(attempt(app, ADA, RIGHT, address(1), None).await, "wait", "an unknown browser has to wait");
    assert_eq!(
        attempt(app, ADA, RIGHT, address(7), Some(&mark)).await,
        "in",
        "Ada's browser has not, not even beside the stranger"
    );
    assert_eq!(attempt(app, ADA, RIGHT, address(1), Some("made-up")).await, "wait");
    let link = app.account_link(id, &World::caller()).await.unwrap();
    assert!(app.set_password(token(&link), password("nine otters dance well"), None).await.is_ok(), "and a link needs no password");
}

/// The subjects of attacks that last.
async fn attacks(app: &App) -> Vec<String> {
    let views = app.alerts(true, 10).await.unwrap();
    views.into_iter().filter(|view| view.alert.kind == AlertKind::LoginUnderAttack).map(|view| view.alert.subject).collect()
}

#[tokio::test]
async fn an_attack_is_told_once_and_ends_when_it_is_quiet() {
    let world = world("access_alert").await;
    let app = &world.app;
    let (id, ..) = ada(app).await;
    let mut wrong = 0;
    while wrong < 12 {
        match try_in(app, ADA, "red lamps on a tram", address(7), None).await {
            LogIn::Wait(seconds) => world.clock.advance(seconds),
            _ => wrong += 1,
        }
    }
    assert_eq!(attacks(app).await, [id.to_string()]);
    world.pass(2 * 3600 + 60).await;
    assert!(attacks(app).await.is_empty());
}

#[tokio::test]
async fn wrong_api_keys_are_limited_per_network_on_both_processes() {
    let world = world("access_keys_limit").await;
    let apps = [world.app.clone(), world.second().await];
    for number in 0..21_usize {
        assert_eq!(apps[number % 2].wrong_api_key(address(3)).await.unwrap(), None, "{number}");
    }
    assert_eq!(apps[0].wrong_api_key(address(3)).await.unwrap(), Some(2));
    assert_eq!(apps[1].wrong_api_key(address(3)).await.unwrap(), Some(2));
    assert_eq!(apps[0].wrong_api_key(address(4)).await.unwrap(), None);
}

#[tokio::test]
async fn keys_end_roll_and_are_warned_about() {
    let world = world("access_keys").await;
    let app = &world.app;
    let end = app.now() + jiff::SignedDuration::from_hours(20 * 24);
    let new = NewKey { name: "desk".to_owned(), role: Some(Role::Recruiter), expires_at: Some(end), ..NewKey::default() };
    let (key, first) = app.make_api_key(new.clone(), &World::caller()).await.unwrap();
    assert_eq!(key.rights, Role::Recruiter.rights());
    assert!(!key.ends_soon(app.now()));
    assert_eq!(app.api_key_used(key.id).await.unwrap(), None);
    assert!(app.authenticate(&first).await.unwrap().is_some());
    assert_eq!(app.api_key_used(key.id).await.unwrap(), Some(app.now()));
    let (_, second) = app.roll_api_key(key.id, 60, &World::caller()).await.unwrap();
    world.clock.advance(3599);
    for text in [&first, &second] {
        assert!(app.authenticate(text).await.unwrap().is_some(), "both work in the grace");
    }
    world.clock.advance(1);
    assert!(app.authenticate(&first).await.unwrap().is_none(), "the grace is over");
    assert!(app.authenticate(&second).await.unwrap().is_some());
    let (_, third) = app.roll_api_key(key.id, 0, &World::caller()).await.unwrap();
    assert!(app.authenticate(&second).await.unwrap().is_none());
    assert_eq!(app.roll_api_key(key.id, 20_000, &World::caller()).await.unwrap_err().code(), "invalid");
    world.clock.advance(7 * 24 * 3600);
    assert!(app.api_key(key.id).await.unwrap().ends_soon(app.now()));
    world.clock.advance(13 * 24 * 3600);
    assert!(app.authenticate(&third).await.unwrap().is_none(), "it has ended");
    assert_eq!(app.roll_api_key(key.id, 60, &World::caller()).await.unwrap_err().code(), "key_over");
    let lend = |role| NewKey { role: Some(role), rights: [Right::Lend].into(), expires_at: None, ..new.clone() };
    assert!(app.make_api_key(lend(Role::Admin), &World::caller()).await.unwrap().0.rights.contains(&Right::Lend));
    assert_eq!(app.make_api_key(lend(Role::Agent), &World::caller()).await.unwrap_err().code(), "invalid");
    let over = NewKey { expires_at: Some(app.now()), ..new };
    assert_eq!(app.make_api_key(over, &World::caller()).await.unwrap_err().code(), "invalid");
}

/// Lines of one action: by whom, about what, and the payload.
async fn lines(app: &App, action: &str) -> Vec<(domain::audit::Actor, String, serde_json::Value)> {
    let log = app.audit(ports::store::Page { after: None, limit: 200 }).await.unwrap();
    let of = log.into_iter().filter(|entry| entry.action == action);
    let mut lines: Vec<_> = of.map(|entry| (entry.id, entry.actor, entry.subject, entry.payload)).collect();
    lines.sort_by_key(|line| line.0);
    lines.into_iter().map(|(_, actor, subject, payload)| (actor, subject, payload)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_use_of_a_key_each_day_is_on_record_once_whoever_asks() {
    let world = world("access_key_use").await;
    let apps = [world.app.clone(), world.second().await];
    let new = NewKey { name: "desk".to_owned(), role: Some(Role::Recruiter), ..NewKey::default() };
    let (key, text) = world.app.make_api_key(new, &World::caller()).await.unwrap();
    let at_once = async || {
        let mut calls = JoinSet::new();
        for number in 0..12_usize {
            let (app, text) = (apps[number % 2].clone(), text.clone());
            calls.spawn(async move { app.authenticate(&text).await.unwrap().is_some() });
        }
        assert!(calls.join_all().await.into_iter().all(|known| known));
    };
    at_once().await;
    let by = domain::audit::Actor::ApiKey(key.id.to_string());
    let line = (by, key.id.to_string(), serde_json::json!({}));
    assert_eq!(lines(&world.app, "key.used").await, std::slice::from_ref(&line));
    // 08:00 until one second before midnight, UTC.
    world.clock.advance(16 * 3600 - 1);
    at_once().await;
    assert_eq!(lines(&world.app, "key.used").await.len(), 1);
    world.clock.advance(1);
    at_once().await;
    assert_eq!(lines(&world.app, "key.used").await, [line.clone(), line]);
    assert_eq!(world.app.api_key_used(key.id).await.unwrap(), Some(world.app.now()));
    assert_eq!(world.app.authenticate("grk_nobody").await.unwrap(), None);
    assert_eq!(lines(&world.app, "key.refused").await, [], "a text that was never a key names none");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_keys_are_on_record_once_an_hour_for_each_reason() {
    let world = world("access_key_refused").await;
    let apps = [world.app.clone(), world.second().await];
    let app = &world.app;
    let make = async |name: &str, minutes: Option<i64>| {
        let expires_at = minutes.map(|minutes| app.now() + jiff::SignedDuration::from_mins(minutes));
        let new = NewKey { name: name.to_owned(), role: Some(Role::Recruiter), expires_at, ..NewKey::default() };
        app.make_api_key(new, &World::caller()).await.unwrap()
    };
    let (ended, old) = make("ended", Some(60)).await;
    let (revoked, taken) = make("revoked", None).await;
    let (rolled, first) = make("rolled", None).await;
    app.revoke_api_key(revoked.id, &World::caller()).await.unwrap();
    app.roll_api_key(rolled.id, 60, &World::caller()).await.unwrap();
    world.clock.advance(3600);
    let flood = async || {
        let mut calls = JoinSet::new();
        for number in 0..30_usize {
            let (app, text) = (apps[number % 2].clone(), [&old, &taken, &first][number % 3].clone());
            calls.spawn(async move { app.authenticate(&text).await.unwrap() });
        }
        assert!(calls.join_all().await.into_iter().all(|known| known.is_none()));
        for app in &apps {
            app.note_lacking(rolled.id, Right::Administer).await.unwrap();
            app.note_lacking(rolled.id, Right::Lend).await.unwrap();
        }
    };
    flood().await;
    let mut refused: Vec<(String, String)> = Vec::new();
    for (actor, subject, payload) in lines(app, "key.refused").await {
        assert_eq!(actor, domain::audit::Actor::ApiKey(subject.clone()));
        let why = payload["right"].as_str().or(payload["why"].as_str()).unwrap();
        refused.push((subject, why.to_owned()));
    }
    refused.sort();
    let [ended, revoked, rolled] = [&ended, &revoked, &rolled].map(|key| key.id.to_string());
    let mut expected =
        [(ended, "expired"), (revoked, "revoked"), (rolled.clone(), "rolled"), (rolled.clone(), "administer"), (rolled, "lend")]
            .map(|(id, why)| (id, why.to_owned()));
    expected.sort();
    assert_eq!(refused, expected);
    world.clock.advance(3599);
    flood().await;
    assert_eq!(lines(app, "key.refused").await.len(), 5, "within the hour");
    world.clock.advance(1);
    flood().await;
    assert_eq!(lines(app, "key.refused").await.len(), 10);
    assert_eq!(lines(app, "key.used").await, [], "a refusal is no use");
}

#[tokio::test]
async fn log_ins_that_fail_and_log_outs_are_on_record_and_name_neither_address_nor_network() {
    let world = world("access_log_ins").await;
    let (one, other) = (&world.app, &world.second().await);
    let (id, begun, _) = ada(one).await;
    for round in 0..3 {
        for app in [one, other] {
            assert_eq!(attempt(app, "mallory@example.org", RIGHT, address(7), None).await, "wrong", "{round}");
            if round < 2 {
                assert_eq!(attempt(app, ADA, "red lamps on a tram", address(8), None).await, "wrong", "{round}");
            }
        }
    }
    assert_eq!(attempt(one, "eve@example.org", RIGHT, address(9), None).await, "wrong", "another network");
    let system = domain::audit::Actor::System;
    let line = |subject: &str| (system.clone(), subject.to_owned(), serde_json::json!({"by": "password"}));
    let mut lines_now = lines(one, "account.login_refused").await;
    lines_now.sort_by(|one, other| one.1.cmp(&other.1));
    assert_eq!(lines_now, [line(&id.to_string()), line("unknown"), line("unknown")]);
    world.clock.advance(3600);
    assert_eq!(attempt(other, ADA, "red lamps on a tram", address(8), None).await, "wrong");
    assert_eq!(lines(one, "account.login_refused").await.len(), 4, "the next hour");
    one.log_out(&begun.cookie).await.unwrap();
    one.log_out(&begun.cookie).await.unwrap();
    let out = lines(one, "admin.logged_out").await;
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].0, domain::audit::Actor::Account(id.to_string()), "it is said who left");
    let log = format!("{:?}", one.audit(ports::store::Page { after: None, limit: 200 }).await.unwrap());
    for wrong in ["mallory", "eve@", "ada@", "192.0.2"] {
        assert!(!log.contains(wrong), "{wrong} stands in the log");
    }
}
