//! Single sign-on by OpenID Connect: discovery, keys with rotation, the exchange of the code. [`id_token`] does the checking and
//! reaches nothing.
//!
//! **Invariant:** nothing is called but the issuer and what its discovery document names, by https; plain http only where issuer and
//! address are both this machine.

mod id_token;

use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use domain::Timestamp;
use id_token::{Claims, Expected, Fault, Jwk, Person};
use ports::{
    SignOn,
    sign_on::{SignOnAnswer, SignOnError, SignOnReply, SignOnRequest, SignedOn},
};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};
use vault::{AccessToken, ClientSecret};

use crate::http::{Call, ClientError, Limits, Outbound, is_loopback};

const CONNECT: Duration = Duration::from_secs(5);
const BODY_BYTES: usize = 256 * 1024;
/// How long a discovery document and its keys are believed, in seconds.
const BELIEVED_SECONDS: i64 = 3600;
/// Keys are fetched again for an unknown key id, but not more often than this, in seconds.
const REFETCH_SECONDS: i64 = 60;
/// Whoever comes within so many seconds of a failed fetch shares its failure instead of waiting for another.
const FAILURE_SECONDS: i64 = 5;

/// What the identity provider knows us by.
#[derive(Debug, Clone)]
pub struct OidcConfig {
    /// The issuer, exactly as it stands in its tokens.
    pub issuer: String,
    /// Our name there.
    pub client_id: String,
    /// Our password there.
    pub client_secret: ClientSecret,
    /// How long one call may take.
    pub limit: Duration,
}

/// See the module's header.
#[derive(Debug)]
pub struct Oidc {
    config: OidcConfig,
    discovery: Url,
    known: Mutex<Memory>,
}

/// What was fetched, and when.
#[derive(Debug, Default)]
struct Memory {
    known: Option<Known>,
    /// When keys were last asked for because of an unknown key id.
    asked_again: Option<i64>,
    failed: Option<(i64, SignOnError)>,
}

#[derive(Debug, Clone)]
struct Known {
    document: Document,
    keys: Vec<Jwk>,
    at: i64,
}

/// The parts of a discovery document (OpenID Connect Discovery 1.0, section 3) that are used.
#[derive(Debug, Clone, Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Address,
    token_endpoint: Address,
    jwks_uri: Address,
    #[serde(default)]
    userinfo_endpoint: Option<Address>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Address(Url);

impl TryFrom<String> for Address {
    type Error = url::ParseError;

    fn try_from(text: String) -> Result<Self, url::ParseError> {
        Url::parse(&text).map(Self)
    }
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
    #[serde(default)]
    access_token: Option<AccessToken>,
}

#[derive(Deserialize)]
struct UserInfo {
    sub: String,
    #[serde(flatten)]
    person: Person,
}

fn passing(why: impl ToString) -> SignOnError {
    SignOnError::Passing(why.to_string())
}

fn refused(why: impl ToString) -> SignOnError {
    SignOnError::Refused(why.to_string())
}

impl Oidc {
    /// Calls nothing yet: the issuer may be started later than we. An issuer that is no https address, nor on this machine, is refused.
    pub fn new(config: OidcConfig) -> Result<Self, String> {
        let address = format!("{}/.well-known/openid-configuration", config.issuer.trim_end_matches('/'));
        let discovery = Url::parse(&address).map_err(|error| format!("`{}` is no address: {error}", config.issuer))?;
        if discovery.query().is_some() || discovery.fragment().is_some() {
            return Err("an issuer has neither ? nor #".to_owned());
        }
        if discovery.scheme() != "https" && !(discovery.scheme() == "http" && is_loopback(&discovery)) {
            return Err("an issuer is an https address (plain http only on this machine)".to_owned());
        }
        Ok(Self { config, discovery, known: Mutex::default() })
    }

    /// Whether an address that the issuer names may be called.
    fn is_safe(&self, url: &Url) -> bool {
        let here = is_loopback(url);
        if here { is_loopback(&self.discovery) && matches!(url.scheme(), "http" | "https") } else { url.scheme() == "https" }
    }

