//! `cargo xtask bench`: the benchmarks that exist, found rather than listed.
//!
//! Two kinds: bench targets of the crates (`benches/*.rs`), and `greenroom bench`, which measures the
//! finished program. Where there is neither, this says so and fails.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Result;
use serde_json::Value;

use crate::{command, suites, tidy};

/// Builds for release and runs every benchmark; `true` if there was one and none failed.
pub fn run(root: &Path) -> Result<bool> {
    let targets = targets(&tidy::metadata(root)?);
    let mut good = true;
    for (package, bench) in &targets {
        good &=
            command::succeeds(&mut command::command(root, command::cargo(), &["bench", "--package", package, "--bench", bench]))?;
    }
    command::must(&mut command::command(root, command::cargo(), &["build", "--release", "--package", "greenroom"]))?;
    let binary = suites::binary(root);
    let offered = Command::new(&binary).args(["bench", "--help"]).stdin(Stdio::null()).output()?.status.success();
    if offered {
        good &= command::succeeds(&mut command::command(root, &binary, &["bench"]))?;
    }
    if targets.is_empty() && !offered {
        println!("There is no benchmark yet: no crate has a benches/ folder, and the binary has no `bench` command.");
        return Ok(false);
    }
    Ok(good)
}

/// Package and name of each bench target.
fn targets(metadata: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for package in tidy::list(metadata, "packages") {
        for target in tidy::list(package, "targets") {
            if tidy::list(target, "kind").iter().any(|kind| kind == "bench") {
                found.push((tidy::text(package, "name").to_owned(), tidy::text(target, "name").to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bench_targets_are_found_and_others_are_not() {
        let metadata = json!({"packages": [
            {"name": "store", "targets": [{"kind": ["lib"], "name": "store"}, {"kind": ["bench"], "name": "claims"}]},
            {"name": "web", "targets": [{"kind": ["test"], "name": "api"}]},
        ]});
        assert_eq!(targets(&metadata), [("store".to_owned(), "claims".to_owned())]);
    }
}
