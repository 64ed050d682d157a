//! Time cut into five-minute cells, `unix seconds / 300`. A cell can be claimed once; that is how two bookings exclude each other.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    TimeRange,
    instants::{ceil_second, floor_second},
};

/// Seconds in a cell.
pub const CELL_SECONDS: i64 = 300;

/// The number of a five-minute cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cell(i64);

impl Cell {
    /// The cell of that number, as stored.
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The cell in which `at` lies.
    pub fn at(at: Timestamp) -> Self {
        Self(floor_second(at).div_euclid(CELL_SECONDS))
    }

    /// Its number, to store.
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Its first instant; `None` beyond year 9999.
    pub fn start(self) -> Option<Timestamp> {
        Timestamp::from_second(self.0.checked_mul(CELL_SECONDS)?).ok()
    }
}

/// The first cell that `range` touches, and the first one after it: `first <= cell < second`.
pub fn cell_bounds(range: TimeRange) -> (Cell, Cell) {
    // Rounded up, so that a cell of which only the first instant is used counts too.
    let end = -(-ceil_second(range.end())).div_euclid(CELL_SECONDS);
    (Cell::at(range.start()), Cell(end))
}

/// Every cell that `range` touches, in order.
pub fn cells(range: TimeRange) -> impl DoubleEndedIterator<Item = Cell> {
    let (first, end) = cell_bounds(range);
    (first.0..end.0).map(Cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(start: i64, end: i64) -> Vec<i64> {
        let at = |nanosecond: i64| Timestamp::from_nanosecond(i128::from(nanosecond)).unwrap();
        cells(TimeRange::new(at(start), at(end)).unwrap()).map(Cell::number).collect()
    }

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn whole_cells_are_themselves_and_parts_round_outwards() {
        assert_eq!(numbers(0, 300 * SECOND), [0]);
        assert_eq!(numbers(0, 300 * SECOND + 1), [0, 1]);
        assert_eq!(numbers(299 * SECOND, 301 * SECOND), [0, 1]);
        assert_eq!(numbers(300 * SECOND, 900 * SECOND), [1, 2]);
        assert_eq!(numbers(-SECOND, SECOND), [-1, 0]);
        assert_eq!(numbers(-300 * SECOND - 1, -300 * SECOND), [-2]);
    }

    #[test]
    fn ranges_that_touch_share_no_cell() {
        let (_, end) = cell_bounds(TimeRange::new(Timestamp::UNIX_EPOCH, Timestamp::from_second(600).unwrap()).unwrap());
        assert_eq!(end, Cell::at(Timestamp::from_second(600).unwrap()));
        assert_eq!(end.start(), Some(Timestamp::from_second(600).unwrap()));
    }
}
