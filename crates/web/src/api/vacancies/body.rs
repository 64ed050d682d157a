//! A vacancy as the API shows it.

use app::{PlaceInput, VacancyView};
use domain::{
    people::Person,
    vacancies::{CandidateHours, LateConflict, Place, Policy, Scheduling, VacancyState, Waiting},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rounds::RoundBody;
use crate::api::{
    input::invalid,
    interviews::InterviewBody,
    output::{Answer, Moment},
};

/// A vacancy with its shortlist and what it waits for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vacancy)]
pub(in crate::api) struct VacancyBody {
    id: String,
    /// The ETag; send it as `If-Match` with a change.
    revision: i64,
    /// Your own id.
    external_id: Option<String>,
    title: String,
    #[schema(value_type = VacancyStateName)]
    state: VacancyState,
    paused: bool,
    manager: PersonBrief,
    /// Who asks, as the manager reads it.
    requested_by: String,
    place: Option<PlaceBody>,
    rounds: Vec<RoundBody>,
    policy: PolicyBody,
    approved_at: Option<Moment>,
    created_at: Moment,
    /// In order: earlier ones get earlier times.
    shortlist: Vec<ShortlistLine>,
    /// Whom or what it waits for, since when, what happens next and when.
    waiting_for: Vec<WaitingBody>,
    /// What may be asked of it now.
    allowed_actions: Vec<&'static str>,
}

/// How a vacancy stands.
#[derive(ToSchema)]
#[schema(as = VacancyState, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's states")]
enum VacancyStateName {
    Draft,
    Approved,
    Closed,
}

/// Somebody, in short.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct PersonBrief {
    id: String,
    name: String,
    /// Where mail goes; null where it was erased.
    email: Option<String>,
    /// An IANA zone, if known.
    zone: Option<String>,
}

impl From<&Person> for PersonBrief {
    fn from(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            name: person.name.clone(),
            email: person.email().map(ToString::to_string),
            zone: person.zone.as_ref().map(|zone| zone.name().to_owned()),
        }
    }
}

/// Where interviews take place.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Place)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct PlaceBody {
    kind: PlaceKind,
    /// The address or URL; absent for a Zoho Meeting.
    #[serde(default)]
    #[schema(required = false)]
    value: Option<String>,
}

/// What kind of place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlaceKind {
    /// A room or street address.
    Address,
    /// A meeting URL.
    Url,
    /// A Zoho Meeting made with each event.
    ZohoMeeting,
}

impl From<&Place> for PlaceBody {
    fn from(place: &Place) -> Self {
        let kind = match place {
            Place::Address(_) => PlaceKind::Address,
            Place::Url(_) => PlaceKind::Url,
            Place::ZohoMeeting => PlaceKind::ZohoMeeting,
        };
        Self { kind, value: place.text().map(ToOwned::to_owned) }
    }
}

impl From<PlaceBody> for PlaceInput {
    fn from(place: PlaceBody) -> Self {
        let value = place.value.unwrap_or_default();
        match place.kind {
            PlaceKind::Address => Self::Address(value),
            PlaceKind::Url => Self::Url(value),
            PlaceKind::ZohoMeeting => Self::ZohoMeeting,
        }
    }
}

/// What Greenroom may do by itself.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Policy)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct PolicyBody {
    /// Whether provisional times are proposed where permission does not come.
    provisional: bool,
    /// How long permission is waited for first, in hours; 48 where absent.
    #[serde(default = "two_days")]
    #[schema(required = false)]
    provisional_after_hours: i64,
    /// Who picks the times; `greenroom` where absent.
    #[serde(default)]
    #[schema(required = false, value_type = SchedulingName)]
    scheduling: Scheduling,
    /// Until how many hours before the start a candidate may move or cancel by themselves; 24 where absent.
    #[serde(default = "one_day")]
    #[schema(required = false)]
    change_notice_hours: i64,
    /// How many days a candidate's link to pick a time lives; 14 where absent.
    #[serde(default = "two_weeks")]
    #[schema(required = false)]
    choice_days: i64,
    /// Whether candidates whose zone is known are asked to come at night there; `prefer` where absent.
    #[serde(default)]
    #[schema(required = false, value_type = CandidateHoursName)]
    candidate_hours: CandidateHours,
    /// What is done where a new meeting overlaps an interview that was booked; `ask` where absent.
    #[serde(default)]
    #[schema(required = false, value_type = LateConflictName)]
    late_conflict: LateConflict,
}

/// What the hours of the place where a candidate lives count.
#[derive(ToSchema)]
#[schema(as = CandidateHours, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's values")]
enum CandidateHoursName {
    /// Times between 07:00 and 22:00 there are taken where there are any.
    Prefer,
    /// No other time is.
    Require,
    /// They count nothing.
    Ignore,
}

