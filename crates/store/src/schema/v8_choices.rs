//! Version 8: choices of candidates, and an index of claims that end by themselves.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE choices (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        vacancy TEXT COLLATE \"C\" NOT NULL,
        candidacy TEXT COLLATE \"C\" NOT NULL,
        person TEXT COLLATE \"C\" NOT NULL,
        round BIGINT NOT NULL,
        asked_at BIGINT,
        reminders BIGINT NOT NULL,
        silent_since BIGINT,
        hold TEXT COLLATE \"C\",
        interview TEXT COLLATE \"C\",
        wishes TEXT COLLATE \"C\",
        created_at BIGINT NOT NULL
    )",
    "CREATE INDEX choices_by_candidacy ON choices (candidacy, round)",
    "CREATE INDEX choices_by_vacancy ON choices (vacancy)",
    "CREATE INDEX choices_by_person ON choices (person)",
    "CREATE INDEX claims_held ON claims (holder, cell) WHERE expires_at IS NOT NULL",
];
