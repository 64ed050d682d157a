//! Persons. Addresses are kept in the row in their order; they are found through the unique names of scope `email`.

use std::sync::LazyLock;

use domain::{EmailAddress, Id, people::Person};
use ports::{change::Scope, store::Read};

use super::{BATCH, EIGHT, Noun, eight};
use crate::db::{Columns, Engine, Param, Row, Size, Table, json, opt_code, opt_json};

static TABLE: Table =
    Table { name: "persons", columns: &["id", "rev", "name", "emails", "zone", "rules", "external_id", "created_at", "skills"] };

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static BY_NAME: LazyLock<String> =
    LazyLock::new(|| TABLE.select("WHERE id = (SELECT owner FROM names WHERE scope = $1 AND name = $2)"));
static BY_IDS: LazyLock<String> = LazyLock::new(|| TABLE.select(&format!("WHERE id IN {EIGHT} ORDER BY id")));

pub(super) fn put(person: &Person) -> Read<Noun> {
    let others = vec![
        Param::from(&person.name),
        json(&person.emails)?,
        opt_code(person.zone.as_ref())?,
        opt_json(person.rules.as_ref())?,
        Param::from(&person.external_id),
        Param::from(person.created_at),
        opt_json(Some(&person.skills).filter(|skills| !skills.is_empty()))?,
    ];
    Ok(Noun::row(&TABLE, "person", &PUT, person.id.to_string(), person.rev, others))
}

fn decode(row: Row) -> Read<Person> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Person {
        id: columns.id()?,
        rev: columns.int()?,
        name: columns.text()?,
        emails: columns.json()?,
        zone: columns.opt_code()?,
        rules: columns.opt_json()?,
        external_id: columns.opt_text()?,
        created_at: columns.time()?,
        skills: columns.opt_json()?.unwrap_or_default(),
    })
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Person>) -> Read<Option<Person>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

pub(crate) async fn by_email(engine: &Engine, email: &EmailAddress) -> Read<Option<Person>> {
    engine.one(&BY_NAME, vec![Scope::Email.as_str().into(), email.key().into()], decode).await
}

/// In the order of their ids; every person once.
pub(crate) async fn by_ids(engine: &Engine, ids: &[Id<Person>]) -> Read<Vec<Person>> {
    let mut ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut persons = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        persons.extend(engine.list(&BY_IDS, eight(batch), Size::Small, decode).await?);
    }
    Ok(persons)
}
