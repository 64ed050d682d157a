//! Who interviews in a round, with everything that says when they can: rules, calendars, what is booked, and the rounds around it.

use std::collections::BTreeMap;

use domain::{
    Id, TimeRange, Timestamp, Zone,
    interviews::{Interview, InterviewState},
    people::Person,
    rounds::{Days, Gap, Need, Panel, Round, Seats},
    vacancies::{CandidateHours, Vacancy},
};
use scheduling::{
    Agenda, Busy, BusySet, Cell, CivilHours, DaySpan, Guest, Obstacle, Placement, Query, Request, Rules, SlotLength, slots,
};

use crate::{App, Error, Result, draft::later};

/// Somebody of a panel.
pub(crate) struct Sitter {
    pub person: Person,
    pub rules: Rules,
    pub busy: Busy,
    /// Of their calendar.
    pub zone: Zone,
}

/// See the module's header.
pub(crate) struct Desk {
    pub vacancy: Vacancy,
    pub round: Round,
    /// Who leads where they sit: the vacancy's manager, or the first of a panel without them.
    pub manager: Person,
    pub rules: Rules,
    pub busy: Busy,
    pub zone: Zone,
    /// Everybody else of the panel.
    pub beside: Vec<Sitter>,
    /// Who must sit, skills looked at; no seats where the manager sits alone.
    pub panel: Panel,
    /// How long before its start a provisional time is released.
    pub release_minutes: u32,
}

/// A time, and who sits in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sitting {
    pub range: TimeRange,
    /// Who leads: the event stands in their calendar.
    pub lead: Id<Person>,
    /// Who sits beside them.
    pub interviewers: Vec<Id<Person>>,
    /// The lead's.
    pub zone: Zone,
}

impl Sitting {
    /// Everybody who interviews.
    pub fn people(&self) -> impl Iterator<Item = Id<Person>> {
        std::iter::once(self.lead).chain(self.interviewers.iter().copied())
    }
}

/// What is asked of a desk's time for one candidate.
#[derive(Clone)]
pub(crate) struct Planning {
    /// Of the manager, then of those beside them.
    agendas: Vec<Agenda>,
    request: Request,
    now: Timestamp,
    /// What the rounds before and after leave.
    order: Order,
}

impl Planning {
    /// Only at hours at which somebody who lives in `zone` can be asked to come. Not for times that people name themselves.
    fn at_civil_hours(&self, zone: Zone) -> Self {
        let mut civil = self.clone();
        civil.request.guest.civil_hours = Some(CivilHours::daily(zone, DaySpan::CIVIL, true));
        civil
    }
}

/// The rounds of the same candidate around the one that is planned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Order {
    /// The round before, where it has a time, with what is asked of the way from it to this one.
    before: Option<(TimeRange, Gap)>,
    /// The round after, likewise.
    after: Option<(TimeRange, Gap)>,
}

/// Why a time is none, as a code, where no rule of a person says so.
pub(crate) const ROUND_ORDER: &str = "round_order";

impl Order {
    fn allows(&self, range: TimeRange, zone: &Zone) -> bool {
        let fits = |first: TimeRange, second: TimeRange, gap: &Gap| {
            let between = (second.start().as_second() - first.end().as_second()).div_euclid(60);
            let (one, other) = (zone.date(first.start()), zone.date(second.start()));
            let days = match gap.days {
                Days::Any => true,
                Days::Same => one == other,
                Days::Other => one != other,
            };
            between >= gap.at_least_minutes && gap.at_most_minutes.is_none_or(|most| between <= most) && days
        };
        self.before.as_ref().is_none_or(|(before, gap)| fits(*before, range, gap))
            && self.after.as_ref().is_none_or(|(after, gap)| fits(range, *after, gap))
    }
}

impl Desk {
    /// Everybody who may sit.
    pub fn people(&self) -> Vec<Id<Person>> {
        std::iter::once(self.manager.id).chain(self.beside.iter().map(|sitter| sitter.person.id)).collect()
    }

