//! Letters about a manager's permission: the request, a fresh link, the good news.

use ports::mail::MailError;
use url::Url;

use super::draft::{Block, Draft, Writer};

/// Asks for permission: who, for what, what exactly, and that no is an answer.
pub fn request(
    writer: &mut Writer<'_>,
    vacancy: Option<&str>,
    asked_by: &str,
    link: &Url,
    attempt: u32,
    days: i64,
) -> Result<Draft, MailError> {
    writer.set("asked_by", asked_by);
    if let Some(vacancy) = vacancy {
        writer.set("vacancy", vacancy);
    }
    let days = writer.count("days", days)?;
    writer.set("days", &days);
    writer.paragraph(if vacancy.is_some() { "permission.intro.vacancy" } else { "permission.intro" })?;
    if attempt > 1 {
        writer.paragraph("permission.again")?;
    }
    writer.paragraph("permission.why")?;
    let mut facts = vec![writer.fact("fact.company", &writer.letter().company)?];
    if let Some(vacancy) = vacancy {
        facts.push(writer.fact("fact.vacancy", vacancy)?);
    }
    facts.push(writer.fact("fact.asked_by", asked_by)?);
    facts.push(writer.fact("fact.host", &host(link))?);
    writer.push(Block::Facts(facts));
    writer.points("permission.asked", &["permission.asked.read", "permission.asked.write", "permission.asked.profile"])?;
    writer.points(
        "permission.not_asked",
        &["permission.not_asked.password", "permission.not_asked.mail", "permission.not_asked.events"],
    )?;
    writer.button("permission.button", link)?;
    writer.paragraph("permission.refuse")?;
    writer.paragraph("permission.days")?;
    writer.finish(match (attempt > 1, vacancy.is_some()) {
        (false, false) => "permission.subject",
        (false, true) => "permission.subject.vacancy",
        (true, false) => "permission.subject.again",
        (true, true) => "permission.subject.again.vacancy",
    })
}

/// A fresh link: because an old one was opened, or because the permission had ended.
pub fn fresh(writer: &mut Writer<'_>, link: &Url, reconnect: bool) -> Result<Draft, MailError> {
    let host = writer.fact("fact.host", &host(link))?;
    if reconnect {
        writer.paragraph("reconnect.intro")?;
        writer.paragraph("reconnect.stays")?;
        writer.push(Block::Facts(vec![host]));
        writer.button("reconnect.button", link)?;
        writer.paragraph("reconnect.end")?;
        return writer.finish("reconnect.subject");
    }
    writer.paragraph("fresh.intro")?;
    writer.push(Block::Facts(vec![host]));
    writer.button("fresh.button", link)?;
    writer.paragraph("fresh.end")?;
    writer.finish("fresh.subject")
}

/// Connected.
pub fn connected(writer: &mut Writer<'_>, calendar: &str, disconnect: &Url) -> Result<Draft, MailError> {
    writer.paragraph("connected.intro")?;
    let calendar = writer.fact("fact.calendar", calendar)?;
    writer.push(Block::Facts(vec![calendar]));
    writer.paragraph("connected.next")?;
    writer.link("connected.disconnect", disconnect)?;
    writer.paragraph("connected.not_you")?;
    writer.finish("connected.subject")
}

/// With its port where that is not the usual one, as browsers show it.
fn host(link: &Url) -> String {
    match (link.host_str(), link.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => link.to_string(),
    }
}
