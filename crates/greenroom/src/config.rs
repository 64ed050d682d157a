//! Configuration: `greenroom.toml` and the environment, read once. The environment wins; unknown keys are refused; secrets come only
//! from the environment or from a file that a `…_FILE` variable names. docs/configuration.md lists every variable with its default.

mod sign_on;
mod variables;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use app::{AlertSettings, AuditSettings, Hook, RefreshWhen};
use calendars::{
    CaldavConfig, ZohoConfig,
    zoho::{DEFAULT_ACCOUNTS_URL, DEFAULT_SCOPES, parse_hosts, parse_scopes},
};
use domain::{EmailAddress, grants::USUAL_REFRESHES};
use ipnet::IpNet;
use mail::{Password, Security, SmtpConfig};
use scheduling::WeeklyHours;
pub use sign_on::SignOnConfig;
use url::Url;
pub use variables::{Variables, secret_names};
use vault::{ClientSecret, KeyText, WebhookSecret};

/// The folder of backups beside a database file, unless another is set.
const BACKUPS: &str = "greenroom-backups";
/// Where the redirect URI points unless it is set.
pub const DEFAULT_REDIRECT_URI: &str = "http://localhost:8040/api/oauth/callback/";

/// Texts by which a value is seen never to have been filled in.
const PLACEHOLDERS: [&str; 10] =
    ["your", "changeme", "change_me", "change-me", "placeholder", "xxx", "todo", "replace", "<", "example"];

/// Everything `serve` needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where people reach it.
    pub public_url: Url,
    /// Further names it answers to.
    pub allowed_hosts: Vec<String>,
    /// The database.
    pub database_url: String,
    /// The Zoho client.
    pub zoho: ZohoConfig,
    /// The CalDAV servers that managers may choose from.
    pub caldav: Option<CaldavConfig>,
    /// The master keys themselves, if they came by the environment.
    pub key: Option<KeyText>,
    /// Where the master keys' file is.
    pub key_file: Option<PathBuf>,
    /// The program that prints the master keys.
    pub key_command: Option<String>,
    /// From whom mails come.
    pub sender: String,
    /// The mail server; without one, messages stay on the mailbox page.
    pub smtp: Option<SmtpConfig>,
    /// A folder for `.eml` copies while there is no mail server.
    pub mail_dir: Option<PathBuf>,
    /// Where backups are kept, and the erasure list; without it none are made by themselves.
    pub backup_dir: Option<PathBuf>,
    /// Whether nobody chose that folder: it lies beside the database.
    pub backups_beside_database: bool,
    /// How many backups are kept.
    pub backup_keep: usize,
    /// The company.
    pub company: String,
    /// Reply-To and summaries.
    pub recruiting_contact: Option<EmailAddress>,
    /// The default week.
    pub week: WeeklyHours,
    /// Life of a link, in days.
    pub link_days: i64,
    /// When access tokens are refreshed.
    pub refresh: RefreshWhen,
    /// After how many days without an open vacancy a candidate is erased; 0 is never.
    pub retention_days: i64,
    /// Whether tokens may be lent.
    pub lending: bool,
    /// Whom alerts are told.
    pub alerts: AlertSettings,
    /// Networks that may read `/metrics` without a key.
    pub metrics_from: Vec<IpNet>,
    /// The file that keeps checkpoints of the audit log.
    pub audit_file: Option<PathBuf>,
    /// Where else they go.
    pub audit: AuditSettings,
    /// What signs webhooks.
    pub webhook_secret: Option<WebhookSecret>,
    /// Single sign-on, if it is set up.
    pub sign_on: Option<SignOnConfig>,
    /// The certificate's chain and its key, if HTTPS ends here.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// A second address that only sends people on to https.
    pub listen_http: Option<SocketAddr>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Networks that may call the first version's endpoints without a key.
    pub open_oauth_from: Vec<IpNet>,
}

