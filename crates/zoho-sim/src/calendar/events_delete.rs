//! Deleting events and occurrences. The etag comes in the header or inside `eventdata`.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Ctx,
    errors::{Refusal, Reply},
    events_write,
    input::{Edit, EventInput},
    mails,
    model::{Event, Privilege},
    series, webhooks,
};
use crate::world::World;

/// Keys that `eventdata` of a deletion may have.
const KEYS: [&str; 5] = ["uid", "etag", "recurrenceid", "recurrence_edittype", "notify_attendee"];

/// `DELETE /calendars/{uid}/events/{euid}`.
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["eventdata"])?;
    let uid = ctx.calendar_uid(Privilege::Edit)?;
    let data = ctx.call.json("eventdata")?.unwrap_or_else(|| json!({}));
    if let Some(extra) = extra_key(&data) {
        return Err(Refusal::extra_key(&extra));
    }
    let input = EventInput::read(data, false)?;
    let mut event = events_write::existing(ctx, &uid)?;
    events_write::check_etag(ctx, &event, input.etag.as_deref(), true)?;
    let euid = event.uid.clone();
    let (now, by) = (ctx.now, ctx.user.email.clone());
    let mut answer = json!({"uid": euid, "caluid": uid, "estatus": "deleted"});
    let edit = input.edit(&event);
    if let Edit::One(recurrence_id) | Edit::Following(recurrence_id) = edit {
        event.occurrence(recurrence_id).ok_or_else(|| ctx.gone())?;
        if let Some(object) = answer.as_object_mut() {
            object.insert("recurrenceid".to_owned(), json!(recurrence_id));
        }
    }
    match edit {
        Edit::Whole => remove(ctx.world, &uid, &euid, now),
        Edit::One(recurrence_id) => series::delete(&mut event, recurrence_id),
        Edit::Following(recurrence_id) => {
            series::end_before(&mut event, recurrence_id).map_err(|error| Refusal::invalid(error.to_string()))?;
        }
    }
    if !matches!(edit, Edit::Whole) {
        event.touch(&by, now);
        events_write::store(ctx, &uid, event.clone())?;
    }
    mails::send(ctx.world, mails::Kind::Cancellation, &event, &event.details, input.notify, now);
    webhooks::deleted(ctx.world, &uid, &euid);
    Ok(Reply::Json(200, json!({"events": [answer]})))
}

/// Takes an event out of a calendar; it may stay readable for a while (switch `delete_readable_s`).
pub(crate) fn remove(world: &mut World, uid: &str, euid: &str, now: jiff::Timestamp) {
    let readable = world.switches.delete_readable_s;
    if let Some(calendar) = world.calendars.get_mut(uid) {
        if let Some(event) = calendar.events.get_mut(euid).filter(|event: &&mut Event| event.is_alive()) {
            event.readable_until = Some(now + SignedDuration::from_secs(readable));
        }
        calendar.touch(now);
        calendar.bury(now);
    }
}

fn extra_key(data: &Value) -> Option<String> {
    let mut keys = data.as_object()?.keys();
    keys.find(|key| !KEYS.contains(&key.as_str())).cloned()
}
