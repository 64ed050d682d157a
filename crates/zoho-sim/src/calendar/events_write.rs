//! Creating and changing events: POST, PUT (a full replacement) and PATCH (changed keys only).

use serde_json::{Value, json};

use super::{
    Ctx,
    errors::{Refusal, Reply},
    input::{self, Edit, EventInput, Meaning},
    instances::Instance,
    mails,
    model::{Attendee, Details, Event, Privilege},
    series, switches,
    view::Viewer,
    webhooks,
};

/// `POST /calendars/{uid}/events`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["eventdata"])?;
    let uid = ctx.calendar_uid(Privilege::Edit)?;
    let input = EventInput::read(ctx.call.need_json("eventdata")?, true)?;
    input.check_zone_of_rule()?;
    if input.has("uid") && ctx.world.switches.client_uid == switches::ClientUid::Refuse {
        return Err(Refusal::extra_key("uid"));
    }
    if ctx.world.switches.title_required && !input.has("title") {
        return Err(Refusal::missing("title"));
    }
    let details = input.details(None, meaning(ctx, &uid)?)?;
    let rrule = input.rule(&details.when)?;
    let event = ctx.world.new_event((&ctx.user.email, &ctx.user.display_name()), details, rrule, ctx.now);
    let euid = event.uid.clone();
    mails::send(ctx.world, mails::Kind::Invitation, &event, &event.details, input.notify, ctx.now);
    webhooks::changed(ctx.world, "newEvent", &uid, &event);
    store(ctx, &uid, event)?;
    let status = ctx.world.switches.create_status;
    shown(ctx, &uid, &euid, None).map(|body| Reply::Json(status, body))
}

/// `PUT /calendars/{uid}/events/{euid}`: keys left out are cleared.
pub(crate) fn put(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["eventdata"])?;
    let uid = ctx.calendar_uid(Privilege::Edit)?;
    let input = EventInput::read(ctx.call.need_json("eventdata")?, false)?;
    input.check_zone_of_rule()?;
    let event = existing(ctx, &uid)?;
    if !input.has("dateandtime") {
        return Err(Refusal::missing("dateandtime"));
    }
    check_etag(ctx, &event, input.etag.as_deref(), true)?;
    if ctx.world.switches.title_required && !input.has("title") {
        return Err(Refusal::missing("title"));
    }
    let details = input.details(None, meaning(ctx, &uid)?)?;
    write(ctx, &uid, event, &input, |_| Ok(details.clone()), input.rule(&details.when)?)
}

/// `PATCH /calendars/{uid}/events/{euid}`.
pub(crate) fn patch(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["eventdata", "attendeedata"])?;
    let uid = ctx.calendar_uid(Privilege::View)?;
    let event = existing(ctx, &uid)?;
    if let Some(data) = ctx.call.json("attendeedata")? {
        return patch_attendees(ctx, &uid, event, &data);
    }
    ctx.calendar_uid(Privilege::Edit)?;
    let input = EventInput::read(ctx.call.need_json("eventdata")?, false)?;
    input.check_zone_of_rule()?;
    check_etag(ctx, &event, input.etag.as_deref(), ctx.world.switches.patch_needs_etag)?;
    let meaning = Meaning { zone: event.details.when.zone_name(), allday_end: ctx.world.switches.allday_end };
    let rrule = if input.has("rrule") || input.has("repeat") {
        input.rule(&input.details(Some(&event.details), meaning)?.when)?
    } else {
        event.rrule.clone()
    };
    let change = |old: &Details| input.details(Some(old), meaning);
    write(ctx, &uid, event.clone(), &input, change, rrule)
}

/// Writes a change to the whole event, to one occurrence, or to one and all later ones.
fn write(
    ctx: &mut Ctx<'_>,
    uid: &str,
    mut event: Event,
    input: &EventInput,
    change: impl Fn(&Details) -> Result<Details, Refusal>,
    rrule: Option<String>,
) -> Result<Reply, Refusal> {
    let before = event.details.clone();
    let by = ctx.user.email.clone();
    let (euid, recurrence_id) = match input.edit(&event) {
        Edit::Whole => {
            let after = change(&event.details)?;
            // An edit that began at an occurrence leaves the series a series.
            let rrule = if input.recurrence_id.is_some() { rrule.or_else(|| event.rrule.clone()) } else { rrule };
            series::replace(&mut event, after, rrule);
            event.touch(&by, ctx.now);
            mails::send_changed(ctx.world, &event, (&before, &event.details), input.notify, ctx.now);
            (event.uid.clone(), None)
        }
        Edit::One(recurrence_id) => {
            let after = change(&occurrence(ctx, &event, recurrence_id)?)?;
            mails::send_changed(ctx.world, &event, (&before, &after), input.notify, ctx.now);
            series::except(&mut event, recurrence_id, after);
            event.touch(&by, ctx.now);
            (event.uid.clone(), Some(recurrence_id))
        }
        Edit::Following(recurrence_id) => {
            let after = change(&occurrence(ctx, &event, recurrence_id)?)?;
            let rest = input.rule(&after.when)?.or_else(|| series::rule_from(&event, recurrence_id));
            series::end_before(&mut event, recurrence_id).map_err(|error| Refusal::invalid(error.to_string()))?;
            event.touch(&by, ctx.now);
            let names = (event.organizer.clone(), event.organizer_name.clone());
            let later = ctx.world.new_event((&names.0, &names.1), after, rest, ctx.now);
            mails::send_changed(ctx.world, &later, (&before, &later.details), input.notify, ctx.now);
            let euid = later.uid.clone();
            store(ctx, uid, later)?;
            (euid, None)
        }
    };
    webhooks::changed(ctx.world, "editEvent", uid, &event);
    store(ctx, uid, event)?;
    shown(ctx, uid, &euid, recurrence_id).map(|body| Reply::Json(200, body))
}

