//! People, calendars and rounds as the planner reads them: everything as numbers and bits.

use domain::{
    Id, TimeRange, Timestamp, Zone,
    interviews::Interview,
    people::Person,
    rounds::{self, Need},
    vacancies::CandidateHours,
};
use scheduling::{
    Cell, CellSet, DaySpan, Group, Guest as NoGuest, Query, Request, Rules, SlotLength, WeeklyHours,
    planner::{DayRule, Days, GuestTime, Meeting, PersonTime, Problem, Round, Weights},
};

use crate::{App, Error, Result, arrange::Desk, draft::later};

/// Days back for which interviews count as load.
const LEDGER_DAYS: i64 = 28;
/// Free time beside an interview that is shorter than this is of little use, in minutes.
const USEFUL_MINUTES: u32 = 30;

/// Somebody who needs every round.
#[derive(Debug, Clone)]
pub(crate) struct Guest {
    /// Who, where it is somebody on a list.
    pub person: Option<Id<Person>>,
    /// Where they live, as far as it is known.
    pub zone: Option<Zone>,
    /// What the hours there count.
    pub hours: CandidateHours,
}

/// A problem, and who its numbers are.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub problem: Problem,
    pub people: Vec<Id<Person>>,
}

/// An interview that has a time: the guest's place, the round's place, and the interview.
pub(crate) type Pinned<'a> = (usize, usize, &'a Interview);

