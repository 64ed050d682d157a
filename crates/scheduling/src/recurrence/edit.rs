//! Changing a recurring time: one occurrence, this one and all later, or all.

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::{
    days,
    parts::{Change, Moment, Override, RecurrenceError},
    rule::Until,
    set::RecurrenceSet,
};

/// Why a change is not possible.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EditError {
    /// There is no such occurrence.
    #[error("there is no occurrence at {0}; ask for the occurrences and name one of them")]
    NoOccurrence(Timestamp),
    /// It would end before it starts.
    #[error("an occurrence must not end before it starts")]
    Backwards,
    /// It would end before it begins.
    #[error("this is the first occurrence; to take away all of them, remove the whole event")]
    Nothing,
    /// What comes of it cannot be worked out.
    #[error(transparent)]
    Recurrence(#[from] RecurrenceError),
}

impl RecurrenceSet {
    /// Without the occurrence that the rules put at `at`.
    pub fn cancel(self, at: Timestamp) -> Result<Self, EditError> {
        let of = self.original(at)?;
        Ok(self.forgetting(of).without([of])?)
    }

    /// With the occurrence that the rules put at `at` moved.
    pub fn move_one(self, at: Timestamp, start: Timestamp, end: Timestamp) -> Result<Self, EditError> {
        if end < start {
            return Err(EditError::Backwards);
        }
        let of = self.original(at)?;
        Ok(self.with_overrides([Override { of, change: Change::Moved(start, end), and_later: false }])?)
    }

    /// Ends before the occurrence that the rules put at `at`, which is not the first. A second set may begin there.
    pub fn end_before(self, at: Timestamp) -> Result<Self, EditError> {
        let of = self.original(at)?;
        if self.zone().wall_clock(at) <= days::date_time(self.first_wall()).unwrap_or(jiff::civil::DateTime::MIN) {
            return Err(EditError::Nothing);
        }
        let until = match of {
            Moment::At(at) => Until::Utc(at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(at)),
            Moment::On(date) => Until::Date(date.yesterday().unwrap_or(date)),
        };
        let before = |moment: Moment| match (moment, of) {
            (Moment::At(one), Moment::At(other)) => one < other,
            (Moment::On(one), Moment::On(other)) => one < other,
            (Moment::On(one), Moment::At(other)) => one < self.zone().date(other),
            (Moment::At(one), Moment::On(other)) => self.zone().date(one) < other,
        };
        let mut ended = Self::new(self.start().clone(), self.zone().clone(), self.length())?;
        for rule in self.rules() {
            // An earlier end of the rule's own stays: by then a count has come to its last occurrence, or not.
            let earlier = rule.until().is_some_and(|own| self.ends_before(own, until));
            let rule = if earlier || self.counts_out_before(rule, at)? { rule.clone() } else { rule.clone().ending(until) };
            ended = ended.with_rule(rule)?;
        }
        ended = ended.with_added(self.added().iter().copied().filter(|(moment, _)| before(*moment)))?;
        ended = ended.without(self.removed().iter().copied().filter(|moment| before(*moment)))?;
        Ok(ended.with_overrides(self.overrides().iter().filter(|change| before(change.of)).cloned())?)
    }

    /// The name of the occurrence that the rules put at `at`.
    fn original(&self, at: Timestamp) -> Result<Moment, EditError> {
        let second = at.checked_add(SignedDuration::from_secs(1)).unwrap_or(at);
        let window = crate::TimeRange::new(at, second).map_err(|_| EditError::NoOccurrence(at))?;
        let plain = self.clone().unchanged();
        let found = plain.occurrences(window)?.into_iter().find(|occurrence| occurrence.start == at);
        found.map(|occurrence| occurrence.of).ok_or(EditError::NoOccurrence(at))
    }

    fn ends_before(&self, own: Until, other: Until) -> bool {
        let instant = |until: Until| match until {
            Until::Utc(at) => Some(at),
            Until::Local(at) => self.zone().time_zone().to_ambiguous_timestamp(at).compatible().ok(),
            Until::Date(date) => self.zone().instant(date, crate::TimeOfDay::END_OF_DAY),
        };
        instant(own) <= instant(other)
    }

    /// Whether a rule with a count has no occurrence at or after `at`.
    fn counts_out_before(&self, rule: &super::Rule, at: Timestamp) -> Result<bool, EditError> {
        let alone = Self::new(self.start().clone(), self.zone().clone(), self.length())?.with_rule(rule.clone())?;
        Ok(rule.count().is_some() && alone.last_wall().is_some_and(|last| last < days::seconds(self.zone().wall_clock(at))))
    }
}
