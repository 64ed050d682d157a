//! Interviews, with their participants as rows of their own. Participants repeat the interview's time, so that a person's agenda is one
//! walk over one index however long their past is.

use std::sync::LazyLock;

use domain::{
    Id, TimeRange,
    interviews::{Interview, Participant},
    people::Person,
    vacancies::Vacancy,
};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Step, Table, code, opt_code, opt_json};

static TABLE: Table = Table {
    name: "interviews",
    columns: &[
        "id",
        "rev",
        "vacancy",
        "candidacy",
        "round",
        "state",
        "provisional",
        "starts_at",
        "ends_at",
        "zone",
        "intent_rev",
        "written_rev",
        "sequence",
        "invited",
        "event",
        "attempt",
        "feedback",
        "attention_reason",
        "attention_since",
        "cancelled_by",
        "cancelled_at",
        "cancelled_why",
        "booked_at",
        "created_at",
    ],
};
static PARTICIPANTS: Table =
    Table { name: "participants", columns: &["interview", "place", "person", "role", "confirmed_at", "starts_at", "ends_at"] };

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static PUT_PARTICIPANT: LazyLock<String> = LazyLock::new(|| {
    PARTICIPANTS.insert(
        "ON CONFLICT (interview, place) DO UPDATE SET person = excluded.person, role = excluded.role, \
         confirmed_at = excluded.confirmed_at, starts_at = excluded.starts_at, ends_at = excluded.ends_at",
    )
});
const CUT_PARTICIPANTS: &str = "DELETE FROM participants WHERE interview = $1 AND place >= $2";

static BY_ID: LazyLock<String> = LazyLock::new(|| with_participants("SELECT id FROM interviews WHERE id = $1", "i.id"));
static OF_VACANCY: LazyLock<String> =
    LazyLock::new(|| with_participants("SELECT id FROM interviews WHERE vacancy = $1", "i.starts_at, i.id"));
static AGENDA: LazyLock<String> = LazyLock::new(|| {
    with_participants(
        "SELECT b.id FROM participants h JOIN interviews b ON b.id = h.interview \
         WHERE h.person = $1 AND h.ends_at > $2 AND h.starts_at < $3 AND b.state <> 'cancelled'",
        "i.starts_at, i.id",
    )
});
static WITH_PERSON: LazyLock<String> =
    LazyLock::new(|| with_participants("SELECT interview FROM participants WHERE person = $1", "i.starts_at, i.id"));
static BETWEEN: LazyLock<String> = LazyLock::new(|| {
    with_participants(
        "SELECT id FROM interviews WHERE ends_at > $1 AND starts_at < $2 ORDER BY starts_at, id LIMIT $3",
        "i.starts_at, i.id",
    )
});
static IN_ATTENTION: LazyLock<String> = LazyLock::new(|| {
    with_participants(
        "SELECT id FROM interviews WHERE state = 'attention' ORDER BY attention_since, id LIMIT $1",
        "i.attention_since, i.id",
    )
});

fn with_participants(chosen: &str, order: &str) -> String {
    format!(
        "SELECT {}, {} FROM interviews i LEFT JOIN participants p ON p.interview = i.id WHERE i.id IN ({chosen}) ORDER BY {order}, p.place",
        TABLE.columns_of("i"),
        PARTICIPANTS.columns_of("p"),
    )
}

pub(super) fn put(interview: &Interview) -> Read<Noun> {
    let cancelled = interview.cancelled.as_ref();
    let others = vec![
        Param::from(interview.vacancy),
        Param::from(interview.candidacy),
        Param::from(interview.round),
        code(&interview.state)?,
        Param::from(interview.provisional),
        Param::from(interview.range.start()),
        Param::from(interview.range.end()),
        code(&interview.zone)?,
        Param::from(interview.intent_rev),
        Param::from(interview.written_rev),
        Param::from(interview.sequence),
        Param::from(interview.invited),
        opt_json(interview.event.as_ref())?,
        opt_json(interview.attempt.as_ref())?,
        code(&interview.feedback)?,
        opt_code(interview.attention.as_ref().map(|(reason, _)| reason))?,
        Param::from(interview.attention.map(|(_, since)| since)),
        opt_code(cancelled.map(|(by, _, _)| by))?,
        Param::from(cancelled.map(|(_, at, _)| *at)),
        Param::from(cancelled.map(|(_, _, why)| why.as_str())),
        Param::from(interview.booked_at),
        Param::from(interview.created_at),
    ];
    let mut noun = Noun::row(&TABLE, "interview", &PUT, interview.id.to_string(), interview.rev, others);
    let mut place = 0_i64;
    for participant in &interview.participants {
        let params = vec![
            interview.id.into(),
            place.into(),
            participant.person.into(),
            code(&participant.role)?,
            participant.confirmed_at.into(),
            interview.range.start().into(),
            interview.range.end().into(),
        ];
        noun.rest.push(Step::any(&PUT_PARTICIPANT, params));
        place += 1;
    }
    noun.rest.push(Step::any(CUT_PARTICIPANTS, vec![interview.id.into(), place.into()]));
    Ok(noun)
}

