//! Who may depend on whom (ARCHITECTURE.md, arrows), and which crate a library belongs to.

use serde_json::Value;

use super::{File, Violation, list, text};

/// For each crate: the crates of the workspace that its code may name, and those that only its tests may name besides.
const ARROWS: &[(&str, &[&str], &[&str])] = &[
    ("scheduling", &[], &[]),
    ("domain", &["scheduling"], &[]),
    ("vault", &[], &[]),
    ("ports", &["domain", "scheduling", "vault"], &[]),
    ("app", &["domain", "ports", "scheduling", "vault"], &["testkit"]),
    ("store", &["domain", "ports", "scheduling"], &["testkit", "vault"]),
    ("calendars", &["domain", "ports", "scheduling", "vault"], &["zoho-sim"]),
    ("mail", &["domain", "ports", "scheduling"], &[]),
    ("web", &["app", "domain", "ports", "scheduling", "vault"], &["calendars", "mail", "store", "testkit", "zoho-sim"]),
    ("zoho-sim", &[], &[]),
    (
        "greenroom",
        &["app", "calendars", "domain", "mail", "ports", "scheduling", "store", "vault", "web", "zoho-sim"],
        &["testkit"],
    ),
    ("testkit", &["app", "calendars", "domain", "mail", "ports", "scheduling", "store", "vault", "web", "zoho-sim"], &[]),
    ("xtask", &[], &[]),
];

/// The crates that only compute: no library with which one reaches a file, a socket or a database.
const PURE: &[&str] = &["scheduling", "domain", "vault", "ports"];
const INPUT_OUTPUT: &[&str] = &[
    "axum",
    "deadpool-postgres",
    "getrandom",
    "hyper",
    "lettre",
    "mio",
    "reqwest",
    "rusqlite",
    "rustls",
    "tokio",
    "tokio-postgres",
    "tower-http",
    "ureq",
];

/// Libraries that have one room, and why.
const HOMES: &[(&str, &[&str], &str)] = &[
    ("rusqlite", &["store", "testkit"], "SQL lives in the store; the testkit looks into databases"),
    ("tokio-postgres", &["store", "testkit"], "SQL lives in the store; the testkit makes schemas for tests"),
    ("deadpool-postgres", &["store"], "SQL lives in the store"),
    ("lettre", &["mail"], "SMTP lives in mail"),
    ("aead-stream", &["vault"], "sealing and opening live in the vault"),
    ("chacha20poly1305", &["vault"], "sealing and opening live in the vault"),
    ("rrule", &["zoho-sim"], "our own recurrence is in scheduling, and the simulator must expand it with other code"),
    ("chrono", &["zoho-sim"], "time is jiff; chrono is there for rrule's types alone"),
];

/// Checks the manifests and the sources of the pure crates.
pub fn check(metadata: &Value, files: &[File]) -> Vec<Violation> {
    let mut found: Vec<Violation> = list(metadata, "packages").iter().flat_map(|package| manifest(package, files)).collect();
    found.extend(files.iter().flat_map(standard_library));
    found
}

fn manifest(package: &Value, files: &[File]) -> Vec<Violation> {
    let name = text(package, "name");
    let path = if name == "xtask" { "xtask/Cargo.toml".to_owned() } else { format!("crates/{name}/Cargo.toml") };
    let Some(&(_, code, tests)) = ARROWS.iter().find(|(known, ..)| *known == name) else {
        return vec![Violation::new(
            &path,
            1,
            format!("`{name}` has no place in the house; give it a line in xtask/src/tidy/arrows.rs and in ARCHITECTURE.md"),
        )];
    };
    let mut found = Vec::new();
    let file = files.iter().find(|file| file.path == path);
    if !file.is_some_and(|file| file.text.contains("[lints]\nworkspace = true")) {
        found.push(Violation::new(&path, 1, "the lints of the workspace do not apply here; add `[lints]` with `workspace = true`"));
    }
    for dependency in list(package, "dependencies") {
        let other = text(dependency, "name");
        let in_tests = text(dependency, "kind") == "dev";
        let line = file.map_or(1, |file| file.lines().find(|(_, line)| names(line, other)).map_or(1, |(number, _)| number));
        if dependency.get("path").is_some_and(Value::is_string) {
            let may = code.contains(&other) || (in_tests && tests.contains(&other));
            if !may {
                let why = format!(
                    "`{name}` may not depend on `{other}`{}: {}",
                    if in_tests { " in its tests" } else { "" },
                    rule(name, code)
                );
                found.push(Violation::new(&path, line, why));
            }
            continue;
        }
        if !in_tests && PURE.contains(&name) && INPUT_OUTPUT.contains(&other) {
            found.push(Violation::new(
                &path,
                line,
                format!("`{name}` only computes: `{other}` reaches outside; put that behind a trait of ports"),
            ));
        }
        if let Some((_, homes, why)) = HOMES.iter().find(|(library, ..)| *library == other)
            && !homes.contains(&name)
        {
            found.push(Violation::new(&path, line, format!("`{other}` belongs to {}: {why}", homes.join(", "))));
        }
    }
    found
}

