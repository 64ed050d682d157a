//! Comma-separated values after RFC 4180, read strictly: what is not meant one way only is refused with its line number.

use anyhow::{Result, bail, ensure};

/// One record and the line it begins on, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Record {
    /// Where.
    pub line: usize,
    /// What.
    pub fields: Vec<String>,
}

/// Reads every record; lines without anything are left out. Lines end with CRLF or LF; a byte order mark is left out.
pub fn read(text: &str) -> Result<Vec<Record>> {
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}'), line: 1 };
    let mut records = Vec::new();
    while !reader.rest.is_empty() {
        let line = reader.line;
        let fields = reader.record()?;
        if fields.len() > 1 || fields.iter().any(|field| !field.is_empty()) {
            records.push(Record { line, fields });
        }
    }
    Ok(records)
}

struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

impl Reader<'_> {
    fn record(&mut self) -> Result<Vec<String>> {
        let mut fields = Vec::new();
        loop {
            fields.push(if self.rest.starts_with('"') { self.quoted()? } else { self.plain()? });
            if self.take(",") {
                continue;
            }
            if !self.take("\r\n") && !self.take("\n") {
                ensure!(
                    self.rest.is_empty(),
                    "line {}: a carriage return stands alone; save the file with ordinary line ends",
                    self.line
                );
            }
            self.line += 1;
            return Ok(fields);
        }
    }

    fn plain(&mut self) -> Result<String> {
        let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        ensure!(
            !field.contains('"'),
            "line {}: a quote stands inside a field that does not begin with one; write \"a \"\"b\"\" c\"",
            self.line
        );
        self.rest = rest;
        Ok(field.to_owned())
    }

    /// From quote to quote; two quotes are one. Commas and line ends in between belong to the field.
    fn quoted(&mut self) -> Result<String> {
        let begun = self.line;
        let mut field = String::new();
        self.take("\"");
        loop {
            let Some(end) = self.rest.find('"') else {
                bail!("line {begun}: the quote that begins here is never closed");
            };
            let (part, rest) = self.rest.split_at(end);
            field.push_str(part);
            self.line += part.matches('\n').count();
            self.rest = rest;
            self.take("\"");
            if !self.take("\"") {
                break;
            }
            field.push('"');
        }
        let ends = self.rest.is_empty() || self.rest.starts_with([',', '\r', '\n']);
        ensure!(ends, "line {}: text follows the closing quote; a quote inside a field is written twice", self.line);
        Ok(field)
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest.strip_prefix(text);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<(usize, Vec<String>)> {
        read(text).unwrap().into_iter().map(|record| (record.line, record.fields)).collect()
    }

    fn error(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn quotes_commas_and_line_ends_inside_fields_are_read_and_lines_counted() {
        let text = "\u{feff}email,name\r\nana@example.com,\"Diaz, \"\"Ana\"\"\r\nof Sales\"\r\n\r\nbo@example.com,\n";
        assert_eq!(
            fields(text),
            [
                (1, vec!["email".to_owned(), "name".to_owned()]),
                (2, vec!["ana@example.com".to_owned(), "Diaz, \"Ana\"\r\nof Sales".to_owned()]),
                (5, vec!["bo@example.com".to_owned(), String::new()]),
            ]
        );
    }

    #[test]
    fn a_last_line_needs_no_end_and_empty_text_holds_nothing() {
        assert_eq!(fields("a,b"), [(1, vec!["a".to_owned(), "b".to_owned()])]);
        assert_eq!(fields("a,"), [(1, vec!["a".to_owned(), String::new()])]);
        assert!(fields("").is_empty() && fields("\n\r\n").is_empty());
    }

    #[test]
    fn what_can_be_meant_in_two_ways_is_refused_with_its_line() {
        assert!(error("a,b\nc,\"d").starts_with("line 2: the quote"));
        assert!(error("a,b\nc,d\"e\n").starts_with("line 2: a quote stands inside"));
        assert!(error("a,\"b\nc\"d\n").starts_with("line 2: text follows"));
        assert!(error("a,b\rc,d\n").starts_with("line 1: a carriage return"));
    }
}
