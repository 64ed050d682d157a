//! Why a round has no meeting.

use super::{
    insert::{fits_placed, seat},
    model::Model,
    plan::{Unplaced, Why},
    state::State,
};
use crate::CellSet;

/// Every round without a meeting, with what is in the way first.
pub fn unplaced(state: &State<'_>) -> Vec<Unplaced> {
    let missing = (0..state.placed.len()).filter(|slot| state.placed[*slot].is_none());
    let unplaced = missing.map(|slot| {
        let (guest, round) = state.guest_round(slot);
        Unplaced { guest, round, why: why(state, slot) }
    });
    unplaced.collect()
}

fn why(state: &State<'_>, slot: usize) -> Why {
    let (guest, round) = state.guest_round(slot);
    if round > 0 && state.placed[slot - 1].is_none() {
        return Why::Waits { round: round - 1 };
    }
    let model = state.model;
    let fitting: Vec<usize> = model
        .guest_starts(guest, round)
        .iter()
        .map(|cell| model.offset(cell))
        .filter(|start| fits_placed(state, slot, *start))
        .collect();
    let Some(first) = fitting.first() else { return Why::Guest };
    let sets = starts_of_people(model, guest, round);
    let panel = &model.rounds[round].panel;
    for (group, of_group) in panel.groups().iter().enumerate() {
        let can = |start: &usize| of_group.members.iter().filter(|member| sets[**member].contains(model.cell(*start))).count();
        if !fitting.iter().any(|start| can(start) >= of_group.need) {
            return Why::Group { group };
        }
    }
    let together = panel.starts(&sets);
    if together.next(model.cell(*first)).is_none() || !fitting.iter().any(|start| together.contains(model.cell(*start))) {
        return Why::Together;
    }
    if fitting.iter().any(|start| seat(state, slot, *start).is_some()) { Why::Stopped } else { Why::Taken }
}

/// Where each person could start a guest's round if there were no other meeting.
pub fn starts_of_people(model: &Model<'_>, guest: usize, round: usize) -> Vec<CellSet> {
    let starts = |(person, member): (usize, &super::model::Member)| {
        let starts = member.starts[round].as_ref().filter(|_| !model.has_declined(guest, round, person));
        starts.cloned().unwrap_or_else(|| model.empty())
    };
    model.people.iter().enumerate().map(starts).collect()
}
