//! A grant: one manager's permission at one provider, with the sealed tokens that carry it out.
//!
//! The row outlives the tokens: disconnecting and reconnecting keep its id, its history and the account it was pinned to.

mod record;

use serde::{Deserialize, Serialize};

use crate::{EmailAddress, Id, Rev, Timestamp, Zone, id::Kind, links::Link, people::Person, vacancies::Vacancy};

pub use record::{
    ARRIVAL_SECONDS, Budget, COUNTED_SECONDS, LONGEST_LIFE_SECONDS, Limits, LiveAccess, Moment, Pause, Present, RefreshRecord,
    SKEW_SECONDS, USUAL_REFRESHES, WINDOW_SECONDS, Wait, WaitReason, budget,
};

/// How a grant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantState {
    /// Asked for, never given.
    Requested,
    /// The manager refused on the provider's consent page.
    Refused,
    /// Tokens are stored, but who consented is not yet known: unused.
    Unverified,
    /// In use.
    Active,
    /// Ended by the provider or the manager: only the manager can mend it.
    Dead,
    /// Ended here, by the manager or an administrator.
    Disconnected,
}

/// Who consented, as the provider names them. Pinned at the first connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The data centre's location code: `us`, `eu`, ….
    pub data_centre: String,
    /// The provider's id of the user (Zoho: ZUID).
    pub user_id: String,
    /// The address the provider gave.
    pub email: EmailAddress,
}

impl Account {
    /// `{provider}:{data centre}:{user id}`.
    pub fn name(&self, provider: &str) -> String {
        format!("{provider}:{}:{}", self.data_centre, self.user_id)
    }
}

/// What is stored of a token answer. Each text is sealed by the vault for this grant's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedTokens {
    /// The refresh token.
    pub refresh: Vec<u8>,
    /// The one before it, kept after a rotation and sent again only after the newer was refused twice.
    pub previous_refresh: Option<Vec<u8>>,
    /// The access token.
    pub access: Vec<u8>,
    /// When the access token ends.
    pub access_expires_at: Timestamp,
}

/// The calendar interviews are written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarChoice {
    /// The provider's uid.
    pub uid: String,
    /// As its owner named it.
    pub name: String,
    /// The calendar's own zone.
    pub zone: Option<Zone>,
    /// Whether it is the account's default calendar (`primary` to callers).
    pub is_default: bool,
}

/// The request for permission: how often it was made and when it is made again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionRequest {
    /// The vacancy that needs it.
    pub vacancy: Option<Id<Vacancy>>,
    /// The first mail.
    pub first_at: Timestamp,
    /// Mails so far.
    pub count: u32,
    /// The next mail; `None` when the last was sent.
    pub next_at: Option<Timestamp>,
    /// Since when nobody answered the last one: the vacancy needs attention.
    pub exhausted_at: Option<Timestamp>,
    /// Whether it asks for a permission that was lost: then once a day, because interviews are at stake.
    #[serde(default)]
    pub daily: bool,
}

/// Why a connection waits for an administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PendingReason {
    /// Another account than the one pinned.
    OtherAccount,
    /// The account's address is none of the manager's first addresses.
    OtherAddress,
    /// The account's address is one of the manager's aliases.
    AliasOnly,
}

/// A connection that an administrator must accept or refuse within 72 hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingConnection {
    /// Who consented.
    pub account: Account,
    /// Their tokens, sealed.
    pub tokens: SealedTokens,
    /// Scopes given.
    pub scopes: Vec<String>,
    /// Since when it waits.
    pub since: Timestamp,
    /// Why.
    pub why: PendingReason,
    /// Memory of refreshing its own tokens, which are others than the grant's.
    #[serde(default)]
    pub refresh: RefreshRecord,
}

/// Tokens of a fresh authorization whose owner is not known yet: stored, unused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnverifiedTokens {
    /// The `state` link of the authorization they came from.
    pub link: Id<Link>,
    /// Where they were issued.
    pub data_centre: String,
    /// The tokens, sealed.
    pub tokens: SealedTokens,
    /// Whether the provider gave a refresh token this time.
    pub has_refresh: bool,
    /// Scopes given.
    pub scopes: Vec<String>,
    /// Memory of the exchange: when the access token was made.
    #[serde(default)]
    pub refresh: RefreshRecord,
}

/// A refresh token that the provider keeps, as far as we know: it keeps only so many per user and client, and forgets the oldest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// Names it; nothing of the token is in it.
    pub id: Id<IssuedToken>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// Whose: `{provider}:{data centre}:{user id}`.
    pub account: String,
    /// The grant it was issued for.
    pub grant: Id<Grant>,
    /// When.
    pub issued_at: Timestamp,
    /// When and why it ended (a code): `revoked`, `dead`, `evicted`.
    pub ended: Option<(Timestamp, String)>,
}

impl Kind for IssuedToken {
    const PREFIX: &'static str = "rtk";
}

/// See the module's header. One per person and provider; of a person's, at most one is in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Names the grant.
    pub id: Id<Grant>,
    /// See [`crate::Revision`].
    pub rev: Rev,
    /// Whose permission.
    pub person: Id<Person>,
    /// Registry name of the provider: `zoho`.
    pub provider: String,
    /// How it stands.
    pub state: GrantState,
    /// The account it belongs to, for ever.
    pub account: Option<Account>,
    /// The data centre that issued the tokens (known before the account is).
    pub data_centre: Option<String>,
    /// The tokens, sealed.
    pub tokens: Option<SealedTokens>,
    /// Grows by one with every stored token answer.
    pub generation: i64,
    /// What the provider says was granted; empty when it did not say.
    pub scopes: Vec<String>,
    /// Memory of the refresh protocol.
    pub refresh: RefreshRecord,
    /// Where interviews are written.
    pub calendar: Option<CalendarChoice>,
    /// Uids of the calendars whose events make the manager busy (the chosen one included).
    pub busy_calendars: Vec<String>,
    /// The request for permission.
    pub request: Option<PermissionRequest>,
    /// Tokens whose owner is being asked for.
    pub unverified: Option<UnverifiedTokens>,
    /// A connection waiting for an administrator.
    pub pending: Option<PendingConnection>,
    /// When it became active.
    pub connected_at: Option<Timestamp>,
    /// When and why it ended (a code).
    pub ended: Option<(Timestamp, String)>,
    /// When the row was made.
    pub created_at: Timestamp,
}

