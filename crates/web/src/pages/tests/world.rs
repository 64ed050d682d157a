//! A provider nobody calls, a mailer that keeps nothing, and the small world the pages are shown with.

use std::sync::Arc;

use app::{App, Parts, Settings};
use async_trait::async_trait;
use axum::Router;
use domain::{
    EmailAddress, Id, TimeRange, Timestamp,
    alerts::Alert,
    calls::{CallCount, LendingDay},
    links::{Link, Purpose},
};
use ports::{
    CalendarProvider, Mailer,
    calendar::{
        Access, Answer, CalendarInfo, Consent, ConsentServer, Event, EventDraft, EventPatch, FailureClass, Identity, ListMode,
        ProviderError, TokenAnswer, Written,
    },
    mail::{Letter, MailError, Message},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use testkit::{FrozenClock, SeededEntropy};
use vault::{AuthorizationCode, Key, KeyRing, LinkKey, RefreshToken, hash_api_key, link_token};

use super::store::{FakeStore, Rows};
use crate::{WebState, router};

/// The session cookie's token.
pub const COOKIE: &str = "the-cookie-of-a-test";

/// What the form token of the log-in page is bound to.
pub const VISITOR: &str = "the-visitor-of-a-test";

/// The host requests go to.
pub const HOST: &str = "greenroom.example.com";

/// Called `zoho` with a page, `caldav` with servers.
struct NoProvider(Consent);

fn unreachable_provider<T>() -> Answer<T> {
    Err(ProviderError {
        class: FailureClass::Passing,
        retry_after: None,
        may_have_happened: false,
        invalid_grant: false,
        detail: "nobody is there".to_owned(),
    })
}

#[async_trait]
impl CalendarProvider for NoProvider {
    fn name(&self) -> &'static str {
        if self.0 == Consent::Page { "zoho" } else { "caldav" }
    }
    fn consent(&self) -> Consent {
        self.0.clone()
    }
    fn authorization_url(&self, state: &str, _: &str, _: &str) -> url::Url {
        format!("https://accounts.example.com/oauth/v2/auth?state={state}").parse().unwrap()
    }
    fn data_centre(&self, _: Option<&str>, _: Option<&str>) -> Answer<String> {
        Ok("us".to_owned())
    }
    fn required_scopes(&self) -> Vec<String> {
        Vec::new()
    }
    fn consent_origins(&self) -> Vec<String> {
        vec!["https://accounts.example.com".to_owned(), "https://accounts.example.org".to_owned()]
    }
    async fn exchange(&self, _: &str, _: &AuthorizationCode, _: &str) -> Answer<TokenAnswer> {
        unreachable_provider()
    }
    async fn refresh(&self, _: &str, _: &RefreshToken) -> Answer<TokenAnswer> {
        unreachable_provider()
    }
    async fn revoke(&self, _: &str, _: &RefreshToken) -> Answer<()> {
        unreachable_provider()
    }
    async fn identity(&self, _: &Access) -> Answer<Identity> {
        unreachable_provider()
    }
    async fn calendars(&self, _: &Access) -> Answer<Vec<CalendarInfo>> {
        unreachable_provider()
    }
    async fn events(&self, _: &Access, _: &str, _: TimeRange, _: ListMode) -> Answer<Vec<Event>> {
        unreachable_provider()
    }
    async fn event(&self, _: &Access, _: &str, _: &str) -> Answer<Option<Event>> {
        unreachable_provider()
    }
    async fn free_busy(&self, _: &Access, _: &EmailAddress, _: TimeRange) -> Answer<Option<Vec<TimeRange>>> {
        unreachable_provider()
    }
    async fn create(&self, _: &Access, _: &str, _: &EventDraft) -> Answer<Written> {
        unreachable_provider()
    }
    async fn reschedule(&self, _: &Access, _: &str, _: &str, _: &EventPatch) -> Answer<Written> {
        unreachable_provider()
    }
    async fn delete(&self, _: &Access, _: &str, _: &str, _: &str) -> Answer<()> {
        unreachable_provider()
    }
}

struct LocalMailer;

