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
        ended_at BIGINT,
        ended_told_at BIGINT
    )",
    "CREATE INDEX alerts_lasting ON alerts (kind, subject) WHERE ended_at IS NULL",
    "CREATE INDEX alerts_untold ON alerts (id) WHERE ended_told_at IS NULL",
    // Instants first: what is old is forgotten, and what is read is new.
    "CREATE TABLE calls (
        since BIGINT NOT NULL,
        provider TEXT COLLATE \"C\" NOT NULL,
        data_centre TEXT COLLATE \"C\" NOT NULL,
        operation TEXT COLLATE \"C\" NOT NULL,
        class TEXT COLLATE \"C\" NOT NULL,
        up_to_millis BIGINT NOT NULL,
        count BIGINT NOT NULL,
        PRIMARY KEY (since, provider, data_centre, operation, class, up_to_millis)
    )",
    "CREATE TABLE lendings (
        hour BIGINT NOT NULL,
        grant_id TEXT COLLATE \"C\" NOT NULL,
        api_key TEXT COLLATE \"C\" NOT NULL,
        count BIGINT NOT NULL,
        ends_at BIGINT NOT NULL,
        PRIMARY KEY (hour, grant_id, api_key)
    )",
];
