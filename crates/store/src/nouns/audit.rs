//! The audit log. Lines are written with the change they describe, sealed a little later, and only ever erased in part: payload and salt
//! may go, the hash stays.

use std::sync::LazyLock;

use domain::audit::{Entry, Filter, Head, Line, Seal, Tally};
use ports::store::{Page, Read, StoreError};
use sha2::{Digest, Sha256};

use super::{LAST, Noun};
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table, json};

static TABLE: Table =
    Table { name: "audit", columns: &["id", "at", "actor", "action", "subject", "reason", "request", "payload", "salt", "mac"] };
static LINES: Table = Table {
    name: "audit",
    columns: &[
        "id",
        "at",
        "actor",
        "action",
        "subject",
        "reason",
        "request",
        "payload",
        "salt",
        "payload_hash",
        "mac",
        "seq",
        "chain",
    ],
};
static HEAD: Table = Table { name: "audit_head", columns: &["id", "seq", "chain"] };
static TALLY: Table = Table { name: "audit", columns: &["sealed", "unsealed"] };

const INSERT: &str = "INSERT INTO audit (id, at, actor, action, subject, reason, request, payload, salt, mac, payload_hash) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
/// The row is made by the first sealing, so that a new database is an empty one.
const MOVE_HEAD: &str = "INSERT INTO audit_head (id, seq, chain) \
    SELECT 1, $1, $2 WHERE $3 = 0 OR EXISTS (SELECT 1 FROM audit_head WHERE id = 1) \
    ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, chain = excluded.chain WHERE audit_head.seq = $3";
const LINK: &str = "UPDATE audit SET seq = $2, chain = $3 WHERE id = $1 AND seq IS NULL";
const COUNTS: &str = "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE seq IS NOT NULL), \
    (SELECT CAST(COUNT(*) AS BIGINT) FROM audit WHERE seq IS NULL)";
static READ_HEAD: LazyLock<String> = LazyLock::new(|| HEAD.select("WHERE id = 1"));
static OF_SUBJECT: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE subject = $1 ORDER BY id DESC LIMIT $2"));
static ALL: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id < $1 ORDER BY id DESC LIMIT $2"));
static UNSEALED: LazyLock<String> = LazyLock::new(|| LINES.select("WHERE seq IS NULL AND id > $1 ORDER BY id LIMIT $2"));
static SEALED: LazyLock<String> = LazyLock::new(|| LINES.select("WHERE seq > $1 ORDER BY seq LIMIT $2"));
/// What both engines read the same way: absent parameters hold for every line.
const FILTER: &str = "($3 IS NULL OR at >= $3) AND ($4 IS NULL OR at < $4) \
    AND ($5 IS NULL OR substr(actor, 1, length($5)) = $5) AND ($6 IS NULL OR substr(action, 1, length($6)) = $6) \
    AND ($7 IS NULL OR request = $7)";
static NEWEST: LazyLock<String> = LazyLock::new(|| LINES.select(&format!("WHERE id < $1 AND {FILTER} ORDER BY id DESC LIMIT $2")));
static OLDEST: LazyLock<String> = LazyLock::new(|| LINES.select(&format!("WHERE id > $1 AND {FILTER} ORDER BY id LIMIT $2")));
// With a subject there is an index to go by.
static NEWEST_OF: LazyLock<String> =
    LazyLock::new(|| LINES.select(&format!("WHERE subject = $8 AND id < $1 AND {FILTER} ORDER BY id DESC LIMIT $2")));
static OLDEST_OF: LazyLock<String> =
    LazyLock::new(|| LINES.select(&format!("WHERE subject = $8 AND id > $1 AND {FILTER} ORDER BY id LIMIT $2")));

/// In the order of their ids.
pub(crate) fn steps(entries: &[Entry]) -> Read<Vec<Step>> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by_key(|entry| entry.id);
    sorted.into_iter().map(step).collect()
}

fn step(entry: &Entry) -> Read<Step> {
    let payload = entry
        .payload_text()
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
        Param::from(entry.mac.as_ref()),
        Param::from(&hash[..]),
    ];
    Ok(Step::any(INSERT, params))
}

