//! One entry of an answer's `events`, as our `Event`. Whatever could be busy is busy; what cannot be read fails the call.

use domain::{TimeRange, Zone};
use jiff::ToSpan;
use ports::calendar::{Answer, Event, Identity};
use serde_json::Value;

use crate::zoho::{
    refusal::malformed,
    times::WireTime,
    value::{flag, integer, text},
    zones::zone,
};

/// What an entry may need that it does not say itself.
#[derive(Debug, Default)]
pub(super) struct Lens {
    /// The calendar's zone, for days and for times without an offset.
    pub zone: Option<Zone>,
    /// Whose calendar it is, for declined invitations.
    pub owner: Option<Identity>,
}

/// Deleted events and deleted occurrences of a series stay in lists for a while, often with little more than their uid.
pub(super) fn is_deleted(entry: &Value) -> bool {
    text(entry, "estatus").is_some_and(|status| status.eq_ignore_ascii_case("deleted"))
}

/// Whether the calendar's zone is needed to read this entry.
pub(super) fn needs_zone(entry: &Value) -> bool {
    let times = times(entry);
    is_all_day(entry)
        || ["start", "end"]
            .iter()
            .filter_map(|key| WireTime::parse(&text(times, key)?))
            .any(|time| !matches!(time, WireTime::Instant(_)))
}

/// Whether it must be known whose calendar it is: somebody declined, and it is not said who of them owns the calendar.
pub(super) fn needs_owner(entry: &Value) -> bool {
    let organizer = text(entry, "role").is_some_and(|role| role.eq_ignore_ascii_case("organizer"));
    !organizer && !rsvp_declined(entry) && declined(entry).next().is_some()
}

/// Reads an entry that is not deleted.
pub(super) fn read(what: &str, entry: &Value, lens: &Lens) -> Answer<Event> {
    let uid = text(entry, "uid").ok_or_else(|| malformed(what, "event uid", false))?;
    let (range, all_day) = range(entry, lens).ok_or_else(|| malformed(what, "event time", false))?;
    let declined = is_declined(entry, lens.owner.as_ref());
    let link = |pointer| entry.pointer(pointer).and_then(Value::as_str).filter(|link| !link.is_empty()).map(str::to_owned);
    Ok(Event {
        uid,
        etag: text(entry, "etag"),
        range,
        all_day,
        busy: !is_deleted(entry) && !is_transparent(entry) && !declined,
        declined,
        private: flag(entry, "isprivate").unwrap_or(false),
        title: text(entry, "title").unwrap_or_default(),
        description: text(entry, "description"),
        url: text(entry, "url"),
        view_url: text(entry, "viewEventURL"),
        meeting_url: meeting_url(link),
        recurrence: text(entry, "rrule"),
    })
}

