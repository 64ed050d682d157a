//! The database, as the use cases see it: reads by key or short list, and one way to write.

use async_trait::async_trait;
use domain::{
    EmailAddress, Id, Rev, TimeRange, Timestamp,
    access::{Account, ApiKey, Session, Throttle},
    alerts::{Alert, AlertKind},
    audit::{Checkpoint, CheckpointKey, Entry, Filter, Head, Line, Tally},
    calls::{CallCount, LendingDay},
    candidacies::Candidacy,
    choices::Choice,
    claims::Holder,
    erasure::{Erasure, Held},
    feedback::Feedback,
    gates::Gate,
    grants::{Grant, GrantState, IssuedToken},
    interviews::Interview,
    jobs::{Job, JobState, Work},
    links::{Link, Purpose},
    mails::{MailOrder, SentMail},
    people::Person,
    reality::Look,
    vacancies::Vacancy,
};

use crate::change::{Change, Conflict, Scope, Sweeping};

/// A database that could not answer. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It may answer later.
    #[error("the database did not answer: {0}")]
    Unavailable(String),
    /// A row does not mean anything: table, row and column are named.
    #[error("the database holds a value that means nothing: {0}")]
    Inconsistent(String),
}

/// Why a commit wrote nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Something changed since it was read: run the use case again.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The database failed; whether the change was written is known to be "no", except for a lost connection, where a re-read tells.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One page of a list, oldest first unless said otherwise. `after` is the id of the last item seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Start behind this id.
    pub after: Option<String>,
    /// At most this many, 1–200.
    pub limit: u32,
}

impl Page {
    /// The first `limit` items.
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }
}

/// Jobs of one kind and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobTally {
    /// [`domain::jobs::Work::kind`].
    pub kind: String,
    /// How they stand.
    pub state: JobState,
    /// How many.
    pub count: i64,
    /// When the first of them was or is due.
    pub first_due: Timestamp,
    /// When the last of them was or is due.
    pub last_due: Timestamp,
}

/// What every read gives.
pub type Read<T> = Result<T, StoreError>;

/// A job that may still run and carries something sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedJob {
    /// Names it.
    pub id: Id<Job>,
    /// What to do.
    pub work: Work,
    /// The work exactly as it is stored, to be compared with when it is replaced ([`crate::change::JobStep::Replace`]).
    pub stored: String,
}

/// What somebody's free time hangs on, but for their calendar. Two that are equal say that nothing of it changed in between: rules, grant,
/// interviews and holds are then what they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who.
    pub person: Id<Person>,
    /// The revision of their row.
    pub rev: Rev,
    /// Their grants at all providers, by id, with revisions.
    pub grants: Vec<(Id<Grant>, Rev)>,
    /// What [`Store::agenda`] gives, by id, with revisions.
    pub booked: Vec<(Id<Interview>, Rev)>,
    /// What [`Store::held_time`] gives. It has no revision: it ends by itself.
    pub held: Vec<(Id<Interview>, TimeRange)>,
}

/// See the module's header. Reads see every change committed before they began.
#[async_trait]
pub trait Store: Send + Sync {
    /// Writes the change or nothing. Locks are taken in one order: agendas, nouns, names, claims, jobs, audit.
    async fn commit(&self, change: Change) -> Result<(), CommitError>;

    /// A person by id.
    async fn person(&self, id: Id<Person>) -> Read<Option<Person>>;
    /// A person by any of their addresses.
    async fn person_by_email(&self, email: &EmailAddress) -> Read<Option<Person>>;
    /// Several persons; unknown ids are left out.
    async fn persons(&self, ids: &[Id<Person>]) -> Read<Vec<Person>>;
    /// The owner of a unique name.
    async fn owner(&self, scope: Scope, name: &str) -> Read<Option<String>>;

    /// A grant by id.
    async fn grant(&self, id: Id<Grant>) -> Read<Option<Grant>>;
    /// A person's grant at a provider.
    async fn grant_of(&self, person: Id<Person>, provider: &str) -> Read<Option<Grant>>;
    /// All grants.
    async fn grants(&self, page: Page) -> Read<Vec<Grant>>;

