//! Erasures and sweeps: what goes is gone, what is open stays.

use std::sync::Arc;

use domain::{
    audit::{Actor, Entry},
    erasure::{Erasure, Kind, Stage, Sweep, Why},
    interviews::{Interview, InterviewState},
    links::{Link, Purpose},
    vacancies::{Vacancy, VacancyState},
};
use ports::{
    Change, Put, Store,
    change::{Name, Scope, Sweeping},
};

use super::fixtures::{at, candidacy, claim, done, id, interview, job, orders, person, puts, range, taking, vacancy, with_names};

/// One row per person, written by revision like every noun.
pub async fn erasures_come_back_as_they_were(store: Arc<dyn Store>) {
    let mut erasure = Erasure::new(id(1), Kind::Manager, Why::Request, at(0));
    store.commit(puts([Put::Erasure(erasure.clone())])).await.unwrap();
    assert!(store.commit(puts([Put::Erasure(erasure.clone())])).await.is_err(), "a second one for the same person");
    assert_eq!(store.erasures(true, 10).await.unwrap(), [erasure.clone()]);
    erasure = Erasure { rev: 2, listed: true, events_left: 3, ..erasure };
    erasure.enter(Stage::Done, at(9));
    store.commit(puts([Put::Erasure(erasure.clone())])).await.unwrap();
    assert_eq!(store.erasure(id(1)).await.unwrap(), Some(erasure.clone()));
    assert_eq!((store.erasures(true, 10).await.unwrap(), store.erasures(false, 10).await.unwrap()), (Vec::new(), vec![erasure]));
    assert_eq!(store.erasure(id(2)).await.unwrap(), None);
}

/// Only candidates, only when their last vacancy has been closed for long enough, and nobody who has something before them.
pub async fn the_aged_are_those_without_an_open_vacancy(store: Arc<dyn Store>) {
    let closed = |number| Vacancy { state: VacancyState::Closed, manager: id(90), ..vacancy(number) };
    let open = Vacancy { manager: id(90), ..vacancy(2) };
    let line = |number, vacancy: u128, minute| Entry {
        id: id(number),
        at: at(minute),
        actor: Actor::System,
        action: "vacancy.closed".to_owned(),
        subject: id::<Vacancy>(vacancy).to_string(),
        reason: None,
        request: None,
        payload: serde_json::json!({}),
        salt: vec![1],
        mac: None,
    };
    // Person 11 is in a closed vacancy; 12 also in an open one; 13 was closed later; 14 has an interview; 15 was erased.
    let places = [(11, 1), (12, 1), (13, 3), (14, 1), (15, 1)];
    let mut all: Vec<Put> = places.into_iter().map(|(who, where_)| Put::Candidacy(candidacy(who, id(where_), 1))).collect();
    let also = domain::candidacies::Candidacy { person: id(12), ..candidacy(112, id(2), 1) };
    let mut before_them = Interview { state: InterviewState::Booked, ..interview(1, range(0, 60)) };
    before_them.participants[1].person = id(14);
    all.extend([
        Put::Vacancy(closed(1)),
        Put::Vacancy(open),
        Put::Vacancy(closed(3)),
        Put::Candidacy(also),
        Put::Interview(before_them),
        Put::Erasure(Erasure::new(id(15), Kind::Candidate, Why::Age, at(0))),
    ]);
    store.commit(Change { audit: vec![line(1, 1, 10), line(2, 3, 500)], ..puts(all) }).await.unwrap();
    assert_eq!(store.aged(at(100), 10).await.unwrap(), [(id(11), at(10))]);
    assert_eq!(store.aged(at(1_000), 10).await.unwrap(), [(id(11), at(10)), (id(13), at(500))]);
    assert_eq!(store.aged(at(1_000), 1).await.unwrap().len(), 1);
    assert_eq!(store.aged(at(10), 10).await.unwrap(), []);
}

