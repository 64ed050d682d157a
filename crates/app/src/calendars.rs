//! Calendars for callers: lists, events, availability, and the short-lived token that may be lent.

use domain::{
    Id, TimeRange, Timestamp, Zone,
    claims::{Claim, Holder},
    grants::{CalendarChoice, Grant},
    interviews::Interview,
    links::Purpose,
    people::Person,
};
use ports::change::{ClaimStep, Conflict};
use ports::store::CommitError;
use ports::{
    Put,
    calendar::{CalendarInfo, EventDraft, ListMode, ProviderError},
};
use scheduling::{Agenda, Busy, Guest, Query, Request, SlotLength, slots};
use serde_json::json;

use crate::{
    App, Caller, Error, Result,
    draft::{later, touched},
    people::line,
};

/// How long time is held for an event that is being made, in minutes.
const HOLD_MINUTES: i64 = 10;
/// Longest window that is read at once, in days.
const MAX_WINDOW_DAYS: i64 = 366;

/// An event as a caller may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventView {
    /// The provider's uid.
    pub uid: String,
    /// When.
    pub range: TimeRange,
    /// Whether it lasts whole days.
    pub all_day: bool,
    /// Whether it takes the owner's time.
    pub busy: bool,
    /// Whether it is private.
    pub private: bool,
    /// Only for callers with the right to titles, and never of a private event.
    pub title: Option<String>,
}

/// An event that a caller wants made.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Title.
    pub title: String,
    /// When.
    pub range: TimeRange,
    /// Text.
    pub description: Option<String>,
    /// Write it even where something is in the way.
    pub allow_conflict: bool,
}

/// When somebody can be booked, and how far that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvailabilityView {
    /// `known`, `assumed` or `unknown`.
    pub source: &'static str,
    /// When the calendar was read.
    pub as_of: Option<Timestamp>,
    /// Why it is not known.
    pub why: Option<String>,
    /// The zone of the working hours.
    pub zone: Zone,
    /// Whether the working hours are the installation's default.
    pub default_hours: bool,
    /// Times that can be offered.
    pub slots: Vec<TimeRange>,
    /// Times that the calendar has something.
    pub busy: Vec<TimeRange>,
}

impl App {
    /// The manager's usable grant, or what they must do first. Writes nothing: a reader that asks for a calendar makes no link.
    pub(crate) async fn connected_grant(&self, email: &str) -> Result<(Person, Grant)> {
        let person = self.person_by(email, "manager_email").await?;
        let grant = self.grant_of(person.id).await?;
        if let Some(grant) = grant.filter(Grant::is_usable) {
            return Ok((person, grant));
        }
        let link = self.store().newest_link(Purpose::OauthState, &person.id.to_string()).await?;
        match link.filter(|link| link.check(self.now()).is_ok()) {
            Some(link) => Err(Error::NeedsAuthorization { url: self.authorization_url(&link, &person)? }),
            None => Err(Error::Refused {
                code: "needs_authorization",
                problem: "the manager needs to authorize calendar access; ask for a link with POST /api/admin/oauth/setup/"
                    .to_owned(),
            }),
        }
    }

    /// All calendars of a manager.
    pub async fn calendar_list(&self, email: &str) -> Result<Vec<CalendarInfo>> {
        let (_, grant) = self.connected_grant(email).await?;
        let provider = self.provider_named(&grant.provider)?;
        let list = self.with_access(grant.id, |access| async move { provider.calendars(&access).await });
        list.await.map_err(|error| Error::provider(&error))
    }

