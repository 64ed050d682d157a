//! Finding an account's calendars: who is logged in (RFC 5397), where their calendars are (RFC 4791 section 6.2.1), what there is.

use std::collections::BTreeSet;

use domain::{EmailAddress, TimeRange, Zone};
use jiff::SignedDuration;
use ports::calendar::{Access, Answer, CalendarInfo, FailureClass, Identity};
use url::Url;

use super::{
    Caldav,
    dav::{
        multistatus::{self, CALDAV, CALENDAR_SERVER, DAV, Found, child},
        refusal::malformed,
        requests::propfind,
        session::Session,
    },
    events::entry::address_key,
    ical::{component, zones},
};
use crate::failure::failure;

const LIST: &str = "list calendars";
const WHO: &str = "identify";
/// Where a host says which path its CalDAV has (RFC 6764 section 5).
const WELL_KNOWN: &str = "/.well-known/caldav";
/// Homes of one account: a server may name several.
const MOST_HOMES: usize = 10;

/// What the server says about the user.
pub(super) struct Principal {
    pub url: Url,
    pub name: Option<String>,
    /// Addresses, by [`address_key`].
    pub addresses: BTreeSet<String>,
    homes: Vec<Url>,
    inbox: Option<Url>,
}

impl Caldav {
    /// See `CalendarProvider::calendars`.
    pub(super) async fn list_calendars(&self, access: &Access) -> Answer<Vec<CalendarInfo>> {
        let session = self.session(access)?;
        let principal = session.describe(LIST, session.principal(LIST).await?).await?;
        let mut calendars: Vec<CalendarInfo> = Vec::new();
        for home in &principal.homes {
            let props = [
                "d:resourcetype",
                "d:displayname",
                "d:current-user-privilege-set",
                "d:sync-token",
                "c:supported-calendar-component-set",
                "c:calendar-timezone",
                "c:schedule-calendar-transp",
                "s:getctag",
            ];
            let (reply, from) = session.propfind(LIST, home.clone(), "1", propfind(&props)).await?;
            let around = self.around_now()?;
            let found = multistatus::read(LIST, &reply, |found| session.calendar(&from, found, around))?;
            for calendar in found.into_iter().flatten() {
                if !calendars.iter().any(|known| known.uid == calendar.uid) {
                    calendars.push(calendar);
                }
            }
        }
        calendars.sort_by(|one, other| one.uid.cmp(&other.uid));
        let stated = session.default_calendar(&principal).await?;
        let index = calendars.iter().position(|calendar| stated.as_ref() == Some(&calendar.uid) && calendar.writable);
        // Most servers name no default: then it is always the same one.
        if let Some(index) = index.or_else(|| calendars.iter().position(|calendar| calendar.writable)) {
            calendars[index].is_default = true;
        }
        Ok(calendars)
    }

    /// See `CalendarProvider::identity`.
    pub(super) async fn who(&self, access: &Access) -> Answer<Identity> {
        let session = self.session(access)?;
        let principal = session.describe(WHO, session.principal(WHO).await?).await?;
        let email = session
            .addresses(&principal)
            .into_iter()
            .find_map(|address| address.strip_prefix("mailto:")?.parse::<EmailAddress>().ok());
        let unknown = || {
            let detail = "the server states no address of its user; set mail=DOMAIN for it in GREENROOM_CALDAV_SERVERS";
            failure(FailureClass::Misconfigured, format!("{WHO}: {detail}"))
        };
        Ok(Identity { user_id: session.uid(&principal.url), email: email.ok_or_else(unknown)?, name: principal.name })
    }

    /// Zones of calendars are judged by what they do now.
    pub(super) fn around_now(&self) -> Answer<TimeRange> {
        let now = self.clock.now();
        let later = now.saturating_add(SignedDuration::from_hours(24)).unwrap_or(now);
        TimeRange::new(now, later).map_err(|_| failure(FailureClass::Passing, "the clock stands at the end of time"))
    }
}

