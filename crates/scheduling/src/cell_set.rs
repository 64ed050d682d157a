//! Sets of five-minute cells as bits: what many people's time is combined with, a machine word (five hours and twenty minutes) at a time.

use crate::{Cell, TimeRange, cell_bounds};

const WORD_CELLS: usize = 64;

/// A set of cells of one window. Cells outside of the window are in no set.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CellSet {
    first: Cell,
    len: usize,
    /// Bit `n % 64` of word `n / 64` is cell `first + n`; bits behind `len` are 0.
    words: Vec<u64>,
}

impl CellSet {
    /// No cell of the `len` cells from `first`.
    pub fn empty(first: Cell, len: usize) -> Self {
        Self { first, len, words: vec![0; len.div_ceil(WORD_CELLS)] }
    }

    /// Every cell of the `len` cells from `first`.
    pub fn full(first: Cell, len: usize) -> Self {
        let mut set = Self { first, len, words: vec![u64::MAX; len.div_ceil(WORD_CELLS)] };
        set.trim();
        set
    }

    /// No cell of those that lie wholly within `window`.
    pub fn within(window: TimeRange) -> Self {
        let (first, end) = whole_cells(window);
        Self::empty(Cell::from_number(first), usize::try_from(end - first).unwrap_or(0))
    }

    /// The first cell of the window.
    pub const fn first(&self) -> Cell {
        self.first
    }

    /// How many cells the window has.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no cell is in the set.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// How many cells are in the set.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether a cell is in the set.
    pub fn contains(&self, cell: Cell) -> bool {
        self.offset(cell).is_some_and(|at| self.words[at / WORD_CELLS] >> (at % WORD_CELLS) & 1 == 1)
    }

    /// Adds every cell that `range` touches, even in part: for time that is taken.
    pub fn insert_touched(&mut self, range: TimeRange) {
        let (first, end) = cell_bounds(range);
        self.edit(first.number(), end.number(), |word, mask| *word |= mask);
    }

    /// Adds every cell that lies wholly in `range`: for time that may be used.
    pub fn insert_whole(&mut self, range: TimeRange) {
        let (first, end) = whole_cells(range);
        self.edit(first, end, |word, mask| *word |= mask);
    }

    /// Takes out every cell that `range` touches, even in part.
    pub fn remove_touched(&mut self, range: TimeRange) {
        let (first, end) = cell_bounds(range);
        self.edit(first.number(), end.number(), |word, mask| *word &= !mask);
    }

    /// Adds one cell.
    pub fn insert(&mut self, cell: Cell) {
        self.edit(cell.number(), cell.number() + 1, |word, mask| *word |= mask);
    }

    /// Takes out one cell.
    pub fn remove(&mut self, cell: Cell) {
        self.edit(cell.number(), cell.number() + 1, |word, mask| *word &= !mask);
    }

    /// Adds every `step`th cell from the number `first` on, and none from the number `end` on.
    pub(crate) fn insert_every(&mut self, first: i64, end: i64, step: usize) {
        // What lies before the window is counted off too: the grid keeps its phase.
        let (step_cells, start) = (i64::try_from(step.max(1)).unwrap_or(i64::MAX), self.first.number());
        let ahead = (start - first).max(0);
        let from = first + (ahead + step_cells - 1) / step_cells * step_cells;
        let (from, end) = (self.inside(from), self.inside(end));
        for at in (from..end).step_by(step.max(1)) {
            self.words[at / WORD_CELLS] |= 1 << (at % WORD_CELLS);
        }
    }

    /// Takes out the cells of the numbers `first <= number < end`.
    pub(crate) fn remove_numbers(&mut self, first: i64, end: i64) {
        self.edit(first, end, |word, mask| *word &= !mask);
    }

    /// Takes out the cells of all numbers but `first <= number < end`.
    pub(crate) fn keep_numbers(&mut self, first: i64, end: i64) {
        self.edit(self.first.number(), first, |word, mask| *word &= !mask);
        self.edit(end, i64::MAX, |word, mask| *word &= !mask);
    }

    /// The set as far as it lies in another window.
    #[must_use]
    pub fn over(&self, window: TimeRange) -> Self {
        let mut part = Self::within(window);
        part.unite(self);
        part
    }

