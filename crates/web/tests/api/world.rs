//! A whole installation behind its router.
#![expect(clippy::disallowed_methods, clippy::panic, reason = "test support")]

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, sync::Arc};

use app::{App, Caller, Parts, Settings};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Request, StatusCode},
};
use calendars::{
    Zoho, ZohoConfig,
    zoho::{DEFAULT_SCOPES, parse_hosts, parse_scopes},
};
use domain::{Timestamp, access::Right};
use mail::{Mailbox, Sender};
use serde_json::Value;
use testkit::{FrozenClock, SeededEntropy};
use tokio::net::TcpListener;
use tower::ServiceExt;
use url::Url;
use vault::{ClientSecret, Key, KeyRing};
use web::WebState;
use zoho_sim::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT, DataCentre, Options, Sim, Switches};

/// Monday, 08:00 UTC.
pub const START: &str = "2026-11-23T08:00:00Z";

/// See the module's header.
pub struct World {
    pub clock: FrozenClock,
    pub app: App,
    pub router: Router,
    /// A key with every right.
    pub key: String,
    /// The simulated Zoho.
    pub zoho: Url,
    /// The same from behind.
    pub sim: Sim,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl World {
    pub async fn new(name: &str) -> Self {
        Self::with(name, "127.0.0.0/8").await
    }

    /// `open` is the network that needs no key for the first version's endpoints.
    pub async fn with(name: &str, open: &str) -> Self {
        Self::start(name, open, false).await
    }

    /// Where access tokens are lent.
    pub async fn lending(name: &str) -> Self {
        Self::start(name, "127.0.0.0/8", true).await
    }

    async fn start(name: &str, open: &str, lending: bool) -> Self {
        // The first test of a process installs it; the others find it there.
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        std::fs::create_dir_all(&dir).unwrap();
        let clock = FrozenClock::at(START.parse().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let zoho: Url = format!("http://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
        let hands = clock.clone();
        let sim = Sim::new(Options {
            clock: Arc::new(move || ports::Clock::now(&hands)),
            data_centres: vec![DataCentre { location: "us".into(), origin: zoho.clone() }],
            switches: Switches::default(),
            state_dir: None,
            seed: 1,
        })
        .unwrap();
        sim.with(|world, now| zoho_sim::seed_demo(world, Vec::new(), now));
        let served = sim.clone();
        tokio::spawn(async move { served.serve("us", listener, std::future::pending()).await });
        let app = open_app(&dir, &clock, &zoho, lending).await;
        let state = WebState::new(app.clone(), vec![open.parse().unwrap()], &[], "test");
        let (_, key) = app.create_api_key("tests", Right::ALL.into(), None, &Caller::system()).await.unwrap();
        Self { clock, app, router: web::router(state), key, zoho, sim }
    }

    /// The same with networks that may read metrics without a key.
    pub fn with_metrics_from(self, network: &str) -> Self {
        let metrics = web::metrics::Metrics::new(vec![network.parse().unwrap()], Arc::new(web::metrics::Process::default));
        let state = WebState::new(self.app.clone(), Vec::new(), &[], "test").with_metrics(metrics);
        Self { router: web::router(state), ..self }
    }

    /// A key with these rights only.
    pub async fn key_with(&self, rights: &[Right]) -> String {
        self.app.create_api_key("some", rights.iter().copied().collect(), None, &Caller::system()).await.unwrap().1
    }

    /// A request from `peer`, exactly as given.
    pub async fn send(&self, peer: &str, request: Request<Body>) -> Answer {
        let mut request = request;
        request.headers_mut().entry("host").or_insert("localhost:8040".parse().unwrap());
        let address: SocketAddr = format!("{peer}:40000").parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// A call of the API with the key that has every right, and further headers.
    pub async fn call(&self, method: &str, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(value) => {
                request = request.header("content-type", "application/json");
                Body::from(value.to_string())
            }
            None => Body::empty(),
        };
        self.send("192.0.2.7", request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(body), &[]).await
    }

    /// Runs what is due, moving the clock from job to job for `seconds`.
    pub async fn pass(&self, seconds: i64) {
        let end = self.app.now().as_second() + seconds;
        for _ in 0..2_000 {
            self.app.drain(10_000).await.unwrap();
            match self.app.next_due().await.unwrap() {
                Some(due) if due.as_second() < end => self.clock.jump(due.max(self.app.now())),
                _ => break,
            }
            self.clock.advance(1);
        }
        self.clock.jump(Timestamp::from_second(end).unwrap());
        self.app.drain(10_000).await.unwrap();
    }

    /// Somebody decides on the provider's consent page; gives the path and query that the browser is sent back to.
    pub async fn decide(&self, url: &Url, account: &str, decision: &str) -> String {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut form: Vec<(String, String)> =
            url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        form.push(("user".into(), account.into()));
        form.push(("decision".into(), decision.into()));
        let answer = client.post(url.join("/oauth/v2/auth/decide").unwrap()).form(&form).send().await.unwrap();
        let location: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        format!("{}?{}", location.path(), location.query().unwrap())
    }

    /// Something goes wrong at the provider from now on.
    pub async fn arm(&self, fault: Value) {
        let client = reqwest::Client::builder().build().unwrap();
        let answer = client.post(self.zoho.join("/_sim/faults").unwrap()).json(&fault).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Nothing goes wrong any more.
    pub async fn disarm(&self) {
        let client = reqwest::Client::builder().build().unwrap();
        let answer = client.delete(self.zoho.join("/_sim/faults").unwrap()).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Ana consents, all of it over HTTP.
    pub async fn connect_ana(&self) {
        let asked = self.post("/api/v1/managers/ana@example.com/authorization", serde_json::json!({})).await.json();
        let url: Url = asked["authorization_url"].as_str().unwrap().parse().unwrap();
        let back = self.decide(&url, "ana@example.com", "accept").await;
        let answer = self.send("192.0.2.9", Request::get(back).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        self.pass(5).await;
    }

    /// A vacancy of Ana's with one candidate.
    pub async fn vacancy(&self) -> Value {
        let body = serde_json::json!({
            "title": "Platform engineer", "manager_email": "ana@example.com", "manager_name": "Ana Diaz",
            "place": {"kind": "url", "value": "https://meet.example.com/room"},
            "candidates": [{"name": "Kim Lee", "email": "kim@example.net", "zone": "Asia/Seoul"}],
        });
        let answer = self.post("/api/v1/vacancies", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()
    }

    /// Ana is connected and Kim's interview is booked: the vacancy as it is then.
    pub async fn booked(&self) -> Value {
        let vacancy = self.vacancy().await;
        self.connect_ana().await;
        let path = format!("/api/v1/vacancies/{}", vacancy["id"].as_str().unwrap());
        assert_eq!(self.post(&format!("{path}/approve"), serde_json::json!({})).await.status, StatusCode::OK);
        self.pass(60).await;
        self.get(&path).await.json()
    }
}

async fn open_app(dir: &std::path::Path, clock: &FrozenClock, zoho: &Url, lending: bool) -> App {
    let entropy = Arc::new(SeededEntropy::new(1));
    let options = store::Options::new(Arc::new(clock.clone()), entropy.clone());
    let store = store::open(&format!("sqlite:{}", dir.join("greenroom.db").display()), options).await.unwrap();
    let client = Zoho::new(ZohoConfig {
        client_id: DEMO_CLIENT_ID.into(),
        client_secret: ClientSecret::new(DEMO_CLIENT_SECRET.into()),
        refresh_limit: 10,
        data_centre_secrets: BTreeMap::new(),
        redirect_uri: DEMO_REDIRECT.into(),
        scopes: parse_scopes(DEFAULT_SCOPES),
        accounts_url: zoho.clone(),
        hosts: parse_hosts(&format!("us={}", zoho.as_str().trim_end_matches('/'))).unwrap(),
    })
    .unwrap();
    let key: Key = "7f3a9c15e2b84d06a1c7f0925be36d48917c2ae4f05b63d8bc1940e7a2d56f83".parse().unwrap();
    App::new(Parts {
        store,
        providers: vec![Arc::new(client)],
        mailer: Arc::new(Mailbox::new(Sender::parse("interviews@example.com").unwrap(), None)),
        poster: Arc::new(testkit::PostBox::default()),
        witness: None,
        erasure_list: None,
        clock: Arc::new(clock.clone()),
        entropy,
        key_source: Arc::new(KeyRing::new("k1".parse().unwrap(), key.clone())),
        keys: KeyRing::new("k1".parse().unwrap(), key),
        installation: "ins_test".into(),
        settings: Settings {
            public_url: "http://localhost:8040".parse().unwrap(),
            company: "Brightwater Ltd".into(),
            recruiting_contact: Some("recruiting@example.com".parse().unwrap()),
            default_week: scheduling::WeeklyHours::default(),
            link_days: 7,
            lending,
            alerts: app::AlertSettings::default(),
            audit: app::AuditSettings::default(),
            retention_days: 180,
            demo: false,
            refresh: app::RefreshWhen::default(),
            timing: app::Timing::default(),
        },
    })
}
