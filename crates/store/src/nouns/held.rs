//! What is held about a person, table by table, for the export. A test that walks every table of a database in use proves that none is
//! missing here.

use std::sync::LazyLock;

use domain::{Id, Timestamp, erasure::Held, people::Person};
use ports::store::{Read, StoreError};
use serde_json::{Map, Value as Json};

use super::erasures::{GRANTS, INTERVIEWS, VACANCIES, about, mentions};
use crate::db::{Engine, Row, Size, Value};

/// Whether the text in `column` holds an address of the person, their integrator's id or, if it is long enough to mean them, their name.
fn names_them(column: &str) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM names a WHERE a.owner = $1 AND a.scope IN ('email', 'person_external_id') \
         AND LOWER({column}) LIKE '%' || LOWER(a.name) || '%') \
         OR EXISTS (SELECT 1 FROM persons s WHERE s.id = $1 AND LENGTH(s.name) >= 5 AND {column} LIKE '%' || s.name || '%'))"
    )
}

/// A table that holds something about people: what the export shows of it, and which rows are whose.
struct Holding {
    table: &'static str,
    columns: &'static [&'static str],
    whose: fn() -> String,
}

const HOLDINGS: &[Holding] = &[
    Holding {
        table: "persons",
        columns: &["id", "name", "emails", "zone", "rules", "external_id", "created_at"],
        whose: || "id = $1".to_owned(),
    },
    Holding {
        table: "names",
        columns: &["scope", "name"],
        whose: || format!("owner = $1 OR owner IN ({GRANTS}) OR {} OR {}", mentions("name", false), names_them("names.name")),
    },
    Holding {
        table: "vacancies",
        columns: &["id", "title", "manager", "requested_by", "state", "external_id", "created_at"],
        whose: || format!("id IN ({VACANCIES})"),
    },
    Holding {
        table: "candidacies",
        columns: &["id", "vacancy", "person", "position", "unplaced_since", "unplaced_reasons", "withdrawn_at", "created_at"],
        whose: || "person = $1".to_owned(),
    },
    Holding {
        table: "choices",
        columns: &[
            "id",
            "vacancy",
            "candidacy",
            "round",
            "asked_at",
            "reminders",
            "silent_since",
            "hold",
            "interview",
            "wishes",
            "created_at",
        ],
        whose: || "person = $1".to_owned(),
    },
    Holding {
        table: "interviews",
        columns: &[
            "id",
            "vacancy",
            "candidacy",
            "round",
            "state",
            "provisional",
            "starts_at",
            "ends_at",
            "zone",
            "invited",
            "event",
            "feedback",
            "attention_reason",
            "attention_since",
            "cancelled_by",
            "cancelled_at",
            "cancelled_why",
            "booked_at",
            "created_at",
        ],
        whose: || format!("id IN ({INTERVIEWS})"),
    },
    Holding {
        table: "participants",
        columns: &["interview", "person", "role", "confirmed_at", "starts_at", "ends_at"],
        whose: || "person = $1".to_owned(),
    },
    Holding {
        table: "feedback",
        columns: &["id", "interview", "author", "answers", "submitted_at", "updated_at", "revoked_at"],
        whose: || format!("author = $1 OR interview IN ({INTERVIEWS})"),
    },
    Holding {
        table: "grants",
        columns: &[
            "id",
            "provider",
            "state",
            "account_data_centre",
            "account_user_id",
            "account_email",
            "data_centre",
            "access_expires_at",
            "scopes",
            "calendar",
            "busy_calendars",
            "request",
            "connected_at",
            "ended_at",
            "ended_why",
            "created_at",
        ],
        whose: || "person = $1".to_owned(),
    },
    Holding {
        table: "links",
        columns: &["id", "purpose", "subject", "person", "created_at", "expires_at", "used_at", "revoked_at", "outcome"],
        whose: || format!("person = $1 OR subject = $1 OR subject IN ({INTERVIEWS})"),
    },
    Holding {
        table: "mails",
        columns: &["id", "kind", "recipient", "subject", "plain_text", "calendar", "about", "sent_at"],
        whose: || {
            format!("{} OR recipient_key IN (SELECT name FROM names WHERE scope = 'email' AND owner = $1)", about("about", true))
        },
    },
    Holding {
        table: "settings",
        columns: &["key", "value"],
        whose: || {
            let (value, key) = (names_them("value"), names_them("key"));
            format!("key LIKE 'idempotency:%' AND ({} OR {value} OR {key})", mentions("value", true))
        },
    },
    Holding { table: "claims", columns: &["interview", "cell", "expires_at"], whose: || "holder = $1".to_owned() },
    Holding { table: "agendas", columns: &["holder", "rev"], whose: || "holder = $1".to_owned() },
    Holding {
        table: "jobs",
        columns: &["id", "kind", "state", "due", "not_after", "attempt", "last_error", "created_at"],
        whose: || mentions("work", true),
    },
    Holding {
        table: "audit",
        columns: &["id", "at", "actor", "action", "subject", "reason", "payload"],
        whose: || format!("{} OR {} OR {}", about("subject", false), mentions("payload", false), mentions("actor", false)),
    },
    Holding {
        table: "alerts",
        columns: &["id", "kind", "subject", "details", "raised_at", "told_at", "ended_at"],
        whose: || about("subject", false),
    },
    Holding {
        table: "looks",
        columns: &["id", "tried_at", "near_at", "far_at", "read_at", "problem", "held_at", "sights"],
        whose: || format!("id IN ({GRANTS}) OR {}", mentions("looks.sights", false)),
    },
    Holding { table: "lendings", columns: &["hour", "grant_id", "count", "ends_at"], whose: || format!("grant_id IN ({GRANTS})") },
    Holding {
        table: "erasures",
        columns: &["id", "kind", "why", "requested_at", "stage", "events_left", "finished_at"],
        whose: || "id = $1".to_owned(),
    },
];

