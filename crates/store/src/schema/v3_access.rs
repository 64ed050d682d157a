//! Version 3: accounts and roles.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE api_keys ADD COLUMN role TEXT COLLATE \"C\"",
    "ALTER TABLE api_keys ADD COLUMN previous_hash BYTEA",
    "ALTER TABLE api_keys ADD COLUMN previous_until BIGINT",
    "CREATE UNIQUE INDEX api_keys_by_previous_hash ON api_keys (previous_hash) WHERE previous_hash IS NOT NULL",
    "ALTER TABLE sessions ADD COLUMN account TEXT COLLATE \"C\"",
    "ALTER TABLE sessions ADD COLUMN device TEXT COLLATE \"C\"",
    "CREATE INDEX sessions_live ON sessions (expires_at) WHERE revoked_at IS NULL",
    "CREATE TABLE accounts (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        email TEXT COLLATE \"C\" NOT NULL,
        email_key TEXT COLLATE \"C\" NOT NULL UNIQUE,
        name TEXT COLLATE \"C\" NOT NULL,
        role TEXT COLLATE \"C\" NOT NULL,
        password TEXT COLLATE \"C\",
        password_set_at BIGINT,
        subject TEXT COLLATE \"C\",
        created_at BIGINT NOT NULL,
        disabled_at BIGINT
    )",
    "CREATE TABLE throttles (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        failures BIGINT NOT NULL,
        last_at BIGINT NOT NULL,
        free_at BIGINT NOT NULL
    )",
    "CREATE TABLE last_uses (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        at BIGINT NOT NULL
    )",
];
