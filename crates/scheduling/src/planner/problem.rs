//! What is to be planned: guests who each need every round of a loop, people who sit, and what a good plan is worth.

use crate::{Cell, CellSet, Group, TimeRange, Zone};

/// Everything that a plan depends on. Guests, people and rounds are numbers: their places in these lists.
#[derive(Debug, Clone)]
pub struct Problem {
    /// When meetings may be. Cells that lie wholly in it are planned with; sets of other windows are cut to it.
    pub span: TimeRange,
    /// The dates of each zone that somebody lives in.
    pub days: Vec<Days>,
    /// Those who each need every round.
    pub guests: Vec<GuestTime>,
    /// Those who sit in meetings.
    pub people: Vec<PersonTime>,
    /// The loop, in order: each round of a guest comes after the one before.
    pub rounds: Vec<Round>,
    /// Meetings that are booked already. They take time, seats and limits, stay as they are, and are held against nothing by
    /// themselves.
    pub pinned: Vec<Meeting>,
    /// Who said no to which meeting: that person does not sit in it, whenever it is.
    pub declined: Vec<Declined>,
    /// What counts how much.
    pub weights: Weights,
    /// Free time of a person beside a meeting of theirs that is shorter than this, and longer than the gap they need, is a
    /// fragment; in minutes, rounded down to cells; 0 counts none.
    pub useful_minutes: u32,
}

/// When a guest can come.
#[derive(Debug, Clone)]
pub struct GuestTime {
    /// The cells in which they have time.
    pub free: CellSet,
    /// The cells that they would rather have; `None` if all are alike.
    pub preferred: Option<CellSet>,
    /// Whose dates are theirs: a place in [`Problem::days`].
    pub days: usize,
}

/// When a person can sit.
#[derive(Debug, Clone)]
pub struct PersonTime {
    /// The cells in which they have time. Every cell of a meeting is one of these.
    pub free: CellSet,
    /// For each round, the cells at which it could start for them, as [`Query::start_cells`](crate::Query::start_cells) finds them;
    /// `None` if it may wherever there is time.
    pub starts: Option<Vec<CellSet>>,
    /// The cells in which they would rather have meetings; `None` if all are alike.
    pub preferred: Option<CellSet>,
    /// Minutes kept free between two meetings, rounded up to cells.
    pub gap_minutes: u32,
    /// Whose dates are theirs: a place in [`Problem::days`].
    pub days: usize,
    /// The most meetings on a date. Those of the plan are counted, pinned ones too; what else is booked is in nobody's plan.
    pub daily_limit: Option<u32>,
    /// The most meetings in a week, counted alike.
    pub weekly_limit: Option<u32>,
    /// Minutes carried before this plan; parts of five minutes are not counted.
    pub carried_minutes: u32,
}

/// One step of the loop.
#[derive(Debug, Clone)]
pub struct Round {
    /// How long, a multiple of five.
    pub minutes: u32,
    /// Who: so many of each group, nobody on two seats.
    pub groups: Vec<Group>,
    /// The fewest minutes between the end of the round before and the start of this one, rounded up to cells.
    pub gap_min_minutes: u32,
    /// The most minutes between the end of the round before and the start of this one, rounded down to cells.
    pub gap_max_minutes: Option<u32>,
    /// The date, compared with that of the round before, for the guest.
    pub day: DayRule,
}

/// How the guest's dates of two rounds in a row compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DayRule {
    /// In any way.
    #[default]
    Any,
    /// Both start on one date.
    Same,
    /// They start on two dates.
    Another,
}

/// A guest, a round, a time, and who sits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meeting {
    /// Whose.
    pub guest: usize,
    /// Which step of the loop.
    pub round: usize,
    /// Its first cell.
    pub start: Cell,
    /// Who sits, group by group in their order.
    pub people: Vec<usize>,
}

