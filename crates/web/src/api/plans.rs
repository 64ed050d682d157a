//! Plans of whole shortlists, without booking anything; and why an interview was placed as it was.

use app::{Opening, PlacedBecause, PlanInput, PlanView, Planned, Side, why_code};
use axum::{
    Json as Body,
    extract::{Path, State},
};
use domain::{Id, Zone, access::Right, interviews::Interview, people::Person, vacancies::Vacancy};
use scheduling::{Cell, HoursError, WeeklyHours, planner};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    endpoint::{Endpoint, get, post},
    input::{Json, id, invalid},
    output::{Answer, Moment},
    vacancies::NewRound,
};
use crate::WebState;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        post(
            "/plans",
            Right::Read,
            "Plans every candidate in every round at once, and what opening more hours would change; books nothing",
            plan,
        )
        .body::<NewPlan>()
        .answers::<PlanBody>(),
        get("/interviews/{id}/why", Right::Read, "Why an interview lies where it lies, and with whom", why).answers::<WhyPlaced>(),
    ]
}

/// What is to be planned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPlan {
    /// Its rounds, its policy and its shortlist; what is given below takes their place.
    #[schema(required = false)]
    vacancy_id: Option<String>,
    /// Rounds of people who are known.
    #[schema(required = false)]
    rounds: Option<Vec<NewRound>>,
    /// Who interviews where a round names nobody.
    #[schema(required = false)]
    manager_email: Option<String>,
    /// How many candidates, or one entry for each with the zone where they live.
    #[schema(required = false)]
    candidates: Option<Candidates>,
    /// How many days ahead, 1 to 120; 30 where absent.
    #[schema(required = false, minimum = 1, maximum = 120)]
    days: Option<u32>,
    /// Another number searches another way; the same gives the same plan, as long as `iterations` are given and the deadline is not reached.
    #[serde(default)]
    #[schema(required = false)]
    seed: u64,
    /// How often the search tries to do better; as the deadline allows where absent.
    #[schema(required = false)]
    iterations: Option<u64>,
    /// Milliseconds that searching may take, 1 to 5000; 500 where absent. The best plan by then is given.
    #[schema(required = false, minimum = 1, maximum = 5000)]
    deadline_ms: Option<u64>,
    /// What if some people opened more hours.
    #[serde(default)]
    #[schema(required = false)]
    openings: Vec<NewOpening>,
}

/// How many, or who.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "a number, or a list of {\"zone\": …}")]
enum Candidates {
    /// So many, who can come whenever.
    Count(u32),
    /// One entry each.
    Each(Vec<NewGuest>),
}

/// One candidate of a plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGuest {
    /// IANA name; their hours count as the policy says.
    #[schema(required = false)]
    zone: Option<String>,
}

/// More hours of some people.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOpening {
    /// Their addresses.
    people: Vec<String>,
    /// Such as `fri 09:00-12:00`, in their zone.
    hours: String,
}

/// A plan, and the one with more hours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlanAnswer)]
struct PlanBody {
    at: Moment,
    start: Moment,
    end: Moment,
    /// Whose calendar could not be read: they sit nowhere.
    unknown: Vec<UnknownPerson>,
    plan: SideBody,
    /// With the openings.
    opened: Option<SideBody>,
    /// What the openings change.
    difference: Option<Difference>,
}

/// Somebody whose calendar could not be read.
#[derive(Debug, Serialize, ToSchema)]
struct UnknownPerson {
    person_id: String,
    /// A code.
    why: String,
}

/// One plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
struct SideBody {
    /// When all who get through are.
    done_at: Option<Moment>,
    /// In the order of the shortlist.
    candidates: Vec<PlannedCandidate>,
    meetings: Vec<PlannedMeeting>,
    /// Rounds for which no time was found.
    unplaced: Vec<UnplacedRound>,
    people: Vec<Carries>,
    quality: Quality,
}

/// How one candidate fares.
#[derive(Debug, Serialize, ToSchema)]
struct PlannedCandidate {
    /// Their place on the shortlist; null where they were only counted.
    shortlist_id: Option<String>,
    /// When their last round is over; null where a round has no time.
    done_at: Option<Moment>,
}

