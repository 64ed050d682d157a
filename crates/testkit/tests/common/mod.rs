//! A whole installation in one test: real store, real Zoho client, a simulated Zoho on loopback, a clock that stands still.
#![expect(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "test support")]
#![expect(dead_code, reason = "each test file uses its part")]

pub mod dav;

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use app::{App, Callback, Caller, CandidateInput, Parts, PlaceInput, Settings, Setup, VacancyInput, VacancyView};
use async_trait::async_trait;
use calendars::{
    Zoho, ZohoConfig,
    zoho::{DEFAULT_SCOPES, parse_hosts, parse_scopes},
};
use dav::Dav;
use domain::{EmailAddress, Id, TimeRange, Timestamp, links::Purpose, vacancies::Vacancy};
use mail::{Mailbox, Sender};
use ports::{
    CalendarProvider, Mailer, Store,
    calendar::{Access, Answer, CalendarInfo, Event, EventDraft, EventPatch, Identity, ListMode, TokenAnswer, Written},
    mail::{Letter, MailError, Message},
    store::Page,
};
use testkit::{FrozenClock, SeededEntropy};
use tokio::net::TcpListener;
use url::Url;
use vault::{AuthorizationCode, ClientSecret, Key, KeyRing, RefreshToken};
use zoho_sim::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_REDIRECT, DataCentre, Options, Sim, Switches};

/// Seeds from here on are those of a second process beside the first.
const SECOND: u64 = 100;

/// Monday, 2026-11-23, 08:00 UTC.
pub const START: &str = "2026-11-23T08:00:00Z";

/// Counts effects outside and dies at one of them: before it happens, or after it happened and before anybody learns of it.
#[derive(Debug)]
pub struct Fuse {
    pub steps: AtomicUsize,
    pub die_before: usize,
    pub die_after: usize,
    /// The effect whose outcome is learned only once `go` was rung: a process that was stopped and goes on.
    pub hold_after: usize,
    pub go: tokio::sync::Notify,
}

impl Fuse {
    pub fn never() -> Arc<Self> {
        Self::at(usize::MAX, usize::MAX)
    }

    pub fn at(die_before: usize, die_after: usize) -> Arc<Self> {
        Arc::new(Self { steps: AtomicUsize::new(0), die_before, die_after, hold_after: usize::MAX, go: tokio::sync::Notify::new() })
    }

    /// Stops after an effect happened, until `go` is rung.
    pub fn holding(hold_after: usize) -> Arc<Self> {
        let steps = AtomicUsize::new(0);
        let go = tokio::sync::Notify::new();
        Arc::new(Self { steps, die_before: usize::MAX, die_after: usize::MAX, hold_after, go })
    }

    pub fn count(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    async fn run<T>(&self, step: impl Future<Output = T>) -> T {
        let number = self.steps.fetch_add(1, Ordering::SeqCst) + 1;
        // A killed process does not return: neither does this future.
        if number == self.die_before {
            std::future::pending::<()>().await;
        }
        let value = step.await;
        if number == self.die_after {
            std::future::pending::<()>().await;
        }
        if number == self.hold_after {
            self.go.notified().await;
        }
        value
    }

    pub fn has_blown(&self) -> bool {
        let steps = self.count();
        steps >= self.die_before || steps >= self.die_after
    }
}

/// What a process is started with, where tests differ.
#[derive(Debug, Clone)]
pub struct Choices {
    pub timing: app::Timing,
    pub refresh: app::RefreshWhen,
    /// Refreshes per refresh token in ten minutes.
    pub refresh_limit: u32,
    /// What managers are asked for.
    pub scopes: String,
    /// Client secrets of data centres that have their own.
    pub secrets: BTreeMap<String, String>,
    /// Whom alerts are mailed to.
    pub alerts_to: Option<EmailAddress>,
    /// Seconds for which the provider is said to accept a refresh token that was replaced.
    pub grace: Option<i64>,
    /// How far ahead the business clock of the next process is.
    pub skew_seconds: i64,
    /// A calendar server with passwords beside Zoho.
    pub dav: Option<Dav>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            timing: app::Timing { movable: true, ..app::Timing::default() },
            refresh: app::RefreshWhen::default(),
            refresh_limit: 10,
            scopes: DEFAULT_SCOPES.to_owned(),
            secrets: BTreeMap::new(),
            alerts_to: None,
            grace: None,
            skew_seconds: 0,
            dav: None,
        }
    }
}

