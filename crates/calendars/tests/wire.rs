//! The wire: a small server that answers oddly, and what the client sends to it, byte by byte.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Response},
};
use calendars::{
    Registry, Zoho, ZohoConfig,
    zoho::{DEFAULT_SCOPES, Timing, parse_hosts, parse_scopes},
};
use domain::{TimeRange, Timestamp, Zone};
use futures_util::stream;
use ports::{
    CalendarProvider,
    calendar::{Access, EventDraft, EventPatch, FailureClass, ListMode},
};
use url::Url;
use vault::{AccessToken, AuthorizationCode, ClientSecret, RefreshToken};

const CALENDAR: &str = "0fd31be0b5be4c1a9bdc36a5cd5d7f5a";
const EVENT: &str = "5d0f7d2e1a9b4c0c8f0e3b6a7c112233@zoho.com";
const TOKEN: &str = "1000.access.c0ffee";
const SECRET: &str = "client-secret-c0ffee";

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Seen {
    method: String,
    /// Path and query, not decoded.
    target: String,
    headers: HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A form field or query parameter.
    fn param(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pairs = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Vec<_>>();
        pairs(query).into_iter().chain(pairs(&self.body)).find(|(known, _)| known == name).map(|(_, value)| value)
    }
}

/// Answers by what was asked.
type Answering = Box<dyn Fn(&Seen) -> (u16, String) + Send + Sync>;

