//! The nouns of Calendar: calendars, events, their exceptions, and who may do what.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::times;
use crate::{accounts::UserId, ids::Ids};

/// What a user may do with somebody else's calendar, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privilege {
    /// Only free/busy times.
    Freebusy,
    /// Read.
    View,
    /// Read and write.
    Edit,
    /// Read and write, on behalf of the owner.
    Delegate,
    /// It is theirs.
    Owner,
}

/// Which list a calendar stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The user's own.
    #[default]
    Own,
    /// Of a group.
    Group,
    /// Fed by another Zoho app.
    App,
}

/// One calendar with its events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Calendar {
    /// 32 hex digits.
    pub uid: String,
    /// The numeric id beside the uid.
    pub id: u64,
    /// Whose it is.
    pub owner: UserId,
    /// The data centre it lives in.
    pub dc: String,
    /// Shown name.
    pub name: String,
    /// `#rrggbb`.
    pub color: String,
    /// `#rrggbb`.
    pub text_color: String,
    /// Free text.
    pub description: String,
    /// As it was stored; old calendars carry short names such as `PST`.
    pub timezone: String,
    /// Which list it stands in.
    pub category: Category,
    /// Whether its events count as busy in free/busy.
    pub include_infreebusy: bool,
    /// `disable`, `freebusy` or `view`.
    pub public: String,
    /// The owner's default calendar.
    pub is_default: bool,
    /// Grows by at least one with every change of the content; milliseconds of the epoch.
    pub ctag: i64,
    /// When it was made.
    pub created: Timestamp,
    /// When its settings or content changed last.
    pub modified: Timestamp,
    /// Who else may use it.
    pub shares: BTreeMap<UserId, Privilege>,
    /// Its events by uid.
    pub events: BTreeMap<String, Event>,
    /// Uids of events that are gone for good.
    pub graves: BTreeSet<String>,
}

/// When something is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// From an instant to an instant.
    Timed {
        /// Start.
        start: Timestamp,
        /// End, not before the start.
        end: Timestamp,
        /// The zone its wall-clock time is kept in.
        zone: String,
    },
    /// Whole days.
    AllDay {
        /// First day.
        first: Date,
        /// Last day, included.
        last: Date,
        /// The zone of these days.
        zone: String,
    },
}

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attendee {
    /// Address.
    pub email: String,
    /// `NEEDS-ACTION`, `ACCEPTED`, `DECLINED` or `TENTATIVE`.
    pub status: String,
    /// 0 non-participant, 1 required, 2 optional.
    pub attendance: i64,
    /// 0 guest, 1 view, 2 invite, 3 edit.
    pub permission: i64,
}

/// A reminder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminder {
    /// `email`, `popup` or `notification`.
    pub action: String,
    /// Minutes from the start; negative is before.
    pub minutes: i64,
}

/// What can be set about an event, and what an exception of a series may have of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are the independent ticks of Zoho's own form")]
pub struct Details {
    /// When.
    pub when: When,
    /// Title.
    pub title: String,
    /// Text.
    pub description: String,
    /// Place.
    pub location: String,
    /// Link.
    pub url: String,
    /// `#rrggbb` or empty.
    pub color: String,
    /// Hidden from those who may only read the calendar.
    pub private: bool,
    /// Does not count as busy.
    pub free: bool,
    /// Not certain yet.
    pub tentative: bool,
    /// Guests.
    pub attendees: Vec<Attendee>,
    /// Reminders.
    pub reminders: Vec<Reminder>,
    /// `zmeeting` if there is a conference.
    pub conference: Option<String>,
    /// Whether guests may forward it.
    pub allow_forwarding: bool,
}

/// One occurrence of a series that differs from its rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exception {
    /// It does not take place.
    Deleted,
    /// It takes place with these details.
    Changed(Box<Details>),
}

