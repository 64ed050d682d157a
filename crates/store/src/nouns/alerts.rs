//! Alerts: the lasting one of a kind and subject, and lists.

use std::sync::LazyLock;

use domain::{
    Timestamp,
    alerts::{Alert, AlertKind},
};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, code, json};

static TABLE: Table = Table {
    name: "alerts",
    columns: &["id", "rev", "kind", "subject", "details", "raised_at", "told_at", "ended_at", "ended_told_at"],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static LASTING: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE kind = $1 AND subject = $2 AND ended_at IS NULL"));
static ALL_LASTING: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE ended_at IS NULL ORDER BY id DESC LIMIT $1"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("ORDER BY id DESC LIMIT $1"));
static UNTOLD: LazyLock<String> = LazyLock::new(|| {
    TABLE.select("WHERE ended_told_at IS NULL AND (ended_at IS NOT NULL OR told_at IS NULL OR told_at < $1) ORDER BY id LIMIT $2")
});
static TOLD_TABLE: Table = Table { name: "alerts", columns: &["kind", "told_at"] };
const TOLD: &str = "SELECT kind, told_at FROM alerts WHERE told_at >= $1 \
    UNION SELECT kind, ended_told_at FROM alerts WHERE ended_told_at >= $1 ORDER BY 1, 2";

pub(super) fn put(alert: &Alert) -> Read<Noun> {
    let others = vec![
        code(&alert.kind)?,
        Param::from(&alert.subject),
        json(&alert.details)?,
        Param::from(alert.raised_at),
        Param::from(alert.told_at),
        Param::from(alert.ended_at),
        Param::from(alert.ended_told_at),
    ];
    Ok(Noun::row(&TABLE, "alert", &PUT, alert.id.to_string(), alert.rev, others))
}

fn decode(row: Row) -> Read<Alert> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Alert {
        id: columns.id()?,
        rev: columns.int()?,
        kind: columns.code()?,
        subject: columns.text()?,
        details: columns.json()?,
        raised_at: columns.time()?,
        told_at: columns.opt_time()?,
        ended_at: columns.opt_time()?,
        ended_told_at: columns.opt_time()?,
    })
}

pub(crate) async fn lasting(engine: &Engine, kind: AlertKind, subject: &str) -> Read<Option<Alert>> {
    engine.one(&LASTING, vec![code(&kind)?, subject.into()], decode).await
}

/// Newest first.
pub(crate) async fn list(engine: &Engine, lasting: bool, limit: u32) -> Read<Vec<Alert>> {
    let sql = if lasting { &ALL_LASTING } else { &ALL };
    engine.list(sql, vec![limit.into()], Size::of(limit.into()), decode).await
}

/// Oldest first.
pub(crate) async fn untold(engine: &Engine, before: Timestamp, limit: u32) -> Read<Vec<Alert>> {
    engine.list(&UNTOLD, vec![before.into(), limit.into()], Size::of(limit.into()), decode).await
}

/// Each kind with each instant once.
pub(crate) async fn told(engine: &Engine, since: Timestamp) -> Read<Vec<(AlertKind, Timestamp)>> {
    let decode = |row: Row| {
        let mut columns = Columns::of(&TOLD_TABLE, row);
        Ok((columns.code()?, columns.time()?))
    };
    engine.list(TOLD, vec![since.into()], Size::Small, decode).await
}