impl Config {
    /// Reads and checks everything; the first mistake is named with its cure.
    pub fn from(variables: &Variables) -> Result<Self> {
        let zoho = zoho(variables)?;
        let redirect =
            Url::parse(&zoho.redirect_uri).with_context(|| format!("ZOHO_REDIRECT_URI `{}` is not a URL", zoho.redirect_uri))?;
        let public_url = match variables.parse::<Url>("GREENROOM_PUBLIC_URL")? {
            Some(url) => url,
            None => Url::parse(&redirect.origin().ascii_serialization())?,
        };
        for (name, url) in [("ZOHO_REDIRECT_URI", &redirect), ("GREENROOM_PUBLIC_URL", &public_url)] {
            ensure!(
                url.scheme() == "https" || is_loopback(url),
                "{name} `{url}` is plain http to a public host; permission and links would travel in the open: use https"
            );
        }
        let smtp = smtp(variables)?;
        let recruiting_contact = variables.parse("GREENROOM_RECRUITING_CONTACT")?;
        ensure!(
            smtp.is_none() || recruiting_contact.is_some(),
            "EMAIL_HOST is set, so people get real mail, but nobody reads their answers: set GREENROOM_RECRUITING_CONTACT to the address replies go to"
        );
        let backup_keep = variables.parse("GREENROOM_BACKUP_KEEP")?.unwrap_or(14);
        ensure!(backup_keep > 0, "GREENROOM_BACKUP_KEEP is 0; a backup that is removed at once is none: keep at least 1");
        let link_days = variables.parse("GREENROOM_LINK_DAYS")?.unwrap_or(7);
        ensure!((1..=90).contains(&link_days), "GREENROOM_LINK_DAYS is {link_days}; a link lives 1 to 90 days");
        // Here `_FILE` names the keys' own file, which is made on first start; several at once would be several truths.
        let places: Vec<&str> = ["GREENROOM_KEY", "GREENROOM_KEY_FILE", "GREENROOM_KEY_COMMAND"]
            .into_iter()
            .filter(|name| variables.get(name).is_some())
            .collect();
        ensure!(places.len() < 2, "{} are both set; keep one", places.join(" and "));
        let webhook_secret: Option<WebhookSecret> = variables
            .secret("GREENROOM_WEBHOOK_SECRET")?
            .map(|text| text.parse())
            .transpose()
            .context("GREENROOM_WEBHOOK_SECRET cannot be used")?;
        let retention_days = variables.parse("GREENROOM_RETENTION_DAYS")?.unwrap_or(180);
        ensure!(
            (0..=3_650).contains(&retention_days),
            "GREENROOM_RETENTION_DAYS is {retention_days}; candidates are kept 1 to 3650 days after their last vacancy closed, or for ever with 0"
        );
        let host = public_url.host_str().unwrap_or("localhost").to_owned();
        let database_url = variables.secret("DATABASE_URL")?.unwrap_or_else(|| "sqlite:greenroom.db".to_owned());
        let (backup_dir, backups_beside_database) = match variables.get("GREENROOM_BACKUP_DIR") {
            Some("off") => (None, false),
            Some(folder) => (Some(PathBuf::from(folder)), false),
            None => (database_file(&database_url).map(|file| file.with_file_name(BACKUPS)), true),
        };
        Ok(Self {
            listen: variables
                .parse("GREENROOM_LISTEN")?
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], redirect_port(&redirect)))),
            allowed_hosts: list(variables.get("GREENROOM_ALLOWED_HOSTS")),
            database_url,
            key: variables.get("GREENROOM_KEY").map(|text| KeyText::new(text.to_owned())),
            key_file: variables.get("GREENROOM_KEY_FILE").map(PathBuf::from),
            key_command: variables.get("GREENROOM_KEY_COMMAND").map(ToOwned::to_owned),
            sender: variables
                .get("DEFAULT_FROM_EMAIL")
                .map_or_else(|| format!("Greenroom <greenroom@{}>", mail_domain(&host)), ToOwned::to_owned),
            smtp,
            mail_dir: variables.get("GREENROOM_MAIL_DIR").map(PathBuf::from),
            backup_dir,
            backups_beside_database,
            backup_keep,
            company: variables.get("GREENROOM_COMPANY").unwrap_or("Our company").to_owned(),
            recruiting_contact,
            week: variables.parse("GREENROOM_WEEK")?.unwrap_or_default(),
            link_days,
            refresh: variables.parse("GREENROOM_REFRESH")?.unwrap_or_default(),
            retention_days,
            lending: variables.flag("GREENROOM_LENDING")?,
            alerts: alerts(variables)?,
            metrics_from: networks(variables, "GREENROOM_METRICS_FROM")?,
            audit_file: variables.get("GREENROOM_AUDIT_FILE").map(PathBuf::from),
            audit: audit(variables, webhook_secret.is_some())?,
            webhook_secret,
            sign_on: sign_on::read(variables)?,
            tls: tls(variables, &public_url)?,
            listen_http: variables.parse("GREENROOM_LISTEN_HTTP")?,
            trusted_proxies: networks(variables, "GREENROOM_TRUSTED_PROXIES")?,
            open_oauth_from: networks(variables, "GREENROOM_OPEN_OAUTH_FROM")?,
            public_url,
            zoho,
            // Its errors name the variable themselves.
            caldav: variables.get("GREENROOM_CALDAV_SERVERS").map(CaldavConfig::read).transpose()?,
        })
    }

    /// The database file, if it is one.
    pub fn database_file(&self) -> Option<PathBuf> {
        database_file(&self.database_url)
    }

    /// The folder of the database file, if it is one.
    pub fn database_folder(&self) -> Option<PathBuf> {
        let file = self.database_file()?;
        let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        Some(parent.map_or_else(|| PathBuf::from("."), Path::to_path_buf))
    }
}

