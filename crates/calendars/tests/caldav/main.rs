//! The CalDAV adapter against a small server that keeps objects and answers oddly on demand.

#![expect(clippy::unwrap_used, reason = "tests")]

mod discovery;
mod hostile;
mod reads;
mod server;
mod writes;
