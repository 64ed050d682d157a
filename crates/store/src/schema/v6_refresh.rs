//! Version 6: the refresh ledger.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE gates (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        shut TEXT COLLATE \"C\"
    )",
    "CREATE TABLE refresh_tokens (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        account TEXT COLLATE \"C\" NOT NULL,
        grant_id TEXT COLLATE \"C\" NOT NULL,
        issued_at BIGINT NOT NULL,
        ended_at BIGINT,
        ended_why TEXT COLLATE \"C\"
    )",
    "CREATE INDEX refresh_tokens_live ON refresh_tokens (account) WHERE ended_at IS NULL",
];