/// A business clock that disagrees with the others.
struct Skewed(FrozenClock, i64);

impl ports::Clock for Skewed {
    fn now(&self) -> Timestamp {
        ports::Clock::now(&self.0).checked_add(jiff::SignedDuration::from_secs(self.1)).unwrap()
    }
}

/// The Zoho client with a fuse in front of every call that changes something outside.
struct Fused {
    zoho: Zoho,
    fuse: Arc<Fuse>,
    grace: Option<i64>,
}

#[async_trait]
impl CalendarProvider for Fused {
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
    fn consent_origins(&self) -> Vec<String> {
        self.zoho.consent_origins()
    }
    fn limits(&self) -> domain::grants::Limits {
        self.zoho.limits()
    }
    fn previous_token_grace(&self) -> Option<i64> {
        self.grace
    }
    async fn exchange(&self, data_centre: &str, code: &AuthorizationCode, verifier: &str) -> Answer<TokenAnswer> {
        self.fuse.run(self.zoho.exchange(data_centre, code, verifier)).await
    }
    async fn refresh(&self, data_centre: &str, token: &RefreshToken) -> Answer<TokenAnswer> {
        self.fuse.run(self.zoho.refresh(data_centre, token)).await
    }
    async fn revoke(&self, data_centre: &str, token: &RefreshToken) -> Answer<()> {
        self.fuse.run(self.zoho.revoke(data_centre, token)).await
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
        self.fuse.run(self.zoho.create(access, calendar, draft)).await
    }
    async fn reschedule(&self, access: &Access, calendar: &str, uid: &str, patch: &EventPatch) -> Answer<Written> {
        self.fuse.run(self.zoho.reschedule(access, calendar, uid, patch)).await
    }
    async fn delete(&self, access: &Access, calendar: &str, uid: &str, etag: &str) -> Answer<()> {
        self.fuse.run(self.zoho.delete(access, calendar, uid, etag)).await
    }
}

/// Every message that left, in order, with the time; behind the same fuse.
struct FusedMail {
    inner: Mailbox,
    fuse: Arc<Fuse>,
    sent: Sent,
    zoho: String,
    dav: Option<Dav>,
}

/// Message-ID and recipient of every message that left, in order, over all restarts.
pub type Sent = Arc<std::sync::Mutex<Vec<(String, String)>>>;

#[async_trait]
impl Mailer for FusedMail {
    fn compose(&self, letter: &Letter) -> Result<Message, MailError> {
        self.inner.compose(letter)
    }
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let deliver = async {
            if message.calendar.as_ref().is_some_and(|(method, _)| method == "REQUEST") {
                // No invitation is older than its event.
                let mut titles = Vec::new();
                for manager in ["ana@example.com", "bruno@example.com", "chandra@example.com"] {
                    titles.extend(events(&self.zoho, manager).await.into_iter().map(|(title, _)| title));
                }
                titles.extend(self.dav.iter().flat_map(Dav::all_titles));
                // Whoever interviews beside the manager reads the candidate's name; the candidate is who is addressed.
                let beside = message.to.as_str().ends_with("@example.com");
                let is_theirs = |name: &str| if beside { message.text.contains(name) } else { name.starts_with(&message.to_name) };
                let has = titles.iter().any(|title| title.strip_prefix("Interview with ").is_some_and(is_theirs));
                assert!(has, "{} was invited before the calendar had it", message.to_name);
            }
            self.inner.send(message).await?;
            self.sent.lock().unwrap().push((message.message_id.clone(), message.to.to_string()));
            Ok(())
        };
        self.fuse.run(deliver).await
    }
    fn keeps_local(&self) -> bool {
        true
    }
    async fn forget(&self, message_ids: &[String]) -> Result<(), MailError> {
        self.fuse.run(self.inner.forget(message_ids)).await
    }
}

