//! Dumping and loading a SQLite file.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use ports::{
    LeaseClock,
    store::{Read, StoreError},
};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc;

use super::{
    Sqlite,
    connection::{self, execute, unavailable},
};
use crate::{
    db::{Param, Value},
    dump::{
        Afterwards, Cursor, DumpError, Dumped, Kind, LoadError, Loaded, Record, Shape, Writer, after_statements, all_there,
        same_shape,
    },
    schema,
};

impl Sqlite {
    /// On a connection of its own, whose read transaction sees one moment while the writer goes on.
    pub async fn dump(&self, pieces: mpsc::Sender<Vec<u8>>) -> Read<Dumped> {
        let path = self.path.clone();
        let dumping = tokio::task::spawn_blocking(move || dump(&path, &pieces));
        dumping.await.map_err(|error| StoreError::Unavailable(format!("the dumping thread ended: {error}")))?
    }
}

fn dump(path: &Path, pieces: &mpsc::Sender<Vec<u8>>) -> Read<Dumped> {
    let connection = connection::open_reader(path).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let failed = |error: rusqlite::Error| unavailable(&error);
    let odd = |error: DumpError| StoreError::Inconsistent(error.to_string());
    let send = |piece| pieces.blocking_send(piece).map_err(|_| StoreError::Unavailable("nobody takes the dump".to_owned()));
    execute(&connection, "BEGIN DEFERRED", &[]).map_err(failed)?;
    let mut writer = Writer::default();
    writer.schema(connection.query_row(schema::NEWEST, [], |row| row.get(0)).map_err(failed)?);
    for shape in shapes(&connection).map_err(failed)? {
        writer.table(&shape).map_err(odd)?;
        let mut statement = connection.prepare(&shape.select()).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let cells = (0..shape.columns.len()).map(|at| row.get_ref(at).and_then(|cell| connection::value(at, cell)));
            writer.row(&cells.collect::<Result<_, _>>().map_err(failed)?).map_err(odd)?;
            if let Some(piece) = writer.full() {
                send(piece)?;
            }
        }
    }
    execute(&connection, "COMMIT", &[]).map_err(failed)?;
    let (rest, dumped) = writer.finish().map_err(odd)?;
    send(rest)?;
    Ok(dumped)
}

