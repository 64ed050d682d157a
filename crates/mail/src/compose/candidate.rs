//! Letters to the candidate.

use ports::mail::{MailError, Meeting};
use url::Url;

use super::{
    draft::{Draft, Writer},
    meeting::{self, Reader},
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
