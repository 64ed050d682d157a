//! What the manager's pages about permission show and do.

use domain::{
    EmailAddress, Timestamp,
    audit::Actor,
    grants::Grant,
    links::{ConnectOutcome, Link, LinkProblem, Purpose},
    mails::MailOrder,
    people::Person,
};
use ports::calendar::ConsentServer;
use url::Url;

use crate::{App, Caller, Error, Result};

/// The page that explains the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionView {
    /// The company that asks.
    pub company: String,
    /// The manager.
    pub manager: String,
    /// The address that was asked.
    pub email: EmailAddress,
    /// The vacancy that needs it.
    pub vacancy: Option<String>,
    /// Who asks.
    pub asked_by: String,
    /// The host the button leads to.
    pub provider_host: String,
    /// Its origin.
    pub consent_origin: String,
    /// Whether there is nothing left to do.
    pub already_connected: bool,
    /// Whether the button is offered: not while a calendar at another provider is connected.
    pub by_page: bool,
    /// Servers at which an app password can be used instead; empty where there are none, or another provider's calendar is connected.
    pub servers: Vec<ConsentServer>,
    /// Whether a way is left out because another provider's calendar is connected.
    pub disconnect_first: bool,
}

/// The page that shows how an authorization ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectView {
    /// How it stands.
    pub outcome: ConnectOutcome,
    /// The manager.
    pub manager: String,
    /// The company.
    pub company: String,
    /// The calendar, once connected.
    pub calendar: Option<String>,
    /// The server at which an app password was tried; `None` where the provider asked on its own page.
    pub server: Option<String>,
    /// The token of a permission page to start again, where that helps.
    pub retry_token: Option<String>,
}

/// The page to disconnect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisconnectView {
    /// The company.
    pub company: String,
    /// The manager.
    pub manager: String,
    /// The calendar; `None` when nothing is connected.
    pub calendar: Option<String>,
    /// Whether it is connected by an app password.
    pub by_password: bool,
    /// Until when another program may still use an access token that it was lent.
    pub lent_until: Option<Timestamp>,
}

impl App {
    /// The person a link was made for.
    pub(crate) async fn link_person(&self, link: &Link) -> Result<Person> {
        let id = link.person.ok_or_else(|| Error::Internal(format!("{} is for nobody", link.id)))?;
        self.store().person(id).await?.ok_or_else(|| Error::missing("person", id))
    }

    /// See [`PermissionView`].
    pub async fn permission_page(&self, token: &str) -> Result<PermissionView> {
        let link = self.open_link(token, Purpose::Permission).await?;
        let person = self.link_person(&link).await?;
        let grant = self.grant_of(person.id).await?;
        let wanted = grant.as_ref().and_then(|grant| grant.request.as_ref()).and_then(|request| request.vacancy);
        let vacancy = match wanted {
            Some(id) => self.store().vacancy(id).await?,
            None => self.store().vacancies_of(person.id).await?.into_iter().next(),
        };
        let page = self.provider()?;
        let consent = page.authorization_url("", "", "");
        let used = grant.filter(Grant::is_usable).map(|grant| grant.provider);
        let is_offered = |name: &str| used.as_deref().is_none_or(|used| used == name);
        let mut servers = self.servers();
        let all = servers.len();
        servers.retain(|(provider, _)| is_offered(provider.name()));
        let by_page = is_offered(page.name());
        Ok(PermissionView {
            company: self.settings().company.clone(),
            manager: person.name.clone(),
            email: person.email().cloned().ok_or_else(|| Error::missing("address", person.id))?,
            vacancy: vacancy.as_ref().map(|vacancy| vacancy.title.clone()),
            asked_by: vacancy.map_or_else(|| self.settings().company.clone(), |vacancy| vacancy.requested_by),
            provider_host: consent.host_str().unwrap_or_default().to_owned(),
            consent_origin: consent.origin().ascii_serialization(),
            already_connected: used.is_some(),
            by_page,
            disconnect_first: !by_page || servers.len() < all,
            servers: servers.into_iter().map(|(_, server)| server).collect(),
        })
    }

