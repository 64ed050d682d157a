//! A restored installation lets nothing out until its calendars were compared and an administrator released it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use app::{CandidateInput, Error};
use common::World;
use domain::{
    alerts::AlertKind,
    held::{Found, Held},
    interviews::InterviewState,
};
use ports::store::Page;
use serde_json::{Value, json};

/// What the restore sets.
fn held(world: &World) -> Vec<(String, String)> {
    let held = Held { since: world.app.now(), backup: "greenroom-1.backup".into(), as_of: world.app.now(), erasures: None };
    vec![("held".into(), serde_json::to_string(&held).unwrap()), ("held_comparison".into(), "null".into())]
}

async fn alert_lasts(world: &World) -> bool {
    world.app.alerts(true, 50).await.unwrap().iter().any(|view| view.alert.kind == AlertKind::Held)
}

/// Requests to the simulator that may have changed something there.
async fn writes(world: &World) -> Vec<Value> {
    let journal = world.sim_get("journal").await;
    let entries = journal["requests"].as_array().cloned().unwrap();
    assert!(!entries.is_empty(), "reads stand there: {journal}");
    entries.into_iter().filter(|entry| entry["method"] != "GET").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_a_held_installation_and_release_lets_go() {
    let mut world = World::new("held").await;
    let id = world.booked(&["Noor", "Mei", "Tomasz"]).await;
    let shortlist = world.app.vacancy(id).await.unwrap().shortlist;
    let [noor, mei, tomasz] = [0, 1, 2].map(|at: usize| shortlist[at].interview.clone().unwrap());
    let dump = world.dump().await;

    // After the backup: the manager moves one event and deletes another, and one more interview is booked.
    let later = noor.range.start().checked_add(jiff::SignedDuration::from_hours(48)).unwrap();
    let end = later.checked_add(noor.range.duration()).unwrap();
    let zoho = |at: domain::Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let event = json!({"dateandtime": {"timezone": "UTC", "start": zoho(later), "end": zoho(end)}});
    world.sim_change("PATCH", json!({"email": "ana@example.com", "uid": noor.event.clone().unwrap().uid, "event": event})).await;
    world.sim_change("DELETE", json!({"email": "ana@example.com", "uid": mei.event.clone().unwrap().uid})).await;
    let late = CandidateInput { name: "Late".into(), email: "late@example.net".into(), ..CandidateInput::default() };
    world.app.add_candidate(id, late, &World::caller()).await.unwrap();
    world.pass(60).await;
    let unknown = world.app.vacancy(id).await.unwrap().shortlist[3].interview.clone().unwrap();
    assert_eq!(unknown.state, InterviewState::Booked);

    let settings = held(&world);
    world.restore("held_restored", dump, settings).await;
    world.sim.with(|zoho, _| zoho.journal.clear());
    let (events, mails) = (world.events("ana@example.com").await, world.app.mails(None, Page::first(200)).await.unwrap());
    assert!(world.app.start_held().await.unwrap());
    assert!(alert_lasts(&world).await);
    let early = world.app.release_held(&World::caller()).await.unwrap_err();
    assert!(matches!(early, Error::Refused { code: "not_compared", .. }), "{early:?}");

    // Until Tuesday, 12:30 UTC: reminders come due, tokens end, interviews draw near.
    world.pass(28 * 3_600).await;
    assert_eq!(world.fuse.count(), 0, "no mail, no write, no refresh, no revocation");
    assert_eq!(writes(&world).await, Vec::<Value>::new());
    assert_eq!(world.events("ana@example.com").await, events);
    assert_eq!(world.app.mails(None, Page::first(200)).await.unwrap(), mails);

    let comparison = world.app.comparison().await.unwrap();
    let found = |interview| comparison.lines.iter().find(|line| line.interview == interview).map(|line| (line.found, line.live));
    assert_eq!(comparison.lines.len(), 4, "{comparison:?}");
    assert_eq!(found(tomasz.id), Some((Found::Same, Some(tomasz.range.start()))));
    assert_eq!(found(noor.id), Some((Found::Moved, Some(later))));
    assert_eq!(found(mei.id), Some((Found::Missing, None)));
    assert_eq!(found(unknown.id), Some((Found::Unknown, Some(unknown.range.start()))));

    world.app.release_held(&World::caller()).await.unwrap();
    assert!(!alert_lasts(&world).await && world.app.held().await.unwrap().is_none());
    assert!(world.app.trail("installation", 9).await.unwrap().iter().any(|entry| entry.action == "held.released"));
    world.pass(3 * 3_600).await;
    // The reminder for the day before is stale and dropped; that for the hour before goes out.
    assert_eq!(world.mails("tomasz@example.net").await, ["candidate_booked", "reminder_1h"]);
    // What was done by hand meanwhile is taken over, and what is gone put before a person.
    assert_eq!(world.app.interview(noor.id).await.unwrap().interview.range.start(), later);
    assert!(world.mails("noor@example.net").await.contains(&"candidate_moved".to_owned()));
    assert_eq!(world.app.interview(mei.id).await.unwrap().interview.state, InterviewState::Attention);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_cannot_be_read_is_said_to_be_so() {
    let mut world = World::new("held-unreadable").await;
    world.booked(&["Noor"]).await;
    let dump = world.dump().await;
    let settings = held(&world);
    world.restore("held_unreadable_restored", dump, settings).await;
    world.sim_post("faults", json!({"path": "/api/v1/calendars", "kind": "status", "status": 503, "times": 1_000})).await;
    world.app.start_held().await.unwrap();
    world.drain().await;
    let comparison = world.app.comparison().await.unwrap();
    assert!(comparison.finished_at.is_some());
    assert_eq!((comparison.count(Found::Unreadable), comparison.lines.len()), (1, 1), "{comparison:?}");
}
