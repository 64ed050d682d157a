//! Zoho: OAuth at its Accounts hosts and Calendar API v1, behind `ports::CalendarProvider`.
//!
//! `oauth/` gets and ends permission, `calendar/` reads and writes. What Zoho leaves open is read every way it may be meant, and
//! sent the one way that its documents and real clients agree on.

pub mod config;
pub mod data_centres;

mod calendar;
mod oauth;
mod refusal;
mod times;
mod value;
mod zones;

use async_trait::async_trait;
use domain::{EmailAddress, TimeRange, grants::Limits};
use ports::{
    CalendarProvider,
    calendar::{
        Access, Answer, CalendarInfo, Event, EventDraft, EventPatch, FailureClass, Identity, ListMode, TokenAnswer, Written,
    },
};
use url::Url;
use vault::{AuthorizationCode, RefreshToken};

pub use self::config::{ConfigError, DEFAULT_ACCOUNTS_URL, DEFAULT_SCOPES, Timing, ZohoConfig, parse_scopes};
pub use self::data_centres::{DataCentre, DataCentres, HostsError, parse_hosts};
use crate::{
    failure::failure,
    http::{ClientError, Outbound},
};

/// The registry name.
pub const NAME: &str = "zoho";

/// A client of Zoho, for all accounts.
#[derive(Debug)]
pub struct Zoho {
    config: ZohoConfig,
    centres: DataCentres,
    accounts: Url,
    http: Outbound,
    timing: Timing,
}

impl Zoho {
    /// A client with the usual time limits.
    pub fn new(config: ZohoConfig) -> Result<Self, ConfigError> {
        Self::with_timing(config, Timing::default())
    }

    /// A client with other time limits.
    pub fn with_timing(config: ZohoConfig, timing: Timing) -> Result<Self, ConfigError> {
        let (centres, accounts) = config.check()?;
        let hosts = centres.iter().flat_map(|centre| [&centre.accounts, &centre.calendar]);
        let http = Outbound::new(timing.connect, hosts)?;
        Ok(Self { config, centres, accounts, http, timing })
    }

    /// What keeps this machine from calling Zoho at all, if anything does: for `doctor`.
    pub fn outbound_problem(&self) -> Option<&ClientError> {
        self.http.problem()
    }

    /// The data centres that accounts may live on.
    pub const fn data_centres(&self) -> &DataCentres {
        &self.centres
    }

    /// The data centre of a stored location code.
    fn centre(&self, location: &str) -> Answer<&DataCentre> {
        let unlisted = || {
            let code: String = location.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
            failure(
                FailureClass::WrongDataCentre,
                format!("the data centre `{code}` is not on the list; check GREENROOM_ZOHO_HOSTS"),
            )
        };
        self.centres.by_location(location).ok_or_else(unlisted)
    }
}

#[async_trait]
impl CalendarProvider for Zoho {
    fn name(&self) -> &'static str {
        NAME
    }

    fn authorization_url(&self, state: &str, challenge: &str, login_hint: &str) -> Url {
        self.consent_url(state, challenge, login_hint)
    }

    fn data_centre(&self, location: Option<&str>, accounts_server: Option<&str>) -> Answer<String> {
        match self.centres.resolve(location, accounts_server, &self.accounts) {
            Ok(centre) => Ok(centre.location.clone()),
            Err(sentence) => Err(failure(FailureClass::WrongDataCentre, sentence)),
        }
    }

    fn required_scopes(&self) -> Vec<String> {
        let needed = |scope: &&String| scope.starts_with("ZohoCalendar.calendar.") || scope.starts_with("ZohoCalendar.event.");
        self.config.scopes.iter().filter(needed).cloned().collect()
    }

    fn limits(&self) -> Limits {
        Limits { refreshes: self.config.refresh_limit, ..Limits::default() }
    }

    /// Every Accounts host: users of another data centre are sent on to their own, and browsers check that hop too.
    fn consent_origins(&self) -> Vec<String> {
        let mut origins: Vec<String> = self.centres.iter().map(|centre| centre.accounts.origin().ascii_serialization()).collect();
        origins.sort();
        origins.dedup();
        origins
    }

    async fn exchange(&self, data_centre: &str, code: &AuthorizationCode, verifier: &str) -> Answer<TokenAnswer> {
        self.exchange_code(data_centre, code, verifier).await
    }

    async fn refresh(&self, data_centre: &str, token: &RefreshToken) -> Answer<TokenAnswer> {
        self.refresh_access(data_centre, token).await
    }

    async fn revoke(&self, data_centre: &str, token: &RefreshToken) -> Answer<()> {
        self.revoke_refresh(data_centre, token).await
    }

    async fn identity(&self, access: &Access) -> Answer<Identity> {
        self.user_info(access).await
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
        self.read_free_busy(access, email, window).await
    }

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
