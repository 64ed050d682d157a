//! What a database is handed from outside.

use std::sync::Arc;

use ports::{Entropy, LeaseClock};

/// What a database is handed from outside.
#[derive(Clone)]
pub struct Options {
    /// Measures leases on SQLite (this machine's own clock); PostgreSQL uses the server's.
    pub lease_clock: Arc<dyn LeaseClock>,
    /// Makes lease ids and jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Connections to PostgreSQL at most, per node.
    pub connections: usize,
}

impl Options {
    /// With 16 connections.
    pub fn new(lease_clock: Arc<dyn LeaseClock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { lease_clock, entropy, connections: 16 }
    }
}
