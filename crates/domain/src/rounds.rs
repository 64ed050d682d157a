//! A round of a vacancy: who interviews in it, how long, and how it lies to the round before.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Id, people::Person};

/// Most rounds of one vacancy.
pub const MOST_ROUNDS: usize = 20;
/// Most people in one panel, those who may or may not come included.
pub const MOST_PANEL: usize = 200;
/// Most interviewers who sit in one interview.
pub const MOST_SEATED: usize = 20;

/// One round of interviews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Order, from 1.
    pub position: i64,
    /// As people read it: `First interview`.
    pub name: String,
    /// A multiple of five.
    pub minutes: i64,
    /// Who interviews.
    #[serde(default)]
    pub panel: Panel,
    /// How it lies to the round before; nothing is asked of the first.
    #[serde(default)]
    pub gap: Gap,
    /// When its interviews are arranged.
    #[serde(default)]
    pub opens: Opens,
}

impl Round {
    /// A round with the vacancy's manager alone.
    pub fn simple(position: i64, name: String, minutes: i64) -> Self {
        Self { position, name, minutes, panel: Panel::default(), gap: Gap::default(), opens: Opens::default() }
    }
}

/// Who interviews. Without seats it is the vacancy's manager alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// Who must come. Nobody fills two seats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<Seats>,
    /// Who comes where they can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub optional: Vec<Id<Person>>,
}

/// Some of these people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seats {
    /// How many of them.
    pub need: Need,
    /// Who, in the order in which they are preferred where nothing else decides.
    pub people: Vec<Id<Person>>,
    /// Only those who have all of these skills.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub skills: BTreeSet<String>,
}

/// How many of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// Everybody.
    All,
    /// One of them.
    Any,
    /// That many of them.
    AtLeast(u32),
}

impl Need {
    /// How many of `size` people.
    pub const fn of(self, size: usize) -> usize {
        match self {
            Self::All => size,
            Self::Any => 1,
            Self::AtLeast(count) => count as usize,
        }
    }
}

/// How a round lies to the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// Minutes that lie between the two at least.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub at_least_minutes: i64,
    /// Minutes that lie between the two at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most_minutes: Option<i64>,
    /// Whether both lie on one day.
    #[serde(default, skip_serializing_if = "Days::is_any")]
    pub days: Days,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_zero(value: &i64) -> bool {
    *value == 0
}

/// Whether two rounds lie on one day, by the calendar of the later one's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Days {
    /// Either.
    #[default]
    Any,
    /// One day.
    Same,
    /// Two days.
    Other,
}

impl Days {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
    const fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }
}

/// When a round's interviews are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opens {
    /// With the round before: the whole loop at once.
    #[default]
    Together,
    /// When the interview of the round before is over; candidates who are withdrawn by then get no more.
    AfterPrevious,
}

/// Why rounds are no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RoundsError {
    /// None.
    #[error("a vacancy needs at least one round")]
    None,
    /// Too many.
    #[error("a vacancy has at most {MOST_ROUNDS} rounds")]
    TooMany,
    /// The numbers do not count from one.
    #[error("rounds count from 1 without gaps, each once; position {0} is twice or out of order")]
    Order(i64),
    /// Nobody to choose from.
    #[error("round {0}: a group of seats names nobody")]
    NobodyThere(i64),
    /// More than there are.
    #[error("round {round}: {need} of {size} people cannot come; ask for 1 to {size}")]
    TooFew {
        /// Which round.
        round: i64,
        /// How many are asked for.
        need: usize,
        /// How many there are.
        size: usize,
    },
    /// Somebody is named twice in one group, or is asked for and optional at once.
    #[error("round {0}: somebody is named twice in one group of seats, or is both needed and optional")]
    Twice(i64),
    /// The seats cannot all be filled by different people.
    #[error("round {0}: its seats cannot be filled, since nobody sits on two; name more people")]
    Unfillable(i64),
    /// Too many people.
    #[error("round {0}: a panel names at most {MOST_PANEL} people, of whom at most {MOST_SEATED} are seated at once")]
    Crowd(i64),
    /// Optional people without anybody who must come.
    #[error("round {0}: somebody must be needed; a panel of optional people only is none")]
    OnlyOptional(i64),
    /// A gap that nothing fits.
    #[error("round {0}: the gap to the round before must be 0 to 525600 minutes, at least no more than at most")]
    Gap(i64),
    /// The first round has nothing before it.
    #[error("round 1 has no round before it: leave `gap` and `opens` out")]
    FirstHasNoGap,
}

