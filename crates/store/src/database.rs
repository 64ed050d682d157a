//! `Database`: the one implementation of [`ports::Store`], over either engine.

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use domain::{
    EmailAddress, Id, TimeRange, Timestamp,
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
    jobs::{Job, JobState},
    links::{Link, Purpose},
    mails::{MailOrder, SentMail},
    people::Person,
    reality::Look,
    vacancies::Vacancy,
};
use ports::{
    Change, Entropy, Store,
    change::{Scope, Sweeping},
    store::{CommitError, JobTally, Page, Read, SealedJob, Standing},
};

use crate::{
    db::Engine,
    error::OpenError,
    nouns::{
        access, agendas, alerts, audit, calls, candidacies, checkpoints, choices, claims, erasures, feedback, gates, grants, held,
        interviews, jobs, links, mails, names, people, reality, refresh_tokens, settings, standings, sweeps, tallies, vacancies,
    },
    options::Options,
    plan::plan,
    postgres::{self, Postgres},
    sqlite::Sqlite,
};

/// An open database. Reads see every change committed before they began.
pub struct Database {
    pub(crate) engine: Engine,
    entropy: Arc<dyn Entropy>,
}

/// Opens the database that `url` names (`sqlite:PATH`, a bare path, or `postgres://…`) and brings its schema up to date.
///
/// # Errors
/// [`OpenError`], whose sentence says what to do.
pub async fn open(url: &str, options: Options) -> Result<Arc<Database>, OpenError> {
    let Options { lease_clock, entropy, connections } = options;
    let engine = if postgres::is_postgres(url) {
        Engine::Postgres(Postgres::open(url, connections, Arc::clone(&entropy)).await?)
    } else {
        let path = sqlite_path(url)?;
        let opening = tokio::task::spawn_blocking(move || Sqlite::open(&path, lease_clock));
        Engine::Sqlite(opening.await.map_err(|error| OpenError::Migration(error.to_string()))??)
    };
    Ok(Arc::new(Database { engine, entropy }))
}

impl Database {
    /// Frees the leases of jobs that a process which is gone was running, so that they need not run out first. Only for a process that is
    /// known to be the only one on this database.
    ///
    /// # Errors
    /// [`CommitError`] where the database does not answer.
    pub async fn free_leases(&self) -> Result<(), CommitError> {
        self.engine.commit(vec![jobs::free_all()]).await
    }
}

/// The file of `sqlite:PATH`, `sqlite://PATH` or a bare path.
pub(crate) fn sqlite_path(url: &str) -> Result<PathBuf, OpenError> {
    let path = match url.strip_prefix("sqlite:") {
        Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
        None => match url.split_once("://") {
            Some((scheme, _)) => return Err(OpenError::Url(format!("`{scheme}` is not a kind of database known here"))),
            None => url,
        },
    };
    if path.is_empty() {
        return Err(OpenError::Url("it names no file".to_owned()));
    }
    if path == ":memory:" {
        return Err(OpenError::Url("a database in memory would be lost at the first restart".to_owned()));
    }
    Ok(PathBuf::from(path))
}

