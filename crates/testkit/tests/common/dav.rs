//! A calendar server with passwords, in memory: what a CalDAV server is to the app. It keeps whom it was asked for, and in which zone.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use domain::{EmailAddress, TimeRange, Zone};
use ports::{
    CalendarProvider,
    calendar::{
        Access, Answer, CalendarInfo, Consent, ConsentServer, Event, EventDraft, EventPatch, FailureClass, Identity, ListMode,
        ProviderError, TokenAnswer, Written,
    },
};
use url::Url;
use vault::{AccessToken, AuthorizationCode, RefreshToken};

/// What the server holds.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Password and address by user name.
    pub users: BTreeMap<String, (String, String)>,
    /// Whose calendar has which events.
    pub events: Vec<(String, Event)>,
    /// The zone that came with each list of events.
    pub zones: Vec<Option<Zone>>,
    /// Whether nobody answers.
    pub down: bool,
    counted: u64,
}

/// The server, and the client of it.
#[derive(Debug, Clone, Default)]
pub struct Dav(pub Arc<Mutex<Shelf>>);

fn failed<T>(class: FailureClass) -> Answer<T> {
    Err(ProviderError {
        class,
        retry_after: None,
        may_have_happened: false,
        invalid_grant: class == FailureClass::Revoked,
        detail: "said by the server of a test".to_owned(),
    })
}

impl Shelf {
    fn next(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    fn enter(&mut self, pair: &str) -> Answer<(String, AccessToken)> {
        if self.down {
            return failed(FailureClass::Passing);
        }
        let (user, password) = pair.split_once(':').unwrap();
        match self.users.get(user) {
            Some((right, _)) if right == password => Ok((user.to_owned(), AccessToken::new(format!("{}:{pair}", self.next())))),
            _ => failed(FailureClass::Revoked),
        }
    }

    fn of(&mut self, access: &Access) -> Answer<String> {
        assert_eq!(access.data_centre, "work");
        let pair = access.token.expose().split_once(':').unwrap().1.to_owned();
        self.enter(&pair).map(|(user, _)| user)
    }
}

impl Dav {
    pub fn user(&self, name: &str, password: &str, email: &str) {
        self.0.lock().unwrap().users.insert(name.to_owned(), (password.to_owned(), email.to_owned()));
    }

    /// Titles of the interviews in somebody's calendar.
    pub fn titles(&self, user: &str) -> Vec<String> {
        let held = self.0.lock().unwrap();
        held.events.iter().filter(|(owner, _)| owner == user).map(|(_, event)| event.title.clone()).collect()
    }

    /// Those of everybody.
    pub fn all_titles(&self) -> Vec<String> {
        self.0.lock().unwrap().events.iter().map(|(_, event)| event.title.clone()).collect()
    }

