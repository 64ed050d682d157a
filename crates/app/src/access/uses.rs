//! When keys and sessions were last used: noted once a day for a key and every few minutes for a session, so that a use is rarely a write.
//!
//! The audit log has the first use of a key each day, and refusals at most once an hour for each key and reason, account or network: who
//! calls in a loop cannot fill it. A row in the database holds that across processes; it is taken in the same commit as the line.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use domain::{
    Id, Timestamp,
    access::{Account, ApiKey, Right, Throttle},
    audit::Actor,
};
use ports::{Change, Put};
use serde_json::json;

use super::throttles::network_of;
use crate::{App, Caller, Result, draft::Draft};

const DAY_SECONDS: i64 = 24 * 3600;
const HOUR_SECONDS: i64 = 3600;

/// What this process knows to be noted: of which key, what, and in which day or hour since 1970.
#[derive(Default)]
pub(crate) struct Uses(Mutex<HashMap<(Id<ApiKey>, Noted), i64>>);

/// What is noted of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Noted {
    Used,
    Refused(Refusal),
}

/// Why a known key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Refusal {
    /// Somebody revoked it.
    Revoked,
    /// Its end has come.
    Expired,
    /// It was rolled, and the grace of the text that was shown is over.
    Rolled,
    /// It lacks a right.
    Lacks(Right),
}

impl Refusal {
    /// Why `key`, which is known and was not accepted, is refused at `now`.
    pub(super) fn of(key: &ApiKey, now: Timestamp) -> Self {
        match key {
            ApiKey { revoked_at: Some(_), .. } => Self::Revoked,
            key if !key.is_live(now) => Self::Expired,
            _ => Self::Rolled,
        }
    }

    /// As it stands in the log, and in the name of the row that holds it back.
    const fn code(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Rolled => "rolled",
            Self::Lacks(right) => right.code(),
        }
    }
}

impl Uses {
    fn knows(&self, key: Id<ApiKey>, what: Noted, period: i64) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(key, what)) == Some(&period)
    }

    fn learn(&self, key: Id<ApiKey>, what: Noted, period: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((key, what), period);
    }
}

impl App {
    /// Notes that a key was used today.
    pub(super) async fn note_key(&self, key: Id<ApiKey>) -> Result<()> {
        let day = self.now().as_second().div_euclid(DAY_SECONDS);
        if self.0.uses.knows(key, Noted::Used, day) {
            return Ok(());
        }
        self.note_once(&format!("key-used:{key}:{day}"), &by_key(key), |draft| {
            draft.put(Put::LastUse(key.to_string(), draft.now));
            draft.audit("key.used", key, json!({}));
        })
        .await?;
        self.0.uses.learn(key, Noted::Used, day);
        Ok(())
    }

    /// Notes that a key asked for what it may not do.
    pub async fn note_lacking(&self, key: Id<ApiKey>, right: Right) -> Result<()> {
        self.note_refused_key(key, Refusal::Lacks(right)).await
    }

    pub(super) async fn note_refused_key(&self, key: Id<ApiKey>, why: Refusal) -> Result<()> {
        let hour = self.now().as_second().div_euclid(HOUR_SECONDS);
        let what = Noted::Refused(why);
        if self.0.uses.knows(key, what, hour) {
            return Ok(());
        }
        let payload = match why {
            Refusal::Lacks(right) => json!({"why": "lacks", "right": right.code()}),
            why => json!({"why": why.code()}),
        };
        self.note_once(&format!("key-refused:{key}:{}:{hour}", why.code()), &by_key(key), |draft| {
            draft.audit("key.refused", key, payload.clone());
        })
        .await?;
        self.0.uses.learn(key, what, hour);
        Ok(())
    }

    /// Notes that a log-in with a password failed: by its account, or as unknown, where nobody has what was typed.
    pub(super) async fn note_refused_log_in(&self, account: Option<Id<Account>>, address: IpAddr) -> Result<()> {
        let hour = self.now().as_second().div_euclid(HOUR_SECONDS);
        let subject = account.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
        let whose = account.map_or_else(|| network_of(address), |id| id.to_string());
        self.note_once(&format!("login-refused:{whose}:{hour}"), &Caller::system(), |draft| {
            draft.audit("account.login_refused", &subject, json!({"by": "password"}));
        })
        .await
    }

    /// Writes what `note` puts into the draft, unless somebody took the row `name` before. It is swept with the throttles, a day later.
    async fn note_once(&self, name: &str, caller: &Caller, note: impl Fn(&mut Draft<'_>)) -> Result<()> {
        let note = &note;
        self.transact(None, || async move {
            let mut draft = self.draft(caller);
            if self.store().throttle(name).await?.is_none() {
                let now = self.store().lease_now().await?;
                draft.put(Put::Throttle(Throttle { id: name.to_owned(), rev: 1, failures: 1, last_at: now, free_at: now }));
                note(&mut draft);
            }
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Stores a use. No live page has to be told.
    pub(super) async fn note_use(&self, id: String, at: Timestamp) -> Result<()> {
        let change = Change { puts: vec![Put::LastUse(id, at)], ..Change::at(self.now()) };
        Ok(self.write(change).await?)
    }
}

fn by_key(key: Id<ApiKey>) -> Caller {
    Caller { actor: Actor::ApiKey(key.to_string()), request: None }
}
