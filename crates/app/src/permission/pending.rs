//! Connections that an administrator decides, and disconnecting.

use domain::{
    Id,
    grants::{Grant, GrantState, PendingConnection},
    links::{ConnectOutcome, Purpose},
    people::Person,
};
use ports::{
    Put,
    calendar::{Access, Answer, CalendarInfo, FailureClass},
};
use serde_json::json;

use super::accept::Connection;
use crate::{
    App, Caller, Error, Result,
    calls::Held,
    draft::touched,
    grants::{self, Side, failure},
    worker::Verdict,
};

impl App {
    /// The administrator accepts or refuses a connection by another account.
    pub async fn decide_pending(&self, id: Id<Grant>, accept: bool, caller: &Caller) -> Result<()> {
        let grant = self.store().grant(id).await?.ok_or_else(|| Error::missing("grant", id))?;
        let nothing =
            || Error::Refused { code: "nothing_pending", problem: "no connection of this manager waits for a decision".to_owned() };
        let decided = grant.pending.clone().ok_or_else(nothing)?;
        let calendars =
            if accept { self.pending_calendars(&grant).await.map_err(|error| Error::provider(&error))? } else { Vec::new() };
        let (decided, calendars) = (&decided, &calendars);
        self.transact(None, || async move {
            let grant = self.store().grant(id).await?.ok_or_else(|| Error::missing("grant", id))?;
            // Its tokens may have been refreshed meanwhile; who consented and when must be what was decided on.
            let same = |pending: &&PendingConnection| pending.account == decided.account && pending.since == decided.since;
            let pending = grant.pending.as_ref().filter(same).ok_or_else(nothing)?;
            let mut draft = self.draft(caller);
            let mut next = touched(&grant);
            next.pending = None;
            if !accept {
                draft.audit("grant.pending_refused", id, json!({"why": pending.why}));
                Self::order_revoke(id, &pending.account.data_centre, &pending.tokens.refresh, pending.refresh.serial, &mut draft);
                let manager = next.person;
                draft.put(Put::Grant(next));
                self.arrange_all(manager, &mut draft).await?;
                return Ok((draft.finish(), ()));
            }
            draft.audit("grant.pending_accepted", id, json!({"why": pending.why}));
            let connection = Connection {
                account: pending.account.clone(),
                tokens: pending.tokens.clone(),
                scopes: pending.scopes.clone(),
                refresh: pending.refresh.clone(),
            };
            let outcome = self.activate(next, connection, calendars, &mut draft).await?;
            match outcome {
                ConnectOutcome::Connected => Ok((draft.finish(), ())),
                ConnectOutcome::OtherCalendar => Err(grants::other_calendar()),
                _ => Err(Error::Refused {
                    code: "no_calendar",
                    problem: "the account has no calendar that can be written; the manager must add one there first".to_owned(),
                }),
            }
        })
        .await
    }

    /// Calendars of the account that waits, with its own tokens: refreshed where they have ended or are not accepted.
    async fn pending_calendars(&self, grant: &Grant) -> Answer<Vec<CalendarInfo>> {
        let mut fresh = self.refresh_aside(grant, Side::Pending, false).await?;
        for again in [true, false] {
            let pending = fresh.pending.as_ref().ok_or_else(|| failure(FailureClass::Gone, "the connection no longer waits"))?;
            let token = self.opened(fresh.id, "access", &pending.tokens.access).await?;
            let access = Access { data_centre: pending.account.data_centre.clone(), token, zone: self.owner_zone(&fresh).await? };
            let held = Held { grant: fresh.id, access, settled: false };
            let provider = self.provider_named(&fresh.provider).map_err(grants::internal)?;
            match provider.calendars(&held).await {
                Err(error) if again && error.class == FailureClass::Unauthorized => {
                    fresh = self.refresh_aside(&fresh, Side::Pending, true).await?;
                }
                answer => return answer,
            }
        }
        Err(failure(FailureClass::Unauthorized, "the access token is not accepted"))
    }

    /// Nobody decided in time.
    pub(crate) async fn run_drop_pending(&self, id: Id<Grant>) -> Result<Verdict> {
        let grant = self.store().grant(id).await?;
        let over = match grant.and_then(|grant| grant.pending) {
            Some(pending) => super::accept::pending_until(pending.since)? <= self.now(),
            None => false,
        };
        if over {
            self.decide_pending(id, false, &Caller::system()).await?;
        }
        Ok(Verdict::Done)
    }

    /// Ends a manager's grant from our side and revokes it at the provider. The account stays pinned.
    pub async fn disconnect(&self, person: Id<Person>, caller: &Caller) -> Result<()> {
        self.transact(None, || async move {
            let grant = self.grant_of(person).await?.ok_or_else(|| Error::missing("grant", person))?;
            let mut draft = self.draft(caller);
            if !matches!(grant.state, GrantState::Active | GrantState::Unverified) {
                return Ok((draft.finish(), ()));
            }
            if let (Some(tokens), Some(data_centre)) = (&grant.tokens, &grant.data_centre) {
                Self::order_revoke(grant.id, data_centre, &tokens.refresh, grant.refresh.serial, &mut draft);
            }
            if let Some(known) = grant.unverified.as_ref().filter(|known| known.has_refresh) {
                Self::order_revoke(grant.id, &known.data_centre, &known.tokens.refresh, None, &mut draft);
            }
            self.clear_alerts(grant.id, &mut draft).await?;
            let mut next = touched(&grant);
            grants::end(&mut next, GrantState::Disconnected, "disconnected", draft.now);
            next.unverified = None;
            draft.audit("grant.disconnected", grant.id, json!({"person": person}));
            draft.put(Put::Grant(next));
            self.arrange_all(person, &mut draft).await?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// The same from the page a manager reaches by mail.
    pub async fn disconnect_by_link(&self, token: &str) -> Result<()> {
        let link = self.open_link(token, Purpose::Disconnect).await?;
        let person = link.person.ok_or_else(|| Error::Internal(format!("{} is for nobody", link.id)))?;
        let caller = Caller { actor: domain::audit::Actor::Person(person.to_string()), request: None };
        self.disconnect(person, &caller).await
    }
}
