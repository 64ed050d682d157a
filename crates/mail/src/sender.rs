//! The mailbox we write from (`DEFAULT_FROM_EMAIL`), and addresses in the form mail servers take.

use domain::EmailAddress;
use lettre::{Address, message::Mailbox};
use ports::mail::MailError;
use url::Host;

use crate::{ConfigError, clean};

/// Who our messages are from, and the organizer of invitations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    /// Reads `DEFAULT_FROM_EMAIL`: `interviews@example.com` or `Example Interviews <interviews@example.com>`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let mailbox: Mailbox = text.trim().parse().map_err(|_| ConfigError::Sender(clean::line(text, clean::NAME)))?;
        let email = ascii_domain(mailbox.email.user(), mailbox.email.domain())
            .ok_or_else(|| ConfigError::Sender(clean::line(text, clean::NAME)))?;
        let name = mailbox.name.map(|name| clean::line(&name, clean::NAME)).filter(|name| !name.is_empty());
        Ok(Self(Mailbox::new(name, email)))
    }

    /// The address alone.
    pub fn address(&self) -> &str {
        self.0.email.as_ref()
    }

    /// For the From header.
    pub(crate) const fn mailbox(&self) -> &Mailbox {
        &self.0
    }
}

/// An address with its domain in the form that DNS knows (`bücher.example` becomes `xn--bcher-kva.example`), so that only a local part
/// outside ASCII needs a server with SMTPUTF8.
pub fn address(email: &EmailAddress) -> Result<Address, MailError> {
    let refused =
        || MailError::Refused("the address is not one that mail can be sent to; correct it and send the message again".to_owned());
    let (local, domain) = email.as_str().rsplit_once('@').ok_or_else(refused)?;
    ascii_domain(local, domain).ok_or_else(refused)
}

fn ascii_domain(local: &str, domain: &str) -> Option<Address> {
    let domain = if domain.is_ascii() { domain.to_owned() } else { Host::parse(domain).ok()?.to_string() };
    Address::new(local, domain).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_both_forms() {
        let named = Sender::parse("Example Interviews <interviews@example.com>").unwrap();
        assert_eq!((named.address(), named.mailbox().name.as_deref()), ("interviews@example.com", Some("Example Interviews")));
        assert_eq!(Sender::parse(" interviews@example.com ").unwrap().mailbox().name, None);
        for bad in ["", "nobody", "Interviews interviews@example.com", "a@example.com\r\nBcc: b@example.com", "a@b@example.com"] {
            let error = Sender::parse(bad).unwrap_err().to_string();
            assert!(error.contains("DEFAULT_FROM_EMAIL"), "{bad}: {error}");
        }
    }

    #[test]
    fn domains_travel_as_dns_knows_them() {
        let made = address(&"ana@bücher.example".parse().unwrap()).unwrap();
        assert_eq!(made.to_string(), "ana@xn--bcher-kva.example");
        assert_eq!(address(&"Ana+hr@Example.com".parse().unwrap()).unwrap().to_string(), "Ana+hr@Example.com");
    }
}
