//! An e-mail address as people write it: kept as written, compared without case.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A syntactically plausible e-mail address. Equality and hashing ignore case; display keeps the writer's spelling.
#[derive(Clone)]
pub struct EmailAddress(String);

/// Why a text is not an address, in words for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEmail {
    /// Nothing was given.
    #[error("an e-mail address is missing")]
    Missing,
    /// A `+` in a form arrives as a space.
    #[error("the e-mail address contains a space; if it was meant to be a `+`, send it as `%2B`")]
    Space,
    /// Longer than RFC 5321 allows.
    #[error("the e-mail address is longer than 254 characters")]
    TooLong,
    /// Everything else.
    #[error("`{0}` is not an e-mail address; it should look like name@example.com")]
    Malformed(String),
}

impl EmailAddress {
    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which addresses are compared and kept unique.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }

    /// The part after the `@`, lower case.
    pub fn domain(&self) -> String {
        self.0.rsplit_once('@').map_or_else(String::new, |(_, domain)| domain.to_lowercase())
    }
}

impl FromStr for EmailAddress {
    type Err = BadEmail;

    fn from_str(text: &str) -> Result<Self, BadEmail> {
        let text = text.trim();
        if text.is_empty() {
            return Err(BadEmail::Missing);
        }
        if text.chars().count() > 254 {
            return Err(BadEmail::TooLong);
        }
        if text.contains(' ') {
            return Err(BadEmail::Space);
        }
        let malformed = || BadEmail::Malformed(text.chars().take(80).collect());
        let (local, domain) = text.rsplit_once('@').ok_or_else(malformed)?;
        let local_ok = !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c));
        let domain_ok = domain.contains('.')
            && domain.split('.').all(|label| {
                !label.is_empty()
                    && label.len() <= 63
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            });
        if local_ok && domain_ok { Ok(Self(text.to_owned())) } else { Err(malformed()) }
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for EmailAddress {}
impl std::hash::Hash for EmailAddress {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}
impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl Serialize for EmailAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}
impl<'de> Deserialize<'de> for EmailAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_kept_but_not_compared() {
        let a: EmailAddress = "Ana.Diaz@Example.com".parse().unwrap();
        let b: EmailAddress = "ana.diaz@example.com".parse().unwrap();
        assert_eq!(a, b);
        assert_eq!(a.to_string(), "Ana.Diaz@Example.com");
        assert_eq!(a.domain(), "example.com");
    }

    #[test]
    fn malformed_addresses_get_their_own_sentence() {
        assert_eq!("".parse::<EmailAddress>(), Err(BadEmail::Missing));
        assert_eq!("ana x@example.com".parse::<EmailAddress>(), Err(BadEmail::Space));
        assert!("ana b@example.com".parse::<EmailAddress>().unwrap_err().to_string().contains("%2B"));
        let long = format!("{}@example.com", "a".repeat(300));
        assert_eq!(long.parse::<EmailAddress>(), Err(BadEmail::TooLong));
        for bad in [
            "ana",
            "@example.com",
            "ana@",
            "ana@example",
            "a@b@example.com",
            ".ana@example.com",
            "ana@-x.com",
            "ana@exa\nmple.com",
            "<ana@example.com>",
        ] {
            assert!(matches!(bad.parse::<EmailAddress>(), Err(BadEmail::Malformed(_))), "{bad}");
        }
        assert!("ana+hr@example.com".parse::<EmailAddress>().is_ok());
    }
}
