//! Claims: time is cut into five-minute cells, and a holder's cell belongs to at most one interview. The primary key keeps that promise.

use std::sync::LazyLock;

use domain::{
    Id, TimeRange, Timestamp,
    claims::{Claim, Holder},
    interviews::Interview,
};
use ports::{Conflict, change::ClaimStep, store::Read};

use super::{EIGHT, eight};
use crate::db::{Columns, Engine, Otherwise, Param, Row, Rows, Size, Step, Table, Value};

/// Five minutes.
const CELL_MICROSECONDS: i64 = 300_000_000;

/// Takes the cells that are free, the interview's own, or expired at the change's time; fewer rows than cells means a clash.
const TAKE: &str = "WITH RECURSIVE want(cell) AS (SELECT CAST($2 AS BIGINT) UNION ALL SELECT cell + 1 FROM want WHERE cell + 1 < $3) \
    INSERT INTO claims (holder, cell, interview, rev, expires_at) \
    SELECT $1, cell, $4, $5, $6 FROM want WHERE true ORDER BY cell \
    ON CONFLICT (holder, cell) DO UPDATE SET interview = excluded.interview, rev = excluded.rev, expires_at = excluded.expires_at \
    WHERE claims.interview = excluded.interview OR claims.expires_at <= $7";
const RELEASE_OLDER: &str = "DELETE FROM claims WHERE interview = $1 AND holder = $2 AND rev < $3";
const NARROW: &str = "DELETE FROM claims WHERE interview = $1 AND (cell < $2 OR cell >= $3)";
const RELEASE_ALL: &str = "DELETE FROM claims WHERE interview = $1";
const FIRST_CLASH: &str = "SELECT cell, interview FROM claims WHERE holder = $1 AND cell >= $2 AND cell < $3 \
    AND interview <> $4 AND (expires_at IS NULL OR expires_at > $5) ORDER BY cell LIMIT 1";

/// The cells of a time: the first, and the one behind the last.
fn cells(range: TimeRange) -> (i64, i64) {
    let start = range.start().as_microsecond().div_euclid(CELL_MICROSECONDS);
    let end = -(-range.end().as_microsecond()).div_euclid(CELL_MICROSECONDS);
    (start, end)
}

/// Releases first, by interview, so that cells can change hands within one change; then takes, by holder and cell.
pub(crate) fn steps(claims: &[ClaimStep], at: Timestamp) -> Vec<Step> {
    let mut releases = Vec::new();
    let mut takes = Vec::new();
    for claim in claims {
        match claim {
            ClaimStep::ReleaseAll(interview) => releases.push((*interview, None)),
            ClaimStep::Narrow(interview, range) => releases.push((*interview, Some(cells(*range)))),
            ClaimStep::Take(claim) => takes.push((&claim.holder, cells(claim.range), claim, true)),
            ClaimStep::TakeBeside(claim) => takes.push((&claim.holder, cells(claim.range), claim, false)),
        }
    }
    releases.sort_unstable();
    releases.dedup();
    takes.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));

    let release = |(interview, kept): (Id<Interview>, Option<(i64, i64)>)| match kept {
        None => Step::any(RELEASE_ALL, vec![interview.into()]),
        Some((first, end)) => Step::any(NARROW, vec![interview.into(), first.into(), end.into()]),
    };
    let mut steps: Vec<Step> = releases.into_iter().map(release).collect();
    for (_, (first, end), claim, alone) in takes {
        if first < end {
            steps.push(take(claim, first, end, at));
        }
        if alone {
            steps.push(Step::any(RELEASE_OLDER, vec![claim.interview.into(), claim.holder.as_str().into(), claim.rev.into()]));
        }
    }
    steps
}

fn take(claim: &Claim, first: i64, end: i64, at: Timestamp) -> Step {
    let holder = claim.holder.as_str();
    let params =
        vec![holder.into(), first.into(), end.into(), claim.interview.into(), claim.rev.into(), claim.expires_at.into(), at.into()];
    let who = vec![holder.into(), first.into(), end.into(), claim.interview.into(), at.into()];
    let wanted = usize::try_from(end - first).unwrap_or(usize::MAX);
    Step { sql: TAKE, params, rows: Rows::Exactly(wanted, Otherwise::Ask { sql: FIRST_CLASH, params: who, answer: clash }) }
}

/// Names the first clashing cell. The row is locked by the statement that failed, so it is there; if it is not, the reader is merely late.
fn clash(params: &[Param], row: Option<&Row>) -> Conflict {
    let holder = match params.first() {
        Some(Param::Text(Some(holder))) => holder.clone(),
        _ => String::new(),
    };
    match row.map(Vec::as_slice) {
        Some([Value::Int(cell), Value::Text(by)]) => Conflict::Claimed { holder, cell: *cell, by: by.clone() },
        _ => Conflict::Stale { what: "claim", id: holder },
    }
}

/// Only claims that end by themselves: there are few, and an index holds no others.
static HELD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT interview, MIN(cell), MAX(cell), holder FROM claims WHERE holder IN {EIGHT} AND cell >= $9 AND cell < $10 \
         AND expires_at > $11 GROUP BY holder, interview, rev ORDER BY 4, 2, 1"
    )
});
static HELD_TABLE: Table = Table { name: "claims", columns: &["interview", "first", "last", "holder"] };

/// The holder, and what is held of their time.
type HeldOf = (String, (Id<Interview>, TimeRange));

fn decode_held(row: Row) -> Read<HeldOf> {
    let mut columns = Columns::of(&HELD_TABLE, row);
    let (interview, first, last) = (columns.id()?, columns.int()?, columns.int()?);
    let instant = |cell: i64| cell.checked_mul(CELL_MICROSECONDS).and_then(|at| Timestamp::from_microsecond(at).ok());
    let range = instant(first).zip(last.checked_add(1).and_then(instant)).and_then(|(start, end)| TimeRange::new(start, end).ok());
    let range = range.ok_or_else(|| columns.bad("a cell is no time"))?;
    Ok((columns.text()?, (interview, range)))
}

/// Of eight holders.
pub(super) async fn held_of(engine: &Engine, mut holders: Vec<Param>, window: TimeRange, now: Timestamp) -> Read<Vec<HeldOf>> {
    let (first, end) = cells(window);
    holders.extend([first.into(), end.into(), now.into()]);
    engine.list(&HELD, holders, Size::Small, decode_held).await
}

/// See [`ports::Store::held_time`].
pub(crate) async fn held(
    engine: &Engine,
    holder: &Holder,
    window: TimeRange,
    now: Timestamp,
) -> Read<Vec<(Id<Interview>, TimeRange)>> {
    let holders = eight(&[holder.as_str().to_owned()]);
    Ok(held_of(engine, holders, window, now).await?.into_iter().map(|(_, held)| held).collect())
}
