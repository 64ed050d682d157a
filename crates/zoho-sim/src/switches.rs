//! Every switch. Where the fact sheet says "unknown", the default here is its best guess and the other settings are
//! what else a client must survive; a test suite runs against each. As JSON the fields have these names, and
//! `PATCH /_sim/switches` changes the ones it names. First Accounts, then Calendar.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use crate::calendar::switches::{
    AlldayEnd, CallBudget, ClientUid, EmptyList, ErrorShape, FbAlldayShape, FbZone, GoneEvent, LimitBody, PrivilegeNames,
};

/// The settings of a simulated Zoho.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each bool is one independent question about Zoho")]
pub struct Switches {
    // --- Accounts: authorisation
    /// Whether a refusal carries the `state` back.
    pub error_callback_state: bool,
    /// What the callback carries besides `code` and `state`.
    pub callback: CallbackStyle,
    /// Status of the page shown for a bad client, redirect or scope.
    pub auth_error_status: u16,
    /// Consent without a click: the `login_hint`'s user, or the first user, accepts at once.
    pub auto_consent: bool,
    /// Whether `openid`, `email`, `profile` and `phone` may stand beside other scopes.
    pub oidc_scopes: bool,
    /// Seconds a code lives.
    pub code_lifetime_s: i64,
    /// Codes per client; the next one is refused with `access_denied`. `None`: no limit.
    pub code_limit: Option<RateLimit>,
    /// What becomes of a PKCE challenge.
    pub pkce: Pkce,
    // --- Accounts: tokens
    /// Whether each data centre has its own client secret.
    pub per_dc_secret: bool,
    /// Status of the token endpoint's errors.
    pub token_error_status: u16,
    /// What a missing or unknown `grant_type`, or a wrong method, is answered with.
    pub bad_grant_type: BadGrantType,
    /// What a code or refresh token of another data centre is answered with.
    pub foreign_code: ForeignCode,
    /// How the token's life is written in token answers.
    pub expires_in: ExpiresIn,
    /// How scopes are written in token answers.
    pub scope_style: ScopeStyle,
    /// What token answers give as `api_domain`.
    pub api_domain: ApiDomain,
    /// Seconds an access token lives.
    pub access_token_lifetime_s: i64,
    /// Live access tokens per refresh token; one more ends the oldest.
    pub live_access_tokens: usize,
    /// Refresh tokens per user and client; one more ends the oldest.
    pub refresh_tokens_per_user_client: usize,
    /// Refreshes per refresh token.
    pub refresh_limit: RateLimit,
    /// Exchanges that make a refresh token, per user and client. `None`: no limit.
    pub refresh_creation_limit: Option<RateLimit>,
    /// Status of the rate-limit answer.
    pub rate_limit_status: u16,
    /// Whether the rate-limit answer is worded as on the Chinese host.
    pub rate_limit_localised: bool,
    /// Whether refreshing gives a new refresh token. Zoho: never. The rest is for testing other providers' ways.
    pub rotate_refresh: Rotation,
    /// The same for single data centres, by location code; the others follow `rotate_refresh`.
    pub rotate_refresh_in: BTreeMap<String, Rotation>,
    // --- Accounts: user info, revocation
    /// Status of user info without the scope.
    pub userinfo_missing_scope_status: u16,
    /// Body of user info without the scope.
    pub userinfo_missing_scope_body: MissingScopeBody,
    /// Name of the address in user info: `Email`, `email`, `Email_ID` or `email_id`.
    pub userinfo_email_key: String,
    /// Whether `ZUID` is a string.
    pub userinfo_zuid_text: bool,
    /// Seconds until access tokens end after a revocation.
    pub revoke_delay_s: i64,
    /// Whether the older revocation path reads a form body.
    pub revoke_reads_body: bool,
    // --- Calendar: errors and limits
    /// The shape of JSON errors.
    pub error_shape: ErrorShape,
    /// Whether errors of Calendar come with status 200.
    pub errors_with_200: bool,
    /// The code for a missing scope: `INVALID_OAUTHSCOPE` or `OAUTH_SCOPE_MISMATCH`.
    pub scope_error_code: String,
    /// The status for a missing scope.
    pub scope_error_status: u16,
    /// How many calls a user may make. `None`: any number.
    pub calendar_budget: Option<CallBudget>,
    /// Whether a 429 says when to come back.
    pub retry_after: bool,
    /// The body of a 429.
    pub limit_body: LimitBody,
    // --- Calendar: calendars
    /// What the rights on somebody else's calendar are called.
    pub privilege_names: PrivilegeNames,
    /// Whether `default` and `primary` stand for the default calendar in the paths of events too.
    pub default_alias_for_events: bool,
    /// Whether a list without calendars has no `calendars` key at all.
    pub no_calendars_no_key: bool,
    // --- Calendar: lists
    /// Longest `range` of an event list and of free/busy, in days.
    pub range_limit_days: i64,
    /// The code for a longer one.
    pub range_error_code: String,
    /// Whether an event that only touches the edge of the range is in it.
    pub range_includes_edges: bool,
    /// Whether, without `byinstance`, a series is listed if any occurrence is in the range; otherwise only if its
    /// first one is.
    pub range_finds_series: bool,
    /// The answer when there is nothing to list.
    pub empty_list: EmptyList,
    /// Whether the old parameter `lastmodified` is still read.
    pub last_modified_accepted: bool,
    /// Whether lists let the parameters `start` and `end` pass, which nothing documents and some clients send. They
    /// change nothing.
    pub list_start_end_ignored: bool,
    /// Whether entries of a `byinstance` list carry `transparency`.
    pub byinstance_has_transparency: bool,
    /// Whether they carry `attendees`.
    pub instance_attendees: bool,
    /// Whether a yearly all-day event fetched by `recurrenceid` ends one day late, as was once seen.
    pub yearly_allday_late_end: bool,
    // --- Calendar: events
    /// What a GET of a missing event is answered with.
    pub gone_event: GoneEvent,
    /// The code that comes with it.
    pub gone_error_code: String,
    /// What the end of an all-day event means.
    pub allday_end: AlldayEnd,
    /// What becomes of a uid chosen by the client.
    pub client_uid: ClientUid,
    /// Whether a title must be given.
    pub title_required: bool,
    /// Status of the answer to a create.
    pub create_status: u16,
    /// Status for an etag that is not the current one.
    pub stale_etag_status: u16,
    /// The code that comes with it.
    pub stale_etag_code: String,
    /// Whether PATCH needs an etag.
    pub patch_needs_etag: bool,
    /// Whether guests outside Zoho get mail even with `notify_attendee` 0.
    pub notify_externals_always: bool,
    /// Seconds until a created event shows in lists and GET.
    pub create_invisible_s: i64,
    /// Seconds for which a deleted event stays readable.
    pub delete_readable_s: i64,
    /// Whether numbers, booleans and texts change type in answers.
    pub type_wobble: bool,
    // --- Calendar: free/busy
    /// E-mail addresses of users who do not share their free/busy times.
    pub fb_not_enabled: BTreeSet<String>,
    /// How all-day times stand in event-based answers.
    pub fb_allday_shape: FbAlldayShape,
    /// Whether the special answers stand inside `freebusy`.
    pub fb_nested: bool,
    /// The zone of values that carry none.
    pub fb_zone: FbZone,
    /// Whether tentative events are `busy-tentative`.
    pub fb_tentative: bool,
    /// Whether nothing busy is `{"NODATA":true}`; otherwise an empty list.
    pub fb_nodata: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            error_callback_state: true,
            callback: CallbackStyle::default(),
            auth_error_status: 400,
            auto_consent: false,
            oidc_scopes: true,
            code_lifetime_s: 120,
            code_limit: None,
            pkce: Pkce::default(),
            per_dc_secret: false,
            token_error_status: 200,
            bad_grant_type: BadGrantType::default(),
            foreign_code: ForeignCode::default(),
            expires_in: ExpiresIn::default(),
            scope_style: ScopeStyle::default(),
            api_domain: ApiDomain::default(),
            access_token_lifetime_s: 3600,
            live_access_tokens: 10,
            refresh_tokens_per_user_client: 20,
            refresh_limit: RateLimit { count: 10, window_s: 600, block_s: 0 },
            refresh_creation_limit: None,
            rate_limit_status: 400,
            rate_limit_localised: false,
            rotate_refresh: Rotation::default(),
            rotate_refresh_in: BTreeMap::new(),
            userinfo_missing_scope_status: 401,
            userinfo_missing_scope_body: MissingScopeBody::default(),
            userinfo_email_key: "Email".to_owned(),
            userinfo_zuid_text: false,
            revoke_delay_s: 0,
            revoke_reads_body: true,
            error_shape: ErrorShape::default(),
            errors_with_200: false,
            scope_error_code: "INVALID_OAUTHSCOPE".to_owned(),
            scope_error_status: 401,
            calendar_budget: None,
            retry_after: false,
            limit_body: LimitBody::default(),
            privilege_names: PrivilegeNames::default(),
            default_alias_for_events: false,
            no_calendars_no_key: false,
            range_limit_days: 31,
            range_error_code: "INVALID_DATA".to_owned(),
            range_includes_edges: false,
            range_finds_series: false,
            empty_list: EmptyList::default(),
            last_modified_accepted: false,
            list_start_end_ignored: false,
            byinstance_has_transparency: true,
            instance_attendees: true,
            yearly_allday_late_end: false,
            gone_event: GoneEvent::default(),
            gone_error_code: "RESOURCE_NOT_FOUND".to_owned(),
            allday_end: AlldayEnd::default(),
            client_uid: ClientUid::default(),
            title_required: false,
            create_status: 200,
            stale_etag_status: 412,
            stale_etag_code: "ETAG_MISMATCH".to_owned(),
            patch_needs_etag: false,
            notify_externals_always: false,
            create_invisible_s: 0,
            delete_readable_s: 0,
            type_wobble: false,
            fb_not_enabled: BTreeSet::new(),
            fb_allday_shape: FbAlldayShape::default(),
            fb_nested: false,
            fb_zone: FbZone::default(),
            fb_tentative: false,
            fb_nodata: true,
        }
    }
}

