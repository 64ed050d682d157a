//! Refresh tokens that a provider keeps, counted per account. Nothing of a token is in here.

use std::sync::LazyLock;

use domain::{Id, grants::IssuedToken};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table};

static TABLE: Table =
    Table { name: "refresh_tokens", columns: &["id", "rev", "account", "grant_id", "issued_at", "ended_at", "ended_why"] };

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
/// Ids grow with time, so this is the order in which they were issued.
static LIVE: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE account = $1 AND ended_at IS NULL ORDER BY id LIMIT 100"));

pub(super) fn put(token: &IssuedToken) -> Noun {
    let others = vec![
        Param::from(&token.account),
        Param::from(token.grant),
        Param::from(token.issued_at),
        Param::from(token.ended.as_ref().map(|(at, _)| *at)),
        Param::from(token.ended.as_ref().map(|(_, why)| why.as_str())),
    ];
    Noun::row(&TABLE, "refresh token", &PUT, token.id.to_string(), token.rev, others)
}

fn decode(row: Row) -> Read<IssuedToken> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(IssuedToken {
        id: columns.id()?,
        rev: columns.int()?,
        account: columns.text()?,
        grant: columns.id()?,
        issued_at: columns.time()?,
        ended: match (columns.opt_time()?, columns.opt_text()?) {
            (Some(at), Some(why)) => Some((at, why)),
            (None, None) => None,
            _ => return Err(columns.bad("an end is there only in part")),
        },
    })
}

pub(crate) async fn by_id(engine: &Engine, id: Id<IssuedToken>) -> Read<Option<IssuedToken>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

pub(crate) async fn live(engine: &Engine, account: &str) -> Read<Vec<IssuedToken>> {
    engine.list(&LIVE, vec![account.into()], Size::of(100), decode).await
}