    pub fn sitters(&self) -> impl Iterator<Item = (Id<Person>, &Rules, &Busy, &Zone)> {
        let lead = std::iter::once((self.manager.id, &self.rules, &self.busy, &self.zone));
        lead.chain(self.beside.iter().map(|sitter| (sitter.person.id, &sitter.rules, &sitter.busy, &sitter.zone)))
    }

    /// The first way to seat the panel with those who can, the least busy first where there is a choice.
    fn seat(&self, planning: &Planning, range: TimeRange, can: &[Id<Person>]) -> Option<Sitting> {
        let (lead, interviewers) = if self.panel.seats.is_empty() {
            if !can.contains(&self.manager.id) {
                return None;
            }
            (self.manager.id, Vec::new())
        } else {
            let load: BTreeMap<Id<Person>, i64> = self
                .people()
                .into_iter()
                .zip(&planning.agendas)
                .map(|(person, agenda)| (person, agenda.booked().iter().map(|booked| booked.minutes()).sum()))
                .collect();
            let mut panel = self.panel.clone();
            for seats in &mut panel.seats {
                seats.people.sort_by_key(|person| load.get(person).copied().unwrap_or_default());
            }
            let sitting = panel.fill(|person| can.contains(&person))?;
            let first = if sitting.contains(&self.manager.id) { self.manager.id } else { *sitting.first()? };
            let optional = self.panel.optional.iter().filter(|person| can.contains(person) && !sitting.contains(person));
            let beside = sitting.iter().chain(optional).copied().filter(|person| *person != first).collect();
            (first, beside)
        };
        let zone = self.sitters().find(|(person, ..)| *person == lead).map_or(&self.zone, |(.., zone)| zone).clone();
        Some(Sitting { range, lead, interviewers, zone })
    }

    /// Who can at a time, and the codes of what keeps the others.
    fn who_can(&self, planning: &Planning, range: TimeRange) -> (Vec<Id<Person>>, Vec<String>) {
        let mut can = Vec::new();
        let mut codes: Vec<String> = Vec::new();
        for ((person, rules, busy, _), agenda) in self.sitters().zip(&planning.agendas) {
            let query = Query { rules, busy, agenda, now: planning.now, request: &planning.request };
            match query.check(range) {
                Ok(()) => can.push(person),
                Err(reasons) => codes.extend(reasons.iter().map(|reason| reason.code().to_owned())),
            }
        }
        (can, codes)
    }

    /// These people at this time, if it can be booked with them; whoever is optional and can comes too.
    pub fn sit(&self, planning: &Planning, range: TimeRange, people: &[Id<Person>]) -> Option<Sitting> {
        let (mut can, _) = self.who_can(planning, range);
        if !planning.order.allows(range, &self.zone) || !people.iter().all(|person| can.contains(person)) {
            return None;
        }
        can.retain(|person| people.contains(person) || self.panel.optional.contains(person));
        self.seat(planning, range, &can)
    }

