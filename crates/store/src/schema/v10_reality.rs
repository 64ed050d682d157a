//! Version 10: intent and reality. The last look at the calendars behind each grant.

pub(super) const STATEMENTS: &[&str] = &["CREATE TABLE looks (
        id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,
        rev BIGINT NOT NULL,
        tried_at BIGINT NOT NULL,
        near_at BIGINT,
        far_at BIGINT,
        read_at BIGINT,
        tags TEXT COLLATE \"C\" NOT NULL,
        tags_at BIGINT,
        problem TEXT COLLATE \"C\",
        held_at BIGINT,
        admitted BIGINT NOT NULL,
        sights TEXT COLLATE \"C\" NOT NULL
    )"];
