//! Rules for what people read: the documents that must exist, and their links.

use super::{File, Violation};

/// The documents that a reader or an integrator is promised.
const PROMISED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "SECURITY.md",
    "docs/configuration.md",
    "docs/connect-zoho.md",
];

/// Checks all documents.
pub fn check(files: &[File]) -> Vec<Violation> {
    let exists = |path: &str| {
        files.iter().any(|file| file.path == path || file.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    };
    let mut found = Vec::new();
    for path in PROMISED {
        let lack = match files.iter().find(|file| file.path == *path) {
            None => "missing",
            Some(file) if file.text.trim().is_empty() => "empty",
            Some(_) => continue,
        };
        found.push(Violation::new(path, 1, format!("this document is promised and {lack}; write it")));
    }
    for file in files.iter().filter(|file| file.is("md")) {
        for (number, target) in links(file) {
            match resolve(&file.path, target) {
                Some(path) if path.is_empty() || exists(&path) => {}
                _ => found.push(Violation::new(
                    &file.path,
                    number,
                    format!("the link to `{target}` leads nowhere; mend it or take it out"),
                )),
            }
        }
    }
    found
}

/// Each link to a file of this repository, without its fragment. What stands in a code block is no link.
fn links(file: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in file.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let Some((target, _)) = line[at + 2..].split_once(')') else {
                continue;
            };
            let target = target.split(['#', ' ']).next().unwrap_or_default();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere {
                found.push((number, target));
            }
        }
    }
    found
}

/// The path from the top that `target` means in the document `from`; `None` if it leaves the repository.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = if target.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(extra: &[(&str, &str)]) -> Vec<String> {
        let promised = PROMISED.iter().map(|path| File::example(path, "text"));
        let files: Vec<File> = promised.chain(extra.iter().map(|(path, text)| File::example(path, text))).collect();
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_promised_document_that_is_missing_or_empty_is_named() {
        let none: Vec<String> = check(&[]).iter().map(|violation| violation.file.clone()).collect();
        assert_eq!(none, PROMISED);
        let mut files: Vec<File> = PROMISED.iter().map(|path| File::example(path, "text")).collect();
        assert_eq!(check(&files), []);
        files[2].text = "\n".into();
        assert_eq!(check(&files)[0].to_string(), "CHANGELOG.md:1: this document is promised and empty; write it");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named_with_its_line() {
        assert_eq!(
            broken(&[("docs/a.md", "fine\nsee [b](b.md#part)")]),
            ["docs/a.md:2: the link to `b.md` leads nowhere; mend it or take it out"]
        );
        assert_eq!(broken(&[("docs/a.md", "[out](../../secret.md)")]).len(), 1);
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "[up](../README.md#start) [here](#below) [same](b.md) [folder](decisions) [web](https://example.com) [mail](mailto:ana@example.com)\n```\n[code](none.md)\n```\n";
        assert_eq!(broken(&[("docs/a.md", text), ("docs/b.md", "b"), ("docs/decisions/0001.md", "c")]), Vec::<String>::new());
    }
}
