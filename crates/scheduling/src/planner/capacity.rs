//! When people can have given so many loops their time.
//!
//! For the seats of one group in one round, people are filled up with meetings of that round and nothing else, each as soon as it
//! can be. Nobody can have sat in more by any time: of meetings of one length, the one that ends first leaves most room (with
//! limits for dates and weeks too: whoever put fewer on a date would have put more on those before, where the first to end is
//! ahead). `k` meetings need `k` times the seats; after that, the rounds that follow take their time. As long as only `k` guests
//! can have had the round before, no more than `k` are in this one, whatever time people have: so the same is counted again from
//! each such moment on, with `k` ahead.
//!
//! Rounds that share people are filled up together: once as if each meeting were as short as the shortest, which counts seats, and
//! once with as many cells as fit in whole meetings.

use std::collections::{BTreeMap, BTreeSet};

use super::{model::Model, problem::DayRule, state::State};
use crate::CellSet;

/// How many steps (cells of people for each round) shared rounds are worked out with at most, all in all.
const MOST_STEPS: usize = 10_000_000;

/// From how many moments on seats are counted again, times how many people have them.
const MOST_RESTARTS: usize = 20_000;

/// For k = 1, 2, … up to `guests`: when k guests are through at the earliest; shorter if fewer can be.
pub fn earliest_ends(state: &State<'_>, guests: usize) -> Vec<usize> {
    let model = state.model;
    let useful = useful_starts(state);
    let tails = Tails::of(state, &useful);
    // With pinned meetings nothing is known of who has had which round.
    let is_in_order = model.problem.pinned.is_empty();
    let components = components(model);
    let mut ends = vec![0; guests];
    // When k guests have had the round before.
    let mut arrivals: Vec<usize> = Vec::new();
    let mut steps = MOST_STEPS;
    for round in 0..model.rounds.len() {
        let mut done = vec![0; guests];
        for group in 0..model.rounds[round].panel.groups().len() {
            let seats = Seats::of(state, &[(round, group)], &useful);
            raise(&mut done, 0, &seats.ends_from(0));
            if is_in_order {
                let every = (arrivals.len() * seats.people.len()).div_ceil(MOST_RESTARTS).max(1);
                for (ahead, arrival) in arrivals.iter().enumerate().step_by(every) {
                    raise(&mut done, ahead, &seats.ends_from(tails.soonest(round, *arrival)));
                }
            }
        }
        // Who has had this round has had those before.
        if is_in_order || round + 1 == model.rounds.len() {
            for component in &components {
                let so_far: Vec<RoundGroup> = component.iter().copied().filter(|group| group.0 <= round).collect();
                if so_far.len() > 1 && so_far.iter().any(|group| group.0 == round || !is_in_order) {
                    raise(&mut done, 0, &Seats::of(state, &so_far, &useful).ends_from(0));
                    let count = done.len();
                    raise(&mut done, 0, &shared_ends(state, &so_far, &useful, count, &mut steps));
                }
            }
        }
        // Later guests are no sooner done than the ones before.
        for at in 1..done.len() {
            done[at] = done[at].max(done[at - 1]);
        }
        ends.truncate(done.len());
        for (end, done) in ends.iter_mut().zip(&done) {
            *end = (*end).max(tails.after(round, *done));
        }
        arrivals = done;
    }
    ends
}

/// Makes ends no sooner than others, but for the first few; where those end there are no more.
fn raise(ends: &mut Vec<usize>, ahead: usize, others: &[usize]) {
    ends.truncate(ahead + others.len());
    for (end, other) in ends.iter_mut().skip(ahead).zip(others) {
        *end = (*end).max(*other);
    }
}

/// A group of a round.
type RoundGroup = (usize, usize);

/// Sets of (round, group) that share people, directly or through others.
pub fn components(model: &Model<'_>) -> Vec<Vec<RoundGroup>> {
    let mut sets: Vec<(Vec<usize>, Vec<RoundGroup>)> = Vec::new();
    for (round, step) in model.rounds.iter().enumerate() {
        for (number, group) in step.panel.groups().iter().enumerate() {
            let mut joined = (group.members.clone(), vec![(round, number)]);
            joined.0.sort_unstable();
            let (sharing, others): (Vec<_>, Vec<_>) =
                sets.into_iter().partition(|(members, _)| members.iter().any(|member| joined.0.binary_search(member).is_ok()));
            for (members, groups) in sharing {
                joined.0.extend(members);
                joined.1.extend(groups);
            }
            joined.0.sort_unstable();
            joined.0.dedup();
            sets = others;
            sets.push(joined);
        }
    }
    sets.into_iter().map(|set| set.1).collect()
}

