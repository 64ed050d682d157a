//! API keys and dashboard sessions, found by the hash of what the caller shows.

use std::sync::LazyLock;

use domain::access::{ApiKey, Session};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, json};

static KEYS: Table =
    Table { name: "api_keys", columns: &["id", "rev", "name", "hash", "rights", "created_at", "expires_at", "revoked_at"] };
static SESSIONS: Table = Table { name: "sessions", columns: &["id", "rev", "hash", "created_at", "expires_at", "revoked_at"] };

static PUT_KEY: LazyLock<String> = LazyLock::new(|| KEYS.put());
static KEY_BY_HASH: LazyLock<String> = LazyLock::new(|| KEYS.select("WHERE hash = $1"));
static ALL_KEYS: LazyLock<String> = LazyLock::new(|| KEYS.select("ORDER BY id"));
static PUT_SESSION: LazyLock<String> = LazyLock::new(|| SESSIONS.put());
static SESSION_BY_HASH: LazyLock<String> = LazyLock::new(|| SESSIONS.select("WHERE hash = $1"));

pub(super) fn put_key(key: &ApiKey) -> Read<Noun> {
    let others = vec![
        Param::from(&key.name),
        Param::from(&key.hash),
        json(&key.rights)?,
        Param::from(key.created_at),
        Param::from(key.expires_at),
        Param::from(key.revoked_at),
    ];
    Ok(Noun::row(&KEYS, "api_key", &PUT_KEY, key.id.to_string(), key.rev, others))
}

fn decode_key(row: Row) -> Read<ApiKey> {
    let mut columns = Columns::of(&KEYS, row);
    Ok(ApiKey {
        id: columns.id()?,
        rev: columns.int()?,
        name: columns.text()?,
        hash: columns.blob()?,
        rights: columns.json()?,
        created_at: columns.time()?,
        expires_at: columns.opt_time()?,
        revoked_at: columns.opt_time()?,
    })
}

pub(super) fn put_session(session: &Session) -> Noun {
    let others = vec![
        Param::from(&session.hash),
        Param::from(session.created_at),
        Param::from(session.expires_at),
        Param::from(session.revoked_at),
    ];
    Noun::row(&SESSIONS, "session", &PUT_SESSION, session.id.to_string(), session.rev, others)
}

fn decode_session(row: Row) -> Read<Session> {
    let mut columns = Columns::of(&SESSIONS, row);
    Ok(Session {
        id: columns.id()?,
        rev: columns.int()?,
        hash: columns.blob()?,
        created_at: columns.time()?,
        expires_at: columns.time()?,
        revoked_at: columns.opt_time()?,
    })
}

pub(crate) async fn key_by_hash(engine: &Engine, hash: &[u8]) -> Read<Option<ApiKey>> {
    engine.one(&KEY_BY_HASH, vec![hash.into()], decode_key).await
}

pub(crate) async fn keys(engine: &Engine) -> Read<Vec<ApiKey>> {
    engine.list(&ALL_KEYS, Vec::new(), Size::Small, decode_key).await
}

pub(crate) async fn session_by_hash(engine: &Engine, hash: &[u8]) -> Read<Option<Session>> {
    engine.one(&SESSION_BY_HASH, vec![hash.into()], decode_session).await
}