    /// Chooses the calendar interviews are written to.
    pub async fn choose_calendar(&self, email: &str, calendar: &str, caller: &Caller) -> Result<()> {
        let list = self.calendar_list(email).await?;
        let (_, grant) = self.connected_grant(email).await?;
        let found = list.iter().find(|known| known.uid == calendar || (calendar == "primary" && known.is_default));
        let found = found.ok_or_else(|| Error::missing("calendar", calendar))?;
        if !found.writable {
            return Err(Error::invalid("calendar_id", "events cannot be written to this calendar; choose one the manager owns"));
        }
        let choice = CalendarChoice {
            uid: found.uid.clone(),
            name: found.name.clone(),
            zone: found.zone.clone(),
            is_default: found.is_default,
        };
        let (id, choice) = (grant.id, &choice);
        self.transact(None, || async move {
            let grant = self.store().grant(id).await?.ok_or_else(|| Error::missing("grant", id))?;
            let mut next = touched(&grant);
            next.calendar = Some(choice.clone());
            if !next.busy_calendars.contains(&choice.uid) {
                next.busy_calendars.push(choice.uid.clone());
            }
            let mut draft = self.draft(caller);
            draft.audit("grant.calendar_chosen", id, json!({"calendar": choice.uid}));
            draft.put(Put::Grant(next));
            self.arrange_all(grant.person, &mut draft).await?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// The provider's uid for `primary`, a uid, or nothing (the chosen calendar).
    pub(crate) fn calendar_uid(grant: &Grant, calendar: Option<&str>) -> Result<String> {
        match calendar.filter(|text| !text.is_empty()) {
            None | Some("primary" | "default") => {
                let chosen = grant.calendar.as_ref().ok_or_else(|| Error::Refused {
                    code: "no_calendar",
                    problem: "the manager has no calendar that can be used".to_owned(),
                })?;
                // `primary` is the account's default calendar, also where another one was chosen for interviews.
                Ok(if chosen.is_default || calendar.is_none() { chosen.uid.clone() } else { "primary".to_owned() })
            }
            Some(uid) => Ok(uid.to_owned()),
        }
    }

    /// Events of a manager's calendar. Titles only for callers who may see them; reading them is logged.
    pub async fn calendar_events(
        &self,
        email: &str,
        calendar: Option<&str>,
        window: TimeRange,
        titles: bool,
        caller: &Caller,
    ) -> Result<Vec<EventView>> {
        bounded(window)?;
        let (_, grant) = self.connected_grant(email).await?;
        let uid = Self::calendar_uid(&grant, calendar)?;
        let (provider, uid) = (self.provider_named(&grant.provider)?, uid.as_str());
        let list =
            self.with_access(grant.id, |access| async move { provider.events(&access, uid, window, ListMode::Instances).await });
        let events = list.await.map_err(|error| Error::provider(&error))?;
        if titles {
            let mut draft = self.draft(caller);
            draft.audit(
                "calendar.titles_read",
                grant.id,
                json!({"from": window.start(), "to": window.end(), "events": events.len()}),
            );
            self.commit(draft.finish()).await?;
        }
        let view = |event: ports::calendar::Event| EventView {
            uid: event.uid,
            range: event.range,
            all_day: event.all_day,
            busy: event.busy,
            private: event.private,
            title: (titles && !event.private).then_some(event.title),
        };
        Ok(events.into_iter().map(view).collect())
    }

    /// Makes an event in a manager's calendar. Refused on a clash with a known event or an interview, unless `allow_conflict`.
    pub async fn create_calendar_event(
        &self,
        email: &str,
        calendar: Option<&str>,
        event: NewEvent,
        caller: &Caller,
    ) -> Result<EventView> {
        let title = line("title", &event.title)?;
        let (person, grant) = self.connected_grant(email).await?;
        let uid = Self::calendar_uid(&grant, calendar)?;
        let held = if event.allow_conflict {
            None
        } else {
            self.refuse_clash(&person, &grant, event.range).await?;
            Some(self.hold_for_event(&person, event.range, caller).await?)
        };
        let draft = EventDraft {
            title: title.clone(),
            description: event.description.clone().unwrap_or_default(),
            location: None,
            url: None,
            range: event.range,
            zone: Self::zone_of(&person, Some(&grant)),
            make_meeting: false,
        };
        let (provider, calendar, draft) = (self.provider_named(&grant.provider)?, uid.as_str(), &draft);
        let answer = self.with_access(grant.id, |access| async move { provider.create(&access, calendar, draft).await });
        let mut log = self.draft(caller);
        let written = match answer.await {
            Ok(written) => written,
            Err(error) => {
                if let Some(held) = held.filter(|_| !error.may_have_happened) {
                    log.claim(ClaimStep::ReleaseAll(held));
                    self.commit(log.finish()).await?;
                }
                return Err(Error::provider(&error));
            }
        };
        // The event's own trail shows that it is ours to delete.
        log.audit("calendar.event_created", &written.uid, json!({"grant": grant.id, "start": event.range.start()}));
        self.commit(log.finish()).await?;
        Ok(EventView { uid: written.uid, range: event.range, all_day: false, busy: true, private: false, title: Some(title) })
    }

    /// Holds the manager's time while the event is on its way to the calendar, so that no interview is booked into it meanwhile. The hold
    /// ends by itself; by then the calendar shows the event.
    async fn hold_for_event(&self, person: &Person, range: TimeRange, caller: &Caller) -> Result<Id<Interview>> {
        let holder = Holder::person(person.id);
        let expected = self.store().agenda_rev(&holder).await?;
        let mut draft = self.draft(caller);
        let id = self.id();
        let expires_at = Some(later(draft.now, HOLD_MINUTES)?);
        draft.agenda(holder.clone(), expected);
        draft.claim(ClaimStep::Take(Claim { holder, range, interview: id, rev: 1, expires_at }));
        match self.commit(draft.finish()).await {
            Ok(()) => Ok(id),
            Err(CommitError::Conflict(Conflict::Claimed { .. })) => Err(clash("the time was taken a moment ago")),
            Err(error) => Err(error.into()),
        }
    }

    async fn refuse_clash(&self, person: &Person, grant: &Grant, range: TimeRange) -> Result<()> {
        if !self.taken(person.id, range, None).await?.is_empty() {
            return Err(clash("an interview is booked then, or the time is held for one"));
        }
        let set = self.busy(grant, range).await?.map_err(|error: ProviderError| Error::provider(&error))?;
        if set.overlaps(range) { Err(clash("the calendar has something then")) } else { Ok(()) }
    }

    pub(crate) fn zone_of(person: &Person, grant: Option<&Grant>) -> Zone {
        let calendar = grant.and_then(|grant| grant.calendar.as_ref()).and_then(|calendar| calendar.zone.clone());
        calendar.or_else(|| person.zone.clone()).unwrap_or_else(Zone::utc)
    }

    /// The zone in which a manager's times without an offset are meant.
    pub async fn manager_zone(&self, email: &str) -> Result<Zone> {
        let person = self.person_by(email, "manager_email").await?;
        let grant = self.grant_of(person.id).await?;
        Ok(Self::zone_of(&person, grant.as_ref()))
    }

    /// When a manager can be booked. What cannot be read is unknown, and offers nothing.
    pub async fn availability(&self, email: &str, window: TimeRange, minutes: i64) -> Result<AvailabilityView> {
        bounded(window)?;
        let length = u32::try_from(minutes).ok().and_then(|minutes| SlotLength::from_minutes(minutes).ok());
        let length = length.ok_or_else(|| Error::invalid("minutes", "use a multiple of 5 from 5 to 1440"))?;
        let person = self.person_by(email, "manager_email").await?;
        let grant = self.grant_of(person.id).await?.filter(Grant::is_usable);
        let zone = Self::zone_of(&person, grant.as_ref());
        let rules = person.rules.clone().unwrap_or_else(|| self.default_rules(&zone));
        let busy = self.busy_of(&person, grant.as_ref(), zone.clone()).await?;
        let agenda = self.agenda_for(person.id).await?;
        let request = Request { length, guest: Guest::default() };
        let query = Query { rules: &rules, busy: &busy, agenda: &agenda, now: self.now(), request: &request };
        let offered = slots(&query, window).take(2_000).collect();
        let (source, as_of, why) = match &busy {
            Busy::Known { as_of, .. } => ("known", Some(*as_of), None),
            Busy::Assumed { since, policy, .. } => ("assumed", Some(*since), Some(policy.clone())),
            Busy::Unknown { why } => ("unknown", None, Some(why.clone())),
        };
        let busy =
            busy.set().map(|set| set.ranges().iter().copied().filter(|range| range.overlaps(window)).collect()).unwrap_or_default();
        Ok(AvailabilityView { source, as_of, why, zone, default_hours: person.rules.is_none(), slots: offered, busy })
    }

    pub(crate) async fn agenda_for(&self, person: Id<Person>) -> Result<Agenda> {
        Ok(self.taken(person, agenda_window(self.now())?, None).await?.into_iter().collect())
    }
}

fn clash(problem: &str) -> Error {
    Error::Refused { code: "clash", problem: format!("{problem}; choose another time, or send allow_conflict=true") }
}

/// Of which bookings questions about any window look at. Weekly limits look at whole weeks, so it begins a week back.
pub(crate) fn agenda_window(now: Timestamp) -> Result<TimeRange> {
    let window = TimeRange::new(later(now, -8 * 24 * 60)?, later(now, MAX_WINDOW_DAYS * 24 * 60)?);
    window.map_err(|error| Error::Internal(error.to_string()))
}

pub(crate) fn bounded(window: TimeRange) -> Result<()> {
    if window.minutes() > MAX_WINDOW_DAYS * 24 * 60 {
        return Err(Error::invalid("end", format!("the window is longer than {MAX_WINDOW_DAYS} days; ask for a shorter one")));
    }
    Ok(())
}
