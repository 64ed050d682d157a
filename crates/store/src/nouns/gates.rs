//! Gates: a row for each that was ever shut, named by what it stands before.

use std::sync::LazyLock;

use domain::gates::Gate;
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Row, Size, Table, opt_json};

static TABLE: Table = Table { name: "gates", columns: &["id", "rev", "shut"] };

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_NAME: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static SHUT: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE shut IS NOT NULL ORDER BY id LIMIT $1"));

pub(super) fn put(gate: &Gate) -> Read<Noun> {
    Ok(Noun::row(&TABLE, "gate", &PUT, gate.name.clone(), gate.rev, vec![opt_json(gate.shut.as_ref())?]))
}

fn decode(row: Row) -> Read<Gate> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Gate { name: columns.text()?, rev: columns.int()?, shut: columns.opt_json()? })
}

pub(crate) async fn by_name(engine: &Engine, name: &str) -> Read<Option<Gate>> {
    engine.one(&BY_NAME, vec![name.into()], decode).await
}

pub(crate) async fn shut(engine: &Engine, limit: u32) -> Read<Vec<Gate>> {
    engine.list(&SHUT, vec![limit.into()], Size::of(limit.into()), decode).await
}
