//! The server: one account, one calendar, objects in memory. It expands nothing and filters nothing: a window is the adapter's business.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Response},
};
use calendars::{
    Caldav, CaldavConfig,
    caldav::{CaldavServer, Timing, parse_servers},
};
use domain::{TimeRange, Timestamp, Zone};
use ports::{
    CalendarProvider, Clock,
    calendar::{Access, EventDraft},
};
use vault::{AccessToken, AuthorizationCode};

pub const USER: &str = "ana@example.com";
pub const PASSWORD: &str = "sesame-c0ffee";
pub const HOME: &str = "/dav/ana/";
pub const WORK: &str = "/dav/ana/work/";
pub const NOW: &str = "2026-03-02T08:00:00Z";

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method == method && self.path == path
    }
}

/// Status, headers and body.
pub type Reply = (u16, Vec<(&'static str, String)>, String);

pub fn plain(status: u16, body: &str) -> Reply {
    (status, Vec::new(), body.to_owned())
}

/// Answers instead of the server, if it has something to say.
type Odd = Box<dyn Fn(&Seen) -> Option<Reply> + Send + Sync>;

#[derive(Default)]
pub struct State {
    /// Path, then version and text.
    pub objects: Mutex<BTreeMap<String, (u32, String)>>,
    /// iCalendar text of the calendar's zone.
    pub zone: Mutex<Option<String>>,
    pub seen: Mutex<Vec<Seen>>,
    odd: Mutex<Option<Odd>>,
}

/// A server, the adapter, and access to the account.
pub struct World {
    pub caldav: Caldav,
    pub access: Access,
    pub state: Arc<State>,
    pub origin: String,
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW.parse().unwrap()
    }
}

/// What the server says about a resource.
pub fn response(href: &str, props: &str) -> String {
    format!(
        "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{props}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )
}

pub fn multistatus(responses: &str) -> Reply {
    let names = r#"xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:s="http://calendarserver.org/ns/""#;
    plain(207, &format!("<?xml version=\"1.0\"?><d:multistatus {names}>{responses}</d:multistatus>"))
}

fn quoted(version: u32) -> String {
    format!("\"v{version}\"")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('\r', "&#13;")
}

impl State {
    pub fn put(&self, name: &str, text: &str) {
        self.objects.lock().unwrap().insert(format!("{WORK}{name}"), (1, text.to_owned()));
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.objects.lock().unwrap().get(&format!("{WORK}{name}")).map(|(_, text)| text.clone())
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    fn answer(&self, seen: &Seen) -> Reply {
        match seen.method.as_str() {
            "PROPFIND" => self.propfind(seen),
            "REPORT" if seen.path == WORK => {
                let objects = self.objects.lock().unwrap();
                let list = objects.iter().map(|(path, (version, text))| {
                    let etag = escaped(&quoted(*version));
                    response(path, &format!("<d:getetag>{etag}</d:getetag><c:calendar-data>{}</c:calendar-data>", escaped(text)))
                });
                multistatus(&list.collect::<String>())
            }
            _ => self.object(seen),
        }
    }

    fn propfind(&self, seen: &Seen) -> Reply {
        match seen.path.as_str() {
            "/dav/" => multistatus(&response(
                "/dav/",
                "<d:current-user-principal><d:href>/dav/people/ana/</d:href></d:current-user-principal>",
            )),
            "/dav/people/ana/" => multistatus(&response(
                &seen.path,
                &format!(
                    "<d:displayname>Ana</d:displayname><c:calendar-home-set><d:href>{HOME}</d:href></c:calendar-home-set><c:calendar-user-address-set><d:href>mailto:{USER}</d:href></c:calendar-user-address-set>"
                ),
            )),
            HOME => multistatus(&(response(HOME, "<d:resourcetype><d:collection/></d:resourcetype>") + &self.calendar())),
            WORK => multistatus(&self.calendar()),
            path => match self.objects.lock().unwrap().get(path) {
                Some((version, _)) => multistatus(&response(path, &format!("<d:getetag>{}</d:getetag>", quoted(*version)))),
                None => plain(404, ""),
            },
        }
    }

    fn calendar(&self) -> String {
        let zone =
            self.zone.lock().unwrap().clone().map(|zone| format!("<c:calendar-timezone>{}</c:calendar-timezone>", escaped(&zone)));
        let kind = "<d:resourcetype><d:collection/><c:calendar/></d:resourcetype><d:displayname>Work</d:displayname><s:getctag>tag-1</s:getctag>";
        response(WORK, &format!("{kind}{}", zone.unwrap_or_default()))
    }

    fn object(&self, seen: &Seen) -> Reply {
        let mut objects = self.objects.lock().unwrap();
        let version = objects.get(&seen.path).map(|(version, _)| *version);
        let expected = seen.headers.get("if-match").map(|value| value.to_str().unwrap().to_owned());
        if expected.is_some() && expected != version.map(quoted) || seen.headers.contains_key("if-none-match") && version.is_some()
        {
            return plain(412, "");
        }
        match (seen.method.as_str(), version) {
            ("PUT", version) => {
                let next = version.unwrap_or(0) + 1;
                objects.insert(seen.path.clone(), (next, seen.body.clone()));
                (if version.is_some() { 204 } else { 201 }, vec![("etag", quoted(next))], String::new())
            }
            ("GET", Some(version)) => (200, vec![("etag", quoted(version))], objects[&seen.path].1.clone()),
            ("DELETE", Some(_)) => {
                objects.remove(&seen.path);
                plain(204, "")
            }
            _ => plain(404, ""),
        }
    }
}

pub async fn world() -> World {
    world_with(|url| parse_servers(&format!("here={url}")).unwrap()).await
}

pub async fn world_with(servers: impl FnOnce(&str) -> Vec<CaldavServer>) -> World {
    // Another test of this process may have installed it first; either way it is there.
    drop(rustls::crypto::ring::default_provider().install_default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let state = Arc::new(State::default());
    let kept = Arc::clone(&state);
    let router = Router::new().fallback(move |request: Request| {
        let state = Arc::clone(&kept);
        async move {
            let (parts, body) = request.into_parts();
            let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
            let seen = Seen { method: parts.method.to_string(), path: parts.uri.path().to_owned(), headers: parts.headers, body };
            state.seen.lock().unwrap().push(seen.clone());
            let odd = state.odd.lock().unwrap().as_ref().and_then(|odd| odd(&seen));
            let (status, headers, body) = odd.unwrap_or_else(|| state.answer(&seen));
            let response = Response::builder().status(status);
            headers.iter().fold(response, |response, (name, value)| response.header(*name, value)).body(Body::from(body)).unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let timing = Timing { connect: Duration::from_secs(2), read: Duration::from_secs(20), write: Duration::from_secs(5) };
    let config = CaldavConfig { servers: servers(&format!("{origin}/dav/")) };
    let caldav = Caldav::with_timing(config, Arc::new(Still), timing).unwrap();
    let token = AccessToken::new(format!("1:{USER}:{PASSWORD}"));
    let access = Access { data_centre: "here".to_owned(), token, zone: Zone::new("Europe/Berlin").ok() };
    World { caldav, access, state, origin }
}

impl World {
    /// From now on `odd` answers first.
    pub fn odd(&self, odd: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static) {
        *self.state.odd.lock().unwrap() = Some(Box::new(odd));
    }

    /// Every request of this method is answered so.
    pub fn always(&self, method: &'static str, reply: Reply) {
        self.odd(move |seen| (seen.method == method).then(|| reply.clone()));
    }

    pub async fn exchange(&self) -> ports::calendar::Answer<ports::calendar::TokenAnswer> {
        self.caldav.exchange("here", &AuthorizationCode::new(format!("{USER}:{PASSWORD}")), "").await
    }
}

pub fn range(start: &str, end: &str) -> TimeRange {
    TimeRange::new(start.parse().unwrap(), end.parse().unwrap()).unwrap()
}

pub fn march() -> TimeRange {
    range("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
}

pub fn object(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:x\n{lines}\nEND:VEVENT\nEND:VCALENDAR\n").replace('\n', "\r\n")
}

pub fn draft() -> EventDraft {
    EventDraft {
        title: "Interview with Bruno".to_owned(),
        description: "https://greenroom.example.com/interviews/int_0199aaaabbbbccccdddd".to_owned(),
        location: None,
        url: Some("https://greenroom.example.com/interviews/int_0199aaaabbbbccccdddd".to_owned()),
        range: range("2026-03-10T09:00:00Z", "2026-03-10T09:45:00Z"),
        zone: Zone::new("Europe/Berlin").unwrap(),
        make_meeting: false,
    }
}
