//! The bytes of a dump.
//!
//! `S version`, then for each table `T name columns` and its rows `R cells`, and at the end `E tables with their counts`. Numbers are
//! big-endian. A cell is `0`, or `1` and eight bytes, or `2`/`3`, a length of four bytes, and text or bytes.

use std::collections::BTreeMap;

use super::{Counts, DumpError, Dumped};
use crate::db::{Row, Value};

/// A piece is handed over when it has this many bytes.
const PIECE_BYTES: usize = 65_536;
/// Names are short, and so are lists of columns.
const MAX_NAMES: u32 = 4_096;
/// No cell of ours is near this; a length above it is no length.
const MAX_CELL_BYTES: u32 = 256 * 1024 * 1024;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Int,
    Text,
    Blob,
}

impl Kind {
    /// By the name of the type in either engine's catalog.
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "INTEGER" | "BIGINT" => Some(Self::Int),
            "TEXT" => Some(Self::Text),
            "BLOB" | "BYTEA" => Some(Self::Blob),
            _ => None,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Int => b'i',
            Self::Text => b't',
            Self::Blob => b'b',
        }
    }
}

/// A table as the catalog has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub name: String,
    pub columns: Vec<(String, Kind)>,
    /// The columns of the primary key, or all: by these rows are in order. Not in the dump.
    pub key: Vec<String>,
}

impl Shape {
    fn names(&self) -> String {
        self.columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Every row, in the order of the key. Both engines compare text by its bytes.
    pub fn select(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.names(), self.name, self.key.join(", "))
    }

    pub fn insert(&self) -> String {
        let values: Vec<String> = (1..=self.columns.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.names(), values.join(", "))
    }
}

/// Writes records; hands over pieces.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    buffer: Vec<u8>,
    table: Option<(String, u64)>,
    counts: BTreeMap<String, u64>,
    schema: i64,
}

impl Writer {
    pub fn schema(&mut self, version: i64) {
        self.schema = version;
        self.buffer.push(b'S');
        self.buffer.extend_from_slice(&version.to_be_bytes());
    }

    pub fn table(&mut self, shape: &Shape) -> Result<(), DumpError> {
        self.close_table();
        self.buffer.push(b'T');
        self.text(&shape.name)?;
        self.length(shape.columns.len())?;
        for (name, kind) in &shape.columns {
            self.text(name)?;
            self.buffer.push(kind.code());
        }
        self.table = Some((shape.name.clone(), 0));
        Ok(())
    }

    pub fn row(&mut self, row: &Row) -> Result<(), DumpError> {
        self.buffer.push(b'R');
        for cell in row {
            match cell {
                Value::Null => self.buffer.push(0),
                Value::Int(number) => {
                    self.buffer.push(1);
                    self.buffer.extend_from_slice(&number.to_be_bytes());
                }
                Value::Text(text) => {
                    self.buffer.push(2);
                    self.text(text)?;
                }
                Value::Blob(bytes) => {
                    self.buffer.push(3);
                    self.length(bytes.len())?;
                    self.buffer.extend_from_slice(bytes);
                }
            }
        }
        if let Some((_, rows)) = &mut self.table {
            *rows += 1;
        }
        Ok(())
    }

    /// What is to be handed over now.
    pub fn full(&mut self) -> Option<Vec<u8>> {
        (self.buffer.len() >= PIECE_BYTES).then(|| std::mem::take(&mut self.buffer))
    }

    /// The trailer and what was not handed over yet.
    pub fn finish(mut self) -> Result<(Vec<u8>, Dumped), DumpError> {
        self.close_table();
        self.buffer.push(b'E');
        self.length(self.counts.len())?;
        for (name, rows) in self.counts.clone() {
            self.text(&name)?;
            self.buffer.extend_from_slice(&rows.to_be_bytes());
        }
        Ok((self.buffer, Dumped { schema: self.schema, counts: Counts(self.counts) }))
    }

    fn close_table(&mut self) {
        self.counts.extend(self.table.take());
    }

    fn length(&mut self, length: usize) -> Result<(), DumpError> {
        let short = u32::try_from(length).ok().filter(|length| *length <= MAX_CELL_BYTES);
        let short = short.ok_or_else(|| DumpError::Malformed(format!("a value has {length} bytes")))?;
        self.buffer.extend_from_slice(&short.to_be_bytes());
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), DumpError> {
        self.length(text.len())?;
        self.buffer.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// One step of a dump.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Schema(i64),
    Table(Shape),
    Row(Row),
    End,
}

/// Reads records from pieces that may end anywhere.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    buffer: Vec<u8>,
    at: usize,
    schema: Option<i64>,
    table: Option<Shape>,
    counts: BTreeMap<String, u64>,
    ended: bool,
}