#[async_trait]
impl Mailer for LocalMailer {
    fn compose(&self, _: &Letter) -> Result<Message, MailError> {
        Err(MailError::Refused("pages write no mail".to_owned()))
    }
    async fn send(&self, _: &Message) -> Result<(), MailError> {
        Err(MailError::Refused("pages send no mail".to_owned()))
    }
    fn keeps_local(&self) -> bool {
        true
    }
    async fn forget(&self, _: &[String]) -> Result<(), MailError> {
        Ok(())
    }
}

fn row<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// An id that ends with `number`.
pub fn id(prefix: &str, number: u32) -> String {
    format!("{prefix}_{number:032x}")
}

pub const NOW: &str = "2026-11-24T09:00:00Z";

/// Everything the pages need to see, once.
pub struct World {
    pub store: FakeStore,
    pub clock: FrozenClock,
    pub app: App,
    link_key: LinkKey,
}

impl World {
    pub fn new(demo: bool) -> Self {
        Self::with_providers(demo, vec![Arc::new(NoProvider(Consent::Page))])
    }

    /// An installation whose operator set two CalDAV servers.
    pub fn with_servers() -> Self {
        let server = |code: &str, name: &str| ConsentServer { code: code.to_owned(), name: name.to_owned() };
        let servers = vec![server("work", "work (dav.example.com)"), server("home", "home <dav.example.net>")];
        let caldav = NoProvider(Consent::Password { servers });
        Self::with_providers(false, vec![Arc::new(NoProvider(Consent::Page)), Arc::new(caldav)])
    }

    fn with_providers(demo: bool, providers: Vec<Arc<dyn CalendarProvider>>) -> Self {
        let now: Timestamp = NOW.parse().unwrap();
        let clock = FrozenClock::at(now);
        let store = FakeStore { clock: Some(clock.clone()), ..FakeStore::default() };
        *store.rows.lock().unwrap() = rows();
        let key = Key::from_bytes([5; 32]);
        let link_key = LinkKey::derived_from(&key);
        let keys = KeyRing::new("2026".parse().unwrap(), key);
        let parts = Parts {
            store: Arc::new(store.clone()),
            providers,
            mailer: Arc::new(LocalMailer),
            poster: Arc::new(testkit::PostBox::default()),
            witness: None,
            erasure_list: None,
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(SeededEntropy::new(7)),
            key_source: Arc::new(keys.clone()),
            keys,
            installation: "test".to_owned(),
            settings: settings(demo),
        };
        Self { store, clock, app: App::new(parts), link_key }
    }

    pub fn router(&self) -> Router {
        router(WebState::new(self.app.clone(), Vec::new(), &[], "test"))
    }

    /// The token of the link row with that number.
    pub fn token(&self, purpose: Purpose, number: u32) -> String {
        link_token(&self.link_key, purpose.as_str(), &id("lnk", number))
    }

    /// Changes the rows.
    pub fn with(&self, change: impl FnOnce(&mut Rows)) {
        change(&mut self.store.rows.lock().unwrap());
    }

    /// Gives a link another end.
    pub fn change_link(&self, number: u32, change: impl FnOnce(&mut Link)) {
        let wanted: Id<Link> = id("lnk", number).parse().unwrap();
        self.with(|rows| change(rows.links.iter_mut().find(|link| link.id == wanted).unwrap()));
    }
}

fn alert(number: u32, kind: &str, subject: &str, ended_at: Option<&str>) -> Alert {
    row(json!({
        "id": id("alt", number), "rev": 1, "kind": kind, "subject": subject, "details": {}, "raised_at": "2026-11-24T08:30:00Z",
        "told_at": null, "ended_at": ended_at, "ended_told_at": null,
    }))
}

fn call(since: &str, operation: &str, class: &str, up_to_millis: i64, count: i64) -> CallCount {
    row(json!({
        "since": since, "provider": "zoho", "data_centre": "eu", "operation": operation, "class": class, "up_to_millis": up_to_millis,
        "count": count,
    }))
}

