//! After a restore: whoever was erased since the backup was made is erased again, before anybody sees them.

use domain::{
    Id,
    erasure::{Erasure, Line, Stage, Why},
    people::Person,
};
use ports::Put;
use serde_json::json;

use super::{end_all, order};
use crate::{App, Caller, Error, Result};

/// What a replay did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Erased again now.
    pub erased: usize,
    /// Erased before the backup was made.
    pub known: usize,
    /// Not in this database.
    pub absent: usize,
}

impl App {
    /// Erases everybody on the list who is in this database. Sends nothing: interviews are cancelled without a word, because those who
    /// knew of them were told when the person was first erased. What calendars still hold is left to a job.
    pub async fn replay_erasures(&self, list: &str) -> Result<Replayed> {
        let lines = Self::check_erasures(list)?;
        let mut replayed = Replayed::default();
        for line in lines {
            if self.store().person(line.id).await?.is_none() {
                replayed.absent += 1;
            } else if self.replay(line).await? {
                replayed.erased += 1;
            } else {
                replayed.known += 1;
            }
        }
        self.store().scrub().await?;
        Ok(replayed)
    }

    /// The lines of a list, each person once. For a look before anything is restored: a list that cannot be read must not be found out late.
    pub fn check_erasures(list: &str) -> Result<Vec<Line>> {
        parse(list)
    }

    async fn replay(&self, line: Line) -> Result<bool> {
        let caller = Caller::system();
        let caller = &caller;
        let begun = self
            .transact(None, || async move {
                let stored = self.store().erasure(line.id).await?;
                if stored.as_ref().is_some_and(|erasure| erasure.stage != Stage::Telling) {
                    return Ok((ports::Change::at(self.now()), None));
                }
                let known = self.known(line.id).await?;
                let mut draft = self.draft(caller);
                end_all(&known, false, &mut draft)?;
                let erasure = match stored {
                    Some(stored) => crate::draft::touched(&stored),
                    None => Erasure::new(line.id, line.kind, Why::Replay, draft.now),
                };
                draft.audit("erasure.replayed", line.id, json!({"kind": line.kind}));
                order(line.id, &mut draft);
                draft.put(Put::Erasure(erasure.clone()));
                Ok((draft.finish(), Some(erasure)))
            })
            .await?;
        let Some(erasure) = begun else { return Ok(false) };
        self.wipe(&erasure, false, Stage::Calendars).await?;
        Ok(true)
    }
}

/// Each person once. A last line that a crash cut short is no line: that erasure was not called done and is listed again.
fn parse(list: &str) -> Result<Vec<Line>> {
    let mut seen: std::collections::BTreeSet<Id<Person>> = std::collections::BTreeSet::new();
    let mut lines = Vec::new();
    let count = list.lines().count();
    for (number, text) in list.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        match serde_json::from_str::<Line>(text) {
            Ok(line) if seen.insert(line.id) => lines.push(line),
            Ok(_) => {}
            Err(error) if number + 1 == count && !list.ends_with('\n') => {
                tracing::warn!(%error, "the last line of the erasure list is cut short and left out");
            }
            Err(error) => {
                let problem = format!("line {} of the erasure list cannot be read ({error}); nobody was erased by it", number + 1);
                return Err(Error::invalid("erasures", problem));
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"id":"per_00000000000000000000000000000007","kind":"candidate","at":"2026-11-23T08:00:00Z"}"#;

    #[test]
    fn each_person_counts_once_and_a_line_that_is_cut_short_is_left_out() {
        let list = format!("{ONE}\n\n{ONE}\n{{\"id\":\"per_0000");
        assert_eq!(parse(&list).unwrap().len(), 1);
        assert_eq!(parse("").unwrap(), []);
    }

    #[test]
    fn a_damaged_list_is_refused_by_line() {
        let error = parse(&format!("{ONE}\nnonsense\n{ONE}\n")).unwrap_err();
        assert!(error.outside().contains("line 2"), "{error}");
        assert!(parse("nonsense\n").is_err());
    }
}
