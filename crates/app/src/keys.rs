//! The key ring of a running process: swapped as a whole when another key turns up.
//!
//! Which key seals is a fact in the database (the setting `key_id`), so that all nodes agree. The keys themselves never are.

mod lost;
mod nodes;
mod reseal;
mod turnover;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Timestamp,
    grants::{Grant, SealedTokens},
    jobs::Work,
};
use ports::{
    Change, Put,
    change::{Conflict, JobStep, KEY_USABLE, Name, Scope},
    store::CommitError,
};
pub use reseal::{Resealed, Seals};
pub use turnover::{KeyView, Retired, Rotated};
use vault::{KeyId, KeyRing, Sealed};

use crate::{App, Error, Result};

/// The setting that names the key that seals.
pub(crate) const ACTIVE: &str = "key_id";
/// The keys are not read again sooner than this for a key that is missing: a damaged row must not make every call ask a key service.
const LOOK_SECONDS: i64 = 10;

/// The ring in use, and when it was last read for want of a key.
pub(crate) struct Ring {
    current: Mutex<Arc<KeyRing>>,
    looked_at: Mutex<Option<Timestamp>>,
    /// One look at a time: who waited uses what the other found.
    looking: tokio::sync::Mutex<()>,
    /// What the database said of the keys when they were read last, and this process's name there.
    heeded: tokio::sync::Mutex<nodes::Heeded>,
}

impl Ring {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self {
            current: Mutex::new(Arc::new(ring)),
            looked_at: Mutex::default(),
            looking: tokio::sync::Mutex::default(),
            heeded: tokio::sync::Mutex::default(),
        }
    }
}

impl App {
    /// The keys as they were read last.
    pub(crate) fn key_ring(&self) -> Arc<KeyRing> {
        self.0.ring.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A key for one use, made from the key of that name (`None`: from the active one), with the name of the key it was made from.
    /// `None` where the ring has no such key.
    pub fn derived_key(&self, id: Option<&KeyId>, label: &str) -> Option<(KeyId, vault::Key)> {
        let ring = self.key_ring();
        let id = id.unwrap_or(ring.active_id()).clone();
        ring.derive(&id, label).map(|key| (id, key))
    }

    /// The key that signed a `state` link: as its job says, or the active one where the job is older than that note.
    pub(crate) fn link_key(&self, noted: Option<&str>) -> Result<KeyId> {
        match noted {
            Some(id) => id.parse().map_err(|_| Error::Internal("a job names a key by no key id".to_owned())),
            None => Ok(self.key_ring().active_id().clone()),
        }
    }

    /// A key is missing: reads the keys again, unless that was done a moment ago. Whether it is there now is for the caller to see.
    pub(crate) async fn look_for_key(&self, id: &KeyId) {
        let _turn = self.0.ring.looking.lock().await;
        if self.key_ring().get(id).is_some() || !self.is_time_to_look() {
            return;
        }
        if let Err(error) = self.read_keys().await {
            tracing::error!(missing = %id, %error, "the keys could not be read again");
        }
    }

    /// Something was made with a key that may be new: reads the keys again, unless that was done a moment ago. Whether they were read.
    pub(crate) async fn look_again(&self) -> bool {
        let _turn = self.0.ring.looking.lock().await;
        if !self.is_time_to_look() {
            return false;
        }
        match self.read_keys().await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "the keys could not be read again");
                false
            }
        }
    }

    /// Whether the last look was long enough ago; if so, this is the next.
    fn is_time_to_look(&self) -> bool {
        let now = self.now();
        let mut looked = self.0.ring.looked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = looked.is_none_or(|at| (now.as_second() - at.as_second()).abs() >= LOOK_SECONDS);
        if is_time {
            *looked = Some(now);
        }
        is_time
    }

    /// Reads the keys from where they are kept and uses them from now on. Nothing changes where they cannot be read, or where the key that
    /// seals is not among them.
    pub(crate) async fn read_keys(&self) -> Result<()> {
        let mut ring = self.0.parts.key_source.read().await.map_err(|error| Error::Internal(error.to_string()))?;
        let active = self.active_key().await?.unwrap_or_else(|| self.key_ring().active_id().clone());
        if !ring.activate(&active) {
            return Err(Error::Internal(format!(
                "the keys read do not hold the key `{active}`, which seals; the ones in use stay"
            )));
        }
        *self.0.ring.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }

    /// The key that seals, as the database has it; `None` in a database that was never told.
    pub(crate) async fn active_key(&self) -> Result<Option<KeyId>> {
        let Some(text) = self.store().setting(ACTIVE).await? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| Error::Internal(format!("the setting {ACTIVE} is damaged: {error}")))
    }

    /// Commits with the keys held that anything in the change is sealed with, so that none of them is retired before it is written.
    pub(crate) async fn commit_sealed(&self, mut change: Change) -> Result<(), CommitError> {
        change.sealed_under = sealed_under(&change);
        if change.sealed_under.is_empty() {
            return self.write(change).await;
        }
        match self.write(change.clone()).await {
            Err(CommitError::Conflict(Conflict::Stale { what: "key", .. })) => {}
            result => return result,
        }
        // The database was never told of the key, or it was retired: then its name belongs to somebody else.
        let take = |id: &String| Name::Take { scope: Scope::Key, name: id.clone(), owner: KEY_USABLE.to_owned() };
        let names = change.sealed_under.iter().map(take).collect();
        if let Err(error) = self.store().commit(Change { names, ..Change::at(change.at) }).await {
            if let CommitError::Conflict(Conflict::Taken { name, .. }) = &error {
                tracing::warn!(key = name, "sealed with a key that is retired; sealed anew");
                if let Err(error) = self.read_keys().await {
                    tracing::error!(%error, "the keys could not be read again");
                }
                return Err(Conflict::Stale { what: "key", id: name.clone() }.into());
            }
            return Err(error);
        }
        self.write(change).await
    }
}

