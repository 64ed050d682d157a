//! Creating, moving and deleting events. Every write says in its error whether it may have happened all the same; nothing here repeats
//! one that may have. No attendees are ever added and nobody is notified: Greenroom sends its own mails.

use ports::calendar::{Access, Answer, EventDraft, EventPatch, FailureClass, ProviderError, Written};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    Ask, calendar_path,
    entry::{is_deleted, meeting_url},
    event_path,
};
use crate::{
    failure::failure,
    zoho::{
        Zoho,
        refusal::{Refusal, entries, malformed},
        times,
        value::text,
    },
};

/// Zoho's limit, in characters.
const LONGEST_DESCRIPTION: usize = 10_000;
/// Zoho's limit, in characters.
const LONGEST_LOCATION: usize = 255;
/// What may be written again of what was read; everything else is the answer's own and refused in a request.
const WRITABLE: [&str; 14] = [
    "title",
    "description",
    "richtext_description",
    "location",
    "url",
    "color",
    "isprivate",
    "transparency",
    "rrule",
    "attendees",
    "group_attendees",
    "reminders",
    "calendar_alarm",
    "allowForwarding",
];
/// What may be written again of an attendee.
const WRITABLE_OF_ATTENDEE: [&str; 5] = ["email", "permission", "attendance", "status", "zid"];

impl Zoho {
    /// See `CalendarProvider::create`.
    pub(in crate::zoho) async fn create_event(&self, access: &Access, calendar: &str, draft: &EventDraft) -> Answer<Written> {
        let what = "create event";
        let path = format!("{}/events", calendar_path(calendar)?);
        let data = eventdata(what, draft)?;
        let body = self.call(access, Ask { method: Method::POST, eventdata: Some(&data), ..Ask::get(what, path) }).await?;
        written(what, &body, None)
    }

    /// See `CalendarProvider::reschedule`. A PATCH of the time alone, so that title, notes and guests stay the manager's.
    pub(in crate::zoho) async fn reschedule_event(
        &self,
        access: &Access,
        calendar: &str,
        uid: &str,
        patch: &EventPatch,
    ) -> Answer<Written> {
        let what = "move event";
        let data = json!({"dateandtime": when(patch), "etag": patch.etag, "notify_attendee": 0});
        match self.update(access, (what, Method::PATCH), event_path(calendar, uid)?, &data).await {
            Ok(body) => written(what, &body, Some(uid)),
            Err(refusal) if refusal.is_unsupported() => self.replace(access, calendar, uid, patch).await,
            Err(refusal) => Err(self.judge(access, calendar, uid, &patch.etag, refusal).await),
        }
    }

    /// Where there is no such PATCH: PUT clears what it does not name, so everything that is there is read and written again.
    async fn replace(&self, access: &Access, calendar: &str, uid: &str, patch: &EventPatch) -> Answer<Written> {
        let what = "replace event";
        let Some(live) = self.fetch(access, calendar, uid, true).await? else {
            return Err(failure(FailureClass::Gone, format!("{what}: it is not there")));
        };
        if text(&live, "etag").as_deref() != Some(patch.etag.as_str()) {
            return Err(failure(FailureClass::Changed, format!("{what}: somebody changed it")));
        }
        let data = replacement(&live, patch);
        match self.update(access, (what, Method::PUT), event_path(calendar, uid)?, &data).await {
            Ok(body) => written(what, &body, Some(uid)),
            Err(refusal) => Err(self.judge(access, calendar, uid, &patch.etag, refusal).await),
        }
    }

