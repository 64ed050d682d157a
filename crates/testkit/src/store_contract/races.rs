//! What holds when many do the same at once.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{TimeRange, people::Person};
use ports::{
    Change, Conflict, Put, Store,
    change::{Agenda, ClaimStep, JobStep, Name, Scope},
    store::CommitError,
};
use tokio::{sync::Barrier, task::JoinSet};

use super::fixtures::{at, claim, done, holder, id, interview, job, open_job, orders, person, puts, range, taking};

/// Starts `count` tasks that begin together; their results by number.
async fn race<T, F>(count: u128, run: impl Fn(u128, Arc<Barrier>) -> F) -> BTreeMap<u128, T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(usize::try_from(count).unwrap()));
    let mut tasks = JoinSet::new();
    for number in 1..=count {
        let running = run(number, Arc::clone(&start));
        tasks.spawn(async move { (number, running.await) });
    }
    let all = async {
        let mut results = BTreeMap::new();
        while let Some(result) = tasks.join_next().await {
            let (number, result) = result.unwrap();
            results.insert(number, result);
        }
        results
    };
    tokio::time::timeout(Duration::from_mins(2), all).await.expect("the racers did not come to an end")
}

/// 64 racers want overlapping times of one person: no two winners share a cell, and whoever lost is told of a winner in their way.
pub async fn overlapping_claims_have_one_winner_per_cell(store: Arc<dyn Store>) {
    let wanted = |number: u128| {
        let step = i64::try_from(number).unwrap();
        let from = step * 35 % 300;
        range(from, from + 15 + step % 7 * 5)
    };
    let results = race(64, |number, start| {
        let store = Arc::clone(&store);
        async move {
            start.wait().await;
            store.commit(taking(at(0), [claim(1, number, 1, wanted(number))])).await
        }
    })
    .await;

    let winners: Vec<u128> = results.iter().filter(|(_, result)| result.is_ok()).map(|(number, _)| *number).collect();
    assert!(winners.len() > 1, "{winners:?}");
    for (at, one) in winners.iter().enumerate() {
        for other in &winners[at + 1..] {
            assert!(!wanted(*one).overlaps(wanted(*other)), "{one} and {other} both hold {:?}", wanted(*one));
        }
    }
    for (number, result) in results.iter().filter(|(_, result)| result.is_err()) {
        let Err(CommitError::Conflict(Conflict::Claimed { by, cell, .. })) = result else {
            panic!("racer {number} got {result:?}");
        };
        let rival = winners.iter().find(|winner| id::<domain::interviews::Interview>(**winner).to_string() == *by);
        let rival = wanted(*rival.expect("a winner is in the way"));
        let cell = TimeRange::new(at((cell - super::claims::cell(0)) * 5), at((cell - super::claims::cell(0)) * 5 + 5)).unwrap();
        assert!(rival.covers(cell) && wanted(*number).covers(cell));
    }
}

/// The rule looks at the whole day, so cells alone would not help: the racers want different hours of one day with room for one. The
/// first day races for the agenda's first revision, the others for a later one.
pub async fn a_daily_limit_of_one_holds(store: Arc<dyn Store>) {
    for day in 0..3_i64 {
        let dates = range(day * 24 * 60, (day + 1) * 24 * 60);
        let number = |racer: u128| u128::try_from(day * 100).unwrap() + racer;
        let hour = move |racer: u128| {
            let from = day * 24 * 60 + i64::try_from(racer).unwrap() * 60;
            range(from, from + 30)
        };
        let results = race(16, |racer, start| book_once_a_day(Arc::clone(&store), start, number(racer), hour(racer), dates)).await;
        assert_eq!(results.values().filter(|won| **won).count(), 1, "day {day}");
        assert_eq!(store.agenda(id(1), dates).await.unwrap().len(), 1);
        assert_eq!(store.agenda_rev(&holder(1)).await.unwrap(), day + 1);
    }
}

