//! Revisions of agendas: whoever changes what a holder's day holds compares and swaps its revision first.

use domain::claims::Holder;
use ports::{change::Agenda, store::Read};

use crate::db::{Columns, Engine, Row, Step, Table};

static TABLE: Table = Table { name: "agendas", columns: &["holder", "rev"] };

const FIRST: &str = "INSERT INTO agendas (holder, rev) VALUES ($1, 1) ON CONFLICT (holder) DO NOTHING";
const NEXT: &str = "UPDATE agendas SET rev = rev + 1 WHERE holder = $1 AND rev = $2";
const REV: &str = "SELECT holder, rev FROM agendas WHERE holder = $1";

/// Sorted by holder; the same expectation stated twice is one.
pub(crate) fn steps(agendas: &[Agenda]) -> Vec<Step> {
    let mut sorted: Vec<&Agenda> = agendas.iter().collect();
    sorted.sort_by_key(|agenda| (&agenda.holder, agenda.expected));
    sorted.dedup();
    sorted.into_iter().map(step).collect()
}

fn step(agenda: &Agenda) -> Step {
    let holder = agenda.holder.as_str();
    if agenda.expected == 0 {
        Step::swap(FIRST, vec![holder.into()], "agenda", holder.to_owned())
    } else {
        Step::swap(NEXT, vec![holder.into(), agenda.expected.into()], "agenda", holder.to_owned())
    }
}

fn decode(row: Row) -> Read<i64> {
    let mut columns = Columns::of(&TABLE, row);
    columns.text()?;
    columns.int()
}

pub(crate) async fn rev(engine: &Engine, holder: &Holder) -> Read<i64> {
    Ok(engine.one(REV, vec![holder.as_str().into()], decode).await?.unwrap_or(0))
}
