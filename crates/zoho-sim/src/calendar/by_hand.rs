//! What people do in their calendars without the API: events made, changed and deleted by the owner's hand.

use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;

use super::{
    errors::Refusal,
    events_delete,
    input::{EventInput, Meaning, flag, text},
    model::{Calendar, Details, Event},
    series, webhooks,
};
use crate::{accounts::User, world::World};

/// Why something could not be done by hand.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ByHandError {
    /// Nobody has this address.
    #[error("there is no user {0}")]
    NoUser(String),
    /// No such calendar of this user.
    #[error("{0} has no calendar {1}")]
    NoCalendar(String, String),
    /// No such event in any calendar of this user.
    #[error("{0} has no event {1}")]
    NoEvent(String, String),
    /// The event is not one that Zoho would take.
    #[error("{0}")]
    Refused(String),
}

impl From<Refusal> for ByHandError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(format!("{}: {}", refusal.code, refusal.message))
    }
}

impl World {
    /// An event that `organizer` (address, name) makes now; it still has to be put into a calendar.
    pub(crate) fn new_event(
        &mut self,
        (email, name): (&str, &str),
        details: Details,
        rrule: Option<String>,
        now: Timestamp,
    ) -> Event {
        Event {
            uid: format!("{}@zoho.com", self.ids.hex(32)),
            id: self.ids.number(2_000_000_000_000),
            details,
            rrule,
            exceptions: std::collections::BTreeMap::new(),
            organizer: email.to_owned(),
            organizer_name: name.to_owned(),
            created_by: email.to_owned(),
            modified_by: email.to_owned(),
            created: now,
            modified: now,
            etag: now.as_millisecond(),
            visible_from: now + jiff::SignedDuration::from_secs(self.switches.create_invisible_s),
            readable_until: None,
        }
    }

    /// Adds an event to a calendar of this user, the default one if none is named. `event` has the keys of `eventdata`,
    /// and may name an `organizer`, a `uid`, and be `tentative`. Returns its uid.
    pub fn add_by_hand(
        &mut self,
        email: &str,
        calendar: Option<&str>,
        event: Value,
        now: Timestamp,
    ) -> Result<String, ByHandError> {
        let owner = self.user_named(email)?;
        let calendar = self.calendar_named(&owner, calendar)?;
        let (uid, zone) = (calendar.uid.clone(), calendar.timezone.clone());
        let (event, extras) = extras(event)?;
        let input = EventInput::read(event, true)?;
        let mut details = input.details(None, Meaning { zone: &zone, allday_end: self.switches.allday_end })?;
        details.tentative = extras.tentative.unwrap_or(false);
        let rrule = input.rule(&details.when)?;
        let name = owner.display_name();
        let mut made = self.new_event((&owner.email, &name), details, rrule, now);
        made.visible_from = now;
        if let Some(organizer) = extras.organizer {
            organizer.split('@').next().unwrap_or_default().clone_into(&mut made.organizer_name);
            made.organizer = organizer;
        }
        if let Some(chosen) = input.uid {
            made.uid = chosen;
        }
        let euid = made.uid.clone();
        webhooks::changed(self, "newEvent", &uid, &made);
        self.put_back(&uid, made, now);
        Ok(euid)
    }

