//! Text from elsewhere, made fit for a line of a message: names and titles are typed by strangers and end up in headers, HTML and
//! iCalendar.
//!
//! Each of those has its own escaping; this takes away what no name needs and what is only good for deceiving: line breaks, control
//! characters, and marks that reverse the reading direction of what stands around them.

/// Longest name or title in a message, in characters.
pub const NAME: usize = 200;
/// Longest place or meeting address.
pub const PLACE: usize = 1000;
/// Longest name or title in a subject line.
pub const IN_SUBJECT: usize = 80;

/// One line: every run of white space and control characters becomes one space; longer than `longest` characters ends in `…`.
pub fn line(text: &str, longest: usize) -> String {
    let visible: String =
        text.chars().filter(|letter| !reorders(*letter)).map(|letter| if breaks(letter) { ' ' } else { letter }).collect();
    clip(&visible.split_whitespace().collect::<Vec<_>>().join(" "), longest)
}

/// Several lines: line breaks stay (as `\n`), other control characters go.
pub fn lines(text: &str, longest: usize) -> String {
    let text = text.replace("\r\n", "\n").replace(['\r', '\u{2028}', '\u{2029}', '\u{85}'], "\n");
    let visible: String = text.chars().filter(|letter| *letter == '\n' || !(letter.is_control() || reorders(*letter))).collect();
    clip(visible.trim(), longest)
}

fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn breaks(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}')
}

/// Direction marks, embeddings, overrides and isolates (Unicode TR 9), the byte order mark, annotations and tag characters. Right-to-left
/// letters need none of them.
fn reorders(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_a_line() {
        assert_eq!(line("  Ana\r\nBcc: x@example.com\t\u{0}y ", NAME), "Ana Bcc: x@example.com y");
        assert_eq!(line("a\u{2028}b\u{85}c", NAME), "a b c");
        assert_eq!(line("\u{202e}evil\u{2066} name\u{feff}", NAME), "evil name");
        assert_eq!(line("שרה לוי", NAME), "שרה לוי");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(line("abcd", 4), "abcd");
    }

    #[test]
    fn lines_keep_their_breaks_and_nothing_else() {
        assert_eq!(lines("one\r\ntwo\rthree\u{7}\n\n", 99), "one\ntwo\nthree");
    }
}
