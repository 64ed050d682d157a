//! Standings: what somebody's free time hangs on, read for several people at once and without the rows themselves.

use std::{collections::HashMap, sync::LazyLock};

use domain::{EmailAddress, Id, Rev, TimeRange, Timestamp, grants::Grant, interviews::Interview, people::Person};
use ports::{
    change::Scope,
    store::{Read, Standing},
};

use super::{BATCH, EIGHT, claims, eight};
use crate::db::{Columns, Engine, Row, Size, Table};

static WHO: Table = Table { name: "persons", columns: &["address", "id", "rev", "grant", "rev of the grant"] };
static BOOKED: Table = Table { name: "interviews", columns: &["person", "id", "rev"] };

static BY_ADDRESS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT n.name, p.id, p.rev, g.id, g.rev FROM names n JOIN persons p ON p.id = n.owner LEFT JOIN grants g ON g.person = p.id \
         WHERE n.scope = $9 AND n.name IN {EIGHT} ORDER BY n.name, g.id"
    )
});
/// Of the interviews that [`ports::Store::agenda`] gives in full.
static BOOKED_OF: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT h.person, b.id, b.rev FROM participants h JOIN interviews b ON b.id = h.interview \
         WHERE h.person IN {EIGHT} AND h.ends_at > $9 AND h.starts_at < $10 AND b.state <> 'cancelled' ORDER BY h.person, b.id"
    )
});

/// One row for each of somebody's grants, or one where there is none.
type Who = (String, Id<Person>, Rev, Option<(Id<Grant>, Rev)>);

/// Address, person, revision, grants.
type Found = (String, Id<Person>, Rev, Vec<(Id<Grant>, Rev)>);

fn decode_who(row: Row) -> Read<Who> {
    let mut columns = Columns::of(&WHO, row);
    let (address, person, rev) = (columns.text()?, columns.id()?, columns.int()?);
    Ok((address, person, rev, columns.opt_id()?.zip(columns.opt_int()?)))
}

fn decode_booked(row: Row) -> Read<(String, (Id<Interview>, Rev))> {
    let mut columns = Columns::of(&BOOKED, row);
    Ok((columns.text()?, (columns.id()?, columns.int()?)))
}

/// The rows of one address are one.
fn by_person(rows: Vec<Who>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for (address, person, rev, grant) in rows {
        match found.last_mut() {
            Some(last) if last.0 == address => last.3.extend(grant),
            _ => found.push((address, person, rev, grant.into_iter().collect())),
        }
    }
    found
}

/// See [`ports::Store::standings`].
pub(crate) async fn by_addresses(
    engine: &Engine,
    addresses: &[EmailAddress],
    window: TimeRange,
    now: Timestamp,
) -> Read<Vec<Option<Standing>>> {
    let keys: Vec<String> = addresses.iter().map(EmailAddress::key).collect();
    let mut standings = Vec::with_capacity(keys.len());
    for batch in keys.chunks(BATCH) {
        let mut params = eight(batch);
        params.push(Scope::Email.as_str().into());
        let found = by_person(engine.list(&BY_ADDRESS, params, Size::Small, decode_who).await?);
        let people: Vec<String> = found.iter().map(|(_, person, ..)| person.to_string()).collect();
        let (mut booked, mut held) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        if !people.is_empty() {
            let mut params = eight(&people);
            params.extend([window.start().into(), window.end().into()]);
            for (person, interview) in engine.list(&BOOKED_OF, params, Size::Small, decode_booked).await? {
                booked.entry(person).or_default().push(interview);
            }
            for (person, time) in claims::held_of(engine, eight(&people), window, now).await? {
                held.entry(person).or_default().push(time);
            }
        }
        standings.extend(batch.iter().map(|key| {
            let at = found.iter().position(|(address, ..)| address == key)?;
            let ((_, person, rev, grants), name) = (&found[at], &people[at]);
            // Two of the addresses may be the same person's.
            let of = (booked.get(name).cloned().unwrap_or_default(), held.get(name).cloned().unwrap_or_default());
            Some(Standing { person: *person, rev: *rev, grants: grants.clone(), booked: of.0, held: of.1 })
        }));
    }
    Ok(standings)
}
