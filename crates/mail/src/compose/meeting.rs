//! What letters about an interview share: its facts, and its values for the texts.

use domain::vacancies::Place;
use ports::mail::{MailError, Meeting};
use url::Url;

use super::{
    draft::{Block, Fact, Writer},
    times,
};
use crate::clean;

/// Who reads the facts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// The manager: sees the candidate.
    Manager,
    /// The candidate: sees company and interviewer.
    Candidate,
    /// The recruiter: sees both.
    Recruiter,
}

/// Hands the interview's values to the texts: `vacancy`, `candidate`, `manager`, `when`.
pub fn values(writer: &mut Writer<'_>, meeting: &Meeting) -> Result<(), MailError> {
    writer.set("vacancy", &meeting.vacancy);
    writer.set("candidate", &meeting.candidate);
    writer.set("manager", &meeting.manager);
    let when = times::short(writer, meeting.range, &meeting.zone)?;
    writer.set("when", &when);
    Ok(())
}

/// The interview as a list of facts, `more` after them.
pub fn facts(writer: &mut Writer<'_>, meeting: &Meeting, reader: Reader, more: Vec<Fact>) -> Result<(), MailError> {
    let mut facts =
        vec![Fact { label: writer.say("fact.when")?, lines: times::lines(writer, meeting.range, &meeting.zone)?, url: None }];
    facts.extend(places(writer, meeting)?);
    if reader != Reader::Candidate {
        facts.push(writer.fact("fact.candidate", &meeting.candidate)?);
    }
    // Whoever interviews knows that they do, and sees with whom.
    if reader != Reader::Manager || !meeting.interviewers.is_empty() {
        let lines = std::iter::once(&meeting.manager).chain(&meeting.interviewers).map(|name| clean::line(name, clean::NAME));
        facts.push(Fact { label: writer.say("fact.manager")?, lines: lines.collect(), url: None });
    }
    facts.push(writer.fact("fact.vacancy", &meeting.vacancy)?);
    facts.push(writer.fact("fact.round", &meeting.round)?);
    if reader == Reader::Candidate {
        facts.push(writer.fact("fact.company", &writer.letter().company)?);
    }
    facts.extend(more);
    writer.push(Block::Facts(facts));
    Ok(())
}

/// Where, in one line, for the calendar.
pub fn location(writer: &Writer<'_>, meeting: &Meeting) -> Result<Option<String>, MailError> {
    Ok(match (&meeting.meeting_url, &meeting.place) {
        (_, Some(Place::Address(text) | Place::Url(text))) => Some(clean::line(text, clean::PLACE)),
        (Some(url), _) => Some(clean::line(url, clean::PLACE)),
        (None, Some(Place::ZohoMeeting)) => Some(writer.say("where.zoho_meeting")?),
        (None, None) => None,
    })
}

fn places(writer: &Writer<'_>, meeting: &Meeting) -> Result<Vec<Fact>, MailError> {
    let label = writer.say("fact.where")?;
    let mut facts = Vec::new();
    match &meeting.place {
        Some(Place::Address(text)) => facts.push(Fact { label, lines: vec![clean::line(text, clean::PLACE)], url: None }),
        Some(Place::Url(text)) => facts.push(leads_to(label, text)),
        Some(Place::ZohoMeeting) => facts.push(Fact { label, lines: vec![writer.say("where.zoho_meeting")?], url: None }),
        None if meeting.meeting_url.is_none() => facts.push(Fact { label, lines: vec![writer.say("where.open")?], url: None }),
        None => {}
    }
    if let Some(text) = &meeting.meeting_url {
        facts.push(leads_to(writer.say("fact.meeting")?, text));
    }
    Ok(facts)
}

/// An address on the web can be clicked only if it is one: what was stored may be anything.
fn leads_to(label: String, text: &str) -> Fact {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    Fact { label, lines: vec![clean::line(text, clean::PLACE)], url }
}
