//! The API and the first version's endpoints, over HTTP requests to the real router: a real store in a folder of its own, the real
//! Zoho client, and a simulated Zoho on loopback.
#![expect(clippy::unwrap_used, reason = "tests")]

mod availability;
mod choices;
mod contract;
mod conventions;
mod lending;
mod monitoring;
mod persons;
mod plans;
mod routes;
mod world;
