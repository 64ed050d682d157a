//! The mails that Zoho would send to guests; they are only recorded.

use jiff::Timestamp;

use super::model::{Details, Event};
use crate::{journal::Mail, world::World};

/// What a mail tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Invitation,
    Update,
    Cancellation,
}

/// Records the mails about an event. `notify` is `notify_attendee`; Zoho's own default is to tell the guests.
pub(crate) fn send(world: &mut World, kind: Kind, event: &Event, details: &Details, notify: Option<i64>, now: Timestamp) {
    let notify = notify.unwrap_or(1);
    let mut to: Vec<&str> = details
        .attendees
        .iter()
        .map(|guest| guest.email.as_str())
        .filter(|email| !email.eq_ignore_ascii_case(&event.organizer))
        .filter(|email| {
            let external = world.accounts.user_by_email(email).is_none();
            notify >= 1 || (external && world.switches.notify_externals_always)
        })
        .collect();
    if notify == 2 {
        to.push(&event.organizer);
    }
    let kind = match kind {
        Kind::Invitation => "invitation",
        Kind::Update => "update",
        Kind::Cancellation => "cancellation",
    };
    for to in to {
        world.journal.record_mail(Mail {
            at: now,
            kind: kind.to_owned(),
            from: event.organizer.clone(),
            to: to.to_owned(),
            title: details.title.clone(),
            event_uid: event.uid.clone(),
        });
    }
}

/// Records what a change means to the guests before and after: invitations, updates and cancellations.
pub(crate) fn send_changed(
    world: &mut World,
    event: &Event,
    (before, after): (&Details, &Details),
    notify: Option<i64>,
    now: Timestamp,
) {
    let split = |list: &Details, other: &Details, stay: bool| {
        let mut kept = list.clone();
        kept.attendees.retain(|guest| other.attendees.iter().any(|known| known.email.eq_ignore_ascii_case(&guest.email)) == stay);
        kept
    };
    let (gone, came, stayed) = (split(before, after, false), split(after, before, false), split(after, before, true));
    // The organiser gets one mail, not three.
    let guests = notify.map(|notify| notify.min(1));
    send(world, Kind::Cancellation, event, &gone, guests, now);
    send(world, Kind::Invitation, event, &came, guests, now);
    send(world, Kind::Update, event, &stayed, notify, now);
}
