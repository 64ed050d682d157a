//! Calendars and events as Zoho's JSON.

use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{
    instances::Instance,
    model::{Calendar, Category, Details, Event, Privilege, When},
    switches::AlldayEnd,
    times,
};
use crate::{
    accounts::{User, UserId},
    switches::Switches,
    world::World,
};

/// Who looks at the events of a calendar, and how.
pub(crate) struct Viewer<'a> {
    pub(crate) calendar: &'a Calendar,
    pub(crate) owner: &'a User,
    pub(crate) user: &'a User,
    pub(crate) switches: &'a Switches,
    /// Origin of the data centre.
    pub(crate) origin: &'a str,
    /// The zone asked for, instead of each event's own.
    pub(crate) zone: Option<&'a str>,
    /// Whether descriptions are shown.
    pub(crate) descriptions: bool,
}

impl<'a> Viewer<'a> {
    pub(crate) fn new(world: &'a World, calendar: &'a Calendar, user: &'a User) -> Self {
        Self {
            calendar,
            owner: world.accounts.user(calendar.owner).unwrap_or(user),
            user,
            switches: &world.switches,
            origin: world.origin(&calendar.dc),
            zone: None,
            descriptions: true,
        }
    }

    /// An event or the master of a series, with everything.
    pub(crate) fn event(&self, event: &Event) -> Value {
        let mut object = self.full(event, &event.details, &event.details.when);
        if let Some(rule) = &event.rrule {
            object.insert("rrule".to_owned(), json!(rule));
        }
        Value::Object(object)
    }

    /// An occurrence, with everything.
    pub(crate) fn occurrence(&self, instance: &Instance<'_>) -> Value {
        let mut object = self.full(instance.event, instance.details, &instance.when);
        if let Some(recurrence_id) = &instance.recurrence_id {
            object.insert("recurrenceid".to_owned(), json!(recurrence_id));
        }
        Value::Object(object)
    }

    /// An entry of a `byinstance` list: few fields.
    pub(crate) fn brief(&self, instance: &Instance<'_>) -> Value {
        let (event, details) = (instance.event, instance.details);
        let hidden = self.hides(details);
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("uid", json!(event.uid));
        put("caluid", json!(self.calendar.uid));
        put("id", json!(event.id.to_string()));
        put("title", json!(if hidden { "Private event" } else { &details.title }));
        put("dateandtime", self.dateandtime(&instance.when));
        put("isallday", json!(instance.when.is_all_day()));
        put("isprivate", json!(details.private));
        put("isrep", json!(event.rrule.is_some()));
        put("etag", json!(event.etag.to_string()));
        put("estatus", json!("added"));
        put("color", json!(details.color));
        put("rsvpStatus", json!(self.rsvp(details)));
        if self.switches.byinstance_has_transparency {
            put("transparency", json!(i32::from(details.free)));
        }
        if self.switches.instance_attendees && !hidden && !details.attendees.is_empty() {
            put("attendees", attendees(details));
        }
        if self.descriptions && !hidden {
            put("description", json!(details.description));
        }
        if let Some(recurrence_id) = &instance.recurrence_id {
            put("recurrenceid", json!(recurrence_id));
        }
        Value::Object(object)
    }

    /// What is left of a deleted occurrence, or of a deleted event.
    pub(crate) fn placeholder(&self, uid: &str, recurrence_id: Option<&str>) -> Value {
        let mut value = json!({"uid": uid, "caluid": self.calendar.uid, "estatus": "deleted"});
        if let (Some(recurrence_id), Some(object)) = (recurrence_id, value.as_object_mut()) {
            object.insert("recurrenceid".to_owned(), json!(recurrence_id));
        }
        value
    }

    fn full(&self, event: &Event, details: &Details, when: &When) -> Map<String, Value> {
        let hidden = self.hides(details);
        let shown = |text: &str| if hidden { String::new() } else { text.to_owned() };
        let zone = self.zone_of(when);
        let (start, end) = when.span();
        let value = json!({
            "uid": event.uid, "id": event.id.to_string(),
            "calid": self.calendar.id.to_string(), "caluid": self.calendar.uid,
            "title": if hidden { "Private event" } else { &details.title },
            "location": shown(&details.location), "url": shown(&details.url), "color": details.color,
            "dateandtime": self.dateandtime(when),
            "start": times::local(start, &zone), "end": times::local(end, &zone),
            "duration": when.duration().as_millis().to_string(),
            "isallday": when.is_all_day(), "isprivate": details.private, "isrep": event.rrule.is_some(),
            "allowForwarding": details.allow_forwarding, "has_attachment": false,
            "enable_eventmanagement": false, "isApproved": true,
            "etag": event.etag.to_string(), "estatus": "added", "etype": "EVENT", "type": 0,
            "transparency": i32::from(details.free), "notifyType": 1, "attRSVPNotifyType": 0,
            "organizer": event.organizer, "orgDName": event.organizer_name,
            "role": if event.organizer.eq_ignore_ascii_case(&self.owner.email) { "organizer" } else { "participant" },
            "createdby": event.created_by, "modifiedby": event.modified_by,
            "createdtime": times::utc(event.created), "lastmodifiedtime": times::utc(event.modified),
            "createdtime_millis": event.created.as_millisecond().to_string(),
            "rsvpStatus": self.rsvp(details),
            "viewEventURL": format!("{}/zc/viewevent/x_EID{}", self.origin, event.uid),
        });
        let Value::Object(mut object) = value else {
            return Map::new();
        };
        if self.descriptions {
            object.insert("description".to_owned(), json!(shown(&details.description)));
        }
        if !hidden && !details.attendees.is_empty() {
            object.insert("attendees".to_owned(), attendees(details));
        }
        if !details.reminders.is_empty() {
            let reminders = details.reminders.iter();
            object.insert(
                "reminders".to_owned(),
                reminders.map(|one| json!({"action": one.action, "minutes": one.minutes.to_string()})).collect(),
            );
        }
        if details.conference.is_some() && !hidden {
            let link = format!("{}/meeting/{}", self.origin, event.id);
            object.insert("conference_data".to_owned(), json!({"meetingdata": {"meeting_link": link}}));
            object.insert("app_data".to_owned(), json!({"meetingdata": {"meetinglink": link}}));
        }
        object
    }