fn database_file(url: &str) -> Option<PathBuf> {
    (!url.starts_with("postgres")).then(|| PathBuf::from(url.trim_start_matches("sqlite:").trim_start_matches("//")))
}

fn zoho(variables: &Variables) -> Result<ZohoConfig> {
    let client_id = variables
        .get("ZOHO_CLIENT_ID")
        .context("ZOHO_CLIENT_ID is not set; register a server-based client as docs/connect-zoho.md describes")?;
    let client_secret = variables
        .secret("ZOHO_CLIENT_SECRET")?
        .context("ZOHO_CLIENT_SECRET is not set; docs/connect-zoho.md says where to find it")?;
    for (name, value) in [("ZOHO_CLIENT_ID", client_id), ("ZOHO_CLIENT_SECRET", client_secret.as_str())] {
        let lower = value.to_lowercase();
        ensure!(
            !PLACEHOLDERS.iter().any(|placeholder| lower.contains(placeholder)),
            "{name} still holds a placeholder; set the value that Zoho's API console shows"
        );
    }
    let mut data_centre_secrets = BTreeMap::new();
    for key in variables.0.keys().filter(|key| key.starts_with("ZOHO_CLIENT_SECRET_") && *key != "ZOHO_CLIENT_SECRET_FILE") {
        let name = key.trim_end_matches("_FILE");
        let location = name.trim_start_matches("ZOHO_CLIENT_SECRET_").to_lowercase();
        if let Some(secret) = variables.secret(name)? {
            data_centre_secrets.insert(location, ClientSecret::new(secret));
        }
    }
    let accounts_url = variables.get("ZOHO_ACCOUNTS_URL").unwrap_or(DEFAULT_ACCOUNTS_URL);
    Ok(ZohoConfig {
        client_id: client_id.to_owned(),
        client_secret: ClientSecret::new(client_secret),
        data_centre_secrets,
        refresh_limit: variables.parse("ZOHO_REFRESH_LIMIT")?.unwrap_or(USUAL_REFRESHES),
        redirect_uri: variables.get("ZOHO_REDIRECT_URI").unwrap_or(DEFAULT_REDIRECT_URI).to_owned(),
        scopes: parse_scopes(variables.get("ZOHO_SCOPES").unwrap_or(DEFAULT_SCOPES)),
        accounts_url: Url::parse(accounts_url).with_context(|| format!("ZOHO_ACCOUNTS_URL `{accounts_url}` is not a URL"))?,
        hosts: variables
            .get("GREENROOM_ZOHO_HOSTS")
            .map(parse_hosts)
            .transpose()
            .context("GREENROOM_ZOHO_HOSTS cannot be used")?
            .unwrap_or_default(),
    })
}

