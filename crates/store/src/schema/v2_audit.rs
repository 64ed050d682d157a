//! Version 2: the audit chain.

pub(super) const STATEMENTS: &[&str] = &[];
