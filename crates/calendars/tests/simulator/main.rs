//! The client against the simulated Zoho, which shares no code with it: one story under every switch, and every fault on every call.

#![expect(clippy::unwrap_used, reason = "tests")]

mod faults;
mod limits;
mod scene;
mod story;
mod switches;
mod writes;