fn alerts() -> Vec<Alert> {
    vec![
        alert(1, "circuit_open", "zoho:eu", None),
        alert(2, "refresh_failing", &id("gra", 1), None),
        alert(3, "disk_low", "disk", Some("2026-11-24T08:45:00Z")),
    ]
}

fn calls() -> Vec<CallCount> {
    vec![
        call("2026-11-24T08:00:00Z", "list_events", "ok", 250, 40),
        call("2026-11-24T08:00:00Z", "list_events", "throttled", 50, 3),
        call("2026-11-24T09:00:00Z", "refresh", "ok", 1_000, 2),
    ]
}

fn lendings() -> Vec<LendingDay> {
    let (day, ends_at) = ("2026-11-24T00:00:00Z".parse().unwrap(), "2026-11-24T09:40:00Z".parse().unwrap());
    vec![LendingDay { grant: id("gra", 1).parse().unwrap(), day, count: 4, ends_at }]
}

fn settings(demo: bool) -> Settings {
    let zone = domain::Zone::utc();
    Settings {
        public_url: format!("https://{HOST}/").parse().unwrap(),
        company: "Example & Sons".to_owned(),
        recruiting_contact: Some("recruiting@example.com".parse().unwrap()),
        default_week: scheduling::Rules::usual(zone).to_draft().week,
        link_days: 7,
        lending: false,
        alerts: app::AlertSettings::default(),
        audit: app::AuditSettings::default(),
        retention_days: 180,
        demo,
        refresh: app::RefreshWhen::default(),
        timing: app::Timing::default(),
    }
}

fn link(number: u32, purpose: &str, subject: &str, person: Option<String>, outcome: Option<&str>) -> Link {
    row(json!({
        "id": id("lnk", number), "rev": 1, "purpose": purpose, "subject": subject, "person": person, "created_at": "2026-11-23T09:00:00Z",
        "expires_at": "2026-12-01T09:00:00Z", "outcome": outcome,
    }))
}

fn interview(number: u32, candidacy: u32, candidate: u32, state: &str, start: &str, end: &str) -> Value {
    json!({
        "id": id("itv", number), "rev": 3, "vacancy": id("vac", 1), "candidacy": id("cdy", candidacy), "round": 1,
        "participants": [
            {"person": id("per", 1), "role": "manager"},
            {"person": id("per", candidate), "role": "candidate", "confirmed_at": "2026-11-23T12:00:00Z"},
        ],
        "state": state, "provisional": false, "range": {"start": start, "end": end}, "zone": "Europe/Berlin", "intent_rev": 1, "written_rev": 1,
        "sequence": 0, "invited": true, "feedback": "not_due", "created_at": "2026-11-23T09:00:00Z", "booked_at": "2026-11-23T09:05:00Z",
        "event": {"calendar": "c1", "uid": "e1", "etag": "1", "written": {"start": start, "end": end}, "url": "https://calendar.example.com/e1"},
    })
}

/// Bo picked the time of the first interview.
fn choice() -> domain::choices::Choice {
    row(json!({
        "id": id("chc", 1), "rev": 2, "vacancy": id("vac", 1), "candidacy": id("cdy", 1), "person": id("per", 2), "round": 1,
        "asked_at": "2026-11-23T09:00:00Z", "reminders": 0, "interview": id("itv", 1), "created_at": "2026-11-23T09:00:00Z",
    }))
}

/// Bo's event was dragged two hours on, Cleo's stands under something new; so much else changed that nothing is believed.
fn look() -> domain::reality::Look {
    let sight = |number: u32, range: Value, seen: Value, overlaps: Value| {
        let at = "2026-11-24T08:57:00Z";
        json!({"interview": id("itv", number), "range": range, "seen": seen, "declined": number == 2, "overlaps": overlaps, "at": at})
    };
    let dragged = json!({"start": "2026-11-25T11:00:00Z", "end": "2026-11-25T12:00:00Z"});
    let over = json!({"start": "2026-11-26T13:30:00Z", "end": "2026-11-26T14:30:00Z"});
    let cleo = json!({"start": "2026-11-26T13:00:00Z", "end": "2026-11-26T14:00:00Z"});
    row(json!({
        "grant": id("gra", 1), "rev": 4, "tried_at": NOW, "near_at": "2026-11-24T08:57:00Z", "far_at": "2026-11-24T08:57:00Z",
        "read_at": "2026-11-24T08:57:00Z", "tags": [["c1", "7"]], "tags_at": NOW, "problem": "throttled", "held_at": "2026-11-24T08:53:00Z",
        "admitted": false,
        "sights": [
            sight(1, dragged.clone(), json!({"seen": "elsewhere", "at": dragged}), json!([])),
            sight(2, cleo, json!({"seen": "missing", "looks": 3, "since": "2026-11-24T08:53:00Z"}), json!([over])),
        ],
    }))
}

