//! A calendar provider: permission (OAuth 2.0) and calendars, for one account at a time.
//!
//! Implementations are tolerant in what they read and strict in what they send. They never turn a failure into an empty answer.

use async_trait::async_trait;
use domain::{EmailAddress, TimeRange, Zone, grants::Limits};
use url::Url;
use vault::{AccessToken, AuthorizationCode, RefreshToken};

/// What kind of failure it was; the caller's reaction depends on nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The provider says the permission is over (`invalid_code`, …).
    Revoked,
    /// The access token is not accepted (401): refresh once and repeat.
    Unauthorized,
    /// A scope is missing.
    ScopeMissing,
    /// Too many calls: wait.
    Throttled,
    /// The operator's client id, secret or redirect URI is wrong.
    Misconfigured,
    /// The account lives where this installation has no client, or the host is not on the list.
    WrongDataCentre,
    /// The thing is not there.
    Gone,
    /// Somebody changed it since (etag).
    Changed,
    /// The request was refused for good: a repeat would be refused again.
    Refused,
    /// A time-out, a 5xx, no connection: may work later.
    Passing,
    /// What we stored does not open: altered, moved from another row, or sealed with a key that is gone. Nothing was called.
    Unopened,
    /// An answer that is not what the protocol says: HTML, `{}`, an unreadable item.
    Protocol,
}

/// A call that did not succeed. `detail` is for the log; it holds no secret, no address and no title.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class:?}: {detail}")]
pub struct ProviderError {
    /// What to do about it.
    pub class: FailureClass,
    /// How long the provider asked to wait, in seconds.
    pub retry_after: Option<i64>,
    /// Whether a write may have happened all the same.
    pub may_have_happened: bool,
    /// Whether a token endpoint said `invalid_grant`, the word of RFC 6749 section 5.2 for a refresh token that is used up or ended.
    pub invalid_grant: bool,
    /// For the log.
    pub detail: String,
}

/// What a token endpoint answers.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    /// Always there.
    pub access: AccessToken,
    /// Absent means: keep the one there is.
    pub refresh: Option<RefreshToken>,
    /// Seconds the access token lives; a cautious value where the provider did not say.
    pub expires_in: i64,
    /// Whether the provider said so.
    pub life_known: bool,
    /// What was granted; empty when the provider did not say.
    pub scopes: Vec<String>,
}

/// Who consented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The provider's id of the user.
    pub user_id: String,
    /// Their address.
    pub email: EmailAddress,
    /// Their name, if given.
    pub name: Option<String>,
}

/// Access to one account: where and with what.
#[derive(Debug, Clone)]
pub struct Access {
    /// Location code of the data centre.
    pub data_centre: String,
    /// The token.
    pub token: AccessToken,
    /// The owner's zone, for days and times that state none; `None`: not known.
    pub zone: Option<Zone>,
}

/// A calendar of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarInfo {
    /// The provider's uid.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its zone, if it has one that IANA knows.
    pub zone: Option<Zone>,
    /// Whether it is the account's default.
    pub is_default: bool,
    /// Whether events may be written.
    pub writable: bool,
    /// Whether the provider's free/busy covers it; `None`: not said.
    pub in_free_busy: Option<bool>,
    /// A hint that changes with its content.
    pub change_tag: Option<String>,
}

/// One event as a list or a read shows it. Instances of recurring events are separate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent fact of an event")]
pub struct Event {
    /// The provider's uid.
    pub uid: String,
    /// Its etag, where the answer has one.
    pub etag: Option<String>,
    /// When. All-day events are whole days in the calendar's zone, last day included.
    pub range: TimeRange,
    /// Whether it lasts whole days.
    pub all_day: bool,
    /// Whether it takes the owner's time: not transparent, not declined by the owner, not cancelled.
    pub busy: bool,
    /// Whether the owner declined it.
    pub declined: bool,
    /// Whether its title is private: a caller may not show it.
    pub private: bool,
    /// Read through, never stored.
    pub title: String,
    /// Read through; only where asked for.
    pub description: Option<String>,
    /// The event's link field: Greenroom's marker is looked for here and in the description.
    pub url: Option<String>,
    /// Where people see it.
    pub view_url: Option<String>,
    /// A meeting the provider made.
    pub meeting_url: Option<String>,
    /// The recurrence rule of a master.
    pub recurrence: Option<String>,
}

/// An event to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventDraft {
    /// Title.
    pub title: String,
    /// Text; holds the marker.
    pub description: String,
    /// Place or meeting URL, at most 255 characters.
    pub location: Option<String>,
    /// The marker as a link, so that an unclear create can be found again.
    pub url: Option<String>,
    /// When.
    pub range: TimeRange,
    /// The zone it is shown in.
    pub zone: Zone,
    /// Whether the provider is to make its own online meeting.
    pub make_meeting: bool,
}

