//! Links. The rows hold no token: it is made from the id when it is needed.

use std::sync::LazyLock;

use domain::{
    Id, Timestamp,
    links::{Link, Purpose},
};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Table, opt_code};

static TABLE: Table = Table {
    name: "links",
    columns: &["id", "rev", "purpose", "subject", "person", "created_at", "expires_at", "used_at", "revoked_at", "outcome"],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static NEWEST: LazyLock<String> =
    LazyLock::new(|| TABLE.select("WHERE purpose = $1 AND subject = $2 ORDER BY created_at DESC, id DESC LIMIT 1"));

const LIVE: &str = "SELECT COUNT(*) FROM links WHERE expires_at > $1 AND created_at < $2 AND revoked_at IS NULL \
    AND (used_at IS NULL OR purpose NOT IN ('oauth_state', 'admin_login'))";
static COUNT: Table = Table { name: "links", columns: &["count"] };

pub(super) fn put(link: &Link) -> Read<Noun> {
    let others = vec![
        Param::from(link.purpose.as_str()),
        Param::from(&link.subject),
        Param::from(link.person),
        Param::from(link.created_at),
        Param::from(link.expires_at),
        Param::from(link.used_at),
        Param::from(link.revoked_at),
        opt_code(link.outcome.as_ref())?,
    ];
    Ok(Noun::row(&TABLE, "link", &PUT, link.id.to_string(), link.rev, others))
}

fn decode(row: Row) -> Read<Link> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Link {
        id: columns.id()?,
        rev: columns.int()?,
        purpose: columns.code()?,
        subject: columns.text()?,
        person: columns.opt_id()?,
        created_at: columns.time()?,
        expires_at: columns.time()?,
        used_at: columns.opt_time()?,
        revoked_at: columns.opt_time()?,
        outcome: columns.opt_code()?,
    })
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Link>) -> Read<Option<Link>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

pub(crate) async fn live(engine: &Engine, now: Timestamp, made_before: Timestamp) -> Read<i64> {
    let count = engine.one(LIVE, vec![now.into(), made_before.into()], |row| Columns::of(&COUNT, row).int()).await?;
    Ok(count.unwrap_or_default())
}

pub(crate) async fn newest(engine: &Engine, purpose: Purpose, subject: &str) -> Read<Option<Link>> {
    engine.one(&NEWEST, vec![purpose.as_str().into(), subject.into()], decode).await
}
