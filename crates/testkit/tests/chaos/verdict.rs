//! The verdict on a run. It repeats for a seed; which process did what in which order does not.

use std::{collections::BTreeMap, path::Path};

use domain::alerts::AlertKind;
use tokio::time::Instant;
use zoho_sim::RefreshOutcome;

use crate::{
    plan::{STRICT, WITH_GRACE, ZOHO_LIKE},
    run::{Cause, Run, granted, is_strict},
    scale::Scale,
    secrets::Secrets,
};

/// Everything that was wrong, and everything that was seen, in sentences.
#[derive(Debug, Default)]
struct Findings {
    wrong: Vec<String>,
    seen: Vec<String>,
}

impl Findings {
    /// What must hold.
    fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(otherwise());
        }
    }

    /// What must have happened at least so often, or this run proves nothing.
    fn hit(&mut self, what: &str, times: usize, least: usize) {
        self.seen.push(format!("{what}: {times}"));
        self.must(times >= least, || format!("useless: {what} happened {times} times, and {least} are needed"));
    }
}

/// Runs the whole thing and judges it.
pub async fn of(dir: &Path, database: &str, scale: Scale, seed: u64) {
    let began = Instant::now();
    let mut run = Run::start(dir, database, scale, seed).await;
    run.live(seed).await;
    let stuck = run.heal().await;
    let mut findings = Findings::default();
    findings.must(stuck.is_empty(), || format!("after the faults ended these grants do not refresh: {stuck:?}"));
    losses(&run, &mut findings).await;
    budgets(&run, &mut findings);
    usefulness(&run, &mut findings);
    run.fleet.end();
    secrets(&run, &mut findings).await;
    println!("seed {seed}, {:?}, {} s", run.scale, began.elapsed().as_secs());
    for line in &findings.seen {
        println!("  {line}");
    }
    assert!(findings.wrong.is_empty(), "seed {seed}; the logs are in {}:\n{}", dir.display(), findings.wrong.join("\n"));
}

/// No grant of a provider that does not rotate, or rotates with grace; of a strict one only those whose answer was on its way, each named.
async fn losses(run: &Run, findings: &mut Findings) {
    let alerts = run.world.alerts().await;
    let mut by_kill: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    for loss in &run.losses {
        let (email, grant) = (&loss.email, &loss.grant);
        findings.seen.push(format!("lost: {email}, {:?}", loss.cause));
        findings.must(is_strict(email), || format!("{email} was lost ({:?}): {:?}", loss.cause, grant.ended));
        findings.must(loss.cause != Cause::Unexplained, || format!("{email} was lost, and no answer of it was on its way"));
        let subject = grant.id.to_string();
        let named = alerts.iter().filter(|alert| alert.kind == AlertKind::RotationLost && alert.subject == subject).count();
        let times = run.losses.iter().filter(|other| is_strict(email) && other.email == *email).count();
        findings.must(named >= times, || format!("{email} was lost {times} times, and {named} alerts name {subject}"));
        if let Cause::Killed { slot, life } = loss.cause {
            *by_kill.entry((slot, life)).or_default() += 1;
        }
    }
    // A process that is killed may have had several refreshes under way; each lost grant was one of them, or its cause is unexplained.
    findings.seen.push(format!("most grants lost by one kill: {}", by_kill.values().max().unwrap_or(&0)));
    findings.hit("grants lost by a strictly rotating provider", run.losses.len(), 1);
}

/// By the simulator's own count.
fn budgets(run: &Run, findings: &mut Findings) {
    let over = run.world.sim.with(|world, _| {
        let calls = world.accounts.refresh_calls().iter();
        calls.filter(|call| call.outcome == RefreshOutcome::OverBudget).map(|call| (call.at, call.dc.clone())).collect::<Vec<_>>()
    });
    findings.must(over.is_empty(), || format!("the budget was exceeded {} times, first at {:?}", over.len(), over[0]));
}

/// Every class of trouble must have hit.
fn usefulness(run: &Run, findings: &mut Findings) {
    let least = run.scale.rounds;
    let struck = run.world.sim.with(|world, _| world.journal.struck().clone());
    for kind in [
        "html200",
        "status",
        "slow",
        "hang",
        "reset",
        "general_error",
        "localised",
        "throttled",
        "garbage_json",
        "empty_body",
        "empty_object",
        "json",
        "commit_then_drop",
        "drop_then_commit_after",
    ] {
        findings.hit(&format!("the provider's fault {kind}"), struck.get(kind).copied().unwrap_or(0), least);
    }
    let refreshes = granted(run);
    findings.hit("refreshes at the provider that never rotates", refreshes[ZOHO_LIKE].0, 10 * run.scale.grants[0]);
    findings.hit("rotations with grace", refreshes[WITH_GRACE].1, 10 * run.scale.grants[1]);
    findings.hit("strict rotations", refreshes[STRICT].1, 10 * run.scale.grants[2]);
    findings.hit("kills in the middle of a refresh", run.tally.kills_in_a_refresh, 4 * least);
    findings.hit("stops beyond the lease in the middle of a refresh", run.tally.stops_beyond_the_lease, 2 * least);
    findings.hit("kills and stops between the answer and its commit", run.tally.after_the_answer, 3 * least);
    findings.hit("refreshes that Greenroom refused because the budget was spent", run.tally.refused_for_budget, 4 * least);
    findings.hit("calendars read after the access token had ended early", run.tally.read_after_expiry, least);
    findings.hit("outages of a data centre", run.tally.outages, least);
    findings.hit("consents that a locked database put off", run.tally.busy, 0);
    let timeouts = run.fleet.calls.values().filter(|call| call.ended.as_ref().is_some_and(|(_, how)| how == "Passing")).count();
    findings.hit("calls without an answer", timeouts, least);
    for slot in 0..run.scale.nodes {
        let own = run.fleet.calls.values().filter(|call| call.slot == slot).count();
        findings.hit(&format!("refreshes by process {slot}"), own, 10);
    }
}

/// Nothing secret in anything the processes wrote.
async fn secrets(run: &Run, findings: &mut Findings) {
    let secrets = Secrets::of(&run.world.sim);
    let planted = run.world.sim.with(|world, _| format!("… token={}", world.accounts.issued()[0].token));
    findings.must(secrets.find(planted.as_bytes()).is_some(), || "useless: a planted token is not found".to_owned());
    let (mut bytes, mut found) = secrets.in_files(&run.world.dir);
    if run.world.database.starts_with("postgres") {
        let (more, others) = secrets.in_postgres(&run.world.database).await;
        bytes += more;
        found.extend(others);
    }
    findings.hit("bytes of output, logs and database that were searched for secrets", bytes, 100_000);
    findings.must(found.is_empty(), || format!("secrets: {}", found.join(", ")));
}
