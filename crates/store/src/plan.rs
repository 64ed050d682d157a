//! From a change to the statements that carry it out. Pure, and the same for both engines.
//!
//! Invariant: locks are taken in one order in every change, keys, agendas, nouns, names, claims, jobs, audit, each sorted by key. Whatever
//! breaks this order brings deadlocks.

use ports::{Change, store::Read};

use crate::{
    db::Step,
    nouns::{self, agendas, audit, claims, erasures, job_steps, names, sweeps},
};

/// All statements in their order. Guards (keys in use, compare-and-swaps of agendas and nouns) come first.
pub(crate) fn plan(change: &Change) -> Read<Vec<Step>> {
    let mut puts = change.puts.iter().map(nouns::put).collect::<Read<Vec<_>>>()?;
    puts.sort_by(|a, b| a.key.cmp(&b.key));
    let (guards, rests): (Vec<_>, Vec<_>) = puts.into_iter().map(|noun| (noun.guard, noun.rest)).unzip();

    let mut steps = names::keys(&change.sealed_under);
    steps.extend(agendas::steps(&change.agendas));
    steps.extend(guards.into_iter().flatten());
    steps.extend(rests.into_iter().flatten());
    let wipings: Vec<_> = change.wipes.iter().map(erasures::wiping).collect();
    steps.extend(wipings.iter().flat_map(|wiping| wiping.nouns.clone()));
    steps.extend(names::steps(&change.names, change.at));
    steps.extend(wipings.iter().flat_map(|wiping| wiping.names.clone()));
    steps.extend(claims::steps(&change.claims, change.at));
    steps.extend(job_steps::steps(&change.jobs, change.at)?);
    steps.extend(audit::steps(&change.audit)?);
    steps.extend(wipings.into_iter().flat_map(|wiping| wiping.log));
    steps.extend(change.sweeps.iter().flat_map(|sweeping| sweeps::steps(*sweeping)));
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use domain::{claims::Holder, jobs::Job};
    use ports::{
        Put,
        change::{Agenda, ClaimStep, JobStep, Name, Scope},
    };
    use testkit::store_contract::fixtures::{at, claim, holder, id, interview, job, open_job, person, range};

    use super::*;

    /// A change that states everything in the wrong order.
    fn change() -> Change {
        let agenda = |holder: Holder| Agenda { holder, expected: 1 };
        let take = |name: &str| Name::Take { scope: Scope::Email, name: name.to_owned(), owner: "o".to_owned() };
        Change {
            agendas: vec![agenda(holder(2)), agenda(holder(1)), agenda(holder(2))],
            puts: vec![
                Put::Setting("s".to_owned(), "1".to_owned()),
                Put::Person(person(2)),
                Put::Interview(interview(1, range(0, 30))),
                Put::Person(person(1)),
            ],
            names: vec![take("b"), take("a"), Name::Release { scope: Scope::Email, name: "b".to_owned(), owner: "p".to_owned() }],
            claims: vec![
                ClaimStep::Take(claim(2, 1, 1, range(0, 30))),
                ClaimStep::Take(claim(1, 1, 1, range(30, 60))),
                ClaimStep::Take(claim(1, 1, 1, range(0, 30))),
                ClaimStep::ReleaseAll(id(9)),
            ],
            jobs: vec![
                JobStep::Order(open_job(3, "b")),
                JobStep::Order(job(4)),
                JobStep::Done { id: id::<Job>(2), lease: "l".to_owned(), wake: 0 },
                JobStep::Revive { id: id::<Job>(1), due: at(0) },
            ],
            ..Change::at(at(0))
        }
    }

    /// What a statement does to which row: its first words and its first parameters.
    fn gist(step: &Step) -> String {
        let words: Vec<&str> = step.sql.split_whitespace().filter(|word| *word != "INTO").take(2).collect();
        format!("{} {:?}", words.join(" "), step.params.iter().take(2).collect::<Vec<_>>())
    }

    #[test]
    fn the_order_of_locks_does_not_depend_on_the_order_of_the_change() {
        let forward = plan(&change()).unwrap();
        let mut reversed = change();
        reversed.agendas.reverse();
        reversed.puts.reverse();
        reversed.names.reverse();
        reversed.claims.reverse();
        reversed.jobs.reverse();
        let backward = plan(&reversed).unwrap();
        assert_eq!(forward.iter().map(gist).collect::<Vec<_>>(), backward.iter().map(gist).collect::<Vec<_>>());
    }

    #[test]
    fn locks_are_taken_table_by_table() {
        let tables = ["agendas", "interviews", "persons", "participants", "settings", "names", "claims", "jobs"];
        let position = |step: &Step| {
            let after =
                ["INSERT INTO ", "UPDATE ", "DELETE FROM "].into_iter().find_map(|verb| step.sql.split_once(verb)).unwrap().1;
            let table = after.split([' ', '(']).next().unwrap();
            tables.iter().position(|known| *known == table).unwrap()
        };
        let steps = plan(&change()).unwrap();
        let positions: Vec<usize> = steps.iter().map(position).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        // Two agendas, three nouns.
        let guards = steps.iter().take_while(|step| step.rows.guards()).count();
        assert_eq!(guards, 5);
    }
}
