//! A person is erased: nothing of theirs is left in any table, file or calendar. Proven by walking all of them, not by a list.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use app::{CandidateInput, KeptAnswer, PersonInput, PlaceInput, Repeat, VacancyInput};
use common::{Fuse, World};
use domain::{
    Id,
    access::Right,
    erasure::{ERASED_NAME, Kind, Stage, Why},
    feedback::{Answers, Recommendation},
    grants::GrantState,
    interviews::{Interview, InterviewState},
    people::Person,
    vacancies::{Vacancy, VacancyState},
};
use ports::store::Page;
use serde_json::json;

const MIA: &str = "mia.quillonia@example.net";
/// What must be nowhere once Mia is gone.
const HERS: [&str; 7] = ["quillonia", "xyzzander", "ext-77-mia", "notemark", "feedmark", "whymark", "mia.q"];
const DAY: i64 = 86_400;

fn answers(text: &str) -> Answers {
    let mark = || 7.try_into().unwrap();
    Answers {
        technical: mark(),
        communication: mark(),
        problem_solving: mark(),
        culture: mark(),
        overall: mark(),
        strengths: text.to_owned(),
        to_improve: text.to_owned(),
        notes: text.to_owned(),
        recommendation: Recommendation::Hire,
    }
}

fn candidate(name: &str, email: &str, external_id: Option<&str>) -> CandidateInput {
    CandidateInput {
        name: name.to_owned(),
        email: email.to_owned(),
        zone: Some("Europe/Madrid".to_owned()),
        external_id: external_id.map(ToOwned::to_owned),
    }
}

async fn vacancy(world: &World, manager: &str, title: &str) -> Id<Vacancy> {
    let input = VacancyInput {
        title: title.into(),
        manager_email: manager.into(),
        place: Some(PlaceInput::Url("https://meet.example.com/room".into())),
        candidates: vec![
            candidate("Mia Xyzzander", MIA, Some("ext-77-mia")),
            candidate("Tomasz Nowak", "tomasz@example.net", None),
        ],
        ..VacancyInput::default()
    };
    let id = world.app.create_vacancy(input, &World::caller()).await.unwrap().vacancy.id;
    world.approve(id).await;
    world.pass(120).await;
    id
}

async fn interview_of(world: &World, vacancy: Id<Vacancy>, place: usize) -> Interview {
    let view = world.app.vacancy(vacancy).await.unwrap();
    view.shortlist[place].interview.clone().unwrap()
}

/// The token of the newest link of a kind of page in the mails to an address.
async fn token(world: &World, to: &str, folder: &str) -> String {
    let mails = world.app.mails(Some(to), Page::first(200)).await.unwrap();
    let mark = format!("/{folder}/");
    let found = mails.iter().find_map(|mail| {
        let (_, rest) = mail.text.split_once(&mark)?;
        Some(rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || "-_".contains(*letter)).collect())
    });
    found.unwrap_or_else(|| panic!("no link {mark} in the mails to {to}"))
}

/// A kept answer to an integrator's call that names people, under a key that does too.
async fn kept_answer(world: &World, key: &str, text: &str) {
    let (made, _) = world.app.create_api_key("ATS", [Right::Commit].into(), None, &World::caller()).await.unwrap();
    for (key, digest) in [(key, "d1"), ("0f7c1f6e", "d2")] {
        let Repeat::First(once) = world.app.begin_once(made.id, key, digest).await.unwrap() else { panic!("{key} was used") };
        let body = Some(json!({"candidate": text}).to_string());
        world.app.finish_once(&once, &KeptAnswer { status: 201, etag: None, body }).await.unwrap();
    }
}

