//! The simulator as its users hold it: options, the shared handle, the router of a data centre, and serving it.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, middleware};
use jiff::{SignedDuration, Timestamp};
use tokio::{net::TcpListener, sync::watch};
use url::Url;

use crate::{
    accounts, calendar, control,
    gate::{self, Delayed},
    persist::Disk,
    switches::Switches,
    wire,
    world::World,
};

/// Where "now" comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What a simulator needs to start.
pub struct Options {
    /// The clock. Nothing here reads the machine's own.
    pub clock: Clock,
    /// The data centres that run side by side, at least one.
    pub data_centres: Vec<DataCentre>,
    /// How this Zoho behaves where the real one is not known.
    pub switches: Switches,
    /// Where to keep the state between runs; `None` keeps it in memory only.
    pub state_dir: Option<PathBuf>,
    /// Seed of all ids and tokens.
    pub seed: u64,
}

/// One data centre: a location code and the origin that serves its Accounts and its Calendar.
#[derive(Clone, Debug)]
pub struct DataCentre {
    /// `us`, `eu`, `in`, …
    pub location: String,
    /// Where it is reached from outside, such as `http://localhost:8041`.
    pub origin: Url,
}

/// A running simulator. Clones share one world.
#[derive(Clone)]
pub struct Sim(Arc<Inner>);

struct Inner {
    clock: Clock,
    own_clock: bool,
    world: Mutex<World>,
    disk: Option<Disk>,
    /// Writes whose connection was dropped before they were done (fault `drop_then_commit_after`).
    delayed: Mutex<Vec<Delayed>>,
    /// True once a listener was told to stop: requests held open by a fault let go.
    stopping: watch::Sender<bool>,
}

/// A simulator as seen from one of its data centres: the state of every HTTP handler.
#[derive(Clone)]
pub struct Site {
    /// The simulator.
    pub sim: Sim,
    /// The location code of this data centre.
    pub location: Arc<str>,
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").finish_non_exhaustive()
    }
}

impl Sim {
    /// Starts a simulator on a clock that somebody else moves. Reads the saved state if there is any.
    pub fn new(options: Options) -> anyhow::Result<Self> {
        Self::start(options, false)
    }

    /// As [`Sim::new`], on a clock that the control API may move ahead (`POST /_sim/clock`).
    pub fn with_own_clock(options: Options) -> anyhow::Result<Self> {
        Self::start(options, true)
    }

    fn start(options: Options, own_clock: bool) -> anyhow::Result<Self> {
        anyhow::ensure!(!options.data_centres.is_empty(), "a simulator needs at least one data centre");
        let origins: BTreeMap<String, String> =
            options.data_centres.iter().map(|dc| (dc.location.clone(), dc.origin.origin().ascii_serialization())).collect();
        anyhow::ensure!(origins.len() == options.data_centres.len(), "each data centre needs its own location code");
        let disk = options.state_dir.map(Disk::open).transpose()?;
        let world = match disk.as_ref().map(Disk::load).transpose()?.flatten() {
            Some(saved) => World { origins, ..saved },
            None => World::new(options.switches, options.seed, origins),
        };
        Ok(Self(Arc::new(Inner {
            clock: options.clock,
            own_clock,
            world: Mutex::new(world),
            disk,
            delayed: Mutex::new(Vec::new()),
            stopping: watch::Sender::new(false),
        })))
    }

    /// Runs `f` on the world, with the time it is now. The lock is held for as long as `f` runs: never wait in it.
    pub fn with<R>(&self, f: impl FnOnce(&mut World, Timestamp) -> R) -> R {
        let mut world = self.lock();
        let now = (self.0.clock)() + SignedDuration::from_secs(world.clock_offset_s);
        f(&mut world, now)
    }

    /// The time in this simulator.
    pub fn now(&self) -> Timestamp {
        self.with(|_, now| now)
    }

    /// Whether the control API may move the clock.
    pub fn owns_its_clock(&self) -> bool {
        self.0.own_clock
    }

    /// The HTTP service of one data centre: Accounts, Calendar and the control API under `/_sim/`.
    pub fn router(&self, location: &str) -> Router {
        let site = Site { sim: self.clone(), location: Arc::from(location) };
        Router::new()
            .merge(accounts::router(site.clone()))
            .nest("/api/v1", calendar::router(site.clone()))
            .merge(control::router(site.clone()))
            .fallback(calendar::not_configured)
            .layer(middleware::from_fn_with_state(site, gate::gate))
    }

    /// Serves one data centre on `listener` until `shutdown` is done; open requests are finished first.
    pub async fn serve(
        &self,
        location: &str,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let stopping = self.0.stopping.clone();
        let service = self.router(location).into_make_service_with_connect_info::<wire::Cutter>();
        axum::serve(wire::Droppable(listener), service)
            .with_graceful_shutdown(async move {
                shutdown.await;
                stopping.send_replace(true);
            })
            .await
    }

    /// Writes the state to disk if it has changed and is kept at all.
    pub async fn save(&self) -> anyhow::Result<()> {
        match &self.0.disk {
            Some(disk) => disk.save(|| serde_json::to_vec(&*self.lock())).await,
            None => Ok(()),
        }
    }

    /// Returns when a listener of this simulator was told to stop.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.0.stopping.subscribe();
        // An error means the sender is gone, which cannot be while `self` lives; either way nothing is left to wait for.
        if stopping.wait_for(|stop| *stop).await.is_err() {
            tracing::debug!("the stop signal went away");
        }
    }

    pub(crate) fn delay(&self, write: Delayed) {
        self.0.delayed.lock().unwrap_or_else(PoisonError::into_inner).push(write);
    }

    /// Takes the delayed writes that are due, oldest first.
    pub(crate) fn due(&self) -> Vec<Delayed> {
        let now = self.now();
        let mut delayed = self.0.delayed.lock().unwrap_or_else(PoisonError::into_inner);
        delayed.sort_by_key(|write| write.due);
        let later = delayed.iter().position(|write| write.due > now).unwrap_or(delayed.len());
        delayed.drain(..later).collect()
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        // A handler that panicked leaves a usable world behind: each mutation is small and checked by tests.
        self.0.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
