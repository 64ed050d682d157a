//! From the wall clock of a zone to instants, quickly where no clock change is near.

use jiff::Timestamp;

use super::days::{self, DAY};
use crate::{
    Zone,
    instants::{floor_second, plus_seconds},
};

/// The wall clock of a zone, with the offset around the last instant that was asked for.
pub struct WallClock<'a> {
    zone: &'a Zone,
    /// Instants between which the offset holds, a day away from any change, and the offset.
    calm: Option<(i64, i64, i64)>,
}

impl<'a> WallClock<'a> {
    /// Ready for instants around `near`.
    pub fn new(zone: &'a Zone, near: Timestamp) -> Self {
        let rules = zone.time_zone();
        // The change at this very instant counts as before it.
        let before = rules.preceding(plus_seconds(near, 1)).next().map_or(i64::MIN / 4, |change| change.timestamp().as_second());
        let after = rules.following(near).next().map_or(i64::MAX / 4, |change| change.timestamp().as_second());
        let offset = rules.to_offset(near).seconds();
        let (from, to) = (before.saturating_add(2 * DAY), after.saturating_sub(2 * DAY));
        Self { zone, calm: (from < to).then_some((from, to, i64::from(offset))) }
    }

    /// What the clock shows, in seconds.
    pub fn wall(&self, at: Timestamp) -> i64 {
        let second = floor_second(at);
        match self.calm {
            Some((from, to, offset)) if (from..to).contains(&second) => second + offset,
            _ => days::seconds(self.zone.wall_clock(at)),
        }
    }

    /// The instant of a second on the clock; `None` outside of the years that exist.
    pub fn instant(&mut self, wall: i64) -> Option<Timestamp> {
        if let Some((from, to, offset)) = self.calm
            && (from..to).contains(&(wall - offset))
        {
            return Timestamp::from_second(wall - offset).ok();
        }
        let at = self.zone.time_zone().to_ambiguous_timestamp(days::date_time(wall)?).compatible().ok()?;
        // Where no change is near the next ones are quick again.
        let moved = Self::new(self.zone, at);
        if moved.calm.is_some_and(|(from, to, _)| (from..to).contains(&at.as_second())) {
            self.calm = moved.calm;
        }
        Some(at)
    }
}
