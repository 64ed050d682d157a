//! The log: who did what to whom, and why; how it stands; and its lines with everything that is needed to check them elsewhere.

use app::ExportedLine;
use axum::{Json, extract::State};
use domain::{
    Timestamp,
    access::Right,
    audit::{Actor, Entry, Filter, Line},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Endpoint, get},
    input::{Paging, Query, instant},
    output::{Answer, List, Moment},
};
use crate::{WebState, error::Problem};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/audit", Right::Read, "Lists the log, newest first; filtered where asked", list).query::<Asked>().lists::<EntryBody>(),
        get("/audit/export", Right::Audit, "Lists the log as it is stored, oldest first, to be checked elsewhere", export)
            .query::<Asked>()
            .lists::<LineBody>(),
        get("/audit/state", Right::Audit, "Says how far the log is sealed, signed and checked", state).answers::<StateBody>(),
    ]
}

/// One line of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryBody {
    id: String,
    at: Moment,
    /// `system`, `api_key`, `account`, `administrator`, `person` or `operator`; `unreadable` where the line was damaged.
    actor: &'static str,
    /// Which key, account, administrator or person.
    actor_id: Option<String>,
    /// A stable code such as `vacancy.approved`.
    action: String,
    /// The id of what it was done to.
    subject: String,
    reason: Option<String>,
    /// The request or job that caused it.
    request: Option<String>,
    details: serde_json::Value,
    /// Its place in the chain; `null` while it is not sealed.
    seq: Option<i64>,
}

impl From<Line> for EntryBody {
    fn from(line: Line) -> Self {
        let entry = line.entry();
        let (actor, actor_id) = match entry.as_ref().map(|entry| entry.actor.clone()) {
            Some(Actor::System) => ("system", None),
            Some(Actor::ApiKey(id)) => ("api_key", Some(id)),
            Some(Actor::Administrator(name)) => ("administrator", Some(name)),
            Some(Actor::Account(id)) => ("account", Some(id)),
            Some(Actor::Person(id)) => ("person", Some(id)),
            Some(Actor::Operator) => ("operator", None),
            None => ("unreadable", None),
        };
        Self {
            // Only a damaged line can be outside of time.
            at: Timestamp::from_microsecond(line.at).unwrap_or(Timestamp::MIN).into(),
            id: line.id,
            actor,
            actor_id,
            action: line.action,
            subject: line.subject,
            reason: line.reason,
            request: line.request,
            details: entry.map_or(serde_json::Value::Null, |entry| entry.payload),
            seq: line.seq,
        }
    }
}

/// One line as it is stored; docs/audit.md says how it is hashed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditLine)]
struct LineBody {
    /// Its place in the chain; `null` while it is not sealed.
    seq: Option<i64>,
    id: String,
    at: Option<Moment>,
    /// Microseconds since 1970, as it is hashed.
    at_us: i64,
    /// JSON in a text, as it is hashed.
    actor: String,
    action: String,
    subject: String,
    reason: Option<String>,
    request: Option<String>,
    /// JSON in a text, as it is hashed; `null` once erased.
    payload: Option<String>,
    /// Hexadecimal, as all bytes here; `null` once erased.
    salt: Option<String>,
    payload_hash: String,
    mac: Option<String>,
    /// The chain's value after this line.
    chain: Option<String>,
}

impl From<ExportedLine> for LineBody {
    fn from(line: ExportedLine) -> Self {
        let ExportedLine { seq, id, at, at_us, actor, action, subject, reason, request, payload, salt, payload_hash, mac, chain } =
            line;
        let at = at.map(Moment::from);
        Self { seq, id, at, at_us, actor, action, subject, reason, request, payload, salt, payload_hash, mac, chain }
    }
}

/// How the log stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditState)]
struct StateBody {
    /// Lines with a place in the chain.
    sealed: i64,
    /// Lines that wait for one.
    unsealed: i64,
    /// The newest checkpoint: up to there the log was signed.
    checkpoint_seq: Option<i64>,
    checkpoint_at: Option<Moment>,
    /// Whether checkpoints leave the database.
    checkpoints_leave: bool,
    /// The newest daily check.
    checked_at: Option<Moment>,
    /// Whether everything held in it.
    checked_held: Option<bool>,
    /// Whether an alert lasts that the log is not as it was written.
    broken: bool,
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only lines about this id.
    #[param(required = false)]
    subject: Option<String>,
    /// Only lines from this instant on.
    #[param(required = false)]
    since: Option<String>,
    /// Only lines before this instant.
    #[param(required = false)]
    until: Option<String>,
    /// Only lines by these: `system`, `operator`, `api_key`, `account`, `administrator` or `person`, perhaps with an id behind a colon.
    #[param(required = false)]
    actor: Option<String>,
    /// Only lines whose action begins with this.
    #[param(required = false)]
    action: Option<String>,
    /// Only lines that this request caused.
    #[param(required = false)]
    request: Option<String>,
    /// `next_cursor` of the page before.
    #[param(required = false)]
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 where absent.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl Asked {
    fn paging(&self) -> Paging {
        Paging { cursor: self.cursor.clone(), limit: self.limit }
    }

    fn filter(self) -> Result<Filter, Problem> {
        let at = |field, text: Option<String>| text.map(|text| instant(field, &text)).transpose();
        Ok(Filter {
            since: at("since", self.since)?,
            until: at("until", self.until)?,
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            request: self.request,
        })
    }
}

async fn list(State(state): State<WebState>, Query(asked): Query<Asked>) -> Answer<List<EntryBody>> {
    let (page, limit) = (asked.paging().page::<Entry>()?, asked.paging().limit()?);
    let found = state.app.audit_lines(&asked.filter()?, page, true).await?;
    Ok(List::page(found, limit, |line| line.id.clone(), EntryBody::from))
}

async fn export(State(state): State<WebState>, Query(asked): Query<Asked>) -> Answer<List<LineBody>> {
    let (page, limit) = (asked.paging().page::<Entry>()?, asked.paging().limit()?);
    let found = state.app.audit_lines(&asked.filter()?, page, false).await?;
    Ok(List::page(found, limit, |line| line.id.clone(), |line| LineBody::from(ExportedLine::from(line))))
}

async fn state(State(state): State<WebState>) -> Answer<Json<StateBody>> {
    let found = state.app.audit_state().await?;
    Ok(Json(StateBody {
        sealed: found.tally.sealed,
        unsealed: found.tally.unsealed,
        checkpoint_seq: found.newest.as_ref().map(|checkpoint| checkpoint.seq),
        checkpoint_at: found.newest.map(|checkpoint| checkpoint.at.into()),
        checkpoints_leave: found.outside,
        checked_at: found.checked.as_ref().map(|checked| checked.at.into()),
        checked_held: found.checked.map(|checked| checked.held),
        broken: found.broken,
    }))
}
