//! The log: who did what to whom, and why.

use axum::extract::State;
use domain::{
    access::Right,
    audit::{Actor, Entry},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Endpoint, get},
    input::{Paging, Query},
    output::{Answer, List, Moment},
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/audit", Right::Read, "Lists the log, newest first; of one subject where asked", list)
            .query::<Filter>()
            .lists::<EntryBody>(),
    ]
}

/// One line of the log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryBody {
    id: String,
    at: Moment,
    /// `system`, `api_key`, `administrator`, `person` or `operator`.
    actor: &'static str,
    /// Which key, administrator or person.
    actor_id: Option<String>,
    /// A stable code such as `vacancy.approved`.
    action: String,
    /// The id of what it was done to.
    subject: String,
    reason: Option<String>,
    /// The request or job that caused it.
    request: Option<String>,
    details: serde_json::Value,
}

impl From<Entry> for EntryBody {
    fn from(entry: Entry) -> Self {
        let (actor, actor_id) = match entry.actor {
            Actor::System => ("system", None),
            Actor::ApiKey(id) => ("api_key", Some(id)),
            Actor::Administrator(name) => ("administrator", Some(name)),
            Actor::Account(id) => ("account", Some(id)),
            Actor::Person(id) => ("person", Some(id)),
            Actor::Operator => ("operator", None),
        };
        Self {
            id: entry.id.to_string(),
            at: entry.at.into(),
            actor,
            actor_id,
            action: entry.action,
            subject: entry.subject,
            reason: entry.reason,
            request: entry.request,
            details: entry.payload,
        }
    }
}

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only the newest lines about this id; without a cursor.
    #[param(required = false)]
    subject: Option<String>,
    /// `next_cursor` of the page before.
    #[param(required = false)]
    cursor: Option<String>,
    /// At most this many, 1 to 200; 50 where absent.
    #[param(required = false, minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

async fn list(State(state): State<WebState>, Query(filter): Query<Filter>) -> Answer<List<EntryBody>> {
    let paging = Paging { cursor: filter.cursor, limit: filter.limit };
    let (page, limit) = (paging.page::<Entry>()?, paging.limit()?);
    if let Some(subject) = &filter.subject {
        let found = state.app.trail(subject, limit).await?;
        return Ok(List::whole(found.into_iter().map(EntryBody::from).collect()));
    }
    Ok(List::page(state.app.audit(page).await?, limit, |entry| entry.id.to_string(), EntryBody::from))
}
