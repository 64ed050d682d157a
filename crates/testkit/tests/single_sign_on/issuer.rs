//! A small identity provider on loopback, with real signatures: codes that work once, PKCE, keys that rotate, and a switch for each way
//! in which its answers can be wrong.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use calendars::{Oidc, OidcConfig};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use testkit::FrozenClock;
use tokio::net::TcpListener;
use url::Url;
use vault::ClientSecret;

pub const CLIENT: &str = "greenroom";
const SECRET: &str = "a secret: with % and +";

/// What is wrong with its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    Nonce,
    NoNonce,
    Audience,
    ManyAudiences,
    Party,
    Expired,
    Early,
    AlgNone,
    /// Signed with HS256, the key being the public key.
    Hmac,
    OtherIssuer,
    /// By a key that it never shows.
    HiddenKey,
    /// By another key under the name of the shown one.
    StolenName,
    NoIdToken,
    Garbage,
    Broken,
    Silent,
    /// The discovery document names another issuer.
    Discovery,
    /// The discovery document leads to an address that is neither https nor this machine.
    Outside,
    /// `iss` beside the code is another's.
    ReplyIssuer,
    /// `iss` beside the code was announced, and is missing.
    NoReplyIssuer,
    /// The userinfo endpoint speaks of somebody else.
    UserInfo,
}

/// Who logs in at the provider.
#[derive(Debug, Clone)]
pub struct Somebody {
    pub subject: String,
    pub email: String,
    pub verified: Value,
    pub name: String,
}

struct Key {
    id: String,
    pair: EcdsaKeyPair,
}

struct Code {
    nonce: String,
    challenge: String,
    redirect_uri: String,
    who: Somebody,
}

struct Inner {
    url: String,
    clock: FrozenClock,
    fault: Fault,
    who: Somebody,
    keys: Vec<Key>,
    codes: HashMap<String, Code>,
    made: usize,
    key_reads: usize,
    exchanges: usize,
    /// Address and name stand at the userinfo endpoint only.
    thin: bool,
    tokens: HashMap<String, Somebody>,
}

/// See the module's header. Clones share everything.
#[derive(Clone)]
pub struct Issuer(Arc<Mutex<Inner>>);

