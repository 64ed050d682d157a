//! The audit log. Lines are written with the change they describe, and only ever erased in part: payload and salt may go, the hash stays.

use std::sync::LazyLock;

use domain::audit::Entry;
use ports::store::{Page, Read, StoreError};
use sha2::{Digest, Sha256};

use super::LAST;
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table, json};

static TABLE: Table =
    Table { name: "audit", columns: &["id", "at", "actor", "action", "subject", "reason", "request", "payload", "salt"] };

const INSERT: &str = "INSERT INTO audit (id, at, actor, action, subject, reason, request, payload, salt, payload_hash) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
static OF_SUBJECT: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE subject = $1 ORDER BY id DESC LIMIT $2"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id < $1 ORDER BY id DESC LIMIT $2"));

/// In the order of their ids.
pub(crate) fn steps(entries: &[Entry]) -> Read<Vec<Step>> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.id);
    sorted.into_iter().map(step).collect()
}

fn step(entry: &Entry) -> Read<Step> {
    let payload = serde_json::to_string(&entry.payload)
        .map_err(|error| StoreError::Inconsistent(format!("an audit payload cannot be written down: {error}")))?;
    let hash = Sha256::new().chain_update(&entry.salt).chain_update(&payload).finalize();
    let params = vec![
        Param::from(entry.id),
        Param::from(entry.at),
        json(&entry.actor)?,
        Param::from(&entry.action),
        Param::from(&entry.subject),
        Param::from(&entry.reason),
        Param::from(&entry.request),
        Param::from(payload),
        Param::from(&entry.salt),
        Param::from(&hash[..]),
    ];
    Ok(Step::any(INSERT, params))
}

fn decode(row: Row) -> Read<Entry> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Entry {
        id: columns.id()?,
        at: columns.time()?,
        actor: columns.json()?,
        action: columns.text()?,
        subject: columns.text()?,
        reason: columns.opt_text()?,
        request: columns.opt_text()?,
        // Both are gone once the line was erased.
        payload: columns.opt_json()?.unwrap_or(serde_json::Value::Null),
        salt: columns.opt_blob()?.unwrap_or_default(),
    })
}

/// Newest first.
pub(crate) async fn of_subject(engine: &Engine, subject: &str, limit: u32) -> Read<Vec<Entry>> {
    engine.list(&OF_SUBJECT, vec![subject.into(), limit.into()], Size::of(limit.into()), decode).await
}

/// Newest first.
pub(crate) async fn all(engine: &Engine, page: Page) -> Read<Vec<Entry>> {
    let after = page.after.unwrap_or_else(|| LAST.to_owned());
    engine.list(&ALL, vec![after.into(), page.limit.into()], Size::of(page.limit.into()), decode).await
}
