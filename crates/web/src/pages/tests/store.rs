//! A store that holds a few rows and counts what would be written, so that pages are tested through the real use cases.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

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
    interviews::{Interview, InterviewState},
    jobs::{Job, JobState, Work},
    links::{Link, Purpose},
    mails::{MailOrder, SentMail},
    people::Person,
    reality::Look,
    vacancies::Vacancy,
};
use ports::{
    Change, LeaseClock, Put, Store,
    change::{JobStep, Scope, Sweeping},
    store::{CommitError, JobTally, Page, Read, SealedJob, Standing},
};
use testkit::FrozenClock;

/// The rows.
#[derive(Debug, Default, Clone)]
pub struct Rows {
    pub persons: Vec<Person>,
    pub grants: Vec<Grant>,
    pub vacancies: Vec<Vacancy>,
    pub candidacies: Vec<Candidacy>,
    pub choices: Vec<Choice>,
    pub interviews: Vec<Interview>,
    pub feedback: Vec<Feedback>,
    pub links: Vec<Link>,
    pub keys: Vec<ApiKey>,
    pub sessions: Vec<Session>,
    pub accounts: Vec<Account>,
    pub throttles: Vec<Throttle>,
    pub last_uses: Vec<(String, Timestamp)>,
    pub jobs: Vec<Job>,
    pub ordered: Vec<Work>,
    pub mails: Vec<SentMail>,
    pub entries: Vec<Entry>,
    pub alerts: Vec<Alert>,
    pub calls: Vec<CallCount>,
    pub lendings: Vec<LendingDay>,
    pub gates: Vec<Gate>,
    pub sightings: Vec<Look>,
    pub refresh_tokens: Vec<IssuedToken>,
    pub erasures: Vec<Erasure>,
    pub settings: Vec<(String, String)>,
}

/// See the file's header. What a change puts replaces the row with that id.
#[derive(Debug, Clone, Default)]
pub struct FakeStore {
    pub rows: Arc<Mutex<Rows>>,
    pub commits: Arc<AtomicUsize>,
    /// What leases and log-ins are measured with.
    pub clock: Option<FrozenClock>,
}

impl FakeStore {
    fn read<T>(&self, read: impl FnOnce(&Rows) -> T) -> T {
        read(&self.rows.lock().unwrap())
    }

    /// Changes committed so far.
    pub fn commits(&self) -> usize {
        self.commits.load(Ordering::SeqCst)
    }
}

/// As the columns would hold it.
fn line(entry: &Entry) -> Line {
    Line {
        id: entry.id.to_string(),
        at: entry.at.as_microsecond(),
        actor: entry.actor_text().unwrap(),
        action: entry.action.clone(),
        subject: entry.subject.clone(),
        reason: entry.reason.clone(),
        request: entry.request.clone(),
        payload: Some(entry.payload_text().unwrap()),
        salt: Some(entry.salt.clone()),
        payload_hash: Vec::new(),
        mac: entry.mac.clone(),
        seq: None,
        chain: None,
    }
}

/// Puts `row` in the place of the one with the same id.
macro_rules! put {
    ($rows:expr, $row:expr) => {{
        let row = $row;
        $rows.retain(|known| known.id != row.id);
        $rows.push(row);
    }};
}