    /// The document and keys, fetched where they are old, or where `unknown_key` says that a key is missing.
    async fn known(&self, now: Timestamp, unknown_key: bool) -> Result<Known, SignOnError> {
        let now = now.as_second();
        let within = |at: i64, seconds: i64| (0..seconds).contains(&(now - at));
        let mut memory = self.known.lock().await;
        if let Some(known) = memory.known.as_ref().filter(|known| within(known.at, BELIEVED_SECONDS)) {
            let just_fetched = known.at == now || memory.asked_again.is_some_and(|at| within(at, REFETCH_SECONDS));
            if !unknown_key || just_fetched {
                return Ok(known.clone());
            }
        }
        if let Some((_, error)) = memory.failed.as_ref().filter(|(at, _)| within(*at, FAILURE_SECONDS)) {
            return Err(error.clone());
        }
        if unknown_key {
            memory.asked_again = Some(now);
        }
        let fetched = self.fetch_known(now).await;
        match &fetched {
            Ok(known) => (memory.known, memory.failed) = (Some(known.clone()), None),
            Err(error) => memory.failed = Some((now, error.clone())),
        }
        fetched
    }

    async fn fetch_known(&self, at: i64) -> Result<Known, SignOnError> {
        let document: Document =
            self.fetch("discover the identity provider", &self.discovery, Vec::new(), HeaderMap::new()).await?;
        if document.issuer != self.config.issuer {
            return Err(refused("its discovery document names another issuer than GREENROOM_OIDC_ISSUER"));
        }
        let named = [&document.authorization_endpoint, &document.token_endpoint, &document.jwks_uri];
        if !named.into_iter().chain(&document.userinfo_endpoint).all(|address| self.is_safe(&address.0)) {
            return Err(refused("its discovery document names an address that is not https, or is this machine"));
        }
        let keys: Keys =
            self.fetch("read the identity provider's keys", &document.jwks_uri.0, Vec::new(), HeaderMap::new()).await?;
        // Keys of kinds that we do not know are none of our business.
        let keys = keys.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).filter(Jwk::is_usable).collect();
        Ok(Known { document, keys, at })
    }

    /// The token request, with the secret in the header (RFC 6749, section 2.3.1) unless the issuer takes it in the form only.
    async fn exchange(
        &self,
        document: &Document,
        code: &vault::AuthorizationCode,
        answer: &SignOnAnswer,
    ) -> Result<TokenAnswer, SignOnError> {
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.expose().to_owned()),
            ("redirect_uri", answer.redirect_uri.to_string()),
            ("code_verifier", answer.verifier.clone()),
        ];
        let mut headers = HeaderMap::new();
        let methods = &document.token_endpoint_auth_methods_supported;
        let secret = self.config.client_secret.expose();
        if methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic") {
            let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = BASE64_STANDARD.encode(format!("{}:{}", encoded(&self.config.client_id), encoded(secret)));
            headers.insert(AUTHORIZATION, credentials("Basic", &pair)?);
        } else {
            form.push(("client_id", self.config.client_id.clone()));
            form.push(("client_secret", secret.to_owned()));
        }
        self.fetch("exchange a sign-on's code", &document.token_endpoint.0, form, headers).await
    }

    /// Address and name from the userinfo endpoint (section 5.3), which must speak of the same person.
    async fn user_info(&self, url: &Url, token: &AccessToken, subject: &str) -> Result<Person, SignOnError> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, credentials("Bearer", token.expose())?);
        let info: UserInfo = self.fetch("ask the identity provider for the address", url, Vec::new(), headers).await?;
        if info.sub == subject { Ok(info.person) } else { Err(refused("its userinfo endpoint speaks of somebody else")) }
    }

    /// One call that answers JSON: a GET, or a POST where there is a form.
    async fn fetch<T: DeserializeOwned>(
        &self,
        what: &'static str,
        url: &Url,
        form: Vec<(&'static str, String)>,
        mut headers: HeaderMap,
    ) -> Result<T, SignOnError> {
        let outbound = Outbound::new(CONNECT, [url]).map_err(|error: ClientError| passing(error))?;
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let method = if form.is_empty() { Method::GET } else { Method::POST };
        let limits = Limits { total: self.config.limit, body_bytes: BODY_BYTES };
        let reply = outbound
            .send(Call { what, method, url: url.clone(), headers, form, body: Bytes::new(), limits })
            .await
            .map_err(passing)?;
        match reply.status {
            // What the parser quotes could be a token.
            200..=299 => serde_json::from_slice(&reply.body).map_err(|_| passing(format!("{what}: the answer makes no sense"))),
            // The code is used or old, or it does not know us: repeating it does not help.
            400..=499 => Err(refused(format!("{what}: it answered {}", reply.status))),
            status => Err(passing(format!("{what}: it answered {status}"))),
        }
    }
}

