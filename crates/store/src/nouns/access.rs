//! API keys and dashboard sessions, found by the hash of what the caller shows; accounts, throttles, and when something was last used.

use std::sync::LazyLock;

use domain::{
    EmailAddress, Id, Timestamp,
    access::{Account, ApiKey, Patience, Session, Throttle},
};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table, code, json, opt_code};

static KEYS: Table = Table {
    name: "api_keys",
    columns: &[
        "id",
        "rev",
        "name",
        "hash",
        "rights",
        "role",
        "created_at",
        "expires_at",
        "revoked_at",
        "previous_hash",
        "previous_until",
    ],
};
static SESSIONS: Table =
    Table { name: "sessions", columns: &["id", "rev", "hash", "account", "device", "created_at", "expires_at", "revoked_at"] };
static ACCOUNTS: Table = Table {
    name: "accounts",
    columns: &[
        "id",
        "rev",
        "email",
        "email_key",
        "name",
        "role",
        "password",
        "password_set_at",
        "subject",
        "created_at",
        "disabled_at",
    ],
};
static THROTTLES: Table = Table { name: "throttles", columns: &["id", "rev", "failures", "last_at", "free_at"] };
static LAST_USES: Table = Table { name: "last_uses", columns: &["id", "at"] };

static PUT_KEY: LazyLock<String> = LazyLock::new(|| KEYS.put());
static KEY_BY_HASH: LazyLock<String> = LazyLock::new(|| KEYS.select("WHERE hash = $1 OR previous_hash = $1"));
static ALL_KEYS: LazyLock<String> = LazyLock::new(|| KEYS.select("ORDER BY id"));
static PUT_SESSION: LazyLock<String> = LazyLock::new(|| SESSIONS.put());
static SESSION_BY_HASH: LazyLock<String> = LazyLock::new(|| SESSIONS.select("WHERE hash = $1"));
static LIVE_SESSIONS: LazyLock<String> =
    LazyLock::new(|| SESSIONS.select("WHERE revoked_at IS NULL AND expires_at > $1 ORDER BY id DESC LIMIT $2"));
static PUT_ACCOUNT: LazyLock<String> = LazyLock::new(|| ACCOUNTS.put());
static ACCOUNT_BY_ID: LazyLock<String> = LazyLock::new(|| ACCOUNTS.select("WHERE id = $1"));
static ACCOUNT_BY_EMAIL: LazyLock<String> = LazyLock::new(|| ACCOUNTS.select("WHERE email_key = $1"));
static ALL_ACCOUNTS: LazyLock<String> = LazyLock::new(|| ACCOUNTS.select("ORDER BY id"));
static PUT_THROTTLE: LazyLock<String> = LazyLock::new(|| THROTTLES.put());
static THROTTLE: LazyLock<String> = LazyLock::new(|| THROTTLES.select("WHERE id = $1"));
static LAST_USE: LazyLock<String> = LazyLock::new(|| LAST_USES.select("WHERE id = $1"));

const SWEEP_THROTTLES: &str = "DELETE FROM throttles WHERE last_at < $1";
/// The latest use wins, whichever node saw it.
const PUT_LAST_USE: &str = "INSERT INTO last_uses (id, at) VALUES ($1, $2) \
    ON CONFLICT (id) DO UPDATE SET at = excluded.at WHERE last_uses.at < excluded.at";

pub(super) fn put_key(key: &ApiKey) -> Read<Noun> {
    let others = vec![
        Param::from(&key.name),
        Param::from(&key.hash),
        json(&key.rights)?,
        opt_code(key.role.as_ref())?,
        Param::from(key.created_at),
        Param::from(key.expires_at),
        Param::from(key.revoked_at),
        Param::from(key.previous.as_ref().map(|(hash, _)| hash)),
        Param::from(key.previous.as_ref().map(|(_, until)| *until)),
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
        role: columns.opt_code()?,
        created_at: columns.time()?,
        expires_at: columns.opt_time()?,
        revoked_at: columns.opt_time()?,
        previous: columns.opt_blob()?.zip(columns.opt_time()?),
    })
}

