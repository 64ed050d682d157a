//! `cargo xtask`: what a developer and CI run, in one program.
//!
//! `setup` fetches what the tests need, `test` runs everything, `tidy` checks the house rules that
//! no compiler knows, `bench` measures, `chaos` kills processes, `mutants` tests the tests. One Rust
//! program rather than a folder of shell scripts, so that it is the same on every machine and its own
//! rules are tested.

mod bench;
mod chaos;
mod command;
mod mutants;
mod postgres;
mod setup;
mod suites;
mod test;
mod tidy;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  setup [--no-install]            installs what the tests need (with --no-install: only names what is missing)
  test  [--no-install] [--quick]  setup, then every check and test (--quick: format, house rules, lints and tests on SQLite)
  tidy                            the house rules that no compiler knows
  bench                           the benchmarks that exist
  chaos [--long] [--seed NUMBER]  whole processes, killed and stopped while they refresh (docs/chaos.md)
  mutants [PART OF A NAME]        one-line mistakes, each of which a test must catch; none of them touches this tree
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Carries out one command line; `false` means that it ran and found something wrong.
fn run(arguments: &[String]) -> Result<bool> {
    let root = root()?;
    let Some((name, flags)) = arguments.split_first() else {
        eprint!("{USAGE}");
        return Ok(false);
    };
    if name == "chaos" {
        return chaos::run(root, flags);
    }
    if name == "mutants" {
        return mutants::run(root, flags);
    }
    let install = !flags.iter().any(|flag| flag == "--no-install");
    let quick = flags.iter().any(|flag| flag == "--quick");
    let known: &[&str] = match name.as_str() {
        "setup" => &["--no-install"],
        "test" => &["--no-install", "--quick"],
        _ => &[],
    };
    if let Some(unknown) = flags.iter().find(|flag| !known.contains(&flag.as_str())) {
        bail!("`{name}` does not take `{unknown}`\n{USAGE}");
    }
    match name.as_str() {
        "setup" => setup::run(root, &setup::everything(), install),
        "test" => Ok(test::run(root, install, quick)),
        "tidy" => tidy::run(root),
        "bench" => bench::run(root),
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(true)
        }
        _ => bail!("there is no command `{name}`\n{USAGE}"),
    }
}

/// The top of the workspace: the folder above this crate.
fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask has no folder above it; it belongs in the workspace")
}