fn credentials(scheme: &str, text: &str) -> Result<HeaderValue, SignOnError> {
    let mut value = HeaderValue::from_str(&format!("{scheme} {text}")).map_err(|_| refused("a credential fits no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

#[async_trait]
impl SignOn for Oidc {
    async fn authorization_url(&self, request: &SignOnRequest) -> Result<Url, SignOnError> {
        let mut url = self.known(request.now, false).await?.document.authorization_endpoint.0;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("scope", "openid email profile")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("state", &request.state)
            .append_pair("nonce", &request.nonce)
            .append_pair("code_challenge", &request.challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    async fn sign_on(&self, answer: &SignOnAnswer) -> Result<SignedOn, SignOnError> {
        let known = self.known(answer.now, false).await?;
        let announced = known.document.authorization_response_iss_parameter_supported;
        match answer.issuer.as_deref() {
            Some(issuer) if issuer == self.config.issuer => {}
            None if !announced => {}
            _ => return Err(refused("the answer comes from another issuer")),
        }
        let code = match &answer.reply {
            SignOnReply::Code(code) => code,
            SignOnReply::Error(error) => return Err(SignOnError::Declined(error.clone())),
        };
        let tokens = self.exchange(&known.document, code, answer).await?;
        let now = answer.now.as_second();
        let expected = Expected { issuer: &self.config.issuer, client_id: &self.config.client_id, nonce: &answer.nonce, now };
        let checked = match id_token::check(&tokens.id_token, &known.keys, expected) {
            // The issuer may have a key that is newer than our list.
            Err(Fault::NoKey) => id_token::check(&tokens.id_token, &self.known(answer.now, true).await?.keys, expected),
            other => other,
        };
        let Claims { sub, mut person, .. } = checked.map_err(refused)?;
        if person.email.is_none()
            && let (Some(url), Some(token)) = (&known.document.userinfo_endpoint, &tokens.access_token)
        {
            person = self.user_info(&url.0, token, &sub).await?;
        }
        Ok(signed_on(&self.config.issuer, sub, person))
    }

    async fn probe(&self, now: Timestamp) -> Result<usize, SignOnError> {
        self.known(now, false).await.map(|known| known.keys.len())
    }
}

fn signed_on(issuer: &str, subject: String, person: Person) -> SignedOn {
    let verified = person.email_verified.is_some_and(|value| value == Value::Bool(true) || value == "true");
    SignedOn {
        issuer: issuer.to_owned(),
        subject,
        // An address that is none is like no address; so is one with letters that only look like another's when they are written small.
        verified_email: person.email.filter(|text| verified && text.is_ascii()).and_then(|text| text.parse().ok()),
        name: person.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oidc(issuer: &str) -> Result<Oidc, String> {
        let client_secret = ClientSecret::new("s".to_owned());
        Oidc::new(OidcConfig {
            issuer: issuer.to_owned(),
            client_id: "greenroom".to_owned(),
            client_secret,
            limit: Duration::from_secs(1),
        })
    }

    #[test]
    fn an_issuer_is_https_or_this_machine() {
        for good in ["https://id.example.com", "https://id.example.com/realms/a/", "http://127.0.0.1:8080", "http://localhost:1/x"]
        {
            assert!(oidc(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example.com", "ftp://id.example.com", "id.example.com", "https://id.example.com/?a=b", "file:///etc"]
        {
            assert!(oidc(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_issuer_outside_cannot_send_us_to_this_machine_nor_to_plain_http() {
        let outside = oidc("https://id.example.com").unwrap();
        for (url, safe) in [
            ("https://keys.example.net/jwks", true),
            ("http://id.example.com/jwks", false),
            ("http://127.0.0.1/jwks", false),
            ("https://localhost/jwks", false),
            ("https://[::1]/jwks", false),
        ] {
            assert_eq!(outside.is_safe(&url.parse().unwrap()), safe, "{url}");
        }
        let here = oidc("http://localhost:8080").unwrap();
        assert!(here.is_safe(&"http://127.0.0.1:8081/jwks".parse().unwrap()));
        assert!(!here.is_safe(&"http://id.example.com/jwks".parse().unwrap()));
    }

    #[test]
    fn only_a_verified_address_is_one() {
        let person =
            |verified: Option<Value>, email: &str| Person { email: Some(email.to_owned()), email_verified: verified, name: None };
        let email = |person| signed_on("https://id.example.com", "42".to_owned(), person).verified_email;
        for good in [Value::Bool(true), Value::from("true")] {
            assert!(email(person(Some(good), "ada@example.com")).is_some());
        }
        for bad in [None, Some(Value::Bool(false)), Some(Value::from("false")), Some(Value::from(1)), Some(Value::Null)] {
            assert!(email(person(bad.clone(), "ada@example.com")).is_none(), "{bad:?}");
        }
        for bad in ["nonsense", "\u{212a}im@example.com"] {
            assert!(email(person(Some(Value::Bool(true)), bad)).is_none(), "{bad}");
        }
    }
}
