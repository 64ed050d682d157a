//! Reading the chain again: what holds, and what was inserted, edited, deleted, swapped, cut or rebuilt. Pure: lines are fed in the order
//! of their places, in constant memory.
//!
//! A line that does not fit leaves several explanations open; the next line that fits decides between them. Its own value, as stored:
//! something in it was edited. Its value, as computed: only the value was. The value before it: it was inserted. Its own value at a
//! later place: lines before it were deleted and the rest renumbered.

use std::collections::BTreeMap;

use domain::audit::{Head, Line};
use vault::{KeyRing, chain_link, line_mac_holds, payload_hash};

use super::{Flaw, What, fields};

/// Findings that are named; further ones are counted.
const NAMED: usize = 100;
/// Lines that do not fit and are kept for comparison.
const KEPT: usize = 100;
/// Deleted lines in a row that renumbering can hide before the diagnosis becomes "edited".
const RENUMBERED: i64 = 64;

/// Chain values that checkpoints state, by place.
pub(super) type Marks = BTreeMap<i64, Vec<Vec<u8>>>;

/// See the module's header.
pub(super) struct Verifier<'a> {
    keys: &'a KeyRing,
    marks: &'a Marks,
    /// Up to here a checkpoint vouches; later lines must show by their codes who wrote them.
    vouched: i64,
    /// The place the next line should have.
    next: i64,
    /// How far places were moved by insertions (up) and renumbered deletions (down).
    offset: i64,
    /// The value before the next line; `None` behind a gap.
    before: Option<Vec<u8>>,
    /// Lines that do not fit, waiting for one that decides why.
    run: Vec<Broken>,
    /// Every line that does not fit, for the search of swaps.
    broken: Vec<Broken>,
    /// Whether only lines from before codes were written have been seen.
    codeless: bool,
    marks_seen: i64,
    rebuilt: bool,
    contradicted: Vec<i64>,
    findings: Vec<Flaw>,
    more: u64,
    read: i64,
    erased: i64,
    last: Option<(i64, Vec<u8>)>,
}

#[derive(Debug, Clone)]
struct Broken {
    seq: i64,
    before: Vec<u8>,
    line: Line,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) findings: Vec<Flaw>,
    pub(super) more: u64,
    pub(super) read: i64,
    pub(super) erased: i64,
    /// The newest place whose value is what a checkpoint states; 0 for none.
    pub(super) marks_seen: i64,
    /// Places at which the chain is another than checkpoints state, or behind its end.
    pub(super) contradicted: Vec<i64>,
}

fn link(before: &[u8], seq: i64, line: &Line) -> Vec<u8> {
    chain_link(before, seq, &fields(line), line.mac.as_deref()).to_vec()
}

impl<'a> Verifier<'a> {
    /// Begins behind the line at place `after`, where the chain has the value `start`.
    pub(super) fn new(keys: &'a KeyRing, marks: &'a Marks, after: i64, start: Vec<u8>) -> Self {
        Self {
            keys,
            marks,
            vouched: marks.last_key_value().map_or(0, |(seq, _)| *seq),
            next: after + 1,
            offset: 0,
            before: Some(start),
            run: Vec::new(),
            broken: Vec::new(),
            codeless: after == 0,
            marks_seen: 0,
            rebuilt: false,
            contradicted: Vec::new(),
            findings: Vec::new(),
            more: 0,
            read: 0,
            erased: 0,
            last: None,
        }
    }

    /// The place read last.
    pub(super) fn last(&self) -> Option<&(i64, Vec<u8>)> {
        self.last.as_ref()
    }

    /// Whether anything is wrong so far.
    pub(super) fn is_broken(&self) -> bool {
        !self.findings.is_empty() || !self.run.is_empty() || !self.broken.is_empty()
    }

    fn find(&mut self, seq: Option<i64>, line: Option<&Line>, what: What) {
        if self.findings.len() < NAMED {
            self.findings.push(match line {
                Some(line) => Flaw::of(seq, line, what),
                None => Flaw { seq, id: None, what, content: None },
            });
        } else {
            self.more += 1;
        }
    }

