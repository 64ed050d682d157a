//! When several people can meet, how far that is known, and why not at another time.

use app::{KeptBy, KnownOf, Meeting, TogetherView};
use axum::{Json as Body, extract::State};
use domain::{access::Right, rounds::Need};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    endpoint::{Endpoint, get},
    input::{Query, instant, invalid, range},
    output::{Answer, Moment},
};
use crate::{WebState, texts};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get(
            "/availability",
            Right::Read,
            "When several people can meet, how old that is, and how far it can be trusted; a deadline gives a marked partial answer",
            together,
        )
        .query::<Together>()
        .answers::<TogetherBody>(),
        get(
            "/availability/explain",
            Right::Read,
            "Whether several people can meet at one time; if not, everything that keeps each of them, and the least that would have to change",
            explain,
        )
        .query::<Explain>()
        .answers::<WhyBody>(),
    ]
}

/// Who is to meet, and when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Together {
    /// Addresses, with commas between them.
    people: String,
    /// Addresses of those who may come.
    #[param(required = false)]
    optional: Option<String>,
    /// How many of `people`: `all`, `any` or a number; `all` where absent.
    #[param(required = false)]
    need: Option<String>,
    /// RFC 3339.
    start: String,
    /// RFC 3339.
    end: String,
    /// Length, a multiple of 5; 60 where absent.
    #[param(required = false)]
    minutes: Option<i64>,
    /// How many seconds ago a calendar may have been read; 60 where absent, at most 300; 0 reads it now.
    #[param(required = false)]
    max_age: Option<i64>,
    /// How many milliseconds reading may take. What is not read by then is unknown, and `complete` is false.
    #[param(required = false)]
    deadline_ms: Option<u64>,
    /// Times at most; 200 where absent, at most 2000.
    #[param(required = false)]
    limit: Option<usize>,
}

/// Who is to meet, and at which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Explain {
    /// Addresses, with commas between them.
    people: String,
    /// Addresses of those who may come.
    #[param(required = false)]
    optional: Option<String>,
    /// How many of `people`: `all`, `any` or a number; `all` where absent.
    #[param(required = false)]
    need: Option<String>,
    /// RFC 3339.
    start: String,
    /// Length, a multiple of 5; 60 where absent.
    #[param(required = false)]
    minutes: Option<i64>,
    /// As in `/availability`.
    #[param(required = false)]
    max_age: Option<i64>,
    /// As in `/availability`.
    #[param(required = false)]
    deadline_ms: Option<u64>,
}

/// When several people can meet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AvailabilityTogether)]
struct TogetherBody {
    /// `known`: every calendar was read; `partial`: what is offered rests on those that were; `unknown`: too few were, so nothing is
    /// offered.
    source: &'static str,
    /// When the oldest of the calendars was read.
    as_of: Option<Moment>,
    /// How many seconds ago that was.
    age_seconds: Option<i64>,
    /// Whether every calendar was read before the deadline.
    complete: bool,
    people: Vec<PersonKnown>,
    /// By start; they may overlap.
    slots: Vec<SlotTogether>,
}

/// How far somebody's calendar is known.
#[derive(Debug, Serialize, ToSchema)]
struct PersonKnown {
    email: String,
    /// `known` or `unknown`.
    source: &'static str,
    /// When it was read.
    as_of: Option<Moment>,
    /// Why it is not known, as a code; `deadline` where there was no time to read it.
    why: Option<String>,
    /// The zone of their working hours.
    zone: String,
    /// Whether they are one of those who may come.
    optional: bool,
}

/// A time at which enough of them can meet.
#[derive(Debug, Serialize, ToSchema)]
struct SlotTogether {
    start: Moment,
    end: Moment,
    /// Addresses of those who can.
    people: Vec<String>,
}

/// Whether several people can meet at one time, and what keeps them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AvailabilityExplained)]
struct WhyBody {
    start: Moment,
    end: Moment,
    /// Whether the time is offered: exactly then enough of them have no reasons.
    offered: bool,
    /// How many must come.
    needed: usize,
    /// How many of those can.
    can: usize,
    people: Vec<PersonKept>,
    /// The least that would have to change: for as many as are missing, those with the fewest reasons.
    smallest: Vec<PersonKept>,
}

/// What keeps somebody.
#[derive(Debug, Serialize, ToSchema)]
struct PersonKept {
    #[serde(flatten)]
    known: PersonKnown,
    /// Nothing if they can come.
    reasons: Vec<WhyNot>,
}

