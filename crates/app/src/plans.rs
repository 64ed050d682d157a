//! Plans: every candidate of a shortlist in every round at once, and what would be if somebody opened more hours. A plan books nothing; the
//! arranging of panels takes its times and seats from one, and each is judged again when it is booked.

mod sheet;
mod shortlist;
mod why;

use std::{collections::BTreeMap, time::Duration};

use domain::{
    Id, TimeRange, Timestamp, Zone,
    candidacies::Candidacy,
    people::Person,
    rounds::Round,
    vacancies::{Policy, Vacancy, VacancyState},
};
use scheduling::{
    Busy, DaySpan, Rules, WeeklyHours,
    planner::{self, Comparison, Effort, Plan, Problem, Summary, Why},
};
use sheet::{Guest, Sheet};
pub(crate) use shortlist::{Hint, Hints};
pub use why::PlacedBecause;

use crate::{
    App, Error, Result, RoundInput,
    arrange::{Desk, Sitter, everybody},
    draft::later,
};

/// Most candidates of one plan.
pub const MOST_CANDIDATES: usize = 5_000;
/// Milliseconds that a plan may take where the caller does not say.
const USUAL_DEADLINE: u64 = 500;
/// The most that a caller may allow.
pub const MOST_DEADLINE: u64 = 5_000;
/// Days ahead where the caller does not say.
const USUAL_DAYS: u32 = 30;
/// The most days ahead.
pub const MOST_DAYS: u32 = 120;

/// What is to be planned.
#[derive(Debug, Clone, Default)]
pub struct PlanInput {
    /// Rounds and policy of this vacancy, and the candidates on its shortlist; what is said below takes their place.
    pub vacancy: Option<Id<Vacancy>>,
    /// Other rounds. People must be known.
    pub rounds: Option<Vec<RoundInput>>,
    /// Who interviews where a round names nobody.
    pub manager_email: Option<String>,
    /// Other candidates: the zone of each, where it counts.
    pub candidates: Option<Vec<Option<Zone>>>,
    /// How many days ahead; 30 where absent.
    pub days: Option<u32>,
    /// Another number, another search.
    pub seed: u64,
    /// How many times the search tries; as the deadline allows where absent.
    pub iterations: Option<u64>,
    /// How many milliseconds it may take.
    pub deadline: Option<u64>,
    /// What if these people opened more hours.
    pub openings: Vec<Opening>,
}

/// More hours of some people.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Their addresses.
    pub people: Vec<String>,
    /// Which hours of the week, in their zone.
    pub hours: WeeklyHours,
}

/// Who is planned for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Planned {
    /// Somebody on a shortlist.
    Listed(Id<Candidacy>),
    /// The n-th of those who were only counted, from 0.
    Counted(usize),
}

/// A plan and, where hours would be opened, the plan with them.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// Now.
    pub at: Timestamp,
    /// When meetings may be.
    pub span: TimeRange,
    /// The candidates, in the plan's order.
    pub candidates: Vec<Planned>,
    /// The people, in the plan's order.
    pub people: Vec<Person>,
    /// Those whose calendar could not be read, with the reason: they sit nowhere.
    pub unknown: Vec<(Id<Person>, String)>,
    /// The rounds.
    pub rounds: Vec<Round>,
    /// As it is.
    pub plan: Side,
    /// As it would be, and what that changes.
    pub opened: Option<(Side, Comparison)>,
}

/// One plan at a glance.
#[derive(Debug, Clone)]
pub struct Side {
    /// The plan.
    pub plan: Plan,
    /// What it comes to.
    pub summary: Summary,
}

impl PlanView {
    /// The time of a meeting.
    pub fn range(&self, meeting: &planner::Meeting) -> Option<TimeRange> {
        let start = meeting.start.start()?;
        TimeRange::new(start, later(start, self.rounds.get(meeting.round)?.minutes).ok()?).ok()
    }
}

/// A code for why a round has no meeting.
pub const fn why_code(why: Why) -> &'static str {
    match why {
        Why::Waits { .. } => "waits",
        Why::Guest => "candidate_not_free",
        Why::Group { .. } => "too_few_people",
        Why::Together => "not_together",
        Why::Taken => "taken",
        Why::Stopped => "stopped",
    }
}

