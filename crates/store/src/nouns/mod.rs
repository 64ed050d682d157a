//! One file per noun: its table, how it is written, how a row becomes the noun again, and its reads.

pub(crate) mod access;
pub(crate) mod agendas;
pub(crate) mod alerts;
pub(crate) mod audit;
pub(crate) mod calls;
pub(crate) mod candidacies;
pub(crate) mod checkpoints;
pub(crate) mod choices;
pub(crate) mod claims;
pub(crate) mod erasures;
pub(crate) mod feedback;
pub(crate) mod gates;
pub(crate) mod grants;
pub(crate) mod held;
pub(crate) mod interviews;
pub(crate) mod job_steps;
pub(crate) mod jobs;
pub(crate) mod links;
pub(crate) mod mails;
pub(crate) mod names;
pub(crate) mod people;
pub(crate) mod reality;
pub(crate) mod refresh_tokens;
pub(crate) mod settings;
pub(crate) mod standings;
pub(crate) mod sweeps;
pub(crate) mod tallies;
pub(crate) mod vacancies;

use ports::{Put, store::Read};

use crate::db::{Param, Row, Step, Table, Value};

/// One noun's statements, with the key by which the statements of a change are ordered.
pub(crate) struct Noun {
    /// Table, id and revision: the order in which rows are locked.
    pub key: (&'static str, String, i64),
    /// The compare-and-swap that everything else hangs on.
    pub guard: Option<Step>,
    /// What follows once the guards of the change hold.
    pub rest: Vec<Step>,
}

impl Noun {
    /// A noun of one row with a revision. `sql` is [`Table::put`]; `what` is how a conflict names it.
    fn row(table: &Table, what: &'static str, sql: &'static str, id: String, rev: i64, mut others: Vec<Param>) -> Self {
        let mut params = vec![Param::from(&id), Param::from(rev)];
        params.append(&mut others);
        Self { key: (table.name, id.clone(), rev), guard: Some(Step::swap(sql, params, what, id)), rest: Vec::new() }
    }
}

/// The statements of one [`Put`].
pub(crate) fn put(put: &Put) -> Read<Noun> {
    match put {
        Put::Person(person) => people::put(person),
        Put::Grant(grant) => grants::put(grant),
        Put::Vacancy(vacancy) => vacancies::put(vacancy),
        Put::Candidacy(candidacy) => candidacies::put(candidacy),
        Put::Choice(choice) => choices::put(choice),
        Put::Interview(interview) => interviews::put(interview),
        Put::Feedback(feedback) => feedback::put(feedback),
        Put::Link(link) => links::put(link),
        Put::ApiKey(key) => access::put_key(key),
        Put::Session(session) => Ok(access::put_session(session)),
        Put::Account(account) => access::put_account(account),
        Put::Throttle(throttle) => Ok(access::put_throttle(throttle)),
        Put::LastUse(id, at) => Ok(access::put_last_use(id, *at)),
        Put::Alert(alert) => alerts::put(alert),
        Put::Seal(seal) => Ok(audit::put_seal(seal)),
        Put::Checkpoint(checkpoint) => Ok(checkpoints::put(checkpoint)),
        Put::CheckpointKey(key) => Ok(checkpoints::put_key(key)),
        Put::Gate(gate) => gates::put(gate),
        Put::IssuedToken(token) => Ok(refresh_tokens::put(token)),
        Put::Look(look) => reality::put(look),
        Put::Erasure(erasure) => erasures::put(erasure),
        Put::SentMail(mail) => Ok(mails::put(mail)),
        Put::Calls(counted) => Ok(calls::add(counted)),
        Put::Lending(lending) => Ok(calls::lend(lending)),
        Put::ForgetCounts(before) => Ok(calls::forget(*before)),
        Put::Setting(key, value) => Ok(settings::put(key, value)),
        Put::Unset(key) => Ok(settings::unset(key)),
    }
}

/// The first cursor of a list that goes backwards: behind every id.
const LAST: &str = "~";

/// As many keys as one statement asks for.
const BATCH: usize = 8;
/// Their places in a statement, the first of all.
const EIGHT: &str = "($1, $2, $3, $4, $5, $6, $7, $8)";

/// The parameters for [`EIGHT`]; a shorter list repeats its last key.
fn eight(batch: &[String]) -> Vec<Param> {
    (0..BATCH).filter_map(|at| batch.get(at).or(batch.last())).map(Param::from).collect()
}

/// Cuts the joined child's columns off a row; `None` where an outer join found no child.
fn joined(row: &mut Row, parent: &Table) -> Option<Row> {
    let child = row.split_off(parent.columns.len().min(row.len()));
    child.first().is_some_and(|key| *key != Value::Null).then_some(child)
}
