//! `Change`: everything one use case wants written, as one value. The store applies it in one transaction, all or nothing.

use domain::{
    Id, TimeRange, Timestamp,
    access::{Account, ApiKey, Session, Throttle},
    alerts::Alert,
    audit::{Checkpoint, CheckpointKey, Entry, Seal},
    calls::{CallCount, Lending},
    candidacies::Candidacy,
    choices::Choice,
    claims::{Claim, Holder},
    erasure::{Erasure, Sweep, Wipe},
    feedback::Feedback,
    gates::Gate,
    grants::{Grant, IssuedToken},
    interviews::Interview,
    jobs::{Job, NewJob, Work},
    links::Link,
    mails::SentMail,
    people::Person,
    reality::Look,
    vacancies::Vacancy,
};

/// A noun to be stored as it is. Its `rev` is the one to be created: 1 inserts, `n` replaces revision `n - 1`.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a change holds a handful of these for a moment; boxes would only be in the way")]
pub enum Put {
    /// See [`Person`]. Its addresses and external id must also be taken as [`Name`]s.
    Person(Person),
    /// See [`Grant`].
    Grant(Grant),
    /// See [`Vacancy`].
    Vacancy(Vacancy),
    /// See [`Candidacy`].
    Candidacy(Candidacy),
    /// See [`Choice`].
    Choice(Choice),
    /// See [`Interview`]. Participants are rows of their own.
    Interview(Interview),
    /// See [`Feedback`].
    Feedback(Feedback),
    /// See [`Link`].
    Link(Link),
    /// See [`ApiKey`].
    ApiKey(ApiKey),
    /// See [`Session`].
    Session(Session),
    /// See [`Account`]. Its address must also be taken as a [`Name`].
    Account(Account),
    /// See [`Throttle`].
    Throttle(Throttle),
    /// When something (an API key, a session) was last used: id and time. An earlier time changes nothing.
    LastUse(String, Timestamp),
    /// See [`Alert`]. While it lasts its name must also be taken as a [`Name`].
    Alert(Alert),
    /// See [`Seal`]. A conflict if the head has moved on.
    Seal(Seal),
    /// See [`Checkpoint`]. A conflict if that line has one.
    Checkpoint(Checkpoint),
    /// See [`CheckpointKey`].
    CheckpointKey(CheckpointKey),
    /// See [`Gate`].
    Gate(Gate),
    /// See [`IssuedToken`].
    IssuedToken(IssuedToken),
    /// See [`Look`].
    Look(Look),
    /// See [`Erasure`].
    Erasure(Erasure),
    /// See [`SentMail`]; a second row with the same Message-ID is ignored.
    SentMail(SentMail),
    /// Calls that are added to those counted already.
    Calls(CallCount),
    /// One more lent token; a conflict where its limit is reached.
    Lending(Lending),
    /// Counts of calls and lendings before this instant are forgotten.
    ForgetCounts(Timestamp),
    /// A run-time setting (key, JSON text): the last write wins.
    Setting(String, String),
    /// Takes a run-time setting away, if it is there.
    Unset(String),
}

/// Owner of a key's name while things may be sealed with it.
pub const KEY_USABLE: &str = "usable";
/// Owner of a key's name from the moment when nothing may be sealed with it any more.
pub const KEY_RETIRED: &str = "retired";

/// What a unique name is unique among.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// E-mail addresses, by [`domain::EmailAddress::key`]. Owner: a person's id.
    Email,
    /// Integrators' ids of persons.
    PersonExternalId,
    /// Integrators' ids of vacancies.
    VacancyExternalId,
    /// One grant per person: `{provider}:{person}`. Owner: the grant's id.
    Grant,
    /// One grant per account: `{provider}:{data centre}:{user id}`. Owner: the grant's id.
    Account,
    /// E-mail addresses of dashboard accounts, by [`domain::EmailAddress::key`]. Owner: the account's id.
    AccountEmail,
    /// Issuer and subject of single sign-on. Owner: the account's id.
    AccountSubject,
    /// One place per candidate and vacancy: `{vacancy}:{person}`. Owner: the candidacy's id.
    Shortlist,
    /// One interview per place and round that is not cancelled: `{candidacy}:{round}`. Owner: the interview's id.
    Round,
    /// One choice per place and round: `{candidacy}:{round}`. Owner: the choice's id.
    Choice,
    /// One feedback per interview and author: `{interview}:{person}`. Owner: the feedback's id.
    Feedback,
    /// One lasting alert per kind and subject: [`Alert::name`]. Owner: the alert's id.
    Alert,
    /// Keys of the vault, by id. Owner: [`KEY_USABLE`] or [`KEY_RETIRED`].
    Key,
    /// `Idempotency-Key`s of API callers: `{key id}:{key}`. Owner: a digest of the request.
    Idempotency,
}

impl Scope {
    /// As stored and reported.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::PersonExternalId => "person_external_id",
            Self::VacancyExternalId => "vacancy_external_id",
            Self::Grant => "grant",
            Self::Account => "account",
            Self::AccountEmail => "account_email",
            Self::AccountSubject => "account_subject",
            Self::Choice => "choice",
            Self::Shortlist => "shortlist",
            Self::Round => "round",
            Self::Feedback => "feedback",
            Self::Alert => "alert",
            Self::Key => "key",
            Self::Idempotency => "idempotency",
        }
    }
}

