//! The whole content of a database as a stream of bytes that names no engine: written by one, read by either.
//!
//! A dump is one consistent moment: SQLite's read transaction, PostgreSQL's REPEATABLE READ snapshot. Changes go on meanwhile. Tables and
//! columns are taken from the catalog, so a table that a migration adds is in the next dump without a word here. The history of the schema
//! is not a table of the dump: its newest version stands at the beginning, and loading makes the history anew.

mod format;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc};

use domain::Timestamp;
pub(crate) use format::{Cursor, Kind, Record, Shape, Writer};
use ports::store::{Read, StoreError};
use tokio::sync::mpsc;

use crate::{
    Database, Options,
    database::sqlite_path,
    db::{Columns, Engine, Table},
    error::OpenError,
    postgres::{self, Postgres},
    schema, sqlite,
};

static HISTORY: Table = Table { name: "schema_history", columns: &["version", "oldest_program"] };

/// Rows by table, in the order of the names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts(pub BTreeMap<String, u64>);

impl Counts {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.0.values().sum()
    }
}

/// What a dump held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumped {
    /// The version of the schema.
    pub schema: i64,
    /// Its rows.
    pub counts: Counts,
}

/// Why bytes are not a dump. What is named is the place, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    /// A record is not what can stand there.
    #[error("the content makes no sense: {0}")]
    Malformed(String),
    /// The stream ended before its trailer.
    #[error("the content ends before its trailer")]
    Cut,
    /// The trailer counts other rows than there are.
    #[error("the trailer counts {said} rows of table {table}, and {found} are there")]
    Miscounted {
        /// Of which table.
        table: String,
        /// By the trailer.
        said: u64,
        /// In the stream.
        found: u64,
    },
}

/// Why a dump could not be loaded. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The dump is no dump.
    #[error(transparent)]
    Dump(#[from] DumpError),
    /// There is something in the database.
    #[error("the database is not empty: table {table} has {rows} rows")]
    NotEmpty {
        /// The first table with rows.
        table: String,
        /// How many.
        rows: u64,
    },
    /// Somebody works on it.
    #[error("a Greenroom is connected to the database; stop every `greenroom serve` on it first")]
    InUse,
    /// A newer release made it.
    #[error(
        "the backup has schema {found}, made by a newer release, and this one knows only up to {known}; restore it with that release or a later one"
    )]
    Newer {
        /// The dump's.
        found: i64,
        /// This program's.
        known: i64,
    },
    /// The database failed.
    #[error("the database could not be written: {0}")]
    Failed(String),
}

/// What is done to the rows of a dump once they are loaded, in the same transaction.
#[derive(Debug, Clone)]
pub struct Afterwards {
    /// The time of the restore.
    pub at: Timestamp,
    /// Settings to be set (key, JSON text).
    pub settings: Vec<(String, String)>,
    /// Whether log-ins, one-time log-in links and the leases of jobs end with the restore. What ended after the backup was made would live
    /// again otherwise.
    pub end_sessions: bool,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// What the dump held.
    pub dumped: Dumped,
    /// Where the database file is that was there before.
    pub set_aside: Option<PathBuf>,
}

/// Reads a dump to its end without a database: whether it makes sense and holds what its trailer says.
#[derive(Debug, Default)]
pub struct DumpCheck(Cursor);

impl DumpCheck {
    /// The next bytes.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), DumpError> {
        self.0.push(piece);
        while self.0.next()?.is_some() {}
        Ok(())
    }

    /// No more bytes follow.
    pub fn finish(self) -> Result<Dumped, DumpError> {
        self.0.finish()
    }
}

impl Database {
    /// Sends the whole content in pieces, as of one moment. Memory does not grow with the database. Ends with an error where the receiver
    /// goes away.
    ///
    /// # Errors
    /// The database does not answer, or nobody takes the pieces.
    pub async fn dump(&self, pieces: mpsc::Sender<Vec<u8>>) -> Read<Dumped> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.dump(pieces).await,
            Engine::Postgres(postgres) => postgres.dump(pieces).await,
        }
    }

    /// The version of the schema that the database has, which a newer node may have brought further than this program knows.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn schema(&self) -> Read<i64> {
        let version = self.engine.one(schema::NEWEST, Vec::new(), |row| Columns::of(&HISTORY, row).int()).await?;
        version.ok_or_else(|| StoreError::Inconsistent("the schema has no history".to_owned()))
    }

    /// `sqlite` or `postgresql`.
    pub const fn engine_name(&self) -> &'static str {
        match &self.engine {
            Engine::Sqlite(_) => "sqlite",
            Engine::Postgres(_) => "postgresql",
        }
    }

    /// The schema's version and the rows of every table, now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn count(&self) -> Read<Dumped> {
        // A dump nobody keeps counts the same tables in the same snapshot.
        let (send, mut receive) = mpsc::channel::<Vec<u8>>(4);
        let drained = tokio::spawn(async move { while receive.recv().await.is_some() {} });
        let counted = self.dump(send).await;
        drained.await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        counted
    }
}