/// The erasure list of a test: a file in its folder.
struct List(PathBuf);

#[async_trait]
impl ports::ErasureList for List {
    async fn append(&self, line: domain::erasure::Line) -> Result<(), String> {
        let text = serde_json::to_string(&line).unwrap();
        let known = std::fs::read_to_string(&self.0).unwrap_or_default();
        if !known.lines().any(|old| old == text) {
            std::fs::write(&self.0, format!("{known}{text}\n")).unwrap();
        }
        Ok(())
    }
}

/// Keys as they lie in a place that tests can change.
#[derive(Clone)]
pub struct SharedKeys(pub Arc<std::sync::Mutex<KeyRing>>);

impl SharedKeys {
    fn one() -> Self {
        let key: Key = "7f3a9c15e2b84d06a1c7f0925be36d48917c2ae4f05b63d8bc1940e7a2d56f83".parse().unwrap();
        Self(Arc::new(std::sync::Mutex::new(KeyRing::new("k1".parse().unwrap(), key))))
    }

    pub fn ring(&self) -> KeyRing {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl ports::KeySource for SharedKeys {
    async fn read(&self) -> Result<KeyRing, ports::KeySourceError> {
        Ok(self.ring())
    }
}

/// See the module's header.
pub struct World {
    pub keys: SharedKeys,
    pub clock: FrozenClock,
    pub sim: Sim,
    pub app: App,
    pub fuse: Arc<Fuse>,
    pub sent: Sent,
    pub origins: BTreeMap<String, String>,
    pub dir: PathBuf,
    /// For the next process.
    pub choices: Choices,
    url: String,
    seed: u64,
}

impl World {
    /// A fresh installation and a fresh Zoho; on the PostgreSQL server that GREENROOM_TEST_POSTGRES names, if it names one.
    pub async fn new(name: &str) -> Self {
        let url = schema(name).await;
        Self::on(name, Fuse::never(), url).await
    }

    /// On SQLite, whose leases follow the test's clock: for tests that kill a process and wait for its leases to end.
    pub async fn with(name: &str, fuse: Arc<Fuse>) -> Self {
        Self::on(name, fuse, None).await
    }

    async fn on(name: &str, fuse: Arc<Fuse>, url: Option<String>) -> Self {
        // The first test of a process installs it; the others find it there.
        let installed = rustls::crypto::ring::default_provider().install_default();
        drop(installed);
        // Tests of one file run in processes of their own or in threads of one: the name is unique among all of them.
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        std::fs::create_dir_all(&dir).unwrap();
        let clock = FrozenClock::at(START.parse().unwrap());
        let mut origins = BTreeMap::new();
        let mut listeners = Vec::new();
        for location in ["us", "eu"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            origins.insert(location.to_owned(), format!("http://localhost:{}", listener.local_addr().unwrap().port()));
            listeners.push((location, listener));
        }
        let hands = clock.clone();
        let sim = Sim::new(Options {
            clock: Arc::new(move || ports::Clock::now(&hands)),
            data_centres: origins
                .iter()
                .map(|(location, origin)| DataCentre { location: location.clone(), origin: origin.parse().unwrap() })
                .collect(),
            switches: Switches::default(),
            state_dir: None,
            seed: 1,
        })
        .unwrap();
        sim.with(|world, now| zoho_sim::seed_demo(world, Vec::new(), now));
        for (location, listener) in listeners {
            let sim = sim.clone();
            tokio::spawn(async move { sim.serve(location, listener, std::future::pending()).await });
        }
        let sent = Arc::default();
        let url = url.unwrap_or_else(|| format!("sqlite:{}", dir.join("greenroom.db").display()));
        let choices = Choices::default();
        let keys = SharedKeys::one();
        let site = Site {
            url: &url,
            dir: &dir,
            clock: &clock,
            origins: &origins,
            fuse: &fuse,
            sent: &sent,
            keys: &keys,
            choices: &choices,
        };
        let app = App::new(parts(&site, 1).await);
        Self { keys, clock, sim, app, fuse, sent, origins, dir, choices, url, seed: 1 }
    }

    /// The process is gone; another one starts on the same files.
    pub async fn restart(&mut self, fuse: Arc<Fuse>) {
        self.seed += 1;
        self.fuse = fuse;
        self.app = self.process(self.seed).await;
    }

    /// What a process of this installation finds.
    fn site(&self) -> Site<'_> {
        Site {
            url: &self.url,
            dir: &self.dir,
            clock: &self.clock,
            origins: &self.origins,
            fuse: &self.fuse,
            sent: &self.sent,
            keys: &self.keys,
            choices: &self.choices,
        }
    }

    async fn process(&self, seed: u64) -> App {
        App::new(parts(&self.site(), seed).await)
    }

    /// Everything in the database, as a backup holds it.
    pub async fn dump(&self) -> Vec<u8> {
        let options = store::Options::new(Arc::new(self.clock.clone()), Arc::new(SeededEntropy::new(self.seed + 2 * SECOND)));
        let database = store::open(&self.url, options).await.unwrap();
        let (send, mut pieces) = tokio::sync::mpsc::channel::<Vec<u8>>(2);
        let collected = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(piece) = pieces.recv().await {
                all.extend(piece);
            }
            all
        });
        database.dump(send).await.unwrap();
        collected.await.unwrap()
    }

    /// The database is lost; a dump of it is restored on other files, held, and a process starts there.
    pub async fn restore(&mut self, name: &str, dump: Vec<u8>, settings: Vec<(String, String)>) {
        let file = format!("sqlite:{}", self.dir.join(format!("{name}.db")).display());
        self.url = schema(name).await.unwrap_or(file);
        let options = store::Options::new(Arc::new(self.clock.clone()), Arc::new(SeededEntropy::new(self.seed)));
        let (send, pieces) = tokio::sync::mpsc::channel(1);
        let sending = tokio::spawn(async move { send.send(dump).await });
        let afterwards = store::Afterwards { at: self.app.now(), settings, end_sessions: true };
        store::load(&self.url, &options, false, afterwards, pieces).await.unwrap();
        sending.await.unwrap().unwrap();
        self.restart(Fuse::never()).await;
    }

    /// A second process on the same files, beside the first.
    pub async fn second(&self) -> App {
        self.process(self.seed + SECOND).await
    }

    /// A further process beside the first, with other settings and a post box of ours.
    pub async fn beside(&self, number: u64, change: impl FnOnce(&mut Settings), posts: &testkit::PostBox) -> App {
        let seed = self.seed + SECOND * number;
        let parts = parts(&self.site(), seed).await;
        let mut parts = Parts { poster: Arc::new(posts.clone()), ..parts };
        change(&mut parts.settings);
        App::new(parts)
    }

    /// The database itself, to arrange what takes long to happen.
    pub async fn store(&self) -> Arc<store::Database> {
        let options = store::Options::new(Arc::new(self.clock.clone()), Arc::new(SeededEntropy::new(self.seed + 50 * SECOND)));
        store::open(&self.url, options).await.unwrap()
    }

    /// A second process that reads its keys elsewhere.
    pub async fn second_with(&self, keys: &SharedKeys) -> App {
        App::new(parts(&Site { keys, ..self.site() }, self.seed + 2 * SECOND).await)
    }

    /// Runs what is due; stops early where the fuse has blown.
    pub async fn drain(&self) {
        let fuse = Arc::clone(&self.fuse);
        let blown = async move {
            while !fuse.has_blown() {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            // The last effect before the power cut may still be under way.
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
        };
        tokio::select! {
            ran = self.app.drain(10_000) => { ran.unwrap(); }
            () = blown => {}
        }
    }

    /// Moves the clock job by job to `seconds` from now.
    pub async fn pass(&self, seconds: i64) {
        let end = self.app.now().as_second() + seconds;
        for _ in 0..2_000 {
            self.drain().await;
            if self.fuse.has_blown() {
                return;
            }
            match self.app.next_due().await.unwrap() {
                Some(due) if due.as_second() < end => self.clock.jump(due.max(self.app.now())),
                _ => break,
            }
            // A due time within the second that is now: let it come.
            self.clock.advance(1);
        }
        self.clock.jump(Timestamp::from_second(end).unwrap());
        self.drain().await;
    }

    pub fn caller() -> Caller {
        Caller::system()
    }

    /// A vacancy of Ana's (New York, data centre us) with `names` on the shortlist.
    pub async fn vacancy(&self, names: &[&str]) -> Id<Vacancy> {
        self.vacancy_of("ana@example.com", names).await
    }

    pub async fn vacancy_of(&self, manager: &str, names: &[&str]) -> Id<Vacancy> {
        let candidates = names
            .iter()
            .map(|name| CandidateInput {
                name: (*name).to_owned(),
                email: format!("{}@example.net", name.to_lowercase()),
                ..CandidateInput::default()
            })
            .collect();
        let input = VacancyInput {
            title: "Platform engineer".into(),
            manager_email: manager.into(),
            manager_name: Some("Ana Diaz".into()),
            place: Some(PlaceInput::Url("https://meet.example.com/room".into())),
            candidates,
            ..VacancyInput::default()
        };
        self.app.create_vacancy(input, &Self::caller()).await.unwrap().vacancy.id
    }

    pub async fn approve(&self, id: Id<Vacancy>) -> VacancyView {
        self.app.approve(id, false, &Self::caller()).await.unwrap()
    }

    /// The manager consents in the browser; gives the token of the page that shows the outcome.
    pub async fn consent(&self, email: &str) -> String {
        self.consent_as(email, email).await
    }

    /// `email` is asked, `account` consents.
    pub async fn consent_as(&self, email: &str, account: &str) -> String {
        let Setup::NeedsAuthorization { url, .. } = self.app.setup(email, None, false, &Self::caller()).await.unwrap() else {
            panic!("{email} is connected already");
        };
        let callback = self.decide(&url, account, "accept").await;
        self.app.callback(callback, &Self::caller()).await.unwrap()
    }

    /// The token of the page at which a manager gives permission.
    pub async fn permission_token(&self, email: &str) -> String {
        let person = self.app.find_person(email).await.unwrap();
        let link = self.store().await.newest_link(Purpose::Permission, &person.id.to_string()).await.unwrap().unwrap();
        vault::sign_link(&self.keys.ring(), Purpose::Permission.as_str(), &link.id.to_string())
    }

    /// What the provider's redirect brings back.
    pub async fn decide(&self, url: &Url, account: &str, decision: &str) -> Callback {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut form: Vec<(String, String)> =
            url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        form.push(("user".into(), account.into()));
        form.push(("decision".into(), decision.into()));
        let target = url.join("/oauth/v2/auth/decide").unwrap();
        let answer = client.post(target).form(&form).send().await.unwrap();
        let location: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        let get = |name: &str| location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        Callback {
            code: get("code"),
            state: get("state"),
            location: get("location"),
            accounts_server: get("accounts-server"),
            error: get("error"),
        }
    }

    /// Ana is connected, her shortlist is booked.
    pub async fn booked(&self, names: &[&str]) -> Id<Vacancy> {
        let id = self.vacancy(names).await;
        self.consent("ana@example.com").await;
        self.drain().await;
        self.approve(id).await;
        self.pass(60).await;
        id
    }

    /// Kinds of mail sent to an address, oldest first.
    pub async fn mails(&self, to: &str) -> Vec<String> {
        let mut kinds: Vec<_> =
            self.app.mails(Some(to), Page::first(200)).await.unwrap().into_iter().map(|mail| mail.kind).collect();
        kinds.reverse();
        kinds
    }

    /// Titles and times of the events in somebody's calendars that Greenroom made and nobody deleted.
    pub async fn events(&self, email: &str) -> Vec<(String, String)> {
        events(&self.origins["us"], email).await
    }

    /// Changes the simulator.
    pub async fn sim_post(&self, path: &str, body: serde_json::Value) -> serde_json::Value {
        let client = reqwest::Client::builder().build().unwrap();
        let answer = client.post(format!("{}/_sim/{path}", self.origins["us"])).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {} {}", answer.status(), answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    /// Looks behind the simulator.
    pub async fn sim_get(&self, path: &str) -> serde_json::Value {
        let client = reqwest::Client::builder().build().unwrap();
        client.get(format!("{}/_sim/{path}", self.origins["us"])).send().await.unwrap().json().await.unwrap()
    }

    /// Every row of every table as (table, text), on either engine.
    pub async fn everything(&self) -> Vec<(String, String)> {
        let Ok(server) = self
            .url
            .parse::<Url>()
            .map_err(drop)
            .and_then(|url| if url.scheme().starts_with("postgres") { Ok(url) } else { Err(()) })
        else {
            return rows(&self.dir.join("greenroom.db"));
        };
        let (client, connection) = tokio_postgres::connect(server.as_str(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let tables = client
            .query("SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()", &[])
            .await
            .unwrap();
        let mut all = Vec::new();
        for table in tables.iter().map(|row| row.get::<_, String>(0)) {
            let found = client.query(&format!("SELECT t::text FROM {table} t"), &[]).await.unwrap();
            all.extend(found.iter().map(|row| (table.clone(), row.get::<_, String>(0))));
        }
        all
    }

    /// The bytes of everything in the installation's folder: database with its free pages, journal, mails.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut folders = vec![self.dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    found.push((path, bytes));
                }
            }
        }
        found
    }

    /// Changes or deletes an event by its owner's hand.
    pub async fn sim_change(&self, method: &str, body: serde_json::Value) {
        let client = reqwest::Client::builder().build().unwrap();
        let url = format!("{}/_sim/events", self.origins["us"]);
        let answer = client.request(method.parse().unwrap(), url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{method}: {} {}", answer.status(), answer.text().await.unwrap());
    }

    /// Moves the clock job by job until `second`; whoever is killed on the way is started again and goes on.
    pub async fn live_until(&mut self, second: i64) {
        self.pass(second - self.app.now().as_second()).await;
        if self.fuse.has_blown() {
            self.survive().await;
            self.pass((second - self.app.now().as_second()).max(1)).await;
        }
    }

    /// The power comes back: a new process on the same files.
    pub async fn survive(&mut self) {
        if self.fuse.has_blown() {
            self.restart(Fuse::never()).await;
            // The leases of jobs are freed at the start; that of a refresh runs out.
            self.clock.advance(61);
        }
    }
}