/// The head moves first: of two sealers the second finds another head and writes nothing.
pub(super) fn put_seal(seal: &Seal) -> Noun {
    let last = seal.links.last();
    let head = vec![
        Param::from(last.map_or(seal.from, |(_, seq, _)| *seq)),
        Param::from(last.map(|(_, _, chain)| chain)),
        Param::from(seal.from),
    ];
    let link = |(id, seq, chain): &(String, i64, Vec<u8>)| {
        Step::swap(LINK, vec![Param::from(id), Param::from(*seq), Param::from(chain)], "audit line", id.clone())
    };
    Noun {
        key: (HEAD.name, String::new(), seal.from),
        guard: Some(Step::swap(MOVE_HEAD, head, "audit head", seal.from.to_string())),
        rest: seal.links.iter().map(link).collect(),
    }
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
        mac: columns.opt_blob()?,
    })
}

/// As it stands, without asking whether it means anything.
fn decode_line(row: Row) -> Read<Line> {
    let mut columns = Columns::of(&LINES, row);
    Ok(Line {
        id: columns.text()?,
        at: columns.int()?,
        actor: columns.text()?,
        action: columns.text()?,
        subject: columns.text()?,
        reason: columns.opt_text()?,
        request: columns.opt_text()?,
        payload: columns.opt_text()?,
        salt: columns.opt_blob()?,
        payload_hash: columns.blob()?,
        mac: columns.opt_blob()?,
        seq: columns.opt_int()?,
        chain: columns.opt_blob()?,
    })
}

fn decode_head(row: Row) -> Read<Head> {
    let mut columns = Columns::of(&HEAD, row);
    columns.int()?;
    Ok(Head { seq: columns.int()?, chain: columns.opt_blob()? })
}

fn decode_tally(row: Row) -> Read<Tally> {
    let mut columns = Columns::of(&TALLY, row);
    Ok(Tally { sealed: columns.int()?, unsealed: columns.int()? })
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

/// Behind `page.after`, newest or oldest first. A filter may look at many lines for each it finds, so it never runs inline.
pub(crate) async fn search(engine: &Engine, filter: &Filter, page: Page, newest_first: bool) -> Read<Vec<Line>> {
    let after = page.after.unwrap_or_else(|| if newest_first { LAST.to_owned() } else { String::new() });
    let mut params = vec![
        Param::from(after),
        Param::from(page.limit),
        Param::from(filter.since),
        Param::from(filter.until),
        Param::from(&filter.actor_prefix()),
        Param::from(&filter.action),
        Param::from(&filter.request),
    ];
    let sql = match (&filter.subject, newest_first) {
        (None, true) => &NEWEST,
        (None, false) => &OLDEST,
        (Some(_), true) => &NEWEST_OF,
        (Some(_), false) => &OLDEST_OF,
    };
    params.extend(filter.subject.as_ref().map(Param::from));
    engine.list(sql, params, Size::Bulk, decode_line).await
}

/// In the order of their ids.
pub(crate) async fn unsealed(engine: &Engine, after: &str, limit: u32) -> Read<Vec<Line>> {
    engine.list(&UNSEALED, vec![after.into(), limit.into()], Size::of(limit.into()), decode_line).await
}

/// In the order of the chain.
pub(crate) async fn sealed(engine: &Engine, after: i64, limit: u32) -> Read<Vec<Line>> {
    engine.list(&SEALED, vec![after.into(), limit.into()], Size::of(limit.into()), decode_line).await
}

/// A head that is gone is reported as the beginning; the lines that are there then say otherwise.
pub(crate) async fn head(engine: &Engine) -> Read<Head> {
    Ok(engine.one(&READ_HEAD, Vec::new(), decode_head).await?.unwrap_or_default())
}

pub(crate) async fn tally(engine: &Engine) -> Read<Tally> {
    let found = engine.list(COUNTS, Vec::new(), Size::Bulk, decode_tally).await?;
    found.first().copied().ok_or_else(|| StoreError::Inconsistent("the audit log cannot be counted".to_owned()))
}
