//! Rounds and panels as the API shows and takes them.

use app::{RoundInput, SeatsInput, VacancyView};
use domain::{
    Id,
    people::Person,
    rounds::{Days, Gap, Need, Opens, Round},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PersonBrief;

/// One round of interviews.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Round)]
pub(super) struct RoundBody {
    position: i64,
    name: String,
    minutes: i64,
    /// Who must come; empty where the vacancy's manager interviews alone.
    seats: Vec<SeatsBody>,
    /// Who comes where they can.
    optional: Vec<PersonBrief>,
    gap: GapBody,
    #[schema(value_type = OpensName)]
    opens: Opens,
}

/// Some of these people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Seats)]
struct SeatsBody {
    need: NeedBody,
    people: Vec<PersonBrief>,
    /// Only those who have all of these.
    skills: Vec<String>,
}

/// How many of a group: `all`, `any`, or a number.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = Need)]
#[serde(untagged, expecting = "`all`, `any`, or how many")]
enum NeedBody {
    /// That many.
    Count(u32),
    /// Everybody, or one.
    Word(NeedWord),
}

/// Everybody of a group, or one of them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum NeedWord {
    /// Everybody.
    All,
    /// One.
    Any,
}

impl From<Need> for NeedBody {
    fn from(need: Need) -> Self {
        match need {
            Need::All => Self::Word(NeedWord::All),
            Need::Any => Self::Word(NeedWord::Any),
            Need::AtLeast(count) => Self::Count(count),
        }
    }
}

impl From<NeedBody> for Need {
    fn from(need: NeedBody) -> Self {
        match need {
            NeedBody::Word(NeedWord::All) => Self::All,
            NeedBody::Word(NeedWord::Any) => Self::Any,
            NeedBody::Count(count) => Self::AtLeast(count),
        }
    }
}

/// How a round lies to the one before it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Gap)]
#[serde(deny_unknown_fields)]
pub(super) struct GapBody {
    /// Minutes between the two at least; 0 where absent.
    #[serde(default)]
    #[schema(required = false)]
    at_least_minutes: i64,
    /// Minutes between the two at most.
    #[serde(default)]
    #[schema(required = false)]
    at_most_minutes: Option<i64>,
    /// Whether both lie on one day, by the calendar of whoever leads; `any` where absent.
    #[serde(default)]
    #[schema(required = false, value_type = DaysName)]
    days: Days,
}

/// Whether two rounds lie on one day.
#[derive(ToSchema)]
#[schema(as = Days, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's values")]
enum DaysName {
    /// Either.
    Any,
    /// One day.
    Same,
    /// Two days.
    Other,
}

/// When a round's interviews are arranged.
#[derive(ToSchema)]
#[schema(as = Opens, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's values")]
enum OpensName {
    /// With the round before.
    Together,
    /// When the interview of the round before is over.
    AfterPrevious,
}

/// A round as you describe it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct NewRound {
    /// Order, from 1; the place in the list where absent.
    #[schema(required = false)]
    position: Option<i64>,
    /// As people read it; `Interview` where absent.
    #[schema(required = false)]
    name: Option<String>,
    /// A multiple of 5; 60 where absent.
    #[schema(required = false)]
    minutes: Option<i64>,
    /// Who must come, nobody on two seats; the vacancy's manager alone where absent.
    #[serde(default)]
    #[schema(required = false)]
    seats: Vec<NewSeats>,
    /// Addresses of those who come where they can.
    #[serde(default)]
    #[schema(required = false)]
    optional: Vec<String>,
    #[schema(required = false)]
    gap: Option<GapBody>,
    /// `together` where absent: the whole loop is arranged at once.
    #[serde(default)]
    #[schema(required = false, value_type = OpensName)]
    opens: Opens,
}

/// Some of these people.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSeats {
    /// `all` where absent.
    #[schema(required = false)]
    need: Option<NeedBody>,
    /// Their addresses; whoever is not known yet is made known, and asked for permission when the vacancy is approved.
    people: Vec<String>,
    /// Only those who have all of these.
    #[serde(default)]
    #[schema(required = false)]
    skills: Vec<String>,
}

impl From<NewRound> for RoundInput {
    fn from(round: NewRound) -> Self {
        let seats = |seats: NewSeats| SeatsInput {
            need: seats.need.map_or(Need::All, Need::from),
            people: seats.people,
            skills: seats.skills,
        };
        Self {
            position: round.position,
            name: round.name,
            minutes: round.minutes,
            seats: round.seats.into_iter().map(seats).collect(),
            optional: round.optional,
            gap: round.gap.map(Gap::from).unwrap_or_default(),
            opens: round.opens,
        }
    }
}

impl From<GapBody> for Gap {
    fn from(gap: GapBody) -> Self {
        Self { at_least_minutes: gap.at_least_minutes, at_most_minutes: gap.at_most_minutes, days: gap.days }
    }
}

impl RoundBody {
    pub(super) fn of(round: &Round, view: &VacancyView) -> Self {
        let briefs = |people: &[Id<Person>]| -> Vec<PersonBrief> {
            people.iter().filter_map(|id| view.panelists.iter().find(|person| person.id == *id)).map(PersonBrief::from).collect()
        };
        let gap = round.gap;
        Self {
            position: round.position,
            name: round.name.clone(),
            minutes: round.minutes,
            seats: round
                .panel
                .seats
                .iter()
                .map(|seats| SeatsBody {
                    need: seats.need.into(),
                    people: briefs(&seats.people),
                    skills: seats.skills.iter().cloned().collect(),
                })
                .collect(),
            optional: briefs(&round.panel.optional),
            gap: GapBody { at_least_minutes: gap.at_least_minutes, at_most_minutes: gap.at_most_minutes, days: gap.days },
            opens: round.opens,
        }
    }
}
