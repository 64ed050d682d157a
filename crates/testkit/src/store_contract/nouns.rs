//! Every noun comes back exactly as it was written, with everything it can have and with nothing.

use std::{collections::BTreeSet, sync::Arc};

use domain::{
    Zone,
    access::{Account, ApiKey, Right, Role, Session, Throttle},
    alerts::{Alert, AlertKind},
    audit::{Actor, Entry},
    candidacies::Candidacy,
    choices::{Choice, Hold, Wish, Wishes},
    feedback::{Answers, Feedback, Recommendation, Score},
    grants::Grant,
    interviews::{Interview, InterviewState},
    links::{ConnectOutcome, Link, Purpose},
    mails::SentMail,
    people::Person,
    vacancies::{Place, Vacancy},
};
use ports::{Change, Put, Store, store::Page};

use super::fixtures::{
    at, candidacy, email, full_grant, full_interview, full_person, full_vacancy, id, interview, person, puts, range, vacancy,
    with_names,
};

/// With rules, zone and several addresses, and without any.
pub async fn persons_come_back_as_they_were(store: Arc<dyn Store>) {
    let erased = Person { emails: Vec::new(), ..person(3) };
    for mut person in [full_person(1), person(2), erased] {
        store.commit(puts([Put::Person(person.clone())])).await.unwrap();
        assert_eq!(store.person(person.id).await.unwrap(), Some(person.clone()));
        person = Person { rev: 2, name: "Zoë \"Z\" O'Neil 🙂".to_owned(), zone: None, rules: None, external_id: None, ..person };
        store.commit(puts([Put::Person(person.clone())])).await.unwrap();
        assert_eq!(store.person(person.id).await.unwrap(), Some(person));
    }
}

/// Without regard to case; the spelling stays as it was written.
pub async fn persons_are_found_by_any_address(store: Arc<dyn Store>) {
    let ana = full_person(1);
    store.commit(with_names(&ana)).await.unwrap();
    for address in ["ANA.diaz1@example.COM", "ana1@example.org"] {
        let found = store.person_by_email(&email(address)).await.unwrap().unwrap();
        assert_eq!(found, ana);
        assert_eq!(found.emails[0].as_str(), "Ana.Diaz1@Example.com");
    }
    assert_eq!(store.person_by_email(&email("nobody@example.com")).await.unwrap(), None);
}

/// With tokens, account, memory and everything pending, and freshly asked for.
pub async fn grants_come_back_as_they_were(store: Arc<dyn Store>) {
    let full = full_grant(1);
    let bare = Grant::requested(id(2), id(2), "zoho", at(0));
    store.commit(puts([Put::Grant(full.clone()), Put::Grant(bare.clone())])).await.unwrap();
    assert_eq!(store.grant(full.id).await.unwrap(), Some(full.clone()));
    assert_eq!(store.grant_of(id(1), "zoho").await.unwrap(), Some(full.clone()));
    assert_eq!(store.grant_of(id(1), "caldav").await.unwrap(), None);
    assert_eq!(store.grant(bare.id).await.unwrap(), Some(bare.clone()));
    // Filled later, emptied again.
    let filled = Grant { id: bare.id, person: bare.person, rev: 2, ..full.clone() };
    let emptied = Grant { id: full.id, person: full.person, rev: 2, ..bare };
    store.commit(puts([Put::Grant(filled.clone()), Put::Grant(emptied.clone())])).await.unwrap();
    assert_eq!(store.grant(filled.id).await.unwrap(), Some(filled));
    assert_eq!(store.grant(emptied.id).await.unwrap(), Some(emptied));
}

