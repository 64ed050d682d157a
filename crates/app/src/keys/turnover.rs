//! From one key to the next: rotating, and taking a key out of use.

use domain::{
    Timestamp,
    jobs::{Dedupe, Work},
};
use jiff::SignedDuration;
use ports::{
    Put,
    change::{KEY_RETIRED, KEY_USABLE, Scope},
};
use serde_json::json;
use vault::KeyId;

use super::{
    ACTIVE, Seals,
    nodes::{EPOCH, NEXT, parsed, text},
};
use crate::{App, Caller, Error, Result};

/// Since when which key sealed: a list, oldest first.
const HISTORY: &str = "key_history";
/// The job that goes on where the command was stopped looks this long after the command began.
const JOB_AFTER_SECONDS: i64 = 60;

/// A key as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Its name.
    pub id: String,
    /// Whether the key itself was found.
    pub present: bool,
    /// Whether it seals.
    pub active: bool,
    /// Whether it was taken out of use.
    pub retired: bool,
    /// What it seals.
    pub seals: Seals,
    /// Links that still open and were made while it sealed or before; they end with it. None for the key that seals.
    pub links: i64,
}

/// How a rotation began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The key that seals now.
    pub active: KeyId,
    /// The one before; `None` where it sealed already.
    pub before: Option<KeyId>,
}

/// A key that was taken out of use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// Links that ended with it.
    pub links: i64,
}

impl App {
    /// All keys that are there or that anything is sealed with.
    pub async fn keys(&self) -> Result<Vec<KeyView>> {
        let ring = self.key_ring();
        let mut seals = self.seals().await?;
        let mut ids: Vec<String> = ring.ids().map(ToString::to_string).collect();
        ids.extend(seals.keys().filter(|id| !ids.contains(id)).cloned().collect::<Vec<_>>());
        let mut views = Vec::new();
        for id in ids {
            let owner = self.store().owner(Scope::Key, &id).await?;
            let key: Option<KeyId> = id.parse().ok();
            let active = key.as_ref() == Some(ring.active_id());
            views.push(KeyView {
                present: key.as_ref().is_some_and(|key| ring.get(key).is_some()),
                active,
                retired: owner.as_deref() == Some(KEY_RETIRED),
                seals: seals.remove(&id).unwrap_or_default(),
                links: match &key {
                    Some(key) if !active => self.links_of(key).await?,
                    _ => 0,
                },
                id,
            });
        }
        Ok(views)
    }

    /// Keys that something is sealed with and that are not there, with how much.
    pub async fn missing_keys(&self) -> Result<Vec<(String, Seals)>> {
        let ring = self.key_ring();
        let has = |id: &str| id.parse::<KeyId>().is_ok_and(|id| ring.get(&id).is_some());
        Ok(self.seals().await?.into_iter().filter(|(id, _)| !id.is_empty() && !has(id)).collect())
    }

    /// Asks every running process to get the newest key; `None` where it seals already.
    pub async fn announce_key(&self) -> Result<Option<KeyId>> {
        self.read_keys().await?;
        let ring = self.key_ring();
        let next = ring.newest_id().clone();
        if next == *ring.active_id() {
            return Ok(None);
        }
        if self.store().owner(Scope::Key, next.as_str()).await?.as_deref() == Some(KEY_RETIRED) {
            return Err(refused(
                "key_retired",
                format!("the newest key {next} was taken out of use; add another with: greenroom keys add"),
            ));
        }
        self.settings_change(vec![Put::Setting(NEXT.to_owned(), text(&next)?)]).await?;
        Ok(Some(next))
    }

    /// Not now: nobody needs to have the announced key.
    pub async fn withdraw_key(&self) -> Result<()> {
        self.settings_change(vec![Put::Unset(NEXT.to_owned())]).await
    }

    /// From now on `next` seals, on every node. What is sealed with another key is left to [`App::reseal`], and to a job that does what
    /// that does not.
    pub async fn activate_key(&self, next: &KeyId, caller: &Caller) -> Result<Rotated> {
        let before = self.key_ring().active_id().clone();
        if self.key_ring().get(next).is_none() {
            return Err(refused("key_missing", format!("the key {next} is not there")));
        }
        self.transact(None, || async {
            let mut history = self.key_history().await?;
            let mut draft = self.draft(caller);
            if history.is_empty() {
                history.push((before.to_string(), Timestamp::UNIX_EPOCH));
            }
            history.push((next.to_string(), draft.now));
            draft.put(Put::Setting(ACTIVE.to_owned(), text(next)?));
            draft.put(Put::Setting(HISTORY.to_owned(), text(&history)?));
            draft.put(Put::Unset(NEXT.to_owned()));
            draft.take(Scope::Key, next, KEY_USABLE);
            let due = draft.now.saturating_add(SignedDuration::from_secs(JOB_AFTER_SECONDS)).unwrap_or(draft.now);
            draft.order(Work::Reseal, Dedupe::Open("reseal".to_owned()), None, due, None);
            draft.audit("keys.rotated", "keys", json!({"active": next, "before": before}));
            Ok((draft.finish(), ()))
        })
        .await?;
        self.read_keys().await?;
        Ok(Rotated { active: next.clone(), before: Some(before) })
    }

