//! The end of an authorization: whose tokens they are decides whether the grant goes into use or waits for an administrator.

use domain::{
    Timestamp,
    grants::{
        Account, CalendarChoice, Grant, GrantState, PendingConnection, PendingReason, RefreshRecord, SealedTokens, UnverifiedTokens,
    },
    jobs::{Dedupe, Work},
    links::ConnectOutcome,
    mails::MailOrder,
    people::Person,
};
use ports::{
    Put,
    calendar::{CalendarInfo, Identity},
    change::Scope,
};
use serde_json::json;

use crate::{
    App, Result,
    draft::{Draft, later, touched},
};

/// How long an administrator has for a connection by another account.
const PENDING_MINUTES: i64 = 72 * 60;

impl App {
    pub(super) async fn accept_identity(
        &self,
        grant: Grant,
        person: &Person,
        unverified: &UnverifiedTokens,
        identity: &Identity,
        calendars: &[CalendarInfo],
        draft: &mut Draft<'_>,
    ) -> Result<ConnectOutcome> {
        let account = Account {
            data_centre: unverified.data_centre.clone(),
            user_id: identity.user_id.clone(),
            email: identity.email.clone(),
        };
        let pinned =
            grant.account.as_ref().map(|known| known.data_centre == account.data_centre && known.user_id == account.user_id);
        let why = match pinned {
            Some(true) => None,
            Some(false) => Some(PendingReason::OtherAccount),
            None if person.email() == Some(&account.email) => None,
            None if person.has(&account.email) => Some(PendingReason::AliasOnly),
            None => Some(PendingReason::OtherAddress),
        };
        let name = account.name(&grant.provider);
        let elsewhere = self.store().owner(Scope::Account, &name).await?.is_some_and(|owner| owner != grant.id.to_string());
        let why = if elsewhere { Some(PendingReason::OtherAccount) } else { why };
        let mut next = touched(&grant);
        next.unverified = None;
        if let (Some(why), Some(older)) = (why, &next.pending) {
            tracing::info!(grant = %next.id, ?why, "a newer connection replaces the one that waited");
            Self::order_revoke(next.id, &older.account.data_centre, &older.tokens.refresh, older.refresh.serial, draft);
        }
        let mut refresh = if unverified.has_refresh { unverified.refresh.clone() } else { grant.refresh.carried_on() };
        let provider = self.provider_named(&grant.provider)?;
        // An app password is made by its owner: no server counts what it gave us.
        if unverified.has_refresh && provider.has_page() {
            refresh.serial = Some(self.token_issued(grant.id, &name, provider.limits(), draft).await?);
        }
        if let Some(why) = why {
            if !unverified.has_refresh {
                return Self::store_without(next, draft, ConnectOutcome::NoRefreshToken);
            }
            let pending = PendingConnection {
                account,
                tokens: unverified.tokens.clone(),
                scopes: unverified.scopes.clone(),
                since: draft.now,
                why,
                refresh,
            };
            draft.audit("grant.awaits_administrator", grant.id, json!({"why": why}));
            draft.order(
                Work::DropPending { grant: grant.id },
                Dedupe::Once(format!("pending:{}:{}", grant.id, unverified.link)),
                None,
                later(draft.now, PENDING_MINUTES)?,
                None,
            );
            draft.mail(MailOrder::Attention {
                subject: grant.id.to_string(),
                code: "awaits_administrator".to_owned(),
                at: draft.now.as_second(),
            });
            next.pending = Some(pending);
            return Self::store_without(next, draft, ConnectOutcome::AwaitingAdministrator);
        }
        let connection = Connection { account, tokens: unverified.tokens.clone(), scopes: unverified.scopes.clone(), refresh };
        self.activate(next, connection, calendars, draft).await
    }

    /// Stores a grant that goes on as it was before the authorization.
    #[expect(clippy::unnecessary_wraps, reason = "ends a chain of fallible steps")]
    pub(super) fn store_without(mut grant: Grant, draft: &mut Draft<'_>, outcome: ConnectOutcome) -> Result<ConnectOutcome> {
        if grant.state == GrantState::Unverified {
            grant.state = if grant.ended.is_some() { GrantState::Disconnected } else { GrantState::Requested };
        }
        draft.put(Put::Grant(grant));
        Ok(outcome)
    }