    fn dateandtime(&self, when: &When) -> Value {
        let name = self.zone.unwrap_or_else(|| when.zone_name());
        match when {
            When::Timed { start, end, .. } => {
                let zone = self.zone_of(when);
                let (start, end) = (times::with_offset(*start, &zone), times::with_offset(*end, &zone));
                json!({"timezone": name, "start": start, "end": end})
            }
            When::AllDay { first, last, .. } => {
                let end = match self.switches.allday_end {
                    AlldayEnd::Inclusive => *last,
                    AlldayEnd::Exclusive => times::next_day(*last),
                };
                json!({"timezone": name, "start": times::day(*first), "end": times::day(end)})
            }
        }
    }

    fn zone_of(&self, when: &When) -> TimeZone {
        self.zone.map_or_else(|| when.zone(), times::stored_zone)
    }

    /// Private events of others show only their time to those who may not write.
    fn hides(&self, details: &Details) -> bool {
        details.private && self.calendar.privilege_of(self.user.zuid).is_none_or(|may| may < Privilege::Edit)
    }

    /// The owner's own answer: 0 needs action, 1 accepted, 2 declined, 3 tentative.
    fn rsvp(&self, details: &Details) -> i32 {
        let own = details.attendees.iter().find(|guest| guest.email.eq_ignore_ascii_case(&self.owner.email));
        match own.map(|guest| guest.status.as_str()) {
            None | Some("ACCEPTED") => 1,
            Some("DECLINED") => 2,
            Some("TENTATIVE") => 3,
            Some(_) => 0,
        }
    }
}

fn attendees(details: &Details) -> Value {
    let one = |guest: &super::model::Attendee| {
        json!({
            "email": guest.email, "dName": guest.email.split('@').next().unwrap_or_default(), "status": guest.status,
            "attendance": guest.attendance, "permission": guest.permission,
        })
    };
    details.attendees.iter().map(one).collect()
}

/// A calendar as `viewer` sees it.
pub(crate) fn calendar(calendar: &Calendar, order: usize, viewer: UserId, switches: &Switches) -> Value {
    let names = &switches.privilege_names;
    let privilege = match calendar.privilege_of(viewer) {
        Some(Privilege::Owner) => "owner",
        Some(Privilege::Delegate) => &names.delegate,
        Some(Privilege::Edit) => &names.edit,
        Some(Privilege::View) => &names.view,
        Some(Privilege::Freebusy) | None => &names.freebusy,
    };
    let own = calendar.owner == viewer;
    let category = match calendar.category {
        _ if !own => "others",
        Category::Own => "own",
        Category::Group => "group",
        Category::App => "app",
    };
    json!({
        "uid": calendar.uid, "name": calendar.name, "id": calendar.id.to_string(), "color": calendar.color,
        "textcolor": calendar.text_color, "timezone": calendar.timezone, "description": calendar.description,
        "category": category, "caltype": category, "privilege": privilege, "isdefault": own && calendar.is_default,
        "type": 0, "order": order + 1, "owner": calendar.owner.0.to_string(), "visibility": true,
        "include_infreebusy": calendar.include_infreebusy, "public": calendar.public, "status": true,
        "canSendMail": true, "ctag": calendar.ctag, "createdtime": calendar.created.as_millisecond(),
        "modifiedtime": calendar.modified.as_millisecond(), "lastmodifiedtime": times::utc(calendar.modified),
        "allowed_conference": "zmeeting,zoom", "reminders": [{"action": "popup", "minutes": "-5"}],
        "alarm": [{"action": "popup", "trigger": "-300000"}],
    })
}

/// The same answer with other types: etags as numbers, booleans and `transparency` as text, minutes as numbers.
pub(crate) fn wobble(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(wobble),
        Value::Object(object) => {
            for (key, inner) in object.iter_mut() {
                match (key.as_str(), &*inner) {
                    ("etag" | "duration" | "minutes" | "createdtime_millis", Value::String(text)) => {
                        if let Ok(number) = text.parse::<i64>() {
                            *inner = json!(number);
                        }
                    }
                    ("transparency" | "ctag" | "attendance" | "permission" | "rsvpStatus", Value::Number(number)) => {
                        *inner = json!(number.to_string());
                    }
                    (_, Value::Bool(flag)) => *inner = json!(flag.to_string()),
                    _ => wobble(inner),
                }
            }
        }
        _ => {}
    }
}
