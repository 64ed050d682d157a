//! Named texts from `greenroom.toml` and the environment, and the list of names there are.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// Every variable there is; a `GREENROOM_…` variable that is not here is a typing mistake and refused.
const KNOWN: &[&str] = &[
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_HOST",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_HOST_PASSWORD_FILE",
    "EMAIL_HOST_USER",
    "EMAIL_PORT",
    "EMAIL_USE_SSL",
    "EMAIL_USE_TLS",
    "GREENROOM_ALERTS_TO",
    "GREENROOM_ALERTS_WEBHOOK",
    "GREENROOM_ALLOWED_HOSTS",
    "GREENROOM_AUDIT_FILE",
    "GREENROOM_AUDIT_MAIL",
    "GREENROOM_AUDIT_WEBHOOK",
    "GREENROOM_BACKUP_DIR",
    "GREENROOM_BACKUP_KEEP",
    "GREENROOM_CALDAV_SERVERS",
    "GREENROOM_COMPANY",
    "GREENROOM_CONFIG",
    "GREENROOM_KEY",
    "GREENROOM_KEY_COMMAND",
    "GREENROOM_KEY_FILE",
    "GREENROOM_LENDING",
    "GREENROOM_LINK_DAYS",
    "GREENROOM_LISTEN",
    "GREENROOM_LISTEN_HTTP",
    "GREENROOM_LOG",
    "GREENROOM_LOG_FORMAT",
    "GREENROOM_MAIL_DIR",
    "GREENROOM_METRICS_FROM",
    "GREENROOM_OIDC_CLIENT_ID",
    "GREENROOM_OIDC_DOMAINS",
    "GREENROOM_OIDC_ISSUER",
    "GREENROOM_OIDC_NAME",
    "GREENROOM_OIDC_ROLE",
    "GREENROOM_OPEN_OAUTH_FROM",
    "GREENROOM_PASSWORDS",
    "GREENROOM_PUBLIC_URL",
    "GREENROOM_RECRUITING_CONTACT",
    "GREENROOM_REFRESH",
    "GREENROOM_RETENTION_DAYS",
    "GREENROOM_TEST_POSTGRES",
    "GREENROOM_TLS_CERT",
    "GREENROOM_TLS_KEY",
    "GREENROOM_TRUSTED_PROXIES",
    "GREENROOM_URL",
    "GREENROOM_API_KEY",
    "GREENROOM_WEBHOOK_SECRET",
    "GREENROOM_WEEK",
    "GREENROOM_ZOHO_HOSTS",
    "ZOHO_ACCOUNTS_URL",
    "ZOHO_CLIENT_ID",
    "ZOHO_REDIRECT_URI",
    "ZOHO_REFRESH_LIMIT",
    "ZOHO_SCOPES",
];

/// Secrets: never read from `greenroom.toml`. Those of single data centres (`ZOHO_CLIENT_SECRET_EU`) follow the first.
const SECRETS: &[&str] = &[
    "DATABASE_URL",
    "EMAIL_HOST_PASSWORD",
    "GREENROOM_ALERTS_WEBHOOK",
    "GREENROOM_API_KEY",
    "GREENROOM_KEY",
    "GREENROOM_OIDC_CLIENT_SECRET",
    "GREENROOM_WEBHOOK_SECRET",
    "ZOHO_CLIENT_SECRET",
];

/// Named texts, from wherever they came.
#[derive(Debug, Default, Clone)]
pub struct Variables(pub(super) BTreeMap<String, String>);

impl Variables {
    /// The environment of this process over `greenroom.toml` (or the file `GREENROOM_CONFIG` names).
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub fn read() -> Result<Self> {
        let environment: BTreeMap<String, String> = std::env::vars().collect();
        let named = environment.get("GREENROOM_CONFIG").map(PathBuf::from);
        let path = named.clone().unwrap_or_else(|| PathBuf::from("greenroom.toml"));
        let file = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => String::new(),
            Err(error) => return Err(error).with_context(|| format!("the configuration file {} cannot be read", path.display())),
        };
        Self::merge(&file, environment)
            .with_context(|| format!("the configuration ({} and the environment) cannot be used", path.display()))
    }

    /// A file's text under an environment.
    pub(super) fn merge(file: &str, environment: BTreeMap<String, String>) -> Result<Self> {
        let mut all = BTreeMap::new();
        let table: toml::Table = file.parse().context("it is not TOML; write lines such as GREENROOM_COMPANY = \"Example\"")?;
        for (key, value) in table {
            ensure!(KNOWN.contains(&key.as_str()), "`{key}` is not a setting; docs/configuration.md lists them all");
            ensure!(
                !is_secret(&key),
                "`{key}` is a secret and does not belong into a file that is read by many; set it in the environment, or {key}_FILE"
            );
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => bail!("`{key}` must be a text, a number, true or false"),
            };
            all.insert(key, text);
        }
        for (key, value) in environment {
            let known = KNOWN.contains(&key.as_str()) || is_secret(&key) || key.strip_suffix("_FILE").is_some_and(is_secret);
            ensure!(
                known || !key.starts_with("GREENROOM_"),
                "the environment variable `{key}` is not a setting; docs/configuration.md lists them all"
            );
            if known && !value.is_empty() {
                all.insert(key, value);
            }
        }
        Ok(Self(all))
    }

    /// For the demo and tests: exactly these.
    pub fn of<const N: usize>(pairs: [(&str, String); N]) -> Self {
        Self(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// A value, if it is set and not empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// A secret: the variable, or the first line of the file that `…_FILE` names.
    pub fn secret(&self, key: &str) -> Result<Option<String>> {
        let by_file = self.get(&format!("{key}_FILE"));
        match (self.get(key), by_file) {
            (Some(_), Some(_)) => bail!("{key} and {key}_FILE are both set; keep one"),
            (Some(value), None) => Ok(Some(value.to_owned())),
            (None, Some(path)) => {
                let text =
                    std::fs::read_to_string(path).with_context(|| format!("{key}_FILE names {path}, which cannot be read"))?;
                Ok(Some(text.lines().next().unwrap_or_default().trim().to_owned()))
            }
            (None, None) => Ok(None),
        }
    }

    pub(super) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<Option<T>> {
        self.get(key)
            .map(|text| text.trim().parse().map_err(|error| anyhow::anyhow!("{key} `{text}` cannot be used: {error}")))
            .transpose()
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key).map(str::to_lowercase).as_deref() {
            None | Some("false" | "0" | "no" | "off") => Ok(false),
            Some("true" | "1" | "yes" | "on") => Ok(true),
            Some(other) => bail!("{key} is `{other}`; write true or false"),
        }
    }
}

/// The variables that hold secrets: other programs get none of them.
pub fn secret_names() -> &'static [&'static str] {
    SECRETS
}

fn is_secret(key: &str) -> bool {
    SECRETS.contains(&key) || key.starts_with("ZOHO_CLIENT_SECRET_")
}
