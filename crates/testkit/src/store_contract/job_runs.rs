//! Runs: a lease belongs to one worker, and what happened meanwhile is never lost.

use std::sync::Arc;

use domain::{
    Timestamp,
    jobs::{Job, JobState, NewJob, Work},
};
use ports::{
    Conflict, Store,
    change::JobStep,
    store::{CommitError, Page},
};

use super::fixtures::{at, done, id, job, open_job, orders, step};

fn stale(job: u128) -> Result<(), CommitError> {
    Err(CommitError::Conflict(Conflict::Stale { what: "job", id: id::<Job>(job).to_string() }))
}

async fn lease_one(store: &Arc<dyn Store>, seconds: i64) -> Job {
    let mut runs = store.lease_jobs(at(0), 10, seconds).await.unwrap();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs.remove(0)
}

fn retry(run: &Job, due: Timestamp, error: Option<&str>) -> ports::Change {
    step(JobStep::Retry { id: run.id, lease: run.lease.clone().unwrap(), due, error: error.map(str::to_owned) })
}

/// While it is good nobody else gets the job; every job has a lease of its own.
pub async fn a_lease_is_held_by_one(store: Arc<dyn Store>) {
    store.commit(orders([job(1), job(2)])).await.unwrap();
    let runs = store.lease_jobs(at(0), 10, 60).await.unwrap();
    assert_eq!(runs.len(), 2);
    assert!(runs[0].lease.is_some());
    assert_ne!(runs[0].lease, runs[1].lease);
    assert_eq!(store.lease_jobs(at(0), 10, 60).await.unwrap(), []);
    assert_eq!(store.job(id(1)).await.unwrap().as_ref(), Some(&runs[0]));
    let stolen = JobStep::Done { id: id(1), lease: runs[1].lease.clone().unwrap(), wake: 0 };
    assert_eq!(store.commit(step(stolen)).await, stale(1));
    store.commit(done(&runs[0])).await.unwrap();
    assert_eq!(store.commit(done(&runs[0])).await, stale(1), "a run ends once");
}

/// The next worker gets another lease, and the first can no longer end, repeat or bury the job.
pub async fn a_lease_that_is_over_is_lost(store: Arc<dyn Store>) {
    store.commit(orders([job(1)])).await.unwrap();
    let slow = lease_one(&store, 0).await;
    let quick = lease_one(&store, 60).await;
    assert_ne!(slow.lease, quick.lease);
    assert_eq!((slow.attempt, quick.attempt), (1, 2));
    let lease = || slow.lease.clone().unwrap();
    assert_eq!(store.commit(done(&slow)).await, stale(1));
    assert_eq!(store.commit(retry(&slow, at(5), Some("late"))).await, stale(1));
    assert_eq!(store.commit(step(JobStep::Dead { id: id(1), lease: lease(), error: "late".to_owned() })).await, stale(1));
    assert_eq!(store.commit(step(JobStep::Stale { id: id(1), lease: lease() })).await, stale(1));
    store.commit(done(&quick)).await.unwrap();
}

/// While it may still run, by id; a replacement compares with what was read, and leaves everything else of the job alone.
pub async fn what_is_sealed_is_listed_and_replaced(store: Arc<dyn Store>) {
    let revoke = |byte| Work::Revoke { grant: id(9), data_centre: "eu".to_owned(), sealed_refresh: vec![byte, 255], serial: None };
    let exchange =
        Work::Exchange { link: id(8), person: id(7), sealed_code: vec![1], data_centre: "us".to_owned(), link_key: None };
    let sealed = |number, work: Work| NewJob { work, ..job(number) };
    assert!([revoke(1), exchange.clone()].iter().all(|work| Work::SEALED.contains(&work.kind())));
    store.commit(orders([job(1), sealed(2, exchange), sealed(3, revoke(1)), sealed(4, revoke(2))])).await.unwrap();
    let runs = store.lease_jobs(at(0), 10, 60).await.unwrap();
    let run = |number: u128| runs.iter().find(|run| run.id == id(number)).unwrap();
    store.commit(done(run(2))).await.unwrap();
    let dead = JobStep::Dead { id: id(3), lease: run(3).lease.clone().unwrap(), error: "refused".to_owned() };
    store.commit(step(dead)).await.unwrap();
    let listed = store.sealed_jobs(Page::first(10)).await.unwrap();
    assert_eq!(listed.iter().map(|job| job.id).collect::<Vec<_>>(), [id(3), id(4)]);
    assert_eq!(listed[1].work, revoke(2));
    let next = Page { after: Some(listed[0].id.to_string()), limit: 10 };
    assert_eq!(store.sealed_jobs(next).await.unwrap(), listed[1..]);

    let replace = || step(JobStep::Replace { id: id(4), stored: listed[1].stored.clone(), work: revoke(5) });
    store.commit(replace()).await.unwrap();
    let stored = store.job(id(4)).await.unwrap().unwrap();
    assert_eq!((&stored.work, &stored.lease, stored.attempt), (&revoke(5), &run(4).lease, 1));
    assert_eq!(store.commit(replace()).await, stale(4), "it is no longer as it was read");
    store.commit(done(run(4))).await.unwrap();

    let forget = || step(JobStep::Forget { id: id(3), stored: listed[0].stored.clone() });
    store.commit(forget()).await.unwrap();
    assert_eq!(store.commit(forget()).await, stale(3));
    assert_eq!(store.job(id(3)).await.unwrap().unwrap().state, JobState::Stale);
    assert_eq!(store.sealed_jobs(Page::first(10)).await.unwrap(), []);
}

