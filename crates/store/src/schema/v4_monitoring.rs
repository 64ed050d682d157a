//! Version 4: alerts and calls.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE alerts (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        kind TEXT COLLATE \"C\" NOT NULL,
        subject TEXT COLLATE \"C\" NOT NULL,
        details TEXT COLLATE \"C\" NOT NULL,
        raised_at BIGINT NOT NULL,
        told_at BIGINT,
        ended_at BIGINT
    )",
    "CREATE INDEX alerts_lasting ON alerts (kind, subject) WHERE ended_at IS NULL",
];
