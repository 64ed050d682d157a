//! Every variable that the binary reads, or that the container sets for it, is explained in docs/configuration.md.

use super::{File, Violation};

const GUIDE: &str = "docs/configuration.md";
const CODE: &str = "crates/greenroom/src/";
/// Files that set variables for the binary: one that it does not know would stop it at its start.
const CONTAINER: &[&str] = &["Dockerfile", "docker-compose.yml"];

/// Checks the binary's sources against the guide. That the guide exists is a rule of its own.
pub fn check(files: &[File]) -> Vec<Violation> {
    let Some(guide) = files.iter().find(|file| file.path == GUIDE) else {
        return Vec::new();
    };
    let documented: Vec<&str> = words(&guide.text).collect();
    let mut found: Vec<Violation> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with(CODE) && file.is("rs")) {
        for (number, line) in super::sources::code(file) {
            for name in quoted(line).filter(|name| is_variable(name)) {
                if !seen.contains(&name) && !documented.contains(&name) {
                    seen.push(name);
                    found.push(Violation::new(
                        &file.path,
                        number,
                        format!("`{name}` is read here and not explained in {GUIDE}; add its row, with its default"),
                    ));
                }
            }
        }
    }
    for file in files.iter().filter(|file| CONTAINER.contains(&file.path.as_str())) {
        for (number, line) in file.lines() {
            for name in words(line).filter(|name| is_variable(name) && !documented.contains(name)) {
                found.push(Violation::new(
                    &file.path,
                    number,
                    format!("`{name}` is set here and {GUIDE} does not know it; use a name that the binary reads"),
                ));
            }
        }
    }
    found
}

/// The words of a text that could name a variable.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))
}

/// What stands between quotation marks in a line of Rust.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    let line = if line.trim_start().starts_with("//") { "" } else { line };
    line.split('"').skip(1).step_by(2)
}

fn is_variable(name: &str) -> bool {
    let families = ["GREENROOM_", "ZOHO_", "EMAIL_"];
    let ours = families.iter().any(|family| name.len() > family.len() && name.starts_with(family))
        || ["DATABASE_URL", "DEFAULT_FROM_EMAIL"].contains(&name);
    // What ends in an underscore is the beginning of many names.
    ours && !name.ends_with('_')
        && name.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(code: &str, guide: &str) -> Vec<String> {
        let files = [File::example("crates/greenroom/src/config.rs", code), File::example(GUIDE, guide)];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_variable_without_its_row_is_named_once_with_its_line() {
        let found = broken("fine\nread(\"GREENROOM_WEEK\");\nread(\"GREENROOM_WEEK\");\n", "| `GREENROOM_WEEKS` | none |");
        let place = "crates/greenroom/src/config.rs:2: `GREENROOM_WEEK` is read here and not explained in docs/configuration.md; add its row, with its default";
        assert_eq!(found, [place]);
    }

    #[test]
    fn a_container_that_sets_an_unknown_variable_is_named() {
        let container = File::example("Dockerfile", "FROM scratch\nENV GREENROOM_DATA=/data EMAIL_PORT=25\n");
        let files = [container, File::example(GUIDE, "`EMAIL_PORT`")];
        assert_eq!(
            check(&files).iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "Dockerfile:2: `GREENROOM_DATA` is set here and docs/configuration.md does not know it; use a name that the binary reads"
            ]
        );
    }

    #[test]
    fn what_is_explained_and_what_is_no_variable_pass() {
        let code = "read(\"DATABASE_URL\"); say(\"ZOHO_ and more\"); starts(\"ZOHO_CLIENT_SECRET_\"); // \"EMAIL_HOST\"\n// \"EMAIL_PORT\"\nread(\"ZOHO_SCOPES\")";
        assert_eq!(broken(code, "`DATABASE_URL`, `ZOHO_SCOPES`, `EMAIL_HOST`"), Vec::<String>::new());
    }
}
