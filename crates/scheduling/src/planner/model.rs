//! A problem in the shape that the search reads: offsets into one window, a set of starts for each person and round.

use std::collections::BTreeSet;

use super::problem::{DayRule, Days, PersonTime, Problem};
use crate::{Cell, CellSet, Panel};

/// A whole number as the sums have it.
pub fn int(number: usize) -> i128 {
    i128::try_from(number).unwrap_or(i128::MAX)
}

/// A problem, read once. Cells are offsets into the span from here on.
pub struct Model<'p> {
    pub problem: &'p Problem,
    pub first: i64,
    pub len: usize,
    pub rounds: Vec<Step>,
    pub people: Vec<Member>,
    /// For each zone, the day of every cell; computed once, because it is asked all the time.
    day_of: Vec<Vec<u16>>,
    /// For each zone, the first offset of each day (of the first: 0), and its week.
    pub days: Vec<Vec<(usize, usize)>>,
    declined: BTreeSet<(usize, usize, usize)>,
}

/// A round in cells.
pub struct Step {
    pub length: usize,
    pub gap_min: usize,
    pub gap_max: usize,
    pub day: DayRule,
    pub panel: Panel,
    /// Whether somebody is in two of the groups.
    pub is_shared: bool,
}

/// A person in cells.
pub struct Member {
    pub free: CellSet,
    /// For each round they are a member of, where it may start; of the others nothing.
    pub starts: Vec<Option<CellSet>>,
    /// For each round they are a member of, where it lies wholly in preferred hours; `None` if all are alike.
    pub preferred: Option<Vec<CellSet>>,
    pub gap: usize,
    pub zone: usize,
    pub carried: i128,
    pub daily_limit: usize,
    pub weekly_limit: usize,
}

impl<'p> Model<'p> {
    /// Of a problem that passed its check.
    pub fn new(problem: &'p Problem) -> Self {
        let window = CellSet::within(problem.span);
        let (first, len) = (window.first().number(), window.len());
        let rounds: Vec<Step> = problem.rounds.iter().filter_map(|round| Step::new(round, problem.people.len())).collect();
        let days = problem.days.iter().map(|days| offsets(days, first, len)).collect::<Vec<_>>();
        let day_of = days.iter().map(|days| day_of_cells(days, len)).collect();
        let mut is_member = vec![vec![false; rounds.len()]; problem.people.len()];
        for (number, round) in problem.rounds.iter().enumerate() {
            round.groups.iter().flat_map(|group| &group.members).for_each(|person| is_member[*person][number] = true);
        }
        let member = |(person, is_member): (&PersonTime, Vec<bool>)| Member::new(problem, person, &rounds, &is_member);
        let people = problem.people.iter().zip(is_member).map(member).collect();
        let declined = problem.declined.iter().map(|no| (no.guest, no.round, no.person)).collect();
        Self { problem, first, len, rounds, people, day_of, days, declined }
    }

    /// How many meetings there would be if all were placed; meeting `guest * rounds + round` is that of a guest's round.
    pub fn meetings(&self) -> usize {
        self.problem.guests.len() * self.rounds.len()
    }

    /// The cell at an offset.
    pub fn cell(&self, at: usize) -> Cell {
        Cell::from_number(self.first.saturating_add(i64::try_from(at).unwrap_or(i64::MAX)))
    }

    /// The offset of a cell of the span; cells before it are the first.
    pub fn offset(&self, cell: Cell) -> usize {
        usize::try_from(cell.number() - self.first).unwrap_or(0)
    }

    /// The day of an offset in a zone.
    pub fn day(&self, zone: usize, at: usize) -> usize {
        self.day_of[zone].get(at).map_or(0, |day| usize::from(*day))
    }

    /// The offsets of a day in a zone.
    pub fn day_cells(&self, zone: usize, day: usize) -> (usize, usize) {
        let days = &self.days[zone];
        (days[day].0, days.get(day + 1).map_or(self.len, |(start, _)| *start))
    }

    /// The offsets of all days of a week in a zone.
    pub fn week_cells(&self, zone: usize, week: usize) -> (usize, usize) {
        let days = &self.days[zone];
        let (from, to) = (days.partition_point(|day| day.1 < week), days.partition_point(|day| day.1 <= week));
        (days.get(from).map_or(self.len, |day| day.0), days.get(to).map_or(self.len, |day| day.0))
    }

    /// The week of an offset in a zone.
    pub fn week(&self, zone: usize, at: usize) -> usize {
        self.days[zone][self.day(zone, at)].1
    }

