//! iCalendar as far as busy time needs it (RFC 5545): content lines and where they stand, components, times, zones.
//!
//! Own, because an event that is somebody else's must come back byte for byte but for its time (decision 0007).

pub(super) mod component;
pub(super) mod lines;
pub(super) mod times;
mod vtimezone;
mod windows;
pub(super) mod zones;

/// What cannot be read, in words for the log: never a piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(pub &'static str);

/// What every reading gives.
pub(super) type Read<T> = Result<T, Unreadable>;
