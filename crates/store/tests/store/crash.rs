//! A process killed in the middle of its commits: every change is there whole or not at all, and what was acknowledged is there.
//!
//! The test starts its own binary again as the process to be killed; the file to write is named on that process's standard input.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Arc,
};

use domain::audit::{Actor, Entry};
use ports::{
    Change, Conflict, Put, Store,
    change::{Agenda, ClaimStep, Name, Scope},
    store::CommitError,
};
use testkit::store_contract::fixtures::{at, claim, holder, id, interview, job, orders, puts, range};

use crate::common::{SqliteDatabase, options};

const ROUNDS: u128 = 12;
const WRITERS: u128 = 6;
/// An interview that no change writes.
const RIVAL: u128 = u128::MAX;
/// Changes of one writer in one round are numbered from here.
const fn base(round: u128, writer: u128) -> u128 {
    (round * WRITERS + writer) * 1_000_000
}

/// Touches every kind of row.
pub fn change(number: u128) -> Change {
    let entry = Entry {
        id: id(number),
        at: at(0),
        actor: Actor::System,
        action: "test.made".to_owned(),
        subject: number.to_string(),
        reason: None,
        request: None,
        payload: serde_json::Value::Null,
        salt: vec![1],
        mac: None,
    };
    Change {
        agendas: vec![Agenda { holder: holder(number), expected: 0 }],
        names: vec![Name::Take { scope: Scope::Round, name: number.to_string(), owner: number.to_string() }],
        claims: vec![ClaimStep::Take(claim(number, number, 1, range(0, 60)))],
        jobs: orders([job(number)]).jobs,
        audit: vec![entry],
        ..puts([Put::Interview(interview(number, range(0, 60)))])
    }
}

/// Whether the change is there; all of its parts must agree.
pub async fn is_there(store: &Arc<dyn Store>, number: u128) -> bool {
    let stored = store.interview(id(number)).await.unwrap();
    let there = stored.is_some();
    assert!(stored.is_none_or(|stored| stored == interview(number, range(0, 60))), "change {number}");
    assert_eq!(store.agenda_rev(&holder(number)).await.unwrap(), i64::from(there), "change {number}");
    assert_eq!(store.owner(Scope::Round, &number.to_string()).await.unwrap().is_some(), there, "change {number}");
    assert_eq!(store.job(id(number)).await.unwrap().is_some(), there, "change {number}");
    assert_eq!(store.audit_of(&number.to_string(), 9).await.unwrap().len(), usize::from(there), "change {number}");
    // Somebody else's claim tells whether the cells are taken.
    let probe = Change { claims: vec![ClaimStep::Take(claim(number, RIVAL, 1, range(0, 60)))], ..Change::at(at(0)) };
    if there {
        let clash = store.commit(probe).await;
        assert!(matches!(clash, Err(CommitError::Conflict(Conflict::Claimed { .. }))), "change {number}: {clash:?}");
    } else {
        store.commit(probe).await.unwrap();
        let release = Change { claims: vec![ClaimStep::ReleaseAll(id(RIVAL))], ..Change::at(at(0)) };
        store.commit(release).await.unwrap();
    }
    there
}

/// Kills the writing process after it has acknowledged some changes, each round at another moment.
fn write_until_killed(url: &str, round: u128) -> Vec<u128> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::writes_until_it_is_killed", "--ignored", "--nocapture", "--test-threads", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{url}\n{round}").unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = Vec::new();
    // The first line also holds what the test harness says.
    let number = |line: String| line.split_once("acknowledged ").map(|(_, number)| number.parse::<u128>().unwrap());
    while acknowledged.len() < 20 {
        let line = output.next().expect("the writing process ended by itself").unwrap();
        acknowledged.extend(number(line));
    }
    for _ in 0..round * 20_000 {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(output.map(Result::unwrap).filter_map(number));
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_writer_leaves_whole_changes() {
    let database = SqliteDatabase::new();
    for round in 0..ROUNDS {
        let acknowledged = write_until_killed(&database.url(), round);
        let store = database.open().await;
        for number in &acknowledged {
            assert!(is_there(&store, *number).await, "change {number} was acknowledged");
        }
        for writer in 0..WRITERS {
            let base = base(round, writer);
            let last = acknowledged.iter().filter(|number| (base..base + 1_000_000).contains(*number)).max();
            // At most one change of each writer was under way.
            let next = last.map_or(base, |last| last + 1);
            is_there(&store, next).await;
            assert!(!is_there(&store, next + 1).await);
        }
    }
}

/// Not a test: the process that the test above kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that a_killed_writer_leaves_whole_changes starts and kills"]
async fn writes_until_it_is_killed() {
    let mut input = std::io::stdin().lines();
    let mut line = || input.next().expect("the test names a database on standard input").unwrap();
    let url = line();
    let round: u128 = line().parse().unwrap();
    let store = store::open(&url, options()).await.unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for number in base(round, writer).. {
                store.commit(change(number)).await.unwrap();
                println!("acknowledged {number}");
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}