/// For each round, the starts at which it could be staffed and some guest could come, after the rounds before.
fn useful_starts(state: &State<'_>) -> Vec<CellSet> {
    let model = state.model;
    let mut anybody = model.empty();
    model.problem.guests.iter().for_each(|guest| anybody.unite(&guest.free));
    let mut from = 0;
    let rounds = model.rounds.iter().enumerate().map(|(round, step)| {
        let mut starts = anybody.starts(step.length);
        starts.intersect(state.staffed(round));
        // Pinned meetings may be in any order.
        if model.problem.pinned.is_empty() {
            from = if round == 0 { 0 } else { from + model.rounds[round - 1].length + step.gap_min };
            from = starts.next(model.cell(from.min(model.len))).map_or(model.len, |cell| model.offset(cell));
            starts.remove_numbers(model.first, model.cell(from).number());
        }
        starts
    });
    rounds.collect()
}

/// The seats of some groups, to be taken by people who do nothing else.
struct Seats<'a> {
    state: &'a State<'a>,
    /// Each member, with the starts of any of the rounds.
    people: Vec<(usize, CellSet)>,
    /// Of the shortest round.
    length: usize,
    /// How many seats one loop needs.
    need: usize,
    /// When pinned meetings of these rounds end, once for each seat.
    pinned: Vec<usize>,
}

impl<'a> Seats<'a> {
    fn of(state: &'a State<'a>, groups: &[RoundGroup], useful: &[CellSet]) -> Self {
        let model = state.model;
        let mut people: BTreeMap<usize, CellSet> = BTreeMap::new();
        let mut pinned = Vec::new();
        for (round, group) in groups {
            let group = &model.rounds[*round].panel.groups()[*group];
            for person in &group.members {
                let Some(mut starts) = state.open_starts(*person, *round).cloned() else { continue };
                starts.intersect(&useful[*round]);
                people.entry(*person).or_insert_with(|| model.empty()).unite(&starts);
            }
            for meeting in model.problem.pinned.iter().filter(|meeting| meeting.round == *round) {
                let end = model.offset(meeting.start) + model.rounds[*round].length;
                pinned.extend(std::iter::repeat_n(end, group.need));
            }
        }
        let length = groups.iter().map(|(round, _)| model.rounds[*round].length).min().unwrap_or(1);
        let need = groups.iter().map(|(round, group)| model.rounds[*round].panel.groups()[*group].need).sum();
        Self { state, people: people.into_iter().collect(), length, need, pinned }
    }

    /// When the seats of 1, 2, … loops can have been taken, by meetings from an offset on.
    fn ends_from(&self, from: usize) -> Vec<usize> {
        let mut ends = self.pinned.clone();
        self.people.iter().for_each(|(person, starts)| self.fill(*person, starts, from, &mut ends));
        ends.sort_unstable();
        ends.chunks_exact(self.need.max(1)).filter_map(|seats| seats.last().copied()).collect()
    }

    /// Gives a person one meeting after the other.
    fn fill(&self, person: usize, starts: &CellSet, from: usize, ends: &mut Vec<usize>) {
        let (model, member) = (self.state.model, &self.state.model.people[person]);
        let (mut on_day, mut in_week) = ((usize::MAX, 0), (usize::MAX, 0));
        let mut next = starts.next(model.cell(from));
        while let Some(start) = next.map(|cell| model.offset(cell)) {
            let (day, week) = (model.day(member.zone, start), model.week(member.zone, start));
            on_day = if on_day.0 == day { on_day } else { (day, self.state.count_on_day(person, day)) };
            in_week = if in_week.0 == week { in_week } else { (week, self.state.count_in_week(person, week)) };
            let from = if in_week.1 >= member.weekly_limit {
                model.week_cells(member.zone, week).1
            } else if on_day.1 >= member.daily_limit {
                model.day_cells(member.zone, day).1
            } else {
                ends.push(start + self.length);
                (on_day.1, in_week.1) = (on_day.1 + 1, in_week.1 + 1);
                start + self.length + member.gap
            };
            next = starts.next(model.cell(from));
        }
    }
}

