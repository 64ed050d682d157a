//! Calendars: list, one, create, change, delete.

use serde_json::{Map, Value, json};

use super::{
    Ctx,
    errors::{Refusal, Reply},
    input,
    model::{Calendar, Category, Privilege},
    times, view,
};

/// `GET /calendars`.
pub(crate) fn list(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["category"])?;
    let wanted = ctx.call.param("category");
    if wanted.is_some_and(|wanted| !["own", "group", "app", "others", "all"].contains(&wanted)) {
        return Err(Refusal::pattern("category"));
    }
    let me = ctx.user.zuid;
    let chosen = |calendar: &Calendar| match wanted {
        // Which ones come without the parameter is not documented; clients that leave it out see theirs and shared ones.
        None => calendar.owner != me || calendar.category == Category::Own,
        Some("own") => calendar.owner == me && calendar.category == Category::Own,
        Some("group") => calendar.owner == me && calendar.category == Category::Group,
        Some("app") => calendar.owner == me && calendar.category == Category::App,
        Some("others") => calendar.owner != me,
        Some(_) => true,
    };
    let switches = &ctx.world.switches;
    let seen = ctx.world.calendars.seen_by(me).into_iter().filter(|calendar| *calendar.dc == *ctx.call.dc);
    let mut shown: Vec<Value> = seen
        .filter(|calendar| chosen(calendar))
        .enumerate()
        .map(|(order, calendar)| view::calendar(calendar, order, me, switches))
        .collect();
    if wanted == Some("all") {
        // Not a calendar: an entry that stands for a group, as Zoho's lists have it.
        let uid = format!("group_{}", me.0);
        shown.push(json!({"uid": uid, "name": "Group", "category": "group", "ctag": 0, "isdefault": false}));
    }
    if shown.is_empty() && switches.no_calendars_no_key {
        return Ok(Reply::Json(200, json!({})));
    }
    Ok(Reply::Json(200, json!({"calendars": shown})))
}

/// `GET /calendars/{uid}`.
pub(crate) fn get(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&[])?;
    let uid = ctx.calendar_uid(Privilege::Freebusy)?;
    one(ctx, &uid)
}

/// `POST /calendars`.
pub(crate) fn create(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["calendarData"])?;
    let data = read(ctx.call.need_json("calendarData")?)?;
    let name = input::text(&data, "name")?.ok_or_else(|| Refusal::missing("name"))?;
    input::text(&data, "color")?.ok_or_else(|| Refusal::missing("color"))?;
    let user = &ctx.user;
    let mut calendar = Calendar::new(user.zuid, &user.location, &name, &user.timezone, &mut ctx.world.ids, ctx.now);
    apply(&mut calendar, &data)?;
    let uid = calendar.uid.clone();
    ctx.world.calendars.insert(calendar);
    one(ctx, &uid)
}

/// `PUT /calendars/{uid}`: changed keys only.
pub(crate) fn update(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&["calendarData"])?;
    let uid = ctx.calendar_uid(Privilege::Owner)?;
    let data = read(ctx.call.need_json("calendarData")?)?;
    let none = ctx.gone();
    let stored = ctx.world.calendars.get_mut(&uid).ok_or(none)?;
    let mut changed = stored.clone();
    apply(&mut changed, &data)?;
    changed.touch(ctx.now);
    *stored = changed;
    one(ctx, &uid)
}

/// `DELETE /calendars/{uid}`. The default calendar stays.
pub(crate) fn delete(ctx: &mut Ctx<'_>) -> Result<Reply, Refusal> {
    ctx.call.only(&[])?;
    let uid = ctx.calendar_uid(Privilege::Owner)?;
    if ctx.world.calendars.get(&uid).is_some_and(|calendar| calendar.is_default) {
        return Err(Refusal::forbidden());
    }
    ctx.world.calendars.by_uid.remove(&uid);
    Ok(Reply::Json(200, json!({"calendars": [{"uid": uid, "calstatus": "deleted"}]})))
}

fn one(ctx: &Ctx<'_>, uid: &str) -> Result<Reply, Refusal> {
    let calendar = ctx.world.calendars.get(uid).ok_or_else(|| ctx.gone())?;
    let shown = view::calendar(calendar, 0, ctx.user.zuid, &ctx.world.switches);
    Ok(Reply::Json(200, json!({"calendars": [shown]})))
}

fn read(data: Value) -> Result<Map<String, Value>, Refusal> {
    let known = ["name", "color", "textcolor", "description", "timezone", "include_infreebusy", "public"];
    match data {
        Value::Object(object) => match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(extra) => Err(Refusal::extra_key(extra)),
            None => Ok(object),
        },
        _ => Err(Refusal::invalid("calendarData must be a JSON object")),
    }
}

fn apply(calendar: &mut Calendar, data: &Map<String, Value>) -> Result<(), Refusal> {
    if let Some(name) = input::text(data, "name")? {
        if name.is_empty() {
            return Err(Refusal::missing("name"));
        }
        calendar.name = fits("name", name, 50)?;
    }
    if let Some(description) = input::text(data, "description")? {
        calendar.description = fits("description", description, 1000)?;
    }
    for (key, place) in [("color", &mut calendar.color), ("textcolor", &mut calendar.text_color)] {
        if let Some(color) = input::text(data, key)? {
            if !input::is_color(&color) {
                return Err(Refusal::pattern(key));
            }
            *place = color;
        }
    }
    if let Some(zone) = input::text(data, "timezone")? {
        times::zone(&zone).ok_or_else(|| Refusal::invalid(format!("{zone} is not a time zone")))?;
        calendar.timezone = zone;
    }
    if let Some(public) = input::text(data, "public")? {
        if !["disable", "freebusy", "view"].contains(&public.as_str()) {
            return Err(Refusal::pattern("public"));
        }
        calendar.public = public;
    }
    if let Some(include) = input::flag(data, "include_infreebusy")? {
        calendar.include_infreebusy = include;
    }
    Ok(())
}

fn fits(key: &str, text: String, longest: usize) -> Result<String, Refusal> {
    if text.chars().count() > longest { Err(Refusal::too_long(key, longest)) } else { Ok(text) }
}
