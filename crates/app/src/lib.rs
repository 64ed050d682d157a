//! Use cases and jobs, in the same noun folders as `domain`.
//!
//! Every use case reads, calls a pure function that decides, and hands one [`ports::Change`] to the store. **Invariant:** no transaction
//! is ever open here, and nothing outside the database happens except in a job.

mod access;
mod alerts;
mod arrange;
mod audit;
mod backups;
mod calendars;
mod calls;
mod choices;
mod compare;
mod draft;
mod erasure;
mod error;
mod examine;
mod feedback;
mod gates;
mod grants;
mod held;
mod idempotency;
mod interviews;
mod keys;
mod lending;
mod letters;
mod monitoring;
mod operations;
mod people;
mod permission;
mod plans;
mod reality;
mod settle;
mod sweeps;
mod timing;
mod together;
mod vacancies;
mod waiting;
mod worker;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, OnceLock, atomic::AtomicU32},
};

pub use access::{
    AccountView, LogIn, NewKey, NewSession, Newcomers, SessionRow, SessionView, SignOnCallback, SignOnEnd, SingleSignOn,
};
pub use alerts::{AlertSettings, AlertView, Hook};
pub use audit::{
    Acceptance, AcceptedFinding, AuditSettings, AuditState, Checked, ExportedLine, Flaw, Report, VerifyOptions, What,
    parse_checkpoints,
};
pub use calendars::{AvailabilityView, EventView, NewEvent};
pub use calls::Provider;
pub use choices::{ChoicePage, ChoiceView, HoldInput, OffersView, WishOutcome};
pub use compare::FreeBusyView;
use domain::{EmailAddress, Timestamp, audit::Actor, claims::Holder};
pub use erasure::{ErasureView, Export, Replayed};
pub use error::{Error, Result};
pub use examine::{Condition, Finding};
pub use feedback::FeedbackView;
pub use grants::RefreshWhen;
pub use idempotency::{KeptAnswer, Once, Repeat};
pub use interviews::{InterviewView, ParticipantView};
pub use keys::{KeyView, Resealed, Retired, Rotated, Seals};
pub use lending::{LENDINGS_PER_HOUR, LendRequest, Lent};
pub use monitoring::{CallKey, CallsView, Counters, DayView, Gauges, GrantHealth, HealthView, Histogram, HourView};
pub use operations::Readiness;
pub use people::{CandidateInput, GrantView, ManagerView, PersonInput};
pub use permission::{Callback, ConnectView, DisconnectView, PermissionView, RefreshOutcome, Setup, Status};
pub use plans::{MOST_DEADLINE, Opening, PlacedBecause, PlanInput, PlanView, Planned, Side, why_code};
pub use ports::calendar::ConsentServer;
use ports::{
    Backups, CalendarProvider, Change, Clock, Entropy, ErasureList, KeySource, Mailer, Poster, Store, Witness, change::Conflict,
    store::CommitError,
};
pub use reality::{LookView, RealityRow, RealityView};
use scheduling::{Rules, RulesDraft, WeeklyHours};
pub use sweeps::{Retention, SweepReport};
pub use timing::Timing;
pub use together::{KeptBy, KnownOf, MOST_TIMES, Meeting, TimeTogether, TogetherView, WhyView};
use url::Url;
pub use vacancies::{PlaceInput, RoundInput, SeatsInput, ShortlistItem, VacancyInput, VacancyPatch, VacancyView};
use vault::KeyRing;
pub use worker::Worker;

/// What an administrator decides before the start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where people reach Greenroom; mailed links begin with it.
    pub public_url: Url,
    /// The company, as people read it.
    pub company: String,
    /// Reply-To of every mail, and where summaries go.
    pub recruiting_contact: Option<EmailAddress>,
    /// The week of managers who have none of their own.
    pub default_week: WeeklyHours,
    /// How long a link to the consent page lives, in days.
    pub link_days: i64,
    /// After how many days without an open vacancy a candidate is erased; 0 is never.
    pub retention_days: i64,
    /// Whether access tokens may be lent at all.
    pub lending: bool,
    /// Whom alerts are told.
    pub alerts: AlertSettings,
    /// Where checkpoints of the audit log go besides the database.
    pub audit: AuditSettings,
    /// Whether this is the demo.
    pub demo: bool,
    /// How long things may take.
    pub timing: Timing,
    /// When access tokens are refreshed.
    pub refresh: RefreshWhen,
}

/// Who calls, for the audit log.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: Actor,
    /// The request or job.
    pub request: Option<String>,
}

impl Caller {
    /// The program itself.
    pub const fn system() -> Self {
        Self { actor: Actor::System, request: None }
    }
}

/// Everything an [`App`] is made of.
pub struct Parts {
    /// The database.
    pub store: Arc<dyn Store>,
    /// Calendar providers; the first is the one new grants use.
    pub providers: Vec<Arc<dyn CalendarProvider>>,
    /// Mail.
    pub mailer: Arc<dyn Mailer>,
    /// Webhooks.
    pub poster: Arc<dyn Poster>,
    /// The file that keeps checkpoints of the audit log, if there is one.
    pub witness: Option<Arc<dyn Witness>>,
    /// The erasure list beside the backups, if there is a folder for them.
    pub erasure_list: Option<Arc<dyn ErasureList>>,
    /// Business time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Keys of the vault, the active one as the database has it.
    pub keys: KeyRing,
    /// Where they are read again when another one turns up.
    pub key_source: Arc<dyn KeySource>,
    /// The installation's name: bound into everything sealed.
    pub installation: String,
    /// What the administrator decided.
    pub settings: Settings,
}