/// One meeting of a plan.
#[derive(Debug, Serialize, ToSchema)]
struct PlannedMeeting {
    /// The candidate's place in `candidates`, from 0.
    candidate: usize,
    /// The round's position.
    round: i64,
    start: Moment,
    end: Moment,
    /// Who sits.
    people: Vec<String>,
}

/// A round without a time.
#[derive(Debug, Serialize, ToSchema)]
struct UnplacedRound {
    candidate: usize,
    round: i64,
    /// `waits` (for the round before), `candidate_not_free`, `too_few_people`, `not_together`, `taken` (by other meetings or limits), `stopped`.
    why: &'static str,
}

/// What one person carries.
#[derive(Debug, Serialize, ToSchema)]
struct Carries {
    person_id: String,
    name: String,
    minutes: u64,
    meetings: usize,
    /// Minutes of the last 28 days, and of what else is booked.
    before_minutes: u64,
}

/// How good it is.
#[derive(Debug, Serialize, ToSchema)]
struct Quality {
    /// By the planner's weights; comparable between plans of one question.
    cost: f64,
    /// No plan costs less.
    bound: f64,
    /// How far the cost is above that at most, in percent; null where it cannot be said, because a round has no time that might have one.
    gap_percent: Option<f64>,
    /// Whether no plan is better.
    proven: bool,
    /// How often the search tried.
    iterations: u64,
}

/// What more hours change.
#[derive(Debug, Serialize, ToSchema)]
struct Difference {
    /// By how many minutes earlier all are through; negative: later.
    done_earlier_minutes: Option<i64>,
    /// Candidates, by their places, who get through only with them.
    gained: Vec<usize>,
    /// Who gets through only without them.
    lost: Vec<usize>,
    people: Vec<MoreMinutes>,
}

/// How much more somebody carries.
#[derive(Debug, Serialize, ToSchema)]
struct MoreMinutes {
    person_id: String,
    more_minutes: i64,
}

/// Why an interview was placed as it was.
#[derive(Debug, Serialize, ToSchema)]
struct WhyPlaced {
    interview_id: String,
    start: Moment,
    end: Moment,
    /// `plan`: by a plan of the whole shortlist; `earliest`: the earliest time for this candidate that passed every rule; `person`: somebody
    /// chose it.
    by: &'static str,
    /// Who of each group stood how (`sits`, `not_free`, `elsewhere`, `limit_reached`, `carries_more`, `dearer`, `as_good`, `declined`), and
    /// how many earlier starts failed at what; null where there was no plan.
    reasons: serde_json::Value,
}

impl NewOpening {
    fn read(self) -> Answer<Opening> {
        let hours: Result<WeeklyHours, HoursError> = self.hours.parse();
        let hours = hours.map_err(|error| invalid("openings.hours", error.to_string()))?;
        if self.people.is_empty() {
            return Err(invalid("openings.people", "name at least one person"));
        }
        Ok(Opening { people: self.people, hours })
    }
}

impl NewPlan {
    fn read(self) -> Answer<PlanInput> {
        let guest = |guest: NewGuest| {
            let zone = guest.zone.map(|zone| Zone::new(&zone)).transpose();
            zone.map_err(|error| invalid("candidates.zone", error.to_string()))
        };
        let candidates = match self.candidates {
            None => None,
            Some(Candidates::Count(count)) => Some(vec![None; usize::try_from(count.min(100_000)).unwrap_or(usize::MAX)]),
            Some(Candidates::Each(each)) => Some(each.into_iter().map(guest).collect::<Result<Vec<_>, _>>()?),
        };
        Ok(PlanInput {
            vacancy: self.vacancy_id.map(|text| id::<Vacancy>("vacancy", &text)).transpose()?,
            rounds: self.rounds.map(|rounds| rounds.into_iter().map(NewRound::into).collect()),
            manager_email: self.manager_email,
            candidates,
            days: self.days,
            seed: self.seed,
            iterations: self.iterations,
            deadline: self.deadline_ms,
            openings: self.openings.into_iter().map(NewOpening::read).collect::<Result<Vec<_>, _>>()?,
        })
    }
}