static READS: LazyLock<Vec<(&'static Holding, String)>> = LazyLock::new(|| {
    let read = |holding: &'static Holding| {
        let Holding { table, columns, whose } = holding;
        (holding, format!("SELECT {} FROM {table} WHERE {} ORDER BY 1", columns.join(", "), whose()))
    };
    HOLDINGS.iter().map(read).collect()
});

/// Everything held about a person; tables without a row of theirs are left out.
pub(crate) async fn held(engine: &Engine, person: Id<Person>) -> Read<Vec<Held>> {
    let mut all = Vec::new();
    for (holding, sql) in READS.iter() {
        let found = engine.rows(sql, vec![person.into()], Size::Bulk).await?;
        if found.is_empty() {
            continue;
        }
        let rows = found.into_iter().map(|row| shown(holding.columns, row)).collect::<Read<Vec<_>>>()?;
        all.push(Held { table: holding.table, rows });
    }
    Ok(all)
}

/// A row as people read it: instants as such, JSON as JSON.
fn shown(columns: &'static [&'static str], row: Row) -> Read<Map<String, Json>> {
    let pairs = columns.iter().zip(row).map(|(column, value)| {
        let value = match value {
            // Bytes are sealed or hashed: none of the columns above holds any.
            Value::Null | Value::Blob(_) => Json::Null,
            Value::Int(number) if is_instant(column) => instant(column, number)?,
            Value::Int(number) => Json::from(number),
            Value::Text(text) => nested(text),
        };
        Ok(((*column).to_owned(), value))
    });
    pairs.collect()
}

/// A text that holds JSON as that; any other, a name in braces too, as it is.
fn nested(text: String) -> Json {
    if !text.starts_with(['{', '[']) {
        return Json::from(text);
    }
    match serde_json::from_str(&text) {
        Ok(value) => value,
        Err(_) => Json::from(text),
    }
}

fn is_instant(column: &str) -> bool {
    ["at", "due", "hour", "not_after", "unplaced_since", "attention_since"].contains(&column) || column.ends_with("_at")
}

fn instant(column: &str, micros: i64) -> Read<Json> {
    let at = Timestamp::from_microsecond(micros).map_err(|error| StoreError::Inconsistent(format!("column {column}: {error}")))?;
    Ok(Json::from(at.to_string()))
}
