//! What an installation must know to be a Zoho client.

use std::{collections::BTreeMap, time::Duration};

use url::Url;
use vault::ClientSecret;

use super::data_centres::{DataCentre, DataCentres, origin};
use crate::http::ClientError;

/// The smallest set of scopes with which interviews can be booked.
pub const DEFAULT_SCOPES: &str =
    "ZohoCalendar.calendar.READ,ZohoCalendar.event.ALL,ZohoCalendar.freebusy.READ,AaaServer.profile.READ";
/// Where consent begins unless configured; users of other data centres are sent on from there.
pub const DEFAULT_ACCOUNTS_URL: &str = "https://accounts.zoho.com";

/// The registration at `api-console.zoho.com` and where to find Zoho.
#[derive(Debug, Clone)]
pub struct ZohoConfig {
    /// `ZOHO_CLIENT_ID`.
    pub client_id: String,
    /// `ZOHO_CLIENT_SECRET`.
    pub client_secret: ClientSecret,
    /// Secrets of data centres that have their own, by location code.
    pub data_centre_secrets: BTreeMap<String, ClientSecret>,
    /// `ZOHO_REDIRECT_URI`, sent exactly as it is registered.
    pub redirect_uri: String,
    /// `ZOHO_SCOPES`; see [`parse_scopes`].
    pub scopes: Vec<String>,
    /// `ZOHO_ACCOUNTS_URL`: where consent begins; its origin must be on the list of data centres.
    pub accounts_url: Url,
    /// `ZOHO_REFRESH_LIMIT`: refreshes per refresh token in ten minutes.
    pub refresh_limit: u32,
    /// `GREENROOM_ZOHO_HOSTS`, read by [`parse_hosts`](super::data_centres::parse_hosts).
    pub hosts: Vec<DataCentre>,
}

/// How long calls may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Making a connection.
    pub connect: Duration,
    /// A call to Accounts, in all. The refresh lease (60 s) is longer by a good measure.
    pub accounts: Duration,
    /// A read from Calendar, in all.
    pub read: Duration,
    /// A write to Calendar, in all.
    pub write: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            accounts: Duration::from_secs(15),
            read: Duration::from_secs(30),
            write: Duration::from_secs(20),
        }
    }
}

/// Why a configuration cannot be used. Each sentence says what to set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No client id.
    #[error("ZOHO_CLIENT_ID is empty; register a server-based client at https://api-console.zoho.com and set its client id")]
    NoClientId,
    /// No client secret.
    #[error("ZOHO_CLIENT_SECRET is empty; set the secret of the client registered at https://api-console.zoho.com")]
    NoClientSecret,
    /// The redirect URI is not an http(s) URL.
    #[error(
        "ZOHO_REDIRECT_URI `{0}` is not an http or https URL; set it exactly as it is registered at https://api-console.zoho.com"
    )]
    RedirectUri(String),
    /// No refresh would ever be allowed.
    #[error("ZOHO_REFRESH_LIMIT is 0, so no permission could be kept; set Zoho's limit of refreshes in ten minutes, usually 10")]
    NoRefreshes,
    /// No scopes.
    #[error("ZOHO_SCOPES is empty; leave it unset for the default `{DEFAULT_SCOPES}`")]
    NoScopes,
    /// Consent would begin at a host that is not listed.
    #[error(
        "ZOHO_ACCOUNTS_URL `{0}` is not the Accounts host of a known data centre; correct it, or add the host to GREENROOM_ZOHO_HOSTS"
    )]
    AccountsUrl(String),
    /// A secret for a data centre that is not listed.
    #[error("there is a client secret for the data centre `{0}`, which is not on the list; correct its location code")]
    SecretFor(String),
    /// No HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl ZohoConfig {
    /// Checks everything that can be checked without a call; gives the list of data centres and where consent begins.
    pub(super) fn check(&self) -> Result<(DataCentres, Url), ConfigError> {
        if self.client_id.trim().is_empty() {
            return Err(ConfigError::NoClientId);
        }
        if self.client_secret.is_empty() || self.data_centre_secrets.values().any(ClientSecret::is_empty) {
            return Err(ConfigError::NoClientSecret);
        }
        if self.refresh_limit == 0 {
            return Err(ConfigError::NoRefreshes);
        }
        if self.scopes.is_empty() {
            return Err(ConfigError::NoScopes);
        }
        let web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        if !Url::parse(&self.redirect_uri).is_ok_and(|url| web(&url)) {
            return Err(ConfigError::RedirectUri(self.redirect_uri.clone()));
        }
        let centres = DataCentres::new(self.hosts.clone());
        let unknown = || ConfigError::AccountsUrl(self.accounts_url.to_string());
        let accounts = origin(self.accounts_url.as_str()).ok_or_else(unknown)?;
        centres.by_accounts(&accounts).ok_or_else(unknown)?;
        match self.data_centre_secrets.keys().find(|location| centres.by_location(location).is_none()) {
            Some(location) => Err(ConfigError::SecretFor(location.clone())),
            None => Ok((centres, accounts)),
        }
    }

    /// The client secret for a data centre: its own where it has one.
    pub(super) fn secret(&self, location: &str) -> &ClientSecret {
        let own = self.data_centre_secrets.iter().find(|(code, _)| code.eq_ignore_ascii_case(location));
        own.map_or(&self.client_secret, |(_, secret)| secret)
    }
}