/// What is done where a new meeting overlaps an interview that was booked.
#[derive(ToSchema)]
#[schema(as = LateConflict, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's values")]
enum LateConflictName {
    /// A person is asked.
    Ask,
    /// It moves to the next time that fits, if it starts later than the notice candidates have; a person is asked only where none fits.
    Move,
}

/// Who picks the times of interviews.
#[derive(ToSchema)]
#[schema(as = Scheduling, rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used: names of the domain's values")]
enum SchedulingName {
    /// Each candidate gets the earliest time that is left.
    Greenroom,
    /// The candidate, by a link.
    Candidate,
}

const fn one_day() -> i64 {
    24
}

const fn two_weeks() -> i64 {
    14
}

const fn two_days() -> i64 {
    48
}

impl PolicyBody {
    pub(super) fn read(self) -> Answer<Policy> {
        if !(0..=24 * 60).contains(&self.provisional_after_hours) {
            return Err(invalid("policy.provisional_after_hours", "use 0 to 1440 hours"));
        }
        if !(0..=24 * 30).contains(&self.change_notice_hours) {
            return Err(invalid("policy.change_notice_hours", "use 0 to 720 hours"));
        }
        if !(1..=90).contains(&self.choice_days) {
            return Err(invalid("policy.choice_days", "use 1 to 90 days"));
        }
        Ok(Policy {
            provisional: self.provisional,
            provisional_after_hours: self.provisional_after_hours,
            scheduling: self.scheduling,
            change_notice_hours: self.change_notice_hours,
            choice_days: self.choice_days,
            candidate_hours: self.candidate_hours,
            late_conflict: self.late_conflict,
        })
    }
}

/// One line of a shortlist.
#[derive(Debug, Serialize, ToSchema)]
struct ShortlistLine {
    /// Names the place on the list.
    id: String,
    position: i64,
    candidate: PersonBrief,
    /// Why no time was found at the last attempt.
    unplaced: Option<UnplacedBody>,
    withdrawn: bool,
    /// The interview that counts: the first still to come, else the last that took place, else the last.
    interview: Option<InterviewBody>,
    /// One of each round, in their order: the one not cancelled, else the last.
    interviews: Vec<InterviewBody>,
}

/// No time could be offered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unplaced)]
struct UnplacedBody {
    since: Moment,
    /// Codes, most frequent first.
    reasons: Vec<String>,
}

/// Whom or what is waited for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Waiting)]
pub(in crate::api) struct WaitingBody {
    /// A code: `permission`, `administrator`, `calendar`, `time`, `manager`, `candidate`, `interview`, `feedback`, `recruiter`.
    on: String,
    who: Option<String>,
    since: Moment,
    /// What happens next, as a code.
    next: Option<String>,
    next_at: Option<Moment>,
}

impl From<&Waiting> for WaitingBody {
    fn from(waiting: &Waiting) -> Self {
        Self {
            on: waiting.on.clone(),
            who: waiting.who.clone(),
            since: waiting.since.into(),
            next: waiting.next.clone(),
            next_at: waiting.next_at.map(Moment),
        }
    }
}

impl From<&VacancyView> for VacancyBody {
    fn from(view: &VacancyView) -> Self {
        let vacancy = &view.vacancy;
        let line = |item: &app::ShortlistItem| ShortlistLine {
            id: item.candidacy.id.to_string(),
            position: item.candidacy.position,
            candidate: (&item.candidate).into(),
            unplaced: item
                .candidacy
                .unplaced
                .as_ref()
                .map(|unplaced| UnplacedBody { since: unplaced.since.into(), reasons: unplaced.reasons.clone() }),
            withdrawn: item.candidacy.withdrawn_at.is_some(),
            interview: item.interview.as_ref().map(InterviewBody::from),
            interviews: item.interviews.iter().map(InterviewBody::from).collect(),
        };
        Self {
            id: vacancy.id.to_string(),
            revision: vacancy.rev,
            external_id: vacancy.external_id.clone(),
            title: vacancy.title.clone(),
            state: vacancy.state,
            paused: vacancy.paused_at.is_some(),
            manager: (&view.manager).into(),
            requested_by: vacancy.requested_by.clone(),
            place: vacancy.place.as_ref().map(PlaceBody::from),
            rounds: vacancy.rounds.iter().map(|round| RoundBody::of(round, view)).collect(),
            policy: PolicyBody {
                provisional: vacancy.policy.provisional,
                provisional_after_hours: vacancy.policy.provisional_after_hours,
                scheduling: vacancy.policy.scheduling,
                change_notice_hours: vacancy.policy.change_notice_hours,
                choice_days: vacancy.policy.choice_days,
                candidate_hours: vacancy.policy.candidate_hours,
                late_conflict: vacancy.policy.late_conflict,
            },
            approved_at: vacancy.approved_at.map(Moment),
            created_at: vacancy.created_at.into(),
            shortlist: view.shortlist.iter().map(line).collect(),
            waiting_for: view.waiting_for.iter().map(WaitingBody::from).collect(),
            allowed_actions: view.allowed_actions.clone(),
        }
    }
}