impl Cursor {
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// The next record; `None` where more bytes are needed.
    pub fn next(&mut self) -> Result<Option<Record>, DumpError> {
        if self.at == self.buffer.len() {
            return Ok(None);
        }
        if self.ended {
            return Err(DumpError::Malformed("something follows the trailer".to_owned()));
        }
        let mut reader = Bytes { rest: self.buffer.get(self.at..).unwrap_or_default() };
        let Some(record) = reader.record(self.table.as_ref())? else { return Ok(None) };
        self.at = self.buffer.len() - reader.rest.len();
        let record = match record {
            Raw::End(said) => {
                self.compare(said)?;
                self.ended = true;
                Record::End
            }
            Raw::Record(record) => record,
        };
        match &record {
            Record::Schema(_) if self.schema.is_some() => return Err(DumpError::Malformed("a second beginning".to_owned())),
            Record::Schema(version) => self.schema = Some(*version),
            _ if self.schema.is_none() => return Err(DumpError::Malformed("it does not begin with its schema".to_owned())),
            Record::Table(shape) => {
                if self.counts.insert(shape.name.clone(), 0).is_some() {
                    return Err(DumpError::Malformed(format!("table {} stands there twice", shape.name)));
                }
                self.table = Some(shape.clone());
            }
            Record::Row(_) => {
                if let Some(rows) = self.table.as_ref().and_then(|table| self.counts.get_mut(&table.name)) {
                    *rows += 1;
                }
            }
            Record::End => {}
        }
        Ok(Some(record))
    }

    /// No more bytes follow.
    pub fn finish(self) -> Result<Dumped, DumpError> {
        match self.schema {
            Some(schema) if self.ended && self.at == self.buffer.len() => Ok(Dumped { schema, counts: Counts(self.counts) }),
            _ => Err(DumpError::Cut),
        }
    }

    fn compare(&self, said: BTreeMap<String, u64>) -> Result<(), DumpError> {
        for (table, said) in &said {
            let found = self.counts.get(table).copied().unwrap_or(0);
            if found != *said {
                return Err(DumpError::Miscounted { table: table.clone(), said: *said, found });
            }
        }
        match self.counts.keys().find(|table| !said.contains_key(*table)) {
            Some(table) => Err(DumpError::Malformed(format!("the trailer does not know table {table}"))),
            None => Ok(()),
        }
    }
}

enum Raw {
    Record(Record),
    End(BTreeMap<String, u64>),
}

/// Bytes still to be read. Every step gives `None` where they end too early.
struct Bytes<'a> {
    rest: &'a [u8],
}

