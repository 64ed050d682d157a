//! What running processes know of the keys: each says in the database which ones it has, and reads them again when something changed.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use ports::{Change, Put};
use serde::{Deserialize, Serialize};
use vault::KeyId;

use super::ACTIVE;
use crate::{App, Error, Result};

/// Settings of this kind are one running process each.
const NODE: &str = "key_node:";
/// The key that is to become the active one: every process must have it first.
pub(crate) const NEXT: &str = "key_next";
/// Changes whenever keys should be read again.
pub(crate) const EPOCH: &str = "key_epoch";
/// A process says this often what it has, at least.
const SAY_SECONDS: i64 = 15;
/// One that said nothing for so long runs no more.
const GONE_SECONDS: i64 = 60;

/// What was seen of the settings, and what was said.
#[derive(Debug, Default)]
pub(crate) struct Heeded {
    name: Option<String>,
    seen: Option<[Option<String>; 3]>,
    said_at: i64,
    said: Vec<String>,
}

/// What a process says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Node {
    /// Seconds by the lease clock.
    at: i64,
    keys: BTreeSet<String>,
    /// The one it seals and writes the audit log with; none from a release that did not say.
    #[serde(default)]
    active: Option<String>,
}

impl App {
    /// Reads the keys again if the database says that something changed, and says which ones this process has. Called every few seconds
    /// by whoever seals for long.
    pub async fn heed_keys(&self) -> Result<()> {
        let mut heeded = self.0.ring.heeded.lock().await;
        let seen = [self.store().setting(ACTIVE).await?, self.store().setting(NEXT).await?, self.store().setting(EPOCH).await?];
        if heeded.seen.as_ref() != Some(&seen) {
            // At the start the keys were read a moment ago.
            if heeded.seen.is_some() {
                self.read_keys().await?;
            }
            heeded.seen = Some(seen.clone());
        }
        if let Some(next) = &seen[1] {
            let next: KeyId = parsed(next)?;
            if self.key_ring().get(&next).is_none() {
                self.look_for_key(&next).await;
            }
        }
        let ring = self.key_ring();
        let keys: Vec<String> = ring.ids().map(ToString::to_string).collect();
        let said: Vec<String> = keys.iter().cloned().chain([ring.active_id().to_string()]).collect();
        let at = self.store().lease_now().await?.as_second();
        if said == heeded.said && at - heeded.said_at < SAY_SECONDS {
            return Ok(());
        }
        let name = heeded.name.get_or_insert_with(|| format!("{:032x}", u128::from_be_bytes(self.entropy().bytes()))).clone();
        let node = Node { at, keys: keys.into_iter().collect(), active: Some(ring.active_id().to_string()) };
        let mut puts = vec![Put::Setting(format!("{NODE}{name}"), text(&node)?)];
        puts.extend(
            self.nodes().await?.into_iter().filter(|(_, node)| at - node.at > 60 * GONE_SECONDS).map(|(key, _)| Put::Unset(key)),
        );
        self.store().commit(Change { puts, ..Change::at(self.now()) }).await?;
        (heeded.said, heeded.said_at) = (said, at);
        self.end_mended_seals().await
    }

    /// This process ends: it is not waited for any more.
    pub async fn leave_keys(&self) -> Result<()> {
        if let Some(name) = self.0.ring.heeded.lock().await.name.take() {
            self.store().commit(Change { puts: vec![Put::Unset(format!("{NODE}{name}"))], ..Change::at(self.now()) }).await?;
        }
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<(String, Node)>> {
        let settings = self.store().settings(NODE).await?;
        settings.into_iter().map(|(key, value)| Ok((key, parsed(&value)?))).collect()
    }

    /// How many running processes do not have a key, and how many run.
    pub async fn nodes_without(&self, key: &KeyId) -> Result<(usize, usize)> {
        let running = self.running().await?;
        Ok((running.iter().filter(|node| !node.keys.contains(key.as_str())).count(), running.len()))
    }

    /// How many running processes still seal and write the audit log with a key.
    pub async fn nodes_sealing_with(&self, key: &KeyId) -> Result<usize> {
        Ok(self.running().await?.iter().filter(|node| node.active.as_deref() == Some(key.as_str())).count())
    }

    async fn running(&self) -> Result<Vec<Node>> {
        let now = self.store().lease_now().await?;
        let gone = now.saturating_sub(SignedDuration::from_secs(GONE_SECONDS)).unwrap_or(now).as_second();
        Ok(self.nodes().await?.into_iter().map(|(_, node)| node).filter(|node| node.at > gone).collect())
    }
}

pub(crate) fn text(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}

pub(crate) fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Internal(format!("a setting of the keys is damaged: {error}")))
}