    /// The end of what anybody's rules look ahead.
    pub fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        self.sitters().map(|(_, rules, ..)| rules.latest(now)).max()
    }

    /// Whether a time can be booked, and who would sit; otherwise the codes of what is in the way.
    pub fn check(&self, planning: &Planning, range: TimeRange) -> std::result::Result<Sitting, Vec<String>> {
        if !planning.order.allows(range, &self.zone) {
            return Err(vec![ROUND_ORDER.to_owned()]);
        }
        let (can, mut codes) = self.who_can(planning, range);
        self.seat(planning, range, &can).ok_or_else(|| {
            let mut seen = std::collections::BTreeSet::new();
            codes.retain(|code| seen.insert(code.clone()));
            codes
        })
    }

    /// From now to the end of what anybody's rules look ahead.
    pub fn horizon(&self, planning: &Planning) -> Option<TimeRange> {
        TimeRange::new(planning.now, self.latest(planning.now)?).ok()
    }

    /// Times within `window` at which the panel can sit, in order, `most` at most.
    pub fn times(&self, planning: &Planning, window: TimeRange, most: usize) -> Vec<Sitting> {
        let allowed = |range: &TimeRange| planning.order.allows(*range, &self.zone);
        if let (true, Some(agenda)) = (self.beside.is_empty(), planning.agendas.first()) {
            let query = Query { rules: &self.rules, busy: &self.busy, agenda, now: planning.now, request: &planning.request };
            let alone = slots(&query, window).filter(allowed);
            return alone.filter_map(|range| self.seat(planning, range, &[self.manager.id])).take(most).collect();
        }
        let mut can: BTreeMap<Timestamp, Vec<Id<Person>>> = BTreeMap::new();
        for ((person, rules, busy, _), agenda) in self.sitters().zip(&planning.agendas) {
            let query = Query { rules, busy, agenda, now: planning.now, request: &planning.request };
            for start in query.start_cells(window).iter().filter_map(Cell::start) {
                can.entry(start).or_default().push(person);
            }
        }
        let length = planning.request.length.minutes();
        let can = can.into_iter().filter_map(|(start, can)| {
            let range = TimeRange::new(start, later(start, i64::from(length)).ok()?).ok()?;
            Some((range, can)).filter(|(range, _)| allowed(range))
        });
        can.filter_map(|(range, can)| self.seat(planning, range, &can)).take(most).collect()
    }

    /// Times for somebody who lives in `zone`, as the vacancy's policy has it: at civil hours there, or at any hour.
    pub fn times_for(&self, planning: &Planning, zone: Option<Zone>, window: TimeRange, most: usize) -> Vec<Sitting> {
        let policy = self.vacancy.policy.candidate_hours;
        let Some(zone) = zone.filter(|_| policy != CandidateHours::Ignore) else { return self.times(planning, window, most) };
        let civil = self.times(&planning.at_civil_hours(zone), window, most);
        if civil.is_empty() && policy == CandidateHours::Prefer { self.times(planning, window, most) } else { civil }
    }

    /// The earliest time for somebody who lives in `zone`, as the vacancy's policy has it; otherwise as [`Desk::earliest`].
    pub fn earliest_for(&self, planning: &Planning, zone: Option<Zone>) -> std::result::Result<Sitting, Vec<String>> {
        let policy = self.vacancy.policy.candidate_hours;
        let Some(zone) = zone.filter(|_| policy != CandidateHours::Ignore) else { return self.earliest(planning) };
        match self.earliest(&planning.at_civil_hours(zone)) {
            Err(_) if policy == CandidateHours::Prefer => self.earliest(planning),
            found => found,
        }
    }

    /// The earliest time at which the panel can sit; otherwise the codes of what stood in the way, the most frequent first.
    pub fn earliest(&self, planning: &Planning) -> std::result::Result<Sitting, Vec<String>> {
        if let Some(sitting) = self.horizon(planning).and_then(|window| self.times(planning, window, 1).pop()) {
            return Ok(sitting);
        }
        let mut obstacles: Vec<Obstacle> = Vec::new();
        let mut someone_could = true;
        for ((_, rules, busy, _), agenda) in self.sitters().zip(&planning.agendas) {
            let placed = scheduling::plan(rules, busy, agenda, planning.now, std::slice::from_ref(&planning.request));
            for placement in placed {
                let Placement::Nowhere { obstacles: found } = placement else { continue };
                someone_could = false;
                for obstacle in found {
                    match obstacles.iter_mut().find(|known| known.reason.code() == obstacle.reason.code()) {
                        Some(known) => known.times += obstacle.times,
                        None => obstacles.push(obstacle),
                    }
                }
            }
        }
        obstacles.sort_by_key(|obstacle| std::cmp::Reverse(obstacle.times));
        let mut codes: Vec<String> = obstacles.iter().map(|obstacle| obstacle.reason.code().to_owned()).collect();
        if someone_could {
            // Each has times of their own, and none in common that the other rounds leave.
            codes.push(if planning.order == Order::default() { NOT_TOGETHER } else { ROUND_ORDER }.to_owned());
        }
        Err(codes)
    }

    /// What is known of the calendars of those who must sit: unknown as soon as nobody could fill a seat from what is known.
    pub fn source(&self) -> (&'static str, Option<Timestamp>, Option<String>) {
        let mut oldest: Option<Timestamp> = None;
        let mut why = None;
        let mut readable = Vec::new();
        for (person, _, busy, _) in self.sitters() {
            match busy {
                Busy::Known { as_of, .. } => {
                    oldest = Some(oldest.map_or(*as_of, |known: Timestamp| known.min(*as_of)));
                    readable.push(person);
                }
                Busy::Assumed { policy, .. } => why = why.or_else(|| Some(policy.clone())),
                Busy::Unknown { why: reason } => why = why.or_else(|| Some(reason.clone())),
            }
        }
        let filled = if self.panel.seats.is_empty() {
            readable.contains(&self.manager.id)
        } else {
            self.panel.fill(|person| readable.contains(&person)).is_some()
        };
        if filled { ("known", oldest, None) } else { ("unknown", None, why) }
    }
}

