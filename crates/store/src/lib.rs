//! The database: SQLite inside the binary, or PostgreSQL, behind [`ports::Store`].
//!
//! A use case hands over one [`ports::Change`]; `plan` turns it into statements that each know how many rows they must touch; an engine
//! runs them in one transaction. Statements are written once, in the subset of SQL that both engines accept. Nothing here awaits anything
//! but the database.

mod database;
mod db;
mod dump;
mod error;
mod nouns;
mod options;
mod plan;
mod postgres;
mod schema;
mod sqlite;

pub use database::{Database, open};
pub use dump::{Afterwards, Counts, DumpCheck, DumpError, Dumped, LoadError, Loaded, is_empty, load, newest_schema};
pub use error::OpenError;
pub use options::Options;
