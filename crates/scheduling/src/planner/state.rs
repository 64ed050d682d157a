//! A plan that is being made: who is where, what that costs, and where each round could still start, kept up to date as bits.

use super::{
    cost::cost,
    model::{Model, int},
    plan::weighed,
    problem::Meeting,
    repair::Stay,
};
use crate::CellSet;

/// How long a meeting can be: a day, in cells.
const LONGEST: usize = 288;

/// A meeting in offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Its first offset.
    pub start: usize,
    /// Who sits, group by group.
    pub people: Vec<usize>,
}

/// What a person has in a plan.
struct Diary {
    /// Start and end of each meeting, in order.
    meetings: Vec<(usize, usize)>,
    load: i128,
    per_day: Vec<usize>,
    per_week: Vec<usize>,
    /// Free, and in no meeting.
    loose: CellSet,
    /// For each round they are a member of, where it may start beside the meetings there are.
    open: Vec<Option<CellSet>>,
}

/// A plan that is being made.
pub struct State<'m> {
    /// What it is made for.
    pub model: &'m Model<'m>,
    /// The meeting of each guest's round, see [`Model::meetings`].
    pub placed: Vec<Option<Placed>>,
    /// Which of them are pinned.
    pub is_pinned: Vec<bool>,
    /// What the plan costs.
    pub score: i128,
    /// What to stay near, in a repair.
    pub stay: Option<Stay>,
    diaries: Vec<Diary>,
    /// For each round, where each group for itself has enough members.
    staffed: Vec<CellSet>,
    /// For each guest, how many meetings they have.
    counts: Vec<usize>,
}

impl<'m> State<'m> {
    /// Nothing but what is pinned.
    pub fn new(model: &'m Model<'m>, stay: Option<Stay>) -> Self {
        let diaries = model.people.iter().map(|member| Diary {
            meetings: Vec::new(),
            load: member.carried,
            per_day: vec![0; model.days[member.zone].len()],
            per_week: vec![0; model.days[member.zone].last().map_or(0, |day| day.1 + 1)],
            loose: member.free.clone(),
            open: member.starts.clone(),
        });
        let mut state = Self {
            model,
            placed: vec![None; model.meetings()],
            is_pinned: vec![false; model.meetings()],
            score: 0,
            stay,
            diaries: diaries.collect(),
            staffed: vec![model.empty(); model.rounds.len()],
            counts: vec![0; model.problem.guests.len()],
        };
        for meeting in &model.problem.pinned {
            let slot = meeting.guest * model.rounds.len() + meeting.round;
            state.is_pinned[slot] = true;
            let (start, people) = (model.offset(meeting.start), meeting.people.clone());
            state.place(slot, Placed { start, people });
        }
        for round in 0..model.rounds.len() {
            state.restaff(round, 0, model.len.div_ceil(64));
        }
        let missing = |slot: &usize| state.placed[*slot].is_none();
        state.score = cost(model.problem, &model.problem.pinned).placed()
            + (0..model.meetings()).filter(missing).map(|slot| state.missing_cost(slot)).sum::<i128>();
        state
    }

    /// The guest and the round of a meeting.
    pub fn guest_round(&self, slot: usize) -> (usize, usize) {
        (slot / self.model.rounds.len(), slot % self.model.rounds.len())
    }

    /// Where each group of a round has enough members, each for itself.
    pub fn staffed(&self, round: usize) -> &CellSet {
        &self.staffed[round]
    }

    /// Whether a round may start for a person at an offset, beside the meetings there are.
    pub fn is_open(&self, person: usize, round: usize, start: usize) -> bool {
        let open = self.diaries[person].open[round].as_ref();
        open.is_some_and(|open| open.words().get(start / 64).is_some_and(|word| word >> (start % 64) & 1 == 1))
    }

    /// Where a round may start for a person, beside the meetings there are; `None` if they are in none of its groups.
    pub fn open_starts(&self, person: usize, round: usize) -> Option<&CellSet> {
        self.diaries[person].open[round].as_ref()
    }

    /// How many meetings a person has on a day.
    pub fn count_on_day(&self, person: usize, day: usize) -> usize {
        self.diaries[person].per_day[day]
    }

    /// How many meetings a person has in a week.
    pub fn count_in_week(&self, person: usize, week: usize) -> usize {
        self.diaries[person].per_week[week]
    }

