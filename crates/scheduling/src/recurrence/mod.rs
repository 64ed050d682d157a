//! Recurring times after RFC 5545: a rule, a set of rules with dates added and taken away, and the occurrences within a window.
//!
//! Wall clock first, zone second: a rule is worked out on the wall clock of its zone, and each wall-clock time becomes an instant
//! afterwards. A time that the clocks skip moves forward by the length of the gap, of a time that comes twice the first is meant
//! (section 3.3.5). Section 3.3.10 says both that such an occurrence is ignored and that it is read so; here none is lost, because a
//! meeting must not vanish and time that is taken must stay taken.
//!
//! A window is reached by arithmetic, however far it lies from the start; only a `COUNT` is walked, once, when the set is made.
//! Whatever asks for more than [`RecurrenceSet::MOST_STEPS`] is refused: nothing is cut short in silence.

mod days;
mod edit;
mod parts;
mod rule;
mod set;
mod text;
mod walk;
mod wall;

pub use edit::EditError;
pub use parts::{Change, Length, Moment, Occurrence, Override, RecurrenceError, Start};
pub use rule::{Frequency, NthWeekday, Rule, RuleTextError, Until};
pub use set::RecurrenceSet;
