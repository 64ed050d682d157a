//! Unique names: rows that are taken and given back, like claims.

use std::collections::BTreeSet;

use domain::Timestamp;
use ports::{
    Conflict,
    change::{Name, Scope},
    store::Read,
};

use crate::db::{Columns, Engine, Otherwise, Row, Rows, Step, Table};

static TABLE: Table = Table { name: "names", columns: &["name", "owner"] };

/// Touches no row where somebody else has the name.
const TAKE: &str = "INSERT INTO names (scope, name, owner, taken_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (scope, name) DO UPDATE SET owner = excluded.owner WHERE names.owner = excluded.owner";
const RELEASE: &str = "DELETE FROM names WHERE scope = $1 AND name = $2 AND owner = $3";
const OWNER: &str = "SELECT name, owner FROM names WHERE scope = $1 AND name = $2";

/// Nobody retires the key before the change is written.
const KEY: &str = "SELECT owner FROM names WHERE scope = 'key' AND name = $1 AND owner = 'usable' FOR SHARE";

/// Holds the keys that a change is sealed with, sorted by id.
pub(crate) fn keys(ids: &[String]) -> Vec<Step> {
    let sorted: BTreeSet<&String> = ids.iter().collect();
    let step = |id: &String| Step {
        sql: KEY,
        params: vec![id.into()],
        rows: Rows::Found(Otherwise::Conflict(Conflict::Stale { what: "key", id: id.clone() })),
    };
    sorted.into_iter().map(step).collect()
}

/// Sorted by scope and name; a name that changes hands within the change is given back before it is taken.
pub(crate) fn steps(names: &[Name], at: Timestamp) -> Vec<Step> {
    let mut sorted: Vec<&Name> = names.iter().collect();
    sorted.sort_by_key(|step| match step {
        Name::Release { scope, name, owner } => (scope.as_str(), name.as_str(), 0, owner.as_str()),
        Name::Take { scope, name, owner } => (scope.as_str(), name.as_str(), 1, owner.as_str()),
    });
    sorted.into_iter().map(|name| step(name, at)).collect()
}

fn step(name: &Name, at: Timestamp) -> Step {
    match name {
        Name::Release { scope, name, owner } => Step::any(RELEASE, vec![scope.as_str().into(), name.into(), owner.into()]),
        Name::Take { scope, name, owner } => Step {
            sql: TAKE,
            params: vec![scope.as_str().into(), name.into(), owner.into(), at.into()],
            rows: Rows::Exactly(1, Otherwise::Conflict(Conflict::Taken { scope: scope.as_str(), name: name.clone() })),
        },
    }
}

fn decode(row: Row) -> Read<String> {
    let mut columns = Columns::of(&TABLE, row);
    columns.text()?;
    columns.text()
}

pub(crate) async fn owner(engine: &Engine, scope: Scope, name: &str) -> Read<Option<String>> {
    engine.one(OWNER, vec![scope.as_str().into(), name.into()], decode).await
}
