//! Version 3: accounts and roles.

pub(super) const STATEMENTS: &[&str] = &[];
