//! Calendar: calendars, events and free/busy times (API v1). Every request is read into a [`Call`], answered by one
//! function with the world locked, and put into Zoho's words.

mod budget;
mod by_hand;
mod calendars;
mod call;
mod control;
mod errors;
mod events_delete;
mod events_read;
mod events_write;
mod freebusy;
mod input;
mod instances;
mod mails;
mod model;
mod recurrence;
mod series;
pub mod switches;
pub(crate) mod times;
mod view;
mod webhooks;

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::{Request, State},
    http::Method,
    response::{IntoResponse as _, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::by_hand::ByHandError;
use self::{
    budget::Budgets,
    call::Call,
    errors::{Refusal, Reply},
    webhooks::Webhooks,
};
pub(crate) use self::{control::router as control, input::check_rule};
pub use self::{
    instances::{Instance, Window},
    model::{Attendee, Calendar, Category, Details, Event, Exception, Privilege, Reminder, When},
};
use crate::{
    accounts::{Scope, TokenRefusal, User, UserId},
    ids::Ids,
    sim::Site,
    switches::Switches,
    world::World,
};

/// All calendars of all users.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Calendars {
    by_uid: BTreeMap<String, Calendar>,
    webhooks: Webhooks,
    budgets: Budgets,
}

impl Calendars {
    /// Makes the default calendar of a new user.
    pub(crate) fn add_user(&mut self, user: &User, ids: &mut Ids, now: Timestamp) {
        let name = user.display_name();
        let calendar = Calendar::new(user.zuid, &user.location, &name, &user.timezone, ids, now);
        self.insert(Calendar { is_default: true, ..calendar });
    }

    /// Adds a calendar, or replaces the one with the same uid.
    pub fn insert(&mut self, calendar: Calendar) {
        self.by_uid.insert(calendar.uid.clone(), calendar);
    }

    /// The calendar with this uid.
    pub fn get(&self, uid: &str) -> Option<&Calendar> {
        self.by_uid.get(uid)
    }

    /// The calendar with this uid, to change it.
    pub fn get_mut(&mut self, uid: &str) -> Option<&mut Calendar> {
        self.by_uid.get_mut(uid)
    }

    /// The calendars of a user: the default one, then the others in the order in which they were made.
    pub fn owned_by(&self, owner: UserId) -> Vec<&Calendar> {
        self.seen_by(owner).into_iter().filter(|calendar| calendar.owner == owner).collect()
    }

    /// The calendars that a user sees: the default one, their others, then those of others, each in the order in which
    /// they were made.
    pub fn seen_by(&self, user: UserId) -> Vec<&Calendar> {
        let mut seen: Vec<&Calendar> = self.by_uid.values().filter(|calendar| calendar.privilege_of(user).is_some()).collect();
        seen.sort_by_key(|calendar| (calendar.owner != user, !calendar.is_default, calendar.created, &calendar.uid));
        seen
    }

    /// The default calendar of a user.
    pub fn default_of(&self, owner: UserId) -> Option<&Calendar> {
        self.by_uid.values().find(|calendar| calendar.owner == owner && calendar.is_default)
    }
}

/// What a handler works with.
pub(crate) struct Ctx<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) now: Timestamp,
    /// Whose token it is.
    pub(crate) user: User,
    pub(crate) call: &'a Call,
}

type Handler = fn(&mut Ctx<'_>) -> Result<Reply, Refusal>;

/// The routes below `/api/v1` in one data centre.
pub(crate) fn router(site: Site) -> Router {
    Router::new().fallback(dispatch).with_state(site)
}

/// The answer to any path and method that does not exist.
pub(crate) async fn not_configured() -> Response {
    Refusal::no_such_url().reply(&Switches::default()).into_response()
}

async fn dispatch(State(site): State<Site>, request: Request) -> Response {
    let call = match Call::read(site.location.clone(), request).await {
        Ok(call) => call,
        Err(reply) => return reply.into_response(),
    };
    let (reply, deliveries) = site.sim.with(|world, now| {
        let reply = answer(world, now, &call).unwrap_or_else(|refusal| refusal.reply(&world.switches));
        (reply, world.calendars.webhooks.take_due())
    });
    webhooks::deliver(deliveries);
    reply.into_response()
}

fn answer(world: &mut World, now: Timestamp, call: &Call) -> Result<Reply, Refusal> {
    let (scope, handler) = route(call).ok_or_else(Refusal::no_such_url)?;
    let id = world.authorize(&call.dc, call.authorization.as_deref(), now, Scope(scope));
    let id = id.map_err(|refusal| refused_token(world, refusal))?;
    let user = world.accounts.user(id).cloned();
    let user = user.ok_or_else(|| refused_token(world, TokenRefusal::BadToken))?;
    if let Some(locked) = budget::spend(world, id, now) {
        return Ok(locked);
    }
    for calendar in world.calendars.by_uid.values_mut() {
        calendar.bury(now);
    }
    let mut ctx = Ctx { world, now, user, call };
    let mut reply = handler(&mut ctx)?;
    if let Reply::Json(_, body) = &mut reply
        && ctx.world.switches.type_wobble
    {
        view::wobble(body);
    }
    Ok(reply)
}

/// Which scope and function a method and path need.
fn route(call: &Call) -> Option<(&'static str, Handler)> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let found: (&str, Handler) = match (segments.as_slice(), &call.method) {
        (["calendars"], &Method::GET) => ("ZohoCalendar.calendar.READ", calendars::list),
        (["calendars"], &Method::POST) => ("ZohoCalendar.calendar.CREATE", calendars::create),
        (["calendars", "freebusy"], &Method::GET) => ("ZohoCalendar.freebusy.READ", freebusy::get),
        (["calendars", _], &Method::GET) => ("ZohoCalendar.calendar.READ", calendars::get),
        (["calendars", _], &Method::PUT) => ("ZohoCalendar.calendar.UPDATE", calendars::update),
        (["calendars", _], &Method::DELETE) => ("ZohoCalendar.calendar.DELETE", calendars::delete),
        (["calendars", _, "events"], &Method::GET) => ("ZohoCalendar.event.READ", events_read::list),
        (["calendars", _, "events"], &Method::POST) => ("ZohoCalendar.event.CREATE", events_write::create),
        (["calendars", _, "events", _], &Method::GET) => ("ZohoCalendar.event.READ", events_read::get),
        (["calendars", _, "events", _], &Method::PUT) => ("ZohoCalendar.event.UPDATE", events_write::put),
        (["calendars", _, "events", _], &Method::PATCH) => ("ZohoCalendar.event.UPDATE", events_write::patch),
        (["calendars", _, "events", _], &Method::DELETE) => ("ZohoCalendar.event.DELETE", events_delete::delete),
        (["calendars", _, "events", _, "byinstance"], &Method::GET) => ("ZohoCalendar.event.READ", events_read::by_instance),
        (["webHooksPresence", "external"], &Method::GET) => ("ZohoCalendar.event.READ", webhooks::list),
        (["webHooksPresence", "external"], &Method::POST) => ("ZohoCalendar.event.READ", webhooks::create),
        (["webHooksPresence", "external"], &Method::DELETE) => ("ZohoCalendar.event.READ", webhooks::delete),
        _ => return None,
    };
    Some(found)
}