/// Taking or giving back a unique name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// Taken for `owner`; a conflict if somebody else has it, nothing if the owner has it already.
    Take {
        /// Unique among what.
        scope: Scope,
        /// The name.
        name: String,
        /// Whose it becomes.
        owner: String,
    },
    /// Given back, if `owner` has it.
    Release {
        /// Unique among what.
        scope: Scope,
        /// The name.
        name: String,
        /// Whose it was.
        owner: String,
    },
}

/// The revision of a holder's agenda that the use case read before it read the agenda; the commit raises it by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agenda {
    /// Whose.
    pub holder: Holder,
    /// What was read; 0 if there was none.
    pub expected: i64,
}

/// Taking and giving back time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimStep {
    /// Takes every cell of the claim, then releases the interview's cells of older revisions for that holder.
    Take(Claim),
    /// Takes the cells; what the interview had before stays its own.
    TakeBeside(Claim),
    /// Gives back the interview's cells outside of this time.
    Narrow(Id<Interview>, TimeRange),
    /// Gives back all cells of an interview.
    ReleaseAll(Id<Interview>),
}

/// Ordering and finishing jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobStep {
    /// Orders one; see [`domain::jobs::Dedupe`].
    Order(NewJob),
    /// The run under `lease` is done. A conflict if the lease was lost or the job was ordered again meanwhile (`wake` moved).
    Done {
        /// Which.
        id: Id<Job>,
        /// The run's lease.
        lease: String,
        /// The job's `wake` when the run began.
        wake: i64,
    },
    /// The run failed or waits: again at `due`.
    Retry {
        /// Which.
        id: Id<Job>,
        /// The run's lease.
        lease: String,
        /// When (business time).
        due: Timestamp,
        /// What went wrong, if anything did; `None` also resets the count of attempts.
        error: Option<String>,
    },
    /// The run under `lease` goes on: its lease lasts `seconds` longer. A conflict if the lease was lost.
    Extend {
        /// Which.
        id: Id<Job>,
        /// The run's lease.
        lease: String,
        /// How much longer.
        seconds: i64,
    },
    /// Given up; listed for people.
    Dead {
        /// Which.
        id: Id<Job>,
        /// The run's lease.
        lease: String,
        /// Why.
        error: String,
    },
    /// Too late to be of use.
    Stale {
        /// Which.
        id: Id<Job>,
        /// The run's lease.
        lease: String,
    },
    /// What a job does, sealed anew: a conflict if it is not stored as `stored`, or no longer open or dead.
    Replace {
        /// Which.
        id: Id<Job>,
        /// As it was read.
        stored: String,
        /// The same work.
        work: Work,
    },
    /// A job that cannot run any more because its key is lost: as [`JobStep::Stale`], without a lease.
    Forget {
        /// Which.
        id: Id<Job>,
        /// As it was read.
        stored: String,
    },
    /// A dead job is to be tried again now.
    Revive {
        /// Which.
        id: Id<Job>,
        /// When.
        due: Timestamp,
    },
}

/// Old rows of one kind, oldest first, at most so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweeping {
    /// Of what.
    pub what: Sweep,
    /// Older than this.
    pub before: Timestamp,
    /// At most.
    pub limit: u32,
}

/// One value, one transaction, all or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The change's own time (business time): claims that ended before it are free.
    pub at: Timestamp,
    /// Ids of the keys that anything in it is sealed with: a conflict (`key`) unless each is [`KEY_USABLE`] until the change is written.
    pub sealed_under: Vec<String>,
    /// Agendas whose rules were checked.
    pub agendas: Vec<Agenda>,
    /// Nouns.
    pub puts: Vec<Put>,
    /// Unique names.
    pub names: Vec<Name>,
    /// Time.
    pub claims: Vec<ClaimStep>,
    /// Jobs.
    pub jobs: Vec<JobStep>,
    /// The log.
    pub audit: Vec<Entry>,
    /// Persons whose data go.
    pub wipes: Vec<Wipe>,
    /// Old rows that go.
    pub sweeps: Vec<Sweeping>,
}

impl Change {
    /// An empty change at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self {
            at,
            sealed_under: Vec::new(),
            agendas: Vec::new(),
            puts: Vec::new(),
            names: Vec::new(),
            claims: Vec::new(),
            jobs: Vec::new(),
            audit: Vec::new(),
            wipes: Vec::new(),
            sweeps: Vec::new(),
        }
    }

    /// Whether it would write nothing.
    pub fn is_empty(&self) -> bool {
        self.agendas.is_empty()
            && self.puts.is_empty()
            && self.names.is_empty()
            && self.claims.is_empty()
            && self.jobs.is_empty()
            && self.audit.is_empty()
            && self.wipes.is_empty()
            && self.sweeps.is_empty()
    }
}

/// What clashed; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Somebody else wrote it since it was read.
    #[error("{what} {id} was changed by somebody else meanwhile")]
    Stale {
        /// Which noun: `person`, `agenda`, `job`, ….
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The name belongs to somebody else.
    #[error("the {scope} `{name}` is taken")]
    Taken {
        /// [`Scope::as_str`].
        scope: &'static str,
        /// The name.
        name: String,
    },
    /// The time belongs to another interview.
    #[error("{holder} is claimed by {by} in cell {cell}")]
    Claimed {
        /// Whose time.
        holder: String,
        /// The first cell that clashed.
        cell: i64,
        /// The interview that has it.
        by: String,
    },
}