/// Reads a list of scopes separated by commas or white space; repeated ones are named once.
pub fn parse_scopes(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|scope| !scope.is_empty()) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ZohoConfig {
        ZohoConfig {
            client_id: "1000.CLIENT".to_owned(),
            client_secret: ClientSecret::new("sesame".to_owned()),
            data_centre_secrets: BTreeMap::new(),
            redirect_uri: "http://localhost:8040/api/oauth/callback/".to_owned(),
            scopes: parse_scopes(DEFAULT_SCOPES),
            accounts_url: Url::parse(DEFAULT_ACCOUNTS_URL).unwrap(),
            refresh_limit: 10,
            hosts: Vec::new(),
        }
    }

    #[test]
    fn a_good_configuration_passes_and_shows_no_secret() {
        assert!(config().check().is_ok());
        assert!(!format!("{:?}", config()).contains("sesame"));
    }

    #[test]
    fn each_mistake_has_its_own_sentence() {
        let check = |change: fn(&mut ZohoConfig)| {
            let mut wrong = config();
            change(&mut wrong);
            wrong.check().unwrap_err()
        };
        assert_eq!(check(|c| c.client_id = " ".to_owned()), ConfigError::NoClientId);
        assert_eq!(check(|c| c.client_secret = ClientSecret::new(String::new())), ConfigError::NoClientSecret);
        assert_eq!(check(|c| c.scopes.clear()), ConfigError::NoScopes);
        assert_eq!(check(|c| c.refresh_limit = 0), ConfigError::NoRefreshes);
        assert!(matches!(check(|c| c.redirect_uri = "localhost".to_owned()), ConfigError::RedirectUri(_)));
        assert!(matches!(
            check(|c| c.accounts_url = Url::parse("https://accounts.example.com").unwrap()),
            ConfigError::AccountsUrl(_)
        ));
        assert!(matches!(
            check(|c| c.accounts_url = Url::parse("https://accounts.zoho.com/oauth").unwrap()),
            ConfigError::AccountsUrl(_)
        ));
        let secret_for = |c: &mut ZohoConfig| {
            c.data_centre_secrets.insert("xx".to_owned(), ClientSecret::new("s".to_owned()));
        };
        assert_eq!(check(secret_for), ConfigError::SecretFor("xx".to_owned()));
    }

    #[test]
    fn a_data_centre_may_have_its_own_secret() {
        let mut config = config();
        config.data_centre_secrets.insert("eu".to_owned(), ClientSecret::new("european".to_owned()));
        assert_eq!(config.secret("eu").expose(), "european");
        assert_eq!(config.secret("EU").expose(), "european");
        assert_eq!(config.secret("us").expose(), "sesame");
    }

    #[test]
    fn scopes_are_a_set_however_they_are_separated() {
        assert_eq!(parse_scopes(" A.b.READ,C.d.ALL  A.b.READ ,\n"), ["A.b.READ", "C.d.ALL"]);
        assert!(parse_scopes(" , ").is_empty());
    }
}
