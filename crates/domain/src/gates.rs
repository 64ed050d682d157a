//! Gates: whether calls to a provider may pass. One per data centre, shut after failures in a row (a circuit breaker) or while the
//! provider asks for a pause; one per grant, shut while it asks for a pause on that account.
//!
//! A gate that is due lets one call through, the probe; how that ends opens the gate or shuts it for longer.

use serde::{Deserialize, Serialize};

use crate::{
    Id, Rev,
    grants::{Grant, Moment, Pause, Present},
};

/// Failures in a row after which a data centre is left alone.
pub const FAILURES_TO_SHUT: u32 = 5;
/// The first pause after that, in seconds; it doubles with each probe that fails.
pub const FIRST_PAUSE_SECONDS: i64 = 30;
/// The longest.
pub const LONGEST_PAUSE_SECONDS: i64 = 300;
/// A pause that a provider asks for without saying how long.
pub const USUAL_PAUSE_SECONDS: i64 = 60;
/// How long a probe may take before another is let through: longer than any call.
pub const PROBE_SECONDS: i64 = 75;

/// Why a gate is shut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShutBy {
    /// Failures in a row.
    Failures,
    /// The provider asked for a pause (429).
    Throttling,
}

/// A gate that is shut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shut {
    /// Why.
    pub by: ShutBy,
    /// Since when, and how long until a probe.
    pub pause: Pause,
    /// Probes that failed.
    pub probes: u32,
}

/// See the module's header. A gate that was never shut has no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// `{provider}:{data centre}`, or a grant's id.
    pub name: String,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// `None`: open.
    pub shut: Option<Shut>,
}

/// Whether a call may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passage {
    /// Yes.
    Open,
    /// One call may, to see whether it works again; it must be noted first.
    Probe,
    /// Not for so many seconds.
    Wait {
        /// At least 1.
        seconds: i64,
        /// Why.
        by: ShutBy,
    },
}

impl Gate {
    /// The gate of a data centre.
    pub fn of_data_centre(provider: &str, data_centre: &str) -> String {
        format!("{provider}:{data_centre}")
    }

    /// The gate of an account.
    pub fn of_grant(grant: Id<Grant>) -> String {
        grant.to_string()
    }

    /// Whether a call may pass.
    pub fn passage(&self, now: &Present) -> Passage {
        let Some(shut) = &self.shut else { return Passage::Open };
        match now.left(shut.pause.since, shut.pause.seconds) {
            0 => Passage::Probe,
            seconds => Passage::Wait { seconds, by: shut.by },
        }
    }

    /// The gate with a probe under way: others wait for its outcome, or until it must have died.
    #[must_use]
    pub fn probing(&self, now: &Present) -> Self {
        let shut = self.shut.clone().map(|shut| Shut { pause: Pause { since: now.moment, seconds: PROBE_SECONDS }, ..shut });
        Self { shut, rev: self.rev + 1, ..self.clone() }
    }

    /// The gate after failures in a row, or after a probe that failed.
    #[must_use]
    pub fn failed(&self, since: Moment) -> Self {
        let probes = self.shut.as_ref().map_or(0, |shut| shut.probes + 1);
        let doublings = probes.min(8);
        let seconds = (FIRST_PAUSE_SECONDS << doublings).min(LONGEST_PAUSE_SECONDS);
        let shut = Shut { by: ShutBy::Failures, pause: Pause { since, seconds }, probes };
        Self { shut: Some(shut), rev: self.rev + 1, ..self.clone() }
    }

    /// The gate while the provider asks for a pause.
    #[must_use]
    pub fn throttled(&self, since: Moment, seconds: Option<i64>) -> Self {
        let probes = self.shut.as_ref().map_or(0, |shut| shut.probes + 1);
        let seconds = seconds.unwrap_or(USUAL_PAUSE_SECONDS).max(1);
        let shut = Shut { by: ShutBy::Throttling, pause: Pause { since, seconds }, probes };
        Self { shut: Some(shut), rev: self.rev + 1, ..self.clone() }
    }

    /// The open gate.
    #[must_use]
    pub fn opened(&self) -> Self {
        Self { shut: None, rev: self.rev + 1, ..self.clone() }
    }

    /// A gate that has no row yet; its next revision inserts.
    pub const fn new(name: String) -> Self {
        Self { name, rev: 0, shut: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    fn at(second: i64) -> Present {
        let stamp = Timestamp::from_second(1_800_000_000 + second).unwrap();
        Present { moment: Moment { at: stamp, lease: stamp }, movable: false }
    }

    #[test]
    fn pauses_double_up_to_a_bound_and_an_open_gate_forgets() {
        let mut gate = Gate::new("zoho:us".to_owned());
        assert_eq!(gate.passage(&at(0)), Passage::Open);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            gate = gate.failed(at(0).moment);
            pauses.push(gate.shut.as_ref().unwrap().pause.seconds);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300]);
        assert_eq!(gate.rev, 6);
        assert_eq!(gate.opened().failed(at(0).moment).shut.unwrap().pause.seconds, 30);
    }

    #[test]
    fn one_probe_passes_and_the_others_wait_for_it() {
        let gate = Gate::new("zoho:us".to_owned()).failed(at(0).moment);
        assert_eq!(gate.passage(&at(29)), Passage::Wait { seconds: 1, by: ShutBy::Failures });
        assert_eq!(gate.passage(&at(30)), Passage::Probe);
        let probing = gate.probing(&at(30));
        assert_eq!(probing.passage(&at(31)), Passage::Wait { seconds: 74, by: ShutBy::Failures });
        assert_eq!(probing.passage(&at(105)), Passage::Probe, "the prober died");
    }

    #[test]
    fn a_pause_lasts_as_long_as_the_provider_says() {
        let gate = Gate::new("gra_1".to_owned()).throttled(at(0).moment, Some(17));
        assert_eq!(gate.passage(&at(16)), Passage::Wait { seconds: 1, by: ShutBy::Throttling });
        assert_eq!(gate.passage(&at(17)), Passage::Probe);
        let unsaid = Gate::new("gra_1".to_owned()).throttled(at(0).moment, None);
        assert_eq!(unsaid.shut.unwrap().pause.seconds, USUAL_PAUSE_SECONDS);
    }
}