/// Everything that can hold something of Mia's: two interviews of the past, one moved, one cancelled, one to come.
async fn busy_life(world: &World) -> (Id<Person>, Vec<Id<Interview>>) {
    let manager = PersonInput { email: "ana@example.com".into(), name: Some("Ana Diaz".into()), ..PersonInput::default() };
    world.app.put_manager(manager, &World::caller()).await.unwrap();
    world.consent("ana@example.com").await;
    world.drain().await;

    let first = vacancy(world, "ana@example.com", "Platform engineer").await;
    let held = interview_of(world, first, 0).await;
    let cannot = token(world, MIA, "c").await;
    world.app.candidate_cannot(&cannot, "notemark: my daughter is ill").await.unwrap();
    world.drain().await;
    world.app.resolve_interview(held.id, &World::caller()).await.unwrap();
    let later = held.range.start().checked_add(jiff::SignedDuration::from_hours(72)).unwrap();
    world.app.move_interview(held.id, later, None, false, &World::caller()).await.unwrap();
    world.pass(4 * DAY + DAY / 2).await;
    assert_eq!(world.app.interview(held.id).await.unwrap().interview.state, InterviewState::Done);
    world.app.submit_feedback(held.id, None, answers("feedmark: Xyzzander knows her trade"), &World::caller()).await.unwrap();
    world.drain().await;

    let second = vacancy(world, "ana@example.com", "Designer").await;
    let off = interview_of(world, second, 0).await;
    world.app.cancel_interview(off.id, "whymark: Quillonia was rude", None, false, &World::caller()).await.unwrap();
    world.pass(60).await;

    let third = vacancy(world, "ana@example.com", "Writer").await;
    let to_come = interview_of(world, third, 0).await;
    assert_eq!(to_come.state, InterviewState::Booked);
    kept_answer(world, "invite-mia.quillonia@example.net", "Mia Xyzzander").await;
    (world.app.find_person(MIA).await.unwrap().id, vec![held.id, off.id, to_come.id])
}

