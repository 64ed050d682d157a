//! The one thread that writes. Changes that wait together share a transaction and its one flush to the disk, each behind a savepoint of
//! its own, so that one that fails harms no other. Nobody is answered before the commit.

use std::{io, sync::Arc, sync::LazyLock, thread, time::Duration};

use ports::{
    LeaseClock,
    store::{CommitError, Read, StoreError},
};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::connection::{BUSY_TIMEOUT, execute, query, unavailable};
use crate::{
    db::{LOCK, Otherwise, Param, Row, Rows, Step, Value},
    nouns::jobs,
};

/// Changes that wait for the thread; more wait at the sender.
const QUEUE: usize = 1_024;
/// Changes under one commit.
const GROUP: usize = 128;
/// How long cutting the journal waits for readers.
const SCRUB_WAIT: Duration = Duration::from_millis(200);

/// `$5` is the lease clock's time.
static LEASE: LazyLock<String> = LazyLock::new(|| jobs::lease_sql("$5", ""));

enum Request {
    Commit {
        steps: Vec<Step>,
        reply: oneshot::Sender<Result<(), CommitError>>,
    },
    Lease {
        params: Vec<Param>,
        reply: oneshot::Sender<Read<Vec<Row>>>,
    },
    Ping {
        reply: oneshot::Sender<Read<()>>,
    },
    /// Writes the journal back and cuts it.
    Scrub {
        reply: oneshot::Sender<Read<()>>,
    },
}

/// What is told to a caller once it is known whether the group was committed.
type Answer = Box<dyn FnOnce(Read<()>)>;

pub(super) struct Writer {
    requests: mpsc::Sender<Request>,
}

impl Writer {
    /// The thread ends when the writer is dropped.
    pub fn start(connection: Connection, clock: Arc<dyn LeaseClock>) -> io::Result<Self> {
        let (requests, mut queue) = mpsc::channel(QUEUE);
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || {
            while let Some(first) = queue.blocking_recv() {
                let mut group = vec![first];
                while group.len() < GROUP
                    && let Ok(next) = queue.try_recv()
                {
                    group.push(next);
                }
                let (scrubs, group): (Vec<_>, Vec<_>) =
                    group.into_iter().partition(|request| matches!(request, Request::Scrub { .. }));
                if !group.is_empty() {
                    run_group(&connection, clock.as_ref(), group);
                }
                for request in scrubs {
                    // A journal is not cut inside a transaction.
                    if let Request::Scrub { reply } = request {
                        tell(reply, scrub(&connection));
                    }
                }
            }
        })?;
        Ok(Self { requests })
    }

    pub async fn commit(&self, steps: Vec<Step>) -> Result<(), CommitError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Commit { steps, reply }).await?;
        answer.await.map_err(|_| CommitError::from(gone()))?
    }

    pub async fn lease(&self, params: Vec<Param>) -> Read<Vec<Row>> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Lease { params, reply }).await?;
        answer.await.map_err(|_| gone())?
    }

    pub async fn ping(&self) -> Read<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Ping { reply }).await?;
        answer.await.map_err(|_| gone())?
    }

    pub async fn scrub(&self) -> Read<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Scrub { reply }).await?;
        answer.await.map_err(|_| gone())?
    }

    async fn send(&self, request: Request) -> Read<()> {
        self.requests.send(request).await.map_err(|_| gone())
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the thread that writes the database has ended; restart the program".to_owned())
}

fn run_group(connection: &Connection, clock: &dyn LeaseClock, group: Vec<Request>) {
    let mut outcome = execute(connection, "BEGIN IMMEDIATE", &[]).map(drop).map_err(|error| unavailable(&error));
    let mut answers: Vec<Answer> = Vec::with_capacity(group.len());
    for request in group {
        answers.push(run(connection, clock, request, &outcome));
        // A full disk can make SQLite give up the whole transaction, and with it what ran before.
        if outcome.is_ok() && connection.is_autocommit() {
            outcome = Err(StoreError::Unavailable("the database gave the transaction up; the disk may be full".to_owned()));
        }
    }
    if outcome.is_ok() {
        outcome = execute(connection, "COMMIT", &[]).map(drop).map_err(|error| unavailable(&error));
    }
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK", &[])
    {
        tracing::error!(%error, "a transaction could not be rolled back");
    }
    for answer in answers {
        answer(outcome.clone());
    }
}

