//! Rules for the text of each file: its length, what is left open, what is swallowed, what must not be named.

use super::{File, Violation};

/// Past this many lines of code a newcomer no longer finds the room.
const LONGEST: usize = 400;

/// Texts that must not stand in a Rust file, and what to do instead. Put together at compile time, so that this file does not break its own rules.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("#[", "allow("), "an exception needs a reason: `#[expect(lint, reason = \"…\")]`"),
    (concat!("#![", "allow("), "an exception needs a reason: `#![expect(lint, reason = \"…\")]`"),
    (concat!("todo", "!("), "finish it, or take it out"),
    (concat!("unimplemented", "!("), "finish it, or take it out"),
    (concat!("FIX", "ME"), "mend it now, or file an issue and say here what holds today"),
    (concat!("X", "XX"), "mend it now, or file an issue and say here what holds today"),
];

/// Hosts that only this or that machine's package clients know about.
const HOSTS: &[&str] = &[
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("registry.", "npmjs"),
    concat!("registry.", "yarnpkg"),
    concat!("py", "pi.org"),
    concat!("files.", "pythonhosted"),
    concat!("deb.", "debian.org"),
];

/// Folders of one machine.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Checks one file.
pub fn check(file: &File) -> Vec<Violation> {
    let mut found = named(file);
    found.extend(pinned(file));
    if file.is("rs") {
        found.extend(length(file));
        found.extend(left_open(file));
        found.extend(swallowed(file));
        found.extend(sql(file));
    }
    found
}

/// The lines before the tests. In a file under `tests/` there are none.
pub fn code(file: &File) -> impl Iterator<Item = (usize, &str)> {
    let all_tests = file.path.contains("/tests/");
    file.lines().take_while(move |(_, line)| !all_tests && line.trim_start() != "#[cfg(test)]")
}

/// A file for a package client that says where packages come from: every machine has its own answer to that.
fn pinned(file: &File) -> Vec<Violation> {
    let (is_source, cure): (fn(&str) -> bool, &str) = match file.path.rsplit('/').next() {
        Some("package-lock.json") => (
            |line| line.trim_start().starts_with("\"resolved\": \"http"),
            "set omit-lockfile-registry-resolved=true in .npmrc beside it and make it again",
        ),
        Some("requirements.txt") => (|line| !line.starts_with('#') && line.contains("://"), "name packages and versions alone"),
        Some(".npmrc") => (|line| line.contains("registry="), "leave the registry to each machine's own settings"),
        _ => return Vec::new(),
    };
    file.lines()
        .filter(|(_, line)| is_source(line))
        .map(|(number, _)| Violation::new(&file.path, number, format!("this names a package registry; {cure}")))
        .collect()
}

fn length(file: &File) -> Option<Violation> {
    let lines = code(file).count();
    (lines > LONGEST).then(|| {
        Violation::new(
            &file.path,
            LONGEST + 1,
            format!("{lines} lines before its tests, {LONGEST} at most; move what has a name of its own into a file of that name"),
        )
    })
}

fn left_open(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    // The one good use: a process that another test of the same file starts, for example to kill it.
    let starts_ignored = file.text.contains("\"--ignored\"");
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("#[ignore") && !starts_ignored {
            found.push(Violation::new(&file.path, number, "a test that never runs checks nothing; mend it or take it out"));
        }
        for (text, cure) in FORBIDDEN {
            if stands_alone(line, text) {
                found.push(Violation::new(&file.path, number, format!("`{text}`: {cure}")));
            }
        }
    }
    found
}

/// Does `text` stand in this line, and not as a part of a longer word?
fn stands_alone(line: &str, text: &str) -> bool {
    let word = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(text).any(|(at, _)| {
        let after = &line[at + text.len()..];
        let longer = text.ends_with(word) && after.starts_with(word);
        !longer && !line[..at].ends_with(word)
    })
}

/// An error thrown away after an await: a failed read would pass for an empty answer.
fn swallowed(file: &File) -> Vec<Violation> {
    const WAYS: &[&str] = &[".ok()", ".unwrap_or_default()", ".unwrap_or(None)"];
    let thrown = |line: &str| {
        line.split_once(".await").is_some_and(|(before, after)| {
            before.trim_start().starts_with("let _ =") || WAYS.iter().any(|way| after.starts_with(way))
        })
    };
    code(file)
        .filter(|(_, line)| thrown(line))
        .map(|(number, _)| {
            Violation::new(
                &file.path,
                number,
                "an error is thrown away after `.await`: hand it on, or match it and say why it does not matter",
            )
        })
        .collect()
}

/// SQL outside the store.
fn sql(file: &File) -> Vec<Violation> {
    if file.path.starts_with("crates/store/") || file.path.starts_with("xtask/") {
        return Vec::new();
    }
    let statement = |line: &str| {
        let both = |verb, part| line.find(verb).is_some_and(|at| line[at..].contains(part));
        both("SELECT ", " FROM ") || line.contains("INSERT INTO ") || line.contains("DELETE FROM ") || both("UPDATE ", " SET ")
    };
    code(file)
        .filter(|(_, line)| statement(line))
        .map(|(number, _)| Violation::new(&file.path, number, "SQL lives in the store; add a method to ports::Store"))
        .collect()
}