/// An account that has no password yet.
fn rob() -> domain::access::Account {
    row(json!({
        "id": id("acc", 1), "rev": 1, "email": "rob@example.com", "name": "Rob Recruiter", "role": "recruiter", "created_at": NOW,
    }))
}

/// A job that gave up.
fn dead_job() -> domain::jobs::Job {
    row(json!({
        "id": id("job", 1), "work": {"work": "settle", "interview": id("itv", 1)}, "sequence": 1, "due": NOW, "attempt": 8, "wake": 0, "state": "dead",
        "last_error": "the calendar refused the event", "created_at": NOW,
    }))
}

fn rows() -> Rows {
    let person = |number: u32, name: &str, email: &str, zone: Option<&str>| {
        row(
            json!({"id": id("per", number), "rev": 1, "name": name, "emails": [email], "zone": zone, "created_at": "2026-11-20T09:00:00Z"}),
        )
    };
    let vacancy = |number: u32, title: &str, state: &str| {
        json!({
            "id": id("vac", number), "rev": 1, "title": title, "manager": id("per", 1), "requested_by": "Robin Recruiter", "state": state,
            "rounds": [{"position": 1, "name": "First interview", "minutes": 60}], "place": {"kind": "url", "value": "https://meet.example.com/room"},
            "policy": {"provisional": true, "provisional_after_hours": 48}, "created_at": "2026-11-22T09:00:00Z",
        })
    };
    let mut approved = vacancy(1, "Engineer <Rust>", "approved");
    approved["approved_at"] = json!("2026-11-22T10:00:00Z");
    let candidacy = |number: u32, person: u32, unplaced: Option<Value>| {
        row(json!({
            "id": id("cdy", number), "rev": 1, "vacancy": id("vac", 1), "person": id("per", person), "position": number,
            "unplaced": unplaced, "created_at": "2026-11-22T09:30:00Z",
        }))
    };
    let booked = interview(1, 1, 2, "booked", "2026-11-25T09:00:00Z", "2026-11-25T10:00:00Z");
    let mut attention = interview(2, 2, 3, "attention", "2026-11-26T13:00:00Z", "2026-11-26T14:00:00Z");
    attention["attention"] = json!(["candidate_cannot", "2026-11-24T08:00:00Z"]);
    let mut done = interview(3, 3, 4, "done", "2026-11-23T13:00:00Z", "2026-11-23T14:00:00Z");
    done["feedback"] = json!("given");
    let mut proposed = interview(4, 4, 5, "proposed", "2026-11-27T13:00:00Z", "2026-11-27T14:00:00Z");
    proposed["provisional"] = json!(true);
    proposed["event"] = Value::Null;
    let grant = json!({
        "id": id("gra", 1), "rev": 5, "person": id("per", 1), "provider": "zoho", "state": "active", "data_centre": "eu", "generation": 2,
        "account": {"data_centre": "eu", "user_id": "1", "email": "ana@example.com"},
        "tokens": {"refresh": [1], "access": [2], "access_expires_at": "2026-11-24T09:40:00Z"},
        "scopes": ["ZohoCalendar.calendar.READ", "ZohoCalendar.event.ALL"],
        "refresh": {"succeeded_at": "2026-11-24T08:40:00Z", "next_at": "2026-11-24T09:30:00Z", "failures": 0, "attempts": []},
        "calendar": {"uid": "c1", "name": "Ana’s calendar", "zone": "Europe/Berlin", "is_default": true}, "busy_calendars": ["c1"],
        "connected_at": "2026-11-22T11:00:00Z", "created_at": "2026-11-22T10:00:00Z",
        "pending": {
            "account": {"data_centre": "us", "user_id": "2", "email": "other@example.org"}, "tokens": {"refresh": [1], "access": [2], "access_expires_at": "2026-11-24T09:40:00Z"},
            "scopes": [], "since": "2026-11-24T07:00:00Z", "why": "other_account",
        },
    });
    let ana = || Some(id("per", 1));
    Rows {
        persons: vec![
            person(1, "Ana Anders", "ana@example.com", Some("Europe/Berlin")),
            person(2, "Bo Berg", "bo@example.org", None),
            person(3, "Cleo Cruz", "cleo@example.org", Some("America/New_York")),
            person(4, "Dani Diaz", "dani@example.org", None),
            person(5, "Eli Erez", "eli@example.org", None),
        ],
        grants: vec![row(grant)],
        vacancies: vec![row(approved), row(vacancy(2, "Designer", "draft"))],
        candidacies: vec![
            candidacy(1, 2, None),
            candidacy(2, 3, None),
            candidacy(3, 4, None),
            candidacy(4, 5, Some(json!({"since": "2026-11-24T08:30:00Z", "reasons": ["busy", "daily_limit"]}))),
        ],
        choices: vec![choice()],
        interviews: vec![row(booked), row(attention), row(done), row(proposed)],
        feedback: vec![row(json!({
            "id": id("fbk", 1), "rev": 1, "interview": id("itv", 3), "author": id("per", 1), "submitted_at": "2026-11-23T15:00:00Z", "updated_at": "2026-11-23T15:00:00Z",
            "answers": {"technical": 8, "communication": 9, "problem_solving": 7, "culture": 10, "overall": 8, "strengths": "Clear & <kind>", "to_improve": "", "notes": "Two\nlines", "recommendation": "hire"},
        }))],
        links: vec![
            link(1, "permission", &id("per", 1), ana(), None),
            link(2, "oauth_state", &id("per", 1), ana(), Some("working")),
            link(3, "candidate", &id("itv", 1), Some(id("per", 2)), None),
            link(4, "manager", &id("itv", 1), ana(), None),
            link(5, "feedback", &id("itv", 3), ana(), None),
            link(6, "proposal", &id("itv", 4), ana(), None),
            link(7, "disconnect", &id("per", 1), ana(), None),
            link(8, "admin_login", "Ada Admin", None, None),
            link(9, "set_password", &id("acc", 1), None, None),
            link(10, "choice", &id("chc", 1), Some(id("per", 2)), None),
        ],
        keys: vec![row(
            json!({"id": id("key", 1), "rev": 1, "name": "recruiter", "hash": [0], "rights": ["read", "commit"], "created_at": NOW}),
        )],
        sessions: vec![row(json!({
            "id": id("ses", 1), "rev": 1, "hash": hash_api_key(COOKIE), "created_at": NOW, "expires_at": "2026-11-25T09:00:00Z",
        }))],
        accounts: vec![rob()],
        sightings: vec![look()],
        alerts: alerts(),
        calls: calls(),
        lendings: lendings(),
        jobs: vec![dead_job()],
        mails: vec![row(json!({
            "id": id("mai", 1), "message_id": "a@example.com", "kind": "candidate_booked", "to": "bo@example.org", "subject": "Your interview", "text": "Hello Bo,\nopen https://greenroom.example.com/c/abc.\n",
            "html": "<html><head><title>x</title></head><body><a href=\"https://greenroom.example.com/c/abc\">open</a></body></html>", "calendar": "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
            "about": id("itv", 1), "sent_at": NOW,
        }))],
        entries: vec![row(json!({
            "id": id("aud", 1), "at": NOW, "actor": {"kind": "api_key", "id": id("key", 1)}, "action": "vacancy.approved", "subject": id("vac", 1), "payload": {}, "salt": [],
        }))],
        ..Rows::default()
    }
}