fn part(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn new_key(number: usize) -> Key {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
    Key { id: format!("k{number}"), pair }
}

impl Issuer {
    pub async fn start(clock: FrozenClock) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let who = Somebody {
            subject: "ada-1".to_owned(),
            email: "ada@example.com".to_owned(),
            verified: json!(true),
            name: "Ada Lovelace".to_owned(),
        };
        let issuer = Self(Arc::new(Mutex::new(Inner {
            url,
            clock,
            fault: Fault::None,
            who,
            keys: vec![new_key(1)],
            codes: HashMap::new(),
            made: 0,
            key_reads: 0,
            exchanges: 0,
            thin: false,
            tokens: HashMap::new(),
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(keys))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        issuer
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    /// A client that knows this issuer.
    pub fn client(&self) -> Oidc {
        Oidc::new(OidcConfig {
            issuer: self.lock().url.clone(),
            client_id: CLIENT.to_owned(),
            client_secret: ClientSecret::new(SECRET.to_owned()),
            limit: Duration::from_millis(500),
        })
        .unwrap()
    }

    pub fn set(&self, fault: Fault) {
        self.lock().fault = fault;
    }

    pub fn be(&self, change: impl FnOnce(&mut Somebody)) {
        change(&mut self.lock().who);
    }

    pub fn set_thin(&self) {
        self.lock().thin = true;
    }

    /// From now on another key signs, and only it is shown.
    pub fn rotate(&self) {
        let mut inner = self.lock();
        let number = inner.keys.len() + 1;
        inner.keys = vec![new_key(number)];
    }

    pub fn key_reads(&self) -> usize {
        self.lock().key_reads
    }

    pub fn exchanges(&self) -> usize {
        self.lock().exchanges
    }

    /// The person goes through its log-in page: where the browser is sent back to.
    pub fn log_in(&self, url: &Url) -> Url {
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let mut inner = self.lock();
        for (name, value) in [("response_type", "code"), ("client_id", CLIENT), ("code_challenge_method", "S256")] {
            assert_eq!(asked[name], value);
        }
        assert!(asked["scope"].split(' ').any(|scope| scope == "openid"));
        inner.made += 1;
        let name = format!("code-{}", inner.made);
        let code = Code {
            nonce: asked["nonce"].clone(),
            challenge: asked["code_challenge"].clone(),
            redirect_uri: asked["redirect_uri"].clone(),
            who: inner.who.clone(),
        };
        inner.codes.insert(name.clone(), code);
        let mut back: Url = asked["redirect_uri"].parse().unwrap();
        back.query_pairs_mut().append_pair("code", &name).append_pair("state", &asked["state"]);
        inner.add_issuer(&mut back);
        back
    }

    /// The person says no, or it fails there.
    pub fn decline(&self, url: &Url, error: &str) -> Url {
        let asked: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let mut back: Url = asked["redirect_uri"].parse().unwrap();
        back.query_pairs_mut().append_pair("error", error).append_pair("state", &asked["state"]);
        self.lock().add_issuer(&mut back);
        back
    }
}

impl Inner {
    fn add_issuer(&self, back: &mut Url) {
        match self.fault {
            Fault::NoReplyIssuer => {}
            Fault::ReplyIssuer => drop(back.query_pairs_mut().append_pair("iss", "https://other.example.org")),
            _ => drop(back.query_pairs_mut().append_pair("iss", &self.url)),
        }
    }

    fn id_token(&self, code: &Code) -> String {
        let now = ports::Clock::now(&self.clock).as_second();
        let mut claims = json!({
            "iss": self.url, "sub": code.who.subject, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": code.nonce,
        });
        if !self.thin {
            claims["email"] = json!(code.who.email);
            claims["email_verified"] = code.who.verified.clone();
            claims["name"] = json!(code.who.name);
        }
        let key = &self.keys[0];
        let mut head = json!({"alg": "ES256", "kid": key.id, "typ": "JWT"});
        let other = new_key(99);
        let mut signer = &key.pair;
        match self.fault {
            Fault::Nonce => claims["nonce"] = json!("another"),
            Fault::NoNonce => claims["nonce"] = Value::Null,
            Fault::Audience => claims["aud"] = json!("another"),
            Fault::ManyAudiences => claims["aud"] = json!([CLIENT, "another"]),
            Fault::Party => claims["azp"] = json!("another"),
            Fault::Expired => claims["exp"] = json!(now - 61),
            Fault::Early => claims["iat"] = json!(now + 61),
            Fault::OtherIssuer => claims["iss"] = json!("https://other.example.org"),
            Fault::AlgNone => head["alg"] = json!("none"),
            Fault::Hmac => head["alg"] = json!("HS256"),
            Fault::HiddenKey => {
                head["kid"] = json!("k99");
                signer = &other.pair;
            }
            Fault::StolenName => signer = &other.pair,
            _ => {}
        }
        let content = format!("{}.{}", part(head.to_string()), part(claims.to_string()));
        let signature = match self.fault {
            Fault::AlgNone => String::new(),
            Fault::Hmac => {
                let public = hmac::Key::new(hmac::HMAC_SHA256, key.pair.public_key().as_ref());
                part(hmac::sign(&public, content.as_bytes()))
            }
            _ => part(signer.sign(&SystemRandom::new(), content.as_bytes()).unwrap()),
        };
        format!("{content}.{signature}")
    }
}

async fn discovery(State(issuer): State<Issuer>) -> Response {
    let (url, fault) = {
        let inner = issuer.lock();
        (inner.url.clone(), inner.fault)
    };
    match fault {
        Fault::Broken => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::Silent => std::future::pending::<()>().await,
        _ => {}
    }
    let named = if fault == Fault::Discovery { "https://other.example.org" } else { &url };
    let jwks = if fault == Fault::Outside { "http://keys.example.org/jwks".to_owned() } else { format!("{url}/jwks") };
    Json(json!({
        "issuer": named,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/userinfo"),
        "jwks_uri": jwks,
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}

async fn keys(State(issuer): State<Issuer>) -> Json<Value> {
    let mut inner = issuer.lock();
    inner.key_reads += 1;
    let shown = inner.keys.iter().map(|key| {
        let point = key.pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": key.id, "x": part(&point[1..33]), "y": part(&point[33..])})
    });
    let strange = json!({"kty": "of a kind to come", "kid": "k0"});
    Json(json!({"keys": shown.chain([strange]).collect::<Vec<_>>()}))
}

async fn token(State(issuer): State<Issuer>, headers: HeaderMap, Form(form): Form<HashMap<String, String>>) -> Response {
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response();
    let mut inner = issuer.lock();
    inner.exchanges += 1;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let right = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", encoded(CLIENT), encoded(SECRET))));
    if headers.get(header::AUTHORIZATION).is_none_or(|sent| sent.as_bytes() != right.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "invalid_client"}))).into_response();
    }
    // A code works once.
    let Some(code) = form.get("code").and_then(|code| inner.codes.remove(code)) else { return refuse("invalid_grant") };
    let challenge = part(Sha256::digest(form.get("code_verifier").map_or("", String::as_str)));
    if challenge != code.challenge || form.get("redirect_uri") != Some(&code.redirect_uri) {
        return refuse("invalid_grant");
    }
    let access = format!("access-{}", inner.exchanges);
    inner.tokens.insert(access.clone(), code.who.clone());
    match inner.fault {
        Fault::Broken => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::NoIdToken => Json(json!({"access_token": access, "token_type": "Bearer"})).into_response(),
        Fault::Garbage => "<html>busy</html>".into_response(),
        _ => Json(json!({"access_token": access, "token_type": "Bearer", "id_token": inner.id_token(&code)})).into_response(),
    }
}

async fn user_info(State(issuer): State<Issuer>, headers: HeaderMap) -> Response {
    let inner = issuer.lock();
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().unwrap().strip_prefix("Bearer "));
    let Some(who) = sent.and_then(|token| inner.tokens.get(token)) else { return StatusCode::UNAUTHORIZED.into_response() };
    let subject = if inner.fault == Fault::UserInfo { "somebody-else" } else { &who.subject };
    Json(json!({"sub": subject, "email": who.email, "email_verified": who.verified, "name": who.name})).into_response()
}