/// Where Zoho puts the link of a meeting it made.
pub(super) fn meeting_url(link: impl Fn(&'static str) -> Option<String>) -> Option<String> {
    link("/conference_data/meetingdata/meeting_link").or_else(|| link("/app_data/meetingdata/meetinglink"))
}

/// When it is, and whether that was said in days. Of days, the last one is included: whether Zoho means it so is not documented, and
/// a day too many is better than an interview on a holiday.
fn range(entry: &Value, lens: &Lens) -> Option<(TimeRange, bool)> {
    let times = times(entry);
    let start = WireTime::parse(&text(times, "start")?)?;
    let end = match text(times, "end") {
        Some(end) => WireTime::parse(&end)?,
        None if start.is_date() => start,
        None => return None,
    };
    let own = text(times, "timezone").and_then(|name| zone(&name));
    let days = is_all_day(entry) || start.is_date();
    let (start, end) = if days {
        let zone = own.as_ref().or(lens.zone.as_ref());
        (start.as_date(zone), end.as_date(zone))
    } else {
        (start, end)
    };
    // Days are the calendar's; a wall-clock time is read in the event's own zone first.
    let zone_for =
        |time: WireTime| if time.is_date() { lens.zone.as_ref().or(own.as_ref()) } else { own.as_ref().or(lens.zone.as_ref()) };
    let (from, to) = (start.as_start(zone_for(start))?, end.as_end(zone_for(end))?);
    // A reminder has no length. It keeps its minute rather than none.
    let to = if from == to { to.checked_add(1.minute()).ok()? } else { to };
    Some((TimeRange::new(from, to).ok()?, days))
}

fn is_all_day(entry: &Value) -> bool {
    flag(entry, "isallday").unwrap_or(false)
}

/// Usually in `dateandtime`; old answers repeat it at the top.
fn times(entry: &Value) -> &Value {
    entry.get("dateandtime").unwrap_or(entry)
}

/// Shown as free. A missing or unknown value is busy.
fn is_transparent(entry: &Value) -> bool {
    entry.get("transparency").and_then(integer) == Some(1)
}

fn is_declined(entry: &Value, owner: Option<&Identity>) -> bool {
    rsvp_declined(entry) || owner.is_some_and(|owner| declined(entry).any(|attendee| is_owner(attendee, owner)))
}

/// The calendar owner's own answer, where the entry has it.
fn rsvp_declined(entry: &Value) -> bool {
    entry.get("rsvpStatus").and_then(integer) == Some(2)
}

fn declined(entry: &Value) -> impl Iterator<Item = &Value> {
    let attendees = entry.get("attendees").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    attendees.iter().filter(|attendee| text(attendee, "status").is_some_and(|status| status.eq_ignore_ascii_case("declined")))
}

fn is_owner(attendee: &Value, owner: &Identity) -> bool {
    let same_id = text(attendee, "zid").is_some_and(|zid| zid == owner.user_id);
    same_id || text(attendee, "email").is_some_and(|email| email.to_lowercase() == owner.email.key())
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;
    use ports::calendar::FailureClass;
    use serde_json::json;

    use super::*;

    fn madrid() -> Lens {
        Lens { zone: Zone::new("Europe/Madrid").ok(), owner: None }
    }

    fn between(start: &str, end: &str) -> TimeRange {
        TimeRange::new(start.parse::<Timestamp>().unwrap(), end.parse::<Timestamp>().unwrap()).unwrap()
    }

    fn timed(more: &Value) -> Value {
        let mut entry = json!({"uid": "a@zoho.com", "dateandtime": {"timezone": "Europe/Madrid", "start": "20260310T100000+0100", "end": "20260310T103000+0100"}});
        for (key, value) in more.as_object().unwrap() {
            entry[key] = value.clone();
        }
        entry
    }

    fn when(times: &Value, lens: &Lens) -> TimeRange {
        read("x", &json!({"uid": "a@zoho.com", "dateandtime": times}), lens).unwrap().range
    }

    #[test]
    fn a_whole_event_is_read() {
        let body: Value = serde_json::from_str(include_str!("../../../tests/golden/event.json")).unwrap();
        insta::assert_debug_snapshot!(read("read event", &body["events"][0], &Lens::default()).unwrap());
    }

    #[test]
    fn times_are_read_in_every_shape() {
        let ten = between("2026-03-10T09:00:00Z", "2026-03-10T09:30:00Z");
        for (start, end) in [
            ("20260310T100000+0100", "20260310T103000+0100"),
            ("20260310T090000Z", "20260310T093000Z"),
            ("20260310T100000", "20260310T103000"),
            ("20260310T100000", "20260310T093000Z"),
        ] {
            assert_eq!(when(&json!({"timezone": "Europe/Madrid", "start": start, "end": end}), &Lens::default()), ten);
            assert_eq!(when(&json!({"start": start, "end": end}), &madrid()), ten, "the calendar's zone");
        }
        let top = json!({"uid": "a@zoho.com", "timezone": "Europe/Madrid", "start": "20260310T100000", "end": "20260310T103000"});
        assert_eq!(read("x", &top, &Lens::default()).unwrap().range, ten);
    }

    #[test]
    fn the_last_day_of_an_all_day_event_is_included() {
        let one = json!({"start": "20260312", "end": "20260312"});
        assert_eq!(when(&one, &madrid()), between("2026-03-11T23:00:00Z", "2026-03-12T23:00:00Z"));
        assert_eq!(when(&json!({"start": "20260312"}), &madrid()), when(&one, &madrid()));
        let two = json!({"timezone": "Asia/Tokyo", "start": "20260312", "end": "20260313"});
        assert_eq!(when(&two, &madrid()), between("2026-03-11T23:00:00Z", "2026-03-13T23:00:00Z"), "days are the calendar's");
        assert_eq!(when(&two, &Lens::default()), between("2026-03-11T15:00:00Z", "2026-03-13T15:00:00Z"));
        assert_eq!(when(&one, &Lens::default()), between("2026-03-11T10:00:00Z", "2026-03-13T12:00:00Z"), "anywhere on Earth");
        let entry = json!({"uid": "a@zoho.com", "dateandtime": one});
        assert!(read("x", &entry, &madrid()).unwrap().all_day);
    }

    #[test]
    fn days_may_be_written_as_midnights() {
        for (start, end) in [
            ("20260312T000000", "20260312T000000"),
            ("20260312T000000+0100", "20260312T000000+0100"),
            ("20260311T230000Z", "20260312T220000Z"),
            ("20260312", "20260312T000000"),
        ] {
            let entry = json!({"uid": "a@zoho.com", "isallday": "true", "dateandtime": {"timezone": "Europe/Madrid", "start": start, "end": end}});
            assert!(needs_zone(&entry));
            let event = read("x", &entry, &madrid()).unwrap();
            assert_eq!((event.range, event.all_day), (between("2026-03-11T23:00:00Z", "2026-03-12T23:00:00Z"), true), "{start}");
        }
    }

    #[test]
    fn an_event_without_length_keeps_a_minute() {
        let instant = json!({"start": "20260310T090000Z", "end": "20260310T090000Z"});
        assert_eq!(when(&instant, &Lens::default()), between("2026-03-10T09:00:00Z", "2026-03-10T09:01:00Z"));
    }

    #[test]
    fn what_cannot_be_read_fails() {
        for entry in [
            json!({}),
            json!({"title": "x"}),
            json!({"uid": "a@zoho.com"}),
            json!({"uid": "a@zoho.com", "dateandtime": {}}),
            json!({"uid": "a@zoho.com", "dateandtime": {"start": "20260310T090000Z"}}),
            json!({"uid": "a@zoho.com", "dateandtime": {"start": "20260310T090000Z", "end": "soon"}}),
            json!({"uid": "a@zoho.com", "dateandtime": {"start": "20260310T090000Z", "end": "20260310T080000Z"}}),
            json!({"dateandtime": {"start": "20260310T090000Z", "end": "20260310T100000Z"}}),
        ] {
            assert_eq!(read("x", &entry, &madrid()).unwrap_err().class, FailureClass::Protocol, "{entry}");
        }
    }

    #[test]
    fn only_what_is_surely_free_is_free() {
        let busy = |more: Value| read("x", &timed(&more), &madrid()).unwrap().busy;
        for more in [
            json!({}),
            json!({"transparency": 0}),
            json!({"transparency": "0"}),
            json!({"transparency": "yes"}),
            json!({"isprivate": true}),
            json!({"rsvpStatus": 0}),
        ] {
            assert!(busy(more.clone()), "{more}");
        }
        for more in [
            json!({"transparency": 1}),
            json!({"transparency": "1"}),
            json!({"estatus": "deleted"}),
            json!({"rsvpStatus": 2}),
            json!({"rsvpStatus": "2"}),
        ] {
            assert!(!busy(more.clone()), "{more}");
        }
    }

    #[test]
    fn a_declined_invitation_is_free_only_if_the_owner_declined() {
        let owner = Identity { user_id: "600012345".to_owned(), email: "Ana@example.com".parse().unwrap(), name: None };
        let declined_by =
            |attendee: Value| timed(&json!({"attendees": [{"email": "bob@example.net", "status": "ACCEPTED"}, attendee]}));
        let by_address = declined_by(json!({"email": "ana@example.com", "status": "DECLINED"}));
        let by_id = declined_by(json!({"email": "alias@example.com", "status": "declined", "zid": 600_012_345}));
        let by_other = declined_by(json!({"email": "carl@example.net", "status": "DECLINED"}));
        let lens = Lens { owner: Some(owner), ..madrid() };
        assert!(!read("x", &by_address, &lens).unwrap().busy);
        assert!(!read("x", &by_id, &lens).unwrap().busy);
        assert!(read("x", &by_other, &lens).unwrap().busy);
        assert!(read("x", &by_address, &madrid()).unwrap().busy, "nobody knows whose calendar it is");
        assert!(needs_owner(&by_other) && !needs_owner(&timed(&json!({}))));
        let mut hosted = by_other.clone();
        hosted["role"] = json!("organizer");
        assert!(!needs_owner(&hosted), "the host did not decline");
    }

    #[test]
    fn the_zone_is_asked_for_only_where_it_matters() {
        assert!(!needs_zone(&timed(&json!({}))));
        assert!(needs_zone(&json!({"dateandtime": {"start": "20260312", "end": "20260312"}})));
        assert!(needs_zone(&json!({"dateandtime": {"start": "20260312T100000", "end": "20260312T110000Z"}})));
    }
}
