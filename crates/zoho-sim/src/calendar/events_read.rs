//! Reading events: lists with and without a range, one event, the occurrences of one event.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Ctx,
    errors::{Refusal, Reply},
    instances::{Instance, Window},
    model::{Calendar, Event, Exception, Privilege, When},
    switches::{EmptyList, GoneEvent},
    times::{self, Written},
    view::Viewer,
};

/// `GET /calendars/{uid}/events`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    let mut known = vec!["range", "byinstance", "timezone", "crm_event_type"];
    if ctx.world.switches.last_modified_accepted {
        known.push("lastmodified");
    }
    if ctx.world.switches.list_start_end_ignored {
        known.extend(["start", "end"]);
    }
    ctx.call.only(&known)?;
    let uid = ctx.calendar_uid(Privilege::View)?;
    let zone = asked_zone(ctx)?;
    let by_instance = ctx.call.flag("byinstance")?;
    let window = range(ctx, zone.as_deref(), ctx.world.switches.range_limit_days)?;
    let since = match ctx.call.param("lastmodified").map(times::parse) {
        None => None,
        Some(Some(Written::Instant(at))) => Some(at),
        Some(_) => return Err(Refusal::pattern("lastmodified")),
    };
    let calendar = ctx.world.calendars.get(&uid).ok_or_else(|| ctx.gone())?;
    let viewer = Viewer { zone: zone.as_deref(), descriptions: ctx.call.large, ..Viewer::new(ctx.world, calendar, &ctx.user) };
    let events = readable(calendar, ctx.now).filter(|event| since.is_none_or(|since| event.modified >= since));
    let found: Vec<Value> = match (window, by_instance) {
        (Some(window), true) => {
            let mut all: Vec<Instance<'_>> = events.flat_map(|event| event.instances(window)).collect();
            all.sort_by_key(|instance| instance.when.span());
            all.iter().map(|instance| viewer.brief(instance)).collect()
        }
        (Some(window), false) => events.flat_map(|event| in_range(&viewer, event, window)).collect(),
        (None, true) => return Err(Refusal::missing("range")),
        (None, false) => events.flat_map(|event| whole(&viewer, event)).collect(),
    };
    if found.is_empty() && ctx.world.switches.empty_list == EmptyList::Message {
        return Ok(Reply::Json(200, json!({"events": [{"message": "No events found."}]})));
    }
    Ok(Reply::Json(200, json!({"events": found})))
}

/// `GET /calendars/{uid}/events/{euid}`.
pub(crate) fn get(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["recurrenceid"])?;
    let uid = ctx.calendar_uid(Privilege::View)?;
    let calendar = ctx.world.calendars.get(&uid).ok_or_else(|| ctx.gone())?;
    let viewer = Viewer::new(ctx.world, calendar, &ctx.user);
    let Some(event) = calendar.events.get(ctx.event_uid()).filter(|event| event.is_readable(ctx.now)) else {
        return gone(ctx, calendar, &viewer);
    };
    let Some(recurrence_id) = ctx.call.param("recurrenceid") else {
        return Ok(Reply::Json(200, json!({"events": whole(&viewer, event)})));
    };
    if event.exceptions.get(recurrence_id) == Some(&Exception::Deleted) {
        return Ok(Reply::Json(200, json!({"events": [viewer.placeholder(&event.uid, Some(recurrence_id))]})));
    }
    let Some(mut instance) = event.occurrence(recurrence_id) else {
        return gone(ctx, calendar, &viewer);
    };
    if ctx.world.switches.yearly_allday_late_end
        && event.rrule.as_ref().is_some_and(|rule| rule.contains("FREQ=YEARLY"))
        && let When::AllDay { last, .. } = &mut instance.when
    {
        *last = times::next_day(*last);
    }
    Ok(Reply::Json(200, json!({"events": [viewer.occurrence(&instance)]})))
}

/// `GET /calendars/{uid}/events/{euid}/byinstance`.
pub(crate) fn by_instance(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["range", "timezone"])?;
    let uid = ctx.calendar_uid(Privilege::View)?;
    let zone = asked_zone(ctx)?;
    let window = range(ctx, zone.as_deref(), 90)?.ok_or_else(|| Refusal::missing("range"))?;
    let calendar = ctx.world.calendars.get(&uid).ok_or_else(|| ctx.gone())?;
    let viewer = Viewer { zone: zone.as_deref(), descriptions: ctx.call.large, ..Viewer::new(ctx.world, calendar, &ctx.user) };
    let Some(event) = calendar.events.get(ctx.event_uid()).filter(|event| event.is_readable(ctx.now)) else {
        return gone(ctx, calendar, &viewer);
    };
    let found: Vec<Value> = event.instances(window).iter().map(|instance| viewer.brief(instance)).collect();
    Ok(Reply::Json(200, json!({"events": found})))
}

