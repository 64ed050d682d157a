//! PostgreSQL: one READ COMMITTED transaction per change, in which every expectation is a compare-and-swap.
//!
//! Guards travel in one round trip with `BEGIN`, the rest follows once they hold. Serialization failures and deadlocks (40001, 40P01)
//! are the only error codes that are read: such a change is tried again after a short random wait, as is one whose connection was lost
//! before its commit was sent.

mod connect;
mod dump;
mod value;

use std::{sync::Arc, sync::LazyLock, time::Duration};

use deadpool_postgres::{Object, Pool};
use domain::Timestamp;
use futures_util::future::{join, join_all};
use ports::{
    Entropy,
    store::{CommitError, Read, StoreError},
};
use tokio_postgres::{
    Error, Statement,
    error::{DbError, Severity, SqlState},
};

use crate::{
    db::{Otherwise, Param, Row, Step},
    error::OpenError,
    nouns::jobs,
};
pub(crate) use connect::is_postgres;
use value::{row, types};

/// Attempts at a change that meets deadlocks or serialization failures.
const ATTEMPTS: u32 = 8;
/// Statements sent before their answers are awaited.
const PIPELINE: usize = 24;

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
/// The lease clock: this server's, in microseconds.
const NOW: &str = "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint";
static SELECT_NOW: LazyLock<String> = LazyLock::new(|| format!("SELECT {NOW}"));
static LEASE: LazyLock<String> = LazyLock::new(|| jobs::lease_sql(NOW, "FOR UPDATE OF j SKIP LOCKED"));
const WRITABLE: &str = "SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE current_setting('transaction_read_only') END";

/// A pool of connections to the server that can be written.
pub(crate) struct Postgres {
    pool: Pool,
    entropy: Arc<dyn Entropy>,
}

/// Why a transaction ended without a commit.
enum Ended {
    /// A deadlock, a serialization failure, or a connection lost before the commit: nothing was written, the same may work now.
    Again(Error),
    Failed(Error),
    Conflict(ports::Conflict),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        match error.code() {
            Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED => {
                Self::Again(error)
            }
            _ if is_lost(&error) => Self::Again(error),
            _ => Self::Failed(error),
        }
    }
}

/// Whether the connection ended with this: closed, or with the server's last words on it (a shutdown, a failover).
fn is_lost(error: &Error) -> bool {
    let fatal = |said: &DbError| matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic));
    error.is_closed() || error.as_db_error().is_some_and(fatal)
}

impl Postgres {
    /// Connects and brings the schema up to date.
    pub async fn open(url: &str, connections: usize, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        let pool = connect::pool(url, connections, true)?;
        connect::migrate(&pool, &SELECT_NOW).await?;
        Ok(Self { pool, entropy })
    }

    /// With the schema as it is, to be replaced; nothing is connected yet.
    pub fn to_load(url: &str, entropy: Arc<dyn Entropy>) -> Result<Self, OpenError> {
        Ok(Self { pool: connect::pool(url, 2, false)?, entropy })
    }

    /// Runs on a task of its own: a caller that goes away leaves no connection in the middle of a transaction.
    pub async fn commit(&self, steps: Vec<Step>) -> Result<(), CommitError> {
        let (pool, entropy) = (self.pool.clone(), Arc::clone(&self.entropy));
        let task = tokio::spawn(async move { commit(&pool, entropy.as_ref(), &steps).await });
        task.await.map_err(|error| StoreError::Unavailable(format!("a writing task ended: {error}")))?
    }

    /// A read that meets a connection the server has closed meanwhile is made once more on another.
    pub async fn rows(&self, sql: &'static str, params: Vec<Param>) -> Read<Vec<Row>> {
        match self.query(sql, &params).await {
            Err(QueryError::Query(error)) if is_lost(&error) => self.query(sql, &params).await,
            result => result,
        }
        .map_err(StoreError::from)
    }

    pub async fn lease(&self, params: Vec<Param>) -> Read<Vec<Row>> {
        self.query(&LEASE, &params).await.map_err(StoreError::from)
    }

    pub async fn now(&self) -> Read<Timestamp> {
        let rows = self.rows(&SELECT_NOW, Vec::new()).await?;
        match rows.first().map(Vec::as_slice) {
            Some([crate::db::Value::Int(micros)]) => Timestamp::from_microsecond(*micros)
                .map_err(|error| StoreError::Inconsistent(format!("the database's clock: {error}"))),
            _ => Err(StoreError::Inconsistent("the database's clock gave no number".to_owned())),
        }
    }

