//! Letters to the manager about an interview.

use ports::mail::{MailError, Meeting};
use url::Url;

use super::{
    draft::{Draft, Fact, Writer},
    meeting::{self, Reader},
};
use crate::clean;

/// Longest reason for a cancellation, in characters.
const LONGEST_WHY: usize = 1000;

/// Booked.
pub fn booked(
    writer: &mut Writer<'_>,
    meeting: &Meeting,
    event: Option<&Url>,
    cannot: &Url,
    by_mail: bool,
) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph(intro(meeting, by_mail, ["booked.intro", "booked.intro.invite", "booked.intro.beside"]))?;
    interview(writer, meeting, event, cannot)?;
    writer.finish("booked.subject")
}

/// Moved.
pub fn moved(
    writer: &mut Writer<'_>,
    meeting: &Meeting,
    event: Option<&Url>,
    cannot: &Url,
    by_mail: bool,
) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph(intro(meeting, by_mail, ["moved.intro", "moved.intro.invite", "moved.intro.beside"]))?;
    interview(writer, meeting, event, cannot)?;
    writer.finish("moved.subject")
}

/// Which of three texts: the event is in the reader's calendar; nobody's calendar could be written; or it is in the calendar of whoever
/// leads, and the reader sits beside them. (Where several interview, a calendar is always written.)
const fn intro(meeting: &Meeting, by_mail: bool, [written, by_invitation, beside]: [&'static str; 3]) -> &'static str {
    match (by_mail, meeting.interviewers.is_empty()) {
        (false, _) => written,
        (true, true) => by_invitation,
        (true, false) => beside,
    }
}

fn interview(writer: &mut Writer<'_>, meeting: &Meeting, event: Option<&Url>, cannot: &Url) -> Result<(), MailError> {
    meeting::facts(writer, meeting, Reader::Manager, Vec::new())?;
    if let Some(event) = event {
        writer.button("manager.event", event)?;
    }
    writer.link("manager.cannot", cannot)
}

/// Cancelled.
pub fn cancelled(writer: &mut Writer<'_>, meeting: &Meeting, why: &str, by_mail: bool) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph(intro(meeting, by_mail, ["cancelled.intro", "cancelled.intro.invite", "cancelled.intro.beside"]))?;
    let why = clean::lines(why, LONGEST_WHY);
    let reason = Fact { label: writer.say("fact.why")?, lines: why.lines().map(str::to_owned).collect(), url: None };
    meeting::facts(writer, meeting, Reader::Manager, if why.is_empty() { Vec::new() } else { vec![reason] })?;
    writer.finish("cancelled.subject")
}

/// A reminder.
pub fn reminder(writer: &mut Writer<'_>, meeting: &Meeting, hours: i64, page: &Url) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    let hours = writer.count("hours", hours)?;
    writer.set("hours", &hours);
    writer.paragraph("reminder.manager.intro")?;
    meeting::facts(writer, meeting, Reader::Manager, Vec::new())?;
    writer.button("reminder.manager.button", page)?;
    writer.paragraph("reminder.manager.cannot")?;
    writer.finish("reminder.manager.subject")
}

/// Proposes a provisional time.
pub fn proposal(writer: &mut Writer<'_>, meeting: &Meeting, page: &Url, connect: &Url) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph("proposal.intro")?;
    meeting::facts(writer, meeting, Reader::Manager, Vec::new())?;
    writer.paragraph("proposal.why")?;
    writer.button("proposal.button", page)?;
    writer.link("proposal.connect", connect)?;
    writer.finish("proposal.subject")
}

/// Asks for feedback, or asks again.
pub fn feedback(writer: &mut Writer<'_>, meeting: &Meeting, form: &Url, nag: u32) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph(if nag == 0 { "feedback.intro" } else { "feedback.again" })?;
    meeting::facts(writer, meeting, Reader::Manager, Vec::new())?;
    writer.button("feedback.button", form)?;
    writer.paragraph("feedback.end")?;
    writer.finish(if nag == 0 { "feedback.subject" } else { "feedback.subject.again" })
}
