//! The gates before a provider's data centres and accounts: which calls pass, and what their outcome does to the gate.
//!
//! Failures in a row are counted in this process; what follows from them, a gate that is shut, stands in the database, where every
//! node reads it before each call.

use std::collections::{BTreeSet, HashMap};

use domain::{
    Id,
    alerts::AlertKind,
    gates::{FAILURES_TO_SHUT, Gate, Passage, ShutBy},
    grants::{Grant, Moment, Present},
};
use ports::{
    Put,
    calendar::{Answer, FailureClass, ProviderError},
    store::{CommitError, StoreError},
};
use serde_json::json;

use crate::{
    App, Caller, Result,
    calls::Target,
    grants::{failure, unavailable},
};

/// Answers in a row that make no sense before an administrator is told.
const PROTOCOL_FAILURES: u32 = 3;
/// Accounts that are throttled at once before the whole data centre is left alone.
const THROTTLED_ACCOUNTS: usize = 3;
/// How long somebody else's probe is waited for.
const PROBED_ELSEWHERE_SECONDS: i64 = 5;

/// What this process has seen of a data centre since its last good answer.
#[derive(Debug, Default)]
pub(crate) struct Health {
    failures: u32,
    senseless: u32,
    throttled: BTreeSet<Id<Grant>>,
    /// Whether an alert about senseless answers may last; unknown after a start.
    quiet: bool,
}

/// By `{provider}:{data centre}`.
pub(crate) type Healths = std::sync::Mutex<HashMap<String, Health>>;

/// A call that was let through, with the gates for which it is the probe.
#[derive(Debug, Default)]
pub(crate) struct Pass(Vec<Gate>);

/// What follows from an outcome.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent consequence")]
struct Consequence {
    shut: bool,
    senseless: bool,
    throttled_everywhere: bool,
    sensible_again: bool,
}

impl App {
    /// The present by both clocks.
    pub(crate) async fn present(&self) -> Result<Present, StoreError> {
        let lease = self.store().lease_now().await?;
        let movable = self.settings().demo || self.timing().movable;
        Ok(Present { moment: Moment { at: self.now(), lease }, movable })
    }

    /// Seconds for which calls of a data centre are suspended, if they are. Takes no probe.
    pub(crate) async fn suspended(&self, provider: &str, data_centre: &str, now: &Present) -> Answer<Option<i64>> {
        let gate = self.store().gate(&Gate::of_data_centre(provider, data_centre)).await.map_err(unavailable)?;
        Ok(match gate.map(|gate| gate.passage(now)) {
            Some(Passage::Wait { seconds, by: ShutBy::Failures }) => Some(seconds),
            _ => None,
        })
    }

    /// Whether a call may be made now.
    pub(crate) async fn enter(&self, target: &Target<'_>) -> Answer<Pass> {
        let mut names = vec![Gate::of_data_centre(target.provider, target.data_centre)];
        if target.kind.is_calendar() {
            names.extend(target.grant.map(Gate::of_grant));
        }
        let mut probes = Vec::new();
        for name in names {
            let Some(gate) = self.store().gate(&name).await.map_err(unavailable)?.filter(|gate| gate.shut.is_some()) else {
                continue;
            };
            let throttling = gate.shut.as_ref().is_some_and(|shut| shut.by == ShutBy::Throttling);
            if target.kind.is_urgent() || throttling && !target.kind.is_calendar() {
                continue;
            }
            let now = self.present().await.map_err(unavailable)?;
            match gate.passage(&now) {
                Passage::Open => {}
                Passage::Wait { seconds, by } => return Err(waiting(target, seconds, by)),
                Passage::Probe => {
                    let probing = gate.probing(&now);
                    let mut draft = self.draft(&Caller::system());
                    draft.put(Put::Gate(probing.clone()));
                    match self.commit(draft.finish()).await {
                        Ok(()) => probes.push(probing),
                        Err(CommitError::Conflict(_)) => return Err(waiting(target, PROBED_ELSEWHERE_SECONDS, ShutBy::Failures)),
                        Err(CommitError::Store(error)) => return Err(unavailable(error)),
                    }
                }
            }
        }
        Ok(Pass(probes))
    }

    /// Notes how a call that was let through ended. What cannot be noted now is noted by the next call.
    pub(crate) async fn leave(&self, target: &Target<'_>, pass: Pass, error: Option<&ProviderError>) {
        let follows = self.judge(target, error);
        if let Err(problem) = self.note(target, pass, error, &follows).await {
            tracing::warn!(%problem, "the outcome of a provider call could not be noted");
        }
    }

