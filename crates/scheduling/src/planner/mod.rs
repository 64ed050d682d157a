//! A whole shortlist at once: guests who each need every round of a loop, and people of whom so many of each group sit.
//!
//! **Invariant:** the same problem and [`Effort`] give the same plan, as long as `keep_going` answers the same; more iterations
//! never give a dearer one. No clock is read: how long is long enough is the caller's to say.
//!
//! The way through: a [`Problem`] is checked ([`ProblemError`]) and read into bits (`model`). `state` is a plan that is being made,
//! with what it costs and where each round could still start. `insert` places what a guest lacks; `greedy` does so for one guest
//! after the other, `search` takes a few meetings out and puts them back better, `exact` tries everything where that is little.
//! `bound` and `capacity` say how much better any plan could be. [`repair`] is the same search with an old plan to stay near.
//! [`explain`], [`Summary`] and [`compare`] say what a plan means. [`violations`] judges a plan and shares no line with what made
//! it.

mod bound;
mod capacity;
mod cost;
mod errors;
mod exact;
mod explain;
mod greedy;
mod insert;
mod model;
mod plan;
mod problem;
mod random;
mod repair;
mod search;
mod state;
mod summary;
mod violations;
mod why;

pub use self::{
    errors::{
        MOST_CARRIED_MINUTES, MOST_CELLS, MOST_GUESTS, MOST_PEOPLE, MOST_ROUNDS, MOST_START_CELLS, MOST_USEFUL_MINUTES,
        ProblemError,
    },
    explain::{EarlierStarts, MeetingReasons, Standing, explain},
    plan::{Cost, Plan, Unplaced, Why},
    problem::{DayRule, Days, Declined, GuestTime, Meeting, PersonTime, Problem, Round, Weights},
    repair::{Change, Repaired, repair},
    search::{Effort, plan},
    summary::{Carried, Comparison, Summary, compare, what_if},
    violations::{Violation, violations},
};
