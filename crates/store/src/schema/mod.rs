//! The schema, in PostgreSQL's words, and the list of migrations.
//!
//! A migration expands first (new tables, new columns that may be null) and contracts a release later, so that nodes of two releases can
//! run side by side. Each says from which schema on a program may still use the database; an older program refuses to start.

mod v1;
mod v10_reality;
mod v2_audit;
mod v3_access;
mod v4_monitoring;
mod v5_keeping;
mod v6_refresh;
mod v7_erasure;
mod v8_choices;
mod v9_panels;

use crate::error::OpenError;

/// One step of the schema's history. Never edited once released.
pub(crate) struct Migration {
    pub version: i64,
    pub name: &'static str,
    /// The oldest schema version a program may have been built for and still run on this one.
    pub oldest_program: i64,
    pub statements: &'static [&'static str],
}

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "the first schema", oldest_program: 1, statements: v1::STATEMENTS },
    Migration { version: 2, name: "the audit chain", oldest_program: 1, statements: v2_audit::STATEMENTS },
    Migration { version: 3, name: "accounts and roles", oldest_program: 1, statements: v3_access::STATEMENTS },
    Migration { version: 4, name: "alerts and calls", oldest_program: 1, statements: v4_monitoring::STATEMENTS },
    Migration { version: 5, name: "backups and erasure", oldest_program: 1, statements: v5_keeping::STATEMENTS },
    Migration { version: 6, name: "the refresh ledger", oldest_program: 1, statements: v6_refresh::STATEMENTS },
    Migration { version: 7, name: "erasure", oldest_program: 1, statements: v7_erasure::STATEMENTS },
    Migration { version: 8, name: "choices of candidates", oldest_program: 1, statements: v8_choices::STATEMENTS },
    Migration { version: 9, name: "panels", oldest_program: 1, statements: v9_panels::STATEMENTS },
    Migration { version: 10, name: "intent and reality", oldest_program: 1, statements: v10_reality::STATEMENTS },
];

/// What ran. Created under the migration lock.
pub(crate) const HISTORY: &str = "CREATE TABLE IF NOT EXISTS schema_history (version BIGINT NOT NULL PRIMARY KEY, \
    name TEXT COLLATE \"C\" NOT NULL, oldest_program BIGINT NOT NULL, migrated_at BIGINT NOT NULL)";
/// Newest version, and the oldest program it admits.
pub(crate) const NEWEST: &str = "SELECT version, oldest_program FROM schema_history ORDER BY version DESC LIMIT 1";
pub(crate) const RECORD: &str = "INSERT INTO schema_history (version, name, oldest_program, migrated_at) VALUES ($1, $2, $3, $4)";

/// What is still to run on a database whose history ends with `newest`.
pub(crate) fn missing(newest: Option<(i64, i64)>) -> Result<impl Iterator<Item = &'static Migration>, OpenError> {
    let known = self::newest();
    let (found, oldest_program) = newest.unwrap_or((0, 0));
    if found > known && oldest_program > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    Ok(MIGRATIONS.iter().filter(move |migration| migration.version > found))
}

/// The newest version known here.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

/// The tables that any version made, by name, without the history itself. Some may be gone by now: the catalog says which are there.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    let statements = MIGRATIONS.iter().flat_map(|migration| migration.statements);
    statements.filter_map(|statement| statement.strip_prefix("CREATE TABLE ")?.split_whitespace().next())
}

/// The same statement for SQLite: its type names, strict tables, and no collation, because comparing bytes is its default.
pub(crate) fn for_sqlite(statement: &str) -> String {
    let translated = statement.replace(" COLLATE \"C\"", "").replace("BIGINT", "INTEGER").replace("BYTEA", "BLOB");
    if translated.starts_with("CREATE TABLE") { translated + " STRICT" } else { translated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_gaps() {
        for (position, migration) in (1..).zip(MIGRATIONS) {
            assert_eq!(migration.version, position);
            assert!(migration.oldest_program <= migration.version);
        }
    }

    #[test]
    fn a_newer_schema_is_refused_unless_it_admits_this_program() {
        let known = MIGRATIONS.last().unwrap().version;
        assert_eq!(missing(None).unwrap().count(), MIGRATIONS.len());
        assert_eq!(missing(Some((known, 1))).unwrap().count(), 0);
        assert_eq!(missing(Some((known + 1, known))).unwrap().count(), 0);
        let refusal = missing(Some((known + 2, known + 1))).err().unwrap().to_string();
        assert!(refusal.contains("newer release"), "{refusal}");
    }

    #[test]
    fn every_table_is_known_by_name() {
        let tables: Vec<&str> = tables().collect();
        for table in ["persons", "grants", "jobs", "audit", "settings", "alerts"] {
            assert!(tables.contains(&table), "{table}");
        }
        let made =
            MIGRATIONS.iter().flat_map(|migration| migration.statements).filter(|text| text.contains("CREATE TABLE")).count();
        assert!(tables.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')), "{tables:?}");
        assert_eq!(tables.len(), made, "a table that is made in other words would be in no backup");
    }

    #[test]
    fn sqlite_gets_strict_tables_without_collations() {
        let translated = for_sqlite("CREATE TABLE t (id TEXT COLLATE \"C\" NOT NULL, n BIGINT, b BYTEA)");
        assert_eq!(translated, "CREATE TABLE t (id TEXT NOT NULL, n INTEGER, b BLOB) STRICT");
    }
}