/// Most minutes of a gap: a year.
const MOST_GAP: i64 = 365 * 24 * 60;

/// Refuses rounds that cannot be, before anything is stored. Skills are looked at when people are chosen, since people learn.
pub fn check_rounds(rounds: &[Round]) -> Result<(), RoundsError> {
    if rounds.is_empty() {
        return Err(RoundsError::None);
    }
    if rounds.len() > MOST_ROUNDS {
        return Err(RoundsError::TooMany);
    }
    for (position, round) in (1..).zip(rounds) {
        if round.position != position {
            return Err(RoundsError::Order(round.position));
        }
        check_panel(round)?;
        let gap = &round.gap;
        if position == 1 && (*gap != Gap::default() || round.opens != Opens::Together) {
            return Err(RoundsError::FirstHasNoGap);
        }
        let at_most = gap.at_most_minutes.unwrap_or(MOST_GAP);
        if !(0..=MOST_GAP).contains(&gap.at_least_minutes) || !(gap.at_least_minutes..=MOST_GAP).contains(&at_most) {
            return Err(RoundsError::Gap(position));
        }
    }
    Ok(())
}

fn check_panel(round: &Round) -> Result<(), RoundsError> {
    let (position, panel) = (round.position, &round.panel);
    if panel.seats.is_empty() && !panel.optional.is_empty() {
        return Err(RoundsError::OnlyOptional(position));
    }
    let unique = |people: &[Id<Person>]| people.iter().collect::<BTreeSet<_>>().len() == people.len();
    for seats in &panel.seats {
        let (size, need) = (seats.people.len(), seats.need.of(seats.people.len()));
        if size == 0 {
            return Err(RoundsError::NobodyThere(position));
        }
        if !(1..=size).contains(&need) {
            return Err(RoundsError::TooFew { round: position, need, size });
        }
        if !unique(&seats.people) || panel.optional.iter().any(|person| seats.people.contains(person)) {
            return Err(RoundsError::Twice(position));
        }
    }
    if !unique(&panel.optional) {
        return Err(RoundsError::Twice(position));
    }
    if panel.people().len() > MOST_PANEL || panel.seated() > MOST_SEATED {
        return Err(RoundsError::Crowd(position));
    }
    if panel.fill(|_| true).is_none() && !panel.seats.is_empty() {
        return Err(RoundsError::Unfillable(position));
    }
    Ok(())
}

impl Panel {
    /// Everybody it names, each once, in the order of the seats, the optional ones last.
    pub fn people(&self) -> Vec<Id<Person>> {
        let mut known = BTreeSet::new();
        let named = self.seats.iter().flat_map(|seats| &seats.people).chain(&self.optional);
        named.copied().filter(|person| known.insert(*person)).collect()
    }

    /// How many interviewers must sit.
    pub fn seated(&self) -> usize {
        self.seats.iter().map(|seats| seats.need.of(seats.people.len())).sum()
    }

    /// Fills every seat with different people for whom `can` holds, those named earlier first; `None` where that cannot be. (Augmenting
    /// paths: whoever sits already moves to another seat of theirs where that helps.)
    pub fn fill(&self, can: impl Fn(Id<Person>) -> bool) -> Option<Vec<Id<Person>>> {
        let seats: Vec<usize> = (0..self.seats.len())
            .flat_map(|group| std::iter::repeat_n(group, self.seats[group].need.of(self.seats[group].people.len())))
            .collect();
        let mut sitting: Vec<Option<Id<Person>>> = vec![None; seats.len()];
        for seat in 0..seats.len() {
            let mut asked = BTreeSet::new();
            if !self.seat(seat, &seats, &mut sitting, &mut asked, &can) {
                return None;
            }
        }
        Some(sitting.into_iter().flatten().collect())
    }