    /// What a person carries, in cells.
    pub fn load(&self, person: usize) -> i128 {
        self.diaries[person].load
    }

    /// How many meetings a guest has.
    pub fn count(&self, guest: usize) -> usize {
        self.counts[guest]
    }

    /// When a guest is through; `None` if a round has no meeting.
    pub fn finish(&self, guest: usize) -> Option<usize> {
        let rounds = self.model.rounds.len();
        let of_guest = &self.placed[guest * rounds..(guest + 1) * rounds];
        (self.counts[guest] == rounds).then(|| {
            of_guest.iter().zip(&self.model.rounds).filter_map(|(placed, step)| Some(placed.as_ref()?.start + step.length)).max()
        })?
    }

    /// What it costs that a person sits, on top of the plan as it is.
    pub fn seat_cost(&self, person: usize, round: usize, start: usize) -> i128 {
        let (weights, member, diary) = (&self.model.problem.weights, &self.model.people[person], &self.diaries[person]);
        let length = self.model.rounds[round].length;
        let squares = (2 * diary.load + int(length)) * int(length);
        let outside = member.preferred.as_ref().is_some_and(|preferred| !preferred[round].contains(self.model.cell(start)));
        weighed(weights.fairness, squares)
            + weighed(weights.preference, i128::from(outside))
            + weighed(weights.fragments, self.fragments_added(person, start, start + length))
    }

    /// Adds a meeting; the people's time is not looked at.
    pub fn place(&mut self, slot: usize, placed: Placed) {
        let (guest, round) = self.guest_round(slot);
        let Placed { start, people } = &placed;
        for person in people {
            self.score += self.seat_cost(*person, round, *start);
            self.attend(*person, round, *start, true);
        }
        self.score += self.own_cost(slot, *start) + self.stay_cost(slot, *start, people) - self.missing_cost(slot);
        self.placed[slot] = Some(placed);
        self.counts[guest] += 1;
        self.score += self.finish_cost(guest);
    }

    /// Takes a meeting out.
    pub fn remove(&mut self, slot: usize) -> Option<Placed> {
        let (guest, round) = self.guest_round(slot);
        self.placed[slot].as_ref()?;
        self.score -= self.finish_cost(guest);
        self.counts[guest] -= 1;
        let placed = self.placed[slot].take()?;
        let Placed { start, people } = &placed;
        self.score -= self.own_cost(slot, *start) + self.stay_cost(slot, *start, people) - self.missing_cost(slot);
        for person in placed.people.iter().rev() {
            self.attend(*person, round, placed.start, false);
            self.score -= self.seat_cost(*person, round, placed.start);
        }
        Some(placed)
    }

    /// The meetings, by guest and round.
    pub fn meetings(&self) -> Vec<Meeting> {
        let placed = self.placed.iter().enumerate().filter_map(|(slot, placed)| Some((slot, placed.as_ref()?)));
        let meeting = |(slot, placed): (usize, &Placed)| {
            let (guest, round) = self.guest_round(slot);
            Meeting { guest, round, start: self.model.cell(placed.start), people: placed.people.clone() }
        };
        placed.map(meeting).collect()
    }

    fn finish_cost(&self, guest: usize) -> i128 {
        weighed(self.model.problem.weights.finish, int(self.finish(guest).unwrap_or(0)))
    }

    /// What it costs that a round has no meeting.
    pub fn missing_cost(&self, slot: usize) -> i128 {
        let lost = self.stay.as_ref().filter(|stay| stay.old[slot].is_some()).map(|stay| stay.lost);
        lost.unwrap_or_else(|| self.model.problem.weights.of_unplaced(1))
    }

    /// What it costs that a meeting is not as it was in the plan to stay near.
    pub fn stay_cost(&self, slot: usize, start: usize, people: &[usize]) -> i128 {
        let stays = self.stay.as_ref().and_then(|stay| Some((stay, stay.old[slot].as_ref()?)));
        let is_same = |old: &Placed| old.people.len() == people.len() && old.people.iter().all(|person| people.contains(person));
        stays.map_or(0, |(stay, old)| match (old.start == start, is_same(old)) {
            (true, true) => 0,
            (true, false) => stay.changed,
            (false, _) => stay.changed + stay.moved,
        })
    }