fn rows(database: &std::path::Path) -> Vec<(String, String)> {
    let database = rusqlite::Connection::open(database).unwrap();
    let mut names = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut all = Vec::new();
    for table in tables {
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let mut text = String::new();
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Text(bytes) | rusqlite::types::ValueRef::Blob(bytes) => {
                        text.push_str(&String::from_utf8_lossy(bytes));
                    }
                    rusqlite::types::ValueRef::Integer(number) => text.push_str(&number.to_string()),
                    _ => {}
                }
                text.push('|');
            }
            all.push((table.clone(), text));
        }
    }
    all
}

/// See [`World::events`].
async fn events(zoho: &str, email: &str) -> Vec<(String, String)> {
    let client = reqwest::Client::builder().build().unwrap();
    let dump: serde_json::Value = client.get(format!("{zoho}/_sim/calendars/{email}")).send().await.unwrap().json().await.unwrap();
    let mut found = Vec::new();
    collect(&dump, &mut found);
    found.sort();
    found
}

fn collect(value: &serde_json::Value, found: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        serde_json::Value::Object(map) => {
            if let (Some(title), Some(when)) =
                (map.get("title").and_then(|title| title.as_str()), map.get("dateandtime").or_else(|| map.get("when")))
                && title.starts_with("Interview with")
                && map.get("estatus").and_then(|status| status.as_str()) != Some("deleted")
            {
                found.push((title.to_owned(), when.to_string()));
            }
            map.values().for_each(|item| collect(item, found));
        }
        _ => {}
    }
}

