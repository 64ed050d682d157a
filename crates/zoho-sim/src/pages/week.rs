//! A user's week for people: what the calendars hold, in the user's own zone, with small forms to add and delete
//! events by hand. No JavaScript. And the list of people at `/_sim/people`.

mod html;
mod sheet;

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};
use serde::Deserialize;
use serde_json::json;
use url::form_urlencoded;

use crate::{
    accounts::User,
    calendar::{Instance, Window, times},
    sim::Site,
    world::World,
};

/// The routes below `/_sim`.
pub(crate) fn router(site: Site) -> Router {
    Router::new()
        .route("/people", get(people))
        .route("/week", get(week).post(add))
        .route("/week/{email}", get(of_person))
        .route("/week/delete", post(delete))
        .route("/week.css", get(async || ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], sheet::css())))
        .with_state(site)
}

/// Which week of whom.
#[derive(Deserialize)]
struct Ask {
    email: String,
    /// Any day of the week; this week if there is none.
    #[serde(default)]
    start: Option<Date>,
    /// The day for which the form to add an event is open.
    #[serde(default)]
    add: Option<Date>,
}

/// A week to be shown.
struct Week<'a> {
    user: &'a User,
    monday: Date,
    today: Date,
    /// The day for which the form to add an event is open.
    add: Option<Date>,
    /// What went wrong with the form before.
    complaint: Option<String>,
    days: Vec<Day<'a>>,
}

/// One day with what is in it.
struct Day<'a> {
    date: Date,
    whole: Vec<Instance<'a>>,
    timed: Vec<Piece<'a>>,
}

/// The part of a timed occurrence that falls on one day, in minutes of the wall clock.
struct Piece<'a> {
    instance: Instance<'a>,
    from: i32,
    to: i32,
}

async fn week(State(site): State<Site>, Query(ask): Query<Ask>) -> Response {
    show(&site, &ask, None)
}

async fn of_person(Path(email): Path<String>) -> Redirect {
    Redirect::to(&link(&email, None, None))
}

async fn people(State(site): State<Site>) -> Response {
    site.sim.with(|world, now| {
        let weeks: Vec<Week<'_>> = world.accounts.users().map(|user| Week::of(world, user, (None, None), None, now)).collect();
        html::people(&weeks)
    })
}

fn show(site: &Site, ask: &Ask, complaint: Option<String>) -> Response {
    let status = if complaint.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    site.sim.with(|world, now| match world.accounts.user_by_email(&ask.email) {
        Some(user) => {
            let page = html::week(&Week::of(world, user, (ask.start, ask.add), complaint, now));
            (status, page).into_response()
        }
        None => (StatusCode::NOT_FOUND, html::nobody(&ask.email)).into_response(),
    })
}

/// The form that adds an event. Tick boxes that are not ticked are not sent.
#[derive(Deserialize)]
struct NewEvent {
    email: String,
    title: String,
    date: Date,
    from: Option<String>,
    to: Option<String>,
    whole: Option<String>,
    free: Option<String>,
    private: Option<String>,
    weekly: Option<String>,
}

async fn add(State(site): State<Site>, Form(new): Form<NewEvent>) -> Response {
    let ask = Ask { email: new.email.clone(), start: Some(new.date), add: Some(new.date) };
    let day = times::day(new.date);
    let clock = |text: &Option<String>| {
        let time = text.as_deref().and_then(|text| text.parse::<Time>().ok())?;
        Some(format!("{day}T{}", time.strftime("%H%M00")))
    };
    let (start, end) = if new.whole.is_some() {
        (day.clone(), day.clone())
    } else {
        match (clock(&new.from), clock(&new.to)) {
            (Some(from), Some(to)) => (from, to),
            _ => return show(&site, &ask, Some("Please give a start and an end, such as 09:30, or tick “whole day”.".to_owned())),
        }
    };
    let added = site.sim.with(|world, now| {
        let zone = world.user_named(&new.email)?.timezone;
        let mut event = json!({
            "title": new.title, "isallday": new.whole.is_some(), "isprivate": new.private.is_some(),
            "transparency": i32::from(new.free.is_some()),
            "dateandtime": {"start": start, "end": end, "timezone": zone},
        });
        if let (Some(_), Some(object)) = (&new.weekly, event.as_object_mut()) {
            object.insert("rrule".to_owned(), json!("FREQ=WEEKLY"));
        }
        world.add_by_hand(&new.email, None, event, now)
    });
    match added {
        Ok(_) => Redirect::to(&link(&new.email, Some(new.date), None)).into_response(),
        Err(error) => show(&site, &ask, Some(format!("The event was not added. {error}."))),
    }
}

