//! Version 9: panels. What a round has besides its name and length, who is in the panels of a vacancy, and what people can examine.

pub(super) const STATEMENTS: &[&str] = &[
    "ALTER TABLE rounds ADD COLUMN plan TEXT COLLATE \"C\"",
    "ALTER TABLE persons ADD COLUMN skills TEXT COLLATE \"C\"",
    "CREATE TABLE panelists (
        vacancy TEXT COLLATE \"C\" NOT NULL,
        person TEXT COLLATE \"C\" NOT NULL,
        PRIMARY KEY (vacancy, person)
    )",
    "CREATE INDEX panelists_by_person ON panelists (person)",
];