    /// Keeps what is in both. Of another window: what lies outside of it goes.
    pub fn intersect(&mut self, other: &Self) {
        self.combine(other, |word, theirs| *word &= theirs);
    }

    /// Adds what is in the other, as far as it lies in this window.
    pub fn unite(&mut self, other: &Self) {
        self.combine(other, |word, theirs| *word |= theirs);
        self.trim();
    }

    /// Takes out what is in the other.
    pub fn subtract(&mut self, other: &Self) {
        self.combine(other, |word, theirs| *word &= !theirs);
    }

    /// The cells from which `length` cells in a row are in the set: where something of that length could start. A `length` of 0 keeps
    /// the set as it is.
    #[must_use]
    pub fn starts(&self, length: usize) -> Self {
        let mut runs = self.clone();
        let mut known = 1;
        while known < length {
            let step = known.min(length - known);
            runs.and_shifted(step);
            known += step;
        }
        runs
    }

    /// The cells in the set, in order.
    pub fn iter(&self) -> impl Iterator<Item = Cell> + '_ {
        self.words.iter().enumerate().flat_map(move |(index, word)| {
            let bits = std::iter::successors(Some(*word), |word| Some(word & word.wrapping_sub(1))).take_while(|word| *word != 0);
            bits.map(move |word| self.cell(index * WORD_CELLS + word.trailing_zeros() as usize))
        })
    }

    /// The first cell of the set at or after `from`.
    pub fn next(&self, from: Cell) -> Option<Cell> {
        let at = usize::try_from((from.number() - self.first.number()).max(0)).ok().filter(|at| *at < self.len)?;
        let first = self.words[at / WORD_CELLS] >> (at % WORD_CELLS);
        if first != 0 {
            return Some(self.cell(at + first.trailing_zeros() as usize));
        }
        let (index, word) = self.words.iter().enumerate().skip(at / WORD_CELLS + 1).find(|(_, word)| **word != 0)?;
        Some(self.cell(index * WORD_CELLS + word.trailing_zeros() as usize))
    }

    /// The bits, for loops that combine many sets of one window without a copy of each. Cell `first + n` is bit `n % 64` of word `n / 64`.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The bits, to change. Those behind the window must stay 0.
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Clears the bits behind the window.
    fn trim(&mut self) {
        if let Some(last) = self.words.last_mut() {
            *last &= u64::MAX >> ((WORD_CELLS - self.len % WORD_CELLS) % WORD_CELLS);
        }
    }

    fn cell(&self, at: usize) -> Cell {
        Cell::from_number(self.first.number().saturating_add(i64::try_from(at).unwrap_or(i64::MAX)))
    }

    fn offset(&self, cell: Cell) -> Option<usize> {
        usize::try_from(cell.number() - self.first.number()).ok().filter(|at| *at < self.len)
    }

    /// How many cells of the window come before that of a number.
    fn inside(&self, number: i64) -> usize {
        usize::try_from(number.saturating_sub(self.first.number()).max(0)).map_or(self.len, |at| at.min(self.len))
    }

    /// `first <= cell < end`, as far as it lies in the window.
    fn edit(&mut self, first: i64, end: i64, change: impl Fn(&mut u64, u64)) {
        let (from, to) = (self.inside(first), self.inside(end));
        if from >= to {
            return;
        }
        let (first_word, last_word) = (from / WORD_CELLS, (to - 1) / WORD_CELLS);
        let head = u64::MAX << (from % WORD_CELLS);
        let tail = u64::MAX >> (WORD_CELLS - 1 - (to - 1) % WORD_CELLS);
        for (index, word) in self.words.iter_mut().enumerate().take(last_word + 1).skip(first_word) {
            let mask = if index == first_word { head } else { u64::MAX } & if index == last_word { tail } else { u64::MAX };
            change(word, mask);
        }
    }

    fn combine(&mut self, other: &Self, change: impl Fn(&mut u64, u64)) {
        // The other's word and bit at which this window begins.
        let shift = self.first.number() - other.first.number();
        let (base, bit) = (shift.div_euclid(64), shift.rem_euclid(64));
        // Words of which the other has all bits go side by side; what is left on either side is asked for one by one.
        let known = i64::try_from(other.words.len()).unwrap_or(i64::MAX) - i64::from(bit != 0);
        let from = usize::try_from((-base).max(0)).unwrap_or(usize::MAX).min(self.words.len());
        let to = usize::try_from((known - base).max(0)).unwrap_or(usize::MAX).clamp(from, self.words.len());
        let start = usize::try_from(base.max(0)).unwrap_or(usize::MAX);
        let theirs = other.words.get(start..).unwrap_or_default();
        let (head, rest) = self.words.split_at_mut(from);
        let (middle, tail) = rest.split_at_mut(to - from);
        if bit == 0 {
            middle.iter_mut().zip(theirs).for_each(|(word, theirs)| change(word, *theirs));
        } else {
            let pairs = theirs.iter().zip(theirs.get(1..).unwrap_or_default());
            middle.iter_mut().zip(pairs).for_each(|(word, (low, high))| change(word, low >> bit | high << (64 - bit)));
        }
        let at = |index: usize| i64::try_from(index * WORD_CELLS).unwrap_or(i64::MAX).saturating_add(shift);
        head.iter_mut().enumerate().for_each(|(index, word)| change(word, other.bits_at(at(index))));
        tail.iter_mut().enumerate().for_each(|(index, word)| change(word, other.bits_at(at(to + index))));
    }

    /// 64 bits from position `at`, which may lie outside.
    pub(crate) fn bits_at(&self, at: i64) -> u64 {
        let index = at.div_euclid(64);
        let bit = at.rem_euclid(64);
        let word = |index: i64| usize::try_from(index).ok().and_then(|index| self.words.get(index)).copied().unwrap_or(0);
        let low = word(index) >> bit;
        if bit == 0 { low } else { low | word(index + 1) << (64 - bit) }
    }

    /// Keeps cells of which the one `step` (less than the window) further on is in the set too.
    fn and_shifted(&mut self, step: usize) {
        let (words, bits) = (step / WORD_CELLS, step % WORD_CELLS);
        for index in 0..self.words.len() {
            let low = self.words.get(index + words).copied().unwrap_or(0);
            let high = self.words.get(index + words + 1).copied().unwrap_or(0);
            let shifted = if bits == 0 { low } else { low >> bits | high << (WORD_CELLS - bits) };
            self.words[index] &= shifted;
        }
    }
}

