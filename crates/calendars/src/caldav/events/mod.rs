//! Events: one file per concern.

pub(super) mod edit;
pub(super) mod entry;
mod extent;
mod lists;
pub(super) mod object;
mod reads;
mod writes;