/// The run cannot end the job; it asks for a repetition, which sees what was ordered.
pub async fn a_job_ordered_again_while_running_is_repeated(store: Arc<dyn Store>) {
    store.commit(orders([open_job(1, "settle")])).await.unwrap();
    let first = lease_one(&store, 60).await;
    store.commit(orders([open_job(2, "settle")])).await.unwrap();
    assert_eq!(store.commit(done(&first)).await, stale(1));
    store.commit(retry(&first, at(0), None)).await.unwrap();
    let second = lease_one(&store, 60).await;
    assert_eq!((second.id, second.wake, second.attempt), (id(1), 1, 1));
    store.commit(done(&second)).await.unwrap();
}

/// A run that decides to wait an hour does not push back an order that came meanwhile.
pub async fn a_retry_keeps_an_earlier_order(store: Arc<dyn Store>) {
    store.commit(orders([open_job(1, "settle")])).await.unwrap();
    let run = lease_one(&store, 60).await;
    store.commit(orders([NewJob { due: at(0), ..open_job(2, "settle") }])).await.unwrap();
    store.commit(retry(&run, at(60), Some("down"))).await.unwrap();
    let again = lease_one(&store, 60).await;
    store.commit(retry(&again, at(60), Some("down"))).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(60)), "nobody ordered it during the second run");
}

/// Failures count; a wait without an error begins again from nothing.
pub async fn attempts_are_counted_and_forgotten(store: Arc<dyn Store>) {
    store.commit(orders([job(1)])).await.unwrap();
    for attempt in 1..=3 {
        let run = lease_one(&store, 60).await;
        assert_eq!(run.attempt, attempt);
        store.commit(retry(&run, at(0), Some("down"))).await.unwrap();
        let stored = store.job(id(1)).await.unwrap().unwrap();
        assert_eq!((stored.last_error.as_deref(), stored.lease), (Some("down"), None));
    }
    let run = lease_one(&store, 60).await;
    store.commit(retry(&run, at(0), None)).await.unwrap();
    let run = lease_one(&store, 60).await;
    assert_eq!((run.attempt, run.last_error), (1, None));
}

/// Dead and stale jobs never run by themselves; a dead one can be tried again, unless an open one does its work already.
pub async fn the_dead_are_listed_and_revived(store: Arc<dyn Store>) {
    store.commit(orders([open_job(1, "settle")])).await.unwrap();
    let run = lease_one(&store, 60).await;
    let dead = JobStep::Dead { id: run.id, lease: run.lease.clone().unwrap(), error: "refused".to_owned() };
    store.commit(step(dead)).await.unwrap();
    let listed = store.jobs(JobState::Dead, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].last_error.as_deref(), &listed[0].lease), (Some("refused"), &None));
    assert_eq!(store.lease_jobs(at(99), 10, 60).await.unwrap(), []);

    let revive = || step(JobStep::Revive { id: id(1), due: at(0) });
    store.commit(revive()).await.unwrap();
    assert_eq!(store.commit(revive()).await, stale(1));
    let run = lease_one(&store, 60).await;
    assert_eq!((run.id, run.attempt), (id(1), 1));
    store.commit(step(JobStep::Dead { id: run.id, lease: run.lease.unwrap(), error: "refused".to_owned() })).await.unwrap();

    store.commit(orders([open_job(2, "settle")])).await.unwrap();
    assert_eq!(store.commit(revive()).await, stale(1), "another one is open");
    let run = lease_one(&store, 60).await;
    store.commit(step(JobStep::Stale { id: run.id, lease: run.lease.unwrap() })).await.unwrap();
    assert_eq!(store.jobs(JobState::Stale, 10).await.unwrap().len(), 1);
    store.commit(revive()).await.unwrap();
}
