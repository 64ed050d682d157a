//! The occurrences of an event within a window of time, with what exceptions change.

use jiff::{Timestamp, civil::Time};

use super::{
    model::{Details, Event, Exception, When},
    recurrence::Rule,
    times,
};

/// A window of time, end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// Whether an event that only touches an edge counts (switch `range_includes_edges`).
    pub edges: bool,
}

/// One occurrence.
#[derive(Clone, Debug)]
pub struct Instance<'a> {
    /// The event, or the master of the series.
    pub event: &'a Event,
    /// What holds for this occurrence, but for `when`.
    pub details: &'a Details,
    /// When this occurrence is.
    pub when: When,
    /// Set for occurrences of a series.
    pub recurrence_id: Option<String>,
    /// Whether it differs from the rule.
    pub is_exception: bool,
}

impl Window {
    /// Whether something at this time counts.
    pub fn holds(&self, when: &When) -> bool {
        let (start, end) = when.span();
        if self.edges {
            return start <= self.end && end >= self.start;
        }
        start < self.end && (end > self.start || (start == end && start >= self.start))
    }
}

impl Event {
    /// All occurrences in the window, in order of time.
    pub fn instances(&self, window: Window) -> Vec<Instance<'_>> {
        let mut found = match &self.rrule {
            None => vec![self.single()],
            Some(rule) => self.series(rule, window),
        };
        found.retain(|instance| window.holds(&instance.when));
        found.sort_by_key(|instance| instance.when.span());
        found
    }

    /// One occurrence of a series by its `recurrenceid`; `None` if the rule gives no such start or it was deleted.
    pub fn occurrence(&self, recurrence_id: &str) -> Option<Instance<'_>> {
        match self.exceptions.get(recurrence_id) {
            Some(Exception::Deleted) => None,
            Some(Exception::Changed(details)) => Some(self.changed(recurrence_id, details)),
            None => {
                let (start, end) = self.occurrence_span(recurrence_id)?;
                let window = Window { start, end, edges: true };
                let mut all = self.instances(window).into_iter();
                all.find(|instance| instance.recurrence_id.as_deref() == Some(recurrence_id))
            }
        }
    }

    fn occurrence_span(&self, recurrence_id: &str) -> Option<(Timestamp, Timestamp)> {
        self.rrule.as_ref()?;
        let start = match (times::parse(recurrence_id)?, &self.details.when) {
            (times::Written::Instant(at), When::Timed { .. }) => at,
            (times::Written::Day(day), When::AllDay { .. }) => times::start_of(day, &self.details.when.zone()),
            _ => return None,
        };
        Some((start, start.saturating_add(self.details.when.duration()).ok()?))
    }

    fn single(&self) -> Instance<'_> {
        Instance { event: self, details: &self.details, when: self.details.when.clone(), recurrence_id: None, is_exception: false }
    }

    fn changed<'a>(&'a self, recurrence_id: &str, details: &'a Details) -> Instance<'a> {
        Instance {
            event: self,
            details,
            when: details.when.clone(),
            recurrence_id: Some(recurrence_id.to_owned()),
            is_exception: true,
        }
    }

    fn series(&self, rule: &str, window: Window) -> Vec<Instance<'_>> {
        let by_rule = self.times(rule, window.end).into_iter().filter_map(|when| {
            let recurrence_id = when.recurrence_id();
            let regular = !self.exceptions.contains_key(&recurrence_id);
            regular.then_some(Instance {
                event: self,
                details: &self.details,
                when,
                recurrence_id: Some(recurrence_id),
                is_exception: false,
            })
        });
        let changed = self.exceptions.iter().filter_map(|(recurrence_id, exception)| match exception {
            Exception::Deleted => None,
            Exception::Changed(details) => Some(self.changed(recurrence_id, details)),
        });
        by_rule.chain(changed).collect()
    }

    /// The times the rule gives up to and including a start at `end`. A rule was checked when it was stored; one that
    /// cannot be read any more gives only the first time, so that nobody looks free because of it.
    fn times(&self, rule: &str, end: Timestamp) -> Vec<When> {
        let zone = self.details.when.zone();
        let beyond = end.saturating_add(jiff::SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX);
        match &self.details.when {
            When::Timed { start, zone: name, .. } => {
                let Ok(rule) = Rule::new(rule, zone.to_datetime(*start)) else {
                    return vec![self.details.when.clone()];
                };
                let duration = self.details.when.duration();
                let timed = |start: Timestamp| When::Timed {
                    start,
                    end: start.saturating_add(duration).unwrap_or(Timestamp::MAX),
                    zone: name.clone(),
                };
                rule.starts(&zone, beyond).into_iter().map(timed).collect()
            }
            When::AllDay { first, last, zone: name } => {
                let Ok(rule) = Rule::new(rule, first.to_datetime(Time::midnight())) else {
                    return vec![self.details.when.clone()];
                };
                let length = last.duration_since(*first);
                let whole =
                    |first: jiff::civil::Date| When::AllDay { first, last: first.saturating_add(length), zone: name.clone() };
                rule.days(times::next_day(zone.to_datetime(beyond).date())).into_iter().map(whole).collect()
            }
        }
    }
}
