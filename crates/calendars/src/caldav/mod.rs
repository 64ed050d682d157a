//! CalDAV (RFC 4791) behind `ports::CalendarProvider`: servers that the operator names, app passwords that people type in.
//!
//! `dav/` calls and reads answers, `ical/` reads and writes calendar objects, `events/` makes the port's events of them. Recurrences
//! are worked out here, from the objects, never by the server.
//!
//! **Invariant:** a password goes nowhere but to the origins of its own server, whatever an answer says.

pub mod config;

mod credentials;
mod dav;
mod discovery;
mod events;
mod ical;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use domain::{EmailAddress, TimeRange};
use ports::{
    CalendarProvider, Clock,
    calendar::{
        Access, Answer, CalendarInfo, Consent, ConsentServer, Event, EventDraft, EventPatch, FailureClass, Identity, ListMode,
        TokenAnswer, Written,
    },
};
use url::Url;
use vault::{AuthorizationCode, RefreshToken};

pub use self::config::{CaldavConfig, CaldavServer, ConfigError, Timing, parse_servers};
use crate::{
    failure::failure,
    http::{ClientError, Outbound},
};

/// The registry name.
pub const NAME: &str = "caldav";

/// A client of CalDAV servers, for all accounts.
pub struct Caldav {
    servers: Vec<CaldavServer>,
    http: Outbound,
    timing: Timing,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Caldav {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caldav").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Caldav {
    /// A client with the usual time limits.
    pub fn new(config: CaldavConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        Self::with_timing(config, clock, Timing::default())
    }

    /// A client with other time limits.
    pub fn with_timing(config: CaldavConfig, clock: Arc<dyn Clock>, timing: Timing) -> Result<Self, ConfigError> {
        config.check()?;
        let origins = config.servers.iter().flat_map(|server| [&server.url].into_iter().chain(&server.also));
        let http = Outbound::new(timing.connect, origins)?;
        Ok(Self { servers: config.servers, http, timing, clock })
    }

    /// The servers that people can choose from.
    pub fn servers(&self) -> &[CaldavServer] {
        &self.servers
    }

    /// What keeps this machine from calling the outside at all, if anything does: for `doctor`.
    pub fn outbound_problem(&self) -> Option<&ClientError> {
        self.http.problem()
    }

    /// The server of a stored code.
    fn server(&self, code: &str) -> Answer<&CaldavServer> {
        let unlisted = || {
            let shown: String = code.chars().filter(char::is_ascii_alphanumeric).take(20).collect();
            failure(
                FailureClass::WrongDataCentre,
                format!("the CalDAV server `{shown}` is not on the list; check GREENROOM_CALDAV_SERVERS"),
            )
        };
        self.servers.iter().find(|server| server.code == code).ok_or_else(unlisted)
    }
}

#[async_trait]
impl CalendarProvider for Caldav {
    fn name(&self) -> &'static str {
        NAME
    }

    fn consent(&self) -> Consent {
        let servers = self.servers.iter().map(|server| ConsentServer { code: server.code.clone(), name: server.name() });
        Consent::Password { servers: servers.collect() }
    }

    /// RFC 5545 section 3.3.5, form 1.
    fn has_floating_times(&self) -> bool {
        true
    }

    /// There is no consent page: the app asks for user name and app password itself. This is where the server is.
    fn authorization_url(&self, _: &str, _: &str, _: &str) -> Url {
        self.servers[0].url.clone()
    }

    /// `location` is a server's code, `accounts_server` a URL at one of its origins.
    fn data_centre(&self, location: Option<&str>, accounts_server: Option<&str>) -> Answer<String> {
        let found = match (location, accounts_server.map(Url::parse)) {
            (Some(code), _) => return self.server(code).map(|server| server.code.clone()),
            (None, Some(Ok(url))) => self.servers.iter().find(|server| server.allows(&url)),
            (None, Some(Err(_))) => None,
            (None, None) => self.servers.first(),
        };
        let unlisted =
            || failure(FailureClass::WrongDataCentre, "this CalDAV server is not on the list; add it to GREENROOM_CALDAV_SERVERS");
        found.map(|server| server.code.clone()).ok_or_else(unlisted)
    }

    fn required_scopes(&self) -> Vec<String> {
        Vec::new()
    }

    fn consent_origins(&self) -> Vec<String> {
        Vec::new()
    }

    /// `code` is `user:password`; there is no verifier.
    async fn exchange(&self, data_centre: &str, code: &AuthorizationCode, _: &str) -> Answer<TokenAnswer> {
        self.accept(data_centre, code).await
    }

    async fn refresh(&self, data_centre: &str, token: &RefreshToken) -> Answer<TokenAnswer> {
        self.check_again(data_centre, token).await
    }

    /// An app password is ended at the provider, by its owner. Here it is forgotten.
    async fn revoke(&self, _: &str, _: &RefreshToken) -> Answer<()> {
        Ok(())
    }

    async fn identity(&self, access: &Access) -> Answer<Identity> {
        self.who(access).await
    }

    async fn calendars(&self, access: &Access) -> Answer<Vec<CalendarInfo>> {
        self.list_calendars(access).await
    }

    async fn events(&self, access: &Access, calendar: &str, window: TimeRange, mode: ListMode) -> Answer<Vec<Event>> {
        self.list_events(access, calendar, window, mode).await
    }

    async fn event(&self, access: &Access, calendar: &str, uid: &str) -> Answer<Option<Event>> {
        self.read_event(access, calendar, uid).await
    }

    async fn free_busy(&self, access: &Access, email: &EmailAddress, window: TimeRange) -> Answer<Option<Vec<TimeRange>>> {
        self.busy(access, email, window).await
    }

    /// A repeat of the same draft answers with the event that is there.
    async fn create(&self, access: &Access, calendar: &str, draft: &EventDraft) -> Answer<Written> {
        self.create_event(access, calendar, draft).await
    }

    async fn reschedule(&self, access: &Access, calendar: &str, uid: &str, patch: &EventPatch) -> Answer<Written> {
        self.reschedule_event(access, calendar, uid, patch).await
    }

    async fn delete(&self, access: &Access, calendar: &str, uid: &str, etag: &str) -> Answer<()> {
        self.delete_event(access, calendar, uid, etag).await
    }
}
