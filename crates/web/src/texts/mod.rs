//! Words for people: `key = text` files, one folder per language, read once at start.
//!
//! Templates say `{{ "permission.title"|t }}` and fill places with `|with("company", company)`. Values are filled in one pass, so a
//! value that looks like a place (`{manager}` as a company's name) stays what it is. Codes of other crates become sentences by
//! [`code`].

use std::{collections::HashMap, fmt, sync::LazyLock};

mod parse;

/// Every message file of the language, in the order they are read.
const FILES: [&str; 9] = [
    include_str!("en/common.txt"),
    include_str!("en/people.txt"),
    include_str!("en/choice.txt"),
    include_str!("en/dashboard.txt"),
    include_str!("en/access.txt"),
    include_str!("en/codes.txt"),
    include_str!("en/erasure.txt"),
    include_str!("en/monitoring.txt"),
    // What an alert means: the same words as in the letters.
    include_str!("../../../mail/src/texts/alerts.properties"),
];

static TEXTS: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| FILES.into_iter().flat_map(parse::entries).collect());

/// A text with places that are still to be filled; prints itself filled.
#[derive(Debug, Clone)]
pub struct Text {
    pattern: &'static str,
    values: Vec<(&'static str, String)>,
}

impl Text {
    /// Fills every `{name}` with `value`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.values.push((name, value.to_string()));
        self
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.pattern;
        while let Some((before, after)) = rest.split_once('{') {
            f.write_str(before)?;
            let Some((name, behind)) = after.split_once('}') else {
                f.write_str("{")?;
                rest = after;
                continue;
            };
            match self.values.iter().find(|(known, _)| *known == name) {
                Some((_, value)) => f.write_str(value)?,
                None => write!(f, "{{{name}}}")?,
            }
            rest = behind;
        }
        f.write_str(rest)
    }
}

/// The text of `key`. A key that no file has prints itself, so that a gap is seen and nothing breaks; a test looks for gaps.
pub fn t(key: &'static str) -> Text {
    Text { pattern: TEXTS.get(key).map_or(key, String::as_str), values: Vec::new() }
}

/// The sentence for a code of some family (`waiting`, `reason`, …), or the code itself in readable form where no file knows it.
pub fn code(family: &str, code: &str) -> String {
    TEXTS.get(format!("{family}.{code}").as_str()).cloned().unwrap_or_else(|| code.replace(['_', '.'], " "))
}

/// As [`code`], with places to fill; `None` where no file knows it.
pub fn known_code(family: &str, code: &str) -> Option<Text> {
    let pattern = TEXTS.get(format!("{family}.{code}").as_str())?;
    Some(Text { pattern, values: Vec::new() })
}

/// What templates can apply to a key or a text.
#[expect(clippy::inline_always, clippy::unused_self, clippy::unnecessary_wraps, reason = "what `filter_fn` asks for and makes")]
pub mod filters {
    use std::fmt::Display;

    use askama::{Result, Values};

    use super::Text;

    /// `{{ "key"|t }}`
    #[askama::filter_fn]
    pub(crate) fn t(key: &'static str, _: &dyn Values) -> Result<Text> {
        Ok(super::t(key))
    }

    /// `{{ "key"|t|with("name", value) }}`
    #[askama::filter_fn]
    pub(crate) fn with<T: Display>(text: Text, _: &dyn Values, name: &'static str, value: T) -> Result<Text> {
        Ok(text.with(name, value))
    }
}

#[cfg(test)]
mod tests;
