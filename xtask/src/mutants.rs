//! `cargo xtask mutants`: one-line mistakes that a test must catch, each put into a copy of the tree (CONTRIBUTING.md).
//!
//! A mutant that does not compile, whose line is not there exactly once, or whose test does not pass without it, says nothing and is an
//! error. Too slow for `cargo xtask test`: run it after a change to a table's test or to a line that stands here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command;

/// A mistake and the test that must fail by it.
struct Mutant {
    mistake: &'static str,
    file: &'static str,
    /// The whole line without its indentation.
    before: &'static str,
    after: &'static str,
    test: Test,
}

/// One test of one target.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Test {
    package: &'static str,
    /// `None` for the library's own tests.
    target: Option<&'static str>,
    name: &'static str,
}

const fn scheduling(target: Option<&'static str>, name: &'static str) -> Test {
    Test { package: "scheduling", target, name }
}

const EXAMPLES: Test = scheduling(Some("recurrence"), "the_examples_of_the_rfc");
const STARTS: Test = scheduling(Some("properties"), "starts::starts_are_those_of_the_slots");
const REASONS: Test = scheduling(None, "check::tests::every_reason_is_told_at_once");

const MUTANTS: &[Mutant] = &[
    Mutant {
        mistake: "a weekday off",
        file: "crates/scheduling/src/recurrence/days.rs",
        before: "(number + 3).rem_euclid(7)",
        after: "(number + 4).rem_euclid(7)",
        test: EXAMPLES,
    },
    Mutant {
        mistake: "`<` for `<=` at the end of a slot's hours",
        file: "crates/scheduling/src/rulebook/starts.rs",
        before: "let after = ceil_cell(ceil_second(working.end())).min(mask.last(end, 0) + 1);",
        after: "let after = ceil_cell(ceil_second(working.end())).min(mask.last(end, 0));",
        test: STARTS,
    },
    Mutant {
        mistake: "UNTIL's zone: UTC read as the wall clock",
        file: "crates/scheduling/src/recurrence/set.rs",
        before: "Until::Utc(at) => days::seconds(self.zone.wall_clock(at)) + MARGIN,",
        after: "Until::Utc(at) => floor_second(at),",
        test: scheduling(Some("recurrence"), "an_end_in_utc_is_an_instant"),
    },
    Mutant {
        mistake: "a buffer dropped",
        file: "crates/scheduling/src/rulebook/starts.rs",
        before: "let (before, after) = (seconds(self.rules.buffer_before_minutes), seconds(self.rules.buffer_after_minutes));",
        after: "let (before, after) = (seconds(self.rules.buffer_before_minutes), 0);",
        test: STARTS,
    },
    Mutant {
        mistake: "a buffer between bookings dropped",
        file: "crates/scheduling/src/rulebook.rs",
        before: "let apart = self.rules.buffer_before_minutes.max(self.rules.buffer_after_minutes);",
        after: "let apart = 0;",
        test: scheduling(None, "slots::tests::busy_time_bookings_and_buffers_are_kept_free"),
    },
    Mutant {
        mistake: "unknown read as free",
        file: "crates/scheduling/src/rulebook.rs",
        before: "Busy::Unknown { why } => return Some(Block::never(Reason::UnknownCalendar { why: why.clone() })),",
        after: "Busy::Unknown { .. } => return None,",
        test: scheduling(None, "slots::tests::an_unreadable_calendar_offers_nothing"),
    },
    Mutant {
        mistake: "notice dropped",
        file: "crates/scheduling/src/rulebook.rs",
        before: "if range.start() < earliest { Some(Block::until(earliest, Reason::Notice { earliest })) } else { None }",
        after: "if range.start() < self.now { Some(Block::until(earliest, Reason::Notice { earliest })) } else { None }",
        test: REASONS,
    },
    Mutant {
        mistake: "the horizon off by one",
        file: "crates/scheduling/src/rules.rs",
        before: "let last = today.saturating_add(jiff::SignedDuration::from_hours(24 * i64::from(self.horizon_days)));",
        after: "let last = today.saturating_add(jiff::SignedDuration::from_hours(24 * i64::from(self.horizon_days + 1)));",
        test: scheduling(None, "rules::tests::the_horizon_ends_with_a_day"),
    },
    Mutant {
        mistake: "the daily limit off by one",
        file: "crates/scheduling/src/rulebook/load.rs",
        before: "let reached = self.agenda.count(&self.rules.zone, date, date.saturating_add(days(1))) >= limit as usize;",
        after: "let reached = self.agenda.count(&self.rules.zone, date, date.saturating_add(days(1))) > limit as usize;",
        test: scheduling(Some("properties"), "check_agrees_with_a_plain_reading_of_the_rules"),
    },
    Mutant {
        mistake: "EXDATE ignored",
        file: "crates/scheduling/src/recurrence/set.rs",
        before: "self.remove(&mut found);",
        after: "",
        test: scheduling(Some("recurrence"), "a_friday_the_thirteenth_is_one_with_its_start_taken_away"),
    },
    Mutant {
        mistake: "a claim dropped",
        file: "crates/store/src/nouns/claims.rs",
        before: "ClaimStep::Take(claim) => takes.push((&claim.holder, cells(claim.range), claim, true)),",
        after: "ClaimStep::Take(claim) => takes.push((&claim.holder, (0, 0), claim, true)),",
        test: Test { package: "store", target: Some("store"), name: "contract::sqlite::a_cell_has_one_interview" },
    },
];

