//! A user name and an app password in the place of tokens. CalDAV has no consent page: people make an app password at their provider
//! and type it in here.
//!
//! The authorization code and the refresh token are `user:password` (RFC 7617: the name holds no colon). The access token is the same
//! behind the time at which the server last accepted it, so that each check gives a new one, as the refresh protocol expects.

use base64::{Engine, prelude::BASE64_STANDARD};
use ports::calendar::{Answer, FailureClass, ProviderError, TokenAnswer};
use reqwest::header::HeaderValue;
use vault::{AccessToken, AuthorizationCode, RefreshToken};

use super::Caldav;
use crate::failure::failure;

/// Seconds after which the server is asked whether it still accepts a password.
const LIFE: i64 = 12 * 3_600;
const WHAT: &str = "check app password";

impl Caldav {
    /// See `CalendarProvider::exchange`.
    pub(super) async fn accept(&self, code: &str, typed: &AuthorizationCode) -> Answer<TokenAnswer> {
        let (user, password) = split(typed.expose()).ok_or_else(|| no_longer(false))?;
        self.check(code, (user, password)).await?;
        let refresh = Some(RefreshToken::new(format!("{user}:{password}")));
        Ok(self.token(typed.expose(), refresh))
    }

    /// See `CalendarProvider::refresh`.
    pub(super) async fn check_again(&self, code: &str, token: &RefreshToken) -> Answer<TokenAnswer> {
        self.check(code, split(token.expose()).ok_or_else(|| no_longer(true))?).await?;
        Ok(self.token(token.expose(), None))
    }

    fn token(&self, pair: &str, refresh: Option<RefreshToken>) -> TokenAnswer {
        let access = AccessToken::new(format!("{}:{pair}", self.clock.now().as_microsecond()));
        TokenAnswer { access, refresh, expires_in: LIFE, life_known: true, scopes: Vec::new() }
    }

    /// Whether the server lets this user in.
    async fn check(&self, code: &str, pair: (&str, &str)) -> Answer<()> {
        match self.session_with(code, pair)?.principal(WHAT).await {
            Ok(_) => Ok(()),
            Err(error) if error.class == FailureClass::Unauthorized => Err(no_longer(true)),
            Err(error) => Err(error),
        }
    }
}

/// User and password of an access token.
pub(super) fn of_access(token: &AccessToken) -> Answer<(&str, &str)> {
    let pair = token.expose().split_once(':').filter(|(at, _)| at.parse::<i64>().is_ok()).and_then(|(_, pair)| split(pair));
    pair.ok_or_else(|| failure(FailureClass::Unauthorized, "this is not the access token of a CalDAV account"))
}

/// Neither may be empty, nor hold what no header can carry.
fn split(pair: &str) -> Option<(&str, &str)> {
    pair.split_once(':').filter(|(user, password)| !user.is_empty() && !password.is_empty() && !pair.contains(char::is_control))
}

fn no_longer(invalid_grant: bool) -> ProviderError {
    let detail = format!("{WHAT}: the server does not accept the user name and password");
    ProviderError { invalid_grant, ..failure(FailureClass::Revoked, detail) }
}

/// The header of RFC 7617, in UTF-8.
pub(super) fn basic(user: &str, password: &str) -> Answer<HeaderValue> {
    let encoded = BASE64_STANDARD.encode(format!("{user}:{password}"));
    let unusable = |_| failure(FailureClass::Refused, "the user name or password holds characters that no header can carry");
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).map_err(unusable)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_token_is_the_pair_behind_a_time() {
        let token = |text: &str| AccessToken::new(text.to_owned());
        assert_eq!(of_access(&token("17:ana:a:b")).unwrap(), ("ana", "a:b"));
        for wrong in ["", "ana:secret", "17:ana", "17::secret", "17:ana:", "x:ana:secret", "17:ana:se\ncret"] {
            let error = of_access(&token(wrong)).unwrap_err();
            assert_eq!(error.class, FailureClass::Unauthorized, "{wrong}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert_eq!(basic("ana", "sésame").unwrap(), "Basic YW5hOnPDqXNhbWU=");
        assert!(basic("ana", "secret").unwrap().is_sensitive());
    }
}
