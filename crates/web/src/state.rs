//! What every handler can reach.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use app::{App, Caller};
use domain::audit::Actor;
use ipnet::IpNet;
use tokio::sync::watch;

use crate::{api::limits::Limits, metrics::Metrics, request};

/// Cheap to clone: every part is shared.
#[derive(Clone)]
pub struct WebState {
    /// The use cases.
    pub app: App,
    /// Networks that may call the first version's endpoints without a key (`GREENROOM_OPEN_OAUTH_FROM`).
    pub open_oauth_from: Arc<[IpNet]>,
    /// Names this server answers to, lower case; one without a port stands for every port.
    pub allowed_hosts: Arc<[String]>,
    /// Whether people reach it by https: cookies are `Secure` then, and browsers are told to stay with it.
    pub secure: bool,
    /// Tells request ids of this start from those of the one before.
    pub start_id: Arc<str>,
    /// What `/metrics` shows, and to whom.
    pub metrics: Metrics,
    /// How often callers of the API may call.
    pub(crate) limits: Arc<Limits>,
    requests: Arc<AtomicU64>,
    stopping: Arc<watch::Sender<bool>>,
}

impl WebState {
    /// Takes names and scheme from the public URL; `more_hosts` are further names, `start_id` is a short random text.
    pub fn new(app: App, open_oauth_from: Vec<IpNet>, more_hosts: &[String], start_id: &str) -> Self {
        let public = &app.settings().public_url;
        let secure = public.scheme() == "https";
        let hosts = public.host_str().into_iter().chain(more_hosts.iter().map(String::as_str)).chain(LOOPBACK);
        let allowed_hosts = hosts.map(str::to_lowercase).collect();
        Self {
            allowed_hosts,
            secure,
            open_oauth_from: open_oauth_from.into(),
            start_id: start_id.into(),
            metrics: Metrics::default(),
            limits: Arc::default(),
            requests: Arc::default(),
            stopping: Arc::new(watch::Sender::new(false)),
            app,
        }
    }

    /// With what `/metrics` asks, and who may read it without a key.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Ends the streams of live pages, so that a graceful stop need not wait for their readers.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits for [`WebState::stop`].
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopping = self.stopping.subscribe();
        async move {
            if stopping.wait_for(|stopping| *stopping).await.is_err() {
                tracing::trace!("the state is gone; so is whoever could stop it");
            }
        }
    }

    /// A name for the next request, for logs and the audit trail.
    pub(crate) fn next_request_id(&self) -> String {
        format!("req_{}_{}", self.start_id, self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// The caller of a use case, with the request it came by.
    pub fn caller(&self, actor: Actor) -> Caller {
        Caller { actor, request: request::id() }
    }
}

impl fmt::Debug for WebState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebState").field("app", &self.app).field("allowed_hosts", &self.allowed_hosts).finish_non_exhaustive()
    }
}

/// Names of this machine, for health checks and for the operator at its keyboard. Another web site cannot use them against a reader:
/// a browser sends the name that stands in its address bar.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
