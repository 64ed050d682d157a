//! A simulator with two data centres, three people and a calendar full of what calendars hold; and our client of it.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use calendars::{
    Zoho, ZohoConfig,
    http::{Route, client},
    zoho::{Timing, parse_hosts, parse_scopes},
};
use domain::{TimeRange, Timestamp, Zone};
use ports::{
    CalendarProvider,
    calendar::{Access, Answer, EventDraft, TokenAnswer},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;
use vault::{AuthorizationCode, ClientSecret};
use zoho_sim::{Armed, DataCentre, Options, Sim, Switches};

pub const ANA: &str = "ana@example.com";
pub const BRUNO: &str = "bruno@example.com";
/// The marker that an unclear create is found again by.
pub const MARKER: &str = "https://greenroom.example.com/i/itv_1";
pub const STATE: &str = "st/1+a b";
const REDIRECT: &str = "http://localhost:8040/api/oauth/callback/";
const CLIENT_ID: &str = "1000.TESTCLIENT";
/// The pair of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// 2026-03-02T08:00:00Z, a Monday.
const START: i64 = 1_772_438_400;

/// The simulator and its clock.
pub struct Scene {
    pub sim: Sim,
    pub zoho: Zoho,
    clock: Arc<AtomicI64>,
    hosts: String,
    first: Url,
}

/// What a consent gave.
pub struct Consented {
    pub centre: String,
    pub tokens: TokenAnswer,
}

impl Consented {
    pub fn access(&self) -> Access {
        Access { data_centre: self.centre.clone(), token: self.tokens.access.clone(), zone: None }
    }
}

/// `us` with ana (New York), `eu` with bruno (Madrid) and chandra (Kolkata); our client is at home in `us`.
pub async fn scene(switches: Switches) -> Scene {
    drop(rustls::crypto::ring::default_provider().install_default());
    let clock = Arc::new(AtomicI64::new(START));
    let (mut listeners, mut data_centres, mut hosts) = (Vec::new(), Vec::new(), Vec::new());
    for location in ["us", "eu"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        data_centres.push(DataCentre { location: location.to_owned(), origin: Url::parse(&origin).unwrap() });
        hosts.push(format!("{location}={origin}"));
        listeners.push((location, listener));
    }
    let first = data_centres[0].origin.clone();
    let ticks = Arc::clone(&clock);
    let per_dc = switches.per_dc_secret;
    let sim = Sim::new(Options {
        clock: Arc::new(move || Timestamp::from_second(ticks.load(Ordering::SeqCst)).unwrap()),
        data_centres,
        switches,
        state_dir: None,
        seed: 1,
    })
    .unwrap();
    people(&sim);
    for (location, listener) in listeners {
        let sim = sim.clone();
        tokio::spawn(async move { sim.serve(location, listener, std::future::pending()).await.unwrap() });
    }
    let hosts = hosts.join(",");
    let zoho = zoho(&hosts, &first, calendars::zoho::DEFAULT_SCOPES, per_dc);
    Scene { sim, zoho, clock, hosts, first }
}

fn people(sim: &Sim) {
    let secrets = [("us", "secret-of-us"), ("eu", "secret-of-eu")].map(|(dc, secret)| (dc.to_owned(), secret.to_owned()));
    sim.with(|world, now| {
        world.accounts.put_client(zoho_sim::Client {
            client_id: CLIENT_ID.to_owned(),
            secret: "secret-of-all".to_owned(),
            dc_secrets: BTreeMap::from(secrets),
            name: "Greenroom".to_owned(),
            redirect_uris: vec![REDIRECT.to_owned()],
            multi_dc: true,
            home: "us".to_owned(),
        });
        for (email, first, last, location, zone) in [
            (ANA, "Ana", "Diaz", "us", "America/New_York"),
            (BRUNO, "Bruno", "Gil", "eu", "Europe/Madrid"),
            ("chandra@example.com", "Chandra", "Rao", "eu", "Asia/Kolkata"),
        ] {
            world.add_user((email, first, last), location, zone, now).unwrap();
        }
    });
}

fn zoho(hosts: &str, first: &Url, scopes: &str, per_dc: bool) -> Zoho {
    let of = |location: &str| (location.to_owned(), ClientSecret::new(format!("secret-of-{location}")));
    let config = ZohoConfig {
        client_id: CLIENT_ID.to_owned(),
        client_secret: ClientSecret::new("secret-of-all".to_owned()),
        refresh_limit: 10,
        data_centre_secrets: if per_dc { BTreeMap::from([of("us"), of("eu")]) } else { BTreeMap::new() },
        redirect_uri: REDIRECT.to_owned(),
        scopes: parse_scopes(scopes),
        accounts_url: first.clone(),
        hosts: parse_hosts(hosts).unwrap(),
    };
    let limit = Duration::from_secs(20);
    Zoho::with_timing(config, Timing { connect: limit, accounts: limit, read: limit, write: limit }).unwrap()
}

impl Scene {
    /// The same client with other scopes.
    pub fn with_scopes(&self, scopes: &str) -> Zoho {
        zoho(&self.hosts, &self.first, scopes, self.sim.with(|world, _| world.switches.per_dc_secret))
    }

    /// A client that gives up soon, for answers that never come.
    pub fn impatient(&self, patience: Duration) -> Zoho {
        let config = ZohoConfig {
            client_id: CLIENT_ID.to_owned(),
            client_secret: ClientSecret::new("secret-of-all".to_owned()),
            refresh_limit: 10,
            data_centre_secrets: BTreeMap::new(),
            redirect_uri: REDIRECT.to_owned(),
            scopes: parse_scopes(calendars::zoho::DEFAULT_SCOPES),
            accounts_url: self.first.clone(),
            hosts: parse_hosts(&self.hosts).unwrap(),
        };
        Zoho::with_timing(config, Timing { connect: Duration::from_secs(20), accounts: patience, read: patience, write: patience })
            .unwrap()
    }

    pub fn advance(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn switches<R>(&self, change: impl FnOnce(&mut Switches) -> R) -> R {
        self.sim.with(|world, _| change(&mut world.switches))
    }

    pub fn arm(&self, fault: Value) {
        let armed: Armed = serde_json::from_value(fault).unwrap();
        self.sim.with(|world, _| world.faults.arm(armed));
    }

    /// The person accepts on the consent page that our URL leads to; gives what comes back to us.
    pub async fn consent(&self, zoho: &Zoho, email: &str) -> HashMap<String, String> {
        let url = zoho.authorization_url(STATE, CHALLENGE, email);
        let mut form: HashMap<String, String> = url.query_pairs().into_owned().collect();
        form.insert("user".to_owned(), email.to_owned());
        form.insert("decision".to_owned(), "accept".to_owned());
        let decide = url.join("/oauth/v2/auth/decide").unwrap();
        let http = client(Duration::from_secs(20), Route::Loopback).unwrap();
        let answer = http.post(decide).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        let location = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        assert!(location.as_str().starts_with(REDIRECT));
        location.query_pairs().into_owned().collect()
    }

    /// Exchanges what came back.
    pub async fn exchange(&self, zoho: &Zoho, back: &HashMap<String, String>) -> Answer<Consented> {
        let text = |key: &str| back.get(key).map(String::as_str);
        let centre = zoho.data_centre(text("location"), text("accounts-server"))?;
        let code = AuthorizationCode::new(back["code"].clone());
        let tokens = zoho.exchange(&centre, &code, VERIFIER).await?;
        Ok(Consented { centre, tokens })
    }

    /// Consent and exchange.
    pub async fn connect(&self, zoho: &Zoho, email: &str) -> Consented {
        let back = self.consent(zoho, email).await;
        assert_eq!(back["state"], STATE);
        self.exchange(zoho, &back).await.unwrap()
    }

    /// Puts an event into the default calendar by hand; gives its uid.
    pub fn add(&self, email: &str, event: Value) -> String {
        self.sim.with(|world, now| world.add_by_hand(email, None, event, now)).unwrap()
    }

    /// What a week of a manager looks like, in New York; gives uids by name.
    pub fn fill(&self) -> BTreeMap<&'static str, String> {
        let at = |start: &str, end: &str| json!({"timezone": "America/New_York", "start": start, "end": end});
        let ten = |day: &str| at(&format!("{day}T100000"), &format!("{day}T103000"));
        let mut uids = BTreeMap::new();
        for (name, event) in [
            ("single", json!({"title": "Single", "dateandtime": ten("20260310")})),
            ("weekly", json!({"title": "Weekly", "dateandtime": ten("20260302"), "rrule": "FREQ=WEEKLY;COUNT=10"})),
            ("day", json!({"title": "Holiday", "isallday": true, "dateandtime": {"start": "20260312", "end": "20260312"}})),
            ("free", json!({"title": "Lunch", "transparency": 1, "dateandtime": ten("20260311")})),
            ("private", json!({"title": "Doctor", "isprivate": true, "dateandtime": ten("20260313")})),
            (
                "declined",
                json!({"title": "All hands", "organizer": "boss@example.net", "dateandtime": ten("20260314"),
                    "attendees": [{"email": ANA, "status": "DECLINED"}]}),
            ),
            (
                "hosted",
                json!({"title": "Hosted", "dateandtime": ten("20260315"), "attendees": [{"email": "x@example.net", "status": "DECLINED"}]}),
            ),
        ] {
            uids.insert(name, self.add(ANA, event));
        }
        let weekly = uids["weekly"].clone();
        self.sim.with(|world, now| world.delete_by_hand(ANA, &weekly, Some("20260316T140000Z"), now)).unwrap();
        uids
    }

    /// Mails that Zoho would have sent.
    pub fn mails(&self) -> usize {
        self.sim.with(|world, _| world.journal.mails().count())
    }
}

pub fn range(start: &str, end: &str) -> TimeRange {
    TimeRange::new(start.parse::<Timestamp>().unwrap(), end.parse::<Timestamp>().unwrap()).unwrap()
}

/// An interview on Tuesday 17 March, 15:00 in New York.
pub fn draft() -> EventDraft {
    EventDraft {
        title: "Interview with Bo Li".to_owned(),
        description: format!("Marker {MARKER}"),
        location: Some("Room 1".to_owned()),
        url: Some(MARKER.to_owned()),
        range: range("2026-03-17T19:00:00Z", "2026-03-17T20:00:00Z"),
        zone: Zone::new("America/New_York").unwrap(),
        make_meeting: false,
    }
}
