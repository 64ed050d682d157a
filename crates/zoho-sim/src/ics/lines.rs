//! Content lines (RFC 5545, 3.1): unfolding that keeps the number of the physical line, parameters, and text escapes.

use super::IcsError;

/// One content line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The physical line it begins on, from 1.
    pub number: usize,
    /// In upper case.
    pub name: String,
    /// Names in upper case, values without quotes.
    pub params: Vec<(String, String)>,
    /// As it stands, not unescaped.
    pub value: String,
}

impl Line {
    /// A parameter's value.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value as text: `\n`, `\,`, `\;` and `\\` are unescaped (3.3.11).
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut chars = self.value.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(other) => text.push(other),
                    None => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        text
    }
}

/// Joins folded lines and takes them apart. Lines end with CRLF or LF; empty ones are passed over.
pub fn unfold(text: &str) -> Result<Vec<Line>, IcsError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut joined: Vec<(usize, String)> = Vec::new();
    for (index, physical) in text.split('\n').enumerate() {
        let physical = physical.strip_suffix('\r').unwrap_or(physical);
        if let Some(rest) = physical.strip_prefix([' ', '\t']) {
            match joined.last_mut() {
                Some((_, line)) => line.push_str(rest),
                None if rest.trim().is_empty() => {}
                None => return Err(IcsError::at(index + 1, "the first line cannot continue another one")),
            }
        } else if !physical.is_empty() {
            joined.push((index + 1, physical.to_owned()));
        }
    }
    joined.into_iter().map(|(number, line)| parse(number, &line)).collect()
}

fn parse(number: usize, line: &str) -> Result<Line, IcsError> {
    let broken = |why: &str| IcsError::at(number, format!("{why}, so this is not a line of iCalendar: {}", start_of(line)));
    let end = line.find([':', ';']).ok_or_else(|| broken("there is no colon"))?;
    let (name, mut rest) = line.split_at(end);
    // A group prefix (`item1.`) is vCard's, but some programs write it.
    let name = name.rsplit('.').next().unwrap_or(name).trim().to_ascii_uppercase();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(broken("the name is not a name"));
    }
    let mut params = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let (param, value) = after.split_once('=').ok_or_else(|| broken("a parameter has no value"))?;
        let end = end_of_param(value).ok_or_else(|| broken("there is no colon after the parameters"))?;
        let (value, remainder) = value.split_at(end);
        params.push((param.trim().to_ascii_uppercase(), value.replace('"', "")));
        rest = remainder;
    }
    let value = rest.strip_prefix(':').ok_or_else(|| broken("there is no colon"))?;
    Ok(Line { number, name, params, value: value.to_owned() })
}

/// Where a parameter's value ends: at the next `;` or `:` outside of quotes.
fn end_of_param(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, c)| {
        if c == '"' {
            quoted = !quoted;
        }
        (!quoted && (c == ';' || c == ':')).then_some(at)
    })
}

fn start_of(line: &str) -> String {
    let start: String = line.chars().take(40).collect();
    format!("{start:?}")
}