    fn with<T>(&self, access: &Access, act: impl FnOnce(&mut Shelf, String) -> Answer<T>) -> Answer<T> {
        let mut held = self.0.lock().unwrap();
        let user = held.of(access)?;
        act(&mut held, user)
    }
}

#[async_trait]
impl CalendarProvider for Dav {
    fn name(&self) -> &'static str {
        "caldav"
    }
    fn consent(&self) -> Consent {
        Consent::Password { servers: vec![ConsentServer { code: "work".to_owned(), name: "work (dav.example.com)".to_owned() }] }
    }
    fn has_floating_times(&self) -> bool {
        true
    }
    fn authorization_url(&self, _: &str, _: &str, _: &str) -> Url {
        panic!("there is no page")
    }
    fn data_centre(&self, _: Option<&str>, _: Option<&str>) -> Answer<String> {
        Ok("work".to_owned())
    }
    fn required_scopes(&self) -> Vec<String> {
        Vec::new()
    }
    fn consent_origins(&self) -> Vec<String> {
        Vec::new()
    }
    async fn exchange(&self, data_centre: &str, code: &AuthorizationCode, verifier: &str) -> Answer<TokenAnswer> {
        assert_eq!((data_centre, verifier), ("work", ""));
        let (_, access) = self.0.lock().unwrap().enter(code.expose())?;
        let refresh = Some(RefreshToken::new(code.expose().to_owned()));
        Ok(TokenAnswer { access, refresh, expires_in: 43_200, life_known: true, scopes: Vec::new() })
    }
    async fn refresh(&self, _: &str, token: &RefreshToken) -> Answer<TokenAnswer> {
        let (_, access) = self.0.lock().unwrap().enter(token.expose())?;
        Ok(TokenAnswer { access, refresh: None, expires_in: 43_200, life_known: true, scopes: Vec::new() })
    }
    async fn revoke(&self, _: &str, _: &RefreshToken) -> Answer<()> {
        Ok(())
    }
    async fn identity(&self, access: &Access) -> Answer<Identity> {
        self.with(access, |shelf, user| {
            let email = shelf.users[&user].1.parse().unwrap();
            Ok(Identity { user_id: user, email, name: None })
        })
    }
    async fn calendars(&self, access: &Access) -> Answer<Vec<CalendarInfo>> {
        self.with(access, |_, user| {
            Ok(vec![CalendarInfo {
                uid: format!("/{user}/work/"),
                name: "Work".to_owned(),
                zone: None,
                is_default: true,
                writable: true,
                in_free_busy: None,
                change_tag: None,
            }])
        })
    }
    async fn events(&self, access: &Access, calendar: &str, window: TimeRange, _: ListMode) -> Answer<Vec<Event>> {
        self.with(access, |shelf, user| {
            assert_eq!(calendar, format!("/{user}/work/"));
            shelf.zones.push(access.zone.clone());
            let theirs = shelf.events.iter().filter(|(owner, event)| *owner == user && event.range.overlaps(window));
            Ok(theirs.map(|(_, event)| event.clone()).collect())
        })
    }
    async fn event(&self, access: &Access, calendar: &str, uid: &str) -> Answer<Option<Event>> {
        self.with(access, |shelf, user| {
            assert_eq!(calendar, format!("/{user}/work/"));
            Ok(shelf.events.iter().find(|(owner, event)| *owner == user && event.uid == uid).map(|(_, event)| event.clone()))
        })
    }
    async fn free_busy(&self, _: &Access, _: &EmailAddress, _: TimeRange) -> Answer<Option<Vec<TimeRange>>> {
        Ok(None)
    }
    async fn create(&self, access: &Access, calendar: &str, draft: &EventDraft) -> Answer<Written> {
        self.with(access, |shelf, user| {
            assert_eq!(calendar, format!("/{user}/work/"));
            let (uid, etag) = (format!("event-{}", shelf.next()), format!("etag-{}", shelf.next()));
            let event = Event {
                uid: uid.clone(),
                etag: Some(etag.clone()),
                range: draft.range,
                all_day: false,
                busy: true,
                declined: false,
                private: false,
                title: draft.title.clone(),
                description: Some(draft.description.clone()),
                url: draft.url.clone(),
                view_url: None,
                meeting_url: None,
                recurrence: None,
            };
            shelf.events.push((user, event));
            Ok(Written { uid, etag, view_url: None, meeting_url: None })
        })
    }
    async fn reschedule(&self, access: &Access, _: &str, uid: &str, patch: &EventPatch) -> Answer<Written> {
        self.with(access, |shelf, user| {
            let etag = format!("etag-{}", shelf.next());
            let Some((_, event)) = shelf.events.iter_mut().find(|(owner, event)| *owner == user && event.uid == uid) else {
                return failed(FailureClass::Gone);
            };
            (event.range, event.etag) = (patch.range, Some(etag.clone()));
            Ok(Written { uid: uid.to_owned(), etag, view_url: None, meeting_url: None })
        })
    }
    async fn delete(&self, access: &Access, _: &str, uid: &str, _: &str) -> Answer<()> {
        self.with(access, |shelf, user| {
            shelf.events.retain(|(owner, event)| !(*owner == user && event.uid == uid));
            Ok(())
        })
    }
}