/// Tries each mutant, or those whose name has `only` in it; `true` if all of them died.
pub fn run(root: &Path, flags: &[String]) -> Result<bool> {
    let only = match flags {
        [] => "",
        [only] if !only.starts_with('-') => only,
        _ => bail!("`mutants` takes nothing, or a part of one mutant's name"),
    };
    let chosen: Vec<&Mutant> = MUTANTS.iter().filter(|mutant| mutant.mistake.contains(only)).collect();
    if chosen.is_empty() {
        bail!("no mutant has `{only}` in its name");
    }
    let tree = copy(root)?;
    let tests: BTreeSet<Test> = chosen.iter().map(|mutant| mutant.test).collect();
    for test in tests {
        if !passes(root, &tree, test)? {
            bail!("{} of {} does not pass without a mutant, or is no test", test.name, test.package);
        }
    }
    let mut survived = 0;
    let mut lines = Vec::new();
    for mutant in &chosen {
        let file = tree.join(mutant.file);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", mutant.file))?;
        fs::write(&file, mutated(&text, mutant)?)?;
        let died = compiles(root, &tree, mutant.test)? && !passes(root, &tree, mutant.test)?;
        fs::write(&file, text)?;
        survived += usize::from(!died);
        lines.push(format!("{}  {}  ({})", if died { "died    " } else { "SURVIVED" }, mutant.mistake, mutant.test.name));
    }
    println!("\n{}\n{} died, {survived} survived", lines.join("\n"), lines.len() - survived);
    Ok(survived == 0)
}

/// A fresh copy of everything that git has or would have.
fn copy(root: &Path) -> Result<PathBuf> {
    let tree = root.join("target/mutants");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    for name in command::output(&mut command::command(root, "git", &list))?.split_terminator('\0') {
        let (from, to) = (root.join(name), tree.join(name));
        // What was deleted and not yet committed is still listed.
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap_or(&tree))?;
            fs::copy(&from, &to).with_context(|| format!("cannot copy {name}"))?;
        }
    }
    Ok(tree)
}

/// The text with the one line changed.
fn mutated(text: &str, mutant: &Mutant) -> Result<String> {
    let found = text.lines().filter(|line| line.trim_start() == mutant.before).count();
    if found != 1 {
        bail!(
            "{}: the line of `{}` is there {found} times, not once; put it right in xtask/src/mutants.rs",
            mutant.file,
            mutant.mistake
        );
    }
    let change = |line| if str::trim_start(line) == mutant.before { mutant.after } else { line };
    Ok(text.lines().map(change).fold(String::new(), |text, line| text + line + "\n"))
}

/// A mutant that the compiler refuses has shown nothing of a test.
fn compiles(root: &Path, tree: &Path, test: Test) -> Result<bool> {
    let built = command::succeeds(cargo(root, tree, test).arg("--no-run"))?;
    if built { Ok(true) } else { bail!("a mutant for {} does not compile; write it so that it does", test.name) }
}

/// Whether exactly this test ran, and passed.
fn passes(root: &Path, tree: &Path, test: Test) -> Result<bool> {
    let output = cargo(root, tree, test).args([test.name, "--", "--exact"]).output().context("cannot start cargo")?;
    Ok(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"))
}

/// Cargo in the copy, with the target folder of the tree: what both have in common is compiled once.
fn cargo(root: &Path, tree: &Path, test: Test) -> Command {
    let mut command = command::command(tree, command::cargo(), &["test", "--quiet", "--package", test.package]);
    match test.target {
        Some(target) => command.args(["--test", target]),
        None => command.arg("--lib"),
    };
    command.env("CARGO_TARGET_DIR", root.join("target"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that was rewritten is found here, long before anybody runs the mutants.
    #[test]
    fn every_line_is_there_once() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for mutant in MUTANTS {
            let text = fs::read_to_string(root.join(mutant.file)).unwrap();
            assert_ne!(mutated(&text, mutant).unwrap(), text);
        }
    }

    #[test]
    fn a_line_that_is_gone_or_there_twice_is_an_error() {
        let mutant = &MUTANTS[0];
        for times in [0, 2] {
            let text = format!("    {}\n", mutant.before).repeat(times);
            assert!(mutated(&text, mutant).unwrap_err().to_string().contains(&format!("{times} times")));
        }
        let once = format!("fn weekday() {{\n    {}\n}}\n", mutant.before);
        assert_eq!(mutated(&once, mutant).unwrap(), format!("fn weekday() {{\n{}\n}}\n", mutant.after));
    }
}