impl App {
    /// The sheet of some rounds, one desk each, in order.
    pub(crate) async fn sheet(&self, desks: &[&Desk], guests: &[Guest], pinned: &[Pinned<'_>], span: TimeRange) -> Result<Sheet> {
        let mut people: Vec<Id<Person>> = Vec::new();
        for desk in desks {
            people.extend(desk.people().into_iter().filter(|person| !people.contains(person)).collect::<Vec<_>>());
        }
        // Whether two rounds lie on one day is asked in the zone of whoever leads: the first.
        let mut zones = vec![desks.first().map_or_else(Zone::utc, |desk| desk.zone.clone())];
        let mut times = Vec::new();
        for person in &people {
            let (mut time, zone) = self.person_time(*person, desks, span).await?;
            if !zones.contains(&zone) {
                zones.push(zone.clone());
            }
            // What is pinned is in the plan, and counted there.
            let own = pinned.iter().filter(|(.., interview)| interview.panel().any(|sits| sits == *person));
            let own: i64 = own.map(|(.., interview)| interview.range.minutes()).sum();
            time.carried_minutes = time.carried_minutes.saturating_sub(u32::try_from(own).unwrap_or(u32::MAX));
            time.days = zones.iter().position(|known| *known == zone).unwrap_or_default();
            times.push(time);
        }
        let mut free = Vec::new();
        for guest in guests {
            free.push(self.guest_time(guest, span).await?);
        }
        let place = |person: &Id<Person>| people.iter().position(|known| known == person);
        let rounds = desks.iter().map(|desk| round(desk, place)).collect::<Result<Vec<_>>>()?;
        let pinned = pinned.iter().map(|(guest, round, interview)| Meeting {
            guest: *guest,
            round: *round,
            start: Cell::at(interview.range.start()),
            people: interview.panel().filter_map(|person| place(&person)).collect(),
        });
        let problem = Problem {
            span,
            days: zones.iter().map(|zone| Days::in_zone(zone, span)).collect(),
            guests: free,
            people: times,
            rounds,
            pinned: pinned.collect(),
            declined: Vec::new(),
            weights: Weights::default(),
            useful_minutes: USEFUL_MINUTES,
        };
        Ok(Sheet { problem, people })
    }

    /// When somebody can sit, and the zone of their dates.
    async fn person_time(&self, person: Id<Person>, desks: &[&Desk], span: TimeRange) -> Result<(PersonTime, Zone)> {
        // Weekly limits look at whole weeks.
        let around = TimeRange::new(later(span.start(), -LEDGER_DAYS * 24 * 60)?, later(span.end(), 8 * 24 * 60)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
        let taken = self.taken(person, around, None).await?;
        let carried: i64 = taken.iter().filter(|range| range.start() < span.end()).map(|range| range.minutes()).sum();
        let agenda = taken.into_iter().collect();
        let now = self.now();
        let (mut free, mut starts) = (CellSet::within(span), Vec::new());
        let mut own: Option<(&Rules, &Zone)> = None;
        for desk in desks {
            let mut open = CellSet::within(span);
            if let Some((_, rules, busy, zone)) = desk.sitters().find(|(sits, ..)| *sits == person) {
                own = own.or(Some((rules, zone)));
                let length = slot(desk.round.minutes)?;
                let request = Request { length, guest: NoGuest::default() };
                open = Query { rules, busy, agenda: &agenda, now, request: &request }.start_cells(span);
                for start in open.iter().filter_map(Cell::start) {
                    free.insert_whole(
                        TimeRange::new(start, later(start, desk.round.minutes)?)
                            .map_err(|error| Error::Internal(error.to_string()))?,
                    );
                }
            }
            starts.push(open);
        }
        let (rules, zone) = own.ok_or_else(|| Error::Internal(format!("{person} sits at no desk")))?;
        let time = PersonTime {
            preferred: preferred(rules, span),
            gap_minutes: rules.buffer_before_minutes.max(rules.buffer_after_minutes),
            days: 0,
            daily_limit: rules.daily_limit,
            weekly_limit: rules.weekly_limit,
            carried_minutes: u32::try_from(carried).unwrap_or(u32::MAX),
            starts: Some(starts),
            free,
        };
        Ok((time, zone.clone()))
    }

    async fn guest_time(&self, guest: &Guest, span: TimeRange) -> Result<GuestTime> {
        let none = CellSet::within(span);
        let mut free = CellSet::full(none.first(), none.len());
        if let Some(person) = guest.person {
            for range in self.taken(person, span, None).await? {
                free.remove_touched(range);
            }
        }
        let civil = guest
            .zone
            .as_ref()
            .filter(|_| guest.hours != CandidateHours::Ignore)
            .map(|zone| civil_cells(zone, span))
            .transpose()?;
        let preferred = match civil {
            Some(civil) if guest.hours == CandidateHours::Require => {
                free.intersect(&civil);
                None
            }
            other => other,
        };
        Ok(GuestTime { free, preferred, days: 0 })
    }
}

fn slot(minutes: i64) -> Result<SlotLength> {
    let minutes = u32::try_from(minutes).map_err(|error| Error::Internal(error.to_string()))?;
    SlotLength::from_minutes(minutes).map_err(|error| Error::Internal(error.to_string()))
}

fn round(desk: &Desk, place: impl Fn(&Id<Person>) -> Option<usize>) -> Result<Round> {
    let group = |need: Need, people: &[Id<Person>]| {
        let members: Vec<usize> = people.iter().filter_map(&place).collect();
        Group { need: need.of(members.len()), members }
    };
    let groups = if desk.panel.seats.is_empty() {
        vec![group(Need::All, &[desk.manager.id])]
    } else {
        desk.panel.seats.iter().map(|seats| group(seats.need, &seats.people)).collect()
    };
    let minutes = |minutes: i64| u32::try_from(minutes).map_err(|error| Error::Internal(error.to_string()));
    let gap = &desk.round.gap;
    Ok(Round {
        minutes: minutes(desk.round.minutes)?,
        groups,
        gap_min_minutes: minutes(gap.at_least_minutes)?,
        gap_max_minutes: gap.at_most_minutes.map(minutes).transpose()?,
        day: match gap.days {
            rounds::Days::Any => DayRule::Any,
            rounds::Days::Same => DayRule::Same,
            rounds::Days::Other => DayRule::Another,
        },
    })
}

/// The cells that somebody likes better than others; `None` where all are alike.
fn preferred(rules: &Rules, span: TimeRange) -> Option<CellSet> {
    if rules.preferred.is_empty() {
        return None;
    }
    let mut cells = CellSet::within(span);
    for preference in &rules.preferred {
        insert_hours(&mut cells, &preference.hours, &rules.zone, span);
    }
    Some(cells)
}

fn civil_cells(zone: &Zone, span: TimeRange) -> Result<CellSet> {
    let hours =
        WeeklyHours::new(std::array::from_fn(|_| vec![DaySpan::CIVIL])).map_err(|error| Error::Internal(error.to_string()))?;
    let mut cells = CellSet::within(span);
    insert_hours(&mut cells, &hours, zone, span);
    Ok(cells)
}

fn insert_hours(cells: &mut CellSet, hours: &WeeklyHours, zone: &Zone, span: TimeRange) {
    let end: Timestamp = span.end();
    let dates = std::iter::successors(Some(zone.date(span.start())), |date| date.tomorrow().ok());
    for date in dates.take_while(|date| *date <= zone.date(end)) {
        for range in hours.on(date, zone) {
            cells.insert_whole(range);
        }
    }
}