/// The newest schema this program knows.
pub fn newest_schema() -> i64 {
    schema::newest()
}

/// Loads a dump into the database that `url` names, brings its schema up to date, and does `afterwards`; everything or nothing. Refuses a
/// database with rows unless `replace`. A file that is replaced is set aside, not deleted.
///
/// # Errors
/// [`LoadError`]; nothing was changed.
pub async fn load(
    url: &str,
    options: &Options,
    replace: bool,
    afterwards: Afterwards,
    pieces: mpsc::Receiver<Vec<u8>>,
) -> Result<Loaded, LoadError> {
    if postgres::is_postgres(url) {
        let postgres = Postgres::to_load(url, Arc::clone(&options.entropy))?;
        return postgres.load(replace, &afterwards, pieces).await;
    }
    let path = sqlite_path(url)?;
    let clock = Arc::clone(&options.lease_clock);
    let loading = tokio::task::spawn_blocking(move || sqlite::load(&path, clock.as_ref(), replace, &afterwards, pieces));
    loading.await.map_err(|error| LoadError::Failed(error.to_string()))?
}

/// Whether a database with rows is there, without changing it.
///
/// # Errors
/// [`LoadError`], where it cannot be told.
pub async fn is_empty(url: &str, options: &Options) -> Result<bool, LoadError> {
    if postgres::is_postgres(url) {
        return Postgres::to_load(url, Arc::clone(&options.entropy))?.is_empty().await;
    }
    let path = sqlite_path(url)?;
    let asking = tokio::task::spawn_blocking(move || sqlite::has_rows(&path));
    Ok(asking.await.map_err(|error| LoadError::Failed(error.to_string()))?.is_none())
}

/// Compares the tables of a dump with those of the database it is to be loaded into.
pub(crate) fn same_shape(of_dump: &Shape, here: &[Shape]) -> Result<(), DumpError> {
    let known = here.iter().find(|shape| shape.name == of_dump.name);
    let Some(known) = known else { return Err(DumpError::Malformed(format!("there is no table {}", of_dump.name))) };
    let sorted = |shape: &Shape| {
        let mut columns = shape.columns.clone();
        columns.sort();
        columns
    };
    if sorted(of_dump) == sorted(known) {
        Ok(())
    } else {
        Err(DumpError::Malformed(format!("table {} has other columns", of_dump.name)))
    }
}

/// Every table of the database must have been in the dump, and no other.
pub(crate) fn all_there(dumped: &Dumped, here: &[Shape]) -> Result<(), DumpError> {
    match here.iter().find(|shape| !dumped.counts.0.contains_key(&shape.name)) {
        Some(lacking) => Err(DumpError::Malformed(format!("it lacks table {}", lacking.name))),
        None => Ok(()),
    }
}

/// What `afterwards` says, as statements that both engines take, with their parameters.
pub(crate) fn after_statements(afterwards: &Afterwards) -> Vec<(&'static str, Vec<crate::db::Param>)> {
    let at = crate::db::Param::from(afterwards.at);
    let mut all: Vec<(&'static str, Vec<crate::db::Param>)> = Vec::new();
    if afterwards.end_sessions {
        all.push(("UPDATE sessions SET revoked_at = $1, rev = rev + 1 WHERE revoked_at IS NULL", vec![at.clone()]));
        all.push((
            "UPDATE links SET revoked_at = $1, rev = rev + 1 WHERE revoked_at IS NULL AND used_at IS NULL AND purpose = $2",
            vec![at, "admin_login".into()],
        ));
        all.push(("UPDATE jobs SET lease = NULL, lease_until = NULL WHERE lease IS NOT NULL OR lease_until IS NOT NULL", vec![]));
    }
    for (key, value) in &afterwards.settings {
        all.push((
            "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            vec![key.into(), value.into()],
        ));
    }
    all
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows in {} tables", self.rows(), self.0.len())
    }
}
