//! The plan by which a shortlist is arranged: who of the panel sits with whom, and when, for everybody who has no time yet.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Id, TimeRange,
    candidacies::Candidacy,
    interviews::{Interview, InterviewState},
    people::Person,
    rounds::Opens,
    vacancies::{Scheduling, Vacancy},
};
use scheduling::planner::{self, Effort, Problem};
use serde_json::Value;

use super::{Guest, sheet::Pinned, why::reasons};
use crate::{App, Error, Result, arrange::Desk, draft::later};

/// What the search may take, so that nobody waits long for the first mail; most shortlists are done long before.
const LIMIT: Duration = Duration::from_millis(1_500);
/// How often it tries: the same shortlist gets the same plan.
const ITERATIONS: u64 = 3_000;

/// What the plan says of one candidate in one round.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hint {
    pub range: TimeRange,
    pub people: Vec<Id<Person>>,
    /// Why, as it stands in the log.
    pub why: Value,
}

/// By place on the shortlist and round.
pub(crate) type Hints = BTreeMap<(Id<Candidacy>, i64), Hint>;

impl App {
    /// Plans everybody of a shortlist who has no time yet, in all rounds that are arranged together. Empty where there is nothing to weigh:
    /// a single meeting, or candidates who pick for themselves.
    pub(crate) async fn hints(&self, vacancy: &Vacancy, desks: &[Desk]) -> Result<Hints> {
        let known = desks
            .iter()
            .enumerate()
            .take_while(|(place, desk)| desk.source().0 == "known" && (*place == 0 || desk.round.opens == Opens::Together));
        let desks: Vec<&Desk> = known.map(|(_, desk)| desk).collect();
        let Some(first) = desks.first() else { return Ok(Hints::new()) };
        if vacancy.policy.scheduling == Scheduling::Candidate {
            return Ok(Hints::new());
        }
        let now = self.now();
        let interviews = self.store().interviews_of(vacancy.id).await?;
        let mut listed: Vec<(Candidacy, Vec<&Interview>)> = Vec::new();
        for candidacy in self.store().shortlist(vacancy.id).await? {
            let placed = placed_of(&interviews, candidacy.id, &desks);
            let over = placed.iter().any(|interview| interview.range.start() <= now);
            let plannable = candidacy.withdrawn_at.is_none() && !over && placed.len() < desks.len();
            if plannable && self.wants_placing(first, &candidacy).await? {
                listed.push((candidacy, placed));
            }
        }
        let missing: usize = listed.iter().map(|(_, placed)| desks.len() - placed.len()).sum();
        if missing < 2 {
            return Ok(Hints::new());
        }
        let mut guests = Vec::new();
        for (candidacy, _) in &listed {
            let zone = self.person(candidacy.person).await?.zone;
            guests.push(Guest { person: Some(candidacy.person), zone, hours: vacancy.policy.candidate_hours });
        }
        let mut pinned: Vec<Pinned<'_>> = Vec::new();
        for (guest, (_, placed)) in listed.iter().enumerate() {
            for interview in placed {
                let round = desks.iter().position(|desk| desk.round.position == interview.round);
                pinned.extend(round.map(|round| (guest, round, *interview)));
            }
        }
        let latest = desks.iter().filter_map(|desk| desk.latest(now)).max().unwrap_or(now);
        let Ok(span) = TimeRange::new(now, later(latest, 24 * 60)?) else { return Ok(Hints::new()) };
        let sheet = self.sheet(&desks, &guests, &pinned, span).await?;
        let people = sheet.people.clone();
        let searched = tokio::task::spawn_blocking(move || search(&sheet.problem, &people));
        let found = match searched.await.map_err(|error| Error::Internal(error.to_string()))? {
            Ok(found) => found,
            Err(error) => {
                // Each is placed by itself then, at the earliest time.
                tracing::warn!(vacancy = %vacancy.id, %error, "the shortlist could not be planned as a whole");
                return Ok(Hints::new());
            }
        };
        let is_pinned = |guest: usize, round: usize| pinned.iter().any(|(of, at, _)| (*of, *at) == (guest, round));
        let mut hints = Hints::new();
        for (guest, round, start, people, why) in found {
            let (Some((candidacy, _)), Some(desk)) = (listed.get(guest), desks.get(round)) else { continue };
            if let (false, Some(start)) = (is_pinned(guest, round), start.start()) {
                let range = TimeRange::new(start, later(start, desk.round.minutes)?);
                let range = range.map_err(|error| Error::Internal(error.to_string()))?;
                hints.insert((candidacy.id, desk.round.position), Hint { range, people, why });
            }
        }
        Ok(hints)
    }
}

/// The interviews of one candidate in these rounds.
fn placed_of<'a>(interviews: &'a [Interview], candidacy: Id<Candidacy>, desks: &[&Desk]) -> Vec<&'a Interview> {
    let counts = |interview: &&Interview| {
        interview.candidacy == candidacy
            && interview.state != InterviewState::Cancelled
            && desks.iter().any(|desk| desk.round.position == interview.round)
    };
    interviews.iter().filter(counts).collect()
}

/// A meeting of the plan: guest, round, start, who sits, and why.
type Found = (usize, usize, scheduling::Cell, Vec<Id<Person>>, Value);

fn search(problem: &Problem, people: &[Id<Person>]) -> std::result::Result<Vec<Found>, planner::ProblemError> {
    let begun = tokio::time::Instant::now();
    let effort = Effort { iterations: ITERATIONS, ..Effort::default() };
    let plan = planner::plan(problem, &effort, &mut || begun.elapsed() < LIMIT)?;
    let mut found = Vec::new();
    for meeting in &plan.meetings {
        // Reasons are worth a moment, not a wait.
        let explained =
            if begun.elapsed() < LIMIT * 2 { planner::explain(problem, &plan, meeting.guest, meeting.round)? } else { None };
        let why = explained.as_ref().map_or(Value::Null, |explained| reasons(explained, people));
        let seated = meeting.people.iter().filter_map(|person| people.get(*person)).copied().collect();
        found.push((meeting.guest, meeting.round, meeting.start, seated, why));
    }
    Ok(found)
}