    /// Takes the next line.
    pub(super) fn feed(&mut self, line: Line) {
        self.read += 1;
        let seq = line.seq.unwrap_or(0);
        if seq < self.next {
            // Below the first place, or a place that is taken.
            self.find(Some(seq), Some(&line), What::Inserted);
            return;
        }
        if seq > self.next {
            self.settle(Why::Edited);
            self.find(Some(self.next), None, What::Deleted { until: seq - 1 });
            self.before = None;
        }
        self.next = seq + 1;
        self.payload(&line);
        let chain = line.chain.clone().unwrap_or_default();
        let goes_on_from = match self.before.clone() {
            None => Some(chain.clone()),
            Some(before) => self.fits(&before, seq, &line, &chain),
        };
        self.last = Some((seq, chain.clone()));
        if let Some(value) = goes_on_from {
            self.code(seq, &line);
            self.mark(seq, &value);
            self.before = Some(value);
        } else {
            let before = self.before.clone().unwrap_or_default();
            self.before = Some(chain);
            self.run.push(Broken { seq, before, line });
            if self.run.len() > KEPT {
                self.settle(Why::Edited);
            }
        }
    }

    /// The value with which the chain goes on, if the line continues it; settles why the ones before it did not.
    fn fits(&mut self, before: &[u8], seq: i64, line: &Line, chain: &[u8]) -> Option<Vec<u8>> {
        let place = seq - self.offset;
        if link(before, place, line) == chain {
            self.settle(Why::Edited);
            return Some(chain.to_vec());
        }
        if self.offset != 0 && link(before, seq, line) == chain {
            // Places were moved, and the sealer went on from where they end now.
            self.settle(Why::Edited);
            self.offset = 0;
            return Some(chain.to_vec());
        }
        let (first, last) = (self.run.first()?, self.run.last()?);
        let computed = link(&last.before, last.seq - self.offset, &last.line);
        if link(&computed, place, line) == chain {
            self.settle(Why::Edited);
            return Some(chain.to_vec());
        }
        let inserted = i64::try_from(self.run.len()).unwrap_or(i64::MAX);
        if link(&first.before, place - inserted, line) == chain {
            let theirs = first.line.chain.clone().unwrap_or_default();
            let between = if inserted == 1 { chain.to_vec() } else { last.line.chain.clone().unwrap_or_default() };
            if link(&between, place, &first.line) == theirs {
                // Two near each other in each other's places: as if the first were inserted, but its own place is this one.
                let (at, other) = (first.seq, first.line.clone());
                self.run.clear();
                self.find(Some(at), Some(&other), What::Swapped { with: seq });
                self.find(Some(seq), Some(line), What::Swapped { with: at });
                return Some(theirs);
            }
            self.settle(Why::Inserted);
            self.offset += inserted;
            return Some(chain.to_vec());
        }
        if let Some(deleted) = (1..=RENUMBERED).find(|deleted| link(before, place + deleted, line) == chain) {
            self.settle(Why::Deleted(deleted));
            self.offset -= deleted;
            return Some(chain.to_vec());
        }
        None
    }

    /// Decides why the waiting lines did not fit.
    fn settle(&mut self, why: Why) {
        for (position, broken) in std::mem::take(&mut self.run).into_iter().enumerate() {
            match why {
                Why::Inserted => self.find(Some(broken.seq), Some(&broken.line), What::Inserted),
                Why::Deleted(lines) if position == 0 => {
                    self.find(Some(broken.seq), None, What::Renumbered { lines });
                }
                _ if self.broken.len() < KEPT => self.broken.push(broken),
                _ => self.find(Some(broken.seq), Some(&broken.line), What::Edited),
            }
        }
    }

    fn payload(&mut self, line: &Line) {
        match (&line.payload, &line.salt) {
            (None, None) => self.erased += 1,
            (Some(payload), Some(salt)) if payload_hash(salt, payload)[..] == line.payload_hash[..] => {}
            _ => self.find(line.seq, Some(line), What::PayloadEdited),
        }
    }

