//! Version 7: erasures, and when a name was taken, so that old `Idempotency-Key`s can be swept.

pub(super) const STATEMENTS: &[&str] = &[
    "CREATE TABLE erasures (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        kind TEXT COLLATE \"C\" NOT NULL,
        why TEXT COLLATE \"C\" NOT NULL,
        requested_at BIGINT NOT NULL,
        stage TEXT COLLATE \"C\" NOT NULL,
        stage_at BIGINT NOT NULL,
        listed BIGINT NOT NULL,
        events_left BIGINT NOT NULL,
        finished_at BIGINT
    )",
    "ALTER TABLE names ADD COLUMN taken_at BIGINT",
    "CREATE INDEX names_taken ON names (scope, taken_at)",
    "CREATE INDEX names_by_owner ON names (owner)",
    "CREATE INDEX links_by_person ON links (person)",
    "CREATE INDEX mails_about ON mails (about)",
];