pub(super) fn put_session(session: &Session) -> Noun {
    let others = vec![
        Param::from(&session.hash),
        Param::from(session.account),
        Param::from(&session.device),
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
        account: columns.opt_id()?,
        device: columns.opt_text()?,
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

/// Not revoked, not over at `now`.
pub(crate) async fn live_sessions(engine: &Engine, now: Timestamp, limit: u32) -> Read<Vec<Session>> {
    engine.list(&LIVE_SESSIONS, vec![now.into(), limit.into()], Size::of(limit.into()), decode_session).await
}

pub(super) fn put_account(account: &Account) -> Read<Noun> {
    let others = vec![
        Param::from(account.email.as_str()),
        Param::from(account.email.key()),
        Param::from(&account.name),
        code(&account.role)?,
        Param::from(&account.password),
        Param::from(account.password_set_at),
        Param::from(&account.subject),
        Param::from(account.created_at),
        Param::from(account.disabled_at),
    ];
    Ok(Noun::row(&ACCOUNTS, "account", &PUT_ACCOUNT, account.id.to_string(), account.rev, others))
}

fn decode_account(row: Row) -> Read<Account> {
    let mut columns = Columns::of(&ACCOUNTS, row);
    let (id, rev, email) = (columns.id()?, columns.int()?, columns.parse()?);
    // The key is there to be found by; the address says it all.
    columns.text()?;
    Ok(Account {
        id,
        rev,
        email,
        name: columns.text()?,
        role: columns.code()?,
        password: columns.opt_text()?,
        password_set_at: columns.opt_time()?,
        subject: columns.opt_text()?,
        created_at: columns.time()?,
        disabled_at: columns.opt_time()?,
    })
}

pub(crate) async fn account(engine: &Engine, id: Id<Account>) -> Read<Option<Account>> {
    engine.one(&ACCOUNT_BY_ID, vec![id.into()], decode_account).await
}

pub(crate) async fn account_by_email(engine: &Engine, email: &EmailAddress) -> Read<Option<Account>> {
    engine.one(&ACCOUNT_BY_EMAIL, vec![email.key().into()], decode_account).await
}

pub(crate) async fn accounts(engine: &Engine) -> Read<Vec<Account>> {
    engine.list(&ALL_ACCOUNTS, Vec::new(), Size::Small, decode_account).await
}

pub(super) fn put_throttle(throttle: &Throttle) -> Noun {
    let others = vec![Param::from(throttle.failures), Param::from(throttle.last_at), Param::from(throttle.free_at)];
    let mut noun = Noun::row(&THROTTLES, "throttle", &PUT_THROTTLE, throttle.id.clone(), throttle.rev, others);
    if throttle.rev == 1 {
        // Whoever adds a row sweeps what is forgotten anyway, so that strangers cannot fill the table for ever.
        let forgotten = throttle.last_at.as_microsecond() - 2 * Patience::MEMORY_SECONDS * 1_000_000;
        noun.rest.push(Step::any(SWEEP_THROTTLES, vec![forgotten.into()]));
    }
    noun
}

fn decode_throttle(row: Row) -> Read<Throttle> {
    let mut columns = Columns::of(&THROTTLES, row);
    Ok(Throttle {
        id: columns.text()?,
        rev: columns.int()?,
        failures: columns.int()?,
        last_at: columns.time()?,
        free_at: columns.time()?,
    })
}

pub(crate) async fn throttle(engine: &Engine, id: &str) -> Read<Option<Throttle>> {
    engine.one(&THROTTLE, vec![id.into()], decode_throttle).await
}

pub(super) fn put_last_use(id: &str, at: Timestamp) -> Noun {
    let step = Step::any(PUT_LAST_USE, vec![id.into(), at.into()]);
    Noun { key: (LAST_USES.name, id.to_owned(), 0), guard: None, rest: vec![step] }
}

fn decode_last_use(row: Row) -> Read<Timestamp> {
    let mut columns = Columns::of(&LAST_USES, row);
    columns.text()?;
    columns.time()
}

pub(crate) async fn last_use(engine: &Engine, id: &str) -> Read<Option<Timestamp>> {
    engine.one(&LAST_USE, vec![id.into()], decode_last_use).await
}