/// Why a panel has no time although each of its people has: as a code.
const NOT_TOGETHER: &str = "not_together";

/// Everybody of an interview must sit in it again.
pub(crate) fn same_people(interview: &Interview) -> Panel {
    let people: Vec<_> = interview.panel().collect();
    if people.len() <= 1 {
        return Panel::default();
    }
    Panel { seats: vec![Seats { need: Need::All, people, skills: std::collections::BTreeSet::new() }], optional: Vec::new() }
}

impl App {
    /// What is booked of everybody at a desk, what the candidate's other interviews take, and the rounds around this one; `moving` is left
    /// out.
    pub(crate) async fn planning(&self, desk: &Desk, candidate: Id<Person>, moving: Option<Id<Interview>>) -> Result<Planning> {
        let now = self.now();
        let latest = desk.sitters().map(|(_, rules, ..)| rules.latest(now)).max().unwrap_or(now);
        // Weekly limits look at whole weeks, so the window begins a week back.
        let window = TimeRange::new(later(now, -8 * 24 * 60)?, later(latest, 8 * 24 * 60)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let mut agendas = Vec::new();
        for person in desk.people() {
            agendas.push(self.taken(person, window, moving).await?.into_iter().collect());
        }
        let busy: BusySet = self.taken(candidate, window, moving).await?.into_iter().collect();
        let minutes = u32::try_from(desk.round.minutes).map_err(|error| Error::Internal(error.to_string()))?;
        let length = SlotLength::from_minutes(minutes).map_err(|error| Error::Internal(error.to_string()))?;
        let request = Request { length, guest: Guest { busy, ..Guest::default() } };
        let order = self.rounds_around(desk, candidate, moving).await?;
        Ok(Planning { agendas, request, now, order })
    }

    async fn rounds_around(&self, desk: &Desk, candidate: Id<Person>, moving: Option<Id<Interview>>) -> Result<Order> {
        if desk.vacancy.rounds.len() < 2 {
            return Ok(Order::default());
        }
        let interviews = self.store().interviews_of(desk.vacancy.id).await?;
        let at = |position: i64| {
            let counts = |interview: &&Interview| {
                interview.round == position
                    && interview.state != InterviewState::Cancelled
                    && Some(interview.id) != moving
                    && interview.with_role(domain::interviews::Role::Candidate) == Some(candidate)
            };
            interviews.iter().find(counts).map(|interview| interview.range)
        };
        let position = desk.round.position;
        let next = desk.vacancy.round_at(position + 1);
        Ok(Order {
            before: at(position - 1).map(|range| (range, desk.round.gap)),
            after: next.and_then(|next| Some((at(position + 1)?, next.gap))),
        })
    }
}
