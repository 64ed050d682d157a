//! Free/busy times of a user: only calendars that are included in free/busy, only events that count as busy.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Ctx,
    errors::{Refusal, Reply},
    events_read,
    instances::{Instance, Window},
    model::When,
    switches::{AlldayEnd, FbAlldayShape, FbZone},
    times::{self, Written},
};
use crate::{accounts::User, switches::Switches};

/// `GET /calendars/freebusy`.
pub(crate) fn get(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["uemail", "sdate", "edate", "ftype"])?;
    let email = ctx.call.need("uemail")?;
    let by_event = match ctx.call.need("ftype")? {
        "eventbased" => true,
        "timebased" => false,
        _ => return Err(Refusal::pattern("ftype")),
    };
    let switches = &ctx.world.switches;
    let user = ctx.world.accounts.user_by_email(email).filter(|user| *user.location == *ctx.call.dc);
    let zone = match (switches.fb_zone, user) {
        (FbZone::User, Some(user)) => times::stored_zone(&user.timezone),
        _ => TimeZone::UTC,
    };
    let (start, end) = (moment(ctx, "sdate", &zone)?, moment(ctx, "edate", &zone)?);
    let window = events_read::window(ctx, start, end, switches.range_limit_days)?;
    let shares = |user: &&User| !switches.fb_not_enabled.iter().any(|email| email.eq_ignore_ascii_case(&user.email));
    let Some(user) = user.filter(shares) else {
        return Ok(special(switches, "fb_not_enabled"));
    };
    let busy = busy(ctx, user, window);
    if busy.is_empty() && switches.fb_nodata {
        return Ok(special(switches, "NODATA"));
    }
    let answer = if by_event {
        json!({"freebusy": busy.iter().map(|instance| entry(switches, instance)).collect::<Vec<_>>()})
    } else {
        json!({"freebusy": by_day(&busy, window, &zone)})
    };
    Ok(Reply::Json(200, answer))
}

fn moment(ctx: &Ctx<'_>, name: &str, zone: &TimeZone) -> Result<Timestamp, Refusal> {
    match times::parse(ctx.call.need(name)?) {
        Some(Written::Instant(at)) => Ok(at),
        Some(Written::Local(local)) => Ok(times::instant(local, zone)),
        Some(Written::Day(_)) | None => Err(Refusal::pattern(name)),
    }
}

fn special(switches: &Switches, name: &str) -> Reply {
    let mark = json!({name: true});
    Reply::Json(200, if switches.fb_nested { json!({"freebusy": mark}) } else { mark })
}

fn busy<'a>(ctx: &'a Ctx<'_>, user: &User, window: Window) -> Vec<Instance<'a>> {
    let declined = |instance: &Instance<'_>| {
        let own = instance.details.attendees.iter().find(|guest| guest.email.eq_ignore_ascii_case(&user.email));
        own.is_some_and(|guest| guest.status == "DECLINED")
    };
    let included = ctx.world.calendars.owned_by(user.zuid).into_iter().filter(|calendar| calendar.include_infreebusy);
    let events = included.flat_map(|calendar| calendar.events.values()).filter(|event| event.is_readable(ctx.now));
    let mut all: Vec<Instance<'a>> = events.flat_map(|event| event.instances(window)).collect();
    all.retain(|instance| !instance.details.free && !declined(instance));
    all.sort_by_key(|instance| instance.when.span());
    all
}

fn entry(switches: &Switches, instance: &Instance<'_>) -> Value {
    let kind = if switches.fb_tentative && instance.details.tentative { "busy-tentative" } else { "busy" };
    let (start, end) = match &instance.when {
        When::Timed { start, end, .. } => (times::utc(*start), times::utc(*end)),
        When::AllDay { first, last, .. } => {
            let end = if switches.allday_end == AlldayEnd::Inclusive { *last } else { times::next_day(*last) };
            (whole_day(switches.fb_allday_shape, *first), whole_day(switches.fb_allday_shape, end))
        }
    };
    json!({"startTime": start, "endTime": end, "fbtype": kind})
}

fn whole_day(shape: FbAlldayShape, date: Date) -> String {
    let day = times::day(date);
    match shape {
        FbAlldayShape::DateZ => day + "Z",
        FbAlldayShape::Date => day,
        FbAlldayShape::DateT => day + "T",
        FbAlldayShape::Local => day + "T000000",
    }
}

/// `{"20211215":[{"allday":true},["02:30-03:50"]]}`; days on which nothing is busy are not there.
fn by_day(busy: &[Instance<'_>], window: Window, zone: &TimeZone) -> Value {
    let mut days: BTreeMap<String, (bool, Vec<String>)> = BTreeMap::new();
    for instance in busy {
        match &instance.when {
            When::AllDay { first, last, .. } => {
                for date in first.series(jiff::Span::new().days(1)).take_while(|date| date <= last) {
                    days.entry(times::day(date)).or_default().0 = true;
                }
            }
            When::Timed { start, end, .. } => {
                for (date, piece) in pieces((*start).max(window.start), (*end).min(window.end), zone) {
                    days.entry(date).or_default().1.push(piece);
                }
            }
        }
    }
    let shown =
        |(all_day, pieces): (bool, Vec<String>)| json!([if all_day { json!({"allday": true}) } else { Value::Null }, pieces]);
    days.into_iter().map(|(day, found)| (day, shown(found))).collect::<serde_json::Map<_, _>>().into()
}

/// A span cut at midnights, each piece as `HH:mm-HH:mm`; the end of a day is `24:00`.
fn pieces(start: Timestamp, end: Timestamp, zone: &TimeZone) -> Vec<(String, String)> {
    let mut pieces = Vec::new();
    let mut at = start;
    while at < end {
        let date = zone.to_datetime(at).date();
        let midnight = times::start_of(times::next_day(date), zone);
        let until = end.min(midnight);
        let clock = |at: Timestamp| zone.to_datetime(at).strftime("%H:%M").to_string();
        let last = if until == midnight { "24:00".to_owned() } else { clock(until) };
        pieces.push((times::day(date), format!("{}-{last}", clock(at))));
        // A midnight at the end of time would not move on.
        at = until.max(at + SignedDuration::from_secs(1));
    }
    pieces
}
