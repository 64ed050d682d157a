//! Time, and nothing but time: zones, working hours, busy sets, slots, plans, and the exact reason for every time that is not offered.
//!
//! **Invariant:** nothing here knows what a slot is for or who asks; there is no I/O, no clock (`now` is an argument) and no
//! randomness. A date-time without a zone leaves this crate nowhere: instants are [`jiff::Timestamp`], wall-clock values are resolved
//! in a stated [`Zone`].
//!
//! The way through: [`Rules`] say when somebody can be booked, [`Busy`] what their calendar says (known, assumed or unknown), and
//! [`Agenda`] what is already booked through us. [`check`] judges one time, [`slots`] lists all that pass, [`plan`] places several in
//! order. All three stand on the same list of rules (`rulebook`), so they cannot disagree. [`planner`] takes what they offer and places a
//! whole shortlist at once; what looks random there follows from a seed.

mod agenda;
mod busy;
mod cell_set;
mod cells;
mod check;
mod civil;
mod hours;
mod instants;
mod panel;
mod plan;
pub mod planner;
mod prepared;
mod range;
mod reason;
pub mod recurrence;
mod request;
mod rulebook;
mod rules;
mod slots;
mod zone;

pub use agenda::Agenda;
pub use busy::{Busy, BusySet, all_day};
pub use cell_set::CellSet;
pub use cells::{CELL_SECONDS, Cell, cell_bounds, cells};
pub use check::check;
pub use civil::{DaySpan, SpanError, TimeOfDay};
pub use hours::{HoursError, WeeklyHours};
pub use panel::{Group, GroupStanding, MemberReason, MemberReasons, Panel, PanelError, PanelExplanation};
pub use plan::{Obstacle, Placement, plan};
pub use prepared::Prepared;
pub use range::{RangeError, TimeRange};
pub use reason::{Explanation, Owner, Reason};
pub use request::{CivilHours, Guest, LengthError, Request, SlotLength};
pub use rules::{
    Holiday, HolidaySource, InARow, Leave, Lunch, Preference, RuleError, Rules, RulesDraft, RulesError, WeekPattern, preference,
};
pub use slots::{Query, Slots, slots};
pub use zone::{Zone, ZoneError};
