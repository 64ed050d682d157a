//! Starting again where a key is lost for good.

use domain::{
    Id,
    alerts::AlertKind,
    grants::{Grant, GrantState},
};
use ports::{Put, change::JobStep, store::Page};
use serde_json::json;
use vault::{KeyRing, Sealed};

use super::{seal_of, seals_of};
use crate::{App, Caller, Error, Result, draft::touched, grants};

/// Rows of a page.
const PAGE: u32 = 200;

impl App {
    /// A key is lost: whatever is sealed with a key that is not there is given up, on the record. Grants end and their managers are mailed
    /// a fresh link. If the key that seals is lost, the newest that is there seals from now on. How many grants ended.
    pub async fn forget_lost(&self, caller: &Caller) -> Result<u64> {
        let ring = self.key_ring();
        if self.active_key().await?.is_none_or(|active| ring.get(&active).is_none()) {
            self.activate_key(ring.newest_id(), caller).await?;
        }
        let mut ended = 0;
        let mut page = Page::first(PAGE);
        loop {
            let found = self.store().grants(page).await?;
            let Some(end) = found.last() else { break };
            page = Page { after: Some(end.id.to_string()), limit: PAGE };
            for grant in found.iter().filter(|grant| is_lost(&ring, grant)) {
                ended += self.give_up(grant.id, &ring, caller).await?;
            }
        }
        let mut page = Page::first(PAGE);
        loop {
            let jobs = self.store().sealed_jobs(page).await?;
            let Some(end) = jobs.last() else { break };
            page = Page { after: Some(end.id.to_string()), limit: PAGE };
            for job in jobs.into_iter().filter(|job| seal_of(&job.work).is_some_and(|bytes| no_key(&ring, bytes))) {
                let mut draft = self.draft(caller);
                draft.audit("job.forgotten", job.id, json!({"why": "key lost", "kind": job.work.kind()}));
                draft.job(JobStep::Forget { id: job.id, stored: job.stored });
                self.commit(draft.finish()).await?;
            }
        }
        Ok(ended)
    }

    async fn give_up(&self, id: Id<Grant>, ring: &KeyRing, caller: &Caller) -> Result<u64> {
        self.transact(None, || async move {
            let stored = self.store().grant(id).await?.ok_or_else(|| Error::missing("grant", id))?;
            let mut draft = self.draft(caller);
            if !is_lost(ring, &stored) {
                return Ok((draft.finish(), 0));
            }
            let mut next = touched(&stored);
            (next.unverified, next.pending) = (None, None);
            if stored.tokens.is_some() || stored.state == GrantState::Unverified {
                grants::end(&mut next, GrantState::Dead, "key_lost", draft.now);
                self.ask_again_after_death(&mut next, &mut draft).await?;
            }
            self.clear(&mut draft, AlertKind::SealBroken, &id.to_string()).await?;
            draft.audit("grant.died", id, json!({"why": "key lost"}));
            draft.put(Put::Grant(next));
            Ok((draft.finish(), 1))
        })
        .await
    }
}

fn is_lost(ring: &KeyRing, grant: &Grant) -> bool {
    seals_of(grant).iter().any(|(_, bytes)| no_key(ring, bytes))
}

fn no_key(ring: &KeyRing, bytes: &[u8]) -> bool {
    Sealed::from_bytes(bytes).is_ok_and(|sealed| ring.get(sealed.key_id()).is_none())
}
