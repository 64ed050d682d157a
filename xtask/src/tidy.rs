//! `cargo xtask tidy`: the house rules that no compiler knows, run as tests.
//!
//! Every rule is a function from text to violations, so that each has a test with an example that
//! breaks it. A violation names file and line and says what to do. What is checked: everything that
//! git tracks or would track, so a new file is held to the rules before it is committed.

mod arrows;
mod configuration;
mod docs;
mod sources;
mod statements;

use std::fmt;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::command;

/// One broken rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Violation {
    file: String,
    line: usize,
    message: String,
}

impl Violation {
    fn new(file: &str, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// One file of the repository.
struct File {
    /// Its path from the top, with `/`.
    path: String,
    text: String,
}

impl File {
    fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|found| found == extension)
    }

    /// Its lines with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    #[cfg(test)]
    fn example(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// Checks every rule and prints what breaks one; `true` if nothing does.
pub fn run(root: &Path) -> Result<bool> {
    let files = files(root)?;
    let mut violations = arrows::check(&metadata(root)?, &files);
    violations.extend(files.iter().flat_map(sources::check));
    violations.extend(docs::check(&files));
    violations.extend(configuration::check(&files));
    violations.extend(statements::check(&files));
    violations.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    for violation in &violations {
        println!("{violation}");
    }
    println!("{} files, {} violations", files.len(), violations.len());
    Ok(violations.is_empty())
}

/// What cargo knows of the workspace's own crates, without asking any registry.
pub fn metadata(root: &Path) -> Result<Value> {
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let text = command::output(&mut command::command(root, command::cargo(), &arguments))?;
    serde_json::from_str(&text).context("cargo metadata printed something that is not JSON")
}

/// A list inside a JSON object; empty where it is absent.
pub fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text inside a JSON object; empty where it is absent.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Every text file that git tracks, or would on the next `git add`; pictures and the like are left out.
fn files(root: &Path) -> Result<Vec<File>> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let names = command::output(&mut command::command(root, "git", &arguments))?;
    let mut files = Vec::new();
    for path in names.split('\0').filter(|name| !name.is_empty()) {
        let full = root.join(path);
        if !full.is_file() {
            continue; // deleted, and not committed yet
        }
        let bytes = std::fs::read(&full).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path: path.to_owned(), text });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_names_file_and_line() {
        assert_eq!(Violation::new("a/b.rs", 7, "do it otherwise").to_string(), "a/b.rs:7: do it otherwise");
    }

    #[test]
    fn the_files_of_this_repository_are_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let files = files(root).unwrap();
        assert!(files.iter().any(|file| file.path == "Cargo.toml"));
        assert!(files.iter().all(|file| !file.path.starts_with("target/") && !file.path.contains("node_modules/")));
    }
}