/// What the server answers.
enum Odd {
    Answer(u16, &'static str),
    With(Answering),
    Header(u16, &'static str, String),
    /// Headers that promise more than comes.
    Truncated,
    Huge(usize),
    Hang,
}

struct World {
    zoho: Zoho,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl World {
    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn answer(odd: &Odd, seen: &Seen) -> Response<Body> {
    let plain = |status: u16, body: String| Response::builder().status(status).body(Body::from(body)).unwrap();
    match odd {
        Odd::Answer(status, body) => plain(*status, (*body).to_owned()),
        Odd::With(answer) => {
            let (status, body) = answer(seen);
            plain(status, body)
        }
        Odd::Header(status, name, value) => {
            Response::builder().status(*status).header(*name, value.as_str()).body(Body::empty()).unwrap()
        }
        Odd::Truncated => {
            let pieces = [Ok(Bytes::from_static(b"{\"events\":[")), Err(std::io::Error::other("cut"))];
            Response::builder().status(200).body(Body::from_stream(stream::iter(pieces))).unwrap()
        }
        Odd::Huge(bytes) => {
            let chunk = Bytes::from(vec![b' '; 64 * 1024]);
            let chunks = bytes / chunk.len();
            let body = stream::iter((0..chunks).map(move |_| Ok::<_, Infallible>(chunk.clone())));
            Response::builder().status(200).body(Body::from_stream(body)).unwrap()
        }
        Odd::Hang => std::future::pending().await,
    }
}

async fn serve(odd: Odd) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let (odd, seen) = (Arc::new(odd), Arc::new(Mutex::new(Vec::new())));
    let record = Arc::clone(&seen);
    let router = Router::new().fallback(move |request: Request| {
        let (odd, record) = (Arc::clone(&odd), Arc::clone(&record));
        async move {
            let (parts, body) = request.into_parts();
            let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
            let target = parts.uri.path_and_query().map_or_else(String::new, ToString::to_string);
            let one = Seen { method: parts.method.to_string(), target, headers: parts.headers, body };
            record.lock().unwrap().push(one.clone());
            answer(&odd, &one).await
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, seen)
}

fn config(hosts: &str, accounts: &str) -> ZohoConfig {
    // Another test of this process may have installed it first; either way it is there.
    drop(rustls::crypto::ring::default_provider().install_default());
    ZohoConfig {
        client_id: "1000.CLIENT".to_owned(),
        client_secret: ClientSecret::new(SECRET.to_owned()),
        refresh_limit: 10,
        data_centre_secrets: [("eu".to_owned(), ClientSecret::new("european".to_owned()))].into(),
        redirect_uri: "http://localhost:8040/api/oauth/callback/".to_owned(),
        scopes: parse_scopes(DEFAULT_SCOPES),
        accounts_url: Url::parse(accounts).unwrap(),
        hosts: parse_hosts(hosts).unwrap(),
    }
}

fn client(origin: &str) -> Zoho {
    let short = Duration::from_millis(400);
    let timing = Timing { connect: Duration::from_secs(2), accounts: short, read: short, write: short };
    Zoho::with_timing(config(&format!("us={origin}"), origin), timing).unwrap()
}

async fn world(odd: Odd) -> World {
    let (origin, seen) = serve(odd).await;
    World { zoho: client(&origin), seen }
}

fn access() -> Access {
    Access { data_centre: "us".to_owned(), token: AccessToken::new(TOKEN.to_owned()), zone: None }
}

fn range(start: &str, end: &str) -> TimeRange {
    TimeRange::new(start.parse::<Timestamp>().unwrap(), end.parse::<Timestamp>().unwrap()).unwrap()
}

fn draft() -> EventDraft {
    EventDraft {
        title: "Interview with Bo & Co = 100 %".to_owned(),
        description: "Marker: itv_1 ünïcode".to_owned(),
        location: Some("Room 1".to_owned()),
        url: Some("https://greenroom.example.com/i/itv_1".to_owned()),
        range: range("2026-03-10T09:00:00Z", "2026-03-10T09:30:00Z"),
        zone: Zone::new("Europe/Madrid").unwrap(),
        make_meeting: false,
    }
}

fn patch() -> EventPatch {
    EventPatch { range: draft().range, zone: draft().zone, etag: "1772500000123".to_owned() }
}

fn week() -> TimeRange {
    range("2026-03-09T00:00:00Z", "2026-03-16T00:00:00Z")
}

const CREATED: &str = include_str!("golden/created.json");
const LISTED: &str = include_str!("golden/events_by_instance.json");
const CALENDARS: &str = include_str!("golden/calendars.json");

/// The list needs the calendar's zone for its all-day entry.
fn lists_and_calendars() -> Odd {
    Odd::With(Box::new(|seen: &Seen| (200, if seen.target.contains("/events") { LISTED } else { CALENDARS }.to_owned())))
}

#[tokio::test]
async fn a_create_is_a_form_with_eventdata_and_the_documented_header() {
    let world = world(Odd::Answer(200, CREATED)).await;
    let written = world.zoho.create(&access(), CALENDAR, &draft()).await.unwrap();
    assert_eq!((written.uid.as_str(), written.etag.as_str()), (EVENT, "1772500000123"));
    let [seen] = &world.seen()[..] else { panic!("one call") };
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", &*format!("/api/v1/calendars/{CALENDAR}/events")));
    assert_eq!(seen.header("authorization"), format!("Zoho-oauthtoken {TOKEN}"));
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    assert!(seen.header("user-agent").starts_with("Greenroom/"));
    let data: serde_json::Value = serde_json::from_str(&seen.param("eventdata").unwrap()).unwrap();
    assert_eq!(data["title"], "Interview with Bo & Co = 100 %");
    assert_eq!(data["dateandtime"]["start"], "20260310T100000+0100");
    assert_eq!(data["notify_attendee"], 0);
    assert!(data.get("attendees").is_none());
}

#[tokio::test]
async fn the_at_of_a_uid_stays_literal_on_the_wire() {
    let world = world(Odd::Answer(200, include_str!("golden/event.json"))).await;
    let event = world.zoho.event(&access(), CALENDAR, EVENT).await.unwrap().unwrap();
    assert_eq!(event.meeting_url.as_deref(), Some("https://meeting.zoho.eu/meeting/123"));
    world.zoho.reschedule(&access(), CALENDAR, EVENT, &patch()).await.unwrap();
    world.zoho.delete(&access(), CALENDAR, EVENT, "17").await.unwrap_err();
    let targets: Vec<String> = world.seen().iter().map(|seen| seen.target.split('?').next().unwrap().to_owned()).collect();
    assert!(targets.iter().all(|target| *target == format!("/api/v1/calendars/{CALENDAR}/events/{EVENT}")), "{targets:?}");
}

#[tokio::test]
async fn a_move_patches_the_time_and_nothing_that_is_hers() {
    let world = world(Odd::Answer(200, CREATED)).await;
    world.zoho.reschedule(&access(), CALENDAR, EVENT, &patch()).await.unwrap();
    let [seen] = &world.seen()[..] else { panic!("one call") };
    assert_eq!(seen.method, "PATCH");
    let data: serde_json::Value = serde_json::from_str(&seen.param("eventdata").unwrap()).unwrap();
    let keys: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["dateandtime", "etag", "notify_attendee"]);
    assert_eq!(data["notify_attendee"], 0);
}

#[tokio::test]
async fn without_patch_everything_that_is_there_is_written_again() {
    let (route, key) =
        (r#"{"error":[{"error_code":"URL_RULE_NOT_CONFIGURED"}]}"#, r#"{"error":[{"error_code":"EXTRA_KEY_FOUND_IN_JSON"}]}"#);
    for (status, unknown) in [(404, route), (404, "<html>"), (405, ""), (400, key)] {
        replaces(status, unknown).await;
    }
}

async fn replaces(status: u16, unknown: &'static str) {
    let world = world(Odd::With(Box::new(move |seen: &Seen| match seen.method.as_str() {
        "PATCH" => (status, unknown.to_owned()),
        "GET" => (200, include_str!("golden/event.json").to_owned()),
        _ => (200, CREATED.to_owned()),
    })))
    .await;
    world.zoho.reschedule(&access(), CALENDAR, EVENT, &patch()).await.unwrap();
    let seen = world.seen();
    let (get, put) = (&seen[1], &seen[2]);
    assert_eq!(get.header("accept"), "application/json+large", "or her notes would be cleared");
    assert_eq!(put.method, "PUT");
    let data: serde_json::Value = serde_json::from_str(&put.param("eventdata").unwrap()).unwrap();
    assert_eq!((&data["title"], &data["attendees"][0]["email"]), (&"Intro call".into(), &"bob@example.net".into()));
    let stale = EventPatch { etag: "16".to_owned(), ..patch() };
    let error = world.zoho.reschedule(&access(), CALENDAR, EVENT, &stale).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Changed, false));
}

#[tokio::test]
async fn a_move_whose_body_is_not_read_goes_into_the_query_once() {
    let world = world(Odd::With(Box::new(|seen: &Seen| {
        let missing = r#"{"error":[{"error_code":"LESS_THAN_MIN_OCCURANCE"}]}"#;
        if seen.target.contains("eventdata") { (200, CREATED.to_owned()) } else { (400, missing.to_owned()) }
    })))
    .await;
    world.zoho.reschedule(&access(), CALENDAR, EVENT, &patch()).await.unwrap();
    let [body, query] = &world.seen()[..] else { panic!("two calls") };
    assert_eq!((body.method.as_str(), query.method.as_str()), ("PATCH", "PATCH"));
    assert_eq!(body.param("eventdata"), query.param("eventdata"));
    assert_eq!(query.body, "");
    let error = world.zoho.create(&access(), CALENDAR, &draft()).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Refused, false), "names and notes stay out of URLs");
}

#[tokio::test]
async fn a_delete_carries_its_etag_and_notifies_nobody() {
    let world = world(Odd::Answer(200, include_str!("golden/deleted.json"))).await;
    world.zoho.delete(&access(), CALENDAR, EVENT, "17").await.unwrap();
    let [seen] = &world.seen()[..] else { panic!("one call") };
    assert_eq!((seen.method.as_str(), seen.header("etag")), ("DELETE", "17"));
    assert_eq!(seen.param("eventdata").unwrap(), r#"{"etag":"17","notify_attendee":0}"#);
}

#[tokio::test]
async fn lists_ask_in_pieces_of_at_most_thirty_days_that_overlap() {
    let world = world(lists_and_calendars()).await;
    let quarter = range("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    let events = world.zoho.events(&access(), CALENDAR, quarter, ListMode::Instances).await.unwrap();
    assert_eq!(events.len(), 7, "the same answer four times is one");
    let seen = world.seen();
    let lists: Vec<&Seen> = seen.iter().filter(|seen| seen.target.contains("/events")).collect();
    let parsed = |key: &str, seen: &Seen| {
        let range: serde_json::Value = serde_json::from_str(&seen.param("range").unwrap()).unwrap();
        jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", range[key].as_str().unwrap()).unwrap()
    };
    let windows: Vec<_> = lists.iter().map(|seen| (parsed("start", seen), parsed("end", seen))).collect();
    assert!(windows.len() >= 4 && windows.iter().all(|(from, to)| from.duration_until(*to).as_hours() <= 30 * 24), "{windows:?}");
    assert!(windows.windows(2).all(|pair| pair[1].0 < pair[0].1), "no holes: {windows:?}");
    assert!(
        lists.iter().all(|seen| seen.param("byinstance").as_deref() == Some("true") && seen.header("accept") == "application/json")
    );
    assert_eq!(seen.len() - lists.len(), 1, "the calendar's zone, once");
}

#[tokio::test]
async fn descriptions_are_asked_for_by_header_and_without_instances() {
    let world = world(lists_and_calendars()).await;
    world.zoho.events(&access(), CALENDAR, week(), ListMode::WithDescription).await.unwrap();
    let list = &world.seen()[0];
    assert_eq!(list.header("accept"), "application/json+large");
    assert_eq!(list.param("byinstance"), None);
}

#[tokio::test]
async fn one_failed_piece_fails_the_whole_list() {
    let calls = Mutex::new(0);
    let world = world(Odd::With(Box::new(move |_: &Seen| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        if *calls == 3 { (500, String::new()) } else { (200, r#"{"events":[]}"#.to_owned()) }
    })))
    .await;
    let quarter = range("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    let error = world.zoho.events(&access(), CALENDAR, quarter, ListMode::Instances).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Passing);
}

#[tokio::test]
async fn the_token_endpoint_gets_a_form_and_nothing_in_the_url() {
    let world = world(Odd::Answer(200, include_str!("golden/token_exchange.json"))).await;
    let code = AuthorizationCode::new("1000.code".to_owned());
    let tokens = world.zoho.exchange("us", &code, "verifier").await.unwrap();
    assert_eq!((tokens.access.expose(), tokens.expires_in), ("1000.aaaa.bbbb", 3600));
    world.zoho.refresh("us", &RefreshToken::new("1000.refresh".to_owned())).await.unwrap();
    let [exchange, refresh] = &world.seen()[..] else { panic!("two calls") };
    for seen in [exchange, refresh] {
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/oauth/v2/token"));
        assert_eq!(seen.param("client_id").as_deref(), Some("1000.CLIENT"));
        assert_eq!(seen.param("client_secret").as_deref(), Some(SECRET));
    }
    assert_eq!(exchange.param("grant_type").as_deref(), Some("authorization_code"));
    assert_eq!(exchange.param("code_verifier").as_deref(), Some("verifier"));
    assert_eq!(exchange.param("redirect_uri").as_deref(), Some("http://localhost:8040/api/oauth/callback/"));
    assert_eq!(refresh.param("refresh_token").as_deref(), Some("1000.refresh"));
}

#[tokio::test]
async fn a_data_centre_with_its_own_secret_gets_that_one() {
    let (origin, seen) = serve(Odd::Answer(200, include_str!("golden/token_refresh.json"))).await;
    let zoho = Zoho::new(config(&format!("us=http://localhost:1,eu={origin}"), "http://localhost:1")).unwrap();
    zoho.refresh("eu", &RefreshToken::new("1000.refresh".to_owned())).await.unwrap();
    assert_eq!(seen.lock().unwrap()[0].param("client_secret").as_deref(), Some("european"));
}

#[tokio::test]
async fn revocation_falls_back_to_the_query_string_once() {
    let reads_query = world(Odd::With(Box::new(|seen: &Seen| {
        if seen.target.contains('?') { (200, r#"{"status":"success"}"#.to_owned()) } else { (400, "{}".to_owned()) }
    })))
    .await;
    let token = RefreshToken::new("1000.refresh".to_owned());
    reads_query.zoho.revoke("us", &token).await.unwrap();
    let targets: Vec<String> = reads_query.seen().iter().map(|seen| seen.target.clone()).collect();
    assert_eq!(targets, ["/oauth/v2/token/revoke", "/oauth/v2/token/revoke?token=1000.refresh"]);
    let unknown = world(Odd::Answer(400, r#"{"error":"invalid_code"}"#)).await;
    unknown.zoho.revoke("us", &token).await.unwrap();
    assert_eq!(unknown.seen().len(), 2);
}

#[tokio::test]
async fn odd_answers_to_reads_are_failures_and_never_empty() {
    for (odd, class) in [
        (Odd::Answer(200, "<html><body>Sign in</body></html>"), FailureClass::Protocol),
        (Odd::Answer(200, "{}"), FailureClass::Protocol),
        (Odd::Answer(200, ""), FailureClass::Protocol),
        (Odd::Answer(200, "null"), FailureClass::Protocol),
        (Odd::Answer(204, ""), FailureClass::Protocol),
        (Odd::Answer(500, "{}"), FailureClass::Passing),
        (Odd::Answer(502, "<html>"), FailureClass::Passing),
        (Odd::Answer(200, r#"{"status":"failure","error":"Access Denied"}"#), FailureClass::Throttled),
        (
            Odd::Answer(200, r#"{"events":[],"calendars":[],"freebusy":[],"error":[{"error_code":"INVALID_OAUTHTOKEN"}]}"#),
            FailureClass::Unauthorized,
        ),
        (Odd::Header(429, "retry-after", "77".to_owned()), FailureClass::Throttled),
        (Odd::Header(302, "location", "https://example.net/".to_owned()), FailureClass::Protocol),
        (Odd::Truncated, FailureClass::Passing),
        (Odd::Huge(9 * 1024 * 1024), FailureClass::Protocol),
        (Odd::Hang, FailureClass::Passing),
    ] {
        let world = world(odd).await;
        let email = "ana@example.com".parse().unwrap();
        let errors = [
            world.zoho.calendars(&access()).await.unwrap_err(),
            world.zoho.events(&access(), CALENDAR, week(), ListMode::Instances).await.unwrap_err(),
            world.zoho.event(&access(), CALENDAR, EVENT).await.unwrap_err(),
            world.zoho.free_busy(&access(), &email, week()).await.unwrap_err(),
            world.zoho.identity(&access()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.class, error.may_have_happened), (class, false), "{error}");
            let wait = (class == FailureClass::Throttled && error.detail.contains("429")).then_some(77);
            assert_eq!(error.retry_after, wait, "{error}");
            assert!(!error.to_string().contains("c0ffee") && !error.to_string().contains("ana@"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_write_without_a_clear_answer_may_have_happened() {
    for (odd, class, unclear) in [
        (Odd::Hang, FailureClass::Passing, true),
        (Odd::Truncated, FailureClass::Passing, true),
        (Odd::Huge(9 * 1024 * 1024), FailureClass::Protocol, true),
        (Odd::Answer(500, ""), FailureClass::Passing, true),
        (Odd::Answer(200, "<html>"), FailureClass::Protocol, true),
        (Odd::Answer(200, "{}"), FailureClass::Protocol, true),
        (Odd::Answer(200, r#"{"events":[]}"#), FailureClass::Protocol, true),
        (Odd::Answer(200, r#"{"events":[{"uid":"5d0f7d2e1a9b4c0c8f0e3b6a7c112233@zoho.com"}]}"#), FailureClass::Protocol, true),
        (Odd::Answer(429, ""), FailureClass::Throttled, false),
        (Odd::Answer(401, r#"{"error":[{"error_code":"INVALID_OAUTHTOKEN"}]}"#), FailureClass::Unauthorized, false),
        (Odd::Answer(403, r#"{"error":[{"error_code":"OPERATION_NOT_PERMITTED"}]}"#), FailureClass::Refused, false),
        (Odd::Answer(400, r#"{"error":[{"error_code":"PATTERN_NOT_MATCHED"}]}"#), FailureClass::Refused, false),
    ] {
        let world = world(odd).await;
        for error in [
            world.zoho.create(&access(), CALENDAR, &draft()).await.unwrap_err(),
            world.zoho.reschedule(&access(), CALENDAR, EVENT, &patch()).await.unwrap_err(),
            world.zoho.delete(&access(), CALENDAR, EVENT, "17").await.unwrap_err(),
        ] {
            assert_eq!((error.class, error.may_have_happened), (class, unclear), "{error}");
            assert!(!error.to_string().contains("c0ffee") && !error.to_string().contains("Interview"), "{error}");
        }
        let writes = world.seen().iter().filter(|seen| seen.method != "GET").count();
        assert_eq!(writes, 3, "nothing is repeated");
    }
}

#[tokio::test]
async fn without_a_connection_nothing_happened() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&origin).create(&access(), CALENDAR, &draft()).await.unwrap_err();
    assert_eq!((error.class, error.may_have_happened), (FailureClass::Passing, false), "{error}");
}

#[tokio::test]
async fn odd_answers_of_the_token_endpoint_are_never_a_revocation() {
    for (odd, class) in [
        (Odd::Answer(200, "<html>"), FailureClass::Protocol),
        (Odd::Answer(200, "{}"), FailureClass::Protocol),
        (Odd::Answer(500, ""), FailureClass::Passing),
        (Odd::Answer(400, include_str!("golden/token_throttled.json")), FailureClass::Throttled),
        (Odd::Header(302, "location", "https://example.net/".to_owned()), FailureClass::Protocol),
        (Odd::Truncated, FailureClass::Passing),
        (Odd::Huge(2 * 1024 * 1024), FailureClass::Protocol),
        (Odd::Hang, FailureClass::Passing),
    ] {
        let world = world(odd).await;
        let error = world.zoho.refresh("us", &RefreshToken::new("1000.c0ffee".to_owned())).await.unwrap_err();
        assert_eq!(error.class, class, "{error}");
        assert!(!error.to_string().contains("c0ffee"), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let (elsewhere, followed) = serve(Odd::Answer(200, include_str!("golden/token_refresh.json"))).await;
    let world = world(Odd::Header(307, "location", format!("{elsewhere}/oauth/v2/token"))).await;
    let error = world.zoho.refresh("us", &RefreshToken::new("1000.refresh".to_owned())).await.unwrap_err();
    assert_eq!(error.class, FailureClass::Protocol);
    assert!(followed.lock().unwrap().is_empty(), "the secret stays where it was sent");
}

#[tokio::test]
async fn an_unlisted_data_centre_is_not_called() {
    let world = world(Odd::Answer(200, "{}")).await;
    let error = world.zoho.refresh("xx", &RefreshToken::new("1000.refresh".to_owned())).await.unwrap_err();
    assert_eq!(error.class, FailureClass::WrongDataCentre);
    let elsewhere = Access { data_centre: "uk".to_owned(), ..access() };
    assert_eq!(world.zoho.calendars(&elsewhere).await.unwrap_err().class, FailureClass::WrongDataCentre);
    assert!(world.seen().is_empty());
    assert_eq!(world.zoho.data_centre(Some("xx"), None).unwrap_err().class, FailureClass::WrongDataCentre);
    assert_eq!(world.zoho.data_centre(None, None).unwrap(), "us");
}

#[tokio::test]
async fn a_400_on_a_write_is_looked_into() {
    for code in ["SOMETHING_WRONG", "INVALID_DATA"] {
        looks(code).await;
    }
}

async fn looks(code: &'static str) {
    let odd = |live: &'static str| {
        Odd::With(Box::new(move |seen: &Seen| match seen.method.as_str() {
            "GET" => (200, live.to_owned()),
            _ => (400, format!(r#"{{"error":[{{"error_code":"{code}"}}]}}"#)),
        }))
    };
    let golden = include_str!("golden/event.json");
    for (live, etag, class) in [
        (r#"{"events":[]}"#, "1772500000123", FailureClass::Gone),
        (golden, "17", FailureClass::Changed),
        (golden, "1772500000123", FailureClass::Refused),
        ("<html>", "17", FailureClass::Protocol),
    ] {
        let world = world(odd(live)).await;
        let patch = EventPatch { etag: etag.to_owned(), ..patch() };
        let error = world.zoho.reschedule(&access(), CALENDAR, EVENT, &patch).await.unwrap_err();
        assert_eq!((error.class, error.may_have_happened), (class, false), "{live}");
        let deleted = world.zoho.delete(&access(), CALENDAR, EVENT, etag).await;
        assert_eq!(deleted.map_err(|error| error.class), if class == FailureClass::Gone { Ok(()) } else { Err(class) });
    }
}

#[tokio::test]
async fn gone_is_said_in_four_ways_and_a_page_is_none_of_them() {
    for body in [
        (404, r#"{"error":[{"error_code":"RESOURCE_NOT_FOUND"}]}"#),
        (400, r#"{"error":[{"error_code":"RESOURCE_NOT_FOUND"}]}"#),
        (200, r#"{"events":[]}"#),
        (200, r#"{"events":[{"uid":"5d0f7d2e1a9b4c0c8f0e3b6a7c112233@zoho.com","estatus":"deleted"}]}"#),
    ] {
        let world = world(Odd::Answer(body.0, body.1)).await;
        assert_eq!(world.zoho.event(&access(), CALENDAR, EVENT).await.unwrap(), None, "{body:?}");
    }
    for body in [(404, "<html>"), (404, ""), (404, r#"{"error":[{"error_code":"URL_RULE_NOT_CONFIGURED"}]}"#)] {
        let world = world(Odd::Answer(body.0, body.1)).await;
        assert_eq!(world.zoho.event(&access(), CALENDAR, EVENT).await.unwrap_err().class, FailureClass::Protocol, "{body:?}");
    }
}

#[test]
fn the_consent_page_gets_what_zoho_documents() {
    let zoho = Zoho::new(config("", "https://accounts.zoho.com")).unwrap();
    let url = zoho.authorization_url("st/1+a b", "challenge", "ana@example.com");
    assert_eq!(
        url.as_str(),
        "https://accounts.zoho.com/oauth/v2/auth?scope=ZohoCalendar.calendar.READ%2CZohoCalendar.event.ALL%2C\
         ZohoCalendar.freebusy.READ%2CAaaServer.profile.READ&client_id=1000.CLIENT&response_type=code&\
         redirect_uri=http%3A%2F%2Flocalhost%3A8040%2Fapi%2Foauth%2Fcallback%2F&access_type=offline&prompt=consent&\
         state=st%2F1%2Ba+b&code_challenge=challenge&code_challenge_method=S256"
    );
    let configured = Zoho::new(config("us=http://localhost:8041", "http://localhost:8041")).unwrap();
    let url = configured.authorization_url("s", "c", "ana@example.com");
    assert!(url.as_str().ends_with("&login_hint=ana%40example.com"), "{url}");
}

#[test]
fn scopes_and_origins_are_those_of_the_configuration() {
    let zoho = Zoho::new(config("us=http://localhost:8041", "http://localhost:8041")).unwrap();
    assert_eq!(zoho.required_scopes(), ["ZohoCalendar.calendar.READ", "ZohoCalendar.event.ALL"]);
    let origins = zoho.consent_origins();
    assert!(origins.contains(&"http://localhost:8041".to_owned()) && origins.contains(&"https://accounts.zoho.eu".to_owned()));
    assert!(!origins.contains(&"https://accounts.zoho.com".to_owned()));
    let registry = Registry::new().with(Arc::new(zoho));
    assert_eq!(registry.names().collect::<Vec<_>>(), ["zoho"]);
    assert!(registry.get("zoho").is_some() && registry.get("google").is_none());
}