/// `attendeedata`: answers of guests. The organiser may write it, and guests who may invite.
fn patch_attendees(ctx: &mut Ctx<'_>, uid: &str, mut event: Event, data: &Value) -> Result<Reply, Refusal> {
    let Value::Object(object) = data else {
        return Err(Refusal::invalid("attendeedata must be a JSON object"));
    };
    let known = ["attendees", "notify_attendee", "etag"];
    if let Some(extra) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(Refusal::extra_key(extra));
    }
    let me = &ctx.user.email;
    let guest = event.details.attendees.iter().find(|guest| guest.email.eq_ignore_ascii_case(me));
    if !event.organizer.eq_ignore_ascii_case(me) && guest.is_none_or(|guest| guest.permission < 2) {
        return Err(Refusal::forbidden());
    }
    let Some(list) = object.get("attendees").and_then(Value::as_array) else {
        return Err(Refusal::missing("attendees"));
    };
    if list.is_empty() || list.len() > 50 {
        return Err(Refusal::array_size("attendees"));
    }
    let before = event.details.clone();
    for changed in list.iter().map(input::attendee).collect::<Result<Vec<Attendee>, _>>()? {
        let guests = &mut event.details.attendees;
        match guests.iter_mut().find(|guest| guest.email.eq_ignore_ascii_case(&changed.email)) {
            Some(guest) => guest.status = changed.status,
            None => guests.push(changed),
        }
    }
    let notify = object.get("notify_attendee").and_then(Value::as_i64);
    let (euid, by) = (event.uid.clone(), ctx.user.email.clone());
    event.touch(&by, ctx.now);
    mails::send_changed(ctx.world, &event, (&before, &event.details), notify, ctx.now);
    store(ctx, uid, event)?;
    shown(ctx, uid, &euid, None).map(|body| Reply::Json(200, body))
}

/// The event in the path, to be changed.
pub(crate) fn existing(ctx: &Ctx<'_>, uid: &str) -> Result<Event, Refusal> {
    let calendar = ctx.world.calendars.get(uid).ok_or_else(|| ctx.gone())?;
    calendar.events.get(ctx.event_uid()).filter(|event| event.is_alive()).cloned().ok_or_else(|| ctx.gone())
}

/// Refuses an etag that is not the current one; one in the JSON counts before one in the header.
pub(crate) fn check_etag(ctx: &Ctx<'_>, event: &Event, given: Option<&str>, needed: bool) -> Result<(), Refusal> {
    let header = ctx.call.etag.as_deref().map(|etag| etag.trim_matches('"'));
    match given.or(header) {
        None if needed => Err(Refusal::etag_missing()),
        None => Ok(()),
        Some(etag) if etag == event.etag.to_string() => Ok(()),
        Some(_) => {
            let switches = &ctx.world.switches;
            let sentence = "The event was changed in the meantime";
            Err(Refusal::new(switches.stale_etag_status, &switches.stale_etag_code, sentence))
        }
    }
}

/// Puts a changed event back and marks the calendar as changed.
pub(crate) fn store(ctx: &mut Ctx<'_>, uid: &str, event: Event) -> Result<(), Refusal> {
    let none = ctx.gone();
    let calendar = ctx.world.calendars.get_mut(uid).ok_or(none)?;
    calendar.events.insert(event.uid.clone(), event);
    calendar.touch(ctx.now);
    Ok(())
}

fn occurrence(ctx: &Ctx<'_>, event: &Event, recurrence_id: &str) -> Result<Details, Refusal> {
    let Instance { details, when, .. } = event.occurrence(recurrence_id).ok_or_else(|| ctx.gone())?;
    Ok(Details { when, ..details.clone() })
}

fn meaning<'a>(ctx: &'a Ctx<'_>, uid: &str) -> Result<Meaning<'a>, Refusal> {
    let calendar = ctx.world.calendars.get(uid).ok_or_else(|| ctx.gone())?;
    Ok(Meaning { zone: &calendar.timezone, allday_end: ctx.world.switches.allday_end })
}

fn shown(ctx: &Ctx<'_>, uid: &str, euid: &str, recurrence_id: Option<&str>) -> Result<Value, Refusal> {
    let calendar = ctx.world.calendars.get(uid).ok_or_else(|| ctx.gone())?;
    let event = calendar.events.get(euid).ok_or_else(|| ctx.gone())?;
    let viewer = Viewer::new(ctx.world, calendar, &ctx.user);
    let one = match recurrence_id.and_then(|id| event.occurrence(id)) {
        Some(instance) => viewer.occurrence(&instance),
        None => viewer.event(event),
    };
    Ok(json!({"events": [one]}))
}
