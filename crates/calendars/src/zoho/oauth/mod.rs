//! Permission at Zoho Accounts: the consent page, and tokens for a code or a refresh token (RFC 6749 sections 4.1 and 6, RFC 7636).

mod identity;
mod revoke;
mod token;

use bytes::Bytes;
use ports::calendar::{Access, Answer, FailureClass, ProviderError, TokenAnswer};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
};
use url::Url;
use vault::{AuthorizationCode, RefreshToken};

use super::{Zoho, data_centres::DataCentre};
use crate::{
    failure::{failure, unanswered},
    http::{Call, Limits, Reply},
};

/// Answers of Accounts are a few hundred bytes.
const ACCOUNTS_BODY: usize = 1024 * 1024;

/// An origin with a path.
pub(super) fn at(origin: &Url, path: &str) -> Url {
    let mut url = origin.clone();
    url.set_path(path);
    url
}

/// The header that carries an access token, in the form Zoho documents.
pub(super) fn authorization(access: &Access) -> Answer<HeaderMap> {
    let unusable = |_| failure(FailureClass::Protocol, "the access token holds characters that no header can carry");
    let mut value = HeaderValue::from_str(&format!("Zoho-oauthtoken {}", access.token.expose())).map_err(unusable)?;
    value.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value);
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(headers)
}

impl Zoho {
    /// See `CalendarProvider::authorization_url`.
    pub(super) fn consent_url(&self, state: &str, challenge: &str, login_hint: &str) -> Url {
        let mut url = at(&self.accounts, "/oauth/v2/auth");
        url.query_pairs_mut()
            .append_pair("scope", &self.config.scopes.join(","))
            .append_pair("client_id", &self.config.client_id)
            .append_pair("response_type", "code")
            .append_pair("redirect_uri", &self.config.redirect_uri)
            // Both, always: otherwise only the first consent of a user gives a refresh token.
            .append_pair("access_type", "offline")
            .append_pair("prompt", "consent")
            .append_pair("state", state)
            .append_pair("code_challenge", challenge)
            .append_pair("code_challenge_method", "S256");
        // Zoho documents no `login_hint`, and an address has no business in a URL that does not need it.
        if self.centres.by_accounts(&self.accounts).is_some_and(|centre| centre.configured) {
            url.query_pairs_mut().append_pair("login_hint", login_hint);
        }
        url
    }

    /// See `CalendarProvider::exchange`.
    pub(super) async fn exchange_code(&self, location: &str, code: &AuthorizationCode, verifier: &str) -> Answer<TokenAnswer> {
        let mut form = self.client_form(location, "authorization_code");
        form.push(("redirect_uri", self.config.redirect_uri.clone()));
        form.push(("code", code.expose().to_owned()));
        form.push(("code_verifier", verifier.to_owned()));
        self.token("exchange code", location, form).await
    }

    /// See `CalendarProvider::refresh`.
    pub(super) async fn refresh_access(&self, location: &str, token: &RefreshToken) -> Answer<TokenAnswer> {
        let mut form = self.client_form(location, "refresh_token");
        form.push(("refresh_token", token.expose().to_owned()));
        self.token("refresh", location, form).await
    }

    fn client_form(&self, location: &str, grant_type: &str) -> Vec<(&'static str, String)> {
        vec![
            ("grant_type", grant_type.to_owned()),
            ("client_id", self.config.client_id.clone()),
            ("client_secret", self.config.secret(location).expose().to_owned()),
        ]
    }

    /// The parameters travel in the body, because query strings end up in logs. The answer may have been lost after a new token was
    /// made, so an unanswered call counts as one that may have happened.
    async fn token(&self, what: &'static str, location: &str, form: Vec<(&'static str, String)>) -> Answer<TokenAnswer> {
        let centre = self.centre(location)?;
        let reply = self.accounts_call(what, centre, "/oauth/v2/token", form).await?;
        token::read(what, &reply)
    }

    async fn accounts_call(
        &self,
        what: &'static str,
        centre: &DataCentre,
        path: &str,
        form: Vec<(&'static str, String)>,
    ) -> Answer<Reply> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.send_accounts(Call {
            what,
            method: Method::POST,
            url: at(&centre.accounts, path),
            headers,
            form,
            body: Bytes::new(),
            limits: self.accounts_limits(),
        })
        .await
    }

    async fn send_accounts(&self, call: Call) -> Result<Reply, ProviderError> {
        let write = call.method != Method::GET;
        self.http.send(call).await.map_err(|problem| unanswered(&problem, write))
    }

    const fn accounts_limits(&self) -> Limits {
        Limits { total: self.timing.accounts, body_bytes: ACCOUNTS_BODY }
    }
}
