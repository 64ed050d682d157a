//! What is watched: every provider call is counted and written to the log, and what this process did is counted for `/metrics`.
//!
//! A call costs no write: counts and lines are kept in memory and written together every few seconds ([`App::flush_counts`]). A process
//! that is killed loses the lines of its last seconds; whatever changed something outside is journalled by its own job besides.

mod health;
mod numbers;

use std::collections::BTreeMap;

use domain::{
    alerts::AlertKind,
    audit::{Actor, Entry},
    calls::CallCount,
    grants::GrantState,
};
pub use health::{CallsView, DayView, GrantHealth, HealthView, HourView};
pub use numbers::{CallKey, Counters, Histogram};
pub(crate) use numbers::{Numbers, Seen};
use ports::{Change, Put, calendar::FailureClass, store::JobTally};
use serde_json::json;

use crate::{App, Result, calls::Observation};

/// Lines of the log that are written in one change.
const LINES: usize = 500;

/// What the database says for `/metrics`.
#[derive(Debug, Clone, PartialEq)]
pub struct Gauges {
    /// Jobs by kind and state, without those that are done.
    pub jobs: Vec<JobTally>,
    /// Seconds for which the oldest open job has been due.
    pub oldest_due_seconds: i64,
    /// Grants by state.
    pub grants: Vec<(GrantState, i64)>,
    /// Lasting alerts by kind.
    pub alerts: BTreeMap<AlertKind, i64>,
}

/// The stable code of a failure, for counts, metrics and the log.
pub(crate) const fn class_code(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Revoked => "revoked",
        FailureClass::Unauthorized => "unauthorized",
        FailureClass::ScopeMissing => "scope_missing",
        FailureClass::Throttled => "throttled",
        FailureClass::Misconfigured => "misconfigured",
        FailureClass::WrongDataCentre => "wrong_data_centre",
        FailureClass::Gone => "gone",
        FailureClass::Changed => "changed",
        FailureClass::Refused => "refused",
        FailureClass::Passing => "passing",
        FailureClass::Unopened => "unopened",
        FailureClass::Protocol => "protocol",
    }
}

impl App {
    /// Takes note of a call.
    pub(crate) fn observe(&self, seen: &Observation) {
        tracing::debug!(
            provider = seen.provider,
            data_centre = seen.data_centre,
            grant = seen.grant.map(tracing::field::display),
            operation = seen.operation,
            class = seen.class.map(tracing::field::debug),
            millis = seen.millis,
            "the provider was called"
        );
        self.0.numbers.called(seen, self.now());
    }

    /// Writes what was counted since the last time: counts that add up over all nodes, and a line of the log for each call. What cannot be
    /// written is kept for the next time.
    pub async fn flush_counts(&self) {
        loop {
            let (counts, lines) = self.0.numbers.take(LINES);
            if counts.is_empty() && lines.is_empty() {
                return;
            }
            let change = Change {
                puts: counts.iter().cloned().map(Put::Calls).collect(),
                audit: lines.iter().map(|(at, seen)| self.call_line(*at, seen)).collect(),
                ..Change::at(self.now())
            };
            if let Err(error) = self.write(change).await {
                tracing::warn!(%error, calls = lines.len(), "calls could not be written down; they are kept for the next time");
                self.0.numbers.give_back(counts, lines);
                return;
            }
        }
    }

    /// The line gets its id when it is written, so that a repeat after a lost connection is another line and never a clash.
    fn call_line(&self, at: domain::Timestamp, seen: &Observation) -> Entry {
        let subject = seen.grant.map_or_else(|| format!("{}:{}", seen.provider, seen.data_centre), |grant| grant.to_string());
        Entry {
            id: self.id(),
            at,
            actor: Actor::System,
            action: "provider.called".to_owned(),
            subject,
            reason: None,
            request: None,
            payload: json!({
                "operation": seen.operation,
                "data_centre": seen.data_centre,
                "class": seen.class.map_or(domain::calls::OK, class_code),
                "millis": seen.millis,
            }),
            salt: self.entropy().bytes::<16>().to_vec(),
            mac: None,
        }
    }

    /// What this process did since it began.
    pub fn counters(&self) -> Counters {
        self.0.numbers.counters()
    }

    /// What the database says.
    pub async fn gauges(&self) -> Result<Gauges> {
        let now = self.now();
        let jobs = self.store().job_tallies().await?;
        let first = jobs.iter().filter(|tally| tally.state == domain::jobs::JobState::Open).map(|tally| tally.first_due).min();
        let mut alerts = BTreeMap::new();
        for alert in self.store().alerts(true, 1_000).await? {
            *alerts.entry(alert.kind).or_default() += 1;
        }
        Ok(Gauges {
            oldest_due_seconds: first.map_or(0, |due| (now.as_second() - due.as_second()).max(0)),
            jobs,
            grants: self.store().grant_tallies().await?,
            alerts,
        })
    }

    /// Calls counted since `since`, in spans of `seconds`.
    pub(crate) async fn counted(&self, since: domain::Timestamp, seconds: i64) -> Result<Vec<CallCount>> {
        Ok(self.store().calls(since, seconds).await?)
    }
}