/// The cells that lie wholly in a range: `first <= cell < second`.
pub fn whole_cells(range: TimeRange) -> (i64, i64) {
    use crate::{
        CELL_SECONDS,
        instants::{ceil_second, floor_second},
    };
    let first = -(-ceil_second(range.start())).div_euclid(CELL_SECONDS);
    (first, floor_second(range.end()).div_euclid(CELL_SECONDS).max(first))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn set(first: i64, len: usize, cells: &BTreeSet<i64>) -> CellSet {
        let mut set = CellSet::empty(Cell::from_number(first), len);
        for cell in cells {
            set.insert(Cell::from_number(*cell));
        }
        set
    }

    fn numbers(set: &CellSet) -> BTreeSet<i64> {
        set.iter().map(Cell::number).collect()
    }

    fn seconds(start: i64, end: i64) -> TimeRange {
        TimeRange::new(Timestamp::from_second(start).unwrap(), Timestamp::from_second(end).unwrap()).unwrap()
    }

    #[test]
    fn taken_time_rounds_outwards_and_usable_time_inwards() {
        let mut taken = CellSet::empty(Cell::from_number(0), 10);
        taken.insert_touched(seconds(299, 601));
        assert_eq!(numbers(&taken), BTreeSet::from([0, 1, 2]));
        let mut usable = CellSet::empty(Cell::from_number(0), 10);
        usable.insert_whole(seconds(299, 901));
        assert_eq!(numbers(&usable), BTreeSet::from([1, 2]));
        usable.insert_whole(seconds(1_000, 1_100));
        assert_eq!(usable.count(), 2);
        assert_eq!(CellSet::within(seconds(1, 899)).len(), 1);
    }

    #[test]
    fn a_full_set_has_the_cells_of_its_window_and_no_other() {
        for len in [0, 1, 63, 64, 65, 200] {
            let full = CellSet::full(Cell::from_number(-7), len);
            assert_eq!((full.count(), full.iter().count()), (len, len));
            assert!(!full.contains(Cell::from_number(-8)) && !full.contains(Cell::from_number(i64::try_from(len).unwrap() - 7)));
        }
    }

    proptest! {
        /// Against sets of numbers, windows that differ included.
        #[test]
        fn is_a_set(
            first in -80_i64..80, len in 0_usize..300, cells in prop::collection::btree_set(-100_i64..400, 0..120),
            other_first in -80_i64..80, other_len in 0_usize..300, others in prop::collection::btree_set(-100_i64..400, 0..120),
            length in 1_usize..90, from in -120_i64..420,
        ) {
            let inside = |cells: &BTreeSet<i64>, first: i64, len: usize| -> BTreeSet<i64> {
                cells.iter().copied().filter(|cell| (first..first + i64::try_from(len).unwrap()).contains(cell)).collect()
            };
            let (one, other) = (set(first, len, &cells), set(other_first, other_len, &others));
            let (mine, theirs) = (inside(&cells, first, len), inside(&others, other_first, other_len));
            prop_assert_eq!(numbers(&one), mine.clone());
            prop_assert_eq!(one.count(), mine.len());
            prop_assert_eq!(one.next(Cell::from_number(from)).map(Cell::number), mine.range(from..).next().copied());
            let combined = |change: fn(&mut CellSet, &CellSet)| {
                let mut both = one.clone();
                change(&mut both, &other);
                numbers(&both)
            };
            prop_assert_eq!(combined(CellSet::intersect), mine.intersection(&theirs).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(combined(CellSet::unite), mine.union(&inside(&theirs, first, len)).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(combined(CellSet::subtract), mine.difference(&theirs).copied().collect::<BTreeSet<_>>());
            let runs = mine.iter().copied().filter(|cell| (0..i64::try_from(length).unwrap()).all(|n| mine.contains(&(cell + n))));
            prop_assert_eq!(numbers(&one.starts(length)), runs.collect::<BTreeSet<_>>());
        }

        #[test]
        fn numbers_are_kept_taken_out_and_counted_off(
            start in -80_i64..80, len in 0_usize..300, first in -200_i64..400, end in -200_i64..400, step in 1_usize..90,
        ) {
            let all: BTreeSet<i64> = (start..start + i64::try_from(len).unwrap()).collect();
            let changed = |mut set: CellSet, change: fn(&mut CellSet, i64, i64)| {
                change(&mut set, first, end);
                numbers(&set)
            };
            let full = || CellSet::full(Cell::from_number(start), len);
            let inside = |cell: &i64| first <= *cell && *cell < end;
            prop_assert_eq!(changed(full(), CellSet::keep_numbers), all.iter().copied().filter(inside).collect::<BTreeSet<_>>());
            prop_assert_eq!(changed(full(), CellSet::remove_numbers), all.iter().copied().filter(|cell| !inside(cell)).collect::<BTreeSet<_>>());
            let mut grid = CellSet::empty(Cell::from_number(start), len);
            grid.insert_every(first, end, step);
            prop_assert_eq!(numbers(&grid), (first..end).step_by(step).filter(|cell| all.contains(cell)).collect::<BTreeSet<_>>());
        }

        #[test]
        fn ranges_go_in_and_out(len in 1_usize..300, start in -20_000_i64..100_000, seconds_long in 1_i64..50_000) {
            let range = seconds(start, start + seconds_long);
            let mut set = CellSet::empty(Cell::from_number(0), len);
            set.insert_touched(range);
            let expected: BTreeSet<i64> = crate::cells(range).map(Cell::number).filter(|cell| (0..i64::try_from(len).unwrap()).contains(cell)).collect();
            prop_assert_eq!(numbers(&set), expected);
            let mut rest = CellSet::full(Cell::from_number(0), len);
            rest.remove_touched(range);
            prop_assert_eq!(rest.count() + set.count(), len);
        }
    }
}