    fn seat(
        &self,
        seat: usize,
        seats: &[usize],
        sitting: &mut [Option<Id<Person>>],
        asked: &mut BTreeSet<Id<Person>>,
        can: &impl Fn(Id<Person>) -> bool,
    ) -> bool {
        for person in &self.seats[seats[seat]].people {
            if !can(*person) || !asked.insert(*person) {
                continue;
            }
            let held = sitting.iter().position(|sits| *sits == Some(*person));
            if held.is_none_or(|held| self.seat(held, seats, sitting, asked, can)) {
                sitting[seat] = Some(*person);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(number: u32) -> Id<Person> {
        format!("per_0190a3d0f0e07b3e8c3e{number:012}").parse().unwrap()
    }

    fn seats(need: Need, people: &[u32]) -> Seats {
        Seats { need, people: people.iter().map(|number| person(*number)).collect(), skills: BTreeSet::new() }
    }

    fn round(position: i64, seats: Vec<Seats>, optional: &[u32]) -> Round {
        let panel = Panel { seats, optional: optional.iter().map(|number| person(*number)).collect() };
        Round { panel, ..Round::simple(position, "Interview".to_owned(), 60) }
    }

    #[test]
    fn impossible_plans_are_refused_with_the_reason() {
        let one = |round| check_rounds(&[round]);
        assert_eq!(check_rounds(&[]), Err(RoundsError::None));
        assert_eq!(one(round(2, vec![], &[])), Err(RoundsError::Order(2)));
        assert_eq!(check_rounds(&[round(1, vec![], &[]), round(1, vec![], &[])]), Err(RoundsError::Order(1)));
        assert_eq!(one(round(1, vec![seats(Need::Any, &[])], &[])), Err(RoundsError::NobodyThere(1)));
        let crowd = one(round(1, vec![seats(Need::AtLeast(4), &[1, 2, 3])], &[]));
        assert_eq!(crowd.unwrap_err().to_string(), "round 1: 4 of 3 people cannot come; ask for 1 to 3");
        assert!(matches!(one(round(1, vec![seats(Need::AtLeast(0), &[1])], &[])), Err(RoundsError::TooFew { need: 0, .. })));
        assert_eq!(one(round(1, vec![seats(Need::Any, &[1, 1])], &[])), Err(RoundsError::Twice(1)));
        assert_eq!(one(round(1, vec![seats(Need::Any, &[1, 2])], &[2])), Err(RoundsError::Twice(1)));
        assert_eq!(one(round(1, vec![], &[2])), Err(RoundsError::OnlyOptional(1)));
        let both = vec![seats(Need::Any, &[1]), seats(Need::Any, &[1])];
        assert_eq!(one(round(1, both, &[])), Err(RoundsError::Unfillable(1)));
        let many: Vec<u32> = (0..201).collect();
        assert_eq!(one(round(1, vec![seats(Need::Any, &many)], &[])), Err(RoundsError::Crowd(1)));
        let late = Round { gap: Gap { at_least_minutes: 60, ..Gap::default() }, ..round(1, vec![], &[]) };
        assert_eq!(one(late.clone()), Err(RoundsError::FirstHasNoGap));
        let gap = Gap { at_least_minutes: 60, at_most_minutes: Some(30), days: Days::Any };
        let second = Round { position: 2, gap, ..late };
        assert_eq!(check_rounds(&[round(1, vec![], &[]), second]), Err(RoundsError::Gap(2)));
        assert_eq!(one(round(1, vec![seats(Need::AtLeast(2), &[1, 2, 3]), seats(Need::All, &[4, 5])], &[6])), Ok(()));
    }

    #[test]
    fn seats_are_filled_by_different_people_whoever_is_asked_first() {
        // One and two sit anywhere, three on the second only.
        let panel = round(1, vec![seats(Need::Any, &[1, 2]), seats(Need::AtLeast(2), &[1, 2, 3])], &[]).panel;
        let fill = |away: &[u32]| panel.fill(|one| !away.iter().any(|number| person(*number) == one));
        let mut all = fill(&[]).unwrap();
        all.sort_unstable();
        assert_eq!(all, [person(1), person(2), person(3)]);
        assert_eq!((fill(&[1]), fill(&[3])), (None, None));
        let any = round(1, vec![seats(Need::Any, &[1, 2, 3])], &[]).panel;
        assert_eq!(any.fill(|one| one != person(1)), Some(vec![person(2)]));
    }

    #[test]
    fn travels_in_few_words() {
        let panel = Panel { seats: vec![seats(Need::AtLeast(2), &[1, 2])], optional: vec![] };
        let text = serde_json::to_string(&panel).unwrap();
        assert!(text.starts_with(r#"{"seats":[{"need":{"at_least":2},"people":["per_"#), "{text}");
        assert_eq!(serde_json::from_str::<Panel>(&text).unwrap(), panel);
        assert_eq!(serde_json::from_str::<Panel>("{}").unwrap(), Panel::default());
        assert_eq!(serde_json::to_string(&Gap::default()).unwrap(), "{}");
        let gap: Gap = serde_json::from_str(r#"{"days":"other"}"#).unwrap();
        assert_eq!(gap, Gap { days: Days::Other, ..Gap::default() });
    }
}
