//! What this process counted: since it began, for `/metrics`, and since the last flush, for the database.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Timestamp,
    calls::{self, BOUNDS_MILLIS, CallCount, SPAN_SECONDS},
};
use ports::{Change, Put};

use super::class_code;
use crate::calls::Observation;

/// Lines of the log that wait in memory at most while the database does not answer.
const MAX_WAITING: usize = 20_000;

/// Upper bounds of a commit's time in milliseconds.
const COMMIT_BOUNDS_MILLIS: [i64; 9] = [1, 2, 5, 10, 25, 50, 100, 500, 5_000];

/// What calls have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKey {
    /// Registry name.
    pub provider: &'static str,
    /// Location code.
    pub data_centre: String,
    /// What was asked for.
    pub operation: &'static str,
    /// `ok` or the failure's class.
    pub class: &'static str,
}

/// How long things took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Upper bounds in milliseconds.
    pub bounds: &'static [i64],
    /// How many stayed under each bound and above the one before; the last: above all of them.
    pub counts: Vec<u64>,
    /// All times together, in microseconds.
    pub sum_micros: u64,
}

impl Histogram {
    fn new(bounds: &'static [i64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum_micros: 0 }
    }

    fn add(&mut self, micros: u64) {
        let millis = micros.div_ceil(1_000);
        let place = self.bounds.iter().position(|bound| i64::try_from(millis).is_ok_and(|millis| millis <= *bound));
        if let Some(count) = self.counts.get_mut(place.unwrap_or(self.bounds.len())) {
            *count += 1;
        }
        self.sum_micros = self.sum_micros.saturating_add(micros);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What this process did since it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Provider calls.
    pub calls: BTreeMap<CallKey, Histogram>,
    /// Changes written to the database.
    pub commits: Histogram,
    /// Jobs by kind and how their run ended: `done`, `again`, `waits`, `given_up`, `stale`.
    pub runs: BTreeMap<(&'static str, &'static str), u64>,
    /// Messages by kind and outcome: `sent`, `refused`.
    pub mails: BTreeMap<(String, &'static str), u64>,
    /// Interviews that became booked.
    pub bookings: u64,
    /// Access tokens lent.
    pub lent: u64,
    /// Lines about provider calls that were dropped because the database did not answer for too long.
    pub lines_lost: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            calls: BTreeMap::new(),
            commits: Histogram::new(&COMMIT_BOUNDS_MILLIS),
            runs: BTreeMap::new(),
            mails: BTreeMap::new(),
            bookings: 0,
            lent: 0,
            lines_lost: 0,
        }
    }
}

type Line = (Timestamp, Observation);

#[derive(Debug, Default)]
struct Kept {
    counters: Counters,
    /// Counts by everything but the count.
    waiting: BTreeMap<CallCount, i64>,
    lines: VecDeque<Line>,
}

/// See the module's header.
#[derive(Debug, Default)]
pub(crate) struct Numbers(Mutex<Kept>);

impl Numbers {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn counters(&self) -> Counters {
        self.kept().counters.clone()
    }

    /// A call ended.
    pub fn called(&self, seen: &Observation, now: Timestamp) {
        let class = seen.class.map_or(calls::OK, class_code);
        let key = CallKey { provider: seen.provider, data_centre: seen.data_centre.clone(), operation: seen.operation, class };
        let span = now.as_second().div_euclid(SPAN_SECONDS) * SPAN_SECONDS;
        let counted = CallCount {
            since: Timestamp::from_second(span).unwrap_or(now),
            provider: seen.provider.to_owned(),
            data_centre: seen.data_centre.clone(),
            operation: seen.operation.to_owned(),
            class: class.to_owned(),
            up_to_millis: calls::bound(seen.millis),
            count: 0,
        };
        let mut kept = self.kept();
        let times = kept.counters.calls.entry(key).or_insert_with(|| Histogram::new(&BOUNDS_MILLIS));
        times.add(seen.millis.saturating_mul(1_000));
        *kept.waiting.entry(counted).or_default() += 1;
        kept.lines.push_back((now, seen.clone()));
        kept.shorten();
    }

    /// A change was written.
    pub fn committed(&self, seen: &Seen, took: Duration) {
        let mut kept = self.kept();
        kept.counters.commits.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        kept.counters.bookings += seen.bookings;
        kept.counters.lent += seen.lent;
        for mail in &seen.mails {
            *kept.counters.mails.entry(mail.clone()).or_default() += 1;
        }
    }

