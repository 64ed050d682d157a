//! API keys: made, rolled, revoked, and known again when one is shown.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Id, Timestamp,
    access::{ApiKey, Right, Role},
};
use ports::Put;
use serde_json::json;
use vault::hash_api_key;

use super::uses::Refusal;
use crate::{
    App, Caller, Error, Result,
    draft::{later, touched},
    people::line,
};

/// What API keys begin with, so that leak scanners know them.
const KEY_PREFIX: &str = "grk_";
/// The longest grace of a roll, in minutes: a week.
const LONGEST_GRACE_MINUTES: i64 = 7 * 24 * 60;

/// A key as somebody wants it.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// A named set of rights.
    pub role: Option<Role>,
    /// Rights one by one, where no role is named; beside the role admin, `lend` may stand here.
    pub rights: BTreeSet<Right>,
    /// After this it is refused.
    pub expires_at: Option<Timestamp>,
}

impl NewKey {
    /// Everything the key would be allowed to do.
    pub fn all_rights(&self) -> Result<BTreeSet<Right>> {
        let Some(role) = self.role else {
            if self.rights.is_empty() {
                return Err(Error::invalid(
                    "rights",
                    "a key without any right cannot do anything; choose a role, or at least one right",
                ));
            }
            return Ok(self.rights.clone());
        };
        let mut all = role.rights();
        match self.rights.difference(&all).next() {
            None => {}
            Some(Right::Lend) if role == Role::Admin => {
                all.insert(Right::Lend);
            }
            Some(right) => {
                let problem = format!(
                    "the role {} does not have the right `{}`; name the role alone, or rights without a role",
                    role.code(),
                    right.code()
                );
                return Err(Error::invalid("rights", problem));
            }
        }
        Ok(all)
    }
}

impl App {
    /// Makes an API key with these rights. The second value is the key itself: shown once, stored nowhere.
    pub async fn create_api_key(
        &self,
        name: &str,
        rights: BTreeSet<Right>,
        expires_at: Option<Timestamp>,
        caller: &Caller,
    ) -> Result<(ApiKey, String)> {
        self.make_api_key(NewKey { name: name.to_owned(), role: None, rights, expires_at }, caller).await
    }

    /// Makes an API key with a role or with rights one by one. The second value is the key itself: shown once, stored nowhere.
    pub async fn make_api_key(&self, new: NewKey, caller: &Caller) -> Result<(ApiKey, String)> {
        let rights = new.all_rights()?;
        let name = line("name", &new.name)?;
        let mut draft = self.draft(caller);
        if new.expires_at.is_some_and(|end| end <= draft.now) {
            return Err(Error::invalid("expires_at", "this is over already; choose a time that is still to come"));
        }
        let text = self.new_key_text();
        let key = ApiKey {
            id: self.id(),
            rev: 1,
            name,
            hash: hash_api_key(&text).to_vec(),
            rights,
            role: new.role,
            created_at: draft.now,
            expires_at: new.expires_at,
            revoked_at: None,
            previous: None,
        };
        draft.audit("key.created", key.id, json!({"name": key.name, "role": key.role, "rights": key.rights}));
        draft.put(Put::ApiKey(key.clone()));
        self.commit(draft.finish()).await?;
        Ok((key, text))
    }

    fn new_key_text(&self) -> String {
        format!("{KEY_PREFIX}{}", URL_SAFE_NO_PAD.encode(self.entropy().bytes::<32>()))
    }

    /// Gives a key a new secret. The one before is accepted for `grace_minutes` more; the one before that no longer.
    pub async fn roll_api_key(&self, id: Id<ApiKey>, grace_minutes: i64, caller: &Caller) -> Result<(ApiKey, String)> {
        if !(0..=LONGEST_GRACE_MINUTES).contains(&grace_minutes) {
            let problem = format!("the old key may live on for 0 to {LONGEST_GRACE_MINUTES} minutes (a week)");
            return Err(Error::invalid("grace_minutes", problem));
        }
        let text = self.new_key_text();
        let fresh = &text;
        let key = self
            .transact(None, || async move {
                let key = self.api_key(id).await?;
                let mut draft = self.draft(caller);
                if !key.is_live(draft.now) {
                    let problem = "the key has ended or was revoked; make a new one".to_owned();
                    return Err(Error::Refused { code: "key_over", problem });
                }
                let mut next = touched(&key);
                let old = std::mem::replace(&mut next.hash, hash_api_key(fresh).to_vec());
                let until = later(draft.now, grace_minutes)?;
                next.previous = (grace_minutes > 0).then_some((old, until));
                draft.audit("key.rolled", id, json!({"grace_minutes": grace_minutes}));
                draft.put(Put::ApiKey(next.clone()));
                Ok((draft.finish(), next))
            })
            .await?;
        Ok((key, text))
    }

    /// The live key that this text is, if it is one; its use is noted, and so is the refusal of one that was good once.
    pub async fn authenticate(&self, text: &str) -> Result<Option<ApiKey>> {
        let hash = hash_api_key(text);
        let Some(key) = self.store().api_key_by_hash(&hash).await? else { return Ok(None) };
        let now = self.now();
        if !key.accepts(&hash, now) {
            self.note_refused_key(key.id, Refusal::of(&key, now)).await?;
            return Ok(None);
        }
        self.note_key(key.id).await?;
        Ok(Some(key))
    }

    /// All keys, newest last.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        Ok(self.store().api_keys().await?)
    }

    /// One key.
    pub async fn api_key(&self, id: Id<ApiKey>) -> Result<ApiKey> {
        self.store().api_keys().await?.into_iter().find(|key| key.id == id).ok_or_else(|| Error::missing("API key", id))
    }

    /// The last day on which a key was used, as a time on it.
    pub async fn api_key_used(&self, id: Id<ApiKey>) -> Result<Option<Timestamp>> {
        Ok(self.store().last_use(&id.to_string()).await?)
    }

    /// Refuses a key from now on.
    pub async fn revoke_api_key(&self, id: Id<ApiKey>, caller: &Caller) -> Result<()> {
        self.transact(None, || async move {
            let key = self.api_key(id).await?;
            let mut draft = self.draft(caller);
            if key.revoked_at.is_none() {
                draft.audit("key.revoked", id, json!({}));
                draft.put(Put::ApiKey(ApiKey { revoked_at: Some(draft.now), previous: None, ..touched(&key) }));
            }
            Ok((draft.finish(), ()))
        })
        .await
    }
}