/// Everything sealed of a grant with the column that its seal names.
pub(crate) fn seals_of(grant: &Grant) -> Vec<(&'static str, &[u8])> {
    let unverified = grant.unverified.as_ref().map(|unverified| &unverified.tokens);
    let pending = grant.pending.as_ref().map(|pending| &pending.tokens);
    [grant.tokens.as_ref(), unverified, pending].into_iter().flatten().flat_map(seals_of_tokens).collect()
}

fn seals_of_tokens(tokens: &SealedTokens) -> impl Iterator<Item = (&'static str, &[u8])> {
    use crate::grants::{ACCESS, PREVIOUS_REFRESH, REFRESH};
    let previous = tokens.previous_refresh.as_deref().map(|bytes| (PREVIOUS_REFRESH, bytes));
    [(REFRESH, tokens.refresh.as_slice()), (ACCESS, tokens.access.as_slice())].into_iter().chain(previous)
}

/// What is sealed of a job.
pub(crate) fn seal_of(work: &Work) -> Option<&[u8]> {
    match work {
        Work::Exchange { sealed_code: bytes, .. } | Work::Revoke { sealed_refresh: bytes, .. } => Some(bytes),
        _ => None,
    }
}

/// The ids of the keys that anything in a change is sealed with.
fn sealed_under(change: &Change) -> Vec<String> {
    let of_puts = change.puts.iter().filter_map(|put| if let Put::Grant(grant) = put { Some(grant) } else { None });
    let of_jobs = change.jobs.iter().filter_map(|step| match step {
        JobStep::Order(job) => seal_of(&job.work),
        JobStep::Replace { work, .. } => seal_of(work),
        _ => None,
    });
    let bytes = of_puts.flat_map(seals_of).map(|(_, bytes)| bytes).chain(of_jobs);
    // What is no seal at all opens nowhere and needs no key.
    let ids: BTreeSet<String> =
        bytes.filter_map(|bytes| Sealed::from_bytes(bytes).ok()).map(|sealed| sealed.key_id().to_string()).collect();
    ids.into_iter().collect()
}
