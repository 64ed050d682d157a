//! Choices of candidates: what is held and what they wish stands in the row as JSON.

use std::sync::LazyLock;

use domain::{Id, candidacies::Candidacy, choices::Choice, vacancies::Vacancy};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, opt_json};

static TABLE: Table = Table {
    name: "choices",
    columns: &[
        "id",
        "rev",
        "vacancy",
        "candidacy",
        "person",
        "round",
        "asked_at",
        "reminders",
        "silent_since",
        "hold",
        "interview",
        "wishes",
        "created_at",
    ],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static BY_ID: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE id = $1"));
static OF_PLACE: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE candidacy = $1 AND round = $2"));
static OF_VACANCY: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE vacancy = $1 ORDER BY id"));

pub(super) fn put(choice: &Choice) -> Read<Noun> {
    let others = vec![
        Param::from(choice.vacancy),
        Param::from(choice.candidacy),
        Param::from(choice.person),
        Param::from(choice.round),
        Param::from(choice.asked_at),
        Param::from(choice.reminders),
        Param::from(choice.silent_since),
        opt_json(choice.hold.as_ref())?,
        Param::from(choice.interview),
        opt_json(choice.wishes.as_ref())?,
        Param::from(choice.created_at),
    ];
    Ok(Noun::row(&TABLE, "choice", &PUT, choice.id.to_string(), choice.rev, others))
}

fn decode(row: Row) -> Read<Choice> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Choice {
        id: columns.id()?,
        rev: columns.int()?,
        vacancy: columns.id()?,
        candidacy: columns.id()?,
        person: columns.id()?,
        round: columns.int()?,
        asked_at: columns.opt_time()?,
        reminders: columns.int()?,
        silent_since: columns.opt_time()?,
        hold: columns.opt_json()?,
        interview: columns.opt_id()?,
        wishes: columns.opt_json()?,
        created_at: columns.time()?,
    })
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Choice>) -> Read<Option<Choice>> {
    engine.one(&BY_ID, vec![id.into()], decode).await
}

pub(crate) async fn of_place(engine: &Engine, candidacy: Id<Candidacy>, round: i64) -> Read<Option<Choice>> {
    engine.one(&OF_PLACE, vec![candidacy.into(), round.into()], decode).await
}

pub(crate) async fn of_vacancy(engine: &Engine, vacancy: Id<Vacancy>) -> Read<Vec<Choice>> {
    engine.list(&OF_VACANCY, vec![vacancy.into()], Size::Bulk, decode).await
}