struct Inner {
    parts: Parts,
    /// The keys as they were read last.
    ring: keys::Ring,
    /// Wakes the worker: something may be due.
    bell: tokio::sync::Notify,
    /// Tells live pages that something changed.
    changes: tokio::sync::broadcast::Sender<()>,
    /// One refresh at a time per grant in this process; other processes are kept off by the lease.
    refreshing: Turns<domain::Id<domain::grants::Grant>>,
    /// Calendars as they were read for pages a moment ago.
    looks: choices::Looks,
    /// People as they were read for questions about several.
    ready: together::ReadyPeople,
    /// What this process has seen of the providers' data centres.
    healths: gates::Healths,
    /// Where backups are kept, on nodes that keep them.
    backups: OnceLock<Arc<dyn Backups>>,
    /// After a conflict, use cases on one agenda take turns.
    agendas: Turns<Holder>,
    /// Which keys were used today.
    uses: access::Uses,
    /// What was counted.
    numbers: monitoring::Numbers,
    /// Looks in a row at which refreshes were late.
    overdue_looks: AtomicU32,
    /// How many passwords are hashed at once.
    hashing: access::Hashing,
    /// Log-in by an identity provider, where one is set.
    single_sign_on: OnceLock<SingleSignOn>,
}

/// The use cases. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("installation", &self.0.parts.installation).finish_non_exhaustive()
    }
}

/// Runs of a use case before it gives up with [`Error::Busy`].
const MAX_RUNS: u32 = 5;

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let (changes, _) = tokio::sync::broadcast::channel(16);
        Self(Arc::new(Inner {
            ring: keys::Ring::new(parts.keys.clone()),
            parts,
            bell: tokio::sync::Notify::new(),
            changes,
            refreshing: Turns::default(),
            looks: choices::Looks::default(),
            ready: together::ReadyPeople::default(),
            healths: gates::Healths::default(),
            backups: OnceLock::new(),
            agendas: Turns::default(),
            uses: access::Uses::default(),
            numbers: monitoring::Numbers::default(),
            overdue_looks: AtomicU32::new(0),
            hashing: access::Hashing::default(),
            single_sign_on: OnceLock::new(),
        }))
    }

    /// What the administrator decided.
    pub fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    /// Business time.
    pub fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }

    /// Fires after every commit of this process.
    pub fn changes(&self) -> tokio::sync::broadcast::Receiver<()> {
        self.0.changes.subscribe()
    }

    /// Wakes the worker, for instance after the clock was moved.
    pub fn ring(&self) {
        self.0.bell.notify_one();
    }

    fn timing(&self) -> Timing {
        self.settings().timing
    }

    fn store(&self) -> &dyn Store {
        self.0.parts.store.as_ref()
    }

    fn entropy(&self) -> &dyn Entropy {
        self.0.parts.entropy.as_ref()
    }

    fn id<K: domain::id::Kind>(&self) -> domain::Id<K> {
        self.entropy().id(self.now())
    }

    /// The rules of somebody who has none of their own, in `zone`.
    fn default_rules(&self, zone: &domain::Zone) -> Rules {
        Rules::new(RulesDraft { week: self.settings().default_week.clone(), ..RulesDraft::usual(zone.clone()) })
            .unwrap_or_else(|_| Rules::usual(zone.clone()))
    }

    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        let orders = !change.jobs.is_empty();
        let seen = monitoring::Seen::of(&change);
        let begun = tokio::time::Instant::now();
        self.commit_sealed(change).await?;
        self.0.numbers.committed(&seen, begun.elapsed());
        if orders {
            self.ring();
        }
        // Nobody listening is the normal case.
        if self.0.changes.send(()).is_err() {
            tracing::trace!("no live page is open");
        }
        Ok(())
    }

    /// Runs a use case until its change is committed: reads, decides, commits; on a conflict again, at most [`MAX_RUNS`] times, and after
    /// the first conflict in turn with others that touch the same agenda.
    async fn transact<T, F, Fut>(&self, agenda: Option<Holder>, run: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<(Change, T)>>,
    {
        let mut turn = None;
        let mut taken = false;
        for _ in 0..MAX_RUNS {
            let (change, value) = run().await?;
            if change.is_empty() {
                return Ok(value);
            }
            match self.commit(change).await {
                Ok(()) => return Ok(value),
                // Taken by somebody who made the same thing at the same moment: the next run finds it. Taken twice: it belongs to another.
                Err(CommitError::Conflict(conflict @ Conflict::Taken { .. })) => {
                    if taken {
                        return Err(CommitError::Conflict(conflict).into());
                    }
                    taken = true;
                }
                Err(CommitError::Conflict(conflict)) => tracing::debug!(%conflict, "conflict; the use case runs again"),
                Err(error) => return Err(error.into()),
            }
            if let (None, Some(holder)) = (&turn, &agenda) {
                turn = Some(self.0.agendas.take(holder.clone()).await);
            }
        }
        Err(Error::Busy)
    }
}

/// Queues by key: whoever holds a turn is alone with its key in this process.
struct Turns<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<K: std::hash::Hash + Eq> Turns<K> {
    async fn take(&self, key: K) -> tokio::sync::OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            // Keys nobody waits for are forgotten, so the map stays as small as the work at hand.
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            turns.entry(key).or_default().clone()
        };
        turn.lock_owned().await
    }
}
