//! A finished message as mail servers take it: headers and multipart/alternative (RFC 5322, 2045, 2046, 6047).
//!
//! The bytes depend on the message alone: the boundary is fixed, and safe because every part is quoted-printable, where `=_` cannot
//! occur (RFC 2045, section 6.7).

use domain::{EmailAddress, Timestamp, Zone};
use lettre::message::{
    Mailbox, MultiPart, SinglePart,
    header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
};
use ports::mail::{MailError, Message};

use crate::{Sender, clean, sender};

const BOUNDARY: &str = "=_greenroom_alternative";

/// The message with its envelope.
pub fn build(sender: &Sender, message: &Message) -> Result<lettre::Message, MailError> {
    let mut builder = lettre::Message::builder()
        .from(sender.mailbox().clone())
        .to(mailbox(&message.to_name, &message.to)?)
        .subject(clean::line(&message.subject, LONGEST_SUBJECT))
        .raw_header(fixed("Date", date(message.at)))
        .raw_header(fixed("Message-ID", format!("<{}>", checked_id(&message.message_id)?)))
        // Keeps out-of-office notices from answering (RFC 3834, section 5).
        .raw_header(fixed("Auto-Submitted", "auto-generated".to_owned()));
    if let Some(contact) = &message.reply_to {
        builder = builder.reply_to(mailbox("", contact)?);
    }
    let mut parts = MultiPart::alternative()
        .boundary(BOUNDARY)
        .singlepart(part("text/plain; charset=utf-8", &message.text)?)
        .singlepart(part("text/html; charset=utf-8", &message.html)?);
    if let Some((method, calendar)) = &message.calendar {
        if !matches!(method.as_str(), "REQUEST" | "CANCEL") {
            return Err(refused(&format!(
                "its calendar part has the method `{}`, which is not REQUEST or CANCEL",
                clean::line(method, 20)
            )));
        }
        parts = parts.singlepart(part(&format!("text/calendar; charset=utf-8; method={method}"), calendar)?);
    }
    builder.multipart(parts).map_err(|error| refused(&error.to_string()))
}

/// Longest subject line, in characters; longer ones are cut.
const LONGEST_SUBJECT: usize = 400;

/// Our own Message-ID (RFC 5322, section 3.6.4, without angle brackets), in characters that are also safe in a file name. The brackets and
/// colons are those of an IPv6 address in place of a domain.
pub fn checked_id(id: &str) -> Result<&str, MailError> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-+=$@[]:".contains(letter);
    let whole = id.len() <= 200 && id.starts_with(|letter: char| letter.is_ascii_alphanumeric()) && id.chars().all(allowed);
    let halves = id.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty() && !right.contains('@'));
    if whole && halves { Ok(id) } else { Err(refused(&format!("`{}` is not a Message-ID", clean::line(id, 100)))) }
}

fn mailbox(name: &str, email: &EmailAddress) -> Result<Mailbox, MailError> {
    let name = clean::line(name, clean::NAME);
    Ok(Mailbox::new((!name.is_empty()).then_some(name), sender::address(email)?))
}

fn part(kind: &str, text: &str) -> Result<SinglePart, MailError> {
    let kind = ContentType::parse(kind).map_err(|error| refused(&error.to_string()))?;
    Ok(SinglePart::builder().content_type(kind).header(ContentTransferEncoding::QuotedPrintable).body(text.to_owned()))
}

/// A header whose value needs no encoding and must not be folded.
fn fixed(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), value.clone(), value)
}

/// `Tue, 01 Dec 2026 13:00:00 +0000` (RFC 5322, section 3.3). Nothing was written before 1970, which is as far back as mail libraries read.
fn date(at: Timestamp) -> String {
    Zone::utc().wall_clock(at.max(Timestamp::UNIX_EPOCH)).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

fn refused(why: &str) -> MailError {
    MailError::Refused(format!("the message could not be made: {why}; this is a fault in Greenroom, please report it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_ids_are_checked() {
        for good in ["booked.itv_0198f2.3@greenroom.example.com", "a@b", "A1-x+y=z$@example.com", "booked.1@[::1]"] {
            assert_eq!(checked_id(good), Ok(good));
        }
        for bad in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "<a@b>",
            "a b@c",
            "a@b\r\nBcc: c@d",
            "../a@b",
            ".a@b",
            "a/b@c",
            "ä@b",
            &format!("{}@b", "a".repeat(300)),
        ] {
            assert!(checked_id(bad).is_err(), "{bad}");
        }
    }
}
