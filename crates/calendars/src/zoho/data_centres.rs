//! Zoho's data centres: which hosts may be called, and which of them an account lives on.
//!
//! The table is built in and can only be changed by the operator. What a callback says (`location`, `accounts-server`) is looked up in
//! it and never used as an address: whoever forges it must not receive our client secret.

use url::Url;

use crate::http::is_loopback;

/// Code, Accounts origin, Calendar origin.
const BUILT_IN: [(&str, &str, &str); 8] = [
    ("us", "https://accounts.zoho.com", "https://calendar.zoho.com"),
    ("eu", "https://accounts.zoho.eu", "https://calendar.zoho.eu"),
    ("in", "https://accounts.zoho.in", "https://calendar.zoho.in"),
    ("au", "https://accounts.zoho.com.au", "https://calendar.zoho.com.au"),
    ("jp", "https://accounts.zoho.jp", "https://calendar.zoho.jp"),
    ("ca", "https://accounts.zohocloud.ca", "https://calendar.zohocloud.ca"),
    ("sa", "https://accounts.zoho.sa", "https://calendar.zoho.sa"),
    ("cn", "https://accounts.zoho.com.cn", "https://calendar.zoho.com.cn"),
];
/// Data centres that exist, but whose Calendar host nobody has seen answer: code, Accounts origin, likely Calendar origin.
const UNCONFIRMED: [(&str, &str, &str); 2] = [
    ("uk", "https://accounts.zoho.uk", "https://calendar.zoho.uk"),
    ("ae", "https://accounts.zoho.ae", "https://calendar.zoho.ae"),
];

/// One data centre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCentre {
    /// Zoho's `location` code, lower case.
    pub location: String,
    /// Origin of the Accounts host.
    pub accounts: Url,
    /// Origin of the Calendar host.
    pub calendar: Url,
    /// Whether the operator configured it, rather than this table.
    pub configured: bool,
}

/// Why the text of `GREENROOM_ZOHO_HOSTS` cannot be used. Each sentence says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostsError {
    /// Not `location=…`.
    #[error("GREENROOM_ZOHO_HOSTS: `{0}` should look like `eu=https://accounts.zoho.eu|https://calendar.zoho.eu`")]
    Entry(String),
    /// Not a location code.
    #[error("GREENROOM_ZOHO_HOSTS: `{0}` is not a location code; use Zoho's, two to eight letters such as `eu`")]
    Location(String),
    /// Twice the same location.
    #[error("GREENROOM_ZOHO_HOSTS: the location `{0}` is given twice")]
    Twice(String),
    /// Not an origin.
    #[error("GREENROOM_ZOHO_HOSTS: `{0}` should be an origin such as `https://accounts.zoho.eu`: no path, no user, no query")]
    Origin(String),
    /// Unencrypted to another machine.
    #[error("GREENROOM_ZOHO_HOSTS: `{0}` must be https; http is for this machine only")]
    Unencrypted(String),
}

/// Reads `GREENROOM_ZOHO_HOSTS`: comma-separated `location=ORIGIN` (one origin for Accounts and Calendar) or
/// `location=ACCOUNTS_ORIGIN|CALENDAR_ORIGIN`. An empty text is no entry.
pub fn parse_hosts(text: &str) -> Result<Vec<DataCentre>, HostsError> {
    let mut hosts: Vec<DataCentre> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (location, origins) = entry.split_once('=').ok_or_else(|| HostsError::Entry(entry.to_owned()))?;
        let location = location.trim().to_ascii_lowercase();
        if !(2..=8).contains(&location.len()) || !location.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(HostsError::Location(location));
        }
        if hosts.iter().any(|host| host.location == location) {
            return Err(HostsError::Twice(location));
        }
        let (accounts, calendar) = origins.split_once('|').unwrap_or((origins, origins));
        hosts.push(DataCentre { location, accounts: configured(accounts)?, calendar: configured(calendar)?, configured: true });
    }
    Ok(hosts)
}

fn configured(text: &str) -> Result<Url, HostsError> {
    let url = origin(text).ok_or_else(|| HostsError::Origin(text.trim().to_owned()))?;
    if url.scheme() == "http" && !is_loopback(&url) { Err(HostsError::Unencrypted(text.trim().to_owned())) } else { Ok(url) }
}

