//! A change is one value: revisions, names and agendas are compared and swapped, and everything is written or nothing.

use std::sync::Arc;

use domain::{
    audit::{Actor, Entry},
    jobs::{Job, JobState},
    people::Person,
};
use ports::{
    Change, Conflict, Put, Store,
    change::{Agenda, ClaimStep, Name, Scope},
    store::CommitError,
};

use super::fixtures::{at, claim, holder, id, interview, job, orders, person, puts, range, with_names};

fn stale(what: &'static str, id: impl ToString) -> Result<(), CommitError> {
    Err(CommitError::Conflict(Conflict::Stale { what, id: id.to_string() }))
}

/// Revision 1 inserts, the next replaces it, and whoever comes late is told so.
pub async fn a_revision_is_written_once(store: Arc<dyn Store>) {
    let first = person(1);
    store.commit(puts([Put::Person(first.clone())])).await.unwrap();
    assert_eq!(store.commit(puts([Put::Person(first.clone())])).await, stale("person", first.id));

    let second = Person { rev: 2, name: "Ana".to_owned(), ..first.clone() };
    store.commit(puts([Put::Person(second.clone())])).await.unwrap();
    let late = Person { rev: 2, name: "Berta".to_owned(), ..first.clone() };
    assert_eq!(store.commit(puts([Put::Person(late)])).await, stale("person", first.id));
    let early = Person { rev: 4, ..first.clone() };
    assert_eq!(store.commit(puts([Put::Person(early)])).await, stale("person", first.id));
    assert_eq!(store.person(first.id).await.unwrap(), Some(second));
}

/// A later revision of what is not there is a conflict, not an insert.
pub async fn a_missing_row_is_not_replaced(store: Arc<dyn Store>) {
    let ghost = Person { rev: 2, ..person(1) };
    assert_eq!(store.commit(puts([Put::Person(ghost.clone())])).await, stale("person", ghost.id));
    assert_eq!(store.person(ghost.id).await.unwrap(), None);
}

fn entry(number: u128) -> Entry {
    Entry {
        id: id(number),
        at: at(0),
        actor: Actor::System,
        action: "test.made".to_owned(),
        subject: "subject".to_owned(),
        reason: None,
        request: None,
        payload: "{}".parse().unwrap(),
        salt: vec![1],
        mac: None,
    }
}

