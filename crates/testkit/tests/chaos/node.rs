//! One process of the installation: the use cases, the worker and the Zoho client as `serve` runs them, told what to do on its standard
//! input, and saying on its standard output which calls it makes and how they end. Everything it logs goes to standard error.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use app::{App, Caller, Error, Parts, RefreshOutcome, Settings, Worker};
use async_trait::async_trait;
use calendars::{
    Zoho, ZohoConfig,
    zoho::{DEFAULT_SCOPES, parse_hosts, parse_scopes},
};
use domain::{EmailAddress, TimeRange, Timestamp, grants::Limits};
use mail::{Mailbox, Sender};
use ports::{
    CalendarProvider, LeaseClock,
    calendar::{Access, Answer, CalendarInfo, Event, EventDraft, EventPatch, Identity, ListMode, TokenAnswer, Written},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use testkit::SeededEntropy;
use url::Url;
use vault::{AuthorizationCode, ClientSecret, Key, KeyRing, RefreshToken};
use zoho_sim::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT};

use crate::{
    clock::{Hands, SkewedClock},
    scale,
};

/// The key of the vault, as an administrator would have made it.
pub const KEY: &str = "7f3a9c15e2b84d06a1c7f0925be36d48917c2ae4f05b63d8bc1940e7a2d56f83";

/// How long an answer is held back: much less than a call may take.
const LINGER: Duration = Duration::from_millis(300);

/// What a process is told when it starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Config {
    /// Its place in the clock's file.
    pub slot: usize,
    /// How far its business clock is off.
    pub skew_seconds: i64,
    /// Seed of its ids, nonces and jitter: never the same for two processes.
    pub seed: u64,
    pub database: String,
    /// Origin of each data centre by location code.
    pub origins: BTreeMap<String, String>,
    pub clock: PathBuf,
}

/// This machine's clock, for leases.
struct MachineClock;

impl LeaseClock for MachineClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// An installation on `config`; `watch` sees its refreshes.
pub async fn installation(config: &Config, watch: Option<Watch>) -> (App, Arc<store::Database>) {
    let entropy = Arc::new(SeededEntropy::new(config.seed));
    let store = store::open(&config.database, store::Options::new(Arc::new(MachineClock), entropy.clone())).await.unwrap();
    let hosts: Vec<_> = config.origins.iter().map(|(location, origin)| format!("{location}={origin}")).collect();
    let zoho = Zoho::new(ZohoConfig {
        client_id: DEMO_CLIENT_ID.into(),
        client_secret: ClientSecret::new(DEMO_CLIENT_SECRET.into()),
        data_centre_secrets: BTreeMap::new(),
        redirect_uri: DEMO_REDIRECT.into(),
        scopes: parse_scopes(DEFAULT_SCOPES),
        accounts_url: config.origins["us"].parse().unwrap(),
        refresh_limit: 10,
        hosts: parse_hosts(&hosts.join(",")).unwrap(),
    })
    .unwrap();
    let provider: Arc<dyn CalendarProvider> = match watch {
        Some(watch) => Arc::new(Watched { zoho, watch }),
        None => Arc::new(zoho),
    };
    let key: Key = KEY.parse().unwrap();
    let app = App::new(Parts {
        store: store.clone(),
        providers: vec![provider],
        mailer: Arc::new(Mailbox::new(Sender::parse("interviews@example.com").unwrap(), None)),
        poster: Arc::new(testkit::PostBox::default()),
        witness: None,
        erasure_list: None,
        clock: Arc::new(SkewedClock { hands: Hands::open(&config.clock), skew_seconds: config.skew_seconds }),
        entropy,
        key_source: Arc::new(KeyRing::new("k1".parse().unwrap(), key.clone())),
        keys: KeyRing::new("k1".parse().unwrap(), key),
        installation: "ins_chaos".into(),
        settings: Settings {
            public_url: "http://localhost:8040".parse().unwrap(),
            company: "Brightwater Ltd".into(),
            recruiting_contact: Some("recruiting@example.com".parse().unwrap()),
            default_week: scheduling::WeeklyHours::default(),
            link_days: 7,
            lending: false,
            alerts: app::AlertSettings::default(),
            audit: app::AuditSettings::default(),
            demo: false,
            retention_days: 180,
            refresh: app::RefreshWhen::Ahead,
            timing: scale::timing(),
        },
    });
    (app, store)
}

/// Counts refreshes on their way and tells the driver of each.
#[derive(Debug, Clone)]
pub struct Watch {
    hands: Hands,
    slot: usize,
    calls: Arc<AtomicI64>,
    number: Arc<AtomicU64>,
    /// Whether the next answer is held back for a moment, as if the process were slow to store it.
    linger: Arc<AtomicBool>,
}

impl Watch {
    fn new(config: &Config) -> Self {
        let hands = Hands::open(&config.clock);
        Self { hands, slot: config.slot, calls: Arc::default(), number: Arc::default(), linger: Arc::default() }
    }

    async fn enter(&self) {
        self.hands.say(self.slot, self.calls.fetch_add(1, Ordering::SeqCst) + 1);
        self.hands.still().await;
    }

    fn leave(&self) {
        self.hands.say(self.slot, self.calls.fetch_sub(1, Ordering::SeqCst) - 1);
    }
}

/// Leaves when the call is over, even if it was given up.
struct Inside<'a>(&'a Watch);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// The name under which driver and process speak of a refresh token: nothing of it can be found again.
pub fn token_name(token: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let mut name = String::new();
    for byte in &hash[..10] {
        write!(name, "{byte:02x}").unwrap();
    }
    name
}

