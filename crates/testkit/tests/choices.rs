//! Candidates who pick their own time: asked, held, picked, moved, cancelled; nobody twice, and nothing said before it is true.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use app::{CandidateInput, Error, HoldInput, PlaceInput, VacancyInput, WishOutcome};
use common::World;
use domain::{
    Id, TimeRange, Timestamp, Zone,
    candidacies::Candidacy,
    interviews::{Interview, InterviewState},
    vacancies::{Policy, Scheduling, Vacancy},
};
use jiff::SignedDuration;
use serde_json::json;

const DAY: i64 = 24 * 3_600;

fn hours(from: Timestamp, hours: i64) -> Timestamp {
    from.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

fn code<T: std::fmt::Debug>(result: app::Result<T>) -> &'static str {
    result.unwrap_err().code()
}

/// A vacancy of Ana's (New York) whose candidates pick for themselves, approved, the calendar connected, everybody asked.
async fn asked(world: &World, names: &[&str]) -> (Id<Vacancy>, Vec<Id<Candidacy>>) {
    asked_by(world, "ana@example.com", names).await
}

async fn asked_by(world: &World, manager: &str, names: &[&str]) -> (Id<Vacancy>, Vec<Id<Candidacy>>) {
    world.consent(manager).await;
    world.drain().await;
    let candidates = names.iter().map(|name| CandidateInput {
        name: (*name).to_owned(),
        email: format!("{}@example.net", name.to_lowercase()),
        ..CandidateInput::default()
    });
    let input = VacancyInput {
        title: "Platform engineer".into(),
        manager_email: manager.into(),
        manager_name: Some("Ana Diaz".into()),
        place: Some(PlaceInput::Url("https://meet.example.com/room".into())),
        policy: Some(Policy { scheduling: Scheduling::Candidate, ..Policy::default() }),
        candidates: candidates.collect(),
        ..VacancyInput::default()
    };
    let id = world.app.create_vacancy(input, &World::caller()).await.unwrap().vacancy.id;
    world.approve(id).await;
    world.pass(60).await;
    (id, world.app.vacancy(id).await.unwrap().shortlist.iter().map(|item| item.candidacy.id).collect())
}

/// The token of a candidate's link.
async fn token(world: &World, candidacy: Id<Candidacy>) -> String {
    let page = world.app.choice(candidacy, 1).await.unwrap().page.unwrap();
    page.path_segments().unwrap().next_back().unwrap().to_owned()
}

async fn times(world: &World, token: &str) -> Vec<TimeRange> {
    world.app.choice_offers(token).await.unwrap().times
}

async fn interview(world: &World, id: Id<Interview>) -> Interview {
    world.app.interview(id).await.unwrap().interview
}