/// With two rounds, with one, and with none; rounds that are gone are gone, and nobody is in a panel of theirs any more.
pub async fn vacancies_come_back_as_they_were(store: Arc<dyn Store>) {
    let full = full_vacancy(1);
    let bare = vacancy(2);
    store.commit(puts([Put::Vacancy(full.clone()), Put::Vacancy(bare.clone())])).await.unwrap();
    assert_eq!(store.vacancy(full.id).await.unwrap(), Some(full.clone()));
    assert_eq!(store.vacancy(bare.id).await.unwrap(), Some(bare.clone()));
    assert_eq!(store.vacancies(Page::first(10)).await.unwrap(), [bare, full.clone()]);
    let mut place = [Some(Place::ZohoMeeting), Some(Place::Url("https://meet.example.com/1".to_owned())), None].into_iter();
    for (rev, rounds) in [(2, 1), (3, 0), (4, 2)] {
        let vacancy = Vacancy {
            rev,
            rounds: full.rounds.iter().take(rounds).cloned().collect(),
            place: place.next().flatten(),
            stuck: None,
            ..full.clone()
        };
        store.commit(puts([Put::Vacancy(vacancy.clone())])).await.unwrap();
        assert_eq!(store.vacancy(full.id).await.unwrap(), Some(vacancy.clone()));
        let in_panel = store.vacancies_of(id(4)).await.unwrap();
        assert_eq!(in_panel, if rounds == 2 { vec![vacancy] } else { Vec::new() });
    }
    assert_eq!(store.vacancy(id(99)).await.unwrap(), None);
}

/// Placed or not, withdrawn or not.
pub async fn candidacies_come_back_as_they_were(store: Arc<dyn Store>) {
    let first = candidacy(1, id(1), 1);
    store.commit(puts([Put::Candidacy(first.clone())])).await.unwrap();
    assert_eq!(store.candidacy(first.id).await.unwrap(), Some(first.clone()));
    let second = Candidacy { rev: 2, unplaced: None, withdrawn_at: Some(at(8)), ..first };
    store.commit(puts([Put::Candidacy(second.clone())])).await.unwrap();
    assert_eq!(store.candidacy(second.id).await.unwrap(), Some(second.clone()));
    assert_eq!(store.shortlist(id(1)).await.unwrap(), [second]);
}

/// New, and with everything; found by their place and round.
pub async fn choices_come_back_as_they_were(store: Arc<dyn Store>) {
    let bare = Choice { rev: 1, ..Choice::new(id(1), &candidacy(1, id(1), 1), 1, at(0)) };
    store.commit(puts([Put::Choice(bare.clone())])).await.unwrap();
    assert_eq!(store.choice(bare.id).await.unwrap(), Some(bare.clone()));
    let wish = Wish { range: range(60, 120), reasons: vec!["busy".to_owned()] };
    let full = Choice {
        rev: 2,
        asked_at: Some(at(1)),
        reminders: 2,
        silent_since: Some(at(3)),
        hold: Some(Hold { interview: id(7), range: range(0, 45), expires_at: at(9) }),
        interview: Some(id(8)),
        wishes: Some(Wishes { zone: Zone::new("Asia/Tokyo").unwrap(), times: vec![wish], at: at(4) }),
        ..bare.clone()
    };
    let second = Choice { id: id(2), round: 2, ..bare };
    store.commit(puts([Put::Choice(full.clone()), Put::Choice(second.clone())])).await.unwrap();
    assert_eq!(store.choice_of(full.candidacy, 1).await.unwrap(), Some(full.clone()));
    assert_eq!(store.choice_of(full.candidacy, 2).await.unwrap(), Some(second.clone()));
    assert_eq!(store.choice_of(full.candidacy, 3).await.unwrap(), None);
    assert_eq!(store.choices_of(full.vacancy).await.unwrap(), [full, second]);
}

/// With an event, an attempt, an alarm and a cancellation, and new; participants in their order.
pub async fn interviews_come_back_as_they_were(store: Arc<dyn Store>) {
    let full = full_interview(1, range(0, 45));
    let bare = interview(2, range(60, 105));
    store.commit(puts([Put::Interview(full.clone()), Put::Interview(bare.clone())])).await.unwrap();
    assert_eq!(store.interview(full.id).await.unwrap(), Some(full.clone()));
    assert_eq!(store.interview(bare.id).await.unwrap(), Some(bare.clone()));
    assert_eq!(store.interviews_of(full.vacancy).await.unwrap(), [full.clone(), bare.clone()]);

    let mut alone = Interview { id: full.id, rev: 2, state: InterviewState::Done, ..bare };
    alone.participants.reverse();
    alone.participants.truncate(1);
    store.commit(puts([Put::Interview(alone.clone())])).await.unwrap();
    assert_eq!(store.interview(alone.id).await.unwrap(), Some(alone));
}

