//! The store from outside: its contract on both engines, opening, and being killed.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;
mod contract;
mod crash;
mod dump;
mod open;
mod tls;
