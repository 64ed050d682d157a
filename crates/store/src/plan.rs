//! From a change to the statements that carry it out. Pure, and the same for both engines.
//!
//! Invariant: locks are taken in one order in every change, agendas, nouns, names, claims, jobs, audit, each sorted by key. Whatever
//! breaks this order brings deadlocks.

use ports::{Change, store::Read};

use crate::{
    db::Step,
    nouns::{self, agendas, audit, claims, job_steps, names},
};

/// All statements in their order. Guards (compare-and-swaps of agendas and nouns) come first.
pub(crate) fn plan(change: &Change) -> Read<Vec<Step>> {
    let mut puts = change.puts.iter().map(nouns::put).collect::<Read<Vec<_>>>()?;
    puts.sort_by(|a, b| a.key.cmp(&b.key));
    let (guards, rests): (Vec<_>, Vec<_>) = puts.into_iter().map(|noun| (noun.guard, noun.rest)).unzip();

    let mut steps = agendas::steps(&change.agendas);
    steps.extend(guards.into_iter().flatten());
    steps.extend(rests.into_iter().flatten());
    steps.extend(names::steps(&change.names));
    steps.extend(claims::steps(&change.claims, change.at));
    steps.extend(job_steps::steps(&change.jobs, change.at)?);
    steps.extend(audit::steps(&change.audit)?);
    Ok(steps)
}
