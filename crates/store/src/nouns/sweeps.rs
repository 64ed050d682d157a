//! Sweeping old rows: which they are, oldest first and at most so many, and the statements that take exactly those.
//!
//! Invariant: nothing open is swept. Every statement says so itself, because time passes between looking and sweeping.

use std::sync::LazyLock;

use domain::erasure::Sweep;
use ports::{change::Sweeping, store::Read};

use crate::db::{Columns, Engine, Param, Size, Step, Table};

/// Five minutes, as claims count time.
const CELL_MICROSECONDS: i64 = 300_000_000;

/// The order to send a mail is accepted once for ever: while an interview is open, its done jobs are what refuses a second order.
const JOBS: &str = "SELECT id FROM jobs WHERE state IN ('done', 'stale') AND due < $1 AND NOT EXISTS (SELECT 1 FROM interviews i \
    WHERE i.state IN ('proposed', 'booking', 'booked', 'attention') AND jobs.work LIKE '%' || i.id || '%') ORDER BY due, id LIMIT $2";
const CLAIMS: &str = "SELECT holder, cell FROM claims WHERE cell < $1 ORDER BY cell, holder LIMIT $2";
const KEYS: &str = "SELECT name FROM names WHERE scope = 'idempotency' AND taken_at < $1 ORDER BY taken_at, name LIMIT $2";
const LINKS: &str = "SELECT id FROM links WHERE expires_at < $1 OR revoked_at < $1 \
    OR (used_at < $1 AND purpose IN ('oauth_state', 'admin_login')) ORDER BY created_at, id LIMIT $2";
const SESSIONS: &str = "SELECT id FROM sessions WHERE expires_at < $1 OR revoked_at < $1 ORDER BY id LIMIT $2";
const MAILS: &str = "SELECT message_id FROM mails WHERE sent_at < $1 ORDER BY sent_at, id LIMIT $2";

static CUT_JOBS: LazyLock<String> = LazyLock::new(|| format!("DELETE FROM jobs WHERE id IN ({JOBS})"));
static CUT_CLAIMS: LazyLock<String> = LazyLock::new(|| format!("DELETE FROM claims WHERE (holder, cell) IN ({CLAIMS})"));
static CUT_ANSWERS: LazyLock<String> =
    LazyLock::new(|| format!("DELETE FROM settings WHERE key IN (SELECT 'idempotency:' || name FROM ({KEYS}) old)"));
static CUT_KEYS: LazyLock<String> = LazyLock::new(|| format!("DELETE FROM names WHERE scope = 'idempotency' AND name IN ({KEYS})"));
/// Keys from before their time was kept go at the next sweep.
const DATE_KEYS: &str = "UPDATE names SET taken_at = $1 WHERE scope = 'idempotency' AND taken_at IS NULL";
static CUT_LINKS: LazyLock<String> = LazyLock::new(|| format!("DELETE FROM links WHERE id IN ({LINKS})"));
static CUT_SESSIONS: LazyLock<String> = LazyLock::new(|| format!("DELETE FROM sessions WHERE id IN ({SESSIONS})"));
static CUT_MAILS: LazyLock<String> = LazyLock::new(|| format!("DELETE FROM mails WHERE message_id IN ({MAILS})"));

static TABLE: Table = Table { name: "swept", columns: &["key"] };

fn params(sweeping: Sweeping) -> Vec<Param> {
    let before = sweeping.before.as_microsecond();
    let before = if sweeping.what == Sweep::Claims { before.div_euclid(CELL_MICROSECONDS) } else { before };
    vec![before.into(), sweeping.limit.into()]
}

/// The keys of the rows that a sweep would take, oldest first.
pub(crate) async fn keys(engine: &Engine, sweeping: Sweeping) -> Read<Vec<String>> {
    let sql = match sweeping.what {
        Sweep::Jobs => JOBS,
        Sweep::Claims => CLAIMS,
        Sweep::Idempotency => KEYS,
        Sweep::Links => LINKS,
        Sweep::Sessions => SESSIONS,
        Sweep::Mails => MAILS,
    };
    engine.list(sql, params(sweeping), Size::Bulk, |row| Columns::of(&TABLE, row).text()).await
}

/// What takes them. A key's answer goes before the key, or it would be found by nobody.
pub(crate) fn steps(sweeping: Sweeping) -> Vec<Step> {
    let step = |sql: &'static str| Step::any(sql, params(sweeping));
    match sweeping.what {
        Sweep::Jobs => vec![step(&CUT_JOBS)],
        Sweep::Claims => vec![step(&CUT_CLAIMS)],
        Sweep::Idempotency => {
            let date = Step::any(DATE_KEYS, vec![sweeping.before.into()]);
            vec![step(&CUT_ANSWERS), step(&CUT_KEYS), date]
        }
        Sweep::Links => vec![step(&CUT_LINKS)],
        Sweep::Sessions => vec![step(&CUT_SESSIONS)],
        Sweep::Mails => vec![step(&CUT_MAILS)],
    }
}