impl<'a> Bytes<'a> {
    fn record(&mut self, table: Option<&Shape>) -> Result<Option<Raw>, DumpError> {
        let Some(tag) = self.byte() else { return Ok(None) };
        Ok(match tag {
            b'S' => self.number().map(|version| Raw::Record(Record::Schema(version))),
            b'T' => self.shape()?.map(|shape| Raw::Record(Record::Table(shape))),
            b'R' => {
                let table = table.ok_or_else(|| DumpError::Malformed("a row without a table".to_owned()))?;
                self.row(table)?.map(|row| Raw::Record(Record::Row(row)))
            }
            b'E' => self.counts()?.map(Raw::End),
            other => return Err(DumpError::Malformed(format!("record {other}"))),
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn length(&mut self, most: u32) -> Result<Option<usize>, DumpError> {
        let Some(length) = self.array().map(u32::from_be_bytes) else { return Ok(None) };
        if length > most {
            return Err(DumpError::Malformed(format!("a length of {length}")));
        }
        Ok(usize::try_from(length).ok())
    }

    fn bytes(&mut self, most: u32) -> Result<Option<&'a [u8]>, DumpError> {
        let Some(length) = self.length(most)? else { return Ok(None) };
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else { return Ok(None) };
        self.rest = rest;
        Ok(Some(bytes))
    }

    fn text(&mut self, most: u32) -> Result<Option<String>, DumpError> {
        let Some(bytes) = self.bytes(most)? else { return Ok(None) };
        let text = str::from_utf8(bytes).map_err(|_| DumpError::Malformed("a text is not UTF-8".to_owned()))?;
        Ok(Some(text.to_owned()))
    }

    fn shape(&mut self) -> Result<Option<Shape>, DumpError> {
        let Some(name) = self.name()? else { return Ok(None) };
        let Some(count) = self.length(MAX_NAMES)? else { return Ok(None) };
        let mut columns = Vec::new();
        for _ in 0..count {
            let Some(column) = self.name()? else { return Ok(None) };
            let kind = match self.byte() {
                None => return Ok(None),
                Some(b'i') => Kind::Int,
                Some(b't') => Kind::Text,
                Some(b'b') => Kind::Blob,
                Some(other) => return Err(DumpError::Malformed(format!("table {name}, column {column}: kind {other}"))),
            };
            columns.push((column, kind));
        }
        Ok(Some(Shape { name, columns, key: Vec::new() }))
    }

    /// Names become part of statements: nothing but what our own names are made of.
    fn name(&mut self) -> Result<Option<String>, DumpError> {
        let Some(name) = self.text(MAX_NAMES)? else { return Ok(None) };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(DumpError::Malformed("a name that is none of ours".to_owned()));
        }
        Ok(Some(name))
    }

    fn row(&mut self, table: &Shape) -> Result<Option<Row>, DumpError> {
        let mut row = Vec::with_capacity(table.columns.len());
        for (column, kind) in &table.columns {
            let Some(tag) = self.byte() else { return Ok(None) };
            let cell = match (tag, kind) {
                (0, _) => Some(Value::Null),
                (1, Kind::Int) => self.number().map(Value::Int),
                (2, Kind::Text) => self.text(MAX_CELL_BYTES)?.map(Value::Text),
                (3, Kind::Blob) => self.bytes(MAX_CELL_BYTES)?.map(|bytes| Value::Blob(bytes.to_vec())),
                _ => return Err(DumpError::Malformed(format!("table {}, column {column}: a cell of another kind", table.name))),
            };
            let Some(cell) = cell else { return Ok(None) };
            row.push(cell);
        }
        Ok(Some(row))
    }

    fn counts(&mut self) -> Result<Option<BTreeMap<String, u64>>, DumpError> {
        let Some(count) = self.length(MAX_NAMES)? else { return Ok(None) };
        let mut counts = BTreeMap::new();
        for _ in 0..count {
            let Some(name) = self.name()? else { return Ok(None) };
            let Some(rows) = self.array().map(u64::from_be_bytes) else { return Ok(None) };
            counts.insert(name, rows);
        }
        Ok(Some(counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump() -> (Vec<u8>, Dumped) {
        let mut writer = Writer::default();
        writer.schema(7);
        let columns = vec![("id".to_owned(), Kind::Text), ("n".to_owned(), Kind::Int), ("b".to_owned(), Kind::Blob)];
        writer.table(&Shape { name: "first".to_owned(), columns: columns.clone(), key: Vec::new() }).unwrap();
        writer.row(&vec![Value::Text("ä".to_owned()), Value::Int(-1), Value::Blob(vec![0, 255])]).unwrap();
        writer.row(&vec![Value::Text(String::new()), Value::Null, Value::Null]).unwrap();
        writer.table(&Shape { name: "second".to_owned(), columns, key: Vec::new() }).unwrap();
        writer.finish().unwrap()
    }

    fn check(bytes: &[u8], step: usize) -> Result<Dumped, DumpError> {
        let mut check = super::super::DumpCheck::default();
        for piece in bytes.chunks(step) {
            check.push(piece)?;
        }
        check.finish()
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let (bytes, dumped) = dump();
        assert_eq!(dumped.counts.0, BTreeMap::from([("first".to_owned(), 2), ("second".to_owned(), 0)]));
        for step in 1..=bytes.len() {
            assert_eq!(check(&bytes, step).unwrap(), dumped, "pieces of {step}");
        }
    }

    #[test]
    fn a_dump_that_ends_early_or_goes_on_is_none() {
        let (bytes, _) = dump();
        for length in 0..bytes.len() {
            assert_eq!(check(&bytes[..length], 9), Err(DumpError::Cut), "{length} bytes");
        }
        assert!(check(&[bytes.as_slice(), b"R"].concat(), 9).is_err());
        assert!(check(&[bytes.as_slice(), bytes.as_slice()].concat(), 9).is_err());
    }

    #[test]
    fn a_row_too_few_is_named_by_its_table() {
        let (bytes, _) = dump();
        // The second row is five bytes and its two empty cells.
        let row = b"R\x02\x00\x00\x00\x00\x00\x00";
        let at = bytes.windows(row.len()).position(|window| window == row).unwrap();
        let lacking = [&bytes[..at], &bytes[at + row.len()..]].concat();
        assert_eq!(check(&lacking, 64), Err(DumpError::Miscounted { table: "first".to_owned(), said: 2, found: 1 }));
    }
}