    /// What a meeting costs beside its seats: the guest's hours.
    pub fn own_cost(&self, slot: usize, start: usize) -> i128 {
        let (guest, round) = self.guest_round(slot);
        let weights = &self.model.problem.weights;
        let length = self.model.rounds[round].length;
        let preferred = self.model.problem.guests[guest].preferred.as_ref();
        let outside = preferred.is_some_and(|set| !(start..start + length).all(|at| set.contains(self.model.cell(at))));
        weighed(weights.guest_preference, i128::from(outside))
    }

    /// How many more fragments a person has with a meeting in loose time.
    fn fragments_added(&self, person: usize, start: usize, end: usize) -> i128 {
        let useful = usize::try_from(self.model.problem.useful_minutes / 5).unwrap_or(usize::MAX);
        if useful == 0 {
            return 0;
        }
        let (diary, gap) = (&self.diaries[person], self.model.people[person].gap);
        let bits = |at: usize, back: i64| diary.loose.bits_at(i64::try_from(at).unwrap_or(i64::MAX) - back);
        // No more than the longest that can count.
        let before = usize::try_from((!bits(start, 64)).leading_zeros()).unwrap_or(64).min(useful);
        let after = usize::try_from((!bits(end, 0)).trailing_zeros()).unwrap_or(64).min(useful);
        let is_fragment = |length: usize| gap < length && length < useful;
        let was = is_fragment(before + (end - start) + after) && diary.touches(start - before, end + after);
        i128::from(is_fragment(before)) + i128::from(is_fragment(after)) - i128::from(was)
    }

    /// Enters a person's meeting, or strikes it, and keeps the starts up to date.
    fn attend(&mut self, person: usize, round: usize, start: usize, enters: bool) {
        let end = start + self.model.rounds[round].length;
        let (from, to) = self.count_on(person, start, end, enters);
        self.reopen(person, from, to);
    }

    /// Counts a meeting in or out; says between which offsets starts may have opened or closed.
    fn count_on(&mut self, person: usize, start: usize, end: usize, enters: bool) -> (usize, usize) {
        let (model, diary, member) = (self.model, &mut self.diaries[person], &self.model.people[person]);
        let (day, week) = (model.day(member.zone, start), model.week(member.zone, start));
        let at = diary.meetings.partition_point(|meeting| *meeting < (start, end));
        if enters {
            diary.meetings.insert(at, (start, end));
        } else {
            diary.meetings.remove(at);
        }
        let change = |count: &mut usize| *count = if enters { *count + 1 } else { count.saturating_sub(1) };
        change(&mut diary.per_day[day]);
        change(&mut diary.per_week[week]);
        let length = int(end - start);
        diary.load += if enters { length } else { -length };
        for at in start..end {
            let cell = model.cell(at);
            if enters {
                diary.loose.remove(cell);
            } else if member.free.contains(cell) {
                diary.loose.insert(cell);
            }
        }
        let longest = model.rounds.iter().map(|step| step.length).max().unwrap_or(LONGEST);
        let (mut from, mut to) = (start.saturating_sub(member.gap + longest), end + member.gap);
        // Just full, or just no longer.
        if diary.per_day[day] + usize::from(!enters) == member.daily_limit {
            let (first, end) = model.day_cells(member.zone, day);
            (from, to) = (from.min(first), to.max(end));
        }
        if diary.per_week[week] + usize::from(!enters) == member.weekly_limit {
            let (first, end) = model.week_cells(member.zone, week);
            (from, to) = (from.min(first), to.max(end));
        }
        (from, to.min(model.len))
    }