/// A conflict at any place of a change leaves nothing of it behind, and the same change without the clash is written.
pub async fn a_change_is_written_whole_or_not_at_all(store: Arc<dyn Store>) {
    let rival = Change {
        agendas: vec![Agenda { holder: holder(8), expected: 0 }],
        names: vec![Name::Take { scope: Scope::Email, name: "taken@example.com".to_owned(), owner: "rival".to_owned() }],
        ..puts([Put::Person(person(7))])
    };
    store.commit(rival).await.unwrap();
    store.commit(super::fixtures::taking(at(0), [claim(9, 99, 1, range(0, 30))])).await.unwrap();

    let whole = |change: Change| Change {
        agendas: [vec![Agenda { holder: holder(1), expected: 0 }], change.agendas].concat(),
        puts: [vec![Put::Person(person(1)), Put::Interview(interview(1, range(0, 30)))], change.puts].concat(),
        names: [vec![Name::Take { scope: Scope::Email, name: "a@example.com".to_owned(), owner: "a".to_owned() }], change.names]
            .concat(),
        claims: [vec![ClaimStep::Take(claim(1, 1, 1, range(0, 30)))], change.claims].concat(),
        jobs: [orders([job(1)]).jobs, change.jobs].concat(),
        audit: vec![entry(1)],
        ..change
    };
    let empty = Change::at(at(0));
    let clashes = [
        Change { agendas: vec![Agenda { holder: holder(8), expected: 0 }], ..empty.clone() },
        Change { puts: vec![Put::Person(person(7))], ..empty.clone() },
        Change {
            names: vec![Name::Take { scope: Scope::Email, name: "taken@example.com".to_owned(), owner: "a".to_owned() }],
            ..empty.clone()
        },
        Change { claims: vec![ClaimStep::Take(claim(9, 1, 1, range(0, 30)))], ..empty.clone() },
        Change { jobs: vec![ports::change::JobStep::Revive { id: id::<Job>(50), due: at(0) }], ..empty.clone() },
    ];
    for clash in clashes {
        let result = store.commit(whole(clash.clone())).await;
        assert!(matches!(result, Err(CommitError::Conflict(_))), "{result:?} for {clash:?}");
        assert_eq!(store.agenda_rev(&holder(1)).await.unwrap(), 0);
        assert_eq!(store.person(id(1)).await.unwrap(), None);
        assert_eq!(store.interview(id(1)).await.unwrap(), None);
        assert_eq!(store.owner(Scope::Email, "a@example.com").await.unwrap(), None);
        assert_eq!(store.jobs(JobState::Open, 10).await.unwrap(), []);
        assert_eq!(store.audit_of("subject", 10).await.unwrap(), []);
        let other = claim(1, 77, 1, range(0, 30));
        store.commit(super::fixtures::taking(at(0), [other.clone()])).await.unwrap();
        store.commit(Change { claims: vec![ClaimStep::ReleaseAll(other.interview)], ..empty.clone() }).await.unwrap();
    }
    store.commit(whole(empty)).await.unwrap();
    assert_eq!(store.agenda_rev(&holder(1)).await.unwrap(), 1);
    assert_eq!(store.audit_of("subject", 10).await.unwrap(), [entry(1)]);
    assert_eq!(store.jobs(JobState::Open, 10).await.unwrap().len(), 1);
}

/// Settings have no revision.
pub async fn the_last_setting_wins(store: Arc<dyn Store>) {
    assert_eq!(store.setting("paused").await.unwrap(), None);
    for value in ["true", "false"] {
        store.commit(puts([Put::Setting("paused".to_owned(), value.to_owned())])).await.unwrap();
        assert_eq!(store.setting("paused").await.unwrap().as_deref(), Some(value));
    }
}

/// By the beginning of the key, sorted; what is not there may be taken away too.
pub async fn a_setting_can_be_taken_away_and_settings_are_listed(store: Arc<dyn Store>) {
    let set = |key: &str| Put::Setting(key.to_owned(), "1".to_owned());
    store.commit(puts([set("node:b"), set("node:a"), set("nodes"), set("node%")])).await.unwrap();
    let keys = async |prefix: &str| store.settings(prefix).await.unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(keys("node:").await, ["node:a", "node:b"]);
    assert_eq!(keys("node%").await, ["node%"], "no letter is special");
    store.commit(puts([Put::Unset("node:a".to_owned()), Put::Unset("node:c".to_owned())])).await.unwrap();
    assert_eq!(keys("node:").await, ["node:b"]);
    assert_eq!(store.setting("node:a").await.unwrap(), None);
}

/// A key must be known and usable for whatever is sealed with it to be written.
pub async fn nothing_is_written_under_a_retired_key(store: Arc<dyn Store>) {
    let sealed = |number, under: &[&str]| Change {
        sealed_under: under.iter().map(|id| (*id).to_owned()).collect(),
        ..puts([Put::Person(person(number))])
    };
    let name = |owner: &str| Name::Take { scope: Scope::Key, name: "k1".to_owned(), owner: owner.to_owned() };
    assert_eq!(store.commit(sealed(1, &["k1"])).await, stale("key", "k1"), "never heard of");
    let names = vec![name("usable"), Name::Take { scope: Scope::Key, name: "k2".to_owned(), owner: "usable".to_owned() }];
    store.commit(Change { names, ..Change::at(at(0)) }).await.unwrap();
    store.commit(sealed(1, &["k1"])).await.unwrap();
    store.commit(sealed(2, &["k2", "k1"])).await.unwrap();
    let usable = Name::Release { scope: Scope::Key, name: "k1".to_owned(), owner: "usable".to_owned() };
    store.commit(Change { names: vec![usable, name("retired")], ..Change::at(at(0)) }).await.unwrap();
    for under in [&["k1"][..], &["k2", "k1"]] {
        assert_eq!(store.commit(sealed(3, under)).await, stale("key", "k1"));
    }
    assert_eq!(store.person(id(3)).await.unwrap(), None);
    store.commit(sealed(3, &["k2"])).await.unwrap();
}