/// What a write answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The provider's uid.
    pub uid: String,
    /// The new etag.
    pub etag: String,
    /// Where people see it.
    pub view_url: Option<String>,
    /// A meeting the provider made.
    pub meeting_url: Option<String>,
}

/// What only a change to an event may touch: her title and notes stay hers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPatch {
    /// The new time.
    pub range: TimeRange,
    /// The zone it is shown in.
    pub zone: Zone,
    /// The etag it is based on.
    pub etag: String,
}

/// Which events a list gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListMode {
    /// Every instance in the window: for busy times.
    Instances,
    /// Masters and single events with descriptions: for finding a marker.
    WithDescription,
}

/// How a person lets us into their calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// On a page of the provider, where [`CalendarProvider::authorization_url`] leads.
    Page,
    /// By a user name and an app password for one of these servers, which we ask for ourselves: `user:password` is the authorization code.
    Password {
        /// The operator's list; never empty.
        servers: Vec<ConsentServer>,
    },
}

/// A server that people can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentServer {
    /// Its data centre.
    pub code: String,
    /// What people know it by.
    pub name: String,
}

/// What every call gives.
pub type Answer<T> = Result<T, ProviderError>;

/// See the module's header.
#[async_trait]
pub trait CalendarProvider: Send + Sync {
    /// Registry name: `zoho`.
    fn name(&self) -> &'static str;
    /// How people let us in.
    fn consent(&self) -> Consent {
        Consent::Page
    }
    /// Whether its answers hold days and times that state no zone, so that each call needs [`Access::zone`].
    fn has_floating_times(&self) -> bool {
        false
    }
    /// The URL of the consent page. `challenge` is the PKCE S256 challenge, `login_hint` the address of the manager.
    fn authorization_url(&self, state: &str, challenge: &str, login_hint: &str) -> Url;
    /// Resolves what the callback says (`location`, `accounts-server`) to a data centre of the list; absent values mean the default one.
    fn data_centre(&self, location: Option<&str>, accounts_server: Option<&str>) -> Answer<String>;
    /// Scopes without which interviews cannot be booked, of those that were asked for.
    fn required_scopes(&self) -> Vec<String>;
    /// What is allowed per refresh token.
    fn limits(&self) -> Limits {
        Limits::default()
    }
    /// Seconds for which a refresh token that was replaced is still accepted, where the provider documents that.
    fn previous_token_grace(&self) -> Option<i64> {
        None
    }
    /// Origins a browser is sent to for consent (for the page's `form-action`).
    fn consent_origins(&self) -> Vec<String>;

    /// Exchanges an authorization code (RFC 6749 section 4.1.3). `verifier` is the PKCE verifier.
    async fn exchange(&self, data_centre: &str, code: &AuthorizationCode, verifier: &str) -> Answer<TokenAnswer>;
    /// Refreshes (RFC 6749 section 6).
    async fn refresh(&self, data_centre: &str, token: &RefreshToken) -> Answer<TokenAnswer>;
    /// Revokes a refresh token (RFC 7009 in spirit). Unknown tokens count as revoked.
    async fn revoke(&self, data_centre: &str, token: &RefreshToken) -> Answer<()>;
    /// Who the token belongs to.
    async fn identity(&self, access: &Access) -> Answer<Identity>;

    /// All calendars of the account.
    async fn calendars(&self, access: &Access) -> Answer<Vec<CalendarInfo>>;
    /// Events that overlap `window` (any length: the implementation cuts it). Any failed piece fails the call.
    async fn events(&self, access: &Access, calendar: &str, window: TimeRange, mode: ListMode) -> Answer<Vec<Event>>;
    /// One event; `None` when it is gone.
    async fn event(&self, access: &Access, calendar: &str, uid: &str) -> Answer<Option<Event>>;
    /// The account's own free/busy answer: busy ranges, or `None` when it does not share any.
    async fn free_busy(&self, access: &Access, email: &EmailAddress, window: TimeRange) -> Answer<Option<Vec<TimeRange>>>;
    /// Creates an event. Not idempotent.
    async fn create(&self, access: &Access, calendar: &str, draft: &EventDraft) -> Answer<Written>;
    /// Changes time and zone only.
    async fn reschedule(&self, access: &Access, calendar: &str, uid: &str, patch: &EventPatch) -> Answer<Written>;
    /// Deletes an event; one that is gone counts as deleted.
    async fn delete(&self, access: &Access, calendar: &str, uid: &str, etag: &str) -> Answer<()>;
}
