//! Stored jobs: leasing those that may run, and lists for people.

use std::sync::LazyLock;

use domain::{
    Id, Timestamp,
    jobs::{Job, JobState, RUN_WHILE_HELD},
};
use ports::store::{Page, Read, SealedJob};

use crate::db::{Columns, Engine, Param, Row, Size, Step, Table, code};

static TABLE: Table = Table {
    name: "jobs",
    columns: &[
        "id",
        "work",
        "stream",
        "sequence",
        "due",
        "not_after",
        "attempt",
        "wake",
        "state",
        "lease",
        "last_error",
        "created_at",
    ],
};

static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static IN_STATE: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE state = $1 ORDER BY id DESC LIMIT $2"));
static OF_STREAM: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE stream = $1 AND state = 'open' ORDER BY sequence, id"));
static SEALED: Table = Table { name: "jobs", columns: &["id", "work", "work"] };
/// The kinds are those of `Work::SEALED`.
static SEALED_JOBS: LazyLock<String> = LazyLock::new(|| {
    SEALED.select("WHERE kind IN ('exchange', 'revoke') AND state IN ('open', 'dead') AND id > $1 ORDER BY id LIMIT $2")
});
/// The watch is due every minute, looks at calendars nearly so, and both are of no interest to whoever waits for something to happen.
const NEXT_DUE: &str = "SELECT MIN(due) FROM jobs WHERE state = 'open' AND kind NOT IN ('watch', 'look')";
static NEXT: Table = Table { name: "jobs", columns: &["due"] };

/// One statement picks and leases. `$1` business time, `$2` limit, `$3` a text new for every call, `$4` how long in microseconds;
/// `now` is the lease clock, `lock` what keeps two sessions from picking the same row.
///
/// A job whose stream has an earlier open one (by sequence, then id) waits for it, even while that one is not due: an effect that is
/// waiting for its repetition must not be overtaken by a later one. While the installation is held, only what has no effect outside runs.
pub(crate) fn lease_sql(now: &str, lock: &str) -> String {
    format!(
        "WITH picked AS MATERIALIZED (SELECT j.id FROM jobs j WHERE j.state = 'open' AND j.due <= $1 \
         AND (j.kind IN ({while_held}) OR NOT EXISTS (SELECT 1 FROM settings WHERE key = 'held' AND value <> 'null')) \
         AND (j.lease_until IS NULL OR j.lease_until <= {now}) \
         AND NOT EXISTS (SELECT 1 FROM jobs e WHERE e.stream = j.stream AND e.state = 'open' \
         AND (e.sequence < j.sequence OR (e.sequence = j.sequence AND e.id < j.id))) \
         ORDER BY j.due, j.id LIMIT $2 {lock}) \
         UPDATE jobs SET lease = $3 || jobs.id, lease_until = {now} + $4, leased_wake = jobs.wake, attempt = jobs.attempt + 1 \
         FROM picked WHERE jobs.id = picked.id RETURNING {}",
        TABLE.columns_of("jobs"),
        while_held = RUN_WHILE_HELD.map(|kind| format!("'{kind}'")).join(", "),
    )
}

fn decode(row: Row) -> Read<Job> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Job {
        id: columns.id()?,
        work: columns.json()?,
        stream: columns.opt_text()?,
        sequence: columns.int()?,
        due: columns.time()?,
        not_after: columns.opt_time()?,
        attempt: columns.int()?,
        wake: columns.int()?,
        state: columns.code()?,
        lease: columns.opt_text()?,
        last_error: columns.opt_text()?,
        created_at: columns.time()?,
    })
}

/// Frees every lease. `attempt` stays: a job that kills its process is still given up in the end.
pub(crate) fn free_all() -> Step {
    Step::any("UPDATE jobs SET lease_until = NULL WHERE state = 'open' AND lease_until IS NOT NULL", Vec::new())
}

/// `run` is random: it makes the lease of every run another text.
pub(crate) async fn lease(engine: &Engine, run: String, now: Timestamp, limit: u32, seconds: i64) -> Read<Vec<Job>> {
    let params = vec![now.into(), limit.into(), format!("{run}.").into(), Param::from(seconds.saturating_mul(1_000_000))];
    let rows = match engine {
        Engine::Sqlite(sqlite) => sqlite.lease(params).await?,
        Engine::Postgres(postgres) => postgres.lease(params).await?,
    };
    let mut jobs = rows.into_iter().map(decode).collect::<Read<Vec<Job>>>()?;
    jobs.sort_by_key(|job| (job.due, job.id));
    Ok(jobs)
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Job>) -> Read<Option<Job>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

fn decode_sealed(row: Row) -> Read<SealedJob> {
    let mut columns = Columns::of(&SEALED, row);
    Ok(SealedJob { id: columns.id()?, work: columns.json()?, stored: columns.text()? })
}

pub(crate) async fn sealed(engine: &Engine, page: Page) -> Read<Vec<SealedJob>> {
    let after = page.after.unwrap_or_default();
    engine.list(&SEALED_JOBS, vec![after.into(), page.limit.into()], Size::Bulk, decode_sealed).await
}

pub(crate) async fn next_due(engine: &Engine) -> Read<Option<Timestamp>> {
    let due = engine.one(NEXT_DUE, Vec::new(), |row| Columns::of(&NEXT, row).opt_time()).await?;
    Ok(due.flatten())
}

/// Newest first.
pub(crate) async fn in_state(engine: &Engine, state: JobState, limit: u32) -> Read<Vec<Job>> {
    engine.list(&IN_STATE, vec![code(&state)?, limit.into()], Size::of(limit.into()), decode).await
}

pub(crate) async fn of_stream(engine: &Engine, stream: &str) -> Read<Vec<Job>> {
    engine.list(&OF_STREAM, vec![stream.into()], Size::Small, decode).await
}
