//! Counts of calls and of lent tokens. Nodes add to the same rows; nothing is read before it is written.

use domain::{
    Timestamp,
    calls::{CallCount, Lending, LendingDay},
};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table};

static CALLS: Table =
    Table { name: "calls", columns: &["since", "provider", "data_centre", "operation", "class", "up_to_millis", "count"] };
static LENDINGS: Table = Table { name: "lendings", columns: &["grant_id", "hour", "count", "ends_at"] };

const ADD: &str = "INSERT INTO calls (since, provider, data_centre, operation, class, up_to_millis, count) \
    VALUES ($1, $2, $3, $4, $5, $6, $7) \
    ON CONFLICT (since, provider, data_centre, operation, class, up_to_millis) DO UPDATE SET count = calls.count + excluded.count";
/// Touches no row where the limit is reached.
const LEND: &str = "INSERT INTO lendings (hour, grant_id, api_key, count, ends_at) VALUES ($1, $2, $3, 1, $4) \
    ON CONFLICT (hour, grant_id, api_key) DO UPDATE SET count = lendings.count + 1, \
    ends_at = CASE WHEN excluded.ends_at > lendings.ends_at THEN excluded.ends_at ELSE lendings.ends_at END \
    WHERE lendings.count < $5";
const FORGET_CALLS: &str = "DELETE FROM calls WHERE since < $1";
const FORGET_LENDINGS: &str = "DELETE FROM lendings WHERE hour < $1";
const SINCE: &str = "SELECT (since / $2) * $2, provider, data_centre, operation, class, up_to_millis, CAST(SUM(count) AS BIGINT) \
    FROM calls WHERE since >= $1 GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6";
const LENT: &str = "SELECT grant_id, (hour / 86400000000) * 86400000000, CAST(SUM(count) AS BIGINT), MAX(ends_at) \
    FROM lendings WHERE hour >= $1 GROUP BY 1, 2 ORDER BY 2, 1";

pub(super) fn add(calls: &CallCount) -> Noun {
    let CallCount { since, provider, data_centre, operation, class, up_to_millis, count } = calls;
    let key = format!("{since}:{provider}:{data_centre}:{operation}:{class}:{up_to_millis:020}");
    let params = vec![
        Param::from(*since),
        Param::from(provider),
        Param::from(data_centre),
        Param::from(operation),
        Param::from(class),
        Param::from(*up_to_millis),
        Param::from(*count),
    ];
    Noun { key: (CALLS.name, key, 0), guard: None, rest: vec![Step::any(ADD, params)] }
}

pub(super) fn lend(lending: &Lending) -> Noun {
    let Lending { grant, key, hour, limit, ends_at } = lending;
    let id = format!("{grant}:{key}:{hour}");
    let params = vec![Param::from(*hour), Param::from(*grant), Param::from(*key), Param::from(*ends_at), Param::from(*limit)];
    Noun { key: (LENDINGS.name, id.clone(), 0), guard: Some(Step::swap(LEND, params, "lending", id)), rest: Vec::new() }
}

pub(super) fn forget(before: Timestamp) -> Noun {
    let rest = [FORGET_CALLS, FORGET_LENDINGS].map(|sql| Step::any(sql, vec![before.into()]));
    Noun { key: (CALLS.name, String::new(), 0), guard: None, rest: rest.into() }
}

fn decode(row: Row) -> Read<CallCount> {
    let mut columns = Columns::of(&CALLS, row);
    Ok(CallCount {
        since: columns.time()?,
        provider: columns.text()?,
        data_centre: columns.text()?,
        operation: columns.text()?,
        class: columns.text()?,
        up_to_millis: columns.int()?,
        count: columns.int()?,
    })
}

fn decode_lent(row: Row) -> Read<LendingDay> {
    let mut columns = Columns::of(&LENDINGS, row);
    Ok(LendingDay { grant: columns.id()?, day: columns.time()?, count: columns.int()?, ends_at: columns.time()? })
}

/// By span.
pub(crate) async fn since(engine: &Engine, since: Timestamp, seconds: i64) -> Read<Vec<CallCount>> {
    let span = Param::from(seconds.max(1).saturating_mul(1_000_000));
    engine.list(SINCE, vec![since.into(), span], Size::Bulk, decode).await
}

/// By day and grant.
pub(crate) async fn lent(engine: &Engine, since: Timestamp) -> Read<Vec<LendingDay>> {
    engine.list(LENT, vec![since.into()], Size::Bulk, decode_lent).await
}
