//! Lists: in the promised order, without gaps or repetitions.

use std::sync::Arc;

use domain::{
    TimeRange, Timestamp,
    grants::Grant,
    interviews::{AttentionReason, Interview, InterviewState},
    links::{Link, Purpose},
    people::Person,
};
use ports::{Put, Store, store::Page};

use super::fixtures::{at, candidacy, id, interview, person, puts, range, vacancy};

/// The next page starts behind the last id, whichever way the list goes.
pub async fn pages_follow_each_other(store: Arc<dyn Store>) {
    for number in 1..=5 {
        let grant = Grant::requested(id(number), id(number), "zoho", at(0));
        store.commit(puts([Put::Vacancy(vacancy(number)), Put::Grant(grant)])).await.unwrap();
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = store.grants(Page { after: after.take(), limit: 2 }).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id.to_string());
        seen.extend(page.iter().map(|grant| grant.id));
    }
    assert_eq!(seen, (1..=5).map(id).collect::<Vec<_>>());

    let newest: Vec<_> = store.vacancies(Page::first(2)).await.unwrap().iter().map(|vacancy| vacancy.id).collect();
    assert_eq!(newest, [id(5), id(4)]);
    let next = Page { after: Some(newest[1].to_string()), limit: 200 };
    let rest: Vec<_> = store.vacancies(next).await.unwrap().iter().map(|vacancy| vacancy.id).collect();
    assert_eq!(rest, [id(3), id(2), id(1)]);
    assert_eq!(store.vacancies_of(id(1)).await.unwrap().len(), 5);
    assert_eq!(store.vacancies_of(id(2)).await.unwrap(), []);

    let place = |number, position| Put::Candidacy(candidacy(number, id(1), position));
    store.commit(puts([place(20, 2), place(21, 1), Put::Candidacy(candidacy(22, id(2), 1))])).await.unwrap();
    let order: Vec<_> = store.shortlist(id(1)).await.unwrap().iter().map(|place| place.id).collect();
    assert_eq!(order, [id(21), id(20)]);

    let people: Vec<Person> = (1..=20).map(person).collect();
    store.commit(puts(people.iter().cloned().map(Put::Person))).await.unwrap();
    let asked: Vec<_> = [3, 17, 3, 99].into_iter().map(id).chain((5..=15).map(id)).collect();
    let mut found: Vec<_> = store.persons(&asked).await.unwrap().iter().map(|person| person.id).collect();
    found.sort_unstable();
    assert_eq!(found, [3].into_iter().chain(5..=15).chain([17]).map(id).collect::<Vec<_>>());
    assert_eq!(store.persons(&[]).await.unwrap(), []);
}

/// Those made before an instant that still open: not expired, not revoked, not used up where one use ends them.
pub async fn live_links_are_counted(store: Arc<dyn Store>) {
    let link = |number, purpose| Link {
        id: id(number),
        rev: 1,
        purpose,
        subject: "s".to_owned(),
        person: None,
        created_at: at(10),
        expires_at: at(100),
        used_at: None,
        revoked_at: None,
        outcome: None,
    };
    let links = [
        link(1, Purpose::Feedback),
        Link { used_at: Some(at(20)), ..link(2, Purpose::Feedback) },
        Link { used_at: Some(at(20)), ..link(3, Purpose::OauthState) },
        Link { used_at: Some(at(20)), ..link(4, Purpose::AdminLogin) },
        Link { revoked_at: Some(at(20)), ..link(5, Purpose::Feedback) },
        Link { expires_at: at(30), ..link(6, Purpose::Feedback) },
        Link { created_at: at(40), ..link(7, Purpose::Feedback) },
    ];
    store.commit(puts(links.map(Put::Link))).await.unwrap();
    for (now, made_before, count) in
        [(at(25), at(40), 3), (at(30), at(40), 2), (at(30), at(41), 3), (at(100), at(100), 0), (at(25), at(10), 0)]
    {
        assert_eq!(store.live_links(now, made_before).await.unwrap(), count, "{now} {made_before}");
    }
}

fn ids(interviews: &[Interview]) -> Vec<u128> {
    interviews.iter().map(|interview| interview.id.uuid().as_u128()).collect()
}

/// What only touches the window, is cancelled or is somebody else's does not count; the other participant sees it too.
pub async fn an_agenda_holds_what_overlaps(store: Arc<dyn Store>) {
    let cancelled = Interview { state: InterviewState::Cancelled, ..interview(5, range(70, 80)) };
    let others = Interview { participants: Vec::new(), ..interview(6, range(70, 80)) };
    let all = [
        interview(1, range(0, 60)),
        interview(2, range(30, 65)),
        interview(3, range(110, 180)),
        interview(4, range(120, 180)),
        cancelled,
        others,
    ];
    store.commit(puts(all.into_iter().map(Put::Interview))).await.unwrap();
    assert_eq!(ids(&store.agenda(id(1), range(60, 120)).await.unwrap()), [2, 3]);
    assert_eq!(store.agenda(id(2), range(60, 120)).await.unwrap(), store.agenda(id(1), range(60, 120)).await.unwrap());
    assert_eq!(store.agenda(id(3), range(60, 120)).await.unwrap(), []);

    let moved = Interview { rev: 2, range: range(60, 65), ..interview(1, range(0, 60)) };
    store.commit(puts([Put::Interview(moved)])).await.unwrap();
    assert_eq!(ids(&store.agenda(id(1), range(60, 120)).await.unwrap()), [2, 1, 3]);
    assert_eq!(ids(&store.agenda(id(1), range(0, 30)).await.unwrap()), [], "it left its old time");
}

/// Interviews in a window by start, those that need a person by how long they have, a vacancy's by start.
pub async fn windows_and_attention_are_in_order(store: Arc<dyn Store>) {
    let alarmed = |number, from, since: Timestamp| Interview {
        state: InterviewState::Attention,
        attention: Some((AttentionReason::Clash, since)),
        ..interview(number, range(from, from + 30))
    };
    let elsewhere = Interview { vacancy: id(2), ..interview(4, range(20, 25)) };
    let all = [alarmed(1, 100, at(3)), alarmed(2, 50, at(2)), interview(3, range(0, 30)), elsewhere];
    store.commit(puts(all.into_iter().map(Put::Interview))).await.unwrap();
    let wide: TimeRange = range(-1_000, 1_000);
    assert_eq!(ids(&store.interviews_between(wide, 10).await.unwrap()), [3, 4, 2, 1]);
    assert_eq!(ids(&store.interviews_between(wide, 3).await.unwrap()), [3, 4, 2]);
    assert_eq!(ids(&store.interviews_between(range(30, 51), 10).await.unwrap()), [2]);
    assert_eq!(ids(&store.interviews_in_attention(10).await.unwrap()), [2, 1]);
    assert_eq!(ids(&store.interviews_in_attention(1).await.unwrap()), [2]);
    assert_eq!(ids(&store.interviews_of(id(1)).await.unwrap()), [3, 2, 1]);
}
