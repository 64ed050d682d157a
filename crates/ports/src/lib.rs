//! The few traits between the use cases and the world outside: Store, CalendarProvider, Mailer, Clock, LeaseClock, Entropy.
//!
//! Adapters implement them; `app` is handed them as `dyn`. Errors here say what a caller can do about them, never how the adapter works.

pub mod calendar;
pub mod change;
pub mod mail;
pub mod store;
pub mod world;

pub use calendar::CalendarProvider;
pub use change::{Change, Conflict, Put};
pub use mail::Mailer;
pub use store::Store;
pub use world::{Clock, Entropy, LeaseClock};
