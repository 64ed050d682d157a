//! Letters to the candidate.

use domain::Timestamp;
use ports::mail::{MailError, Meeting};
use url::Url;

use super::{
    draft::{Draft, Writer},
    meeting::{self, Reader},
    times,
};

/// Invited.
pub fn invitation(writer: &mut Writer<'_>, meeting: &Meeting, page: &Url) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph("invitation.intro")?;
    meeting::facts(writer, meeting, Reader::Candidate, Vec::new())?;
    writer.button("invitation.button", page)?;
    zone_note(writer)?;
    writer.paragraph("invitation.calendar")?;
    writer.finish("invitation.subject")
}

/// A new time.
pub fn moved(writer: &mut Writer<'_>, meeting: &Meeting, page: &Url) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph("invitation_moved.intro")?;
    meeting::facts(writer, meeting, Reader::Candidate, Vec::new())?;
    writer.button("invitation_moved.button", page)?;
    zone_note(writer)?;
    writer.paragraph("invitation_moved.calendar")?;
    writer.finish("invitation_moved.subject")
}

/// Pick a time, or a reminder to.
pub fn choice(
    writer: &mut Writer<'_>,
    names: &[(&'static str, &str)],
    minutes: i64,
    page: &Url,
    until: Timestamp,
    reminder: i64,
) -> Result<Draft, MailError> {
    for (name, value) in names {
        writer.set(name, value);
    }
    writer.set("minutes", &minutes.to_string());
    let day = times::day(writer, until)?;
    writer.set("until", &day);
    writer.paragraph(if reminder == 0 { "choice.intro" } else { "choice.reminder.intro" })?;
    writer.paragraph("choice.how")?;
    writer.button("choice.button", page)?;
    writer.paragraph("choice.until")?;
    writer.finish(if reminder == 0 { "choice.subject" } else { "choice.reminder.subject" })
}

/// Whoever stated no zone reads the interview's, and the page knows theirs.
fn zone_note(writer: &mut Writer<'_>) -> Result<(), MailError> {
    if writer.letter().to.zone.is_none() { writer.paragraph("candidate.zone") } else { Ok(()) }
}

/// Cancelled.
pub fn cancelled(writer: &mut Writer<'_>, meeting: &Meeting) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    writer.paragraph("invitation_cancelled.intro")?;
    meeting::facts(writer, meeting, Reader::Candidate, Vec::new())?;
    writer.paragraph("invitation_cancelled.end")?;
    writer.finish("invitation_cancelled.subject")
}

/// A reminder.
pub fn reminder(writer: &mut Writer<'_>, meeting: &Meeting, hours: i64, page: &Url) -> Result<Draft, MailError> {
    meeting::values(writer, meeting)?;
    let hours = writer.count("hours", hours)?;
    writer.set("hours", &hours);
    writer.paragraph("reminder.candidate.intro")?;
    meeting::facts(writer, meeting, Reader::Candidate, Vec::new())?;
    writer.button("reminder.candidate.button", page)?;
    writer.paragraph("reminder.candidate.cannot")?;
    writer.finish("reminder.candidate.subject")
}