    fn judge(&self, target: &Target<'_>, error: Option<&ProviderError>) -> Consequence {
        let name = Gate::of_data_centre(target.provider, target.data_centre);
        let mut healths = self.0.healths.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let health = healths.entry(name).or_default();
        let class = error.map(|error| error.class);
        match class {
            Some(FailureClass::Passing | FailureClass::Protocol) => {
                health.failures += 1;
                if class == Some(FailureClass::Protocol) {
                    health.senseless += 1;
                    health.quiet = false;
                }
                Consequence {
                    shut: health.failures >= FAILURES_TO_SHUT,
                    senseless: health.senseless >= PROTOCOL_FAILURES,
                    ..Consequence::default()
                }
            }
            Some(FailureClass::Throttled) => {
                health.failures = 0;
                if target.kind.is_calendar() {
                    health.throttled.extend(target.grant);
                }
                Consequence { throttled_everywhere: health.throttled.len() >= THROTTLED_ACCOUNTS, ..Consequence::default() }
            }
            // It answers and makes sense, whatever it says.
            _ => {
                let sensible_again = !health.quiet;
                *health = Health { quiet: true, ..Health::default() };
                Consequence { sensible_again, ..Consequence::default() }
            }
        }
    }

    async fn note(&self, target: &Target<'_>, pass: Pass, error: Option<&ProviderError>, follows: &Consequence) -> Result<()> {
        let name = Gate::of_data_centre(target.provider, target.data_centre);
        let class = error.map(|error| error.class);
        let quiet = pass.0.is_empty()
            && !follows.shut
            && !follows.senseless
            && !follows.sensible_again
            && !matches!(class, Some(FailureClass::Throttled | FailureClass::ScopeMissing));
        if quiet {
            return Ok(());
        }
        let now = self.present().await?;
        let mut draft = self.draft(&Caller::system());
        let failing = matches!(class, Some(FailureClass::Passing | FailureClass::Protocol));
        let throttled = class == Some(FailureClass::Throttled) && target.kind.is_calendar();
        for gate in &pass.0 {
            // The probe's outcome: shut for longer, or open.
            if failing && gate.name == name {
                draft.put(Put::Gate(gate.failed(now.moment)));
            } else if !failing && !throttled {
                draft.put(Put::Gate(gate.opened()));
            }
        }
        let probed = |name: &str| pass.0.iter().any(|gate| gate.name == name);
        if failing && follows.shut && !probed(&name) {
            let gate = self.store().gate(&name).await?.unwrap_or_else(|| Gate::new(name.clone()));
            if gate.shut.is_none() {
                draft.put(Put::Gate(gate.failed(now.moment)));
                draft.audit("provider.suspended", &name, json!({"failures": FAILURES_TO_SHUT}));
                self.raise(&mut draft, AlertKind::CircuitOpen, &name, json!({"failures": FAILURES_TO_SHUT})).await?;
            }
        }
        if !failing && probed(&name) {
            draft.audit("provider.resumed", &name, json!({}));
            self.clear(&mut draft, AlertKind::CircuitOpen, &name).await?;
        }
        if throttled {
            let wait = error.and_then(|error| error.retry_after);
            let shut = target.grant.map(Gate::of_grant).into_iter().chain(follows.throttled_everywhere.then(|| name.clone()));
            for name in shut {
                let gate = self.store().gate(&name).await?.unwrap_or_else(|| Gate::new(name));
                draft.put(Put::Gate(gate.throttled(now.moment, wait)));
            }
        }
        if follows.senseless {
            self.raise(&mut draft, AlertKind::ProtocolFailure, &name, json!({"operation": target.operation})).await?;
        }
        if follows.sensible_again {
            self.clear(&mut draft, AlertKind::ProtocolFailure, &name).await?;
        }
        if let (Some(FailureClass::ScopeMissing), true, Some(grant)) = (class, target.kind.is_calendar(), target.grant) {
            self.raise(&mut draft, AlertKind::ScopeMissing, &grant.to_string(), json!({"operation": target.operation})).await?;
        }
        let change = draft.finish();
        if change.is_empty() {
            return Ok(());
        }
        match self.commit(change).await {
            // Another process noted the same at the same moment.
            Err(CommitError::Conflict(conflict)) => {
                tracing::debug!(%conflict, "a gate was noted by somebody else");
                Ok(())
            }
            written => Ok(written?),
        }
    }

    /// Gates that are shut, for pages.
    pub async fn shut_gates(&self, limit: u32) -> Result<Vec<Gate>> {
        Ok(self.store().shut_gates(limit).await?)
    }
}

fn waiting(target: &Target<'_>, seconds: i64, by: ShutBy) -> ProviderError {
    let (class, why) = match by {
        ShutBy::Failures => (FailureClass::Passing, "calls are suspended after failures in a row"),
        ShutBy::Throttling => (FailureClass::Throttled, "the provider asked for a pause"),
    };
    ProviderError { retry_after: Some(seconds), ..failure(class, &format!("{}: {why}", target.operation)) }
}
