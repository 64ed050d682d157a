//! `cargo xtask test`: every check, in the order that compiles least and fails soonest.
//!
//! Format and house rules first (seconds), then lints and tests in the dev profile, then one release
//! build that the demo's walk and every suite under `tests-real/` share. A failure does not stop the
//! stages after it, unless they need what failed: one run tells everything.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::command;
use crate::postgres::Postgres;
use crate::suites::SUITES;
use crate::{setup, suites, tidy};

/// Runs the stages and prints the table; `true` if every stage passed.
pub fn run(root: &Path, install: bool, quick: bool) -> bool {
    let mut stages = Stages::default();
    if !stages.run("setup", || setup::run(root, &setup::everything(), install)) {
        return stages.report();
    }
    stages.run("format", || cargo(root, &["fmt", "--all", "--check"]));
    stages.run("house rules", || tidy::run(root));
    stages.run("lints", || cargo(root, &["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]));
    stages.run("tests on SQLite", || command::succeeds(tests(root, Scope::Everything).env_remove(POSTGRES)));
    if quick {
        println!("\nNot asked for (--quick): tests on PostgreSQL, release build, demo, {}", names().join(", "));
        return stages.report();
    }
    stages.run("tests on PostgreSQL", || {
        let postgres = Postgres::start()?;
        let passed =
            command::succeeds(tests(root, Scope::Storage).env(POSTGRES, postgres.url()).env(POSTGRES_CA, postgres.certificate()))?;
        let connections = postgres.connections()?;
        println!("{connections} connections to PostgreSQL");
        if passed && connections == 0 {
            bail!("no test has connected to PostgreSQL; they find its address in {POSTGRES}");
        }
        Ok(passed)
    });
    if stages.run("release build", || cargo(root, &["build", "--quiet", "--release", "--package", "greenroom"])) {
        stages.run("demo --headless", || suites::demo(root));
        for suite in SUITES {
            stages.run(suite.name, || suite.run(root));
        }
    } else {
        for name in std::iter::once("demo --headless").chain(names()) {
            stages.not_run(name, "no release binary");
        }
    }
    stages.report()
}

/// Where the tests of the store find a PostgreSQL; without it they use SQLite.
const POSTGRES: &str = "GREENROOM_TEST_POSTGRES";

/// Where they find the authority of its certificate.
const POSTGRES_CA: &str = "TEST_POSTGRES_CA";

/// The crates whose tests have something to say about a second database.
const ON_POSTGRES: &[&str] = &["store", "testkit"];

enum Scope {
    Everything,
    Storage,
}

/// The test runner. Both scopes build the whole workspace, since a part of it would be compiled with other features, that is, twice.
fn tests(root: &Path, scope: Scope) -> Command {
    if command::which("cargo-nextest").is_some() {
        let arguments = ["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "slow", "--tool-config-file"];
        let mut command = command::command(root, command::cargo(), &arguments);
        command.arg(format!("xtask:{}", root.join("xtask/nextest.toml").display()));
        if let Scope::Storage = scope {
            let filter: Vec<String> = ON_POSTGRES.iter().map(|name| format!("package({name})")).collect();
            command.args(["--filterset", &filter.join(" | ")]);
        }
        return command;
    }
    let mut command = command::command(root, command::cargo(), &["test", "--quiet", "--all-targets", "--no-fail-fast"]);
    match scope {
        Scope::Everything => command.arg("--workspace"),
        Scope::Storage => command.args(ON_POSTGRES.iter().flat_map(|name| ["--package", name])),
    };
    command
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<bool> {
    command::succeeds(&mut command::command(root, command::cargo(), arguments))
}

fn names() -> Vec<&'static str> {
    SUITES.iter().map(|suite| suite.name).collect()
}

/// What has run so far.
#[derive(Default)]
struct Stages {
    done: Vec<Stage>,
}

struct Stage {
    name: String,
    took: Duration,
    /// Why it failed; `None` if it passed.
    failure: Option<String>,
}

impl Stages {
    /// Runs one stage under its header; `true` if it passed.
    #[expect(clippy::disallowed_methods, reason = "the times in the table are measured here and nowhere else")]
    fn run(&mut self, name: &str, stage: impl FnOnce() -> Result<bool>) -> bool {
        println!("\n=== {name}");
        let start = Instant::now();
        let failure = match stage() {
            Ok(true) => None,
            Ok(false) => Some("see above".to_owned()),
            Err(error) => {
                println!("{error:#}");
                Some(format!("{error:#}").lines().next().unwrap_or("see above").to_owned())
            }
        };
        let passed = failure.is_none();
        let took = start.elapsed();
        println!("=== {name}: {} in {}", if passed { "passed" } else { "FAILED" }, seconds(took));
        self.done.push(Stage { name: name.to_owned(), took, failure });
        passed
    }

    /// A stage that could not run counts as failed: nothing is skipped in silence.
    fn not_run(&mut self, name: &str, why: &str) {
        self.done.push(Stage { name: name.to_owned(), took: Duration::ZERO, failure: Some(format!("not run: {why}")) });
    }

    /// Prints the table and the plain last line; `true` if every stage passed.
    fn report(&self) -> bool {
        println!("\n{}", self.table());
        self.done.iter().all(|stage| stage.failure.is_none())
    }

    fn table(&self) -> String {
        let width = self.done.iter().map(|stage| stage.name.len()).max().unwrap_or(0);
        let mut lines: Vec<String> = self
            .done
            .iter()
            .map(|stage| {
                let outcome = stage.failure.as_ref().map_or_else(|| "passed".to_owned(), |why| format!("FAILED ({why})"));
                format!("{:width$}  {:>8}  {outcome}", stage.name, seconds(stage.took))
            })
            .collect();
        let total: Duration = self.done.iter().map(|stage| stage.took).sum();
        lines.push(format!("{:width$}  {:>8}", "all", seconds(total)));
        let failed = self.done.iter().filter(|stage| stage.failure.is_some()).count();
        lines.push(format!("{} passed, {failed} failed", self.done.len() - failed));
        lines.join("\n")
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_that_fails_errs_or_cannot_run_counts_as_failed() {
        let mut stages = Stages::default();
        assert!(stages.run("good", || Ok(true)));
        assert!(!stages.run("bad", || Ok(false)));
        assert!(!stages.run("broken", || bail!("no such program\nand more")));
        stages.not_run("later", "no release binary");
        for stage in &mut stages.done {
            stage.took = Duration::from_millis(1500);
        }
        assert!(!stages.report());
        assert_eq!(
            stages.table(),
            "good       1.5 s  passed\nbad        1.5 s  FAILED (see above)\nbroken     1.5 s  FAILED (no such program)\n\
             later      1.5 s  FAILED (not run: no release binary)\nall        6.0 s\n1 passed, 3 failed"
        );
    }

    #[test]
    fn a_run_without_failures_passes() {
        let mut stages = Stages::default();
        stages.run("good", || Ok(true));
        assert!(stages.report());
        assert!(stages.table().ends_with("\n1 passed, 0 failed"));
    }
}