    /// A form body is known to be read for a POST, and said to be for the others. If Calendar answers as if nothing had come, the same
    /// goes once more in the query string, where its documents have it.
    async fn update(
        &self,
        access: &Access,
        (what, method): (&'static str, Method),
        path: String,
        data: &Value,
    ) -> Result<Value, Refusal> {
        let ask = Ask { method: method.clone(), eventdata: Some(data), ..Ask::get(what, path.clone()) };
        match self.call(access, ask).await {
            Err(refusal) if refusal.misses_parameter() => {
                let query = vec![("eventdata", data.to_string())];
                self.call(access, Ask { method, query, ..Ask::get(what, path) }).await
            }
            answer => answer,
        }
    }

    /// See `CalendarProvider::delete`. The etag goes both ways that are known to work. `eventdata` goes into the query here, as
    /// documented: it holds nothing about people, and a DELETE's body is dropped by some servers (RFC 9110 section 9.3.5).
    pub(in crate::zoho) async fn delete_event(&self, access: &Access, calendar: &str, uid: &str, etag: &str) -> Answer<()> {
        let what = "delete event";
        let data = json!({"etag": etag, "notify_attendee": 0}).to_string();
        let path = event_path(calendar, uid)?;
        let ask = Ask { method: Method::DELETE, query: vec![("eventdata", data)], etag: Some(etag), ..Ask::get(what, path) };
        let refusal = match self.call(access, ask).await {
            Ok(body) if entries(what, &body, "events", true)?.iter().any(is_deleted) => return Ok(()),
            Ok(_) => return Err(malformed(what, "deleted event", true)),
            Err(refusal) => refusal,
        };
        match self.judge(access, calendar, uid, etag, refusal).await {
            error if error.class == FailureClass::Gone => Ok(()),
            error => Err(error),
        }
    }

    /// A 400 may mean that the event is gone, that the etag is stale, or that the request is wrong; one look at the event tells.
    async fn judge(&self, access: &Access, calendar: &str, uid: &str, etag: &str, refusal: Refusal) -> ProviderError {
        if !refusal.may_be_stale() {
            return refusal.into();
        }
        match self.fetch(access, calendar, uid, false).await {
            Ok(None) => ProviderError { class: FailureClass::Gone, ..refusal.error },
            Ok(Some(live)) if text(&live, "etag").as_deref() != Some(etag) => {
                ProviderError { class: FailureClass::Changed, ..refusal.error }
            }
            Ok(Some(_)) => refusal.error,
            // What is there is known after the next look; what the write said of itself stays true.
            Err(error) => ProviderError { may_have_happened: refusal.error.may_have_happened, ..error },
        }
    }
}

/// The JSON of a new event.
fn eventdata(what: &str, draft: &EventDraft) -> Answer<Value> {
    let too_long =
        |field: &str, most: usize| failure(FailureClass::Refused, format!("{what}: the {field} is longer than {most} characters"));
    if draft.description.chars().count() > LONGEST_DESCRIPTION {
        return Err(too_long("description", LONGEST_DESCRIPTION));
    }
    if draft.location.as_ref().is_some_and(|location| location.chars().count() > LONGEST_LOCATION) {
        return Err(too_long("location", LONGEST_LOCATION));
    }
    let patch = EventPatch { range: draft.range, zone: draft.zone.clone(), etag: String::new() };
    let mut data = json!({
        "title": draft.title,
        "description": draft.description,
        "dateandtime": when(&patch),
        "transparency": 0,
        "notify_attendee": 0,
    });
    // An empty value is refused where an absent key is not.
    let optional = [
        ("location", draft.location.as_deref()),
        ("url", draft.url.as_deref()),
        ("conference", draft.make_meeting.then_some("zmeeting")),
    ];
    for (key, value) in optional {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            data[key] = json!(value);
        }
    }
    Ok(data)
}

fn when(patch: &EventPatch) -> Value {
    json!({
        "start": times::local(patch.range.start(), &patch.zone),
        "end": times::local(patch.range.end(), &patch.zone),
        "timezone": patch.zone.name(),
    })
}

/// All that may be written of a live event, at its new time. Empty lists are left out, since Zoho refuses them.
fn replacement(live: &Value, patch: &EventPatch) -> Value {
    let mut data = Map::new();
    for key in WRITABLE {
        let kept = match live.get(key) {
            Some(Value::Array(list)) if list.is_empty() => None,
            Some(Value::Array(list)) if key == "attendees" => Some(Value::Array(list.iter().map(attendee).collect())),
            Some(Value::Null) | None => None,
            Some(value) => Some(value.clone()),
        };
        data.extend(kept.map(|value| (key.to_owned(), value)));
    }
    if meeting(live).is_some() {
        data.insert("conference".to_owned(), json!("zmeeting"));
    }
    data.insert("dateandtime".to_owned(), when(patch));
    data.insert("etag".to_owned(), json!(patch.etag));
    data.insert("notify_attendee".to_owned(), json!(0));
    Value::Object(data)
}

fn attendee(live: &Value) -> Value {
    let kept = WRITABLE_OF_ATTENDEE.iter().filter_map(|key| Some(((*key).to_owned(), live.get(key)?.clone())));
    Value::Object(kept.collect())
}

fn meeting(entry: &Value) -> Option<String> {
    meeting_url(|pointer| entry.pointer(pointer).and_then(Value::as_str).filter(|link| !link.is_empty()).map(str::to_owned))
}