#[async_trait]
impl Store for Database {
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        let steps = plan(&change)?;
        if steps.is_empty() {
            return Ok(());
        }
        self.engine.commit(steps).await
    }

    async fn person(&self, id: Id<Person>) -> Read<Option<Person>> {
        people::by_id(&self.engine, id).await
    }
    async fn person_by_email(&self, email: &EmailAddress) -> Read<Option<Person>> {
        people::by_email(&self.engine, email).await
    }
    async fn persons(&self, ids: &[Id<Person>]) -> Read<Vec<Person>> {
        people::by_ids(&self.engine, ids).await
    }
    async fn owner(&self, scope: Scope, name: &str) -> Read<Option<String>> {
        names::owner(&self.engine, scope, name).await
    }

    async fn grant(&self, id: Id<Grant>) -> Read<Option<Grant>> {
        grants::by_id(&self.engine, id).await
    }
    async fn grant_of(&self, person: Id<Person>, provider: &str) -> Read<Option<Grant>> {
        grants::of_person(&self.engine, person, provider).await
    }
    async fn grants(&self, page: Page) -> Read<Vec<Grant>> {
        grants::all(&self.engine, page).await
    }
    async fn issued_token(&self, id: Id<IssuedToken>) -> Read<Option<IssuedToken>> {
        refresh_tokens::by_id(&self.engine, id).await
    }
    async fn issued_tokens(&self, account: &str) -> Read<Vec<IssuedToken>> {
        refresh_tokens::live(&self.engine, account).await
    }
    async fn gate(&self, name: &str) -> Read<Option<Gate>> {
        gates::by_name(&self.engine, name).await
    }
    async fn look(&self, grant: Id<Grant>) -> Read<Option<Look>> {
        reality::by_grant(&self.engine, grant).await
    }
    async fn looks(&self) -> Read<Vec<Look>> {
        reality::all(&self.engine).await
    }
    async fn shut_gates(&self, limit: u32) -> Read<Vec<Gate>> {
        gates::shut(&self.engine, limit).await
    }

    async fn vacancy(&self, id: Id<Vacancy>) -> Read<Option<Vacancy>> {
        vacancies::by_id(&self.engine, id).await
    }
    async fn vacancies(&self, page: Page) -> Read<Vec<Vacancy>> {
        vacancies::all(&self.engine, page).await
    }
    async fn vacancies_of(&self, person: Id<Person>) -> Read<Vec<Vacancy>> {
        vacancies::of_interviewer(&self.engine, person).await
    }
    async fn shortlist(&self, vacancy: Id<Vacancy>) -> Read<Vec<Candidacy>> {
        candidacies::of_vacancy(&self.engine, vacancy).await
    }
    async fn candidacy(&self, id: Id<Candidacy>) -> Read<Option<Candidacy>> {
        candidacies::by_id(&self.engine, id).await
    }

    async fn choice(&self, id: Id<Choice>) -> Read<Option<Choice>> {
        choices::by_id(&self.engine, id).await
    }
    async fn choice_of(&self, candidacy: Id<Candidacy>, round: i64) -> Read<Option<Choice>> {
        choices::of_place(&self.engine, candidacy, round).await
    }
    async fn choices_of(&self, vacancy: Id<Vacancy>) -> Read<Vec<Choice>> {
        choices::of_vacancy(&self.engine, vacancy).await
    }

    async fn interview(&self, id: Id<Interview>) -> Read<Option<Interview>> {
        interviews::by_id(&self.engine, id).await
    }
    async fn interviews_of(&self, vacancy: Id<Vacancy>) -> Read<Vec<Interview>> {
        interviews::of_vacancy(&self.engine, vacancy).await
    }
    async fn agenda(&self, person: Id<Person>, window: TimeRange) -> Read<Vec<Interview>> {
        interviews::agenda(&self.engine, person, window).await
    }
    async fn held_time(&self, holder: &Holder, window: TimeRange, now: Timestamp) -> Read<Vec<(Id<Interview>, TimeRange)>> {
        claims::held(&self.engine, holder, window, now).await
    }
    async fn standings(&self, addresses: &[EmailAddress], window: TimeRange, now: Timestamp) -> Read<Vec<Option<Standing>>> {
        standings::by_addresses(&self.engine, addresses, window, now).await
    }
    async fn agenda_rev(&self, holder: &Holder) -> Read<i64> {
        agendas::rev(&self.engine, holder).await
    }
    async fn interviews_between(&self, window: TimeRange, limit: u32) -> Read<Vec<Interview>> {
        interviews::between(&self.engine, window, limit).await
    }
    async fn interviews_in_attention(&self, limit: u32) -> Read<Vec<Interview>> {
        interviews::in_attention(&self.engine, limit).await
    }

    async fn feedback_of(&self, interview: Id<Interview>) -> Read<Vec<Feedback>> {
        feedback::of_interview(&self.engine, interview).await
    }

    async fn link(&self, id: Id<Link>) -> Read<Option<Link>> {
        links::by_id(&self.engine, id).await
    }
    async fn newest_link(&self, purpose: Purpose, subject: &str) -> Read<Option<Link>> {
        links::newest(&self.engine, purpose, subject).await
    }

    async fn api_key_by_hash(&self, hash: &[u8]) -> Read<Option<ApiKey>> {
        access::key_by_hash(&self.engine, hash).await
    }
    async fn api_keys(&self) -> Read<Vec<ApiKey>> {
        access::keys(&self.engine).await
    }
    async fn session_by_hash(&self, hash: &[u8]) -> Read<Option<Session>> {
        access::session_by_hash(&self.engine, hash).await
    }
    async fn live_sessions(&self, now: Timestamp, limit: u32) -> Read<Vec<Session>> {
        access::live_sessions(&self.engine, now, limit).await
    }
    async fn account(&self, id: Id<Account>) -> Read<Option<Account>> {
        access::account(&self.engine, id).await
    }
    async fn account_by_email(&self, email: &EmailAddress) -> Read<Option<Account>> {
        access::account_by_email(&self.engine, email).await
    }
    async fn accounts(&self) -> Read<Vec<Account>> {
        access::accounts(&self.engine).await
    }
    async fn throttle(&self, id: &str) -> Read<Option<Throttle>> {
        access::throttle(&self.engine, id).await
    }
    async fn last_use(&self, id: &str) -> Read<Option<Timestamp>> {
        access::last_use(&self.engine, id).await
    }

    async fn lease_jobs(&self, now: Timestamp, limit: u32, lease_seconds: i64) -> Read<Vec<Job>> {
        let run = u128::from_be_bytes(self.entropy.bytes());
        jobs::lease(&self.engine, format!("{run:032x}"), now, limit, lease_seconds).await
    }
    async fn job(&self, id: Id<Job>) -> Read<Option<Job>> {
        jobs::by_id(&self.engine, id).await
    }
    async fn next_due(&self) -> Read<Option<Timestamp>> {
        jobs::next_due(&self.engine).await
    }
    async fn jobs(&self, state: JobState, limit: u32) -> Read<Vec<Job>> {
        jobs::in_state(&self.engine, state, limit).await
    }
    async fn sealed_jobs(&self, page: Page) -> Read<Vec<SealedJob>> {
        jobs::sealed(&self.engine, page).await
    }
    async fn open_jobs(&self, stream: &str) -> Read<Vec<Job>> {
        jobs::of_stream(&self.engine, stream).await
    }

    async fn mails(&self, to: Option<&EmailAddress>, page: Page) -> Read<Vec<SentMail>> {
        mails::list(&self.engine, to, page).await
    }
    async fn mail(&self, id: Id<SentMail>) -> Read<Option<SentMail>> {
        mails::by_id(&self.engine, id).await
    }

    async fn audit_of(&self, subject: &str, limit: u32) -> Read<Vec<Entry>> {
        audit::of_subject(&self.engine, subject, limit).await
    }
    async fn audit(&self, page: Page) -> Read<Vec<Entry>> {
        audit::all(&self.engine, page).await
    }
    async fn audit_search(&self, filter: &Filter, page: Page, newest_first: bool) -> Read<Vec<Line>> {
        audit::search(&self.engine, filter, page, newest_first).await
    }
    async fn audit_unsealed(&self, after: &str, limit: u32) -> Read<Vec<Line>> {
        audit::unsealed(&self.engine, after, limit).await
    }
    async fn audit_sealed(&self, after: i64, limit: u32) -> Read<Vec<Line>> {
        audit::sealed(&self.engine, after, limit).await
    }
    async fn audit_head(&self) -> Read<Head> {
        audit::head(&self.engine).await
    }
    async fn audit_tally(&self) -> Read<Tally> {
        audit::tally(&self.engine).await
    }
    async fn audit_checkpoints(&self, after: i64, limit: u32) -> Read<Vec<Checkpoint>> {
        checkpoints::after(&self.engine, after, limit).await
    }
    async fn audit_checkpoint(&self, seq: i64) -> Read<Option<Checkpoint>> {
        checkpoints::by_seq(&self.engine, seq).await
    }
    async fn audit_newest_checkpoint(&self) -> Read<Option<Checkpoint>> {
        checkpoints::newest(&self.engine).await
    }
    async fn audit_keys(&self) -> Read<Vec<CheckpointKey>> {
        checkpoints::keys(&self.engine).await
    }

    async fn lasting_alert(&self, kind: AlertKind, subject: &str) -> Read<Option<Alert>> {
        alerts::lasting(&self.engine, kind, subject).await
    }
    async fn alerts(&self, lasting: bool, limit: u32) -> Read<Vec<Alert>> {
        alerts::list(&self.engine, lasting, limit).await
    }
    async fn untold_alerts(&self, before: Timestamp, limit: u32) -> Read<Vec<Alert>> {
        alerts::untold(&self.engine, before, limit).await
    }
    async fn alerts_told(&self, since: Timestamp) -> Read<Vec<(AlertKind, Timestamp)>> {
        alerts::told(&self.engine, since).await
    }

    async fn calls(&self, since: Timestamp, seconds: i64) -> Read<Vec<CallCount>> {
        calls::since(&self.engine, since, seconds).await
    }
    async fn lendings(&self, since: Timestamp) -> Read<Vec<LendingDay>> {
        calls::lent(&self.engine, since).await
    }
    async fn job_tallies(&self) -> Read<Vec<JobTally>> {
        tallies::jobs(&self.engine).await
    }
    async fn grant_tallies(&self) -> Read<Vec<(GrantState, i64)>> {
        tallies::grants(&self.engine).await
    }
    async fn bookings(&self, since: Timestamp) -> Read<Vec<(Timestamp, i64)>> {
        tallies::bookings(&self.engine, since).await
    }

    async fn erasure(&self, person: Id<Person>) -> Read<Option<Erasure>> {
        erasures::of_person(&self.engine, person).await
    }
    async fn erasures(&self, open: bool, limit: u32) -> Read<Vec<Erasure>> {
        erasures::list(&self.engine, open, limit).await
    }
    async fn interviews_with(&self, person: Id<Person>) -> Read<Vec<Interview>> {
        interviews::with_person(&self.engine, person).await
    }
    async fn candidacies_of(&self, person: Id<Person>) -> Read<Vec<Candidacy>> {
        candidacies::of_person(&self.engine, person).await
    }
    async fn held(&self, person: Id<Person>) -> Read<Vec<Held>> {
        held::held(&self.engine, person).await
    }
    async fn messages_about(&self, person: Id<Person>) -> Read<(Vec<String>, Vec<MailOrder>)> {
        erasures::messages(&self.engine, person).await
    }
    async fn aged(&self, before: Timestamp, limit: u32) -> Read<Vec<(Id<Person>, Timestamp)>> {
        erasures::aged(&self.engine, before, limit).await
    }
    async fn sweepable(&self, sweep: Sweeping) -> Read<Vec<String>> {
        sweeps::keys(&self.engine, sweep).await
    }
    async fn scrub(&self) -> Read<()> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.scrub().await,
            // A deleted row is out of reach of every query at once; its bytes are reused by the server's own vacuum.
            Engine::Postgres(_) => Ok(()),
        }
    }

    async fn live_links(&self, now: Timestamp, made_before: Timestamp) -> Read<i64> {
        links::live(&self.engine, now, made_before).await
    }
    async fn settings(&self, prefix: &str) -> Read<Vec<(String, String)>> {
        settings::by_prefix(&self.engine, prefix).await
    }
    async fn setting(&self, key: &str) -> Read<Option<String>> {
        settings::by_key(&self.engine, key).await
    }

    async fn lease_now(&self) -> Read<Timestamp> {
        match &self.engine {
            Engine::Sqlite(sqlite) => Ok(sqlite.now()),
            Engine::Postgres(postgres) => postgres.now().await,
        }
    }
    async fn ping(&self) -> Read<()> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.ping().await,
            Engine::Postgres(postgres) => postgres.ping().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_with_or_without_a_scheme() {
        for url in ["/var/lib/green.db", "sqlite:/var/lib/green.db", "sqlite:///var/lib/green.db"] {
            assert_eq!(sqlite_path(url), Ok(PathBuf::from("/var/lib/green.db")), "{url}");
        }
        assert_eq!(sqlite_path("green.db"), Ok(PathBuf::from("green.db")));
        for url in ["", "sqlite:", "sqlite::memory:", "mysql://host/db"] {
            assert!(sqlite_path(url).unwrap_err().to_string().contains("sqlite:/var/lib"), "{url}");
        }
    }
}