    /// Makes the grant the one that is used: pins the account, chooses the calendar, starts what waited for it.
    pub(super) async fn activate(
        &self,
        mut next: Grant,
        connection: Connection,
        calendars: &[CalendarInfo],
        draft: &mut Draft<'_>,
    ) -> Result<ConnectOutcome> {
        let Connection { account, tokens, scopes, refresh } = connection;
        let Some(calendar) = choose(calendars, next.calendar.as_ref()) else {
            Self::order_revoke(next.id, &account.data_centre, &tokens.refresh, refresh.serial, draft);
            return Self::store_without(next, draft, ConnectOutcome::NoCalendar);
        };
        if self.yields_to_other(&mut next, draft).await? {
            Self::order_revoke(next.id, &account.data_centre, &tokens.refresh, refresh.serial, draft);
            return Self::store_without(next, draft, ConnectOutcome::OtherCalendar);
        }
        self.revoke_replaced(&next, &tokens, draft).await?;
        if let Some(old) =
            next.account.as_ref().filter(|old| old.user_id != account.user_id || old.data_centre != account.data_centre)
        {
            draft.release(Scope::Account, old.name(&next.provider), next.id);
        }
        draft.take(Scope::Account, account.name(&next.provider), next.id);
        next.state = GrantState::Active;
        next.data_centre = Some(account.data_centre.clone());
        next.account = Some(account);
        next.tokens = Some(tokens);
        next.scopes = scopes;
        next.generation += 1;
        next.refresh = RefreshRecord { succeeded_at: Some(draft.now), ..refresh };
        next.busy_calendars = busy_calendars(calendars, &calendar);
        next.calendar = Some(calendar);
        next.request = None;
        next.pending = None;
        next.connected_at = Some(draft.now);
        next.ended = None;
        self.order_refresh(&mut next, draft).await?;
        self.clear_alerts(next.id, draft).await?;
        self.watch_scopes(&next, draft).await?;
        draft.audit("grant.connected", next.id, json!({"data_centre": next.data_centre, "generation": next.generation}));
        draft.mail(MailOrder::Connected { person: next.person, generation: next.generation });
        let manager = next.person;
        draft.put(Put::Grant(next));
        self.arrange_all(manager, draft).await?;
        Ok(ConnectOutcome::Connected)
    }

    /// The refresh token that a new connection replaces is given back (Zoho keeps 20 per user and client).
    async fn revoke_replaced(&self, grant: &Grant, tokens: &SealedTokens, draft: &mut Draft<'_>) -> Result<()> {
        let Some(old) = &grant.tokens else { return Ok(()) };
        let Some(data_centre) = &grant.data_centre else { return Ok(()) };
        // One that does not open is of no use any more, and is not in the way of the new one.
        let Ok(before) = self.opened::<vault::kinds::Refresh>(grant.id, "refresh", &old.refresh).await else { return Ok(()) };
        let after: vault::RefreshToken = self.open_token(grant.id, "refresh", &tokens.refresh).await?;
        if before != after {
            Self::order_revoke(grant.id, data_centre, &old.refresh, grant.refresh.serial, draft);
        }
        Ok(())
    }
}

/// What a connection brings with it.
pub(super) struct Connection {
    /// Who consented.
    pub account: Account,
    /// Their tokens.
    pub tokens: SealedTokens,
    /// Scopes given.
    pub scopes: Vec<String>,
    /// Memory of refreshing those tokens.
    pub refresh: RefreshRecord,
}

/// The calendar interviews are written to: the one chosen before if it is still writable, else the default, else the first writable.
fn choose(calendars: &[CalendarInfo], before: Option<&CalendarChoice>) -> Option<CalendarChoice> {
    let writable = || calendars.iter().filter(|calendar| calendar.writable);
    let kept = before.and_then(|before| writable().find(|calendar| calendar.uid == before.uid));
    let chosen = kept.or_else(|| writable().find(|calendar| calendar.is_default)).or_else(|| writable().next())?;
    Some(choice(chosen))
}

/// A calendar as a grant remembers it.
pub(crate) fn choice(calendar: &CalendarInfo) -> CalendarChoice {
    CalendarChoice {
        uid: calendar.uid.clone(),
        name: calendar.name.clone(),
        zone: calendar.zone.clone(),
        is_default: calendar.is_default,
    }
}

/// Calendars whose events make the manager busy: all of their own, and the chosen one.
pub(crate) fn busy_calendars(calendars: &[CalendarInfo], chosen: &CalendarChoice) -> Vec<String> {
    let mut uids: Vec<_> = calendars
        .iter()
        .filter(|calendar| calendar.writable || calendar.uid == chosen.uid)
        .map(|calendar| calendar.uid.clone())
        .collect();
    uids.dedup();
    uids
}

/// How long a pending connection waits, for pages.
pub(crate) fn pending_until(since: Timestamp) -> Result<Timestamp> {
    later(since, PENDING_MINUTES)
}