    /// Changes an event of this user; `event` has the changed keys of `eventdata`, and may name a `recurrenceid` to
    /// change one occurrence.
    pub fn change_by_hand(&mut self, email: &str, euid: &str, event: Value, now: Timestamp) -> Result<(), ByHandError> {
        let owner = self.user_named(email)?;
        let (uid, mut stored) = self.event_named(&owner, euid)?;
        let (event, extras) = extras(event)?;
        let input = EventInput::read(event, false)?;
        let zone = stored.details.when.zone_name().to_owned();
        let meaning = Meaning { zone: &zone, allday_end: self.switches.allday_end };
        if let Some(recurrence_id) = &input.recurrence_id {
            let none = || ByHandError::NoEvent(owner.email.clone(), format!("{euid} at {recurrence_id}"));
            let instance = stored.occurrence(recurrence_id).ok_or_else(none)?;
            let old = Details { when: instance.when.clone(), ..instance.details.clone() };
            let mut details = input.details(Some(&old), meaning)?;
            details.tentative = extras.tentative.unwrap_or(details.tentative);
            series::except(&mut stored, recurrence_id, details);
        } else {
            let mut details = input.details(Some(&stored.details), meaning)?;
            details.tentative = extras.tentative.unwrap_or(details.tentative);
            let rule = if input.has("rrule") { input.rule(&details.when)? } else { stored.rrule.clone() };
            series::replace(&mut stored, details, rule);
        }
        stored.touch(&owner.email, now);
        webhooks::changed(self, "editEvent", &uid, &stored);
        self.put_back(&uid, stored, now);
        Ok(())
    }

    /// Deletes an event of this user, or one occurrence of a series.
    pub fn delete_by_hand(
        &mut self,
        email: &str,
        euid: &str,
        recurrence_id: Option<&str>,
        now: Timestamp,
    ) -> Result<(), ByHandError> {
        let owner = self.user_named(email)?;
        let (uid, mut stored) = self.event_named(&owner, euid)?;
        match recurrence_id {
            None => events_delete::remove(self, &uid, euid, now),
            Some(recurrence_id) => {
                if stored.occurrence(recurrence_id).is_none() {
                    return Err(ByHandError::NoEvent(owner.email, format!("{euid} at {recurrence_id}")));
                }
                series::delete(&mut stored, recurrence_id);
                stored.touch(&owner.email, now);
                self.put_back(&uid, stored, now);
            }
        }
        webhooks::deleted(self, &uid, euid);
        Ok(())
    }

    pub(crate) fn user_named(&self, email: &str) -> Result<User, ByHandError> {
        let user = self.accounts.user_by_email(email).cloned();
        user.ok_or_else(|| ByHandError::NoUser(email.to_owned()))
    }

    pub(crate) fn calendar_named(&self, owner: &User, uid: Option<&str>) -> Result<&Calendar, ByHandError> {
        let found = match uid {
            None => self.calendars.default_of(owner.zuid),
            Some(uid) => self.calendars.get(uid).filter(|calendar| calendar.owner == owner.zuid),
        };
        let named = || ByHandError::NoCalendar(owner.email.clone(), uid.unwrap_or("by default").to_owned());
        found.ok_or_else(named)
    }

    fn event_named(&self, owner: &User, euid: &str) -> Result<(String, Event), ByHandError> {
        let mut events = self
            .calendars
            .owned_by(owner.zuid)
            .into_iter()
            .filter_map(|calendar| calendar.events.get(euid).map(|event| (calendar.uid.clone(), event.clone())));
        let alive = events.find(|(_, event)| event.is_alive());
        alive.ok_or_else(|| ByHandError::NoEvent(owner.email.clone(), euid.to_owned()))
    }

    pub(crate) fn put_back(&mut self, uid: &str, event: Event, now: Timestamp) {
        if let Some(calendar) = self.calendars.get_mut(uid) {
            calendar.graves.remove(&event.uid);
            calendar.events.insert(event.uid.clone(), event);
            calendar.touch(now);
        }
    }
}

/// Keys that only a hand may set.
struct Extras {
    organizer: Option<String>,
    tentative: Option<bool>,
}

fn extras(event: Value) -> Result<(Value, Extras), ByHandError> {
    let mut object: Map<String, Value> = match event {
        Value::Object(object) => object,
        _ => return Err(ByHandError::Refused("the event must be a JSON object".to_owned())),
    };
    let extras = Extras { organizer: text(&object, "organizer")?, tentative: flag(&object, "tentative")? };
    object.remove("organizer");
    object.remove("tentative");
    Ok((Value::Object(object), extras))
}
