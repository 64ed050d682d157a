//! The small database layer under both engines: values, statements that know how many rows they must touch, and the engine behind them.
//!
//! Engines know no nouns. What a row count that differs means is said by the statement's author in [`Otherwise`]; no error code is read.

pub(crate) mod columns;
pub(crate) mod param;
pub(crate) mod table;

use ports::{
    Conflict,
    store::{CommitError, Read},
};

pub(crate) use columns::Columns;
pub(crate) use param::{Param, code, json, opt_code, opt_json};
pub(crate) use table::Table;

use crate::{postgres::Postgres, sqlite::Sqlite};

/// A value as it comes out of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// A row in the order of the statement's columns.
pub(crate) type Row = Vec<Value>;

/// One statement of a change. The same text runs on both engines.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub sql: &'static str,
    pub params: Vec<Param>,
    pub rows: Rows,
}

/// How many rows a statement must touch.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    Any,
    Exactly(usize, Otherwise),
    /// The statement only reads, and locks what it reads against changes ([`LOCK`]): exactly one row.
    Found(Otherwise),
}

/// Ends a statement of [`Rows::Found`]. SQLite, which has one writer, needs no such lock and does not know the words.
pub(crate) const LOCK: &str = " FOR SHARE";

impl Rows {
    /// What it means that the statement touched or found `rows` rows; `None` where that is as it must be.
    pub fn unmet(&self, rows: usize) -> Option<&Otherwise> {
        match self {
            Self::Any => None,
            Self::Exactly(wanted, otherwise) => (rows != *wanted).then_some(otherwise),
            Self::Found(otherwise) => (rows != 1).then_some(otherwise),
        }
    }

    /// Whether it belongs to the guards, which are sent first.
    pub const fn guards(&self) -> bool {
        matches!(self, Self::Exactly(..) | Self::Found(_))
    }
}

/// What it means when it touched another number of rows.
#[derive(Debug, Clone)]
pub(crate) enum Otherwise {
    Conflict(Conflict),
    /// Somebody else has it: ask who, in the same transaction.
    Ask {
        sql: &'static str,
        params: Vec<Param>,
        answer: fn(&[Param], Option<&Row>) -> Conflict,
    },
}

impl Step {
    /// A statement that may touch any number of rows.
    pub fn any(sql: &'static str, params: Vec<Param>) -> Self {
        Self { sql, params, rows: Rows::Any }
    }

    /// A compare-and-swap: exactly one row, or `what` with `id` was changed meanwhile.
    pub fn swap(sql: &'static str, params: Vec<Param>, what: &'static str, id: String) -> Self {
        Self { sql, params, rows: Rows::Exactly(1, Otherwise::Conflict(Conflict::Stale { what, id })) }
    }
}

/// Whether a read may give more rows than are read inline (SQLite keeps separate connections for those).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Bulk,
}

impl Size {
    /// By the number of rows asked for.
    pub const fn of(limit: i64) -> Self {
        if limit <= 100 { Self::Small } else { Self::Bulk }
    }
}

/// One of the two engines.
pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Engine {
    /// Applies all steps in one transaction, or none.
    pub async fn commit(&self, steps: Vec<Step>) -> Result<(), CommitError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.commit(steps).await,
            Self::Postgres(postgres) => postgres.commit(steps).await,
        }
    }

    /// Reads rows.
    pub async fn rows(&self, sql: &'static str, params: Vec<Param>, size: Size) -> Read<Vec<Row>> {
        match self {
            Self::Sqlite(sqlite) => sqlite.rows(sql, params, size).await,
            Self::Postgres(postgres) => postgres.rows(sql, params).await,
        }
    }

    /// Reads and decodes at most one row.
    pub async fn one<T>(&self, sql: &'static str, params: Vec<Param>, decode: fn(Row) -> Read<T>) -> Read<Option<T>> {
        self.rows(sql, params, Size::Small).await?.into_iter().next().map(decode).transpose()
    }

    /// Reads and decodes a list.
    pub async fn list<T>(&self, sql: &'static str, params: Vec<Param>, size: Size, decode: fn(Row) -> Read<T>) -> Read<Vec<T>> {
        self.rows(sql, params, size).await?.into_iter().map(decode).collect()
    }
}
