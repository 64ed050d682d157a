//! Version 6: the refresh ledger.

pub(super) const STATEMENTS: &[&str] = &[];
