//! What a client writes about an event (`eventdata`): which keys there are, what their values may be, and what they
//! make of an event. Keys that are accepted and mean nothing here are listed in [`UNUSED`].

use serde_json::{Map, Value};

use super::{
    errors::Refusal,
    model::{Attendee, Details, Event, Reminder, When},
    recurrence::{self, Rule},
    switches::AlldayEnd,
    times::{self, Written},
};

/// Keys that set something, and those that say how to write.
const USED: [&str; 22] = [
    "title",
    "dateandtime",
    "isallday",
    "isprivate",
    "location",
    "description",
    "url",
    "color",
    "attendees",
    "reminders",
    "notify_attendee",
    "transparency",
    "rrule",
    "repeat",
    "conference",
    "allowForwarding",
    "uid",
    "etag",
    "recurrenceid",
    "recurrence_edittype",
    "notifyType",
    "richtext_description",
];

/// Keys that Zoho documents and that change nothing in a simulator.
const UNUSED: [&str; 6] = ["group_attendees", "calendar_alarm", "attach", "convertToEventTZ", "rmAttachId", "isrep"];

/// Keys that only an update or a deletion may carry.
const NOT_ON_CREATE: [&str; 6] = ["etag", "recurrenceid", "recurrence_edittype", "convertToEventTZ", "rmAttachId", "isrep"];

/// `recurrence_edittype`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum EditType {
    /// This one.
    #[default]
    Only,
    /// This one and all later ones.
    Following,
    /// The whole series.
    All,
}

/// What a write is about, of a certain event.
#[derive(Clone, Copy)]
pub(crate) enum Edit<'a> {
    /// The event, or the whole series.
    Whole,
    /// The occurrence with this `recurrenceid`.
    One(&'a str),
    /// That one and all later ones.
    Following(&'a str),
}

/// `eventdata`, read and checked as far as that is possible without the event.
#[derive(Debug, Default)]
pub(crate) struct EventInput {
    object: Map<String, Value>,
    pub(crate) uid: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) recurrence_id: Option<String>,
    edit_type: Option<EditType>,
    /// `notify_attendee`: 0 nobody, 1 attendees, 2 attendees and organiser.
    pub(crate) notify: Option<i64>,
}

/// What values mean at this Zoho.
#[derive(Clone, Copy)]
pub(crate) struct Meaning<'a> {
    /// Zone of times that name none.
    pub(crate) zone: &'a str,
    pub(crate) allday_end: AlldayEnd,
}

impl EventInput {
    pub(crate) fn read(value: Value, creates: bool) -> Result<Self, Refusal> {
        let Value::Object(object) = value else {
            return Err(Refusal::invalid("eventdata must be a JSON object"));
        };
        for key in object.keys() {
            let known = USED.contains(&key.as_str()) || UNUSED.contains(&key.as_str());
            if !known || (creates && NOT_ON_CREATE.contains(&key.as_str())) {
                return Err(Refusal::extra_key(key));
            }
        }
        if object.contains_key("notifyType") {
            return Err(Refusal::pattern("notifyType"));
        }
        let edit_type = match text(&object, "recurrence_edittype")?.as_deref() {
            None => None,
            Some("only") => Some(EditType::Only),
            Some("following") => Some(EditType::Following),
            Some("all") => Some(EditType::All),
            Some(_) => return Err(Refusal::pattern("recurrence_edittype")),
        };
        Ok(Self {
            uid: text(&object, "uid")?,
            etag: match object.get("etag") {
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => text(&object, "etag")?,
            },
            recurrence_id: text(&object, "recurrenceid")?,
            edit_type,
            notify: number(&object, "notify_attendee", 0..=2)?,
            object,
        })
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    /// What of `event` this is about. "This and all later ones" of the first one is the whole series.
    pub(crate) fn edit(&self, event: &Event) -> Edit<'_> {
        match (&self.recurrence_id, self.edit_type.unwrap_or_default()) {
            (None, _) | (Some(_), EditType::All) => Edit::Whole,
            (Some(id), EditType::Following) if *id == event.details.when.recurrence_id() => Edit::Whole,
            (Some(id), EditType::Following) => Edit::Following(id),
            (Some(id), EditType::Only) => Edit::One(id),
        }
    }

    /// The details this makes: of a new event or a full replacement without `base`, of a partial change with it.
    pub(crate) fn details(&self, base: Option<&Details>, meaning: Meaning<'_>) -> Result<Details, Refusal> {
        let when = self.when(base, meaning)?;
        let object = &self.object;
        let blank = Details::blank(when);
        let base = base.unwrap_or(&blank);
        let short = |key: &str, longest: usize, old: &String| -> Result<String, Refusal> {
            match text(object, key)? {
                Some(new) if new.chars().count() > longest => Err(Refusal::too_long(key, longest)),
                Some(new) => Ok(new),
                None => Ok(old.clone()),
            }
        };
        Ok(Details {
            title: short("title", usize::MAX, &base.title)?,
            description: short("description", 10_000, &base.description)?,
            location: short("location", 255, &base.location)?,
            url: short("url", usize::MAX, &base.url)?,
            color: match text(object, "color")? {
                Some(color) if !is_color(&color) => return Err(Refusal::pattern("color")),
                Some(color) => color,
                None => base.color.clone(),
            },
            private: flag(object, "isprivate")?.unwrap_or(base.private),
            free: number(object, "transparency", 0..=1)?.map_or(base.free, |number| number == 1),
            tentative: base.tentative,
            attendees: attendees(object)?.unwrap_or_else(|| base.attendees.clone()),
            reminders: reminders(object)?.unwrap_or_else(|| base.reminders.clone()),
            conference: text(object, "conference")?.or_else(|| base.conference.clone()),
            allow_forwarding: flag(object, "allowForwarding")?.unwrap_or(base.allow_forwarding),
            when: blank.when,
        })
    }