impl App {
    /// Plans without booking anything.
    pub async fn plan(&self, input: &PlanInput) -> Result<PlanView> {
        let days = input.days.unwrap_or(USUAL_DAYS);
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(Error::invalid("days", format!("use 1 to {MOST_DAYS}")));
        }
        let deadline = input.deadline.unwrap_or(USUAL_DEADLINE);
        if !(1..=MOST_DEADLINE).contains(&deadline) {
            return Err(Error::invalid("deadline_ms", format!("use 1 to {MOST_DEADLINE}")));
        }
        let vacancy = self.vacancy_to_plan(input).await?;
        let (guests, candidates) = self.guests_to_plan(input, &vacancy).await?;
        if guests.is_empty() || guests.len() > MOST_CANDIDATES {
            return Err(Error::invalid("candidates", format!("use 1 to {MOST_CANDIDATES} candidates")));
        }
        let mut sitters = BTreeMap::new();
        for person in everybody(&vacancy) {
            sitters.insert(person, self.recent_sitter(person).await?);
        }
        let unknown = sitters.values().filter_map(|sitter| match &sitter.busy {
            Busy::Unknown { why } => Some((sitter.person.id, why.clone())),
            Busy::Assumed { .. } | Busy::Known { .. } => None,
        });
        let unknown = unknown.collect();
        let now = self.now();
        let span =
            TimeRange::new(now, later(now, i64::from(days) * 24 * 60)?).map_err(|error| Error::Internal(error.to_string()))?;
        let first = self.sheet_of(&vacancy, &sitters, &guests, span).await?;
        let second = if input.openings.is_empty() {
            None
        } else {
            self.open_hours(&mut sitters, &input.openings).await?;
            Some(self.sheet_of(&vacancy, &sitters, &guests, span).await?)
        };
        let usual = Effort::default();
        let effort = Effort { seed: input.seed, iterations: input.iterations.unwrap_or(usual.iterations), ..usual };
        let sides = 1 + u64::from(second.is_some());
        let limit = Duration::from_millis(deadline / sides);
        let people = first.people.clone();
        let plan = searched(first.problem, effort, limit).await?;
        let opened = match second {
            Some(second) => {
                let other = searched(second.problem, effort, limit).await?;
                let change = planner::compare(&plan.summary, &other.summary);
                Some((other, change))
            }
            None => None,
        };
        let person = |id: &Id<Person>| sitters.get(id).map(|sitter| sitter.person.clone());
        let people = people.iter().filter_map(person).collect();
        Ok(PlanView { at: now, span, candidates, people, unknown, rounds: vacancy.rounds, plan, opened })
    }

    async fn sheet_of(
        &self,
        vacancy: &Vacancy,
        sitters: &BTreeMap<Id<Person>, Sitter>,
        guests: &[Guest],
        span: TimeRange,
    ) -> Result<Sheet> {
        let desks = vacancy.rounds.iter().map(|round| Self::seat_desk(vacancy.clone(), round.clone(), sitters));
        let desks = desks.collect::<Result<Vec<_>>>()?;
        let desks: Vec<&Desk> = desks.iter().collect();
        self.sheet(&desks, guests, &[], span).await
    }

    /// The vacancy whose rounds and policy count: a stored one, or one that exists for this plan only.
    async fn vacancy_to_plan(&self, input: &PlanInput) -> Result<Vacancy> {
        let stored = match input.vacancy {
            Some(id) => Some(self.store().vacancy(id).await?.ok_or_else(|| Error::missing("vacancy", id))?),
            None => None,
        };
        let manager = match (&input.manager_email, &stored) {
            (Some(email), _) => self.person_by(email, "manager_email").await?.id,
            (None, Some(vacancy)) => vacancy.manager,
            (None, None) => return Err(Error::invalid("manager_email", "say whose rounds these are, or give a vacancy_id")),
        };
        let rounds = match (&input.rounds, &stored) {
            (Some(rounds), _) => self.known_rounds(rounds).await?,
            (None, Some(vacancy)) => vacancy.rounds.clone(),
            (None, None) => return Err(Error::invalid("rounds", "give rounds, or a vacancy_id")),
        };
        let now = self.now();
        let made = || Vacancy {
            id: self.id(),
            rev: 0,
            title: String::new(),
            manager,
            requested_by: String::new(),
            state: VacancyState::Draft,
            paused_at: None,
            rounds: Vec::new(),
            place: None,
            policy: Policy::default(),
            approved_at: None,
            stuck: None,
            external_id: None,
            created_at: now,
        };
        Ok(Vacancy { manager, rounds, ..stored.unwrap_or_else(made) })
    }

    async fn guests_to_plan(&self, input: &PlanInput, vacancy: &Vacancy) -> Result<(Vec<Guest>, Vec<Planned>)> {
        let hours = vacancy.policy.candidate_hours;
        if let Some(zones) = &input.candidates {
            let guests = zones.iter().map(|zone| Guest { person: None, zone: zone.clone(), hours });
            return Ok((guests.collect(), (0..zones.len()).map(Planned::Counted).collect()));
        }
        if input.vacancy.is_none() {
            return Err(Error::invalid("candidates", "say how many, or give a vacancy_id"));
        }
        let (mut guests, mut listed) = (Vec::new(), Vec::new());
        for candidacy in self.store().shortlist(vacancy.id).await? {
            if candidacy.withdrawn_at.is_none() {
                let zone = self.person(candidacy.person).await?.zone;
                guests.push(Guest { person: Some(candidacy.person), zone, hours });
                listed.push(Planned::Listed(candidacy.id));
            }
        }
        Ok((guests, listed))
    }

    /// Adds hours to people's rules.
    async fn open_hours(&self, sitters: &mut BTreeMap<Id<Person>, Sitter>, openings: &[Opening]) -> Result<()> {
        for opening in openings {
            for email in &opening.people {
                let person = self.person_by(email, "openings.people").await?;
                let sitter = sitters
                    .get_mut(&person.id)
                    .ok_or_else(|| Error::invalid("openings.people", format!("{email} sits in none of these rounds")))?;
                let mut rules = sitter.rules.to_draft();
                rules.week = widened(Some(&rules.week), opening)?;
                if let Some(pattern) = &mut rules.pattern {
                    for week in &mut pattern.weeks {
                        *week = Some(widened(week.as_ref(), opening)?);
                    }
                }
                sitter.rules = Rules::new(rules).map_err(|error| Error::invalid("openings", error))?;
            }
        }
        Ok(())
    }
}

