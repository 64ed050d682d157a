//! Bad input gets a sentence of its own and changes nothing: every table is the same before and after.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::{collections::BTreeSet, path::Path};

use app::{Callback, CandidateInput, Error, NewEvent, PersonInput, PlaceInput, VacancyInput, VacancyPatch};
use common::{Fuse, World};
use domain::{Id, TimeRange};
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

/// Every row of every table, as text.
fn dump(dir: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(dir.join("greenroom.db")).unwrap();
    let mut names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for table in tables {
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let text = |row: &rusqlite::Row<'_>| {
            let values: Vec<_> = (0..columns).map(|column| format!("{:?}", row.get_ref(column).unwrap())).collect();
            Ok(format!("{table}: {}", values.join(" | ")))
        };
        let mut found: Vec<String> = statement.query_map([], text).unwrap().map(Result::unwrap).collect();
        found.sort();
        rows.append(&mut found);
    }
    rows
}

/// Expects a refusal with `code` and `words` in its sentence.
fn refused<T: std::fmt::Debug>(what: &str, answer: Result<T, Error>, code: &str, words: &str) {
    let error = answer.expect_err(what);
    assert_eq!(error.code(), code, "{what}: {error}");
    assert!(error.outside().contains(words), "{what}: `{}` should say `{words}`", error.outside());
}

