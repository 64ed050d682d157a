//! `cargo xtask chaos`: whole processes on one database, killed and stopped by a seeded plan (docs/chaos.md).
//!
//! The short form is also part of `cargo xtask test`. The long one, 200 grants and 30 days of business time, is built for release,
//! because a debug build cannot refresh as often as 30 days ask for.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command;
use crate::postgres::Postgres;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    long: bool,
    seed: Option<u64>,
}

/// Runs it on a throw-away PostgreSQL and on SQLite, one after the other; `true` if both verdicts hold.
pub fn run(root: &Path, flags: &[String]) -> Result<bool> {
    let plan = parse(flags)?;
    let postgres = Postgres::start()?;
    let passed = command::succeeds(tests(root, &plan).env("GREENROOM_TEST_POSTGRES", postgres.url()))?;
    let connections = postgres.connections()?;
    if passed && connections == 0 {
        bail!("nothing has connected to PostgreSQL, so nothing was tried there");
    }
    Ok(passed)
}

fn parse(flags: &[String]) -> Result<Plan> {
    let mut plan = Plan { long: false, seed: None };
    let mut flags = flags.iter();
    while let Some(flag) = flags.next() {
        match flag.as_str() {
            "--long" => plan.long = true,
            "--seed" => {
                let seed = flags.next().context("`--seed` needs a whole number")?;
                plan.seed = Some(seed.parse().with_context(|| format!("the seed `{seed}` is not a whole number"))?);
            }
            other => bail!("`chaos` does not take `{other}`; it takes --long and --seed NUMBER"),
        }
    }
    Ok(plan)
}

/// Cargo's own test runner, one test at a time: the processes want the machine for themselves, and their output is the report.
fn tests(root: &Path, plan: &Plan) -> Command {
    let mut command = command::command(root, command::cargo(), &["test", "--package", "testkit", "--test", "chaos"]);
    if plan.long {
        command.arg("--release").env("CHAOS_LENGTH", "long");
    }
    command.args(["--", "--test-threads", "1", "--nocapture"]);
    if let Some(seed) = plan.seed {
        command.env("CHAOS_SEED", seed.to_string());
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(flags: &[&str]) -> Result<Plan> {
        parse(&flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_seed_and_the_long_form_are_taken_and_nothing_else() {
        assert_eq!(parsed(&[]).unwrap(), Plan { long: false, seed: None });
        assert_eq!(parsed(&["--seed", "7", "--long"]).unwrap(), Plan { long: true, seed: Some(7) });
        for (flags, complaint) in
            [(&["--seed"][..], "needs a whole number"), (&["--seed", "x"], "`x` is not"), (&["--short"], "does not take `--short`")]
        {
            assert!(parsed(flags).unwrap_err().to_string().contains(complaint), "{flags:?}");
        }
    }
}