/// Reads an origin. A slash at its end and the stray `&` of some of Zoho's samples are ignored; anything more is no origin.
pub(crate) fn origin(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim().trim_end_matches('&')).ok()?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    bare.then_some(url)
}

/// The data centres of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataCentres(Vec<DataCentre>);

impl DataCentres {
    /// The built-in table; each of `configured` takes the place of the built-in one of its location, or is added.
    pub fn new(configured: Vec<DataCentre>) -> Self {
        let built_in = BUILT_IN.iter().filter_map(|(location, accounts, calendar)| {
            let (accounts, calendar) = (origin(accounts)?, origin(calendar)?);
            Some(DataCentre { location: (*location).to_owned(), accounts, calendar, configured: false })
        });
        let mut list: Vec<_> = built_in.filter(|centre| configured.iter().all(|own| own.location != centre.location)).collect();
        list.extend(configured);
        Self(list)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &DataCentre> {
        self.0.iter()
    }

    /// By location code, in either case.
    pub fn by_location(&self, location: &str) -> Option<&DataCentre> {
        self.0.iter().find(|centre| centre.location.eq_ignore_ascii_case(location.trim()))
    }

    /// The first one with this Accounts origin.
    pub fn by_accounts(&self, accounts: &Url) -> Option<&DataCentre> {
        self.0.iter().find(|centre| centre.accounts.origin() == accounts.origin())
    }

    /// The data centre a callback means; `default` is the Accounts origin where consent began. The error is a sentence for the log.
    pub fn resolve(&self, location: Option<&str>, accounts_server: Option<&str>, default: &Url) -> Result<&DataCentre, String> {
        let location = location.map(str::trim).filter(|text| !text.is_empty());
        let server = accounts_server.map(str::trim).filter(|text| !text.is_empty());
        match (location, server) {
            (None, None) => self.by_accounts(default).ok_or_else(|| "consent began at a host that is not on the list".to_owned()),
            (Some(location), None) => self.located(location),
            (None, Some(server)) => self.serving(server),
            (Some(location), Some(server)) => {
                let of_server = self.serving(server)?;
                let of_location = self.located(location)?;
                // Compared by origin, because two locations may share one host where the operator says so.
                if of_server.accounts.origin() == of_location.accounts.origin() {
                    Ok(of_location)
                } else {
                    Err("the callback's location and accounts-server are different data centres".to_owned())
                }
            }
        }
    }

    fn located(&self, location: &str) -> Result<&DataCentre, String> {
        self.by_location(location).ok_or_else(|| match UNCONFIRMED.iter().find(|(code, ..)| code.eq_ignore_ascii_case(location)) {
            Some(unconfirmed) => unconfirmed_sentence(unconfirmed),
            None => "the callback names a location that is not on the list of data centres".to_owned(),
        })
    }

    fn serving(&self, server: &str) -> Result<&DataCentre, String> {
        let not_listed = || "the callback names an accounts-server that is not on the list of data centres".to_owned();
        let wanted = origin(server).ok_or_else(not_listed)?;
        self.by_accounts(&wanted).ok_or_else(|| {
            let known = |(_, accounts, _): &&(&str, &str, &str)| wanted.origin().ascii_serialization() == *accounts;
            UNCONFIRMED.iter().find(known).map_or_else(not_listed, unconfirmed_sentence)
        })
    }
}

fn unconfirmed_sentence((code, accounts, calendar): &(&str, &str, &str)) -> String {
    format!(
        "accounts in Zoho's data centre `{code}` are refused because its Calendar host is not confirmed; \
         once it is, set GREENROOM_ZOHO_HOSTS={code}={accounts}|{calendar}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us() -> Url {
        Url::parse("https://accounts.zoho.com").unwrap()
    }

    fn resolve(location: Option<&str>, server: Option<&str>) -> Result<String, String> {
        DataCentres::new(Vec::new()).resolve(location, server, &us()).map(|centre| centre.location.clone())
    }

    #[test]
    fn the_built_in_table_is_whole() {
        let table = DataCentres::new(Vec::new());
        assert_eq!(table.iter().count(), BUILT_IN.len());
        for (location, accounts, calendar) in BUILT_IN {
            let centre = table.by_location(location).unwrap();
            assert_eq!(centre.accounts.origin().ascii_serialization(), accounts);
            assert_eq!(centre.calendar.origin().ascii_serialization(), calendar);
        }
    }

    #[test]
    fn callbacks_are_resolved_by_location_by_server_or_by_both() {
        assert_eq!(resolve(None, None).unwrap(), "us");
        assert_eq!(resolve(Some(""), Some("  ")).unwrap(), "us");
        assert_eq!(resolve(Some("au"), None).unwrap(), "au");
        assert_eq!(resolve(Some("EU"), None).unwrap(), "eu");
        assert_eq!(resolve(None, Some("https://accounts.zohocloud.ca")).unwrap(), "ca");
        for server in
            ["https://accounts.zoho.eu", "https://accounts.zoho.eu/", "https://accounts.zoho.eu&", "https://ACCOUNTS.zoho.eu:443/&"]
        {
            assert_eq!(resolve(Some("eu"), Some(server)).unwrap(), "eu", "{server}");
        }
    }

    #[test]
    fn what_is_not_on_the_list_is_refused() {
        assert!(resolve(Some("eu"), Some("https://accounts.zoho.com")).unwrap_err().contains("different"));
        for server in [
            "https://accounts.zoho.com.example.net",
            "https://accounts.zoho.com@example.net",
            "https://user@accounts.zoho.com",
            "https://accounts.zoho.com:8443",
            "http://accounts.zoho.com",
            "https://accounts.zoho.com/oauth",
            "https://accounts.zoho.com?x=1",
            "https://accounts.zoho.com#x",
            "accounts.zoho.com",
            "file:///etc/passwd",
        ] {
            assert!(resolve(None, Some(server)).is_err(), "{server}");
            assert!(resolve(Some("us"), Some(server)).is_err(), "{server}");
        }
        assert!(resolve(Some("xx"), None).is_err());
    }

    #[test]
    fn unconfirmed_ones_say_how_to_allow_them() {
        for error in [
            resolve(Some("uk"), None),
            resolve(None, Some("https://accounts.zoho.uk")),
            resolve(Some("uk"), Some("https://accounts.zoho.uk/")),
        ] {
            let sentence = error.unwrap_err();
            assert!(sentence.contains("GREENROOM_ZOHO_HOSTS=uk=https://accounts.zoho.uk|https://calendar.zoho.uk"), "{sentence}");
        }
        let hosts = parse_hosts("uk=https://accounts.zoho.uk|https://calendar.zoho.uk").unwrap();
        let table = DataCentres::new(hosts);
        assert_eq!(table.resolve(Some("uk"), None, &us()).unwrap().calendar.as_str(), "https://calendar.zoho.uk/");
    }

    #[test]
    fn configured_hosts_take_the_place_of_built_in_ones() {
        let hosts = parse_hosts(" us=http://localhost:8041 , eu=http://127.0.0.1:8042/|http://127.0.0.1:8043 ,").unwrap();
        let table = DataCentres::new(hosts);
        assert_eq!(table.iter().count(), BUILT_IN.len());
        assert_eq!(table.by_location("us").unwrap().calendar.as_str(), "http://localhost:8041/");
        assert_eq!(table.by_location("eu").unwrap().calendar.as_str(), "http://127.0.0.1:8043/");
        let default = Url::parse("http://localhost:8041").unwrap();
        assert_eq!(table.resolve(None, None, &default).unwrap().location, "us");
        assert!(table.resolve(None, Some("https://accounts.zoho.com"), &default).is_err(), "the real one is gone");
        assert!(parse_hosts("").unwrap().is_empty());
    }

    #[test]
    fn each_mistake_in_the_hosts_has_its_sentence() {
        let problem = |text| parse_hosts(text).unwrap_err();
        assert_eq!(problem("https://accounts.zoho.uk"), HostsError::Entry("https://accounts.zoho.uk".to_owned()));
        assert_eq!(problem("u1=https://a.example.com"), HostsError::Location("u1".to_owned()));
        assert_eq!(problem("us=https://a.example.com,US=https://b.example.com"), HostsError::Twice("us".to_owned()));
        assert_eq!(problem("us=https://a.example.com/x"), HostsError::Origin("https://a.example.com/x".to_owned()));
        assert_eq!(problem("us=a.example.com"), HostsError::Origin("a.example.com".to_owned()));
        assert_eq!(problem("us=http://a.example.com"), HostsError::Unencrypted("http://a.example.com".to_owned()));
        assert_eq!(
            problem("us=https://a.example.com|http://b.example.com"),
            HostsError::Unencrypted("http://b.example.com".to_owned())
        );
    }
}