fn refused_token(world: &World, refusal: TokenRefusal) -> Refusal {
    match refusal {
        TokenRefusal::NoTicket => Refusal::new(400, "INVALID_TICKET", "Invalid ticket"),
        TokenRefusal::BadToken => Refusal::new(401, "INVALID_OAUTHTOKEN", "Invalid OAuth token"),
        TokenRefusal::MissingScope => {
            let switches = &world.switches;
            Refusal::new(switches.scope_error_status, &switches.scope_error_code, "Invalid OAuth scope")
        }
    }
}

impl Ctx<'_> {
    /// The uid of the calendar in the path, if the user may do `needed` there.
    pub(crate) fn calendar_uid(&self, needed: Privilege) -> Result<String, Refusal> {
        let asked = self.call.segments.get(1).map_or("", String::as_str);
        let alias = matches!(asked, "default" | "primary")
            && (self.call.segments.len() == 2 || self.world.switches.default_alias_for_events);
        let calendars = &self.world.calendars;
        let found = if alias { calendars.default_of(self.user.zuid) } else { calendars.get(asked) };
        let none = || Refusal::new(404, &self.world.switches.gone_error_code, "The calendar does not exist");
        let calendar = found.filter(|calendar| *calendar.dc == *self.call.dc).ok_or_else(none)?;
        match calendar.privilege_of(self.user.zuid) {
            None => Err(none()),
            Some(may) if may < needed => Err(Refusal::forbidden()),
            Some(_) => Ok(calendar.uid.clone()),
        }
    }

    /// The uid of the event in the path.
    pub(crate) fn event_uid(&self) -> &str {
        self.call.segments.get(3).map_or("", String::as_str)
    }

    /// The refusal of a write to an event that is not there.
    pub(crate) fn gone(&self) -> Refusal {
        let status = if self.world.switches.gone_event == switches::GoneEvent::Status400 { 400 } else { 404 };
        Refusal::new(status, &self.world.switches.gone_error_code, "The event does not exist")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_saved_is_what_was_there() {
        let mut world = World::new(Switches::default(), 1, BTreeMap::new());
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let ana = world.add_user(("ana@example.com", "Ana", "Diaz"), "us", "America/New_York", now).unwrap();
        let event = json!({"title": "Stand-up", "rrule": "FREQ=DAILY", "attendees": [{"email": "b@example.org"}],
            "dateandtime": {"start": "20260310T090000", "end": "20260310T091500", "timezone": "America/New_York"}});
        let euid = world.add_by_hand("ana@example.com", None, event, now).unwrap();
        world.delete_by_hand("ana@example.com", &euid, Some("20260311T130000Z"), now).unwrap();
        let moved = json!({"recurrenceid": "20260312T130000Z", "title": "Later"});
        world.change_by_hand("ana@example.com", &euid, moved, now).unwrap();
        let whole = json!({"title": "Leave", "isallday": true, "dateandtime": {"start": "20260310", "end": "20260311"}});
        let gone = world.add_by_hand("ana@example.com", None, whole, now).unwrap();
        world.delete_by_hand("ana@example.com", &gone, None, now).unwrap();
        world.switches.calendar_budget = Some(switches::CallBudget { calls: 1, per_s: 60, lock_s: 60 });
        assert!(budget::spend(&mut world, ana, now).is_none());
        assert!(budget::spend(&mut world, ana, now).is_some());

        let saved = serde_json::to_vec(&world).unwrap();
        let mut back: World = serde_json::from_slice(&saved).unwrap();
        assert_eq!(serde_json::to_vec(&back).unwrap(), saved);
        let calendar = back.calendars.default_of(ana).unwrap();
        assert_eq!(calendar.events[&euid].exceptions.len(), 2);
        assert!(calendar.graves.contains(&gone));
        assert!(budget::spend(&mut back, ana, now).is_some(), "still locked");
    }
}