/// The tables of ours that are there, by name.
fn shapes(connection: &Connection) -> rusqlite::Result<Vec<Shape>> {
    let mut known: Vec<&str> = schema::tables().collect();
    known.sort_unstable();
    let mut found = Vec::new();
    let mut statement = connection.prepare("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid")?;
    for name in known {
        let mut shape = Shape { name: name.to_owned(), columns: Vec::new(), key: Vec::new() };
        let mut key: Vec<(i64, String)> = Vec::new();
        let mut rows = statement.query([name])?;
        while let Some(row) = rows.next()? {
            let (column, kind, place): (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let kind = Kind::named(&kind)
                .ok_or_else(|| rusqlite::Error::InvalidColumnType(1, format!("{name}.{column}"), rusqlite::types::Type::Text))?;
            if place > 0 {
                key.push((place, column.clone()));
            }
            shape.columns.push((column, kind));
        }
        key.sort();
        shape.key = key.into_iter().map(|(_, column)| column).collect();
        if shape.key.is_empty() {
            shape.key = shape.columns.iter().map(|(column, _)| column.clone()).collect();
        }
        if !shape.columns.is_empty() {
            found.push(shape);
        }
    }
    Ok(found)
}

/// A table with rows, if the file is there and has one. A file that is no database of ours counts as one row.
pub(crate) fn has_rows(path: &Path) -> Option<(String, u64)> {
    match fs::metadata(path) {
        Ok(about) if about.len() > 0 => {}
        Ok(_) => return None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(_) => return Some((path.display().to_string(), 1)),
    }
    let count = || -> rusqlite::Result<Option<(String, u64)>> {
        let connection = connection::open(path)?;
        for shape in shapes(&connection)? {
            let rows: i64 = connection.query_row(&format!("SELECT count(*) FROM {}", shape.name), [], |row| row.get(0))?;
            if rows > 0 {
                return Ok(Some((shape.name, rows.unsigned_abs())));
            }
        }
        Ok(None)
    };
    count().unwrap_or_else(|_| Some((path.display().to_string(), 1)))
}

/// Loads into a new file beside `path`, which takes its place once it is whole and on the disk. Blocks.
pub(crate) fn load(
    path: &Path,
    clock: &dyn LeaseClock,
    replace: bool,
    afterwards: &Afterwards,
    mut pieces: mpsc::Receiver<Vec<u8>>,
) -> Result<Loaded, LoadError> {
    if let Some((table, rows)) = has_rows(path)
        && !replace
    {
        return Err(LoadError::NotEmpty { table, rows });
    }
    let failed = |error: io::Error| LoadError::Failed(format!("{}: {error}", path.display()));
    let new = beside(path, ".restoring");
    remove(&new).map_err(failed)?;
    let dumped = match fill(&new, clock, afterwards, &mut pieces) {
        Ok(dumped) => dumped,
        Err(error) => {
            remove(&new).map_err(failed)?;
            return Err(error);
        }
    };
    File::open(&new).and_then(|file| file.sync_all()).map_err(failed)?;
    let set_aside = set_aside(path, &afterwards.at.strftime("%Y%m%dT%H%M%SZ").to_string()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)?;
    sync_folder(path).map_err(failed)?;
    Ok(Loaded { dumped, set_aside })
}

fn fill(
    new: &Path,
    clock: &dyn LeaseClock,
    afterwards: &Afterwards,
    pieces: &mut mpsc::Receiver<Vec<u8>>,
) -> Result<Dumped, LoadError> {
    let failed = |error: rusqlite::Error| LoadError::Failed(error.to_string());
    connection::create_private(new).map_err(|error| LoadError::Failed(error.to_string()))?;
    let mut connection = connection::open(new).map_err(failed)?;
    // A file that is thrown away on any failure needs no journal.
    connection
        .execute_batch(
            "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
        )
        .map_err(failed)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let mut cursor = Cursor::default();
    let mut here: Vec<Shape> = Vec::new();
    let mut insert = String::new();
    while let Some(piece) = pieces.blocking_recv() {
        cursor.push(&piece);
        while let Some(record) = cursor.next()? {
            match record {
                Record::Schema(version) if version > schema::newest() => {
                    return Err(LoadError::Newer { found: version, known: schema::newest() });
                }
                Record::Schema(version) => {
                    connection::migrate_to(&transaction, version, clock)?;
                    here = shapes(&transaction).map_err(failed)?;
                }
                Record::Table(shape) => {
                    same_shape(&shape, &here)?;
                    insert = shape.insert();
                }
                Record::Row(row) => {
                    let params: Vec<Param> = row.into_iter().map(param).collect();
                    execute(&transaction, &insert, &params).map_err(failed)?;
                }
                Record::End => {}
            }
        }
    }
    let dumped = cursor.finish()?;
    all_there(&dumped, &here)?;
    connection::migrate_to(&transaction, schema::newest(), clock)?;
    for (sql, params) in after_statements(afterwards) {
        execute(&transaction, sql, &params).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    Ok(dumped)
}

/// The declared type does not matter to SQLite where the value is null.
fn param(value: Value) -> Param {
    match value {
        Value::Null => Param::Text(None),
        Value::Int(number) => Param::Int(Some(number)),
        Value::Text(text) => Param::Text(Some(text)),
        Value::Blob(bytes) => Param::Blob(Some(bytes)),
    }
}

fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    PathBuf::from(name)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The old file and its journal get another name, under which SQLite still finds one by the other.
fn set_aside(path: &Path, when: &str) -> io::Result<Option<PathBuf>> {
    let aside = beside(path, &format!(".before-restore-{when}"));
    let mut any = false;
    for more in ["-wal", "-shm", ""] {
        match fs::rename(beside(path, more), beside(&aside, more)) {
            Ok(()) => any = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(any.then_some(aside))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
