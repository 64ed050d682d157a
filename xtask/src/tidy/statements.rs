//! The simulator claims to be like Zoho in 46 statements. Each is proven by a test named `statement_NN_…`.

use super::{File, Violation};

const STATEMENTS: usize = 46;
const SIMULATOR: &str = "crates/zoho-sim/";

/// Names each statement without a test.
pub fn check(files: &[File]) -> Vec<Violation> {
    let mut proven = [false; STATEMENTS + 1];
    for file in files.iter().filter(|file| file.path.starts_with(SIMULATOR) && file.is("rs")) {
        for (_, line) in file.lines() {
            let Some((_, name)) = line.split_once("fn statement_") else { continue };
            let number = name.split('_').next().and_then(|digits| digits.parse::<usize>().ok());
            if let Some(known) = number.and_then(|number| proven.get_mut(number)) {
                *known = true;
            }
        }
    }
    (1..=STATEMENTS)
        .filter(|number| !proven[*number])
        .map(|number| {
            let message = format!("statement {number} about Zoho has no test; write `statement_{number:02}_…` in its tests/");
            Violation::new("crates/zoho-sim/tests", 1, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(left_out: &[usize], path: &str) -> Vec<String> {
        let tests = (1..=STATEMENTS).filter(|number| !left_out.contains(number));
        let text: Vec<String> = tests.map(|number| format!("async fn statement_{number:02}_holds() {{}}")).collect();
        check(&[File::example(path, &text.join("\n"))]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_statement_without_a_test_is_named() {
        let found = missing(&[7], "crates/zoho-sim/tests/accounts.rs");
        assert_eq!(found, ["crates/zoho-sim/tests:1: statement 7 about Zoho has no test; write `statement_07_…` in its tests/"]);
    }

    #[test]
    fn all_statements_pass_and_tests_elsewhere_do_not_count() {
        assert_eq!(missing(&[], "crates/zoho-sim/tests/calendar.rs"), Vec::<String>::new());
        assert_eq!(missing(&[], "crates/web/tests/calendar.rs").len(), STATEMENTS);
    }
}
