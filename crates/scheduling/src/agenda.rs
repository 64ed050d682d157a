//! What is already booked through us: it excludes other bookings, keeps its buffers, and counts towards the limits.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{BusySet, TimeRange, Zone};

/// Somebody's bookings, in order. A booking that is being moved must be left out of its own agenda.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<TimeRange>", into = "Vec<TimeRange>")]
pub struct Agenda {
    /// Each booking, sorted by start.
    booked: Vec<TimeRange>,
    /// The same, without overlap, for quick questions.
    taken: BusySet,
}

impl Agenda {
    /// Nothing booked.
    pub const fn empty() -> Self {
        Self { booked: Vec::new(), taken: BusySet::empty() }
    }

    /// The bookings, sorted by start.
    pub fn booked(&self) -> &[TimeRange] {
        &self.booked
    }

    /// Adds a booking.
    pub fn add(&mut self, booking: TimeRange) {
        let at = self.booked.partition_point(|other| *other <= booking);
        self.booked.insert(at, booking);
        self.taken.insert(booking);
    }

    /// The time taken, without overlap.
    pub(crate) const fn taken(&self) -> &BusySet {
        &self.taken
    }

    /// How many bookings start on the dates from `first` up to, and without, `end`.
    pub(crate) fn count(&self, zone: &Zone, first: Date, end: Date) -> usize {
        self.starting(zone, first, end).count()
    }

    /// How many minutes the bookings have that start on the dates from `first` up to, and without, `end`.
    pub(crate) fn minutes(&self, zone: &Zone, first: Date, end: Date) -> i64 {
        self.starting(zone, first, end).map(TimeRange::minutes).sum()
    }

    fn starting(&self, zone: &Zone, first: Date, end: Date) -> impl Iterator<Item = TimeRange> {
        // A day on either side is more than any zone is away from another.
        let near = |date: Date, days: i64| date.saturating_add(jiff::SignedDuration::from_hours(24 * days));
        let (utc, until) = (Zone::utc(), near(end, 2));
        let from = self.booked.partition_point(|booking| utc.date(booking.start()) < near(first, -2));
        let close = self.booked[from..].iter().copied().take_while(move |booking| utc.date(booking.start()) <= until);
        close.filter(move |booking| (first..end).contains(&zone.date(booking.start())))
    }
}

impl FromIterator<TimeRange> for Agenda {
    fn from_iter<I: IntoIterator<Item = TimeRange>>(items: I) -> Self {
        let mut booked: Vec<TimeRange> = items.into_iter().collect();
        booked.sort_unstable();
        let taken = booked.iter().copied().collect();
        Self { booked, taken }
    }
}

impl From<Vec<TimeRange>> for Agenda {
    fn from(booked: Vec<TimeRange>) -> Self {
        booked.into_iter().collect()
    }
}

impl From<Agenda> for Vec<TimeRange> {
    fn from(agenda: Agenda) -> Self {
        agenda.booked
    }
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, civil::date};

    use super::*;

    fn hour(text: &str) -> TimeRange {
        let start: Timestamp = text.parse().unwrap();
        TimeRange::new(start, crate::instants::plus_minutes(start, 60)).unwrap()
    }

    #[test]
    fn counts_by_the_date_of_the_place() {
        let mut agenda: Agenda = [hour("2026-11-24T09:00:00Z"), hour("2026-11-23T23:30:00Z")].into_iter().collect();
        agenda.add(hour("2026-11-23T09:00:00Z"));
        let count = |name: &str, day| agenda.count(&Zone::new(name).unwrap(), date(2026, 11, day), date(2026, 11, day + 1));
        assert_eq!((count("UTC", 23), count("UTC", 24), count("UTC", 25)), (2, 1, 0));
        // Half past eleven at night in London is the next day in Berlin, and the day before is still on in Honolulu.
        assert_eq!((count("Europe/Berlin", 23), count("Europe/Berlin", 24)), (1, 2));
        assert_eq!((count("Pacific/Honolulu", 22), count("Pacific/Honolulu", 23)), (1, 2));
        assert!(agenda.booked().is_sorted());
        let again: Agenda = serde_json::from_str(&serde_json::to_string(&agenda).unwrap()).unwrap();
        assert_eq!(again, agenda);
    }
}
