//! Version 7: erasure.

pub(super) const STATEMENTS: &[&str] = &[];
