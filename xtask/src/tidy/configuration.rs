//! Every variable that the binary reads is explained in docs/configuration.md.

use super::{File, Violation};

const GUIDE: &str = "docs/configuration.md";
const CODE: &str = "crates/greenroom/src/";

/// Checks the binary's sources against the guide. That the guide exists is a rule of its own.
pub fn check(files: &[File]) -> Vec<Violation> {
    let Some(guide) = files.iter().find(|file| file.path == GUIDE) else {
        return Vec::new();
    };
    let documented: Vec<&str> = words(&guide.text).collect();
    let mut found: Vec<Violation> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for file in files
        .iter()
        .filter(|file| file.path.starts_with(CODE) && file.is("rs"))
    {
        for (number, line) in super::sources::code(file) {
            for name in quoted(line).filter(|name| is_variable(name)) {
                if !seen.contains(&name) && !documented.contains(&name) {
                    seen.push(name);
                    found.push(Violation::new(&file.path, number, format!("`{name}` is read here and not explained in {GUIDE}; add its row, with its default")));
                }
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
    let line = if line.trim_start().starts_with("//") {
        ""
    } else {
        line
    };
    line.split('"').skip(1).step_by(2)
}

fn is_variable(name: &str) -> bool {
    let families = ["GREENROOM_", "ZOHO_", "EMAIL_"];
    let ours = families
        .iter()
        .any(|family| name.len() > family.len() && name.starts_with(family))
        || ["DATABASE_URL", "DEFAULT_FROM_EMAIL"].contains(&name);
    ours && name
        .chars()
        .all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(code: &str, guide: &str) -> Vec<String> {
        let files = [
            File::example("crates/greenroom/src/config.rs", code),
            File::example(GUIDE, guide),
        ];
        check(&files).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_variable_without_its_row_is_named_once_with_its_line() {
        let found = broken(
            "fine\nread(\"GREENROOM_WEEK\");\nread(\"GREENROOM_WEEK\");\n",
            "| `GREENROOM_WEEKS` | none |",
        );
        let place = "crates/greenroom/src/config.rs:2: `GREENROOM_WEEK` is read here and not explained in docs/configuration.md; add its row, with its default";
        assert_eq!(found, [place]);
    }

    #[test]
    fn what_is_explained_and_what_is_no_variable_pass() {
        let code = "read(\"DATABASE_URL\"); say(\"ZOHO_ and more\"); // \"EMAIL_HOST\"\n// \"EMAIL_PORT\"\nread(\"ZOHO_SCOPES\")";
        assert_eq!(
            broken(code, "`DATABASE_URL`, `ZOHO_SCOPES`, `EMAIL_HOST`"),
            Vec::<String>::new()
        );
    }
}