fn run(connection: &Connection, clock: &dyn LeaseClock, request: Request, begun: &Read<()>) -> Answer {
    match request {
        Request::Commit { steps, reply } => {
            let result = begun.clone().map_err(CommitError::from).and_then(|()| apart(connection, || apply(connection, &steps)));
            Box::new(move |outcome| tell(reply, outcome.map_err(CommitError::from).and(result)))
        }
        Request::Lease { mut params, reply } => {
            params.push(clock.now().into());
            let lease = || query(connection, &LEASE, &params).map_err(|error| unavailable(&error).into());
            let result = begun.clone().map_err(CommitError::from).and_then(|()| apart(connection, lease)).map_err(plain);
            Box::new(move |outcome| tell(reply, outcome.and(result)))
        }
        Request::Ping { reply } | Request::Scrub { reply } => Box::new(move |outcome| tell(reply, outcome)),
    }
}

/// Writes the journal back into the file and cuts it to nothing. Waits only a moment for readers: writing waits meanwhile.
fn scrub(connection: &Connection) -> Read<()> {
    let failed = |error: rusqlite::Error| unavailable(&error);
    connection.busy_timeout(SCRUB_WAIT).map_err(failed)?;
    let outcome = query(connection, "PRAGMA wal_checkpoint(TRUNCATE)", &[]).map_err(failed);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    match outcome?.first().map(Vec::as_slice) {
        Some([Value::Int(0), ..]) => Ok(()),
        _ => Err(StoreError::Unavailable("the journal is being read and cannot be cut now; it is tried again".to_owned())),
    }
}

fn plain(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        CommitError::Conflict(conflict) => StoreError::Unavailable(conflict.to_string()),
    }
}

fn tell<T>(reply: oneshot::Sender<T>, result: T) {
    if reply.send(result).is_err() {
        tracing::debug!("the caller of a change went away before its answer");
    }
}

/// Runs `work` behind a savepoint: all of it stays, or nothing.
fn apart<T>(connection: &Connection, work: impl FnOnce() -> Result<T, CommitError>) -> Result<T, CommitError> {
    let run = |sql| execute(connection, sql, &[]).map(drop).map_err(|error| CommitError::from(unavailable(&error)));
    run("SAVEPOINT change")?;
    let result = work();
    if connection.is_autocommit() {
        return result;
    }
    let closed =
        if result.is_err() { run("ROLLBACK TO change").and_then(|()| run("RELEASE change")) } else { run("RELEASE change") };
    if let Err(error) = closed {
        // A half-undone change must not be committed with the others: the group goes with it.
        run("ROLLBACK")?;
        return Err(error);
    }
    result
}

fn apply(connection: &Connection, steps: &[Step]) -> Result<(), CommitError> {
    let failed = |error: rusqlite::Error| CommitError::from(unavailable(&error));
    for step in steps {
        let touched = match &step.rows {
            Rows::Found(_) => query(connection, step.sql.trim_end_matches(LOCK), &step.params).map_err(failed)?.len(),
            Rows::Any | Rows::Exactly(..) => execute(connection, step.sql, &step.params).map_err(failed)?,
        };
        let Some(otherwise) = step.rows.unmet(touched) else { continue };
        return Err(CommitError::Conflict(match otherwise {
            Otherwise::Conflict(conflict) => conflict.clone(),
            Otherwise::Ask { sql, params, answer } => answer(params, query(connection, sql, params).map_err(failed)?.first()),
        }));
    }
    Ok(())
}