    /// Takes a key out of use: nothing can be sealed with it any more, on any node. Refused while anything is, while a line of the audit
    /// log can be verified by no other key, and, unless `links_too`, while links live that may have been signed with it. The key itself is for the caller to remove, and then to say so by
    /// [`App::keys_changed`].
    pub async fn retire_key(&self, id: &KeyId, links_too: bool, caller: &Caller) -> Result<Retired> {
        if id == self.key_ring().active_id() {
            return Err(refused(
                "key_active",
                format!("the key {id} seals; make another one active first, with: greenroom keys rotate"),
            ));
        }
        let retired = self.store().owner(Scope::Key, id.as_str()).await?.as_deref() == Some(KEY_RETIRED);
        if self.key_ring().get(id).is_none() && !retired {
            return Err(Error::missing("key", id));
        }
        if self.store().setting(NEXT).await?.as_deref().map(parsed::<KeyId>).transpose()?.as_ref() == Some(id) {
            return Err(refused("key_next", format!("the key {id} is about to become the active one")));
        }
        self.seals_nothing(id).await?;
        let links = self.links_of(id).await?;
        if links > 0 && !links_too {
            return Err(refused(
                "key_signs_links",
                format!(
                    "{links} links that people were mailed may be signed with the key {id} and would end with it; wait until they have expired, or add --links-too"
                ),
            ));
        }
        if !retired {
            self.cover_lines_of(id).await?;
        }
        let mark = |from: &'static str, to: &'static str, action: &'static str| async move {
            self.transact(None, || async {
                let mut draft = self.draft(caller);
                draft.release(Scope::Key, id, from);
                draft.take(Scope::Key, id, to);
                draft.audit(action, "keys", json!({"key": id, "links": links}));
                Ok((draft.finish(), ()))
            })
            .await
        };
        if !retired {
            mark(KEY_USABLE, KEY_RETIRED, "keys.retired").await?;
        }
        // Nothing is sealed with it from here on. What was, in the moment before the mark, is counted now.
        let left = match self.seals_nothing(id).await {
            Ok(()) => self.cover_lines_of(id).await,
            in_use => in_use,
        };
        if let Err(error) = left {
            mark(KEY_RETIRED, KEY_USABLE, "keys.retirement_undone").await?;
            return Err(error);
        }
        Ok(Retired { links })
    }

    /// The keys changed where they are kept: every running process reads them again.
    pub async fn keys_changed(&self) -> Result<()> {
        let epoch = format!("{:016x}", u64::from_be_bytes(self.entropy().bytes()));
        self.settings_change(vec![Put::Setting(EPOCH.to_owned(), text(&epoch)?)]).await
    }

    async fn settings_change(&self, puts: Vec<Put>) -> Result<()> {
        let mut draft = self.draft(&Caller::system());
        for put in puts {
            draft.put(put);
        }
        Ok(self.commit(draft.finish()).await?)
    }

    /// Refuses while anything is sealed with a key.
    async fn seals_nothing(&self, id: &KeyId) -> Result<()> {
        let Some(seals) = self.seals().await?.remove(id.as_str()) else { return Ok(()) };
        Err(refused(
            "key_in_use",
            format!(
                "the key {id} still seals {} tokens of managers and {} codes or tokens in jobs; seal them anew with: greenroom keys rotate",
                seals.tokens, seals.jobs
            ),
        ))
    }

    async fn key_history(&self) -> Result<Vec<(String, Timestamp)>> {
        let text = self.store().setting(HISTORY).await?;
        Ok(text.as_deref().map(parsed).transpose()?.unwrap_or_default())
    }

    /// Live links that a key may have signed: those made before it stopped sealing. Links are signed when they are mailed, with the key
    /// that seals then, so this is at most too many.
    async fn links_of(&self, id: &KeyId) -> Result<i64> {
        let history = self.key_history().await?;
        let last = history.iter().rposition(|(key, _)| key == id.as_str());
        match last.and_then(|at| history.get(at + 1)) {
            Some((_, until)) => Ok(self.store().live_links(self.now(), *until).await?),
            // It seals now, or never did.
            None => Ok(0),
        }
    }
}

fn refused(code: &'static str, problem: String) -> Error {
    Error::Refused { code, problem }
}