fn moment(cell: Option<Cell>) -> Option<Moment> {
    cell.and_then(Cell::start).map(Moment)
}

/// Costs are sums of integers far below what a float holds exactly; they are for comparing.
#[expect(clippy::cast_precision_loss, reason = "the largest plans stay below 2^53")]
fn number(cost: i128) -> f64 {
    cost as f64
}

impl SideBody {
    fn new(view: &PlanView, side: &Side) -> Self {
        let (plan, summary) = (&side.plan, &side.summary);
        let position = |round: usize| view.rounds.get(round).map_or(0, |round| round.position);
        let person = |place: usize| view.people.get(place).map(|person: &Person| person.id.to_string()).unwrap_or_default();
        let meeting = |meeting: &planner::Meeting| {
            let range = view.range(meeting)?;
            Some(PlannedMeeting {
                candidate: meeting.guest,
                round: position(meeting.round),
                start: range.start().into(),
                end: range.end().into(),
                people: meeting.people.iter().map(|place| person(*place)).collect(),
            })
        };
        let candidate = |(planned, through): (&Planned, &Option<Cell>)| PlannedCandidate {
            shortlist_id: match planned {
                Planned::Listed(id) => Some(id.to_string()),
                Planned::Counted(_) => None,
            },
            done_at: moment(*through),
        };
        let carries = |(person, carried): (&Person, &planner::Carried)| Carries {
            person_id: person.id.to_string(),
            name: person.name.clone(),
            minutes: carried.minutes,
            meetings: carried.meetings,
            before_minutes: carried.before_minutes,
        };
        Self {
            done_at: moment(summary.all_through),
            candidates: view.candidates.iter().zip(&summary.through).map(candidate).collect(),
            meetings: plan.meetings.iter().filter_map(meeting).collect(),
            unplaced: plan
                .unplaced
                .iter()
                .map(|round| UnplacedRound { candidate: round.guest, round: position(round.round), why: why_code(round.why) })
                .collect(),
            people: view.people.iter().zip(&summary.people).map(carries).collect(),
            quality: Quality {
                cost: number(plan.cost.total()),
                bound: number(plan.bound.total()),
                gap_percent: plan.gap_permille().map(|permille| f64::from(permille) / 10.0),
                proven: plan.proven,
                iterations: plan.iterations,
            },
        }
    }
}

impl From<&PlanView> for PlanBody {
    fn from(view: &PlanView) -> Self {
        let more = |change: &planner::Comparison| Difference {
            done_earlier_minutes: change.all_later_minutes.map(|later| -later),
            gained: change.gained.clone(),
            lost: change.lost.clone(),
            people: view
                .people
                .iter()
                .zip(&change.more_minutes)
                .map(|(person, more)| MoreMinutes { person_id: person.id.to_string(), more_minutes: *more })
                .collect(),
        };
        Self {
            at: view.at.into(),
            start: view.span.start().into(),
            end: view.span.end().into(),
            unknown: view
                .unknown
                .iter()
                .map(|(person, why)| UnknownPerson { person_id: person.to_string(), why: why.clone() })
                .collect(),
            plan: SideBody::new(view, &view.plan),
            opened: view.opened.as_ref().map(|(side, _)| SideBody::new(view, side)),
            difference: view.opened.as_ref().map(|(_, change)| more(change)),
        }
    }
}

async fn plan(State(state): State<WebState>, Json(input): Json<NewPlan>) -> Answer<Body<PlanBody>> {
    let view = Box::pin(state.app.plan(&input.read()?)).await?;
    Ok(Body(PlanBody::from(&view)))
}

async fn why(State(state): State<WebState>, Path(text): Path<String>) -> Answer<Body<WhyPlaced>> {
    let id = id::<Interview>("interview", &text)?;
    let PlacedBecause { interview, by, reasons } = state.app.placed_because(id).await?;
    let (start, end): (Moment, Moment) = (interview.range.start().into(), interview.range.end().into());
    Ok(Body(WhyPlaced { interview_id: Id::to_string(&interview.id), start, end, by, reasons }))
}
