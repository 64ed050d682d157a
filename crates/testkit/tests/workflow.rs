//! From approval to feedback against a simulated Zoho, step by step.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use app::{CandidateInput, Setup, VacancyPatch};
use common::World;
use domain::{
    feedback::{Answers, Recommendation},
    interviews::InterviewState,
    links::ConnectOutcome,
};
use serde_json::json;

fn answers() -> Answers {
    let score = |value: i64| value.try_into().unwrap();
    Answers {
        technical: score(8),
        communication: score(7),
        problem_solving: score(9),
        culture: score(8),
        overall: score(8),
        strengths: "Calm".into(),
        to_improve: String::new(),
        notes: String::new(),
        recommendation: Recommendation::Hire,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_walk_from_approval_to_feedback() {
    let world = World::new("walk").await;
    let id = world.vacancy(&["Noor", "Tomasz", "Mei"]).await;
    world.approve(id).await;
    world.drain().await;
    assert_eq!(world.mails("ana@example.com").await, ["permission_request"]);
    assert_eq!(world.app.vacancy(id).await.unwrap().waiting_for[0].on, "permission");

    let token = world.consent("ana@example.com").await;
    assert_eq!(world.app.connect_page(&token).await.unwrap().outcome, ConnectOutcome::Working);
    world.pass(60).await;
    assert_eq!(world.app.connect_page(&token).await.unwrap().outcome, ConnectOutcome::Connected);

    let view = world.app.vacancy(id).await.unwrap();
    let starts: Vec<_> = view.shortlist.iter().map(|item| item.interview.as_ref().unwrap().range.start().to_string()).collect();
    // A day's notice from Monday 03:00 in New York, office hours from 09:00: Tuesday, 14:00, 15:00 and 16:00 UTC.
    assert_eq!(starts, ["2026-11-24T14:00:00Z", "2026-11-24T15:00:00Z", "2026-11-24T16:00:00Z"]);
    assert!(view.shortlist.iter().all(|item| item.interview.as_ref().unwrap().state == InterviewState::Booked));
    assert_eq!(world.events("ana@example.com").await.len(), 3);
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked"]);
    assert_eq!(world.mails("recruiting@example.com").await, ["summary"]);

    world.pass(29 * 3_600 + 1_800).await;
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked", "reminder_24h", "reminder_1h"]);
    world.pass(3 * 3_600).await;
    let view = world.app.vacancy(id).await.unwrap();
    let interview = view.shortlist[0].interview.clone().unwrap();
    assert_eq!(interview.state, InterviewState::Done);
    assert!(world.mails("ana@example.com").await.contains(&"feedback_request".to_owned()));
    world.app.submit_feedback(interview.id, None, answers(), &World::caller()).await.unwrap();
    world.drain().await;
    assert_eq!(world.app.interview(interview.id).await.unwrap().feedback.unwrap().answers, answers());
    assert!(world.mails("recruiting@example.com").await.contains(&"result".to_owned()));
    the_log_tells_no_tales(&world).await;
}

/// Who and what stand in the audit log as ids and codes: no address, no name, no title, nothing of the feedback. And it can be verified.
async fn the_log_tells_no_tales(world: &World) {
    world.app.seal_audit().await.unwrap();
    let page = ports::store::Page::first(200);
    let log = world.app.audit_lines(&domain::audit::Filter::default(), page, true).await.unwrap();
    assert!(log.len() > 30, "{}", log.len());
    let text = log.iter().map(|line| serde_json::to_string(&app::ExportedLine::from(line.clone())).unwrap()).collect::<String>();
    for wrong in [
        "ana@example.com",
        "@example.net",
        "@example.com\"",
        "Noor",
        "Tomasz",
        "Ana Diaz",
        "Platform engineer",
        "Calm",
        "meet.example.com",
    ] {
        assert!(!text.contains(wrong), "the log says {wrong}");
    }
    let report = world.app.verify_audit(app::VerifyOptions::default()).await.unwrap();
    assert!(report.holds() && report.unsealed == 0, "{:?}", report.findings);
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_twice_starts_once_and_a_late_candidate_moves_nobody() {
    let world = World::new("late-candidate").await;
    let id = world.booked(&["Noor", "Mei"]).await;
    let before: Vec<_> =
        world.app.vacancy(id).await.unwrap().shortlist.iter().map(|item| item.interview.clone().unwrap()).collect();
    world.approve(id).await;
    let late = CandidateInput { name: "Late".into(), email: "late@example.net".into(), ..CandidateInput::default() };
    world.app.add_candidate(id, late, &World::caller()).await.unwrap();
    world.pass(60).await;
    let after: Vec<_> = world.app.vacancy(id).await.unwrap().shortlist.iter().map(|item| item.interview.clone().unwrap()).collect();
    assert_eq!(after[..2], before[..], "nobody else moves");
    assert_eq!(after[2].state, InterviewState::Booked);
    assert_eq!(world.events("ana@example.com").await.len(), 3);
    assert_eq!(world.mails("ana@example.com").await.iter().filter(|kind| *kind == "manager_booked").count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn permission_is_asked_for_again_after_2_4_and_7_days_and_then_needs_a_person() {
    let world = World::new("ask-again").await;
    let id = world.vacancy(&["Noor"]).await;
    world.app.update_vacancy(id, no_provisional(), None, &World::caller()).await.unwrap();
    world.approve(id).await;
    let asked = async |days: i64| {
        world.pass(days * 86_400 - world.app.now().as_second() + start()).await;
        world.mails("ana@example.com").await.len()
    };
    assert_eq!(asked(1).await, 1);
    assert_eq!(asked(3).await, 2);
    assert_eq!(asked(6).await, 3);
    assert_eq!(asked(8).await, 4);
    assert_eq!(asked(20).await, 4, "it ends");
    let waiting = world.app.vacancy(id).await.unwrap().waiting_for;
    assert_eq!(waiting[0].next.as_deref(), Some("permission_exhausted"));
    assert!(world.mails("recruiting@example.com").await.contains(&"attention".to_owned()));
}

fn start() -> i64 {
    common::START.parse::<domain::Timestamp>().unwrap().as_second()
}

fn no_provisional() -> VacancyPatch {
    let policy = domain::vacancies::Policy { provisional: false, ..domain::vacancies::Policy::default() };
    VacancyPatch { policy: Some(policy), ..VacancyPatch::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_permission_times_are_provisional_and_confirmed_by_the_real_calendar() {
    let world = World::new("provisional").await;
    let id = world.vacancy(&["Noor", "Mei"]).await;
    world.approve(id).await;
    world.pass(49 * 3_600).await;
    let view = world.app.vacancy(id).await.unwrap();
    let proposed: Vec<_> = view.shortlist.iter().map(|item| item.interview.clone().unwrap()).collect();
    assert!(proposed.iter().all(|interview| interview.state == InterviewState::Proposed && interview.provisional));
    assert!(world.mails("noor@example.net").await.is_empty(), "the candidate hears nothing yet");
    assert!(world.events("ana@example.com").await.is_empty(), "no calendar is touched");
    assert_eq!(world.mails("ana@example.com").await.iter().filter(|kind| *kind == "proposal").count(), 2);

    // The first proposed time turns out to be taken in the real calendar.
    let range = proposed[0].range;
    busy(&world, range.start(), range.end(), "Board meeting").await;
    world.consent("ana@example.com").await;
    world.pass(120).await;
    let view = world.app.vacancy(id).await.unwrap();
    let booked: Vec<_> = view.shortlist.iter().map(|item| item.interview.clone().unwrap()).collect();
    assert!(booked.iter().all(|interview| interview.state == InterviewState::Booked && !interview.provisional));
    assert_ne!(booked[0].range, range, "moved off the meeting");
    assert_eq!(booked[1].range, proposed[1].range, "the other one was free and stays");
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked"]);
    assert_eq!(world.events("ana@example.com").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provisional_time_nobody_confirms_is_released_at_the_minimum_notice() {
    let world = World::new("released").await;
    let id = world.vacancy(&["Noor"]).await;
    world.approve(id).await;
    world.pass(49 * 3_600).await;
    let first = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    world.pass(3 * 86_400).await;
    let first = world.app.interview(first.id).await.unwrap().interview;
    assert_eq!(first.state, InterviewState::Cancelled);
    let next = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    assert_ne!(next.id, first.id, "a later time is proposed instead");
    assert!(world.mails("noor@example.net").await.is_empty());
}

/// Somebody makes a meeting in Ana's calendar by hand.
async fn busy(world: &World, start: domain::Timestamp, end: domain::Timestamp, title: &str) {
    let zoho = |at: domain::Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    world.sim_post("events", json!({"email": "ana@example.com", "event": {"title": title, "dateandtime": {"timezone": "UTC", "start": zoho(start), "end": zoho(end)}}})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_taken_between_reading_and_writing_gives_the_next_one() {
    let world = World::new("slot-taken").await;
    let id = world.vacancy(&["Noor"]).await;
    world.consent("ana@example.com").await;
    world.drain().await;
    world.approve(id).await;
    // One job at a time: the vacancy is arranged, then, before the event is written, a meeting appears.
    world.app.drain(1).await.unwrap();
    let placed = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    assert_eq!(placed.state, InterviewState::Booking);
    busy(&world, placed.range.start(), placed.range.end(), "Board meeting").await;
    world.pass(60).await;
    let booked = world.app.interview(placed.id).await.unwrap().interview;
    assert_eq!(booked.state, InterviewState::Booked);
    assert!(!booked.range.overlaps(placed.range));
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked"]);
}

/// Arms a fault for the next create, lets it strike, and expects one event and one invitation in the end.
async fn unclear_create(name: &str, fault: serde_json::Value) {
    let world = World::new(name).await;
    let id = world.vacancy(&["Noor"]).await;
    world.consent("ana@example.com").await;
    world.drain().await;
    let mut armed = json!({"path": "/api/v1/calendars/*/events", "method": "POST"});
    armed.as_object_mut().unwrap().extend(fault.as_object().unwrap().clone());
    world.sim_post("faults", armed).await;
    world.approve(id).await;
    world.drain().await;
    assert!(world.mails("noor@example.net").await.is_empty(), "nobody is told before the calendar is known to have it");
    world.pass(3_600).await;
    assert_eq!(world.events("ana@example.com").await.len(), 1, "{name}: one event");
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked"]);
    let interview = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    assert!(interview.state == InterviewState::Booked && interview.is_settled(), "{interview:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_happened_without_an_answer_is_found_by_its_marker() {
    unclear_create("create-then-drop", json!({"kind": "commit_then_drop"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_happens_late_is_found_before_another_is_made() {
    unclear_create("drop-then-create", json!({"kind": "drop_then_commit_after", "seconds": 40})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_that_never_happened_is_made_again() {
    unclear_create("create-reset", json!({"kind": "reset"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_html_or_an_empty_object_is_no_booking() {
    unclear_create("create-html", json!({"kind": "html200"})).await;
    unclear_create("create-empty", json!({"kind": "empty_object"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_changes_the_event_and_tells_both_with_a_higher_sequence() {
    let world = World::new("move").await;
    let id = world.booked(&["Noor"]).await;
    let interview = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    let start = interview.range.start().checked_add(jiff::SignedDuration::from_hours(2)).unwrap();
    let stale = world.app.move_interview(interview.id, start, Some(interview.rev + 5), false, &World::caller()).await;
    assert!(matches!(stale, Err(app::Error::Stale { .. })));
    let dry = world.app.move_interview(interview.id, start, None, true, &World::caller()).await.unwrap();
    assert_eq!(dry.interview.range.start(), start);
    assert_eq!(world.app.interview(interview.id).await.unwrap().interview.range, interview.range, "a dry run changes nothing");
    world.app.move_interview(interview.id, start, None, false, &World::caller()).await.unwrap();
    world.pass(60).await;
    let moved = world.app.interview(interview.id).await.unwrap().interview;
    assert_eq!((moved.state, moved.sequence, moved.is_settled()), (InterviewState::Booked, 1, true));
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked", "candidate_moved"]);
    let events = world.events("ana@example.com").await;
    assert_eq!(events.len(), 1);
    let night = interview.range.start().checked_add(jiff::SignedDuration::from_hours(12)).unwrap();
    let refused = world.app.move_interview(interview.id, night, None, false, &World::caller()).await.unwrap_err();
    assert!(refused.to_string().contains("outside_hours"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_at_zoho_starts_the_provisional_path_at_once() {
    let world = World::new("refused").await;
    let id = world.vacancy(&["Noor"]).await;
    world.approve(id).await;
    world.drain().await;
    let Setup::NeedsAuthorization { url, .. } = world.app.setup("ana@example.com", None, false, &World::caller()).await.unwrap()
    else {
        panic!("connected")
    };
    let callback = world.decide(&url, "ana@example.com", "reject").await;
    let token = world.app.callback(callback, &World::caller()).await.unwrap();
    world.pass(60).await;
    assert_eq!(world.app.connect_page(&token).await.unwrap().outcome, ConnectOutcome::Refused);
    let interview = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    assert!(interview.provisional);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_waits_for_an_administrator_and_touches_nothing() {
    let world = World::new("other-account").await;
    let id = world.vacancy(&["Noor"]).await;
    world.approve(id).await;
    let token = world.consent_as("ana@example.com", "bruno@example.com").await;
    world.pass(60).await;
    assert_eq!(world.app.connect_page(&token).await.unwrap().outcome, ConnectOutcome::AwaitingAdministrator);
    let view = world.app.vacancy(id).await.unwrap();
    assert_eq!(view.waiting_for[0].on, "administrator");
    let grant = view.grant.unwrap();
    assert!(!world.app.status("ana@example.com").await.unwrap().has_integration);
    world.app.decide_pending(grant.id, true, &World::caller()).await.unwrap();
    world.pass(60).await;
    assert!(world.app.status("ana@example.com").await.unwrap().is_active);
    assert_eq!(world.events("bruno@example.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_revoked_at_zoho_is_believed_dead_after_the_second_refusal_and_the_manager_gets_a_link() {
    let world = World::new("revoked").await;
    world.booked(&["Noor"]).await;
    world.sim_post("revoke", json!({"email": "ana@example.com"})).await;
    let first = world.app.refresh_now("ana@example.com", &World::caller()).await;
    assert!(matches!(first, Err(app::Error::Provider { .. })), "{first:?}");
    assert!(world.app.status("ana@example.com").await.unwrap().is_active, "one refusal is not believed");
    world.pass(1_000).await;
    let status = world.app.status("ana@example.com").await.unwrap();
    assert!(status.has_integration && !status.is_active && !status.has_valid_token);
    assert!(world.mails("ana@example.com").await.contains(&"fresh_permission_link".to_owned()));
    world.consent("ana@example.com").await;
    world.pass(60).await;
    assert!(world.app.status("ana@example.com").await.unwrap().is_active, "reconnected");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_calendar_is_never_taken_for_an_empty_one() {
    let world = World::new("unreadable").await;
    let id = world.vacancy(&["Noor"]).await;
    world.consent("ana@example.com").await;
    world.drain().await;
    world.sim_post("faults", json!({"path": "/api/v1/calendars/*/events", "method": "GET", "kind": "html200", "times": 12})).await;
    world.approve(id).await;
    world.drain().await;
    let view = world.app.vacancy(id).await.unwrap();
    assert!(view.shortlist[0].interview.is_none(), "nothing is booked blindly");
    assert_eq!((view.waiting_for[0].on.as_str(), view.waiting_for[0].next.as_deref()), ("calendar", Some("calendar_unreadable")));
    let window =
        domain::TimeRange::new(world.app.now(), world.app.now().checked_add(jiff::SignedDuration::from_hours(72)).unwrap())
            .unwrap();
    let availability = world.app.availability("ana@example.com", window, 60).await.unwrap();
    assert_eq!((availability.source, availability.slots.len()), ("unknown", 0));
    world.pass(4 * 3_600).await;
    assert_eq!(
        world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap().state,
        InterviewState::Booked,
        "it goes on by itself"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fresh_token_is_kept_for_days_within_the_budget() {
    let world = World::new("fresh").await;
    world.booked(&["Noor"]).await;
    for _ in 0..48 {
        world.pass(3_600).await;
        assert!(world.app.status("ana@example.com").await.unwrap().has_valid_token);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_manager_changed_in_the_calendar_is_a_fact() {
    let world = World::new("by-hand").await;
    let id = world.booked(&["Noor", "Mei"]).await;
    let before: Vec<_> =
        world.app.vacancy(id).await.unwrap().shortlist.iter().map(|item| item.interview.clone().unwrap()).collect();
    let uid = |index: usize| before[index].event.clone().unwrap().uid;
    // She moves one interview by four hours and retitles it, and deletes the other.
    let moved = before[0].range.start().checked_add(jiff::SignedDuration::from_hours(4)).unwrap();
    let when = |at: domain::Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let end = moved.checked_add(before[0].range.duration()).unwrap();
    let event = json!({"title": "Interview with Noor, at last", "dateandtime": {"timezone": "UTC", "start": when(moved), "end": when(end)}});
    world.sim_change("PATCH", json!({"email": "ana@example.com", "uid": uid(0), "event": event})).await;
    world.sim_change("DELETE", json!({"email": "ana@example.com", "uid": uid(1)})).await;
    // Before the next reminder goes out the calendar is looked at.
    world.pass(29 * 3_600 + 1_800).await;
    let noor = world.app.interview(before[0].id).await.unwrap().interview;
    assert_eq!((noor.range.start(), noor.state), (moved, InterviewState::Booked));
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked", "candidate_moved", "reminder_24h"]);
    let mei = world.app.interview(before[1].id).await.unwrap().interview;
    assert_eq!(mei.state, InterviewState::Attention);
    assert!(world.mails("recruiting@example.com").await.contains(&"attention".to_owned()));
    assert_eq!(world.mails("mei@example.net").await, ["candidate_booked"], "no reminder of an interview in doubt");
    // A person keeps it: it is written again.
    world.app.resolve_interview(mei.id, &World::caller()).await.unwrap();
    world.pass(60).await;
    assert_eq!(world.app.interview(mei.id).await.unwrap().interview.state, InterviewState::Booked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_starts_nothing_and_a_resume_goes_on() {
    let world = World::new("pause").await;
    let id = world.vacancy(&["Noor"]).await;
    world.consent("ana@example.com").await;
    world.drain().await;
    world.approve(id).await;
    world.app.pause(id, &World::caller()).await.unwrap();
    world.pass(3_600).await;
    assert!(world.app.vacancy(id).await.unwrap().shortlist[0].interview.is_none());
    assert_eq!(world.app.vacancy(id).await.unwrap().waiting_for[0].next.as_deref(), Some("resume"));
    world.app.pause_all(true, &World::caller()).await.unwrap();
    world.app.resume(id, &World::caller()).await.unwrap();
    world.pass(3_600).await;
    assert!(world.app.vacancy(id).await.unwrap().shortlist[0].interview.is_none(), "everything is paused");
    world.app.pause_all(false, &World::caller()).await.unwrap();
    world.pass(60).await;
    assert_eq!(world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap().state, InterviewState::Booked);
}

#[tokio::test(flavor = "multi_thread")]
async fn used_expired_and_altered_links_open_nothing() {
    let world = World::new("links").await;
    let Setup::NeedsAuthorization { url, .. } = world.app.setup("ana@example.com", None, true, &World::caller()).await.unwrap()
    else {
        panic!("connected")
    };
    let again = world.app.setup("ANA@example.com", None, false, &World::caller()).await.unwrap();
    assert!(matches!(again, Setup::NeedsAuthorization { url: same, .. } if same == url), "the same live link");
    world.drain().await;
    assert_eq!(world.mails("ana@example.com").await, ["fresh_permission_link"], "mailed once, because it was asked for once");
    let callback = world.decide(&url, "ana@example.com", "accept").await;
    let mut altered = callback.clone();
    altered.state = altered.state.map(|state| format!("A{}", &state[1..]));
    assert!(matches!(world.app.callback(altered, &World::caller()).await, Err(app::Error::Link(..))));
    let mut nowhere = callback.clone();
    nowhere.accounts_server = Some("https://accounts.example.com".into());
    let mut missing = callback.clone();
    missing.state = None;
    assert!(matches!(world.app.callback(missing, &World::caller()).await, Err(app::Error::Link(..))));
    let token = world.app.callback(nowhere, &World::caller()).await.unwrap();
    assert_eq!(
        world.app.connect_page(&token).await.unwrap().outcome,
        ConnectOutcome::WrongDataCentre,
        "a host that is not on the list gets no secret"
    );
    assert!(matches!(world.app.callback(callback, &World::caller()).await, Err(app::Error::Link(..))), "used");
    let Setup::NeedsAuthorization { url: next, .. } =
        world.app.setup("ana@example.com", None, false, &World::caller()).await.unwrap()
    else {
        panic!("connected")
    };
    assert_ne!(next, url, "using it voids it");
    let late = world.decide(&next, "ana@example.com", "accept").await;
    world.clock.advance(8 * 86_400);
    assert!(matches!(world.app.callback(late, &World::caller()).await, Err(app::Error::Link(..))), "expired");
    assert!(!world.app.status("ana@example.com").await.unwrap().has_integration);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_made_by_api_takes_the_time_and_a_clash_is_refused() {
    let world = World::new("api-event").await;
    let id = world.booked(&["Noor"]).await;
    let booked = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap().range;
    let event = |range, allow_conflict| app::NewEvent { title: "Offsite".into(), range, description: None, allow_conflict };
    let make =
        async |range, allow| world.app.create_calendar_event("ana@example.com", None, event(range, allow), &World::caller()).await;
    assert!(matches!(make(booked, false).await, Err(app::Error::Refused { code: "clash", .. })), "an interview is there");
    make(booked, true).await.unwrap();
    let next = domain::TimeRange::new(booked.end(), booked.end().checked_add(booked.duration()).unwrap()).unwrap();
    let (one, two) = tokio::join!(make(next, false), make(next, false));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|won| **won).count(), 1, "two at once: one wins");
    let late = CandidateInput { name: "Late".into(), email: "late@example.net".into(), ..CandidateInput::default() };
    world.app.add_candidate(id, late, &World::caller()).await.unwrap();
    world.pass(3_600).await;
    let interview = world.app.vacancy(id).await.unwrap().shortlist[1].interview.clone().unwrap();
    assert!(interview.state == InterviewState::Booked && !interview.range.overlaps(next), "{interview:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interview_that_a_person_cancelled_is_not_booked_again_by_accident() {
    let world = World::new("cancelled-stays").await;
    let id = world.booked(&["Noor"]).await;
    let interview = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    world.app.cancel_interview(interview.id, "filled", None, false, &World::caller()).await.unwrap();
    let late = CandidateInput { name: "Late".into(), email: "late@example.net".into(), ..CandidateInput::default() };
    world.app.add_candidate(id, late, &World::caller()).await.unwrap();
    world.pass(3_600).await;
    assert_eq!(world.mails("noor@example.net").await, ["candidate_booked", "candidate_cancelled"]);
    assert_eq!(world.events("ana@example.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_dragged_elsewhere_takes_the_managers_time_there() {
    let world = World::new("dragged").await;
    let id = world.booked(&["Noor"]).await;
    let interview = world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap();
    let next = interview.range.end();
    let end = next.checked_add(interview.range.duration()).unwrap();
    let zoho = |at: domain::Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let event = json!({"dateandtime": {"timezone": "UTC", "start": zoho(next), "end": zoho(end)}});
    world.sim_change("PATCH", json!({"email": "ana@example.com", "uid": interview.event.unwrap().uid, "event": event})).await;
    let late = CandidateInput { name: "Late".into(), email: "late@example.net".into(), ..CandidateInput::default() };
    world.app.add_candidate(id, late, &World::caller()).await.unwrap();
    world.pass(60).await;
    let other = world.app.vacancy(id).await.unwrap().shortlist[1].interview.clone().unwrap();
    assert!(other.range.start() >= end, "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_outage_ends_by_itself_and_nothing_is_given_up() {
    let world = World::new("outage").await;
    let id = world.vacancy(&["Noor"]).await;
    world.consent("ana@example.com").await;
    world.drain().await;
    world.sim_post("faults", json!({"path": "/api/v1/calendars", "kind": "status", "status": 503, "times": 100_000})).await;
    world.approve(id).await;
    world.pass(6 * 3_600).await;
    assert!(world.app.dead_jobs(10).await.unwrap().is_empty());
    world.sim.with(|world, _| world.faults.clear());
    world.pass(3_600).await;
    assert_eq!(world.app.vacancy(id).await.unwrap().shortlist[0].interview.clone().unwrap().state, InterviewState::Booked);
}
