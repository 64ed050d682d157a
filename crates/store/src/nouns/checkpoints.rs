//! Checkpoints of the audit chain and the public keys they are checked with. Both are only ever added to.

use std::sync::LazyLock;

use domain::audit::{Checkpoint, CheckpointKey};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table};

static TABLE: Table =
    Table { name: "audit_checkpoints", columns: &["seq", "installation", "chain", "lines", "at", "key_id", "signature"] };
static KEYS: Table = Table { name: "audit_keys", columns: &["id", "public_key", "endorsed_by", "endorsement", "recorded_at"] };

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.insert("ON CONFLICT (seq) DO NOTHING"));
static PUT_KEY: LazyLock<String> = LazyLock::new(|| {
    KEYS.insert("ON CONFLICT (id) DO UPDATE SET endorsed_by = excluded.endorsed_by, endorsement = excluded.endorsement")
});
static AFTER: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE seq > $1 ORDER BY seq LIMIT $2"));
static BY_SEQ: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE seq = $1"));
static NEWEST: LazyLock<String> = LazyLock::new(|| TABLE.select("ORDER BY seq DESC LIMIT 1"));
static ALL_KEYS: LazyLock<String> = LazyLock::new(|| KEYS.select("ORDER BY recorded_at, id"));

/// A second checkpoint of the same line is a conflict: another node was first.
pub(super) fn put(checkpoint: &Checkpoint) -> Noun {
    let params = vec![
        Param::from(checkpoint.seq),
        Param::from(&checkpoint.installation),
        Param::from(&checkpoint.chain),
        Param::from(checkpoint.count),
        Param::from(checkpoint.at),
        Param::from(&checkpoint.key),
        Param::from(&checkpoint.signature),
    ];
    let id = checkpoint.seq.to_string();
    Noun { key: (TABLE.name, id.clone(), 0), guard: Some(Step::swap(&PUT, params, "audit checkpoint", id)), rest: Vec::new() }
}

/// The public key of an id never changes; who vouches for it may.
pub(super) fn put_key(key: &CheckpointKey) -> Noun {
    let params = vec![
        Param::from(&key.id),
        Param::from(&key.public_key),
        Param::from(&key.endorsed_by),
        Param::from(&key.endorsement),
        Param::from(key.recorded_at),
    ];
    Noun { key: (KEYS.name, key.id.clone(), 0), guard: None, rest: vec![Step::any(&PUT_KEY, params)] }
}

fn decode(row: Row) -> Read<Checkpoint> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Checkpoint {
        seq: columns.int()?,
        installation: columns.text()?,
        chain: columns.text()?,
        count: columns.int()?,
        at: columns.time()?,
        key: columns.text()?,
        signature: columns.text()?,
    })
}

fn decode_key(row: Row) -> Read<CheckpointKey> {
    let mut columns = Columns::of(&KEYS, row);
    Ok(CheckpointKey {
        id: columns.text()?,
        public_key: columns.blob()?,
        endorsed_by: columns.text()?,
        endorsement: columns.blob()?,
        recorded_at: columns.time()?,
    })
}

/// In the order of the chain.
pub(crate) async fn after(engine: &Engine, seq: i64, limit: u32) -> Read<Vec<Checkpoint>> {
    engine.list(&AFTER, vec![seq.into(), limit.into()], Size::of(limit.into()), decode).await
}

pub(crate) async fn by_seq(engine: &Engine, seq: i64) -> Read<Option<Checkpoint>> {
    engine.one(&BY_SEQ, vec![seq.into()], decode).await
}

pub(crate) async fn newest(engine: &Engine) -> Read<Option<Checkpoint>> {
    engine.one(&NEWEST, Vec::new(), decode).await
}

pub(crate) async fn keys(engine: &Engine) -> Read<Vec<CheckpointKey>> {
    engine.list(&ALL_KEYS, Vec::new(), Size::Small, decode_key).await
}