    /// A refresh token's row by id.
    async fn issued_token(&self, id: Id<IssuedToken>) -> Read<Option<IssuedToken>>;
    /// Refresh tokens of an account that have not ended, oldest first, at most 100.
    async fn issued_tokens(&self, account: &str) -> Read<Vec<IssuedToken>>;
    /// A gate, if it was ever shut.
    async fn gate(&self, name: &str) -> Read<Option<Gate>>;
    /// Gates that are shut, by name.
    async fn shut_gates(&self, limit: u32) -> Read<Vec<Gate>>;

    /// The last look at the calendars behind a grant.
    async fn look(&self, grant: Id<Grant>) -> Read<Option<Look>>;
    /// All looks, by grant; at most 1,000.
    async fn looks(&self) -> Read<Vec<Look>>;

    /// A vacancy by id.
    async fn vacancy(&self, id: Id<Vacancy>) -> Read<Option<Vacancy>>;
    /// All vacancies, newest first.
    async fn vacancies(&self, page: Page) -> Read<Vec<Vacancy>>;
    /// The vacancies that a person manages, or in a panel of which they are.
    async fn vacancies_of(&self, person: Id<Person>) -> Read<Vec<Vacancy>>;
    /// A vacancy's shortlist in order, withdrawn ones included.
    async fn shortlist(&self, vacancy: Id<Vacancy>) -> Read<Vec<Candidacy>>;
    /// A place on a shortlist by id.
    async fn candidacy(&self, id: Id<Candidacy>) -> Read<Option<Candidacy>>;

    /// A choice by id.
    async fn choice(&self, id: Id<Choice>) -> Read<Option<Choice>>;
    /// The choice of a place on a shortlist for a round.
    async fn choice_of(&self, candidacy: Id<Candidacy>, round: i64) -> Read<Option<Choice>>;
    /// The choices of a vacancy, oldest first.
    async fn choices_of(&self, vacancy: Id<Vacancy>) -> Read<Vec<Choice>>;

    /// An interview by id.
    async fn interview(&self, id: Id<Interview>) -> Read<Option<Interview>>;
    /// A vacancy's interviews by start, cancelled ones included.
    async fn interviews_of(&self, vacancy: Id<Vacancy>) -> Read<Vec<Interview>>;
    /// Interviews that hold time of `person` and overlap `window` (not cancelled).
    async fn agenda(&self, person: Id<Person>, window: TimeRange) -> Read<Vec<Interview>>;
    /// Time of `holder` within `window` that is claimed for a while and has not ended at `now`, each with the interview it is kept for.
    async fn held_time(&self, holder: &Holder, window: TimeRange, now: Timestamp) -> Read<Vec<(Id<Interview>, TimeRange)>>;
    /// What stands of several people, by any of their addresses, in that order: their grants, what is booked and held of
    /// their time within `window` at `now`. Nobody where the address is nobody's. Read it *before* the rows it stands for.
    async fn standings(&self, addresses: &[EmailAddress], window: TimeRange, now: Timestamp) -> Read<Vec<Option<Standing>>>;
    /// The revision of a holder's agenda; 0 if it was never written. Read it *before* the agenda it guards.
    async fn agenda_rev(&self, holder: &Holder) -> Read<i64>;
    /// Interviews that overlap `window`, by start.
    async fn interviews_between(&self, window: TimeRange, limit: u32) -> Read<Vec<Interview>>;
    /// Interviews in state attention, oldest first.
    async fn interviews_in_attention(&self, limit: u32) -> Read<Vec<Interview>>;

    /// Feedback on an interview.
    async fn feedback_of(&self, interview: Id<Interview>) -> Read<Vec<Feedback>>;

    /// A link by id.
    async fn link(&self, id: Id<Link>) -> Read<Option<Link>>;
    /// The newest link of a purpose and subject, live or not.
    async fn newest_link(&self, purpose: Purpose, subject: &str) -> Read<Option<Link>>;