/// One thing in the way.
#[derive(Debug, Serialize, ToSchema)]
struct WhyNot {
    /// A stable code.
    code: &'static str,
    /// Who could change it, as a code.
    owner: &'static str,
    /// In words.
    text: String,
    /// What the code is about: times, dates, limits.
    #[schema(value_type = Object)]
    details: serde_json::Value,
}

impl From<KnownOf> for PersonKnown {
    fn from(known: KnownOf) -> Self {
        Self {
            email: known.email,
            source: known.source,
            as_of: known.as_of.map(Moment),
            why: known.why,
            zone: known.zone.name().to_owned(),
            optional: known.optional,
        }
    }
}

impl TryFrom<KeptBy> for PersonKept {
    type Error = app::Error;

    fn try_from(kept: KeptBy) -> Result<Self, app::Error> {
        let reason = |why: &scheduling::Explanation| {
            let mut details = serde_json::to_value(&why.reason).map_err(|error| app::Error::Internal(error.to_string()))?;
            if let Some(fields) = details.as_object_mut() {
                fields.remove("code");
            }
            let code = why.reason.code();
            Ok(WhyNot { code, owner: why.owner.code(), text: texts::code("reason", code), details })
        };
        Ok(Self { reasons: kept.reasons.iter().map(reason).collect::<Result<_, app::Error>>()?, known: kept.who.into() })
    }
}

fn addresses(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|address| !address.is_empty()).map(ToOwned::to_owned).collect()
}

fn need(text: Option<&str>) -> Answer<Need> {
    match text {
        None | Some("all") => Ok(Need::All),
        Some("any") => Ok(Need::Any),
        Some(count) => {
            let count = count.parse().map(Need::AtLeast);
            count.map_err(|_| invalid("need", "say `all`, `any`, or how many of `people` must come"))
        }
    }
}

/// The longest a caller may wait, in milliseconds.
const LONGEST_WAIT: u64 = 60_000;

fn waits(deadline: Option<u64>) -> Answer<Option<u64>> {
    match deadline {
        Some(milliseconds) if !(1..=LONGEST_WAIT).contains(&milliseconds) => {
            Err(invalid("deadline_ms", format!("use 1 to {LONGEST_WAIT} milliseconds")))
        }
        deadline => Ok(deadline),
    }
}

async fn together(State(state): State<WebState>, Query(asked): Query<Together>) -> Answer<Body<TogetherBody>> {
    let meeting = Meeting {
        people: addresses(&asked.people),
        optional: addresses(asked.optional.as_deref().unwrap_or_default()),
        need: need(asked.need.as_deref())?,
        minutes: asked.minutes.unwrap_or(60),
        max_age: asked.max_age,
        deadline: waits(asked.deadline_ms)?,
    };
    let limit = asked.limit.unwrap_or(200);
    if !(1..=app::MOST_TIMES).contains(&limit) {
        return Err(invalid("limit", format!("use 1 to {}", app::MOST_TIMES)));
    }
    let window = range(instant("start", &asked.start)?, instant("end", &asked.end)?)?;
    let view: TogetherView = state.app.together(&meeting, window, limit).await?;
    let now = state.app.now();
    let slot =
        |time: app::TimeTogether| SlotTogether { start: time.range.start().into(), end: time.range.end().into(), people: time.who };
    Ok(Body(TogetherBody {
        source: view.source,
        age_seconds: view.as_of.map(|at| (now.as_second() - at.as_second()).max(0)),
        as_of: view.as_of.map(Moment),
        complete: view.complete,
        people: view.people.into_iter().map(PersonKnown::from).collect(),
        slots: view.times.into_iter().map(slot).collect(),
    }))
}

async fn explain(State(state): State<WebState>, Query(asked): Query<Explain>) -> Answer<Body<WhyBody>> {
    let meeting = Meeting {
        people: addresses(&asked.people),
        optional: addresses(asked.optional.as_deref().unwrap_or_default()),
        need: need(asked.need.as_deref())?,
        minutes: asked.minutes.unwrap_or(60),
        max_age: asked.max_age,
        deadline: waits(asked.deadline_ms)?,
    };
    let view = state.app.why_not_together(&meeting, instant("start", &asked.start)?).await?;
    let kept = |people: Vec<KeptBy>| people.into_iter().map(PersonKept::try_from).collect::<Result<Vec<_>, _>>();
    Ok(Body(WhyBody {
        start: view.range.start().into(),
        end: view.range.end().into(),
        offered: view.offered,
        needed: view.needed,
        can: view.can,
        people: kept(view.people)?,
        smallest: kept(view.smallest)?,
    }))
}
