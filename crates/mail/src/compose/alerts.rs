//! Letters to the operator: what is wrong, what it means, what to do, and what is over.

use domain::{Timestamp, alerts::AlertKind};
use ports::mail::{AlertLine, AlertSection, MailError};
use url::Url;

use super::draft::{Block, Draft, Writer};
use crate::clean;

/// One section per kind of alert, the worst first.
pub fn alerts(writer: &mut Writer<'_>, sections: &[AlertSection], page: &Url) -> Result<Draft, MailError> {
    writer.paragraph("alerts.intro")?;
    for section in sections {
        writer.push(Block::Heading(say(writer, section.kind, "title")?));
        if !section.began.is_empty() || !section.lasting.is_empty() {
            writer.push(Block::Paragraph(say(writer, section.kind, "what")?));
        }
        let lists = [("alerts.began", &section.began), ("alerts.lasting", &section.lasting), ("alerts.over", &section.over)];
        let mut facts = Vec::new();
        for (key, list) in lists {
            if !list.is_empty() {
                let mut fact = writer.fact(key, "")?;
                fact.lines = list.iter().map(|line| shown(writer, line)).collect::<Result<_, _>>()?;
                facts.push(fact);
            }
        }
        writer.push(Block::Facts(facts));
        if section.more > 0 {
            writer.push(Block::Paragraph(writer.count("alerts.more", i64::from(section.more))?));
        }
        if !section.began.is_empty() || !section.lasting.is_empty() {
            let mut fact = writer.fact("alerts.do", "")?;
            fact.lines = vec![say(writer, section.kind, "do")?];
            writer.push(Block::Facts(vec![fact]));
        }
    }
    writer.button("alerts.button", page)?;
    let first = sections.iter().find(|section| !section.began.is_empty() || !section.lasting.is_empty());
    let only_ends = first.is_none();
    if let Some(section) = first.or_else(|| sections.first()) {
        let title = say(writer, section.kind, "title")?;
        writer.set("title", &title);
    }
    writer.set("count", &sections.len().saturating_sub(1).to_string());
    writer.finish(match (only_ends, sections.len()) {
        (true, _) => "alerts.subject.over",
        (false, 1) => "alerts.subject",
        (false, _) => "alerts.subject.more",
    })
}

fn say(writer: &Writer<'_>, kind: AlertKind, part: &str) -> Result<String, MailError> {
    let key = format!("alert.{}.{part}", kind.code());
    writer.say(&key)
}

fn shown(writer: &Writer<'_>, line: &AlertLine) -> Result<String, MailError> {
    let minute = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let key = if line.until.is_some() { "alerts.until" } else { "alerts.since" };
    let until = line.until.map(minute).unwrap_or_default();
    let times = writer.say_with(key, [("since", minute(line.since)), ("until", until)])?;
    Ok(format!("{} ({times})", clean::line(&line.subject, clean::NAME)))
}
