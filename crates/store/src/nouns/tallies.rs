//! How many there are of something: for metrics and the page of the installation's health.

use domain::{Timestamp, grants::GrantState};
use ports::store::{JobTally, Read};

use crate::db::{Columns, Engine, Row, Size, Table};

static JOBS: Table = Table { name: "jobs", columns: &["kind", "state", "count", "first_due", "last_due"] };
static GRANTS: Table = Table { name: "grants", columns: &["state", "count"] };
static DAYS: Table = Table { name: "interviews", columns: &["day", "count"] };

/// Those that are done are many and of no interest.
const JOB_TALLIES: &str = "SELECT kind, state, COUNT(*), MIN(due), MAX(due) FROM jobs WHERE state IN ('open', 'dead', 'stale') \
    GROUP BY kind, state ORDER BY kind, state";
const GRANT_TALLIES: &str = "SELECT state, COUNT(*) FROM grants GROUP BY state ORDER BY state";
const BOOKINGS: &str = "SELECT (booked_at / 86400000000) * 86400000000, COUNT(*) FROM interviews WHERE booked_at >= $1 \
    GROUP BY 1 ORDER BY 1";

pub(crate) async fn jobs(engine: &Engine) -> Read<Vec<JobTally>> {
    let decode = |row: Row| {
        let mut columns = Columns::of(&JOBS, row);
        Ok(JobTally {
            kind: columns.text()?,
            state: columns.code()?,
            count: columns.int()?,
            first_due: columns.time()?,
            last_due: columns.time()?,
        })
    };
    engine.list(JOB_TALLIES, Vec::new(), Size::Small, decode).await
}

pub(crate) async fn grants(engine: &Engine) -> Read<Vec<(GrantState, i64)>> {
    let decode = |row: Row| {
        let mut columns = Columns::of(&GRANTS, row);
        Ok((columns.code()?, columns.int()?))
    };
    engine.list(GRANT_TALLIES, Vec::new(), Size::Small, decode).await
}

pub(crate) async fn bookings(engine: &Engine, since: Timestamp) -> Read<Vec<(Timestamp, i64)>> {
    let decode = |row: Row| {
        let mut columns = Columns::of(&DAYS, row);
        Ok((columns.time()?, columns.int()?))
    };
    engine.list(BOOKINGS, vec![since.into()], Size::Bulk, decode).await
}
