//! The last look at the calendars behind each grant.

use std::sync::LazyLock;

use domain::{Id, grants::Grant, reality::Look};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, json};

static TABLE: Table = Table {
    name: "looks",
    columns: &[
        "id", "rev", "tried_at", "near_at", "far_at", "read_at", "tags", "tags_at", "problem", "held_at", "admitted", "sights",
    ],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_GRANT: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("ORDER BY id LIMIT 1000"));

pub(super) fn put(look: &Look) -> Read<Noun> {
    let others = vec![
        Param::from(look.tried_at),
        Param::from(look.near_at),
        Param::from(look.far_at),
        Param::from(look.read_at),
        json(&look.tags)?,
        Param::from(look.tags_at),
        Param::from(&look.problem),
        Param::from(look.held_at),
        Param::from(look.admitted),
        json(&look.sights)?,
    ];
    Ok(Noun::row(&TABLE, "look", &PUT, look.grant.to_string(), look.rev, others))
}

fn decode(row: Row) -> Read<Look> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Look {
        grant: columns.id()?,
        rev: columns.int()?,
        tried_at: columns.time()?,
        near_at: columns.opt_time()?,
        far_at: columns.opt_time()?,
        read_at: columns.opt_time()?,
        tags: columns.json()?,
        tags_at: columns.opt_time()?,
        problem: columns.opt_text()?,
        held_at: columns.opt_time()?,
        admitted: columns.flag()?,
        sights: columns.json()?,
    })
}

pub(crate) async fn by_grant(engine: &Engine, grant: Id<Grant>) -> Read<Option<Look>> {
    engine.one(&BY_GRANT, vec![grant.into()], decode).await
}

pub(crate) async fn all(engine: &Engine) -> Read<Vec<Look>> {
    engine.list(&ALL, Vec::new(), Size::Bulk, decode).await
}
