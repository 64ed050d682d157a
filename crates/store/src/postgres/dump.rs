//! Dumping and loading a PostgreSQL database (the schema that the search path names first).

use futures_util::future::join_all;
use ports::store::{Read, StoreError};
use tokio::sync::mpsc;
use tokio_postgres::{Error, IsolationLevel, Statement, Transaction};

use super::{
    Postgres, SELECT_NOW,
    connect::{PRESENCE, migrate_to, words},
    get, unavailable,
    value::{borrowed, row, types},
};
use crate::{
    db::{Param, Value},
    dump::{
        Afterwards, Cursor, DumpError, Dumped, Kind, LoadError, Loaded, Record, Shape, Writer, after_statements, all_there,
        same_shape,
    },
    schema,
};

/// Rows that are asked for and sent at once.
const BATCH: i32 = 200;

const COLUMNS: &str = "SELECT column_name::text, data_type::text FROM information_schema.columns \
    WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
const KEY: &str = "SELECT a.attname::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey) \
    WHERE i.indrelid = to_regclass($1) AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum)";
/// Only where no node has a connection: each holds the same lock shared, see `connect::pool`.
const ALONE: &str = "SELECT pg_try_advisory_xact_lock($1, hashtext(current_schema()))";

impl Postgres {
    /// In one REPEATABLE READ snapshot; changes go on beside it.
    pub async fn dump(&self, pieces: mpsc::Sender<Vec<u8>>) -> Read<Dumped> {
        let mut client = get(&self.pool).await?;
        let begun = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await;
        let transaction = begun.map_err(|error| unavailable(&error))?;
        let dumped = dump(&transaction, &pieces).await?;
        transaction.commit().await.map_err(|error| unavailable(&error))?;
        Ok(dumped)
    }

    pub async fn is_empty(&self) -> Result<bool, LoadError> {
        let mut client = get(&self.pool).await.map_err(|error| LoadError::Failed(error.to_string()))?;
        let transaction = client.transaction().await.map_err(|error| failed(&error))?;
        Ok(has_rows(&transaction, &shapes(&transaction).await?).await?.is_none())
    }

    /// One transaction, schema included.
    pub async fn load(
        &self,
        replace: bool,
        afterwards: &Afterwards,
        mut pieces: mpsc::Receiver<Vec<u8>>,
    ) -> Result<Loaded, LoadError> {
        let mut client = get(&self.pool).await.map_err(|error| LoadError::Failed(error.to_string()))?;
        let transaction = client.transaction().await.map_err(|error| failed(&error))?;
        clear(&transaction, replace).await?;
        let mut target = Target { transaction: &transaction, here: Vec::new(), insert: None, rows: Vec::new() };
        let mut cursor = Cursor::default();
        while let Some(piece) = pieces.recv().await {
            cursor.push(&piece);
            while let Some(record) = cursor.next()? {
                target.take(record).await?;
            }
        }
        let dumped = cursor.finish()?;
        all_there(&dumped, &target.here)?;
        migrate_to(&transaction, schema::newest(), &SELECT_NOW).await?;
        for (sql, params) in after_statements(afterwards) {
            let statement = transaction.prepare_typed(sql, &types(&params)).await.map_err(|error| failed(&error))?;
            transaction.execute(&statement, &borrowed(&params)).await.map_err(|error| failed(&error))?;
        }
        transaction.commit().await.map_err(|error| failed(&error))?;
        Ok(Loaded { dumped, set_aside: None })
    }
}

fn failed(error: &Error) -> LoadError {
    LoadError::Failed(words(error))
}

async fn dump(transaction: &Transaction<'_>, pieces: &mpsc::Sender<Vec<u8>>) -> Read<Dumped> {
    let failed = |error: Error| unavailable(&error);
    let odd = |error: DumpError| StoreError::Inconsistent(error.to_string());
    let gone = |_| StoreError::Unavailable("nobody takes the dump".to_owned());
    let mut writer = Writer::default();
    writer.schema(transaction.query_one(schema::NEWEST, &[]).await.and_then(|row| row.try_get(0)).map_err(failed)?);
    for shape in shapes(transaction).await.map_err(|error| StoreError::Unavailable(error.to_string()))? {
        writer.table(&shape).map_err(odd)?;
        let statement = transaction.prepare(&shape.select()).await.map_err(failed)?;
        let portal = transaction.bind(&statement, &[]).await.map_err(failed)?;
        loop {
            let rows = transaction.query_portal(&portal, BATCH).await.map_err(failed)?;
            for found in &rows {
                writer.row(&row(found).map_err(failed)?).map_err(odd)?;
                if let Some(piece) = writer.full() {
                    pieces.send(piece).await.map_err(gone)?;
                }
            }
            if rows.is_empty() {
                break;
            }
        }
    }
    let (rest, dumped) = writer.finish().map_err(odd)?;
    pieces.send(rest).await.map_err(gone)?;
    Ok(dumped)
}

