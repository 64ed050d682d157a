//! What people change at run time: one JSON text per key, the last write wins.

use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Row, Size, Step, Table};

static TABLE: Table = Table { name: "settings", columns: &["key", "value"] };

const PUT: &str = "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
const UNSET: &str = "DELETE FROM settings WHERE key = $1";
const BY_PREFIX: &str = "SELECT key, value FROM settings WHERE substr(key, 1, length($1)) = $1 ORDER BY key LIMIT 1000";
const BY_KEY: &str = "SELECT key, value FROM settings WHERE key = $1";

pub(super) fn put(key: &str, value: &str) -> Noun {
    let step = Step::any(PUT, vec![key.into(), value.into()]);
    Noun { key: (TABLE.name, key.to_owned(), 0), guard: None, rest: vec![step] }
}

pub(super) fn unset(key: &str) -> Noun {
    let step = Step::any(UNSET, vec![key.into()]);
    Noun { key: (TABLE.name, key.to_owned(), 0), guard: None, rest: vec![step] }
}

fn pair(row: Row) -> Read<(String, String)> {
    let mut columns = Columns::of(&TABLE, row);
    Ok((columns.text()?, columns.text()?))
}

pub(crate) async fn by_prefix(engine: &Engine, prefix: &str) -> Read<Vec<(String, String)>> {
    engine.list(BY_PREFIX, vec![prefix.into()], Size::Bulk, pair).await
}

fn decode(row: Row) -> Read<String> {
    let mut columns = Columns::of(&TABLE, row);
    columns.text()?;
    columns.text()
}

pub(crate) async fn by_key(engine: &Engine, key: &str) -> Read<Option<String>> {
    engine.one(BY_KEY, vec![key.into()], decode).await
}
