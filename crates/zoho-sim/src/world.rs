//! Everything that can change, in one value under one lock. One lock is enough for a tool on one machine, and it makes
//! every request atomic: what a request sees and does is never mixed with another.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{accounts::Accounts, calendar::Calendars, faults::Faults, ids::Ids, journal::Journal, switches::Switches};

/// The whole mutable state of a simulator, all data centres together.
#[derive(Debug, Serialize, Deserialize)]
pub struct World {
    /// How this Zoho behaves where the real one is not known.
    pub switches: Switches,
    /// Users, clients, codes and tokens.
    pub accounts: Accounts,
    /// Calendars and events.
    pub calendars: Calendars,
    /// What was asked, and the mails Zoho would have sent.
    pub journal: Journal,
    /// Faults waiting for their request.
    pub faults: Faults,
    /// Where new ids come from.
    pub ids: Ids,
    /// Seconds that the simulator's own clock was moved ahead.
    pub clock_offset_s: i64,
    /// Origin of each data centre by its location code. Not saved: ports may differ in the next run.
    #[serde(skip)]
    pub origins: BTreeMap<String, String>,
}

impl World {
    /// An empty world.
    pub fn new(switches: Switches, seed: u64, origins: BTreeMap<String, String>) -> Self {
        Self {
            switches,
            accounts: Accounts::default(),
            calendars: Calendars::default(),
            journal: Journal::default(),
            faults: Faults::default(),
            ids: Ids::new(seed),
            clock_offset_s: 0,
            origins,
        }
    }

    /// The origin of a data centre, without a slash at its end; empty if there is no such data centre here.
    pub fn origin(&self, location: &str) -> &str {
        self.origins.get(location).map_or("", String::as_str)
    }
}
