//! The texts for people: one message file per language, `key = text with {placeholders}`, read once.
//!
//! Rust code names keys, never sentences, so that a text can be changed or translated without touching the code. A key or a value that
//! is missing is an error and not a hole in somebody's mail.

use std::{collections::BTreeMap, sync::LazyLock};

use ports::mail::MailError;

/// A message file in memory.
pub struct Texts {
    entries: BTreeMap<&'static str, &'static str>,
}

/// The values for the placeholders of a text, by name.
pub type Values = BTreeMap<&'static str, String>;

/// Why a text could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The key is not in the message file.
    #[error("the message file has no text `{0}`")]
    Missing(String),
    /// A placeholder got no value.
    #[error("the text `{key}` asks for `{{{placeholder}}}`, which this message does not have")]
    Unfilled {
        /// The text's key.
        key: String,
        /// The placeholder.
        placeholder: String,
    },
    /// A brace without its partner.
    #[error("the text `{0}` has a `{{` without `}}`")]
    Open(String),
}

impl From<TextError> for MailError {
    fn from(error: TextError) -> Self {
        Self::Refused(format!("{error}; this is a fault in Greenroom, please report it"))
    }
}

static ENGLISH: LazyLock<Texts> =
    LazyLock::new(|| Texts::parse(concat!(include_str!("en.properties"), include_str!("alerts.properties"))));

/// The English texts.
pub fn english() -> &'static Texts {
    &ENGLISH
}

impl Texts {
    /// Reads a message file: empty lines and lines with `#` are skipped, a line without ` = ` is no text.
    fn parse(file: &'static str) -> Self {
        let lines = file.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        Self { entries: lines.filter_map(|line| line.split_once(" = ")).map(|(key, text)| (key.trim(), text.trim())).collect() }
    }

    /// Whether there is such a text.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The text with its placeholders filled. Values are taken as they are: a `{` inside one is just a brace.
    pub fn fill(&self, key: &str, values: &Values) -> Result<String, TextError> {
        let mut rest = *self.entries.get(key).ok_or_else(|| TextError::Missing(key.to_owned()))?;
        let mut filled = String::with_capacity(rest.len() * 2);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| TextError::Open(key.to_owned()))?;
            let value =
                values.get(name).ok_or_else(|| TextError::Unfilled { key: key.to_owned(), placeholder: name.to_owned() })?;
            filled.push_str(before);
            filled.push_str(value);
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// Every key, for the tests.
    #[cfg(test)]
    fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.entries.keys().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// All Rust code of this crate, to look keys up in.
    fn code(folder: &Path) -> String {
        let mut all = String::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                all += &code(&path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("texts/mod.rs") {
                all += &std::fs::read_to_string(&path).unwrap();
            }
        }
        all
    }

    #[test]
    fn every_line_is_a_text_and_no_key_comes_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for line in concat!(include_str!("en.properties"), include_str!("alerts.properties"))
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (key, text) = line.split_once(" = ").unwrap_or_else(|| panic!("no text: {line}"));
            assert!(seen.insert(key), "`{key}` comes twice");
            assert!(!text.trim().is_empty(), "`{key}` is empty");
            assert_eq!(text.matches('{').count(), text.matches('}').count(), "`{key}` has a brace without its partner");
        }
        assert_eq!(seen.len(), english().keys().count());
    }

    /// Families of keys that end in a number or a code are put together in the code.
    const FAMILIES: [&str; 5] = ["weekday.", "month.", "reason.", "recommendation.", "alert."];

    #[test]
    fn every_text_is_used() {
        let code = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
        for key in english().keys() {
            let family = FAMILIES.iter().find(|family| key.starts_with(**family));
            // `x.one` and `x.many` are chosen by a count.
            let stem = key.trim_end_matches(".one").trim_end_matches(".many").trim_end_matches(".none");
            let variant = key.trim_end_matches(".vacancy").trim_end_matches(".again").trim_end_matches(".invite");
            let quoted = |key: &str| code.contains(&format!("\"{key}\""));
            let used = family.is_some_and(|family| code.contains(family)) || quoted(key) || quoted(stem) || quoted(variant);
            assert!(used, "`{key}` is not used");
        }
    }

    #[test]
    fn every_text_that_the_code_names_exists() {
        let code = code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/compose"));
        let is_key = |text: &str| text.contains('.') && text.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
        let named: Vec<&str> =
            code.split('"').filter(|text| is_key(text) && *text != "letter.html" && !FAMILIES.contains(text)).collect();
        assert!(named.len() > 80, "{named:?}");
        for key in named {
            assert!(
                english().has(key) || (english().has(&format!("{key}.one")) && english().has(&format!("{key}.many"))),
                "`{key}` is missing"
            );
        }
    }

    #[test]
    fn fills_once_and_names_what_is_missing() {
        let texts = Texts::parse("# note\n\ngreeting = Hello {name}, from {place}\nbroken = {name\n");
        let values = Values::from([("name", "{place}".to_owned()), ("place", "Lima".to_owned())]);
        assert_eq!(texts.fill("greeting", &values), Ok("Hello {place}, from Lima".to_owned()));
        assert_eq!(texts.fill("missing", &values), Err(TextError::Missing("missing".to_owned())));
        assert_eq!(texts.fill("broken", &values), Err(TextError::Open("broken".to_owned())));
        let unfilled = texts.fill("greeting", &Values::new()).unwrap_err();
        assert_eq!(unfilled.to_string(), "the text `greeting` asks for `{name}`, which this message does not have");
    }
}
