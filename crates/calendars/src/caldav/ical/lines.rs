//! Content lines (RFC 5545 section 3.1): unfolded for reading, and with the bytes they stand on, so that the rest can stay as it is.

use std::ops::Range;

use super::{Read, Unreadable};

/// Octets of a line that is written, without its break.
const LONGEST: usize = 75;

/// A property, or a BEGIN or END.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::caldav) struct Line {
    /// In capitals.
    pub name: String,
    /// Names in capitals; values without their quotes.
    params: Vec<(String, Vec<String>)>,
    /// As it stands there: still escaped.
    pub value: String,
    /// All bytes of it in the text, breaks included.
    pub span: Range<usize>,
}

impl Line {
    /// The first value of a parameter.
    pub(in crate::caldav) fn param(&self, name: &str) -> Option<&str> {
        let (_, values) = self.params.iter().find(|(known, _)| known == name)?;
        values.first().map(String::as_str)
    }

    /// Whether the value is this word, in any letter case.
    pub(in crate::caldav) fn says(&self, word: &str) -> bool {
        self.value.trim().eq_ignore_ascii_case(word)
    }

    /// The value as text (section 3.3.11).
    pub(in crate::caldav) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut letters = self.value.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => match letters.next() {
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

/// All lines of a text. Breaks may be CRLF or LF; a line may be folded in the middle of a letter.
pub(in crate::caldav) fn read(text: &[u8]) -> Read<Vec<Line>> {
    let mut lines = Vec::new();
    let mut at = if text.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    while at < text.len() {
        let start = at;
        let mut whole = Vec::new();
        loop {
            let rest = &text[at..];
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |index| index + 1);
            let physical = &rest[..length];
            whole.extend_from_slice(physical.trim_ascii_end_of_line());
            at += length;
            // The one blank that marks a fold is no part of the value.
            if !matches!(text.get(at), Some(b' ' | b'\t')) {
                break;
            }
            at += 1;
        }
        let unfolded = String::from_utf8_lossy(&whole);
        if !unfolded.trim().is_empty() {
            let (name, params, value) = split(&unfolded).ok_or(Unreadable("a line has no name or no value"))?;
            lines.push(Line { name, params, value, span: start..at });
        }
    }
    Ok(lines)
}

trait EndOfLine {
    fn trim_ascii_end_of_line(&self) -> &[u8];
}

impl EndOfLine for [u8] {
    fn trim_ascii_end_of_line(&self) -> &[u8] {
        let line = self.strip_suffix(b"\n").unwrap_or(self);
        line.strip_suffix(b"\r").unwrap_or(line)
    }
}

type Parts = (String, Vec<(String, Vec<String>)>, String);

/// Name, parameters and value. A colon, a semicolon or a comma in quotes belongs to a parameter's value.
fn split(line: &str) -> Option<Parts> {
    let end = line.find([';', ':'])?;
    let name = line[..end].trim().to_ascii_uppercase();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    let mut params = Vec::new();
    let mut rest = &line[end..];
    while let Some(inside) = rest.strip_prefix(';') {
        let stop = unquoted(inside, &[';', ':'])?;
        let (key, values) = inside[..stop].split_once('=').unwrap_or((&inside[..stop], ""));
        params.push((key.trim().to_ascii_uppercase(), list(values)));
        rest = &inside[stop..];
    }
    Some((name, params, rest.strip_prefix(':')?.to_owned()))
}

fn list(mut values: &str) -> Vec<String> {
    let mut found = Vec::new();
    loop {
        let stop = unquoted(values, &[',']).unwrap_or(values.len());
        found.push(values[..stop].trim().trim_matches('"').to_owned());
        match values[stop..].strip_prefix(',') {
            Some(rest) => values = rest,
            None => return found,
        }
    }
}

/// Where one of these letters stands first outside of quotes.
fn unquoted(text: &str, wanted: &[char]) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, letter)| {
        quoted ^= letter == '"';
        (!quoted && wanted.contains(&letter)).then_some(at)
    })
}

/// A property as it is written, folded, with its break. `value` is a value already; see [`escape`].
pub(in crate::caldav) fn write(name: &str, value: &str) -> String {
    let mut line = String::new();
    let mut width = 0;
    for letter in name.chars().chain([':']).chain(value.chars()) {
        if width + letter.len_utf8() > LONGEST {
            line.push_str("\r\n ");
            width = 1;
        }
        line.push(letter);
        width += letter.len_utf8();
    }
    line.push_str("\r\n");
    line
}

/// Text as a value (section 3.3.11). Letters that no value may hold are left out.
pub(in crate::caldav) fn escape(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\\' | ';' | ',' => value.extend(['\\', letter]),
            '\n' => value.push_str("\\n"),
            '\t' => value.push('\t'),
            letter if letter.is_control() => {}
            letter => value.push(letter),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Line {
        read(text.as_bytes()).unwrap().swap_remove(0)
    }

    #[test]
    fn names_parameters_and_values_are_told_apart() {
        let line = one(
            "attendee;cn=\"Doe: Jane; MD, PhD\";PartStat=declined;member=\"mailto:a@b\",\"mailto:c@d\":mailto:jane@example.com\r\n",
        );
        assert_eq!((line.name.as_str(), line.value.as_str()), ("ATTENDEE", "mailto:jane@example.com"));
        assert_eq!((line.param("CN"), line.param("PARTSTAT")), (Some("Doe: Jane; MD, PhD"), Some("declined")));
        assert_eq!((line.param("MEMBER"), line.param("RSVP")), (Some("mailto:a@b"), None));
        assert_eq!(one("URL:https://example.com/a;b:c").value, "https://example.com/a;b:c");
    }

    #[test]
    fn folded_lines_are_one_even_where_a_letter_is_cut() {
        for text in ["SUMMARY:Caf\r\n é noir\r\n", "SUMMARY:Caf\n\té noir\n", "SUMMARY:Café \r\n noir"] {
            assert_eq!(one(text).value, "Café noir", "{text:?}");
        }
        let cut = [b"SUMMARY:Caf\xC3".as_slice(), b"\r\n \xA9 noir\r\nUID:1\r\n"].concat();
        let lines = read(&cut).unwrap();
        assert_eq!((lines[0].value.as_str(), lines[0].span.clone()), ("Café noir", 0..23));
        assert_eq!(lines[1].span, 23..30);
    }

    #[test]
    fn text_goes_out_and_comes_back() {
        for text in ["a, b; c\\d\nnew line", "", "\\n", "quoted \"x\": y", "日本語のとても長い題名".repeat(9).as_str()] {
            let written = write("SUMMARY", &escape(text));
            assert!(written.split("\r\n").all(|line| line.len() <= LONGEST), "{written}");
            assert_eq!(one(&written).text(), text);
        }
        assert_eq!(escape("a\u{0}b\rc\u{7f}\r\nd"), "abc\\nd");
        assert_eq!(one("SUMMARY:a\\;b\\Nc\\").text(), "a;b\nc\\");
    }

    #[test]
    fn what_is_no_line_is_not_passed_over() {
        for text in ["nonsense", "BEGIN VEVENT\r\n", ";TZID=x:1", "DTSTART;TZID=\"Europe/Berlin:20260101T000000", "a b:c"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(read(b"\r\n\r\n \r\n").unwrap(), [], "empty lines are nothing");
    }
}