    /// Where no checkpoint vouches, anybody could have hashed the line; only we could have written its code.
    fn code(&mut self, seq: i64, line: &Line) {
        self.codeless &= line.mac.is_none();
        if seq - self.offset <= self.vouched || self.codeless {
            return;
        }
        if !is_ours(self.keys, line) {
            self.find(Some(seq), Some(line), What::NotOurs);
        }
    }

    fn mark(&mut self, seq: i64, chain: &[u8]) {
        let place = seq - self.offset;
        let Some(values) = self.marks.get(&place) else { return };
        if values.iter().all(|value| value == chain) {
            if !self.rebuilt {
                self.marks_seen = place;
            }
        } else {
            self.contradicted.push(place);
            if !self.rebuilt {
                self.rebuilt = true;
                self.find(Some(place), None, What::Rebuilt { since: self.marks_seen });
            }
        }
    }

    /// Compares the end with the head and with the checkpoints behind it, and names what is left open.
    pub(super) fn finish(mut self, head: &Head) -> Reading {
        self.settle(Why::Edited);
        let end = self.next - 1;
        let furthest = self.marks.last_key_value().map_or(0, |(seq, _)| *seq);
        let until = furthest.max(head.seq);
        if end - self.offset < until && end < until {
            self.find(Some(end + 1), None, What::Cut { until });
        }
        let known = end.max(end - self.offset).max(head.seq);
        self.contradicted.extend(self.marks.range(known + 1..).map(|(seq, _)| *seq));
        if head.seq < end {
            self.find(Some(head.seq + 1), None, What::BehindHead { until: end });
        } else if let Some((seq, chain)) = self.last.clone()
            && seq == head.seq
            && head.chain.as_ref() != Some(&chain)
            && !self.broken.iter().any(|broken| broken.seq == seq)
        {
            self.find(Some(head.seq), None, What::HeadEdited);
        }
        self.swaps(head);
        self.findings.sort_by_key(|finding| finding.seq);
        Reading {
            findings: self.findings,
            more: self.more,
            read: self.read,
            erased: self.erased,
            marks_seen: self.marks_seen,
            contradicted: self.contradicted,
        }
    }

    /// Two lines that fit in each other's places were swapped; what only suffered from that is not reported.
    fn swaps(&mut self, head: &Head) {
        let broken = std::mem::take(&mut self.broken);
        let mut partner: BTreeMap<i64, (i64, Vec<u8>)> = BTreeMap::new();
        for one in &broken {
            for other in broken.iter().filter(|other| other.seq != one.seq) {
                let value = link(&one.before, one.seq - self.offset, &other.line);
                let known = [&one.line.chain, &other.line.chain].into_iter().flatten().any(|chain| *chain == value);
                if known && !partner.contains_key(&one.seq) && !partner.contains_key(&other.seq) {
                    let theirs = other.line.chain.clone().unwrap_or_default();
                    partner.insert(one.seq, (other.seq, value));
                    partner.insert(other.seq, (one.seq, theirs));
                }
            }
        }
        for item in &broken {
            if let Some((with, _)) = partner.get(&item.seq) {
                self.find(Some(item.seq), Some(&item.line), What::Swapped { with: *with });
                continue;
            }
            let innocent = partner.get(&(item.seq - 1)).is_some_and(|(with, value)| {
                let moved = broken.iter().find(|other| other.seq == *with).and_then(|other| other.line.chain.clone());
                [Some(value.clone()), moved]
                    .into_iter()
                    .flatten()
                    .any(|before| Some(link(&before, item.seq - self.offset, &item.line)) == item.line.chain)
            });
            if !innocent {
                let what = if item.seq > head.seq { What::Inserted } else { What::Edited };
                self.find(Some(item.seq), Some(&item.line), what);
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Why {
    Edited,
    Inserted,
    Deleted(i64),
}

/// Whether a holder of our keys wrote the line.
pub(super) fn is_ours(keys: &KeyRing, line: &Line) -> bool {
    line.mac.as_ref().is_some_and(|mac| line_mac_holds(keys, &fields(line), mac))
}