/// Edited and withdrawn.
pub async fn feedback_comes_back_as_it_was(store: Arc<dyn Store>) {
    let mark = |points: i64| Score::try_from(points).unwrap();
    let answers = Answers {
        technical: mark(9),
        communication: mark(1),
        problem_solving: mark(10),
        culture: mark(5),
        overall: mark(8),
        strengths: "calm\nquick".to_owned(),
        to_improve: String::new(),
        notes: "—".to_owned(),
        recommendation: Recommendation::StrongHire,
    };
    let first = Feedback {
        id: id(1),
        rev: 1,
        interview: id(1),
        author: id(1),
        answers,
        submitted_at: at(1),
        updated_at: at(1),
        revoked_at: None,
    };
    store.commit(puts([Put::Feedback(first.clone())])).await.unwrap();
    assert_eq!(store.feedback_of(id(1)).await.unwrap(), std::slice::from_ref(&first));
    let second = Feedback { rev: 2, updated_at: at(2), revoked_at: Some(at(3)), ..first };
    store.commit(puts([Put::Feedback(second.clone())])).await.unwrap();
    assert_eq!(store.feedback_of(id(1)).await.unwrap(), [second]);
    assert_eq!(store.feedback_of(id(2)).await.unwrap(), []);
}

/// By id, and the newest of a purpose and subject.
pub async fn links_come_back_as_they_were(store: Arc<dyn Store>) {
    let link = |number: u128, made: i64| Link {
        id: id(number),
        rev: 1,
        purpose: Purpose::OauthState,
        subject: "per_1".to_owned(),
        person: Some(id(1)),
        created_at: at(made),
        expires_at: at(made + 60),
        used_at: None,
        revoked_at: None,
        outcome: None,
    };
    let (old, new) = (link(2, 1), link(1, 2));
    let admin = Link { purpose: Purpose::AdminLogin, person: None, ..link(3, 9) };
    store.commit(puts([&old, &new, &admin].map(|link| Put::Link(link.clone())))).await.unwrap();
    assert_eq!(store.link(admin.id).await.unwrap(), Some(admin));
    assert_eq!(store.newest_link(Purpose::OauthState, "per_1").await.unwrap(), Some(new.clone()));
    assert_eq!(store.newest_link(Purpose::OauthState, "per_2").await.unwrap(), None);
    let used =
        Link { rev: 2, used_at: Some(at(3)), revoked_at: Some(at(4)), outcome: Some(ConnectOutcome::AwaitingAdministrator), ..new };
    store.commit(puts([Put::Link(used.clone())])).await.unwrap();
    assert_eq!(store.newest_link(Purpose::OauthState, "per_1").await.unwrap(), Some(used));
}

/// Live or not: whether they are is the caller's question.
pub async fn keys_and_sessions_are_found_by_hash(store: Arc<dyn Store>) {
    let key = ApiKey {
        id: id(1),
        rev: 1,
        name: "the recruiter".to_owned(),
        hash: vec![0, 1, 254, 255],
        rights: BTreeSet::from(Right::ALL),
        role: Some(Role::Admin),
        created_at: at(0),
        expires_at: Some(at(5)),
        revoked_at: None,
        previous: Some((vec![3, 3], at(4))),
    };
    let revoked = ApiKey {
        id: id(2),
        hash: vec![9],
        rights: BTreeSet::new(),
        role: None,
        expires_at: None,
        revoked_at: Some(at(1)),
        previous: None,
        ..key.clone()
    };
    let session = Session {
        id: id(1),
        rev: 1,
        hash: vec![7, 7],
        account: None,
        device: None,
        created_at: at(0),
        expires_at: at(9),
        revoked_at: None,
    };
    let all = [Put::ApiKey(key.clone()), Put::ApiKey(revoked.clone()), Put::Session(session.clone())];
    store.commit(puts(all)).await.unwrap();
    assert_eq!(store.api_key_by_hash(&key.hash).await.unwrap(), Some(key.clone()));
    assert_eq!(store.api_key_by_hash(&[3, 3]).await.unwrap(), Some(key.clone()), "the key before the last roll");
    assert_eq!(store.api_key_by_hash(&[7, 7]).await.unwrap(), None);
    assert_eq!(store.api_keys().await.unwrap(), [key, revoked]);
    assert_eq!(store.session_by_hash(&[7, 7]).await.unwrap(), Some(session.clone()));
    let other = Session {
        id: id(2),
        hash: vec![8],
        account: Some(id(4)),
        device: Some("Firefox on Linux".to_owned()),
        expires_at: at(20),
        ..session.clone()
    };
    store.commit(puts([Put::Session(other.clone())])).await.unwrap();
    assert_eq!(store.live_sessions(at(8), 10).await.unwrap(), [other.clone(), session.clone()]);
    assert_eq!(store.live_sessions(at(9), 10).await.unwrap(), std::slice::from_ref(&other), "a session that is over is not live");
    let over = Session { rev: 2, revoked_at: Some(at(2)), ..session };
    store.commit(puts([Put::Session(over.clone())])).await.unwrap();
    assert_eq!(store.session_by_hash(&[7, 7]).await.unwrap(), Some(over));
    assert_eq!(store.live_sessions(at(8), 10).await.unwrap(), [other]);
}

