//! The OAuth callback: one commit marks the state used and stores the sealed code as a job that runs at once.

use domain::{
    Id,
    grants::{Grant, GrantState},
    jobs::{Dedupe, Work},
    links::{ConnectOutcome, Link, LinkProblem, Purpose},
    mails::MailOrder,
    people::Person,
};
use ports::Put;
use serde_json::json;
use vault::{AuthorizationCode, KeyId, verify_link};

use crate::{
    App, Caller, Error, Result,
    draft::{Draft, touched},
};

/// What the browser brought back. All of it is untrusted.
#[derive(Debug, Clone, Default)]
pub struct Callback {
    /// The authorization code.
    pub code: Option<String>,
    /// Our link token.
    pub state: Option<String>,
    /// The location code of the user's data centre.
    pub location: Option<String>,
    /// The origin of its accounts host.
    pub accounts_server: Option<String>,
    /// An error code instead of a code.
    pub error: Option<String>,
}

/// Longest code or state that is looked at.
const MAX_CHARS: usize = 2_000;

impl App {
    /// Takes the callback and gives the token of the page that shows how it stands. Nothing happens without a live `state`.
    pub async fn callback(&self, callback: Callback, caller: &Caller) -> Result<String> {
        let (callback, caller) = (&callback, caller);
        let token = callback.state.clone().unwrap_or_default();
        self.transact(None, || async move {
            let (link, key) = self.open_signed(callback.state.as_deref().unwrap_or_default(), Purpose::OauthState).await?;
            let person = link.person.ok_or_else(|| Error::Internal(format!("{} is for nobody", link.id)))?;
            let mut draft = self.draft(caller);
            let mut used = touched(&link);
            used.used_at = Some(draft.now);
            used.outcome = Some(self.take_callback(callback, &link, &key, person, &mut draft).await?);
            draft.audit("grant.callback", person, json!({"link": link.id, "outcome": used.outcome}));
            draft.put(Put::Link(used));
            Ok((draft.finish(), ()))
        })
        .await?;
        Ok(token)
    }

    async fn take_callback(
        &self,
        callback: &Callback,
        link: &Link,
        key: &KeyId,
        person: Id<Person>,
        draft: &mut Draft<'_>,
    ) -> Result<ConnectOutcome> {
        let code = callback.code.as_deref().filter(|code| !code.is_empty() && code.len() <= MAX_CHARS);
        if callback.error.as_deref() == Some("access_denied") {
            self.refused(person, draft).await?;
            return Ok(ConnectOutcome::Refused);
        }
        if callback.error.is_some() || code.is_none() {
            // The provider stumbled, or the address was cut: nobody said no.
            return Ok(ConnectOutcome::CodeExpired);
        }
        let data_centre = match self.provider()?.data_centre(callback.location.as_deref(), callback.accounts_server.as_deref()) {
            Ok(data_centre) => data_centre,
            Err(error) => {
                tracing::warn!(link = %link.id, %error, "a callback named a data centre that is not set up");
                return Ok(ConnectOutcome::WrongDataCentre);
            }
        };
        let code = AuthorizationCode::new(code.unwrap_or_default().to_owned());
        let sealed_code = self.seal_code(link.id, &code);
        let work = Work::Exchange { link: link.id, person, sealed_code, data_centre, link_key: Some(key.to_string()) };
        draft.order(work, Dedupe::Once(format!("exchange:{}", link.id)), None, draft.now, None);
        Ok(ConnectOutcome::Working)
    }

    /// The manager said no: what waits for them is looked at again.
    pub(super) async fn refused(&self, person: Id<Person>, draft: &mut Draft<'_>) -> Result<()> {
        let Some(grant) = self.grant_of(person).await? else { return Ok(()) };
        if matches!(grant.state, GrantState::Active | GrantState::Refused) {
            return Ok(());
        }
        let mut next: Grant = touched(&grant);
        next.state = GrantState::Refused;
        if let Some(request) = &mut next.request {
            // A "no" is an answer: nobody is asked again, and a person is told.
            request.next_at = None;
            draft.mail(MailOrder::Attention {
                subject: grant.id.to_string(),
                code: "permission_refused".to_owned(),
                at: draft.now.as_second(),
            });
        }
        draft.audit("grant.refused", grant.id, json!({"person": person}));
        draft.put(Put::Grant(next));
        self.arrange_all(person, draft).await
    }

    /// Looks at every approved vacancy of a manager as soon as possible.
    pub(crate) async fn arrange_all(&self, manager: Id<Person>, draft: &mut Draft<'_>) -> Result<()> {
        for vacancy in self.store().vacancies_of(manager).await? {
            if vacancy.state == domain::vacancies::VacancyState::Approved {
                draft.arrange(vacancy.id, draft.now);
            }
        }
        Ok(())
    }

    /// The row of a link token, whether it is live or not.
    pub(crate) async fn find_link(&self, token: &str, purpose: Purpose) -> Result<Link> {
        self.find_signed(token, purpose).await.map(|(link, _)| link)
    }

    /// The same, with the key that signed it.
    async fn find_signed(&self, token: &str, purpose: Purpose) -> Result<(Link, KeyId)> {
        let unknown = || Error::Link(LinkProblem::Unknown, None);
        let signed = Some(token)
            .filter(|token| token.len() <= MAX_CHARS)
            .and_then(|token| verify_link(&self.key_ring(), purpose.as_str(), token));
        let (id, key) = signed.ok_or_else(unknown)?;
        let id: Id<Link> = id.parse().map_err(|_| unknown())?;
        let link = self.store().link(id).await?.filter(|link| link.purpose == purpose).ok_or_else(unknown)?;
        Ok((link, key))
    }

    /// The row of a live link token.
    pub(crate) async fn open_link(&self, token: &str, purpose: Purpose) -> Result<Link> {
        self.open_signed(token, purpose).await.map(|(link, _)| link)
    }

    /// The same, with the key that signed it.
    async fn open_signed(&self, token: &str, purpose: Purpose) -> Result<(Link, KeyId)> {
        let (link, key) = self.find_signed(token, purpose).await?;
        link.check(self.now()).map_err(|problem| Error::Link(problem, Some(purpose)))?;
        Ok((link, key))
    }
}
