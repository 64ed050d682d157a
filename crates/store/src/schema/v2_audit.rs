//! Version 2: the audit chain: what shows who wrote a line, the head that sealers compare and swap, checkpoints, and public keys.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE audit ADD COLUMN mac BYTEA",
    "CREATE TABLE audit_head (
        id BIGINT NOT NULL PRIMARY KEY,
        seq BIGINT NOT NULL,
        chain BYTEA
    )",
    "CREATE TABLE audit_checkpoints (
        seq BIGINT NOT NULL PRIMARY KEY,
        installation TEXT COLLATE \"C\" NOT NULL,
        chain TEXT COLLATE \"C\" NOT NULL,
        lines BIGINT NOT NULL,
        at BIGINT NOT NULL,
        key_id TEXT COLLATE \"C\" NOT NULL,
        signature TEXT COLLATE \"C\" NOT NULL
    )",
    "CREATE TABLE audit_keys (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        public_key BYTEA NOT NULL,
        endorsed_by TEXT COLLATE \"C\" NOT NULL,
        endorsement BYTEA NOT NULL,
        recorded_at BIGINT NOT NULL
    )",
];