/// The revision of an agenda guards the rules over the whole agenda.
pub async fn an_agenda_moves_once_per_revision(store: Arc<dyn Store>) {
    let change = |expected| Change { agendas: vec![Agenda { holder: holder(1), expected }], ..Change::at(at(0)) };
    assert_eq!(store.agenda_rev(&holder(1)).await.unwrap(), 0);
    for expected in 0..3 {
        store.commit(change(expected)).await.unwrap();
        assert_eq!(store.commit(change(expected)).await, stale("agenda", holder(1).as_str()));
        assert_eq!(store.agenda_rev(&holder(1)).await.unwrap(), expected + 1);
    }
    assert_eq!(store.commit(change(9)).await, stale("agenda", holder(1).as_str()));
}

/// The owner may take it again; nobody else may take it or give it back; the conflict names it.
pub async fn a_name_has_one_owner(store: Arc<dyn Store>) {
    let name = || "4711".to_owned();
    let with = |names: Vec<Name>| Change { names, ..Change::at(at(0)) };
    let take = |owner: &str| Name::Take { scope: Scope::VacancyExternalId, name: name(), owner: owner.to_owned() };
    let release = |owner: &str| Name::Release { scope: Scope::VacancyExternalId, name: name(), owner: owner.to_owned() };

    store.commit(with(vec![take("a")])).await.unwrap();
    store.commit(with(vec![take("a")])).await.unwrap();
    let taken = Conflict::Taken { scope: "vacancy_external_id", name: name() };
    assert_eq!(store.commit(with(vec![take("b")])).await, Err(CommitError::Conflict(taken)));
    store.commit(with(vec![release("b")])).await.unwrap();
    assert_eq!(store.owner(Scope::VacancyExternalId, "4711").await.unwrap().as_deref(), Some("a"));
    assert_eq!(store.owner(Scope::PersonExternalId, "4711").await.unwrap(), None, "scopes are apart");
    store.commit(with(vec![release("a")])).await.unwrap();
    store.commit(with(vec![take("b")])).await.unwrap();
    assert_eq!(store.owner(Scope::VacancyExternalId, "4711").await.unwrap().as_deref(), Some("b"));
}

/// Given back and taken in one change, in whichever order it says so.
pub async fn a_name_changes_hands_within_a_change(store: Arc<dyn Store>) {
    let scope = Scope::Round;
    let name = || "place:1".to_owned();
    let first = Name::Take { scope, name: name(), owner: "old".to_owned() };
    store.commit(Change { names: vec![first], ..Change::at(at(0)) }).await.unwrap();
    let take = Name::Take { scope, name: name(), owner: "new".to_owned() };
    let release = Name::Release { scope, name: name(), owner: "old".to_owned() };
    store.commit(Change { names: vec![take, release], ..Change::at(at(0)) }).await.unwrap();
    assert_eq!(store.owner(scope, "place:1").await.unwrap().as_deref(), Some("new"));
}

/// The lease clock goes forward, the health check holds, and an empty change is no error.
pub async fn the_database_answers_and_can_be_written(store: Arc<dyn Store>) {
    store.ping().await.unwrap();
    let before = store.lease_now().await.unwrap();
    store.commit(Change::at(at(0))).await.unwrap();
    store.commit(with_names(&person(1))).await.unwrap();
    assert!(store.lease_now().await.unwrap() >= before);
}
