//! Feedback on interviews.

use std::sync::LazyLock;

use domain::{Id, feedback::Feedback, interviews::Interview};
use ports::store::Read;

use super::Noun;
use crate::db::{Columns, Engine, Param, Row, Size, Table, json};

static TABLE: Table = Table {
    name: "feedback",
    columns: &["id", "rev", "interview", "author", "answers", "submitted_at", "updated_at", "revoked_at"],
};

static PUT: LazyLock<String> = LazyLock::new(|| TABLE.put());
static OF_INTERVIEW: LazyLock<String> = LazyLock::new(|| TABLE.select("WHERE interview = $1 ORDER BY submitted_at, id"));

pub(super) fn put(feedback: &Feedback) -> Read<Noun> {
    let others = vec![
        Param::from(feedback.interview),
        Param::from(feedback.author),
        json(&feedback.answers)?,
        Param::from(feedback.submitted_at),
        Param::from(feedback.updated_at),
        Param::from(feedback.revoked_at),
    ];
    Ok(Noun::row(&TABLE, "feedback", &PUT, feedback.id.to_string(), feedback.rev, others))
}

fn decode(row: Row) -> Read<Feedback> {
    let mut columns = Columns::of(&TABLE, row);
    Ok(Feedback {
        id: columns.id()?,
        rev: columns.int()?,
        interview: columns.id()?,
        author: columns.id()?,
        answers: columns.json()?,
        submitted_at: columns.time()?,
        updated_at: columns.time()?,
        revoked_at: columns.opt_time()?,
    })
}

/// In the order of submission, withdrawn ones included.
pub(crate) async fn of_interview(engine: &Engine, interview: Id<Interview>) -> Read<Vec<Feedback>> {
    engine.list(&OF_INTERVIEW, vec![interview.into()], Size::Small, decode).await
}
