//! Raising alerts and ending them. Both are quiet when nothing changes, so that they may be called as often as something is seen.

use domain::alerts::{Alert, AlertKind};
use ports::{Put, change::Scope};
use serde_json::{Value, json};

use crate::{
    App, Caller, Result,
    draft::{Draft, touched},
};

impl App {
    /// Says that something is wrong, unless that is already known. `details` are the parameters of the sentence people read: never a
    /// secret, an address or a title. Whether it is news.
    pub(crate) async fn raise(&self, draft: &mut Draft<'_>, kind: AlertKind, subject: &str, details: Value) -> Result<bool> {
        if self.store().lasting_alert(kind, subject).await?.is_some() {
            return Ok(false);
        }
        let alert = Alert {
            id: self.id(),
            rev: 1,
            kind,
            subject: subject.to_owned(),
            details,
            raised_at: draft.now,
            told_at: None,
            ended_at: None,
        };
        draft.take(Scope::Alert, Alert::name(kind, subject), alert.id);
        draft.audit("alert.raised", subject, json!({"kind": kind.code()}));
        draft.put(Put::Alert(alert));
        Ok(true)
    }

    /// Says that it is over, if it was raised.
    pub(crate) async fn clear(&self, draft: &mut Draft<'_>, kind: AlertKind, subject: &str) -> Result<()> {
        let Some(alert) = self.store().lasting_alert(kind, subject).await? else { return Ok(()) };
        let mut next = touched(&alert);
        next.ended_at = Some(draft.now);
        draft.release(Scope::Alert, Alert::name(kind, subject), next.id);
        draft.audit("alert.ended", subject, json!({"kind": kind.code()}));
        draft.put(Put::Alert(next));
        Ok(())
    }

    /// Raises what somebody outside the use cases sees (`trouble` are its details), or ends it (`None`). Whether it is news.
    pub async fn report(&self, kind: AlertKind, subject: &str, trouble: Option<Value>) -> Result<bool> {
        self.transact(None, || async {
            let mut draft = self.draft(&Caller::system());
            let news = if let Some(details) = &trouble {
                self.raise(&mut draft, kind, subject, details.clone()).await?
            } else {
                self.clear(&mut draft, kind, subject).await?;
                false
            };
            Ok((draft.finish(), news))
        })
        .await
    }

    /// Alerts that last, newest first.
    pub async fn lasting_alerts(&self, limit: u32) -> Result<Vec<Alert>> {
        Ok(self.store().alerts(true, limit).await?)
    }
}