/// Both files or none, and people must be sent here by https.
fn tls(variables: &Variables, public_url: &Url) -> Result<Option<(PathBuf, PathBuf)>> {
    let file = |name| variables.get(name).map(PathBuf::from);
    match (file("GREENROOM_TLS_CERT"), file("GREENROOM_TLS_KEY")) {
        (None, None) => {
            ensure!(
                variables.get("GREENROOM_LISTEN_HTTP").is_none(),
                "GREENROOM_LISTEN_HTTP sends people on to https, which nothing serves here: set GREENROOM_TLS_CERT and GREENROOM_TLS_KEY, or unset it"
            );
            Ok(None)
        }
        (Some(chain), Some(key)) => {
            ensure!(
                public_url.scheme() == "https",
                "GREENROOM_TLS_CERT is set, but people are sent to {public_url}: set GREENROOM_PUBLIC_URL to the https address"
            );
            Ok(Some((chain, key)))
        }
        _ => bail!("GREENROOM_TLS_CERT and GREENROOM_TLS_KEY belong together: set both to PEM files, or neither"),
    }
}

fn networks(variables: &Variables, name: &str) -> Result<Vec<IpNet>> {
    let parse = |text: &String| {
        // A bare address is a network of one.
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        network.with_context(|| format!("{name}: `{text}` is not a network such as 127.0.0.0/8"))
    };
    list(variables.get(name)).iter().map(parse).collect()
}

/// The webhook's address is a secret where its path is the key to somebody's channel, so it may come from a file.
fn alerts(variables: &Variables) -> Result<AlertSettings> {
    let to = variables.parse("GREENROOM_ALERTS_TO")?;
    let Some(text) = variables.secret("GREENROOM_ALERTS_WEBHOOK")? else { return Ok(AlertSettings { to, webhook: None }) };
    let url = Url::parse(text.trim()).ok().filter(|url| url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)));
    let url = url.context("GREENROOM_ALERTS_WEBHOOK is no https address (plain http only to this machine)")?;
    ensure!(
        variables.secret("GREENROOM_WEBHOOK_SECRET")?.is_some(),
        "GREENROOM_ALERTS_WEBHOOK is set, but nothing signs what is sent there: set GREENROOM_WEBHOOK_SECRET"
    );
    Ok(AlertSettings { to, webhook: Some(Hook(url)) })
}

/// Where checkpoints of the audit log go besides the database.
fn audit(variables: &Variables, signed: bool) -> Result<AuditSettings> {
    let webhook: Option<Url> = variables.parse("GREENROOM_AUDIT_WEBHOOK")?;
    if let Some(url) = &webhook {
        ensure!(
            url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)),
            "GREENROOM_AUDIT_WEBHOOK is neither https nor on this machine; a checkpoint could be replaced on its way: use https"
        );
        ensure!(signed, "GREENROOM_AUDIT_WEBHOOK is set, and GREENROOM_WEBHOOK_SECRET, which signs what goes there, is not");
    }
    let file = variables.get("GREENROOM_AUDIT_FILE").is_some();
    Ok(AuditSettings { file, mail: variables.parse("GREENROOM_AUDIT_MAIL")?, webhook })
}

fn smtp(variables: &Variables) -> Result<Option<SmtpConfig>> {
    let Some(host) = variables.get("EMAIL_HOST") else { return Ok(None) };
    Ok(Some(SmtpConfig {
        host: host.to_owned(),
        port: variables.parse("EMAIL_PORT")?,
        user: variables.get("EMAIL_HOST_USER").map(ToOwned::to_owned),
        password: variables.secret("EMAIL_HOST_PASSWORD")?.map(Password::new),
        security: Security::from_flags(variables.flag("EMAIL_USE_TLS")?, variables.flag("EMAIL_USE_SSL")?)?,
        timeout: Duration::from_secs(20),
    }))
}

fn list(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
}

/// Whether a URL's host is this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The port to listen on: the one the redirect URI names on this machine, else 8040 behind a proxy.
fn redirect_port(redirect: &Url) -> u16 {
    if is_loopback(redirect) { redirect.port().unwrap_or(8040) } else { 8040 }
}

