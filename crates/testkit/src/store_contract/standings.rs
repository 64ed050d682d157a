//! Standings: equal while nothing of somebody's free time changed, and another as soon as anything did.

use std::sync::Arc;

use domain::{EmailAddress, Id, claims::Claim, grants::Grant, interviews::Interview, interviews::InterviewState, people::Person};
use ports::{Put, Store, store::Standing};

use super::fixtures::{at, claim, email, full_interview, id, interview, person, puts, range, taking, with_names};

async fn standings(store: &Arc<dyn Store>, addresses: &[EmailAddress], now: i64) -> Vec<Option<Standing>> {
    store.standings(addresses, range(0, 1_000), at(now)).await.unwrap()
}

/// In the order of the addresses, by any of somebody's, nobody where nobody has it; more people than one statement asks for.
pub async fn several_people_are_found_in_the_order_they_were_asked_for(store: Arc<dyn Store>) {
    assert_eq!(standings(&store, &[], 0).await, []);
    for number in 1..=19 {
        let mut one = person(number);
        one.emails.push(email(&format!("Also{number}@example.com")));
        store.commit(with_names(&one)).await.unwrap();
    }
    let mut addresses: Vec<EmailAddress> = (1..=19).rev().map(|number| email(&format!("person{number}@example.com"))).collect();
    addresses.splice(2..3, [email("nobody@example.com"), email("ALSO3@example.com")]);
    let found: Vec<Option<Id<Person>>> =
        standings(&store, &addresses, 0).await.into_iter().map(|standing| standing.map(|standing| standing.person)).collect();
    let expected = [19, 18, 0, 3].into_iter().chain((1..=16).rev()).map(|number| (number > 0).then(|| id(number)));
    assert_eq!(found, expected.collect::<Vec<_>>());
}

/// A new revision of the person, the grant or an interview is another standing; so is an interview that comes or goes, and a hold that
/// begins or ends.
pub async fn a_standing_changes_with_whatever_it_stands_for(store: Arc<dyn Store>) {
    for number in 1..=3 {
        store.commit(with_names(&person(number))).await.unwrap();
    }
    let addresses = [email("person1@example.com"), email("person3@example.com")];
    let one = async |now| standings(&store, &addresses, now).await.remove(0).unwrap();
    let bare = Standing { person: id(1), rev: 1, grants: Vec::new(), booked: Vec::new(), held: Vec::new() };
    assert_eq!(one(0).await, bare);

    let grant = |number, provider: &str| Grant::requested(id(number), id(1), provider, at(0));
    store.commit(puts([Put::Grant(grant(1, "other")), Put::Grant(grant(2, "zoho"))])).await.unwrap();
    assert_eq!(one(0).await.grants, [(id(1), 1), (id(2), 1)]);
    store.commit(puts([Put::Grant(Grant { rev: 2, ..grant(2, "zoho") })])).await.unwrap();
    assert_eq!(one(0).await.grants, [(id(1), 1), (id(2), 2)]);

    let within = [interview(9, range(0, 60)), interview(8, range(30, 90)), interview(7, range(1_000, 1_060))];
    store.commit(puts(within.into_iter().map(Put::Interview))).await.unwrap();
    assert_eq!(one(0).await.booked, [(id(8), 1), (id(9), 1)]);
    let written = Interview { rev: 2, ..full_interview(8, range(30, 90)) };
    let cancelled = Interview { rev: 2, state: InterviewState::Cancelled, ..interview(9, range(0, 60)) };
    store.commit(puts([Put::Interview(written), Put::Interview(cancelled)])).await.unwrap();
    assert_eq!(one(0).await.booked, [(id(8), 2)]);

    let hold = Claim { expires_at: Some(at(20)), ..claim(1, 5, 1, range(120, 150)) };
    store.commit(taking(at(0), [hold, claim(1, 6, 1, range(200, 230))])).await.unwrap();
    assert_eq!(one(19).await.held, [(id(5), range(120, 150))]);
    assert_eq!(one(20).await.held, []);

    let stands = one(19).await;
    assert_eq!((stands.grants.as_slice(), stands.booked.as_slice()), (&[(id(1), 1), (id(2), 2)][..], &[(id(8), 2)][..]));
    assert_eq!(one(19).await, stands, "nothing changed");
    let other = standings(&store, &addresses, 19).await.remove(1);
    assert_eq!(other, Some(Standing { person: id(3), ..bare }), "nothing of it is anybody else's");
    store.commit(puts([Put::Person(Person { rev: 2, ..person(1) })])).await.unwrap();
    assert_eq!(one(19).await, Standing { rev: 2, ..stands });
}