    /// Refuses a rule beside times that name no zone: Zoho wants `dateandtime.timezone` then, even for times in UTC.
    pub(crate) fn check_zone_of_rule(&self) -> Result<(), Refusal> {
        let repeats = self.has("rrule") || self.has("repeat");
        let times = self.object.get("dateandtime");
        if repeats && times.is_some_and(|times| times.get("timezone").is_none()) {
            return Err(Refusal::new(400, "TIMEZONE_MISSING", "dateandtime.timezone is missing"));
        }
        Ok(())
    }

    /// The rule it gives: `None` if it names none.
    pub(crate) fn rule(&self, when: &When) -> Result<Option<String>, Refusal> {
        let rule = match (self.object.get("rrule"), self.object.get("repeat")) {
            (Some(Value::String(rule)), None) if rule.is_empty() => return Ok(None),
            (Some(Value::String(rule)), None) => rule.strip_prefix("RRULE:").unwrap_or(rule).to_owned(),
            (None, Some(repeat)) => from_repeat(repeat)?,
            (None, None) => return Ok(None),
            _ => return Err(Refusal::pattern("rrule")),
        };
        check_rule(&rule, when).map_err(|error| Refusal::new(400, "PATTERN_NOT_MATCHED", format!("rrule: {error}")))?;
        Ok(Some(rule))
    }

    fn when(&self, base: Option<&Details>, meaning: Meaning<'_>) -> Result<When, Refusal> {
        let all_day = flag(&self.object, "isallday")?;
        let old = base.map(|base| &base.when);
        let Some(value) = self.object.get("dateandtime") else {
            let Some(old) = old else {
                return Err(Refusal::missing("dateandtime"));
            };
            if all_day.is_some_and(|all_day| all_day != old.is_all_day()) {
                return Err(Refusal::missing("dateandtime"));
            }
            return Ok(old.clone());
        };
        let Value::Object(parts) = value else {
            return Err(Refusal::invalid("dateandtime must be an object"));
        };
        if let Some(extra) = parts.keys().find(|key| !["start", "end", "timezone"].contains(&key.as_str())) {
            return Err(Refusal::extra_key(extra));
        }
        let start = text(parts, "start")?.ok_or_else(|| Refusal::missing("dateandtime.start"))?;
        let end = text(parts, "end")?.ok_or_else(|| Refusal::missing("dateandtime.end"))?;
        let zone = text(parts, "timezone")?;
        let zone = zone.as_deref().unwrap_or_else(|| old.map_or(meaning.zone, When::zone_name));
        if all_day.unwrap_or_else(|| old.is_some_and(When::is_all_day)) {
            all_day_when(&start, &end, zone, meaning.allday_end)
        } else {
            timed_when(&start, &end, zone)
        }
    }
}

impl Details {
    /// Nothing but a time.
    pub(crate) fn blank(when: When) -> Self {
        Self {
            when,
            title: String::new(),
            description: String::new(),
            location: String::new(),
            url: String::new(),
            color: String::new(),
            private: false,
            free: false,
            tentative: false,
            attendees: Vec::new(),
            reminders: Vec::new(),
            conference: None,
            allow_forwarding: true,
        }
    }
}

/// Whether an event at this time can repeat by this rule.
pub(crate) fn check_rule(rule: &str, when: &When) -> Result<(), recurrence::BadRule> {
    let first = match when {
        When::Timed { start, .. } => when.zone().to_datetime(*start),
        When::AllDay { first, .. } => first.to_datetime(jiff::civil::Time::midnight()),
    };
    Rule::new(rule, first).map(|_| ())
}

/// `#rrggbb`.
pub(crate) fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn all_day_when(start: &str, end: &str, zone: &str, means: AlldayEnd) -> Result<When, Refusal> {
    let (Some(Written::Day(first)), Some(Written::Day(end))) = (times::parse(start), times::parse(end)) else {
        return Err(Refusal::pattern("dateandtime of an all-day event"));
    };
    times::zone(zone).ok_or_else(|| Refusal::invalid(format!("{zone} is not a time zone")))?;
    let last = match means {
        AlldayEnd::Exclusive if end > first => end.yesterday().unwrap_or(first),
        _ => end,
    };
    if last < first {
        return Err(Refusal::invalid("dateandtime.end is before dateandtime.start"));
    }
    Ok(When::AllDay { first, last, zone: zone.to_owned() })
}