    /// After a failover the pool may hold connections to a server that only reads: they are given up, so that the next one is chosen anew.
    pub async fn ping(&self) -> Read<()> {
        let rows = self.rows(WRITABLE, Vec::new()).await?;
        if rows.first().is_some_and(|row| row.first() == Some(&crate::db::Value::Text("off".to_owned()))) {
            return Ok(());
        }
        self.pool.retain(|_, _| false);
        Err(StoreError::Unavailable("the server can only be read; looking for the one that can be written".to_owned()))
    }

    async fn query(&self, sql: &str, params: &[Param]) -> Result<Vec<Row>, QueryError> {
        let client = get(&self.pool).await.map_err(QueryError::Store)?;
        let asked = async {
            let statement = client.prepare_typed_cached(sql, &types(params)).await?;
            let found = client.query(&statement, &value::borrowed(params)).await?;
            found.iter().map(row).collect::<Result<Vec<Row>, Error>>()
        };
        let result = asked.await;
        if result.as_ref().is_err_and(is_lost) {
            give_up(&self.pool, client);
        }
        result.map_err(QueryError::Query)
    }
}

enum QueryError {
    Store(StoreError),
    Query(Error),
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Store(error) => error,
            QueryError::Query(error) => unavailable(&error),
        }
    }
}

/// One connection was lost: the idle ones, which went to the same server, are not tried either.
fn give_up(pool: &Pool, client: Object) {
    drop(Object::take(client));
    pool.retain(|_, _| false);
}

async fn get(pool: &Pool) -> Read<Object> {
    pool.get().await.map_err(|error| StoreError::Unavailable(connect::pool_words(&error)))
}

fn unavailable(error: &Error) -> StoreError {
    StoreError::Unavailable(connect::words(error))
}

async fn commit(pool: &Pool, entropy: &dyn Entropy, steps: &[Step]) -> Result<(), CommitError> {
    let mut attempt = 1;
    loop {
        let client = get(pool).await?;
        let ended = match transact(&client, steps).await {
            Ok(()) => return Ok(()),
            Err(ended) => ended,
        };
        if let Err(error) = client.batch_execute("ROLLBACK").await {
            tracing::warn!(error = connect::words(&error), "a transaction could not be rolled back; its connection is closed");
            give_up(pool, client);
        }
        match ended {
            Ended::Conflict(conflict) => return Err(conflict.into()),
            Ended::Failed(error) => return Err(unavailable(&error).into()),
            Ended::Again(error) if attempt == ATTEMPTS => return Err(unavailable(&error).into()),
            Ended::Again(_) => {}
        }
        let [random] = entropy.bytes::<1>();
        // Up to 4 ms after the first attempt, doubling: both sides of a deadlock must not meet again.
        let micros = (u64::from(random) * 8) << attempt;
        tokio::time::sleep(Duration::from_micros(micros)).await;
        attempt += 1;
    }
}

async fn transact(client: &Object, steps: &[Step]) -> Result<(), Ended> {
    let mut statements = Vec::with_capacity(steps.len());
    for step in steps {
        statements.push(client.prepare_typed_cached(step.sql, &types(&step.params)).await?);
    }
    let all: Vec<(&Step, &Statement)> = steps.iter().zip(&statements).collect();
    let guards = steps.iter().take_while(|step| step.rows.guards()).count();
    let (guards, rest) = all.split_at(guards);

    let (opened, held) = join(client.batch_execute(BEGIN), wave(client, guards)).await;
    opened?;
    held?;
    wave(client, rest).await?;
    // Whether a commit that lost its connection was carried out is not known: it is never sent twice.
    client.batch_execute("COMMIT").await.map_err(|error| if is_lost(&error) { Ended::Failed(error) } else { error.into() })
}

/// Sends statements without waiting for each other's answers; the server runs them in this order.
async fn wave(client: &Object, steps: &[(&Step, &Statement)]) -> Result<(), Ended> {
    for batch in steps.chunks(PIPELINE) {
        let sent =
            batch.iter().map(|(step, statement)| async move { client.execute(*statement, &value::borrowed(&step.params)).await });
        for (touched, (step, _)) in join_all(sent).await.into_iter().zip(batch) {
            check(client, step, touched?).await?;
        }
    }
    Ok(())
}

async fn check(client: &Object, step: &Step, touched: u64) -> Result<(), Ended> {
    let touched = usize::try_from(touched).unwrap_or(usize::MAX);
    let Some(otherwise) = step.rows.unmet(touched) else { return Ok(()) };
    Err(Ended::Conflict(match otherwise {
        Otherwise::Conflict(conflict) => conflict.clone(),
        Otherwise::Ask { sql, params, answer } => {
            let statement = client.prepare_typed_cached(sql, &types(params)).await?;
            let found = client.query_opt(&statement, &value::borrowed(params)).await?;
            answer(params, found.as_ref().map(row).transpose()?.as_ref())
        }
    }))
}
