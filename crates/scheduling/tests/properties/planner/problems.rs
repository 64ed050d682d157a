//! Random small problems, each from one number.

use jiff::Timestamp;
use scheduling::{
    Cell, CellSet, Group, TimeRange,
    planner::{DayRule, Days, Declined, GuestTime, Meeting, PersonTime, Problem, Round, Weights},
};

/// The first cell of every span, not on the border of a word.
pub const FIRST: i64 = 5_900_037;

pub struct Random(u64);

impl Random {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end.max(1)
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn minutes(&mut self, below_cells: usize) -> u32 {
        u32::try_from(self.below(below_cells)).unwrap() * 5
    }
}

/// How large problems may be.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub guests: usize,
    pub rounds: usize,
    pub people: usize,
    pub cells: usize,
}

/// Few enough meetings that every plan can be tried.
pub const TINY: Size = Size { guests: 2, rounds: 2, people: 3, cells: 13 };
/// Few enough that the best plan is found for certain.
pub const EXACT: Size = Size { guests: 3, rounds: 2, people: 3, cells: 24 };
pub const SMALL: Size = Size { guests: 5, rounds: 3, people: 6, cells: 150 };

pub fn cell(at: usize) -> Cell {
    Cell::from_number(FIRST + i64::try_from(at).unwrap())
}

/// Most cells, in a few stretches.
pub fn cells(random: &mut Random, count: usize) -> CellSet {
    let mut set = CellSet::full(cell(0), count);
    for _ in 0..random.below(4) {
        let from = random.below(count);
        (from..(from + 1 + random.below(count / 4 + 1)).min(count)).for_each(|at| set.remove(cell(at)));
    }
    set
}

pub fn problem(seed: u64, size: Size) -> Problem {
    let mut random = Random::of(seed);
    let random = &mut random;
    let count = size.cells - random.below(size.cells / 4);
    let second = |cells: usize| Timestamp::from_second((FIRST + i64::try_from(cells).unwrap()) * 300).unwrap();
    let guests = 1 + random.below(size.guests);
    let people = 1 + random.below(size.people);
    let rounds: Vec<Round> = (0..=random.below(size.rounds)).map(|_| round(random, people)).collect();
    let days = (0..2).map(|_| {
        let (noon, night) = (random.below(count), random.below(count));
        Days::new(vec![(Cell::from_number(FIRST - 90), 7), (cell(noon.min(night)), 7), (cell(noon.max(night)), 8)])
    });
    let days: Vec<Days> = days.collect();
    let preferred = |random: &mut Random| random.once_in(2).then(|| cells(random, count));
    let guest = |random: &mut Random| GuestTime { free: cells(random, count), preferred: preferred(random), days: random.below(2) };
    let person = |random: &mut Random| PersonTime {
        free: cells(random, count),
        starts: random.once_in(3).then(|| rounds.iter().map(|_| every(random, count)).collect()),
        preferred: preferred(random),
        gap_minutes: if random.once_in(3) { 1 + random.minutes(3) } else { 0 },
        days: random.below(2),
        daily_limit: random.once_in(3).then(|| u32::try_from(random.below(4)).unwrap()),
        weekly_limit: random.once_in(4).then(|| u32::try_from(1 + random.below(4)).unwrap()),
        carried_minutes: random.minutes(10),
    };
    let mut problem = Problem {
        span: TimeRange::new(second(0), second(count)).unwrap(),
        days,
        guests: (0..guests).map(|_| guest(random)).collect(),
        people: (0..people).map(|_| person(random)).collect(),
        rounds: rounds.clone(),
        pinned: Vec::new(),
        declined: Vec::new(),
        weights: weights(random),
        useful_minutes: random.minutes(7),
    };
    for _ in 0..random.below(3) {
        problem.declined.push(declined(random, &problem));
    }
    if random.once_in(3) {
        problem.pinned.extend(pinned(random, &problem, count));
    }
    problem
}

pub fn declined(random: &mut Random, problem: &Problem) -> Declined {
    let (guest, round) = (random.below(problem.guests.len()), random.below(problem.rounds.len()));
    Declined { guest, round, person: random.below(problem.people.len()) }
}

/// Some starts of a grid.
fn every(random: &mut Random, count: usize) -> CellSet {
    let mut set = CellSet::empty(cell(0), count);
    let step = 1 + random.below(3);
    (random.below(3)..count).step_by(step).for_each(|at| set.insert(cell(at)));
    set
}

fn weights(random: &mut Random) -> Weights {
    let mut weight = |most: usize| u64::try_from(random.below(most)).unwrap();
    // Sometimes so little that it is cheaper to leave somebody out.
    let unplaced = [10_000_000, 10_000_000, 10_000_000, 40][usize::try_from(weight(4)).unwrap()];
    Weights {
        unplaced,
        finish: weight(15),
        fairness: weight(3),
        preference: weight(30),
        guest_preference: weight(30),
        fragments: weight(30) * weight(20),
    }
}

fn round(random: &mut Random, people: usize) -> Round {
    let group = |random: &mut Random, members: Vec<usize>| {
        let need = 1 + if random.once_in(3) { random.below(members.len()) } else { 0 };
        Group { members, need }
    };
    let cut = random.below(people + 1);
    // One group, two that share nobody, or two that may.
    let lists = match random.below(4) {
        0 if cut > 0 && cut < people => vec![(0..cut).collect(), (cut..people).collect()],
        1 if people > 2 => vec![(0..people).collect(), (cut / 2..people).collect()],
        _ => vec![(cut.min(people - 1)..people).collect::<Vec<usize>>()],
    };
    let mut groups: Vec<Group> = lists.into_iter().map(|members| group(random, members)).collect();
    if groups.iter().map(|group| group.need).sum::<usize>() > people || groups.len() == 2 && cut / 2 + groups[1].need > people {
        groups.truncate(1);
    }
    if groups.len() == 2 {
        for group in &mut groups {
            group.need = 1;
        }
    }
    let gap_min_minutes = if random.once_in(2) { random.minutes(3) + u32::from(random.once_in(2)) } else { 0 };
    Round {
        minutes: 5 + random.minutes(3),
        groups,
        gap_min_minutes,
        gap_max_minutes: random.once_in(3).then(|| gap_min_minutes + 5 + random.minutes(8)),
        day: [DayRule::Any, DayRule::Any, DayRule::Any, DayRule::Same, DayRule::Another][random.below(5)],
    }
}

/// A meeting that is booked, whether or not anybody has time.
fn pinned(random: &mut Random, problem: &Problem, count: usize) -> Option<Meeting> {
    let (guest, round) = (random.below(problem.guests.len()), random.below(problem.rounds.len()));
    let length = usize::try_from(problem.rounds[round].minutes / 5).unwrap();
    let start = cell(random.below(count.checked_sub(length)? + 1));
    let groups = &problem.rounds[round].groups;
    let mut people: Vec<usize> = Vec::new();
    for group in groups {
        let left: Vec<usize> = group.members.iter().copied().filter(|member| !people.contains(member)).collect();
        people.extend(left.get(..group.need)?);
    }
    Some(Meeting { guest, round, start, people })
}