/// When k loops' cells of some rounds can have been given, for k = 1, 2, … up to `guests`. Limits for dates and weeks are not
/// looked at.
fn shared_ends(state: &State<'_>, component: &[RoundGroup], useful: &[CellSet], guests: usize, steps: &mut usize) -> Vec<usize> {
    let model = state.model;
    let groups = || component.iter().map(|(round, group)| (*round, &model.rounds[*round].panel.groups()[*group]));
    let mut members: Vec<usize> = groups().flat_map(|(_, group)| &group.members).copied().collect();
    members.sort_unstable();
    members.dedup();
    let needed = members.len() * model.len * component.len();
    if needed > *steps {
        return vec![0; guests];
    }
    *steps -= needed;
    let cells_of =
        |round: usize| groups().filter(|group| group.0 == round).map(|(_, group)| model.rounds[round].length * group.need).sum();
    // What is given from each offset on that was not given before.
    let mut given = vec![0_usize; model.len + 1];
    for meeting in &model.problem.pinned {
        let cells: usize = cells_of(meeting.round);
        given[model.offset(meeting.start) + model.rounds[meeting.round].length] += cells;
    }
    for person in members {
        let mut rounds: Vec<usize> =
            groups().filter(|(_, group)| group.members.contains(&person)).map(|(round, _)| round).collect();
        rounds.dedup();
        let open: Vec<(usize, CellSet)> = rounds
            .into_iter()
            .filter_map(|round| {
                let mut starts = state.open_starts(person, round)?.clone();
                starts.intersect(&useful[round]);
                Some((model.rounds[round].length, starts))
            })
            .collect();
        let gap = model.people[person].gap;
        let mut most = vec![0_usize; model.len + 1];
        for end in 1..=model.len {
            most[end] = most[end - 1];
            for (length, starts) in &open {
                if let Some(start) = end.checked_sub(*length).filter(|start| starts.contains(model.cell(*start))) {
                    most[end] = most[end].max(most[start.saturating_sub(gap)] + length);
                }
            }
            given[end] += most[end] - most[end - 1];
        }
    }
    let of_loop: usize = groups().map(|(round, group)| model.rounds[round].length * group.need).sum();
    let (mut ends, mut total) = (Vec::new(), 0);
    for (end, given) in given.into_iter().enumerate() {
        total += given;
        while ends.len() < guests && (ends.len() + 1) * of_loop <= total {
            ends.push(end);
        }
    }
    ends
}

/// How soon a guest can be through after a round, whoever they are.
struct Tails<'a> {
    model: &'a Model<'a>,
    useful: &'a [CellSet],
    /// The zones that guests live in.
    zones: BTreeSet<usize>,
}

impl<'a> Tails<'a> {
    fn of(state: &State<'a>, useful: &'a [CellSet]) -> Self {
        let model = state.model;
        Self { model, useful, zones: model.problem.guests.iter().map(|guest| guest.days).collect() }
    }

    /// The earliest end of the loop if a round ends at an offset. The span's end if there is none.
    fn after(&self, round: usize, end: usize) -> usize {
        let model = self.model;
        if !model.problem.pinned.is_empty() {
            return end;
        }
        (round + 1..model.rounds.len()).fold(end, |end, later| {
            let next = self.useful[later].next(model.cell(self.soonest(later, end)));
            next.map_or(model.len, |cell| model.offset(cell) + model.rounds[later].length)
        })
    }

    /// The earliest start of a round by order, gap and date if the one before ends at an offset or later.
    fn soonest(&self, round: usize, end: usize) -> usize {
        let (model, step) = (self.model, &self.model.rounds[round]);
        let soonest = (end + step.gap_min).min(model.len);
        if step.day != DayRule::Another {
            return soonest;
        }
        let started = end.saturating_sub(model.rounds[round - 1].length);
        // Of the date that is over first.
        let over = self.zones.iter().map(|zone| model.day_cells(*zone, model.day(*zone, started)).1).min();
        soonest.max(over.unwrap_or(0))
    }
}