fn range(columns: &mut Columns) -> Read<TimeRange> {
    let (start, end) = (columns.time()?, columns.time()?);
    TimeRange::new(start, end).map_err(|error| columns.bad(error))
}

fn decode(row: Row) -> Read<Interview> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Interview {
        id: columns.id()?,
        rev: columns.int()?,
        vacancy: columns.id()?,
        candidacy: columns.id()?,
        round: columns.int()?,
        participants: Vec::new(),
        state: columns.code()?,
        provisional: columns.flag()?,
        range: range(&mut columns)?,
        zone: columns.code()?,
        intent_rev: columns.int()?,
        written_rev: columns.int()?,
        sequence: columns.int()?,
        invited: columns.flag()?,
        event: columns.opt_json()?,
        attempt: columns.opt_json()?,
        feedback: columns.code()?,
        attention: match (columns.opt_code()?, columns.opt_time()?) {
            (Some(reason), Some(since)) => Some((reason, since)),
            (None, None) => None,
            _ => return Err(columns.bad("the reason for attention is there only in part")),
        },
        cancelled: match (columns.opt_code()?, columns.opt_time()?, columns.opt_text()?) {
            (Some(by), Some(at), Some(why)) => Some((by, at, why)),
            (None, None, None) => None,
            _ => return Err(columns.bad("a cancellation is there only in part")),
        },
        booked_at: columns.opt_time()?,
        created_at: columns.time()?,
    })
}

fn decode_participant(row: Row) -> Read<Participant> {
    let mut columns = Columns::of(&PARTICIPANTS, row);
    columns.text()?;
    columns.int()?;
    Ok(Participant { person: columns.id()?, role: columns.code()?, confirmed_at: columns.opt_time()? })
}

/// Rows of one interview stand together; each carries one participant, or nulls where there is none.
fn fold(rows: Vec<Row>) -> Read<Vec<Interview>> {
    let mut interviews: Vec<Interview> = Vec::new();
    for mut row in rows {
        let participant = super::joined(&mut row, &TABLE).map(decode_participant).transpose()?;
        let interview = decode(row)?;
        match interviews.last_mut() {
            Some(last) if last.id == interview.id => last.participants.extend(participant),
            _ => interviews.push(Interview { participants: participant.into_iter().collect(), ..interview }),
        }
    }
    Ok(interviews)
}

pub(crate) async fn by_id(engine: &Engine, id: Id<Interview>) -> Read<Option<Interview>> {
    Ok(fold(engine.rows(&BY_ID, vec![id.into()], Size::Small).await?)?.pop())
}

pub(crate) async fn of_vacancy(engine: &Engine, vacancy: Id<Vacancy>) -> Read<Vec<Interview>> {
    fold(engine.rows(&OF_VACANCY, vec![vacancy.into()], Size::Small).await?)
}

/// What holds time of a person in a window.
pub(crate) async fn agenda(engine: &Engine, person: Id<Person>, window: TimeRange) -> Read<Vec<Interview>> {
    fold(engine.rows(&AGENDA, vec![person.into(), window.start().into(), window.end().into()], Size::Small).await?)
}

/// Cancelled ones and those in the past included.
pub(crate) async fn with_person(engine: &Engine, person: Id<Person>) -> Read<Vec<Interview>> {
    fold(engine.rows(&WITH_PERSON, vec![person.into()], Size::Bulk).await?)
}

pub(crate) async fn between(engine: &Engine, window: TimeRange, limit: u32) -> Read<Vec<Interview>> {
    let params = vec![window.start().into(), window.end().into(), limit.into()];
    fold(engine.rows(&BETWEEN, params, Size::of(limit.into())).await?)
}

pub(crate) async fn in_attention(engine: &Engine, limit: u32) -> Read<Vec<Interview>> {
    fold(engine.rows(&IN_ATTENTION, vec![limit.into()], Size::of(limit.into())).await?)
}
