//! The form of message files: `key = text` on a line; an indented line goes on with the text before it; `#` begins a comment.

/// The entries of one file.
pub(super) fn entries(file: &'static str) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for line in file.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if line.starts_with(' ') {
            if let Some((_, text)) = found.last_mut() {
                text.push(' ');
                text.push_str(line.trim());
            }
        } else if let Some((key, text)) = line.split_once(" = ") {
            found.push((key.trim(), text.trim().to_owned()));
        }
    }
    found
}