/// Reads what a write answers. Without uid and etag nobody knows what was written.
fn written(what: &str, body: &Value, uid: Option<&str>) -> Answer<Written> {
    let list = entries(what, body, "events", true)?;
    let usable = list.iter().filter(|entry| !is_deleted(entry)).find_map(|entry| {
        let found = text(entry, "uid").filter(|found| uid.is_none_or(|uid| uid == found))?;
        Some(Written { uid: found, etag: text(entry, "etag")?, view_url: text(entry, "viewEventURL"), meeting_url: meeting(entry) })
    });
    usable.ok_or_else(|| malformed(what, "uid and etag", true))
}

#[cfg(test)]
mod tests {
    use domain::{TimeRange, Timestamp, Zone};

    use super::*;

    fn patch() -> EventPatch {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let range = TimeRange::new(at("2026-03-10T09:00:00Z"), at("2026-03-10T09:30:00Z")).unwrap();
        EventPatch { range, zone: Zone::new("Europe/Madrid").unwrap(), etag: "17".to_owned() }
    }

    fn draft() -> EventDraft {
        EventDraft {
            title: "Interview".to_owned(),
            description: "Marker".to_owned(),
            location: None,
            url: None,
            range: patch().range,
            zone: patch().zone,
            make_meeting: false,
        }
    }

    #[test]
    fn a_new_event_names_only_what_it_has_and_never_attendees() {
        let time = json!({"start": "20260310T100000+0100", "end": "20260310T103000+0100", "timezone": "Europe/Madrid"});
        let bare =
            json!({"title": "Interview", "description": "Marker", "dateandtime": time, "transparency": 0, "notify_attendee": 0});
        assert_eq!(eventdata("x", &draft()).unwrap(), bare);
        let full = EventDraft {
            location: Some("Room 1".to_owned()),
            url: Some("https://greenroom.example.com/i/1".to_owned()),
            make_meeting: true,
            ..draft()
        };
        let data = eventdata("x", &full).unwrap();
        assert_eq!((&data["location"], &data["conference"]), (&json!("Room 1"), &json!("zmeeting")));
        assert_eq!(data["url"], json!("https://greenroom.example.com/i/1"));
        assert!(data.get("attendees").is_none());
    }

    #[test]
    fn too_long_texts_are_refused_before_they_are_sent() {
        for wrong in [
            EventDraft { description: "ü".repeat(LONGEST_DESCRIPTION + 1), ..draft() },
            EventDraft { location: Some("ü".repeat(LONGEST_LOCATION + 1)), ..draft() },
        ] {
            let error = eventdata("x", &wrong).unwrap_err();
            assert_eq!((error.class, error.may_have_happened), (FailureClass::Refused, false));
        }
        assert!(eventdata("x", &EventDraft { location: Some("ü".repeat(LONGEST_LOCATION)), ..draft() }).is_ok());
    }

    #[test]
    fn a_replacement_keeps_what_is_hers_and_echoes_nothing_else() {
        let body: Value = serde_json::from_str(include_str!("../../../tests/golden/event.json")).unwrap();
        let mut live = body["events"][0].clone();
        live["reminders"] = json!([]);
        live["notifyType"] = json!(1);
        insta::assert_snapshot!(serde_json::to_string_pretty(&replacement(&live, &patch())).unwrap());
    }

    #[test]
    fn a_write_is_believed_only_with_uid_and_etag() {
        let body: Value = serde_json::from_str(include_str!("../../../tests/golden/created.json")).unwrap();
        insta::assert_debug_snapshot!(written("create event", &body, None).unwrap());
        for body in [
            json!({}),
            json!({"events": []}),
            json!({"events": [{"message": "ok"}]}),
            json!({"events": [{"uid": "a@zoho.com"}]}),
            json!({"events": [{"etag": "1"}]}),
            json!({"events": [{"uid": "b@zoho.com", "etag": "1"}]}),
            json!({"events": [{"uid": "a@zoho.com", "etag": "1", "estatus": "deleted"}]}),
        ] {
            let error = written("x", &body, Some("a@zoho.com")).unwrap_err();
            assert_eq!((error.class, error.may_have_happened), (FailureClass::Protocol, true), "{body}");
        }
        assert_eq!(written("x", &json!({"events": [{"uid": "a@zoho.com", "etag": 17}]}), Some("a@zoho.com")).unwrap().etag, "17");
    }
}