/// The form that deletes an event or one occurrence.
#[derive(Deserialize)]
struct Doomed {
    email: String,
    uid: String,
    recurrenceid: Option<String>,
    start: Option<Date>,
}

async fn delete(State(site): State<Site>, Form(doomed): Form<Doomed>) -> Response {
    let Doomed { email, uid, recurrenceid, start } = doomed;
    match site.sim.with(|world, now| world.delete_by_hand(&email, &uid, recurrenceid.as_deref(), now)) {
        Ok(()) => Redirect::to(&link(&email, start, None)).into_response(),
        Err(error) => show(&site, &Ask { email, start, add: None }, Some(format!("Nothing was deleted: {error}."))),
    }
}

/// The address of a week.
fn link(email: &str, start: Option<Date>, add: Option<Date>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("email", email);
    for (name, date) in [("start", start), ("add", add)] {
        if let Some(date) = date {
            query.append_pair(name, &date.to_string());
        }
    }
    // The form is below the days; its link leads there.
    let place = if add.is_some() { "#add" } else { "" };
    format!("/_sim/week?{}{place}", query.finish())
}

impl<'a> Week<'a> {
    fn of(
        world: &'a World,
        user: &'a User,
        (start, add): (Option<Date>, Option<Date>),
        complaint: Option<String>,
        now: Timestamp,
    ) -> Self {
        let zone = times::stored_zone(&user.timezone);
        let today = zone.to_datetime(now).date();
        let monday = monday_of(start.or(add).unwrap_or(today));
        let days = (0..7).map(|number| Day::of(world, user, plus(monday, number), &zone)).collect();
        Self { user, monday, today, add, complaint, days }
    }

    /// The hours to show: the working day, and more where something is.
    fn hours(&self) -> (i32, i32) {
        let timed = || self.days.iter().flat_map(|day| &day.timed);
        let first = timed().map(|piece| piece.from / 60).min().unwrap_or(8).min(8);
        let last = timed().map(|piece| (piece.to + 59) / 60).max().unwrap_or(18).max(18);
        (first, last)
    }
}

impl<'a> Day<'a> {
    fn of(world: &'a World, user: &User, date: Date, zone: &TimeZone) -> Self {
        let window = Window { start: times::start_of(date, zone), end: times::start_of(times::next_day(date), zone), edges: false };
        let calendars = world.calendars.owned_by(user.zuid).into_iter();
        let events = calendars.flat_map(|calendar| calendar.events.values()).filter(|event| event.is_alive());
        let mut day = Self { date, whole: Vec::new(), timed: Vec::new() };
        for instance in events.flat_map(|event| event.instances(window)) {
            if instance.when.is_all_day() {
                day.whole.push(instance);
            } else {
                let (start, end) = instance.when.span();
                let clock = |at: Timestamp| {
                    let time = zone.to_datetime(at).time();
                    i32::from(time.hour()) * 60 + i32::from(time.minute())
                };
                let from = if start <= window.start { 0 } else { clock(start) };
                let to = if end >= window.end { 24 * 60 } else { clock(end) };
                day.timed.push(Piece { instance, from, to: to.max(from) });
            }
        }
        day.timed.sort_by_key(|piece| (piece.from, piece.to));
        day
    }
}

fn plus(date: Date, days: i64) -> Date {
    date.saturating_add(jiff::Span::new().days(days))
}

fn monday_of(date: Date) -> Date {
    plus(date, -i64::from(date.weekday().since(Weekday::Monday)))
}
