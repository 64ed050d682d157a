//! `/metrics`: numbers for Prometheus. For keys with the right `metrics`, and for the networks of `GREENROOM_METRICS_FROM`.
//!
//! Labels are codes that stand in the program, data centres and route templates: never an id, an address or anything a caller made up.

mod text;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use app::{Counters, Gauges, Histogram};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{Extensions, HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{access::Right, alerts::AlertKind, grants::GrantState, jobs::JobState};
use ipnet::IpNet;
use tokio::time::Instant;

use self::text::Page;
use crate::{WebState, api::access, error::Problem};

/// Upper bounds of the time a request takes, in milliseconds.
const REQUEST_BOUNDS_MILLIS: [i64; 8] = [5, 10, 25, 100, 250, 1_000, 5_000, 30_000];

/// What the operating system and the build say of this process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Process {
    /// The version of Greenroom.
    pub version: &'static str,
    /// The version of the time zone data; empty where it is not known.
    pub tzdata: String,
    /// When the process began, in seconds since 1970.
    pub started_seconds: i64,
    /// Memory it holds.
    pub resident_bytes: Option<u64>,
    /// Processor time it used, in microseconds.
    pub cpu_micros: Option<u64>,
    /// Files and connections it has open.
    pub open_files: Option<u64>,
}

/// How [`Process`] is found out; the binary knows.
pub type Ask = Arc<dyn Fn() -> Process + Send + Sync>;

/// Who may read, what is asked, and the requests counted so far.
#[derive(Clone)]
pub struct Metrics {
    from: Arc<[IpNet]>,
    ask: Ask,
    requests: Arc<Mutex<BTreeMap<Key, Times>>>,
}

