//! The stage: a simulated Zoho with three data centres, a database, and managers who have given their permission.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use app::{App, Callback, Caller, Setup};
use domain::{Timestamp, alerts::Alert, grants::Grant};
use ports::{Store, store::Page};
use tokio::net::TcpListener;
use url::Url;
use zoho_sim::{DataCentre, Options, RateLimit, Rotation, Sim, Switches};

use crate::{
    clock::Hands,
    node::{Config, installation},
    plan::{DATA_CENTRES, STRICT, WITH_GRACE},
    scale::Scale,
};

/// The driver's own place in the clock's file.
const DRIVER: usize = crate::clock::SLOTS - 1;

/// Zoho's ten refreshes in ten minutes. Time moves in steps here, and one may fall between the moment at which a process counts a call and
/// that at which the provider does: the room that the protocol leaves for a call's arrival is for this too.
const BUDGET: RateLimit = RateLimit { count: 10, window_s: 600, block_s: 0 };

/// See the module's header.
pub struct World {
    pub sim: Sim,
    pub hands: Hands,
    pub app: App,
    pub store: Arc<store::Database>,
    pub dir: PathBuf,
    pub database: String,
    pub origins: BTreeMap<String, String>,
    /// Address of each manager, by data centre.
    pub managers: BTreeMap<&'static str, Vec<String>>,
    http: reqwest::Client,
}

impl World {
    /// Everybody connected, nothing wrong yet.
    pub async fn new(dir: &Path, database: &str, scale: &Scale, seed: u64) -> Self {
        // The first test of a process installs it; the others find it there.
        drop(rustls::crypto::ring::default_provider().install_default());
        let start: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let hands = Hands::create(&dir.join("clock"), start);
        let (mut origins, mut listeners) = (BTreeMap::new(), Vec::new());
        for location in DATA_CENTRES {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            origins.insert(location.to_owned(), format!("http://localhost:{}", listener.local_addr().unwrap().port()));
            listeners.push((location, listener));
        }
        let rotate = BTreeMap::from([(WITH_GRACE.to_owned(), Rotation::Grace), (STRICT.to_owned(), Rotation::Strict)]);
        let clock = hands.clone();
        let sim = Sim::new(Options {
            clock: Arc::new(move || clock.now()),
            data_centres: origins
                .iter()
                .map(|(location, origin)| DataCentre { location: location.clone(), origin: origin.parse().unwrap() })
                .collect(),
            switches: Switches { rotate_refresh_in: rotate, refresh_limit: BUDGET, ..Switches::default() },
            state_dir: None,
            seed,
        })
        .unwrap();
        let mut managers: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        sim.with(|world, now| {
            zoho_sim::seed_demo(world, Vec::new(), now);
            for (dc, count) in DATA_CENTRES.into_iter().zip(scale.grants) {
                for number in 0..count {
                    let email = format!("{dc}{number}@example.com");
                    world.add_user((&email, "Manager", "Diaz"), dc, "Europe/Madrid", now).unwrap();
                    managers.entry(dc).or_default().push(email);
                }
            }
        });
        for (location, listener) in listeners {
            let sim = sim.clone();
            tokio::spawn(async move { sim.serve(location, listener, std::future::pending()).await });
        }
        let config = Config {
            slot: DRIVER,
            skew_seconds: 0,
            seed: seed * 1_000_000,
            database: database.to_owned(),
            origins: origins.clone(),
            clock: dir.join("clock"),
        };
        let (app, store) = installation(&config, None).await;
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
        let world = Self { sim, hands, app, store, dir: dir.to_owned(), database: database.to_owned(), origins, managers, http };
        for email in world.everybody() {
            assert!(world.consent(&email).await.unwrap(), "{email} is new");
        }
        world.app.drain(10_000).await.unwrap();
        let grants = world.grants().await;
        assert!(grants.len() == world.everybody().len() && grants.values().all(Grant::is_usable), "everybody is connected");
        world
    }

    /// Addresses of all managers.
    pub fn everybody(&self) -> Vec<String> {
        self.managers.values().flatten().cloned().collect()
    }

    /// The configuration of the processes: business clocks five minutes apart, the provider's in the middle.
    pub fn nodes(&self, scale: &Scale, seed: u64) -> Vec<Config> {
        let apart = 300 / i64::try_from(scale.nodes - 1).unwrap();
        (0..scale.nodes)
            .map(|slot| Config {
                slot,
                skew_seconds: i64::try_from(slot).unwrap() * apart - 150,
                seed: seed * 1_000_000 + 100_000 * (u64::try_from(slot).unwrap() + 1),
                database: self.database.clone(),
                origins: self.origins.clone(),
                clock: self.dir.join("clock"),
            })
            .collect()
    }

    /// The manager presses *accept*. `false`: the grant stands, there is nothing to ask for.
    pub async fn consent(&self, email: &str) -> app::Result<bool> {
        let Setup::NeedsAuthorization { url, .. } = self.app.setup(email, None, false, &Caller::system()).await? else {
            return Ok(false);
        };
        let mut form: Vec<(String, String)> =
            url.query_pairs().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        form.push(("user".into(), email.into()));
        form.push(("decision".into(), "accept".into()));
        let target = url.join("/oauth/v2/auth/decide").unwrap();
        let answer = self.http.post(target).form(&form).send().await.unwrap();
        let location: Url = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        let get = |name: &str| location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let callback = Callback {
            code: get("code"),
            state: get("state"),
            location: get("location"),
            accounts_server: get("accounts-server"),
            error: get("error"),
        };
        self.app.callback(callback, &Caller::system()).await?;
        Ok(true)
    }

    /// All grants by the manager's address.
    pub async fn grants(&self) -> BTreeMap<String, Grant> {
        let mut found = BTreeMap::new();
        let grants = self.store.grants(Page::first(1_000)).await.unwrap();
        let persons: Vec<_> = grants.iter().map(|grant| grant.person).collect();
        let persons = self.store.persons(&persons).await.unwrap();
        for grant in grants {
            let owner = persons.iter().find(|person| person.id == grant.person).unwrap();
            found.insert(owner.email().unwrap().to_string(), grant);
        }
        found
    }

    /// Alerts that were ever raised.
    pub async fn alerts(&self) -> Vec<Alert> {
        self.store.alerts(false, 100_000).await.unwrap()
    }
}

/// The data centre of a manager.
pub fn data_centre(email: &str) -> &'static str {
    DATA_CENTRES.into_iter().find(|dc| email.starts_with(dc)).unwrap()
}
