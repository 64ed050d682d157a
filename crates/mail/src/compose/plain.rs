//! A draft as plain text. Lines are not wrapped: mail programs do that to the width they have.

use super::draft::{Block, Draft, Fact};

/// The text, with `\n` as line end.
pub fn render(draft: &Draft) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut title: Option<&str> = None;
    for block in &draft.blocks {
        let shown = match block {
            Block::Heading(text) => {
                title = Some(text);
                continue;
            }
            Block::Paragraph(text) => text.clone(),
            Block::Facts(facts) => show_facts(facts),
            Block::Points(points) => points.iter().map(|point| format!("- {point}")).collect::<Vec<_>>().join("\n"),
            Block::Button { label, url, .. } | Block::Link { label, url } => format!("{label}:\n{url}"),
            Block::Quote(text) => text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n"),
        };
        parts.push(match title.take() {
            Some(title) => format!("{title}:\n{shown}"),
            None => shown,
        });
    }
    // The line that mail programs know as the beginning of a signature (RFC 3676, section 4.3).
    parts.push(format!("-- \n{}", draft.footer.join("\n")));
    parts.join("\n\n") + "\n"
}

/// Values stand in a column if the names are short, else beneath their names.
fn show_facts(facts: &[Fact]) -> String {
    const WIDEST: usize = 18;
    let width = facts.iter().map(|fact| fact.label.chars().count()).max().unwrap_or(0);
    let shown = facts.iter().map(|fact| {
        let label = format!("{}:", fact.label);
        let (label, indent) =
            if width > WIDEST { (label + "\n  ", 2) } else { (format!("{label:<indent$}", indent = width + 2), width + 2) };
        label + &fact.lines.join(&format!("\n{}", " ".repeat(indent)))
    });
    shown.collect::<Vec<_>>().join("\n")
}
