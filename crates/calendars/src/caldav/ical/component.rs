//! Components (RFC 5545 section 3.6): what stands between a BEGIN and its END.

use std::ops::Range;

use super::{
    Read, Unreadable,
    lines::{self, Line},
};

/// How deep components may lie in each other; an alarm of an event lies at 3.
const DEEPEST: usize = 8;

/// One component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::caldav) struct Component {
    /// In capitals: `VEVENT`.
    pub name: String,
    /// Its own properties, in order.
    pub lines: Vec<Line>,
    /// Components inside of it.
    pub children: Vec<Component>,
    /// The bytes of its END line.
    pub end: Range<usize>,
}

impl Component {
    /// The first property of that name.
    pub(in crate::caldav) fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }

    /// All properties of that name.
    pub(in crate::caldav) fn all<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a Line> {
        self.lines.iter().filter(move |line| line.name == name)
    }

    /// A property as text, unless it is empty.
    pub(in crate::caldav) fn text(&self, name: &str) -> Option<String> {
        self.line(name).map(Line::text).filter(|text| !text.is_empty())
    }

    /// Whether a property says this word.
    pub(in crate::caldav) fn says(&self, name: &str, word: &str) -> bool {
        self.line(name).is_some_and(|line| line.says(word))
    }
}

/// The outermost components of a text. One that is not closed fails: half an event is none.
pub(in crate::caldav) fn read(text: &[u8]) -> Read<Vec<Component>> {
    let mut roots = Vec::new();
    let mut open: Vec<Component> = Vec::new();
    for line in lines::read(text)? {
        match line.name.as_str() {
            "BEGIN" => {
                if open.len() >= DEEPEST {
                    return Err(Unreadable("components lie too deep in each other"));
                }
                let name = line.value.trim().to_ascii_uppercase();
                open.push(Component { name, lines: Vec::new(), children: Vec::new(), end: 0..0 });
            }
            "END" => {
                let closed = open.pop().filter(|closed| line.says(&closed.name));
                let closed = Component { end: line.span, ..closed.ok_or(Unreadable("an END has no BEGIN"))? };
                open.last_mut().map_or(&mut roots, |parent| &mut parent.children).push(closed);
            }
            _ => open.last_mut().ok_or(Unreadable("a property lies outside of all components"))?.lines.push(line),
        }
    }
    if open.is_empty() { Ok(roots) } else { Err(Unreadable("a BEGIN has no END")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_hold_their_own_properties() {
        let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:vevent\r\nUID:1\r\nBEGIN:VALARM\r\nUID:2\r\nEND:VALARM\r\nSUMMARY:\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let roots = read(text.as_bytes()).unwrap();
        let event = &roots[0].children[0];
        assert_eq!((event.name.as_str(), event.text("UID").as_deref(), event.text("SUMMARY")), ("VEVENT", Some("1"), None));
        assert_eq!(&text[event.end.clone()], "END:VEVENT\r\n");
        assert_eq!(event.children[0].text("UID").as_deref(), Some("2"));
    }

    #[test]
    fn what_is_not_whole_fails() {
        let deep = "BEGIN:A\n".repeat(100_000);
        for text in ["BEGIN:VCALENDAR\n", "END:VCALENDAR\n", "BEGIN:A\nBEGIN:B\nEND:A\nEND:B\n", "UID:1\n", deep.as_str()] {
            assert!(read(text.as_bytes()).is_err(), "{}", &text[..text.len().min(40)]);
        }
        assert_eq!(read(b"").unwrap(), []);
    }
}
