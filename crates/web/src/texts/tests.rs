//! Every key that is used exists, every key that exists is used, and no line of a message file is lost.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;

/// Families that are looked up with a code made at run time.
const FAMILIES: [&str; 24] = [
    "action",
    "actor",
    "alert",
    "attention",
    "cancelled_by",
    "class",
    "compared",
    "connect",
    "declined",
    "deed",
    "done",
    "job",
    "kind",
    "link",
    "mark",
    "next",
    "noun",
    "pending",
    "reason",
    "role",
    "seen",
    "state",
    "waiting",
    "wish",
];

fn files(folder: &str, ending: &str, into: &mut Vec<String>) {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(path.to_str().unwrap(), ending, into);
        } else if path.to_str().unwrap().ends_with(ending) && !path.ends_with("texts/tests.rs") {
            into.push(fs::read_to_string(path).unwrap());
        }
    }
}

/// String literals that stand before `marker` (in templates) or behind it (in Rust).
fn literals(text: &str, open: &str, close: &str) -> Vec<String> {
    text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(key, _)| key.to_owned()).collect()
}

fn used() -> BTreeSet<String> {
    let (mut templates, mut sources) = (Vec::new(), Vec::new());
    files("templates", ".html", &mut templates);
    files("src", ".rs", &mut sources);
    // In Rust the marker meets other calls too (`get("…")`): what they name is no key.
    let is_key = |text: &String| !text.contains(' ') && (text.contains('.') || TEXTS.contains_key(text.as_str()));
    let mut keys: BTreeSet<String> = sources.iter().flat_map(|text| literals(text, "t(\"", "\")")).filter(is_key).collect();
    for template in &templates {
        let pieces: Vec<&str> = template.split("\"|t").collect();
        for piece in &pieces[..pieces.len() - 1] {
            keys.insert(piece.rsplit('"').next().unwrap().to_owned());
        }
    }
    keys
}

#[test]
fn every_key_that_is_used_exists() {
    let missing: Vec<String> = used().into_iter().filter(|key| !TEXTS.contains_key(key.as_str())).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_key_that_exists_is_used() {
    let used = used();
    let idle: Vec<&&str> =
        TEXTS.keys().filter(|key| !used.contains(**key) && !FAMILIES.contains(&key.split('.').next().unwrap())).collect();
    assert!(idle.is_empty(), "{idle:#?}");
}

#[test]
fn every_line_is_an_entry_and_no_key_stands_twice() {
    let lines = FILES.iter().flat_map(|file| file.lines()).filter(|line| !line.is_empty() && !line.starts_with(['#', ' '])).count();
    assert_eq!(TEXTS.len(), lines);
}

#[test]
fn places_are_filled_in_one_pass() {
    let text = Text { pattern: "{a} and {b}, {c} {", values: Vec::new() };
    assert_eq!(text.with("a", "{b}").with("b", 2).to_string(), "{b} and 2, {c} {");
}

#[test]
fn unknown_codes_stay_readable() {
    assert_eq!(code("reason", "never_heard_of"), "never heard of");
    assert!(known_code("reason", "never_heard_of").is_none());
}