/// With a password and a subject, and without; found by address without regard to case.
pub async fn accounts_come_back_as_they_were(store: Arc<dyn Store>) {
    let full = Account {
        id: id(1),
        rev: 1,
        email: email("Ada.Admin@example.com"),
        name: "Ada \"A\" O'Neil".to_owned(),
        role: Role::Admin,
        password: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
        password_set_at: Some(at(1)),
        subject: Some("https://id.example.com 42".to_owned()),
        created_at: at(0),
        disabled_at: Some(at(2)),
    };
    let bare = Account {
        id: id(2),
        email: email("rob@example.com"),
        role: Role::Auditor,
        password: None,
        password_set_at: None,
        subject: None,
        disabled_at: None,
        ..full.clone()
    };
    store.commit(puts([Put::Account(full.clone()), Put::Account(bare.clone())])).await.unwrap();
    assert_eq!(store.account(full.id).await.unwrap(), Some(full.clone()));
    let found = store.account_by_email(&email("ADA.admin@EXAMPLE.com")).await.unwrap().unwrap();
    assert_eq!((found.email.as_str(), &found), ("Ada.Admin@example.com", &full));
    assert_eq!(store.account_by_email(&email("nobody@example.com")).await.unwrap(), None);
    let changed = Account { rev: 2, role: Role::Recruiter, ..bare };
    store.commit(puts([Put::Account(changed.clone())])).await.unwrap();
    assert_eq!(store.accounts().await.unwrap(), [full, changed]);
}

/// Of two who count the same attempt, one is told that the row moved.
pub async fn attempts_are_counted_one_at_a_time(store: Arc<dyn Store>) {
    let row = |rev, failures| Throttle { id: "network:192.0.2.1".to_owned(), rev, failures, last_at: at(rev), free_at: at(rev) };
    assert_eq!(store.throttle("network:192.0.2.1").await.unwrap(), None);
    store.commit(puts([Put::Throttle(row(1, 1))])).await.unwrap();
    store.commit(puts([Put::Throttle(row(2, 2))])).await.unwrap();
    assert!(store.commit(puts([Put::Throttle(row(2, 2))])).await.is_err(), "the second count of the same attempt is lost");
    assert_eq!(store.throttle("network:192.0.2.1").await.unwrap(), Some(row(2, 2)));
}

/// The latest time wins, in whatever order nodes write.
pub async fn the_latest_use_is_remembered(store: Arc<dyn Store>) {
    assert_eq!(store.last_use("key_1").await.unwrap(), None);
    for (at_second, want) in [(5, 5), (3, 5), (9, 9)] {
        store.commit(puts([Put::LastUse("key_1".to_owned(), at(at_second))])).await.unwrap();
        assert_eq!(store.last_use("key_1").await.unwrap(), Some(at(want)));
    }
    assert_eq!(store.last_use("key_2").await.unwrap(), None);
}

