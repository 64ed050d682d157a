//! A simulator with two data centres on ephemeral ports, a clock that the test moves, and the steps every test needs:
//! consent, token, call.

#![expect(dead_code, reason = "each test file uses a part")]
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "tests; a plain client for loopback")]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response, redirect};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;
use zoho_sim::{Client, DataCentre, Options, Sim, Switches};

pub const CLIENT_ID: &str = "1000.TESTCLIENT";
pub const SECRET: &str = "test-secret";
pub const REDIRECT: &str = "http://localhost:8040/api/oauth/callback/";
/// What a scheduling app asks for.
pub const SCOPES: &str = "ZohoCalendar.calendar.ALL,ZohoCalendar.event.ALL,ZohoCalendar.freebusy.READ,AaaServer.profile.READ";
/// 2026-03-02T08:00:00Z, a Monday.
pub const START: i64 = 1_772_438_400;

/// A running simulator.
pub struct World {
    pub sim: Sim,
    pub http: reqwest::Client,
    clock: Arc<AtomicI64>,
    origins: HashMap<String, String>,
}

/// What the exchange of a code gave.
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub answer: Value,
}

/// Two data centres (`us`, `eu`), a client that is at home in `us` with Multi-DC on, and three users: ana in `us`
/// (America/New_York), bruno in `eu` (Europe/Madrid), chandra in `eu` (Asia/Kolkata), all at example.com.
pub async fn start() -> World {
    start_with(Switches::default()).await
}

/// The same with other switches.
pub async fn start_with(switches: Switches) -> World {
    let clock = Arc::new(AtomicI64::new(START));
    let (mut listeners, mut data_centres, mut origins) = (Vec::new(), Vec::new(), HashMap::new());
    for location in ["us", "eu"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        data_centres.push(DataCentre { location: location.to_owned(), origin: Url::parse(&origin).unwrap() });
        origins.insert(location.to_owned(), origin);
        listeners.push((location, listener));
    }
    let ticks = Arc::clone(&clock);
    let sim = Sim::new(Options {
        clock: Arc::new(move || Timestamp::from_second(ticks.load(Ordering::SeqCst)).unwrap()),
        data_centres,
        switches,
        state_dir: None,
        seed: 1,
    })
    .unwrap();
    sim.with(|world, now| {
        world.accounts.put_client(client());
        let people = [
            ("ana@example.com", "Ana", "Diaz", "us", "America/New_York"),
            ("bruno@example.com", "Bruno", "Gil", "eu", "Europe/Madrid"),
            ("chandra@example.com", "Chandra", "Rao", "eu", "Asia/Kolkata"),
        ];
        for (email, first, last, location, timezone) in people {
            world.add_user((email, first, last), location, timezone, now).unwrap();
        }
    });
    for (location, listener) in listeners {
        let sim = sim.clone();
        tokio::spawn(async move { sim.serve(location, listener, std::future::pending()).await.unwrap() });
    }
    install_tls();
    let http = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    World { sim, http, clock, origins }
}

/// reqwest wants a TLS provider even where every address is plain http.
pub fn install_tls() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| rustls::crypto::ring::default_provider().install_default().unwrap());
}

/// The client every test uses.
pub fn client() -> Client {
    Client {
        client_id: CLIENT_ID.to_owned(),
        secret: SECRET.to_owned(),
        dc_secrets: std::collections::BTreeMap::new(),
        name: "Greenroom".to_owned(),
        redirect_uris: vec![REDIRECT.to_owned()],
        multi_dc: true,
        home: "us".to_owned(),
    }
}

impl World {
    /// The origin of a data centre, without a slash at its end.
    pub fn origin(&self, dc: &str) -> &str {
        &self.origins[dc]
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// A request to a data centre.
    pub fn request(&self, method: Method, dc: &str, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.origin(dc)))
    }

    /// A request with an access token, to the API of a data centre: `path` is what follows `/api/v1`.
    pub fn api(&self, method: Method, dc: &str, token: &str, path: &str) -> RequestBuilder {
        self.request(method, dc, &format!("/api/v1{path}")).header("Authorization", format!("Zoho-oauthtoken {token}"))
    }

    /// Changes switches over HTTP.
    pub async fn switch(&self, changes: Value) {
        let answer = self.request(Method::PATCH, "us", "/_sim/switches").json(&changes).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    /// Arms a fault over HTTP.
    pub async fn arm(&self, fault: Value) {
        let answer = self.request(Method::POST, "us", "/_sim/faults").json(&fault).send().await.unwrap();
        assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    }

    /// The parameters of a good authorisation request.
    pub fn ask() -> HashMap<String, String> {
        [
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", SCOPES),
            ("access_type", "offline"),
            ("prompt", "consent"),
            ("state", "st/1+a b"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Posts the consent form at a data centre.
    pub async fn decide(&self, dc: &str, ask: &HashMap<String, String>, email: &str, decision: &str) -> Response {
        let mut form = ask.clone();
        form.insert("user".to_owned(), email.to_owned());
        form.insert("decision".to_owned(), decision.to_owned());
        self.request(Method::POST, dc, "/oauth/v2/auth/decide").form(&form).send().await.unwrap()
    }

    /// The user accepts; gives the callback's parameters.
    pub async fn consent(&self, ask: &HashMap<String, String>, email: &str) -> HashMap<String, String> {
        let answer = self.decide("us", ask, email, "accept").await;
        assert_eq!(answer.status(), 302);
        callback(&answer)
    }

    /// Exchanges a code at a data centre; gives the JSON answer.
    pub async fn exchange(&self, dc: &str, code: &str) -> Value {
        let form = json!({"grant_type": "authorization_code", "client_id": CLIENT_ID, "client_secret": SECRET,
            "redirect_uri": REDIRECT, "code": code});
        self.token(dc, &form).await.json().await.unwrap()
    }

    /// A form POST to the token endpoint.
    pub async fn token(&self, dc: &str, form: &Value) -> Response {
        self.request(Method::POST, dc, "/oauth/v2/token").form(form).send().await.unwrap()
    }

    /// Refreshes at a data centre.
    pub async fn refresh(&self, dc: &str, refresh: &str) -> Response {
        let form = json!({"grant_type": "refresh_token", "client_id": CLIENT_ID, "client_secret": SECRET,
            "refresh_token": refresh});
        self.token(dc, &form).await
    }

    /// Consent and exchange with the usual scopes.
    pub async fn connect(&self, email: &str) -> Tokens {
        self.connect_with(&Self::ask(), email).await
    }

    /// Consent and exchange.
    pub async fn connect_with(&self, ask: &HashMap<String, String>, email: &str) -> Tokens {
        let back = self.consent(ask, email).await;
        let answer = self.exchange(&back["location"], &back["code"]).await;
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        Tokens { access: text("access_token").unwrap(), refresh: text("refresh_token"), answer }
    }
}

/// The parameters of a redirect to the client.
pub fn callback(answer: &Response) -> HashMap<String, String> {
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(REDIRECT), "{location}");
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}
