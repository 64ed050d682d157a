//! Sessions as their owner sees them: which there are, and ending them.

use domain::{
    Id, Timestamp,
    access::{Account, Session},
};
use ports::Put;
use serde_json::json;

use super::SessionView;
use crate::{
    App, Caller, Error, Result,
    draft::{Draft, touched},
};

/// Sessions looked at, at most: far more than people have browsers.
const MOST: u32 = 500;

/// One session of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Which.
    pub id: Id<Session>,
    /// What the browser says of itself.
    pub device: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// Its last request, to within a few minutes.
    pub seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

impl App {
    /// The live sessions of the account that asks; without an account, of everybody who came by a link from the command line.
    pub async fn sessions_of(&self, view: &SessionView) -> Result<Vec<SessionRow>> {
        let owner = view.account.as_ref().map(|account| account.id);
        let now = self.store().lease_now().await?;
        let mut rows = Vec::new();
        for session in self.live(owner).await? {
            let seen = self.store().last_use(&session.id.to_string()).await?;
            if !session.is_idle(seen, now) {
                rows.push(SessionRow {
                    id: session.id,
                    device: session.device.clone(),
                    began_at: session.created_at,
                    seen_at: seen.unwrap_or(session.created_at),
                    current: session.id == view.id,
                });
            }
        }
        Ok(rows)
    }

    async fn live(&self, owner: Option<Id<Account>>) -> Result<Vec<Session>> {
        let now = self.store().lease_now().await?;
        let all = self.store().live_sessions(now, MOST).await?;
        Ok(all.into_iter().filter(|session| session.account == owner).collect())
    }

    /// Ends one session of the account that asks.
    pub async fn end_session(&self, view: &SessionView, id: Id<Session>, caller: &Caller) -> Result<()> {
        let owner = view.account.as_ref().map(|account| account.id);
        self.transact(None, || async move {
            let session = self.live(owner).await?.into_iter().find(|session| session.id == id);
            let session = session.ok_or_else(|| Error::missing("session", id))?;
            let mut draft = self.draft(caller);
            draft.audit("session.ended", id, json!({}));
            draft.put(Put::Session(Session { revoked_at: Some(draft.now), ..touched(&session) }));
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Ends every other session of the account that asks; how many.
    pub async fn end_other_sessions(&self, view: &SessionView, caller: &Caller) -> Result<usize> {
        let owner = view.account.as_ref().map(|account| account.id);
        self.transact(None, || async move {
            let mut draft = self.draft(caller);
            let ended = self.end_all(&mut draft, owner, Some(view.id)).await?;
            if ended > 0 {
                draft.audit("session.others_ended", view.id, json!({"ended": ended}));
            }
            Ok((draft.finish(), ended))
        })
        .await
    }

    /// Ends all sessions of an account except `keep`.
    pub(super) async fn end_all(
        &self,
        draft: &mut Draft<'_>,
        owner: Option<Id<Account>>,
        keep: Option<Id<Session>>,
    ) -> Result<usize> {
        let mut ended = 0;
        for session in self.live(owner).await?.iter().filter(|session| Some(session.id) != keep) {
            draft.put(Put::Session(Session { revoked_at: Some(draft.now), ..touched(session) }));
            ended += 1;
        }
        Ok(ended)
    }
}
