//! Events in a window. The server is asked for whole objects around it, and what overlaps is decided here.

use std::collections::{BTreeMap, BTreeSet};

use domain::{EmailAddress, TimeRange, Timestamp, Zone};
use jiff::{SignedDuration, ToSpan};
use ports::calendar::{Access, Answer, Event, FailureClass, ListMode};
use scheduling::BusySet;
use url::Url;

use super::{
    entry::Source,
    object::{Lens, Object},
};
use crate::{
    caldav::{
        Caldav,
        dav::{
            multistatus::{self, CALDAV, DAV},
            refusal::malformed,
            requests::{calendar_query, propfind},
            session::{Session, name_of},
        },
        discovery::stated_zone,
        ical::{Unreadable, zones::Home},
    },
    failure::failure,
};

const WHAT: &str = "list events";
/// The longest window of one call: its answer must fit into the bound on a body.
const PIECE: SignedDuration = SignedDuration::from_hours(92 * 24);
/// What is asked for beyond the window on each side: some servers take a wall clock for UTC, and days are those of a zone that they do
/// not know.
const MARGIN: SignedDuration = SignedDuration::from_hours(2 * 24);
/// The most pieces of one window, six years: each costs a call.
const MOST_PIECES: usize = 24;
/// Events in one answer, as many as one recurring event may have.
const MOST_EVENTS: usize = 100_000;
/// Objects after which others may run: a hostile rule takes its time.
const IN_A_ROW: usize = 16;

impl Caldav {
    /// See `CalendarProvider::events`.
    pub(in crate::caldav) async fn list_events(
        &self,
        access: &Access,
        calendar: &str,
        window: TimeRange,
        mode: ListMode,
    ) -> Answer<Vec<Event>> {
        let session = self.session(access)?;
        let collection = self.calendar_url(&session, access, calendar).await?;
        let objects = session.objects(&collection, window).await?;
        let lens = session.lens(WHAT, &collection, objects.values(), access.zone.as_ref(), window).await?;
        let mut events = Vec::new();
        for (index, object) in objects.values().enumerate() {
            if index % IN_A_ROW == IN_A_ROW - 1 {
                tokio::task::yield_now().await;
            }
            match mode {
                ListMode::Instances => {
                    let found = object.instances(&lens, window).map_err(|what| unreadable(WHAT, what))?;
                    events.extend(found.into_iter().map(|event| Event { description: None, ..event }));
                }
                ListMode::WithDescription if object.has_event() => {
                    let event = object.whole(&lens).map_err(|what| unreadable(WHAT, what))?;
                    events.extend(Some(event).filter(|event| event.range.overlaps(window) || event.recurrence.is_some()));
                }
                ListMode::WithDescription => {}
            }
            if events.len() > MOST_EVENTS {
                return Err(failure(
                    FailureClass::Refused,
                    format!("{WHAT}: more than {MOST_EVENTS} events; ask for a shorter window"),
                ));
            }
        }
        events.sort_by(|one, other| (one.range.start(), &one.uid).cmp(&(other.range.start(), &other.uid)));
        Ok(events)
    }

    /// See `CalendarProvider::free_busy`: the events of every calendar that counts. No server's own answer is asked for, since those
    /// leave out what they cannot expand.
    pub(in crate::caldav) async fn busy(
        &self,
        access: &Access,
        _: &EmailAddress,
        window: TimeRange,
    ) -> Answer<Option<Vec<TimeRange>>> {
        let mut busy = BusySet::empty();
        for calendar in self.list_calendars(access).await?.into_iter().filter(|calendar| calendar.in_free_busy != Some(false)) {
            let events = self.list_events(access, &calendar.uid, window, ListMode::Instances).await?;
            events.iter().filter(|event| event.busy).for_each(|event| busy.insert(event.range));
        }
        Ok(Some(busy.ranges().to_vec()))
    }

    /// The collection of a calendar; `primary` and `default` are the account's default.
    pub(super) async fn calendar_url(&self, session: &Session<'_>, access: &Access, calendar: &str) -> Answer<Url> {
        if !matches!(calendar, "primary" | "default") {
            return session.collection(calendar);
        }
        let calendars = self.list_calendars(access).await?;
        let default = calendars.into_iter().find(|calendar| calendar.is_default);
        let none = || failure(FailureClass::Gone, "the account has no calendar that can be written");
        session.collection(&default.ok_or_else(none)?.uid)
    }
}