/// A mail domain for hosts that have none.
fn mail_domain(host: &str) -> &str {
    if host.contains('.') && host.parse::<std::net::IpAddr>().is_err() { host } else { "greenroom.localhost.localdomain" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(extra: &[(&str, &str)]) -> Variables {
        let mut all = BTreeMap::from([
            ("ZOHO_CLIENT_ID".to_owned(), "1000.ABCDEF".to_owned()),
            ("ZOHO_CLIENT_SECRET".to_owned(), "s3cr3t".to_owned()),
        ]);
        all.extend(extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        Variables(all)
    }

    fn error(extra: &[(&str, &str)]) -> String {
        format!("{:#}", Config::from(&variables(extra)).unwrap_err())
    }

    #[test]
    fn three_variables_are_enough() {
        let config = Config::from(&variables(&[])).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8040");
        assert_eq!(config.public_url.as_str(), "http://localhost:8040/");
        assert_eq!(config.database_url, "sqlite:greenroom.db");
        assert!(config.open_oauth_from.is_empty() && config.smtp.is_none() && !config.lending);
    }

    #[test]
    fn backups_are_kept_beside_a_database_file_unless_somebody_says_where() {
        let folder =
            |extra: &[(&str, &str)]| Config::from(&variables(extra)).unwrap().backup_dir.map(|folder| folder.display().to_string());
        assert_eq!(folder(&[]).as_deref(), Some("greenroom-backups"));
        assert_eq!(folder(&[("DATABASE_URL", "sqlite:///srv/a/greenroom.db")]).as_deref(), Some("/srv/a/greenroom-backups"));
        assert_eq!(folder(&[("GREENROOM_BACKUP_DIR", "/mnt/b")]).as_deref(), Some("/mnt/b"));
        assert_eq!(folder(&[("GREENROOM_BACKUP_DIR", "off")]), None);
        assert_eq!(
            folder(&[("DATABASE_URL", "postgres://db.example.com/greenroom")]),
            None,
            "a database elsewhere says nothing of a disk here"
        );
    }

    #[test]
    fn placeholders_and_public_plain_http_are_refused() {
        assert!(error(&[("ZOHO_CLIENT_ID", "your_client_id")]).contains("placeholder"));
        assert!(error(&[("ZOHO_CLIENT_SECRET", "CHANGEME")]).contains("placeholder"));
        assert!(error(&[("ZOHO_REDIRECT_URI", "http://greenroom.acme.test/api/oauth/callback/")]).contains("https"));
        assert!(Config::from(&variables(&[("ZOHO_REDIRECT_URI", "https://greenroom.acme.test/api/oauth/callback/")])).is_ok());
    }

    #[test]
    fn mail_needs_somebody_who_reads_the_answers() {
        assert!(error(&[("EMAIL_HOST", "smtp.acme.test")]).contains("GREENROOM_RECRUITING_CONTACT"));
        assert!(
            Config::from(&variables(&[("EMAIL_HOST", "smtp.acme.test"), ("GREENROOM_RECRUITING_CONTACT", "jobs@acme.test")]))
                .is_ok()
        );
    }

    #[test]
    fn checkpoints_leave_over_https_and_signed() {
        let secret = ("GREENROOM_WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        assert!(error(&[("GREENROOM_AUDIT_WEBHOOK", "https://audit.example.com/in")]).contains("GREENROOM_WEBHOOK_SECRET"));
        assert!(error(&[("GREENROOM_AUDIT_WEBHOOK", "http://audit.example.com/in"), secret]).contains("https"));
        assert!(error(&[("GREENROOM_WEBHOOK_SECRET", "hunter2")]).contains("openssl rand"));
        for url in ["https://audit.example.com/in", "http://127.0.0.1:9000/in"] {
            let config = Config::from(&variables(&[("GREENROOM_AUDIT_WEBHOOK", url), secret])).unwrap();
            assert_eq!(config.audit.webhook.unwrap().as_str(), url);
        }
    }

    #[test]
    fn unknown_names_are_refused_and_secrets_stay_out_of_the_file() {
        let empty = BTreeMap::new;
        assert!(Variables::merge("GREENROOM_COMPNAY = \"Acme\"", empty()).unwrap_err().to_string().contains("GREENROOM_COMPNAY"));
        assert!(Variables::merge("ZOHO_CLIENT_SECRET = \"x\"", empty()).is_err());
        let typo = BTreeMap::from([("GREENROOM_COMPNAY".to_owned(), "Acme".to_owned())]);
        assert!(Variables::merge("", typo).unwrap_err().to_string().contains("not a setting"));
        let over = BTreeMap::from([("GREENROOM_COMPANY".to_owned(), "Env".to_owned()), ("PATH".to_owned(), "/bin".to_owned())]);
        let merged = Variables::merge("GREENROOM_COMPANY = \"File\"\nGREENROOM_LINK_DAYS = 3", over).unwrap();
        assert_eq!(
            (merged.get("GREENROOM_COMPANY"), merged.get("GREENROOM_LINK_DAYS"), merged.get("PATH")),
            (Some("Env"), Some("3"), None)
        );
    }

    #[test]
    fn https_here_needs_both_files_and_an_https_address() {
        let both = [("GREENROOM_TLS_CERT", "/c.pem"), ("GREENROOM_TLS_KEY", "/k.pem")];
        assert!(error(&both[..1]).contains("belong together"));
        assert!(error(&both).contains("GREENROOM_PUBLIC_URL"));
        assert!(error(&[("GREENROOM_LISTEN_HTTP", "0.0.0.0:80")]).contains("which nothing serves here"));
        let https =
            [both[0], both[1], ("GREENROOM_PUBLIC_URL", "https://green.acme.test"), ("GREENROOM_LISTEN_HTTP", "0.0.0.0:80")];
        let config = Config::from(&variables(&https)).unwrap();
        assert_eq!(config.tls, Some(("/c.pem".into(), "/k.pem".into())));
    }

    #[test]
    fn networks_are_read_with_and_without_a_length() {
        let config = Config::from(&variables(&[("GREENROOM_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1")])).unwrap();
        let shown: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.1/32"]);
        assert!(error(&[("GREENROOM_TRUSTED_PROXIES", "proxy.acme.test")]).contains("not a network"));
    }

    #[test]
    fn refreshing_is_bounded_and_may_wait_for_work() {
        let config = Config::from(&variables(&[])).unwrap();
        assert_eq!((config.zoho.refresh_limit, config.refresh), (10, RefreshWhen::Ahead));
        let config = Config::from(&variables(&[("ZOHO_REFRESH_LIMIT", "5"), ("GREENROOM_REFRESH", "due")])).unwrap();
        assert_eq!((config.zoho.refresh_limit, config.refresh), (5, RefreshWhen::Due));
        assert!(error(&[("ZOHO_REFRESH_LIMIT", "many")]).contains("ZOHO_REFRESH_LIMIT"));
        assert!(error(&[("GREENROOM_REFRESH", "never")]).contains("neither `ahead` nor `due`"));
    }

    #[test]
    fn caldav_servers_are_known_once_they_are_set() {
        assert_eq!(Config::from(&variables(&[])).unwrap().caldav, None);
        let config = Config::from(&variables(&[("GREENROOM_CALDAV_SERVERS", "work=https://dav.acme.test/")])).unwrap();
        assert_eq!(config.caldav.unwrap().servers[0].code, "work");
        let plain = error(&[("GREENROOM_CALDAV_SERVERS", "work=http://dav.acme.test/")]);
        assert!(plain.starts_with("GREENROOM_CALDAV_SERVERS") && plain.contains("https"), "{plain}");
        assert!(error(&[("GREENROOM_CALDAV_SERVERS", ",")]).contains("write for example work=https://"));
    }

    #[test]
    fn data_centres_may_have_secrets_of_their_own() {
        let config = Config::from(&variables(&[("ZOHO_CLIENT_SECRET_EU", "european")])).unwrap();
        assert_eq!(config.zoho.data_centre_secrets["eu"].expose(), "european");
        assert!(!format!("{config:?}").contains("european") && !format!("{config:?}").contains("s3cr3t"));
    }
}
