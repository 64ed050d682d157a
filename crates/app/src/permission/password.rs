//! Permission by an app password, for providers that have no consent page: what is typed in becomes an authorization code, sealed like
//! one, and goes the same way.

use domain::{
    access::{Patience, Throttle},
    jobs::{Dedupe, Work},
    links::{ConnectOutcome, Link, Purpose},
};
use ports::{
    Put,
    calendar::{Consent, ConsentServer},
};
use serde_json::json;
use vault::{AccountPassword, AuthorizationCode};

use super::pages::as_person;
use crate::{App, Error, Provider, Result};

/// The longest user name and password that are looked at, in bytes.
const MOST_BYTES: usize = 512;

impl App {
    /// Servers at which an app password can be used.
    pub(super) fn servers(&self) -> Vec<(Provider<'_>, ConsentServer)> {
        let mut found = Vec::new();
        for provider in self.providers() {
            if let Consent::Password { servers } = provider.consent() {
                found.extend(servers.into_iter().map(|server| (provider, server)));
            }
        }
        found
    }

    /// What people know a server by; its code where it is no longer on the list.
    pub(super) fn server_name(&self, provider: &str, code: &str) -> String {
        let servers = self.servers();
        let known = servers.into_iter().find(|(known, server)| known.name() == provider && server.code == code);
        known.map_or_else(|| code.to_owned(), |(_, server)| server.name)
    }

    /// The manager typed a user name and an app password in on their page: they are tried at the server that was chosen. Gives the token of
    /// the page that shows how it went. The password is in no error, and is stored only as sealed by the vault.
    pub async fn connect_by_password(&self, token: &str, server: &str, user: &str, password: &AccountPassword) -> Result<String> {
        let password = password.expose();
        let (provider, server) = self
            .servers()
            .into_iter()
            .find(|(_, known)| known.code == server)
            .ok_or_else(|| Error::invalid("server", "choose one of the servers on the page"))?;
        let fits = |text: &str| (1..=MOST_BYTES).contains(&text.len()) && !text.contains(char::is_control);
        if !fits(user) || user.contains(':') {
            return Err(Error::invalid("user", "give the user name that you log in with at that server"));
        }
        if !fits(password) {
            return Err(Error::invalid("password", "give the app password as the server shows it"));
        }
        let code = AuthorizationCode::new(format!("{user}:{password}"));
        let (code, data_centre) = (&code, &server.code);
        let state = self
            .transact(None, || async move {
                let link = self.open_link(token, Purpose::Permission).await?;
                let person = self.link_person(&link).await?;
                self.refuse_second(person.id, provider.name()).await?;
                let mut draft = self.draft(&as_person(&person));
                let counter = format!("app_password:{}", person.id);
                let known = self.store().throttle(&counter).await?;
                let now = self.store().lease_now().await?;
                let Some(tried) = Throttle::attempt(known.as_ref(), &counter, Patience::ACCOUNT, now) else {
                    let retry_after = known.map_or(1, |known| known.wait_seconds(now));
                    let problem = format!("a password was tried here several times; try again in {retry_after} seconds");
                    return Err(Error::Limited { retry_after, problem });
                };
                draft.put(Put::Throttle(tried));
                self.grant_or_new(&person, provider.name(), &mut draft).await?;
                let subject = Link::typed_subject(provider.name(), data_centre, person.id);
                let made = draft.new_link(Purpose::OauthState, subject, Some(person.id), self.settings().link_days)?;
                // Used at once: no browser ever brings this one back.
                let state = Link { used_at: Some(draft.now), outcome: Some(ConnectOutcome::Working), ..made };
                let sealed_code = self.seal_code(state.id, code);
                let data_centre = data_centre.clone();
                let work = Work::Exchange { link: state.id, person: person.id, sealed_code, data_centre, link_key: None };
                draft.order(work, Dedupe::Once(format!("exchange:{}", state.id)), None, draft.now, None);
                draft.audit("grant.password_given", person.id, json!({"link": state.id, "provider": provider.name()}));
                draft.put(Put::Link(state.clone()));
                Ok((draft.finish(), state))
            })
            .await?;
        Ok(self.token(&state))
    }
}
