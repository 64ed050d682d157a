//! The calendar part of a message: one VEVENT in iCalendar (RFC 5545) with a method of iTIP (RFC 5546).
//!
//! Times are written in UTC (RFC 5545, section 3.3.5, form 2): every calendar shows them in its owner's zone, and there is no VTIMEZONE
//! that a program could misread. `RSVP=FALSE`, because answers are given on the page in the mail and not by calendar reply.

use domain::{Timestamp, Zone};
use icalendar::{Calendar, Component, Event, EventLike, Property};
use ports::mail::{Addressee, Invite, MailError, Meeting};
use url::Url;

use crate::{Sender, clean, sender};

/// Longest UID that other programs are known to keep, in characters.
const LONGEST_UID: usize = 250;

/// What the calendar shows.
pub struct Texts {
    /// The title.
    pub summary: String,
    /// What it is about; lines end with `\n`.
    pub description: String,
    /// The organizer's name.
    pub company: String,
    /// Where.
    pub location: Option<String>,
    /// The page that changes it.
    pub page: Option<Url>,
}

/// The method and the text of the calendar part.
pub fn write(
    sender: &Sender,
    to: &Addressee,
    texts: &Texts,
    meeting: &Meeting,
    invite: &Invite,
) -> Result<(String, String), MailError> {
    let method = if invite.cancel { "CANCEL" } else { "REQUEST" };
    let attendee = sender::address(&to.email)?;
    let mut event = Event::new();
    event
        .add_property("UID", clean::line(&invite.uid, LONGEST_UID))
        .add_property("SEQUENCE", invite.sequence.max(0).to_string())
        .add_property("DTSTAMP", utc(invite.stamp))
        .add_property("DTSTART", utc(meeting.range.start()))
        .add_property("DTEND", utc(meeting.range.end()))
        .add_property("SUMMARY", &texts.summary)
        .add_property("DESCRIPTION", &texts.description)
        .add_property("STATUS", if invite.cancel { "CANCELLED" } else { "CONFIRMED" })
        .add_property("TRANSP", if invite.cancel { "TRANSPARENT" } else { "OPAQUE" });
    let mut organizer = Property::new("ORGANIZER", mailto(sender.address()));
    name(&mut organizer, &texts.company);
    event.append_property(organizer);
    let mut participant = Property::new("ATTENDEE", mailto(attendee.as_ref()));
    participant.add_parameter("CUTYPE", "INDIVIDUAL");
    participant.add_parameter("ROLE", "REQ-PARTICIPANT");
    participant.add_parameter("PARTSTAT", "NEEDS-ACTION");
    participant.add_parameter("RSVP", "FALSE");
    name(&mut participant, &to.name);
    event.append_multi_property(participant);
    if let Some(location) = &texts.location {
        event.location(location);
    }
    if let Some(page) = &texts.page {
        event.url(page.as_str());
    }
    let mut calendar = Calendar::empty();
    for (key, value) in
        [("PRODID", "-//Greenroom//Greenroom//EN"), ("VERSION", "2.0"), ("CALSCALE", "GREGORIAN"), ("METHOD", method)]
    {
        calendar.append_property((key, value));
    }
    calendar.push(event);
    let text = calendar.to_string();
    Ok((method.to_owned(), fold(&text.replace("\r\n ", ""))))
}

/// `20261201T130000Z`
fn utc(at: Timestamp) -> String {
    Zone::utc().wall_clock(at).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The display name. A parameter's value may hold anything but `"` and control characters (RFC 5545, section 3.2).
fn name(property: &mut Property, name: &str) {
    let name = clean::line(name, clean::NAME).replace('"', "'");
    if !name.is_empty() {
        property.add_parameter("CN", &name);
    }
}

/// An address as a URI (RFC 6068): what has a meaning there is escaped.
fn mailto(address: &str) -> String {
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"!$'*+-./=@_~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    format!("mailto:{}", address.bytes().map(escaped).collect::<String>())
}

/// Folds lines at 75 octets (RFC 5545, section 3.1), never inside a character. The crate that writes the calendar lets the last piece of
/// a line have 76.
fn fold(text: &str) -> String {
    const LONGEST: usize = 75;
    let mut folded = String::with_capacity(text.len() + text.len() / 30);
    for line in text.split_terminator("\r\n") {
        let mut octets = 0;
        for letter in line.chars() {
            if octets + letter.len_utf8() > LONGEST {
                folded.push_str("\r\n ");
                octets = 1;
            }
            folded.push(letter);
            octets += letter.len_utf8();
        }
        folded.push_str("\r\n");
    }
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_75_octets_at_most_and_characters_stay_whole() {
        for text in ["x".repeat(500), "é".repeat(300), "🙂".repeat(200), format!("{}é", "x".repeat(74)), "x".repeat(150)] {
            let folded = fold(&format!("{text}\r\n"));
            assert!(folded.split("\r\n").all(|line| line.len() <= 75), "{folded}");
            assert_eq!(folded.replace("\r\n ", ""), format!("{text}\r\n"));
        }
        assert_eq!(fold("SUMMARY:a\r\n"), "SUMMARY:a\r\n");
    }

    #[test]
    fn addresses_are_uris() {
        assert_eq!(mailto("ana+hr@example.com"), "mailto:ana+hr@example.com");
        assert_eq!(mailto("a%b?c&d;e@example.com"), "mailto:a%25b%3Fc%26d%3Be@example.com");
        assert_eq!(mailto("josé@example.com"), "mailto:jos%C3%A9@example.com");
    }
}