/// An event, or the master of a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `<32 hex>@zoho.com`, or what an import brought.
    pub uid: String,
    /// The numeric id beside the uid.
    pub id: u64,
    /// What can be set.
    pub details: Details,
    /// The rule of a series.
    pub rrule: Option<String>,
    /// By `recurrenceid`: the start that the rule gives, in UTC, or the day of an all-day event.
    pub exceptions: BTreeMap<String, Exception>,
    /// Address of the organiser.
    pub organizer: String,
    /// Their name.
    pub organizer_name: String,
    /// Address of whoever made it.
    pub created_by: String,
    /// Address of whoever changed it last.
    pub modified_by: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it changed last.
    pub modified: Timestamp,
    /// Grows by at least one with every change; milliseconds of the epoch.
    pub etag: i64,
    /// When lists and GET begin to show it (switch `create_invisible_s`).
    pub visible_from: Timestamp,
    /// Set once it is deleted but still readable (switch `delete_readable_s`).
    pub readable_until: Option<Timestamp>,
}

impl When {
    /// The zone it is kept in.
    pub fn zone_name(&self) -> &str {
        match self {
            Self::Timed { zone, .. } | Self::AllDay { zone, .. } => zone,
        }
    }

    /// The zone it is kept in.
    pub fn zone(&self) -> TimeZone {
        times::stored_zone(self.zone_name())
    }

    /// Whether it is whole days.
    pub fn is_all_day(&self) -> bool {
        matches!(self, Self::AllDay { .. })
    }

    /// Start and end as instants.
    pub fn span(&self) -> (Timestamp, Timestamp) {
        match self {
            Self::Timed { start, end, .. } => (*start, *end),
            Self::AllDay { first, last, .. } => {
                let zone = self.zone();
                (times::start_of(*first, &zone), times::start_of(times::next_day(*last), &zone))
            }
        }
    }

    /// The `recurrenceid` of an occurrence at this time.
    pub fn recurrence_id(&self) -> String {
        match self {
            Self::Timed { start, .. } => times::utc(*start),
            Self::AllDay { first, .. } => times::day(*first),
        }
    }

    /// How long it is, as an exact duration.
    pub fn duration(&self) -> SignedDuration {
        let (start, end) = self.span();
        end.duration_since(start)
    }
}

impl Event {
    /// Whether lists and GET show it at `now`.
    pub fn is_readable(&self, now: Timestamp) -> bool {
        self.visible_from <= now && self.readable_until.is_none_or(|until| now < until)
    }

    /// Whether it is still there to be changed.
    pub fn is_alive(&self) -> bool {
        self.readable_until.is_none()
    }

    /// Marks a change: a new etag, greater than the one before even if the clock stands still.
    pub fn touch(&mut self, by: &str, now: Timestamp) {
        self.etag = (self.etag + 1).max(now.as_millisecond());
        self.modified = now;
        by.clone_into(&mut self.modified_by);
    }
}

impl Calendar {
    /// A calendar with Zoho's usual settings.
    pub(crate) fn new(owner: UserId, dc: &str, name: &str, timezone: &str, ids: &mut Ids, now: Timestamp) -> Self {
        Self {
            uid: ids.hex(32),
            id: ids.number(2_000_000_000_000),
            owner,
            dc: dc.to_owned(),
            name: name.to_owned(),
            color: "#8cbf40".to_owned(),
            text_color: "#ffffff".to_owned(),
            description: String::new(),
            timezone: timezone.to_owned(),
            category: Category::Own,
            include_infreebusy: true,
            public: "disable".to_owned(),
            is_default: false,
            ctag: now.as_millisecond(),
            created: now,
            modified: now,
            shares: BTreeMap::new(),
            events: BTreeMap::new(),
            graves: BTreeSet::new(),
        }
    }

    /// What `user` may do here; `None` if they do not even see it.
    pub fn privilege_of(&self, user: UserId) -> Option<Privilege> {
        if self.owner == user { Some(Privilege::Owner) } else { self.shares.get(&user).copied() }
    }

    /// Marks a change of the content or the settings.
    pub fn touch(&mut self, now: Timestamp) {
        self.ctag = (self.ctag + 1).max(now.as_millisecond());
        self.modified = now;
    }

    /// Forgets deleted events whose time to be readable is over.
    pub(crate) fn bury(&mut self, now: Timestamp) {
        let over: Vec<String> = self
            .events
            .values()
            .filter(|event| event.readable_until.is_some_and(|until| until <= now))
            .map(|event| event.uid.clone())
            .collect();
        for uid in over {
            self.events.remove(&uid);
            self.graves.insert(uid);
        }
    }
}
