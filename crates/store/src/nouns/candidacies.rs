//! Places on shortlists.

use std::sync::LazyLock;

use domain::{
    Id,
    candidacies::{Candidacy, Unplaced},
    people::Person,
    vacancies::Vacancy,
};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, opt_json};

static TABLE: Table = Table {
    name: "candidacies",
    columns: &["id", "rev", "vacancy", "person", "position", "unplaced_since", "unplaced_reasons", "withdrawn_at", "created_at"],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static OF_VACANCY: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE vacancy = $1 ORDER BY position, id"));
static OF_PERSON: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE person = $1 ORDER BY id"));

pub(super) fn put(candidacy: &Candidacy) -> Read<Noun> {
    let unplaced = candidacy.unplaced.as_ref();
    let others = vec![
        Param::from(candidacy.vacancy),
        Param::from(candidacy.person),
        Param::from(candidacy.position),
        Param::from(unplaced.map(|unplaced| unplaced.since)),
        opt_json(unplaced.map(|unplaced| &unplaced.reasons))?,
        Param::from(candidacy.withdrawn_at),
        Param::from(candidacy.created_at),
    ];
    Ok(Noun::row(&TABLE, "candidacy", &PUT, candidacy.id.to_string(), candidacy.rev, others))
}

fn decode(row: Row) -> Read<Candidacy> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Candidacy {
        id: columns.id()?,
        rev: columns.int()?,
        vacancy: columns.id()?,
        person: columns.id()?,
        position: columns.int()?,
        unplaced: match (columns.opt_time()?, columns.opt_json()?) {
            (Some(since), Some(reasons)) => Some(Unplaced { since, reasons }),
            (None, None) => None,
            _ => return Err(columns.bad("why no time was found is there only in part")),
        },
        withdrawn_at: columns.opt_time()?,
        created_at: columns.time()?,
    })
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Candidacy>) -> Read<Option<Candidacy>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

pub(crate) async fn of_vacancy(engine: &Engine, vacancy: Id<Vacancy>) -> Read<Vec<Candidacy>> {
    engine.list(&OF_VACANCY, vec![vacancy.into()], Size::Small, decode).await
}

/// Of every vacancy, withdrawn ones included.
pub(crate) async fn of_person(engine: &Engine, person: Id<Person>) -> Read<Vec<Candidacy>> {
    engine.list(&OF_PERSON, vec![person.into()], Size::Small, decode).await
}