#[async_trait]
impl Store for FakeStore {
    async fn commit(&self, change: Change) -> Result<(), CommitError> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let mut rows = self.rows.lock().unwrap();
        for written in change.puts {
            match written {
                Put::Person(row) => put!(rows.persons, row),
                Put::Grant(row) => put!(rows.grants, row),
                Put::Vacancy(row) => put!(rows.vacancies, row),
                Put::Candidacy(row) => put!(rows.candidacies, row),
                Put::Choice(row) => put!(rows.choices, row),
                Put::Interview(row) => put!(rows.interviews, row),
                Put::Feedback(row) => put!(rows.feedback, row),
                Put::Link(row) => put!(rows.links, row),
                Put::ApiKey(row) => put!(rows.keys, row),
                Put::Session(row) => put!(rows.sessions, row),
                Put::Account(row) => put!(rows.accounts, row),
                Put::Throttle(row) => put!(rows.throttles, row),
                Put::LastUse(id, at) => {
                    rows.last_uses.retain(|(known, _)| *known != id);
                    rows.last_uses.push((id, at));
                }
                Put::Alert(row) => put!(rows.alerts, row),
                Put::IssuedToken(row) => put!(rows.refresh_tokens, row),
                Put::Gate(row) => {
                    rows.gates.retain(|known| known.name != row.name);
                    rows.gates.push(row);
                }
                Put::Look(row) => {
                    rows.sightings.retain(|known| known.grant != row.grant);
                    rows.sightings.push(row);
                }
                Put::Erasure(row) => {
                    rows.erasures.retain(|known| known.person != row.person);
                    rows.erasures.push(row);
                }
                Put::SentMail(row) => put!(rows.mails, row),
                Put::Calls(row) => rows.calls.push(row),
                Put::Lending(row) => {
                    rows.lendings.push(LendingDay { grant: row.grant, day: row.hour, count: 1, ends_at: row.ends_at });
                }
                Put::ForgetCounts(_) | Put::Seal(_) | Put::Checkpoint(_) | Put::CheckpointKey(_) => {}
                Put::Unset(key) => rows.settings.retain(|(known, _)| *known != key),
                Put::Setting(key, value) => {
                    rows.settings.retain(|(known, _)| *known != key);
                    rows.settings.push((key, value));
                }
            }
        }
        rows.ordered
            .extend(change.jobs.into_iter().filter_map(|step| if let JobStep::Order(job) = step { Some(job.work) } else { None }));
        rows.entries.extend(change.audit);
        Ok(())
    }

    async fn person(&self, id: Id<Person>) -> Read<Option<Person>> {
        Ok(self.read(|rows| rows.persons.iter().find(|row| row.id == id).cloned()))
    }
    async fn person_by_email(&self, email: &EmailAddress) -> Read<Option<Person>> {
        Ok(self.read(|rows| rows.persons.iter().find(|row| row.has(email)).cloned()))
    }
    async fn persons(&self, ids: &[Id<Person>]) -> Read<Vec<Person>> {
        Ok(self.read(|rows| rows.persons.iter().filter(|row| ids.contains(&row.id)).cloned().collect()))
    }
    async fn owner(&self, _: Scope, _: &str) -> Read<Option<String>> {
        Ok(None)
    }
    async fn grant(&self, id: Id<Grant>) -> Read<Option<Grant>> {
        Ok(self.read(|rows| rows.grants.iter().find(|row| row.id == id).cloned()))
    }
    async fn grant_of(&self, person: Id<Person>, provider: &str) -> Read<Option<Grant>> {
        Ok(self.read(|rows| rows.grants.iter().find(|row| row.person == person && row.provider == provider).cloned()))
    }
    async fn grants(&self, _: Page) -> Read<Vec<Grant>> {
        Ok(self.read(|rows| rows.grants.clone()))
    }
    async fn issued_token(&self, id: Id<IssuedToken>) -> Read<Option<IssuedToken>> {
        Ok(self.read(|rows| rows.refresh_tokens.iter().find(|row| row.id == id).cloned()))
    }
    async fn issued_tokens(&self, account: &str) -> Read<Vec<IssuedToken>> {
        let live = |row: &&IssuedToken| row.account == account && row.ended.is_none();
        Ok(self.read(|rows| rows.refresh_tokens.iter().filter(live).cloned().collect()))
    }
    async fn gate(&self, name: &str) -> Read<Option<Gate>> {
        Ok(self.read(|rows| rows.gates.iter().find(|row| row.name == name).cloned()))
    }
    async fn look(&self, grant: Id<Grant>) -> Read<Option<Look>> {
        Ok(self.read(|rows| rows.sightings.iter().find(|row| row.grant == grant).cloned()))
    }
    async fn looks(&self) -> Read<Vec<Look>> {
        Ok(self.read(|rows| rows.sightings.clone()))
    }
    async fn shut_gates(&self, _: u32) -> Read<Vec<Gate>> {
        Ok(self.read(|rows| rows.gates.iter().filter(|row| row.shut.is_some()).cloned().collect()))
    }
    async fn vacancy(&self, id: Id<Vacancy>) -> Read<Option<Vacancy>> {
        Ok(self.read(|rows| rows.vacancies.iter().find(|row| row.id == id).cloned()))
    }
    async fn vacancies(&self, _: Page) -> Read<Vec<Vacancy>> {
        Ok(self.read(|rows| rows.vacancies.clone()))
    }
    async fn vacancies_of(&self, manager: Id<Person>) -> Read<Vec<Vacancy>> {
        Ok(self.read(|rows| rows.vacancies.iter().filter(|row| row.manager == manager).cloned().collect()))
    }
    async fn shortlist(&self, vacancy: Id<Vacancy>) -> Read<Vec<Candidacy>> {
        Ok(self.read(|rows| rows.candidacies.iter().filter(|row| row.vacancy == vacancy).cloned().collect()))
    }
    async fn candidacy(&self, id: Id<Candidacy>) -> Read<Option<Candidacy>> {
        Ok(self.read(|rows| rows.candidacies.iter().find(|row| row.id == id).cloned()))
    }
    async fn choice(&self, id: Id<Choice>) -> Read<Option<Choice>> {
        Ok(self.read(|rows| rows.choices.iter().find(|row| row.id == id).cloned()))
    }
    async fn choice_of(&self, candidacy: Id<Candidacy>, round: i64) -> Read<Option<Choice>> {
        Ok(self.read(|rows| rows.choices.iter().find(|row| row.candidacy == candidacy && row.round == round).cloned()))
    }
    async fn choices_of(&self, vacancy: Id<Vacancy>) -> Read<Vec<Choice>> {
        Ok(self.read(|rows| rows.choices.iter().filter(|row| row.vacancy == vacancy).cloned().collect()))
    }
    async fn interview(&self, id: Id<Interview>) -> Read<Option<Interview>> {
        Ok(self.read(|rows| rows.interviews.iter().find(|row| row.id == id).cloned()))
    }
    async fn interviews_of(&self, vacancy: Id<Vacancy>) -> Read<Vec<Interview>> {
        Ok(self.read(|rows| rows.interviews.iter().filter(|row| row.vacancy == vacancy).cloned().collect()))
    }
    async fn agenda(&self, _: Id<Person>, _: TimeRange) -> Read<Vec<Interview>> {
        Ok(Vec::new())
    }
    async fn held_time(&self, _: &Holder, _: TimeRange, _: Timestamp) -> Read<Vec<(Id<Interview>, TimeRange)>> {
        Ok(Vec::new())
    }
    async fn standings(&self, _: &[EmailAddress], _: TimeRange, _: Timestamp) -> Read<Vec<Option<Standing>>> {
        Ok(Vec::new())
    }
    async fn agenda_rev(&self, _: &Holder) -> Read<i64> {
        Ok(0)
    }
    async fn interviews_between(&self, window: TimeRange, _: u32) -> Read<Vec<Interview>> {
        Ok(self.read(|rows| rows.interviews.iter().filter(|row| row.range.overlaps(window)).cloned().collect()))
    }
    async fn interviews_in_attention(&self, _: u32) -> Read<Vec<Interview>> {
        Ok(self.read(|rows| rows.interviews.iter().filter(|row| row.state == InterviewState::Attention).cloned().collect()))
    }
    async fn feedback_of(&self, interview: Id<Interview>) -> Read<Vec<Feedback>> {
        Ok(self.read(|rows| rows.feedback.iter().filter(|row| row.interview == interview).cloned().collect()))
    }
    async fn link(&self, id: Id<Link>) -> Read<Option<Link>> {
        Ok(self.read(|rows| rows.links.iter().find(|row| row.id == id).cloned()))
    }
    async fn newest_link(&self, purpose: Purpose, subject: &str) -> Read<Option<Link>> {
        Ok(self.read(|rows| {
            rows.links.iter().filter(|row| row.purpose == purpose && row.subject == subject).max_by_key(|row| row.id).cloned()
        }))
    }
    async fn api_key_by_hash(&self, hash: &[u8]) -> Read<Option<ApiKey>> {
        Ok(self.read(|rows| rows.keys.iter().find(|row| row.hash == hash).cloned()))
    }
    async fn api_keys(&self) -> Read<Vec<ApiKey>> {
        Ok(self.read(|rows| rows.keys.clone()))
    }
    async fn session_by_hash(&self, hash: &[u8]) -> Read<Option<Session>> {
        Ok(self.read(|rows| rows.sessions.iter().find(|row| row.hash == hash).cloned()))
    }
    async fn live_sessions(&self, now: Timestamp, _: u32) -> Read<Vec<Session>> {
        Ok(self.read(|rows| rows.sessions.iter().filter(|row| row.is_live(now)).cloned().collect()))
    }
    async fn account(&self, id: Id<Account>) -> Read<Option<Account>> {
        Ok(self.read(|rows| rows.accounts.iter().find(|row| row.id == id).cloned()))
    }
    async fn account_by_email(&self, email: &EmailAddress) -> Read<Option<Account>> {
        Ok(self.read(|rows| rows.accounts.iter().find(|row| row.email == *email).cloned()))
    }
    async fn accounts(&self) -> Read<Vec<Account>> {
        Ok(self.read(|rows| rows.accounts.clone()))
    }
    async fn throttle(&self, id: &str) -> Read<Option<Throttle>> {
        Ok(self.read(|rows| rows.throttles.iter().find(|row| row.id == id).cloned()))
    }
    async fn last_use(&self, id: &str) -> Read<Option<Timestamp>> {
        Ok(self.read(|rows| rows.last_uses.iter().find(|(known, _)| known == id).map(|(_, at)| *at)))
    }
    async fn lease_jobs(&self, _: Timestamp, _: u32, _: i64) -> Read<Vec<Job>> {
        Ok(Vec::new())
    }
    async fn job(&self, id: Id<Job>) -> Read<Option<Job>> {
        Ok(self.read(|rows| rows.jobs.iter().find(|row| row.id == id).cloned()))
    }
    async fn next_due(&self) -> Read<Option<Timestamp>> {
        Ok(None)
    }
    async fn jobs(&self, state: JobState, _: u32) -> Read<Vec<Job>> {
        Ok(self.read(|rows| rows.jobs.iter().filter(|row| row.state == state).cloned().collect()))
    }
    async fn sealed_jobs(&self, _: Page) -> Read<Vec<SealedJob>> {
        Ok(Vec::new())
    }
    async fn open_jobs(&self, _: &str) -> Read<Vec<Job>> {
        Ok(Vec::new())
    }
    async fn mails(&self, to: Option<&EmailAddress>, _: Page) -> Read<Vec<SentMail>> {
        Ok(self.read(|rows| rows.mails.iter().filter(|row| to.is_none_or(|to| row.to == *to)).cloned().collect()))
    }
    async fn mail(&self, id: Id<SentMail>) -> Read<Option<SentMail>> {
        Ok(self.read(|rows| rows.mails.iter().find(|row| row.id == id).cloned()))
    }
    async fn audit_of(&self, subject: &str, _: u32) -> Read<Vec<Entry>> {
        Ok(self.read(|rows| rows.entries.iter().filter(|row| row.subject == subject).cloned().collect()))
    }
    async fn audit(&self, _: Page) -> Read<Vec<Entry>> {
        Ok(self.read(|rows| rows.entries.clone()))
    }
    async fn audit_search(&self, filter: &Filter, _: Page, _: bool) -> Read<Vec<Line>> {
        let asked = |entry: &&Entry| filter.action.as_ref().is_none_or(|action| entry.action.starts_with(action.as_str()));
        Ok(self.read(|rows| rows.entries.iter().filter(asked).map(line).collect()))
    }
    async fn audit_unsealed(&self, _: &str, _: u32) -> Read<Vec<Line>> {
        Ok(self.read(|rows| rows.entries.iter().map(line).collect()))
    }
    async fn audit_sealed(&self, _: i64, _: u32) -> Read<Vec<Line>> {
        Ok(Vec::new())
    }
    async fn audit_head(&self) -> Read<Head> {
        Ok(Head::default())
    }
    async fn audit_tally(&self) -> Read<Tally> {
        Ok(self.read(|rows| Tally { sealed: 0, unsealed: i64::try_from(rows.entries.len()).unwrap() }))
    }
    async fn audit_checkpoints(&self, _: i64, _: u32) -> Read<Vec<Checkpoint>> {
        Ok(Vec::new())
    }
    async fn audit_checkpoint(&self, _: i64) -> Read<Option<Checkpoint>> {
        Ok(None)
    }
    async fn audit_newest_checkpoint(&self) -> Read<Option<Checkpoint>> {
        Ok(None)
    }
    async fn audit_keys(&self) -> Read<Vec<CheckpointKey>> {
        Ok(Vec::new())
    }
    async fn lasting_alert(&self, kind: AlertKind, subject: &str) -> Read<Option<Alert>> {
        let is_it = |alert: &&Alert| alert.kind == kind && alert.subject == subject && alert.ended_at.is_none();
        Ok(self.read(|rows| rows.alerts.iter().find(is_it).cloned()))
    }
    async fn alerts(&self, lasting: bool, _: u32) -> Read<Vec<Alert>> {
        Ok(self.read(|rows| rows.alerts.iter().filter(|alert| !lasting || alert.ended_at.is_none()).cloned().collect()))
    }
    async fn untold_alerts(&self, _: Timestamp, _: u32) -> Read<Vec<Alert>> {
        Ok(Vec::new())
    }
    async fn alerts_told(&self, _: Timestamp) -> Read<Vec<(AlertKind, Timestamp)>> {
        Ok(Vec::new())
    }
    async fn calls(&self, since: Timestamp, _: i64) -> Read<Vec<CallCount>> {
        Ok(self.read(|rows| rows.calls.iter().filter(|row| row.since >= since).cloned().collect()))
    }
    async fn lendings(&self, since: Timestamp) -> Read<Vec<LendingDay>> {
        Ok(self.read(|rows| rows.lendings.iter().filter(|row| row.day >= since).cloned().collect()))
    }
    async fn job_tallies(&self) -> Read<Vec<JobTally>> {
        Ok(Vec::new())
    }
    async fn grant_tallies(&self) -> Read<Vec<(GrantState, i64)>> {
        Ok(Vec::new())
    }
    async fn bookings(&self, _: Timestamp) -> Read<Vec<(Timestamp, i64)>> {
        Ok(Vec::new())
    }
    async fn erasure(&self, person: Id<Person>) -> Read<Option<Erasure>> {
        Ok(self.read(|rows| rows.erasures.iter().find(|row| row.person == person).cloned()))
    }
    async fn erasures(&self, open: bool, _: u32) -> Read<Vec<Erasure>> {
        Ok(self.read(|rows| rows.erasures.iter().filter(|row| !open || row.finished_at.is_none()).cloned().collect()))
    }
    async fn interviews_with(&self, person: Id<Person>) -> Read<Vec<Interview>> {
        let takes_part = |row: &&Interview| row.participants.iter().any(|participant| participant.person == person);
        Ok(self.read(|rows| rows.interviews.iter().filter(takes_part).cloned().collect()))
    }
    async fn candidacies_of(&self, person: Id<Person>) -> Read<Vec<Candidacy>> {
        Ok(self.read(|rows| rows.candidacies.iter().filter(|row| row.person == person).cloned().collect()))
    }
    async fn held(&self, person: Id<Person>) -> Read<Vec<Held>> {
        let name = self.read(|rows| rows.persons.iter().find(|row| row.id == person).map(|row| row.name.clone()));
        let row = |name: String| [("name".to_owned(), name.into())].into_iter().collect();
        Ok(name.map(|name| Held { table: "persons", rows: vec![row(name)] }).into_iter().collect())
    }
    async fn messages_about(&self, _: Id<Person>) -> Read<(Vec<String>, Vec<MailOrder>)> {
        Ok((Vec::new(), Vec::new()))
    }
    async fn aged(&self, _: Timestamp, _: u32) -> Read<Vec<(Id<Person>, Timestamp)>> {
        Ok(Vec::new())
    }
    async fn sweepable(&self, _: Sweeping) -> Read<Vec<String>> {
        Ok(Vec::new())
    }
    async fn scrub(&self) -> Read<()> {
        Ok(())
    }
    async fn live_links(&self, _: Timestamp, _: Timestamp) -> Read<i64> {
        Ok(0)
    }
    async fn settings(&self, prefix: &str) -> Read<Vec<(String, String)>> {
        Ok(self.read(|rows| rows.settings.iter().filter(|(key, _)| key.starts_with(prefix)).cloned().collect()))
    }
    async fn setting(&self, key: &str) -> Read<Option<String>> {
        Ok(self.read(|rows| rows.settings.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())))
    }
    async fn lease_now(&self) -> Read<Timestamp> {
        Ok(self.clock.as_ref().map_or(Timestamp::UNIX_EPOCH, LeaseClock::now))
    }
    async fn ping(&self) -> Read<()> {
        Ok(())
    }
}