fn vacancy(change: impl FnOnce(&mut VacancyInput)) -> VacancyInput {
    let mut input = VacancyInput {
        title: "Platform engineer".into(),
        manager_email: "ana@example.com".into(),
        place: Some(PlaceInput::Address("Room 1".into())),
        candidates: vec![CandidateInput { name: "Noor".into(), email: "noor@example.net".into(), ..CandidateInput::default() }],
        ..VacancyInput::default()
    };
    change(&mut input);
    input
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mistake_has_its_own_sentence_and_changes_nothing() {
    let mut world = World::with("bad-input", Fuse::never()).await;
    let id = world.booked(&["Noor", "Mei"]).await;
    let shortlist = world.app.vacancy(id).await.unwrap().shortlist;
    let [first, second] = [0, 1].map(|index: usize| shortlist[index].interview.clone().unwrap());
    let empty = world.app.create_vacancy(vacancy(|input| input.candidates.clear()), &World::caller()).await.unwrap().vacancy.id;
    let nowhere = world.app.create_vacancy(vacancy(|input| input.place = None), &World::caller()).await.unwrap().vacancy.id;
    let before = dump(&world.dir);
    assert!(before.len() > 50, "the dump sees the database: {} rows", before.len());
    let (app, caller) = (world.app.clone(), World::caller());

    refused("no address", app.setup("", None, true, &caller).await, "invalid", "missing");
    refused("malformed", app.setup("ana", None, true, &caller).await, "invalid", "not an e-mail address");
    refused("a space", app.setup("ana b@example.com", None, true, &caller).await, "invalid", "%2B");
    refused("malformed status", app.status("@").await, "invalid", "not an e-mail address");
    assert!(!app.status("nobody@example.com").await.unwrap().has_integration, "an address never seen is no error");

    let create = async |input| app.create_vacancy(input, &caller).await;
    refused("no title", create(vacancy(|input| input.title = " ".into())).await, "invalid", "empty");
    refused("a megabyte", create(vacancy(|input| input.title = "x".repeat(1 << 20))).await, "invalid", "200 characters");
    refused("two lines", create(vacancy(|input| input.title = "a\nb".into())).await, "invalid", "one line");
    refused("7 minutes", create(vacancy(|input| input.minutes = Some(7))).await, "invalid", "multiple of 5");
    refused(
        "bad place",
        create(vacancy(|input| input.place = Some(PlaceInput::Url("ftp://x.example.com".into())))).await,
        "invalid",
        "https://",
    );
    refused(
        "bad zone",
        create(vacancy(|input| input.candidates[0].zone = Some("Mars/Olympus".into()))).await,
        "invalid",
        "Mars/Olympus",
    );
    refused(
        "bad candidate",
        create(vacancy(|input| input.candidates[0].email = "noor".into())).await,
        "invalid",
        "not an e-mail address",
    );
    let twice = |input: &mut VacancyInput| input.candidates.push(input.candidates[0].clone());
    refused("twice on the list", create(vacancy(twice)).await, "taken", "already");

    let unknown = Id::new(Uuid::from_u128(7));
    refused("unknown vacancy", app.approve(unknown, false, &caller).await, "not_found", "no vacancy");
    refused("empty shortlist", app.approve(empty, false, &caller).await, "empty_shortlist", "shortlist is empty");
    refused("no place", app.approve(nowhere, false, &caller).await, "no_place", "place");
    let bad = CandidateInput { name: "Noor".into(), email: "noor@example.net".into(), ..CandidateInput::default() };
    refused("listed already", app.add_candidate(id, bad, &caller).await, "taken", "already");
    let stale =
        app.update_vacancy(id, VacancyPatch { title: Some("New".into()), ..VacancyPatch::default() }, Some(1), &caller).await;
    refused("an old revision", stale, "stale", "read it again");

    let to = async |interview: Id<_>, start| app.move_interview(interview, start, None, false, &caller).await;
    refused("unknown interview", to(Id::new(Uuid::from_u128(7)), first.range.start()).await, "not_found", "no interview");
    refused("taken a second ago", to(first.id, second.range.start()).await, "time_not_available", "agenda");
    let night = first.range.start().checked_add(SignedDuration::from_hours(12)).unwrap();
    refused("at night", to(first.id, night).await, "time_not_available", "outside_hours");
    refused(
        "not on the grid",
        to(first.id, night.checked_add(SignedDuration::from_secs(61)).unwrap()).await,
        "time_not_available",
        "not_five_minutes",
    );
    refused(
        "too long a note",
        app.cancel_interview(first.id, &"x".repeat(3_000), None, false, &caller).await,
        "invalid",
        "2000 characters",
    );
    refused("no-show before it", app.no_show(first.id, &caller).await, "not_yet", "not taken place");
    refused("no proposal", app.accept_proposal(first.id, &caller).await, "not_provisional", "not a provisional");

    let back = |state: Option<&str>| Callback {
        code: Some("1000.a.b".into()),
        state: state.map(ToOwned::to_owned),
        ..Callback::default()
    };
    refused("no state", app.callback(back(None), &caller).await, "link_unknown", "not complete");
    refused("a made-up state", app.callback(back(Some("bG5rXzA")), &caller).await, "link_unknown", "not complete");
    refused("a long state", app.callback(back(Some(&"A".repeat(100_000))), &caller).await, "link_unknown", "not complete");
    refused("a wrong link", app.candidate_confirm("nonsense").await, "link_unknown", "not complete");
    refused("a wrong log-in", app.log_in("nonsense", None).await, "link_unknown", "not complete");

    refused("a key without rights", app.create_api_key("x", BTreeSet::new(), None, &caller).await, "invalid", "right");
    let manager = |rules| PersonInput { email: "ana@example.com".into(), rules: Some(rules), ..PersonInput::default() };
    refused(
        "bad hours",
        app.put_manager(manager(json!({"zone": "Europe/Madrid", "step_minutes": 7})), &caller).await,
        "invalid",
        "step_minutes",
    );
    refused("no zone", app.put_manager(manager(json!({"zone": "Nowhere"})), &caller).await, "invalid", "Nowhere");
    let range = TimeRange::new(first.range.start(), first.range.end()).unwrap();
    let event = NewEvent { title: "Offsite".into(), range, description: None, allow_conflict: false };
    refused("a clash", app.create_calendar_event("ana@example.com", None, event, &caller).await, "clash", "allow_conflict");
    refused(
        "lending is off",
        app.lend_access_token("ana@example.com", Id::new(Uuid::from_u128(1)), &app::LendRequest::default(), &caller).await,
        "lending_off",
        "GREENROOM_LENDING",
    );
    let long = TimeRange::new(world.app.now(), world.app.now().checked_add(SignedDuration::from_hours(24 * 400)).unwrap()).unwrap();
    refused("a long window", app.availability("ana@example.com", long, 60).await, "invalid", "366 days");

    assert_eq!(dump(&world.dir), before, "something was written");
    world.restart(Fuse::never()).await;
    assert_eq!(dump(&world.dir), before, "a restart writes nothing either");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_candidates_than_time_are_said_and_the_others_are_booked() {
    let world = World::new("more-than-time").await;
    let rules = json!({"zone": "America/New_York", "week": "mon 09:00-11:00", "horizon_days": 8});
    world
        .app
        .put_manager(
            PersonInput { email: "ana@example.com".into(), rules: Some(rules), ..PersonInput::default() },
            &World::caller(),
        )
        .await
        .unwrap();
    let id = world.booked(&["Noor", "Mei", "Tomasz"]).await;
    let view = world.app.vacancy(id).await.unwrap();
    let placed = view.shortlist.iter().filter(|item| item.interview.is_some()).count();
    assert_eq!(placed, 2);
    let reasons = &view.shortlist[2].candidacy.unplaced.as_ref().unwrap().reasons;
    assert!(!reasons.is_empty());
    assert!(view.waiting_for.iter().any(|waiting| waiting.on == "time"));
    assert_eq!(world.mails("recruiting@example.com").await, ["summary"]);
}
