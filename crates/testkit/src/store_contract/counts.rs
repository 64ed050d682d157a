//! What is counted: calls, lent tokens, jobs, grants, bookings; and whom nobody has told of an alert yet.

use std::sync::Arc;

use domain::{
    alerts::{Alert, AlertKind},
    calls::{CallCount, Lending, UNBOUNDED},
    grants::{Grant, GrantState},
    interviews::Interview,
    jobs::JobState,
};
use ports::{Change, Conflict, Put, Store, change::JobStep, store::CommitError};

use super::fixtures::{at, full_grant, full_interview, id, job, orders, puts, range, step};

fn alert(number: u128, kind: AlertKind) -> Alert {
    Alert {
        id: id(number),
        rev: 1,
        kind,
        subject: format!("subject {number}"),
        details: serde_json::json!({}),
        raised_at: at(1),
        told_at: None,
        ended_at: None,
        ended_told_at: None,
    }
}

/// New ones, those whose end is news, and those that last and were told of long ago; nothing else.
pub async fn an_alert_waits_until_people_are_told(store: Arc<dyn Store>) {
    let fresh = alert(1, AlertKind::CircuitOpen);
    let known = Alert { told_at: Some(at(100)), ..alert(2, AlertKind::CircuitOpen) };
    let old = Alert { told_at: Some(at(10)), ..alert(3, AlertKind::DiskLow) };
    let over = Alert { told_at: Some(at(100)), ended_at: Some(at(110)), ..alert(4, AlertKind::DiskLow) };
    let done = Alert { ended_told_at: Some(at(120)), ..Alert { id: id(5), ..over.clone() } };
    let all = [&fresh, &known, &old, &over, &done].map(|alert| Put::Alert(alert.clone()));
    store.commit(puts(all)).await.unwrap();
    assert_eq!(store.untold_alerts(at(50), 10).await.unwrap(), [fresh.clone(), old, over]);
    assert_eq!(store.untold_alerts(at(0), 1).await.unwrap(), [fresh]);
    let times = [(AlertKind::CircuitOpen, at(100)), (AlertKind::DiskLow, at(100)), (AlertKind::DiskLow, at(120))];
    assert_eq!(store.alerts_told(at(50)).await.unwrap(), times);
}

/// Two nodes that count the same span give one sum; spans are joined where a reader asks for longer ones; what is old is forgotten.
pub async fn calls_of_all_nodes_add_up(store: Arc<dyn Store>) {
    let calls = |minutes: i64, up_to_millis: i64, count: i64| CallCount {
        since: at(minutes),
        provider: "zoho".to_owned(),
        data_centre: "eu".to_owned(),
        operation: "refresh".to_owned(),
        class: "ok".to_owned(),
        up_to_millis,
        count,
    };
    let first = calls(0, 50, 2);
    let spans = [first.clone(), calls(5, 50, 3), calls(5, UNBOUNDED, 1)];
    store.commit(puts(spans.clone().map(Put::Calls))).await.unwrap();
    store.commit(puts([Put::Calls(first)])).await.unwrap();
    let five = store.calls(at(0), 300).await.unwrap();
    assert_eq!(five, [calls(0, 50, 4), calls(5, 50, 3), calls(5, UNBOUNDED, 1)]);
    let hour = store.calls(at(0), 3_600).await.unwrap();
    assert_eq!(hour.iter().map(|row| (row.up_to_millis, row.count)).collect::<Vec<_>>(), [(50, 7), (UNBOUNDED, 1)]);
    store.commit(puts([Put::ForgetCounts(at(5))])).await.unwrap();
    assert_eq!(store.calls(at(0), 300).await.unwrap().len(), 2);
}

/// Each token counts in its hour, for its key; the one above the limit is refused and nothing of its change is written.
pub async fn lent_tokens_end_at_their_limit(store: Arc<dyn Store>) {
    let lending = |key: u128, ends: i64| Lending { grant: id(1), key: id(key), hour: at(0), limit: 3, ends_at: at(ends) };
    for ends in [60, 61, 62] {
        store.commit(puts([Put::Lending(lending(1, ends))])).await.unwrap();
    }
    let one_more = puts([Put::Lending(lending(1, 99)), Put::Setting("touched".to_owned(), "1".to_owned())]);
    assert!(matches!(store.commit(one_more).await, Err(CommitError::Conflict(Conflict::Stale { what: "lending", .. }))));
    assert_eq!(store.setting("touched").await.unwrap(), None);
    store.commit(puts([Put::Lending(lending(2, 50))])).await.unwrap();
    store.commit(puts([Put::Lending(Lending { hour: at(60), ..lending(1, 70) })])).await.unwrap();
    let days = store.lendings(at(0)).await.unwrap();
    assert_eq!(days.iter().map(|day| (day.grant, day.count, day.ends_at)).collect::<Vec<_>>(), [(id(1), 5, at(70))]);
}

/// By kind and state, by state, by day.
pub async fn jobs_grants_and_bookings_are_counted(store: Arc<dyn Store>) {
    let first = job(1);
    store.commit(orders([first.clone(), job(2), job(3)])).await.unwrap();
    let run = store.lease_jobs(at(10_000), 1, 60).await.unwrap().remove(0);
    let lease = run.lease.clone().unwrap();
    store.commit(step(JobStep::Dead { id: run.id, lease, error: "no".to_owned() })).await.unwrap();
    let tallies = store.job_tallies().await.unwrap();
    let shown: Vec<_> = tallies.iter().map(|tally| (tally.kind.as_str(), tally.state, tally.count)).collect();
    let kind = first.work.kind();
    assert_eq!(shown, [(kind, JobState::Dead, 1), (kind, JobState::Open, 2)]);
    assert!(tallies.iter().all(|tally| tally.first_due <= tally.last_due));

    let grants = [full_grant(1), Grant { state: GrantState::Dead, ..full_grant(2) }, full_grant(3)];
    let counted = grants[0].state;
    store.commit(puts(grants.map(Put::Grant))).await.unwrap();
    let mut tallies = store.grant_tallies().await.unwrap();
    tallies.sort_by_key(|(_, count)| *count);
    assert_eq!(tallies, [(GrantState::Dead, 1), (counted, 2)]);

    let booked = |number: u128, booked_at| Interview { id: id(number), booked_at, ..full_interview(number, range(0, 60)) };
    let (early, later) = (at(0), at(3 * 24 * 60));
    let all = [booked(1, Some(early)), booked(2, Some(later)), booked(3, Some(later)), booked(4, None)];
    for interview in all {
        store.commit(Change { puts: vec![Put::Interview(interview)], ..Change::at(at(0)) }).await.unwrap();
    }
    assert_eq!(store.bookings(early).await.unwrap().iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(store.bookings(at(1)).await.unwrap().iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2]);
}
