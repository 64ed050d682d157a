//! Alerts: the lasting one of a kind and subject, and lists.

use std::sync::LazyLock;

use domain::alerts::{Alert, AlertKind};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, code, json};

static TABLE: Table =
    Table { name: "alerts", columns: &["id", "rev", "kind", "subject", "details", "raised_at", "told_at", "ended_at"] };

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static LASTING: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE kind = $1 AND subject = $2 AND ended_at IS NULL"));
static ALL_LASTING: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE ended_at IS NULL ORDER BY id DESC LIMIT $1"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("ORDER BY id DESC LIMIT $1"));

pub(super) fn put(alert: &Alert) -> Read<Noun> {
    let others = vec![
        code(&alert.kind)?,
        Param::from(&alert.subject),
        json(&alert.details)?,
        Param::from(alert.raised_at),
        Param::from(alert.told_at),
        Param::from(alert.ended_at),
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