fn readable(calendar: &Calendar, now: Timestamp) -> impl Iterator<Item = &Event> {
    let mut events: Vec<&Event> = calendar.events.values().filter(|event| event.is_readable(now)).collect();
    events.sort_by_key(|event| (event.created, event.id));
    events.into_iter()
}

/// An event with what a series drags along: first placeholders of deleted occurrences, then the master, then the
/// occurrences that were changed.
fn whole(viewer: &Viewer<'_>, event: &Event) -> Vec<Value> {
    let deleted = event.exceptions.iter().filter(|(_, exception)| **exception == Exception::Deleted);
    let mut all: Vec<Value> = deleted.map(|(id, _)| viewer.placeholder(&event.uid, Some(id))).collect();
    all.push(viewer.event(event));
    all.extend(changed(event).map(|instance| viewer.occurrence(&instance)));
    all
}

/// What a list with a range and without `byinstance` shows of an event: the master where it is, and changed
/// occurrences where they are.
fn in_range(viewer: &Viewer<'_>, event: &Event, window: Window) -> Vec<Value> {
    let master = if viewer.switches.range_finds_series {
        event.instances(window).iter().any(|instance| !instance.is_exception)
    } else {
        window.holds(&event.details.when)
    };
    let mut all: Vec<Value> = master.then(|| viewer.event(event)).into_iter().collect();
    let there = changed(event).filter(|instance| window.holds(&instance.when));
    all.extend(there.map(|instance| viewer.occurrence(&instance)));
    all
}

fn changed(event: &Event) -> impl Iterator<Item = Instance<'_>> {
    event
        .exceptions
        .iter()
        .filter(|(_, exception)| matches!(exception, Exception::Changed(_)))
        .filter_map(|(recurrence_id, _)| event.occurrence(recurrence_id))
}

fn gone(ctx: &Ctx<'_>, calendar: &Calendar, viewer: &Viewer<'_>) -> Result<Reply, Refusal> {
    let uid = ctx.event_uid();
    match ctx.world.switches.gone_event {
        GoneEvent::Empty => Ok(Reply::Json(200, json!({"events": []}))),
        GoneEvent::Placeholder if calendar.graves.contains(uid) => {
            Ok(Reply::Json(200, json!({"events": [viewer.placeholder(uid, None)]})))
        }
        GoneEvent::Json404 | GoneEvent::Status400 | GoneEvent::Placeholder => Err(ctx.gone()),
    }
}

/// The `timezone` parameter, if it names a zone.
fn asked_zone(ctx: &Ctx<'_>) -> Result<Option<String>, Refusal> {
    match ctx.call.param("timezone") {
        None => Ok(None),
        Some(name) if times::zone(name).is_some() => Ok(Some(name.to_owned())),
        Some(name) => Err(Refusal::invalid(format!("{name} is not a time zone"))),
    }
}

/// The `range` parameter. Days are taken in the zone asked for, or the user's; the last one is included.
fn range(ctx: &Ctx<'_>, zone: Option<&str>, longest_days: i64) -> Result<Option<Window>, Refusal> {
    let Some(value) = ctx.call.json("range")? else {
        return Ok(None);
    };
    if let Some(extra) = value.as_object().and_then(|range| range.keys().find(|key| *key != "start" && *key != "end")) {
        return Err(Refusal::extra_key(extra));
    }
    let zone = times::stored_zone(zone.unwrap_or(&ctx.user.timezone));
    let part = |key: &str| {
        let text = value.get(key).and_then(Value::as_str).ok_or_else(|| Refusal::missing(&format!("range.{key}")))?;
        match times::parse(text) {
            Some(Written::Instant(at)) => Ok(at),
            Some(Written::Day(day)) if key == "end" => Ok(times::start_of(times::next_day(day), &zone)),
            Some(Written::Day(day)) => Ok(times::start_of(day, &zone)),
            Some(Written::Local(_)) | None => Err(Refusal::pattern(&format!("range.{key}"))),
        }
    };
    window(ctx, part("start")?, part("end")?, longest_days).map(Some)
}

/// A window that is not longer than allowed.
pub(crate) fn window(ctx: &Ctx<'_>, start: Timestamp, end: Timestamp, longest_days: i64) -> Result<Window, Refusal> {
    if end < start {
        return Err(Refusal::invalid("the range ends before it starts"));
    }
    // An hour of grace: 31 days across the end of summer time are that much longer.
    if end.duration_since(start) > SignedDuration::from_hours(longest_days * 24 + 1) {
        let code = &ctx.world.switches.range_error_code;
        return Err(Refusal::new(400, code, format!("the range must not be longer than {longest_days} days")));
    }
    Ok(Window { start, end, edges: ctx.world.switches.range_includes_edges })
}