/// As a use case does it: the revision is read first, then the day; a conflict means to look again.
async fn book_once_a_day(store: Arc<dyn Store>, start: Arc<Barrier>, number: u128, hour: TimeRange, dates: TimeRange) -> bool {
    let mut first = true;
    loop {
        let expected = store.agenda_rev(&holder(1)).await.unwrap();
        let booked = store.agenda(id(1), dates).await.unwrap().len();
        if first {
            // Everybody has read the empty day before anybody writes.
            start.wait().await;
            first = false;
        }
        if booked > 0 {
            return false;
        }
        let change = Change {
            agendas: vec![Agenda { holder: holder(1), expected }],
            claims: vec![ClaimStep::Take(claim(1, number, 1, hour))],
            ..puts([Put::Interview(interview(number, hour))])
        };
        match store.commit(change).await {
            Ok(()) => return true,
            Err(CommitError::Conflict(Conflict::Stale { what: "agenda", .. })) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Changes that name the same two people in opposite order neither lock each other up nor lose an update.
pub async fn crossing_holders_do_not_lock_up(store: Arc<dyn Store>) {
    race(32, |number, start| {
        let store = Arc::clone(&store);
        async move {
            start.wait().await;
            let from = i64::try_from(number).unwrap() * 30;
            let mut people = [1_u128, 2];
            if number % 2 == 0 {
                people.reverse();
            }
            loop {
                let mut change = Change::at(at(0));
                for person in people {
                    let expected = store.agenda_rev(&holder(person)).await.unwrap();
                    change.agendas.push(Agenda { holder: holder(person), expected });
                    change.claims.push(ClaimStep::Take(claim(person, number, 1, range(from, from + 30))));
                    change.puts.push(Put::Setting(format!("last booking of {person}"), number.to_string()));
                }
                match store.commit(change).await {
                    Ok(()) => return,
                    Err(CommitError::Conflict(Conflict::Stale { what: "agenda", .. })) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    })
    .await;
    assert_eq!(store.agenda_rev(&holder(1)).await.unwrap(), 32);
    assert_eq!(store.agenda_rev(&holder(2)).await.unwrap(), 32);
}

/// Two runs that each end themselves and order the other take the same two rows in opposite order: both go through.
pub async fn crossing_orders_do_not_lock_up(store: Arc<dyn Store>) {
    store.commit(orders([open_job(1, "one"), open_job(2, "two")])).await.unwrap();
    for _ in 0..3 {
        let runs = store.lease_jobs(at(0), 2, 600).await.unwrap();
        assert_eq!(runs.len(), 2);
        race(2, |number, start| {
            let (store, runs) = (Arc::clone(&store), runs.clone());
            async move {
                let run = runs.iter().find(|run| run.id == id(number)).unwrap();
                let again = JobStep::Retry { id: run.id, lease: run.lease.clone().unwrap(), due: at(0), error: None };
                let other = if number == 1 { open_job(4, "two") } else { open_job(3, "one") };
                start.wait().await;
                store.commit(Change { jobs: vec![again, JobStep::Order(other)], ..Change::at(at(0)) }).await.unwrap();
            }
        })
        .await;
    }
    assert_eq!(store.job(id(1)).await.unwrap().unwrap().wake, 3);
    assert_eq!(store.job(id(2)).await.unwrap().unwrap().wake, 3);
}

/// 8 workers empty a queue of 100: every job is run once.
pub async fn racing_workers_run_each_job_once(store: Arc<dyn Store>) {
    store.commit(orders((1..=100).map(job))).await.unwrap();
    let runs = race(8, |_, start| {
        let store = Arc::clone(&store);
        async move {
            start.wait().await;
            let mut ran = Vec::new();
            loop {
                let batch = store.lease_jobs(at(0), 3, 600).await.unwrap();
                if batch.is_empty() && store.next_due().await.unwrap().is_none() {
                    return ran;
                }
                for run in batch {
                    store.commit(done(&run)).await.unwrap();
                    ran.push(run.id);
                }
            }
        }
    })
    .await;
    let mut ran: Vec<_> = runs.into_values().flatten().collect();
    ran.sort_unstable();
    assert_eq!(ran, (1..=100).map(id).collect::<Vec<_>>());
}

/// A unique name among racers.
pub async fn one_of_many_takes_a_name(store: Arc<dyn Store>) {
    let results = race(32, |number, start| {
        let store = Arc::clone(&store);
        async move {
            start.wait().await;
            let take = Name::Take { scope: Scope::Email, name: "ana@example.com".to_owned(), owner: number.to_string() };
            store.commit(Change { names: vec![take], ..puts([Put::Person(person(number))]) }).await
        }
    })
    .await;
    let winners: Vec<_> = results.iter().filter(|(_, result)| result.is_ok()).map(|(number, _)| *number).collect();
    assert_eq!(winners.len(), 1, "{results:?}");
    let taken = Conflict::Taken { scope: "email", name: "ana@example.com".to_owned() };
    assert!(results.values().filter(|result| result.is_err()).all(|result| *result == Err(CommitError::Conflict(taken.clone()))));
    assert_eq!(store.owner(Scope::Email, "ana@example.com").await.unwrap(), Some(winners[0].to_string()));
    for number in 1..=32 {
        assert_eq!(store.person(id(number)).await.unwrap().is_some(), number == winners[0]);
    }
}

/// The same next revision, written by many, is written by one, whether it is the first or a later one.
pub async fn one_of_many_writes_a_revision(store: Arc<dyn Store>) {
    for rev in 1..=3 {
        let results = race(16, |number, start| {
            let store = Arc::clone(&store);
            async move {
                start.wait().await;
                let mine = Person { rev, name: number.to_string(), ..person(1) };
                store.commit(puts([Put::Person(mine)])).await
            }
        })
        .await;
        let winners: Vec<_> = results.iter().filter(|(_, result)| result.is_ok()).map(|(number, _)| number.to_string()).collect();
        assert_eq!(winners.len(), 1, "{results:?}");
        let stored = store.person(id(1)).await.unwrap().unwrap();
        assert_eq!((stored.rev, &stored.name), (rev, &winners[0]));
    }
}