impl Session<'_> {
    /// The principal's URL. Tried in this order: the path that was configured, the well-known one, the root.
    pub(super) async fn principal(&self, what: &'static str) -> Answer<Url> {
        let root = |path: &str| {
            let mut url = self.server.url.clone();
            url.set_path(path);
            url
        };
        let mut starts = vec![self.server.url.clone(), root(WELL_KNOWN), root("/")];
        if self.server.url.path() == "/" {
            starts.swap(0, 1);
            starts.pop();
        }
        let mut answer = Err(malformed(what, "current-user-principal", false));
        for start in starts {
            match self.principal_at(what, start).await {
                Ok(Some(url)) => return Ok(url),
                Ok(None) => {}
                // No CalDAV here. Anything else says that there is, or that nobody can tell.
                Err(error) if matches!(error.class, FailureClass::Gone | FailureClass::Refused | FailureClass::Protocol) => {
                    answer = Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        answer
    }

    async fn principal_at(&self, what: &'static str, url: Url) -> Answer<Option<Url>> {
        let (reply, from) = self.propfind(what, url, "0", propfind(&["d:current-user-principal"])).await?;
        let found = multistatus::read(what, &reply, |found| {
            if found.prop(DAV, "current-user-principal").is_some_and(|prop| child(prop, DAV, "unauthenticated").is_some()) {
                return Err(failure(FailureClass::Unauthorized, format!("{what}: the server knows no user")));
            }
            let link = found.hrefs(DAV, "current-user-principal").into_iter().next();
            link.map(|link| self.resolve(what, &from, &link)).transpose()
        })?;
        Ok(found.into_iter().flatten().next())
    }

    /// What the server says about a principal. Without a home there are no calendars, which is not an empty list of them.
    pub(super) async fn describe(&self, what: &'static str, url: Url) -> Answer<Principal> {
        let props = ["d:displayname", "c:calendar-home-set", "c:calendar-user-address-set", "c:schedule-inbox-URL"];
        let (reply, from) = self.propfind(what, url, "0", propfind(&props)).await?;
        let resolve = |link: &String| self.resolve(what, &from, link);
        let found = multistatus::read(what, &reply, |found| {
            let homes =
                found.hrefs(CALDAV, "calendar-home-set").iter().take(MOST_HOMES).map(resolve).collect::<Answer<Vec<_>>>()?;
            Ok(Principal {
                url: from.clone(),
                name: found.text(DAV, "displayname"),
                addresses: found.hrefs(CALDAV, "calendar-user-address-set").iter().map(|address| address_key(address)).collect(),
                homes,
                inbox: found.hrefs(CALDAV, "schedule-inbox-URL").first().map(resolve).transpose()?,
            })
        })?;
        let principal = found.into_iter().next().filter(|principal| !principal.homes.is_empty());
        principal.ok_or_else(|| malformed(what, "calendar-home-set", false))
    }

    /// All addresses of the user: those that are stated, then what the user name says.
    pub(super) fn addresses(&self, principal: &Principal) -> Vec<String> {
        let typed = match &self.server.mail_domain {
            _ if self.user.contains('@') => Some(self.user.clone()),
            Some(domain) => Some(format!("{}@{domain}", self.user)),
            None => None,
        };
        let typed = typed.map(|address| address_key(&format!("mailto:{address}")));
        principal.addresses.iter().cloned().chain(typed).collect()
    }

    /// The uid of the calendar into which invitations go (RFC 6638 section 9.2), where the server names one.
    async fn default_calendar(&self, principal: &Principal) -> Answer<Option<String>> {
        let Some(inbox) = principal.inbox.clone() else { return Ok(None) };
        let (reply, from) = self.propfind(LIST, inbox, "0", propfind(&["c:schedule-default-calendar-URL"])).await?;
        let link = |found: &Found<'_, '_>| Ok(found.hrefs(CALDAV, "schedule-default-calendar-URL").into_iter().next());
        match multistatus::read(LIST, &reply, link) {
            Ok(links) => {
                let url = links.into_iter().flatten().next().map(|link| self.resolve(LIST, &from, &link)).transpose()?;
                Ok(url.map(|url| self.uid(&url)))
            }
            // An inbox that may not be looked into names none.
            Err(error) if matches!(error.class, FailureClass::Gone | FailureClass::Refused) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A calendar for events; `None` for any other collection.
    fn calendar(&self, from: &Url, found: &Found<'_, '_>, around: TimeRange) -> Answer<Option<CalendarInfo>> {
        let is_calendar = found.prop(DAV, "resourcetype").is_some_and(|kind| child(kind, CALDAV, "calendar").is_some());
        let parts = found.prop(CALDAV, "supported-calendar-component-set");
        // Not said: all kinds (RFC 4791 section 5.2.3).
        let has_events = parts.is_none_or(|parts| {
            parts.children().filter_map(|part| part.attribute("name")).any(|name| name.eq_ignore_ascii_case("VEVENT"))
        });
        if !is_calendar || !has_events {
            return Ok(None);
        }
        let uid = self.uid(&self.at(LIST, from, found)?);
        let transparent = found.prop(CALDAV, "schedule-calendar-transp").map(|prop| child(prop, CALDAV, "transparent").is_some());
        Ok(Some(CalendarInfo {
            name: found.text(DAV, "displayname").map_or_else(|| uid.clone(), |name| name.trim().to_owned()),
            zone: found.text(CALDAV, "calendar-timezone").and_then(|text| stated_zone(&text, around).ok().flatten()),
            is_default: false,
            writable: is_writable(found),
            in_free_busy: transparent.map(|transparent| !transparent),
            change_tag: found.text(CALENDAR_SERVER, "getctag").or_else(|| found.text(DAV, "sync-token")),
            uid,
        }))
    }
}

/// The zone of a `calendar-timezone`: one that is stated and cannot be told fails.
pub(super) fn stated_zone(text: &str, around: TimeRange) -> super::ical::Read<Option<Zone>> {
    zones::of_definition(&component::read(text.trim().as_bytes())?, around)
}

/// Whether events can be made and changed here (RFC 3744 section 5.4). A server without privileges forbids nothing beforehand.
fn is_writable(found: &Found<'_, '_>) -> bool {
    let Some(set) = found.prop(DAV, "current-user-privilege-set") else { return true };
    let has = |name: &str| set.children().any(|privilege| child(privilege, DAV, name).is_some());
    has("all") || has("write") || has("bind") && has("write-content")
}