    /// An API key by the hash of the key, or of the one before its last roll.
    async fn api_key_by_hash(&self, hash: &[u8]) -> Read<Option<ApiKey>>;
    /// All API keys.
    async fn api_keys(&self) -> Read<Vec<ApiKey>>;
    /// A session by the hash of its token.
    async fn session_by_hash(&self, hash: &[u8]) -> Read<Option<Session>>;
    /// Sessions that are neither revoked nor over at `now`, newest first.
    async fn live_sessions(&self, now: Timestamp, limit: u32) -> Read<Vec<Session>>;
    /// A dashboard account by id.
    async fn account(&self, id: Id<Account>) -> Read<Option<Account>>;
    /// A dashboard account by its address.
    async fn account_by_email(&self, email: &EmailAddress) -> Read<Option<Account>>;
    /// All dashboard accounts, oldest first.
    async fn accounts(&self) -> Read<Vec<Account>>;
    /// What is remembered of failed attempts.
    async fn throttle(&self, id: &str) -> Read<Option<Throttle>>;
    /// When something was last used.
    async fn last_use(&self, id: &str) -> Read<Option<Timestamp>>;

    /// Leases up to `limit` open jobs that are due at `now` (business time), whose stream has no earlier open job and whose lease, by the lease clock,
    /// is free or over. Each gets a lease of its own, good for `lease_seconds`, and one more `attempt`.
    async fn lease_jobs(&self, now: Timestamp, limit: u32, lease_seconds: i64) -> Read<Vec<Job>>;
    /// A job by id.
    async fn job(&self, id: Id<Job>) -> Read<Option<Job>>;
    /// When the next open job is due (leased or not), if any.
    async fn next_due(&self) -> Read<Option<Timestamp>>;
    /// Jobs in a state, newest first.
    async fn jobs(&self, state: JobState, limit: u32) -> Read<Vec<Job>>;
    /// Jobs of the kinds of [`Work::SEALED`] that are open or dead (a dead one can be retried), by id.
    async fn sealed_jobs(&self, page: Page) -> Read<Vec<SealedJob>>;
    /// Open jobs of a stream, in order.
    async fn open_jobs(&self, stream: &str) -> Read<Vec<Job>>;

    /// Sent mails, newest first; of one address if given.
    async fn mails(&self, to: Option<&EmailAddress>, page: Page) -> Read<Vec<SentMail>>;
    /// A sent mail by its row's id.
    async fn mail(&self, id: Id<SentMail>) -> Read<Option<SentMail>>;

    /// The log of one subject, newest first.
    async fn audit_of(&self, subject: &str, limit: u32) -> Read<Vec<Entry>>;
    /// The whole log, newest first.
    async fn audit(&self, page: Page) -> Read<Vec<Entry>>;
    /// Lines that a filter lets through, as they are stored, by id: newest first, or oldest first.
    async fn audit_search(&self, filter: &Filter, page: Page, newest_first: bool) -> Read<Vec<Line>>;
    /// Lines that are not sealed, behind this id, by id.
    async fn audit_unsealed(&self, after: &str, limit: u32) -> Read<Vec<Line>>;
    /// Sealed lines behind this place, in the order of the chain.
    async fn audit_sealed(&self, after: i64, limit: u32) -> Read<Vec<Line>>;
    /// Where the chain ends.
    async fn audit_head(&self) -> Read<Head>;
    /// How many lines are sealed, and how many are not.
    async fn audit_tally(&self) -> Read<Tally>;
    /// Checkpoints behind this place, in the order of the chain.
    async fn audit_checkpoints(&self, after: i64, limit: u32) -> Read<Vec<Checkpoint>>;
    /// The checkpoint of this place.
    async fn audit_checkpoint(&self, seq: i64) -> Read<Option<Checkpoint>>;
    /// The checkpoint furthest on.
    async fn audit_newest_checkpoint(&self) -> Read<Option<Checkpoint>>;
    /// Public keys on record, oldest first.
    async fn audit_keys(&self) -> Read<Vec<CheckpointKey>>;