/// The lasting alert of a kind and subject is found until it is ended; then another may begin.
pub async fn an_alert_lasts_until_it_ends(store: Arc<dyn Store>) {
    let alert = Alert {
        id: id(1),
        rev: 1,
        kind: AlertKind::CircuitOpen,
        subject: "zoho:eu".to_owned(),
        details: serde_json::json!({"failures": 5}),
        raised_at: at(10),
        told_at: None,
        ended_at: None,
        ended_told_at: None,
    };
    store.commit(puts([Put::Alert(alert.clone())])).await.unwrap();
    assert_eq!(store.lasting_alert(AlertKind::CircuitOpen, "zoho:eu").await.unwrap(), Some(alert.clone()));
    assert_eq!(store.lasting_alert(AlertKind::CircuitOpen, "zoho:us").await.unwrap(), None);
    assert_eq!(store.lasting_alert(AlertKind::DiskLow, "zoho:eu").await.unwrap(), None);
    let ended = Alert { rev: 2, told_at: Some(at(11)), ended_at: Some(at(12)), ..alert.clone() };
    store.commit(puts([Put::Alert(ended.clone())])).await.unwrap();
    assert_eq!(store.lasting_alert(AlertKind::CircuitOpen, "zoho:eu").await.unwrap(), None);
    let next = Alert { id: id(2), raised_at: at(13), ..alert };
    store.commit(puts([Put::Alert(next.clone())])).await.unwrap();
    assert_eq!(store.alerts(true, 10).await.unwrap(), std::slice::from_ref(&next));
    assert_eq!(store.alerts(false, 10).await.unwrap(), [next, ended]);
}

/// A repeat with the same Message-ID leaves the first as it is; lists go backwards and can be of one address.
pub async fn a_mail_is_recorded_once(store: Arc<dyn Store>) {
    let mail = |number: u128, to: &str| SentMail {
        id: id(number),
        message_id: format!("{number}@example.com"),
        kind: "booked".to_owned(),
        to: email(to),
        subject: "Interview".to_owned(),
        text: "text".to_owned(),
        html: "<p>html</p>".to_owned(),
        calendar: Some("BEGIN:VCALENDAR".to_owned()),
        about: "itv_1".to_owned(),
        sent_at: at(1),
    };
    let (first, second) = (mail(1, "Ana@example.com"), SentMail { calendar: None, ..mail(2, "ben@example.com") });
    let third = mail(3, "ana@Example.com");
    let repeat = SentMail { id: id(9), subject: "Other".to_owned(), ..first.clone() };
    store.commit(puts([&first, &second, &third].map(|mail| Put::SentMail(mail.clone())))).await.unwrap();
    store.commit(puts([Put::SentMail(repeat.clone())])).await.unwrap();
    assert_eq!(store.mail(repeat.id).await.unwrap(), None);
    assert_eq!(store.mail(first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.mails(None, Page::first(2)).await.unwrap(), [third.clone(), second.clone()]);
    let rest = Page { after: Some(second.id.to_string()), limit: 200 };
    assert_eq!(store.mails(None, rest).await.unwrap(), std::slice::from_ref(&first));
    assert_eq!(store.mails(Some(&email("ANA@example.com")), Page::first(9)).await.unwrap(), [third, first]);
}

/// Newest first, whole and by subject.
pub async fn the_log_comes_back_as_it_was(store: Arc<dyn Store>) {
    let entry = |number: u128, actor: Actor| Entry {
        id: id(number),
        at: at(1),
        actor,
        action: "vacancy.approved".to_owned(),
        subject: format!("vac_{}", number % 2),
        reason: Some("asked by mail".to_owned()),
        request: None,
        payload: r#"{"title":"Engineer","nested":[1,2.5,null]}"#.parse().unwrap(),
        salt: vec![0, 200, 255],
        mac: Some(vec![3, 1, 4]),
    };
    let all = [
        entry(1, Actor::System),
        entry(2, Actor::ApiKey("key_1".to_owned())),
        entry(3, Actor::Person("per_1".to_owned())),
        Entry { reason: None, request: Some("job_1".to_owned()), ..entry(4, Actor::Operator) },
    ];
    store.commit(Change { audit: all.to_vec(), ..Change::at(at(0)) }).await.unwrap();
    let [first, second, third, fourth] = all;
    assert_eq!(store.audit_of("vac_1", 9).await.unwrap(), [third.clone(), first.clone()]);
    assert_eq!(store.audit_of("vac_1", 1).await.unwrap(), std::slice::from_ref(&third));
    assert_eq!(store.audit(Page::first(2)).await.unwrap(), [fourth, third.clone()]);
    let older = Page { after: Some(third.id.to_string()), limit: 9 };
    assert_eq!(store.audit(older).await.unwrap(), [second, first]);
}
