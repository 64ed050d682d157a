//! Every start at once: for one question, or prepared so that the same question about another window or at another time only copies
//! bits.

use jiff::Timestamp;

use crate::{CellSet, Query, Rules, SlotLength, TimeRange, instants::plus_minutes};

impl Query<'_> {
    /// The cells at which a slot of the requested length begins that lies wholly within `window` and passes every rule: exactly the
    /// starts of [`slots`](crate::slots), found many at a time. Takes a bit for each five minutes of the window, but looks only at the
    /// dates that the present leaves open.
    pub fn start_cells(&self, window: TimeRange) -> CellSet {
        let mut starts = CellSet::within(window);
        if let Some(open) = open(self.rules, self.now, window) {
            starts.unite(&self.rulebook().lasting_starts(open, self.request.length.minutes()));
        }
        starts
    }
}

/// The starts of one question over a long span, but for what depends on the present. Holds for as long as the rules, the calendar, the
/// agenda, the length and the guest are what they were.
#[derive(Debug, Clone)]
pub struct Prepared {
    rules: Rules,
    length: SlotLength,
    span: TimeRange,
    lasting: CellSet,
}

impl Prepared {
    /// Prepares a question for windows within `span`; its `now` is not looked at. Takes a bit for each five minutes of the span.
    pub fn new(query: &Query<'_>, span: TimeRange) -> Self {
        let length = query.request.length;
        let lasting = query.rulebook().lasting_starts(span, length.minutes());
        Self { rules: query.rules.clone(), length, span, lasting }
    }

    /// For which windows it was prepared. Of the time outside of it nothing is offered.
    pub const fn span(&self) -> TimeRange {
        self.span
    }

    /// Like [`Query::start_cells`], at the present that is given.
    pub fn starts(&self, window: TimeRange, now: Timestamp) -> CellSet {
        let Some(open) = open(&self.rules, now, window) else { return CellSet::within(window) };
        let mut starts = self.lasting.over(window);
        let last = plus_minutes(open.end(), -i64::from(self.length.minutes()));
        // The cell that begins with the last instant is the last start.
        let (first, _) = crate::cell_set::whole_cells(open);
        starts.keep_numbers(first, crate::Cell::at(last).number() + 1);
        starts
    }
}

/// The part of a window in which the present leaves something to offer: not past, with notice, within the horizon.
fn open(rules: &Rules, now: Timestamp, window: TimeRange) -> Option<TimeRange> {
    let soonest = now.max(rules.earliest(now)).max(window.start());
    TimeRange::new(soonest, rules.latest(now).min(window.end())).ok()
}