    /// The alert of a kind and subject that still lasts.
    async fn lasting_alert(&self, kind: AlertKind, subject: &str) -> Read<Option<Alert>>;
    /// Alerts, newest first; only those that still last if `lasting`.
    async fn alerts(&self, lasting: bool, limit: u32) -> Read<Vec<Alert>>;
    /// Alerts that nobody was told of, or whose end nobody was told of, or that last and were told of before `before`; oldest first.
    async fn untold_alerts(&self, before: Timestamp, limit: u32) -> Read<Vec<Alert>>;
    /// When people were told of alerts since `since`: each kind with each instant once.
    async fn alerts_told(&self, since: Timestamp) -> Read<Vec<(AlertKind, Timestamp)>>;

    /// Calls counted since `since`, added up over spans of `seconds`, by span.
    async fn calls(&self, since: Timestamp, seconds: i64) -> Read<Vec<CallCount>>;
    /// Lent tokens since `since`, by day and grant.
    async fn lendings(&self, since: Timestamp) -> Read<Vec<LendingDay>>;
    /// How many jobs there are of each kind and state, without those that are done.
    async fn job_tallies(&self) -> Read<Vec<JobTally>>;
    /// How many grants are in each state.
    async fn grant_tallies(&self) -> Read<Vec<(GrantState, i64)>>;
    /// Interviews booked since `since`, by day (UTC).
    async fn bookings(&self, since: Timestamp) -> Read<Vec<(Timestamp, i64)>>;

    /// How the erasure of a person stands, if it was asked for.
    async fn erasure(&self, person: Id<Person>) -> Read<Option<Erasure>>;
    /// Erasures, newest person first; only those that are not done if `open`.
    async fn erasures(&self, open: bool, limit: u32) -> Read<Vec<Erasure>>;
    /// Every interview that a person takes or took part in, cancelled ones included.
    async fn interviews_with(&self, person: Id<Person>) -> Read<Vec<Interview>>;
    /// Every place of a person on a shortlist, withdrawn ones included.
    async fn candidacies_of(&self, person: Id<Person>) -> Read<Vec<Candidacy>>;
    /// Everything that is held about a person, table by table, without anything secret.
    async fn held(&self, person: Id<Person>) -> Read<Vec<Held>>;
    /// Message-IDs of mails in the list of sent ones that concern a person, and the orders of mails that concern them in jobs of any state.
    async fn messages_about(&self, person: Id<Person>) -> Read<(Vec<String>, Vec<MailOrder>)>;
    /// Persons who are candidates only, whose vacancies are all closed, the last of them before `before`, with that time; who has an
    /// interview that is not over is not among them, nor is who was erased. Oldest first.
    async fn aged(&self, before: Timestamp, limit: u32) -> Read<Vec<(Id<Person>, Timestamp)>>;
    /// The keys of the rows that a sweep would take: ids, or Message-IDs of mails.
    async fn sweepable(&self, sweep: Sweeping) -> Read<Vec<String>>;
    /// Takes what was overwritten or deleted out of the files, as far as the engine can: SQLite's journal is written back and cut.
    async fn scrub(&self) -> Read<()>;

    /// How many links that were made before `made_before` still open at `now`.
    async fn live_links(&self, now: Timestamp, made_before: Timestamp) -> Read<i64>;

    /// Run-time settings (JSON texts) whose key begins with `prefix`, by key; at most 1,000.
    async fn settings(&self, prefix: &str) -> Read<Vec<(String, String)>>;
    /// A run-time setting (JSON text).
    async fn setting(&self, key: &str) -> Read<Option<String>>;

    /// Time by the clock leases are measured with.
    async fn lease_now(&self) -> Read<Timestamp>;
    /// Whether the database answers and can be written.
    async fn ping(&self) -> Read<()>;
}