    /// A job's run ended.
    pub fn ran(&self, kind: &'static str, outcome: &'static str) {
        *self.kept().counters.runs.entry((kind, outcome)).or_default() += 1;
    }

    /// All counts and at most `lines` lines that wait to be written.
    pub fn take(&self, lines: usize) -> (Vec<CallCount>, Vec<Line>) {
        let mut kept = self.kept();
        let counts = std::mem::take(&mut kept.waiting).into_iter().map(|(counted, count)| CallCount { count, ..counted }).collect();
        let many = kept.lines.len().min(lines);
        (counts, kept.lines.drain(..many).collect())
    }

    /// What [`Numbers::take`] gave could not be written.
    pub fn give_back(&self, counts: Vec<CallCount>, lines: Vec<Line>) {
        let mut kept = self.kept();
        for counted in counts {
            let count = counted.count;
            *kept.waiting.entry(CallCount { count: 0, ..counted }).or_default() += count;
        }
        for line in lines.into_iter().rev() {
            kept.lines.push_front(line);
        }
        kept.shorten();
    }
}

impl Kept {
    /// Forgets the oldest lines where too many wait, and says how many.
    fn shorten(&mut self) {
        let over = self.lines.len().saturating_sub(MAX_WAITING);
        if over > 0 {
            self.lines.drain(..over);
            self.counters.lines_lost += u64::try_from(over).unwrap_or(u64::MAX);
            tracing::error!(
                over,
                "the database does not answer, and too many calls wait to be written down: the oldest are dropped"
            );
        }
    }
}

/// What a change says that is counted, looked at before the change is handed over.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    bookings: u64,
    lent: u64,
    mails: Vec<(String, &'static str)>,
}

impl Seen {
    pub fn of(change: &Change) -> Self {
        let mut seen = Self::default();
        for put in &change.puts {
            match put {
                Put::Interview(interview) if interview.booked_at == Some(change.at) => seen.bookings += 1,
                Put::Lending(_) => seen.lent += 1,
                _ => {}
            }
        }
        for entry in &change.audit {
            let outcome = match entry.action.as_str() {
                "mail.sent" => "sent",
                "mail.refused" => "refused",
                _ => continue,
            };
            if let Some(kind) = entry.payload.get("kind").and_then(serde_json::Value::as_str) {
                seen.mails.push((kind.to_owned(), outcome));
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use ports::calendar::FailureClass;

    use super::*;

    fn call(millis: u64, class: Option<FailureClass>) -> Observation {
        Observation { provider: "zoho", data_centre: "eu".to_owned(), grant: None, operation: "refresh", class, millis }
    }

    #[test]
    fn counts_add_up_and_what_could_not_be_written_waits() {
        let numbers = Numbers::default();
        let now: Timestamp = "2026-11-24T09:03:00Z".parse().unwrap();
        for millis in [40, 45, 700] {
            numbers.called(&call(millis, None), now);
        }
        numbers.called(&call(40, Some(FailureClass::Throttled)), now);
        let (counts, lines) = numbers.take(3);
        let shown: Vec<_> = counts.iter().map(|row| (row.class.as_str(), row.up_to_millis, row.count)).collect();
        assert_eq!(shown, [("ok", 50, 2), ("ok", 1_000, 1), ("throttled", 50, 1)]);
        assert!(counts.iter().all(|row| row.since.to_string() == "2026-11-24T09:00:00Z"));
        assert_eq!(lines.len(), 3);
        numbers.called(&call(40, None), now);
        numbers.give_back(counts, lines);
        let (counts, lines) = numbers.take(100);
        assert_eq!((counts[0].count, counts.len(), lines.len()), (3, 3, 5));
        assert_eq!(lines[3].1.class, Some(FailureClass::Throttled), "lines keep their order");
        let counters = numbers.counters();
        assert_eq!(counters.calls.values().map(Histogram::count).sum::<u64>(), 5);
    }

    #[test]
    fn a_database_that_does_not_answer_costs_lines_and_never_the_memory() {
        let numbers = Numbers::default();
        for _ in 0..MAX_WAITING + 7 {
            numbers.called(&call(1, None), Timestamp::UNIX_EPOCH);
        }
        assert_eq!(numbers.counters().lines_lost, 7);
        assert_eq!(numbers.take(usize::MAX).1.len(), MAX_WAITING);
    }
}