    /// The manager pressed the button: a live `state` and the provider's page.
    pub async fn begin_authorization(&self, token: &str) -> Result<Url> {
        self.transact(None, || async move {
            let link = self.open_link(token, Purpose::Permission).await?;
            let person = self.link_person(&link).await?;
            let mut draft = self.draft(&as_person(&person));
            let provider = self.provider()?.name();
            self.refuse_second(person.id, provider).await?;
            self.grant_or_new(&person, provider, &mut draft).await?;
            let state = self.live_link(Purpose::OauthState, &person, &mut draft).await?;
            let url = self.authorization_url(&state, &person)?;
            Ok((draft.finish(), url))
        })
        .await
    }

    /// The manager says no on our page.
    pub async fn refuse_permission(&self, token: &str) -> Result<()> {
        self.transact(None, || async move {
            let link = self.open_link(token, Purpose::Permission).await?;
            let person = self.link_person(&link).await?;
            let mut draft = self.draft(&as_person(&person));
            self.refused(person.id, &mut draft).await?;
            Ok((draft.finish(), ()))
        })
        .await
    }

    /// Mails a fresh link of the same kind to the stored address; only if the old one was ours and no longer opens. The caller learns nothing.
    pub async fn fresh_link(&self, token: &str) -> Result<()> {
        for purpose in [Purpose::Permission, Purpose::OauthState] {
            let link = match self.find_link(token, purpose).await {
                Ok(link) => link,
                Err(Error::Link(LinkProblem::Unknown, _)) => continue,
                Err(error) => return Err(error),
            };
            if link.check(self.now()).is_ok() {
                return Ok(());
            }
            let link = &link;
            return self
                .transact(None, || async move {
                    let person = self.link_person(link).await?;
                    let mut draft = self.draft(&as_person(&person));
                    let fresh = self.live_link(Purpose::Permission, &person, &mut draft).await?;
                    draft.mail(MailOrder::FreshPermissionLink {
                        person: person.id,
                        link: fresh.id,
                        window: draft.now.as_second() / 600,
                    });
                    Ok((draft.finish(), ()))
                })
                .await;
        }
        Ok(())
    }

    /// See [`ConnectView`]. The `state` link itself may be used; only one that is not ours does not open.
    pub async fn connect_page(&self, token: &str) -> Result<ConnectView> {
        let link = self.find_link(token, Purpose::OauthState).await?;
        let person = self.link_person(&link).await?;
        let Some(outcome) = link.outcome else {
            // Nobody came back from the provider with this one yet.
            return Err(Error::Link(link.check(self.now()).err().unwrap_or(LinkProblem::Unknown), Some(Purpose::OauthState)));
        };
        let grant = self.grant_of(person.id).await?;
        let calendar = grant
            .as_ref()
            .filter(|grant| grant.is_usable())
            .and_then(|grant| grant.calendar.as_ref())
            .map(|calendar| calendar.name.clone());
        let retry = self.store().newest_link(Purpose::Permission, &person.id.to_string()).await?;
        let retry = retry.filter(|retry| retry.check(self.now()).is_ok() && outcome != ConnectOutcome::Connected);
        Ok(ConnectView {
            outcome,
            manager: person.name,
            company: self.settings().company.clone(),
            calendar,
            server: link.typed_at().map(|(provider, code)| self.server_name(provider, code)),
            retry_token: retry.map(|link| self.token(&link)),
        })
    }

    /// See [`DisconnectView`].
    pub async fn disconnect_page(&self, token: &str) -> Result<DisconnectView> {
        let link = self.open_link(token, Purpose::Disconnect).await?;
        let person = self.link_person(&link).await?;
        let grant = self.grant_of(person.id).await?;
        let lent_until = match &grant {
            Some(grant) => self.lent_until(grant.id).await?,
            None => None,
        };
        let by_password = match grant.as_ref().filter(|grant| grant.is_usable()) {
            Some(grant) => !self.provider_named(&grant.provider)?.has_page(),
            None => false,
        };
        let calendar = grant.filter(Grant::is_usable).and_then(|grant| grant.calendar).map(|calendar| calendar.name);
        Ok(DisconnectView { company: self.settings().company.clone(), manager: person.name, calendar, by_password, lent_until })
    }
}

/// A person who acts through a mailed link.
pub(crate) fn as_person(person: &Person) -> Caller {
    Caller { actor: Actor::Person(person.id.to_string()), request: None }
}