fn rule(name: &str, code: &[&str]) -> String {
    if code.is_empty() { format!("`{name}` stands alone") } else { format!("its arrows lead to {} only", code.join(", ")) }
}

/// Is this the line of a manifest that brings `dependency` in?
fn names(line: &str, dependency: &str) -> bool {
    line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
}

/// The parts of the standard library that reach outside, in the code of a pure crate.
fn standard_library(file: &File) -> Vec<Violation> {
    const OUTSIDE: &[&str] = &["std::fs", "std::net", "std::process", "std::thread"];
    let pure = PURE.iter().any(|name| file.path.starts_with(&format!("crates/{name}/src/")));
    if !pure {
        return Vec::new();
    }
    super::sources::code(file)
        .filter_map(|(number, line)| {
            let outside = OUTSIDE.iter().find(|path| line.contains(**path))?;
            Some(Violation::new(
                &file.path,
                number,
                format!("this crate only computes: `{outside}` reaches outside; put that behind a trait of ports"),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LINTS: &str = "\n[lints]\nworkspace = true\n";

    fn broken(name: &str, dependencies: Value, manifest: &str) -> Vec<String> {
        let metadata = json!({"packages": [{"name": name, "dependencies": dependencies}]});
        let files = [File::example(&format!("crates/{name}/Cargo.toml"), manifest)];
        check(&metadata, &files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_arrows_as_they_are_drawn_pass() {
        let dependencies = json!([
            {"name": "domain", "path": "x", "kind": null}, {"name": "testkit", "path": "x", "kind": "dev"}, {"name": "tokio", "kind": null},
        ]);
        assert_eq!(broken("app", dependencies, LINTS), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_against_the_drawing_is_named_with_its_line() {
        let manifest = format!("[dependencies]\nports.workspace = true\ncalendars.workspace = true{LINTS}");
        let found = broken("store", json!([{"name": "calendars", "path": "x", "kind": null}]), &manifest);
        assert_eq!(
            found,
            ["crates/store/Cargo.toml:3: `store` may not depend on `calendars`: its arrows lead to domain, ports, scheduling only"]
        );
    }

    #[test]
    fn what_tests_may_name_code_may_not() {
        assert_eq!(broken("app", json!([{"name": "testkit", "path": "x", "kind": null}]), LINTS).len(), 1);
        assert_eq!(broken("scheduling", json!([{"name": "testkit", "path": "x", "kind": "dev"}]), LINTS).len(), 1);
    }

    #[test]
    fn the_simulator_stands_alone() {
        let found = broken("zoho-sim", json!([{"name": "scheduling", "path": "x", "kind": "dev"}]), LINTS);
        assert!(found[0].ends_with("`zoho-sim` may not depend on `scheduling` in its tests: `zoho-sim` stands alone"), "{found:?}");
    }

    #[test]
    fn a_pure_crate_names_no_library_that_reaches_outside() {
        for library in ["tokio", "reqwest", "axum"] {
            assert_eq!(broken("domain", json!([{"name": library, "kind": null}]), LINTS).len(), 1, "{library}");
        }
        assert_eq!(broken("domain", json!([{"name": "tokio", "kind": "dev"}]), LINTS).len(), 0, "tests may");
        let file = File::example("crates/domain/src/people.rs", "use std::fs::File;\n#[cfg(test)]\nuse std::net::TcpStream;\n");
        assert_eq!(check(&json!({}), &[file]).len(), 1);
    }

    #[test]
    fn a_library_stays_in_its_room() {
        let found = broken("web", json!([{"name": "rusqlite", "kind": null}]), LINTS);
        assert!(
            found[0].ends_with("`rusqlite` belongs to store, testkit: SQL lives in the store; the testkit looks into databases"),
            "{found:?}"
        );
    }

    #[test]
    fn an_unknown_crate_and_one_without_lints_are_named() {
        assert_eq!(broken("attic", json!([]), LINTS).len(), 1);
        assert_eq!(broken("vault", json!([]), "[package]\n").len(), 1);
    }
}