/// Whether tests run on PostgreSQL.
pub fn on_postgres() -> bool {
    std::env::var_os("GREENROOM_TEST_POSTGRES").is_some()
}

/// A schema of its own for a test, where there is a PostgreSQL server.
async fn schema(name: &str) -> Option<String> {
    let server = std::env::var("GREENROOM_TEST_POSTGRES").ok()?;
    let schema = format!("testkit_{}_{}", name.replace('-', "_"), std::process::id());
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")).await.unwrap();
    let mark = if server.contains('?') { '&' } else { '?' };
    Some(format!("{server}{mark}options=-csearch_path%3D{schema}"))
}

/// What every process of an installation shares.
struct Site<'a> {
    url: &'a str,
    dir: &'a std::path::Path,
    clock: &'a FrozenClock,
    origins: &'a BTreeMap<String, String>,
    fuse: &'a Arc<Fuse>,
    sent: &'a Sent,
    keys: &'a SharedKeys,
    choices: &'a Choices,
}

/// The parts of one process.
async fn parts(site: &Site<'_>, seed: u64) -> Parts {
    let Site { url, dir, clock, origins, fuse, sent, keys, choices } = *site;
    let entropy = Arc::new(SeededEntropy::new(seed));
    let options = store::Options::new(Arc::new(clock.clone()), entropy.clone());
    let store = store::open(url, options).await.unwrap();
    if seed < SECOND {
        // The process before is gone, and there is no other.
        store.free_leases().await.unwrap();
    }
    let hosts: Vec<_> = origins.iter().map(|(location, origin)| format!("{location}={origin}")).collect();
    let zoho = Zoho::new(ZohoConfig {
        client_id: DEMO_CLIENT_ID.into(),
        client_secret: ClientSecret::new(DEMO_CLIENT_SECRET.into()),
        refresh_limit: choices.refresh_limit,
        data_centre_secrets: choices
            .secrets
            .iter()
            .map(|(location, secret)| (location.clone(), ClientSecret::new(secret.clone())))
            .collect(),
        redirect_uri: DEMO_REDIRECT.into(),
        scopes: parse_scopes(&choices.scopes),
        accounts_url: origins["us"].parse().unwrap(),
        hosts: parse_hosts(&hosts.join(",")).unwrap(),
    })
    .unwrap();
    let mut providers: Vec<Arc<dyn CalendarProvider>> =
        vec![Arc::new(Fused { zoho, fuse: Arc::clone(fuse), grace: choices.grace })];
    if let Some(dav) = &choices.dav {
        providers.push(Arc::new(dav.clone()));
    }
    Parts {
        store,
        providers,
        mailer: Arc::new(FusedMail {
            inner: Mailbox::new(Sender::parse("interviews@example.com").unwrap(), Some(dir.join("mail"))),
            fuse: Arc::clone(fuse),
            sent: Arc::clone(sent),
            zoho: origins["us"].clone(),
            dav: choices.dav.clone(),
        }),
        poster: Arc::new(testkit::PostBox::default()),
        witness: None,
        clock: Arc::new(Skewed(clock.clone(), choices.skew_seconds)),
        erasure_list: Some(Arc::new(List(dir.join("erasures.jsonl")))),
        entropy,
        key_source: Arc::new(keys.clone()),
        keys: keys.ring(),
        installation: "ins_test".into(),
        settings: Settings {
            public_url: "http://localhost:8040".parse().unwrap(),
            company: "Brightwater Ltd".into(),
            recruiting_contact: Some("recruiting@example.com".parse().unwrap()),
            default_week: scheduling::WeeklyHours::default(),
            link_days: 7,
            lending: false,
            alerts: app::AlertSettings { to: choices.alerts_to.clone(), webhook: None },
            audit: app::AuditSettings::default(),
            retention_days: 180,
            demo: false,
            refresh: choices.refresh,
            timing: choices.timing,
        },
    }
}