fn timed_when(start: &str, end: &str, name: &str) -> Result<When, Refusal> {
    let zone = times::zone(name).ok_or_else(|| Refusal::invalid(format!("{name} is not a time zone")))?;
    let read = |text: &str, key: &str| match times::parse(text) {
        Some(Written::Instant(at)) => Ok(at),
        Some(Written::Local(local)) => Ok(times::instant(local, &zone)),
        Some(Written::Day(_)) | None => Err(Refusal::pattern(key)),
    };
    let (start, end) = (read(start, "dateandtime.start")?, read(end, "dateandtime.end")?);
    if end < start {
        return Err(Refusal::invalid("dateandtime.end is before dateandtime.start"));
    }
    Ok(When::Timed { start, end, zone: name.to_owned() })
}

fn attendees(object: &Map<String, Value>) -> Result<Option<Vec<Attendee>>, Refusal> {
    let Some(value) = object.get("attendees") else {
        return Ok(None);
    };
    let Value::Array(list) = value else {
        return Err(Refusal::invalid("attendees must be an array"));
    };
    if list.is_empty() || list.len() > 50 {
        return Err(Refusal::array_size("attendees"));
    }
    list.iter().map(attendee).collect::<Result<_, _>>().map(Some)
}

pub(crate) fn attendee(value: &Value) -> Result<Attendee, Refusal> {
    let Value::Object(entry) = value else {
        return Err(Refusal::invalid("each attendee must be an object"));
    };
    if let Some(extra) = entry.keys().find(|key| !["email", "permission", "attendance", "status", "zid"].contains(&key.as_str())) {
        return Err(Refusal::extra_key(extra));
    }
    let email = text(entry, "email")?.ok_or_else(|| Refusal::missing("attendees.email"))?;
    if !email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) || email.contains(' ') {
        return Err(Refusal::pattern("attendees.email"));
    }
    let status = text(entry, "status")?.unwrap_or_else(|| "NEEDS-ACTION".to_owned());
    if !["NEEDS-ACTION", "ACCEPTED", "DECLINED", "TENTATIVE"].contains(&status.as_str()) {
        return Err(Refusal::pattern("attendees.status"));
    }
    Ok(Attendee {
        email,
        status,
        attendance: number(entry, "attendance", 0..=2)?.unwrap_or(1),
        permission: number(entry, "permission", 0..=3)?.unwrap_or(0),
    })
}

fn reminders(object: &Map<String, Value>) -> Result<Option<Vec<Reminder>>, Refusal> {
    let Some(value) = object.get("reminders") else {
        return Ok(None);
    };
    let Value::Array(list) = value else {
        return Err(Refusal::invalid("reminders must be an array"));
    };
    if list.is_empty() {
        return Err(Refusal::array_size("reminders"));
    }
    let one = |value: &Value| {
        let Value::Object(entry) = value else {
            return Err(Refusal::invalid("each reminder must be an object"));
        };
        if let Some(extra) = entry.keys().find(|key| !["action", "minutes"].contains(&key.as_str())) {
            return Err(Refusal::extra_key(extra));
        }
        let action = text(entry, "action")?.ok_or_else(|| Refusal::missing("reminders.action"))?;
        if !["email", "popup", "notification"].contains(&action.as_str()) {
            return Err(Refusal::pattern("reminders.action"));
        }
        let minutes = number(entry, "minutes", -100_000..=100_000)?;
        Ok(Reminder { action, minutes: minutes.ok_or_else(|| Refusal::missing("reminders.minutes"))? })
    };
    list.iter().map(one).collect::<Result<_, _>>().map(Some)
}

/// `repeat:[{freq, interval, count or until, byday, …}]` as a rule.
fn from_repeat(value: &Value) -> Result<String, Refusal> {
    let Some([Value::Object(repeat)]) = value.as_array().map(Vec::as_slice) else {
        return Err(Refusal::array_size("repeat"));
    };
    let part = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok(format!("{}={}", key.to_ascii_uppercase(), text.to_ascii_uppercase())),
        Value::Number(number) => Ok(format!("{}={number}", key.to_ascii_uppercase())),
        _ => Err(Refusal::pattern(key)),
    };
    Ok(repeat.iter().map(part).collect::<Result<Vec<_>, _>>()?.join(";"))
}

pub(crate) fn text(object: &Map<String, Value>, key: &str) -> Result<Option<String>, Refusal> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::invalid(format!("{key} must be a string"))),
    }
}

/// A boolean, also as the words `true` and `false`: Zoho's own node sends those.
pub(crate) fn flag(object: &Map<String, Value>, key: &str) -> Result<Option<bool>, Refusal> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text == "true" => Ok(Some(true)),
        Some(Value::String(text)) if text == "false" => Ok(Some(false)),
        Some(_) => Err(Refusal::pattern(key)),
    }
}

/// A whole number, also as text.
fn number(object: &Map<String, Value>, key: &str, range: std::ops::RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
    let number = match object.get(key) {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    number.filter(|number| range.contains(number)).map(Some).ok_or_else(|| Refusal::pattern(key))
}