/// The tables of ours that are there, by name.
async fn shapes(transaction: &Transaction<'_>) -> Result<Vec<Shape>, LoadError> {
    let mut known: Vec<&str> = schema::tables().collect();
    known.sort_unstable();
    let mut found = Vec::new();
    for name in known {
        let mut shape = Shape { name: name.to_owned(), columns: Vec::new(), key: Vec::new() };
        for row in transaction.query(COLUMNS, &[&name]).await.map_err(|error| failed(&error))? {
            let (column, kind): (String, String) =
                row.try_get(0).and_then(|column| Ok((column, row.try_get(1)?))).map_err(|error| failed(&error))?;
            let kind = Kind::named(&kind)
                .ok_or_else(|| LoadError::Failed(format!("table {name}, column {column} has the unknown type {kind}")))?;
            shape.columns.push((column, kind));
        }
        if shape.columns.is_empty() {
            continue;
        }
        for row in transaction.query(KEY, &[&name]).await.map_err(|error| failed(&error))? {
            shape.key.push(row.try_get(0).map_err(|error| failed(&error))?);
        }
        if shape.key.is_empty() {
            shape.key = shape.columns.iter().map(|(column, _)| column.clone()).collect();
        }
        found.push(shape);
    }
    Ok(found)
}

async fn has_rows(transaction: &Transaction<'_>, shapes: &[Shape]) -> Result<Option<(String, u64)>, LoadError> {
    for shape in shapes {
        let sql = format!("SELECT count(*) FROM {}", shape.name);
        let rows: i64 = transaction.query_one(&sql, &[]).await.and_then(|row| row.try_get(0)).map_err(|error| failed(&error))?;
        if rows > 0 {
            return Ok(Some((shape.name.clone(), u64::try_from(rows).unwrap_or(u64::MAX))));
        }
    }
    Ok(None)
}

/// Takes our tables away, if they are empty or may be replaced, and nobody else works on them.
async fn clear(transaction: &Transaction<'_>, replace: bool) -> Result<(), LoadError> {
    let there = shapes(transaction).await?;
    if let Some((table, rows)) = has_rows(transaction, &there).await?
        && !replace
    {
        return Err(LoadError::NotEmpty { table, rows });
    }
    let alone: bool =
        transaction.query_one(ALONE, &[&PRESENCE]).await.and_then(|row| row.try_get(0)).map_err(|error| failed(&error))?;
    if !alone {
        return Err(LoadError::InUse);
    }
    for shape in &there {
        transaction.batch_execute(&format!("DROP TABLE {}", shape.name)).await.map_err(|error| failed(&error))?;
    }
    transaction.batch_execute("DROP TABLE IF EXISTS schema_history").await.map_err(|error| failed(&error))
}

/// Where the rows go.
struct Target<'a> {
    transaction: &'a Transaction<'a>,
    here: Vec<Shape>,
    insert: Option<(Statement, Shape)>,
    rows: Vec<Vec<Param>>,
}

impl Target<'_> {
    async fn take(&mut self, record: Record) -> Result<(), LoadError> {
        match record {
            Record::Schema(version) if version > schema::newest() => {
                Err(LoadError::Newer { found: version, known: schema::newest() })
            }
            Record::Schema(version) => {
                migrate_to(self.transaction, version, &SELECT_NOW).await?;
                self.here = shapes(self.transaction).await?;
                Ok(())
            }
            Record::Table(shape) => {
                self.send().await?;
                same_shape(&shape, &self.here)?;
                let kinds: Vec<Param> = shape.columns.iter().map(|(_, kind)| param(*kind, Value::Null)).collect();
                let statement =
                    self.transaction.prepare_typed(&shape.insert(), &types(&kinds)).await.map_err(|error| failed(&error))?;
                self.insert = Some((statement, shape));
                Ok(())
            }
            Record::Row(row) => {
                if let Some((_, shape)) = &self.insert {
                    self.rows.push(row.into_iter().zip(&shape.columns).map(|(cell, (_, kind))| param(*kind, cell)).collect());
                }
                if self.rows.len() >= usize::try_from(BATCH).unwrap_or(1) { self.send().await } else { Ok(()) }
            }
            Record::End => self.send().await,
        }
    }

    /// Sends the rows that wait, without waiting for each other's answers.
    async fn send(&mut self) -> Result<(), LoadError> {
        let rows = std::mem::take(&mut self.rows);
        let (transaction, Some((statement, _))) = (self.transaction, &self.insert) else { return Ok(()) };
        let sent = rows.iter().map(|row| async move { transaction.execute(statement, &borrowed(row)).await });
        for touched in join_all(sent).await {
            touched.map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

fn param(kind: Kind, value: Value) -> Param {
    match (kind, value) {
        (_, Value::Int(number)) => Param::Int(Some(number)),
        (_, Value::Text(text)) => Param::Text(Some(text)),
        (_, Value::Blob(bytes)) => Param::Blob(Some(bytes)),
        (Kind::Int, Value::Null) => Param::Int(None),
        (Kind::Text, Value::Null) => Param::Text(None),
        (Kind::Blob, Value::Null) => Param::Blob(None),
    }
}
