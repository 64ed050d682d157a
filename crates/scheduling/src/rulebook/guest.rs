//! The rules of the other side: what the guest is busy with, and when they can be asked.

use super::{Block, DAY_MINUTES, Rulebook, dates, outside_of};
use crate::{Reason, TimeRange, range::first_gap};

impl Rulebook<'_> {
    pub(super) fn guest_busy(&self, range: TimeRange) -> Option<Block> {
        let set = &self.guest?.busy;
        if let Some(block) = outside_of(set, range) {
            return Some(block);
        }
        let met = set.first_overlap(range)?;
        Some(Block::until(met.end(), Reason::GuestBusy { range: met }))
    }

    pub(super) fn guest_hours(&self, range: TimeRange) -> Option<Block> {
        let civil = self.guest?.civil_hours.as_ref()?;
        // Hours pieced together over midnight are looked up on both dates.
        let hours: Vec<TimeRange> = dates(&civil.zone, range.padded(0, DAY_MINUTES)).flat_map(|date| civil.on(date)).collect();
        let gap = first_gap(range, &hours)?;
        let next = hours.iter().map(|hours| hours.start()).find(|start| *start > gap);
        // The dates looked at end a day after the slot: no hours begin before that.
        Some(Block::until(next.unwrap_or(gap), Reason::GuestHours))
    }

    pub(super) fn guest_available(&self, range: TimeRange) -> Option<Block> {
        let available = self.guest?.available.as_ref()?;
        let gap = first_gap(range, available)?;
        let next = available.iter().map(|available| available.start()).filter(|start| *start > gap).min();
        Some(Block { reason: Reason::GuestNotAvailable, clear_from: next })
    }
}
