//! Version 5: backups and erasure.

pub(super) const STATEMENTS: &[&str] = &[];