/// One line for the driver; it is out when this returns, however the process ends after it.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nnode: {line}").unwrap();
    out.flush().unwrap();
}

/// The Zoho client, watched.
struct Watched {
    zoho: Zoho,
    watch: Watch,
}

#[async_trait]
impl CalendarProvider for Watched {
    fn name(&self) -> &'static str {
        self.zoho.name()
    }
    fn authorization_url(&self, state: &str, challenge: &str, login_hint: &str) -> Url {
        self.zoho.authorization_url(state, challenge, login_hint)
    }
    fn data_centre(&self, location: Option<&str>, accounts_server: Option<&str>) -> Answer<String> {
        self.zoho.data_centre(location, accounts_server)
    }
    fn required_scopes(&self) -> Vec<String> {
        self.zoho.required_scopes()
    }
    fn limits(&self) -> Limits {
        self.zoho.limits()
    }
    fn previous_token_grace(&self) -> Option<i64> {
        self.zoho.previous_token_grace()
    }
    fn consent_origins(&self) -> Vec<String> {
        self.zoho.consent_origins()
    }
    async fn exchange(&self, data_centre: &str, code: &AuthorizationCode, verifier: &str) -> Answer<TokenAnswer> {
        self.zoho.exchange(data_centre, code, verifier).await
    }
    async fn refresh(&self, data_centre: &str, token: &RefreshToken) -> Answer<TokenAnswer> {
        self.watch.enter().await;
        let inside = Inside(&self.watch);
        let number = self.watch.number.fetch_add(1, Ordering::SeqCst);
        say(&format!("begin {number} {data_centre} {}", token_name(token.expose())));
        let answer = self.zoho.refresh(data_centre, token).await;
        if answer.is_ok() && self.watch.linger.swap(false, Ordering::SeqCst) {
            say(&format!("answered {number}"));
            tokio::time::sleep(LINGER).await;
        }
        let outcome = answer.as_ref().map_or_else(|error| format!("{:?}", error.class), |_| "ok".to_owned());
        say(&format!("end {number} {outcome}"));
        drop(inside);
        answer
    }
    async fn revoke(&self, data_centre: &str, token: &RefreshToken) -> Answer<()> {
        self.zoho.revoke(data_centre, token).await
    }
    async fn identity(&self, access: &Access) -> Answer<Identity> {
        self.zoho.identity(access).await
    }
    async fn calendars(&self, access: &Access) -> Answer<Vec<CalendarInfo>> {
        self.zoho.calendars(access).await
    }
    async fn events(&self, access: &Access, calendar: &str, window: TimeRange, mode: ListMode) -> Answer<Vec<Event>> {
        self.zoho.events(access, calendar, window, mode).await
    }
    async fn event(&self, access: &Access, calendar: &str, uid: &str) -> Answer<Option<Event>> {
        self.zoho.event(access, calendar, uid).await
    }
    async fn free_busy(&self, access: &Access, email: &EmailAddress, window: TimeRange) -> Answer<Option<Vec<TimeRange>>> {
        self.zoho.free_busy(access, email, window).await
    }
    async fn create(&self, access: &Access, calendar: &str, draft: &EventDraft) -> Answer<Written> {
        self.zoho.create(access, calendar, draft).await
    }
    async fn reschedule(&self, access: &Access, calendar: &str, uid: &str, patch: &EventPatch) -> Answer<Written> {
        self.zoho.reschedule(access, calendar, uid, patch).await
    }
    async fn delete(&self, access: &Access, calendar: &str, uid: &str, etag: &str) -> Answer<()> {
        self.zoho.delete(access, calendar, uid, etag).await
    }
}

/// Not a test: the process that the driver starts, stops and kills. It runs until it is killed or its standard input ends.
pub async fn run() {
    let installed = rustls::crypto::ring::default_provider().install_default();
    assert!(installed.is_ok(), "a process of its own");
    let filter = "debug,app=trace,store=trace,calendars=trace,vault=trace";
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let mut first = String::new();
    std::io::stdin().read_line(&mut first).unwrap();
    let config: Config = serde_json::from_str(&first).expect("the driver writes the configuration on standard input");
    let watch = Watch::new(&config);
    let (app, _) = installation(&config, Some(watch.clone())).await;
    tokio::spawn(Worker::new(app.clone()).run(std::future::pending()));
    say("ready");
    let (orders, mut incoming) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            if orders.send(line.unwrap()).is_err() {
                break;
            }
        }
    });
    while let Some(order) = incoming.recv().await {
        if order == "linger" {
            watch.linger.store(true, Ordering::SeqCst);
            continue;
        }
        let app = app.clone();
        tokio::spawn(async move {
            let (verb, email) = order.split_once(' ').unwrap();
            let outcome = match verb {
                "refresh" => match app.refresh_now(email, &Caller::system()).await {
                    Ok(RefreshOutcome::Fresh(_)) => "fresh".to_owned(),
                    Ok(RefreshOutcome::NeedsAuthorization { .. }) => "needs_authorization".to_owned(),
                    Err(error) => named(&error),
                },
                _ => match app.calendar_list(email).await {
                    Ok(calendars) => format!("{}_calendars", calendars.len()),
                    Err(error) => named(&error),
                },
            };
            say(&format!("asked {order} {outcome}"));
        });
    }
}

/// A failure in one word.
fn named(error: &Error) -> String {
    match error {
        Error::Provider { class, .. } => format!("{class:?}"),
        other => format!("{other:?}").chars().take_while(|letter| letter.is_alphanumeric()).collect(),
    }
}