/// Takes what is old, `limit` at a time, and says which.
async fn sweep(store: &Arc<dyn Store>, what: Sweep, minute: i64, limit: u32) -> Vec<String> {
    let sweeping = Sweeping { what, before: at(minute), limit };
    let keys = store.sweepable(sweeping).await.unwrap();
    store.commit(Change { sweeps: vec![sweeping], ..Change::at(at(minute)) }).await.unwrap();
    keys
}

/// Done jobs go, open ones and those of an interview to come stay.
pub async fn a_sweep_takes_no_job_that_is_open_or_guards_an_interview(store: Arc<dyn Store>) {
    let booked = Interview { state: InterviewState::Booked, ..interview(2, range(600, 660)) };
    store.commit(puts([Put::Interview(booked)])).await.unwrap();
    store.commit(orders([job(1), job(2), job(3), job(4)])).await.unwrap();
    let runs = store.lease_jobs(at(0), 100, 60).await.unwrap();
    for run in runs.iter().filter(|run| run.id != id(3)) {
        store.commit(done(run)).await.unwrap();
    }
    assert_eq!(sweep(&store, Sweep::Jobs, 0, 10).await, Vec::<String>::new(), "not old enough");
    assert_eq!(sweep(&store, Sweep::Jobs, 10, 1).await, [runs[0].id.to_string()], "one at a time");
    assert_eq!(sweep(&store, Sweep::Jobs, 10, 10).await.len(), 1);
    for (number, there) in [(1, false), (2, true), (3, true), (4, false)] {
        assert_eq!(store.job(id(number)).await.unwrap().is_some(), there, "job {number}");
    }
}

/// Claims of the past, links and log-ins that ended, and old keys with their answers.
pub async fn a_sweep_takes_the_old_and_leaves_the_rest(store: Arc<dyn Store>) {
    store.commit(taking(at(0), [claim(1, 1, 1, range(0, 10)), claim(1, 2, 1, range(100, 110))])).await.unwrap();
    assert_eq!(sweep(&store, Sweep::Claims, 60, 100).await.len(), 2);
    assert!(store.commit(taking(at(0), [claim(1, 3, 1, range(100, 110))])).await.is_err(), "the claim to come stands");
    store.commit(taking(at(0), [claim(1, 3, 1, range(0, 10))])).await.unwrap();

    let link = |number, expires| Link {
        id: id(number),
        rev: 1,
        purpose: Purpose::Candidate,
        subject: "s".to_owned(),
        person: None,
        created_at: at(0),
        expires_at: at(expires),
        used_at: None,
        revoked_at: None,
        outcome: None,
    };
    let used = Link { purpose: Purpose::OauthState, used_at: Some(at(1)), ..link(3, 900) };
    let opened = Link { used_at: Some(at(1)), ..link(4, 900) };
    store.commit(puts([link(1, 10), link(2, 900), used, opened].map(Put::Link))).await.unwrap();
    assert_eq!(sweep(&store, Sweep::Links, 60, 100).await.len(), 2);
    for (number, there) in [(1, false), (2, true), (3, false), (4, true)] {
        assert_eq!(store.link(id(number)).await.unwrap().is_some(), there, "link {number}");
    }

    let take = |name: &str| Name::Take { scope: Scope::Idempotency, name: name.to_owned(), owner: "o".to_owned() };
    for (name, minute) in [("old", 0), ("new", 100)] {
        let answer = Put::Setting(format!("idempotency:{name}"), "{}".to_owned());
        store.commit(Change { names: vec![take(name)], puts: vec![answer], ..Change::at(at(minute)) }).await.unwrap();
    }
    store.commit(Change { at: at(0), ..with_names(&person(1)) }).await.unwrap();
    assert_eq!(sweep(&store, Sweep::Idempotency, 60, 100).await, ["old"]);
    assert_eq!(store.setting("idempotency:old").await.unwrap(), None);
    assert!(store.setting("idempotency:new").await.unwrap().is_some());
    assert_eq!(store.owner(Scope::Idempotency, "old").await.unwrap(), None);
    assert!(store.person_by_email(&person(1).emails[0]).await.unwrap().is_some(), "an address is no key of a call");
    store.scrub().await.unwrap();
}
