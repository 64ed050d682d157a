//! Raising alerts and ending them. Both are quiet when nothing changes, so that they may be called as often as something is seen. Telling
//! people is another matter: see `tell`. What is looked at from outside, once a minute: `watch`.

mod tell;
mod watch;

use std::fmt;

use domain::{
    EmailAddress, Id,
    alerts::{Alert, AlertKind},
    grants::Grant,
    people::Person,
};
use ports::{Put, change::Scope};
use serde_json::{Value, json};
use url::Url;

use crate::{
    App, Caller, Result,
    draft::{Draft, touched},
};

/// Whom alerts are told.
#[derive(Debug, Clone, Default)]
pub struct AlertSettings {
    /// By mail; where absent, the recruiting contact.
    pub to: Option<EmailAddress>,
    /// By webhook.
    pub webhook: Option<Hook>,
}

/// Where a webhook goes. Such addresses are often secrets by themselves, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct Hook(pub Url);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook([redacted])")
    }
}

/// An alert as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertView {
    /// The alert.
    pub alert: Alert,
    /// With what, by name where it has one.
    pub name: String,
    /// The manager it concerns.
    pub person: Option<Id<Person>>,
}

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
            ended_told_at: None,
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

    /// Alerts, newest first; only those that last if `lasting`.
    pub async fn alerts(&self, lasting: bool, limit: u32) -> Result<Vec<AlertView>> {
        let mut views = Vec::new();
        for alert in self.store().alerts(lasting, limit).await? {
            let grant = match alert.subject.parse::<Id<Grant>>() {
                Ok(id) => self.store().grant(id).await?,
                Err(_) => None,
            };
            let name = self.named(&alert.subject).await?;
            views.push(AlertView { person: grant.map(|grant| grant.person), name, alert });
        }
        Ok(views)
    }

    /// How many alerts last, up to a thousand.
    pub async fn count_alerts(&self) -> Result<usize> {
        Ok(self.store().alerts(true, 1_000).await?.len())
    }
}
