//! How a change orders, ends, repeats and revives jobs.
//!
//! Within a change the runs are ended before new orders are placed, so that a job may order itself again.

use std::sync::LazyLock;

use domain::{
    Timestamp,
    jobs::{Dedupe, NewJob},
};
use ports::{change::JobStep, store::Read};

use crate::db::{Param, Step, json};

const INSERT: &str = "INSERT INTO jobs (id, kind, work, stream, sequence, due, not_after, attempt, wake, state, created_at, once_key, open_key) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 'open', $8, $9, $10)";
/// A key that was ordered before, done or not, is accepted in silence.
static ONCE: LazyLock<String> = LazyLock::new(|| format!("{INSERT} ON CONFLICT DO NOTHING"));
/// An open job with the key is woken instead: the earlier time counts, the work stays the one first ordered.
static OPEN: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{INSERT} ON CONFLICT (open_key) WHERE state = 'open' DO UPDATE SET wake = jobs.wake + 1, \
         due = CASE WHEN excluded.due < jobs.due THEN excluded.due ELSE jobs.due END"
    )
});

const DONE: &str = "UPDATE jobs SET state = 'done', lease = NULL, lease_until = NULL, last_error = NULL \
    WHERE id = $1 AND state = 'open' AND lease = $2 AND wake = $3";
/// A job that was ordered again during the run keeps the order's time if that is earlier.
const RETRY: &str = "UPDATE jobs SET due = CASE WHEN wake > leased_wake AND due < $3 THEN due ELSE $3 END, last_error = $4, \
    attempt = CASE WHEN $4 IS NULL THEN 0 ELSE attempt END, lease = NULL, lease_until = NULL \
    WHERE id = $1 AND state = 'open' AND lease = $2";
const EXTEND: &str = "UPDATE jobs SET lease_until = lease_until + $3 WHERE id = $1 AND state = 'open' AND lease = $2";
const DEAD: &str = "UPDATE jobs SET state = 'dead', last_error = $3, lease = NULL, lease_until = NULL \
    WHERE id = $1 AND state = 'open' AND lease = $2";
const STALE: &str =
    "UPDATE jobs SET state = 'stale', lease = NULL, lease_until = NULL WHERE id = $1 AND state = 'open' AND lease = $2";
/// Not while another job with the same key is open: that one does the work.
const REVIVE: &str = "UPDATE jobs SET state = 'open', attempt = 0, due = $2, wake = wake + 1 WHERE id = $1 AND state = 'dead' \
    AND NOT EXISTS (SELECT 1 FROM jobs other WHERE other.state = 'open' AND other.open_key = jobs.open_key)";

const REPLACE: &str = "UPDATE jobs SET work = $3 WHERE id = $1 AND work = $2 AND state IN ('open', 'dead')";
const FORGET: &str =
    "UPDATE jobs SET state = 'stale', lease = NULL, lease_until = NULL WHERE id = $1 AND work = $2 AND state IN ('open', 'dead')";

/// Ends and repeats by id, then orders by key.
pub(crate) fn steps(jobs: &[JobStep], at: Timestamp) -> Read<Vec<Step>> {
    let mut sorted: Vec<(bool, String, &JobStep)> = jobs.iter().map(|step| (is_order(step), key(step), step)).collect();
    sorted.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    sorted.into_iter().map(|(_, _, step)| of(step, at)).collect()
}

const fn is_order(step: &JobStep) -> bool {
    matches!(step, JobStep::Order(_))
}

fn key(step: &JobStep) -> String {
    match step {
        JobStep::Order(NewJob { dedupe: Dedupe::Once(key) | Dedupe::Open(key), .. }) => key.clone(),
        JobStep::Done { id, .. }
        | JobStep::Retry { id, .. }
        | JobStep::Extend { id, .. }
        | JobStep::Dead { id, .. }
        | JobStep::Stale { id, .. }
        | JobStep::Replace { id, .. }
        | JobStep::Forget { id, .. }
        | JobStep::Revive { id, .. } => id.to_string(),
    }
}

fn of(step: &JobStep, at: Timestamp) -> Read<Step> {
    let (sql, id, rest): (&'static str, _, Vec<Param>) = match step {
        JobStep::Order(job) => return order(job, at),
        JobStep::Done { id, lease, wake } => (DONE, id, vec![lease.into(), (*wake).into()]),
        JobStep::Retry { id, lease, due, error } => (RETRY, id, vec![lease.into(), (*due).into(), error.into()]),
        JobStep::Extend { id, lease, seconds } => (EXTEND, id, vec![lease.into(), seconds.saturating_mul(1_000_000).into()]),
        JobStep::Dead { id, lease, error } => (DEAD, id, vec![lease.into(), error.into()]),
        JobStep::Stale { id, lease } => (STALE, id, vec![lease.into()]),
        JobStep::Replace { id, stored, work } => (REPLACE, id, vec![stored.into(), json(work)?]),
        JobStep::Forget { id, stored } => (FORGET, id, vec![stored.into()]),
        JobStep::Revive { id, due } => (REVIVE, id, vec![(*due).into()]),
    };
    let mut params = vec![Param::from(*id)];
    params.extend(rest);
    Ok(Step::swap(sql, params, "job", id.to_string()))
}

fn order(job: &NewJob, at: Timestamp) -> Read<Step> {
    let (sql, once, open): (&'static str, _, _) = match &job.dedupe {
        Dedupe::Once(key) => (&ONCE, Some(key.as_str()), None),
        Dedupe::Open(key) => (&OPEN, None, Some(key.as_str())),
    };
    let params = vec![
        Param::from(job.id),
        Param::from(job.work.kind()),
        json(&job.work)?,
        Param::from(&job.stream),
        Param::from(job.sequence),
        Param::from(job.due),
        Param::from(job.not_after),
        Param::from(at),
        Param::from(once),
        Param::from(open),
    ];
    Ok(Step::any(sql, params))
}
