//! Vacancies, with their rounds as rows of their own.

use std::{collections::BTreeSet, sync::LazyLock};

use domain::{
    Id,
    people::Person,
    rounds::{Gap, Opens, Panel, Round},
    vacancies::{Stuck, Vacancy},
};
use ports::store::{Page, Read};
use serde::{Deserialize, Serialize};

use super::{LAST, Noun};
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table, code, json, opt_json};

static TABLE: Table = Table {
    name: "vacancies",
    columns: &[
        "id",
        "rev",
        "title",
        "manager",
        "requested_by",
        "state",
        "paused_at",
        "place",
        "policy",
        "approved_at",
        "stuck_code",
        "stuck_since",
        "stuck_retry_at",
        "external_id",
        "created_at",
    ],
};
static ROUNDS: Table = Table { name: "rounds", columns: &["vacancy", "place", "position", "name", "minutes", "plan"] };

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static PUT_ROUND: LazyLock<String> = LazyLock::new(|| {
    ROUNDS.insert(
        "ON CONFLICT (vacancy, place) DO UPDATE SET position = excluded.position, name = excluded.name, minutes = excluded.minutes, \
         plan = excluded.plan",
    )
});
const CUT_ROUNDS: &str = "DELETE FROM rounds WHERE vacancy = $1 AND place >= $2";

static BY_ID: LazyLock<String> = LazyLock::new(|| with_rounds("SELECT id FROM vacancies WHERE id = $1", "v.id"));
static ALL: LazyLock<String> =
    LazyLock::new(|| with_rounds("SELECT id FROM vacancies WHERE id < $1 ORDER BY id DESC LIMIT $2", "v.id DESC"));
static OF_INTERVIEWER: LazyLock<String> = LazyLock::new(|| {
    with_rounds("SELECT id FROM vacancies WHERE manager = $1 UNION SELECT vacancy FROM panelists WHERE person = $1", "v.id")
});
const CUT_PANELISTS: &str = "DELETE FROM panelists WHERE vacancy = $1";
const PUT_PANELIST: &str = "INSERT INTO panelists (vacancy, person) VALUES ($1, $2)";

/// What a round has besides its name and length; absent where it has nothing else.
#[derive(PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Plan {
    panel: Panel,
    gap: Gap,
    opens: Opens,
}

fn with_rounds(chosen: &str, order: &str) -> String {
    format!(
        "SELECT {}, {} FROM vacancies v LEFT JOIN rounds r ON r.vacancy = v.id WHERE v.id IN ({chosen}) ORDER BY {order}, r.place",
        TABLE.columns_of("v"),
        ROUNDS.columns_of("r"),
    )
}

pub(super) fn put(vacancy: &Vacancy) -> Read<Noun> {
    let stuck = vacancy.stuck.as_ref();
    let others = vec![
        Param::from(&vacancy.title),
        Param::from(vacancy.manager),
        Param::from(&vacancy.requested_by),
        code(&vacancy.state)?,
        Param::from(vacancy.paused_at),
        opt_json(vacancy.place.as_ref())?,
        json(&vacancy.policy)?,
        Param::from(vacancy.approved_at),
        Param::from(stuck.map(|stuck| stuck.code.as_str())),
        Param::from(stuck.map(|stuck| stuck.since)),
        Param::from(stuck.and_then(|stuck| stuck.retry_at)),
        Param::from(&vacancy.external_id),
        Param::from(vacancy.created_at),
    ];
    let mut noun = Noun::row(&TABLE, "vacancy", &PUT, vacancy.id.to_string(), vacancy.rev, others);
    let mut place = 0_i64;
    for round in &vacancy.rounds {
        let plan = Plan { panel: round.panel.clone(), gap: round.gap, opens: round.opens };
        let plan = opt_json(Some(&plan).filter(|plan| **plan != Plan::default()))?;
        let params =
            vec![vacancy.id.into(), place.into(), round.position.into(), Param::from(&round.name), round.minutes.into(), plan];
        noun.rest.push(Step::any(&PUT_ROUND, params));
        place += 1;
    }
    noun.rest.push(Step::any(CUT_ROUNDS, vec![vacancy.id.into(), place.into()]));
    noun.rest.push(Step::any(CUT_PANELISTS, vec![vacancy.id.into()]));
    let panelists: BTreeSet<_> = vacancy.rounds.iter().flat_map(|round| round.panel.people()).collect();
    noun.rest.extend(panelists.into_iter().map(|person| Step::any(PUT_PANELIST, vec![vacancy.id.into(), person.into()])));
    Ok(noun)
}

fn decode(row: Row) -> Read<Vacancy> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Vacancy {
        id: columns.id()?,
        rev: columns.int()?,
        title: columns.text()?,
        manager: columns.id()?,
        requested_by: columns.text()?,
        state: columns.code()?,
        paused_at: columns.opt_time()?,
        rounds: Vec::new(),
        place: columns.opt_json()?,
        policy: columns.json()?,
        approved_at: columns.opt_time()?,
        stuck: match (columns.opt_text()?, columns.opt_time()?, columns.opt_time()?) {
            (Some(code), Some(since), retry_at) => Some(Stuck { code, since, retry_at }),
            (None, None, None) => None,
            _ => return Err(columns.bad("what keeps the vacancy is there only in part")),
        },
        external_id: columns.opt_text()?,
        created_at: columns.time()?,
    })
}

fn decode_round(row: Row) -> Read<Round> {
    let mut columns = Columns::of(&ROUNDS, row);
    columns.text()?;
    columns.int()?;
    let (position, name, minutes) = (columns.int()?, columns.text()?, columns.int()?);
    let Plan { panel, gap, opens } = columns.opt_json()?.unwrap_or_default();
    Ok(Round { position, name, minutes, panel, gap, opens })
}

/// Rows of one vacancy stand together; each carries one round, or nulls where there is none.
fn fold(rows: Vec<Row>) -> Read<Vec<Vacancy>> {
    let mut vacancies: Vec<Vacancy> = Vec::new();
    for mut row in rows {
        let round = super::joined(&mut row, &TABLE).map(decode_round).transpose()?;
        let vacancy = decode(row)?;
        match vacancies.last_mut() {
            Some(last) if last.id == vacancy.id => last.rounds.extend(round),
            _ => vacancies.push(Vacancy { rounds: round.into_iter().collect(), ..vacancy }),
        }
    }
    Ok(vacancies)
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Vacancy>) -> Read<Option<Vacancy>> {
    Ok(fold(engine.rows(&BY_ID, vec![id.into()], Size::Small).await?)?.pop())
}

/// Newest first.
pub(crate) async fn all(engine: &Engine, page: Page) -> Read<Vec<Vacancy>> {
    let after = page.after.unwrap_or_else(|| LAST.to_owned());
    fold(engine.rows(&ALL, vec![after.into(), page.limit.into()], Size::of(page.limit.into())).await?)
}

pub(crate) async fn of_interviewer(engine: &Engine, person: Id<Person>) -> Read<Vec<Vacancy>> {
    fold(engine.rows(&OF_INTERVIEWER, vec![person.into()], Size::Bulk).await?)
}
