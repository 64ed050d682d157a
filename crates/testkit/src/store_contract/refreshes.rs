//! What is kept beside the grants: refresh tokens that are counted, gates that are shut, and the last look at the calendars.

use std::sync::Arc;

use domain::{
    gates::Gate,
    grants::{IssuedToken, Moment},
    reality::{Look, Seen, Sight},
};
use ports::{Put, Store};

use super::fixtures::{at, id, puts, range};

/// Those of one account, in the order in which they were issued; one that ended is found by its id only.
pub async fn refresh_tokens_are_counted_until_they_end(store: Arc<dyn Store>) {
    let issued = |number: u128, account: &str| IssuedToken {
        id: id(number),
        rev: 1,
        account: account.to_owned(),
        grant: id(7),
        issued_at: at(1),
        ended: None,
    };
    let [first, second, other] = [issued(1, "zoho:eu:1"), issued(2, "zoho:eu:1"), issued(3, "zoho:eu:2")];
    store.commit(puts([&second, &first, &other].map(|token| Put::IssuedToken(token.clone())))).await.unwrap();
    assert_eq!(store.issued_tokens("zoho:eu:1").await.unwrap(), [first.clone(), second.clone()]);
    let ended = IssuedToken { rev: 2, ended: Some((at(2), "revoked".to_owned())), ..first };
    store.commit(puts([Put::IssuedToken(ended.clone())])).await.unwrap();
    assert_eq!(store.issued_tokens("zoho:eu:1").await.unwrap(), [second]);
    assert_eq!(store.issued_token(ended.id).await.unwrap(), Some(ended));
    assert_eq!(store.issued_token(id(9)).await.unwrap(), None);
    assert_eq!(store.issued_tokens("zoho:us:1").await.unwrap(), []);
}

/// A name that was never shut has no row; of two who shut it at once, one does.
pub async fn a_gate_is_shut_until_it_opens(store: Arc<dyn Store>) {
    assert_eq!(store.gate("zoho:eu").await.unwrap(), None);
    let shut = Gate::new("zoho:eu".to_owned()).failed(Moment { at: at(1), lease: at(2) });
    store.commit(puts([Put::Gate(shut.clone())])).await.unwrap();
    assert!(store.commit(puts([Put::Gate(shut.clone())])).await.is_err());
    assert_eq!(store.gate("zoho:eu").await.unwrap(), Some(shut.clone()));
    assert_eq!(store.shut_gates(10).await.unwrap(), std::slice::from_ref(&shut));
    let open = shut.opened();
    store.commit(puts([Put::Gate(open.clone())])).await.unwrap();
    assert_eq!(store.gate("zoho:eu").await.unwrap(), Some(open));
    assert_eq!(store.shut_gates(10).await.unwrap(), []);
}

/// One for each grant, by compare-and-swap.
pub async fn a_look_is_kept_as_it_was(store: Arc<dyn Store>) {
    assert_eq!(store.look(id(7)).await.unwrap(), None);
    let sight =
        |seen| Sight { interview: id(3), range: range(10, 40), seen, declined: true, overlaps: vec![range(20, 60)], at: at(5) };
    let first = Look {
        rev: 1,
        near_at: Some(at(4)),
        far_at: Some(at(3)),
        read_at: Some(at(2)),
        tags: vec![("calendar".to_owned(), "1677849599000".to_owned())],
        tags_at: Some(at(1)),
        problem: Some("passing".to_owned()),
        held_at: Some(at(6)),
        admitted: true,
        sights: vec![sight(Seen::AsIntended), sight(Seen::Missing { looks: 2, since: at(1) })],
        ..Look::new(id(7), at(5))
    };
    store.commit(puts([Put::Look(first.clone())])).await.unwrap();
    assert!(store.commit(puts([Put::Look(first.clone())])).await.is_err());
    assert_eq!(store.look(id(7)).await.unwrap(), Some(first.clone()));
    let next = Look { rev: 2, sights: vec![sight(Seen::Elsewhere { at: range(50, 80) })], ..Look::new(id(7), at(9)) };
    store.commit(puts([Put::Look(next.clone())])).await.unwrap();
    let other = Look { rev: 1, ..Look::new(id(6), at(9)) };
    store.commit(puts([Put::Look(other.clone())])).await.unwrap();
    assert_eq!(store.looks().await.unwrap(), [other, next]);
}
