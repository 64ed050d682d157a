//! Opening SQLite connections, bringing the schema up to date, and running one statement with numbered parameters.

use std::{
    fs::OpenOptions,
    io,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ports::{
    LeaseClock,
    store::{Read, StoreError},
};
use rusqlite::{
    CachedStatement, Connection, ErrorCode, OpenFlags, TransactionBehavior,
    types::{ToSql, ToSqlOutput, ValueRef},
};

use crate::{
    db::{Param, Row, Value},
    error::OpenError,
    schema,
};

/// How long a connection waits for another process (a backup, the command line) that holds the file.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long opening waits before it tries again.
const OPEN_AGAIN: Duration = Duration::from_millis(20);
const STATEMENT_CACHE: usize = 128;

fn refused(path: &Path, why: impl std::fmt::Display) -> OpenError {
    OpenError::File { path: path.display().to_string(), why: why.to_string() }
}

/// The connection that writes. A new file can be read by its owner only: it holds people's data, and what is deleted is overwritten.
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    create_private(path).map_err(|error| refused(path, error))?;
    let open = || -> rusqlite::Result<(Connection, String)> {
        let connection = open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; \
             PRAGMA foreign_keys = OFF; PRAGMA journal_size_limit = 67108864; \
             PRAGMA secure_delete = ON;",
        )?;
        let mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        Ok((connection, mode))
    };
    let (connection, mode) = patiently(open).map_err(|error| refused(path, error))?;
    if mode == "wal" {
        Ok(connection)
    } else {
        Err(refused(path, format_args!("write-ahead logging is not possible there (`{mode}`), as on some network drives")))
    }
}

/// A connection that only reads.
pub(super) fn open_reader(path: &Path) -> Result<Connection, OpenError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = open(path)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;")?;
        Ok(connection)
    };
    open().map_err(|error| refused(path, error))
}

pub(super) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(connection)
}

/// Repeats what found the file locked. SQLite asks nobody to wait where two connections turn a new file to write-ahead logging at once:
/// each holds what the other needs, so one of them is refused at once.
fn patiently<T>(open: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let locked = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    let mut waited = Duration::ZERO;
    loop {
        match open() {
            Err(error) if locked(&error) && waited < BUSY_TIMEOUT => {
                std::thread::sleep(OPEN_AGAIN);
                waited += OPEN_AGAIN;
            }
            result => return result,
        }
    }
}

/// Makes the file, if there is none, readable by its owner only. A file that is there is not touched: closing it would take away the
/// locks that other connections of this process have on it.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        opened => opened.map(drop),
    }
}

/// Runs what is missing, in one transaction that no other process can enter.
pub(super) fn migrate(connection: &mut Connection, clock: &dyn LeaseClock) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::Migration(error.to_string());
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    migrate_to(&transaction, schema::newest(), clock)?;
    transaction.commit().map_err(failed)
}

/// The same up to a version, in a transaction that is open.
pub(super) fn migrate_to(transaction: &Connection, version: i64, clock: &dyn LeaseClock) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::Migration(error.to_string());
    transaction.execute_batch(&schema::for_sqlite(schema::HISTORY)).map_err(failed)?;
    let newest = {
        let mut statement = transaction.prepare(schema::NEWEST).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        match rows.next().map_err(failed)? {
            Some(row) => Some((row.get(0).map_err(failed)?, row.get(1).map_err(failed)?)),
            None => None,
        }
    };
    for migration in schema::missing(newest)?.filter(|migration| migration.version <= version) {
        tracing::info!(version = migration.version, name = migration.name, "migrating the database");
        for statement in migration.statements {
            transaction.execute_batch(&schema::for_sqlite(statement)).map_err(failed)?;
        }
        let record = [
            Param::from(migration.version),
            Param::from(migration.name),
            Param::from(migration.oldest_program),
            Param::from(clock.now()),
        ];
        execute(transaction, schema::RECORD, &record).map_err(failed)?;
    }
    Ok(())
}

impl ToSql for Param {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Int(Some(number)) => ValueRef::Integer(*number),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Blob(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Int(None) | Self::Text(None) | Self::Blob(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

/// `$3` is a *name* to SQLite, numbered by first appearance: the number in the name decides what is bound.
fn bind(statement: &mut CachedStatement<'_>, params: &[Param]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let param = statement
            .parameter_name(index)
            .and_then(|name| name.strip_prefix('$'))
            .and_then(|number| number.parse::<usize>().ok())
            .and_then(|number| params.get(number.checked_sub(1)?))
            .ok_or(rusqlite::Error::InvalidParameterCount(index, params.len()))?;
        statement.raw_bind_parameter(index, param)?;
    }
    Ok(())
}

/// Runs a statement that gives no rows; the number of rows it touched.
pub(super) fn execute(connection: &Connection, sql: &str, params: &[Param]) -> rusqlite::Result<usize> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    statement.raw_execute()
}

/// Runs a statement that gives rows.
pub(super) fn query(connection: &Connection, sql: &str, params: &[Param]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let columns = statement.column_count();
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        rows.push((0..columns).map(|column| row.get_ref(column).and_then(|cell| value(column, cell))).collect::<Result<_, _>>()?);
    }
    Ok(rows)
}

pub(super) fn value(column: usize, cell: ValueRef<'_>) -> rusqlite::Result<Value> {
    match cell {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(rusqlite::Error::Utf8Error(column, error)),
        },
        ValueRef::Blob(bytes) => Ok(Value::Blob(bytes.to_vec())),
        ValueRef::Real(_) => {
            Err(rusqlite::Error::InvalidColumnType(column, "a column of the schema".to_owned(), rusqlite::types::Type::Real))
        }
    }
}

pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// [`query`] with the store's own error.
pub(super) fn read(connection: &Connection, sql: &str, params: &[Param]) -> Read<Vec<Row>> {
    query(connection, sql, params).map_err(|error| unavailable(&error))
}