    /// Where a round may start for a guest, whatever else they have.
    pub fn guest_starts(&self, guest: usize, round: usize) -> CellSet {
        self.in_span(&self.problem.guests[guest].free).starts(self.rounds[round].length)
    }

    /// Whether a person said no to a guest's round.
    pub fn has_declined(&self, guest: usize, round: usize, person: usize) -> bool {
        !self.declined.is_empty() && self.declined.contains(&(guest, round, person))
    }

    /// Whether a round at `start` may follow one of `length` cells at `before`, by gaps and the guest's dates.
    pub fn may_follow(&self, guest: usize, round: usize, before: usize, start: usize) -> bool {
        let (step, end) = (&self.rounds[round], before + self.rounds[round - 1].length);
        let zone = self.problem.guests[guest].days;
        let by_day = || match step.day {
            DayRule::Any => true,
            DayRule::Same => self.day(zone, before) == self.day(zone, start),
            DayRule::Another => self.day(zone, before) != self.day(zone, start),
        };
        start >= end.saturating_add(step.gap_min) && start <= end.saturating_add(step.gap_max) && by_day()
    }

    /// No cell of the span.
    pub fn empty(&self) -> CellSet {
        CellSet::empty(self.cell(0), self.len)
    }

    fn in_span(&self, set: &CellSet) -> CellSet {
        let mut inside = self.empty();
        inside.unite(set);
        inside
    }
}

impl Step {
    fn new(round: &super::problem::Round, people: usize) -> Option<Self> {
        let cells = |minutes: u32| usize::try_from(minutes).unwrap_or(usize::MAX);
        let panel = Panel::new(round.groups.clone(), people).ok()?;
        let mut members: Vec<usize> = round.groups.iter().flat_map(|group| &group.members).copied().collect();
        members.sort_unstable();
        Some(Self {
            length: cells(round.minutes / 5),
            gap_min: cells(round.gap_min_minutes.div_ceil(5)),
            gap_max: round.gap_max_minutes.map_or(usize::MAX, |minutes| cells(minutes / 5)),
            day: round.day,
            is_shared: members.windows(2).any(|pair| pair[0] == pair[1]),
            panel,
        })
    }
}

impl Member {
    fn new(problem: &Problem, person: &PersonTime, rounds: &[Step], is_member: &[bool]) -> Self {
        let free = person.free.over(problem.span);
        let starts = |round: usize| {
            if person.daily_limit == Some(0) || person.weekly_limit == Some(0) {
                return CellSet::empty(free.first(), free.len());
            }
            let mut starts = free.starts(rounds[round].length);
            if let Some(given) = &person.starts {
                starts.intersect(&given[round]);
            }
            starts
        };
        let preferred = person.preferred.as_ref().map(|hours| hours.over(problem.span));
        let limit = |limit: Option<u32>| limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Self {
            starts: (0..rounds.len()).map(|round| is_member[round].then(|| starts(round))).collect(),
            preferred: preferred.map(|hours| rounds.iter().map(|step| hours.starts(step.length)).collect()),
            gap: usize::try_from(person.gap_minutes.div_ceil(5)).unwrap_or(usize::MAX).min(free.len()),
            zone: person.days,
            carried: i128::from(person.carried_minutes / 5),
            daily_limit: limit(person.daily_limit),
            weekly_limit: limit(person.weekly_limit),
            free,
        }
    }
}

/// Days as offsets: those before the span are its first, those behind it are left out. Weeks are counted from 0.
fn offsets(days: &Days, first: i64, len: usize) -> Vec<(usize, usize)> {
    let mut offsets: Vec<(usize, u32)> = Vec::new();
    for (cell, week) in days.list() {
        let start = usize::try_from(cell.number() - first).unwrap_or(0);
        if start >= len && !offsets.is_empty() {
            break;
        }
        match offsets.last_mut() {
            Some(last) if start == 0 => *last = (0, *week),
            None => offsets.push((0, *week)),
            Some(_) => offsets.push((start, *week)),
        }
    }
    let weeks: BTreeSet<u32> = offsets.iter().map(|day| day.1).collect();
    offsets.iter().map(|(start, week)| (*start, weeks.range(..week).count())).collect()
}

fn day_of_cells(days: &[(usize, usize)], len: usize) -> Vec<u16> {
    let mut day_of = vec![0; len];
    for (day, (start, _)) in days.iter().enumerate() {
        let end = days.get(day + 1).map_or(len, |next| next.0);
        if let Some(cells) = day_of.get_mut(*start..end) {
            cells.fill(u16::try_from(day).unwrap_or(u16::MAX));
        }
    }
    day_of
}
