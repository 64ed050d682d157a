//! Which CalDAV servers an installation knows. Only these are called: people choose one of them and type no address.

use std::time::Duration;

use url::Url;

use crate::http::{ClientError, is_loopback};

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaldavServer {
    /// Short name, stored as the data centre of its accounts: small letters, digits and `-`.
    pub code: String,
    /// Where discovery begins: the origin, or a path that the provider names.
    pub url: Url,
    /// Other origins that belong to it, for providers that keep accounts on several hosts.
    pub also: Vec<Url>,
    /// The domain of its users' addresses, for servers that do not state them.
    pub mail_domain: Option<String>,
}

impl CaldavServer {
    /// What people read where they choose one: the code and the host.
    pub(super) fn name(&self) -> String {
        format!("{} ({})", self.code, self.url.host_str().unwrap_or_default())
    }

    /// Whether a URL lies at one of its origins.
    pub(super) fn allows(&self, url: &Url) -> bool {
        [&self.url].into_iter().chain(&self.also).any(|own| own.origin() == url.origin())
    }
}

/// The servers; the first is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaldavConfig {
    /// `GREENROOM_CALDAV_SERVERS`, read by [`parse_servers`].
    pub servers: Vec<CaldavServer>,
}

/// How long calls may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Making a connection.
    pub connect: Duration,
    /// A read, in all.
    pub read: Duration,
    /// A write, in all.
    pub write: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), read: Duration::from_secs(30), write: Duration::from_secs(20) }
    }
}

/// Why a configuration cannot be used. Each sentence says what to set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// No server.
    #[error("GREENROOM_CALDAV_SERVERS names no server; write for example work=https://dav.example.com/")]
    NoServer,
    /// Not of the form `code=URL`.
    #[error("GREENROOM_CALDAV_SERVERS: `{0}` is not CODE=URL, with a code of small letters, digits and `-`")]
    Entry(String),
    /// The same code twice.
    #[error("GREENROOM_CALDAV_SERVERS names `{0}` twice; give each server a code of its own")]
    Twice(String),
    /// Passwords would go out in the open.
    #[error("GREENROOM_CALDAV_SERVERS: `{0}` is not an https URL without user, query and fragment (http only on this machine)")]
    Url(String),
    /// An option that is not known.
    #[error("GREENROOM_CALDAV_SERVERS: `{0}` is not an option; there are also=URL and mail=DOMAIN")]
    Option(String),
    /// No HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl CaldavConfig {
    /// Reads `GREENROOM_CALDAV_SERVERS` as [`parse_servers`] does, and checks it.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        let config = Self { servers: parse_servers(text)? };
        config.check().map(|()| config)
    }

    /// Checks everything that can be checked without a call.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.servers.is_empty() {
            return Err(ConfigError::NoServer);
        }
        for (index, server) in self.servers.iter().enumerate() {
            if !is_code(&server.code) {
                return Err(ConfigError::Entry(server.code.clone()));
            }
            if self.servers[..index].iter().any(|known| known.code == server.code) {
                return Err(ConfigError::Twice(server.code.clone()));
            }
            if let Some(url) = [&server.url].into_iter().chain(&server.also).find(|url| !is_safe(url)) {
                return Err(ConfigError::Url(shown(url)));
            }
        }
        Ok(())
    }
}

/// Reads `work=https://dav.example.com/;mail=example.com;also=https://p01.example.com,…`.
pub fn parse_servers(text: &str) -> Result<Vec<CaldavServer>, ConfigError> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(server).collect()
}

fn server(entry: &str) -> Result<CaldavServer, ConfigError> {
    let mut parts = entry.split(';').map(str::trim);
    let (code, url) = parts.next().and_then(|first| first.split_once('=')).ok_or_else(|| ConfigError::Entry(entry.to_owned()))?;
    let parse = |text: &str| Url::parse(text.trim()).map_err(|_| ConfigError::Url(text.trim().to_owned()));
    let mut server = CaldavServer { code: code.trim().to_owned(), url: parse(url)?, also: Vec::new(), mail_domain: None };
    for part in parts.filter(|part| !part.is_empty()) {
        match part.split_once('=') {
            Some(("also", url)) => server.also.push(parse(url)?),
            Some(("mail", domain)) => server.mail_domain = Some(domain.trim().trim_start_matches('@').to_lowercase()),
            _ => return Err(ConfigError::Option(part.to_owned())),
        }
    }
    Ok(server)
}

fn is_code(code: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=20).contains(&code.len()) && code.bytes().all(plain)
}

/// Basic authentication shows the password to everybody on the way, unless it is encrypted or goes nowhere.
fn is_safe(url: &Url) -> bool {
    let closed = url.scheme() == "https" || url.scheme() == "http" && is_loopback(url);
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    closed && url.has_host() && plain
}

/// A URL without what may be secret in it.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Vec<CaldavServer>, ConfigError> {
        CaldavConfig::read(text).map(|config| config.servers)
    }

    #[test]
    fn servers_are_read_with_their_options() {
        let text =
            "work=https://dav.example.com/dav/;mail=@Example.com, icloud=https://caldav.example.net;also=https://p01.example.net;";
        let servers = check(text).unwrap();
        assert_eq!((servers[0].code.as_str(), servers[0].mail_domain.as_deref()), ("work", Some("example.com")));
        let allows = |url: &str| servers[1].allows(&Url::parse(url).unwrap());
        assert!(allows("https://p01.example.net/1/calendars/") && allows("https://caldav.example.net:443/"));
        assert!(
            !allows("http://p01.example.net/") && !allows("https://p01.example.net:8443/") && !allows("https://dav.example.com/")
        );
        assert!(check("here=http://127.0.0.1:5232/").is_ok());
    }

    #[test]
    fn each_mistake_has_its_own_sentence() {
        for (text, error) in [
            ("", ConfigError::NoServer),
            ("https://dav.example.com", ConfigError::Entry("https://dav.example.com".to_owned())),
            ("Work=https://a.example", ConfigError::Entry("Work".to_owned())),
            ("a=https://a.example,a=https://b.example", ConfigError::Twice("a".to_owned())),
            ("a=http://dav.example.com/", ConfigError::Url("http://dav.example.com/".to_owned())),
            ("a=https://ana:secret@dav.example.com/", ConfigError::Url("https://dav.example.com/".to_owned())),
            ("a=dav.example.com", ConfigError::Url("dav.example.com".to_owned())),
            ("a=https://a.example;also=http://b.example", ConfigError::Url("http://b.example/".to_owned())),
            ("a=https://a.example;color=red", ConfigError::Option("color=red".to_owned())),
        ] {
            assert_eq!(check(text).unwrap_err(), error, "{text}");
        }
    }
}