fn named(file: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        if let Some(host) = HOSTS.iter().find(|host| line.contains(**host)) {
            found.push(Violation::new(
                &file.path,
                number,
                format!("`{host}` is a package registry's host; name the package alone"),
            ));
        }
        if let Some(folder) = FOLDERS.iter().find(|folder| starts_a_path(line, folder)) {
            found.push(Violation::new(
                &file.path,
                number,
                format!("`{folder}` is a folder of one machine; use a path from the top of the repository"),
            ));
        }
    }
    found
}

/// Does `folder` stand in this line as the beginning of a path, and not inside an address or a longer path?
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder)
        .any(|(at, _)| !line[..at].ends_with(|before: char| before.is_alphanumeric() || "._-/}".contains(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> Vec<String> {
        check(&File::example(path, text)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_long_file_is_named_and_its_tests_do_not_count() {
        let short = "x\n".repeat(LONGEST) + "#[cfg(test)]\n" + &"x\n".repeat(500);
        assert_eq!(broken("a.rs", &short).len(), 0);
        assert_eq!(
            broken("a.rs", &"x\n".repeat(LONGEST + 1))[0],
            "a.rs:401: 401 lines before its tests, 400 at most; move what has a name of its own into a file of that name"
        );
        assert_eq!(broken("crates/store/tests/contract.rs", &"x\n".repeat(LONGEST + 1)).len(), 0);
        assert_eq!(broken("a.md", &"x\n".repeat(LONGEST + 1)).len(), 0);
    }

    #[test]
    fn each_text_that_leaves_something_open_is_named_with_its_line() {
        for (text, cure) in FORBIDDEN {
            let found = broken("a.rs", &format!("fine\n    {text} dead_code)]\n"));
            assert_eq!(found, [format!("a.rs:2: `{text}`: {cure}")]);
        }
    }

    #[test]
    fn a_test_that_never_runs_is_named_unless_another_starts_it() {
        assert_eq!(broken("a.rs", "    #[ignore = \"slow\"]\n").len(), 1);
        assert_eq!(broken("a.rs", "spawn([\"--ignored\"]);\n#[ignore = \"started and killed above\"]\n").len(), 0);
    }

    #[test]
    fn a_longer_word_is_another_word() {
        let template = format!("mktemp greenroom-{}", "X".repeat(6));
        assert_eq!(broken("a.rs", &template).len(), 0);
    }

    #[test]
    fn errors_thrown_away_after_an_await_are_named() {
        for line in [
            "let busy = read().await.unwrap_or_default();",
            "let _ = send(mail).await;",
            "read().await.ok()",
            "read().await.unwrap_or(None)",
        ] {
            assert_eq!(broken("a.rs", line).len(), 1, "{line}");
        }
        for line in ["let busy = read().await?;", "let _ = 5;", "read().await?.first().ok()", "#[cfg(test)]\nlet _ = send().await;"]
        {
            assert_eq!(broken("a.rs", line).len(), 0, "{line}");
        }
    }

    #[test]
    fn sql_outside_the_store_is_named() {
        let statement = "let all = \"SELECT id FROM people WHERE id = $1\";";
        assert_eq!(broken("crates/app/src/people.rs", statement).len(), 1);
        assert_eq!(broken("crates/store/src/people.rs", statement).len(), 0);
        assert_eq!(broken("crates/app/src/people.rs", "let _x = \"UPDATE people SET name = $1\";").len(), 1);
    }

    #[test]
    fn registry_hosts_and_folders_of_one_machine_are_named_in_any_file() {
        for host in HOSTS {
            assert_eq!(broken("docs/a.md", &format!("see {host}/x")).len(), 1, "{host}");
        }
        for folder in FOLDERS {
            assert_eq!(broken("docs/a.md", &format!("cd {folder}main")).len(), 1, "{folder}");
            assert_eq!(broken("docs/a.md", &format!("https://example.com{folder}main")).len(), 0, "{folder}");
        }
    }

    #[test]
    fn a_file_that_tells_a_package_client_where_to_fetch_is_named() {
        let lock = "      \"resolved\": \"https://packages.example.com/a.tgz\",";
        for (path, good, bad) in [
            ("tests-real/package-lock.json", "      \"version\": \"1.0.0\",", lock),
            ("tests-real/requirements.txt", "omnidapter==1.5.0", "--index-url https://packages.example.com/simple"),
            ("tests-real/.npmrc", "audit=false", "registry=https://packages.example.com"),
        ] {
            assert_eq!(broken(path, good).len(), 0, "{path}");
            assert_eq!(broken(path, bad).len(), 1, "{path}");
        }
    }
}