/// A person who said no to a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Declined {
    /// Whose meeting.
    pub guest: usize,
    /// Which step of the loop.
    pub round: usize,
    /// Who does not sit.
    pub person: usize,
}

/// What one unit of each term costs. The cost of a plan is the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// A round without a meeting. Far above all others, or it is cheaper to leave guests out.
    pub unplaced: u64,
    /// Five minutes that pass from the start of the span until a guest is through, for each guest who is.
    pub finish: u64,
    /// What the plan adds to the sum of squares of what each person carries, in units of five minutes each. Little if load goes to
    /// those who carry least.
    pub fairness: u64,
    /// A seat out of the hours that the person prefers.
    pub preference: u64,
    /// A meeting out of the hours that the guest prefers.
    pub guest_preference: u64,
    /// A stretch of free time beside a meeting that is too short to be useful.
    pub fragments: u64,
}

impl Weights {
    /// The most that a weight may be, [`Weights::unplaced`] a million times as much: sums of the largest plans fit an `i128`, also
    /// where a repair puts other terms far above them.
    pub const MOST: u64 = 1_000_000;
}

impl Default for Weights {
    /// A guest who is through an hour earlier is worth an hour's meeting taken from somebody who carries half an hour more.
    fn default() -> Self {
        Self { unplaced: 10_000_000, finish: 12, fairness: 1, preference: 200, guest_preference: 200, fragments: 50 }
    }
}

/// The dates and weeks of one zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The first cell of each date, and the number of its week, in order.
    days: Vec<(Cell, u32)>,
}

impl Days {
    /// From the first cell of each date and a number for its week, which grows with time. What lies before the first is of the
    /// first.
    pub fn new(mut days: Vec<(Cell, u32)>) -> Self {
        days.sort_unstable();
        Self { days }
    }

    /// The dates of a zone in a span; weeks begin on Monday.
    pub fn in_zone(zone: &Zone, span: TimeRange) -> Self {
        let (mut date, last) = (zone.date(span.start()), zone.date(span.end()));
        let (mut days, mut week) = (Vec::new(), 0);
        while date <= last {
            if date.weekday() == jiff::civil::Weekday::Monday {
                week += 1;
            }
            if let Some(day) = zone.day(date) {
                days.push((Cell::at(day.start()), week));
            }
            let Ok(next) = date.tomorrow() else { break };
            date = next;
        }
        Self { days }
    }

    /// The number of the date in which a cell lies, from 0.
    pub fn day(&self, cell: Cell) -> usize {
        self.days.partition_point(|(first, _)| *first <= cell).saturating_sub(1)
    }

    /// The number of the week in which a cell lies.
    pub fn week(&self, cell: Cell) -> u32 {
        self.days.get(self.day(cell)).map_or(0, |(_, week)| *week)
    }

    /// The first cell of each date and the number of its week.
    pub(crate) fn list(&self) -> &[(Cell, u32)] {
        &self.days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_weeks_are_those_of_the_zone() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
        // The clocks of New York are set forward on Sunday, 8 March.
        let span = TimeRange::new(at("2026-03-07T12:00:00Z"), at("2026-03-10T12:00:00Z")).unwrap();
        let days = Days::in_zone(&Zone::new("America/New_York").unwrap(), span);
        let read = |text: &str| (days.day(Cell::at(at(text))), days.week(Cell::at(at(text))));
        assert_eq!(read("2026-03-07T12:00:00Z"), (0, 0));
        assert_eq!((read("2026-03-08T04:59:00Z"), read("2026-03-08T05:00:00Z")), ((0, 0), (1, 0)));
        assert_eq!((read("2026-03-09T03:59:00Z"), read("2026-03-09T04:00:00Z")), ((1, 0), (2, 1)));
        assert_eq!(read("2026-03-10T12:00:00Z"), (3, 1));
        // What lies before is of the first.
        assert_eq!(read("2020-03-10T12:00:00Z"), (0, 0));
    }
}