/// A week with more hours: spans that touch become one.
fn widened(week: Option<&WeeklyHours>, opening: &Opening) -> Result<WeeklyHours> {
    let weekdays = std::iter::successors(Some(jiff::civil::Weekday::Monday), |day| Some(day.next()));
    let mut days: [Vec<DaySpan>; 7] = Default::default();
    for (day, weekday) in days.iter_mut().zip(weekdays) {
        let mut spans = week.map(|week| week.spans(weekday).to_vec()).unwrap_or_default();
        spans.extend_from_slice(opening.hours.spans(weekday));
        spans.sort_unstable();
        for span in spans {
            match day.last_mut() {
                Some(last) if span.start() <= last.end() => {
                    let end = last.end().max(span.end());
                    *last = DaySpan::new(last.start(), end).map_err(|error| Error::invalid("openings", error))?;
                }
                _ => day.push(span),
            }
        }
    }
    WeeklyHours::new(days).map_err(|error| Error::invalid("openings", error))
}

/// Searches for as long as it may, beside the other work of this process.
async fn searched(problem: Problem, effort: Effort, limit: Duration) -> Result<Side> {
    let begun = tokio::time::Instant::now();
    let search = move || {
        let plan = planner::plan(&problem, &effort, &mut || begun.elapsed() < limit)?;
        let summary = Summary::of(&problem, &plan);
        Ok(Side { plan, summary })
    };
    let side = tokio::task::spawn_blocking(search).await.map_err(|error| Error::Internal(error.to_string()))?;
    side.map_err(|error: planner::ProblemError| Error::invalid("rounds", error))
}
