//! Single sign-on: an identity provider says who somebody is (OpenID Connect Core 1.0, authorization code flow with PKCE).

use async_trait::async_trait;
use domain::{EmailAddress, Timestamp};
use url::Url;
use vault::AuthorizationCode;

/// What a sign-on begins with.
#[derive(Clone)]
pub struct SignOnRequest {
    /// Comes back with the code; binds the answer to the browser that asked.
    pub state: String,
    /// Comes back inside the ID token; binds the token to this sign-on.
    pub nonce: String,
    /// The PKCE challenge, S256.
    pub challenge: String,
    /// Where the browser comes back to.
    pub redirect_uri: Url,
    /// Now.
    pub now: Timestamp,
}

/// What the browser brought back, its state already compared.
pub enum SignOnReply {
    /// The person went through.
    Code(AuthorizationCode),
    /// The provider sent an error code (RFC 6749, section 4.1.2.1) instead.
    Error(String),
}

/// What a sign-on ends with.
pub struct SignOnAnswer {
    /// The code, or an error.
    pub reply: SignOnReply,
    /// The `iss` parameter beside it (RFC 9207).
    pub issuer: Option<String>,
    /// The PKCE verifier.
    pub verifier: String,
    /// The nonce that was sent.
    pub nonce: String,
    /// The redirect URI that was sent.
    pub redirect_uri: Url,
    /// Now.
    pub now: Timestamp,
}

/// Who signed on, as the checked ID token says.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedOn {
    /// Who says so.
    pub issuer: String,
    /// Who it is there, for ever.
    pub subject: String,
    /// The address, if the issuer says that it verified it.
    pub verified_email: Option<EmailAddress>,
    /// A name for pages.
    pub name: Option<String>,
}

/// A sign-on that did not work. Never a secret, a token or an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignOnError {
    /// Try again later.
    #[error("the identity provider does not answer as it should: {0}")]
    Passing(String),
    /// The answer is not to be trusted, or this installation is not known there.
    #[error("the identity provider's answer is refused: {0}")]
    Refused(String),
    /// The provider, or the person there, said no; the error code.
    #[error("the identity provider answered with the error `{0}`")]
    Declined(String),
}

/// See the module's header.
#[async_trait]
pub trait SignOn: Send + Sync {
    /// Where the browser goes to sign on.
    async fn authorization_url(&self, request: &SignOnRequest) -> Result<Url, SignOnError>;
    /// Exchanges the code and checks the ID token: signature, issuer, audience, times, nonce.
    async fn sign_on(&self, answer: &SignOnAnswer) -> Result<SignedOn, SignOnError>;
    /// Whether discovery and keys can be read and fit the configuration: what `doctor` asks. The number of keys that can be used.
    async fn probe(&self, now: Timestamp) -> Result<usize, SignOnError>;
}
