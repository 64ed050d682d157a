//! A first plan, at once: guests one after the other, each through as early as can be.

use super::{
    insert::{Width, insert, possible_starts},
    state::State,
};

/// What the first plan looks at: the earliest times.
const NARROW: Width = Width { candidates: 6, apart: 2, tries: 60 };

/// Orders in which guests are asked.
pub const ORDERS: usize = 3;

/// Places guests in one of some orders: as they come, those first who have least time, those first who could start first. Leaves
/// those who are left when told to stop; whether it was not.
pub fn construct(state: &mut State<'_>, order: usize, keep_going: &mut dyn FnMut() -> bool) -> bool {
    let mut guests: Vec<usize> = (0..state.model.problem.guests.len()).collect();
    match order {
        1 => guests.sort_by_cached_key(|guest| possible_starts(state, *guest, 0).count()),
        2 => guests.sort_by_cached_key(|guest| possible_starts(state, *guest, 0).next(state.model.cell(0))),
        _ => {}
    }
    for guest in guests {
        if !keep_going() {
            return false;
        }
        insert(state, guest, NARROW);
    }
    true
}