/// Where a marker is found: tables, files and calendars.
async fn found(world: &World, markers: &[&str]) -> Vec<String> {
    let mut places = Vec::new();
    let mut look = |place: String, text: &str| {
        let text = text.to_lowercase();
        places.extend(
            markers.iter().filter(|marker| text.contains(**marker)).map(|marker| format!("{marker} in {place}: {text:.300}")),
        );
    };
    for (table, row) in world.everything().await {
        look(format!("table {table}"), &row);
    }
    for (path, bytes) in world.files() {
        look(path.display().to_string(), &String::from_utf8_lossy(&bytes));
    }
    for manager in ["ana@example.com", "bruno@example.com"] {
        for (title, _) in world.events(manager).await {
            look(format!("{manager}'s calendar"), &title);
        }
    }
    places
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_candidate_is_left_anywhere() {
    let world = World::new("erase-candidate").await;
    let (mia, interviews) = busy_life(&world).await;
    for marker in HERS {
        assert!(!found(&world, &[marker]).await.is_empty(), "{marker} was nowhere to begin with: the test would prove nothing");
    }
    let before = world.sent.lock().unwrap().len();

    let view = world.app.erasure_view(mia).await.unwrap();
    assert_eq!((view.kind, view.upcoming, view.past), (Kind::Candidate, 1, 2));
    world.app.erase(mia, Why::Request, &World::caller()).await.unwrap();
    world.pass(2 * 3_600).await;
    // She hears that the interview to come is off, and so does the manager; nobody hears anything else.
    let mut told: Vec<_> = world.sent.lock().unwrap()[before..]
        .iter()
        .map(|(id, to)| (id.split('.').next().unwrap().to_owned(), to.clone()))
        .collect();
    told.sort();
    let expected = [("candidate_cancelled", MIA), ("manager_cancelled", "ana@example.com")];
    assert_eq!(told, expected.map(|(kind, to)| (kind.to_owned(), to.to_owned())));

    let erasure = world.app.erasure(mia).await.unwrap().unwrap();
    assert_eq!((erasure.stage, erasure.events_left, erasure.listed), (Stage::Done, 0, true));
    assert_eq!(found(&world, &HERS).await, Vec::<String>::new());
    // The rows are there and can be read, the others are as they were.
    assert_eq!(world.app.person(mia).await.unwrap().name, ERASED_NAME);
    for id in interviews {
        let view = world.app.interview(id).await.unwrap();
        assert_eq!((view.candidate.name.as_str(), view.interview.event.is_some()), (ERASED_NAME, false));
    }
    assert!(!world.events("ana@example.com").await.is_empty(), "Tomasz is still booked");
    let tomasz = world.app.find_person("tomasz@example.net").await.unwrap();
    assert_eq!(tomasz.name, "Tomasz Nowak");
    assert!(world.everything().await.iter().any(|(table, row)| table == "feedback" && row.contains("hire")), "marks stay");
    let list = std::fs::read_to_string(world.dir.join("erasures.jsonl")).unwrap();
    assert!(list.contains(&mia.to_string()) && list.lines().count() == 1);

    // Time goes on and nobody is told anything about her; asked again it is the same erasure.
    let mails = world.sent.lock().unwrap().len();
    assert_eq!(world.app.erase(mia, Why::Request, &World::caller()).await.unwrap(), erasure);
    world.pass(DAY).await;
    let about_her = world.mails(MIA).await;
    assert!(about_her.is_empty(), "{about_her:?}");
    let news: Vec<_> = world.sent.lock().unwrap()[mails..].iter().filter(|(_, to)| to == MIA).cloned().collect();
    assert!(news.is_empty(), "{news:?}");
    assert_eq!(found(&world, &HERS).await, Vec::<String>::new());
    // Under her address somebody new may come.
    let again = vacancy(&world, "ana@example.com", "Baker").await;
    let place = world.app.vacancy(again).await.unwrap().shortlist[0].candidate.clone();
    assert!(place.id != mia && place.name == "Mia Xyzzander");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_erased_manager_is_left_anywhere() {
    let world = World::new("erase-manager").await;
    let hers = ["bruno", "brunwald", "zweistein", "ext-88-mgr"];
    let input = PersonInput {
        email: "bruno@example.com".into(),
        name: Some("Brunwald Zweistein".into()),
        aliases: vec!["zweistein@example.org".into()],
        external_id: Some("ext-88-mgr".into()),
        ..PersonInput::default()
    };
    let id = world.app.put_manager(input, &World::caller()).await.unwrap().id;
    world.consent("bruno@example.com").await;
    world.drain().await;
    let first = vacancy(&world, "bruno@example.com", "Platform engineer").await;
    let past = interview_of(&world, first, 0).await;
    world.pass(past.range.end().as_second() - world.app.now().as_second() + 600).await;
    world.app.submit_feedback(past.id, None, answers("Zweistein thinks: good"), &World::caller()).await.unwrap();
    let second = vacancy(&world, "bruno@example.com", "Designer").await;
    let to_come = interview_of(&world, second, 0).await;
    assert_eq!(to_come.state, InterviewState::Booked);
    kept_answer(&world, "setup-bruno@example.com", "Brunwald Zweistein").await;
    for marker in hers {
        assert!(!found(&world, &[marker]).await.is_empty(), "{marker} was nowhere to begin with");
    }

    let erasure = world.app.erase(id, Why::Request, &World::caller()).await.unwrap();
    assert_eq!(erasure.kind, Kind::Manager);
    world.pass(2 * 3_600).await;
    let erasure = world.app.erasure(id).await.unwrap().unwrap();
    assert_eq!((erasure.stage, erasure.events_left), (Stage::Done, 0));
    assert_eq!(found(&world, &hers).await, Vec::<String>::new());
    assert_eq!(world.app.vacancy(second).await.unwrap().vacancy.state, VacancyState::Closed);
    let view = world.app.interview(to_come.id).await.unwrap();
    assert_eq!((view.interview.state, view.manager.name.as_str()), (InterviewState::Cancelled, ERASED_NAME));
    // The candidate was told, and stays.
    assert!(world.mails(MIA).await.contains(&"candidate_cancelled".to_owned()));
    assert_eq!(world.app.find_person(MIA).await.unwrap().name, "Mia Xyzzander");
    let grant = world.app.manager(id).await.unwrap().grant.unwrap();
    assert_eq!((grant.state, grant.account), (GrantState::Disconnected, None));
    let tokens = world.sim_get("tokens").await;
    let live = tokens["tokens"].as_array().unwrap().iter().filter(|token| token["kind"] == "refresh" && token["revoked"] == false);
    assert_eq!(live.count(), 0, "{tokens}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_gets_everything_that_is_held() {
    let world = World::new("export").await;
    let (mia, interviews) = busy_life(&world).await;
    let secret = token(&world, MIA, "c").await;
    let mut marks: Vec<String> = interviews.iter().map(ToString::to_string).collect();
    marks.extend([mia.to_string(), MIA.to_owned(), "Xyzzander".to_owned()]);

    let export = world.app.export_person(mia, true, &World::caller()).await.unwrap();
    for (table, row) in world.everything().await {
        if marks.iter().any(|mark| row.contains(mark)) {
            assert!(export.held.iter().any(|held| held.table == table), "table {table} holds something of hers: {row:.200}");
        }
    }
    let text = serde_json::to_string(&export).unwrap();
    for mark in HERS {
        assert!(text.to_lowercase().contains(mark), "{mark}");
    }
    assert!(!text.contains(&secret) && text.contains("/c/[removed]"), "a link in the export opens her page");
    // Only hers.
    assert!(!export.held.iter().any(|held| held.table == "persons" && held.rows.len() > 1));
    let candid = world.app.export_person(mia, false, &World::caller()).await.unwrap();
    assert!(!candid.held.iter().any(|held| held.table == "feedback"));
    let trail = world.app.trail(&mia.to_string(), 10).await.unwrap();
    assert!(trail.iter().any(|entry| entry.action == "person.exported"));
}

/// A live grant that dies before the events are gone: the data leave all the same, and what is left in the calendar is said.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_calendar_keeps_because_the_permission_ended_is_said() {
    let world = World::new("erase-dead-grant").await;
    let (mia, _) = busy_life(&world).await;
    let ana = world.app.find_person("ana@example.com").await.unwrap();
    world.app.disconnect(ana.id, &World::caller()).await.unwrap();
    world.app.erase(mia, Why::Request, &World::caller()).await.unwrap();
    world.pass(2 * 3_600).await;
    let erasure = world.app.erasure(mia).await.unwrap().unwrap();
    assert_eq!(erasure.stage, Stage::Calendars, "the events are still tried");
    let left: Vec<String> = found(&world, &HERS).await.into_iter().filter(|place| !place.contains("calendar")).collect();
    assert_eq!(left, Vec::<String>::new(), "nothing of hers is left where we can reach it");
    world.pass(8 * DAY).await;
    let erasure = world.app.erasure(mia).await.unwrap().unwrap();
    assert_eq!(erasure.stage, Stage::Done);
    assert!(erasure.events_left > 0);
    assert!(world.mails("recruiting@example.com").await.contains(&"attention".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_every_effect_outside_the_erasure_ends_the_same() {
    for number in 1..=8 {
        for after in [false, true] {
            let mut world = World::with(&format!("erase-kill-{number}-{after}"), Fuse::never()).await;
            world.consent("ana@example.com").await;
            world.drain().await;
            vacancy(&world, "ana@example.com", "Platform engineer").await;
            let mia = world.app.find_person(MIA).await.unwrap().id;
            let fuse = if after { Fuse::at(usize::MAX, number) } else { Fuse::at(number, usize::MAX) };
            world.restart(fuse).await;
            world.app.erase(mia, Why::Request, &World::caller()).await.unwrap();
            let end = world.app.now().as_second() + 3 * 3_600;
            world.live_until(end).await;
            world.live_until(end + 3_600).await;
            let erasure = world.app.erasure(mia).await.unwrap().unwrap();
            assert_eq!((erasure.stage, erasure.events_left), (Stage::Done, 0), "killed at {number}, after: {after}");
            assert_eq!(found(&world, &HERS).await, Vec::<String>::new(), "killed at {number}, after: {after}");
            let told = world.sent.lock().unwrap().iter().filter(|(id, _)| id.starts_with("candidate_cancelled")).count();
            assert!(told >= 1, "killed at {number}, after: {after}: the candidate was not told");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_loses_again_whom_the_list_names_and_nobody_is_told() {
    let world = World::new("erase-replay").await;
    let (mia, _) = busy_life(&world).await;
    let mails = world.sent.lock().unwrap().len();
    let stranger = "per_0000000000000000000000000000ffff";
    let list = format!(
        "{{\"id\":\"{mia}\",\"kind\":\"candidate\",\"at\":\"2026-11-23T08:00:00Z\"}}\n{{\"id\":\"{stranger}\",\"kind\":\"candidate\",\"at\":\"2026-11-23T08:00:00Z\"}}\n"
    );
    let replayed = world.app.replay_erasures(&list).await.unwrap();
    assert_eq!((replayed.erased, replayed.known, replayed.absent), (1, 0, 1));
    // At once, before any job ran.
    let left: Vec<String> = found(&world, &HERS).await.into_iter().filter(|place| !place.contains("calendar")).collect();
    assert_eq!(left, Vec::<String>::new());
    world.pass(3 * 3_600).await;
    assert_eq!(world.app.erasure(mia).await.unwrap().unwrap().stage, Stage::Done);
    let told: Vec<_> = world.sent.lock().unwrap()[mails..].iter().filter(|(_, to)| to == MIA).cloned().collect();
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(found(&world, &HERS).await, Vec::<String>::new());
    let again = world.app.replay_erasures(&list).await.unwrap();
    assert_eq!((again.erased, again.known), (0, 1));
    assert!(world.app.replay_erasures("nonsense\n").await.is_err());
}

/// A hundred and eighty days after her last vacancy was closed she is erased by the daily sweep, and the log still holds.
#[tokio::test(flavor = "multi_thread")]
async fn by_age_a_candidate_goes_everywhere_and_the_log_still_holds() {
    let world = World::new("erase-age").await;
    let (mia, _) = busy_life(&world).await;
    world.app.start_sweeps().await.unwrap();
    for vacancy in world.app.vacancies(Page::first(200)).await.unwrap() {
        world.app.close(vacancy.vacancy.id, &World::caller()).await.unwrap();
    }
    world.pass(DAY).await;
    let closed = world.app.now();
    let jump = |days: i64| world.clock.jump(closed.checked_add(jiff::SignedDuration::from_hours(24 * days)).unwrap());

    jump(175);
    world.drain().await;
    assert_eq!(world.app.erasure(mia).await.unwrap(), None, "it is too early");
    let soon = world.app.retention(10).await.unwrap();
    let due = soon.due.iter().find(|(person, _)| *person == mia).unwrap().1;
    assert!((closed.as_second()..world.app.now().as_second() + 30 * DAY).contains(&due.as_second()), "{due}");
    assert_eq!(soon.last.as_ref().unwrap().erased, 0);

    world.app.seal_audit().await.unwrap();
    jump(182);
    world.drain().await;
    assert_eq!(world.app.erasure(mia).await.unwrap().unwrap().why, Why::Age);
    let swept = world.app.retention(10).await.unwrap();
    assert!(swept.last.as_ref().unwrap().erased >= 1 && swept.erasures.iter().any(|erasure| erasure.person == mia));
    assert_eq!(swept.next_at.unwrap().as_second(), swept.last.unwrap().at.as_second() + DAY);
    let told = world.sent.lock().unwrap().len();
    world.pass(2 * 3_600).await;
    assert_eq!(world.app.erasure(mia).await.unwrap().unwrap().stage, Stage::Done);
    assert_eq!(found(&world, &HERS).await, Vec::<String>::new());
    let news: Vec<_> = world.sent.lock().unwrap()[told..].iter().filter(|(_, to)| to == MIA).cloned().collect();
    assert!(news.is_empty(), "nothing was to come, so nobody is told: {news:?}");

    world.app.seal_audit().await.unwrap();
    let report = world.app.verify_audit(app::VerifyOptions::default()).await.unwrap();
    assert!(report.holds() && report.lines > 0, "{report:?}");
    assert!(report.erased > 0, "payloads are gone and the chain is whole: {report:?}");
}

/// The operator erases while the installation is held: nothing reaches calendars or people before the release.
#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_begun_while_held_waits_for_the_release() {
    let mut world = World::new("erase-held").await;
    world.consent("ana@example.com").await;
    world.drain().await;
    let first = vacancy(&world, "ana@example.com", "Platform engineer").await;
    let mia = world.app.find_person(MIA).await.unwrap().id;
    assert_eq!(interview_of(&world, first, 0).await.state, InterviewState::Booked);
    let dump = world.dump().await;
    let held = domain::held::Held { since: world.app.now(), backup: "b".into(), as_of: world.app.now(), erasures: Some(0) };
    let settings = vec![("held".into(), serde_json::to_string(&held).unwrap()), ("held_comparison".into(), "null".into())];
    world.restore("erase_held_restored", dump, settings).await;
    world.app.start_held().await.unwrap();
    let (events, sent) = (world.events("ana@example.com").await, world.sent.lock().unwrap().len());

    world.app.erase(mia, Why::Request, &World::caller()).await.unwrap();
    world.pass(3 * 3_600).await;
    assert_eq!(world.fuse.count(), 0, "no mail, no write, no file");
    assert_eq!((world.events("ana@example.com").await, world.sent.lock().unwrap().len()), (events.clone(), sent));
    assert_eq!(world.app.erasure(mia).await.unwrap().unwrap().stage, Stage::Telling);

    world.app.release_held(&World::caller()).await.unwrap();
    world.pass(2 * 3_600).await;
    assert_eq!(world.app.erasure(mia).await.unwrap().unwrap().stage, Stage::Done);
    assert_eq!(world.events("ana@example.com").await.len(), events.len() - 1, "her event left the calendar");
    let told: Vec<_> = world.sent.lock().unwrap()[sent..].iter().filter(|(id, _)| id.contains("_cancelled")).cloned().collect();
    assert_eq!(told.len(), 2, "she and the manager hear that it is off: {told:?}");
    assert_eq!(world.app.person(mia).await.unwrap().name, ERASED_NAME);
}
