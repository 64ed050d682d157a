//! Text that must not be seen: tokens, codes and client secrets. Wiped when dropped, printed as `[redacted]`, never serialised.
//!
//! They can be deserialised, so that a provider's answer goes from the wire straight into the type that guards it.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// What a secret is for. Kinds exist only as types: a refresh token cannot be passed where an access token is asked for.
pub mod kinds {
    /// Marks [`AccessToken`](super::AccessToken).
    #[derive(Debug)]
    pub enum Access {}
    /// Marks [`RefreshToken`](super::RefreshToken).
    #[derive(Debug)]
    pub enum Refresh {}
    /// Marks [`AuthorizationCode`](super::AuthorizationCode).
    #[derive(Debug)]
    pub enum Code {}
    /// Marks [`ClientSecret`](super::ClientSecret).
    #[derive(Debug)]
    pub enum Client {}
    /// Marks [`KeyText`](super::KeyText).
    #[derive(Debug)]
    pub enum Keys {}
    /// Marks [`AccountPassword`](super::AccountPassword).
    #[derive(Debug)]
    pub enum Password {}
}

/// An OAuth access token (RFC 6749, section 1.4).
pub type AccessToken = Secret<kinds::Access>;
/// An OAuth refresh token (RFC 6749, section 1.5).
pub type RefreshToken = Secret<kinds::Refresh>;
/// An OAuth authorization code (RFC 6749, section 1.3.1).
pub type AuthorizationCode = Secret<kinds::Code>;
/// Our own password at a provider (RFC 6749, section 2.3.1).
pub type ClientSecret = Secret<kinds::Client>;

/// Keys as text, as they lie in a key file.
pub type KeyText = Secret<kinds::Keys>;
/// What somebody logs in to the dashboard with.
pub type AccountPassword = Secret<kinds::Password>;

/// A secret text of one [kind](kinds).
pub struct Secret<K> {
    text: Zeroizing<String>,
    kind: PhantomData<fn() -> K>,
}

impl<K> Secret<K> {
    /// Takes the text in; the caller should keep no copy.
    pub fn new(text: String) -> Self {
        Self { text: Zeroizing::new(text), kind: PhantomData }
    }

    /// The plain text: the one door. Only code that sends it to its own provider, or seals it, may call this.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether there is no text at all: a provider's empty answer is not a token.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl<K> Clone for Secret<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K> PartialEq for Secret<K> {
    /// Takes as long for a near miss as for a far one; only the lengths can be told apart.
    fn eq(&self, other: &Self) -> bool {
        self.text.as_bytes().ct_eq(other.text.as_bytes()).into()
    }
}

impl<K> Eq for Secret<K> {}

impl<K> fmt::Debug for Secret<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<K> fmt::Display for Secret<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<K> Zeroize for Secret<K> {
    fn zeroize(&mut self) {
        self.text.zeroize();
    }
}

impl<'de, K> Deserialize<'de> for Secret<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not `deserialize_string`: there the format itself words the error, and quotes a number it finds.
        deserializer.deserialize_any(SecretText).map(Self::new)
    }
}

/// Reads a string; on anything else the error names the type expected and never the value found.
struct SecretText;

impl serde::de::Visitor<'_> for SecretText {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: serde::de::Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<String, E> {
        Err(E::custom("expected a secret text, found a number"))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<String, E> {
        Err(E::custom("expected a secret text, found a number"))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<String, E> {
        Err(E::custom("expected a secret text, found a number"))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<String, E> {
        Err(E::custom("expected a secret text, found bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "1000.4ee1d6a1.c0ffee";

    #[test]
    fn prints_nothing_of_itself() {
        let token = AccessToken::new(TEXT.to_owned());
        let inside = Some((RefreshToken::new(TEXT.to_owned()), [ClientSecret::new(TEXT.to_owned())]));
        for shown in
            [format!("{token:?}"), format!("{token:#?}"), format!("{token}"), format!("{token:>40}"), format!("{inside:#?}")]
        {
            assert!(shown.contains("[redacted]"), "{shown}");
            assert!(!shown.contains("c0ffee") && !shown.contains("1000"), "{shown}");
        }
        assert_eq!(token.expose(), TEXT);
    }

    #[test]
    fn equality_is_of_the_whole_text() {
        let code = AuthorizationCode::new(TEXT.to_owned());
        assert_eq!(code, code.clone());
        assert_ne!(code, AuthorizationCode::new(TEXT[..TEXT.len() - 1].to_owned()));
        assert_ne!(code, AuthorizationCode::new(String::new()));
        assert!(AuthorizationCode::new(String::new()).is_empty());
    }

    #[test]
    fn comes_off_the_wire_and_errors_do_not_quote_it() {
        let token: AccessToken = serde_json::from_str(&format!("\"{TEXT}\"")).unwrap();
        assert_eq!(token.expose(), TEXT);
        for wrong in ["4711", "-4711", "4711.5", "[4711]", "{\"4711\": 4711}", "null"] {
            let error = serde_json::from_str::<AccessToken>(wrong).unwrap_err().to_string();
            assert!(!error.contains("4711"), "{error}");
        }
    }

    #[test]
    fn zeroize_empties_it() {
        let mut token = AccessToken::new(TEXT.to_owned());
        token.zeroize();
        assert!(token.is_empty());
    }
}
