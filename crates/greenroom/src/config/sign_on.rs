//! Single sign-on: who is asked, and who gets an account by it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use app::Newcomers;
use calendars::OidcConfig;
use domain::access::Role;
use vault::ClientSecret;

use super::{PLACEHOLDERS, Variables, list};

/// How long one call to the identity provider may take: somebody waits before the screen.
const LIMIT: Duration = Duration::from_secs(10);

/// Single sign-on as it is configured.
#[derive(Debug, Clone)]
pub struct SignOnConfig {
    /// Who is asked, and as whom.
    pub client: OidcConfig,
    /// What the button calls it.
    pub name: String,
    /// Who gets an account without being asked.
    pub newcomers: Option<Newcomers>,
    /// Whether passwords open accounts too.
    pub passwords: bool,
}

/// `None` where no issuer is set; then nothing else of it may be.
pub(super) fn read(variables: &Variables) -> Result<Option<SignOnConfig>> {
    let passwords = variables.get("GREENROOM_PASSWORDS").is_none() || variables.flag("GREENROOM_PASSWORDS")?;
    let client_secret = variables.secret("GREENROOM_OIDC_CLIENT_SECRET")?;
    let Some(issuer) = variables.get("GREENROOM_OIDC_ISSUER") else {
        let others = ["GREENROOM_OIDC_CLIENT_ID", "GREENROOM_OIDC_NAME", "GREENROOM_OIDC_ROLE", "GREENROOM_OIDC_DOMAINS"];
        for name in others {
            ensure!(variables.get(name).is_none(), "{name} is set, but GREENROOM_OIDC_ISSUER is not: set it, or neither");
        }
        ensure!(
            client_secret.is_none(),
            "GREENROOM_OIDC_CLIENT_SECRET is set, but GREENROOM_OIDC_ISSUER is not: set it, or neither"
        );
        ensure!(
            passwords,
            "GREENROOM_PASSWORDS is off and there is no single sign-on, so nobody with an account could log in: set GREENROOM_OIDC_ISSUER"
        );
        return Ok(None);
    };
    let client_id = variables
        .get("GREENROOM_OIDC_CLIENT_ID")
        .context("GREENROOM_OIDC_CLIENT_ID is not set; the identity provider shows it where Greenroom is registered")?;
    let client_secret = client_secret
        .context("GREENROOM_OIDC_CLIENT_SECRET is not set; the identity provider shows it where Greenroom is registered")?;
    for (name, value) in [("GREENROOM_OIDC_CLIENT_ID", client_id), ("GREENROOM_OIDC_CLIENT_SECRET", client_secret.as_str())] {
        let lower = value.to_lowercase();
        ensure!(
            !value.is_empty() && !PLACEHOLDERS.iter().any(|placeholder| lower.contains(placeholder)),
            "{name} still holds a placeholder; set the value that the identity provider shows"
        );
    }
    let client = OidcConfig {
        issuer: issuer.to_owned(),
        client_id: client_id.to_owned(),
        client_secret: ClientSecret::new(client_secret),
        limit: LIMIT,
    };
    calendars::Oidc::new(client.clone()).map_err(|problem| anyhow::anyhow!("GREENROOM_OIDC_ISSUER cannot be used: {problem}"))?;
    Ok(Some(SignOnConfig {
        client,
        name: variables.get("GREENROOM_OIDC_NAME").unwrap_or("single sign-on").chars().take(60).collect(),
        newcomers: newcomers(variables)?,
        passwords,
    }))
}

