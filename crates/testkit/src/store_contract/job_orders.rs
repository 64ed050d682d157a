//! Orders: what is the same is one job, and a stream keeps its order.

use std::sync::Arc;

use domain::jobs::{Dedupe, Job, JobState, NewJob};
use ports::{Change, Store, change::JobStep};

use super::fixtures::{at, done, id, job, open_job, orders, work};

/// Leases everything that may run, in the order given.
async fn leased(store: &Arc<dyn Store>, minutes: i64) -> Vec<Job> {
    store.lease_jobs(at(minutes), 100, 60).await.unwrap()
}

/// A key that was ordered once is accepted again and runs once, done or not.
pub async fn once_is_for_ever(store: Arc<dyn Store>) {
    let mail = |number| NewJob { dedupe: Dedupe::Once("mail:1".to_owned()), ..job(number) };
    store.commit(orders([mail(1)])).await.unwrap();
    store.commit(orders([mail(2)])).await.unwrap();
    let runs = leased(&store, 0).await;
    assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [id(1)]);
    assert_eq!((&runs[0].work, runs[0].attempt, runs[0].wake), (&work(1), 1, 0));
    store.commit(done(&runs[0])).await.unwrap();
    store.commit(orders([mail(3), job(4)])).await.unwrap();
    assert_eq!(leased(&store, 0).await.iter().map(|run| run.id).collect::<Vec<_>>(), [id(4)]);
}

/// The earlier time counts; once the job is done, the key is free again.
pub async fn an_open_order_wakes_the_open_job(store: Arc<dyn Store>) {
    store.commit(orders([NewJob { due: at(10), ..open_job(1, "arrange") }])).await.unwrap();
    store.commit(orders([NewJob { due: at(20), ..open_job(2, "arrange") }])).await.unwrap();
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    store.commit(orders([NewJob { due: at(5), ..open_job(3, "arrange") }])).await.unwrap();
    let woken = store.job(id(1)).await.unwrap().unwrap();
    assert_eq!((woken.due, woken.wake, woken.state), (at(5), 2, JobState::Open));
    assert_eq!(store.job(id(2)).await.unwrap(), None);

    let runs = leased(&store, 5).await;
    assert_eq!(runs.len(), 1);
    store.commit(done(&runs[0])).await.unwrap();
    assert_eq!(store.job(id(1)).await.unwrap().unwrap().state, JobState::Done);
    store.commit(orders([open_job(4, "arrange")])).await.unwrap();
    assert_eq!(leased(&store, 5).await.iter().map(|run| run.id).collect::<Vec<_>>(), [id(4)]);
}

/// The end of a run and the next order of the same key are one change.
pub async fn a_job_may_order_itself_again(store: Arc<dyn Store>) {
    store.commit(orders([open_job(1, "refresh")])).await.unwrap();
    let run = leased(&store, 0).await.remove(0);
    let next = orders([NewJob { due: at(50), ..open_job(2, "refresh") }]);
    store.commit(Change { jobs: [next.jobs, done(&run).jobs].concat(), ..Change::at(at(0)) }).await.unwrap();
    assert_eq!(store.job(id(1)).await.unwrap().unwrap().state, JobState::Done);
    assert_eq!(store.next_due().await.unwrap(), Some(at(50)));
}

/// One at a time, by sequence and then id, and never past an earlier job, even one that is not due or is waiting for its repetition.
pub async fn a_stream_runs_in_order(store: Arc<dyn Store>) {
    let of = |number, sequence, due| NewJob { stream: Some("itv".to_owned()), sequence, due: at(due), ..job(number) };
    store.commit(orders([of(4, 2, 0), of(3, 1, 0), of(2, 1, 5), job(9)])).await.unwrap();
    let open: Vec<_> = store.open_jobs("itv").await.unwrap().iter().map(|job| job.id).collect();
    assert_eq!(open, [id(2), id(3), id(4)]);
    assert_eq!(leased(&store, 0).await.iter().map(|run| run.id).collect::<Vec<_>>(), [id(9)], "the first of the stream is not due");

    let first = leased(&store, 5).await.remove(0);
    assert_eq!(first.id, id(2));
    assert_eq!(leased(&store, 5).await, [], "the stream's first is running");
    let error = Some("down".to_owned());
    let retry = JobStep::Retry { id: first.id, lease: first.lease.unwrap(), due: at(8), error };
    store.commit(super::fixtures::step(retry)).await.unwrap();
    assert_eq!(leased(&store, 7).await, [], "the stream's first waits for its repetition");
    for expected in [2, 3, 4] {
        let runs = leased(&store, 8).await;
        assert_eq!(runs.iter().map(|run| run.id).collect::<Vec<_>>(), [id(expected)]);
        store.commit(done(&runs[0])).await.unwrap();
    }
    assert_eq!(store.open_jobs("itv").await.unwrap(), []);
}

/// By business time, running or not; nothing when nothing is open. Leases are taken in the order of due times.
pub async fn the_next_due_job_is_known(store: Arc<dyn Store>) {
    assert_eq!(store.next_due().await.unwrap(), None);
    let due = |number, minutes| NewJob { due: at(minutes), ..job(number) };
    store.commit(orders([due(1, 30), due(2, 20), due(3, 10)])).await.unwrap();
    assert_eq!(leased(&store, 9).await, []);
    let picked = store.lease_jobs(at(30), 2, 60).await.unwrap();
    assert_eq!(picked.iter().map(|run| run.id).collect::<Vec<_>>(), [id(3), id(2)]);
    assert_eq!(store.next_due().await.unwrap(), Some(at(10)));
    for run in &picked {
        store.commit(done(run)).await.unwrap();
    }
    assert_eq!(store.next_due().await.unwrap(), Some(at(30)));
}