impl Kind for Grant {
    const PREFIX: &'static str = "gra";
}

impl Grant {
    /// A grant that was asked for and not yet given.
    pub fn requested(id: Id<Self>, person: Id<Person>, provider: &str, now: Timestamp) -> Self {
        Self {
            id,
            rev: 1,
            person,
            provider: provider.to_owned(),
            state: GrantState::Requested,
            account: None,
            data_centre: None,
            tokens: None,
            generation: 0,
            scopes: Vec::new(),
            refresh: RefreshRecord::default(),
            calendar: None,
            busy_calendars: Vec::new(),
            request: None,
            unverified: None,
            pending: None,
            connected_at: None,
            ended: None,
            created_at: now,
        }
    }

    /// Whether calendars may be read and written with it.
    pub fn is_usable(&self) -> bool {
        self.state == GrantState::Active && self.tokens.is_some()
    }

    /// Whether an access token can be had without the manager: at least 60 s are left, or the last refresh succeeded and the next is due.
    pub fn has_valid_token(&self, now: Timestamp) -> bool {
        let Some(tokens) = self.tokens.as_ref().filter(|_| self.is_usable()) else {
            return false;
        };
        let left = tokens.access_expires_at.as_second() - now.as_second();
        let due = self.refresh.on_demand || self.refresh.next_at.is_some_and(|next| next <= now);
        left >= 60 || (self.refresh.failures == 0 && due)
    }

    /// The grant of a person that counts, of those at all providers: the one in use, else one that is being given, else the one to which
    /// something happened last. One that was only made counts least.
    pub fn current(grants: impl IntoIterator<Item = Self>) -> Option<Self> {
        grants.into_iter().max_by_key(|grant| {
            let under_way = grant.unverified.is_some() || grant.pending.is_some();
            let ended = grant.ended.as_ref().map(|(at, _)| *at);
            let asked = grant.request.as_ref().map(|request| request.first_at);
            let last = [grant.connected_at, ended, asked].into_iter().flatten().max();
            (grant.is_usable(), under_way, last, grant.created_at)
        })
    }

    /// Whether this is the calendar, or one of those, that the grant works with or worked with last.
    pub fn knows_calendar(&self, uid: &str) -> bool {
        self.calendar.as_ref().is_some_and(|calendar| calendar.uid == uid) || self.busy_calendars.iter().any(|known| known == uid)
    }

    /// The account's name in scopes of unique names and in the count of refresh tokens; `None` before it is pinned.
    pub fn account_name(&self) -> Option<String> {
        self.account.as_ref().map(|account| account.name(&self.provider))
    }

    /// `primary` while the default calendar is used, otherwise its uid.
    pub fn calendar_id(&self) -> Option<String> {
        self.calendar.as_ref().map(|calendar| if calendar.is_default { "primary".to_owned() } else { calendar.uid.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(number: u32, change: impl FnOnce(&mut Grant)) -> Grant {
        let id = format!("gra_0190a3d0f0e07b3e8c3e{number:012}").parse().unwrap();
        let person = "per_0190a3d0f0e07b3e8c3e000000000001".parse().unwrap();
        let mut grant = Grant::requested(id, person, "zoho", at(number.into()));
        change(&mut grant);
        grant
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn active(grant: &mut Grant) {
        let access_expires_at = at(100);
        grant.state = GrantState::Active;
        grant.tokens = Some(SealedTokens { refresh: vec![1], previous_refresh: None, access: vec![2], access_expires_at });
        grant.connected_at = Some(at(10));
    }

    #[test]
    fn the_grant_that_counts_is_the_one_in_use_then_the_one_to_which_something_happened_last() {
        let used = grant(1, active);
        let ended = |number, second| grant(number, move |grant| grant.ended = Some((at(second), "disconnected".to_owned())));
        let waiting = grant(4, |grant| {
            let email: EmailAddress = "ana@example.com".parse().unwrap();
            let account = Account { data_centre: "work".to_owned(), user_id: "ana".to_owned(), email };
            let tokens = SealedTokens { refresh: vec![1], previous_refresh: None, access: vec![2], access_expires_at: at(9) };
            let (since, why) = (at(4), PendingReason::OtherAddress);
            let refresh = RefreshRecord::default();
            grant.pending = Some(PendingConnection { account, tokens, scopes: Vec::new(), since, why, refresh });
        });
        let made = grant(90, |_| {});
        for (grants, counts) in [
            (vec![ended(2, 80), waiting.clone(), used.clone()], &used),
            (vec![ended(2, 80), waiting.clone(), made.clone()], &waiting),
            (vec![ended(2, 80), ended(3, 70)], &ended(2, 80)),
            (vec![made.clone(), ended(3, 70)], &ended(3, 70)),
            (vec![made.clone(), grant(1, |_| {})], &made),
        ] {
            let turned: Vec<_> = grants.iter().rev().cloned().collect();
            assert_eq!(Grant::current(grants).as_ref(), Some(counts));
            assert_eq!(Grant::current(turned).as_ref(), Some(counts));
        }
        assert_eq!(Grant::current([]), None);
    }
}