impl Session<'_> {
    /// All objects with an event around the window, by name. One that two pieces show is one.
    async fn objects(&self, collection: &Url, window: TimeRange) -> Answer<BTreeMap<String, Object>> {
        let pieces = pieces(window).ok_or_else(|| {
            failure(FailureClass::Refused, format!("{WHAT}: the window is longer than six years, or beyond the years that exist"))
        })?;
        let mut objects = BTreeMap::new();
        for (from, to) in pieces {
            let reply = self.report(WHAT, collection.clone(), calendar_query(from, to)).await?;
            let found = multistatus::read(WHAT, &reply, |found| {
                let url = self.at(WHAT, collection, found)?;
                let name = name_of(&url).ok_or_else(|| malformed(WHAT, "href", false))?;
                let text = found.text(CALDAV, "calendar-data").ok_or_else(|| malformed(WHAT, "calendar-data", false))?;
                let source = Source { name: name.clone(), etag: found.text(DAV, "getetag").map(|etag| etag.trim().to_owned()) };
                let object = Object::read(source, text.as_bytes()).map_err(|what| unreadable(WHAT, what))?;
                Ok((name, object))
            })?;
            objects.extend(found);
        }
        Ok(objects)
    }

    /// Fetches what these objects need and do not say; usually nothing.
    pub(super) async fn lens(
        &self,
        what: &'static str,
        collection: &Url,
        objects: impl Iterator<Item = &Object> + Clone,
        person: Option<&Zone>,
        around: TimeRange,
    ) -> Answer<Lens> {
        let mut home = Home { person: person.cloned(), ..Home::default() };
        if objects.clone().any(|object| object.needs_zone(person.is_some())) {
            home.calendar = self.calendar_zone(what, collection, around).await?;
        }
        let mut own = BTreeSet::new();
        if objects.clone().any(Object::needs_owner) {
            let principal = self.describe(what, self.principal(what).await?).await?;
            own.extend(self.addresses(&principal));
        }
        Ok(Lens { home, own })
    }

    /// The calendar's zone; `None` where it states none.
    async fn calendar_zone(&self, what: &'static str, collection: &Url, around: TimeRange) -> Answer<Option<Zone>> {
        let (reply, _) = self.propfind(what, collection.clone(), "0", propfind(&["c:calendar-timezone"])).await?;
        let texts = multistatus::read(what, &reply, |found| Ok(found.text(CALDAV, "calendar-timezone")))?;
        let text = texts.into_iter().next().ok_or_else(|| malformed(what, "calendar", false))?;
        let zone = text.map(|text| stated_zone(&text, around)).transpose();
        zone.map(Option::flatten).map_err(|what_is_wrong| unreadable(what, what_is_wrong))
    }
}

/// An object that cannot be read fails the call: what is in it is not known.
pub(super) fn unreadable(what: &str, why: Unreadable) -> ports::calendar::ProviderError {
    failure(FailureClass::Protocol, format!("{what}: {why}"))
}

/// Cuts a window with its margins into pieces that overlap by an hour. `None` if it is too long, or beyond the years a timestamp has.
fn pieces(window: TimeRange) -> Option<Vec<(Timestamp, Timestamp)>> {
    let mut from = window.start().checked_sub(MARGIN).ok()?;
    let last = window.end().checked_add(MARGIN).ok()?.checked_add(1.second()).ok()?;
    let mut pieces = Vec::new();
    while pieces.len() < MOST_PIECES {
        let to = from.checked_add(PIECE).ok()?.min(last);
        pieces.push((from, to));
        if to == last {
            return Some(pieces);
        }
        from = to.checked_sub(1.hour()).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_the_window_and_its_margins_without_holes() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        for days in [1, 87, 88, 89, 90, 180, 366, 2_000] {
            let start = at("2026-01-01T00:00:00.5Z");
            let window = TimeRange::new(start, start + SignedDuration::from_hours(24 * days)).unwrap();
            let pieces = pieces(window).unwrap();
            assert!(pieces[0].0 <= window.start() - MARGIN && pieces[pieces.len() - 1].1 >= window.end() + MARGIN, "{days}");
            assert!(pieces.iter().all(|(from, to)| from < to && from.duration_until(*to) <= PIECE), "{days}");
            assert!(pieces.windows(2).all(|pair| pair[1].0 < pair[0].1 && pair[1].0 > pair[0].0), "{days}");
        }
        assert!(pieces(TimeRange::new(at("2026-01-01T00:00:00Z"), at("2033-01-01T00:00:00Z")).unwrap()).is_none());
        assert!(pieces(TimeRange::new(at("2026-01-01T00:00:00Z"), Timestamp::MAX).unwrap()).is_none());
    }
}