/// So many in a sliding window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many are allowed.
    pub count: usize,
    /// In how many seconds.
    pub window_s: i64,
    /// Seconds without any request until a block ends; 0: the window alone decides.
    #[serde(default)]
    pub block_s: i64,
}

/// What the callback carries besides `code` and `state`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackStyle {
    /// `location` and `accounts-server`.
    #[default]
    Full,
    /// Both, and a stray `&` at the end as some of Zoho's samples have it.
    StrayAmpersand,
    /// Neither, as clients of one data centre see it.
    CodeOnly,
}

/// What becomes of a PKCE challenge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// A challenge that was sent must be met.
    #[default]
    Verify,
    /// It is not looked at.
    Ignore,
}

/// The answer to a missing or unknown `grant_type` and to a wrong method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadGrantType {
    /// Status 400.
    #[default]
    Status400,
    /// Status 200 and `invalid_client`.
    InvalidClient,
}

/// The answer to a code or refresh token of another data centre.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForeignCode {
    /// `invalid_code`.
    #[default]
    InvalidCode,
    /// `invalid_client`.
    InvalidClient,
}

/// How the token's life is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiresIn {
    /// `expires_in` in seconds.
    #[default]
    Seconds,
    /// `expires_in_sec` in seconds beside `expires_in` in milliseconds, as old answers had it.
    SecAndMilliseconds,
    /// `expires_in` in seconds, as text.
    Text,
    /// Not at all.
    Omit,
}

/// How scopes are written in token answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeStyle {
    /// Separated by spaces.
    #[default]
    Spaces,
    /// Separated by commas.
    Commas,
    /// Not at all.
    Omit,
}

/// The `api_domain` of token answers: the general gateway of the data centre, not the host of Calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiDomain {
    /// `https://www.zohoapis.com` and its siblings.
    #[default]
    Gateway,
    /// `https://api.zoho.com` and its siblings, as some of Zoho's samples have it.
    Sample,
    /// Not at all.
    Omit,
}

/// Whether refreshing gives a new refresh token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// As Zoho.
    #[default]
    Never,
    /// The old one works until the new one is used; then it ends, and with it every other that was given out for it.
    Grace,
    /// The old one ends at once.
    Strict,
}

/// The body of user info without the scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingScopeBody {
    /// As Calendar words it: an array with `INVALID_OAUTHSCOPE`.
    #[default]
    Calendar,
    /// As Accounts words it: `{"error":"invalid_scope"}`.
    Accounts,
    /// `{"response":"error","message":"…"}`.
    Message,
    /// Nothing.
    Empty,
}
