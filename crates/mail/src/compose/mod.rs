//! From a letter's facts to a finished message. Pure: the same letter gives the same bytes.
//!
//! Each kind of letter has a function that says what it says, as [`Block`](draft::Block)s with texts from the message file; `plain` and
//! `html` show the same blocks, so that the two can never say different things.

mod alerts;
mod candidate;
mod draft;
mod html;
mod manager;
mod meeting;
mod permission;
mod plain;
mod reason;
mod recruiter;
mod times;

use ports::mail::{Body, Invite, Letter, MailError, Meeting, Message};

use crate::{Sender, clean, invite};
use draft::{Block, Draft, Writer};

/// Characters of a checkpoint's line at most.
const CHECKPOINT: usize = 1000;

/// Makes the message. `sender` is the organizer of invitations.
pub fn compose(sender: &Sender, letter: &Letter) -> Result<Message, MailError> {
    let mut writer = Writer::new(letter);
    let draft = write(&mut writer, &letter.body)?;
    let calendar = match calendar_part(&letter.body) {
        Some((meeting, part, for_manager)) => {
            Some(invite::write(sender, &letter.to, &invite_texts(&writer, meeting, &letter.body, for_manager)?, meeting, part)?)
        }
        None => None,
    };
    Ok(Message {
        message_id: letter.message_id.clone(),
        to: letter.to.email.clone(),
        to_name: clean::line(&letter.to.name, clean::NAME),
        reply_to: letter.reply_to.clone(),
        at: letter.at,
        text: plain::render(&draft),
        html: html::render(&draft)?,
        subject: draft.subject,
        calendar,
    })
}

fn write(writer: &mut Writer<'_>, body: &Body) -> Result<Draft, MailError> {
    match body {
        Body::PermissionRequest { vacancy, asked_by, link, attempt, days } => {
            permission::request(writer, vacancy.as_deref(), asked_by, link, *attempt, *days)
        }
        Body::FreshPermissionLink { link, reconnect } => permission::fresh(writer, link, *reconnect),
        Body::Connected { calendar, disconnect } => permission::connected(writer, calendar, disconnect),
        Body::Booked { meeting, event, cannot, invite } => {
            manager::booked(writer, meeting, event.as_ref(), cannot, invite.is_some())
        }
        Body::Moved { meeting, event, cannot, invite } => manager::moved(writer, meeting, event.as_ref(), cannot, invite.is_some()),
        Body::Cancelled { meeting, why, invite } => manager::cancelled(writer, meeting, why, invite.is_some()),
        Body::Invitation { meeting, page, .. } => candidate::invitation(writer, meeting, page),
        Body::InvitationMoved { meeting, page, .. } => candidate::moved(writer, meeting, page),
        Body::InvitationCancelled { meeting, .. } => candidate::cancelled(writer, meeting),
        Body::Reminder { meeting, hours, page, to_manager: true } => manager::reminder(writer, meeting, *hours, page),
        Body::Reminder { meeting, hours, page, to_manager: false } => candidate::reminder(writer, meeting, *hours, page),
        Body::FeedbackRequest { meeting, form, nag } => manager::feedback(writer, meeting, form, *nag),
        Body::Proposal { meeting, page, connect } => manager::proposal(writer, meeting, page, connect),
        Body::Choice { vacancy, round, manager, minutes, page, until, reminder } => candidate::choice(
            writer,
            &[("vacancy", vacancy), ("round", round), ("manager", manager)],
            *minutes,
            page,
            *until,
            *reminder,
        ),
        Body::Summary { vacancy, meetings, unplaced, page } => recruiter::summary(writer, vacancy, meetings, unplaced, page),
        Body::Result { meeting, answers, page } => recruiter::result(writer, meeting, answers, page),
        Body::Alerts { sections, page } => alerts::alerts(writer, sections, page),
        Body::Attention { subject, code, page } => recruiter::attention(writer, subject, code, page),
        Body::Checkpoint { lines, json } => checkpoint(writer, *lines, json),
    }
}

/// A checkpoint of the audit log. Its line stands alone, so that it can be copied as it is.
fn checkpoint(writer: &mut Writer<'_>, lines: i64, json: &str) -> Result<Draft, MailError> {
    writer.set("lines", &lines.to_string());
    writer.paragraph("checkpoint.intro")?;
    writer.push(Block::Paragraph(clean::line(json, CHECKPOINT)));
    writer.paragraph("checkpoint.use")?;
    writer.finish("checkpoint.subject")
}

/// The interview, its calendar part, and whether the reader is the manager.
fn calendar_part(body: &Body) -> Option<(&Meeting, &Invite, bool)> {
    match body {
        Body::Booked { meeting, invite, .. } | Body::Moved { meeting, invite, .. } | Body::Cancelled { meeting, invite, .. } => {
            invite.as_ref().map(|invite| (meeting, invite, true))
        }
        Body::Invitation { meeting, invite, .. }
        | Body::InvitationMoved { meeting, invite, .. }
        | Body::InvitationCancelled { meeting, invite } => Some((meeting, invite, false)),
        _ => None,
    }
}

/// What the calendar shows: the title, what it is about, and the page that changes it.
fn invite_texts(writer: &Writer<'_>, meeting: &Meeting, body: &Body, for_manager: bool) -> Result<invite::Texts, MailError> {
    let mut description: Vec<String> = Vec::new();
    for (key, value) in [
        ("fact.vacancy", &meeting.vacancy),
        ("fact.round", &meeting.round),
        ("fact.candidate", &meeting.candidate),
        ("fact.manager", &meeting.manager),
    ] {
        description.push(format!("{}: {}", writer.say(key)?, clean::line(value, clean::NAME)));
    }
    let page = match body {
        Body::Booked { cannot: page, .. }
        | Body::Moved { cannot: page, .. }
        | Body::Invitation { page, .. }
        | Body::InvitationMoved { page, .. } => Some(page),
        _ => None,
    };
    if let Some(page) = page {
        description.push(format!("{}: {page}", writer.say("invite.manage")?));
    }
    Ok(invite::Texts {
        summary: writer.say(if for_manager { "invite.summary.manager" } else { "invite.summary.candidate" })?,
        description: description.join("\n"),
        company: clean::line(&writer.letter().company, clean::NAME),
        location: meeting::location(writer, meeting)?,
        page: page.cloned(),
    })
}