/// Method, route template, status.
type Key = (&'static str, String, u16);

#[derive(Debug, Clone, Default)]
struct Times {
    counts: [u64; REQUEST_BOUNDS_MILLIS.len() + 1],
    sum_micros: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new(Vec::new(), Arc::new(Process::default))
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Metrics {
    /// `from`: networks that need no key.
    pub fn new(from: Vec<IpNet>, ask: Ask) -> Self {
        Self { from: from.into(), ask, requests: Arc::default() }
    }

    fn answered(&self, method: &Method, route: String, status: u16, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = REQUEST_BOUNDS_MILLIS.iter().position(|bound| micros <= bound.unsigned_abs() * 1_000);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let times = requests.entry((known(method), route, status)).or_default();
        if let Some(count) = times.counts.get_mut(place.unwrap_or(REQUEST_BOUNDS_MILLIS.len())) {
            *count += 1;
        }
        times.sum_micros = times.sum_micros.saturating_add(micros);
    }
}

/// Methods that callers made up are one.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Counts every request by the template of its route, never by its path.
pub(crate) async fn count(State(state): State<WebState>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let response = next.run(request).await;
    state.metrics.answered(&method, route, response.status().as_u16(), begun.elapsed());
    response
}

/// `GET /metrics`.
pub(crate) async fn show(State(state): State<WebState>, extensions: Extensions, headers: HeaderMap) -> Response {
    let peer = access::peer(&extensions);
    if !access::is_within(&state.metrics.from, &headers, peer)
        && let Err(denied) = access::require(&state, &headers, peer, Right::Metrics).await
    {
        return Problem::from(denied).into_response();
    }
    let begun = Instant::now();
    let gauges = match state.app.gauges().await {
        Ok(gauges) => Some((gauges, begun.elapsed())),
        Err(error) => {
            tracing::error!(%error, "the database does not say what it has; its metrics are left out");
            None
        }
    };
    let mut page = Page::default();
    process(&mut page, &(state.metrics.ask)());
    database(&mut page, gauges.as_ref());
    did(&mut page, &state.app.counters());
    requests(&mut page, &state.metrics);
    ([(header::CONTENT_TYPE, text::CONTENT_TYPE)], page.finish()).into_response()
}

fn process(page: &mut Page, process: &Process) {
    page.metric("greenroom_build_info", "gauge", "Always 1; the labels say which version runs with which time zone data.");
    page.sample("greenroom_build_info", &[("version", process.version), ("tzdata", &process.tzdata)], 1);
    page.single("process_start_time_seconds", "gauge", "When the process began, in seconds since 1970.", process.started_seconds);
    if let Some(bytes) = process.resident_bytes {
        page.single("process_resident_memory_bytes", "gauge", "Memory the process holds.", bytes);
    }
    if let Some(micros) = process.cpu_micros {
        let seconds = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
        page.single("process_cpu_seconds_total", "counter", "Processor time the process used.", seconds);
    }
    if let Some(files) = process.open_files {
        page.single("process_open_fds", "gauge", "Files and connections the process has open.", files);
    }
}

fn database(page: &mut Page, found: Option<&(Gauges, Duration)>) {
    page.single("greenroom_database_up", "gauge", "Whether the database answered just now.", u8::from(found.is_some()));
    let Some((gauges, took)) = found else { return };
    page.single(
        "greenroom_database_answer_seconds",
        "gauge",
        "How long the database took for the numbers of this page.",
        took.as_secs_f64(),
    );
    page.metric("greenroom_jobs", "gauge", "Jobs by kind and state, without those that are done.");
    for tally in &gauges.jobs {
        let state = match tally.state {
            JobState::Open => "open",
            JobState::Dead => "given_up",
            JobState::Stale => "too_late",
            JobState::Done => "done",
        };
        page.sample("greenroom_jobs", &[("kind", &tally.kind), ("state", state)], tally.count);
    }
    page.single(
        "greenroom_oldest_due_job_age_seconds",
        "gauge",
        "For how long the oldest open job has been due.",
        gauges.oldest_due_seconds,
    );
    page.metric("greenroom_grants", "gauge", "Managers' permissions by state.");
    for (state, name) in GRANT_STATES {
        let count = gauges.grants.iter().find(|(known, _)| *known == state).map_or(0, |(_, count)| *count);
        page.sample("greenroom_grants", &[("state", name)], count);
    }
    page.metric("greenroom_alerts", "gauge", "Alerts that last, by kind.");
    for kind in AlertKind::ALL {
        let severity = match kind.severity() {
            domain::alerts::Severity::Warning => "warning",
            domain::alerts::Severity::Critical => "critical",
        };
        let count = gauges.alerts.get(&kind).copied().unwrap_or(0);
        page.sample("greenroom_alerts", &[("kind", kind.code()), ("severity", severity)], count);
    }
}

const GRANT_STATES: [(GrantState, &str); 6] = [
    (GrantState::Requested, "requested"),
    (GrantState::Refused, "refused"),
    (GrantState::Unverified, "unverified"),
    (GrantState::Active, "active"),
    (GrantState::Dead, "dead"),
    (GrantState::Disconnected, "disconnected"),
];

fn did(page: &mut Page, counters: &Counters) {
    let name = "greenroom_provider_call_seconds";
    page.metric(name, "histogram", "Calls to calendar providers by data centre, operation and outcome, and how long they took.");
    let mut refreshes: BTreeMap<&str, u64> = BTreeMap::from([("ok", 0)]);
    for (key, times) in &counters.calls {
        let labels = [
            ("provider", key.provider),
            ("data_centre", key.data_centre.as_str()),
            ("operation", key.operation),
            ("class", key.class),
        ];
        page.histogram(name, &labels, times.bounds, &times.counts, times.sum_micros);
        if key.operation == "refresh" {
            *refreshes.entry(key.class).or_default() += times.count();
        }
    }
    page.metric("greenroom_refreshes_total", "counter", "Refreshes of access tokens by outcome.");
    for (outcome, count) in refreshes {
        page.sample("greenroom_refreshes_total", &[("outcome", outcome)], count);
    }
    page.metric("greenroom_job_runs_total", "counter", "Runs of jobs by kind and how they ended.");
    for ((kind, outcome), count) in &counters.runs {
        page.sample("greenroom_job_runs_total", &[("kind", kind), ("outcome", outcome)], count);
    }
    page.metric("greenroom_mails_total", "counter", "Messages by kind and outcome.");
    for ((kind, outcome), count) in &counters.mails {
        page.sample("greenroom_mails_total", &[("kind", kind), ("outcome", outcome)], count);
    }
    page.single("greenroom_bookings_total", "counter", "Interviews that became booked.", counters.bookings);
    page.single("greenroom_tokens_lent_total", "counter", "Access tokens lent to callers.", counters.lent);
    page.single(
        "greenroom_call_lines_lost_total",
        "counter",
        "Lines of the audit log about calls that were dropped because the database did not answer for too long.",
        counters.lines_lost,
    );
    let Histogram { bounds, counts, sum_micros } = &counters.commits;
    let name = "greenroom_database_commit_seconds";
    page.metric(name, "histogram", "How long changes took to be written to the database.");
    page.histogram(name, &[], bounds, counts, *sum_micros);
}

fn requests(page: &mut Page, metrics: &Metrics) {
    let name = "greenroom_http_request_seconds";
    page.metric(name, "histogram", "Requests by method, template of the route and status, and how long they took.");
    let requests = metrics.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for ((method, route, status), times) in &requests {
        let labels = [("method", *method), ("route", route.as_str()), ("status", &status.to_string())];
        page.histogram(name, &labels, &REQUEST_BOUNDS_MILLIS, &times.counts, times.sum_micros);
    }
}