/// What the store holds of claims: pairs of holder and interview with how many cells.
async fn cells(world: &World) -> usize {
    world.everything().await.iter().filter(|(table, _)| table == "claims").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_picks_once_the_calendar_has_it_both_are_told_and_nobody_is_reminded() {
    let world = World::new("choice-picks").await;
    let (_, places) = asked(&world, &["Noor"]).await;
    assert_eq!(world.mails("noor@example.net").await, ["choice"]);
    assert!(world.events("ana@example.com").await.is_empty(), "nothing is booked for somebody who picks");
    let token = token(&world, places[0]).await;
    let rows = world.everything().await.len();
    let offers = world.app.choice_offers(&token).await.unwrap();
    assert!(world.app.choice_page(&token).await.unwrap().open);
    assert_eq!((offers.source, world.everything().await.len()), ("known", rows), "looking changes nothing");
    let madrid = Zone::new("Europe/Madrid").unwrap();
    let picked = world.app.choose(&token, offers.times[3].start(), Some(&madrid)).await.unwrap();
    assert_eq!(picked.interview.state, InterviewState::Booking);
    let page = world.app.choice_page(&token).await.unwrap();
    assert_eq!(page.interview.unwrap().state, InterviewState::Booking, "it is not called booked before the calendar has it");
    assert_eq!(world.mails("noor@example.net").await, ["choice"]);
    world.drain().await;
    let booked = interview(&world, picked.interview.id).await;
    assert_eq!((booked.state, booked.range), (InterviewState::Booked, offers.times[3]));
    assert_eq!(world.events("ana@example.com").await.len(), 1);
    assert_eq!(world.mails("noor@example.net").await, ["choice", "candidate_booked"]);
    assert!(world.mails("ana@example.com").await.contains(&"manager_booked".to_owned()));
    let view = world.app.interview(booked.id).await.unwrap();
    assert_eq!(view.candidate.zone, Some(madrid), "mails use the zone in which the candidate picked");
    // Picking again is refused, whoever asks.
    assert_eq!(code(world.app.choose(&token, offers.times[9].start(), None).await), "already_chosen");
    assert_eq!(code(world.app.ask_to_choose(places[0], 1, true, &World::caller()).await), "already_chosen");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_candidates_who_pick_one_time_have_one_winner_and_the_others_see_fresh_times() {
    let world = World::new("choice-race").await;
    let names: Vec<String> = (0..32).map(|number| format!("candidate{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (_, places) = asked(&world, &names).await;
    let mut tokens = Vec::new();
    for place in &places {
        tokens.push(token(&world, *place).await);
    }
    let wanted = times(&world, &tokens[0]).await[0];
    let apps = [world.app.clone(), world.second().await];
    let mut tasks = tokio::task::JoinSet::new();
    for (number, token) in tokens.iter().cloned().enumerate() {
        let app = apps[number % 2].clone();
        tasks.spawn(async move { (token.clone(), app.choose(&token, wanted.start(), None).await.map(|view| view.interview.id)) });
    }
    let (mut winners, mut losers) = (Vec::new(), Vec::new());
    while let Some(ran) = tasks.join_next().await {
        match ran.unwrap() {
            (_, Ok(id)) => winners.push(id),
            (token, Err(error)) => {
                assert!(matches!(error.code(), "time_not_available" | "conflict"), "{error}");
                losers.push(token);
            }
        }
    }
    assert_eq!((winners.len(), losers.len()), (1, 31));
    for token in &losers {
        let page = world.app.choice_page(token).await.unwrap();
        assert!(page.open && page.interview.is_none());
    }
    let fresh = times(&world, &losers[0]).await;
    assert!(!fresh.is_empty() && fresh.iter().all(|time| !time.overlaps(wanted)));
    world.app.choose(&losers[0], fresh[0].start(), None).await.unwrap();
    world.drain().await;
    assert_eq!(world.events("ana@example.com").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_offered_to_nobody_else_until_it_ends_and_becomes_a_booking_by_compare_and_swap() {
    let world = World::new("choice-hold").await;
    let (_, places) = asked(&world, &["Noor", "Mei"]).await;
    let (app, caller) = (&world.app, World::caller());
    let other = token(&world, places[1]).await;
    let wanted = times(&world, &other).await[0];
    let input = HoldInput { start: wanted.start(), minutes: Some(30) };
    let dry = app.hold(places[0], 1, input, true, &caller).await.unwrap();
    assert_eq!((dry.state, cells(&world).await), ("held", 0), "a dry run holds nothing");
    let held = app.hold(places[0], 1, input, false, &caller).await.unwrap();
    assert_eq!((held.state, cells(&world).await), ("held", 24), "twelve cells of each");
    assert!(times(&world, &other).await.iter().all(|time| !time.overlaps(wanted)));
    assert!(app.offers(places[0], 1).await.unwrap().times.contains(&wanted), "their own hold is not in their way");
    assert_eq!(code(app.choose(&other, wanted.start(), None).await), "time_not_available");
    assert_eq!(code(app.hold(places[1], 1, input, false, &caller).await), "time_not_available");
    // Another hold gives the first back.
    let second = times(&world, &other).await[4];
    app.hold(places[0], 1, HoldInput { start: second.start(), minutes: None }, false, &caller).await.unwrap();
    assert!(times(&world, &other).await.contains(&wanted));
    // It ends by itself.
    world.clock.advance(601);
    assert!(times(&world, &other).await.contains(&second));
    assert_eq!(code(app.confirm_hold(places[0], 1, None, false, &caller).await), "no_hold");
    // Confirmed by ten at once: one booking, with the id under which it was held.
    let held = app.hold(places[0], 1, input, false, &caller).await.unwrap().choice.hold.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    let apps = [world.app.clone(), world.second().await];
    for number in 0..10 {
        let (app, place) = (apps[number % 2].clone(), places[0]);
        tasks.spawn(async move { app.confirm_hold(place, 1, None, false, &World::caller()).await.map(|view| view.interview.id) });
    }
    let mut confirmed = Vec::new();
    while let Some(ran) = tasks.join_next().await {
        confirmed.extend(ran.unwrap().ok());
    }
    assert_eq!(confirmed, [held.interview]);
    world.clock.advance(3_600);
    world.drain().await;
    assert_eq!(interview(&world, held.interview).await.state, InterviewState::Booked);
    assert_eq!(cells(&world).await, 24, "the claims of the hold are those of the booking, and do not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_takes_the_candidates_time_with_other_managers_too() {
    let world = World::new("choice-hold-guest").await;
    let (_, of_ana) = asked(&world, &["Noor"]).await;
    let (_, of_bruno) = asked_by(&world, "bruno@example.com", &["Noor"]).await;
    let offered = async |place| world.app.offers(place, 1).await.unwrap().times;
    let by_bruno = offered(of_bruno[0]).await;
    let both = offered(of_ana[0]).await.into_iter().find(|time| by_bruno.contains(time)).unwrap();
    let input = HoldInput { start: both.start(), minutes: None };
    world.app.hold(of_ana[0], 1, input, false, &World::caller()).await.unwrap();
    assert!(offered(of_bruno[0]).await.iter().all(|time| !time.overlaps(both)));
    let refused = world.app.hold(of_bruno[0], 1, input, false, &World::caller()).await.unwrap_err();
    assert!(refused.to_string().contains("guest_busy"), "{refused}");
    world.app.withdraw(of_ana[0], &World::caller()).await.unwrap();
    assert!(offered(of_bruno[0]).await.contains(&both), "whoever is withdrawn holds nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_moves_until_the_notice_and_the_old_time_is_kept_until_the_calendar_has_the_new_one() {
    let world = World::new("choice-move").await;
    let (_, places) = asked(&world, &["Noor", "Mei"]).await;
    let (noor, mei) = (token(&world, places[0]).await, token(&world, places[1]).await);
    let day_after = hours(world.app.now(), 50);
    let later: Vec<TimeRange> = times(&world, &noor).await.into_iter().filter(|time| time.start() > day_after).collect();
    let (old, new) = (later[0], later[4]);
    let id = world.app.choose(&noor, old.start(), None).await.unwrap().interview.id;
    world.pass(2).await;
    let moved = world.app.choice_move(&noor, new.start()).await.unwrap();
    assert_eq!(moved.interview.range, new);
    assert!(world.app.choice_page(&noor).await.unwrap().moving);
    let free = times(&world, &mei).await;
    assert!(free.iter().all(|time| !time.overlaps(old) && !time.overlaps(new)), "both times are kept");
    assert_eq!(code(world.app.choose(&mei, old.start(), None).await), "time_not_available");
    world.drain().await;
    let written = interview(&world, id).await;
    assert!(written.is_settled() && written.state == InterviewState::Booked);
    assert_eq!(world.mails("noor@example.net").await, ["choice", "candidate_booked", "candidate_moved"]);
    world.clock.advance(61);
    assert!(times(&world, &mei).await.contains(&old), "free again once the calendar has the new time");
    assert_eq!(cells(&world).await, 24);
    // A day before it starts, a person must; the recruiter still may.
    world.clock.jump(hours(new.start(), -23));
    assert_eq!(code(world.app.choice_move(&noor, later[20].start()).await), "too_late");
    assert_eq!(code(world.app.choice_cancel(&noor, "").await), "too_late");
    world.app.cancel_interview(id, "", None, false, &World::caller()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_time_can_be_booked_again_by_anybody() {
    let world = World::new("choice-again").await;
    let (_, places) = asked(&world, &["Noor", "Mei"]).await;
    let (noor, mei) = (token(&world, places[0]).await, token(&world, places[1]).await);
    let wanted = *times(&world, &noor).await.last().unwrap();
    let first = world.app.choose(&noor, wanted.start(), None).await.unwrap().interview.id;
    world.pass(2).await;
    let gone = world.app.choice_cancel(&noor, "another offer").await.unwrap();
    assert_eq!(gone.interview.state, InterviewState::Cancelled);
    world.drain().await;
    assert!(world.events("ana@example.com").await.is_empty());
    assert_eq!(world.mails("noor@example.net").await, ["choice", "candidate_booked", "candidate_cancelled"]);
    assert!(world.mails("recruiting@example.com").await.contains(&"attention".to_owned()), "the recruiter hears of it");
    world.pass(7 * 3_600).await;
    assert!(world.events("ana@example.com").await.is_empty(), "what a candidate cancelled is not booked behind their back");
    // Asked anew, the same candidate picks the same time by the same link.
    world.app.ask_to_choose(places[0], 1, true, &World::caller()).await.unwrap();
    let again = world.app.choose(&noor, wanted.start(), None).await.unwrap().interview.id;
    assert_ne!(again, first);
    world.drain().await;
    assert_eq!(interview(&world, again).await.state, InterviewState::Booked);
    world.app.choice_cancel(&noor, "").await.unwrap();
    world.drain().await;
    world.clock.advance(61);
    world.app.choose(&mei, wanted.start(), None).await.unwrap();
    world.drain().await;
    assert_eq!(world.events("ana@example.com").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_answer_is_reminded_twice_and_then_a_person_is_told() {
    let world = World::new("choice-silent").await;
    let (id, places) = asked(&world, &["Noor"]).await;
    world.pass(5 * DAY).await;
    assert_eq!(world.mails("noor@example.net").await, ["choice", "choice_reminder", "choice_reminder"]);
    assert!(!world.mails("recruiting@example.com").await.contains(&"attention".to_owned()));
    world.pass(30 * DAY).await;
    assert_eq!(world.mails("noor@example.net").await.len(), 3, "reminders have an end");
    let told = world.mails("recruiting@example.com").await;
    assert_eq!(told.iter().filter(|kind| *kind == "attention").count(), 1);
    let view = world.app.vacancy(id).await.unwrap();
    assert_eq!(view.shortlist[0].candidacy.unplaced.as_ref().unwrap().reasons, ["candidate_silent"]);
    assert_eq!(world.app.choice(places[0], 1).await.unwrap().state, "silent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_ended_opens_nothing_and_a_withdrawn_candidate_picks_nothing() {
    let world = World::new("choice-ended").await;
    let (_, places) = asked(&world, &["Noor", "Mei"]).await;
    let (noor, mei) = (token(&world, places[0]).await, token(&world, places[1]).await);
    let wanted = times(&world, &noor).await[0].start();
    world.app.end_choice(places[0], 1, &World::caller()).await.unwrap();
    assert_eq!(code(world.app.choice_page(&noor).await), "link_revoked");
    assert_eq!(code(world.app.choose(&noor, wanted, None).await), "link_revoked");
    world.app.withdraw(places[1], &World::caller()).await.unwrap();
    assert!(!world.app.choice_page(&mei).await.unwrap().open);
    assert_eq!(code(world.app.choose(&mei, wanted, None).await), "withdrawn");
    world.clock.advance(15 * DAY);
    assert_eq!(code(world.app.choice_page(&mei).await), "link_expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_cannot_be_read_offers_nothing_and_books_nothing() {
    let world = World::new("choice-unknown").await;
    let (_, places) = asked(&world, &["Noor"]).await;
    let token = token(&world, places[0]).await;
    let wanted = times(&world, &token).await[0].start();
    world.clock.advance(61);
    world.sim_post("faults", json!({"path": "/api/v1/calendars/*/events", "method": "GET", "kind": "html200", "times": 12})).await;
    let offers = world.app.choice_offers(&token).await.unwrap();
    assert_eq!((offers.source, offers.times.len()), ("unknown", 0));
    assert_eq!(code(world.app.choose(&token, wanted, None).await), "calendar_unknown");
    assert_eq!(cells(&world).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_made_a_moment_ago_is_seen_when_somebody_picks() {
    let world = World::new("choice-live").await;
    let (_, places) = asked(&world, &["Noor"]).await;
    let token = token(&world, places[0]).await;
    let wanted = times(&world, &token).await[0];
    let zoho = |at: Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let event =
        json!({"title": "Dentist", "dateandtime": {"timezone": "UTC", "start": zoho(wanted.start()), "end": zoho(wanted.end())}});
    world.sim_post("events", json!({"email": "ana@example.com", "event": event})).await;
    assert!(times(&world, &token).await.contains(&wanted), "the page may be a minute old");
    assert_eq!(code(world.app.choose(&token, wanted.start(), None).await), "time_not_available", "whoever books reads anew");
    assert!(!times(&world, &token).await.contains(&wanted));
}

fn typed(zone: &Zone, range: TimeRange) -> (String, String, String) {
    let (start, end) = (zone.wall_clock(range.start()), zone.wall_clock(range.end()));
    (start.strftime("%Y-%m-%d").to_string(), start.strftime("%H:%M").to_string(), end.strftime("%H:%M").to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn times_of_their_own_are_booked_where_one_works_and_otherwise_shown_with_reasons() {
    let world = World::new("choice-wishes").await;
    let (id, places) = asked(&world, &["Noor", "Mei"]).await;
    let (noor, mei) = (token(&world, places[0]).await, token(&world, places[1]).await);
    let zone = Zone::new("Asia/Tokyo").unwrap();
    let free = times(&world, &noor).await[6];
    // A night in New York, and one hour that works.
    let night = TimeRange::new(hours(free.start(), 12), hours(free.start(), 14)).unwrap();
    let WishOutcome::Kept(kept) = world.app.choice_wish(&noor, &[typed(&zone, night)], &zone).await.unwrap() else {
        unreachable!("nobody works at night")
    };
    assert!(kept.times[0].reasons.contains(&"outside_hours".to_owned()), "{kept:?}");
    let view = world.app.vacancy(id).await.unwrap();
    assert_eq!(view.shortlist[0].candidacy.unplaced.as_ref().unwrap().reasons[0], "none_fits");
    world.drain().await;
    assert!(world.mails("recruiting@example.com").await.contains(&"attention".to_owned()));
    world.pass(8 * DAY).await;
    assert_eq!(world.mails("noor@example.net").await, ["choice"], "whoever answered is not reminded");
    let free = times(&world, &mei).await[6];
    let both = [typed(&zone, TimeRange::new(hours(free.start(), 12), hours(free.start(), 14)).unwrap()), typed(&zone, free)];
    let WishOutcome::Booked(view) = world.app.choice_wish(&mei, &both, &zone).await.unwrap() else {
        unreachable!("one of them is free")
    };
    assert_eq!(view.interview.range, free);
    let WishOutcome::Unreadable(error) = world.app.choice_wish(&noor, &[], &zone).await.unwrap() else {
        unreachable!("nothing given")
    };
    assert_eq!(error.problem.code(), "nothing");
    world.drain().await;
    assert_eq!(interview(&world, view.interview.id).await.state, InterviewState::Booked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_a_candidate_gave_is_booked_when_it_becomes_free() {
    let world = World::new("choice-wish-later").await;
    let (id, places) = asked(&world, &["Noor", "Mei"]).await;
    let (noor, mei) = (token(&world, places[0]).await, token(&world, places[1]).await);
    let wanted = *times(&world, &mei).await.last().unwrap();
    world.app.choose(&mei, wanted.start(), None).await.unwrap();
    world.drain().await;
    let zone = Zone::new("America/New_York").unwrap();
    let kept = world.app.choice_wish(&noor, &[typed(&zone, wanted)], &zone).await.unwrap();
    assert!(matches!(&kept, WishOutcome::Kept(wishes) if wishes.times[0].reasons == ["agenda"]), "{kept:?}");
    world.app.choice_cancel(&mei, "").await.unwrap();
    world.pass(7 * 3_600).await;
    let view = world.app.vacancy(id).await.unwrap();
    let booked = view.shortlist[0].interview.clone().unwrap();
    assert_eq!((booked.range, booked.state), (wanted, InterviewState::Booked));
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_with_everything_they_gave() {
    let world = World::new("choice-erased").await;
    let (id, places) = asked(&world, &["Noor"]).await;
    let noor = token(&world, places[0]).await;
    let zone = Zone::new("Asia/Tokyo").unwrap();
    let night = ("2026-12-02".to_owned(), "14:00".to_owned(), "16:00".to_owned());
    world.app.choice_wish(&noor, &[night], &zone).await.unwrap();
    let person = world.app.vacancy(id).await.unwrap().shortlist[0].candidate.id;
    world.app.erase(person, domain::erasure::Why::Request, &World::caller()).await.unwrap();
    world.pass(3_600).await;
    assert!(world.everything().await.iter().all(|(table, _)| table != "choices"));
    assert!(matches!(world.app.choice_page(&noor).await, Err(Error::Link(..))));
}
