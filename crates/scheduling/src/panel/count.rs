//! At least so many of some sets: counters that stand upright, a bit of each count in a word, so that 64 cells are counted at once.

use std::borrow::Cow;

use crate::CellSet;

/// Words that are counted together: wide enough for vector instructions, small enough for the counters to stay in the first cache.
const LANE_WORDS: usize = 16;

type Lane = [u64; LANE_WORDS];

/// Keeps the cells that are in at least `need` of the sets; all have the window of `starts`.
pub fn keep_at_least(need: usize, sets: &[Cow<'_, CellSet>], starts: &mut CellSet) {
    if need > sets.len() {
        *starts = CellSet::empty(starts.first(), starts.len());
    } else if need == sets.len() {
        for set in sets {
            starts.intersect(set);
        }
    } else if need == 1 {
        let mut any = CellSet::empty(starts.first(), starts.len());
        for set in sets {
            any.unite(set);
        }
        starts.intersect(&any);
    } else {
        let words: Vec<&[u64]> = sets.iter().map(|set| set.words()).collect();
        let mut counter = Counter::up_to(sets.len());
        for (index, kept) in starts.words_mut().chunks_mut(LANE_WORDS).enumerate() {
            let from = index * LANE_WORDS;
            let enough = counter.at_least(need, words.iter().map(|words| lane(&words[from..from + kept.len()])));
            kept.iter_mut().zip(enough).for_each(|(kept, enough)| *kept &= enough);
        }
    }
}

fn lane(words: &[u64]) -> Lane {
    if let Ok(lane) = words.try_into() {
        return lane;
    }
    let mut lane = [0; LANE_WORDS];
    lane[..words.len()].copy_from_slice(words);
    lane
}

/// Counts sets with carries that wait: on each level, which is a bit of the counts, one carry is held until the next comes, and both go
/// into the sum at once. Every set costs about one full adder, however many there are (Harley and Seal; Warren, "Hacker's Delight",
/// section 5-1).
struct Counter {
    sums: Vec<Lane>,
    held: Vec<Lane>,
}

impl Counter {
    fn up_to(count: usize) -> Self {
        let levels = (usize::BITS - count.leading_zeros()) as usize;
        Self { sums: vec![[0; LANE_WORDS]; levels], held: vec![[0; LANE_WORDS]; levels] }
    }

    /// The bits that are set in at least `need` of the lanes.
    fn at_least(&mut self, need: usize, lanes: impl Iterator<Item = Lane>) -> Lane {
        self.sums.fill([0; LANE_WORDS]);
        // The levels that hold a carry are the bits of the number of lanes so far.
        let mut counted = 0_usize;
        for lane in lanes {
            let mut carry = lane;
            let mut level = 0;
            while counted >> level & 1 == 1 {
                carry = add(&mut self.sums[level], &self.held[level], &carry);
                level += 1;
            }
            self.held[level] = carry;
            counted += 1;
        }
        let mut carry = [0; LANE_WORDS];
        for (level, sum) in self.sums.iter_mut().enumerate() {
            let held = if counted >> level & 1 == 1 { self.held[level] } else { [0; LANE_WORDS] };
            carry = add(sum, &held, &carry);
        }
        self.compare(need)
    }

    /// Where the sums are `need` or more, from the highest bit down.
    fn compare(&self, need: usize) -> Lane {
        let (mut more, mut equal) = ([0; LANE_WORDS], [u64::MAX; LANE_WORDS]);
        for (level, sum) in self.sums.iter().enumerate().rev() {
            let needed = if need >> level & 1 == 1 { u64::MAX } else { 0 };
            for ((more, equal), sum) in more.iter_mut().zip(&mut equal).zip(sum) {
                *more |= *equal & sum & !needed;
                *equal &= !(sum ^ needed);
            }
        }
        std::array::from_fn(|word| more[word] | equal[word])
    }
}

/// Adds two bits to each of a sum's, and gives the carries.
fn add(sum: &mut Lane, one: &Lane, other: &Lane) -> Lane {
    std::array::from_fn(|word| {
        let (a, b, c) = (sum[word], one[word], other[word]);
        let either = a ^ b;
        sum[word] = either ^ c;
        (a & b) | (either & c)
    })
}