    /// Works out anew where a person's rounds may start, between two offsets.
    fn reopen(&mut self, person: usize, from: usize, to: usize) {
        let (model, diary, member) = (self.model, &mut self.diaries[person], &self.model.people[person]);
        let (first_word, end_word) = (from / 64, to.div_ceil(64).min(model.len.div_ceil(64)));
        let (from, to) = (first_word * 64, (end_word * 64).min(model.len));
        let near = |meeting: &&(usize, usize)| meeting.0 < to + member.gap + LONGEST && meeting.1 + member.gap > from;
        let mut rounds = Vec::new();
        for (round, (open, starts)) in diary.open.iter_mut().zip(&member.starts).enumerate() {
            let (Some(open), Some(starts)) = (open, starts) else { continue };
            rounds.push(round);
            open.words_mut()[first_word..end_word].copy_from_slice(&starts.words()[first_word..end_word]);
            let mut close = |first: usize, end: usize| {
                open.remove_numbers(model.cell(first.max(from)).number(), model.cell(end.min(to)).number());
            };
            for (start, end) in diary.meetings.iter().filter(near) {
                close((start + 1).saturating_sub(member.gap + model.rounds[round].length), end + member.gap);
            }
            let days = model.day(member.zone, from)..=model.day(member.zone, to.saturating_sub(1));
            for day in days.filter(|day| {
                diary.per_day[*day] >= member.daily_limit || diary.per_week[model.days[member.zone][*day].1] >= member.weekly_limit
            }) {
                let (first, end) = model.day_cells(member.zone, day);
                close(first, end);
            }
        }
        for round in rounds {
            self.restaff(round, first_word, end_word);
        }
    }

    /// Works out anew where a round can be staffed, in some words.
    fn restaff(&mut self, round: usize, first_word: usize, end_word: usize) {
        let mut at_least = Vec::new();
        for word in first_word..end_word {
            let mut staffed = u64::MAX;
            for group in self.model.rounds[round].panel.groups() {
                at_least.clear();
                at_least.resize(group.need + 1, 0);
                at_least[0] = u64::MAX;
                for member in &group.members {
                    let open = self.diaries[*member].open[round].as_ref().map_or(0, |open| open.words()[word]);
                    for count in (1..=group.need).rev() {
                        at_least[count] |= at_least[count - 1] & open;
                    }
                }
                staffed &= at_least[group.need];
            }
            self.staffed[round].words_mut()[word] = staffed;
        }
    }
}

impl Diary {
    /// Whether a meeting ends at the one offset or starts at the other.
    fn touches(&self, end: usize, start: usize) -> bool {
        self.meetings.iter().any(|meeting| meeting.1 == end || meeting.0 == start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Cell, Group, TimeRange,
        planner::{DayRule, Days, GuestTime, PersonTime, Problem, Round, Weights},
    };

    /// Limits close a day and a week far from the meeting that reaches them, and open them again without it.
    #[test]
    fn what_is_taken_out_leaves_no_trace() {
        let at = |cell: i64| jiff::Timestamp::from_second(cell * 300).unwrap();
        let (span, free) = (TimeRange::new(at(0), at(2_000)).unwrap(), CellSet::full(Cell::from_number(0), 2_000));
        let day = |cell: i64, week: u32| (Cell::from_number(cell), week);
        let person = |daily_limit: Option<u32>, weekly_limit: Option<u32>| PersonTime {
            free: free.clone(),
            starts: None,
            preferred: None,
            gap_minutes: 10,
            days: 0,
            daily_limit,
            weekly_limit,
            carried_minutes: 0,
        };
        let groups = vec![Group { members: vec![0, 1], need: 2 }];
        let problem = Problem {
            span,
            days: vec![Days::new(vec![day(0, 0), day(500, 0), day(1_000, 1), day(1_500, 2)])],
            guests: vec![GuestTime { free: free.clone(), preferred: None, days: 0 }; 2],
            people: vec![person(Some(2), None), person(None, Some(2))],
            rounds: vec![Round { minutes: 30, groups, gap_min_minutes: 0, gap_max_minutes: None, day: DayRule::Any }],
            pinned: Vec::new(),
            declined: Vec::new(),
            weights: Weights::default(),
            useful_minutes: 30,
        };
        let model = Model::new(&problem);
        let mut state = State::new(&model, None);
        let (open, score) = (state.staffed(0).clone(), state.score);
        state.place(0, Placed { start: 10, people: vec![0, 1] });
        // Six cells, and the gap on either side.
        assert_eq!(state.staffed(0).count(), open.count() - (6 + 2 + 5 + 2));
        state.place(1, Placed { start: 400, people: vec![0, 1] });
        assert_eq!(state.staffed(0).next(model.cell(0)), Some(model.cell(1_000)));
        assert_eq!(state.score, cost(&problem, &state.meetings()).total());
        state.remove(1);
        state.remove(0);
        assert_eq!((state.staffed(0), state.score), (&open, score));
    }
}
