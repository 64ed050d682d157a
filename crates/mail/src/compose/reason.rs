//! Reason codes as sentences.

use ports::mail::MailError;

use super::draft::Writer;
use crate::clean;

/// The sentence for a code. A code that the message file does not know yet is named in a general sentence.
pub fn sentence(writer: &Writer<'_>, code: &str) -> Result<String, MailError> {
    let key = format!("reason.{code}");
    // `reason.unknown` asks for the code itself, so it is no sentence for a code of that name.
    if code != "unknown" && writer.has(&key) {
        writer.say(&key)
    } else {
        writer.say_with("reason.unknown", [("code", clean::line(code, clean::IN_SUBJECT))])
    }
}