/// A role and domains belong together: a role for everybody whom the provider knows is nothing that anybody wants.
fn newcomers(variables: &Variables) -> Result<Option<Newcomers>> {
    let role: Option<Role> = variables.parse("GREENROOM_OIDC_ROLE")?;
    let domains: Vec<String> = list(variables.get("GREENROOM_OIDC_DOMAINS")).iter().map(|domain| domain.to_lowercase()).collect();
    let Some(role) = role else {
        ensure!(domains.is_empty(), "GREENROOM_OIDC_DOMAINS is set, but GREENROOM_OIDC_ROLE, which its people get, is not");
        return Ok(None);
    };
    ensure!(
        matches!(role, Role::Recruiter | Role::Auditor),
        "GREENROOM_OIDC_ROLE is {}; people who get an account without being asked are recruiter or auditor, an administrator makes others",
        role.code()
    );
    ensure!(
        !domains.is_empty(),
        "GREENROOM_OIDC_ROLE is set, but not GREENROOM_OIDC_DOMAINS: name the domains whose people get an account"
    );
    for domain in &domains {
        let plain = domain.contains('.') && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        ensure!(plain, "GREENROOM_OIDC_DOMAINS: `{domain}` is no domain such as example.com");
    }
    Ok(Some(Newcomers { role, domains }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: (&str, &str) = ("GREENROOM_OIDC_ISSUER", "https://id.acme.test/realms/staff");
    const ID: (&str, &str) = ("GREENROOM_OIDC_CLIENT_ID", "greenroom");
    const SECRET: (&str, &str) = ("GREENROOM_OIDC_CLIENT_SECRET", "s3cr3t");

    fn with(pairs: &[(&str, &str)]) -> Result<Option<SignOnConfig>> {
        read(&Variables(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()))
    }

    fn error(pairs: &[(&str, &str)]) -> String {
        format!("{:#}", with(pairs).unwrap_err())
    }

    #[test]
    fn three_values_are_enough_and_none_is_none() {
        assert!(with(&[]).unwrap().is_none());
        let set = with(&[ISSUER, ID, SECRET]).unwrap().unwrap();
        assert_eq!((set.name.as_str(), set.newcomers.as_ref(), set.passwords), ("single sign-on", None, true));
        assert!(!format!("{set:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_is_missing_or_alone_is_named() {
        assert!(error(&[ID]).contains("GREENROOM_OIDC_ISSUER"));
        assert!(error(&[SECRET]).contains("GREENROOM_OIDC_ISSUER"));
        assert!(error(&[ISSUER, SECRET]).contains("GREENROOM_OIDC_CLIENT_ID"));
        assert!(error(&[ISSUER, ID]).contains("GREENROOM_OIDC_CLIENT_SECRET"));
        assert!(error(&[ISSUER, ID, ("GREENROOM_OIDC_CLIENT_SECRET", "changeme")]).contains("placeholder"));
        assert!(error(&[("GREENROOM_OIDC_ISSUER", "http://id.acme.test"), ID, SECRET]).contains("https"));
        assert!(with(&[("GREENROOM_OIDC_ISSUER", "http://127.0.0.1:9000"), ID, SECRET]).is_ok());
    }

    #[test]
    fn passwords_go_only_where_single_sign_on_is() {
        let off = ("GREENROOM_PASSWORDS", "off");
        assert!(error(&[off]).contains("GREENROOM_OIDC_ISSUER"));
        assert!(!with(&[ISSUER, ID, SECRET, off]).unwrap().unwrap().passwords);
        assert!(with(&[("GREENROOM_PASSWORDS", "on")]).unwrap().is_none());
        assert!(error(&[("GREENROOM_PASSWORDS", "perhaps")]).contains("true or false"));
    }

    #[test]
    fn newcomers_need_a_modest_role_and_domains() {
        let all = |role, domains| with(&[ISSUER, ID, SECRET, ("GREENROOM_OIDC_ROLE", role), ("GREENROOM_OIDC_DOMAINS", domains)]);
        let newcomers = all("auditor", "Acme.test, acme.example").unwrap().unwrap().newcomers.unwrap();
        assert_eq!((newcomers.role, newcomers.domains), (Role::Auditor, vec!["acme.test".to_owned(), "acme.example".to_owned()]));
        for role in ["admin", "agent", "metrics", "root"] {
            assert!(all(role, "acme.test").is_err(), "{role}");
        }
        for domains in ["acme", "@acme.test", "*.acme.test", "a b.test"] {
            assert!(all("recruiter", domains).is_err(), "{domains}");
        }
        assert!(error(&[ISSUER, ID, SECRET, ("GREENROOM_OIDC_ROLE", "recruiter")]).contains("GREENROOM_OIDC_DOMAINS"));
        assert!(error(&[ISSUER, ID, SECRET, ("GREENROOM_OIDC_DOMAINS", "acme.test")]).contains("GREENROOM_OIDC_ROLE"));
    }
}
